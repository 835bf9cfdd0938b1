"""What does the desk answer, on a real MongoDB?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from shared import messages as m
from shared.envelope import read
from shared.ids import named, order_id
from tests.integration.desk.desk import Desk, desk_on
from tests.support.waiting import eventually
from tests.unit.desk.lives import CATEGORY, POLICE, WATER, Life
from tests.unit.profile.small import SMALL

KEY = {"Idempotency-Key": "k1"}


@pytest_asyncio.fixture
async def desk(mongo: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk of a small city."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    async with desk_on(mongo, str(file)) as one:
        yield one


async def test_work_lists_are_filtered_sorted_and_paged(desk: Desk) -> None:
    """Every ticket is on exactly one page, in both directions."""
    lives = [Life(f"list-{n}").reported() for n in range(7)]
    for life in lives[2:]:
        life.triaged(WATER if life is lives[3] else POLICE).issued(1, WATER if life is lives[3] else POLICE)
    lives[6].signed().done().closed()
    for life in lives:
        await desk.project(life.messages)
    everything = {life.ticket for life in lives}

    for sort in ("due", "-due", "reported_at", "-reported_at", "updated_at", "-updated_at"):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            parameters = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = await desk.get("/v1/tickets", **parameters)
            assert len(page["tickets"]) <= 2
            seen += [each["id"] for each in page["tickets"]]
            cursor = page["cursor"]
            if cursor is None:
                break
        assert len(seen) == 7, sort
        assert set(seen) == everything

    async def ids(**parameters: Any) -> set[str]:
        return {each["id"] for each in (await desk.get("/v1/tickets", **parameters))["tickets"]}

    assert await ids(state="closed") == {lives[6].ticket}
    assert await ids(state="open") == everything - {lives[6].ticket}
    assert await ids(state="reported,closed") == {lives[0].ticket, lives[1].ticket, lives[6].ticket}
    assert await ids(department="water") == {lives[3].ticket}
    assert await ids(unit="100000001") == everything - {lives[0].ticket, lives[1].ticket}  # a street sees its grids
    assert await ids(unit="100000002") == set()
    assert await ids(level="grid", severity="III", category="0101", state="open") == {x.ticket for x in lives[2:6]}
    assert await ids(severity="I,II") == set()
    assert await ids(q=lives[4].ticket.lower()) == {lives[4].ticket}
    assert await ids(q="HL-77") == everything
    assert await ids(q="东街道新村 1") == everything
    assert await ids(q=".*") == set()
    last = lives[2].view().due
    assert last is not None
    assert await ids(due_before=last.isoformat()) == set()
    assert await ids(due_before=(last + timedelta(minutes=1)).isoformat()) == {x.ticket for x in lives[2:6]}


BAD_QUESTIONS = [
    ("/v1/tickets?limit=0", 422),
    ("/v1/tickets?limit=201", 422),
    ("/v1/tickets?limit=x", 422),
    ("/v1/tickets?colour=red", 422),
    ("/v1/tickets?state=nowhere", 422),
    ("/v1/tickets?severity=V", 422),
    ("/v1/tickets?level=moon", 422),
    ("/v1/tickets?unit=1", 422),
    ("/v1/tickets?department=fire", 422),
    ("/v1/tickets?sort=name", 422),
    ("/v1/tickets?due_before=tomorrow", 422),
    ("/v1/tickets?due_before=2026-11-22T08:00:00", 422),
    ("/v1/tickets?due_before=0001-01-01T00:00:00%2B08:00", 422),
    ("/v1/tickets?due_before=9999-12-31T23:59:59-08:00", 422),
    ("/v1/tickets?q=%00", 422),
    ("/v1/tickets?category=%00", 422),
    (f"/v1/tickets?q={'x' * 201}", 422),
    ("/v1/tickets?q=%5B(%5C", 200),
    ("/v1/tickets?q=%FF%FE", 200),
    ("/v1/tickets?cursor=x", 400),
    ("/v1/tickets?cursor=%F0%9F", 400),
    ("/v1/tickets?cursor=W10", 400),
    ("/v1/tickets?cursor=bnVsbA", 400),
    ("/v1/tickets/NO", 404),
    ("/v1/tickets/0123456789ABCDEF", 404),
    ("/v1/tickets/%00", 404),
    ("/v1/tickets/0123456789ABCDEF/timeline", 404),
    ("/v1/tickets/0123456789ABCDEF/timeline?x=1", 422),
    ("/v1/tickets/0123456789ABCDEF/nothing", 404),
    ("/v1/orders?state=lost", 422),
    ("/v1/orders?unit=100000&department=police", 422),
    ("/v1/orders?cursor=x", 400),
    ("/v1/units?x=1", 422),
    ("/v1/events?unit=1", 422),
    ("/v1/nothing", 404),
]


async def test_bad_questions_get_a_problem(desk: Desk) -> None:
    """4xx with a sentence, never a 5xx."""
    assert [(path, await desk.status(path)) for path, _ in BAD_QUESTIONS] == BAD_QUESTIONS


async def test_a_cursor_belongs_to_its_order(desk: Desk) -> None:
    """A page cannot be gone on with in another order."""
    for n in range(3):
        await desk.project(Life(f"cursor-{n}").reported().messages)
    cursor = (await desk.get("/v1/tickets", limit=1))["cursor"]
    assert await desk.status(f"/v1/tickets?limit=1&cursor={cursor}") == 200
    assert await desk.status(f"/v1/tickets?limit=1&sort=-due&cursor={cursor}") == 400
    assert await desk.status(f"/v1/orders?cursor={cursor}") == 400


async def test_a_ticket_is_shown_told_explained_and_advised(desk: Desk) -> None:
    """The four views of one ticket."""
    life = Life("shown").straight()
    await desk.project(life.messages)
    path = f"/v1/tickets/{life.ticket}"
    ticket = await desk.get(path)
    assert (ticket["state"], ticket["state_name"]["zh"], ticket["outcome"]) == ("closed", "已结案", "solved")
    assert ticket["category"]["name"] == CATEGORY.name
    assert ticket["orders"][0]["handler"]["name"]["en"] == "Police"
    told = await desk.get(f"{path}/timeline")
    assert len(told["timeline"]) == len(life.messages)
    assert told["timeline"][0]["sentence"] == {
        "zh": "受理了来自热线的诉求。",
        "en": "A report was taken from the hotline.",
    }
    explained = await desk.get(f"{path}/deadlines")
    assert [each["state"] for each in explained["deadlines"]] == ["met", "met"]
    assert (explained["zone"], explained["now"]) == (
        "Asia/Shanghai",
        desk.clock.now().isoformat().replace("+00:00", "Z"),
    )
    assert [piece["kind"] for piece in explained["deadlines"][0]["segments"]] == ["running"]
    advised = await desk.get(f"{path}/actions")
    assert [each["command"] for each in advised["actions"] if each["possible"]] == ["reopen", "relate"]


async def test_what_was_never_reported_is_not_there(desk: Desk) -> None:
    """A department may name any ticket id; that makes no ticket."""
    ghost = Life("ghost")
    ghost.command(m.SignOrder(order_id=order_id(ghost.ticket, 1), department="police"))
    await desk.project(ghost.messages)
    assert await desk.status(f"/v1/tickets/{ghost.ticket}") == 404
    assert (await desk.get("/v1/tickets"))["tickets"] == []
    assert (await desk.get("/v1/counters"))["totals"] == {"tickets": 0, "open": 0, "closed": 0}


async def test_orders_are_listed_one_by_one(desk: Desk) -> None:
    """By handler and state, paged also within a ticket."""
    one = Life("orders-1").reported().triaged().issued().issued(2, WATER, "assist").signed()
    two = Life("orders-2").reported().triaged(WATER).issued(1, WATER)
    await desk.project(one.messages)
    await desk.project(two.messages)

    async def ids(**parameters: Any) -> list[str]:
        return [each["id"] for each in (await desk.get("/v1/orders", **parameters))["orders"]]

    assert set(await ids(department="water")) == {order_id(one.ticket, 2), order_id(two.ticket, 1)}
    assert await ids(department="police", state="signed") == [order_id(one.ticket, 1)]
    assert await ids(department="police", state="issued") == []
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = await desk.get("/v1/orders", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [each["id"] for each in page["orders"]]
        cursor = page["cursor"]
    assert sorted(seen) == sorted([order_id(one.ticket, 1), order_id(one.ticket, 2), order_id(two.ticket, 1)])


async def test_what_rests_is_found_by_its_state_and_is_not_due(desk: Desk) -> None:
    """On the lists of tickets and of orders; whoever decides on a request has it on theirs."""
    life = Life("rests").reported().triaged().issued().signed().asked()
    await desk.project(life.messages)
    assert [each["id"] for each in (await desk.get("/v1/tickets", unit="100000001001"))["tickets"]] == [life.ticket]
    count = len(life.messages)
    await desk.project(life.suspended().messages[count:])
    (ticket,) = (await desk.get("/v1/tickets", state="suspended"))["tickets"]
    assert (ticket["due"], ticket["state_name"]["zh"]) == (None, "挂账")
    (order,) = (await desk.get("/v1/orders", state="suspended"))["orders"]
    assert order["id"] == order_id(life.ticket, 1)
    shown = await desk.get(f"/v1/tickets/{life.ticket}")
    assert shown["orders"][0]["suspension"]["reason"] == "season"
    handle = (await desk.get(f"/v1/tickets/{life.ticket}/deadlines"))["deadlines"][-1]
    assert (handle["state"], handle["segments"][-1]["en"]) == ("paused", "must wait for the season")
    assert life.ticket in (await desk.http.get("/")).text


async def test_counters_units_and_profile(desk: Desk) -> None:
    """Counts by state, level and department; the tree adds up from below."""
    await desk.project(Life("count-1").reported().triaged().issued().messages)
    await desk.project(Life("count-2").straight().messages)

    async def counted() -> Any:
        counters = await desk.get("/v1/counters")
        return counters if counters["totals"] == {"tickets": 2, "open": 1, "closed": 1} else None

    counters = await eventually(counted)
    assert counters["by_state"]["ordered"] == 1
    assert counters["by_level"]["grid"] == 1
    assert counters["by_department"]["police"] == 1
    top = (await desk.get("/v1/units"))["units"][0]
    east = next(unit for unit in top["units"] if unit["id"] == "100000001")
    assert (top["open"], east["open"], top["staff"]) == (1, 1, [{"id": "d", "role": "duty"}])
    profile = await desk.get("/v1/profile")
    assert [level["id"] for level in profile["levels"]] == ["grid", "community", "street", "district"]
    assert profile["catalogue"][0]["conditions"][0]["limit"] == "2 urgent days"
    gauge = 'gridcall_tickets_open{level="grid",state="ordered"} 1.0'

    async def measured() -> bool:
        return gauge in (await desk.http.get("/metrics")).text or await desk_refreshed(desk)

    await eventually(measured)


async def desk_refreshed(desk: Desk) -> bool:
    """Run the step that refreshes the gauges now instead of in a quarter of a minute."""
    step = asyncio.ensure_future(desk.service.background[1]())
    await asyncio.sleep(0.05)
    step.cancel()
    return False


async def test_the_page_works_without_javascript_and_escapes(desk: Desk) -> None:
    """A report's text is text."""
    life = Life("page").reported(text="<script>alert(1)</script>")
    await desk.project(life.messages)
    answer = await desk.http.get("/")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text
    assert "&lt;script&gt;" in answer.text
    assert life.ticket in answer.text


# ---------------------------------------------------------------- commands


async def give(desk: Desk, life: Life, name: str = "sign", headers: Any = None, **body: Any) -> httpx.Response:
    """Give a command."""
    body = body or {"order_id": order_id(life.ticket, 1), "by": "王"}
    path = f"/v1/tickets/{life.ticket}/commands/{name}"
    return await desk.http.post(path, json=body, headers=KEY if headers is None else headers)


async def decided(desk: Desk, life: Life, *bodies: m.Body) -> None:
    """Answer the command that the desk publishes next, as the service that decides it would."""

    async def published() -> bool:
        return bool(desk.log.sent)

    await eventually(published, every_s=0.01)
    sent = desk.log.sent[-1]
    envelope = read(sent.headers, 0)
    command = m.REGISTRY[envelope.type].model_validate_json(sent.value)
    life._add(envelope.id, "gridcall/desk", command, 0, "")
    for body in bodies:
        life.fact(body, by=body.producer or "dispatch", causation=envelope.id)
    await desk.project(life.messages[-1 - len(bodies) :])


def signed(life: Life) -> m.OrderSigned:
    """Give the fact that signing leads to."""
    return m.OrderSigned(order_id=order_id(life.ticket, 1), handler=POLICE, by="王", signed_at=life.now)


async def test_a_command_is_answered_with_what_it_led_to(desk: Desk) -> None:
    """200 with the facts, and again with the same key, marked as replayed and not published twice."""
    life = Life("command").reported().triaged().issued()
    await desk.project(life.messages)
    answer, _ = await asyncio.gather(give(desk, life), decided(desk, life, signed(life)))
    assert answer.status_code == 200
    assert answer.json()["facts"] == [m.OrderSigned.type]
    assert answer.json()["ticket"]["state"] == "signed"
    assert "Idempotent-Replayed" not in answer.headers
    sent = desk.log.sent[0]
    envelope = read(sent.headers, 0)
    assert envelope.id == named("desk", life.ticket, "sign", "k1")
    assert (envelope.source, sent.key) == ("gridcall/desk", life.ticket)

    again = await give(desk, life)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json()["facts"] == answer.json()["facts"]
    assert len(desk.log.sent) == 1
    other = await give(desk, life, order_id=order_id(life.ticket, 1), by="李")
    assert other.status_code == 422
    assert "another body" in other.json()["detail"]


async def test_a_refusal_is_a_sentence_in_both_languages(desk: Desk) -> None:
    """409, and 409 again."""
    life = Life("refusal").reported().triaged().issued()
    await desk.project(life.messages)
    words = m.Words(zh="请写明重办理由。", en="Say why it is reopened.")
    fact = m.CommandRefused(command=m.ReopenTicket.type, by="王", reason="no-reason", detail=words)
    given = give(desk, life, "reopen", reason="x", by="王")
    answer, _ = await asyncio.gather(given, decided(desk, life, fact))
    assert answer.status_code == 409
    assert answer.json()["detail"] == "Say why it is reopened."
    assert answer.json()["detail_zh"] == "请写明重办理由。"
    assert answer.json()["reason"] == "no-reason"
    again = await give(desk, life, "reopen", reason="x", by="王")
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (409, "true")


async def test_an_undecided_command_is_202_and_answered_when_asked_again(desk: Desk, monkeypatch: Any) -> None:
    """Nobody has decided within the time; the same request later gives the outcome."""
    monkeypatch.setattr("services.desk.commands.WAIT_S", 0.2)
    life = Life("waiting").reported().triaged().issued()
    await desk.project(life.messages)
    answer = await give(desk, life)
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/tickets/{life.ticket}/timeline"
    await decided(desk, life, signed(life))
    again = await give(desk, life)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")


async def test_while_the_log_is_away_nothing_is_lost(desk: Desk) -> None:
    """503 with Retry-After; the same request goes through afterwards."""
    life = Life("away").reported().triaged().issued()
    await desk.project(life.messages)
    desk.log.away = True
    answer = await give(desk, life)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    desk.log.away = False
    answer, _ = await asyncio.gather(give(desk, life), decided(desk, life, signed(life)))
    assert answer.status_code == 200


async def test_bad_commands_get_a_problem_and_publish_nothing(desk: Desk) -> None:
    """No key, no ticket, no such command, a bad body."""
    life = Life("bad").reported()
    await desk.project(life.messages)
    assert (await give(desk, life, headers={})).status_code == 400
    assert (await give(desk, Life("none"))).status_code == 404
    assert (await give(desk, life, "dance")).status_code == 404
    assert (await give(desk, life, order_id="x", by="王", more=1)).status_code == 422
    path = f"/v1/tickets/{life.ticket}/commands/sign"
    for body in (b"", b"{", b"\xff", b'"x"', b"{" * 5000, b'{"by": "' + b"x" * 900_000 + b'"}'):
        answer = await desk.http.post(path, content=body, headers=KEY)
        assert answer.status_code in {400, 422}
        assert answer.headers["content-type"] == "application/problem+json"
    assert (await desk.http.post(path, content=b"x" * 2_000_000, headers=KEY)).status_code == 413
    assert desk.log.sent == []


# ---------------------------------------------------------------- events


async def test_what_changes_is_told_and_what_was_missed_too(desk: Desk) -> None:
    """Events of a unit, in order; who comes back with the last id gets the rest."""
    changes = desk_changes(desk)
    east, west = changes.listen("100000001", "", None), changes.listen("100000002", "", None)
    assert (await anext(east))["event"] == "open"
    assert (await anext(west))["event"] == "open"
    life = Life("events").reported().triaged()
    await desk.project(life.messages)
    first = await asyncio.wait_for(anext(east), 10)
    assert json.loads(first["data"])["id"] == life.ticket
    await east.aclose()

    seen = len(life.messages)
    await desk.project(life.issued().messages[seen:])
    seen = len(life.messages)
    await desk.project(life.signed().messages[seen:])
    back = changes.listen("100000001", "", first["id"])
    assert (await anext(back))["event"] == "open"
    told = [await asyncio.wait_for(anext(back), 10) for _ in range(2)]
    assert [json.loads(each["data"])["state"] for each in told] == ["ordered", "signed"]
    strange = changes.listen("", "", "not-a-position")
    assert [(await asyncio.wait_for(anext(strange), 10))["event"] for _ in range(2)] == ["open", "reset"]
    nothing = asyncio.ensure_future(anext(west))
    done, _ = await asyncio.wait({nothing}, timeout=0.2)
    assert not done
    nothing.cancel()


def desk_changes(desk: Desk) -> Any:
    """Give what the events come from, by the step that watches."""
    watch: Any = desk.service.background[0]
    return watch.__self__


async def test_openapi_names_every_call(desk: Desk) -> None:
    """Clients are generated from it."""
    paths = (await desk.get("/openapi.json"))["paths"]
    for path in ("/v1/tickets", "/v1/tickets/{ident}/commands/{command}", "/v1/orders", "/v1/units", "/v1/events"):
        assert path in paths
