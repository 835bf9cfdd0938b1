"""A city changes its limits: what would that do to open tickets, who decides it, and what does the department hear?"""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.ids import ticket_id
from shared.profile import find_profile, load_profile
from tests.support import forked
from tests.support.city import ROOT, City
from tests.support.waiting import eventually

pytestmark = pytest.mark.asyncio


def written(folder: Path, name: str, limit: str) -> str:
    """Write the default profile with another limit for everything that is handled."""
    text = find_profile("yucheng").read_text(encoding="utf-8")
    rows = f"  limits:\n    - {{clock: handle, limit: {limit}}}\n"
    path = folder / f"{name}.yaml"
    path.write_text(text.replace("  limits: # the first row", f"{rows}# the first row", 1), encoding="utf-8")
    return str(path)


async def gridcall(city: City, *words: str) -> tuple[int, str]:
    """Run a command as an operator does."""
    run = await asyncio.to_thread(forked.run, "deploy.cli", *words, env=city.env, cwd=ROOT)
    return run.returncode, run.stdout + run.stderr


async def test_open_tickets_keep_their_rules_until_somebody_applies_others(tmp_path: Path) -> None:
    """Two hours become five: nothing moves by itself, the dry run says what would, and the word of a person does it."""
    old, new, never = (written(tmp_path, name, f"{hours} urgent_hours") for name, hours in
                       (("old", 2), ("new", 5), ("never", 9)))  # fmt: skip
    versions = {name: load_profile(name).version for name in (old, new)}
    async with City(tmp_path, profile=old) as city:
        ticket = ticket_id("test/policy", "1")
        await city.report("test/policy", "1", channel="hotline", category="0112", text="路面不洁",
                          place={"grid": "511802001002001"})  # fmt: skip
        department, order = await _ordered(city, ticket)
        issued, due = (datetime.fromisoformat(order[name]) for name in ("issued_at", "handle_by"))
        assert due == issued + timedelta(hours=2)
        assert order["profile_version"] == versions[old]

        city.profile = new
        for service in ("sla", "dispatch"):
            city.stop(service)
            city.start(service)
        for service in ("sla", "dispatch"):
            await city.ready(service)
        code, said = await gridcall(city, "profile", "diff", new, "--json")
        assert code == 0, said
        told = json.loads(said)
        assert told["rules"][versions[old]]["/clocks/limits/0/limit"] == {
            "old": "2 urgent_hours",
            "new": "5 urgent_hours",
        }
        assert (told["open_tickets"]["tickets"], told["open_tickets"]["limits"]) == (1, {"later": 2})
        moves = {move["clock"]: move["new"] for move in told["open_tickets"]["examples"][0]["moves"]}
        assert moves.keys() == {"sign", "handle"}  # nobody may sign later than it must be handled
        assert datetime.fromisoformat(moves["handle"]) == issued + timedelta(hours=5)
        assert [seen.type for seen in await city.orders(department)] == ["gridcall.order.issued.v1"]

        code, said = await gridcall(city, "profile", "apply", never, "--by", "王")
        assert code == 1, said
        assert "sla has not run with" in said
        code, said = await gridcall(city, "profile", "apply", new, "--by", "王")
        assert (code, "1 open tickets are told" in said) == (0, True), said

        async def changed() -> bool:
            return len(await city.orders(department)) > 1

        await eventually(changed, what="the department hears of it")
        (change,) = (await city.orders(department))[1:]
        assert change.type == "gridcall.order.changed.v1"
        assert datetime.fromisoformat(change.value["changes"]["handle_by"]["new"]) == issued + timedelta(hours=5)
        code, said = await gridcall(city, "profile", "apply", new, "--by", "王")
        assert "0 open tickets are told" in said
        code, said = await gridcall(city, "profile", "diff", new)
        assert "No open ticket follows other rules" in said


async def _ordered(city: City, ticket: str) -> tuple[str, dict[str, Any]]:
    """Give the department that has the ticket's order, and the order."""
    found: list[tuple[str, dict[str, Any]]] = []

    async def issued() -> bool:
        for department in city.departments:
            found.extend((department, seen.value) for seen in await city.orders(department) if seen.key == ticket)
        return bool(found)

    await eventually(issued, what="the order")
    return found[0]
