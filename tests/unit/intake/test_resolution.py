"""Is the person told that it is resolved before the ticket is closed (LQ-21), and why, when it is closed otherwise?"""

from __future__ import annotations

from typing import Any, get_args

import pytest

from services.closure.handlers import decider as closure
from services.intake.domain.tracking import WORDS
from shared.messages import (
    FamilyTold,
    Handler,
    MessageReceived,
    OrderIssued,
    OrderReworked,
    OrderSigned,
    Outcome,
    RecordCallBack,
    ReportClosed,
    ReportResolved,
    Span,
    TicketClosed,
    VerifyTicket,
)
from tests.support.fold import MORNING, TICKET, Folded, body_of
from tests.unit.closure.cases import CITY as SMALL_CITY
from tests.unit.intake.test_tracking import CITY, ORDER, Person, done, golden, issued, receipt

SECOND = f"{TICKET}-2"
POLICE = Handler(kind="department", id="gongan")


def told(person: Person, *facts: Any) -> list[Any]:
    """Give the receipts that follow from facts, in order."""
    return [body for fact in facts for _, body in person.read(fact).effects]


def life(severity: str, callback: bool, tier: str) -> list[Any]:  # noqa: FBT001 - one line a case
    """Give what the log says of a ticket from its being done to its closing, as closure decides it."""
    folded = Folded(closure(SMALL_CITY))
    order_done = done(severity=severity, callback=callback, tier=tier, by="李", hands=[], profile_version="1")
    log: list[Any] = [order_done, *folded.read(order_done).facts]
    if folded.state().phase == "verifying":
        log += folded.read(VerifyTicket(passed=True, by="赵")).facts
    if folded.state().phase == "calling-back":
        log += folded.read(RecordCallBack(solved=True, channel="phone", by="赵")).facts
    return log


@pytest.mark.parametrize("tier", ["lead", "small", "settlement"])
@pytest.mark.parametrize("callback", [False, True])
@pytest.mark.parametrize("severity", ["I", "IV"])
def test_it_is_resolved_before_it_is_closed(severity: str, callback: bool, tier: str) -> None:  # noqa: FBT001
    """Whoever verifies, and whether the person is called: first what was done, then that it is over."""
    person = Person()
    person.read(issued(tier=tier))
    receipts = told(person, *life(severity, callback, tier))
    assert [type(body) for body in receipts] == [ReportResolved, ReportClosed]
    assert receipts[0].result == "fixed: 清理完毕"
    assert receipts[1].outcome == ("self-settled" if tier == "settlement" else "solved")
    whats = [line.what for line in person.sees().timeline]
    assert whats.index("done") < whats.index("closed")


def test_after_a_rework_it_is_told_again() -> None:
    """What was done this time."""
    person = Person()
    again = OrderReworked(
        order_id=ORDER, handler=CITY, reason="x", handle_by=MORNING, handle_limit=Span(amount=1, unit="work_days"),
        warn_share=0.8, attempt=2,
    )  # fmt: skip
    receipts = told(person, issued(), done(), again, done(result="again"), TicketClosed(outcome="solved"))
    assert [body.result for body in receipts if isinstance(body, ReportResolved)] == [
        "fixed: 清理完毕",
        "again: 清理完毕",
    ]
    assert isinstance(receipts[-1], ReportClosed)


def test_the_assists_work_resolves_nothing() -> None:
    """The lead says when it is."""
    person = Person()
    person.read(issued())
    assert told(person, done(order_id=SECOND, role="assist")) == []


@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_closing_type_has_words_for_the_person(outcome: Any) -> None:
    """In both languages, and a reason where it is closed out of turn."""
    assert WORDS[outcome].zh
    assert WORDS[outcome].en
    if outcome == "merged":
        return  # told by what it was merged into
    person = Person()
    person.read(issued())
    _, _, _, body = receipt(person.read(TicketClosed(outcome=outcome, result="不属于受理范围")))
    assert body.outcome == outcome
    if outcome != "diverted":
        assert body.result == "不属于受理范围"
        assert WORDS[outcome].en in person.lines()[-1]


def takes_over() -> OrderIssued:
    """Give the order of whoever leads once they have signed."""
    return OrderIssued.model_validate(
        issued(2, POLICE, takes_over=ORDER, handle_by="2026-03-09T01:00:00Z").model_dump()
    )


def test_who_has_it_is_named_until_somebody_else_has_signed() -> None:
    """The person is told of the change when it is one."""
    person = Person()
    told(person, issued(), OrderSigned(order_id=ORDER, handler=CITY, signed_at=MORNING))
    before = person.sees()
    assert told(person, takes_over()) == []
    assert person.sees() == before
    (step,) = told(person, OrderSigned(order_id=SECOND, handler=POLICE, signed_at=MORNING))
    assert step.state == "handling"
    after = person.sees()
    assert after.handled_by != before.handled_by
    assert after.by_when.isoformat() == "2026-03-09T01:00:00+00:00"
    receipts = told(person, done(order_id=SECOND), TicketClosed(outcome="solved"))
    assert [type(body) for body in receipts] == [ReportResolved, ReportClosed]


def test_the_first_receiver_may_finish_before() -> None:
    """It is resolved by whoever does it."""
    person = Person()
    told(person, issued(), takes_over())
    assert [type(body) for body in told(person, done())] == [ReportResolved]


def test_a_persons_own_word_counts_as_the_call() -> None:
    """Nothing is closed as solved that was not told of: a rating closes only what was done."""
    folded = Folded(closure(SMALL_CITY))
    rating = MessageReceived(message_id="m", message_kind="rating", rating=5, received_at=MORNING)
    assert folded.read(rating).facts == []
    folded.read(done(severity="IV", callback=True, profile_version="1"))
    assert [body_of(out).type.split(".")[2] for out in folded.read(rating).outbox] == ["called-back", "closed"]


def test_what_is_settled_at_a_visit_is_told_too() -> None:
    """The answer that was heard there; what was only explained is no resolution."""
    for outcome, types in (("solved", [ReportResolved, ReportClosed]), ("informed", [ReportClosed])):
        person = Person()
        settled = golden("settled", outcome=outcome, answer="已当场劝离 13812345678", unit="511802001")
        receipts = told(person, settled, TicketClosed.model_validate({"outcome": outcome, "result": settled.answer}))
        assert [type(body) for body in receipts] == types
        assert not any("13812345678" in body.result for body in receipts)


@pytest.mark.parametrize(("outcome", "types"), [("solved", [ReportResolved, ReportClosed]), ("forced", [ReportClosed])])
def test_a_part_is_resolved_before_it_is_closed_with_the_whole(outcome: Any, types: list[type]) -> None:
    """Its person is told as any other."""
    person = Person()
    whole = FamilyTold(main="ZZZZZZZZZZZZZZZZ", relation="child", news="closed", outcome=outcome, result="水管已换")
    receipts = told(person, whole, TicketClosed(outcome=outcome, result="水管已换"))
    assert [type(body) for body in receipts] == types
    assert {body.result for body in receipts} == {"水管已换"}
