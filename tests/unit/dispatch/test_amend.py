"""What may be corrected on an open ticket, what does the department hear, and what do its later limits follow?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from services.dispatch.domain.revisions import limit
from services.dispatch.domain.state import Run, Wait
from services.dispatch.handlers import decider
from shared.messages import (
    AmendTicket,
    ClockMove,
    ClocksRecalculated,
    DepartmentOrderChanged,
    InformationRequested,
    InformationWaitEnded,
    PolicyApplied,
    ReworkOrdered,
    Span,
    TicketAmended,
    TicketClosed,
)
from shared.profile import parse_profile
from tests.support.fold import MORNING, Folded
from tests.unit.dispatch.orders import CITY, FIRST, G1, OFFICE, TO_WATER, dispatch, done, extend, grant, sign, update
from tests.unit.profile.small import SMALL

HOUR = timedelta(hours=1)
GRID_2 = "100000001001002"


def amend(folded: Folded[Any], **given: Any) -> Any:
    """Correct a ticket."""
    return folded.read(AmendTicket(**({"by": "Zhou", "reason": "wrong at first"} | given)))


def limit_of(folded: Folded[Any]) -> datetime:
    """Give the handling limit of the order that is open."""
    order = folded.state().open
    assert order is not None
    limit: datetime = order.handle_by
    return limit


def moved(limit: Span | None = None, **given: Any) -> ClocksRecalculated:
    """Give the word of sla that the handling limit moved by an hour."""
    fields: dict[str, Any] = {
        "clock": "handle",
        "token": f"{FIRST}/handle/2",
        "order_id": FIRST,
        "old": MORNING + 2 * HOUR,
        "new": MORNING + 3 * HOUR,
        "limit": limit,
    }
    return ClocksRecalculated(clocks=(ClockMove(**fields),), at=MORNING, **({"why": "edited"} | given))


def test_category_severity_and_place_are_corrected_and_the_department_hears_old_and_new() -> None:
    """The handler stays; the limits are those of what it is now."""
    folded = dispatch()
    said = amend(folded, category="违建", condition="building", unit=GRID_2)
    (fact,) = said.facts
    assert isinstance(fact, TicketAmended)
    assert (fact.category.code, fact.category.condition, fact.severity) == ("0101", "building", "III")
    assert (fact.place.grid, fact.level, fact.unit) == (GRID_2, "grid", GRID_2)
    assert fact.handle_limit == Span(amount=2, unit="urgent_days")
    ((topic, body),) = said.effects
    assert topic == TO_WATER
    assert isinstance(body, DepartmentOrderChanged)
    changes = {name: (pair["old"], pair["new"]) for name, pair in body.changes.items()}
    assert changes["severity"] == ("II", "III")
    assert changes.keys() == {"category", "severity", "place"}
    order = folded.state().open
    assert order is not None
    assert order.handler.id == "water"


def test_what_is_left_out_stays() -> None:
    """A severity alone changes no place and no category."""
    folded = dispatch()
    (fact,) = amend(folded, severity="I").facts
    assert (fact.category, fact.place, fact.severity, fact.old_severity) == (
        fact.old_category,
        fact.old_place,
        "I",
        "II",
    )
    assert (fact.level, fact.unit) == ("street", "100000001")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"by": ""}, "no-name"),
        ({"reason": " "}, "no-reason"),
        ({"category": "nothing"}, "unknown-category"),
        ({"category": "0101"}, "unknown-condition"),
        ({"condition": "built"}, "unknown-condition"),
        ({"unit": "7"}, "unknown-unit"),
        ({"severity": "II"}, "nothing-changed"),
        ({"unit": G1, "category": "0501"}, "nothing-changed"),
    ],
)
def test_a_wrong_correction_is_refused_with_a_sentence(given: dict[str, Any], reason: str) -> None:
    """And nothing is sent to anybody."""
    folded = dispatch()
    said = amend(folded, **({"severity": "I"} if given.keys() <= {"by", "reason"} else {}) | given)
    assert said.refused is not None
    assert said.refused.reason == reason
    assert said.effects == []


def test_neither_before_triage_nor_after_the_end() -> None:
    """The way to change what it is then is another one, and is named."""
    assert amend(Folded(decider(CITY)), severity="I").refused.reason == "not-triaged"
    folded = dispatch()
    folded.read(TicketClosed(outcome="forced"))
    assert amend(folded, severity="I").refused.reason == "closed"


def test_a_limit_that_sla_counted_again_is_told_with_its_reason() -> None:
    """And later requests, as for an extension, begin from it."""
    folded = dispatch()
    said = folded.read(moved(Span(amount=3, unit="urgent_hours")))
    ((_, body),) = said.effects
    assert datetime.fromisoformat(body.changes["handle_by"]["new"]) == MORNING + 3 * HOUR
    assert "corrected" in body.reason
    update(folded, sign())
    update(folded, extend(until=MORNING + 5 * HOUR))
    folded.read(grant())
    assert limit_of(folded) == MORNING + 5 * HOUR


def test_a_wait_for_the_caller_is_part_of_every_later_limit() -> None:
    """An hour of waiting, then an extension by an hour: both are in the limit."""
    folded = dispatch()
    update(folded, sign())
    folded.clock.advance(HOUR)
    folded.read(InformationWaitEnded(why="answered", since=MORNING, at=MORNING + HOUR))
    folded.read(moved(why="answered"))
    update(folded, extend(until=MORNING + 4 * HOUR))
    folded.read(grant())
    assert limit_of(folded) == MORNING + 4 * HOUR


@pytest.mark.parametrize(("pauses", "waited"), [("[suspended, caller]", HOUR), ("[suspended]", timedelta(0))])
def test_a_wait_counts_only_where_the_city_lets_handling_rest_for_it(pauses: str, waited: timedelta) -> None:
    """Else its clock has run on, and a later limit knows nothing of the wait."""
    text = SMALL.replace("clocks:\n", f"clocks:\n  pauses: {{handle: {pauses}}}\n")
    wait = Wait(since=MORNING, until=MORNING + HOUR)
    run = Run(started_at=MORNING, limit=Span(amount=2, unit="urgent_hours"), waits=(wait,))
    assert limit(run, parse_profile(text, "pauses.yaml")) == MORNING + 2 * HOUR + waited


def test_another_policy_holds_for_later_orders_of_the_ticket() -> None:
    """A rework gets the limit of the version that was applied."""
    folded = dispatch()
    folded.read(
        PolicyApplied(
            before="v1",
            policy=OFFICE.version,
            by="Chen",
            sign_limit=Span(amount=1, unit="urgent_hours"),
            handle_limit=Span(amount=9, unit="urgent_hours"),
        )
    )
    triaged = folded.state().triaged
    assert triaged is not None
    assert triaged.profile_version == OFFICE.version
    update(folded, sign())
    update(folded, done())
    (again,) = folded.read(ReworkOrdered(order_id=FIRST, reason="still wet", by="Qian", reworks=1)).facts
    assert again.handle_limit == Span(amount=9, unit="urgent_hours")


def test_more_time_may_be_asked_for_while_the_limit_does_not_run() -> None:
    """The old limit passes while the caller is waited for: a request is neither too late nor lapsed by it."""
    folded = dispatch()
    update(folded, sign())
    folded.clock.advance(HOUR)
    question = {"question": "Which house?", "by": "Zhou", "since": MORNING + HOUR, "until": MORNING + 9 * HOUR}
    folded.read(InformationRequested(**question))  # type: ignore[arg-type]
    folded.clock.advance(2 * HOUR)
    assert update(folded, extend(until=MORNING + 4 * HOUR)).refused is None
    folded.clock.advance(2 * HOUR)
    assert folded.wake_at() is None
    folded.read(InformationWaitEnded(why="answered", since=MORNING + HOUR, at=MORNING + 5 * HOUR))
    answered = ClockMove(
        clock="handle", token=f"{FIRST}/handle/2", order_id=FIRST, old=MORNING + 2 * HOUR, new=MORNING + 6 * HOUR
    )
    folded.read(ClocksRecalculated(clocks=(answered,), at=MORNING + 5 * HOUR, why="answered"))
    assert folded.wake_at() == MORNING + 6 * HOUR
    folded.read(grant())
    assert limit_of(folded) == MORNING + 8 * HOUR
