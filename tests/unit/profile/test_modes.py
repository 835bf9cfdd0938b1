"""How does a city work in an emergency, and who else is there then (平时+急时)?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from shared.profile import Profile, ProfileInvalid, parse_profile
from tests.unit.profile.small import SMALL, round_the_clock

FLOOD = """
modes:
  - id: campaign
    zh: 专项行动
    en: Campaign
    units: ["100000"]
    from: 2026-06-01T00:00:00+08:00
    until: 2026-09-01T00:00:00+08:00
  - id: flood
    zh: 防汛应急
    en: Flood
    units: ["100000001"]
    from: 2026-07-01T00:00:00+08:00
    until: 2026-07-10T00:00:00+08:00
    staff: [{unit: "100000001", staff: [{id: helper, name: 戊, role: volunteer}]}]
sponsors:
  - {unit: "100000001001", staff: {id: sponsor, name: 己, role: leader}}
"""
CLOCKS = """
  limits:
    - {clock: handle, category: "0501", limit: 50 minutes}
    - {clock: handle, category: "0501", modes: [flood], limit: 10 minutes}
"""
LADDER = """
  rows:
    - {clocks: [handle], modes: [flood], levels: [district]}
"""
GRID, WEST = "100000001001001", "100000002001"
CALM, FLOODED = datetime(2026, 3, 4, 1, tzinfo=UTC), datetime(2026, 7, 4, 1, tzinfo=UTC)


def city(more: str = FLOOD) -> Profile:
    """Give the small city with a summer campaign, and a flood in one street."""
    text = SMALL.replace("  warn_share: 0.8", "  warn_share: 0.8" + CLOCKS.rstrip())
    text = text.replace("  repeat: {I: 5", LADDER.strip("\n") + "\n  repeat: {I: 5")
    return parse_profile(text + more, "modes")


def test_a_mode_holds_in_its_area_and_time_the_last_one_first() -> None:
    """Elsewhere and at other times the city works as usual."""
    profile = city()
    assert [profile.mode(GRID, at) for at in (CALM, FLOODED)] == ["", "flood"]
    assert profile.mode(WEST, FLOODED) == "campaign"
    assert profile.mode(GRID, datetime(2026, 7, 9, 16, tzinfo=UTC)) == "campaign"
    assert profile.mode(GRID, datetime(2026, 6, 30, 16, tzinfo=UTC)) == "flood"


def test_limits_and_ladder_of_a_mode_stand_before_the_usual_ones() -> None:
    """And hold for no ticket of another mode."""
    profile = city()
    usual, flood = profile.under(profile.version), profile.under(profile.version, "flood")
    handling = [each.limits("0501", "leak", "II").handle for each in (usual, flood)]
    assert [round_the_clock(limit) for limit in handling] == [timedelta(minutes=50), timedelta(minutes=10)]
    assert [each.ladder.above("grid", "handle") for each in (usual, flood)] == [
        ["community", "street", "district"],
        ["district"],
    ]
    assert flood is profile.under(profile.version, "flood")
    assert profile.under(profile.version, "unknown").ladder.above("grid", "handle") == usual.ladder.above(
        "grid", "handle"
    )


def test_a_mode_brings_its_people() -> None:
    """They are told of escalations while it holds; a street without anybody is then no street without staff."""
    profile = city()
    east = profile.unit("100000001")
    assert east is not None
    assert [[staff.id for staff in profile.present(east, at)] for at in (CALM, FLOODED)] == [[], ["helper"]]
    assert profile.told("100000001", FLOODED) == ("helper",)


def test_sponsors_and_road_chiefs_are_told_of_what_is_escalated() -> None:
    """Sponsors of any unit above the place (联包帮), the chief of the level that is reached (街长)."""
    profile = city()
    assert profile.told("100000", CALM) == ("d",)
    assert profile.told("100000", CALM, GRID) == ("d", "sponsor")
    assert profile.told("100000001", CALM, GRID, "long-road") == ("r1", "sponsor")
    assert profile.told("100000", CALM, WEST, "no-road") == ("d",)


WRONG = {
    "unknown unit": ('units: ["100000001"]', 'units: ["9"]', "unknown unit '9'"),
    "ends before": ("until: 2026-07-10", "until: 2026-06-10", "ends before it begins"),
    "no zone": ("from: 2026-07-01T00:00:00+08:00", "from: 2026-07-01T00:00:00", "timezone"),
    "twice": ("id: flood", "id: campaign", "campaign"),
    "unknown sponsor's unit": ('{unit: "100000001001", staff: {id: sponsor', '{unit: "8", staff: {id: sponsor', "'8'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_mode_that_cannot_be_is_refused(name: str) -> None:
    """With its line."""
    old, new, said = WRONG[name]
    assert old in FLOOD
    with pytest.raises(ProfileInvalid, match=said) as wrong:
        city(FLOOD.replace(old, new, 1))
    assert all(each.line > 1 for each in wrong.value.errors)


def test_a_row_for_a_mode_that_there_is_not_is_refused() -> None:
    """A limit that can never hold helps nobody."""
    with pytest.raises(ProfileInvalid, match="unknown mode 'flood'"):
        city("")
