"""Does a department that lost everything get its orders again, once each, whatever is killed? And does a flood wait?"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from shared.ids import order_id, ticket_id
from shared.mongo import Mongo
from shared.topics import updates_topic
from tests.support import forked
from tests.support.city import ROOT, City, Seen
from tests.support.waiting import eventually

SOURCE = "test/hotline"
OURS, OTHERS = "huanwei", "shizheng"
RATE, FLOOD = 300, 6_000
PAGE = 5
"""Orders of a snapshot that are asked for at once: each of these snapshots has several pages."""
SNAPSHOT, STARTED, COMPLETED = (
    f"gridcall.{name}.v1" for name in ("order.snapshot", "resync.started", "resync.completed")
)
REFUSED = "gridcall.resync.refused.v1"
STEPS = [
    ("written", 1), ("committed", 1), ("resync-listed", 1), ("resync-started", 1), ("half-published", 1),
    ("resync-asked", 2), ("publishing", 2), ("resync-ended", 1),
]  # fmt: skip
"""Where dispatch dies between a request and the end of its snapshot."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """One city in which departments are held to a few hundred updates a second, and snapshots to small pages."""
    few = {"GRIDCALL_UPDATES_PER_S": str(RATE), "GRIDCALL_UPDATES_BURST": str(RATE), "GRIDCALL_RESYNC_PAGE": str(PAGE)}
    few["GRIDCALL_LOG_LEVEL"] = "warning"
    async with City(tmp_path_factory.mktemp("resync"), environment=few) as running:
        yield running


async def ordered(city: City, prefix: str, count: int) -> list[str]:
    """Give the ids of as many new orders of ours, once they are on our topic."""
    idents = [f"{prefix}-{number}" for number in range(count)]
    place = {"grid": "511802001001001"}
    for ident in idents:
        await city.report(SOURCE, ident, channel="hotline", category="0110", text=f"垃圾未清 {ident}", place=place)
    orders = [order_id(ticket_id(SOURCE, ident), 1) for ident in idents]

    async def there() -> bool:
        issued = {s.value["order_id"] for s in await city.orders(OURS) if s.type == "gridcall.order.issued.v1"}
        return set(orders) <= issued

    await eventually(there, timeout_s=90, every_s=0.5, what="the orders are issued")
    return orders


async def answered(city: City, department: str, *updates: str) -> None:
    """Return when every update has its answer."""

    async def there() -> bool:
        return set(updates) <= {s.value.get("update_id") for s in await city.orders(department)}

    await eventually(there, timeout_s=120, every_s=0.5, what="the updates are answered")


async def ask(city: City, ident: str, **body: Any) -> None:
    """Ask for a snapshot as a department does."""
    await city.put(updates_topic(city.departments[OURS]), "gridcall.order.resync.v1", f"{OURS}/system", ident, body)


async def told(city: City, update: str) -> list[Seen]:
    """Give what our topic holds once the snapshot that was asked for has ended, or was refused."""

    async def ended() -> list[Seen] | None:
        seen = await city.orders(OURS)
        over = any(s.type in {COMPLETED, REFUSED} and s.value["update_id"] == update for s in seen)
        return seen if over else None

    found: list[Seen] = await eventually(ended, timeout_s=120, every_s=0.5, what=f"{update} has ended")
    return found


def frame(seen: list[Seen], update: str) -> tuple[Seen, list[Seen], Seen]:
    """Give the start, the orders and the end of a snapshot; fails when an id stands for two different messages."""
    bodies: dict[str, str] = {}
    first: list[Seen] = []
    for record in seen:
        body = json.dumps(record.value, sort_keys=True)
        if record.headers["ce_id"] not in bodies:
            first.append(record)
        assert bodies.setdefault(record.headers["ce_id"], body) == body
    (start,) = [s for s in first if s.type == STARTED and s.value["update_id"] == update]
    resync = start.value["resync_id"]
    mine = [s for s in first if s.value.get("resync_id") == resync]
    assert [s.type for s in mine] == [STARTED, *[SNAPSHOT] * start.value["orders"], COMPLETED]
    return start, mine[1:-1], mine[-1]


async def test_a_department_gets_all_that_is_open_as_it_stands(city: City) -> None:
    """Issued, signed and done ones, not those of others; then the stream goes on."""
    orders = await ordered(city, "plain", 6)
    for number, order in enumerate(orders[:3]):
        await city.update(OURS, "sign", f"plain-s{number}", order_id=order)
    await answered(city, OURS, "plain-s0", "plain-s1", "plain-s2")
    await ask(city, "plain-r")
    start, snapshots, end = frame(await told(city, "plain-r"), "plain-r")
    states = {s.value["order_id"]: s.value["state"] for s in snapshots}
    assert states == dict.fromkeys(orders[:3], "signed") | dict.fromkeys(orders[3:], "issued")
    assert start.value["orders"] == end.value["orders"] == 6
    assert end.value["held_up"] == 0
    issued = {s.value["order_id"]: s.value for s in await city.orders(OURS) if s.type == "gridcall.order.issued.v1"}
    for snapshot in snapshots:
        said = issued[snapshot.value["order_id"]]
        assert said == {name: snapshot.value[name] for name in said}
        assert snapshot.key == snapshot.value["ticket_id"]
    await city.update(OURS, "sign", "plain-after", order_id=orders[3])
    await answered(city, OURS, "plain-after")


async def test_a_request_that_makes_no_sense_is_answered(city: City) -> None:
    """Its id again, a value that cannot be read, nothing since then."""
    await ask(city, "again-r", since="2031-01-01T00:00:00+08:00")
    start, snapshots, _ = frame(await told(city, "again-r"), "again-r")
    assert (start.value["orders"], snapshots) == (0, [])
    for ident, body, reason in (("again-r", {}, "id-reused"), ("bad-r", {"since": "yesterday"}, "bad-body")):

        async def refused(ident: str = ident) -> list[str]:
            seen = await city.orders(OURS)
            return [s.value["reason"] for s in seen if s.type == REFUSED and s.value["update_id"] == ident]

        await ask(city, ident, **body)
        assert await eventually(refused, what=f"{ident} is refused") == [reason]


async def test_an_operator_asks_in_a_departments_name(city: City) -> None:
    """`gridcall resync` waits for the end and says how many there were."""

    async def gridcall(*arguments: str) -> tuple[int, dict[str, Any]]:
        words = ("resync", *arguments, "--json")
        run = await asyncio.to_thread(forked.run, "deploy.cli", *words, env=city.env, cwd=ROOT)
        return run.returncode, json.loads(run.stdout or run.stderr)

    code, answer = await gridcall(OURS)
    assert code == 0, answer
    start, snapshots, end = frame(await told(city, answer["update_id"]), answer["update_id"])
    assert len(snapshots) == start.value["orders"] == end.value["orders"] == answer["orders"] > 0
    assert (await gridcall("nobody"))[0] == 2
    mongo = Mongo(city.mongod.address)
    left = await mongo.db("gridcall_dispatch")["resync_pages"].count_documents({})
    mongo.close()
    assert left == 0, "what a snapshot was made from is dropped at its end"


@pytest.mark.timeout(500)
async def test_kill_9_in_the_middle_of_a_snapshot(city: City) -> None:
    """Wherever dispatch dies: each order once, as it stood amid the stream, and one end after all of them."""
    orders = await ordered(city, "killed", 24)
    for round_number, (step, nth) in enumerate(STEPS):
        city.kill("dispatch")
        update = f"killed-{step}"
        signing = orders[round_number * 2 : round_number * 2 + 2]
        await ask(city, update)
        for order in signing:
            await city.update(OURS, "sign", f"sign-{order}", order_id=order)
        dying = city.start("dispatch", crash=(step, nth))

        async def dead(dying: Any = dying) -> bool:
            return dying.poll() is not None

        await eventually(dead, timeout_s=90, what=f"{step} kills dispatch")
        assert dying.returncode == -9, step
        city.kill("dispatch")
        city.start("dispatch")
        seen = await told(city, update)
        _, snapshots, end = frame(seen, update)
        assert end.value["held_up"] == 0
        assert set(orders) <= {s.value["order_id"] for s in snapshots}
        assert set(Counter(s.value["order_id"] for s in snapshots).values()) == {1}
        at = {s.value["order_id"]: (s.offset, s.value["state"]) for s in reversed(snapshots)}
        accepted = {s.value["order_id"]: s.offset for s in reversed(seen) if s.type == "gridcall.update.accepted.v1"}
        for order in orders:
            offset, state = at[order]
            assert state == ("signed" if accepted.get(order, offset) < offset else "issued"), (step, order)
    facts = {s.headers["ce_id"]: s for s in await city.log() if s.type == "gridcall.ticket.order-signed.v1"}
    signed = Counter(s.value["order_id"] for s in facts.values())
    assert set(signed.values()) == {1}


@pytest.mark.timeout(400)
async def test_a_flood_waits_and_the_neighbour_does_not(city: City) -> None:
    """One department writes thousands of updates, another signs meanwhile; in the end all are answered."""
    (order,) = await ordered(city, "flood", 1)
    topic, body = updates_topic(city.departments[OTHERS]), json.dumps({"order_id": order}).encode()
    for number in range(FLOOD):
        headers = [("ce_type", b"gridcall.order.sign.v1"), ("ce_source", b"flood"), ("ce_id", f"f{number}".encode())]
        await city.producer.send(topic, body, key=b"k", headers=headers)
    await city.producer.flush()
    await city.update(OURS, "sign", "amid", order_id=order)
    await answered(city, OURS, "amid")
    meanwhile = {s.value["update_id"] for s in await city.orders(OTHERS)}
    assert len(meanwhile) < FLOOD, "the flood was over before the neighbour was answered"

    async def all_answered() -> bool:
        return len({s.value["update_id"] for s in await city.orders(OTHERS)}) == FLOOD

    await eventually(all_answered, timeout_s=240, every_s=2, what="nothing of the flood is lost")
    metrics = (await city.http.get(city.url("dispatch", "/metrics"))).text
    held = [line for line in metrics.splitlines() if line.startswith("gridcall_held_back_seconds_total")]
    assert [topic in line for line in held] == [True], held
