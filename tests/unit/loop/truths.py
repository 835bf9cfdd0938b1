"""What is true of a ticket at any moment, whatever anybody has done to it?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from services.closure.kin import ALONE
from services.desk.indicators import read
from services.desk.store import searchable
from shared import messages as m
from tests.unit.loop.world import limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.loop.world import World


def somebody_has_it_or_it_is_over(world: World) -> None:
    """No ticket without an owner or an end."""
    if world.phase == "closed":
        return
    state = world.dispatch
    waits = [
        world.waits_for_triage,
        state.open is not None,
        state.lies_with == "duty-officer",
        state.round_closes is not None,
        world.phase in {"verifying", "calling-back"},
        (world.closure.family or ALONE).attached,
    ]
    assert any(waits), (state.lies_with, world.phase, [(order.role, order.state) for order in state.orders])
    in_round = state.round_closes is not None and world.view.waits_at
    assert world.waits_for_triage or world.sla.unit or in_round or (world.closure.family or ALONE).attached


def what_is_closed_has_no_open_order(world: World) -> None:
    """No order is open on a closed ticket, and no clock runs."""
    if world.phase == "closed":
        assert not world.dispatch.running
        assert not world.sla.clocks
        assert world.dispatch.whistle is None
        assert world.dispatch.round_closes is None


def no_assist_outlives_its_lead(world: World) -> None:
    """Once the lead is done nobody else has anything to do."""
    state = world.dispatch
    if state.last is not None and state.last.state == "done":
        assert not state.running
        assert state.whistle is None


def one_leads(world: World) -> None:
    """At most one order of the lead is open, and one that takes it over; nobody has two of a kind."""
    state = world.dispatch
    leads = [order for order in state.running if order.role == "lead"]
    assert len([order for order in leads if not order.takes_over]) <= 1
    assert len(leads) <= 2
    assists = [order.handler for order in state.assists]
    assert len(set(assists)) == len(assists)
    assert state.open is None or state.open.handler not in assists


def returns_end(world: World) -> None:
    """Once to triage, once to the duty officer."""
    assert world.dispatch.returns <= world.profile.returns.to_triage + 1


def limits_are_one(world: World) -> None:
    """Dispatch and sla mean the same instant by every limit of every open order.

    While the caller is asked sla's clock rests, and it says its limit when that is over.
    """
    if world.dispatch.asked_since is not None:
        return
    mine, theirs = limits(world)
    assert mine == theirs


def each_message_has_its_own_id(world: World) -> None:
    """Two orders on one topic are two messages."""
    assert all(len(said) == 1 for said in world.ids.values())


def departments_are_told_once_that_it_is_over(world: World) -> None:
    """Each order has one end on its department's topic, unless it was reworked."""
    ends: dict[str, int] = {}
    for _, body in world.told:
        if isinstance(body, m.DepartmentOrderIssued | m.DepartmentOrderReworked):
            ends[body.order_id] = 0
        elif isinstance(body, m.DepartmentOrderWithdrawn | m.DepartmentOrderClosed):
            ends[body.order_id] += 1
    assert max(ends.values(), default=0) <= 1
    open_ = {order.id for order in world.dispatch.running if order.handler.kind == "department"}
    assert all(ends[order] == 0 for order in open_)
    over = {"returned", "withdrawn", "closed", "stage-over"}
    gone = {o.id for o in world.dispatch.orders if o.handler.kind == "department" and o.state in over}
    assert all(ends[order] == 1 for order in gone)


def what_is_over_has_no_open_item(world: World) -> None:
    """A visit that is done has settled, explained or promised everything that was said at it."""
    state = world.dispatch
    if state.last is not None and state.last.state == "done" and state.last.role == "lead":
        assert "open" not in state.items.values()


def scores_are_a_recount_of_the_log(world: World) -> None:
    """Returns, reworks, reopenings, whistles, who came to them, and both marks: each once, as the log has them."""
    fields = searchable(world.profile)(world.view)
    ours: Counter[str] = Counter()
    for name, counts in read(fields.get("figures", "")).items():
        for each in counts:
            ours[name] += each.n
    seen: Counter[str] = Counter()
    for body in dict(zip(world.idents, world.bodies, strict=True)).values():
        seen[type(body).__name__] += 1
        if isinstance(body, m.WhistleEnded):
            seen["came"] += len(body.came)
            seen["stayed away"] += len(body.missing)
            seen["marks"] += sum(mark.score for mark in body.marks)
            seen["quality"] += sum(mark.score for mark in body.quality)
    assert ours["whistles"] == seen["WhistleRaised"]
    if world.dispatch.whistle is None:
        assert (ours["check-in"], ours["check-in-missed"]) == (seen["came"], seen["stayed away"])
        assert (ours["answer-quality"], ours["whistle-quality"]) == (seen["marks"], seen["quality"])
    if not fields.get("open", True):
        assert ours["returns"] == seen["OrderReturned"]
        assert ours["rework"] == seen["OrderReworked"]
        assert ours["reopened"] == seen["TicketReopened"]


TRUTHS: Final[tuple[Callable[[World], None], ...]] = (
    somebody_has_it_or_it_is_over,
    what_is_closed_has_no_open_order,
    no_assist_outlives_its_lead,
    one_leads,
    returns_end,
    limits_are_one,
    each_message_has_its_own_id,
    departments_are_told_once_that_it_is_over,
    what_is_over_has_no_open_item,
    scores_are_a_recount_of_the_log,
)
