"""What may a city say of its own loop, and what is it told when that cannot be?"""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from shared.profile import Limit, Matter, ProfileInvalid, parse_profile
from tests.unit.loop.city import BARE_GRID, CITY, COMMUNITY, DISTRICT, GRID, WEST, city
from tests.unit.profile.small import SMALL

SITUATION: dict[str, Any] = {
    "id": "s", "zh": "情形", "en": "Situation", "by": ["street"], "waves": [["police"]], "arrive": "30 minutes",
}  # fmt: skip
SENTENCE = {"zh": "不得下交。", "en": "Not theirs."}


def broken(**said: Any) -> str:
    """Give what is wrong with the small city that says so."""
    content = yaml.safe_load(SMALL)
    content["bodies"] = [
        {"id": "b", "zh": "议事会", "en": "Council", "kind": "council", "unit": COMMUNITY,
         "staff": [{"id": "x", "name": "x", "role": "chair"}]}
    ]  # fmt: skip
    for path, value in said.items():
        *sections, last = path.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    with pytest.raises(ProfileInvalid) as found:
        parse_profile(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), "broken")
    return str(found.value)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"loop.settlement": [{"body": "counsel", "limit": "90 minutes"}]}, "unknown kind of body 'counsel'"),
        (
            {"loop.settlement": [{"categories": ["99"], "body": "council", "limit": "90 minutes"}]},
            "no category is '99'",
        ),
        ({"loop.settlement": [{"body": "council", "limit": "soon"}]}, "is not a limit"),
        ({"loop.small": [{"levels": ["village"]}]}, "unknown level 'village'"),
        ({"loop.small": [{"levels": ["community", "grid"]}]}, "put the lowest first"),
        ({"loop.small": [{"categories": ["99*"], "levels": ["grid"]}]}, "no category is '99*'"),
        ({"loop.small": [{"levels": []}]}, "needs 1 or more entries"),
        ({"loop.big": [{"network": ["parks"]}]}, "unknown department 'parks'"),
        ({"loop.big": [{"network": [{"body": "x"}]}]}, "unknown kind of body 'x'"),
        ({"loop.big": [{"network": [{"body": "council", "road": True}]}]}, "name one handler"),
        ({"loop.kept_up": [{"categories": ["0501"], "not_below": "x", "sentence": SENTENCE}]}, "unknown level 'x'"),
        (
            {"loop.kept_up": [{"categories": ["99"], "not_below": "street", "sentence": SENTENCE}]},
            "no category is '99'",
        ),
        ({"loop.situations": [SITUATION, SITUATION]}, "situation 's' is used twice"),
        ({"loop.situations": [SITUATION | {"by": ["village"]}]}, "unknown level 'village'"),
        ({"loop.situations": [SITUATION | {"categories": ["99"]}]}, "no category is '99'"),
        ({"loop.situations": [SITUATION | {"waves": [["police"], []]}]}, "this wave calls nobody"),
        ({"loop.situations": [SITUATION | {"waves": [["polise"]]}]}, "did you mean 'police'?"),
        ({"loop.situations": [SITUATION | {"enough": 0}]}, "greater than or equal to 1"),
        ({"loop.whistle": []}, "unknown field 'whistle'"),
        ({"clocks.pauses": {"settlement": ["caller"]}}, "at this limit the next one is asked"),
        ({"clocks.pauses": {"arrive": ["caller"]}}, "at this limit the next ones are called"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(said: dict[str, Any], words: str) -> None:
    """And what to change."""
    text = broken(**said)
    assert words in text
    assert re.match(r"broken:\d+: ", text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": DISTRICT}, "is a unit: give the body an id of its own"),
        ({"unit": "gone"}, "unknown unit 'gone'"),
        ({"staff": []}, "needs 1 or more entries"),
    ],
)
def test_a_body_of_residents_stands_at_a_unit_and_has_somebody(change: dict[str, Any], words: str) -> None:
    """Or nobody would see its order."""
    body = {"id": "b", "zh": "x", "en": "x", "kind": "council", "unit": COMMUNITY,
            "staff": [{"id": "x", "name": "x", "role": "chair"}]}  # fmt: skip
    assert words in broken(bodies=[body | change])
    assert "used twice" in broken(bodies=[body, body])


def test_a_road_calls_departments_that_are_there() -> None:
    """街长制 3+8."""
    assert "unknown department 'parks'" in broken(roads=[
        {"id": "r", "zh": "x", "en": "x", "grids": [GRID], "departments": ["parks"],
         "chiefs": {"street": {"id": "r1", "name": "x", "role": "chief"}}}])  # fmt: skip


def test_the_nearest_body_of_a_kind_is_meant_and_the_units_level_where_there_is_none() -> None:
    """A grid's own union before that of its community; elsewhere whoever the level names."""
    ids = [each.id for each in CITY.handlers(CITY.situations("")[0].waves[2], GRID)]
    assert ids == ["union-1", "water", DISTRICT]
    assert [each.id for each in CITY.handlers(CITY.situations("")[0].waves[2], BARE_GRID)] == ["water", DISTRICT]
    assert [each.id for each in CITY.handlers(CITY.situations("")[0].waves[1], GRID, "long-road")] == ["power", "water"]
    assert CITY.handlers(CITY.situations("")[0].waves[1], GRID, None) == ()


def test_units_without_staff_are_not_asked_for_small_matters() -> None:
    """The bare grid has nobody, so its community is first."""
    assert [ask.handler.id for ask in CITY.response("0101", "IV", BARE_GRID).before] == ["council-1", COMMUNITY]
    assert CITY.response("0101", "IV", WEST).before == ()


@pytest.mark.parametrize(
    ("category", "severity", "attributes", "size"),
    [("0101", "IV", {}, "small"), ("0101", "III", {}, None), ("0201", "III", {}, "small"),
     ("0501", "II", {"crowd": True}, "big"), ("0501", "II", {"crowd": "TRUE"}, "big"), ("0501", "II", {}, None)],
)  # fmt: skip
def test_a_row_fits_by_category_severity_and_attributes(
    category: str, severity: Any, attributes: dict[str, object], size: str | None
) -> None:
    """The first one of a kind that fits holds; big before small."""
    assert CITY.response(category, severity, GRID, attributes).size == size


def test_what_is_kept_up_is_kept_from_every_level_below() -> None:
    """And no other."""
    rules = {level: CITY.kept_up("0501", level) is not None for level in ("grid", "community", "street", "district")}
    assert rules == {"grid": True, "community": True, "street": False, "district": False}
    assert CITY.kept_up("0101", "grid") is None


def test_assists_have_the_limits_of_the_lead_unless_a_row_says_otherwise() -> None:
    """Rows of the lead's clocks hold for theirs too."""
    leak = Matter("II", "0501", "leak")
    assert CITY.policy.limit("assist-sign", leak) == Limit(amount=10, unit="minutes") == CITY.policy.limit("sign", leak)
    building = Matter("IV", "0101", "building")
    assert CITY.policy.limit("assist-handle", building) == Limit(amount=1, unit="urgent_days")
    assert CITY.policy.limit("handle", building) == Limit(amount=2, unit="urgent_days")
    with pytest.raises(LookupError):
        CITY.policy.limit("assist-handle", Matter("IV", "gone", "x"))


def test_clocks_beside_the_leads_only_warn_unless_the_profile_says_so() -> None:
    """A whistle climbs as everything else does."""
    assert [CITY.ladder.last(clock) for clock in ("settlement", "assist-sign", "assist-handle")] == [None] * 3
    assert CITY.ladder.last("arrive") == "district"
    assert city("c", **{"ladder.climbs": {"assist-handle": ["street"]}}).ladder.last("assist-handle") == "street"


def test_situations_are_those_of_the_category() -> None:
    """Without one all."""
    assert [each.id for each in CITY.situations("0101")] == ["fire-lane", "road"]
    assert len(CITY.situations("")) == len(CITY.situations("0501")) == 3
