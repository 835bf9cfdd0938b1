"""Who does how well? `gridcall scorecards`: the ratings of a period, as the desk reckons them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from deploy.cli.ask import ask, ask_text
from deploy.cli.output import USAGE, Failure, Json, cell, folded, out, print_json

Card = Annotated[str | None, typer.Argument(help="One card; left out: which there are.")]
Period = Annotated[str, typer.Option(help="2026-10, 2026-Q4 or 2026, as the card has them; left out: the running one.")]
Of = Annotated[str, typer.Option(help="One of those whom the card rates: row by row.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet.")]


def scorecards(card: Card = None, period: Period = "", of: Of = "", as_csv: Csv = False, as_json: Json = False) -> None:
    """Show the ratings of a scorecard, or one of them row by row."""
    if card is None and (period or of or as_csv):
        raise Failure("Ratings are of one card.", "Name one: gridcall scorecards lists them.", USAGE)
    path = "/v1/scorecards" + (f"/{quote(card, safe='')}" if card else "")
    asked = {key: text for key, text in {"period": period, "of": of}.items() if text}
    if as_csv:
        typer.echo(ask_text("desk", path, **asked, format="csv"), nl=False)
        return
    found = ask("desk", path, **asked)
    if as_json:
        print_json(found)
    elif card is None:
        table = folded("card", "", "each")
        for row in found["scorecards"]:
            table.add_row(row["id"], cell(_name(row)), row["each"])
        out.print(table)
    else:
        so_far = "" if found["over"] else " · so far"
        out.print(f"{_name(found)} · {found['period']}{so_far}", style="bold", markup=False)
        _ratings(found["rated"])
        if of:
            _rows(found["rated"][0]["rows"])


def _ratings(rated: list[dict[str, Any]]) -> None:
    table = folded("", "", "tickets", "total", "stars")
    for row in rated:
        why = (row["no_rating"] or {}).get("en", "")
        whole = why if row["total"] is None else f"{row['total']:.2f}"
        table.add_row(row["id"], cell(_name(row)), str(row["tickets"]), whole, "★" * (row["stars"] or 0))
    out.print(table)


def _rows(rows: list[dict[str, Any]]) -> None:
    table = folded("indicator", "value", "target", "met", "reckoned")
    for row in rows:
        value = "-" if row["value"] is None else f"{row['value']:g}"
        met = {True: "yes", False: "no", None: "-"}[row["met"]]
        table.add_row(row["indicator"], value, f"{row['target']:g}", met, row["reckoned"] or "no figure: left out")
    out.print(table)


def _name(row: dict[str, Any]) -> str:
    return f"{row['name']['zh']} {row['name']['en']}"
