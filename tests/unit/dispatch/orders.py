"""What do dispatch's tests triage, and how does a department update?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from services.dispatch.domain import DispatchState
from services.dispatch.handlers import decider
from shared.messages import (
    CategoryRef,
    Command,
    CompleteOrder,
    DecideRevision,
    Handler,
    Location,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    SignOrder,
    Span,
    TicketClosed,
    TicketTriaged,
)
from shared.profile import parse_profile
from tests.support.fold import MORNING, TICKET, Folded, Said
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from services.dispatch.resync.store import Resync
    from shared.profile import Profile

CITY = parse_profile(SMALL, "small")
OFFICE = parse_profile(
    SMALL.replace("  warn_share: 0.8", "  warn_share: 0.8\n  calendar: office")
    + "calendars:\n"
    + "  office: {zh: 机关, en: Office, hours: [08:30-12:00, 14:00-18:00]}\n"
    + "revisions:\n"
    + "  extension: {most: 2, longest: 3 work_days}\n"
    + "  suspension: {most: 2, longest: 30 natural_days}\n",
    "office",
)
"""The same city in office hours, on which MORNING is a Wednesday at nine."""
FIRST, SECOND, THIRD = f"{TICKET}-1", f"{TICKET}-2", f"{TICKET}-3"
G1, COMMUNITY, EAST, TOP = "100000001001001", "100000001001", "100000001", "100000"
POLICE, WATER = Handler(kind="department", id="police"), Handler(kind="department", id="water")
GRID = Handler(kind="unit", id=G1)
TO_WATER, TO_POLICE = "gridcall.dispatch.water", "gridcall.dispatch.police"


class NothingOpen:
    """What a door knows of departments that never asked for a snapshot."""

    async def of(self, _department: str) -> Resync | None:
        """Give no snapshot."""
        return None


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


def dispatch(city: Profile = CITY, **given: Any) -> Folded[DispatchState]:
    """Give dispatch with one ticket that has just been triaged."""
    folded = Folded(decider(city))
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


def extend(order_id: str = FIRST, department: str | None = "water", by: str = "李", **given: Any) -> ReviseOrder:
    """Ask for an hour more than the two of `triaged`."""
    fields: dict[str, Any] = {"until": MORNING + timedelta(hours=3), "reason": "缺配件"}
    return ReviseOrder(order_id=order_id, department=department, by=by, revision="extend", **(fields | given))


def suspend(order_id: str = FIRST, department: str | None = "water", by: str = "李", **given: Any) -> ReviseOrder:
    """Ask to let it rest for ten days."""
    fields: dict[str, Any] = {"until": MORNING + timedelta(days=10), "reason": "materials"}
    return ReviseOrder(order_id=order_id, department=department, by=by, revision="suspend", **(fields | given))


def resume(order_id: str = FIRST, department: str | None = "water", by: str = "李") -> ReviseOrder:
    """Go on with it."""
    return ReviseOrder(order_id=order_id, department=department, by=by, revision="resume")


def grant(by: str = "赵值班", **given: Any) -> DecideRevision:
    """Give the word that it is granted."""
    return DecideRevision(granted=True, by=by, **given)


def deny(by: str = "赵值班", **given: Any) -> DecideRevision:
    """Give the word that it is not."""
    return DecideRevision(granted=False, by=by, **given)


def closed(outcome: str = "solved", closings: int = 1) -> TicketClosed:
    """Give a closing."""
    return TicketClosed.model_validate({"outcome": outcome, "closings": closings})


def topics(said: Said) -> list[tuple[str, str]]:
    """Give (topic, wire type) of what departments hear, in order, short."""
    return [
        (topic.removeprefix("gridcall.dispatch."), body.type.removeprefix("gridcall.").removesuffix(".v1"))
        for topic, body in said.effects
    ]
