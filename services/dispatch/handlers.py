"""Which records does dispatch read, and what is counted of them?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.dispatch.departments import messages
from services.dispatch.domain import DispatchState, decide, evolve, wake_at
from services.dispatch.resync.store import searchable
from shared import metrics
from shared.decider import Decider
from shared.messages import (
    AddAssist,
    AddItem,
    AmendTicket,
    AssignTicket,
    CallTicket,
    ClockBreached,
    ClocksRecalculated,
    ClockWarned,
    CompleteOrder,
    DecideRevision,
    EndWhistle,
    ExcuseAssist,
    FailStage,
    FamilyHeard,
    FollowVisit,
    InformationRequested,
    InformationWaitEnded,
    MessageReceived,
    OrderDone,
    OrderIssued,
    OrderSigned,
    PolicyApplied,
    RaiseWhistle,
    RecordVote,
    ReleaseTicket,
    RemoveAssist,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    ReworkOrdered,
    SettleItem,
    ShowOrder,
    SignOrder,
    StageCompleted,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketEscalated,
    TicketReopened,
    TicketTriaged,
)

if TYPE_CHECKING:
    from shared.decider import Turn
    from shared.messages import Body, Handler
    from shared.profile import Profile

CONSUMES: dict[str, type[Body]] = {
    body.type: body
    for body in (
        TicketTriaged,
        ReworkOrdered,
        TicketClosed,
        TicketReopened,
        TicketAttached,
        TicketDetached,
        FamilyHeard,
        ClockWarned,
        ClockBreached,
        ClocksRecalculated,
        InformationRequested,
        InformationWaitEnded,
        PolicyApplied,
        TicketEscalated,
        MessageReceived,
        SignOrder,
        ReturnOrder,
        ReportProgress,
        CompleteOrder,
        RecordVote,
        FailStage,
        ReviseOrder,
        DecideRevision,
        AssignTicket,
        AmendTicket,
        AddItem,
        SettleItem,
        FollowVisit,
        ReleaseTicket,
        CallTicket,
        AddAssist,
        RemoveAssist,
        ExcuseAssist,
        RaiseWhistle,
        EndWhistle,
        ShowOrder,
    )
}
"""A diverted ticket is told by its closing; each type read costs a write per ticket."""


def decider(profile: Profile) -> Decider[DispatchState]:
    """Give the rules under a profile as the loop calls them."""
    return Decider(
        service="dispatch",
        state=DispatchState,
        consumes=CONSUMES,
        decide=partial(decide, profile=profile),
        evolve=evolve,
        effects=partial(messages, profile=profile),
        observe=observe,
        wake_at=wake_at,
        fields=searchable,
    )


def observe(turn: Turn) -> None:
    """Count what happened to tickets and what was refused, and measure how long handlers take."""
    if turn.refused is not None:
        metrics.refusals.labels(_word(turn.message.data.type), turn.refused.reason).inc()
        return
    for fact in turn.facts:
        data = fact.data
        metrics.tickets.labels(_word(data.type)).inc()
        if isinstance(data, OrderIssued):
            _measure_way(turn.message.data, data)
        elif isinstance(data, OrderSigned):
            took = data.signed_at - turn.state.order(data.order_id).issued_at
            metrics.order_sign.labels(_label(data.handler)).observe(took.total_seconds())
        elif isinstance(data, OrderDone | StageCompleted):
            took = data.done_at - turn.state.order(data.order_id).issued_at
            metrics.order_handle.labels(_label(data.handler)).observe(took.total_seconds())


def _measure_way(cause: Body, issued: OrderIssued) -> None:
    """Measure from the report to its first order; what waited for a person has a clock of its own, `accept`."""
    if (
        isinstance(cause, TicketTriaged)
        and issued.role == "lead"
        and cause.reported_at is not None
        and issued.attempt == 1
        and cause.by == "gridcall"
    ):
        metrics.report_to_dispatch.observe((issued.issued_at - cause.reported_at).total_seconds())


def _label(handler: Handler) -> str:
    """Give the department, or one label for all units: a city has thousands of these."""
    return handler.id if handler.kind == "department" else "unit"


def _word(name: str) -> str:
    """Give the part of a wire type that names what happened: `order-issued` of `gridcall.ticket.order-issued.v1`."""
    return name.split(".")[2]
