"""Who plays the departments in a test? One reader of all dispatch topics that signs and finishes every order."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator

from aiokafka import AIOKafkaConsumer

from shared.topics import DISPATCH_PREFIX, dispatch_topic, updates_topic
from tests.support.city import City

ISSUED = "gridcall.order.issued.v1"
AGAIN = "gridcall.order.reworked.v1"


class Departments:
    """Signs and finishes whatever is ordered; update ids follow from the order, so repeats are harmless."""

    def __init__(self, city: City) -> None:
        """Play all departments of a city."""
        self._city = city
        self.orders: Counter[str] = Counter()
        """Order id -> how often it was issued under different message ids."""
        self._ids: set[str] = set()

    async def play(self) -> None:
        """Read and answer for ever."""
        city = self._city
        consumer = AIOKafkaConsumer(
            *[dispatch_topic(topic) for topic in city.departments.values()],
            bootstrap_servers=city.kafka.address,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            group_id=None,
        )
        await consumer.start()
        try:
            async for record in consumer:
                headers = {name: content.decode() for name, content in record.headers}
                if headers["ce_id"] in self._ids:
                    continue
                self._ids.add(headers["ce_id"])
                department = record.topic.removeprefix(DISPATCH_PREFIX)
                body = json.loads(record.value)
                if headers["ce_type"] == ISSUED:
                    self.orders[body["order_id"]] += 1
                    await self._answer(department, "sign", body["order_id"], 1)
                    await self._answer(department, "done", body["order_id"], 1)
                elif headers["ce_type"] == AGAIN:
                    await self._answer(department, "done", body["order_id"], body["attempt"])
        finally:
            await consumer.stop()

    async def _answer(self, department: str, kind: str, order: str, attempt: int) -> None:
        body = {"order_id": order} | ({"result": "fixed", "detail": "清理完毕"} if kind == "done" else {})
        headers = [
            ("ce_type", f"gridcall.order.{kind}.v1".encode()),
            ("ce_source", f"{department}/player".encode()),
            ("ce_id", f"{order}/{kind}/{attempt}".encode()),
        ]
        await self._city.producer.send(updates_topic(department), json.dumps(body).encode(), b"x", headers=headers)


@contextlib.asynccontextmanager
async def departments(city: City) -> AsyncIterator[Departments]:
    """Play the departments while the block runs."""
    players = Departments(city)
    task = asyncio.create_task(players.play())
    try:
        yield players
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
