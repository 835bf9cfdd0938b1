"""What does a ticket look like whose order runs late? Orders in the small city, and sla's fold with its whole log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.sla.audit import LATE, Finding, audit
from services.sla.handlers import decider
from shared.decider import Message
from shared.messages import (
    AcceptEscalation,
    Body,
    CategoryRef,
    ClocksStopped,
    Handler,
    Location,
    OrderDone,
    OrderIssued,
    OrderReworked,
    OrderSigned,
    OrderWithdrawn,
    Severity,
    Span,
    TicketClosed,
)
from shared.profile import parse_profile
from tests.support.fold import TICKET, Folded, Said, body_of, envelope_of
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from services.sla.domain import SlaState
    from shared.profile import Profile

CITY = parse_profile(SMALL, "small")
"""Grid 1 and its community have staff, the street has none, the district has."""
EMPTY_TOP = parse_profile(SMALL.replace(", staff: [{id: d, name: 甲, role: duty}]", ""), "empty-top")
GRID, COMMUNITY, STREET, DISTRICT = "100000001001001", "100000001001", "100000001", "100000"
SIGN, HANDLE = timedelta(minutes=10), timedelta(minutes=60)
CREW = Handler(kind="department", id="water")
LEVEL_OF = {GRID: "grid", COMMUNITY: "community", STREET: "street", DISTRICT: "district"}


def minutes(number: float) -> timedelta:
    """Give a length of time."""
    return timedelta(minutes=number)


class Ticket:
    """One ticket as sla sees it; `log` is what the log holds about it."""

    def __init__(self, profile: Profile = CITY) -> None:
        """Begin in the morning with no order."""
        self.fold: Folded[SlaState] = Folded(decider(profile))
        self.clock = self.fold.clock
        self.log: list[Message] = []

    @property
    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self.clock.now()

    def read(self, body: Body, **envelope: Any) -> list[Any]:
        """Let sla read a message, and give what it says to it."""
        message = self.fold._message(body, TICKET, envelope)
        self.log.append(message)
        return self._keep(self.fold.read(message))

    def wait(self, length: timedelta) -> list[Any]:
        """Let time pass at one stroke, as in an outage, then wake sla once if it has asked for that."""
        self.clock.advance(length)
        return self._keep(self.fold.wake())

    def live(self, length: timedelta) -> list[Any]:
        """Let time pass with sla awake: it fires at each instant that it asked for."""
        until, said = self.now + length, []
        while (at := self.fold.wake_at()) is not None and at <= until:
            said += self.wait(max(at - self.now, timedelta(0)))
        return said + self.wait(until - self.now)

    def _keep(self, said: Said) -> list[Any]:
        self.log += [Message(envelope_of(out), TICKET, body_of(out)) for out in said.outbox]
        return said.facts

    def findings(self, **bounds: timedelta) -> list[Finding]:
        """Let the auditor look at the whole log, once everything that was due by now should have fired."""
        return audit(self.log, self.now + LATE, **bounds)

    # ------------------------------------------------------------ what happens

    def issue(self, order: str = "T-1", unit: str = GRID, severity: Severity = "I", **changes: Any) -> list[Any]:
        """Issue an order: to be signed within 10 minutes and handled within 60."""
        fields: dict[str, Any] = {
            "order_id": order,
            "handler": CREW,
            "level": LEVEL_OF.get(unit, "grid"),
            "unit": unit,
            "issued_at": self.now,
            "sign_by": self.now + SIGN,
            "handle_by": self.now + HANDLE,
            "sign_limit": Span(amount=10, unit="minutes"),
            "handle_limit": Span(amount=60, unit="minutes"),
            "warn_share": 0.8,
            "category": CategoryRef(code="0501", name="Leak", condition="leak"),
            "severity": severity,
            "place": Location(unit=unit),
            "description": "water on the street",
            "profile_version": "1",
        }
        return self.read(OrderIssued(**(fields | changes)))

    def sign(self, order: str = "T-1", at: datetime | None = None) -> list[Any]:
        """Sign for an order."""
        return self.read(OrderSigned(order_id=order, handler=CREW, signed_at=at or self.now))

    def do(self, order: str = "T-1", at: datetime | None = None) -> list[Any]:
        """Say that an order is done."""
        return self.read(
            OrderDone(
                order_id=order,
                handler=CREW,
                done_at=at or self.now,
                category=CategoryRef(code="0501", name="Leak", condition="leak"),
                severity="I",
                place=Location(),
                unit=GRID,
                profile_version="1",
            )
        )

    def rework(self, order: str = "T-1") -> list[Any]:
        """Let an order stand again."""
        return self.read(
            OrderReworked(
                order_id=order,
                handler=CREW,
                reason="still wet",
                handle_by=self.now + HANDLE,
                handle_limit=Span(amount=60, unit="minutes"),
                warn_share=0.8,
                attempt=2,
            )
        )

    def withdraw(self, order: str = "T-1") -> list[Any]:
        """Withdraw an order."""
        return self.read(OrderWithdrawn(order_id=order, handler=CREW, reason="reassigned"))

    def close(self) -> list[Any]:
        """Close the ticket."""
        return self.read(TicketClosed(outcome="forced"))

    def accept(self, by: str = "Li", level: str | None = None) -> list[Any]:
        """Take the escalated ticket on."""
        return self.read(AcceptEscalation(level=level, by=by))


def names(facts: list[Any]) -> list[str]:
    """Give what was said, one word each: the type, with the level or the clock where it has one."""
    words = []
    for fact in facts:
        if isinstance(fact, ClocksStopped):
            words.append("stopped " + ", ".join(f"{stop.clock} {stop.outcome}" for stop in fact.clocks))
            continue
        clocks = ", ".join(f"{start.clock} {start.level or ''}".strip() for start in getattr(fact, "clocks", ()))
        detail = getattr(fact, "to_level", None) or getattr(fact, "level", None) or getattr(fact, "clock", "") or clocks
        words.append(f"{fact.type.split('.')[2]} {detail}".strip())
    return words
