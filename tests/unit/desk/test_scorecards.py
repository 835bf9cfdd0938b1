"""Are ratings exact, explained, and never of too little?"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from deploy.cli.output import Commands
from deploy.cli.scorecards import scorecards
from services.desk.figures import Asked, Sum, named_period
from services.desk.indicators import INDICATORS, UNITS, read
from services.desk.scorecards import (
    Tally,
    days,
    described,
    is_met,
    points,
    reckoned,
    rounded,
    running,
    stars,
    total,
    view,
    whom,
)
from services.desk.store import searchable
from shared import messages as m
from shared.http import Problem
from shared.profile import ProfileInvalid, find_profile, load_profile, parse_profile
from shared.profile.model import CardRow, IndicatorName
from tests.unit.desk.lives import Life
from tests.unit.desk.test_indicators import asked
from tests.unit.profile.small import SMALL

LONGGANG = load_profile(find_profile("longgang"))
LONGQUANYI = load_profile(find_profile("longquanyi"))
CARDS = {each.id: each for profile in (LONGGANG, LONGQUANYI) for each in profile.content.scorecards}
STARS = CARDS["property-stars"]
FIRM = m.Handler(kind="unit", id="property-440307003004001")
CARD = """
scorecards:
  - id: card
    zh: 卡
    en: Card
    whom: {departments: ["*"]}
    period: month
    least: 2
    rows:
      - {indicator: on-time, weight: 60, zero: 0.5, full: 0.9}
      - {indicator: rework, weight: 40, zero: 0.3, full: 0}
"""


def tallied(closed: int, **figures: tuple[int, int]) -> Tally:
    """Give what somebody has done."""
    tally = Tally(tickets=Counter({"closed": closed}))
    for name, (n, of) in figures.items():
        tally.sums[name.replace("_", "-")] = Sum(n, of)
    return tally


def test_the_profile_knows_the_desk_s_indicators() -> None:
    """Their names stand twice, since a profile is checked without the desk."""
    assert set(get_args(IndicatorName)) == {each.name for each in INDICATORS}


def test_property_firms_of_longgang_get_stars() -> None:
    """Late, rework and satisfaction: by hand 35 × 4/9 + 35 + 20 × 2/3 + 10, and what has no figure is left out."""
    firm = tallied(20, on_time_in_fact=(14, 20), satisfaction=(19, 20), rework=(2, 20), reopened=(0, 20))
    exact = Fraction(35 * 4, 9) + 35 + Fraction(20 * 2, 3) + 10
    assert total(STARS, firm) == exact
    assert rounded(exact) == 73.89
    assert stars(STARS, exact) == 3
    silent = tallied(20, on_time_in_fact=(14, 20), rework=(2, 20), reopened=(0, 20))
    assert total(STARS, silent) == 100 * (exact - 35) / 65
    best = tallied(5, on_time_in_fact=(5, 5), satisfaction=(5, 5), rework=(0, 5), reopened=(0, 5))
    assert stars(STARS, total(STARS, best)) == 5
    worst = tallied(5, on_time_in_fact=(0, 5), satisfaction=(0, 5), rework=(5, 5), reopened=(5, 5))
    assert total(STARS, worst) == 0
    assert stars(STARS, total(STARS, worst)) == 1
    assert [stars(STARS, Fraction(each)) for each in (59, 60, 70, 80, 90)] == [1, 2, 3, 4, 5]
    assert stars(STARS, Fraction(90) - Fraction(1, 10**9)) == 4, "by the exact total"
    few = tallied(4, on_time_in_fact=(0, 4))
    assert (total(STARS, few), stars(STARS, None)) == (None, None)
    assert total(STARS, tallied(9)) is None


def test_a_firm_is_counted_by_itself() -> None:
    """Its tickets have a word of their own; another body's and a profile without cards have none."""
    life = Life().reported().triaged(FIRM).issued(1, FIRM).signed(1, FIRM).done(1, FIRM).closed().view()
    here = searchable(LONGGANG)(life)["figures"]
    assert {each.who for each in read(here)["response"]} == {UNITS + FIRM.id}
    elsewhere = searchable(parse_profile(SMALL, "small.yaml"))(life)["figures"]
    assert {each.who for each in read(elsewhere)["response"]} == {UNITS}
    assert FIRM.id in whom(STARS, LONGGANG)
    assert len(whom(STARS, LONGGANG)) == 8
    assert LONGGANG.route("9003", None, "440307003004001").lead.id == FIRM.id


def test_longgang_is_measured_by_eighteen_indicators() -> None:
    """Their weights sum to 100, and all at their best is a hundred."""
    card = CARDS["year"]
    assert len(card.rows) == 18
    assert sum(row.weight for row in card.rows) == 100
    best = tallied(50)
    for row in card.rows:
        value = Fraction(row.full)
        best.sums[row.indicator] = Sum(value.numerator, value.denominator)
        assert is_met(row, best.sums[row.indicator])
    assert total(card, best) == 100


def test_longquanyi_has_targets_for_three_levels() -> None:
    """The lower the level, the milder; a target for what should be little is met from below."""
    cards = [CARDS[f"guide-{level}"] for level in ("street", "community", "grid")]
    met = [is_met(card.rows[-1], Sum(5, 100)) for card in cards]
    assert met == [False, True, True]
    assert is_met(cards[0].rows[0], Sum()) is None


def test_points_are_explained() -> None:
    """The weight × (value - zero) ÷ (full - zero)."""
    row = STARS.rows[2]
    assert reckoned(row, Sum(2, 20)) == "20 × (2/20 - 0.3) ÷ (0 - 0.3), 0…20 = 13.33"
    assert reckoned(row, Sum()) is None


numbers = st.decimals(0, 5, places=2, allow_nan=False)


@given(numbers, numbers, st.integers(0, 50), st.integers(1, 50), st.integers(0, 10))
def test_points_lie_between_nothing_and_the_weight_and_grow_towards_full(
    zero: Decimal, full: Decimal, n: int, of: int, more: int
) -> None:
    """For any limits and figure; better is never fewer."""
    if zero == full:
        return
    row = CardRow(indicator="rework", weight=Decimal(20), zero=zero, full=full)
    worse, better = (n, n + more) if full > zero else (n + more, n)
    low, high = points(row, Sum(worse, of)), points(row, Sum(better, of))
    assert low is not None
    assert high is not None
    assert 0 <= low <= high <= 20


def test_periods_of_a_card() -> None:
    """A month, a quarter or a year of the city's days; another kind is refused with how to write it."""
    assert named_period("2026-Q4") == (date(2026, 10, 1), date(2027, 1, 1))
    assert named_period("2026-Q1") == (date(2026, 1, 1), date(2026, 4, 1))
    assert named_period("2026") == (date(2026, 1, 1), date(2027, 1, 1))
    assert [running(CARDS[each], date(2026, 12, 31)) for each in ("guide-grid", "property-stars", "year")] == [
        "2026-12",
        "2026-Q4",
        "2026",
    ]
    with pytest.raises(Problem, match="2026-Q4"):
        days(STARS, "2026-10")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("weight: 40", "weight: 41", "sum to 101"),
        ("indicator: rework", "indicator: on-time", "twice"),
        ("zero: 0.3", "zero: 0", "apart"),
        ('departments: ["*"]', "body: firm", "unknown kind of body 'firm'"),
        ('departments: ["*"]', "level: moon", "unknown level 'moon'"),
        ('departments: ["*"]', "departments: [polize]", "did you mean 'police'"),
        ('departments: ["*"]', 'departments: ["*"], level: grid', "in one way"),
        ("least: 2", "least: 2\n    category: 77*", "no category is '77"),
        ("least: 2", "least: 2\n    stars: [60, 50, 80, 90]", "four totals that rise"),
        ("indicator: rework", "indicator: luck", "indicator"),
    ],
)
def test_what_does_not_fit_is_refused(old: str, new: str, said: str) -> None:
    """With file and line."""
    assert old in CARD
    parse_profile(SMALL + CARD, "small.yaml")
    with pytest.raises(ProfileInvalid, match=r"small.yaml:\d+") as wrong:
        parse_profile(SMALL + CARD.replace(old, new), "small.yaml")
    assert said in str(wrong.value)


def test_the_command_shows_cards_ratings_and_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which cards there are, who does how well, and why."""
    cli = typer.Typer(cls=Commands)
    cli.command()(scorecards)
    cli.command("other")(lambda: None)
    run = CliRunner()
    asked(monkeypatch, {"scorecards": [described(each) for each in CARDS.values()]})
    assert "property-stars" in run.invoke(cli, ["scorecards"]).output
    span = Asked(datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC), "", (), "", "", "Asia/Shanghai")
    firm = tallied(20, on_time_in_fact=(14, 20), rework=(2, 20), reopened=(0, 20))
    rated = [view(STARS, "a", ("甲", "A"), firm, span), view(STARS, "b", ("乙", "B"), tallied(1), span)]
    answer = json.loads(json.dumps(described(STARS) | {"period": "2026-Q4", "over": False, "rated": rated}))
    calls = asked(monkeypatch, answer)
    shown = run.invoke(cli, ["scorecards", "property-stars", "--period", "2026-Q4", "--of", "a"])
    assert shown.exit_code == 0, shown.output
    assert calls == [("/v1/scorecards/property-stars", {"period": "2026-Q4", "of": "a"})]
    for word in ("so far", "59.83", "no figure", "fewer than 5"):
        assert word in " ".join(shown.output.split()), shown.output
    assert run.invoke(cli, ["scorecards", "--period", "2026-Q4"]).exit_code == 2
