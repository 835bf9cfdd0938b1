"""What if the calendar changes while a clock runs? It is counted again from its own start, and says so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain.state import Running
from services.sla.recount import calendars
from shared.messages import ClocksRecalculated
from tests.unit.sla.cities import at, office
from tests.unit.sla.ladder import Ticket, minutes, names

HOUR = timedelta(hours=1)
WEDNESDAY = at("2026-03-04 09:00")
WAITS: dict[str, Any] = {
    "clocks.accept": "12 work_hours",
    "clocks.total": dict.fromkeys(("I", "II", "III", "IV"), "3 work_days"),
}
IN_HOURS: dict[str, Any] = {
    "ladder.steps": dict.fromkeys(
        ("grid", "community", "street", "district"), dict.fromkeys(("I", "II", "III", "IV"), "4 work_hours")
    ),
    "ladder.repeat": dict.fromkeys(("I", "II", "III", "IV"), "4 work_hours"),
}
USUAL = office("usual", **WAITS, **IN_HOURS)
"""A working day has 7.5 hours; nothing is decreed for the first week of March."""
THURSDAY_OFF = office("thursday-off", days={"2026-03-05": "off"}, **WAITS, **IN_HOURS)
SATURDAY_TOO = office("saturday-too", days={"2026-03-07": "work"}, **WAITS, **IN_HOURS)


def working(profile: Any = USUAL, **order: Any) -> Ticket:
    """Give a ticket whose order is signed for, with 12 working hours: until Thursday 15:30."""
    ticket = Ticket(profile, at=WEDNESDAY)
    ticket.issue(**{"handle": "12 work_hours", "calendar": "office", "severity": "IV"} | order)
    ticket.sign()
    return ticket


def clock(ticket: Ticket, name: str = "handle") -> Running:
    """Give a clock that runs."""
    (running,) = [running for running in ticket.fold.state().clocks if running.start.clock == name]
    return running


def moves(said: list[Any]) -> dict[str, tuple[Any, Any]]:
    """Give each clock that was counted again: its old limit and its new one."""
    return {m.clock: (m.old, m.new) for fact in said if isinstance(fact, ClocksRecalculated) for m in fact.clocks}


def test_a_holiday_that_is_decreed_moves_the_limits_behind_it() -> None:
    """Thursday is off: what was due that day is due on Friday, counted from Wednesday; all in one fact."""
    ticket = working()
    before = clock(ticket)
    assert before.due_at == at("2026-03-05 15:30")
    ticket.live(HOUR)
    ticket.under(THURSDAY_OFF)
    said = ticket.recount()
    (fact,) = said
    assert (fact.why, fact.at) == ("calendar", ticket.now)
    assert moves(said) == {
        "handle": (at("2026-03-05 15:30"), at("2026-03-06 15:30")),
        "total": (at("2026-03-09 10:30"), at("2026-03-10 10:30")),
    }
    after = clock(ticket)
    assert (after.start, after.due_at) == (before.start, at("2026-03-06 15:30"))
    assert fact.clocks[0].calendar == THURSDAY_OFF.calendar("office").id != before.start.calendar
    assert ticket.live_until(at("2026-03-06 11:05")) == []
    assert names(ticket.live(minutes(1))) == ["clock-warned handle"], "after 80 % of 12 hours: 9.6"
    assert names(ticket.live_until(at("2026-03-06 15:30")))[0] == "clock-breached handle"
    assert ticket.findings() == []


def test_a_make_up_day_moves_them_back() -> None:
    """Saturday is worked: three working days end on Saturday and no longer on Monday."""
    ticket = working()
    ticket.under(SATURDAY_TOO)
    assert moves(ticket.recount()) == {"total": (at("2026-03-09 10:30"), at("2026-03-07 10:30"))}
    assert ticket.findings() == []


def test_nothing_is_said_when_nothing_moves() -> None:
    """Neither under the same calendar, nor a second time, nor for what is due before the day that has changed."""
    ticket = working(handle="2 work_hours")
    assert ticket.recount() == []
    ticket.under(SATURDAY_TOO)
    assert set(moves(ticket.recount())) == {"total"}
    assert ticket.recount() == []
    assert ticket.findings() == []


def test_a_calendar_that_changes_back_changes_the_limit_back() -> None:
    """Each time from the start: nothing of the calendar in between is left."""
    ticket = working()
    first = clock(ticket).due_at
    for profile, due in (
        (THURSDAY_OFF, at("2026-03-06 15:30")),
        (USUAL, first),
        (THURSDAY_OFF, at("2026-03-06 15:30")),
    ):
        ticket.under(profile)
        assert moves(ticket.recount())["handle"][1] == due
        assert calendars(ticket.fold.state()) == [profile.calendar("office").id]
    assert ticket.findings() == []


def test_what_runs_on_through_holidays_stays() -> None:
    """Urgent hours and minutes know no calendar."""
    ticket = working(handle="40 urgent_hours")
    ticket.under(THURSDAY_OFF)
    assert set(moves(ticket.recount())) == {"total"}


def test_why_is_what_was_said() -> None:
    """A policy that was applied is told from a calendar that came."""
    ticket = working()
    ticket.under(THURSDAY_OFF)
    assert ticket.recount("policy")[0].why == "policy"
    assert ticket.findings() == []


def test_pauses_are_kept() -> None:
    """Of Wednesday's seven working hours five are a pause: two count, and ten are left, whichever day is off."""
    ticket = working()
    ticket.live(HOUR)
    ticket.suspend()
    ticket.live_until(at("2026-03-04 17:00"))
    ticket.resume()
    assert clock(ticket).due_at == at("2026-03-06 11:00")
    ticket.under(THURSDAY_OFF)
    assert moves(ticket.recount())["handle"] == (at("2026-03-06 11:00"), at("2026-03-09 11:00"))
    assert clock(ticket).rests[0].reason == "materials"
    assert ticket.findings() == []


def test_extensions_are_kept() -> None:
    """Two working hours more, also by the new calendar; in time by them is late in fact by the first limit as it is."""
    ticket = working()
    ticket.extend(2 * HOUR)
    ticket.under(THURSDAY_OFF)
    assert moves(ticket.recount())["handle"] == (at("2026-03-05 17:30"), at("2026-03-06 15:30")), (
        "the two hours were granted on a day that is off"
    )
    ticket.under(USUAL)
    assert moves(ticket.recount())["handle"][1] == at("2026-03-05 17:30")
    ticket.live_until(at("2026-03-05 16:00"))
    (stop,) = [stop for stop in ticket.do()[0].clocks if stop.clock == "handle"]
    assert (stop.outcome, stop.late_in_fact) == ("met", True)
    assert ticket.findings() == []


def test_a_pause_and_an_extension_together_count_once_each() -> None:
    """12 hours, a pause of one working hour, two more granted: 15 hours after the start, before and after."""
    ticket = working()
    ticket.live(HOUR)
    ticket.suspend()
    ticket.live(HOUR)
    ticket.resume()
    ticket.extend(minutes(30))
    assert clock(ticket).due_at == at("2026-03-05 17:00")
    assert ticket.recount() == []
    ticket.under(SATURDAY_TOO)
    assert set(moves(ticket.recount())) == {"total"}
    assert ticket.findings() == []


def test_met_after_a_recount_is_not_late_in_fact() -> None:
    """Nobody has extended it: a day off has moved the limit."""
    ticket = working()
    ticket.suspend()
    ticket.resume()
    ticket.under(THURSDAY_OFF)
    ticket.recount()
    ticket.live_until(at("2026-03-06 15:00"))
    (stop,) = [stop for stop in ticket.do()[0].clocks if stop.clock == "handle"]
    assert (stop.outcome, stop.late_in_fact) == ("met", False)


def test_what_rests_is_counted_when_it_goes_on() -> None:
    """A limit that rests is none; then the day that is off counts in the rest of the time."""
    ticket = working()
    ticket.live(HOUR)
    ticket.suspend()
    ticket.under(THURSDAY_OFF)
    assert set(moves(ticket.recount())) == {"total"}
    ticket.live(HOUR)
    ticket.resume()
    assert clock(ticket).due_at == at("2026-03-06 16:30")
    assert ticket.recount() == []
    assert ticket.findings() == []


def test_a_level_that_rests_over_a_change_keeps_its_time() -> None:
    """Four working hours from Wednesday 15:00, of which a quarter was used before the pause; Thursday is off."""
    ticket = working(handle="4 work_hours")
    ticket.live_until(at("2026-03-04 15:15"))
    ticket.suspend()
    ticket.live_until(at("2026-03-04 16:00"))
    ticket.under(THURSDAY_OFF)
    ticket.recount()
    ticket.resume()
    level = clock(ticket, "ladder")
    assert (level.start.started_at, level.due_at) == (at("2026-03-04 15:00"), at("2026-03-06 10:15"))
    assert ticket.findings() == []


def test_a_level_that_runs_is_counted_again_too() -> None:
    """Breached on Wednesday at 15:00: its four hours end on Thursday, or on Friday when that is off."""
    ticket = working(handle="4 work_hours")
    ticket.live_until(at("2026-03-04 15:00"))
    ticket.under(THURSDAY_OFF)
    assert moves(ticket.recount())["ladder"] == (at("2026-03-05 09:30"), at("2026-03-06 09:30"))
    assert "handle" not in moves(ticket.recount()), "what was breached stays so"
    assert ticket.findings() == []


def test_nobody_signs_later_than_it_must_be_handled() -> None:
    """A sign limit that was cut short by handling stays cut short, where that is by then."""
    ticket = Ticket(USUAL, at=WEDNESDAY)
    ticket.issue(sign="20 work_hours", handle="12 work_hours", calendar="office")
    assert clock(ticket, "sign").due_at == clock(ticket).due_at == at("2026-03-05 15:30")
    assert ticket.recount() == []
    ticket.under(THURSDAY_OFF)
    assert moves(ticket.recount())["sign"] == (at("2026-03-05 15:30"), at("2026-03-06 15:30"))
    assert ticket.findings() == []


def test_a_wait_is_counted_again() -> None:
    """12 working hours until somebody has triaged it."""
    ticket = Ticket(USUAL, at=WEDNESDAY)
    ticket.need_triage()
    ticket.under(THURSDAY_OFF)
    assert moves(ticket.recount()) == {"accept": (at("2026-03-05 15:30"), at("2026-03-06 15:30"))}
    assert ticket.findings() == []


def test_a_limit_that_has_passed_by_the_new_calendar_is_breached_at_once() -> None:
    """Thursday was worked after all: on Saturday it turns out that it was due on Friday. That is no late timer."""
    ticket = working(handle="20 work_hours")
    assert clock(ticket).due_at == at("2026-03-06 16:00")
    ticket.under(THURSDAY_OFF)
    ticket.recount()
    ticket.live_until(at("2026-03-07 09:00"))
    ticket.under(USUAL)
    assert moves(ticket.recount())["handle"][1] == at("2026-03-06 16:00")
    assert {"clock-warned handle", "clock-breached handle"} <= set(names(ticket.wait(timedelta(0))))
    ticket.live(minutes(5))
    assert ticket.findings() == []


def test_what_is_not_published_is_provisional_until_it_is() -> None:
    """Counted by weekdays after the last published day; once it is settled, that is said also where nothing moves."""
    wary = office("wary", published_until="2026-03-04", **WAITS, **IN_HOURS)
    ticket = working(wary)
    assert (clock(ticket).provisional, clock(ticket, "total").provisional) == (True, True)
    ticket.under(USUAL)
    said = ticket.recount()
    assert [(move.old == move.new, move.provisional) for move in said[0].clocks] == [(True, False), (True, False)]
    assert not clock(ticket).provisional
    assert ticket.recount() == []
    assert ticket.findings() == []


def test_the_year_whose_days_are_not_known_yet_is_provisional() -> None:
    """A limit that reaches into 2027 is; when the notice comes and takes New Year's Day off, it is counted again."""
    known = office("known", days={"2027-01-01": "off"}, published_until="2027-12-31")
    ticket = Ticket(office("open"), at=at("2026-12-31 16:00"))
    ticket.issue(handle="4 work_hours", sign="1 work_hours", calendar="office")
    ticket.sign()
    running = clock(ticket)
    assert (running.due_at, running.provisional) == (at("2027-01-01 10:30"), True)
    ticket.under(known)
    (fact,) = ticket.recount()
    assert [(move.old, move.new, move.provisional) for move in fact.clocks] == [
        (at("2027-01-01 10:30"), at("2027-01-04 10:30"), False)
    ]
    assert ticket.findings() == []


def test_a_limit_within_the_known_days_is_not_provisional() -> None:
    """Nor is one that runs on through them."""
    ticket = Ticket(office("open"), at=at("2026-12-31 16:00"))
    ticket.issue(handle="1 work_hours", sign="10 minutes", calendar="office")
    assert not clock(ticket).provisional
    ticket.issue("T-2", handle="20 natural_days", calendar="office")
    assert not [each for each in ticket.fold.state().clocks if each.provisional]


def test_a_rework_whose_instant_was_rounded_on_the_log_does_not_move() -> None:
    """The order's limit has microseconds, the fact's time has not: a recount says nothing of that."""
    ticket = working()
    ticket.do()
    ticket.clock.advance(timedelta(microseconds=300))
    ticket.rework(handle="12 work_hours", calendar="office")
    assert ticket.recount() == []
    assert ticket.findings() == []


@pytest.mark.parametrize("how", ["nothing", "done", "closed"])
def test_where_nothing_runs_nothing_is_counted(how: str) -> None:
    """A ticket without clocks, or with none left."""
    ticket = Ticket(office("bare"), at=WEDNESDAY)
    if how != "nothing":
        ticket.issue(handle="12 work_hours", calendar="office")
        (ticket.do if how == "done" else ticket.close)()
    ticket.under(office("bare", days={"2026-03-05": "off"}))
    assert ticket.recount() == []
