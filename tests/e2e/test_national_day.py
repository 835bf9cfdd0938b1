"""Over a National Day with make-up workdays: up level by level on working days alone, until a named person accepts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tests.support.story import Story

pytestmark = pytest.mark.asyncio(loop_scope="session")
A_SECOND = timedelta(seconds=1)
YAAN = ZoneInfo("Asia/Shanghai")


def at(month: int, day: int, hour: int, minute: int) -> datetime:
    """Give an instant of 2025 in Ya'an."""
    return datetime(2025, month, day, hour, minute, tzinfo=YAAN)


# By the notice of the State Council: 1 to 8 October off, Sunday 28 September and Saturday 11 October worked for it.
# The office works from 08:30 to 12:00 and, up to 30 September, from 15:00 to 18:30, then from 14:00 to 18:00.
REPORTED = at(9, 26, 16, 30)
"""Friday. Severity IV: a working day to sign, and so for the community; two for the street; one for the district."""
WARNED = at(9, 28, 16, 42)
"""Make-up Sunday: of the 2 + 7 hours until the limit, 7.2 have passed."""
UNSIGNED = at(9, 28, 18, 30)
"""The end of business on the make-up Sunday, the first working day after the Friday."""
COMMUNITY_SILENT = at(9, 29, 18, 30)
STREET_SILENT = at(10, 9, 18, 0)
"""The second working day after the 29th: the first is the 30th, and then come eight holidays."""
FIRST_NOTICE = at(10, 10, 18, 0)
SECOND_NOTICE = at(10, 11, 18, 0)
"""Make-up Saturday."""
NEXT_NOTICE = at(10, 13, 18, 0)
ACCEPTED = at(10, 13, 9, 15)
HANDLING_DUE = at(10, 23, 18, 0)
"""15 working days: 28, 29, 30 September, then 9, 10, 11, 13 to 17, 20 to 23 October."""

COMMUNITY, STREET, DISTRICT = "511802001001", "511802001", "511802"

SIGNING = (
    (
        "2025-09-28 周日 18:30 到期：自 2025-09-26 周五 16:30 起 1 个工作日（签收时限，严重程度 IV 级）；当日不计；"
        "周末（09-27）不计；09-28 调休上班；已超时，责任仍在。"
    ),
    (
        "Due Sun 2025-09-28 18:30: 1 working day from Fri 2025-09-26 16:30 for signing (severity IV); the first day "
        "does not count; the weekend (09-27) does not count; 09-28 is a make-up workday; it has passed, and the duty "
        "stands."
    ),
)
THE_STREET = (
    (
        "2025-10-09 周四 18:00 到期：自 2025-09-29 周一 18:30 起 2 个工作日（街道级响应时限，签收超时后逐级升级，"
        "严重程度 IV 级）；当日不计；国庆节（10-01 至 10-05）不计；中秋节（10-06 至 10-08）不计；"
        "已于 2025-10-09 周四 18:00 超时，已再次升级或督办。"
    ),
    (
        "Due Thu 2025-10-09 18:00: 2 working days from Mon 2025-09-29 18:30 for the street level's answer (added after "
        "the signing limit had passed, severity IV); the first day does not count; National Day (10-01 to 10-05) does "
        "not count; Mid-Autumn Festival (10-06 to 10-08) does not count; passed without an answer, and was followed up "
        "at Thu 2025-10-09 18:00."
    ),
)
STREET_PICTURE = (
    "[....##.##..ooooooooooooooooooooooooooooooooooooooooo...##.##]",
    " 2025-09-29 18:30                            2025-10-09 18:00",
)
SUPERVISORS = "通知 区值班长一（区值班长）、区值班长二（区值班长）。"
CLIMB = [
    "Sun 2025-09-28 18:30:00 超过签收时限，升级到 东大街社区，通知 东大街社区值班员（社区值班员）。",
    "Mon 2025-09-29 18:30:00 超过签收时限，升级到 东城街道，通知 东城值班长（值班长）。",
    f"Thu 2025-10-09 18:00:00 超过签收时限，升级到 雨城区，{SUPERVISORS}",
    f"Fri 2025-10-10 18:00:00 雨城区 仍无人认领，第 1 次督办，{SUPERVISORS}",
    f"Sat 2025-10-11 18:00:00 雨城区 仍无人认领，第 2 次督办，本次为重点督办，{SUPERVISORS}",
    "Mon 2025-10-13 09:15:00 区值班长一 请求认领提级件。",
    "Mon 2025-10-13 09:15:00 区值班长一 认领区级提级件。",
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """Give a city of this story's own: its time is a year before that of the others."""
    async with Story(tmp_path_factory.mktemp("national-day"), start=REPORTED) as story:
        yield story


async def clocks(city: Story, ticket: str) -> dict[str, dict[str, Any]]:
    """Give the desk's explanation of each clock, by its name, a level's by the level; of the district's the last."""
    answer = await city.http.get(city.url("desk", f"/v1/tickets/{ticket}/deadlines"))
    return {each["level"] or each["clock"]: each for each in answer.json()["deadlines"]}


async def clock_facts(city: Story, ticket: str) -> list[tuple[datetime, str, str]]:
    """Give what sla said in its own words, starts and ends of clocks apart: when, what, and whose."""
    entries = (await city.http.get(city.url("desk", f"/v1/tickets/{ticket}/timeline"))).json()["timeline"]
    kinds = ("clock-warned", "clock-breached", "escalated", "level-skipped", "supervision-repeated", "escalation-")
    found = []
    for entry in entries:
        kind, data = entry["type"].removeprefix("gridcall.ticket.").removesuffix(".v1"), entry["data"]
        if kind.startswith(kinds):
            whose = data.get("to_level") or data.get("level") or data.get("clock", "")
            found.append((datetime.fromisoformat(entry["at"]), kind, whose))
    return found


async def nothing_until(city: Story, ticket: str, instant: datetime) -> None:
    """Go to an instant; until a second before it nothing has happened."""
    before = await city.facts(ticket)
    await city.until(instant - A_SECOND)
    assert await city.facts(ticket) == before
    await city.until(instant)


def named(clock: dict[str, Any], kind: str) -> list[tuple[str, str, str, str]]:
    """Give the pieces of a clock's time of one kind: first and last day, name in Chinese and in English."""
    found = []
    for piece in clock["segments"]:
        if piece["kind"] == kind:
            first, end = (datetime.fromisoformat(piece[side]).astimezone(YAAN) for side in ("from", "to"))
            found.append((f"{first:%m-%d}", f"{end - A_SECOND:%m-%d}", piece["zh"], piece["en"]))
    return found


def run(clock: dict[str, Any], day: str) -> list[tuple[str, str, str]]:
    """Give when a clock ran on a day, and what that time is called."""
    found = []
    for piece in clock["segments"]:
        first, end = (datetime.fromisoformat(piece[side]).astimezone(YAAN) for side in ("from", "to"))
        if piece["kind"] == "running" and f"{first:%m-%d}" == day:
            found.append((f"{first:%H:%M}-{end:%H:%M}", piece["zh"], piece["en"]))
    return found


@pytest.mark.timeout(300)
async def test_from_the_friday_before_national_day_to_the_district(city: Story) -> None:
    """Nobody signs: each level is told at the end of a working day, the make-up days are two, the holidays are none."""
    ticket = await city.hotline_reports(
        category="0101", condition="built", text="楼顶违建已经建成", place={"grid": "511802001001001"}
    )
    await city.ordered("chengguan", ticket)
    first = await clocks(city, ticket)
    due = {name: datetime.fromisoformat(clock["due_at"]) for name, clock in first.items()}
    assert (due["sign"], due["handle"]) == (UNSIGNED, HANDLING_DUE)
    assert not any(clock["provisional"] for name, clock in first.items() if name != "total")

    for instant in (WARNED, UNSIGNED, COMMUNITY_SILENT, STREET_SILENT, FIRST_NOTICE, SECOND_NOTICE):
        await nothing_until(city, ticket, instant)
    await nothing_until(city, ticket, ACCEPTED)
    district = (await clocks(city, ticket))["district"]
    assert datetime.fromisoformat(district["due_at"]) == NEXT_NOTICE
    assert await city.decides(ticket, "accept-escalation", by="区值班长一") == ["escalation-accepted", "clocks-stopped"]
    accepted = await city.facts(ticket)
    await city.until(at(10, 17, 18, 30))
    assert await city.facts(ticket) == accepted

    assert await clock_facts(city, ticket) == [
        (WARNED, "clock-warned", "sign"),
        (UNSIGNED, "clock-breached", "sign"),
        (UNSIGNED, "escalated", "community"),
        (COMMUNITY_SILENT, "clock-breached", "community"),
        (COMMUNITY_SILENT, "escalated", "street"),
        (STREET_SILENT, "clock-breached", "street"),
        (STREET_SILENT, "escalated", "district"),
        (FIRST_NOTICE, "clock-breached", "district"),
        (FIRST_NOTICE, "supervision-repeated", "district"),
        (SECOND_NOTICE, "clock-breached", "district"),
        (SECOND_NOTICE, "supervision-repeated", "district"),
        (ACCEPTED, "escalation-accepted", "district"),
    ]
    owners = (await city.ticket(ticket))["owners"]
    assert [owner["unit"] for owner in owners] == ["511802001001001", COMMUNITY, STREET, DISTRICT]
    assert [owner["accepted_by"] for owner in owners] == ["", "", "", "区值班长一"]

    await its_deadlines_name_the_days(await clocks(city, ticket))
    await people_read_it(city, ticket)


async def its_deadlines_name_the_days(explained: dict[str, dict[str, Any]]) -> None:
    """The holidays stand in the segments by their names, and so do the make-up days, in both languages."""
    sign, street, district = explained["sign"], explained["street"], explained["district"]
    assert named(sign, "weekend")[0] == ("09-27", "09-27", "周末", "weekend")
    assert run(sign, "09-28") == [
        ("08:30-12:00", "计时（调休上班）", "counts (make-up workday)"),
        ("15:00-18:30", "计时（调休上班）", "counts (make-up workday)"),
    ]
    assert named(street, "holiday") == [
        ("10-01", "10-05", "国庆节", "National Day"),
        ("10-06", "10-08", "中秋节", "Mid-Autumn Festival"),
    ]
    assert run(street, "10-09") == [("08:30-12:00", "计时", "counts"), ("14:00-18:00", "计时", "counts")]
    assert (street["state"], district["state"], district["remaining"]["en"]) == ("breached", "met", "6 h 45 min")
    assert sign["sentence"]["zh"] == SIGNING[0]
    assert (street["sentence"]["zh"], street["sentence"]["en"]) == THE_STREET


async def people_read_it(city: Story, ticket: str) -> None:
    """An operator's commands say the same, and find nothing wrong."""
    code, explained = await city.gridcall("explain", ticket)
    assert (code, explained.splitlines()[0]) == (0, f"{ticket} · ordered · 2025-10-17 18:30 Asia/Shanghai")
    for line in (*SIGNING, *THE_STREET, *STREET_PICTURE):
        assert f"\n  {line}\n" in explained, explained

    code, traced = await city.gridcall("trace", ticket)
    rows = [[cell.strip() for cell in line.split("│")] for line in traced.splitlines()]
    lines = [f"{row[2]} {row[4]}" for row in rows if row[1:] and row[1].isdigit()]
    assert (code, len(lines)) == (0, 23), traced
    assert [line for line in lines if any(word in line for word in ("升级到", "督办", "认领"))] == CLIMB
    assert "区值班长一 has taken it on for the district level." in traced

    code, audited = await city.gridcall("audit")
    assert (code, audited.splitlines()[-1]) == (0, "Nothing is missing, doubled, late or unfounded.")
