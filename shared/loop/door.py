"""What happens to a record that somebody else wrote at a door? It is translated, answered, or buried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shared.envelope import Envelope, Outgoing, headers, read, type_of
from shared.errors import DeadLetter
from shared.loop.generations import FIRST
from shared.loop.poison import COLLECTION as DEAD
from shared.loop.work import Batch, Outcome
from shared.messages import REGISTRY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiokafka import ConsumerRecord

    from shared.clock import Clock
    from shared.loop.partitions import Partition
    from shared.loop.poison import Morgue
    from shared.messages import Body


@dataclass(frozen=True, slots=True)
class Arrival:
    """A record at a door whose headers could be read."""

    partition: Partition
    record: ConsumerRecord[bytes, bytes]
    envelope: Envelope


class Reception:
    """Collects what a door does with its arrivals in one turn."""

    def __init__(self, service: str, outcome: Outcome, morgue: Morgue, now: datetime) -> None:
        """Begin empty."""
        self.now = now
        self._source = f"gridcall/{service}"
        self._outcome = outcome
        self._morgue = morgue

    def say(self, arrival: Arrival, envelope: Envelope, body: Body, topic: str, key: str) -> None:
        """Publish a message with the turn."""
        value = body.model_dump_json(by_alias=True).encode()
        message = Outgoing(topic, key, headers(envelope), value)
        self._outcome.outbox.setdefault(arrival.partition.key, []).append(message)

    def send(self, arrival: Arrival, message: Outgoing) -> None:
        """Publish a message that is ready."""
        self._outcome.outbox.setdefault(arrival.partition.key, []).append(message)

    def write(self, collection: str, operation: Any) -> None:
        """Write with the turn's transaction."""
        self._outcome.writes.setdefault(collection, []).append(operation)

    def count(self, arrival: Arrival, what: str) -> None:
        """Count what became of an arrival."""
        kind = arrival.envelope.type
        self._outcome.counts[(kind if kind in REGISTRY else "unknown", what)] += 1

    def bury(self, partition: Partition, record: ConsumerRecord[bytes, bytes], error: DeadLetter) -> None:
        """Make a dead letter of a record."""
        write, letter = self._morgue.bury(record, error, self.now)
        self.write(DEAD, write)
        self._outcome.outbox.setdefault(partition.key, []).append(letter)
        self._outcome.counts[("unknown", "dead-letter")] += 1
        self._outcome.poison[record.topic] += 1
        self._outcome.reasons[error.reason] += 1

    def done(self, item: Any) -> None:
        """Remember something for `Door.taken`, once the turn is durable."""
        self._outcome.done.append(item)


class Door(Protocol):
    """What a service does with what comes in at a door."""

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Handle arrivals in order; a DeadLetter concerns one of them, so bury it and go on."""
        ...

    def taken(self, items: Sequence[Any]) -> None:
        """Observe what is durable now."""
        ...


class DoorWork:
    """The loop's work at a door: no state of its own, no timers."""

    generation = FIRST

    def __init__(
        self, service: str, door: Door, morgue: Morgue, clock: Clock, types: frozenset[bytes] | None = None
    ) -> None:
        """Know what to do with arrivals and with what cannot be read; `types`: what it looks at, all when left out."""
        self._types = types
        self.service = service
        self._door = door
        self._morgue = morgue
        self._clock = clock

    async def decide(self, batches: Sequence[Batch]) -> Outcome:
        """Read the headers of every record and let the door receive those that have them."""
        outcome = Outcome()
        reception = Reception(self.service, outcome, self._morgue, self._clock.now())
        arrivals = []
        for batch in batches:
            for record in batch.records:
                if self._types is not None and type_of(record.headers) not in self._types:
                    continue
                try:
                    arrivals.append(Arrival(batch.partition, record, read(record.headers, record.timestamp)))
                except DeadLetter as error:
                    reception.bury(batch.partition, record, error)
        if arrivals:
            await self._door.receive(arrivals, reception)
        return outcome

    def applied(self, outcome: Outcome) -> None:
        """Let the door observe."""
        self._door.taken(outcome.done)

    def forget(self, partition: Partition | None) -> None:
        """Nothing is cached."""

    async def replaced(self) -> bool:
        """Nothing at a door is ever rebuilt."""
        return False

    async def claimed(self, partition: Partition) -> None:
        """Nothing is parked at a door."""

    async def due(self, partition: Partition, now: datetime, limit: int) -> list[str]:
        """Nothing is due at a door."""
        del partition, now, limit
        return []

    async def next_due(self, partition: Partition) -> datetime | None:
        """Nothing is due at a door."""
        del partition
        return None
