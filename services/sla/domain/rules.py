"""Which clocks does a message start, stop or fire? What was due before it fires first, then it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from services.sla.domain.ladder import fire
from services.sla.domain.state import LADDER, Running, SlaState
from shared.decider import Message, TimerDue
from shared.errors import Refused
from shared.messages import (
    AcceptEscalation,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockStop,
    EscalationAccepted,
    Fact,
    LadderCause,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderWithdrawn,
    Span,
    TicketClosed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.messages import Body
    from shared.profile import Profile

Ending = Literal["met", "cancelled"]
CAUSES: Final[tuple[LadderCause, ...]] = ("sign", "handle")


def decide(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message; raises Refused for an acceptance of what was not escalated.

    What was due before an answer was given fires first, however late either is read. So an outage changes
    when a breach is noticed and not whether there was one; and an answer in time is in time although it is
    read late. An answer at the very instant of the limit is in time.
    """
    data = message.data
    state, fired = fire(state, _instant(message, now), now, profile)
    rule = RULES.get(type(data))
    return fired if rule is None else fired + rule(state, message, profile)


def _instant(message: Message, now: datetime) -> datetime:
    """Give the instant by which everything that was due fires before the message is looked at."""
    data = message.data
    if isinstance(data, TimerDue | AcceptEscalation):
        return now
    return _answered_at(message) - timedelta.resolution


def _answered_at(message: Message) -> datetime:
    data = message.data
    if isinstance(data, OrderSigned):
        return data.signed_at
    return data.done_at if isinstance(data, OrderDone) else message.envelope.time


# ---------------------------------------------------------------- starting


def issued(state: SlaState, message: Message, _profile: Profile) -> list[Fact]:
    """Start both clocks of an order, in one fact."""
    order: OrderIssued = message.data
    sign = _clock(state, 1, "sign", order, order.issued_at, order.sign_by, order.sign_limit)
    handle = _clock(state, 2, "handle", order, order.issued_at, order.handle_by, order.handle_limit)
    return [ClocksStarted(clocks=(sign, handle))]


def reworked(state: SlaState, message: Message, _profile: Profile) -> list[Fact]:
    """Start a new run of the handle clock; one that still ran is cancelled."""
    order: OrderReworked = message.data
    start = _clock(state, 1, "handle", order, message.envelope.time, order.handle_by, order.handle_limit)
    return [*_cancelled(_of_order(state, order.order_id, "handle")), ClocksStarted(clocks=(start,))]


def _clock(
    state: SlaState,
    nth: int,
    clock: LadderCause,
    order: OrderIssued | OrderReworked,
    started_at: datetime,
    due_at: datetime,
    limit: Span,
) -> ClockStart:
    """Give a run of a clock; its limit goes with it, so that the instant can be explained and computed again."""
    return ClockStart(
        clock=clock,
        token=f"{order.order_id}/{clock}/{state.started + nth}",
        order_id=order.order_id,
        started_at=started_at,
        due_at=due_at,
        warn_at=started_at + order.warn_share * (due_at - started_at),
        limit=limit,
    )


# ---------------------------------------------------------------- stopping


def signed(state: SlaState, message: Message, _profile: Profile) -> list[Fact]:
    """Stop the sign clock, and the clocks of levels that its breach added."""
    return _answered(_of_order(state, message.data.order_id, "sign"))


def done(state: SlaState, message: Message, _profile: Profile) -> list[Fact]:
    """Stop all clocks of the order; what was done without a signature needs none any more."""
    return _answered(_of_order(state, message.data.order_id))


def ended(state: SlaState, message: Message, _profile: Profile) -> list[Fact]:
    """Cancel all clocks of an order that was returned or withdrawn."""
    return _cancelled(_of_order(state, message.data.order_id))


def closed(state: SlaState, _message: Message, _profile: Profile) -> list[Fact]:
    """Cancel whatever still runs."""
    return _cancelled(state.clocks)


def _of_order(state: SlaState, order_id: str, cause: str | None = None) -> list[Running]:
    return [
        running
        for running in state.clocks
        if running.start.order_id == order_id and (cause is None or running.cause == cause)
    ]


def _answered(clocks: Iterable[Running]) -> list[Fact]:
    """End clocks whose duty was done; a level's clock is cancelled with its cause."""
    return _stopped((running, "cancelled" if running.start.clock == LADDER else "met") for running in clocks)


def _cancelled(clocks: Iterable[Running]) -> list[Fact]:
    return _stopped((running, "cancelled") for running in clocks)


def _stopped(ends: Iterable[tuple[Running, Ending]]) -> list[Fact]:
    """Give one fact for all that ended, none where nothing ran; what was breached ends late, whatever ends it."""
    stops = tuple(
        ClockStop(
            clock=running.start.clock,
            token=running.start.token,
            order_id=running.start.order_id,
            level=running.start.level,
            cause=running.start.cause,
            outcome="late" if running.breached else ending,
        )
        for running, ending in ends
    )
    return [ClocksStopped(clocks=stops)] if stops else []


# ---------------------------------------------------------------- accepting


def accepted(state: SlaState, message: Message, profile: Profile) -> list[Fact]:
    """Record who has taken it on; at the top this ends the calling, below it the climb goes on.

    A ticket that somebody has accepted and nobody handles is as late as before.
    """
    command: AcceptEscalation = message.data
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")
    if state.closed:
        raise Refused("closed", "The ticket is closed: there is nothing to take on.", "工单已结案，无需接手。")
    owners = {cause: _owners(state, cause, profile) for cause in CAUSES}
    reached = [level.id for level in profile.levels if any(level.id in owners[cause] for cause in CAUSES)]
    if not reached:
        raise Refused("not-escalated", "The ticket has not been escalated.", "该工单尚未提级。")
    level = command.level or reached[-1]
    if level not in reached:
        known = ", ".join(reached)
        raise Refused(
            "not-an-owner",
            f"The ticket was not escalated to {level!r}; it was to: {known}.",
            f"该工单未提级到 {level!r}；已提级到：{known}。",
        )
    causes = [cause for cause in CAUSES if level in owners[cause]]
    called = [
        running
        for running in state.clocks
        if level == profile.ladder.top and running.start.clock == LADDER and running.start.level == level
    ]
    return [
        *(EscalationAccepted(level=level, cause=cause, by=command.by, note=command.note) for cause in causes),
        *_stopped((running, "met") for running in called),
    ]


def _owners(state: SlaState, cause: LadderCause, profile: Profile) -> set[str]:
    """Give the levels that may accept: those that were added, and a top that was called as the first owner."""
    called = {profile.ladder.top} if state.repeated.get(cause) else set()
    return called.union(state.owners.get(cause, ()))


RULES: Final[dict[type[Body], Callable[[SlaState, Message, Profile], list[Fact]]]] = {
    OrderIssued: issued,
    OrderReworked: reworked,
    OrderSigned: signed,
    OrderDone: done,
    OrderReturned: ended,
    OrderWithdrawn: ended,
    TicketClosed: closed,
    AcceptEscalation: accepted,
}
"""What follows from each message, once everything that was due has fired; nothing more from a timer."""
