"""What may be done with an order now, by whom, and what is whoever may not told?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from shared.errors import DeadLetter, Refused
from shared.messages import Handler

if TYPE_CHECKING:
    from services.dispatch.domain.state import DispatchState, Order, OrderState
    from shared.messages import (
        AmendTicket,
        AssignTicket,
        CompleteOrder,
        DecideRevision,
        ReportProgress,
        ReturnOrder,
        ReviseOrder,
        SignOrder,
        TicketTriaged,
    )

    OrderCommand = SignOrder | ReturnOrder | ReportProgress | CompleteOrder | ReviseOrder

Act = Literal["sign", "return", "progress", "done", "suspend", "resume", "extend"]
Reason = tuple[str, str, str]

NOT_YOURS: Final[Reason] = ("not-yours", "This order is not yours.", "该工单不属于贵单位。")
NOT_SIGNED: Final[Reason] = ("not-signed", "Sign for the order first (签收).", "请先签收工单。")
ALREADY_SIGNED: Final[Reason] = ("already-signed", "The order is signed for already.", "工单已签收，无需重复签收。")
NOT_SUSPENDED: Final[Reason] = (
    "not-suspended",
    "The order is not suspended (挂账): there is nothing to resume.",
    "派单未挂账，无需解挂。",
)
ALREADY_SUSPENDED: Final[Reason] = (
    "already-suspended",
    "The order is suspended already: resume it (解挂) first.",
    "派单已挂账：请先解挂。",
)
RESTS: Final[Reason] = (
    "suspended",
    "The order is suspended and its limit does not run: resume it (解挂) before you ask for more time.",
    "派单已挂账，时限已暂停：请先解挂再申请延期。",
)

EDGES: Final[dict[OrderState, dict[Act, Reason | None]]] = {
    "issued": {
        "sign": None,
        "return": None,
        "progress": NOT_SIGNED,
        "done": NOT_SIGNED,
        "suspend": NOT_SIGNED,
        "resume": NOT_SUSPENDED,
        "extend": None,
    },
    "signed": {
        "sign": ALREADY_SIGNED,
        "return": None,
        "progress": None,
        "done": None,
        "suspend": None,
        "resume": NOT_SUSPENDED,
        "extend": None,
    },
    "suspended": {
        "sign": ALREADY_SIGNED,
        "return": None,
        "progress": None,
        "done": None,
        "suspend": ALREADY_SUSPENDED,
        "resume": None,
        "extend": RESTS,
    },
}
"""What may be done with an order that is open, None, or why not."""

OVER: Final[dict[OrderState, tuple[str, str]]] = {
    "done": ("已办结，等待核实", "done already, and waits for its verification"),
    "returned": ("已退单", "returned"),
    "withdrawn": ("已撤回", "withdrawn"),
    "closed": ("已结案", "closed"),
}


def allowed(state: DispatchState, command: OrderCommand, act: Act) -> tuple[Order, TicketTriaged]:
    """Give the order when this may be done with it now; whose it is comes before what can be learnt of it."""
    if state.triaged is None:
        if command.department is not None:
            raise DeadLetter("no-such-order", "no ticket with this id has an order")
        raise Refused("no-such-order", "No ticket with this id has an order.", "该工单尚无派单。")
    order = state.order(command.order_id)
    if order is None:
        raise Refused("no-such-order", "There is no order with this id: check order_id.", "没有该编号的派单，请核对。")
    if command.department is not None and order.handler != Handler(kind="department", id=command.department):
        raise Refused(*NOT_YOURS)
    if command.department is None:
        named(command)
    if order.state not in EDGES:
        zh, en = OVER[order.state]
        raise Refused("order-over", f"The order is {en}.", f"派单{zh}。")
    why_not = EDGES[order.state][act]
    if why_not is not None:
        raise Refused(*why_not)
    return order, state.triaged


def named(command: OrderCommand | AssignTicket | DecideRevision | AmendTicket) -> None:
    """Refuse a command of nobody."""
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")
