"""What did a clock do when, and how much of its time is used? Its life laid beside the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.calendar import ALWAYS, OutOfCalendarError, Pause, Segment, elapsed, segments
from shared.deadline import length

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.desk.clocks import Clock
    from services.desk.names import Names
    from shared.calendar import Calendar

RELIMITED: Final = frozenset({"policy", "edited"})
"""Why a clock that rests is counted again."""
LONGEST: Final = timedelta(days=400)
"""Of a longer clock only the beginning is laid out; what is used and left is that of the whole."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A clock's time: counted time, of which nights and holidays are no part where its calendar says so."""

    calendar: Calendar
    present: bool
    """Whether it is the version by which the limit was counted; else the profile has another one by now."""
    segments: tuple[Segment, ...] = ()
    used: timedelta = timedelta(0)
    left: timedelta = timedelta(0)
    paused: timedelta = timedelta(0)
    make_up: tuple[date, ...] = ()
    """Days on which it ran although they lie on a weekend (调休)."""


def counted(clock: Clock, names: Names, now: datetime) -> Counted:
    """Give a clock's time as of `now`; nothing of one that no calendar can count."""
    name, _, version = clock.calendar.partition("@")
    calendar = names.calendar(name)
    present = calendar.name == name and (name == ALWAYS.name or version in {"", calendar.version})
    pauses = [Pause(each.since, each.until, each.reason) for each in clock.pauses]
    settled = [each for each in pauses if each.end is not None]  # of one that lasts the limit does not know yet
    start, end = clock.started_at, clock.ended_at or now
    try:
        used = elapsed(calendar, start, end, pauses)
        pieces = tuple(segments(calendar, start, min(_until(clock, now), start + LONGEST), pauses))
        return Counted(
            calendar=calendar,
            present=present,
            segments=pieces,
            used=used,
            left=max(
                (_length(clock, calendar) or elapsed(calendar, start, clock.due_at, settled)) - used, timedelta(0)
            ),
            paused=elapsed(calendar, start, end) - used,
            make_up=_make_up(calendar, pieces, names),
        )
    except (OutOfCalendarError, OverflowError, KeyError):  # a unit of time that nobody knows any more
        return Counted(calendar, present)


def _length(clock: Clock, calendar: Calendar) -> timedelta | None:
    """Give the whole counted time of a clock that got another length while it rests; None for any other.

    Its limit follows only when it goes on, so what is left cannot be read off the limit that stood before.
    """
    if not clock.rests or not any(each.why in RELIMITED and each.at >= clock.pauses[-1].since for each in clock.moves):
        return None
    extended = (elapsed(calendar, each.old, each.new) for each in clock.moves if each.why == "extended")
    return length(clock.started_at, clock.limit, calendar) + sum(extended, timedelta(0))


def spent(clock: Clock, names: Names) -> timedelta:
    """Give the counted time of a clock from its start to its end, pauses included."""
    try:
        return elapsed(
            names.calendar(clock.calendar.partition("@")[0]), clock.started_at, clock.ended_at or clock.started_at
        )
    except (OutOfCalendarError, OverflowError):
        return timedelta(0)


def _until(clock: Clock, now: datetime) -> datetime:
    """Give up to when a clock is shown: its limit, or its end or now if that is later; while it rests, up to now."""
    if clock.pauses and clock.pauses[-1].until is None:
        return clock.ended_at or now
    return max(clock.due_at, clock.ended_at or now)


def _make_up(calendar: Calendar, pieces: Sequence[Segment], names: Names) -> tuple[date, ...]:
    if calendar.always:
        return ()
    days = (names.local(piece.start).date() for piece in pieces if piece.kind == "running")
    return tuple(day for day in dict.fromkeys(days) if calendar.day(day).kind == "make-up")
