"""What does closure read, and what does it count?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.closure.domain import ClosureState
from services.closure.family import RULES, effects
from services.closure.points import decide, evolve
from shared import metrics
from shared.decider import Decider
from shared.messages import (
    CloseTicket,
    MessageReceived,
    OrderDone,
    RecordCallBack,
    ReopenTicket,
    StageFailed,
    TicketDiverted,
    TicketSettled,
    VerifyTicket,
)

if TYPE_CHECKING:
    from shared.decider import Turn
    from shared.messages import Body
    from shared.profile import Profile

CONSUMES: dict[str, type[Body]] = {
    body.type: body
    for body in (
        OrderDone,
        StageFailed,
        TicketDiverted,
        TicketSettled,
        MessageReceived,
        VerifyTicket,
        RecordCallBack,
        CloseTicket,
        ReopenTicket,
    )
} | {body.type: body for body in RULES}
"""Few on purpose: each type read costs a write per ticket, and OrderDone carries what closing needs."""


def decider(profile: Profile) -> Decider[ClosureState]:
    """Give the rules under a profile as the loop calls them."""
    return Decider(
        service="closure",
        state=ClosureState,
        consumes=CONSUMES,
        decide=partial(decide, profile=profile),
        evolve=partial(evolve, profile=profile),
        effects=effects,
        observe=observe,
    )


def observe(turn: Turn) -> None:
    """Count what happened to tickets, and what was refused."""
    if turn.repeated:
        return
    if turn.refused is not None:
        metrics.refusals.labels(_word(turn.message.data), turn.refused.reason).inc()
        return
    for fact in turn.facts:
        metrics.tickets.labels(_word(fact.data)).inc()


def _word(body: Body) -> str:
    """Give the part of a wire type that names what happened: `closed` of `gridcall.ticket.closed.v1`."""
    return body.type.split(".")[2]
