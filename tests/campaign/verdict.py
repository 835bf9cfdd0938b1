"""What has sla said, and is it what it had to say? Each ticket's facts beside its story, and how late each one was."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from shared.envelope import read, type_of
from shared.messages import (
    REGISTRY,
    ClockBreached,
    ClocksStarted,
    ClocksStopped,
    ClockWarned,
    LevelSkipped,
    SupervisionRepeated,
    TicketEscalated,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from deploy.local.virtual_time import Origin
    from tests.campaign.plan import Order

HEARD: Final = {
    body.type.encode()
    for body in (
        ClocksStarted,
        ClocksStopped,
        ClockWarned,
        ClockBreached,
        TicketEscalated,
        LevelSkipped,
        SupervisionRepeated,
    )
}
KINDS: Final = {"warned": "warnings", "breached": "breaches", "escalated": "escalations", "skipped": "levels skipped",
                "again": "calls of the top"}  # fmt: skip
NO_TIME: Final = timedelta(0)
TIMER: Final = "/sla.timer/"
"""Stands in the causation of what a timer has led to."""


class Firing(NamedTuple):
    """A warning or a breach: when it was due, decided and published, by the campaign's clock."""

    ticket: str
    partition: int
    what: str
    due: datetime
    decided: datetime
    published: datetime
    cause: str
    """The message that let it fire."""
    armed: tuple[datetime, datetime]
    """When its clock was started: decided and published. Before that sla knew nothing of it."""

    @property
    def by_timer(self) -> bool:
        """Tell whether its own timer let it fire, and not an answer that was read first."""
        return TIMER in self.cause


@dataclass
class Said:
    """What sla has said, each fact once however often it was published."""

    origin: Origin
    """Of the campaign's clock."""
    facts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Ticket -> what was said of it, in order."""
    firings: list[Firing] = field(default_factory=list)
    answered: list[Firing] = field(default_factory=list)
    """What was due when sla read that it had been answered in time, and so did not fire."""
    armed: int = 0
    """Orders whose clocks were started."""
    told: int = 0
    """Facts of which stories tell."""
    again: int = 0
    """Facts that were published once more, with the same id."""
    _ids: set[str] = field(default_factory=set)
    _armed_at: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    _next: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    """Clock that runs -> when it fires next, and its limit."""

    @property
    def count(self) -> int:
        """How many facts were said."""
        return len(self._ids)

    def world(self, at: datetime) -> datetime:
        """Give when in the world an instant of the campaign's clock was."""
        begun = datetime.fromisoformat(self.origin.virtual_origin)
        return datetime.fromisoformat(self.origin.real_origin) + (at - begun) / self.origin.speed

    def hear(self, records: Iterable[Any]) -> None:
        """Take records of the log."""
        for record in records:
            if type_of(record.headers) in HEARD:
                self._hear(record)

    def _hear(self, record: Any) -> None:
        envelope = read(record.headers, record.timestamp)
        if envelope.id in self._ids:
            self.again += 1
            return
        self._ids.add(envelope.id)
        fact, ticket = REGISTRY[envelope.type].model_validate_json(record.value), record.key.decode()
        published = self.origin.virtual(datetime.fromtimestamp(record.timestamp / 1000, UTC))

        def firing(what: str, due: datetime) -> Firing:
            armed = self._armed_at.get(ticket, (due, due))
            return Firing(ticket, record.partition, what, due, envelope.time, published, envelope.causation, armed)

        match fact:
            case ClocksStarted():
                self._armed_at.setdefault(ticket, (envelope.time, published))
                self._next |= {start.token: (start.warn_at or start.due_at, start.due_at) for start in fact.clocks}
                self.armed += any(start.clock == "sign" for start in fact.clocks)
            case ClocksStopped():
                waited = (self._next.pop(stop.token, (envelope.time,))[0] for stop in fact.clocks)
                self.answered += [firing("answered", due) for due in waited if due < envelope.time]
            case ClockWarned():
                due, limit = self._next.get(fact.token, (fact.due_at, fact.due_at))
                self._next[fact.token] = (limit, limit)
                self.firings.append(firing("warned", due))
            case ClockBreached():
                self._next.pop(fact.token, None)
                self.firings.append(firing("breached", fact.due_at))
        if name := name_of(fact):
            self.facts[ticket].append(name)
            self.told += 1


def name_of(fact: Any) -> str:
    """Give a fact as a story names it; nothing for one that no story names."""
    match fact:
        case ClockWarned():
            return f"warned {fact.clock}"
        case ClockBreached():
            return f"breached {fact.clock}" + (f" {fact.level}" if fact.level else "")
        case TicketEscalated():
            return f"escalated {fact.to_level}"
        case LevelSkipped():
            return f"skipped {fact.level}"
        case SupervisionRepeated():
            return f"again {fact.level}"
        case _:
            return ""


class Wrong(NamedTuple):
    """Something that should not be so."""

    ticket: str
    title: str
    fact: str

    @property
    def what(self) -> str:
        """Give it in words."""
        return f"{self.fact} of {self.ticket} ({self.title})"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What had to be said, what was, and what of it was wrong."""

    expected: Counter[str]
    said: Counter[str]
    wrong: dict[str, list[Wrong]]
    """Missed, doubled, or said though its clock was answered, or of no story at all."""

    @property
    def right(self) -> bool:
        """Tell whether everything was said, once, and nothing else."""
        return not any(self.wrong.values())


MISSED, DOUBLED, UNFOUNDED = "missed", "doubled", "fired though met"


def judge(orders: Sequence[Order], facts: dict[str, list[str]], left_out: Container[str] = ()) -> Verdict:
    """Lay what was said of each ticket beside its story; `left_out` are tickets whose story did not go as planned."""
    verdict = Verdict(Counter(), Counter(), {MISSED: [], DOUBLED: [], UNFOUNDED: []})
    known = {order.ticket for order in orders}
    strangers = facts.keys() - known
    verdict.wrong[UNFOUNDED].extend(Wrong(ticket, "nobody's", what) for ticket in strangers for what in facts[ticket])
    for order in orders:
        if order.ticket in left_out:
            continue
        must, was = Counter(order.story.must), Counter(facts.get(order.ticket, ()))
        for counted, found in ((verdict.expected, must), (verdict.said, was)):
            for what, number in found.items():
                counted[KINDS[what.partition(" ")[0]]] += number
        verdict.wrong[MISSED].extend(Wrong(order.ticket, order.title, what) for what in (must - was).elements())
        for what in (was - must).elements():
            verdict.wrong[DOUBLED if what in must else UNFOUNDED].append(Wrong(order.ticket, order.title, what))
    return verdict


class Overdue:
    """How many tickets had an overdue timer at any instant, by the log."""

    def __init__(self, firings: Iterable[Firing]) -> None:
        """Take what has fired or was answered; of several timers of a ticket at once the first one counts."""
        first: dict[tuple[str, datetime], Firing] = {}
        for each in firings:
            known = first.setdefault((each.ticket, each.decided), each)
            if each.due < known.due:
                first[each.ticket, each.decided] = each
        self._perhaps = sorted(max(each.due, each.armed[0]) for each in first.values())
        self._surely = sorted(max(each.due, each.armed[1]) for each in first.values())
        self._decided = sorted(each.decided for each in first.values())
        self._published = sorted(each.published for each in first.values())

    def between(self, since: datetime, until: datetime, count: timedelta = NO_TIME) -> tuple[int, int]:
        """Give the least and the most at any instant of a time; between decision and publication both are true.

        Whoever counts what was due at an instant may find that it has fired while they `count`.
        """
        points = [since, until]
        for instants in (self._perhaps, self._surely, self._decided, self._published):
            points += instants[bisect_left(instants, since) : bisect_right(instants, until)]
        least = min(bisect_right(self._surely, at) - bisect_right(self._decided, at + count) for at in points)
        most = max(bisect_right(self._perhaps, at) - bisect_left(self._published, at) for at in points)
        return max(0, least), most


class Observed(NamedTuple):
    """What a histogram has counted: how many, and the sum of their seconds."""

    number: float
    seconds: float


def lateness_between(firings: Iterable[Firing], since: datetime, until: datetime, slack: timedelta) -> list[Observed]:
    """Give the least and the most that the histogram of lateness may have counted in a time, by the log.

    A timer that fires counts once, with the earliest of what was due; a breach that a record let fire counts too.
    """
    counted: dict[tuple[str, str, datetime | None], Firing] = {}
    for each in firings:
        if not each.by_timer and each.what != "breached":
            continue
        key = (each.ticket, each.cause, None if each.by_timer else each.due)
        known = counted.setdefault(key, each)
        if each.due < known.due:
            counted[key] = each
    found = []
    for inner in (True, False):
        room = slack if inner else -slack
        those = [each for each in counted.values() if since + room <= each.published <= until - room]
        ends = ((each.decided if inner else each.published) - each.due for each in those)
        found.append(Observed(len(those), sum(max(0.0, end.total_seconds()) for end in ends)))
    return found
