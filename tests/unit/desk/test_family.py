"""What does the desk show of a ticket's family, and what may be done with it?"""

from __future__ import annotations

from services.desk.actions import actions
from services.desk.store import searchable
from services.desk.timeline import entries
from services.desk.views import family_view, relatives, timeline_view
from shared import messages as m
from tests.unit.closure.cases import CITY
from tests.unit.desk.lives import START, Life
from tests.unit.desk.test_sentences import NAMES

A, B, C = "000000000000000A", "000000000000000B", "000000000000000C"
FAMILY = {"merge", "unmerge", "attach", "detach", "relate"}


def possible(life: Life) -> set[str]:
    """Give the commands about families that may be given."""
    shown = actions(life.ticket, life.view(), NAMES, life.now)
    for each in shown:
        assert each["possible"] or each["why_not"]["zh"].strip("；。当前状态：")
    return {each["command"] for each in shown if each["possible"]} & FAMILY


def merged(life: Life) -> Life:
    """Merge it into A."""
    life.fact(m.TicketMerged(into=A, by="Li", reason="同"))
    return life.fact(m.TicketClosed(outcome="merged", result="x", by="Li"))


def test_what_may_be_done_follows_the_family() -> None:
    """Only one way in, and the way out of it."""
    life = Life().reported().triaged().issued()
    assert possible(life) == {"merge", "attach", "relate"}
    assert possible(merged(life)) == {"unmerge", "relate"}
    part = Life("part").reported().triaged().issued()
    part.fact(m.TicketAttached(parent=A, by="Li", reason="爆管"))
    assert possible(part) == {"detach", "relate"}
    main = Life("main").reported().triaged().issued()
    main.fact(m.TicketAdopted(child=B, relation="duplicate", by="Li"))
    assert possible(main) == {"attach", "relate"}
    main.fact(m.TicketAdopted(child=C, relation="child", by="Li"))
    assert possible(main) == {"relate"}
    done = Life("done").reported().triaged().issued().signed().done()
    assert possible(done) == {"merge", "relate"}


def test_a_merged_ticket_is_not_reopened_but_unmerged() -> None:
    """The table says so."""
    life = merged(Life().reported())
    shown = {each["command"]: each["possible"] for each in actions(life.ticket, life.view(), NAMES, life.now)}
    assert not shown["reopen"]


def test_the_view_shows_the_family_with_states_and_links() -> None:
    """Who stands for whom, what is related, what is suspected."""
    life = Life().reported().triaged().issued()
    life.fact(m.TicketAdopted(child=B, relation="duplicate", by="Li"))
    life.fact(m.TicketAdopted(child=C, relation="child", by="Li"))
    life.fact(m.TicketReleased(child=C, relation="child", why="detached"))
    life.fact(m.TicketRelated(other=C, by="Li"))
    life.fact(m.DuplicateSuspected(of=A, score=80, metres=12))
    ticket = life.view()
    assert relatives(ticket) == {A, B, C}
    shown = family_view(ticket, {B: "closed"}, NAMES)
    assert shown is not None
    (child,) = shown["children"]
    assert (child["id"], child["relation"], child["state_name"]["en"]) == (B, "duplicate", "closed")
    assert child["href"] == f"/v1/tickets/{B}"
    assert [each["id"] for each in shown["related"]] == [C]
    assert [(each["id"], each["score"]) for each in shown["suspected"]] == [(A, 80)]
    assert shown["main"] is None


def test_the_view_shows_who_was_asked_and_why_it_was_refused() -> None:
    """Whoever gave the command sees what became of it."""
    life = Life().reported().triaged().issued()
    life.fact(m.FamilyAsked(into=A, relation="duplicate", by="Li", reason="同", nth=1))
    shown = family_view(life.view(), {A: "ordered"}, NAMES)
    assert shown is not None
    assert (shown["asking"]["id"], shown["asking"]["state"], shown["refusal"]) == (A, "ordered", None)
    words = m.Words(zh="已结案", en="It is closed")
    life.fact(m.FamilyRefused(into=A, relation="duplicate", reason="closed", detail=words))
    shown = family_view(life.view(), {}, NAMES)
    assert shown is not None
    assert (shown["asking"], shown["refusal"]["reason"]) == (None, "closed")
    life.fact(m.FamilyAsked(into=B, relation="duplicate", by="Li", reason="同", nth=2))
    shown = family_view(merged(life).view(), {}, NAMES)
    assert shown is not None
    assert (shown["asking"], shown["refusal"], shown["main"]["id"]) == (None, None, A)


def test_a_ticket_alone_shows_none() -> None:
    """Nor does it store any."""
    life = Life().reported()
    assert family_view(life.view(), {}, NAMES) is None
    assert relatives(life.view()) == set()
    assert "hints" not in searchable(CITY)(life.view())


def test_what_gridcall_has_found_is_listed_until_a_person_has_acted() -> None:
    """A merged ticket is suspected no more."""
    life = Life().reported()
    life.fact(m.DuplicateSuspected(of=A, score=80))
    assert searchable(CITY)(life.view())["hints"] == ["duplicate"]
    project = m.ProjectSuggested(unit="100000001001", category="0101", times=5, since=START, tickets=(A, B))
    life.fact(project)
    assert searchable(CITY)(life.view())["hints"] == ["duplicate", "project"]
    assert searchable(CITY)(merged(life).view())["hints"] == ["project"]
    shown = family_view(life.view(), {}, NAMES)
    assert shown is not None
    assert shown["project"]["tickets"] == (A, B)


def test_an_attached_ticket_goes_back_to_the_state_it_had() -> None:
    """Also when nobody has triaged it."""
    life = Life().reported()
    life.fact(m.TriageNeeded(missing=("place",), unit="100000", detail=m.Words(zh="缺", en="missing")))
    life.fact(m.TicketAttached(parent=A, by="Li", reason="爆管"))
    assert life.view().state == "attached"
    life.fact(m.TicketDetached(parent=A, why="detached", by="Li", reason="另"))
    assert life.view().state == "triage"


def test_a_merged_ticket_shows_the_result_of_the_one_that_stands_for_it() -> None:
    """A part has its own."""
    life = merged(Life().reported())
    told = {"main": A, "news": "closed", "outcome": "solved", "result": "已修好"}
    assert life.fact(m.FamilyTold.model_validate(told | {"relation": "duplicate"})).view().result == "已修好"
    part = Life("part").reported()
    assert part.fact(m.FamilyTold.model_validate(told | {"relation": "child"})).view().result == ""


def test_every_step_is_said_in_a_sentence() -> None:
    """With the other ticket in it."""
    life = Life().reported()
    facts: list[m.Body] = [
        m.FamilyAsked(into=A, relation="duplicate", by="Li", reason="同", nth=1),
        m.FamilyRefused(into=A, relation="child", reason="closed", detail=m.Words(zh="已结案", en="It is closed")),
        m.TicketAdopted(child=A, relation="duplicate", by="Li"),
        m.TicketAdopted(child=A, relation="child", by="Li"),
        m.TicketReleased(child=A, relation="child", why="reopened"),
        m.TicketMerged(into=A, by="Li", reason="同"),
        m.TicketUnmerged(main=A, by="Li", reason="异"),
        m.TicketAttached(parent=A, by="Li", reason="管"),
        m.TicketDetached(parent=A, why="withdrawn"),
        m.TicketRelated(other=A, by="Li"),
        m.FamilyTold(main=A, relation="duplicate", news="closed", outcome="solved", result="好"),
        m.FamilyTold(main=A, relation="duplicate", news="rework"),
        m.FamilyPassedOn(main=A, message_kind="urge"),
        m.FamilyHeard(child=A, message_kind="not-solved", received_at=START),
        m.DuplicateSuspected(of=A, score=80, metres=12),
        m.DuplicateSuspected(of=A, score=80),
    ]
    for fact in facts:
        life.fact(fact)
    for body in (
        m.MergeTicket(by="Li", into=A, reason="同"),
        m.AttachTicket(by="Li", parent=A, reason="同"),
        m.RelateTicket(by="Li", other=A, reason="同"),
        m.AdoptTicket(by="Li", child=A, relation="duplicate", reason="同", nth=1),
        m.AdoptTicket(by="Li", child=A, relation="child", reason="同", nth=1),
        m.AnswerAdoption(by="Li", main=A, nth=1),
        m.AnswerAdoption(by="Li", main=A, nth=1, reason="x", detail=m.Words(zh="否", en="no")),
        m.LetGo(by="Li", child=A, why="closed"),
        m.LinkTicket(by="Li", other=A),
        m.FollowTicket(by="Li", main=A, news="reopened"),
        m.HearTicket(by="caller", child=A, message_kind="urge", received_at=START),
        m.SuspectDuplicate(by="gridcall", of=A, score=80),
    ):
        life.command(body)
    shown = timeline_view(life.ticket, life.view(), NAMES)[1:]
    assert len(shown) == len(facts) + 12
    for each in shown:
        assert A in each["sentence"]["zh"], each
        assert A in each["sentence"]["en"], each
        assert "?" not in each["sentence"]["zh"] + each["sentence"]["en"], each
    assert len(entries(life.view().timeline)) == len(shown) + 1
