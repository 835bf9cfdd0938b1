"""What does sla know of a ticket? The clocks that run, and which levels have been added as owners."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from shared.decider import Message, State
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockWarned,
    LadderCause,
    OrderIssued,
    OrderReworked,
    Severity,
    SupervisionRepeated,
    TicketClosed,
    TicketEscalated,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.messages import Body

LADDER: Final = "ladder"


class Running(BaseModel):
    """A clock that runs. Sign and handle clocks stay after their breach, until somebody does what they wait for."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    start: ClockStart
    warned: bool = False
    breached: bool = False

    @property
    def cause(self) -> str:
        """Give the duty that it stands for: its own, or the one whose breach it follows."""
        return self.start.cause or self.start.clock

    def warns_next(self) -> bool:
        """Tell whether its next event is the warning."""
        warn_at = self.start.warn_at
        return not self.warned and warn_at is not None and warn_at < self.start.due_at

    def next_at(self) -> datetime | None:
        """Give the instant of its warning or its limit, whichever comes next; None when nothing more comes."""
        if self.breached:
            return None
        return self.start.warn_at if self.warns_next() else self.start.due_at


class SlaState(State):
    """The running clocks, the owners that were added, and what a climb needs to know of the last order."""

    level: str = ""
    unit: str = ""
    """The territorial owner by the last order, and its level."""
    severity: Severity = "IV"
    clocks: tuple[Running, ...] = ()
    owners: dict[LadderCause, tuple[str, ...]] = Field(default_factory=dict)
    """Levels that were added for a cause, lowest first; they are kept for ever."""
    repeated: dict[LadderCause, int] = Field(default_factory=dict)
    """How often the top was called again."""
    started: int = 0
    """Clocks started so far: makes each token its own."""
    closed: bool = False


def wake_at(state: SlaState) -> datetime | None:
    """Give the earliest warning or limit that has not fired; None when there is none."""
    return min((at for running in state.clocks if (at := running.next_at()) is not None), default=None)


def evolve(state: SlaState, message: Message) -> SlaState:
    """Give the state after a message that was read, or after a fact of sla's own."""
    return after(state, message.data)


def after(state: SlaState, body: Body) -> SlaState:
    """Give the state after a body; what names a token that does not run changes nothing."""
    change = AFTER.get(type(body))
    return state if change is None else state.model_copy(update=change(state, body))


def _started(state: SlaState, fact: ClocksStarted) -> dict[str, Any]:
    added = tuple(Running(start=start) for start in fact.clocks)
    return {"clocks": state.clocks + added, "started": state.started + len(added)}


def _stopped(state: SlaState, fact: ClocksStopped) -> dict[str, Any]:
    over = {stop.token for stop in fact.clocks}
    return {"clocks": tuple(running for running in state.clocks if running.start.token not in over)}


def _warned(state: SlaState, fact: ClockWarned) -> dict[str, Any]:
    return {
        "clocks": tuple(
            running.model_copy(update={"warned": True}) if running.start.token == fact.token else running
            for running in state.clocks
        )
    }


def _breached(state: SlaState, fact: ClockBreached) -> dict[str, Any]:
    """A ladder clock ends with its breach, since the next level takes over its duty; the others stand on."""
    return {
        "clocks": tuple(
            running.model_copy(update={"breached": True}) if running.start.token == fact.token else running
            for running in state.clocks
            if running.start.token != fact.token or fact.clock != LADDER
        )
    }


def _escalated(state: SlaState, fact: TicketEscalated) -> dict[str, Any]:
    return {"owners": {**state.owners, fact.cause: (*state.owners.get(fact.cause, ()), fact.to_level)}}


AFTER: Final[dict[type[Body], Callable[[SlaState, Any], dict[str, Any]]]] = {
    OrderIssued: lambda _state, order: {
        "level": order.level,
        "unit": order.unit,
        "severity": order.severity,
        "closed": False,
    },
    OrderReworked: lambda _state, _order: {"closed": False},
    TicketClosed: lambda _state, _fact: {"closed": True},
    ClocksStarted: _started,
    ClocksStopped: _stopped,
    ClockWarned: _warned,
    ClockBreached: _breached,
    TicketEscalated: _escalated,
    SupervisionRepeated: lambda state, fact: {"repeated": {**state.repeated, fact.cause: fact.times}},
}
"""What each message changes."""
