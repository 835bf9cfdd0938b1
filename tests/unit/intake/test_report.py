"""Which reports are taken, and what of them goes onto the log?"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.intake.domain import MessageSubmitted, findings, received, reported
from services.intake.personal import Personal
from shared.messages import CallerRef, ReportSubmitted
from tests.unit.intake.counter import KEY, NOON, as_json, profile


def read(**body: Any) -> ReportSubmitted:
    """Read a report as the doors do."""
    return ReportSubmitted.model_validate_json(as_json(**body), strict=True)


def reasons(**body: Any) -> list[tuple[str, str]]:
    """Give (reason, pointer) of what must be changed."""
    return [(one.reason, one.pointer) for one in findings(read(**body), NOON, profile())]


def at(**delta: float) -> str:
    """Give an instant some time from noon."""
    return (NOON + timedelta(**delta)).isoformat()


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, []),
        ({"text": "", "category": "0101"}, []),
        ({"text": " \n"}, [("no-content", "/text")]),
        ({"text": "", "category": " "}, [("no-content", "/text")]),
        ({"text": "x" * 10_000}, []),
        ({"text": "x" * 10_001}, [("text-too-long", "/text")]),
        ({"place": {"lon": 103.0, "lat": 30.0}}, []),
        ({"place": {"lon": 0, "lat": 0}}, [("outside-district", "/place/lon")]),
        ({"place": {"lon": 103.0}}, [("half-coordinates", "/place/lat")]),
        ({"place": {"lat": 30.0}}, [("half-coordinates", "/place/lon")]),
        ({"occurred_at": at(minutes=10)}, []),
        ({"occurred_at": at(minutes=10, seconds=1)}, [("bad-time", "/occurred_at")]),
        ({"occurred_at": at(days=-400)}, []),
        ({"occurred_at": at(days=-400, seconds=-1)}, [("bad-time", "/occurred_at")]),
        ({"occurred_at": "0001-01-01T00:00:00+14:00"}, [("bad-time", "/occurred_at")]),
        ({"occurred_at": "9999-12-31T23:59:59-14:00"}, [("bad-time", "/occurred_at")]),
        ({"caller": {"anonymous": True, "callback": True}}, [("no-call-back", "/caller/phone")]),
        ({"caller": {"anonymous": True, "callback": True, "phone": "13812345678"}}, []),
        ({"caller": {"anonymous": True}}, []),
        ({"text": "", "place": {"lon": 0, "lat": 0}}, [("no-content", "/text"), ("outside-district", "/place/lon")]),
    ],
)
def test_a_report_is_taken_or_it_is_said_what_to_change(body: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    """Every reason with its pointer, all of them at once."""
    assert reasons(**body) == expected


def test_a_refusal_is_a_sentence_in_both_languages() -> None:
    """Whoever reads it can act on it."""
    (wrong,) = findings(read(place={"lon": 0, "lat": 0}), NOON, profile())
    assert "Yucheng" in wrong.detail
    assert "雨城区" in wrong.detail


@pytest.mark.parametrize(
    "body",
    [
        {"channel": "fax"},
        {"texte": "x"},
        {"text": 5},
        {"text": "a\0b"},
        {"place": {"address": "a\0b"}},
        {"place": {"street": "x"}},
        {"place": {"lon": "103.0", "lat": 30}},
        {"place": {"lon": True, "lat": 30}},
        {"place": {"lon": float("nan"), "lat": 30}},
        {"place": {"lon": 181, "lat": 30}},
        {"place": None},
        {"caller": {"anonymous": "yes"}},
        {"caller": {"name": "\0"}},
        {"occurred_at": 1_700_000_000},
        {"occurred_at": "1700000000"},
        {"occurred_at": "2026-11-22"},
        {"occurred_at": "2026-11-22T08:00:00"},
        {"occurred_at": "yesterday"},
        {"attachments": [{"url": "file:///etc/passwd", "media_type": "a/b"}]},
        {"attachments": [{"url": "https://x/\0", "media_type": "a/b"}]},
        {"attachments": [{"url": "https://x", "media_type": "a/b"}] * 21},
        {"attributes": {"a": "\0"}},
        {"attributes": {"\0": 1}},
        {"attributes": {"a": {"b": {"c": {"d": {"e": {"f": 1}}}}}}},
        {"attributes": {"a": list(range(501))}},
        {"attributes": {"a": "x" * 20_001}},
        {"attributes": {"a": 2**53 + 1}},
        {"attributes": {"a": float("inf")}},
        {"attributes": {"a": [float("nan")]}},
        {"attributes": []},
        {"attributes": {str(i): i for i in range(51)}},
        {"text": "x" * 100_001},
    ],
)
def test_what_does_not_have_the_shape_of_a_report_is_not_read(body: dict[str, Any]) -> None:
    """Wrong types, unknown fields, NUL bytes, numbers that are none."""
    with pytest.raises(ValidationError):
        read(**body)


@pytest.mark.parametrize(
    "attributes",
    [{"a": {"b": {"c": {"d": {"e": 1}}}}}, {"a": list(range(498))}, {"a": "x" * 19_000}, {"a": 2**53}, {"a": None}],
)
def test_modest_attributes_are_taken(attributes: dict[str, Any]) -> None:
    """Up to the limits and no further."""
    assert read(attributes=attributes).attributes == attributes


def fact(report: ReportSubmitted) -> dict[str, Any]:
    """Give the fact as it stands on the log."""
    caller = Personal(KEY).caller(report, "T")
    said: dict[str, Any] = json.loads(reported(report, "T", "hotline", NOON, caller, profile()).model_dump_json())
    return said


def test_the_log_gets_what_was_said_and_not_who_said_it() -> None:
    """Name and phone are masked wherever they stand; codes that the profile knows and references are not."""
    said = fact(
        read(
            text="我是张三,请打13812345678",
            category="0101",
            condition="built",
            source_reference="20261122000123",
            place={
                "address": "张三家,电话13812345678",
                "grid": "511802001001001",
                "qr": "YC001001001",
                "road": "东大街",
            },
            caller={"name": "张三", "phone": "13812345678", "callback": True},
            attributes={"contact": "张三", "note": "13812345678"},
            attachments=[{"url": "https://x/13812345678.jpg", "media_type": "image/jpeg"}],
        )
    )
    assert said["text"] == "我是***,请打138****5678"
    assert said["place"] == {
        "address": "***家,电话138****5678",
        "grid": "511802001001001",
        "qr": "YC001001001",
        "road": "东大街",
        "lon": None,
        "lat": None,
    }
    assert (said["category"], said["condition"], said["source_reference"]) == ("0101", "built", "20261122000123")
    assert said["attributes"] == {"contact": "***", "note": "138****5678"}
    assert said["caller"]["masked_phone"] == "138****5678"
    assert said["caller"]["callback"] is True
    assert "张三" not in json.dumps(said, ensure_ascii=False)
    assert said["report_id"] == "T"


def test_a_code_that_nobody_knows_may_be_a_phone_number() -> None:
    """It is masked like any text."""
    said = fact(read(category="13812345678", place={"grid": "13812345678", "qr": "13812345678"}))
    assert said["category"] == said["place"]["grid"] == said["place"]["qr"] == "138****5678"


words = st.text(max_size=50)


@given(
    name=st.from_regex(r"[\u4e00-\u9fa5]{2,4}", fullmatch=True).filter(lambda n: n not in "东大街有垃圾"),
    phone=st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True),
    before=words,
    after=words,
)
def test_neither_name_nor_phone_of_the_caller_gets_onto_the_log(name: str, phone: str, before: str, after: str) -> None:
    """Whatever stands around them, in text, address and attributes."""
    clean = (before + after).replace("\0", "")
    text = f"{before}{name} {phone}{after}".replace("\0", "")
    body = {
        "text": text,
        "place": {"address": text},
        "attributes": {"a": [text]},
        "caller": {"name": name, "phone": phone},
    }
    said = json.dumps(fact(read(**body)), ensure_ascii=False)
    assert phone not in said
    assert name not in said or name in clean


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"kind": "follow-up", "text": "还在"}, True),
        ({"kind": "follow-up"}, False),
        ({"kind": "answer", "text": " "}, False),
        ({"kind": "withdrawal"}, True),
        ({"kind": "urge"}, True),
        ({"kind": "not-solved"}, True),
        ({"kind": "rating", "rating": 5}, True),
        ({"kind": "rating"}, False),
        ({"kind": "rating", "rating": 0}, False),
        ({"kind": "rating", "rating": 6}, False),
        ({"kind": "rating", "rating": "5"}, False),
        ({"kind": "urge", "rating": 5}, False),
        ({"kind": "shout"}, False),
        ({"kind": "urge", "txt": ""}, False),
        ({"kind": "urge", "text": "\0"}, False),
        ({}, False),
    ],
)
def test_a_message_is_whole_or_it_is_not_read(body: dict[str, Any], good: bool) -> None:  # noqa: FBT001 - a table
    """A rating has its number, an answer its text."""
    raw = json.dumps(body)
    if good:
        assert MessageSubmitted.model_validate_json(raw, strict=True).kind == body["kind"]
    else:
        with pytest.raises(ValidationError):
            MessageSubmitted.model_validate_json(raw, strict=True)


def test_a_message_is_masked_too() -> None:
    """No number on the log."""
    said = received(MessageSubmitted(kind="follow-up", text="打13812345678"), "M", NOON)
    assert (said.text, said.message_kind, said.received_at) == ("打138****5678", "follow-up", NOON)


def test_the_reference_of_a_caller_says_nothing_and_is_the_same_for_the_same_phone() -> None:
    """Not guessable without the key; nothing connects those who stay anonymous."""
    mine, other = Personal(KEY), Personal("A" * 43 + "=")
    plain, written = {"phone": "13812345678"}, {"phone": "+86 138-1234-5678"}
    refs = [mine.caller(read(caller=caller), ticket).ref for caller, ticket in ((plain, "T1"), (written, "T2"))]
    assert refs[0] == refs[1] != other.caller(read(caller=plain), "T1").ref
    hidden = [mine.caller(read(caller=plain | {"anonymous": True}), ticket) for ticket in ("T1", "T2")]
    assert hidden[0].ref != hidden[1].ref
    assert hidden[0] == CallerRef(ref=hidden[0].ref, anonymous=True)
    assert mine.caller(read(), "T1").ref != mine.caller(read(), "T2").ref
