"""What do dispatch's tests triage, and how does a department update?"""

from __future__ import annotations

from typing import Any

from services.dispatch.domain import DispatchState
from services.dispatch.handlers import decider
from shared.messages import (
    CategoryRef,
    Command,
    CompleteOrder,
    Handler,
    Location,
    ReportProgress,
    ReturnOrder,
    SignOrder,
    Span,
    TicketClosed,
    TicketTriaged,
)
from shared.profile import parse_profile
from tests.support.fold import MORNING, TICKET, Folded, Said
from tests.unit.profile.small import SMALL

CITY = parse_profile(SMALL, "small")
FIRST, SECOND, THIRD = f"{TICKET}-1", f"{TICKET}-2", f"{TICKET}-3"
G1, COMMUNITY, EAST, TOP = "100000001001001", "100000001001", "100000001", "100000"
POLICE, WATER = Handler(kind="department", id="police"), Handler(kind="department", id="water")
GRID = Handler(kind="unit", id=G1)
TO_WATER, TO_POLICE = "gridcall.dispatch.water", "gridcall.dispatch.police"


def triaged(**given: Any) -> TicketTriaged:
    """Give a leak for the water department, but for what is given."""
    fields: dict[str, Any] = {
        "category": CategoryRef(code="0501", name="漏水", condition="leak"),
        "severity": "II",
        "place": Location(grid=G1, community=COMMUNITY, street=EAST, district=TOP, unit=G1, located_by="code"),
        "level": "street",
        "unit": EAST,
        "lead": WATER,
        "sign_limit": Span(amount=30, unit="minutes"),
        "handle_limit": Span(amount=2, unit="urgent_hours"),
        "warn_share": 0.8,
        "description": "水管漏水",
        "callback": True,
        "profile_version": "v1",
        "reported_at": MORNING,
    }
    return TicketTriaged(**(fields | given))


def dispatch(**given: Any) -> Folded[DispatchState]:
    """Give dispatch with one ticket that has just been triaged."""
    folded = Folded(decider(CITY))
    folded.read(triaged(**given))
    return folded


def update(folded: Folded[DispatchState], command: Command, ce_id: str = "", **envelope: Any) -> Said:
    """Read a command as the door makes it of a department's update."""
    given = {"causation": ce_id or f"u-{id(command)}", "source": "gridcall/door/x"}
    return folded.read(command, **(given | ({"id": f"named-{ce_id}"} if ce_id else {}) | envelope))


def sign(order_id: str = FIRST, department: str | None = "water", by: str = "李") -> SignOrder:
    """Give a signature."""
    return SignOrder(order_id=order_id, department=department, by=by)


def done(order_id: str = FIRST, department: str | None = "water", by: str = "李", **given: Any) -> CompleteOrder:
    """Give the word that it is done."""
    return CompleteOrder(order_id=order_id, department=department, by=by, **given)


def note(order_id: str = FIRST, department: str | None = "water", by: str = "李", **given: Any) -> ReportProgress:
    """Give word of how it stands."""
    return ReportProgress(order_id=order_id, department=department, by=by, **({"note": "在修"} | given))


def back(order_id: str = FIRST, department: str | None = "water", by: str = "李", **given: Any) -> ReturnOrder:
    """Give a return."""
    return ReturnOrder(order_id=order_id, department=department, by=by, **({"reason": "not-ours"} | given))


def closed(outcome: str = "solved", closings: int = 1) -> TicketClosed:
    """Give a closing."""
    return TicketClosed.model_validate({"outcome": outcome, "closings": closings})


def topics(said: Said) -> list[tuple[str, str]]:
    """Give (topic, wire type) of what departments hear, in order, short."""
    return [
        (topic.removeprefix("gridcall.dispatch."), body.type.removeprefix("gridcall.").removesuffix(".v1"))
        for topic, body in said.effects
    ]
