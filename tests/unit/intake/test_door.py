"""What becomes of the records on `gridcall.reports`?"""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest

from shared import metrics
from shared.ids import fact_id, ticket_id
from shared.topics import DEAD_LETTERS, RECEIPTS, TICKETS
from tests.unit.intake.counter import Counter, as_json, body_of, head, record

ACCEPTED, REFUSED = "gridcall.report.accepted.v1", "gridcall.report.refused.v1"


def refusals(reason: str) -> float:
    """Give how many reports were refused for a reason."""
    count: float = metrics.refusals.labels("report", reason)._value.get()
    return count


async def test_a_report_becomes_a_ticket_and_is_acknowledged() -> None:
    """One fact, one receipt, one document; the ids follow from the report's."""
    counter = Counter()
    outcome = await counter.turn(record(as_json(caller={"phone": "13812345678"}), "r1"))
    fact, receipt = counter.sent(outcome)
    ticket = ticket_id("hotline", "r1")
    assert (fact.topic, fact.key, fact.partition) == (TICKETS, ticket, None)
    assert head(fact, "ce_type") == "gridcall.ticket.reported.v1"
    assert (head(fact, "ce_id"), head(fact, "ce_sequence")) == (fact_id(ticket, "intake", 1), "1")
    assert (head(fact, "ce_source"), head(fact, "ce_causation")) == ("gridcall/intake", "r1")
    assert (receipt.topic, receipt.key) == (RECEIPTS, "hotline")
    assert (head(receipt, "ce_type"), head(receipt, "ce_causation")) == (ACCEPTED, "r1")
    assert body_of(receipt) == {"report_id": ticket, "ticket_id": ticket}
    assert outcome.counts == {("gridcall.report.submitted.v1", "handled"): 1}


async def test_a_report_may_say_what_kind_of_request_it_is() -> None:
    """It travels on the log; a word that is none is answered with where it stands."""
    counter = Counter()
    fact, _ = counter.sent(await counter.turn(record(as_json(request="tip-off"), "r1")))
    assert body_of(fact)["request"] == "tip-off"
    (refused,) = counter.sent(await counter.turn(record(as_json(request="tip"), "r2", 1)))
    assert [error["pointer"] for error in body_of(refused)["errors"]] == ["/request"]


async def test_the_whole_report_stays_sealed_in_the_store() -> None:
    """Nothing readable beside the identity, and all of it with the key."""
    counter = Counter()
    raw = as_json(text="打13812345678", caller={"name": "张三", "phone": "13812345678"})
    outcome = await counter.turn(record(raw, "r1"))
    (document,) = counter.store.documents.values()
    assert counter.personal.unseal(document["sealed"]) == raw
    for leak in (b"13812345678", "张三".encode()):
        assert leak not in repr({k: v for k, v in document.items() if k != "sealed"}).encode()
        assert all(leak not in message.value for message in counter.sent(outcome))


async def test_the_same_report_again_gets_the_same_receipt_and_nothing_else() -> None:
    """In one batch, in a later one, and with another content: the first stands."""
    counter = Counter()
    first = await counter.turn(record(as_json(), "r1"), record(as_json(), "r1", 1))
    fact, receipt, again = counter.sent(first)
    assert again == receipt
    counter.clock.advance(timedelta(hours=1))
    before = metrics.duplicates.labels("intake")._value.get()
    for value in (as_json(), as_json(text="anders"), b"not json", None):
        later = await counter.turn(record(value, "r1", 2))
        assert counter.sent(later) == [receipt]
        assert later.writes == {}
    assert metrics.duplicates.labels("intake")._value.get() == before + 4
    assert fact.topic == TICKETS


async def test_one_id_from_two_sources_is_two_reports() -> None:
    """(ce_source, ce_id) is the identity."""
    counter = Counter()
    await counter.turn(record(as_json(), "r1", source="a"), record(as_json(), "r1", source="b"))
    assert len(counter.store.documents) == 2


@pytest.mark.parametrize(
    ("body", "reason", "pointer"),
    [
        ({"text": ""}, "no-content", "/text"),
        ({"text": "x" * 20_000}, "text-too-long", "/text"),
        ({"text": "x" * 900_000}, "invalid", "/text"),
        ({"place": {"lon": 1, "lat": 1}}, "outside-district", "/place/lon"),
        ({"occurred_at": "2050-01-01T00:00:00Z"}, "bad-time", "/occurred_at"),
        ({"txt": "x"}, "invalid", "/txt"),
        ({"text": "a\0"}, "invalid", "/text"),
        ({"caller": {"anonymous": True, "callback": True}}, "no-call-back", "/caller/phone"),
        ({"13812345678": "x"}, "invalid", "/138****5678"),
    ],
)
async def test_a_report_that_cannot_be_taken_is_answered_with_what_to_change(
    body: dict[str, Any], reason: str, pointer: str
) -> None:
    """One refusal to its source, nothing stored, its neighbours unharmed."""
    counter = Counter()
    before = refusals(reason)
    outcome = await counter.turn(record(as_json(), "a"), record(as_json(**body), "b", 1), record(as_json(), "c", 2))
    assert [head(m, "ce_type") for m in counter.sent(outcome) if m.topic == RECEIPTS] == [ACCEPTED, REFUSED, ACCEPTED]
    answer = counter.sent(outcome)[2]
    assert (answer.key, head(answer, "ce_causation")) == ("hotline", "b")
    said = body_of(answer)
    assert (said["reason"], said["errors"][0]["pointer"]) == (reason, pointer)
    assert said["detail"]
    assert "13812345678" not in answer.value.decode()
    assert len(counter.store.documents) == 2
    assert refusals(reason) == before + 1


async def test_a_refused_report_may_come_again_corrected_under_its_id() -> None:
    """A refusal takes no identity, and two refusals are two messages."""
    counter = Counter()
    outcome = await counter.turn(
        record(as_json(text=""), "r"), record(as_json(text=""), "r", 1), record(as_json(), "r", 2)
    )
    answers = [message for message in counter.sent(outcome) if message.topic == RECEIPTS]
    assert [head(message, "ce_type") for message in answers] == [REFUSED, REFUSED, ACCEPTED]
    assert len({head(message, "ce_id") for message in answers}) == 3


async def test_thousands_of_unknown_fields_get_a_short_answer() -> None:
    """The answer fits a record, however long the report."""
    counter = Counter()
    outcome = await counter.turn(record(as_json(**{"f" * 200 + str(i): 1 for i in range(3000)})))
    (answer,) = counter.sent(outcome)
    assert len(answer.value) < 20_000


async def test_nobody_else_speaks_for_the_http_door() -> None:
    """Its identities are its own."""
    counter = Counter()
    outcome = await counter.turn(record(as_json(), "k", source="gridcall/http"))
    (answer,) = counter.sent(outcome)
    assert body_of(answer)["reason"] == "reserved-source"
    assert counter.store.documents == {}


HEADERS: list[tuple[list[tuple[str, bytes | None]], str]] = [
    ([], "bad-header"),
    ([("ce_type", None)], "bad-header"),
    ([("ce_type", b"gridcall.report.submitted.v1"), ("ce_source", b"\xff"), ("ce_id", b"1")], "bad-header"),
    ([("ce_type", b"gridcall.report.submitted.v1"), ("ce_source", b"s"), ("ce_id", None)], "bad-header"),
    ([("ce_type", b"gridcall.report.submitted.v9"), ("ce_source", b"s"), ("ce_id", b"1")], "unknown-type"),
    ([("ce_type", b"gridcall.ticket.closed.v1"), ("ce_source", b"s"), ("ce_id", b"1")], "unknown-type"),
]


@pytest.mark.parametrize(("headers", "reason"), HEADERS)
async def test_a_record_without_good_headers_is_a_dead_letter(headers: list[Any], reason: str) -> None:
    """With its reason; the neighbour is taken."""
    counter = Counter()
    outcome = await counter.turn(record(as_json(), headers=headers), record(as_json(), "n", 1))
    (letter,) = [message for message in counter.sent(outcome) if message.topic == DEAD_LETTERS]
    assert body_of(letter)["reason"] == reason
    assert len(counter.store.documents) == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no-value"),
        (b"", "bad-json"),
        (b"\xff\xfe", "bad-json"),
        (b"{", "bad-json"),
        (b"[" * 100_000, "bad-json"),
        (b'{"text":"\\ud800"}', "bad-json"),
        (b"x" * 900_000, "bad-json"),
    ],
)
async def test_what_is_not_json_is_a_dead_letter(value: bytes | None, reason: str) -> None:
    """There is nothing to answer about."""
    counter = Counter()
    outcome = await counter.turn(record(value), record(as_json(), "n", 1))
    (letter,) = [message for message in counter.sent(outcome) if message.topic == DEAD_LETTERS]
    said = body_of(letter)
    assert (said["reason"], said["topic"], said["offset"], said["masked"]) == (reason, "gridcall.reports", 0, True)
    assert len(letter.value) < 10_000
    assert len(counter.store.documents) == 1


@pytest.mark.parametrize("value", [b"[1]", b"null", b'"x"', b"{}", b"1e999", b'{"channel":1}'])
async def test_json_of_another_shape_is_refused(value: bytes) -> None:
    """It could be read, so it is answered."""
    counter = Counter()
    (answer,) = counter.sent(await counter.turn(record(value)))
    assert (head(answer, "ce_type"), body_of(answer)["reason"]) == (REFUSED, "invalid")


async def test_a_dead_letter_shows_nobodys_number_and_keeps_the_record_sealed() -> None:
    """Masked on the topic, key and foreign headers too; whole in the store for whoever has the key."""
    counter = Counter()
    raw = json.dumps({"caller": {"name": "张三"}, "text": "打13812345678"}).encode()
    headers = [("ce_type", b"other.v1"), ("ce_source", b"s"), ("ce_id", b"1"), ("x-phone", b"13812345678")]
    outcome = await counter.turn(record(raw, headers=headers, key=b"13812345678"))
    (letter,) = counter.sent(outcome)
    said = body_of(letter)
    assert json.loads(base64.b64decode(said["value"])) == {"text": "打138****5678"}
    assert b"13812345678" not in base64.b64decode(said["key"])
    assert "x-phone" not in dict(said["headers"])
    stored = outcome.writes["dead_letters"][0]._doc
    assert stored["sealed"]
    assert counter.personal.unseal(stored["value"]) == raw
    assert stored["key"] == b"13812345678"
