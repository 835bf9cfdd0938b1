"""What leads to clocks? A report, an order whose limits are known to the instant, its answers: ready for the log."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from shared.envelope import Envelope, Outgoing, headers
from shared.ids import fact_id, order_id
from shared.messages import (
    CallerRef,
    CategoryRef,
    Fact,
    Handler,
    Location,
    OrderDone,
    OrderIssued,
    OrderSigned,
    Span,
    TicketReported,
)
from shared.topics import TICKETS

if TYPE_CHECKING:
    from datetime import datetime

CREW = Handler(kind="department", id="water")
LEAK = CategoryRef(code="0501", name="Leak", condition="leak")
MINUTE = timedelta(minutes=1)


def issued(
    ticket: str, at: datetime, sign_by: datetime, handle_by: datetime, *,
    unit: str, level: str = "grid", warn_share: float, profile_version: str = "tests",
) -> OrderIssued:  # fmt: skip
    """Give a ticket's first order; its limits run on through nights and holidays."""
    return OrderIssued(
        order_id=order_id(ticket, 1),
        handler=CREW,
        level=level,
        unit=unit,
        issued_at=at,
        sign_by=sign_by,
        handle_by=handle_by,
        sign_limit=Span(amount=(sign_by - at) / MINUTE, unit="minutes"),
        handle_limit=Span(amount=(handle_by - at) / MINUTE, unit="minutes"),
        warn_share=warn_share,
        category=LEAK,
        severity="IV",
        place=Location(unit=unit),
        description="timers",
        profile_version=profile_version,
    )


def signed(order: OrderIssued, at: datetime) -> OrderSigned:
    """Give the signature under an order."""
    return OrderSigned(order_id=order.order_id, handler=order.handler, by="crew", signed_at=at)


def done(order: OrderIssued, at: datetime) -> OrderDone:
    """Give the word that an order is done."""
    return OrderDone(
        order_id=order.order_id,
        handler=order.handler,
        done_at=at,
        category=order.category,
        severity=order.severity,
        place=order.place,
        unit=order.unit,
        profile_version=order.profile_version,
    )


def reported(ticket: str, at: datetime) -> TicketReported:
    """Give the report with which a ticket begins."""
    return TicketReported(
        report_id=ticket, channel="hotline", text="", reported_at=at, source="tests", caller=CallerRef(ref="")
    )


def outgoing(
    fact: Fact, ticket: str, at: datetime, sequence: int = 1, *, topic: str = TICKETS, partition: int | None = None
) -> Outgoing:
    """Give the nth fact of its producer on a ticket as it goes out."""
    ident = fact_id(ticket, fact.producer, sequence)
    envelope = Envelope(ident, f"gridcall/{fact.producer}", fact.type, at, ticket, sequence)
    return Outgoing(topic, ticket, headers(envelope), fact.model_dump_json(exclude_defaults=True).encode(), partition)
