"""Who earns points (积分) by a closing? Facts on the log are the ledger: none is changed, a reopening takes them back.

A line is said once for each rule, account and closing. What was awarded is remembered with the ticket, so that what
is taken back is what was given, whatever the profile says by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.closure import family
from services.closure.ledger import Entry, Points
from shared.messages import OrderDone, PointsAwarded, ReworkOrdered, TicketClosed, TicketReopened

if TYPE_CHECKING:
    from datetime import datetime

    from services.closure.domain import ClosureState
    from shared.decider import Message
    from shared.messages import Fact
    from shared.profile import Profile

NONE: Final = Points()


def evolve(state: ClosureState, message: Message, profile: Profile) -> ClosureState:
    """Give the state after a message, with what may be earned and what was."""
    found = _after(state, message, profile)
    state = family.evolve(state, message)
    return state if found is state.points else state.model_copy(update={"points": found})


def decide(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message, each closing and reopening with its lines of the ledger."""
    facts = family.decide(state, message, now, profile)
    points = _after(state, message, profile)
    if points is None:
        return facts
    return [each for fact in facts for each in (fact, *_lines(points, fact, state, profile))]


def _lines(points: Points, fact: Fact, state: ClosureState, profile: Profile) -> list[PointsAwarded]:
    """Give what a closing pays by the rules of today, or what a reopening takes back."""
    if isinstance(fact, TicketReopened):
        return [
            PointsAwarded(rule=each.rule, account=each.account, points=-each.points, closings=state.closings)
            for each in points.awarded
        ]
    if not isinstance(fact, TicketClosed):
        return []
    rules = {rule.id: rule for rule in profile.content.points if fact.outcome in rule.outcomes}
    return [
        PointsAwarded(rule=each.rule, account=each.account, points=rules[each.rule].points, closings=fact.closings)
        for each in (*points.earned, *points.assisted)
        if each.rule in rules
    ]


def _after(state: ClosureState, message: Message, profile: Profile) -> Points | None:
    data, points = message.data, state.points
    if isinstance(data, OrderDone) and profile.content.points and state.phase == "open":
        found = _fitting(data, profile)
        if points is None and not found:
            return None
        points = points or NONE
        if data.role == "lead":
            return points.model_copy(update={"earned": found})
        return points.model_copy(update={"assisted": tuple(dict.fromkeys((*points.assisted, *found)))})
    if points is None:
        return None
    if isinstance(data, ReworkOrdered | TicketReopened):
        return points.model_copy(update={"earned": ()})
    if isinstance(data, PointsAwarded):
        line = Entry(rule=data.rule, account=data.account, points=abs(data.points))
        stands = tuple(each for each in points.awarded if each != line)
        return points.model_copy(update={"awarded": (*stands, line) if data.points > 0 else stands})
    return points


def _fitting(done: OrderDone, profile: Profile) -> tuple[Entry, ...]:
    """Give what the handler of an order that is done may earn; who only came to a whistle earns nothing."""
    whom = {"lead": "handler", "assist": "assists"}.get(done.role)
    account = f"{done.handler.kind}:{done.handler.id}"
    ends: set[str] = {"informed", "self-settled" if done.tier == "settlement" else "solved"}
    kind = next((each.kind for each in profile.content.bodies if each.id == done.handler.id), None)
    return tuple(
        Entry(rule=rule.id, account=account)
        for rule in profile.content.points
        if rule.whom == whom
        and rule.about(done.category.code, done.severity)
        and not ends.isdisjoint(rule.outcomes)
        and (rule.body is None or (done.handler.kind == "unit" and rule.body == kind))
    )
