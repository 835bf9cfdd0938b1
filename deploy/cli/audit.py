"""Is the log whole, and did every timer fire, once and in time? `gridcall audit` reads the log and nothing else."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.table import Table

from deploy.cli.output import FINDING, Json, err, out, print_json
from deploy.local.settings import LocalSettings
from deploy.local.virtual_time import Origin
from services.sla.auditor import PartitionAudit, Timers, read_partition
from shared.clock import RealClock, clock_from
from shared.decider import Message
from shared.envelope import read, type_of
from shared.errors import DeadLetter, TryLater
from shared.ids import fact_id, is_ticket_id
from shared.kafka import Publisher
from shared.messages import REGISTRY, OrderIssued, TicketClosed, TicketEscalated, TicketReopened, TicketReported
from shared.messages.registry import of_kind
from shared.mongo import Mongo
from shared.policies import learn
from shared.profile import find_profile, load_profile
from shared.records import Records
from shared.security import client_security
from shared.settings import Settings
from shared.topics import TICKETS

if TYPE_CHECKING:
    from aiokafka import ConsumerRecord

    from shared.profile import Profile

LISTED: Final = 50
"""Findings that are printed one by one."""
EVENTS: Final = {"warning": "warnings", "breach": "breaches", "escalation": "escalations"}
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


class LogAudit:
    """The findings of one partition of the log, record by record; tickets never span partitions."""

    def __init__(self, profile: Profile, now: datetime, speed: float = 1.0, *, late: timedelta | None = None) -> None:
        """`now` is the instant up to which timers must have fired; a faster clock makes a second's delay longer."""
        self.findings: list[Finding] = []
        self.counts: Counter[str] = Counter()
        self._timers = Timers(profile, now, speed, late=late)
        self._tickets: dict[str, Seen] = {}

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
        self._timers.end()
        self.counts.update(self._timers.counts)
        self.findings += _findings(self._timers)

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
            case TicketReopened():
                seen.closed = False
            case TicketEscalated():
                step = (data.to_level, data.cause)
                if step in seen.escalated:
                    self._find("escalated-twice", ticket, f"level {data.to_level} for {data.cause}")
                seen.escalated |= {step}
                self.counts["escalations"] += 1
            case _:
                pass
        self._timers.enter(message)

    def _find(self, kind: str, ticket: str, what: str) -> None:
        self.findings.append(Finding(kind, ticket, what))


def _findings(timers: Timers) -> list[Finding]:
    return [Finding(f"timer-{told.finding.kind}", told.ticket, told.finding.what) for told in timers.found]


@dataclass(frozen=True, slots=True)
class Audited:
    """What an audit has found."""

    counts: Counter[str]
    findings: tuple[Finding, ...]


def audit(
    timers: Annotated[bool, typer.Option("--timers", help="Only the timers: quicker, and how many there are.")] = False,
    as_json: Json = False,
) -> None:
    """Read the whole log and say what is missing, doubled, late or unfounded; exit 1 when anything is."""
    settings = LocalSettings().addressed()
    look = audit_timers if timers else audit_log
    with err.status("reading the log"):
        profile = load_profile(find_profile(settings.profile))
        asyncio.run(_know_policies(settings, profile))
        done = look(settings.kafka_address, profile, *stack_time(settings))
    if as_json:
        print_json({"counts": dict(done.counts), "findings": [asdict(finding) for finding in done.findings]})
    else:
        out.print(_timers_table(done.counts) if timers else _log_table(done.counts))
        _say(done)
    if done.findings:
        raise typer.Exit(FINDING)


async def _know_policies(settings: LocalSettings, profile: Profile) -> None:
    """Learn the rules of other versions to which tickets may be pinned; all else is read from the log."""
    mongo = Mongo(settings.mongo, timeout_ms=1000)
    try:
        await learn(mongo.db(settings.database("sla")), profile)
    except TryLater as error:
        err.print(f"Tickets that are pinned to other rules are looked at less strictly: {error}", markup=False)
    finally:
        mongo.close()


def audit_log(
    kafka: str, profile: Profile, now: datetime, speed: float = 1.0, *, late: timedelta | None = None
) -> Audited:
    """Give what is wrong with the log on a Kafka; `late` where an outage is known. Raises TryLater."""

    async def whole(records: Records, partition: int) -> tuple[Counter[str], list[Finding]]:
        look = LogAudit(profile, now, speed, late=late)
        await read_partition(records, partition, look)
        return look.counts, look.findings

    return asyncio.run(_each_partition(kafka, whole))


def audit_timers(kafka: str, profile: Profile, now: datetime, speed: float = 1.0) -> Audited:
    """Give what is wrong with the timers of the log on a Kafka; raises TryLater when it is away."""

    async def timers(records: Records, partition: int) -> tuple[Counter[str], list[Finding]]:
        look = Timers(profile, now, speed)
        await read_partition(records, partition, PartitionAudit(look))
        return look.counts, _findings(look)

    return asyncio.run(_each_partition(kafka, timers))


async def _each_partition(
    kafka: str, look: Callable[[Records, int], Awaitable[tuple[Counter[str], list[Finding]]]]
) -> Audited:
    publisher = Publisher(kafka, "gridcall-audit", client_security(Settings()))
    counts: Counter[str] = Counter()
    findings: list[Finding] = []
    try:
        async with Records(publisher, kafka) as records:
            for _, partition in await records.partitions([TICKETS]):
                more_counts, more_findings = await look(records, partition)
                counts.update(more_counts)
                findings += more_findings
    finally:
        await publisher.stop()
    return Audited(counts, tuple(findings))


def stack_time(settings: LocalSettings) -> tuple[datetime, float]:
    """Give instant and highest speed of the stack's clock: its variables', else what the local stack has kept."""
    kept = settings.folder / "clock.json"
    if settings.clock_origin or not kept.exists():
        return clock_from(settings.clock_speed, settings.clock_origin).now(), settings.clock_speed
    origin = Origin(**json.loads(kept.read_text(encoding="utf-8")))
    real = datetime.fromisoformat(origin.stopped_at) if origin.stopped_at else RealClock().now()
    return origin.virtual(real), origin.fastest


def _log_table(counts: Counter[str]) -> Table:
    table = Table("the log", "", box=None, pad_edge=False)
    for name in ("tickets", "records", "closings", "escalations", "republished", "foreign"):
        table.add_row(name, str(counts[name]))
    return table


def _timers_table(counts: Counter[str]) -> Table:
    table = Table(f"{counts['timers']} timers", "due", "said", box=None, pad_edge=False)
    for event, name in EVENTS.items():
        table.add_row(name, *(str(counts[f"{event} {what}"]) for what in ("expected", "said")))
    return table


def _say(done: Audited) -> None:
    for kind, count in Counter(finding.kind for finding in done.findings).most_common():
        out.print(f"{count} {kind}", style="bold red", markup=False)
    for finding in done.findings[:LISTED]:
        out.print(f"  {finding.ticket} {finding.kind}: {finding.what}", markup=False)
    if len(done.findings) > LISTED:
        out.print(f"  … and {len(done.findings) - LISTED} more (--json lists all)", markup=False)
    if not done.findings:
        out.print("Nothing is missing, doubled, late or unfounded.", style="green")
