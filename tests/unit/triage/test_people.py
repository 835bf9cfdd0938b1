"""What may a person at the desk decide about a ticket that waits, and what happens to an order that comes back?"""

from __future__ import annotations

from typing import Any

import pytest

from shared.messages import (
    CategoryRef,
    DivertTicket,
    Handler,
    Place,
    TicketAmended,
    TicketDiverted,
    TicketReopened,
    TriageTicket,
    Words,
)
from tests.support.fold import Said
from tests.unit.triage.reports import COMMUNITY, EAST, G1, POLICE, TOP, WATER, needed, report, returned, triage, triaged


def by(**given: Any) -> TriageTicket:
    """Give the command of an officer."""
    return TriageTicket(**({"by": "王值班"} | given))


def refusal(said: Said) -> str:
    """Give the reason of the refusal, which has a sentence in both languages."""
    assert said.refused is not None
    assert said.refused.detail.zh != said.refused.detail.en
    assert len(said.facts) == 1
    return said.refused.reason


# ---------------------------------------------------------------- triage by a person


def test_a_person_fills_in_what_is_missing() -> None:
    """What the report says itself stands."""
    folded = triage()
    folded.read(report(category=None, place=Place(address="远方")))
    fact = triaged(folded.read(by(category="漏水", unit=G1)))
    assert (fact.category.code, fact.place.unit, fact.place.located_by) == ("0501", G1, "person")
    assert (fact.place.address, fact.by, fact.attempt, fact.lead) == ("远方", "王值班", 1, WATER)


def test_a_person_may_choose_severity_and_lead() -> None:
    """The clocks follow the severity that was chosen."""
    folded = triage()
    folded.read(report(category=None))
    lead = Handler(kind="unit", id=COMMUNITY)
    fact = triaged(folded.read(by(category="0501", severity="IV", lead=lead)))
    assert (fact.severity, fact.lead, fact.level, fact.unit) == ("IV", lead, "grid", G1)
    assert fact.sign_limit.unit == "work_days"
    assert fact.rule == "chosen by 王值班"


def test_what_is_still_missing_is_refused_with_what_there_is_to_choose() -> None:
    """Nothing is half-done: the ticket waits as before."""
    folded = triage()
    folded.read(report(category=None, place=Place()))
    assert refusal(folded.read(by(unit=G1))) == "missing"
    said = folded.read(by(category="0101", unit=G1))
    assert refusal(said) == "missing"
    assert said.refused is not None
    assert "building" in said.refused.detail.en
    assert folded.state().phase == "waiting"
    assert triaged(folded.read(by(category="0101", condition="building", unit=G1))).category.code == "0101"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"category": "飞碟"}, "unknown-category"),
        ({"category": "0101", "condition": "飞"}, "unknown-condition"),
        ({"category": "0501", "unit": "nowhere"}, "unknown-unit"),
        ({"category": "0501", "lead": Handler(kind="department", id="nobody")}, "unknown-lead"),
        ({"category": "0501", "lead": Handler(kind="unit", id="nowhere")}, "unknown-lead"),
        ({"category": "0501", "lead": Handler(kind="unit", id=EAST)}, "no-staff"),
        ({"category": "0501", "by": "  "}, "no-name"),
    ],
)
def test_what_the_profile_does_not_have_is_refused(given: dict[str, Any], reason: str) -> None:
    """A sentence says what to change."""
    folded = triage()
    folded.read(report(category=None))
    assert refusal(folded.read(by(**given))) == reason


def test_a_ticket_that_was_never_reported_cannot_be_triaged() -> None:
    """There is nothing to triage."""
    assert refusal(triage().read(by(category="0501"))) == "no-such-ticket"


def test_a_triaged_ticket_is_not_triaged_again() -> None:
    """Who handles it is dispatch's matter from now on."""
    folded = triage()
    folded.read(report())
    said = folded.read(by(category="0501"))
    assert refusal(said) == "already-triaged"
    assert said.refused is not None
    assert "assign" in said.refused.detail.en


def test_the_same_command_twice_triages_once() -> None:
    """A client that heard no answer asks again."""
    folded = triage()
    folded.read(report(category=None))
    assert triaged(folded.read(by(category="0501"), id="same")).attempt == 1
    assert folded.read(by(category="0501"), id="same").facts == []


# ---------------------------------------------------------------- diverting by a person


def test_a_person_may_divert_a_ticket_that_waits() -> None:
    """With the sentence that the person who asked reads."""
    folded = triage()
    folded.read(report(category=None))
    (fact,) = folded.read(DivertTicket(by="王", diversion="not-ours", to="邮政", detail="请联系邮政。")).facts
    assert fact == TicketDiverted(diversion="not-ours", to="邮政", detail=Words(zh="请联系邮政。", en="请联系邮政。"))
    assert refusal(folded.read(by(category="0501"))) == "diverted"


@pytest.mark.parametrize(("to", "detail", "reason"), [(" ", "x", "no-to"), ("110", " ", "no-detail")])
def test_a_diversion_says_where_to_and_why(to: str, detail: str, reason: str) -> None:
    """The caller must not be left with nothing."""
    folded = triage()
    folded.read(report(category=None))
    assert refusal(folded.read(DivertTicket(by="王", diversion="emergency", to=to, detail=detail))) == reason


def test_a_triaged_or_unknown_ticket_is_not_diverted_here() -> None:
    """An order is out already, or there is no ticket."""
    command = DivertTicket(by="王", diversion="not-ours", to="邮政", detail="请联系邮政。")
    assert refusal(triage().read(command)) == "no-such-ticket"
    folded = triage()
    folded.read(report())
    assert refusal(folded.read(command)) == "already-triaged"


# ---------------------------------------------------------------- an order comes back


def test_a_return_that_proposes_a_department_goes_to_it_at_once() -> None:
    """Everything else of the triage stands."""
    folded = triage()
    first = triaged(folded.read(report()))
    again = triaged(folded.read(returned(proposed=POLICE)))
    assert (again.lead, again.attempt, again.rule) == (POLICE, 2, "proposed by water")
    same = {"lead": first.lead, "attempt": first.attempt, "rule": first.rule}
    assert again.model_copy(update=same) == first


def test_what_a_person_decided_outlives_a_return() -> None:
    """The officer's place, category and severity are not forgotten for the report's."""
    folded = triage()
    folded.read(report(category=None, place=Place()))
    folded.read(by(category="0501", unit=COMMUNITY, severity="I"))
    again = triaged(folded.read(returned(proposed=POLICE)))
    assert (again.category.code, again.place.unit, again.severity) == ("0501", COMMUNITY, "I")


def test_what_was_corrected_outlives_a_return() -> None:
    """Another category, place and severity: the next order is for what it is, not for what it seemed."""
    folded = triage()
    first = triaged(folded.read(report()))
    building = CategoryRef(code="0101", name="私搭", condition="building")
    folded.read(
        TicketAmended(
            category=building,
            old_category=first.category,
            severity="III",
            old_severity=first.severity,
            place=first.place.model_copy(update={"unit": COMMUNITY, "grid": None}),
            old_place=first.place,
            level="community",
            unit=COMMUNITY,
            sign_limit=first.sign_limit,
            handle_limit=first.handle_limit,
            calendar="always",
            by="甲",
            reason="看错了",
        )
    )
    again = triaged(folded.read(returned(proposed=POLICE)))
    assert (again.category.code, again.category.condition) == ("0101", "building")
    assert (again.place.unit, again.severity) == (COMMUNITY, "III")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"proposed": WATER},
        {"proposed": Handler(kind="department", id="nobody")},
        {"proposed": Handler(kind="unit", id=COMMUNITY)},
        {"proposed": POLICE, "reason": "incomplete"},
        {"proposed": POLICE, "reason": "duplicate"},
    ],
)
def test_any_other_return_needs_a_person_who_names_the_lead(given: dict[str, Any]) -> None:
    """The matrix would choose the returner again, so that is refused."""
    folded = triage()
    folded.read(report())
    fact = needed(folded.read(returned(detail="不归我们管", **given)))
    assert (fact.missing, fact.unit) == (("lead",), TOP)
    assert "供水" in fact.detail.zh
    assert "不归我们管" in fact.detail.en
    assert refusal(folded.read(by())) == "missing"
    again = triaged(folded.read(by(lead=POLICE)))
    assert (again.lead, again.attempt, again.by) == (POLICE, 2, "王值班")


def test_after_a_return_for_its_place_a_person_gives_the_place() -> None:
    """The same department may be right at the right place."""
    folded = triage()
    folded.read(report())
    assert needed(folded.read(returned(reason="wrong-place", proposed=POLICE))).missing == ("place",)
    assert refusal(folded.read(by())) == "missing"
    again = triaged(folded.read(by(unit="100000002001")))
    assert (again.place.unit, again.lead, again.attempt) == ("100000002001", WATER, 2)


def test_a_return_that_a_duty_officer_decides_is_not_triages_matter() -> None:
    """Dispatch asks the officer; triage stays out of it."""
    folded = triage()
    folded.read(report())
    assert folded.read(returned(goes_to="duty-officer", returns=2, proposed=POLICE)).facts == []
    assert refusal(folded.read(by(lead=POLICE))) == "already-triaged"


def test_a_new_category_takes_its_own_condition_and_severity() -> None:
    """The condition of the old category means nothing for the new one."""
    folded = triage()
    folded.read(report())
    folded.read(returned())
    fact = triaged(folded.read(by(category="0101", condition="building", lead=POLICE)))
    assert (fact.category.code, fact.category.condition, fact.severity) == ("0101", "building", "III")


def test_a_new_category_does_not_keep_the_condition_of_the_old_one() -> None:
    """The person is asked which of its own conditions it is, and the severity is looked up anew."""
    folded = triage()
    folded.read(report(condition="leak"))
    folded.read(returned())
    said = folded.read(by(category="0101", lead=POLICE))
    assert refusal(said) == "missing"
    said = folded.read(by(category="0101", condition="built", lead=POLICE))
    assert (triaged(said).category.condition, triaged(said).severity) == ("built", "IV")


def test_a_new_condition_of_the_same_category_has_its_own_severity() -> None:
    """It was being built; now it stands."""
    folded = triage()
    folded.read(report(category="0101", condition="building"))
    folded.read(returned(handler=Handler(kind="unit", id=G1)))
    assert triaged(folded.read(by(condition="built", lead=POLICE))).severity == "IV"


# ---------------------------------------------------------------- reopening


def test_a_ticket_that_was_closed_while_it_waited_waits_again_when_reopened() -> None:
    """It was never anybody's: no last handler gets it."""
    folded = triage()
    folded.read(report(category=None))
    assert needed(folded.read(TicketReopened(reason="又来了", reopenings=1))).missing == ("category",)
    assert triaged(folded.read(by(category="0501"))).lead == WATER


def test_a_triaged_ticket_is_reopened_by_dispatch() -> None:
    """The last handler gets a new order; there is nothing to triage."""
    folded = triage()
    folded.read(report())
    assert folded.read(TicketReopened(reason="又来了", reopenings=1)).facts == []
