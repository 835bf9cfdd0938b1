"""How many timers can sla arm, and how late are they when all are due at once? sla alone, on a log of its own."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

from shared.clock import RealClock
from shared.envelope import type_of
from shared.ids import ticket_id
from shared.kafka import Publisher
from shared.messages import ClockBreached, ClocksStarted, OrderIssued
from shared.records import Records
from tests.bench.load import at_share
from tests.bench.measure import metric
from tests.support.orders import issued, outgoing
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from shared.envelope import Outgoing

PREFIX = "timers"
LOG = f"{PREFIX}.tickets"
PARTITIONS = 8
CHUNK = 2000
ARM_PER_S = 700.0
"""What arming reaches at the least; the instant at which all are due is put behind it."""
HEAD_START_S = 10.0
QUIET_POLLS = 150
"""Half a minute without a breach: no more are coming."""
ARMED, BREACHED = ClocksStarted.type.encode(), ClockBreached.type.encode()


async def measure(kafka: str, count: int, sla: Callable[[], AbstractContextManager[int]]) -> dict[str, Any]:
    """Arm `count` tickets whose sign limits pass at one instant, and see when each breach is said."""
    await _make_topic(kafka)
    publisher, clock = Publisher(kafka, "bench-timers"), RealClock()
    try:
        with sla() as port:

            async def answers() -> bool:
                await asyncio.to_thread(metric, port, "gridcall_records_total")
                return True

            await eventually(answers, timeout_s=60, what="sla answers")
            due = clock.now() + timedelta(seconds=HEAD_START_S + count / ARM_PER_S)
            await _feed(publisher, count, due)

            async def armed() -> bool:
                done = await asyncio.to_thread(metric, port, "gridcall_records_total", type=OrderIssued.type)
                return done >= count

            await eventually(armed, timeout_s=60 + count / 200, every_s=0.25, what="all clocks are armed")
            armed_at = clock.now()
            await asyncio.sleep(max(0.0, (due - clock.now()).total_seconds()))
            said = await _said(publisher, kafka, count, due)
    finally:
        await publisher.stop()
    ordered = sorted((at - due).total_seconds() for at in said.breached.values())
    arming_s = (max(said.armed) - min(said.armed)).total_seconds()
    return {
        "armed": len(said.armed),
        "due_at_once": count,
        "armed_before_due": armed_at < due,
        "breached": len(ordered),
        "lateness_p50_s": round(at_share(ordered, 0.5), 3),
        "lateness_p99_s": round(at_share(ordered, 0.99), 3),
        "drain_s": round(ordered[-1], 2) if ordered else None,
        "arm_per_s": round(count / max(arming_s, 0.001), 1),
    }


@dataclass(slots=True)
class Said:
    """When sla published what: after it was durable, by the clock of this machine."""

    armed: list[datetime] = field(default_factory=list)
    breached: dict[str, datetime] = field(default_factory=dict)


async def _make_topic(kafka: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        if LOG not in await admin.list_topics():
            await admin.create_topics([NewTopic(LOG, PARTITIONS, 1)])

        async def led() -> bool:
            described = await admin.describe_topics([LOG])
            return all(p["leader"] >= 0 for p in described[0]["partitions"]) and bool(described[0]["partitions"])

        await eventually(led, what="the topic has leaders")
    finally:
        await admin.close()


async def _feed(publisher: Publisher, count: int, due: Any) -> None:
    """Put the orders onto the log, many times faster than sla reads it."""
    now = RealClock().now()
    for first in range(0, count, CHUNK):
        await publisher.send([_order(n, now, due) for n in range(first, min(first + CHUNK, count))])


def _order(number: int, now: Any, due: Any) -> Outgoing:
    ticket = ticket_id("bench-timers", str(number))
    body = issued(
        ticket, now, due, now + timedelta(days=30), unit="511802001001001", warn_share=0.999, profile_version="bench"
    )
    partition = (murmur2(ticket.encode()) & 0x7FFFFFFF) % PARTITIONS
    return outgoing(body, ticket, now, topic=LOG, partition=partition)


async def _said(publisher: Publisher, kafka: str, count: int, due: datetime) -> Said:
    """Read the log until all breaches have come, or none has for a while."""
    said, quiet = Said(), 0
    async with Records(publisher, kafka) as records:
        async for batch in records.for_ever(await records.partitions([LOG])):
            before = len(said.breached)
            for record in batch:
                kind = type_of(record.headers)
                if kind == ARMED and _published(record) < due:  # later ones are of the levels that breaches add
                    said.armed.append(_published(record))
                elif kind == BREACHED:
                    said.breached.setdefault(record.key.decode(), _published(record))
            quiet = 0 if len(said.breached) > before else quiet + 1
            if len(said.breached) >= count or quiet > QUIET_POLLS:
                return said
    return said  # pragma: no cover - the reading goes on for ever


def _published(record: Any) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
