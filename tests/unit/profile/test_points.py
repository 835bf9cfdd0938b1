"""What may a city say of points, and what is it told when that cannot be?"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.unit.profile.test_loop import broken

RULE: dict[str, Any] = {"id": "a", "zh": "甲", "en": "A", "whom": "handler", "points": 5}


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([RULE, RULE], "rule 'a' is used twice"),
        ([RULE | {"categories": ["99"]}], "no category is '99'"),
        ([RULE | {"body": "chess"}], "unknown kind of body 'chess'"),
        ([RULE | {"cap": {"points": 4, "period": "month"}}], "the cap of 4 is less than the 5 points of one ticket"),
        ([RULE | {"cap": {"points": 9, "period": "week"}}], "month"),
        ([RULE | {"points": 0}], "points"),
        ([RULE | {"points": 1001}], "points"),
        ([RULE | {"whom": "caller"}], "whom"),
        ([RULE | {"outcomes": ["diverted"]}], "outcomes"),
        ([RULE | {"outcomes": []}], "outcomes"),
    ],
)
def test_what_cannot_be_is_said_with_its_line(rules: list[dict[str, Any]], words: str) -> None:
    """And what to change."""
    text = broken(points=rules)
    assert words in text
    assert re.match(r"broken:\d+: ", text)
