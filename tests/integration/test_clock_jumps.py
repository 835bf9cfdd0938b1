"""Does a clock that is put forward or back lose a timer, or fire one twice? On a real Kafka and a real MongoDB."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from aiokafka import TopicPartition

from deploy.cli import topics
from shared.clock import Clock, RealClock, StoppedClock
from shared.envelope import read
from shared.ids import ticket_id
from shared.messages import TicketDiverted
from shared.records import Records
from shared.topics import TICKETS
from tests.support.counting import Counting, reported
from tests.support.jumps import World
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

MORNING = datetime(2026, 11, 22, 8, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@contextlib.asynccontextmanager
async def counting(kafka: str, mongo: str, clock: Clock) -> AsyncIterator[Counting]:
    """Run the smallest service on a clock, with topics, from when it owns its partitions."""
    await asyncio.to_thread(topics.apply, kafka, "yucheng")
    service = Counting(kafka, mongo, clock=clock)
    await service.start()
    try:

        async def ready() -> bool:
            return not service.unready() and all(loop.owns_partitions() for loop in service.loops)

        await eventually(ready, what="the service is ready")
        yield service
    finally:
        await service.stop()


async def timers(service: Counting, names: list[str]) -> Counter[int]:
    """Give how many of these tickets have seen how many timers; each has seen one report."""
    found = (
        await service.db["tickets"].find({"_id": {"$in": [ticket_id("counting", name) for name in names]}}).to_list()
    )
    assert all(b'"reports":1' in document["s"] for document in found)
    seen: Counter[int] = Counter()
    for document in found:
        _, _, rest = document["s"].partition(b'"timers":')
        seen[int(rest[:1] or b"0")] += 1
    return seen


async def idle(service: Counting) -> None:
    """Return when everything is read, fired and published."""
    (loop,) = service.loops

    async def nothing_left() -> bool:
        ends: dict[TopicPartition, int] = await loop.consumer.end_offsets(list(loop._owned))  # type: ignore[union-attr]
        return loop.idle(ends)

    await eventually(nothing_left, what="nothing is left")


async def fired(service: Counting, kafka: str, names: list[str]) -> dict[int, list[str]]:
    """Give by partition whose timers have fired, in order, each as often as the log has it."""
    tickets = {ticket_id("counting", name): name for name in names}
    order: dict[int, list[str]] = {}
    async with Records(service.publisher, kafka) as records:
        async for batch in records.to_the_end(await records.partitions([TICKETS])):
            for record in batch:
                name = tickets.get((record.key or b"").decode("utf-8", "replace"))
                if name is not None and read(record.headers, 0).type == TicketDiverted.type:
                    order.setdefault(record.partition, []).append(name)
    return order


async def test_after_a_jump_forwards_all_that_is_overdue_fires_once_in_order(kafka: str, mongo: str) -> None:
    """Sixty timers over ten hours, sent in another order; the clock is put forward by five."""
    clock = StoppedClock(MORNING)
    names = [f"forwards-{n}" for n in range(60)]
    due = {name: 600.0 * (n + 1) for n, name in enumerate(names)}
    async with counting(kafka, mongo, clock) as service:
        for name in sorted(names, key=lambda name: name[::-1]):
            await service.publisher.send([reported(clock, name, wake_after_s=due[name])])
        await eventually(lambda: _are(service, names, {0: 60}))
        clock.advance(5 * HOUR)
        await eventually(lambda: _are(service, names, {1: 30, 0: 30}))
        clock.advance(5 * HOUR)
        await eventually(lambda: _are(service, names, {1: 60}))
        await idle(service)
        order = await fired(service, kafka, names)
    assert sorted(name for found in order.values() for name in found) == sorted(names)
    assert all(found == sorted(found, key=due.__getitem__) for found in order.values())


async def test_after_a_jump_back_nothing_fires_again_and_what_is_new_fires_in_its_time(kafka: str, mongo: str) -> None:
    """Ten have fired when the clock goes back by hours; what is said then is earlier than what was written."""
    clock = StoppedClock(MORNING)
    old, left = [f"back-{n}" for n in range(10)], [f"left-{n}" for n in range(10)]
    new = [f"new-{n}" for n in range(10)]
    async with counting(kafka, mongo, clock) as service:
        await service.publisher.send([reported(clock, name, wake_after_s=60) for name in old])
        await service.publisher.send([reported(clock, name, wake_after_s=7200) for name in left])
        await eventually(lambda: _are(service, [*old, *left], {0: 20}))
        clock.advance(HOUR)
        await eventually(lambda: _are(service, old, {1: 10}))
        clock.advance(-6 * HOUR)
        await service.publisher.send([reported(clock, name, wake_after_s=600) for name in new])
        await eventually(lambda: _are(service, new, {0: 10}))
        clock.advance(9 * MINUTE)
        await idle(service)
        assert await timers(service, new) == {0: 10}
        clock.advance(MINUTE)
        await eventually(lambda: _are(service, new, {1: 10}))
        clock.advance(5 * HOUR)  # past the instants at which the old ones fired
        await idle(service)
        assert await timers(service, left) == {0: 10}
        clock.advance(2 * HOUR)
        await eventually(lambda: _are(service, left, {1: 10}))
        await idle(service)
        assert await service.db["parked"].count_documents({}) == 0
        order = await fired(service, kafka, [*old, *left, *new])
    assert Counter(name for found in order.values() for name in found) == dict.fromkeys([*old, *left, *new], 1)


async def test_the_gate_notices_a_jump_while_it_sleeps(kafka: str, mongo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the real clock: put forward over a timer, back before the next, and forward over that."""
    world, clock = World(monkeypatch), RealClock()
    async with counting(kafka, mongo, clock) as service:
        await service.publisher.send([reported(clock, "sleeping-0", wake_after_s=3600)])
        await eventually(lambda: _are(service, ["sleeping-0"], {0: 1}))
        world.jump(2 * HOUR)
        await eventually(lambda: _are(service, ["sleeping-0"], {1: 1}))
        world.jump(-3 * HOUR)
        await service.publisher.send([reported(clock, "sleeping-1", wake_after_s=1800)])
        await eventually(lambda: _are(service, ["sleeping-1"], {0: 1}))
        await idle(service)
        assert await timers(service, ["sleeping-0", "sleeping-1"]) == {1: 1, 0: 1}
        world.jump(HOUR)
        await eventually(lambda: _are(service, ["sleeping-0", "sleeping-1"], {1: 2}))
        await idle(service)
        assert service.unready() == {}


async def _are(service: Counting, names: list[str], seen: dict[int, int]) -> Any:
    return await timers(service, names) == seen
