"""Which working times do the desk's tests count in? A small city with office hours, and one clock's life in it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from services.desk.deadlines import deadlines
from services.desk.names import Names
from shared import messages as m
from shared.calendar import Pause
from shared.deadline import counted_on, due_at, moved, warnings_at
from shared.profile import parse_profile
from tests.unit.desk.lives import Life
from tests.unit.profile.small import SMALL

OFFICE: Final = """\
calendars:
  office:
    zh: 机关工作时间
    en: office hours
    hours: ["08:30-12:00", "14:00-18:00"]
    holidays: CN
    work_day: whole
  rolling: {zh: 滚动, en: rolling, hours: ["08:30-12:00", "14:00-18:00"], holidays: CN}
clocks:
  calendar: office
"""
PROFILE: Final = parse_profile(SMALL.replace("clocks:\n", OFFICE), "office.yaml")
NAMES: Final = Names(PROFILE)
ZONE: Final = ZoneInfo(PROFILE.zone)
TOKEN: Final = "handle-1"  # noqa: S105 - names a run of a clock


def at(day: str, hour: str = "00:00") -> datetime:
    """Give an instant by the city's clocks."""
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZONE)


class Office(Life):
    """One handling clock, with the facts that sla says of it."""

    def __init__(self, start: datetime, amount: float = 1, unit: str = "work_days", calendar: str = "office") -> None:
        """Start a clock."""
        super().__init__()
        self.start, self.limit, self.calendar = start, m.Span(amount=amount, unit=unit), PROFILE.calendar(calendar)
        self.due = due_at(start, self.limit, self.calendar)
        self.pauses: list[Pause] = []
        self.extra = timedelta(0)
        self.reported().triaged()
        self.fact(m.ClocksStarted(clocks=(self.begin(),)))

    def begin(self, **more: Any) -> m.ClockStart:
        """Give the fact of its start."""
        on = counted_on(self.limit, self.calendar)
        fields: dict[str, Any] = {
            "clock": "handle",
            "token": TOKEN,
            "order_id": "o",
            "started_at": self.start,
            "due_at": self.due,
            "warn_at": warnings_at(self.start, self.due, (0.8,), counted_on(self.limit, self.calendar))[0],
            "limit": self.limit,
            "calendar": on.id,
            "provisional": on.provisional(self.due),
        }
        return m.ClockStart(**(fields | more))

    def pause(self, since: datetime, reason: str = "season") -> Office:
        """Let it rest."""
        self.pauses.append(Pause(since, None, reason))
        self.fact(m.ClocksPaused(tokens=(TOKEN,), reason=reason, since=since))
        return self

    def resume(self, until: datetime) -> Office:
        """Let it go on."""
        self.pauses[-1] = self.pauses[-1]._replace(end=until)
        return self.count("resumed", until)

    def count(self, why: Any, since: datetime, **more: Any) -> Office:
        """Count its limit again."""
        new = moved(self.start, self.limit, self.calendar, self.pauses, self.extra)
        assert new is not None
        on = counted_on(self.limit, self.calendar)
        fields: dict[str, Any] = {"calendar": on.id, "provisional": on.provisional(new)}
        move = m.ClockMove(clock="handle", token=TOKEN, old=self.due, new=new, **(fields | more))
        self.due = new
        self.fact(m.ClocksRecalculated(clocks=(move,), why=why, at=since))
        return self

    def end(self, **more: Any) -> Office:
        """End it, at the instant of the next record."""
        stop = m.ClockStop(clock="handle", token=TOKEN, **({"outcome": "met"} | more))
        self.fact(m.ClocksStopped(clocks=(stop,)))
        return self

    def explained(self, now: datetime) -> dict[str, Any]:
        """Give the clock as the desk explains it."""
        (found,) = deadlines(self.view(), NAMES, now)
        return found
