"""Nobody signs: warned, breached, up level by level, and at the top it is called until a named person accepts."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
A_SECOND = timedelta(seconds=1)
CRACKED = {"category": "0183", "text": "外墙开裂，有碎块掉落"}
"""Severity III, weeks to handle: the grid owns it first, and only its signature runs late in this story."""
SUPERVISORS = "区值班长一 (duty supervisor), 区值班长二 (duty supervisor)"
LEVELS = (
    ("511802001001", "Dongdajie Community (community)", "东大街社区值班员 (community officer)"),
    ("511802001", "Dongcheng Street (street)", "东城值班长 (duty officer)"),
    ("511802", "Yucheng District (district)", SUPERVISORS),
)
"""Each level's unit, its name, and who of it is told by the profile."""
NOTICES = ("supervision notice", "priority supervision notice", "public supervision notice")


async def nothing_before(city: Story, ticket: str, at: datetime) -> None:
    """Go to an instant; until a second before it nothing has happened."""
    before = await city.facts(ticket)
    await city.until(at - A_SECOND)
    assert await city.facts(ticket) == before
    await city.until(at)


async def climbs(city: Story, ticket: str) -> list[tuple[str, str, str, str]]:
    """Give the escalations of a ticket: from, to, whose, why."""
    steps = await city.happened(ticket, "escalated")
    return [(step["from_level"], step["to_level"], step["unit"], step["cause"]) for step in steps]


async def test_nobody_signs_and_it_climbs_until_somebody_accepts(city: Story) -> None:
    """Grid, community, street, district; then again and again; the acceptance ends it, the signature comes late."""
    ticket = await city.hotline_reports(**CRACKED, place={"grid": "511802001001001"})
    order = await city.ordered("shizheng", ticket)
    sign = await city.clock_of(ticket, "sign")
    limit = city.shown(sign["due_at"])

    await nothing_before(city, ticket, sign["warn_at"])
    assert await city.timeline(ticket, "clock-warned") == [f"The signing limit is near: it ends at {limit}."]

    due = sign["due_at"]
    for unit, name, told in LEVELS:
        await nothing_before(city, ticket, due)
        said = f"The signing limit has passed: {name} is an owner too; to be told: {told}."
        assert (await city.timeline(ticket, "escalated"))[-1] == said
        assert (await city.ticket(ticket))["owners"][-1]["unit"] == unit
        due = (await city.clock_of(ticket, "ladder"))["due_at"]
    assert (await city.timeline(ticket, "clock-breached"))[0] == f"The signing limit of {limit} has passed."

    for times, notice in enumerate(NOTICES, 1):
        await nothing_before(city, ticket, due)
        calls = await city.timeline(ticket, "supervision-repeated")
        assert calls[times - 1 :] == [
            f"Nobody at Yucheng District has accepted: {notice} number {times}; to be told: {SUPERVISORS}.",
        ]
        due = (await city.clock_of(ticket, "ladder"))["due_at"]

    facts = await city.decides(ticket, "accept-escalation", by="区值班长一")
    assert facts == ["escalation-accepted", "clocks-stopped"]
    assert await city.timeline(ticket, "escalation-accepted") == ["区值班长一 has taken it on for the district level."]
    accepted = await city.facts(ticket)
    await city.passes(days=3)
    assert await city.facts(ticket) == accepted

    await city.does("shizheng", "sign", order)
    await city.does("shizheng", "done", order, result="外墙已加固")
    closed = await city.becomes(ticket, "closed")
    assert closed["due"] is None
    assert closed["owners"][-1]["accepted_by"] == "区值班长一"
    assert [clock["state"] for clock in closed["clocks"] if clock["clock"] == "sign"] == ["late"]
    assert await climbs(city, ticket) == [
        ("grid", "community", "511802001001", "sign"),
        ("community", "street", "511802001", "sign"),
        ("street", "district", "511802", "sign"),
    ]
    assert await city.facts(ticket) == {
        "reported": 1, "triaged": 1, "order-issued": 1, "order-signed": 1, "order-done": 1, "verified": 1, "closed": 1,
        "clock-warned": 1, "clock-breached": 1 + 2 + 3, "escalated": 3, "supervision-repeated": 3,
        "escalation-accepted": 1,
    }  # fmt: skip
    heard = await city.heard("shizheng", ticket)
    assert heard.count("escalated") == 3
    assert (heard[0], heard[-1], heard.count("closed")) == ("issued", "closed", 1)


async def test_a_level_without_staff_is_passed_over_at_once(city: Story) -> None:
    """The community of Yucai Road has nobody: the street is told at the very instant of the breach."""
    ticket = await city.hotline_reports(**CRACKED, place={"grid": "511802001005001"})
    order = await city.ordered("shizheng", ticket)
    await city.until((await city.clock_of(ticket, "sign"))["due_at"])
    assert await city.timeline(ticket, "level-skipped", "escalated") == [
        "Yucailu Community (community) has nobody: on to the next level.",
        f"The signing limit has passed: {LEVELS[1][1]} is an owner too; to be told: {LEVELS[1][2]}.",
    ]
    assert await climbs(city, ticket) == [("grid", "street", "511802001", "sign")]

    ladder = await city.clock_of(ticket, "ladder")
    assert (ladder["level"], ladder["limit"]["en"]) == ("street", "1 working day")
    await city.does("shizheng", "sign", order)
    await city.until(ladder["due_at"] + A_SECOND)
    assert await climbs(city, ticket) == [("grid", "street", "511802001", "sign")]
    await city.does("shizheng", "done", order, result="外墙已加固")
    await city.becomes(ticket, "closed")
