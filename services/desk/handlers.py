"""What does the desk read? Everything: every fact and every command on the log becomes part of a view.

It alone knows both a clock and whose order or visit it is: it counts how much of their time handlers let rest, and
which visits were missed.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from services.desk.counted import spent
from services.desk.domain import Ticket, decide, evolve
from services.desk.names import Names
from services.desk.store import searchable
from shared import metrics
from shared.decider import Decider
from shared.messages import ClockBreached, ClocksStopped, of_kind

if TYPE_CHECKING:
    from shared.decider import Turn
    from shared.messages import Body
    from shared.profile import Profile

CONSUMES: Final[dict[str, type[Body]]] = of_kind("fact") | of_kind("command")


def decider(profile: Profile) -> Decider[Ticket]:
    """Give the projection under a profile as the loop calls it."""
    for schedule in profile.content.schedules:
        metrics.visits_missed.labels(schedule.id)  # from nothing to one is no rise that Prometheus sees
    return Decider(
        service="desk",
        state=Ticket,
        consumes=CONSUMES,
        decide=decide,
        evolve=evolve,
        observe=partial(observe, names=Names(profile)),
        fields=searchable(profile),
        reads_everything=True,
    )


def observe(turn: Turn, names: Names) -> None:
    """Count missed visits, the time of handling clocks that ended, and how much of it they rested."""
    ticket, stopped = turn.state, turn.message.data
    if isinstance(stopped, ClockBreached) and stopped.clock == "handle" and ticket.schedule:
        metrics.visits_missed.labels(ticket.schedule).inc()
    if not isinstance(stopped, ClocksStopped):
        return
    for stop in stopped.clocks:
        clock = ticket.clocks.get(stop.token)
        order = ticket.orders.get(clock.order_id or "") if clock is not None else None
        if stop.clock == "handle" and clock is not None and order is not None:
            department = order.handler.id if order.handler.kind == "department" else "unit"
            metrics.handling_seconds.labels(department).inc(spent(clock, names).total_seconds())
            metrics.paused_seconds.labels(department).inc(stop.paused_s)
