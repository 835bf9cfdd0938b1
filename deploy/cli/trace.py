"""What happened to a ticket? `gridcall trace TICKET`: the line of facts and commands, each with its sentence."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer

from deploy.cli.ask import ask
from deploy.cli.output import Json, cell, folded, out, print_json

PREFIX: Final = "gridcall.ticket."
TIMER: Final = re.compile(r"(?<=/)\w+\.timer(?=/)")


def trace(ticket: Annotated[str, typer.Argument(help="A ticket's id.")], as_json: Json = False) -> None:
    """Show everything that happened to a ticket and everything that was asked for, in order."""
    found = ask("desk", f"/v1/tickets/{quote(ticket, safe='')}/timeline")
    if as_json:
        print_json(found)
        return
    zone, numbers = ZoneInfo(found["zone"]), {entry["id"]: entry["n"] for entry in found["timeline"]}
    title = f"{found['id']} · {found['state']}"
    table = folded("n", f"at ({zone.key})", "type", "what", "because of", title=title)
    for entry in found["timeline"]:
        table.add_row(*_cells(entry, numbers, zone))
    out.print(table)
    if found["left_out"]:
        out.print(f"{found['left_out']} entries in the middle are left out; the log has them all.")


def _cells(entry: dict[str, Any], numbers: dict[str, int], zone: ZoneInfo) -> tuple[str, ...]:
    cause, at = entry["causation"] or "", datetime.fromisoformat(entry["at"]).astimezone(zone)
    return (
        str(entry["n"]),
        f"{at:%a %Y-%m-%d %H:%M:%S}",
        cell(entry["type"].removeprefix(PREFIX)),
        cell(f"{entry['sentence']['zh']}\n{entry['sentence']['en']}"),
        _because(cause, numbers),
    )


def _because(cause: str, numbers: dict[str, int]) -> str:
    """Give the line of a cause; a timer is no message, so it has none and its instant is that of the entry."""
    if cause in numbers:
        return str(numbers[cause])
    timer = TIMER.search(cause)
    return timer[0] if timer else cell(cause)
