"""What follows when something is said at a visit (移动办公 社区办公日): settled there, promised, and counted with it?

A report of the channel `visit` says by its attributes at which visit it was made (`visit`: the visit's ticket), what
came of it there (`outcome`: settled or explained, with the `answer`), or by when it was promised (`promised_by`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.triage.domain.assessment import promised
from shared.decider import Effect
from shared.ids import is_ticket_id
from shared.messages import AddItem, TicketReported, TicketSettled
from shared.topics import TICKETS

if TYPE_CHECKING:
    from services.triage.domain.assessment import Assessment, TriageState
    from shared.decider import Turn
    from shared.profile import Profile

OUTCOMES = {"settled": "solved", "explained": "informed"}


def settled_on_the_spot(report: TicketReported, found: Assessment, profile: Profile) -> TicketSettled | None:
    """Give that a report from a visit was settled or explained there; None for one that goes on."""
    outcome, answer = OUTCOMES.get(str(report.attributes.get("outcome"))), report.attributes.get("answer")
    if report.channel != "visit" or outcome is None or not isinstance(answer, str) or not answer.strip():
        return None
    return TicketSettled.model_validate(
        {
            "outcome": outcome,
            "answer": answer.strip()[:2000],
            "unit": found.place.unit if found.place is not None else profile.top.id,
            "callback": report.caller.callback,
            "profile_version": profile.version,
        }
    )


def joins_its_visit(_state: TriageState, turn: Turn) -> list[Effect]:
    """Tell a visit of a report that was made at it."""
    report: Any = turn.message.data
    if not isinstance(report, TicketReported) or turn.repeated or report.channel != "visit":
        return []
    visit = report.attributes.get("visit")
    if not isinstance(visit, str) or not is_ticket_id(visit) or visit == turn.message.ticket:
        return []
    date = promised(report)
    settled = any(isinstance(fact.data, TicketSettled) for fact in turn.facts)
    outcome = str(report.attributes["outcome"]) if settled else "open" if date is None else "ticket"
    item = AddItem.model_validate(
        {"by": "gridcall", "item": turn.message.ticket, "outcome": outcome, "promised_by": date}
    )
    return [Effect(TICKETS, item, key=visit)]
