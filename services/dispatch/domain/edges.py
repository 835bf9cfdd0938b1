"""What may be done with an order now, by whom, and what is whoever may not told?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from shared.errors import DeadLetter, Refused

if TYPE_CHECKING:
    from services.dispatch.domain.state import DispatchState, Order, OrderState
    from shared.messages import (
        AddAssist,
        AmendTicket,
        AssignTicket,
        CallTicket,
        CompleteOrder,
        DecideRevision,
        EndWhistle,
        ExcuseAssist,
        FailStage,
        Handler,
        RaiseWhistle,
        RecordVote,
        ReleaseTicket,
        RemoveAssist,
        ReportProgress,
        ReturnOrder,
        ReviseOrder,
        SettleItem,
        SignOrder,
        TicketTriaged,
    )
    from shared.profile import Profile

    OrderCommand = SignOrder | ReturnOrder | ReportProgress | CompleteOrder | ReviseOrder
    StageCommand = RecordVote | FailStage
    TicketCommand = (
        AssignTicket
        | DecideRevision
        | AmendTicket
        | CallTicket
        | AddAssist
        | RemoveAssist
        | ExcuseAssist
        | RaiseWhistle
        | EndWhistle
        | SettleItem
        | ReleaseTicket
    )

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

COME: Final[Reason] = (
    "come-first",
    "You were whistled for (吹哨): check in on the spot first (报到), and settle there whose it is.",
    "本单为吹哨派单：请先到现场报到，再现场会商。",
)
WHISTLED: Final[Reason] = (
    "whistled",
    "The order of a whistle (吹哨) ends with the whistle: it has no limit of its own that could be moved.",
    "吹哨派单随吹哨结束，没有可调整的办理时限。",
)
STAYS: Final[dict[Act, Reason | None]] = {
    "done": None,
    "return": (
        "whistled",
        "You have checked in (报到): say that it is done, or wait for the end of the whistle, which ends your order.",
        "贵单位已报到：请办结本单，或等待吹哨结束后自动结束。",
    ),
}
"""What whoever was whistled for may do once they have come."""
SETTLING: Final[Reason] = (
    "settling",
    "This is for self-settlement (自治化解) and goes to the lead at its limit: return it, or call whoever is next.",
    "自治化解单到期即转主办单位：可退回或呼叫。",
)
BY_ROLE: Final[dict[tuple[str, Act], Reason | None]] = {
    ("whistle", "suspend"): WHISTLED,
    ("whistle", "resume"): WHISTLED,
    ("whistle", "extend"): WHISTLED,
    ("whistle", "progress"): None,
    ("settlement", "sign"): None,
    ("settlement", "progress"): None,
    ("settlement", "done"): None,
    ("settlement", "suspend"): SETTLING,
    ("settlement", "resume"): SETTLING,
    ("settlement", "extend"): SETTLING,
}
"""What differs for an order that is open and no ordinary one, by its role or tier: nobody signs to settle their own."""

OVER: Final[dict[OrderState, tuple[str, str]]] = {
    "done": ("已办结，等待核实", "done already, and waits for its verification"),
    "returned": ("已退单", "returned"),
    "withdrawn": ("已撤回", "withdrawn"),
    "closed": ("已结案", "closed"),
    "stage-over": ("所属步骤已结束", "over: the stage that it was for has ended"),
}


def allowed(state: DispatchState, command: OrderCommand | StageCommand, act: Act) -> tuple[Order, TicketTriaged]:
    """Give the order when this may be done with it now; whose it is comes before what can be learnt of it."""
    asker = getattr(command, "department", None)
    if state.triaged is None:
        if asker is not None:
            raise DeadLetter("no-such-order", "no ticket with this id has an order")
        raise Refused("no-such-order", "No ticket with this id has an order.", "该工单尚无派单。")
    order = state.order(command.order_id)
    if order is None:
        raise Refused("no-such-order", "There is no order with this id: check order_id.", "没有该编号的派单，请核对。")
    if asker is not None and (order.handler.kind, order.handler.id) != ("department", asker):
        raise Refused(*NOT_YOURS)
    if asker is None:
        named(command)
    if order.state not in EDGES:
        zh, en = OVER[order.state]
        raise Refused("order-over", f"The order is {en}.", f"派单{zh}。")
    special = (order.role if order.role == "whistle" else order.tier, act)
    why_not = BY_ROLE[special] if special in BY_ROLE and not _twice(order, act) else EDGES[order.state][act]
    if order.role == "whistle" and act in {"done", "return"}:
        why_not = COME if order.came_at is None else STAYS[act]
    if why_not is not None:
        raise Refused(*why_not)
    return order, state.triaged


def _twice(order: Order, act: Act) -> bool:
    return act == "sign" and order.state == "signed"


def named(command: OrderCommand | StageCommand | TicketCommand) -> None:
    """Refuse a command of nobody."""
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")


def named_handler(handler: Handler, profile: Profile) -> tuple[str, str]:
    """Give a handler's name in Chinese and English; its id where the profile knows it no more."""
    known = profile.department(handler.id) if handler.kind == "department" else profile.unit(handler.id)
    return (handler.id, handler.id) if known is None else (known.zh, known.en)
