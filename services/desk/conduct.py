"""What speaks for work that was done for the record? Repeated rework, closing and reopening, done in a rush.

Each is counted of one ticket, from its view; nobody is judged here.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from shared.calendar import OutOfCalendarError, Pause, elapsed

if TYPE_CHECKING:
    from datetime import datetime

    from services.desk.clocks import Clock
    from services.desk.domain import Ticket
    from shared.calendar import Calendar
    from shared.profile import Profile

HANDLING: Final = "handle"
NO_TIME: Final = timedelta(0)


def conduct(ticket: Ticket, profile: Profile) -> dict[str, int]:
    """Give how often each happened: `repeated_reworks`, `reopened`, `rushed`; nothing of what did not."""
    counts = {
        "repeated_reworks": max(0, ticket.reworked - 1),
        "reopened": ticket.reopenings,
        "rushed": len(rushed(ticket, profile)),
    }
    return {name: count for name, count in counts.items() if count}


def rushed(ticket: Ticket, profile: Profile) -> tuple[str, ...]:
    """Give the orders that were done in the last part of their limit, by the share that the ticket's rules give it."""
    share = profile.under(ticket.profile_version, ticket.mode).closing.rush_share
    if not share:
        return ()
    latest = {clock.order_id: clock for clock in ticket.clocks.values() if clock.clock == HANDLING}
    return tuple(
        clock.order_id or ""
        for clock in ticket.clocks.values()
        if clock.clock == HANDLING
        and clock.state == "met"
        and _in_a_rush(clock, _done_at(clock, ticket, latest), share, profile)
    )


def _done_at(clock: Clock, ticket: Ticket, latest: dict[str | None, Clock]) -> datetime | None:
    """Give when it was done: as the order says of its last run, else when the clock ended."""
    order = ticket.orders.get(clock.order_id or "")
    said = None if order is None or latest[clock.order_id] is not clock else order.done_at
    return said or clock.ended_at


def _in_a_rush(clock: Clock, done_at: datetime | None, share: float, profile: Profile) -> bool:
    if done_at is None or done_at > clock.due_at:
        return False
    calendar: Calendar = profile.calendar(clock.calendar.partition("@")[0])
    pauses = [Pause(each.since, each.until, each.reason) for each in clock.pauses if each.until is not None]
    try:
        left = elapsed(calendar, done_at, clock.due_at, pauses)
        if left <= NO_TIME:
            return True
        return left <= share * elapsed(calendar, clock.started_at, clock.due_at, pauses)
    except (OutOfCalendarError, OverflowError):  # by a calendar that does not reach that far any more
        return False
