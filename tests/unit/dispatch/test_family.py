"""What becomes of the orders of a ticket that is merged into another one, or is a part of it?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.dispatch.handlers import decider
from shared.messages import (
    AssignTicket,
    FamilyHeard,
    OrderIssued,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketReopened,
)
from tests.support.fold import MORNING, Folded
from tests.unit.dispatch.orders import CITY, FIRST, POLICE, TO_WATER, closed, dispatch, sign, triaged, update

MAIN = "000000000000000A"
ATTACHED = TicketAttached(parent=MAIN, by="Li", reason="爆管")
DETACHED = TicketDetached(parent=MAIN, why="detached", by="Li", reason="另")


def said(facts: list[Any]) -> list[str]:
    """Give what was said, one word each."""
    return [type(fact).__name__ for fact in facts]


def test_merging_withdraws_the_order_as_merged() -> None:
    """The department hears that and nothing of a closing."""
    folded = dispatch()
    told = folded.read(closed("merged"))
    assert [(fact.order_id, fact.reason) for fact in told.facts] == [(FIRST, "merged")]
    assert [(topic, body.reason) for topic, body in told.effects] == [(TO_WATER, "merged")]


def test_an_unmerged_ticket_goes_to_its_last_handler() -> None:
    """With an order of its own."""
    folded = dispatch()
    folded.read(closed("merged"))
    (issued,) = folded.read(TicketReopened(reason="异", by="Li", reopenings=1)).facts
    assert (issued.handler.id, issued.role) == ("water", "lead")


def test_a_part_waits_without_an_order_of_its_own() -> None:
    """Neither a new triage nor a reopening nor a person gives it one; detaching does."""
    folded = dispatch()
    update(folded, sign())
    told = folded.read(ATTACHED)
    assert [(fact.order_id, fact.reason) for fact in told.facts] == [(FIRST, "attached")]
    assert told.effects[0][1].reason == "attached"
    assert folded.read(triaged(attempt=2)).facts == []
    folded.read(TicketClosed(outcome="solved", result="好"))
    assert folded.read(TicketReopened(reason="x", reopenings=1)).facts == []
    refused = folded.read(AssignTicket(by="赵", to=POLICE, reason="快")).refused
    assert refused is not None
    assert refused.reason == "attached"
    assert said(folded.read(DETACHED).facts) == ["OrderIssued"]


def test_a_part_that_was_closed_by_itself_gets_no_order() -> None:
    """Nor does one that nobody has triaged."""
    folded = dispatch()
    folded.read(ATTACHED)
    folded.read(closed("withdrawn"))
    assert folded.read(DETACHED).facts == []
    untriaged = Folded(decider(CITY))
    untriaged.read(ATTACHED)
    assert untriaged.read(DETACHED).facts == []
    assert said(untriaged.read(triaged()).facts) == ["OrderIssued"]


def test_a_part_that_was_triaged_while_it_waited_is_dispatched_when_it_is_let_go() -> None:
    """As the matrix says."""
    waiting = Folded(decider(CITY))
    waiting.read(ATTACHED)
    assert waiting.read(triaged()).facts == []
    (issued,) = waiting.read(DETACHED).facts
    assert isinstance(issued, OrderIssued)
    assert issued.handler.id == "water"


def test_whoever_handles_the_main_ticket_hears_that_a_merged_caller_urges() -> None:
    """As of its own caller; that something is not solved is for closure."""
    folded = dispatch()
    heard = FamilyHeard(child=MAIN, message_kind="urge", received_at=MORNING)
    ((topic, reminded),) = folded.read(heard).effects
    assert (topic, reminded.model_dump(by_alias=True)["kind"]) == (TO_WATER, "urged")
    assert folded.read(FamilyHeard(child=MAIN, message_kind="not-solved", received_at=MORNING)).effects == []


def test_nothing_of_a_part_falls_due() -> None:
    """No suspension, no round, no whistle."""
    folded = dispatch()
    folded.read(ATTACHED)
    folded.clock.advance(timedelta(days=30))
    assert folded.wake_at() is None
