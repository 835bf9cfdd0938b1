"""Is what we post a CloudEvent, and is a CloudEvent that somebody posts an update? The CloudEvents SDK is the judge."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from services.dispatch.webhooks.events import event, update
from services.dispatch.webhooks.feed import decoded, encoded
from shared.envelope import Envelope, headers, read
from shared.errors import DeadLetter
from shared.http import Problem

ORDER = "0123456789ABCDEF-1"
SIGN = {"order_id": ORDER, "note": "签收"}
ATTRIBUTES = {"type": "gridcall.order.sign.v1", "source": "parks/系统", "id": "u-1", "specversion": "1.0"}


def test_what_we_post_is_a_cloud_event() -> None:
    """The SDK reads back what the envelope says; extensions are text."""
    at = datetime(2026, 11, 22, 8, tzinfo=UTC)
    envelope = Envelope("t/dispatch/3", "gridcall/dispatch", "gridcall.order.issued.v1", at, "T", 3, "c", "00-a-b-01")
    body = json.dumps(event(envelope, '{"description":"垃圾"}'.encode())).encode()
    posted = HTTPMessage({"content-type": "application/cloudevents+json"}, body)
    read_back = from_structured(posted, JSONFormat(), CloudEvent)
    assert (read_back.get_id(), read_back.get_source(), read_back.get_type()) == envelope[:3]
    assert read_back.get_time() == at
    assert read_back.get_subject() == "T"
    assert read_back.get_data() == {"description": "垃圾"}
    assert (read_back.get_extension("sequence"), read_back.get_extension("causation")) == ("3", "c")


@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff"])
def test_a_record_without_json_is_no_event(value: bytes | None) -> None:
    """It becomes a dead letter."""
    with pytest.raises(DeadLetter):
        event(read(headers(Envelope("1", "s", "t", datetime(2026, 1, 1, tzinfo=UTC))), 0), value)


@pytest.mark.parametrize("write", [to_structured, to_binary])
def test_an_update_by_the_sdk_becomes_the_record_that_kafka_would_have(write: Any) -> None:
    """In either mode; what is not ASCII included."""
    message = write(CloudEvent({**ATTRIBUTES, "datacontenttype": "application/json"}, SIGN), JSONFormat())
    given = {name.lower(): content for name, content in message.headers.items()}
    key, record, value = update(given, message.body, "u-1")
    assert key == ORDER.partition("-")[0]
    assert read(record, 0)[:3] == ("u-1", "parks/系统", "gridcall.order.sign.v1")
    assert json.loads(value) == SIGN


def test_an_update_about_no_order_is_kept_too() -> None:
    """A department may ask for its open orders."""
    body = json.dumps(ATTRIBUTES | {"type": "gridcall.order.resync.v1", "data": {}}).encode()
    assert update({"content-type": "application/cloudevents+json"}, body, "x")[0] == "u-1"


STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BINARY = {"content-type": "application/json"} | {f"ce-{name}": content for name, content in ATTRIBUTES.items()}
BAD: list[tuple[str, dict[str, str], Any, int]] = [
    ("plain JSON", {"content-type": "application/json"}, SIGN, 415),
    ("batch", {"content-type": "application/cloudevents-batch+json"}, [ATTRIBUTES], 415),
    ("no type of content", {}, SIGN, 415),
    ("list", STRUCTURED, [ATTRIBUTES], 422),
    ("no data", STRUCTURED, ATTRIBUTES, 422),
    ("version", STRUCTURED, ATTRIBUTES | {"specversion": "0.3", "data": SIGN}, 422),
    ("number for an id", STRUCTURED, ATTRIBUTES | {"id": 7, "data": SIGN}, 422),
    ("empty id", STRUCTURED, ATTRIBUTES | {"id": "", "data": SIGN}, 422),
    ("long id", STRUCTURED, ATTRIBUTES | {"id": "x" * 600, "data": SIGN}, 422),
    ("NUL", STRUCTURED, ATTRIBUTES | {"source": "a\0", "data": SIGN}, 422),
    ("no source", STRUCTURED, {k: v for k, v in ATTRIBUTES.items() if k != "source"} | {"data": SIGN}, 422),
    ("time", STRUCTURED, ATTRIBUTES | {"time": "yesterday", "data": SIGN}, 422),
    ("fact", STRUCTURED, ATTRIBUTES | {"type": "gridcall.ticket.closed.v1", "data": SIGN}, 422),
    ("order to us", STRUCTURED, ATTRIBUTES | {"type": "gridcall.order.issued.v1", "data": SIGN}, 422),
    ("unknown field", STRUCTURED, ATTRIBUTES | {"data": SIGN | {"x": 1}}, 422),
    ("order", STRUCTURED, ATTRIBUTES | {"data": {"order_id": "7"}}, 422),
    ("another id is signed", BINARY | {"ce-id": "u-2"}, SIGN, 400),
    ("not JSON", BINARY, None, 400),
]


@pytest.mark.parametrize(("given", "content", "status"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_bad_input_is_refused_with_what_to_do(given: dict[str, str], content: Any, status: int) -> None:
    """Never an error of ours."""
    body = b"{" if content is None else json.dumps(content).encode()
    with pytest.raises(Problem) as error:
        update(given, body, "u-1")
    assert error.value.status == status
    assert error.value.detail


def test_a_cursor_is_its_own_departments() -> None:
    """It says up to where all is read, and to nobody else."""
    assert decoded("parks", encoded("parks", {0: 7, 1: 0})) == {0: 7, 1: 0}
    for cursor in (encoded("police", {0: 7}), "", "x", "ä", "W10", encoded("parks", {0: -1}), "e" * 2000):
        with pytest.raises(Problem) as error:
            decoded("parks", cursor)
        assert error.value.status == 400
