"""How does a test look at a desk? One on a real MongoDB, whose log is a list that the test writes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import httpx
from aiokafka import ConsumerRecord

from services.desk.app import build
from services.desk.handlers import decider
from services.desk.settings import Settings
from services.desk.store import INDEXES
from shared.chance import random_id
from shared.clock import StoppedClock
from shared.decider import Message
from shared.envelope import Outgoing, headers
from shared.errors import TryLater
from shared.indexes import LOOP_INDEXES, ensure
from shared.kafka import Publisher
from shared.loop.partitions import Partition
from shared.loop.tickets import TicketWork
from shared.loop.work import Batch
from shared.service import Service
from shared.topics import TICKETS
from tests.unit.desk.lives import START


@dataclass
class Log:
    """Stands where the publisher stands: keeps what is sent, or is away."""

    sent: list[Outgoing] = field(default_factory=list)
    away: bool = False

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Take messages, or not."""
        if self.away:
            raise TryLater("Kafka is away")
        self.sent += list(messages)

    async def stop(self) -> None:
        """Nothing is connected."""


@dataclass
class Desk:
    """A desk, its HTTP client, and its log."""

    service: Service
    http: httpx.AsyncClient
    log: Log
    clock: StoppedClock
    offset: int = 0

    def __post_init__(self) -> None:
        """Fold as the loop does."""
        self._work = TicketWork(decider(self.service.profile), self.service.db, self.clock, 1000)
        self._partition = Partition("desk/0", TICKETS, 0)

    async def project(self, messages: Sequence[Message]) -> None:
        """Fold messages into the read models."""
        records = [self._record(message) for message in messages]
        outcome = await self._work.decide([Batch(self._partition, records)])
        for collection, writes in outcome.writes.items():
            await self.service.db[collection].bulk_write(writes)
        self._work.applied(outcome)

    def _record(self, message: Message) -> ConsumerRecord[bytes, bytes]:
        self.offset += 1
        value = message.data.model_dump_json(exclude_defaults=True).encode()
        sent = tuple(headers(message.envelope))
        return ConsumerRecord(TICKETS, 0, self.offset, 0, 0, message.ticket.encode(), value, None, 0, 0, sent)

    async def get(self, path: str, **parameters: Any) -> Any:
        """Give the JSON of a call that must go well."""
        answer = await self.http.get(path, params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def status(self, path: str) -> int:
        """Give the status of a call; every problem must say so in its type."""
        answer = await self.http.get(path)
        if answer.is_error:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
        return answer.status_code


@contextlib.asynccontextmanager
async def desk_on(mongo: str, profile: str = "yucheng") -> AsyncIterator[Desk]:
    """Give a desk with a database of its own."""
    settings = Settings(mongo=mongo, profile=profile, database_prefix=f"t_{random_id()[:10]}_")
    log, clock = Log(), StoppedClock(START + timedelta(hours=1))
    service = build(settings, clock=clock, publisher=cast("Publisher", log))
    await ensure(service.db, (*LOOP_INDEXES, *INDEXES))
    steps = [asyncio.create_task(service._for_ever(step)) for step in service.background]
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://desk", timeout=30) as http:
            yield Desk(service, http, log, clock)
    finally:
        for step in steps:
            step.cancel()
        await asyncio.gather(*steps, return_exceptions=True)
        await service.mongo._client.drop_database(settings.database("desk"))
        service.mongo.close()
