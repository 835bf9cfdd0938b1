"""Does the desk give the ledger of points, and who has most? On a real MongoDB."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import pytest

from shared import messages as m
from tests.integration.desk.desk import Desk, desk_on
from tests.unit.desk.lives import Life

COUNCIL, VOLUNTEERS = "unit:council", "unit:volunteers-511102004001"


@pytest.fixture
async def desk(mongo: str) -> AsyncIterator[Desk]:
    """Give a desk of Leshan."""
    async with desk_on(mongo, "leshan") as desk:
        yield desk


async def closed(desk: Desk, name: str, account: str, points: int, rule: str, *, reopened: bool = False) -> str:
    """Let a ticket be closed with a line of the ledger, and give its id."""
    life = Life(name).reported().triaged().issued().signed().done().closed()
    life.fact(m.PointsAwarded(rule=rule, account=account, points=points, closings=1))
    if reopened:
        life.fact(m.TicketReopened(reason="又坏了", reopenings=1))
        life.fact(m.PointsAwarded(rule=rule, account=account, points=-points, closings=1))
    await desk.project(life.messages)
    return life.ticket


async def test_an_account_has_its_lines_and_its_balance(desk: Desk) -> None:
    """What counts under the cap, what was taken back, and the way to each ticket."""
    first = {await closed(desk, f"s{n}", COUNCIL, 30, "self-settled") for n in range(2)}
    undone = await closed(desk, "v", VOLUNTEERS, 10, "volunteering", reopened=True)
    await closed(desk, "w", VOLUNTEERS, 10, "volunteering")
    await desk.project(Life("plain").reported().triaged().issued().signed().done().closed().messages)

    found = await desk.get("/v1/points", account=COUNCIL, period="2026-11")
    assert {each["ticket"] for each in found["lines"]} == first
    assert [(each["points"], each["counted"]) for each in found["lines"]] == [(30, 30), (30, 20)]
    assert (found["counted"], found["balance"]) == (50, 50)
    assert found["lines"][0]["rule"]["zh"] == "自治化解积分"
    assert (await desk.http.get(found["lines"][0]["href"])).status_code == 200
    assert await desk.get("/v1/points", account=COUNCIL, period="2026-11") == found

    taken = await desk.get("/v1/points", account=VOLUNTEERS)
    assert sorted(each["points"] for each in taken["lines"] if each["ticket"] == undone) == [-10, 10]
    assert taken["balance"] == 10
    shown = await desk.get(f"/v1/tickets/{undone}/timeline")
    assert "are taken back" in str(shown)

    later = await desk.get("/v1/points", account=COUNCIL, period="2026-12")
    assert (later["lines"], later["counted"], later["balance"]) == ([], 0, 50)


async def test_the_accounts_with_most_points_and_tables(desk: Desk) -> None:
    """The most first."""
    await closed(desk, "a", COUNCIL, 5, "self-settled")
    await closed(desk, "b", VOLUNTEERS, 10, "volunteering")
    accounts = (await desk.get("/v1/points/accounts", period="2026"))["accounts"]
    assert [(each["account"], each["counted"]) for each in accounts] == [(VOLUNTEERS, 10), (COUNCIL, 5)]
    assert (await desk.get("/v1/points/accounts", period="2025"))["accounts"] == []
    for path, rows in (("/v1/points/accounts?format=csv", 2), (f"/v1/points?account={COUNCIL}&format=csv", 1)):
        text = (await desk.http.get(path)).text.removeprefix("\ufeff")
        assert len(list(csv.DictReader(io.StringIO(text)))) == rows


async def test_wrong_questions_about_points_are_refused(desk: Desk) -> None:
    """A problem, and its sentence."""
    assert await desk.status("/v1/points") == 422
    assert await desk.status("/v1/points?account=somebody") == 422
    assert await desk.status(f"/v1/points?account={COUNCIL}&period=soon") == 422
    assert await desk.status("/v1/points/accounts?surprise=1") == 422
