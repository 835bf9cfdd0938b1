"""What was owed by when, in the eyes of the audit? One duty with all that moved it, and what fired for it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shared.calendar import ALWAYS, Pause, advance, elapsed
from shared.deadline import counted_on, length, warnings_at

if TYPE_CHECKING:
    from datetime import datetime

    from shared.calendar import Calendar
    from shared.deadline import Limited
    from shared.messages import Span


@dataclass(slots=True)
class Duty:
    """Something that must be done by an instant, by the order or by the level that was added."""

    name: str
    cause: str
    known_at: datetime
    due_at: datetime
    warns: tuple[datetime, ...] = ()
    order_id: str = ""
    token: str = ""
    """Empty until sla has started its clock."""
    owed_at: datetime | None = None
    """The limit with which it began."""
    started_at: datetime | None = None
    limit: Span | None = None
    calendar: Calendar = ALWAYS
    rules: tuple[float | Limited, ...] = ()
    """When it warns."""
    extra: timedelta = timedelta(0)
    """Counted time that extensions have added."""
    extended: list[tuple[datetime, timedelta]] = field(default_factory=list)
    """When each was granted, and what was added before it."""
    relimited: list[tuple[datetime, Span, Calendar]] = field(default_factory=list)
    """When it was given another length or working time, and those before it."""
    pauses: list[Pause] = field(default_factory=list)
    ended_at: datetime | None = None
    level: str | None = None
    """For a level that was added: which."""
    parent: Duty | None = None
    """And the duty whose breach added it."""
    stopped: bool = False
    """Sla has said that its clock is over."""
    stood: tuple[datetime, tuple[datetime, ...], datetime] | None = None
    """Limit and warnings before an order moved them last, and when it did."""
    agreed: set[datetime] = field(default_factory=set)
    """Limits to which orders have moved it."""
    warned: list[tuple[int, datetime]] = field(default_factory=list)
    """Which warning, and when."""
    breached: list[datetime] = field(default_factory=list)

    @property
    def resting(self) -> bool:
        """Tell whether a pause of it has no end."""
        return bool(self.pauses) and self.pauses[-1].end is None

    def rest(self, since: datetime) -> None:
        """Note that it rests, unless its limit has passed; a pause within a pause is none."""
        if not self.resting and self._stands(since):
            self.pauses.append(Pause(since, None))

    def go_on(self, resumed_at: datetime, at: datetime) -> None:
        """Note, from what was said at `at`, that it goes on with the rest of its time."""
        if self.resting:
            since = self.pauses[-1].start
            self.pauses[-1] = Pause(since, max(resumed_at, since))
            for given, limit, calendar in self.relimited:
                if given > resumed_at:  # noticed after a correction that was given later, and says so by itself
                    self.limit, self.calendar = limit, calendar
                    break
            self._count_again(since, at)
            before = next((extra for given, extra in self.extended if given > resumed_at), None)
            if before is not None:  # its going on was noticed after an extension that was granted later
                self.agreed.add(replace(self, extra=before).counted()[0])

    def extend(self, old: datetime, new: datetime, at: datetime) -> None:
        """Note that its limit was moved by somebody who may, unless it has passed."""
        if self.limit is not None and self._stands(at):
            self.extended.append((at, self.extra))
            self.extra += elapsed(counted_on(self.limit, self.calendar), old, new)
            if self.resting:  # what it will be follows when it goes on
                self.due_at = new
            self._count_again(at, at)

    def _stands(self, at: datetime) -> bool:
        """Tell whether at an instant it is owed and in time."""
        return not self.breached and self.ended_at is None and at <= self.due_at

    def counted(self) -> tuple[datetime, tuple[datetime, ...]]:
        """Give limit and warnings as they follow from its start, its pauses and its extensions."""
        assert self.limit is not None and self.started_at is not None  # noqa: S101, PT018 - every duty begins with both
        on = counted_on(self.limit, self.calendar)
        whole = length(self.started_at, self.limit, self.calendar) + self.extra
        due = advance(on, self.started_at, whole, self.pauses) or self.due_at
        return due, warnings_at(self.started_at, due, self.rules, on, self.pauses)

    def at_first(self) -> datetime:
        """Give the limit without pauses and extensions."""
        return replace(self, pauses=[], extra=timedelta(0)).counted()[0]

    def _count_again(self, since: datetime, at: datetime) -> None:
        """Move it by what was said at `at`; what had to be warned of before `since` stays so."""
        if self.breached:
            return  # what was agreed afterwards changes nothing
        self.stood = (self.due_at, self.warns, at)
        due_at, warns = self.counted()
        warns = self.warns if self.resting else warns
        passed = sum(warn < since for warn in self.warns)
        self.move(due_at, (*self.warns[:passed], *warns[passed:]), at)
        self.agreed.add(self.due_at)

    def relimit(self, limit: Span, calendar: Calendar, at: datetime) -> None:
        """Note that it has another length or working time since `at`, counted from its own start."""
        if self.limit is not None:
            self.relimited.append((at, self.limit, self.calendar))
        self.limit, self.calendar = limit, calendar
        self._count_again(at, at)

    def not_after(self, latest: datetime | None, at: datetime) -> None:
        """Note, when it was counted again, that it ends no later than this."""
        if latest is None or latest >= self.due_at or self.limit is None or self.started_at is None:
            return
        passed = sum(warn < at for warn in self.warns)
        on = counted_on(self.limit, self.calendar)
        warns = warnings_at(self.started_at, latest, self.rules, on, self.pauses)
        self.move(latest, (*self.warns[:passed], *warns[passed:]), at)
        self.agreed.add(latest)

    def move(self, due_at: datetime, warns: tuple[datetime, ...], at: datetime) -> None:
        """Set limit and warnings as they are known since an instant; what was warned of stays as it stood then."""
        given = len(self.warned)
        self.due_at, self.warns = due_at, (*self.warns[:given], *warns[given:])
        self.known_at = max(self.known_at, at)

    def crossed(self, nth: int | None, at: datetime, race: timedelta) -> None:
        """Let a breach, or a warning, that crossed a move on its way be one by the limit that stood before."""
        if self.stood is None or at > self.stood[2] + race:
            return
        due_at, warns, _ = self.stood
        if nth is None:
            if due_at <= at < self.due_at:
                self.due_at = due_at
        elif nth <= min(len(warns), len(self.warns)) and warns[nth - 1] <= at < self.warns[nth - 1]:
            self.warns = (*self.warns[: nth - 1], warns[nth - 1], *self.warns[nth:])

    def end(self, at: datetime) -> None:
        """Note the first instant at which nothing was owed any more."""
        self.ended_at = self.ended_at or at

    def over_at(self) -> datetime | None:
        """Give when the duty or the one that it follows from ended."""
        ends = [duty.ended_at for duty in (self, self.parent) if duty is not None and duty.ended_at is not None]
        return min(ends, default=None)
