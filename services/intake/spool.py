"""How does what was taken by HTTP get onto the log? In the background, many tickets at once, each in its order.

Whoever publishes something of a ticket publishes all that waits of it, first to last, and what waits is forgotten
only once it is acknowledged. So a follow-up never overtakes its report, however many intake processes there are;
what two of them publish is published twice with the same ids and sequences, and readers skip it.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from typing import TYPE_CHECKING

from services.intake.announce import HTTP_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.store import Reports, Waiting
    from shared.clock import Clock
    from shared.kafka import Publisher

AT_ONCE = 500
"""Most tickets in one step."""
GATHER_S = 0.02
"""How long fresh tickets are gathered, so that one step publishes several; who sent them has been answered."""
LOOK_EVERY_S = 1.0
PATIENCE = timedelta(seconds=2)
"""What waits for longer was left behind, by this process or by another that is gone."""
MOST_REMEMBERED = 5000
"""Tickets that are kept in mind; while Kafka is away more are found again in the store."""


class Spool:
    """Publishes what waits; a step of the service's background."""

    def __init__(self, store: Reports, publisher: Publisher, clock: Clock, speed: float = 1.0) -> None:
        """`speed` is the clock's, so that patience is real time."""
        self._store = store
        self._publisher = publisher
        self._clock = clock
        self._patience = PATIENCE * speed
        self._fresh: dict[str, Waiting | None] = {}
        self._wake = asyncio.Event()
        self._next_look = 0.0
        self._seen: dict[str, int] = {}

    def wake(self, ticket: str, waiting: Waiting | None = None) -> None:
        """Publish what waits of a ticket soon; `waiting` is all of it, where that is known without asking the store."""
        if len(self._fresh) < MOST_REMEMBERED or ticket in self._fresh:
            self._fresh[ticket] = waiting
        self._wake.set()

    async def step(self) -> None:
        """Publish what is fresh and what was left behind; raises TryLater when a part is away."""
        now = asyncio.get_running_loop().time()
        if not self._fresh and now < self._next_look:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._next_look - now):
                    await self._wake.wait()
        if 0 < len(self._fresh) < AT_ONCE:
            await asyncio.sleep(GATHER_S)
        self._wake.clear()
        fresh = dict(self._fresh.popitem() for _ in range(min(len(self._fresh), AT_ONCE)))
        unread = [ticket for ticket, waiting in fresh.items() if waiting is None]
        found = {ticket: waiting for ticket, waiting in fresh.items() if waiting is not None}
        found |= {one.ticket: one for one in (await self._store.waiting_of(unread) if unread else ())}
        if asyncio.get_running_loop().time() >= self._next_look:
            found |= {one.ticket: one for one in await self._left_behind()}
        await self._publish(list(found.values()))

    async def _left_behind(self) -> list[Waiting]:
        """Give what waits for too long by the clock, or was there at the last look too (the clock may stand still)."""
        waiting = await self._store.waiting(AT_ONCE)
        since = self._clock.now() - self._patience
        late = [one for one in waiting if one.since <= since or self._seen.get(one.ticket) == one.first]
        self._seen = {one.ticket: one.first for one in waiting}
        more = len(waiting) == AT_ONCE and bool(late)
        self._next_look = asyncio.get_running_loop().time() + (0.0 if more else LOOK_EVERY_S)
        return late

    async def _publish(self, found: Sequence[Waiting]) -> None:
        ready = await self._ready(found)
        if ready:
            await self._publisher.send([message for one in ready for message in one.messages])
            await self._store.published(ready)

    async def _ready(self, found: Sequence[Waiting]) -> list[Waiting]:
        """Leave out what follows on a report that the partition loop may not have published yet."""
        unsure = [one.ticket for one in found if one.first > 1 and one.source != HTTP_SOURCE]
        there = await self._store.on_log(unsure)
        return [one for one in found if one.first == 1 or one.source == HTTP_SOURCE or one.ticket in there]
