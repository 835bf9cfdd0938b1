"""Is a profile sound before a service is started with it? `gridcall profile ...`."""

from __future__ import annotations

import json
from typing import Annotated, Final

import typer

from shared.profile import Profile, ProfileError, ProfileInvalid, find_profile, load_profile

app = typer.Typer(no_args_is_help=True, help="Profiles: everything that a city may want different.")

_FINDING: Final = 1
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
File = Annotated[str, typer.Argument(help="A profile's path, or the name of one that comes with gridcall.")]
Old = Annotated[str | None, typer.Option(help="Compare with this profile only, and ask no running stack.")]
By = Annotated[str, typer.Option(help="Who decided it: stands on the timeline of every ticket.")]


@app.command()
def check(
    file: File,
    as_json: Json = False,
) -> None:
    """Say what must change in a profile, with file and line; exit 1 when anything must."""
    try:
        profile = load_profile(find_profile(file))
    except ProfileInvalid as invalid:
        typer.echo(_findings_json(invalid) if as_json else str(invalid), err=not as_json)
        raise typer.Exit(_FINDING) from None
    if not as_json:
        for warning in profile.warnings:
            typer.echo(f"warning: {warning}", err=True)
    typer.echo(json.dumps(_facts(profile), ensure_ascii=False) if as_json else _line(profile))


@app.command("diff")
def _diff(new: File, old: Old = None, as_json: Json = False) -> None:
    """Say what a profile would change for open tickets; changes nothing."""
    from deploy.cli import policy  # noqa: PLC0415 - the drivers are needed by no other command of this group

    policy.diff(new, old, as_json)


@app.command("apply")
def _apply(new: File, by: By, as_json: Json = False) -> None:
    """Pin every open ticket to a profile that the services run with."""
    from deploy.cli import policy  # noqa: PLC0415 - as above

    policy.apply(new, by, as_json)


@app.command("suggest")
def _suggest(file: File, as_json: Json = False) -> None:
    """Print rows that returned tickets suggest for the matrix; changes nothing, and asks the running desk."""
    from deploy.cli.suggest import suggest  # noqa: PLC0415 - no other command of this group asks a service

    suggest(file, as_json=as_json)


@app.command("remap")
def _remap(by: By, as_json: Json = False) -> None:
    """Move open tickets of units that were merged or renamed (`was`), at the running desk."""
    from deploy.cli.remap import remap  # noqa: PLC0415 - as above

    remap(by, as_json=as_json)


def _findings_json(invalid: ProfileInvalid) -> str:
    return json.dumps({"ok": False, "errors": _places(invalid.errors)}, ensure_ascii=False)


def _places(errors: tuple[ProfileError, ...]) -> list[dict[str, object]]:
    return [{"file": each.file, "line": each.line, "pointer": each.pointer, "detail": each.message} for each in errors]


def _facts(profile: Profile) -> dict[str, object]:
    return {
        "ok": True,
        "name": profile.name,
        "version": profile.version,
        "units": len(profile.units),
        "departments": len(profile.departments),
        "roads": len(profile.roads),
        "categories": len(profile.categories),
        "conditions": sum(len(category.conditions) for category in profile.categories),
        "routing_rows": len(profile.routing.rows),
        "warnings": _places(profile.warnings),
    }


def _line(profile: Profile) -> str:
    facts = _facts(profile)
    facts["warnings"] = len(profile.warnings)
    counts = ", ".join(f"{facts[key]} {key.replace('_', ' ')}" for key in list(facts)[3:])
    return f"{profile.name} {profile.version} is sound: {counts}"
