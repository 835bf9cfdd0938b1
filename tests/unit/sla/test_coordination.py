"""Which clocks run beside the lead's: of residents who settle it, of assists, and of those who were whistled for?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.sla.domain import SlaState
from shared.messages import (
    AskCaller,
    CategoryRef,
    ClocksRecalculated,
    ClocksStarted,
    Location,
    MessageReceived,
    Span,
    TicketAmended,
)
from tests.support.fold import MORNING
from tests.unit.sla.cities import GRID, WAITS, city, office
from tests.unit.sla.ladder import CREW, LEAK, POLICE, Ticket, minutes, names, span

JOINED = city("joined", **WAITS, **{"ladder.climbs": {"assist-handle": ["community", "district"]}})
IN_OFFICE = office("in-office")
OWN_TIME = office(
    "own-time",
    departments=[
        {"id": "police", "topic": "police", "zh": "公安", "en": "Police", "calendar": "always"},
        {"id": "water", "topic": "water", "zh": "供水", "en": "Water"},
    ],
)
"""The police work round the clock, everybody else in office hours."""
ASSIST: dict[str, Any] = {"role": "assist", "lead": POLICE}


def running(state: SlaState) -> dict[tuple[str, str], Any]:
    """Give (clock, order) -> its limit, of all that run."""
    return {(each.start.clock, each.start.order_id or ""): each.due_at for each in state.clocks}


def wrong(ticket: Ticket) -> list[Any]:
    """Give what the auditor finds in a life in which nobody was awake all the time."""
    return [finding for finding in ticket.findings() if finding.kind != "late"]


def amend(ticket: Ticket, code: str = "0101", condition: str = "building", **given: Any) -> list[Any]:
    """Correct what it is; the police hear of two hours."""
    fields: dict[str, Any] = {
        "category": CategoryRef(code=code, name="x", condition=condition), "old_category": LEAK, "severity": "IV",
        "old_severity": "IV", "place": Location(unit=GRID), "old_place": Location(unit=GRID), "level": "grid",
        "unit": GRID, "sign_limit": span("20 minutes"), "handle_limit": span("120 minutes"), "calendar": "always",
        "by": "Qian", "reason": "x",
    }  # fmt: skip
    return ticket.read(TicketAmended(**(fields | given)))


# ---------------------------------------------------------------- settlement, small matters


def test_settlement_has_one_clock_of_its_own_that_only_warns() -> None:
    """Nobody signs and nobody is called when it is over; that it was is on record."""
    ticket = Ticket()
    assert names(ticket.issue(tier="settlement", handle="90 minutes", reachable=True)) == ["clocks-started settlement"]
    ticket.live(minutes(90))
    said = ticket.withdraw(reason="expired")
    assert [name for name in names([m.data for m in ticket.log]) if "escalated" in name] == []
    assert names(said)[-1:] == ["stopped settlement late"] or "clock-breached settlement" in names(said)
    assert ticket.findings() == []


def test_that_it_expired_is_a_breach_also_when_it_is_read_before_the_timer() -> None:
    """At the very instant too: the word that nobody settled it by the limit is no answer in time."""
    ticket = Ticket()
    ticket.issue(tier="settlement", handle="90 minutes")
    ticket.clock.advance(minutes(90))
    said = ticket.withdraw(reason="expired")
    assert names(said)[-2:] == ["clock-breached settlement", "stopped settlement late"]


def test_what_is_settled_in_time_is_met() -> None:
    """Also what is said at the limit itself."""
    ticket = Ticket()
    ticket.issue(tier="settlement", handle="90 minutes")
    ticket.clock.advance(minutes(90))
    assert names(ticket.do(tier="settlement")) == ["clock-warned settlement", "stopped settlement met"]


def test_a_rework_of_a_settlement_runs_by_the_same_clock() -> None:
    """It climbs no ladder either."""
    ticket = Ticket()
    ticket.issue(tier="settlement", handle="90 minutes")
    ticket.do(tier="settlement")
    said = ticket.rework(handle="90 minutes", tier="settlement")
    assert names(said) == ["clocks-started settlement"]
    ticket.live(minutes(100))
    assert not any("escalated" in name for name in names([m.data for m in ticket.log]))


def test_a_small_matter_is_signed_and_handled_and_late_as_any_other() -> None:
    """By the limit of its step."""
    ticket = Ticket()
    assert names(ticket.issue(tier="small", handle="30 minutes")) == ["clocks-started sign, handle"]
    ticket.sign()
    assert "escalated community" in names(ticket.live(minutes(31)))


@pytest.mark.parametrize(("own", "due"), [(True, minutes(30)), (False, minutes(120))])
def test_a_limit_of_its_own_outlives_a_correction(own: bool, due: timedelta) -> None:  # noqa: FBT001 - a parameter
    """That of a step, or of a promise; what has none is counted again."""
    ticket = Ticket()
    ticket.issue(tier="small", handle="30 minutes", own_limit=own)
    amend(ticket)
    assert running(ticket.fold.state())["handle", "T-1"] == MORNING + due
    assert ticket.findings() == []


# ---------------------------------------------------------------- assists


def test_an_assist_has_clocks_of_its_own_and_the_leads_go_on() -> None:
    """Whoever is done stops their own."""
    ticket = Ticket()
    ticket.issue()
    assert names(ticket.issue("T-2", sign="5 minutes", handle="30 minutes", **ASSIST)) == [
        "clocks-started assist-sign, assist-handle"
    ]
    assert names(ticket.sign("T-2")) == ["stopped assist-sign met"]
    assert names(ticket.do("T-2", role="assist")) == ["stopped assist-handle met"]
    assert set(running(ticket.fold.state())) == {("sign", "T-1"), ("handle", "T-1")}


def test_a_late_assist_warns_and_is_counted_and_climbs_nothing() -> None:
    """Unless the profile says so: then each breach takes one step, above whoever was added before."""
    quiet = Ticket()
    quiet.issue(handle="5 work_days")
    quiet.sign()
    quiet.issue("T-2", handle="30 minutes", **ASSIST)
    said = names(quiet.live(minutes(60)))
    assert "clock-breached assist-handle" in said
    assert not any(name.startswith("escalated") for name in said)
    loud = Ticket(JOINED)
    loud.issue(handle="5 work_days")
    loud.sign()
    for order in ("T-2", "T-3"):
        loud.issue(order, handle="30 minutes", **ASSIST)
        loud.sign(order)
    said = names(loud.live(minutes(30)))
    assert [name for name in said if name.startswith("escalated")] == ["escalated community", "escalated district"]
    assert loud.findings() == []


def test_an_alarm_ends_with_the_lead_and_not_with_an_assist() -> None:
    """A grave matter is not over when an assist has done its part."""
    grave = Ticket(city("grave", **WAITS, **{"ladder.at_once": ["I"]}))
    grave.issue(severity="I")
    grave.issue("T-2", **ASSIST)
    assert "ladder cancelled" not in " ".join(names(grave.do("T-2", role="assist")))
    assert grave.fold.state().alarmed
    assert "ladder cancelled" in " ".join(names(grave.do()))


def test_an_assist_rests_alone_and_rests_on_when_another_leads() -> None:
    """The caller's answer does not wake it."""
    ticket = Ticket()
    ticket.issue(reachable=True)
    ticket.issue("T-2", **ASSIST)
    ticket.suspend("T-2")
    ticket.withdraw("T-1")
    ticket.issue("T-3")
    assert ticket.fold.state().suspended == {"T-2": "materials"}
    resting = [each.start.order_id for each in ticket.fold.state().clocks if each.resting]
    assert resting == ["T-2"]
    ticket.read(AskCaller(question="?", by="Qian"))
    ticket.live(minutes(20))
    ticket.read(MessageReceived(message_id="m", message_kind="answer", received_at=ticket.now))
    assert [each.start.order_id for each in ticket.fold.state().clocks if each.resting] == ["T-2"]
    assert names(ticket.resume("T-2"))[-1].startswith("clocks-recalculated")
    assert ticket.findings() == []


def test_after_a_correction_each_order_is_counted_in_its_own_working_time() -> None:
    """The lead's in office hours, that of an assist who works round the clock round the clock."""
    ticket = Ticket(OWN_TIME)
    ticket.issue(calendar="office", handle="10 work_hours", severity="IV")
    ticket.issue("T-2", calendar="always", handle="10 work_hours", handler=POLICE, role="assist", lead=CREW)
    amend(ticket, calendar="office", handle_limit=Span(amount=9, unit="work_hours"))
    moved = running(ticket.fold.state())
    assert moved["assist-handle", "T-2"] == MORNING + timedelta(days=2)  # 2 urgent_days: the lead's limit of 0101
    assert moved["handle", "T-1"] != MORNING + timedelta(hours=9)
    assert ticket.findings() == []


def test_an_assist_may_not_sign_later_than_it_must_be_done() -> None:
    """Also after a correction, as the lead."""
    ticket = Ticket()
    ticket.issue(severity="IV")
    ticket.issue("T-2", sign="10 minutes", handle="30 minutes", **ASSIST)
    amend(ticket, code="0501", condition="leak")
    state = running(ticket.fold.state())
    assert state["assist-sign", "T-2"] <= state["assist-handle", "T-2"] == MORNING + timedelta(hours=1)
    assert ticket.findings() == []


# ---------------------------------------------------------------- whistles


def test_one_clock_runs_for_all_who_are_called_and_its_breach_is_one_step() -> None:
    """However many stay away."""
    ticket = Ticket()
    ticket.issue(handle="5 work_days")
    ticket.sign()
    assert names(ticket.issue("T-2", role="whistle", whistle=1)) == []
    assert names(ticket.whistle()) == ["clocks-started arrive"]
    said = names(ticket.live(minutes(30)))
    assert [name for name in said if name.startswith("escalated")] == ["escalated community"]
    assert ticket.findings() == []


@pytest.mark.parametrize("wait", [minutes(30), minutes(31)])
def test_that_others_are_called_says_that_too_few_came_by_the_limit(wait: timedelta) -> None:
    """Read before the timer at the very instant it is a breach too; a clock begins for the new ones."""
    ticket = Ticket()
    ticket.issue(handle="5 work_days")
    ticket.sign()
    ticket.whistle()
    ticket.clock.advance(wait)
    said = names(ticket.widen())
    assert said[:3] == ["clock-warned arrive", "clock-breached arrive", "escalated community"]
    assert said[-1] == "clocks-started arrive"
    assert running(ticket.fold.state())["arrive", ""] == MORNING + wait + minutes(30)
    assert wrong(ticket) == []


def test_with_nobody_left_to_call_the_ladder_goes_on_until_enough_have_come() -> None:
    """Their coming ends it, late."""
    ticket = Ticket()
    ticket.issue(handle="5 work_days")
    ticket.sign()
    ticket.whistle()
    ticket.live(minutes(30))
    assert names(ticket.widen(anybody=False)) == []
    assert any(name.startswith("escalated district") for name in names(ticket.live(minutes(30))))
    assert names(ticket.answer_whistle()) == ["stopped arrive late, ladder cancelled"]
    assert ticket.findings() == []


def test_who_comes_in_time_meets_it_and_an_end_does_too() -> None:
    """At the very limit, and long before."""
    ticket = Ticket()
    ticket.issue()
    ticket.whistle()
    ticket.clock.advance(minutes(30))
    assert "stopped arrive met" in names(ticket.answer_whistle())
    ticket.whistle(number=2)
    assert names(ticket.end_whistle()) == ["stopped arrive met"]
    ticket.whistle(number=3)
    assert "arrive cancelled" in " ".join(names(ticket.close()))


def test_a_whistle_keeps_its_working_time_whatever_is_corrected() -> None:
    """It was said with the whistle, and with each wave."""
    ticket = Ticket(IN_OFFICE)
    ticket.issue(calendar="always", severity="IV")
    ticket.whistle("4 work_hours", "office")
    due = running(ticket.fold.state())["arrive", ""]
    said = amend(ticket)
    moves = [move.clock for fact in said if isinstance(fact, ClocksRecalculated) for move in fact.clocks]
    assert "arrive" not in moves
    ticket.clock.advance(due - ticket.now)
    (started,) = [fact for fact in ticket.widen("1 work_hours", "office") if isinstance(fact, ClocksStarted)][-1:]
    assert started.clocks[0].calendar.startswith("office@")
    assert wrong(ticket) == []


def test_two_leads_until_one_has_signed_are_each_in_their_own_working_time() -> None:
    """The one who hands over in its own, the one who takes over in its own."""
    ticket = Ticket(OWN_TIME)
    ticket.issue(calendar="always", handle="10 work_hours", handler=POLICE, severity="IV")
    ticket.sign()
    ticket.issue("T-2", calendar="office", handle="10 work_hours", severity="IV", takes_over="T-1", lead=POLICE)
    amend(ticket, calendar="always", handle_limit=Span(amount=8, unit="work_hours"))
    moved = running(ticket.fold.state())
    assert moved["handle", "T-1"] == MORNING + timedelta(hours=8)
    assert moved["handle", "T-2"] > MORNING + timedelta(hours=8)
    assert ticket.findings() == []
