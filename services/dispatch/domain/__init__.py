"""Who handles it now? One order after the other, each signed, done, returned or withdrawn, and each update answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.dispatch.domain import amend, commands, orders, revisions
from services.dispatch.domain.revisions import limit
from services.dispatch.domain.state import DispatchState, Order, after, wake_at
from shared.messages import (
    AmendTicket,
    AssignTicket,
    CompleteOrder,
    DecideRevision,
    Fact,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    ReworkOrdered,
    SignOrder,
    TicketClosed,
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
        profile = profile.under(triaged.profile_version)
    facts = revisions.due(state, now, profile)
    for fact in facts:
        state = after(state, fact, now)
    rule = RULES.get(type(message.data))
    return facts if rule is None else [*facts, *rule(state, message, now, profile)]


RULES: Final[dict[type[Any], Callable[[DispatchState, Message, datetime, Profile], list[Fact]]]] = {
    TicketTriaged: orders.issue_to_lead,
    ReworkOrdered: orders.rework,
    TicketClosed: orders.end_with_ticket,
    TicketReopened: orders.issue_again,
    SignOrder: commands.sign,
    ReturnOrder: commands.send_back,
    ReportProgress: commands.progress,
    CompleteOrder: commands.complete,
    ReviseOrder: revisions.revise,
    DecideRevision: revisions.decide,
    AssignTicket: commands.assign,
    AmendTicket: amend.amend,
}
"""One place that answers what happens when; clocks and urgings lead to no fact, only to messages."""
