"""When does an order begin, begin again, and end by what others decide?"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from services.dispatch.domain.revisions import ending
from shared.deadline import due_at
from shared.ids import order_id
from shared.messages import AdjudicationAsked, Fact, OrderIssued, OrderReworked, OrderWithdrawn

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order
    from shared.calendar import Calendar
    from shared.decider import Message
    from shared.messages import Handler, TicketTriaged
    from shared.profile import Profile, Unit

Withdrawal = Literal["reassigned", "withdrawn-by-caller", "diverted"]
GIVEN_UP: Final[dict[str, Withdrawal]] = {"withdrawn": "withdrawn-by-caller", "diverted": "diverted"}
"""Outcomes with which a ticket is closed and its open order withdrawn -> why."""


def issue_to_lead(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give a triaged ticket to its lead; an order that is still open is withdrawn first."""
    triaged: TicketTriaged = message.data
    if state.closed:
        return []
    issued = issue(state, message.ticket, triaged, triaged.lead, now, profile)
    return [issued] if state.open is None else [*withdraw(state.open, "reassigned", now, profile), issued]


def issue_again(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give a reopened ticket to its last handler, unless triage or a duty officer has to say who handles it."""
    if state.triaged is None or state.open is not None or state.lies_with == "triage":
        return []
    if state.lies_with == "duty-officer":
        return [adjudicate(state, state.returns, profile)]
    last = state.last
    handler = state.triaged.lead if last is None else last.handler
    return [issue(state, message.ticket, state.triaged, handler, now, profile)]


def rework(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Open an order again that was done and not good enough, with the whole handling limit."""
    last = state.last
    if state.triaged is None or last is None or last.state != "done" or last.id != message.data.order_id:
        return []
    calendar = working_time(profile, state.triaged, last.handler)
    return [
        OrderReworked(
            order_id=last.id,
            handler=last.handler,
            reason=message.data.reason,
            handle_by=due_at(now, state.triaged.handle_limit, calendar),
            handle_limit=state.triaged.handle_limit,
            calendar=calendar.name,
            warn_share=state.triaged.warn_share,
            attempt=state.attempt + 1,
        )
    ]


def end_with_ticket(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """End an open order with its ticket; it is withdrawn when the caller took the report back or it went elsewhere."""
    if state.open is None:
        return []
    reason = GIVEN_UP.get(message.data.outcome)
    return ending(state.open, now, profile) if reason is None else withdraw(state.open, reason, now, profile)


def issue(
    state: DispatchState,
    ticket: str,
    triaged: TicketTriaged,
    handler: Handler,
    now: datetime,
    profile: Profile,
    by: str = "gridcall",
) -> OrderIssued:
    """Give the next order of a ticket; a ticket that a duty officer decided on may not be returned again.

    Nobody may sign later than the matter must be handled.
    """
    calendar = working_time(profile, triaged, handler)
    handle_by = due_at(now, triaged.handle_limit, calendar)
    return OrderIssued(
        order_id=order_id(ticket, len(state.orders) + 1),
        handler=handler,
        level=triaged.level,
        unit=triaged.unit,
        issued_at=now,
        sign_by=min(due_at(now, triaged.sign_limit, calendar), handle_by),
        handle_by=handle_by,
        sign_limit=triaged.sign_limit,
        handle_limit=triaged.handle_limit,
        calendar=calendar.name,
        warn_share=triaged.warn_share,
        category=triaged.category,
        severity=triaged.severity,
        place=triaged.place,
        description=triaged.description,
        attachments=triaged.attachments,
        assists=tuple(assist for assist in triaged.assists if assist != handler),
        callback=triaged.callback,
        reachable=triaged.reachable,
        channel=triaged.channel,
        request=triaged.request,
        returnable=triaged.returnable and not state.adjudicated,
        attempt=state.attempt + 1,
        by=by,
        profile_version=triaged.profile_version,
        reported_at=triaged.reported_at,
    )


def working_time(profile: Profile, triaged: TicketTriaged, handler: Handler) -> Calendar:
    """Give the calendar in which an order's limits are counted: the category's, or the handler's own."""
    department = handler.id if handler.kind == "department" else None
    return profile.working_time(triaged.category.code, department)


def withdraw(order: Order, reason: Withdrawal, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that an order no longer stands."""
    return [
        *ending(order, now, profile),
        OrderWithdrawn(order_id=order.id, handler=order.handler, reason=reason),
    ]


def adjudicate(state: DispatchState, returns: int, profile: Profile) -> AdjudicationAsked:
    """Ask the duty officer at the place who handles it."""
    unit = _duty_unit(profile, "" if state.triaged is None else state.triaged.place.unit)
    return AdjudicationAsked(unit=unit.id, level=unit.level, returns=returns)


@lru_cache(maxsize=4096)
def _duty_unit(profile: Profile, place: str) -> Unit:
    """Give the unit of the duty level at the place, or the next above that has staff."""
    ranks = [level.id for level in profile.levels]
    duty = ranks.index(profile.returns.duty_level)
    above = (unit for unit in profile.chain(place) if ranks.index(unit.level) >= duty and unit.staff)
    return next(above, profile.top)
