"""What may a department or a person at the desk do with an order, and what is it told when it may not?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.domain.calls import call_next
from services.dispatch.domain.edges import allowed, named, named_handler
from services.dispatch.domain.evidence import enough, hands
from services.dispatch.domain.handlers import existing, not_pushed_down
from services.dispatch.domain.items import all_settled
from services.dispatch.domain.orders import adjudicate, lead, ref, taken_over, withdraw, withdraw_lead
from services.dispatch.domain.revisions import ending
from services.dispatch.domain.stages import completed, is_last, ripe
from services.dispatch.domain.whistles import checked_in
from shared.deadline import due_at
from shared.errors import Refused
from shared.messages import (
    Fact,
    Handler,
    OrderDone,
    OrderIssued,
    OrderProgressed,
    OrderReturned,
    OrderSigned,
    RoutingSuggested,
)

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order
    from shared.decider import Message
    from shared.messages import (
        AssignTicket,
        CompleteOrder,
        ReportProgress,
        ReturnOrder,
        SignOrder,
        TicketTriaged,
    )
    from shared.profile import Profile

# ---------------------------------------------------------------- on an order


def sign(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Sign for an order, once."""
    command: SignOrder = message.data
    order = allowed(state, command, "sign")[0]
    signed = OrderSigned(order_id=order.id, handler=order.handler, by=command.by, note=command.note, signed_at=now)
    return [*taken_over(state, order, now, profile), signed]


def send_back(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Return an order: to triage as often as the profile says, then to the duty officer, then no more.

    An assist's goes back to the lead; whoever was asked before the lead makes room for the next.
    """
    command: ReturnOrder = message.data
    order, triaged = allowed(state, command, "return")
    if order.takes_over:  # who has led until now leads on
        _may_return(order, now, profile)
        return [*ending(order, now, profile), _returned(state, order, command, profile)]
    if order.role == "assist" or order.tier != "lead":
        facts = [*ending(order, now, profile), _returned(state, order, command, profile)]
        if order.role == "assist":
            return facts
        return facts + call_next(state, message.ticket, order, triaged, now, profile, "returned", command)
    _may_return(order, now, profile)
    if state.successors:
        raise Refused(
            "being-taken-over",
            "The order is being given to somebody else: you lead until they have signed, then it is withdrawn.",
            "该单正在改派：新承办单位签收前由贵单位负责（首接负责），签收后自动撤回，无需退单。",
        )
    returns = state.returns + 1
    begun = state.course is None or state.course.number == 1  # who has a later stage is nothing for triage
    to_triage = returns <= profile.returns.to_triage and begun
    changes = {"goes_to": "triage" if to_triage else "duty-officer", "returns": returns}
    returned = _returned(state, order, command, profile).model_copy(update=changes)
    facts = [*ending(order, now, profile), returned]
    return facts if to_triage else [*facts, adjudicate(state, returns, profile)]


def _returned(state: DispatchState, order: Order, command: ReturnOrder, profile: Profile) -> OrderReturned:
    return OrderReturned(
        order_id=order.id,
        handler=order.handler,
        reason=command.reason,
        detail=command.detail,
        proposed=_proposed(command, profile),
        by=command.by,
        goes_to="lead" if order.role == "assist" or order.takes_over else "next",
        returns=state.returns,
    )


def _may_return(order: Order, now: datetime, profile: Profile) -> None:
    _in_window(order, now, profile)
    if not order.returnable:
        raise Refused(
            "not-returnable",
            "A duty officer has decided that this order is yours: it may not be returned.",
            "值班长已裁定由贵单位承办，不得再退单。",
        )


def _in_window(order: Order, now: datetime, profile: Profile) -> None:
    """Refuse to return what somebody has begun to handle, or what they have had for too long."""
    if order.claimed and not profile.returns.after_progress:
        raise Refused(
            "progress-claimed",
            "You have reported progress on this order: it is yours. Ask the duty officer to assign it elsewhere.",
            "贵单位已反馈办理进展，不得再退单：如需改派请联系值班长。",
        )
    within = profile.returns.within
    if within is None:
        return
    latest = due_at(order.issued_at, within, profile.calendar(order.run.calendar))
    if now > latest:
        until = profile.local(latest)
        raise Refused(
            "window-passed",
            f"It could be returned until {until}: ask the duty officer to assign it elsewhere.",
            f"退单时限已于{until}截止：如需改派请联系值班长。",
        )


def progress(state: DispatchState, message: Message, now: datetime, _profile: Profile) -> list[Fact]:
    """Record how it stands, or that somebody is on the spot."""
    command: ReportProgress = message.data
    order = allowed(state, command, "progress")[0]
    if command.whistle_score is not None and order.role != "whistle":
        raise Refused("no-whistle", "Only who was whistled for marks a whistle.", "只有被吹哨单位可以评价吹哨。")
    progressed = OrderProgressed(
        order_id=order.id,
        progress=command.progress,
        by=command.by,
        note=command.note,
        attachments=command.attachments,
        at=command.at or now,
        lon=command.lon,
        lat=command.lat,
        whistle_score=command.whistle_score,
    )
    return [progressed, *checked_in(state, order, progressed, now)]


def complete(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Record that the handler says it is done, with all that closing needs; the lead finishes after its assists."""
    command: CompleteOrder = message.data
    order, triaged = allowed(state, command, "done")
    with_it: list[Fact] = []
    stage = state.stage if order.role == order.tier == "lead" else None
    if stage is not None:
        ripe(state, stage, command, now, profile)
        if not is_last(state, triaged):
            enough(state, order, triaged, command, profile)
            return completed(state, message, order, stage, now, profile)
    if order.role == "lead":
        _nobody_left(state, profile)
        all_settled(state)
        enough(state, order, triaged, command, profile)
        for each in (*state.assists, *state.successors):
            with_it += withdraw(each, "lead-done", now, profile)
        with_it += routed_better(state, order, profile)
    shown = {
        "detail": command.detail,
        "evidence": command.evidence,
        "lon": command.lon,
        "lat": command.lat,
        "stage": None if stage is None else ref(state, triaged, stage),
        "amount": command.amount,
        "budget": state.course.budget if state.course is not None else None,
    }
    done = _done(state, order, triaged, command.by, command.result, now)
    return [*ending(order, now, profile), *with_it, done.model_copy(update=shown)]


def finished(
    state: DispatchState, order: Order, triaged: TicketTriaged, by: str, result: str, now: datetime, profile: Profile
) -> list[Fact]:
    """Give that the matter was done on the spot: whoever else has an order of it need do nothing more."""
    if state.whistle is not None:
        raise Refused(
            "whistle-open", "A whistle is not over: end it first (end-whistle).", "吹哨尚未结束：请先结束吹哨。"
        )
    others = [each for each in (*state.assists, *state.successors) if each.id != order.id]
    with_it = [fact for each in others for fact in withdraw(each, "lead-done", now, profile)]
    return [*ending(order, now, profile), *with_it, _done(state, order, triaged, by, result, now)]


def _done(state: DispatchState, order: Order, triaged: TicketTriaged, by: str, result: str, now: datetime) -> OrderDone:
    return OrderDone(
        order_id=order.id,
        role=order.role,
        tier=order.tier,
        handler=order.handler,
        result=result,
        by=by,
        hands=hands(state, order, by),
        done_at=now,
        category=triaged.category,
        severity=triaged.severity,
        place=triaged.place,
        unit=triaged.unit,
        callback=triaged.callback,
        profile_version=triaged.profile_version,
    )


def _nobody_left(state: DispatchState, profile: Profile) -> None:
    """Refuse to finish while an assist has not, or while a whistle is not over."""
    waited = [order for order in state.assists if not order.excused]
    if waited:
        known = [(named_handler(order.handler, profile), order.id) for order in waited]
        en = ", ".join(f"{name} ({order})" for (_, name), order in known)
        zh = "、".join(f"{name}（{order}）" for (name, _), order in known)
        raise Refused(
            "assists-open",
            f"Assists have not finished: {en}. Wait for them, remove them, or have the level above excuse them.",
            f"协办单位尚未办结：{zh}。请等待办结、撤销协办，或由上级确认其超期。",
        )
    if state.whistle is not None:
        raise Refused(
            "whistle-open",
            "A whistle is not over: end it with its joint result first (end-whistle).",
            "吹哨尚未结束：请先填写会商结果并结束吹哨（end-whistle）。",
        )


def routed_better(state: DispatchState, order: Order, profile: Profile) -> list[Fact]:
    """Say, once, that somebody else than the matrix chose has done what was returned: a row that a human may accept."""
    wrong = state.misrouted
    if wrong is None or order.tier != "lead" or order.handler == wrong.chosen:
        return []
    place = profile.unit(wrong.place)
    return [
        RoutingSuggested(
            order_id=order.id,
            category=wrong.category,
            level="" if place is None else place.level,
            place=wrong.place,
            rule=wrong.rule,
            chosen=wrong.chosen,
            handler=order.handler,
        )
    ]


def _proposed(command: ReturnOrder, profile: Profile) -> Handler | None:
    if not (command.proposed_department or "").strip():
        return None
    named = command.proposed_department or ""
    found = profile.department(named) or profile.department_by_alias(named)
    if found is None:
        there_are = ", ".join(department.id for department in profile.departments)
        raise Refused(
            "unknown-department",
            f"There is no department {named!r}: propose one of {there_are}, or none.",
            f"没有部门“{named}”：可建议{there_are}，或不填。",
        )
    return Handler(kind="department", id=found.id)


# ---------------------------------------------------------------- on a ticket


def assign(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the ticket to somebody else; after an adjudication the new order may not be returned."""
    command: AssignTicket = message.data
    named(command)
    triaged = _assignable(state)
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明改派原因（reason）。")
    existing(command.to, profile)
    not_pushed_down(command.to, triaged, profile)
    issued = lead(state, message.ticket, triaged, command.to, now, profile, command.by)
    if command.forced:
        issued = [
            fact.model_copy(update={"returnable": False})
            if isinstance(fact, OrderIssued) and fact.role == "lead"
            else fact
            for fact in issued
        ]
    before = state.open
    theirs = {each.handler for each in (before, *state.successors) if each is not None and each.tier == "lead"}
    if command.to in theirs:
        raise Refused("already-theirs", "They have the order already: nothing to assign.", "该单位正在承办，无需改派。")
    if before is None or not _leads_on(before, profile):
        return [*withdraw_lead(state, now, profile), *issued]
    changes = {"takes_over": before.id, "lead": before.handler}
    return [
        *(fact for each in state.successors for fact in withdraw(each, "reassigned", now, profile)),
        *(
            fact.model_copy(update=changes) if isinstance(fact, OrderIssued) and fact.role == "lead" else fact
            for fact in issued
        ),
    ]


def _leads_on(order: Order, profile: Profile) -> bool:
    """Tell whether who has an order leads on until another has signed (首接负责)."""
    return profile.returns.first_receiver and order.tier == "lead" and order.state != "issued"


def _assignable(state: DispatchState) -> TicketTriaged:
    """Give the triage of a ticket that may be assigned now."""
    if state.triaged is None:
        raise Refused(
            "not-triaged", "The ticket is not triaged yet, or unknown: use triage.", "工单尚未预审或不存在：请先预审。"
        )
    if state.closed:
        raise Refused("closed", "The ticket is closed: reopen it first.", "工单已结案：请先重办。")
    if state.held:
        raise Refused(
            "attached",
            "It is a part of another ticket, which is handled for it: detach it first.",
            "工单已挂接至其他工单一并办理：请先解除挂接。",
        )
    if state.lies_with == "triage":
        raise Refused(
            "in-triage",
            "The order was returned and the ticket is in triage: use triage and name the lead.",
            "工单已退单并在预审中：请使用预审（triage）并指定主办单位。",
        )
    if state.stopped and not state.running:
        raise Refused(
            "stage-failed",
            "A stage has failed for good: the ticket is being closed. Reopen it first.",
            "该步骤未通过，工单正在结案：请先重办。",
        )
    if state.last is not None and state.last.state == "done":
        raise Refused(
            "order-over",
            "The order is done and waits for its verification: verify it, or send it back for rework.",
            "工单已办结，等待核实：请先核实或返工。",
        )
    return state.triaged
