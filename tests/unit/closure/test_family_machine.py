"""Do tickets that send each other commands end in one state, whatever is asked and whoever is heard first?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from shared.messages import (
    AttachTicket,
    CloseTicket,
    DetachTicket,
    FamilyTold,
    MergeTicket,
    MessageReceived,
    ReopenTicket,
    TicketClosed,
    TicketReopened,
    UnmergeTicket,
)
from tests.unit.closure.kinship import A, B, C, D, Kinship, work

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.messages import Command

tickets = st.sampled_from((A, B, C, D))
KINDS = ("withdrawal", "not-solved", "urge", "rating")


FIRST: dict[str, Callable[[str], Command]] = {
    "merge": lambda to: MergeTicket(by="Li", into=to, reason="同"),
    "attach": lambda to: AttachTicket(by="Li", parent=to, reason="同"),
}
THEN: dict[str, Callable[[], Command] | None] = {
    "nothing": None,
    "close": lambda: CloseTicket(by="Li", reason="完"),
    "unmerge": lambda: UnmergeTicket(by="Li", reason="异"),
    "detach": lambda: DetachTicket(by="Li", reason="异"),
}


@pytest.mark.parametrize("of_a", FIRST)
@pytest.mark.parametrize("of_b", FIRST)
@pytest.mark.parametrize("then", THEN)
def test_two_that_ask_each_other_whoever_is_heard_when(of_a: str, of_b: str, then: str) -> None:
    """In every order of commands and deliveries there is: both agree in the end, and one of them can be closed."""
    asked: list[tuple[str, Command]] = [(A, FIRST[of_a](B)), (B, FIRST[of_b](A))]
    if (more := THEN[then]) is not None:
        asked += [(A, more()), (B, more())]
    played = 0
    ways: list[tuple[int, ...]] = [()]
    while ways:
        way = ways.pop()
        kin, left, open_choices = played_out(asked, way)
        if open_choices:
            ways += [(*way, choice) for choice in range(open_choices)]
            continue
        played += 1
        assert not left
        for ticket, other in ((A, B), (B, A)):
            family = kin.family(ticket)
            assert family.asked is None
            assert family.main in {"", other}
            assert (family.main == other) == kin.family(other).has(ticket)
        assert not (kin.family(A).main and kin.family(B).main)
        if then == "nothing":
            assert "open" in {kin.state(A).phase, kin.state(B).phase}
            assert kin.family(A).main or kin.family(B).main
    assert played > 5


def played_out(asked: list[tuple[str, Command]], way: tuple[int, ...]) -> tuple[Kinship, list[Any], int]:
    """Play one way as far as it goes: each choice names the next command of a ticket, or the next delivery."""
    kin, left = Kinship(), list(asked)
    for choice in (*way, None):
        steps: list[tuple[str, ...]] = [(ticket,) for ticket in (A, B) if any(each == ticket for each, _ in left)]
        steps += [pair for pair in ((A, B), (B, A)) if kin.under_way[pair]]
        if choice is None:
            return kin, left, len(steps)
        step = steps[choice]
        if len(step) == 1:
            said = next(each for each in left if each[0] == step[0])
            left.remove(said)
            kin.read(said[1], said[0])
        else:
            kin.deliver(*step)
    raise AssertionError


class Kin(RuleBasedStateMachine):
    """Any command to any ticket, any delivery, each also twice."""

    def __init__(self) -> None:
        """Four tickets that somebody handles."""
        super().__init__()
        self.kin = Kinship()

    @rule(one=tickets, other=tickets)
    def merge(self, one: str, other: str) -> None:
        """Merge."""
        self.kin.read(MergeTicket(by="Li", into=other, reason="同"), one)

    @rule(one=tickets, other=tickets)
    def attach(self, one: str, other: str) -> None:
        """Attach."""
        self.kin.read(AttachTicket(by="Li", parent=other, reason="同"), one)

    @rule(one=tickets)
    def unmerge(self, one: str) -> None:
        """Unmerge."""
        self.kin.read(UnmergeTicket(by="Li", reason="异"), one)

    @rule(one=tickets)
    def detach(self, one: str) -> None:
        """Detach."""
        self.kin.read(DetachTicket(by="Li", reason="异"), one)

    @rule(one=tickets, callback=st.booleans())
    def done(self, one: str, callback: bool) -> None:  # noqa: FBT001
        """Say that the work is done."""
        self.kin.read(work("好了", self.kin.fold.clock.now(), callback=callback), one)

    @rule(one=tickets)
    def close(self, one: str) -> None:
        """Close out of turn."""
        self.kin.read(CloseTicket(by="Li", reason="完"), one)

    @rule(one=tickets)
    def reopen(self, one: str) -> None:
        """Reopen."""
        self.kin.read(ReopenTicket(by="Li", reason="又坏"), one)

    @rule(one=tickets, kind=st.sampled_from(KINDS))
    def hear(self, one: str, kind: str) -> None:
        """Let the caller say something."""
        now = self.kin.fold.clock.now()
        said = {"message_id": "m", "message_kind": kind, "text": "x", "rating": 3, "received_at": now}
        self.kin.read(MessageReceived.model_validate(said), one)

    @rule(hours=st.integers(0, 24 * 4))
    def wait(self, hours: int) -> None:
        """Let time pass."""
        self.kin.fold.clock.advance(timedelta(hours=hours))

    @rule(one=tickets, other=tickets, twice=st.booleans())
    def deliver(self, one: str, other: str, twice: bool) -> None:  # noqa: FBT001
        """Deliver what is under way from one to another, if anything is."""
        if self.kin.under_way[one, other]:
            self.kin.deliver(one, other, twice=twice)

    @invariant()
    def nobody_stands_for_itself(self) -> None:
        """No ring, at any moment; and never deeper than a part with its merged tickets."""
        for ticket in (A, B, C, D):
            way = [ticket]
            while main := self.kin.family(way[-1]).main:
                assert main not in way
                way.append(main)
            assert len(way) <= 3

    @invariant()
    def closings_and_reopenings_take_turns(self) -> None:
        """Nothing is closed twice, whoever closes it."""
        for ticket in (A, B, C, D):
            turns = [fact for fact in self.kin.facts[ticket] if isinstance(fact, TicketClosed | TicketReopened)]
            assert all(isinstance(f, TicketClosed if n % 2 == 0 else TicketReopened) for n, f in enumerate(turns))

    def teardown(self) -> None:
        """When all is delivered both sides agree, nobody waits, and every merged ticket ends at one that is its own."""
        self.kin.settle()
        for ticket in (A, B, C, D):
            family, state = self.kin.family(ticket), self.kin.state(ticket)
            assert family.asked is None
            assert all(self.kin.family(child.id).main == ticket for child in family.children)
            if family.main:
                assert self.kin.family(family.main).has(ticket, family.relation)
            if family.merged:
                assert state.phase == "closed"
                assert not family.children
                self.told(ticket, family.main)
        for ticket in (A, B, C, D):
            self.ends(ticket)

    def told(self, ticket: str, main: str) -> None:
        """Know of its main ticket what that is: the last that it was told of since it was merged."""
        since = [n for n, fact in enumerate(self.kin.facts[ticket]) if fact.type.endswith(".merged.v1")][-1]
        news = [fact.news for fact in self.kin.facts[ticket][since:] if isinstance(fact, FamilyTold)]
        if news and self.kin.state(main).phase == "closed":
            assert news[-1] == "closed"

    def ends(self, ticket: str) -> None:
        """Every ticket can be brought to an end: its main one is closed, and it with it."""
        top = ticket
        while self.kin.family(top).main:
            top = self.kin.family(top).main
        if self.kin.state(top).phase != "closed":
            assert self.kin.close(top)[0] == "closed"
        assert self.kin.state(ticket).phase == "closed"


Kin.TestCase.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
test_families_agree_when_all_is_said = Kin.TestCase
