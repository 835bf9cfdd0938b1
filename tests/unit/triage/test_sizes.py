"""Who is asked before the lead, who is linked, and what may not be pushed down?"""

from __future__ import annotations

from typing import Any

import pytest

from services.triage.domain import TriageState
from services.triage.handlers import decider
from shared.messages import CallerRef, Handler, OrderReturned, Place, TicketReported, TriageTicket
from shared.profile import Profile
from tests.support.fold import MORNING, Folded
from tests.unit.loop.city import CITY, COMMUNITY, DISTRICT, GRID, city
from tests.unit.triage.reports import returned, triaged

WATER = Handler(kind="department", id="water")


def report(**given: Any) -> TicketReported:
    """Give a report of a building site in the first grid."""
    fields: dict[str, Any] = {
        "report_id": "r-1", "channel": "hotline", "text": "在搭建", "category": "0101", "condition": "building",
        "reported_at": MORNING, "source": "hotline", "place": Place(grid=GRID), "caller": CallerRef(ref="c"),
    }  # fmt: skip
    return TicketReported(**(fields | given))


def triage(profile: Profile = CITY) -> Folded[TriageState]:
    """Give triage under the city with a loop of its own."""
    return Folded(decider(profile))


def asked(fact: Any) -> list[tuple[str, str]]:
    """Give (tier, handler) of those who are asked before the lead."""
    return [(step.tier, step.handler.id) for step in fact.before]


def test_a_small_matter_is_the_residents_the_grids_and_the_communitys_first() -> None:
    """Each with the limit of its row; the matrix names who leads in the end."""
    fact = triaged(triage().read(report()))
    assert asked(fact) == [("settlement", "council-1"), ("small", GRID), ("small", COMMUNITY)]
    assert [step.limit and step.limit.amount for step in fact.before] == [90, 2, 2]
    assert (fact.size, fact.lead.id) == ("small", "police")


def test_a_big_matter_links_the_whole_network_after_the_residents() -> None:
    """Each who assists once, those of the matrix first, and never the lead."""
    fact = triaged(triage().read(report(attributes={"crowd": "true"})))
    assert (fact.size, asked(fact)) == ("big", [("settlement", "council-1")])
    assert [each.id for each in fact.assists] == ["water", COMMUNITY, "power"]


def test_whoever_leads_is_not_asked_before_itself() -> None:
    """The grid is the lead of the matrix here."""
    led = city("led", **{"routing.rows": [{"category": "*", "lead": {"level": "grid"}}]})
    assert asked(triaged(triage(led).read(report()))) == [("settlement", "council-1"), ("small", COMMUNITY)]


def test_a_ticket_of_a_city_without_a_loop_asks_nobody_first() -> None:
    """And is neither small nor big."""
    fact = triaged(triage(city("plain", loop={})).read(report()))
    assert (fact.before, fact.size) == ((), None)


def test_whom_a_person_chooses_leads_at_once() -> None:
    """Nobody is asked before, and the network is not linked."""
    folded = triage()
    folded.read(report(category="gone"))
    command = TriageTicket(category="0101", condition="building", lead=WATER, by="钱")
    fact = triaged(folded.read(command))
    assert (fact.lead, fact.before, fact.size) == (WATER, (), None)


@pytest.mark.parametrize(("unit", "reason"), [(GRID, "not-pushed-down"), (COMMUNITY, "not-pushed-down"),
                                              ("council-1", "not-pushed-down"), (DISTRICT, None)])  # fmt: skip
def test_what_must_not_be_pushed_down_is_refused_with_the_rule(unit: str, reason: str | None) -> None:
    """Whoever triages; the level of the rule and those above may have it."""
    folded = triage()
    folded.read(report(category="gone"))
    said = folded.read(TriageTicket(category="0501", lead=Handler(kind="unit", id=unit), by="钱"))
    assert (None if said.refused is None else said.refused.reason) == reason
    if said.refused is not None:
        assert said.refused.detail.zh.startswith("不得下交社区。")
        assert said.refused.detail.en.startswith("Not the community's.")


@pytest.mark.parametrize("goes_to", ["lead", "next"])
def test_a_return_that_does_not_come_to_triage_is_nobodys_of_triage(goes_to: Any) -> None:
    """An assist gives its part back, residents call the next one: who returned the ticket is still the lead."""
    folded = triage()
    folded.read(report(category="0501", condition=None))
    first = folded.read(returned(handler=WATER, reason="wrong-place"))
    assert [fact.type for fact in first.facts] == ["gridcall.ticket.triage-needed.v1"]
    other = OrderReturned(
        order_id="x", handler=Handler(kind="department", id="power"), reason="not-ours", goes_to=goes_to, returns=1
    )
    assert folded.read(other).facts == []
    assert folded.state().returned_by == WATER
