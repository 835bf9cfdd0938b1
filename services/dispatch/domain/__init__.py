"""Who handles it now? One order after the other, each signed, done, returned or withdrawn, and each update answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.dispatch.domain import commands, orders
from services.dispatch.domain.state import AFTER, DispatchState, Order
from shared.messages import (
    AssignTicket,
    CompleteOrder,
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

__all__ = ["DispatchState", "Order", "decide", "evolve"]


def evolve(state: DispatchState, message: Message) -> DispatchState:
    """Give the state after a message that was read, or after a fact of dispatch's own."""
    change = AFTER.get(type(message.data))
    return state if change is None else state.model_copy(update=change(state, message.data))


def decide(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow; raises Refused for a command that may not be done, DeadLetter for a lost update."""
    rule = RULES.get(type(message.data))
    return [] if rule is None else rule(state, message, now, profile)


RULES: Final[dict[type[Any], Callable[[DispatchState, Message, datetime, Profile], list[Fact]]]] = {
    TicketTriaged: orders.issue_to_lead,
    ReworkOrdered: orders.rework,
    TicketClosed: orders.withdraw_if_given_up,
    TicketReopened: orders.issue_again,
    SignOrder: commands.sign,
    ReturnOrder: commands.send_back,
    ReportProgress: commands.progress,
    CompleteOrder: commands.complete,
    ReviseOrder: commands.revise,
    AssignTicket: commands.assign,
}
"""One place that answers what happens when; clocks and urgings lead to no fact, only to messages."""
