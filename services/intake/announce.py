"""What is said when a report is taken, a message comes in, or neither can be? The records, ready to be sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.envelope import Envelope, Outgoing, headers
from shared.ids import fact_id, named
from shared.messages import ReportAccepted, ReportSubmitted
from shared.topics import RECEIPTS, TICKETS
from shared.tracing import handling, of_ticket

if TYPE_CHECKING:
    from datetime import datetime

    from shared.messages import Fact, Receipt

SOURCE = "gridcall/intake"
PRODUCER = "intake"
HTTP_SOURCE = "gridcall/http"
"""The source of reports that come by HTTP; nobody else may use it."""


def traced(ticket: str, given: str) -> str:
    """Give the traceparent of what follows from taking a report; without one the ticket's own begins here."""
    with handling(PRODUCER, ReportSubmitted.type, ticket, given, first=True) as traceparent:
        return traceparent


def said(fact: Fact, ticket: str, sequence: int, at: datetime, causation: str, traceparent: str = "") -> Outgoing:
    """Give intake's nth fact on a ticket."""
    ident = fact_id(ticket, PRODUCER, sequence)
    trace = traceparent or of_ticket(ticket)
    envelope = Envelope(ident, SOURCE, fact.type, at, ticket, sequence, causation, trace)
    return Outgoing(TICKETS, ticket, headers(envelope), fact.model_dump_json(exclude_defaults=True).encode())


def accepted(ticket: str, source: str, report: str, at: datetime, traceparent: str = "") -> Outgoing:
    """Give the receipt of a report that was taken; always the same for the same report."""
    body = ReportAccepted(report_id=ticket, ticket_id=ticket)
    return _receipt(named("receipt", ticket), body, source, report, at, ticket, traceparent)


def known(ticket: str, source: str, report: str, at: datetime) -> Outgoing:
    """Give the receipt of a report that had come at the other door before, for the one who sends it here."""
    body = ReportAccepted(report_id=ticket, ticket_id=ticket)
    return _receipt(named("receipt", ticket, source, report), body, source, report, at, ticket)


def refused(body: Receipt, source: str, report: str, at: datetime, origin: str) -> Outgoing:
    """Give the receipt of a report that was not taken; `origin` is its record: the next try may have the same id."""
    return _receipt(named("refused", source, report, origin), body, source, report, at)


def _receipt(
    ident: str, body: Receipt, source: str, report: str, at: datetime, subject: str = "", traceparent: str = ""
) -> Outgoing:
    trace = traceparent or (of_ticket(subject) if subject else "")
    envelope = Envelope(ident, SOURCE, body.type, at, subject, causation=report, traceparent=trace)
    return Outgoing(RECEIPTS, source, headers(envelope), body.model_dump_json(by_alias=True).encode())
