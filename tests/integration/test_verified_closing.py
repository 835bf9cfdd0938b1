"""Is a closing verified, from the department's topic to the receipt, and is a wrong choice of the matrix learned?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from shared.profile import parse_profile
from tests.support.story import Story
from tests.unit.profile.small import SMALL

pytestmark = pytest.mark.asyncio(loop_scope="module")
GRID, COMMUNITY, STREET = "100000001001001", "100000001001", "100000001"
PHOTO = {"url": "https://files.example/after.jpg", "media_type": "image/jpeg", "moment": "after"}
PROVED: dict[str, Any] = {"result": "已换管", "evidence": [PHOTO], "lon": 100.15, "lat": 30.15, "by": "李"}
LEAK = {"category": "0501", "text": "漏水", "place": {"grid": GRID}}


def strict() -> str:
    """Give the small city, where leaks are proved and one rework without success goes a level up."""
    content = yaml.safe_load(SMALL)
    content["closing"] |= {
        "evidence": [{"categories": ["05*"], "need": ["photo-after", "place", "text"]}],
        "max_reworks": 0,
        "then": "level-up",
        "calls": 2,
    }
    return yaml.safe_dump(content, allow_unicode=True)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """One strict city for these stories."""
    folder: Path = tmp_path_factory.mktemp("verified")
    file = folder / "strict.yaml"
    file.write_text(strict(), encoding="utf-8")
    async with Story(folder, str(file)) as story:
        yield story


async def test_a_closing_is_proved_verified_by_another_and_told_before(city: Story) -> None:
    """Refused until it is proved, not verified by who did it, a level up when it does not hold, told, and closed."""
    ticket, messages = await city.caller_reports(**LEAK, caller={"phone": "00000000321", "callback": True})
    order = await city.ordered("water", ticket)
    await city.does("water", "sign", order, by="李")
    refused = await city.says("water", "done", order, result="已换管")
    assert (refused.type, refused.value["reason"]) == ("gridcall.update.refused.v1", "evidence-missing")
    assert 'with moment "after"' in refused.value["detail"]
    assert "办理地点" in refused.value["detail"]
    await city.does("water", "check-in", order, at=city.clock.now().isoformat(), by="李", lon=100.15, lat=30.15)
    await city.does("water", "done", order, result="已换管", evidence=[PHOTO], by="王")

    waiting = await city.ticket(ticket)
    assert (waiting["state"], waiting["waits_at"]) == ("verifying", GRID)
    for by in ("李", "王"):
        assert (await city.is_refused(ticket, "verify", by=by, passed=True))[0] == "own-work"
    assert await city.decides(ticket, "verify", by="丙", passed=True) == ["verified", "call-back-asked"]
    assert (await city.is_refused(ticket, "call-back", by="乙", reached=False, rating=5))[0] == "not-reached"
    await city.decides(ticket, "call-back", by="乙", reached=False, channel="phone")
    await city.caller_says(ticket, messages, "not-solved", text="还漏")

    (escalated,) = [each for each in await city.happened(ticket, "escalated") if each["cause"] == "rework"]
    assert (escalated["to_level"], escalated["order_id"]) == ("district", order)
    assert (await city.ticket(ticket))["level"] == "district"
    await city.does("water", "done", order, **PROVED)
    await city.decides(ticket, "verify", by="丙", passed=True)
    for _ in range(2):
        await city.decides(ticket, "call-back", by="乙", reached=False, channel="in-person")
    closed = await city.ticket(ticket)
    assert (closed["state"], closed["outcome"], closed["rating"], closed["reworks"]) == ("closed", "informed", None, 1)
    assert [word for word, _ in await city.receipted(ticket) if word in {"resolved", "closed"}] == [
        "resolved",
        "resolved",
        "closed",
    ]
    assert await city.timeline(ticket, "called-back") == [
        "乙 could not reach the person by phone, try 1.",
        "The caller answered: not solved: 还漏.",
        "乙 could not reach the person at the door, try 1.",
        "乙 could not reach the person at the door, try 2.",
    ]
    code, audited = await city.gridcall("audit", "--timers")
    assert code == 0, audited


async def test_a_wrong_choice_is_learned_and_the_row_is_one_that_would_do(city: Story) -> None:
    """Given back, done by another: the desk counts it, the command prints a row, and the row chooses them."""
    ticket, _ = await city.caller_reports(**LEAK)
    first = await city.ordered("water", ticket)
    await city.does("water", "return", first, reason="not-ours", proposed_department="police", by="李")
    order = await city.ordered("police", ticket, 2)
    await city.does("police", "sign", order, by="张")
    await city.does("police", "done", order, **(PROVED | {"by": "张"}))
    answer = await city.http.get(city.url("desk", "/v1/routing-suggestions"))
    (found,) = answer.json()["suggestions"]
    assert (found["count"], found["chosen"], found["handler"], found["tickets"]) == (
        1,
        "department:water",
        "department:police",
        [ticket],
    )
    code, printed = await city.gridcall("profile", "suggest", city.profile)
    assert code == 0, printed
    row = next(line.strip() for line in printed.splitlines() if line.strip().startswith("- {"))
    content = yaml.safe_load(strict())
    content["routing"]["rows"].insert(0, yaml.safe_load(row)[0])
    accepted = parse_profile(yaml.safe_dump(content, allow_unicode=True), "accepted")
    assert accepted.route("0501", "leak", GRID).lead.id == "police"


async def test_what_is_no_matter_is_rejected_and_the_person_reads_why(city: Story) -> None:
    """Its order is withdrawn; later it may not be rejected any more."""
    ticket, _ = await city.caller_reports(**LEAK)
    await city.decides(ticket, "close", by="甲", outcome="rejected", reason="属物业维修范围")
    assert (await city.ticket(ticket))["outcome"] == "rejected"
    (withdrawn,) = [s.value for s in await city.told("water", "gridcall.order.withdrawn.v1", ticket)]
    assert withdrawn["reason"] == "rejected"
    assert (await city.receipted(ticket))[-1] == ("closed", "属物业维修范围")
    assert (await city.is_refused(ticket, "close", by="甲", outcome="rejected", reason="同上"))[0] == "closed"
