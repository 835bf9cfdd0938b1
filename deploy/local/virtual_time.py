"""How does the stack's time go on over restarts, also with another speed, and never back?

`clock.json` keeps the origin of the running stack. While a stack that runs faster than the world is stopped, and
while its parts start, its time stands still: a night without it must not breach a month of deadlines. It never falls
behind the world, unless it was told to begin in the past: there it stays, for a leap to today would breach it all.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shared.clock import Clock, RealClock

if TYPE_CHECKING:
    from pathlib import Path

WORLD = RealClock()
HELD = "9999-01-01T00:00:00+00:00"
"""The real origin of a time that stands still until it is told to go."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where virtual time starts; `stopped_at` is the real instant of the last clean stop, or empty."""

    real_origin: str
    virtual_origin: str
    speed: float
    stopped_at: str = ""
    in_the_past: bool = False
    """Whether the data's time was told where to begin, and so follows the world no more."""
    fastest: float = 1.0
    """The highest speed at which this data was written: a second's delay was never longer than so many."""

    @property
    def variable(self) -> str:
        """Give the value of GRIDCALL_CLOCK_ORIGIN."""
        return f"{self.real_origin}/{self.virtual_origin}"

    @property
    def held(self) -> bool:
        """Tell whether time stands still."""
        return self.real_origin == HELD

    def virtual(self, real: datetime) -> datetime:
        """Give the virtual instant of a real one."""
        passed = max(real - datetime.fromisoformat(self.real_origin), timedelta())
        return datetime.fromisoformat(self.virtual_origin) + passed * self.speed


def begin(file: Path, speed: float, world: Clock = WORLD, at: datetime | None = None) -> Origin:
    """Give the origin for a stack that starts now, and keep it in the file; `at`: where its first start begins.

    A time that is faster than the world's stands still until `go`: hours would be gone before the parts are up.
    """
    now, last = world.now(), _kept(file)
    origin = Origin(
        real_origin=HELD if speed > 1 else now.isoformat(),
        virtual_origin=(at if last is None and at is not None else _virtual_start(last, now)).isoformat(),
        speed=speed,
        in_the_past=at is not None if last is None else last.in_the_past,
        fastest=max(speed, 1.0, *(() if last is None else (last.speed, last.fastest))),
    )
    _keep(file, origin)
    return origin


def fastest(file: Path) -> float:
    """Give the highest speed at which the data beside the file was written; 1 where nothing is known."""
    kept = _kept(file)
    return 1.0 if kept is None else max(kept.fastest, kept.speed)


def go(file: Path, world: Clock = WORLD) -> None:
    """Let a time that is held run from now on."""
    kept = _kept(file)
    if kept and kept.held:
        _keep(file, replace(kept, real_origin=world.now().isoformat()))


def end(file: Path, world: Clock = WORLD) -> None:
    """Note that the stack has stopped now."""
    kept = _kept(file)
    if kept:
        _keep(file, replace(kept, stopped_at=world.now().isoformat()))


def _virtual_start(last: Origin | None, now: datetime) -> datetime:
    if last is None:
        return now
    reached = last.virtual(datetime.fromisoformat(last.stopped_at) if last.stopped_at else now)
    return reached if last.in_the_past else max(reached, now)


def _kept(file: Path) -> Origin | None:
    return Origin(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _keep(file: Path, origin: Origin) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(origin), indent=1) + "\n", encoding="utf-8")
    part.replace(file)
