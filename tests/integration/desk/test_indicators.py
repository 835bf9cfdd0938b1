"""Can everybody see how the city stands, and open each figure down to its tickets? On a real MongoDB."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.desk.indicators import INDICATORS
from services.desk.store import FIGURE_FIELDS
from shared import messages as m
from tests.integration.desk.desk import Desk, desk_on
from tests.unit.desk.lives import POLICE, START, WATER, Life
from tests.unit.desk.test_indicators import RandomLife, recounted
from tests.unit.profile.small import SMALL

GRID = "511802001001002"
COMMUNITY, STREET = "511802001001", "511802001"
ALL = {"from": START.isoformat(), "to": (START + timedelta(days=1)).isoformat()}


@pytest.fixture
async def desk(mongo: str) -> AsyncIterator[Desk]:
    """Give a desk with a database of its own."""
    async with desk_on(mongo) as desk:
        yield desk


async def everything(desk: Desk, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """Give all pages of a list."""
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = await desk.get(path, limit=7, **parameters, **({"cursor": cursor} if cursor else {}))
        found += page["tickets"]
        cursor = page["cursor"]
        if cursor is None:
            return found


async def test_figures_over_http_are_a_recount_of_the_log_and_open_down_to_their_tickets(desk: Desk) -> None:
    """Sixty random lives: every indicator, every group, and every list of tickets says the same."""
    chance = random.Random(7)  # noqa: S311 - lives, not secrets
    theirs: dict[str, list[int]] = {each.name: [0, 0] for each in INDICATORS}
    for _ in range(60):
        life = RandomLife(chance).live()
        await desk.project(life.messages)
        for (name, _handler), (n, of) in recounted(life.messages).items():
            theirs[name][0] += n
            theirs[name][1] += of
    listed = {each["name"]: each for each in (await desk.get("/v1/indicators", **ALL))["indicators"]}
    assert listed.keys() == theirs.keys()
    for name, (n, of) in theirs.items():
        shown = listed[name]
        assert shown["denominator"] == of, name
        if name != "rushed":  # what is a rush the calendar says
            assert shown["numerator"] == n, name
        for group_by in ("department", "unit", "category", "day"):
            whole = await desk.get(f"/v1/indicators/{name}", group_by=group_by, **ALL)
            assert (whole["numerator"], whole["denominator"]) == (shown["numerator"], of)
            for part in ("numerator", "denominator"):
                assert sum(each[part] for each in whole["groups"]) == shown[part], (name, group_by)
        for part in ("numerator", "denominator"):
            tickets = await everything(desk, f"/v1/indicators/{name}/tickets", part=part, **ALL)
            assert sum(each[part] for each in tickets) == shown[part], (name, part)
            assert len({each["id"] for each in tickets}) == len(tickets)


async def test_a_figure_is_narrowed_by_place_department_category_and_time(desk: Desk) -> None:
    """A unit of any level, one handler, a class of categories, and only what was closed in the period."""
    place = m.Location(grid=GRID, community=COMMUNITY, street=STREET, district="511802", unit=GRID)
    for name, lead in (("a", POLICE), ("b", WATER)):
        life = Life(name).reported().triaged(lead).issued(1, lead).signed(1, lead).done(1, lead).closed()
        messages = [
            each._replace(data=each.data.model_copy(update={"place": place}))
            if isinstance(each.data, m.TicketTriaged | m.OrderIssued)
            else each
            for each in life.messages
        ]
        await desk.project(messages)
    path = "/v1/indicators/response"

    async def of(**parameters: str) -> int:
        return int((await desk.get(path, **(ALL | parameters)))["denominator"])

    assert await of() == 2
    for unit in (GRID, COMMUNITY, STREET, "511802"):
        assert await of(unit=unit) == 2
    assert await of(unit="511802002") == 0
    assert await of(category="0101") == 2
    assert await of(category="01*") == 2
    assert await of(category="02*") == 0
    assert await of(to=START.isoformat(), **{"from": (START - timedelta(days=1)).isoformat()}) == 0
    whole = await desk.get(path, group_by="unit", unit=STREET, **ALL)
    assert [(each["key"], each["denominator"]) for each in whole["groups"]] == [(COMMUNITY, 2)]
    opened = await desk.http.get(whole["groups"][0]["href"])
    assert len(opened.json()["tickets"]) == 2


async def test_tables_for_spreadsheets_compute_nothing(desk: Desk) -> None:
    """What a citizen writes is text, whatever it begins with."""
    life = Life("csv").reported(text="=HYPERLINK(1)", source_reference="@x").triaged().issued().signed().done().closed()
    messages = [
        each._replace(data=each.data.model_copy(update={"description": "=HYPERLINK(1)"}))
        if isinstance(each.data, m.TicketTriaged)
        else each
        for each in life.messages
    ]
    await desk.project(messages)
    answer = await desk.http.get("/v1/indicators/response/tickets", params=ALL | {"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    [row] = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert row["description"] == "'=HYPERLINK(1)"
    assert row["source_reference"] == "'@x"
    for path in ("/v1/indicators", "/v1/indicators/response"):
        table = await desk.http.get(path, params=ALL | {"format": "csv"})
        assert table.status_code == 200
        assert list(csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff"))))


async def test_wrong_questions_are_refused_with_what_to_ask(desk: Desk) -> None:
    """A problem, and its sentence."""
    assert await desk.status("/v1/indicators/nonsense") == 404
    assert await desk.status("/v1/indicators?unit=nowhere") == 422
    assert await desk.status("/v1/indicators?department=nobody") == 422
    assert await desk.status("/v1/indicators?period=whenever") == 422
    assert await desk.status("/v1/indicators/response?group_by=moon") == 422
    assert await desk.status("/v1/indicators?surprise=1") == 422
    assert await desk.status("/v1/indicators/response/tickets?cursor=zzz") == 400


async def test_figures_of_closed_tickets_come_out_of_an_index(desk: Desk) -> None:
    """Of a city's month, two million views would have to be read otherwise."""
    await desk.project(Life("figures-index").straight().messages)
    for field in ("closed_at", "reported_at"):
        match = {"open": False, "closed_at": {"$gte": START}, field: {"$gte": START}, "area": {"$in": ["x", GRID]}}
        group = {"_id": {"f": "$figures", "k": "$category"}, "n": {"$sum": 1}}
        pipeline: list[dict[str, Any]] = [{"$match": match}, {"$group": group}]
        command = {"aggregate": "tickets", "pipeline": pipeline, "cursor": {}}
        told = await desk.service.db.command("explain", command, verbosity="executionStats")
        assert "'totalDocsExamined': 0" in str(told)
        assert "IXSCAN" in str(told)
    assert "figures" in FIGURE_FIELDS


FORMER, PRESENT = "100000001001001", "100000001001002"
MERGED = (
    SMALL.replace(f'  - id: "{FORMER}"\n    level: grid', '  - id: "100000001001003"\n    level: grid', 1)
    .replace(
        f'{{id: "{PRESENT}", level: grid,', f'{{id: "{PRESENT}", was: ["{FORMER}"], since: 2026-11-01, level: grid,'
    )
    .replace(f'grids: ["{FORMER}", "{PRESENT}"]', f'grids: ["{PRESENT}"]')
)


async def test_tickets_of_a_former_unit_are_found_under_the_one_that_it_became(mongo: str, tmp_path: Path) -> None:
    """YC-14: projected before the boundaries changed, on every list and in every figure after it."""
    file = tmp_path / "merged.yaml"
    file.write_text(MERGED, encoding="utf-8")
    async with desk_on(mongo, str(file)) as desk:
        grid = m.Handler(kind="unit", id=FORMER)
        await desk.project(Life("closed").straight().messages)
        await desk.project(Life("open").reported().triaged(grid).issued(1, grid).messages)
        await desk.service.db["tickets"].update_many({}, {"$set": {"units": [FORMER, "100000001001"], "area": FORMER}})
        for code in (FORMER, PRESENT):
            listed = await desk.get("/v1/tickets", unit=code)
            assert [each["area"] for each in listed["tickets"]] == [FORMER, FORMER]
            assert len((await desk.get("/v1/orders", unit=code))["orders"]) == 1
            assert (await desk.get("/v1/indicators/response", unit=code, **ALL))["denominator"] == 1
        below = await desk.get("/v1/indicators/response", unit="100000001001", group_by="unit", **ALL)
        assert [each["key"] for each in below["groups"]] == [PRESENT]
        tree = (await desk.get("/v1/units"))["units"][0]
        grids = tree["units"][0]["units"][0]["units"]
        [merged] = [each for each in grids if "was" in each]
        assert (merged["id"], merged["was"], merged["since"]) == (PRESENT, [FORMER], "2026-11-01")
