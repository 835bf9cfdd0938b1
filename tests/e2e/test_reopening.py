"""Closed, and the caller says that it is not solved: within the window it goes on, afterwards it does not."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
A_SECOND = timedelta(seconds=1)


async def window(city: Story, ticket: str) -> datetime:
    """Give the last instant at which a closed ticket may be reopened."""
    closed = await city.ticket(ticket)
    assert closed["state"] == "closed"
    return datetime.fromisoformat(closed["reopen_until"])


async def test_not_solved_within_the_window_and_after_it(city: Story) -> None:
    """Seven days: at their last instant the last handler gets a new order, a second later nobody does."""
    ticket, messages = await city.caller_reports(
        category="0405", text="店外经营占道", place={"grid": "511802001003002"}
    )
    first = await city.ordered("chengguan", ticket)
    await city.does("chengguan", "sign", first)
    await city.does("chengguan", "done", first, result="已劝离")
    until = await window(city, ticket)
    assert until == city.clock.now() + timedelta(days=7)
    again = await city.says("chengguan", "done", first, result="又劝离")
    assert again.value["reason"] == "order-over"

    await city.until(until)
    await city.caller_says(ticket, messages, "not-solved", text="晚上又摆出来了")
    assert (await city.ticket(ticket))["state"] == "ordered"
    second = await city.ordered("chengguan", ticket, 2)
    await city.does("chengguan", "sign", second)
    await city.does("chengguan", "done", second, result="已立案处罚")

    until = await window(city, ticket)
    await city.until(until + A_SECOND)
    before = await city.facts(ticket)
    reason, sentence = await city.caller_is_refused(messages, "not-solved", text="还在摆")
    assert reason == "window-passed"
    assert sentence.startswith(f"Until {city.shown(until)} it could be said that it is not solved: make a new report.")
    refused = await city.is_refused(ticket, "reopen", by="东城值班长", reason="诉求人反映未解决")
    assert refused == ("window-passed", f"It could be reopened until {city.shown(until)}: make a new report.")
    assert await city.facts(ticket) - before == {"command-refused": 1}

    closed = await city.ticket(ticket)
    assert (closed["state"], closed["closings"], closed["reopenings"]) == ("closed", 2, 1)
    assert [(order["id"], order["state"]) for order in closed["orders"]] == [(first, "done"), (second, "done")]
    assert await city.timeline(ticket, "message-received", "reopened", "closed") == [
        "Closed, solved: 已劝离.",
        "The caller says that it is not solved: 晚上又摆出来了.",
        "The caller reopened it, time 1: 晚上又摆出来了.",
        "Closed, solved: 已立案处罚.",
    ]
    assert await city.heard("chengguan", ticket) == ["issued", "closed", "issued", "closed"]
    words = [word for word, _ in await city.receipted(ticket)]
    assert words == ["accepted", *["progressed", "progressed", "resolved", "closed"] * 2]
