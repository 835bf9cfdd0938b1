"""How are the read models made anew from the log? `gridcall rebuild`: beside the living ones, then swapped."""

from __future__ import annotations

import asyncio
import gc
from typing import Annotated, Any

import typer
from rich.progress import Progress
from rich.table import Table

from deploy.cli.output import FINDING, Failure, Json, err, out, print_json
from deploy.local.settings import LocalSettings
from services.desk.rebuild import Rebuild, Report, Unsound
from shared.clock import clock_from
from shared.log import configure
from shared.mongo import Mongo
from shared.profile import find_profile, load_profile
from shared.settings import Settings


def rebuild(
    check: Annotated[
        bool, typer.Option("--check", help="Compare ticket by ticket with the living ones before the swap.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the read models anew and swap; exit 1 when --check finds a difference, and then the living ones stay."""
    settings = LocalSettings().addressed()
    configure("rebuild", settings.log, "warning")
    gc.set_threshold(50_000, 20, 20)  # as shared/service.py: cached tickets are no garbage
    with Progress(console=err, transient=True, disable=as_json) as progress:
        task = progress.add_task("reading the log", total=None)
        try:
            report = asyncio.run(
                _run(settings, check, lambda done, all_: progress.update(task, completed=done, total=all_ or None))
            )
        except Unsound as error:
            raise Failure(f"Not swapped: {error}.", "The living read models are untouched.", FINDING) from error
        except KeyboardInterrupt:
            raise Failure(
                "Stopped half-way: the desk goes on with whole read models.", "The same command again begins anew."
            ) from None
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report)
    if report.different_count:
        raise typer.Exit(FINDING)


async def _run(settings: Settings, check: bool, told: Any) -> Report:
    mongo = Mongo(settings.mongo)
    try:
        await mongo.ping()
        profile = load_profile(find_profile(settings.profile))
        clock = clock_from(settings.clock_speed, settings.clock_origin)
        return await Rebuild(settings, profile, mongo, clock, told).run(check=check)
    finally:
        mongo.close()


def _print(report: Report) -> None:
    table = Table("", "", show_header=False)
    table.add_row("events", f"{report.events:,}")
    table.add_row("seconds", f"{report.seconds:.1f}")
    table.add_row("events a second", f"{report.events_per_s:,.0f}")
    table.add_row("tickets", f"{report.tickets:,}")
    if report.checked is not None:
        table.add_row("compared", f"{report.checked:,}")
        table.add_row("equal", f"{report.equal:,}")
        table.add_row("different", f"{report.different_count:,}")
    out.print(table)
    if report.different_count:
        err.print("Not swapped: these differ from the living read models: " + ", ".join(report.different), markup=False)
    elif not report.events:
        out.print("The desk has read nothing yet, so there was nothing to rebuild.")
    else:
        out.print(f"The read models are those of generation {report.generation} now.")
