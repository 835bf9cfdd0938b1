"""What may a profile say of duplicates and of what comes back, and what is it told when that is wrong?"""

from __future__ import annotations

import pytest

from shared.profile import ProfileInvalid, parse_profile
from tests.unit.profile.small import SMALL

DUPLICATES = "duplicates: {within: 3 natural_days, level: community, radius: 100, suspect: 60, certain: 95}\n"
REPEATS = 'repeats: {times: 5, within: 90 natural_days, level: community, categories: ["01*"]}\n'


def test_a_profile_that_says_nothing_looks_for_nothing() -> None:
    """So that it costs nothing."""
    content = parse_profile(SMALL, "small").content
    assert (content.duplicates, content.repeats) == (None, None)


def test_both_sections_are_read() -> None:
    """With what is usual where nothing is said."""
    content = parse_profile(SMALL + DUPLICATES + REPEATS, "small").content
    assert content.duplicates is not None
    assert (content.duplicates.same, content.duplicates.categories) == ("category", ("*",))
    assert content.repeats is not None
    assert content.repeats.times == 5


WRONG = [
    (DUPLICATES.replace("community", "comunity"), "unknown level 'comunity'.*did you mean 'community'"),
    (DUPLICATES.replace("certain: 95", "certain: 50"), "make `certain` at least `suspect`"),
    (DUPLICATES.replace("suspect: 60", "suspect: 101"), "suspect"),
    (DUPLICATES.replace("radius: 100", "radius: 0"), "radius"),
    (DUPLICATES.replace("3 natural_days", "3 days"), "is not a limit"),
    (DUPLICATES.replace("radius", "radios"), "radios"),
    (DUPLICATES.replace("}", ', categories: ["77*"]}'), r"no category is '77\*'"),
    (REPEATS.replace("community", "town"), "unknown level 'town'"),
    (REPEATS.replace("times: 5", "times: 1"), "times"),
    (REPEATS.replace("01*", "88*"), r"no category is '88\*'"),
]


@pytest.mark.parametrize(("section", "said"), WRONG)
def test_what_is_wrong_is_said_with_its_line(section: str, said: str) -> None:
    """Where, and what to do."""
    with pytest.raises(ProfileInvalid, match=said) as wrong:
        parse_profile(SMALL + section, "small")
    line = len(SMALL.splitlines()) + 1
    assert f":{line}" in str(wrong.value)
