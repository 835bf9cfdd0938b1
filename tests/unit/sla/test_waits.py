"""Does a person who is waited for have a limit, where the city sets one, and does the whole have one too?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.messages import ClocksStarted, ClocksStopped, ClockStart, TicketEscalated
from tests.support.fold import MORNING
from tests.unit.sla.cities import CITY, COMMUNITY, DISTRICT, GRID, STREET, WAITING, WAITS, at, city, office
from tests.unit.sla.ladder import Ticket, minutes, names

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.messages import Severity

    Step = Callable[[Ticket], list[Any]]

HOUR = timedelta(hours=1)
ASKED: list[tuple[str, Step, Step, timedelta]] = [
    ("accept", Ticket.need_triage, Ticket.triage, minutes(30)),
    ("accept", Ticket.need_triage, Ticket.divert, minutes(30)),
    ("dispatch", Ticket.ask_duty_officer, Ticket.issue, 4 * HOUR),
    ("verify", Ticket.ask_verification, Ticket.verify, 2 * HOUR),
    ("call-back", Ticket.ask_call_back, Ticket.call_back, timedelta(days=1)),
]
"""Clock, what starts it, what ends it, and how long it has in the waiting city."""
each_wait = pytest.mark.parametrize(
    ("clock", "ask", "answer", "limit"), ASKED, ids=["triaged", "diverted", "dispatched", "verified", "called back"]
)


def only_start(said: list[Any]) -> ClockStart:
    """Give the one clock that began."""
    (start,) = [start for fact in said if isinstance(fact, ClocksStarted) for start in fact.clocks]
    return start


def ends(said: list[Any]) -> list[tuple[str, str]]:
    """Give how each clock ended."""
    return [(stop.clock, stop.outcome) for fact in said if isinstance(fact, ClocksStopped) for stop in fact.clocks]


@each_wait
def test_a_person_who_is_waited_for_has_a_limit(clock: str, ask: Step, answer: Step, limit: timedelta) -> None:
    """From the fact that asks; warned at the profile's share; an answer in time is met."""
    ticket = Ticket(WAITING)
    start = only_start(ask(ticket))
    assert (start.clock, start.started_at, start.due_at) == (clock, MORNING, MORNING + limit)
    assert start.warn_at == MORNING + 0.8 * limit
    assert names(ticket.live(0.9 * limit)) == [f"clock-warned {clock}"]
    assert (clock, "met") in ends(answer(ticket))
    assert ticket.findings() == []


@each_wait
def test_nobody_answers_and_it_climbs(clock: str, ask: Step, answer: Step, limit: timedelta) -> None:
    """The next level above whoever was asked is added; a late answer is late and ends what its breach has begun."""
    ticket = Ticket(WAITING)
    ask(ticket)
    said = ticket.live(limit)
    assert f"clock-breached {clock}" in names(said)
    assert [(fact.to_level, fact.cause) for fact in said if isinstance(fact, TicketEscalated)] == [("district", clock)]
    assert (clock, "late") in ends(answer(ticket))
    assert ("ladder", "cancelled") in ends([message.data for message in ticket.log])
    assert not [running for running in ticket.fold.state().clocks if running.cause == clock]
    assert ticket.findings() == []


@each_wait
def test_to_ask_again_sets_nothing_back(clock: str, ask: Step, answer: Step, limit: timedelta) -> None:  # noqa: ARG001
    """The clock that runs is the clock."""
    ticket = Ticket(WAITING)
    ask(ticket)
    ticket.live(0.5 * limit)
    assert ask(ticket) == []
    assert f"clock-breached {clock}" in names(ticket.live(0.5 * limit))
    assert ticket.findings() == []


@each_wait
def test_after_an_answer_it_may_be_asked_again(clock: str, ask: Step, answer: Step, limit: timedelta) -> None:
    """A new run, with its whole time and a token of its own."""
    ticket = Ticket(WAITING)
    first = only_start(ask(ticket))
    ticket.live(0.5 * limit)
    answer(ticket)
    again = only_start(ask(ticket))
    assert (again.clock, again.started_at) == (clock, ticket.now)
    assert again.token != first.token
    assert ticket.findings() == []


@pytest.mark.parametrize(("ask", "answer"), [(Ticket.need_triage, Ticket.triage), (Ticket.ask_duty_officer, None)])
def test_without_a_limit_nobody_is_timed(ask: Step, answer: Step | None) -> None:
    """The small city sets none for accepting and dispatching: no clock, no finding."""
    ticket = Ticket(CITY)
    assert ask(ticket) == []
    assert ticket.fold.wake_at() is None
    if answer is not None:
        assert answer(ticket) == []
    assert names(ticket.issue()) == ["clocks-started sign, handle"]
    assert ticket.live(minutes(5)) == []
    assert ticket.findings() == []


def test_who_triages_is_above_whom_it_goes_to() -> None:
    """Before there is an order, the unit that must triage is the owner: from the community the next with staff."""
    ticket = Ticket(WAITING)
    ticket.need_triage(COMMUNITY)
    said = ticket.live(minutes(30))
    assert [(fact.from_level, fact.to_level, fact.unit) for fact in said if isinstance(fact, TicketEscalated)] == [
        ("community", "district", DISTRICT)
    ]


def test_triage_is_waited_for_in_the_usual_working_time() -> None:
    """Friday 17:30 and one working hour: due on the make-up Sunday; the level's hour is of office hours too."""
    hours = dict.fromkeys(("I", "II", "III", "IV"), "1 work_hours")
    steps = dict.fromkeys(("grid", "community", "street", "district"), hours)
    changed: dict[str, Any] = {"clocks.accept": "1 work_hours", "ladder.steps": steps, "ladder.repeat": hours}
    profile = office("waits", **changed)
    ticket = Ticket(profile, at=at("2026-09-18 17:30"))
    assert only_start(ticket.need_triage(COMMUNITY)).due_at == at("2026-09-20 09:00")
    ticket.live_until(at("2026-09-20 11:30"))
    (level,) = [each for each in ticket.fold.state().clocks if each.start.clock == "ladder"]
    assert (level.start.started_at, level.due_at) == (at("2026-09-20 11:00"), at("2026-09-20 12:00"))
    assert ticket.findings() == []


def test_a_verification_belongs_to_its_order() -> None:
    """What is asked for another order has a time of its own; who verifies ends both."""
    ticket = Ticket(WAITING)
    first = only_start(ticket.ask_verification("T-1"))
    ticket.live(HOUR)
    second = only_start(ticket.ask_verification("T-2"))
    assert (first.order_id, second.order_id) == ("T-1", "T-2")
    assert second.due_at == ticket.now + 2 * HOUR
    assert ends(ticket.verify("T-2")) == [("verify", "met"), ("verify", "met")]
    assert ticket.findings() == []


def test_an_order_ends_the_wait_for_a_duty_officer_and_no_other() -> None:
    """Issued: dispatch is met, and what was to be verified still is."""
    ticket = Ticket(WAITING)
    ticket.ask_duty_officer()
    ticket.ask_call_back()
    assert ends(ticket.issue()) == [("dispatch", "met")]
    assert {each.start.clock for each in ticket.fold.state().clocks} == {"call-back", "sign", "handle", "total"}


def test_after_closing_who_is_asked_again_may_be_helped() -> None:
    """A ticket that was reopened and lies with a duty officer climbs as any other, and can be accepted."""
    ticket = Ticket(WAITING)
    ticket.issue()
    ticket.close()
    ticket.ask_duty_officer(DISTRICT)
    assert names(ticket.live(4 * HOUR))[-2] == "supervision-repeated district"
    assert names(ticket.accept()) == ["escalation-accepted district", "stopped ladder met"]
    assert ticket.findings() == []


# ---------------------------------------------------------------- the whole


def total(said: list[Any]) -> ClockStart:
    """Give the clock of the whole."""
    (start,) = [s for fact in said if isinstance(fact, ClocksStarted) for s in fact.clocks if s.clock == "total"]
    return start


@pytest.mark.parametrize(
    ("severity", "limit"), [("I", 3 * HOUR), ("II", timedelta(days=2)), ("IV", timedelta(days=30))]
)
def test_the_whole_runs_from_the_report(severity: Severity, limit: timedelta) -> None:
    """By severity; the hour before triage counts."""
    ticket = Ticket(WAITING)
    start = total(ticket.issue(severity=severity, reported_at=MORNING - HOUR))
    assert (start.started_at, start.due_at, start.order_id) == (MORNING - HOUR, MORNING - HOUR + limit, None)
    assert ticket.findings() == []


def test_who_does_not_know_when_it_was_reported_counts_from_the_order() -> None:
    """And so does whatever was reopened."""
    assert total(Ticket(WAITING).issue()).started_at == MORNING
    assert total(Ticket(WAITING).issue(reported_at=MORNING - HOUR, attempt=2)).started_at == MORNING


def test_a_later_order_does_not_set_the_whole_back() -> None:
    """It goes on from the report, whatever was returned, reworked or suspended meanwhile."""
    ticket = Ticket(WAITING)
    due = total(ticket.issue("T-1", severity="II")).due_at
    ticket.live(HOUR)
    ticket.give_back("T-1")
    assert names(ticket.issue("T-2", severity="IV")) == ["clocks-started sign, handle"]
    ticket.sign("T-2")
    ticket.suspend("T-2")
    ticket.live(timedelta(days=1))
    ticket.resume("T-2")
    (whole,) = [each for each in ticket.fold.state().clocks if each.start.clock == "total"]
    assert (whole.due_at, whole.rests) == (due, ())
    assert ticket.findings() == []


def test_closed_in_time_the_whole_is_met() -> None:
    """Closing ends it; the rest is cancelled."""
    ticket = Ticket(WAITING)
    ticket.issue()
    assert ends(ticket.close()) == [("sign", "cancelled"), ("handle", "cancelled"), ("total", "met")]
    assert ticket.findings() == []


def test_closed_too_late_the_whole_is_late() -> None:
    """Done in time, and closed after the limit of the whole: it has climbed, and ends late with its levels."""
    ticket = Ticket(WAITING)
    ticket.issue()
    ticket.sign()
    ticket.do()
    assert "clock-breached total" in names(ticket.live(3 * HOUR + minutes(0.5)))
    assert ends(ticket.close()) == [("total", "late"), ("ladder", "cancelled")]
    assert ticket.fold.wake_at() is None
    assert ticket.findings() == []


def test_a_report_that_was_late_before_its_order_is_breached_at_once() -> None:
    """The limit had passed when the first order came: that is no late timer."""
    ticket = Ticket(WAITING)
    ticket.issue(reported_at=MORNING - 4 * HOUR)
    assert names(ticket.wait(timedelta(0)))[:2] == ["clock-warned total", "clock-breached total"]
    ticket.live(minutes(5))
    assert ticket.findings() == []


def test_without_a_limit_the_whole_has_no_clock() -> None:
    """The small city sets none."""
    ticket = Ticket(CITY)
    assert names(ticket.issue(reported_at=MORNING - HOUR)) == ["clocks-started sign, handle"]


def test_the_clocks_of_a_long_life_are_all_met() -> None:
    """From triage to closing, with every wait in between: each is met once, and the auditor agrees."""
    ticket = Ticket(WAITING)
    steps: list[Callable[[], list[Any]]] = [
        ticket.need_triage,
        ticket.triage,
        ticket.issue,
        ticket.give_back,
        ticket.ask_duty_officer,
        lambda: ticket.issue("T-2"),
        lambda: ticket.sign("T-2"),
        lambda: ticket.do("T-2"),
        lambda: ticket.ask_verification("T-2"),
        lambda: ticket.verify("T-2"),
        ticket.ask_call_back,
        ticket.call_back,
        ticket.close,
    ]
    said = [fact for step in steps for fact in [*step(), *ticket.live(minutes(5))]]
    assert ends(said) == [
        ("accept", "met"),
        ("sign", "cancelled"),
        ("handle", "cancelled"),
        ("dispatch", "met"),
        ("sign", "met"),
        ("handle", "met"),
        ("verify", "met"),
        ("call-back", "met"),
        ("total", "met"),
    ]
    assert ticket.findings() == []


def test_a_clock_of_the_whole_that_only_some_levels_hear_of() -> None:
    """The profile names street and district: the street has no staff, and the community is not asked."""
    profile = city("upper", **WAITS, **{"ladder.climbs": {"total": ["street", "district"]}})
    ticket = Ticket(profile)
    ticket.issue(unit=GRID)
    ticket.do()
    said = ticket.live(3 * HOUR)
    assert names(said)[-3:] == ["level-skipped street", "escalated district", "clocks-started ladder district"]
    assert said[-3].unit == STREET
    assert ticket.findings() == []
