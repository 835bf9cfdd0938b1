"""Who handles it now? One order after the other, each signed, done, returned or withdrawn, and each update answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.dispatch.domain import amend, calls, commands, items, orders, revisions, stages, visits, whistles
from services.dispatch.domain.revisions import limit
from services.dispatch.domain.state import DispatchState, Order, after, order_due, wake_at
from shared.messages import (
    AddAssist,
    AddItem,
    AmendTicket,
    AssignTicket,
    CallTicket,
    CompleteOrder,
    DecideRevision,
    EndWhistle,
    ExcuseAssist,
    Fact,
    FailStage,
    FollowVisit,
    RaiseWhistle,
    RecordVote,
    ReleaseTicket,
    RemoveAssist,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    ReworkOrdered,
    SettleItem,
    SignOrder,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketReopened,
    TicketTriaged,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.decider import Message
    from shared.profile import Profile

__all__ = ["DispatchState", "Order", "decide", "evolve", "limit", "wake_at"]


def evolve(state: DispatchState, message: Message) -> DispatchState:
    """Give the state after a message that was read, or after a fact of dispatch's own."""
    return after(state, message.data, message.envelope.time)


def decide(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow; raises Refused for a command that may not be done, DeadLetter for a lost update.

    What is due by now comes first, whatever the message: so a timer that is late and a record that is early lead
    to the same. When the message is then refused, the timer says what was due.
    """
    triaged = message.data if isinstance(message.data, TicketTriaged) else state.triaged
    if triaged is not None:
        profile = profile.under(triaged.profile_version, triaged.mode)
    state, facts = due(state, message.ticket, now, profile)
    rule = RULES.get(type(message.data))
    return facts if rule is None else [*facts, *rule(state, message, now, profile)]


def due(state: DispatchState, ticket: str, now: datetime, profile: Profile) -> tuple[DispatchState, list[Fact]]:
    """Give what time has brought by now, one thing after the other, and the state after it."""
    facts: list[Fact] = []
    while (at := wake_at(state)) is not None and at <= now:
        order = next((each for each in state.running if order_due(state, each) == at), None)
        if at == state.round_closes and state.triaged is not None:
            brought = orders.ask(state, ticket, state.triaged, 0, now, profile)
        elif order is None:
            brought = whistles.widen(state, ticket, now, profile)
        elif order.state != "suspended" and order.tier == "settlement" and state.triaged is not None:
            brought = calls.call_next(state, ticket, order, state.triaged, now, profile, "expired")
        else:
            brought = revisions.over(order, at, profile)
        for fact in brought:
            state = after(state, fact, now)
        facts += brought
    return state, facts


RULES: Final[dict[type[Any], Callable[[DispatchState, Message, datetime, Profile], list[Fact]]]] = {
    TicketTriaged: orders.issue_to_lead,
    ReworkOrdered: orders.rework,
    TicketClosed: orders.end_with_ticket,
    TicketReopened: orders.issue_again,
    TicketAttached: orders.hold,
    TicketDetached: orders.let_go,
    SignOrder: commands.sign,
    ReturnOrder: commands.send_back,
    ReportProgress: commands.progress,
    CompleteOrder: commands.complete,
    RecordVote: stages.record_vote,
    FailStage: stages.fail,
    ReviseOrder: revisions.revise,
    DecideRevision: revisions.decide,
    AssignTicket: commands.assign,
    AddItem: items.add_item,
    SettleItem: items.settle_item,
    FollowVisit: visits.follow_visit,
    ReleaseTicket: orders.release,
    CallTicket: calls.call,
    AddAssist: calls.add_assist,
    RemoveAssist: calls.remove_assist,
    ExcuseAssist: calls.excuse_assist,
    RaiseWhistle: whistles.raise_whistle,
    EndWhistle: whistles.end_whistle,
    AmendTicket: amend.amend,
}
"""One place that answers what happens when; clocks and urgings lead to no fact, only to messages."""
