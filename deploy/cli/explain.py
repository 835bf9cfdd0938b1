"""Why is each deadline of a ticket when it is? `gridcall explain TICKET`."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

import typer
from rich.text import Text

from deploy.cli.ask import ask
from deploy.cli.output import Json, out, print_json
from deploy.cli.picture import legend, picture


def explain(ticket: Annotated[str, typer.Argument(help="A ticket's id.")], as_json: Json = False) -> None:
    """Explain every clock of a ticket: a sentence on what sets its limit, and a picture of its time."""
    found = ask("desk", f"/v1/tickets/{quote(ticket, safe='')}/deadlines")
    if as_json:
        print_json(found)
        return
    show_clocks(found)


def show_clocks(found: dict[str, Any]) -> None:
    """Print what the desk says of a ticket's clocks."""
    if not found["deadlines"]:
        out.print(f"{found['id']} ({found['state']}) has no clocks: they begin with its first order.")
        return
    now, zone = datetime.fromisoformat(found["now"]), ZoneInfo(found["zone"])
    out.print(Text(f"{found['id']} · {found['state']} · {now.astimezone(zone):%Y-%m-%d %H:%M} {found['zone']}", "bold"))
    for clock in found["deadlines"]:
        _explain(clock, now, zone)
    out.print()
    for line in legend():
        out.print(line)


def _explain(clock: dict[str, Any], now: datetime, zone: ZoneInfo) -> None:
    name, used, left, paused = (clock[field] for field in ("name", "used", "remaining", "paused"))
    style = "bold red" if clock["overdue"] or clock["state"] in {"late", "breached"} else "bold"
    of_order = f" · {clock['order_id']}" if clock["order_id"] else ""
    out.print()
    out.print(Text(f"{name['zh']} {name['en']}{of_order} · {clock['state']}", style))
    for line in (clock["sentence"]["zh"], clock["sentence"]["en"], *picture(clock, now, zone)):
        out.print(Text("  ").append(line))
    out.print(Text(f"  已用 used {used['en']} · 剩余 left {left['en']} · 暂停 paused {paused['en']}", "dim"))
    warnings = ", ".join(_warning(each, zone) for each in clock["warnings"]) or "-"
    out.print(Text(f"  预警 warnings {warnings} · 配置版本 profile {clock['profile_version'] or '-'}", "dim"))


def _warning(warning: dict[str, Any], zone: ZoneInfo) -> str:
    at = datetime.fromisoformat(warning["at"]).astimezone(zone)
    return f"{at:%Y-%m-%d %H:%M}" + (" (已发 given)" if warning["given"] else "")
