"""Do the sections of a profile fit together?

Each check yields what is wrong, where, and what to change. All of them run, so that somebody
who writes a profile sees everything at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Final

from shared.calendar import ALWAYS
from shared.calendar.civic import laid_out
from shared.profile.model import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from shared.profile.model import LadderRow, ProfileFile, Target, Unit

Pointer = tuple[str | int, ...]
_GRID_DIGITS: Final = 15
LONGEST_QR: Final = 200
"""Characters of a QR code that a report takes."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not fit; `first` points at the place that it collides with."""

    pointer: Pointer
    message: str
    first: Pointer | None = None


def findings(content: ProfileFile) -> list[Finding]:
    """Everything that does not fit, in the order of the sections."""
    units = {unit.id for unit in content.units}
    return list(
        chain(
            _levels(content),
            _unit_names(content),
            _tree(content),
            _grid_codes(content),
            _departments(content),
            _roads(content, units),
            _categories(content),
            _routing(content, units),
            _diversions(content),
            _calendars(content),
            _clocks(content),
            _ladder(content),
            _closing(content),
            _qr(content),
        )
    )


def _hint(name: str, known: Collection[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f" (did you mean '{close[0]}'?)" if close else ""


def _unknown(what: str, name: str, known: Collection[str], pointer: Pointer) -> Iterator[Finding]:
    if name not in known:
        text = f"unknown {what} '{name}': correct it or add it{_hint(name, known)}"
        yield Finding(pointer, text)


def _twice(what: str, named: Iterable[tuple[str, Pointer]]) -> Iterator[Finding]:
    seen: dict[str, Pointer] = {}
    for name, pointer in named:
        if name in seen:
            yield Finding(pointer, f"{what} '{name}' is used twice: change one", seen[name])
        seen.setdefault(name, pointer)


def _calendars(content: ProfileFile) -> Iterator[Finding]:
    for name, rules in content.calendars.items():
        if name == ALWAYS.name:
            yield Finding(("calendars", name), f"'{name}' is the round-the-clock calendar: give yours another name")
        try:
            laid_out(name, rules, content.zone)
        except ValueError as error:
            yield Finding(("calendars", name, *(("holidays",) if "holidays" in str(error) else ())), str(error))
    known = {ALWAYS.name, *content.calendars}
    yield from _unknown("calendar", content.clocks.calendar, known, ("clocks", "calendar"))
    for at, category in enumerate(content.categories):
        if category.calendar is not None:
            yield from _unknown("calendar", category.calendar, known, ("categories", at, "calendar"))
    for at, department in enumerate(content.departments):
        if department.calendar is not None:
            yield from _unknown("calendar", department.calendar, known, ("departments", at, "calendar"))


def _levels(content: ProfileFile) -> Iterator[Finding]:
    levels = list(enumerate(content.levels))
    yield from _twice("level", ((level.id, ("levels", at, "id")) for at, level in levels))
    yield from _twice("place", ((level.place, ("levels", at, "place")) for at, level in levels if level.place))


def _unit_names(content: ProfileFile) -> Iterator[Finding]:
    units = list(enumerate(content.units))
    ids = [(unit.id, ("units", at, "id")) for at, unit in units]
    codes = [(code, ("units", at, "codes", nth)) for at, unit in units for nth, code in enumerate(unit.codes)]
    yield from _twice("unit code", [*ids, *codes])
    yield from _twice(
        "QR code",
        ((code, ("units", at, "qr", nth)) for at, unit in units for nth, code in enumerate(unit.qr)),
    )
    yield from _twice(
        "staff id",
        ((staff.id, ("units", at, "staff", nth, "id")) for at, unit in units for nth, staff in enumerate(unit.staff)),
    )


def _tree(content: ProfileFile) -> Iterator[Finding]:
    rank = {level.id: index for index, level in enumerate(content.levels)}
    units = {unit.id: unit for unit in content.units}
    for at, unit in enumerate(content.units):
        yield from _unknown("level", unit.level, rank, ("units", at, "level"))
        if unit.parent is None:
            continue
        pointer: Pointer = ("units", at, "parent")
        yield from _unknown("parent", unit.parent, units, pointer)
        if _in_cycle(unit, units):
            text = f"unit '{unit.id}' lies inside itself: give it a parent of a higher level"
            yield Finding(pointer, text)
        elif unit.parent in units:
            yield from _parent_level(unit, units[unit.parent], rank, pointer)
    yield from _one_top(content)


def _in_cycle(unit: Unit, units: dict[str, Unit]) -> bool:
    above, seen = units.get(unit.parent or ""), {unit.id}
    while above is not None and above.id not in seen:
        seen.add(above.id)
        above = units.get(above.parent or "")
    return above is not None and above.id == unit.id


def _parent_level(unit: Unit, parent: Unit, rank: dict[str, int], pointer: Pointer) -> Iterator[Finding]:
    if rank.get(parent.level, len(rank)) <= rank.get(unit.level, -1):
        text = (
            f"parent '{parent.id}' is of level {parent.level}, which is not above {unit.level}: "
            "name a parent of a higher level"
        )
        yield Finding(pointer, text)


def _one_top(content: ProfileFile) -> Iterator[Finding]:
    tops = [(at, unit) for at, unit in enumerate(content.units) if unit.parent is None]
    highest = content.levels[-1].id
    if not tops:
        yield Finding(("units",), f"no unit is the top: leave out the parent of one {highest}")
    for at, unit in tops[1:]:
        text = f"unit '{unit.id}' has no parent, and there may be one top only: name its parent"
        yield Finding(("units", at), text, ("units", tops[0][0]))
    for at, unit in tops[:1]:
        if unit.level != highest:
            text = f"the top unit '{unit.id}' must be of the highest level, {highest}"
            yield Finding(("units", at, "level"), f"{text}: change it or name its parent")


def _grid_codes(content: ProfileFile) -> Iterator[Finding]:
    if content.grid_code != "gbt30428":
        return
    grids = {level.id for level in content.levels if level.place == "grid"}
    for at, unit in enumerate(content.units):
        digits = unit.id.isascii() and unit.id.isdigit() and len(unit.id) == _GRID_DIGITS
        if unit.level in grids and not digits:
            text = (
                f"grid code '{unit.id}' is not {_GRID_DIGITS} digits "
                "(6 district, 3 street, 3 community, 3 sequence): correct it, "
                "or set grid_code to own"
            )
            yield Finding(("units", at, "id"), text)


def _departments(content: ProfileFile) -> Iterator[Finding]:
    departments = list(enumerate(content.departments))
    yield from _twice("department", ((each.id, ("departments", at, "id")) for at, each in departments))
    yield from _twice("topic", ((each.topic, ("departments", at, "topic")) for at, each in departments))
    yield from _twice(
        "department code",
        (
            (name, ("departments", at, field, nth))
            for at, each in departments
            for field, names in (("codes", each.codes), ("aliases", each.aliases))
            for nth, name in enumerate(names)
        ),
    )


def _roads(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    roads = list(enumerate(content.roads))
    levels = {level.id for level in content.levels}
    yield from _twice("road", ((road.id, ("roads", at, "id")) for at, road in roads))
    for at, road in roads:
        for nth, grid in enumerate(road.grids):
            yield from _unknown("unit", grid, units, ("roads", at, "grids", nth))
        for level in road.chiefs:
            yield from _unknown("level", level, levels, ("roads", at, "chiefs", level))


def _categories(content: ProfileFile) -> Iterator[Finding]:
    majors = {major.code for major in content.majors}
    categories = list(enumerate(content.categories))
    yield from _twice("major", ((major.code, ("majors", at, "code")) for at, major in enumerate(content.majors)))
    yield from _twice("category code", ((each.code, ("categories", at, "code")) for at, each in categories))
    yield from _twice("category name", _category_names(content))
    for at, each in categories:
        yield from _unknown("major", each.major, majors, ("categories", at, "major"))
        yield from _twice(
            "condition",
            (
                (condition.id, ("categories", at, "conditions", nth, "id"))
                for nth, condition in enumerate(each.conditions)
            ),
        )


def _category_names(content: ProfileFile) -> Iterator[tuple[str, Pointer]]:
    """Every word by which a category may be called, once for each category."""
    for at, each in enumerate(content.categories):
        names: dict[str, Pointer] = {
            each.zh.casefold(): ("categories", at, "zh"),
            each.en.casefold(): ("categories", at, "en"),
        }
        for nth, alias in enumerate(each.aliases):
            names.setdefault(alias.casefold(), ("categories", at, "aliases", nth))
        yield from names.items()


def _pattern(content: ProfileFile, pattern: str, pointer: Pointer) -> Iterator[Finding]:
    if pattern != "*" and not any(matches(pattern, each.code) for each in content.categories):
        text = f"no category is '{pattern}': correct it, or end it with * for all that begin so"
        yield Finding(pointer, text)


def _target(content: ProfileFile, target: Target, units: Collection[str], pointer: Pointer) -> Iterator[Finding]:
    departments = {department.id for department in content.departments}
    if target.department is not None:
        yield from _unknown("department", target.department, departments, pointer)
    if target.level is not None:
        levels = {level.id for level in content.levels}
        yield from _unknown("level", target.level, levels, (*pointer, "level"))
    if target.unit is not None:
        yield from _unknown("unit", target.unit, units, (*pointer, "unit"))


def _routing(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    yield from _unknown("level", content.routing.fallback, levels, ("routing", "fallback"))
    for severity, level in content.routing.start.items():
        yield from _unknown("level", level, levels, ("routing", "start", severity))
    for at, row in enumerate(content.routing.rows):
        here: Pointer = ("routing", "rows", at)
        yield from _pattern(content, row.category, (*here, "category"))
        yield from _condition(content, row.category, row.condition, (*here, "condition"))
        if row.place is not None:
            yield from _unknown("unit", row.place, units, (*here, "place"))
        if row.level is not None:
            yield from _unknown("level", row.level, levels, (*here, "level"))
        yield from _target(content, row.lead, units, (*here, "lead"))
        for nth, target in enumerate(row.assists):
            yield from _target(content, target, units, (*here, "assists", nth))


def _condition(content: ProfileFile, pattern: str, condition: str | None, pointer: Pointer) -> Iterator[Finding]:
    if condition is None:
        return
    known = {
        each.id for category in content.categories if matches(pattern, category.code) for each in category.conditions
    }
    yield from _unknown("condition", condition, known, pointer)


def _diversions(content: ProfileFile) -> Iterator[Finding]:
    for at, rule in enumerate(content.diversions):
        here: Pointer = ("diversions", at)
        for nth, pattern in enumerate(rule.categories):
            yield from _pattern(content, pattern, (*here, "categories", nth))
        if not (rule.categories or rule.words or rule.attributes):
            yield Finding(here, "this rule never holds: add categories, words or attributes")
    for at, raising in enumerate(content.severity):
        if not (raising.words or raising.attributes):
            yield Finding(("severity", at), "this rule never holds: add words or attributes")


def _ladder(content: ProfileFile) -> Iterator[Finding]:
    ids = [level.id for level in content.levels]
    top = content.ladder.top or ids[-1]
    yield from _unknown("level", top, ids, ("ladder", "top"))
    for level in content.ladder.steps:
        yield from _unknown("level", level, ids, ("ladder", "steps", level))
    for clock, climbed in content.ladder.climbs.items():
        yield from _upwards(climbed, ids, ("ladder", "climbs", clock))
    for at, row in enumerate(content.ladder.rows):
        yield from _ladder_row(row, ids, ("ladder", "rows", at))
    for level, roles in content.ladder.tell.items():
        yield from _unknown("level", level, ids, ("ladder", "tell", level))
        there = {staff.role for unit in content.units if unit.level == level for staff in unit.staff}
        for nth, role in enumerate(roles):
            yield from _unknown("role", role, there, ("ladder", "tell", level, nth))
    for level in ids[: ids.index(top) + 1] if top in ids else ():
        if level not in content.ladder.steps:
            yield Finding(("ladder", "steps"), f"level '{level}' has no step: add its limits")


def _upwards(climbed: Sequence[str], ids: list[str], pointer: Pointer) -> Iterator[Finding]:
    for nth, level in enumerate(climbed):
        yield from _unknown("level", level, ids, (*pointer, nth))
    ranks = [ids.index(level) for level in climbed if level in ids]
    if ranks != sorted(set(ranks)):
        yield Finding(pointer, "the levels of a clock go upwards, each once: put the lowest first")


def _ladder_row(row: LadderRow, ids: list[str], pointer: Pointer) -> Iterator[Finding]:
    if row.levels is not None:
        yield from _upwards(row.levels, ids, (*pointer, "levels"))
    for level in row.steps:
        yield from _unknown("level", level, ids, (*pointer, "steps", level))
    if row.levels is None and not row.steps:
        yield Finding(pointer, "this row changes nothing: add levels or steps")


def _clocks(content: ProfileFile) -> Iterator[Finding]:
    if content.clocks.pauses.get("total"):
        yield Finding(("clocks", "pauses", "total"), "the clock of the whole never rests: leave this out")
    for at, row in enumerate(content.clocks.limits):
        here: Pointer = ("clocks", "limits", at)
        yield from _pattern(content, row.category, (*here, "category"))
        yield from _condition(content, row.category, row.condition, (*here, "condition"))
        if row.clock == "accept" and (row.category != "*" or row.condition or row.severities):
            text = "this row never holds: before triage neither category nor condition nor severity is known"
            yield Finding(here, f"{text}; ask for channels or requests only")


def _closing(content: ProfileFile) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    yield from _unknown("level", content.returns.duty_level, levels, ("returns", "duty_level"))
    for nth, pattern in enumerate(content.closing.verify_by_person):
        yield from _pattern(content, pattern, ("closing", "verify_by_person", nth))


def _qr(content: ProfileFile) -> Iterator[Finding]:
    classes = list(enumerate(content.qr.classes))
    yield from _twice("class", ((each.id, ("qr", "classes", at, "id")) for at, each in classes))
    codes = {category.code for category in content.categories}
    for at, each in classes:
        here: Pointer = ("qr", "classes", at)
        if each.category is not None:
            yield from _unknown("category", each.category, codes, (*here, "category"))
            yield from _condition(content, each.category, each.condition, (*here, "condition"))
        elif each.condition is not None:
            yield Finding((*here, "condition"), "a condition belongs to a category: add category, or remove condition")
    for at, unit in enumerate(content.units):
        for nth, code in enumerate(unit.qr):
            if len(code) > LONGEST_QR:
                text = f"the code has {len(code)} characters: a report takes {LONGEST_QR} at most, shorten it"
                yield Finding(("units", at, "qr", nth), text)
