"""Which parts run, and which of them do their work?"""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.markup import escape

from deploy.cli.output import UNREACHABLE, Json, out, print_json
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack


def status(as_json: Json = False) -> None:
    """Show the state of every part, one line each; exit 3 when one is unreachable."""
    states = Stack(LocalSettings()).states()
    ready = all(state.ready for state in states)
    if as_json:
        print_json({"ready": ready, "parts": [asdict(state) for state in states]})
    else:
        for state in states:
            word = "[green]ready    [/]" if state.ready else "[red]not ready[/]"
            out.print(f"{state.name:10} {word} {state.process:16} {state.address}  {escape(state.detail)}".rstrip())
    if not ready:
        raise typer.Exit(UNREACHABLE)
