"""Does the HTTP door keep its promises on real servers: once, durable, and nothing half-taken when they are away?"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from cryptography.fernet import Fernet
from pydantic import SecretStr

from deploy.cli import topics
from services.intake.app import build
from services.intake.settings import Settings
from shared.service import Service
from shared.topics import RECEIPTS, REPORTS, TICKETS
from tests.integration.conftest import Servers
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATIENCE_S = 120
REPORT = {"channel": "hotline", "text": "东大街有垃圾", "caller": {"phone": "00000000123"}}


@dataclass
class Door:
    """One intake on servers that a test may stop."""

    servers: Servers
    service: Service
    http: httpx.AsyncClient

    async def submit(self, key: str, **body: Any) -> httpx.Response:
        """Hand in a report."""
        return await self.http.post("/v1/reports", json=REPORT | body, headers={"Idempotency-Key": key})

    async def batch(self, *reports: dict[str, Any]) -> httpx.Response:
        """Hand in many."""
        return await self.http.post("/v1/reports/batch", json={"reports": reports})

    async def hotline(self, ident: str, **body: Any) -> None:
        """Write a report to the topic."""
        named = {"ce_type": "gridcall.report.submitted.v1", "ce_source": "test/hotline", "ce_id": ident}
        headers = [(name, value.encode()) for name, value in named.items()]
        async with AIOKafkaProducer(bootstrap_servers=self.servers.kafka.address, acks="all") as producer:
            await producer.send_and_wait(REPORTS, json.dumps(REPORT | body).encode(), headers=headers)

    async def read(self, topic: str) -> list[tuple[str, dict[str, str], dict[str, Any]]]:
        """Give key, headers and body of everything on a topic."""
        found = []
        async with AIOKafkaConsumer(
            bootstrap_servers=self.servers.kafka.address, auto_offset_reset="earliest"
        ) as consumer:
            parts = [TopicPartition(topic, number) for number in range(8)]
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            while any([await consumer.position(part) < ends[part] for part in parts]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        headers = {name: value.decode() for name, value in record.headers}
                        found.append((record.key.decode(), headers, json.loads(record.value)))
        return found

    async def on_log(self, *tickets: str) -> None:
        """Return when the log has each of the tickets, reported once."""

        async def there() -> bool:
            told = [key for key, headers, _ in await self.read(TICKETS) if headers["ce_sequence"] == "1"]
            return set(tickets) <= set(told)

        await eventually(there, timeout_s=PATIENCE_S, what=f"{tickets} are on the log")

    async def receipt(self, cause: str) -> dict[str, Any]:
        """Give the receipt for a report of the topic."""

        async def there() -> dict[str, Any] | None:
            told = await self.read(RECEIPTS)
            return next(
                (body for key, h, body in told if key == "test/hotline" and h.get("ce_causation") == cause), None
            )

        found: dict[str, Any] = await eventually(there, timeout_s=PATIENCE_S, what=f"a receipt for {cause}")
        return found

    async def count(self) -> int:
        """Give how many reports are kept."""
        return int(await self.service.db["reports"].count_documents({}))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def door(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Door]:
    """Give an intake that is ready."""
    await asyncio.to_thread(topics.indexes, servers.mongod.address)
    settings = Settings(
        kafka=servers.kafka.address,
        mongo=servers.mongod.address,
        data=str(tmp_path_factory.mktemp("data")),
        pii_key=SecretStr(Fernet.generate_key().decode()),
        session_timeout_ms=20_000,
    )
    service = build(settings)
    await service.start()

    async def ready() -> bool:
        return not service.unready()

    await eventually(ready, timeout_s=PATIENCE_S, what="intake is ready")
    transport = httpx.ASGITransport(service.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake", timeout=PATIENCE_S) as http:
        yield Door(servers, service, http)
    await service.stop()


async def test_by_both_doors_at_once_a_report_is_one_ticket(door: Door) -> None:
    """By its number and its words, whichever door is faster; other words under the number are another report."""
    for number in range(5):
        reference = {"source_reference": f"HL-{number}"}
        answer, _ = await asyncio.gather(
            door.submit(f"twin-{number}", **reference), door.hotline(f"twin-{number}", **reference)
        )
        assert answer.status_code == httpx.codes.CREATED
        assert (await door.receipt(f"twin-{number}"))["ticket_id"] == answer.json()["ticket_id"]
        await door.on_log(answer.json()["ticket_id"])
    assert await door.count() == 5
    await door.hotline("other", source_reference="HL-1", text="另一件事")
    other = (await door.receipt("other"))["ticket_id"]
    await door.on_log(other)
    assert await door.count() == 6


async def test_a_batch_is_kept_item_by_item_also_when_it_comes_many_times_at_once(door: Door) -> None:
    """Five equal batches at once: the same tickets for all; the bad item is told each time what to change."""
    before = await door.count()
    items = [REPORT | {"idempotency_key": f"batch-{number}"} for number in range(200)]
    items[7] = {"idempotency_key": "batch-7", "channel": "hotline"}
    answers = await asyncio.gather(*(door.batch(*items) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    tickets = {tuple(result.get("ticket_id") for result in answer.json()["results"]) for answer in answers}
    assert len(tickets) == 1
    assert all(answer.json()["results"][7]["code"] == 422 for answer in answers)
    assert await door.count() == before + 199
    await door.on_log(*[ticket for ticket in next(iter(tickets)) if ticket])


async def test_with_kafka_away_reports_are_taken_and_said_later(door: Door) -> None:
    """Single, batch and message: durable at once, on the log when Kafka is back, each before its message."""
    await asyncio.to_thread(door.servers.kafka.stop)
    single = await door.submit("dark")
    many = await door.batch(*[REPORT | {"idempotency_key": f"dark-{number}"} for number in range(3)])
    more = await door.http.post(
        single.json()["links"]["messages"], json={"kind": "urge"}, headers={"Idempotency-Key": "u"}
    )
    assert (single.status_code, many.json()["accepted"], more.status_code) == (201, 3, 202)
    assert await door.service.db["reports"].count_documents({"waiting": {"$exists": True}}) == 4
    await asyncio.to_thread(door.servers.kafka.start)
    await asyncio.to_thread(door.servers.kafka.wait_ready)
    ticket = single.json()["ticket_id"]
    await door.on_log(ticket, *[result["ticket_id"] for result in many.json()["results"]])
    facts = [headers["ce_type"] for key, headers, _ in await door.read(TICKETS) if key == ticket]
    assert list(dict.fromkeys(facts)) == ["gridcall.ticket.reported.v1", "gridcall.ticket.message-received.v1"]


async def test_with_both_away_nothing_is_taken_and_the_same_request_works_later(door: Door) -> None:
    """503 with Retry-After for each of them; afterwards nothing of it is there until it is sent again."""
    before = await door.count()
    taken = await door.submit("before-the-night")
    await asyncio.to_thread(door.servers.kafka.stop)
    await asyncio.to_thread(door.servers.mongod.stop)
    items = [REPORT | {"idempotency_key": f"night-{number}"} for number in range(3)]
    messages = taken.json()["links"]["messages"]
    answers = await asyncio.gather(
        door.submit("night"),
        door.batch(*items),
        door.http.post(messages, json={"kind": "urge"}, headers={"Idempotency-Key": "n"}),
        door.http.get(taken.json()["links"]["self"]),
    )
    assert [answer.status_code for answer in answers] == [503] * 4
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers)
    assert all(answer.headers["Content-Type"] == "application/problem+json" for answer in answers)
    for server in (door.servers.mongod, door.servers.kafka):
        await asyncio.to_thread(server.start)
        await asyncio.to_thread(server.wait_ready)

    async def counted() -> int:
        return await door.count()

    assert await eventually(counted, timeout_s=PATIENCE_S) == before + 1
    assert (await door.submit("night")).status_code == httpx.codes.CREATED
    assert (await door.batch(*items)).json()["accepted"] == 3
    assert await door.count() == before + 5
