"""How are the read models made anew from the log, beside the living ones? shared/decisions/0005-rebuild-beside.md.

The log is folded into the next generation up to where the living desk has read; then one transaction moves the
pointer and fences the living desk, which goes on in the new generation from the offset where this one stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from services.desk.handlers import decider
from services.desk.store import view_indexes
from shared.chance import random_id
from shared.errors import Conflict, Fenced, TryLater
from shared.indexes import LOOP_INDEXES, Index, ensure
from shared.loop.generations import META, Generations, collection_of, generation_of, partition_key
from shared.loop.partitions import COLLECTION as PARTITIONS
from shared.loop.partitions import Partition, PartitionStore
from shared.loop.poison import PARKED
from shared.loop.tickets import COLLECTION, TicketWork
from shared.loop.work import Batch
from shared.mongo import ASCENDING, remedies
from shared.security import client_security
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiokafka import ConsumerRecord

    from shared.clock import Clock
    from shared.mongo import Mongo
    from shared.profile import Profile
    from shared.settings import Settings

log = structlog.get_logger(__name__)

BATCH: Final = 10_000
CACHE: Final = 200_000
NEAR: Final = 2_000
"""Records behind the living desk that are near enough to swap."""
ROUNDS: Final = 20
SWAPS: Final = 200
GRACE_S: Final = 3.0
"""Before the old generation is dropped: longer than queries remember the pointer."""
POLL_MS: Final = 500
SILENCE_S: Final = 60.0
LEASE: Final = "rebuild"
LEASE_MS: Final = 60_000
"""How long a rebuild that was killed keeps the next one waiting."""
RENEW_S: Final = 10.0
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
SHOWN: Final = 20


class Unsound(Exception):  # noqa: N818 - says why the new generation is not taken
    """The new generation may not replace the living one; the sentence says why."""


@dataclass(slots=True)
class Report:
    """What a rebuild did."""

    generation: int
    events: int = 0
    seconds: float = 0.0
    events_per_s: float = 0.0
    tickets: int = 0
    swapped: bool = False
    checked: int | None = None
    equal: int | None = None
    different: list[str] = field(default_factory=list)
    """The first ids whose views differ for no good reason."""
    different_count: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Give it as plain data."""
        return asdict(self)


class Rebuild:
    """One run; `async with` connects and lets go."""

    def __init__(
        self,
        settings: Settings,
        profile: Profile,
        mongo: Mongo,
        clock: Clock,
        told: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> None:
        """`told` hears of records done and records in all."""
        self._settings = settings
        self._mongo = mongo
        self._db = mongo.db(settings.database("desk"))
        self._generations = Generations(self._db)
        self._group = settings.group("desk")
        self._owner = f"rebuild-{random_id()}"
        self._store = PartitionStore(self._db, self._group, self._owner, mongo)
        self._work = TicketWork(decider(profile), self._db, clock, CACHE)
        self._told = told
        self._consumer: AIOKafkaConsumer | None = None
        self._partitions: dict[TopicPartition, Partition] = {}
        self._before = 0
        self._after = 0
        self._events = 0
        self._leased_at = 0.0

    async def run(self, *, check: bool = False, grace_s: float = GRACE_S) -> Report:
        """Rebuild and swap; raises Unsound when the new generation may not be taken, TryLater when a part is away."""
        started = time.perf_counter()
        await self._lease()
        try:
            await self._begin()
            await self._catch_up()
            report = await self._counted(started)
            if check:
                await self._check(report)
                if report.different_count:
                    await self._abandon()
                    return report
            await self._swap()
        except KafkaError as error:
            raise TryLater(f"Kafka is away: {error}") from error
        except Fenced as error:
            raise Unsound("another rebuild has taken this one's place") from error
        else:
            report.swapped = True
            await asyncio.sleep(grace_s)
            await self._sweep()
            return report
        finally:
            if self._consumer is not None:
                await self._consumer.stop()
            await self._let_go()

    # ------------------------------------------------------------ one at a time

    async def _lease(self) -> None:
        """Be the only rebuild, by MongoDB's clock; raises Unsound while another one is."""
        free = {"$or": [{"$eq": ["$owner", self._owner]}, {"$lt": [{"$ifNull": ["$until", _LONG_AGO]}, "$$NOW"]}]}
        until = {"$cond": [free, {"$add": ["$$NOW", LEASE_MS]}, "$until"]}
        owner = {"$cond": [free, self._owner, "$owner"]}
        holder = ""
        with contextlib.suppress(Conflict), remedies():  # two first ones at the same instant
            lease = await self._db[META].find_one_and_update(
                {"_id": LEASE}, [{"$set": {"owner": owner, "until": until}}], upsert=True, return_document=True
            )
            holder = lease["owner"]
        if holder != self._owner:
            raise Unsound("another rebuild is running, or was killed less than a minute ago: wait for it")
        self._leased_at = asyncio.get_running_loop().time()

    async def _let_go(self) -> None:
        with contextlib.suppress(TryLater), remedies():
            await self._db[META].delete_one({"_id": LEASE, "owner": self._owner})

    async def _counted(self, started: float) -> Report:
        with remedies():
            tickets = await self._db[self._views(self._after)].count_documents({})
        seconds = time.perf_counter() - started
        rate = self._events / seconds if seconds else 0.0
        return Report(self._after, self._events, round(seconds, 3), round(rate, 1), tickets)

    @staticmethod
    def _views(generation: int) -> str:
        return collection_of(COLLECTION, generation)

    def _keys(self, generation: int) -> dict[TopicPartition, str]:
        return {tp: partition_key(self._group, generation, tp.topic, tp.partition) for tp in self._partitions}

    # ------------------------------------------------------------ folding

    async def _begin(self) -> None:
        """Empty the next generation and take its partition documents."""
        consumer = self._consumer = AIOKafkaConsumer(
            bootstrap_servers=self._settings.kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=4 * 1024 * 1024,
            **client_security(self._settings),
        )
        try:
            await consumer.start()
        except OSError as error:
            raise TryLater(f"Kafka is away: {error}") from error
        numbers = await self._numbers(consumer)
        self._before = await self._generations.current()
        self._after = self._before + 1
        self._work.follow(self._after)
        with remedies():
            await self._db.drop_collection(self._views(self._after))
            await self._db[PARTITIONS].delete_many({"_id": {"$regex": f"/g{self._after}/"}})
        await ensure(self._db, self._indexes())
        for number in sorted(numbers):
            tp = TopicPartition(TICKETS, number)
            self._partitions[tp] = await self._store.claim(TICKETS, number, self._after)
        consumer.assign(list(self._partitions))
        begins = await consumer.beginning_offsets(list(self._partitions))
        for tp, begin in begins.items():
            consumer.seek(tp, begin)
            self._partitions[tp].position = begin

    @staticmethod
    async def _numbers(consumer: AIOKafkaConsumer) -> set[int]:
        cluster = await consumer._client.fetch_all_metadata()  # noqa: SLF001 - the public call only knows its cache
        numbers: set[int] | None = cluster.partitions_for_topic(TICKETS)
        if not numbers:
            raise TryLater(f"topic {TICKETS} does not exist: run `gridcall topics apply`")
        return numbers

    def _indexes(self) -> tuple[Index, ...]:
        views = self._views(self._after)
        of_loop = [Index(views, i.keys, i.unique, i.partial) for i in LOOP_INDEXES if i.collection == COLLECTION]
        return (*of_loop, *view_indexes(views))

    async def _catch_up(self) -> None:
        """Fold up to where the living desk has read, again and again until it is near."""
        for _ in range(ROUNDS):
            ends = await self._living()
            behind = sum(max(0, end - self._partitions[tp].position) for tp, end in ends.items())
            if behind:
                await self._fold(ends, behind)
            if behind <= NEAR:
                return

    async def _living(self) -> dict[TopicPartition, int]:
        """Give how far the living desk has read each partition."""
        keys = self._keys(self._before)
        with remedies():
            found = (
                await self._db[PARTITIONS].find({"_id": {"$in": list(keys.values())}}, {"next_offset": 1}).to_list(None)
            )
        offsets = {document["_id"]: int(document["next_offset"]) for document in found}
        return {tp: offsets.get(key, 0) for tp, key in keys.items()}

    async def _fold(self, ends: dict[TopicPartition, int], behind: int) -> None:
        done, heard = 0, asyncio.get_running_loop().time()
        consumer = self._consumer
        assert consumer is not None  # noqa: S101 - set by _begin
        while waiting := [tp for tp, end in ends.items() if self._partitions[tp].position < end]:
            idle = [tp for tp in self._partitions if tp not in waiting]
            consumer.pause(*idle)
            fetched = await consumer.getmany(*waiting, timeout_ms=POLL_MS, max_records=BATCH)
            consumer.resume(*idle)
            taken = [self._within(tp, records, ends[tp]) for tp, records in fetched.items()]
            batches = [Batch(self._partitions[tp], records) for tp, records in taken if records]
            now = asyncio.get_running_loop().time()
            if now - self._leased_at > RENEW_S:
                await self._lease()
            if batches:
                heard = now
                await self._write(batches)
                done += sum(len(batch.records) for batch in batches)
                self._told(done, behind)
            elif now - heard > SILENCE_S:
                raise TryLater(f"Kafka has given no record of {TICKETS} for {SILENCE_S:.0f} s")
        self._events += done

    def _within(
        self, tp: TopicPartition, records: list[ConsumerRecord[bytes, bytes]], end: int
    ) -> tuple[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
        """Give the records before `end`, and let the consumer go back to it when it has read on."""
        kept = [record for record in records if record.offset < end]
        if len(kept) < len(records) and self._consumer is not None:
            self._consumer.seek(tp, end)
        return tp, kept

    async def _write(self, batches: list[Batch]) -> None:
        """Fold a batch as the loop does, and write its views: dead letters were buried by the living desk."""
        outcome = await self._work.decide(batches)
        if outcome.parked or any(batch.partition.parked for batch in batches):
            raise Unsound("a rule raised on a record: see the log line above; the living read models stay")
        writes = outcome.writes.get(self._work.collection)
        if writes:
            with remedies():
                await self._db[self._work.collection].bulk_write(writes, ordered=False)
        await self._store.write([(b.partition, b.records[-1].offset + 1, ()) for b in batches])
        for batch in batches:
            partition = batch.partition
            partition.version += 1
            partition.position = partition.next_offset = batch.records[-1].offset + 1
        self._work.applied(outcome)

    # ------------------------------------------------------------ checking

    async def _check(self, report: Report) -> None:
        """Compare with the living views; those that differ are compared again once both have read on."""
        wanted: list[str] | None = None
        for _ in range(ROUNDS):
            before = await self._living()
            await self._fold(before, 0)
            checked, different = await self._compared(wanted)
            report.checked = report.checked or checked
            still = await self._living() == before
            wanted = different
            if not different or still:
                break
        report.different_count = len(wanted or ())
        report.different = (wanted or [])[:SHOWN]
        report.equal = (report.checked or 0) - report.different_count

    async def _compared(self, wanted: list[str] | None) -> tuple[int, list[str]]:
        """Give how many were looked at, and the ids whose views differ, of all or of the wanted."""
        count, different = 0, []
        living, new = self._documents(self._before, wanted), self._documents(self._after, wanted)
        one, other = await anext(living, None), await anext(new, None)
        while one is not None or other is not None:
            count += 1
            first = min(document["_id"] for document in (one, other) if document is not None)
            left = one if one is not None and one["_id"] == first else None
            right = other if other is not None and other["_id"] == first else None
            if left is None or right is None or _compared_part(left) != _compared_part(right):
                different.append(first)
            if left is not None:
                one = await anext(living, None)
            if right is not None:
                other = await anext(new, None)
        return count, different

    async def _documents(self, generation: int, wanted: list[str] | None) -> AsyncIterator[dict[str, Any]]:
        condition = {} if wanted is None else {"_id": {"$in": wanted}}
        with remedies():
            async for document in self._db[self._views(generation)].find(condition).sort("_id", ASCENDING):
                yield document

    # ------------------------------------------------------------ swapping

    async def _swap(self) -> None:
        """Move the pointer and fence the living desk, in one transaction; it is tried until the desk lets us."""
        for _ in range(SWAPS):
            try:
                async with self._mongo.transaction() as session:
                    await self._swapped(session)
            except Conflict:
                await asyncio.sleep(0.02)
            else:
                return
        raise TryLater("the living desk writes without a pause")

    async def _swapped(self, session: Any) -> None:
        documents = self._db[PARTITIONS]
        old, new = self._keys(self._before), self._keys(self._after)
        with remedies():
            left = await documents.find({"_id": {"$in": list(old.values())}}, session=session).to_list(None)
        outboxes: dict[str, bytes] = defaultdict(bytes, {d["_id"]: d["outbox"] for d in left})
        for tp, key in new.items():
            with remedies():
                taken = await documents.update_one(
                    {"_id": key, "owner": self._owner},
                    {"$set": {"outbox": outboxes[old[tp]], "owner": "swapped"}, "$inc": {"version": 1}},
                    session=session,
                )
            if not taken.matched_count:
                raise Fenced(key)
        with remedies():
            await documents.update_many(
                {"_id": {"$in": list(old.values())}},
                {"$set": {"owner": "swapped"}, "$inc": {"version": 1}},
                session=session,
            )
            await self._db[PARKED].delete_many({}, session=session)  # the new generation has folded their records
        if not await self._generations.move(self._before, self._after, session):
            raise Fenced("the pointer")

    async def _abandon(self) -> None:
        await self._drop(self._after)

    async def _sweep(self) -> None:
        """Drop every older generation: the one before, and what rebuilds that were killed after the swap have left."""
        with remedies():
            names = await self._db.list_collection_names()
        found = {generation_of(COLLECTION, name) for name in names} | {self._before}
        for generation in found:
            if generation is not None and generation < self._after:
                await self._drop(generation)

    async def _drop(self, generation: int) -> None:
        """Drop a generation's views and partition documents."""
        with remedies():
            await self._db.drop_collection(self._views(generation))
            await self._db[PARTITIONS].delete_many({"_id": {"$in": list(self._keys(generation).values())}})


def _compared_part(document: dict[str, Any]) -> dict[str, Any]:
    """Give what must be equal: the view, what was seen of each producer, and the fields beside it."""
    part = {name: value for name, value in document.items() if name not in {"s", "a"}}
    return part | {"view": orjson.loads(document["s"])}
