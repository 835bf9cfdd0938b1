"""Two departments say that it is not theirs; the duty officer decides, and who is named does it."""

from __future__ import annotations

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")


WATER = "Water and Drainage Company"
SHIZHENG = {"kind": "department", "id": "shizheng"}


async def test_returned_twice_then_the_duty_officer_decides(city: Story) -> None:
    """Municipal works propose the water company, which returns it too; the duty officer gives it back for good."""
    ticket = await city.hotline_reports(category="0183", text="外墙渗水开裂", place={"grid": "511802001002001"})
    first = await city.ordered("shizheng", ticket)
    limit_of_the_first = (await city.clock_of(ticket, "sign"))["due_at"]
    await city.passes(minutes=5)
    await city.does("shizheng", "return", first, reason="not-ours", detail="水管漏水", proposed_department="供排水")
    second = await city.ordered("gongpaishui", ticket, 2)
    assert [fact["lead"]["id"] for fact in await city.happened(ticket, "triaged")] == ["shizheng", "gongpaishui"]
    refused = await city.says("shizheng", "sign", first)
    assert (refused.type, refused.value["reason"]) == ("gridcall.update.refused.v1", "order-over")

    await city.does("gongpaishui", "sign", second)
    await city.passes(minutes=5)
    await city.does("gongpaishui", "return", second, reason="not-ours", detail="无漏水", proposed_department="市政")
    waiting = await city.ticket(ticket)
    assert (waiting["state"], waiting["waits_at"]) == ("adjudication", "511802001")
    assert (await city.facts(ticket))["triaged"] == 2
    assert (await city.facts(ticket))["order-issued"] == 2
    assert await city.is_refused(ticket, "triage", by="东城派遣员", lead=SHIZHENG) == (
        "already-triaged",
        "The ticket is already triaged: use assign to give it to somebody else.",
    )

    assert await city.decides(ticket, "assign", by="东城值班长", to=SHIZHENG, reason="无漏水") == ["order-issued"]
    third = await city.ordered("shizheng", ticket, 3)
    refused = await city.says("shizheng", "return", third, reason="not-ours", detail="仍不是我们的")
    assert (refused.type, refused.value["reason"]) == ("gridcall.update.refused.v1", "not-returnable")
    assert refused.value["detail"].startswith("A duty officer has decided that this order is yours: it may not be")

    await city.until(limit_of_the_first)
    await city.does("shizheng", "sign", third)
    await city.does("shizheng", "done", third, result="已加固")
    closed = await city.ticket(ticket)
    assert (closed["state"], closed["outcome"], closed["returns"]) == ("closed", "solved", 2)
    assert [(order["id"], order["handler"]["id"], order["state"]) for order in closed["orders"]] == [
        (first, "shizheng", "returned"),
        (second, "gongpaishui", "returned"),
        (third, "shizheng", "done"),
    ]
    assert [(clock["order_id"], clock["clock"], clock["state"]) for clock in closed["clocks"] if clock["order_id"]] == [
        (first, "sign", "cancelled"),
        (first, "handle", "cancelled"),
        (second, "sign", "met"),
        (second, "handle", "cancelled"),
        (third, "sign", "met"),
        (third, "handle", "met"),
    ]
    assert await city.timeline(ticket, "order-returned", "adjudication-asked", "assign") == [
        "Municipal Works returned the order (not ours: 水管漏水), return number 1; it goes to triage.",
        f"{WATER} returned the order (not ours: 无漏水), return number 2; it goes to the duty officer.",
        "Returned 2 times: the duty officer of Dongcheng Street decides who handles it, without return.",
        "东城值班长 asked to give it to Municipal Works: 无漏水.",
    ]
    assert await city.facts(ticket) == {
        "reported": 1, "triaged": 2, "order-issued": 3, "order-returned": 2, "adjudication-asked": 1,
        "command-refused": 3, "order-signed": 2, "order-done": 1, "verified": 1, "closed": 1,
        "clock-warned": 1,
    }  # fmt: skip
    assert await city.heard("shizheng", ticket) == ["issued", "withdrawn", "issued", "reminded", "closed"]
    assert await city.heard("gongpaishui", ticket) == ["issued", "withdrawn"]
    assert await city.receipted(ticket) == [
        ("accepted", ""),
        ("progressed", "已派单至市政。 It was sent to Municipal Works."),
        ("progressed", f"已派单至供排水公司。 It was sent to {WATER}."),
        ("progressed", f"供排水公司已签收。 {WATER} signed for it."),
        ("progressed", "已派单至市政。 It was sent to Municipal Works."),
        ("progressed", "市政已签收。 Municipal Works signed for it."),
        ("resolved", "已加固"),
        ("closed", "已加固"),
    ]
