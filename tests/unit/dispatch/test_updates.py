"""What may be done with an order, and what is each update answered?"""

from __future__ import annotations

import pytest

from services.dispatch.handlers import decider
from shared.messages import (
    AdjudicationAsked,
    Attachment,
    Command,
    OrderDone,
    OrderProgressed,
    OrderReturned,
    OrderSigned,
    UpdateAccepted,
    UpdateRefused,
)
from tests.support.fold import MORNING, TICKET, Folded, Said, envelope_of
from tests.unit.dispatch.orders import (
    CITY,
    FIRST,
    GRID,
    POLICE,
    SECOND,
    TO_POLICE,
    TO_WATER,
    back,
    closed,
    dispatch,
    done,
    extend,
    note,
    resume,
    sign,
    suspend,
    topics,
    triaged,
    update,
)


def answer(said: Said, topic: str = TO_WATER) -> UpdateAccepted | UpdateRefused:
    """Give the one answer, which went to the department that asked."""
    ((where, body),) = [pair for pair in said.effects if isinstance(pair[1], UpdateAccepted | UpdateRefused)]
    assert where == topic
    assert isinstance(body, UpdateAccepted | UpdateRefused)
    return body


def refusal(said: Said, topic: str = TO_WATER) -> str:
    """Give the reason for which an update was refused; the log says the same."""
    body = answer(said, topic)
    assert isinstance(body, UpdateRefused)
    assert body.detail
    assert said.refused is not None
    assert said.refused.reason == body.reason
    return body.reason


# ---------------------------------------------------------------- the straight way


def test_a_signed_update_is_accepted_with_what_it_led_to() -> None:
    """The answer names the update by the id that the department gave it."""
    said = update(dispatch(), sign(), "u-1")
    (fact,) = said.facts
    assert fact == OrderSigned(order_id=FIRST, handler=triaged().lead, by="李", signed_at=MORNING)
    assert answer(said) == UpdateAccepted(order_id=FIRST, update_id="u-1", effects=(OrderSigned.type,))
    assert envelope_of(said.outbox[-1]).causation == "u-1"


def test_progress_and_check_in_are_recorded() -> None:
    """A check-in has its time and place."""
    folded = dispatch()
    update(folded, sign())
    photo = Attachment(url="https://a.example/2.jpg", media_type="image/jpeg")
    (fact,) = update(folded, note(attachments=(photo,))).facts
    assert fact == OrderProgressed(order_id=FIRST, by="李", note="在修", attachments=(photo,), at=MORNING)
    (fact,) = update(folded, note(note="", progress="check-in", at=MORNING, lon=103.0, lat=30.0)).facts
    assert (fact.progress, fact.at, fact.lon, fact.lat) == ("check-in", MORNING, 103.0, 30.0)


def test_what_is_done_carries_all_that_closing_needs() -> None:
    """Closure asks nobody."""
    folded = dispatch()
    update(folded, sign())
    said = update(folded, done(result="已修复", detail="换管"))
    (fact,) = said.facts
    assert isinstance(fact, OrderDone)
    told = triaged()
    assert (fact.category, fact.severity, fact.place) == (told.category, told.severity, told.place)
    assert (fact.unit, fact.callback, fact.profile_version) == (told.unit, told.callback, told.profile_version)
    assert (fact.result, fact.detail, fact.done_at) == ("已修复", "换管", MORNING)
    assert topics(said) == [("water", "update.accepted")]


# ---------------------------------------------------------------- what may not be done


@pytest.mark.parametrize("command", [note(), note(progress="check-in", at=MORNING), done()])
def test_an_update_before_the_signature_is_refused(command: Command) -> None:
    """Sign first (签收)."""
    assert refusal(update(dispatch(), command)) == "not-signed"


def test_an_order_is_signed_for_once() -> None:
    """A second signature with an id of its own is refused."""
    folded = dispatch()
    update(folded, sign(), "u-1")
    assert refusal(update(folded, sign(), "u-2")) == "already-signed"


@pytest.mark.parametrize("make", [sign, note, done, back, extend, suspend, resume])
def test_an_order_of_another_department_is_refused_to_the_asker_without_a_word_about_it(make: object) -> None:
    """The answer is the same whatever the state of the order, and nobody else hears of it."""
    folded = dispatch()
    said = update(folded, make(FIRST, "police"))  # type: ignore[operator]
    assert refusal(said, TO_POLICE) == "not-yours"
    first = answer(said, TO_POLICE)
    update(folded, sign())
    update(folded, done())
    said = update(folded, make(FIRST, "police"))  # type: ignore[operator]
    again = answer(said, TO_POLICE)
    assert isinstance(first, UpdateRefused)
    assert isinstance(again, UpdateRefused)
    assert first.detail == again.detail
    assert [topic for topic, _ in said.effects] == [TO_POLICE]
    for word in ("供水", "water", "李", "水管"):
        assert word not in again.detail


def test_a_units_order_is_no_departments() -> None:
    """A department cannot sign for a grid worker."""
    assert refusal(update(dispatch(lead=GRID), sign())) == "not-yours"


def test_an_order_that_a_ticket_does_not_have_is_refused() -> None:
    """The ticket is there, the order is not."""
    assert refusal(update(dispatch(), sign(SECOND))) == "no-such-order"
    assert refusal(update(dispatch(), sign(f"{TICKET}-01"))) == "no-such-order"


def test_an_update_for_a_ticket_that_is_not_there_becomes_a_dead_letter() -> None:
    """There is nothing to keep it with, and it is not lost."""
    said = update(Folded(decider(CITY)), sign())
    assert said.facts == []
    assert said.effects == []
    assert said.dead is not None
    assert said.dead.reason == "no-such-order"


@pytest.mark.parametrize("make", [sign, note, done, back, extend, suspend, resume])
@pytest.mark.parametrize(
    ("end", "word"),
    [("done", "done already"), ("returned", "returned"), ("withdrawn", "withdrawn"), ("closed", "closed")],
)
def test_an_order_that_is_over_says_how_it_ended(make: object, end: str, word: str) -> None:
    """Whatever is tried with it."""
    folded = dispatch()
    if end == "returned":
        update(folded, back())
    elif end == "withdrawn":
        folded.read(closed("withdrawn"))
    else:
        update(folded, sign())
        update(folded, done())
        if end == "closed":
            folded.read(closed())
    said = update(folded, make())  # type: ignore[operator]
    assert refusal(said) == "order-over"
    body = answer(said)
    assert isinstance(body, UpdateRefused)
    assert word in body.detail


# ---------------------------------------------------------------- an order comes back


@pytest.mark.parametrize("signed", [False, True])
def test_the_first_return_goes_back_to_triage(signed: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Before or after the signature; the order is over."""
    folded = dispatch()
    if signed:
        update(folded, sign())
    said = update(folded, back(detail="是公安的", proposed_department="公安局"), "u-1")
    (fact,) = said.facts
    assert isinstance(fact, OrderReturned)
    assert (fact.goes_to, fact.returns, fact.proposed, fact.detail) == ("triage", 1, POLICE, "是公安的")
    assert topics(said) == [("water", "update.accepted"), ("water", "order.withdrawn")]
    assert said.effects[1][1].reason == "returned"


def test_a_later_return_goes_to_the_duty_officer() -> None:
    """Who decides, and then it stays."""
    folded = dispatch()
    update(folded, back())
    folded.read(triaged(lead=POLICE, attempt=2))
    said = update(folded, back(SECOND, "police"))
    assert [type(fact) for fact in said.facts] == [OrderReturned, AdjudicationAsked]
    assert (said.facts[0].goes_to, said.facts[0].returns) == ("duty-officer", 2)
    assert answer(said, TO_POLICE) == UpdateAccepted(
        order_id=SECOND,
        update_id=answer(said, TO_POLICE).update_id,
        effects=(OrderReturned.type, AdjudicationAsked.type),
    )


def test_a_return_that_proposes_nobody_who_exists_is_refused() -> None:
    """The departments are named, so that the next try is right."""
    folded = dispatch()
    said = update(folded, back(proposed_department="消防"))
    assert refusal(said) == "unknown-department"
    body = answer(said)
    assert isinstance(body, UpdateRefused)
    assert "police, water" in body.detail
    assert folded.state().open is not None


# ---------------------------------------------------------------- repeated updates


def test_a_repeated_update_gets_the_same_answer_and_does_nothing_again() -> None:
    """Also when the order has gone on meanwhile."""
    folded = dispatch()
    first = update(folded, sign(), "u-1")
    update(folded, done(), "u-2")
    again = update(folded, sign(), "u-1")
    assert again.facts == []
    assert answer(again) == answer(first)
    assert envelope_of(again.outbox[0]).id == envelope_of(first.outbox[-1]).id


def test_a_repeated_return_names_the_adjudication_again() -> None:
    """The answer is remembered, not guessed."""
    folded = dispatch()
    update(folded, back(), "u-1")
    folded.read(triaged(attempt=2))
    first = update(folded, back(SECOND), "u-2")
    assert answer(update(folded, back(SECOND), "u-2")) == answer(first)


def test_a_repeated_refusal_is_the_same_refusal() -> None:
    """Also when the update would be accepted by now; a new try has an id of its own."""
    folded = dispatch()
    first = update(folded, done(), "u-1")
    update(folded, sign(), "u-2")
    again = update(folded, done(), "u-1")
    assert again.facts == []
    assert answer(again) == answer(first)


def test_another_update_with_a_used_id_is_told_so() -> None:
    """It was not carried out, so it must not be called accepted."""
    folded = dispatch()
    update(folded, sign(), "u-1")
    said = update(folded, done(), "u-1")
    assert said.facts == []
    body = answer(said)
    assert isinstance(body, UpdateRefused)
    assert body.reason == "id-reused"


# ---------------------------------------------------------------- at the desk


def test_a_person_of_the_unit_signs_and_completes_at_the_desk() -> None:
    """No department hears of it."""
    folded = dispatch(lead=GRID)
    for command, fact in ((sign(department=None), OrderSigned), (done(department=None), OrderDone)):
        said = folded.read(command)
        assert [type(each) for each in said.facts] == [fact]
        assert said.effects == []


def test_a_department_without_a_system_of_its_own_uses_the_desk() -> None:
    """By name, and without an answer on its topic."""
    folded = dispatch()
    said = folded.read(sign(department=None))
    assert [type(fact) for fact in said.facts] == [OrderSigned]
    assert said.effects == []
    assert folded.read(done(department=None)).refused is None


def test_a_desk_command_without_a_name_or_a_ticket_is_refused() -> None:
    """With a sentence, and never as a dead letter."""
    for folded, command, reason in (
        (dispatch(), sign(department=None, by=" "), "no-name"),
        (Folded(decider(CITY)), sign(department=None), "no-such-order"),
    ):
        said = folded.read(command)
        assert said.refused is not None
        assert said.refused.reason == reason
        assert said.effects == []
