"""What does a visit's word change on the ticket of what was said there: is it done, or by when is it promised?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.dispatch.domain.commands import finished
from services.dispatch.domain.edges import RESTS
from services.dispatch.domain.revisions import limit
from shared.errors import Refused
from shared.messages import Fact, OrderExtended

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState
    from shared.decider import Message
    from shared.messages import FollowVisit
    from shared.profile import Profile

PROMISED: Final = "promised"
"""Why a limit was moved: somebody gave the person a date."""


def follow_visit(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """It is done as if its handler had said so, or has until the date that was promised.

    A date sooner than the limit leaves the limit as it is.
    """
    command: FollowVisit = message.data
    order, triaged = state.open, state.triaged
    if order is None or triaged is None:
        raise Refused(
            "no-order",
            f"The visit {command.visit} has settled it, but nobody handles it now: triage it, or close it.",
            f"走访活动{command.visit}已销号，但当前没有在办派单：请预审或结案。",
        )
    if command.promised_by is None:
        return finished(state, order, triaged, command.by, command.note, now, profile)
    if order.state == "suspended":
        raise Refused(*RESTS)
    if command.promised_by <= order.handle_by:
        return []
    moved = limit(order.run.extended(order.handle_by, command.promised_by), profile, order.clock)
    return [
        OrderExtended(
            order_id=order.id,
            handler=order.handler,
            reason=PROMISED,
            old=order.handle_by,
            handle_by=moved,
            times=order.extensions,
            approved_by=command.by,
        )
    ]
