"""How is a service's view of its tickets folded? Records through decide and evolve, in order, one ticket one writer."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog

from shared import metrics, tracing
from shared.decider import Decider, Message, State, TimerDue, Turn
from shared.envelope import Envelope, Outgoing, headers, read, type_of
from shared.errors import DeadLetter, Refused
from shared.ids import fact_id, is_ticket_id, named
from shared.loop.generations import FIRST, Generations, collection_of
from shared.loop.poison import COLLECTION as DEAD
from shared.loop.poison import PARKED, Morgue, record_document
from shared.loop.work import Batch, Outcome
from shared.messages import REGISTRY, CommandRefused, Fact, RedriveTicket, Words
from shared.mongo import ASCENDING, DeleteMany, InsertOne, ReplaceOne, UpdateOne, remedies
from shared.topics import TICKETS
from shared.tracing import NOTHING, concerning

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from aiokafka import ConsumerRecord

    from shared.clock import Clock
    from shared.loop.partitions import Partition
    from shared.messages import Body
    from shared.mongo import Database

COLLECTION = "tickets"
ANSWERS_KEPT = 200
"""Commands whose answer is remembered per ticket, so that a repeated one is answered again and not done again."""
REDRIVE = RedriveTicket.type.encode()
KNOWN = {name.encode() for name in REGISTRY}

S = TypeVar("S", bound=State)
log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Slot(Generic[S]):
    """One ticket in memory: the service's state and what the loop itself must remember."""

    ticket: str
    partition: Partition
    state: S
    sequence: int = 0
    seen: dict[str, int] | None = None
    answers: dict[str, list[str]] | None = None
    """Id of a command -> reason and sentences of its refusal, or "" and the wire types of what it led to."""
    stored: bool = False
    wake_at: datetime | None = None
    trace: str = ""
    """The traceparent with which the ticket came, where that is not its own trace's."""

    def copy(self) -> Slot[S]:
        """Give a slot that may be changed without changing this one."""
        return Slot(
            self.ticket,
            self.partition,
            self.state,
            self.sequence,
            dict(self.seen or {}),
            dict(self.answers or {}),
            self.stored,
            self.wake_at,
            self.trace,
        )


class TicketWork(Generic[S]):
    """The log's work for one decider."""

    def __init__(
        self,
        decider: Decider[S],
        db: Database,
        clock: Clock,
        cache_size: int,
        generations: Generations | None = None,
    ) -> None:
        """Begin with an empty cache; `generations` where what is folded can be rebuilt beside itself."""
        self.service = decider.service
        self._decider = decider
        self._source = f"gridcall/{decider.service}"
        self._consumes = {name.encode(): body for name, body in decider.consumes.items()}
        self._db = db
        self.generation = FIRST
        self.collection = COLLECTION
        self._generations = generations
        self._tickets = db[COLLECTION]
        self._parked = db[PARKED]
        self._clock = clock
        self._morgue = Morgue(decider.service)
        self._cache: OrderedDict[str, Slot[S]] = OrderedDict()
        self._cache_size = cache_size

    # ------------------------------------------------------------ generations

    async def replaced(self) -> bool:
        """Look whether a rebuild has made another generation the present one; from then on fold into that."""
        if self._generations is None or (current := await self._generations.current()) == self.generation:
            return False
        self.follow(current)
        return True

    def follow(self, generation: int) -> None:
        """Fold into a generation from now on."""
        self.generation = generation
        self.collection = collection_of(COLLECTION, generation)
        self._tickets = self._db[self.collection]
        self._cache.clear()

    # ------------------------------------------------------------ loading

    async def claimed(self, partition: Partition) -> None:
        """Load which tickets are parked and when the next one is due."""
        with remedies():
            partition.parked = set(await self._parked.distinct("ticket", {"p": partition.number}))
        partition.next_due = await self.next_due(partition)

    async def due(self, partition: Partition, now: datetime, limit: int) -> list[str]:
        """Give up to `limit` tickets that want to be woken by `now`, earliest first."""
        with remedies():
            found = self._tickets.find({"p": partition.number, "w": {"$lte": now}}, {"_id": 1})
            return [d["_id"] for d in await found.sort("w", ASCENDING).limit(limit).to_list(limit)]

    async def next_due(self, partition: Partition) -> datetime | None:
        """Give the earliest instant for which a ticket of the partition asks."""
        with remedies():
            found = self._tickets.find({"p": partition.number, "w": {"$exists": True}}, {"w": 1})
            first = await found.sort("w", ASCENDING).limit(1).to_list(1)
        return first[0]["w"] if first else None

    async def _load(self, wanted: dict[str, Partition]) -> dict[str, Slot[S]]:
        """Give a slot that may be changed for each wanted ticket, new ones empty."""
        slots: dict[str, Slot[S]] = {}
        missing: list[str] = []
        for ticket in wanted:
            cached = self._cache.get(ticket)
            if cached is None:
                missing.append(ticket)
            else:
                slots[ticket] = cached.copy()
        if missing:
            with remedies():
                found = await self._tickets.find({"_id": {"$in": missing}}).to_list(None)
            for document in found:
                slots[document["_id"]] = self._slot(document, wanted[document["_id"]])
            for ticket in missing:
                if ticket not in slots:
                    slots[ticket] = Slot(ticket, wanted[ticket], self._decider.state(), 0, {}, {})
        return slots

    def _slot(self, document: dict[str, Any], partition: Partition) -> Slot[S]:
        return Slot(
            ticket=document["_id"],
            partition=partition,
            state=self._decider.state.model_validate_json(document["s"]),
            sequence=document["q"],
            seen=document["n"],
            answers=dict(document["a"]),
            stored=True,
            wake_at=document.get("w"),
            trace=document.get("t", ""),
        )

    # ------------------------------------------------------------ deciding

    async def decide(self, batches: Sequence[Batch]) -> Outcome:
        """Fold every record and every due ticket, in order; only the outcome is changed."""
        outcome = Outcome()
        now = self._clock.now()
        interesting: list[tuple[Partition, ConsumerRecord[bytes, bytes], bytes]] = []
        wanted: dict[str, Partition] = {}
        for batch in batches:
            for record in batch.records:
                kind = type_of(record.headers)
                if kind in self._consumes or kind == REDRIVE:
                    ticket = self._ticket(record)
                    if ticket is not None:
                        wanted[ticket] = batch.partition
                elif not (self._decider.reads_everything and kind not in KNOWN):
                    continue
                interesting.append((batch.partition, record, kind or b""))
            for ticket in batch.due:
                wanted[ticket] = batch.partition
        fold = Fold(self, outcome, await self._load(wanted) if wanted else {}, now)
        try:
            for partition, record, kind in interesting:
                if kind == REDRIVE:
                    await self._redrive(fold, partition, record)
                else:
                    fold.record(partition, record, kind)
            for batch in batches:
                for ticket in batch.due:
                    fold.timer(batch.partition, ticket)
        finally:
            concerning.set(NOTHING)
        fold.finish()
        return outcome

    @staticmethod
    def _ticket(record: ConsumerRecord[bytes, bytes]) -> str | None:
        """Give the ticket id that a record of the log is keyed by."""
        try:
            key = (record.key or b"").decode()
        except UnicodeDecodeError:
            return None
        return key if is_ticket_id(key) else None

    async def _redrive(self, fold: Fold[S], partition: Partition, record: ConsumerRecord[bytes, bytes]) -> None:
        """Try the queue of a parked ticket again, in order, until it is empty or something raises again."""
        ticket = self._ticket(record)
        try:
            command = RedriveTicket.model_validate_json(record.value or b"")
        except ValueError:
            return
        if ticket is None or command.service != self.service or ticket not in fold.parked(partition):
            return
        with remedies():
            queue = await self._parked.find({"ticket": ticket}).sort("n", ASCENDING).to_list(None)
        fold.redrive(partition, ticket, queue, discard=command.action == "discard")

    # ------------------------------------------------------------ once it is durable

    def applied(self, outcome: Outcome) -> None:
        """Take the changed slots into the cache and observe what happened."""
        slots, turns, woken = outcome.done
        for slot in slots:
            slot.stored = True
            self._cache[slot.ticket] = slot
            self._cache.move_to_end(slot.ticket)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        now, lateness = self._clock.now(), metrics.timer_lateness.labels(self.service)
        for due_at in woken:
            lateness.observe(max(0.0, (now - due_at).total_seconds()))
        observe = self._decider.observe
        for turn in turns:
            observe(turn)

    def forget(self, partition: Partition | None) -> None:
        """Drop what is cached of a partition."""
        if partition is None:
            self._cache.clear()
            return
        for ticket in [t for t, slot in self._cache.items() if slot.partition.key == partition.key]:
            del self._cache[ticket]


class Fold(Generic[S]):
    """One turn's fold over a set of slots."""

    def __init__(self, work: TicketWork[S], outcome: Outcome, slots: dict[str, Slot[S]], now: datetime) -> None:
        """Begin with the loaded slots."""
        self._work = work
        self._decider = work._decider  # noqa: SLF001 - one class in two parts
        self._consumes = work._consumes  # noqa: SLF001
        self._source = work._source  # noqa: SLF001
        self._morgue = work._morgue  # noqa: SLF001
        self._outcome = outcome
        self._slots = slots
        self._now = now
        self._changed: dict[str, Slot[S]] = {}
        self._turns: list[Turn] = []
        self._woken: list[datetime] = []
        """The instants for which the tickets had asked whose timers fired."""

    def parked(self, partition: Partition) -> set[str]:
        """Give the parked tickets of a partition as this turn sees them."""
        return self._outcome.parked.get(partition.key, partition.parked)

    # ------------------------------------------------------------ records

    def record(self, partition: Partition, record: ConsumerRecord[bytes, bytes], kind: bytes) -> None:
        """Fold one record: into its ticket, into the queue of a parked ticket, or to the dead letters."""
        ticket = self._work._ticket(record)  # noqa: SLF001
        name = kind.decode("utf-8", "replace")
        if ticket is not None and ticket in self.parked(partition):
            self._queue(partition, ticket, record_document(record), "queued behind a parked record")
            self._count(name, "parked")
            return
        try:
            message = self._read(ticket, record.headers, record.timestamp, record.value, kind)
        except DeadLetter as error:
            self._bury(partition, record, error, name)
            self._outcome.poison[record.topic] += 1
            return
        self._fold(partition, message, name, record)

    def _read(
        self,
        ticket: str | None,
        record_headers: Sequence[tuple[str, bytes | None]],
        timestamp: int,
        value: bytes | None,
        kind: bytes,
    ) -> Message:
        body = self._consumes.get(kind)
        if body is None:
            raise DeadLetter("unknown-type", "this type is not in the registry of messages")
        if ticket is None:
            raise DeadLetter("bad-key", "the key of a record on the log must be a ticket id")
        envelope = read(record_headers, timestamp)
        return Message(envelope, ticket, decoded(body, value))

    def _fold(self, partition: Partition, message: Message, name: str, record: ConsumerRecord[bytes, bytes]) -> None:
        try:
            self._count(name, self._apply(partition, message))
        except DeadLetter as error:
            # Not poison of the log: somebody's update names a ticket that is not there, and a department
            # that sends many of these must not pause the log for all.
            self._bury(partition, record, error, name)
        except Exception as error:
            log.exception("a rule raised: the ticket is parked", ticket=message.ticket, type=name)
            self._park(partition, message.ticket, record_document(record), error)
            self._count(name, "parked")
            self._outcome.poison[record.topic] += 1

    def timer(self, partition: Partition, ticket: str) -> None:
        """Fold the fact that a ticket's instant has come."""
        slot = self._slots[ticket]
        wake_at = slot.wake_at
        if wake_at is None or wake_at > self._now or ticket in self.parked(partition):
            return
        body = TimerDue(due_at=wake_at)
        ident = f"{ticket}/{self._decider.service}.timer/{wake_at.isoformat()}"
        message = Message(Envelope(ident, self._source, "timer", self._now, ticket), ticket, body)
        try:
            self._count("timer", self._apply(partition, message))
            after = self._slots[ticket].wake_at
            if after is not None and after <= self._now:
                problem = f"the rules ask to be woken at {after}, which has passed"
                raise RuntimeError(problem)  # noqa: TRY301 - parks the ticket like any rule that fails
        except Exception as error:
            log.exception("a rule raised on a timer: the ticket is parked", ticket=ticket)
            self._park(partition, ticket, {"timer": wake_at}, error)
            self._count("timer", "parked")
        else:
            self._woken.append(wake_at)

    # ------------------------------------------------------------ the rules

    def _apply(self, partition: Partition, message: Message) -> str:
        """Run one message through the rules, in its trace or else in its ticket's."""
        slot = self._slots[message.ticket]
        trace = message.envelope.traceparent or slot.trace or tracing.of_ticket(slot.ticket)
        concerning.set((slot.ticket, trace))
        if tracing.spans is None:
            return self._decided(partition, slot, message, trace)
        with tracing.handling(self._decider.service, message.envelope.type, slot.ticket, trace) as inner:
            return self._decided(partition, slot, message, inner)

    def _decided(self, partition: Partition, slot: Slot[S], message: Message, trace: str) -> str:
        """Run one message through the rules; the slot is changed only when all of it went well."""
        sequence = message.envelope.sequence
        if sequence and self._seen(slot, message.envelope):
            metrics.duplicates.labels(self._decider.service).inc()
            return "duplicate"
        if not sequence and message.envelope.id in (slot.answers or {}):
            self._again(partition, slot, message, trace)
            return "repeated"
        refusal: Refused | None = None
        try:
            bodies: Sequence[Fact] = self._decider.decide(slot.state, message, self._now)
        except Refused as error:
            if message.data.kind != "command":
                problem = "a rule refused a fact"
                raise RuntimeError(problem) from error
            refusal = error
            bodies = (_refused_fact(message, error),)
        state = self._decider.evolve(slot.state, message)
        facts = []
        number = slot.sequence
        for body in bodies:
            number += 1
            ident = fact_id(message.ticket, self._decider.service, number)
            envelope = Envelope(
                ident, self._source, body.type, self._now, message.ticket, number,
                message.envelope.id, trace,
            )  # fmt: skip
            fact = Message(envelope, message.ticket, body)
            state = self._decider.evolve(state, fact)
            facts.append(fact)
        turn = Turn(message, tuple(facts), refusal, said=tuple(body.type for body in bodies), state=state)
        said = self._said(partition, slot.ticket, turn, state, trace)
        if not said and state is slot.state and message.data.kind == "fact" and not self._decider.reads_everything:
            return "handled"  # it led to nothing, and would again: nothing to write down
        self._slots[message.ticket] = self._changed[message.ticket] = self._remembering(slot, turn, number)
        self._outcome.outbox.setdefault(partition.key, []).extend(said)
        self._turns.append(turn)
        return "refused" if refusal else "handled"

    def _seen(self, slot: Slot[S], envelope: Envelope) -> bool:
        """Tell whether a fact was folded before; whoever reads everything notices where one is missing."""
        last = (slot.seen or {}).get(envelope.source, 0)
        if self._decider.reads_everything and envelope.sequence > last + 1:
            metrics.sequence_gaps.inc(envelope.sequence - last - 1)
            log.error("facts are missing from the log", ticket=slot.ticket, producer=envelope.source, after=last)
        return envelope.sequence <= last

    def _again(self, partition: Partition, slot: Slot[S], message: Message, trace: str) -> None:
        """Give the answer to a command once more, and do nothing."""
        reason, *rest = (slot.answers or {})[message.envelope.id]
        if reason:
            turn = Turn(message, (), Refused(reason, *rest), repeated=True, state=slot.state)
        else:
            turn = Turn(message, (), repeated=True, said=tuple(rest), state=slot.state)
        said = self._said(partition, slot.ticket, turn, slot.state, trace)
        self._outcome.outbox.setdefault(partition.key, []).extend(said)

    def _remembering(self, slot: Slot[S], turn: Turn, number: int) -> Slot[S]:
        """Give the slot after a turn."""
        changed, envelope, refused = slot.copy(), turn.message.envelope, turn.refused
        changed.state, changed.sequence = turn.state, number
        if not changed.stored and not changed.trace and not in_own_trace(envelope.traceparent, slot.ticket):
            changed.trace = envelope.traceparent
        if envelope.sequence and changed.seen is not None:
            changed.seen[envelope.source] = envelope.sequence
        if turn.message.data.kind == "command" and envelope.type != "timer" and changed.answers is not None:
            changed.answers[envelope.id] = (
                [refused.reason, refused.detail, refused.detail_zh] if refused else ["", *turn.said]
            )
            while len(changed.answers) > ANSWERS_KEPT:
                del changed.answers[next(iter(changed.answers))]
        changed.wake_at = self._decider.wake_at(turn.state)
        return changed

    def _said(self, partition: Partition, ticket: str, turn: Turn, state: S, trace: str) -> list[Outgoing]:
        """Give facts and effects as they go out; effects are made first, so that a failing one says nothing."""
        message = turn.message
        effects = self._decider.effects(state, turn)
        said = [
            Outgoing(
                TICKETS,
                ticket,
                headers(fact.envelope),
                fact.data.model_dump_json(exclude_defaults=True).encode(),
                partition.number,
            )
            for fact in turn.facts
        ]
        alike: Counter[tuple[str, str]] = Counter()
        for effect in effects:
            nth = alike[(effect.topic, effect.body.type)]
            alike[(effect.topic, effect.body.type)] += 1
            more = (str(nth),) if nth else ()
            key = ticket if effect.key is None else effect.key
            other = effect.topic == TICKETS and key != ticket  # it concerns that ticket, and belongs to its trace
            envelope = Envelope(
                id=named(self._decider.service, message.envelope.id, effect.topic, effect.body.type, *more),
                source=self._source,
                type=effect.body.type,
                time=self._now,
                subject=key if other else ticket,
                causation=effect.causation or message.envelope.id,
                traceparent=tracing.of_ticket(key) if other else trace,
            )
            value = effect.body.model_dump_json(by_alias=True).encode()
            said.append(Outgoing(effect.topic, key, headers(envelope), value))
        return said

    # ------------------------------------------------------------ poison

    def _count(self, name: str, outcome: str) -> None:
        self._outcome.counts[(name, outcome)] += 1

    def _bury(self, partition: Partition, record: ConsumerRecord[bytes, bytes], error: DeadLetter, name: str) -> None:
        write, letter = self._morgue.bury(record, error, self._now)
        self._outcome.writes.setdefault(DEAD, []).append(write)
        self._outcome.outbox.setdefault(partition.key, []).append(letter)
        self._count(name if name.encode() in KNOWN else "unknown", "dead-letter")
        self._outcome.reasons[error.reason] += 1

    def _park(self, partition: Partition, ticket: str, item: dict[str, Any], error: Exception) -> None:
        self._outcome.parked[partition.key] = {*self.parked(partition), ticket}
        self._queue(partition, ticket, item, f"{type(error).__name__}: {error}"[:1000])
        self._outcome.writes.setdefault(self._work.collection, []).append(
            UpdateOne({"_id": ticket}, {"$unset": {"w": ""}})
        )
        slot = self._slots[ticket].copy()
        slot.wake_at = None
        self._slots[ticket] = slot

    def _queue(self, partition: Partition, ticket: str, item: dict[str, Any], error: str) -> None:
        number = item.get("offset", -1)
        document = item | {
            "_id": f"{ticket}/{partition.number}/{number if number >= 0 else self._now.isoformat()}",
            "ticket": ticket,
            "p": partition.number,
            "n": number,
            "service": self._decider.service,
            "error": error,
            "at": self._now,
        }
        self._outcome.writes.setdefault(PARKED, []).append(ReplaceOne({"_id": document["_id"]}, document, upsert=True))

    def redrive(self, partition: Partition, ticket: str, queue: list[dict[str, Any]], *, discard: bool) -> None:
        """Fold the queue of a parked ticket; what raises again stays, with all behind it."""
        self._outcome.parked[partition.key] = self.parked(partition) - {ticket}
        handled = [item["_id"] for item in queue[:1]] if discard else []
        for item in queue[len(handled) :]:
            try:
                if "timer" not in item:
                    record_headers = [(name, value) for name, value in item["headers"]]
                    kind = type_of(record_headers) or b""
                    message = self._read(ticket, record_headers, item["timestamp"], item["value"], kind)
                    self._count(message.envelope.type, self._apply(partition, message))
            except Exception as error:
                log.exception("the redriven record raised again", ticket=ticket)
                self._outcome.parked[partition.key] = {*self.parked(partition), ticket}
                self._outcome.writes.setdefault(PARKED, []).append(
                    UpdateOne({"_id": item["_id"]}, {"$set": {"error": f"{type(error).__name__}: {error}"[:1000]}})
                )
                break
            handled.append(item["_id"])
        if handled:
            self._outcome.writes.setdefault(PARKED, []).append(DeleteMany({"_id": {"$in": handled}}))
        if ticket not in self.parked(partition) and ticket not in self._changed:
            slot = self._slots[ticket].copy()
            slot.wake_at = self._decider.wake_at(slot.state)
            if slot.stored:
                self._slots[ticket] = self._changed[ticket] = slot

    # ------------------------------------------------------------ the outcome

    def finish(self) -> None:
        """Turn the changed slots into writes: one per ticket, however many records it had."""
        writes = [self._write(slot) for slot in self._changed.values()]
        if writes:
            collection = self._work.collection
            self._outcome.writes[collection] = writes + self._outcome.writes.get(collection, [])
        for slot in self._changed.values():
            if slot.wake_at is not None:
                key = slot.partition.key
                known = self._outcome.wakes.get(key)
                if known is None or slot.wake_at < known:
                    self._outcome.wakes[key] = slot.wake_at
        self._outcome.done = [list(self._changed.values()), self._turns, self._woken]

    def _write(self, slot: Slot[S]) -> InsertOne[Any] | ReplaceOne[Any]:
        document = {
            "_id": slot.ticket,
            "p": slot.partition.number,
            "q": slot.sequence,
            "n": slot.seen,
            "a": list((slot.answers or {}).items()),
            "s": slot.state.model_dump_json(exclude_defaults=True).encode(),
            **self._decider.fields(slot.state),
        }
        if slot.wake_at is not None:
            document["w"] = slot.wake_at
        if slot.trace:
            document["t"] = slot.trace
        return ReplaceOne({"_id": slot.ticket}, document) if slot.stored else InsertOne(document)


def in_own_trace(traceparent: str, ticket: str) -> bool:
    """Tell whether a message of a ticket says of no other trace than the ticket's own."""
    return not traceparent or tracing.trace_id(traceparent) == tracing.trace_id(tracing.of_ticket(ticket))


def decoded(body: type[Body], value: bytes | None) -> Body:
    """Give the body of a record; raises DeadLetter that says what is wrong with it."""
    if value is None:
        raise DeadLetter("no-value", "the record has no value: send a JSON object")
    try:
        return body.model_validate_json(value)
    except ValueError as error:
        raise DeadLetter("bad-body", f"the value is not a {body.__name__}: {shortened(error)}") from error


def shortened(error: ValueError) -> str:
    """Give the first problems of a validation error without the input, which may be personal."""
    problems = getattr(error, "errors", None)
    if problems is None:
        return str(error)[:200]
    listed = problems(include_url=False, include_input=False, include_context=False)[:3]
    return "; ".join(f"{'.'.join(str(part) for part in p['loc']) or 'value'}: {p['msg']}" for p in listed)


def _refused_fact(message: Message, error: Refused) -> CommandRefused:
    return CommandRefused(
        command=message.envelope.type,
        by=getattr(message.data, "by", ""),
        reason=error.reason,
        detail=Words(zh=error.detail_zh, en=error.detail),
    )
