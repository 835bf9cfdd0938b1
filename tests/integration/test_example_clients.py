"""Do the department's example clients work as they stand? Against a real Kafka and the real services, to the end."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from jsonschema import Draft202012Validator

from deploy.asyncapi import OF_GRIDCALL, TO_GRIDCALL
from deploy.cli.acls import apply_acls, wanted_acls
from deploy.local.servers import Kafka
from deploy.schemas import example
from shared.profile import find_profile, load_profile
from shared.security import client_security
from shared.settings import Settings
from shared.topics import dispatch_topic, updates_topic
from tests.support.city import Seen
from tests.support.foreign import CLIENTS, compiled, node_modules
from tests.support.secure import ADMIN, SecureKafka
from tests.support.story import Story
from tests.support.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]
OFFICER = "东城值班长"
GRID = "511802001003001"
PATIENCE_S = 90


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """One city for all three clients, each of which is a department of its own."""
    async with Story(tmp_path_factory.mktemp("clients")) as story:
        yield story


def in_python() -> list[str]:
    """Give the command of the client in Python."""
    return [sys.executable, "client.py"]


def in_node() -> list[str]:
    """Install kafkajs; give the command of the client in Node."""
    node_modules(CLIENTS / "node")
    return ["node", "client.js"]


def in_java() -> list[str]:
    """Compile the client in Java; give its command."""
    compiled(CLIENTS / "java")
    return ["java", "-cp", "target/classes:target/lib/*", "Client"]


class Client:
    """A client that runs, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Listen to a process."""
        self.process = process
        self.said: list[str] = []
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.said.append(line.decode().rstrip())

    async def says(self, beginning: str) -> str:
        """Give the first line that begins so, once it is there."""

        async def there() -> str | None:
            assert self.process.returncode is None, self.said
            return next((line for line in self.said if line.startswith(beginning)), None)

        line: str = await eventually(there, timeout_s=PATIENCE_S, what=f"{beginning!r} among {self.said}")
        return line

    async def ends(self, how: signal.Signals) -> None:
        """End the process."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        await self.process.wait()
        await self._listening


@asynccontextmanager
async def running(
    kafka: Kafka, language: str, command: list[str], department: str, **login: str
) -> AsyncIterator[Client]:
    """Run a client as its page says."""
    process = await asyncio.create_subprocess_exec(
        *command,
        kafka.address,
        department,
        cwd=CLIENTS / language,
        env=os.environ | login,  # noqa: TID251 - a child process inherits the test's environment
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    client = Client(process)
    try:
        yield client
    finally:
        await client.ends(signal.SIGKILL)


async def done(city: Story, ticket: str, times: int) -> None:
    """Return when a ticket's order was done so often, and its verification is asked for."""

    async def there() -> bool:
        return len(await city.happened(ticket, "verification-asked")) >= times

    await eventually(there, timeout_s=PATIENCE_S, what=f"{ticket} is done {times} times")
    await city.settled()


async def again(city: Story, record: Seen) -> None:
    """Put a record onto its topic once more, as after a crash."""
    headers = [(name, text.encode()) for name, text in record.headers.items()]
    value = json.dumps(record.value).encode()
    await city.producer.send_and_wait(record.topic, value, key=record.key.encode(), headers=headers)


async def committed_all(city: Story, department: str) -> None:
    """Return when the department's group has committed to the end of its topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=city.kafka.address)
    await admin.start()

    async def there() -> bool:
        end = len(await city.orders(department))
        found = await admin.list_consumer_group_offsets(f"department-{department}")
        part = TopicPartition(dispatch_topic(department), 0)
        return bool(found[part].offset == end)

    try:
        await eventually(there, timeout_s=PATIENCE_S, what=f"{department} has committed all that it has answered")
    finally:
        await admin.close()


def conforms(record: Seen, needed: tuple[str, ...]) -> None:
    """Check a record on a department's topic against the published schema and headers."""
    assert set(needed) <= set(record.headers)
    schema = json.loads((Path(CLIENTS).parent / "schemas" / f"{record.type}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(record.value)


each_client = pytest.mark.parametrize(
    ("language", "command", "department", "what"),
    [
        ("python", in_python, "huanwei", {"category": "0110"}),
        ("node", in_node, "yuanlin", {"category": "0117"}),
        ("java", in_java, "shizheng", {"category": "0113", "condition": "cracked"}),
    ],
    ids=["python", "node", "java"],
)


@each_client
async def test_a_client_signs_and_finishes_until_the_ticket_is_closed(
    city: Story, language: str, command: Callable[[], list[str]], department: str, what: dict[str, str]
) -> None:
    """Whatever the stream brings: changed, reworked, withdrawn, twice, not for it, and its own death."""
    arguments = await asyncio.to_thread(command)
    report: dict[str, Any] = what | {"text": "example", "place": {"grid": GRID}}
    taken_away = await city.hotline_reports(**report | {"text": "not theirs", "place": {"grid": "511802001001001"}})
    lost = await city.ordered(department, taken_away)
    to = {"kind": "department", "id": "gongan"}
    await city.decides(taken_away, "assign", by=OFFICER, to=to, reason="theirs")
    ticket = await city.hotline_reports(**report)
    order = await city.ordered(department, ticket)
    await city.decides(ticket, "amend", by=OFFICER, severity="II", reason="a school is near")

    async with running(city.kafka, language, arguments, department) as client:
        await done(city, ticket, 1)
        await client.says(f"changed {order}: ")
        await client.says(f"refused {lost} {lost}/sign/1: order-over: ")
        await client.says(f"over {lost}: reassigned")
        await city.decides(ticket, "verify", by=OFFICER, passed=False, note="it is still there")
        await client.says(f"reworked {order} by ")
        await done(city, ticket, 2)
        issued = (await city.told(department, "gridcall.order.issued.v1", ticket))[0]
        await again(city, issued)
        await again(city, Seen(issued.topic, 0, 0, "x", issued.headers | {"ce_type": "x.v9", "ce_id": language}, {}))
        await client.says(f"again {issued.headers['ce_id']}")
        await client.says("ignored x.v9")
        await city.decides(ticket, "verify", by=OFFICER, passed=True)
        await city.becomes(ticket, "closed")
        await client.says(f"over {order}: ")
        await committed_all(city, department)

        crashed = await city.hotline_reports(**report | {"text": "another", "place": {"grid": "511802001002001"}})
        await client.says(f"issued {crashed}-1 by ")
    later = await city.hotline_reports(**report | {"text": "a third", "place": {"grid": "511802001002002"}})
    async with running(city.kafka, language, arguments, department) as client:
        await client.says(f"over {later}-1: ")
        assert (await city.becomes(crashed, "closed"))["reworks"] == 0
        assert not [line for line in client.said if line.startswith(f"issued {order} ")]
        await committed_all(city, department)

    updates = await city.read(updates_topic(department))
    expected = [f"{lost}/sign/1"] + [f"{order}/{step}" for step in ("sign/1", "progress/1", "done/1")]
    expected += [f"{order}/{step}" for step in ("progress/2", "done/2")]
    assert [u.headers["ce_id"] for u in updates if not u.key.startswith((crashed, later))] == expected
    facts = await city.life(crashed)
    assert (facts["order-signed"], facts["order-progressed"], facts["order-done"], facts["closed"]) == (1, 1, 1, 1)
    for update in updates:
        conforms(update, TO_GRIDCALL)
    for told in await city.orders(department):
        if told.type != "x.v9":
            conforms(told, OF_GRIDCALL)


# ---------------------------------------------------------------- a city's own brokers


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureKafka]:
    """Give brokers with TLS, passwords and ACLs, on which each department may do its own."""
    users = [f"department-{name}" for name in ("huanwei", "yuanlin", "shizheng")]
    with SecureKafka(tmp_path_factory.mktemp("guarded"), *users) as server:
        yield server


@each_client
async def test_a_client_logs_in_and_needs_no_more_than_it_may(
    guarded: SecureKafka, language: str, command: Callable[[], list[str]], department: str, what: dict[str, str]
) -> None:
    """By the three variables that the page names, as the user to whom `gridcall topics apply --acls` gives its own."""
    assert what
    arguments = await asyncio.to_thread(command)
    administrator = {"bootstrap_servers": guarded.address, **client_security(Settings(**guarded.client(ADMIN)))}
    admin = AIOKafkaAdminClient(**administrator)
    await admin.start()
    topics = [dispatch_topic(department), updates_topic(department)]
    await admin.create_topics([NewTopic(topic, 1, 1) for topic in topics])
    await apply_acls(admin, wanted_acls(load_profile(find_profile("yucheng")).departments, "gridcall."), "")
    await admin.close()
    async with AIOKafkaProducer(**administrator) as producer:
        headers = [("ce_type", b"gridcall.order.issued.v1"), ("ce_id", b"1")]
        issued = json.dumps(example("gridcall.order.issued.v1")).encode()
        await producer.send_and_wait(topics[0], issued, headers=headers)

    user = f"department-{department}"
    login = {"KAFKA_USER": user, "KAFKA_PASSWORD": guarded.passwords[user], "KAFKA_CA": str(guarded.authority)}
    reading = AIOKafkaConsumer(topics[1], **administrator, auto_offset_reset="earliest")
    async with running(guarded, language, arguments, department, **login) as client, reading as consumer:
        await client.says("issued 7K3M9Q2DXW5T8H4B-1 by ")
        update = await asyncio.wait_for(consumer.getone(), PATIENCE_S)
    assert update.key == b"7K3M9Q2DXW5T8H4B-1"
    assert dict(update.headers)["ce_id"] == b"7K3M9Q2DXW5T8H4B-1/sign/2"
