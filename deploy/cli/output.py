"""How does every command answer people and machines, and how does it say that something is wrong?

People get tables and lines, machines one JSON object with `--json`. The exit code is 0, or 1 for a finding,
2 for a wrong call, 3 for a part that is unreachable. An error is one sentence and what to do, on stderr.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Final

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table
from typer.core import TyperGroup

from shared.errors import Refused, TryLater
from shared.profile import ProfileInvalid

FINDING: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3

JSON_FLAG: Final = "--json"
Json = Annotated[bool, typer.Option(JSON_FLAG, help="Print one JSON object.")]
"""The type of every command's `as_json` parameter."""

out = Console(soft_wrap=True, highlight=False)
err = Console(stderr=True, soft_wrap=True, highlight=False)


class Failure(Exception):  # noqa: N818 - it is the end of a command, not a bug
    """A command cannot do what was asked: one sentence, what to do, and the exit code."""

    def __init__(self, sentence: str, todo: str = "", code: int = FINDING) -> None:
        """Take the sentence, what to do about it, and one of FINDING, USAGE, UNREACHABLE."""
        super().__init__(sentence)
        self.sentence = sentence
        self.todo = todo
        self.code = code


class Commands(TyperGroup):
    """A group whose commands may raise Failure and the project's own errors instead of printing them."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; an error that names its remedy becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except (Failure, ProfileInvalid, Refused, TryLater, ValidationError) as error:
            failure = as_failure(error)
            report(failure)
            raise typer.Exit(failure.code) from None


def as_failure(error: Exception) -> Failure:
    """Give what a command says about one of the project's own errors."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, TryLater):
        return Failure(str(error), "Look at 'gridcall status', and try again.", UNREACHABLE)
    if isinstance(error, ValidationError):
        return Failure(_settings_sentence(error), "Correct the option or the variable.", USAGE)
    if isinstance(error, ProfileInvalid):
        return Failure(str(error), "Correct the profile; 'gridcall profile check FILE' reads it alone.", FINDING)
    return Failure(str(error))


def report(failure: Failure) -> None:
    """Print a failure on stderr, as JSON when the command was called with --json."""
    if JSON_FLAG in sys.argv:
        sys.stderr.write(json.dumps({"error": failure.sentence, "do": failure.todo}, ensure_ascii=False) + "\n")
        return
    err.print(failure.sentence, style="bold red", markup=False)
    if failure.todo:
        err.print(failure.todo, markup=False)


def folded(*names: str, title: str | None = None) -> Table:
    """Give a table that folds what is too wide: dates and Chinese sentences stay whole in a narrow terminal."""
    return Table(*(Column(name, overflow="fold") for name in names), title=title)


def printable(text: str) -> str:
    """Give a text in which nothing steers the terminal: somebody else wrote it."""
    return "".join(c if c.isprintable() or c in "\n\t" else c.encode("unicode_escape").decode() for c in text)


def cell(text: object) -> str:
    """Give what stands in a table as it is."""
    return escape(printable(str(text)))


def print_json(content: object) -> None:
    """Print one JSON object on stdout."""
    sys.stdout.write(json.dumps(content, ensure_ascii=False, default=str) + "\n")


def _settings_sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    name = "_".join(str(each) for each in first["loc"]).upper()
    said = str(first["msg"]).removeprefix("Value error, ")
    return f"GRIDCALL_{name} is {first['input']!r}: {said[:1].lower()}{said[1:]}."
