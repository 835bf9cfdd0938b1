"""What does dispatch know of a ticket? Its triage, its orders one after the other, and where it lies between them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import AwareDatetime, Field

from shared.calendar import Pause
from shared.decider import State
from shared.messages import (
    ClocksRecalculated,
    Handler,
    InformationRequested,
    InformationWaitEnded,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    Part,
    PolicyApplied,
    Revision,
    RevisionAsked,
    RevisionDecided,
    Span,
    TicketAmended,
    TicketClosed,
    TicketEscalated,
    TicketReopened,
    TicketTriaged,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.messages import Body, ClockMove

ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""
OrderState = Literal["issued", "signed", "suspended", "done", "returned", "withdrawn", "closed"]
OPEN: Final = frozenset({"issued", "signed", "suspended"})
"""Somebody has something to do; `done` waits for closure, the rest is over for good."""


class Rest(Part):
    """A time in which an order is suspended (挂账)."""

    since: AwareDatetime
    until: AwareDatetime
    """When it ends by itself."""
    over_at: AwareDatetime | None = None
    """When it ended; None while it lasts."""
    reason: str
    handle_by: AwareDatetime
    """The limit that stood before."""


class Extension(Part):
    """A limit that was moved (延期)."""

    old: AwareDatetime
    new: AwareDatetime


class Wait(Part):
    """A time in which the caller's answer was waited for (待补充)."""

    since: AwareDatetime
    until: AwareDatetime


class Run(Part):
    """One run of the handling clock, from the order or from a rework: all from which its limit follows."""

    started_at: AwareDatetime
    limit: Span
    calendar: str = "always"
    rests: tuple[Rest, ...] = ()
    extensions: tuple[Extension, ...] = ()
    waits: tuple[Wait, ...] = ()

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """Give its rests as the calendar counts them."""
        return (
            *(Pause(rest.since, rest.over_at, rest.reason) for rest in self.rests),
            *(Pause(wait.since, wait.until, "caller") for wait in self.waits),
        )

    def resting(self, rest: Rest) -> Run:
        """Give it with one more rest."""
        return self.model_copy(update={"rests": (*self.rests, rest)})

    def resumed(self, at: datetime) -> Run:
        """Give it with the end of its last rest."""
        return self.model_copy(update={"rests": (*self.rests[:-1], self.rests[-1].model_copy(update={"over_at": at}))})

    def extended(self, old: datetime, new: datetime) -> Run:
        """Give it with one more extension."""
        return self.model_copy(update={"extensions": (*self.extensions, Extension(old=old, new=new))})


class Asked(Part):
    """A suspension or an extension that waits for its decision."""

    revision: Revision
    until: AwareDatetime
    reason: str
    detail: str = ""
    by: str = ""
    decide_by: AwareDatetime


def _plain_run(order: dict[str, Any]) -> Run:
    """Give the run of an order that was stored when limits ran on through nights and holidays and stood for ever."""
    minutes = (order["handle_by"] - order["issued_at"]).total_seconds() / 60
    return Run(started_at=order["issued_at"], limit=Span(amount=minutes, unit="minutes"))


class Order(Part):
    """One order; a ticket has at most one that is open."""

    id: str
    handler: Handler
    state: OrderState = "issued"
    returnable: bool = True
    level: str = ""
    """The highest level that it was escalated to; empty: the one at which it was issued."""
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    closing: int = 0
    """Which closing of the ticket ended it; 0 when another thing did, or nothing yet."""
    run: Run = Field(default_factory=_plain_run)
    moved_at: AwareDatetime | None = None
    """When dispatch itself moved the limit last."""
    asked: Asked | None = None
    suspensions: int = 0
    extensions: int = 0
    """Granted ones, over all runs of the order."""


class DispatchState(State):
    """What dispatch knows of a ticket."""

    triaged: TicketTriaged | None = None
    orders: tuple[Order, ...] = ()
    attempt: int = 0
    """How often the ticket was given to somebody: new orders and reworks."""
    returns: int = 0
    lies_with: Literal["", "triage", "duty-officer"] = ""
    """Who must say who handles it, after a return."""
    adjudicated: bool = False
    """A duty officer was asked: no order of this ticket may be returned any more."""
    closed: bool = False
    asking: bool = False
    """The caller was asked something and has not answered."""

    @property
    def last(self) -> Order | None:
        """Give the order that was issued last."""
        return self.orders[-1] if self.orders else None

    @property
    def open(self) -> Order | None:
        """Give the order that somebody has something to do for."""
        last = self.last
        return last if last is not None and last.state in OPEN else None

    def order(self, order_id: str) -> Order | None:
        """Give an order by its id, open or over."""
        return next((order for order in self.orders if order.id == order_id), None)


def wake_at(state: DispatchState) -> datetime | None:
    """Give when a suspension ends by itself, or until when a decision is waited for; None where neither is."""
    order = state.open
    if order is None:
        return None
    if order.state == "suspended":
        return order.run.rests[-1].until
    return None if order.asked is None or state.asking else order.asked.decide_by


def after(state: DispatchState, body: Body, at: datetime) -> DispatchState:
    """Give the state after a body that was said at an instant."""
    change = AFTER.get(type(body))
    return state if change is None else state.model_copy(update=change(state, body, at))


def after_triaged(_state: DispatchState, fact: TicketTriaged, _at: datetime) -> dict[str, Any]:
    """Triage has decided: the ticket lies with nobody else."""
    return {"triaged": fact, "lies_with": ""}


def after_closed(state: DispatchState, fact: TicketClosed, _at: datetime) -> dict[str, Any]:
    """End the last order, unless something else has ended it."""
    last = state.last
    if last is None or last.state not in OPEN | {"done"}:
        return {"closed": True, "asking": False}
    return {"closed": True, "asking": False} | _last(state, state="closed", closing=fact.closings)


def after_issued(state: DispatchState, fact: OrderIssued, _at: datetime) -> dict[str, Any]:
    """Add the order."""
    order = Order(
        id=fact.order_id,
        handler=fact.handler,
        returnable=fact.returnable,
        issued_at=fact.issued_at,
        sign_by=fact.sign_by,
        handle_by=fact.handle_by,
        run=Run(started_at=fact.issued_at, limit=fact.handle_limit, calendar=fact.calendar),
    )
    return {"orders": (*state.orders, order), "attempt": fact.attempt, "lies_with": ""}


def after_returned(state: DispatchState, fact: OrderReturned, _at: datetime) -> dict[str, Any]:
    """End the order and say with whom the ticket lies."""
    return {
        "returns": fact.returns,
        "lies_with": fact.goes_to,
        "adjudicated": state.adjudicated or fact.goes_to == "duty-officer",
    } | _last(state, state="returned")


def after_reworked(state: DispatchState, fact: OrderReworked, at: datetime) -> dict[str, Any]:
    """Open the order again with a run of its own; it need not be signed for again."""
    run = Run(started_at=at, limit=fact.handle_limit, calendar=fact.calendar)
    return {"attempt": fact.attempt} | _last(state, state="signed", handle_by=fact.handle_by, run=run)


def after_asked(state: DispatchState, fact: RevisionAsked, _at: datetime) -> dict[str, Any]:
    """Keep what was asked for until it is decided."""
    asked = Asked(
        revision=fact.revision,
        until=fact.until,
        reason=fact.reason,
        detail=fact.detail,
        by=fact.by,
        decide_by=fact.decide_by,
    )
    return _last(state, asked=asked)


def after_suspended(state: DispatchState, fact: OrderSuspended, _at: datetime) -> dict[str, Any]:
    """Let it rest; the limit that stood stays on record."""
    last = state.orders[-1]
    rest = Rest(since=fact.since, until=fact.until, reason=fact.reason, handle_by=last.handle_by)
    return _last(state, state="suspended", run=last.run.resting(rest), suspensions=last.suspensions + 1)


def after_resumed(state: DispatchState, fact: OrderResumed, _at: datetime) -> dict[str, Any]:
    """Let it go on, unless its ticket was closed."""
    last = state.orders[-1]
    now = "signed" if last.state == "suspended" else last.state
    run = last.run.resumed(fact.resumed_at)
    return _last(state, state=now, run=run, handle_by=fact.handle_by, moved_at=fact.resumed_at)


def after_extended(state: DispatchState, fact: OrderExtended, at: datetime) -> dict[str, Any]:
    """Move the limit; both stay on record."""
    run = state.orders[-1].run.extended(fact.old, fact.handle_by)
    return _last(state, run=run, handle_by=fact.handle_by, extensions=fact.times, moved_at=at)


def after_recalculated(state: DispatchState, fact: ClocksRecalculated, _at: datetime) -> dict[str, Any]:
    """Take over limits that sla has counted again; what dispatch moved itself it knows.

    But where the caller was waited for: dispatch may have heard of that only after it had moved the limit.
    """
    order = state.open
    if order is None or (fact.why in {"resumed", "extended"} and not latest_move(order, fact)):
        return {}
    changes: dict[str, Any] = {}
    for move in fact.clocks:
        if move.order_id == order.id and move.clock == "sign":
            changes["sign_by"] = move.new
        elif move.order_id == order.id and move.clock == "handle":
            changes["handle_by"] = move.new
            if order.asked is not None and fact.why == "answered":
                changes["asked"] = after_answer(order.asked, move)
            run = {"limit": move.limit or order.run.limit, "calendar": move.calendar.partition("@")[0]}
            changes["run"] = order.run.model_copy(update=run)
    return _last(state, **changes) if changes else {}


def after_answer(asked: Asked, move: ClockMove) -> Asked:
    """Give a request that waits, now that its limit has moved: for as much more time, and decided by that limit."""
    more = move.new - move.old if asked.revision == "extend" else timedelta(0)
    return asked.model_copy(update={"decide_by": move.new, "until": asked.until + more})


def latest_move(order: Order, fact: ClocksRecalculated) -> bool:
    """Tell whether sla answers the last move that dispatch made, on an order that has waited for the caller."""
    return bool(order.run.waits) and order.moved_at is not None and fact.at + ROUNDED >= order.moved_at


def after_wait(state: DispatchState, fact: InformationWaitEnded, _at: datetime) -> dict[str, Any]:
    """Remember that the handling did not run while the caller was asked; sla says what limit follows."""
    order = state.open
    if order is None or fact.at <= order.run.started_at:
        return {"asking": False}
    wait, asked = Wait(since=fact.since, until=fact.at), order.asked
    if asked is not None:  # until sla says what the limit is
        asked = asked.model_copy(update={"decide_by": asked.decide_by + (fact.at - fact.since)})
    run = order.run.model_copy(update={"waits": (*order.run.waits, wait)})
    return {"asking": False} | _last(state, run=run, asked=asked)


def after_escalated(state: DispatchState, fact: TicketEscalated, _at: datetime) -> dict[str, Any]:
    """Remember which level owns the open order too."""
    order = state.open
    if order is None or fact.order_id not in {None, order.id}:
        return {}
    return _last(state, level=fact.to_level)


def after_amended(state: DispatchState, fact: TicketAmended, _at: datetime) -> dict[str, Any]:
    """Take over what was corrected; orders to come have the limits that follow from it."""
    if state.triaged is None:
        return {}
    names = ("category", "severity", "place", "level", "unit", "sign_limit", "handle_limit")
    return {"triaged": state.triaged.model_copy(update={name: getattr(fact, name) for name in names})}


def after_policy(state: DispatchState, fact: PolicyApplied, _at: datetime) -> dict[str, Any]:
    """Be pinned to another version of the profile."""
    if state.triaged is None:
        return {}
    changes: dict[str, Any] = {"profile_version": fact.policy}
    if fact.sign_limit is not None:
        changes["sign_limit"] = fact.sign_limit
    if fact.handle_limit is not None:
        changes["handle_limit"] = fact.handle_limit
    return {"triaged": state.triaged.model_copy(update=changes)}


def _last(before: DispatchState, /, **changes: Any) -> dict[str, Any]:
    return {"orders": (*before.orders[:-1], before.orders[-1].model_copy(update=changes))}


AFTER: Final[dict[type[Any], Callable[[DispatchState, Any, datetime], dict[str, Any]]]] = {
    TicketTriaged: after_triaged,
    TicketClosed: after_closed,
    TicketReopened: lambda _state, _fact, _at: {"closed": False},
    OrderIssued: after_issued,
    OrderSigned: lambda state, _fact, _at: _last(state, state="signed"),
    OrderReturned: after_returned,
    OrderWithdrawn: lambda state, _fact, _at: _last(state, state="withdrawn"),
    OrderDone: lambda state, _fact, _at: _last(state, state="done"),
    OrderReworked: after_reworked,
    ClocksRecalculated: after_recalculated,
    InformationRequested: lambda _state, _fact, _at: {"asking": True},
    InformationWaitEnded: after_wait,
    PolicyApplied: after_policy,
    TicketAmended: after_amended,
    TicketEscalated: after_escalated,
    RevisionAsked: after_asked,
    RevisionDecided: lambda state, _fact, _at: _last(state, asked=None),
    OrderSuspended: after_suspended,
    OrderResumed: after_resumed,
    OrderExtended: after_extended,
}
"""What each fact changes. Commands change nothing, since they may be refused; own facts concern the last order."""
