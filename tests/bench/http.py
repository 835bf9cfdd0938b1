"""How many reports a second does one intake process take by HTTP, how fast, and what does a burst do to it?

`python -m tests.bench.http [--quick]` starts a Kafka, a mongod and one intake of its own, and prints a table: reports a
second by batch and one at a time with every connection busy, the latency at 200 a second, and a burst of ten times
that for a minute. Latency counts from when a request was due, so that one that had to wait is not flattered. All of
it, the load too, shares the machine's cores: the CPU that intake itself needed stands beside each figure.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from cryptography.fernet import Fernet

from deploy.cli import topics
from deploy.local.processes import free_port
from deploy.local.servers import Kafka, Mongod
from shared.mongo import Mongo
from shared.topics import TICKETS
from tests.bench.bodies import bodies
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).resolve().parents[2]
BATCH: Final = 250
SUSTAINED: Final = 200
BURST: Final = 10 * SUSTAINED
NORMAL_MS: Final = 100
TAKEN, BUSY, NO_ANSWER = 201, 429, 0
MOST_CONNECTIONS: Final = 500


class Connection:
    """One kept-alive connection that sends ready bytes and reads no more of an answer than it must."""

    def __init__(self, port: int) -> None:
        """Connect at the first request."""
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> tuple[int, bytes]:
        """Give status and body; a connection that was hung up while it was idle is opened again, as clients do."""
        try:
            return await self._send(request)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            return await self._send(request)

    async def _send(self, request: bytes) -> tuple[int, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=2**24)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b"connection: close" in head:
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


def post(path: str, body: bytes, key: str = "") -> bytes:
    """Give a request as it goes over the line."""
    head = f"POST {path} HTTP/1.1\r\nHost: intake\r\nContent-Type: application/json\r\n"
    head += f"Idempotency-Key: {key}\r\n" if key else ""
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


@dataclass
class Figures:
    """What a phase gave."""

    seconds: float = 0.0
    answers: Counter[int] = field(default_factory=Counter)
    taken: int = 0
    late_ms: list[float] = field(default_factory=list)
    """Of each report that was taken: from when it was due to its answer."""

    def quantile(self, share: float) -> float:
        """Give a latency in ms."""
        ordered = sorted(self.late_ms)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


class Load:
    """Sends reports of its own making; every one is a new one."""

    def __init__(self, port: int) -> None:
        """Make the bodies."""
        self._port = port
        plain = [json.loads(body) for body in bodies()]
        for body in plain:
            del body["source_reference"]  # it would have to be another one each time
        self._bodies = [json.dumps(body, ensure_ascii=False).encode() for body in plain]
        self._number = 0
        self.taken = 0

    def one(self) -> bytes:
        """Give a request with a report that was never sent before."""
        self._number += 1
        return post("/v1/reports", self._bodies[self._number % len(self._bodies)], f"bench-{self._number}")

    def many(self) -> bytes:
        """Give a request with a batch of them."""
        items = []
        for _ in range(BATCH):
            self._number += 1
            body = self._bodies[self._number % len(self._bodies)]
            items.append(b'{"idempotency_key":"bench-%d",' % self._number + body[1:])
        return post("/v1/reports/batch", b'{"reports":[' + b",".join(items) + b"]}")

    async def closed(self, make: Callable[[], bytes], connections: int, seconds: float) -> Figures:
        """Keep every connection busy."""
        figures, begin = Figures(), time.perf_counter()

        async def one() -> None:
            connection = Connection(self._port)
            while time.perf_counter() < begin + seconds:
                status, body = await connection.send(make())
                self._count(figures, status, body)
                if status == BUSY:
                    await asyncio.sleep(0.2)
            connection.close()

        await asyncio.gather(*(one() for _ in range(connections)))
        figures.seconds = time.perf_counter() - begin
        return figures

    async def open(self, rate: float, seconds: float) -> Figures:
        """Send at a held rate, whether or not the answers keep up."""
        figures, begin = Figures(), time.perf_counter()
        free = [Connection(self._port) for _ in range(MOST_CONNECTIONS)]
        line = asyncio.Semaphore(MOST_CONNECTIONS)
        under_way: set[asyncio.Task[None]] = set()

        async def one(due: float) -> None:
            async with line:
                connection = free.pop()
                try:
                    status, body = await connection.send(self.one())
                except (OSError, asyncio.IncompleteReadError):
                    status, body = NO_ANSWER, b""
                    connection.close()
                free.append(connection)
            self._count(figures, status, body)
            if status == TAKEN:
                figures.late_ms.append((time.perf_counter() - due) * 1000)

        for number in range(int(rate * seconds)):
            due = begin + number / rate
            if (ahead := due - time.perf_counter()) > 0:
                await asyncio.sleep(ahead)
            task = asyncio.create_task(one(due))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
        while under_way:
            await asyncio.gather(*under_way)
        figures.seconds = time.perf_counter() - begin
        for connection in free:
            connection.close()
        return figures

    def _count(self, figures: Figures, status: int, body: bytes) -> None:
        figures.answers[status] += 1
        taken = json.loads(body)["accepted"] if body.startswith(b'{"accepted"') else int(status == TAKEN)
        figures.taken += taken
        self.taken += taken


@contextmanager
def intake(folder: Path) -> Iterator[tuple[int, int, Kafka, Mongod]]:
    """Give the port and the pid of one intake process on servers of its own."""
    with Kafka(folder / "kafka") as kafka, Mongod(folder / "mongod") as mongod:
        topics.apply(kafka.address, "yucheng")
        topics.indexes(mongod.address)
        port = free_port()
        environment = {
            **os.environ,  # noqa: TID251 - a child process inherits it
            "GRIDCALL_KAFKA": kafka.address,
            "GRIDCALL_MONGO": mongod.address,
            "GRIDCALL_DATA": str(folder),
            "GRIDCALL_INTAKE_PORT": str(port),
            "GRIDCALL_PII_KEY": Fernet.generate_key().decode(),
        }
        with (folder / "intake.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "services.intake"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        try:
            yield port, process.pid, kafka, mongod
        finally:
            process.terminate()
            process.wait(30)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def cpu(pid: int) -> float:
    """Give the CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def ready(port: int) -> None:
    """Return when intake says that it is ready."""
    while True:
        try:
            if (await Connection(port).send(b"GET /health/ready HTTP/1.1\r\nHost: intake\r\n\r\n"))[0] == 200:
                return
        except OSError:
            pass
        await asyncio.sleep(0.2)


async def kept(kafka: Kafka, mongod: Mongod) -> tuple[int, int]:
    """Give how many reports MongoDB holds, and how many tickets the log knows once nothing waits any more."""
    mongo = Mongo(mongod.address)
    reports = mongo.db("gridcall_intake")["reports"]

    async def none_waits() -> bool:
        return not await reports.count_documents({"waiting": {"$exists": True}})

    await eventually(none_waits, timeout_s=600, every_s=0.5, what="everything is on the log")
    count = await reports.count_documents({})
    mongo.close()
    keys: set[bytes] = set()
    async with AIOKafkaConsumer(bootstrap_servers=kafka.address, auto_offset_reset="earliest") as consumer:
        parts = [TopicPartition(TICKETS, number) for number in range(8)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                keys |= {record.key for record in records}
    return count, len(keys)


async def measure(port: int, pid: int, kafka: Kafka, mongod: Mongod, *, quick: bool) -> int:
    """Print the table; gives 1 when something was lost or answered as it must not be."""
    await ready(port)
    load, seconds = Load(port), 5.0 if quick else 20.0
    answers: Counter[int] = Counter()

    def tell(what: str, figures: Figures, before: float, more: str = "") -> None:
        used = (cpu(pid) - before) * 1000 / max(1, figures.taken)
        rate = figures.taken / figures.seconds
        told = dict(sorted(figures.answers.items()))
        say(f"{what:<34} {rate:8.0f}/s  {figures.seconds:5.1f} s  {used:5.2f} ms CPU each  {told}  {more}")
        answers.update(figures.answers)

    await load.closed(load.one, 8, 3)
    before = cpu(pid)
    tell(f"batches of {BATCH}", await load.closed(load.many, 4, seconds), before)
    await kept(kafka, mongod)
    before = cpu(pid)
    tell("single, 64 connections", await load.closed(load.one, 64, seconds), before)
    await kept(kafka, mongod)
    before, steady = cpu(pid), await load.open(SUSTAINED, seconds)
    tell(
        f"held {SUSTAINED}/s", steady, before, f"p50 {steady.quantile(0.5):.0f} ms  p99 {steady.quantile(0.99):.0f} ms"
    )
    before, burst = cpu(pid), await load.open(BURST, 10 if quick else 60)
    tell(f"burst of {BURST}/s", burst, before, f"p99 of those taken {burst.quantile(0.99):.0f} ms")
    for step in range(12):
        before, after = cpu(pid), await load.open(SUSTAINED, 5)
        tell(f"after it, {SUSTAINED}/s", after, before, f"p99 {after.quantile(0.99):.0f} ms")
        if after.quantile(0.99) <= NORMAL_MS:
            say(f"normal again {(step + 1) * 5} s after the burst")
            break
    count, on_log = await kept(kafka, mongod)
    lost = max(0, load.taken - min(count, on_log))
    say(f"accepted {load.taken}, in MongoDB {count}, on the log {on_log}, lost {lost}")
    say(f"machine: {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    return int(lost != 0 or not set(answers) <= {200, TAKEN, BUSY})


def main() -> int:
    """Start what is needed, measure, and stop it."""
    with tempfile.TemporaryDirectory(prefix="gridcall-http-") as folder, intake(Path(folder)) as parts:
        return uvloop.run(measure(*parts, quick="--quick" in sys.argv[1:]))


if __name__ == "__main__":
    raise SystemExit(main())
