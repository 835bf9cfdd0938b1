"""Does everything that was taken get published, in order, whoever crashes?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.intake.announce import HTTP_SOURCE, said
from services.intake.domain import MessageSubmitted, received
from services.intake.spool import LOOK_EVERY_S, Spool
from services.intake.store import Message, Report
from shared.errors import TryLater
from shared.ids import ticket_id
from shared.topics import TICKETS
from tests.unit.intake.counter import NOON, Counter, as_json, head, record

REPORT = {"channel": "app", "text": "x"}


def another(counter: Counter) -> Spool:
    """Give the spool of another process on the same store, which remembers nothing."""
    return Spool(counter.store, counter.paper, counter.clock)


def numbers(counter: Counter) -> list[str]:
    """Give the sequences of the facts that were published."""
    return [head(message, "ce_sequence") for message in counter.paper.sent if message.topic == TICKETS]


async def urge(counter: Counter, ticket: str) -> None:
    """Keep a message on a ticket, as the HTTP door does."""
    known = (await counter.store.known([ticket]))[ticket]
    ident = f"m{known.sequence}"
    fact = said(received(MessageSubmitted(kind="urge"), ident, NOON), ticket, known.sequence + 1, NOON, ident)
    assert await counter.store.push(known, Message(ident, b"d", NOON, b"s"), [fact])
    counter.spool.wake(ticket)


async def test_what_a_dead_process_left_is_published_by_another() -> None:
    """At once when it is older than two seconds."""
    counter = Counter()
    await counter.submit("k", REPORT)
    counter.clock.advance(timedelta(seconds=3))
    await another(counter).step()
    assert numbers(counter) == ["1"]
    assert await counter.store.waiting(9) == []


async def test_what_was_left_is_published_though_the_clock_stands_still() -> None:
    """Seen at two looks in a row, it was left."""
    counter = Counter()
    await counter.submit("k", REPORT)
    spool = another(counter)
    await spool.step()
    assert numbers(counter) == []
    spool._next_look -= LOOK_EVERY_S
    await spool.step()
    assert numbers(counter) == ["1"]


async def test_while_kafka_is_away_nothing_is_forgotten() -> None:
    """The step says so, and later everything goes out once."""
    counter = Counter()
    for number in range(3):
        await counter.submit(f"k{number}", REPORT)
    counter.paper.away = True
    with pytest.raises(TryLater):
        await counter.spool.step()
    counter.paper.away = False
    counter.clock.advance(timedelta(seconds=3))
    counter.spool._next_look = 0.0
    await counter.spool.step()
    assert numbers(counter) == ["1", "1", "1"]
    assert await counter.store.waiting(9) == []


async def test_a_long_queue_is_worked_off_without_a_pause() -> None:
    """A thousand that waited go out in as many steps as needed, one right after the other."""
    counter = Counter()
    for number in range(1001):
        key = str(number)
        fact = said(received(MessageSubmitted(kind="urge"), key, NOON), key, 1, NOON, key)
        await counter.store.insert_each([Report(key, HTTP_SOURCE, key, NOON, b"s", b"d", [fact])])
    counter.clock.advance(timedelta(seconds=3))
    spool = another(counter)
    for _ in range(3):
        await spool.step()
    assert len(numbers(counter)) == 1001


async def test_a_crash_between_publishing_and_forgetting_repeats_and_loses_nothing() -> None:
    """The same ids and numbers again, in the same order."""
    counter = Counter()
    ticket = (await counter.submit("k", REPORT)).json()["ticket_id"]
    await urge(counter, ticket)
    waiting = await counter.store.waiting(9)
    await counter.paper.send([message for one in waiting for message in one.messages])
    await counter.spool.step()
    assert numbers(counter) == ["1", "2", "1", "2"]


async def test_a_message_waits_until_its_report_is_on_the_log() -> None:
    """A report of the topic is published by the partition loop; a message on it must not overtake it."""
    counter = Counter()
    await counter.turn(record(as_json(), "r1"))
    ticket = ticket_id("hotline", "r1")
    await urge(counter, ticket)
    await counter.spool.step()
    assert numbers(counter) == []
    counter.store.tickets[ticket] = b"{}"
    counter.clock.advance(timedelta(seconds=3))
    counter.spool._next_look = 0.0
    await counter.spool.step()
    assert numbers(counter) == ["2"]


async def test_an_idle_spool_rests() -> None:
    """It looks about once a second and not more often."""
    counter = Counter()
    await counter.spool.step()
    looks = counter.spool._next_look
    await counter.spool.step()
    assert 0.9 * LOOK_EVERY_S <= counter.spool._next_look - looks <= 2 * LOOK_EVERY_S
