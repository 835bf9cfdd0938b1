"""Do the sections of a profile fit together?

Each check yields what is wrong, where, and what to change. All of them run, so that somebody
who writes a profile sees everything at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Final

from shared.calendar import ALWAYS
from shared.calendar.civic import laid_out
from shared.deadline import length
from shared.profile.model import matches

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from shared.profile.model import (
        Body,
        ClockName,
        Department,
        LadderRow,
        ProfileFile,
        Situation,
        Staff,
        Stage,
        StagesRow,
        Target,
        Unit,
        Which,
    )

Pointer = tuple[str | int, ...]
_GRID_DIGITS: Final = 15
NEVER_RESTS: Final[dict[ClockName, str]] = {
    "settlement": "the next one is asked",
    "arrive": "the next ones are called",
}
_ANY_DAY: Final = datetime(2026, 1, 5, tzinfo=UTC)
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
            _people(content),
            _care(content),
            _departments(content),
            _roads(content, units),
            _categories(content),
            _bodies(content, units),
            _routing(content, units),
            _loop(content, units),
            _alike(content),
            _modes(content, units),
            _schedules(content, units),
            _diversions(content),
            _calendars(content),
            _clocks(content),
            _ladder(content),
            _closing(content),
            _qr(content),
            _scorecards(content),
            _points(content),
        )
    )


def warnings(content: ProfileFile) -> list[Finding]:
    """What is unusual and allowed: units with more inhabitants than the norm of their kind."""
    return [
        Finding(
            ("units", at, "population"),
            f"unit '{unit.id}' has {unit.population} inhabitants, more than the {most} of the norm for "
            f"'{unit.kind}': split it, or correct its population or norms",
        )
        for at, unit in (enumerate(content.units) if content.norms else ())
        if (most := content.norms.get(unit.kind or "")) is not None and (unit.population or 0) > most
    ]


def _people(content: ProfileFile) -> Iterator[Finding]:
    kinds = {unit.kind for unit in content.units if unit.kind}
    for kind in content.norms:
        yield from _unknown("kind of unit", kind, kinds, ("norms", kind))
    everybody = list(_named(content))
    ids = {staff.id for staff, _ in everybody}
    for staff, pointer in everybody:
        if staff.stands_in_for == staff.id:
            yield Finding((*pointer, "stands_in_for"), f"'{staff.id}' cannot stand in for themselves: name another")
        elif staff.stands_in_for is not None:
            yield from _unknown("staff id", staff.stands_in_for, ids, (*pointer, "stands_in_for"))


def _care(content: ProfileFile) -> Iterator[Finding]:
    care = content.care
    if care is None:
        return
    yield from _twice("kind", ((each.id, ("care", "kinds", at, "id")) for at, each in enumerate(care.kinds)))
    roles = {staff.role for unit in content.units for staff in unit.staff}
    for nth, role in enumerate(care.team):
        yield from _unknown("role", role, roles, ("care", "team", nth))
    if not any(level.place == "community" for level in content.levels):
        text = "no level is the community of a place, closer than which these reports are not shown"
        yield Finding(("care",), f"{text}: add `place: community` to a level, or leave out care")


def _named(content: ProfileFile) -> Iterator[tuple[Staff, Pointer]]:
    """Everybody who is named, and where."""
    sections: dict[str, tuple[Unit | Department | Body, ...]] = {
        "units": content.units,
        "departments": content.departments,
        "bodies": content.bodies,
    }
    for name, groups in sections.items():
        for at, group in enumerate(groups):
            yield from ((staff, (name, at, "staff", nth)) for nth, staff in enumerate(group.staff))
    for at, road in enumerate(content.roads):
        yield from ((staff, ("roads", at, "chiefs", level)) for level, staff in road.chiefs.items())
    yield from ((sponsor.staff, ("sponsors", at, "staff")) for at, sponsor in enumerate(content.sponsors))
    for at, mode in enumerate(content.modes):
        for nth, added in enumerate(mode.staff):
            here = ("modes", at, "staff", nth, "staff")
            yield from ((staff, (*here, which)) for which, staff in enumerate(added.staff))


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
    former = [(code, ("units", at, "was", nth)) for at, unit in units for nth, code in enumerate(unit.was)]
    yield from _twice("unit code", [*ids, *codes, *former])
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
    if target.body is not None:
        yield from _unknown("kind of body", target.body, {body.kind for body in content.bodies}, (*pointer, "body"))


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
    for clock, then in NEVER_RESTS.items():
        if content.clocks.pauses.get(clock):
            text = f"at this limit {then}, so its clock never rests: leave this out"
            yield Finding(("clocks", "pauses", clock), text)
    for at, row in enumerate(content.clocks.limits):
        here: Pointer = ("clocks", "limits", at)
        yield from _pattern(content, row.category, (*here, "category"))
        yield from _condition(content, row.category, row.condition, (*here, "condition"))
        if row.clock == "accept" and (row.category != "*" or row.condition or row.severities):
            text = "this row never holds: before triage neither category nor condition nor severity is known"
            yield Finding(here, f"{text}; ask for channels or requests only")


def _bodies(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    departments = {department.id for department in content.departments}
    yield from _twice("body", ((each.id, ("bodies", at, "id")) for at, each in enumerate(content.bodies)))
    for at, body in enumerate(content.bodies):
        if body.id in units:
            yield Finding(("bodies", at, "id"), f"'{body.id}' is a unit: give the body an id of its own")
    for at, body in enumerate(content.bodies):
        yield from _unknown("unit", body.unit, units, ("bodies", at, "unit"))
    for at, road in enumerate(content.roads):
        for nth, department in enumerate(road.departments):
            yield from _unknown("department", department, departments, ("roads", at, "departments", nth))


def _modes(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    names = {mode.id for mode in content.modes}
    yield from _twice("mode", ((mode.id, ("modes", at, "id")) for at, mode in enumerate(content.modes)))
    for at, mode in enumerate(content.modes):
        for nth, unit in enumerate(mode.units):
            yield from _unknown("unit", unit, units, ("modes", at, "units", nth))
        for nth, added in enumerate(mode.staff):
            yield from _unknown("unit", added.unit, units, ("modes", at, "staff", nth, "unit"))
    for at, row in enumerate(content.clocks.limits):
        for nth, name in enumerate(row.modes):
            yield from _unknown("mode", name, names, ("clocks", "limits", at, "modes", nth))
    for at, step in enumerate(content.ladder.rows):
        for nth, name in enumerate(step.modes):
            yield from _unknown("mode", name, names, ("ladder", "rows", at, "modes", nth))
    for at, sponsor in enumerate(content.sponsors):
        yield from _unknown("unit", sponsor.unit, units, ("sponsors", at, "unit"))
    if content.loop.rounds is not None:
        levels = {level.id for level in content.levels}
        yield from _unknown("level", content.loop.rounds.desk, levels, ("loop", "rounds", "desk"))


def _schedules(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    codes = {category.code for category in content.categories}
    ids = [(each.id, ("schedules", at, "id")) for at, each in enumerate(content.schedules)]
    yield from _twice("schedule", ids)
    for at, schedule in enumerate(content.schedules):
        here: Pointer = ("schedules", at)
        for nth, level in enumerate(schedule.levels):
            yield from _unknown("level", level, levels, (*here, "levels", nth))
        for nth, unit in enumerate(schedule.units):
            yield from _unknown("unit", unit, units, (*here, "units", nth))
        reported = [(schedule.category, schedule.condition, here)]
        if schedule.follow_up is not None:
            reported.append((schedule.follow_up.category, schedule.follow_up.condition, (*here, "follow_up")))
        for category, condition, there in reported:
            yield from _unknown("category", category, codes, (*there, "category"))
            yield from _condition(content, category, condition, (*there, "condition"))


def _loop(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    levels = [level.id for level in content.levels]
    kinds = {body.kind for body in content.bodies}
    loop = content.loop
    for name, rows in (("settlement", loop.settlement), ("small", loop.small), ("big", loop.big)):
        for at, row in enumerate(rows):
            for nth, pattern in enumerate(row.categories):
                yield from _pattern(content, pattern, ("loop", name, at, "categories", nth))
    for at, settled in enumerate(loop.settlement):
        yield from _unknown("kind of body", settled.body, kinds, ("loop", "settlement", at, "body"))
    for at, small in enumerate(loop.small):
        yield from _upwards(small.levels, levels, ("loop", "small", at, "levels"))
    for at, big in enumerate(loop.big):
        for nth, target in enumerate(big.network):
            yield from _target(content, target, units, ("loop", "big", at, "network", nth))
    for at, kept in enumerate(loop.kept_up):
        yield from _unknown("level", kept.not_below, levels, ("loop", "kept_up", at, "not_below"))
        for nth, pattern in enumerate(kept.categories):
            yield from _pattern(content, pattern, ("loop", "kept_up", at, "categories", nth))
    yield from _stages(content, units)
    yield from _twice(
        "situation", ((each.id, ("loop", "situations", at, "id")) for at, each in enumerate(loop.situations))
    )
    for at, situation in enumerate(loop.situations):
        yield from _situation(content, situation, units, ("loop", "situations", at))


def _stages(content: ProfileFile, units: Collection[str]) -> Iterator[Finding]:
    rows = content.loop.stages
    for at, row in enumerate(rows):
        here: Pointer = ("loop", "stages", at)
        for nth, pattern in enumerate(row.categories):
            yield from _pattern(content, pattern, (*here, "categories", nth))
        if any(before.attributes.items() <= row.attributes.items() and _covers(before, row) for before in rows[:at]):
            yield Finding(here, "this row never holds: a row above fits all that it does; put it above that")
        yield from _twice("stage", ((each.id, (*here, "stages", nth, "id")) for nth, each in enumerate(row.stages)))
        for nth, stage in enumerate(row.stages):
            if stage.who is not None:
                yield from _target(content, stage.who, units, (*here, "stages", nth, "who"))
            yield from _stage(stage, row, nth, (*here, "stages", nth))


def _stage(stage: Stage, row: StagesRow, nth: int, here: Pointer) -> Iterator[Finding]:
    """Find what a stage says that nobody could follow."""
    if stage.who is not None and stage.who.road:
        yield Finding((*here, "who"), "a stage has one handler, and a road several: name a department, level or body")
    if stage.vote is not None and stage.fails is None:
        yield Finding((*here, "vote"), "say what follows when it is not passed: add `fails` to the stage")
    if stage.money == "actual" and all(each.money != "budget" for each in row.stages[:nth]):
        text = "there is no budget to compare it with: write `money: budget` at an earlier stage"
        yield Finding((*here, "money"), text)
    if stage.publicity is not None and stage.limit is not None:
        least, most = (length(_ANY_DAY, each, ALWAYS) for each in (stage.publicity, stage.limit))
        if most <= least:
            text = f"the stage is public for {stage.publicity} and must be over within {stage.limit}: give it longer"
            yield Finding((*here, "limit"), text)
    back = None if stage.fails is None else stage.fails.back
    if back is not None and back not in {each.id for each in row.stages[: nth + 1]}:
        earlier = ", ".join(each.id for each in row.stages[: nth + 1])
        text = f"'{back}' is no stage up to this one, and it goes back, never forward: write one of {earlier}"
        yield Finding((*here, "fails", "back"), text)


def _situation(content: ProfileFile, situation: Situation, units: Collection[str], here: Pointer) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    for nth, level in enumerate(situation.by):
        yield from _unknown("level", level, levels, (*here, "by", nth))
    for nth, level in enumerate(situation.copied):
        yield from _unknown("level", level, levels, (*here, "copied", nth))
    for nth, pattern in enumerate(situation.categories):
        yield from _pattern(content, pattern, (*here, "categories", nth))
    for wave, targets in enumerate(situation.waves):
        if not targets:
            yield Finding((*here, "waves", wave), "this wave calls nobody: add a target or remove it")
        for nth, target in enumerate(targets):
            yield from _target(content, target, units, (*here, "waves", wave, nth))


def _alike(content: ProfileFile) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    for section, rules in (("duplicates", content.duplicates), ("repeats", content.repeats)):
        if rules is not None:
            yield from _unknown("level", rules.level, levels, (section, "level"))
            for nth, pattern in enumerate(rules.categories):
                yield from _pattern(content, pattern, (section, "categories", nth))
    found = content.duplicates
    if found is not None and found.certain is not None and found.certain < found.suspect:
        text = "what is certain is suspected too: make `certain` at least `suspect`"
        yield Finding(("duplicates", "certain"), text)


def _closing(content: ProfileFile) -> Iterator[Finding]:
    levels = {level.id for level in content.levels}
    yield from _unknown("level", content.returns.duty_level, levels, ("returns", "duty_level"))
    for nth, pattern in enumerate(content.closing.verify_by_person):
        yield from _pattern(content, pattern, ("closing", "verify_by_person", nth))
    yield from _nobody_above(content)
    for name, rows in (("evidence", content.closing.evidence), ("sample", content.closing.sample)):
        for at, row in enumerate(rows):
            for nth, pattern in enumerate(row.categories):
                yield from _pattern(content, pattern, ("closing", name, at, "categories", nth))
            if any(_covers(before, row) for before in rows[:at]):
                yield Finding(
                    ("closing", name, at), "this row never holds: a row above fits all that it does; put it above that"
                )


def _nobody_above(content: ProfileFile) -> Iterator[Finding]:
    """Find that one rework too many is to go a level up, and that the ladder calls nobody for it."""
    rows = enumerate(content.ladder.rows)
    quiet = (at for at, row in rows if row.levels == () and row.clocks == ("rework",))
    at = next((at for at in quiet if not (content.ladder.rows[at].severities or content.ladder.rows[at].modes)), None)
    if content.closing.then == "level-up" and at is not None:
        text = "nobody is called for a rework (ladder.rows): remove that row, or write `then: close`"
        yield Finding(("closing", "then"), text, ("ladder", "rows", at))


def _covers(before: Which, row: Which) -> bool:
    """Whether all that a row is about stands in one before it."""
    sizes = (getattr(before, "size", None), getattr(row, "size", None))
    return (
        sizes[0] in {None, sizes[1]}
        and (not before.severities or (bool(row.severities) and set(row.severities) <= set(before.severities)))
        and ("*" in before.categories or set(row.categories) <= set(before.categories))
    )


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


def _scorecards(content: ProfileFile) -> Iterator[Finding]:
    cards = list(enumerate(content.scorecards))
    yield from _twice("scorecard", ((each.id, ("scorecards", at, "id")) for at, each in cards))
    levels = {level.id for level in content.levels}
    kinds = {body.kind for body in content.bodies}
    departments = {department.id for department in content.departments} | {"*"}
    for at, each in cards:
        here: Pointer = ("scorecards", at)
        yield from _pattern(content, each.category, (*here, "category"))
        if each.whom.body is not None:
            yield from _unknown("kind of body", each.whom.body, kinds, (*here, "whom", "body"))
        if each.whom.level is not None:
            yield from _unknown("level", each.whom.level, levels, (*here, "whom", "level"))
        for nth, name in enumerate(each.whom.departments):
            yield from _unknown("department", name, departments, (*here, "whom", "departments", nth))


def _points(content: ProfileFile) -> Iterator[Finding]:
    rules = list(enumerate(content.points))
    yield from _twice("rule", ((each.id, ("points", at, "id")) for at, each in rules))
    kinds = {body.kind for body in content.bodies}
    for at, each in rules:
        here: Pointer = ("points", at)
        for nth, pattern in enumerate(each.categories):
            yield from _pattern(content, pattern, (*here, "categories", nth))
        if each.body is not None:
            yield from _unknown("kind of body", each.body, kinds, (*here, "body"))
        if each.cap is not None and each.cap.points < each.points:
            text = f"the cap of {each.cap.points} is less than the {each.points} points of one ticket: raise it"
            yield Finding((*here, "cap", "points"), text)
