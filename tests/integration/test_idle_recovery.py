"""Does an idle service become ready again by itself when MongoDB was away? No record comes to wake it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from aiokafka import TopicPartition
from pymongo import MongoClient

from deploy.cli import topics
from deploy.local.servers import Kafka, Mongod
from services.desk.app import build
from services.desk.settings import Settings
from shared.clock import RealClock, StoppedClock
from shared.decider import Message, TimerDue
from shared.loop.loop import PartitionLoop
from shared.messages import Fact
from shared.service import Service
from tests.support.counting import COUNTING, Counted, Counting, decide, reported
from tests.support.waiting import eventually


@pytest.fixture(autouse=True)
def _topics(own_kafka: Kafka) -> None:
    topics.apply(own_kafka.address, "yucheng")


@contextlib.asynccontextmanager
async def running(service: Service) -> AsyncIterator[None]:
    """Run a service that is ready and owns its partitions."""
    await service.start()
    try:
        await becomes_ready(service)
        yield
    finally:
        await service.stop()


async def becomes_ready(service: Service) -> None:
    """Return when the service is ready and owns its partitions."""

    async def ready() -> bool:
        return not service.unready() and all(loop.owns_partitions() for loop in service.loops)

    await eventually(ready, what=f"{service.name} is ready")


@contextlib.asynccontextmanager
async def away(mongod: Mongod, service: Service) -> AsyncIterator[None]:
    """Kill MongoDB, do what the block does, wait until the service says that it is not ready, and start it again."""
    await asyncio.to_thread(mongod.kill)
    yield

    async def unready() -> bool:
        return "waiting" in str(service.unready())

    await eventually(unready, what=f"{service.name} says that it waits")
    await asyncio.to_thread(mongod.start)


async def ends(loop: PartitionLoop) -> dict[TopicPartition, int]:
    """Give the ends of what a loop reads."""
    assert loop.consumer is not None
    found: dict[TopicPartition, int] = await loop.consumer.end_offsets(list(loop._owned))
    return found


async def test_a_tick_alone_makes_it_ready_again(own_kafka: Kafka, own_mongod: Mongod) -> None:
    """The desk asks MongoDB once a second whether a rebuild has swapped its read models; it reads nothing else."""
    service = build(Settings(kafka=own_kafka.address, mongo=own_mongod.address, session_timeout_ms=6000))
    async with running(service):
        (loop,) = service.loops
        async with away(own_mongod, service):
            pass
        await becomes_ready(service)
        assert loop.progress.last_turn == 0.0, "a record arrived"


def silent(state: Counted, message: Message, now: datetime) -> Sequence[Fact]:
    """Say nothing when a timer is due, so that nothing comes back from the log."""
    return () if isinstance(message.data, TimerDue) else decide(state, message, now)


async def test_a_timer_that_was_due_meanwhile_fires_and_makes_it_ready_again(
    own_kafka: Kafka, own_mongod: Mongod
) -> None:
    """It is due while MongoDB is away; it fires once when it is back, although no record comes."""
    clock = StoppedClock(RealClock().now())
    service = Counting(own_kafka.address, own_mongod.address, clock=clock, decider=replace(COUNTING, decide=silent))
    async with running(service):
        (loop,) = service.loops
        await service.publisher.send([reported(clock, "sleeper", wake_after_s=60)])

        async def counted() -> tuple[int, int] | None:
            """Give the ticket's reports and timers once everything is read and fired."""
            found = await service.db["tickets"].find_one({}) if loop.idle(await ends(loop)) else None
            state = Counted.model_validate_json(found["s"]) if found else None
            return (state.reports, state.timers) if state else None

        assert await eventually(counted) == (1, 0)
        before = await ends(loop)
        async with away(own_mongod, service):
            clock.advance(timedelta(seconds=61))
        await becomes_ready(service)
        assert await eventually(counted) == (1, 1)
        assert await ends(loop) == before, "a record arrived"


async def test_a_batch_that_never_gets_through_makes_it_unready(
    own_kafka: Kafka, own_mongod: Mongod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each turn by itself is short, and none is ever written, since somebody else holds the documents."""
    monkeypatch.setattr("shared.loop.loop.STALL_S", 1.0)
    clock = RealClock()
    service = Counting(own_kafka.address, own_mongod.address, clock=clock)
    async with running(service):
        client: MongoClient[dict[str, object]] = MongoClient(own_mongod.address)
        with client, client.start_session() as holder:
            holder.start_transaction()
            partitions = client[service.settings.database(service.name)]["partitions"]
            await asyncio.to_thread(partitions.update_many, {}, {"$set": {"held": True}}, session=holder)
            await service.publisher.send([reported(clock, "held up")])

            async def unready() -> bool:
                return "have been tried for" in str(service.unready())

            await eventually(unready, timeout_s=60, what="it says that it gets nowhere")
            await asyncio.to_thread(holder.abort_transaction)
        await becomes_ready(service)
        assert await eventually(lambda: service.db["tickets"].count_documents({})) == 1
