"""Does the day of each district go as it works? Played through the doors of all services, then time passes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from tests.stories.days import played
from tests.support.story import Story

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.stories.days import Day

MORNING: Final = {
    "yucheng": datetime(2026, 12, 7, 1, 0, tzinfo=UTC),  # a Monday with office visits
    "longquanyi": datetime(2026, 11, 25, 1, 0, tzinfo=UTC),  # a Wednesday of visits from door to door, before a round
    "leshan": datetime(2026, 7, 7, 1, 0, tzinfo=UTC),  # in urgent times (急时), two days before an office day
    "chengdu": datetime(2026, 12, 5, 1, 0, tzinfo=UTC),  # the first Saturday of the month
    "longgang": datetime(2026, 11, 24, 1, 0, tzinfo=UTC),  # a Tuesday of talks
}


async def signed(city: Story, ticket: str) -> str:
    """Give the order of the stage at hand, signed for."""
    order = str((await city.happened(ticket, "order-issued"))[-1]["order_id"])
    if order not in {each["order_id"] for each in await city.happened(ticket, "order-signed")}:
        await city.decides(ticket, "sign", order_id=order, by="社区")
    return order


async def finishes(city: Story, ticket: str, **said: object) -> None:
    """Say that the stage at hand is done."""
    await city.decides(ticket, "done", order_id=await signed(city, ticket), by="社区", **said)


async def yucheng(day: Day) -> None:
    """网格发现、社区呼叫、分级响应、协同处置."""
    city = day.city
    assert await day.handlers("day-101") == ["owners-004001001"]
    assert await day.outcome("day-101") == "self-settled"
    assert (await day.one("day-102", "called"))["why"] == "called"
    assert await day.handlers("day-102") == ["owners-004001001", "511802004001"]
    raised = await day.one("day-103", "whistle-raised")
    assert len(raised["called"]) == 8  # 街长制 3+8
    ended = await day.one("day-103", "whistle-ended")
    assert {each["id"] for each in ended["came"]} == {"chengguan", "jiaojing", "gongan"}
    assert not ended.get("missing")  # the other five still had time when it ended
    assert [each["score"] for each in ended["marks"]] == [5, 5, 5]
    assert len(ended["quality"]) == 3  # the departments' own marks, by their topics
    assert await day.handlers("day-104") == ["511802004001001", "511802004001"]
    assert len((await day.one("day-104", "whistle-ended"))["came"]) == 2

    assert set(await day.by_calendar("office-visit")) == {"511802004001001", "511802004002001"}  # 移动办公
    ticket, _ = await city.caller_reports(channel="qr", category="9001", text="装修噪声", place={"qr": "YC004001001"})
    await city.passes(days=3)  # the owners committee has had its two days
    called = (await city.happened(ticket, "called"))[0]
    assert (called["why"], called["to"]["id"]) == ("expired", "511802004001")
    await city.passes(days=3)
    escalated = await city.happened(ticket, "escalated")
    assert escalated
    assert all("sp-004001001" in each["told"] for each in escalated)  # 联包帮


async def longquanyi(day: Day) -> None:
    """社区发现、街道呼叫、集中派单、协同整治."""
    city = day.city
    grid, community = "510112002002001", "510112002002"
    for row in (1, 3, 5, 7, 9):
        assert (await day.one(row, "round-joined"))["unit"] == "510112"
    assert await day.handlers(2) == [f"steward-{grid}"]
    assert await day.outcome(2) == "self-settled"
    assert (await day.handlers(3))[-1] == community
    assert not await city.happened(day.ticket(4), "round-joined")  # danger waits for no round
    came = {each["id"] for each in (await day.one(4, "whistle-answered"))["came"]}
    assert came == {f"team-{grid}", f"team-{community}"}
    assert (await day.handlers(5))[-1].startswith("property-")
    assert city.city_profile.unit((await day.handlers(6))[-1]).level == "community"  # type: ignore[union-attr]
    assert await day.handlers(7, "assist") == ["jiaotong"]
    assert len((await day.one(8, "whistle-ended"))["came"]) == 3
    assert await day.outcome(11) == "solved"

    assert len(await day.by_calendar("knock")) == 4
    waits = await city.hotline_reports(category="0112", text="道路不洁", place={"grid": grid})
    assert not await city.happened(waits, "order-issued")
    rains = await city.hotline_reports(category="9013", text="暴雨险情", place={"grid": grid})
    await city.decides(rains, "raise-whistle", situation="call-out", unit=community, by="community")
    await city.passes(minutes=31)  # nobody has come
    widened = (await city.happened(rains, "whistle-widened"))[0]
    assert [each["id"] for each in widened["called"]] == ["team-510112002"]
    await city.passes(minutes=31)
    widened = (await city.happened(rains, "whistle-widened"))[1]
    assert [each["id"] for each in widened["called"]] == ["team-510112"]
    await city.passes(minutes=30)  # half past ten: the round closes
    assert [each["handler"]["id"] for each in await city.happened(waits, "order-issued")] == ["chengguan"]


async def leshan(day: Day) -> None:
    """大事全网联动、小事一格解决."""
    city, community = day.city, "511102004001"
    assert (await day.one(1, "triaged"))["size"] == "small"
    assert await day.handlers(1) == ["511102004001002"]
    assert await day.outcome(1) == "solved"
    assert await day.handlers(2) == ["511102004001003", community]
    assert await day.outcome(3) == "self-settled"
    big = await day.one(4, "triaged")
    assert (big["size"], big["mode"], big["handle_limit"]) == ("big", "urgent", {"amount": 4, "unit": "urgent_hours"})
    assert set(await day.handlers(4, "assist")) == {
        "yingji", "zhujian", "gongan", "511102004001004", community, "511102004",
    }  # fmt: skip
    assert {each["id"] for each in (await day.one(5, "whistle-answered"))["came"]} == {"zhifa", "gongan"}
    assert await day.handlers(6) == ["zhujian", "jiaotong"]
    assert await day.outcome(7) == "informed"
    assert await city.happened(day.ticket(8), "rework-ordered")
    assert (await day.one(10, "triaged"))["severity"] == "I"

    assert (await day.one(11, "triaged"))["severity"] == "II"  # 五包一
    assert await day.handlers(12, "assist") == ["volunteers-511102004001"]  # 组团式志愿服务
    assert not any("照护" in str(seen.value) for seen in await city.log())

    days = await day.by_calendar("office-day")  # 社区办公日: planned two days before
    assert len(days) == 60
    visit = days[community]
    await city.passes(days=2)
    item = await city.hotline_reports(
        channel="visit", category="9009", text="楼道灯", place={"grid": community}, attributes={"visit": visit}
    )
    (order,) = await city.happened(visit, "order-issued")
    named = {"order_id": order["order_id"], "by": "community"}
    await city.decides(visit, "sign", **named)
    reason, _ = await city.is_refused(visit, "done", **named, result="走访完毕")
    assert reason == "items-open"
    promised = "2026-07-20T10:00:00+08:00"
    await city.decides(visit, "settle-item", item=item, outcome="ticket", promised_by=promised, by="community")
    (extended,) = await city.happened(item, "order-extended")  # 定时解决: the item's own ticket has until then
    assert (extended["reason"], datetime.fromisoformat(extended["handle_by"])) == (
        "promised", datetime.fromisoformat(promised),
    )  # fmt: skip
    await city.decides(visit, "done", **named, result="走访完毕")
    assert "closed" in await city.life(visit)
    await city.passes(days=7)
    assert len(await day.by_calendar("office-day", "follow-up")) == 60  # 跟踪问效
    assert len(await day.by_calendar("yard-council")) == 60  # 院坝会, on the Saturday


async def chengdu(day: Day) -> None:
    """小区治理: down to the stairwell, with a body that adjudicates."""
    city, compound = day.city, "510112002002002"
    assert (await day.one(1, "triaged"))["place"]["unit"].endswith("00202")  # building 1, stairwell 2
    assert await day.outcome(1) == "self-settled"
    assert (await day.handlers(2))[0].startswith("property-")
    assert city.city_profile.unit((await day.handlers(3))[0]).level == "community"  # type: ignore[union-attr]
    conflict = await day.one(4, "triaged")
    assert (conflict["severity"], len(conflict["assists"])) == ("I", 3)
    assert (await day.one(4, "verified"))["by"] != "gridcall"
    assert (await day.one(5, "adjudication-asked"))["unit"] == "510112"  # 社治委
    assert not (await city.happened(day.ticket(5), "order-issued"))[-1].get("returnable", True)
    assert (await day.handlers(6, "assist"))[0].startswith("property-")
    assert (await day.one(7, "called"))["why"] == "called"
    assert await day.outcome(9) == "diverted"

    assert len(await day.by_calendar("reception")) == 2  # 业主接待日
    fire = await city.hotline_reports(category="0496", text="消防通道被堵", place={"grid": compound})
    to = {"kind": "unit", "id": compound}
    reason, sentence = await city.is_refused(fire, "assign", to=to, reason="就近", by="officer")
    assert reason == "not-pushed-down"
    assert "Fire safety" in sentence
    project, pay = await city.hotline_reports(category="9205", text="加装车棚", place={"grid": compound}), 36_000
    await finishes(city, project, result="方案")
    await finishes(city, project, amount=pay)
    reason, sentence = await city.is_refused(project, "done", order_id=await signed(city, project), by="社区")
    assert reason == "public-until"
    await city.passes(days=8)
    assert len(await day.by_calendar("reception", "follow-up")) == 2  # 联席会议日
    await finishes(city, project)
    await finishes(city, project, result="路演")
    council = await signed(city, project)  # 议事会: 37 members, two thirds of all
    votes = {"order_id": council, "by": "计票人"}
    assert (await city.is_refused(project, "record-vote", **votes, yes=38))[0] == "too-many-votes"
    await city.decides(project, "record-vote", **votes, yes=24, abstain=13)
    (lost,) = await city.happened(project, "stage-failed")
    assert (lost["back_to"], (await city.ticket(project))["stage"]["id"]) == (1, "plan")
    assert any("25 of 37 needed, 24 yes" in each and "not passed" in each for each in await city.timeline(project))
    await finishes(city, project, result="新方案")
    await finishes(city, project, amount=pay)
    await city.passes(days=8)
    for result in ("公示", "路演"):
        await finishes(city, project, result=result)
    await city.decides(project, "record-vote", order_id=await signed(city, project), by="计票人", yes=25, no=12)
    await finishes(city, project)
    await finishes(city, project, result="比选")
    photo = {"url": "https://files.example/after.jpg", "media_type": "image/jpeg", "moment": "after"}
    await finishes(city, project, amount=pay - 1500, evidence=[photo])
    (built,) = await city.happened(project, "order-done")
    assert built["budget"] - built["amount"] == 1500
    assert len(await city.happened(project, "stage-completed")) == 10
    assert "closed" in await city.life(project)


async def longgang(day: Day) -> None:
    """区抓统筹、街道抓推进、社区抓实施、小区抓基础."""
    city, profile = day.city, day.city.city_profile
    assert await day.handlers(1) == ["sifa"]
    assert await day.handlers(2) == [(await day.one(2, "triaged"))["place"]["community"]]
    assert await day.outcome(3) == "self-settled"
    assert (await day.handlers(4))[0].startswith("shops-")
    assert await day.outcome(4) == "self-settled"
    raised = await day.one(5, "whistle-raised")
    assert city.city_profile.unit(raised["unit"]).level == "compound"  # type: ignore[union-attr]
    assert [each["id"] for each in raised["called"]] == ["chengguan"]
    assert raised["told"]  # the street has a copy, and need not come
    assert not (await day.one(5, "whistle-ended")).get("missing")
    assert (await day.handlers(6, "assist")) == ["sifa"]
    assert (await day.one(7, "adjudication-asked"))["unit"] == "440307"
    assert await day.outcome(9) == "solved"
    assert await day.outcome(11) == "diverted"
    assert await day.handlers(8) == ["440307003"]  # 资源清单: the unit that has it
    assert await day.handlers(12) == ["partners-440307003002"]  # 微心愿: claimed, delivered, confirmed
    assert await city.happened(day.ticket(12), "order-signed")
    assert (await day.one(12, "called-back"))["solved"]

    assert len(await day.by_calendar("talk-community")) == 119
    (talk,) = [row for row in profile.content.bodies if row.kind == "council"][:1]
    code = profile.unit(talk.unit).qr[0]  # type: ignore[union-attr]
    form = (await city.http.get(city.url("intake", f"/q/{code}"))).text
    assert all(each.zh in form for each in profile.content.qr.classes)
    assert len(profile.content.qr.classes) == 6
    assert city.city_profile.closing.verification("9208", "III") == "person"
    assert (await day.one(10, "verified"))["by"] != "gridcall"  # 督促整改
    ticket, _ = await city.caller_reports(channel="qr", category="9003", text="物业不作为", place={"qr": code})
    wish, _ = await city.caller_reports(channel="qr", category="9206", text="想要一副老花镜", place={"qr": code})
    await city.passes(days=4)
    assert (await city.happened(ticket, "called"))[0]["why"] == "expired"
    await city.passes(days=7)
    assert (await city.happened(wish, "called"))[0]["why"] == "expired"  # nobody has claimed it


AFTER: Final[dict[str, Callable[[Day], Awaitable[None]]]] = {
    "yucheng": yucheng,
    "longquanyi": longquanyi,
    "leshan": leshan,
    "chengdu": chengdu,
    "longgang": longgang,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("profile", AFTER)
async def test_the_day_of(tmp_path: Path, profile: str) -> None:
    """The day adds up, what is this city's own has happened, and what its calendar and its limits ask for follows."""
    async with Story(tmp_path, profile, MORNING[profile]) as city:
        await AFTER[profile](await played(city))
