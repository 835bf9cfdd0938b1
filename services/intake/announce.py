"""What is said when a report is taken, a message comes in, or neither can be? The records, ready to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.envelope import Envelope, Outgoing, headers
from shared.ids import fact_id, named
from shared.messages import ReportAccepted
from shared.topics import RECEIPTS, TICKETS

if TYPE_CHECKING:
    from datetime import datetime

    from shared.messages import Fact, Receipt

SOURCE = "gridcall/intake"
PRODUCER = "intake"
HTTP_SOURCE = "gridcall/http"
"""The source of reports that come by HTTP; nobody else may use it."""


def said(fact: Fact, ticket: str, sequence: int, at: datetime, causation: str, traceparent: str = "") -> Outgoing:
    """Give intake's nth fact on a ticket."""
    ident = fact_id(ticket, PRODUCER, sequence)
    envelope = Envelope(ident, SOURCE, fact.type, at, ticket, sequence, causation, traceparent)
    return Outgoing(TICKETS, ticket, headers(envelope), fact.model_dump_json(exclude_defaults=True).encode())


def accepted(ticket: str, source: str, report: str, at: datetime, traceparent: str = "") -> Outgoing:
    """Give the receipt of a report that was taken; always the same for the same report."""
    body = ReportAccepted(report_id=ticket, ticket_id=ticket)
    return _receipt(named("receipt", ticket), body, source, report, at, ticket, traceparent)


def refused(body: Receipt, source: str, report: str, at: datetime, origin: str) -> Outgoing:
    """Give the receipt of a report that was not taken; `origin` is its record: the next try may have the same id."""
    return _receipt(named("refused", source, report, origin), body, source, report, at)


def _receipt(
    ident: str, body: Receipt, source: str, report: str, at: datetime, subject: str = "", traceparent: str = ""
) -> Outgoing:
    envelope = Envelope(ident, SOURCE, body.type, at, subject, causation=report, traceparent=traceparent)
    return Outgoing(RECEIPTS, source, headers(envelope), body.model_dump_json(by_alias=True).encode())
