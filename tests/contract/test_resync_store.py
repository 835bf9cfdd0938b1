"""Is a department's list of open orders whole, whatever its size, and however many make one?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.dispatch.resync.store import INDEXES, PAGES, RESYNCS, Resync, Resyncs, begun
from shared.chance import random_id
from shared.indexes import ensure
from shared.mongo import Database, Mongo

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ORDERS = 23
SIZE = 5
ASKED = Resync("water", "r-1", "u-1", "water", 0, NOON, None)


@pytest.fixture
async def db(mongo: str) -> AsyncIterator[Database]:
    """Give a database with the orders of two departments, and one ticket that is over."""
    client = Mongo(mongo)
    made = client.db(f"test_resync_{random_id()}")
    await ensure(made, INDEXES)
    tickets = [
        {
            "_id": f"{department}{n:02}",
            "o": [department, "police"],
            "oi": [
                {"o": "police", "i": f"{department}{n:02}-2", "t": NOON},
                {"o": department, "i": f"{department}{n:02}-1", "t": NOON - timedelta(hours=n)},
            ],
        }
        for department in ("water", "parks")
        for n in range(ORDERS)
    ]
    await made["tickets"].insert_many([*tickets, {"_id": "over"}])
    await made[RESYNCS].bulk_write([begun(ASKED)])
    yield made
    client.close()


async def pages(resyncs: Resyncs, resync: Resync) -> list[list[str]]:
    """Give every page of a list."""
    return [await resyncs.next_page(replace(resync, sent=number)) for number in range(resync.pages)]


async def test_a_list_is_read_page_by_page(db: Database) -> None:
    """No document holds more than a page; each order stands on one page, others' of the same tickets on none."""
    resyncs = Resyncs(db)
    assert await resyncs.write_list(ASKED, "l-1", SIZE) == (5, ORDERS)
    assert await resyncs.move(ASKED, state="listed", list="l-1", pages=5, count=ORDERS)
    listed = await resyncs.of("water")
    assert listed is not None
    found = await pages(resyncs, listed)
    assert [len(page) for page in found] == [5, 5, 5, 5, 3]
    assert [order for page in found for order in page] == [f"water{n:02}-1" for n in range(ORDERS)]
    assert await resyncs.next_page(replace(listed, sent=5)) == []


async def test_a_list_since_an_instant(db: Database) -> None:
    """What was issued at that instant is part of it."""
    since = NOON - timedelta(hours=6)
    assert await Resyncs(db).write_list(replace(ASKED, since=since), "l-1", SIZE) == (2, 7)
    assert await Resyncs(db).write_list(replace(ASKED, department="nobody"), "l-2", SIZE) == (0, 0)


async def test_only_tickets_of_the_department_are_read(db: Database) -> None:
    """Neither those of others, nor the many that are over; and none is sorted in memory."""
    plan = await db["tickets"].find({"o": "water"}, {"_id": 0, "oi": 1}).sort("_id", 1).explain()
    assert plan["executionStats"]["totalDocsExamined"] == ORDERS
    assert "SORT" not in str(plan["queryPlanner"]["winningPlan"])


async def test_of_two_lists_one_counts(db: Database) -> None:
    """Two instances during a rebalance: who comes second learns it, and neither spoils the other's pages."""
    resyncs = Resyncs(db)
    await resyncs.write_list(ASKED, "l-1", SIZE)
    await db["tickets"].delete_one({"_id": "water00"})
    late = await resyncs.write_list(ASKED, "l-2", SIZE)
    assert await resyncs.move(ASKED, state="listed", list="l-1", pages=5, count=ORDERS)
    assert not await resyncs.move(ASKED, state="listed", list="l-2", pages=late[0], count=late[1])
    await resyncs.forget(ASKED, "l-2")
    assert await db[PAGES].distinct("list") == ["l-1"]
    listed = await resyncs.of("water")
    assert listed is not None
    assert sum(map(len, await pages(resyncs, listed))) == ORDERS
    await resyncs.forget(listed)
    assert await db[PAGES].count_documents({}) == 0
