"""What follows from a finding of an audit? It is written down once, and what was missed is made up for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.sla.auditor import Told
from services.sla.rounds import command
from shared import metrics
from shared.messages import AuditFound, ClockBreached, ClockWarned, RecordFinding, TicketEscalated
from tests.unit.sla.ladder import Ticket, minutes

if TYPE_CHECKING:
    from shared.messages import TimerFinding


def missed(ticket: Ticket) -> TimerFinding:
    """Let 11 minutes pass in which sla slept; give what the audit finds missing of the signature's breach."""
    ticket.issue()
    ticket.live(minutes(8))
    ticket.clock.advance(minutes(5))
    (found,) = ticket.findings()
    assert (found.kind, found.timer) == ("missed", "breach of sign of T-1, run 1")
    return found


def told(ticket: Ticket, finding: TimerFinding) -> list[Any]:
    """Let the audit tell sla by the command that it sends; give the facts."""
    said = ticket.fold.read(command(Told(ticket=ticket.log[0].ticket, finding=finding), ticket.now))
    return ticket._keep(said)


def test_what_was_missed_fires_with_the_step_that_follows_and_then_it_is_on_record() -> None:
    """And the ticket asks to be woken again."""
    ticket = Ticket()
    found = missed(ticket)
    facts = told(ticket, found)
    assert [type(fact) for fact in facts if isinstance(fact, ClockBreached | TicketEscalated | AuditFound)] == [
        ClockBreached,
        TicketEscalated,
        AuditFound,
    ]
    assert facts[-1].finding == found
    wake = ticket.fold.wake_at()
    assert wake is not None
    assert wake > ticket.now


def test_a_repeated_audit_adds_nothing() -> None:
    """Not by the same command, and not by another one that says the same."""
    ticket = Ticket()
    found = missed(ticket)
    told(ticket, found)
    assert told(ticket, found) == []
    assert ticket.read(RecordFinding(finding=found)) == []


def test_that_what_was_missed_came_late_is_no_second_finding() -> None:
    """Another timer's lateness is."""
    ticket = Ticket()
    told(ticket, missed(ticket))
    late = [found for found in ticket.findings() if found.kind == "late"]
    assert [found.timer for found in late] == ["breach of sign of T-1, run 1"]
    assert told(ticket, late[0]) == []
    assert told(ticket, late[0].model_copy(update={"timer": "breach of handle of T-1, run 1"})) != []


def test_another_kind_on_the_same_timer_is_a_finding_of_its_own() -> None:
    """Late first does not hide doubled."""
    ticket = Ticket()
    found = missed(ticket)
    told(ticket, found)
    (fact,) = told(ticket, found.model_copy(update={"kind": "doubled"}))
    assert fact.finding.kind == "doubled"


def test_a_finding_counts_once_and_by_its_kind() -> None:
    """When it is durable: whoever reads the command a second time counts nothing."""

    def count(kind: str) -> float:
        return float(metrics.timer_audit_findings.labels(kind)._value.get())

    before = count("missed"), count("late")
    ticket = Ticket()
    found = missed(ticket)
    told(ticket, found)
    told(ticket, found)
    assert (count("missed"), count("late")) == (before[0] + 1, before[1])


def test_a_warning_that_was_missed_is_given_also_when_its_limit_has_not_come() -> None:
    """In the order of the instants, each once."""
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(minutes(9.5))
    (found,) = ticket.findings()
    facts = told(ticket, found)
    assert [type(fact) for fact in facts] == [ClockWarned, AuditFound]
