"""Does the view say what the log says, however it is read?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.clocks import CLOCKS_KEPT
from services.desk.domain import OUTCOMES_KEPT, STATES, Ticket
from services.desk.handlers import CONSUMES, decider
from services.desk.store import NEVER, searchable
from services.desk.timeline import ENTRIES_KEPT
from services.desk.views import ticket_view, timeline_view
from shared import messages as m
from shared.ids import order_id
from shared.profile import parse_profile
from tests.support.fold import Folded
from tests.unit.desk.lives import GRID, HOUR, START, WATER, Life, folded
from tests.unit.desk.test_sentences import NAMES
from tests.unit.profile.small import SMALL

PROFILE = parse_profile(SMALL, "small.yaml")
FIELDS = searchable(PROFILE)
SIGN = "sign-1"


def test_the_straight_life_ends_closed() -> None:
    """Reported, triaged, ordered, signed, done, verified, closed."""
    life = Life()
    states = []
    for step in (life.reported, life.triaged, life.issued, life.signed, life.done, life.closed):
        step()
        states.append(life.view().state)
    assert states == ["reported", "triaged", "ordered", "signed", "done", "closed"]
    view = life.view()
    assert view.outcome == "solved"
    assert view.due is None
    assert [clock.state for clock in view.clocks.values()] == ["met", "met"]
    order = view.orders[view.lead_order]
    assert (order.state, order.signed_by, order.result) == ("done", "王", "已拆除")


def test_a_returned_order_goes_back_and_out_again() -> None:
    """The second department's order is the lead's; the first stays on record."""
    life = Life().reported().triaged().issued()
    life.fact(
        m.OrderReturned(
            order_id=order_id(life.ticket, 1), handler=WATER, reason="not-ours", goes_to="triage", returns=1
        )
    )
    assert life.view().state == "returned"
    view = life.triaged(WATER, 2).issued(2, WATER).view()
    assert (view.state, view.returns, view.lead) == ("ordered", 1, WATER)
    assert [order.state for order in view.orders.values()] == ["returned", "issued"]


def test_what_comes_late_does_not_reopen_a_closed_ticket() -> None:
    """The caller withdrew while the department signed: the log may show the signature last."""
    life = Life().reported().triaged().issued()
    life.fact(m.TicketClosed(outcome="withdrawn"))
    life.signed()
    assert life.view().state == "closed"
    life.fact(m.TicketReopened(reason="still there", reopenings=1))
    assert life.view().state == "reopened"
    assert life.issued(2).view().state == "ordered"


def test_an_assistant_does_not_move_the_ticket() -> None:
    """Only the lead's present order does."""
    life = Life().reported().triaged().issued().issued(2, WATER, "assist")
    assert life.view().lead_order == order_id(life.ticket, 1)
    assert life.signed(2, WATER).view().state == "ordered"
    assert life.done(2, WATER).view().state == "ordered"
    assert life.signed().view().state == "signed"


def test_a_note_after_done_does_not_undo_it() -> None:
    """`handling` only comes out of what is being handled."""
    life = Life().reported().triaged().issued().signed()
    note = m.OrderProgressed(order_id=order_id(life.ticket, 1), note="在路上")
    assert life.fact(note).view().state == "handling"
    assert life.done().fact(note).view().state == "done"


def test_levels_that_a_breach_adds_stay_owners() -> None:
    """Nobody is relieved, and a street's list finds the ticket of its grid."""
    life = Life().reported().triaged().issued()
    life.fact(m.ClockBreached(clock="sign", token=SIGN, due_at=START, late_by_s=0.0))
    life.fact(m.TicketEscalated(from_level="grid", to_level="community", unit="100000001001", cause="sign"))
    life.fact(m.EscalationAccepted(level="community", cause="sign", by="乙"))
    view = life.view()
    assert [(owner.level, owner.accepted_by) for owner in view.owners] == [("grid", ""), ("community", "乙")]
    assert view.level == "community"
    assert view.clocks["sign-1"].state == "breached"
    fields = FIELDS(view)
    assert set(fields["units"]) == {GRID, "100000001001", "100000001", "100000"}
    assert fields["due"] == view.clocks["sign-1"].due_at
    assert len(life.triaged(WATER, 2).issued(2, WATER).view().owners) == 2


def test_what_waits_at_a_desk_is_on_that_units_list() -> None:
    """Triage, adjudication, verification and call-back each have a queue."""
    life = Life().reported()
    life.fact(m.TriageNeeded(missing=("place",), unit="100000002", detail=m.Words(zh="缺", en="missing")))
    view = life.view()
    assert (view.state, view.missing) == ("triage", ("place",))
    assert FIELDS(view)["units"] == ["100000002", "100000"]
    assert FIELDS(life.triaged().view())["units"] == [GRID, "100000001001", "100000001", "100000"]


def test_a_suspended_order_rests_and_goes_back_to_where_it_was() -> None:
    """Nothing of it is due meanwhile; it is found by its state, and whoever decides has it on their list."""
    life = Life().reported().triaged().issued().signed()
    order, limit = order_id(life.ticket, 1), life.view().due
    life.fact(m.OrderProgressed(order_id=order, note="在路上"))
    asked = life.asked().view()
    request = asked.orders[order].request
    assert request is not None
    assert (request.revision, request.unit, asked.state) == ("suspend", "100000001001", "handling")
    assert "100000001001" in FIELDS(asked)["units"]
    life.decided()
    assert life.view().orders[order].request is None

    rests = life.suspended().view()
    suspension = rests.orders[order].suspension
    assert suspension is not None
    assert (rests.state, rests.orders[order].state, suspension.reason) == ("suspended", "suspended", "season")
    assert rests.due is None
    assert (FIELDS(rests)["due"], FIELDS(rests)["orders"][0]["state"]) == (NEVER, "suspended")
    assert rests.clocks["handle-1"].due_at == limit

    goes_on = life.resumed().view()
    assert (goes_on.state, goes_on.orders[order].state) == ("handling", "signed")
    assert goes_on.orders[order].suspension is None
    assert goes_on.due == goes_on.orders[order].handle_by == START + timedelta(hours=5)


def test_a_clock_keeps_its_first_limit_its_pauses_and_its_moves() -> None:
    """Both limits are on record, and that it was late by the first of them."""
    life = Life().reported().triaged().issued().signed()
    first = life.view().clocks["handle-1"].due_at
    life.fact(m.ClockWarned(clock="handle", token="handle-1", due_at=first))  # noqa: S106 - names a run of a clock
    life.suspended()
    life.fact(m.ClocksPaused(tokens=("handle-1", "nothing"), reason="season", since=life.now))
    clock = life.resumed().extended().view().clocks["handle-1"]
    assert (clock.first_due_at, clock.due_at) == (first, START + timedelta(hours=9))
    assert [(move.old, move.new, move.why) for move in clock.moves] == [
        (first, START + timedelta(hours=5), "resumed"),
        (START + timedelta(hours=5), START + timedelta(hours=9), "extended"),
    ]
    assert len(clock.pauses) == 1
    assert clock.pauses[0].until is not None
    assert clock.state == "running"
    assert life.view().orders[order_id(life.ticket, 1)].extensions == 1
    stop = m.ClockStop(clock="handle", token="handle-1", outcome="met", late_in_fact=True)  # noqa: S106 - the same
    ended = life.fact(m.ClocksStopped(clocks=(stop,))).view().clocks["handle-1"]
    assert (ended.state, ended.late_in_fact) == ("met", True)
    assert (
        life.fact(m.ClocksPaused(tokens=("handle-1",), reason="x", since=life.now)).view().clocks["handle-1"] == ended
    )


def test_an_order_that_ends_while_it_rests_asks_for_nothing_more() -> None:
    """It is done or withdrawn, and no late fact suspends it again."""
    life = Life().reported().triaged().issued().signed().suspended()
    order = order_id(life.ticket, 1)
    life.fact(m.OrderWithdrawn(order_id=order, handler=WATER, reason="reassigned"))
    over = life.resumed().view().orders[order]
    assert (over.state, over.request, over.suspension) == ("withdrawn", None, None)
    other = Life("other").reported().triaged().issued().signed().asked()
    assert other.done().view().orders[order_id(other.ticket, 1)].request is None


def test_what_is_handed_back_is_the_lower_levels_again() -> None:
    """That it was escalated stays on record."""
    life = Life().reported().triaged().issued()
    life.fact(m.TicketEscalated(from_level="grid", to_level="community", unit="100000001001", cause="sign"))
    life.fact(m.TicketEscalated(from_level="community", to_level="street", unit="100000001", cause="sign"))
    life.fact(m.EscalationHandedBack(level="street", to_level="community", cause="sign", by="丁", reason="近"))
    view = life.view()
    assert (view.level, [owner.handed_back_by for owner in view.owners]) == ("community", ["", "", "丁"])


def test_a_closed_ticket_has_no_due_and_one_that_was_never_reported_no_fields() -> None:
    """What nobody reported is on no list."""
    assert FIELDS(Life().straight().view())["due"] == NEVER
    ghost = Life()
    ghost.command(m.SignOrder(order_id="x", by="y"))
    assert FIELDS(ghost.view()) == {}


def test_a_command_knows_what_became_of_it() -> None:
    """Facts by their causation, a refusal with both sentences, nothing yet while nobody has decided."""
    life = Life().reported().triaged().issued()
    order = order_id(life.ticket, 1)
    taken = life.command(m.SignOrder(order_id=order, by="王"))
    assert life.view().commands[taken].facts == ()
    life.fact(m.OrderSigned(order_id=order, handler=WATER, signed_at=life.now), causation=taken)
    refused = life.command(m.CloseTicket(reason="", by="王"))
    words = m.Words(zh="请写明理由", en="say why")
    life.fact(m.CommandRefused(command="c", reason="no-reason", detail=words), by="closure", causation=refused)
    view = life.view()
    assert view.commands[taken].facts == (m.OrderSigned.type,)
    assert (view.commands[refused].reason, view.commands[refused].zh) == ("no-reason", "请写明理由")
    assert view.state == "signed"


def test_a_very_long_life_stays_small() -> None:
    """Commands, clocks and timeline are bounded, and what is left out is counted."""
    life = Life().reported().triaged().issued()
    for number in range(ENTRIES_KEPT):
        life.command(m.VerifyTicket(passed=True, by="x"), str(number))
        start = m.ClockStart(
            clock="ladder", token=str(number), level="street", started_at=START, due_at=START, limit=HOUR
        )
        life.fact(m.ClocksStarted(clocks=(start,)))
        life.fact(m.ClocksStopped(clocks=(m.ClockStop(clock="ladder", token=str(number), outcome="late"),)))
    view = life.view()
    assert len(view.commands) == OUTCOMES_KEPT
    assert len(view.clocks) <= CLOCKS_KEPT + 1
    assert {"sign-1", "handle-1"} <= view.clocks.keys()
    assert len(view.timeline) == ENTRIES_KEPT
    shown = timeline_view(life.ticket, view, NAMES)
    assert shown[0]["n"] == 1
    assert shown[-1]["n"] == view.count == len(life.messages)
    assert view.left_out == view.count - ENTRIES_KEPT


def test_the_timeline_names_every_record_as_the_log_does() -> None:
    """An id that is shown can be looked up on the log."""
    life = Life().straight()
    shown = timeline_view(life.ticket, life.view(), NAMES)
    assert [entry["id"] for entry in shown] == [message.envelope.id for message in life.messages]
    assert [entry["causation"] or "" for entry in shown] == [message.envelope.causation for message in life.messages]
    assert ticket_view(life.ticket, life.view(), NAMES, life.now)["lead"]["name"] == {"zh": "公安", "en": "Police"}


def test_the_desk_reads_everything() -> None:
    """A fact that is added to the language is folded without a change here."""
    assert set(CONSUMES) == set(m.of_kind("fact") | m.of_kind("command"))
    assert set(STATES) <= set(m.of_kind("fact").values())


# ---------------------------------------------------------------- properties

STEPS = st.lists(st.integers(0, 14), max_size=14)


def lived(steps: list[int]) -> Life:
    """Give a life of arbitrary steps after the report, sensible or not."""
    life = Life().reported()
    note = m.OrderProgressed(order_id=order_id(life.ticket, 1), note="x")
    choices: list[Any] = [
        life.triaged,
        life.issued,
        life.signed,
        life.done,
        life.closed,
        lambda: life.fact(m.TicketReopened(reason="r", reopenings=1)),
        lambda: life.fact(note),
        lambda: life.command(m.ReopenTicket(reason="r", by="x")),
        life.suspended,
        life.resumed,
        life.extended,
        life.question,
        lambda: life.answer() if life.view().asked else life,
        lambda: life.amended() if life.view().category else life,
        lambda: life.fact(m.PolicyApplied(before="v1", policy="v2", by="x")),
    ]
    for step in steps:
        choices[step]()
    return life


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, data=st.data())
def test_duplicates_change_nothing(steps: list[int], data: st.DataObject) -> None:
    """Whatever is delivered again, the view is the one of the log read once."""
    life = lived(steps)
    once, twice = Folded(decider(PROFILE)), Folded(decider(PROFILE))
    for index, message in enumerate(life.messages):
        once.read(message)
        twice.read(message)
        for again in data.draw(st.lists(st.integers(0, index), max_size=3)):
            twice.read(life.messages[again])
    assert once.state(life.ticket) == twice.state(life.ticket)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, others=STEPS, data=st.data())
def test_a_view_does_not_depend_on_what_comes_between(steps: list[int], others: list[int], data: st.DataObject) -> None:
    """Tickets may be shuffled into each other: each is folded by its own order, as in a rebuild."""
    one, other = lived(steps), Life("two").reported()
    for _ in others:
        other.triaged()
    shuffled = Folded(decider(PROFILE))
    queues = [list(one.messages), list(other.messages)]
    while any(queues):
        queue = data.draw(st.sampled_from([q for q in queues if q]))
        shuffled.read(queue.pop(0))
    assert shuffled.state(one.ticket) == folded(one.messages)
    assert shuffled.state(other.ticket) == folded(other.messages)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_the_view_survives_its_own_json(steps: list[int]) -> None:
    """What is stored is what was folded, so that a cached and a loaded view go on alike."""
    view = lived(steps).view()
    loaded = Ticket.model_validate_json(view.model_dump_json(exclude_defaults=True))
    assert loaded == view
    later = lived([*steps, 5, 6]).messages[len(lived(steps).messages) :]
    assert folded(later, loaded) == folded(later, view)


@settings(max_examples=40, deadline=None)
@given(steps=STEPS)
def test_only_reopening_leads_out_of_closed(steps: list[int]) -> None:
    """A closed ticket stays closed whatever else is said."""
    was = ""
    for index in range(1, len(steps) + 2):
        messages = lived(steps).messages[:index]
        view = folded(messages)
        if was == "closed" and view.state != "closed":
            assert isinstance(messages[-1].data, m.TicketReopened)
        was = view.state


def test_the_time_of_a_view_is_the_logs() -> None:
    """A rebuild a year later gives the same view: no clock is read."""
    life = Life().straight()
    assert life.view().updated_at == START + timedelta(minutes=len(life.messages) - 1)
