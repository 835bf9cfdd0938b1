"""Do the clocks of an order run, warn, pass and end as its limits say?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.messages import ClocksStarted, OrderReturned, Span
from tests.support.fold import MORNING
from tests.unit.sla.ladder import CREW, HANDLE, SIGN, Ticket, minutes, names


def test_an_order_starts_both_its_clocks_in_one_fact() -> None:
    """Sign and handle run to the order's own instants, warn at its share, and carry the limit that explains them."""
    (started,) = Ticket().issue()
    assert isinstance(started, ClocksStarted)
    sign, handle = started.clocks
    assert (sign.clock, sign.started_at, sign.due_at) == ("sign", MORNING, MORNING + SIGN)
    assert (handle.clock, handle.started_at, handle.due_at) == ("handle", MORNING, MORNING + HANDLE)
    assert (sign.warn_at, handle.warn_at) == (MORNING + minutes(8), MORNING + minutes(48))
    assert sign.limit == Span(amount=10, unit="minutes")
    assert sign.token != handle.token


def test_sla_asks_to_be_woken_for_the_next_warning_or_limit() -> None:
    """The earliest instant of all clocks counts; none is left once all have ended."""
    ticket = Ticket()
    assert ticket.fold.wake_at() is None
    ticket.issue()
    assert ticket.fold.wake_at() == MORNING + minutes(8)
    ticket.sign()
    assert ticket.fold.wake_at() == MORNING + minutes(48)
    ticket.do()
    assert ticket.fold.wake_at() is None


def test_in_the_straight_life_three_facts_are_said() -> None:
    """Started, sign met, handle met: nothing else, and nothing on closing."""
    ticket = Ticket()
    said = [*ticket.issue(), *ticket.sign(), *ticket.do(), *ticket.close()]
    assert names(said) == ["clocks-started sign, handle", "stopped sign met", "stopped handle met"]
    assert ticket.findings() == []


def test_a_warning_comes_before_the_breach() -> None:
    """Each at its instant, once."""
    ticket = Ticket()
    ticket.issue()
    assert names(ticket.wait(minutes(7.99))) == []
    (warned,) = ticket.wait(minutes(0.01))
    assert (warned.type.split(".")[2], warned.clock, warned.due_at) == ("clock-warned", "sign", MORNING + SIGN)
    assert names(ticket.wait(minutes(1))) == []
    breached = ticket.wait(minutes(1))[0]
    assert (breached.clock, breached.late_by_s) == ("sign", 0)


def test_a_signature_at_the_very_instant_is_in_time() -> None:
    """The limit is the last instant that is in time."""
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(SIGN)
    assert names(ticket.sign()) == ["clock-warned sign", "stopped sign met"]


def test_a_late_signature_ends_the_clock_late() -> None:
    """What was breached ends late; the handle clock is not touched, the level's clock is cancelled with its cause."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10.5))
    assert names(ticket.sign()) == ["stopped sign late, ladder cancelled"]
    assert ticket.fold.wake_at() == MORNING + minutes(48)


def test_a_breach_that_nobody_noticed_is_recorded_when_the_late_answer_comes() -> None:
    """Sla was away at the limit: the signature of minute 12 finds the breach of minute 10 before it."""
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(minutes(12))
    said = ticket.sign()
    assert names(said) == [
        "clock-warned sign",
        "clock-breached sign",
        "escalated community",
        "clocks-started ladder community",
        "stopped sign late, ladder cancelled",
    ]
    assert said[1].late_by_s == 120


def test_an_answer_in_time_that_is_read_late_is_in_time() -> None:
    """Sla was away: it reads in minute 30 what was signed in minute 9 and done in minute 20."""
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(minutes(30))
    assert names(ticket.sign(at=MORNING + minutes(9))) == ["clock-warned sign", "stopped sign met"]
    assert names(ticket.do(at=MORNING + minutes(20))) == ["stopped handle met"]


def test_an_order_that_is_done_unsigned_needs_no_signature_any_more() -> None:
    """Done ends both clocks."""
    ticket = Ticket()
    ticket.issue()
    assert names(ticket.do()) == ["stopped sign met, handle met"]


@pytest.mark.parametrize("how", ["returned", "withdrawn", "closed"])
def test_what_is_over_cancels_its_clocks(how: str) -> None:
    """Returned, withdrawn, or the ticket closed: nothing runs any more."""
    ticket = Ticket()
    ticket.issue()
    if how == "returned":
        back = OrderReturned(order_id="T-1", handler=CREW, reason="not-ours", goes_to="triage", returns=1)
        said = ticket.read(back)
    else:
        said = ticket.withdraw() if how == "withdrawn" else ticket.close()
    assert names(said) == ["stopped sign cancelled, handle cancelled"]
    assert names(ticket.wait(timedelta(days=9))) == []
    assert ticket.findings() == []


def test_an_answer_to_another_order_stops_nothing() -> None:
    """Clocks belong to their order."""
    ticket = Ticket()
    ticket.issue("T-2")
    assert names([*ticket.sign("T-1"), *ticket.do("T-1"), *ticket.withdraw("T-1")]) == []


def test_rework_starts_a_new_run_with_a_token_of_its_own() -> None:
    """The handle clock runs again from now; its first run stays on record as met."""
    ticket = Ticket()
    first = ticket.issue()[0].clocks[1]
    ticket.sign()
    ticket.do()
    ticket.clock.advance(minutes(30))
    (again,) = ticket.rework()
    (run,) = again.clocks
    assert (run.clock, run.started_at, run.due_at) == ("handle", ticket.now, ticket.now + HANDLE)
    assert run.token != first.token
    assert names(ticket.do()) == ["stopped handle met"]
    assert ticket.findings() == []


def test_rework_of_what_still_runs_replaces_its_run() -> None:
    """An order has one handle clock at a time, whatever dispatch says."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    assert names(ticket.rework()) == ["stopped handle cancelled", "clocks-started handle"]


def test_after_an_outage_everything_fires_in_the_order_of_its_instant() -> None:
    """Five hours at one stroke: warnings and breaches of both clocks, oldest first, and the levels start from now."""
    ticket = Ticket()
    ticket.issue()
    said = ticket.wait(timedelta(hours=5))
    assert names(said) == [
        "clock-warned sign",
        "clock-breached sign",
        "escalated community",
        "clocks-started ladder community",
        "clock-warned handle",
        "clock-breached handle",
        "escalated community",
        "clocks-started ladder community",
    ]
    assert {fact.clocks[0].started_at for fact in said if isinstance(fact, ClocksStarted)} == {ticket.now}
    assert ticket.fold.wake_at() == ticket.now + minutes(1)


def test_a_clock_that_jumps_back_fires_nothing_twice() -> None:
    """Warned and breached once each, however often the same instants come again."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10))
    ticket.clock.advance(-minutes(9))
    before = ticket.fold.wake_at()
    assert names(ticket.live(minutes(9))) == []
    assert ticket.fold.wake_at() == before
