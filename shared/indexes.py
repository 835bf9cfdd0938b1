"""Which indexes does a service need? Declared in its store.py, created by `gridcall topics apply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shared.mongo import remedies

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.mongo import Database


@dataclass(frozen=True, slots=True)
class Index:
    """An index on a collection; `partial` limits it to some documents, `expire_after_s` lets them expire."""

    collection: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    partial: dict[str, Any] | None = None
    expire_after_s: int | None = None


LOOP_INDEXES = (
    Index("tickets", (("p", 1), ("w", 1)), partial={"w": {"$exists": True}}),
    Index("parked", (("p", 1), ("ticket", 1))),
    Index("parked", (("ticket", 1), ("n", 1))),
    Index("dead_letters", (("state", 1), ("at", -1))),
)
"""What the partition loop itself looks things up by, in every service's database."""


async def ensure(db: Database, indexes: Iterable[Index]) -> int:
    """Create the indexes that are missing; gives how many were asked for. Raises TryLater."""
    count = 0
    for index in indexes:
        options: dict[str, Any] = {"unique": index.unique}
        if index.partial is not None:
            options["partialFilterExpression"] = index.partial
        if index.expire_after_s is not None:
            options["expireAfterSeconds"] = index.expire_after_s
        with remedies():
            await db[index.collection].create_index(list(index.keys), **options)
        count += 1
    return count
