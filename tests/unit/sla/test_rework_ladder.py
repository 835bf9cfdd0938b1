"""What follows for the levels when one rework after the other does not do, and when nobody adjudicates?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.messages import EscalationHandedBack, LevelSkipped, ReworkOrdered, SupervisionRepeated, TicketEscalated
from tests.unit.sla.cities import WAITS, city
from tests.unit.sla.ladder import COMMUNITY, DISTRICT, Ticket, minutes, names

QUIET = city("quiet", **{"ladder.rows": [{"clocks": ["rework"], "levels": []}]})
STRAIGHT_UP = city("straight-up", **{"ladder.rows": [{"clocks": ["rework"], "levels": ["district"]}]})
WAITING = city("waiting", **WAITS)


def order_rework(ticket: Ticket, reworks: int = 3, *, level_up: bool = True) -> list[Any]:
    """Order it to be done again, and let dispatch open the order again."""
    said = ticket.read(ReworkOrdered(order_id="T-1", reason="还漏", by="caller", reworks=reworks, level_up=level_up))
    return said + ticket.rework()


def reworked(ticket: Ticket, *, level_up: bool = True) -> list[Any]:
    """Give what is said when an order that was done is reworked."""
    ticket.issue()
    ticket.sign()
    ticket.do()
    return order_rework(ticket, level_up=level_up)


def escalated(facts: list[Any]) -> list[TicketEscalated]:
    """Give the steps up."""
    return [fact for fact in facts if isinstance(fact, TicketEscalated)]


def test_a_rework_too_many_makes_the_next_level_an_owner_once() -> None:
    """With a cause of its own, a clock of its own, and nobody relieved."""
    ticket = Ticket()
    (step,) = escalated(reworked(ticket))
    assert (step.from_level, step.to_level, step.unit, step.cause, step.order_id) == (
        "grid",
        "community",
        COMMUNITY,
        "rework",
        "T-1",
    )
    assert step.told == ("c1",)
    running = {(each.start.clock, each.cause) for each in ticket.fold.state().clocks}
    assert {("ladder", "rework"), ("handle", "handle")} <= running
    assert ticket.findings() == []


def test_an_ordinary_rework_troubles_nobody() -> None:
    """The same handler does it again."""
    ticket = Ticket()
    assert escalated(reworked(ticket, level_up=False)) == []
    assert ticket.findings() == []


def test_the_next_one_goes_on_above() -> None:
    """The street has nobody and is skipped; above the district there is only its being called again."""
    ticket = Ticket()
    reworked(ticket)
    ticket.do()
    said = order_rework(ticket, 4)
    assert [type(fact) for fact in said[:2]] == [LevelSkipped, TicketEscalated]
    assert escalated(said)[0].unit == DISTRICT
    ticket.do()
    assert any(isinstance(fact, SupervisionRepeated) for fact in order_rework(ticket, 5))
    assert ticket.findings() == []


def test_the_level_is_waited_for_no_longer_once_it_is_done() -> None:
    """Done again: its clock is over, and the next rework starts another."""
    ticket = Ticket()
    reworked(ticket)
    ticket.do()
    assert not [each for each in ticket.fold.state().clocks if each.cause == "rework"]
    ticket.live(minutes(600))
    assert ticket.findings() == []


def test_a_level_that_does_nothing_is_passed_as_any_other() -> None:
    """Its own limit passes while the handler still works: the next one is called."""
    ticket = Ticket()
    reworked(ticket)
    said = ticket.live(minutes(2))
    assert [step.cause for step in escalated(said)] == ["rework"]
    ticket.do()
    ticket.close()
    assert ticket.findings() == []


def test_a_closing_ends_it() -> None:
    """Whatever else runs."""
    ticket = Ticket()
    reworked(ticket)
    ticket.close()
    ticket.live(minutes(600))
    assert ticket.fold.state().clocks == ()
    assert ticket.findings() == []


def test_the_ladder_may_say_that_nobody_is_called() -> None:
    """Or that the top is at once."""
    quiet, straight = Ticket(QUIET), Ticket(STRAIGHT_UP)
    assert escalated(reworked(quiet)) == []
    assert [step.to_level for step in escalated(reworked(straight))] == ["district"]
    assert (quiet.findings(), straight.findings()) == ([], [])


def test_an_upper_level_may_accept_it_and_give_it_back() -> None:
    """As any escalation, also when it has ended the calling by accepting at the top."""
    ticket = Ticket(STRAIGHT_UP)
    reworked(ticket)
    assert "escalation-accepted district" in names(ticket.accept())
    said = ticket.hand_back()
    assert [(fact.level, fact.to_level, fact.cause) for fact in said if isinstance(fact, EscalationHandedBack)] == [
        ("district", "grid", "rework")
    ]
    ticket.do()
    ticket.close()
    assert ticket.findings() == []


def test_the_auditor_misses_a_step_that_was_not_taken() -> None:
    """It knows of the step from the order to do it again, not from the step."""
    ticket = Ticket()
    reworked(ticket)
    ticket.log = [
        each
        for each in ticket.log
        if not (
            isinstance(each.data, TicketEscalated)
            or (each.data.type.endswith("clocks-started.v1") and "ladder" in str(each.data))
        )
    ]
    assert ("missed", "escalation") in {(each.kind, each.event) for each in ticket.findings()}


@pytest.mark.parametrize("accepted", [False, True])
def test_an_adjudication_that_nobody_makes_climbs(accepted: bool) -> None:  # noqa: FBT001 - drawn by name
    """Warned, breached, and the levels above the street are called until somebody decides."""
    ticket = Ticket(WAITING)
    ticket.issue(severity="II")
    ticket.give_back()
    ticket.ask_duty_officer()
    said = ticket.live(minutes(4 * 60 + 30))
    assert "clock-warned dispatch" in names(said)
    assert "clock-breached dispatch" in names(said)
    assert [(step.cause, step.to_level) for step in escalated(said)][:1] == [("dispatch", "district")]
    if accepted:
        ticket.accept()
    ticket.issue("T-2", severity="II")
    assert not [each for each in ticket.fold.state().clocks if each.cause == "dispatch"]
    assert ticket.findings() == []


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(["do", "rework", "up", "up", "accept", "back", "suspend", "resume", "wait", "long", "close"]),
        max_size=14,
    )
)
def test_whatever_happens_to_a_rework_the_auditor_agrees(steps: list[str]) -> None:
    """It counts from what was ordered, sla from its state; both come to the same."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    state, rests = "open", False
    for step in steps:
        if step == "do" and state == "open" and not rests:
            ticket.do()
            state = "done"
        elif step in {"rework", "up"} and state == "done":
            order_rework(ticket, level_up=step == "up")
            state = "open"
        elif step == "suspend" and state == "open" and not rests:
            ticket.suspend()
            rests = True
        elif step == "resume" and rests:
            ticket.resume()
            rests = False
        elif step in {"wait", "long"}:
            ticket.live(minutes(2 if step == "wait" else 90))
        elif step == "accept":
            ticket.accept()
        elif step == "back":
            ticket.hand_back()
        elif step == "close" and state == "done":
            ticket.close()
            state = "closed"
    assert ticket.findings() == []
