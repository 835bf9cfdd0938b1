"""What does sla know of a ticket? The clocks that run, and which levels have been added as owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import AwareDatetime, Field

from shared.calendar import Pause
from shared.decider import Frozen, Message, State
from shared.ids import digest
from shared.messages import (
    AdjudicationAsked,
    AuditFound,
    ClockBreached,
    ClockMove,
    ClocksPaused,
    ClocksRecalculated,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockWarned,
    FindingKind,
    InformationRequested,
    InformationWaitEnded,
    LadderCause,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReworked,
    OrderSuspended,
    PolicyApplied,
    Severity,
    Span,
    SupervisionRepeated,
    TicketAmended,
    TicketClosed,
    TicketEscalated,
    TriageNeeded,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.messages import Body, Handler

LADDER: Final = "ladder"
FOUND_KEPT: Final = 500
"""Findings of audits that are remembered per ticket; the auditor itself tells none that is on the log."""


class Rest(Frozen):
    """A pause of a clock."""

    since: AwareDatetime
    until: AwareDatetime | None = None
    reason: str = ""

    def pause(self) -> Pause:
        """Give it as the calendar counts it."""
        return Pause(self.since, self.until, self.reason)


class Extension(Frozen):
    """A limit that somebody has moved."""

    old: AwareDatetime
    new: AwareDatetime


class Running(Frozen):
    """A clock that runs or rests. It stays after its breach, until somebody does what it waits for."""

    start: ClockStart
    moved: ClockMove | None = None
    """Its limit as it was last counted again; the one with which it began stays in `start`."""
    extensions: tuple[Extension, ...] = ()
    rests: tuple[Rest, ...] = ()
    warned: int = 0
    """How many of its warnings were given."""
    breached: bool = False

    @property
    def cause(self) -> str:
        """Give the duty that it stands for: its own, or the one whose breach it follows."""
        return self.start.cause or self.start.clock

    @property
    def due_at(self) -> datetime:
        """Give its limit as it stands; while it rests, the one that stood before."""
        return self.start.due_at if self.moved is None else self.moved.new

    @property
    def limit(self) -> Span:
        """Give the length of time as it stands."""
        return self.start.limit if self.moved is None or self.moved.limit is None else self.moved.limit

    @property
    def warnings(self) -> tuple[datetime, ...]:
        """Give the instants of its warnings as they stand, the earliest first."""
        now = self.moved or self.start
        return () if now.warn_at is None else (now.warn_at, *now.warn_again)

    @property
    def calendar(self) -> str:
        """Give name and version of the working time by which its limit was counted last."""
        return (self.moved or self.start).calendar

    @property
    def provisional(self) -> bool:
        """Tell whether its limit depends on holidays that are not published yet."""
        return (self.moved or self.start).provisional

    @property
    def resting(self) -> bool:
        """Tell whether it is paused now."""
        return bool(self.rests) and self.rests[-1].until is None

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """Give its pauses as the calendar counts them."""
        return tuple(rest.pause() for rest in self.rests)

    def next_warning(self) -> datetime | None:
        """Give the instant of its next warning; None when its next event is its limit."""
        left = self.warnings[self.warned :]
        return left[0] if left and left[0] < self.due_at else None

    def next_at(self) -> datetime | None:
        """Give the instant of its next warning or its limit, whichever comes next; None when nothing more comes."""
        if self.breached or self.resting:
            return None
        return self.next_warning() or self.due_at


class Asked(Frozen):
    """The caller was asked something and has not answered yet."""

    since: AwareDatetime
    until: AwareDatetime


class SlaState(State):
    """The running clocks, the owners that were added, and what limits and a climb depend on."""

    level: str = ""
    unit: str = ""
    """The territorial owner by the last order, and its level; before there is one, who must triage."""
    severity: Severity = "IV"
    category: str = ""
    condition: str = ""
    channel: str = ""
    request: str = ""
    policy: str = ""
    """The version of the profile whose rules hold for the ticket."""
    mode: str = ""
    """And the operating mode."""
    place: str = ""
    """The lowest unit that is known of where it is."""
    road: str = ""
    asked: Asked | None = None
    questions: int = 0
    calendar: str = ""
    """The working time of the last order; before there is one, the usual one."""
    clocks: tuple[Running, ...] = ()
    owners: dict[LadderCause, tuple[str, ...]] = Field(default_factory=dict)
    """Levels that were added for a cause, lowest first; they are kept for ever."""
    repeated: dict[LadderCause, int] = Field(default_factory=dict)
    """How often the top was called again."""
    started: int = 0
    """Clocks started so far: makes each token its own."""
    alarmed: bool = False
    """The top was called for a grave matter that is not done yet."""
    suspended: dict[str, str] = Field(default_factory=dict)
    """Orders that rest, and why: what begins meanwhile for their handling rests too."""
    departments: dict[str, str] = Field(default_factory=dict)
    """Orders beside the last lead's, and whose working time is theirs; empty: no department's."""
    own_limits: tuple[str, ...] = ()
    """Orders whose handling limit is their own, whatever is corrected."""
    closed: bool = False
    found: tuple[str, ...] = ()
    """What audits have found, as `found_as` names it."""


def found_as(kind: FindingKind, timer: str) -> str:
    """Give the short name of a finding."""
    return digest(kind, timer, size=6).hex()


def wake_at(state: SlaState) -> datetime | None:
    """Give the earliest warning, limit or end of a wait that has not fired; None when there is none."""
    due = [at for running in state.clocks if (at := running.next_at()) is not None]
    if state.asked is not None:
        due.append(state.asked.until)
    return min(due, default=None)


def evolve(state: SlaState, message: Message) -> SlaState:
    """Give the state after a message that was read, or after a fact of sla's own."""
    return after(state, message.data)


def after(state: SlaState, body: Body) -> SlaState:
    """Give the state after a body; what names a token that does not run changes nothing."""
    change = AFTER.get(type(body))
    return state if change is None else state.model_copy(update=change(state, body))


def folded(state: SlaState, *bodies: Body) -> SlaState:
    """Give the state after several bodies."""
    for body in bodies:
        state = after(state, body)
    return state


def _started(state: SlaState, fact: ClocksStarted) -> dict[str, Any]:
    added = tuple(Running(start=start) for start in fact.clocks)
    return {"clocks": state.clocks + added, "started": state.started + len(added)}


def _stopped(state: SlaState, fact: ClocksStopped) -> dict[str, Any]:
    over = {stop.token for stop in fact.clocks}
    return {"clocks": tuple(running for running in state.clocks if running.start.token not in over)}


def _each(state: SlaState, tokens: set[str], change: Callable[[Running], dict[str, Any]]) -> dict[str, Any]:
    return {
        "clocks": tuple(
            running.model_copy(update=change(running)) if running.start.token in tokens else running
            for running in state.clocks
        )
    }


def _paused(state: SlaState, fact: ClocksPaused) -> dict[str, Any]:
    rest = Rest(since=fact.since, reason=fact.reason)
    return _each(state, set(fact.tokens), lambda on: {} if on.resting else {"rests": (*on.rests, rest)})


def _recalculated(state: SlaState, fact: ClocksRecalculated) -> dict[str, Any]:
    moves = {move.token: move for move in fact.clocks}

    def change(running: Running) -> dict[str, Any]:
        changed: dict[str, Any] = {"moved": moves[running.start.token]}
        if fact.why in {"resumed", "answered"} and running.resting:
            last = running.rests[-1].model_copy(update={"until": max(fact.at, running.rests[-1].since)})
            changed["rests"] = (*running.rests[:-1], last)
        return changed

    return _each(state, set(moves), change)


def _warned(state: SlaState, fact: ClockWarned) -> dict[str, Any]:
    return _each(state, {fact.token}, lambda running: {"warned": running.warned + 1})


def _breached(state: SlaState, fact: ClockBreached) -> dict[str, Any]:
    """A ladder clock ends with its breach, since the next level takes over its duty; the others stand on."""
    if fact.clock == LADDER:
        return {"clocks": tuple(running for running in state.clocks if running.start.token != fact.token)}
    return _each(state, {fact.token}, lambda _running: {"breached": True})


def _escalated(state: SlaState, fact: TicketEscalated) -> dict[str, Any]:
    owners = {**state.owners, fact.cause: (*state.owners.get(fact.cause, ()), fact.to_level)}
    return {"owners": owners, "alarmed": state.alarmed or fact.cause == "severity"}


def _extended(state: SlaState, fact: OrderExtended) -> dict[str, Any]:
    granted = Extension(old=fact.old, new=fact.handle_by)
    handling = {("handle", fact.order_id), ("assist-handle", fact.order_id)}
    tokens = {on.start.token for on in state.clocks if (on.start.clock, on.start.order_id) in handling}
    return _each(state, tokens, lambda running: {"extensions": (*running.extensions, granted)})


def _found(state: SlaState, fact: AuditFound) -> dict[str, Any]:
    return {"found": (*state.found, found_as(fact.finding.kind, fact.finding.timer))[-FOUND_KEPT:]}


def _resumed(state: SlaState, fact: OrderResumed) -> dict[str, Any]:
    return {"suspended": {order: why for order, why in state.suspended.items() if order != fact.order_id}}


def _issued(state: SlaState, order: OrderIssued) -> dict[str, Any]:
    own: dict[str, Any] = {"own_limits": (*state.own_limits, order.order_id)} if order.own_limit else {}
    if order.role == "whistle":
        return {}
    if order.role == "assist":
        return own | {"departments": {**state.departments, order.order_id: _department(order.handler)}}
    if order.takes_over and order.lead is not None:  # both lead until the new one has signed
        both = {order.takes_over: _department(order.lead), order.order_id: _department(order.handler)}
        own |= {"departments": state.departments | both}
    return own | {
        "level": order.level,
        "unit": order.unit,
        "severity": order.severity,
        "category": order.category.code,
        "condition": order.category.condition,
        "channel": order.channel or "",
        "request": order.request or "",
        "policy": order.profile_version,
        "mode": order.mode,
        "place": order.place.unit,
        "road": order.place.road or "",
        "calendar": order.calendar,
        "suspended": {
            each: why
            for each, why in state.suspended.items()
            if order.takes_over or each in state.departments  # an assist's rest goes on, whoever leads
        },
        "closed": False,
    }


def _own(before: tuple[str, ...], order: OrderReworked) -> tuple[str, ...]:
    """Give the orders with a limit of their own: a rework has what its step says, and no promise."""
    others = tuple(each for each in before if each != order.order_id)
    return (*others, order.order_id) if order.own_limit else others


def _department(handler: Handler) -> str:
    return handler.id if handler.kind == "department" else ""


AFTER: Final[dict[type[Body], Callable[[SlaState, Any], dict[str, Any]]]] = {
    TriageNeeded: lambda state, fact: {
        "unit": state.unit or fact.unit,
        "channel": fact.channel or state.channel,
        "request": fact.request or state.request,
        "closed": False,
    },
    AdjudicationAsked: lambda _state, fact: {"unit": fact.unit, "level": fact.level, "closed": False},
    OrderIssued: _issued,
    OrderReworked: lambda state, order: {
        "suspended": {},
        "closed": False,
        "own_limits": _own(state.own_limits, order),
    },
    OrderDone: lambda _state, order: {"alarmed": False} if order.role == "lead" else {},
    OrderSuspended: lambda state, order: {"suspended": {**state.suspended, order.order_id: order.reason}},
    OrderResumed: _resumed,
    OrderExtended: _extended,
    TicketAmended: lambda _state, fact: {
        "level": fact.level,
        "unit": fact.unit,
        "severity": fact.severity,
        "category": fact.category.code,
        "condition": fact.category.condition,
        "calendar": fact.calendar,
    },
    PolicyApplied: lambda _state, fact: {"policy": fact.policy},
    InformationRequested: lambda state, fact: {
        "asked": Asked(since=fact.since, until=fact.until),
        "questions": state.questions + 1,
    },
    InformationWaitEnded: lambda _state, _fact: {"asked": None},
    TicketClosed: lambda _state, _fact: {
        "alarmed": False,
        "suspended": {},
        "departments": {},
        "own_limits": (),
        "asked": None,
        "closed": True,
    },
    ClocksStarted: _started,
    ClocksStopped: _stopped,
    ClocksPaused: _paused,
    ClocksRecalculated: _recalculated,
    ClockWarned: _warned,
    ClockBreached: _breached,
    TicketEscalated: _escalated,
    AuditFound: _found,
    SupervisionRepeated: lambda state, fact: {"repeated": {**state.repeated, fact.cause: fact.times}},
}
"""What each message changes."""
