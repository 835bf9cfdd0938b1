"""Does a card over HTTP say what its tickets say, and lead to them? On a real MongoDB."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared import messages as m
from shared.ids import order_id
from tests.integration.desk.desk import Desk, desk_on
from tests.unit.desk.lives import HOUR, Life
from tests.unit.desk.test_scorecards import FIRM

OTHER = m.Handler(kind="unit", id="property-440307003004002")
COMPOUND, COMMUNITY, STREET = "440307003004001", "440307003004", "440307003"
PLACE = m.Location(grid=COMPOUND, community=COMMUNITY, street=STREET, district="440307", unit=COMPOUND)


@pytest.fixture
async def desk(mongo: str) -> AsyncIterator[Desk]:
    """Give a desk of Longgang."""
    async with desk_on(mongo, "longgang") as desk:
        yield desk


async def lived(desk: Desk, name: str, firm: m.Handler, *, reworked: bool = False) -> None:
    """Let a ticket at a compound be handled and closed."""
    life = Life(name).reported().triaged(firm).issued(1, firm).signed(1, firm).done(1, firm)
    if reworked:
        order = order_id(life.ticket, 1)
        life.fact(m.ReworkOrdered(order_id=order, reason="脏", by="甲", reworks=1))
        by = life.now + timedelta(hours=1)
        again = m.OrderReworked(
            order_id=order, handler=firm, reason="脏", handle_by=by, handle_limit=HOUR, warn_share=0.8, attempt=2
        )
        life.fact(again).done(1, firm)
    messages = [
        each._replace(data=each.data.model_copy(update={"place": PLACE}))
        if isinstance(each.data, m.TicketTriaged | m.OrderIssued)
        else each
        for each in life.closed().messages
    ]
    await desk.project(messages)


async def test_firms_are_rated_and_each_figure_opens_to_its_tickets(desk: Desk) -> None:
    """Six tickets of one firm, two of another: stars for the first, no rating and no zero for the second."""
    for number in range(6):
        await lived(desk, f"a{number}", FIRM, reworked=number == 0)
    for number in range(2):
        await lived(desk, f"b{number}", OTHER)
    card = await desk.get("/v1/scorecards/property-stars", period="2026-Q4")
    assert [each["id"] for each in card["rated"][:1]] == [FIRM.id]
    assert len(card["rated"]) == 8
    assert not card["over"]
    by_id = {each["id"]: each for each in card["rated"]}
    first, second = by_id[FIRM.id], by_id[OTHER.id]
    assert (first["tickets"], second["tickets"]) == (6, 2)
    assert first["stars"] in range(1, 6)
    assert (second["total"], second["stars"]) == (None, None)
    assert "fewer than 5" in second["no_rating"]["en"]
    rework = next(row for row in first["rows"] if row["indicator"] == "rework")
    assert (rework["numerator"], rework["denominator"], rework["points"]) == (1, 7, 10.48)
    for row in first["rows"] + second["rows"]:
        tickets = (await desk.http.get(row["href"])).json()["tickets"]
        for part in ("numerator", "denominator"):
            assert sum(each[part] for each in tickets) == row[part], row
    again = await desk.get("/v1/scorecards/property-stars")
    assert again == card, "the running period, and the same once more"
    table = await desk.http.get("/v1/scorecards/property-stars", params={"format": "csv", "of": FIRM.id})
    [line] = csv.DictReader(io.StringIO(table.text.removeprefix("\ufeff")))
    assert (line["id"], line["rework points"]) == (FIRM.id, "10.48")
    groups = await desk.get("/v1/indicators/rework", group_by="department", period="2026-Q4")
    assert {each["key"] for each in groups["groups"]} == {f"@{FIRM.id}", f"@{OTHER.id}"}
    units = await desk.get("/v1/indicators/rework", department="@", period="2026-Q4")
    assert units["denominator"] == groups["denominator"] == 9
    assert len((await desk.http.get(units["links"]["denominator"])).json()["tickets"]) == 8


async def test_units_are_rated_by_what_lies_in_them(desk: Desk) -> None:
    """Whoever handled it."""
    await lived(desk, "a", FIRM)
    await lived(desk, "b", OTHER)
    [street] = (await desk.get("/v1/scorecards/year", period="2026", of=STREET))["rated"]
    assert street["tickets"] == 2
    assert street["total"] is None
    response = street["rows"][0]
    assert response["denominator"] == len((await desk.http.get(response["href"])).json()["tickets"])
    shown = await desk.get(f"/v1/indicators/{response['indicator']}", unit=STREET, period="2026")
    assert (response["numerator"], response["denominator"]) == (shown["numerator"], shown["denominator"])


async def test_wrong_questions_about_cards_are_refused(desk: Desk) -> None:
    """A problem, and its sentence."""
    assert [each["id"] for each in (await desk.get("/v1/scorecards"))["scorecards"]] == ["property-stars", "year"]
    assert await desk.status("/v1/scorecards/nonsense") == 404
    assert await desk.status("/v1/scorecards/year?period=2026-10") == 422
    assert await desk.status("/v1/scorecards/year?of=nobody") == 422
    assert await desk.status("/v1/scorecards/year?surprise=1") == 422
    assert await desk.status("/v1/indicators?department=@nobody") == 422
