"""Is each clock counted once, by how it ended, and each level that was added?"""

from __future__ import annotations

from shared import metrics
from tests.unit.sla.ladder import Ticket, minutes


def counted() -> dict[tuple[str, ...], float]:
    """Give the counters that sla moves, by their labels."""
    return {
        tuple(sample.labels.values()): sample.value
        for counter in (metrics.deadline, metrics.escalations, metrics.refusals)
        for family in counter.collect()
        for sample in family.samples
        if sample.name.endswith("_total")
    }


def moved(before: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Give by how much each of them has moved since."""
    return {labels: value - before.get(labels, 0) for labels, value in counted().items() if value != before.get(labels)}


def test_in_time_is_met_and_withdrawn_is_cancelled() -> None:
    """One count for each clock of two orders."""
    before = counted()
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.withdraw()
    ticket.issue("T-2")
    ticket.sign("T-2")
    ticket.do("T-2")
    assert moved(before) == {("sign", "met"): 2, ("handle", "cancelled"): 1, ("handle", "met"): 1}


def test_late_is_counted_when_it_is_breached_and_not_again_when_it_ends() -> None:
    """The community's clock is cancelled with its cause; the late signature adds nothing."""
    before = counted()
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10))
    assert moved(before) == {("sign", "breached"): 1, ("community", "sign"): 1}
    ticket.sign()
    assert moved(before) == {("sign", "breached"): 1, ("community", "sign"): 1, ("ladder", "cancelled"): 1}


def test_a_refusal_is_counted_by_its_reason() -> None:
    """Under the command's own name."""
    before = counted()
    Ticket().accept()
    assert moved(before) == {("accept-escalation", "not-escalated"): 1}


def lateness() -> tuple[float, float]:
    """Give how many of sla's timers were counted, and the sum of their lateness in seconds."""
    metrics.timer_lateness.labels("sla")
    found = {
        sample.name.rpartition("_")[2]: sample.value
        for family in metrics.timer_lateness.collect()
        for sample in family.samples
        if sample.labels["service"] == "sla"
    }
    return found["count"], found["sum"]


def test_a_breach_that_an_answer_let_fire_counts_as_late() -> None:
    """After an outage the late signature is read first: the limit had passed half an hour before all the same."""
    number, seconds = lateness()
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(minutes(40))
    ticket.sign()
    assert lateness() == (number + 1, seconds + 1800)
