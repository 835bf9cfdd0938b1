"""What does the calendar ask for, and is each thing reported once, whoever looks and however often?"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from services.intake.schedule import LOOK_BACK, Scheduler, due
from shared.profile import ProfileInvalid, parse_profile
from tests.unit.intake.counter import Counter
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.profile import Profile

OFFICE_DAY = """
schedules:
  - id: office-day
    zh: 社区办公日
    en: Community office day
    category: "0101"
    condition: building
    levels: [community]
    rule: FREQ=WEEKLY;INTERVAL=2;BYDAY=TH
    since: 2026-03-05
    ahead_days: 3
    text: 社区办公日
    follow_up: {category: "0101", condition: built, after_days: 10, text: 社区办公日回访}
calendars:
  office: {zh: 机关, en: Office, hours: [09:00-12:00, 14:00-18:00], holidays: CN}
"""


def city(text: str = OFFICE_DAY) -> Profile:
    """Give the small city with office days, in office hours."""
    return parse_profile(SMALL.replace("  warn_share: 0.8", "  warn_share: 0.8\n  calendar: office") + text, "city")


def at(day: int, month: int = 3, hour: int = 0) -> datetime:
    """Give an instant of 2026 by the clocks of Shanghai."""
    return datetime(2026, month, day, hour, tzinfo=UTC) - timedelta(hours=8)


def keys(profile: Profile, since: datetime, until: datetime) -> list[str]:
    """Give the keys of what is due, in order."""
    return [each.key for each in sorted(due(profile, since, until), key=lambda each: each.at)]


def test_every_unit_of_the_level_has_one_in_every_second_week_reported_ahead() -> None:
    """Thursday the 5th and the 19th, each told three days before."""
    found = keys(city(), at(1), at(17))
    assert found[:2] == ["schedule/office-day/100000001001/2026-03-05", "schedule/office-day/100000002001/2026-03-05"]
    assert [key for key in found if "follow-up" not in key][2:] == [
        "schedule/office-day/100000001001/2026-03-19",
        "schedule/office-day/100000002001/2026-03-19",
    ]
    told = {each.key: each.at for each in due(city(), at(1), at(17))}
    assert told["schedule/office-day/100000001001/2026-03-19"] == at(16)
    assert told["schedule/office-day/100000001001/2026-03-05/follow-up"] == at(15)


def test_a_holiday_moves_it_to_the_next_working_day() -> None:
    """The first of October is National Day, and so is the week after it; the key stays that of the day planned."""
    text = OFFICE_DAY.replace("since: 2026-03-05", "since: 2026-10-01").replace("ahead_days: 3", "ahead_days: 0")
    first = min(due(city(text), at(30, 9), at(20, 10)), key=lambda each: each.at)
    assert first.key.endswith("/2026-10-01")
    assert first.body["attributes"]["day"] == "2026-10-08"
    kept = text.replace("    text: 社区办公日\n", "    text: 社区办公日\n    on_work_days: false\n", 1)
    assert min(due(city(kept), at(30, 9), at(20, 10)), key=lambda e: e.at).body["attributes"]["day"] == "2026-10-01"


def test_however_time_is_cut_into_looks_the_same_is_due() -> None:
    """No day falls between two looks, and none is in both."""
    whole = keys(city(), at(1), at(30, 4))
    pieces: list[str] = []
    since = at(1)
    for hours in (1, 7, 23, 24, 25, 200, 500, 5000):
        until = min(since + timedelta(hours=hours), at(30, 4))
        pieces += keys(city(), since, until)
        since = until
    assert sorted(pieces) == sorted(whole)
    assert len(set(whole)) == len(whole) > 10


async def test_what_is_due_is_reported_once_by_however_many_processes() -> None:
    """A first look begins today; a later one where the last ended; the same twice is one ticket."""
    counter = Counter(profile=city())
    counter.clock.advance(at(2, hour=9) - counter.clock.now())
    for scheduler in (Scheduler(counter.desk, counter.clock), Scheduler(counter.desk, counter.clock)):
        await one_step(scheduler, counter)
    assert len(counter.store.documents) == 2
    counter.clock.advance(timedelta(days=13))
    await one_step(Scheduler(counter.desk, counter.clock), counter)
    texts = sorted(document["report"] for document in counter.store.documents.values())
    assert [text.rpartition("/")[2] for text in texts] == ["2026-03-05", "follow-up", "2026-03-05", "follow-up"]


async def test_after_a_long_outage_it_looks_back_for_a_while_only() -> None:
    """A visit of two months ago makes no sense any more."""
    counter = Counter(profile=city())
    counter.clock.advance(at(2, hour=9) - counter.clock.now())
    await one_step(Scheduler(counter.desk, counter.clock), counter)
    counter.clock.advance(timedelta(days=90))
    await one_step(Scheduler(counter.desk, counter.clock), counter)
    days = {document["at"] for document in counter.store.documents.values()}
    assert len(days) == 2
    assert len(counter.store.documents) < 2 + 2 * (LOOK_BACK.days // 14 + 1) * 2 + 1


async def one_step(scheduler: Scheduler, counter: Counter) -> None:
    """Let it look once: it then waits for a time that does not come."""
    before = counter.clock.now()
    task = asyncio.create_task(scheduler.step())
    for _ in range(100):
        await asyncio.sleep(0)
        if counter.store.looked_until is not None and counter.store.looked_until >= before:
            break
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


WRONG = {
    "no rule": ("rule: FREQ=WEEKLY;INTERVAL=2;BYDAY=TH", "rule: every Thursday", "no rule of RFC 5545"),
    "nowhere": ("    levels: [community]\n", "", "say where"),
    "unknown level": ("levels: [community]", "levels: [village]", "unknown level 'village'"),
    "unknown category": (
        '    category: "0101"\n    condition: building',
        '    category: "9"\n    condition: building',
        "'9'",
    ),
    "unknown condition": ("condition: building", "condition: old", "unknown condition 'old'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_schedule_that_cannot_be_is_refused_with_its_line(name: str) -> None:
    """And with what to change."""
    old, new, said = WRONG[name]
    assert old in OFFICE_DAY
    with pytest.raises(ProfileInvalid, match=said) as wrong:
        city(OFFICE_DAY.replace(old, new, 1))
    assert wrong.value.errors[0].line > 1
