"""Does each record reach its department in its ticket's order, whatever fails? On a real mongod and a stopped clock."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from services.dispatch.webhooks.courier import Courier, pause
from services.dispatch.webhooks.file import Entry, Reference
from services.dispatch.webhooks.store import COLLECTION, INDEXES, Deliveries, Waiting
from services.dispatch.webhooks.target import Result
from shared.chance import random_id
from shared.clock import StoppedClock
from shared.indexes import ensure
from shared.mongo import Mongo
from tests.support.waiting import eventually

START = datetime(2026, 11, 23, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(**changes: Any) -> Entry:
    """Give a department as the file describes it."""
    given: dict[str, Any] = {"department": "parks", "url": "https://x.example/", "secrets": (Reference(env="X"),)}
    return Entry(**given | {"give_up_after_s": 7200.0} | changes)


@dataclass
class Scripted:
    """A target that answers as it is told, by ticket."""

    answers: dict[str, Result] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    got: list[str] = field(default_factory=list)
    tried: Counter[str] = field(default_factory=Counter)

    async def post(self, ident: str, body: bytes) -> Result:
        """Note what was taken."""
        ticket = body.decode()
        self.tried[ident] += 1
        if ticket in self.hanging:
            await asyncio.Event().wait()
        result = self.answers.get(ticket, Result("delivered"))
        if result.delivered:
            self.got.append(ident)
        return result


@dataclass
class Office:
    """One department's courier with what is around it."""

    store: Deliveries
    records: Any
    clock: StoppedClock
    target: Scripted
    held: list[bool] = field(default_factory=list)
    mine: set[int] = field(default_factory=lambda: {0})

    def courier(self, **changes: Any) -> Courier:
        """Give a courier, as a process that starts makes one."""

        async def owned() -> set[int]:
            return self.mine

        return Courier(entry(**changes), self.store, self.target, self.clock, owned, self.held.append)  # type: ignore[arg-type]

    async def put(self, *events: str, partition: int = 0) -> None:
        """Let records wait as the topic's loop does; `a1` is the first of ticket a."""
        at = await self.records.count_documents({})
        for number, event in enumerate(events, start=at + self.clock.now().minute * 1000):
            ident = f"parks/{partition}/{number}"
            body, now = event[0].encode(), self.clock.now()
            waiting = Waiting(ident, "parks", partition, number, event[0], event, "t", body, now, now)
            await self.records.bulk_write([Deliveries.insertion(waiting)])

    async def idle(self) -> bool:
        """Tell whether nothing is due."""
        return not await self.store.due("parks", self.mine, self.clock.now(), (), 1)

    async def dead(self) -> list[tuple[str, int]]:
        """Give dead letters, each with what waits behind."""
        return [(each.event, each.behind) for each in await self.store.dead(None, 100)]


@contextlib.asynccontextmanager
async def running(courier: Courier) -> AsyncIterator[None]:
    """Let a courier deliver while the block runs."""
    task = asyncio.create_task(courier.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest_asyncio.fixture
async def office(mongo: str) -> AsyncIterator[Office]:
    """Give an office with a database of its own."""
    client = Mongo(mongo)
    db = client.db(f"webhooks_{random_id()}")
    await ensure(db, INDEXES)
    yield Office(Deliveries(db), db[COLLECTION], StoppedClock(START), Scripted())
    await db.client.drop_database(db.name)
    client.close()


async def got(office: Office, *events: str) -> None:
    """Return when exactly these were taken, ticket by ticket in order."""

    async def all_of_them() -> bool:
        return sorted(office.target.got) == sorted(events) and await office.idle()

    await eventually(all_of_them, what=f"{events} are delivered; got {office.target.got}")
    for ticket in {event[0] for event in events}:
        mine = [event for event in office.target.got if event[0] == ticket]
        assert mine == sorted(mine)


async def tried(office: Office, event: str, times: int) -> None:
    """Return when a record was tried so often, and nothing is due."""

    async def so_often() -> bool:
        return office.target.tried[event] == times and await office.idle()

    await eventually(so_often, what=f"{event} is tried {times} times, not {office.target.tried[event]}")


async def test_tickets_are_delivered_in_order_and_forgotten(office: Office) -> None:
    """Each ticket by itself; what was delivered is no longer there."""
    await office.put("a1", "b1", "a2", "c1", "a3", "b2")
    async with running(office.courier()):
        await got(office, "a1", "a2", "a3", "b1", "b2", "c1")
    assert await office.records.count_documents({}) == 0


async def test_a_ticket_that_fails_holds_back_its_own_later_records_only(office: Office) -> None:
    """Its first record is tried again after a pause, and the rest follow in order."""
    office.target.answers["a"] = Result("answered", "HTTP 500")
    await office.put("a1", "a2", "b1")
    async with running(office.courier()):
        await got(office, "b1")
        await office.put("a3", "b2")
        await got(office, "b1", "b2")
        await tried(office, "a1", 1)
        office.clock.advance(HOUR)
        await tried(office, "a1", 2)
        office.target.answers.clear()
        office.clock.advance(HOUR)
        await got(office, "a1", "a2", "a3", "b1", "b2")
    assert office.target.tried == {"a1": 3, "a2": 1, "a3": 1, "b1": 1, "b2": 1}


async def test_a_hanging_ticket_takes_one_place_and_others_go_on(office: Office) -> None:
    """The others share the rest."""
    office.target.hanging = {"a"}
    await office.put("a1", "b1", "c1", "a2", "b2")
    async with running(office.courier(concurrency=2)):

        async def others() -> bool:
            return sorted(office.target.got) == ["b1", "b2", "c1"]

        await eventually(others, what="the others are delivered")
        assert office.target.tried["a2"] == 0


async def test_what_was_failing_is_known_after_a_restart(office: Office) -> None:
    """The number of attempts, since when, and when to try again stand in the database."""
    office.target.answers["a"] = Result("timeout", "no answer")
    await office.put("a1", "a2")
    async with running(office.courier()):
        await tried(office, "a1", 1)
    async with running(office.courier()):
        office.clock.advance(timedelta(hours=3))
        await tried(office, "a1", 2)
        assert await office.dead() == [("a1", 1)]  # two hours after its first attempt, which was before


async def test_a_dead_letter_is_redriven_with_what_waits_behind_it(office: Office) -> None:
    """Also with what came after it had been given up; nothing overtakes it."""
    office.target.answers["a"] = Result("answered", "HTTP 400")
    await office.put("a1", "b1")
    async with running(office.courier()):
        for hours in range(1, 4):
            await tried(office, "a1", hours)
            office.clock.advance(HOUR)
        assert await office.dead() == [("a1", 0)]
        await office.put("a2", "a3", "b2")
        await got(office, "b1", "b2")
        assert await office.dead() == [("a1", 2)]
        assert (office.target.tried["a1"], office.target.tried["a2"]) == (3, 0)
        office.target.answers.clear()
        (letter,) = await office.store.dead("parks", 10)
        await office.store.redrive(letter, office.clock.now())
        await got(office, "a1", "a2", "a3", "b1", "b2")
    assert await office.dead() == []


async def test_a_discarded_letter_lets_the_rest_go(office: Office) -> None:
    """The rest of its ticket is posted without it."""
    office.target.answers["a"] = Result("answered", "HTTP 400")
    await office.put("a1", "a2")
    async with running(office.courier(give_up_after_s=0.001)):
        await tried(office, "a1", 1)
        office.clock.advance(HOUR)
        await tried(office, "a1", 2)
        office.target.answers.clear()
        (letter,) = await office.store.dead("parks", 10)
        await office.store.discard(letter, office.clock.now())
        await got(office, "a2")


async def test_a_full_queue_stops_the_reading_of_its_topic(office: Office) -> None:
    """And an emptier one lets it go on; what waits behind dead letters does not count."""
    office.target.hanging = set("abcdefghijkl")
    await office.put(*(f"{ticket}1" for ticket in "abcdefghijkl"))
    async with running(office.courier(queue=10)):

        async def is_held() -> bool:
            return office.held[-1:] == [True]

        await eventually(is_held, what="the topic is not read on")
    office.target.hanging = set()
    async with running(office.courier(queue=10)):

        async def goes_on() -> bool:
            return office.held[-1:] == [False] and len(office.target.got) == 12

        await eventually(goes_on, what="the topic is read on")


async def test_partitions_of_another_process_are_left_alone(office: Office) -> None:
    """Two instances of dispatch deliver nothing twice."""
    await office.put("a1")
    await office.put("b1", partition=1)
    async with running(office.courier()):
        await got(office, "a1")
        assert office.target.tried["b1"] == 0


@pytest.mark.parametrize(("attempts", "low", "high"), [(1, 2.5, 5), (2, 5, 10), (5, 40, 80), (12, 1800, 3600)])
def test_pauses_grow_and_differ(attempts: int, low: float, high: float) -> None:
    """Twice as long each time up to an hour, half of it by chance; Retry-After is heard, within bounds."""
    failed: Callable[[float], Result] = lambda later: Result("answered", "", later)  # noqa: E731 - a short name
    pauses = {pause(entry(), attempts, failed(0)).total_seconds() for _ in range(100)}
    assert min(pauses) >= low
    assert max(pauses) <= high
    assert len(pauses) > 50
    assert pause(entry(), attempts, failed(2000)).total_seconds() >= 2000
    assert pause(entry(), attempts, failed(999_999)).total_seconds() == 3600
    assert pause(entry(), 10_000, failed(0)).total_seconds() <= 3600
