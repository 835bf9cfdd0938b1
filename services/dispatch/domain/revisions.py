"""When may an order rest (挂账) or have more time (延期), who decides, and what becomes of its limit?

Nobody who handles an order can stop its clock alone: a suspension and an extension are asked for before the limit
and granted one level up. Going on needs nobody's leave.
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Final, Literal

from services.dispatch.domain.edges import allowed, named
from services.dispatch.domain.state import OPEN, Rest
from shared.calendar import OutOfCalendarError
from shared.deadline import added, due_at, moved
from shared.errors import Refused
from shared.messages import (
    Fact,
    OrderExtended,
    OrderResumed,
    OrderSuspended,
    RevisionAsked,
    RevisionDecided,
)

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import Asked, DispatchState, Order, Run
    from shared.decider import Message
    from shared.messages import DecideRevision, ReviseOrder
    from shared.profile import Limit, Profile

# ---------------------------------------------------------------- asking


def revise(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Let an order go on, or ask one level up to suspend or to extend it."""
    command: ReviseOrder = message.data
    order, triaged = allowed(state, command, command.revision)
    if command.revision == "resume":
        return [resumed(order, "asked", now, profile, command.by)]
    _in_time(order, as_of(state, order, now, profile), profile)
    if command.revision == "extend":
        reason, until = _extension(order, command, now, profile)
        decide_by = order.handle_by
    else:
        reason, until = _suspension(order, command, now, profile)
        decide_by = min(order.handle_by, until)
    unit = profile.one_level_up(triaged.unit)
    return [
        RevisionAsked(
            order_id=order.id,
            handler=order.handler,
            revision=command.revision,
            until=until,
            reason=reason,
            detail=command.detail,
            by=command.by,
            unit=unit.id,
            level=unit.level,
            decide_by=decide_by,
        )
    ]


def as_of(state: DispatchState, order: Order, now: datetime, profile: Profile) -> datetime:
    """Give the instant that an order's limit compares with: none comes nearer while the caller is asked."""
    if state.asked_since is None or not profile.policy.rests(order.clock, "caller"):
        return now
    return min(now, state.asked_since)


def _in_time(order: Order, now: datetime, profile: Profile) -> None:
    """Refuse what is asked while another request waits, or not before the limit."""
    if order.asked is not None:
        raise Refused(
            "already-asked",
            "A request of this order waits for its decision: there is one at a time.",
            "该派单已有申请待审批：同时只能有一项。",
        )
    if now >= order.handle_by:
        limit_was = profile.local(order.handle_by)
        raise Refused(
            "too-late",
            f"The limit was {limit_was}: more time is asked for before the limit, not at it or after it.",
            f"办理期限为{limit_was}：延期、挂账须在到期前申请。",
        )


def _extension(order: Order, command: ReviseOrder, now: datetime, profile: Profile) -> tuple[str, datetime]:
    """Give the reason and the new limit that is asked for, which is never outside working time."""
    rules = profile.revisions.extension
    if order.extensions >= rules.most:
        raise Refused(
            "too-many",
            f"The order was extended {order.extensions} times, and {rules.most} is the most.",
            f"该派单已延期{order.extensions}次，最多{rules.most}次。",
        )
    if not command.reason.strip():
        raise Refused("no-reason", "Say why more time is needed: `reason` is empty.", "请写明延期原因（reason）。")
    until = _future(command, now, "the new limit", "新的期限")
    stands = profile.local(order.handle_by)
    if until <= order.handle_by:
        raise _not_later(stands)
    latest = _latest(order.handle_by, rules.longest, order, profile)
    new = _counted(order, order.run.extended(order.handle_by, until), profile)
    if new is None or latest is None or new > latest:
        longest = f"One extension adds at most {rules.longest} to the limit that stands ({stands})"
        raise _too_long(longest, f"一次延期有上限（现期限为{stands}）", latest, profile)
    if new <= order.handle_by:
        raise _not_later(stands)
    return command.reason, new


def _not_later(stands: str) -> Refused:
    return Refused(
        "not-later",
        f"The new limit adds no working time to the one that stands ({stands}): give a later one.",
        f"新的期限未在现期限（{stands}）之后增加工作时间：请填写更晚的时间。",
    )


def _suspension(order: Order, command: ReviseOrder, now: datetime, profile: Profile) -> tuple[str, datetime]:
    """Give the reason by its id, and until when the order is to rest."""
    rules = profile.revisions.suspension
    if order.suspensions >= rules.most:
        raise Refused(
            "too-many",
            f"The order was suspended {order.suspensions} times, and {rules.most} is the most.",
            f"该派单已挂账{order.suspensions}次，最多{rules.most}次。",
        )
    reason = _known_reason(command.reason, profile)
    until = _future(command, now, "the day on which it goes on", "恢复办理的日期")
    longest = f"A suspension lasts at most {rules.longest}"
    latest = _latest(now, rules.longest, order, profile)
    if latest is not None and until > latest:
        raise _too_long(longest, "挂账时间有上限", latest, profile)
    rest = Rest(since=now, until=until, over_at=until, reason=reason, handle_by=order.handle_by)
    if latest is None or _counted(order, order.run.resting(rest), profile) is None:
        raise _too_long(longest, "挂账时间有上限", None, profile)
    return reason, until.astimezone(UTC)


def _known_reason(written: str, profile: Profile) -> str:
    wanted = written.strip().casefold()
    reasons = profile.revisions.suspension.reasons
    for reason in reasons:
        if wanted in {reason.id.casefold(), reason.zh.casefold(), reason.en.casefold()}:
            return reason.id
    en = ", ".join(f"{reason.id} ({reason.en})" for reason in reasons)
    zh = "、".join(f"{reason.zh}（{reason.id}）" for reason in reasons)
    said = f"{written[:60]!r} is" if wanted else "An empty `reason` is"
    raise Refused(
        "unknown-reason",
        f"{said} no reason for a suspension: give one of {en}.",
        f"挂账原因（reason）须为以下之一：{zh}。",
    )


def _future(command: ReviseOrder, now: datetime, what: str, zh: str) -> datetime:
    if command.until is None:
        raise Refused("no-until", f"Give {what}: `until` is empty.", f"请填写{zh}（until）。")
    if command.until <= now:
        raise Refused(
            "until-past", f"Give {what} in the future: `until` has passed.", f"{zh}（until）须在当前时间之后。"
        )
    return command.until


def _latest(since: datetime, longest: Limit, order: Order, profile: Profile) -> datetime | None:
    """Give the end of the longest that may be asked for; None where the calendar has no such day any more."""
    try:
        return due_at(since, longest, profile.calendar(order.run.calendar))
    except OutOfCalendarError:
        return None


def _too_long(longest: str, zh: str, latest: datetime | None, profile: Profile) -> Refused:
    if latest is None:
        return Refused("too-long", f"{longest}: the calendar does not reach so far.", f"{zh}：超出工作日历范围。")
    at = profile.local(latest)
    return Refused("too-long", f"{longest}: until {at} at the latest.", f"{zh}：最晚至{at}。")


def _counted(order: Order, run: Run, profile: Profile) -> datetime | None:
    """Give the limit of a run of an order; None where it lies beyond the years of the calendar."""
    try:
        return limit(run, profile, order.clock)
    except OutOfCalendarError:
        return None


# ---------------------------------------------------------------- deciding


def decide(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Grant or refuse what was asked for; nobody decides on what they asked for themselves."""
    command: DecideRevision = message.data
    named(command)
    order = _waiting(state, command.order_id)
    if order.asked is None:
        raise Refused(*NOTHING_ASKED)
    if order.asked.by.strip() == command.by.strip():
        raise Refused("own-request", "You asked for it: somebody else must decide.", "申请人不得审批自己的申请。")
    if not command.granted:
        return [_decided(order, order.asked, "refused", command)]
    return [_decided(order, order.asked, "granted", command), _granted(order, order.asked, command, now, profile)]


NOTHING_ASKED: Final = (
    "nothing-asked",
    "No request waits for a decision: there was none, it was decided, or it lapsed at the limit.",
    "没有待审批的申请：未申请、已审批，或到期未批已失效。",
)


def _waiting(state: DispatchState, order_id: str | None) -> Order:
    """Give the order whose request is meant; it must be named where several wait."""
    waiting = [each for each in state.running if each.asked is not None and order_id in {None, each.id}]
    if not waiting:
        raise Refused(*NOTHING_ASKED)
    if len(waiting) > 1:
        ids = ", ".join(each.id for each in waiting)
        raise Refused(
            "which-order",
            f"The requests of several orders wait: say which one is meant, with `order_id` one of {ids}.",
            f"有多个派单的申请待审批，请指明派单（order_id）：{ids}。",
        )
    return waiting[0]


def _decided(
    order: Order,
    asked: Asked,
    decision: Literal["granted", "refused", "lapsed"],
    command: DecideRevision | None = None,
) -> RevisionDecided:
    return RevisionDecided(
        order_id=order.id,
        handler=order.handler,
        revision=asked.revision,
        decision=decision,
        by="" if command is None else command.by,
        note="" if command is None else command.note,
    )


def _granted(order: Order, asked: Asked, command: DecideRevision, now: datetime, profile: Profile) -> Fact:
    if asked.revision == "suspend":
        return OrderSuspended(
            order_id=order.id,
            handler=order.handler,
            reason=asked.reason,
            detail=asked.detail,
            since=now,
            until=asked.until,
            approved_by=command.by,
        )
    return OrderExtended(
        order_id=order.id,
        handler=order.handler,
        reason=asked.reason,
        old=order.handle_by,
        handle_by=limit(order.run.extended(order.handle_by, asked.until), profile, order.clock),
        times=order.extensions + 1,
        approved_by=command.by,
    )


# ---------------------------------------------------------------- what time does, and the end of the order


def over(order: Order, at: datetime, profile: Profile) -> list[Fact]:
    """Give what time does to an order: its rest has ended, as of that instant, or its request has lapsed."""
    if order.state == "suspended":
        return [resumed(order, "ended", at, profile)]
    return _lapsed(order)


def ending(order: Order, now: datetime, profile: Profile) -> list[Fact]:
    """Give what comes before the end of an order: it rests no longer, and what was asked for lapses."""
    if order.state == "suspended":
        return [resumed(order, "over", now, profile)]
    return _lapsed(order) if order.state in OPEN else []


def _lapsed(order: Order) -> list[Fact]:
    return [] if order.asked is None else [_decided(order, order.asked, "lapsed")]


def resumed(
    order: Order, why: Literal["asked", "ended", "over"], at: datetime, profile: Profile, by: str = ""
) -> OrderResumed:
    """Give the fact that a suspended order goes on, with the limit that the rest of its time makes."""
    return OrderResumed(
        order_id=order.id,
        handler=order.handler,
        why=why,
        by=by,
        resumed_at=at,
        handle_by=limit(order.run.resumed(at), profile, order.clock),
    )


# ---------------------------------------------------------------- limits


def limit(run: Run, profile: Profile, clock: str = "handle") -> datetime:
    """Give when the handling limit of a run in which no rest lasts has passed; raises OutOfCalendarError."""
    calendar = profile.calendar(run.calendar)
    extra = sum((added(each.old, each.new, run.limit, calendar) for each in run.extensions), timedelta(0))
    none: dict[str, tuple[()]] = {
        name: ()
        for name, reason in (("rests", "suspended"), ("waits", "caller"))
        if not profile.policy.rests(clock, reason)
    }
    at = moved(run.started_at, run.limit, calendar, run.model_copy(update=none).pauses, extra)
    assert at is not None  # noqa: S101 - only a pause without an end makes it so
    return at
