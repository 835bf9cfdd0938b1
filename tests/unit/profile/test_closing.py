"""What may a profile say of closing and of returns, and what is it told when it may not?"""

from __future__ import annotations

from typing import Any

import pytest

from shared.profile import Profile, ProfileInvalid, parse_profile
from tests.unit.profile.small import SMALL

# what stands under `closing` ("# here" marks the line that the error must name), a part of the sentence
MISTAKES = {
    "evidence of a category that there is not": (
        "evidence:\n    - categories: ['09*'] # here\n      need: [text]",
        "no category is '09*': correct it",
    ),
    "evidence of no kind": ("evidence:\n    - {need: [video]} # here", "photo-before"),
    "evidence of a size that there is not": ("evidence:\n    - {size: huge, need: [text]} # here", "small"),
    "evidence without what is needed": ("evidence:\n    - {size: small} # here", "'need' is missing"),
    "evidence that a row above has taken": (
        "evidence:\n    - {need: [text]}\n    - {categories: ['05*'], need: [place]} # here",
        "this row never holds: a row above fits all that it does; put it above that",
    ),
    "evidence of a severity that a row above has taken": (
        "evidence:\n    - {severities: [I, II], need: [text]}\n    - {severities: [II], need: [place]} # here",
        "never holds",
    ),
    "a sample of a category that there is not": (
        "sample:\n    - {categories: ['09*'], share: 0.1} # here",
        "no category is '09*'",
    ),
    "a sample of more than all": ("sample:\n    - {share: 1.5} # here", "less than or equal to 1"),
    "a sample of nothing": ("sample:\n    - {share: 0} # here", "greater than 0"),
    "a sample that a row above has taken": (
        "sample:\n    - {share: 0.5}\n    - {severities: [I], share: 0.1} # here",
        "never holds",
    ),
    "no call at all": ("calls: 0 # here", "greater than or equal to 1"),
    "something else after the last rework": ("then: shrug # here", "level-up"),
    "a rush that is the whole": ("rush_share: 1 # here", "less than 1"),
    "a switch that is none": ("by_others: perhaps # here", "bool"),
}


def closing(text: str) -> str:
    """Give the small city with something more under `closing`."""
    return SMALL.replace("  max_reworks: 2", f"  max_reworks: 2\n  {text}")


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_line_and_what_to_do(mistake: str) -> None:
    """File, line, and a sentence."""
    text, sentence = MISTAKES[mistake]
    written = closing(text)
    line = next(number for number, each in enumerate(written.splitlines(), 1) if "# here" in each)
    with pytest.raises(ProfileInvalid) as caught:
        parse_profile(written, "bad.yaml")
    assert any(each.line == line and sentence in each.message for each in caught.value.errors), str(caught.value)


def test_a_level_up_that_calls_nobody_is_a_mistake() -> None:
    """It names both places."""
    written = closing("then: level-up # here").replace("ladder:", "ladder:\n  rows: [{clocks: [rework], levels: []}]")
    line = next(number for number, each in enumerate(written.splitlines(), 1) if "# here" in each)
    with pytest.raises(ProfileInvalid, match="nobody is called for a rework") as caught:
        parse_profile(written, "bad.yaml")
    assert [each.line for each in caught.value.errors] == [line]


def test_first_receiver_is_a_switch() -> None:
    """Nothing else."""
    with pytest.raises(ProfileInvalid, match="first_receiver"):
        parse_profile(SMALL.replace("to_triage: 1,", "to_triage: 1, first_receiver: perhaps,"), "bad.yaml")


def profile(text: str) -> Profile:
    """Give the small city with something more under `closing`."""
    return parse_profile(closing(text), "good")


@pytest.mark.parametrize(
    ("category", "severity", "size", "need"),
    [
        ("0501", "I", "small", ("text",)),
        ("0501", "I", None, ("photo-before", "photo-after")),
        ("0501", "III", None, ("place",)),
        ("0501", "III", "big", ("place",)),
        ("0101", "I", None, ()),
    ],
)
def test_the_first_row_that_fits_holds(category: str, severity: Any, size: Any, need: tuple[str, ...]) -> None:
    """By size, severity and category; none fits: nothing is needed."""
    rows = """evidence:
    - {size: small, need: [text]}
    - {categories: ["05*"], severities: [I, II], need: [photo-before, photo-after]}
    - {categories: ["0501"], need: [place]}"""
    assert profile(rows).closing.needed(category, severity, size) == need


def test_shares_are_looked_up_by_row() -> None:
    """The first that fits, else nobody is drawn."""
    rules = profile("sample:\n    - {severities: [III], share: 0.5}\n    - {categories: ['01*'], share: 0.1}").closing
    assert [rules.sampled("0101", "III"), rules.sampled("0101", "IV"), rules.sampled("0501", "IV")] == [0.5, 0.1, 0.0]


def test_a_city_that_says_nothing_of_it_has_what_was_before() -> None:
    """Three calls, unsolved in the end, no evidence, no sample; but nobody verifies their own work."""
    rules = parse_profile(SMALL, "plain").closing
    assert (rules.calls, rules.then, rules.evidence, rules.sample, rules.by_others) == (3, "close", (), (), True)
    assert parse_profile(SMALL, "plain").returns.first_receiver is False


def test_the_ladder_may_speak_of_rework() -> None:
    """As of any cause."""
    rows = "ladder:\n  rows: [{clocks: [rework], levels: [district]}]"
    ladder = parse_profile(SMALL.replace("ladder:", rows), "up").ladder
    assert ladder.above("grid", "rework", "IV") == ["district"]
