"""How do records get onto a topic, in order and never lost? One producer per process, partition by partition.

aiokafka's `send_batch` is used and not FastStream's `publish_batch`, which puts everything into one
partition and drops headers; `gather` of many `send()` is quadratic (reference measurements in
shared/decisions/0002-publish-per-partition.md).
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from shared import tracing
from shared.errors import TryLater

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.envelope import Headers, Outgoing

MAX_BATCH_BYTES = 512 * 1024
MAX_REQUEST_BYTES = 2 * 1024 * 1024
REQUEST_TIMEOUT_MS = 15_000
PING_S = 5.0

log = structlog.get_logger(__name__)


@lru_cache(4096)
def partition_of(key: str, count: int) -> int:
    """Give the partition of `key` among `count`, as Kafka's default partitioner does (murmur2)."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % count)


class Publisher:
    """Sends messages with acks from all replicas; order per partition is the order given."""

    def __init__(self, bootstrap: str, client_id: str, security: dict[str, Any] | None = None) -> None:
        """Remember where, and what `client_security` gives; nothing is connected before `start` or the first `send`."""
        self._bootstrap = bootstrap
        self._client_id = client_id
        self._security = security or {}
        self._producer: AIOKafkaProducer | None = None
        self._starting = asyncio.Lock()
        self._counts: dict[str, int] = {}

    @property
    def security(self) -> dict[str, Any]:
        """Give the arguments with which it logs in, for a reader of the same process."""
        return self._security

    async def start(self) -> AIOKafkaProducer:
        """Connect when not connected; raises TryLater when Kafka is away."""
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._bootstrap,
                    client_id=self._client_id,
                    acks="all",
                    linger_ms=0,
                    max_batch_size=MAX_BATCH_BYTES,
                    max_request_size=MAX_REQUEST_BYTES,
                    request_timeout_ms=REQUEST_TIMEOUT_MS,
                    **self._security,
                )
                try:
                    await producer.start()
                except (KafkaError, OSError) as error:
                    with contextlib.suppress(Exception):
                        await producer.stop()
                    raise TryLater(f"Kafka is away: {error}") from error
                self._producer = producer
            return self._producer

    async def stop(self) -> None:
        """Disconnect; what was sent has been acknowledged, since `send` waits for it."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):
                await asyncio.wait_for(producer.stop(), 5)

    async def ping(self) -> None:
        """Return when a broker answers; raises TryLater."""
        producer = await self.start()
        try:
            await asyncio.wait_for(producer.client.fetch_all_metadata(), PING_S)
        except (KafkaError, OSError, TimeoutError) as error:
            raise TryLater(f"Kafka is away: {error}") from error

    async def partitions(self, topic: str) -> int:
        """Give how many partitions a topic has; raises TryLater when that cannot be known now."""
        count = self._counts.get(topic)
        if count is None:
            producer = await self.start()
            try:
                found = await producer.partitions_for(topic)
            except KafkaError as error:
                raise TryLater(f"Kafka does not tell the partitions of {topic}: {error}") from error
            if not found:
                raise TryLater(f"topic {topic} does not exist: run `gridcall topics apply`")
            count = self._counts[topic] = len(found)
        return count

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Return when every message is acknowledged; raises TryLater when some may not be.

        After TryLater all of them must be sent again, in the same order: readers skip what they have seen.
        """
        groups: dict[tuple[str, int], list[Outgoing]] = {}
        for message in messages:
            partition = message.partition
            if partition is None:
                partition = partition_of(message.key, await self.partitions(message.topic))
            groups.setdefault((message.topic, partition), []).append(message)
        if not groups:
            return
        producer = await self.start()
        sends = [self._send_partition(producer, topic, number, group) for (topic, number), group in groups.items()]
        with tracing.publishing(message for group in groups.values() for message in group):
            failed = [r for r in await asyncio.gather(*sends, return_exceptions=True) if isinstance(r, BaseException)]
        if failed:
            if self._producer is producer:
                await self.stop()
            self._counts.clear()
            raise TryLater(f"Kafka did not take a batch: {failed[0]!r}") from failed[0]

    async def send_raw(
        self, topic: str, partition: int, key: bytes | None, value: bytes | None, record_headers: Headers
    ) -> None:
        """Send a record exactly as it came, null value and all; raises TryLater."""
        producer = await self.start()
        try:
            await producer.send_and_wait(topic, value, key, partition, headers=record_headers)
        except KafkaError as error:
            raise TryLater(f"Kafka did not take the record: {error}") from error

    async def _send_partition(
        self, producer: AIOKafkaProducer, topic: str, partition: int, messages: list[Outgoing]
    ) -> None:
        """Send one partition's messages; a batch goes only after the one before it is acknowledged."""
        batch = producer.create_batch()
        for message in messages:
            content = {"key": message.key.encode(), "value": message.value, "headers": message.headers}
            if batch.append(timestamp=None, **content) is None:
                if batch.record_count():
                    await (await producer.send_batch(batch, topic, partition=partition))
                    batch = producer.create_batch()
                if batch.append(timestamp=None, **content) is None:
                    await producer.send_and_wait(topic, partition=partition, **content)
        if batch.record_count():
            await (await producer.send_batch(batch, topic, partition=partition))
