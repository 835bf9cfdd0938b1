"""Did every timer of a ticket fire, once, in time, and only where it had to? Found from the log by another path.

The rules fold a state and wait for instants. Here nothing is folded: each order's limits are taken from the
order itself, each limit is laid beside the answer that came, and what should have fired is compared with what
did. A rule that is wrong is not wrong here in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockWarned,
    EscalationAccepted,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderWithdrawn,
    SupervisionRepeated,
    TicketClosed,
    TicketEscalated,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.decider import Message

FindingKind = Literal["missed", "doubled", "fired-though-met", "late", "early", "stray", "wrong-limit"]
LATE: Final = timedelta(minutes=1)
"""How long after its instant a timer may fire, and until when one that did not is not yet missed."""
RACE: Final = timedelta(seconds=5)
"""An answer given this shortly before a limit may cross the breach on its way through the log."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be so."""

    kind: FindingKind
    ticket: str
    what: str
    at: datetime | None = None


@dataclass(slots=True)
class Duty:
    """Something that must be done by an instant, by the order or by the level that was added."""

    name: str
    cause: str
    known_at: datetime
    due_at: datetime
    warn_at: datetime | None = None
    token: str = ""
    """Empty until sla has started its clock."""
    ended_at: datetime | None = None
    level: str | None = None
    """For a level that was added: which."""
    parent: Duty | None = None
    """And the duty whose breach added it."""
    warned: list[datetime] = field(default_factory=list)
    breached: list[datetime] = field(default_factory=list)

    def end(self, at: datetime) -> None:
        """Note the first instant at which nothing was owed any more."""
        self.ended_at = self.ended_at or at

    def over_at(self) -> datetime | None:
        """Give when the duty or the one that it follows from ended."""
        ends = [duty.ended_at for duty in (self, self.parent) if duty is not None and duty.ended_at is not None]
        return min(ends, default=None)


def audit(
    messages: Iterable[Message], now: datetime, *, late: timedelta = LATE, race: timedelta = RACE
) -> list[Finding]:
    """Give what is wrong with the timers of one ticket, from everything that the log holds about it, in order."""
    ledger = Ledger(now, late, race)
    seen: set[tuple[str, str]] = set()
    for message in messages:
        key = (message.envelope.source, message.envelope.id)
        if key not in seen:  # a fact may be published twice, with one id
            seen.add(key)
            ledger.enter(message)
    return ledger.findings()


class Ledger:
    """What was owed on one ticket, and what fired."""

    def __init__(self, now: datetime, late: timedelta, race: timedelta) -> None:
        """Begin empty."""
        self._now, self._late, self._race = now, late, race
        self._ticket = ""
        self._duties: dict[tuple[str, str], list[Duty]] = {}
        """(order, sign or handle) -> its runs."""
        self._levels: list[Duty] = []
        self._by_token: dict[str, Duty] = {}
        self._added: set[tuple[str, str]] = set()
        self._accepted: set[tuple[str, str | None, str]] = set()
        """(causation, level, cause): acceptances."""
        self._owed_step: tuple[str, datetime] | None = None
        self._owed_clock: tuple[str, datetime] | None = None
        self._findings: list[Finding] = []

    def enter(self, message: Message) -> None:
        """Take the next message of the log."""
        self._ticket = message.ticket
        self._enter_order(message)
        self._enter_clock(message)

    def _enter_order(self, message: Message) -> None:
        data, at = message.data, message.envelope.time
        match data:
            case OrderIssued():
                self._owe(data, "sign", at, data.issued_at, data.sign_by)
                self._owe(data, "handle", at, data.issued_at, data.handle_by)
            case OrderReworked():
                self._end(at, data.order_id, "handle")
                self._owe(data, "handle", at, at, data.handle_by)
            case OrderSigned():
                self._end(data.signed_at, data.order_id, "sign")
            case OrderDone():
                self._end(data.done_at, data.order_id)
            case OrderReturned() | OrderWithdrawn():
                self._end(at, data.order_id)
            case TicketClosed():
                self._end(at)

    def _enter_clock(self, message: Message) -> None:
        data, at = message.data, message.envelope.time
        match data:
            case ClocksStarted():
                for start in data.clocks:
                    self._start(start, at)
            case ClocksStopped():
                for stop in data.clocks:
                    self._stop(message, stop.token)
            case ClockWarned():
                self._fired(data.token, at, "warning")
            case ClockBreached():
                self._fired(data.token, at, "breach")
            case TicketEscalated():
                if (data.to_level, data.cause) in self._added:
                    self._find("doubled", f"level {data.to_level} was added twice for {data.cause}", at)
                self._added.add((data.to_level, data.cause))
                self._step(data.cause, at)
            case SupervisionRepeated():
                self._step(data.cause, at)
            case EscalationAccepted():
                self._accepted.add((message.envelope.causation, data.level, data.cause))

    def findings(self) -> list[Finding]:
        """Give everything that is wrong, once the log has been entered."""
        self._settle_steps(self._now - self._late)
        for duty in [duty for runs in self._duties.values() for duty in runs] + self._levels:
            if not duty.token:
                if duty.known_at + self._late < self._now:
                    self._find("missed", f"the clock of {duty.name} was never started", duty.known_at)
                continue
            if duty.warn_at is not None and duty.warn_at < duty.due_at:
                self._compare(duty, "warning", duty.warn_at, duty.warned)
            self._compare(duty, "breach", duty.due_at, duty.breached)
        return self._findings

    # ------------------------------------------------------------ what is owed

    def _owe(
        self, order: OrderIssued | OrderReworked, clock: str, known_at: datetime, start: datetime, due_at: datetime
    ) -> None:
        runs = self._duties.setdefault((order.order_id, clock), [])
        warn_at = start + order.warn_share * (due_at - start)
        runs.append(Duty(f"{clock} of {order.order_id}, run {len(runs) + 1}", clock, known_at, due_at, warn_at))

    def _end(self, at: datetime, order_id: str | None = None, clock: str | None = None) -> None:
        for (order, name), runs in self._duties.items():
            if order_id in {None, order} and clock in {None, name}:
                for duty in runs:
                    duty.end(at)

    # ------------------------------------------------------------ what sla did

    def _start(self, start: ClockStart, at: datetime) -> None:
        runs = self._duties.get((start.order_id or "", start.cause or start.clock), [])
        if start.clock == "ladder":
            self._start_level(start, at, runs)
            return
        duty = next((duty for duty in runs if not duty.token), None)
        if duty is None:
            self._find("doubled", f"a clock {start.token} was started that no order asked for", at)
            return
        duty.token = start.token
        self._by_token[start.token] = duty
        if start.due_at != duty.due_at:
            self._find("wrong-limit", f"the clock of {duty.name} runs to {start.due_at}, not to {duty.due_at}", at)

    def _start_level(self, start: ClockStart, at: datetime, runs: list[Duty]) -> None:
        cause = start.cause or ""
        if self._owed_clock is None or self._owed_clock[0] != cause:
            self._find("doubled", f"a clock {start.token} was started for a level that no breach added", at)
        self._owed_clock = None
        parent = next((duty for duty in reversed(runs) if duty.token), None)
        duty = Duty(f"level {start.level} for {cause}", cause, at, start.due_at)
        duty.token, duty.level, duty.parent = start.token, start.level, parent
        self._levels.append(duty)
        self._by_token[start.token] = duty

    def _stop(self, message: Message, token: str) -> None:
        """Note that an acceptance ended a level's clock; answers end the rest, and are known from the orders."""
        duty = self._by_token.get(token)
        if duty is not None and (message.envelope.causation, duty.level, duty.cause) in self._accepted:
            duty.end(message.envelope.time)

    def _fired(self, token: str, at: datetime, event: Literal["warning", "breach"]) -> None:
        duty = self._by_token.get(token)
        if duty is None:
            self._find("stray", f"a {event} of the clock {token}, which nobody started", at)
            return
        (duty.warned if event == "warning" else duty.breached).append(at)
        if event == "breach":
            self._settle_steps(at)
            self._owed_step = (duty.cause, at)

    def _step(self, cause: str, at: datetime) -> None:
        """Each breach takes one step up for its cause, and each step starts the clock of its level."""
        if self._owed_step is None or self._owed_step[0] != cause:
            self._find("doubled", f"a step up for {cause} that no breach asked for", at)
        self._owed_step = None
        self._owed_clock = (cause, at)

    def _settle_steps(self, by: datetime) -> None:
        """Find what was owed by an instant and did not come; what follows later may be on its way."""
        for owed, what in ((self._owed_step, "step up"), (self._owed_clock, "clock for the level that was called")):
            if owed is not None and owed[1] <= by:
                self._find("missed", f"no {what} after a breach of {owed[0]}", owed[1])
        self._owed_step = self._owed_clock = None

    # ------------------------------------------------------------ the comparison

    def _compare(self, duty: Duty, event: str, due_at: datetime, fired: list[datetime]) -> None:
        name, over_at = f"{event} of {duty.name}", duty.over_at()
        if not fired:
            if (over_at is None or due_at < over_at) and due_at + self._late < self._now:
                self._find("missed", f"no {name}", due_at)
            return
        if len(fired) > 1:
            self._find("doubled", f"{len(fired)} times the {name}", fired[1])
        if over_at is not None and over_at + self._race <= due_at:
            self._find("fired-though-met", f"{name}, which had ended at {over_at}", fired[0])
        if fired[0] + self._race < due_at:
            self._find("early", f"{name} {due_at - fired[0]} before its instant", fired[0])
        if fired[0] - due_at > self._late:
            self._find("late", f"{name} {fired[0] - due_at} after its instant", fired[0])

    def _find(self, kind: FindingKind, what: str, at: datetime) -> None:
        self._findings.append(Finding(kind, self._ticket, what, at))
