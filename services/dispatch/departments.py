"""What does a department hear? Its orders, what becomes of them, and an answer to each of its updates.

A unit hears nothing here: its people see their work list at the desk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.dispatch.domain import limit
from services.dispatch.domain.orders import ref
from services.dispatch.domain.state import HANDLING, OPEN, SIGNING, escalated, latest_move
from shared.decider import Effect
from shared.ids import ticket_of_order
from shared.messages import (
    AdjudicationAsked,
    ClockBreached,
    ClocksRecalculated,
    ClockWarned,
    CloseTicket,
    Command,
    CompleteOrder,
    DepartmentOrderChanged,
    DepartmentOrderClosed,
    DepartmentOrderEscalated,
    DepartmentOrderIssued,
    DepartmentOrderReminded,
    DepartmentOrderReworked,
    DepartmentOrderSnapshot,
    DepartmentOrderWithdrawn,
    FamilyHeard,
    FollowVisit,
    ItemSettled,
    MessageReceived,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderProgressed,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    RevisionAsked,
    RevisionDecided,
    RevisionPending,
    ShowOrder,
    SignOrder,
    StageCompleted,
    StageFailed,
    TicketAmended,
    TicketClosed,
    TicketEscalated,
    UpdateAccepted,
    UpdateRefused,
    WhistleAnswered,
)
from shared.topics import TICKETS, dispatch_topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.dispatch.domain import DispatchState, Order
    from shared.decider import Message, Turn
    from shared.messages import Body, ClockMove, Handler, StageRef
    from shared.profile import Profile

LEADS_TO: Final[dict[type[Command], tuple[str, ...]]] = {
    SignOrder: (OrderSigned.type,),
    ReturnOrder: (OrderReturned.type, AdjudicationAsked.type),
    ReportProgress: (OrderProgressed.type, WhistleAnswered.type),
    CompleteOrder: (OrderDone.type, OrderIssued.type),
}
"""How what an update leads to ends when it is carried out; another end means that its id had been used before.

What comes before is what was due, or what ends with the order. For ReviseOrder see `_leads_to`.
"""


def messages(state: DispatchState, turn: Turn, profile: Profile) -> list[Effect]:
    """Give the messages to departments that follow from a turn, in order: the answer, then what happened."""
    if state.triaged is not None:
        profile = profile.under(state.triaged.profile_version, state.triaged.mode)
    effects = _answer(turn, profile)
    for fact in turn.facts:
        if isinstance(fact.data, ItemSettled):
            effects.append(_to_item(fact))
        told = FACTS.get(type(fact.data))
        body = None if told is None else told(state, fact, profile)
        if body is not None:
            _tell(effects, body, fact.data.handler, profile)
    heard = READ.get(type(turn.message.data))
    if heard is not None and not turn.repeated:
        for order, body in heard(state, turn.message.data, profile):
            _tell(effects, body, order.handler, profile)
    return effects


def _to_item(fact: Message) -> Effect:
    """Tell the ticket of an item what became of it at the visit."""
    said: ItemSettled = fact.data
    if said.outcome == "explained":
        return Effect(TICKETS, CloseTicket(by=said.by, outcome="informed", reason=said.note), key=said.item)
    told = {"by": said.by, "outcome": said.outcome, "note": said.note, "promised_by": said.promised_by}
    return Effect(TICKETS, FollowVisit.model_validate({"visit": fact.ticket, **told}), key=said.item)


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
    elif turn.repeated and not _leads_to(command, turn.said):
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


def _leads_to(command: Command, said: tuple[str, ...]) -> bool:
    """Tell whether these facts are what such an update leads to."""
    ends = LEADS_TO.get(type(command), ())
    if isinstance(command, ReviseOrder):
        ends = (OrderResumed.type,) if command.revision == "resume" else (RevisionAsked.type,)
    return bool(said) and said[-1] in ends


def _both(refused: Any) -> str:
    """Give the sentence in English, and in Chinese where there is one."""
    return str(refused.detail) if refused.detail_zh == refused.detail else f"{refused.detail} {refused.detail_zh}"


# ---------------------------------------------------------------- what dispatch decided


def _issued(_state: DispatchState, message: Message, _profile: Profile) -> DepartmentOrderIssued:
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
        lead=fact.lead or fact.handler,
        assists=fact.assists,
        returnable=fact.returnable,
        attempt=fact.attempt,
        profile_version=fact.profile_version,
        stage=fact.stage,
    )


def _reworked(_state: DispatchState, message: Message, _profile: Profile) -> DepartmentOrderReworked:
    fact: OrderReworked = message.data
    return DepartmentOrderReworked(
        order_id=fact.order_id, reason=fact.reason, handle_by=fact.handle_by, attempt=fact.attempt
    )


def _returned(_state: DispatchState, message: Message, _profile: Profile) -> DepartmentOrderWithdrawn:
    return DepartmentOrderWithdrawn(order_id=message.data.order_id, reason="returned")


def _stage_over(_state: DispatchState, message: Message, _profile: Profile) -> DepartmentOrderClosed:
    """Tell that the stage is over, and the order with it: nothing more is heard of either."""
    outcome = "stage-completed" if isinstance(message.data, StageCompleted) else "stage-failed"
    return DepartmentOrderClosed(order_id=message.data.order_id, outcome=outcome)


def _withdrawn(_state: DispatchState, message: Message, _profile: Profile) -> DepartmentOrderWithdrawn:
    return DepartmentOrderWithdrawn(order_id=message.data.order_id, reason=message.data.reason)


# What is told of suspensions and extensions; no turn leads to two of these, so that each message has an id of its own.


def _decided(_state: DispatchState, message: Message, _profile: Profile) -> Body | None:
    """Tell that it was not granted; what was granted is told by what changes."""
    fact: RevisionDecided = message.data
    if fact.decision == "granted":
        return None
    en, zh = NOT_GRANTED[fact.decision]
    asked = "suspension" if fact.revision == "suspend" else "extension"
    reason = " ".join(part for part in (en, zh, fact.note) if part)
    return _changed(fact.order_id, reason, **{asked: ("asked", fact.decision)})


def _suspended(_state: DispatchState, message: Message, profile: Profile) -> Body:
    fact: OrderSuspended = message.data
    known = (reason for reason in profile.revisions.suspension.reasons if reason.id == fact.reason)
    why = next(((reason.en, reason.zh) for reason in known), (fact.reason, fact.reason))
    until = profile.local(fact.until)
    sentence = f"Suspended until {until}: {why[0]}. 已挂账至{until}：{why[1]}。"
    return _changed(fact.order_id, sentence, state=("signed", "suspended"))


def _resumed(state: DispatchState, message: Message, _profile: Profile) -> Body:
    fact: OrderResumed = message.data
    order = state.order(fact.order_id)
    assert order is not None  # noqa: S101 - a fact of its own
    old = order.run.rests[-1].handle_by
    return _changed(fact.order_id, RESUMED[fact.why], state=("suspended", "signed"), handle_by=(old, fact.handle_by))


def _extended(_state: DispatchState, message: Message, profile: Profile) -> Body:
    fact: OrderExtended = message.data
    new = profile.local(fact.handle_by)
    sentence = f"The extension was granted: the limit is now {new}. 延期已批准：新的办理期限为{new}。"
    return _changed(fact.order_id, sentence, handle_by=(fact.old, fact.handle_by))


def _amended(_state: DispatchState, message: Message, _profile: Profile) -> Body | None:
    """Tell what it is now; limits that follow from it are told when sla has counted them."""
    fact: TicketAmended = message.data
    if fact.order_id is None:
        return None
    return _changed(
        fact.order_id,
        fact.reason,
        category=(fact.old_category, fact.category),
        severity=(fact.old_severity, fact.severity),
        place=(fact.old_place, fact.place),
    )


def _changed(order_id: str, reason: str, **fields: tuple[Any, Any]) -> DepartmentOrderChanged:
    """Give what is different from before; a field that is not is left out."""
    changes = {name: {"old": old, "new": new} for name, (old, new) in fields.items() if old != new}
    return DepartmentOrderChanged(order_id=order_id, changes=changes, reason=reason)


NOT_GRANTED: Final[dict[str, tuple[str, str]]] = {
    "refused": ("The request was refused.", "申请未获批准。"),
    "lapsed": ("The request lapsed without a decision: it is not granted.", "申请未在时限内审批，视为不同意。"),
}
RESUMED: Final[dict[str, str]] = {
    "asked": "Resumed as you asked: the rest of the time runs. 已按申请解挂：剩余时限继续计算。",
    "ended": "The suspension has come to its end: the rest of the time runs. 挂账到期自动解挂：剩余时限继续计算。",
    "over": "The suspension ends with the order. 派单结束，挂账终止。",
}

RECOUNTED: Final[dict[str, str]] = {
    "resumed": "The limit was counted again, with the time in which the caller was asked. 时限已计入等待补充时间。",
    "extended": "The limit was counted again, with the time in which the caller was asked. 时限已计入等待补充时间。",
    "answered": "The caller was asked meanwhile: the limit did not run. 等待诉求人补充期间不计时，时限顺延。",
    "calendar": "The working calendar has changed: the limit was counted again. 工作日历已调整，时限已重新计算。",
    "policy": "The city's limits have changed: the limit was counted again. 时限规定已调整，时限已重新计算。",
    "edited": "The ticket was corrected: its limit was counted again from the start. 工单已修改，时限自起点重新计算。",
}

FACTS: Final[dict[type[Body], Callable[[DispatchState, Message, Profile], Body | None]]] = {
    OrderIssued: _issued,
    OrderReworked: _reworked,
    OrderReturned: _returned,
    OrderWithdrawn: _withdrawn,
    StageCompleted: _stage_over,
    StageFailed: _stage_over,
    RevisionDecided: _decided,
    OrderSuspended: _suspended,
    OrderResumed: _resumed,
    OrderExtended: _extended,
    TicketAmended: _amended,
}

# ---------------------------------------------------------------- what others decided


def _closed(state: DispatchState, closed: TicketClosed, _profile: Profile) -> list[tuple[Order, Body]]:
    """Tell of the orders that this closing ended; one that was withdrawn has been told of already."""
    ended = (order for order in state.orders if order.state == "closed" and order.closing == closed.closings)
    return [(order, DepartmentOrderClosed(order_id=order.id, outcome=closed.outcome)) for order in ended]


def _late(state: DispatchState, clock: ClockWarned | ClockBreached, _profile: Profile) -> list[tuple[Order, Body]]:
    """Remind whoever has the order; of a whistle, all who have not come."""
    name, kind = clock.clock.removeprefix("assist-"), "breach" if isinstance(clock, ClockBreached) else "warning"
    if name == "arrive":
        late = [each for each in state.running if each.role == "whistle" and each.came_at is None]
    else:  # a level's own limit is not the department's
        order = state.order(clock.order_id or "") if name in {"sign", "handle"} else None
        late = [] if order is None or order.state not in OPEN else [order]
    return [
        (
            order,
            DepartmentOrderReminded.model_validate(
                {"order_id": order.id, "clock": name, "due_at": clock.due_at, "kind": kind}
            ),
        )
        for order in late
    ]


def _recounted(state: DispatchState, fact: ClocksRecalculated, _profile: Profile) -> list[tuple[Order, Body]]:
    """Tell of limits that sla has counted again; what dispatch moved itself it has told."""
    told: list[tuple[Order, Body]] = []
    for order in state.running:
        moves = {LIMITS[move.clock]: (move.old, move.new) for move in fact.clocks if _of(order, move)}
        if moves and (fact.why not in {"resumed", "extended"} or latest_move(order, fact)):
            told.append((order, _changed(order.id, RECOUNTED[fact.why], **moves)))
    return told


LIMITS: Final[dict[str, str]] = dict.fromkeys((*SIGNING, "arrive"), "sign_by") | dict.fromkeys(HANDLING, "handle_by")
"""Clock -> what the department calls its limit."""


def _of(order: Order, move: ClockMove) -> bool:
    """Tell whether a limit that has moved is one of an order."""
    if move.clock == "arrive":
        return order.role == "whistle" and order.came_at is None and order.sign_by == move.new
    return move.clock in LIMITS and move.order_id == order.id


def _escalated(state: DispatchState, fact: TicketEscalated, _profile: Profile) -> list[tuple[Order, Body]]:
    order = escalated(state, fact)
    if order is None:
        return []
    body = DepartmentOrderEscalated(
        order_id=order.id, from_level=fact.from_level, to_level=fact.to_level, cause=fact.cause
    )
    return [(order, body)]


def _urged(state: DispatchState, said: MessageReceived | FamilyHeard, profile: Profile) -> list[tuple[Order, Body]]:
    order = state.open
    if order is None or said.message_kind != "urge":
        return []
    clock, due_at = ("sign", order.sign_by) if order.state == "issued" else ("handle", order.handle_by)
    if order.state == "suspended":  # the limit that will be when it rests for as long as it may
        due_at = limit(order.run.resumed(order.run.rests[-1].until), profile, order.clock)
    return [
        (
            order,
            DepartmentOrderReminded.model_validate(
                {"order_id": order.id, "clock": clock, "due_at": due_at, "kind": "urged"}
            ),
        )
    ]


def _shown(state: DispatchState, asked: ShowOrder, _profile: Profile) -> list[tuple[Order, Body]]:
    """Give an order as it stands now; one that has ended meanwhile too, so that the count of a snapshot is right."""
    order, triaged = state.order(asked.order_id), state.triaged
    if order is None or triaged is None:
        return []
    asks = order.asked
    pending = None
    if asks is not None:
        pending = RevisionPending(revision=asks.revision, until=asks.until, decide_by=asks.decide_by)
    body = DepartmentOrderSnapshot(
        order_id=order.id,
        ticket_id=ticket_of_order(order.id) or "",
        role=order.role,
        level=order.level or triaged.level,
        unit=triaged.unit,
        issued_at=order.issued_at,
        sign_by=order.sign_by,
        handle_by=order.handle_by,
        category=triaged.category,
        severity=triaged.severity,
        place=triaged.place,
        description=triaged.description,
        attachments=triaged.attachments,
        lead=order.handler if state.last is None or _leads(order) else state.last.handler,
        assists=tuple(assist for assist in triaged.assists if assist != order.handler),
        returnable=order.returnable and not (state.adjudicated and order.role == order.tier == "lead"),
        attempt=state.attempt,
        profile_version=triaged.profile_version,
        stage=_stage_of(state, order),
        resync_id=asked.resync_id,
        state="closed" if order.state == "stage-over" else order.state,
        suspended_until=order.run.rests[-1].until if order.state == "suspended" else None,
        pending=pending,
    )
    return [(order, body)]


def _stage_of(state: DispatchState, order: Order) -> StageRef | None:
    """Give the stage that the lead's present order is for."""
    stage, triaged = state.stage, state.triaged
    if stage is None or triaged is None or order is not state.last or order.tier != "lead":
        return None
    return ref(state, triaged, stage)


def _leads(order: Order) -> bool:
    return order.role == "lead" and not order.takes_over


READ: Final[dict[type[Body], Callable[[DispatchState, Any, Profile], list[tuple[Order, Body]]]]] = {
    TicketClosed: _closed,
    ClockWarned: _late,
    ClockBreached: _late,
    ClocksRecalculated: _recounted,
    TicketEscalated: _escalated,
    MessageReceived: _urged,
    FamilyHeard: _urged,
    ShowOrder: _shown,
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
