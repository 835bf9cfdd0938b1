"""Which read models are the living ones? Those of the present generation; a rebuild makes the next and moves on.

shared/decisions/0005-rebuild-beside.md says how and why. A service that never rebuilds stays at generation 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.mongo import remedies

if TYPE_CHECKING:
    from shared.mongo import Database, Session

FIRST: Final = 1
META: Final = "meta"
POINTER: Final = "generation"


def collection_of(collection: str, generation: int) -> str:
    """Give the name of a collection in a generation; the first has the plain name."""
    return collection if generation == FIRST else f"{collection}_g{generation}"


def generation_of(collection: str, name: str) -> int | None:
    """Give the generation whose collection has this name; None when it is another collection's."""
    if name == collection:
        return FIRST
    number = name.removeprefix(f"{collection}_g")
    return int(number) if number != name and number.isdecimal() else None


def partition_key(group: str, generation: int, topic: str, number: int) -> str:
    """Give the id of a partition document; each generation has documents, and so offsets, of its own."""
    inner = "" if generation == FIRST else f"g{generation}/"
    return f"{group}/{inner}{topic}/{number}"


class Generations:
    """The pointer of one service's database."""

    def __init__(self, db: Database) -> None:
        """Read and move the pointer in `db`."""
        self._meta = db[META]

    async def current(self) -> int:
        """Give the present generation; raises TryLater."""
        with remedies():
            found = await self._meta.find_one({"_id": POINTER})
        return int(found["current"]) if found else FIRST

    async def move(self, before: int, after: int, session: Session) -> bool:
        """Move the pointer within a transaction; False when it stood elsewhere."""
        with remedies():
            found = await self._meta.find_one({"_id": POINTER}, session=session)
            if (int(found["current"]) if found else FIRST) != before:
                return False
            await self._meta.update_one({"_id": POINTER}, {"$set": {"current": after}}, upsert=True, session=session)
        return True
