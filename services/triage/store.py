"""What does triage keep beside the tickets that the loop stores? What may be the same matter, and what comes back.

Both collections hold one document per category and place, written with its version: of two turns that look at one
place at the same time the second decides anew, so that of two reports of one matter one always sees the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from shared.indexes import Index
from shared.mongo import ReplaceOne, remedies

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.mongo import Database, Document, Operation

ALIKE: Final = "alike"
REPEATS: Final = "repeats"
INDEXES: tuple[Index, ...] = (Index(ALIKE, (("tickets.id", 1),)),)


class Places:
    """Reads the documents of places; they are written with the turn."""

    def __init__(self, db: Database) -> None:
        """Read in triage's database."""
        self._db = db

    async def at(self, collection: str, keys: Collection[str]) -> dict[str, Document]:
        """Give what is known of some places; an empty document for one of which nothing is."""
        known = await self._found(collection, {"_id": {"$in": list(keys)}}) if keys else {}
        return {key: known.get(key) or {"_id": key, "v": 0, "tickets": []} for key in keys}

    async def holding(self, tickets: Collection[str]) -> dict[str, Document]:
        """Give the places at which some tickets stand."""
        return await self._found(ALIKE, {"tickets.id": {"$in": list(tickets)}}) if tickets else {}

    async def _found(self, collection: str, wanted: dict[str, Any]) -> dict[str, Document]:
        with remedies():
            return {each["_id"]: each for each in await self._db[collection].find(wanted).to_list(None)}


def kept(document: Document) -> Operation:
    """Give the write of a place; raises Conflict in the turn's transaction when somebody else wrote first."""
    before = {"_id": document["_id"], "v": document["v"]}
    return ReplaceOne(before, document | {"v": document["v"] + 1}, upsert=True)
