"""What time is it? The only reader of time: real, faster than the world, or stopped for a test."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Protocol

LONGEST_SLEEP_S = 5.0
"""A sleeper looks at the clock at least this often, so that a jump of the system clock delays nothing for long."""


class Clock(Protocol):
    """Gives the instant, and wakes sleepers at an instant."""

    def now(self) -> datetime:
        """Give the instant as aware UTC."""
        ...

    async def sleep_until(self, at: datetime, wake: asyncio.Event | None = None) -> None:
        """Return when `now() >= at`, or when `wake` is set, or somewhat earlier: look again."""
        ...


class RealClock:
    """The system clock, optionally running `speed` times faster since `real_origin`.

    Virtual time is `virtual_origin + (real - real_origin) * speed`; processes that share the two
    origins agree on the time.
    """

    def __init__(
        self,
        speed: float = 1.0,
        real_origin: datetime | None = None,
        virtual_origin: datetime | None = None,
    ) -> None:
        """Take the system clock as it is when no origin is given."""
        self.speed = speed
        self._real = real_origin or datetime.now(UTC)  # noqa: TID251 - the only reader of time
        self._virtual = virtual_origin or self._real

    def now(self) -> datetime:
        """Give the instant as aware UTC."""
        real = datetime.now(UTC)  # noqa: TID251 - the only reader of time
        if self.speed == 1.0 and self._real == self._virtual:
            return real
        return self._virtual + (real - self._real) * self.speed

    async def sleep_until(self, at: datetime, wake: asyncio.Event | None = None) -> None:
        """Sleep at most `LONGEST_SLEEP_S` real seconds; return early when `wake` is set."""
        seconds = min((at - self.now()).total_seconds() / self.speed, LONGEST_SLEEP_S)
        if seconds <= 0:
            return
        if wake is None:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()


class StoppedClock:
    """A clock that a test moves; sleepers wake when it passes their instant."""

    def __init__(self, at: datetime) -> None:
        """Stand still at `at` (aware)."""
        self._now = at.astimezone(UTC)
        self._moved = asyncio.Event()

    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self._now

    def advance(self, by: timedelta) -> None:
        """Move forward (or back, as a corrected system clock may) and wake all sleepers."""
        self._now += by
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    async def sleep_until(self, at: datetime, wake: asyncio.Event | None = None) -> None:
        """Return when the clock has been moved to or past `at`, or when `wake` is set."""
        while self._now < at:
            waits = [asyncio.ensure_future(self._moved.wait())]
            if wake is not None:
                waits.append(asyncio.ensure_future(wake.wait()))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()
            if wake is not None and wake.is_set():
                return


def clock_from(speed: float, origin: str) -> RealClock:
    """Give the clock for GRIDCALL_CLOCK_SPEED and GRIDCALL_CLOCK_ORIGIN ("<real>/<virtual>", ISO 8601)."""
    if not origin:
        return RealClock(speed)
    real, _, virtual = origin.partition("/")
    real_origin = datetime.fromisoformat(real)
    return RealClock(speed, real_origin, datetime.fromisoformat(virtual or real))
