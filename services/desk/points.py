"""Who has how many points (积分), and what for? The ledger that closings and reopenings write, and what counts of it.

Every line stays as it was said. What of it counts follows from the lines alone, in order of time and then of ticket:
a line counts as far as its rule's cap leaves room on its day, in its month or year, and what is taken back counts as
much as it did when it was given, and makes that room again.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import Field

from services.desk.api import Parameters, Word, unknown
from services.desk.figures import PERIODS, TABLE, Day, Format, midnight, named_period, too_wide
from services.desk.figures import table as csv_table
from services.desk.store import SearchTooWide
from services.desk.views import words
from shared.http import problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from services.desk.api import Desk
    from services.desk.names import Names
    from shared.profile.model import PointsRule

MOST: Final = 100
"""Accounts that are listed, those with most points first."""
FORMS: Final = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


class AccountsQuery(Parameters):
    """Of which period."""

    period: Annotated[Day, Field(description=PERIODS + "; else from the beginning")] = ""
    format: Format = "json"


class LedgerQuery(AccountsQuery):
    """Of which account and period."""

    account: Annotated[Word, Field(description="`department:…` or `unit:…`, also of a body of residents")]


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the ledger, and how many of its points count."""

    at: datetime
    ticket: str
    rule: str
    account: str
    points: int
    counted: int


def counted(lines: Iterable[Mapping[str, Any]], rules: Mapping[str, PointsRule], zone: ZoneInfo) -> list[Line]:
    """Give lines that stand in order, each with what of it counts under the caps."""
    used: dict[tuple[str, str, str], int] = defaultdict(int)
    given: dict[tuple[str, str, str], tuple[str, int]] = {}
    found = []
    for each in lines:
        rule, account, points = each["rule"], each["account"], each["points"]
        which = (each["ticket"], rule, account)
        cap = rules[rule].cap if rule in rules else None
        if points < 0:
            period, before = given.pop(which, ("", 0))
            counts = -before
        else:
            period = f"{each['at'].astimezone(zone):{FORMS[cap.period]}}" if cap else ""
            counts = min(points, max(cap.points - used[rule, account, period], 0)) if cap else points
            given[which] = (period, counts)
        used[rule, account, period] += counts
        found.append(Line(each["at"], each["ticket"], rule, account, points, counts))
    return found


def add_points(app: FastAPI, desk: Desk) -> None:
    """Add the calls for points to the desk's application."""
    rules = {rule.id: rule for rule in desk.profile.content.points}
    zone = ZoneInfo(desk.profile.zone)

    async def lines(account: str, period: str) -> tuple[list[Line], list[Line]]:
        """Give all lines until the end of a period, and those in it; raises Problem 422."""
        begin, end = None, None
        if period:
            first, after = named_period(period)
            begin, end = midnight(first, zone), midnight(after, zone)
        try:
            found = counted(await desk.views.points(account, end), rules, zone)
        except SearchTooWide as error:
            raise too_wide() from error
        return found, [each for each in found if begin is None or each.at >= begin]

    @app.get("/v1/points", tags=["points"], responses=TABLE | problems(422), response_model=None)
    async def points(query: Annotated[LedgerQuery, Query()]) -> Response | dict[str, Any]:
        """Give an account's lines of the ledger in order of time, what of each counts, and the balance."""
        if not query.account.startswith(("department:", "unit:")):
            raise unknown("account", "write department:… or unit:…: see /v1/points/accounts")
        whole, shown = await lines(query.account, query.period)
        rows = [line_view(each, desk.names) for each in shown]
        if query.format == "csv":
            return csv_table("points", [flat(row) for row in rows])
        return {
            "account": query.account,
            "name": words(desk.names.handler(query.account)),
            "period": query.period,
            "lines": rows,
            "counted": sum(each.counted for each in shown),
            "balance": sum(each.counted for each in whole),
        }

    @app.get("/v1/points/accounts", tags=["points"], responses=TABLE | problems(422), response_model=None)
    async def accounts(query: Annotated[AccountsQuery, Query()]) -> Response | dict[str, Any]:
        """List the accounts with the most points that count in a period."""
        _, shown = await lines("", query.period)
        rows = ranked(shown, desk.names)
        if query.format == "csv":
            return csv_table(
                "points-accounts", [{**row, "name": row["name"]["zh"], "name_en": row["name"]["en"]} for row in rows]
            )
        return {"period": query.period, "accounts": rows}


def line_view(line: Line, names: Names) -> dict[str, Any]:
    """Give a line as people see it."""
    return {
        "at": line.at,
        "ticket": line.ticket,
        "href": f"/v1/tickets/{line.ticket}",
        "rule": {"id": line.rule, **words(names.points_rule(line.rule))},
        "points": line.points,
        "counted": line.counted,
    }


def ranked(lines: Iterable[Line], names: Names) -> list[dict[str, Any]]:
    """Give the accounts of lines, those with most points first."""
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for each in lines:
        sums[each.account][0] += each.counted
        sums[each.account][1] += 1
    order = sorted(sums, key=lambda account: (-sums[account][0], account))[:MOST]
    return [
        {
            "account": account,
            "name": words(names.handler(account)),
            "counted": sums[account][0],
            "lines": sums[account][1],
        }
        for account in order
    ]


def flat(row: dict[str, Any]) -> dict[str, Any]:
    """Give a line of the ledger as a line of a table."""
    kept = {name: row[name] for name in ("at", "ticket", "points", "counted")}
    return kept | {"rule": row["rule"]["id"], "zh": row["rule"]["zh"], "en": row["rule"]["en"]}
