"""Do tickets merge, part and close together, whatever is asked of them in which state?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.closure import family
from shared.messages import (
    AdoptTicket,
    AnswerAdoption,
    CommandRefused,
    FamilyHeard,
    FamilyRefused,
    FamilyTold,
    FollowTicket,
    HearTicket,
    LetGo,
    LinkTicket,
    MergeTicket,
    ReworkOrdered,
    SuggestProject,
    SuspectDuplicate,
    TicketClosed,
    TicketDetached,
    TicketReleased,
    TicketReopened,
)
from tests.support.fold import MORNING
from tests.unit.closure.kinship import A, B, C, D, Kinship, words, work


def told(kin: Kinship, ticket: str) -> list[str]:
    """Give what a ticket was told of the one that stands for it."""
    return [fact.news for fact in kin.facts[ticket] if isinstance(fact, FamilyTold)]


def refusal(kin: Kinship, ticket: str) -> FamilyRefused:
    """Give why another ticket did not take it in."""
    return [fact for fact in kin.facts[ticket] if isinstance(fact, FamilyRefused)][-1]


# ---------------------------------------------------------------- merging


def test_a_duplicate_is_merged_into_another_ticket() -> None:
    """It is closed as merged once the other has taken it in, and that other goes on."""
    kin = Kinship()
    assert kin.merge(B, A) == ["family-asked"]
    assert words(kin.facts[B]) == ["family-asked", "merged", "closed"]
    assert words(kin.facts[A]) == ["adopted"]
    assert (kin.state(A).phase, kin.state(B).phase) == ("open", "closed")
    assert next(f for f in kin.facts[B] if isinstance(f, TicketClosed)).outcome == "merged"
    assert (kin.family(A).of("duplicate"), kin.family(B).main) == ((B,), A)


def test_every_caller_is_told_what_becomes_of_the_matter() -> None:
    """Each merged ticket hears of resolving, rework, closing and reopening, with the public result alone."""
    kin = Kinship()
    kin.merge(B, A)
    kin.merge(C, A)
    kin.done(A, detail="王师傅 138 0000 0000")
    assert told(kin, B) == told(kin, C) == ["resolved", "closed"]
    last = [fact for fact in kin.facts[B] if isinstance(fact, FamilyTold)][-1]
    assert (last.outcome, last.result) == ("solved", "路面已修复")
    assert last.reopen_until == kin.state(A).reopen_until
    kin.reopen(A)
    assert told(kin, B)[2:] == ["reopened"]


def test_a_merged_caller_who_is_not_satisfied_is_heard_like_ones_own() -> None:
    """Not solved reopens the ticket that stands for theirs; what they wrote stays with their own."""
    kin = Kinship()
    kin.merge(B, A)
    kin.done(A)
    assert kin.hear(B, "not-solved") == ["family-passed-on"]
    assert words(kin.facts[A])[-2:] == ["family-heard", "reopened"]
    assert kin.state(A).phase == "open"
    assert kin.state(B).phase == "closed"
    assert "张女士" not in repr(kin.facts[A])
    assert B in kin.facts[A][-1].reason


def test_not_solved_before_the_call_back_leads_to_rework() -> None:
    """While the main caller has yet to be asked, a merged one's word counts as the answer."""
    kin = Kinship()
    kin.merge(B, A)
    kin.done(A, callback=True)
    assert kin.state(A).phase == "calling-back"
    kin.hear(B, "not-solved")
    assert isinstance(kin.facts[A][-1], ReworkOrdered)
    assert told(kin, B) == ["resolved", "rework"]


def test_not_solved_while_it_is_handled_is_only_on_record() -> None:
    """Nobody has said that it is."""
    kin = Kinship()
    kin.merge(B, A)
    kin.hear(B, "not-solved")
    assert words(kin.facts[A]) == ["adopted", "family-heard"]


def test_not_solved_after_the_window_is_only_on_record() -> None:
    """As for the main caller."""
    kin = Kinship()
    kin.merge(B, A)
    kin.done(A)
    kin.fold.clock.advance(timedelta(days=8))
    kin.hear(B, "not-solved")
    assert isinstance(kin.facts[A][-1], FamilyHeard)


def test_a_merged_caller_may_urge() -> None:
    """Whoever handles the main ticket hears of it."""
    kin = Kinship()
    kin.merge(B, A)
    assert kin.hear(B, "urge") == ["family-passed-on"]
    assert kin.facts[A][-1].message_kind == "urge"


def test_a_ticket_goes_on_for_the_others_when_its_own_caller_withdraws() -> None:
    """They asked for the same."""
    kin = Kinship()
    kin.merge(B, A)
    assert kin.hear(A, "withdrawal") == []
    assert kin.state(A).phase == "open"
    kin.unmerge(B)
    assert kin.hear(A, "withdrawal") == ["closed"]


def test_unmerging_opens_it_again_and_the_other_lets_it_go() -> None:
    """Nothing is heard of each other from then on."""
    kin = Kinship()
    kin.merge(B, A)
    assert kin.unmerge(B) == ["unmerged", "reopened"]
    assert kin.state(B).phase == "open"
    assert isinstance(kin.facts[A][-1], TicketReleased)
    kin.done(A)
    assert told(kin, B) == []
    assert kin.done(B)[-1] == "closed"


def test_a_merged_ticket_may_still_be_rated() -> None:
    """Its caller has an opinion of their own."""
    kin = Kinship()
    kin.merge(B, A)
    kin.done(A)
    assert kin.hear(B, "rating") == ["called-back"]


def merged_b_into_a(kin: Kinship) -> None:
    """B is merged into A."""
    kin.merge(B, A)


def attached_b_to_a(kin: Kinship) -> None:
    """B is a part of A."""
    kin.attach(B, A)


def closed_b(kin: Kinship) -> None:
    """B is closed."""
    kin.close(B)


def closed_a(kin: Kinship) -> None:
    """A is closed."""
    kin.close(A)


def closed_a_for_good(kin: Kinship) -> None:
    """A is closed and may not be reopened any more."""
    kin.close(A)
    kin.fold.clock.advance(timedelta(days=8))


def merged_c_into_b(kin: Kinship) -> None:
    """B stands for C."""
    kin.merge(C, B)


def attached_c_to_b(kin: Kinship) -> None:
    """C is a part of B."""
    kin.attach(C, B)


def done_b(kin: Kinship) -> None:
    """The work of B is done and waits for a person to look."""
    kin.done(B, severity="I")


def merged_a_into_c(kin: Kinship) -> None:
    """A is merged into C."""
    kin.merge(A, C)


def attached_a_to_c(kin: Kinship) -> None:
    """A is a part of C."""
    kin.attach(A, C)


def related(kin: Kinship) -> None:
    """A and B are related."""
    kin.relate(A, B)


AT_ONCE: list[tuple[Any, str, tuple[str, ...], str]] = [
    (None, "merge", (B,), "itself"),
    (None, "merge", ("12345",), "no-such-ticket"),
    (None, "merge", (A, " "), "no-reason"),
    (merged_b_into_a, "merge", (C,), "merged"),
    (attached_b_to_a, "merge", (C,), "attached"),
    (merged_c_into_b, "merge", (A,), "has-children"),
    (attached_c_to_b, "merge", (A,), "has-children"),
    (closed_b, "merge", (A,), "closed"),
    (None, "attach", (B,), "itself"),
    (None, "attach", ("?",), "no-such-ticket"),
    (None, "attach", (A, ""), "no-reason"),
    (merged_b_into_a, "attach", (C,), "merged"),
    (attached_b_to_a, "attach", (C,), "attached"),
    (attached_c_to_b, "attach", (A,), "has-children"),
    (closed_b, "attach", (A,), "closed"),
    (done_b, "attach", (A,), "work-done"),
    (None, "unmerge", (), "not-merged"),
    (attached_b_to_a, "unmerge", (), "not-merged"),
    (merged_b_into_a, "unmerge", ("",), "no-reason"),
    (None, "detach", (), "not-attached"),
    (merged_b_into_a, "detach", (), "not-attached"),
    (attached_b_to_a, "detach", ("",), "no-reason"),
    (None, "relate", (B,), "itself"),
    (None, "relate", ("x",), "no-such-ticket"),
    (None, "relate", (A, ""), "no-reason"),
    (related, "relate", (A,), "related"),
    (merged_b_into_a, "reopen", (), "merged"),
]


@pytest.mark.parametrize(("before", "command", "arguments", "reason"), AT_ONCE)
def test_what_may_not_be_asked_is_refused_at_once(before: Any, command: str, arguments: Any, reason: str) -> None:
    """With a sentence in both languages, and nothing is under way."""
    kin = Kinship()
    if before is not None:
        before(kin)
    earlier = len(kin.facts[A])
    assert getattr(kin, command)(B, *arguments) == [f"refused {reason}"]
    said = kin.facts[B][-1]
    assert isinstance(said, CommandRefused)
    assert said.detail.zh
    assert said.detail.en.endswith(".")
    assert len(kin.facts[A]) == earlier


def test_a_part_that_was_closed_with_its_parent_is_reopened_and_not_detached() -> None:
    """The sentence says so."""
    kin = Kinship()
    kin.attach(B, A)
    kin.done(A)
    assert kin.detach(B) == ["refused closed"]


LATER: list[tuple[Any, str, str]] = [
    (closed_a, "merge", "closed"),
    (closed_a_for_good, "merge", "closed-for-good"),
    (merged_a_into_c, "merge", "merged"),
    (closed_a, "attach", "closed"),
    (closed_a_for_good, "attach", "closed-for-good"),
    (merged_a_into_c, "attach", "merged"),
    (attached_a_to_c, "attach", "attached"),
]


@pytest.mark.parametrize(("before", "command", "reason"), LATER)
def test_the_other_ticket_may_refuse(before: Any, command: str, reason: str) -> None:
    """The one that asked is told why and stays what it was."""
    kin = Kinship()
    before(kin)
    assert getattr(kin, command)(B, A) == ["family-asked"]
    said = refusal(kin, B)
    assert said.reason == reason
    assert said.detail.zh
    assert said.detail.en.endswith(".")
    assert kin.state(B).phase == "open"
    assert not kin.family(B).main
    assert not kin.family(A).children
    assert kin.merge(B, D) == ["family-asked"]
    assert kin.family(B).main == D


def test_a_merged_ticket_says_where_the_matter_is() -> None:
    """So that the right one is named."""
    kin = Kinship()
    kin.merge(A, C)
    kin.merge(B, A)
    assert C in refusal(kin, B).detail.en


def test_a_ticket_stands_for_so_many_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a flood there is a bound."""
    monkeypatch.setattr(family, "MOST", 1)
    kin = Kinship()
    kin.merge(B, A)
    kin.merge(C, A)
    assert refusal(kin, C).reason == "too-many"
    kin.relate(A, B)
    assert kin.relate(A, C) == ["refused too-many"]


def test_a_ticket_that_was_closed_meanwhile_is_not_merged() -> None:
    """The other one lets it go again."""
    kin = Kinship()
    kin.read(MergeTicket(by="Li", into=A, reason="同"), B)
    kin.deliver(B, A)
    kin.read(work("好了", MORNING), B)
    kin.settle()
    assert refusal(kin, B).reason == "closed"
    assert not kin.family(A).children
    assert not kin.family(B).main


@pytest.mark.parametrize(("main", "nth"), [(A, 2), (C, 1)])
def test_only_the_answer_that_it_waits_for_counts(main: str, nth: int) -> None:
    """One to an earlier question may come late."""
    kin = Kinship()
    kin.read(MergeTicket(by="Li", into=A, reason="同"), B)
    assert kin.read(AnswerAdoption(by="Li", main=main, nth=nth), B) == []
    assert kin.family(B).asked is not None


def test_a_refusal_that_comes_twice_is_answered_once() -> None:
    """Its answer was written with it."""
    kin = Kinship()
    kin.close(A)
    kin.read(MergeTicket(by="Li", into=A, reason="同"), B)
    kin.deliver(B, A, twice=True)


def test_while_it_waits_for_an_answer_it_asks_nobody_else() -> None:
    """And takes nobody in."""
    kin = Kinship()
    kin.read(MergeTicket(by="Li", into=A, reason="同"), B)
    assert words(kin.read(MergeTicket(by="Li", into=C, reason="同"), B)) == ["refused asking"]
    kin.read(MergeTicket(by="Li", into=B, reason="同"), D)
    kin.deliver(D, B)
    kin.settle()
    assert refusal(kin, D).reason == "asking"
    assert kin.family(B).main == A


def test_two_that_merge_into_each_other_leave_one_open() -> None:
    """Whoever is heard first."""
    for first, second in ((A, B), (B, A)):
        kin = Kinship()
        kin.read(MergeTicket(by="Li", into=B, reason="同"), A)
        kin.read(MergeTicket(by="Wang", into=A, reason="同"), B)
        kin.deliver(first, second)
        kin.deliver(second, first)
        kin.settle()
        assert kin.state(A).phase == "open"
        assert kin.family(B).main == A
        assert refusal(kin, A).reason


# ---------------------------------------------------------------- parts


def test_a_part_is_closed_with_its_parent() -> None:
    """With its outcome and result; and reopened with it."""
    kin = Kinship()
    assert kin.attach(B, A) == ["family-asked"]
    assert words(kin.facts[B]) == ["family-asked", "attached"]
    assert kin.state(B).phase == "open"
    kin.done(A)
    closed = next(fact for fact in kin.facts[B] if isinstance(fact, TicketClosed))
    assert (closed.outcome, closed.result) == ("solved", "路面已修复")
    kin.reopen(A)
    assert words(kin.facts[B])[-2:] == ["family-told", "reopened"]
    assert kin.family(B).main == A
    kin.done(A)
    assert kin.state(B).phase == "closed"
    assert kin.state(B).closings == 2


def test_the_tickets_merged_into_a_part_are_told_too() -> None:
    """A project closes its tickets, and those their callers."""
    kin = Kinship()
    kin.merge(C, B)
    kin.attach(B, A)
    kin.done(A)
    assert told(kin, C) == ["closed"]


def test_detaching_lets_it_go_its_own_way() -> None:
    """Dispatch issues its order again."""
    kin = Kinship()
    kin.attach(B, A)
    assert kin.detach(B) == ["detached"]
    kin.done(A)
    assert kin.state(B).phase == "open"
    assert not kin.family(A).children


def test_a_withdrawn_parent_lets_its_parts_go() -> None:
    """Others asked for these."""
    kin = Kinship()
    kin.attach(B, A)
    assert kin.hear(A, "withdrawal") == ["closed"]
    assert kin.facts[B][-1].why == "withdrawn"
    assert kin.state(B).phase == "open"
    assert not kin.family(A).children


@pytest.mark.parametrize("how", ["withdrawal", "close", "done"])
def test_a_part_that_ends_by_itself_leaves_its_parent(how: str) -> None:
    """Its caller withdrew, somebody closed it, or its handler was faster."""
    kin = Kinship()
    kin.attach(B, A)
    said = kin.hear(B, how) if how == "withdrawal" else getattr(kin, how)(B)
    assert said[-2:] == ["closed", "detached"]
    assert not kin.family(A).children
    kin.done(A)
    assert kin.state(B).closings == 1


def test_a_part_whose_caller_is_not_satisfied_begins_again_alone() -> None:
    """What solved the parent has not solved theirs."""
    kin = Kinship()
    kin.attach(B, A)
    kin.done(A)
    assert kin.hear(B, "not-solved") == ["detached", "reopened"]
    assert kin.state(A).phase == "closed"
    assert isinstance(kin.facts[B][-2], TicketDetached)
    assert isinstance(kin.facts[B][-1], TicketReopened)
    assert not kin.family(A).children


def test_a_part_may_urge() -> None:
    """Whoever handles the parent hears of it; not solved changes nothing while nobody has said that it is."""
    kin = Kinship()
    kin.attach(B, A)
    assert kin.hear(B, "urge") == ["family-passed-on"]
    assert kin.facts[A][-1].message_kind == "urge"


def test_related_tickets_know_of_each_other_and_nothing_follows() -> None:
    """Not even for closed ones."""
    kin = Kinship()
    kin.close(B)
    assert kin.relate(A, B) == ["related"]
    assert (kin.family(A).related, kin.family(B).related) == ((B,), (A,))
    assert kin.relate(B, A) == ["refused related"]
    kin.done(A)
    assert told(kin, B) == []


# ---------------------------------------------------------------- what comes unasked


@pytest.mark.parametrize(
    "body",
    [
        AnswerAdoption(by="Li", main=A, nth=1),
        LetGo(by="Li", child=A, why="closed"),
        FollowTicket(by="Li", main=A, news="closed", outcome="solved"),
        HearTicket(by="caller", child=A, message_kind="not-solved", received_at=MORNING),
    ],
)
def test_what_concerns_no_family_of_its_own_changes_nothing(body: Any) -> None:
    """It may come late."""
    kin = Kinship()
    assert kin.say(B, body) == []
    assert kin.state(B).family is None


def test_what_comes_again_changes_nothing() -> None:
    """Taken in once, linked once, let go once."""
    kin = Kinship()
    kin.merge(B, A)
    assert kin.say(A, AdoptTicket(by="Li", child=B, relation="duplicate", reason="x", nth=1)) == []
    kin.relate(A, C)
    assert kin.say(C, LinkTicket(by="Li", other=A)) == []


def test_a_ticket_does_not_take_in_the_one_that_stands_for_it() -> None:
    """That would be a ring."""
    kin = Kinship()
    kin.attach(B, A)
    asked = AdoptTicket(by="Li", child=A, relation="duplicate", reason="x", nth=1)
    assert kin.say(B, asked) == ["refused ring"]


def test_a_suspicion_is_noted_once_and_not_of_what_is_settled() -> None:
    """A person decides."""
    kin = Kinship()
    assert kin.say(B, SuspectDuplicate(by="gridcall", of=A, score=80, metres=12)) == ["duplicate-suspected"]
    assert kin.say(B, SuspectDuplicate(by="gridcall", of=A, score=90)) == []
    assert kin.say(B, SuspectDuplicate(by="gridcall", of=B, score=90)) == []
    kin.merge(B, A)
    assert kin.say(B, SuspectDuplicate(by="gridcall", of=C, score=90)) == []


def test_a_project_is_suggested_again_only_when_it_came_back_more_often() -> None:
    """Not for each report."""
    kin = Kinship()

    def suggest(times: int) -> list[str]:
        body = SuggestProject(by="gridcall", unit="1", category="0101", times=times, since=MORNING, tickets=(A,))
        return kin.say(B, body)

    assert [suggest(5), suggest(5), suggest(10)] == [["project-suggested"], [], ["project-suggested"]]


def test_a_ticket_without_a_family_pays_nothing() -> None:
    """No word of it is stored, none is said."""
    kin = Kinship()
    kin.done(A)
    assert b"family" not in kin.fold._documents[A]["s"]
    assert not any(kin.under_way.values())


def test_whoever_asks_must_say_who_they_are() -> None:
    """As for every command."""
    kin = Kinship()
    assert words(kin.read(MergeTicket(by=" ", into=A, reason="同"), B)) == ["refused no-name"]
