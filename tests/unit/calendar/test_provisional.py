"""Is a deadline in a year whose holidays nobody knows marked, and does a calendar that changed say so?"""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from shared.calendar import ALWAYS, Calendar, OutOfCalendarError, advance, elapsed
from tests.unit.calendar.calendars import HOUR, OFFICE, at, calendar, every_day, rules

SUMMER: Final = {"from": "05-01", "to": "09-30", "hours": ["08:00-12:00", "15:00-18:00"]}
FULL: Final[dict[str, Any]] = {
    "holidays": "CN",
    "seasons": [SUMMER],
    "days": {"2026-11-11": {"hours": ["09:00-12:00"], "zh": "开放日", "en": "open day"}, "2026-11-12": "off"},
}


def test_a_year_that_is_not_published_follows_its_weekdays() -> None:
    """National Day is worked, since nobody knows yet which days around it are; and all of it is provisional."""
    office = calendar(holidays="CN")
    year = every_day(date(2027, 1, 1), date(2027, 12, 31))
    assert office.published_until == date(2026, 12, 31)
    assert {office.day(day).kind for day in year} == {"work", "weekend"}
    assert all((office.day(day).kind == "work") == (day.weekday() < 5) for day in year)


def test_a_deadline_is_provisional_from_the_first_day_that_is_not_settled() -> None:
    """In the city's own days: midnight in China, and not in Greenwich."""
    office = calendar(holidays="CN")
    assert not office.provisional(at("2026-12-31 23:59"))
    assert office.provisional(at("2027-01-01 00:00"))
    due = advance(office, at("2026-12-31 17:00"), 2 * HOUR)
    assert due == at("2027-01-01 09:30")
    assert office.provisional(due)


def test_a_city_says_until_when_its_calendar_is_settled() -> None:
    """Its own word holds: later than the library where it wrote the days itself, earlier where it does not trust it."""
    later = calendar(holidays="CN", published_until="2027-12-31", days={"2027-10-01": "off"})
    assert not later.provisional(at("2027-12-31 12:00"))
    assert later.day(date(2027, 10, 1)).kind == "off"
    earlier = calendar(holidays="CN", published_until="2025-12-31")
    assert earlier.provisional(at("2026-01-01 00:00"))
    assert earlier.day(date(2025, 10, 1)).kind == "holiday"
    assert earlier.day(date(2026, 10, 1)).kind == "work", "the weekday rule, until the city says that it is settled"
    assert earlier.day(date(2026, 10, 10)).kind == "weekend"


def test_what_follows_from_law_is_never_provisional() -> None:
    """Nor is a calendar without holidays, nor the clock round."""
    for settled in (calendar(), calendar("America/New_York", holidays="US-MD"), ALWAYS):
        assert not settled.provisional(at("2090-01-01 00:00"))
    wary = calendar("America/New_York", holidays="US-MD", published_until="2026-12-31")
    assert wary.provisional(at("2027-07-05 12:00"))
    assert wary.day(date(2027, 7, 5)).kind == "holiday", "the law names it, whether or not the city has looked"


MOVES: Final[dict[str, dict[str, Any]]] = {
    "hours": {"hours": ["08:30-12:00", "14:00-17:59"]},
    "a season": {"seasons": [SUMMER | {"to": "10-01"}]},
    "a season's hours": {"seasons": [SUMMER | {"hours": ["08:00-12:00", "15:00-18:01"]}]},
    "the week": {"week": ["mon", "tue", "wed", "thu"]},
    "the country": {"holidays": "TW"},
    "no country": {"holidays": None},
    "a day": {"days": {"2026-11-12": "off"}},
    "a day's hours": {"days": {"2026-11-11": {"hours": ["09:00-12:01"]}, "2026-11-12": "off"}},
    "how far it is settled": {"published_until": "2026-12-30"},
    "how working days are read": {"work_day": "whole"},
    "how long a working day is": {"work_day_hours": 7.5},
}
NAMES: Final[dict[str, dict[str, Any]]] = {
    "its title": {"zh": "机关", "en": "Office"},
    "a day's name": {
        "days": {"2026-11-11": {"hours": ["09:00-12:00"]}, "2026-11-12": {"zh": "停电", "en": "no power"}}
    },
    "the order of the week": {"week": ["fri", "mon", "tue", "thu", "wed"]},
    "a date that is as it would be": {"days": FULL["days"] | {"2026-11-13": {"hours": OFFICE}, "2026-11-14": "off"}},
    "what the library says too": {"published_until": "2026-12-31"},
}


@pytest.mark.parametrize("changed", MOVES.values(), ids=MOVES.keys())
def test_a_change_that_may_move_a_deadline_is_a_new_version(changed: dict[str, Any]) -> None:
    """Deadlines in flight are computed again when the version is another."""
    assert calendar(**FULL | changed).version != calendar(**FULL).version


def test_a_new_zone_is_a_new_version() -> None:
    """Also where the hours are the same for now."""
    assert calendar("Asia/Urumqi", **FULL).version != calendar(**FULL).version


@pytest.mark.parametrize("changed", NAMES.values(), ids=NAMES.keys())
def test_a_change_of_names_is_no_new_version(changed: dict[str, Any]) -> None:
    """Nobody's deadline is computed again for a word."""
    assert calendar(**FULL | changed).version == calendar(**FULL).version


def test_the_calendar_that_arrives_is_a_new_version() -> None:
    """The notice for a year changes the days of that year: what the waiting deadlines are told by."""
    waiting, arrived = calendar(holidays="CN", published_until="2025-12-31"), calendar(holidays="CN")
    assert waiting.version != arrived.version
    assert advance(waiting, at("2026-09-30 17:00"), 2 * HOUR) == at("2026-10-01 09:30")
    assert advance(arrived, at("2026-09-30 17:00"), 2 * HOUR) == at("2026-10-08 09:30")


def test_a_version_is_the_same_in_every_process() -> None:
    """It is stored with deadlines, so it may depend on nothing but the calendar."""
    assert Calendar("office", rules(), "Asia/Shanghai").id == Calendar("office", rules(), "Asia/Shanghai").id
    assert calendar().id == f"office@{calendar().version}"
    assert len(calendar().version) == 8


def test_what_lies_outside_the_calendar_is_refused() -> None:
    """Before 2000 and after 2100 nobody counts working time; a deadline does not fall off the end either."""
    office = calendar()
    with pytest.raises(OutOfCalendarError, match="a deadline after 2100-12-31"):
        advance(office, at("2100-12-31 09:00"), 100 * HOUR)
    for when in ("1999-12-31 23:59", "2101-01-01 00:01"):
        with pytest.raises(OutOfCalendarError, match="outside 2000-01-01 to 2100-12-31"):
            advance(office, at(when), HOUR)
    assert advance(office, at("2000-01-01 00:00"), HOUR) == at("2000-01-03 09:30")
    assert elapsed(office, at("2100-12-31 17:00"), at("2101-01-01 00:00")) == HOUR
    with pytest.raises(OutOfCalendarError):
        office.closing(office._last - 1, 1)
    with pytest.raises(OutOfCalendarError, match="beyond the year 9999"):
        advance(ALWAYS, at("2026-01-01 00:00"), 100_000_000 * HOUR)
