"""When is an order issued, issued again, and ended by what others decide?"""

from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client import REGISTRY

from services.dispatch.handlers import decider
from shared.messages import (
    AdjudicationAsked,
    AssignTicket,
    ClockBreached,
    ClockWarned,
    Handler,
    MessageReceived,
    OrderIssued,
    OrderReworked,
    OrderWithdrawn,
    ReworkOrdered,
    TicketEscalated,
    TicketReopened,
)
from tests.support.fold import MORNING, TICKET, Folded, Said, envelope_of
from tests.unit.dispatch.orders import (
    CITY,
    COMMUNITY,
    EAST,
    FIRST,
    GRID,
    POLICE,
    SECOND,
    THIRD,
    TO_POLICE,
    TO_WATER,
    TOP,
    WATER,
    back,
    closed,
    dispatch,
    done,
    sign,
    topics,
    triaged,
    update,
)


def give(to: Handler, by: str = "赵值班", reason: str = "职责如此") -> AssignTicket:
    """Give an officer's decision."""
    return AssignTicket(to=to, by=by, reason=reason)


def issued(said: Said) -> OrderIssued:
    """Give the order among the facts."""
    (fact,) = [fact for fact in said.facts if isinstance(fact, OrderIssued)]
    return fact


def refusal(said: Said) -> str:
    """Give the reason of the refusal, which stands in both languages."""
    assert said.refused is not None
    assert said.refused.detail.zh != said.refused.detail.en
    return said.refused.reason


# ---------------------------------------------------------------- issuing


def test_a_triaged_ticket_becomes_an_order_with_its_two_deadlines() -> None:
    """Signing and handling count from the order."""
    fact = issued(Folded(decider(CITY)).read(triaged()))
    assert (fact.order_id, fact.handler, fact.attempt, fact.returnable) == (FIRST, WATER, 1, True)
    assert fact.sign_by == MORNING + timedelta(minutes=30)
    assert fact.handle_by == MORNING + timedelta(hours=2)
    assert (fact.unit, fact.level, fact.callback, fact.profile_version) == (EAST, "street", True, "v1")


def test_the_department_gets_the_order_on_its_topic_keyed_by_the_ticket() -> None:
    """All that the contract names, and nothing of the person who asked."""
    said = Folded(decider(CITY)).read(triaged(assists=(POLICE,)))
    (topic, body), (other, assisting) = said.effects
    assert topic == TO_WATER
    assert {out.key for out in said.outbox} == {TICKET}
    assert (body.order_id, body.ticket_id, body.role, body.level, body.unit) == (FIRST, TICKET, "lead", "street", EAST)
    assert (body.lead, body.assists, body.description) == (WATER, (POLICE,), "水管漏水")
    assert other == TO_POLICE
    assert (assisting.order_id, assisting.role, assisting.lead) == (SECOND, "assist", WATER)
    assert not any("callback" in out.value.decode() for out in said.outbox[-2:])


def test_a_units_order_goes_to_its_work_list_and_to_no_topic() -> None:
    """Its people see the fact at the desk."""
    said = Folded(decider(CITY)).read(triaged(lead=GRID))
    assert issued(said).handler == GRID
    assert said.effects == []


def test_a_second_triage_withdraws_the_order_that_is_open() -> None:
    """Two handlers at once would be none."""
    folded = dispatch()
    said = folded.read(triaged(lead=POLICE, attempt=2))
    assert [type(fact) for fact in said.facts] == [OrderWithdrawn, OrderIssued]
    assert (said.facts[0].order_id, said.facts[0].reason) == (FIRST, "reassigned")
    assert (issued(said).order_id, issued(said).attempt) == (SECOND, 2)
    assert topics(said) == [("water", "order.withdrawn"), ("police", "order.issued")]


def test_an_order_for_a_department_that_the_profile_lost_parks_the_ticket() -> None:
    """It waits for the profile to be put right; nothing is said meanwhile."""
    with pytest.raises(AssertionError, match="no department 'gone'"):
        Folded(decider(CITY)).read(triaged(lead=Handler(kind="department", id="gone")))


def test_the_way_from_the_report_to_the_order_is_measured_once() -> None:
    """A second order of the same ticket is not the way of the report any more."""
    before = REGISTRY.get_sample_value("gridcall_report_to_dispatch_seconds_count") or 0
    folded = dispatch(reported_at=MORNING - timedelta(seconds=3))
    folded.read(triaged(lead=POLICE))
    assert REGISTRY.get_sample_value("gridcall_report_to_dispatch_seconds_count") == before + 1


def test_signing_and_handling_are_measured_for_the_department() -> None:
    """From the order, not from each other."""

    def seconds(metric: str) -> float:
        return REGISTRY.get_sample_value(f"gridcall_{metric}_seconds_sum", {"department": "water"}) or 0

    signed, handled = seconds("order_sign"), seconds("order_handle")
    folded = dispatch()
    folded.clock.advance(timedelta(minutes=5))
    update(folded, sign())
    folded.clock.advance(timedelta(minutes=5))
    update(folded, done())
    assert (seconds("order_sign") - signed, seconds("order_handle") - handled) == (300, 600)


# ---------------------------------------------------------------- rework, closing, reopening


def test_a_rework_opens_the_same_order_with_the_whole_limit_again() -> None:
    """It need not be signed for again."""
    folded = dispatch()
    update(folded, sign())
    update(folded, done())
    folded.clock.advance(timedelta(hours=5))
    said = folded.read(ReworkOrdered(order_id=FIRST, reason="还在漏", reworks=1))
    (fact,) = said.facts
    assert isinstance(fact, OrderReworked)
    assert (fact.order_id, fact.handler, fact.attempt, fact.reason) == (FIRST, WATER, 2, "还在漏")
    assert fact.handle_by == MORNING + timedelta(hours=7)
    assert topics(said) == [("water", "order.reworked")]
    assert topics(update(folded, done())) == [("water", "update.accepted")]


@pytest.mark.parametrize("order", [FIRST, SECOND])
def test_a_rework_of_what_is_not_done_changes_nothing(order: str) -> None:
    """A fact is never refused; it comes too late."""
    folded = dispatch()
    assert folded.read(ReworkOrdered(order_id=order, reason="x", reworks=1)).outbox == ()


def test_a_closed_ticket_is_told_to_the_department_that_had_it() -> None:
    """Its order is over."""
    folded = dispatch()
    update(folded, sign())
    update(folded, done())
    said = folded.read(closed())
    assert said.facts == []
    assert [(topic, body.outcome) for topic, body in said.effects] == [(TO_WATER, "solved")]
    assert folded.read(closed(closings=2)).effects == []


@pytest.mark.parametrize(("outcome", "reason"), [("withdrawn", "withdrawn-by-caller"), ("diverted", "diverted")])
def test_an_open_order_of_a_ticket_that_was_given_up_is_withdrawn(outcome: str, reason: str) -> None:
    """The department need do nothing more."""
    said = dispatch().read(closed(outcome))
    ((topic, body),) = said.effects
    assert (topic, body.type, body.reason) == (TO_WATER, "gridcall.order.withdrawn.v1", reason)
    assert [fact.reason for fact in said.facts] == [reason]


def test_a_forced_closing_ends_an_open_order() -> None:
    """Nobody may work on a ticket that is closed."""
    folded = dispatch()
    assert topics(folded.read(closed("forced"))) == [("water", "order.closed")]
    assert refusal(update(folded, sign())) == "order-over"


def test_a_ticket_that_closes_without_an_order_is_told_to_nobody() -> None:
    """It was diverted by triage; no department ever heard of it."""
    assert Folded(decider(CITY)).read(closed("diverted")).outbox == ()


def test_a_triage_of_a_closed_ticket_waits_for_its_reopening() -> None:
    """The caller withdrew it while a person triaged."""
    folded = Folded(decider(CITY))
    folded.read(closed("forced"))
    assert folded.read(triaged()).outbox == ()
    assert issued(folded.read(TicketReopened(reason="还在", reopenings=1))).handler == WATER


def test_a_reopened_ticket_goes_to_its_last_handler_with_new_deadlines() -> None:
    """A new order, counted as another attempt."""
    folded = dispatch()
    folded.read(give(POLICE))
    update(folded, sign(SECOND, "police"))
    update(folded, done(SECOND, "police"))
    folded.read(closed())
    folded.clock.advance(timedelta(days=1))
    fact = issued(folded.read(TicketReopened(reason="还在", reopenings=1)))
    assert (fact.order_id, fact.handler, fact.attempt, fact.returnable) == (THIRD, POLICE, 3, True)
    assert fact.sign_by == MORNING + timedelta(days=1, minutes=30)


def test_a_reopened_ticket_that_lay_with_triage_or_an_officer_lies_there_again() -> None:
    """The handler who returned it does not get it by the back door."""
    folded = dispatch()
    update(folded, back())
    folded.read(closed("forced"))
    assert folded.read(TicketReopened(reason="x", reopenings=1)).facts == []
    folded.read(triaged(attempt=2))
    update(folded, back(SECOND))
    folded.read(closed("forced", 2))
    (fact,) = folded.read(TicketReopened(reason="x", reopenings=2)).facts
    assert isinstance(fact, AdjudicationAsked)


def test_a_ticket_that_is_triaged_again_while_closed_goes_to_its_handler_when_reopened() -> None:
    """It does not lie with triage any more."""
    folded = dispatch()
    update(folded, back())
    folded.read(closed("forced"))
    assert folded.read(triaged(attempt=2)).facts == []
    assert issued(folded.read(TicketReopened(reason="x", reopenings=1))).order_id == SECOND


# ---------------------------------------------------------------- assigning


def test_an_officer_gives_an_open_order_to_somebody_else() -> None:
    """The one before hears that it need do nothing more."""
    folded = dispatch()
    update(folded, sign())
    said = folded.read(give(POLICE))
    assert topics(said) == [("water", "order.withdrawn"), ("police", "order.issued")]
    assert (issued(said).by, issued(said).returnable, said.facts[0].reason) == ("赵值班", True, "reassigned")
    assert refusal(update(folded, done())) == "order-over"


def test_an_assist_that_becomes_the_lead_is_no_assist_any_more() -> None:
    """It would help itself."""
    assert issued(dispatch(assists=(POLICE, GRID)).read(give(POLICE))).assists == (GRID,)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (give(Handler(kind="department", id="nobody")), "unknown-handler"),
        (give(Handler(kind="unit", id="nowhere")), "unknown-handler"),
        (give(Handler(kind="unit", id=EAST)), "no-staff"),
        (give(WATER), "already-theirs"),
        (give(POLICE, by=" "), "no-name"),
        (give(POLICE, reason=" "), "no-reason"),
    ],
)
def test_an_assignment_that_leads_nowhere_is_refused(command: AssignTicket, reason: str) -> None:
    """The order stands as it was."""
    folded = dispatch()
    assert refusal(folded.read(command)) == reason
    assert folded.state().open is not None


def test_a_ticket_that_is_not_there_done_closed_or_in_triage_is_not_assigned() -> None:
    """Each time the sentence says what to do instead."""
    assert refusal(Folded(decider(CITY)).read(give(POLICE))) == "not-triaged"
    folded = dispatch()
    update(folded, sign())
    update(folded, done())
    assert refusal(folded.read(give(POLICE))) == "order-over"
    folded.read(closed())
    assert refusal(folded.read(give(POLICE))) == "closed"
    folded = dispatch()
    update(folded, back())
    assert refusal(folded.read(give(POLICE))) == "in-triage"


def test_after_an_adjudication_the_new_order_may_not_be_returned() -> None:
    """Not by the one who gets it now, and not after a reopening either."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    said = update(folded, back(SECOND, "police"))
    asked = said.facts[-1]
    assert isinstance(asked, AdjudicationAsked)
    assert (asked.unit, asked.level, asked.returns) == (TOP, "district", 2)
    fact = issued(folded.read(give(WATER)))
    assert (fact.order_id, fact.returnable) == (THIRD, False)
    assert refusal(update(folded, back(THIRD))) == "not-returnable"
    folded.read(closed("forced"))
    assert issued(folded.read(TicketReopened(reason="x", reopenings=1))).returnable is False


# ---------------------------------------------------------------- clocks, ladder, urging


def test_a_department_is_reminded_of_its_clocks() -> None:
    """Before the limit and at it."""
    folded = dispatch()
    due = MORNING + timedelta(minutes=30)
    clock = {"clock": "sign", "token": "t", "order_id": FIRST, "due_at": due}
    warned = folded.read(ClockWarned.model_validate(clock))
    late = folded.read(ClockBreached.model_validate(clock | {"late_by_s": 0.1}))
    for said, kind in ((warned, "warning"), (late, "breach")):
        ((topic, body),) = said.effects
        assert (topic, body.order_id, body.clock, body.due_at, body.reminder) == (TO_WATER, FIRST, "sign", due, kind)
        assert b'"kind":"' + kind.encode() in said.outbox[0].value


def test_a_department_hears_of_the_next_level_up() -> None:
    """It relieves nobody."""
    fact = TicketEscalated(from_level="street", to_level="district", unit=TOP, cause="sign", order_id=FIRST)
    ((topic, body),) = dispatch().read(fact).effects
    assert (topic, body.from_level, body.to_level, body.cause) == (TO_WATER, "street", "district", "sign")


def test_an_urging_person_reminds_of_the_clock_that_runs() -> None:
    """Of signing before it is signed, of handling after."""
    folded = dispatch()
    urge = MessageReceived(message_id="m", message_kind="urge", text="快点", received_at=MORNING)
    assert folded.read(urge).effects[0][1].clock == "sign"
    update(folded, sign())
    ((_, body),) = folded.read(urge).effects
    assert (body.clock, body.reminder, body.due_at) == ("handle", "urged", MORNING + timedelta(hours=2))
    other = MessageReceived(message_id="n", message_kind="follow-up", text="x", received_at=MORNING)
    assert folded.read(other).effects == []


def test_nobody_is_reminded_of_an_order_that_is_over_or_not_a_departments() -> None:
    """A clock that had fired before the order ended comes too late."""
    breach = ClockBreached.model_validate(
        {"clock": "handle", "token": "t", "order_id": FIRST, "due_at": MORNING, "late_by_s": 0}
    )
    urge = MessageReceived(message_id="m", message_kind="urge", received_at=MORNING)
    raised = TicketEscalated(from_level="grid", to_level="community", unit=COMMUNITY, cause="handle")
    reassigned, units = dispatch(), dispatch(lead=GRID)
    reassigned.read(give(GRID))
    for folded in (reassigned, units, Folded(decider(CITY))):
        for fact in (breach, urge, raised):
            assert folded.read(fact).effects == []


def test_the_clock_of_an_old_order_does_not_remind_of_the_new_one() -> None:
    """The police are not late for what the water department left."""
    folded = dispatch()
    folded.read(give(POLICE))
    late = {"clock": "sign", "token": "t", "due_at": MORNING, "late_by_s": 0}
    assert folded.read(ClockBreached.model_validate(late | {"order_id": FIRST})).effects == []
    assert topics(folded.read(ClockBreached.model_validate(late | {"order_id": SECOND}))) == [
        ("police", "order.reminded")
    ]


def test_an_order_message_names_what_it_follows_from() -> None:
    """A department that asks why finds the fact."""
    said = dispatch().read(closed())
    assert envelope_of(said.outbox[0]).causation == f"{TICKET}/closure/1"
