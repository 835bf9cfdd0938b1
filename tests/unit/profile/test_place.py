"""Is a place found by whatever a report says about it?"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.profile import find_profile, load_profile, parse_profile
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.profile import Profile, Unit

CITY = parse_profile(SMALL, "small")
YUCHENG = load_profile(find_profile("yucheng"))
KAOHSIUNG = load_profile(find_profile("kaohsiung"))
GRIDS = [unit for unit in YUCHENG.units if unit.level == "grid"]
G1, G2 = "100000001001001", "100000001001002"
NOWHERE = "天边"

# The first lookup by coordinates loads shapely, which takes longer than Hypothesis allows an example.
YUCHENG.locate(lon=103.0, lat=29.9)


def box(unit: Unit) -> tuple[float, float, float, float]:
    """West, south, east and north of the unit's area."""
    assert unit.area is not None
    lons, lats = zip(*unit.area, strict=True)
    return min(lons), min(lats), max(lons), max(lats)


@given(st.sampled_from(GRIDS))
def test_the_code_of_a_grid_finds_it_and_all_above(grid: Unit) -> None:
    """By the code's digits: 12 community, 9 street, 6 district."""
    place = YUCHENG.locate(grid=grid.id)
    assert place is not None
    assert (place.unit, place.grid, place.method, place.notes) == (grid.id, grid.id, "code", ())
    assert (place.community, place.street, place.district) == (grid.id[:12], grid.id[:9], grid.id[:6])


@given(st.sampled_from(GRIDS))
def test_the_qr_code_of_a_grid_finds_it(grid: Unit) -> None:
    """The sign on the wall is as good as the code."""
    place = YUCHENG.locate(qr=grid.qr[0])
    assert place is not None
    assert (place.grid, place.method) == (grid.id, "qr")


@given(st.sampled_from(GRIDS), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_a_point_inside_a_cell_finds_its_grid(grid: Unit, across: float, up: float) -> None:
    """And the point lies inside the city."""
    west, south, east, north = box(grid)
    lon, lat = west + across * (east - west), south + up * (north - south)
    place = YUCHENG.locate(lon=lon, lat=lat)
    assert place is not None
    assert (place.grid, place.method) == (grid.id, "coordinates")
    assert YUCHENG.inside(lon, lat)


@pytest.mark.parametrize("profile", [YUCHENG, KAOHSIUNG, CITY], ids=lambda profile: profile.name)
def test_every_chain_climbs_to_the_top(profile: Profile) -> None:
    """Lowest first, each level higher than the one before, the top at the end."""
    rank = {level.id: at for at, level in enumerate(profile.levels)}
    for unit in profile.units:
        chain = profile.chain(unit.id)
        ranks = [rank[above.level] for above in chain]
        assert chain[0] == unit
        assert chain[-1] == profile.top
        assert ranks == sorted(set(ranks))
    assert profile.chain("nobody") == ()


@given(
    grid=st.none() | st.text() | st.just(G1),
    qr=st.none() | st.text() | st.just("QR1"),
    lon=st.none() | st.floats(),
    lat=st.none() | st.floats(),
    address=st.none() | st.text(),
    road=st.none() | st.text(),
)
def test_whatever_is_said_is_a_known_place_or_none(
    *, grid: str | None, qr: str | None, lon: float | None, lat: float | None, address: str | None, road: str | None
) -> None:
    """No input raises, and every location is a unit of the tree."""
    place = CITY.locate(grid=grid, qr=qr, lon=lon, lat=lat, address=address, road=road)
    assert place is None or CITY.unit(place.unit) is not None


def test_the_means_are_asked_in_order() -> None:
    """Code before QR before coordinates before address before road."""
    given_all = {"grid": G2, "qr": "QR1", "lon": 100.15, "lat": 30.15, "address": "西街道", "road": "long-road"}
    found = [G2, G1, G1, "100000002", "100000001001"]
    methods = ["code", "qr", "coordinates", "address", "road"]
    dropped = [["grid"], ["qr"], ["lon", "lat"], ["address"], []]
    for unit, method, names in zip(found, methods, dropped, strict=True):
        place = CITY.locate(**given_all)  # type: ignore[arg-type]
        assert place is not None
        assert (place.unit, place.method, place.road) == (unit, method, "long-road")
        for name in names:
            del given_all[name]


def test_an_unknown_code_falls_through_and_is_noted() -> None:
    """A worn sign does not lose the report, and triage sees that the sign is worn."""
    place = CITY.locate(grid="1", qr="QR9", address="西街道3号", road="no-road")
    assert place is not None
    assert place.unit == "100000002"
    assert place.notes == ("unknown road 'no-road'", "unknown grid code '1'", "unknown QR code 'QR9'")


def test_a_street_alone_gives_a_place_without_a_grid() -> None:
    """What is known is used; what is not stays empty."""
    place = CITY.locate(address="东街道某处")
    assert place is not None
    assert (place.unit, place.street, place.district) == ("100000001", "100000001", "100000")
    assert place.grid is place.community is None


@pytest.mark.parametrize(
    ("address", "unit"),
    [
        ("东街道东新村5号", "100000001001"),  # the lowest level, the longest word
        ("西街道新村5号", "100000002001"),  # two villages of one name: the street decides
        ("新村5号", "100000"),  # nothing decides: what they have in common
        ("西 街 道", "100000002"),  # spaces say nothing
        ("东街道与西街道之间", "100000001"),  # of equals the first that is named
    ],
)
def test_the_words_of_an_address(address: str, unit: str) -> None:
    """Longest word of the lowest level, then the named street, then the first."""
    place = CITY.locate(address=address)
    assert place is not None
    assert (place.unit, place.method) == (unit, "address")


def test_an_ambiguous_address_says_so() -> None:
    """Whoever triages it sees the candidates."""
    place = CITY.locate(address="新村5号")
    assert place is not None
    assert place.notes == ("the address fits 100000001001, 100000002001",)


def test_a_point_between_two_cells_has_one_answer() -> None:
    """The border belongs to the smaller code, always."""
    place = CITY.locate(lon=100.2, lat=30.15)
    assert place is not None
    assert place.grid == G1


def test_a_point_in_no_cell_is_asked_last() -> None:
    """Inside the outline the district is known at least; outside nothing is."""
    gap = CITY.locate(lon=100.9, lat=30.9)
    assert gap is not None
    assert (gap.unit, gap.grid) == ("100000", None)
    assert CITY.locate(lon=110, lat=30.9) is None
    better = CITY.locate(lon=100.9, lat=30.9, address="西街道")
    assert better is not None
    assert better.unit == "100000002"


def test_nothing_said_is_nowhere() -> None:
    """None, not a guess."""
    assert CITY.locate() is None
    assert CITY.locate(grid="", qr="", address="  ", road="") is None
    assert CITY.locate(address=NOWHERE) is None


def test_inside_the_outline() -> None:
    """A city without an outline takes every point that is one."""
    assert CITY.inside(100.5, 30.5)
    assert not CITY.inside(99.9, 30.5)
    assert not CITY.inside(math.nan, 30.5)
    assert KAOHSIUNG.inside(120.3, 22.6)
    assert not KAOHSIUNG.inside(math.inf, 22.6)


@pytest.mark.parametrize("town", [unit for unit in KAOHSIUNG.units if unit.level == "town"], ids=lambda unit: unit.zh)
def test_a_town_of_kaohsiung_is_found_by_name_and_postal_code(town: Unit) -> None:
    """The feed's address is the district and the road."""
    zip_code = town.codes[0]
    for place in (
        KAOHSIUNG.locate(address=f"{town.zh}大華一路"),
        KAOHSIUNG.locate(address=f"{zip_code}大華一路"),
        KAOHSIUNG.locate(grid=zip_code),
        KAOHSIUNG.locate(lon=120.3, lat=22.6, address=f"{zip_code}{town.zh}"),
    ):
        assert place is not None
        assert (place.unit, place.street, place.district) == (town.id, town.id, "64000")


def test_a_house_number_is_no_postal_code() -> None:
    """806 in front of 號 numbers a house."""
    assert KAOHSIUNG.locate(address="806號") is None


def test_the_cells_of_yucheng_lie_apart_inside_the_outline() -> None:
    """They are made up, so at least they are made up well."""
    boxes = [box(grid) for grid in GRIDS]
    assert len({each[:2] for each in boxes}) == len(GRIDS) == 244
    assert all(YUCHENG.inside(lon, lat) for grid in GRIDS for lon, lat in grid.area or ())
