"""When is something due? The one place where a limit becomes an instant."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from shared.calendar import ALWAYS, advance, days_later, elapsed
from shared.calendar.civic import instant, micros

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.calendar import Calendar, Pause


class Limited(Protocol):
    """An amount of time in one of the units: a profile's Limit, a message's Span."""

    @property
    def amount(self) -> float:
        """How many."""
        ...

    @property
    def unit(self) -> str:
        """Of what."""
        ...


CONTINUOUS: Final[dict[str, timedelta]] = {
    "minutes": timedelta(minutes=1),
    "urgent_hours": timedelta(hours=1),
    "urgent_days": timedelta(days=1),
    "natural_days": timedelta(days=1),
}
"""Units that run on through nights and holidays. The others count working time: work_hours and work_days."""
DAY: Final = timedelta(days=1)


def counted_on(limit: Limited, calendar: Calendar) -> Calendar:
    """Give the calendar on which a limit is counted: none but its own unit decides whether it runs on."""
    return ALWAYS if limit.unit in CONTINUOUS else calendar


def length(start: datetime, limit: Limited, calendar: Calendar) -> timedelta:
    """Give how much counted time a limit is that begins at `start`; raises KeyError for a unit that does not exist.

    A natural day ends at the same local time as the one before, also where the clocks change (round the clock: after
    24 hours). A working day is so many hours (rolling), or ends with the business of the nth working day after the
    first, which does not count (whole), as the calendar says; round the clock it is 24 hours.
    """
    if limit.unit == "natural_days" and not calendar.always and limit.amount == int(limit.amount):
        return days_later(start, int(limit.amount), calendar.zone) - start
    if limit.unit in CONTINUOUS:
        return limit.amount * CONTINUOUS[limit.unit]
    if limit.unit == "work_hours":
        return timedelta(hours=limit.amount)
    if limit.unit != "work_days":
        raise KeyError(limit.unit)
    if calendar.always:
        return limit.amount * DAY
    if calendar.rules.work_day == "rolling":
        return timedelta(hours=limit.amount * calendar.rules.work_day_hours)
    return elapsed(calendar, start, instant(calendar.closing(micros(start), int(limit.amount))))


def due_at(start: datetime, limit: Limited, calendar: Calendar) -> datetime:
    """Give the instant (aware UTC) at which a limit that began at `start` has passed; raises OutOfCalendarError."""
    return _without_pause(start, length(start, limit, calendar), counted_on(limit, calendar))


def moved(
    start: datetime,
    limit: Limited,
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
    extra: timedelta = timedelta(0),
) -> datetime | None:
    """Give when a limit and what was added to it (counted time) have passed, less the pauses; None while one lasts."""
    return advance(counted_on(limit, calendar), start, length(start, limit, calendar) + extra, pauses)


def added(old: datetime, new: datetime, limit: Limited, calendar: Calendar) -> timedelta:
    """Give the counted time between two limits: what an extension adds."""
    return elapsed(counted_on(limit, calendar), old, new)


def warnings_at(
    start: datetime,
    due: datetime,
    rules: Sequence[float | Limited],
    calendar: Calendar,
    pauses: Sequence[Pause] = (),
) -> tuple[datetime, ...]:
    """Give the instants of a clock's warnings, the earliest first, each once and none at the limit or after it.

    A rule is a share of the counted time, or a length before the limit; a working day is then so many hours as the
    calendar gives one. What would lie before the start is left out.
    """
    counted = elapsed(calendar, start, due, pauses)
    found = set()
    for rule in rules:
        if isinstance(rule, float):
            at = advance(calendar, start, rule * counted, pauses)
        elif rule.unit in CONTINUOUS:
            at = due - rule.amount * CONTINUOUS[rule.unit]
        else:
            hours = rule.amount * (calendar.rules.work_day_hours if rule.unit == "work_days" else 1)
            left = counted - timedelta(hours=hours)
            at = advance(calendar, start, left, pauses) if left > timedelta(0) else None
        if at is not None and start < at < due:
            found.add(at)
    return tuple(sorted(found))


def _without_pause(start: datetime, counted: timedelta, calendar: Calendar) -> datetime:
    at = advance(calendar, start, counted)
    assert at is not None  # noqa: S101 - only a pause without an end makes it so
    return at
