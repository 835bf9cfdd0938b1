"""What waits for a desk's round (集中派单), and when is a visit over (社区办公日)?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.dispatch.handlers import decider
from shared.messages import (
    AddItem,
    AssignTicket,
    CloseTicket,
    Command,
    FollowVisit,
    Handler,
    ItemAdded,
    ItemSettled,
    OrderDone,
    OrderExtended,
    OrderIssued,
    ReleaseTicket,
    RoundJoined,
    SettleItem,
    TicketClosed,
)
from shared.profile import parse_profile
from tests.support.fold import MORNING, TICKET, Folded
from tests.unit.dispatch.orders import CITY, COMMUNITY, EAST, FIRST, GRID, POLICE, WATER, dispatch, done, sign, triaged
from tests.unit.profile.small import SMALL

ROUNDS = parse_profile(
    SMALL.replace("  warn_share: 0.8", "  warn_share: 0.8\n  calendar: office")
    + "calendars:\n  office: {zh: 机关, en: Office, hours: [09:00-12:00, 14:00-18:00], holidays: CN}\n"
    + 'loop:\n  rounds: {desk: street, at: ["10:30", "16:00"], severities: [III, IV]}\n',
    "rounds",
)
CLOSES = MORNING + timedelta(hours=1, minutes=30)
"""MORNING is nine o'clock on a Wednesday."""
ITEM = "FEDCBA9876543210"
LATER = MORNING + timedelta(days=3)


def in_a_round(**given: Any) -> Folded[Any]:
    """Give dispatch with one ticket that waits for the round of half past ten."""
    return dispatch(ROUNDS, severity="III", **given)


def test_a_matter_that_may_wait_joins_the_round_that_closes_next() -> None:
    """Nobody has an order yet; the desk and what is proposed are known."""
    folded = Folded(decider(ROUNDS))
    (joined,) = folded.read(triaged(severity="III")).facts
    assert isinstance(joined, RoundJoined)
    assert (joined.unit, joined.proposed, joined.closes_at) == (EAST, WATER, CLOSES)
    assert joined.round == f"{EAST}/2026-03-04T02:30Z"
    assert folded.wake_at() == CLOSES


def test_a_grave_matter_waits_for_no_round() -> None:
    """Nor one that a person has triaged."""
    assert isinstance(Folded(decider(ROUNDS)).read(triaged(severity="II")).facts[0], OrderIssued)
    assert isinstance(Folded(decider(ROUNDS)).read(triaged(severity="III", by="王")).facts[0], OrderIssued)


def test_after_the_last_round_of_a_day_it_is_the_first_of_the_next_working_day() -> None:
    """Friday evening waits until Monday."""
    folded = Folded(decider(ROUNDS), at=MORNING + timedelta(days=2, hours=9))
    (joined,) = folded.read(triaged(severity="IV")).facts
    assert joined.closes_at == CLOSES + timedelta(days=5)


def test_what_the_desk_leaves_is_dispatched_as_proposed_when_the_round_closes() -> None:
    """Once, by the timer, and not before."""
    folded = in_a_round()
    assert folded.wake().facts == []
    folded.clock.advance(timedelta(hours=1, minutes=30))
    (issued,) = folded.wake().facts
    assert (issued.handler, issued.order_id, issued.by) == (WATER, FIRST, "gridcall")
    assert folded.wake_at() is None


def test_the_desk_decides_before_it_closes() -> None:
    """As proposed, or for somebody else; then the round no longer concerns it."""
    folded = in_a_round()
    (issued,) = folded.read(ReleaseTicket(by="李调度")).facts
    assert issued.handler == WATER
    assert folded.wake_at() is None
    other = in_a_round()
    (given,) = other.read(AssignTicket(to=POLICE, reason="涉及治安", by="李调度")).facts
    assert (given.handler, given.by) == (POLICE, "李调度")
    other.clock.advance(timedelta(hours=2))
    assert other.wake().facts == []


def test_release_is_refused_where_nothing_waits() -> None:
    """With a sentence."""
    assert dispatch(CITY).read(ReleaseTicket(by="李调度")).refused.reason == "not-in-a-round"  # type: ignore[union-attr]
    assert in_a_round().read(ReleaseTicket(by=" ")).refused.reason == "no-name"  # type: ignore[union-attr]


def test_a_ticket_that_is_closed_in_its_round_is_not_dispatched() -> None:
    """The person took it back."""
    folded = in_a_round()
    folded.read(TicketClosed(outcome="withdrawn"))
    folded.clock.advance(timedelta(hours=2))
    assert folded.wake().facts == []


# ---------------------------------------------------------------- visits


def visit() -> Folded[Any]:
    """Give a visit that its community has signed for."""
    folded = dispatch(CITY, lead=Handler(kind="unit", id=COMMUNITY))
    folded.read(sign(department=None))
    return folded


def item(**given: Any) -> AddItem:
    """Give the word of triage that a report was made at the visit."""
    return AddItem(**({"by": "gridcall", "item": ITEM, "outcome": "open"} | given))


def settle(**given: Any) -> SettleItem:
    """Give what became of it."""
    return SettleItem(**({"by": "王社工", "item": ITEM, "outcome": "settled", "note": "已当场修好"} | given))


def test_a_visit_is_not_over_while_an_item_is_open() -> None:
    """It is crossed off, explained, or promised; then it is done."""
    for outcome in ("settled", "explained"):
        folded = visit()
        (added,) = folded.read(item()).facts
        assert (type(added), added.item, added.outcome) == (ItemAdded, ITEM, "open")
        refused = folded.read(done(department=None)).refused
        assert refused is not None
        assert (refused.reason, ITEM in refused.detail.en, ITEM in refused.detail.zh) == ("items-open", True, True)
        settled = folded.read(settle(outcome=outcome)).facts[0]
        assert (type(settled), settled.outcome) == (ItemSettled, outcome)
        assert isinstance(folded.read(done(department=None)).facts[-1], OrderDone)


def test_a_promise_needs_its_date() -> None:
    """And a date is not yet past."""
    folded = visit()
    folded.read(item())
    for date in (None, MORNING):
        assert folded.read(settle(outcome="ticket", promised_by=date)).refused.reason == "no-date"  # type: ignore[union-attr]
    promised = folded.read(settle(outcome="ticket", promised_by=MORNING + timedelta(days=3), note="")).facts[0]
    assert promised.promised_by == MORNING + timedelta(days=3)
    assert isinstance(folded.read(done(department=None)).facts[-1], OrderDone)


def test_the_same_item_twice_is_one() -> None:
    """A record that is read again, or a report that is sent again, changes nothing."""
    folded = visit()
    folded.read(item())
    assert folded.read(item()).facts == []
    assert folded.state().items == {ITEM: "open"}


REFUSED = {
    "no name": (settle(by=""), "no-name"),
    "no such item": (settle(item="AAAAAAAAAAAAAAAA"), "no-such-item"),
    "no note": (settle(note=" "), "no-note"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_settled_is_refused(name: str) -> None:
    """With a sentence in both languages."""
    command, reason = REFUSED[name]
    folded = visit()
    folded.read(item())
    refused = folded.read(command).refused
    assert refused is not None
    assert refused.reason == reason
    assert refused.detail.zh != refused.detail.en


def test_what_comes_too_late_stands_for_itself() -> None:
    """The item's own ticket goes on; the visit says why it does not count it."""
    folded = visit()
    folded.read(done(department=None))
    assert folded.read(item()).refused.reason == "visit-over"  # type: ignore[union-attr]
    assert Folded(decider(CITY)).read(item()).refused.reason == "no-such-visit"  # type: ignore[union-attr]


def test_what_was_promised_on_the_spot_is_the_limit() -> None:
    """Whatever the category would give; a promise that has passed is none."""
    promised = MORNING + timedelta(days=2, hours=3)
    (issued,) = Folded(decider(CITY)).read(triaged(lead=GRID, promised_by=promised)).facts
    assert issued.handle_by == promised
    late = Folded(decider(CITY), at=promised + timedelta(minutes=1))
    (usual,) = late.read(triaged(lead=GRID, promised_by=promised)).facts
    assert usual.handle_limit == triaged().handle_limit


# ---------------------------------------------------------------- what the visit says to the item's own ticket


def follow(**given: Any) -> FollowVisit:
    """Give the word of a visit."""
    return FollowVisit(**({"by": "王社工", "visit": TICKET, "outcome": "settled", "note": "已当场修好"} | given))


@pytest.mark.parametrize(
    ("outcome", "given", "told"),
    [
        ("settled", {}, FollowVisit(by="王社工", visit=TICKET, outcome="settled", note="已当场修好")),
        ("explained", {}, CloseTicket(by="王社工", outcome="informed", reason="已当场修好")),
        (
            "ticket",
            {"promised_by": LATER, "note": ""},
            FollowVisit(by="王社工", visit=TICKET, outcome="ticket", promised_by=LATER),
        ),
    ],
)
def test_the_items_own_ticket_is_told_what_became_of_it(outcome: str, given: dict[str, Any], told: Command) -> None:
    """Nobody who came to the visit waits for a ticket that was settled there."""
    folded = visit()
    folded.read(item())
    said = folded.read(settle(outcome=outcome, **given))
    (body,) = [body for out, body in zip(said.outbox, said.bodies, strict=True) if out.key == ITEM]
    assert body == told


def test_what_was_done_at_the_visit_is_done_as_if_its_handler_had_said_so() -> None:
    """Signed or not; assists need do nothing more; a person hears the result before it is closed, as ever."""
    folded = dispatch(CITY, lead=Handler(kind="unit", id=COMMUNITY))
    done_ = folded.read(follow()).facts[-1]
    assert isinstance(done_, OrderDone)
    assert (done_.result, done_.by) == ("已当场修好", "王社工")
    assert folded.state().open is None
    assert folded.read(follow()).refused.reason == "no-order"  # type: ignore[union-attr]


def test_what_was_promised_later_moves_the_limit_too() -> None:
    """To the date that was promised; that counts as no extension. A sooner date leaves the limit as it is."""
    folded = dispatch(CITY, lead=Handler(kind="unit", id=COMMUNITY))
    promised = MORNING + timedelta(days=9)
    (moved,) = folded.read(follow(outcome="ticket", note="", promised_by=promised)).facts
    assert (type(moved), moved.handle_by, moved.times) == (OrderExtended, promised, 0)
    assert folded.state().open.handle_by == promised  # type: ignore[union-attr]
    assert folded.read(follow(outcome="ticket", note="", promised_by=MORNING + timedelta(minutes=50))).facts == []
