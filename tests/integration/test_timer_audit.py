"""Does sla find by itself that a timer was missed, say so once, and make up for it?"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from deploy.cli.audit import audit_timers
from services.sla.app import build
from services.sla.auditor import Asked
from services.sla.rounds import Turns, answers, audit_after
from services.sla.settings import Settings
from shared import metrics
from shared.clock import StoppedClock
from shared.envelope import Envelope, Outgoing, headers
from shared.errors import TryLater
from shared.ids import fact_id, order_id, ticket_id
from shared.messages import CategoryRef, Handler, Location, OrderIssued, Span
from shared.profile import find_profile, load_profile
from shared.records import Records
from shared.topics import TICKETS
from tests.support.city import ROOT
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from shared.messages import Body
    from shared.service import Service
    from tests.integration.conftest import Servers

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
TICKET = ticket_id("audit", "1")
PROFILE = load_profile(find_profile("yucheng"))
GRID = next(unit for unit in PROFILE.units if unit.level == PROFILE.levels[0].id)
ORDER = OrderIssued(
    order_id=order_id(TICKET, 1),
    handler=Handler(kind="department", id="water"),
    level=GRID.level,
    unit=GRID.id,
    issued_at=START,
    sign_by=START + timedelta(minutes=10),
    handle_by=START + timedelta(minutes=60),
    sign_limit=Span(amount=10, unit="minutes"),
    handle_limit=Span(amount=60, unit="minutes"),
    calendar="always",
    warn_share=0.8,
    category=CategoryRef(code="0501", name="漏水", condition="leak"),
    severity="IV",
    place=Location(unit=GRID.id),
    description="x",
    profile_version=PROFILE.version,
)


def fact(body: Body, number: int) -> Outgoing:
    """Give a fact of dispatch on the ticket."""
    envelope = Envelope(fact_id(TICKET, "dispatch", number), "gridcall/dispatch", body.type, START, TICKET, number)
    return Outgoing(TICKETS, TICKET, headers(envelope), body.model_dump_json().encode())


@pytest_asyncio.fixture
async def sla(servers: Servers) -> AsyncIterator[Service]:
    """An sla on a clock that stands still; the test says when it audits its timers."""
    settings = Settings(
        kafka=servers.kafka.address, mongo=servers.mongod.address, sla_audit_every_s=0, session_timeout_ms=20_000
    )
    service = build(settings, clock=StoppedClock(START))
    await service.start()

    async def ready() -> bool:
        return not service.unready() and all(loop.owns_partitions() for loop in service.loops)

    await eventually(ready, what="sla is ready")
    yield service
    await service.stop()


async def said(service: Service) -> list[tuple[str, dict[str, Any]]]:
    """Give type and body of everything on the log."""
    found = []
    async with Records(service.publisher, service.settings.kafka) as records:
        async for batch in records.to_the_end(await records.partitions([TICKETS])):
            found += [(dict(each.headers)["ce_type"].decode(), json.loads(each.value)) for each in batch]
    return found


async def of_type(service: Service, name: str) -> list[dict[str, Any]]:
    """Give the bodies of one type on the log."""
    return [body for kind, body in await said(service) if kind == f"gridcall.ticket.{name}.v1"]


def findings_counted() -> dict[str, float]:
    """Give the metric by kind, where it is not zero."""
    (metric,) = metrics.timer_audit_findings.collect()
    return {sample.labels["kind"]: sample.value for sample in metric.samples if sample.value}


async def test_a_missed_timer_is_found_once_and_made_up_for(sla: Service) -> None:
    """Its instant is lost from the database, and nothing else would ever notice."""
    clock = sla.clock
    assert isinstance(clock, StoppedClock)
    counted = findings_counted()
    tickets = sla.db["tickets"]
    audit = partial(audit_after, 0.0, sla, sla.loops[0], Turns())

    async def armed() -> datetime | None:
        found = await tickets.find_one({"_id": TICKET})
        return found.get("w") if found else None

    await sla.publisher.send([fact(ORDER, 1)])
    assert await eventually(armed) == START + timedelta(minutes=8)
    clock.advance(timedelta(minutes=8, seconds=30))

    async def warned() -> bool:
        return await armed() == ORDER.sign_by

    await eventually(warned, what="the warning is given")
    await audit()
    assert await of_type(sla, "record-finding") == [], "a sound log leads to nothing"

    await tickets.update_one({"_id": TICKET}, {"$unset": {"w": ""}})
    clock.advance(timedelta(minutes=4))
    await audit()
    (found,) = await eventually(lambda: of_type(sla, "audit-found"), what="it is found")
    assert (found["finding"]["kind"], found["finding"]["event"], found["finding"]["clock"]) == (
        "missed", "breach", "sign",
    )  # fmt: skip
    (breach,) = await of_type(sla, "clock-breached")
    assert breach["clock"] == "sign"
    assert len(await of_type(sla, "escalated")) == 1
    again = await eventually(armed)
    assert again > clock.now()

    for _ in range(2):
        await audit()
    assert metrics.timer_audit_timers._value.get() >= 3, "of the order's two clocks, and of the level that was added"
    assert len(await of_type(sla, "audit-found")) == 1
    told = [body["finding"]["kind"] for body in await of_type(sla, "record-finding")]
    assert told == ["missed", "late"], "each is told once, and that it came late is known"
    now = findings_counted()
    assert {kind: now[kind] - counted.get(kind, 0) for kind in now if now[kind] != counted.get(kind, 0)} == {
        "missed": 1
    }
    by_hand = await asyncio.to_thread(audit_timers, sla.settings.kafka, sla.profile, clock.now())
    assert [finding.kind for finding in by_hand.findings] == ["timer-late"], "whoever asks is told all"
    assert by_hand.counts["breach expected"] == by_hand.counts["breach said"] == 1


@pytest.fixture
def mute() -> Iterator[socket.socket]:
    """Something that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)  # noqa: FBT003 - the name of the method says what
        yield server


def asked(server: socket.socket) -> Asked:
    """Ask for an audit of what should be a Kafka."""
    return Asked(
        kafka=f"127.0.0.1:{server.getsockname()[1]}",
        profile="yucheng",
        now=START,
        speed=1,
        partitions=[(0, 0)],
        budget_s=1,
    )


async def test_it_ends_with_the_service_however_that_ends(mute: socket.socket) -> None:
    """Killed, a service closes nothing properly; the system closes its end of the pipe."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.sla.auditor", cwd=ROOT, stdin=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(asked(mute).model_dump_json().encode() + b"\n")
    connection, _ = await asyncio.get_running_loop().sock_accept(mute)
    with connection:  # it waits for an answer
        process.stdin.close()
        assert await asyncio.wait_for(process.wait(), 20) == 1


async def test_it_is_ended_when_nobody_listens(mute: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that stops waits for no audit."""
    started: list[asyncio.subprocess.Process] = []
    start = asyncio.create_subprocess_exec

    async def noting(*command: Any, **options: Any) -> asyncio.subprocess.Process:
        started.append(await start(*command, **options))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noting)

    async def listen() -> None:
        await anext(answers(asked(mute)))

    task = asyncio.create_task(listen())

    async def running() -> bool:
        return bool(started)

    await eventually(running)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert started[0].returncode == -9


async def test_without_kafka_it_is_tried_again_later() -> None:
    """That is no finding."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        with pytest.raises(TryLater, match="audit of timers"):
            await anext(answers(asked(taken)))
