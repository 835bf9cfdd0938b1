"""How well does the city answer? `gridcall indicators`: every figure of a unit and a period, as the desk counts it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.table import Table

from deploy.cli.ask import ask, ask_text
from deploy.cli.output import USAGE, Failure, Json, cell, folded, out, print_json

Name = Annotated[str | None, typer.Argument(help="One indicator; left out: all.")]
Unit = Annotated[str, typer.Option(help="A territorial unit of any level.")]
Department = Annotated[str, typer.Option(help="What this department has done.")]
Category = Annotated[str, typer.Option(help="A code of the catalogue, or the beginning of codes: 01*.")]
Period = Annotated[str, typer.Option(help="A day 2026-11-22, a week 2026-W47 or a month 2026-11.")]
Begin = Annotated[str, typer.Option("--from", help="The first day; left out: a week.")]
End = Annotated[str, typer.Option("--to", help="The last day; left out: now.")]
By = Annotated[str, typer.Option(help="Of one indicator: by unit, department, category or day.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print a table for a spreadsheet.")]


def indicators(
    name: Name = None,
    unit: Unit = "",
    department: Department = "",
    category: Category = "",
    period: Period = "",
    begin: Begin = "",
    end: End = "",
    by: By = "",
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """Show the city's indicators, or one of them in groups; the desk lists the tickets behind each."""
    if by and name is None:
        raise Failure("Groups are of one indicator.", "Name one: gridcall indicators response --by unit.", USAGE)
    given = {"unit": unit, "department": department, "category": category, "period": period}
    given |= {"from": begin, "to": end, "group_by": by}
    asked = {key: text for key, text in given.items() if text}
    path = "/v1/indicators" + (f"/{quote(name, safe='')}" if name else "")
    if as_csv:
        typer.echo(ask_text("desk", path, **asked, format="csv"), nl=False)
        return
    found = ask("desk", path, **asked)
    if as_json:
        print_json(found)
        return
    zone = ZoneInfo(found["zone"])
    first, last = (f"{datetime.fromisoformat(found[end]).astimezone(zone):%Y-%m-%d %H:%M}" for end in ("from", "to"))
    out.print(f"{first} – {last} {zone.key} · {unit or 'the whole city'}", style="bold", markup=False)
    if name is None:
        out.print(_all(found["indicators"]))
    else:
        _one(found)


def _all(rows: list[dict[str, Any]]) -> Table:
    table = folded("indicator", "", "value", "of")
    for row in rows:
        table.add_row(
            row["name"], cell(f"{row['title']['zh']} {row['title']['en']}"), value(row, row["kind"]), _of(row)
        )
    return table


def _one(found: dict[str, Any]) -> None:
    title, definition = found["title"], found["definition"]
    out.print(f"{title['zh']} {title['en']}: {value(found, found['kind'])} ({_of(found)})", style="bold", markup=False)
    for part in ("numerator", "denominator"):
        out.print(f"  {part}: {definition[part]['zh']} · {definition[part]['en']}", markup=False)
    if found.get("groups"):
        table = folded(found["group_by"], "", "value", "of")
        for row in found["groups"]:
            name = row["name"]
            table.add_row(cell(row["key"]), cell(f"{name['zh']} {name['en']}"), value(row, found["kind"]), _of(row))
        out.print(table)


def value(row: dict[str, Any], kind: str) -> str:
    """Give a share in percent, a mean as it is, and a dash for what there was none of."""
    if row["value"] is None:
        return "-"
    return f"{100 * row['value']:.1f} %" if kind == "share" else f"{row['value']:.2f}"


def _of(row: dict[str, Any]) -> str:
    return f"{row['numerator']} of {row['denominator']}"
