"""How much of a limit is used, and when is it over? Time that counts, less the time in which the clock was paused."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

from shared.calendar.civic import DAY, MICROSECOND, instant, local_instant, micros

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from shared.calendar.civic import Calendar

SegmentKind = Literal["running", "paused", "outside-hours", "weekend", "holiday", "off"]


class Pause(NamedTuple):
    """A time in which a clock does not run; without an end it lasts."""

    start: datetime
    end: datetime | None
    reason: str = ""


class Segment(NamedTuple):
    """A stretch of a clock's life."""

    start: datetime
    end: datetime
    kind: SegmentKind
    zh: str = ""
    en: str = ""
    """Name of the holiday, or reason of the pause."""


def merged(pauses: Sequence[Pause]) -> list[tuple[int, int | None]]:
    """Give pauses in order and without overlaps (µs since 1970), so that none counts twice.

    One that ends before it begins is none.
    """
    out: list[tuple[int, int | None]] = []
    for pause in sorted(pauses, key=lambda each: each.start):
        start, end = micros(pause.start), None if pause.end is None else micros(pause.end)
        if end is not None and end <= start:
            continue
        if out and (out[-1][1] is None or start <= out[-1][1]):
            last = out[-1][1]
            out[-1] = (out[-1][0], None if last is None or end is None else max(last, end))
        else:
            out.append((start, end))
    return out


def advance(calendar: Calendar, start: datetime, length: timedelta, pauses: Sequence[Pause] = ()) -> datetime | None:
    """Give the instant at which `length` of counted time has passed since `start`; None while a pause has no end.

    A deadline that falls on the end of an interval, or on the beginning of a pause, stays there. What has no length
    is over at its start. Raises OutOfCalendarError.
    """
    at, left = micros(start), length // MICROSECOND
    if left <= 0:
        return instant(at)
    for begin, end in merged(pauses):
        due = calendar.after(calendar.worked(at) + left)
        if due <= begin:
            return instant(due)
        if begin > at:
            left -= calendar.worked(begin) - calendar.worked(at)
        if end is None:
            return None
        at = max(at, end)
    return instant(calendar.after(calendar.worked(at) + left))


def elapsed(calendar: Calendar, start: datetime, until: datetime, pauses: Sequence[Pause] = ()) -> timedelta:
    """Give the counted time from `start` to `until`, less the pauses in it; none when `until` lies before."""
    first, last = micros(start), micros(until)
    if last <= first:
        return timedelta(0)
    used = calendar.worked(last) - calendar.worked(first)
    for begin, end in merged(pauses):
        low, high = max(begin, first), last if end is None else min(end, last)
        if low < high:
            used -= calendar.worked(high) - calendar.worked(low)
    return timedelta(microseconds=used)


def days_later(start: datetime, days: int, zone: ZoneInfo) -> datetime:
    """Give the instant so many natural days after `start`: the same wall-clock time, also where the clocks change.

    That is 24 hours a day wherever they do not. A time that the clocks skip is the instant at which they skip it.
    """
    wall = start.astimezone(zone).replace(tzinfo=None) + days * DAY
    return max(instant(local_instant(wall, zone)), instant(micros(start)))


def segments(calendar: Calendar, start: datetime, until: datetime, pauses: Sequence[Pause] = ()) -> list[Segment]:
    """Give what a clock did from `start` to `until`, without a gap."""
    out: list[Segment] = []
    for piece in _split(calendar, start, until, pauses):
        last = out[-1] if out else None
        if last is not None and (last.kind, last.zh, last.en) == (piece.kind, piece.zh, piece.en):
            out[-1] = last._replace(end=piece.end)
        else:
            out.append(piece)
    return out


def _split(calendar: Calendar, start: datetime, until: datetime, pauses: Sequence[Pause]) -> Iterator[Segment]:
    at = start
    ordered = sorted(pauses, key=lambda each: each.start)
    for begin, end in merged(pauses):
        stop = until if end is None else min(instant(end), until)
        low = max(instant(begin), start)
        if low >= stop:
            continue
        yield from _counted(calendar, at, low)
        edges = {edge for each in ordered for edge in (each.start, each.end) if edge is not None and low < edge < stop}
        for turn, next_turn in pairwise([low, *sorted(edges), stop]):
            reason = next(
                (each.reason for each in ordered if each.start <= turn and (each.end is None or each.end > turn)), ""
            )
            yield Segment(turn, next_turn, "paused", reason, reason)
        at = stop
    yield from _counted(calendar, at, until)


def _counted(calendar: Calendar, start: datetime, until: datetime) -> Iterator[Segment]:
    """Give the stretches between pauses."""
    if calendar.always:
        if start < until:
            yield Segment(start, until, "running")
        return
    at = start
    while at < until:
        today = at.astimezone(calendar.zone).date()
        tomorrow = datetime.combine(today + DAY, time.min)
        stop = min(instant(local_instant(tomorrow, calendar.zone)), until)
        day = calendar.day(today)
        if not day.hours:
            kind: SegmentKind = "weekend" if day.kind == "weekend" else "off" if day.kind == "off" else "holiday"
            yield Segment(at, stop, kind, day.zh, day.en)
            at = stop
            continue
        while at < stop:
            running, until_then = calendar.stretch(micros(at))
            turn = stop if until_then >= micros(stop) else instant(until_then)
            yield Segment(at, turn, "running" if running else "outside-hours")
            at = turn
