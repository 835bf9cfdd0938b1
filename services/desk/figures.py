"""How does the city stand? Every indicator over HTTP, by unit, period, category and department, down to its tickets."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import Field

from services.desk.api import FIRST_YEAR, LAST_YEAR, CursorText, Limit, Parameters, Word, bad_cursor, known_to, unknown
from services.desk.indicators import BY_NAME, INDICATORS, NOBODY_YET, UNITS, Count, Counted, is_of, pattern, read
from services.desk.store import BadCursor, SearchTooWide, Times, cursor_of
from services.desk.views import listed, words
from shared.http import Problem, problems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.desk.api import Desk
    from services.desk.indicators import Indicator
    from services.desk.names import Pair

USUAL: Final = timedelta(days=6)
"""Before the last day: a week."""
LONGEST: Final = timedelta(days=800)
MONTH: Final = re.compile(r"(\d{4})-(\d{2})")
WEEK: Final = re.compile(r"(\d{4})-W(\d{2})")
QUARTER: Final = re.compile(r"(\d{4})-Q([1-4])")
YEAR: Final = re.compile(r"\d{4}")
PERIODS: Final = "a day 2026-11-22, a week 2026-W47, a month 2026-11, a quarter 2026-Q4 or a year 2026"
STEERS: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A field that begins so is a formula to a spreadsheet."""
CSV: Final = "text/csv; charset=utf-8"
TABLE: Final = problems(400) | {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""What a call may answer besides JSON."""

Day = Annotated[str, Field(max_length=40)]
Format = Annotated[Literal["json", "csv"], Field(description="`csv`: a table for a spreadsheet")]


class FigureQuery(Parameters):
    """Of which tickets."""

    unit: Annotated[Word, Field(description="a territorial unit of any level: what lies in it")] = ""
    department: Annotated[Word, Field(description="what this department has done")] = ""
    category: Annotated[Word, Field(description="a code of the catalogue, or the beginning of codes: `01*`")] = ""
    period: Annotated[Day, Field(description=PERIODS)] = ""
    begin: Annotated[Day, Field(alias="from", description="the first day, or an instant with its offset")] = ""
    end: Annotated[Day, Field(alias="to", description="the last day, or an instant before which they lie")] = ""
    format: Format = "json"


class GroupQuery(FigureQuery):
    """Of which tickets, and laid out by what."""

    group_by: Annotated[
        Literal["", "unit", "department", "category", "day"],
        Field(description="`unit`: by the units next below the one that is named"),
    ] = ""


class OpenQuery(FigureQuery):
    """Which tickets of a figure."""

    part: Literal["numerator", "denominator"] = "denominator"
    limit: Limit = 50
    cursor: CursorText = None


@dataclass(frozen=True, slots=True)
class Sum:
    """So many of so many."""

    n: int = 0
    of: int = 0

    def add(self, n: int, of: int) -> Sum:
        """Give it with more."""
        return Sum(self.n + n, self.of + of)

    def view(self) -> dict[str, Any]:
        """Give it as people read it; of nothing there is no value."""
        return {"numerator": self.n, "denominator": self.of, "value": round(self.n / self.of, 4) if self.of else None}


def add_figures(app: FastAPI, desk: Desk) -> None:
    """Add the calls for indicators to the desk's application."""
    city = City(desk)

    @app.get("/v1/indicators", tags=["indicators"], responses=TABLE, response_model=None)
    async def indicators(query: Annotated[FigureQuery, Query()]) -> Response | dict[str, Any]:
        """List all indicators: definitions, and figures for a period, which is the last week if none is named."""
        asked = city.asked(query)
        sums = await city.all(asked)
        rows = [described(each) | sums[each.name].view() for each in INDICATORS]
        if query.format == "csv":
            return table("indicators", [flat(row) for row in rows])
        return asked.view() | {"indicators": rows}

    @app.get("/v1/indicators/{name}", tags=["indicators"], responses=TABLE | problems(404), response_model=None)
    async def indicator(name: str, query: Annotated[GroupQuery, Query()]) -> Response | dict[str, Any]:
        """Show one indicator for a period, in groups if asked for; `links` open it down to its tickets."""
        found, asked = known(name), city.asked(query)
        whole, groups = await city.one(found, asked, query.group_by)
        if query.format == "csv":
            rows = [{"group": key, **_pair(title), **each.view()} for key, title, each in groups]
            return table(name, [*rows, {"group": "", **_pair(("合计", "total")), **whole.view()}])
        shown = [
            {"key": key, "name": words(title), **each.view(), "href": asked.link(name, query.group_by, key)}
            for key, title, each in groups
        ]
        links = {part: asked.link(name, part=part) for part in ("numerator", "denominator")}
        more = {"group_by": query.group_by, "groups": shown} if query.group_by else {}
        return described(found) | asked.view() | whole.view() | more | {"links": links}

    @app.get("/v1/indicators/{name}/tickets", tags=["indicators"], responses=TABLE | problems(404), response_model=None)
    async def tickets(name: str, query: Annotated[OpenQuery, Query()]) -> Response | dict[str, Any]:
        """List the tickets behind a figure, the latest first, each with what it adds; `cursor` for the next page."""
        found, asked = known(name), city.asked(query)
        rows, cursor = await city.tickets(found, asked, query)
        if query.format == "csv":
            headers = {} if cursor is None else {"X-Cursor": cursor}
            return table(f"{name}-{query.part}", [_line(row) for row in rows], headers)
        return {"tickets": rows, "cursor": cursor}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a call is about, understood."""

    begin: datetime
    end: datetime
    unit: str
    units: tuple[str, ...]
    """The unit and all below it; empty for the whole city."""
    department: str
    category: str
    zone: str

    def view(self) -> dict[str, Any]:
        """Give it as the answer repeats it."""
        return {
            "from": self.begin,
            "to": self.end,
            "unit": self.unit or None,
            "department": self.department or None,
            "category": self.category or None,
            "zone": self.zone,
        }

    def times(self, counted: Counted) -> Times:
        """Give which instant of a ticket must lie in the period."""
        return Times("closed_at" if counted == "closed" else "reported_at", self.begin, self.end)

    def wanted(self) -> dict[str, Any]:
        """Give the condition beside the period."""
        wanted: dict[str, Any] = {}
        if self.units:
            wanted["area"] = {"$in": list(self.units)}
        if self.category.endswith("*"):
            wanted["category"] = {"$regex": "^" + re.escape(self.category[:-1])}
        elif self.category:
            wanted["category"] = self.category
        return wanted

    def link(self, name: str, group_by: str = "", key: str = "", part: str = "denominator") -> str | None:
        """Give where the tickets of a figure, or of one of its groups, are listed."""
        fields = {"unit": self.unit, "department": self.department, "category": self.category}
        begin, end = self.begin, self.end
        if group_by == "day":
            zone, day = ZoneInfo(self.zone), date.fromisoformat(key)
            begin = max(begin, midnight(day, zone))
            end = min(end, midnight(day + timedelta(days=1), zone))
        elif group_by:
            if not key:
                return None
            fields[group_by] = key
        given = {word: text for word, text in fields.items() if text}
        return f"/v1/indicators/{name}/tickets?" + urlencode(
            {**given, "from": begin.isoformat(), "to": end.isoformat(), "part": part}
        )


class City:
    """Adds figures up."""

    def __init__(self, desk: Desk) -> None:
        """Read the desk's views by its profile."""
        self._desk = desk
        self._profile = desk.profile
        self._zone = ZoneInfo(desk.profile.zone)

    def asked(self, query: FigureQuery) -> Asked:
        """Understand a call; raises Problem 422."""
        body = query.department.removeprefix(UNITS) if query.department.startswith(UNITS) else ""
        known_to(self._profile, query.unit, "" if body or query.department in {UNITS, NOBODY_YET} else query.department)
        if body and body not in self._profile.rated_bodies:
            raise unknown("department", f"no scorecard rates a body {body!r}: see /v1/scorecards")
        begin, end = period(query, self._zone, self._desk.clock.now())
        unit = self._profile.unit(query.unit)
        below = () if unit is None else self._profile.below(unit.id)
        return Asked(begin, end, query.unit, below, query.department, query.category, self._profile.zone)

    async def all(self, asked: Asked) -> dict[str, Sum]:
        """Give the figure of every indicator."""
        sums: dict[str, Sum] = defaultdict(Sum)
        for counted in get_args(Counted):
            for row in await self.rows(asked, counted, None):
                for name, counts in read(row["f"]).items():
                    if BY_NAME[name].counted == counted:
                        for each in counts:
                            if is_of(each.who, asked.department):
                                sums[name] = sums[name].add(row["n"] * each.n, row["n"] * each.of)
        return sums

    async def one(self, found: Indicator, asked: Asked, group_by: str) -> tuple[Sum, list[tuple[str, Pair, Sum]]]:
        """Give one indicator's figure, and those of its groups, in order."""
        key = {"unit": "$area", "category": "$category", "day": "day"}.get(group_by)
        whole, groups = Sum(), defaultdict[str, Sum](Sum)
        counts: dict[str, list[Count]] = {}
        places: dict[str, str] = {}
        for row in await self.rows(asked, found.counted, key, found.name):
            said, place = row["f"], row["k"]
            if said not in counts:  # few words for many rows
                counts[said] = read(said).get(found.name, [])
            if group_by == "unit":
                if place not in places:
                    places[place] = self._branch(place, asked.unit)
                place = places[place]
            for each in counts[said]:
                if is_of(each.who, asked.department):
                    more = row["n"] * each.n, row["n"] * each.of
                    whole = whole.add(*more)
                    group = each.who if group_by == "department" else place
                    groups[group] = groups[group].add(*more)
        if not group_by:
            return whole, []
        return whole, [(key, self._title(group_by, key), groups[key]) for key in sorted(groups)]

    async def tickets(
        self, found: Indicator, asked: Asked, query: OpenQuery
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Give a page of the tickets that add to a figure, and where the next one begins; raises Problem."""
        times = asked.times(found.counted)
        expression = pattern(found.name, asked.department, numerator=query.part == "numerator")
        wanted = asked.wanted() | {
            times.field: {"$gte": times.begin, "$lt": times.end},
            "figures": {"$regex": expression},
        }
        if found.counted == "closed":
            wanted["open"] = False
        try:
            before = cursor_of(query.cursor, f"-{times.field}").at if query.cursor else None
            reach = await self._desk.views.reach(wanted, times.field, query.limit + 1, before)
            wanted[times.field] |= {} if reach is None else {"$gte": reach}
            page = await self._desk.views.page(wanted, f"-{times.field}", query.limit, query.cursor)
        except BadCursor as error:
            raise bad_cursor() from error
        except SearchTooWide as error:
            raise too_wide() from error
        rows = []
        for document in page.documents:
            counts = read(document["figures"]).get(found.name, ())
            mine = [each for each in counts if is_of(each.who, asked.department)]
            n, of = sum(each.n for each in mine), sum(each.of for each in mine)
            shown = listed(document, self._desk.names) | {"closed_at": document["closed_at"]}
            rows.append(shown | {"numerator": n, "denominator": of})
        return rows, page.cursor

    async def rows(self, asked: Asked, counted: Counted, key: str | None, name: str = "") -> list[dict[str, Any]]:
        """Count tickets by what they add, and by `key`; raises Problem 422."""
        try:
            return await self._desk.views.figures(asked.wanted(), asked.times(counted), key, self._profile.zone, name)
        except SearchTooWide as error:
            raise too_wide() from error

    def _branch(self, area: str, unit: str) -> str:
        """Give the unit next below one in which an area lies; itself for what is known no closer."""
        chain = [each.id for each in self._profile.chain(area)]
        top = unit or self._profile.top.id
        if top not in chain:
            return area
        return chain[max(0, chain.index(top) - 1)]

    def _title(self, group_by: str, key: str) -> Pair:
        names = self._desk.names
        match group_by:
            case "unit":
                return names.unit(key) if key else ("未定位", "not located")
            case "category":
                return names.category(key) if key else ("未分类", "no category")
            case "department" if key == UNITS:
                return "区域单元和居民组织", "territorial units and bodies of residents"
            case "department" if key.startswith(UNITS):
                return names.unit(key.removeprefix(UNITS))
            case "department":
                return names.department(key) if self._profile.department(key) else ("尚无承办单位", "nobody yet")
        return key, key


def period(query: FigureQuery, zone: ZoneInfo, now: datetime) -> tuple[datetime, datetime]:
    """Give from when to before when; days are the city's, the last one included. Raises Problem 422."""
    if query.period:
        if query.begin or query.end:
            raise unknown("period", "give `period`, or `from` and `to`")
        first, after = named_period(query.period)
        return midnight(first, zone), midnight(after, zone)
    end = _instant("to", query.end, zone, last=True) if query.end else now
    usual = midnight((end - timedelta.resolution).astimezone(zone).date() - USUAL, zone)
    begin = _instant("from", query.begin, zone) if query.begin else usual
    if begin >= end:
        raise unknown("from", "the period ends before it begins: exchange `from` and `to`")
    if end - begin > LONGEST:
        raise unknown("from", f"the period is longer than {LONGEST.days} days: ask for it in parts")
    return begin, end


def named_period(text: str) -> tuple[date, date]:
    """Give the first day of a day, week, month, quarter or year, and the day after it; raises Problem 422."""
    try:
        if found := MONTH.fullmatch(text):
            year, month = int(found[1]), int(found[2])
            return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        if found := QUARTER.fullmatch(text):
            year, quarter = int(found[1]), int(found[2])
            return date(year, 3 * quarter - 2, 1), date(year + quarter // 4, 3 * quarter % 12 + 1, 1)
        if YEAR.fullmatch(text):
            return date(int(text), 1, 1), date(int(text) + 1, 1, 1)
        if found := WEEK.fullmatch(text):
            first = date.fromisocalendar(int(found[1]), int(found[2]), 1)
            return first, first + timedelta(days=7)
        day = date.fromisoformat(text)
        return day, day + timedelta(days=1)
    except (ValueError, OverflowError) as error:
        raise unknown("period", f"write {PERIODS}") from error


def _instant(pointer: str, text: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    try:
        if len(text) <= len("2026-11-22"):
            day = date.fromisoformat(text)
            return midnight(day + timedelta(days=1) if last else day, zone)
        at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not escaped
        if at.tzinfo is not None and FIRST_YEAR < at.year < LAST_YEAR:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise unknown(pointer, "write a day 2026-11-22, or an instant with its offset")


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Give when a day begins; raises Problem 422."""
    if not FIRST_YEAR < day.year < LAST_YEAR:
        raise unknown("from", "use days of our time")
    return datetime.combine(day, time(), zone).astimezone(UTC)


def known(name: str) -> Indicator:
    """Give an indicator; raises Problem 404."""
    found = BY_NAME.get(name)
    if found is None:
        raise Problem(404, "No such indicator", f"there is no indicator {name[:60]!r}: see /v1/indicators")
    return found


def too_wide() -> Problem:
    """Give the answer to a call that takes too long."""
    return Problem(422, "The search is too wide", "narrow it by a shorter period, a unit or a category")


def described(found: Indicator) -> dict[str, Any]:
    """Give an indicator's definition."""
    return {
        "name": found.name,
        "title": words(found.title),
        "definition": {"numerator": words(found.numerator), "denominator": words(found.denominator)},
        "counted": found.counted,
        "kind": found.value,
        "href": f"/v1/indicators/{found.name}",
    }


# ---------------------------------------------------------------- tables


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Give an indicator as a line of a table."""
    numbers = {key: row[key] for key in ("numerator", "denominator", "value")}
    return {"name": row["name"], **_pair((row["title"]["zh"], row["title"]["en"])), **numbers}


def _pair(title: Pair) -> dict[str, str]:
    return {"zh": title[0], "en": title[1]}


def _line(row: dict[str, Any]) -> dict[str, Any]:
    kept = ("id", "source_reference", "state", "severity", "unit", "department", "reported_at", "closed_at")
    code = (row["category"] or {}).get("code")
    numbers = {key: row[key] for key in ("numerator", "denominator")}
    return {**{key: row[key] for key in kept}, "category": code, "description": row["description"], **numbers}


def table(name: str, rows: Iterable[dict[str, Any]], headers: dict[str, str] | None = None) -> Response:
    """Give rows as CSV that a spreadsheet shows and never computes; begins with the mark by which it knows UTF-8."""
    lines = list(rows)
    text = io.StringIO()
    writer = csv.writer(text)
    if lines:
        writer.writerow(lines[0])
    writer.writerows([harmless(value) for value in line.values()] for line in lines)
    named = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response("\ufeff" + text.getvalue(), 200, named | (headers or {}), CSV)


def harmless(value: object) -> object:
    """Give a field that no spreadsheet takes for a formula."""
    if isinstance(value, datetime):
        return value.isoformat()
    return f"'{value}" if isinstance(value, str) and value.startswith(STEERS) else value
