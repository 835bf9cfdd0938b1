"""Does what gridcall shows add up with what was recorded? One line for each thing that must be equal."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from deploy.replay.script import ENDINGS
from shared.messages import OrderIssued, TicketReopened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.replay.desk import Desk
    from deploy.replay.life import Life
    from deploy.replay.script import Ending, Recording, Row
    from shared.profile import Profile

EXAMPLES: Final = 5
"""Tickets named under a line that does not add up."""
OVER: Final = {"closed", "diverted", "archived"}
"""States of a ticket at the desk that is not open."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the file alone says must come of it."""

    rows: int
    accepted: int
    closed: frozenset[str]
    """Tickets that are closed in the end, by id; the diverted ones are apart."""
    open: frozenset[str]
    diverted: frozenset[str]
    refused: int
    hand_overs: int
    corrections: int
    """First orders that the profile gives to another department than the record: returned at once."""
    reopenings: int
    reworks: int


@dataclass(frozen=True, slots=True)
class Shown:
    """What the desk and the topics show."""

    states: Mapping[str, str]
    """State of each replayed ticket at the desk."""
    doubled_tickets: int
    re_dispatches: int
    """Orders to another handler than before, in the timelines."""
    reopenings: int
    gaps: float


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the reconciliation."""

    what: str
    recorded: float
    gridcall: float
    about: tuple[str, ...] = ()
    """Where they differ: some of the tickets."""

    @property
    def adds_up(self) -> bool:
        """Tell whether both sides are equal, thing by thing and not only in number."""
        return self.recorded == self.gridcall and not self.about


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All lines, and what else is worth saying."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    bad_rows: tuple[tuple[int, str], ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    shows: Mapping[str, str] = field(default_factory=dict)
    """Label of a made-up report -> where to see what it shows."""

    @property
    def adds_up(self) -> bool:
        """Tell whether every line does."""
        return all(line.adds_up for line in self.lines)

    def as_dict(self) -> dict[str, Any]:
        """Give it for machines."""
        return {
            "adds_up": self.adds_up,
            "lines": [asdict(line) | {"adds_up": line.adds_up} for line in self.lines],
            "notes": list(self.notes),
            "bad_rows": [{"line": line, "problem": problem} for line, problem in self.bad_rows],
            "refused": dict(self.refused),
            "shows": dict(self.shows),
        }


def recorded_of(recording: Recording, lives: Iterable[Life], profile: Profile) -> Recorded:
    """Count what must come of a file, from its rows and the profile's matrix; `_ending` says how each must end."""
    mine = list(lives)
    named = {life.ticket: life.row for life in mine}
    ends = {ending: frozenset(life.ticket for life in mine if _ending(life) == ending) for ending in ENDINGS}
    live = [named[ticket] for ticket in ends["closed"] | ends["open"]]
    return Recorded(
        rows=len(recording.rows),
        accepted=len(recording.rows) - len(ends["refused"]),
        closed=ends["closed"],
        open=ends["open"],
        diverted=ends["diverted"],
        refused=len(ends["refused"]),
        hand_overs=sum(row.script.hand_overs for row in live),
        corrections=sum(misdirected(row, profile) for row in live),
        reopenings=sum(row.script.reopenings for row in live),
        reworks=sum(len(row.script.reworks) for row in live),
    )


def _ending(life: Life) -> Ending:
    """Give how it must end; where nobody recorded it, it may also be refused or diverted."""
    script = life.row.script
    if script.recorded:
        return script.ends
    return "refused" if life.refused else "diverted" if life.diverted else script.ends


def misdirected(row: Row, profile: Profile) -> bool:
    """Tell whether the profile's matrix gives a row to another department first than was recorded."""
    route, category = row.script.stretches[0].route, profile.category_by_alias(str(row.body.get("category") or ""))
    if not route or row.script.triage is not None or category is None:
        return False
    place = {name: value for name, value in row.body.get("place", {}).items() if name != "unit"}
    ownership = row.body.get("attributes", {}).get("ownership")
    lead = profile.route(category, row.body.get("condition"), profile.locate(**place), ownership).lead
    return lead.id != route[0]


async def shown_by(desk: Desk, lives: Mapping[str, Life]) -> Shown:
    """Ask the desk; raises TryLater. Timelines are read of all tickets that anybody says were handed over."""
    states: dict[str, str] = {}
    doubled = 0
    async for item in desk.tickets():
        ticket = str(item["id"])
        if ticket in lives:
            doubled += ticket in states
            states[ticket] = str(item["state"])
    moved = reopened = 0
    for life in lives.values():
        script = life.row.script
        if script.acts:
            continue  # who calls whom is the script's own; the story shows it
        if script.hand_overs or script.reopenings or len(life.orders) > 1:
            types = await desk.timeline(life.ticket)
            again = types.count(TicketReopened.type)
            reopened += again
            moved += max(0, types.count(OrderIssued.type) - 1 - again - len(life.helps))
    return Shown(states, doubled, moved, reopened, await desk.gaps())


def reconciled(recorded: Recorded, shown: Shown, recording: Recording, lives: Mapping[str, Life]) -> Reconciliation:
    """Put both sides beside each other."""
    mine = list(lives.values())
    over = {ticket for ticket, state in shown.states.items() if state in OVER}
    diverted = {life.ticket for life in mine if life.diverted}
    is_open = shown.states.keys() - over
    lost = [life.row.name for life in mine if not life.answered or (life.accepted and life.ticket not in shown.states)]
    issued = [(order, len(ids)) for life in mine for order, ids in life.issued_by.items()]
    doubled = [life.row.name for life in mine if len(life.tickets) > 1 or life.tickets - {life.ticket}]
    doubled += [order for order, times in issued if times > 1]
    lines = (
        Line("reports with a receipt that takes them", recorded.accepted, sum(life.accepted for life in mine)),
        Line("tickets at the desk", recorded.accepted, len(shown.states)),
        _sets("closed", recorded.closed, over - diverted, lives),
        _sets("still open", recorded.open, is_open, lives),
        _sets("diverted", recorded.diverted, diverted, lives),
        Line("refused", recorded.refused, sum(bool(life.refused) for life in mine)),
        Line("hand-overs", recorded.hand_overs, shown.re_dispatches - sum(life.corrected for life in mine)),
        Line("first choices that were corrected", recorded.corrections, sum(life.corrected for life in mine)),
        Line("reopenings", recorded.reopenings, shown.reopenings),
        Line("done again because it was not good enough", recorded.reworks, sum(life.reworks for life in mine)),
        Line("lost", 0, len(lost), tuple(lost[:EXAMPLES])),
        Line("doubled", 0, len(doubled) + shown.doubled_tickets, tuple(doubled[:EXAMPLES])),
        Line("gaps in the log", 0, shown.gaps),
    )
    refused = {life.row.name: life.refused for life in mine if life.refused}
    refused |= {name: why for life in mine for name, why in life.refusals.items()}
    bad = tuple((row.line, row.problem) for row in recording.bad)
    shows = {life.row.script.label: _story(life, shown) for life in mine if life.row.script.label}
    return Reconciliation(lines, recording.notes, bad, refused, shows)


def _story(life: Life, shown: Shown) -> str:
    """Say where a made-up report stands."""
    if life.refused:
        return f"refused: {life.refused}"
    state = shown.states.get(life.ticket, "not at the desk")
    return f"{state}{', escalated' if life.escalations else ''}: gridcall trace {life.ticket}"


def _sets(what: str, recorded: frozenset[str], found: Iterable[str], lives: Mapping[str, Life]) -> Line:
    seen = set(found)
    wrong = sorted(recorded ^ seen)
    return Line(what, len(recorded), len(seen), tuple(lives[ticket].row.name for ticket in wrong[:EXAMPLES]))


def table_of(reconciliation: Reconciliation, rows: int) -> Table:
    """Give the table for people."""
    table = Table("", "as recorded", "in gridcall", "", title=f"{rows} reports of the file")
    for line in reconciliation.lines:
        mark = "[green]=[/]" if line.adds_up else "[bold red]≠[/]"
        table.add_row(line.what, f"{line.recorded:g}", f"{line.gridcall:g}", f"{mark} {', '.join(line.about)}".strip())
    return table


def happened(done: Reconciliation) -> dict[str, Any]:
    """Give what an example day shows, name by name."""
    found: dict[str, Any] = {line.what: f"{line.gridcall:g}" for line in done.lines if line.gridcall or line.recorded}
    found |= dict(done.shows)
    return found | {"adds up": "yes" if done.adds_up else "no: run gridcall replay on the file for the lines"}
