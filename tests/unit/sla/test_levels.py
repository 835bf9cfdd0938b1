"""Who is called, who is passed over, and what if a level gives it back?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.messages import ClocksStarted, EscalationHandedBack, LevelSkipped, SupervisionRepeated, TicketEscalated
from tests.support.fold import MORNING
from tests.unit.sla.cities import (
    COMMUNITY,
    DISTRICT,
    GRAVE,
    GRID,
    STREET,
    WAITING,
    WAITS,
    away,
    city,
    tree,
)
from tests.unit.sla.ladder import Ticket, minutes, names

if TYPE_CHECKING:
    from shared.messages import Severity
    from shared.profile import Profile

LADDER_ONLY = {"ladder.at_once": ["I", "II"]}


def steps(said: list[Any]) -> list[tuple[str, str, str]]:
    """Give each level that was added, called again or skipped."""
    words: dict[type, str] = {TicketEscalated: "added", SupervisionRepeated: "again", LevelSkipped: "skipped"}
    return [
        (words[type(fact)], getattr(fact, "to_level", None) or fact.level, fact.cause)
        for fact in said
        if type(fact) in words
    ]


def called(ticket: Ticket) -> list[tuple[str | None, str | None]]:
    """Give the level and cause of each level's clock that runs or rests."""
    return [(r.start.level, r.start.cause) for r in ticket.fold.state().clocks if r.start.clock == "ladder"]


# ---------------------------------------------------------------- away


def test_a_level_whose_staff_is_all_away_is_skipped_at_once() -> None:
    """With the reason and the unit on the timeline; in the same turn the next level with somebody there is added."""
    ticket = Ticket(city("away", **away(COMMUNITY)))
    ticket.issue()
    said = ticket.live(minutes(10))
    assert steps(said) == [
        ("skipped", "community", "sign"),
        ("skipped", "street", "sign"),
        ("added", "district", "sign"),
    ]
    skipped = [fact for fact in said if isinstance(fact, LevelSkipped)]
    assert [(fact.unit, fact.reason) for fact in skipped] == [(COMMUNITY, "all-away"), (STREET, "no-staff")]
    assert ticket.findings() == []


def test_who_is_back_is_called_again() -> None:
    """Away until the end of the 4th, in the city's own days: a breach of the 5th adds the community."""
    ticket = Ticket(city("away", **away(COMMUNITY)))
    ticket.live_until(MORNING + timedelta(hours=14, minutes=55))
    ticket.issue()
    assert steps(ticket.live(minutes(10))) == [("added", "community", "sign")]
    assert ticket.findings() == []


def test_a_top_that_is_away_is_called_all_the_same() -> None:
    """It is said that nobody is there, and it is called again and again: no breach ends in silence."""
    ticket = Ticket(city("away", **away(COMMUNITY, DISTRICT)))
    ticket.issue()
    said = ticket.live(minutes(20))
    assert steps(said) == [
        ("skipped", "community", "sign"),
        ("skipped", "street", "sign"),
        ("skipped", "district", "sign"),
        ("added", "district", "sign"),
        ("again", "district", "sign"),
        ("again", "district", "sign"),
    ]
    assert ticket.findings() == []


# ---------------------------------------------------------------- which levels


def test_a_clock_climbs_only_to_the_levels_that_its_row_names() -> None:
    """Signing goes to the district and no further down; handling to all."""
    ticket = Ticket(city("rows", **{"ladder.climbs": {"sign": ["district"]}}))
    ticket.issue()
    assert steps(ticket.live(minutes(10))) == [("added", "district", "sign")]
    ticket.sign()
    assert steps(ticket.live(minutes(50))) == [("added", "community", "handle")]
    assert ticket.findings() == []


def test_the_last_level_of_its_row_is_called_again() -> None:
    """Handling goes to the community, and there it stays until somebody accepts."""
    ticket = Ticket(city("rows", **{"ladder.climbs": {"handle": ["community"]}}))
    ticket.issue()
    ticket.sign()
    assert steps(ticket.live(minutes(71))) == [
        ("added", "community", "handle"),
        ("again", "community", "handle"),
        ("again", "community", "handle"),
    ]
    assert names(ticket.accept(level="community")) == ["escalation-accepted community", "stopped ladder met"]
    assert ticket.live(timedelta(days=1)) == []
    assert ticket.findings() == []


def test_a_clock_with_an_empty_row_only_warns() -> None:
    """It warns, it passes, it ends late: and nobody is called."""
    ticket = Ticket(city("rows", **{"ladder.climbs": {"sign": []}}))
    ticket.issue()
    said = ticket.live(minutes(30))
    assert names(said) == ["clock-warned sign", "clock-breached sign"]
    assert ticket.accept()[0].reason == "not-escalated"
    assert names(ticket.sign()) == ["stopped sign late"]
    assert ticket.findings() == []


# ---------------------------------------------------------------- at once


@pytest.mark.parametrize("severity", ["I", "II"])
def test_a_grave_matter_is_the_tops_at_once(severity: Severity) -> None:
    """From the first order on, with an alarm that is repeated until somebody accepts by name."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    said = ticket.issue(severity=severity)
    assert names(said) == [
        "clocks-started sign, handle",
        "escalated district",
        "clocks-started ladder district",
    ]
    assert (said[1].from_level, said[1].unit, said[1].cause, said[1].order_id) == ("grid", DISTRICT, "severity", "T-1")
    ticket.sign()
    again = [fact.times for fact in ticket.live(minutes(19)) if isinstance(fact, SupervisionRepeated)]
    assert again == [1, 2, 3]
    assert names(ticket.accept()) == ["escalation-accepted district", "stopped ladder met"]
    assert names(ticket.live(minutes(20))) == []
    assert ticket.findings() == []


def test_what_is_less_grave_is_not() -> None:
    """It climbs as any other."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    assert names(ticket.issue(severity="III")) == ["clocks-started sign, handle"]
    assert steps(ticket.live(minutes(10))) == [("added", "community", "sign")]
    assert ticket.findings() == []


def test_what_becomes_grave_is_the_tops_with_that_order() -> None:
    """Triaged anew as I: its second order raises the alarm; a third one does not raise it again."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    ticket.issue("T-1", severity="IV")
    ticket.withdraw("T-1")
    assert steps(ticket.issue("T-2", severity="I")) == [("added", "district", "severity")]
    ticket.withdraw("T-2")
    assert steps(ticket.issue("T-3", severity="I")) == []
    assert called(ticket) == [("district", "severity")]
    assert ticket.findings() == []


@pytest.mark.parametrize("later", [False, True])
def test_the_alarm_ends_when_it_is_done(*, later: bool) -> None:
    """Also by an order that is younger than the alarm."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    ticket.issue("T-1")
    if later:
        ticket.give_back("T-1")
        assert called(ticket) == [("district", "severity")], "what was returned is as grave as before"
        ticket.issue("T-2")
    ticket.live(minutes(2))
    order = "T-2" if later else "T-1"
    assert names(ticket.do(order)) == ["stopped sign met, handle met, ladder cancelled"]
    assert names(ticket.live(minutes(30))) == []
    assert ticket.findings() == []


def test_the_alarm_runs_from_when_the_top_was_told() -> None:
    """Sla was away for three days: the top has its time from now, not from the order."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    ordered = ticket.now
    ticket.clock.advance(timedelta(days=3))
    ticket.said_at = ordered
    (alarm,) = [s for f in ticket.issue() if isinstance(f, ClocksStarted) for s in f.clocks if s.clock == "ladder"]
    assert (alarm.started_at, alarm.due_at) == (ticket.now, ticket.now + minutes(5))


def test_the_alarm_of_what_was_returned_late_is_no_finding() -> None:
    """The breach of the duty officer's clock and the alarm of the order that ended it come in one turn."""
    ticket = Ticket(GRAVE)
    asked = ticket.now
    ticket.ask_duty_officer()
    ticket.clock.advance(timedelta(hours=9))
    ticket.said_at = asked + timedelta(hours=5)
    assert steps(ticket.issue()) == [
        ("added", "district", "dispatch"),
        ("added", "district", "severity"),
    ]
    ticket.said_at = None
    ticket.wait(timedelta(0))
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


# ---------------------------------------------------------------- handing back


def at_the_community() -> Ticket:
    """Give a ticket that was not signed and has been with the community for half a minute."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10.5))
    assert called(ticket) == [("community", "sign")]
    return ticket


def at_the_district() -> Ticket:
    """Give a ticket that was not signed and has been with the district for half a minute."""
    ticket = at_the_community()
    ticket.live(minutes(1))
    assert called(ticket) == [("district", "sign")]
    return ticket


def test_a_level_hands_back_and_the_one_below_has_its_time_anew() -> None:
    """The grid's minute begins now; that the community was added stays on record."""
    ticket = at_the_community()
    said = ticket.hand_back(reason="it is a matter of the grid")
    assert names(said) == [
        "escalation-handed-back grid",
        "stopped ladder cancelled",
        "clocks-started ladder grid",
    ]
    back = said[0]
    assert isinstance(back, EscalationHandedBack)
    assert (back.level, back.to_level, back.cause, back.by, back.reason) == (
        "community",
        "grid",
        "sign",
        "Li",
        "it is a matter of the grid",
    )
    (start,) = said[2].clocks
    assert (start.started_at, start.due_at, start.order_id) == (ticket.now, ticket.now + minutes(1), "T-1")
    assert ticket.fold.state().owners == {"sign": ("community",)}
    assert ticket.findings() == []


def test_the_next_breach_goes_above_who_handed_back() -> None:
    """One escalation per level and cause, for ever: the community is not added again."""
    ticket = at_the_community()
    ticket.hand_back()
    assert steps(ticket.live(minutes(1))) == [("skipped", "street", "sign"), ("added", "district", "sign")]
    assert ticket.findings() == []


def test_the_top_hands_back_to_the_highest_level_below() -> None:
    """To the community, which was added; when that does nothing either, the top is called again."""
    ticket = at_the_district()
    assert names(ticket.hand_back())[0] == "escalation-handed-back community"
    assert called(ticket) == [("community", "sign")]
    assert steps(ticket.live(minutes(1))) == [("again", "district", "sign")]
    assert ticket.findings() == []


def test_a_top_that_had_accepted_may_hand_back() -> None:
    """The calling had ended; from the hand-back on somebody is called again, and the signature ends it."""
    ticket = at_the_district()
    ticket.accept()
    assert called(ticket) == []
    assert names(ticket.hand_back()) == ["escalation-handed-back community", "clocks-started ladder community"]
    assert steps(ticket.live(minutes(1))) == [("again", "district", "sign")]
    assert names(ticket.sign()) == ["stopped sign late, ladder cancelled"]
    assert ticket.findings() == []


def test_handed_back_below_an_owner_that_a_later_order_has() -> None:
    """The community was added by the first order; the second is the street's: from the district it goes there."""
    ticket = at_the_community()
    ticket.withdraw()
    ticket.issue("T-2", unit=STREET)
    ticket.live(minutes(10))
    assert called(ticket) == [("district", "sign")]
    assert names(ticket.hand_back())[0] == "escalation-handed-back street"
    assert ticket.findings() == []


def test_before_an_order_it_goes_back_to_who_must_triage() -> None:
    """The street was asked, the district was added: it goes back to the street, and to no grid."""
    ticket = Ticket(WAITING)
    ticket.need_triage(STREET)
    ticket.live(minutes(30))
    assert names(ticket.hand_back())[0] == "escalation-handed-back street"
    assert ticket.findings() == []


def test_what_was_added_for_two_causes_goes_back_for_both() -> None:
    """Each with a clock of its own."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(62))
    said = ticket.hand_back()
    assert [(f.cause, f.to_level) for f in said if isinstance(f, EscalationHandedBack)] == [
        ("sign", "community"),
        ("handle", "community"),
    ]
    assert called(ticket) == [("community", "sign"), ("community", "handle")]
    assert ticket.findings() == []


def test_an_alarm_that_was_handed_back_comes_again() -> None:
    """The grid has its minute, then the top is called."""
    ticket = Ticket(city("grave", **LADDER_ONLY))
    ticket.issue()
    ticket.accept()
    assert names(ticket.hand_back()) == ["escalation-handed-back grid", "clocks-started ladder grid"]
    assert steps(ticket.live(minutes(1))) == [("again", "district", "severity")]
    assert names(ticket.do()) == ["stopped sign met, handle met, ladder cancelled"]
    assert ticket.findings() == []


def test_what_was_handed_back_in_an_outage_leaves_the_level_below_its_time() -> None:
    """Read three hours later: the grid's minute begins when it is told."""
    ticket = at_the_community()
    ticket.said_at = ticket.now
    ticket.clock.advance(timedelta(hours=3))
    (start,) = ticket.hand_back()[-1].clocks
    assert (start.started_at, start.due_at) == (ticket.now, ticket.now + minutes(1))
    ticket.said_at = None
    ticket.wait(timedelta(0))
    assert [finding for finding in ticket.findings() if finding.kind != "late"] == []


def test_handed_back_while_the_order_rests_it_rests_below_too() -> None:
    """The grid has its whole minute once the order goes on."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.live(minutes(60.5))
    ticket.suspend()
    ticket.live(minutes(10))
    assert names(ticket.hand_back()) == [
        "escalation-handed-back grid",
        "stopped ladder cancelled",
        "clocks-started ladder grid",
        "clocks-paused",
    ]
    assert ticket.live(timedelta(days=2)) == []
    ticket.resume()
    assert ticket.fold.wake_at() == ticket.now + minutes(1)
    assert ticket.findings() == []


@pytest.mark.parametrize(
    ("by", "level", "reason", "why_not"),
    [
        ("", None, "yours", "no-name"),
        ("  ", None, "yours", "no-name"),
        ("Li", None, "", "no-reason"),
        ("Li", None, " ", "no-reason"),
        ("Li", "street", "yours", "not-an-owner"),
        ("Li", "community", "yours", "not-highest"),
    ],
)
def test_a_hand_back_needs_a_name_a_reason_and_the_highest_level(
    by: str, level: str | None, reason: str, why_not: str
) -> None:
    """Everything else is refused with a sentence in both languages, and the top is called as before."""
    ticket = at_the_district()
    (refused,) = ticket.hand_back(level, reason, by)
    assert refused.reason == why_not
    assert refused.detail.zh
    assert refused.detail.zh != refused.detail.en
    assert called(ticket) == [("district", "sign")]
    assert ticket.findings() == []


def test_nothing_is_handed_back_twice() -> None:
    """It lies with the grid by now."""
    ticket = at_the_community()
    ticket.hand_back()
    assert ticket.hand_back()[0].reason == "nothing-to-hand-back"
    assert called(ticket) == [("grid", "sign")]


def test_what_was_done_is_not_handed_back() -> None:
    """Signed for by now: the community owes nothing, and nobody is called for it any more."""
    ticket = at_the_community()
    ticket.sign()
    assert ticket.hand_back()[0].reason == "nothing-to-hand-back"
    assert called(ticket) == []
    assert ticket.findings() == []


def test_what_a_later_order_still_has_time_for_is_not_handed_back() -> None:
    """Its sign clock runs, and is not breached."""
    ticket = at_the_community()
    ticket.withdraw()
    ticket.issue("T-2")
    assert ticket.hand_back()[0].reason == "nothing-to-hand-back"
    assert called(ticket) == []


def test_the_first_owner_has_nobody_to_hand_back_to() -> None:
    """The district owns it from the start and was called: there is no level below that ever had it."""
    ticket = Ticket()
    ticket.issue(unit=DISTRICT)
    ticket.live(minutes(10))
    assert ticket.hand_back()[0].reason == "nothing-to-hand-back"
    assert called(ticket) == [("district", "sign")]
    assert ticket.findings() == []


def test_of_a_closed_ticket_nothing_is_handed_back() -> None:
    """As nothing is accepted."""
    ticket = at_the_district()
    ticket.close()
    assert ticket.hand_back()[0].reason == "closed"


def test_what_was_not_escalated_is_not_handed_back() -> None:
    """No level was ever called."""
    ticket = Ticket()
    ticket.issue()
    assert ticket.hand_back()[0].reason == "not-escalated"


def test_an_acceptance_that_is_read_late_was_given_in_time() -> None:
    """The top accepted in minute 12 and sla read it in hour 3: it was not called again meanwhile.

    Nor is what was done in time by then breached because an acceptance was read before it.
    """
    ticket = at_the_district()
    start = ticket.now
    ticket.clock.advance(timedelta(hours=3))
    ticket.said_at = start + minutes(1)
    assert names(ticket.accept()) == ["escalation-accepted district", "stopped ladder met"]
    ticket.said_at = start + minutes(10)
    assert names(ticket.do()) == ["stopped sign late, handle met"]
    ticket.said_at = None
    assert ticket.findings() == []


# ---------------------------------------------------------------- other trees


THREE = tree("three", "hamlet", "town", "county")
SIX = tree("six", "dorm", "block", "hamlet", "ward", "town", "county", **{"ladder.at_once": ["I"]})
SHORT = tree("short", "dorm", "block", "hamlet", "ward", "town", "county", **{"ladder.top": "ward"})


@pytest.mark.parametrize("profile", [THREE, SIX, SHORT], ids=["three levels", "six levels", "six with a lower top"])
def test_a_tree_climbs_by_its_own_levels(profile: Profile) -> None:
    """One after the other up to the ladder's top, which is called again; each unit is the one of its level."""
    ticket = Ticket(profile)
    first = profile.levels[0].id
    ids = [level.id for level in profile.levels]
    above = ids[1 : ids.index(profile.ladder.top) + 1]
    ticket.issue(unit=f"{first}-unit", level=first, severity="IV")
    said = ticket.live(minutes(10 + 4 * (len(above) - 1) + 8))
    assert steps(said) == [("added", level, "sign") for level in above] + [("again", profile.ladder.top, "sign")]
    assert [fact.unit for fact in said if isinstance(fact, TicketEscalated)] == [f"{level}-unit" for level in above]
    assert ticket.findings() == []


@pytest.mark.parametrize("profile", [THREE, SIX, SHORT], ids=["three levels", "six levels", "six with a lower top"])
def test_a_tree_is_handed_back_down_to_its_first_owner(profile: Profile) -> None:
    """Level by level: whoever has it gives it to the next one below that was called before."""
    ticket = Ticket(profile)
    first = profile.levels[0].id
    second = profile.levels[1].id
    ticket.issue(unit=f"{first}-unit", level=first, severity="IV")
    ticket.live(minutes(10))
    assert names(ticket.hand_back())[0] == f"escalation-handed-back {first}"
    third = profile.levels[2].id
    assert steps(ticket.live(minutes(4))) == [("added", third, "sign")]
    assert names(ticket.hand_back())[0] == f"escalation-handed-back {second}"
    assert ticket.findings() == []


def test_the_alarm_of_a_tall_tree_goes_over_all_heads() -> None:
    """From the dorm to the county at once."""
    ticket = Ticket(SIX)
    said = ticket.issue(unit="dorm-unit", level="dorm", severity="I")
    assert steps(said) == [("added", "county", "severity")]
    assert (said[1].from_level, said[1].unit) == ("dorm", "county-unit")
    assert ticket.findings() == []


def test_two_causes_climb_beside_each_other() -> None:
    """What was added for one cause is added for the other too: once for each."""
    profile = city("both", **WAITS)
    ticket = Ticket(profile)
    ticket.issue(unit=GRID)
    said = ticket.live(timedelta(hours=4))
    added = [(fact.cause, fact.to_level) for fact in said if isinstance(fact, TicketEscalated)]
    assert sorted(added) == [
        (cause, level) for cause in ("handle", "sign", "total") for level in ("community", "district")
    ]
    assert ticket.findings() == []
