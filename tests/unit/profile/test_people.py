"""Who is there, who stands in, who is told in person, and what did a unit use to be called?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from typer.testing import CliRunner

from deploy.cli.profile import app
from services.sla.app import _measure_the_city
from shared.profile import Profile, ProfileInvalid, parse_profile
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
GRID, SECOND, COMMUNITY, STREET = "100000001001001", "100000001001002", "100000001001", "100000001"
AWAY = "away: [{from: 2026-11-22, to: 2026-11-22}]"
PERSON = "staff: [{id: g1, name: 丙, role: worker}]"
"""Of the first grid."""
SPONSORS = f"""
sponsors:
  - {{unit: "{COMMUNITY}", staff: {{id: sponsor, name: 己, role: leader}}}}
"""
PROPERTY = f"""
bodies:
  - id: wuye
    zh: 物业
    en: Property firm
    kind: property
    unit: "{GRID}"
    staff: [{{id: w, name: 庚, role: manager}}]
loop:
  settlement:
    - {{body: property, categories: ["0501"], limit: 1 urgent_hours}}
"""
BY_PROPERTY = (
    '    - {category: "0501", condition: leak, place: "100000001", lead: {body: property, level: community}}\n'
)


def city(old: str = "", new: str = "", more: str = "") -> Profile:
    """Give the small city with something else in it."""
    assert old in SMALL
    return parse_profile((SMALL.replace(old, new, 1) if old else SMALL) + more, "people.yaml")


def refused(old: str, new: str, more: str = "") -> str:
    """Give why a city is no profile."""
    with pytest.raises(ProfileInvalid) as invalid:
        city(old, new, more)
    return str(invalid.value)


# ---------------------------------------------------------------- stand-ins


def test_whoever_is_away_is_there_through_their_stand_in() -> None:
    """With the role of the one who is away, from wherever the stand-in belongs; by themselves a day later."""
    there = PERSON.replace("worker}", f"worker, {AWAY}}}")
    profile = city(PERSON, there).present
    unit = city(PERSON, there).unit(GRID)
    assert unit is not None
    assert profile(unit, NOW) == ()
    stands = SMALL.replace(PERSON, there, 1).replace("role: officer}", "role: officer, stands_in_for: g1}")
    profile_with = parse_profile(stands, "people.yaml")
    unit = profile_with.unit(GRID)
    assert unit is not None
    assert [(each.id, each.role) for each in profile_with.present(unit, NOW)] == [("c1", "worker")]
    assert [each.id for each in profile_with.present(unit, NOW.replace(day=23))] == ["g1"]
    assert profile_with.told(GRID, NOW) == ("c1",)


def test_a_stand_in_who_is_away_too_has_one_of_their_own() -> None:
    """One after the other; a circle of people who are all away is nobody."""
    away = PERSON.replace("worker}", f"worker, {AWAY}}}")
    text = SMALL.replace(PERSON, away).replace("role: officer}", f"role: officer, stands_in_for: g1, {AWAY}}}")
    chained = parse_profile(text.replace("role: duty}", "role: duty, stands_in_for: c1}"), "people.yaml")
    assert chained.told(GRID, NOW) == ("d",)
    assert chained.told(COMMUNITY, NOW) == ("d",)
    circle = parse_profile(text.replace("worker, away", "worker, stands_in_for: c1, away"), "people.yaml")
    assert circle.told(GRID, NOW) == ()


def test_a_stand_in_for_nobody_is_refused() -> None:
    """An id that nobody has, or their own."""
    found = refused("role: officer}", "role: officer, stands_in_for: g9}")
    line = next(at for at, text in enumerate(SMALL.splitlines(), 1) if "role: officer" in text)
    assert f"people.yaml:{line}: unknown staff id 'g9'" in found
    assert "cannot stand in for themselves" in refused("role: officer}", "role: officer, stands_in_for: c1}")


# ---------------------------------------------------------------- told in person


def test_the_sponsor_and_the_road_chief_are_told_of_an_escalation() -> None:
    """联包帮, 街长: the street's people, the road's chief of that level, and the sponsor of the place."""
    profile = city(more=SPONSORS)
    assert profile.told(STREET, NOW, GRID, "long-road") == ("r1", "sponsor")
    assert profile.told("100000", NOW, GRID, "long-road") == ("d", "sponsor")
    assert profile.told("100000", NOW, "100000002001") == ("d",)


def test_a_sponsor_who_is_away_is_told_through_a_stand_in_and_else_all_the_same() -> None:
    """A copy does no harm."""
    away = SPONSORS.replace("role: leader", f"role: leader, {AWAY}")
    assert city(more=away).told("100000", NOW, GRID) == ("d", "sponsor")
    stood = city("role: officer}", "role: officer, stands_in_for: sponsor}", away)
    assert stood.told("100000", NOW, GRID) == ("d", "c1")


# ---------------------------------------------------------------- norms


NORMS = "\nnorms: {general: 1000}\n"
FULL = "zh: 一格\n    en: Grid 1\n    kind: general\n    population: 1001"


def test_more_inhabitants_than_the_norm_are_warned_about_and_never_refused(tmp_path: Path) -> None:
    """With file and line, for people and machines; the profile is sound."""
    profile = city("zh: 一格\n    en: Grid 1", FULL, NORMS)
    [warning] = profile.warnings
    assert "has 1001 inhabitants, more than the 1000" in warning.message
    file = tmp_path / "full.yaml"
    file.write_text(SMALL.replace("zh: 一格\n    en: Grid 1", FULL) + NORMS, encoding="utf-8")
    line = next(at for at, text in enumerate(file.read_text(encoding="utf-8").splitlines(), 1) if "population" in text)
    plain = CliRunner().invoke(app, ["check", str(file)])
    assert plain.exit_code == 0
    assert f"warning: {file}:{line}: unit '{GRID}' has 1001" in plain.output
    assert "1 warnings" in plain.output
    machine = json.loads(CliRunner().invoke(app, ["check", str(file), "--json"]).stdout)
    assert machine["warnings"][0]["line"] == line


def test_a_unit_within_its_norm_or_without_one_is_not_warned_about() -> None:
    """Nor one whose population nobody has written down."""
    assert city("zh: 一格\n    en: Grid 1", FULL.replace("1001", "1000"), NORMS).warnings == ()
    assert city("zh: 一格\n    en: Grid 1", FULL.replace("    population: 1001", "").rstrip(), NORMS).warnings == ()
    assert city("zh: 一格\n    en: Grid 1", FULL).warnings == ()


def test_a_norm_for_a_kind_that_no_unit_has_is_refused() -> None:
    """It would never hold."""
    assert "unknown kind of unit 'general'" in refused("", "", NORMS)
    found = refused("zh: 一格\n    en: Grid 1", FULL, "\nnorms: {general: 0}\n")
    assert "norms" in found or "general" in found


# ---------------------------------------------------------------- boundaries


OLD, OLDER = "100000001001009", "100000001001008"
MERGED = f'zh: 一格\n    en: Grid 1\n    was: ["{OLD}", "{OLDER}"]\n    since: 2026-11-01'


def test_a_former_code_means_the_unit_that_it_became() -> None:
    """So that whatever still names it goes on: place, chain, owner, staff, route."""
    profile = city("zh: 一格\n    en: Grid 1", MERGED)
    for code in (OLD, OLDER):
        unit = profile.unit(code)
        assert unit is not None
        assert unit.id == GRID
        assert [each.id for each in profile.chain(code)] == [GRID, COMMUNITY, STREET, "100000"]
        located = profile.locate(grid=code)
        assert located is not None
        assert (located.unit, located.community) == (GRID, COMMUNITY)
        assert profile.owner(code, "street") == STREET
        assert profile.told(code, NOW) == ("g1",)
        assert profile.route("0101", "building", code).lead.id == GRID
    assert set(profile.below(COMMUNITY)) == {COMMUNITY, GRID, OLD, OLDER, SECOND}


def test_a_former_code_that_somebody_has_is_refused() -> None:
    """A code means one unit."""
    assert f"unit code '{SECOND}' is used twice" in refused(
        "zh: 一格\n    en: Grid 1", f'zh: 一格\n    en: Grid 1\n    was: ["{SECOND}"]'
    )


# ---------------------------------------------------------------- who is missing


def unstaffed(level: str, kind: str = "") -> float | None:
    """Give the gauge as it is scraped."""
    return REGISTRY.get_sample_value("gridcall_units_unstaffed", {"level": level, "kind": kind})


def test_units_at_which_nobody_is_there_are_counted_by_level_and_kind() -> None:
    """Without staff, or all of it away and nobody standing in."""
    _measure_the_city(city(), NOW)
    assert (unstaffed("grid"), unstaffed("community"), unstaffed("street"), unstaffed("district")) == (1, 1, 2, 0)
    away = city("zh: 一格\n    en: Grid 1", "zh: 一格\n    en: Grid 1\n    kind: micro")
    _measure_the_city(away, NOW)
    assert unstaffed("grid", "micro") == 0


# ---------------------------------------------------------------- no property firm


def test_a_place_without_a_property_firm_falls_to_its_community_at_once() -> None:
    """LQ-20 三无院落: the firm where there is one, else the community, which asks nobody before it."""
    profile = city('    - {category: "*", condition: leak, lead: water}\n', BY_PROPERTY, PROPERTY)
    here = profile.route("0501", "leak", GRID, severity="II")
    assert here.lead.id == "wuye"
    there = profile.route("0501", "leak", SECOND, severity="II")
    assert (there.lead.kind, there.lead.id) == ("unit", COMMUNITY)


def test_a_settlement_by_a_body_that_the_place_lacks_is_skipped() -> None:
    """Nobody is asked first, and no time is lost."""
    profile = city('    - {category: "*", condition: leak, lead: water}\n', BY_PROPERTY, PROPERTY)
    [asked] = profile.response("0501", "II", GRID).before
    assert (asked.tier, asked.handler.id) == ("settlement", "wuye")
    assert profile.response("0501", "II", SECOND).before == ()
