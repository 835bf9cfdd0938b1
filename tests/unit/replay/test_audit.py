"""Does the audit find what is wrong with a log, and only that? Records made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from deploy.cli.audit import LogAudit
from shared.envelope import Envelope, headers
from shared.ids import fact_id, ticket_id
from shared.messages import (
    CallerRef,
    CategoryRef,
    ClocksStarted,
    ClockStart,
    Handler,
    Location,
    OrderDone,
    OrderIssued,
    OrderSigned,
    Span,
    TicketClosed,
    TicketEscalated,
    TicketReopened,
    TicketReported,
)
from shared.messages.log import LadderCause
from shared.messages.registry import Body
from shared.profile import parse_profile
from tests.unit.profile.small import SMALL

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TICKET = ticket_id("test", "1")
HANDLER = Handler(kind="department", id="huanwei")
CITY = parse_profile(SMALL, "small")
CATEGORY = CategoryRef(code="0112", name="道路不洁", condition="any")


@dataclass
class Record:
    """What a consumer gives."""

    headers: Any
    value: bytes | None
    key: bytes = TICKET.encode()
    timestamp: int = 0
    offset: int = 0


def record(service: str, sequence: int, body: Body, *, ident: str = "", at: datetime = NOW) -> Record:
    """Give a fact as it stands on the log."""
    envelope = Envelope(
        ident or fact_id(TICKET, service, sequence), f"gridcall/{service}", body.type, at, TICKET, sequence, "cause"
    )
    return Record(headers(envelope), body.model_dump_json(exclude_defaults=True).encode())


def reported() -> TicketReported:
    """Give the first fact of a ticket."""
    return TicketReported(
        report_id="r", channel="app", text="x", reported_at=NOW, source="s", caller=CallerRef(ref="c", anonymous=True)
    )


def issued(number: int = 1) -> OrderIssued:
    """Give an order with long limits."""
    return OrderIssued(
        order_id=f"{TICKET}-{number}",
        handler=HANDLER,
        level="grid",
        unit="u",
        issued_at=NOW,
        sign_by=NOW + timedelta(days=1),
        handle_by=NOW + timedelta(days=2),
        sign_limit=Span(amount=1, unit="natural_days"),
        handle_limit=Span(amount=2, unit="natural_days"),
        warn_share=0.8,
        category=CATEGORY,
        severity="IV",
        place=Location(unit="u"),
        description="x",
        profile_version="v",
    )


def started() -> ClocksStarted:
    """Give the clocks of the order."""
    order = issued()
    return ClocksStarted(
        clocks=tuple(
            ClockStart(
                clock=clock,
                token=f"{order.order_id}/{clock}",
                order_id=order.order_id,
                started_at=NOW,
                due_at=due,
                warn_at=NOW + 0.8 * (due - NOW),
                limit=limit,
            )
            for clock, due, limit in (
                ("sign", order.sign_by, order.sign_limit),
                ("handle", order.handle_by, order.handle_limit),
            )
        )
    )


def life() -> list[Record]:
    """Give a life that is in order."""
    done = OrderDone(
        order_id=f"{TICKET}-1", handler=HANDLER, done_at=NOW, category=CATEGORY, severity="IV",
        place=Location(unit="u"), unit="u", profile_version="v",
    )  # fmt: skip
    signed = OrderSigned(order_id=f"{TICKET}-1", handler=HANDLER, signed_at=NOW)
    return [
        record("intake", 1, reported()),
        record("dispatch", 1, issued()),
        record("sla", 1, started()),
        record("dispatch", 2, signed),
        record("dispatch", 3, done),
        record("closure", 1, TicketClosed(outcome="solved")),
    ]


def audited(records: list[Record], now: datetime = NOW + timedelta(minutes=5)) -> LogAudit:
    """Give the audit of a log."""
    audit = LogAudit(CITY, now)
    for each in records:
        audit.take(each)
    audit.end()
    return audit


def kinds(records: list[Record], now: datetime = NOW + timedelta(minutes=5)) -> list[str]:
    """Give the kinds of what was found."""
    return [finding.kind for finding in audited(records, now).findings]


def test_a_sound_log_has_no_findings() -> None:
    """And is counted."""
    audit = audited(life())
    assert audit.findings == []
    assert (audit.tickets, audit.counts["records"], audit.counts["closings"]) == (1, 6, 1)


def test_a_fact_that_was_published_again_is_harmless() -> None:
    """The same id and the same bytes."""
    records = life()
    audit = audited([*records, records[1], records[5]])
    assert audit.findings == []
    assert audit.counts["republished"] == 2


def test_another_body_under_the_same_id_is_a_finding() -> None:
    """Two facts have one id: somebody decided twice."""
    assert kinds([*life(), record("dispatch", 1, issued(2))]) == ["doubled"]


def test_a_missing_fact_is_a_gap_and_a_late_one_out_of_order() -> None:
    """A reader that skips what it has seen would lose the late one."""
    records = life()
    late = records.pop(3)
    assert kinds(records) == ["gap"]
    assert kinds([*records, late]) == ["gap", "out-of-order"]


def test_a_fact_without_its_number_is_a_finding() -> None:
    """Ids follow from ticket, service and number."""
    assert kinds([*life(), record("closure", 2, TicketReopened(reason="x", reopenings=1), ident="other")]) == ["bad-id"]


def test_closed_twice_is_a_finding_but_not_after_a_reopening() -> None:
    """A reopening between makes it right."""
    again = TicketClosed(outcome="solved", closings=2)
    assert kinds([*life(), record("closure", 2, again)]) == ["closed-twice"]
    reopened = record("closure", 2, TicketReopened(reason="x", reopenings=1))
    assert kinds([*life(), reopened, record("closure", 3, again)]) == []


def test_an_order_without_a_report_is_a_finding() -> None:
    """A lost report shows there."""
    assert "no-ticket" in kinds(life()[1:])


def test_an_escalation_twice_is_a_finding() -> None:
    """Once for each level and cause."""
    causes: tuple[LadderCause, ...] = ("sign", "handle", "sign")
    steps = [TicketEscalated(from_level="grid", to_level="community", unit="u", cause=cause) for cause in causes]
    escalated = [record("sla", number, step) for number, step in enumerate(steps, 2)]
    found = [kind for kind in kinds([*life(), *escalated]) if not kind.startswith("timer")]
    assert found == ["escalated-twice"]


def test_a_limit_that_passed_without_a_word_is_a_missed_timer() -> None:
    """Nobody signs, and sla says nothing."""
    found = kinds(life()[:3], NOW + timedelta(days=1, hours=1))
    assert found
    assert set(found) == {"timer-missed"}


def test_what_others_write_onto_the_log_is_counted_apart() -> None:
    """The desk has made dead letters of it; a fact that cannot be read is one of ours, and a finding."""
    strange = [
        Record([], b"x"),
        Record([("ce_type", None)], None),
        Record([("ce_type", b"\xff")], b"{}"),
        Record(life()[0].headers, b"{}", key=b"no ticket"),
    ]
    audit = audited([*life(), *strange])
    assert audit.findings == []
    assert audit.counts["foreign"] == len(strange)
    assert kinds([*life(), Record(record("closure", 2, TicketClosed(outcome="solved")).headers, b"{broken")]) == [
        "unreadable"
    ]
