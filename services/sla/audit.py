"""Did every timer of a ticket fire, once, in time, and only where it had to? Found from the log by another path.

The rules fold a state and wait for instants. Here nothing is folded: each order's limits are taken from the
order itself, each limit is laid beside the answer that came, and what should have fired is compared with what
did. A rule that is wrong is not wrong here in the same way.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from services.sla.domain.clocks import HANDLE, HANDLING_OF, SIGN
from services.sla.duty import Duty
from shared.deadline import counted_on, due_at, warnings_at
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
    InformationRequested,
    InformationWaitEnded,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderProgressed,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    PolicyApplied,
    ReworkOrdered,
    Span,
    StageCompleted,
    StageFailed,
    SupervisionRepeated,
    TicketAmended,
    TicketAttached,
    TicketClosed,
    TicketDiverted,
    TicketEscalated,
    TicketTriaged,
    TicketVerified,
    TimerFinding,
    TriageNeeded,
    VerificationAsked,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
    WhistleWidened,
)
from shared.profile import Matter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from shared.calendar import Calendar
    from shared.deadline import Limited
    from shared.decider import Message
    from shared.messages import Body, ClockMove, FindingKind, Handler
    from shared.profile import Profile

TimerEvent = Literal["start", "limit", "warning", "breach", "escalation"]
LATE: Final = timedelta(minutes=1)
"""How long after its instant a timer may fire, and until when one that did not is not yet missed."""
OPTIONAL: Final = frozenset({"accept", "dispatch", "contact", "verify", "call-back", "total"})
OF_PEOPLE: Final = frozenset({"accept", "dispatch", "verify", "call-back"})
"""Counted in the city's usual working time, not in that of the order."""
RACE: Final = timedelta(seconds=5)
"""An answer given this shortly before a limit may cross the breach on its way through the log."""


ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""

ENTERED: Final[frozenset[type[Body]]] = frozenset(
    {
        AcceptEscalation,
        AdjudicationAsked,
        TicketAttached,
        CallBackAsked,
        CalledBack,
        ClockBreached,
        ClockWarned,
        ClocksRecalculated,
        ClocksStarted,
        ClocksStopped,
        EscalationAccepted,
        EscalationHandedBack,
        HandBack,
        InformationRequested,
        InformationWaitEnded,
        OrderDone,
        OrderExtended,
        OrderIssued,
        OrderProgressed,
        OrderResumed,
        OrderReturned,
        OrderReworked,
        OrderSigned,
        OrderSuspended,
        OrderWithdrawn,
        PolicyApplied,
        ReworkOrdered,
        StageCompleted,
        StageFailed,
        SupervisionRepeated,
        TicketAmended,
        TicketClosed,
        TicketDiverted,
        TicketEscalated,
        TicketTriaged,
        TicketVerified,
        TriageNeeded,
        VerificationAsked,
        WhistleAnswered,
        WhistleEnded,
        WhistleRaised,
        WhistleWidened,
    }
)
"""What the ledger looks at: everything else need not be parsed."""


def audit(
    messages: Iterable[Message], profile: Profile, now: datetime, *, late: timedelta = LATE, race: timedelta = RACE
) -> list[TimerFinding]:
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

    def __init__(
        self, profile: Profile, now: datetime, late: timedelta, race: timedelta, counts: Counter[str] | None = None,
    ) -> None:  # fmt: skip
        """Begin empty; `counts` takes how many timers were looked at, expected and said."""
        self._profile = self._policy = profile
        self._matter, self._calendar = Matter(), ""
        """What the limits of the ticket depend on, and the working time of its last order."""
        self._said: Mapping[str, Span | None] = {}
        """Limits that the last correction, or the last version that was applied, said itself."""
        self._waits: InformationRequested | None = None
        """What the caller was asked and has not answered."""
        self._now, self._late, self._race = now, late, race
        self._counts = Counter() if counts is None else counts
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
        self._own: set[str] = set()
        """Orders whose handling limit no correction changes."""
        self._working_time: dict[str, Handler] = {}
        """Order beside the last lead's -> in whose working time it is counted."""
        self._version = self._mode = ""
        """Profile under which the last order was issued."""
        self._alarm: Duty | None = None
        """What a grave matter owes to the top, from its first order until it is done; it has no limit of its own."""
        self._rework: Duty | None = None
        """What a rework too many owes to the next level up, until it is done; it has no limit of its own either."""
        self._owed_steps: dict[str, datetime] = {}
        """Cause -> since when a step up is owed for it."""
        self._owed_clocks: dict[str, tuple[str, datetime]] = {}
        """Cause -> the level that was called for it and has no clock yet, and since when."""
        self.alarmed = False
        """An alarm for a grave matter was raised; there is one for ever."""
        self._findings: list[TimerFinding] = []

    @property
    def over(self) -> bool:
        """Tell whether every clock that was owed was started and has ended: nothing more will be said of them."""
        return all(
            duty.token and (duty.stopped or (duty.level is not None and duty.breached)) for duty in self._all_duties()
        )

    def _all_duties(self) -> list[Duty]:
        return [duty for runs in self._duties.values() for duty in runs] + self._levels

    def enter(self, message: Message) -> None:
        """Take the next message of the log."""
        self._enter_order(message)
        self._enter_duty(message)
        self._enter_whistle(message)
        self._enter_rule(message)
        self._enter_clock(message)

    def _enter_order(self, message: Message) -> None:  # noqa: C901, PLR0912 - a table, one line a message
        data, at = message.data, message.envelope.time
        match data:
            case OrderIssued():
                self._know(data)
                for clock, limit, due in data.duties:
                    self._owe(data, clock, at, data.issued_at, due, limit)
                if data.role == "lead":
                    self._lead(data, at)
            case OrderSuspended():
                self._suspended.add(data.order_id)
                self._each(lambda duty: duty.rest(data.since), "suspended", data.order_id)
            case OrderResumed():
                self._suspended.discard(data.order_id)
                self._each(lambda duty: duty.go_on(data.resumed_at, at), "suspended", data.order_id)
            case OrderProgressed():
                if data.progress == "contact":
                    self._end(at, data.order_id, "contact")
            case OrderExtended():
                of_order = [each for name in HANDLE for each in self._duties.get((data.order_id, name), ())]
                for duty in of_order[-1:]:
                    duty.extend(data.old, data.handle_by, at)
            case OrderReworked():
                self._suspended.discard(data.order_id)
                self._own = (self._own - {data.order_id}) | ({data.order_id} if data.own_limit else set())
                self._end(at, data.order_id, *HANDLE)
                self._owe(data, data.clock, at, at, data.handle_by, data.handle_limit)
            case OrderSigned():
                self._end(data.signed_at, data.order_id, *SIGN)
            case OrderDone():
                self._end(data.done_at, data.order_id, *SIGN, "contact", *HANDLE)
                if data.role == "lead":
                    self._end_alarm(data.done_at)
            case StageCompleted():
                self._end(data.done_at, data.order_id, *SIGN, "contact", *HANDLE)
            case StageFailed():
                self._end(data.at, data.order_id, *SIGN, "contact", *HANDLE)
            case OrderReturned() | OrderWithdrawn():
                self._end(at, data.order_id, *SIGN, "contact", *HANDLE)
            case TicketClosed():
                self._waits = None
                self._end(at)
                self._end_alarm(at)

    def _know(self, order: OrderIssued) -> None:
        """Remember whose working time is that of an order beside the lead's, and which limits stand for ever."""
        if order.own_limit:
            self._own = self._own | {order.order_id}
        if order.role == "assist":
            self._working_time[order.order_id] = order.handler
        elif order.takes_over and order.lead is not None:
            self._working_time |= {order.takes_over: order.lead, order.order_id: order.handler}

    def _lead(self, data: OrderIssued, at: datetime) -> None:
        """Take what the lead's order says of the whole ticket."""
        self._version, self._mode = data.profile_version, data.mode
        self._policy = self._profile.under(self._version, self._mode)
        self._calendar = data.calendar
        of = data.category
        self._matter = Matter(data.severity, of.code, of.condition, data.channel, data.request)
        self._end(at, None, "dispatch")
        if data.reachable and data.tier != "settlement":
            self._owe_counted("contact", data.order_id, at, data.issued_at, data)
        if all(duty.ended_at is not None for duty in self._duties.get(("", "total"), ())):
            start = data.issued_at if data.reported_at is None or data.attempt > 1 else data.reported_at
            self._owe_counted("total", "", at, start, data)
        self._raise_alarm(at)

    def _enter_duty(self, message: Message) -> None:
        """Take what people are waited for."""
        data, at = message.data, message.envelope.time
        match data:
            case TriageNeeded():
                channel, request = data.channel or self._matter.channel, data.request or self._matter.request
                self._matter = self._matter._replace(channel=channel, request=request)
                self._wait("accept", "", at)
            case TicketTriaged() | TicketDiverted():
                self._end(at, None, "accept")
            case AdjudicationAsked():
                self._wait("dispatch", "", at)
            case TicketAttached():
                self._end(at, None, "dispatch")
            case VerificationAsked():
                self._wait("verify", data.order_id, at)
            case TicketVerified() | ReworkOrdered():
                self._end(at, None, "verify")
                if isinstance(data, ReworkOrdered) and data.level_up:
                    self._go_up(data.order_id, at)
            case CallBackAsked():
                self._wait("call-back", "", at)
            case CalledBack():
                self._end(at, None, "call-back")
            case AcceptEscalation() | HandBack():
                self._asked.setdefault(message.envelope.id, at)

    def _enter_whistle(self, message: Message) -> None:
        """Take by when whoever was called must have come."""
        data, at = message.data, message.envelope.time
        match data:
            case WhistleRaised() | WhistleWidened():
                if data.called:
                    self._end(data.at, None, "arrive")
                    calendar = self._profile.calendar(data.calendar)
                    self._duty("arrive", "", at, data.at, data.arrive_by, data.arrive_limit, calendar, None)
            case WhistleAnswered():
                self._end(data.at, None, "arrive")
            case WhistleEnded():
                self._end(at, None, "arrive")

    def _enter_rule(self, message: Message) -> None:
        """Take what changes limits, or lets them rest."""
        data, at = message.data, message.envelope.time
        match data:
            case InformationRequested():
                self._waits = data
                self._each(lambda duty: duty.rest(data.since), "caller")
            case InformationWaitEnded():
                self._waits = None
                self._each(lambda duty: duty.go_on(data.at, at), "caller")
            case TicketAmended():
                of = data.category
                self._matter = self._matter._replace(severity=data.severity, category=of.code, condition=of.condition)
                self._calendar = data.calendar
                self._relimit(at, {"sign": data.sign_limit, "handle": data.handle_limit})
                self._raise_alarm(at)
            case PolicyApplied():
                self._version, self._policy = data.policy, self._profile.under(data.policy, self._mode)
                self._relimit(at, {"sign": data.sign_limit, "handle": data.handle_limit})

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
                self._fired(data, at, data.nth)
            case ClockBreached():
                self._fired(data, at, None)
            case TicketEscalated():
                if (data.to_level, data.cause) in self._added:
                    what = f"level {data.to_level} was added twice for {data.cause}"
                    self._find("doubled", what, at, "escalation", data.cause, data.order_id, data.to_level)
                self._added.add((data.to_level, data.cause))
                self._step(data.cause, data.to_level, at)
            case SupervisionRepeated():
                self._step(data.cause, data.level, at)
            case ClocksRecalculated():
                for move in data.clocks:
                    if data.why in {"edited", "policy"} and move.token in self._by_token:
                        self._relimit_one(self._by_token[move.token], at)  # it may be younger than the correction
                    self._moved(move, at, agreed=data.why in {"resumed", "answered", "extended"})
            case EscalationHandedBack():
                self._accepted.add((message.envelope.causation, data.level, data.cause))
                self._settle(data.cause, at)
                self._owed_clocks[data.cause] = (data.to_level, at)
            case EscalationAccepted():
                self._accepted.add((message.envelope.causation, data.level, data.cause))

    def findings(self) -> list[TimerFinding]:
        """Give everything that is wrong, once the log has been entered."""
        for cause in {*self._owed_steps, *self._owed_clocks}:
            self._settle(cause, self._now - self._late)
        if self._waits is not None and self._waits.until + self._late < self._now:
            self._find("missed", "no end of the wait for the caller", self._waits.until, "limit", "caller")
        for duty in self._all_duties():
            warns = [warn for warn in duty.warns if warn < duty.due_at]
            self._counts["timers"] += 1 + len(warns)
            if not duty.token:
                if duty.cause in OPTIONAL and self._version and not self._profile.knows(self._version):
                    continue  # the profile of its time may have had no such limit
                if duty.known_at + self._late < self._now:
                    self._find_of(duty, "missed", f"the clock of {duty.name} was never started", duty.known_at, "start")
                continue
            for nth, warn_at in enumerate(warns, 1):
                self._compare(duty, "warning", warn_at, [at for each, at in duty.warned if each == nth])
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

    def _owe_counted(self, clock: str, order_id: str, at: datetime, start: datetime, order: OrderIssued) -> None:
        """Owe what an order says no limit of, where the profile has one."""
        limit = self._policy.policy.limit(clock, self._matter)
        if limit is not None:
            calendar, span = self._profile.calendar(order.calendar), Span.of(limit)
            due = due_at(start, limit, calendar)
            self._duty(clock, order_id, at, start, due, span, calendar, order.warn_share)

    def _raise_alarm(self, at: datetime) -> None:
        severity, ladder = self._matter.severity, self._policy.ladder
        if severity is not None and ladder.at_once(severity) and ladder.last("severity", severity) and not self.alarmed:
            self.alarmed = True
            self._alarm, self._owed_steps["severity"] = Duty("alarm", "severity", at, at), at

    def _wait(self, clock: str, order_id: str, at: datetime) -> None:
        """Owe what a person is waited for, where the profile has a limit for it."""
        limit = self._policy.policy.limit(clock, self._matter)
        if limit is None or any(duty.ended_at is None for duty in self._duties.get((order_id, clock), ())):
            return
        calendar = self._profile.calendar(self._profile.content.clocks.calendar)
        due, span = due_at(at, limit, calendar), Span.of(limit)
        self._duty(clock, order_id, at, at, due, span, calendar, None)

    def _duty(
        self, clock: str, order_id: str, known_at: datetime, start: datetime, due: datetime, limit: Span,
        calendar: Calendar, warn_share: float | None,
    ) -> None:  # fmt: skip
        runs = self._duties.setdefault((order_id, clock), [])
        name = f"{clock} of {order_id}, run {len(runs) + 1}" if order_id else f"{clock}, run {len(runs) + 1}"
        rules = self._policy.policy.warnings(clock, warn_share)
        duty = Duty(name, clock, known_at, due, warnings_at(start, due, rules, counted_on(limit, calendar)))
        duty.started_at, duty.limit, duty.calendar = start, limit, calendar
        duty.rules, duty.order_id, duty.owed_at = rules, order_id, due
        self._rest_if_held(duty)
        runs.append(duty)

    def _end(self, at: datetime, order_id: str | None = None, *clocks: str) -> None:
        for (order, name), runs in self._duties.items():
            if order_id in {None, order} and (not clocks or name in clocks):
                for duty in runs:
                    duty.end(at)

    def _each(self, do: Callable[[Duty], None], reason: str, order_id: str | None = None) -> None:
        """Do something to what may rest for a reason and does for no other: duties, and levels that they added."""
        for duty in self._all_duties():
            if order_id in {None, duty.order_id} and self._rests(duty, reason):
                other = "caller" if reason == "suspended" else "suspended"
                if not (self._held(duty, other) and self._rests(duty, other)):
                    do(duty)

    def _rest_if_held(self, duty: Duty) -> None:
        """Let what begins rest from its beginning, where something lets its kind rest now."""
        held = any(self._held(duty, reason) and self._rests(duty, reason) for reason in ("suspended", "caller"))
        if held and duty.started_at is not None:
            duty.rest(duty.started_at)

    def _held(self, duty: Duty, reason: str) -> bool:
        return self._waits is not None if reason == "caller" else duty.order_id in self._suspended

    def _rests(self, duty: Duty, reason: str) -> bool:
        return self._policy.policy.rests(duty.cause, reason)

    def _relimit(self, at: datetime, said: Mapping[str, Span | None]) -> None:
        """Count what is owed again, with the limits that were said, or that now hold for the matter."""
        self._said = said
        for duty in self._all_duties():
            self._relimit_one(duty, at)
        for duty in self._all_duties():  # nobody may sign later than the matter had to be handled at first
            if duty.level is None and duty.over_at() is None and not duty.breached and not duty.resting:
                duty.not_after(self._handled_by(duty), at)

    def _relimit_one(self, duty: Duty, at: datetime) -> None:
        if duty.over_at() is None and not duty.breached and duty.limit is not None:
            limit = (self._said.get(duty.cause) if duty.level is None else None) or self._limit(duty)
            if duty.level is None and duty.cause in HANDLE and duty.order_id in self._own:
                limit = duty.limit
            calendar = self._time_of(duty)
            span = duty.limit if limit is None else Span.of(limit)
            duty.relimit(span, calendar, at)

    def _time_of(self, duty: Duty) -> Calendar:
        """Give the working time that now holds for a duty."""
        handler = None if duty.level is not None else self._working_time.get(duty.order_id)
        if duty.cause == "arrive" and duty.level is None:
            return self._profile.calendar(duty.calendar.name)
        if handler is not None:
            department = handler.id if handler.kind == "department" else None
            return self._profile.working_time(self._matter.category or "", department)
        usual = "" if duty.cause in OF_PEOPLE else self._calendar
        return self._profile.calendar(usual or self._profile.content.clocks.calendar)

    def _limit(self, duty: Duty) -> Limited | None:
        severity = self._matter.severity or "IV"
        try:
            if duty.level is None:
                return self._policy.policy.limit(duty.cause, self._matter)
            if duty.level == self._policy.ladder.last(duty.cause, severity):
                return self._policy.ladder.repeat(severity)
            return self._policy.ladder.step(duty.level, severity, duty.cause)
        except LookupError:  # neither the catalogue nor the ladder has it any more
            return None

    def _go_up(self, order_id: str, at: datetime) -> None:
        """Owe one step up for a rework too many, unless by the profile it only warns."""
        self._settle("rework", at)
        if self._policy.ladder.last("rework", self._matter.severity) is not None:
            self._rework, self._owed_steps["rework"] = Duty("rework", "rework", at, at, order_id=order_id), at

    def _end_alarm(self, at: datetime) -> None:
        """End the alarm for a grave matter, and what was called for a rework, once the order is done."""
        for duty in (self._alarm, self._rework):
            if duty is not None:
                duty.end(at)

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
                self._find_of(
                    duty, "wrong-limit", f"{duty.name} was moved to {move.new}, not to {duty.due_at}", at, "limit"
                )
                return
        warns = () if move.warn_at is None else (move.warn_at, *move.warn_again)
        duty.move(move.new, warns, duty.known_at if agreed else at)

    def _by_today(self, duty: Duty) -> datetime:
        """Give a limit by the calendars of today; nobody may sign later than the matter had to be handled at first."""
        due, _ = duty.counted()
        handled_by = self._handled_by(duty)
        return due if handled_by is None else min(due, handled_by)

    def _handled_by(self, duty: Duty) -> datetime | None:
        """Give when the order of a signature had to be handled at first; None of whatever is no signature."""
        handle = HANDLING_OF.get(duty.cause)
        if handle is None or duty.level is not None:
            return None
        handling = (run for run in self._duties.get((duty.order_id, handle), ()) if run.ended_at is None)
        return min((each.at_first() for each in handling), default=None)

    # ------------------------------------------------------------ what sla did

    def _start(self, start: ClockStart, at: datetime) -> None:
        runs = self._duties.get((start.order_id or "", start.cause or start.clock), [])
        if start.clock == "ladder":
            self._start_level(start, at, runs)
            return
        duty = next((duty for duty in runs if not duty.token), None)
        if duty is None:
            what = f"a clock {start.token} was started that no order asked for"
            self._find("doubled", what, at, "start", start.clock, start.order_id)
            return
        duty.token = start.token
        self._by_token[start.token] = duty
        warns = () if start.warn_at is None else (start.warn_at, *start.warn_again)
        if self._version and not self._profile.knows(self._version):
            duty.warns = warns  # by rules that are no longer known
        if start.calendar != counted_on(start.limit, duty.calendar).id:
            duty.move(start.due_at, warns, at)  # counted by a calendar that is no longer known
        elif duty.relimited and duty.owed_at is not None and abs(start.due_at - duty.owed_at) < ROUNDED:
            duty.move(start.due_at, warns, at)  # until the correction is read, which was made meanwhile
        elif abs(start.due_at - duty.due_at) >= ROUNDED:
            what = f"the clock of {duty.name} runs to {start.due_at}, not to {duty.due_at}"
            self._find_of(duty, "wrong-limit", what, at, "limit")

    def _start_level(self, start: ClockStart, at: datetime, runs: list[Duty]) -> None:
        cause = start.cause or ""
        level, _ = self._owed_clocks.pop(cause, (None, at))
        if level is None:
            what = f"a clock {start.token} was started for a level that no breach added"
            self._find("doubled", what, at, "start", start.clock, start.order_id, start.level)
        elif level != start.level:
            what = f"a clock {start.token} was started, and it was {level} that was called"
            self._find("stray", what, at, "start", start.clock, start.order_id, start.level)
        of_cause = {"severity": self._alarm, "rework": self._rework}
        latest = next((duty for duty in reversed(runs) if duty.token), None)
        parent = of_cause.get(cause, latest)
        run = 1 + sum((each.level, each.cause) == (start.level, cause) for each in self._levels)
        duty = Duty(f"level {start.level} for {cause}, run {run}", cause, at, start.due_at)
        duty.order_id = start.order_id or ""
        duty.started_at, duty.limit = start.started_at, start.limit
        duty.calendar = self._profile.calendar(start.calendar.partition("@")[0])
        duty.token, duty.level, duty.parent = start.token, start.level, parent
        self._rest_if_held(duty)
        self._levels.append(duty)
        self._by_token[start.token] = duty

    def _stop(self, message: Message, token: str) -> None:
        """Note that an acceptance ended a level's clock; answers end the rest, and are known from the orders."""
        duty = self._by_token.get(token)
        if duty is not None:
            duty.stopped = True
        if duty is not None and (message.envelope.causation, duty.level, duty.cause) in self._accepted:
            duty.end(self._asked.get(message.envelope.causation, message.envelope.time))

    def _fired(self, fact: ClockWarned | ClockBreached, at: datetime, nth: int | None) -> None:
        """Note a breach, or the nth warning."""
        event: TimerEvent = "breach" if nth is None else "warning"
        self._counts[f"{event} said"] += 1
        duty = self._by_token.get(fact.token)
        if duty is None:
            what = f"a {event} of the clock {fact.token}, which nobody started"
            self._find("stray", what, at, event, fact.clock, fact.order_id, fact.level)
            return
        duty.crossed(nth, at, self._race)
        if nth is None:
            duty.breached.append(at)
            self._settle(duty.cause, at)
            if self._policy.ladder.last(duty.cause, self._matter.severity) is not None:
                self._owed_steps[duty.cause] = at
        elif nth > len(duty.warns):
            self._find_of(duty, "stray", f"warning {nth} of {duty.name}, which has {len(duty.warns)}", at, "warning")
        else:
            duty.warned.append((nth, at))

    def _step(self, cause: str, level: str, at: datetime) -> None:
        """Each breach takes one step up for its cause, and each step starts the clock of its level."""
        self._counts["escalation said"] += 1
        if self._owed_steps.pop(cause, None) is None:
            what = f"a step up for {cause} that no breach asked for"
            self._find("doubled", what, at, "escalation", cause, None, level)
        else:
            self._counts["escalation expected"] += 1
        self._owed_clocks[cause] = (level, at)

    def _settle(self, cause: str, by: datetime) -> None:
        """Find what was owed for a cause by an instant and did not come; what follows later may be on its way."""
        step, (_, clock) = self._owed_steps.pop(cause, None), self._owed_clocks.pop(cause, ("", None))
        if step is not None and step <= by:
            self._counts["escalation expected"] += 1
            self._find("missed", f"no step up after a breach of {cause}", step, "escalation", cause)
        if clock is not None and clock <= by:
            what = f"no clock for the level that was called after a breach of {cause}"
            self._find("missed", what, clock, "start", cause)

    # ------------------------------------------------------------ the comparison

    def _compare(self, duty: Duty, event: TimerEvent, due_at: datetime, fired: list[datetime]) -> None:
        name, over_at = f"{event} of {duty.name}", duty.over_at()
        since, find = max(due_at, duty.known_at), partial(self._find_of, duty, event=event)
        if not fired:
            if not duty.resting and (over_at is None or due_at < over_at) and since + self._late < self._now:
                self._counts[f"{event} expected"] += 1
                find("missed", f"no {name}", due_at)
            return
        unfounded = len(self._findings)
        if any(p.start < due_at and p.start + self._race < fired[0] < (p.end or self._now) for p in duty.pauses):
            find("fired-though-met", f"{name} while it rested", fired[0])
        if over_at is not None and over_at + self._race <= due_at:
            find("fired-though-met", f"{name}, which had ended at {over_at}", fired[0])
        if fired[0] + self._race < due_at:
            find("early", f"{name} {due_at - fired[0]} before its instant", fired[0])
        self._counts[f"{event} expected"] += len(self._findings) == unfounded
        if len(fired) > 1:
            find("doubled", f"{len(fired)} times the {name}", fired[1])
        if fired[0] - since > self._late:
            find("late", f"{name} {fired[0] - since} after its instant", fired[0])

    def _find_of(self, duty: Duty, kind: FindingKind, what: str, at: datetime, event: TimerEvent) -> None:
        clock = duty.cause if duty.level is None else "ladder"
        self._find(kind, what, at, event, clock, duty.order_id, duty.level, f"{event} of {duty.name}")

    def _find(
        self, kind: FindingKind, what: str, at: datetime, event: TimerEvent, clock: str,
        order_id: str | None = None, level: str | None = None, timer: str = "",
    ) -> None:  # fmt: skip
        found = TimerFinding(
            kind=kind, event=event, clock=clock, order_id=order_id or None, level=level, timer=timer or what,
            what=what, at=at,
        )  # fmt: skip
        self._findings.append(found)
