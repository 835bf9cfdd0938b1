"""What does intake answer over HTTP, to good input and to strange one?"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.intake.domain import Tracked
from shared.ids import ticket_id
from shared.messages import ReportSubmitted
from shared.topics import RECEIPTS, TICKETS
from tests.unit.intake.counter import Counter, as_json, body_of, head

REPORT = {"channel": "app", "text": "东大街有垃圾", "caller": {"name": "张三", "phone": "13812345678"}}


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Give the problem of an answer that is one."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    said: dict[str, Any] = answer.json()
    assert said["status"] == status
    assert said["detail"]
    return said


async def test_a_report_is_taken() -> None:
    """Durable, with all that the contract promises."""
    counter = Counter()
    answer = await counter.submit("k1", REPORT)
    said = answer.json()
    ticket = ticket_id("gridcall/http", "k1")
    assert answer.status_code == 201
    assert (said["report_id"], said["ticket_id"], said["status"]) == (ticket, ticket, "accepted")
    assert answer.headers["location"] == f"/v1/reports/{ticket}"
    assert "idempotent-replayed" not in answer.headers
    assert (await counter.http("GET", said["links"]["self"])).status_code == 200
    (document,) = counter.store.documents.values()
    assert json.loads(counter.personal.unseal(document["sealed"])) == REPORT
    assert b"13812345678" not in repr({k: v for k, v in document.items() if k != "sealed"}).encode()


async def test_the_same_request_again_gets_the_same_answer() -> None:
    """However the same content is written; nothing is done twice."""
    counter = Counter()
    first = await counter.submit("k1", REPORT | {"attributes": {"a": 1, "b": 2}})
    for body in (
        REPORT | {"attributes": {"b": 2, "a": 1}},
        {"attributes": {"a": 1, "b": 2}} | REPORT | {"category": None},
    ):
        again = await counter.submit("k1", body)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
    assert len(counter.store.documents) == 1
    await counter.spool.step()
    assert [message.topic for message in counter.paper.sent] == [TICKETS, RECEIPTS]


async def test_a_replay_is_answered_even_when_the_report_could_not_be_taken_today() -> None:
    """A year and more later its time is absurdly old, but it was taken."""
    counter = Counter()
    body = REPORT | {"occurred_at": "2025-10-20T00:00:00Z"}
    first = await counter.submit("k1", body)
    counter.clock.advance(timedelta(days=60))
    again = await counter.submit("k1", body)
    assert (again.status_code, again.json()) == (201, first.json())
    problem(await counter.submit("k2", body), 422)


async def test_a_key_that_was_used_for_another_body_is_refused() -> None:
    """The first stands, and the problem says what to do."""
    counter = Counter()
    await counter.submit("k1", REPORT)
    said = problem(await counter.submit("k1", REPORT | {"text": "anders"}), 422)
    assert "key" in said["detail"]
    assert len(counter.store.documents) == 1


async def test_many_requests_at_once_with_one_key_make_one_report() -> None:
    """All get the same answer."""
    counter = Counter()
    answers = await asyncio.gather(*(counter.submit("k1", REPORT) for _ in range(20)))
    assert len({answer.text for answer in answers}) == 1
    assert sorted("idempotent-replayed" in answer.headers for answer in answers) == [False] + [True] * 19
    assert len(counter.store.documents) == 1


@pytest.mark.parametrize("key", ["", "  ", "x" * 201, "a\tb", "schlüssel"])
async def test_a_key_that_cannot_be_used_is_refused(key: str) -> None:
    """With what to send instead."""
    counter = Counter()
    transport = httpx.ASGITransport(counter.app)
    headers = [(b"Idempotency-Key", key.encode("latin-1"))] if key else []
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
        said = problem(await client.post("/v1/reports", json=REPORT, headers=headers), 400)
    assert "Idempotency-Key" in said["title"]
    assert counter.store.documents == {}


BAD: list[tuple[bytes, int, str | None]] = [
    (b"", 400, None),
    (b"{", 400, None),
    (b"\xff\xfe\x00", 400, None),
    (b"[" * 100_000, 400, None),
    (b'{"text":"\\ud800"}', 400, None),
    (b'{"attributes":{"a":' + b"9" * 5000 + b"}}", 400, None),
    (b"[1]", 422, ""),
    (b"null", 422, ""),
    (b"1", 422, ""),
    (as_json(channel="fax"), 422, "/channel"),
    (as_json(text=["x"]), 422, "/text"),
    (as_json(texte="x"), 422, "/texte"),
    (as_json(place={"street": "x"}), 422, "/place/street"),
    (as_json(text=""), 422, "/text"),
    (as_json(place={"lon": 0, "lat": 0}), 422, "/place/lon"),
    (as_json(place={"lon": float("nan"), "lat": 30}), 422, "/place/lon"),
    (as_json(occurred_at="2050-01-01T00:00:00+08:00"), 422, "/occurred_at"),
    (as_json(occurred_at="0001-01-01T00:00:00+08:00"), 422, "/occurred_at"),
    (as_json(occurred_at="2026-11-22T08:00:00"), 422, "/occurred_at"),
    (as_json(text="x" * 10_001), 422, "/text"),
    (as_json(text="x" * 1_000_000), 422, "/text"),
    (as_json(text="x" * 1_048_576), 413, None),
    (as_json(text="a\0b"), 422, "/text"),
    (as_json(attributes={"a": "\0"}), 422, "/attributes"),
    (as_json(attributes={"a": float("inf")}), 422, "/attributes"),
    (as_json(caller={"anonymous": True, "callback": True}), 422, "/caller/phone"),
    (as_json(**{"a/b~c": 1}), 422, "/a~1b~0c"),
]


@pytest.mark.parametrize(("raw", "status", "pointer"), BAD)
async def test_bad_input_gets_a_problem_that_says_what_to_change(raw: bytes, status: int, pointer: str | None) -> None:
    """Never a 5xx, and nothing half-stored."""
    counter = Counter()
    said = problem(await counter.submit("k", raw), status)
    if pointer is not None:
        assert said["errors"][0]["pointer"] == pointer
    assert counter.store.documents == {}
    await counter.spool.step()
    assert counter.paper.sent == []
    assert (await counter.submit("k", REPORT)).status_code == 201


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=80, deadline=None)
@given(body=st.dictionaries(st.sampled_from(sorted(ReportSubmitted.model_fields)), json_values) | json_values)
async def test_whatever_is_sent_the_answer_is_yes_or_what_to_change(body: Any) -> None:
    """Any JSON: 201 or a 4xx problem."""
    answer = await Counter().submit("k", json.dumps(body).encode())
    assert answer.status_code in {201, 400, 422}


async def test_while_mongodb_is_away_nothing_is_taken() -> None:
    """503 with when to come back; afterwards the same request is taken."""
    counter = Counter()
    counter.store.away = True
    answer = await counter.submit("k", REPORT)
    assert problem(answer, 503)
    assert int(answer.headers["retry-after"]) > 0
    counter.store.away = False
    assert (await counter.submit("k", REPORT)).status_code == 201


async def test_while_kafka_is_away_reports_are_taken_all_the_same() -> None:
    """They wait in the store and are published later, each once, in order."""
    counter = Counter()
    counter.paper.away = True
    answer = (await counter.submit("k", REPORT)).json()
    said = await counter.http("POST", answer["links"]["messages"], {"kind": "urge"}, Idempotency_Key="m")
    assert said.status_code == 202
    counter.paper.away = False
    await counter.spool.step()
    assert [message.topic for message in counter.paper.sent] == [TICKETS, RECEIPTS, TICKETS]
    assert await counter.store.waiting(10) == []


async def opened(counter: Counter, key: str = "k") -> tuple[str, str]:
    """Hand in a report and give its id and token."""
    said = (await counter.submit(key, REPORT)).json()
    return said["report_id"], said["tracking_token"]


async def test_only_who_has_the_token_sees_a_report() -> None:
    """404 for what there is not, 403 for a wrong token, 200 for the right one by query or header."""
    counter = Counter()
    report, token = await opened(counter)
    _, other = await opened(counter, "k2")
    path = f"/v1/reports/{report}"
    for wrong in ("", "?token=", "?token=x", f"?token={other}", "?token=%00%ff", f"?token={token}x"):
        problem(await counter.http("GET", path + wrong), 403)
    problem(await counter.http("GET", path, Authorization=f"Basic {token}"), 403)
    for unknown in ("0000000000000000", "x", "%00", "a" * 3000):
        problem(await counter.http("GET", f"/v1/reports/{unknown}?token={token}"), 404)
    assert (await counter.http("GET", f"{path}?token={token}")).status_code == 200
    assert (await counter.http("GET", path, Authorization=f"Bearer {token}")).status_code == 200


async def test_tracking_says_how_far_it_is_in_plain_words() -> None:
    """Before the log has brought the ticket, and after; no personal data in it."""
    counter = Counter()
    report, token = await opened(counter)
    path = f"/v1/reports/{report}?token={token}"
    said = (await counter.http("GET", path)).json()
    assert said["state"] == "received"
    assert said["state_words"]["zh"]
    assert [line["sentence"]["en"] for line in said["timeline"]] == ["Your report was taken."]
    state = Tracked.model_validate(
        {
            "where": "ordered",
            "who": "department/shizheng",
            "by_when": "2026-11-23T04:00:00Z",
            "timeline": [["2026-11-22T04:00:00Z", "ordered", "department/shizheng", ""]],
        }
    )
    counter.store.tickets[report] = state.model_dump_json().encode()
    said = (await counter.http("GET", path)).json()
    assert (said["state"], said["handled_by"]["zh"], said["by_when"]) == ("ordered", "市政", "2026-11-23T04:00:00Z")
    assert said["timeline"][0]["sentence"] == {"zh": "已派单至市政。", "en": "It was sent to Municipal Works."}


async def test_an_open_question_is_shown_with_how_to_answer() -> None:
    """The path is the one on which messages are taken."""
    counter = Counter()
    report, token = await opened(counter)
    asked = Tracked.model_validate({"asked": {"text": "门牌号?", "until": "2026-11-25T04:00:00Z"}})
    counter.store.tickets[report] = asked.model_dump_json().encode()
    question = (await counter.http("GET", f"/v1/reports/{report}?token={token}")).json()["question"]
    assert (question["text"], question["until"], question["kind"]) == ("门牌号?", "2026-11-25T04:00:00Z", "answer")
    assert "2026-11-25 12:00" in question["how"]["zh"]
    answer = {"kind": question["kind"], "text": "3号"}
    said = await counter.http("POST", f"{question['href']}?token={token}", answer, Idempotency_Key="a")
    assert said.status_code == 202


async def test_a_report_may_say_what_kind_of_request_it_is() -> None:
    """It travels on the log; a word that is none is refused; the document names them."""
    counter = Counter()
    assert (await counter.submit("k1", REPORT | {"request": "complaint"})).status_code == 201
    await counter.spool.step()
    assert body_of(counter.paper.sent[0])["request"] == "complaint"
    said = problem(await counter.submit("k2", REPORT | {"request": "complain"}), 422)
    assert said["errors"][0]["pointer"] == "/request"
    schemas = (await counter.http("GET", "/openapi.json")).json()["components"]["schemas"]
    kinds = schemas["ReportSubmitted"]["properties"]["request"]["anyOf"][0]["enum"]
    assert kinds == ["consultation", "help", "complaint", "tip-off", "suggestion"]


async def test_a_report_from_before_a_field_was_added_is_still_the_same_report() -> None:
    """Sent again after an upgrade: its fingerprint does not know the field."""
    counter = Counter()
    first = await counter.submit("k1", REPORT)
    before = ReportSubmitted.model_validate(REPORT).model_dump(mode="json", exclude={"request"})
    (document,) = counter.store.documents.values()
    document["digest"] = counter.personal.digest(
        json.dumps(before, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    )
    again = await counter.submit("k1", REPORT)
    assert (again.status_code, again.json()) == (201, first.json())
    problem(await counter.submit("k1", REPORT | {"request": "help"}), 422)


async def test_messages_go_onto_the_log_in_order() -> None:
    """Each is intake's next fact on the ticket, masked, and its own text is kept sealed."""
    counter = Counter()
    report, token = await opened(counter)
    path = f"/v1/reports/{report}/messages?token={token}"
    for number, body in enumerate(({"kind": "follow-up", "text": "打13812345678"}, {"kind": "rating", "rating": 5}), 2):
        answer = await counter.http("POST", path, body, Idempotency_Key=f"m{number}")
        assert answer.status_code == 202
        assert answer.json()["links"]["report"] == f"/v1/reports/{report}?token={token}"
    await counter.spool.step()
    facts = [message for message in counter.paper.sent if message.topic == TICKETS]
    assert [head(fact, "ce_sequence") for fact in facts] == ["1", "2", "3"]
    assert [head(fact, "ce_id") for fact in facts] == [f"{report}/intake/{n}" for n in (1, 2, 3)]
    assert body_of(facts[1])["text"] == "打138****5678"
    assert body_of(facts[2])["rating"] == 5
    kept = counter.store.documents[report]["messages"][0]
    assert json.loads(counter.personal.unseal(kept["sealed"]))["text"] == "打13812345678"


async def test_a_message_is_taken_once() -> None:
    """Same key and body: same answer; other body: refused; same key on another report: another message."""
    counter = Counter()
    report, token = await opened(counter)
    other, other_token = await opened(counter, "k2")
    path = f"/v1/reports/{report}/messages?token={token}"
    first = await counter.http("POST", path, {"kind": "urge"}, Idempotency_Key="m")
    again = await counter.http("POST", path, {"kind": "urge"}, Idempotency_Key="m")
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (202, first.json(), "true")
    problem(await counter.http("POST", path, {"kind": "withdrawal"}, Idempotency_Key="m"), 422)
    elsewhere = f"/v1/reports/{other}/messages?token={other_token}"
    answer = await counter.http("POST", elsewhere, {"kind": "urge"}, Idempotency_Key="m")
    assert answer.json()["message_id"] != first.json()["message_id"]
    assert counter.store.documents[report]["n"] == 2


async def test_messages_at_the_same_time_get_different_numbers() -> None:
    """No number twice and none left out."""
    counter = Counter()
    report, token = await opened(counter)
    path = f"/v1/reports/{report}/messages"
    sends = [
        counter.http("POST", path, {"kind": "urge"}, Idempotency_Key=f"m{n}", Authorization=f"Bearer {token}")
        for n in range(15)
    ]
    assert {answer.status_code for answer in await asyncio.gather(*sends)} == {202}
    await counter.spool.step()
    numbers = [head(message, "ce_sequence") for message in counter.paper.sent if message.topic == TICKETS]
    assert numbers == [str(n) for n in range(1, 17)]


async def test_a_report_takes_only_so_many_messages() -> None:
    """Then it is said what to do instead, and a repeated one is still answered."""
    counter = Counter()
    report, token = await opened(counter)
    path = f"/v1/reports/{report}/messages?token={token}"
    for number in range(100):
        assert (await counter.http("POST", path, {"kind": "urge"}, Idempotency_Key=f"m{number}")).status_code == 202
    problem(await counter.http("POST", path, {"kind": "urge"}, Idempotency_Key="more"), 409)
    assert (await counter.http("POST", path, {"kind": "urge"}, Idempotency_Key="m0")).status_code == 202


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        ({"kind": "shout"}, 422),
        ({"kind": "rating"}, 422),
        ({"kind": "follow-up"}, 422),
        ({"kind": "urge", "text": "\0"}, 422),
    ],
)
async def test_a_bad_message_gets_a_problem(body: Any, status: int) -> None:
    """Nothing half-stored."""
    counter = Counter()
    report, token = await opened(counter)
    path = f"/v1/reports/{report}/messages?token={token}"
    problem(await counter.http("POST", path, body, Idempotency_Key="m"), status)
    assert counter.store.documents[report]["n"] == 1
    problem(await counter.http("POST", path, {"kind": "urge"}), 400)
    problem(await counter.http("POST", f"/v1/reports/{report}/messages", {"kind": "urge"}, Idempotency_Key="m"), 403)
    problem(await counter.http("POST", "/v1/reports/x/messages?token=x", {"kind": "urge"}, Idempotency_Key="m"), 404)


async def test_the_openapi_document_describes_what_is_read_by_hand() -> None:
    """Bodies, the header, and no reference that leads nowhere."""
    counter = Counter()
    document = (await counter.http("GET", "/openapi.json")).json()
    call = document["paths"]["/v1/reports"]["post"]
    assert call["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/ReportSubmitted"
    }
    assert [p["name"] for p in call["parameters"]] == ["Idempotency-Key"]
    assert "201" in call["responses"]
    schemas = document["components"]["schemas"]
    assert set(schemas["ReportSubmitted"]["properties"]) == set(ReportSubmitted.model_fields)
    references = {r.rsplit("/", 1)[1] for r in _references(document)}
    assert references <= set(schemas)
    say = document["paths"]["/v1/reports/{report_id}/messages"]["post"]
    assert {p["name"] for p in say["parameters"]} == {"report_id", "token", "authorization", "Idempotency-Key"}


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [r for inner in part.values() for r in _references(inner)]
    return [r for inner in part for r in _references(inner)] if isinstance(part, list) else []
