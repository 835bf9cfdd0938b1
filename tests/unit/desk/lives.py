"""Which lives of tickets do the desk's tests look at? Records as the six services would write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.desk.domain import Ticket, evolve
from shared import messages as m
from shared.decider import Message
from shared.envelope import Envelope
from shared.ids import fact_id, named, order_id, ticket_id

if TYPE_CHECKING:
    from collections.abc import Iterable

START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HOUR = m.Span(amount=1, unit="urgent_hours")
GRID = "100000001001001"
PLACE = m.Location(
    address="东街道新村 1 号", grid=GRID, community="100000001001", street="100000001", district="100000", unit=GRID
)
CATEGORY = m.CategoryRef(code="0101", name="私搭", condition="building")
LEAK = m.CategoryRef(code="0501", name="漏水", condition="leak")
ELSEWHERE = m.Location(address="西街 9 号", street="100000002", district="100000", unit="100000002")
POLICE = m.Handler(kind="department", id="police")
WATER = m.Handler(kind="department", id="water")


class Life:
    """Writes one ticket's records, a minute apart, with the ids and sequences that the loop would give."""

    def __init__(self, name: str = "one") -> None:
        """Begin with nothing said."""
        self.ticket = ticket_id("test", name)
        self.messages: list[Message] = []
        self._said: dict[str, int] = {}

    @property
    def now(self) -> datetime:
        """Give the instant of the next record."""
        return START + timedelta(minutes=len(self.messages))

    def fact(self, body: m.Body, *, by: str = "", causation: str = "") -> Life:
        """Let the body's producer (or `by`) say a fact."""
        producer = by or body.producer
        number = self._said[producer] = self._said.get(producer, 0) + 1
        ident = fact_id(self.ticket, producer, number)
        return self._add(ident, f"gridcall/{producer}", body, number, causation or self._last)

    def command(self, body: m.Body, name: str = "") -> str:
        """Ask for something; gives the command's id."""
        ident = named("test", self.ticket, body.type, name or str(len(self.messages)))
        self._add(ident, "gridcall/desk", body, 0, "")
        return ident

    @property
    def _last(self) -> str:
        return self.messages[-1].envelope.id if self.messages else "report-1"

    def _add(self, ident: str, source: str, body: m.Body, sequence: int, causation: str) -> Life:
        envelope = Envelope(ident, source, body.type, self.now, self.ticket, sequence, causation)
        self.messages.append(Message(envelope, self.ticket, body))
        return self

    def view(self) -> Ticket:
        """Give the view after all of it."""
        return folded(self.messages)

    # ------------------------------------------------------------ the steps of the straight way

    def reported(self, **more: Any) -> Life:
        """A report was taken."""
        fields: dict[str, Any] = {
            "report_id": "R1",
            "channel": "hotline",
            "text": "楼顶在搭建",
            "reported_at": self.now,
            "source": "hotline",
            "source_reference": "HL-77",
            "place": m.Place(address="东街道新村 1 号"),
            "caller": m.CallerRef(ref="c1"),
        }
        return self.fact(m.TicketReported(**(fields | more)))

    def triaged(self, lead: m.Handler = POLICE, attempt: int = 1) -> Life:
        """It is known what, where and whose it is."""
        return self.fact(
            m.TicketTriaged(
                category=CATEGORY, severity="III", place=PLACE, level="grid", unit=GRID, lead=lead,
                sign_limit=HOUR, handle_limit=HOUR, warn_share=0.8, description="楼顶在搭建",
                attempt=attempt, profile_version="v1",
            )
        )  # fmt: skip

    def issued(self, number: int = 1, handler: m.Handler = POLICE, role: m.Role = "lead") -> Life:
        """An order went out, and its clocks run."""
        now = self.now
        order = order_id(self.ticket, number)
        self.fact(
            m.OrderIssued(
                order_id=order, role=role, handler=handler, level="grid", unit=GRID, issued_at=now,
                sign_by=now + timedelta(hours=1), handle_by=now + timedelta(hours=2), sign_limit=HOUR,
                handle_limit=HOUR, warn_share=0.8, category=CATEGORY, severity="III", place=PLACE,
                description="楼顶在搭建", attempt=number, profile_version="v1",
            )
        )  # fmt: skip
        clocks = tuple(
            m.ClockStart(
                clock=clock, token=f"{clock}-{number}", order_id=order, started_at=now,
                due_at=now + timedelta(hours=hours), limit=HOUR,
            )
            for clock, hours in (("sign", 1), ("handle", 2))
        )  # fmt: skip
        return self.fact(m.ClocksStarted(clocks=clocks))

    def signed(self, number: int = 1, handler: m.Handler = POLICE) -> Life:
        """The department asked to sign, and has."""
        order = order_id(self.ticket, number)
        command = self.command(m.SignOrder(order_id=order, department=handler.id, by="王"))
        self.fact(m.OrderSigned(order_id=order, handler=handler, by="王", signed_at=self.now), causation=command)
        return self.stopped("sign", number)

    def done(self, number: int = 1, handler: m.Handler = POLICE) -> Life:
        """The department says that it is done."""
        order = order_id(self.ticket, number)
        command = self.command(m.CompleteOrder(order_id=order, department=handler.id, detail="已拆除"))
        self.fact(
            m.OrderDone(
                order_id=order, handler=handler, detail="已拆除", done_at=self.now, category=CATEGORY,
                severity="III", place=PLACE, unit=GRID, profile_version="v1",
            ),
            causation=command,
        )  # fmt: skip
        return self.stopped("handle", number)

    def stopped(self, clock: str, number: int = 1, outcome: Any = "met") -> Life:
        """A clock ended."""
        stop = m.ClockStop(clock=clock, token=f"{clock}-{number}", outcome=outcome)
        return self.fact(m.ClocksStopped(clocks=(stop,)))

    def asked(self, revision: m.Revision = "suspend", number: int = 1, handler: m.Handler = POLICE) -> Life:
        """The handler asks one level up to suspend or to extend the order."""
        return self.fact(
            m.RevisionAsked(
                order_id=order_id(self.ticket, number), handler=handler, revision=revision, reason="season",
                until=self.now + timedelta(days=9), by="王", unit="100000001001", level="community",
                decide_by=self.now + timedelta(hours=1),
            )
        )  # fmt: skip

    def decided(self, revision: m.Revision = "suspend", number: int = 1, *, granted: bool = True) -> Life:
        """One level up has decided."""
        command = self.command(m.DecideRevision(granted=granted, by="乙"))
        decision: Any = "granted" if granted else "refused"
        fact = m.RevisionDecided(
            order_id=order_id(self.ticket, number), handler=POLICE, revision=revision, decision=decision, by="乙"
        )
        return self.fact(fact, causation=command)

    def suspended(self, number: int = 1) -> Life:
        """The order rests, and its handling clock with it."""
        self.asked("suspend", number).decided("suspend", number)
        self.fact(
            m.OrderSuspended(
                order_id=order_id(self.ticket, number), handler=POLICE, reason="season", since=self.now,
                until=self.now + timedelta(days=9), approved_by="乙",
            )
        )  # fmt: skip
        return self.fact(m.ClocksPaused(tokens=(f"handle-{number}",), reason="season", since=self.now))

    def resumed(self, number: int = 1) -> Life:
        """It goes on."""
        by = START + timedelta(hours=5)
        order = order_id(self.ticket, number)
        self.fact(
            m.OrderResumed(order_id=order, handler=POLICE, why="asked", by="王", resumed_at=self.now, handle_by=by)
        )
        return self.moved("resumed", by, number)

    def extended(self, number: int = 1) -> Life:
        """It has more time."""
        old, by = START + timedelta(hours=5), START + timedelta(hours=9)
        self.asked("extend", number).decided("extend", number)
        self.fact(
            m.OrderExtended(
                order_id=order_id(self.ticket, number), handler=POLICE, reason="雨天", old=old, handle_by=by, times=1,
                approved_by="乙",
            )
        )  # fmt: skip
        return self.moved("extended", by, number)

    def moved(self, why: Any, new: datetime, number: int = 1) -> Life:
        """The handling limit has moved."""
        token = f"handle-{number}"
        clock = self.view().clocks.get(token)
        old = clock.due_at if clock else new
        move = m.ClockMove(clock="handle", token=token, old=old, new=new, warn_at=new - timedelta(minutes=20))
        return self.fact(m.ClocksRecalculated(clocks=(move,), why=why, at=self.now))

    def question(self, text: str = "几号楼？", number: int = 1) -> Life:
        """The caller is asked, and the handling clock rests for the answer."""
        command = self.command(m.AskCaller(question=text, by="乙"))
        until = self.now + timedelta(days=3)
        requested = m.InformationRequested(question=text, by="乙", since=self.now, until=until)
        self.fact(requested, causation=command)
        return self.fact(m.ClocksPaused(tokens=(f"handle-{number}",), reason="caller", since=self.now))

    def answer(self, why: Any = "answered", number: int = 1) -> Life:
        """The caller answers, or the time for it is over, and the clock goes on."""
        since = self.view().asked
        assert since is not None
        self.fact(m.InformationWaitEnded(why=why, since=since.since, at=self.now))
        return self.moved("answered", START + timedelta(hours=6), number)

    def amended(self, number: int | None = 1, **changes: Any) -> Life:
        """It is another matter than it seemed: a leak, grave, in another place."""
        view = self.view()
        assert view.category is not None
        assert view.place is not None
        fields: dict[str, Any] = {
            "order_id": order_id(self.ticket, number) if number else None, "handler": view.lead,
            "category": LEAK, "old_category": view.category, "severity": "II", "old_severity": view.severity,
            "place": ELSEWHERE, "old_place": view.place, "level": "street", "unit": "100000002",
            "sign_limit": HOUR, "handle_limit": HOUR, "calendar": "always", "by": "甲", "reason": "看错了",
        }  # fmt: skip
        return self.fact(m.TicketAmended(**(fields | changes)))

    def rested(self) -> Life:
        """Live a life with a suspension and an extension in it."""
        return self.reported().triaged().issued().signed().suspended().resumed().extended().done().closed()

    def closed(self, number: int = 1) -> Life:
        """What was done stands, and it is over."""
        self.fact(m.TicketVerified(order_id=order_id(self.ticket, number), mode="automatic"))
        return self.fact(m.TicketClosed(outcome="solved", result="已拆除", reopen_until=self.now + timedelta(days=7)))

    def straight(self) -> Life:
        """Live the straight life, from report to closed."""
        return self.reported().triaged().issued().signed().done().closed()


def folded(messages: Iterable[Message], ticket: Ticket | None = None) -> Ticket:
    """Give the view after the messages."""
    view = ticket or Ticket()
    for message in messages:
        view = evolve(view, message)
    return view
