"""How do the services live through tickets together? Each reads the log in order, answers onto it, and wakes."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any, Final

from services.closure.handlers import decider as closure
from services.desk.domain import Ticket, evolve
from services.dispatch.handlers import decider as dispatch
from services.intake.handlers import decider as intake
from services.sla.audit import LATE, audit
from services.sla.handlers import decider as sla
from services.triage.handlers import decider as triage
from shared.clock import StoppedClock
from shared.decider import Message
from shared.envelope import Envelope, Outgoing, headers
from shared.ids import fact_id
from shared.messages import CallerRef, CommandRefused, Place, TicketReported
from shared.topics import RECEIPTS, TICKETS
from tests.support.fold import MORNING, TICKET, Folded, body_of, envelope_of

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from services.closure.domain import ClosureState
    from services.dispatch.domain import DispatchState
    from services.sla.domain import SlaState
    from shared.messages import Body, TimerFinding
    from shared.profile import Profile

SERVICES: Final = ("triage", "dispatch", "closure", "sla")
WITH_INTAKE: Final = (*SERVICES, "intake")
DECIDERS: Final[dict[str, Any]] = {
    "triage": triage, "dispatch": dispatch, "closure": closure, "sla": sla, "intake": intake,
}  # fmt: skip


class World:
    """One ticket, its services and what stands on the log; state goes through JSON after every record."""

    def __init__(
        self,
        profile: Profile,
        at: datetime = MORNING,
        *,
        ticket: str = TICKET,
        clock: StoppedClock | None = None,
        services: tuple[str, ...] = SERVICES,
    ) -> None:
        """Begin with an empty log."""
        self.profile = profile
        self.ticket = ticket
        self.clock = clock or StoppedClock(at)
        self.services = services
        self.folds: dict[str, Folded[Any]] = {}
        for name in services:
            fold: Folded[Any] = Folded(DECIDERS[name](profile), self.clock.now())
            fold.clock = fold._work._clock = self.clock
            self.folds[name] = fold
        self.log: list[Outgoing] = []
        self.bodies: list[Any] = []
        self.read_to = dict.fromkeys(services, 0)
        self.told: list[tuple[str, Any]] = []
        """(department's topic, message), in order."""
        self.ids: dict[str, set[bytes]] = {}
        """Id of a message to a department -> what was said under it; an answer may be given twice."""
        self.receipts: list[Any] = []
        """What whoever reported it was told; needs intake."""
        self.others: deque[Outgoing] = deque()
        """Commands to other tickets that nobody has delivered yet."""
        self.view = Ticket()
        self._shown: set[str] = set()
        self._reports = self._commands = 0

    # ------------------------------------------------------------ what is said

    def report(self, **given: Any) -> None:
        """Let somebody report something in the first grid."""
        fields: dict[str, Any] = {
            "report_id": "r-1", "channel": "hotline", "text": "楼顶在搭建", "category": "0101", "condition": "building",
            "reported_at": self.now, "source": "hotline", "place": Place(grid="100000001001001"),
            "caller": CallerRef(ref="c-1", callback=True, masked_phone="138****0000"),
        }  # fmt: skip
        self.say(TicketReported(**(fields | given)))

    def say(self, body: Body, ident: str = "") -> list[Any]:
        """Let intake, the desk or a department's door write onto the log, and everybody answer; give what is new."""
        number = 0
        if body.kind == "fact":
            self._reports = number = self._reports + 1
        else:
            self._commands += 1
        source = "gridcall/intake" if number else "gridcall/desk"
        name = fact_id(self.ticket, "intake", number) if number else ident or f"{self.ticket}/command-{self._commands}"
        envelope = Envelope(name, source, body.type, self.now, self.ticket, number)
        before = len(self.log)
        self._write(Outgoing(TICKETS, self.ticket, headers(envelope), body.model_dump_json(by_alias=True).encode()))
        self.settle()
        return self.bodies[before + 1 :]

    def again(self, place: int) -> None:
        """Publish a record a second time, as after a crash."""
        self._write(self.log[place])
        self.settle()

    def deliver(self, record: Outgoing) -> None:
        """Let another ticket's command reach this one."""
        self._write(record)
        self.settle()

    def _write(self, record: Outgoing) -> None:
        self.log.append(record)
        self.bodies.append(body_of(record))
        envelope = envelope_of(record)
        if envelope.id not in self._shown:  # the loop tells the desk of everything once
            self._shown.add(envelope.id)
            self.view = evolve(self.view, Message(envelope, self.ticket, self.bodies[-1]))

    # ------------------------------------------------------------ who reads it

    def settle(self, order: tuple[str, ...] = ()) -> None:
        """Let all read until nobody has anything to say any more."""
        order = order or self.services
        while any(self.read_to[name] < len(self.log) for name in order):
            for name in order:
                while self.read_to[name] < len(self.log):
                    record = self.log[self.read_to[name]]
                    self.read_to[name] += 1
                    self._keep(name, self.folds[name].read(record))

    def _keep(self, name: str, said: Any) -> None:
        for out in said.outbox:
            if out.topic == TICKETS and out.key == self.ticket:
                self._write(out)
            elif out.topic == TICKETS:
                self.others.append(out)
            elif out.topic == RECEIPTS:
                self.receipts.append(body_of(out))
            elif name == "dispatch":
                self.told.append((out.topic.removeprefix("gridcall.dispatch."), body_of(out)))
                self.ids.setdefault(envelope_of(out).id, set()).add(out.topic.encode() + out.value)

    # ------------------------------------------------------------ time

    @property
    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self.clock.now()

    def wake(self, order: tuple[str, ...] = ()) -> None:
        """Let whoever asked for this instant be woken, and all read what they say."""
        order = order or self.services
        for name in order:
            self._keep(name, self.folds[name].wake(self.ticket))
        self.settle(order)
        late = [name for name in order if (at := self.folds[name].wake_at(self.ticket)) is not None and at <= self.now]
        if late:
            self.wake(tuple(late))

    def outage(self, length: timedelta, order: tuple[str, ...] = ()) -> None:
        """Let time pass at one stroke."""
        self.clock.advance(length)
        self.wake(order)

    def live(self, length: timedelta, order: tuple[str, ...] = ()) -> None:
        """Let time pass with all awake: each is woken at every instant that it asked for."""
        until = self.now + length
        while (at := self.next_at()) is not None and at <= until:
            self.outage(max(at - self.now, at - at), order)
        self.outage(until - self.now, order)

    def next_at(self) -> datetime | None:
        """Give the next instant for which anybody asks."""
        return min((at for fold in self.folds.values() if (at := fold.wake_at(self.ticket)) is not None), default=None)

    # ------------------------------------------------------------ what is

    @property
    def dispatch(self) -> DispatchState:
        """Give what dispatch knows."""
        return self.folds["dispatch"].state(self.ticket)  # type: ignore[no-any-return]

    @property
    def sla(self) -> SlaState:
        """Give what sla knows."""
        return self.folds["sla"].state(self.ticket)  # type: ignore[no-any-return]

    @property
    def closure(self) -> ClosureState:
        """Give what closure knows."""
        return self.folds["closure"].state(self.ticket)  # type: ignore[no-any-return]

    @property
    def phase(self) -> str:
        """Give where closure has it."""
        return self.closure.phase

    @property
    def idents(self) -> list[str]:
        """Give the id of each record on the log; a record that was published twice has one."""
        return [envelope_of(record).id for record in self.log]

    def states(self) -> list[Any]:
        """Give what every service knows."""
        return [fold.state(self.ticket) for fold in self.folds.values()]

    @property
    def waits_for_triage(self) -> bool:
        """Tell whether a person must triage."""
        return bool(self.folds["triage"].state(self.ticket).phase == "waiting")

    def findings(self) -> list[TimerFinding]:
        """Let the auditor look at the whole log, once everything that was due by now should have fired."""
        messages = [
            Message(envelope_of(out), self.ticket, body) for out, body in zip(self.log, self.bodies, strict=True)
        ]
        return audit(messages, self.profile, self.now + LATE)


class Town:
    """Some tickets, one clock; a command from one ticket to another waits until it is delivered, in order for each."""

    def __init__(self, profile: Profile, at: datetime = MORNING) -> None:
        """Begin without a ticket."""
        self.profile = profile
        self.clock = StoppedClock(at)
        self.worlds: dict[str, World] = {}
        self.under_way: dict[tuple[str, str], deque[Outgoing]] = defaultdict(deque)

    def report(self, ticket: str, **given: Any) -> World:
        """Let somebody report something."""
        world = World(self.profile, ticket=ticket, clock=self.clock, services=WITH_INTAKE)
        self.worlds[ticket] = world
        world.report(report_id=f"r-{ticket}", **given)
        return world

    @property
    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self.clock.now()

    def gather(self) -> list[tuple[str, str]]:
        """Give the ways (from, to) on which commands are; those to a ticket that nobody reported are lost with it."""
        for sender, world in self.worlds.items():
            while world.others:
                out = world.others.popleft()
                if out.key in self.worlds:
                    self.under_way[sender, out.key].append(out)
        return sorted(way for way, waiting in self.under_way.items() if waiting)

    def deliver(self, way: tuple[str, str], *, twice: bool = False) -> None:
        """Deliver the oldest command of a way; `twice`: as after a crash between publishing and noting it down."""
        out = self.under_way[way].popleft()
        for _ in range(1 + twice):
            self.worlds[way[1]].deliver(out)

    def deliver_all(self) -> None:
        """Deliver until nothing is under way."""
        while ways := self.gather():
            self.deliver(ways[0])

    def wake(self, order: tuple[str, ...] = ()) -> None:
        """Let whoever asked for this instant be woken, of every ticket."""
        for world in self.worlds.values():
            world.wake(order)

    def outage(self, length: timedelta, order: tuple[str, ...] = ()) -> None:
        """Let time pass at one stroke."""
        self.clock.advance(length)
        self.wake(order)

    def live(self, length: timedelta, order: tuple[str, ...] = ()) -> None:
        """Let time pass with all awake."""
        until = self.now + length
        while (at := self.next_at()) is not None and at <= until:
            self.outage(max(at - self.now, at - at), order)
        self.outage(until - self.now, order)

    def next_at(self) -> datetime | None:
        """Give the next instant for which anybody asks."""
        return min((at for world in self.worlds.values() if (at := world.next_at()) is not None), default=None)


def refusals(said: list[Any]) -> list[CommandRefused]:
    """Give the refusals among what was said."""
    return [each for each in said if isinstance(each, CommandRefused)]


def limits(world: World) -> tuple[dict[tuple[str, str], datetime], dict[tuple[str, str], datetime]]:
    """Give (order, sign or handle) -> the limit of every order that is open: by dispatch, and by sla."""
    mine: dict[tuple[str, str], datetime] = {}
    for order in world.dispatch.running:
        if order.role == "whistle":
            continue
        mine[order.id, "handle"] = order.handle_by
        if order.state == "issued" and order.tier != "settlement":
            mine[order.id, "sign"] = order.sign_by
    theirs: dict[tuple[str, str], datetime] = {}
    for running in world.sla.clocks:
        start = running.start
        name = "handle" if start.clock == "settlement" else start.clock.removeprefix("assist-")
        if start.order_id and name in {"sign", "handle"}:
            theirs[start.order_id, name] = running.due_at
    return mine, theirs
