"""What could not be posted to a department, and what becomes of it? `gridcall webhooks list|redrive|discard`."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from deploy.cli.ask import ask
from deploy.cli.output import FINDING, USAGE, Commands, Failure, Json, out, print_json, printable

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Records that could not be posted to a department.")

PATH: Final = "/ops/webhooks"
Ident = Annotated[str, typer.Argument(help="What `list` shows as id.")]
Department = Annotated[str, typer.Option("--department", help="The profile's name of a department.")]


@app.command(name="list")
def list_letters(department: Department = "", as_json: Json = False) -> None:
    """List the dead letters of webhooks, oldest first; exit 1 when there are any."""
    letters: list[dict[str, Any]] = ask("dispatch", f"{PATH}/dead-letters", **_named(department))
    if as_json:
        print_json({"letters": letters})
    elif not letters:
        out.print("No posting has been given up.")
    for each in () if as_json else letters:
        what = f"{each['type']}  {each['attempts']} attempts, {each['behind']} behind it"
        out.print(f"{each['id']}  {each['ticket']}  {what}  {each['at'][:19].replace('T', ' ')} UTC", markup=False)
        out.print(f"    {printable(each['error'])}", markup=False, style="dim")
    if letters:
        raise typer.Exit(FINDING)


@app.command()
def redrive(
    ident: Annotated[str, typer.Argument(help="What `list` shows as id; left out: all of --department.")] = "",
    department: Department = "",
    as_json: Json = False,
) -> None:
    """Post a dead letter again, and then what waits behind it, in order."""
    if bool(ident) == bool(department):
        raise Failure("Which dead letters?", "Give an id, or --department for all of its.", USAGE)
    _do("redrive", as_json, **({"id": ident} if ident else _named(department)))


@app.command()
def discard(ident: Ident, as_json: Json = False) -> None:
    """Drop a dead letter for good, and post what waits behind it."""
    _do("discard", as_json, id=ident)


def _named(department: str) -> dict[str, str]:
    return {"department": department} if department else {}


def _do(operation: str, as_json: bool, **which: str) -> None:
    done = ask("dispatch", f"{PATH}/{operation}", "POST", **which)
    if as_json:
        print_json(done)
    else:
        out.print(f"{escape(', '.join(done['ids']))}: {escape(done['done'])}")
