"""Is a calendar that cannot be refused, with a sentence that says what to write instead?"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from shared.calendar import Calendar
from tests.unit.calendar.calendars import OFFICE, calendar, every_day, rules

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "ends before it begins": ({"hours": ["18:00-08:30"]}, "'18:00-08:30' ends before it begins: write two intervals"),
    "no length": ({"hours": ["08:30-08:30"]}, "'08:30-08:30' ends before it begins"),
    "overlapping": ({"hours": ["08:30-12:00", "11:59-18:00"]}, "intervals overlap or are not in order"),
    "one in another": ({"hours": ["08:30-18:00", "12:00-14:00"]}, "intervals overlap or are not in order"),
    "not in order": ({"hours": ["14:00-18:00", "08:30-12:00"]}, "intervals overlap or are not in order"),
    "an hour too late": ({"hours": ["25:00-26:00"]}, "'25:00-26:00' is not an interval: write one such as"),
    "ends at 25:00": ({"hours": ["08:00-25:00"]}, "'08:00-25:00' is not an interval"),
    "ends after 24:00": ({"hours": ["08:00-24:01"]}, "'08:00-24:01' ends after the day: the last time is 24:00"),
    "an impossible minute": ({"hours": ["08:60-12:00"]}, "'08:60-12:00' is not an interval"),
    "one interval without a list": ({"hours": "08:30-12:00"}, "write a list of intervals such as"),
    "numbers": ({"hours": [8, 12]}, "'8' is not an interval"),
    "numbers behind YAML's back": ({"hours": ((500, 100),)}, "an interval begins before it ends, within one day"),
    "a season that overlaps itself": (
        {"seasons": [{"from": "05-01", "to": "09-30", "hours": ["08:00-12:00", "09:00-18:00"]}]},
        "intervals overlap or are not in order",
    ),
    "no 30 February": ({"seasons": [{"from": "02-30", "to": "03-31", "hours": OFFICE}]}, "'02-30' is not a day of"),
    "no 13th month": ({"seasons": [{"from": "01-01", "to": "13-01", "hours": OFFICE}]}, "'13-01' is not a day of"),
    "a year too many": ({"seasons": [{"from": "2026-05-01", "to": "09-30", "hours": []}]}, "write month and day"),
    "no such weekday": ({"week": ["mon", "montag"]}, "Input should be 'mon', 'tue'"),
    "no weekday": ({"week": []}, "no working day: give it hours and days of the week"),
    "no hours in any season": ({"hours": []}, "no working day: give it hours and days of the week"),
    "no such date": ({"days": {"2026-02-29": "off"}}, "valid date"),
    "no such word": ({"days": {"2026-02-28": "maybe"}}, "valid dictionary or instance of SpecialDay"),
    "a working day without hours": (
        {"days": {"2026-02-28": {"work": True, "hours": []}}},
        "a working day without hours: give it hours, or write off",
    ),
    "a working day in a closed season": (
        {"seasons": [{"from": "07-01", "to": "08-31", "hours": []}], "days": {"2026-07-04": "work"}},
        "2026-07-04 is a working day in a season without hours: give it hours of its own",
    ),
    "a country that is no code": ({"holidays": "china"}, "String should match pattern"),
    "rules that never apply": ({"hours": None, "holidays": "CN"}, "a calendar without hours runs on always"),
    "a working day of 25 hours": ({"work_day_hours": 25}, "less than or equal to 24"),
    "a working day of nothing": ({"work_day_hours": 0}, "greater than 0"),
    "an unknown field": ({"hour": OFFICE}, "Extra inputs are not permitted"),
}


@pytest.mark.parametrize(("said", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_is_refused_with_a_sentence(said: dict[str, Any], sentence: str) -> None:
    """The check of a profile shows it with file and line."""
    with pytest.raises(ValidationError) as caught:
        rules(**said)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("country", ["XX", "CN-ZZ", "US-XYZ"])
def test_a_country_whose_holidays_nobody_knows_is_refused(country: str) -> None:
    """And so is a subdivision."""
    with pytest.raises(ValueError, match=f"holidays: '{country}' is no country \\(or subdivision\\)"):
        calendar(holidays=country)


def test_a_year_in_which_every_day_is_off_is_refused() -> None:
    """One day more, and it is a calendar."""
    off: dict[str, Any] = {str(day): "off" for day in every_day(date(2026, 1, 1), date(2026, 12, 31))}
    with pytest.raises(ValueError, match="the calendar 'office' has no working day in 2026: give it one"):
        calendar(holidays="CN", days=off)
    one = off | {"2026-12-31": {"hours": ["09:00-09:01"]}}
    assert calendar(holidays="CN", days=one).day(date(2026, 12, 31)).hours == ((32_400, 32_460),)


def test_a_calendar_that_works_in_leap_years_only_is_refused() -> None:
    """Its hours are there, and so are its weekdays."""
    with pytest.raises(ValueError, match="has no working day in 2001"):
        calendar(hours=[], seasons=[{"from": "02-29", "to": "02-29", "hours": OFFICE}])


def test_what_a_profile_may_write() -> None:
    """24:00 ends a day, intervals may touch, a season may run over New Year, a date may be anything."""
    written = rules(
        hours=["00:00-12:00", "12:00-24:00"],
        seasons=[
            {"from": "12-20", "to": "01-10", "hours": ["09:00-16:00"]},
            {"from": "02-29", "to": "02-29", "hours": []},
        ],
        days={"2026-03-03": "off", "2026-03-07": "work", "2026-03-08": {"hours": ["09:00-12:00"], "zh": "值班"}},
    )
    office = Calendar("office", written, "Asia/Shanghai")
    assert office.day(date(2026, 3, 2)) == ("work", ((0, 43_200), (43_200, 86_400)), "", "")
    assert office.day(date(2025, 12, 22)).hours == office.day(date(2026, 1, 9)).hours == ((32_400, 57_600),)
    assert office.day(date(2028, 2, 29)) == ("off", (), "放假", "day off")
    assert office.day(date(2026, 3, 3)) == ("off", (), "放假", "day off")
    assert office.day(date(2026, 3, 7)) == ("make-up", ((0, 43_200), (43_200, 86_400)), "调休上班", "make-up workday")
    assert office.day(date(2026, 3, 8)) == ("make-up", ((32_400, 43_200),), "值班", "make-up workday")


def test_a_usual_working_day_with_other_hours_is_no_make_up_workday() -> None:
    """It is worked anyway; one without hours is a day off."""
    office = calendar(days={"2026-03-03": {"hours": ["09:00-12:00"]}, "2026-03-04": {"hours": [], "zh": "搬迁"}})
    assert office.day(date(2026, 3, 3)) == ("work", ((32_400, 43_200),), "", "")
    assert office.day(date(2026, 3, 4)) == ("off", (), "搬迁", "day off")


def test_what_the_profile_says_of_a_date_holds() -> None:
    """A public holiday may be worked, a make-up workday may be off."""
    office = calendar(holidays="CN", days={"2026-10-01": "work", "2026-10-10": "off"})
    assert office.day(date(2026, 10, 1)).kind == "make-up"
    assert office.day(date(2026, 10, 10)).kind == "off"
