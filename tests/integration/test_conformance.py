"""Does `gridcall conformance` pass a good client and catch bad ones, on a real Kafka, and spare real departments?"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.cli import topics
from deploy.local.servers import QUICK_JIT, Kafka
from shared.settings import Settings
from shared.topics import dispatch_topic, updates_topic
from tests.support import forked
from tests.support.city import ROOT
from tests.support.department import Ascii, Client, Doubles, Headless, SignsAgain

BAD: dict[str, tuple[type[Client], tuple[str, ...]]] = {
    "test-doubles": (Doubles, ("same-order-twice",)),
    "test-again": (SignsAgain, ("rework", "in-turn")),
    "test-ascii": (Ascii, ("long-text",)),
    "test-headless": (Headless, ("order", "well-formed")),
}
"""Department -> its client, and the cases that are tried with it, in each of which it is caught."""


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One Kafka with the topics of the default profile."""
    with Kafka(tmp_path_factory.mktemp("kafka"), flags=QUICK_JIT) as server:
        topics.apply(server.address, "yucheng")
        yield server.address


async def conformance(kafka: str, department: str, *more: str) -> tuple[int, dict[str, Any]]:
    """Run the command; gives its exit code and its answer."""
    words = ("conformance", "--department", department, "--bootstrap", kafka, "--patience", "20", "--quiet", "2")
    run = await asyncio.to_thread(forked.run, "deploy.cli", *words, "--json", *more, cwd=ROOT, timeout=300)
    return run.returncode, json.loads(run.stdout or run.stderr)


def asked_for(note: Path) -> bool:
    """Tell, once, whether the note is there."""
    found = note.exists()
    note.unlink(missing_ok=True)
    return found


async def created(kafka: str, *names: str) -> None:
    """Create topics as an operator does for a test department."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(name, 1, 1) for name in names])
    await admin.close()


@contextlib.asynccontextmanager
async def at_work(kafka: str, department: str, client: Client, note: Path) -> AsyncIterator[None]:
    """Let a client work on its topics while the block runs; it is restarted when its note appears."""
    await created(kafka, dispatch_topic(department), updates_topic(department))
    consumer = AIOKafkaConsumer(
        dispatch_topic(department), bootstrap_servers=kafka, auto_offset_reset="earliest", group_id=department
    )
    producer = AIOKafkaProducer(bootstrap_servers=kafka)
    await consumer.start()
    await producer.start()

    async def work() -> None:
        while True:
            found = await consumer.getmany(timeout_ms=100)
            if asked_for(note):
                client.restarted()
            for record in [record for records in found.values() for record in records]:
                headers = {name: value.decode() for name, value in record.headers}
                for written, value in client.take(headers, record.value):
                    await producer.send_and_wait(updates_topic(department), value, headers=list(written))

    task = asyncio.create_task(work())
    try:
        yield
        assert not task.done(), task
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await consumer.stop()
        await producer.stop()


async def verdicts(
    kafka: str, department: str, client: Client, note: Path, cases: tuple[str, ...]
) -> tuple[int, dict[str, dict[str, Any]]]:
    """Give the exit code and the rows of the report; without cases all of them are tried."""
    chosen = [word for case in cases for word in ("--case", case)]
    async with at_work(kafka, department, client, note):
        code, answer = await conformance(kafka, department, "--restart-command", f"touch {note}", *chosen)
    return code, {row["case"]: row for row in answer["cases"]}


@pytest.mark.timeout(400)
async def test_a_good_client_passes_and_bad_ones_are_caught(kafka: str, tmp_path: Path) -> None:
    """Each in its case, by the command line as a department's developer calls it."""
    runs = {"test-good": (Client(), ())} | {name: (bad(), cases) for name, (bad, cases) in BAD.items()}
    done = await asyncio.gather(
        *(verdicts(kafka, name, client, tmp_path / name, cases) for name, (client, cases) in runs.items())
    )
    by_name = dict(zip(runs, done, strict=True))
    code, rows = by_name.pop("test-good")
    assert [row for row in rows.values() if row["result"] == "failed"] == []
    assert {case for case, row in rows.items() if row["result"] == "not tried"} == {"returned", "resync"}
    assert code == 0
    for name, (code, rows) in by_name.items():
        assert {row["result"] for row in rows.values()} == {"failed"}, (name, rows)
        assert code == 1


@pytest.mark.timeout(120)
async def test_nobody_answers(kafka: str) -> None:
    """A client that does not run is a finding, with a question that helps."""
    code, answer = await conformance(kafka, "test-nobody", "--case", "well-formed")
    assert code == 1
    assert "does the client run" in answer["cases"][0]["came"]


@pytest.mark.timeout(120)
async def test_a_real_department_is_spared(kafka: str) -> None:
    """By its name in the profile; and where a gridcall reads its topic, even when told that it may."""
    code, answer = await conformance(kafka, "huanwei")
    assert (code, "real department" in answer["error"]) == (2, True)
    gridcall = AIOKafkaConsumer(
        updates_topic("huanwei"), bootstrap_servers=kafka, group_id=Settings().group("dispatch", "updates")
    )
    await gridcall.start()
    try:
        code, answer = await conformance(kafka, "huanwei", "--yes-really")
    finally:
        await gridcall.stop()
    assert (code, "A gridcall is at work" in answer["error"]) == (2, True)


@pytest.mark.timeout(120)
async def test_wrong_calls_and_an_absent_kafka_say_what_to_do(kafka: str) -> None:
    """Exit 2 for a wrong call, 3 for a Kafka that is away."""
    assert (await conformance(kafka, "Test_Department"))[0] == 2
    assert (await conformance(kafka, "test-x", "--case", "nonsense"))[0] == 2
    assert (await conformance("127.0.0.1:1", "test-x"))[0] == 3
