"""How many of a number is a share that somebody wrote as a fraction? Counted in whole numbers, never in floats."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Final

_WRITTEN: Final = re.compile(r"(>?) ?([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


def share(text: str) -> tuple[Fraction, bool]:
    """Read `2/3` (at least) or `>1/2` (more than); tells also whether it must be more; a ValueError for another."""
    found = _WRITTEN.fullmatch(text.strip())
    part = None if found is None else Fraction(int(found[2]), int(found[3]))
    if found is None or part is None or part > 1 or (part == 1 and found[1]):
        message = f"'{text}' is not a share: write a fraction of at most 1, such as 2/3, or >1/2 for more than half"
        raise ValueError(message)
    return part, bool(found[1])


def needed(text: str, total: int) -> int:
    """Give the least whole number that is the share of a total, or more than it."""
    part, more = share(text)
    exact = part * total
    return exact.__floor__() + 1 if more else exact.__ceil__()
