"""What may a department or a person at the desk do with an order, and what is it told when it may not?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.domain.edges import allowed, named
from services.dispatch.domain.orders import adjudicate, issue, withdraw
from services.dispatch.domain.revisions import ending
from shared.errors import Refused
from shared.messages import Fact, Handler, OrderDone, OrderProgressed, OrderReturned, OrderSigned

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState
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


def sign(state: DispatchState, message: Message, now: datetime, _profile: Profile) -> list[Fact]:
    """Sign for an order, once."""
    command: SignOrder = message.data
    order = allowed(state, command, "sign")[0]
    return [OrderSigned(order_id=order.id, handler=order.handler, by=command.by, note=command.note, signed_at=now)]


def send_back(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Return an order: to triage as often as the profile says, then to the duty officer, then no more."""
    command: ReturnOrder = message.data
    order = allowed(state, command, "return")[0]
    if not order.returnable:
        raise Refused(
            "not-returnable",
            "A duty officer has decided that this order is yours: it may not be returned.",
            "值班长已裁定由贵单位承办，不得再退单。",
        )
    returns = state.returns + 1
    to_triage = returns <= profile.returns.to_triage
    returned = OrderReturned(
        order_id=order.id,
        handler=order.handler,
        reason=command.reason,
        detail=command.detail,
        proposed=_proposed(command, profile),
        by=command.by,
        goes_to="triage" if to_triage else "duty-officer",
        returns=returns,
    )
    facts = [*ending(order, now, profile), returned]
    return facts if to_triage else [*facts, adjudicate(state, returns, profile)]


def progress(state: DispatchState, message: Message, now: datetime, _profile: Profile) -> list[Fact]:
    """Record how it stands, or that somebody is on the spot."""
    command: ReportProgress = message.data
    order = allowed(state, command, "progress")[0]
    return [
        OrderProgressed(
            order_id=order.id,
            progress=command.progress,
            by=command.by,
            note=command.note,
            attachments=command.attachments,
            at=command.at or now,
            lon=command.lon,
            lat=command.lat,
        )
    ]


def complete(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Record that the handler says it is done, with all that closing needs."""
    command: CompleteOrder = message.data
    order, triaged = allowed(state, command, "done")
    return [
        *ending(order, now, profile),
        OrderDone(
            order_id=order.id,
            handler=order.handler,
            result=command.result,
            detail=command.detail,
            evidence=command.evidence,
            by=command.by,
            done_at=now,
            category=triaged.category,
            severity=triaged.severity,
            place=triaged.place,
            unit=triaged.unit,
            callback=triaged.callback,
            profile_version=triaged.profile_version,
        ),
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
    _existing(command.to, profile)
    issued = issue(state, message.ticket, triaged, command.to, now, profile, command.by)
    if state.open is None:
        return [issued]
    if state.open.handler == command.to:
        raise Refused("already-theirs", "They have the order already: nothing to assign.", "该单位正在承办，无需改派。")
    return [*withdraw(state.open, "reassigned", now, profile), issued]


def _assignable(state: DispatchState) -> TicketTriaged:
    """Give the triage of a ticket that may be assigned now."""
    if state.triaged is None:
        raise Refused(
            "not-triaged", "The ticket is not triaged yet, or unknown: use triage.", "工单尚未预审或不存在：请先预审。"
        )
    if state.closed:
        raise Refused("closed", "The ticket is closed: reopen it first.", "工单已结案：请先重办。")
    if state.lies_with == "triage":
        raise Refused(
            "in-triage",
            "The order was returned and the ticket is in triage: use triage and name the lead.",
            "工单已退单并在预审中：请使用预审（triage）并指定主办单位。",
        )
    if state.last is not None and state.last.state == "done":
        raise Refused(
            "order-over",
            "The order is done and waits for its verification: verify it, or send it back for rework.",
            "工单已办结，等待核实：请先核实或返工。",
        )
    return state.triaged


def _existing(to: Handler, profile: Profile) -> None:
    if to.kind == "department":
        if profile.department(to.id) is None:
            raise Refused("unknown-handler", f"The profile has no department {to.id!r}.", f"没有部门“{to.id}”。")
        return
    unit = profile.unit(to.id)
    if unit is None:
        raise Refused("unknown-handler", f"The profile has no unit {to.id!r}.", f"没有区域单元“{to.id}”。")
    if not unit.staff:
        raise Refused(
            "no-staff",
            f"{unit.en} has no staff: choose a unit above it, or a department.",
            f"{unit.zh}没有人员：请选择上级单元或部门。",
        )
