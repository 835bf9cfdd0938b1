"""How many timers are armed, and how many are due and have not fired? Counted on the loop's own timer index."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.mongo import remedies

if TYPE_CHECKING:
    from shared.indexes import Index
    from shared.mongo import Database

INDEXES: tuple[Index, ...] = ()
"""The loop's index on (p, w) serves the timers and the counts; a second one would cost a write per clock."""
EVER = datetime(1970, 1, 1, tzinfo=UTC)


async def count_timers(db: Database, partitions: int, now: datetime) -> tuple[int, int]:
    """Give how many tickets of the whole database wait for an instant, and how many of these have passed.

    Naming the partitions keeps both counts inside the index. Raises TryLater.
    """
    everywhere = {"$in": list(range(partitions))}
    with remedies():
        armed = await db["tickets"].count_documents({"p": everywhere, "w": {"$gte": EVER}})
        overdue = await db["tickets"].count_documents({"p": everywhere, "w": {"$gte": EVER, "$lte": now}})
    return int(armed), int(overdue)
