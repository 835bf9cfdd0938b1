"""Did every timer of a ticket fire, once, in time, and only where it had to? Found from the log by another path.

The rules fold a state and wait for instants. Here nothing is folded: each order's limits are taken from the
order itself, each limit is laid beside the answer that came, and what should have fired is compared with what
did. A rule that is wrong is not wrong here in the same way.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

from shared.calendar import ALWAYS, Pause, advance, elapsed
from shared.deadline import counted_on, due_at, length, share_at
from shared.messages import (
    AcceptEscalation,
    AdjudicationAsked,
    CallBackAsked,
    CalledBack,
    ClockBreached,
    ClocksRecalculated,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockWarned,
    EscalationAccepted,
    EscalationHandedBack,
    HandBack,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    ReworkOrdered,
    Span,
    SupervisionRepeated,
    TicketClosed,
    TicketDiverted,
    TicketEscalated,
    TicketTriaged,
    TicketVerified,
    TriageNeeded,
    VerificationAsked,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shared.calendar import Calendar
    from shared.decider import Message
    from shared.messages import ClockMove
    from shared.profile import Profile

FindingKind = Literal["missed", "doubled", "fired-though-met", "late", "early", "stray", "wrong-limit"]
LATE: Final = timedelta(minutes=1)
"""How long after its instant a timer may fire, and until when one that did not is not yet missed."""
OPTIONAL: Final = frozenset({"accept", "dispatch", "verify", "call-back", "total"})
RACE: Final = timedelta(seconds=5)
"""An answer given this shortly before a limit may cross the breach on its way through the log."""


ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""


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
    order_id: str = ""
    token: str = ""
    """Empty until sla has started its clock."""
    started_at: datetime | None = None
    limit: Span | None = None
    calendar: Calendar = ALWAYS
    warn_share: float = 0.0
    extra: timedelta = timedelta(0)
    """Counted time that extensions have added."""
    pauses: list[Pause] = field(default_factory=list)
    ended_at: datetime | None = None
    level: str | None = None
    """For a level that was added: which."""
    parent: Duty | None = None
    """And the duty whose breach added it."""
    stood: tuple[datetime, datetime | None, datetime] | None = None
    """Limit and warning before an order moved them last, and when it did."""
    agreed: set[datetime] = field(default_factory=set)
    """Limits to which orders have moved it."""
    warned: list[datetime] = field(default_factory=list)
    breached: list[datetime] = field(default_factory=list)

    @property
    def resting(self) -> bool:
        """Tell whether a pause of it has no end."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def rest(self, since: datetime) -> None:
        """Note that it rests, unless its limit has passed; a pause within a pause is none."""
        if not self.resting and self._stands(since):
            self.pauses.append(Pause(since, None))

    def go_on(self, resumed_at: datetime, at: datetime) -> None:
        """Note, from what was said at `at`, that it goes on with the rest of its time."""
        if self.resting:
            since = self.pauses[-1].start
            self.pauses[-1] = Pause(since, max(resumed_at, since))
            self._count_again(since, at)

    def extend(self, old: datetime, new: datetime, at: datetime) -> None:
        """Note that its limit was moved by somebody who may, unless it has passed."""
        if self.limit is not None and self._stands(at):
            self.extra += elapsed(counted_on(self.limit, self.calendar), old, new)
            self._count_again(at, at)

    def _stands(self, at: datetime) -> bool:
        """Tell whether at an instant it is owed and in time."""
        return not self.breached and self.ended_at is None and at <= self.due_at

    def counted(self) -> tuple[datetime, datetime | None]:
        """Give limit and warning as they follow from its start, its pauses and its extensions."""
        assert self.limit is not None and self.started_at is not None  # noqa: S101, PT018 - every duty begins with both
        on = counted_on(self.limit, self.calendar)
        whole = length(self.started_at, self.limit, self.calendar) + self.extra
        due = advance(on, self.started_at, whole, self.pauses) or self.due_at
        return due, advance(on, self.started_at, self.warn_share * whole, self.pauses) if self.warn_share else None

    def at_first(self) -> datetime:
        """Give the limit without pauses and extensions."""
        return replace(self, pauses=[], extra=timedelta(0)).counted()[0]

    def _count_again(self, since: datetime, at: datetime) -> None:
        """Move it by what was said at `at`; what had to be warned of before `since` stays so."""
        if self.breached:
            return  # what was agreed afterwards changes nothing
        self.stood = (self.due_at, self.warn_at, at)
        due_at, warn_at = self.counted()
        self.move(due_at, self.warn_at if self.warn_at is not None and self.warn_at < since else warn_at, at)
        self.agreed.add(self.due_at)

    def move(self, due_at: datetime, warn_at: datetime | None, at: datetime) -> None:
        """Set limit and warning as they are known since an instant; it warns once, by the limit that stood then."""
        self.due_at, self.warn_at = due_at, self.warn_at if self.warned else warn_at
        self.known_at = max(self.known_at, at)

    def crossed(self, event: str, at: datetime, race: timedelta) -> None:
        """Let an event that crossed a move on its way through the log be one by the limit that stood before."""
        if self.stood is None or at > self.stood[2] + race:
            return
        due_at, warn_at, _ = self.stood
        if event == "breach" and due_at <= at < self.due_at:
            self.due_at = due_at
        elif event == "warning" and warn_at is not None and self.warn_at is not None and warn_at <= at < self.warn_at:
            self.warn_at = warn_at

    def end(self, at: datetime) -> None:
        """Note the first instant at which nothing was owed any more."""
        self.ended_at = self.ended_at or at

    def over_at(self) -> datetime | None:
        """Give when the duty or the one that it follows from ended."""
        ends = [duty.ended_at for duty in (self, self.parent) if duty is not None and duty.ended_at is not None]
        return min(ends, default=None)


def audit(
    messages: Iterable[Message], profile: Profile, now: datetime, *, late: timedelta = LATE, race: timedelta = RACE
) -> list[Finding]:
    """Give what is wrong with the timers of one ticket, from everything that the log holds about it, in order."""
    ledger = Ledger(profile, now, late, race)
    seen: set[tuple[str, str]] = set()
    for message in messages:
        key = (message.envelope.source, message.envelope.id)
        if key not in seen:  # a fact may be published twice, with one id
            seen.add(key)
            ledger.enter(message)
    return ledger.findings()


class Ledger:
    """What was owed on one ticket, and what fired."""

    def __init__(self, profile: Profile, now: datetime, late: timedelta, race: timedelta) -> None:
        """Begin empty."""
        self._profile = profile
        self._now, self._late, self._race = now, late, race
        self._ticket = ""
        self._duties: dict[tuple[str, str], list[Duty]] = {}
        """(order, sign or handle) -> its runs."""
        self._levels: list[Duty] = []
        self._by_token: dict[str, Duty] = {}
        self._added: set[tuple[str, str]] = set()
        self._accepted: set[tuple[str, str | None, str]] = set()
        """(causation, level, cause): acceptances, and what was handed back."""
        self._asked: dict[str, datetime] = {}
        """When a level accepted or handed back; sla may have read it much later."""
        self._suspended: set[str] = set()
        """Orders that rest."""
        self._version = ""
        """Profile under which the last order was issued."""
        self._alarm: Duty | None = None
        """What a grave matter owes to the top, from its first order until it is done; it has no limit of its own."""
        self._owed_steps: dict[str, datetime] = {}
        """Cause -> since when a step up is owed for it."""
        self._owed_clocks: dict[str, tuple[str, datetime]] = {}
        """Cause -> the level that was called for it and has no clock yet, and since when."""
        self._findings: list[Finding] = []

    def enter(self, message: Message) -> None:
        """Take the next message of the log."""
        self._ticket = message.ticket
        self._enter_order(message)
        self._enter_clock(message)

    def _enter_order(self, message: Message) -> None:  # noqa: C901, PLR0912 - a table, one line a message
        data, at = message.data, message.envelope.time
        match data:
            case OrderIssued():
                self._version = data.profile_version
                self._end(at, None, "dispatch")
                self._owe(data, "sign", at, data.issued_at, data.sign_by, data.sign_limit)
                self._owe(data, "handle", at, data.issued_at, data.handle_by, data.handle_limit)
                self._owe_total(data, at)
                if self._profile.ladder.at_once(data.severity) and self._alarm is None:
                    self._alarm, self._owed_steps["severity"] = Duty("alarm", "severity", at, at), at
            case OrderSuspended():
                self._suspended.add(data.order_id)
                self._each(data.order_id, lambda duty: duty.rest(data.since))
            case OrderResumed():
                self._suspended.discard(data.order_id)
                self._each(data.order_id, lambda duty: duty.go_on(data.resumed_at, at))
            case OrderExtended():
                for duty in self._duties.get((data.order_id, "handle"), ())[-1:]:
                    duty.extend(data.old, data.handle_by, at)
            case TriageNeeded():
                self._wait("accept", "", at)
            case TicketTriaged() | TicketDiverted():
                self._end(at, None, "accept")
            case AdjudicationAsked():
                self._wait("dispatch", "", at)
            case VerificationAsked():
                self._wait("verify", data.order_id, at)
            case TicketVerified() | ReworkOrdered():
                self._end(at, None, "verify")
            case CallBackAsked():
                self._wait("call-back", "", at)
            case CalledBack():
                self._end(at, None, "call-back")
            case OrderReworked():
                self._suspended.discard(data.order_id)
                self._end(at, data.order_id, "handle")
                self._owe(data, "handle", at, at, data.handle_by, data.handle_limit)
            case OrderSigned():
                self._end(data.signed_at, data.order_id, "sign")
            case OrderDone():
                self._end(data.done_at, data.order_id, "sign", "handle")
                self._end_alarm(data.done_at)
            case OrderReturned() | OrderWithdrawn():
                self._end(at, data.order_id, "sign", "handle")
            case TicketClosed():
                self._end(at)
                self._end_alarm(at)
            case AcceptEscalation() | HandBack():
                self._asked.setdefault(message.envelope.id, at)

    def _enter_clock(self, message: Message) -> None:  # noqa: C901, PLR0912 - a table, one line a message
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
                self._step(data.cause, data.to_level, at)
            case SupervisionRepeated():
                self._step(data.cause, data.level, at)
            case ClocksRecalculated():
                for move in data.clocks:
                    self._moved(move, at, agreed=data.why in {"resumed", "extended"})
            case EscalationHandedBack():
                self._accepted.add((message.envelope.causation, data.level, data.cause))
                self._settle(data.cause, at)
                self._owed_clocks[data.cause] = (data.to_level, at)
            case EscalationAccepted():
                self._accepted.add((message.envelope.causation, data.level, data.cause))

    def findings(self) -> list[Finding]:
        """Give everything that is wrong, once the log has been entered."""
        for cause in {*self._owed_steps, *self._owed_clocks}:
            self._settle(cause, self._now - self._late)
        for duty in [duty for runs in self._duties.values() for duty in runs] + self._levels:
            if not duty.token:
                if duty.cause in OPTIONAL and self._version not in {"", self._profile.version}:
                    continue  # the profile of its time may have had no such limit
                if duty.known_at + self._late < self._now:
                    self._find("missed", f"the clock of {duty.name} was never started", duty.known_at)
                continue
            if duty.warn_at is not None and duty.warn_at < duty.due_at:
                self._compare(duty, "warning", duty.warn_at, duty.warned)
            self._compare(duty, "breach", duty.due_at, duty.breached)
        return self._findings

    # ------------------------------------------------------------ what is owed

    def _owe(
        self,
        order: OrderIssued | OrderReworked,
        clock: str,
        known_at: datetime,
        start: datetime,
        due_at: datetime,
        limit: Span,
    ) -> None:
        calendar = self._profile.calendar(order.calendar)
        self._duty(clock, order.order_id, known_at, start, due_at, limit, calendar, order.warn_share)

    def _owe_total(self, order: OrderIssued, at: datetime) -> None:
        limit = self._profile.total(order.severity)
        if limit is None or any(duty.ended_at is None for duty in self._duties.get(("", "total"), ())):
            return
        start = order.issued_at if order.reported_at is None or order.attempt > 1 else order.reported_at
        calendar = self._profile.calendar(order.calendar)
        due, span = due_at(start, limit, calendar), Span(amount=limit.amount, unit=limit.unit)
        self._duty("total", "", at, start, due, span, calendar, order.warn_share)

    def _wait(self, clock: str, order_id: str, at: datetime) -> None:
        """Owe what a person is waited for, where the profile has a limit for it."""
        limit = self._profile.waiting(clock)
        if limit is None or any(duty.ended_at is None for duty in self._duties.get((order_id, clock), ())):
            return
        calendar = self._profile.calendar(self._profile.content.clocks.calendar)
        due, span = due_at(at, limit, calendar), Span(amount=limit.amount, unit=limit.unit)
        self._duty(clock, order_id, at, at, due, span, calendar, self._profile.warn_share)

    def _duty(
        self, clock: str, order_id: str, known_at: datetime, start: datetime, due: datetime, limit: Span,
        calendar: Calendar, warn_share: float,
    ) -> None:  # fmt: skip
        runs = self._duties.setdefault((order_id, clock), [])
        name = f"{clock} of {order_id}, run {len(runs) + 1}" if order_id else f"{clock}, run {len(runs) + 1}"
        duty = Duty(name, clock, known_at, due, share_at(start, due, limit, calendar, warn_share))
        duty.started_at, duty.limit, duty.calendar = start, limit, calendar
        duty.warn_share, duty.order_id = warn_share, order_id
        runs.append(duty)

    def _end(self, at: datetime, order_id: str | None = None, *clocks: str) -> None:
        for (order, name), runs in self._duties.items():
            if order_id in {None, order} and (not clocks or name in clocks):
                for duty in runs:
                    duty.end(at)

    def _each(self, order_id: str, do: Callable[[Duty], None]) -> None:
        """Do something to the handling of an order, and to the levels that its breach added."""
        runs = self._duties.get((order_id, "handle"), [])
        for duty in [*runs[-1:], *(level for level in self._levels if level.parent in runs)]:
            do(duty)

    def _end_alarm(self, at: datetime) -> None:
        """End the alarm for a grave matter once the order is done."""
        if self._alarm is not None:
            self._alarm.end(at)

    def _moved(self, move: ClockMove, at: datetime, *, agreed: bool) -> None:
        """Take a limit that was counted again: by an order that has said so, or by other calendars.

        What was counted by calendars that are no longer those of the profile is believed.
        """
        duty = self._by_token.get(move.token)
        if duty is None or duty.breached or duty.limit is None:
            return
        if move.calendar == counted_on(duty.limit, duty.calendar).id:
            right = duty.agreed if agreed else {self._by_today(duty)}
            crossing = duty.stood is not None and at <= duty.stood[2] + self._race
            if all(abs(move.new - limit) >= ROUNDED for limit in right) and (agreed or not crossing):
                self._find("wrong-limit", f"{duty.name} was moved to {move.new}, not to {duty.due_at}", at)
                return
        duty.move(move.new, move.warn_at, duty.known_at if agreed else at)

    def _by_today(self, duty: Duty) -> datetime:
        """Give a limit by the calendars of today; nobody may sign later than the matter had to be handled at first."""
        due, _ = duty.counted()
        if duty.cause != "sign" or duty.level is not None:
            return due
        handling = [run for run in self._duties.get((duty.order_id, "handle"), ()) if run.ended_at is None]
        return min([due, *(each.at_first() for each in handling)])

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
        if start.calendar != counted_on(start.limit, duty.calendar).id:
            duty.move(start.due_at, start.warn_at, at)  # counted by a calendar that is no longer known
        elif abs(start.due_at - duty.due_at) >= ROUNDED:
            self._find("wrong-limit", f"the clock of {duty.name} runs to {start.due_at}, not to {duty.due_at}", at)

    def _start_level(self, start: ClockStart, at: datetime, runs: list[Duty]) -> None:
        cause = start.cause or ""
        level, _ = self._owed_clocks.pop(cause, (None, at))
        if level is None:
            self._find("doubled", f"a clock {start.token} was started for a level that no breach added", at)
        elif level != start.level:
            self._find("stray", f"a clock {start.token} was started, and it was {level} that was called", at)
        parent = self._alarm if cause == "severity" else next((duty for duty in reversed(runs) if duty.token), None)
        duty = Duty(f"level {start.level} for {cause}", cause, at, start.due_at)
        duty.started_at, duty.limit = start.started_at, start.limit
        duty.calendar = self._profile.calendar(start.calendar.partition("@")[0])
        duty.token, duty.level, duty.parent = start.token, start.level, parent
        if cause == "handle" and start.order_id in self._suspended:
            duty.rest(start.started_at)
        self._levels.append(duty)
        self._by_token[start.token] = duty

    def _stop(self, message: Message, token: str) -> None:
        """Note that an acceptance ended a level's clock; answers end the rest, and are known from the orders."""
        duty = self._by_token.get(token)
        if duty is not None and (message.envelope.causation, duty.level, duty.cause) in self._accepted:
            duty.end(self._asked.get(message.envelope.causation, message.envelope.time))

    def _fired(self, token: str, at: datetime, event: Literal["warning", "breach"]) -> None:
        duty = self._by_token.get(token)
        if duty is None:
            self._find("stray", f"a {event} of the clock {token}, which nobody started", at)
            return
        duty.crossed(event, at, self._race)
        (duty.warned if event == "warning" else duty.breached).append(at)
        if event == "breach":
            self._settle(duty.cause, at)
            if self._profile.ladder.last(duty.cause) is not None:
                self._owed_steps[duty.cause] = at

    def _step(self, cause: str, level: str, at: datetime) -> None:
        """Each breach takes one step up for its cause, and each step starts the clock of its level."""
        if self._owed_steps.pop(cause, None) is None:
            self._find("doubled", f"a step up for {cause} that no breach asked for", at)
        self._owed_clocks[cause] = (level, at)

    def _settle(self, cause: str, by: datetime) -> None:
        """Find what was owed for a cause by an instant and did not come; what follows later may be on its way."""
        step, (_, clock) = self._owed_steps.pop(cause, None), self._owed_clocks.pop(cause, ("", None))
        for owed, what in ((step, "step up"), (clock, "clock for the level that was called")):
            if owed is not None and owed <= by:
                self._find("missed", f"no {what} after a breach of {cause}", owed)

    # ------------------------------------------------------------ the comparison

    def _compare(self, duty: Duty, event: str, due_at: datetime, fired: list[datetime]) -> None:
        name, over_at = f"{event} of {duty.name}", duty.over_at()
        since = max(due_at, duty.known_at)
        if not fired:
            if not duty.resting and (over_at is None or due_at < over_at) and since + self._late < self._now:
                self._find("missed", f"no {name}", due_at)
            return
        if len(fired) > 1:
            self._find("doubled", f"{len(fired)} times the {name}", fired[1])
        if any(p.start < due_at and p.start + self._race < fired[0] < (p.end or self._now) for p in duty.pauses):
            self._find("fired-though-met", f"{name} while it rested", fired[0])
        if over_at is not None and over_at + self._race <= due_at:
            self._find("fired-though-met", f"{name}, which had ended at {over_at}", fired[0])
        if fired[0] + self._race < due_at:
            self._find("early", f"{name} {due_at - fired[0]} before its instant", fired[0])
        if fired[0] - since > self._late:
            self._find("late", f"{name} {fired[0] - since} after its instant", fired[0])

    def _find(self, kind: FindingKind, what: str, at: datetime) -> None:
        self._findings.append(Finding(kind, self._ticket, what, at))
