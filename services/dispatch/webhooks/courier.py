"""How does what waits reach the department? Ticket by ticket in order, a few tickets at a time, again and again.

One courier per department, with connections, time-outs and retries of its own: a server that hangs holds up nobody
else. A ticket whose delivery fails holds back its own later records and no others.
"""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

import structlog

from services.dispatch.webhooks.store import BEHIND
from shared import metrics
from shared.chance import between
from shared.errors import TryLater

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection

    from services.dispatch.webhooks.file import Entry
    from services.dispatch.webhooks.store import Deliveries, Waiting
    from services.dispatch.webhooks.target import Result, Target
    from shared.clock import Clock

LOOK_S: Final = 1.0
"""How often it looks for what has come due, been redriven, or come to be its own."""
LONGEST_DOUBLING: Final = 30

log = structlog.get_logger(__name__)


def pause(entry: Entry, attempts: int, result: Result) -> timedelta:
    """Give how long to wait after the nth attempt: twice as long each time, half of it by chance."""
    longest = min(entry.first_pause_s * 2 ** min(attempts - 1, LONGEST_DOUBLING), entry.longest_pause_s)
    asked = min(result.retry_after_s, entry.longest_pause_s)
    return timedelta(seconds=max(between(longest / 2, longest), asked))


class Courier:
    """Delivers one department's records."""

    def __init__(
        self,
        entry: Entry,
        store: Deliveries,
        target: Target,
        clock: Clock,
        owned: Callable[[], Awaitable[Collection[int]]],
        hold: Callable[[bool], None],
    ) -> None:
        """`owned` gives the partitions that are this process' own, `hold` stops or goes on reading the topic."""
        self._entry = entry
        self._store = store
        self._target = target
        self._clock = clock
        self._owned = owned
        self._hold = hold
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._wake = asyncio.Event()
        self._mine: Collection[int] = ()
        self._measured = float("-inf")

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver for ever; raises TryLater when MongoDB is away, and begins where it stood when called again."""
        try:
            while True:
                self._wake.clear()
                await self._look()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._wake.wait()
        finally:
            lanes = list(self._lanes.values())
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _look(self) -> None:
        """Start a lane for each ticket that is due, as far as there is room, and measure."""
        owned = self._mine = await self._owned()
        free = self._entry.concurrency - len(self._lanes)
        if owned and free:
            now, busy = self._clock.now(), tuple(self._lanes)
            for ticket in await self._store.due(self._entry.department, owned, now, busy, free):
                lane = asyncio.create_task(self._lane(ticket), name=f"{self._entry.department} {ticket}")
                self._lanes[ticket] = lane
                lane.add_done_callback(partial(self._ended, ticket))
        loop = asyncio.get_running_loop()
        if loop.time() - self._measured >= LOOK_S:
            self._measured = loop.time()
            await self._measure(bool(owned))

    def _ended(self, ticket: str, _lane: asyncio.Task[None]) -> None:
        del self._lanes[ticket]
        self._wake.set()

    async def _measure(self, mine: bool) -> None:  # noqa: FBT001 - one fact, said once
        """Tell how it stands, and stop reading the topic while the queue is full."""
        department, most = self._entry.department, self._entry.queue
        if not mine:
            metrics.webhook_oldest.labels(department).set(0)
            metrics.webhook_dead.labels(department).set(0)
            return
        waiting, dead, since = await self._store.counted(department, most)
        age = 0.0 if since is None else max(0.0, (self._clock.now() - since).total_seconds())
        metrics.webhook_oldest.labels(department).set(age)
        metrics.webhook_dead.labels(department).set(dead)
        self._hold(waiting >= most)

    # ------------------------------------------------------------ one ticket

    async def _lane(self, ticket: str) -> None:
        """Deliver a ticket's records one after the other, until one fails or none is left."""
        try:
            while await self._deliver_next(ticket):
                pass
        except TryLater as error:
            log.warning("a delivery waits for MongoDB", department=self._entry.department, error=str(error))
        except Exception:
            log.exception("a delivery failed by a defect, it is tried again", department=self._entry.department)
            await asyncio.sleep(LOOK_S)

    async def _deliver_next(self, ticket: str) -> bool:
        """Deliver a ticket's first record if it is due; True when it was delivered."""
        department = self._entry.department
        head = await self._store.head(department, ticket)
        if head is None or head.partition not in self._mine:
            return False
        if head.state == "dead":
            await self._queue_behind(head)
            return False
        if head.due > self._clock.now():
            await self._store.postpone(department, ticket, head.due)
            return False
        result = await self._target.post(head.event, head.body)
        metrics.webhook_deliveries.labels(department, result.outcome).inc()
        if result.delivered:
            await self._store.delivered(head)
            return True
        await self._try_again_or_give_up(head, result)
        return False

    async def _try_again_or_give_up(self, head: Waiting, result: Result) -> None:
        now = self._clock.now()
        first_at = head.first_at or now
        wait = pause(self._entry, head.attempts + 1, result)
        given_up = now - first_at >= timedelta(seconds=self._entry.give_up_after_s)
        log.warning(
            "a webhook was not delivered",
            department=head.department,
            ticket=head.ticket,
            event_id=head.event,
            outcome=result.outcome,
            detail=result.detail,
            attempt=head.attempts + 1,
            given_up=given_up,
        )
        await self._store.failed(head, "dead" if given_up else "waiting", first_at, result.detail)
        await self._store.postpone(head.department, head.ticket, BEHIND if given_up else now + wait)
        if given_up:
            metrics.webhook_deliveries.labels(head.department, "dead-letter").inc()

    async def _queue_behind(self, dead: Waiting) -> None:
        """Let what came after a dead letter wait for it, unless somebody has redriven it just now."""
        await self._store.postpone(dead.department, dead.ticket, BEHIND)
        head = await self._store.head(dead.department, dead.ticket)
        if head is not None and head.state != "dead":
            await self._store.postpone(dead.department, dead.ticket, self._clock.now())
