"""Is the file of departments sound, and what could not be posted to one? `gridcall webhooks ...`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer
from rich.markup import escape

from deploy.cli.ask import ask
from deploy.cli.output import FINDING, USAGE, Commands, Failure, Json, out, print_json, printable
from deploy.local.settings import LocalSettings
from services.dispatch.webhooks.file import WebhooksInvalid, load
from shared.profile import ProfileInvalid, find_profile, load_profile

app = typer.Typer(
    cls=Commands, no_args_is_help=True, help="Departments without Kafka, and what could not be posted to one."
)

PATH: Final = "/ops/webhooks"
Ident = Annotated[str, typer.Argument(help="What `list` shows as id.")]
Department = Annotated[str, typer.Option("--department", help="The profile's name of a department.")]


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="The file that GRIDCALL_WEBHOOKS is to name.")],
    secrets: Annotated[bool, typer.Option(help="Whether to look for the secrets too, as dispatch will.")] = True,
    as_json: Json = False,
) -> None:
    """Say what must change in a file of departments without Kafka, with file and line; exit 1 when anything must."""
    try:
        found = load(file, load_profile(find_profile(LocalSettings().profile)), secrets=secrets)
    except ProfileInvalid as invalid:
        raise Failure(str(invalid), "Correct the profile that GRIDCALL_PROFILE names first.") from None
    except WebhooksInvalid as invalid:
        faults = [asdict(fault) for fault in invalid.faults]
        typer.echo(json.dumps({"ok": False, "errors": faults}) if as_json else str(invalid), err=not as_json)
        raise typer.Exit(FINDING) from None
    posted = sum(each.entry.url is not None for each in found.values())
    if as_json:
        print_json({"ok": True, "posted_to": posted, "pulling": len(found) - posted})
    else:
        out.print(f"{file} is sound: {posted} departments are posted to, {len(found) - posted} pull", markup=False)


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
