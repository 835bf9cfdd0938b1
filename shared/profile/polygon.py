"""Is a list of points a polygon that a lookup can trust?

Plain arithmetic, so that reading a profile does not load the geometry library.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]
Ring = tuple[Point, ...]

_CORNERS = 3
_BOX = 4
_LON, _LAT = 180.0, 90.0


def _from_box(value: object) -> object:
    """The ring of `[west, south, east, north]`; anything else is left as it is."""
    if not isinstance(value, list | tuple) or len(value) != _BOX:
        return value
    if not all(isinstance(side, int | float) for side in value):
        return value
    west, south, east, north = value
    if west >= east or south >= north:
        message = "a box is [west, south, east, north] with west < east and south < north"
        raise ValueError(message)
    return ((west, south), (east, south), (east, north), (west, north))


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the open segments a-b and c-d cut through each other."""
    return (
        _turn(a, b, c) * _turn(a, b, d) < 0  # c and d lie on both sides of a-b
        and _turn(c, d, a) * _turn(c, d, b) < 0
    )


def _fault(ring: Sequence[Point]) -> str | None:
    """What is wrong with the ring, and what to change; None when it is sound."""
    if len(ring) < _CORNERS:
        return f"a polygon needs at least three corners, this has {len(ring)}: add points"
    for lon, lat in ring:
        if not (-_LON <= lon <= _LON and -_LAT <= lat <= _LAT):
            return f"[{lon}, {lat}] is not on the globe: write [longitude, latitude] in degrees"
    if len(set(ring)) != len(ring):
        return "a corner is named twice: remove one of the two"
    edges = list(zip(ring, (*ring[1:], ring[0]), strict=True))
    if any(_cross(*one, *other) for one, other in combinations(edges, 2)):
        return "the outline crosses itself: put the corners in order around the area"
    if abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in edges)) <= 0:
        return "the polygon has no area: its corners lie on one line, correct them"
    return None


def _sound(ring: Ring) -> Ring:
    """The ring without a repeated last corner, or an error that says what to change."""
    opened = ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring
    fault = _fault(opened)
    if fault is not None:
        raise ValueError(fault)
    return opened


Area = Annotated[Ring, BeforeValidator(_from_box), AfterValidator(_sound)]
"""Corners `[[lon, lat], ...]`, or a box `[west, south, east, north]`."""
