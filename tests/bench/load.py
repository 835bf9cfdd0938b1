"""Who sends reports and plays departments in the benchmark? One process that costs little, as it shares the cores.

`python -m tests.bench.load PLAN` reads a JSON plan, prints "ready", then a line of JSON for each command on its
standard input: {"do": "closed", "in_flight": N}, {"do": "open", "rate": N, "seconds": N}, {"do": "stop"}.
Bodies and headers are made before, records go out by partition in ready batches, and of what comes back only
the type header and the first field are looked at.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from shared.ids import ticket_id

BURST = 100
"""Most reports in one batch."""
ORDER = b'"order_id":"'
POLL_MS = 50


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to send what."""

    kafka: str
    reports: str
    report_partitions: int
    report_type: str
    departments: dict[str, str]
    """Dispatch topic -> update topic."""
    issued: str
    closed: str
    answers: list[tuple[str, str]]
    """Type and the rest of the body of each update that answers an order, after its order id."""
    bodies: list[str]
    source: str
    padding: int = 0


@dataclass
class Generator:
    """The load."""

    plan: Plan
    sent: int = 0
    finished: int = 0
    target: int = 0
    """Life cycles in flight in the closed loop; 0: send nothing."""
    sent_at: dict[bytes, float] = field(default_factory=dict)
    latencies: list[float] = field(default_factory=list)
    timed: bool = False

    def __post_init__(self) -> None:
        """Make ready what is the same for every record."""
        plan = self.plan
        self._producer = AIOKafkaProducer(
            bootstrap_servers=plan.kafka, acks="all", max_batch_size=512 * 1024, linger_ms=0
        )
        self._consumer: Any = AIOKafkaConsumer(
            bootstrap_servers=plan.kafka, group_id=None, enable_auto_commit=False, check_crcs=False
        )
        self._bodies = [body.encode() for body in plan.bodies]
        self._report_headers = [("ce_type", plan.report_type.encode()), ("ce_source", plan.source.encode())]
        self._updates = [
            (kind.encode(), b'{"order_id":"', b'"' + rest.encode() + b"}", b"/" + kind.split(".")[-2].encode())
            for kind, rest in plan.answers
        ]
        self._issued, self._closed = plan.issued.encode(), plan.closed.encode()
        self._room = asyncio.Event()

    async def start(self) -> None:
        """Connect, and read the departments' topics from their present end."""
        await self._producer.start()
        await self._consumer.start()
        parts = [TopicPartition(topic, 0) for topic in self.plan.departments]
        self._consumer.assign(parts)
        await self._consumer.seek_to_end(*parts)
        for part in parts:
            await self._consumer.position(part)

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._producer.stop()

    # ------------------------------------------------------------ departments

    async def departments(self) -> None:
        """Sign and finish every order as soon as it comes."""
        loop = asyncio.get_running_loop()
        while True:
            found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=2000)
            now = loop.time()
            sends = []
            for part, records in found.items():
                batch = self._producer.create_batch()
                for record in records:
                    kind = record.headers[0][1]
                    if kind == self._issued:
                        self._answer(batch, record)
                        if self.timed and (sent := self.sent_at.pop(record.key, None)) is not None:
                            self.latencies.append(now - sent)
                    elif kind == self._closed:
                        self.finished += 1
                if batch.record_count():
                    sends.append(await self._producer.send_batch(batch, self.plan.departments[part.topic], partition=0))
            self._room.set()
            for send in sends:
                await send

    def _answer(self, batch: Any, record: Any) -> None:
        start = record.value.index(ORDER) + len(ORDER)
        order = record.value[start : record.value.index(b'"', start)]
        for kind, before, after, suffix in self._updates:
            headers = [("ce_type", kind), ("ce_source", b"bench"), ("ce_id", order + suffix)]
            if batch.append(timestamp=None, key=record.key, value=before + order + after, headers=headers) is None:
                raise RuntimeError("a batch of updates is full: read fewer orders at once")

    # ------------------------------------------------------------ reports

    async def reports(self) -> None:
        """Keep `target` life cycles in flight."""
        while True:
            room = min(self.target - (self.sent - self.finished), BURST)
            if room < min(BURST, self.target) // 4 or room <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            await self._send(room)

    async def _send(self, count: int) -> None:
        batch = self._producer.create_batch()
        for number in range(self.sent, self.sent + count):
            ident = f"{number:x}".encode()
            headers = [*self._report_headers, ("ce_id", ident)]
            batch.append(timestamp=None, key=ident, value=self._bodies[number % len(self._bodies)], headers=headers)
        partition = (self.sent // max(count, 1)) % self.plan.report_partitions
        self.sent += count
        await (await self._producer.send_batch(batch, self.plan.reports, partition=partition))

    async def open_loop(self, rate: float, seconds: float) -> dict[str, Any]:
        """Send at a rate whatever comes back, and measure until each order is on its topic."""
        loop = asyncio.get_running_loop()
        self.timed, self.latencies, first = True, [], self.sent
        keys = [ticket_id(self.plan.source, f"{n:x}").encode() for n in range(first, first + int(rate * seconds) + 1)]
        start, pending = loop.time(), set()
        while (now := loop.time()) < start + seconds:
            while self.sent - first < len(keys) and start + (self.sent - first) / rate <= now:
                self.sent_at[keys[self.sent - first]] = loop.time()
                task = asyncio.create_task(self._send(1))
                pending.add(task)
                task.add_done_callback(pending.discard)
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)
        sent = self.sent - first
        behind = len(self.sent_at)
        await asyncio.gather(*pending)
        end = loop.time() + 30
        while self.sent_at and loop.time() < end:  # noqa: ASYNC110 - a tenth of a second more or less is nothing
            await asyncio.sleep(0.05)
        self.timed = False
        found = sorted(self.latencies)
        missing, self.sent_at = len(self.sent_at), {}
        return {
            "rate": round(sent / seconds, 1),
            "seconds": seconds,
            "p50": at_share(found, 0.5) * 1000,
            "p99": at_share(found, 0.99) * 1000,
            "max": (found[-1] if found else 0.0) * 1000,
            "measured": len(found),
            "missing": missing,
            "behind": behind,
        }


def at_share(ordered: list[float], share: float) -> float:
    """Give the value below which a share of ordered values lies; 0 of none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


async def obey(generator: Generator) -> None:
    """Do what standard input says, a line at a time."""
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        command = json.loads(line)
        answer: dict[str, Any] = {}
        if command["do"] == "closed":
            generator.target = command["in_flight"]
            generator._room.set()
        elif command["do"] == "open":
            answer = await generator.open_loop(command["rate"], command["seconds"])
        elif command["do"] == "stop":
            return
        sys.stdout.write(json.dumps({"sent": generator.sent, "finished": generator.finished, **answer}) + "\n")
        sys.stdout.flush()


async def main() -> None:
    """Run until told to stop."""
    with open(sys.argv[1], encoding="utf-8") as file:  # noqa: ASYNC230, PTH123 - before anything runs
        plan = json.load(file)
    generator = Generator(Plan(**plan))
    await generator.start()
    tasks = [asyncio.create_task(generator.departments()), asyncio.create_task(generator.reports())]
    for task in tasks:
        task.add_done_callback(
            lambda done: done.cancelled() or done.exception() is None or sys.exit(repr(done.exception()))
        )
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await obey(generator)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await generator.stop()


if __name__ == "__main__":
    uvloop.run(main())
