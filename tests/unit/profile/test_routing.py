"""Does every matter have somebody who handles it, a severity, limits and a way to its end?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.profile import SEVERITIES, Handler, find_profile, load_profile, parse_profile
from tests.unit.profile.small import SMALL, round_the_clock

if TYPE_CHECKING:
    from shared.profile import Profile, Severity

CITY = parse_profile(SMALL, "small")
YUCHENG = load_profile(find_profile("yucheng"))
KAOHSIUNG = load_profile(find_profile("kaohsiung"))
OURS = [YUCHENG, KAOHSIUNG]
G1, G2, WEST = "100000001001001", "100000001001002", "100000002001"

matters = st.sampled_from(
    [
        (profile, category, condition)
        for profile in OURS
        for category in profile.categories
        for condition in category.conditions
    ]
)
severities = st.sampled_from(SEVERITIES)


def exists(profile: Profile, handler: Handler) -> bool:
    """Whether the handler is there to take an order: a department, or a unit with staff."""
    if handler.kind == "department":
        return profile.department(handler.id) is not None
    unit = profile.unit(handler.id)
    return unit is not None and bool(unit.staff)


@given(matters, st.data(), severities, st.none() | st.sampled_from(["compound", "telecom", "else"]))
def test_every_matter_at_every_place_goes_to_somebody(
    matter: tuple[Profile, object, object], data: st.DataObject, severity: Severity, ownership: str | None
) -> None:
    """Whatever category, condition, unit and owner: the lead exists and assists nobody twice."""
    profile, category, condition = matter
    unit = data.draw(st.none() | st.sampled_from(profile.units))
    place = None if unit is None else unit.id
    route = profile.route(category, condition, place, ownership, severity=severity)  # type: ignore[arg-type]
    handlers = [route.lead, *route.assists]
    assert all(exists(profile, handler) for handler in handlers)
    assert len(set(handlers)) == len(handlers)
    assert route.level in {above.level for above in profile.chain(place or profile.top.id)}


@pytest.mark.parametrize("profile", OURS, ids=lambda profile: profile.name)
def test_every_category_has_a_row_limits_and_a_severity(profile: Profile) -> None:
    """The fallback is for what nobody has thought of, not for what stands in the catalogue."""
    for category in profile.categories:
        for condition in category.conditions:
            assert profile.route(category.code, condition.id, None).rule is not None
            severity = profile.severity(category.code, condition.id)
            limits = profile.limits(category.code, condition.id, severity)
            assert severity == condition.severity
            assert limits.handle == condition.limit
            assert profile.closing.verification(category, severity) in ("automatic", "person")


@pytest.mark.parametrize(
    ("category", "condition", "unit", "ownership", "lead", "rule"),
    [
        ("0101", "built", G1, None, Handler("department", "police"), 3),  # a condition beats none
        ("0101", "building", G1, None, Handler("unit", G1), 2),  # a code beats a beginning
        ("0101", "building", G2, None, Handler("unit", "100000001001"), 2),  # nobody in the grid: next above
        ("0101", "building", WEST, None, Handler("unit", "100000"), 2),  # nobody there nor in the street
        ("0199", None, G1, None, Handler("department", "police"), 1),
        ("0199", None, WEST, None, Handler("unit", "100000"), 4),  # a place beats everywhere
        ("0501", "leak", G1, None, Handler("department", "water"), 0),  # the catch-all for a condition
        ("0501", "leak", G1, "private", Handler("unit", "100000001001"), 5),
        ("0909", None, G1, None, Handler("unit", "100000"), None),  # fallback: the street has nobody
        ("0909", None, None, None, Handler("unit", "100000"), None),  # no place: the top
        ("0909", None, "nowhere", None, Handler("unit", "100000"), None),
    ],
)
def test_the_most_specific_row_leads(
    *, category: str, condition: str | None, unit: str | None, ownership: str | None, lead: Handler, rule: int | None
) -> None:
    """Category before condition before place before ownership."""
    route = CITY.route(category, condition, unit, ownership)
    assert (route.lead, route.rule) == (lead, rule)


def test_of_two_equal_rows_the_first_wins() -> None:
    """The order of the file decides what nothing else decides."""
    text = SMALL.replace('    - {category: "01*", lead: police}\n', '    - {category: "01*", lead: police}\n' * 2)
    assert parse_profile(text, "a").route("0199", None, G1).rule == 1


def test_the_territorial_owner_starts_by_severity_and_place() -> None:
    """At the level that the severity or the row says, never below what is known of the place."""
    assert CITY.route("0501", "leak", G1).level == "grid"
    assert CITY.route("0501", "leak", G1, severity="II").level == "street"
    assert CITY.route("0501", "leak", G1, severity="I").level == "district"
    assert CITY.route("0501", "leak", "100000001").level == "street"
    assert CITY.route("0101", "built", G1).level == "community"
    assert CITY.route("0101", "built", None).level == "district"


def test_a_location_routes_like_its_unit() -> None:
    """What locate gives can be handed on as it is."""
    place = CITY.locate(grid=G1)
    assert CITY.route("0101", "building", place) == CITY.route("0101", "building", G1)


@given(matters, st.dictionaries(st.sampled_from(["injured", "deaths", "x"]), st.booleans()), st.text())
def test_nothing_makes_a_matter_less_grave(
    matter: tuple[Profile, object, object], attributes: dict[str, bool], text: str
) -> None:
    """Rules raise the severity of the condition or leave it."""
    profile, category, condition = matter
    plain = profile.severity(category, condition)  # type: ignore[arg-type]
    raised = profile.severity(category, condition, attributes, text)  # type: ignore[arg-type]
    assert SEVERITIES.index(raised) <= SEVERITIES.index(plain)


def test_attributes_and_words_raise_the_severity() -> None:
    """A form sends `true` as text; it means the same."""
    assert CITY.severity("0101", "built") == "IV"
    assert CITY.severity("0101", "built", {"injured": True}) == "II"
    assert CITY.severity("0101", "built", {"injured": "true"}) == "II"
    assert CITY.severity("0101", "built", {"injured": False}) == "IV"
    assert CITY.severity("0101", "built", {}, "有人受伤") == "II"


def test_a_condition_that_is_not_told_is_asked_for() -> None:
    """One condition needs no telling; of several the sentence names the choice."""
    assert CITY.severity("0501", None) == "II"
    with pytest.raises(LookupError, match="choose one of building, built"):
        CITY.severity("0101", None)
    with pytest.raises(LookupError, match="no category '7'"):
        CITY.limits("7", None, "IV")


def test_limits_come_from_the_severity_and_the_condition() -> None:
    """The same category: two days while it is being built, fifteen when it stands."""
    building, built = (CITY.limits("0101", each, "III") for each in ("building", "built"))
    assert str(building.sign) == str(built.sign) == "4 work hours"
    assert (str(building.handle), str(built.handle)) == ("2 urgent days", "15 work days")


@pytest.mark.parametrize(
    ("text", "attributes", "to"),
    [
        ("楼下起火了", {}, "119"),
        ("电线老化可能起火", {}, None),
        ("什么都没有", {"fire": True}, "119"),
        ("", {}, None),
    ],
)
def test_diversions_by_words_and_attributes(text: str, attributes: dict[str, object], to: str | None) -> None:
    """Plain words only; a fear of a fire is no fire."""
    found = CITY.diversion("0501", "leak", text, attributes)
    assert (found.to if found else None) == to


def test_diversions_by_category_and_condition() -> None:
    """A rule may be narrowed to filing conditions."""
    found = CITY.diversion("0101", "built", "")
    assert found is not None
    assert (found.kind, found.sentence.en) == ("legal-route", "Court")
    assert CITY.diversion("0101", "building", "") is None
    assert CITY.diversion(None, None, None) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("三楼着火了，快来", "emergency"),
        ("电线乱拉容易着火", None),
        ("消防通道被堵", None),
        ("此事已起诉", "legal-route"),
        ("劳动仲裁已经受理", "legal-route"),
        ("已申请行政复议", "legal-route"),
        ("向市里信访过", "legal-route"),
        ("信访局门口路灯不亮", None),
        ("路面有坑", None),
    ],
)
def test_what_yucheng_diverts(text: str, kind: str | None) -> None:
    """Emergencies and legal routes leave the loop; the lamp outside the petition office does not."""
    found = YUCHENG.diversion(None, None, text)
    assert (found.kind if found else None) == kind


def test_the_ladder_has_a_top_and_a_step_for_each_level() -> None:
    """From the grid to the district, and again at the top."""
    for profile in (*OURS, CITY):
        climbed = [profile.levels[0].id]
        while climbed[-1] != profile.ladder.top:
            above = profile.level_above(climbed[-1])
            assert above is not None
            climbed.append(above)
        for severity in SEVERITIES:
            assert all(round_the_clock(profile.ladder.step(level, severity)) > timedelta() for level in climbed)
            assert round_the_clock(profile.ladder.repeat(severity)) > timedelta()
    assert YUCHENG.level_above("street") == "district"
    assert YUCHENG.level_above("district") is None
    assert YUCHENG.level_above("nothing") is None


@pytest.mark.parametrize("profile", OURS, ids=lambda profile: profile.name)
def test_the_graver_the_sooner(profile: Profile) -> None:
    """No level has longer for a graver matter."""
    steps = [profile.content.clocks.sign, profile.content.ladder.repeat, *profile.content.ladder.steps.values()]
    for step in steps:
        for graver, milder in pairwise(SEVERITIES):
            assert round_the_clock(step[graver]) <= round_the_clock(step[milder])


def test_verification_by_severity_and_by_category() -> None:
    """A person looks at what was grave, and at what the city wants looked at."""
    assert CITY.closing.verification("0101", "I") == "person"
    assert CITY.closing.verification("0101", "IV") == "automatic"
    assert CITY.closing.verification("0501", "IV") == "person"


def test_what_the_catalogue_is_asked_by() -> None:
    """Code, name in either language, alias; departments also by the feed's code."""
    building = CITY.category("0101")
    assert building is not None
    assert all(CITY.category_by_alias(name) is building for name in ("0101", "私搭", "BUILDING", " 违建 "))
    assert CITY.category_by_alias("") is CITY.category_by_alias("无") is CITY.category("9") is None
    assert CITY.department_by_alias("公安局") is CITY.department("police")
    assert KAOHSIUNG.department_by_alias("B01000") is KAOHSIUNG.department_by_alias("養工處")
    assert KAOHSIUNG.category_by_alias("路面坑洞(一)") is not None
    assert CITY.road("long-road") is not None


def test_the_sizes_that_the_product_names() -> None:
    """Eight departments, eleven roads with three chiefs, about a hundred categories."""
    assert len(YUCHENG.departments) == 8
    assert len(YUCHENG.roads) == 11
    assert all(len(road.chiefs) == 3 for road in YUCHENG.roads)
    assert 100 <= len(YUCHENG.categories) <= 120
    assert len([unit for unit in YUCHENG.units if unit.level == "community"]) == 122
    assert len([unit for unit in KAOHSIUNG.units if unit.level == "town"]) == 38
    assert (len(KAOHSIUNG.departments), len(KAOHSIUNG.categories)) == (40, 74)


def test_yucheng_shows_a_level_without_staff() -> None:
    """A grid, and a whole community with its grids, fall to the level above at once."""
    assert YUCHENG.route("0107", "any", "511802001001002").lead == Handler("unit", "511802001001")
    assert YUCHENG.route("0107", "any", "511802001005001").lead == Handler("unit", "511802001")
