"""What are the three rates of a week, and what do they cost to count?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest_asyncio

from services.desk.store import RATE_FIELDS, Views
from shared import messages as m
from tests.integration.desk.desk import Desk, desk_on
from tests.unit.desk.lives import START, Life
from tests.unit.profile.small import SMALL


@pytest_asyncio.fixture
async def desk(mongo: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk of a small city."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    async with desk_on(mongo, str(file)) as one:
        yield one


async def test_the_rates_of_tickets_closed_since(desk: Desk) -> None:
    """Open ones and earlier ones count for none; with none at all there are no rates."""
    views = Views(desk.service.db)
    assert await views.rates(START) == {}
    lives = [Life(f"rate-{n}").straight() for n in range(3)]
    lives[0].fact(m.CalledBack(rating=5, by="caller"))
    lives[1].fact(m.CalledBack(rating=2, by="caller"))
    lives.append(Life("rate-open").reported().triaged().issued().signed())
    for life in lives:
        await desk.project(life.messages)
    rates = await views.rates(START)
    assert rates["response"] == (3, 3)
    assert rates["solution"] == (0, 0), "closed by a rule: nobody has said that it is solved"
    assert rates["satisfaction"] == (1, 2)
    assert await views.rates(START + timedelta(days=1)) == {}


async def test_the_rates_are_counted_out_of_an_index(desk: Desk) -> None:
    """Of a city's week, a hundred thousand views would have to be read otherwise."""
    await desk.project(Life("rate-index").straight().messages)
    match = {"open": False, "closed_at": {"$gte": START}}
    group = {"_id": None, **{str(n): {"$sum": f"${name}"} for n, name in enumerate(RATE_FIELDS)}}
    pipeline: list[dict[str, Any]] = [{"$match": match}, {"$group": group}]
    command = {"aggregate": "tickets", "pipeline": pipeline, "cursor": {}}
    told = await desk.service.db.command("explain", command, verbosity="executionStats")
    assert "'totalDocsExamined': 0" in str(told)
    assert "IXSCAN" in str(told)
