"""How fast may one topic of a door bring records? A bucket of tokens each, so that a flood waits on its own topic."""

from __future__ import annotations


class Bucket:
    """Holds `burst` tokens and gets `rate` more a second; it may be overdrawn by one batch."""

    def __init__(self, rate: float, burst: float, at: float) -> None:
        """Begin full at an instant (seconds, any clock that only goes on)."""
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = at

    def take(self, count: int, at: float) -> float:
        """Take a token for each record; gives after how many seconds the next may be read, 0 for at once."""
        self._tokens = min(self._burst, self._tokens + (at - self._at) * self._rate) - count
        self._at = at
        return max(0.0, -self._tokens / self._rate)


class Buckets:
    """One bucket per topic."""

    def __init__(self, rate: float, burst: float) -> None:
        """Every topic may bring `rate` records a second, after `burst` at once; 0 is no limit."""
        self._rate = rate
        self._burst = burst
        self._buckets: dict[str, Bucket] = {}

    def take(self, topic: str, count: int, at: float) -> float:
        """Give after how many seconds a topic that has brought `count` records may be read again."""
        if not self._rate:
            return 0.0
        bucket = self._buckets.get(topic)
        if bucket is None:
            bucket = self._buckets[topic] = Bucket(self._rate, self._burst, at)
        return bucket.take(count, at)


UNLIMITED = Buckets(0, 0)
"""The log and the hotlines' door: nothing is held back."""
