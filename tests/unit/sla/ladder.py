"""What does a ticket look like whose order runs late? Orders in a small city, and sla's fold with its whole log."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from services.sla.audit import LATE, audit
from services.sla.handlers import decider
from shared.calendar import Pause
from shared.deadline import added, due_at, moved
from shared.decider import Message
from shared.messages import (
    AcceptEscalation,
    AdjudicationAsked,
    Body,
    CallBackAsked,
    CalledBack,
    CategoryRef,
    ClocksStopped,
    HandBack,
    Handler,
    InformationRequested,
    InformationWaitEnded,
    Location,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    RecountClocks,
    Severity,
    Span,
    TicketClosed,
    TicketDiverted,
    TicketTriaged,
    TicketVerified,
    TimerFinding,
    TriageNeeded,
    VerificationAsked,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
    WhistleWidened,
    Words,
)
from tests.support.fold import MORNING, TICKET, Folded, Said, envelope_of
from tests.unit.sla.cities import CITY, COMMUNITY, DISTRICT, EMPTY_TOP, GRID, LEVEL_OF, STREET

if TYPE_CHECKING:
    from services.sla.domain import SlaState
    from shared.profile import Profile

__all__ = ["CITY", "COMMUNITY", "DISTRICT", "EMPTY_TOP", "GRID", "STREET", "Ticket", "minutes", "names"]

SIGN, HANDLE = timedelta(minutes=10), timedelta(minutes=60)
CREW, POLICE = Handler(kind="department", id="water"), Handler(kind="department", id="police")
LEAK = CategoryRef(code="0501", name="Leak", condition="leak")


def minutes(number: float) -> timedelta:
    """Give a length of time."""
    return timedelta(minutes=number)


def span(written: str) -> Span:
    """Give a limit as a profile writes it: 3 work_hours."""
    amount, unit = written.split()
    return Span.model_validate({"amount": float(amount), "unit": unit})


@dataclass
class Handling:
    """One run of the handling of an order as dispatch counts it."""

    started_at: datetime
    limit: Span
    calendar: str
    pauses: list[Pause] = field(default_factory=list)
    extensions: list[tuple[datetime, datetime]] = field(default_factory=list)
    waits: list[Pause] = field(default_factory=list)
    """Times in which the caller's answer was waited for; those of the ticket, whichever run it is."""

    @property
    def resting(self) -> bool:
        """Tell whether the order is suspended."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def by(self, profile: Profile) -> datetime:
        """Give the limit; while it rests, the one that stood before."""
        on = profile.calendar(self.calendar)
        over = [pause for pause in (*self.pauses, *self.waits) if pause.end is not None]
        extra = sum((added(old, new, self.limit, on) for old, new in self.extensions), timedelta(0))
        limit = moved(self.started_at, self.limit, on, over, extra)
        assert limit is not None
        return limit


class Ticket:
    """One ticket as sla sees it; `log` is what the log holds about it."""

    def __init__(self, profile: Profile = CITY, at: datetime = MORNING) -> None:
        """Begin in the morning with no order."""
        self.profile = profile
        self.fold: Folded[SlaState] = Folded(decider(profile), at)
        self.clock = self.fold.clock
        self.log: list[Message] = []
        self.handling: dict[str, Handling] = {}
        self.waits: list[Pause] = []
        self.said_at: datetime | None = None

    def under(self, profile: Profile) -> None:
        """Go on under another profile, as after a restart."""
        before, self.profile = self.fold, profile
        self.fold = Folded(decider(profile), self.now)
        self.fold._documents, self.fold._sequences = before._documents, before._sequences
        self.fold._records, self.clock = before._records, self.fold.clock

    @property
    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self.clock.now()

    @property
    def then(self) -> datetime:
        """Give the instant at which what is read next was said; after an outage it lies back."""
        return self.said_at or self.now

    def read(self, body: Body, **envelope: Any) -> list[Any]:
        """Let sla read a message, and give what it says to it."""
        message = self.fold._message(body, TICKET, {"time": self.then, **envelope})
        return self.read_again(message)

    def read_again(self, message: Message) -> list[Any]:
        """Let sla read a message that has an envelope, perhaps once more."""
        self.log.append(message)
        return self._keep(self.fold.read(message))

    def wait(self, length: timedelta) -> list[Any]:
        """Let time pass at one stroke, as in an outage, then wake sla once if it has asked for that."""
        self.clock.advance(length)
        return self._keep(self.fold.wake())

    def live(self, length: timedelta) -> list[Any]:
        """Let time pass with sla awake: it fires at each instant that it asked for."""
        return self.live_until(self.now + length)

    def live_until(self, until: datetime) -> list[Any]:
        """Let time pass with sla awake until an instant."""
        said: list[Any] = []
        while (at := self.fold.wake_at()) is not None and at <= until:
            said += self.wait(max(at - self.now, timedelta(0)))
        return said + self.wait(until - self.now)

    def _keep(self, said: Said) -> list[Any]:
        facts = said.facts
        for fact in facts:
            if isinstance(fact, InformationRequested):
                self.waits.append(Pause(fact.since, None))
            elif isinstance(fact, InformationWaitEnded):
                self.waits[-1] = self.waits[-1]._replace(end=max(fact.at, fact.since))
        bodies = zip(said.outbox, said.bodies, strict=True)
        self.log += [Message(envelope_of(out), TICKET, body) for out, body in bodies]
        return facts

    def findings(self, **bounds: timedelta) -> list[TimerFinding]:
        """Let the auditor look at the whole log, once everything that was due by now should have fired."""
        return audit(self.log, self.profile, self.now + LATE, **bounds)

    # ------------------------------------------------------------ what happens

    def issue(
        self,
        order: str = "T-1",
        unit: str = GRID,
        severity: Severity = "I",
        sign: str = "10 minutes",
        handle: str = "60 minutes",
        calendar: str = "always",
        **changes: Any,
    ) -> list[Any]:
        """Issue an order: to be signed within 10 minutes and handled within 60; never signed later than handled."""
        run = self.handling[order] = Handling(self.then, span(handle), calendar, waits=self.waits)
        sign_by = due_at(self.then, span(sign), self.profile.calendar(calendar))
        fields: dict[str, Any] = {
            "order_id": order,
            "handler": CREW,
            "level": LEVEL_OF.get(unit, "grid"),
            "unit": unit,
            "issued_at": self.then,
            "sign_by": min(sign_by, run.by(self.profile)),
            "handle_by": run.by(self.profile),
            "sign_limit": span(sign),
            "handle_limit": run.limit,
            "calendar": calendar,
            "warn_share": 0.8,
            "category": LEAK,
            "severity": severity,
            "place": Location(unit=unit),
            "description": "water on the street",
            "profile_version": self.profile.version,
        }
        return self.read(OrderIssued(**(fields | changes)))

    def sign(self, order: str = "T-1", at: datetime | None = None) -> list[Any]:
        """Sign for an order."""
        return self.read(OrderSigned(order_id=order, handler=CREW, signed_at=at or self.then))

    def do(self, order: str = "T-1", at: datetime | None = None, **changes: Any) -> list[Any]:
        """Say that an order is done."""
        fields: dict[str, Any] = {
            "order_id": order,
            "handler": CREW,
            "done_at": at or self.then,
            "category": LEAK,
            "severity": "I",
            "place": Location(),
            "unit": GRID,
            "profile_version": self.profile.version,
        }
        return self.read(OrderDone(**(fields | changes)))

    def rework(
        self, order: str = "T-1", handle: str = "60 minutes", calendar: str = "always", **changes: Any
    ) -> list[Any]:
        """Let an order stand again."""
        run = self.handling[order] = Handling(self.then, span(handle), calendar, waits=self.waits)
        fields: dict[str, Any] = {
            "order_id": order,
            "handler": CREW,
            "reason": "still wet",
            "handle_by": run.by(self.profile),
            "handle_limit": run.limit,
            "calendar": calendar,
            "warn_share": 0.8,
            "attempt": 2,
        }
        return self.read(OrderReworked(**(fields | changes)))

    def give_back(self, order: str = "T-1") -> list[Any]:
        """Return an order: it is not theirs."""
        return self.read(OrderReturned(order_id=order, handler=CREW, reason="not-ours", goes_to="triage", returns=1))

    # ------------------------------------------------------------ resting, more time

    def suspend(self, order: str = "T-1", since: datetime | None = None, reason: str = "materials") -> list[Any]:
        """Let an order rest; dispatch says so at the instant since which it does."""
        since = since or self.then
        run = self.handling[order]
        if not run.resting:
            run.pauses.append(Pause(since, None, reason))
        return self.read(
            OrderSuspended(
                order_id=order,
                handler=CREW,
                reason=reason,
                since=since,
                until=since + timedelta(days=365),
                approved_by="Wang",
            ),
            time=since,
        )

    def resume(self, order: str = "T-1", at: datetime | None = None) -> list[Any]:
        """Let an order go on; one that does not rest stays as it is."""
        at = at or self.then
        run = self.handling[order]
        if run.resting:
            run.pauses[-1] = run.pauses[-1]._replace(end=at)
        return self.read(
            OrderResumed(
                order_id=order, handler=CREW, why="asked", by="Zhao", resumed_at=at, handle_by=run.by(self.profile)
            ),
            time=at,
        )

    def extend(self, by: timedelta, order: str = "T-1", at: datetime | None = None) -> list[Any]:
        """Move the handling limit of an order by so much."""
        run = self.handling[order]
        old = run.by(self.profile)
        run.extensions.append((old, old + by))
        run.extensions[-1] = (old, run.by(self.profile))
        return self.read(
            OrderExtended(
                order_id=order,
                handler=CREW,
                reason="rain",
                old=old,
                handle_by=run.by(self.profile),
                times=len(run.extensions),
                approved_by="Wang",
            ),
            time=at or self.then,
        )

    def recount(self, why: Literal["calendar", "policy"] = "calendar") -> list[Any]:
        """Count the limits again."""
        return self.read(RecountClocks(why=why, by="Chen"))

    # ------------------------------------------------------------ waiting for a person

    def need_triage(self, unit: str = STREET) -> list[Any]:
        """Wait for a person to triage."""
        return self.read(TriageNeeded(missing=("category",), unit=unit, detail=Words(zh="缺类别", en="no category")))

    def triage(self) -> list[Any]:
        """Somebody has triaged it."""
        return self.read(
            TicketTriaged(
                category=LEAK,
                severity="III",
                place=Location(unit=GRID),
                level="grid",
                unit=GRID,
                lead=CREW,
                sign_limit=span("10 minutes"),
                handle_limit=span("60 minutes"),
                warn_share=0.8,
                description="",
                profile_version=self.profile.version,
            )
        )

    def divert(self) -> list[Any]:
        """Somebody has sent it elsewhere."""
        return self.read(TicketDiverted(diversion="not-ours", to="court", detail=Words(zh="法院", en="court")))

    def ask_duty_officer(self, unit: str = STREET) -> list[Any]:
        """Wait for a duty officer to say who handles it."""
        return self.read(AdjudicationAsked(unit=unit, level=LEVEL_OF[unit], returns=2))

    def ask_verification(self, order: str = "T-1") -> list[Any]:
        """Wait for a person to verify."""
        return self.read(VerificationAsked(order_id=order, unit=COMMUNITY))

    def verify(self, order: str = "T-1") -> list[Any]:
        """Somebody has verified."""
        return self.read(TicketVerified(order_id=order, mode="person", by="Qian"))

    def ask_call_back(self) -> list[Any]:
        """Wait for a person to call back."""
        return self.read(CallBackAsked(unit=COMMUNITY))

    def call_back(self) -> list[Any]:
        """Somebody has called back."""
        return self.read(CalledBack(solved=True, by="Sun"))

    # ------------------------------------------------------------ the end, and whoever is called

    def withdraw(self, order: str = "T-1", reason: str = "reassigned") -> list[Any]:
        """Withdraw an order."""
        said = {"order_id": order, "handler": CREW, "reason": reason}
        return self.read(OrderWithdrawn.model_validate(said))

    # ------------------------------------------------------------ whistles

    def whistle(self, arrive: str = "30 minutes", calendar: str = "always", number: int = 1) -> list[Any]:
        """Call two departments to the spot."""
        due = due_at(self.then, span(arrive), self.profile.calendar(calendar))
        return self.read(
            WhistleRaised(
                whistle=number, situation="fire-lane", unit=STREET, called=(CREW, POLICE), enough=2, at=self.then,
                arrive_by=due, arrive_limit=span(arrive), calendar=calendar, by="Wu",
            )
        )  # fmt: skip

    def widen(self, arrive: str = "30 minutes", calendar: str = "always", *, anybody: bool = True) -> list[Any]:
        """Call the next ones too, or say that nobody is left."""
        due = due_at(self.then, span(arrive), self.profile.calendar(calendar)) if anybody else self.then
        return self.read(
            WhistleWidened(
                whistle=1, wave=2, called=(POLICE,) if anybody else (), missing=(CREW,), at=self.then, arrive_by=due,
                arrive_limit=span(arrive), calendar=calendar,
            )
        )  # fmt: skip

    def answer_whistle(self) -> list[Any]:
        """Enough have come."""
        return self.read(WhistleAnswered(whistle=1, came=(CREW, POLICE), at=self.then))

    def end_whistle(self) -> list[Any]:
        """The whistle is over."""
        return self.read(WhistleEnded(whistle=1, situation="fire-lane", unit=STREET, result="cleared"))

    def close(self) -> list[Any]:
        """Close the ticket."""
        return self.read(TicketClosed(outcome="forced"))

    def accept(self, by: str = "Li", level: str | None = None) -> list[Any]:
        """Take the escalated ticket on."""
        return self.read(AcceptEscalation(level=level, by=by))

    def hand_back(self, level: str | None = None, reason: str = "yours", by: str = "Li") -> list[Any]:
        """Give it back to the level below."""
        return self.read(HandBack(level=level, reason=reason, by=by))


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
