"""How does one command bring everything up, show that the loop closes, and take everything down again?"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import signal
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn
from zoneinfo import ZoneInfo

import typer
from rich.table import Column, Table
from rich.text import Text

from deploy.cli.ask import ask
from deploy.cli.explain import show_clocks
from deploy.cli.output import FINDING, UNREACHABLE, USAGE, Failure, Json, err, out, print_json
from deploy.local import virtual_time
from deploy.local.parts import SERVICES
from deploy.local.processes import ServerError
from deploy.local.settings import PROFILE, LocalSettings
from deploy.local.stack import Stack, absolute, complete
from shared.errors import Refused, TryLater
from shared.ids import ticket_id
from shared.messages import ClocksStarted, ClocksStopped, of_kind
from shared.profile import find_profile, load_profile
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from deploy.replay.script import Recording, Row
    from shared.profile import Profile

WIDEST_STATE = len("closed: gridcall trace 0123456789ABCDEF")
"""So wide that a command can be copied from one line."""
CLIMB_BEGINS: Final = datetime(2025, 9, 26, 9, 0)  # noqa: DTZ001 - in the profile's zone, whichever that is
"""The Friday before a National Day with make-up workdays: the Saturday after it is free, and the Sunday counts."""
LEFT_TO_THE_PICTURE: Final = {ClocksStarted.type, ClocksStopped.type}
ASKED: Final = of_kind("command").keys()
"""Left out of a story: what came of it, or why it was refused, is told."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """Somebody asked for the end: Ctrl-C, SIGTERM, or the terminal is gone."""


def up(
    profile: Annotated[str | None, typer.Option(help="Name or path of a profile.")] = None,
    speed: Annotated[float | None, typer.Option(min=0.001, help="How much faster than the world time runs.")] = None,
    replay: Annotated[str | None, typer.Option(help="A file of reports to replay instead of the example day.")] = None,
    no_replay: Annotated[bool, typer.Option("--no-replay", help="Replay nothing.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Return when all is up; 'gridcall down' stops it.")] = False,
    as_json: Json = False,
) -> None:
    """Start Kafka, MongoDB and all services on this machine; Ctrl-C stops all of it."""
    from deploy.cli.replay import recorded_day  # noqa: PLC0415 - the drivers are needed by no other command's start

    settings = _settings(profile, speed)
    city = load_profile(find_profile(settings.profile))
    day = None if no_replay else recorded_day(replay, city)
    climber = _climber(settings, day) if day and replay is None and not as_json and not detach else None
    with _only_one(settings.folder), _stop_signals():
        begins = CLIMB_BEGINS.replace(tzinfo=ZoneInfo(city.zone)) if climber else None
        stack = _ready_to_start(settings, begins)
        (settings.folder / PROFILE).write_text(absolute(settings.profile), encoding="utf-8")
        try:
            _start(stack)
            if not climber:
                virtual_time.go(stack.clock_file)
            told = replay is not None and not as_json
            happened = _replay(stack, city, day, example=replay is None, told=told) if day else {}
            if day and happened and not as_json:
                _tell_stories(stack, city, day)
            _show(stack, city, {} if told else happened, as_json=as_json)
            if climber:
                virtual_time.go(stack.clock_file)
                _tell(stack, city, climber)
            if not detach:
                out.print("Ctrl-C stops all of it.", style="dim")
                _stay(stack)
        except Stopped:
            _take_down(stack)
        except BaseException as error:
            _take_down(stack)
            if isinstance(error, ServerError):
                raise Failure(str(error), f"The logs are in {stack.supervisor.logs}.", UNREACHABLE) from None
            raise


def _settings(profile: str | None, speed: float | None) -> LocalSettings:
    given: dict[str, Any] = {"profile": profile, "clock_speed": speed}
    return LocalSettings(**{name: value for name, value in given.items() if value is not None})


def _climber(settings: LocalSettings, day: Recording) -> Row | None:
    """Give the report whose climb is shown: on servers of our own, where time passes faster than people can wait."""
    from deploy.replay.climb import shown_climb  # noqa: PLC0415 - as above

    servers_of_others = settings.kafka or settings.mongo
    return shown_climb(day) if settings.clock_speed > 1 and not servers_of_others else None


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """Hold the data folder; refuse when another `up` holds it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / "up.lock").open("w")
    except OSError as error:
        what = f"The data folder {folder} cannot be written: {error.strerror}."
        raise Failure(what, "Choose another by GRIDCALL_DATA.", USAGE) from None
    with held as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise _runs_already(folder) from None
        yield


@contextmanager
def _stop_signals() -> Iterator[None]:
    def stop(_number: int, _frame: object) -> NoReturn:
        for each in STOP_SIGNALS:
            signal.signal(each, signal.SIG_IGN)  # the end is under way; a second Ctrl-C must not leave processes
        raise Stopped

    before = [(each, signal.signal(each, stop)) for each in STOP_SIGNALS]
    try:
        yield
    finally:
        for each, handler in before:
            signal.signal(each, handler)


def _runs_already(folder: Path) -> Failure:
    return Failure(f"gridcall already runs on {folder}.", "Stop it by 'gridcall down', or set GRIDCALL_DATA.", FINDING)


def _ready_to_start(settings: LocalSettings, begins: datetime | None) -> Stack:
    stack = Stack(settings)
    if stack.supervisor.pid():
        raise _runs_already(settings.folder)
    if not settings.kafka and settings.kafka_security_protocol != "PLAINTEXT":
        raise Failure(
            f"GRIDCALL_KAFKA_SECURITY_PROTOCOL is {settings.kafka_security_protocol!r}, but the Kafka that is started "
            "here is for this machine alone and speaks PLAINTEXT.",
            "Name a Kafka of your own by GRIDCALL_KAFKA, or unset GRIDCALL_KAFKA_SECURITY_PROTOCOL.",
            USAGE,
        )
    for port, parts in stack.ports().items():
        if len(parts) > 1:
            names = " and ".join(part.name for part in parts)
            variables = " or ".join(part.port_variable for part in parts)
            raise Failure(f"{names} are given the same port {port}.", f"Choose another by {variables}.", USAGE)
    taken = stack.taken_ports()
    if taken:
        ports = ", ".join(f"{stack.port(part)} ({part.name})" for part in taken)
        variables = ", ".join(part.port_variable for part in taken)
        raise Failure(f"Port {ports} is taken by another program.", f"Choose another by {variables}.", UNREACHABLE)
    return Stack(complete(settings, begins))


def _start(stack: Stack) -> None:
    from deploy.cli import topics  # noqa: PLC0415 - as above

    with err.status("starting Kafka and MongoDB") as status:
        stack.start_servers(status.update)
        status.update("creating topics and indexes")
        topics.apply(stack.settings.kafka_address, stack.settings.profile)
        topics.indexes(stack.settings.mongo_address)
        stack.start_services(status.update)


def _replay(stack: Stack, city: Profile, day: Recording, *, example: bool, told: bool) -> dict[str, Any]:
    """Replay a given file, or the example day the first time that this data folder is used."""
    from deploy.cli.replay import replay_day  # noqa: PLC0415 - as above

    marker = stack.folder / "example-replayed"
    if example and marker.exists():
        return {}
    desk = stack.url(next(part for part in SERVICES if part.name == "desk"))
    happened = replay_day(day, city, stack.settings.kafka_address, desk, told=told)
    if example:
        marker.touch()
    return happened


def _show(stack: Stack, city: Profile, happened: dict[str, Any], *, as_json: bool) -> None:
    places = _places(stack, city)
    if as_json:
        print_json({"happened": happened, "look": places})
        return
    if happened:
        table = Table("what happened", Column("", min_width=WIDEST_STATE, overflow="fold"))
        for name, value in happened.items():
            table.add_row(name, str(value))
        out.print(table)
    out.print("\nwhere to look", style="bold")
    width = max(map(len, places)) + 2
    for name, place in places.items():
        out.print(f"{name:{width}}{place}", markup=False)  # a line each, whole: it gets copied


def _tell_stories(stack: Stack, city: Profile, day: Recording) -> None:
    """Print what happened in those matters of a day that show something."""
    from deploy.replay.desk import Desk  # noqa: PLC0415 - as above
    from deploy.replay.story import stories  # noqa: PLC0415 - as above

    async def told() -> None:
        desk = Desk(stack.url(next(part for part in SERVICES if part.name == "desk")))
        try:
            for label, entries in await stories(desk, day):
                out.print(f"\n{label}", style="bold", markup=False)
                for entry in entries:
                    if entry["type"] not in ASKED:
                        _say(entry, ZoneInfo(city.zone))
        finally:
            await desk.close()

    try:
        asyncio.run(told())
    except (TryLater, Refused) as error:
        err.print(str(error), style="red", markup=False)


def _tell(stack: Stack, city: Profile, row: Row) -> None:
    """Print what happens to a report that nobody signs, while it happens, and then why each deadline was when it was.

    On a later start it is told only where it is not over yet.
    """
    from deploy.replay.climb import climb, climbs  # noqa: PLC0415 - as above
    from deploy.replay.desk import Desk  # noqa: PLC0415 - as above

    ticket, zone = ticket_id(row.source, row.id), ZoneInfo(city.zone)

    async def follow() -> bool:
        desk = Desk(stack.url(next(part for part in SERVICES if part.name == "desk")))
        try:
            if not await climbs(desk, row):
                return False
            out.print(f"\nnobody signs {ticket}", style="bold")
            out.print(
                f"{stack.settings.clock_speed:g} times as fast as the world; Ctrl-C stops all of it.", style="dim"
            )
            await climb(desk, row, city.top.id, lambda entry: _say(entry, zone))
            return True
        finally:
            await desk.close()

    try:
        if asyncio.run(follow()):
            out.print(f"\ngridcall explain {ticket}", style="bold")
            show_clocks(ask("desk", f"/v1/tickets/{ticket}/deadlines"))
    except (TryLater, Refused, Failure) as error:
        if stack.supervisor.pid():  # else somebody has stopped all of it meanwhile
            err.print(str(error), style="red", markup=False)


def _say(entry: dict[str, Any], zone: ZoneInfo) -> None:
    if entry["type"] not in LEFT_TO_THE_PICTURE:
        at = datetime.fromisoformat(entry["at"]).astimezone(zone)
        words = entry["sentence"]
        out.print(Text(f"{at:%a %Y-%m-%d %H:%M}  ", "dim").append(words["zh"], "default"))
        out.print(Text(" " * 22 + words["en"]))


def _places(stack: Stack, city: Profile) -> dict[str, str]:
    services = {part.name: part for part in SERVICES}
    topic = dispatch_topic(city.departments[0].topic)
    return {
        "desk": stack.url(services["desk"]),
        "send a report": f"POST {stack.url(services['intake'])}/v1/reports",
        "an order, as a department sees it": f"kcat -b {stack.settings.kafka_address} -t {topic} -C -o beginning -e",
        **{f"metrics of {name}": f"{stack.url(part)}/metrics" for name, part in services.items()},
        "Prometheus": stack.unwatched or stack.prometheus.address,
        "logs": str(stack.supervisor.logs),
    }


def _stay(stack: Stack) -> None:
    """Return when supervisord ends, which is what `gridcall down` in another shell does; Failure when it was killed."""
    pid = stack.supervisor.pid()
    if not pid:
        return
    handle, end = os.pidfd_open(pid), None
    try:
        select.select([handle], [], [])
        with contextlib.suppress(ChildProcessError):
            end = os.waitid(os.P_PIDFD, handle, os.WEXITED)
    finally:
        os.close(handle)
    if end is not None and end.si_code != os.CLD_EXITED:
        raise Failure("The supervisor was killed; all parts end by themselves.", "Start again.", UNREACHABLE)


def _take_down(stack: Stack) -> None:
    with err.status("stopping services, then Kafka, then MongoDB"):
        stopped = stack.stop()
    if stopped:
        err.print("All parts are stopped; the data stays for the next start.")
