"""Is the log whole, and did every timer fire, once and in time? `gridcall audit` reads the log and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter, OrderedDict
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.table import Table

from deploy.cli.output import FINDING, Json, err, out, print_json
from deploy.local.settings import LocalSettings
from deploy.local.virtual_time import Origin
from deploy.replay.records import Records
from services.sla.audit import LATE, RACE, Ledger
from shared.clock import RealClock, clock_from
from shared.decider import Message
from shared.envelope import read, type_of
from shared.errors import DeadLetter
from shared.ids import fact_id, is_ticket_id
from shared.kafka import Publisher
from shared.messages import REGISTRY, OrderIssued, TicketClosed, TicketEscalated, TicketReopened, TicketReported
from shared.messages.registry import of_kind
from shared.profile import find_profile, load_profile
from shared.topics import TICKETS

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from shared.profile import Profile

LISTED: Final = 50
"""Findings that are printed one by one."""
CLOSED_KEPT: Final = 50_000
"""A closed ticket's timers are looked at once so many others of its partition have closed after it."""
DIGEST: Final = 8
"""Bytes that are kept of each fact, to tell a repeated one from another one with its id."""
MISSING: Final = b"\0" * DIGEST
FACTS: Final = {name.encode() for name in of_kind("fact")}


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should not be so."""

    kind: str
    ticket: str
    what: str


@dataclass(slots=True)
class Seen:
    """What is kept of one ticket."""

    digests: dict[str, bytearray] = field(default_factory=dict)
    """Service -> a digest of each of its facts."""
    reported: bool = False
    closed: bool = False
    escalated: frozenset[tuple[str, str]] = frozenset()
    ledger: Ledger | None = None


class LogAudit:
    """The findings of one partition of the log, record by record; tickets never span partitions."""

    def __init__(self, profile: Profile, now: datetime, speed: float = 1.0) -> None:
        """`now` is the instant up to which timers must have fired; a faster clock makes a second's delay longer."""
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self._profile = profile
        self._now, self._speed = now, max(1.0, speed)
        self._tickets: dict[str, Seen] = {}
        self._closed: OrderedDict[str, None] = OrderedDict()

    @property
    def tickets(self) -> int:
        """How many tickets were seen."""
        return len(self._tickets)

    def take(self, record: ConsumerRecord[Any, Any]) -> None:
        """Look at the next record."""
        self.counts["records"] += 1
        kind, ticket = type_of(record.headers), (record.key or b"").decode("utf-8", "replace")
        if kind is None or kind.decode("utf-8", "replace") not in REGISTRY or not is_ticket_id(ticket):
            self.counts["foreign"] += 1  # somebody else's: the desk has made a dead letter of it
            return
        try:
            envelope = read(record.headers, record.timestamp)
            data = REGISTRY[envelope.type].model_validate_json(record.value or b"")
        except (DeadLetter, ValueError) as error:
            if kind in FACTS:
                self._find("unreadable", ticket, f"offset {record.offset}: {str(error)[:200]}")
            self.counts["foreign"] += 1
            return
        seen = self._tickets.setdefault(ticket, Seen())
        message = Message(envelope, ticket, data)
        if kind in FACTS and not self._in_order(seen, message, hash(record.value)):
            return
        self._look(seen, message)

    def end(self) -> None:
        """Look at the timers of all tickets that are left."""
        for ticket, seen in self._tickets.items():
            self._settle(ticket, seen)

    # ------------------------------------------------------------ sequences

    def _in_order(self, seen: Seen, message: Message, content: int) -> bool:
        """Tell whether a fact is new; what is missing or doubled is a finding, what was published again is not."""
        producer = message.envelope.source.removeprefix("gridcall/")
        number = message.envelope.sequence
        digest = (hash((message.envelope.type, content)) | 1).to_bytes(DIGEST, "big", signed=True)
        known = seen.digests.setdefault(producer, bytearray())
        if number < 1 or message.envelope.id != fact_id(message.ticket, producer, number):
            self._find("bad-id", message.ticket, f"{producer} says {message.envelope.id} as its fact {number}")
            return False
        last = len(known) // DIGEST
        if number <= last:
            before = bytes(known[(number - 1) * DIGEST : number * DIGEST])
            if before == digest:
                self.counts["republished"] += 1
            elif before == MISSING:
                self._find("out-of-order", message.ticket, f"{producer}/{number} comes after {producer}/{last}")
            else:
                self._find("doubled", message.ticket, f"two different facts are {message.envelope.id}")
            return False
        if number > last + 1:
            self._find("gap", message.ticket, f"{producer} goes from {last} to {number}")
            known.extend(MISSING * (number - last - 1))
        known.extend(digest)
        return True

    # ------------------------------------------------------------ what happened

    def _look(self, seen: Seen, message: Message) -> None:
        data, ticket = message.data, message.ticket
        match data:
            case TicketReported():
                if seen.reported:
                    self._find("doubled", ticket, "reported twice")
                seen.reported = True
                self.counts["tickets"] += 1
            case OrderIssued() if not seen.reported:
                self._find("no-ticket", ticket, f"order {data.order_id} has no report")
            case TicketClosed():
                if seen.closed:
                    self._find("closed-twice", ticket, "closed again without having been reopened")
                seen.closed = True
                self.counts["closings"] += 1
                self._note_closed(ticket)
            case TicketReopened():
                seen.closed = False
                self._closed.pop(ticket, None)
            case TicketEscalated():
                step = (data.to_level, data.cause)
                if step in seen.escalated:
                    self._find("escalated-twice", ticket, f"level {data.to_level} for {data.cause}")
                seen.escalated |= {step}
                self.counts["escalations"] += 1
            case _:
                pass
        if seen.ledger is None:
            seen.ledger = Ledger(self._profile, self._now, LATE * self._speed, RACE * self._speed)
        seen.ledger.enter(message)

    def _note_closed(self, ticket: str) -> None:
        self._closed[ticket] = None
        self._closed.move_to_end(ticket)
        if len(self._closed) > CLOSED_KEPT:
            oldest, _ = self._closed.popitem(last=False)
            self._settle(oldest, self._tickets[oldest])

    def _settle(self, ticket: str, seen: Seen) -> None:
        if seen.ledger is not None:
            for found in seen.ledger.findings():
                self._find(f"timer-{found.kind}", ticket, found.what)
            seen.ledger = None

    def _find(self, kind: str, ticket: str, what: str) -> None:
        self.findings.append(Finding(kind, ticket, what))


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit has found."""

    counts: Counter[str]
    findings: tuple[Finding, ...]


def audit(as_json: Json = False) -> None:
    """Read the whole log and say what is missing, doubled, late or unfounded; exit 1 when anything is."""
    settings = LocalSettings().addressed()
    with err.status("reading the log"):
        done = audit_log(settings.kafka_address, load_profile(find_profile(settings.profile)), *_time(settings))
    if as_json:
        print_json({"counts": dict(done.counts), "findings": [asdict(finding) for finding in done.findings]})
    else:
        _say(done)
    if done.findings:
        raise typer.Exit(FINDING)


def audit_log(kafka: str, profile: Profile, now: datetime, speed: float = 1.0) -> Audited:
    """Give what is wrong with the log on a Kafka; raises TryLater when it is away."""
    return asyncio.run(_audit(kafka, profile, now, speed))


async def _audit(kafka: str, profile: Profile, now: datetime, speed: float) -> Audited:
    publisher = Publisher(kafka, "gridcall-audit")
    counts: Counter[str] = Counter()
    findings: list[Finding] = []
    try:
        async with Records(publisher, kafka) as records:
            for partition in await records.partitions([TICKETS]):
                look = LogAudit(profile, now, speed)
                async for batch in records.to_the_end([partition]):
                    for record in batch:
                        look.take(record)
                look.end()
                counts.update(look.counts)
                findings += look.findings
    finally:
        await publisher.stop()
    return Audited(counts, tuple(findings))


def _time(settings: LocalSettings) -> tuple[datetime, float]:
    """Give instant and speed of the stack's clock: its variables', else what the local stack has written down."""
    kept = settings.folder / "clock.json"
    if settings.clock_origin or not kept.exists():
        return clock_from(settings.clock_speed, settings.clock_origin).now(), settings.clock_speed
    origin = Origin(**json.loads(kept.read_text(encoding="utf-8")))
    real = datetime.fromisoformat(origin.stopped_at) if origin.stopped_at else RealClock().now()
    return origin.virtual(real), origin.speed


def _say(done: Audited) -> None:
    table = Table("the log", "", box=None, pad_edge=False)
    for name in ("tickets", "records", "closings", "escalations", "republished", "foreign"):
        table.add_row(name, str(done.counts[name]))
    out.print(table)
    for kind, count in Counter(finding.kind for finding in done.findings).most_common():
        out.print(f"{count} {kind}", style="bold red", markup=False)
    for finding in done.findings[:LISTED]:
        out.print(f"  {finding.ticket} {finding.kind}: {finding.what}", markup=False)
    if len(done.findings) > LISTED:
        out.print(f"  … and {len(done.findings) - LISTED} more (--json lists all)", markup=False)
    if not done.findings:
        out.print("Nothing is missing, doubled, late or unfounded.", style="green")
