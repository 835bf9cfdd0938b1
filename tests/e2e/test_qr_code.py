"""Somebody scans the code at their door, fills in the form, and follows it until it is done."""

from __future__ import annotations

import re
from html import unescape

import httpx
import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATH = "/q/YC001004001"
GRID = "511802001004001"
DISPATCHER = "东城派遣员"


async def test_a_form_becomes_a_ticket_at_the_place_of_its_code(city: Story) -> None:
    """Sent twice it is one; a person gives it a category; the page says what the hotline would be told."""
    form = await city.http.get(city.url("intake", PATH))
    assert form.status_code == httpx.codes.OK
    (token,) = re.findall(r'name="form" value="([^"]+)"', form.text)
    filled = {"form": token, "service": "hazard", "text": "路口的灯不亮", "phone": "13900000000"}
    taken = [await city.http.post(city.url("intake", PATH), data=filled) for _ in range(2)]
    assert [answer.status_code for answer in taken] == [httpx.codes.CREATED] * 2
    assert taken[0].text == taken[1].text
    (link,) = re.findall(r'href="(/q/track/[^"]+)"', taken[0].text)
    (ticket,) = re.findall(r"/q/track/([0-9A-Z]+)\?", link)
    await city._published(ticket, ticket)

    assert (await city.facts(ticket))["reported"] == 1
    waiting = await city.ticket(ticket)
    assert (waiting["state"], waiting["channel"], waiting["missing"]) == ("triage", "qr", ["category"])
    assert await city.timeline(ticket, "triage-needed") == [
        "It waits for a person at Dongcheng Street to triage it; missing: category."
    ]
    await city.decides(ticket, "triage", by=DISPATCHER, category="路灯坏了", condition="single")
    placed = await city.ticket(ticket)
    assert (placed["place"]["grid"], placed["request"]) == (GRID, "tip-off")
    order = await city.ordered("shizheng", ticket)
    (issued,) = await city.told("shizheng", "gridcall.order.issued.v1", ticket)
    assert issued.value["place"]["grid"] == GRID
    assert "13900000000" not in str([record.value for record in await city.log()])

    await city.does("shizheng", "sign", order)
    page = await city.http.get(city.url("intake", unescape(link)))
    assert page.status_code == httpx.codes.OK
    for words in ("已签收,处置中", "Signed for, being handled", "Municipal Works"):
        assert words in page.text
