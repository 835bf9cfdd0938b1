"""Which orders are open at a department, and how far has its snapshot come?"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
    from collections.abc import Mapping
    from datetime import datetime

    from services.dispatch.domain import Order
    from shared.mongo import Database

RESYNCS: Final = "resyncs"
"""One document per department: its last snapshot."""
INDEXES: Final = (Index(TICKET_DOCUMENTS, (("o", ASCENDING),)),)
EXPECTED: Final = OPEN | {"done"}
"""States of an order of which its department will hear again: one that is done may come back for rework."""
REMEMBERED: Final = 100
"""Requests of a department whose repetition is recognised."""

State = Literal["asked", "sent", "ended", "done"]


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
    count: int
    traceparent: str = ""
    state: State = "asked"
    sent: int = 0
    """How many orders have been asked for on the log."""
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
    """Give what stands beside a ticket's state: which department expects to hear of its order, which, and since when.

    A document without `o` is of a version that did not keep it.
    """
    order = _expected(state)
    return {"o": ""} if order is None else {"o": order.handler.id, "oi": order.id, "ot": order.issued_at}


def _expected(state: DispatchState) -> Order | None:
    last = state.last
    return last if last is not None and last.state in EXPECTED and last.handler.kind == "department" else None


class Resyncs:
    """The snapshots of all departments."""

    def __init__(self, db: Database) -> None:
        """Read and write in dispatch's own database."""
        self._db = db

    async def open_orders(self, department: str, since: datetime | None = None) -> list[str]:
        """Give the ids of the orders of which a department will hear again; raises TryLater."""
        wanted = {"o": {"$in": [department, None]}}
        orders = []
        with remedies():
            async for found in durable(self._db, TICKET_DOCUMENTS).find(wanted, {"o": 1, "oi": 1, "ot": 1}):
                kept = found if "o" in found else searchable(await self._state(found["_id"]))
                if kept["o"] == department and (since is None or kept["ot"] >= since):
                    orders.append(kept["oi"])
        return sorted(orders)

    async def _state(self, ticket: str) -> DispatchState:
        found = await self._db[TICKET_DOCUMENTS].find_one({"_id": ticket}, {"s": 1})
        return DispatchState.model_validate_json(found["s"])

    async def of(self, department: str) -> Resync | None:
        """Give a department's last snapshot; raises TryLater."""
        with remedies():
            found = await self._db[RESYNCS].find_one({"_id": department}, {"orders": 0})
        return None if found is None else _resync(found)

    async def unfinished(self) -> list[Resync]:
        """Give every snapshot whose end has not been sent; raises TryLater."""
        with remedies():
            found = await self._db[RESYNCS].find({"state": {"$ne": "done"}}, {"orders": 0}).to_list(None)
        return [_resync(document) for document in found]

    async def orders(self, resync: Resync, count: int) -> list[str]:
        """Give the next orders of a snapshot that have not been asked for; raises TryLater."""
        with remedies():
            found = await self._db[RESYNCS].find_one(
                {"_id": resync.department, "id": resync.id}, {"orders": {"$slice": [resync.sent, count]}}
            )
        return [] if found is None else list(found.get("orders", ()))

    async def move(self, resync: Resync, **changes: Any) -> Resync | None:
        """Write how far a snapshot has come; None when somebody else was quicker. Raises TryLater."""
        stands = {"_id": resync.department, "id": resync.id, "state": resync.state, "sent": resync.sent}
        update: dict[str, Any] = {"$set": changes}
        if changes.get("state") == "done":
            update["$unset"] = {"orders": ""}
        with remedies():
            done = await self._db[RESYNCS].update_one(stands, update)
        return replace(resync, **changes) if done.matched_count else None

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


def begun(resync: Resync, orders: list[str]) -> ReplaceOne[Any]:
    """Give the write with which a snapshot begins."""
    document = {
        "_id": resync.department,
        "id": resync.id,
        "update": resync.update,
        "topic": resync.topic,
        "partition": resync.partition,
        "at": resync.at,
        "since": resync.since,
        "count": resync.count,
        "traceparent": resync.traceparent,
        "state": resync.state,
        "sent": 0,
        "past": list(resync.past),
        "orders": orders,
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
        count=found["count"],
        traceparent=found["traceparent"],
        state=found["state"],
        sent=found["sent"],
        ends=tuple(found.get("ends", ())),
        held_up=found.get("held_up", 0),
        past=tuple(found["past"]),
    )
