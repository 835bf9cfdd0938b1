"""When does an order begin, begin again, and end by what others decide?"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from services.dispatch.domain.edges import named
from services.dispatch.domain.revisions import ending
from services.dispatch.domain.state import OPEN, Course, after
from shared.deadline import due_at
from shared.errors import Refused
from shared.ids import order_id
from shared.messages import (
    AdjudicationAsked,
    Fact,
    Mark,
    OrderIssued,
    OrderReworked,
    OrderWithdrawn,
    RoundJoined,
    Span,
    Stage,
    StageRef,
    Step,
    WhistleEnded,
)
from shared.profile import Matter

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order
    from shared.calendar import Calendar
    from shared.decider import Message
    from shared.messages import Handler, TicketTriaged
    from shared.profile import Profile, Unit

Withdrawal = Literal[
    "reassigned", "withdrawn-by-caller", "diverted", "expired", "lead-done", "removed", "whistle-over", "rejected",
    "merged", "attached",
]  # fmt: skip
GIVEN_UP: Final[dict[str, Withdrawal]] = {
    "withdrawn": "withdrawn-by-caller",
    "diverted": "diverted",
    "rejected": "rejected",
    "merged": "merged",
}
"""Outcomes with which a ticket is closed and its open order withdrawn -> why."""


def issue_to_lead(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give a triaged ticket to who is asked first; a lead's order that is still open is withdrawn before."""
    triaged: TicketTriaged = message.data
    if state.closed or state.held:
        return []
    if triaged.stages or state.stage is not None:
        state = after(state, triaged, now)
    withdrawn = withdraw_lead(state, now, profile)
    for order in state.assists:  # who assists is decided anew when the lead gets it
        if triaged.before or order.handler not in triaged.assists:
            withdrawn += withdraw(order, "removed", now, profile)
    found = profile.round_of(triaged.place.unit, triaged.severity, now) if triaged.by == "gridcall" else None
    if found is None:
        for fact in withdrawn:
            state = after(state, fact, now)
        return [*withdrawn, *ask(state, message.ticket, triaged, 0, now, profile)]
    desk, closes = found
    proposed = triaged.before[0].handler if triaged.before else leading(state, triaged)
    batch = f"{desk.id}/{closes:%Y-%m-%dT%H:%MZ}"
    return [*withdrawn, RoundJoined(round=batch, unit=desk.id, proposed=proposed, closes_at=closes)]


def release(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Dispatch a ticket that waits for a round, as the matrix proposes."""
    named(message.data)
    if state.round_closes is None or state.triaged is None:
        raise Refused("not-in-a-round", "The ticket does not wait for a round.", "工单不在集中派单批次中。")
    return ask(state, message.ticket, state.triaged, 0, now, profile)


def ask(
    state: DispatchState, ticket: str, triaged: TicketTriaged, step: int, now: datetime, profile: Profile
) -> list[Fact]:
    """Give the order of whoever is asked next: one of those before the lead, or the lead with its assists."""
    if step < len(triaged.before):
        asked = triaged.before[step]
        return [
            *freed(state, asked.handler, now, profile),
            issue(state, ticket, triaged, asked.handler, now, profile, step=asked),
        ]
    return lead(state, ticket, triaged, leading(state, triaged), now, profile)


def leading(state: DispatchState, triaged: TicketTriaged) -> Handler:
    """Give who leads: whoever has the stage at hand, where there are any."""
    stage = state.stage if triaged.stages else None
    return triaged.lead if stage is None or stage.handler is None else stage.handler


def lead(
    state: DispatchState,
    ticket: str,
    triaged: TicketTriaged,
    handler: Handler,
    now: datetime,
    profile: Profile,
    by: str = "gridcall",
) -> list[Fact]:
    """Give the lead's order, and one each to those assists of the matrix that have none yet."""
    facts: list[Fact] = [issue(state, ticket, triaged, handler, now, profile, by, step=state.stage)]
    if not triaged.assists and len(state.orders) <= 1:
        return facts
    before = freed(state, handler, now, profile)
    course = state.course
    later = course is not None and (course.number > 1 or bool(course.failed))
    if (by != "gridcall" or later) and any(order.role == "lead" and order.tier == "lead" for order in state.orders):
        return [*before, *facts]  # who assists was decided when the first lead got it
    have = {order.handler for order in state.orders if order.role == "assist" and order.state in OPEN | {"done"}}
    for each in triaged.assists:
        if each not in have | {handler}:
            nth = len(facts) + 1
            facts.append(assist(state, ticket, triaged, each, handler, now, profile, nth=nth))
    return [*before, *facts]


def freed(state: DispatchState, handler: Handler, now: datetime, profile: Profile) -> list[Fact]:
    """End the order of an assist that leads from now on."""
    over = (order for order in state.assists if order.handler == handler)
    return [fact for order in over for fact in withdraw(order, "reassigned", now, profile)]


def assist(
    state: DispatchState,
    ticket: str,
    triaged: TicketTriaged,
    handler: Handler,
    leading: Handler,
    now: datetime,
    profile: Profile,
    by: str = "gridcall",
    nth: int = 1,
) -> OrderIssued:
    """Give the order of an assist (协办), with a sign and a handle clock of its own."""
    limits = assist_limits(triaged, profile)
    issued = issue(state, ticket, triaged, handler, now, profile, by, nth=nth, limits=limits)
    changes = {"role": "assist", "lead": leading, "attempt": max(1, state.attempt), "callback": False}
    return issued.model_copy(update={**changes, "reachable": False, "returnable": True})


def assist_limits(triaged: TicketTriaged, profile: Profile) -> tuple[Span, Span]:
    """Give how long an assist has to sign and to handle: what the profile says of assists, else what the lead has."""
    of = triaged.category
    matter = Matter(triaged.severity, of.code, of.condition, triaged.channel, triaged.request)
    try:
        sign, handle = profile.policy.limit("assist-sign", matter), profile.policy.limit("assist-handle", matter)
    except LookupError:  # the catalogue has lost the category since
        sign = handle = None
    return (
        triaged.sign_limit if sign is None else Span.of(sign),
        triaged.handle_limit if handle is None else Span.of(handle),
    )


def issue_again(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give a reopened ticket to its last handler, unless triage or a duty officer has to say who handles it.

    What the residents have settled and is not settled goes to the lead; what nobody had yet to who is asked first.
    """
    triaged, last = state.triaged, state.last
    if triaged is None or state.open is not None or state.lies_with == "triage" or state.held:
        return []
    if state.lies_with == "duty-officer":
        return [adjudicate(state, state.returns, profile)]
    if last is None:
        return ask(state, message.ticket, triaged, 0, now, profile)
    if last.tier == "settlement":
        return lead(state, message.ticket, triaged, leading(state, triaged), now, profile)
    step = step_of(triaged, last) or state.stage
    return [issue(state, message.ticket, triaged, last.handler, now, profile, step=step)]


def step_of(triaged: TicketTriaged, order: Order) -> Step | None:
    """Give what triage says of an order of somebody who was asked before the lead; None for the lead's."""
    if order.tier == "lead":
        return None
    return next((step for step in triaged.before if (step.tier, step.handler) == (order.tier, order.handler)), None)


def hold(state: DispatchState, _message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Withdraw all orders of a ticket that has become a part of another one, which is handled for it."""
    return [
        *whistle_over(state, now),
        *(fact for order in state.running for fact in withdraw(order, "attached", now, profile)),
    ]


def let_go(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Dispatch a ticket that is no part of another one any more, unless it is closed."""
    free = state.model_copy(update={"held": False})
    return [] if state.closed else issue_again(free, message, now, profile)


def rework(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Open an order again that was done and not good enough, with the whole limit that it had at first."""
    last = state.last
    if state.triaged is None or last is None or last.state != "done" or last.id != message.data.order_id:
        return []
    calendar = working_time(profile, state.triaged, last.handler)
    asked = step_of(state.triaged, last) or state.stage
    limit = state.triaged.handle_limit if asked is None or asked.limit is None else asked.limit
    return [
        OrderReworked(
            order_id=last.id,
            tier=last.tier,
            handler=last.handler,
            reason=message.data.reason,
            handle_by=due_at(now, limit, calendar),
            handle_limit=limit,
            own_limit=asked is not None and asked.limit is not None,
            calendar=calendar.name,
            warn_share=state.triaged.warn_share,
            attempt=state.attempt + 1,
        )
    ]


def end_with_ticket(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """End open orders with their ticket; withdrawn when the caller took the report back or it went elsewhere."""
    reason = GIVEN_UP.get(message.data.outcome)
    facts: list[Fact] = whistle_over(state, now)
    for order in state.running:
        facts += ending(order, now, profile) if reason is None else withdraw(order, reason, now, profile)
    return facts


def whistle_over(
    state: DispatchState, now: datetime, result: str = "", marks: tuple[Mark, ...] = (), by: str = "gridcall"
) -> list[Fact]:
    """Say who came to the whistle that is on, if one is; whoever still had time to come has missed nothing."""
    whistle = state.whistle
    if whistle is None:
        return []
    called = [order for order in state.orders if order.whistle == whistle.number]
    came = [order for order in called if order.came_at is not None]
    ended = WhistleEnded(
        whistle=whistle.number,
        situation=whistle.situation,
        unit=whistle.unit,
        result=result,
        came=tuple(order.handler for order in came),
        late=tuple(order.handler for order in came if order.came_at is not None and order.came_at > order.sign_by),
        missing=tuple(order.handler for order in called if order.came_at is None and order.sign_by <= now),
        marks=marks,
        quality=tuple(
            Mark(handler=order.handler, score=order.whistle_score)
            for order in called
            if order.whistle_score is not None
        ),
        by=by,
    )
    return [ended]


def issue(
    state: DispatchState,
    ticket: str,
    triaged: TicketTriaged,
    handler: Handler,
    now: datetime,
    profile: Profile,
    by: str = "gridcall",
    nth: int = 1,
    step: Step | Stage | None = None,
    limits: tuple[Span, Span] | None = None,
) -> OrderIssued:
    """Give the nth next order of a ticket; one that a duty officer decided on may not be returned again.

    Nobody may sign later than the matter must be handled. `step`: somebody who is asked before the lead, or
    one stage of several.
    """
    calendar = working_time(profile, triaged, handler)
    sign_limit, limit = limits or (triaged.sign_limit, triaged.handle_limit)
    own_limit = step is not None and step.limit is not None
    if step is not None and step.limit is not None:
        limit = step.limit
    if triaged.promised_by is not None and triaged.promised_by > now and step is None:
        limit, own_limit = Span(amount=(triaged.promised_by - now).total_seconds() / 60, unit="minutes"), True
    handle_by = due_at(now, limit, calendar)
    stage = begun(state, triaged, step, now, calendar) if isinstance(step, Stage) else None
    return OrderIssued(
        order_id=order_id(ticket, len(state.orders) + nth),
        tier=step.tier if isinstance(step, Step) else "lead",
        stage=stage,
        handler=handler,
        level=triaged.level,
        unit=triaged.unit,
        issued_at=now,
        sign_by=min(due_at(now, sign_limit, calendar), handle_by),
        handle_by=handle_by,
        sign_limit=sign_limit,
        handle_limit=limit,
        own_limit=own_limit,
        calendar=calendar.name,
        warn_share=triaged.warn_share,
        category=triaged.category,
        severity=triaged.severity,
        place=triaged.place,
        description=triaged.description,
        attachments=triaged.attachments,
        assists=tuple(each for each in triaged.assists if each != handler),
        callback=triaged.callback,
        reachable=triaged.reachable and (stage is None or stage.number == 1),
        channel=triaged.channel,
        request=triaged.request,
        returnable=isinstance(step, Step) or (triaged.returnable and not state.adjudicated),
        attempt=state.attempt + 1,
        by=by,
        profile_version=triaged.profile_version,
        mode=triaged.mode,
        reported_at=triaged.reported_at,
    )


def ref(state: DispatchState, triaged: TicketTriaged, stage: Stage) -> StageRef:
    """Give the stage at hand as facts say it."""
    course = state.course or Course()
    vote: Literal["", "needed", "passed"] = "" if stage.vote is None else "passed" if course.passed else "needed"
    return StageRef(
        number=course.number,
        of=len(triaged.stages),
        id=stage.id,
        name=stage.name,
        not_before=course.not_before,
        vote=vote,
        may_fail=stage.fails is not None,
    )


def begun(state: DispatchState, triaged: TicketTriaged, stage: Stage, now: datetime, calendar: Calendar) -> StageRef:
    """Give a stage as its order says it; one that goes on with another handler is public since it has begun."""
    known = ref(state, triaged, stage)
    if stage.publicity is None or (state.course is not None and state.course.begun):
        return known
    return known.model_copy(update={"not_before": due_at(now, stage.publicity, calendar)})


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


def withdraw_lead(state: DispatchState, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that nobody has the lead's order any more, nor is to take it over."""
    open_ = () if state.open is None else (state.open,)
    return [fact for order in (*open_, *state.successors) for fact in withdraw(order, "reassigned", now, profile)]


def taken_over(state: DispatchState, order: Order, now: datetime, profile: Profile) -> list[Fact]:
    """End the order that is taken over with the signature of another (首接负责)."""
    before = state.order(order.takes_over) if order.takes_over else None
    return [] if before is None or before.state not in OPEN else withdraw(before, "reassigned", now, profile)


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
