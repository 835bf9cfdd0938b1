"""What could not be handled, and what becomes of it? `gridcall dead-letters list|show|redrive|discard|resume`.

Every service keeps its own dead letters and parked tickets; these commands ask all of them.
"""

from __future__ import annotations

import base64
from collections.abc import Collection
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer
from rich.markup import escape

from deploy.cli.ask import ask
from deploy.cli.output import FINDING, UNREACHABLE, USAGE, Commands, Failure, Json, err, out, print_json, printable
from shared.settings import PORTS

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Unreadable records and parked tickets.")

STATES: Final = ("open", "redriven", "discarded")
Ident = Annotated[str, typer.Argument(help="What `list` shows as id: an origin, or a parked ticket.")]
Service = Annotated[str, typer.Option("--service", help="The service that has it; left out: whichever has.")]


def _services(service: str) -> tuple[str, ...]:
    if service and service not in PORTS:
        raise Failure(f"There is no service {service!r}.", f"Use one of {', '.join(PORTS)}.", USAGE)
    return (service,) if service else tuple(PORTS)


def _asked(
    service: str, path: str, method: str = "GET", **parameters: str
) -> tuple[dict[str, Any], dict[str, Failure]]:
    """Give what each service answers, and how the others failed."""
    answers: dict[str, Any] = {}
    failures: dict[str, Failure] = {}
    for name in _services(service):
        try:
            answers[name] = ask(name, path, method, **parameters)
        except Failure as failure:
            failures[name] = failure
    return answers, failures


def _one(service: str, path: str, ident: str, method: str = "GET") -> dict[str, Any]:
    """Give the answers of those that have a letter; raises Failure when none has, or some cannot be asked."""
    answers, failures = _asked(service, f"{path}/{quote(ident, safe='/')}", method)
    away = [failure for failure in failures.values() if failure.code == UNREACHABLE]
    if not answers:
        if away:
            raise away[0]
        raise Failure(
            f"No service has a dead letter or a parked ticket {ident}.", "Look at 'gridcall dead-letters list'."
        )
    return answers


@app.command(name="list")
def list_letters(
    state: Annotated[str, typer.Option(help="open, redriven or discarded.")] = "open",
    service: Service = "",
    as_json: Json = False,
) -> None:
    """List dead letters and parked tickets; exit 1 when any are open, 3 when a service cannot be asked."""
    if state not in STATES:
        raise Failure(f"There is no state {state!r}.", f"Use one of {', '.join(STATES)}.", USAGE)
    answers, failures = _asked(service, "/ops/dead-letters", state=state)
    letters = [letter for found in answers.values() for letter in found]
    if as_json:
        print_json({"letters": letters, "unreachable": {name: f.sentence for name, f in failures.items()}})
    else:
        _print(letters, state, answers, failures)
        for failure in failures.values():
            err.print(escape(failure.sentence))
    if failures:
        raise typer.Exit(UNREACHABLE)
    if letters and state == "open":
        raise typer.Exit(FINDING)


def _print(letters: list[dict[str, Any]], state: str, asked: Collection[str], away: Collection[str]) -> None:
    """Print two lines for each letter, so that an id can be copied whole from a narrow terminal."""
    if not letters and asked:
        nothing = f"No {state} dead letters" + (", no parked tickets" if state == "open" else "")
        out.print(f"{nothing} in {', '.join(asked)}." if away else f"{nothing}.")
    width = max((len(each["id"]) for each in letters), default=0)
    for each in letters:
        what = f"parked, {each['queued']} queued" if each["kind"] == "parked" else each["reason"]
        at = each["at"][:19].replace("T", " ")
        out.print(f"{each['id']:{width}}  {each['service']:8}  {what}  {at} UTC", markup=False)
        out.print(f"    {printable(each['detail'])}", markup=False, style="dim")


@app.command()
def show(ident: Ident, service: Service = "", as_json: Json = False) -> None:
    """Show one letter with its headers and, where it holds no personal data, its value."""
    answers = _one(service, "/ops/dead-letters", ident)
    if as_json:
        print_json({"letters": list(answers.values())})
        return
    for letter in answers.values():
        for name, value in letter.items():
            if name == "value" and value is not None:
                text = base64.b64decode(value).decode("utf-8", "backslashreplace")
                out.print(f"{name:10} {printable(text)}", markup=False)
            elif value not in (None, ""):
                out.print(f"{name:10} {value}", markup=False)


@app.command()
def redrive(ident: Ident, service: Service = "", as_json: Json = False) -> None:
    """Send a record again to where it came from, or try a parked ticket's queue again."""
    _do("redrive", ident, service, as_json)


@app.command()
def discard(ident: Ident, service: Service = "", as_json: Json = False) -> None:
    """Settle a letter without sending it, or drop the record at the head of a parked ticket's queue."""
    _do("discard", ident, service, as_json)


def _do(operation: str, ident: str, service: str, as_json: bool) -> None:
    """Carry an operation out in the one service that has the letter."""
    having = _one(service, "/ops/dead-letters", ident)
    if len(having) > 1:
        raise Failure(f"{', '.join(having)} have a letter {ident}.", "Name one of them with --service.", USAGE)
    name = next(iter(having))
    done = ask(name, f"/ops/{operation}/{quote(ident, safe='/')}", "POST")
    if as_json:
        print_json({"service": name, **done})
    else:
        out.print(f"{name}: {escape(done['id'])}: {escape(done['done'])}")


@app.command()
def resume(
    topic: Annotated[str, typer.Argument(help="The topic that a burst of poison has paused.")],
    service: Service = "",
    as_json: Json = False,
) -> None:
    """Let every service that has paused a topic read it again."""
    answers, failures = _asked(service, "/ops/resume", "POST", topic=topic)
    away = [failure for failure in failures.values() if failure.code == UNREACHABLE]
    if not answers:
        raise away[0] if away else Failure(f"No service has paused {topic}.", "Look at 'gridcall status'.")
    if as_json:
        print_json({"topic": topic, "resumed": list(answers), "unreachable": [f.sentence for f in away]})
        return
    out.print(f"{escape(topic)} is read again by {', '.join(answers)}.")
