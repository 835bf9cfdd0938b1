"""What may a city say about its working time? The shape of one calendar in a profile."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from itertools import pairwise
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: Final[tuple[Weekday, ...]] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY_S: Final = 86_400
_INTERVAL = re.compile(r"([01]\d|2[0-4]):([0-5]\d)-([01]\d|2[0-4]):([0-5]\d)")
_MONTH_DAY = re.compile(r"(0[1-9]|1[0-2])-(\d{2})")
LEAP: Final = 2024

Interval = tuple[int, int]
"""From and to, in seconds after local midnight; half open, so that 12:00 belongs to the break."""


def _interval(value: object) -> Interval:
    written = _INTERVAL.fullmatch(str(value).strip())
    if written is None:
        message = f"'{value}' is not an interval: write one such as 08:30-12:00"
        raise ValueError(message)
    hours, minutes, until_hours, until_minutes = (int(number) for number in written.groups())
    begin, end = hours * 3600 + minutes * 60, until_hours * 3600 + until_minutes * 60
    if end > DAY_S:
        message = f"'{value}' ends after the day: the last time is 24:00"
        raise ValueError(message)
    if begin >= end:
        message = f"'{value}' ends before it begins: write two intervals where it runs over midnight"
        raise ValueError(message)
    return begin, end


def _intervals(value: object) -> tuple[Interval, ...]:
    if not isinstance(value, list | tuple):
        message = "write a list of intervals such as [08:30-12:00, 14:00-18:00]"
        raise ValueError(message)  # noqa: TRY004 - pydantic wants a ValueError
    return tuple(each if isinstance(each, tuple) else _interval(each) for each in value)


def _in_order(value: tuple[Interval, ...]) -> tuple[Interval, ...]:
    if not all(0 <= begin < end <= DAY_S for begin, end in value):
        message = "an interval begins before it ends, within one day"
        raise ValueError(message)
    for (_, end), (begin, _) in pairwise(value):
        if begin < end:
            message = "intervals overlap or are not in order: each begins at or after the end of the one before"
            raise ValueError(message)
    return value


def _month_day(value: object) -> tuple[int, int]:
    if isinstance(value, tuple):
        return value
    written = _MONTH_DAY.fullmatch(str(value).strip())
    month, day = (int(written[1]), int(written[2])) if written else (0, 0)
    if not month or not 1 <= day <= monthrange(LEAP, month)[1]:
        message = f"'{value}' is not a day of the year: write month and day such as 05-01, in quotes"
        raise ValueError(message)
    return month, day


Hours = Annotated[tuple[Interval, ...], BeforeValidator(_intervals), AfterValidator(_in_order)]
MonthDay = Annotated[tuple[int, int], BeforeValidator(_month_day)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Season(_Part):
    """Other hours in a part of the year; both days are included, and it may run over New Year."""

    begin: MonthDay = Field(alias="from")
    end: MonthDay = Field(alias="to")
    hours: Hours

    def holds(self, day: date) -> bool:
        """Tell whether a day lies in it."""
        here = (day.month, day.day)
        if self.begin <= self.end:
            return self.begin <= here <= self.end
        return here >= self.begin or here <= self.end


class SpecialDay(_Part):
    """What one date is, whatever the rule says: a day off, a working day (调休), or a day with hours of its own."""

    work: bool = False
    hours: Hours | None = None
    zh: str = Field(default="", max_length=60)
    en: str = Field(default="", max_length=60)

    @model_validator(mode="before")
    @classmethod
    def _from_word(cls, value: object) -> object:
        return {"work": value == "work"} if value in ("off", "work") else value

    @model_validator(mode="after")
    def _works_some_time(self) -> SpecialDay:
        if self.work and self.hours == ():
            message = "a working day without hours: give it hours, or write off"
            raise ValueError(message)
        return self


class CalendarRules(_Part):
    """One calendar. Without hours it runs on through nights and holidays (24×7)."""

    zh: str = Field(min_length=1, max_length=60)
    en: str = Field(min_length=1, max_length=60)
    hours: Hours | None = None
    seasons: tuple[Season, ...] = ()
    week: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri")
    holidays: str | None = Field(default=None, pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$")
    """Country, and subdivision where one is meant, as ISO 3166 writes them: public holidays and make-up workdays."""
    days: dict[date, SpecialDay] = Field(default_factory=dict)
    """Dates that are otherwise than the rest says."""
    published_until: date | None = None
    """The last day that is officially settled; left out: the last year for which the holidays are published."""
    work_day: Literal["rolling", "whole"] = "rolling"
    """How a limit in working days is read: as so many hours, or to the end of business of a later day."""
    work_day_hours: float = Field(default=8.0, gt=0, le=24)
    """Length of a working day in the rolling reading."""

    @model_validator(mode="after")
    def _works_at_all(self) -> CalendarRules:
        if self.hours is None:
            if self.seasons or self.holidays or self.days:
                message = "a calendar without hours runs on always: give it hours, or leave the rest out"
                raise ValueError(message)
            return self
        works = bool(self.hours) or any(season.hours for season in self.seasons)
        if not works or not self.week:
            message = "this calendar has no working day: give it hours and days of the week"
            raise ValueError(message)
        for at, said in self.days.items():
            if said.work and said.hours is None and not self.hours_on(at):
                message = f"{at} is a working day in a season without hours: give it hours of its own"
                raise ValueError(message)
        return self

    def hours_on(self, at: date) -> tuple[Interval, ...]:
        """Give the hours of a date that is a working day."""
        season = next((each for each in self.seasons if each.holds(at)), None)
        return (self.hours or ()) if season is None else season.hours
