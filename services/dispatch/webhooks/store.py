"""Which records wait to be posted? One document each, from the turn that read it until the department has it.

A record's place in its ticket is its offset: a ticket's first document is the one to deliver, whatever state the
others are in. So whatever is killed between two writes here, the order stands.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from shared.indexes import Index
from shared.mongo import ASCENDING, ReplaceOne, remedies

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.mongo import Database, Operation

COLLECTION: Final = "webhook_records"
INDEXES: Final = (
    Index(COLLECTION, (("department", 1), ("state", 1), ("due", 1))),
    Index(COLLECTION, (("department", 1), ("ticket", 1), ("n", 1))),
)
BEHIND: Final = datetime(9999, 1, 1, tzinfo=UTC)
"""When a record that waits behind a dead letter is due."""

State = Literal["waiting", "dead"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that the department has not got."""

    id: str
    department: str
    partition: int
    offset: int
    ticket: str
    event: str
    """Its CloudEvents id, the same at every attempt."""
    type: str
    body: bytes
    at: datetime
    """When it was read from the topic."""
    due: datetime
    state: State = "waiting"
    attempts: int = 0
    first_at: datetime | None = None
    """When it was first tried."""
    error: str = ""
    behind: int = 0
    """Records of its ticket that wait behind it; counted for lists only."""


class Deliveries:
    """What waits, in dispatch's own database."""

    def __init__(self, db: Database) -> None:
        """Connect nothing yet."""
        self._records = db[COLLECTION]

    @staticmethod
    def insertion(record: Waiting) -> Operation:
        """Give the write for the turn's transaction; a record that is read again is the same document."""
        document = {
            "_id": record.id,
            "department": record.department,
            "p": record.partition,
            "n": record.offset,
            "ticket": record.ticket,
            "event": record.event,
            "type": record.type,
            "body": record.body,
            "at": record.at,
            "due": record.due,
            "state": record.state,
            "attempts": 0,
        }
        return ReplaceOne({"_id": record.id}, document, upsert=True)

    async def due(
        self, department: str, partitions: Collection[int], now: datetime, busy: Collection[str], limit: int
    ) -> list[str]:
        """Give the tickets with a record that is due, longest first, those that are busy left out."""
        pipeline: list[dict[str, Any]] = [
            {
                "$match": {
                    "department": department,
                    "state": "waiting",
                    "due": {"$lte": now},
                    "p": {"$in": list(partitions)},
                    "ticket": {"$nin": list(busy)},
                }
            },
            {"$group": {"_id": "$ticket", "due": {"$min": "$due"}, "n": {"$min": "$n"}}},
            {"$sort": {"due": 1, "n": 1}},
            {"$limit": limit},
        ]
        with remedies():
            return [group["_id"] for group in await self._records.aggregate(pipeline).to_list(limit)]

    async def head(self, department: str, ticket: str) -> Waiting | None:
        """Give the first record of a ticket that the department has not got."""
        with remedies():
            found = await self._records.find({"department": department, "ticket": ticket}).sort("n", 1).to_list(1)
        return _waiting(found[0]) if found else None

    async def delivered(self, record: Waiting) -> None:
        """Forget a record that the department has."""
        with remedies():
            await self._records.delete_one({"_id": record.id})

    async def failed(self, record: Waiting, state: State, first_at: datetime, error: str) -> None:
        """Note an attempt that failed."""
        change = {"state": state, "attempts": record.attempts + 1, "first_at": first_at, "error": error}
        with remedies():
            await self._records.update_one({"_id": record.id}, {"$set": change})

    async def postpone(self, department: str, ticket: str, due: datetime) -> None:
        """Let nothing of a ticket be due before an instant."""
        with remedies():
            await self._records.update_many(
                {"department": department, "ticket": ticket, "state": "waiting"}, {"$set": {"due": due}}
            )

    async def redrive(self, record: Waiting, now: datetime) -> None:
        """Let a dead letter, and then what waits behind it, be delivered from the beginning."""
        fresh = {"$set": {"state": "waiting", "due": now, "attempts": 0}, "$unset": {"first_at": ""}}
        with remedies():
            await self._records.update_many({"department": record.department, "ticket": record.ticket}, fresh)

    async def discard(self, record: Waiting, now: datetime) -> None:
        """Drop a dead letter, and let what waits behind it be delivered."""
        await self.delivered(record)
        await self.postpone(record.department, record.ticket, now)

    async def dead(self, department: str | None, limit: int, ident: str | None = None) -> list[Waiting]:
        """Give dead letters, oldest first, each with how many records wait behind it."""
        wanted: dict[str, Any] = {"state": "dead"}
        wanted |= {"_id": ident} if ident is not None else {}
        wanted |= {"department": department} if department is not None else {}
        with remedies():
            found = await self._records.find(wanted).sort("at", ASCENDING).limit(limit).to_list(limit)
            groups: list[dict[str, Any]] = await self._records.aggregate(
                [
                    {"$match": {"department": {"$in": list({f["department"] for f in found})}}},
                    {"$match": {"ticket": {"$in": list({f["ticket"] for f in found})}}},
                    {"$group": {"_id": {"d": "$department", "t": "$ticket"}, "count": {"$sum": 1}}},
                ]
            ).to_list(None)
        counts = {(group["_id"]["d"], group["_id"]["t"]): group["count"] for group in groups}
        return [_waiting(f, counts.get((f["department"], f["ticket"]), 1) - 1) for f in found]

    async def counted(self, department: str, most: int) -> tuple[int, int, datetime | None]:
        """Give how many records wait (counted up to `most`), how many are dead, and since when the first waits."""
        waiting = {"department": department, "state": "waiting", "due": {"$lt": BEHIND}}
        with remedies():
            count = await self._records.count_documents(waiting, limit=most)
            dead = await self._records.count_documents({"department": department, "state": "dead"})
            first = await self._records.find(waiting, {"at": 1}).sort("at", 1).to_list(1) if count else []
        return count, dead, first[0]["at"] if first else None


def _waiting(found: dict[str, Any], behind: int = 0) -> Waiting:
    return Waiting(
        found["_id"],
        found["department"],
        found["p"],
        found["n"],
        found["ticket"],
        found["event"],
        found["type"],
        bytes(found["body"]),
        found["at"],
        found["due"],
        found["state"],
        found["attempts"],
        found.get("first_at"),
        found.get("error", ""),
        behind,
    )
