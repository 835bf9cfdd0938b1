"""When is something due? The one place where a limit becomes an instant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from shared.messages import Span

SECONDS = {
    "minutes": 60,
    "urgent_hours": 3600,
    "urgent_days": 86400,
    "work_hours": 3600,
    "work_days": 86400,
    "natural_days": 86400,
}
"""Plain wall-clock reading of each unit. Working hours and days run on for now: calendars come in here."""


def length(limit: Span) -> timedelta:
    """Give a limit's length in wall-clock time; raises KeyError for a unit that does not exist."""
    return timedelta(seconds=limit.amount * SECONDS[limit.unit])


def due_at(start: datetime, limit: Span) -> datetime:
    """Give the instant at which a limit that began at `start` (aware) has passed."""
    return start + length(limit)
