"""How does a test put the system clock forward or back? Only for shared/clock.py, the only reader of time."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Self

from shared import clock

if TYPE_CHECKING:
    import pytest


class World:
    """The system clock as gridcall sees it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Begin with the right time."""
        self.offset = timedelta(0)
        world = self

        class Shown(datetime):
            """What a clock shows that may have been put forward or back."""

            @classmethod
            def now(cls, tz: tzinfo | None = None) -> Self:
                return super().now(tz) + world.offset

        monkeypatch.setattr(clock, "datetime", Shown)

    def jump(self, by: timedelta) -> None:
        """Put it forward, or back."""
        self.offset += by
