"""What stands on a department's topic after a cursor? Read from Kafka at each request; nothing is kept of a reader."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.dispatch.webhooks.events import event
from shared import tolerant
from shared.envelope import read
from shared.errors import DeadLetter, TryLater
from shared.http import Problem
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from aiokafka import ConsumerRecord

    from services.dispatch.webhooks.file import HttpDepartment
    from shared.kafka import Publisher

    Offsets = Mapping[TopicPartition, int]

MOST_OPEN: Final = 4
"""Requests of one department that are read at the same time."""
MOST_BYTES: Final = 4 * 1024 * 1024
"""An answer ends at the record that brings it over this."""
LONGEST_CURSOR: Final = 2000
POLL_MS: Final = 200
FETCH_WAIT_MS: Final = 100
ASK_S: Final = 10.0
"""How long Kafka may take to connect, or to answer a question."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and the cursor after them."""

    events: list[dict[str, Any]]
    cursor: str


def encoded(department: str, offsets: Mapping[int, int]) -> str:
    """Give the cursor that says: up to these offsets all is read."""
    content = orjson.dumps([department, sorted(offsets.items())])
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(department: str, cursor: str) -> dict[int, int]:
    """Give the offsets of a cursor; raises Problem when it is none of this department's."""
    try:
        whose, offsets = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        found = {number: offset for number, offset in offsets}  # noqa: C416 - raises where it is no pair
    except (ValueError, TypeError, binascii.Error):
        whose, found = None, {}
    valid = all(type(x) is int and 0 <= x < 2**63 for pair in found.items() for x in pair)
    if whose != department or not valid:
        what = "send the cursor of the last answer as it was, or none to begin with the oldest record"
        raise Problem(400, "Not a cursor of this feed", what)
    return found


class Feed:
    """Reads departments' topics for those who pull."""

    def __init__(self, publisher: Publisher, bootstrap: str) -> None:
        """Connect nothing yet."""
        self._publisher = publisher
        self._bootstrap = bootstrap
        self._open: dict[str, int] = {}

    async def page(self, department: HttpDepartment, cursor: str, limit: int, wait_s: float) -> Page:
        """Give up to `limit` records after the cursor; waits for one where there is none. Raises Problem, TryLater."""
        after = decoded(department.id, cursor) if cursor else {}
        topic = dispatch_topic(department.topic)
        with self._one_more(department.id):
            partitions = [TopicPartition(topic, n) for n in range(await self._publisher.partitions(topic))]
            async with self._consumer() as consumer:
                consumer.assign(partitions)
                async with asyncio.timeout(ASK_S):
                    first = await consumer.beginning_offsets(partitions)
                    ends = await consumer.end_offsets(partitions)
                offsets = _begin(department.id, first, ends, after)
                for tp, offset in offsets.items():
                    consumer.seek(tp, offset)
                events = await _read(consumer, offsets, ends, limit, wait_s)
        return Page(events, encoded(department.id, {tp.partition: offset for tp, offset in offsets.items()}))

    async def ends(self, topic: str) -> dict[int, int]:
        """Give the offset after the last record of each partition of a topic; raises TryLater."""
        partitions = [TopicPartition(topic, n) for n in range(await self._publisher.partitions(topic))]
        async with self._consumer() as consumer, asyncio.timeout(ASK_S):
            ends = await consumer.end_offsets(partitions)
        return {tp.partition: end for tp, end in ends.items()}

    @contextlib.contextmanager
    def _one_more(self, department: str) -> Iterator[None]:
        """Count open requests; raises Problem when there are too many."""
        count = self._open.get(department, 0)
        if count >= MOST_OPEN:
            what = f"at most {MOST_OPEN} requests of a department at the same time: wait for the answer of one"
            raise Problem(429, "Too many open requests", what, headers={"Retry-After": "1"})
        self._open[department] = count + 1
        try:
            yield
        finally:
            self._open[department] -= 1

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[Any]:
        tolerant.install()
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap,
            enable_auto_commit=False,
            group_id=None,
            auto_offset_reset="none",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **self._publisher.security,
        )
        try:
            async with asyncio.timeout(ASK_S):
                await consumer.start()
            yield consumer
        except (KafkaError, OSError, TimeoutError) as error:
            raise TryLater(f"Kafka is away: {error!r}") from error
        finally:
            await consumer.stop()


def _begin(department: str, first: Offsets, ends: Offsets, after: Mapping[int, int]) -> dict[TopicPartition, int]:
    """Give the offsets at the cursor; raises Problem when what stood there is gone."""
    offsets = {tp: after.get(tp.partition, begin) for tp, begin in first.items()}
    if any(not first[tp] <= offset <= ends[tp] for tp, offset in offsets.items()):
        raise Problem(
            410,
            "The cursor is too old",
            "records after it are gone: ask for your open orders by gridcall.order.resync.v1, and read on with "
            "the cursor that this answer holds",
            cursor=encoded(department, {tp.partition: end for tp, end in ends.items()}),
        )
    return offsets


async def _read(
    consumer: Any, offsets: dict[TopicPartition, int], ends: Offsets, limit: int, wait_s: float
) -> list[dict[str, Any]]:
    """Give records from the offsets on, and move these behind what was given."""
    loop = asyncio.get_running_loop()
    until = loop.time() + wait_s
    events: list[dict[str, Any]] = []
    size = 0
    while len(events) < limit and size < MOST_BYTES:
        found = await consumer.getmany(timeout_ms=POLL_MS, max_records=limit - len(events))
        for tp, records in found.items():
            for record in records:
                offsets[tp] = record.offset + 1
                size += len(record.value or b"")
                events += _event(record)
        for tp, offset in offsets.items():  # a transaction's end is an offset without a record
            offsets[tp] = max(offset, await consumer.position(tp))
        there = all(offset >= ends[tp] for tp, offset in offsets.items())
        if there and (events or loop.time() >= until):
            break
    return events


def _event(record: ConsumerRecord[Any, Any]) -> list[dict[str, Any]]:
    """Give a record as an event; one that somebody else wrote there and that is none is left out."""
    try:
        return [event(read(record.headers, record.timestamp), record.value)]
    except DeadLetter as error:
        log.warning("a record is no event", topic=record.topic, offset=record.offset, error=error.detail)
        return []
