"""Up to when may an order be returned, who may not be given it, who leads meanwhile, and what is learned of it?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.messages import (
    AdjudicationAsked,
    AmendTicket,
    AssignTicket,
    CallTicket,
    CategoryRef,
    Handler,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderSigned,
    OrderWithdrawn,
    ReworkOrdered,
    RoutingSuggested,
    Step,
)
from tests.unit.dispatch.orders import (
    COMMUNITY,
    FIRST,
    GRID,
    POLICE,
    SECOND,
    THIRD,
    WATER,
    back,
    closed,
    dispatch,
    done,
    extend,
    grant,
    note,
    sign,
    suspend,
    topics,
    triaged,
    update,
)
from tests.unit.sla.cities import city

if TYPE_CHECKING:
    from services.dispatch.domain import DispatchState
    from tests.support.fold import Folded, Said

WINDOW = city("window", **{"returns.within": "2 urgent_hours"})
LATER = city("later", **{"returns.after_progress": True})
FIRST_RECEIVER = city("first-receiver", **{"returns.first_receiver": True})
KEPT = {
    "categories": ["05*"],
    "not_below": "street",
    "sentence": {"zh": "抢修不得下派社区。", "en": "Repairs stay up."},
}
KEPT_UP = city("kept-up", **{"loop.kept_up": [KEPT]})
UNIT = Handler(kind="unit", id=COMMUNITY)


def give(to: Handler, **given: Any) -> AssignTicket:
    """Give an officer's decision."""
    return AssignTicket(to=to, by="赵值班", reason="职责如此", **given)


def refusal(said: Said) -> str:
    """Give the reason of the refusal, which stands in both languages."""
    assert said.refused is not None
    assert said.refused.detail.zh != said.refused.detail.en
    return said.refused.reason


def kinds(said: Said) -> list[type]:
    """Give what was said."""
    return [type(fact) for fact in said.facts]


# ---------------------------------------------------------------- the window


def test_an_order_is_returned_within_its_window() -> None:
    """At its very end too, signed or not."""
    folded = dispatch(WINDOW)
    update(folded, sign())
    folded.clock.advance(timedelta(hours=2))
    assert OrderReturned in kinds(update(folded, back()))


def test_after_the_window_it_is_theirs() -> None:
    """The sentence says until when it could be returned, by the city's clocks."""
    folded = dispatch(WINDOW)
    folded.clock.advance(timedelta(hours=2, seconds=1))
    said = update(folded, back())
    assert refusal(said) == "window-passed"
    assert said.refused is not None
    assert "2026-03-04 11:00" in said.refused.detail.en
    assert folded.state().open is not None


def test_a_new_order_has_a_window_of_its_own() -> None:
    """It counts from the order and not from the ticket."""
    folded = dispatch(WINDOW)
    folded.clock.advance(timedelta(hours=3))
    folded.read(give(POLICE))
    assert OrderReturned in kinds(update(folded, back(SECOND, "police")))


def test_without_a_window_it_is_returned_as_long_as_it_is_open() -> None:
    """The profile says nothing of one."""
    folded = dispatch()
    folded.clock.advance(timedelta(days=30))
    assert OrderReturned in kinds(update(folded, back()))


@pytest.mark.parametrize("progress", ["note", "check-in", "contact"])
def test_who_has_claimed_progress_keeps_it(progress: Any) -> None:
    """Unless the profile allows it."""
    folded, allowed = dispatch(), dispatch(LATER)
    for each in (folded, allowed):
        update(each, sign())
        update(each, note(progress=progress))
    assert refusal(update(folded, back())) == "progress-claimed"
    assert OrderReturned in kinds(update(allowed, back()))


def test_signing_and_asking_for_time_claim_no_progress() -> None:
    """They say nothing of the work."""
    folded = dispatch()
    update(folded, sign())
    update(folded, extend())
    assert OrderReturned in kinds(update(folded, back()))


def test_an_assist_returns_whenever_it_likes() -> None:
    """The lead goes on without it."""
    folded = dispatch(WINDOW, assists=(POLICE,))
    folded.clock.advance(timedelta(hours=5))
    assert OrderReturned in kinds(update(folded, back(SECOND, "police")))


# ---------------------------------------------------------------- forced, and not pushed down


def test_a_forced_order_may_not_be_returned() -> None:
    """Who gets it is told with it."""
    folded = dispatch()
    said = folded.read(give(POLICE, forced=True))
    issued = said.facts[-1]
    assert (issued.handler, issued.returnable) == (POLICE, False)
    assert said.effects[-1][1].returnable is False
    assert refusal(update(folded, back(SECOND, "police"))) == "not-returnable"


def test_an_assignment_that_is_not_forced_may_be_returned() -> None:
    """As any other."""
    folded = dispatch()
    folded.read(give(POLICE))
    assert OrderReturned in kinds(update(folded, back(SECOND, "police")))


def test_what_must_not_be_pushed_down_is_refused_with_the_rule() -> None:
    """To the community by nobody: neither assigned nor called nor added; a department or the street may have it."""
    folded = dispatch(KEPT_UP)
    said = folded.read(give(UNIT))
    assert refusal(said) == "not-pushed-down"
    assert said.refused is not None
    assert said.refused.detail.en == "Repairs stay up. Choose a department, or a unit of the level street or above."
    assert said.refused.detail.zh == "抢修不得下派社区。请选择部门，或街道及以上单元。"
    assert refusal(folded.read(give(GRID))) == "not-pushed-down"
    assert folded.read(give(POLICE)).refused is None


def test_a_unit_may_not_call_down_what_is_kept_up() -> None:
    """Whoever is named."""
    folded = dispatch(KEPT_UP, lead=Handler(kind="unit", id="100000"))
    assert refusal(folded.read(CallTicket(to=UNIT, reason="近", by="甲"))) == "not-pushed-down"


def test_another_category_may_be_pushed_down() -> None:
    """The list names its categories."""
    folded = dispatch(KEPT_UP, category=CategoryRef(code="0101", name="私搭", condition="built"))
    assert folded.read(give(UNIT)).refused is None


# ---------------------------------------------------------------- the first receiver


def taking_over() -> Folded[DispatchState]:
    """Give a ticket that water has signed and that was given to the police."""
    folded = dispatch(FIRST_RECEIVER)
    update(folded, sign())
    folded.read(give(POLICE))
    return folded


def test_who_has_signed_leads_on_until_the_other_has_signed() -> None:
    """The new order names what it takes over and who leads; the old one stands."""
    folded = dispatch(FIRST_RECEIVER)
    update(folded, sign())
    said = folded.read(give(POLICE))
    (issued,) = said.facts
    assert (issued.order_id, issued.takes_over, issued.lead) == (SECOND, FIRST, WATER)
    assert topics(said) == [("police", "order.issued")]
    assert said.effects[0][1].lead == WATER
    open_ = folded.state().open
    assert open_ is not None
    assert open_.id == FIRST


def test_the_new_signature_ends_the_old_order() -> None:
    """From then on there is one lead, and never two."""
    folded = taking_over()
    said = update(folded, sign(SECOND, "police"), ce_id="s")
    assert kinds(said) == [OrderWithdrawn, OrderSigned]
    assert (said.facts[0].order_id, said.facts[0].reason) == (FIRST, "reassigned")
    state = folded.state()
    assert state.open is not None
    assert (state.open.id, len(state.running)) == (SECOND, 1)
    assert refusal(update(folded, done())) == "order-over"
    assert kinds(update(folded, done(SECOND, "police"))) == [OrderDone]


def test_a_signature_that_comes_twice_is_accepted_twice() -> None:
    """The answer to a repeated update is the same, though a withdrawal came with it."""
    folded = taking_over()
    first = update(folded, sign(SECOND, "police"), ce_id="s")
    again = update(folded, sign(SECOND, "police"), ce_id="s")
    assert [body.type for _, body in first.effects if "accepted" in body.type] == [b.type for _, b in again.effects]


def test_who_finishes_first_ends_the_other() -> None:
    """The old handler is done before the new one has signed."""
    folded = taking_over()
    said = update(folded, done())
    assert kinds(said) == [OrderWithdrawn, OrderDone]
    assert (said.facts[0].order_id, said.facts[0].reason) == (SECOND, "lead-done")
    assert refusal(update(folded, sign(SECOND, "police"))) == "order-over"
    folded.read(ReworkOrdered(order_id=FIRST, reason="还漏", by="赵", reworks=1))
    assert [each.id for each in folded.state().running] == [FIRST]


def test_the_new_handler_returns_and_the_old_one_leads_on() -> None:
    """It was never between two."""
    folded = taking_over()
    (returned,) = update(folded, back(SECOND, "police")).facts
    assert (returned.goes_to, returned.returns) == ("lead", 0)
    assert [each.id for each in folded.state().running] == [FIRST]
    assert kinds(update(folded, done())) == [OrderDone]


def test_a_forced_successor_may_not_return() -> None:
    """Forced is forced."""
    folded = dispatch(FIRST_RECEIVER)
    update(folded, sign())
    folded.read(give(POLICE, forced=True))
    assert refusal(update(folded, back(SECOND, "police"))) == "not-returnable"


def test_the_old_handler_may_not_return_meanwhile() -> None:
    """It is withdrawn from them anyway, as soon as somebody else answers for it."""
    assert refusal(update(taking_over(), back())) == "being-taken-over"


def test_a_third_one_takes_the_place_of_the_second() -> None:
    """There is one successor at most; neither handler is given it twice."""
    folded = taking_over()
    assert refusal(folded.read(give(WATER))) == "already-theirs"
    assert refusal(folded.read(give(POLICE))) == "already-theirs"
    said = folded.read(give(UNIT))
    assert kinds(said) == [OrderWithdrawn, OrderIssued]
    assert (said.facts[0].order_id, said.facts[1].order_id, said.facts[1].takes_over) == (SECOND, THIRD, FIRST)
    assert [each.id for each in folded.state().successors] == [THIRD]


def test_an_order_that_nobody_has_signed_is_withdrawn_at_once() -> None:
    """There is no first receiver."""
    folded = dispatch(FIRST_RECEIVER)
    said = folded.read(give(POLICE))
    assert kinds(said) == [OrderWithdrawn, OrderIssued]
    assert said.facts[1].takes_over == ""


def test_without_the_rule_the_old_order_ends_at_once() -> None:
    """As most cities want it."""
    folded = dispatch()
    update(folded, sign())
    assert kinds(folded.read(give(POLICE))) == [OrderWithdrawn, OrderIssued]


def test_a_suspended_first_receiver_leads_on_too() -> None:
    """Its rest ends with its order."""
    folded = dispatch(FIRST_RECEIVER)
    update(folded, sign())
    update(folded, suspend(until=folded.clock.now() + timedelta(hours=1)))
    folded.read(grant())
    folded.read(give(POLICE))
    said = update(folded, sign(SECOND, "police"))
    assert [fact.type.split(".")[2] for fact in said.facts] == ["order-resumed", "order-withdrawn", "order-signed"]


def test_a_closing_ends_both() -> None:
    """No order is open on a closed ticket."""
    folded = taking_over()
    folded.read(closed("withdrawn"))
    assert folded.state().running == ()


def test_triage_by_a_person_ends_both() -> None:
    """One new lead, and nobody beside it."""
    folded = taking_over()
    said = folded.read(triaged(lead=UNIT, attempt=2, by="甲"))
    assert kinds(said) == [OrderWithdrawn, OrderWithdrawn, OrderIssued]
    assert len(folded.state().running) == 1


# ---------------------------------------------------------------- what is learned


def returned_and_done(**given: Any) -> list[Any]:
    """Give what is said when the police have done what water returned."""
    folded = dispatch(**given)
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2, rule="proposed by water"))
    update(folded, sign(SECOND, "police"))
    return update(folded, done(SECOND, "police")).facts


def test_a_wrong_choice_of_the_matrix_is_learned_once() -> None:
    """What was asked, who was chosen by which row, and who has done it."""
    suggested, done_ = returned_and_done(rule="routing row 1")
    assert isinstance(suggested, RoutingSuggested)
    assert isinstance(done_, OrderDone)
    assert (suggested.category.code, suggested.category.condition, suggested.level) == ("0501", "leak", "grid")
    assert (suggested.chosen, suggested.handler, suggested.rule) == (WATER, POLICE, "routing row 1")
    assert suggested.place == GRID.id


def test_it_is_not_said_again_after_a_rework() -> None:
    """Once for a ticket."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    update(folded, sign(SECOND, "police"))
    update(folded, done(SECOND, "police"))
    folded.read(ReworkOrdered(order_id=SECOND, reason="还漏", by="赵", reworks=1))
    assert kinds(update(folded, done(SECOND, "police"))) == [OrderDone]


def test_a_repeated_update_of_it_is_accepted_again() -> None:
    """Though a suggestion came with the first."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    update(folded, sign(SECOND, "police"))
    update(folded, done(SECOND, "police"), ce_id="d")
    ((_, answer),) = update(folded, done(SECOND, "police"), ce_id="d").effects
    assert "accepted" in answer.type


@pytest.mark.parametrize(
    "given",
    [{"by": "甲"}, {"lead": POLICE}],
)
def test_nothing_is_learned_of_what_the_matrix_did_not_choose(given: dict[str, Any]) -> None:
    """A person has triaged it; or who returned it was not whom it had chosen."""
    folded = dispatch(**given)
    department = "police" if "lead" in given else "water"
    update(folded, back(department=department))
    folded.read(triaged(lead=POLICE, attempt=2))
    update(folded, sign(SECOND, "police"))
    assert kinds(update(folded, done(SECOND, "police"))) == [OrderDone]


@pytest.mark.parametrize("reason", ["wrong-place", "incomplete", "duplicate"])
def test_nothing_is_learned_of_another_reason(reason: Any) -> None:
    """The report was wrong, not the matrix."""
    folded = dispatch()
    update(folded, back(reason=reason))
    folded.read(triaged(lead=POLICE, attempt=2))
    update(folded, sign(SECOND, "police"))
    assert kinds(update(folded, done(SECOND, "police"))) == [OrderDone]


def test_nothing_is_learned_when_the_chosen_one_does_it_after_all() -> None:
    """A duty officer has decided so."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    folded.read(give(WATER, forced=True))
    update(folded, sign(THIRD))
    assert kinds(update(folded, done(THIRD))) == [OrderDone]


def test_nothing_is_learned_of_a_matter_that_was_another_one() -> None:
    """The category was corrected: the matrix had been asked about something else."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    folded.read(AmendTicket(category="0101", condition="built", reason="不是漏水", by="甲"))
    update(folded, sign(SECOND, "police"))
    assert kinds(update(folded, done(SECOND, "police"))) == [OrderDone]


def test_whoever_is_asked_before_the_lead_is_no_choice_of_the_matrix() -> None:
    """A grid that returns a small matter makes room for the lead."""
    folded = dispatch(before=(Step(tier="small", handler=GRID),))
    update(folded, back(FIRST, None, "丙"))
    update(folded, sign(SECOND))
    assert kinds(update(folded, done(SECOND))) == [OrderDone]


def test_after_enough_returns_a_duty_officer_decides_and_it_stays() -> None:
    """The order after the adjudication may not be returned."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    said = update(folded, back(SECOND, "police"))
    assert kinds(said) == [OrderReturned, AdjudicationAsked]
    folded.read(give(WATER))
    assert refusal(update(folded, back(THIRD))) == "not-returnable"
