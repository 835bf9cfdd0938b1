"""Which changes of the matrix do tickets suggest, counted over the read models, and at no cost for the others?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from shared import messages as m
from shared.ids import order_id
from tests.integration.desk.desk import Desk, desk_on
from tests.unit.desk.lives import CATEGORY, GRID, POLICE, WATER, Life
from tests.unit.profile.small import SMALL


@pytest_asyncio.fixture
async def desk(mongo: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk of a small city."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    async with desk_on(mongo, str(file)) as one:
        yield one


def suggesting(name: str, handler: m.Handler = POLICE, place: str = GRID) -> Life:
    """Give a life in which another one than the matrix chose has done it."""
    life = Life(name).straight()
    return life.fact(
        m.RoutingSuggested(
            order_id=order_id(life.ticket, 1), category=CATEGORY, level="grid", place=place, rule="routing row 2",
            chosen=WATER, handler=handler,
        )
    )  # fmt: skip


async def test_suggestions_are_counted_and_named(desk: Desk) -> None:
    """The most frequent first, with the tickets that it can be opened down to."""
    assert await desk.get("/v1/routing-suggestions") == {"suggestions": []}
    lives = [suggesting("one"), suggesting("two", place="100000001001002")]
    lives.append(suggesting("three", m.Handler(kind="unit", id="100000001001")))
    for life in [*lives, Life("plain").straight()]:
        await desk.project(life.messages)
    first, second = (await desk.get("/v1/routing-suggestions"))["suggestions"]
    assert (first["category"], first["condition"], first["count"]) == ("0101", "building", 2)
    assert (first["chosen"], first["handler"], first["handler_name"]["zh"]) == (
        "department:water",
        "department:police",
        "公安",
    )
    assert first["places"] == [GRID, "100000001001002"]
    assert set(first["tickets"]) == {lives[0].ticket, lives[1].ticket}
    assert (second["count"], second["handler"]) == (1, "unit:100000001001")
    assert await desk.status("/v1/routing-suggestions?x=1") == 422


async def test_a_ticket_without_one_is_in_no_index_of_them(desk: Desk) -> None:
    """What is looked up reads those tickets alone."""
    for number in range(5):
        await desk.project(Life(f"plain-{number}").straight().messages)
    await desk.project(suggesting("one").messages)
    pipeline: list[dict[str, Any]] = [{"$match": {"suggestion.category": {"$exists": True}}}]
    command = {"aggregate": "tickets", "pipeline": pipeline, "cursor": {}}
    told = await desk.service.db.command("explain", command, verbosity="executionStats")
    assert "'totalDocsExamined': 1" in str(told)
    assert "IXSCAN" in str(told)


async def test_what_was_done_for_the_record_can_be_opened_down_to_its_tickets(desk: Desk) -> None:
    """It stands beside the view of a closed ticket, and on the ticket."""
    life = Life("again").straight()
    life.fact(m.TicketReopened(reason="又漏", by="caller", reopenings=1)).fact(
        m.TicketClosed(outcome="forced", closings=2, by="Li")
    )
    await desk.project(life.messages)
    assert (await desk.get(f"/v1/tickets/{life.ticket}"))["conduct"] == {"reopened": 1}
    found = await desk.service.db["tickets"].find_one({"conduct.reopened": 1}, {"_id": 1})
    assert found == {"_id": life.ticket}
