"""How is a clock started, stopped, paused and counted again? From its own start, so that nothing sets it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, cast

from services.sla.domain.state import LADDER, Running, SlaState
from shared.calendar import elapsed
from shared.deadline import added, counted_on, due_at, moved, warnings_at
from shared.messages import (
    ClockMove,
    ClocksPaused,
    ClocksRecalculated,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockStop,
    Fact,
    Span,
)
from shared.profile import Matter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.calendar import Calendar
    from shared.deadline import Limited
    from shared.messages import LadderCause
    from shared.profile import Profile

ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""
SIGN: Final = ("sign", "assist-sign")
HANDLE: Final = ("handle", "assist-handle", "settlement")
"""An order's clocks by its role and tier."""
HANDLING_OF: Final = {"sign": "handle", "assist-sign": "assist-handle"}
"""Signing clock -> the handling clock of the same order, within which it must end."""
OF_PEOPLE: Final = frozenset({"accept", "dispatch", "verify", "call-back"})
"""Duties of the city's own people, counted in its usual working time and not in that of the order."""
Ending = Literal["met", "cancelled"]
Why = Literal["resumed", "answered", "extended", "calendar", "policy", "edited"]


def matter(state: SlaState) -> Matter:
    """Give what the limits of a ticket depend on."""
    known = (state.category or None, state.condition or None, state.channel or None, state.request or None)
    return Matter(state.severity, *known)


def begin(
    state: SlaState,
    nth: int,
    clock: str,
    limit: Limited,
    started_at: datetime,
    calendar: Calendar,
    profile: Profile,
    *,
    order_id: str | None = None,
    due: datetime | None = None,
    warn_share: float | None = None,
) -> ClockStart:
    """Give a run of a clock; its limit goes with it, so that the instant can be explained and counted again.

    `due` where somebody else has said it, as an order does; `warn_share` where the profile says nothing of this clock.
    """
    due = due or due_at(started_at, limit, calendar)
    on = counted_on(limit, calendar)
    rules = profile.policy.warnings(clock, warn_share)
    warnings = warnings_at(started_at, due, rules, on)
    return ClockStart(
        clock=clock,
        token=f"{order_id or 'T'}/{clock}/{state.started + nth}",
        order_id=order_id,
        started_at=started_at,
        due_at=due,
        warn_at=warnings[0] if warnings else None,
        warn_again=warnings[1:],
        warn_share=rules[0] if len(rules) == 1 and isinstance(rules[0], float) else 0.0,
        limit=Span.of(limit),
        calendar=on.id,
        provisional=on.provisional(due),
    )


def started(*clocks: ClockStart) -> list[Fact]:
    """Give one fact for all that begin at once."""
    return [ClocksStarted(clocks=clocks)] if clocks else []


def of(state: SlaState, *clocks: str, order_id: str | None = None) -> list[Running]:
    """Give the running clocks of these duties, with the clocks of levels that their breach added."""
    return [
        running
        for running in state.clocks
        if (not clocks or running.cause in clocks) and order_id in {None, running.start.order_id}
    ]


def answered(clocks: Iterable[Running], at: datetime, profile: Profile) -> list[Fact]:
    """End clocks whose duty was done; a level's clock is cancelled with its cause."""
    return stopped(
        ((running, "cancelled" if running.start.clock == LADDER else "met") for running in clocks), at, profile
    )


def cancelled(clocks: Iterable[Running], at: datetime, profile: Profile) -> list[Fact]:
    """End clocks whose duty is no more."""
    return stopped(((running, "cancelled") for running in clocks), at, profile)


def stopped(ends: Iterable[tuple[Running, Ending]], at: datetime, profile: Profile) -> list[Fact]:
    """Give one fact for all that ended, none where nothing ran; what was breached ends late, whatever ends it."""
    stops = tuple(_stop(running, ending, at, profile) for running, ending in ends)
    return [ClocksStopped(clocks=stops)] if stops else []


def _stop(running: Running, ending: Ending, at: datetime, profile: Profile) -> ClockStop:
    start = running.start
    outcome: Literal["met", "late", "cancelled"] = "late" if running.breached else ending
    return ClockStop(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        cause=start.cause,
        outcome=outcome,
        late_in_fact=outcome == "met" and _late_in_fact(running, at, profile),
        paused_s=_rested(running, at, profile).total_seconds(),
    )


def _late_in_fact(running: Running, at: datetime, profile: Profile) -> bool:
    """Tell whether `at` is later than the limit would be if nobody had extended it."""
    if not running.extensions:
        return False
    first = _counted(running.model_copy(update={"extensions": ()}), profile)
    return first is not None and at > first


def _rested(running: Running, at: datetime, profile: Profile) -> timedelta:
    """Give the counted time in which a clock rested before `at`."""
    if not running.rests:
        return timedelta(0)
    calendar, start = _calendar(running, profile), running.start.started_at
    return elapsed(calendar, start, at) - elapsed(calendar, start, at, running.pauses)


def _calendar(running: Running, profile: Profile) -> Calendar:
    """Give the calendar of a clock as it is today."""
    return profile.calendar(running.calendar.partition("@")[0])


def _counted(running: Running, profile: Profile) -> datetime | None:
    """Give the limit that follows from a clock's start, pauses and extensions by the calendars of today.

    None while a pause lasts.
    """
    limit, calendar = running.limit, _calendar(running, profile)
    extra = sum((added(each.old, each.new, limit, calendar) for each in running.extensions), timedelta(0))
    return moved(running.start.started_at, limit, calendar, running.pauses, extra)


# ---------------------------------------------------------------- pausing


def rest(clocks: Sequence[Running], since: datetime, reason: str) -> list[Fact]:
    """Let clocks rest that run."""
    tokens = tuple(running.start.token for running in clocks if not running.resting and not running.breached)
    return [ClocksPaused(tokens=tokens, reason=reason, since=since)] if tokens else []


def held(state: SlaState, running: Running, profile: Profile) -> str:
    """Give what lets a clock rest now: why its order is suspended, or that the caller was asked; empty for nothing."""
    why = state.suspended.get(running.start.order_id or "")
    if why is not None and profile.policy.rests(running.cause, "suspended"):
        return why or "suspended"
    return "caller" if state.asked is not None and profile.policy.rests(running.cause, "caller") else ""


def go_on(
    clocks: Sequence[Running],
    at: datetime,
    why: Literal["resumed", "answered"],
    profile: Profile,
) -> list[Fact]:
    """Let clocks go on that rest, with the rest of their time."""
    moves = []
    for running in clocks:
        if running.resting:
            going_on = ended(running, at)
            due = _counted(going_on, profile) or running.due_at
            moves.append(_moved(running, going_on, profile, due))
    return recalculated(moves, why, at)


def ended(running: Running, at: datetime) -> Running:
    """Give a clock whose last pause ends at an instant."""
    last = running.rests[-1].model_copy(update={"until": max(at, running.rests[-1].since)})
    return running.model_copy(update={"rests": (*running.rests[:-1], last)})


# ---------------------------------------------------------------- counting again


def move(running: Running, profile: Profile, said: datetime) -> ClockMove:
    """Give the move of a clock that was extended: to where it is counted, or while it rests to what was said."""
    before = running.model_copy(update={"extensions": running.extensions[:-1]})
    return _moved(before, running, profile, _counted(running, profile) or said)


def recount(clocks: Sequence[Running], why: Why, at: datetime, profile: Profile) -> list[Fact]:
    """Count limits again from each clock's own start, by the calendars of today; what stays is not mentioned.

    What rests is counted by the calendar of the day on which it goes on.
    """
    moves = []
    for running in clocks:
        due = None if running.breached or running.resting else _counted(running, profile)
        if due is None:
            continue
        again = _moved(running, running, profile, _not_after_handling(running, due, clocks, profile))
        if abs(again.new - running.due_at) >= ROUNDED or again.provisional != running.provisional:
            moves.append(again)
    return recalculated(moves, why, at)


def relimit(
    state: SlaState,
    why: Literal["policy", "edited"],
    at: datetime,
    profile: Profile,
    said: Mapping[str, Span | None],
) -> list[Fact]:
    """Count running limits again, each from its own start, with the length and the calendar that now hold for it.

    `said`: what the message itself says of a clock. What rests keeps its rest, with the new length; what was breached
    stays so.
    """
    now_on = [_relimited(running, _said(running, said, state), state, profile) for running in state.clocks]
    moves = []
    for before, running in zip(state.clocks, now_on, strict=True):
        if before.breached:
            continue
        due = before.due_at if running.resting else _counted(running, profile) or before.due_at
        again = _moved(before, running, profile, _not_after_handling(running, due, now_on, profile))
        if abs(again.new - before.due_at) >= ROUNDED or _differs(again, before):
            moves.append(again)
    return recalculated(moves, why, at)


def _differs(again: ClockMove, before: Running) -> bool:
    now = (again.limit or before.start.limit, again.calendar, again.provisional)
    return now != (before.limit, before.calendar, before.provisional)


def _said(running: Running, said: Mapping[str, Span | None], state: SlaState) -> Span | None:
    """Give what a message says of a clock; one with a limit of its own keeps that."""
    own = running.start.clock in HANDLE and running.start.order_id in state.own_limits
    return running.limit if own else said.get(running.start.clock)


def _relimited(running: Running, said: Span | None, state: SlaState, profile: Profile) -> Running:
    """Give a clock with the length that now holds for it; its own where the profile has none for it any more."""
    limit = said or _limit(running, state, profile)
    span = running.limit if limit is None else Span.of(limit)
    on = counted_on(span, _working_time(running, state, profile))
    after = ClockMove(
        clock=running.start.clock,
        token=running.start.token,
        old=running.due_at,
        new=running.due_at,
        limit=span,
        calendar=on.id,
    )
    return running.model_copy(update={"moved": after})


def _working_time(running: Running, state: SlaState, profile: Profile) -> Calendar:
    """Give the working time that now holds for a clock: the city's, its whistle's, its department's or the lead's."""
    start = running.start
    if start.clock == "arrive":
        return _calendar(running, profile)
    if running.cause in OF_PEOPLE:
        return profile.calendar(profile.content.clocks.calendar)
    department = None if start.clock == LADDER else state.departments.get(start.order_id or "")
    if department is not None:
        return profile.working_time(state.category, department)
    return profile.calendar(state.calendar or profile.content.clocks.calendar)


def _limit(running: Running, state: SlaState, profile: Profile) -> Limited | None:
    start = running.start
    if start.clock == LADDER:
        return step(state, cast("LadderCause", running.cause), start.level or "", profile)
    try:
        return profile.policy.limit(start.clock, matter(state))
    except LookupError:  # the catalogue has lost the category or its condition
        return None


def step(state: SlaState, cause: LadderCause, level: str, profile: Profile) -> Limited | None:
    """Give how long a level has before the next one is added, or the last one is called again."""
    if level == profile.ladder.last(cause, state.severity):
        return profile.ladder.repeat(state.severity)
    try:
        return profile.ladder.step(level, state.severity, cause)
    except KeyError:  # a level that the ladder does not have any more
        return None


def _not_after_handling(running: Running, due: datetime, clocks: Iterable[Running], profile: Profile) -> datetime:
    """Give a limit; nobody may sign later than the matter had to be handled at first."""
    handle = HANDLING_OF.get(running.start.clock)
    if handle is None:
        return due
    handling = [each for each in clocks if (each.start.clock, each.start.order_id) == (handle, running.start.order_id)]
    return min([due, *(due_at(each.start.started_at, each.limit, _calendar(each, profile)) for each in handling)])


def recalculated(moves: Sequence[ClockMove], why: Why, at: datetime) -> list[Fact]:
    """Give one fact for all limits that moved, none where none did."""
    return [ClocksRecalculated(clocks=tuple(moves), why=why, at=at)] if moves else []


def _moved(before: Running, running: Running, profile: Profile, due: datetime) -> ClockMove:
    start, calendar = running.start, _calendar(running, profile)
    share = start.warn_share or None
    rules = profile.policy.warnings(start.clock, share) if before.warnings else ()
    warnings = before.warnings  # while it rests: they are counted again when it goes on
    if not running.resting:
        warnings = warnings_at(start.started_at, due, rules, calendar, running.pauses)
    return ClockMove(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        old=before.due_at,
        new=due,
        limit=running.limit if running.limit != start.limit else None,
        warn_at=warnings[0] if warnings else None,
        warn_again=warnings[1:],
        calendar=calendar.id,
        provisional=calendar.provisional(due),
    )
