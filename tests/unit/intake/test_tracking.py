"""What may the person who asked know, and which receipts follow?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import EVOLVES, Tracked, view
from services.intake.handlers import decider
from shared.messages import (
    REGISTRY,
    CallBackAsked,
    CalledBack,
    ClockMove,
    ClocksRecalculated,
    Fact,
    Handler,
    InformationRequested,
    InformationWaitEnded,
    MessageReceived,
    OrderExtended,
    OrderResumed,
    OrderReturned,
    OrderSigned,
    OrderSuspended,
    TicketClosed,
    TicketDiverted,
    TicketReopened,
    TriageNeeded,
    Words,
)
from shared.topics import RECEIPTS
from tests.contract.test_golden import load
from tests.support.fold import MORNING, TICKET, Folded, Said, envelope_of
from tests.unit.intake.counter import profile

STREET = Handler(kind="unit", id="511802001")
CITY = Handler(kind="department", id="shizheng")
ORDER = f"{TICKET}-1"


def golden(kind: str, **changes: Any) -> Any:
    """Give a fact of the golden files with some fields changed."""
    name = f"gridcall.ticket.{kind}.v1"
    return REGISTRY[name].model_validate(load(name) | changes)


def issued(number: int = 1, who: Handler = CITY, **changes: Any) -> Any:
    """Give an order to a handler."""
    given = {
        "order_id": f"{TICKET}-{number}",
        "role": "lead",
        "handler": who.model_dump(),
        "handle_by": "2026-03-05T01:00:00Z",
    }
    return golden("order-issued", **(given | changes))


def signed(order: str = ORDER) -> OrderSigned:
    """Give a signature."""
    return OrderSigned(order_id=order, handler=CITY, signed_at=MORNING)


def extended(order: str = ORDER) -> OrderExtended:
    """Give a day more than `issued` gave."""
    old, new = MORNING + timedelta(days=1), MORNING + timedelta(days=2)
    return OrderExtended(
        order_id=order, handler=CITY, reason="13812345678", old=old, handle_by=new, times=1, approved_by="赵"
    )


def suspended(order: str = ORDER) -> OrderSuspended:
    """Give a rest of ten days."""
    until = MORNING + timedelta(days=10)
    return OrderSuspended(
        order_id=order, handler=CITY, reason="materials", since=MORNING, until=until, approved_by="赵"
    )


def resumed(why: Any = "ended", order: str = ORDER) -> OrderResumed:
    """Give word that it goes on after the rest."""
    at = MORNING + timedelta(days=10)
    return OrderResumed(order_id=order, handler=CITY, why=why, resumed_at=at, handle_by=at + timedelta(days=1))


def asked(question: str = "请补充门牌号") -> InformationRequested:
    """Ask the person something, with three days for the answer."""
    return InformationRequested(question=question, by="赵", since=MORNING, until=MORNING + timedelta(days=3))


def wait_over(why: Any = "answered") -> InformationWaitEnded:
    """Give word that the answer is waited for no longer."""
    return InformationWaitEnded(why=why, since=MORNING, at=MORNING + timedelta(days=1))


def recounted(why: Any, order: str = ORDER, clock: str = "handle") -> ClocksRecalculated:
    """Give a day more than `issued` gave."""
    old, new = MORNING + timedelta(days=1), MORNING + timedelta(days=2)
    move = ClockMove(clock=clock, token="t", order_id=order, old=old, new=new)  # noqa: S106 - names a run of a clock
    return ClocksRecalculated(clocks=(move,), why=why, at=MORNING)


def done(order: str = ORDER, **changes: Any) -> Any:
    """Give word that it is done."""
    given = {"order_id": order, "handler": CITY.model_dump(), "result": "fixed", "detail": "清理完毕"}
    return golden("order-done", **(given | changes))


class Person(Folded[Tracked]):
    """Follows one ticket whose report came from the hotline as r1."""

    def __init__(self) -> None:
        """Read the report from the log, as intake's own fact."""
        super().__init__(decider(profile()))
        self.read(golden("reported", source="hotline", reported_at=MORNING.isoformat()), causation="r1")

    def sees(self) -> Any:
        """Give what the person sees, as JSON would have it."""
        return view(TICKET, self.state(), MORNING, profile())

    def lines(self) -> list[str]:
        """Give the timeline's sentences in English."""
        return [line.sentence.en for line in self.sees().timeline]


def receipt(said: Said) -> tuple[str, str, str, Any]:
    """Give key, causation, type and body of the one receipt that followed."""
    ((topic, body),) = said.effects
    assert topic == RECEIPTS
    (message,) = said.outbox
    envelope = envelope_of(message)
    return message.key, envelope.causation, envelope.type, body


def test_the_straight_way_is_told_step_by_step() -> None:
    """Ordered, signed, done, closed: one receipt each, to the report's source, in answer to its id."""
    person = Person()
    steps = [
        (issued(), "ordered", "gridcall.report.progressed.v1"),
        (signed(), "handling", "gridcall.report.progressed.v1"),
        (done(), "done", "gridcall.report.resolved.v1"),
        (TicketClosed(outcome="solved", result="清理完毕"), "closed", "gridcall.report.closed.v1"),
    ]
    for fact, where, kind in steps:
        key, causation, said, body = receipt(person.read(fact))
        assert (key, causation, said) == ("hotline", "r1", kind)
        assert (body.report_id, body.ticket_id) == (TICKET, TICKET)
        assert person.state().where == where
    assert person.lines() == [
        "Your report was taken.",
        "It was sent to Municipal Works.",
        "Municipal Works signed for it.",
        "Municipal Works says that it is done: fixed: 清理完毕",
        "It was closed (solved).",
    ]
    assert person.sees().result == "清理完毕"
    assert person.sees().handled_by == Words(zh="市政", en="Municipal Works")


def test_by_when_is_said_while_somebody_handles_it() -> None:
    """With the order, and not any more once it is done."""
    person = Person()
    person.read(issued())
    assert person.sees().by_when.isoformat() == "2026-03-05T01:00:00+00:00"
    person.read(signed())
    assert person.sees().by_when is not None
    person.read(done())
    assert person.sees().by_when is None


def test_a_granted_extension_is_told_with_the_new_date() -> None:
    """In the city's local time and in both languages; of who approved it and why, nothing."""
    person = Person()
    person.read(issued())
    person.read(signed())
    key, causation, kind, body = receipt(person.read(extended()))
    assert (key, causation, kind, body.state) == ("hotline", "r1", "gridcall.report.progressed.v1", "handling")
    assert body.detail == (
        "市政延期已获批准,办理期限延至2026-03-06 09:00。 Municipal Works was given more time, until 2026-03-06 09:00."
    )
    assert person.sees().by_when == MORNING + timedelta(days=2)
    assert person.lines()[-1] == "Municipal Works was given more time, until 2026-03-06 09:00."


def test_a_suspension_is_told_with_its_end() -> None:
    """While it rests there is no date by when it is done; when it goes on there is one again."""
    person = Person()
    person.read(issued())
    person.read(signed())
    _, _, kind, body = receipt(person.read(suspended()))
    assert (kind, body.state) == ("gridcall.report.progressed.v1", "suspended")
    assert body.detail == (
        "市政暂缓办理(挂账),最迟2026-03-14 09:00恢复。 "
        "Municipal Works lets it rest; it goes on at 2026-03-14 09:00 at the latest."
    )
    assert (person.sees().state, person.sees().by_when) == ("suspended", None)
    assert person.sees().state_words.zh == "已挂账,暂缓办理"
    assert person.read(resumed()).effects == []
    assert (person.sees().state, person.sees().by_when) == ("handling", MORNING + timedelta(days=11))
    assert person.lines()[-1] == "Municipal Works goes on with it; the time that is left ends at 2026-03-15 09:00."


def test_a_question_is_shown_with_how_to_answer_it() -> None:
    """Up to when and by what message; meanwhile there is no date by when it is done. Then it goes on."""
    person = Person()
    person.read(issued())
    person.read(signed())
    _, causation, kind, body = receipt(person.read(asked()))
    assert (causation, kind, body.state) == ("r1", "gridcall.report.progressed.v1", "handling")
    assert body.detail == (
        f"请您补充:请补充门牌号 请在2026-03-07 09:00前答复:向/v1/reports/{TICKET}/messages发送kind为answer的消息。 "
        f"You were asked: 请补充门牌号 Please answer by 2026-03-07 09:00: send a message of the kind answer to "
        f"/v1/reports/{TICKET}/messages."
    )
    question = person.sees().question
    assert (question.text, question.until, question.kind) == ("请补充门牌号", MORNING + timedelta(days=3), "answer")
    assert question.href == f"/v1/reports/{TICKET}/messages"
    assert (person.sees().state, person.sees().by_when) == ("handling", None)

    answer = MessageReceived(message_id="m", message_kind="answer", text="3号", received_at=MORNING)
    assert person.read(answer).effects == []
    assert person.read(wait_over()).effects == []
    assert person.read(recounted("answered")).effects == []
    assert (person.sees().question, person.sees().by_when) == (None, MORNING + timedelta(days=2))
    assert person.lines()[-3:] == [
        "You were asked: 请补充门牌号",
        "We received your answer.",
        "You have answered, and it goes on.",
    ]


def test_a_question_that_nobody_answered_is_told_when_its_time_is_over() -> None:
    """And is open no more; neither is one of a ticket that was closed."""
    person = Person()
    person.read(asked())
    _, _, kind, body = receipt(person.read(wait_over("expired")))
    assert (kind, body.state) == ("gridcall.report.progressed.v1", "received")
    assert "No answer of yours came in time" in body.detail
    assert person.sees().question is None
    for outcome in ("solved", "diverted"):
        person.read(asked())
        assert person.sees().question is not None
        person.read(TicketClosed(outcome=outcome))
        assert person.sees().question is None


def test_a_question_shows_nobodys_number() -> None:
    """A clerk wrote it."""
    person = Person()
    _, _, _, body = receipt(person.read(asked("您的电话13812345678{x}打不通")))
    assert "您的电话138****5678{x}打不通" in body.detail
    assert "13812345678" not in person.sees().model_dump_json()
    assert "13812345678" not in person.state().model_dump_json()


@pytest.mark.parametrize("why", ["edited", "policy", "calendar"])
def test_a_limit_that_was_counted_again_is_by_when_it_is_done_now(why: str) -> None:
    """That of another order, of another clock, or one that is told as an extension, is not."""
    person = Person()
    person.read(issued())
    first = person.sees().by_when
    for other in (recounted("edited", "x"), recounted("edited", clock="sign"), recounted("extended")):
        person.read(other)
        assert person.sees().by_when == first
    lines = person.lines()
    assert person.read(recounted(why)).effects == []
    assert person.sees().by_when == MORNING + timedelta(days=2)
    assert person.lines() == lines


def test_a_suspension_that_ends_with_its_order_says_nothing_of_its_own() -> None:
    """What ended the order is told."""
    person = Person()
    person.read(issued())
    person.read(suspended())
    before = person.lines()
    assert person.read(resumed("over")).effects == []
    person.read(done())
    assert person.lines()[:-1] == before
    assert person.sees().state == "done"


@pytest.mark.parametrize("make", [extended, suspended, lambda order: resumed(order=order)])
def test_the_limits_of_another_order_are_not_told(make: Any) -> None:
    """It is not the one that the person waits for."""
    person = Person()
    person.read(issued(2))
    before = person.sees()
    assert person.read(make(ORDER)).effects == []
    assert person.sees() == before


def test_a_diverted_report_says_where_to() -> None:
    """Its receipt names who it was passed to; the closing that follows does not hide it."""
    person = Person()
    fact = TicketDiverted(diversion="emergency", to="110", detail=Words(zh="请拨打110。", en="Call 110."))
    _, _, kind, body = receipt(person.read(fact))
    assert (kind, body.to, body.detail) == ("gridcall.report.diverted.v1", "110", "请拨打110。 Call 110.")
    _, _, kind, body = receipt(person.read(TicketClosed(outcome="diverted")))
    assert (kind, body.outcome) == ("gridcall.report.closed.v1", "diverted")
    assert person.sees().state == "diverted"
    assert person.lines()[-1] == "It was passed on: 110. Call 110."


def test_a_persons_own_sentence_is_told_once() -> None:
    """Whoever diverts by hand writes one sentence, not one per language."""
    said = Words(zh="请拨打12122。", en="请拨打12122。")
    _, _, _, body = receipt(Person().read(TicketDiverted(diversion="not-ours", to="高速公路公司", detail=said)))
    assert body.detail == "请拨打12122。"


def test_a_returned_order_and_the_next_one() -> None:
    """Meanwhile nobody handles it; each issue is told once; an assisting unit's order is not told."""
    person = Person()
    person.read(issued())
    returned = OrderReturned(order_id=ORDER, handler=CITY, reason="not-ours", goes_to="triage", returns=1)
    assert person.read(returned).effects == []
    assert (person.sees().state, person.sees().handled_by, person.sees().by_when) == ("reassigning", None, None)
    assert person.read(issued(2, STREET, role="assist")).effects == []
    assert receipt(person.read(issued(2, STREET)))[2] == "gridcall.report.progressed.v1"
    assert person.sees().handled_by.zh == "东城街道"
    assert person.read(signed(ORDER)).effects == []
    assert person.read(done(ORDER)).effects == []
    assert person.state().where == "ordered"


def test_rework_call_back_and_reopening_are_told_in_the_timeline() -> None:
    """Without receipts of their own."""
    person = Person()
    person.read(issued())
    person.read(done())
    reworked = golden("order-reworked", order_id=ORDER, handler=CITY.model_dump())
    assert person.read(reworked).effects == []
    assert (person.sees().state, person.sees().result) == ("rework", None)
    person.read(done())
    for fact, where in ((CallBackAsked(unit="511802001"), "call-back"), (CalledBack(solved=True), "call-back")):
        assert person.read(fact).effects == []
        assert person.state().where == where
    assert person.read(CalledBack(reached=False)).effects == []
    person.read(TicketClosed(outcome="solved"))
    assert person.read(TicketReopened(reason="again", reopenings=1)).effects == []
    assert (person.sees().state, person.sees().result) == ("reopened", None)
    assert person.lines()[-4:] == [
        "You will be asked how it went.",
        "You were asked how it went.",
        "It was closed (solved).",
        "It was opened again.",
    ]


def test_human_triage_and_ones_own_words_are_in_the_timeline() -> None:
    """What the person said is told by its kind, not repeated."""
    person = Person()
    person.read(TriageNeeded(missing=("category",), unit="511802001", detail=Words(zh="缺类别", en="no category")))
    assert person.sees().state == "triage"
    person.read(MessageReceived(message_id="m", message_kind="follow-up", text="secret", received_at=MORNING))
    assert person.lines()[-1] == "We received your follow-up."
    assert person.sees().state == "triage"


def test_what_a_handler_writes_shows_nobodys_number() -> None:
    """Masked in the receipt and in the timeline."""
    person = Person()
    person.read(issued())
    _, _, _, body = receipt(person.read(done(detail="已电话13812345678告知")))
    assert body.result == "fixed: 已电话138****5678告知"
    assert "13812345678" not in person.sees().model_dump_json()


def test_a_report_that_the_log_did_not_bring_gets_no_receipts() -> None:
    """There is nobody to send them to."""
    folded = Folded(decider(profile()))
    assert folded.read(issued()).outbox == ()
    assert folded.state().where == "ordered"


def test_a_timeline_keeps_its_latest_lines() -> None:
    """However long it goes on."""
    person = Person()
    for number in range(1, 100):
        person.read(issued(number))
        person.clock.advance(timedelta(hours=1))
    assert len(person.sees().timeline) == 60
    assert person.state().order_id == f"{TICKET}-99"


@pytest.mark.parametrize("fact", sorted(fact.type for fact in EVOLVES))
def test_every_fact_that_is_read_can_be_folded_and_put_into_words(fact: str) -> None:
    """Also as the very first, and twice."""
    folded = Folded(decider(profile()))
    body = REGISTRY[fact].model_validate(load(fact))
    for _ in range(2):
        folded.read(body)
    assert view(TICKET, folded.state(), MORNING, profile()).timeline


facts = st.lists(st.sampled_from(sorted(fact.type for fact in EVOLVES)), max_size=25)


@given(facts)
def test_in_any_order_a_fact_read_twice_counts_once(names: list[str]) -> None:
    """A redelivered record changes nothing and is answered nothing."""
    once, twice = Folded(decider(profile())), Folded(decider(profile()))
    sequences: dict[str, int] = {}
    for name in names:
        body: Fact = REGISTRY[name].model_validate(load(name))  # type: ignore[assignment]
        sequences[body.producer] = sequences.get(body.producer, 0) + 1
        number = sequences[body.producer]
        given_: dict[str, Any] = {"sequence": number, "id": f"{TICKET}/{body.producer}/{number}"}
        first, second = once.read(body, **given_), twice.read(body, **given_)
        assert [o.value for o in first.outbox] == [o.value for o in second.outbox]
        assert twice.read(body, **given_).outbox == ()
    assert once.state() == twice.state()


def test_receipts_have_ids_of_their_own() -> None:
    """The same fact gives the same id, another fact another one."""
    person, again = Person(), Person()
    ids: list[str] = []
    for fact in (issued(), signed(), done()):
        (mine,), (other,) = person.read(fact).outbox, again.read(fact).outbox
        assert envelope_of(mine) == envelope_of(other)
        ids.append(envelope_of(mine).id)
    assert len(set(ids)) == 3
