"""What stands on some topics, from the beginning? Read without a group, so that nobody's place is moved."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared import tolerant
from shared.errors import TryLater

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence
    from types import TracebackType

    from aiokafka import ConsumerRecord

    from shared.kafka import Publisher

POLL_MS = 200
FETCH_WAIT_MS = 50
"""A question for the end of the next partition waits behind a fetch at the end of this one."""
BATCH = 2000
PAUSE_S = 0.5


class Records:
    """Reads topics from the beginning; `caught_up` once all that was there at the start has been given."""

    def __init__(self, publisher: Publisher, bootstrap: str) -> None:
        """Connect on entering, as the publisher does; it is asked how many partitions a topic has."""
        self._publisher = publisher
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            enable_auto_commit=False,
            group_id=None,
            auto_offset_reset="earliest",
            check_crcs=False,
            fetch_max_wait_ms=FETCH_WAIT_MS,
            **publisher.security,
        )
        self.caught_up = False

    async def __aenter__(self) -> Self:
        """Connect; raises TryLater when Kafka is away."""
        tolerant.install()
        try:
            await self._consumer.start()
        except (KafkaError, OSError) as error:
            await self._consumer.stop()
            raise TryLater(f"Kafka is away: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._consumer.stop()

    async def partitions(self, topics: Sequence[str]) -> list[TopicPartition]:
        """Give the partitions of some topics; raises TryLater when one does not exist."""
        return [TopicPartition(t, number) for t in topics for number in range(await self._publisher.partitions(t))]

    async def to_the_end(
        self, partitions: Sequence[TopicPartition]
    ) -> AsyncGenerator[list[ConsumerRecord[Any, Any]], None]:
        """Give everything that stands there now, in batches, and end; raises TryLater when Kafka goes away."""
        try:
            left = await self._rewind(partitions)
            while left:
                found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
                for records in found.values():
                    yield records
                left = await self._left(left)
        except KafkaError as error:
            raise TryLater(f"Kafka is away: {error!r}") from error
        self.caught_up = True

    async def for_ever(
        self, partitions: Sequence[TopicPartition]
    ) -> AsyncGenerator[list[ConsumerRecord[Any, Any]], None]:
        """Give everything that stands there, then what comes, in batches; an empty one when nothing has come."""
        left: dict[TopicPartition, int] | None = None
        while True:
            try:
                if left is None:
                    left = await self._rewind(partitions)
                found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH)
                yield [record for records in found.values() for record in records]
                if not self.caught_up:
                    left = await self._left(left)
                    self.caught_up = not left
            except KafkaError:
                await asyncio.sleep(PAUSE_S)

    async def _rewind(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        self._consumer.assign(list(partitions))
        ends: dict[TopicPartition, int] = await self._consumer.end_offsets(list(partitions))
        starts = await self._consumer.beginning_offsets(list(partitions))
        await self._consumer.seek_to_beginning(*partitions)
        return {tp: end for tp, end in ends.items() if end > starts[tp]}

    async def _left(self, left: dict[TopicPartition, int]) -> dict[TopicPartition, int]:
        return {tp: end for tp, end in left.items() if await self._consumer.position(tp) < end}
