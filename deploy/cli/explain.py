"""Why is each deadline of a ticket when it is? `gridcall explain TICKET`."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import typer
from rich.markup import escape
from rich.table import Table

from deploy.cli.ask import ask
from deploy.cli.output import Json, out, print_json


def explain(ticket: Annotated[str, typer.Argument(help="A ticket's id.")], as_json: Json = False) -> None:
    """Explain every clock of a ticket: its limit, what sets it, when it began, what became of it."""
    found = ask("desk", f"/v1/tickets/{quote(ticket, safe='')}/deadlines")
    if as_json:
        print_json(found)
        return
    if not found["deadlines"]:
        out.print(f"{found['id']} ({found['state']}) has no clocks: they begin with its first order.")
        return
    table = Table("clock", "due (UTC)", "state", "why", title=f"{found['id']} · {found['state']}")
    for clock in found["deadlines"]:
        name = clock["clock"] if clock["level"] is None else f"{clock['clock']} {clock['level']}"
        state = f"[red]{clock['state']}[/]" if clock["overdue"] else clock["state"]
        due = clock["due_at"].replace("T", " ").removesuffix("Z")
        table.add_row(escape(name), due, state, escape(f"{clock['sentence']['zh']}\n{clock['sentence']['en']}"))
    out.print(table)
