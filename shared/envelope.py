"""How does a message travel? CloudEvents 1.0 in Kafka's binary mode, mapped by hand on the hot path.

The mapping is checked against the CloudEvents SDK in tests/contract/test_envelope.py; the SDK itself
costs 12 to 26 microseconds a message, this file about 3.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.errors import DeadLetter
from shared.tracing import valid

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_DIGITS = 16
MAX_ATTRIBUTE = 512
"""Longest CloudEvents attribute that is accepted from others, in characters."""

Headers = list[tuple[str, bytes]]
JSON = b"application/json"


class Envelope(NamedTuple):
    """What is known about a message before its body is looked at."""

    id: str
    source: str
    type: str
    time: datetime
    subject: str = ""
    sequence: int = 0
    """The producer's own count on this ticket, from 1; 0 where the sender does not count."""
    causation: str = ""
    traceparent: str = ""


class Outgoing(NamedTuple):
    """A message that is ready to be sent: where to, under which key, with which headers and bytes."""

    topic: str
    key: str
    headers: Headers
    value: bytes
    partition: int | None = None
    """Known for the log; None: the partition follows from the key."""

    def __repr__(self) -> str:
        """Show no content, which may be personal."""
        return f"Outgoing({self.topic!r}, {self.key!r})"


def instant(at: datetime) -> str:
    """Give RFC 3339 in UTC with milliseconds and a Z."""
    if at.tzinfo is not UTC:
        at = at.astimezone(UTC)
    return at.isoformat(timespec="milliseconds")[:-6] + "Z"


@lru_cache(1024)
def _encoded_instant(at: datetime) -> bytes:
    """Give the header value; all facts of a turn have the same instant."""
    return instant(at).encode()


def headers(envelope: Envelope) -> Headers:
    """Give the Kafka headers of an envelope; the type stands first, since readers look at it first."""
    out: Headers = [
        ("ce_type", envelope.type.encode()),
        ("ce_specversion", b"1.0"),
        ("ce_id", envelope.id.encode()),
        ("ce_source", envelope.source.encode()),
        ("ce_time", _encoded_instant(envelope.time)),
        ("content-type", JSON),
    ]
    if envelope.subject:
        out.append(("ce_subject", envelope.subject.encode()))
    if envelope.sequence:
        out.append(("ce_sequence", str(envelope.sequence).encode()))
    if envelope.causation:
        out.append(("ce_causation", envelope.causation.encode()))
    if envelope.traceparent:
        out.append(("traceparent", envelope.traceparent.encode()))
    return out


def type_of(record_headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """Give the raw type of a record without decoding anything else; None when it has none."""
    for name, value in record_headers:
        if name == "ce_type":
            return value
    return None


def _text(name: str, raw: bytes | None) -> str:
    """Give a header's text; raises DeadLetter."""
    if not raw:
        problem = f"header {name} is missing, null or empty: send it as UTF-8 text"
        raise DeadLetter("bad-header", problem)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        problem = f"header {name} is not UTF-8"
        raise DeadLetter("bad-header", problem) from error
    if len(text) > MAX_ATTRIBUTE or "\0" in text:
        problem = f"header {name} is longer than {MAX_ATTRIBUTE} characters or holds a NUL"
        raise DeadLetter("bad-header", problem)
    return text


@lru_cache(1024)
def _decoded_instant(raw: bytes) -> datetime:
    """Give the instant in a ce_time header; all facts of a turn have the same."""
    try:
        time = datetime.fromisoformat(_text("ce_time", raw))
    except ValueError as error:
        problem = "header ce_time is not an RFC 3339 instant"
        raise DeadLetter("bad-header", problem) from error
    if time.tzinfo is None:
        problem = "header ce_time has no offset: write for instance 2026-11-22T08:00:00+08:00"
        raise DeadLetter("bad-header", problem)
    return time


def read(record_headers: Sequence[tuple[str, bytes | None]], timestamp_ms: int) -> Envelope:
    """Give the envelope of a record.

    A writer that is not gridcall needs only ce_id, ce_source and ce_type; the time is the record's own
    where ce_time is missing. Raises DeadLetter with a sentence that says what to change.
    """
    values: dict[str, Any] = dict(record_headers)
    optional = values.get
    when, sequence = optional("ce_time"), optional("ce_sequence")
    subject, causation, trace = optional("ce_subject"), optional("ce_causation"), optional("traceparent")
    if sequence and not (sequence.isascii() and sequence.isdigit() and len(sequence) < MAX_DIGITS):
        problem = "header ce_sequence is not a whole number"
        raise DeadLetter("bad-header", problem)
    return Envelope(
        _text("ce_id", optional("ce_id")),
        _text("ce_source", optional("ce_source")),
        _text("ce_type", optional("ce_type")),
        _decoded_instant(when) if when else _recorded(timestamp_ms),
        _text("ce_subject", subject) if subject else "",
        int(sequence or 0),
        _text("ce_causation", causation) if causation else "",
        valid(trace) if trace else "",
    )


def _recorded(timestamp_ms: int) -> datetime:
    """Give the record's own time; a client may have written anything there."""
    try:
        return datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
