"""The caller urges those who handle it, and then no longer asks for it."""

from __future__ import annotations

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_urge_reaches_the_department_and_a_withdrawal_takes_its_order_back(city: Story) -> None:
    """Before anything was done: reminded of the clock that runs, then withdrawn; afterwards neither is taken."""
    ticket, messages = await city.caller_reports(
        category="0405", text="店外经营占道", place={"grid": "511802001003002"}
    )
    order = await city.ordered("chengguan", ticket)
    await city.caller_says(ticket, messages, "urge", text="请快一点")
    (urged,) = await city.told("chengguan", "gridcall.order.reminded.v1", ticket)
    assert (urged.value["order_id"], urged.value["clock"], urged.value["kind"]) == (order, "sign", "urged")

    await city.does("chengguan", "sign", order)
    await city.caller_says(ticket, messages, "urge")
    reminders = await city.told("chengguan", "gridcall.order.reminded.v1", ticket, 2)
    assert [(each.value["clock"], each.value["kind"]) for each in reminders] == [("sign", "urged"), ("handle", "urged")]

    await city.caller_says(ticket, messages, "withdrawal", text="已经自己解决")
    (withdrawn,) = await city.told("chengguan", "gridcall.order.withdrawn.v1", ticket)
    assert (withdrawn.value["order_id"], withdrawn.value["reason"]) == (order, "withdrawn-by-caller")
    closed = await city.becomes(ticket, "closed")
    assert closed["outcome"] == "withdrawn"
    words = [word for word, _ in await city.receipted(ticket)]
    assert words == ["accepted", "progressed", "progressed", "closed"]

    for kind in ("urge", "withdrawal"):
        reason, sentence = await city.caller_is_refused(messages, kind)
        assert reason == "closed"
        assert "It is over" in sentence
    assert await city.heard("chengguan", ticket) == ["issued", "reminded", "reminded", "withdrawn"]
