"""Does every order have a way on, every update one answer, and every ping-pong an end, whatever happens?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.domain.state import OPEN
from services.dispatch.handlers import decider
from shared.messages import (
    AssignTicket,
    Command,
    DecideRevision,
    Fact,
    Handler,
    OrderDone,
    OrderIssued,
    OrderReturned,
    OrderReworked,
    OrderWithdrawn,
    ReworkOrdered,
    TicketClosed,
    TicketReopened,
    UpdateAccepted,
    UpdateRefused,
)
from tests.support.fold import MORNING, TICKET, Folded, Said
from tests.unit.dispatch.orders import (
    CITY,
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
    note,
    resume,
    sign,
    suspend,
    triaged,
    update,
)

if TYPE_CHECKING:
    from services.dispatch.domain import DispatchState

DEPARTMENTS = ("water", "police")


orders = st.sampled_from([FIRST, SECOND, THIRD, f"{TICKET}-4", f"{TICKET}-9"])
askers = st.sampled_from([*DEPARTMENTS, None])
updates = st.one_of(
    st.builds(
        lambda make, order, department: make(order, department),
        st.sampled_from([sign, note, done, back, resume]),
        orders,
        askers,
    ),
    st.builds(
        lambda make, order, department, hours: make(order, department, until=MORNING + timedelta(hours=hours)),
        st.sampled_from([extend, suspend]),
        orders,
        askers,
        st.integers(min_value=0, max_value=400),
    ),
)
handlers = st.sampled_from([WATER, POLICE, GRID])
others = st.one_of(
    st.builds(triaged, lead=handlers),
    st.builds(lambda to: AssignTicket(to=to, by="赵", reason="x"), handlers),
    st.builds(lambda order: ReworkOrdered(order_id=order, reason="x", reworks=1), orders),
    st.builds(closed, st.sampled_from(["solved", "withdrawn", "diverted", "forced"])),
    st.just(TicketReopened(reason="x", reopenings=1)),
    st.builds(DecideRevision, granted=st.booleans(), by=st.sampled_from(["赵值班", "李", ""])),
    st.builds(timedelta, minutes=st.integers(min_value=1, max_value=3000)),
)
lives = st.lists(st.one_of(updates, others), max_size=25)


def step(folded: Folded[DispatchState], what: Command | Fact | timedelta, number: int) -> Said:
    """Read what a department, a person or another service says, or let time pass."""
    if isinstance(what, timedelta):
        folded.clock.advance(what)
        return folded.wake()
    department = getattr(what, "department", None)
    return folded.read(what) if department is None else update(folded, what, f"u-{number}")  # type: ignore[arg-type]


def answers(said: Said) -> list[Any]:
    """Give the answers to updates among the messages."""
    return [(topic, body) for topic, body in said.effects if isinstance(body, UpdateAccepted | UpdateRefused)]


@given(life=lives)
@settings(deadline=None)
def test_every_update_gets_one_answer_on_the_topic_of_who_asked(life: list[Any]) -> None:
    """In every state; again when it is repeated; and nothing else is ever answered."""
    folded = dispatch()
    for number, what in enumerate(life):
        said = step(folded, what, number)
        department = getattr(what, "department", None)
        if department is None:
            assert answers(said) == []
            continue
        ((topic, body),) = answers(said)
        assert topic == f"gridcall.dispatch.{department}"
        assert (body.order_id, body.update_id) == (what.order_id, f"u-{number}")
        if isinstance(body, UpdateAccepted):
            assert body.effects == tuple(fact.type for fact in said.facts)
            assert body.effects
        again = step(folded, what, number)
        assert again.facts == []
        assert answers(again) == answers(said)


@given(updates=st.lists(updates, max_size=5))
@settings(deadline=None)
def test_an_update_for_no_ticket_is_answered_or_buried_and_changes_nothing(updates: list[Any]) -> None:
    """Exactly one of the two."""
    folded = Folded(decider(CITY))
    for number, what in enumerate(updates):
        said = step(folded, what, number)
        assert (said.dead is None) == (said.refused is not None)
        assert (said.dead is None) == (what.department is None)
        assert not folded.state().orders


@given(life=lives)
@settings(deadline=None)
def test_at_most_one_order_is_open_and_the_facts_alone_say_which(life: list[Any]) -> None:
    """An order ends before the next begins, and the ids count on."""
    folded = dispatch()
    standing, issued = {FIRST}, 1
    for number, what in enumerate(life):
        said = step(folded, what, number)
        if isinstance(what, TicketClosed):
            standing.clear()
        for fact in said.facts:
            if isinstance(fact, OrderIssued):
                assert not standing
                issued += 1
                assert fact.order_id == f"{TICKET}-{issued}"
            if isinstance(fact, OrderIssued | OrderReworked):
                standing.add(fact.order_id)
            if isinstance(fact, OrderReturned | OrderWithdrawn | OrderDone):
                standing.discard(fact.order_id)
        assert {order.id for order in folded.state().orders if order.state in OPEN} == standing
        assert len(standing) <= 1


@given(life=lives)
@settings(deadline=None)
def test_no_state_is_without_an_exit(life: list[Any]) -> None:
    """From wherever it is, a ticket comes to its end in a few steps that its people may take."""
    folded = dispatch()
    for number, what in enumerate(life):
        step(folded, what, number)
    for number in range(6):
        state = folded.state()
        if state.closed:
            return
        folded.read(_way_on(state)) if not state.open else _work(folded, number)
    assert folded.state().closed


def _way_on(state: DispatchState) -> Command | Fact:
    """Give what triage, an officer or closure says next when nobody has an open order."""
    if state.lies_with == "duty-officer":
        return AssignTicket(to=WATER, by="赵", reason="x")
    if state.last is not None and state.last.state == "done":
        return closed(closings=9)
    return triaged()


def _work(folded: Folded[DispatchState], number: int) -> None:
    order = folded.state().open
    assert order is not None
    department = order.handler.id if order.handler.kind == "department" else None
    make = sign if order.state == "issued" else done
    said = step(folded, make(order.id, department), 1000 + number)
    assert said.refused is None


@given(
    life=st.lists(
        st.one_of(st.just("back"), st.builds(triaged, lead=handlers), st.sampled_from([WATER, POLICE])), max_size=30
    )
)
@settings(deadline=None)
def test_returns_end(life: list[Any]) -> None:
    """Once to triage, once to the duty officer, and never again, whoever gets it."""
    folded = dispatch()
    returned, decided = 0, 99
    for number, what in enumerate(life):
        order = folded.state().open
        if what == "back" and order is not None:
            department = order.handler.id if order.handler.kind == "department" else None
            said = step(folded, back(order.id, department), number)
            returned += sum(isinstance(fact, OrderReturned) for fact in said.facts)
        elif isinstance(what, Handler):
            folded.read(AssignTicket(to=what, by="赵", reason="x"))
        elif what != "back":
            folded.read(what)
        if folded.state().adjudicated:
            decided = min(decided, len(folded.state().orders))
    assert returned <= CITY.returns.to_triage + 1
    assert all(order.returnable is (number < decided) for number, order in enumerate(folded.state().orders))
