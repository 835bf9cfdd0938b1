"""Is every day in China what the State Council's notices say? A second source, which is not part of this project."""

from __future__ import annotations

import json
from datetime import date
from typing import Final

import pytest

from tests.unit.calendar.calendars import ABSENT, DATA, EVERY_DAY, calendar, every_day

FILE: Final = DATA / "calendar" / "chinese-days.json"
DAYS: Final = every_day(date(2004, 1, 1), date(2026, 12, 31))
UNLIKE: Final = {date(2005, 12, 31)}
"""A Saturday that was worked in exchange for Tuesday 2006-01-03. The file has the Tuesday off and not its Saturday,
which lies in the year before; the library has both.
"""
PLAN_2026: Final = {
    "元旦": ("01-01", "01-03"),
    "春节": ("02-15", "02-23"),
    "清明节": ("04-04", "04-06"),
    "劳动节": ("05-01", "05-05"),
    "端午节": ("06-19", "06-21"),
    "中秋节": ("09-25", "09-27"),
    "国庆节": ("10-01", "10-07"),
}
WORKED_2026: Final = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]

second_source = pytest.mark.skipif(not FILE.exists(), reason=f"chinese-days.json {ABSENT}")


def said() -> tuple[set[date], set[date]]:
    """Give the holidays and the make-up workdays that the file knows."""
    read = json.loads(FILE.read_text(encoding="utf-8"))
    off, work = (set(map(date.fromisoformat, read[key])) for key in ("holidays", "workdays"))
    return off, work


@second_source
def test_every_day_of_23_years_is_working_or_off_as_published() -> None:
    """8,401 days, and all but one agree."""
    (off, work), office = said(), calendar(holidays="CN")
    unlike = {
        day for day in DAYS if bool(office.day(day).hours) != (day in work or (day not in off and day.weekday() < 5))
    }
    assert len(DAYS) == 8401
    assert unlike == UNLIKE


@second_source
def test_every_make_up_workday_is_called_one() -> None:
    """A Saturday on which all work is no usual Saturday, and a usual Monday is no make-up workday."""
    (_, work), office = said(), calendar(holidays="CN")
    assert {day for day in DAYS if office.day(day).kind == "make-up"} == work | UNLIKE


@second_source
def test_weekends_of_a_holiday_are_off_for_those_who_work_on_weekends() -> None:
    """A notice takes the 1st to the 7th off, weekend or not: what the file has as a day off is one of ours.

    We have 30 days more off: weekends beside a holiday that the file does not count to it (most of them before 2019,
    when notices said 与周末连休), among them 2012-06-23, the Dragon Boat Festival itself.
    """
    (off, _), shop = said(), calendar(holidays="CN", week=EVERY_DAY)
    assert [day for day in DAYS if day in off and shop.day(day).hours] == []
    more = [day for day in DAYS if day not in off and not shop.day(day).hours]
    assert len(more) == 30
    assert all(day.weekday() >= 5 for day in more)


def test_the_plan_for_2026_day_by_day() -> None:
    """As the State Council's notice of November 2025 has it, for whoever has no second source."""
    shop = calendar(holidays="CN", week=EVERY_DAY)
    off = {
        day
        for first, last in PLAN_2026.values()
        for day in every_day(date.fromisoformat(f"2026-{first}"), date.fromisoformat(f"2026-{last}"))
    }
    year = every_day(date(2026, 1, 1), date(2026, 12, 31))
    assert {day for day in year if not shop.day(day).hours} == off
    assert [f"{day:%m-%d}" for day in year if shop.day(day).kind == "make-up"] == WORKED_2026


def test_a_spell_has_one_name() -> None:
    """Days taken off in exchange, and weekends, are called as the holiday; a name has nothing that the library adds."""
    office = calendar(holidays="CN")
    year = every_day(date(2026, 1, 1), date(2026, 12, 31))
    names = {(day.zh, day.en) for day in map(office.day, year) if day.kind == "holiday"}
    assert {zh for zh, _ in names} == {*PLAN_2026, "农历除夕"}
    assert {en for _, en in names} >= {"National Day", "New Year's Day", "Chinese New Year (Spring Festival)"}
    assert office.day(date(2026, 10, 4)).zh == "国庆节", "a Sunday in between"
    assert office.day(date(2026, 10, 11)).kind == "weekend"


def test_elsewhere_a_weekend_beside_a_holiday_is_as_it_always_is() -> None:
    """Good Friday and Easter Monday are holidays; on the Saturday between, a shop is open."""
    shop = calendar("Europe/London", holidays="GB-ENG", week=EVERY_DAY)
    spring = [shop.day(day).kind for day in every_day(date(2026, 4, 2), date(2026, 4, 7))]
    assert spring == ["work", "holiday", "work", "work", "holiday", "work"]
