"""Which sla processes run, and who works on which partition? Killed, started anew, and watched all the while."""

from __future__ import annotations

import asyncio
import signal
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from deploy.local.processes import free_port
from shared.clock import RealClock
from shared.topics import TICKETS
from tests.bench.measure import metric

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.city import City, Process

LOOK_S: Final = 0.2
"""Between two looks at who works."""
OK: Final = 200
UUID: Final = len("-00000000-0000-0000-0000-000000000000")
"""What Kafka adds to the name of an instance to name a member."""
WORLD: Final = RealClock()


class CampaignError(Exception):
    """The campaign itself went wrong: whatever it has found says nothing about sla."""


@dataclass
class Instance:
    """One of the sla processes; after a kill another process under its number."""

    number: int
    city: City
    port: int = field(default_factory=free_port)
    starts: int = 0
    ready: bool = False
    away: bool = False
    """It was killed, and is started later."""
    process: Process | None = None
    name: str = ""
    started: datetime = field(default_factory=WORLD.now)

    def start(self, name: str) -> None:
        """Start it under a name by which Kafka knows it again; another one makes it a new member."""
        self.name, self.starts, self.away, self.started = name, self.starts + 1, False, WORLD.now()
        self.process = self.city.start("sla", port=self.port, instance=name)

    async def back_after(self, seconds: float, name: str) -> None:
        """Start it once it was away for a while."""
        await asyncio.sleep(seconds)
        self.start(name)

    def kill(self) -> bool:
        """Kill -9 it, and tell whether it worked; raises CampaignError when there was nothing to kill."""
        process, was_ready = self.alive(), self.ready
        process.kill()
        if process.wait(10) != -signal.SIGKILL:
            raise CampaignError(f"sla {self.number} ended with {process.returncode} and not by the kill")
        self.ready = False
        return was_ready

    def alive(self) -> Process:
        """Give its process; raises CampaignError when it does not run."""
        if self.process is None or self.process.poll() is not None:
            code = None if self.process is None else self.process.returncode
            raise CampaignError(
                f"sla {self.number} does not run (it ended with {code}): see {self.city.folder}/sla.log"
            )
        return self.process

    def look(self) -> None:
        """See whether it says that it is ready."""
        process = self.process
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                ready = answer.status == OK
        except OSError:
            ready = False
        self.ready = ready and process is self.process and process is not None and process.poll() is None


class Gauge(NamedTuple):
    """What an instance said of overdue timers, and since when it may have counted them."""

    since: datetime
    at: datetime
    overdue: float


@dataclass
class Watch:
    """Looks again and again at who is ready and whom Kafka has given which partition."""

    city: City
    instances: list[Instance]
    gaps: dict[int, list[tuple[datetime, datetime]]] = field(default_factory=dict)
    """Partition -> the times in which nobody worked on it."""
    moves: int = 0
    """How often a partition went to another instance."""
    gauges: list[Gauge] = field(default_factory=list)
    _owners: dict[int, tuple[int, int]] = field(default_factory=dict)
    _seen: dict[int, datetime] = field(default_factory=dict)
    _idle: dict[int, datetime] = field(default_factory=dict)
    _ready_since: dict[tuple[int, int], datetime] = field(default_factory=dict)
    _starting: dict[tuple[int, int], float] = field(default_factory=dict)
    _looks: int = 0

    async def run(self) -> None:
        """Look for ever."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.city.kafka.address)
        await admin.start()
        try:
            while True:
                await self._look(admin)
                await asyncio.sleep(LOOK_S)
        finally:
            await admin.close()

    async def _look(self, admin: AIOKafkaAdminClient) -> None:
        await asyncio.gather(*(asyncio.to_thread(each.look) for each in self.instances))
        try:
            given = await _given(admin)
        except KafkaError:
            given = {}
        now = WORLD.now()
        working = {each.name: (each.number, each.starts) for each in self.instances if each.ready}
        for process in working.values():
            self._ready_since.setdefault(process, now)
            self._starting.setdefault(process, (now - self.instances[process[0]].started).total_seconds())
        for partition in self._owners.keys() | given.keys():
            self._note(partition, working.get(given.get(partition, "")), now)
        self._looks += 1
        if self._looks % 5 == 0:
            await self._read_gauges()

    def _note(self, partition: int, process: tuple[int, int] | None, now: datetime) -> None:
        """Note which process works on a partition; from when it was last seen to work until now, perhaps nobody."""
        last, before = self._seen.get(partition), self._owners.get(partition)
        if process is None or (before is not None and process != before):
            self._idle.setdefault(partition, last or now)
        if process is None:
            return
        if partition in self._idle:
            self.gaps.setdefault(partition, []).append((self._idle.pop(partition), now))
        self.moves += before is not None and before[0] != process[0]
        self._seen[partition], self._owners[partition] = now, process

    async def _read_gauges(self) -> None:
        for each in self.instances:
            since = self._ready_since.get((each.number, each.starts))
            at = WORLD.now()
            if not each.ready or since is None or (at - since).total_seconds() < 1:
                continue
            try:
                overdue = await asyncio.to_thread(metric, each.port, "gridcall_timers_overdue")
            except OSError:
                continue
            self.gauges.append(Gauge(each.started, at, overdue))

    def all_served(self, partitions: int) -> bool:
        """Tell whether somebody has just been seen to work on every partition."""
        return len(self._seen) == partitions and not self._idle

    def longest_gap(self) -> float:
        """Give for how many seconds nobody worked on a partition, at the longest."""
        return max(((end - start).total_seconds() for gaps in self.gaps.values() for start, end in gaps), default=0.0)

    def starting(self) -> list[float]:
        """Give how many seconds each process took from its start until it was seen to be ready, the fastest first."""
        return sorted(self._starting.values())

    def idle_s(self, partition: int, since: datetime, until: datetime) -> float:
        """Give for how many seconds of a time nobody worked on a partition."""
        gaps = self.gaps.get(partition, ())
        return sum(max(0.0, (min(end, until) - max(start, since)).total_seconds()) for start, end in gaps)

    def served(self, partition: int, since: datetime, until: datetime) -> bool:
        """Tell whether somebody worked on a partition all the time."""
        return not any(start <= until and since <= end for start, end in self.gaps.get(partition, ()))


async def _given(admin: AIOKafkaAdminClient) -> dict[int, str]:
    """Give to whom Kafka has given each partition, by name; nothing while it deals them out anew."""
    found: dict[int, str] = {}
    for answer in await admin.describe_consumer_groups(["gridcall.sla"]):
        for _error, _group, state, _kind, _protocol, members, *_ in answer.groups:
            for member in members if state == "Stable" else ():
                assignment = ConsumerProtocolMemberAssignment.decode(member[-1])
                for topic, partitions in assignment.assignment:
                    found |= {number: member[0][:-UUID] for number in partitions if topic == TICKETS}
    return found
