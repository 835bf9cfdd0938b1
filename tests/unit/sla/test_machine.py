"""What stays true of timers and the ladder, whatever happens in whatever order?"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.sla.domain import SlaState, decide, evolve, wake_at
from services.sla.domain.state import after
from shared.decider import Message, TimerDue
from shared.envelope import Envelope
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClocksStopped,
    ClockStop,
    ClockWarned,
    EscalationAccepted,
    SupervisionRepeated,
    TicketEscalated,
)
from tests.support.fold import MORNING, TICKET
from tests.unit.sla.ladder import CITY, COMMUNITY, DISTRICT, EMPTY_TOP, GRID, STREET, Ticket

lengths = st.one_of(
    st.integers(0, 90 * 60).map(lambda seconds: timedelta(seconds=seconds)),
    st.integers(0, 60 * 24 * 30).map(lambda number: timedelta(minutes=number)),
    st.timedeltas(timedelta(0), timedelta(minutes=12)),
)


class LateTicket(RuleBasedStateMachine):
    """A ticket with orders one after the other, answers in time and too late, outages and a clock that jumps."""

    def __init__(self) -> None:
        """Begin with no order."""
        super().__init__()
        self.ticket = Ticket()
        self.orders = 0
        self.jumps = False
        self.said: list[Any] = []

    @initialize(profile=st.sampled_from([CITY, EMPTY_TOP]), jumps=st.booleans())
    def begin(self, profile: Any, jumps: bool) -> None:  # noqa: FBT001 - drawn by name
        """Begin in a city whose top has staff, or has none; with a clock that may jump back, or with an auditor."""
        self.ticket = Ticket(profile)
        self.jumps = jumps

    @property
    def last(self) -> str:
        """Give the last order."""
        return f"T-{self.orders}"

    @rule(
        unit=st.sampled_from([GRID, COMMUNITY, STREET, DISTRICT, "gone"]),
        severity=st.sampled_from(["I", "II", "III", "IV"]),
        sign=st.integers(1, 90),
        handle=st.integers(1, 300),
    )
    def issue(self, unit: str, severity: Any, sign: int, handle: int) -> None:
        """Issue the next order; the one before is withdrawn, as dispatch does."""
        if self.orders:
            self.said += self.ticket.withdraw(self.last)
        self.orders += 1
        self.said += self.ticket.issue(
            self.last,
            unit,
            severity,
            sign_by=self.ticket.now + timedelta(minutes=sign),
            handle_by=self.ticket.now + timedelta(minutes=handle),
        )

    @rule()
    def sign(self) -> None:
        """Sign for the last order."""
        self.said += self.ticket.sign(self.last)

    @rule()
    def do(self) -> None:
        """Say that the last order is done."""
        self.said += self.ticket.do(self.last)

    @rule(length=lengths, share=st.floats(0, 1), done=st.booleans())
    def answer_in_an_outage(self, length: timedelta, share: float, done: bool) -> None:  # noqa: FBT001
        """Answer somewhere in an outage; sla reads it at its end, before any timer."""
        at = self.ticket.now + length * share
        self.ticket.clock.advance(length)
        self.said += (self.ticket.do if done else self.ticket.sign)(self.last, at)

    @precondition(lambda self: self.orders)
    @rule()
    def rework(self) -> None:
        """Let the last order stand again."""
        self.said += self.ticket.rework(self.last)

    @rule()
    def withdraw(self) -> None:
        """Withdraw the last order."""
        self.said += self.ticket.withdraw(self.last)

    @rule()
    def close(self) -> None:
        """Close the ticket."""
        self.said += self.ticket.close()

    @rule(level=st.sampled_from([None, "community", "street", "district"]))
    def accept(self, level: str | None) -> None:
        """Somebody takes it on."""
        self.said += self.ticket.accept("Li", level)

    @rule(length=lengths)
    def outage(self, length: timedelta) -> None:
        """Time passes at one stroke; then sla wakes once."""
        self.said += self.ticket.wait(length)
        at = self.ticket.fold.wake_at()
        assert at is None or at > self.ticket.now

    @rule(length=st.timedeltas(timedelta(0), timedelta(minutes=90)))
    def live(self, length: timedelta) -> None:
        """Time passes with sla awake."""
        self.said += self.ticket.live(length)

    @rule(length=lengths)
    def asleep(self, length: timedelta) -> None:
        """Time passes and sla does not wake: whatever comes next finds old timers."""
        self.ticket.clock.advance(length)

    @precondition(lambda self: self.jumps)
    @rule(length=st.timedeltas(timedelta(0), timedelta(hours=2)))
    def jump_back(self, length: timedelta) -> None:
        """Let the system clock be corrected backwards."""
        self.ticket.clock.advance(-length)

    @invariant()
    def nobody_is_added_twice(self) -> None:
        """Once per (ticket, level, cause), for ever."""
        added = Counter((f.to_level, f.cause) for f in self.said if isinstance(f, TicketEscalated))
        assert max(added.values(), default=1) == 1

    @invariant()
    def each_run_fires_once(self) -> None:
        """One start, one warning, one breach and one end for each token."""
        tokens: Counter[tuple[str, str]] = Counter()
        for fact in self.said:
            if isinstance(fact, ClockWarned | ClockBreached):
                tokens[fact.type, fact.token] += 1
            elif isinstance(fact, ClocksStarted | ClocksStopped):
                tokens.update((fact.type, each.token) for each in fact.clocks)
        assert max(tokens.values(), default=1) == 1

    @invariant()
    def each_breach_takes_one_step(self) -> None:
        """Each breach adds a level or calls the top again: never silence, never two."""
        breaches = sum(isinstance(fact, ClockBreached) for fact in self.said)
        steps = sum(isinstance(fact, TicketEscalated | SupervisionRepeated) for fact in self.said)
        assert breaches == steps

    @invariant()
    def what_is_owed_has_a_clock(self) -> None:
        """While a breached duty is open, a level's clock runs for it or the top has accepted: no dead end."""
        state = self.ticket.fold.state()
        for running in state.clocks:
            if running.breached:
                climbing = [r for r in state.clocks if r.start.cause == running.start.clock]
                took = [f for f in self.said if isinstance(f, EscalationAccepted) and f.level == "district"]
                assert climbing or took

    @invariant()
    def what_is_over_has_none(self) -> None:
        """After closing nothing runs until the next order."""
        state = self.ticket.fold.state()
        assert not (state.closed and state.clocks)

    def teardown(self) -> None:
        """In the end everything that is due has fired, and the auditor, who goes another way, finds nothing."""
        self.said += self.ticket.wait(timedelta(0))
        if not self.jumps:
            findings = self.ticket.findings(race=timedelta(milliseconds=1))  # what ce_time leaves out
            assert [finding for finding in findings if finding.kind != "late"] == []


LateTicket.TestCase.settings = settings(
    max_examples=150, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
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
