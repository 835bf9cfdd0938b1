"""What may a city say of stages, what is it told when that cannot be, and who has each at a place?"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import pytest

from shared.profile import find_profile, load_profile
from shared.share import needed, share
from tests.unit.loop.city import COMMUNITY, GRID, WEST, city
from tests.unit.loop.staged import PROJECT, STAGED
from tests.unit.profile.test_loop import broken

SENTENCE = {"zh": "终止。", "en": "Stopped."}
STAGE: dict[str, Any] = {"id": "a", "zh": "甲", "en": "A"}


def staged(*stages: dict[str, Any], **row: Any) -> dict[str, Any]:
    """Give one row of stages."""
    return {"loop.stages": [row | {"stages": list(stages)}]}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (staged(), "needs 1 or more entries"),
        (staged(STAGE, categories=["99"]), "no category is '99'"),
        (staged(STAGE, STAGE), "stage 'a' is used twice"),
        (staged(STAGE | {"who": "parks"}), "unknown department 'parks'"),
        (staged(STAGE | {"who": {"body": "x"}}), "unknown kind of body 'x'"),
        (staged(STAGE | {"who": {"road": True}}), "a stage has one handler, and a road several"),
        (staged(STAGE | {"vote": {"threshold": "2/3"}}), "say what follows when it is not passed: add `fails`"),
        (staged(STAGE | {"vote": {"threshold": "4/3"}, "fails": {"sentence": SENTENCE}}), "is not a share"),
        (staged(STAGE | {"vote": {"threshold": "0.66"}, "fails": {"sentence": SENTENCE}}), "write a fraction"),
        (staged(STAGE | {"vote": {"threshold": "2/3", "quorum": "most"}, "fails": {"sentence": SENTENCE}}), "share"),
        (staged(STAGE | {"money": "actual"}), "there is no budget to compare it with"),
        (
            staged(STAGE | {"publicity": "7 natural_days", "limit": "7 natural_days"}),
            "public for 7 natural days and must be over within 7 natural days",
        ),
        (
            staged(STAGE | {"fails": {"back": "b", "sentence": SENTENCE}}, STAGE | {"id": "b"}),
            "'b' is no stage up to this one, and it goes back, never forward",
        ),
        (staged(STAGE | {"fails": {"close": "diverted", "sentence": SENTENCE}}), "say `to` whom"),
        (staged(STAGE | {"fails": {"to": "法院", "sentence": SENTENCE}}), "say `to` whom"),
        ({"loop.stages": [{"stages": [STAGE]}, {"categories": ["0501"], "stages": [STAGE]}]}, "this row never holds"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(said: dict[str, Any], words: str) -> None:
    """And what to change."""
    text = broken(**said)
    assert words in text
    assert re.match(r"broken:\d+: ", text)


def test_a_row_for_some_attributes_may_stand_above_one_for_all() -> None:
    """And the first that fits holds."""
    rows = [
        {"categories": ["0201"], "attributes": {"crowd": True}, "stages": [STAGE]},
        {"categories": ["0201"], "stages": PROJECT},
    ]
    two = city("two", **{"loop.stages": rows})
    assert [each.stage.id for each in two.stages("0201", "III", GRID, {"crowd": True})] == ["a"]
    assert len(two.stages("0201", "III", GRID)) == 5
    assert two.stages("0501", "II", GRID) == ()


def test_who_has_a_stage_is_who_is_at_the_place() -> None:
    """The lead has what names nobody, a body that is not there, and what must not be pushed down."""
    here = {each.stage.id: each.handler and each.handler.id for each in STAGED.stages("0201", "III", GRID)}
    assert here == {"plan": COMMUNITY, "budget": None, "public": COMMUNITY, "vote": "council-1", "build": "power"}
    there = {each.stage.id: each.handler and each.handler.id for each in STAGED.stages("0201", "III", WEST)}
    assert there["vote"] is None
    rows = [{"categories": ["0501"], "stages": [STAGE | {"who": {"level": "community"}}]}]
    (only,) = city("kept", **{"loop.stages": rows}).stages("0501", "II", GRID)
    assert only.handler is None


@pytest.mark.parametrize(
    ("text", "total", "least"),
    [
        ("2/3", 37, 25),
        ("2/3", 36, 24),
        (">1/2", 36, 19),
        (">1/2", 37, 19),
        ("1/2", 37, 19),
        ("1/1", 5, 5),
        ("2/3", 3, 2),
    ],
)
def test_a_share_of_a_number_is_counted_in_whole_numbers(text: str, total: int, least: int) -> None:
    """Two thirds of 36 are 24 and not 25; more than half of 36 are 19."""
    assert needed(text, total) == least


@pytest.mark.parametrize("text", ["", "1", "2/0", "3/2", ">1/1", "-1/2", "2/3x", "0/3", "1/10000"])
def test_what_is_no_share_is_refused(text: str) -> None:
    """With what to write instead."""
    with pytest.raises(ValueError, match="such as 2/3"):
        share(text)
    assert share(" 2/3 ") == (Fraction(2, 3), False)


PROJECTS = {
    ("chengdu", "9205", "510112002002"): "plan budget public pitch vote choose build",
    ("longquanyi", "9204", "510112002002"): "demand discuss plan public carry-out review",
    ("longgang", "9207", "440307003002001"): "demand application approval run acceptance",
    ("leshan", "9205", "511102004001"): "whether what how build",
    ("leshan", "9206", "511102004001"): "mediation",
    ("yucheng", "9204", "511802004002002"): "propose consult deliberate resolve review",
    ("yucheng", "9205", "511802004002"): "mediation",
}


@pytest.mark.parametrize(("name", "category", "unit"), PROJECTS)
def test_the_districts_projects_are_rows_of_their_profiles(name: str, category: str, unit: str) -> None:
    """And nothing in the code knows any of them."""
    stages = load_profile(find_profile(name)).stages(category, "IV", unit)
    assert " ".join(each.stage.id for each in stages) == PROJECTS[name, category, unit]


def test_the_council_of_37_is_whom_chengdus_projects_are_put_to() -> None:
    """The electorate is the body's."""
    stages = load_profile(find_profile("chengdu")).stages("9205", "IV", "510112002002")
    (vote,) = [each for each in stages if each.stage.vote is not None]
    assert (vote.handler and vote.handler.id, vote.electorate) == ("council-510112002002", 37)
