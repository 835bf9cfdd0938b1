"""Who may whistle for whom, who has come, who is called when too few have, and what came of it?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from shared.messages import (
    AmendTicket,
    ClockBreached,
    ClocksRecalculated,
    ClockWarned,
    DepartmentOrderChanged,
    DepartmentOrderClosed,
    DepartmentOrderIssued,
    DepartmentOrderReminded,
    DepartmentOrderWithdrawn,
    EndWhistle,
    Handler,
    Mark,
    OrderDone,
    OrderProgressed,
    RaiseWhistle,
    ReportProgress,
    UpdateAccepted,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
    WhistleWidened,
)
from shared.messages.doors import OrderMessage
from tests.support.fold import MORNING, Said, envelope_of
from tests.unit.dispatch.orders import back, closed, done, extend, note, resume, sign, suspend, topics, update
from tests.unit.loop.city import COMMUNITY, DISTRICT, GRID, STREET, WEST, city
from tests.unit.loop.orders import (
    HERE,
    IN_DISTRICT,
    POLICE,
    POWER,
    SETTLED_FIRST,
    WATER,
    dispatch,
    issued,
    nth,
    open_orders,
    refusal,
    withdrawn,
)

UNION = Handler(kind="unit", id="union-1")
SOON = timedelta(minutes=30)
ON_A_ROAD = HERE.model_copy(update={"road": "long-road"})
LEAK = {"code": "0501", "name": "漏水", "condition": "leak"}


def whistle(situation: str = "fire-lane", unit: str = STREET, **given: Any) -> RaiseWhistle:
    """Give a whistle of the street for a blocked fire lane."""
    return RaiseWhistle(situation=situation, unit=unit, **({"by": "街道值班", "where": "3 栋北侧"} | given))


def end(*marks: tuple[Handler, int], **given: Any) -> EndWhistle:
    """End the whistle with its joint result."""
    marked = tuple(Mark(handler=handler, score=score) for handler, score in marks)
    return EndWhistle(**({"result": "现场拆除，划线", "marks": marked, "by": "街道值班"} | given))


def come(order_id: str, department: str | None, at: datetime | None = None, **given: Any) -> ReportProgress:
    """Check in on the spot."""
    fields: dict[str, Any] = {"progress": "check-in", "at": at, "lon": 103.0, "lat": 29.98, "by": "王"}
    return ReportProgress(order_id=order_id, department=department, **(fields | given))


def one(said: Said, kind: Any) -> Any:
    """Give the one fact of a kind."""
    (fact,) = [fact for fact in said.facts if isinstance(fact, kind)]
    return fact


def facts(said: Said, *kinds: Any) -> list[Any]:
    """Give the facts of some kinds."""
    return [fact for fact in said.facts if isinstance(fact, kinds)]


def whistled(city_: Any = None, **given: Any) -> Any:
    """Give dispatch with the first wave of a whistle: orders 2 (police) and 3 (power); water leads."""
    folded = dispatch(*(() if city_ is None else (city_,)), lead=WATER, place=ON_A_ROAD)
    assert folded.read(whistle(**given)).refused is None
    return folded


# ---------------------------------------------------------------- calling


def test_a_whistle_calls_whom_the_situation_names_each_by_an_order() -> None:
    """To be there by an instant; departments hear it on their topics, with who leads."""
    folded = dispatch(lead=WATER)
    said = folded.read(whistle(reason="堵了一周"))
    raised = one(said, WhistleRaised)
    assert (raised.whistle, raised.situation, raised.unit, raised.wave) == (1, "fire-lane", STREET, 1)
    assert (raised.called, raised.enough, raised.arrive_by) == ((POLICE, POWER), 2, MORNING + SOON)
    assert issued(said) == [(nth(2), "whistle", "police"), (nth(3), "whistle", "power")]
    assert topics(said) == [("police", "order.issued"), ("power", "order.issued")]
    for _, body in said.effects:
        assert isinstance(body, DepartmentOrderIssued)
        assert (body.role, body.lead, body.sign_by, body.returnable) == ("whistle", WATER, MORNING + SOON, False)
    assert folded.wake_at() == MORNING + SOON
    assert open_orders(folded)[nth(1)] == "water"  # the lead handles on


def test_whoever_whistles_is_there_already_and_a_level_may_get_a_copy() -> None:
    """A copy goes to people and calls nobody: who only gets one can miss nothing."""
    called = {"id": "near", "zh": "就近", "en": "Near", "by": ["community", "street"], "copied": ["district"]}
    waves = [[{"level": "community"}, "police"], [{"level": "community"}]]
    near = city("near", **{"loop.situations": [{**called, "waves": waves, "arrive": "30 minutes"}]})
    assert len(one(dispatch(near, lead=WATER).read(whistle("near")), WhistleRaised).called) == 2
    folded = dispatch(near, lead=WATER)
    raised = one(folded.read(whistle("near", unit=COMMUNITY)), WhistleRaised)
    assert raised.called == (POLICE,)
    assert raised.told == near.told(DISTRICT, MORNING)
    assert raised.told
    folded.clock.advance(SOON)
    assert one(folded.wake(), WhistleWidened).called == ()


def test_some_of_those_who_may_be_called_can_be_picked() -> None:
    """Of any wave; each once."""
    said = dispatch(lead=POLICE, place=ON_A_ROAD).read(whistle(called=(WATER, WATER, IN_DISTRICT)))
    assert one(said, WhistleRaised).called == (WATER, IN_DISTRICT)


def test_a_department_that_leads_may_be_whistled_for_too() -> None:
    """Two orders on one topic are two messages with ids of their own, in every turn."""
    folded = dispatch(lead=POLICE)
    folded.read(whistle())
    assert open_orders(folded) == {nth(1): "police", nth(2): "police", nth(3): "power"}
    said = folded.read(closed("forced"))
    ids = [envelope_of(out).id for out in said.outbox]
    assert len(set(ids)) == len(ids) == 4, "three departments' messages, and that the whistle is over"
    assert topics(said) == [("police", "order.closed"), ("police", "order.closed"), ("power", "order.closed")]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (whistle(by=" "), "no-name"),
        (whistle("gone"), "unknown-situation"),
        (whistle("flood"), "unknown-situation"),
        (whistle(unit=GRID), "may-not-whistle"),
        (whistle(unit=WEST), "may-not-whistle"),
        (whistle(unit="gone"), "may-not-whistle"),
        (whistle(called=(Handler(kind="department", id="gone"),)), "not-called"),
        (whistle("road"), None),
    ],
)
def test_who_may_not_whistle_is_told_why(command: Any, reason: str | None) -> None:
    """`flood` is for leaks; the grid and another street may not; others than the situation names are not called."""
    said = dispatch(lead=WATER, place=ON_A_ROAD).read(command)
    assert (None if said.refused is None else refusal(said)) == reason


def test_a_situation_is_known_by_its_names_too() -> None:
    """As people write them."""
    assert one(dispatch().read(whistle("消防通道堵塞")), WhistleRaised).situation == "fire-lane"
    assert one(dispatch().read(whistle("Fire lane blocked", unit=COMMUNITY)), WhistleRaised).unit == COMMUNITY


def test_where_nobody_is_to_be_called_the_next_wave_is_first_or_it_is_refused() -> None:
    """Without a road no department belongs to it; the union of this grid is not there in the other street."""
    said = dispatch().read(whistle("road"))
    raised = one(said, WhistleRaised)
    assert (raised.wave, raised.called, raised.enough) == (2, (UNION,), 1)
    west = HERE.model_copy(update={"grid": None, "community": None, "street": WEST, "unit": WEST})
    assert refusal(dispatch(place=west).read(whistle("road", unit=WEST))) == "nobody-to-call"


def test_one_whistles_for_what_somebody_handles_and_once_at_a_time() -> None:
    """Neither for what is done or closed, nor while another whistle is not over."""
    folded = whistled()
    assert refusal(folded.read(whistle())) == "whistle-open"
    folded.read(end())
    assert one(folded.read(whistle()), WhistleRaised).whistle == 2
    finished = dispatch()
    finished.read(sign(nth(1), None))
    finished.read(done(nth(1), None))
    assert refusal(finished.read(whistle())) == "no-order"
    finished.read(closed())
    assert refusal(finished.read(whistle())) == "no-order"


def test_residents_who_settle_it_may_see_a_whistle_too() -> None:
    """It goes on with whoever is next, and their word that it is done waits for its end."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.read(whistle())
    assert refusal(folded.read(done(nth(1), None))) == "whistle-open"
    folded.clock.advance(timedelta(hours=2))
    said = folded.wake()
    assert {fact.type.split(".")[2] for fact in said.facts} == {
        "whistle-widened", "order-issued", "called", "order-withdrawn",
    }  # fmt: skip


# ---------------------------------------------------------------- coming


def test_who_comes_need_not_have_signed_and_enough_make_it_answered() -> None:
    """With time and place; the one that comes twice is one."""
    folded = whistled()
    said = update(folded, come(nth(2), "police"), "u-1")
    progressed = one(said, OrderProgressed)
    assert (progressed.progress, progressed.at, progressed.lon) == ("check-in", MORNING, 103.0)
    assert facts(update(folded, come(nth(2), "police"), "u-2"), WhistleAnswered) == []
    answered = one(update(folded, come(nth(3), "power"), "u-3"), WhistleAnswered)
    assert (answered.whistle, answered.came, answered.at) == (1, (POLICE, POWER), MORNING)
    assert folded.wake_at() is None


def test_a_check_in_that_answers_the_whistle_is_accepted_again_when_it_is_repeated() -> None:
    """With all that it led to, and nothing is done twice."""
    folded = whistled()
    update(folded, come(nth(2), "police"), "u-1")
    command = come(nth(3), "power")
    first = update(folded, command, "u-2")
    again = update(folded, command, "u-2")
    assert again.facts == []
    ((_, answer),) = again.effects
    assert isinstance(answer, UpdateAccepted)
    assert first.effects[0][1] == answer


@pytest.mark.parametrize(
    ("said_at", "came_at"),
    [
        (None, MORNING + timedelta(minutes=10)),
        (MORNING + timedelta(minutes=5), MORNING + timedelta(minutes=5)),
        (MORNING - timedelta(hours=5), MORNING),
        (MORNING + timedelta(hours=5), MORNING + timedelta(minutes=10)),
    ],
)
def test_nobody_came_before_they_were_called_or_later_than_they_said_so(said_at: Any, came_at: datetime) -> None:
    """Whatever clock the department has."""
    folded = whistled()
    folded.clock.advance(timedelta(minutes=10))
    update(folded, come(nth(2), "police", said_at), "u-1")
    assert folded.state().orders[1].came_at == came_at


def test_who_was_whistled_for_comes_first_and_returns_nothing() -> None:
    """Every other update has its sentence; signing is no duty and no harm."""
    folded = whistled()
    for make, reason in ((done, "come-first"), (back, "come-first"), (suspend, "whistled"), (extend, "whistled"),
                         (resume, "whistled")):  # fmt: skip
        assert refusal(update(folded, make(nth(2), "police"), f"u-{make.__name__}")) == reason
    assert update(folded, sign(nth(2), "police"), "s-1").refused is None
    assert refusal(update(folded, sign(nth(2), "police"), "s-2")) == "already-signed"
    assert update(folded, note(nth(2), "police"), "n-1").refused is None
    update(folded, come(nth(2), "police"), "c-1")
    assert refusal(update(folded, back(nth(2), "police"), "b-2")) == "whistled"
    (fact,) = update(folded, done(nth(2), "police"), "d-1").facts
    assert isinstance(fact, OrderDone)
    assert fact.role == "whistle"


def test_only_who_was_whistled_for_marks_the_whistle() -> None:
    """From 1 to 5, the last word counts."""
    folded = whistled()
    assert refusal(update(folded, note(nth(1), "water", whistle_score=3), "u-0")) in {"not-signed", "no-whistle"}
    update(folded, sign(nth(1), "water"), "u-1")
    assert refusal(update(folded, note(nth(1), "water", whistle_score=3), "u-2")) == "no-whistle"
    update(folded, note(nth(2), "police", whistle_score=2), "u-3")
    update(folded, come(nth(2), "police", whistle_score=5), "u-4")
    assert one(folded.read(end()), WhistleEnded).quality == (Mark(handler=POLICE, score=5),)


# ---------------------------------------------------------------- too few have come


def test_when_too_few_have_come_the_next_wave_is_called_with_as_much_time() -> None:
    """Who has not come is named; the road's departments are next, of whom one was called already."""
    folded = whistled()
    update(folded, come(nth(2), "police"), "u-1")
    folded.clock.advance(timedelta(hours=2))
    said = folded.wake()
    widened = one(said, WhistleWidened)
    assert (widened.wave, widened.called, widened.missing) == (2, (WATER,), (POWER,))
    assert widened.arrive_by == MORNING + timedelta(hours=2) + SOON  # they hear of it now
    assert issued(said) == [(nth(4), "whistle", "water")]
    assert folded.wake_at() == widened.arrive_by


def test_a_wave_in_which_nobody_is_new_is_passed_over() -> None:
    """Without a road the second wave is empty: the third is called at once."""
    folded = dispatch(lead=WATER)
    folded.read(whistle())
    folded.clock.advance(SOON)
    widened = one(folded.wake(), WhistleWidened)
    assert (widened.wave, widened.called) == (3, (UNION, WATER, IN_DISTRICT))


def test_when_nobody_is_left_to_call_it_is_said_once_and_who_comes_late_still_answers() -> None:
    """The ladder, which went on meanwhile, hears of it."""
    folded = dispatch(lead=WATER)
    folded.read(whistle())
    folded.clock.advance(SOON)
    folded.wake()
    folded.clock.advance(SOON)
    widened = one(folded.wake(), WhistleWidened)
    assert widened.called == ()
    assert len(widened.missing) == 5
    assert folded.wake_at() is None
    folded.clock.advance(timedelta(hours=3))
    assert folded.wake().facts == []
    assert facts(update(folded, come(nth(2), "police"), "u-1"), WhistleAnswered) == []
    assert one(update(folded, come(nth(3), "power"), "u-2"), WhistleAnswered).came == (POLICE, POWER)
    ended = one(folded.read(end()), WhistleEnded)
    assert (ended.came, ended.late) == ((POLICE, POWER), (POLICE, POWER))


def test_who_comes_after_it_was_answered_has_come_too() -> None:
    """It is not answered twice; who was late is named at the end, and who never came."""
    folded = dispatch(lead=WATER, place=ON_A_ROAD)
    folded.read(whistle(called=(POLICE, POWER, WATER)))
    update(folded, come(nth(2), "police"), "u-1")
    update(folded, come(nth(3), "power"), "u-2")
    folded.clock.advance(timedelta(hours=1))
    assert folded.wake().facts == []
    assert facts(update(folded, come(nth(4), "water"), "u-3"), WhistleAnswered) == []
    ended = one(folded.read(end((POLICE, 5), (WATER, 2))), WhistleEnded)
    assert (ended.came, ended.late, ended.missing) == ((POLICE, POWER, WATER), (WATER,), ())
    assert ended.marks == (Mark(handler=POLICE, score=5), Mark(handler=WATER, score=2))


def test_never_more_must_come_than_are_called_where_nobody_else_can_be() -> None:
    """One picked of two waves, and a situation that wants everybody."""
    alone = {"id": "x", "zh": "x", "en": "X", "by": ["street"], "waves": [["police"]], "arrive": "30 minutes"}
    small = city("alone", **{"loop.situations": [{**alone, "enough": 5}]})
    assert one(dispatch(small).read(whistle("x")), WhistleRaised).enough == 1
    everybody = one(dispatch(category=LEAK).read(whistle("flood")), WhistleRaised)
    assert (everybody.called, everybody.enough) == ((WATER, POLICE), 2)


# ---------------------------------------------------------------- ending


def test_a_whistle_ends_with_a_joint_result_and_each_is_told_once() -> None:
    """Who is done already is told nothing more; the lead may then finish."""
    folded = whistled()
    update(folded, come(nth(2), "police"), "u-1")
    update(folded, done(nth(2), "police"), "u-2")
    update(folded, sign(nth(1), "water"), "u-3")
    assert refusal(update(folded, done(nth(1), "water"), "u-4")) == "whistle-open"
    said = folded.read(end((POLICE, 4)))
    ended = one(said, WhistleEnded)
    assert (ended.result, ended.came, ended.missing) == ("现场拆除，划线", (POLICE,), ())
    assert withdrawn(said) == [(nth(3), "whistle-over")]
    assert topics(said) == [("power", "order.withdrawn")]
    assert folded.wake_at() is None
    assert update(folded, done(nth(1), "water"), "u-5").refused is None


@pytest.mark.parametrize(("minutes", "missing"), [(29, ()), (30, (POWER,))])
def test_only_who_let_the_limit_pass_has_stayed_away(minutes: int, missing: tuple[Handler, ...]) -> None:
    """However the whistle ends: by its result, or with its ticket."""
    for ends in (end(), closed("forced")):
        folded = whistled()
        update(folded, come(nth(2), "police"), "u-1")
        folded.clock.advance(timedelta(minutes=minutes))
        ended = one(folded.read(ends), WhistleEnded)
        assert (ended.came, ended.missing) == ((POLICE,), missing)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (end(by=""), "no-name"),
        (end(result=" "), "no-result"),
        (end((WATER, 3)), "not-called"),
        (end((POLICE, 3)), "did-not-come"),
    ],
)
def test_an_end_that_says_nothing_is_refused(command: Any, reason: str) -> None:
    """With a sentence."""
    assert refusal(whistled().read(command)) == reason


def test_there_must_be_a_whistle_to_end() -> None:
    """Not yet, and not any more."""
    assert refusal(dispatch().read(end())) == "no-whistle"
    folded = whistled()
    folded.read(end())
    assert refusal(folded.read(end())) == "no-whistle"


@pytest.mark.parametrize(
    ("outcome", "ends"), [("forced", DepartmentOrderClosed), ("withdrawn", DepartmentOrderWithdrawn)]
)
def test_with_its_ticket_a_whistle_is_over(outcome: str, ends: type[OrderMessage]) -> None:
    """Each department hears it once, and nobody is called any more."""
    folded = whistled()
    said = folded.read(closed(outcome))
    assert [body.order_id for _, body in said.effects if isinstance(body, ends)] == [nth(1), nth(2), nth(3)]
    assert len(said.effects) == 3
    assert folded.wake_at() is None
    assert folded.state().whistle is None
    assert refusal(update(folded, come(nth(2), "police"), "u-1")) == "order-over"


# ---------------------------------------------------------------- clocks


@pytest.mark.parametrize(("kind", "what"), [(ClockWarned, "warning"), (ClockBreached, "breach")])
def test_who_has_not_come_is_reminded(kind: Any, what: str) -> None:
    """Nobody else is."""
    folded = whistled()
    update(folded, come(nth(2), "police"), "u-1")
    given = {"late_by_s": 1} if kind is ClockBreached else {}
    ((topic, body),) = folded.read(kind(clock="arrive", token="t", due_at=MORNING + SOON, **given)).effects  # noqa: S106
    assert isinstance(body, DepartmentOrderReminded)
    assert (topic, body.order_id, body.clock, body.reminder) == ("gridcall.dispatch.power", nth(3), "arrive", what)


def test_an_instant_that_sla_has_counted_again_holds_here_too() -> None:
    """It is then that the next wave is called, and until then nobody is late; whoever must still come is told."""
    folded = whistled()
    update(folded, come(nth(2), "police"), "u-1")
    new = MORNING + timedelta(hours=1)
    move = {"clock": "arrive", "token": "t", "old": MORNING + SOON, "new": new}
    said = folded.read(ClocksRecalculated.model_validate({"clocks": [move], "why": "calendar", "at": MORNING}))
    ((topic, body),) = said.effects
    assert isinstance(body, DepartmentOrderChanged)
    assert (topic, body.order_id, set(body.changes)) == ("gridcall.dispatch.power", nth(3), {"sign_by"})
    assert folded.wake_at() == new
    folded.clock.advance(timedelta(minutes=45))
    update(folded, come(nth(3), "power"), "u-2")
    assert one(folded.read(end()), WhistleEnded).late == ()


def test_a_whistle_is_counted_in_the_working_time_of_whom_it_calls_first() -> None:
    """Wave after wave, whatever is corrected meanwhile."""
    folded = dispatch(category=LEAK, lead=POWER)
    said = folded.read(whistle("flood"))
    assert one(said, WhistleRaised).calendar == "always"
    folded.read(AmendTicket(category="0201", reason="x", by="钱"))
    folded.clock.advance(timedelta(hours=2))
    assert one(folded.wake(), WhistleWidened).calendar == "always"


def test_whistles_of_a_situation_that_the_profile_has_lost_end_in_peace() -> None:
    """Nobody is left to call."""
    folded = whistled()
    state = folded.state()
    assert state.whistle is not None
    lost = dispatch(city("lost", **{"loop.situations": []}), lead=WATER)
    document = dict(folded._documents["0123456789ABCDEF"])
    lost._documents["0123456789ABCDEF"] = document
    lost.clock.advance(timedelta(hours=1))
    assert one(lost.wake(), WhistleWidened).called == ()
    assert lost.wake_at() is None


def test_orders_of_a_whistle_have_no_limit_of_their_own() -> None:
    """What is suspended, extended or returned is the lead's; the district's people see theirs at the desk."""
    folded = dispatch(lead=WATER)
    folded.read(whistle(called=(IN_DISTRICT,)))
    order = folded.state().orders[1]
    assert (order.handler.id, order.role, order.whistle) == (DISTRICT, "whistle", 1)
    assert folded.read(come(nth(2), None)).refused is None
