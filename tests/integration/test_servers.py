"""Do the servers that everything else is tested on start, answer, and survive a kill with their data?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.servers import kafka_answers, mongo_uri_answers

if TYPE_CHECKING:
    from deploy.local.servers import Kafka, Mongod


def test_the_shared_servers_answer(kafka: str, mongo: str) -> None:
    """A Metadata request and a `hello` are answered."""
    assert kafka_answers(kafka)
    assert mongo_uri_answers(mongo)


async def test_kafka_keeps_acknowledged_records_over_a_kill(own_kafka: Kafka) -> None:
    """What was acknowledged before SIGKILL is read after a start on the same data."""
    admin = AIOKafkaAdminClient(bootstrap_servers=own_kafka.address)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=own_kafka.address, acks="all") as producer:
        for number in range(10):
            await producer.send_and_wait("kept", str(number).encode())
    await asyncio.to_thread(own_kafka.kill)
    assert not kafka_answers(own_kafka.address)
    await asyncio.to_thread(own_kafka.start)
    async with AIOKafkaConsumer(bootstrap_servers=own_kafka.address, auto_offset_reset="earliest") as consumer:
        partition = TopicPartition("kept", 0)
        consumer.assign([partition])
        assert await consumer.end_offsets([partition]) == {partition: 10}


def test_mongod_is_primary_again_after_a_kill(own_mongod: Mongod) -> None:
    """A stale lock file does not keep it from starting on the same data."""
    own_mongod.kill()
    assert not mongo_uri_answers(own_mongod.address)
    own_mongod.start()
    assert mongo_uri_answers(own_mongod.address)
