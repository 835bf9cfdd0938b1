"""What does dispatch's door make of whatever a department writes?"""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.door import UPDATES, UpdatesDoor
from services.dispatch.resync.request import ResyncDesk
from shared.clock import StoppedClock
from shared.envelope import Outgoing
from shared.ids import named
from shared.loop.door import DoorWork
from shared.loop.partitions import Partition
from shared.loop.poison import Morgue
from shared.loop.work import Batch, Outcome
from shared.messages import (
    REGISTRY,
    CompleteOrder,
    RecordDeadLettered,
    ReportProgress,
    ReviseOrder,
    UpdateRefused,
    UpdateResync,
)
from shared.topics import DEAD_LETTERS, TICKETS
from tests.support.fold import MORNING, TICKET, body_of, envelope_of
from tests.unit.dispatch.orders import CITY, FIRST, TO_WATER, NothingOpen

TOPIC = "gridcall.updates.water"
PHOTO = {"url": "https://a.example/1.jpg", "media_type": "image/jpeg"}
GOOD: dict[str, dict[str, Any]] = {
    "gridcall.order.sign.v1": {"order_id": FIRST, "by": "李", "note": "收到"},
    "gridcall.order.return.v1": {"order_id": FIRST, "reason": "not-ours", "proposed_department": "police"},
    "gridcall.order.check-in.v1": {"order_id": FIRST, "at": "2026-03-04T09:00:00+08:00", "by": "李", "lon": 103.0},
    "gridcall.order.progress.v1": {"order_id": FIRST, "note": "在修", "attachments": [PHOTO]},
    "gridcall.order.suspend.v1": {"order_id": FIRST, "reason": "雨季"},
    "gridcall.order.resume.v1": {"order_id": FIRST},
    "gridcall.order.extend.v1": {"order_id": FIRST, "until": "2026-03-09T09:00:00+08:00", "reason": "缺料"},
    "gridcall.order.done.v1": {"order_id": FIRST, "result": "已修复", "detail": "换管", "evidence": [PHOTO]},
}


def record(
    value: bytes | None, kind: str = "gridcall.order.sign.v1", topic: str = TOPIC, offset: int = 0, **extra: bytes
) -> ConsumerRecord[bytes, bytes]:
    """Give a record as a department writes it."""
    headers = {"ce_type": kind.encode(), "ce_id": b"u-1", "ce_source": b"water/system"} | extra
    return ConsumerRecord(topic, 0, offset, 0, 0, b"anything", value, None, 0, 0, tuple(headers.items()))


async def received(*records: ConsumerRecord[bytes, bytes]) -> tuple[list[Outgoing], Outcome]:
    """Give what goes out, and the outcome as the loop gets it."""
    work = DoorWork("dispatch", UpdatesDoor(CITY, ResyncDesk(NothingOpen())), Morgue("dispatch"), StoppedClock(MORNING))
    partition = Partition(f"{TOPIC}/0", TOPIC, 0)
    outcome = await work.decide([Batch(partition, records)])
    return outcome.outbox.get(partition.key, []), outcome


def dumped(content: object) -> bytes:
    """Give JSON as a department sends it."""
    return json.dumps(content, ensure_ascii=False).encode()


def test_the_door_knows_every_update_of_the_contract() -> None:
    """Nothing that a department may say goes unheard."""
    known = {name for name, body in REGISTRY.items() if body.kind == "update"}
    assert set(UPDATES) == known - {UpdateResync.type} == set(GOOD)
    assert UpdatesDoor(CITY, ResyncDesk(NothingOpen())).topics == ("gridcall.updates.police", TOPIC)


TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize("kind", sorted(GOOD))
async def test_every_update_becomes_a_command_on_its_tickets_log(kind: str) -> None:
    """With the department by the topic, and an id that follows from the sender's."""
    (out,), _ = await received(record(dumped(GOOD[kind]), kind, traceparent=TRACE.encode()))
    envelope, command = envelope_of(out), body_of(out)
    assert (out.topic, out.key, out.partition, envelope.subject) == (TICKETS, TICKET, None, TICKET)
    assert (envelope.id, envelope.source) == (named("water", "water/system", "u-1"), "gridcall/door/water")
    assert (envelope.causation, envelope.sequence, envelope.traceparent) == ("u-1", 0, TRACE)
    assert (command.kind, command.producer, command.department) == ("command", "dispatch", "water")
    told = GOOD[kind]
    for field in told.keys() - {"at", "until", "evidence", "attachments"}:
        assert getattr(command, field) == told[field]
    if isinstance(command, CompleteOrder):
        assert command.evidence[0].url == PHOTO["url"]
    if isinstance(command, ReportProgress):
        assert command.progress == ("check-in" if "check-in" in kind else "note")
        assert bool(command.attachments) is ("attachments" in told)
    if isinstance(command, ReviseOrder):
        assert command.revision in kind


async def test_a_department_speaks_by_its_topic_and_by_nothing_else() -> None:
    """Whatever it calls itself in the headers; a department in the body is an unknown field."""
    (out,), _ = await received(record(dumped(GOOD["gridcall.order.sign.v1"]), ce_source=b"police"))
    assert body_of(out).department == "water"
    body = GOOD["gridcall.order.sign.v1"] | {"department": "police"}
    (out,), _ = await received(record(dumped(body)))
    assert isinstance(body_of(out), UpdateRefused)


@pytest.mark.parametrize(
    ("kind", "content", "reason"),
    [
        ("gridcall.order.fly.v1", {"order_id": FIRST}, "unknown-type"),
        ("gridcall.ticket.closed.v1", {"order_id": FIRST, "outcome": "solved"}, "unknown-type"),
        ("gridcall.order.sign.v1", {"order_id": FIRST, "sign": True}, "bad-body"),
        ("gridcall.order.sign.v1", {"order_id": FIRST, "by": 7}, "bad-body"),
        ("gridcall.order.return.v1", {"order_id": FIRST, "reason": "no-mood"}, "bad-body"),
        ("gridcall.order.done.v1", {"order_id": FIRST, "detail": "x" * 900_000}, "bad-body"),
        ("gridcall.order.progress.v1", {"order_id": FIRST}, "bad-body"),
        ("gridcall.order.check-in.v1", {"order_id": FIRST, "by": "李", "at": "2026-03-04T09:00:00"}, "bad-body"),
    ],
)
async def test_what_cannot_be_done_is_refused_where_the_order_is_known(
    kind: str, content: dict[str, Any], reason: str
) -> None:
    """On the department's own topic, keyed by the ticket, naming the update."""
    (out,), outcome = await received(record(dumped(content), kind))
    body, envelope = body_of(out), envelope_of(out)
    assert isinstance(body, UpdateRefused)
    assert (out.topic, out.key, envelope.causation) == (TO_WATER, TICKET, "u-1")
    assert (body.order_id, body.update_id, body.reason) == (FIRST, "u-1", reason)
    assert len(body.detail) < 1000
    assert not outcome.writes
    again, _ = await received(record(dumped(content), kind))
    assert envelope_of(again[0]).id == envelope.id


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"\xff\xfe",
        b"not json",
        b"[]",
        b'"x"',
        b"null",
        b"{}",
        b'{"order_id": 7}',
        b'{"order_id": "nonsense"}',
        b'{"order_id": "0123456789ABCDEF"}',
        b'{"order_id": "0123456789ABCDEF-1"',
        b'{"order_id": "0123456789ABCDEF-' + b"1" * 100 + b'"}',
        b"[" * 100_000,
        b'{"order_id":' * 5000,
        b'{"x": "' + b"y" * 900_000,
    ],
)
@pytest.mark.parametrize("kind", ["gridcall.order.sign.v1", "gridcall.order.fly.v1"])
async def test_what_names_no_order_becomes_a_dead_letter_with_its_origin(value: bytes | None, kind: str) -> None:
    """And stays in the department's own count of poison."""
    (out,), outcome = await received(record(value, kind, offset=42))
    body = body_of(out)
    assert isinstance(body, RecordDeadLettered)
    assert (out.topic, body.topic, body.offset) == (DEAD_LETTERS, TOPIC, 42)
    assert dict(outcome.poison) == {TOPIC: 1}
    assert len(outcome.writes["dead_letters"]) == 1


@pytest.mark.parametrize(
    "headers", [(), (("ce_type", None),), (("ce_type", b"\xff"), ("ce_id", b"1"), ("ce_source", b"s"))]
)
async def test_bad_headers_harm_no_neighbour(headers: tuple[tuple[str, bytes | None], ...]) -> None:
    """The update before and the one after become commands."""
    good = dumped(GOOD["gridcall.order.sign.v1"])
    bad = ConsumerRecord(TOPIC, 0, 1, 0, 0, None, good, None, 0, 0, headers)
    outs, _ = await received(record(good), bad, record(good, ce_id=b"u-2"))
    assert sorted(out.topic for out in outs) == [DEAD_LETTERS, TICKETS, TICKETS]


@given(
    kind=st.sampled_from(sorted(GOOD)) | st.text(max_size=10),
    value=st.binary(max_size=60)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.just(FIRST),
        lambda inner: st.dictionaries(
            st.sampled_from(["order_id", "by", "reason", "note", "at", "x"]), inner, max_size=4
        ),
    ).map(lambda content: json.dumps(content).encode()),
)
@settings(deadline=None)
async def test_every_record_leads_to_exactly_one_message(kind: str, value: bytes) -> None:
    """A command, an answer or a dead letter: never two, never none, never an exception."""
    outs, _ = await received(record(value, kind or "x"))
    assert len(outs) == 1
    assert outs[0].topic in {TICKETS, TO_WATER, DEAD_LETTERS}
