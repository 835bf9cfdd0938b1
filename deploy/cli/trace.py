"""What happened to a ticket? `gridcall trace TICKET`: the line of facts and commands, each with its sentence."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from deploy.cli.ask import ask
from deploy.cli.output import Json, cell, folded, out, print_json

PREFIX: Final = "gridcall.ticket."


def trace(ticket: Annotated[str, typer.Argument(help="A ticket's id.")], as_json: Json = False) -> None:
    """Show everything that happened to a ticket and everything that was asked for, in order."""
    found = ask("desk", f"/v1/tickets/{quote(ticket, safe='')}/timeline")
    if as_json:
        print_json(found)
        return
    table = folded("n", "at (UTC)", "type", "what", "because of", title=f"{found['id']} · {found['state']}")
    numbers = {entry["id"]: entry["n"] for entry in found["timeline"]}
    for entry in found["timeline"]:
        table.add_row(*_cells(entry, numbers))
    out.print(table)
    if found["left_out"]:
        out.print(f"{found['left_out']} entries in the middle are left out; the log has them all.")


def _cells(entry: dict[str, Any], numbers: dict[str, int]) -> tuple[str, ...]:
    cause = entry["causation"] or ""
    return (
        str(entry["n"]),
        entry["at"].replace("T", " ").removesuffix("Z"),
        cell(entry["type"].removeprefix(PREFIX)),
        cell(f"{entry['sentence']['zh']}\n{entry['sentence']['en']}"),
        f"{numbers[cause]}" if cause in numbers else cell(cause),
    )
