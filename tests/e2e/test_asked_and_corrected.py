"""The caller is asked and answers, then the matter is corrected: clocks rest, go on, move, and never begin anew."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
OFFICER = "东城值班长"
CRACKED = {"category": "0113", "condition": "cracked", "request": "complaint", "text": "人行道大面积开裂"}
"""Five working days to handle, severity IV."""
CORRECTION = "category Unauthorised kerb ramp (ramp built in) instead of Damaged road surface (large cracks)"


async def handling(city: Story, ticket: str) -> dict[str, Any]:
    """Give the handling clock as the desk explains it."""
    answer = await city.http.get(city.url("desk", f"/v1/tickets/{ticket}/deadlines"))
    (found,) = [each for each in answer.json()["deadlines"] if each["clock"] == "handle"]
    instants = ("started_at", "due_at", "first_due_at")
    explained: dict[str, Any] = found | {field: datetime.fromisoformat(found[field]) for field in instants}
    return explained


async def person_sees(city: Story, messages: str) -> dict[str, Any]:
    """Give what the caller sees of the report."""
    seen: dict[str, Any] = (await city.http.get(city.url("intake", messages.replace("/messages", "")))).json()
    return seen


def counted_hours() -> tuple[float, float]:
    """Give the hours that Municipal Works has had, and how many of them rested."""
    names = ("gridcall_handling_seconds_total", "gridcall_paused_seconds_total")
    had, rested = (REGISTRY.get_sample_value(name, {"department": "shizheng"}) or 0.0 for name in names)
    return had / 3600, rested / 3600


async def is_corrected(city: Story, ticket: str, first: datetime, before: datetime) -> None:
    """The pavement is a ramp: three days instead of five, from the same start, and the department hears each move."""
    monday = (await handling(city, ticket))["started_at"]
    corrected = {"category": "0103", "condition": "fixed", "reason": "是浇筑的接坡"}
    assert await city.decides(ticket, "amend", by=OFFICER, **corrected) == ["amended"]
    moved = await handling(city, ticket)
    assert (moved["started_at"], moved["first_due_at"]) == (monday, first)
    assert (moved["limit"]["en"], moved["first_limit"]["en"]) == ("3 working days", "5 working days")
    assert moved["due_at"] == monday + timedelta(days=7, hours=2.5)
    assert [(each["why"], datetime.fromisoformat(each["new"])) for each in moved["moves"]] == [
        ("answered", before),
        ("edited", moved["due_at"]),
    ]
    assert (await city.ticket(ticket))["category"]["code"] == "0103"
    changes = [each.value["changes"] for each in await city.told("shizheng", "gridcall.order.changed.v1", ticket, 3)]
    assert [list(each) for each in changes] == [["handle_by"], ["category"], ["handle_by"]]
    limits = [[datetime.fromisoformat(each["handle_by"][side]) for side in ("old", "new")] for each in changes[::2]]
    assert limits == [[first, before], [before, moved["due_at"]]]
    assert [changes[1]["category"][side]["code"] for side in ("old", "new")] == ["0113", "0103"]


async def test_asked_answered_and_corrected(city: Story) -> None:
    """Nobody speaks with the caller until the warning; an answer gives the rest of the time; a correction moves it."""
    monday, hours = city.clock.now(), counted_hours()
    ticket, messages = await city.caller_reports(
        **CRACKED, place={"grid": "511802001001001"}, caller={"phone": "00000000451"}
    )
    order = await city.ordered("shizheng", ticket)
    await city.does("shizheng", "sign", order)
    contact = await city.clock_of(ticket, "contact")
    assert contact["due_at"] == monday + timedelta(hours=24)
    await city.until(contact["warn_at"])
    assert await city.timeline(ticket, "clock-warned") == [
        f"The limit for contact with the caller is near: it ends at {city.shown(contact['due_at'])}."
    ]
    await city.does("shizheng", "progress", order, note="约好上门", by="王", contacted=True)
    spoken = await city.timeline(ticket, "order-progressed")
    assert spoken == ["Municipal Works (王) has spoken with the caller: 约好上门."]

    asked_at = monday + timedelta(days=1, hours=1)
    await city.until(asked_at)
    facts = await city.decides(ticket, "ask-caller", by=OFFICER, question="在几号楼前？")
    assert facts == ["information-requested", "clocks-paused"]
    assert (await city.is_refused(ticket, "ask-caller", by=OFFICER, question="?"))[0] == "already-asked"
    assert (await city.ticket(ticket))["asked"]["question"] == "在几号楼前？"
    rests = await handling(city, ticket)
    assert (rests["state"], rests["due_at"]) == ("paused", monday + timedelta(days=7, hours=9))
    question = (await person_sees(city, messages))["question"]
    assert (question["text"], question["kind"]) == ("在几号楼前？", "answer")

    await city.until(monday + timedelta(days=2, hours=6))
    await city.caller_says(ticket, messages, question["kind"], text="3号楼前")
    goes_on = await handling(city, ticket)
    assert goes_on["remaining"] == rests["remaining"]
    assert goes_on["paused"]["seconds"] == 10.5 * 3600
    assert (goes_on["state"], goes_on["due_at"]) == ("running", monday + timedelta(days=9, hours=2.5))
    seen = await person_sees(city, messages)
    assert (seen["question"], datetime.fromisoformat(seen["by_when"])) == (None, goes_on["due_at"])
    assert (await city.ticket(ticket))["asked"] is None

    await is_corrected(city, ticket, rests["due_at"], goes_on["due_at"])
    await city.until(monday + timedelta(days=2, hours=7))
    await city.does("shizheng", "done", order, result="接坡已拆除")
    closed = await city.becomes(ticket, "closed")
    assert (closed["outcome"], closed["due"], closed["request"]) == ("solved", None, "complaint")
    spent = [after - before for before, after in zip(hours, counted_hours(), strict=True)]
    assert spent == pytest.approx([20, 10.5])
    assert [state for state, _ in await city.receipted(ticket)] == [
        "accepted", "progressed", "progressed", "progressed", "resolved", "closed",
    ]  # fmt: skip
    assert await city.timeline(ticket, "amended", "information-wait-ended") == [
        "The caller has answered, and is waited for no longer.",
        f"{OFFICER} corrected it: {CORRECTION}, handling has 3 working days: 是浇筑的接坡.",
    ]
    code, printed = await city.gridcall("explain", ticket)
    assert code == 0
    assert "waiting for the caller" in printed
    assert (await city.gridcall("audit"))[0] == 0
