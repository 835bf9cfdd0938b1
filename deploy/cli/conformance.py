"""Is a department's client fit for its real topic? `gridcall conformance` plays gridcall to a test department."""

from __future__ import annotations

import asyncio
import re
import sys
from dataclasses import asdict, dataclass
from typing import Annotated, Final

import typer

from deploy.cli.output import FINDING, USAGE, Failure, Json, cell, err, folded, out, print_json
from deploy.conformance.cases import CASES, Case
from deploy.conformance.checks import Verdict
from deploy.conformance.play import Manner, Play
from deploy.conformance.wire import TopicsOf
from deploy.local.settings import LocalSettings
from shared.chance import random_id
from shared.clock import RealClock
from shared.errors import Refused
from shared.profile import find_profile, load_profile
from shared.security import client_security

NAME: Final = re.compile("[a-z0-9-]{1,60}")
COLOURS: Final = {"passed": "green", "failed": "bold red", "not tried": "yellow"}
RESTART_S: Final = 120


@dataclass(frozen=True, slots=True)
class Told:
    """One row of the report."""

    case: str
    expected: str
    came: str
    result: str


def conformance(
    *,
    department: Annotated[str, typer.Option(help="Short name of a TEST department, as in its topics.")],
    bootstrap: Annotated[str, typer.Option(help="Kafka, HOST:PORT; left out: GRIDCALL_KAFKA.")] = "",
    only: Annotated[list[str] | None, typer.Option("--case", help="Only this case; may be repeated.")] = None,
    patience: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for what should come.")] = 30.0,
    quiet: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for what should not come.")] = 3.0,
    restart_command: Annotated[str, typer.Option(help="Shell command that restarts the client.")] = "",
    yes_really: Annotated[bool, typer.Option("--yes-really", help="The profile's own department may be used.")] = False,
    as_json: Json = False,
) -> None:
    """Try a department's client case by case and say what it gets wrong; exit 1 when anything is."""
    settings = LocalSettings().addressed()
    kafka = bootstrap or settings.kafka_address
    _admit(department, settings.profile, yes_really=yes_really)
    cases = _chosen(only or [])
    manner = Manner(patience, quiet, lambda: _restart(restart_command, ask=not as_json and sys.stdin.isatty()))
    wire = TopicsOf(
        kafka if ":" in kafka else f"{kafka}:9092",
        department,
        settings.group("dispatch", "updates"),
        client_security(settings),
    )
    try:
        told = asyncio.run(_run(department, wire, manner, cases, quiet=as_json))
    except Refused as refused:
        raise Failure(refused.detail, code=USAGE) from refused
    bad = sum(row.result == "failed" for row in told)
    if as_json:
        print_json({"department": department, "failed": bad, "cases": [asdict(row) for row in told]})
    else:
        _show(department, told)
    if bad or not any(row.result == "passed" for row in told):
        raise typer.Exit(FINDING)


def _admit(department: str, profile: str, *, yes_really: bool) -> None:
    """Refuse a name that no topic can have, and a department that people work for."""
    if not NAME.fullmatch(department):
        raise Failure(f"{department!r} is no department's name.", "Use small letters, digits and hyphens.", USAGE)
    known = load_profile(find_profile(profile)).departments
    if any(department in {each.id, each.topic} for each in known) and not yes_really:
        raise Failure(
            f"{department} is a real department of the profile {profile}: its people would get test orders.",
            "Choose a test department of another name, or say --yes-really.",
            USAGE,
        )


def _chosen(only: list[str]) -> tuple[Case, ...]:
    unknown = set(only) - {case.id for case in CASES}
    if unknown:
        there_are = ", ".join(case.id for case in CASES)
        raise Failure(f"There is no case {', '.join(sorted(unknown))}.", f"There are {there_are}.", USAGE)
    return tuple(case for case in CASES if not only or case.id in only)


async def _run(
    department: str, topics: TopicsOf, manner: Manner, cases: tuple[Case, ...], *, quiet: bool
) -> list[Told]:
    told = []
    async with topics as wire:
        play = Play(department, random_id(), wire, RealClock(), manner)
        for case in cases:
            if not quiet:
                err.print(f"{case.id}: {case.expected}", style="dim", markup=False)
            verdict: Verdict = await play.case(case)
            told.append(Told(case.id, case.expected, verdict.came, verdict.result))
    return told


async def _restart(command: str, *, ask: bool) -> bool:
    """Restart the client, or have it restarted; False when nobody can."""
    if command:
        process = await asyncio.create_subprocess_shell(command, stdout=asyncio.subprocess.DEVNULL)
        try:
            return bool(await asyncio.wait_for(process.wait(), RESTART_S) == 0)
        except TimeoutError:
            process.kill()
            return False
    if ask:
        err.print("Restart the client now, then press Enter (or write 'no'). 请重启客户端后按回车。", style="bold")
        line: str = await asyncio.to_thread(sys.stdin.readline)
        return line.strip().lower() != "no"
    return False


def _show(department: str, told: list[Told]) -> None:
    table = folded("case", "expected", "came", "", title=f"the client of {department}")
    for row in told:
        colour = COLOURS[row.result]
        table.add_row(cell(row.case), cell(row.expected), cell(row.came), f"[{colour}]{row.result}[/{colour}]")
    out.print(table)
    counts = {result: sum(row.result == result for row in told) for result in COLOURS}
    out.print(", ".join(f"{count} {result}" for result, count in counts.items()), markup=False)
