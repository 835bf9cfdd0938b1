"""How does the kit reach the department's two topics? As gridcall does, and only where no gridcall is at work."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAlreadyExistsError, for_code

from shared import tolerant
from shared.errors import Refused, TryLater
from shared.kafka import Publisher
from shared.topics import dispatch_topic, updates_topic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from aiokafka import ConsumerRecord

    from shared.envelope import Outgoing

READ_MS: Final = 100
MEMBERS: Final = 5
"""Where a described group has its members."""


class TopicsOf:
    """A department's topics on a Kafka; `async with` connects, and raises TryLater when Kafka is away."""

    def __init__(self, bootstrap: str, department: str, group: str, security: dict[str, Any]) -> None:
        """`group` is the consumer group in which a living gridcall reads updates."""
        self._bootstrap = bootstrap
        self._group = group
        self._security = security
        self._dispatch, self._updates = dispatch_topic(department), updates_topic(department)
        self._publisher = Publisher(bootstrap, "gridcall-conformance", security)
        self._consumer: Any = None

    async def __aenter__(self) -> Self:
        """Make sure that both topics are there and that nobody else plays gridcall; read updates from now on."""
        tolerant.install()
        admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap, **self._security)
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, group_id=None, enable_auto_commit=False, **self._security
        )
        try:
            await admin.start()
            await self._create(admin)
            await self._refuse_beside_gridcall(admin)
            await consumer.start()
            parts = [TopicPartition(self._updates, n) for n in sorted(await self._partitions(admin))]
            consumer.assign(parts)
            await consumer.seek_to_end(*parts)
            for part in parts:
                await consumer.position(part)
        except (KafkaError, OSError) as error:
            await consumer.stop()
            raise TryLater(f"Kafka at {self._bootstrap} does not answer: {error!r}") from error
        except BaseException:
            await consumer.stop()
            raise
        finally:
            await admin.close()
        self._consumer = consumer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._publisher.stop()

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write to the dispatch topic; returns when it is taken, raises TryLater."""
        await self._publisher.send(messages)

    async def read(self) -> list[ConsumerRecord[bytes, bytes]]:
        """Give what is new on the updates topic, in a tenth of a second at the latest."""
        found = await self._consumer.getmany(timeout_ms=READ_MS)
        return [record for records in found.values() for record in records]

    async def _create(self, admin: AIOKafkaAdminClient) -> None:
        missing = {self._dispatch, self._updates} - set(await admin.list_topics())
        if not missing:
            return
        answer = await admin.create_topics([NewTopic(name, 1, 1) for name in sorted(missing)])
        for topic, code, why in answer.topic_errors:
            if code not in {0, TopicAlreadyExistsError.errno}:
                raise Refused(
                    "no-topic",
                    f"Kafka does not create {topic}: {why or for_code(code).__name__}. Have both topics created first.",
                )

    async def _partitions(self, admin: AIOKafkaAdminClient) -> list[int]:
        (described,) = await admin.describe_topics([self._updates])
        return [partition["partition"] for partition in described["partitions"]]

    async def _refuse_beside_gridcall(self, admin: AIOKafkaAdminClient) -> None:
        """Refuse while a gridcall reads this topic: the client would be answered twice."""
        try:
            answers = await admin.describe_consumer_groups([self._group])
        except GroupAuthorizationFailedError:
            return  # a department's own user may not look; its name has been compared with the profile's
        for answer in answers:
            for group in answer.groups:
                if names(group[MEMBERS], self._updates):
                    raise Refused(
                        "gridcall-is-there",
                        f"A gridcall is at work on this Kafka and reads {self._updates}: "
                        "choose a department that its profile does not have.",
                    )


def names(members: Sequence[Sequence[Any]], topic: str) -> bool:
    """Tell whether a member of a consumer group has asked for a topic, or owns a part of it."""
    written = struct.pack(">h", len(topic)) + topic.encode()
    return any(isinstance(part, bytes) and written in part for member in members for part in member)
