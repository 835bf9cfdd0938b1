"""Where is it: which grid, community, street and district does a report mean?"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shapely import Polygon, STRtree

    from shared.profile.model import PlaceName, ProfileFile, Road, Unit

Method = Literal["code", "qr", "coordinates", "address", "road"]
_LEADING_CODE = re.compile(r"(\d{3,15})(?![\d号號])")


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the unit tree; `unit` is the lowest unit that is known."""

    unit: str
    method: Method
    grid: str | None = None
    community: str | None = None
    street: str | None = None
    district: str | None = None
    road: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Hit:
    """A word of a unit, found in an address."""

    unit: Unit
    length: int
    at: int


class Places:
    """The lookups of one profile, prepared once."""

    def __init__(self, content: ProfileFile, chains: Mapping[str, tuple[Unit, ...]]) -> None:
        self._chains = chains
        self._units = content.units
        self._outline = content.outline
        self._roads = {road.id: road for road in content.roads}
        self._rank = {level.id: index for index, level in enumerate(content.levels)}
        self._names: dict[str, PlaceName] = {
            level.id: level.place for level in content.levels if level.place is not None
        }
        self._codes = {code: unit for unit in self._units for code in (unit.id, *unit.codes, *unit.was)}
        self._qr = {code: unit for unit in self._units for code in unit.qr}
        self._top = max(self._units, key=lambda unit: self._rank[unit.level])

    def locate(
        self,
        *,
        grid: str | None = None,
        qr: str | None = None,
        lon: float | None = None,
        lat: float | None = None,
        address: str | None = None,
        road: str | None = None,
    ) -> Location | None:
        """The place by the first means that knows it: code, QR, coordinates, address, road."""
        notes: list[str] = []
        named = self._named_road(road, address, notes)
        means: tuple[tuple[Method, Callable[[], Unit | None]], ...] = (
            ("code", lambda: _look_up(self._codes, grid, "grid code", notes)),
            ("qr", lambda: _look_up(self._qr, qr, "QR code", notes)),
            ("coordinates", lambda: self._at(lon, lat, notes)),
            ("address", lambda: self._by_address(address, notes)),
            ("road", lambda: self._around(named)),
            ("coordinates", lambda: self._top if self._within(lon, lat) else None),
        )
        for method, find in means:
            unit = find()
            if unit is not None:
                return self._location(unit, method, named, notes)
        return None

    def inside(self, lon: float, lat: float) -> bool:
        """Whether the point lies inside the outline; True where the profile has none."""
        if not (math.isfinite(lon) and math.isfinite(lat)):
            return False
        if self._outline is None:
            return True
        import shapely  # noqa: PLC0415 - 0.2 s (it loads numpy) that most processes never need

        return bool(shapely.intersects_xy(self._shape, lon, lat))

    def _location(self, unit: Unit, method: Method, road: Road | None, notes: Sequence[str]) -> Location:
        ids: dict[str, str] = {
            self._names[above.level]: above.id for above in self._chains[unit.id] if above.level in self._names
        }
        return Location(
            unit=unit.id,
            method=method,
            road=None if road is None else road.id,
            notes=tuple(notes),
            **ids,
        )

    def _at(self, lon: float | None, lat: float | None, notes: list[str]) -> Unit | None:
        """The lowest unit whose area holds the point; of two neighbours the smaller id."""
        if lon is None or lat is None:
            return None
        if not self._areas:
            notes.append("the profile has no areas: coordinates were not used")
            return None
        if not (math.isfinite(lon) and math.isfinite(lat)):
            notes.append("the coordinates are not numbers: not used")
            return None
        import shapely  # noqa: PLC0415 - as above

        found = self._tree.query(shapely.Point(lon, lat), predicate="intersects")
        units: list[Unit] = [self._areas[index] for index in found]
        if not units:
            notes.append(f"no unit's area holds {lon}, {lat}")
            return None
        return min(units, key=lambda unit: (self._rank[unit.level], unit.id))

    def _within(self, lon: float | None, lat: float | None) -> bool:
        """Whether the point lies inside an outline that the profile really has."""
        if lon is None or lat is None or self._outline is None:
            return False
        return self.inside(lon, lat)

    @cached_property
    def _areas(self) -> tuple[Unit, ...]:
        return tuple(unit for unit in self._units if unit.area is not None)

    @cached_property
    def _tree(self) -> STRtree:
        import shapely  # noqa: PLC0415 - as above

        return shapely.STRtree([shapely.Polygon(unit.area) for unit in self._areas])

    @cached_property
    def _shape(self) -> Polygon:
        import shapely  # noqa: PLC0415 - as above

        shape = shapely.Polygon(self._outline)
        shapely.prepare(shape)
        return shape

    def _by_address(self, address: str | None, notes: list[str]) -> Unit | None:
        """The unit that the address names; a postal code in front counts when no word does."""
        text = "".join((address or "").split())
        hits = list(self._hits(text))
        if hits:
            return self._best(hits, notes)
        leading = _LEADING_CODE.match(text)
        return None if leading is None else self._codes.get(leading[1])

    def _hits(self, text: str) -> Iterator[_Hit]:
        for word, unit in self._words if text else ():
            at = text.find(word)
            if at >= 0:
                yield _Hit(unit, len(word), at)

    @cached_property
    def _words(self) -> tuple[tuple[str, Unit], ...]:
        return tuple((word, unit) for unit in self._units for word in unit.words)

    def _best(self, hits: Sequence[_Hit], notes: list[str]) -> Unit | None:
        """The longest word of the lowest level; then the one whose street is named, then the first.

        Several units may share a word ("New Village"): then what they have in common is known.
        """
        lowest = min(self._rank[hit.unit.level] for hit in hits)
        level = [hit for hit in hits if self._rank[hit.unit.level] == lowest]
        longest = max(hit.length for hit in level)
        left = [hit for hit in level if hit.length == longest]
        named = {hit.unit.id for hit in hits}
        support = {hit.unit.id: self._support(hit.unit, named) for hit in left}
        most = max(support.values())
        left = [hit for hit in left if support[hit.unit.id] == most]
        first = min(hit.at for hit in left)
        units = list({hit.unit.id: hit.unit for hit in left if hit.at == first}.values())
        if len(units) > 1:
            notes.append(f"the address fits {', '.join(unit.id for unit in units)}")
        return self._common(units)

    def _support(self, unit: Unit, named: set[str]) -> int:
        return sum(above.id in named for above in self._chains[unit.id][1:])

    def _common(self, units: Sequence[Unit]) -> Unit | None:
        """The lowest unit that all of these are or lie in."""
        shared = set.intersection(*({up.id for up in self._chains[unit.id]} for unit in units))
        return next((up for up in self._chains[units[0].id] if up.id in shared), None)

    def _named_road(self, road: str | None, address: str | None, notes: list[str]) -> Road | None:
        """The road of this id, or else the one with the longest name in the address."""
        if road:
            if road in self._roads:
                return self._roads[road]
            notes.append(f"unknown road {road!r}")
        text = "".join((address or "").split())
        found = [
            (len(word), known.id) for known in self._roads.values() for word in known.words if text and word in text
        ]
        return self._roads[max(found)[1]] if found else None

    def _around(self, road: Road | None) -> Unit | None:
        """The lowest unit in which all grids of the road lie."""
        if road is None:
            return None
        return self._common([self._codes[code] for code in road.grids])


def _look_up(known: Mapping[str, Unit], code: str | None, what: str, notes: list[str]) -> Unit | None:
    """The unit of the code; an unknown one is noted, and the next means is asked."""
    if not code:
        return None
    unit = known.get(code)
    if unit is None:
        notes.append(f"unknown {what} {code!r}")
    return unit
