"""Did every timer on the log fire? A process of its own reads the log with its own eyes, and says what is wrong.

`python -m services.sla.auditor` takes one JSON object on standard input (`Asked`) and gives a line for each
partition (`Audited`). It ends with whoever started it: when standard input closes.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections import Counter, OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from aiokafka import TopicPartition
from pydantic import AwareDatetime, BaseModel

from services.sla.audit import ENTERED, LATE, RACE, Ledger
from shared.decider import Message
from shared.envelope import read, type_of
from shared.errors import DeadLetter, TryLater
from shared.ids import is_ticket_id, named
from shared.kafka import Publisher
from shared.messages import Body, OrderIssued, RecordFinding, TicketClosed, TicketReopened, TimerFinding
from shared.profile import PolicyFile, find_profile, load_profile
from shared.records import Records
from shared.security import client_security
from shared.settings import Settings
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterable
    from datetime import datetime, timedelta

    from aiokafka import ConsumerRecord

    from shared.envelope import Envelope
    from shared.profile import Profile

NICENESS: Final = 10
"""The audit takes what processor time the services leave."""
UNREACHABLE: Final = 3
CLOSED_KEPT: Final = 2_000
"""A closed ticket's timers are looked at once so many others of its partition have closed after it."""
TOLD_AT_ONCE: Final = 1_000
"""Findings of a partition that one audit tells: after a long outage the next ones tell the rest."""
PARSED: Final[dict[bytes, type[Body]]] = {body.type.encode(): body for body in ENTERED | {TicketReopened}}
RECORDED: Final = RecordFinding.type.encode()
SLA: Final = "gridcall/sla"


class Told(BaseModel):
    """A finding on a ticket."""

    ticket: str
    finding: TimerFinding

    @property
    def id(self) -> str:
        """Give the id of the command that records it: the same in every audit."""
        return named("finding", self.ticket, self.finding.kind, self.finding.timer)


class Asked(BaseModel):
    """What an audit is asked for."""

    kafka: str
    profile: str
    policies: dict[str, PolicyFile] = {}
    """Those of other versions, to which tickets may be pinned."""
    now: AwareDatetime
    """By the stack's clock: what was due a while before this must have fired."""
    speed: float
    partitions: list[tuple[int, int]]
    """Partitions in their turn, each with the offset up to which sla has read it."""
    budget_s: float
    """Seconds after which no further partition is begun."""


class Audited(BaseModel):
    """What an audit of one partition has found."""

    partition: int
    counts: dict[str, int]
    told: list[Told]
    """Findings that are not on the log yet."""
    untold: int = 0
    """How many more of these there are."""


@dataclass(slots=True)
class Watched:
    """What is kept of one ticket."""

    ledger: Ledger
    last: dict[str, int] = field(default_factory=dict)
    """Service -> the number of its last fact; after a crash some are published again."""

    def is_new(self, envelope: Envelope) -> bool:
        """Tell whether a message was not seen before."""
        if envelope.sequence and envelope.sequence <= self.last.get(envelope.source, 0):
            return False
        if envelope.sequence:
            self.last[envelope.source] = envelope.sequence
        return True


class Timers:
    """The timers of one partition's tickets, message by message; tickets never span partitions."""

    def __init__(
        self, profile: Profile, now: datetime, speed: float = 1.0, closed_kept: int = CLOSED_KEPT, *,
        late: timedelta | None = None,
    ) -> None:  # fmt: skip
        """`now` is the instant up to which timers must have fired; a faster clock makes a second's delay longer.

        `late` is another bound for lateness, where an outage is known.
        """
        self.found: list[Told] = []
        self.counts: Counter[str] = Counter()
        self._profile = profile
        self._now, self._speed = now, max(1.0, speed)
        self._late = late or LATE * self._speed
        self._closed_kept = closed_kept
        self._tickets: dict[str, Watched] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()
        self._alarmed: set[str] = set()
        """Of the tickets that were looked at already: those for which the top was called at once."""

    def enter(self, message: Message) -> None:
        """Look at the next message."""
        ticket = message.ticket
        watched = self._tickets.get(ticket) or self._watch(ticket)
        if not watched.is_new(message.envelope):
            return
        watched.ledger.enter(message)
        if isinstance(message.data, TicketClosed):
            self._closed[ticket] = None
            self._settle_oldest()
        elif isinstance(message.data, TicketReopened | OrderIssued):
            self._closed.pop(ticket, None)

    def _watch(self, ticket: str) -> Watched:
        ledger = Ledger(self._profile, self._now, self._late, RACE * self._speed, self.counts)
        ledger.alarmed = ticket in self._alarmed
        watched = self._tickets[ticket] = Watched(ledger)
        return watched

    def _settle_oldest(self) -> None:
        """Look at the ticket that closed long ago, unless sla has not said all of it yet: it comes in the end."""
        if len(self._closed) > self._closed_kept:
            oldest, _ = self._closed.popitem(last=False)
            if self._tickets[oldest].ledger.over:
                self._settle(oldest)

    def drop(self, tickets: Iterable[str]) -> None:
        """Look at some tickets another time."""
        for ticket in tickets:
            self._tickets.pop(ticket, None)
            self._closed.pop(ticket, None)

    def end(self) -> None:
        """Look at all tickets that are left."""
        for ticket in list(self._tickets):
            self._settle(ticket)

    def _settle(self, ticket: str) -> None:
        ledger = self._tickets.pop(ticket).ledger
        self.found += [Told(ticket=ticket, finding=finding) for finding in ledger.findings()]
        if ledger.alarmed:
            self._alarmed.add(ticket)


class PartitionAudit:
    """The timers of one partition of the log, record by record; what they do not need is not parsed."""

    def __init__(self, timers: Timers, read_to: int | None = None) -> None:
        """`read_to` is where sla has to read next: tickets of which it has not read all are left for another time."""
        self.timers = timers
        self._read_to = read_to
        self._on_the_log: set[str] = set()
        self._moving: set[str] = set()

    def take(self, record: ConsumerRecord[Any, Any]) -> None:
        """Look at the next record."""
        self.timers.counts["records"] += 1
        kind = type_of(record.headers)
        body = PARSED.get(kind or b"")
        if body is None and kind != RECORDED:
            return
        ticket = (record.key or b"").decode("utf-8", "replace")
        try:
            envelope = read(record.headers, record.timestamp)
            data = None if body is None else body.model_validate_json(record.value or b"")
        except (DeadLetter, ValueError):
            return  # the desk has made a dead letter of it; `gridcall audit` names it when it was one of ours
        if data is None:
            self._on_the_log.add(envelope.id)
        elif is_ticket_id(ticket):
            if self._read_to is not None and record.offset >= self._read_to and envelope.source != SLA:
                self._moving.add(ticket)
            self.timers.enter(Message(envelope, ticket, data))

    def end(self) -> None:
        """Look at all timers that are left."""
        self.timers.drop(self._moving)
        self.timers.end()

    def new(self) -> list[Told]:
        """Give what was found and is not on the log yet."""
        return [told for told in self.timers.found if told.id not in self._on_the_log]


class Audit(Protocol):
    """What looks at the records of a partition, in order."""

    def take(self, record: ConsumerRecord[Any, Any]) -> None:
        """Look at the next record."""

    def end(self) -> None:
        """Look at what is left."""


async def read_partition(records: Records, partition: int, audit: Audit) -> None:
    """Let an audit look at a partition as it stands now; raises TryLater when Kafka is away."""
    async for batch in records.to_the_end([TopicPartition(TICKETS, partition)]):
        for record in batch:
            audit.take(record)
    audit.end()


async def audited(asked: Asked) -> AsyncGenerator[Audited, None]:
    """Give what each partition holds that is wrong, until the time is used up; raises TryLater."""
    profile, loop = load_profile(find_profile(asked.profile)), asyncio.get_running_loop()
    for version, policy in asked.policies.items():
        profile.learn(version, policy)
    until = loop.time() + asked.budget_s
    security = client_security(Settings())  # not by `asked`: a password goes through no pipe
    async with Records(Publisher(asked.kafka, "gridcall-auditor", security), asked.kafka) as records:
        for partition, read_to in asked.partitions:
            if loop.time() > until:
                return
            audit = PartitionAudit(Timers(profile, asked.now, asked.speed), read_to)
            await read_partition(records, partition, audit)
            yield result(partition, audit)


def result(partition: int, audit: PartitionAudit) -> Audited:
    """Give what an audit has found that is to be told."""
    new = audit.new()
    counts = dict(audit.timers.counts)
    return Audited(partition=partition, counts=counts, told=new[:TOLD_AT_ONCE], untold=len(new[TOLD_AT_ONCE:]))


async def _answer(asked: Asked) -> None:
    async for each in audited(asked):
        sys.stdout.write(each.model_dump_json() + "\n")
        sys.stdout.flush()


def _end_with_the_service() -> None:
    """Wait until whoever started this process is gone, however it ended: then nobody waits for an answer."""
    while os.read(sys.stdin.fileno(), 1024):  # not by the buffered file, whose lock Python wants when it ends
        pass
    os._exit(1)


def main() -> None:
    """Do what is asked for on standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which ends this
    os.nice(NICENESS)
    gc.freeze()
    gc.set_threshold(50_000, 10, 1_000_000)
    asked = Asked.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    try:
        asyncio.run(_answer(asked))
    except TryLater as error:
        sys.stderr.write(f"the audit of timers ends: {error}\n")
        sys.exit(UNREACHABLE)


if __name__ == "__main__":
    main()
