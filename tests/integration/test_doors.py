"""What does bad input get at the doors? An answer or a dead letter, and the neighbours are unharmed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from shared.ids import ticket_id
from shared.topics import REPORTS, updates_topic
from tests.support.city import Seen
from tests.support.story import Story
from tests.support.waiting import eventually

GOOD = {"channel": "hotline", "category": "0110", "text": "垃圾未清", "place": {"grid": "511802001001001"}}
FULL: list[tuple[str, bytes | None]] = [("ce_type", b"gridcall.report.submitted.v1"), ("ce_source", b"door/test")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """One city for all doors."""
    async with Story(tmp_path_factory.mktemp("doors")) as story:
        yield story


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def post(city: Story, content: bytes, key: str | None = "k") -> httpx.Response:
    """Post raw bytes to the door for reports."""
    headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
    return await city.http.post(city.url("intake", "/v1/reports"), content=content, headers=headers)


BAD_BODIES: list[tuple[str, bytes, str]] = [
    ("broken", b"{", "JSON"),
    ("not an object", b"[]", ""),
    ("wrong type", json.dumps(GOOD | {"channel": 7}).encode(), "/channel"),
    ("unknown field", json.dumps(GOOD | {"catgory": "x"}).encode(), "/catgory"),
    ("nothing said", json.dumps({"channel": "app"}).encode(), ""),
    ("outside", json.dumps(GOOD | {"place": {"lon": 2.35, "lat": 48.85}}).encode(), "/place"),
    ("future", json.dumps(GOOD | {"occurred_at": "2031-01-01T00:00:00+08:00"}).encode(), "/occurred_at"),
    ("no offset", json.dumps(GOOD | {"occurred_at": "2026-11-22T00:00:00"}).encode(), "/occurred_at"),
    ("absurd time", json.dumps(GOOD | {"occurred_at": "0001-01-01T00:00:00+08:00"}).encode(), "/occurred_at"),
    ("long text", json.dumps(GOOD | {"text": "长" * 20_000}).encode(), "/text"),
    ("megabyte", json.dumps(GOOD | {"text": "x" * 1_100_000}).encode(), ""),
    ("NUL", json.dumps(GOOD | {"text": "a\0b"}).encode(), "/text"),
    ("NUL in attributes", json.dumps(GOOD | {"attributes": {"a\0": "b\0"}}).encode(), "/attributes"),
    ("lone surrogate", b'{"channel":"app","text":"\\ud800"}', ""),
    ("nan", b'{"channel":"app","text":"x","place":{"lon":NaN,"lat":30}}', ""),
    ("not UTF-8", b'{"channel":"app","text":"\xff"}', ""),
    ("deep", b'{"channel":"app","text":"x","attributes":{"a":' + b"[" * 5000 + b"]" * 5000 + b"}}", ""),
    ("empty", b"", ""),
]


@pytest.mark.parametrize(("name", "content", "pointer"), BAD_BODIES, ids=[name for name, *_ in BAD_BODIES])
async def test_a_bad_report_by_http_is_refused_with_what_to_change(
    city: Story, name: str, content: bytes, pointer: str
) -> None:
    """A 4xx problem with a sentence, never a 5xx, and nothing is stored."""
    before = await city.services["intake"].db["reports"].count_documents({})
    answer = await post(city, content, f"bad-{name}")
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    assert pointer in json.dumps(problem)
    assert await city.services["intake"].db["reports"].count_documents({}) == before


async def test_a_key_is_needed_and_stands_for_one_body(city: Story) -> None:
    """No key: 400. The same key and body: the same answer. The same key, another body: 422."""
    assert (await post(city, json.dumps(GOOD).encode(), None)).status_code == httpx.codes.BAD_REQUEST
    first = await post(city, json.dumps(GOOD).encode(), "same")
    again = await post(city, json.dumps(GOOD).encode(), "same")
    other = await post(city, json.dumps(GOOD | {"text": "另一件事"}).encode(), "same")
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    await city.becomes(first.json()["ticket_id"], "ordered")


async def test_twenty_equal_requests_at_once_make_one_ticket(city: Story) -> None:
    """Whoever comes second gets the first one's answer."""
    answers = await asyncio.gather(*[post(city, json.dumps(GOOD).encode(), "race") for _ in range(20)])
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["ticket_id"] for answer in answers}) == 1


async def receipt(city: Story, ident: str) -> Seen:
    """Give the first receipt for a report."""

    async def there() -> Seen | None:
        return next((s for s in await city.receipts() if s.headers.get("ce_causation") == ident), None)

    found: Seen = await eventually(there, what=f"a receipt for {ident}")
    return found


@pytest.mark.parametrize(
    ("ident", "value"),
    [
        ("unknown-field", GOOD | {"catgory": "x"}),
        ("nothing-said", {"channel": "app"}),
        ("outside", GOOD | {"place": {"lon": 2.35, "lat": 48.85}}),
        ("another-shape", {"a": [1, 2, 3]}),
        ("nul", GOOD | {"text": "a\0b"}),
    ],
)
async def test_a_readable_report_that_cannot_be_taken_is_refused_by_receipt(
    city: Story, ident: str, value: dict[str, Any]
) -> None:
    """The receipt says what to change."""
    await city.put(REPORTS, "gridcall.report.submitted.v1", "door/test", ident, value)
    found = await receipt(city, ident)
    assert found.type == "gridcall.report.refused.v1"
    assert found.value["reason"]
    assert found.value["detail"]
    assert found.key == "door/test"


async def test_unreadable_reports_are_dead_letters_and_the_neighbours_are_taken(city: Story) -> None:
    """No headers, null and undecodable ones, null value, no JSON, unknown type, 900 KB."""
    full: list[tuple[str, bytes | None]] = [*FULL, ("ce_id", b"x")]
    bad: list[tuple[bytes | None, list[tuple[str, bytes | None]]]] = [
        (json.dumps(GOOD).encode(), []),
        (json.dumps(GOOD).encode(), [*FULL, ("ce_id", None)]),
        (json.dumps(GOOD).encode(), [*FULL, ("ce_id", b"\xff\xfe")]),
        (None, full),
        (b"not json", full),
        (b"\xff" * 900_000, full),
        (json.dumps(GOOD).encode(), [("ce_type", b"unknown.v1"), ("ce_source", b"s"), ("ce_id", b"y")]),
    ]
    for number, (value, headers) in enumerate(bad):
        await city.producer.send_and_wait(REPORTS, value, b"k", 0, headers=headers)
        body = json.dumps(GOOD | {"caller": {"phone": "00000000123", "name": "某某"}}).encode()
        good = [*FULL, ("ce_id", f"neighbour-{number}".encode())]
        await city.producer.send_and_wait(REPORTS, body, b"k", 0, headers=good)
    for number in range(len(bad)):
        assert (await receipt(city, f"neighbour-{number}")).type == "gridcall.report.accepted.v1"
    letters = (await city.http.get(city.url("intake", "/ops/dead-letters"))).json()
    assert len(letters) == len(bad)
    shown = json.dumps([s.value for s in await city.read("gridcall.dead-letters")])
    assert "00000000123" not in shown


async def test_the_same_report_many_times_is_one_ticket_and_the_same_receipt(city: Story) -> None:
    """By (ce_source, ce_id), also within one batch and over partitions."""
    for partition in (0, 1, 2, 2, 2):
        headers = [*FULL, ("ce_id", b"many")]
        await city.producer.send(REPORTS, json.dumps(GOOD).encode(), b"k", partition, headers=headers)
    ticket = ticket_id("door/test", "many")
    await city.becomes(ticket, "ordered")
    await city.settled()
    receipts = [s for s in await city.receipts() if s.headers.get("ce_causation") == "many"]
    accepted = [s for s in receipts if s.type == "gridcall.report.accepted.v1"]
    assert {s.value["ticket_id"] for s in accepted} == {ticket}
    assert len({s.headers["ce_id"] for s in accepted}) == 1
    assert len([s for s in await city.log() if s.key == ticket and s.type.endswith("reported.v1")]) == 1


async def order_for(city: Story) -> tuple[str, str]:
    """Give a ticket with an order at a department: (ticket, order id)."""
    ticket = await city.hotline_reports(**{k: v for k, v in GOOD.items() if k != "channel"})
    (order,) = await city.told("huanwei", "gridcall.order.issued.v1", ticket)
    return ticket, order.value["order_id"]


async def answers(city: Story, department: str, update: str) -> list[Seen]:
    """Give what a department was answered to one of its updates."""

    async def there() -> list[Seen]:
        return [s for s in await city.orders(department) if s.value.get("update_id") == update]

    found: list[Seen] = await eventually(there, what=f"{department} gets an answer to {update}")
    return found


async def test_updates_are_answered_each_in_its_way(city: Story) -> None:
    """Not signed yet, not its own, no such order, unknown type, unreadable: refused; sign and done: accepted."""
    ticket, order = await order_for(city)
    await city.update("huanwei", "done", "early", order_id=order)
    assert [s.type for s in await answers(city, "huanwei", "early")] == ["gridcall.update.refused.v1"]
    await city.update("shizheng", "sign", "not-mine", order_id=order)
    (refusal,) = await answers(city, "shizheng", "not-mine")
    assert refusal.type == "gridcall.update.refused.v1"
    assert "垃圾" not in json.dumps(refusal.value, ensure_ascii=False)
    await city.update("huanwei", "sing", "misspelt", order_id=order)
    assert (await answers(city, "huanwei", "misspelt"))[0].type == "gridcall.update.refused.v1"
    await city.update("huanwei", "sign", "bad-field", order_id=order, colour="red")
    (refusal,) = await answers(city, "huanwei", "bad-field")
    assert "colour" in refusal.value["detail"]
    await city.update("huanwei", "sign", "no-such", order_id=f"{ticket}-9")
    assert (await answers(city, "huanwei", "no-such"))[0].type == "gridcall.update.refused.v1"
    await city.update("huanwei", "sign", "s1", order_id=order)
    assert [s.type for s in await answers(city, "huanwei", "s1")] == ["gridcall.update.accepted.v1"]
    await city.update("huanwei", "sign", "s1", order_id=order)
    await city.update("huanwei", "done", "d1", order_id=order, result="清运", evidence=[])
    assert [s.type for s in await answers(city, "huanwei", "d1")] == ["gridcall.update.accepted.v1"]
    await city.becomes(ticket, "closed")
    repeated = await answers(city, "huanwei", "s1")
    assert {s.type for s in repeated} == {"gridcall.update.accepted.v1"}
    assert len({s.headers["ce_id"] for s in repeated}) == 1
    assert len([s for s in await city.log() if s.key == ticket and s.type.endswith("order-signed.v1")]) == 1


async def test_updates_that_name_no_order_are_dead_letters(city: Story) -> None:
    """Nothing a department sends stops the flow of another's."""
    topic = updates_topic("shizheng")
    before = len((await city.http.get(city.url("dispatch", "/ops/dead-letters"))).json())
    headers = [("ce_type", b"gridcall.order.sign.v1"), ("ce_source", b"x"), ("ce_id", b"1")]
    unknown = json.dumps({"order_id": "0000000000000000-1"}).encode()
    for value in (None, b"\xff", b"[]", b'{"order_id": 7}', b"x" * 900_000, unknown):
        await city.producer.send_and_wait(topic, value, b"k", 0, headers=headers)
    _, order = await order_for(city)
    await city.update("huanwei", "sign", "after-poison", order_id=order)
    assert (await answers(city, "huanwei", "after-poison"))[0].type == "gridcall.update.accepted.v1"

    async def buried() -> bool:
        return len((await city.http.get(city.url("dispatch", "/ops/dead-letters"))).json()) == before + 6

    await eventually(buried)


async def test_no_personal_data_on_any_topic_that_gridcall_writes(city: Story) -> None:
    """Name and phone stay in intake's own store, encrypted."""
    body = GOOD | {
        "caller": {"name": "无名氏甲乙", "phone": "00000000456", "callback": True},
        "text": "请打00000000456找无名氏",
    }
    answer = await post(city, json.dumps(body).encode(), "personal")
    ticket = answer.json()["ticket_id"]
    await city.told("huanwei", "gridcall.order.issued.v1", ticket)
    await city.settled()
    everything = [*await city.log(), *await city.receipts(), *await city.orders("huanwei")]
    shown = json.dumps([[s.headers, s.value] for s in everything], ensure_ascii=False)
    assert "00000000456" not in shown
    assert "无名氏甲乙" not in shown
    for name, service in city.services.items():
        for collection in await service.db.list_collection_names():
            async for document in service.db[collection].find({}):
                assert "00000000456" not in str(document), (name, collection)
                assert "无名氏甲乙" not in str(document), (name, collection)
