"""What stays true on a ticket's way out, whatever happens in whatever order?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, get_args

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.closure.domain import EDGES, OPEN_PHASES, Phase
from shared.messages import CommandRefused, MessageReceived, ReworkOrdered, TicketClosed, TicketReopened
from tests.unit.closure.cases import Case, names

if TYPE_CHECKING:
    from shared.messages import Severity

KINDS = ["follow-up", "answer", "withdrawal", "rating", "not-solved", "urge"]
texts = st.sampled_from(["", "  ", "不行"])


class LeavingTicket(RuleBasedStateMachine):
    """A ticket that is done, verified, called about, reopened and closed at random."""

    def __init__(self) -> None:
        """Begin with a ticket that somebody handles."""
        super().__init__()
        self.case = Case()
        self.said: list[Any] = []

    @rule(severity=st.sampled_from(["I", "IV"]), callback=st.booleans(), order=st.sampled_from(["T-1", "T-2"]))
    def do(self, severity: Severity, callback: bool, order: str) -> None:  # noqa: FBT001 - drawn by name
        """Say that it is done."""
        self.said += self.case.do(severity=severity, callback=callback, order_id=order)

    @rule(passed=st.booleans(), note=texts)
    def verify(self, passed: bool, note: str) -> None:  # noqa: FBT001
        """Verify."""
        self.said += self.case.verify(passed=passed, note=note)

    @rule(reached=st.booleans(), solved=st.none() | st.booleans(), note=texts)
    def call(self, reached: bool, solved: bool | None, note: str) -> None:  # noqa: FBT001
        """Call back."""
        self.said += self.case.call(reached=reached, solved=solved, note=note)

    @rule(kind=st.sampled_from(KINDS), text=texts, rating=st.none() | st.integers(1, 5))
    def message(self, kind: str, text: str, rating: int | None) -> None:
        """Let the person say something."""
        self.said += self.case.message(kind, text, rating)

    @rule(reason=texts)
    def close(self, reason: str) -> None:
        """Close out of turn."""
        self.said += self.case.close(reason)

    @rule(reason=texts)
    def reopen(self, reason: str) -> None:
        """Reopen."""
        self.said += self.case.reopen(reason)

    @rule()
    def divert(self) -> None:
        """Divert."""
        self.said += self.case.divert()

    @rule(hours=st.integers(-10, 24 * 10))
    def wait(self, hours: int) -> None:
        """Let time pass, or the clock jump back."""
        self.case.clock.advance(timedelta(hours=hours))

    @invariant()
    def it_is_never_closed_twice_without_a_reopening(self) -> None:
        """Closings and reopenings take turns, and both are counted right."""
        turns = [fact for fact in self.said if isinstance(fact, TicketClosed | TicketReopened)]
        for place, fact in enumerate(turns):
            assert isinstance(fact, TicketClosed if place % 2 == 0 else TicketReopened)
            count = fact.closings if isinstance(fact, TicketClosed) else fact.reopenings
            assert count == place // 2 + 1
        assert (self.case.phase == "closed") == (len(turns) % 2 == 1)

    @invariant()
    def reworks_have_a_reason(self) -> None:
        """Nobody is sent back without a word."""
        assert all(fact.reason.strip() for fact in self.said if isinstance(fact, ReworkOrdered | TicketReopened))

    @invariant()
    def a_closed_ticket_says_something_to_the_person(self) -> None:
        """Whatever the outcome."""
        assert all(fact.result.strip() for fact in self.said if isinstance(fact, TicketClosed))

    def teardown(self) -> None:
        """Whatever phase it has come to, it can be closed now; what is refused has a sentence."""
        phase = self.case.phase
        if phase != "closed":
            assert names(self.case.close()) == ["closed forced"]
        assert all(f.detail.zh and f.detail.en for f in self.said if isinstance(f, CommandRefused))


LeavingTicket.TestCase.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
test_whatever_happens_on_the_way_out = LeavingTicket.TestCase


def test_the_table_names_every_phase_and_knows_every_message() -> None:
    """No phase without an exit, no edge from a phase or by a kind of message that does not exist."""
    phases = {phase for phase, _ in EDGES}
    assert phases == set(get_args(Phase))
    assert phases - set(OPEN_PHASES) == {"closed"}
    kinds = get_args(MessageReceived.model_fields["message_kind"].annotation)
    assert {trigger for _, trigger in EDGES if isinstance(trigger, str)} <= set(kinds)
