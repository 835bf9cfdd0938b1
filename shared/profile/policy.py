"""What does a city promise, and what when it does not keep it? The part of a profile that a ticket is pinned to.

Limits, warnings, pauses and the ladder stay those of the version that a ticket was triaged under, until somebody
applies another one to open tickets. Units, staff, departments, catalogue and calendars are always today's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pydantic import Field

from shared.profile.limit import Limit
from shared.profile.model import Clocks, Closing, LadderRules, Part, Returns, Revisions, Severity

if TYPE_CHECKING:
    from shared.profile.model import LadderRow, Level, ProfileFile


class PolicyFile(Part):
    """What of a profile is kept of every version, as it is stored."""

    clocks: Clocks
    ladder: LadderRules
    closing: Closing
    returns: Returns
    revisions: Revisions = Field(default_factory=Revisions)
    handling: dict[str, dict[str, Limit]]
    """Category -> filing condition -> limit."""

    @classmethod
    def of(cls, content: ProfileFile) -> PolicyFile:
        """Give the policy of a profile."""
        return cls(
            clocks=content.clocks,
            ladder=content.ladder,
            closing=content.closing,
            returns=content.returns,
            revisions=content.revisions,
            handling={each.code: {one.id: one.limit for one in each.conditions} for each in content.categories},
        )

    def in_mode(self, mode: str) -> PolicyFile:
        """Give it as it is in an operating mode: rows of the mode first, those of other modes not at all."""
        limits = [row for row in self.clocks.limits if not row.modes or mode in row.modes]
        rows = [row for row in self.ladder.rows if not row.modes or mode in row.modes]
        clocks = {"limits": tuple(sorted(limits, key=lambda row: not row.modes))}
        ladder = {"rows": tuple(sorted(rows, key=lambda row: not row.modes))}
        changes = {"clocks": self.clocks.model_copy(update=clocks), "ladder": self.ladder.model_copy(update=ladder)}
        return self.model_copy(update=changes)


ONLY_WARN = frozenset({"settlement", "assist-sign", "assist-handle"})
"""Clocks whose breach adds no level unless the profile says so: the lead's own clock runs on."""


LIKE = {"assist-sign": ("sign",), "assist-handle": ("handle",)}
"""Clocks that have the limits of others, where no row says otherwise."""


class Matter(NamedTuple):
    """What a limit may depend on; what is not known yet is left out and fits only rows that do not ask for it."""

    severity: Severity | None = None
    category: str | None = None
    condition: str | None = None
    channel: str | None = None
    request: str | None = None


class Ladder:
    """Which levels a breach adds, how long each has, and who of it is told."""

    def __init__(self, rules: LadderRules, levels: tuple[Level, ...]) -> None:
        self._rules = rules
        self.top: str = rules.top or levels[-1].id
        self._ranks = {level.id: rank for rank, level in enumerate(levels)}
        self._all = tuple(level.id for level in levels[: self._ranks[self.top] + 1])
        self._climbs: dict[str, tuple[str, ...]] = {str(clock): climbed for clock, climbed in rules.climbs.items()}
        self.notices = rules.notices

    def above(self, level: str, clock: str, severity: Severity | None = None) -> list[str]:
        """The levels above one that a breach of the clock adds one after the other, the lowest first.

        A level that the profile does not know is below all.
        """
        rank = self._ranks.get(level, -1)
        return [each for each in self._levels(clock, severity) if self._ranks[each] > rank]

    def last(self, clock: str, severity: Severity | None = None) -> str | None:
        """The level that is called again and again until somebody accepts; None for a clock that only warns."""
        climbed = self._levels(clock, severity)
        return climbed[-1] if climbed else None

    def at_once(self, severity: Severity) -> bool:
        """Whether a ticket of this severity is the top's from the first order on."""
        return severity in self._rules.at_once

    def step(self, level: str, severity: Severity, clock: str = "") -> Limit:
        """How long the level has, from the moment when it was added for a clock."""
        row = self._row(clock, severity, level)
        return self._rules.steps[level][severity] if row is None else row.steps[level]

    def repeat(self, severity: Severity) -> Limit:
        """How long until the top is called again when nobody there has accepted."""
        return self._rules.repeat[severity]

    def roles(self, level: str) -> tuple[str, ...]:
        """Who of a level is told when it is added; empty for everybody there."""
        return self._rules.tell.get(level, ())

    def _levels(self, clock: str, severity: Severity | None) -> tuple[str, ...]:
        for row in self._rules.rows:
            if row.levels is not None and row.fits(clock, severity):
                return row.levels
        return self._climbs.get(clock, () if clock in ONLY_WARN else self._all)

    def _row(self, clock: str, severity: Severity, level: str) -> LadderRow | None:
        return next((row for row in self._rules.rows if level in row.steps and row.fits(clock, severity)), None)


class Policy:
    """The answers that follow from a PolicyFile."""

    def __init__(self, content: PolicyFile, levels: tuple[Level, ...]) -> None:
        """Prepare the lookups of content that `check.py` has found sound."""
        self.content = content
        self.ladder = Ladder(content.ladder, levels)
        self._warnings: dict[str, tuple[float | Limit, ...]] = {
            str(name): rules for name, rules in content.clocks.warnings.items()
        }
        self._pauses: dict[str, tuple[str, ...]] = {
            str(name): reasons for name, reasons in content.clocks.pauses.items()
        }

    def limit(self, clock: str, matter: Matter) -> Limit | None:
        """How long a step may take; None where the city sets no limit for it.

        The first row of `clocks.limits` that fits holds; else what the clock's own setting says, and for handling
        the filing condition. A LookupError says when the condition is not known.
        """
        for name in (clock, *LIKE.get(clock, ())):
            for row in self.content.clocks.limits:
                if row.clock == name and row.fits(matter):
                    return row.limit
        return self._usual(clock, matter)

    def _usual(self, clock: str, matter: Matter) -> Limit | None:
        clocks, closing = self.content.clocks, self.content.closing
        match clock:
            case "handle" | "assist-handle":
                return self._handling(matter)
            case "sign" | "assist-sign":
                return clocks.sign[matter.severity or "IV"]
            case "total":
                return None if clocks.total is None else clocks.total[matter.severity or "IV"]
            case "accept":
                return clocks.accept
            case "dispatch":
                return clocks.dispatch
            case "contact":
                return clocks.contact
            case "verify":
                return closing.verify_within
            case "call-back":
                return closing.call_back_within
        raise LookupError(clock)

    def _handling(self, matter: Matter) -> Limit:
        conditions = self.content.handling.get(matter.category or "")
        if conditions is None:
            message = f"the policy has no category {matter.category!r}"
            raise LookupError(message)
        found = conditions.get(matter.condition or "")
        if found is None:
            there_are = ", ".join(conditions)
            message = f"category {matter.category} has no condition {matter.condition!r}: choose one of {there_are}"
            raise LookupError(message)
        return found

    def warnings(self, clock: str, share: float | None = None) -> tuple[float | Limit, ...]:
        """When a clock warns: shares of its limit, and lengths before its end; `share` for one that has no rules."""
        known = self._warnings.get(clock)
        return (share or self.content.clocks.warn_share,) if known is None else known

    def rests(self, clock: str, reason: str) -> bool:
        """Whether a clock rests for a reason."""
        return reason in self._pauses.get(clock, ())
