"""Whose is it, how grave is it, and is it for the loop at all?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.profile.model import SEVERITIES, concerns, has, matches

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.profile.model import (
        Attribute,
        DiversionRule,
        ProfileFile,
        RoutingRow,
        Severity,
        SeverityRule,
        Target,
        Unit,
        Words,
    )


@dataclass(frozen=True, slots=True)
class Handler:
    """Who gets an order: a department on its topic, or a unit on its work list."""

    kind: Literal["department", "unit"]
    id: str


@dataclass(frozen=True, slots=True)
class Route:
    """Lead and assists, the level of the first territorial owner, and the row that said so."""

    lead: Handler
    assists: tuple[Handler, ...]
    level: str
    rule: int | None


@dataclass(frozen=True, slots=True)
class Diversion:
    """Where a report goes instead, and the sentence for the person who made it."""

    kind: Literal["emergency", "legal-route", "not-ours"]
    to: str
    sentence: Words


class Matrix:
    """The routing rows of one profile, most specific first."""

    def __init__(self, content: ProfileFile, chains: Mapping[str, tuple[Unit, ...]]) -> None:
        self._chains = chains
        self._routing = content.routing
        self._rank = {level.id: index for index, level in enumerate(content.levels)}
        self._bodies: dict[tuple[str, str], list[str]] = {}
        for body in content.bodies:
            self._bodies.setdefault((body.unit, body.kind), []).append(body.id)
        self._by_road = {road.id: road.departments for road in content.roads}
        top = next(unit for unit in content.units if unit.parent is None)
        self._top = chains[top.id]
        rows = enumerate(content.routing.rows)
        self._rows = sorted(rows, key=lambda row: self._specificity(row[1]), reverse=True)

    def _specificity(self, row: RoutingRow) -> tuple[bool, int, bool, int, bool]:
        """Category before condition before place before ownership; the sort keeps file order."""
        depth = 0 if row.place is None else len(self._chains[row.place])
        return (
            not row.category.endswith("*"),
            len(row.category),
            row.condition is not None,
            depth,
            row.ownership is not None,
        )

    def route(
        self,
        category: str,
        condition: str | None,
        unit_id: str | None,
        ownership: str | None,
        severity: Severity | None,
    ) -> Route:
        """The route at a unit of any level; without one the top unit is the place."""
        chain = self._top if unit_id is None else self._chains.get(unit_id, self._top)
        ids = {unit.id for unit in chain}
        for index, row in self._rows:
            if _holds(row, category, condition, ids, ownership):
                return self._by_row(index, row, chain, severity)
        return Route(
            lead=self._at_level(self._routing.fallback, chain),
            assists=(),
            level=self._start(None, chain, severity),
            rule=None,
        )

    def _by_row(self, index: int, row: RoutingRow, chain: tuple[Unit, ...], severity: Severity | None) -> Route:
        lead = self._handler(row.lead, chain)
        assists = dict.fromkeys(self.handlers(row.assists, chain[0].id, None))
        return Route(
            lead=lead,
            assists=tuple(handler for handler in assists if handler != lead),
            level=self._start(row.level, chain, severity),
            rule=index,
        )

    def _handler(self, target: Target, chain: tuple[Unit, ...]) -> Handler:
        if target.department is not None:
            return Handler("department", target.department)
        if target.unit is not None:
            return Handler("unit", target.unit)
        if target.body is not None and (body := self.body(target.body, chain)) is not None:
            return body
        return self._at_level(target.level or self._routing.fallback, chain)

    def body(self, kind: str, chain: tuple[Unit, ...]) -> Handler | None:
        """The body of a kind that is nearest to the place; None where there is none."""
        found = (ids[0] for unit in chain if (ids := self._bodies.get((unit.id, kind))))
        return next((Handler("unit", each) for each in found), None)

    def handlers(self, targets: tuple[Target, ...], unit_id: str, road: str | None) -> tuple[Handler, ...]:
        """All who are meant at a place, each once; a body that the place does not have is left out."""
        chain = self._chains.get(unit_id, self._top)
        found: dict[Handler, None] = {}
        for target in targets:
            if target.road:
                found |= dict.fromkeys(Handler("department", each) for each in self._by_road.get(road or "", ()))
            elif target.body is None or target.level is not None:
                found[self._handler(target, chain)] = None
            elif (body := self.body(target.body, chain)) is not None:
                found[body] = None
        return tuple(found)

    def _at_level(self, level: str, chain: tuple[Unit, ...]) -> Handler:
        """The unit of the level at the place, or the next one above that has staff.

        An order to a unit without staff would lie unseen, so it falls to the level above at once.
        """
        above = [unit for unit in chain if self._rank[unit.level] >= self._rank[level]]
        staffed = next((unit for unit in above if unit.staff), chain[-1])
        return Handler("unit", staffed.id)

    def _start(self, level: str | None, chain: tuple[Unit, ...], severity: Severity | None) -> str:
        """The level of the first owner: as told, but not below the lowest level that is known.

        A level without staff is not skipped here: the ladder skips it, and says so in a fact.
        """
        wanted = self._rank[level or self._routing.start[severity or "IV"]]
        return next((unit.level for unit in chain if self._rank[unit.level] >= wanted), chain[-1].level)


def _holds(
    row: RoutingRow,
    category: str,
    condition: str | None,
    place: set[str],
    ownership: str | None,
) -> bool:
    return (
        matches(row.category, category)
        and row.condition in (None, condition)
        and (row.place is None or row.place in place)
        and row.ownership in (None, ownership)
    )


def diversion(
    rules: tuple[DiversionRule, ...],
    category: str | None,
    condition: str | None,
    text: str,
    attributes: Mapping[str, object],
) -> Diversion | None:
    """The first rule that takes the report out of the loop."""
    for rule in rules:
        if (
            _diverts_category(rule, category, condition)
            or (_says(rule.words, text) and not _says(rule.unless, text))
            or _has(rule.attributes, attributes)
        ):
            return Diversion(rule.kind, rule.to, rule.sentence)
    return None


def _diverts_category(rule: DiversionRule, category: str | None, condition: str | None) -> bool:
    if category is None or not concerns(rule.categories, category):
        return False
    return not rule.conditions or condition in rule.conditions


def graver(
    severity: Severity,
    rules: tuple[SeverityRule, ...],
    attributes: Mapping[str, object],
    text: str,
) -> Severity:
    """The severity, raised by every rule that the attributes or the text meet; never lowered."""
    raised = [
        SEVERITIES.index(rule.at_least)
        for rule in rules
        if _has(rule.attributes, attributes) or _says(rule.words, text)
    ]
    return SEVERITIES[min([SEVERITIES.index(severity), *raised])]


def _says(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def _has(wanted: Mapping[str, Attribute], given: Mapping[str, object]) -> bool:
    """Whether a rule asks for attributes, and all of them are given."""
    return bool(wanted) and has(wanted, given)
