"""How does a department's topic become what waits to be posted? By the partition loop, in the turn that reads it.

So a record is either on the topic and unread, or waits in MongoDB: no kill loses it. The topic of each department is
read by a loop of its own: one whose queue is full is not read on, and nobody else notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from services.dispatch.webhooks.events import event
from services.dispatch.webhooks.store import COLLECTION, Deliveries, Waiting
from shared.errors import DeadLetter

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.clock import Clock
    from shared.loop.door import Arrival, Reception


def _nobody() -> None:
    return None


class Queue:
    """The door at the end of one department's topic."""

    def __init__(self, department: str, clock: Clock) -> None:
        """`clock` is the world's."""
        self._department = department
        self._clock = clock
        self.wake: Callable[[], None] = _nobody
        """Called when something is there to be delivered."""

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Let each record wait; what is no event is buried."""
        for arrival in arrivals:
            try:
                record = self._waiting(arrival)
            except DeadLetter as error:
                reception.bury(arrival.partition, arrival.record, error)
                continue
            reception.write(COLLECTION, Deliveries.insertion(record))
            reception.count(arrival, "queued")
            reception.done(record.id)

    def taken(self, items: Sequence[Any]) -> None:
        """Deliver what is durable now."""
        if items:
            self.wake()

    def _waiting(self, arrival: Arrival) -> Waiting:
        now, record = self._clock.now(), arrival.record
        return Waiting(
            id=f"{self._department}/{record.partition}/{record.offset}",
            department=self._department,
            partition=record.partition,
            offset=record.offset,
            ticket=(record.key or b"").decode("utf-8", "replace") or arrival.envelope.subject,
            event=arrival.envelope.id,
            type=arrival.envelope.type,
            body=orjson.dumps(event(arrival.envelope, record.value)),
            at=now,
            due=now,
        )
