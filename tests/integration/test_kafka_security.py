"""Does the loop go round on a Kafka with mutual TLS, passwords and an authorizer, and is everybody else refused?"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from deploy.cli.acls import Acl, _create
from deploy.cli.output import FINDING, UNREACHABLE
from shared.ids import order_id, ticket_id
from shared.security import client_security
from shared.settings import Settings
from shared.topics import RECEIPTS, REPORTS, TICKETS, dispatch_topic, updates_topic
from tests.support import forked
from tests.support.city import ROOT, City
from tests.support.secure import ADMIN, SecureKafka
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(500)
SERVICES = ("intake", "triage", "dispatch")
REPORT = {"channel": "hotline", "category": "0110", "text": "垃圾未清", "place": {"grid": "511802001001001"}}
MINE, NEIGHBOUR = "huanwei", "gongan"
USERS = ("gridcall", "hotline", f"department-{MINE}", f"department-{NEIGHBOUR}")


class SecureCity(City):
    """Three services that log in as `gridcall`, on a Kafka where each user may do its own."""

    kafka: SecureKafka

    def __init__(self, folder: Path) -> None:
        """Give the services their login; start nothing."""
        super().__init__(folder)
        self.kafka = SecureKafka(folder / "kafka", *USERS, mutual=True)
        self.environment = self.login("gridcall")

    def login(self, user: str) -> dict[str, str]:
        """Give the variables with which a process logs in as a user; its password stands in a file."""
        file = self.folder / f"{user}.password"
        file.write_text(self.kafka.passwords[user] + "\n", encoding="utf-8")
        given = self.kafka.client(user) | {"kafka_password": "", "kafka_password_file": str(file)}
        return {f"GRIDCALL_{name.upper()}": value for name, value in given.items()}

    def security(self, user: str, mechanism: str = "SCRAM-SHA-512") -> dict[str, Any]:
        """Give what a client of a user's own connects with."""
        settings = Settings(**self.kafka.client(user, mechanism))
        return {"bootstrap_servers": self.kafka.address, **client_security(settings)}

    def gridcall(self, *arguments: str, user: str, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command as an operator who has a user's login."""
        return forked.run("deploy.cli", *arguments, env=self.env | self.login(user) | more, cwd=ROOT)

    @asynccontextmanager
    async def writer(self, user: str) -> AsyncIterator[AIOKafkaProducer]:
        """Give a producer of a user."""
        async with AIOKafkaProducer(**self.security(user), acks="all", request_timeout_ms=10_000) as producer:
            yield producer

    @asynccontextmanager
    async def reader(self, user: str, topic: str, group: str | None) -> AsyncIterator[AIOKafkaConsumer]:
        """Give a consumer of a user, from the beginning of a topic."""
        reset = {"auto_offset_reset": "earliest", "group_id": group, "enable_auto_commit": False}
        async with AIOKafkaConsumer(topic, **self.security(user), **reset) as consumer:
            yield consumer


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecureCity]:
    """Start servers, let the administrator apply topics and ACLs, start three services and wait for them."""
    city = SecureCity(tmp_path_factory.mktemp("secure"))
    with city.kafka, city.mongod:
        applied = city.gridcall("topics", "apply", "--acls", "--json", user=ADMIN)
        assert applied.returncode == 0, applied.stderr
        states = {each["state"] for each in json.loads(applied.stdout)["acls"]}
        assert states == {"created"}
        try:
            for service in SERVICES:
                city.start(service)
            asyncio.run(_ready(city))
            yield city
        finally:
            for service in SERVICES:
                city.stop(service)


async def _ready(city: SecureCity) -> None:
    async with httpx.AsyncClient(timeout=20) as city.http:
        for service in SERVICES:
            await city.ready(service)


def headers(kind: str, source: str, ident: str) -> list[tuple[str, bytes]]:
    """Give the three headers that a writer who is not gridcall needs."""
    return [("ce_type", kind.encode()), ("ce_source", source.encode()), ("ce_id", ident.encode())]


async def first(reader: AIOKafkaConsumer, kind: str) -> dict[str, Any]:
    """Give the first message of a type that a reader gets."""
    async with asyncio.timeout(120):
        async for record in reader:
            if dict(record.headers)["ce_type"] == kind.encode():
                value: dict[str, Any] = json.loads(record.value)
                return value
    raise AssertionError(kind)


async def test_the_loop_goes_round_with_a_login_for_each(city: SecureCity) -> None:
    """Hotline, gridcall and a department each with its own user; groups by their names; both mechanisms."""
    ticket = ticket_id("hotline/1", "call-1")
    async with city.writer("hotline") as hotline:
        kind = headers("gridcall.report.submitted.v1", "hotline/1", "call-1")
        await hotline.send_and_wait(REPORTS, json.dumps(REPORT).encode(), headers=kind)
    async with city.reader("hotline", RECEIPTS, "hotline.desk-2") as receipts:
        assert (await first(receipts, "gridcall.report.accepted.v1"))["ticket_id"] == ticket
    department = f"department-{MINE}"
    async with city.reader(department, dispatch_topic(MINE), department) as orders:
        issued = await first(orders, "gridcall.order.issued.v1")
        assert issued["order_id"] == order_id(ticket, 1)
        async with city.writer(department) as updates:
            kind = headers("gridcall.order.sign.v1", f"{MINE}/system", "sign-1")
            value = json.dumps({"order_id": issued["order_id"], "by": "first shift"}).encode()
            await updates.send_and_wait(updates_topic(MINE), value, headers=kind)
        assert (await first(orders, "gridcall.update.accepted.v1"))["update_id"] == "sign-1"
        await orders.commit()
    async with administrator(city.security("gridcall", "SCRAM-SHA-256")) as admin:
        assert TICKETS in await admin.list_topics()


@pytest.mark.parametrize("topic", [TICKETS, REPORTS, RECEIPTS, dispatch_topic(NEIGHBOUR), updates_topic(MINE)])
async def test_a_department_reads_nothing_but_its_orders(city: SecureCity, topic: str) -> None:
    """Neither the neighbour's orders nor the log."""
    with pytest.raises(TopicAuthorizationFailedError):
        async with city.reader(f"department-{MINE}", topic, None) as reader:
            await asyncio.wait_for(reader.getone(), 30)


@pytest.mark.parametrize("topic", [TICKETS, REPORTS, RECEIPTS, dispatch_topic(MINE), updates_topic(NEIGHBOUR)])
async def test_a_department_writes_nothing_but_its_updates(city: SecureCity, topic: str) -> None:
    """So it cannot speak for its neighbour, nor give itself orders."""
    async with city.writer(f"department-{MINE}") as writer:
        with pytest.raises(TopicAuthorizationFailedError):
            await writer.send_and_wait(topic, b"{}", headers=headers("gridcall.order.sign.v1", "x", "y"))


@pytest.mark.parametrize("group", ["gridcall.dispatch", f"department-{NEIGHBOUR}", f"department-{MINE}2"])
async def test_a_department_is_in_no_group_but_its_own(city: SecureCity, group: str) -> None:
    """Else it could take records away from others; a name that merely begins like its own is another's."""
    with pytest.raises(GroupAuthorizationFailedError):
        async with city.reader(f"department-{MINE}", dispatch_topic(MINE), group) as reader:
            await asyncio.wait_for(reader.getone(), 30)


@pytest.mark.parametrize(
    "change",
    [
        {"security_protocol": "PLAINTEXT"},
        {"security_protocol": "SSL"},
        {"sasl_plain_password": "guessed"},
        {"sasl_plain_username": "department-nobody"},
    ],
    ids=["plain", "tls-alone", "wrong-password", "unknown-user"],
)
async def test_nobody_comes_in_without_a_login(city: SecureCity, change: dict[str, str]) -> None:
    """Not even to ask which topics there are."""
    admin = AIOKafkaAdminClient(**city.security("gridcall") | change, request_timeout_ms=5000)
    try:
        with pytest.raises(KafkaError):
            await admin.start()
    finally:
        await admin.close()


@pytest.mark.parametrize("file", ["kafka_ca_file", "kafka_certificate_file"])
async def test_each_side_must_show_a_certificate(city: SecureCity, file: str) -> None:
    """No password is sent to a broker of another authority; who shows no certificate does not come as far as that."""
    settings = Settings(**city.kafka.client("gridcall") | {file: ""})
    admin = AIOKafkaAdminClient(bootstrap_servers=city.kafka.address, **client_security(settings))
    try:
        with pytest.raises(KafkaError):
            await admin.start()
    finally:
        await admin.close()


async def test_applying_again_changes_nothing_and_finds_what_is_too_much(city: SecureCity) -> None:
    """The command says that all is there; what somebody allowed beside it is a finding, a stranger's is not ours."""
    again = await asyncio.to_thread(city.gridcall, "topics", "apply", "--acls", "--json", user=ADMIN)
    assert again.returncode == 0, again.stderr
    assert {each["state"] for each in json.loads(again.stdout)["acls"]} == {"is there"}
    too_much = Acl(f"User:department-{NEIGHBOUR}", "read", "topic", "literal", TICKETS)
    async with administrator(city.security(ADMIN)) as admin:
        await _create(admin, too_much)
        await _create(admin, Acl("User:prometheus", "describe", "topic", "literal", TICKETS))

    async def found() -> bool:
        told = await asyncio.to_thread(city.gridcall, "topics", "apply", "--acls", "--json", user=ADMIN)
        findings = [each for each in json.loads(told.stdout)["acls"] if each["finding"]]
        assert [Acl(*(each[name] for name in Acl._fields)) for each in findings] == [too_much]
        return told.returncode == FINDING

    await eventually(found, timeout_s=120, what="the ACL that is too much is found")


def test_commands_log_in_too(city: SecureCity) -> None:
    """Topics as `gridcall`, who may not change ACLs; the audit reads the log; nobody prints a password."""
    plain = city.gridcall("topics", "apply", "--json", user="gridcall")
    assert plain.returncode == 0, plain.stderr
    audit = city.gridcall("audit", "--json", user="gridcall")
    assert audit.returncode in {0, FINDING}, audit.stderr
    others = ("--principal-prefix", "city-")  # none of these users' ACLs is there
    refused = city.gridcall("topics", "apply", "--acls", "--json", *others, user="gridcall")
    assert refused.returncode == FINDING
    assert "may not change ACLs" in json.loads(refused.stderr)["error"]
    wrong = {"GRIDCALL_KAFKA_PASSWORD_FILE": "", "GRIDCALL_KAFKA_PASSWORD": "guessed-it"}
    outside = city.gridcall("audit", "--json", user="gridcall", **wrong)
    assert outside.returncode == UNREACHABLE
    said = "".join(each.stdout + each.stderr for each in (plain, audit, refused, outside))
    logs = "".join((city.folder / f"{service}.log").read_text(encoding="utf-8") for service in SERVICES)
    assert "ready" in logs
    for password in (*city.kafka.passwords.values(), "guessed-it"):
        assert password not in said + logs


@asynccontextmanager
async def administrator(security: dict[str, Any]) -> AsyncIterator[AIOKafkaAdminClient]:
    """Give an admin client that is connected."""
    admin = AIOKafkaAdminClient(**security)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()
