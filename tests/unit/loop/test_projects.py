"""Do the districts' projects, deliberations, ballots and mediations run by their profiles alone?"""

from __future__ import annotations

from typing import Any

import pytest

from shared import messages as m
from shared.profile import find_profile, load_profile
from tests.unit.loop.world import World, refusals

PROJECTS = {
    "LG-03": ("longgang", "9207", "440307003002001"),
    "LQ-08": ("longquanyi", "9204", "510112002002001"),
    "LS-10": ("leshan", "9205", "511102004001001"),
    "LS-16": ("leshan", "9206", "511102004001001"),
    "YC-07": ("yucheng", "9204", "511802004002002"),
    "YC-15": ("yucheng", "9205", "511802004002001"),
}
PHOTO = m.Attachment(url="https://files.example/after.jpg", media_type="image/jpeg", moment="after")


def begun(row: str) -> World:
    """Give a ticket of a row's category at a place, with the order of its first stage signed."""
    name, category, grid = PROJECTS[row]
    world = World(load_profile(find_profile(name)))
    world.report(category=category, condition=None, place=m.Place(grid=grid), caller=m.CallerRef(ref="c-1"))
    if world.dispatch.round_closes is not None:
        world.say(m.ReleaseTicket(by="指挥中心"))
    sign(world)
    return world


def sign(world: World) -> str:
    """Sign for the lead's open order, unless that was done, and give its id."""
    order = world.dispatch.open
    assert order is not None
    if order.state == "issued":
        world.say(m.SignOrder(order_id=order.id, by="承办人"))
    return order.id


def votes(world: World, yes: int, no: int = 0) -> list[Any]:
    """Count the votes of forty people."""
    return world.say(m.RecordVote(order_id=sign(world), yes=yes, no=no, electorate=40, by="计票人"))


def finish(world: World) -> list[Any]:
    """Do all that the stage at hand takes."""
    course, stage = world.dispatch.course, world.dispatch.stage
    assert course is not None
    assert stage is not None
    if course.not_before is not None and course.not_before > world.now:
        world.live(course.not_before - world.now)
    if stage.vote is not None and not course.passed:
        assert {each.reason for each in refusals(done(world))} == {"no-vote"}
        votes(world, 40)
    return done(world)


def done(world: World) -> list[Any]:
    """Say that it is done, with all that proves it."""
    return world.say(
        m.CompleteOrder(order_id=sign(world), by="承办人", result="完成", amount=36_000, evidence=(PHOTO,))
    )


@pytest.mark.parametrize("row", PROJECTS)
def test_it_goes_from_the_first_stage_to_its_end(row: str) -> None:
    """Each stage once, in the order of the profile; no ballot is passed over, and the auditor finds nothing."""
    world = begun(row)
    triaged = world.dispatch.triaged
    assert triaged is not None
    for assist in world.dispatch.assists:
        world.say(m.SignOrder(order_id=assist.id, by="协办人"))
        world.say(m.CompleteOrder(order_id=assist.id, by="协办人"))
    for _ in triaged.stages:
        assert not refusals(finish(world))
    issued = [each.stage.id for each in world.bodies if isinstance(each, m.OrderIssued) and each.stage is not None]
    assert issued == [each.id for each in triaged.stages]
    assert world.phase != "open"
    assert world.findings() == []


@pytest.mark.parametrize("row", ["YC-15", "LS-16"])
def test_a_dispute_that_cannot_be_settled_goes_to_the_court(row: str) -> None:
    """矛盾纠纷: the ticket is closed as diverted, and nobody has an order of it any more."""
    world = begun(row)
    world.say(m.FailStage(order_id=sign(world), reason="双方未达成协议", by="调解员"))
    (closed,) = [each for each in world.bodies if isinstance(each, m.TicketClosed)]
    assert closed.outcome == "diverted"
    assert "法院" in closed.result
    assert world.dispatch.running == ()


def test_the_second_question_is_asked_when_the_first_was_answered_with_yes() -> None:
    """改不改、改什么、怎么改: two no's to the first end it, one objection to the third leads back to the second."""
    world = begun("LS-10")
    votes(world, 20, 20)
    assert world.dispatch.stage is not None
    assert world.dispatch.stage.id == "whether"
    finish(world)
    finish(world)
    assert world.dispatch.stage.id == "how"
    world.say(m.FailStage(order_id=sign(world), reason="一户反对，继续协商", by="召集人"))
    assert world.dispatch.stage.id == "what"
    again = begun("LS-10")
    votes(again, 20, 20)
    said = votes(again, 20, 20)
    assert [each.outcome for each in said if isinstance(each, m.TicketClosed)] == ["informed"]


def test_a_deliberation_without_its_quorum_is_held_again() -> None:
    """五议: of forty half must be there to consult."""
    world = begun("YC-07")
    finish(world)
    said = votes(world, 19)
    assert [(each.result, each.quorum) for each in said if isinstance(each, m.VoteCounted)] == [("no-quorum", 20)]
    said = votes(world, 11, 9)
    assert [(each.result, each.needed) for each in said if isinstance(each, m.VoteCounted)] == [("passed", 11)]


def test_a_project_that_is_not_approved_is_applied_for_again_once() -> None:
    """治理实践项目: then the person reads that it was not."""
    world = begun("LG-03")
    for nth in (1, 2):
        while world.dispatch.stage is not None and world.dispatch.stage.id != "approval":
            finish(world)
        world.say(m.FailStage(order_id=sign(world), reason="经费不足", by="街道"))
        assert (world.phase == "closed") == (nth == 2)
