"""How is a clock started, stopped, paused and counted again? From its own start, so that nothing sets it back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal

from services.sla.domain.state import LADDER, Running, SlaState
from shared.calendar import advance, elapsed
from shared.deadline import added, counted_on, due_at, moved, share_at
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

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.calendar import Calendar
    from shared.deadline import Limited
    from shared.profile import Profile

ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""
Ending = Literal["met", "cancelled"]
Why = Literal["resumed", "extended", "calendar", "policy", "edited"]


def begin(
    state: SlaState,
    nth: int,
    clock: str,
    limit: Limited,
    started_at: datetime,
    calendar: Calendar,
    *,
    warn_share: float,
    order_id: str | None = None,
    due: datetime | None = None,
) -> ClockStart:
    """Give a run of a clock; its limit goes with it, so that the instant can be explained and counted again.

    `due` where somebody else has said it, as an order does.
    """
    due = due or due_at(started_at, limit, calendar)
    on = counted_on(limit, calendar)
    return ClockStart(
        clock=clock,
        token=f"{order_id or 'T'}/{clock}/{state.started + nth}",
        order_id=order_id,
        started_at=started_at,
        due_at=due,
        warn_at=share_at(started_at, due, limit, calendar, warn_share),
        warn_share=warn_share,
        limit=Span(amount=limit.amount, unit=limit.unit),
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
    return profile.calendar(running.start.calendar.partition("@")[0])


def _counted(running: Running, profile: Profile) -> datetime | None:
    """Give the limit that follows from a clock's start, pauses and extensions by the calendars of today.

    None while a pause lasts.
    """
    start, calendar = running.start, _calendar(running, profile)
    extra = sum((added(each.old, each.new, start.limit, calendar) for each in running.extensions), timedelta(0))
    return moved(start.started_at, start.limit, calendar, running.pauses, extra)


def rest(clocks: Sequence[Running], since: datetime, reason: str) -> list[Fact]:
    """Let clocks rest that run."""
    tokens = tuple(running.start.token for running in clocks if not running.resting and not running.breached)
    return [ClocksPaused(tokens=tokens, reason=reason, since=since)] if tokens else []


def go_on(clocks: Sequence[Running], at: datetime, profile: Profile, agreed: Mapping[str, datetime]) -> list[Fact]:
    """Let clocks go on that rest, with the rest of their time; `agreed`: clock -> the limit that its order now has."""
    moves = []
    for running in clocks:
        if running.resting:
            going_on = ended(running, at)
            due = agreed.get(running.start.clock) or _counted(going_on, profile) or running.due_at
            moves.append(_moved(running, going_on, profile, due))
    return recalculated(moves, "resumed", at)


def ended(running: Running, at: datetime) -> Running:
    """Give a clock whose last pause ends at an instant."""
    last = running.rests[-1].model_copy(update={"until": max(at, running.rests[-1].since)})
    return running.model_copy(update={"rests": (*running.rests[:-1], last)})


def move(running: Running, profile: Profile, due: datetime) -> ClockMove:
    """Give a clock's move to a limit that somebody has granted."""
    return _moved(running, running, profile, due)


def recount(
    clocks: Sequence[Running], why: Literal["calendar", "policy"], at: datetime, profile: Profile
) -> list[Fact]:
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


def _not_after_handling(running: Running, due: datetime, clocks: Iterable[Running], profile: Profile) -> datetime:
    """Give a limit; nobody may sign later than the matter had to be handled at first."""
    if running.start.clock != "sign":
        return due
    handling = [
        each for each in clocks if (each.start.clock, each.start.order_id) == ("handle", running.start.order_id)
    ]
    return min([due, *(due_at(each.start.started_at, each.start.limit, _calendar(each, profile)) for each in handling)])


def recalculated(moves: Sequence[ClockMove], why: Why, at: datetime) -> list[Fact]:
    """Give one fact for all limits that moved, none where none did."""
    return [ClocksRecalculated(clocks=tuple(moves), why=why, at=at)] if moves else []


def _moved(before: Running, running: Running, profile: Profile, due: datetime) -> ClockMove:
    start, calendar = running.start, _calendar(running, profile)
    warn_at = None
    if start.warn_share:
        counted = start.warn_share * elapsed(calendar, start.started_at, due, running.pauses)
        warn_at = advance(calendar, start.started_at, counted, running.pauses)
    return ClockMove(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        old=before.due_at,
        new=due,
        warn_at=warn_at,
        calendar=calendar.id,
        provisional=calendar.provisional(due),
    )
