"""How does each clock of a ticket stand? What was started, paused, moved and ended, folded fact by fact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import AwareDatetime

from shared import messages as m

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

CLOCKS_KEPT: Final = 60
PAUSES_KEPT: Final = 40
"""Of one clock, and as many of its moves; profiles allow far fewer."""
LADDER: Final = "ladder"
GO_ON: Final = frozenset({"resumed", "answered"})
"""Why a limit moves when a pause is over."""


class Pause(m.Part):
    """A time in which a clock rests; without an end it lasts as long as the clock."""

    since: AwareDatetime
    until: AwareDatetime | None = None
    reason: str = ""


class Move(m.Part):
    """A limit that has moved, since when, and why."""

    at: AwareDatetime
    old: AwareDatetime
    new: AwareDatetime
    why: str
    limit_was: m.Span | None = None
    limit: m.Span | None = None
    """The length of time before and after, where it is another one."""


class Clock(m.Part):
    """A clock and its state: running, warned, breached (its duty stands on, but a level's), met, late, cancelled."""

    clock: str
    order_id: str | None = None
    level: str | None = None
    cause: str | None = None
    started_at: AwareDatetime
    due_at: AwareDatetime
    """The limit as it stands; while it rests, the one that stood before."""
    first_due_at: AwareDatetime | None = None
    """The limit with which it began, once it has moved."""
    warn_at: AwareDatetime | None = None
    warn_again: tuple[AwareDatetime, ...] = ()
    warned: int = 0
    """How many of its warnings were given."""
    limit: m.Span
    first_limit: m.Span | None = None
    """The length of time with which it began, once it is another one."""
    calendar: str = "always@"
    """Name and version of the working time in which it is counted."""
    policy: str = ""
    """The version of the profile whose rules set its limit."""
    provisional: bool = False
    pauses: tuple[Pause, ...] = ()
    moves: tuple[Move, ...] = ()
    state: str = "running"
    ended_at: AwareDatetime | None = None
    late_in_fact: bool = False
    """Met as extended, and later than the first limit."""

    @property
    def rests(self) -> bool:
        """Whether it is paused now: then nothing is due."""
        return self.ended_at is None and bool(self.pauses) and self.pauses[-1].until is None

    @property
    def duty(self) -> str:
        """Give the clock whose duty it stands for: its own, or of a level's the one whose breach added it."""
        return self.cause or self.clock

    @property
    def warnings(self) -> tuple[datetime, ...]:
        """Give the instants of its warnings, the earliest first."""
        return () if self.warn_at is None else (self.warn_at, *self.warn_again)


Clocks = dict[str, Clock]
"""By token, in the order in which they were started."""


def started(clocks: Clocks, data: m.ClocksStarted, policy: str) -> Clocks:
    """Add clocks under a profile's version; of those that ended the oldest are forgotten when there are too many."""
    after = dict(clocks)
    for start in data.clocks:
        after[start.token] = Clock(
            clock=start.clock,
            order_id=start.order_id,
            level=start.level,
            cause=start.cause,
            started_at=start.started_at,
            due_at=start.due_at,
            warn_at=start.warn_at,
            warn_again=start.warn_again,
            limit=start.limit,
            calendar=start.calendar,
            policy=policy,
            provisional=start.provisional,
        )
    ended = [token for token, clock in after.items() if clock.ended_at is not None]
    for token in ended[: max(0, len(after) - CLOCKS_KEPT)]:
        del after[token]
    return after


def stopped(clocks: Clocks, data: m.ClocksStopped, at: datetime) -> Clocks:
    """End clocks."""
    after = dict(clocks)
    for stop in data.clocks:
        clock = after.get(stop.token)
        if clock is not None:
            changes = {"state": stop.outcome, "ended_at": at, "late_in_fact": stop.late_in_fact}
            after[stop.token] = clock.model_copy(update=changes)
    return after


def paused(clocks: Clocks, data: m.ClocksPaused, _at: datetime) -> Clocks:
    """Let clocks rest; a pause within a pause counts once."""
    after = dict(clocks)
    pause = Pause(since=data.since, reason=data.reason)
    for token in data.tokens:
        clock = after.get(token)
        if clock is not None and clock.ended_at is None and not clock.rests:
            after[token] = clock.model_copy(update={"pauses": (*clock.pauses, pause)[-PAUSES_KEPT:]})
    return after


def recalculated(clocks: Clocks, data: m.ClocksRecalculated, _at: datetime) -> Clocks:
    """Move limits; what was resumed rests no more."""
    after = dict(clocks)
    for move in data.clocks:
        clock = after.get(move.token)
        if clock is not None and clock.ended_at is None:
            after[move.token] = _moved(clock, move, data)
    return after


def _moved(clock: Clock, move: m.ClockMove, data: m.ClocksRecalculated) -> Clock:
    """Give a clock with its new limit; the first one is kept, and a warning of the old one is over with it."""
    first = clock.first_limit or clock.limit
    limit = move.limit or first  # what a move does not say is as at the start
    spans = {} if limit == clock.limit else {"limit_was": clock.limit, "limit": limit}
    moved = Move(at=data.at, old=move.old, new=move.new, why=data.why, **spans)
    changes: dict[str, Any] = {
        "due_at": move.new,
        "first_due_at": clock.first_due_at or clock.due_at,
        "limit": limit,
        "first_limit": clock.first_limit or (clock.limit if spans else None),
        "warn_at": move.warn_at,
        "warn_again": move.warn_again,
        "calendar": move.calendar,
        "provisional": move.provisional,
        "moves": (*clock.moves, moved)[-PAUSES_KEPT:],
    }
    if data.why in GO_ON and clock.rests:
        last = clock.pauses[-1]
        ended = last.model_copy(update={"until": max(data.at, last.since)})
        changes["pauses"] = (*clock.pauses[:-1], ended)
    if clock.state == "warned" and move.warn_at is not None and move.warn_at > data.at:
        changes["state"] = "running"
    return clock.model_copy(update=changes)


def warned(clocks: Clocks, data: m.ClockWarned, _at: datetime) -> Clocks:
    """Mark a clock whose limit is near."""
    return _marked(clocks, data.token, state="warned", warned=data.nth)


def breached(clocks: Clocks, data: m.ClockBreached, at: datetime) -> Clocks:
    """Mark a clock whose limit has passed.

    A level's clock is over with its breach, since the next one follows it; of the others the duty stands on.
    """
    if data.clock == LADDER:
        return _marked(clocks, data.token, state="breached", ended_at=at)
    return _marked(clocks, data.token, state="breached")


def pinned(clocks: Clocks, policy: str) -> Clocks:
    """Let the clocks that run or rest follow another version of the profile; what was breached keeps its limit."""
    return {
        token: clock
        if clock.ended_at is not None or clock.state == "breached"
        else clock.model_copy(update={"policy": policy})
        for token, clock in clocks.items()
    }


def _marked(clocks: Clocks, token: str, **changes: Any) -> Clocks:
    clock = clocks.get(token)
    if clock is None or clock.ended_at is not None:
        return clocks
    return {**clocks, token: clock.model_copy(update=changes)}


FOLDS: Final[dict[type[m.Body], Callable[[Clocks, Any, datetime], Clocks]]] = {
    m.ClocksStopped: stopped,
    m.ClocksPaused: paused,
    m.ClockWarned: warned,
    m.ClockBreached: breached,
}
"""What happened -> what the clocks are after it. What else it changes, or depends on, is in domain.py: `started`,
`recalculated`, `pinned`."""
