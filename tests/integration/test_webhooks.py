"""Can a department live without Kafka? By HTTP alone, while a neighbour hangs, through a kill, and after giving up."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import secrets
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import yaml
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from standardwebhooks import Webhook

from shared.clock import RealClock
from shared.ids import order_id
from shared.topics import dispatch_topic
from tests.support import forked
from tests.support.city import ROOT, City
from tests.support.http_target import HttpTarget
from tests.support.waiting import eventually

GOOD, HANGING, BROKEN, LATE = "huanwei", "yuanlin", "shizheng", "chengguan"
CATEGORY = {
    GOOD: {"category": "0110"},
    HANGING: {"category": "0118"},
    BROKEN: {"category": "9011", "condition": "missing"},
    LATE: {"category": "0106"},
}
TOKEN = "token-of-the-department-that-pulls"  # noqa: S105 - of no real department
LONG_S = 90
numbers = count(1)


def new_secret() -> str:
    """Give a secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclass
class Doors:
    """A city with three departments that have no Kafka, and one that is not configured yet."""

    city: City
    file: Path
    targets: dict[str, HttpTarget]
    secret: dict[str, str]

    async def reported(self, department: str) -> str:
        """Hand in a report for a department; gives its ticket."""
        place = {"grid": "511802001003001"}
        body = {"channel": "app", "text": f"第{next(numbers)}处", "place": place} | CATEGORY[department]
        key = {"Idempotency-Key": f"request-{next(numbers)}"}
        answer = await self.city.http.post(self.city.url("intake", "/v1/reports"), json=body, headers=key)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        ticket: str = answer.json()["ticket_id"]
        return ticket

    async def hears(self, department: str, ticket: str, *kinds: str) -> list[str]:
        """Return when a department's server has taken these events of a ticket, in this order, others between them."""
        names = [f"gridcall.{kind}.v1" for kind in kinds]

        async def all_of_them() -> bool:
            rest = iter(self.targets[department].heard(ticket))
            return all(name in rest for name in names)

        what = f"{department} hears {kinds} of {ticket}"
        await eventually(all_of_them, timeout_s=LONG_S, what=what)
        return self.targets[department].heard(ticket)

    def signed(self, department: str, body: str, ident: str, **headers: str) -> dict[str, str]:
        """Sign with the official library."""
        now = RealClock().now()
        signature = Webhook(self.secret[department]).sign(ident, now, body)
        stamp = {"webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
        return {"webhook-id": ident, "content-type": "application/cloudevents+json", **stamp, **headers}

    async def says(self, department: str, kind: str, ident: str, **data: Any) -> httpx.Response:
        """A department posts an update."""
        attributes = {"specversion": "1.0", "id": ident, "source": f"{department}/system", "data": data}
        body = json.dumps(attributes | {"type": f"gridcall.order.{kind}.v1"})
        return await self.posts(department, body, self.signed(department, body, ident))

    async def posts(self, department: str, body: str, headers: dict[str, str]) -> httpx.Response:
        """Post anything to the door for updates."""
        url = self.city.url("dispatch", f"/v1/departments/{department}/updates")
        return await self.city.http.post(url, content=body.encode(), headers=headers)

    async def pulls(self, department: str, headers: dict[str, str] | None = None, **query: Any) -> httpx.Response:
        """A department reads its feed."""
        url = self.city.url("dispatch", f"/v1/departments/{department}/feed")
        given = {"Authorization": f"Bearer {TOKEN}"} if headers is None else headers
        return await self.city.http.get(url, params=query, headers=given, timeout=60)

    async def gridcall(self, *arguments: str) -> tuple[int, Any]:
        """Run a command of the command line with --json."""
        done = await asyncio.to_thread(forked.run, "deploy.cli", *arguments, "--json", env=self.city.env, cwd=ROOT)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Doors]:
    """One city, three servers: one that works, one that hangs, one that is broken for some tickets."""
    folder: Path = tmp_path_factory.mktemp("webhooks")
    keys = {department: new_secret() for department in CATEGORY}
    async with HttpTarget(keys[GOOD]) as good, HttpTarget(behaviour="hang") as hanging, HttpTarget() as broken:
        targets = {GOOD: good, HANGING: hanging, BROKEN: broken}
        quick = {"first_pause_s": 0.2, "longest_pause_s": 1}
        own: dict[str, dict[str, Any]] = {
            GOOD: quick | {"token": {"env": "TEST_TOKEN"}},
            HANGING: {"concurrency": 2, "timeout_s": 5, "queue": 10, "first_pause_s": 0.2, "longest_pause_s": 0.2},
            BROKEN: quick | {"give_up_after_s": 0.5},
        }
        entries = [
            {"department": name, "url": target.url, "secrets": [{"env": f"TEST_SECRET_{name.upper()}"}]}
            | {"allow_http": True, "allow_private": True}
            | own[name]
            for name, target in targets.items()
        ]
        hosts = [f"127.0.0.1:{target.port}" for target in targets.values()]
        file = folder / "webhooks.yaml"
        file.write_text(yaml.safe_dump({"allowed_hosts": hosts, "departments": entries}), encoding="utf-8")
        environment = {f"TEST_SECRET_{name.upper()}": key for name, key in keys.items()}
        environment |= {"TEST_TOKEN": TOKEN, "GRIDCALL_WEBHOOKS": str(file)}
        async with City(folder, environment=environment) as city:
            yield Doors(city, file, targets, keys)
        log = (folder / "dispatch.log").read_text(encoding="utf-8")
        assert not [key for key in (*keys.values(), TOKEN) if key.removeprefix("whsec_") in log]


pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(400)]


async def test_from_the_order_to_the_closed_ticket_by_http_alone(doors: Doors) -> None:
    """Signed events come, signed updates go; a repeated update is answered again and does nothing twice."""
    ticket = await doors.reported(GOOD)
    order = order_id(ticket, 1)
    await doors.hears(GOOD, ticket, "order.issued")
    for _ in range(2):
        answer = await doors.says(GOOD, "sign", f"{order}/sign", order_id=order)
        assert (answer.status_code, answer.json()) == (202, {"id": f"{order}/sign"}), answer.text
    await doors.hears(GOOD, ticket, "update.accepted")
    binary = {"content-type": "application/json", "ce-specversion": "1.0", "ce-type": "gridcall.order.done.v1"}
    binary |= {"ce-id": f"{order}/done", "ce-source": f"{GOOD}/system"}
    body = json.dumps({"order_id": order, "result": "已清理"})
    done = await doors.posts(GOOD, body, doors.signed(GOOD, body, f"{order}/done", **binary))
    assert done.status_code == httpx.codes.ACCEPTED, done.text
    heard = await doors.hears(GOOD, ticket, "order.issued", "update.accepted", "update.accepted", "order.closed")
    assert Counter(heard)["gridcall.order.issued.v1"] == 1

    async def closed() -> bool:
        found = await doors.city.ticket(ticket)
        return bool(found["state"] == "closed" and found["result"] == "已清理")

    await eventually(closed, timeout_s=LONG_S, what="the ticket is closed")
    again = await doors.says(GOOD, "done", f"{order}/too-late", order_id=order)
    assert again.status_code == httpx.codes.ACCEPTED
    await doors.hears(GOOD, ticket, "order.closed", "update.refused")


async def test_bad_input_at_the_door(doors: Doors) -> None:
    """A 4xx problem with what to do; nothing of it reaches the topic."""
    ticket = await doors.reported(GOOD)
    before = len(await doors.city.read(f"gridcall.updates.{GOOD}"))
    event = {"specversion": "1.0", "id": "bad", "source": "x", "type": "gridcall.order.sign.v1"}
    body = json.dumps(event | {"data": {"order_id": order_id(ticket, 1)}})
    right = doors.signed(GOOD, body, "bad")
    old = str(int(right["webhook-timestamp"]) - 301)
    cases = {
        401: [
            await doors.posts(GOOD, body, right | {"webhook-timestamp": old}),
            await doors.posts(GOOD, body, right | {"webhook-signature": "v1,AAAA"}),
            await doors.posts(GOOD, body, doors.signed(HANGING, body, "bad")),
            await doors.posts(HANGING, body, right),
            await doors.posts(GOOD, body.replace("sign", "done"), right),
            await doors.posts(GOOD, body, {"content-type": "application/cloudevents+json"}),
            await doors.pulls(GOOD, {}),
            await doors.pulls(GOOD, {"Authorization": "Bearer x"}),
            await doors.pulls(HANGING),
        ],
        404: [await doors.posts("gongan", body, right), await doors.posts("nobody", body, right)],
        413: [await doors.posts(GOOD, "x" * 1_100_000, right)],
        400: [await doors.posts(GOOD, "{", doors.signed(GOOD, "{", "x")), await doors.pulls(GOOD, cursor="x")],
        422: [
            await doors.says(GOOD, "sign", "unknown-field", order_id=order_id(ticket, 1), x=1),
            await doors.says(GOOD, "issued", "not-theirs", order_id=order_id(ticket, 1)),
            await doors.pulls(GOOD, limit=0),
            await doors.pulls(GOOD, wait=31),
        ],
    }
    for status, answers in cases.items():
        for answer in answers:
            assert answer.status_code == status, answer.text
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["detail"]
    assert len(await doors.city.read(f"gridcall.updates.{GOOD}")) == before


async def test_a_hanging_target_costs_nobody_else_anything(doors: Doors) -> None:
    """Its queue fills, its topic is not read on, dispatch stays ready, and the neighbour hears everything."""
    theirs = [await doors.reported(HANGING) for _ in range(15)]
    hanging = doors.targets[HANGING]

    async def asked() -> bool:
        return len(hanging.posted) >= 2

    await eventually(asked, timeout_s=LONG_S, what="the hanging server is asked")
    ours = [await doors.reported(GOOD) for _ in range(10)]
    for ticket in ours:
        await doors.hears(GOOD, ticket, "order.issued")
    ready = await doors.city.http.get(doors.city.url("dispatch", "/health/ready"))
    assert ready.status_code == httpx.codes.OK, ready.text

    async def measured() -> bool:
        text = (await doors.city.http.get(doors.city.url("dispatch", "/metrics"))).text
        oldest = re.search(rf'gridcall_webhook_oldest_seconds{{department="{HANGING}"}} (\S+)', text)
        late = re.search(rf'deliveries_total{{department="{HANGING}",outcome="timeout"}} (\S+)', text)
        return bool(oldest and late and float(oldest[1]) > 0 and float(late[1]) > 0)

    await eventually(measured, timeout_s=LONG_S, what="its time-outs are counted")
    hanging.behaviour = "ok"
    for ticket in theirs:
        await doors.hears(HANGING, ticket, "order.issued")


async def test_position_and_retries_survive_a_kill(doors: Doors) -> None:
    """Killed while a ticket is being retried and others are on their way: all arrive, in order, with the same ids."""
    good = doors.targets[GOOD]
    first = await doors.reported(GOOD)
    good.broken.add(first)  # perhaps after the order; its answers fail then
    await doors.hears(GOOD, await doors.reported(GOOD), "order.issued")
    await doors.says(GOOD, "sign", f"{first}/sign", order_id=order_id(first, 1))
    burst = [asyncio.create_task(doors.reported(GOOD)) for _ in range(20)]
    await asyncio.wait(burst, return_when=asyncio.FIRST_COMPLETED)
    doors.city.kill("dispatch")
    tickets = [await each for each in burst]
    doors.city.start("dispatch")
    await doors.city.ready("dispatch")
    good.broken.clear()
    for ticket in tickets:
        await doors.hears(GOOD, ticket, "order.issued")
    heard = await doors.hears(GOOD, first, "order.issued", "update.accepted")
    assert heard[0] == "gridcall.order.issued.v1"
    said = {seen.headers["ce_id"]: seen for seen in await doors.city.orders(GOOD)}
    for posted in good.posted:
        event, seen = posted.event, said[posted.event["id"]]
        subject = None if seen.type.startswith("gridcall.resync.") else seen.key
        assert (event["type"], event["data"], event.get("subject")) == (seen.type, seen.value, subject)
        assert posted.headers["webhook-id"] == event["id"]


async def test_what_was_given_up_is_listed_and_redriven_in_order(doors: Doors) -> None:
    """The order becomes a dead letter, its answer waits behind it, another ticket passes; then both come."""
    broken = doors.targets[BROKEN]
    broken.behaviour = "500"
    ticket = await doors.reported(BROKEN)

    async def listed() -> Any:
        code, found = await doors.gridcall("webhooks", "list", "--department", BROKEN)
        mine = [each for each in found["letters"] if each["ticket"] == ticket]
        return mine if code == 1 and mine else None

    ((letter),) = await eventually(listed, timeout_s=LONG_S, what="the dead letter is listed")
    assert (letter["type"], letter["error"]) == ("gridcall.order.issued.v1", "HTTP 500")
    broken.behaviour = "ok"
    assert (await doors.says(BROKEN, "sign", f"{ticket}/sign", order_id=order_id(ticket, 1))).status_code == 202
    other = await doors.reported(BROKEN)
    await doors.hears(BROKEN, other, "order.issued")

    async def behind() -> int:
        found = await doors.city.orders(BROKEN)
        assert f"{ticket}/sign" in [seen.value.get("update_id") for seen in found if seen.key == ticket]
        return int((await listed())[0]["behind"])

    await eventually(behind, timeout_s=LONG_S, what="the answer waits behind the order")
    assert broken.heard(ticket) == []
    code, done = await doors.gridcall("webhooks", "redrive", letter["id"])
    assert (code, done["ids"]) == (0, [letter["id"]])
    heard = await doors.hears(BROKEN, ticket, "order.issued", "update.accepted")
    assert heard[0] == "gridcall.order.issued.v1"
    assert (await doors.gridcall("webhooks", "list"))[0] == 0


async def test_a_department_begins_when_it_is_configured(doors: Doors) -> None:
    """What lay on its topic is not posted: it gets its open orders as they stand, once, and then the stream."""
    before = [await doors.reported(LATE) for _ in range(3)]

    async def issued() -> bool:
        return set(before) <= {seen.key for seen in await doors.city.orders(LATE)}

    await eventually(issued, timeout_s=LONG_S, what="orders lie on its topic")
    async with HttpTarget(doors.secret[LATE]) as late:
        doors.targets[LATE] = late
        content = yaml.safe_load(doors.file.read_text(encoding="utf-8"))
        content["allowed_hosts"].append(f"127.0.0.1:{late.port}")
        own = {"department": LATE, "url": late.url, "secrets": [{"env": f"TEST_SECRET_{LATE.upper()}"}]}
        content["departments"].append(own | {"allow_http": True, "allow_private": True})
        doors.file.write_text(yaml.safe_dump(content), encoding="utf-8")
        for _ in range(2):  # it begins once, however often dispatch starts
            doors.city.stop("dispatch")
            doors.city.start("dispatch")
            await doors.city.ready("dispatch")
            for ticket in before:
                assert await doors.hears(LATE, ticket, "order.snapshot") == ["gridcall.order.snapshot.v1"]
            await doors.hears(LATE, await doors.reported(LATE), "order.issued")
        kinds = Counter(posted.event["type"] for posted in late.posted)
        assert (kinds["gridcall.resync.started.v1"], kinds["gridcall.resync.refused.v1"]) == (1, 0)


async def test_a_department_pulls_what_it_was_told(doors: Doors) -> None:
    """Page by page to the end, each record once and in the topic's order; a signature opens it too."""
    said = [(seen.headers["ce_id"], seen.value) for seen in await doors.city.orders(GOOD)]
    pulled: list[Any] = []
    answer = await doors.pulls(GOOD, limit=7)
    while events := answer.json():
        assert answer.headers["content-type"] == "application/cloudevents-batch+json"
        assert len(events) <= 7
        pulled += [(event["id"], event["data"]) for event in events]
        answer = await doors.pulls(GOOD, limit=7, cursor=answer.headers["Cursor"])
    assert pulled[: len(said)] == said
    end = answer.headers["Cursor"]
    headers = doors.signed(GOOD, "", "pull-1")
    assert (await doors.pulls(GOOD, headers, cursor=end)).json() == []
    waiting = [asyncio.create_task(doors.pulls(GOOD, cursor=end, wait=30)) for _ in range(4)]
    ticket = await doors.reported(GOOD)
    for each in await asyncio.gather(*waiting):
        assert {event["subject"] for event in each.json()} == {ticket}
        assert each.headers["Link"].endswith('rel="next"')


async def test_too_many_open_requests_are_told_so(doors: Doors) -> None:
    """A client that polls without end takes no more than its places."""
    end = ""
    while (answer := await doors.pulls(GOOD, limit=500, cursor=end)).json():
        end = answer.headers["Cursor"]
    polls = [asyncio.create_task(doors.pulls(GOOD, cursor=answer.headers["Cursor"], wait=10)) for _ in range(8)]
    codes = Counter(each.status_code for each in await asyncio.gather(*polls))
    assert codes == {200: 4, 429: 4}


async def test_a_cursor_that_is_too_old_says_what_to_do(doors: Doors) -> None:
    """410 with a cursor from which to go on after a resync."""
    await doors.hears(GOOD, await doors.reported(GOOD), "order.issued")
    await doors.hears(GOOD, await doors.reported(GOOD), "order.issued")
    first = await doors.pulls(GOOD, limit=1)
    admin = AIOKafkaAdminClient(bootstrap_servers=doors.city.kafka.address)
    await admin.start()
    await admin.delete_records({TopicPartition(dispatch_topic(GOOD), 0): RecordsToDelete(before_offset=2)})
    await admin.close()
    gone = await doors.pulls(GOOD, cursor=first.headers["Cursor"])
    assert gone.status_code == httpx.codes.GONE, gone.text
    assert "resync" in gone.json()["detail"]
    assert (await doors.pulls(GOOD, cursor=gone.json()["cursor"])).status_code == httpx.codes.OK
    from_the_oldest = await doors.pulls(GOOD, limit=500)
    assert [event["id"] for event in from_the_oldest.json()] == [
        seen.headers["ce_id"] for seen in await doors.city.orders(GOOD)
    ]
