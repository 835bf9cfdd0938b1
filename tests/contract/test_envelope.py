"""Is the hand-made CloudEvents mapping what the CloudEvents SDK makes and reads?"""

from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary, to_binary
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from shared.envelope import Envelope, headers, instant, read, type_of
from shared.errors import DeadLetter

text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
instants = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000)
)
envelopes = st.builds(
    Envelope,
    id=text,
    source=text,
    type=text,
    time=instants,
    subject=text,
    sequence=st.integers(1, 10**9),
    causation=text,
    traceparent=st.from_regex(r"00-[0-9a-e]{31}f-[0-9a-e]{15}f-0[01]", fullmatch=True),
)


@given(envelopes)
def test_the_sdk_reads_what_we_write(envelope: Envelope) -> None:
    """Every attribute arrives unchanged at a reader that uses the SDK."""
    message = KafkaMessage(headers=dict(headers(envelope)), key=b"k", value=b'{"a":1}')
    event = from_binary(message, JSONFormat(), CloudEvent)
    assert (event.get_id(), event.get_source(), event.get_type()) == (envelope.id, envelope.source, envelope.type)
    assert event.get_subject() == envelope.subject
    assert event.get_time() == envelope.time
    assert event.get_extension("sequence") == str(envelope.sequence)
    assert event.get_extension("causation") == envelope.causation
    assert event.get_data() == {"a": 1}


def test_we_read_what_the_sdk_writes() -> None:
    """An event that the SDK wrote in binary mode gives the same envelope."""
    at = datetime(2026, 11, 22, 4, 5, 6, 789000, UTC)
    event = CloudEvent(
        {"id": "a/1", "source": "hotline/12345", "type": "t.v1", "time": at, "subject": "s", "specversion": "1.0"},
        {"text": "路灯不亮"},
    )
    written = to_binary(event, JSONFormat())
    read_back = read(list(written.headers.items()), 0)
    assert (read_back.id, read_back.source, read_back.type) == ("a/1", "hotline/12345", "t.v1")
    assert (read_back.time, read_back.subject) == (at, "s")


@given(envelopes)
def test_reading_gives_back_what_was_written(envelope: Envelope) -> None:
    """parse(dump(x)) == x."""
    written = headers(envelope)
    assert read(written, 0) == envelope
    assert type_of(written) == envelope.type.encode()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ce_id", "ce_type", "ce_source", "ce_time", "ce_sequence", "x"]),
            st.none() | st.binary(max_size=30),
        )
    )
)
def test_any_headers_give_an_envelope_or_a_dead_letter(raw: list[tuple[str, bytes | None]]) -> None:
    """Nothing that a stranger puts into headers raises anything else."""
    envelope, buried = None, False
    try:
        envelope = read(raw, 0)
    except DeadLetter as error:
        buried = error.reason == "bad-header" and bool(error.detail)
    assert buried or (envelope is not None and envelope.id and envelope.time.tzinfo is not None)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ce_id": None}, "ce_id is missing"),
        ({"ce_id": b""}, "ce_id is missing, null or empty"),
        ({"ce_type": b"\xff"}, "ce_type is not UTF-8"),
        ({"ce_time": b"yesterday"}, "not an RFC 3339"),
        ({"ce_time": b"2026-11-22T08:00:00"}, "no offset"),
        ({"ce_sequence": b"-1"}, "whole number"),
        ({"ce_source": b"x" * 600}, "longer than"),
    ],
)
def test_a_bad_header_is_named(changed: dict[str, bytes | None], sentence: str) -> None:
    """The dead letter says which header must change, and how."""
    good: dict[str, bytes | None] = {"ce_id": b"1", "ce_source": b"s", "ce_type": b"t"}
    with pytest.raises(DeadLetter, match=sentence):
        read(list((good | changed).items()), 0)


def test_instants_are_utc_with_milliseconds() -> None:
    """The wire form of time is one."""
    assert instant(datetime(2026, 11, 22, 4, 5, 6, 789123, UTC)) == "2026-11-22T04:05:06.789Z"
