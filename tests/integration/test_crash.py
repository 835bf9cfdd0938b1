"""Is every ticket closed exactly once when every service is killed between every two steps of its loop?"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.processes import free_port
from shared.ids import ticket_id
from shared.settings import PORTS
from tests.support import forked
from tests.support.city import ROOT, City
from tests.support.crash import STEPS
from tests.support.players import Departments, departments
from tests.support.waiting import eventually

SOURCE = "test/hotline"
SAYS_NOTHING = {"desk": {"publishing", "half-published"}, "sla": {"half-published"}, "closure": set[str]()}
"""Steps that a service need not reach: desk publishes nothing, sla rarely two messages in one turn."""


@contextlib.asynccontextmanager
async def feeding(city: City, every_s: float = 0.03) -> AsyncIterator[list[str]]:
    """Hand in reports while the block runs; gives their ids."""
    sent: list[str] = []

    async def feed() -> None:
        for number in itertools.count():
            ident = f"r{number}"
            sent.append(ident)
            place = {"grid": "511802001001001"}
            await city.report(SOURCE, ident, channel="hotline", category="0110", text="垃圾未清 x", place=place)
            if number % 7 == 0:
                await city.report(SOURCE, ident, channel="hotline", category="0110", text="垃圾未清 x", place=place)
            await asyncio.sleep(every_s)

    task = asyncio.create_task(feed())
    try:
        yield sent
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def gridcall(city: City, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Run a command of the command line with --json; gives its exit code and its answer."""
    done = forked.run("deploy.cli", *arguments, "--json", env=city.env, cwd=ROOT)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


async def all_closed(city: City, tickets: set[str]) -> bool:
    """Tell whether the desk shows every ticket as closed."""
    answer = await city.http.get(city.url("desk", "/v1/counters"))
    assert answer.status_code == httpx.codes.OK, answer.text
    return bool(answer.json()["by_state"].get("closed", 0) >= len(tickets))


async def reconcile(city: City, sent: list[str], played: Departments) -> None:
    """Check that nothing was lost and nothing was done twice."""
    tickets = {ticket_id(SOURCE, ident) for ident in sent}
    await eventually(lambda: all_closed(city, tickets), timeout_s=90, every_s=0.5, what="every ticket is closed")
    log = await city.log()
    bodies: dict[str, set[str]] = defaultdict(set)
    for seen in log:
        bodies[seen.headers["ce_id"]].add(json.dumps(seen.value, sort_keys=True))
    assert {ident for ident, different in bodies.items() if len(different) > 1} == set()
    facts = {s.headers["ce_id"]: s for s in log if "ce_sequence" in s.headers}
    assert {s.key for s in facts.values()} == tickets
    closings = Counter(s.key for s in facts.values() if s.type == "gridcall.ticket.closed.v1")
    assert closings == dict.fromkeys(tickets, 1)
    sequences: dict[tuple[str, str], list[int]] = defaultdict(list)
    for s in facts.values():
        sequences[s.key, s.headers["ce_source"]].append(int(s.headers["ce_sequence"]))
    assert [k for k, n in sequences.items() if sorted(n) != list(range(1, len(n) + 1))] == []
    orders = Counter(s.key for s in facts.values() if s.type == "gridcall.ticket.order-issued.v1")
    assert orders == dict.fromkeys(tickets, 1)
    assert set(played.orders.values()) == {1}
    assert len(played.orders) == len(tickets)
    receipts = {s.headers["ce_id"]: s for s in await city.receipts()}
    accepted = Counter(s.headers["ce_causation"] for s in receipts.values() if s.type == "gridcall.report.accepted.v1")
    assert accepted == dict.fromkeys(set(sent), 1)
    code, audit = await asyncio.to_thread(gridcall, city, "audit")
    assert code == 0, audit
    code, rebuilt = await asyncio.to_thread(gridcall, city, "rebuild", "--check")
    assert code == 0, rebuilt


async def crashed(city: City, service: str, step: str) -> None:
    """Start a service that dies at its second arrival at a step; when it has, start it anew."""
    process = city.start(service, crash=(step, 2))

    async def dead() -> bool:
        return process.poll() is not None

    await eventually(dead, timeout_s=60, what=f"{step} kills {service}")
    assert process.returncode == -9, f"{service} at {step}"
    city.kill(service)
    city.start(service)


@pytest.mark.timeout(400)
async def test_kill_9_between_every_two_steps(tmp_path: Path) -> None:
    """Every service dies at every step while reports flow; all are started again, and everything adds up."""
    async with City(tmp_path) as city, departments(city) as played:
        async with feeding(city) as sent:
            for step in STEPS:
                dying = {service for service in PORTS if step not in SAYS_NOTHING.get(service, ())}
                for service in dying:
                    city.kill(service)
                await asyncio.gather(*(crashed(city, service, step) for service in dying))
            for service in PORTS:
                await city.ready(service)
        await reconcile(city, sent, played)


@pytest.mark.timeout(300)
async def test_another_instance_takes_over(tmp_path: Path) -> None:
    """Two instances of every service share the log; the first ones are killed in the middle of their work."""
    async with City(tmp_path) as city, departments(city) as played:
        async with feeding(city) as sent:
            first = {service: city.processes.pop(service) for service in PORTS}
            for service in PORTS:
                city.start(service, port=free_port())
            await asyncio.sleep(3)
            for processes in first.values():
                for process in processes:
                    process.kill()
                    process.wait()

            target = len(sent) + 20

            async def goes_on() -> bool:
                return len(played.orders) >= target

            await eventually(goes_on, timeout_s=60, what="orders go out after the take-over")
            for service in PORTS:
                city.kill(service)
                city.start(service)
            for service in PORTS:
                await city.ready(service)
        await reconcile(city, sent, played)


@pytest.mark.timeout(300)
async def test_mongod_and_kafka_are_killed_and_come_back(tmp_path: Path) -> None:
    """Infrastructure trouble is waited for; afterwards everything adds up."""
    async with City(tmp_path) as city, departments(city) as played:
        async with feeding(city, 0.05) as sent:
            await asyncio.sleep(2)
            await asyncio.to_thread(city.mongod.kill)
            await asyncio.sleep(3)
            await asyncio.to_thread(city.mongod.start)
            await asyncio.to_thread(city.mongod.wait_ready)
            for service in PORTS:
                await city.ready(service)
            await asyncio.sleep(2)
        await asyncio.to_thread(city.kafka.kill)
        await asyncio.sleep(2)
        await asyncio.to_thread(city.kafka.start)
        await asyncio.to_thread(city.kafka.wait_ready)
        for service in PORTS:
            await city.ready(service)
        async with feeding(city, 0.05) as more:
            await asyncio.sleep(2)
        del more
        await reconcile(city, sent, played)
