"""How many timers can sla arm, and how late are they when all are due at once? sla alone, on a log of its own."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.partitioner import murmur2

from deploy.replay.records import Records
from shared.clock import RealClock
from shared.envelope import Envelope, Outgoing, headers, read, type_of
from shared.ids import fact_id, order_id, ticket_id
from shared.kafka import Publisher
from shared.messages import CategoryRef, ClockBreached, Handler, Location, OrderIssued, Span
from tests.bench.load import at_share
from tests.bench.measure import metric
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

PREFIX = "timers"
LOG = f"{PREFIX}.tickets"
PARTITIONS = 8
CHUNK = 2000
ARM_PER_S = 700.0
"""What arming reaches at the least; the instant at which all are due is put behind it."""
HEAD_START_S = 10.0


async def measure(kafka: str, count: int, sla: Callable[[], AbstractContextManager[int]]) -> dict[str, Any]:
    """Arm `count` tickets whose sign limits pass at one instant, and see when each breach is said."""
    await _make_topic(kafka)
    publisher, clock = Publisher(kafka, "bench-timers"), RealClock()
    loop = asyncio.get_running_loop()
    try:
        due = clock.now() + timedelta(seconds=HEAD_START_S + count / ARM_PER_S)
        await _feed(publisher, count, due)
        started = loop.time()
        with sla() as port:

            async def armed() -> bool:
                done = await asyncio.to_thread(metric, port, "gridcall_records_total", type=OrderIssued.type)
                return done >= count

            await eventually(armed, timeout_s=60 + count / 200, every_s=0.25, what="all clocks are armed")
            arming_s = loop.time() - started
            armed_at = clock.now()
            await asyncio.sleep(max(0.0, (due - clock.now()).total_seconds()))
            lateness, last = await _breaches(publisher, kafka, count)
    finally:
        await publisher.stop()
    ordered = sorted(lateness)
    return {
        "armed": count,
        "due_at_once": count,
        "in_time": armed_at < due,
        "breached": len(ordered),
        "lateness_p50_s": round(at_share(ordered, 0.5), 3),
        "lateness_p99_s": round(at_share(ordered, 0.99), 3),
        "drain_s": round((last - due).total_seconds(), 2) if last else None,
        "arm_per_s": round(count / arming_s, 1),
    }


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
    """Put the orders onto the log before sla reads it, so that arming alone is measured."""
    now = RealClock().now()
    for first in range(0, count, CHUNK):
        await publisher.send([_order(n, now, due) for n in range(first, min(first + CHUNK, count))])


def _order(number: int, now: Any, due: Any) -> Outgoing:
    ticket = ticket_id("bench-timers", str(number))
    body = OrderIssued(
        order_id=order_id(ticket, 1),
        handler=Handler(kind="department", id="huanwei"),
        level="grid",
        unit="511802001001001",
        issued_at=now,
        sign_by=due,
        handle_by=now + timedelta(days=30),
        sign_limit=Span(amount=1, unit="urgent_hours"),
        handle_limit=Span(amount=30, unit="natural_days"),
        warn_share=0.999,
        category=CategoryRef(code="0112", name="道路不洁", condition="any"),
        severity="IV",
        place=Location(grid="511802001001001", unit="511802001001001"),
        description="benchmark",
        profile_version="bench",
    )
    envelope = Envelope(fact_id(ticket, "dispatch", 1), "gridcall/dispatch", body.type, now, ticket, 1)
    value = body.model_dump_json(exclude_defaults=True).encode()
    partition = (murmur2(ticket.encode()) & 0x7FFFFFFF) % PARTITIONS
    return Outgoing(LOG, ticket, headers(envelope), value, partition)


async def _breaches(publisher: Publisher, kafka: str, count: int) -> tuple[list[float], Any]:
    """Read the breaches until all have come, or none has for a while."""
    lateness: dict[str, float] = {}
    last, quiet = None, 0
    wanted = ClockBreached.type.encode()
    async with Records(publisher, kafka) as records:
        async for batch in records.for_ever(await records.partitions([LOG])):
            before = len(lateness)
            for record in batch:
                if type_of(record.headers) == wanted:
                    body = ClockBreached.model_validate_json(record.value)
                    at = read(record.headers, record.timestamp).time
                    lateness.setdefault(record.key.decode(), (at - body.due_at).total_seconds())
                    last = at if last is None else max(last, at)
            quiet = 0 if len(lateness) > before else quiet + 1
            if len(lateness) >= count or quiet > 150:  # 30 s without one
                return list(lateness.values()), last
    return list(lateness.values()), last  # pragma: no cover - the reading goes on for ever
