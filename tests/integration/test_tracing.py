"""Is a report's way, from the door to the department's topic and back, one trace at a collector?"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from aiokafka import AIOKafkaProducer

from deploy.cli import topics
from shared.ids import order_id
from shared.topics import TICKETS, dispatch_topic, updates_topic
from tests.support.city import City, Seen
from tests.support.collector import Collector, Got
from tests.support.waiting import eventually

SERVICES = ("intake", "triage", "dispatch")
DEPARTMENT = "huanwei"
REPORT = {"channel": "app", "category": "0110", "text": "垃圾未清", "place": {"grid": "511802001001001"}}
CALLERS = f"00-{'ca11' * 8}-{'ca11' * 4}-01"
DEPARTMENTS_SPAN = "de9a" * 4


class Traced(City):
    """Three services that export to a collector."""

    async def has(self, topic: str, kind: str, ticket: str) -> Seen:
        """Give the record of a type that a topic has of a ticket, once it has one."""

        async def there() -> Seen | None:
            found = [seen for seen in await self.read(topic) if seen.type == kind and ticket in seen.key]
            return found[0] if found else None

        found: Seen = await eventually(there, timeout_s=120, what=kind)
        return found

    async def reported(self, key: str, **headers: str) -> str:
        """Hand in a report by HTTP; gives its ticket."""
        answer = await self.http.post(
            self.url("intake", "/v1/reports"), json=REPORT | {"text": key}, headers={"Idempotency-Key": key} | headers
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text
        ticket: str = answer.json()["ticket_id"]
        return ticket

    async def signs(self, ticket: str, **more: bytes) -> None:
        """The department signs."""
        headers = {"ce_type": b"gridcall.order.sign.v1", "ce_source": b"x", "ce_id": ticket.encode()} | more
        value = json.dumps({"order_id": order_id(ticket, 1)}).encode()
        await self.producer.send_and_wait(updates_topic(DEPARTMENT), value, headers=list(headers.items()))


@pytest.mark.timeout(500)
async def test_the_way_of_a_report_is_one_trace(tmp_path: Path) -> None:
    """The caller's where the report brings one, else its own; every parent is known; the department's span too."""
    with Collector() as collector:
        city = Traced(tmp_path, environment={"GRIDCALL_OTLP_ENDPOINT": collector.address, "GRIDCALL_LOG": "json"})
        with city.kafka, city.mongod:
            await asyncio.to_thread(topics.apply, city.kafka.address, city.profile)
            await asyncio.to_thread(topics.indexes, city.mongod.address)
            city.producer = AIOKafkaProducer(bootstrap_servers=city.kafka.address, acks="all")
            async with httpx.AsyncClient(timeout=20) as city.http, city.producer:
                try:
                    for service in SERVICES:
                        city.start(service)
                    for service in SERVICES:
                        await city.ready(service)
                    await the_way(city, collector)
                finally:
                    for service in SERVICES:
                        city.stop(service)


async def the_way(city: Traced, collector: Collector) -> None:
    """Two reports are taken, ordered and signed."""
    ours, callers = await city.reported("one"), await city.reported("two", traceparent=CALLERS)
    for ticket in (ours, callers):
        issued = await city.has(dispatch_topic(DEPARTMENT), "gridcall.order.issued.v1", ticket)
        trace = issued.headers["traceparent"].split("-")[1]
        own = f"00-{trace}-{DEPARTMENTS_SPAN}-01".encode()
        await city.signs(ticket, **({"traceparent": own} if ticket == callers else {}))
        answer = await city.has(dispatch_topic(DEPARTMENT), "gridcall.update.accepted.v1", ticket)
        assert answer.headers["traceparent"].split("-")[1] == trace
        facts = [
            seen.headers for seen in await city.read(TICKETS) if seen.key == ticket and "ce_sequence" in seen.headers
        ]
        assert {fact["traceparent"].split("-")[1] for fact in facts} == {trace}
        assert {fact["ce_source"] for fact in facts} == {f"gridcall/{service}" for service in SERVICES}
        assert (trace == "ca11" * 8) == (ticket == callers)

        async def collected(trace: str = trace) -> list[Got] | None:
            found = [span for span in collector.spans if span.trace == trace]
            handled = {(span.service, span.name.partition(" ")[2]) for span in found}
            wanted = {
                ("intake", "gridcall.report.submitted.v1"),
                ("triage", "gridcall.ticket.reported.v1"),
                ("dispatch", "gridcall.ticket.triaged.v1"),
                ("dispatch", "gridcall.ticket.sign-order.v1"),
                ("intake", "gridcall.ticket.order-signed.v1"),
            }
            return found if wanted <= handled else None

        found: list[Got] = await eventually(collected, timeout_s=120, what=f"the spans of {ticket}")
        known = {span.ident for span in found} | ({"ca11" * 4, DEPARTMENTS_SPAN} if ticket == callers else set())
        roots = [span for span in found if not span.parent]
        assert [span.name for span in roots] == ([] if ticket == callers else ["intake gridcall.report.submitted.v1"])
        assert all(span.parent in known for span in found if span.parent)
        assert {span.attributes["gridcall.ticket"] for span in found} == {ticket}
    assert {"turn", "publish"} <= {span.name for span in collector.spans}
    assert any(span.name == "publish" and span.parent for span in collector.spans)
