"""Are two reports of one matter found, and reports of two matters not?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.triage.domain.alike import Sight, alike, grams, keys, metres, score
from shared.messages import CategoryRef
from shared.profile import parse_profile
from shared.profile.model import Duplicates
from tests.unit.profile.small import SMALL

CITY = parse_profile(SMALL, "small")
NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
CODE = CategoryRef(code="0101", name="x", condition="building")


def rules(**given: Any) -> Duplicates:
    """Give rules: a day, one community, a hundred metres."""
    usual = {"within": "1 urgent_days", "level": "community", "radius": 100, "suspect": 60}
    return Duplicates.model_validate(usual | given)


def sight(ident: str, text: str = "东门路口井盖破损有响声", minutes: int = 0, **place: Any) -> Sight:
    """Give a report."""
    usual = {"unit": "100000001001"} | place
    return Sight(ident, NOW + timedelta(minutes=minutes), grams(text), **usual)


def test_the_same_words_in_another_order_are_alike() -> None:
    """As one person says it to the hotline and another one types it."""
    assert score(grams("东门路口井盖破损，有响声"), grams("井盖破损 东门路口")) >= 60
    assert score(grams("东门路口井盖破损"), grams("小区垃圾三天没人清运")) < 40
    assert score(grams("Street lamp broken at gate 3"), grams("gate 3: street lamp is broken")) >= 80
    assert score(grams("井盖"), grams("井盖")) == 100
    assert score(grams(""), grams("井盖")) == 0


def test_full_width_and_case_make_no_difference() -> None:
    """They depend on the keyboard."""
    assert grams("ＡＢ１２ 灯") == grams("ab12 灯")


def test_the_hotline_and_the_grid_app_speak_of_one_matter() -> None:
    """One with an address, the other with coordinates: the unit decides (LS-15)."""
    app = sight("A", lon=100.15, lat=30.15)
    found = alike(sight("B", "井盖破损，东门路口", 30), [app], rules())
    assert found is not None
    assert (found.of, found.metres) == ("A", None)


def test_coordinates_decide_where_both_have_them() -> None:
    """Across the border of a unit, and not within a unit that is large."""
    here = sight("A", lon=100.15, lat=30.15)
    near = sight("B", unit="100000002001", lon=100.1505, lat=30.1505)
    far = sight("C", lon=100.155, lat=30.15)
    found = alike(near, [here], rules())
    assert found is not None
    assert found.metres is not None
    assert 50 < found.metres < 100
    assert alike(far, [here], rules()) is None


@pytest.mark.parametrize(
    "other",
    [
        sight("A", "小区垃圾三天没人清运"),
        sight("A", minutes=-25 * 60),
        sight("A", unit="100000002001"),
        sight("A", unit=""),
        sight("B"),
    ],
    ids=["other words", "long ago", "elsewhere", "place unknown", "itself"],
)
def test_another_matter_is_not_found(other: Sight) -> None:
    """By any of the four."""
    assert alike(sight("B"), [other], rules()) is None


def test_the_earliest_is_the_main_one() -> None:
    """So that many reports gather at one ticket; what is certain comes before what is earlier."""
    others = [sight("C", minutes=-5), sight("A", "东门路口井盖坏了", -30), sight("B", minutes=-20)]
    suspected = alike(sight("D"), others, rules(suspect=30))
    assert suspected is not None
    assert suspected.of == "A"
    certain = alike(sight("D"), others, rules(suspect=30, certain=95))
    assert certain is not None
    assert (certain.of, certain.score) == ("B", 100)


def test_what_is_graver_is_never_merged_without_asking() -> None:
    """It would be handled in the time that the other has."""
    light, grave = sight("A"), sight("B", minutes=5, severity="I")
    found = alike(grave, [light], rules(certain=95))
    assert found is not None
    assert (found.score, found.certain) == (100, False)
    back = alike(light, [grave], rules(certain=95))
    assert back is not None
    assert back.certain


def test_a_class_may_count_as_the_same() -> None:
    """Callers do not know the catalogue."""
    one = sight("A")
    other = CategoryRef(code="0501", name="x", condition="leak")
    assert keys(one, CODE, rules(), CITY) != keys(one, other, rules(), CITY)
    assert keys(one, CODE, rules(same="class"), CITY) == ("class 01/100000001001",)


@given(
    lon=st.floats(-179, 179),
    lat=st.floats(-70, 70),
    east=st.floats(-120, 120),
    north=st.floats(-120, 120),
)
@settings(max_examples=300, deadline=None)
def test_who_is_near_is_found_at_the_square_of_ones_own(lon: float, lat: float, east: float, north: float) -> None:
    """Wherever a square ends: the first square of one is among those of the other."""
    one = sight("A", unit="", lon=lon, lat=lat)
    other = sight("B", unit="", lon=lon + east / 111_320 / 0.34, lat=lat + north / 111_320)
    far = metres(one, other)
    assert far is not None
    if far <= 100:
        assert keys(other, CODE, rules(), CITY)[0] in keys(one, CODE, rules(), CITY)
        assert keys(one, CODE, rules(), CITY)[0] in keys(other, CODE, rules(), CITY)
    assert len(keys(one, CODE, rules(), CITY)) <= 4
