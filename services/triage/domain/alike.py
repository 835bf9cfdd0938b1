"""Do two reports look like the same matter? By category, place, time, and the words that they share."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from math import asin, cos, radians, sin, sqrt
from typing import TYPE_CHECKING, Final, NamedTuple

from rapidfuzz import fuzz

from shared.calendar import ALWAYS
from shared.deadline import length
from shared.profile.model import SEVERITIES, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.messages import CategoryRef, Location
    from shared.profile import Profile
    from shared.profile.model import Duplicates, Repeats

EARTH_M: Final = 6_371_000
DEGREE_M: Final = 111_320
"""Metres of a degree of latitude."""
LONGEST: Final = 200
"""Characters of a text that are compared."""
_RUNS: Final = re.compile(r"[\u3400-\u9fff]+|[^\W_]+")


class Sight(NamedTuple):
    """What of a ticket is compared."""

    id: str
    at: datetime
    grams: str
    unit: str = ""
    """Of the level that the profile names; empty where the place is known less well."""
    lon: float | None = None
    lat: float | None = None
    severity: Severity = "IV"


class Likeness(NamedTuple):
    """A ticket that may be the same matter."""

    of: str
    score: int
    metres: int | None
    certain: bool = False
    """Alike enough to be merged without asking; what is graver than the other never is."""


def grams(text: str) -> str:
    """Give the words of a text; of Chinese, which has no spaces, every two characters that stand together."""
    plain = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    found: list[str] = []
    for run in _RUNS.findall(plain):
        if "\u3400" <= run[0] <= "\u9fff":
            found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
        else:
            found.append(run)
    return " ".join(found)


def score(one: str, other: str) -> int:
    """Give how alike two texts are, 0 to 100: what they share, and how much there is besides."""
    if not one or not other:
        return 0
    return round((fuzz.token_set_ratio(one, other) + fuzz.token_sort_ratio(one, other)) / 2)


def metres(one: Sight, other: Sight) -> float | None:
    """Give how far apart two are; None where one has no coordinates."""
    if one.lon is None or one.lat is None or other.lon is None or other.lat is None:
        return None
    north, east = radians(other.lat - one.lat), radians(other.lon - one.lon)
    half = sin(north / 2) ** 2 + cos(radians(one.lat)) * cos(radians(other.lat)) * sin(east / 2) ** 2
    return 2 * EARTH_M * asin(sqrt(min(1.0, half)))


def unit_of(place: Location, level: str, profile: Profile) -> str:
    """Give the unit of a level at a place; empty where that is not known."""
    return next((unit.id for unit in profile.chain(place.unit) if unit.level == level), "")


def keys(sight: Sight, category: CategoryRef, rules: Duplicates, profile: Profile) -> tuple[str, ...]:
    """Give under which places a ticket is found: its unit, and the squares that its circle touches, its own first.

    Whoever is within the radius finds it in the square of their own.
    """
    what = category.code
    if rules.same == "class":
        known = profile.category(category.code)
        what = f"class {known.major}" if known is not None else what
    places = [f"{what}/{sight.unit}"] if sight.unit else []
    return (*places, *(f"{what}/{square}" for square in _squares(sight, rules.radius)))


def _squares(sight: Sight, radius: int) -> tuple[str, ...]:
    """Give the squares, ten radii wide, that a ticket's circle touches; the first is the one in which it lies."""
    if sight.lon is None or sight.lat is None:
        return ()
    side, near = 10 * radius / DEGREE_M, radius / DEGREE_M
    shrinks = max(0.01, cos(radians(sight.lat)))
    reach = near / shrinks * 1.01
    offsets = [(0.0, 0.0), *((east, north) for east in (-reach, reach) for north in (-near, near))]
    found = (f"{int((sight.lon + e + 180) // (2 * side))}:{int((sight.lat + n + 90) // side)}" for e, n in offsets)
    return tuple(dict.fromkeys(found))


def alike(sight: Sight, others: Iterable[Sight], rules: Duplicates) -> Likeness | None:
    """Give the ticket of whose matter it may be: the earliest of those that are certain, else of the suspected."""
    found: list[tuple[bool, datetime, Likeness]] = []
    span = window(rules, sight.at)
    for other in others:
        if other.id == sight.id or abs(sight.at - other.at) > span:
            continue
        far = metres(sight, other)
        if far is None and (not sight.unit or sight.unit != other.unit):
            continue
        if far is not None and far > rules.radius:
            continue
        how = score(sight.grams, other.grams)
        if how >= rules.suspect:
            graver = SEVERITIES.index(sight.severity) < SEVERITIES.index(other.severity)
            certain = rules.certain is not None and how >= rules.certain and not graver
            found.append((not certain, other.at, Likeness(other.id, how, None if far is None else round(far), certain)))
    return min(found)[2] if found else None


def window(rules: Duplicates | Repeats, at: datetime) -> timedelta:
    """Give how far back reports count."""
    return length(at, rules.within, ALWAYS)
