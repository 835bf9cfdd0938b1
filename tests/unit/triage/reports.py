"""What do triage's tests report, and to whom?"""

from __future__ import annotations

from typing import Any

from services.triage.domain import TriageState
from services.triage.handlers import decider
from shared.messages import (
    Attachment,
    CallerRef,
    Handler,
    OrderReturned,
    Place,
    TicketReported,
    TicketTriaged,
    TriageNeeded,
)
from shared.profile import parse_profile
from tests.support.fold import MORNING, Folded, Said
from tests.unit.profile.small import SMALL

CITY = parse_profile(SMALL, "small")
G1, COMMUNITY, EAST, TOP = "100000001001001", "100000001001", "100000001", "100000"
POLICE, WATER = Handler(kind="department", id="police"), Handler(kind="department", id="water")


def triage() -> Folded[TriageState]:
    """Give triage under the small profile."""
    return Folded(decider(CITY))


def report(**given: Any) -> TicketReported:
    """Give a report of a leak in the first grid, but for what is given."""
    fields: dict[str, Any] = {
        "report_id": "r-1",
        "channel": "hotline",
        "text": "水管漏水",
        "category": "0501",
        "reported_at": MORNING,
        "source": "hotline",
        "place": Place(grid=G1, address="东新村1栋旁"),
        "caller": CallerRef(ref="c-1", callback=True),
        "attachments": (Attachment(url="https://a.example/1.jpg", media_type="image/jpeg"),),
    }
    return TicketReported(**(fields | given))


def returned(**given: Any) -> OrderReturned:
    """Give the return of the first order by the water department, but for what is given."""
    fields: dict[str, Any] = {
        "order_id": "0123456789ABCDEF-1",
        "handler": WATER,
        "reason": "not-ours",
        "goes_to": "triage",
        "returns": 1,
    }
    return OrderReturned(**(fields | given))


def triaged(said: Said) -> TicketTriaged:
    """Give the one fact, a triage."""
    (fact,) = said.facts
    assert isinstance(fact, TicketTriaged)
    return fact


def needed(said: Said) -> TriageNeeded:
    """Give the one fact, that a person must triage."""
    (fact,) = said.facts
    assert isinstance(fact, TriageNeeded)
    return fact
