"""Which intervals are working time? A calendar laid out once as sorted instants, so that all questions are look-ups.

Public holidays and make-up workdays (调休) come from the `holidays` library, which agrees with the State Council's
notices of 2004 to 2026 day by day but for one (tests/unit/calendar/test_published.py).
"""

from __future__ import annotations

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, product
from typing import TYPE_CHECKING, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

import holidays

from shared.calendar.rules import DAY_S, WEEKDAYS, CalendarRules

if TYPE_CHECKING:
    from shared.calendar.rules import Interval

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)
SECOND: Final = 1_000_000


class OutOfCalendarError(ValueError):
    """An instant lies outside the years that calendars cover."""


def micros(at: datetime) -> int:
    """Give an aware instant in microseconds since 1970, exactly."""
    return (at - EPOCH) // MICROSECOND


def instant(at: int) -> datetime:
    """Give the aware UTC instant of microseconds since 1970; raises OutOfCalendarError where none is."""
    try:
        return EPOCH + timedelta(microseconds=at)
    except OverflowError as error:
        raise OutOfCalendarError("an instant beyond the year 9999") from error


FIRST: Final = date(2000, 1, 1)
LAST: Final = date(2100, 12, 31)
"""The days that a calendar covers."""
FOREVER: Final = micros(datetime.max.replace(tzinfo=UTC))
SATURDAY: Final = 5
SUBSTITUTED: Final = "substituted"
DECREED: Final = frozenset({"CN"})
"""Countries whose holidays of a year are not known before a notice settles its make-up workdays."""

DayKind = Literal["work", "make-up", "weekend", "holiday", "off"]


class Day(NamedTuple):
    """What one local date is."""

    kind: DayKind
    hours: tuple[Interval, ...]
    zh: str = ""
    en: str = ""


OFF: Final = Day("off", (), "放假", "day off")
MAKE_UP: Final = Day("make-up", (), "调休上班", "make-up workday")


class Calendar:
    """One calendar in one zone, laid out over 2000 to 2100."""

    def __init__(self, name: str, rules: CalendarRules, zone: str) -> None:
        """Lay out every day; raises ValueError for an unknown country, and for a year without a working day."""
        self.name, self.rules, self.zone = name, rules, ZoneInfo(zone)
        self.always = rules.hours is None
        self._special = {} if self.always else _special_days(rules)
        self.published_until = LAST if self.always else _published_until(rules)
        self._first = local_instant(_wall(FIRST, 0), self.zone)
        self._last = local_instant(_wall(LAST, DAY_S), self.zone)
        self._starts, self._ends, self._before = array("q"), array("q"), array("q")
        self._days, self._closings = array("l"), array("q")
        if not self.always:
            self._lay_out()
            self._check_years()
        self.version = self._version()

    def __repr__(self) -> str:
        """Show which calendar it is."""
        return f"Calendar({self.name!r}, {self.version})"

    @property
    def id(self) -> str:
        """Give name and version: what a deadline keeps."""
        return f"{self.name}@{self.version}"

    def day(self, at: date) -> Day:
        """Give what a local date is."""
        if self.always:
            return Day("work", ((0, DAY_S),))
        special = self._special.get(at)
        if special is not None:
            return special
        if WEEKDAYS[at.weekday()] not in self.rules.week:
            return Day("weekend", ())
        hours = self.rules.hours_on(at)
        return Day("work", hours) if hours else OFF

    def works_on(self, at: date) -> bool:
        """Tell whether a local date is worked, as a usual day or to make up for another."""
        return self.day(at).kind in {"work", "make-up"}

    def worked(self, at: int) -> int:
        """Give the working microseconds from the beginning of the calendar until `at` (µs since 1970)."""
        if self.always:
            return at
        self._covers(at)
        i = bisect_right(self._starts, at) - 1
        return 0 if i < 0 else self._before[i] + min(at, self._ends[i]) - self._starts[i]

    def after(self, worked: int) -> int:
        """Give the first instant (µs since 1970) by which so much has been worked.

        At the end of an interval it is that end, and not the beginning of the next.
        """
        if self.always:
            return worked
        i = max(bisect_left(self._before, worked) - 1, 0)
        if i >= len(self._starts):
            raise OutOfCalendarError(f"a deadline after {LAST}")
        return self._starts[i] + worked - self._before[i]

    def stretch(self, at: int) -> tuple[bool, int]:
        """Tell whether `at` (µs since 1970) is working time, and until when that holds."""
        if self.always:
            return True, FOREVER
        self._covers(at)
        i = bisect_right(self._starts, at) - 1
        if i >= 0 and at < self._ends[i]:
            return True, self._ends[i]
        return False, self._starts[i + 1] if i + 1 < len(self._starts) else FOREVER

    def closing(self, at: int, days: int) -> int:
        """Give the end of business of the `days`th working day after the local day of `at`, which does not count."""
        if self.always:
            return at + days * DAY_S * SECOND
        self._covers(at)
        here = instant(at).astimezone(self.zone).date().toordinal()
        i = bisect_right(self._days, here) + days - 1
        if not 0 <= i < len(self._days):
            raise OutOfCalendarError(f"a deadline outside {FIRST} to {LAST}")
        return max(self._closings[i], at)

    def provisional(self, until: datetime) -> bool:
        """Tell whether an instant lies in time whose holidays are not settled yet."""
        return not self.always and until.astimezone(self.zone).date() > self.published_until

    def _covers(self, at: int) -> None:
        if not self._first <= at <= self._last:
            raise OutOfCalendarError(f"an instant outside {FIRST} to {LAST}")

    def _lay_out(self) -> None:
        lengths: list[int] = []
        tomorrow = self._first
        for ordinal in range(FIRST.toordinal(), LAST.toordinal() + 1):
            at, midnight = date.fromordinal(ordinal), tomorrow
            tomorrow = micros(datetime.combine(at + DAY, time.min, self.zone))
            even = tomorrow - midnight == DAY_S * SECOND
            before = len(lengths)
            for begin, end in self.day(at).hours:
                start, stop = midnight + begin * SECOND, midnight + end * SECOND
                if not even:  # a day on which the clocks change
                    start, stop = (local_instant(_wall(at, seconds), self.zone) for seconds in (begin, end))
                if start < stop:
                    self._starts.append(start)
                    self._ends.append(stop)
                    lengths.append(stop - start)
            if len(lengths) > before:
                self._days.append(ordinal)
                self._closings.append(self._ends[-1])
        self._before = array("q", accumulate(lengths, initial=0))

    def _check_years(self) -> None:
        worked = {date.fromordinal(ordinal).year for ordinal in self._days}
        for year in range(FIRST.year, LAST.year + 1):
            if year not in worked:
                raise ValueError(f"the calendar '{self.name}' has no working day in {year}: give it one")

    def _version(self) -> str:
        """Give 8 letters that change with anything that may move a deadline, and with nothing else."""
        rules = self.rules
        said = (self.always, rules.work_day, rules.work_day_hours, self.zone.key, self.published_until.isoformat())
        content = hashlib.blake2b(repr(said).encode(), digest_size=4)
        content.update(self._starts.tobytes())
        content.update(self._ends.tobytes())
        return content.hexdigest()


def _wall(at: date, seconds: int) -> datetime:
    return datetime.combine(at, time.min) + timedelta(seconds=seconds)


def local_instant(wall: datetime, zone: ZoneInfo) -> int:
    """Give the instant (µs since 1970) of a wall-clock time: of one that comes twice the first.

    One that the clocks skip is the instant at which they skip it.
    """
    at, other = micros(wall.replace(tzinfo=zone)), micros(wall.replace(tzinfo=zone, fold=1))
    if at <= other:
        return at

    def ahead(second: int) -> timedelta:
        return instant(second * SECOND).astimezone(zone).utcoffset() or timedelta(0)

    seconds = range(other // SECOND, at // SECOND)
    return (seconds.start + bisect_left(seconds, ahead(at // SECOND), key=ahead)) * SECOND


def _special_days(rules: CalendarRules) -> dict[date, Day]:
    """Give every date that is not as its weekday says; what the profile says of a date comes last, and holds."""
    days: dict[date, Day] = {}
    if rules.holidays is not None:
        zh, en = _country(rules.holidays, "zh_CN"), _country(rules.holidays, "en_US")
        decreed = rules.holidays[:2] in DECREED
        last = _published_until(rules) if decreed else LAST
        names = {at: (zh.get(at) or "", en.get(at) or "") for at in en if at <= last}
        make_up = {at for at in en.weekend_workdays if at <= last}
        days.update(_spells(names, _weekends_beside(set(names), make_up) if decreed else set()))
        for at in make_up:
            hours = rules.hours_on(at)
            days[at] = MAKE_UP._replace(hours=hours) if hours else OFF
    for at, said in rules.days.items():
        hours = (rules.hours_on(at) if said.work else ()) if said.hours is None else said.hours
        if not hours:
            days[at] = Day("off", (), said.zh or OFF.zh, said.en or OFF.en)
        elif WEEKDAYS[at.weekday()] in rules.week and at not in days:
            days[at] = Day("work", hours, said.zh, said.en)
        else:
            days[at] = Day("make-up", hours, said.zh or MAKE_UP.zh, said.en or MAKE_UP.en)
    return days


def _weekends_beside(named: set[date], make_up: set[date]) -> set[date]:
    """Give the weekends that run on from a holiday: a notice takes them off too, whoever works on weekends."""
    found: set[date] = set()
    for at, step in product(named, (-DAY, DAY)):
        beside = at + step
        while beside.weekday() >= SATURDAY and beside not in make_up:
            found.add(beside)
            beside += step
    return found - named


def _spells(named: dict[date, tuple[str, str]], beside: set[date]) -> dict[date, Day]:
    """Give each holiday its plain name; days taken off in exchange, and weekends, have the name of the spell.

    A spell is a run of days off: what the notice calls National Day from the 1st to the 7th.
    """
    out: dict[date, Day] = {}
    spell: list[date] = []
    for at in sorted({*named, *beside}):
        if spell and spell[-1] + DAY < at:
            out.update(_spell(spell, named))
            spell = []
        spell.append(at)
    out.update(_spell(spell, named))
    return out


def _spell(spell: list[date], named: dict[date, tuple[str, str]]) -> dict[date, Day]:
    """Name a run of days off."""
    out: dict[date, Day] = {}
    plain = [_plain(*named[at]) for at in spell if at in named]
    last = next((name for name in plain if name[1]), (OFF.zh, OFF.en))
    for at in spell:
        name = _plain(*named.get(at, ("", "")))
        last = name if name[1] else last
        out[at] = Day("holiday", (), *last)
    return out


def _plain(zh: str, en: str) -> tuple[str, str]:
    """Give a holiday's name without what the library adds; empty for a day off in exchange."""
    if SUBSTITUTED in en:
        return "", ""
    return zh.partition("（")[0], en.partition(" (observed")[0]


def _country(name: str, language: str) -> holidays.HolidayBase:
    country, _, subdivision = name.partition("-")
    supported = holidays.list_supported_countries(include_aliases=False)
    if country not in supported or (subdivision and subdivision not in supported[country]):
        message = f"holidays: '{name}' is no country (or subdivision) whose holidays are known"
        raise ValueError(message)
    languages = holidays.list_localized_countries().get(country, ())
    chosen = language if language in languages else None
    years = range(FIRST.year, LAST.year + 1)
    if country in DECREED:  # beyond the last notice only the weekday rule is known
        years = range(FIRST.year, _last_decreed(country, subdivision).year + 1)
    return holidays.country_holidays(country, subdiv=subdivision or None, years=years, language=chosen)


@lru_cache
def _last_decreed(country: str, subdivision: str) -> date:
    known = holidays.country_holidays(country, subdiv=subdivision or None, years=range(FIRST.year, LAST.year + 1))
    return date(max(day.year for day in known.weekend_workdays), 12, 31)


def _published_until(rules: CalendarRules) -> date:
    """Give the last day whose holidays are settled."""
    if rules.published_until is not None:
        return rules.published_until
    if rules.holidays is None:
        return LAST
    country, _, subdivision = rules.holidays.partition("-")
    return _last_decreed(country, subdivision) if country in DECREED else LAST


_LAID_OUT: Final[dict[tuple[str, str, str], Calendar]] = {}


def laid_out(name: str, rules: CalendarRules, zone: str) -> Calendar:
    """Give a calendar that is laid out once in a process, however often its profile is read."""
    key = (name, rules.model_dump_json(), zone)
    if key not in _LAID_OUT:
        _LAID_OUT[key] = Calendar(name, rules, zone)
    return _LAID_OUT[key]


ALWAYS: Final = Calendar("always", CalendarRules(zh="全天候", en="round the clock"), "UTC")
"""Runs on through nights and holidays."""
