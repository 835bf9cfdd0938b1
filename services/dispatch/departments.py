"""What does a department hear? Its orders, what becomes of them, and an answer to each of its updates.

A unit hears nothing here: its people see their work list at the desk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.decider import Effect
from shared.messages import (
    ClockBreached,
    ClockWarned,
    Command,
    CompleteOrder,
    DepartmentOrderClosed,
    DepartmentOrderEscalated,
    DepartmentOrderIssued,
    DepartmentOrderReminded,
    DepartmentOrderReworked,
    DepartmentOrderWithdrawn,
    MessageReceived,
    OrderDone,
    OrderIssued,
    OrderProgressed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderWithdrawn,
    ReportProgress,
    ReturnOrder,
    SignOrder,
    TicketClosed,
    TicketEscalated,
    UpdateAccepted,
    UpdateRefused,
)
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.dispatch.domain import DispatchState, Order
    from shared.decider import Message, Turn
    from shared.messages import Body, Handler
    from shared.profile import Profile

LEADS_TO: Final[dict[type[Command], str]] = {
    SignOrder: OrderSigned.type,
    ReturnOrder: OrderReturned.type,
    ReportProgress: OrderProgressed.type,
    CompleteOrder: OrderDone.type,
}
"""What an update leads to when it is carried out; another fact means that its id had been used before."""


def messages(state: DispatchState, turn: Turn, profile: Profile) -> list[Effect]:
    """Give the messages to departments that follow from a turn, in order: the answer, then what happened."""
    effects = _answer(turn, profile)
    for fact in turn.facts:
        told = FACTS.get(type(fact.data))
        if told is not None:
            _tell(effects, told(fact), fact.data.handler, profile)
    heard = READ.get(type(turn.message.data))
    if heard is not None:
        for order, body in heard(state, turn.message.data):
            _tell(effects, body, order.handler, profile)
    return effects


# ---------------------------------------------------------------- answers


def _answer(turn: Turn, profile: Profile) -> list[Effect]:
    """Give the answer to an update; the same one again when it is repeated."""
    command, envelope = turn.message.data, turn.message.envelope
    asker = getattr(command, "department", None) if isinstance(command, Command) else None
    department = None if asker is None else profile.department(asker)
    if department is None:
        return []
    update = envelope.causation or envelope.id
    answer: Body
    if turn.refused is not None:
        answer = UpdateRefused(
            order_id=command.order_id, update_id=update, reason=turn.refused.reason, detail=_both(turn.refused)
        )
    elif turn.repeated and LEADS_TO.get(type(command)) not in turn.said:
        answer = UpdateRefused(
            order_id=command.order_id,
            update_id=update,
            reason="id-reused",
            detail="Another update of yours had this ce_id: send this one with an id of its own. "
            "该ce_id已用于另一条更新，请使用新的编号重新发送。",
        )
    else:
        answer = UpdateAccepted(order_id=command.order_id, update_id=update, effects=turn.said)
    return [Effect(dispatch_topic(department.topic), answer, causation=update)]


def _both(refused: Any) -> str:
    """Give the sentence in English, and in Chinese where there is one."""
    return str(refused.detail) if refused.detail_zh == refused.detail else f"{refused.detail} {refused.detail_zh}"


# ---------------------------------------------------------------- what dispatch decided


def _issued(message: Message) -> DepartmentOrderIssued:
    fact: OrderIssued = message.data
    return DepartmentOrderIssued(
        order_id=fact.order_id,
        ticket_id=message.ticket,
        role=fact.role,
        level=fact.level,
        unit=fact.unit,
        issued_at=fact.issued_at,
        sign_by=fact.sign_by,
        handle_by=fact.handle_by,
        category=fact.category,
        severity=fact.severity,
        place=fact.place,
        description=fact.description,
        attachments=fact.attachments,
        lead=fact.handler,
        assists=fact.assists,
        returnable=fact.returnable,
        attempt=fact.attempt,
        profile_version=fact.profile_version,
    )


def _reworked(message: Message) -> DepartmentOrderReworked:
    fact: OrderReworked = message.data
    return DepartmentOrderReworked(
        order_id=fact.order_id, reason=fact.reason, handle_by=fact.handle_by, attempt=fact.attempt
    )


def _returned(message: Message) -> DepartmentOrderWithdrawn:
    return DepartmentOrderWithdrawn(order_id=message.data.order_id, reason="returned")


def _withdrawn(message: Message) -> DepartmentOrderWithdrawn:
    return DepartmentOrderWithdrawn(order_id=message.data.order_id, reason=message.data.reason)


FACTS: Final[dict[type[Body], Callable[[Message], Body]]] = {
    OrderIssued: _issued,
    OrderReworked: _reworked,
    OrderReturned: _returned,
    OrderWithdrawn: _withdrawn,
}

# ---------------------------------------------------------------- what others decided


def _closed(state: DispatchState, closed: TicketClosed) -> list[tuple[Order, Body]]:
    """Tell of the order that this closing ended; one that was withdrawn has been told of already."""
    last = state.last
    if last is None or last.state != "closed" or last.closing != closed.closings:
        return []
    return [(last, DepartmentOrderClosed(order_id=last.id, outcome=closed.outcome))]


def _late(state: DispatchState, clock: ClockWarned | ClockBreached) -> list[tuple[Order, Body]]:
    order = state.open
    if order is None or order.id != clock.order_id:
        return []
    kind = "breach" if isinstance(clock, ClockBreached) else "warning"
    return [
        (
            order,
            DepartmentOrderReminded.model_validate(
                {"order_id": order.id, "clock": clock.clock, "due_at": clock.due_at, "kind": kind}
            ),
        )
    ]


def _escalated(state: DispatchState, fact: TicketEscalated) -> list[tuple[Order, Body]]:
    order = state.open
    if order is None or fact.order_id not in {None, order.id}:
        return []
    body = DepartmentOrderEscalated(
        order_id=order.id, from_level=fact.from_level, to_level=fact.to_level, cause=fact.cause
    )
    return [(order, body)]


def _urged(state: DispatchState, said: MessageReceived) -> list[tuple[Order, Body]]:
    order = state.open
    if order is None or said.message_kind != "urge":
        return []
    clock, due_at = ("sign", order.sign_by) if order.state == "issued" else ("handle", order.handle_by)
    return [
        (
            order,
            DepartmentOrderReminded.model_validate(
                {"order_id": order.id, "clock": clock, "due_at": due_at, "kind": "urged"}
            ),
        )
    ]


READ: Final[dict[type[Body], Callable[[DispatchState, Any], list[tuple[Order, Body]]]]] = {
    TicketClosed: _closed,
    ClockWarned: _late,
    ClockBreached: _late,
    TicketEscalated: _escalated,
    MessageReceived: _urged,
}


def _tell(effects: list[Effect], body: Body, handler: Handler, profile: Profile) -> None:
    """Add a message for a department.

    An order for a department that this profile does not have parks the ticket until the profile is put right;
    whatever else concerns a department that is gone has nobody to hear it.
    """
    if handler.kind != "department":
        return
    department = profile.department(handler.id)
    if department is not None:
        effects.append(Effect(dispatch_topic(department.topic), body))
    elif isinstance(body, DepartmentOrderIssued):
        problem = f"the profile {profile.name} has no department {handler.id!r} to send the order to"
        raise LookupError(problem)
