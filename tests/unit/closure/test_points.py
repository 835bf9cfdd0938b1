"""Who earns points by a closing, and is the ledger what is closed now, whatever happens?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages import Handler, PointsAwarded, TicketClosed, TicketReopened
from shared.profile import find_profile, load_profile, parse_profile
from tests.unit.closure.cases import Case, names
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from collections.abc import Sequence

RULES = """
points:
  - {id: work, zh: 办结, en: Work, whom: handler, categories: ["01*"], points: 5}
  - {id: help, zh: 协办, en: Help, whom: assists, points: 3}
  - {id: told, zh: 告知, en: Told, whom: handler, outcomes: [informed], points: 1}
"""
PAYING = parse_profile(SMALL + RULES, "paying")
LESHAN = load_profile(find_profile("leshan"))
WATER, POLICE = (Handler(kind="department", id=name) for name in ("water", "police"))
STEPS = ("do", "other", "assist", "ask", "rework", "verify", "missed", "solved", "close", "informed", "reopen")


def lines(facts: Sequence[Any]) -> list[tuple[str, str, int, int]]:
    """Give the lines of the ledger among facts."""
    return [(f.rule, f.account, f.points, f.closings) for f in facts if isinstance(f, PointsAwarded)]


def test_a_closing_pays_who_led_and_who_assisted() -> None:
    """One line each, right after the closing."""
    case = Case(PAYING)
    assert case.do(role="assist", order_id="T-2", handler=POLICE) == []
    facts = case.do()
    assert names(facts) == ["verified", "closed solved", "points-awarded", "points-awarded"]
    assert lines(facts) == [("work", "department:water", 5, 1), ("help", "department:police", 3, 1)]


def test_a_reopening_takes_back_what_was_given_and_the_next_closing_pays_again() -> None:
    """To whoever has done it then."""
    case = Case(PAYING)
    case.do()
    assert lines(case.reopen()) == [("work", "department:water", -5, 1)]
    assert lines(case.do(handler=POLICE)) == [("work", "department:police", 5, 2)]
    assert lines(case.reopen()) == [("work", "department:police", -5, 2)]


def test_work_that_must_be_done_again_earns_nothing() -> None:
    """Neither does what is closed out of turn after it, by outcome of the rule or not."""
    case = Case(PAYING)
    case.do(severity="I")
    case.verify(passed=False, note="不合格")
    assert lines(case.close(outcome="informed")) == []
    assert lines(case.reopen()) == []


def test_the_outcome_decides_which_rule_pays() -> None:
    """A ticket closed as informed after its work pays by the rule for that."""
    case = Case(PAYING)
    case.do(severity="I")
    assert lines(case.close(outcome="informed")) == [("told", "department:water", 1, 1)]


@pytest.mark.parametrize("case", [Case(), Case(LESHAN)], ids=["no points", "no rule fits"])
def test_where_no_rule_fits_nothing_is_said_or_remembered(case: Case) -> None:
    """No record and no field."""
    assert lines([*case.do(role="assist", handler=POLICE), *case.do(severity="IV"), *case.reopen(), *case.do()]) == []
    assert "points" not in case.fold.state().model_dump(exclude_defaults=True)


def test_volunteers_who_assist_earn_points() -> None:
    """And the department that assists with them does not: the rule is for bodies of volunteers."""
    case = Case(LESHAN)
    volunteers = Handler(kind="unit", id="volunteers-511102004001")
    said: dict[str, Any] = {"category": "9203", "severity": "IV", "unit": "511102004001"}
    case.do(role="assist", order_id="T-2", handler=volunteers, **said)
    case.do(role="assist", order_id="T-3", handler=WATER, **said)
    facts = case.do(handler=Handler(kind="unit", id="511102004001"), **said)
    facts += case.verify() if case.phase == "verifying" else []
    assert lines(facts) == [("volunteering", "unit:volunteers-511102004001", 10, 1)]


def step(case: Case, name: str) -> list[Any]:
    """Do one thing, which may be refused."""
    if name in {"do", "other", "ask"}:
        return case.do(handler=POLICE if name == "other" else WATER, severity="I" if name == "ask" else "IV")
    if name == "assist":
        return case.do(role="assist", order_id="T-2", handler=POLICE)
    if name in {"rework", "verify"}:
        return case.verify(passed=name == "verify", note="不合格")
    if name in {"missed", "solved"}:
        return case.message("rating" if name == "solved" else "not-solved", "不行", 5 if name == "solved" else 1)
    return case.reopen() if name == "reopen" else case.close(outcome="informed" if name == "informed" else "forced")


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(STEPS), max_size=25))
def test_whatever_happens_the_ledger_is_what_is_closed_now(steps: list[str]) -> None:
    """Its sums are those of the last closing while it is closed, else nothing; no line is said twice."""
    case, said = Case(PAYING), []
    lead, helped = "", False
    for name in steps:
        was_open = case.phase == "open"
        facts = step(case, name)
        said += facts
        if was_open and name in {"do", "other", "ask"}:
            lead = "police" if name == "other" else "water"
        helped |= was_open and name == "assist"
        if any(f.type.split(".")[2] in {"rework-ordered", "reopened"} for f in facts):
            lead = ""
        sums: Counter[tuple[str, str]] = Counter()
        for rule, account, points, _ in lines(said):
            sums[rule, account] += points
        last = [f for f in said if isinstance(f, TicketClosed | TicketReopened)][-1:]
        outcome = last[0].outcome if last and isinstance(last[0], TicketClosed) else ""
        due = {
            ("work", f"department:{lead}"): 5 if lead and outcome == "solved" else 0,
            ("help", "department:police"): 3 if helped and outcome == "solved" else 0,
            ("told", f"department:{lead}"): 1 if lead and outcome == "informed" else 0,
        }
        assert {key: n for key, n in sums.items() if n} == {key: n for key, n in due.items() if n}
    assert len(set(lines(said))) == len(lines(said))
