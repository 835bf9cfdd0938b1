"""Who is asked before the lead, and who after whom, when something cannot be settled where it is?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.messages import (
    AddAssist,
    AmendTicket,
    AssignTicket,
    CallTicket,
    ClocksRecalculated,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderReworked,
    ReworkOrdered,
    Span,
    Step,
    TicketCalled,
    TicketReopened,
)
from tests.support.fold import MORNING
from tests.unit.dispatch.orders import back, closed, done, extend, note, resume, sign, suspend, triaged, update
from tests.unit.loop.city import STREET, city
from tests.unit.loop.orders import (
    COUNCIL,
    HERE,
    HOURS_2,
    IN_COMMUNITY,
    IN_DISTRICT,
    IN_GRID,
    MINUTES_90,
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


def call(**given: Any) -> CallTicket:
    """Give a call for whoever is next."""
    return CallTicket(**({"reason": "超出本级职责", "by": "丙"} | given))


def called(said: Any) -> list[tuple[str, str, str]]:
    """Give (from, to, why) of the calls."""
    return [(fact.handler.id, fact.to.id, fact.why) for fact in said.facts if isinstance(fact, TicketCalled)]


# ---------------------------------------------------------------- one after the other


def test_those_who_may_settle_it_are_asked_first_each_with_its_own_limit() -> None:
    """The residents have a short limit of their own and sign for nothing; no assist is asked yet."""
    folded = dispatch(before=SETTLED_FIRST, assists=(WATER,))
    (order,) = folded.state().orders
    assert (order.tier, order.handler, order.role) == ("settlement", COUNCIL, "lead")
    assert order.handle_by == MORNING + timedelta(minutes=90)
    assert folded.wake_at() == order.handle_by


def test_when_the_time_for_it_is_over_the_next_one_is_asked() -> None:
    """It need not be noticed in time; the next one's limit begins when it is told."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.clock.advance(timedelta(hours=3))
    said = folded.wake()
    assert called(said) == [(COUNCIL.id, IN_GRID.id, "expired")]
    assert withdrawn(said) == [(nth(1), "expired")]
    assert issued(said) == [(nth(2), "small", IN_GRID.id)]
    assert folded.state().orders[-1].handle_by == MORNING + timedelta(hours=5)
    assert folded.wake_at() is None  # only the residents' limit hands it on


def test_each_calls_the_next_until_the_lead_has_it_with_its_assists() -> None:
    """Residents, grid, community, then the lead and who assists."""
    folded = dispatch(before=SETTLED_FIRST, assists=(WATER,))
    assert called(folded.read(call())) == [(COUNCIL.id, IN_GRID.id, "called")]
    assert called(folded.read(call())) == [(IN_GRID.id, IN_COMMUNITY.id, "called")]
    assert folded.state().orders[-1].handle_by == MORNING + timedelta(days=2)  # no limit of its own: the lead's
    said = folded.read(call())
    assert called(said) == [(IN_COMMUNITY.id, POLICE.id, "called")]
    assert issued(said) == [(nth(4), "lead", "police"), (nth(5), "assist", "water")]


def test_who_cannot_settle_it_may_also_return_it_and_that_counts_as_no_return() -> None:
    """Whoever is next gets it; the department may return its own as before."""
    folded = dispatch(before=SETTLED_FIRST[:1])
    said = folded.read(back(nth(1), None, proposed_department=""))
    (returned,) = [fact for fact in said.facts if isinstance(fact, OrderReturned)]
    assert (returned.goes_to, returned.returns) == ("next", 0)
    assert called(said) == [(COUNCIL.id, "police", "returned")]
    assert withdrawn(said) == []
    assert open_orders(folded) == {nth(2): "police"}
    assert folded.state().returns == 0
    again = update(folded, back(nth(2), "police"), "u-1")
    assert [fact.goes_to for fact in again.facts if isinstance(fact, OrderReturned)] == ["triage"]


def test_what_was_asked_first_may_be_returned_after_an_adjudication_too() -> None:
    """That an officer has decided on the lead binds the lead."""
    folded = dispatch(before=SETTLED_FIRST[:1], returnable=False)
    assert folded.state().orders[0].returnable
    assert folded.read(back(nth(1), None)).refused is None
    assert refusal(update(folded, back(nth(2), "police"), "u-1")) == "not-returnable"


@pytest.mark.parametrize("make", [suspend, resume, extend])
def test_settling_rests_and_is_extended_never(make: Any) -> None:
    """At its limit the next one is asked."""
    assert refusal(dispatch(before=SETTLED_FIRST).read(make(nth(1), None))) == "settling"


def test_residents_need_not_sign_and_may() -> None:
    """They say how it stands, and that it is done; twice they sign for nothing."""
    folded = dispatch(before=SETTLED_FIRST)
    assert folded.read(note(nth(1), None)).refused is None
    assert folded.read(sign(nth(1), None)).refused is None
    assert refusal(folded.read(sign(nth(1), None))) == "already-signed"
    (fact,) = folded.read(done(nth(1), None)).facts
    assert isinstance(fact, OrderDone)
    assert (fact.tier, fact.handler) == ("settlement", COUNCIL)
    assert folded.wake_at() is None


def test_what_was_done_just_before_the_limit_is_done() -> None:
    """The limit asks nobody any more."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.clock.advance(timedelta(minutes=89))
    folded.read(done(nth(1), None))
    folded.clock.advance(timedelta(hours=9))
    assert folded.wake().facts == []
    assert open_orders(folded) == {}


def test_what_is_read_at_the_limit_or_after_it_finds_the_next_one() -> None:
    """The word that it is done is refused, and the timer says what was due."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.clock.advance(timedelta(minutes=90))
    assert refusal(folded.read(done(nth(1), None))) == "order-over"
    assert issued(folded.wake()) == [(nth(2), "small", IN_GRID.id)]


def test_a_unit_that_leads_calls_the_next_above_with_staff_or_whom_it_names() -> None:
    """The street has nobody, so the district is next; a department named is the lead then."""
    folded = dispatch(lead=IN_COMMUNITY)
    said = folded.read(call())
    assert called(said) == [(IN_COMMUNITY.id, IN_DISTRICT.id, "called")]
    assert withdrawn(said) == [(nth(1), "reassigned")]
    assert refusal(folded.read(call())) == "nobody-above"
    assert called(folded.read(call(to=POWER))) == [(IN_DISTRICT.id, "power", "called")]
    assert open_orders(folded) == {nth(3): "power"}
    assert refusal(folded.read(call())) == "not-a-unit"


def test_who_is_named_leads_although_others_would_have_been_asked_first() -> None:
    """And the assists of the matrix are asked with it."""
    folded = dispatch(before=SETTLED_FIRST, assists=(WATER,))
    said = folded.read(call(to=POWER))
    assert issued(said) == [(nth(2), "lead", "power"), (nth(3), "assist", "water")]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"by": " "}, "no-name"),
        ({"reason": " "}, "no-reason"),
        ({"to": {"kind": "department", "id": "x"}}, "unknown-handler"),
        ({"to": {"kind": "unit", "id": "x"}}, "unknown-handler"),
        ({"to": {"kind": "unit", "id": STREET}}, "no-staff"),
        ({"to": IN_COMMUNITY}, "already-theirs"),
    ],
)
def test_a_call_that_leads_nowhere_is_refused(given: dict[str, Any], reason: str) -> None:
    """With a sentence."""
    assert refusal(dispatch(lead=IN_COMMUNITY).read(call(**given))) == reason


def test_nobody_calls_for_what_nobody_has() -> None:
    """Nor for what is done, or closed."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.read(done(nth(1), None))
    assert refusal(folded.read(call())) == "no-order"
    folded.read(closed("self-settled"))
    assert refusal(folded.read(call())) == "no-order"


def test_what_must_not_be_pushed_down_is_refused_with_the_rule() -> None:
    """By a call, by an assignment and for an assist; the street and what stands above may have it."""
    leak: dict[str, Any] = {"category": {"code": "0501", "name": "漏水", "condition": "leak"}, "lead": WATER}
    folded = dispatch(**leak)
    pushed: list[Any] = [
        AssignTicket(to=IN_COMMUNITY, reason="x", by="赵"),
        AddAssist(to=IN_GRID, by="赵"),
    ]
    for command in pushed:
        said = folded.read(command)
        assert refusal(said) == "not-pushed-down"
        assert said.refused is not None
        assert said.refused.detail.zh.startswith("不得下交社区。")
    assert folded.read(AssignTicket(to=IN_DISTRICT, reason="x", by="赵")).refused is None
    assert refusal(folded.read(call(to=COUNCIL))) == "not-pushed-down"


# ---------------------------------------------------------------- reworked, reopened, corrected, triaged again


def test_a_rework_gives_the_residents_their_own_limit_again() -> None:
    """And when that is over, the next one is asked."""
    folded = dispatch(before=SETTLED_FIRST)
    folded.read(done(nth(1), None))
    (fact,) = folded.read(ReworkOrdered(order_id=nth(1), reason="还在", reworks=1)).facts
    assert isinstance(fact, OrderReworked)
    assert (fact.tier, fact.clock, fact.handle_limit, fact.own_limit) == ("settlement", "settlement", MINUTES_90, True)
    assert folded.wake_at() == MORNING + timedelta(minutes=90)
    folded.clock.advance(timedelta(minutes=90))
    assert issued(folded.wake()) == [(nth(2), "small", IN_GRID.id)]


def test_a_rework_of_a_small_matter_has_the_limit_of_its_step() -> None:
    """Two hours again, and not what the lead would have."""
    folded = dispatch(before=SETTLED_FIRST[1:])
    folded.read(sign(nth(1), None))
    folded.read(done(nth(1), None))
    (fact,) = folded.read(ReworkOrdered(order_id=nth(1), reason="还在", reworks=1)).facts
    assert (fact.tier, fact.clock, fact.handle_limit) == ("small", "handle", HOURS_2)


def test_what_residents_have_settled_and_is_not_settled_goes_to_the_lead_with_its_assists() -> None:
    """The residents are not asked a second time."""
    folded = dispatch(before=SETTLED_FIRST, assists=(WATER,))
    folded.read(done(nth(1), None))
    folded.read(closed("self-settled"))
    said = folded.read(TicketReopened(reason="又搭了", reopenings=1))
    assert issued(said) == [(nth(2), "lead", "police"), (nth(3), "assist", "water")]


def test_a_small_matter_that_is_reopened_is_the_grids_again_and_may_go_on_from_there() -> None:
    """With the limit of its step; whoever comes after it is asked when it calls."""
    folded = dispatch(before=SETTLED_FIRST[1:])
    folded.read(sign(nth(1), None))
    folded.read(done(nth(1), None))
    folded.read(closed())
    said = folded.read(TicketReopened(reason="又搭了", reopenings=1))
    assert issued(said) == [(nth(2), "small", IN_GRID.id)]
    assert [fact.handle_limit for fact in said.facts if isinstance(fact, OrderIssued)] == [HOURS_2]
    assert called(folded.read(call())) == [(IN_GRID.id, IN_COMMUNITY.id, "called")]


def test_a_ticket_that_was_closed_before_anybody_had_it_begins_at_the_beginning() -> None:
    """As if it had just been triaged."""
    folded = dispatch(before=SETTLED_FIRST)
    fresh = type(folded)(folded._decider)
    fresh.read(closed("forced"))
    fresh.read(triaged(before=SETTLED_FIRST, lead=POLICE))
    assert issued(fresh.read(TicketReopened(reason="x", reopenings=1))) == [(nth(1), "settlement", COUNCIL.id)]


def test_a_correction_leaves_a_limit_that_is_the_steps_own() -> None:
    """Sla says so of the clock; who is asked next by its own limit stays so too."""
    folded = dispatch(before=SETTLED_FIRST)
    said = folded.read(AmendTicket(category="0201", reason="更正", by="钱"))
    assert said.refused is None
    assert folded.state().orders[0].handle_by == MORNING + timedelta(minutes=90)
    assert called(folded.read(call())) == [(COUNCIL.id, IN_GRID.id, "called")]


def test_a_new_triage_asks_anew_and_lets_assists_go_until_the_lead_has_it() -> None:
    """Each order ends once."""
    folded = dispatch(assists=(WATER, POWER))
    said = folded.read(triaged(attempt=2, lead=POLICE, assists=(WATER,), before=(SETTLED_FIRST[0],)))
    assert withdrawn(said) == [(nth(1), "reassigned"), (nth(2), "removed"), (nth(3), "removed")]
    assert issued(said) == [(nth(4), "settlement", COUNCIL.id)]
    folded.clock.advance(timedelta(minutes=90))
    assert issued(folded.wake()) == [(nth(5), "lead", "police"), (nth(6), "assist", "water")]


def test_a_limit_that_sla_has_counted_again_holds_here_too() -> None:
    """The residents' as well: it is then that the next one is asked."""
    folded = dispatch(before=SETTLED_FIRST)
    new = MORNING + timedelta(minutes=120)
    move = {
        "clock": "settlement", "token": "t", "order_id": nth(1), "old": MORNING + timedelta(minutes=90), "new": new,
        "limit": Span(amount=120, unit="minutes"),
    }  # fmt: skip
    folded.read(ClocksRecalculated.model_validate({"clocks": [move], "why": "calendar", "at": MORNING}))
    assert folded.wake_at() == new


def test_whoever_was_asked_first_is_the_lead_when_nobody_else_is_named() -> None:
    """The same unit may be asked for a small matter and lead in the end: its order is another then."""
    step = Step(tier="small", handler=IN_GRID, limit=HOURS_2)
    folded = dispatch(before=(step,), lead=IN_COMMUNITY)
    said = folded.read(AssignTicket(to=IN_GRID, reason="网格主办", by="赵"))
    assert issued(said) == [(nth(2), "lead", IN_GRID.id)]
    assert refusal(folded.read(AssignTicket(to=IN_GRID, reason="x", by="赵"))) == "already-theirs"


def test_the_loop_of_a_profile_decides_who_is_asked() -> None:
    """Residents, grid and community for a building site; a crowd makes it big; what is kept up is for none of them."""
    looped = city()
    tiers = [(ask.tier, ask.handler.id) for ask in looped.response("0101", "IV", HERE.unit).before]
    assert tiers == [("settlement", COUNCIL.id), ("small", IN_GRID.id), ("small", IN_COMMUNITY.id)]
    big = looped.response("0101", "IV", HERE.unit, {"crowd": True})
    assert (big.size, [each.id for each in big.network]) == ("big", ["water", "power", IN_COMMUNITY.id])
    kept = city("kept", **{"loop.kept_up": [{"categories": ["0101"], "not_below": "street",
                                             "sentence": {"zh": "x。", "en": "x."}}]})  # fmt: skip
    assert kept.response("0101", "IV", HERE.unit).before == ()
