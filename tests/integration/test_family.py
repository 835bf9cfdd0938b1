"""Do tickets merge, part and close together through the doors, also when closure is killed between two steps?"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from deploy.local.servers import Mongod
from services.triage.store import ALIKE, Places, kept
from shared.errors import Conflict
from shared.ids import ticket_id
from shared.mongo import Mongo, remedies
from shared.profile import find_profile
from tests.integration.test_crash import gridcall
from tests.support.city import City, Seen
from tests.support.crash import STEPS
from tests.support.waiting import eventually

SOURCE = "test/hotline"
GRID = "511802001001001"
SECTIONS = """
duplicates: {within: 3 natural_days, level: community, radius: 100, suspect: 60, certain: 97}
repeats: {times: 3, within: 90 natural_days, level: grid, categories: ["0111"]}
"""


def profile(folder: Path) -> str:
    """Give a copy of the default profile that looks for duplicates and for what comes back."""
    file = folder / "city.yaml"
    file.write_text(find_profile("yucheng").read_text("utf-8") + SECTIONS, "utf-8")
    return str(file)


async def taken(city: City, name: str, text: str = "垃圾未清", category: str = "0110", **more: Any) -> str:
    """Hand in a report; gives its ticket once it has an order."""
    fields = {"channel": "hotline", "category": category, "text": text, "place": {"grid": GRID}}
    await city.report(SOURCE, name, **(fields | more))
    ticket = ticket_id(SOURCE, name)

    async def ordered() -> bool:
        return bool((await view(city, ticket)).get("orders"))

    await eventually(ordered, timeout_s=60, what=f"{name} has an order")
    return ticket


async def view(city: City, ticket: str) -> dict[str, Any]:
    """Give a ticket as the desk shows it; nothing before it is there."""
    answer = await city.http.get(city.url("desk", f"/v1/tickets/{ticket}"))
    shown: dict[str, Any] = answer.json() if answer.status_code == httpx.codes.OK else {}
    return shown


async def command(city: City, ticket: str, name: str, key: str = "1", **body: Any) -> httpx.Response:
    """Give a command at the desk."""
    url = city.url("desk", f"/v1/tickets/{ticket}/commands/{name}")
    headers = {"Idempotency-Key": f"{name}-{key}"}
    return await city.http.post(url, json={"by": "李", **body}, headers=headers)


async def becomes(city: City, ticket: str, **wanted: Any) -> dict[str, Any]:
    """Give a ticket once these of its fields are so."""

    async def so() -> dict[str, Any]:
        shown = await view(city, ticket)
        return shown if all(shown.get(name) == value for name, value in wanted.items()) else {}

    found: dict[str, Any] = await eventually(so, timeout_s=60, what=f"{ticket} is {wanted}")
    return found


async def told(city: City, ticket: str) -> list[tuple[str, str]]:
    """Give the receipts of a report, each once: kind and ticket."""
    found = {s.headers["ce_id"]: s for s in await city.receipts() if s.value.get("report_id") == ticket}
    return [(s.type.split(".")[2], s.value["ticket_id"]) for s in found.values()]


async def facts(city: City, ticket: str) -> Counter[str]:
    """Count what was said of a ticket, each message once."""
    unique = {s.headers["ce_id"]: s for s in await city.log() if s.key == ticket}
    return Counter(s.type.split(".")[2] for s in unique.values())


async def done(city: City, ticket: str, nth: int = 1) -> None:
    """Let the department finish a ticket's nth order."""
    order = f"{ticket}-{nth}"
    await city.update("huanwei", "sign", f"{order}/sign", order_id=order)
    await city.update("huanwei", "done", f"{order}/done", order_id=order, result="已清运", detail="清运两车")


@pytest.mark.timeout(400)
async def test_a_family_lives_and_ends_through_the_doors(tmp_path: Path) -> None:
    """Merged, told, unmerged, attached, closed together; duplicates and repeats are found."""
    async with City(tmp_path, profile(tmp_path)) as city:
        await merged_and_told(city)
        await not_satisfied(city)
        await unmerged(city)
        await attached(city)
        await found(city)
        await refused_at_the_desk(city)
        for check in (("audit",), ("rebuild", "--check")):
            code, answer = await asyncio.to_thread(gridcall, city, *check)
            assert code == 0, answer


async def merged_and_told(city: City) -> None:
    """Two callers, one matter: each gets word of all of it."""
    main = await taken(city, "main", "沿街垃圾无人清运")
    twin = await taken(city, "twin", "路边一大堆果皮纸屑")
    assert (await command(city, twin, "merge", into=main, reason="同一处")).status_code == httpx.codes.OK
    shown = await becomes(city, twin, state="closed", outcome="merged")
    assert (shown["family"]["main"]["id"], shown["family"]["main"]["relation"]) == (main, "duplicate")
    await orders_are(city, twin, "withdrawn")
    await stands_for(city, main, (twin, "closed"))

    async def heard() -> bool:
        withdrawn = [s for s in await city.orders("huanwei") if s.type == "gridcall.order.withdrawn.v1"]
        return [(s.value["order_id"], s.value["reason"]) for s in withdrawn] == [(f"{twin}-1", "merged")]

    await eventually(heard, timeout_s=30, what="the department hears that its order is off")
    await done(city, main)
    await becomes(city, main, state="closed")

    async def all_told() -> bool:
        return ("closed", main) in await told(city, twin)

    await eventually(all_told, timeout_s=30, what="the merged caller hears of the end")
    kinds = [kind for kind, _ in await told(city, twin)]
    assert Counter(kinds)["closed"] == 1
    assert {"accepted", "progressed", "merged", "resolved", "closed"} <= set(kinds)
    assert ("merged", main) in await told(city, twin)
    assert (await command(city, twin, "reopen", reason="又有了")).status_code == httpx.codes.CONFLICT
    assert twin in str(await timeline(city, main))


async def not_satisfied(city: City) -> None:
    """The caller of a merged report sees on their page how it stands, says that it is not solved, and is heard."""
    main = await taken(city, "n-main", "广场积水淹了步道", caller={"name": "赵六", "phone": "13800000001"})
    body = {
        "channel": "app", "category": "0110", "text": "鞋店前一地碎玻璃", "place": {"grid": GRID},
        "caller": {"name": "钱七", "phone": "13800000002"},
    }  # fmt: skip
    answer = await city.http.post(city.url("intake", "/v1/reports"), json=body, headers={"Idempotency-Key": "n-app"})
    links, twin = answer.json()["links"], answer.json()["ticket_id"]
    await becomes(city, twin, state="ordered")
    await command(city, twin, "merge", into=main, reason="同一处")
    await becomes(city, twin, outcome="merged")
    await page_says(city, links["self"], "merged")
    await done(city, main)
    page = await page_says(city, links["self"], "closed")
    assert page["result"] == "已清运"
    assert main not in str(page)
    complaint = {"kind": "not-solved", "text": "玻璃还在，钱七"}
    said = await city.http.post(
        city.url("intake", links["messages"]), json=complaint, headers={"Idempotency-Key": "n-1"}
    )
    assert said.status_code == httpx.codes.ACCEPTED, said.text
    await becomes(city, main, state="ordered", reopenings=1)
    page = await page_says(city, links["self"], "merged")
    assert page["result"] is None
    of_main = str([s.value for s in await city.log() if s.key == main])
    assert "玻璃还在" not in of_main
    assert twin in of_main


async def page_says(city: City, link: str, state: str) -> dict[str, Any]:
    """Give what the caller sees, once it is in a state."""

    async def so() -> dict[str, Any]:
        page: dict[str, Any] = (await city.http.get(city.url("intake", link))).json()
        return page if page["state"] == state else {}

    found: dict[str, Any] = await eventually(so, timeout_s=60, what=f"the caller sees {state}")
    return found


async def orders_are(city: City, ticket: str, *states: str) -> None:
    """Return when a ticket's orders are in these states."""

    async def so() -> bool:
        return [order["state"] for order in (await view(city, ticket))["orders"]] == list(states)

    await eventually(so, timeout_s=30, what=f"the orders of {ticket} are {states}")


async def stands_for(city: City, ticket: str, *children: tuple[str, str]) -> None:
    """Return when a ticket shows that it stands for these, in these states."""

    async def so() -> bool:
        family = (await view(city, ticket))["family"]
        return family is not None and [(each["id"], each["state"]) for each in family["children"]] == list(children)

    await eventually(so, timeout_s=30, what=f"{ticket} stands for {children}")


async def timeline(city: City, ticket: str) -> list[str]:
    """Give the sentences of a ticket."""
    answer = await city.http.get(city.url("desk", f"/v1/tickets/{ticket}/timeline"))
    return [each["sentence"]["zh"] + each["sentence"]["en"] for each in answer.json()["timeline"]]


async def unmerged(city: City) -> None:
    """It was another matter after all: dispatched again, and its end is its own."""
    main = await taken(city, "u-main", "公厕旁垃圾成堆")
    other = await taken(city, "u-other", "河边塑料袋乱飘")
    await command(city, other, "merge", into=main, reason="同一处")
    await becomes(city, other, outcome="merged")
    assert (await command(city, other, "unmerge", reason="不是同一处")).status_code == httpx.codes.OK
    await becomes(city, other, state="ordered")
    await orders_are(city, other, "withdrawn", "issued")
    await stands_for(city, main)
    await done(city, other, nth=2)
    await becomes(city, other, state="closed", outcome="solved")
    assert (await view(city, main))["state"] != "closed"


async def attached(city: City) -> None:
    """A part waits without an order and is closed with its parent."""
    project = await taken(city, "project", "背街小巷环境整治", attributes={"kind": "project"})
    part = await taken(city, "part", "三号巷口杂物")
    assert (await command(city, part, "attach", parent=project, reason="同一专项")).status_code == httpx.codes.OK
    await becomes(city, part, state="attached")
    await orders_are(city, part, "withdrawn")
    refused = await command(city, part, "assign", to={"kind": "department", "id": "huanwei"}, reason="快")
    assert (refused.status_code, refused.json()["reason"]) == (httpx.codes.CONFLICT, "attached")
    await done(city, project)
    shown = await becomes(city, part, state="closed")
    assert (shown["outcome"], shown["result"]) == ("solved", "已清运")
    related = await command(city, part, "relate", other=project, reason="同一路段")
    assert related.status_code == httpx.codes.OK
    assert [each["id"] for each in (await view(city, part))["family"]["related"]] == [project]


async def found(city: City) -> None:
    """The hotline and the grid app speak of one matter; and a matter that comes back is suggested as a project."""
    app = await taken(city, "app", "东大街菜市场门口积存渣土堵路", "0111", channel="grid")
    same = await taken(city, "same", "菜市场门口渣土，东大街被堵住", "0111")
    shown = await becomes_suspected(city, same)
    assert [each["id"] for each in shown["family"]["suspected"]] == [app]
    answer = await city.http.get(city.url("desk", "/v1/tickets?hint=duplicate"))
    assert same in [each["id"] for each in answer.json()["tickets"]]
    assert (await command(city, same, "merge", into=app, reason="确认")).status_code == httpx.codes.OK
    await becomes(city, same, outcome="merged")
    certain = await taken_and_merged(city, "certain", "东大街菜市场门口积存渣土堵路")
    assert certain["family"]["main"]["id"] == app
    answer = await city.http.get(city.url("desk", "/v1/tickets?hint=project"))
    (listed,) = answer.json()["tickets"]
    project = (await view(city, listed["id"]))["family"]["project"]
    assert (project["unit"], project["category"], project["times"]) == (GRID, "0111", 3)
    assert {app, same} < set(project["tickets"])


async def becomes_suspected(city: City, ticket: str) -> dict[str, Any]:
    """Give a ticket once it is suspected."""

    async def so() -> dict[str, Any]:
        shown = await view(city, ticket)
        return shown if (shown.get("family") or {}).get("suspected") else {}

    shown: dict[str, Any] = await eventually(so, timeout_s=60, what=f"{ticket} is suspected")
    return shown


async def taken_and_merged(city: City, name: str, text: str) -> dict[str, Any]:
    """Hand in a report that is certainly another one's matter; gives it once it is merged."""
    place = {"grid": GRID}
    await city.report(SOURCE, name, channel="hotline", category="0111", text=text, place=place)
    return await becomes(city, ticket_id(SOURCE, name), outcome="merged")


async def refused_at_the_desk(city: City) -> None:
    """Another ticket that is none is refused before anything is asked."""
    ticket = await taken(city, "lonely", "垃圾桶满了")
    for name, field in (("merge", "into"), ("attach", "parent"), ("relate", "other")):
        for other in ("0000000000000000", "nothing"):
            answer = await command(city, ticket, name, key=other, **{field: other}, reason="x")
            assert answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY
            assert f"/{field}" in answer.text
    answer = await command(city, ticket, "merge", key="self", into=ticket, reason="x")
    assert (answer.status_code, answer.json()["reason"]) == (httpx.codes.CONFLICT, "itself")


async def test_of_two_turns_that_look_at_one_place_the_second_decides_anew(tmp_path: Path) -> None:
    """So that one of two reports always sees the other, whatever process reads them."""
    with Mongod(tmp_path / "mongod", cache_gb=0.25) as mongod:
        mongo = Mongo(mongod.address)
        db = mongo.db("places")
        places = Places(db)
        for _ in range(3):  # the first time there is no document, later there is one
            (one,) = (await places.at(ALIKE, ["0110/x"])).values()
            (other,) = (await places.at(ALIKE, ["0110/x"])).values()
            with remedies():
                await db[ALIKE].bulk_write([kept(one | {"tickets": [{"id": "A"}]})])
            with pytest.raises(Conflict), remedies():
                await db[ALIKE].bulk_write([kept(other | {"tickets": [{"id": "B"}]})])
        assert list(await places.holding(["A"])) == ["0110/x"]
        mongo.close()


@pytest.mark.timeout(500)
async def test_closure_is_killed_between_the_steps_of_a_merge(tmp_path: Path) -> None:
    """Wherever it dies, it ends as if it had not; two that merge into each other leave one open."""
    async with City(tmp_path) as city:
        pairs = [(await taken(city, f"a{n}"), await taken(city, f"b{n}")) for n in range(len(STEPS))]
        for (one, other), step in zip(pairs, STEPS, strict=True):
            city.kill("closure")
            dying = city.start("closure", crash=(step, 2 if step in {"claimed", "decided"} else 1))
            await asyncio.gather(
                command(city, other, "merge", into=one, reason="同一处"),
                command(city, one, "merge", into=other, reason="同一处"),
            )

            async def dead(process: Any = dying) -> bool:
                return process.poll() is not None

            await eventually(dead, timeout_s=60, what=f"{step} kills closure")
            city.kill("closure")
            city.start("closure")
        await city.ready("closure")
        ended = [await one_stays_open(city, *pair) for pair in pairs]
        for main, _ in ended:
            await done(city, main)
            await becomes(city, main, state="closed", outcome="solved")

        async def all_told() -> bool:
            return all([("closed", main) in await told(city, merged) for main, merged in ended])

        await eventually(all_told, timeout_s=60, every_s=1, what="every merged caller hears of the end")
        for main, merged in ended:
            said = await facts(city, merged)
            assert {n: said[n] for n in ("merged", "closed", "family-told")} == {
                "merged": 1, "closed": 1, "family-told": 2,
            }  # fmt: skip
            said = await facts(city, main)
            assert {n: said[n] for n in ("adopted", "closed")} == {"adopted": 1, "closed": 1}
            assert Counter(kind for kind, _ in await told(city, merged))["merged"] == 1
        different = same_id_other_body(await city.log())
        assert different == set()


async def one_stays_open(city: City, one: str, other: str) -> tuple[str, str]:
    """Give who of two stands for the other, once that is settled."""

    async def settled() -> tuple[str, ...]:
        shown = {ticket: await view(city, ticket) for ticket in (one, other)}
        merged = [ticket for ticket, each in shown.items() if each.get("outcome") == "merged"]
        mains = [ticket for ticket, each in shown.items() if (each.get("family") or {}).get("children")]
        return (*mains, *merged) if len(merged) == len(mains) == 1 else ()

    main, merged = await eventually(settled, timeout_s=60, what=f"one of {one} and {other} is merged")
    assert (await view(city, main))["state"] != "closed"
    return main, merged


def same_id_other_body(log: list[Seen]) -> set[str]:
    """Give ids under which two different messages stand."""
    bodies: dict[str, set[str]] = {}
    for seen in log:
        bodies.setdefault(seen.headers["ce_id"], set()).add(str(seen.value))
    return {ident for ident, different in bodies.items() if len(different) > 1}
