"""What does a decider say to a message? The loop's own fold, without Kafka and without MongoDB."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from aiokafka import ConsumerRecord

from shared.clock import StoppedClock
from shared.decider import Decider, Message, State, Turn
from shared.envelope import Envelope, Outgoing, headers, read
from shared.ids import fact_id
from shared.loop.partitions import Partition
from shared.loop.poison import PARKED
from shared.loop.tickets import COLLECTION, Fold, Slot, TicketWork
from shared.loop.work import Outcome
from shared.messages import REGISTRY, Body, CommandRefused, RecordDeadLettered
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import Callable

S = TypeVar("S", bound=State)

TICKET = "0123456789ABCDEF"
MORNING = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Said:
    """What one message led to."""

    outbox: tuple[Outgoing, ...]
    turns: tuple[Turn, ...]

    @cached_property
    def bodies(self) -> tuple[Any, ...]:
        """Give the body of each message, in order; read once, since bodies do not change."""
        return tuple(body_of(out) for out in self.outbox)

    @property
    def facts(self) -> list[Any]:
        """Give the facts, in order."""
        return [body for out, body in zip(self.outbox, self.bodies, strict=True) if out.topic == TICKETS]

    @property
    def effects(self) -> list[tuple[str, Any]]:
        """Give (topic, body) of the messages to other topics, in order; dead letters are not among them."""
        pairs = [(out.topic, body) for out, body in zip(self.outbox, self.bodies, strict=True) if out.topic != TICKETS]
        return [(topic, body) for topic, body in pairs if not isinstance(body, RecordDeadLettered)]

    @property
    def refused(self) -> CommandRefused | None:
        """Give the refusal of the command, if it was refused."""
        return next((fact for fact in self.facts if isinstance(fact, CommandRefused)), None)

    @property
    def dead(self) -> RecordDeadLettered | None:
        """Give the dead letter that the message became, if it did."""
        return next((body for body in self.bodies if isinstance(body, RecordDeadLettered)), None)


class Folded(Generic[S]):
    """A service's view of its tickets. State goes through JSON after every message, as through the database."""

    def __init__(self, decider: Decider[S], at: datetime = MORNING) -> None:
        """Know nothing; the clock stands still until `clock.advance`."""
        self.clock = StoppedClock(at)
        self._decider = decider
        self._work = TicketWork(decider, {COLLECTION: None, PARKED: None}, self.clock, 1)
        self._documents: dict[str, dict[str, Any]] = {}
        self._partition = Partition(f"{TICKETS}/0", TICKETS, 0)
        self._sequences: Counter[tuple[str, str]] = Counter()
        self._records = 0

    def read(self, what: Body | Message | Outgoing, ticket: str = TICKET, **envelope: Any) -> Said:
        """Fold one record; a bare body gets an envelope of its own. Fails when the ticket would be parked."""
        self._records += 1
        if isinstance(what, Body):
            what = self._message(what, ticket, envelope)
        if isinstance(what, Message):
            value = what.data.model_dump_json(by_alias=True).encode()
            what = Outgoing(TICKETS, what.ticket, headers(what.envelope), value)
        record = ConsumerRecord(
            TICKETS, 0, self._records, 0, 0, what.key.encode(), what.value, None, 0, 0, tuple(what.headers)
        )
        kind = dict(what.headers)["ce_type"]
        if kind.decode() not in self._decider.consumes:
            return Said((), ())
        return self._fold(what.key, lambda fold: fold.record(self._partition, record, kind))

    def wake(self, ticket: str = TICKET) -> Said:
        """Fold that the instant has come for which the ticket asked, if it has."""
        return self._fold(ticket, lambda fold: fold.timer(self._partition, ticket))

    def state(self, ticket: str = TICKET) -> S:
        """Give the state as it is stored."""
        return self._slot(ticket).state

    def wake_at(self, ticket: str = TICKET) -> datetime | None:
        """Give when the ticket wants to be woken."""
        return self._slot(ticket).wake_at

    def _message(self, body: Body, ticket: str, given: dict[str, Any]) -> Message:
        """A fact gets its producer's next sequence, a command an id of its own."""
        number = 0
        if body.kind == "fact":
            self._sequences[ticket, body.producer] += 1
            number = self._sequences[ticket, body.producer]
        fields: dict[str, Any] = {
            "id": fact_id(ticket, body.producer, number) if number else f"command-{self._records}",
            "source": f"gridcall/{body.producer}" if number else "gridcall/desk",
            "type": body.type,
            "time": self.clock.now(),
            "subject": ticket,
            "sequence": number,
        }
        return Message(Envelope(**(fields | given)), ticket, body)

    def _slot(self, ticket: str) -> Slot[S]:
        stored = self._documents.get(ticket)
        if stored is None:
            return Slot(ticket, self._partition, self._decider.state(), 0, {}, {})
        return self._work._slot(stored, self._partition)

    def _fold(self, ticket: str, step: Callable[[Fold[S]], None]) -> Said:
        outcome = Outcome()
        fold = Fold(self._work, outcome, {ticket: self._slot(ticket)}, self.clock.now())
        step(fold)
        fold.finish()
        if outcome.parked:
            raise AssertionError(outcome.writes[PARKED][0]._doc["error"])
        for write in outcome.writes.get(COLLECTION, []):
            self._documents[ticket] = write._doc
        turns = tuple(outcome.done[1])
        for turn in turns:
            self._decider.observe(turn)
        return Said(tuple(outcome.outbox.get(self._partition.key, ())), turns)


def body_of(message: Outgoing) -> Any:
    """Give the body of a message that goes out."""
    return REGISTRY[envelope_of(message).type].model_validate_json(message.value)


def envelope_of(message: Outgoing) -> Envelope:
    """Give the envelope of a message that goes out."""
    return read(message.headers, 0)
