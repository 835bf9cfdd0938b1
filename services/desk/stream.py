"""How do people see what changes while it changes? One change stream per process, told to everybody who listens.

The stream comes from MongoDB and not from this process' own loop, so that every desk process sees what any of
them has written. An event's id is the stream's own position, which grows: whoever comes back with
`Last-Event-ID` first gets what was missed, as long as MongoDB still holds it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog

from services.desk.store import BESIDE
from services.desk.views import listed
from shared.errors import TryLater
from shared.mongo import remedies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.desk.names import Names
    from services.desk.store import Views

log = structlog.get_logger(__name__)

WAITING: Final = 1000
"""Events that a slow listener may lag behind before it is told to read anew."""
MISSED: Final = 5000
"""Most events that are told to somebody who comes back."""
QUIET_MS: Final = 500
LISTENERS: Final = 500
STAGES: Final[list[dict[str, Any]]] = [
    {"$match": {"operationType": {"$in": ["insert", "replace", "update", "invalidate", "drop"]}}},
    {"$project": {f"fullDocument.{name}": 0 for name in BESIDE}},
]
RESET: Final = {"event": "reset", "data": '{"detail": "some events are missing here: read the lists again"}'}


class Listener:
    """One who listens: a queue, and what it wants to hear of."""

    def __init__(self, unit: str, department: str) -> None:
        """Want everything where neither is given."""
        self.unit = unit
        self.department = department
        self.queue: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue(WAITING)

    def wants(self, document: dict[str, Any]) -> bool:
        """Tell whether a ticket concerns it."""
        return (not self.unit or self.unit in document["units"]) and (
            not self.department
            or f"department:{self.department}" in (*document["handlers"], f"department:{document['department']}")
        )

    def tell(self, change: dict[str, Any]) -> None:
        """Queue a change; None in the queue says that some were dropped."""
        if self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)
            return
        self.queue.put_nowait(change)


class Changes:
    """What changes in the read models, for everybody who listens to this process."""

    def __init__(self, views: Views, names: Names) -> None:
        """Watch nothing before somebody listens."""
        self._views = views
        self._names = names
        self._listeners: set[Listener] = set()
        self._listened = asyncio.Event()
        self._watching = asyncio.Event()

    @property
    def full(self) -> bool:
        """Whether as many listen as one process serves."""
        return len(self._listeners) >= LISTENERS

    async def watch(self) -> None:
        """Tell the listeners what changes, as long as there are any: a step that runs for ever."""
        if not self._listeners:
            self._listened.clear()
            await self._listened.wait()
        generation = await self._views.generation()
        try:
            async with self._stream(None) as stream:
                while self._listeners and stream.alive and await self._views.generation() == generation:
                    with remedies():
                        change = await stream.try_next()
                    self._watching.set()
                    if change is not None and _shown(change):
                        self._tell(change)
        finally:
            self._watching.clear()

    def _tell(self, change: dict[str, Any]) -> None:
        for listener in self._listeners:
            if listener.wants(change["fullDocument"]):
                listener.tell(change)

    @contextlib.asynccontextmanager
    async def _stream(self, after: str | None) -> AsyncIterator[Any]:
        views = await self._views.collection()
        options: dict[str, Any] = {"full_document": "updateLookup", "max_await_time_ms": QUIET_MS}
        if after is not None:
            options["resume_after"] = {"_data": after}
        with remedies():
            async with views.watch(STAGES, **options) as stream:
                yield stream

    async def listen(self, unit: str, department: str, after: str | None) -> AsyncIterator[dict[str, str]]:
        """Give events for one listener: first what was missed since `after`, then what comes."""
        listener = Listener(unit, department)
        self._listeners.add(listener)
        self._listened.set()
        try:
            await self._watching.wait()  # what happens from here on is in the queue
            yield {"event": "open", "data": "{}"}
            last = after or ""
            if after:
                async for change in self._missed(after):
                    if change is None:
                        yield RESET
                    elif listener.wants(change["fullDocument"]):
                        last = change["_id"]["_data"]
                        yield self._event(change)
            while True:
                waiting = await listener.queue.get()
                if waiting is None:
                    yield RESET
                elif waiting["_id"]["_data"] > last:
                    yield self._event(waiting)
        finally:
            self._listeners.discard(listener)

    async def _missed(self, after: str) -> AsyncIterator[dict[str, Any] | None]:
        """Give the changes since a position, None when some of them are no longer known."""
        try:
            async with self._stream(after) as stream:
                for _ in range(MISSED):
                    with remedies():
                        change = await stream.try_next()
                    if change is None:
                        return
                    if _shown(change):
                        yield change
            yield None
        except TryLater as error:
            log.info("what a listener missed is not known any more", error=str(error))
            yield None

    def _event(self, change: dict[str, Any]) -> dict[str, str]:
        line = listed(change["fullDocument"], self._names)
        return {"event": "ticket", "id": change["_id"]["_data"], "data": orjson.dumps(line).decode()}


def _shown(change: dict[str, Any]) -> bool:
    return "reported_at" in (change.get("fullDocument") or ())
