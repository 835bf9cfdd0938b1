"""Whatever is said in whatever order: is there ever a second lead, or a ticket that nobody answers for?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.dispatch.domain import DispatchState, Order
from shared.messages import AssignTicket, CallTicket, CommandRefused, Handler, ReworkOrdered, TicketReopened
from tests.support.fold import Folded
from tests.unit.dispatch.orders import POLICE, WATER, back, closed, dispatch, done, extend, grant, note, sign, suspend
from tests.unit.dispatch.orders import triaged as triage
from tests.unit.sla.cities import city

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.messages import Body

CITY = city("first-receiver", **{"returns.first_receiver": True, "returns.to_triage": 2})
COMMUNITY, TOP = Handler(kind="unit", id="100000001001"), Handler(kind="unit", id="100000")
HANDLERS = (WATER, POLICE, COMMUNITY, TOP)
KINDS = (
    *("sign", "sign", "sign", "sign", "give", "give", "give", "give", "give", "done", "back", "note", "call", "rework"),
    *("close", "reopen", "triage", "suspend", "grant", "extend", "wait"),
)
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 5), st.sampled_from(HANDLERS), st.booleans()),
    min_size=8,
    max_size=30,
)


class Ticket:
    """A ticket to which anything is said."""

    def __init__(self) -> None:
        """Begin with water's order."""
        self.folded: Folded[DispatchState] = dispatch(CITY)
        self.triages = self.closings = 1

    def say(self, what: str, number: int, to: Handler, forced: bool) -> list[Any]:  # noqa: FBT001 - drawn by name
        """Say one thing, as whose order it is."""
        known = self._order(number)
        order, of = known.id, None if known.handler.kind == "unit" else known.handler.id
        commands: dict[str, Any] = {"sign": sign, "done": done, "back": back, "note": note, "extend": extend}
        if what in commands:
            return self.folded.read(commands[what](order, of)).facts
        if what == "wait":
            self.folded.clock.advance(timedelta(hours=number))
            return self.folded.wake().facts
        bodies: dict[str, Callable[[], Body]] = {
            "suspend": lambda: suspend(order, of),
            "grant": grant,
            "give": lambda: AssignTicket(to=to, by="赵", reason="职责", forced=forced),
            "call": lambda: CallTicket(to=to, by="赵", reason="管不了"),
            "rework": lambda: ReworkOrdered(order_id=order, reason="还漏", reworks=1),
            "close": lambda: closed("withdrawn" if forced else "solved", self._next("closings")),
            "reopen": lambda: TicketReopened(reason="又漏", reopenings=1),
            "triage": lambda: triage(lead=to, attempt=self._next("triages"), by="赵"),
        }
        return self.folded.read(bodies[what]()).facts

    def _order(self, number: int) -> Order:
        """Give one of the orders that are open, the latest first; where there are fewer, any."""
        state = self.folded.state()
        open_ = state.running[::-1]
        return open_[number] if number < len(open_) else state.orders[number % len(state.orders)]

    def _next(self, name: str) -> int:
        setattr(self, name, getattr(self, name) + 1)
        return int(getattr(self, name))


@settings(max_examples=120, deadline=None)
@given(steps=STEPS)
def test_there_is_one_lead_at_most_and_its_successor_waits_for_it(steps: list[Any]) -> None:
    """Nobody takes over from an order that is over; a closed ticket has no order open; refusals say why twice."""
    ticket = Ticket()
    for step in steps:
        facts = ticket.say(*step)
        state = ticket.folded.state()
        leads = [each for each in state.running if each.role == "lead" and not each.takes_over]
        assert len(leads) <= 1
        assert len(state.successors) <= 1
        for successor in state.successors:
            assert [each.id for each in leads] == [successor.takes_over]
            assert successor.state == "issued"
            assert successor.handler != leads[0].handler
        if state.closed:
            assert state.running == ()
        assert all(each.detail.zh and each.detail.en for each in facts if isinstance(each, CommandRefused))
