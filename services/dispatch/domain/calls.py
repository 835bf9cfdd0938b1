"""Who is asked when somebody cannot settle a matter (呼叫), and who assists (协办)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from services.dispatch.domain.edges import named
from services.dispatch.domain.handlers import existing, not_pushed_down
from services.dispatch.domain.orders import ask, assist, lead, step_of, withdraw, withdraw_lead
from services.dispatch.domain.revisions import as_of
from shared.errors import Refused
from shared.messages import AssistExcused, Fact, Handler, OrderIssued, TicketCalled

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order
    from shared.decider import Message
    from shared.messages import AddAssist, CallTicket, ExcuseAssist, RemoveAssist, ReturnOrder, TicketTriaged
    from shared.profile import Profile

Why = Literal["called", "returned", "expired"]

# ---------------------------------------------------------------- calling


def call(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Ask whoever comes next; once the lead has it, a unit calls the one above it, or whom it names."""
    command: CallTicket = message.data
    named(command)
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明呼叫原因（reason）。")
    order, triaged = state.open, state.triaged
    if order is None or triaged is None:
        raise Refused("no-order", "Nobody has an order of this ticket now: nothing to call for.", "当前没有在办派单。")
    if order.handler.kind == "department":
        raise Refused(
            "not-a-unit",
            "A department has it: it returns the order, or the duty officer assigns it.",
            "工单由部门承办：请退单或由值班长改派。",
        )
    if order.tier != "lead" and command.to is None:
        return call_next(state, message.ticket, order, triaged, now, profile, "called", command)
    to = command.to or _above(order, profile)
    existing(to, profile)
    not_pushed_down(to, triaged, profile)
    if to == order.handler:
        raise Refused("already-theirs", "They have the order already: call somebody else.", "该单位正在承办。")
    return [
        _called(order, to, "called", command.by, command.reason),
        *withdraw_lead(state, now, profile),
        *lead(state, message.ticket, triaged, to, now, profile, command.by),
    ]


def call_next(
    state: DispatchState,
    ticket: str,
    order: Order,
    triaged: TicketTriaged,
    now: datetime,
    profile: Profile,
    why: Why,
    command: CallTicket | ReturnOrder | None = None,
) -> list[Fact]:
    """Give the order of whoever comes after somebody who was asked before the lead."""
    asked = step_of(triaged, order)
    step = len(triaged.before) if asked is None else triaged.before.index(asked) + 1
    issued = ask(state, ticket, triaged, step, now, profile)
    to = next(fact.handler for fact in issued if isinstance(fact, OrderIssued))
    by = "" if command is None else command.by
    reason = "" if command is None else getattr(command, "reason", "")
    over = [] if why == "returned" else withdraw(order, "expired" if why == "expired" else "reassigned", now, profile)
    return [_called(order, to, why, by, reason), *over, *issued]


def _called(order: Order, to: Handler, why: Why, by: str, reason: str) -> TicketCalled:
    return TicketCalled(order_id=order.id, handler=order.handler, to=to, why=why, by=by, reason=reason)


def _above(order: Order, profile: Profile) -> Handler:
    """Give the next unit above with staff."""
    above = profile.chain(order.handler.id)[1:]
    unit = next((each for each in above if each.staff), None)
    if unit is None:
        raise Refused(
            "nobody-above", "There is nobody above: name whom you call (to).", "上级无人：请指明呼叫对象（to）。"
        )
    return Handler(kind="unit", id=unit.id)


# ---------------------------------------------------------------- assists


def add_assist(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Let one more assist, or another instead of one."""
    command: AddAssist = message.data
    named(command)
    order, triaged = state.open, state.triaged
    if order is None or triaged is None or order.tier == "settlement":
        raise Refused(
            "no-lead", "Nobody leads now: assists are added while the lead's order is open.", "当前没有在办的主办派单。"
        )
    existing(command.to, profile)
    not_pushed_down(command.to, triaged, profile)
    if command.to in {each.handler for each in (order, *state.assists)}:
        raise Refused("already-theirs", "They lead or assist already.", "该单位已是主办或协办单位。")
    over = [] if command.instead_of is None else _ended(state, command.instead_of, now, profile)
    return [*over, assist(state, message.ticket, triaged, command.to, order.handler, now, profile, command.by)]


def remove_assist(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Let one assist no longer."""
    command: RemoveAssist = message.data
    named(command)
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明撤销协办的原因（reason）。")
    return _ended(state, command.order_id, now, profile)


def _ended(state: DispatchState, order_id: str, now: datetime, profile: Profile) -> list[Fact]:
    return withdraw(_assisting(state, order_id), "removed", now, profile)


def excuse_assist(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Confirm that an assist is late, so that the lead may finish."""
    command: ExcuseAssist = message.data
    named(command)
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明原因（reason）。")
    order = _assisting(state, command.order_id)
    if order.excused:
        raise Refused("already-excused", "That was confirmed already.", "已确认，无需重复。")
    if order.state == "suspended" or as_of(state, order, now, profile) <= order.handle_by:
        raise Refused(
            "not-late",
            "The assist is not late yet: wait for it, or remove it (remove-assist).",
            "协办尚未超期：请等待办结，或撤销协办（remove-assist）。",
        )
    return [AssistExcused(order_id=order.id, handler=order.handler, by=command.by, reason=command.reason.strip())]


def _assisting(state: DispatchState, order_id: str) -> Order:
    found = next((order for order in state.assists if order.id == order_id), None)
    if found is None:
        raise Refused(
            "no-such-assist", "There is no open order of an assist with this id.", "没有该编号的在办协办派单。"
        )
    return found
