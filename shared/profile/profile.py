"""How does this city work?

A Profile is a file that has been read and found sound. It answers; it never changes.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal
from zoneinfo import ZoneInfo

from shared.calendar import ALWAYS
from shared.calendar.civic import laid_out
from shared.profile.model import Condition, SeverityRule, Unit, concerns
from shared.profile.place import Location, Places
from shared.profile.policy import Matter, Policy, PolicyFile
from shared.profile.routing import Handler, Matrix, diversion, graver

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shared.calendar import Calendar
    from shared.profile.limit import Limit
    from shared.profile.load import ProfileError
    from shared.profile.model import (
        Body,
        Category,
        Department,
        KeptUp,
        Level,
        Mode,
        ProfileFile,
        Road,
        Severity,
        Situation,
        Staff,
        Stage,
        Target,
    )
    from shared.profile.routing import Diversion, Route

CARE: Final = "care"
"""Attribute of a report that is of a person of whom particular care is taken; on the log it is `true` alone."""
LONGEST_WAIT_DAYS: Final = 15
"""Days within which a round closes: longer than any run of holidays."""
_NO_ATTRIBUTES: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Limits:
    """How long signing an order and handling the matter may take."""

    sign: Limit
    handle: Limit


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody who may settle a matter before its lead is asked."""

    tier: Literal["settlement", "small"]
    handler: Handler
    limit: Limit | None


@dataclass(frozen=True, slots=True)
class Response:
    """How a matter is answered (分级响应): who is asked first, who is linked, and whether it is small or big."""

    before: tuple[Ask, ...] = ()
    network: tuple[Handler, ...] = ()
    size: Literal["small", "big"] | None = None


@dataclass(frozen=True, slots=True)
class StageAt:
    """A stage at a place, who has it there (None: the lead), and how many may vote, where that is known."""

    stage: Stage
    handler: Handler | None
    electorate: int | None


class Profile:
    """Everything that a city may want different."""

    def __init__(self, content: ProfileFile, version: str) -> None:
        """Prepare the lookups of content that `check.py` has found sound."""
        self.content = content
        self.version = version
        self.warnings: tuple[ProfileError, ...] = ()
        """What is unusual and allowed, with file and line."""
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
        self._in_modes: dict[tuple[str, str], Profile] = {}
        self._modes = {mode.id: mode for mode in content.modes}
        self._keep(PolicyFile.of(content))
        self._units = {unit.id: unit for unit in content.units}
        self._chains = {unit.id: tuple(self._upwards(unit)) for unit in content.units}
        for unit in content.units:
            for code in unit.was:  # what names an old unit means the one that it became
                self._units[code], self._chains[code] = unit, self._chains[unit.id]
        self.top = next(unit for unit in content.units if unit.parent is None)
        for body in content.bodies:  # gets orders as a unit does, and is no place
            at = self._units[body.unit]
            as_unit = Unit(id=body.id, zh=body.zh, en=body.en, level=at.level, parent=at.id, staff=body.staff)
            self._units[body.id] = as_unit
            self._chains[body.id] = (as_unit, *self._chains[at.id])
        self._sponsors: dict[str, list[Staff]] = {}
        for sponsor in content.sponsors:
            self._sponsors.setdefault(sponsor.unit, []).append(sponsor.staff)
        self._stand_ins: dict[str, list[Staff]] = {}
        for staff in self.everybody:
            if staff.stands_in_for is not None:
                self._stand_ins.setdefault(staff.stands_in_for, []).append(staff)
        self.care = content.care
        raised = () if self.care is None else (SeverityRule(at_least=self.care.at_least, attributes={CARE: True}),)
        self._graver = (*content.severity, *raised)
        self.loop = content.loop
        kinds = {card.whom.body for card in content.scorecards}
        self.rated_bodies = frozenset(body.id for body in content.bodies if body.kind in kinds)
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
        self.kept = policy
        """The policy as it was written, of all modes."""
        self.policy = Policy(policy.in_mode(""), self.levels)
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
        return {version: each.kept for version, each in self._versions.items()}

    def knows(self, version: str) -> bool:
        """Whether the policy of a version is known here."""
        return version in self._versions

    def under(self, version: str, mode: str = "") -> Profile:
        """This city with the policy of another version and an operating mode; as it is where these are not known."""
        known = self._versions.get(version, self)
        if not mode:
            return known
        found = self._in_modes.get((known.version, mode))
        if found is None:
            found = copy.copy(known)
            found.policy = Policy(known.kept.in_mode(mode), self.levels)
            found.ladder = found.policy.ladder
            self._in_modes[(known.version, mode)] = found
        return found

    def mode(self, unit_id: str, at: datetime) -> str:
        """The operating mode at a place: the last of the profile that holds there then; empty for the normal one."""
        if not self._modes:
            return ""
        here = {unit.id for unit in self.chain(unit_id)}
        holding = (mode for mode in reversed(self._modes.values()) if here & set(mode.units) and _during(mode, at))
        return next((mode.id for mode in holding), "")

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
        """The unit of this id, or the one that it became."""
        return self._units.get(unit_id)

    def chain(self, unit_id: str) -> tuple[Unit, ...]:
        """The unit and everything above it, lowest first; empty for an unknown one."""
        return self._chains.get(unit_id, ())

    def below(self, unit_id: str) -> tuple[str, ...]:
        """The codes of the unit and of all that lie in it, those that they had before included."""
        known = self.unit(unit_id)
        if known is None:
            return ()
        return tuple(code for code, chain in self._chains.items() if any(each is known for each in chain))

    def present(self, unit: Unit, at: datetime) -> tuple[Staff, ...]:
        """Staff of the unit that is not away on the local day of `at`, with those whom an operating mode adds.

        Whoever is away is there through their stand-in, in their role.
        """
        day = at.astimezone(self._zone).date()
        added = (
            each.staff
            for mode in self._modes.values()
            if _during(mode, at)
            for each in mode.staff
            if each.unit == unit.id
        )
        everybody = (*unit.staff, *(staff for more in added for staff in more))
        return self._there(everybody, day)

    def _there(self, everybody: Iterable[Staff], day: date) -> tuple[Staff, ...]:
        """Who of some people is there on a day, each once, by themselves or through a stand-in."""
        found: dict[str, Staff] = {}
        for staff in everybody:
            for each in self._through(staff, day, frozenset()):
                found.setdefault(each.id, each)
        return tuple(found.values())

    def _through(self, staff: Staff, day: date, asked: frozenset[str]) -> Iterator[Staff]:
        """Who is there for somebody: themselves, else those who stand in for them and are there; nobody twice."""
        if not any(each.begin <= day <= each.end for each in staff.away):
            yield staff
            return
        for other in self._stand_ins.get(staff.id, ()):
            if other.id not in asked:
                for each in self._through(other, day, asked | {staff.id}):
                    yield each.model_copy(update={"role": staff.role})

    @property
    def everybody(self) -> Iterator[Staff]:
        """All who are named: of units, bodies and departments, chiefs of roads, sponsors, and whom a mode adds."""
        content = self.content
        units: tuple[Unit | Body | Department, ...] = (*content.units, *content.bodies, *content.departments)
        yield from (staff for each in units for staff in each.staff)
        for road in content.roads:
            yield from road.chiefs.values()
        yield from (sponsor.staff for sponsor in content.sponsors)
        yield from (staff for mode in content.modes for more in mode.staff for staff in more.staff)

    def local(self, at: datetime) -> str:
        """An instant as the clocks of the city show it."""
        return at.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")

    def told(self, unit_id: str, at: datetime, place: str = "", road: str = "") -> tuple[str, ...]:
        """Who is told that a unit has a ticket: its staff with the roles of its level, who are not away.

        And the road's chief of that level (街长), and the sponsors of the place (联包帮).
        """
        unit = self._units.get(unit_id)
        if unit is None:
            return ()
        roles = self.ladder.roles(unit.level)
        told = [staff.id for staff in self.present(unit, at) if not roles or staff.role in roles]
        chief = self._roads[road].chiefs.get(unit.level) if road in self._roads else None
        personal = [] if chief is None else [chief]
        for each in self.chain(place) if self._sponsors else ():
            personal += self._sponsors.get(each.id, [])
        day = at.astimezone(self._zone).date()
        for person in personal:  # who is away and has nobody to stand in is told all the same
            told += [staff.id for staff in self._there((person,), day) or (person,)]
        return tuple(dict.fromkeys(told))

    def coarse(self, unit_id: str) -> str:
        """The unit as closely as it is said of somebody of whom care is taken: its community, or what lies above."""
        ranks = {level.id: rank for rank, level in enumerate(self.levels)}
        least = next((ranks[level.id] for level in self.levels if level.place == "community"), 0)
        return next((unit.id for unit in self.chain(unit_id) if ranks[unit.level] >= least), self.top.id)

    def helpers(self, unit_id: str, at: datetime) -> tuple[str, ...]:
        """Who helps a person of whom care is taken: for each role of the team whoever is nearest and there."""
        found: list[str] = []
        for role in () if self.care is None else self.care.team:
            here = (staff.id for unit in self.chain(unit_id) for staff in self.present(unit, at) if staff.role == role)
            found += [*here][:1]
        return tuple(dict.fromkeys(found))

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

    def response(
        self, category: str, severity: Severity, unit_id: str, attributes: Mapping[str, object] = _NO_ATTRIBUTES
    ) -> Response:
        """Who is asked before the lead, and who assists it besides those of the matrix."""
        loop = self.loop
        if not (loop.settlement or loop.small or loop.big):
            return NO_RESPONSE
        chain = self.chain(unit_id)
        before: list[Ask] = []
        settled = next((row for row in loop.settlement if row.fits(category, severity, attributes)), None)
        body = None if settled is None else self._matrix.body(settled.body, chain)
        if settled is not None and body is not None and self.kept_up(category, self._units[body.id].level) is None:
            before.append(Ask("settlement", body, settled.limit))
        big = next((row for row in loop.big if row.fits(category, severity, attributes)), None)
        if big is not None:
            return Response(tuple(before), self._matrix.handlers(big.network, unit_id, None), "big")
        small = next((row for row in loop.small if row.fits(category, severity, attributes)), None)
        for level in () if small is None else small.levels:
            unit = next((each for each in chain if each.level == level and each.staff), None)
            if small is not None and unit is not None and self.kept_up(category, level) is None:
                before.append(Ask("small", Handler("unit", unit.id), small.limit))
        return Response(tuple(before), (), None if small is None else "small")

    def stages(
        self, category: str, severity: Severity, unit_id: str, attributes: Mapping[str, object] = _NO_ATTRIBUTES
    ) -> tuple[StageAt, ...]:
        """What a matter goes through one after the other, and who has each; nothing for nearly all."""
        rows = self.loop.stages
        row = next((row for row in rows if row.fits(category, severity, attributes)), None) if rows else None
        if row is None:
            return ()
        members = {body.id: body.members for body in self.content.bodies}
        found: list[StageAt] = []
        for stage in row.stages:
            handler = self._has(stage, category, unit_id)
            said = None if stage.vote is None else stage.vote.electorate
            found.append(StageAt(stage, handler, said or members.get("" if handler is None else handler.id)))
        return tuple(found)

    def _has(self, stage: Stage, category: str, unit_id: str) -> Handler | None:
        """Who has a stage; the lead has what must not be pushed down so far."""
        found = () if stage.who is None else self._matrix.handlers((stage.who,), unit_id, None)
        too_low = [each for each in found if each.kind == "unit" and self.kept_up(category, self._units[each.id].level)]
        return next((each for each in found if each not in too_low), None)

    def round_of(self, unit_id: str, severity: Severity, at: datetime) -> tuple[Unit, datetime] | None:
        """The desk whose round a matter waits for and when that closes; None where it is dispatched at once."""
        rounds = self.loop.rounds
        if rounds is None or severity not in rounds.severities:
            return None
        desk = next((unit for unit in self.chain(unit_id) if unit.level == rounds.desk), None)
        calendar, day = self.calendar(self.content.clocks.calendar), at.astimezone(self._zone).date()
        for ahead in range(LONGEST_WAIT_DAYS):
            on = day + timedelta(days=ahead)
            closings = (datetime.combine(on, each, self._zone).astimezone(UTC) for each in sorted(rounds.at))
            closes = next((each for each in closings if each > at and calendar.works_on(on)), None)
            if closes is not None:
                return None if desk is None else (desk, closes)
        return None

    def handlers(self, targets: tuple[Target, ...], unit_id: str, road: str | None = None) -> tuple[Handler, ...]:
        """All who are meant by some targets at a place."""
        return self._matrix.handlers(targets, unit_id, road)

    def situations(self, category: str) -> tuple[Situation, ...]:
        """For what one may whistle with a matter of this category; without one all that there is."""
        fitting = (each for each in self.loop.situations if not category or concerns(each.categories, category))
        return tuple(fitting)

    def kept_up(self, category: str, level: str) -> KeptUp | None:
        """The rule that forbids to give a matter to units of a level, if there is one."""
        ranks = [each.id for each in self.levels]
        rows = (row for row in self.loop.kept_up if concerns(row.categories, category))
        return next((row for row in rows if ranks.index(level) < ranks.index(row.not_below)), None)

    def level_name(self, level_id: str) -> Level:
        """The level of this id; raises KeyError."""
        return next(each for each in self.levels if each.id == level_id)

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
        return graver(filed.severity, self._graver, attributes, text or "")

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


NO_RESPONSE = Response()


def _during(mode: Mode, at: datetime) -> bool:
    return mode.begin <= at and (mode.end is None or at < mode.end)


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
