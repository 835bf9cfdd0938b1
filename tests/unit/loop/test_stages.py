"""How does a ticket go through its stages: who has each, when is one over, and where does one lead that has failed?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.desk.actions import actions
from services.desk.deadlines import deadlines
from services.desk.names import Names
from services.desk.sentences import sentence
from services.desk.timeline import entries
from services.desk.views import ticket_view
from shared import messages as m
from tests.support.fold import MORNING, TICKET
from tests.unit.loop.city import COMMUNITY, GRID
from tests.unit.loop.staged import STAGED
from tests.unit.loop.test_machine import worded
from tests.unit.loop.world import World, refusals

DESK = Names(STAGED)
DAY = timedelta(days=1)


def reported(category: str = "0201", callback: bool = False) -> World:  # noqa: FBT001, FBT002 - said by name
    """Give a ticket that goes through stages, just dispatched."""
    world = World(STAGED)
    world.report(
        category=category,
        condition="building" if category == "0101" else None,
        attributes={"crowd": True},
        caller=m.CallerRef(ref="c-1", callback=callback),
        place=m.Place(grid=GRID),
    )
    return world


def order(world: World) -> str:
    """Give the id of the lead's open order, signed for."""
    found = world.dispatch.open
    assert found is not None
    if found.state == "issued":
        world.say(m.SignOrder(order_id=found.id, by="李"))
    return found.id


def here(world: World) -> m.StageRef:
    """Give the stage at hand as the desk shows it."""
    assert world.view.stage is not None
    return world.view.stage.at


def leads(world: World) -> m.Handler:
    """Give who leads now."""
    assert world.dispatch.open is not None
    return world.dispatch.open.handler


def done(world: World, **given: Any) -> list[Any]:
    """Say that the stage at hand is done."""
    fields: dict[str, Any] = {"result": "完成", "by": "李", "amount": 36000} | given
    return world.say(m.CompleteOrder(order_id=order(world), **fields))


def vote(world: World, yes: int, no: int = 0, abstain: int = 0, **given: Any) -> list[Any]:
    """Count votes."""
    return world.say(m.RecordVote(order_id=order(world), yes=yes, no=no, abstain=abstain, by="计票人", **given))


def fail(world: World, reason: str = "有异议") -> list[Any]:
    """Say that the stage at hand has come to nothing."""
    return world.say(m.FailStage(order_id=order(world), reason=reason, by="李"))


def at(stage: int, world: World | None = None) -> World:
    """Give a project that has come to a stage."""
    world = world or reported()
    while world.dispatch.course is not None and world.dispatch.course.number < stage:
        before = world.dispatch.course
        if before.not_before is not None:
            world.live(before.not_before - world.now)
        if world.dispatch.stage is not None and world.dispatch.stage.vote is not None and not before.passed:
            vote(world, 25, 12)
        done(world)
    return world


def only(said: list[Any], kind: type[Any]) -> Any:
    """Give the one of a kind."""
    (found,) = [each for each in said if isinstance(each, kind)]
    return found


def refused(said: list[Any]) -> str:
    """Give why a command was refused, in both languages."""
    (found,) = refusals(said)
    assert worded(found)
    return found.reason


def last(world: World, kind: type[m.Body]) -> tuple[str, str]:
    """Give the sentence of the last entry of a kind."""
    entry = [each for each in entries(world.view.timeline) if "gridcall.ticket." + each["type"] == kind.type][-1]
    said = sentence(entry["type"], entry.get("data", {}), DESK)
    return said.zh, said.en


# ---------------------------------------------------------------- one after the other


def test_each_stage_has_an_order_of_its_own_with_its_own_handler_and_limit() -> None:
    """One at a time; the last one ends as any order does, and closing follows."""
    world = reported()
    issued = only(world.bodies, m.OrderIssued)
    assert (issued.handler.id, issued.stage.number, issued.stage.of, issued.stage.id) == (COMMUNITY, 1, 5, "plan")
    assert (issued.handle_limit, issued.own_limit) == (m.Span(amount=10, unit="natural_days"), True)
    handlers = [issued.handler.id]
    for number in range(2, 6):
        before = world.dispatch.open
        at(number, world)
        assert before is not None
        assert world.dispatch.known(before.id).state == "stage-over"
        (running,) = world.dispatch.running
        handlers.append(running.handler.id)
    assert handlers == [COMMUNITY, "police", COMMUNITY, "council-1", "power"]
    assert world.phase == "open"  # a stage that is over is no work that is done
    said = done(world, amount=34500)
    finished = only(said, m.OrderDone)
    assert (finished.stage.number, finished.amount, finished.budget) == (5, 34500, 36000)
    assert only(said, m.TicketClosed).outcome == "solved"
    assert last(world, m.OrderDone) == (
        "供电（李） 办结，决算 34500（预算 36000，节约 1500）：完成。",
        "Power (李) says that it is done, cost 34500 of a budget of 36000, 1500 saved: 完成.",
    )
    assert world.findings() == []


def test_a_stage_without_a_limit_has_the_leads() -> None:
    """The building has as long as the matter has."""
    world = at(5)
    assert world.dispatch.open is not None
    assert world.dispatch.open.run.limit == m.Span(amount=6, unit="work_hours")


def test_assists_come_with_the_first_stage_and_are_waited_for_by_the_last() -> None:
    """They help with the matter, and not with a stage of it."""
    world = reported("0101")
    assists = world.dispatch.assists
    assert [each.handler.id for each in assists] == ["water", COMMUNITY]
    done(world)
    assert [each.id for each in world.dispatch.assists] == [each.id for each in assists]
    vote(world, 30, electorate=37)
    assert refused(done(world)) == "assists-open"
    for each in assists:
        world.say(m.SignOrder(order_id=each.id, by="王"))
        world.say(m.CompleteOrder(order_id=each.id, by="王"))
    assert only(done(world), m.TicketClosed).outcome == "solved"


def test_clocks_are_those_of_the_stage_and_the_desk_says_so() -> None:
    """The auditor, who goes another way, finds nothing; a breach climbs as any."""
    world = reported()
    (handle,) = [each for each in deadlines(world.view, DESK, world.now) if each["clock"] == "handle"]
    assert handle["rule"]["kind"] == "stage"
    assert "the limit of the stage 'plan'" in handle["sentence"]["en"]
    world.live(11 * DAY)
    assert any(isinstance(each, m.TicketEscalated) for each in world.bodies)
    order(world)
    done(world)
    assert {each.start.order_id for each in world.sla.clocks if each.start.clock == "handle"} == {f"{TICKET}-2"}
    assert [each for each in world.findings() if each.kind != "late"] == []


def test_a_stage_may_be_returned_and_goes_to_whoever_is_named() -> None:
    """The first to triage, where the lead who is named has it; a later one to the duty officer; next may return."""
    world = reported()
    world.say(m.ReturnOrder(order_id=order(world), reason="not-ours", by="李"))
    assert world.waits_for_triage
    water = m.Handler(kind="department", id="water")
    world.say(m.TriageTicket(lead=water, by="钱"))
    assert (leads(world), here(world).number) == (water, 1)
    world = at(2, world)
    said = world.say(m.ReturnOrder(order_id=order(world), reason="not-ours", by="李"))
    assert only(said, m.AdjudicationAsked).unit
    world.say(m.AssignTicket(to=water, reason="裁定", by="赵"))
    assert (leads(world), here(world).number) == (water, 2)
    done(world)
    assert leads(world).id == COMMUNITY
    assert world.dispatch.running[-1].returnable


def test_a_stage_is_suspended_as_any_order() -> None:
    """资金未落实: the clock of the stage rests, and goes on with what was left."""
    world = at(5)
    until = world.now + 30 * DAY
    ident = order(world)
    world.say(m.ReviseOrder(order_id=ident, revision="suspend", until=until, reason="funding", by="李"))
    world.say(m.DecideRevision(granted=True, by="赵"))
    assert world.dispatch.known(ident).state == "suspended"
    world.live(20 * DAY)
    world.say(m.ReviseOrder(order_id=ident, revision="resume", by="李"))
    assert only(done(world), m.OrderDone).stage.number == 5
    assert world.findings() == []


def test_what_was_not_good_enough_is_done_again_in_the_last_stage() -> None:
    """With the stage's limit; it goes back no further."""
    world = at(5, reported(callback=True))
    done(world)
    assert world.phase == "calling-back"
    said = world.say(m.RecordCallBack(solved=False, note="仍漏", by="吴"))
    assert only(said, m.OrderReworked).handler.id == "power"
    assert here(world).number == 5
    assert only(done(world), m.OrderDone).stage.number == 5


def test_the_department_hears_of_its_stage_and_that_it_is_over() -> None:
    """And is asked for nothing more by it."""
    world = at(2)
    (told,) = [body for topic, body in world.told if topic == "police" and isinstance(body, m.DepartmentOrderIssued)]
    assert told.stage is not None
    assert (told.stage.number, told.stage.of, told.stage.name.zh) == (2, 5, "预算")
    done(world, department="police")
    heard = [body for topic, body in world.told if topic == "police"]
    assert [type(body).__name__ for body in heard[-2:]] == ["UpdateAccepted", "DepartmentOrderClosed"]
    assert heard[-1].outcome == "stage-completed"


def test_the_desk_says_which_stage_of_how_many_and_since_when() -> None:
    """And what may be done with it."""
    world = at(3)
    shown = ticket_view(TICKET, world.view, DESK, world.now)["stage"]
    assert (shown["number"], shown["of"], shown["id"], shown["since"]) == (3, 5, "public", MORNING)
    assert shown["not_before"] == MORNING + 7 * DAY
    order(world)

    def possible() -> set[str]:
        return {each["command"] for each in actions(TICKET, world.view, DESK, world.now) if each["possible"]}

    assert "done" not in possible()
    assert "fail-stage" in possible()
    world.live(7 * DAY)
    assert "done" in possible()
    at(4, world)
    order(world)
    assert {"record-vote", "fail-stage"} <= possible()
    assert "done" not in possible()
    vote(world, 25)
    assert "done" in possible()
    assert "record-vote" not in possible()
    assert ticket_view(TICKET, world.view, DESK, world.now)["stage"]["votes"]["needed"] == 25


# ---------------------------------------------------------------- what a stage waits for


def test_a_stage_is_not_over_before_its_publicity_is() -> None:
    """Whoever has it meanwhile: 公示 is counted from when the stage has begun."""
    world = at(3)
    until = world.now + 7 * DAY
    assert refused(done(world)) == "public-until"
    assert "2026-03-11 09:00" in world.bodies[-1].detail.en
    world.live(3 * DAY)
    world.say(m.AssignTicket(to=m.Handler(kind="department", id="water"), reason="改派", by="赵"))
    assert world.dispatch.course is not None
    assert world.dispatch.course.not_before == until
    world.live(until - world.now - timedelta(seconds=1))
    assert refused(done(world)) == "public-until"
    world.live(timedelta(seconds=1))
    assert only(done(world), m.StageCompleted).stage.id == "public"


def test_a_stage_wants_its_evidence_and_its_sum() -> None:
    """预算 needs a few words and an amount."""
    world = at(2)
    assert refused(done(world, amount=None)) == "no-amount"
    assert refused(done(world, result="")) == "evidence-missing"
    assert only(done(world), m.StageCompleted).amount == 36000


@pytest.mark.parametrize(
    ("yes", "no", "abstain", "passed"), [(25, 12, 0, True), (24, 0, 13, False), (24, 13, 0, False)]
)
def test_two_thirds_of_all_37_members_are_25_and_who_abstains_has_not_said_yes(
    yes: int,
    no: int,
    abstain: int,
    passed: bool,  # noqa: FBT001
) -> None:
    """CD-04."""
    world = at(4)
    assert refused(done(world)) == "no-vote"
    counted = only(vote(world, yes, no, abstain), m.VoteCounted)
    assert (counted.needed, counted.electorate) == (25, 37)
    assert counted.result == ("passed" if passed else "not-passed")
    zh, en = last(world, m.VoteCounted)
    assert "37 人须 25 票赞成" in zh
    assert f"25 of 37 needed, {yes} yes" in en
    assert en.endswith("passed.") if passed else en.endswith("not passed.")
    assert world.dispatch.course is not None
    assert world.dispatch.course.number == (4 if passed else 1)
    if passed:
        assert refused(vote(world, 37)) == "already-passed"
        assert only(done(world), m.StageCompleted).stage.vote == "passed"


def test_a_vote_that_too_few_take_part_in_is_held_again() -> None:
    """More than half of the voters, and two thirds of all must be there; nobody is put back for it."""
    world = reported("0101")
    done(world)
    assert world.dispatch.stage is not None
    assert world.dispatch.stage.id == "meet"
    said = vote(world, 23, electorate=36)
    assert (only(said, m.VoteCounted).result, only(said, m.VoteCounted).quorum) == ("no-quorum", 24)
    assert "too few took part" in last(world, m.VoteCounted)[1]
    said = vote(world, 13, 11, electorate=36)
    assert (only(said, m.VoteCounted).needed, only(said, m.VoteCounted).result) == (13, "passed")
    assert world.dispatch.course is not None
    assert world.dispatch.course.passed


@pytest.mark.parametrize(
    ("count", "reason"),
    [
        ({"yes": 25, "electorate": 40}, "other-electorate"),
        ({"yes": 30, "no": 8}, "too-many-votes"),
        ({"yes": 0}, "no-votes"),
    ],
)
def test_a_count_that_cannot_be_is_refused(count: dict[str, Any], reason: str) -> None:
    """And changes nothing."""
    world = at(4)
    assert refused(vote(world, **count)) == reason
    assert world.dispatch.course is not None
    assert not world.dispatch.course.passed


def test_what_is_of_no_such_stage_is_refused() -> None:
    """No vote where none is held, nothing without a reason, no failing where nothing follows, and nothing too late."""
    world = reported()
    assert refused(vote(world, 25)) == "not-voted-on"
    assert refused(fail(world)) == "cannot-fail"
    first = order(world)
    at(3, world)
    assert refused(fail(world, " ")) == "no-reason"
    assert refused(world.say(m.RecordVote(order_id=first, yes=1, by="x"))) == "order-over"
    assert refused(world.say(m.FailStage(order_id=order(world), reason="x"))) == "no-name"
    mediation = at(2, reported("0101"))
    assert refused(vote(mediation, 30)) == "no-electorate"
    plain = World(STAGED)
    plain.report(category="0501", condition=None)
    assert refused(vote(plain, 1)) == "no-stage"


# ---------------------------------------------------------------- where a failed stage leads


def test_a_failed_stage_goes_back_where_the_profile_says_and_then_ends_the_ticket() -> None:
    """一人反对: once more from the plan; after the second time the person reads why."""
    world = at(3)
    failed = only(fail(world), m.StageFailed)
    assert (failed.back_to, failed.times, failed.outcome) == (1, 1, None)
    assert (here(world).number, world.phase) == (1, "open")
    assert "goes back to stage 1" in last(world, m.StageFailed)[1]
    at(3, world)
    assert world.dispatch.course is not None
    assert world.dispatch.course.not_before == world.now + 7 * DAY  # it is public anew
    said = fail(world, "仍有异议")
    assert (only(said, m.StageFailed).back_to, only(said, m.StageFailed).outcome) == (None, "unsolved")
    closed = only(said, m.TicketClosed)
    assert (closed.outcome, closed.result) == ("unsolved", "公示有异议，终止。 Objections stopped it. 仍有异议")
    assert world.dispatch.running == ()
    assert world.findings() == []


def test_a_vote_that_is_lost_too_often_closes_the_ticket_with_its_arithmetic() -> None:
    """Back twice; a new vote needs a new count each time."""
    world = reported()
    for _ in range(2):
        at(4, world)
        assert only(vote(world, 24, 13), m.StageFailed).back_to == 1
    at(4, world)
    said = vote(world, 24, 13)
    assert only(said, m.TicketClosed).outcome == "informed"
    assert "25 of 37 needed, 24 yes" in only(said, m.TicketClosed).result


def test_a_mediation_that_fails_is_a_matter_for_the_court() -> None:
    """Closed as diverted; reopened it begins with the stage that has failed."""
    world = reported("0101")
    assert leads(world).id == "union-1"
    said = fail(world, "双方未达成协议")
    assert (only(said, m.StageFailed).to, only(said, m.TicketClosed).outcome) == ("法院", "diverted")
    assert "法院" in last(world, m.StageFailed)[0]
    world.say(m.ReopenTicket(reason="愿再调解", by="郑"))
    assert (leads(world).id, here(world).id) == ("union-1", "mediate")
    done(world)
    assert here(world).id == "meet"


def test_a_ticket_without_stages_says_nothing_of_them() -> None:
    """No record more, and no stage in its view."""
    world = World(STAGED)
    world.report(category="0501", condition=None, attributes={})
    assert only(world.bodies, m.TicketTriaged).stages == ()
    assert world.dispatch.course is None
    assert ticket_view(TICKET, world.view, DESK, world.now)["stage"] is None
