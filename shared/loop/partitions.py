"""Who owns a partition, how far has it been read, and what must still be published?

One document per (group, topic, partition) answers all three; it is the fence and the outbox.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import ormsgpack

from shared.envelope import Outgoing
from shared.errors import Fenced
from shared.loop.generations import FIRST, partition_key
from shared.mongo import UpdateOne, remedies, session_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from shared.mongo import Database, Mongo, Operation, Session

COLLECTION = "partitions"


def _nothing() -> None:
    return None


@dataclass(slots=True)
class Partition:
    """What the owner remembers of a partition document."""

    key: str
    topic: str
    number: int
    version: int = 0
    next_offset: int = 0
    committed: int = 0
    """The offset that was last committed to Kafka; the fence is what counts."""
    position: int = 0
    """The offset after the last record that was read, interesting or not; ahead of or equal to next_offset."""
    outbox: list[Outgoing] = field(default_factory=list)
    """What was decided and may not have been published."""
    outbox_since: datetime | None = None
    stored_outbox: bool = False
    """The stored document holds an outbox, published or not."""
    next_due: datetime | None = None
    read_first: int | None = None
    """Records up to this offset were there when a timer came due: they are read before it fires."""
    asked_at: datetime | None = None
    """The instant at which `read_first` was the end of the log."""
    clear_until: datetime | None = None
    """All that was on the log at this instant is read: what was due by then may fire."""
    parked: set[str] = field(default_factory=set)
    """Tickets of this partition whose records queue."""


async def begin_at(db: Database, group: str, topic: str, offsets: Mapping[int, int]) -> None:
    """Let a consumer group that is yet to read a topic begin there, partition by partition; raises TryLater.

    One that has read a partition goes on where it is; a partition that is not named begins with its oldest record.
    """
    with remedies():
        for number, offset in offsets.items():
            first = {"next_offset": offset, "outbox": b"", "version": 0}
            key = {"_id": partition_key(group, FIRST, topic, number)}
            await db[COLLECTION].update_one(key, {"$setOnInsert": first}, upsert=True)


def pack(outbox: Sequence[Outgoing]) -> bytes:
    """Give an outbox as MongoDB stores it: MessagePack, which it need not look into."""
    return ormsgpack.packb([tuple(message) for message in outbox]) if outbox else b""


def unpack(stored: bytes) -> list[Outgoing]:
    """Give the outbox back, equal to what was packed."""
    if not stored:
        return []
    return [
        Outgoing(topic, key, [(name, content) for name, content in headers], value, partition)
        for topic, key, headers, value, partition in ormsgpack.unpackb(stored)
    ]


class PartitionStore:
    """Reads and writes partition documents of one consumer group for one owner."""

    def __init__(self, db: Database, group: str, owner: str, mongo: Mongo) -> None:
        """`owner` is the random id of this process' loop."""
        self._db = db
        self._documents = db[COLLECTION]
        self._group = group
        self._owner = owner
        self._mongo = mongo
        self._session: Session | None = None

    async def _own_session(self) -> Session:
        """Give the one session in which this owner's transactions run, one after the other."""
        if self._session is None:
            self._session = await self._mongo.session()
        return self._session

    async def claim(self, topic: str, number: int, generation: int = FIRST) -> Partition:
        """Become the owner: whoever owned it before is refused from now on, its open transaction ended."""
        key = partition_key(self._group, generation, topic, number)
        ident = session_id(await self._own_session())
        with remedies():
            before = await self._documents.find_one({"_id": key}, {"session": 1})
        if before is not None and before.get("session", ident) != ident:
            await self._mongo.end_session(before["session"])
        with remedies():
            found = await self._documents.find_one_and_update(
                {"_id": key},
                {
                    "$set": {"owner": self._owner, "session": ident},
                    "$inc": {"version": 1},
                    "$setOnInsert": {"next_offset": 0, "outbox": b""},
                },
                upsert=True,
                return_document=True,
            )
        return self._partition(found, topic, number)

    async def read(self, partition: Partition) -> Partition:
        """Read a partition of one's own again; raises Fenced when it has another owner by now."""
        with remedies():
            found = await self._documents.find_one({"_id": partition.key})
        if found is None or found.get("owner") != self._owner:
            raise Fenced(partition.key)
        return self._partition(found, partition.topic, partition.number)

    def _partition(self, found: dict[str, Any], topic: str, number: int) -> Partition:
        outbox = unpack(found["outbox"])
        return Partition(
            key=found["_id"],
            topic=topic,
            number=number,
            version=found["version"],
            next_offset=found["next_offset"],
            position=found["next_offset"],
            outbox=outbox,
            stored_outbox=bool(outbox),
        )

    async def write(
        self,
        turns: Sequence[tuple[Partition, int, Sequence[Outgoing]]],
        writes: Mapping[str, Sequence[Operation]] | None = None,
        before_commit: Callable[[], None] = _nothing,
    ) -> None:
        """Write next offset and outbox of some partitions; raises Fenced when one of them is no longer ours.

        With `writes` (collection -> operations) all of it is one transaction. Without, each partition is written
        by itself: after an error some may be, and are to be read again.
        """
        updates = [
            UpdateOne(
                {"_id": partition.key, "owner": self._owner, "version": partition.version},
                {"$set": {"version": partition.version + 1, "next_offset": next_offset, "outbox": pack(outbox)}},
            )
            for partition, next_offset, outbox in turns
        ]
        if writes:
            named = [(self._db[name], operations) for name, operations in writes.items()]
            await self._mongo.write(await self._own_session(), (self._documents, updates), named, before_commit)
            return
        with remedies():
            result = await self._documents.bulk_write(updates, ordered=True)
        before_commit()
        if result.matched_count != len(updates):
            raise Fenced(", ".join(partition.key for partition, _, _ in turns))
