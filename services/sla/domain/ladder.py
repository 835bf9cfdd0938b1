"""What happens when a limit has passed? The next level up becomes an owner; at the top it is called again.

Each breach takes exactly one step for its cause: a level that was not yet an owner is added, or, where
the top already is one, the top is called again. So a later order does not add anybody twice; its breach
goes on above whoever was added before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast

from services.sla.domain.state import LADDER, Running, SlaState, after
from shared.deadline import due_at
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClockStart,
    ClockWarned,
    Fact,
    LadderCause,
    LevelSkipped,
    Span,
    SupervisionRepeated,
    TicketEscalated,
)

if TYPE_CHECKING:
    from datetime import datetime

    from shared.profile import Profile


def fire(state: SlaState, by: datetime, now: datetime, profile: Profile) -> tuple[SlaState, list[Fact]]:
    """Give every warning and breach that was due by `by`, in order of its instant, with what follows from it.

    It ends: each round either marks a clock or replaces it by one that begins at `now` or `by`, whichever is
    later, and limits are longer than nothing.
    """
    facts: list[Fact] = []
    noticed = max(by, now)
    while (running := _next_due(state, by)) is not None:
        said = [_warning(running)] if running.warns_next() else _breach(state, running, noticed, profile)
        for fact in said:
            state = after(state, fact)
        facts += said
    return state, facts


def _next_due(state: SlaState, by: datetime) -> Running | None:
    due = [(at, running) for running in state.clocks if (at := running.next_at()) is not None and at <= by]
    return min(due, key=lambda pair: pair[0])[1] if due else None


def _warning(running: Running) -> ClockWarned:
    start = running.start
    return ClockWarned(
        clock=start.clock, token=start.token, order_id=start.order_id, level=start.level, due_at=start.due_at
    )


def _breach(state: SlaState, running: Running, noticed: datetime, profile: Profile) -> list[Fact]:
    start = running.start
    breached = ClockBreached(
        clock=start.clock,
        token=start.token,
        order_id=start.order_id,
        level=start.level,
        due_at=start.due_at,
        late_by_s=(noticed - start.due_at).total_seconds(),
    )
    return [breached, *climb(state, cast("LadderCause", running.cause), start.order_id, noticed, profile)]


def climb(state: SlaState, cause: LadderCause, order_id: str | None, now: datetime, profile: Profile) -> list[Fact]:
    """Give the one step that a breach takes.

    A level without a unit or without staff is skipped at once, except the top: it is called whatever it has,
    so that no breach ends in silence.
    """
    here = standing(state, cause, profile)
    chain = {unit.level: unit for unit in profile.chain(state.unit)}
    skipped: list[Fact] = []
    for level in _above(here, profile):
        unit = chain.get(level)
        name = None if unit is None else unit.id
        if unit is None or not unit.staff:
            why: Literal["no-unit", "no-staff"] = "no-unit" if unit is None else "no-staff"
            skipped.append(LevelSkipped(level=level, unit=name, cause=cause, reason=why))
            if level != profile.ladder.top:
                continue
        added = TicketEscalated(
            from_level=here, to_level=level, unit=name or profile.top.id, cause=cause, order_id=order_id
        )
        return [*skipped, added, _level_clock(state, cause, level, order_id, now, profile)]
    top = profile.ladder.top
    again = SupervisionRepeated(
        level=top,
        unit=chain[top].id if top in chain else profile.top.id,
        cause=cause,
        times=state.repeated.get(cause, 0) + 1,
    )
    return [again, _level_clock(state, cause, top, order_id, now, profile)]


def standing(state: SlaState, cause: LadderCause, profile: Profile) -> str:
    """Give the highest level that owns the ticket for a cause: the territorial owner's, or one that was added."""
    ranks = _ranks(profile)
    return max((state.level, *state.owners.get(cause, ())), key=lambda level: ranks.get(level, -1))


def _ranks(profile: Profile) -> dict[str, int]:
    return {level.id: rank for rank, level in enumerate(profile.levels)}


def _above(level: str, profile: Profile) -> list[str]:
    """Give the levels above one, up to the ladder's top; a level that the profile does not know is below all."""
    ranks = _ranks(profile)
    return [each for each, rank in ranks.items() if ranks.get(level, -1) < rank <= ranks[profile.ladder.top]]


def _level_clock(
    state: SlaState, cause: LadderCause, level: str, order_id: str | None, now: datetime, profile: Profile
) -> ClocksStarted:
    """Start the clock of a level from the instant at which it was told, not from the limit that passed.

    After an outage the two lie hours apart, and a level cannot answer for hours in which it knew nothing;
    counted from the limit, one outage would send everything to the top within a second.
    """
    if level == profile.ladder.top:
        limit = profile.ladder.repeat(state.severity)
    else:
        limit = profile.ladder.step(level, state.severity)
    span = Span(amount=limit.amount, unit=limit.unit)
    start = ClockStart(
        clock=LADDER,
        token=f"{order_id}/{LADDER}/{cause}/{level}/{state.started + 1}",
        order_id=order_id,
        level=level,
        cause=cause,
        started_at=now,
        due_at=due_at(now, span),
        limit=span,
    )
    return ClocksStarted(clocks=(start,))
