"""How is a recorded day played again, and does the end add up? `gridcall replay FILE`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from deploy.cli.output import FINDING, USAGE, Failure, Json, err, out, print_json
from deploy.local.settings import LocalSettings
from deploy.replay.desk import Desk
from deploy.replay.formats import Format, read_recording
from deploy.replay.play import Counts, Pace, Play
from deploy.replay.reconcile import Reconciliation, happened, reconciled, recorded_of, shown_by, table_of
from deploy.replay.script import Recording
from shared.errors import TryLater
from shared.profile import Profile, find_profile, load_profile

EXAMPLES: Final = Path(__file__).resolve().parents[1] / "profiles" / "examples"
EXAMPLE: Final = EXAMPLES / "yucheng_day.jsonl"
LISTED: Final = 20
"""Bad rows and refusals that are printed one by one."""
LOOKS: Final = 40
LOOK_PAUSE_S: Final = 0.5
"""The desk shows things a moment after they happened: it is asked so often before a line is called wrong."""


def replay(
    file: Annotated[
        Path,
        typer.Argument(
            help="Reports as JSON lines (the body of POST /v1/reports), CSV (columns channel, text, place.grid, "
            "caller.phone …) or the Kaohsiung feed; may be gzipped. A row without an id is known by what it says."
        ),
    ],
    form: Annotated[Format, typer.Option("--format", help="What the file is; auto looks at its first line.")] = "auto",
    rate: Annotated[float | None, typer.Option(min=0.001, help="Reports a second.")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="How much faster than recorded.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many, in order of creation.")] = None,
    transitions: Annotated[Path | None, typer.Option(help="Kaohsiung: transitions, when not beside FILE.")] = None,
    profile: Annotated[str | None, typer.Option(help="The profile that runs; the desk is asked otherwise.")] = None,
    desk: Annotated[str | None, typer.Option(help="Address of the desk; the one of this machine otherwise.")] = None,
    patience: Annotated[float, typer.Option(min=1, help="Seconds without any movement that end the replay.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Feed reports through the hotline's topic, play departments and people as recorded, and reconcile."""
    if rate and speed:
        raise Failure("--rate and --speed contradict each other.", "Give one of them.", USAGE)
    settings = LocalSettings()
    address = desk or f"http://127.0.0.1:{settings.desk_port}"
    if not file.is_file():
        raise Failure(f"There is no file {file}.", "Give the path of a file of reports.", USAGE)
    city = load_profile(find_profile(profile or asyncio.run(_running_profile(address))))
    recording = _limited(_read(file, form, city, transitions), limit)
    done = play_recording(recording, city, settings.kafka_address, address, Pace(rate, speed), patience)
    _say(done, len(recording.rows), as_json=as_json)
    if not done.adds_up:
        raise typer.Exit(FINDING)


def recorded_day(file: str | None, profile: Profile) -> Recording | None:
    """Give the reports of a file, else the day that comes with the profile; None where it has none."""
    day = Path(file) if file else EXAMPLES / f"{profile.name}_day.jsonl"
    return _read(day, "auto", profile, None) if file or day.exists() else None


def replay_day(recording: Recording, profile: Profile, kafka: str, desk: str, *, told: bool) -> dict[str, Any]:
    """Replay as fast as it goes, with the table of `gridcall replay` when `told`; gives what happened, by name."""
    done = play_recording(recording, profile, kafka, desk, Pace(), 20.0)
    if told:
        _say(done, len(recording.rows), as_json=False)
    return happened(done)


def play_recording(
    recording: Recording, profile: Profile, kafka: str, desk: str, pace: Pace, patience_s: float
) -> Reconciliation:
    """Play a recording to its end and reconcile; Failure when it was stopped."""
    try:
        return asyncio.run(_play(recording, profile, kafka, desk, pace, patience_s))
    except KeyboardInterrupt:
        raise Failure("Stopped half-way.", "The same command again continues where it stopped.", FINDING) from None


async def _play(
    recording: Recording, profile: Profile, kafka: str, address: str, pace: Pace, patience_s: float
) -> Reconciliation:
    desk = Desk(address)
    play = Play(recording, profile, kafka, desk, pace, patience_s)
    try:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=not err.is_terminal,
        ) as bars:
            tasks = [bars.add_task(name, total=play.counts.rows) for name in ("sent", "receipts", "as recorded")]

            def watch(counts: Counts) -> None:
                for task, value in zip(tasks, (counts.sent, counts.answered, counts.settled), strict=True):
                    bars.update(task, completed=value)

            await play.run(watch)
        return await _reconcile(play, profile, desk)
    finally:
        await desk.close()


async def _reconcile(play: Play, profile: Profile, desk: Desk) -> Reconciliation:
    """Compare until it adds up, or the desk has had its time."""
    recorded = recorded_of(play.recording, play.lives.values(), profile)
    seen: Reconciliation | None = None
    for _ in range(LOOKS):
        found = reconciled(recorded, await shown_by(desk, play.lives), play.recording, play.lives)
        if found.adds_up or (seen is not None and found.lines == seen.lines):
            return found
        seen = found
        await asyncio.sleep(LOOK_PAUSE_S)
    assert seen is not None  # noqa: S101 - LOOKS is not zero
    return seen


async def _running_profile(address: str) -> str:
    desk = Desk(address)
    try:
        return await desk.profile()
    except TryLater as error:
        raise TryLater(f"{error} Start it, or name the profile by --profile.") from error
    finally:
        await desk.close()


def _read(file: Path, form: Format, profile: Profile, transitions: Path | None) -> Recording:
    try:
        recording = read_recording(file, form, profile, transitions)
    except (OSError, EOFError) as error:
        raise Failure(f"{file} cannot be read: {error}.", "Give a file of reports.", USAGE) from None
    if not recording.rows:
        first = f" Line {recording.bad[0].line}: {recording.bad[0].problem}." if recording.bad else ""
        raise Failure(f"{file} holds no report.{first}", "See 'gridcall replay --help'.", USAGE)
    return recording


def _limited(recording: Recording, limit: int | None) -> Recording:
    return (
        recording
        if limit is None
        else Recording(recording.name, recording.rows[:limit], recording.bad, recording.notes)
    )


def _say(done: Reconciliation, rows: int, *, as_json: bool) -> None:
    if as_json:
        print_json(done.as_dict())
        return
    out.print(table_of(done, rows))
    for note in done.notes:
        out.print(note, markup=False)
    for title, items in (
        ("rows that could not be sent", [f"line {line}: {problem}" for line, problem in done.bad_rows]),
        ("refused", [f"{name}: {why}" for name, why in done.refused.items()]),
    ):
        if items:
            out.print(f"{title}: {len(items)}", *items[:LISTED], sep="\n  ", markup=False)
            if len(items) > LISTED:
                out.print(f"  … and {len(items) - LISTED} more (--json lists all)", markup=False)
    verdict = "All of it adds up." if done.adds_up else "It does not add up: see the lines marked ≠."
    out.print(verdict, style="green" if done.adds_up else "bold red")
