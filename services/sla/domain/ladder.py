"""What happens when a limit has passed? The next level up becomes an owner; at the top it is called again.

Each breach takes exactly one step for its cause: a level that was not yet an owner is added, or, where
the top already is one, the top is called again. So a later order does not add anybody twice; its breach
goes on above whoever was added before.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Literal, cast

from services.sla.domain import clocks
from services.sla.domain.state import LADDER, Running, SlaState, after
from shared.deadline import counted_on, due_at
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClockStart,
    ClockWarned,
    Fact,
    InformationWaitEnded,
    LadderCause,
    LevelSkipped,
    Span,
    SupervisionRepeated,
    TicketEscalated,
    Words,
)

if TYPE_CHECKING:
    from datetime import datetime

    from shared.profile import Profile, Unit


def fire(state: SlaState, by: datetime, now: datetime, profile: Profile) -> tuple[SlaState, list[Fact]]:
    """Give every warning, breach and end of a wait that was due by `by`, in order of its instant, with what follows.

    It ends: each round either marks a clock or replaces it by one that begins at `now` or `by`, whichever is
    later, and limits are longer than nothing.
    """
    facts: list[Fact] = []
    noticed = max(by, now)
    while True:
        running, until = _next_due(state, by), None if state.asked is None else state.asked.until
        if until is not None and until <= by and (running is None or until <= (running.next_at() or by)):
            said = wait_over(state, "expired", until, profile)
        elif running is None:
            return state, facts
        elif running.next_warning() is not None:
            said = [_warning(running)]
        else:
            said = _breach(state, running, noticed, profile)
        for fact in said:
            state = after(state, fact)
        facts += said


def _next_due(state: SlaState, by: datetime) -> Running | None:
    due = [(at, running) for running in state.clocks if (at := running.next_at()) is not None and at <= by]
    return min(due, key=lambda one: one[0], default=(None, None))[1]


def wait_over(state: SlaState, why: Literal["answered", "expired"], at: datetime, profile: Profile) -> list[Fact]:
    """Give that the caller is waited for no longer; what nothing else lets rest goes on with the rest of its time."""
    if state.asked is None:
        return []
    ended = InformationWaitEnded(why=why, since=state.asked.since, at=at)
    state = after(state, ended)
    resting = [running for running in state.clocks if not clocks.held(state, running, profile)]
    return [ended, *clocks.go_on(resting, at, "answered", profile)]


def _warning(running: Running) -> ClockWarned:
    start = running.start
    return ClockWarned(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        due_at=running.due_at,
        nth=running.warned + 1,
    )


def _breach(state: SlaState, running: Running, noticed: datetime, profile: Profile) -> list[Fact]:
    start = running.start
    breached = ClockBreached(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        due_at=running.due_at,
        late_by_s=(noticed - running.due_at).total_seconds(),
    )
    return [breached, *climb(state, cast("LadderCause", running.cause), start.order_id, noticed, profile)]


def climb(state: SlaState, cause: LadderCause, order_id: str | None, now: datetime, profile: Profile) -> list[Fact]:
    """Give the one step that a breach takes; none for a clock that, by the profile, only warns.

    A level without a unit, without staff or with all of it away is skipped at once, except the top: it is called
    whatever it has, so that no breach ends in silence.
    """
    last = profile.ladder.last(cause, state.severity)
    if last is None:
        return []
    chain = {unit.level: unit for unit in profile.chain(state.unit)}
    skipped: list[Fact] = []
    for level in profile.ladder.above(standing(state, cause, profile), cause, state.severity):
        unit = chain.get(level)
        why_not = _why_not(unit, now, profile)
        if why_not is not None:
            skipped.append(
                LevelSkipped(level=level, unit=None if unit is None else unit.id, cause=cause, reason=why_not)
            )
            if level != last:
                continue
        return [*skipped, *add(state, cause, level, order_id, now, profile)]
    times = state.repeated.get(cause, 0) + 1
    notice, top = profile.ladder.notices[min(times, len(profile.ladder.notices)) - 1], profile.owner(state.unit, last)
    again = SupervisionRepeated(
        level=last,
        unit=top,
        cause=cause,
        times=times,
        notice=Words(zh=notice.zh, en=notice.en),
        told=profile.told(top, now, state.place, state.road),
    )
    return [again, level_clock(state, cause, last, order_id, now, profile)]


def add(
    state: SlaState, cause: LadderCause, level: str, order_id: str | None, now: datetime, profile: Profile
) -> list[Fact]:
    """Make a level an owner, with a clock of its own."""
    unit = profile.owner(state.unit, level)
    added = TicketEscalated(
        from_level=standing(state, cause, profile),
        to_level=level,
        unit=unit,
        cause=cause,
        order_id=order_id,
        told=profile.told(unit, now, state.place, state.road),
    )
    return [added, level_clock(state, cause, level, order_id, now, profile)]


def _why_not(unit: Unit | None, now: datetime, profile: Profile) -> Literal["no-unit", "no-staff", "all-away"] | None:
    """Say why a level cannot answer; None when it can."""
    if unit is None:
        return "no-unit"
    if not unit.staff:
        return "no-staff"
    return None if profile.present(unit, now) else "all-away"


def standing(state: SlaState, cause: LadderCause, profile: Profile) -> str:
    """Give the highest level that owns the ticket for a cause: the territorial owner's, or one that was added."""
    ranks = {level.id: rank for rank, level in enumerate(profile.levels)}
    return max(_owners(state, cause, profile), key=lambda level: ranks.get(level, -1))


def below(state: SlaState, cause: LadderCause, level: str, profile: Profile) -> str | None:
    """Give the highest level below one that owns the ticket for a cause; None when there is none."""
    owners = _owners(state, cause, profile)
    lower = itertools.takewhile(lambda each: each != level, (each.id for each in profile.levels))
    return next((each for each in reversed(tuple(lower)) if each in owners), None)


def _owners(state: SlaState, cause: LadderCause, profile: Profile) -> tuple[str, ...]:
    return (_own(state, profile), *state.owners.get(cause, ()))


def _own(state: SlaState, profile: Profile) -> str:
    """Give the level of the territorial owner; before there is an order, of whoever must triage."""
    if state.level:
        return state.level
    unit = profile.unit(state.unit)
    return "" if unit is None else unit.level


def level_clock(
    state: SlaState, cause: LadderCause, level: str, order_id: str | None, now: datetime, profile: Profile
) -> ClocksStarted:
    """Start the clock of a level from the instant at which it was told, not from the limit that passed.

    After an outage the two lie hours apart, and a level cannot answer for hours in which it knew nothing;
    counted from the limit, one outage would send everything to the top within a second.
    """
    limit = clocks.step(state, cause, level, profile) or profile.ladder.repeat(state.severity)
    span = Span.of(limit)
    calendar = profile.calendar(state.calendar)
    due = due_at(now, span, calendar)
    start = ClockStart(
        clock=LADDER,
        token=f"{order_id or 'T'}/{LADDER}/{cause}/{level}/{state.started + 1}",
        order_id=order_id,
        level=level,
        cause=cause,
        started_at=now,
        due_at=due,
        limit=span,
        calendar=counted_on(span, calendar).id,
        provisional=counted_on(span, calendar).provisional(due),
    )
    return ClocksStarted(clocks=(start,))
