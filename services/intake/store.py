"""How are reports kept? One document each: identity, the sealed body, and what must still be published of it.

The spool stands inside the report's document, so that taking a report, or a message on it, is one atomic write
of one document: no transaction, nothing half-taken, and messages are counted where they are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.indexes import Index
from shared.loop.partitions import pack, unpack
from shared.loop.tickets import COLLECTION as TICKETS
from shared.mongo import ASCENDING, InsertOne, UpdateOne, durable, remedies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from shared.envelope import Outgoing
    from shared.mongo import Database, Document, Operation

COLLECTION = "reports"
INDEXES = (Index(COLLECTION, (("waiting", 1),), partial={"waiting": {"$exists": True}}),)


@dataclass(frozen=True, slots=True)
class Report:
    """A report that was taken; `spool` is what must be published of it (empty: the partition loop publishes it)."""

    ticket: str
    source: str
    report: str
    """The sender's id of it: `ce_id`, or the Idempotency-Key."""
    at: datetime
    sealed: bytes = field(repr=False)
    digest: bytes = b""
    spool: Sequence[Outgoing] = ()

    def document(self) -> Document:
        """Give it as MongoDB stores it."""
        document: Document = {
            "_id": self.ticket,
            "source": self.source,
            "report": self.report,
            "at": self.at,
            "n": 1,
            "sealed": self.sealed,
        }
        if self.digest:
            document["digest"] = self.digest
        if self.spool:
            document |= {"spool": [[1, pack(self.spool)]], "waiting": self.at}
        return document


@dataclass(frozen=True, slots=True)
class Known:
    """What tells whether a report is the same again, and how the conversation on it goes."""

    ticket: str
    source: str
    report: str
    at: datetime
    digest: bytes
    sequence: int
    """intake's last sequence on the ticket."""
    messages: Mapping[str, bytes]
    """Message id -> digest."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something more that the person said."""

    ident: str
    digest: bytes
    at: datetime
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """What of a ticket must still be published, in order."""

    ticket: str
    source: str
    since: datetime
    first: int
    """Sequence of the first fact that waits."""
    last: int
    messages: tuple[Outgoing, ...]


class Reports:
    """intake's own documents in its own database."""

    def __init__(self, db: Database) -> None:
        """Connect nothing yet."""
        self._reports = db[COLLECTION]
        self._durable = durable(db, COLLECTION)
        self._tickets = db[TICKETS]

    @staticmethod
    def insertion(report: Report) -> Operation:
        """Give the write for the turn's transaction; who comes second gets a Conflict there."""
        return InsertOne(report.document())

    async def insert(self, report: Report) -> None:
        """Keep a report, durably; raises Conflict when there is one of that id, TryLater when it may not be kept."""
        with remedies():
            await self._reports.insert_one(report.document())

    async def known(self, tickets: Iterable[str]) -> dict[str, Known]:
        """Give what is known, for good, of those tickets that were taken."""
        wanted = {"_id": {"$in": list(tickets)}}
        with remedies():
            found = await self._durable.find(wanted, {"sealed": 0, "spool": 0, "messages.sealed": 0}).to_list(None)
        return {document["_id"]: _known(document) for document in found}

    async def push(self, known: Known, message: Message, spool: Sequence[Outgoing]) -> bool:
        """Keep a message as the next of intake's facts on the ticket, durably; False when somebody was faster."""
        number = known.sequence + 1
        kept = {"id": message.ident, "digest": message.digest, "at": message.at, "sealed": message.sealed}
        with remedies():
            result = await self._reports.update_one(
                {"_id": known.ticket, "n": known.sequence},
                {
                    "$set": {"n": number},
                    "$push": {"messages": kept, "spool": [number, pack(spool)]},
                    "$min": {"waiting": message.at},
                },
            )
        return bool(result.matched_count)

    async def waiting(self, limit: int) -> list[Waiting]:
        """Give what waits to be published, longest first."""
        with remedies():
            found = self._reports.find({"waiting": {"$exists": True}}, {"sealed": 0, "messages": 0})
            return [
                _waiting(document) for document in await found.sort("waiting", ASCENDING).limit(limit).to_list(limit)
            ]

    async def waiting_of(self, tickets: Iterable[str]) -> list[Waiting]:
        """Give what waits to be published of some tickets."""
        wanted = {"_id": {"$in": list(tickets)}, "waiting": {"$exists": True}}
        with remedies():
            found = await self._reports.find(wanted, {"sealed": 0, "messages": 0}).to_list(None)
        return [_waiting(document) for document in found]

    async def published(self, done: Iterable[Waiting]) -> None:
        """Forget what was published; of a ticket on which more came meanwhile all is published once more."""
        clear = {"$unset": {"spool": "", "waiting": ""}}
        writes = [UpdateOne({"_id": one.ticket, "n": one.last}, clear) for one in done]
        if writes:
            with remedies():
                await self._reports.bulk_write(writes, ordered=False)

    async def on_log(self, tickets: Sequence[str]) -> set[str]:
        """Give those of the tickets whose first fact was read from the log, which means that it is there."""
        if not tickets:
            return set()
        with remedies():
            return set(await self._tickets.distinct("_id", {"_id": {"$in": list(tickets)}}))

    async def tracked(self, ticket: str) -> bytes | None:
        """Give the state that the log loop keeps of a ticket, as JSON; None before the log has brought it."""
        with remedies():
            found = await self._tickets.find_one({"_id": ticket}, {"s": 1})
        return None if found is None else bytes(found["s"])

    async def sealed(self, ticket: str) -> bytes | None:
        """Give the sealed body of a report."""
        with remedies():
            found = await self._reports.find_one({"_id": ticket}, {"sealed": 1})
        return None if found is None else bytes(found["sealed"])


def _known(document: Document) -> Known:
    return Known(
        document["_id"],
        document["source"],
        document["report"],
        document["at"],
        document.get("digest", b""),
        document["n"],
        {m["id"]: m["digest"] for m in document.get("messages", ())},
    )


def _waiting(document: Document) -> Waiting:
    spool: list[tuple[int, bytes]] = sorted((entry[0], entry[1]) for entry in document["spool"])
    return Waiting(
        document["_id"],
        document["source"],
        document["waiting"],
        spool[0][0],
        spool[-1][0],
        tuple(message for _, packed in spool for message in unpack(packed)),
    )
