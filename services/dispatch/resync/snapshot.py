"""How does a snapshot get onto a department's topic? Its start, each order by its ticket's own loop, its end.

Every step may be repeated after a crash, and by two instances at once: ids follow from the request, a ticket answers
a command once, and a reader skips an id that it has seen.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from shared.chance import random_id
from shared.envelope import Envelope, Outgoing, headers
from shared.errors import TryLater
from shared.ids import named, ticket_of_order
from shared.loop.loop import Probe, no_probe
from shared.messages import ResyncCompleted, ResyncStarted, ShowOrder
from shared.topics import TICKETS, dispatch_topic, updates_topic

if TYPE_CHECKING:
    from services.dispatch.resync.store import Resync, Resyncs
    from shared.kafka import Publisher
    from shared.loop.loop import PartitionLoop

PAUSE_S: Final = 0.1
IDLE_S: Final = 1.0


class Snapshots:
    """Carries out what the door has written down, on the instance that owns the department's partition."""

    def __init__(
        self,
        store: Resyncs,
        publisher: Publisher,
        log_loop: PartitionLoop,
        door_loop: PartitionLoop,
        page: int,
        probe: Probe = no_probe,
    ) -> None:
        """Know the loops: one decides the tickets, the other says which departments are ours.

        `page` orders are asked for at once: others' updates come between two pages.
        """
        self._store = store
        self._publisher = publisher
        self._log = log_loop
        self._door = door_loop
        self._page = page
        self._probe = probe
        self._seen: dict[tuple[str, int], bytes] = {}

    async def step(self) -> None:
        """Bring every snapshot of ours one step on; raises TryLater."""
        ours = [resync for resync in await self._store.unfinished() if await self._is_ours(resync)]
        for resync in ours:
            await self.advance(resync)
        await asyncio.sleep(PAUSE_S if ours else IDLE_S)

    async def _is_ours(self, resync: Resync) -> bool:
        return resync.partition in await self._door.positions(updates_topic(resync.topic))

    async def advance(self, resync: Resync) -> None:
        """Bring one snapshot one step on."""
        if resync.state == "asked":
            await self._list(resync)
        elif resync.state == "listed":
            await self._ask(resync)
        elif resync.state == "sent":
            if await self._answered(resync):
                await self._store.move(resync, state="ended", held_up=await self._store.held_up(resync))
        else:
            await self._publisher.send([_completed(resync)])
            self._probe("resync-ended")
            self._seen = {key: value for key, value in self._seen.items() if key[0] != resync.id}
            await self._store.forget(resync)
            await self._store.move(resync, state="done")

    async def _list(self, resync: Resync) -> None:
        """Write down which orders the snapshot is of; whoever is second here throws its own list away."""
        listed = random_id()
        pages, count = await self._store.write_list(resync, listed, self._page)
        self._probe("resync-listed")
        if not await self._store.move(resync, state="listed", list=listed, pages=pages, count=count):
            await self._store.forget(resync, listed)

    async def _ask(self, resync: Resync) -> None:
        """Put the next page of commands on the log; the start comes before the first."""
        if resync.sent == 0:
            await self._publisher.send([_started(resync)])
            self._probe("resync-started")
        if resync.pages:
            await self._publisher.send([_asking(resync, order) for order in await self._store.next_page(resync)])
        self._probe("resync-asked")
        sent = resync.sent + 1
        if sent < resync.pages:
            await self._store.move(resync, sent=sent)
        else:
            await self._store.move(resync, sent=sent, state="sent", ends=await self._ends())

    async def _ends(self) -> list[int]:
        """Give where the log's partitions end now; raises TryLater."""
        count = await self._publisher.partitions(TICKETS)
        parts = [TopicPartition(TICKETS, number) for number in range(count)]
        if self._log.consumer is None:
            raise TryLater("Kafka is away: the log is not read yet")
        try:
            ends = await self._log.consumer.end_offsets(parts)
        except KafkaError as error:
            raise TryLater(f"Kafka does not tell the end of the log: {error}") from error
        return [ends[part] for part in parts]

    async def _answered(self, resync: Resync) -> bool:
        """Tell whether every ticket has answered and all that they said is on the topic.

        A partition's document holds what its last turn said until the next turn: the outbox that stands when the end
        is reached has been published once it is empty or another one.
        """
        documents = await self._store.outboxes(self._log.group, len(resync.ends))
        waiting = False
        for number, end in enumerate(resync.ends):
            position, outbox = documents.get(number, (0, b""))
            reached = position >= end
            if reached and outbox and self._seen.setdefault((resync.id, number), outbox) == outbox:
                reached = False
            waiting = waiting or not reached
        return not waiting


def _started(resync: Resync) -> Outgoing:
    body = ResyncStarted(resync_id=resync.id, update_id=resync.update, orders=resync.count, since=resync.since)
    return _told(resync, body)


def _completed(resync: Resync) -> Outgoing:
    body = ResyncCompleted(resync_id=resync.id, update_id=resync.update, orders=resync.count, held_up=resync.held_up)
    return _told(resync, body)


def _told(resync: Resync, body: ResyncStarted | ResyncCompleted) -> Outgoing:
    envelope = Envelope(
        id=named(resync.id, body.type),
        source="gridcall/dispatch",
        type=body.type,
        time=resync.at,
        causation=resync.update,
        traceparent=resync.traceparent,
    )
    return Outgoing(dispatch_topic(resync.topic), resync.id, headers(envelope), body.model_dump_json().encode())


def _asking(resync: Resync, order: str) -> Outgoing:
    ticket = ticket_of_order(order)
    assert ticket is not None  # noqa: S101 - an order of our own
    body = ShowOrder(by=resync.department, order_id=order, resync_id=resync.id)
    envelope = Envelope(
        id=named(resync.id, order),
        source=f"gridcall/door/{resync.department}",
        type=body.type,
        time=resync.at,
        subject=ticket,
        causation=resync.id,
        traceparent=resync.traceparent,
    )
    return Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json(exclude_defaults=True).encode())
