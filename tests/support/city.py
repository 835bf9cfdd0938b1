"""How does a test run a whole city? Six service processes on servers of their own, seen through the doors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.cli import topics
from deploy.local.processes import free_port
from deploy.local.servers import FULL_JIT, QUICK_JIT, Kafka, Mongod
from shared.profile import find_profile, load_profile
from shared.settings import PORTS
from shared.topics import RECEIPTS, REPORTS, TICKETS, dispatch_topic, updates_topic
from tests.support.forked import Forked
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
Process = subprocess.Popen[bytes] | Forked


@dataclass(slots=True)
class Seen:
    """A record as a client sees it."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: dict[str, str]
    value: dict[str, Any]

    @property
    def type(self) -> str:
        """Give the CloudEvents type."""
        return self.headers.get("ce_type", "")


@dataclass
class City:
    """Servers, services and clients; `async with City(folder) as city`."""

    folder: Path
    profile: str = "yucheng"
    environment: dict[str, str] = field(default_factory=dict)
    as_shipped: bool = False
    """Start everything as it is started outside of tests: for whoever measures it, or proves that it starts."""

    def __post_init__(self) -> None:
        """Choose ports; start nothing."""
        self.kafka = Kafka(self.folder / "kafka", flags=FULL_JIT if self.as_shipped else QUICK_JIT)
        self.mongod = Mongod(self.folder / "mongod")
        self.ports = {service: free_port() for service in PORTS}
        self.processes: dict[str, list[Process]] = {}
        self._stack = AsyncExitStack()

    # ------------------------------------------------------------ life

    @property
    def env(self) -> dict[str, str]:
        """Give the environment of a service process."""
        return {
            **os.environ,  # noqa: TID251 - a child process inherits the test's environment
            "GRIDCALL_KAFKA": self.kafka.address,
            "GRIDCALL_MONGO": self.mongod.address,
            "GRIDCALL_PROFILE": self.profile,
            "GRIDCALL_DATA": str(self.folder / "data"),
            "GRIDCALL_SESSION_TIMEOUT_MS": "6000",
            "PYTHONPATH": str(ROOT),
            **{f"GRIDCALL_{service.upper()}_PORT": str(port) for service, port in self.ports.items()},
            **self.environment,
        }

    async def __aenter__(self) -> Self:
        """Start servers, create topics and indexes, start the six services and wait until they are ready."""
        (self.folder / "data").mkdir(parents=True, exist_ok=True)
        await self.start_servers()
        await asyncio.to_thread(topics.apply, self.kafka.address, self.profile)
        await asyncio.to_thread(topics.indexes, self.mongod.address)
        self.departments = {d.id: d.topic for d in load_profile(find_profile(self.profile)).departments}
        self.http = await self._stack.enter_async_context(httpx.AsyncClient(timeout=20))
        self.producer = AIOKafkaProducer(bootstrap_servers=self.kafka.address, acks="all", max_request_size=2_000_000)
        await self.producer.start()
        self._stack.push_async_callback(self.producer.stop)
        for service in PORTS:
            self.start(service)
        for service in PORTS:
            await self.ready(service)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything that this city started."""
        await self._stack.aclose()
        self._end(signal.SIGTERM, *list(self.processes))
        await self.stop_servers()

    async def start_servers(self) -> None:
        """Start Kafka and mongod, both at once."""
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in (self.kafka, self.mongod)))

    async def stop_servers(self) -> None:
        """Stop them."""
        await asyncio.gather(*(asyncio.to_thread(server.stop) for server in (self.kafka, self.mongod)))

    # ------------------------------------------------------------ services

    def start(
        self, service: str, *, crash: tuple[str, int] | None = None, port: int | None = None, instance: str = ""
    ) -> Process:
        """Start a service process; `crash` kills it at the nth time that it reaches a step of the loop.

        Kafka knows it by the name of its instance, as the one that it was before; without one by its port.
        """
        words = ["tests.support.crash", service, crash[0], str(crash[1])] if crash else [f"services.{service}"]
        env = self.env | ({f"GRIDCALL_{service.upper()}_PORT": str(port)} if port else {})
        env |= {"GRIDCALL_INSTANCE": instance} if instance else {}
        process = self._started(words, env, self.folder / f"{service}.log")
        self.processes.setdefault(service, []).append(process)
        return process

    def _started(self, words: list[str], env: dict[str, str], file: Path) -> Process:
        if not self.as_shipped:
            return Forked(*words, env=env, cwd=ROOT, out=file)
        with file.open("ab") as log:
            command = [sys.executable, "-m", *words]
            return subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)

    async def ready(self, service: str, port: int | None = None) -> None:
        """Return when a service says that it is ready."""

        async def is_ready() -> bool:
            answer = await self.http.get(f"http://127.0.0.1:{port or self.ports[service]}/health/ready")
            return answer.status_code == httpx.codes.OK

        await eventually(is_ready, timeout_s=40, what=f"{service} is ready: {self.folder / service}.log")

    def kill(self, service: str) -> None:
        """Kill -9 every process of a service."""
        self._end(signal.SIGKILL, service)

    def stop(self, service: str) -> None:
        """Stop every process of a service as an operator would."""
        self._end(signal.SIGTERM, service)

    def _end(self, number: signal.Signals, *services: str) -> None:
        ended = [process for service in services for process in self.processes.pop(service, [])]
        for process in ended:
            process.send_signal(number)
        for process in ended:  # each takes a second to go, all of them together no longer
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def url(self, service: str, path: str) -> str:
        """Give the address of a path of a service."""
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    # ------------------------------------------------------------ doors

    async def report(self, source: str, ident: str, **body: Any) -> None:
        """Hand in a report by the hotline's topic."""
        await self.put(REPORTS, "gridcall.report.submitted.v1", source, ident, body)

    async def update(self, department: str, kind: str, ident: str, **body: Any) -> None:
        """Write as a department on its updates topic."""
        topic = updates_topic(self.departments[department])
        await self.put(topic, f"gridcall.order.{kind}.v1", f"{department}/system", ident, body)

    async def put(self, topic: str, kind: str, source: str, ident: str, body: Any) -> None:
        """Write a record with the three headers that a foreign writer needs."""
        headers = [("ce_type", kind.encode()), ("ce_source", source.encode()), ("ce_id", ident.encode())]
        await self.producer.send_and_wait(topic, json.dumps(body).encode(), key=ident.encode(), headers=headers)

    async def read(self, topic: str) -> list[Seen]:
        """Read a whole topic as it stands now, partition by partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.kafka.address, enable_auto_commit=False, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            numbers = await self._partitions(consumer, topic)
            assert numbers, topic
            parts = [TopicPartition(topic, number) for number in sorted(numbers)]
            consumer.assign(parts)
            ends = await consumer.end_offsets(parts)
            seen: list[Seen] = []
            while any([await consumer.position(tp) < ends[tp] for tp in parts]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    seen += [_seen(record) for record in records]
            return sorted(seen, key=lambda s: (s.partition, s.offset))
        finally:
            await consumer.stop()

    async def _partitions(self, consumer: AIOKafkaConsumer, topic: str) -> set[int]:
        cluster = await consumer._client.fetch_all_metadata()  # the public call answers from a cache
        return set(cluster.partitions_for_topic(topic) or ())

    async def log(self) -> list[Seen]:
        """Read the ticket log."""
        return await self.read(TICKETS)

    async def receipts(self) -> list[Seen]:
        """Read what the hotline was told."""
        return await self.read(RECEIPTS)

    async def orders(self, department: str) -> list[Seen]:
        """Read what a department was told."""
        return await self.read(dispatch_topic(self.departments[department]))

    async def ticket(self, ident: str) -> dict[str, Any]:
        """Give a ticket as the desk shows it."""
        answer = await self.http.get(self.url("desk", f"/v1/tickets/{ident}"))
        return answer.json() if answer.status_code == httpx.codes.OK else {"state": f"HTTP {answer.status_code}"}

    async def command(self, ident: str, name: str, key: str, **body: Any) -> httpx.Response:
        """Ask for something at the desk."""
        return await self.http.post(
            self.url("desk", f"/v1/tickets/{ident}/commands/{name}"), json=body, headers={"Idempotency-Key": key}
        )


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "replace")


def _seen(record: Any) -> Seen:
    try:
        value = json.loads(record.value or b"null")
    except ValueError:
        value = {"raw": _text(record.value)}
    headers = {name: _text(content) for name, content in record.headers}
    return Seen(record.topic, record.partition, record.offset, _text(record.key), headers, value)
