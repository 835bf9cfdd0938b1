"""How does this city work?

A Profile is a file that has been read and found sound. It answers; it never changes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from shared.calendar import ALWAYS
from shared.calendar.civic import laid_out
from shared.profile.model import Condition
from shared.profile.place import Location, Places
from shared.profile.policy import Matter, Policy, PolicyFile
from shared.profile.routing import Matrix, diversion, graver

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from shared.calendar import Calendar
    from shared.profile.limit import Limit
    from shared.profile.model import (
        Category,
        Department,
        ProfileFile,
        Road,
        Severity,
        Staff,
        Unit,
    )
    from shared.profile.routing import Diversion, Route

_NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long signing an order and handling the matter may take."""

    sign: Limit
    handle: Limit


class Profile:
    """Everything that a city may want different."""

    def __init__(self, content: ProfileFile, version: str) -> None:
        """Prepare the lookups of content that `check.py` has found sound."""
        self.content = content
        self.version = version
        self.name = content.name
        self.title = content.title
        self.zone = content.zone
        self._zone = ZoneInfo(content.zone)
        self.levels = content.levels
        self.units = content.units
        self.departments = content.departments
        self.roads = content.roads
        self.categories = content.categories
        self.routing = content.routing
        self.intake = content.intake
        self._versions: dict[str, Profile] = {version: self}
        self._keep(PolicyFile.of(content))
        self._units = {unit.id: unit for unit in content.units}
        self._chains = {unit.id: tuple(self._upwards(unit)) for unit in content.units}
        self.top = next(unit for unit in content.units if unit.parent is None)
        self._departments = {department.id: department for department in content.departments}
        self._departments_by_name = {
            name.casefold(): department for department in content.departments for name in _department_names(department)
        }
        self._calendars = {name: laid_out(name, rules, self.zone) for name, rules in content.calendars.items()}
        self._roads = {road.id: road for road in content.roads}
        self._categories = {category.code: category for category in content.categories}
        self._categories_by_name = {
            name.casefold(): category for category in content.categories for name in category_names(category)
        }
        self._places = Places(content, self._chains)
        self._matrix = Matrix(content, self._chains)

    def _keep(self, policy: PolicyFile) -> None:
        """Take over a policy, of this version or of another one."""
        self.policy = Policy(policy, self.levels)
        self.ladder = self.policy.ladder
        self.closing = policy.closing
        self.returns = policy.returns
        self.revisions = policy.revisions
        self.warn_share = policy.clocks.warn_share

    def learn(self, version: str, policy: PolicyFile) -> None:
        """Know the policy of another version from now on; what this version says of itself stands."""
        if version not in self._versions:
            other = copy.copy(self)
            other.version = version
            other._keep(policy)  # noqa: SLF001 - another one of ours
            self._versions[version] = other

    def policies(self) -> dict[str, PolicyFile]:
        """Every version that is known, with its policy."""
        return {version: each.policy.content for version, each in self._versions.items()}

    def knows(self, version: str) -> bool:
        """Whether the policy of a version is known here."""
        return version in self._versions

    def under(self, version: str) -> Profile:
        """This city with the policy of another version; as it is where that one is not known."""
        return self._versions.get(version, self)

    def _upwards(self, unit: Unit | None) -> Iterator[Unit]:
        while unit is not None:
            yield unit
            unit = None if unit.parent is None else self._units[unit.parent]

    def level_above(self, level_id: str) -> str | None:
        """The next higher level; None above the highest and for an unknown one."""
        ids = [level.id for level in self.levels]
        after = ids[ids.index(level_id) + 1 :] if level_id in ids else []
        return after[0] if after else None

    def unit(self, unit_id: str) -> Unit | None:
        """The unit of this id."""
        return self._units.get(unit_id)

    def chain(self, unit_id: str) -> tuple[Unit, ...]:
        """The unit and everything above it, lowest first; empty for an unknown one."""
        return self._chains.get(unit_id, ())

    def present(self, unit: Unit, at: datetime) -> tuple[Staff, ...]:
        """Staff of the unit that is not away on the local day of `at`."""
        day = at.astimezone(self._zone).date()
        return tuple(staff for staff in unit.staff if not any(each.begin <= day <= each.end for each in staff.away))

    def local(self, at: datetime) -> str:
        """An instant as the clocks of the city show it."""
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    def told(self, unit_id: str, at: datetime) -> tuple[str, ...]:
        """Who of a unit's staff is told that it has a ticket: those with the roles of its level, who are not away."""
        unit = self._units.get(unit_id)
        if unit is None:
            return ()
        roles = self.ladder.roles(unit.level)
        return tuple(staff.id for staff in self.present(unit, at) if not roles or staff.role in roles)

    def owner(self, unit_id: str, level: str) -> str:
        """The unit of a level at the place of a unit: itself or one above it; the topmost where the place has none."""
        return next((unit.id for unit in self.chain(unit_id) if unit.level == level), self.top.id)

    def one_level_up(self, unit_id: str) -> Unit:
        """The next unit above that has staff, else the topmost: who decides what a unit and its handlers ask for."""
        return next((unit for unit in self.chain(unit_id)[1:] if unit.staff), self.top)

    def department(self, department_id: str) -> Department | None:
        """The department of this id."""
        return self._departments.get(department_id)

    def department_by_alias(self, text: str) -> Department | None:
        """The department that this id, code, name or alias means."""
        return self._departments_by_name.get(text.strip().casefold())

    @property
    def calendars(self) -> tuple[Calendar, ...]:
        """The city's working times, without the one that runs round the clock."""
        return tuple(self._calendars.values())

    def working_time(self, category: str, department: str | None = None) -> Calendar:
        """The calendar in which limits of this category are counted, for the department that handles it."""
        known, body = self._categories.get(category), self._departments.get(department or "")
        named = (known and known.calendar) or (body and body.calendar) or self.content.clocks.calendar
        return self.calendar(named)

    def calendar(self, name: str) -> Calendar:
        """The calendar of this name; one that the profile has given up is counted as its usual one."""
        usual = self._calendars.get(self.content.clocks.calendar, ALWAYS)
        return ALWAYS if name == ALWAYS.name else self._calendars.get(name, usual)

    def road(self, road_id: str) -> Road | None:
        """The road of this id."""
        return self._roads.get(road_id)

    def category(self, code: str) -> Category | None:
        """The category of this code."""
        return self._categories.get(code)

    def category_by_alias(self, text: str) -> Category | None:
        """The category that this code, name or alias means."""
        return self._categories_by_name.get(text.strip().casefold())

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
        return self._places.locate(grid=grid, qr=qr, lon=lon, lat=lat, address=address, road=road)

    def inside(self, lon: float, lat: float) -> bool:
        """Whether the point lies inside the city's outline; True where the profile has none."""
        return self._places.inside(lon, lat)

    def route(
        self,
        category: Category | str,
        condition: Condition | str | None,
        grid: Location | str | None,
        ownership: str | None = None,
        *,
        severity: Severity | None = None,
    ) -> Route:
        """Who leads, who assists, where the territorial owner starts (by severity, else as for IV).

        `grid` may be a unit of any level, since a place is not always known down to the grid.
        """
        unit = grid.unit if isinstance(grid, Location) else grid
        return self._matrix.route(_code(category), _id(condition), unit, ownership, severity)

    def diversion(
        self,
        category: Category | str | None,
        condition: Condition | str | None,
        text: str | None,
        attributes: Mapping[str, object] = _NO_ATTRIBUTES,
    ) -> Diversion | None:
        """Where the report goes instead of the loop; None for nearly all."""
        code = None if category is None else _code(category)
        return diversion(self.content.diversions, code, _id(condition), text or "", attributes)

    def severity(
        self,
        category: Category | str,
        condition: Condition | str | None,
        attributes: Mapping[str, object] = _NO_ATTRIBUTES,
        text: str | None = None,
    ) -> Severity:
        """The condition's severity, raised by what the attributes and the text say."""
        filed = self._condition(category, condition)
        return graver(filed.severity, self.content.severity, attributes, text or "")

    def limits(
        self,
        category: Category | str,
        condition: Condition | str | None,
        severity: Severity,
        *,
        channel: str | None = None,
        request: str | None = None,
    ) -> Limits:
        """Signing by severity, handling by the filing condition, unless a row says otherwise."""
        filed = self._condition(category, condition)
        matter = Matter(severity, _code(category), filed.id, channel, request)
        sign, handle = self.policy.limit("sign", matter), self.policy.limit("handle", matter)
        if sign is None or handle is None:
            message = "signing and handling always have a limit"
            raise LookupError(message)
        return Limits(sign=sign, handle=handle)

    def _condition(self, category: Category | str, condition: Condition | str | None) -> Condition:
        """The one condition that is meant; a LookupError says which there are."""
        code, wanted = _code(category), _id(condition)
        known = self._categories.get(code)
        if known is None:
            message = f"the profile {self.name} has no category {code!r}"
            raise LookupError(message)
        found = known.condition(wanted)
        if found is None:
            there_are = ", ".join(each.id for each in known.conditions)
            message = f"category {code} has no condition {wanted!r}: choose one of {there_are}"
            raise LookupError(message)
        return found


def _code(category: Category | str) -> str:
    return category if isinstance(category, str) else category.code


def _id(condition: Condition | str | None) -> str | None:
    return condition.id if isinstance(condition, Condition) else condition


def _department_names(department: Department) -> set[str]:
    names = (department.id, department.zh, department.en, *department.codes, *department.aliases)
    return set(names)


def category_names(category: Category) -> set[str]:
    """All that a report may call the category."""
    return {category.code, category.zh, category.en, *category.aliases}
