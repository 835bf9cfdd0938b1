"""What does sla read, and what does it count?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from services.sla.domain import SlaState, decide, evolve, wake_at
from services.sla.domain.rules import RULES
from services.sla.recount import calendars
from shared import metrics
from shared.decider import Decider
from shared.messages import AuditFound, ClockBreached, ClocksStopped, TicketEscalated

if TYPE_CHECKING:
    from shared.decider import Turn
    from shared.messages import Body
    from shared.profile import Profile

CONSUMES: dict[str, type[Body]] = {body.type: body for body in RULES}


def decider(profile: Profile) -> Decider[SlaState]:
    """Give the rules under a profile as the loop calls them."""
    return Decider(
        service="sla",
        state=SlaState,
        consumes=CONSUMES,
        decide=partial(decide, profile=profile),
        evolve=evolve,
        observe=observe,
        wake_at=wake_at,
        fields=counted_by,
    )


def counted_by(state: SlaState) -> dict[str, Any]:
    """Give what stands beside the state: by which calendars its limits were counted, under which policy if open."""
    fields: dict[str, Any] = {} if state.closed or not state.policy else {"v": state.policy}
    found = calendars(state)
    if found:
        fields["c"] = found
    return fields


def observe(turn: Turn) -> None:
    """Count how clocks ended, which levels were added, what audits found, and what was refused.

    Each clock counts once: when it is breached, or else when it ends.
    """
    if turn.repeated:
        return
    if turn.refused is not None:
        metrics.refusals.labels(turn.message.data.type.split(".")[2], turn.refused.reason).inc()
        return
    for message in turn.facts:
        fact = message.data
        metrics.tickets.labels(fact.type.split(".")[2]).inc()
        if isinstance(fact, ClocksStopped):
            for clock in fact.clocks:
                if clock.outcome != "late":
                    metrics.deadline.labels(clock.clock, clock.outcome).inc()
        elif isinstance(fact, ClockBreached):
            metrics.deadline.labels(fact.clock, "breached").inc()
            if turn.message.envelope.type != "timer":  # an answer was read before the timer, as after an outage
                metrics.timer_lateness.labels("sla").observe(max(0.0, fact.late_by_s))
        elif isinstance(fact, TicketEscalated):
            metrics.escalations.labels(fact.to_level, fact.cause).inc()
        elif isinstance(fact, AuditFound):
            metrics.timer_audit_findings.labels(fact.finding.kind).inc()
