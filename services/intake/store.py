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
from shared.mongo import ASCENDING, DESCENDING, InsertOne, UpdateOne, durable, insert_each, remedies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from services.intake.domain import Search
    from shared.envelope import Outgoing
    from shared.mongo import Database, Document, Operation

COLLECTION = "reports"
SCHEDULE = "schedule"
LONGEST_MS = 5000
"""How long one look into the public list may take."""
_PUBLIC = {"public.at": {"$exists": True}}
INDEXES = (
    Index(COLLECTION, (("waiting", 1),), partial={"waiting": {"$exists": True}}),
    Index(COLLECTION, (("twin", 1),), unique=True, partial={"twin": {"$exists": True}}),
    Index(TICKETS, (("public.at", -1), ("_id", 1)), partial=_PUBLIC),
    Index(TICKETS, (("public.code", 1), ("public.at", -1), ("_id", 1)), partial=_PUBLIC),
)


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
    twin: bytes = b""
    """What the same report has at the other door too; empty: nothing by which it could be known there."""
    withheld: bool = False
    """Of a person of whom care is taken: nothing that they say later travels either."""

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
        if self.twin:
            document["twin"] = self.twin
        if self.withheld:
            document["withheld"] = True
        if self.spool:
            document |= {"spool": [[1, pack(self.spool)]], "waiting": self.at}
        return document

    def waiting(self) -> Waiting:
        """Give what must be published of it, as long as nobody has said more."""
        return Waiting(self.ticket, self.source, self.at, 1, 1, tuple(self.spool))


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
    withheld: bool = False
    """Nothing that the person says travels."""


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
        self._db = db
        self._tickets = db[TICKETS]

    @staticmethod
    def insertion(report: Report) -> Operation:
        """Give the write for the turn's transaction; who comes second gets a Conflict there."""
        return InsertOne(report.document())

    async def insert_each(self, reports: Sequence[Report]) -> list[bool]:
        """Keep every report that is new, durably, in one write; of each whether it was.

        Raises TryLater when it is not known of all of them.
        """
        late = await insert_each(self._reports, [report.document() for report in reports])
        return [position not in late for position in range(len(reports))]

    async def twins(self, twins: Iterable[bytes]) -> dict[bytes, Known]:
        """Give what is known, for good, of the reports that have one of these."""
        wanted = {"twin": {"$in": list(twins)}}
        with remedies():
            found = await self._durable.find(wanted, {"sealed": 0, "spool": 0, "messages.sealed": 0}).to_list(None)
        return {document["twin"]: _known(document) for document in found}

    async def known(self, tickets: Iterable[str]) -> dict[str, Known]:
        """Give what is known, for good, of those tickets that were taken."""
        wanted = {"_id": {"$in": list(tickets)}}
        with remedies():
            found = await self._durable.find(wanted, {"sealed": 0, "spool": 0, "messages.sealed": 0}).to_list(None)
        return {document["_id"]: _known(document) for document in found}

    async def looked_at(self) -> datetime | None:
        """Give until when all that the calendar asks for has been reported; None when nobody has looked yet."""
        with remedies():
            found = await self._db[SCHEDULE].find_one({"_id": "looked"})
        return None if found is None else found["until"]

    async def looked(self, until: datetime) -> None:
        """Remember until when all that the calendar asks for has been reported; what is later stands."""
        with remedies():
            await self._db[SCHEDULE].update_one({"_id": "looked"}, {"$max": {"until": until}}, upsert=True)

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

    async def public(self, search: Search) -> list[tuple[str, bytes]]:
        """Give ticket and state of the public requests that are wanted, newest first."""
        wanted: Document = {"public.at": {"$gte": search.since, "$lte": search.until}}
        if search.codes:
            wanted["public.code"] = {"$in": list(search.codes)}
        if search.is_open is not None:
            wanted["public.open"] = search.is_open
        with remedies():
            found = self._tickets.find(wanted, {"s": 1}).sort([("public.at", DESCENDING), ("_id", ASCENDING)])
            documents = await found.skip(search.skip).limit(search.limit).max_time_ms(LONGEST_MS).to_list(search.limit)
        return [(document["_id"], bytes(document["s"])) for document in documents]

    async def states(self, tickets: Iterable[str]) -> dict[str, bytes]:
        """Give the states of those of the tickets that the log has brought."""
        with remedies():
            found = await self._tickets.find({"_id": {"$in": list(tickets)}}, {"s": 1}).to_list(None)
        return {document["_id"]: bytes(document["s"]) for document in found}

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
        document.get("withheld", False),
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
