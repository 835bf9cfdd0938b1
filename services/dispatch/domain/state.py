"""What does dispatch know of a ticket? Its triage, its orders one after the other, and where it lies between them."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AwareDatetime

from shared.decider import State
from shared.messages import (
    Handler,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderWithdrawn,
    Part,
    TicketClosed,
    TicketReopened,
    TicketTriaged,
)

OrderState = Literal["issued", "signed", "done", "returned", "withdrawn", "closed"]
OPEN: Final = frozenset({"issued", "signed"})
"""Somebody has something to do; `done` waits for closure, the rest is over for good."""


class Order(Part):
    """One order; a ticket has at most one that is open."""

    id: str
    handler: Handler
    state: OrderState = "issued"
    returnable: bool = True
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    closing: int = 0
    """Which closing of the ticket ended it; 0 when another thing did, or nothing yet."""


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


def after_triaged(_state: DispatchState, fact: TicketTriaged) -> dict[str, Any]:
    """Triage has decided: the ticket lies with nobody else."""
    return {"triaged": fact, "lies_with": ""}


def after_closed(state: DispatchState, fact: TicketClosed) -> dict[str, Any]:
    """End the last order, unless something else has ended it."""
    last = state.last
    if last is None or last.state not in {"issued", "signed", "done"}:
        return {"closed": True}
    return {"closed": True} | _last(state, state="closed", closing=fact.closings)


def after_issued(state: DispatchState, fact: OrderIssued) -> dict[str, Any]:
    """Add the order."""
    order = Order(
        id=fact.order_id,
        handler=fact.handler,
        returnable=fact.returnable,
        issued_at=fact.issued_at,
        sign_by=fact.sign_by,
        handle_by=fact.handle_by,
    )
    return {"orders": (*state.orders, order), "attempt": fact.attempt, "lies_with": ""}


def after_returned(state: DispatchState, fact: OrderReturned) -> dict[str, Any]:
    """End the order and say with whom the ticket lies."""
    return {
        "returns": fact.returns,
        "lies_with": fact.goes_to,
        "adjudicated": state.adjudicated or fact.goes_to == "duty-officer",
    } | _last(state, state="returned")


def after_reworked(state: DispatchState, fact: OrderReworked) -> dict[str, Any]:
    """Open the order again; it need not be signed for again."""
    return {"attempt": fact.attempt} | _last(state, state="signed", handle_by=fact.handle_by)


def _last(before: DispatchState, /, **changes: Any) -> dict[str, Any]:
    return {"orders": (*before.orders[:-1], before.orders[-1].model_copy(update=changes))}


AFTER: Final[dict[type[Any], Any]] = {
    TicketTriaged: after_triaged,
    TicketClosed: after_closed,
    TicketReopened: lambda _state, _fact: {"closed": False},
    OrderIssued: after_issued,
    OrderSigned: lambda state, _fact: _last(state, state="signed"),
    OrderReturned: after_returned,
    OrderWithdrawn: lambda state, _fact: _last(state, state="withdrawn"),
    OrderDone: lambda state, _fact: _last(state, state="done"),
    OrderReworked: after_reworked,
}
"""What each fact changes. Commands change nothing, since they may be refused; own facts concern the last order."""
