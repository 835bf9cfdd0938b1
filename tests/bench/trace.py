"""What does one life cycle consist of? Read from the topics and documents that a real run has left."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Any

import bson
from pymongo import MongoClient

from shared.kafka import Publisher
from shared.messages import ReportSubmitted, TicketClosed, UpdateDone, UpdateSign
from shared.records import Records
from shared.topics import RECEIPTS, TICKETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SAMPLE = 2000
"""Tickets, and documents, whose sizes are averaged."""
OVERHEAD = {
    "log": len('{"pad":""}'),
    "receipts": len('{"order_id":"","pad":""}'),
    "dispatch": 18 + len('{"order_id":"","pad":""}'),
}
"""Bytes of a null body that are not padding, by where it goes; an order id is 18 long."""
LOOP_KEYS = ("_id", "p", "q", "n", "a", "w")
LOOP_COLLECTIONS = {"tickets", "partitions", "dead_letters", "parked", "commands", "generations"}
NULL_DESK_FIELDS = 260
"""Bytes of the indexed fields that the null desk writes beside its padding."""


@dataclass(slots=True)
class Seen:
    """One record of the log."""

    kind: str
    source: str
    id: str
    cause: str
    size: int


@dataclass(slots=True)
class Traces:
    """All records, by ticket; of those beyond the sample only what the count needs."""

    tickets: dict[str, list[Seen]] = field(default_factory=dict)
    closings: Counter[str] = field(default_factory=Counter)
    closing_ids: set[str] = field(default_factory=set)
    records: int = 0
    bytes: int = 0


async def read_log(kafka: str, topic: str = TICKETS, closing: str = TicketClosed.type) -> Traces:
    """Read a log; a closing that was published again counts once."""
    found = Traces()
    async for record in _all(kafka, [topic]):
        named = {name: value.decode() for name, value in record.headers}
        ticket, kind = record.key.decode(), named["ce_type"]
        found.records += 1
        found.bytes += len(record.value)
        if kind == closing and named["ce_id"] not in found.closing_ids:
            found.closing_ids.add(named["ce_id"])
            found.closings[ticket] += 1
        if ticket in found.tickets or len(found.tickets) < SAMPLE:
            seen = Seen(kind, named["ce_source"], named["ce_id"], named.get("ce_causation", ""), len(record.value))
            found.tickets.setdefault(ticket, []).append(seen)
    return found


async def _all(kafka: str, topics: Sequence[str]) -> Any:
    publisher = Publisher(kafka, "bench")
    try:
        async with Records(publisher, kafka) as records:
            async for batch in records.to_the_end(await records.partitions(topics)):
                for record in batch:
                    yield record
    finally:
        await publisher.stop()


def null(kind: str) -> str:
    """Give the null type that stands for a type."""
    return kind.replace("gridcall.", "null.", 1)


async def plan_from(
    traces: Traces,
    kafka: str,
    dispatch: Sequence[str],
    handled: dict[str, set[str]],
    documents: dict[str, dict[str, Any]],
) -> dict[str, Any]:
    """Give the plan of the null pipeline: the usual life cycle, who says what on which message, and how long."""
    shapes = Counter(tuple(sorted(seen.kind for seen in records)) for records in traces.tickets.values())
    usual = shapes.most_common(1)[0][0]
    usual_tickets = {t for t, r in traces.tickets.items() if tuple(sorted(seen.kind for seen in r)) == usual}
    lives = [traces.tickets[ticket] for ticket in sorted(usual_tickets)]
    sizes: dict[str, list[int]] = defaultdict(list)
    for records in lives:
        for seen in records:
            sizes[seen.kind].append(seen.size)
    life = max(lives, key=len)
    kinds = {seen.id: seen.kind for seen in life}
    services: dict[str, dict[str, Any]] = {
        name: {
            "consumes": [null(seen.kind) for seen in _once(life) if seen.kind in handled[name]],
            "says": {},
            "sends": {},
            "timers": name == "sla",
            **documents[name],
        }
        for name in handled
    }
    for seen in life:
        producer, cause = seen.source.split("/")[1], _cause(seen, kinds)
        name = "dispatch" if producer == "door" else producer
        said = services[name]["says"].setdefault(null(cause), [])
        said.append([null(seen.kind), max(0, int(fmean(sizes[seen.kind])) - OVERHEAD["log"])])
    sent = await _sent(kafka, dispatch, usual_tickets)
    for (topic, kind), (count, size, cause) in sent.items():
        name = "intake" if topic == "receipts" else "dispatch"
        known = services[name]["consumes"]
        where = null(cause) if topic == "dispatch" or null(cause) in known else _receipt_cause(kind, known)
        for _ in range(max(1, round(count))):
            services[name]["sends"].setdefault(where, []).append(
                [topic, null(kind), max(0, int(size) - OVERHEAD[topic])]
            )
    commands = [null(seen.kind) for seen in _once(life) if seen.source.startswith("gridcall/door/")]
    doors = (ReportSubmitted.type, UpdateSign.type, UpdateDone.type)
    types = {null(seen.kind): seen.source.split("/")[1] for seen in life} | {null(kind): "door" for kind in doors}
    types |= {null(kind): "intake" if topic == "receipts" else "dispatch" for topic, kind in sent}
    return {
        "services": services,
        "types": types,
        "commands": commands,
        "first": null(ReportSubmitted.type),
        "last": null(TicketClosed.type),
        "records": len(life),
        "bytes": int(sum(fmean(sizes[seen.kind]) for seen in life)),
    }


def _once(life: Iterable[Seen]) -> list[Seen]:
    return list({seen.kind: seen for seen in life}.values())


def _cause(seen: Seen, kinds: dict[str, str]) -> str:
    """Give the type of what led to a record: a record of the log, an update, or else the report."""
    if seen.source.startswith("gridcall/door/"):
        return UpdateSign.type if seen.cause.endswith("/sign") else UpdateDone.type
    return kinds.get(seen.cause, ReportSubmitted.type)


def _receipt_cause(kind: str, known: Sequence[str]) -> str:
    """Give what a receipt follows from: acceptance from the report, the end from the closing."""
    if kind.endswith("report.accepted.v1"):
        return null(ReportSubmitted.type)
    if kind.endswith("report.closed.v1") or not known:
        return null(TicketClosed.type)
    return known[len(known) // 2]


async def _sent(
    kafka: str, dispatch: Sequence[str], tickets: set[str]
) -> dict[tuple[str, str], tuple[float, float, str]]:
    """Give, for each type beside the log, how many a life cycle has, how long they are, and what they follow from."""
    sizes: dict[tuple[str, str], list[int]] = defaultdict(list)
    causes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    async for record in _all(kafka, [RECEIPTS, *dispatch]):
        named = {name: value.decode() for name, value in record.headers}
        if named.get("ce_subject") not in tickets:
            continue
        place = ("receipts" if record.topic == RECEIPTS else "dispatch", named["ce_type"])
        sizes[place].append(len(record.value))
        causes[place][_sent_cause(named)] += 1
    return {
        place: (len(found) / max(1, len(tickets)), fmean(found), causes[place].most_common(1)[0][0])
        for place, found in sizes.items()
    }


def _sent_cause(named: dict[str, str]) -> str:
    """Give the type of the log record that a message to a department follows from."""
    cause, kind = named.get("ce_causation", ""), named["ce_type"]
    if kind.endswith("order.issued.v1"):
        return "gridcall.ticket.triaged.v1"
    if kind.endswith("order.closed.v1"):
        return TicketClosed.type
    if cause.endswith("/sign"):
        return "gridcall.ticket.sign-order.v1"
    return "gridcall.ticket.complete-order.v1" if cause.endswith("/done") else cause


def writes_of(mongo: str) -> int:
    """Give how many documents mongod has written since it started."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo)
    with client:
        counts = client.admin.command("serverStatus")["metrics"]["document"]
    return int(counts["inserted"]) + int(counts["updated"])


def documents_of(mongo: str, services: Iterable[str], lifecycles: int) -> dict[str, dict[str, Any]]:
    """Give each service's bytes in a finished ticket's document, and what its doors write beside it."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo)
    found: dict[str, dict[str, Any]] = {}
    with client:
        for name in services:
            db = client[f"gridcall_{name}"]
            sizes = [
                len(bson.encode(document)) - len(bson.encode({k: document[k] for k in LOOP_KEYS if k in document}))
                for document in db["tickets"].find().sort("_id", 1).limit(SAMPLE)
            ]
            extra = []
            for collection in sorted(set(db.list_collection_names()) - LOOP_COLLECTIONS):
                stats = db.command("collStats", collection)
                if stats["count"] >= lifecycles / 2:
                    extra.append([collection, int(stats["avgObjSize"])])
            size = fmean(sizes) if sizes else 0.0
            found[name] = {"document": max(0, int(size) - (NULL_DESK_FIELDS if name == "desk" else 0)), "extra": extra}
    return found
