"""What does the desk show of residents who settle it, of assists and of whistles, and what may be done then?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY

from services.desk import timeline
from services.desk.actions import actions
from services.desk.handlers import decider
from services.desk.names import Names
from services.desk.sentences import sentence
from services.desk.views import ticket_view, timeline_view
from shared import messages as m
from tests.support.fold import TICKET, Folded
from tests.unit.loop.city import CITY, GRID, STREET
from tests.unit.loop.world import World, refusals

NAMES = Names(CITY)
FIRST, SECOND, THIRD, FOURTH = (f"{TICKET}-{number}" for number in range(1, 5))


def shown(world: World) -> dict[str, dict[str, Any]]:
    """Give command -> what the desk says of it."""
    return {each["command"]: each for each in actions(TICKET, world.view, NAMES, world.now)}


def possible(world: World, *commands: str) -> list[bool]:
    """Tell of each command whether it may be given."""
    said = shown(world)
    return [said[command]["possible"] for command in commands]


def seen(world: World) -> dict[str, Any]:
    """Give the ticket as people see it."""
    return ticket_view(TICKET, world.view, NAMES, world.now)


def led(**given: Any) -> World:
    """Give a leak that the water department leads and power assists."""
    world = World(CITY)
    world.report(category="0501", condition="leak", **given)
    return world


def test_residents_who_settle_it_need_not_sign_to_say_that_it_is_done() -> None:
    """Nothing of theirs is extended, and nobody assists them."""
    world = World(CITY)
    world.report()
    assert possible(world, "sign", "progress", "done", "return", "call") == [True] * 5
    assert possible(world, "revise", "add-assist", "assign") == [False, False, True]
    assert (world.view.lead, world.view.orders[FIRST].tier) == (m.Handler(kind="unit", id="council-1"), "settlement")
    world.say(m.CompleteOrder(order_id=FIRST, by="戊", result="已劝拆"))
    assert not refusals(world.bodies)
    world.say(m.RecordCallBack(solved=True, by="吴"))
    assert (world.view.state, world.view.outcome) == ("closed", "self-settled")


def test_an_assist_is_excused_when_it_is_late_and_not_while_it_rests() -> None:
    """As dispatch has it."""
    world = led()
    assert (world.view.orders[SECOND].role, world.view.lead_order) == ("assist", FIRST)
    assert possible(world, "add-assist", "remove-assist", "excuse-assist") == [True, True, False]
    world.live(timedelta(minutes=61))
    assert shown(world)["excuse-assist"]["orders"] == [SECOND]
    rests = led()
    rests.say(m.SignOrder(order_id=SECOND, by="b"))
    until = rests.now + timedelta(days=2)
    rests.say(m.ReviseOrder(order_id=SECOND, by="b", revision="suspend", until=until, reason="materials"))
    assert shown(rests)["decide-revision"]["orders"] == [SECOND]
    rests.say(m.DecideRevision(granted=True, by="c"))
    rests.live(timedelta(minutes=61))
    assert possible(rests, "excuse-assist") == [False]


def test_an_assist_moves_its_own_order_and_not_the_ticket() -> None:
    """What it signs, says and has done stands with its order."""
    world = led()
    before = world.view.state
    world.say(m.SignOrder(order_id=SECOND, by="b"))
    world.say(m.CompleteOrder(order_id=SECOND, by="b", result="已断电"))
    assert (world.view.state, world.view.orders[SECOND].state, world.view.result) == (before, "done", "")


def test_a_whistle_is_shown_until_it_is_over() -> None:
    """Also when everybody who was called is done; another one waits for its end."""
    world = led()
    assert possible(world, "raise-whistle", "end-whistle") == [True, False]
    by = shown(world)["raise-whistle"]["by"]  # whose units may, not whoever happens to own it
    assert ("街道" in by["zh"], "street" in by["en"].lower()) == (True, True)
    world.say(m.RaiseWhistle(situation="flood", unit=STREET, by="街道"))
    whistle = world.view.whistle
    assert whistle is not None
    assert [each.id for each in whistle.called] == ["water", "police"]
    assert possible(world, "raise-whistle", "end-whistle") == [False, True]
    for order in (THIRD, FOURTH):
        assert order not in shown(world)["done"].get("orders", [])
        assert order not in shown(world)["return"].get("orders", [])
        world.say(m.ReportProgress(order_id=order, progress="check-in", by="d"))
        assert order in shown(world)["done"]["orders"]
        world.say(m.CompleteOrder(order_id=order, by="d"))
    assert world.view.whistle is not None
    assert (world.view.whistle.answered, world.view.orders[THIRD].came_at) == (True, world.now)
    assert possible(world, "end-whistle") == [True]
    world.say(m.EndWhistle(result="已抽排", by="街道"))
    assert world.view.whistle is None


def test_a_visit_shows_its_schedule_and_its_items() -> None:
    """And each item leads to its ticket."""
    world = led(channel="visit", attributes={"schedule": "office-day", "phase": "visit"})
    world.say(m.AddItem(item="FEDCBA9876543210", outcome="open", by="gridcall"))
    shown = seen(world)
    assert shown["schedule"] == {"id": "office-day", "name": {"zh": "office-day", "en": "office-day"}}
    assert shown["items"] == [
        {"id": "FEDCBA9876543210", "outcome": "open", "href": "/v1/tickets/FEDCBA9876543210"},
    ]


def test_a_visit_that_is_not_held_in_time_is_counted_once() -> None:
    """For the alert; what is no visit is not."""
    for said, missed in (({"schedule": "days", "phase": "visit"}, 1.0), ({}, 0.0)):
        world = led(channel="visit" if said else "hotline", attributes=said)
        world.outage(timedelta(days=5))
        assert any(isinstance(each, m.ClockBreached) and each.clock == "handle" for each in world.bodies)
        desk = Folded(decider(CITY))
        before = REGISTRY.get_sample_value("gridcall_visits_missed_total", {"schedule": "days"}) or 0.0
        for record in (*world.log, *world.log):
            desk.read(record)
        after = REGISTRY.get_sample_value("gridcall_visits_missed_total", {"schedule": "days"}) or 0.0
        assert after - before == missed


def test_a_closed_ticket_is_an_archive_once_it_cannot_be_reopened() -> None:
    """Nothing is written for it."""
    world = led()
    world.say(m.CloseTicket(reason="x", by="郑"))
    until = world.view.reopen_until
    assert until is not None
    assert (seen(world)["archived"], seen(world)["state_name"]["zh"]) == (False, "已结案")
    world.outage(until - world.now + timedelta(seconds=1))
    assert (seen(world)["archived"], seen(world)["state_name"]["zh"]) == (True, "已归档")
    assert possible(world, "reopen") == [False]


def test_a_closing_ends_the_whistle() -> None:
    """Nothing of it is left to do."""
    world = led()
    world.say(m.RaiseWhistle(situation="flood", unit=STREET, by="街道"))
    world.say(m.CloseTicket(reason="x", by="郑"))
    assert world.view.whistle is None
    assert possible(world, "end-whistle", "raise-whistle", "add-assist") == [False] * 3


def test_who_is_called_later_is_shown_too() -> None:
    """With the new instant."""
    world = led(place=m.Place(grid=GRID, road="long-road"))
    world.say(m.RaiseWhistle(situation="fire-lane", unit=STREET, by="街道"))
    first = world.view.whistle
    world.live(timedelta(minutes=31))
    second = world.view.whistle
    assert first is not None
    assert second is not None
    assert [each.id for each in second.called] == ["police", "power", "water"]
    assert second.arrive_by > first.arrive_by


def test_the_life_is_told_in_sentences() -> None:
    """With the names of bodies, situations and departments, in both languages."""
    world = World(CITY)
    world.report()
    world.live(timedelta(minutes=91))
    world.say(m.CallTicket(reason="超出职责", by="丙"))
    world.say(m.RaiseWhistle(situation="fire-lane", unit=STREET, by="街道"))
    world.live(timedelta(minutes=31))
    world.say(m.EndWhistle(result="已拆除", by="街道"))
    said = [sentence(e["type"], e.get("data", {}), NAMES) for e in timeline.entries(world.view.timeline)]
    zh, en = "\n".join(words.zh for words in said), "\n".join(words.en for words in said)
    for part in ("新村议事会", "自治化解", "消防通道堵塞", "未按时报到", "结束吹哨"):
        assert part in zh
    for part in ("New Village council may settle it first", "has not settled it in time", "Fire lane blocked"):
        assert part in en


def test_the_view_shows_who_was_called_who_came_and_every_mark() -> None:
    """While it is open and afterwards; the sentences say whose order it was and what the marks are."""
    world = led()
    world.say(m.RaiseWhistle(situation="flood", unit=STREET, by="街道"))
    (open_one,) = seen(world)["whistles"]
    assert (open_one["open"], [each["id"] for each in open_one["called"]]) == (True, ["water", "police"])
    world.say(m.ReportProgress(order_id=THIRD, progress="check-in", by="丁"))
    world.say(m.ReportProgress(order_id=THIRD, whistle_score=4, note="吹哨准确", by="丁"))
    world.say(m.EndWhistle(result="已抽排", by="街道", marks=(m.Mark(handler=police(), score=1),)))
    assert [refused.reason for refused in refusals(world.bodies)] == ["did-not-come"]
    world.say(m.EndWhistle(result="已抽排", by="街道", marks=(m.Mark(handler=water(), score=5),)))
    (over,) = seen(world)["whistles"]
    assert (over["open"], [each["id"] for each in over["came"]]) == (False, ["water"])
    assert [(each["handler"]["id"], each["score"]) for each in over["marks"]] == [("water", 5)]
    assert [(each["handler"]["id"], each["score"]) for each in over["quality"]] == [("water", 4)]
    zh = "\n".join(each["sentence"]["zh"] for each in timeline_view(TICKET, world.view, NAMES))
    for part in (
        "供水（丁） 已到现场报到",
        "供水（丁） 评价吹哨 4 分：吹哨准确",
        "报到质量：供水 5 分",
        "吹哨质量：供水 4 分",
    ):
        assert part in zh


def water() -> m.Handler:
    """Give who leads."""
    return m.Handler(kind="department", id="water")


def police() -> m.Handler:
    """Give who is called besides."""
    return m.Handler(kind="department", id="police")


def test_a_command_of_a_department_that_was_refused_is_told_with_its_name() -> None:
    """Nobody is called somebody who has a name; an assist that gives its order back is no return of the ticket."""
    world = led()
    world.say(m.CompleteOrder(order_id=SECOND, department="power", result="x"))
    world.say(m.ReturnOrder(order_id=SECOND, department="power", reason="not-ours"))
    said = {each["type"]: each["sentence"] for each in timeline_view(TICKET, world.view, NAMES)}
    assert said[m.CommandRefused.type]["zh"].startswith("供电 的请求未执行")
    assert said[m.OrderReturned.type]["zh"].endswith("，转主办单位。")
    assert "次" not in said[m.OrderReturned.type]["zh"]


def test_a_question_after_the_limit_gives_no_time_back() -> None:
    """Before it the limit rests; after it neither the desk nor dispatch lets anybody ask for more."""
    for late in (False, True):
        world = led()
        world.say(m.SignOrder(order_id=FIRST, by="李"))
        order = world.dispatch.order(FIRST)
        assert order is not None
        world.outage(order.handle_by - world.now + timedelta(minutes=1 if late else -1))
        world.say(m.AskCaller(question="在哪一层？", by="钱"))
        assert possible(world, "revise") == [not late]
        if not late:
            world.outage(timedelta(minutes=5))
        longer = order.handle_by + timedelta(days=1)
        said = world.say(m.ReviseOrder(order_id=FIRST, revision="extend", reason="x", until=longer, by="李"))
        assert [each.reason for each in refusals(said)] == (["too-late"] if late else [])
