"""What do tests of assists, calls and whistles triage, and what do they read out of what was said?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.dispatch.domain import DispatchState
from services.dispatch.handlers import decider
from shared.messages import CategoryRef, Handler, Location, OrderIssued, OrderWithdrawn, Span, Step
from tests.support.fold import TICKET, Folded, Said
from tests.unit.dispatch.orders import triaged
from tests.unit.loop.city import CITY, COMMUNITY, DISTRICT, GRID, STREET

if TYPE_CHECKING:
    from shared.profile import Profile

POLICE, WATER, POWER = (Handler(kind="department", id=name) for name in ("police", "water", "power"))
IN_GRID, IN_COMMUNITY, COUNCIL, IN_DISTRICT = (
    Handler(kind="unit", id=name) for name in (GRID, COMMUNITY, "council-1", DISTRICT)
)
HERE = Location(grid=GRID, community=COMMUNITY, street=STREET, district=DISTRICT, unit=GRID, located_by="code")
BUILDING = CategoryRef(code="0101", name="私搭", condition="building")
MINUTES_90, HOURS_2 = Span(amount=90, unit="minutes"), Span(amount=2, unit="urgent_hours")
SETTLED_FIRST = (
    Step(tier="settlement", handler=COUNCIL, limit=MINUTES_90),
    Step(tier="small", handler=IN_GRID, limit=HOURS_2),
    Step(tier="small", handler=IN_COMMUNITY),
)


def nth(number: int) -> str:
    """Give the id of an order."""
    return f"{TICKET}-{number}"


def dispatch(city: Profile = CITY, **given: Any) -> Folded[DispatchState]:
    """Give dispatch with a building site in the first grid that has just been triaged, for the police to lead."""
    fields: dict[str, Any] = {
        "category": BUILDING, "severity": "IV", "place": HERE, "lead": POLICE, "level": "grid", "unit": GRID,
        "sign_limit": Span(amount=1, unit="work_days"), "handle_limit": Span(amount=2, unit="urgent_days"),
        "profile_version": city.version,
    }  # fmt: skip
    folded = Folded(decider(city))
    folded.read(triaged(**(fields | given)))
    return folded


def issued(said: Said) -> list[tuple[str, str, str]]:
    """Give (order, role or tier, handler) of the orders that were issued."""
    facts = [fact for fact in said.facts if isinstance(fact, OrderIssued)]
    return [(fact.order_id, fact.tier if fact.role == "lead" else fact.role, fact.handler.id) for fact in facts]


def withdrawn(said: Said) -> list[tuple[str, str]]:
    """Give (order, reason) of the orders that were withdrawn."""
    return [(fact.order_id, fact.reason) for fact in said.facts if isinstance(fact, OrderWithdrawn)]


def open_orders(folded: Folded[DispatchState]) -> dict[str, str]:
    """Give order -> handler of those for which somebody has something to do."""
    return {order.id: order.handler.id for order in folded.state().running}


def refusal(said: Said) -> str:
    """Give the reason of the refusal, whose sentence stands in both languages."""
    assert said.refused is not None, said.facts
    assert said.refused.detail.zh.strip()
    assert said.refused.detail.en.strip()
    assert said.refused.detail.zh != said.refused.detail.en
    return said.refused.reason
