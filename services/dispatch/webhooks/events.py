"""How does a message travel by HTTP? As a CloudEvent: structured on its way out, in either mode on its way in.

Out, the structured mode: the signature covers the body alone, and so it covers the attributes too. In, a binary
request must carry its `ce-id` as `webhook-id`, which the signature covers: under one id there is one update only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import orjson
from pydantic import ValidationError

from shared.envelope import JSON, Envelope, Headers, instant, read
from shared.errors import DeadLetter
from shared.http import Problem, invalid
from shared.ids import ticket_of_order
from shared.messages import of_kind

if TYPE_CHECKING:
    from collections.abc import Mapping


STRUCTURED: Final = "application/cloudevents+json"
BATCH: Final = "application/cloudevents-batch+json"
ATTRIBUTES: Final = ("type", "specversion", "id", "source", "time", "subject")
TRACE: Final = "traceparent"
UPDATES: Final = of_kind("update")
"""What a department may write, by wire type."""


def event(envelope: Envelope, value: bytes | None) -> dict[str, Any]:
    """Give a record as a CloudEvent in JSON; raises DeadLetter when its value is not JSON."""
    try:
        data = orjson.loads(value or b"")
    except orjson.JSONDecodeError as error:
        raise DeadLetter("bad-body", "the value is not JSON") from error
    found = {
        "specversion": "1.0",
        "id": envelope.id,
        "source": envelope.source,
        "type": envelope.type,
        "time": instant(envelope.time),
        "subject": envelope.subject,
        "datacontenttype": "application/json",
        "causation": envelope.causation,
        "sequence": str(envelope.sequence) if envelope.sequence else "",
        TRACE: envelope.traceparent,
    }
    return {name: content for name, content in found.items() if content} | {"data": data}


def update(headers: Mapping[str, str], body: bytes, webhook_id: str) -> tuple[str, Headers, bytes]:
    """Give key, headers and value of the record that a request asks to write; raises Problem that says what to do."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == STRUCTURED:
        attributes, value = _structured(body)
    elif "ce-type" in headers and media == JSON.decode():
        attributes, value = _binary(headers), body
        if attributes.get("id") != webhook_id:
            raise Problem(400, "Two ids", "in binary mode send ce-id as webhook-id too: the signature covers that one")
    else:
        what = f"send one CloudEvent: {STRUCTURED}, or application/json with ce-type, ce-source, ce-id, ce-specversion"
        raise Problem(415, "Not a CloudEvent", what)
    if attributes.get("specversion") != "1.0":
        raise Problem(422, "Another CloudEvents version", 'send specversion "1.0"')
    record: Headers = [(f"ce_{name}", attributes[name].encode()) for name in ATTRIBUTES if name in attributes]
    record.append(("content-type", JSON))
    if TRACE in attributes:
        record.append((TRACE, attributes[TRACE].encode()))
    try:
        envelope = read(record, 0)
    except DeadLetter as error:
        raise Problem(
            422, "Some attributes must be changed", error.detail.replace("header ce_", "attribute ")
        ) from None
    return _key(envelope, value), record, value


def _binary(headers: Mapping[str, str]) -> dict[str, str]:
    """Give the attributes of the binary mode, percent-decoded as its HTTP binding says."""
    found = {name: unquote(headers[f"ce-{name}"], errors="replace") for name in ATTRIBUTES if f"ce-{name}" in headers}
    return found | ({TRACE: headers[TRACE]} if TRACE in headers else {})


def _structured(body: bytes) -> tuple[dict[str, str], bytes]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "The body is not JSON", f"send a CloudEvent as a JSON object: {error}") from None
    if not isinstance(content, dict) or not isinstance(content.get("data"), dict):
        raise Problem(422, "Not a CloudEvent", "send a JSON object whose member data is a JSON object")
    wrong = [name for name in (*ATTRIBUTES, TRACE) if name in content and not isinstance(content[name], str)]
    if wrong:
        raise Problem(422, "Some attributes must be changed", f"{', '.join(wrong)}: send text")
    attributes = {name: content[name] for name in (*ATTRIBUTES, TRACE) if name in content}
    return attributes, orjson.dumps(content["data"])


def _key(envelope: Envelope, value: bytes) -> str:
    """Give the key of the record, the ticket that the update is about where it is about one; raises Problem."""
    known = UPDATES.get(envelope.type)
    if known is None:
        raise Problem(422, "Unknown type", f"type is none of {', '.join(sorted(UPDATES))}: correct it")
    try:
        body = known.model_validate_json(value)
    except ValidationError as error:
        raise invalid(error) from None
    order = getattr(body, "order_id", None)
    if order is None:
        return envelope.id
    ticket = ticket_of_order(order)
    if ticket is None:
        raise Problem(422, "No such order", "order_id has not the form of an order id: send it as it was issued")
    return ticket
