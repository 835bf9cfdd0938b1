"""Does a clock rest while its order does, go on with the rest of its time, and move only to where it was granted?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.sla.domain.state import Running
from shared.messages import ClocksPaused, ClocksRecalculated, ClocksStopped, ClockStop
from tests.support.fold import MORNING
from tests.unit.sla.cities import GRAVE, OFFICE_CITY, WAITING, at
from tests.unit.sla.ladder import Ticket, minutes, names

HOUR = timedelta(hours=1)
FRIDAY = at("2026-09-18 16:00")
"""Before the make-up Sunday of National Day 2026: the holidays are 1 to 7 October, and 20 September is worked."""


def signed(profile: Any = None, now: datetime = MORNING, **order: Any) -> Ticket:
    """Give a ticket whose order is signed for."""
    ticket = Ticket(at=now) if profile is None else Ticket(profile, now)
    ticket.issue(**order)
    ticket.sign()
    return ticket


def handle(ticket: Ticket) -> Running:
    """Give the clock of its handling."""
    (running,) = [running for running in ticket.fold.state().clocks if running.start.clock == "handle"]
    return running


def stop_of(said: list[Any], clock: str) -> ClockStop:
    """Give how a clock ended."""
    (stop,) = [stop for fact in said if isinstance(fact, ClocksStopped) for stop in fact.clocks if stop.clock == clock]
    return stop


# ---------------------------------------------------------------- resting


def test_nothing_fires_while_the_order_rests() -> None:
    """Neither warning nor breach, however long; the sign clock is not asked for, and there is nothing to wake for."""
    ticket = signed()
    ticket.live(minutes(30))
    (paused,) = ticket.suspend(reason="season")
    assert isinstance(paused, ClocksPaused)
    assert (paused.tokens, paused.reason, paused.since) == ((handle(ticket).start.token,), "season", ticket.now)
    assert ticket.fold.wake_at() is None
    assert ticket.live(timedelta(days=200)) == []
    assert ticket.findings() == []


def test_it_goes_on_with_the_rest_of_its_time() -> None:
    """30 of 60 minutes were used: 30 are left after nine days, and the warning comes 18 minutes into them."""
    ticket = signed()
    ticket.live(minutes(30))
    ticket.suspend()
    ticket.live(timedelta(days=9))
    (again,) = ticket.resume()
    assert isinstance(again, ClocksRecalculated)
    (move,) = again.clocks
    assert (again.why, again.at) == ("resumed", ticket.now)
    assert (move.old, move.new, move.warn_at) == (
        MORNING + minutes(60),
        ticket.now + minutes(30),
        ticket.now + minutes(18),
    )
    assert ticket.fold.wake_at() == ticket.now + minutes(18)
    assert names(ticket.live(minutes(29.9))) == ["clock-warned handle"]
    assert names(ticket.live(minutes(0.1)))[0] == "clock-breached handle"
    assert ticket.findings() == []


def test_a_warning_that_was_given_is_not_given_again() -> None:
    """Each run warns once, also when its limit moves on."""
    ticket = signed()
    assert names(ticket.live(minutes(50))) == ["clock-warned handle"]
    ticket.suspend()
    ticket.live(HOUR)
    ticket.resume()
    assert names(ticket.live(minutes(10)))[0] == "clock-breached handle"
    assert ticket.findings() == []


@pytest.mark.parametrize(
    ("suspended", "resumed", "due"),
    [
        ("2026-09-18 17:00", "2026-09-18 17:30", "2026-09-20 10:00"),
        ("2026-09-18 17:00", "2026-09-18 23:00", "2026-09-20 10:30"),
        ("2026-09-18 19:00", "2026-09-20 08:30", "2026-09-20 09:30"),
        ("2026-09-18 17:00", "2026-09-30 17:00", "2026-10-08 09:30"),
        ("2026-09-18 17:00", "2026-10-04 12:00", "2026-10-08 10:30"),
        ("2026-09-18 17:00", "2026-10-10 17:00", "2026-10-12 09:30"),
    ],
    ids=[
        "within a day",
        "over an evening",
        "only a night",
        "until National Day",
        "into National Day",
        "make-up Saturday",
    ],
)
def test_the_rest_is_counted_in_office_hours(suspended: str, resumed: str, due: str) -> None:
    """3 working hours from Friday 16:00, of which those until the pause are used; nights and holidays never count."""
    ticket = signed(OFFICE_CITY, FRIDAY, handle="3 work_hours", calendar="office")
    assert handle(ticket).due_at == at("2026-09-20 09:30"), "without a pause: on the make-up Sunday"
    ticket.live_until(at(suspended))
    ticket.suspend()
    ticket.live_until(at(resumed))
    ticket.resume()
    assert handle(ticket).due_at == at(due)
    assert names(ticket.live_until(at(due)))[-3] == "clock-breached handle"
    assert ticket.findings() == []


def test_a_pause_counts_in_the_time_of_the_limit() -> None:
    """From Friday evening over the weekend: of 63 hours only those count as paused that were working time."""
    ticket = signed(OFFICE_CITY, FRIDAY, handle="3 work_hours", calendar="office")
    ticket.live_until(at("2026-09-18 17:00"))
    ticket.suspend()
    ticket.live_until(at("2026-09-20 09:00"))
    ticket.resume()
    stop = stop_of(ticket.do(), "handle")
    assert (stop.outcome, stop.paused_s) == ("met", 1.5 * 3600)


def test_paused_and_resumed_at_once_changes_nothing() -> None:
    """Its limit and its warning are those of before."""
    ticket = signed()
    ticket.live(minutes(20))
    before = handle(ticket)
    ticket.suspend()
    ticket.resume()
    after = handle(ticket)
    assert (after.due_at, after.warnings, after.resting) == (before.due_at, before.warnings, False)
    assert stop_of(ticket.do(), "handle").paused_s == 0
    assert ticket.findings() == []


def test_a_pause_within_a_pause_counts_once() -> None:
    """Suspended twice is suspended; the first one says since when."""
    ticket = signed()
    ticket.live(minutes(20))
    ticket.suspend()
    ticket.live(minutes(10))
    assert ticket.suspend() == []
    ticket.live(minutes(10))
    ticket.resume()
    assert handle(ticket).due_at == MORNING + minutes(60 + 20)
    assert stop_of(ticket.do(), "handle").paused_s == 20 * 60
    assert ticket.findings() == []


def test_resuming_twice_changes_nothing() -> None:
    """Nor does resuming what never rested."""
    ticket = signed()
    assert ticket.resume() == []
    ticket.suspend()
    ticket.live(minutes(10))
    assert names(ticket.resume()) == ["clocks-recalculated handle"]
    ticket.live(minutes(10))
    assert ticket.resume() == []
    assert handle(ticket).due_at == MORNING + minutes(70)


def test_two_pauses_add_up() -> None:
    """Each counts its own length, and the limit follows from the start."""
    ticket = signed()
    for _ in range(2):
        ticket.live(minutes(10))
        ticket.suspend()
        ticket.live(minutes(25))
        ticket.resume()
    assert handle(ticket).due_at == MORNING + minutes(60 + 50)
    assert stop_of(ticket.do(), "handle").paused_s == 50 * 60
    assert ticket.findings() == []


@pytest.mark.parametrize("how", ["done", "withdrawn", "closed"])
def test_what_ends_while_it_rests_is_over(how: str) -> None:
    """Done is met, the rest cancelled; the pause ends with it, and nothing wakes any more."""
    ticket = signed()
    ticket.live(minutes(20))
    ticket.suspend()
    ticket.live(minutes(90))
    ends: dict[str, Callable[[], list[Any]]] = {
        "done": ticket.do,
        "withdrawn": ticket.withdraw,
        "closed": ticket.close,
    }
    said = ends[how]()
    stop = stop_of(said, "handle")
    assert stop.outcome == ("met" if how == "done" else "cancelled")
    assert (stop.paused_s, stop.late_in_fact) == (90 * 60, False)
    assert ticket.fold.wake_at() is None
    assert ticket.resume() == []
    assert ticket.findings() == []


def test_the_levels_that_its_breach_had_added_rest_too() -> None:
    """The community has 30 of its 60 seconds left; they run on after the pause. The breach itself stands."""
    ticket = signed()
    ticket.live(minutes(60.5))
    (paused,) = ticket.suspend()
    assert [token.split("/")[1:4] for token in paused.tokens] == [["ladder", "handle", "community"]]
    assert ticket.live(timedelta(days=3)) == []
    (again,) = ticket.resume()
    assert [(move.level, move.new) for move in again.clocks] == [("community", ticket.now + minutes(0.5))]
    assert names(ticket.live(minutes(0.5)))[0] == "clock-breached community"
    assert names(ticket.do())[0].startswith("stopped handle late")
    assert ticket.findings() == []


def test_the_total_and_other_duties_never_rest() -> None:
    """The whole runs from the report to the closing, and an alarm goes on until somebody accepts."""
    ticket = signed(GRAVE)
    ticket.suspend()
    said = ticket.live(timedelta(hours=3))
    assert "clock-breached total" in names(said)
    assert "supervision-repeated district" in names(said)
    assert not any(getattr(fact, "clock", "") == "handle" for fact in said)
    assert ticket.findings() == []


def test_a_new_run_does_not_rest() -> None:
    """What was suspended and is to be done again begins anew."""
    ticket = signed()
    ticket.suspend()
    ticket.live(HOUR)
    assert names(ticket.rework()) == ["stopped handle cancelled", "clocks-started handle"]
    assert not handle(ticket).resting
    assert ticket.fold.wake_at() == ticket.now + minutes(48)
    assert ticket.findings() == []


# ---------------------------------------------------------------- after an outage


@pytest.mark.parametrize("awake", [True, False])
def test_what_was_suspended_and_resumed_in_an_outage_counts_the_same(*, awake: bool) -> None:
    """Read as it happens, or hours later one after the other: the same limit, the same pause, the same end."""
    ticket = signed()
    start = ticket.now
    steps: list[tuple[int, Callable[[], list[Any]]]] = [(20, ticket.suspend), (50, ticket.resume), (80, ticket.do)]
    if not awake:
        ticket.clock.advance(timedelta(hours=5))
    said: list[Any] = []
    for minute, step in steps:
        if awake:
            said += ticket.live_until(start + minutes(minute))
        ticket.said_at = start + minutes(minute)
        said += step()
    stop = stop_of(said, "handle")
    assert (stop.outcome, stop.paused_s, stop.late_in_fact) == ("met", 30 * 60, False)
    (again,) = [fact for fact in said if isinstance(fact, ClocksRecalculated)]
    assert again.clocks[0].new == start + minutes(90)
    assert [name for name in names(said) if name.startswith("clock-")] == ["clock-warned handle"]
    ticket.said_at = None
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


def test_a_limit_that_had_passed_before_the_pause_is_breached() -> None:
    """Sla was away: it reads in hour 5 that the order was suspended in minute 70, and its limit was minute 60."""
    ticket = signed()
    start = ticket.now
    ticket.clock.advance(timedelta(hours=5))
    said = ticket.suspend(since=start + minutes(70))
    assert names(said) == [
        "clock-warned handle",
        "clock-breached handle",
        "escalated community",
        "clocks-started ladder community",
        "clocks-paused",
    ]
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


def test_suspended_at_the_very_limit_is_in_time() -> None:
    """A deadline that falls on the beginning of a pause stays there, and is passed once the order goes on."""
    ticket = signed()
    ticket.clock.advance(minutes(60))
    assert names(ticket.suspend()) == ["clock-warned handle", "clocks-paused"]
    ticket.live(HOUR)
    ticket.resume()
    assert handle(ticket).due_at == MORNING + minutes(60)
    assert names(ticket.wait(timedelta(0)))[0] == "clock-breached handle"
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


# ---------------------------------------------------------------- more time


def test_an_extension_moves_the_limit_and_its_warning() -> None:
    """60 minutes and 40 more: due in minute 100, warned in minute 80; both limits are on record."""
    ticket = signed()
    ticket.live(minutes(30))
    (again,) = ticket.extend(minutes(40))
    (move,) = again.clocks
    assert again.why == "extended"
    assert (move.clock, move.old, move.new) == ("handle", MORNING + minutes(60), MORNING + minutes(100))
    assert move.warn_at == MORNING + minutes(80)
    assert names(ticket.live(minutes(50))) == ["clock-warned handle"]
    assert names(ticket.live(minutes(20)))[0] == "clock-breached handle"
    assert ticket.findings() == []


@pytest.mark.parametrize(("minute", "late_in_fact"), [(59, False), (60, False), (61, True), (99, True)])
def test_met_by_an_extension_is_late_in_fact(minute: int, late_in_fact: bool) -> None:  # noqa: FBT001
    """On time as extended, and later than the first limit."""
    ticket = signed()
    ticket.extend(minutes(40))
    ticket.live_until(MORNING + minutes(minute))
    stop = stop_of(ticket.do(), "handle")
    assert (stop.outcome, stop.late_in_fact) == ("met", late_in_fact)
    assert ticket.findings() == []


@pytest.mark.parametrize(("minute", "late_in_fact"), [(80, False), (81, True)])
def test_the_first_limit_too_is_counted_without_the_pauses(minute: int, late_in_fact: bool) -> None:  # noqa: FBT001
    """60 minutes and a pause of 20: what is done in minute 80 would have been in time without the extension."""
    ticket = signed()
    ticket.live(minutes(10))
    ticket.suspend()
    ticket.live(minutes(20))
    ticket.resume()
    ticket.extend(minutes(40))
    assert handle(ticket).due_at == MORNING + minutes(120)
    ticket.live_until(MORNING + minutes(minute))
    assert stop_of(ticket.do(), "handle").late_in_fact == late_in_fact


def test_late_as_extended_is_late_and_nothing_else() -> None:
    """The extension was not enough."""
    ticket = signed()
    ticket.extend(minutes(40))
    ticket.live(minutes(101))
    stop = stop_of(ticket.do(), "handle")
    assert (stop.outcome, stop.late_in_fact) == ("late", False)
    assert ticket.findings() == []


def test_an_extension_after_the_breach_changes_nothing() -> None:
    """What was late stays late, and its levels go on."""
    ticket = signed()
    ticket.live(minutes(60.5))
    before = ticket.fold.state().clocks
    assert ticket.extend(minutes(40)) == []
    assert [(each.due_at, each.resting) for each in ticket.fold.state().clocks] == [
        (each.due_at, each.resting) for each in before
    ]
    assert names(ticket.live(minutes(0.5)))[0] == "clock-breached community"
    assert stop_of(ticket.do(), "handle").outcome == "late"
    assert ticket.findings() == []


def test_an_extension_that_is_read_late_was_granted_in_time() -> None:
    """Granted in minute 50, read in hour 2: what was due before it fires, and the old limit does not."""
    ticket = signed()
    start = ticket.now
    ticket.clock.advance(timedelta(hours=2))
    assert names(ticket.extend(minutes(90), at=start + minutes(50))) == [
        "clock-warned handle",
        "clocks-recalculated handle",
    ]
    assert ticket.fold.wake_at() == start + minutes(150)
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


def test_a_pause_after_an_extension_keeps_it() -> None:
    """60 and 40 minutes and a pause of 30."""
    ticket = signed(WAITING)
    ticket.extend(minutes(40))
    ticket.live(minutes(70))
    ticket.suspend()
    ticket.live(minutes(30))
    ticket.resume()
    assert handle(ticket).due_at == MORNING + minutes(130)
    ticket.live(minutes(29))
    stop = stop_of(ticket.do(), "handle")
    assert (stop.outcome, stop.late_in_fact, stop.paused_s) == ("met", True, 30 * 60)
    assert ticket.findings() == []
