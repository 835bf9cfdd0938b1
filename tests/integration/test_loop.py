"""Does the partition loop keep its promises on a real Kafka and a real MongoDB?"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from shared.clock import RealClock, StoppedClock
from shared.ids import ticket_id
from shared.loop.partitions import PartitionStore
from shared.messages import DivertTicket, TriageTicket
from shared.topics import DEAD_LETTERS, TICKETS
from tests.integration.conftest import Servers
from tests.support.counting import Counting, broken, command, reported
from tests.support.waiting import eventually

CLOCK = RealClock()


@contextlib.asynccontextmanager
async def running(*services: Counting) -> AsyncIterator[None]:
    """Start services, wait until they are ready, stop them at the end."""
    for service in services:
        await service.start()
    try:
        for service in services:
            await eventually(ready(service), what="the service is ready")
        yield
    finally:
        for service in services:
            await service.stop()


def ready(service: Counting) -> Any:
    """Give a condition: the service is ready."""

    async def is_ready() -> bool:
        return not service.unready() and sum(len(loop._owned) for loop in service.loops) > 0

    return is_ready


def named(prefix: str, count: int) -> set[str]:
    """Give the ids of the tickets prefix-0 .. prefix-(count-1)."""
    return {ticket_id("counting", f"{prefix}-{n}") for n in range(count)}


async def states(service: Counting, prefix: str, count: int) -> dict[str, dict[str, Any]]:
    """Give the stored tickets named prefix-0 .. prefix-(count-1) that exist."""
    found = await service.db["tickets"].find({"_id": {"$in": list(named(prefix, count))}}).to_list(None)
    return {document["_id"]: document for document in found}


async def facts(servers: Servers, producer: str, tickets: set[str]) -> Counter[str]:
    """Count the facts of a producer on the log by their id."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=servers.kafka.address, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: Counter[str] = Counter()
    try:
        parts = [TopicPartition(TICKETS, n) for n in range(8)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        for tp in parts:
            while await consumer.position(tp) < ends[tp]:
                for record in (await consumer.getmany(tp, timeout_ms=500)).get(tp, []):
                    headers = dict(record.headers)
                    if headers.get("ce_source") == producer.encode() and (record.key or b"").decode() in tickets:
                        found[headers["ce_id"].decode()] += 1
    finally:
        await consumer.stop()
    return found


async def test_every_record_is_folded_once_and_its_fact_is_published_once(servers: Servers) -> None:
    """A thousand tickets, three reports each, one of them sent twice."""
    service = Counting(servers.kafka.address, servers.mongod.address)
    async with running(service):
        messages = [reported(CLOCK, f"once-{n}", k) for k in (1, 2, 2, 3) for n in range(1000)]
        await service.publisher.send(messages)

        async def all_there() -> bool:
            found = await states(service, "once", 1000)
            return len(found) == 1000 and all(b'"reports":3' in d["s"] for d in found.values())

        await eventually(all_there)
    tickets = named("once", 1000)
    published = await facts(servers, "gridcall/triage", tickets)
    assert len(published) == 3000
    assert set(published.values()) == {1}


async def test_a_rule_that_raises_parks_its_ticket_and_keeps_its_order(servers: Servers) -> None:
    """The neighbours flow on; after the repair the queue is folded in order and the ticket goes on."""
    service = Counting(servers.kafka.address, servers.mongod.address)
    async with running(service):
        await service.publisher.send(
            [
                reported(CLOCK, "park-0", 1),
                reported(CLOCK, "park-0", 2, "boom"),
                reported(CLOCK, "park-0", 3),
                *[reported(CLOCK, f"park-{n}") for n in range(1, 50)],
            ]
        )

        async def parked() -> bool:
            return len(await states(service, "park", 50)) == 50 and await service.db["parked"].count_documents({}) == 2

        await eventually(parked)
        ticket = ticket_id("counting", "park-0")
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://triage") as http:
            (letter,) = (await http.get("/ops/dead-letters")).json()
            assert (letter["ticket"], letter["kind"], letter["queued"]) == (ticket, "parked", 2)
            broken.discard("boom")
            try:
                assert (await http.post(f"/ops/redrive/{ticket}")).status_code == httpx.codes.OK

                async def folded() -> bool:
                    document = await service.db["tickets"].find_one({"_id": ticket})
                    return b'"reports":3' in document["s"] and await service.db["parked"].count_documents({}) == 0

                await eventually(folded)
            finally:
                broken.add("boom")
    published = await facts(servers, "gridcall/triage", {ticket})
    assert sorted(published) == [f"{ticket}/triage/{n}" for n in (1, 2, 3)]


async def test_unreadable_records_become_dead_letters_and_hurt_nobody(servers: Servers) -> None:
    """No headers, null and undecodable ones, null value, no JSON, another shape, a key that is no ticket."""
    service = Counting(servers.kafka.address, servers.mongod.address)
    good = reported(CLOCK, "unreadable-0")
    ticket = good.key.encode()
    headers = dict(good.headers)

    def with_header(name: str, value: Any) -> list[tuple[str, Any]]:
        return list({**headers, name: value}.items())

    bad: list[tuple[bytes | None, bytes | None, list[tuple[str, Any]]]] = [
        (ticket, good.value, with_header("ce_id", None)),
        (ticket, good.value, with_header("ce_source", b"\xff\xfe")),
        (ticket, None, good.headers),
        (ticket, b"{", good.headers),
        (ticket, b'{"channel":"smoke"}', good.headers),
        (b"not a ticket", good.value, good.headers),
        (None, good.value, good.headers),
        (b"\xff", good.value, good.headers),
    ]
    harmless: list[tuple[bytes | None, bytes | None, list[tuple[str, Any]]]] = [
        (ticket, b"x", []),
        (ticket, None, with_header("ce_type", None)),
        (ticket, b"x", with_header("ce_type", b"\xff")),
        (ticket, b"\0" * 900_000, with_header("ce_type", b"gridcall.unknown.v1")),
    ]
    async with running(service):
        producer = await service.publisher.start()
        for key, value, record_headers in bad + harmless:
            await producer.send_and_wait(TICKETS, value, key, 3, headers=record_headers)
        await service.publisher.send([good, *[reported(CLOCK, f"unreadable-{n}") for n in range(1, 40)]])

        async def settled() -> bool:
            letters = await service.db["dead_letters"].count_documents({})
            return letters == len(bad) and len(await states(service, "unreadable", 40)) == 40

        await eventually(settled)
        reasons = Counter([d["reason"] async for d in service.db["dead_letters"].find({})])
        assert reasons == {"bad-header": 2, "no-value": 1, "bad-body": 2, "bad-key": 3}
        consumer = AIOKafkaConsumer(DEAD_LETTERS, bootstrap_servers=servers.kafka.address, auto_offset_reset="earliest")
        async with consumer:
            letters = await consumer.getmany(timeout_ms=5000)
        assert sum(len(records) for records in letters.values()) >= len(bad)
        letter = (await service.db["dead_letters"].find_one({"reason": "no-value"}))["_id"]
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://triage") as http:
            for operation, status in (("discard", 200), ("redrive", 200), ("redrive", 409), ("discard", 409)):
                assert (await http.post(f"/ops/{operation}/{letter}")).status_code == status


async def test_a_burst_of_poison_pauses_the_topic_and_says_so(servers: Servers) -> None:
    """Past the limit the consumer stops; an operator resumes it and nothing was skipped."""
    service = Counting(servers.kafka.address, servers.mongod.address, poison_limit=20)
    async with running(service):
        good = reported(CLOCK, "burst-0")
        producer = await service.publisher.start()
        for _ in range(30):
            await producer.send_and_wait(TICKETS, b"{", good.key.encode(), 0, headers=good.headers)

        async def paused() -> bool:
            return any("burst of poison" in why for why in service.unready().values())

        await eventually(paused)
        await service.publisher.send([reported(CLOCK, f"burst-{n}") for n in range(20)])
        transport = httpx.ASGITransport(service.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://triage") as http:
            assert (await http.get("/health/ready")).status_code == httpx.codes.SERVICE_UNAVAILABLE
            assert (await http.post("/ops/resume", params={"topic": TICKETS})).status_code == httpx.codes.OK

        async def all_there() -> bool:
            return len(await states(service, "burst", 20)) == 20

        await eventually(all_there)


async def test_a_command_is_decided_once_and_answered_by_a_fact(servers: Servers) -> None:
    """The same command twice says one fact; a refusal is a fact too."""
    service = Counting(servers.kafka.address, servers.mongod.address)
    async with running(service):
        await service.publisher.send(
            [
                reported(CLOCK, "command-0"),
                command(CLOCK, "command-0", "a", TriageTicket()),
                command(CLOCK, "command-0", "a", TriageTicket()),
                command(CLOCK, "command-0", "b", DivertTicket(diversion="not-ours", to="x", detail="y")),
                reported(CLOCK, "command-0", 2),
            ]
        )

        async def folded() -> bool:
            document = await service.db["tickets"].find_one({"_id": ticket_id("counting", "command-0")})
            return document is not None and b'"reports":2' in document["s"]

        await eventually(folded)
        document = await service.db["tickets"].find_one({"_id": ticket_id("counting", "command-0")})
        assert document["q"] == 4
        assert [answer[0] for _, answer in document["a"]] == ["", "never"]


async def test_timers_fire_once_in_order_when_the_clock_is_moved(servers: Servers) -> None:
    """Nothing before its time, everything overdue at once after it."""
    clock = StoppedClock(datetime(2026, 11, 22, 8, tzinfo=UTC))
    service = Counting(servers.kafka.address, servers.mongod.address, clock=clock)
    async with running(service):
        await service.publisher.send([reported(clock, f"timer-{n}", wake_after_s=60 * (n + 1)) for n in range(300)])

        async def all_there() -> bool:
            return len(await states(service, "timer", 300)) == 300

        await eventually(all_there)
        clock.advance(timedelta(minutes=10))

        async def fired(count: int) -> bool:
            found = await states(service, "timer", 300)
            return sum(b'"timers":1' in d["s"] for d in found.values()) == count

        await eventually(lambda: fired(10))
        clock.advance(timedelta(days=2))
        await eventually(lambda: fired(300))
        clock.advance(-timedelta(days=1))
        clock.advance(timedelta(days=3))
        await service.publisher.send([reported(clock, "timer-last")])

        async def last_there() -> bool:
            return await service.db["tickets"].find_one({"_id": ticket_id("counting", "timer-last")}) is not None

        await eventually(last_there)
        assert await fired(300)
    tickets = named("timer", 300)
    published = await facts(servers, "gridcall/triage", tickets)
    assert len(published) == 600
    assert set(published.values()) == {1}


async def test_two_instances_share_the_partitions_and_hand_over_without_loss(servers: Servers) -> None:
    """A second instance joins while records flow, then the first leaves."""
    first = Counting(servers.kafka.address, servers.mongod.address)
    await first.start()
    await eventually(ready(first))
    second = Counting(servers.kafka.address, servers.mongod.address, like=first)

    async def feed() -> None:
        for k in range(40):
            await second.publisher.send(
                [reported(CLOCK, f"share-{n}", k // 10 + 1) for n in range(k % 10 * 20, k % 10 * 20 + 20)]
            )
            await asyncio.sleep(0.1)

    feeding = asyncio.create_task(feed())
    await second.start()
    await eventually(ready(second))

    async def both_own() -> bool:
        return all(0 < sum(len(loop._owned) for loop in s.loops) < 8 for s in (first, second))

    await eventually(both_own, timeout_s=20)
    await first.stop()
    await feeding

    async def all_there() -> bool:
        found = await states(second, "share", 200)
        return len(found) == 200 and all(b'"reports":4' in d["s"] for d in found.values())

    try:
        await eventually(all_there)
        published = await facts(servers, "gridcall/triage", named("share", 200))
    finally:
        await second.stop()
    assert len(published) == 800
    assert {n for n, count in published.items() if count > 1} == set()


async def test_a_zombie_is_refused_by_the_fence(servers: Servers) -> None:
    """An owner that does not know that it has been replaced writes nothing."""
    zombie = Counting(servers.kafka.address, servers.mongod.address)
    await zombie.start()
    await eventually(ready(zombie))
    (loop,) = zombie.loops
    usurper = PartitionStore(zombie.db, loop.group, "usurper", zombie.mongo)
    for number in range(8):
        await usurper.claim(TICKETS, number)
    await zombie.publisher.send([reported(CLOCK, f"zombie-{n}") for n in range(50)])

    async def fenced() -> bool:
        return not loop._owned

    await eventually(fenced)
    stored = await states(zombie, "zombie", 50)
    await zombie.stop()
    assert stored == {}
