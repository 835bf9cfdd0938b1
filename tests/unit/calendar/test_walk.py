"""Does a slow walk, minute by minute through the days, arrive where the arithmetic does? 100,000 times."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

import pytest

from shared.calendar import Pause, advance, elapsed
from tests.unit.calendar.calendars import kind

if TYPE_CHECKING:
    from shared.calendar import Calendar

BEGIN: Final = datetime(2017, 1, 1, tzinfo=UTC)
END: Final = datetime(2027, 1, 1, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)
HOUR_M: Final = 60
DAY_M: Final = 24 * HOUR_M
MINUTES: Final = (END - BEGIN) // MINUTE
CASES: Final = {
    "office": 40_000,
    "seasons": 20_000,
    "to midnight": 10_000,
    "closed in summer": 10_000,
    "New York around the clock": 10_000,
    "New York": 10_000,
}
"""100,000 together."""
STEPS: Final = (30, 600, 5_000, 30_000, 120_000)
"""Limits up to so many counted minutes: the last is a year of an office's work."""


def minutes_of(calendar: Calendar) -> bytearray:
    """Give a 1 for every minute of ten years that is worked: asked of nothing but what each local date is."""
    days: dict[date, bytearray] = {}
    flags = bytearray()
    for hour in range(MINUTES // HOUR_M):
        local = (BEGIN + timedelta(hours=hour)).astimezone(calendar.zone)  # zones here are whole hours from Greenwich
        if local.date() not in days:
            day = days[local.date()] = bytearray(DAY_M)
            for first, last in calendar.day(local.date()).hours:
                day[first // 60 : last // 60] = b"\1" * ((last - first) // 60)
        flags += days[local.date()][local.hour * HOUR_M : (local.hour + 1) * HOUR_M]
    return flags


@dataclass(frozen=True)
class Case:
    """A clock: all in minutes since 2017."""

    start: int
    length: int
    pauses: list[tuple[int, int]]


def drawn(chance: random.Random) -> Case:
    """Draw a clock; every second has pauses, which may overlap."""
    length = chance.randint(1, chance.choice(STEPS))
    start = chance.randrange(MINUTES - 6 * length - 180 * DAY_M)
    pauses = []
    for _ in range(chance.choice((0, 0, 0, 1, 2, 5))):
        begin = start + chance.randint(-DAY_M, 2 + 5 * length)
        pauses.append((begin, begin + chance.randint(0, chance.choice((HOUR_M, DAY_M, 20 * DAY_M)))))
    return Case(start, length, pauses)


def worked(flags: bytearray, at: int, pauses: list[tuple[int, int]]) -> bytearray:
    """Give the minutes of the next 24 hours, without those that are paused."""
    ahead = flags[at : at + DAY_M]
    for begin, end in pauses:
        first, last = max(begin - at, 0), min(end - at, len(ahead))
        if first < last:
            ahead[first:last] = bytes(last - first)
    return ahead


def walk(flags: bytearray, case: Case) -> int:
    """Go through the minutes, day after day, until enough of them are worked; give the end of the last one."""
    at, left = case.start, case.length
    while at < MINUTES:
        ahead = worked(flags, at, case.pauses)
        count = ahead.count(1)
        if count < left:
            at, left = at + DAY_M, left - count
            continue
        for flag in ahead:
            at, left = at + 1, left - flag
            if not left:
                return at
    raise AssertionError("walked out of the ten years")


def spent(flags: bytearray, case: Case, until: int) -> int:
    """Count the minutes that are worked until then."""
    at, count = case.start, 0
    while at < until:
        count += worked(flags, at, case.pauses)[: until - at].count(1)
        at += DAY_M
    return count


def instant(minute: int) -> datetime:
    """Give the instant of a minute."""
    return BEGIN + minute * MINUTE


@pytest.mark.parametrize(("name", "cases"), CASES.items(), ids=CASES.keys())
def test_the_walk_arrives_where_the_arithmetic_does(name: str, cases: int) -> None:
    """Over ten years with make-up workdays, with and without pauses; and what has elapsed on the way is the same."""
    calendar, chance = kind(name), random.Random(f"walk {name}")  # noqa: S311 - the same cases every time
    flags = minutes_of(calendar)
    for number in range(cases):
        case = drawn(chance)
        pauses = [Pause(instant(begin), instant(end)) for begin, end in case.pauses]
        arrived = walk(flags, case)
        assert advance(calendar, instant(case.start), case.length * MINUTE, pauses) == instant(arrived), case
        if number % 10 == 0:
            until = chance.randint(case.start, arrived)
            assert elapsed(calendar, instant(case.start), instant(until), pauses) == spent(flags, case, until) * MINUTE


def test_the_walk_is_a_walk() -> None:
    """Ten years of minutes, and one that is known by heart: Friday 17:00 plus two hours is Monday 9:30."""
    assert MINUTES == 3652 * DAY_M
    assert sum(CASES.values()) == 100_000
    flags = minutes_of(kind("office"))
    assert len(flags) == MINUTES
    friday = datetime(2026, 3, 6, 9, tzinfo=UTC)
    assert instant(walk(flags, Case((friday - BEGIN) // MINUTE, 120, []))) == datetime(2026, 3, 9, 1, 30, tzinfo=UTC)
