"""Which clocks does a message start, stop, pause or fire? What was due before it fires first, then it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, get_args

from services.sla.domain import clocks
from services.sla.domain.ladder import add, below, fire, level_clock, standing
from services.sla.domain.state import LADDER, Running, SlaState, folded
from shared.errors import Refused
from shared.messages import (
    AcceptEscalation,
    AdjudicationAsked,
    CallBackAsked,
    CalledBack,
    EscalationAccepted,
    EscalationHandedBack,
    Fact,
    HandBack,
    LadderCause,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    RecountClocks,
    ReworkOrdered,
    TicketClosed,
    TicketDiverted,
    TicketTriaged,
    TicketVerified,
    TriageNeeded,
    VerificationAsked,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.decider import Message
    from shared.messages import Body
    from shared.profile import Profile

    Rule = Callable[[SlaState, Message, datetime, Profile], list[Fact]]

CAUSES: Final[tuple[LadderCause, ...]] = get_args(LadderCause)


def decide(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message; raises Refused for an acceptance of what was not escalated.

    What was due before an answer was given fires first, however late either is read. So an outage changes
    when a breach is noticed and not whether there was one; and an answer in time is in time although it is
    read late. An answer at the very instant of the limit is in time.
    """
    data = message.data
    state, fired = fire(state, _instant(message, now), now, profile)
    rule = RULES.get(type(data))
    return fired if rule is None else fired + rule(state, message, now, profile)


def _instant(message: Message, now: datetime) -> datetime:
    """Give the instant by which everything that was due fires before the message is looked at."""
    if message.data.kind == "command":  # also that of a timer, which is given now
        return min(message.envelope.time, now)
    return _given_at(message) - timedelta.resolution


def _given_at(message: Message) -> datetime:
    """Give when that happened of which a message tells; it may be read much later."""
    data = message.data
    match data:
        case OrderSigned():
            return data.signed_at
        case OrderDone():
            return data.done_at
        case OrderSuspended():
            return data.since
        case OrderResumed():
            return data.resumed_at
        case _:
            return message.envelope.time


# ---------------------------------------------------------------- starting


def issued(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Start the clocks of an order, in one fact; a grave matter is the top's at once."""
    order: OrderIssued = message.data
    calendar = profile.calendar(order.calendar)
    given = {"warn_share": order.warn_share, "order_id": order.order_id}
    begun = [
        clocks.begin(state, 1, "sign", order.sign_limit, order.issued_at, calendar, due=order.sign_by, **given),  # type: ignore[arg-type]
        clocks.begin(state, 2, "handle", order.handle_limit, order.issued_at, calendar, due=order.handle_by, **given),  # type: ignore[arg-type]
    ]
    total = profile.total(order.severity)
    if total is not None and not clocks.of(state, "total"):
        since = order.issued_at if order.reported_at is None or order.attempt > 1 else order.reported_at
        begun.append(clocks.begin(state, 3, "total", total, since, calendar, warn_share=order.warn_share))
    over = clocks.answered(clocks.of(state, "dispatch"), message.envelope.time, profile)
    facts = [*over, *clocks.started(*begun)]
    top = profile.ladder.last("severity")
    if profile.ladder.at_once(order.severity) and top and top not in state.owners.get("severity", ()):
        state = folded(state, message.data, *facts)
        facts += add(state, "severity", top, order.order_id, now, profile)
    return facts


def reworked(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Start a new run of the handle clock; one that still ran is cancelled."""
    order: OrderReworked = message.data
    begun = clocks.begin(
        state, 1, "handle", order.handle_limit, message.envelope.time, profile.calendar(order.calendar),
        warn_share=order.warn_share, order_id=order.order_id, due=order.handle_by,
    )  # fmt: skip
    before = clocks.of(state, "handle", order_id=order.order_id)
    return [*clocks.cancelled(before, message.envelope.time, profile), *clocks.started(begun)]


def _waits(clock: str) -> Rule:
    """Give the rule that starts a clock on which a person is waited for, where the profile has a limit for it."""

    def rule(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
        limit = profile.waiting(clock)
        order_id = getattr(message.data, "order_id", None)
        if limit is None or clocks.of(state, clock, order_id=order_id):
            return []
        calendar = profile.calendar(profile.content.clocks.calendar)
        at = message.envelope.time
        return clocks.started(
            clocks.begin(state, 1, clock, limit, at, calendar, warn_share=profile.warn_share, order_id=order_id)
        )

    return rule


# ---------------------------------------------------------------- stopping


def _answers(*names: str) -> Rule:
    """Give the rule that ends clocks whose duty was done."""

    def rule(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
        return clocks.answered(clocks.of(state, *names), _given_at(message), profile)

    return rule


def signed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop the sign clock, and the clocks of levels that its breach added."""
    return clocks.answered(clocks.of(state, "sign", order_id=message.data.order_id), _given_at(message), profile)


def done(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop all clocks of the order, and the alarm, which may be older than it.

    What was done without a signature needs none any more.
    """
    of_order = clocks.of(state, "sign", "handle", order_id=message.data.order_id)
    return clocks.answered([*of_order, *clocks.of(state, "severity")], _given_at(message), profile)


def ended(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Cancel all clocks of an order that was returned or withdrawn."""
    of_order = clocks.of(state, "sign", "handle", order_id=message.data.order_id)
    return clocks.cancelled(of_order, message.envelope.time, profile)


def closed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """End the clock of the whole, and cancel whatever else still runs."""
    ends = ((each, "met" if each.start.clock == "total" else "cancelled") for each in state.clocks)
    return clocks.stopped(ends, message.envelope.time, profile)  # type: ignore[arg-type]


# ---------------------------------------------------------------- pausing, moving


def suspended(state: SlaState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Let the order's handling rest, and with it the levels that its breach had added."""
    order: OrderSuspended = message.data
    return clocks.rest(clocks.of(state, "handle", order_id=order.order_id), order.since, order.reason)


def resumed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Let it go on with the rest of its time."""
    order: OrderResumed = message.data
    resting = clocks.of(state, "handle", order_id=order.order_id)
    return clocks.go_on(resting, order.resumed_at, profile, {"handle": order.handle_by})


def extended(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Move the handling limit to where it was granted, unless it has passed by now."""
    order: OrderExtended = message.data
    moves = [
        clocks.move(each, profile, order.handle_by)
        for each in clocks.of(state, "handle", order_id=order.order_id)
        if each.start.clock == "handle" and not each.breached
    ]
    return clocks.recalculated(moves, "extended", message.envelope.time)


def recounted(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Count limits again by the calendars of today."""
    return clocks.recount(state.clocks, message.data.why, message.envelope.time, profile)


# ---------------------------------------------------------------- accepting, handing back


def accepted(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Record who has taken it on; at the top this ends the calling, below it the climb goes on.

    A ticket that somebody has accepted and nobody handles is as late as before.
    """
    command: AcceptEscalation = message.data
    level, causes = _reached(state, command, profile)
    called = [
        running
        for running in state.clocks
        if running.start.clock == LADDER
        and running.start.level == level
        and level == profile.ladder.last(running.cause)
    ]
    return [
        *(EscalationAccepted(level=level, cause=cause, by=command.by, note=command.note) for cause in causes),
        *clocks.stopped(((running, "met") for running in called), message.envelope.time, profile),
    ]


def handed_back(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give it back to the level below: that one's clock runs anew, and its breach goes above this level."""
    command: HandBack = message.data
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明退回原因（reason）。")
    level, causes = _reached(state, command, profile)
    held = [cause for cause in causes if standing(state, cause, profile) == level]
    if not held:
        raise Refused(
            "not-highest", "The ticket is with a higher level by now: only that one may hand it back.",
            "该工单已提级到更高层级，只有该层级可以退回。",
        )  # fmt: skip
    facts: list[Fact] = []
    for cause in held:
        to_level, duty = below(state, cause, level, profile), _lies_with(state, cause, level)
        if to_level is not None and duty is not None:
            facts.append(
                EscalationHandedBack(level=level, to_level=to_level, cause=cause, by=command.by, reason=command.reason)
            )
            facts += _called_below(folded(state, *facts), cause, to_level, duty, now, profile)
    if not facts:
        raise Refused(
            "nothing-to-hand-back",
            "Nothing waits for this level that a lower one could do: it was done, handed back, or began here.",
            "没有可退回下级的事项：已完成、已退回，或本级即为首个责任层级。",
        )
    return facts


def _lies_with(state: SlaState, cause: LadderCause, level: str) -> Running | None:
    """Give the clock by which a duty lies with a level; None where it is done, or lies with a lower level.

    That is the level's own clock; once the top has accepted, the one that was breached, or that of the handling of
    a grave matter.
    """
    called = [running for running in clocks.of(state, cause) if running.start.clock == LADDER]
    if called:
        return next((running for running in called if running.start.level == level), None)
    if cause == "severity":
        return next(iter(clocks.of(state, "handle")), None) if state.alarmed else None
    return next((running for running in clocks.of(state, cause) if running.breached), None)


def _called_below(
    state: SlaState, cause: LadderCause, level: str, duty: Running, now: datetime, profile: Profile
) -> list[Fact]:
    """Start the clock of the level to which a duty was handed back; it rests while the order does."""
    order_id = duty.start.order_id
    over = [duty] if duty.start.clock == LADDER else []
    begun = level_clock(state, cause, level, order_id, now, profile)
    why = state.suspended.get(order_id or "") if cause == "handle" else None
    rests = [] if why is None else clocks.rest([Running(start=start) for start in begun.clocks], now, why)
    return [*clocks.cancelled(over, now, profile), begun, *rests]


def _reached(state: SlaState, command: AcceptEscalation | HandBack, profile: Profile) -> tuple[str, list[LadderCause]]:
    """Give the level that is meant and the causes for which it was reached; raises Refused."""
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")
    if state.closed:
        raise Refused("closed", "The ticket is closed: there is nothing to take on.", "工单已结案，无需接手。")
    owners = {cause: _owners(state, cause, profile) for cause in CAUSES}
    reached = [level.id for level in profile.levels if any(level.id in owners[cause] for cause in CAUSES)]
    if not reached:
        raise Refused("not-escalated", "The ticket has not been escalated.", "该工单尚未提级。")
    level = command.level or reached[-1]
    if level not in reached:
        known = ", ".join(reached)
        raise Refused(
            "not-an-owner",
            f"The ticket was not escalated to {level!r}; it was to: {known}.",
            f"该工单未提级到 {level!r}；已提级到：{known}。",
        )
    return level, [cause for cause in CAUSES if level in owners[cause]]


def _owners(state: SlaState, cause: LadderCause, profile: Profile) -> set[str]:
    """Give the levels that may accept: those that were added, and a last one that was called as the first owner."""
    last = profile.ladder.last(cause)
    called = {last} if last is not None and state.repeated.get(cause) else set()
    return called.union(state.owners.get(cause, ()))


RULES: Final[dict[type[Body], Rule]] = {
    TriageNeeded: _waits("accept"),
    TicketTriaged: _answers("accept"),
    TicketDiverted: _answers("accept"),
    AdjudicationAsked: _waits("dispatch"),
    OrderIssued: issued,
    OrderReworked: reworked,
    OrderSigned: signed,
    OrderDone: done,
    OrderReturned: ended,
    OrderWithdrawn: ended,
    OrderSuspended: suspended,
    OrderResumed: resumed,
    OrderExtended: extended,
    VerificationAsked: _waits("verify"),
    TicketVerified: _answers("verify"),
    ReworkOrdered: _answers("verify"),
    CallBackAsked: _waits("call-back"),
    CalledBack: _answers("call-back"),
    TicketClosed: closed,
    AcceptEscalation: accepted,
    HandBack: handed_back,
    RecountClocks: recounted,
}
"""What follows from each message, once everything that was due has fired; nothing more from a timer."""
