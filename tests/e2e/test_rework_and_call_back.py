"""Done, and not good enough; done again, and the person says that it is not; done once more, and it is."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
OFFICER = "东城值班长"


async def test_not_good_enough_twice_then_closed(city: Story) -> None:
    """A missing manhole cover, severity II: a person verifies, and the caller wants to hear how it went."""
    ticket, messages = await city.caller_reports(
        category="9011",
        condition="missing",
        text="井盖不见了",
        place={"grid": "511802001003001"},
        caller={"phone": "00000000321", "callback": True},
    )
    order = await city.ordered("shizheng", ticket)
    limit = (await city.clock_of(ticket, "handle"))["due_at"]
    await city.does("shizheng", "sign", order)
    assisting = await city.ordered("gongpaishui", ticket, 2)
    await city.does("gongpaishui", "sign", assisting)
    await city.does("gongpaishui", "done", assisting, result="已查排水")
    await city.passes(hours=1)
    await city.does("shizheng", "done", order, result="已放置警示牌")
    waiting = await city.ticket(ticket)
    assert (waiting["state"], waiting["waits_at"]) == ("verifying", "511802001003001")  # a grid worker nearby
    refused = await city.is_refused(ticket, "verify", by=OFFICER, passed=False)
    assert refused == ("no-note", "Say what is not good enough. `note` is empty.")
    assert await city.decides(ticket, "verify", by=OFFICER, passed=False, note="井盖仍未补上") == ["rework-ordered"]

    assert (await city.ticket(ticket))["state"] == "rework"
    assert (await city.clock_of(ticket, "handle"))["due_at"] == limit + timedelta(hours=1)
    await city.until(limit)
    await city.does("shizheng", "done", order, result="已补井盖")
    assert await city.decides(ticket, "verify", by=OFFICER, passed=True) == ["verified", "call-back-asked"]
    assert await city.is_refused(ticket, "call-back", by=OFFICER) == (
        "solved-missing",
        "Say whether it is solved for the person: solved true or false.",
    )
    assert await city.decides(ticket, "call-back", by=OFFICER, reached=False) == ["called-back"]
    assert (await city.ticket(ticket))["state"] == "call-back"
    await city.caller_says(ticket, messages, "not-solved", text="井盖松动")

    assert (await city.clock_of(ticket, "handle"))["due_at"] == limit + timedelta(hours=2)
    await city.passes(minutes=30)
    await city.does("shizheng", "done", order, result="已加固井盖")
    await city.decides(ticket, "verify", by=OFFICER, passed=True, note="现场查看")
    facts = await city.decides(ticket, "call-back", by=OFFICER, solved=True, rating=5)
    assert facts == ["called-back", "closed"]

    closed = await city.ticket(ticket)
    assert (closed["state"], closed["outcome"], closed["result"]) == ("closed", "solved", "已加固井盖")
    assert (closed["reworks"], closed["rating"], closed["due"]) == (2, 5, None)
    assert [(each["id"], each["attempt"]) for each in closed["orders"]] == [(order, 3), (assisting, 1)]
    assert [clock["state"] for clock in closed["clocks"] if clock["clock"] == "handle"] == ["met", "met", "met"]
    assert await city.timeline(ticket, "rework-ordered", "order-reworked", "verified", "called-back", "closed") == [
        f"{OFFICER} ordered rework number 1: 井盖仍未补上.",
        f"Municipal Works does it again, by {city.shown(limit + timedelta(hours=1))}: 井盖仍未补上.",
        f"{OFFICER} looked at it: what was done stands.",
        f"{OFFICER} could not reach the person, try 1.",
        "The caller answered: not solved: 井盖松动.",
        "The caller ordered rework number 2: 井盖松动.",
        f"Municipal Works does it again, by {city.shown(limit + timedelta(hours=2))}: 井盖松动.",
        f"{OFFICER} looked at it: what was done stands: 现场查看.",
        f"{OFFICER} asked the person: solved, rated 5 of 5.",
        "Closed, solved: 已加固井盖.",
    ]
    assert await city.life(ticket) == {
        "reported": 1, "triaged": 1, "order-issued": 2, "order-signed": 2, "order-done": 4, "order-reworked": 2,
        "verification-asked": 3, "verified": 2, "rework-ordered": 2, "call-back-asked": 2, "called-back": 3,
        "message-received": 1, "command-refused": 2, "closed": 1,
    }  # fmt: skip
    heard = [word for word in await city.heard("shizheng", ticket) if word not in {"reminded", "escalated"}]
    assert heard == ["issued", "reworked", "reworked", "closed"]
    assert (await city.receipted(ticket))[3:] == [
        ("resolved", "已放置警示牌"),
        ("resolved", "已补井盖"),
        ("resolved", "已加固井盖"),
        ("closed", "已加固井盖"),
    ]
