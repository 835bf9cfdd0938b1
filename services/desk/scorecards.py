"""How does each body, unit or department do by its scorecard? Weighted indicators, targets and stars, over HTTP.

A card is reckoned out of the read model when it is asked for: the same log gives the same card. A ticket that is
reopened leaves its period until it is closed again, as it does in the indicators.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Query
from fastapi.responses import Response
from pydantic import Field

from services.desk.api import Parameters, Word, unknown
from services.desk.figures import MONTH, QUARTER, TABLE, YEAR, Asked, City, Day, Format, Sum, midnight, named_period
from services.desk.figures import table as csv_table
from services.desk.indicators import BY_NAME, UNITS, Counted, read
from services.desk.views import words
from shared.http import Problem, problems

if TYPE_CHECKING:
    from decimal import Decimal

    from services.desk.api import Desk
    from services.desk.names import Pair
    from shared.profile import Profile
    from shared.profile.model import CardRow, Scorecard

PERIODS: Final = {"month": (MONTH, "2026-10"), "quarter": (QUARTER, "2026-Q4"), "year": (YEAR, "2026")}
HUNDRED: Final = 100


class CardQuery(Parameters):
    """Of which period."""

    period: Annotated[
        Day, Field(description="as the card has them: 2026-10, 2026-Q4 or 2026; else the running one")
    ] = ""
    of: Annotated[Word, Field(description="one of those whom the card rates")] = ""
    format: Format = "json"


@dataclass(slots=True)
class Tally:
    """What one of those rated has done in a period."""

    sums: dict[str, Sum] = field(default_factory=lambda: defaultdict(Sum))
    tickets: Counter[Counted] = field(default_factory=Counter)


# ---------------------------------------------------------------- the arithmetic, exact


def points(row: CardRow, figure: Sum) -> Fraction | None:
    """Give what a figure earns: the weight × (value - zero) ÷ (full - zero), from 0 to the weight; None of nothing."""
    if not figure.of:
        return None
    zero, full = Fraction(row.zero), Fraction(row.full)
    share = (Fraction(figure.n, figure.of) - zero) / (full - zero)
    return Fraction(row.weight) * min(max(share, Fraction(0)), Fraction(1))


def is_met(row: CardRow, figure: Sum) -> bool | None:
    """Whether the target is reached, from above where little is good; None of nothing."""
    if not figure.of:
        return None
    value, target = Fraction(figure.n, figure.of), Fraction(row.full if row.target is None else row.target)
    return value >= target if row.full > row.zero else value <= target


def total(card: Scorecard, tally: Tally) -> Fraction | None:
    """Give the points of a hundred: those earned ÷ the weights of the rows that have a figure; None: not rated."""
    if tickets(card, tally) < card.least:
        return None
    earned = [(row.weight, got) for row in card.rows if (got := points(row, tally.sums[row.indicator])) is not None]
    whole = sum(Fraction(weight) for weight, _ in earned)
    return HUNDRED * sum((got for _, got in earned), Fraction(0)) / whole if whole else None


def stars(card: Scorecard, of: Fraction | None) -> int | None:
    """Give the stars of a total, before it is rounded; None without a rating or bands."""
    if of is None or not card.stars:
        return None
    return 1 + sum(of >= Fraction(least) for least in card.stars)


def tickets(card: Scorecard, tally: Tally) -> int:
    """Give how many tickets a rating rests on: those closed in the period; reported, where no row is of closed ones."""
    closed = any(BY_NAME[row.indicator].counted == "closed" for row in card.rows)
    return tally.tickets["closed" if closed else "reported"]


def rounded(exact: Fraction | None) -> float | None:
    """Give two decimals, a half upwards."""
    return None if exact is None else floor(exact * HUNDRED + Fraction(1, 2)) / HUNDRED


def reckoned(row: CardRow, figure: Sum) -> str | None:
    """Give how the points of a row follow from its figure."""
    got = points(row, figure)
    if got is None:
        return None
    formula = f"{row.weight} × ({figure.n}/{figure.of} - {row.zero}) ÷ ({row.full} - {row.zero})"
    return f"{formula}, 0…{row.weight} = {rounded(got):g}"


# ---------------------------------------------------------------- over HTTP


def add_scorecards(app: FastAPI, desk: Desk) -> None:
    """Add the calls for scorecards to the desk's application."""
    cards = {each.id: each for each in desk.profile.content.scorecards}

    @app.get("/v1/scorecards", tags=["indicators"])
    async def scorecards() -> dict[str, Any]:
        """List the scorecards of the profile: whom each rates, by which indicators, weights and targets."""
        return {"scorecards": [described(each) for each in cards.values()]}

    @app.get("/v1/scorecards/{ident}", tags=["indicators"], responses=TABLE | problems(404), response_model=None)
    async def scorecard(ident: str, query: Annotated[CardQuery, Query()]) -> Response | dict[str, Any]:
        """Rate everybody whom a card rates, the best first; each figure has a link down to its tickets."""
        card = cards.get(ident)
        if card is None:
            raise Problem(404, "No such scorecard", f"the profile has no scorecard {ident[:60]!r}: see /v1/scorecards")
        rated = whom(card, desk.profile)
        if query.of and query.of not in rated:
            raise unknown("of", f"the card does not rate {query.of!r}: leave it out to see whom it does")
        zone, now = ZoneInfo(desk.profile.zone), desk.clock.now()
        name = query.period or running(card, now.astimezone(zone).date())
        first, after = days(card, name)
        category = "" if card.category == "*" else card.category
        asked = Asked(midnight(first, zone), midnight(after, zone), "", (), "", category, desk.profile.zone)
        tallies = await tally(City(desk), card, asked, desk.profile)
        shown = [
            (got, ident, view(card, ident, title, tallies[ident], asked))
            for ident, title in rated.items()
            if query.of in {"", ident}
            for got in (total(card, tallies[ident]),)
        ]
        shown.sort(key=lambda each: (each[0] is None, -(each[0] or 0), each[1]))
        rows = [row for _, _, row in shown]
        if query.format == "csv":
            return csv_table(f"{card.id}-{name}", [flat(row) for row in rows])
        period = {"period": name, "from": asked.begin, "to": asked.end, "over": asked.end <= now, "zone": asked.zone}
        return described(card) | period | {"rated": rows}


def whom(card: Scorecard, profile: Profile) -> dict[str, Pair]:
    """Give whom a card rates, each with its name."""
    if card.whom.level:
        return {each.id: (each.zh, each.en) for each in profile.units if each.level == card.whom.level}
    if card.whom.body:
        return {each.id: (each.zh, each.en) for each in profile.content.bodies if each.kind == card.whom.body}
    wanted = card.whom.departments
    return {each.id: (each.zh, each.en) for each in profile.departments if "*" in wanted or each.id in wanted}


def running(card: Scorecard, today: date) -> str:
    """Give the period of a card in which a day lies."""
    if card.period == "quarter":
        return f"{today.year}-Q{(today.month + 2) // 3}"
    return f"{today:%Y-%m}" if card.period == "month" else f"{today:%Y}"


def days(card: Scorecard, period: str) -> tuple[date, date]:
    """Give the first day of a period and the day after it; raises Problem 422 for one of another kind."""
    form, example = PERIODS[card.period]
    if form.fullmatch(period) is None:
        raise unknown("period", f"this card rates each {card.period}: write {example}")
    return named_period(period)


async def tally(city: City, card: Scorecard, asked: Asked, profile: Profile) -> dict[str, Tally]:
    """Give what each has done, by their id."""
    found: dict[str, Tally] = defaultdict(Tally)
    level = card.whom.level
    places: dict[str, str] = {}
    for counted in get_args(Counted):
        names = {row.indicator for row in card.rows if BY_NAME[row.indicator].counted == counted}
        for row in await city.rows(asked, counted, "$area" if level else None) if names else ():
            area = row["k"]
            if level and area not in places:
                places[area] = next((unit.id for unit in profile.chain(area) if unit.level == level), "")
            mine: set[str] = set()
            for name, counts in read(row["f"]).items():
                for each in counts if name in names else ():
                    key = places[area] if level else _rated_by(card, each.who)
                    sums = found[key].sums
                    sums[name] = sums[name].add(row["n"] * each.n, row["n"] * each.of)
                    mine.add(key)
            for key in mine:
                found[key].tickets[counted] += row["n"]
    return found


def _rated_by(card: Scorecard, who: str) -> str:
    """Give the id of whoever is counted under a word, as far as such are rated."""
    return (who.removeprefix(UNITS) if who.startswith(UNITS) else "") if card.whom.body else who


def described(card: Scorecard) -> dict[str, Any]:
    """Give a card's definition."""
    return {
        "id": card.id,
        "name": words((card.zh, card.en)),
        "whom": card.whom.model_dump(exclude_defaults=True),
        "each": card.period,
        "category": card.category,
        "least": card.least,
        "indicators": [
            {"indicator": row.indicator, "title": words(BY_NAME[row.indicator].title), **_limits(row)}
            for row in card.rows
        ],
        "stars": [_number(least) for least in card.stars],
        "href": f"/v1/scorecards/{card.id}",
    }


def _limits(row: CardRow) -> dict[str, Any]:
    target = row.full if row.target is None else row.target
    named = {"weight": row.weight, "zero": row.zero, "full": row.full, "target": target}
    return {name: _number(value) for name, value in named.items()}


def _number(value: Decimal) -> float:
    return float(value)


def view(card: Scorecard, ident: str, title: Pair, tallied: Tally, asked: Asked) -> dict[str, Any]:
    """Give one rating with all that it follows from."""
    whole, count = total(card, tallied), tickets(card, tallied)
    narrowed = replace(asked, unit=ident) if card.whom.level else replace(asked, department=_word(card, ident))
    rows = []
    for row in card.rows:
        figure = tallied.sums[row.indicator]
        rows.append(
            {"indicator": row.indicator, **figure.view(), **_limits(row), "met": is_met(row, figure)}
            | {"points": rounded(points(row, figure)), "reckoned": reckoned(row, figure)}
            | {"href": narrowed.link(row.indicator)}
        )
    why = None
    if whole is None:
        why = words(
            (f"{count} 件工单，不足 {card.least} 件，不评", f"{count} tickets, fewer than {card.least}: no rating")
        )
        if count >= card.least:
            why = words(("各项均无数据，不评", "no row has a figure: no rating"))
    return {
        "id": ident,
        "name": words(title),
        "tickets": count,
        "total": rounded(whole),
        "stars": stars(card, whole),
        "no_rating": why,
        "reckoned_from": sum(row["weight"] for row in rows if row["points"] is not None),
        "rows": rows,
    }


def _word(card: Scorecard, ident: str) -> str:
    return UNITS + ident if card.whom.body else ident


def flat(rated: dict[str, Any]) -> dict[str, Any]:
    """Give a rating as a line of a table."""
    line = {"id": rated["id"], **rated["name"], "tickets": rated["tickets"], "total": rated["total"]}
    line |= {"stars": rated["stars"], "no_rating": (rated["no_rating"] or {}).get("en")}
    for row in rated["rows"]:
        line |= {row["indicator"]: row["value"], f"{row['indicator']} points": row["points"]}
    return line
