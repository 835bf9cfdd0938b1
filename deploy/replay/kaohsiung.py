"""What did Kaohsiung's hotline 1999 record, and what is played for it? Counted from the feed alone.

The feed shows a ticket as it was each time somebody looked: status and unit. The mapping:

- Statuses in their order: 建立中 (being written), 待確認 (to be confirmed), 待處理 (to be handled),
  處理完成 (handled), 解除管制 (released). The unit signs once 待處理 is reached, and has done it once 處理完成
  or 解除管制 is: then gridcall closes. A ticket that the record leaves before that stays open.
- A step back from 處理完成 or 解除管制 to any earlier status is a reopening: it was closed, and is opened again.
- Another unit than before is a hand-over, played before the unit signs. A row without a unit says nothing
  of it (a ticket that is being written often has none).
- What the profile diverts (a fire, a court case) ends there, whatever was recorded.
- A ticket without a category, or with one that the profile does not name, waits for a person: the tool
  names the recorded unit, and the first category of the profile that this unit leads (for the district
  offices, which lead none, the profile's general one).
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from datetime import datetime
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Any, Final

from deploy.replay.life import general_category
from deploy.replay.script import BadRow, Ending, Recording, Row, Script, Stretch, made

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.profile import Profile

SOURCE: Final = "kaohsiung-1999"
MARKS: Final = {"ticket_no", "created_at", "last_status", "unit_name"}
"""Columns by which the feed is known."""
RANKS: Final = {"建立中": 0, "待確認": 1, "待處理": 2, "處理完成": 3, "解除管制": 4}
TO_HANDLE, HANDLED = 2, 3
Step = tuple[str, str]
"""Status and unit."""


def recording(tickets: str, transitions: str, profile: Profile) -> Recording:
    """Give the feed's rows in order of creation, each with what is played for it."""
    steps = _steps(transitions)
    general = general_category(profile)
    rows: list[Row] = []
    bad: list[BadRow] = []
    unknown: set[str] = set()
    for number, found in enumerate(csv.DictReader(io.StringIO(tickets, newline="")), 2):
        try:
            at = datetime.fromisoformat(found["created_at"])
            recorded = steps.get(found["ticket_no"]) or [(found["last_status"], found["unit_name"])]
            stretches = stretches_of(recorded)
        except (KeyError, TypeError, ValueError) as error:
            bad.append(BadRow(number, f"not a row of the feed: {error!r}"))
            continue
        units = {unit for stretch in stretches for unit in stretch.route}
        unknown |= {unit for unit in units if profile.department_by_alias(unit) is None}
        stretches = tuple(_known(stretch, profile) for stretch in stretches)
        body = _body(found)
        script = Script(
            stretches=stretches,
            triage=_triage(found["category"], stretches, profile, general),
            ends=_ending(body, stretches, profile),
        )
        row = made(number, found["ticket_no"], SOURCE, body, script, at.timestamp())
        if isinstance(row, Row):
            rows.append(row)
        else:
            bad.append(row)
    rows.sort(key=lambda row: row.at)
    notes = [] if steps else ["There is no file of transitions: the last status of each ticket is all that is played."]
    if unknown:
        notes.append(f"Units that the profile does not have, so that they are left out: {', '.join(sorted(unknown))}.")
    return Recording(SOURCE, tuple(rows), tuple(bad), tuple(notes))


def _steps(transitions: str) -> dict[str, list[Step]]:
    seen: dict[str, list[tuple[int, str, str]]] = defaultdict(list)
    for found in csv.DictReader(io.StringIO(transitions, newline="")):
        seen[found["ticket_no"]].append((int(found["observed_epoch"]), found["status"], found["unit"]))
    return {
        ticket: [(status, unit) for _, status, unit in sorted(rows, key=lambda row: row[0])]
        for ticket, rows in seen.items()
    }


def stretches_of(steps: Sequence[Step]) -> tuple[Stretch, ...]:
    """Give what was recorded of one ticket, cut where it was opened again; raises ValueError for another status."""
    for status, _ in steps:
        if status not in RANKS:
            raise ValueError(f"unknown status {status!r}: the feed has {', '.join(RANKS)}")
    parts: list[list[Step]] = [[steps[0]]]
    for before, after in pairwise(steps):
        if RANKS[before[0]] >= HANDLED and RANKS[after[0]] < RANKS[before[0]]:
            parts.append([])
        parts[-1].append(after)
    stretches: list[Stretch] = []
    handler = ""
    for part in parts:
        units = [unit for unit, _ in groupby(unit for _, unit in part if unit)]
        if handler and units and units[0] != handler:
            units.insert(0, handler)  # a reopened ticket goes to its last handler first
        handler = units[-1] if units else handler
        highest = max(RANKS[status] for status, _ in part)
        route = tuple(units) if units else (handler,) if handler else ()
        stretches.append(Stretch(route, signed=highest >= TO_HANDLE, done=highest >= HANDLED))
    return tuple(stretches)


def _known(stretch: Stretch, profile: Profile) -> Stretch:
    """Give the stretch with the profile's departments for the feed's names."""
    found = [department.id for unit in stretch.route if (department := profile.department_by_alias(unit))]
    return Stretch(tuple(unit for unit, _ in groupby(found)), stretch.signed, stretch.done)


def _triage(category: str, stretches: tuple[Stretch, ...], profile: Profile, general: str) -> dict[str, Any] | None:
    """Give what the person decides about a ticket whose category says nothing."""
    if category and profile.category_by_alias(category) is not None:
        return None
    route = stretches[0].route
    led = (row.category for row in profile.routing.rows if route and row.lead.department == route[0])
    decided: dict[str, Any] = {"category": next((code for code in led if profile.category(code)), general)}
    if route:
        decided["lead"] = {"kind": "department", "id": route[0]}
    return decided


def _ending(body: dict[str, Any], stretches: tuple[Stretch, ...], profile: Profile) -> Ending:
    if profile.diversion(None, None, body["text"]) is not None:
        return "diverted"
    return "closed" if stretches[-1].done else "open"


def _body(found: dict[str, str]) -> dict[str, Any]:
    """Give the report as the hotline would send it; the feed holds no caller."""
    body: dict[str, Any] = {
        "channel": "hotline",
        "text": found["description"],
        "occurred_at": found["created_at"],
        "source_reference": found["ticket_no"],
        "place": {"address": f"{found['district']}{found['address']}"},
        "caller": {"anonymous": True},
    }
    if found["category"]:
        body["category"] = found["category"]
    return body
