"""Which clocks does a message start, stop, pause or fire? What was due before it fires first, then it is answered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, get_args

from services.sla.domain import clocks
from services.sla.domain.ladder import add, below, climb, fire, level_clock, standing, wait_over
from services.sla.domain.state import LADDER, Running, SlaState, folded, found_as
from shared.deadline import due_at
from shared.errors import Refused
from shared.messages import (
    AcceptEscalation,
    AdjudicationAsked,
    AskCaller,
    AuditFound,
    CallBackAsked,
    CalledBack,
    ClocksStarted,
    EscalationAccepted,
    EscalationHandedBack,
    Fact,
    HandBack,
    InformationRequested,
    LadderCause,
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
    PolicyApplied,
    RecordFinding,
    RecountClocks,
    ReworkOrdered,
    Span,
    StageCompleted,
    StageFailed,
    TicketAmended,
    TicketAttached,
    TicketClosed,
    TicketDiverted,
    TicketTriaged,
    TicketVerified,
    TriageNeeded,
    VerificationAsked,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
    WhistleWidened,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.deadline import Limited
    from shared.decider import Message
    from shared.messages import Body, ClockStart
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
    leads = isinstance(data, OrderIssued) and data.role == "lead"
    policy, mode = (data.profile_version, data.mode) if leads else (state.policy, state.mode)
    state, fired = fire(state, _instant(message, now), now, profile.under(state.policy, state.mode))
    rule = RULES.get(type(data))
    profile = profile.under(policy, mode)
    facts = fired if rule is None else fired + rule(state, message, now, profile)
    if state.asked is None and not state.suspended:
        return facts
    return facts + _held_back(folded(state, data, *facts[len(fired) :]), facts, profile)


def _held_back(state: SlaState, facts: list[Fact], profile: Profile) -> list[Fact]:
    """Let what has just begun rest from its beginning, where something lets its kind rest now."""
    begun = [start for fact in facts if isinstance(fact, ClocksStarted) for start in fact.clocks]
    out: list[Fact] = []
    for running in state.clocks:
        why = clocks.held(state, running, profile)
        if running.start in begun and why:
            out += clocks.rest([running], running.start.started_at, why)
    return out


def _instant(message: Message, now: datetime) -> datetime:
    """Give the instant by which everything that was due fires before the message is looked at."""
    data = message.data
    if data.kind == "command":  # also that of a timer, which is given now
        return min(message.envelope.time, now)
    at = _given_at(message)
    if isinstance(data, WhistleWidened) or (isinstance(data, OrderWithdrawn) and data.reason == "expired"):
        return at  # no answer, but the word that there was none by the limit
    return at - timedelta.resolution


def _given_at(message: Message) -> datetime:
    """Give when that happened of which a message tells; it may be read much later."""
    data = message.data
    match data:
        case OrderSigned():
            return data.signed_at
        case OrderDone() | StageCompleted():
            return data.done_at
        case OrderSuspended():
            return data.since
        case WhistleRaised() | WhistleWidened() | WhistleAnswered() | StageFailed():
            return data.at
        case OrderResumed():
            return data.resumed_at
        case MessageReceived():
            return data.received_at
        case _:
            return message.envelope.time


# ---------------------------------------------------------------- starting


def issued(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Start the clocks of an order, in one fact; a grave matter is the top's at once."""
    order: OrderIssued = message.data
    calendar = profile.calendar(order.calendar)
    begun: list[ClockStart] = []

    def begin(clock: str, limit: Limited | None, since: datetime, order_id: str | None, due: datetime | None) -> None:
        if limit is not None:
            begun.append(
                clocks.begin(
                    state, len(begun) + 1, clock, limit, since, calendar, profile,
                    order_id=order_id, due=due, warn_share=order.warn_share,
                )
            )  # fmt: skip

    matter = clocks.matter(folded(state, order))
    for name, span, due in order.duties:
        begin(name, span, order.issued_at, order.order_id, due)
    if order.role != "lead":
        return clocks.started(*begun)
    if order.reachable and order.tier != "settlement":
        begin("contact", profile.policy.limit("contact", matter), order.issued_at, order.order_id, None)
    if not clocks.of(state, "total"):
        since = order.issued_at if order.reported_at is None or order.attempt > 1 else order.reported_at
        begin("total", profile.policy.limit("total", matter), since, None, None)
    over = clocks.answered(clocks.of(state, "dispatch"), message.envelope.time, profile)
    facts = [*over, *clocks.started(*begun)]
    return facts + _alarm(folded(state, order, *facts), order.order_id, now, profile)


def _alarm(state: SlaState, order_id: str | None, now: datetime, profile: Profile) -> list[Fact]:
    """Make a grave matter the top's at once, a single time."""
    top = profile.ladder.last("severity", state.severity)
    if not profile.ladder.at_once(state.severity) or not top or top in state.owners.get("severity", ()):
        return []
    return add(state, "severity", top, order_id, now, profile)


def reworked(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Start a new run of the handling clock; one that still ran is cancelled."""
    order: OrderReworked = message.data
    begun = clocks.begin(
        state, 1, order.clock, order.handle_limit, message.envelope.time, profile.calendar(order.calendar), profile,
        warn_share=order.warn_share, order_id=order.order_id, due=order.handle_by,
    )  # fmt: skip
    before = clocks.of(state, *clocks.HANDLE, order_id=order.order_id)
    return [*clocks.cancelled(before, message.envelope.time, profile), *clocks.started(begun)]


def whistled(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Start the clock by which whoever was called must have come; one of an earlier wave is over."""
    called: WhistleRaised | WhistleWidened = message.data
    if not called.called:
        return []  # there is nobody left to call: that they did not come stands
    before = clocks.cancelled(clocks.of(state, "arrive"), called.at, profile)
    calendar = profile.calendar(called.calendar)
    begun = clocks.begin(state, 1, "arrive", called.arrive_limit, called.at, calendar, profile, due=called.arrive_by)
    return [*before, *clocks.started(begun)]


def _waits(clock: str) -> Rule:
    """Give the rule that starts a clock on which a person is waited for, where the profile has a limit for it."""

    def rule(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
        limit = profile.policy.limit(clock, clocks.matter(folded(state, message.data)))
        order_id = getattr(message.data, "order_id", None)
        if limit is None or clocks.of(state, clock, order_id=order_id):
            return []
        calendar = profile.calendar(profile.content.clocks.calendar)
        at = message.envelope.time
        return clocks.started(clocks.begin(state, 1, clock, limit, at, calendar, profile, order_id=order_id))

    return rule


# ---------------------------------------------------------------- stopping


def _answers(*names: str) -> Rule:
    """Give the rule that ends clocks whose duty was done."""

    def rule(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
        return clocks.answered(clocks.of(state, *names), _given_at(message), profile)

    return rule


def sent_back(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """End the waiting for a verification; after one rework too many the next level up answers for it too."""
    order: ReworkOrdered = message.data
    over = _answers("verify")(state, message, now, profile)
    if not order.level_up:
        return over
    return over + climb(folded(state, *over), "rework", order.order_id, now, profile)


def signed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop the sign clock, and the clocks of levels that its breach added."""
    return clocks.answered(clocks.of(state, *clocks.SIGN, order_id=message.data.order_id), _given_at(message), profile)


def done(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop all clocks of the order, with what was called for its rework, and the alarm, which may be older than it.

    What was done without a signature needs none any more; whoever was not spoken with until then is called back.
    """
    order_id, at = message.data.order_id, _given_at(message)
    over = clocks.of(state, *clocks.SIGN, *clocks.HANDLE, order_id=order_id)
    over += clocks.of(state, "severity", "rework") if message.data.role == "lead" else []
    ends = [(each, "cancelled" if each.start.clock == LADDER else "met") for each in over]
    ends += [(each, "cancelled") for each in clocks.of(state, "contact", order_id=order_id)]
    return clocks.stopped(ends, at, profile)  # type: ignore[arg-type]


def stage_over(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop the clocks of the order that was for the stage; the ticket goes on."""
    order_id, at = message.data.order_id, _given_at(message)
    ends = [
        (each, "cancelled" if each.start.clock == LADDER else "met")
        for each in clocks.of(state, *clocks.SIGN, *clocks.HANDLE, order_id=order_id)
    ]
    ends += [(each, "cancelled") for each in clocks.of(state, "contact", order_id=order_id)]
    return clocks.stopped(ends, at, profile)  # type: ignore[arg-type]


def progressed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Stop the contact clock when the caller was spoken with."""
    progress: OrderProgressed = message.data
    if progress.progress != "contact":
        return []
    return clocks.answered(clocks.of(state, "contact", order_id=progress.order_id), message.envelope.time, profile)


def ended(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Cancel all clocks of an order that was returned or withdrawn."""
    of_order = clocks.of(state, *clocks.SIGN, "contact", *clocks.HANDLE, order_id=message.data.order_id)
    return clocks.cancelled(of_order, message.envelope.time, profile)


def held(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Cancel the wait for a decision who handles a ticket that another one is handled for."""
    return clocks.cancelled(clocks.of(state, "dispatch"), message.envelope.time, profile)


def closed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """End the clock of the whole, and cancel whatever else still runs."""
    ends = ((each, "met" if each.start.clock == "total" else "cancelled") for each in state.clocks)
    return clocks.stopped(ends, message.envelope.time, profile)  # type: ignore[arg-type]


# ---------------------------------------------------------------- pausing, moving


def suspended(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Let the order's handling rest, and with it the levels that its breach had added."""
    order: OrderSuspended = message.data
    resting = [
        running
        for running in clocks.of(state, order_id=order.order_id)
        if profile.policy.rests(running.cause, "suspended")
    ]
    return clocks.rest(resting, order.since, order.reason)


def resumed(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Let it go on with the rest of its time, unless the caller is being waited for."""
    order: OrderResumed = message.data
    state = folded(state, order)
    resting = [
        running for running in clocks.of(state, order_id=order.order_id) if not clocks.held(state, running, profile)
    ]
    return clocks.go_on(resting, order.resumed_at, "resumed", profile)


def asked(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Let what may not run meanwhile rest until the caller answers, for a bounded time."""
    command: AskCaller = message.data
    at, rules = min(message.envelope.time, now), profile.revisions.question
    _who_and_open(state, command.by)
    if not command.question.strip():
        raise Refused("no-question", "Say what is asked: `question` is empty.", "请写明需补充的内容（question）。")
    if state.asked is not None:
        raise Refused(
            "already-asked",
            "The caller was asked already, and has not answered yet.",
            "已请诉求人补充，尚未答复。",
        )
    if state.questions >= rules.most:
        raise Refused(
            "too-many",
            f"The caller was asked {state.questions} times, and {rules.most} is the most.",
            f"已请诉求人补充{state.questions}次，最多{rules.most}次。",
        )
    latest = due_at(at, rules.longest, profile.calendar(profile.content.clocks.calendar))
    until = latest if command.until is None else command.until
    if not at < until <= latest:
        raise Refused(
            "bad-until",
            f"Clocks rest for an answer for at most {rules.longest}: give an `until` after now and no later than "
            f"{profile.local(latest)}.",
            f"等待补充的截止时间（until）须在当前时间之后，且不晚于{profile.local(latest)}。",
        )
    resting = [running for running in state.clocks if profile.policy.rests(running.cause, "caller")]
    if not resting:
        raise Refused(
            "nothing-rests",
            "No clock of this ticket waits for an answer of the caller: send them a message instead.",
            "该工单没有可因等待补充而暂停的时限。",
        )
    requested = InformationRequested(question=command.question.strip(), by=command.by, since=at, until=until)
    return [requested, *clocks.rest(resting, at, "caller")]


def heard(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Let what rested for the caller's answer go on."""
    said: MessageReceived = message.data
    if said.message_kind != "answer" or state.asked is None or said.received_at < state.asked.since:
        return []  # what was said before the question does not answer it
    return wait_over(state, "answered", said.received_at, profile)


def extended(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Move the handling limit by what was granted, unless it has passed by now."""
    order: OrderExtended = message.data
    moves = [
        clocks.move(each, profile, order.handle_by)
        for each in clocks.of(folded(state, order), *clocks.HANDLE, order_id=order.order_id)
        if each.start.clock in clocks.HANDLE and not each.breached
    ]
    return clocks.recalculated(moves, "extended", message.envelope.time)


def amended(state: SlaState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Count every limit again from its own start by what the ticket is now; what became grave is the top's."""
    amended: TicketAmended = message.data
    state = folded(state, amended)
    said = {"sign": amended.sign_limit, "handle": amended.handle_limit}
    facts = clocks.relimit(state, "edited", message.envelope.time, profile, said)
    return facts + _alarm(folded(state, *facts), amended.order_id, now, profile)


def recounted(state: SlaState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Count limits again by the calendars of today, or by the rules of another version of the profile."""
    command: RecountClocks = message.data
    if command.policy is None or command.policy == state.policy:
        return clocks.recount(state.clocks, command.why, message.envelope.time, profile)
    _who_and_open(state, command.by)
    if not profile.knows(command.policy):
        raise Refused(
            "unknown-policy",
            f"Version {command.policy!r} of the profile is not known here: start the services with it first.",
            f"未知的配置版本“{command.policy}”：请先以该版本启动服务。",
        )
    profile = profile.under(command.policy, state.mode)
    try:
        limits = profile.limits(
            state.category,
            state.condition,
            state.severity,
            channel=state.channel or None,
            request=state.request or None,
        )
    except LookupError:  # not triaged yet, or the catalogue has lost the category: later orders keep what they had
        limits = None
    applied = PolicyApplied(
        before=state.policy,
        policy=command.policy,
        by=command.by,
        sign_limit=None if limits is None else Span.of(limits.sign),
        handle_limit=None if limits is None else Span.of(limits.handle),
    )
    said = {"sign": applied.sign_limit, "handle": applied.handle_limit}
    return [applied, *clocks.relimit(folded(state, applied), "policy", message.envelope.time, profile, said)]


def _who_and_open(state: SlaState, by: str) -> None:
    if not by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")
    if state.closed:
        raise Refused("closed", "The ticket is closed: its clocks have ended.", "工单已结案，时限均已终止。")


# ---------------------------------------------------------------- what an audit found


def audited(state: SlaState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Record what is not known yet; what was missed has just fired, and that it is late is known with it."""
    command: RecordFinding = message.data
    finding = command.finding
    known = {found_as(finding.kind, finding.timer)}
    if finding.kind == "late":
        known.add(found_as("missed", finding.timer))
    return [] if known.intersection(state.found) else [AuditFound(finding=finding)]


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
        and level == profile.ladder.last(running.cause, state.severity)
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
    a grave matter or of a rework.
    """
    called = [running for running in clocks.of(state, cause) if running.start.clock == LADDER]
    if called:
        return next((running for running in called if running.start.level == level), None)
    if cause in {"severity", "rework"}:
        due = state.alarmed if cause == "severity" else cause in state.owners
        return next(iter(clocks.of(state, "handle")), None) if due else None
    return next((running for running in clocks.of(state, cause) if running.breached), None)


def _called_below(
    state: SlaState, cause: LadderCause, level: str, duty: Running, now: datetime, profile: Profile
) -> list[Fact]:
    """Start the clock of the level to which a duty was handed back; it rests while the order does."""
    order_id = duty.start.order_id
    over = [duty] if duty.start.clock == LADDER else []
    return [*clocks.cancelled(over, now, profile), level_clock(state, cause, level, order_id, now, profile)]


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
    last = profile.ladder.last(cause, state.severity)
    called = {last} if last is not None and state.repeated.get(cause) else set()
    return called.union(state.owners.get(cause, ()))


RULES: Final[dict[type[Body], Rule]] = {
    TriageNeeded: _waits("accept"),
    TicketTriaged: _answers("accept"),
    TicketDiverted: _answers("accept"),
    AdjudicationAsked: _waits("dispatch"),
    TicketAttached: held,
    OrderIssued: issued,
    OrderReworked: reworked,
    OrderSigned: signed,
    OrderProgressed: progressed,
    OrderDone: done,
    StageCompleted: stage_over,
    StageFailed: stage_over,
    OrderReturned: ended,
    OrderWithdrawn: ended,
    OrderSuspended: suspended,
    OrderResumed: resumed,
    OrderExtended: extended,
    TicketAmended: amended,
    AskCaller: asked,
    MessageReceived: heard,
    WhistleRaised: whistled,
    WhistleWidened: whistled,
    WhistleAnswered: _answers("arrive"),
    WhistleEnded: _answers("arrive"),
    VerificationAsked: _waits("verify"),
    TicketVerified: _answers("verify"),
    ReworkOrdered: sent_back,
    CallBackAsked: _waits("call-back"),
    CalledBack: _answers("call-back"),
    TicketClosed: closed,
    AcceptEscalation: accepted,
    HandBack: handed_back,
    RecountClocks: recounted,
    RecordFinding: audited,
}
"""What follows from each message, once everything that was due has fired; nothing more from a timer."""
