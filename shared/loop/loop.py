"""How does one turn go? Read, decide, one transaction, publish, commit lazily; whatever is killed in between.

The order of the steps is the whole point; shared/README.md draws it, shared/decisions/0001 says why.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from shared import metrics, tracing
from shared.chance import random_id
from shared.errors import Conflict, Fenced, TryLater
from shared.loop.partitions import Partition, PartitionStore
from shared.loop.poison import Burst
from shared.loop.rate import UNLIMITED
from shared.loop.work import Batch, Outcome, Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from aiokafka import AIOKafkaConsumer, ConsumerRecord

    from shared.clock import Clock
    from shared.envelope import Outgoing
    from shared.kafka import Publisher
    from shared.loop.rate import Buckets
    from shared.mongo import Database, Mongo

log = structlog.get_logger(__name__)

FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 10.0
TICK_S = 1.0
"""How often offsets are committed and idle partition documents brought up to date."""
FAR = datetime(9999, 1, 1, tzinfo=UTC)
RELEASE_S = 10.0
"""How long a rebalance may wait for the turn at hand; after that the fence decides."""
CATCH_UP_S = 0.02
STALL_S = 60.0
"""A turn that takes longer than this makes the service not ready."""


Probe = Callable[[str], None]
"""Called between the steps of a turn; tests kill the process here."""


def no_probe(_step: str) -> None:
    """Take no notice."""


@dataclass(slots=True)
class Progress:
    """What the health check looks at."""

    turn_since: float | None = None
    batch_since: float | None = None
    """Since when the same records are tried, in however many turns."""
    last_turn: float = 0.0
    trouble: str = ""
    paused: set[str] = field(default_factory=set)
    lag: dict[str, int] = field(default_factory=dict)


def _is_clear(partition: Partition) -> bool:
    """Tell whether all is read that may answer what is due next."""
    clear, due = partition.clear_until, partition.next_due
    return clear is not None and due is not None and due <= clear


def _distrust_the_future(partition: Partition, now: datetime) -> None:
    """Forget what was known at an instant that is yet to come: the clock has gone back, and answers may have come."""
    if partition.clear_until is not None and partition.clear_until > now:
        partition.clear_until = None
    if partition.asked_at is not None and partition.asked_at > now:
        partition.asked_at = partition.read_first = None


class PartitionLoop(ConsumerRebalanceListener):  # type: ignore[misc]
    """The loop over the partitions that this process owns, of one consumer group."""

    def __init__(
        self,
        *,
        group: str,
        work: Work,
        mongo: Mongo,
        db: Database,
        publisher: Publisher,
        clock: Clock,
        batch_timers: int = 200,
        poison_limit: int = 200,
        pace_s: float = 0.0,
        probe: Probe = no_probe,
    ) -> None:
        """Own nothing yet; Kafka assigns partitions later."""
        self.service = work.service
        self.group = group
        self.progress = Progress()
        self.consumer: AIOKafkaConsumer | None = None
        self._work = work
        self._store = PartitionStore(db, group, random_id(), mongo)
        self._publisher = publisher
        self._clock = clock
        self._batch_timers = batch_timers
        self._burst = Burst(poison_limit)
        self._pace_s = pace_s
        self.rates: Buckets = UNLIMITED
        """How fast each topic may bring records."""
        self._held: dict[str, asyncio.TimerHandle | None] = {}
        """Topics that are not read for now -> what lets them go, where time does."""
        self._probe = probe
        self._lock = asyncio.Lock()
        self._owned: dict[TopicPartition, Partition] = {}
        self._assigned: set[TopicPartition] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False
        self._went_back: dict[TopicPartition, int] = {}

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Start the timers' gate and the ticks; the records come from FastStream."""
        self._tasks = [
            asyncio.create_task(self._for_ever(self._gate), name=f"{self.group} timers"),
            asyncio.create_task(self._for_ever(self._tick), name=f"{self.group} ticks"),
        ]

    async def stop(self) -> None:
        """Finish the turn at hand, leave clean partition documents, own nothing any more."""
        self._stopping = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for topic in list(self._held):
            self._forget_hold(topic)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                await self._release(set(self._assigned))

    async def _for_ever(self, step: Callable[[], Awaitable[None]]) -> None:
        """Repeat a step; nothing that it raises ends it, and its trouble is over when it succeeds again."""
        pause = FIRST_PAUSE_S
        while not self._stopping:
            try:
                await step()
                if pause > FIRST_PAUSE_S:
                    pause, self.progress.trouble = FIRST_PAUSE_S, ""
            except (TryLater, Conflict, Fenced) as error:
                self._trouble(error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            except Exception as error:
                self.progress.trouble = f"a step fails by {type(error).__name__} again and again: see the log"
                log.exception("a step of the loop failed, it is tried again", group=self.group)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _trouble(self, error: Exception) -> None:
        self.progress.trouble = str(error)
        metrics.infrastructure_waits.labels(self.service, "kafka" if "Kafka" in str(error) else "mongodb").inc()
        log.warning("waiting for the infrastructure", group=self.group, error=str(error))

    # ------------------------------------------------------------ ownership

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Note what Kafka gave us; the tick claims it, or the first records of it do."""
        self._assigned = set(assigned)
        self._wake.set()

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Finish the turn at hand and drop what is no longer ours."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await self._release(set(revoked))

    async def _release(self, revoked: set[TopicPartition]) -> None:
        self._assigned -= revoked
        async with self._lock:
            try:
                await self._settle([self._owned[tp] for tp in revoked if tp in self._owned])
            except (TryLater, Fenced, Conflict, KafkaError) as error:
                log.info("partitions are left as they are", group=self.group, reason=str(error))
            for tp in revoked:
                partition = self._owned.pop(tp, None)
                if partition is not None:
                    self._work.forget(partition)
                    self._forget_lag(tp)

    async def _claim_all(self) -> None:
        """Claim every assigned partition: publish what its last owner left, then read on where it stopped."""
        await self._follow()
        for tp in sorted(self._assigned - self._owned.keys()):
            partition = await self._store.claim(tp.topic, tp.partition, self._work.generation)
            if await self._follow():  # swapped before our claim: what we claimed is of the past
                raise Conflict("a rebuild has swapped the read models, claiming anew")
            await self._work.claimed(partition)
            self._probe("claimed")
            await self._publish([partition])
            if tp not in self._assigned:
                continue
            self._owned[tp] = partition
            metrics.consumer_paused.labels(self.service, tp.topic).set(tp.topic in self.progress.paused)
            if self.consumer is not None:
                with contextlib.suppress(KafkaError, AssertionError):
                    self.consumer.seek(tp, partition.next_offset)
            self._wake.set()

    async def _follow(self) -> bool:
        """When a rebuild has swapped what is folded into: own nothing, so that all is claimed anew there."""
        if not await self._work.replaced():
            return False
        self._owned.clear()
        self._work.forget(None)
        log.info("following a rebuild", group=self.group, generation=self._work.generation)
        return True

    async def _reload(self, partitions: Sequence[Partition]) -> None:
        """After trouble: forget everything, read the partition documents, publish what was committed."""
        for partition in partitions:
            tp = TopicPartition(partition.topic, partition.number)
            self._work.forget(partition)
            try:
                fresh = await self._store.read(partition)
            except Fenced:
                if await self._follow():
                    return
                log.warning("another owner has taken the partition", partition=partition.key)
                self._owned.pop(tp, None)
                self._assigned.discard(tp)
                continue
            await self._work.claimed(fresh)
            fresh.position = max(fresh.position, partition.position)
            if fresh.version == partition.version and not partition.outbox:
                fresh.outbox = []  # the stored one is of the turn before, which was published
            self._owned[tp] = fresh
            await self._publish([fresh])

    # ------------------------------------------------------------ records

    async def on_batch(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """Handle a batch of records, for ever: only losing the partition ends it."""
        if records:
            grouped: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]] = {}
            for record in records:
                grouped.setdefault(TopicPartition(record.topic, record.partition), []).append(record)
            clock = asyncio.get_running_loop()
            started = self.progress.batch_since = clock.time()
            try:
                await self._insist(grouped)
            finally:
                self.progress.batch_since = None
            self._hold_back(grouped)
            # Turns that follow each other closely cost more requests than they save time: what comes in
            # during the pause is one fetch, one transaction and one publication (decision 0008).
            await asyncio.sleep(self._pace_s - (clock.time() - started))

    async def _insist(self, grouped: dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]) -> None:
        pause = FIRST_PAUSE_S
        while not self._stopping:
            async with self._lock:
                batches: list[Batch] = []
                try:
                    if self._assigned - self._owned.keys():
                        await self._claim_all()
                    batches = [
                        batch
                        for tp, records in grouped.items()
                        if (partition := self._owned.get(tp)) is not None
                        and (batch := self._unread(tp, partition, records)) is not None
                    ]
                    if batches:
                        await self._turn(batches)
                except (TryLater, Conflict, Fenced) as error:
                    await self._recover(error, [b.partition for b in batches])
                else:
                    self.progress.trouble = ""
                    return
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _recover(self, error: Exception, partitions: Sequence[Partition]) -> None:
        """After a failed turn: read again; when even that fails, the next attempt begins with it."""
        if isinstance(error, Conflict):
            log.info("somebody else wrote first, deciding anew", group=self.group)
        else:
            self._trouble(error)
        try:
            await self._reload(partitions)
        except (TryLater, Conflict, Fenced) as again:
            self._trouble(again)
            for partition in partitions:
                self._owned.pop(TopicPartition(partition.topic, partition.number), None)
            self._work.forget(None)

    def _unread(
        self, tp: TopicPartition, partition: Partition, records: list[ConsumerRecord[bytes, bytes]]
    ) -> Batch | None:
        """Give the records that have not been handled; None when there are none or the consumer had to go back."""
        first = records[0].offset
        went_back = self._went_back.get(tp) == partition.position
        if first > partition.position and not went_back and self.consumer is not None:
            # Kafka's committed offset is ahead of the fence (a restored database): go back once. When the same
            # gap comes again the records are gone (retention, or an aborted transaction) and we go on.
            self._went_back[tp] = partition.position
            self.consumer.seek(tp, partition.position)
            return None
        self._went_back.pop(tp, None)
        fresh = [r for r in records if r.offset >= partition.position]
        return Batch(partition, fresh) if fresh else None

    # ------------------------------------------------------------ the turn

    async def _turn(self, batches: Sequence[Batch]) -> None:
        """Decide, write everything in one transaction, publish, remember."""
        loop = asyncio.get_running_loop()
        started = self.progress.turn_since = loop.time()
        records = sum(len(b.records) + len(b.due) for b in batches)
        try:
            with tracing.turn(self.service, self.group, records):
                outcome = await self._work.decide(batches)
                self._probe("decided")
                if outcome.writes or outcome.outbox:
                    await self._write(batches, outcome)
                self._advance(batches, outcome)
                self._probe("committed")
                self._work.applied(outcome)
                await self._publish([b.partition for b in batches])
                self._probe("published")
        finally:
            self.progress.turn_since = None
            self.progress.last_turn = loop.time()
        self._measure(outcome, records, loop.time() - started)

    async def _write(self, batches: Sequence[Batch], outcome: Outcome) -> None:
        fences = [
            (
                b.partition,
                b.records[-1].offset + 1 if b.records else b.partition.position,
                outcome.outbox.get(b.partition.key, ()),
            )
            for b in batches
        ]
        await self._store.write(fences, outcome.writes, lambda: self._probe("written"))

    def _advance(self, batches: Sequence[Batch], outcome: Outcome) -> None:
        """Move the memory of the partitions to what is durable now."""
        written = bool(outcome.writes or outcome.outbox)
        for batch in batches:
            partition = batch.partition
            if batch.records:
                partition.position = batch.records[-1].offset + 1
            if written:
                partition.version += 1
                partition.next_offset = partition.position
                partition.outbox = outcome.outbox.get(partition.key, [])
                partition.outbox_since = self._clock.now() if partition.outbox else None
                partition.stored_outbox = bool(partition.outbox)
            if partition.key in outcome.parked:
                partition.parked = outcome.parked[partition.key]
            wake = outcome.wakes.get(partition.key)
            if wake is not None and (partition.next_due is None or wake < partition.next_due):
                partition.next_due = wake
                self._wake.set()

    async def _publish(self, partitions: Sequence[Partition]) -> None:
        """Publish the outboxes, for ever: the next turn of a partition may not begin before."""
        pause = FIRST_PAUSE_S
        while True:
            pending: list[Outgoing] = [message for p in partitions for message in p.outbox]
            if not pending:
                return
            try:
                self._probe("publishing")
                await self._publisher.send(pending)
            except TryLater as error:
                self._trouble(error)
                if self._stopping:
                    raise
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)
            else:
                for partition in partitions:
                    partition.outbox, partition.outbox_since = [], None
                if pause > FIRST_PAUSE_S:
                    self.progress.trouble = ""
                return

    def _measure(self, outcome: Outcome, records: int, seconds: float) -> None:
        metrics.batch_seconds.labels(self.service).observe(seconds)
        metrics.batch_records.labels(self.service).observe(records)
        for (name, what), count in outcome.counts.items():
            metrics.records.labels(self.service, name, what).inc(count)
        for reason, count in outcome.reasons.items():
            metrics.dead_letters.labels(self.service, reason).inc(count)
        for topic, count in outcome.poison.items():
            if self._burst.add(topic, count, asyncio.get_running_loop().time()):
                self._pause(topic)

    # ------------------------------------------------------------ poison bursts

    def _pause(self, topic: str) -> None:
        """Stop reading a topic that brings more poison than anybody would look through."""
        if topic in self.progress.paused or self.consumer is None:
            return
        self.progress.paused.add(topic)
        metrics.consumer_paused.labels(self.service, topic).set(1)
        self._apply_pauses()
        log.error(
            "a burst of poison: the topic is paused; look at `gridcall dead-letters list`, then resume",
            topic=topic,
            resume=f"POST /ops/resume?topic={topic}",
        )

    def _apply_pauses(self) -> None:
        if self.consumer is not None:
            for tp in [tp for tp in self._assigned if tp.topic in self.progress.paused or tp.topic in self._held]:
                with contextlib.suppress(KafkaError, AssertionError):
                    self.consumer.pause(tp)

    def resume(self, topic: str) -> bool:
        """Read a paused topic again; False when it was not paused."""
        if topic not in self.progress.paused:
            return False
        self.progress.paused.discard(topic)
        self._burst.forget(topic)
        metrics.consumer_paused.labels(self.service, topic).set(0)
        self._read_again(topic)
        return True

    def _read_again(self, topic: str) -> None:
        """Read a topic that nothing keeps from being read any more."""
        if self.consumer is None or topic in self.progress.paused or topic in self._held:
            return
        for tp in [tp for tp in self._assigned if tp.topic == topic]:
            with contextlib.suppress(KafkaError, AssertionError):
                self.consumer.resume(tp)

    # ------------------------------------------------------------ held back

    def hold(self, topic: str, for_s: float | None = None) -> None:
        """Leave a topic unread, for some seconds or until it is let go; what it brings waits on Kafka."""
        self._forget_hold(topic)
        self._held[topic] = None if for_s is None else asyncio.get_running_loop().call_later(for_s, self.let_go, topic)
        self._apply_pauses()

    def let_go(self, topic: str) -> None:
        """Read a topic that was held; one that a burst of poison has paused stays so."""
        if topic in self._held:
            self._forget_hold(topic)
            self._read_again(topic)

    def _forget_hold(self, topic: str) -> None:
        timer = self._held.pop(topic, None)
        if timer is not None:
            timer.cancel()

    def _hold_back(self, grouped: Mapping[TopicPartition, Sequence[ConsumerRecord[bytes, bytes]]]) -> None:
        """Leave a topic that brought more than its rate unread until it may bring more."""
        now = asyncio.get_running_loop().time()
        counts: Counter[str] = Counter()
        for tp, records in grouped.items():
            counts[tp.topic] += len(records)
        for topic, count in counts.items():
            wait = self.rates.take(topic, count, now)
            if wait and not self._stopping:
                metrics.held_back.labels(self.service, topic).inc(wait)
                self.hold(topic, wait)

    # ------------------------------------------------------------ timers

    async def _gate(self) -> None:
        """Sleep until the earliest due instant of all partitions, then fire what is due, a bounded turn at a time."""
        due = min((p.next_due for p in self._owned.values() if p.next_due is not None), default=FAR)
        self._wake.clear()
        await self._clock.sleep_until(due, self._wake)
        now = self._clock.now()
        late = [p for p in self._owned.values() if p.next_due is not None and p.next_due <= now]
        if not late:
            return
        caught_up = await self._caught_up(late, now)
        if caught_up:
            async with self._lock:
                owned = {p.key: p for p in self._owned.values()}
                await self._fire(now, [p for p in caught_up if owned.get(p.key) is p])
        else:
            await asyncio.sleep(CATCH_UP_S)
            self._wake.set()

    async def _caught_up(self, late: Sequence[Partition], now: datetime) -> list[Partition]:
        """Give those that have read what was on the log when they came due.

        What answers a deadline in time may lie unread behind an outage: a breach decided before it is read
        would be false, and stay.
        """
        for p in late:
            _distrust_the_future(p, now)
        unclear = [p for p in late if not _is_clear(p)]
        unknown = [TopicPartition(p.topic, p.number) for p in unclear if p.read_first is None]
        if unknown and self.consumer is not None:
            try:
                ends = await self.consumer.end_offsets(unknown)
            except KafkaError as error:
                raise TryLater(f"Kafka does not tell the end of the log: {error}") from error
            for p in unclear:
                if p.read_first is None:
                    p.read_first, p.asked_at = ends[TopicPartition(p.topic, p.number)], now
        for p in unclear:
            if p.topic in self.progress.paused or (p.read_first is not None and p.position >= p.read_first):
                p.clear_until, p.read_first = p.asked_at or now, None
        return [p for p in late if _is_clear(p)]

    async def _fire(self, now: datetime, late: Sequence[Partition]) -> None:
        try:
            batches = [
                Batch(p, due=await self._work.due(p, min(now, p.clear_until or now), self._batch_timers)) for p in late
            ]
            batches = [batch for batch in batches if batch.due]
            if batches:
                await self._turn(batches)
            for partition in late:
                partition.next_due = await self._work.next_due(partition)
        except (TryLater, Conflict, Fenced) as error:
            await self._recover(error, late)
            raise

    # ------------------------------------------------------------ ticks

    async def _tick(self) -> None:
        """Claim what is new, commit offsets, write down how far idle partitions were read, measure lag."""
        await asyncio.sleep(TICK_S if not (self._assigned - self._owned.keys()) else 0.05)
        async with self._lock:
            await self._follow()  # nothing else would tell an idle owner of a swap
            if self._assigned - self._owned.keys():
                await self._claim_all()
        self._apply_pauses()
        async with self._lock:
            now = self._clock.now()
            for partition in self._owned.values():
                _distrust_the_future(partition, now)
            await self._settle(list(self._owned.values()))
        self._measure_lag()

    async def _settle(self, partitions: Sequence[Partition]) -> None:
        """Bring partition documents up to what was read and published, and commit offsets to Kafka."""
        stale = [p for p in partitions if not p.outbox and (p.stored_outbox or p.position > p.next_offset)]
        if stale:
            try:
                await self._store.write([(p, p.position, ()) for p in stale])
            except (TryLater, Fenced) as error:
                await self._recover(error, stale)
                raise
            for p in stale:
                p.version, p.next_offset, p.stored_outbox = p.version + 1, p.position, False
        if self.consumer is not None:
            offsets = {
                tp: p.next_offset
                for p in partitions
                if p.next_offset != p.committed and (tp := TopicPartition(p.topic, p.number)) in self._assigned
            }
            if offsets:
                try:
                    await asyncio.wait_for(self.consumer.commit(offsets), 5)
                except (KafkaError, TimeoutError) as error:
                    log.debug("offsets are not committed, the fence keeps them", error=str(error))
                else:
                    for p in partitions:
                        p.committed = p.next_offset

    def _measure_lag(self) -> None:
        if self.consumer is None:
            return
        for tp, partition in self._owned.items():
            with contextlib.suppress(Exception):
                end = self.consumer.highwater(tp)
                if end is not None:
                    lag = max(0, end - partition.position)
                    self.progress.lag[f"{tp.topic}/{tp.partition}"] = lag
                    metrics.consumer_lag.labels(self.service, f"{tp.topic}/{tp.partition}").set(lag)

    def _forget_lag(self, tp: TopicPartition) -> None:
        """Leave it to the next owner: what stood here last would stand for ever."""
        name = f"{tp.topic}/{tp.partition}"
        if self.progress.lag.pop(name, None) is not None:
            metrics.consumer_lag.remove(self.service, name)

    # ------------------------------------------------------------ health

    async def positions(self, topic: str) -> dict[int, int]:
        """Give, between two turns, up to which offset each owned partition of a topic is read and answered."""
        async with self._lock:
            return {tp.partition: p.position for tp, p in self._owned.items() if tp.topic == topic}

    def owns_partitions(self) -> bool:
        """Tell whether Kafka has given us partitions and all of them are taken over."""
        return bool(self._owned) and self._assigned == self._owned.keys()

    def parked(self) -> int:
        """Give how many tickets wait for somebody to look at an error."""
        return sum(len(p.parked) for p in self._owned.values())

    def outbox_age(self) -> float:
        """Give for how many seconds the oldest message that was decided has not been published."""
        since = min((p.outbox_since for p in self._owned.values() if p.outbox_since), default=None)
        return 0.0 if since is None else max(0.0, (self._clock.now() - since) / timedelta(seconds=1))

    def idle(self, ends: Mapping[TopicPartition, int]) -> bool:
        """Tell whether all up to `ends` is read, everything due is fired and everything said is published."""
        if self.progress.turn_since is not None or not self.owns_partitions():
            return False
        now = self._clock.now()
        return all(
            p.position >= ends[tp] and not p.outbox and (p.next_due is None or p.next_due > now)
            for tp, p in self._owned.items()
        )

    def unready(self) -> str:
        """Say why this loop is not ready, looking at progress and not only at connections; empty when it is."""
        now = asyncio.get_running_loop().time()
        if self.progress.paused:
            topics = ", ".join(sorted(self.progress.paused))
            return f"paused by a burst of poison on {topics}: see `gridcall dead-letters list`"
        if self.progress.turn_since is not None and now - self.progress.turn_since > STALL_S:
            return (
                f"a turn has taken {now - self.progress.turn_since:.0f} s: {self.progress.trouble or 'no reason known'}"
            )
        if self.progress.trouble:
            return f"waiting: {self.progress.trouble}"
        if self.progress.batch_since is not None and now - self.progress.batch_since > STALL_S:
            return f"the same records have been tried for {now - self.progress.batch_since:.0f} s: see the log"
        if self.consumer is None:
            return "not connected to Kafka yet"
        fetcher, coordinator = getattr(self.consumer, "_fetcher", None), getattr(self.consumer, "_coordinator", None)
        for part, name in ((fetcher, "_fetch_task"), (coordinator, "_coordination_task")):
            task = getattr(part, name, None)
            if task is not None and task.done():
                return f"the consumer's {name} has died: restart the service"
        if self._assigned - self._owned.keys():
            return "taking over partitions"
        if any(task.done() for task in self._tasks):
            return "a task of the loop has died: restart the service"
        return ""
