"""Which orders are open at a department, and how far has its snapshot come?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from services.dispatch.domain.state import OPEN, DispatchState
from shared.indexes import Index
from shared.loop.generations import FIRST, partition_key
from shared.loop.partitions import COLLECTION as PARTITIONS
from shared.loop.poison import PARKED
from shared.loop.tickets import COLLECTION as TICKET_DOCUMENTS
from shared.mongo import ASCENDING, ReplaceOne, durable, remedies
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from services.dispatch.domain import Order
    from shared.mongo import Database

RESYNCS: Final = "resyncs"
"""One document per department: its last snapshot."""
PAGES: Final = "resync_pages"
"""The orders of a snapshot under way, some in each document: a city's would fill more than the one MongoDB takes."""
ALONG: Final = (("o", ASCENDING), ("_id", ASCENDING))
INDEXES: Final = (
    Index(TICKET_DOCUMENTS, ALONG, partial={"o": {"$exists": True}}),
    Index(PAGES, (("resync", ASCENDING),)),
)
EXPECTED: Final = OPEN | {"done"}
"""States of an order of which its department will hear again: one that is done may come back for rework."""
REMEMBERED: Final = 100
"""Requests of a department whose repetition is recognised."""

State = Literal["asked", "listed", "sent", "ended", "done"]


@dataclass(frozen=True, slots=True)
class Resync:
    """A snapshot and how far it has come."""

    department: str
    id: str
    update: str
    topic: str
    partition: int
    at: datetime
    since: datetime | None
    traceparent: str = ""
    state: State = "asked"
    list: str = ""
    """Which pages are its own."""
    pages: int = 0
    count: int = 0
    """How many orders the pages hold."""
    sent: int = 0
    """How many pages have been asked for on the log."""
    ends: tuple[int, ...] = ()
    """Where the log's partitions ended when all were asked for."""
    held_up: int = 0
    past: tuple[str, ...] = ()
    """Requests before this one."""

    @property
    def over(self) -> bool:
        """Tell whether its end has been sent."""
        return self.state == "done"


def searchable(state: DispatchState) -> dict[str, Any]:
    """Give what stands beside a ticket's state: which departments expect to hear of which order, and since when.

    Nothing stands there while none does: what is over does not fill the index.
    """
    found = [order for order in state.orders if _expected(order) and order.handler.kind == "department"]
    if not found:
        return {}
    named = list(dict.fromkeys(order.handler.id for order in found))
    return {"o": named, "oi": [{"o": order.handler.id, "i": order.id, "t": order.issued_at} for order in found]}


def _expected(order: Order) -> bool:
    """Tell whether its department will hear of it again; what an assist has done comes back never."""
    return order.state in EXPECTED and (order.state != "done" or order.role == "lead")


class Resyncs:
    """The snapshots of all departments."""

    def __init__(self, db: Database) -> None:
        """Read and write in dispatch's own database."""
        self._db = db

    async def of(self, department: str) -> Resync | None:
        """Give a department's last snapshot; raises TryLater."""
        with remedies():
            found = await self._db[RESYNCS].find_one({"_id": department})
        return None if found is None else _resync(found)

    async def unfinished(self) -> list[Resync]:
        """Give every snapshot whose end has not been sent; raises TryLater."""
        with remedies():
            found = await self._db[RESYNCS].find({"state": {"$ne": "done"}}).to_list(None)
        return [_resync(document) for document in found]

    async def write_list(self, resync: Resync, listed: str, size: int) -> tuple[int, int]:
        """Write the ids of the department's open orders down, `size` on a page; gives how many pages and orders.

        They are read along an index in which a ticket keeps its place as long as the department has an order of it:
        what is open all the while is met once. Raises TryLater.
        """
        wanted: dict[str, Any] = {"o": resync.department}
        if resync.since is not None:
            wanted["oi"] = {"$elemMatch": {"o": resync.department, "t": {"$gte": resync.since}}}
        pages = count = 0
        with remedies():
            tickets = durable(self._db, TICKET_DOCUMENTS)
            cursor = tickets.find(wanted, {"_id": 0, "oi": 1}, batch_size=size).sort("_id", ASCENDING)
            while found := await cursor.to_list(size):
                orders = [order for ticket in found for order in _of(resync, ticket["oi"])]
                page = {"_id": f"{listed}/{pages}", "resync": resync.id, "list": listed, "orders": orders}
                await self._db[PAGES].insert_one(page)
                pages, count = pages + 1, count + len(orders)
        return pages, count

    async def next_page(self, resync: Resync) -> list[str]:
        """Give the next orders of a snapshot that have not been asked for; raises TryLater."""
        with remedies():
            found = await self._db[PAGES].find_one({"_id": f"{resync.list}/{resync.sent}"})
        return [] if found is None else list(found["orders"])

    async def forget(self, resync: Resync, listed: str | None = None) -> None:
        """Drop the pages of a list, or all that a snapshot has; raises TryLater."""
        which = {} if listed is None else {"list": listed}
        with remedies():
            await self._db[PAGES].delete_many({"resync": resync.id, **which})

    async def move(self, resync: Resync, **changes: Any) -> bool:
        """Write how far a snapshot has come; False when somebody else was quicker. Raises TryLater."""
        stands = {"_id": resync.department, "id": resync.id, "state": resync.state, "sent": resync.sent}
        with remedies():
            done = await self._db[RESYNCS].update_one(stands, {"$set": changes})
        return bool(done.matched_count)

    async def outboxes(self, group: str, count: int) -> Mapping[int, tuple[int, bytes]]:
        """Give how far each partition of the log is read, and what of its last turn may not be published yet."""
        keys = {partition_key(group, FIRST, TICKETS, number): number for number in range(count)}
        with remedies():
            found = await self._db[PARTITIONS].find({"_id": {"$in": list(keys)}}).to_list(None)
        return {keys[each["_id"]]: (each["next_offset"], bytes(each["outbox"])) for each in found}

    async def held_up(self, resync: Resync) -> int:
        """Give how many orders of a snapshot wait behind the error of a parked ticket; raises TryLater."""
        with remedies():
            held: int = await self._db[PARKED].count_documents({"headers": ["ce_causation", resync.id.encode()]})
        return held


def _of(resync: Resync, orders: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the ids of a department's own among a ticket's orders, issued since then."""
    return [
        order["i"]
        for order in orders
        if order["o"] == resync.department and (resync.since is None or order["t"] >= resync.since)
    ]


def begun(resync: Resync) -> ReplaceOne[Any]:
    """Give the write with which a snapshot begins."""
    document = {
        "_id": resync.department,
        "id": resync.id,
        "update": resync.update,
        "topic": resync.topic,
        "partition": resync.partition,
        "at": resync.at,
        "since": resync.since,
        "traceparent": resync.traceparent,
        "state": resync.state,
        "sent": 0,
        "past": list(resync.past),
    }
    return ReplaceOne({"_id": resync.department}, document, upsert=True)


def _resync(found: dict[str, Any]) -> Resync:
    return Resync(
        department=found["_id"],
        id=found["id"],
        update=found["update"],
        topic=found["topic"],
        partition=found["partition"],
        at=found["at"],
        since=found["since"],
        traceparent=found["traceparent"],
        state=found["state"],
        list=found.get("list", ""),
        pages=found.get("pages", 0),
        count=found.get("count", 0),
        sent=found["sent"],
        ends=tuple(found.get("ends", ())),
        held_up=found.get("held_up", 0),
        past=tuple(found["past"]),
    )
