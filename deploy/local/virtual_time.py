"""How does the stack's time go on over restarts, also with another speed, and never back?

`clock.json` keeps the origin of the running stack. While a stack that ran faster than the world is stopped,
its time stands still: a night without it must not breach a month of deadlines. It never falls behind the world.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from shared.clock import Clock, RealClock

if TYPE_CHECKING:
    from pathlib import Path

WORLD = RealClock()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where virtual time starts; `stopped_at` is the real instant of the last clean stop, or empty."""

    real_origin: str
    virtual_origin: str
    speed: float
    stopped_at: str = ""

    @property
    def variable(self) -> str:
        """Give the value of GRIDCALL_CLOCK_ORIGIN."""
        return f"{self.real_origin}/{self.virtual_origin}"

    def virtual(self, real: datetime) -> datetime:
        """Give the virtual instant of a real one."""
        passed = real - datetime.fromisoformat(self.real_origin)
        return datetime.fromisoformat(self.virtual_origin) + passed * self.speed


def begin(file: Path, speed: float, world: Clock = WORLD) -> Origin:
    """Give the origin for a stack that starts now, and keep it in the file."""
    now = world.now()
    origin = Origin(now.isoformat(), _virtual_start(_kept(file), now).isoformat(), speed)
    _keep(file, origin)
    return origin


def end(file: Path, world: Clock = WORLD) -> None:
    """Note that the stack has stopped now."""
    kept = _kept(file)
    if kept:
        _keep(file, Origin(kept.real_origin, kept.virtual_origin, kept.speed, world.now().isoformat()))


def _virtual_start(last: Origin | None, now: datetime) -> datetime:
    if last is None:
        return now
    reached = last.virtual(datetime.fromisoformat(last.stopped_at) if last.stopped_at else now)
    return max(reached, now)


def _kept(file: Path) -> Origin | None:
    return Origin(**json.loads(file.read_text(encoding="utf-8"))) if file.exists() else None


def _keep(file: Path, origin: Origin) -> None:
    part = file.with_suffix(".part")
    part.write_text(json.dumps(asdict(origin), indent=1) + "\n", encoding="utf-8")
    part.replace(file)
