"""What happens inside one turn of the loop? The part that differs between the log and the doors."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiokafka import ConsumerRecord

    from shared.envelope import Outgoing
    from shared.loop.partitions import Partition


@dataclass(slots=True)
class Batch:
    """What one partition brings to a turn: records in order, and due tickets in order of their time."""

    partition: Partition
    records: Sequence[ConsumerRecord[bytes, bytes]] = ()
    due: Sequence[str] = ()


@dataclass(slots=True)
class Outcome:
    """What a turn decided: written in one transaction, then published."""

    outbox: dict[str, list[Outgoing]] = field(default_factory=dict)
    """Partition key -> messages in order."""
    writes: dict[str, list[Any]] = field(default_factory=dict)
    """Collection -> bulk operations."""
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(type, outcome) -> records."""
    poison: Counter[str] = field(default_factory=Counter)
    """Topic -> dead letters and parkings."""
    reasons: Counter[str] = field(default_factory=Counter)
    """Reason of a dead letter -> how many."""
    wakes: dict[str, datetime] = field(default_factory=dict)
    """Partition key -> earliest instant for which a state asked in this turn."""
    done: list[Any] = field(default_factory=list)
    """Kept by the work for `applied`."""
    parked: dict[str, set[str]] = field(default_factory=dict)
    """Partition key -> its parked tickets after this turn, where that changed."""


class Work(Protocol):
    """The work on a batch: decided, written in one transaction with the fence, applied once that is committed.

    Whoever reads what others may write at the same time inserts under a unique id, so that who comes second gets a
    Conflict and decides anew.
    """

    service: str
    generation: int
    """Which generation of read models is folded into; 1 for whatever is never rebuilt."""

    async def decide(self, batches: Sequence[Batch]) -> Outcome:
        """Load what is needed and decide; changes nothing outside the outcome."""
        ...

    def applied(self, outcome: Outcome) -> None:
        """Remember what is now durable, and observe it."""
        ...

    def forget(self, partition: Partition | None) -> None:
        """Drop what is cached of a partition (None: of all)."""
        ...

    async def replaced(self) -> bool:
        """Look whether a rebuild has made another generation the present one; from then on fold into that."""
        ...

    async def claimed(self, partition: Partition) -> None:
        """Load what the owner of a partition must know (parked tickets, next due instant)."""
        ...

    async def due(self, partition: Partition, now: datetime, limit: int) -> list[str]:
        """Give up to `limit` tickets that want to be woken by `now`, earliest first."""
        ...

    async def next_due(self, partition: Partition) -> datetime | None:
        """Give the earliest instant for which a ticket of the partition asks."""
        ...
