"""What time is it? The only reader of time: real, faster than the world, or stopped for a test."""

from __future__ import annotations

import asyncio
import contextlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

LONGEST_SLEEP_S = 1.0
"""A sleeper looks at the clock at least this often: a jump of the system clock, or a suspended machine, of which the
event loop's own clock knows nothing, delays nothing by more."""


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

    Virtual time is `virtual_origin + (real - real_origin) * speed`; before `real_origin` it stands still.
    Processes that share the two origins agree on the time.
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
        return self._virtual + max(real - self._real, timedelta()) * self.speed

    async def sleep_until(self, at: datetime, wake: asyncio.Event | None = None) -> None:
        """Sleep at most `LONGEST_SLEEP_S` real seconds; return early when `wake` is set."""
        ahead = (at - self.now()).total_seconds() / self.speed
        if ahead <= 0:
            return
        stands = (self._real - datetime.now(UTC)).total_seconds()  # noqa: TID251 - the only reader of time
        seconds = min(ahead + max(stands, 0.0), LONGEST_SLEEP_S)
        if wake is None:
            await asyncio.sleep(seconds)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await wake.wait()


class HeldClock(RealClock):
    """A clock whose origins stand in a file; while the real one lies ahead, it looks there again."""

    def __init__(self, speed: float, file: Path) -> None:
        """Read the file: JSON with `real_origin` and `virtual_origin`."""
        super().__init__(speed, *_origins(file))
        self._file = file

    def now(self) -> datetime:
        """Give the instant as aware UTC."""
        if self._real > datetime.now(UTC):  # noqa: TID251 - the only reader of time
            self._real, self._virtual = _origins(self._file)
        return super().now()


def _origins(file: Path) -> tuple[datetime, datetime]:
    kept = json.loads(file.read_text(encoding="utf-8"))
    return datetime.fromisoformat(kept["real_origin"]), datetime.fromisoformat(kept["virtual_origin"])


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
    """Give the clock for GRIDCALL_CLOCK_SPEED and GRIDCALL_CLOCK_ORIGIN ("<real>/<virtual>", ISO 8601, or a file)."""
    if not origin:
        return RealClock(speed)
    if origin.startswith("/"):
        return HeldClock(speed, Path(origin))
    real, _, virtual = origin.partition("/")
    real_origin = datetime.fromisoformat(real)
    return RealClock(speed, real_origin, datetime.fromisoformat(virtual or real))
