"""Do open tickets outlive their grid? A whole city whose boundaries change between two starts (YC-14)."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from shared.ids import ticket_id
from shared.settings import PORTS
from tests.support.city import City
from tests.support.waiting import eventually
from tests.unit.dispatch.orders import G1
from tests.unit.dispatch.test_remap import MERGED_TEXT, NEW
from tests.unit.profile.small import SMALL


@pytest.mark.timeout(300)
async def test_open_tickets_are_moved_to_the_grid_that_theirs_became(tmp_path: Path) -> None:
    """They go on under the former code, until the command moves them; history keeps it."""
    file = tmp_path / "city.yaml"
    file.write_text(SMALL, encoding="utf-8")
    async with City(tmp_path / "city", profile=str(file)) as city:
        ident = ticket_id("test", "r1")
        await city.report("test", "r1", channel="hotline", category="0501", text="漏水", place={"grid": G1})

        async def ordered() -> bool:
            return bool((await city.ticket(ident)).get("orders"))

        await eventually(ordered, timeout_s=40, what="the order")
        for service in PORTS:
            city.stop(service)
        file.write_text(MERGED_TEXT, encoding="utf-8")
        for service in PORTS:
            city.start(service)
        for service in PORTS:
            await city.ready(service)
        signed = await city.command(ident, "sign", "k1", order_id=f"{ident}-1", by="李")
        assert signed.status_code == 200, signed.text
        for moved in (1, 0):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "deploy.cli", "profile", "remap", "--by", "Zhou", "--json",
                env=city.env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            out, _ = await process.communicate()
            assert process.returncode == 0, out.decode()
            said = json.loads(out)
            assert said == {"units": {G1: NEW}, "moved": {G1: 1} if moved else {}, "refused": []}

            async def is_there() -> bool:
                return bool((await city.ticket(ident))["place"]["unit"] == NEW)

            await eventually(is_there, timeout_s=20, what="the ticket in its new grid")
        told = (await city.http.get(city.url("desk", f"/v1/tickets/{ident}/timeline"))).json()["timeline"]
        [amended] = [entry for entry in told if entry["type"] == "gridcall.ticket.amended.v1"]
        assert G1 in json.dumps(amended, ensure_ascii=False)
