"""Which clocks run while one leads and another is to take over, and does the auditor see the same?"""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sla.ladder import CREW, Ticket, minutes, names


def taking_over(**given: Any) -> Ticket:
    """Give a ticket that was signed and is given to somebody else."""
    ticket = Ticket()
    ticket.issue(severity="III", **given)
    ticket.sign()
    ticket.live(minutes(5))
    return ticket


def running(ticket: Ticket) -> set[tuple[str, str]]:
    """Give order and duty of all clocks that run."""
    return {(each.start.order_id or "", each.start.clock) for each in ticket.fold.state().clocks}


def test_both_orders_have_their_clocks_until_the_signature() -> None:
    """The old one must still be handled in time, the new one signed for; then the new one's go on alone."""
    ticket = taking_over()
    ticket.issue("T-2", severity="III", takes_over="T-1", lead=CREW)
    assert {("T-1", "handle"), ("T-2", "sign"), ("T-2", "handle")} <= running(ticket)
    ticket.withdraw("T-1")
    ticket.sign("T-2")
    assert ("T-1", "handle") not in running(ticket)
    ticket.do("T-2")
    ticket.close()
    assert running(ticket) == set()
    assert ticket.findings() == []


def test_a_first_receiver_that_is_late_is_late() -> None:
    """Whoever is to take over: the clock of the matter was not set back."""
    ticket = taking_over()
    ticket.issue("T-2", severity="III", takes_over="T-1", lead=CREW, handle="600 minutes")
    said = ticket.live(minutes(56))
    assert "clock-breached handle" in names(said)
    ticket.withdraw("T-2")
    ticket.do("T-1")
    ticket.close()
    assert ticket.findings() == []


@pytest.mark.parametrize("signed", [True, False])
def test_a_first_receiver_that_rests_goes_on_resting(signed: bool) -> None:  # noqa: FBT001 - drawn by name
    """Its suspension is not over because somebody else was named."""
    ticket = taking_over()
    ticket.suspend()
    ticket.issue("T-2", severity="III", takes_over="T-1", lead=CREW, handle="6000 minutes", sign="6000 minutes")
    said = ticket.live(minutes(120))
    assert "clock-breached handle" not in names(said)
    ticket.resume()
    if signed:
        ticket.withdraw("T-1")
        ticket.sign("T-2")
        ticket.do("T-2")
    else:
        ticket.withdraw("T-2")
        ticket.do("T-1")
    ticket.close()
    assert ticket.findings() == []
