"""Who assists, until when, and when may the lead finish?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from shared.messages import (
    AddAssist,
    AmendTicket,
    AssignTicket,
    AssistExcused,
    ClocksRecalculated,
    ClockWarned,
    DecideRevision,
    DepartmentOrderChanged,
    DepartmentOrderClosed,
    DepartmentOrderEscalated,
    DepartmentOrderReminded,
    DepartmentOrderSnapshot,
    DepartmentOrderWithdrawn,
    ExcuseAssist,
    InformationRequested,
    InformationWaitEnded,
    OrderDone,
    OrderExtended,
    OrderResumed,
    OrderReturned,
    OrderSuspended,
    PolicyApplied,
    RemoveAssist,
    ReworkOrdered,
    ShowOrder,
    Span,
    TicketEscalated,
    TicketReopened,
)
from shared.messages.doors import OrderMessage
from tests.support.fold import MORNING, Said
from tests.unit.dispatch.orders import (
    back,
    closed,
    deny,
    done,
    extend,
    grant,
    resume,
    sign,
    suspend,
    topics,
    triaged,
    update,
)
from tests.unit.loop.city import STREET, city
from tests.unit.loop.orders import (
    IN_COMMUNITY,
    IN_GRID,
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

LEAD, WATERS, POWERS = nth(1), nth(2), nth(3)
DAY = timedelta(days=1)


def assisted(**given: Any) -> Any:
    """Give dispatch with a lead and two assists: the police, with water and power."""
    return dispatch(**({"assists": (WATER, POWER)} | given))


def add(to: Any, **given: Any) -> AddAssist:
    """Let somebody assist."""
    return AddAssist(to=to, **({"by": "赵值班"} | given))


def remove(order_id: str, reason: str = "无需协办", by: str = "赵值班") -> RemoveAssist:
    """Let an assist end."""
    return RemoveAssist(order_id=order_id, reason=reason, by=by)


def excuse(order_id: str, reason: str = "情况属实", by: str = "区值班") -> ExcuseAssist:
    """Confirm that an assist is late."""
    return ExcuseAssist(order_id=order_id, reason=reason, by=by)


def assign(to: Any) -> AssignTicket:
    """Give it to somebody else."""
    return AssignTicket(to=to, reason="职责如此", by="赵值班")


def told(said: Said, kind: type[OrderMessage]) -> list[str]:
    """Give the orders of which departments were told so."""
    return [body.order_id for _, body in said.effects if isinstance(body, kind)]


# ---------------------------------------------------------------- their orders


def test_each_assist_has_an_order_and_clocks_of_its_own() -> None:
    """With the limits that the profile has for assists, in its own working time, and never returned for good."""
    folded = assisted()
    lead, water, power = folded.state().orders
    assert [order.role for order in (lead, water, power)] == ["lead", "assist", "assist"]
    assert lead.handle_by == MORNING + 2 * DAY
    assert water.handle_by == MORNING + DAY  # clocks.limits: assist-handle of 0101
    assert (water.run.calendar, power.run.calendar) == ("always", "office")
    assert open_orders(folded) == {LEAD: "police", WATERS: "water", POWERS: "power"}


def test_without_rows_for_assists_they_have_the_limits_of_the_lead() -> None:
    """Signing too: rows of the lead's clocks hold for them."""
    folded = dispatch(category={"code": "0501", "name": "漏水", "condition": "leak"}, severity="II", assists=(WATER,))
    (_, water) = folded.state().orders
    assert water.sign_by == MORNING + timedelta(minutes=10)
    assert water.handle_by == MORNING + timedelta(hours=1)


def test_a_category_that_the_catalogue_has_lost_leaves_them_what_triage_said() -> None:
    """Nothing is parked for it."""
    folded = dispatch(category={"code": "gone", "name": "x", "condition": "x"}, assists=(WATER,))
    assert [order.handle_by for order in folded.state().orders] == [MORNING + 2 * DAY] * 2


def test_departments_know_their_role_and_who_leads() -> None:
    """On the topic of each."""
    said = assisted().read(add(IN_GRID))
    assert topics(said) == []  # a unit's people see it at the desk
    folded = dispatch()
    ((topic, body),) = folded.read(add(WATER, reason="需停水")).effects
    assert (topic, body.role, body.lead, body.order_id) == ("gridcall.dispatch.water", "assist", POLICE, WATERS)


def test_an_assist_signs_and_finishes_for_itself_and_nothing_is_closed_by_it() -> None:
    """Its word says that it is an assist's."""
    folded = assisted()
    assert update(folded, sign(WATERS, "water"), "u-1").refused is None
    assert refusal(update(folded, done(POWERS, "power"), "u-2")) == "not-signed"
    assert refusal(update(folded, sign(WATERS, "power"), "u-3")) == "not-yours"
    (fact,) = update(folded, done(WATERS, "water"), "u-4").facts
    assert isinstance(fact, OrderDone)
    assert (fact.role, fact.order_id) == ("assist", WATERS)
    assert open_orders(folded) == {LEAD: "police", POWERS: "power"}


# ---------------------------------------------------------------- the lead finishes last


def test_the_lead_cannot_finish_before_its_assists_have() -> None:
    """The sentence names them."""
    folded = assisted()
    folded.read(sign(LEAD, None))
    said = folded.read(done(LEAD, None))
    assert refusal(said) == "assists-open"
    assert said.refused is not None
    assert f"Water ({WATERS}), Power ({POWERS})" in said.refused.detail.en
    for order, who in ((WATERS, "water"), (POWERS, "power")):
        update(folded, sign(order, who), f"s-{who}")
        update(folded, done(order, who), f"d-{who}")
    assert [type(fact) for fact in folded.read(done(LEAD, None)).facts] == [OrderDone]


def test_when_the_lateness_of_an_assist_is_confirmed_the_lead_may_finish_and_ends_it() -> None:
    """The department hears once that it need do nothing more."""
    folded = assisted(assists=(WATER,))
    folded.read(sign(LEAD, None))
    assert refusal(folded.read(excuse(WATERS))) == "not-late"
    folded.clock.advance(DAY)
    assert refusal(folded.read(excuse(WATERS))) == "not-late"  # at the very limit it is not
    folded.clock.advance(timedelta(milliseconds=1))
    assert refusal(folded.read(done(LEAD, None))) == "assists-open"
    (fact,) = folded.read(excuse(WATERS)).facts
    assert isinstance(fact, AssistExcused)
    assert refusal(folded.read(excuse(WATERS))) == "already-excused"
    said = folded.read(done(LEAD, None))
    assert withdrawn(said) == [(WATERS, "lead-done")]
    assert isinstance(said.facts[-1], OrderDone)
    assert topics(said) == [("water", "order.withdrawn")]


def test_an_assist_whose_lateness_was_confirmed_may_still_finish() -> None:
    """Then nothing is withdrawn."""
    folded = assisted(assists=(WATER,))
    folded.read(sign(LEAD, None))
    update(folded, sign(WATERS, "water"), "u-1")
    folded.clock.advance(2 * DAY)
    folded.read(excuse(WATERS))
    update(folded, done(WATERS, "water"), "u-2")
    assert withdrawn(folded.read(done(LEAD, None))) == []


def test_an_assist_that_rests_is_not_late() -> None:
    """Neither one that is suspended, nor one that waits for the caller."""
    folded = assisted(assists=(WATER,))
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, suspend(WATERS, "water"), "u-2")
    folded.read(grant())
    folded.clock.advance(2 * DAY)
    assert refusal(folded.read(excuse(WATERS))) == "not-late"
    asked = assisted(assists=(WATER,))
    asked.read(InformationRequested(question="?", by="钱", since=MORNING, until=MORNING + 3 * DAY))
    asked.clock.advance(2 * DAY)
    assert refusal(asked.read(excuse(WATERS))) == "not-late"


# ---------------------------------------------------------------- adding, swapping, removing


def test_assists_are_added_swapped_and_removed() -> None:
    """Whoever is let go hears of it."""
    folded = assisted(assists=(WATER,))
    assert issued(folded.read(add(POWER))) == [(POWERS, "assist", "power")]
    said = folded.read(add(IN_GRID, instead_of=WATERS))
    assert withdrawn(said) == [(WATERS, "removed")]
    assert issued(said) == [(nth(4), "assist", IN_GRID.id)]
    assert topics(said) == [("water", "order.withdrawn")]
    assert withdrawn(folded.read(remove(POWERS))) == [(POWERS, "removed")]
    assert open_orders(folded) == {LEAD: "police", nth(4): IN_GRID.id}
    assert issued(folded.read(add(WATER))) == [(nth(5), "assist", "water")]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (add(IN_GRID, by=" "), "no-name"),
        (add(POLICE), "already-theirs"),
        (add(WATER), "already-theirs"),
        (add(WATER, instead_of=WATERS), "already-theirs"),
        (add(IN_GRID, instead_of=LEAD), "no-such-assist"),
        (add(IN_GRID, instead_of="x"), "no-such-assist"),
        (add({"kind": "department", "id": "x"}), "unknown-handler"),
        (add({"kind": "unit", "id": STREET}), "no-staff"),
        (remove(WATERS, by=""), "no-name"),
        (remove(WATERS, reason=" "), "no-reason"),
        (remove(LEAD), "no-such-assist"),
        (remove("x"), "no-such-assist"),
        (excuse(WATERS, by=""), "no-name"),
        (excuse(WATERS, reason=""), "no-reason"),
        (excuse(LEAD), "no-such-assist"),
    ],
)
def test_what_leads_nowhere_is_refused(command: Any, reason: str) -> None:
    """With a sentence, and nothing is changed."""
    folded = assisted()
    before = folded.state()
    assert refusal(folded.read(command)) == reason
    assert folded.state() == before


def test_assists_are_added_to_an_open_order_of_the_lead() -> None:
    """Not while residents settle it, nor once it is done, returned or closed."""
    assert refusal(dispatch(before=SETTLED_FIRST).read(add(WATER))) == "no-lead"
    folded = dispatch()
    folded.read(sign(LEAD, None))
    folded.read(done(LEAD, None))
    assert refusal(folded.read(add(WATER))) == "no-lead"
    folded.read(closed())
    assert refusal(folded.read(add(WATER))) == "no-lead"
    returned = dispatch()
    update(returned, back(LEAD, "police"), "u-1")
    assert refusal(returned.read(add(WATER))) == "no-lead"


def test_a_small_matter_may_be_assisted_and_its_assists_go_on_with_whoever_is_next() -> None:
    """The next one is not its own assist."""
    folded = dispatch(before=SETTLED_FIRST[1:], assists=(WATER,))
    folded.read(add(POWER))
    folded.read(add(IN_COMMUNITY))
    said = folded.read(back(LEAD, None))
    assert withdrawn(said) == [(nth(3), "reassigned")]
    assert issued(said) == [(nth(4), "small", IN_COMMUNITY.id)]
    assert open_orders(folded) == {nth(2): "power", nth(4): IN_COMMUNITY.id}


# ---------------------------------------------------------------- giving it back


def test_an_assist_that_returns_goes_back_to_the_lead_and_counts_as_no_return() -> None:
    """The lead goes on, and may finish."""
    folded = assisted(assists=(WATER,))
    said = update(folded, back(WATERS, "water"), "u-1")
    (fact,) = said.facts
    assert isinstance(fact, OrderReturned)
    assert (fact.goes_to, fact.returns) == ("lead", 0)
    assert topics(said)[1:] == [("water", "order.withdrawn")]
    assert (folded.state().lies_with, folded.state().returns) == ("", 0)
    folded.read(sign(LEAD, None))
    assert folded.read(done(LEAD, None)).refused is None


def test_assists_go_on_while_the_lead_is_looked_for() -> None:
    """Those of the new triage stay, those that are not in it end, and who leads now assists no more: each once."""
    folded = assisted()
    update(folded, back(LEAD, "police", proposed_department="water"), "u-1")
    assert folded.state().lies_with == "triage"
    assert open_orders(folded) == {WATERS: "water", POWERS: "power"}
    said = folded.read(triaged(attempt=2, lead=WATER, assists=(POWER,)))
    assert withdrawn(said) == [(WATERS, "removed")]
    assert issued(said) == [(nth(4), "lead", "water")]
    assert open_orders(folded) == {POWERS: "power", nth(4): "water"}


def test_a_suspended_assist_that_becomes_the_lead_goes_on_once() -> None:
    """One resumption and one withdrawal."""
    folded = assisted(assists=(WATER,))
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, suspend(WATERS, "water"), "u-2")
    folded.read(grant())
    said = folded.read(triaged(attempt=2, lead=WATER))
    kinds = [type(fact).__name__ for fact in said.facts]
    assert kinds == ["OrderWithdrawn", "OrderResumed", "OrderWithdrawn", "OrderIssued"]


def test_an_assist_to_whom_the_ticket_is_given_leads_and_the_others_assist_on() -> None:
    """Who led before does nothing more."""
    folded = assisted()
    said = folded.read(assign(WATER))
    assert withdrawn(said) == [(LEAD, "reassigned"), (WATERS, "reassigned")]
    assert issued(said) == [(nth(4), "lead", "water")]
    assert open_orders(folded) == {POWERS: "power", nth(4): "water"}


def test_who_was_assisting_before_somebody_else_got_it_is_not_asked_twice() -> None:
    """Who assists was decided when the first lead got it."""
    folded = assisted()
    assert issued(folded.read(assign(IN_COMMUNITY))) == [(nth(4), "lead", IN_COMMUNITY.id)]


# ---------------------------------------------------------------- suspending and extending


def test_an_assist_rests_while_the_lead_goes_on() -> None:
    """Its limit moves, the lead's does not."""
    folded = assisted(assists=(WATER,))
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, suspend(WATERS, "water"), "u-2")
    assert isinstance(folded.read(grant()).facts[-1], OrderSuspended)
    folded.clock.advance(timedelta(hours=5))
    (fact,) = update(folded, resume(WATERS, "water"), "u-3").facts
    assert isinstance(fact, OrderResumed)
    assert fact.handle_by == MORNING + DAY + timedelta(hours=5)
    assert folded.state().orders[0].handle_by == MORNING + 2 * DAY


def test_a_decision_names_the_order_where_several_have_asked() -> None:
    """And is refused with their names where it does not."""
    folded = assisted(assists=(WATER,))
    folded.read(sign(LEAD, None))
    update(folded, sign(WATERS, "water"), "u-1")
    folded.read(suspend(LEAD, None))
    update(folded, extend(WATERS, "water", until=MORNING + 2 * DAY), "u-2")
    said = folded.read(grant())
    assert refusal(said) == "which-order"
    assert said.refused is not None
    assert f"{LEAD}, {WATERS}" in said.refused.detail.en
    assert refusal(folded.read(grant(order_id="x"))) == "nothing-asked"
    assert refusal(folded.read(DecideRevision(granted=True, by="李", order_id=WATERS))) == "own-request"
    assert [fact.order_id for fact in folded.read(deny(order_id=LEAD)).facts] == [LEAD]
    decided = folded.read(grant()).facts  # one alone waits now
    assert isinstance(decided[-1], OrderExtended)
    assert decided[-1].order_id == WATERS


def test_requests_that_lapse_at_one_instant_lapse_each_for_itself() -> None:
    """One after the other."""
    equal = city("equal", **{"clocks.limits": []})
    folded = dispatch(equal, assists=(WATER,))
    folded.read(extend(LEAD, None, until=MORNING + 3 * DAY))
    update(folded, extend(WATERS, "water", until=MORNING + 3 * DAY), "u-1")
    folded.clock.advance(2 * DAY)
    lapsed = folded.wake().facts
    assert [(fact.order_id, fact.decision) for fact in lapsed] == [(LEAD, "lapsed"), (WATERS, "lapsed")]
    assert folded.wake_at() is None


def test_by_the_profile_an_assist_rests_for_what_the_lead_does_not() -> None:
    """Its limit follows its own clock's rules, as sla's does."""
    strict = city("strict", **{"clocks.pauses": {"handle": ["suspended"], "assist-handle": []}})
    folded = dispatch(strict, assists=(WATER,))
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, suspend(WATERS, "water"), "u-2")
    folded.read(grant())
    folded.clock.advance(timedelta(hours=5))
    update(folded, resume(WATERS, "water"), "u-3")
    assert folded.state().orders[1].handle_by == MORNING + DAY


def test_who_was_asked_something_answers_for_all_orders() -> None:
    """Each limit moves as sla says; what an assist has asked for waits as long."""
    folded = assisted(assists=(WATER,))
    update(folded, extend(WATERS, "water", until=MORNING + 2 * DAY), "u-1")
    folded.read(InformationRequested(question="?", by="钱", since=MORNING, until=MORNING + 3 * DAY))
    assert folded.wake_at() is None
    at = MORNING + timedelta(hours=1)
    folded.clock.advance(timedelta(hours=1))
    folded.read(InformationWaitEnded(why="answered", since=MORNING, at=at))
    moves = [
        {"clock": "handle", "token": "a", "order_id": LEAD, "old": MORNING + 2 * DAY,
         "new": MORNING + 2 * DAY + timedelta(hours=1)},
        {"clock": "assist-handle", "token": "b", "order_id": WATERS, "old": MORNING + DAY,
         "new": MORNING + DAY + timedelta(hours=1)},
    ]  # fmt: skip
    said = folded.read(ClocksRecalculated.model_validate({"clocks": moves, "why": "answered", "at": at}))
    assert told(said, DepartmentOrderChanged) == [LEAD, WATERS]
    assert folded.wake_at() == MORNING + DAY + timedelta(hours=1)


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize(
    ("outcome", "ends"),
    [
        ("forced", DepartmentOrderClosed),
        ("withdrawn", DepartmentOrderWithdrawn),
        ("diverted", DepartmentOrderWithdrawn),
    ],
)
def test_with_its_ticket_every_order_ends_and_each_department_hears_it_once(
    outcome: str, ends: type[OrderMessage]
) -> None:
    """Also one that rests."""
    folded = assisted()
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, suspend(WATERS, "water"), "u-2")
    folded.read(grant())
    said = folded.read(closed(outcome))
    assert told(said, ends) == [LEAD, WATERS, POWERS]
    assert open_orders(folded) == {}
    assert folded.wake_at() is None
    over = [body for _, body in said.effects if isinstance(body, DepartmentOrderClosed | DepartmentOrderWithdrawn)]
    assert len(over) == 3


def test_what_an_assist_has_done_stays_done_when_the_ticket_is_closed() -> None:
    """Only the lead's done work is closed with it; what is reworked is the lead's."""
    folded = assisted(assists=(WATER,))
    update(folded, sign(WATERS, "water"), "u-1")
    update(folded, done(WATERS, "water"), "u-2")
    folded.read(sign(LEAD, None))
    folded.read(done(LEAD, None))
    (fact,) = folded.read(ReworkOrdered(order_id=LEAD, reason="还在", reworks=1)).facts
    assert fact.order_id == LEAD
    assert issued(folded.read(add(WATER))) == [(nth(3), "assist", "water")]  # once more, by a person
    folded.read(remove(nth(3)))
    folded.read(done(LEAD, None))
    assert told(folded.read(closed()), DepartmentOrderClosed) == [LEAD]
    assert issued(folded.read(TicketReopened(reason="x", reopenings=1))) == [(nth(4), "lead", "police")]


# ---------------------------------------------------------------- corrections, clocks, snapshots


def test_after_a_correction_a_new_assist_has_the_limits_of_what_the_ticket_is_now() -> None:
    """And under another version of the profile those of that version."""
    folded = dispatch()
    folded.read(AmendTicket(category="0501", severity="II", reason="更正", by="钱"))
    folded.read(add(WATER))
    assert folded.state().orders[1].handle_by == MORNING + timedelta(hours=1)
    folded.read(PolicyApplied(before="v1", policy="v2", by="陈", handle_limit=Span(amount=3, unit="urgent_hours")))
    assert folded.state().triaged is not None


def test_clocks_of_an_assist_are_told_to_its_department_and_a_level_that_answers_for_it() -> None:
    """Under the names that its department knows."""
    folded = assisted(assists=(WATER,))
    warned = ClockWarned(clock="assist-handle", token="t", order_id=WATERS, due_at=MORNING + DAY)  # noqa: S106
    ((topic, body),) = folded.read(warned).effects
    assert isinstance(body, DepartmentOrderReminded)
    assert (topic, body.clock, body.order_id) == ("gridcall.dispatch.water", "handle", WATERS)
    said = folded.read(
        TicketEscalated(
            from_level="grid", to_level="community", unit=IN_COMMUNITY.id, cause="assist-handle", order_id=WATERS
        )
    )
    assert told(said, DepartmentOrderEscalated) == [WATERS]
    assert folded.state().orders[1].level == "community"


def test_a_snapshot_of_an_assists_order_says_who_leads() -> None:
    """It may be returned to the lead, whatever was decided on that one."""
    folded = assisted(assists=(WATER,), returnable=False)
    shown = folded.read(ShowOrder(order_id=WATERS, resync_id="r", by="gridcall"))
    ((_, body),) = [each for each in shown.effects if isinstance(each[1], DepartmentOrderSnapshot)]
    assert (body.role, body.lead, body.returnable) == ("assist", POLICE, True)
