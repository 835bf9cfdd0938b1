"""How does a service run? Mongo, Kafka, its loops, its HTTP, in one process; several services may share one."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from dataclasses import dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from shared import metrics, tolerant, tracing
from shared.addresses import CutAddresses
from shared.clock import Clock, clock_from
from shared.errors import TryLater
from shared.http import create_app
from shared.kafka import Publisher
from shared.log import configure
from shared.loop.door import Door, DoorWork
from shared.loop.loop import FIRST_PAUSE_S, LONGEST_PAUSE_S, PartitionLoop, Probe, no_probe
from shared.loop.poison import Morgue
from shared.loop.rate import UNLIMITED, Buckets
from shared.loop.tickets import TicketWork
from shared.messages import of_kind
from shared.mongo import Mongo
from shared.ops import add_operations
from shared.policies import keep
from shared.profile import Profile, find_profile, load_profile
from shared.security import broker_security, client_security
from shared.settings import Settings
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from aiokafka import ConsumerRecord
    from fastapi import FastAPI

    from shared.decider import Decider
    from shared.loop.generations import Generations
    from shared.loop.work import Work

log = structlog.get_logger(__name__)

POLL_MS = 10
"""How long an empty poll waits, and then sleeps (FastStream's batch subscriber does both)."""
FETCH_BYTES = 1024 * 1024
AT_ONCE_S = 0.01
"""Pace of the loops between a report and its order: at most a hundred turns a second."""
AT_LEISURE_S = 0.1
"""Pace of the loops for which nobody waits."""
MOST_WARNINGS = 20
"""About the profile, logged at the start."""
SWEEP_S = 120.0
LOOK_S = 5.0
REBALANCE_MS = 15_000
"""How long a rebalance waits for a member that has gone; a turn is far shorter."""


def gridcall_version() -> str:
    """Give the installed version."""
    try:
        return version("gridcall")
    except PackageNotFoundError:
        return "0"


@dataclass(frozen=True, slots=True)
class Reader:
    """A loop with what it reads."""

    loop: PartitionLoop
    topics: tuple[str, ...]
    group: str
    pace_s: float


class Service:
    """One service's parts, put together by its app.py."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        clock: Clock | None = None,
        probe: Probe = no_probe,
        publisher: Publisher | None = None,
    ) -> None:
        """Connect nothing yet; raises ProfileInvalid when the profile has errors."""
        self.name = name
        self.settings = settings
        self.clock = clock or clock_from(settings.clock_speed, settings.clock_origin)
        self.profile: Profile = load_profile(find_profile(settings.profile))
        for warning in self.profile.warnings[:MOST_WARNINGS]:
            log.warning("the profile is unusual", what=str(warning), of=len(self.profile.warnings))
        self.mongo = Mongo(settings.mongo)
        self.db = self.mongo.db(settings.database(name))
        self.publisher = publisher or Publisher(settings.kafka, f"gridcall-{name}", client_security(settings))
        self.app: FastAPI = create_app(name, gridcall_version(), self.unready)
        self.background: list[Callable[[], Awaitable[None]]] = []
        """Steps that run for ever beside the loops (publishing a spool, refreshing gauges)."""
        self.first: list[Callable[[], Awaitable[None]]] = []
        """What must be done before anything is read; each step is repeated until it succeeds."""
        self.last: list[Callable[[], Awaitable[None]]] = []
        """What is closed when the service stops, once nothing uses it any more."""
        self.unseal: Callable[[bytes], bytes] | None = None
        """Opens what the service's dead letters hide; set by intake."""
        self.deciders: list[Decider[Any]] = []
        self._probe = probe
        self._readers: list[Reader] = []
        self._broker: KafkaBroker | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._connected = ""
        add_operations(self)
        self._count_from_zero()
        metrics.build_info.labels(name, gridcall_version(), f"{self.profile.name}@{self.profile.version}").set(1)

    def _count_from_zero(self) -> None:
        """Show counts before there is anything to count: one that begins with 1 has no increase."""
        for body in of_kind("fact").values():
            if body.producer == self.name:
                metrics.tickets.labels(body.type.split(".")[2])
        metrics.duplicates.labels(self.name)
        for part in ("kafka", "mongodb"):
            metrics.infrastructure_waits.labels(self.name, part)

    # ------------------------------------------------------------ wiring

    def read_log(
        self, decider: Decider[Any], generations: Generations | None = None, pace_s: float = AT_LEISURE_S
    ) -> PartitionLoop:
        """Let a decider read the ticket log; `generations` where what it folds can be rebuilt beside itself."""
        self.deciders.append(decider)
        work = TicketWork(decider, self.db, self.clock, self.settings.cache_tickets, generations)
        return self._read(work, (TICKETS,), self.settings.group(self.name), pace_s)

    def read_door(
        self,
        door: Door,
        topics: Sequence[str],
        name: str,
        morgue: Morgue | None = None,
        rates: Buckets = UNLIMITED,
        types: frozenset[bytes] | None = None,
    ) -> PartitionLoop:
        """Let a door receive what others write, each topic no faster than its rate; of `types` alone where given."""
        work = DoorWork(self.name, door, morgue or Morgue(self.name), self.clock, types)
        pace = AT_ONCE_S if types is None else AT_LEISURE_S
        loop = self._read(work, tuple(topics), self.settings.group(self.name, name), pace)
        loop.rates = rates
        return loop

    def _read(self, work: Work, topics: tuple[str, ...], group: str, pace_s: float) -> PartitionLoop:
        loop = PartitionLoop(
            group=group,
            work=work,
            mongo=self.mongo,
            db=self.db,
            publisher=self.publisher,
            clock=self.clock,
            batch_timers=self.settings.batch_timers,
            poison_limit=self.settings.poison_limit,
            pace_s=pace_s,
            probe=self._probe,
        )
        self._readers.append(Reader(loop, topics, group, pace_s))
        return loop

    @property
    def loops(self) -> tuple[PartitionLoop, ...]:
        """Give the service's loops."""
        return tuple(reader.loop for reader in self._readers)

    def unready(self) -> dict[str, str]:
        """Give the parts that are not ready, each with why."""
        parts = {reader.group: why for reader in self._readers if (why := reader.loop.unready())}
        if self._connected:
            parts["start"] = self._connected
        return parts

    # ------------------------------------------------------------ life

    async def start(self) -> None:
        """Start everything in the background; parts that are away are waited for, for ever."""
        self._connected = "starting"
        # Asked for at each scrape, and of all loops: each by itself would write its own answer over the others'.
        metrics.parked_tickets.labels(self.name).set_function(lambda: sum(loop.parked() for loop in self.loops))
        metrics.outbox_age.labels(self.name).set_function(
            lambda: max((loop.outbox_age() for loop in self.loops), default=0)
        )
        self._tasks = [
            asyncio.create_task(self._connect(), name=f"{self.name} connects"),
            asyncio.create_task(self._for_ever(self._look_at_the_infrastructure), name=f"{self.name} looks"),
        ]

    async def stop(self) -> None:
        """Finish what is at hand, then let go of everything."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for reader in self._readers:
            await reader.loop.stop()
        for close in self.last:
            await close()
        if self._broker is not None:
            with contextlib.suppress(Exception):
                await self._broker.stop()
        await self.publisher.stop()
        self.mongo.close()

    async def _connect(self) -> None:
        await self._insist("MongoDB", self.mongo.ping)
        await self._insist("MongoDB", partial(keep, self.db, self.profile))
        for first in self.first:
            await self._insist("Kafka", first)
        await self._insist("Kafka", self._start_kafka)
        for step in self.background:
            self._tasks.append(asyncio.create_task(self._for_ever(step)))
        self._connected = ""
        log.info("ready", service=self.name, profile=self.profile.name, port=self.settings.port(self.name))

    async def _look_at_the_infrastructure(self) -> None:
        """Ask both servers whether they answer: a service that has nothing to do would not notice."""
        for part, ping in (("mongodb", self.mongo.ping), ("kafka", self.publisher.ping)):
            try:
                await ping()
                reachable = 1
            except (TryLater, KafkaError, OSError):
                reachable = 0
            metrics.part_reachable.labels(self.name, part).set(reachable)
        await asyncio.sleep(LOOK_S)

    async def _insist(self, part: str, step: Callable[[], Awaitable[Any]]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await step()
            except (TryLater, KafkaError, OSError) as error:
                self._connected = f"{part} is away: {error}"
                metrics.infrastructure_waits.labels(self.name, part.lower()).inc()
                log.warning("waiting for a part", part=part, error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                return

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        pause = FIRST_PAUSE_S
        while True:
            try:
                await step()
                pause = FIRST_PAUSE_S
            except TryLater as error:
                log.warning("waiting for a part", error=str(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception:
                log.exception("a background step failed, it is tried again")
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _start_kafka(self) -> None:
        tolerant.install()
        await self.publisher.start()
        for reader in self._readers:
            for topic in reader.topics:
                await self.publisher.partitions(topic)
        broker = KafkaBroker(
            [server.strip() for server in self.settings.kafka.split(",")],  # FastStream takes a text for one server
            client_id=f"gridcall-{self.name}",
            security=broker_security(self.settings),
            acks="all",
            allow_auto_create_topics=False,
            apply_types=False,
            logger=None,
        )
        subscribers = [self._subscriber(broker, reader) for reader in self._readers]
        try:
            await broker.start()
        except (KafkaError, OSError):
            with contextlib.suppress(Exception):
                await broker.stop()
            raise
        self._broker = broker
        for reader, subscriber in zip(self._readers, subscribers, strict=True):
            reader.loop.consumer = subscriber.consumer
            reader.loop.start()

    def _subscriber(self, broker: KafkaBroker, reader: Reader) -> Any:
        at_leisure = reader.pace_s >= AT_LEISURE_S  # nobody waits: the broker collects records for as long as a pace
        subscriber = broker.subscriber(
            *reader.topics,
            group_id=reader.group,
            group_instance_id=self.settings.member(self.name),
            batch=True,
            max_records=self.settings.batch_records,
            batch_timeout_ms=POLL_MS,
            auto_offset_reset="earliest",
            session_timeout_ms=self.settings.session_timeout_ms,
            heartbeat_interval_ms=max(500, self.settings.session_timeout_ms // 10),
            rebalance_timeout_ms=REBALANCE_MS,
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_min_bytes=FETCH_BYTES if at_leisure else 1,
            fetch_max_wait_ms=int(reader.pace_s * 1000) if at_leisure else 500,
            ack_policy=AckPolicy.MANUAL,
            parser=never_raising,
            decoder=as_it_is,
            no_reply=True,
            listener=reader.loop,
        )

        @subscriber
        async def on_batch(message: KafkaMessage) -> None:
            # FastStream's message is part of a cycle: what it held would wait for the cyclic collector, and
            # finding tens of thousands of records there took a tenth of all CPU.
            records, message.raw_message = message.raw_message, ()
            await reader.loop.on_batch(records)

        return subscriber


async def never_raising(records: tuple[ConsumerRecord[bytes, bytes], ...], _original: Any = None) -> KafkaMessage:
    """Pass records on without decoding a header: FastStream's own parser loses the batch when one is undecodable."""
    return KafkaMessage(body=b"", raw_message=records, consumer=None)  # type: ignore[arg-type]


async def as_it_is(message: KafkaMessage) -> KafkaMessage:
    """Decode nothing: the loop decodes only what it needs."""
    return message


async def sweep() -> None:
    """Look for old cyclic garbage once in a while; what dies young is found on the way."""
    await asyncio.sleep(SWEEP_S)
    gc.collect()


async def serve(service: Service) -> None:
    """Run a service with its HTTP server until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        service.app,
        host=service.settings.host,
        port=service.settings.port(service.name),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=5,
        http=CutAddresses,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await service.start()
    web = asyncio.create_task(server.serve())
    stop = asyncio.create_task(stopping.wait())
    done, _ = await asyncio.wait({web, stop}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await asyncio.wait({web}, timeout=10)
    await service.stop()
    if web in done and not stopping.is_set():
        raise SystemExit(3)


def run(build: Callable[[Settings], Service]) -> None:
    """Run a service as a process: what `python -m services.<name>` does."""
    import uvloop  # noqa: PLC0415 - only a process of its own needs it

    settings = Settings()
    service = build(settings)
    configure(service.name, settings.log, settings.log_level)
    tracing.export_to(settings.otlp_endpoint, service.name, gridcall_version())
    gc.collect()
    gc.freeze()
    # What is new is a turn's or the cache's, and alive: looking through it in the midst of a burst of timers took
    # a fifth of the CPU. Cyclic garbage is rare; `sweep` finds it.
    gc.set_threshold(1_000_000, 10, 1_000_000)
    service.background.append(sweep)
    try:
        uvloop.run(serve(service))
    finally:
        tracing.end()
