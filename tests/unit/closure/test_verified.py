"""Who looks whether it is done, who is drawn to be looked at, how is the person asked, and what when it never is?"""

from __future__ import annotations

from typing import Any, get_args

import pytest

from shared.messages import CallChannel, CommandRefused, Handler, Location
from tests.unit.closure.cases import Case, names
from tests.unit.sla.cities import city

GRID, COMMUNITY, STREET, TOP = "100000001001001", "100000001001", "100000001", "100000"
OWN = city("own", **{"closing.by_others": False})
SAMPLED = city(
    "sampled", **{"closing.sample": [{"severities": ["III"], "share": 1.0}, {"categories": ["01*"], "share": 0.3}]}
)
UP = city("up", **{"closing.then": "level-up", "closing.max_reworks": 1})
ONE_CALL = city("one-call", **{"closing.calls": 1})


def refusal(facts: list[Any]) -> CommandRefused:
    """Give the refusal, which stands in both languages."""
    (fact,) = facts
    assert isinstance(fact, CommandRefused)
    assert fact.detail.zh != fact.detail.en
    return fact


# ---------------------------------------------------------------- by others


@pytest.mark.parametrize("by", ["李", " 李 ", "Wang", "wang"])
@pytest.mark.parametrize("passed", [True, False])
def test_nobody_verifies_what_they_have_handled(by: str, passed: bool) -> None:  # noqa: FBT001 - drawn by name
    """Neither who said that it is done nor who signed; the sentence names them."""
    case = Case()
    case.do(severity="I", by="李", hands=("Wang",))
    refused = refusal(case.verify(passed=passed, note="looked", by=by))
    assert refused.reason == "own-work"
    assert by.strip() in refused.detail.en
    assert by.strip() in refused.detail.zh
    assert case.phase == "verifying"
    assert names(case.verify(by="Zhao")) == ["verified", "closed solved"]


def test_where_no_name_is_given_anybody_may_look() -> None:
    """A department's own system may say nobody's name."""
    case = Case()
    case.do(severity="I")
    assert names(case.verify(by="李")) == ["verified", "closed solved"]


def test_a_city_may_let_handlers_verify() -> None:
    """The profile decides."""
    case = Case(OWN)
    case.do(severity="I", by="李")
    assert names(case.verify(by="李")) == ["verified", "closed solved"]


def test_another_round_has_other_hands() -> None:
    """Who handled it before a reassignment may look at what somebody else has done."""
    case = Case()
    case.do(severity="I", by="李")
    case.verify(passed=False, note="wet", by="Zhao")
    case.do(severity="I", by="Sun")
    assert refusal(case.verify(by="Sun")).reason == "own-work"
    assert names(case.verify(by="李")) == ["verified", "closed solved"]


@pytest.mark.parametrize(
    ("handler", "place", "asked"),
    [
        (Handler(kind="department", id="water"), GRID, GRID),
        (Handler(kind="unit", id=GRID), GRID, COMMUNITY),
        (Handler(kind="unit", id=COMMUNITY), GRID, GRID),
        (Handler(kind="department", id="water"), "100000001001002", COMMUNITY),
        (Handler(kind="unit", id=COMMUNITY), "100000001001002", TOP),
        (Handler(kind="department", id="water"), STREET, TOP),
        (Handler(kind="unit", id=TOP), STREET, TOP),
        (Handler(kind="department", id="water"), "gone", COMMUNITY),
    ],
)
def test_who_looks_is_nearby_and_not_the_handler(handler: Handler, place: str, asked: str) -> None:
    """The lowest unit of the place that has staff; where only the handler has, the next above; at last the top."""
    (fact,) = Case().do(severity="I", handler=handler, place=Location(unit=place), unit=COMMUNITY)
    assert (fact.unit, fact.sampled) == (asked, False)


# ---------------------------------------------------------------- sampling


def drawn(number: int, **given: Any) -> bool:
    """Tell whether the order of a made-up ticket is drawn."""
    (first, *_) = Case(SAMPLED).do(order_id=f"{number:016d}-1", **given)
    return bool(getattr(first, "sampled", False))


def test_a_share_is_looked_at_by_a_person() -> None:
    """About three in ten, and every one of the graver sort."""
    share = sum(drawn(number) for number in range(300)) / 300
    assert 0.2 < share < 0.4
    assert all(drawn(number, severity="III") for number in range(20))


def test_what_no_row_names_is_not_drawn() -> None:
    """The record does."""
    assert not any(drawn(number, category="0901") for number in range(50))


def test_the_draw_follows_from_ticket_and_closing_alone() -> None:
    """Asked again it is the same; after a reopening it is another one."""
    first = [drawn(number) for number in range(60)]
    assert first == [drawn(number) for number in range(60)]
    again = []
    for number in range(60):
        case = Case(SAMPLED)
        order = f"{number:016d}-1"
        if names(case.do(order_id=order))[0] == "verification-asked":
            case.verify()
        case.reopen()
        again.append(names(case.do(order_id=order))[0] == "verification-asked")
    assert again != first


def test_what_is_drawn_is_closed_by_who_looked() -> None:
    """As any other verification by a person."""
    case = Case(SAMPLED)
    case.do(severity="III", by="李")
    assert refusal(case.verify(by="李")).reason == "own-work"
    verified, closed = case.verify(by="Zhao")
    assert (verified.mode, closed.by) == ("person", "Zhao")


# ---------------------------------------------------------------- calling back


@pytest.mark.parametrize("channel", get_args(CallChannel))
def test_the_channel_and_the_try_are_on_record(channel: Any) -> None:
    """Of each try, whether it reaches somebody or not."""
    case = Case()
    case.do(callback=True)
    (missed,) = case.call(reached=False, channel=channel)
    assert (missed.reached, missed.channel, missed.attempt) == (False, channel, 1)
    called, _ = case.call(solved=True, channel=channel)
    assert (called.reached, called.channel, called.attempt) == (True, channel, 2)


def test_the_profile_says_how_often_it_is_tried() -> None:
    """Once here: the first that reaches nobody ends it, as informed."""
    case = Case(ONE_CALL)
    case.do(callback=True)
    called, closed = case.call(reached=False)
    assert (called.rating, called.solved) == (None, None)
    assert closed.outcome == "informed"
    assert "could not be reached" in closed.result


@pytest.mark.parametrize("said", [{"rating": 5}, {"solved": True}, {"solved": False}, {"solved": True, "rating": 5}])
def test_who_was_not_reached_has_said_nothing(said: dict[str, Any]) -> None:
    """Neither content nor discontent; the try does not count."""
    case = Case()
    case.do(callback=True)
    assert refusal(case.call(reached=False, **said)).reason == "not-reached"
    assert case.fold.state().calls == 0


# ---------------------------------------------------------------- closing types


def test_what_is_no_matter_is_rejected_with_a_reason() -> None:
    """The person reads it."""
    (closed,) = Case().close("不属于受理范围", outcome="rejected")
    assert (closed.outcome, closed.result, closed.by) == ("rejected", "不属于受理范围", "Li")


def test_a_rejection_needs_a_reason() -> None:
    """As every closing out of turn."""
    assert refusal(Case().close("  ", outcome="rejected")).reason == "no-reason"


@pytest.mark.parametrize("phase", ["verifying", "calling-back"])
def test_what_is_done_is_not_rejected_any_more(phase: str) -> None:
    """Somebody has worked on it: then it was a matter."""
    case = Case()
    case.do(severity="I" if phase == "verifying" else "IV", callback=phase == "calling-back")
    assert case.phase == phase
    assert refusal(case.close(outcome="rejected")).reason == "work-done"
    assert names(case.close(outcome="informed")) == ["closed informed"]


def test_what_was_rejected_may_be_reopened() -> None:
    """It may have been a mistake."""
    case = Case()
    case.close(outcome="rejected")
    assert names(case.message("not-solved", "就是你们管")) == ["reopened"]


# ---------------------------------------------------------------- a level up


def unsatisfied(case: Case, **given: Any) -> list[Any]:
    """Give what follows when the person says once more that it is not solved."""
    case.do(callback=True, **given)
    return case.call(solved=False, note="还漏")


def test_after_the_last_rework_each_further_one_goes_a_level_up() -> None:
    """One plain rework, then one for each level above that has somebody, then it is unsolved."""
    case = Case(UP)
    ups = [unsatisfied(case)[-1].level_up for _ in range(3)]
    assert ups == [False, True, True]  # the community, the district: the street has nobody
    assert names(unsatisfied(case)) == ["called-back", "closed unsolved"]


def test_where_the_top_owns_it_there_is_no_level_up() -> None:
    """It is closed as what it is."""
    case = Case(UP)
    unsatisfied(case, unit=TOP)
    assert names(unsatisfied(case, unit=TOP)) == ["called-back", "closed unsolved"]


def test_levels_are_not_climbed_again_after_a_reopening() -> None:
    """They are owners for ever; reworks begin anew."""
    case = Case(UP)
    for _ in range(4):
        unsatisfied(case)
    case.reopen()
    assert [unsatisfied(case)[-1].level_up] == [False]
    assert names(unsatisfied(case)) == ["called-back", "closed unsolved"]


def test_what_does_not_stand_again_and_again_goes_up_too() -> None:
    """Whoever says so; a verification alone never closes it as unsolved."""
    case = Case(UP)
    ups = []
    for _ in range(5):
        case.do(severity="I")
        (rework,) = case.verify(passed=False, note="wet")
        ups.append(rework.level_up)
    assert ups == [False, True, True, False, False]


def test_by_default_it_is_closed_as_unsolved() -> None:
    """And nobody is troubled with it."""
    case = Case()
    assert [unsatisfied(case)[-1].level_up for _ in range(2)] == [False, False]
    assert names(unsatisfied(case)) == ["called-back", "closed unsolved"]


# ---------------------------------------------------------------- told before closing


def test_nothing_is_closed_as_solved_that_was_not_done_before() -> None:
    """So that intake has told the person of it, at OrderDone, before it is closed (LQ-21)."""
    for given in ({}, {"callback": True}, {"severity": "I"}, {"tier": "settlement"}):
        case = Case()
        said = [*case.do(**given)]
        if case.phase == "verifying":
            said += case.verify()
        if case.phase == "calling-back":
            said += case.call(solved=True)
        assert said[-1].outcome in {"solved", "self-settled"}
