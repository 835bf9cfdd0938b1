"""What is it, where, how serious, and whose? Where the profile does not say, a person does.

A ticket is new until it is reported; then it is triaged, diverted, or waiting for a person. A return sends a
triaged one back, a reopening one that was never triaged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.triage.domain.assessment import Choice, TriageState, assess
from services.triage.domain.commands import divert_by_person, triage_by_person
from services.triage.domain.visits import settled_on_the_spot
from services.triage.domain.words import needed_for_return, needed_words
from shared.messages import (
    DivertTicket,
    Fact,
    Handler,
    OrderReturned,
    TicketAmended,
    TicketDiverted,
    TicketReopened,
    TicketReported,
    TicketSettled,
    TicketTriaged,
    TriageNeeded,
    TriageTicket,
    Words,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.decider import Message
    from shared.profile import Profile

__all__ = ["TriageState", "decide", "evolve"]

# ---------------------------------------------------------------- the state after a message


def evolve(state: TriageState, message: Message) -> TriageState:
    """Give the state after a message that was read, or after a fact of triage's own."""
    change = AFTER.get(type(message.data))
    return state if change is None else state.model_copy(update=change(message.data))


def _chosen(fact: TicketTriaged | TicketAmended) -> Choice:
    """Give what was decided, so that a return does not bring back what was corrected since."""
    return Choice(
        category=fact.category.code,
        condition=fact.category.condition,
        unit=fact.place.unit,
        severity=fact.severity,
    )


AFTER: Final[dict[type[Fact], Callable[[Any], dict[str, Any]]]] = {
    TicketReported: lambda fact: {"report": fact},
    TicketTriaged: lambda fact: {
        "phase": "triaged",
        "attempt": fact.attempt,
        "missing": (),
        "choice": _chosen(fact),
    },
    TicketAmended: lambda fact: {"choice": _chosen(fact)},
    TriageNeeded: lambda fact: {"phase": "waiting", "missing": fact.missing},
    TicketDiverted: lambda _fact: {"phase": "diverted", "missing": ()},
    TicketSettled: lambda _fact: {"phase": "settled", "missing": ()},
    OrderReturned: lambda fact: {"returned_by": fact.handler} if fact.goes_to in {"triage", "duty-officer"} else {},
}
"""What each fact changes; commands change nothing, since they may be refused."""


# ---------------------------------------------------------------- what follows from a message


def decide(state: TriageState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message; raises Refused for a command that may not be done now."""
    del now  # triage has no clocks yet
    rule = RULES.get(type(message.data))
    return [] if rule is None else rule(state, message.data, profile)


def triage_report(state: TriageState, report: TicketReported, profile: Profile) -> list[Fact]:
    """Divert it, triage it by the profile alone, or ask a person."""
    if state.report is not None:
        return []
    found = assess(report, Choice(), profile)
    away = profile.diversion(found.category, found.condition, report.text, report.attributes)
    if away is not None:
        sentence = Words(zh=away.sentence.zh, en=away.sentence.en)
        return [TicketDiverted(diversion=away.kind, to=away.to, detail=sentence)]
    settled = settled_on_the_spot(report, found, profile)
    if settled is not None:
        return [settled]
    if found.missing:
        return [_needed(report, found.missing, found.queue(profile), needed_words(found))]
    return [found.triaged(report, profile)]


def triage_again(state: TriageState, returned: OrderReturned, profile: Profile) -> list[Fact]:
    """Give it to the department that the returner proposes, or ask a person; a duty officer decides by himself."""
    if returned.goes_to != "triage" or state.report is None:
        return []
    found = assess(state.report, state.choice, profile)
    proposed = _acceptable(returned, profile)
    if proposed is not None and not found.missing:
        rule = f"proposed by {returned.handler.id}"
        return [found.triaged(state.report, profile, lead=proposed, attempt=state.attempt + 1, rule=rule)]
    missing = tuple(dict.fromkeys((*found.missing, "place" if returned.reason == "wrong-place" else "lead")))
    return [_needed(state.report, missing, found.queue(profile), needed_for_return(returned, profile))]


def _needed(report: TicketReported, missing: tuple[str, ...], unit: str, detail: Words) -> TriageNeeded:
    return TriageNeeded(missing=missing, unit=unit, detail=detail, channel=report.channel, request=report.request)


def _acceptable(returned: OrderReturned, profile: Profile) -> Handler | None:
    proposed = returned.proposed
    if returned.reason != "not-ours" or proposed is None or proposed == returned.handler:
        return None
    known = proposed.kind == "department" and profile.department(proposed.id) is not None
    return proposed if known else None


def wait_again(state: TriageState, _reopened: TicketReopened, profile: Profile) -> list[Fact]:
    """Put a reopened ticket back into the queue, unless it has been triaged: then the last handler gets it."""
    if state.report is None or state.phase == "triaged":
        return []
    found = assess(state.report, state.choice, profile)
    missing = state.missing or found.missing or ("lead",)
    words = Words(zh="工单已重办，需要人工预审。", en="The ticket was reopened: a person must triage it.")
    return [_needed(state.report, missing, found.queue(profile), words)]


RULES: Final[dict[type[Any], Callable[[TriageState, Any, Profile], list[Fact]]]] = {
    TicketReported: triage_report,
    OrderReturned: triage_again,
    TicketReopened: wait_again,
    TriageTicket: triage_by_person,
    DivertTicket: divert_by_person,
}
"""One place that answers what happens when; whatever is not in it changes nothing."""
