"""Does intake's store keep its promises, in memory as in MongoDB?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.intake.announce import HTTP_SOURCE
from services.intake.store import INDEXES, Message, Report, Reports
from shared.chance import random_id
from shared.envelope import Outgoing
from shared.ids import ticket_id
from shared.indexes import ensure
from shared.mongo import Mongo
from tests.unit.intake.memory import MemoryReports

NOON = datetime(2026, 11, 22, 4, 0, 0, 123000, tzinfo=UTC)
SAID = Outgoing("gridcall.tickets", "T", [("ce_type", b"x"), ("ce_id", b"1")], b"{}")
RECEIPT = Outgoing("gridcall.receipts", HTTP_SOURCE, [("ce_type", b"y")], b'{"a":1}')
FOLLOW_UP = Outgoing("gridcall.tickets", "T", [("ce_type", b"z")], b'{"b":2}')


@pytest.fixture(params=["memory", "mongodb"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Reports]:
    """Give the fake and the real one, empty."""
    if request.param == "memory":
        yield MemoryReports()
        return
    client = Mongo(request.getfixturevalue("mongo"))
    db = client.db(f"test_intake_{random_id()}")
    assert await ensure(db, INDEXES) == len(INDEXES)
    yield Reports(db)
    client.close()


def report(key: str, at: datetime = NOON, source: str = HTTP_SOURCE) -> Report:
    """Give a report whose fact and receipt wait to be published."""
    spool = (SAID, RECEIPT) if source == HTTP_SOURCE else ()
    return Report(ticket_id(source, key), source, key, at, b"sealed", b"digest" if spool else b"", spool)


def message(ident: str, at: datetime = NOON) -> Message:
    """Give a message."""
    return Message(ident, b"digest of it", at, b"sealed")


async def test_a_report_is_kept_once_and_known_afterwards(store: Reports) -> None:
    """Who comes second is told so and finds what the first one left."""
    one = report("k1")
    assert await store.insert_each([one]) == [True]
    late, new = report("k1", NOON + timedelta(hours=1)), report("k2")
    assert await store.insert_each([late, new, new]) == [False, True, False]
    known = (await store.known([one.ticket, "0000000000000000"]))[one.ticket]
    assert (known.source, known.report, known.at, known.digest, known.sequence, dict(known.messages)) == (
        HTTP_SOURCE,
        "k1",
        NOON,
        b"digest",
        1,
        {},
    )
    assert await store.sealed(one.ticket) == b"sealed"
    assert await store.sealed("0000000000000000") is None


async def test_of_many_inserts_at_once_one_wins(store: Reports) -> None:
    """Ten requests with one key at the same time leave one report."""
    results = await asyncio.gather(*(store.insert_each([report("k")]) for _ in range(10)))
    assert sorted(results) == [[False]] * 9 + [[True]]


async def test_of_two_reports_with_one_twin_one_is_kept_and_found_by_it(store: Reports) -> None:
    """Whatever their ids are; a report without one is in nobody's way."""
    first, second = report("a", source="hotline"), report("b")
    twin = [replace(first, twin=b"twin"), replace(second, twin=b"twin")]
    assert await store.insert_each([twin[0]]) == [True]
    assert await store.insert_each([twin[1], report("c"), report("d")]) == [False, True, True]
    assert {key: known.ticket for key, known in (await store.twins([b"twin", b"none"])).items()} == {
        b"twin": first.ticket
    }


async def test_what_waits_is_found_in_order_until_it_was_published(store: Reports) -> None:
    """Fact before receipt, the oldest ticket first, and nothing once it is done."""
    later, sooner = report("later", NOON + timedelta(seconds=1)), report("sooner")
    await store.insert_each([later])
    await store.insert_each([sooner])
    found = await store.waiting(10)
    assert [one.ticket for one in found] == [sooner.ticket, later.ticket]
    assert found[0].messages == (SAID, RECEIPT)
    assert (found[0].first, found[0].last, found[0].since) == (1, 1, NOON)
    assert [one.ticket for one in await store.waiting(1)] == [sooner.ticket]
    assert [one.ticket for one in await store.waiting_of([later.ticket])] == [later.ticket]
    await store.published(found)
    assert await store.waiting(10) == []
    assert await store.waiting_of([later.ticket]) == []
    await store.published([])


async def test_a_report_of_the_topic_waits_for_nothing(store: Reports) -> None:
    """What the partition loop publishes is not in the spool."""
    await store.insert_each([report("1", source="hotline")])
    assert await store.waiting(10) == []


async def test_messages_are_numbered_in_the_order_in_which_they_are_kept(store: Reports) -> None:
    """The second of two that saw the same state is told so, and nothing of it is kept."""
    one = report("k")
    await store.insert_each([one])
    before = (await store.known([one.ticket]))[one.ticket]
    assert await store.push(before, message("m1"), [FOLLOW_UP])
    assert not await store.push(before, message("m2"), [FOLLOW_UP])
    after = (await store.known([one.ticket]))[one.ticket]
    assert (after.sequence, dict(after.messages)) == (2, {"m1": b"digest of it"})
    (waiting,) = await store.waiting(10)
    assert waiting.messages == (SAID, RECEIPT, FOLLOW_UP)
    assert (waiting.first, waiting.last) == (1, 2)


async def test_a_message_that_comes_while_its_report_is_published_is_not_forgotten(store: Reports) -> None:
    """All of the ticket is published once more: twice is harmless, never is not."""
    one = report("k")
    await store.insert_each([one])
    at_hand = await store.waiting(10)
    assert await store.push((await store.known([one.ticket]))[one.ticket], message("m1"), [FOLLOW_UP])
    await store.published(at_hand)
    (waiting,) = await store.waiting(10)
    assert waiting.messages == (SAID, RECEIPT, FOLLOW_UP)
    await store.published([waiting])
    assert await store.waiting(10) == []


async def test_a_message_on_a_published_report_waits_alone(store: Reports) -> None:
    """Sequence 2 waits and says that 1 has gone before."""
    one = report("k")
    await store.insert_each([one])
    await store.published(await store.waiting(10))
    later = NOON + timedelta(minutes=1)
    assert await store.push((await store.known([one.ticket]))[one.ticket], message("m1", later), [FOLLOW_UP])
    (waiting,) = await store.waiting(10)
    assert (waiting.first, waiting.last, waiting.since, waiting.messages) == (2, 2, later, (FOLLOW_UP,))


async def test_nothing_is_tracked_before_the_log_has_brought_it(store: Reports) -> None:
    """No ticket document, no state."""
    one = report("k")
    await store.insert_each([one])
    assert await store.tracked(one.ticket) is None
    assert await store.on_log([one.ticket]) == set()
    assert await store.on_log([]) == set()


async def test_what_the_log_loop_keeps_can_be_tracked(store: Reports) -> None:
    """The ticket document of the loop carries the state as JSON."""
    state = b'{"where":"ordered"}'
    if isinstance(store, MemoryReports):
        store.tickets["T1"] = state
    else:
        await store._tickets.insert_one({"_id": "T1", "s": state})
    assert await store.tracked("T1") == state
    assert await store.on_log(["T1", "T2"]) == {"T1"}
