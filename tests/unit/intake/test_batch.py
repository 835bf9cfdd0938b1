"""What does a hotline get for many reports at once? An answer for each, and one bad one spoils no other."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from services.intake.batch import LARGEST, MOST
from tests.unit.intake.counter import Counter, as_json, body_of, head, record

REPORT = {"channel": "hotline", "text": "东大街有垃圾"}


async def batch(counter: Counter, *reports: Any, **headers: str) -> httpx.Response:
    """Hand in a batch."""
    return await counter.http("POST", "/v1/reports/batch", {"reports": list(reports)}, **headers)


async def results(counter: Counter, *reports: Any, **headers: str) -> list[dict[str, Any]]:
    """Give what became of each."""
    answer = await batch(counter, *reports, **headers)
    assert answer.status_code == 200, answer.text
    content = answer.json()
    assert [one["index"] for one in content["results"]] == list(range(len(reports)))
    assert content["accepted"] == sum(one["code"] == 201 for one in content["results"])
    assert content["refused"] == len(reports) - content["accepted"]
    return list(content["results"])


async def test_each_gets_its_own_answer_in_order_and_a_bad_one_spoils_no_other() -> None:
    """What a single report would be answered stands at its place."""
    counter = Counter()
    good, bad, silent, none, third = await results(
        counter,
        REPORT | {"idempotency_key": "a"},
        REPORT | {"idempotency_key": "b", "catgory": "x"},
        {"channel": "app", "idempotency_key": "c"},
        7,
        REPORT | {"idempotency_key": "d"},
    )
    assert [good["code"], bad["code"], silent["code"], none["code"], third["code"]] == [201, 422, 422, 422, 201]
    assert bad["problem"]["errors"][0]["pointer"] == "/catgory"
    assert silent["problem"]["errors"][0]["pointer"] == "/text"
    assert len(counter.store.documents) == 2
    single = (await counter.submit("a", REPORT)).json()
    assert {name: good[name] for name in single} == single
    assert (await counter.http("GET", good["links"]["self"])).status_code == 200


async def test_the_same_batch_again_makes_nothing_new() -> None:
    """By the key of each; the same key with another body is refused, in one batch or in two."""
    counter = Counter()
    sent = [REPORT | {"idempotency_key": str(number)} for number in range(5)]
    first = await results(counter, *sent)
    again = await results(counter, *reversed(sent))
    assert [one["ticket_id"] for one in again] == [one["ticket_id"] for one in reversed(first)]
    assert {one["replayed"] for one in again} == {True}
    twice = await results(counter, sent[0] | {"text": "另一件事"}, REPORT | {"idempotency_key": "n"}, sent[1])
    assert [one["code"] for one in twice] == [422, 201, 201]
    same = await results(counter, *[REPORT | {"idempotency_key": "same"}] * 3)
    assert len({one["ticket_id"] for one in same}) == 1
    assert [one["replayed"] for one in same] == [False, True, True]


async def test_what_stands_for_a_key_that_is_missing() -> None:
    """The request's key and the position; without it the sender's own number; without that it is not taken."""
    counter = Counter()
    positions = await results(counter, REPORT, REPORT, Idempotency_Key="run-7")
    assert len({one["ticket_id"] for one in positions}) == 2
    again = await results(counter, REPORT, REPORT, Idempotency_Key="run-7")
    assert [one["ticket_id"] for one in again] == [one["ticket_id"] for one in positions]
    numbered = REPORT | {"source_reference": "编号1"}
    (first,), (second,) = await results(counter, numbered), await results(counter, numbered)
    assert first["ticket_id"] == second["ticket_id"]
    (nothing,) = await results(counter, REPORT)
    assert (nothing["code"], nothing["problem"]["errors"][0]["pointer"]) == (422, "/idempotency_key")
    for key in ("", " ", "x" * 201, "钥匙", 7):
        (wrong,) = await results(counter, REPORT | {"idempotency_key": key})
        assert wrong["code"] == 422


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"\xff", 400),
        (b'{"reports":' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b"[]", 422),
        (b"7", 422),
        (b'{"reports":{}}', 422),
        (b'{"reports":[]}', 422),
        (b'{"reports":[1],"more":1}', 422),
        (json.dumps({"reports": [0] * (MOST + 1)}).encode(), 422),
        (b" " * (LARGEST + 1), 413),
    ],
)
async def test_what_is_no_batch_is_refused_as_a_whole(content: bytes, status: int) -> None:
    """A problem with what to send instead."""
    counter = Counter()
    answer = await counter.http("POST", "/v1/reports/batch", content)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]
    assert not counter.store.documents


async def test_what_only_a_lenient_reader_reads_is_refused_item_by_item() -> None:
    """Half a surrogate, NaN and a number of 400 digits concern the item that has them."""
    counter = Counter()
    items = [
        '{"channel":"app","text":"\\ud800","idempotency_key":"1"}',
        '{"channel":"app","text":"x","place":{"lon":NaN,"lat":30},"idempotency_key":"2"}',
        '{"channel":"app","text":"x","attributes":{"a":' + "9" * 400 + '},"idempotency_key":"3"}',
        '{"channel":"app","text":"good","idempotency_key":"4"}',
    ]
    content = ('{"reports":[' + ",".join(items) + "]}").encode()
    answer = await counter.http("POST", "/v1/reports/batch", content)
    codes = [one["code"] for one in answer.json()["results"]]
    assert codes[3] == 201
    assert all(400 <= code < 500 for code in codes[:3]), codes


async def test_a_thousand_are_one_write() -> None:
    """However many they are, MongoDB is asked once."""
    counter = Counter()
    writes = []
    plain = counter.store.insert_each

    async def counted(reports: Any) -> list[bool]:
        writes.append(len(reports))
        return await plain(reports)

    counter.store.insert_each = counted  # type: ignore[method-assign]
    await results(counter, *[REPORT | {"idempotency_key": str(number)} for number in range(MOST)])
    assert writes == [MOST]
    await counter.spool.step()
    await counter.spool.step()
    assert len(counter.paper.sent) == 2 * MOST


async def test_while_mongodb_is_away_nothing_of_a_batch_is_taken() -> None:
    """503 for the whole, with when to come again; then the same batch is taken."""
    counter = Counter()
    counter.store.away = True
    answer = await batch(counter, REPORT | {"idempotency_key": "k"})
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    counter.store.away = False
    assert not counter.store.documents
    assert (await results(counter, REPORT | {"idempotency_key": "k"}))[0]["replayed"] is False


NUMBERED = REPORT | {"source_reference": "HL-1", "caller": {"phone": "000 0000 0123"}}


async def test_the_same_report_by_http_and_then_by_topic_is_one_ticket() -> None:
    """The topic's sender gets a receipt of its own, with its own id as the cause, for the ticket that there is."""
    counter = Counter()
    taken = (await counter.submit("k", NUMBERED)).json()
    body = as_json(**NUMBERED | {"caller": {"phone": "00000000123"}})
    outcome = await counter.turn(record(body, "1"), record(body, "1", 1))
    first, again = counter.sent(outcome)
    assert "reports" not in outcome.writes
    assert first == again
    assert (first.key, head(first, "ce_causation")) == ("hotline", "1")
    assert body_of(first) == {"report_id": taken["ticket_id"], "ticket_id": taken["ticket_id"]}


async def test_the_same_report_by_topic_and_then_by_http_is_one_ticket() -> None:
    """The HTTP sender gets the ticket that there is, and may follow it."""
    counter = Counter()
    await counter.turn(record(as_json(**NUMBERED), "1"))
    (ticket,) = counter.store.documents
    answer = await counter.submit("k", NUMBERED)
    assert (answer.status_code, answer.json()["ticket_id"]) == (201, ticket)
    assert answer.headers["idempotent-replayed"] == "true"
    assert (await counter.http("GET", answer.json()["links"]["self"])).status_code == 200
    (one,) = await results(counter, NUMBERED | {"idempotency_key": "other"})
    assert (one["ticket_id"], one["replayed"]) == (ticket, True)
    assert len(counter.store.documents) == 1


async def test_one_number_with_other_words_or_at_one_door_is_another_report() -> None:
    """So nobody takes the place of a report by guessing its number."""
    counter = Counter()
    await counter.turn(record(as_json(**NUMBERED), "1"), record(as_json(**NUMBERED), "2", 1))
    await counter.turn(record(as_json(**NUMBERED), "3", 2))
    assert len(counter.store.documents) == 3
    await counter.submit("k", NUMBERED | {"text": "另一件事"})
    assert len(counter.store.documents) == 4
    other = Counter()
    await other.submit("a", NUMBERED)
    await other.submit("b", NUMBERED)
    assert len(other.store.documents) == 2
