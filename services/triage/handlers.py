"""Which records does triage read, and what is counted of them?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.triage.domain import TriageState, decide, evolve
from services.triage.domain.visits import joins_its_visit
from shared import metrics
from shared.decider import Decider
from shared.messages import (
    DivertTicket,
    OrderReturned,
    TicketAmended,
    TicketReopened,
    TicketReported,
    TriageTicket,
)

if TYPE_CHECKING:
    from shared.decider import Turn
    from shared.messages import Body
    from shared.profile import Profile

CONSUMES: dict[str, type[Body]] = {
    body.type: body
    for body in (TicketReported, TicketAmended, OrderReturned, TicketReopened, TriageTicket, DivertTicket)
}
"""Not what orders and clocks do: each type read costs a write per ticket."""


def decider(profile: Profile) -> Decider[TriageState]:
    """Give the rules under a profile as the loop calls them."""
    return Decider(
        service="triage",
        state=TriageState,
        consumes=CONSUMES,
        decide=partial(decide, profile=profile),
        evolve=evolve,
        effects=joins_its_visit,
        observe=observe,
    )


def observe(turn: Turn) -> None:
    """Count what happened to tickets, and what was refused."""
    if turn.refused is not None:
        metrics.refusals.labels(_word(turn.message.data.type), turn.refused.reason).inc()
        return
    for name in turn.said:
        metrics.tickets.labels(_word(name)).inc()


def _word(name: str) -> str:
    """Give the part of a wire type that names what happened: `triaged` of `gridcall.ticket.triaged.v1`."""
    return name.split(".")[2]
