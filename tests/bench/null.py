"""What would the same messages and writes cost if no rule had to be thought about? One service of the null pipeline.

Six of these processes, on topics of their own on the same brokers, with the same partition loop. The plan is
taken from the log of the real run that went before: which message made which service say what, on which topic
and how long. A null service reads the same types, parses a body that is one padded text, decides what the plan
says, and keeps one document per ticket that grows to the size of the real service's. Its doors do the same.
So it has the same records, readers, hops, batches, transactions, writes and bytes, and no domain, no profile
look-ups, no models. The desk's indexes are there too.
Not imitated: the encryption of names, and look-ups that a rule needs.
"""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from shared import topics
from shared.decider import Decider, Effect, Message, State, Turn
from shared.envelope import Envelope, Outgoing, headers
from shared.ids import named, ticket_id
from shared.messages.registry import REGISTRY, Body, Command, Fact
from shared.mongo import InsertOne
from shared.service import Service, run
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.loop.door import Arrival, Reception

DAY = timedelta(days=1)


class NullState(State):
    """As long as the real one, in the end."""

    pad: str = ""
    seen: int = 0
    wake_at: datetime | None = None
    at: datetime | None = None


class NullFact(Fact):
    """As long as the real one."""

    order_id: str = ""
    pad: str = ""


class NullCommand(Command):
    """As long as the real one."""

    order_id: str = ""
    pad: str = ""


def body_type(kind: str, producer: str, *, command: bool) -> type[Body]:
    """Give the body class of a null type, registered as the real ones are."""
    if kind in REGISTRY:
        return REGISTRY[kind]
    annotations = {"type": ClassVar[str], "producer": ClassVar[str]}
    content = {"type": kind, "producer": producer, "__module__": __name__, "__annotations__": annotations}
    return type(kind.replace(".", "_"), (NullCommand if command else NullFact,), content)


class Plan:
    """What one null service does."""

    def __init__(self, name: str, content: dict[str, Any]) -> None:
        """Make every body that it will ever say."""
        self.name = name
        mine = content["services"][name]
        for kind, producer in content["types"].items():
            body_type(kind, producer, command=kind in content["commands"])
        self.consumes = {kind: REGISTRY[kind] for kind in mine["consumes"]}
        self.document = int(mine["document"])
        """Bytes of padding of a finished document."""
        self.steps = max(1, len(mine["consumes"]))
        self.says = {cause: [(kind, "x" * size) for kind, size in said] for cause, said in mine["says"].items()}
        self.sends = {
            cause: [(topic, kind, "x" * size) for topic, kind, size in sent] for cause, sent in mine["sends"].items()
        }
        self.first: str = content["first"]
        self.last: str = content["last"]
        self.timers = bool(mine["timers"])
        self.extra: list[tuple[str, int]] = [tuple(each) for each in mine["extra"]]
        """Collections beside the tickets that the door writes once a report, and their documents' size."""


def decide(plan: Plan, _state: NullState, message: Message, _now: datetime) -> Sequence[Fact]:
    """Say what the plan says."""
    said = plan.says.get(message.envelope.type, ())
    return [REGISTRY[kind](pad=pad) for kind, pad in said]  # type: ignore[call-arg,misc]


def evolve(plan: Plan, state: NullState, message: Message) -> NullState:
    """Grow towards the real document's size."""
    seen = state.seen + 1
    size = min(plan.document, plan.document * seen // plan.steps)
    wake = message.envelope.time + DAY if plan.timers and seen < plan.steps else None
    at = message.envelope.time
    return state.model_copy(update={"seen": seen, "pad": "x" * size, "wake_at": wake, "at": at})


def effects(plan: Plan, department: str, _state: NullState, turn: Turn) -> Sequence[Effect]:
    """Send what the plan says, to receipts or to the department."""
    out = []
    for topic, kind, pad in plan.sends.get(turn.message.envelope.type, ()):
        where = topics.RECEIPTS if topic == "receipts" else topics.dispatch_topic(department)
        out.append(Effect(where, REGISTRY[kind](order_id=f"{turn.message.ticket}-1", pad=pad)))  # type: ignore[call-arg]
    return out


class NullDoor:
    """A door that passes on what comes, as the real ones do."""

    def __init__(self, plan: Plan, kinds: dict[str, list[tuple[str, str]]]) -> None:
        """`kinds`: type that comes -> what goes onto the log."""
        self._plan = plan
        self._kinds = kinds

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Write and pass on."""
        plan = self._plan
        for arrival in arrivals:
            told = arrival.envelope
            body = REGISTRY[told.type].model_validate_json(arrival.record.value)
            if told.type == plan.first:
                ticket = ticket_id(told.source, told.id)
                for collection, size in plan.extra:
                    reception.write(collection, InsertOne({"_id": ticket, "pad": "x" * size}))
            else:
                ticket = str(getattr(body, "order_id", "")).rpartition("-")[0]
            for kind, pad in self._kinds.get(told.type, ()):
                said = REGISTRY[kind](pad=pad)  # type: ignore[call-arg]
                sequence = 0 if kind in COMMANDS else 1
                ident = f"{ticket}/intake/1" if sequence else named(told.source, told.id)
                envelope = Envelope(ident, f"gridcall/{plan.name}", kind, reception.now, ticket, sequence, told.id)
                value = said.model_dump_json(exclude_defaults=True).encode()
                reception.send(arrival, Outgoing(topics.TICKETS, ticket, headers(envelope), value))
            for topic, kind, pad in plan.sends.get(told.type, ()):
                if topic == "receipts":
                    sent = Envelope(named(told.id, kind), "gridcall/intake", kind, reception.now, ticket, 0, told.id)
                    reception.say(arrival, sent, REGISTRY[kind](pad=pad), topics.RECEIPTS, told.source)  # type: ignore[call-arg]
            reception.count(arrival, "handled")

    def taken(self, items: Sequence[Any]) -> None:
        """Observe nothing."""


COMMANDS: set[str] = set()


def build(settings: Settings, name: str, content: dict[str, Any]) -> Service:
    """Give a null service with the same readers as the real one."""
    plan = Plan(name, content)
    COMMANDS.update(content["commands"])
    service = Service(name, settings)
    department = service.profile.departments[0].topic
    decider = Decider(
        service=name,
        state=NullState,
        consumes=plan.consumes,
        decide=partial(decide, plan),
        evolve=partial(evolve, plan),
        effects=partial(effects, plan, department),
        wake_at=wake_at,
        fields=searchable if name == "desk" else no_fields,
        reads_everything=name == "desk",
    )
    service.read_log(decider)
    if name == "intake":
        service.read_door(NullDoor(plan, plan.says), (topics.REPORTS,), "reports")
    if name == "dispatch":
        updates = [topics.updates_topic(each.topic) for each in service.profile.departments]
        service.read_door(NullDoor(plan, plan.says), updates, "updates")
    return service


def searchable(state: NullState) -> dict[str, Any]:
    """Give fields that the desk's indexes index."""
    units = ["511802", "511802001", "511802001001", "511802001001001"]
    is_open = len(state.pad) % 7 != 0
    return {"open": is_open, "units": units, "handlers": ["department:a"], "due": state.at, "reported_at": state.at}


def no_fields(_state: NullState) -> dict[str, Any]:
    """Give nothing."""
    return {}


def wake_at(state: NullState) -> datetime | None:
    """Ask for a timer that never comes while it is measured."""
    return state.wake_at


if __name__ == "__main__":
    run(partial(build, name=sys.argv[1], content=json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))))
