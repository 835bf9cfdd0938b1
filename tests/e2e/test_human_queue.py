"""What the profile does not decide waits for a person; what is not ours is passed on, with a sentence."""

from __future__ import annotations

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
DISPATCHER = "东城派遣员"
GRID = {"grid": "511802001004001"}


async def test_without_a_category_a_person_triages(city: Story) -> None:
    """It waits at the street, which is told what is missing until nothing is; then the order goes out."""
    ticket = await city.hotline_reports(text="晚上路口太黑", place=GRID)
    waiting = await city.ticket(ticket)
    assert (waiting["state"], waiting["waits_at"], waiting["missing"]) == ("triage", "511802001", ["category"])
    queue = await city.http.get(city.url("desk", "/v1/tickets?state=triage&unit=511802001"))
    assert [each["id"] for each in queue.json()["tickets"]] == [ticket]

    assert await city.is_refused(ticket, "triage", by=DISPATCHER) == ("missing", "Still missing: the category.")
    assert await city.is_refused(ticket, "triage", by=DISPATCHER, category="9012") == (
        "missing",
        "Still missing: the filing condition. Choose one of one lamp (single), fallen or bare wire (wire).",
    )
    shizheng = {"kind": "department", "id": "shizheng"}
    assert (await city.is_refused(ticket, "assign", by=DISPATCHER, to=shizheng, reason="路灯"))[0] == "not-triaged"
    assert await city.heard("shizheng", ticket) == []

    facts = await city.decides(ticket, "triage", by=DISPATCHER, category="路灯坏了", condition="single")
    assert facts == ["triaged"]
    order = await city.ordered("shizheng", ticket)
    assert (await city.is_refused(ticket, "triage", by=DISPATCHER, category="9011"))[0] == "already-triaged"
    await city.does("shizheng", "sign", order)
    await city.does("shizheng", "done", order, result="已换灯")
    assert (await city.ticket(ticket))["state"] == "closed"
    assert await city.timeline(ticket, "triage-needed", "triaged") == [
        "It waits for a person at Dongcheng Street to triage it; missing: category.",
        f"{DISPATCHER} triaged it: Street lamp out, severity IV, led by Municipal Works.",
    ]
    assert await city.facts(ticket) == {
        "reported": 1, "triage-needed": 1, "triaged": 1, "order-issued": 1, "order-signed": 1, "order-done": 1,
        "verified": 1, "closed": 1, "command-refused": 4,
    }  # fmt: skip


async def test_the_profile_passes_on_what_is_not_ours(city: Story) -> None:
    """Nobody here gets an order; whoever asked reads where to turn."""
    ticket = await city.hotline_reports(text="12306 退票一直没到账", category="9009", place=GRID)
    assert await city.receipted(ticket) == [
        ("accepted", ""),
        ("diverted", "铁路事项请拨打12306。 For the railway call 12306."),
        ("closed", ""),
    ]
    closed = await city.ticket(ticket)
    assert (closed["state"], closed["outcome"], closed["orders"]) == ("closed", "diverted", [])
    assert await city.facts(ticket) == {"reported": 1, "diverted": 1, "closed": 1}
    assert await city.timeline(ticket, "diverted") == [
        "Diverted to the railway's own line as not a matter for this loop: For the railway call 12306."
    ]


async def test_a_person_passes_on_what_is_not_ours(city: Story) -> None:
    """Out of the queue, with a sentence of their own, once."""
    ticket = await city.hotline_reports(text="高速护栏坏了", place=GRID)
    away = {"diversion": "not-ours", "to": "高速公路公司"}
    refused = await city.is_refused(ticket, "divert", by=DISPATCHER, detail=" ", **away)
    assert refused == ("no-detail", "Say what the person shall be told: `detail` is empty.")
    assert await city.decides(ticket, "divert", by=DISPATCHER, detail="请拨打12122。", **away) == ["diverted"]
    assert (await city.receipted(ticket))[1:] == [("diverted", "请拨打12122。"), ("closed", "")]
    closed = await city.ticket(ticket)
    assert (closed["state"], closed["outcome"], closed["result"]) == ("closed", "diverted", "请拨打12122。")
    assert await city.is_refused(ticket, "triage", by=DISPATCHER, category="9009") == (
        "diverted",
        "The ticket was diverted and is over: make a new report.",
    )
    assert await city.facts(ticket) == {
        "reported": 1, "triage-needed": 1, "diverted": 1, "closed": 1, "command-refused": 2,
    }  # fmt: skip
