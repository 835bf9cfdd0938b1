"""What stays true of timers and the ladder, whatever happens in whatever order?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.sla.audit import RACE
from services.sla.domain import SlaState, decide, evolve, wake_at
from services.sla.domain.clocks import HANDLE, SIGN
from services.sla.domain.ladder import standing
from services.sla.domain.state import LADDER, after
from shared.calendar import elapsed
from shared.deadline import length
from shared.decider import Message, TimerDue
from shared.envelope import Envelope
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClocksStopped,
    ClockStart,
    ClockStop,
    ClockWarned,
    EscalationAccepted,
    EscalationHandedBack,
    SupervisionRepeated,
    TicketEscalated,
)
from tests.support.fold import MORNING, TICKET
from tests.unit.sla.cities import (
    CITY,
    COMMUNITY,
    DISTRICT,
    EMPTY_TOP,
    GRAVE,
    GRID,
    OFFICE_CITY,
    STREET,
    WAITS,
    away,
    city,
    office,
)
from tests.unit.sla.ladder import POLICE, Ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.profile import Profile

IN_WORKING_TIME: Final[dict[str, Any]] = {
    "clocks.accept": "1 work_hours",
    "clocks.total": {"I": "1 work_days", "II": "2 work_days", "III": "3 work_days", "IV": "4 work_days"},
    "ladder.at_once": ["I"],
    "ladder.repeat": dict.fromkeys(("I", "II", "III", "IV"), "1 work_hours"),
}
MOVING: Final = [
    office("settled", **IN_WORKING_TIME),
    office("day-off", days={"2026-03-05": "off", "2026-03-09": "off"}, **IN_WORKING_TIME),
    office("made-up", days={"2026-03-07": "work", "2026-03-05": {"hours": ["08:30-10:00"]}}, **IN_WORKING_TIME),
]
"""The same city in three years: its office hours change."""
QUIET = city("quiet", **WAITS, **{"ladder.climbs": {"sign": [], "total": [], "handle": ["community"]}})
"""Some clocks only warn, and handling never goes beyond the community."""
NOBODY = city("nobody", **WAITS, **{"ladder.at_once": ["I", "II", "III", "IV"]}, **away(COMMUNITY, DISTRICT))
"""The community and the district are away on the first day, and everything is grave."""
JOINED = city(
    "joined",
    **WAITS,
    **{"ladder.climbs": {"assist-handle": ["community", "district"], "assist-sign": ["street"], "settlement": []}},
)
"""Late assists climb too."""
CITIES = [CITY, EMPTY_TOP, GRAVE, OFFICE_CITY, QUIET, NOBODY, MOVING[0], JOINED]

TICK: Final = timedelta(milliseconds=1)
"""What an instant on the log leaves out; nothing here is shorter."""


def up_to(longest: timedelta, shortest: timedelta = timedelta(0)) -> st.SearchStrategy[timedelta]:
    """Give lengths of time to the millisecond."""
    return st.integers(shortest // TICK, longest // TICK).map(lambda ticks: ticks * TICK)


lengths = st.one_of(
    st.integers(0, 90 * 60).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(0, 60 * 24 * 30).map(lambda number: timedelta(minutes=number)),
    up_to(timedelta(minutes=12)),
)
levels = st.sampled_from([None, "grid", "community", "street", "district"])
spans = st.one_of(
    st.integers(1, 300).map(lambda number: f"{number} minutes"),
    st.integers(1, 12).map(lambda number: f"{number} work_hours"),
    st.integers(1, 3).map(lambda number: f"{number} work_days"),
)


class LateTicket(RuleBasedStateMachine):
    """A ticket with orders one after the other, answers in time and too late, outages and a clock that jumps."""

    def __init__(self) -> None:
        """Begin with no order."""
        super().__init__()
        self.ticket = Ticket()
        self.orders = self.assists = 0
        self.tier: Any = "lead"
        """Who has the last order."""
        self.jumps = self.crosses = self.slept = False
        self.said: list[Any] = []
        self.called: Counter[str] = Counter()
        """Cause -> steps that are owed by what was said, less those that were taken."""
        self.quiet: set[str] = set()
        """Causes for which the last level has accepted."""
        self.causes: dict[str, ClockStart] = {}
        """Token -> the clock that was started."""
        self.alarmed = False
        """The top was called for a grave matter that is not over."""

    @initialize(profile=st.sampled_from(CITIES), jumps=st.booleans(), crosses=st.booleans())
    def begin(self, profile: Profile, jumps: bool, crosses: bool) -> None:  # noqa: FBT001 - drawn by name
        """Begin in a city; with a clock that may jump back, or with an auditor and facts that may cross timers."""
        self.ticket = Ticket(profile)
        self.jumps, self.crosses = jumps, crosses and not jumps

    @property
    def profile(self) -> Profile:
        """Give the city's profile as it is now."""
        return self.ticket.profile

    @property
    def last(self) -> str:
        """Give the last order."""
        return f"T-{self.orders}"

    @property
    def resting(self) -> bool:
        """Tell whether the last order is suspended, as dispatch sees it."""
        return self.orders > 0 and self.ticket.handling[self.last].resting

    @property
    def escalated(self) -> bool:
        """Tell whether there is something to take on, or to give back."""
        state = self.ticket.fold.state()
        return bool(state.owners or state.repeated) and not state.closed

    def hears(self, said: list[Any]) -> None:
        """Keep what sla has said, and what it means for who is called."""
        for fact in said:
            self.said.append(fact)
            match fact:
                case ClocksStarted():
                    self.causes |= {start.token: start for start in fact.clocks}
                case ClockBreached():
                    start = self.causes[fact.token]
                    self.called[start.cause or start.clock] += 1
                case TicketEscalated() | SupervisionRepeated():
                    self.called[fact.cause] -= 1
                    self.quiet.discard(fact.cause)
                    self.alarmed |= fact.cause == "severity"
                case EscalationHandedBack():
                    self.quiet.discard(fact.cause)
                case EscalationAccepted() if fact.level == self.profile.ladder.last(fact.cause):
                    self.quiet.add(fact.cause)
                case _:
                    pass

    # ------------------------------------------------------------ orders

    @rule(
        unit=st.sampled_from([GRID, COMMUNITY, STREET, DISTRICT, "gone"]),
        severity=st.sampled_from(["I", "II", "III", "IV"]),
        sign=spans,
        handle=spans,
        calendar=st.sampled_from(["always", "office"]),
        tier=st.sampled_from(["lead", "lead", "lead", "small", "settlement"]),
    )
    def issue(self, unit: str, severity: Any, sign: str, handle: str, calendar: str, tier: Any) -> None:
        """Issue the next order; the one before is withdrawn, as dispatch does."""
        if self.orders:
            if self.resting:
                self.resume()
            self.hears(self.ticket.withdraw(self.last, "expired" if self.tier == "settlement" else "reassigned"))
        self.orders += 1
        self.tier = tier
        new = not any(isinstance(fact, TicketEscalated) and fact.cause == "severity" for fact in self.said)
        self.called["severity"] += new and self.profile.ladder.at_once(severity)
        self.hears(self.ticket.issue(self.last, unit, severity, sign, handle, calendar, tier=tier))

    @precondition(lambda self: self.orders and not self.ticket.fold.state().closed)
    @rule(sign=spans, handle=spans, calendar=st.sampled_from(["always", "office"]))
    def assist(self, sign: str, handle: str, calendar: str) -> None:
        """Let somebody assist, beside whoever has the last order."""
        self.assists += 1
        more = {"role": "assist", "lead": POLICE}
        self.hears(self.ticket.issue(f"A-{self.assists}", GRID, "IV", sign, handle, calendar, **more))

    @precondition(lambda self: self.assists and not self.ticket.fold.state().closed)
    @rule(nth=st.integers(0, 3), what=st.sampled_from(["sign", "do", "withdraw", "suspend", "resume", "extend"]))
    def of_an_assist(self, nth: int, what: str) -> None:
        """An assist signs, rests, goes on, is extended, done or withdrawn."""
        order = f"A-{nth % self.assists + 1}"
        run = self.ticket.handling[order]
        if what == "extend" and not run.resting:
            self.hears(self.ticket.extend(timedelta(minutes=30), order))
        elif what in {"do", "withdraw"}:  # it rests no longer then
            if run.resting:
                self.hears(self.ticket.resume(order))
            said = self.ticket.withdraw(order) if what == "withdraw" else self.ticket.do(order, role="assist")
            self.hears(said)
        elif what != "extend":
            self.hears(getattr(self.ticket, what)(order))

    # ------------------------------------------------------------ whistles

    @precondition(lambda self: self.orders and not self.ticket.fold.state().closed)
    @rule(
        what=st.sampled_from(["whistle", "whistle", "widen", "nobody", "answer", "end"]),
        arrive=spans,
        calendar=st.sampled_from(["always", "office"]),
    )
    def whistle(self, what: str, arrive: str, calendar: str) -> None:
        """Whistle, call more, have nobody left to call, have enough there, or end it."""
        runs = any(running.start.clock == "arrive" for running in self.ticket.fold.state().clocks)
        if what == "whistle":
            self.hears(self.ticket.whistle(arrive, calendar))
        elif what in {"widen", "nobody"} and runs:
            self.hears(self.ticket.widen(arrive, calendar, anybody=what == "widen"))
        elif what == "answer":
            self.hears(self.ticket.answer_whistle())
        elif what == "end":
            self.hears(self.ticket.end_whistle())

    @precondition(lambda self: self.orders)
    @rule()
    def sign(self) -> None:
        """Sign for the last order."""
        self.hears(self.ticket.sign(self.last))

    @precondition(lambda self: self.orders)
    @rule()
    def do(self) -> None:
        """Say that the last order is done."""
        run, at = self.ticket.handling[self.last], self.ticket.then
        first = replace(run, extensions=[]).by(self.profile)
        late_in_fact = bool(run.extensions) and first < at and not (run.resting and run.pauses[-1].start < first)
        said = self.ticket.do(self.last)
        met = [
            stop for fact in said if isinstance(fact, ClocksStopped) for stop in fact.clocks if stop.outcome == "met"
        ]
        assert all(stop.late_in_fact == late_in_fact for stop in met if stop.clock == "handle")
        self.hears(said)
        self.alarmed = False

    @precondition(lambda self: self.orders)
    @rule(handle=spans, calendar=st.sampled_from(["always", "office"]))
    def rework(self, handle: str, calendar: str) -> None:
        """Let the last order stand again."""
        self.hears(self.ticket.rework(self.last, handle, calendar, tier=self.tier))

    @precondition(lambda self: self.orders)
    @rule()
    def withdraw(self) -> None:
        """Withdraw the last order."""
        self.hears(self.ticket.withdraw(self.last))

    @precondition(lambda self: self.orders)
    @rule()
    def give_back(self) -> None:
        """Return the last order."""
        self.hears(self.ticket.give_back(self.last))

    @precondition(lambda self: self.orders > 1)
    @rule()
    def close(self) -> None:
        """Close the ticket."""
        self.hears(self.ticket.close())
        self.alarmed = False

    @precondition(lambda self: self.orders and self.tier != "settlement")
    @rule()
    def suspend(self) -> None:
        """Let the last order rest, perhaps once more."""
        self.hears(self.ticket.suspend(self.last))

    @precondition(lambda self: self.orders)
    @rule()
    def resume(self) -> None:
        """Let the last order go on, perhaps once more."""
        self.hears(self.ticket.resume(self.last))

    @precondition(lambda self: self.orders and not self.resting and self.tier != "settlement")
    @rule(by=st.one_of(up_to(timedelta(days=2), timedelta(seconds=1)), up_to(timedelta(minutes=90), 60000 * TICK)))
    def extend(self, by: timedelta) -> None:
        """Give the last order more time."""
        self.hears(self.ticket.extend(by, self.last))

    # ------------------------------------------------------------ waits

    @rule(unit=st.sampled_from([GRID, STREET, "gone"]))
    def need_triage(self, unit: str) -> None:
        """Wait for a person to triage."""
        self.hears(self.ticket.need_triage(unit))

    @rule(elsewhere=st.booleans())
    def triage(self, elsewhere: bool) -> None:  # noqa: FBT001
        """Somebody has triaged it, or sent it elsewhere."""
        self.hears(self.ticket.divert() if elsewhere else self.ticket.triage())

    @rule(unit=st.sampled_from([COMMUNITY, STREET, DISTRICT]))
    def ask_duty_officer(self, unit: str) -> None:
        """Wait for a duty officer."""
        self.hears(self.ticket.ask_duty_officer(unit))

    @precondition(lambda self: self.orders and not self.ticket.fold.state().closed)
    @rule(call=st.booleans())
    def ask_a_person(self, call: bool) -> None:  # noqa: FBT001
        """Wait for somebody to verify or to call back."""
        self.hears(self.ticket.ask_call_back() if call else self.ticket.ask_verification(self.last))

    @rule(call=st.booleans())
    def person_answers(self, call: bool) -> None:  # noqa: FBT001
        """Somebody has verified or called back."""
        self.hears(self.ticket.call_back() if call else self.ticket.verify(self.last))

    # ------------------------------------------------------------ levels

    @precondition(lambda self: self.escalated)
    @rule(level=levels)
    def accept(self, level: str | None) -> None:
        """Somebody takes it on."""
        self.hears(self.ticket.accept("Li", level))

    @precondition(lambda self: self.escalated)
    @rule(level=levels)
    def hand_back(self, level: str | None) -> None:
        """Somebody gives it back to the level below."""
        self.hears(self.ticket.hand_back(level))

    # ------------------------------------------------------------ calendars

    @precondition(lambda self: self.profile in MOVING and not self.crosses)
    @rule(profile=st.sampled_from(MOVING))
    def publish(self, profile: Profile) -> None:
        """The calendar changes; who is told to counts again at once, as at the start of sla."""
        self.ticket.under(profile)
        self.hears(self.ticket.recount())

    @rule()
    def recount(self) -> None:
        """Count again where nothing has changed: nothing moves."""
        before = self.ticket.fold.state()
        said = self.ticket.recount()
        assert not [fact for fact in said if hasattr(fact, "why")] or before != self.ticket.fold.state()
        self.hears(said)

    # ------------------------------------------------------------ time, and what goes wrong

    @rule(data=st.data(), length=lengths, shares=st.lists(st.integers(0, 100), min_size=1, max_size=4))
    def answers_in_an_outage(self, data: st.DataObject, length: timedelta, shares: list[int]) -> None:
        """Much happens in an outage; sla reads it in order at its end, before any timer."""
        began = self.ticket.now
        self.ticket.clock.advance(length)
        self.slept = True
        for share in sorted(shares):
            self.ticket.said_at = began + length // TICK * share // 100 * TICK
            self.anything(data)
        self.ticket.said_at = None

    @precondition(lambda self: self.crosses)
    @rule(data=st.data(), waited=up_to(timedelta(minutes=30), timedelta(seconds=4)))
    def cross(self, data: st.DataObject, waited: timedelta) -> None:
        """Something is said seconds ago, and meanwhile timers have fired."""
        self.live(waited)
        self.ticket.said_at = self.ticket.now - timedelta(seconds=4)
        self.anything(data)
        self.ticket.said_at = None

    def anything(self, data: st.DataObject) -> None:
        """Let one of many things happen."""
        choices: list[Callable[[], None]] = [lambda: self.accept(None), lambda: self.hand_back(None)]
        choices += [lambda: self.triage(elsewhere=False), lambda: self.ask_duty_officer(STREET), self.close]
        if self.orders:
            choices += [self.sign, self.do, self.withdraw, self.give_back]
        if self.orders and self.tier != "settlement":
            choices += [self.suspend, self.resume]
            choices += [lambda: self.rework("40 minutes", "always")]
        if self.orders and not self.resting and self.tier != "settlement":
            choices += [lambda: self.extend(timedelta(minutes=20))]
        data.draw(st.sampled_from(choices))()

    @precondition(lambda self: self.ticket.log and not self.jumps)
    @rule(data=st.data())
    def again(self, data: st.DataObject) -> None:
        """A message comes a second time: when all that was due has fired, nothing is said, and nothing changes."""
        self.hears(self.ticket.wait(timedelta(0)))
        read = [message for message in self.ticket.log if message.envelope.source != "gridcall/sla"]
        message = data.draw(st.sampled_from(read))
        before = self.ticket.fold.state()
        assert self.ticket.read_again(message) == []
        assert self.ticket.fold.state() == before

    @rule(length=lengths)
    def outage(self, length: timedelta) -> None:
        """Time passes at one stroke; then sla wakes once."""
        self.slept = True
        self.hears(self.ticket.wait(length))
        at = self.ticket.fold.wake_at()
        assert at is None or at > self.ticket.now

    @rule(length=up_to(timedelta(minutes=90)))
    def live(self, length: timedelta) -> None:
        """Time passes with sla awake."""
        self.hears(self.ticket.live(length))

    @precondition(lambda self: self.orders and not self.resting)
    @rule(share=st.integers(1, 120))
    def near_the_limit(self, share: int) -> None:
        """Time passes with sla awake, until a share of the time to the handling limit, or somewhat after it."""
        left = max(self.ticket.handling[self.last].by(self.profile) - self.ticket.now, timedelta(minutes=2))
        self.hears(self.ticket.live(left // TICK * share // 100 * TICK))

    @precondition(lambda self: self.orders and not self.resting and self.ticket.handling[self.last].extensions)
    @rule(share=st.integers(0, 99), done=st.booleans())
    def into_the_extension(self, share: int, done: bool) -> None:  # noqa: FBT001
        """Time passes with sla awake until the limit is one that was granted; then it may be done."""
        run = self.ticket.handling[self.last]
        first, granted = replace(run, extensions=[]).by(self.profile), run.by(self.profile)
        self.hears(
            self.ticket.live_until(max(first + (granted - first) // TICK * share // 100 * TICK, self.ticket.now))
        )
        if done:
            self.do()

    @rule(length=lengths)
    def asleep(self, length: timedelta) -> None:
        """Time passes and sla does not wake: whatever comes next finds old timers."""
        self.slept = True
        self.ticket.clock.advance(length)

    @precondition(lambda self: self.jumps)
    @rule(length=up_to(timedelta(hours=2)))
    def jump_back(self, length: timedelta) -> None:
        """Let the system clock be corrected backwards."""
        self.ticket.clock.advance(-length)

    # ------------------------------------------------------------ what stays true

    @invariant()
    def nobody_is_added_twice(self) -> None:
        """Once per (ticket, level, cause), for ever."""
        added = Counter((f.to_level, f.cause) for f in self.said if isinstance(f, TicketEscalated))
        assert max(added.values(), default=1) == 1

    @invariant()
    def each_run_fires_once(self) -> None:
        """One start, each warning once, one breach and one end for each token."""
        tokens: Counter[tuple[str, str, int]] = Counter()
        for fact in self.said:
            if isinstance(fact, ClockWarned | ClockBreached):
                tokens[fact.type, fact.token, getattr(fact, "nth", 0)] += 1
            elif isinstance(fact, ClocksStarted | ClocksStopped):
                tokens.update((fact.type, each.token, 0) for each in fact.clocks)
        assert max(tokens.values(), default=1) == 1

    @invariant()
    def each_breach_takes_one_step(self) -> None:
        """Each breach adds a level or calls the top again, unless its clock only warns: never silence, never two."""
        for cause, owed in self.called.items():
            assert owed == 0 or self.profile.ladder.last(cause) is None, cause

    @invariant()
    def what_is_owed_has_a_clock(self) -> None:
        """While a breached duty is open, a level's clock runs or rests, or the last level has accepted: no dead end."""
        state = self.ticket.fold.state()
        climbing = Counter(running.cause for running in state.clocks if running.start.clock == LADDER)
        for running in state.clocks:
            if running.breached and self.profile.ladder.last(running.cause) is not None:
                assert climbing[running.cause] or running.cause in self.quiet, running.cause
        assert climbing["severity"] or not self.alarmed or "severity" in self.quiet

    @invariant()
    def nothing_is_called_for_what_is_over(self) -> None:
        """A level's clock stands beside the duty whose breach it follows; a grave matter is one by itself."""
        state = self.ticket.fold.state()
        breached = {(r.cause, r.start.order_id) for r in state.clocks if r.breached}
        levels = [r for r in state.clocks if r.start.clock == LADDER]
        assert all((r.cause, r.start.order_id) in breached or r.cause == "severity" for r in levels)
        assert max(Counter((r.cause, r.start.order_id) for r in levels).values(), default=1) == 1

    @invariant()
    def somebody_owns_it(self) -> None:
        """Whoever is called is in the city, and an owner once added stays one."""
        state = self.ticket.fold.state()
        ids = {level.id for level in self.profile.levels}
        added = [fact for fact in self.said if isinstance(fact, TicketEscalated)]
        assert all(self.profile.unit(fact.unit) is not None for fact in added)
        assert all(fact.to_level in state.owners[fact.cause] for fact in added)
        if self.orders:
            assert all(standing(state, fact.cause, self.profile) in ids for fact in added)
            assert state.unit

    @invariant()
    def what_rests_is_what_was_suspended(self) -> None:
        """The handling of a suspended order rests with its levels; all else runs."""
        for running in self.ticket.fold.state().clocks:
            if not running.breached:
                suspended = running.cause in HANDLE[:2] and self.ticket.handling[running.start.order_id or ""].resting
                assert running.resting == suspended, running

    @invariant()
    def the_time_is_what_was_agreed(self) -> None:
        """From its start to its limit, less its pauses, each level has its time, and handling what was granted."""
        for running in self.ticket.fold.state().clocks:
            start = running.start
            if running.breached or running.resting:
                continue
            if start.clock in HANDLE:
                assert running.due_at == self.ticket.handling[start.order_id or ""].by(self.profile)
            elif start.clock not in SIGN:
                calendar = self.profile.calendar(start.calendar.partition("@")[0])
                counted = elapsed(calendar, start.started_at, running.due_at, running.pauses)
                assert counted == length(start.started_at, start.limit, calendar)

    @invariant()
    def what_is_over_has_none(self) -> None:
        """After closing nothing runs until the next order."""
        state = self.ticket.fold.state()
        assert not (state.closed and state.clocks)

    def teardown(self) -> None:
        """In the end everything that is due has fired, and the auditor, who goes another way, finds nothing."""
        self.hears(self.ticket.wait(timedelta(0)))
        if not self.jumps:
            findings = self.ticket.findings(race=RACE if self.crosses else TICK)
            wrong = [finding for finding in findings if finding.kind != "late" or not self.slept]
            assert wrong == [], (self.profile.name, wrong)


LateTicket.TestCase.settings = settings(
    max_examples=100, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_to_a_late_ticket = LateTicket.TestCase


@given(st.lists(lengths, min_size=1, max_size=12), st.sampled_from([GRID, COMMUNITY, DISTRICT, "gone"]))
def test_after_any_jump_the_next_instant_lies_ahead(jumps: list[timedelta], unit: str) -> None:
    """However much time passes at one stroke, one timer fires all that was due, and asks for a later instant."""
    state, now = SlaState(), MORNING
    ticket = Ticket()
    ticket.issue(unit=unit)
    for message in ticket.log:
        state = evolve(state, message)
    for jump in jumps:
        now += jump
        facts = decide(state, timer(now), now, CITY)
        for fact in facts:
            state = after(state, fact)
        at = wake_at(state)
        assert at is not None
        assert at > now
        assert decide(state, timer(now), now, CITY) == []


@given(st.lists(lengths, max_size=4))
def test_an_old_token_changes_nothing(waits: list[timedelta]) -> None:
    """A warning, breach or end of a clock that does not run leaves the state as it is."""
    ticket = Ticket()
    ticket.issue()
    for wait in waits:
        ticket.wait(wait)
    old = "T-1/sign/0"
    state = ticket.fold.state()
    due = ticket.now
    assert after(state, ClockWarned(clock="sign", token=old, due_at=due)) == state
    assert after(state, ClockBreached(clock="sign", token=old, due_at=due, late_by_s=0)) == state
    assert after(state, ClockBreached(clock="ladder", token=old, due_at=due, late_by_s=0)) == state
    assert after(state, ClocksStopped(clocks=(ClockStop(clock="sign", token=old, outcome="met"),))) == state


def timer(now: Any) -> Message:
    """Give the message by which the loop says that an instant has come."""
    return Message(Envelope("timer", "gridcall/sla", "timer", now), TICKET, TimerDue(due_at=now))
