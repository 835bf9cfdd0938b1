"""Is a ticket closed when it is over, once, and only then?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.fold import MORNING
from tests.unit.closure.cases import CITY, NO_CALLS, Case, names

DAY = timedelta(days=1)


def test_small_work_is_verified_by_its_record_and_closed_at_once() -> None:
    """One message, two facts; the person reads the result, never the handler's own notes."""
    verified, closed = Case().do()
    assert (verified.mode, verified.order_id) == ("automatic", "T-1")
    assert (closed.outcome, closed.result, closed.closings) == ("solved", "路面已修复", 1)
    assert closed.reopen_until == MORNING + 7 * DAY


def test_work_without_a_result_is_closed_with_a_sentence() -> None:
    """There is always something that the person may read."""
    assert Case().do(result="  ")[1].result == "承办单位已办结。The work is done."


@pytest.mark.parametrize(("severity", "category"), [("I", "0101"), ("II", "0101"), ("IV", "0501")])
def test_grave_work_and_some_categories_are_verified_by_a_person(severity: str, category: str) -> None:
    """The territorial owner is asked; what stands is closed under the name of who looked."""
    case = Case()
    (asked,) = case.do(severity=severity, category=category)  # type: ignore[arg-type]
    assert (asked.order_id, asked.unit) == ("T-1", "100000001001001")
    verified, closed = case.verify(note="looked")
    assert (verified.mode, verified.by, verified.note) == ("person", "Li", "looked")
    assert (closed.outcome, closed.by) == ("solved", "Li")


@pytest.mark.parametrize(
    ("unit", "asked"),
    [
        ("100000001001002", "100000001001"),
        ("100000001", "100000"),
        ("100000002001", "100000"),
        ("gone", "100000"),
    ],
)
def test_a_unit_without_staff_is_not_asked(unit: str, asked: str) -> None:
    """The next one above that has staff is, or the top."""
    assert Case().do(severity="I", unit=unit)[0].unit == asked


def test_what_does_not_stand_goes_back_and_comes_again() -> None:
    """Rework is counted, and the next time it is done it is verified anew."""
    case = Case()
    case.do(severity="I")
    (rework,) = case.verify(passed=False, note="still wet")
    assert (rework.order_id, rework.reason, rework.by, rework.reworks) == ("T-1", "still wet", "Li", 1)
    assert case.phase == "open"
    assert names(case.do(severity="I")) == ["verification-asked"]
    assert case.verify(passed=False, note="still")[0].reworks == 2


def test_who_wants_a_call_gets_one_before_it_is_closed() -> None:
    """Verified, then the territorial owner calls."""
    case = Case()
    verified, asked = case.do(callback=True)
    assert (verified.mode, asked.unit) == ("automatic", "100000001001001")
    called, closed = case.call(solved=True, rating=5, note="content")
    assert (called.reached, called.solved, called.rating, called.by) == (True, True, 5, "Li")
    assert (closed.outcome, closed.by) == ("solved", "Li")


def test_a_call_comes_after_a_persons_verification_too() -> None:
    """Both, in this order."""
    case = Case()
    case.do(severity="I", callback=True)
    assert names(case.verify()) == ["verified", "call-back-asked"]


def test_a_city_that_does_not_call_closes_at_once() -> None:
    """The profile decides."""
    assert names(Case(NO_CALLS).do(callback=True)) == ["verified", "closed solved"]


def test_not_solved_is_reworked_until_the_profile_has_enough() -> None:
    """Two reworks, then it is closed as what it is: unsolved."""
    case = Case()
    for reworks in (1, 2):
        case.do(callback=True)
        called, rework = case.call(solved=False, note="still wet")
        assert (called.solved, rework.reworks, rework.reason) == (False, reworks, "still wet")
    case.do(callback=True)
    called, closed = case.call(solved=False)
    assert closed.outcome == "unsolved"
    assert "未解决" in closed.result


def test_calls_that_reach_nobody_end_after_three() -> None:
    """Each is recorded; the ticket stays open between them and is closed as informed."""
    case = Case()
    case.do(callback=True)
    for _ in range(CITY.closing.calls - 1):
        (missed,) = case.call(reached=False)
        assert (missed.reached, missed.solved) == (False, None)
        assert case.phase == "calling-back"
    assert names(case.call(reached=False)) == ["called-back", "closed informed"]


def test_each_round_has_its_own_three_calls() -> None:
    """Two calls in the first round do not count in the second."""
    case = Case()
    case.do(callback=True)
    case.call(reached=False)
    case.call(reached=False)
    case.call(solved=False)
    case.do(callback=True)
    assert names(case.call(reached=False)) == ["called-back"]


def test_a_rating_counts_as_the_call_back() -> None:
    """Who rates has answered; solved or not was not said."""
    case = Case()
    case.do(callback=True)
    called, closed = case.message("rating", rating=4)
    assert (called.by, called.rating, called.solved) == ("caller", 4, None)
    assert closed.outcome == "solved"


def test_not_solved_counts_as_the_call_back() -> None:
    """And sends it back with the person's own words."""
    case = Case()
    case.do(callback=True)
    called, rework = case.message("not-solved", "路还是坏的")
    assert (called.solved, called.by) == (False, "caller")
    assert (rework.reason, rework.by) == ("路还是坏的", "caller")


@pytest.mark.parametrize("phase", ["open", "verifying", "calling-back"])
def test_the_person_may_withdraw_while_it_is_open(phase: str) -> None:
    """In every open phase, once; and within the window they may think better of it."""
    case = at(phase)
    (closed,) = case.message("withdrawal")
    assert (closed.outcome, closed.by, closed.reopen_until) == ("withdrawn", "caller", MORNING + 7 * DAY)
    assert case.message("withdrawal") == []
    assert names(case.message("not-solved")) == ["reopened"]


@pytest.mark.parametrize("phase", ["open", "verifying", "calling-back"])
def test_an_officer_may_close_it_out_of_turn_with_a_reason(phase: str) -> None:
    """The reason is what the person reads."""
    (closed,) = at(phase).close("重复上报", outcome="informed")
    assert (closed.outcome, closed.result, closed.by) == ("informed", "重复上报", "Li")


def test_what_is_diverted_is_closed_with_where_it_goes() -> None:
    """The sentence in both languages; a person may reopen what was diverted by mistake."""
    case = Case()
    (closed,) = case.divert()
    assert (closed.outcome, closed.result) == ("diverted", "请拨打119 Call 119")
    assert names(case.reopen()) == ["reopened"]
    assert Case().divert("119", "119")[0].result == "119"


@pytest.mark.parametrize("kind", ["follow-up", "answer", "urge", "rating", "not-solved"])
def test_other_messages_change_nothing_while_it_is_handled(kind: str) -> None:
    """They are on record by intake."""
    case = Case()
    assert case.message(kind) == []
    assert case.phase == "open"


def test_what_comes_after_closing_does_not_close_it_again() -> None:
    """Done, diverted, withdrawn, closed by hand: it is closed already."""
    case = Case()
    case.do()
    assert case.do() == []
    assert case.divert() == []
    assert case.message("withdrawal") == []
    assert case.close()[0].reason == "closed"


def test_a_second_done_while_it_is_verified_changes_nothing() -> None:
    """What waits for its verification is the work that was asked about."""
    case = Case()
    case.do(severity="I")
    assert case.do(severity="I", order_id="T-2") == []
    assert case.verify()[0].order_id == "T-1"


def test_within_the_window_it_is_reopened_and_closed_a_second_time() -> None:
    """Closings and reopenings are counted; the reworks of the first time do not count in the second."""
    case = Case()
    case.do(severity="I")
    case.verify(passed=False, note="wet")
    case.do()
    case.clock.advance(7 * DAY)
    (reopened,) = case.reopen("又坏了")
    assert (reopened.reason, reopened.by, reopened.reopenings) == ("又坏了", "Li", 1)
    closed = case.do(order_id="T-2")[1]
    assert (closed.closings, closed.reopen_until) == (2, case.now + 7 * DAY)
    case.reopen()
    case.do(severity="I")
    assert case.verify(passed=False, note="wet")[0].reworks == 1


def test_after_the_window_the_refusal_says_until_when() -> None:
    """In the city's own time."""
    case = Case()
    case.do()
    case.clock.advance(7 * DAY + timedelta(seconds=1))
    (refused,) = case.reopen()
    assert refused.reason == "window-passed"
    assert "2026-03-11 09:00" in refused.detail.en
    assert "2026-03-11 09:00" in refused.detail.zh


def test_the_person_reopens_it_by_saying_that_it_is_not_solved() -> None:
    """What counts is when it was said, not when it was read."""
    case = Case()
    case.do()
    case.clock.advance(8 * DAY)
    (reopened,) = case.message("not-solved", at=MORNING + 7 * DAY)
    assert (reopened.by, reopened.reopenings) == ("caller", 1)
    assert "未解决" in reopened.reason


def test_said_too_late_it_is_only_on_record() -> None:
    """By intake; closure says nothing."""
    case = Case()
    case.do()
    case.clock.advance(7 * DAY + timedelta(seconds=1))
    assert case.message("not-solved") == []
    assert case.phase == "closed"


def test_a_rating_after_closing_is_recorded() -> None:
    """It opens nothing."""
    case = Case()
    case.do()
    (called,) = case.message("rating", rating=2)
    assert (called.rating, called.by) == (2, "caller")
    assert case.phase == "closed"


@pytest.mark.parametrize(
    ("phase", "command", "reason"),
    [
        ("open", "verify", "nothing-to-verify"),
        ("calling-back", "verify", "nothing-to-verify"),
        ("closed", "verify", "nothing-to-verify"),
        ("open", "call", "no-call-back-awaited"),
        ("verifying", "call", "no-call-back-awaited"),
        ("closed", "call", "no-call-back-awaited"),
        ("open", "reopen", "not-closed"),
        ("verifying", "reopen", "not-closed"),
        ("calling-back", "reopen", "not-closed"),
        ("closed", "close", "closed"),
    ],
)
def test_what_does_not_fit_the_phase_is_refused(phase: str, command: str, reason: str) -> None:
    """With a sentence in both languages, and nothing changes."""
    case = at(phase)
    (refused,) = getattr(case, command)()
    assert refused.reason == reason
    assert refused.detail.zh not in {"", refused.detail.en}
    assert case.phase == phase


@pytest.mark.parametrize(
    ("phase", "command"), [("verifying", "verify"), ("calling-back", "call"), ("open", "close"), ("closed", "reopen")]
)
def test_who_gives_no_name_is_refused(phase: str, command: str) -> None:
    """Every act of a person has one."""
    assert getattr(at(phase), command)(by=" ")[0].reason == "no-name"


def test_a_reason_is_needed_where_one_stays_on_record() -> None:
    """For what is not good enough, for closing out of turn, for reopening; and a call says whether it is solved."""
    assert at("verifying").verify(passed=False)[0].reason == "no-note"
    assert at("open").close(" ")[0].reason == "no-reason"
    assert at("closed").reopen("")[0].reason == "no-reason"
    assert at("calling-back").call()[0].reason == "solved-missing"


def at(phase: str) -> Case:
    """Give a ticket that has come to a phase."""
    case = Case()
    if phase != "open":
        case.do(severity="I" if phase == "verifying" else "IV", callback=phase == "calling-back")
    assert case.phase == phase
    return case
