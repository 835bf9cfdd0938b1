"""Does intake's store find public requests alike, in memory as in MongoDB?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.domain import Entry, Public, Search, Tracked, searched
from services.intake.store import INDEXES, Reports
from shared.chance import random_id
from shared.indexes import ensure
from shared.mongo import Mongo
from tests.unit.intake.memory import MemoryReports

NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)


def state(number: int) -> Tracked:
    """Give the state of the nth ticket: one a day, of two services, every third one closed, every fifth private."""
    at = NOON + timedelta(days=number)
    public = None if number % 5 == 4 else Public(code="AB"[number % 2], at=at, channel="open311", text=str(number))
    line = (Entry(at, "reported"),)
    return Tracked(source="s", report="r", where="received" if number % 3 else "closed", timeline=line, public=public)


@pytest.fixture(params=["memory", "mongodb"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Reports]:
    """Give the fake and the real one, with twenty tickets as the loop leaves them."""
    states = {f"T{number:02}": state(number) for number in range(20)}
    stored = {ticket: one.model_dump_json(exclude_defaults=True).encode() for ticket, one in states.items()}
    if request.param == "memory":
        memory = MemoryReports()
        memory.tickets = stored
        yield memory
        return
    client = Mongo(request.getfixturevalue("mongo"))
    db = client.db(f"test_intake_{random_id()}")
    assert await ensure(db, INDEXES) == len(INDEXES)
    documents: list[dict[str, Any]] = [
        {"_id": ticket, "s": stored[ticket]} | searched(one.public, is_open=one.where != "closed")
        for ticket, one in states.items()
    ]
    await db["tickets"].insert_many(documents)
    yield Reports(db)
    client.close()


async def found(store: Reports, **wanted: Any) -> list[str]:
    """Give which tickets are found."""
    span = {"since": NOON, "until": NOON + timedelta(days=90)}
    return [ticket for ticket, _ in await store.public(Search(**(span | wanted)))]


async def test_public_requests_are_found_newest_first(store: Reports) -> None:
    """By dates, both included, by service and by status; what is private never."""
    everything = [f"T{number:02}" for number in reversed(range(20)) if number % 5 != 4]
    assert await found(store) == everything
    assert await found(store, codes=("A",)) == [one for one in everything if int(one[1:]) % 2 == 0]
    assert await found(store, codes=("A", "B")) == everything
    assert await found(store, codes=("C",)) == []
    assert await found(store, is_open=False) == [one for one in everything if int(one[1:]) % 3 == 0]
    assert await found(store, is_open=True, codes=("B",)) == ["T17", "T13", "T11", "T07", "T05", "T01"]
    day = NOON + timedelta(days=3)
    assert await found(store, since=day, until=day) == ["T03"]
    assert await found(store, since=day, until=day + timedelta(days=2)) == ["T05", "T03"]


async def test_pages_follow_each_other(store: Reports) -> None:
    """All of them together are the whole list."""
    pages = [await found(store, skip=skip, limit=5) for skip in range(0, 20, 5)]
    assert [len(page) for page in pages] == [5, 5, 5, 1]
    assert [one for page in pages for one in page] == await found(store)


async def test_states_are_given_of_those_that_are_there(store: Reports) -> None:
    """As they are stored."""
    states = await store.states(["T01", "T04", "T99"])
    assert sorted(states) == ["T01", "T04"]
    assert Tracked.model_validate_json(states["T01"]) == state(1)
