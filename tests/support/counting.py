"""Which service is the smallest? One that counts reports, says so, and does as the report's text tells it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from shared.chance import random_id
from shared.clock import Clock
from shared.decider import Decider, Effect, Message, State, TimerDue, Turn
from shared.envelope import Envelope, Outgoing, headers
from shared.errors import Refused
from shared.ids import fact_id, named, ticket_id
from shared.kafka import Publisher
from shared.loop.loop import Probe, no_probe
from shared.messages import (
    CallerRef,
    DivertTicket,
    Fact,
    ReportAccepted,
    TicketDiverted,
    TicketReported,
    TriageNeeded,
    TriageTicket,
    Words,
)
from shared.service import Service
from shared.settings import Settings
from shared.topics import RECEIPTS, TICKETS

WORDS = Words(zh="数", en="count")
broken = {"boom"}
"""Texts on which the rule raises; a test may repair it."""


class Counted(State):
    """How many reports and timers a ticket has seen."""

    reports: int = 0
    timers: int = 0
    wake_at: datetime | None = None


def decide(state: Counted, message: Message, now: datetime) -> Sequence[Fact]:
    """Say one fact per report; raise when the text says so."""
    data = message.data
    if isinstance(data, TicketReported):
        if data.text in broken:
            raise ValueError(data.text)
        return [TriageNeeded(missing=(str(state.reports + 1),), unit="counting", detail=WORDS)]
    if isinstance(data, TimerDue):
        return [TicketDiverted(diversion="not-ours", to=str(state.timers + 1), detail=WORDS)]
    if isinstance(data, TriageTicket):
        return [TriageNeeded(missing=("command",), unit="counting", detail=WORDS)]
    raise Refused("never", f"nobody may do this at {now.year}")


def evolve(state: Counted, message: Message) -> Counted:
    """Count."""
    data = message.data
    if isinstance(data, TicketReported):
        seconds = data.attributes.get("wake_after_s")
        wake = message.envelope.time + timedelta(seconds=seconds) if seconds else state.wake_at
        return state.model_copy(update={"reports": state.reports + 1, "wake_at": wake})
    if isinstance(data, TimerDue):
        return state.model_copy(update={"timers": state.timers + 1, "wake_at": None})
    return state


def effects(_state: Counted, turn: Turn) -> Sequence[Effect]:
    """Tell the hotline of every report."""
    if not isinstance(turn.message.data, TicketReported):
        return []
    body = ReportAccepted(report_id=turn.message.ticket, ticket_id=turn.message.ticket)
    return [Effect(RECEIPTS, body, key="hotline")]


COUNTING = Decider(
    service="triage",
    state=Counted,
    consumes={body.type: body for body in (TicketReported, TriageTicket, DivertTicket)},
    decide=decide,
    evolve=evolve,
    effects=effects,
    wake_at=lambda state: state.wake_at,
)


class Counting(Service):
    """The smallest service, with a database and a group of its own per test."""

    def __init__(
        self, kafka: str, mongo: str, *, like: Counting | None = None, clock: Clock | None = None,
        probe: Probe = no_probe, poison_limit: int = 200, decider: Decider[Counted] = COUNTING,
    ) -> None:  # fmt: skip
        """`like` shares database and group with another instance."""
        ident: str = like.ident if like else random_id()[:8]
        settings = Settings(
            kafka=kafka, mongo=mongo, database_prefix=f"t{ident}_", group_prefix=f"t{ident}.",
            poison_limit=poison_limit, session_timeout_ms=6000,
            instance=random_id()[:8],
        )  # fmt: skip
        super().__init__("triage", settings, clock=clock, probe=probe)
        self.ident: str = ident
        self.read_log(decider)


def reported(clock: Clock, ident: str, number: int = 1, text: str = "hello", wake_after_s: float = 0) -> Outgoing:
    """Give the nth report fact of a ticket that is named by `ident`."""
    ticket = ticket_id("counting", ident)
    attributes = {"wake_after_s": wake_after_s} if wake_after_s else {}
    body = TicketReported(
        report_id=ticket, channel="app", text=text, reported_at=clock.now(), source="counting",
        caller=CallerRef(ref="x"), attributes=attributes,
    )  # fmt: skip
    envelope = Envelope(fact_id(ticket, "intake", number), "gridcall/intake", body.type, clock.now(), ticket, number)
    return Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json().encode())


def command(clock: Clock, ident: str, key: str, body: TriageTicket | DivertTicket) -> Outgoing:
    """Give a command on the ticket that is named by `ident`."""
    ticket = ticket_id("counting", ident)
    envelope = Envelope(named("desk", ticket, key), "gridcall/desk", body.type, clock.now(), ticket)
    return Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json().encode())


async def send(publisher: Publisher, *messages: Outgoing) -> None:
    """Send messages to the log."""
    await publisher.send(messages)
