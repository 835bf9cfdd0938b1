"""Does a breach add the next level up, once, and never end in silence?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from services.sla.domain.ladder import climb
from services.sla.domain.state import SlaState
from shared.messages import ClocksStarted, SupervisionRepeated, TicketEscalated
from shared.profile import SEVERITIES, find_profile, load_profile
from tests.support.fold import MORNING
from tests.unit.sla.ladder import CITY, COMMUNITY, DISTRICT, EMPTY_TOP, GRID, STREET, Ticket, minutes, names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.messages import Fact


def escalations(facts: Iterable[object]) -> list[tuple[str, str, str, str]]:
    """Give each escalation as (from, to, unit, cause)."""
    return [(f.from_level, f.to_level, f.unit, f.cause) for f in facts if isinstance(f, TicketEscalated)]


def test_an_unsigned_order_climbs_level_by_level() -> None:
    """Grid to community, over the street without staff to the district; each level has its own time."""
    ticket = Ticket()
    ticket.issue()
    assert names(ticket.live(minutes(10)))[1:] == [
        "clock-breached sign",
        "escalated community",
        "clocks-started ladder community",
    ]
    said = ticket.live(minutes(1))
    assert names(said) == [
        "clock-breached community",
        "level-skipped street",
        "escalated district",
        "clocks-started ladder district",
    ]
    assert (said[1].unit, said[1].reason) == (STREET, "no-staff")
    assert escalations(said) == [("community", "district", DISTRICT, "sign")]


def test_at_the_top_it_is_called_again_until_somebody_accepts() -> None:
    """Every five minutes for severity I, counted; an acceptance by name ends it."""
    ticket = Ticket()
    ticket.issue()
    said = ticket.live(minutes(11 + 17))
    again = [fact for fact in said if isinstance(fact, SupervisionRepeated)]
    assert [(fact.level, fact.unit, fact.cause, fact.times) for fact in again] == [
        ("district", DISTRICT, "sign", times) for times in (1, 2, 3)
    ]
    assert names(ticket.accept()) == ["escalation-accepted district", "stopped ladder met"]
    assert names(ticket.live(minutes(19))) == []
    assert ticket.findings() == []


def test_below_the_top_an_acceptance_does_not_stop_the_climb() -> None:
    """Who accepts and does not handle is passed over like anybody."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10))
    assert names(ticket.accept(level="community")) == ["escalation-accepted community"]
    assert escalations(ticket.live(minutes(1))) == [("community", "district", DISTRICT, "sign")]


def test_the_signature_ends_the_climb_for_signing_only() -> None:
    """The handle clock has a ladder of its own."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10))
    ticket.sign()
    assert escalations(ticket.live(minutes(49.9))) == []
    assert escalations(ticket.live(minutes(0.1))) == [("grid", "community", COMMUNITY, "handle")]


def test_a_later_order_adds_nobody_twice_and_goes_on_above() -> None:
    """The community was added by the first order; the second one's breach adds the next level above it."""
    ticket = Ticket()
    ticket.issue("T-1")
    first = ticket.live(minutes(10))
    ticket.withdraw("T-1")
    ticket.issue("T-2")
    second = ticket.live(minutes(10))
    assert escalations(first) == [("grid", "community", COMMUNITY, "sign")]
    assert escalations(second) == [("community", "district", DISTRICT, "sign")]
    ticket.withdraw("T-2")
    ticket.issue("T-3")
    third = ticket.live(minutes(10))
    assert escalations(third) == []
    assert "supervision-repeated district" in names(third)
    assert ticket.findings() == []


def test_a_ticket_that_the_top_owns_is_called_there_at_once() -> None:
    """Severity I starts at the district: its breach calls the district and goes on until somebody accepts."""
    ticket = Ticket()
    ticket.issue(unit=DISTRICT)
    said = ticket.live(minutes(10))
    assert names(said)[1:] == [
        "clock-breached sign",
        "supervision-repeated district",
        "clocks-started ladder district",
    ]
    assert names(ticket.live(minutes(5)))[1] == "supervision-repeated district"
    assert names(ticket.accept()) == ["escalation-accepted district", "stopped ladder met"]
    assert ticket.findings() == []


def test_a_top_without_staff_is_called_all_the_same() -> None:
    """It is said that nobody is there, and the ticket goes there anyway: no breach ends in silence."""
    ticket = Ticket(EMPTY_TOP)
    ticket.issue(unit=COMMUNITY)
    assert names(ticket.live(minutes(10)))[2:] == [
        "level-skipped street",
        "level-skipped district",
        "escalated district",
        "clocks-started ladder district",
    ]
    assert names(ticket.live(minutes(5)))[1] == "supervision-repeated district"


def test_a_unit_that_the_profile_does_not_know_goes_to_the_top() -> None:
    """Every level is without a unit there, and the top of the tree answers."""
    ticket = Ticket()
    ticket.issue(unit="gone", level="grid")
    said = ticket.live(minutes(10))
    assert [(f.level, f.reason) for f in said if hasattr(f, "reason")] == [
        ("community", "no-unit"),
        ("street", "no-unit"),
        ("district", "no-unit"),
    ]
    assert escalations(said) == [("grid", "district", DISTRICT, "sign")]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("name", ["yucheng", "kaohsiung"])
def test_in_the_bundled_cities_every_unit_has_a_way_to_the_top(name: str, severity: str) -> None:
    """From any unit at most one step a level leads to the top, each to a unit with staff, each with a clock."""
    profile = load_profile(find_profile(name))
    for unit in profile.units:
        state = SlaState.model_validate({"level": unit.level, "unit": unit.id, "severity": severity})
        seen: list[Fact] = []
        said: list[Fact] = []
        for _ in profile.levels:
            said = climb(state, "handle", "T-1", MORNING, profile)
            assert isinstance(said[-1], ClocksStarted)
            assert said[-1].clocks[0].due_at > MORNING
            added = [fact for fact in said if isinstance(fact, TicketEscalated)]
            if not added:
                break
            seen += added
            state = state.model_copy(update={"owners": {"handle": tuple(a for _, a, _, _ in escalations(seen))}})
        assert [f.from_level for f in seen if isinstance(f, TicketEscalated)][:1] in ([], [unit.level])
        assert all(a[1] == b[0] for a, b in pairwise(escalations(seen)))
        assert all((above := profile.unit(to)) is not None and above.staff for _, _, to, _ in escalations(seen))
        assert isinstance(said[-2], SupervisionRepeated)


@pytest.mark.parametrize(
    ("by", "level", "reason"),
    [("", None, "no-name"), ("  ", None, "no-name"), ("Li", "street", "not-an-owner"), ("Li", "grid", "not-an-owner")],
)
def test_an_acceptance_needs_a_name_and_a_level_that_was_added(by: str, level: str | None, reason: str) -> None:
    """Everything else is refused with a sentence in both languages."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(11))
    (refused,) = ticket.accept(by, level)
    assert refused.reason == reason
    assert refused.detail.zh
    assert refused.detail.zh != refused.detail.en


def test_what_was_not_escalated_cannot_be_accepted() -> None:
    """Before any breach, on a ticket that sla has never seen, and after closing."""
    ticket = Ticket()
    assert ticket.accept()[0].reason == "not-escalated"
    ticket.issue()
    assert ticket.accept()[0].reason == "not-escalated"
    ticket.live(minutes(10))
    ticket.close()
    assert ticket.accept()[0].reason == "closed"


def test_an_acceptance_without_a_level_means_the_highest() -> None:
    """And it counts for each cause for which that level was added."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(62))
    said = ticket.accept()
    assert [(fact.level, fact.cause) for fact in said[:-1]] == [("district", "sign"), ("district", "handle")]
    assert names(said[-1:]) == ["stopped ladder met, ladder met"]


def test_a_top_that_accepted_is_called_again_by_the_breach_of_a_later_order() -> None:
    """An acceptance is for what had happened until then."""
    ticket = Ticket()
    ticket.issue("T-1")
    ticket.live(minutes(12))
    ticket.accept()
    ticket.withdraw("T-1")
    ticket.issue("T-2")
    assert "supervision-repeated district" in names(ticket.live(minutes(10)))


def test_a_level_has_its_time_from_when_it_was_told() -> None:
    """After three days' outage the community has its minute, counted from now."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.wait(timedelta(days=3))
    assert ticket.fold.wake_at() == ticket.now + minutes(1)


def test_the_small_city_is_as_these_tests_think() -> None:
    """Grid 1 and its community have staff, the street has none, the district has."""
    staffed = {unit: bool(found.staff) for unit in (GRID, COMMUNITY, STREET, DISTRICT) if (found := CITY.unit(unit))}
    assert staffed == {GRID: True, COMMUNITY: True, STREET: False, DISTRICT: True}
