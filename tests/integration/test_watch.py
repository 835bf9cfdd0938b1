"""Does a real Prometheus see in a running city what dashboards and alerts ask for, and do the alerts come and go?"""

from __future__ import annotations

import asyncio
import json
import math
import re
from base64 import b64encode
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
import yaml

from deploy.grafana.dashboards import FOLDER
from deploy.local.processes import free_port
from deploy.local.prometheus import RULES, Prometheus, is_installed
from deploy.local.servers import QUICK_JIT, Kafka
from shared.clock import RealClock
from shared.ids import order_id, ticket_id
from shared.topics import REPORTS, updates_topic
from tests.support.city import City
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
    pytest.mark.skipif(not is_installed(), reason="Prometheus is not installed: apt-get install prometheus"),
]
MONDAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SPEED = 300
"""Half an hour to sign is six seconds."""
OFFICER = "东城值班长"
LASTING = re.compile(r"^( +)for: \S+$", re.MULTILINE)
DASHBOARDS = sorted(FOLDER.glob("*.json"))
POISON = 20
UPDATES_PER_S = 20
POSTED = "huanwei"
"""Its orders are posted to an address where nobody is."""


class Watched(City):
    """A city where time is fast, and a Prometheus that asks it every second and waits for no alert to last."""

    def __init__(self, folder: Path) -> None:
        """Choose ports; start nothing."""
        super().__init__(
            folder,
            environment={
                "GRIDCALL_CLOCK_SPEED": str(SPEED),
                "GRIDCALL_CLOCK_ORIGIN": f"{RealClock().now().isoformat()}/{MONDAY.isoformat()}",
                "GRIDCALL_SLA_AUDIT_EVERY_S": "5",
                "GRIDCALL_SLA_AUDIT_SPEED": str(SPEED),
                "GRIDCALL_POISON_LIMIT": str(POISON),
                "GRIDCALL_UPDATES_PER_S": str(UPDATES_PER_S),
                "GRIDCALL_UPDATES_BURST": str(UPDATES_PER_S),
                "GRIDCALL_WEBHOOKS": str(folder / "webhooks.yaml"),
                "WATCHED_SECRET": f"whsec_{b64encode(bytes(32)).decode()}",
            },
        )
        self.kafka = Kafka(folder / "kafka", flags=QUICK_JIT)
        nobody = f"127.0.0.1:{free_port()}"
        posted: dict[str, Any] = {
            "department": POSTED,
            "url": f"http://{nobody}/",
            "secrets": [{"env": "WATCHED_SECRET"}],
        }
        posted |= {"allow_http": True, "allow_private": True, "longest_pause_s": SPEED, "first_pause_s": SPEED}
        webhooks = {"allowed_hosts": [nobody], "departments": [posted]}
        (folder / "webhooks.yaml").write_text(yaml.safe_dump(webhooks), encoding="utf-8")
        rules = folder / "rules.yml"
        quick = LASTING.sub(r"\1for: 0s", RULES.read_text(encoding="utf-8")).replace("[15m])) > 300", "[15m])) > 60")
        rules.write_text(quick, encoding="utf-8")
        self.prometheus = Prometheus(folder / "prometheus", free_port(), self.ports, every="1s", rules=rules)
        self.number = 0

    async def asked(self, path: str, **parameters: str) -> Any:
        """Give what Prometheus answers; it must be no error."""
        answer = await self.http.get(f"{self.prometheus.address}/api/v1/{path}", params=parameters)
        assert answer.is_success, (parameters, answer.text)
        return answer.json()["data"]

    async def firing(self) -> set[tuple[str, ...]]:
        """Give the alerts that fire now, each with the values of its own labels."""
        alerts = (await self.asked("alerts"))["alerts"]
        left_out = {"alertname", "severity"}
        return {
            (labels["alertname"], *(value for name, value in sorted(labels.items()) if name not in left_out))
            for labels in (alert["labels"] for alert in alerts if alert["state"] == "firing")
        }

    async def fires(self, *alert: str) -> None:
        """Return when an alert fires."""

        async def there() -> bool:
            return alert in await self.firing()

        await eventually(there, timeout_s=120, what=f"{alert} fires")

    async def resolves(self, *alert: str) -> None:
        """Return when an alert fires no more."""

        async def gone() -> bool:
            return alert not in await self.firing()

        await eventually(gone, timeout_s=120, what=f"{alert} resolves")

    # ------------------------------------------------------------ what happens in it

    async def reported(self, **body: Any) -> str:
        """Hand in a report; gives the id of its ticket."""
        self.number += 1
        ident = f"call-{self.number}"
        place = {"grid": "511802001001001"}
        await self.report("watch/hotline", ident, channel="hotline", text="x", place=place, **body)
        return ticket_id("watch/hotline", ident)

    async def becomes(self, ticket: str, *states: str) -> None:
        """Return when the desk shows a ticket in one of some states."""

        async def shown() -> bool:
            return (await self.ticket(ticket))["state"] in states

        await eventually(shown, timeout_s=60, what=f"{ticket} becomes {states}")

    async def loop_closes(self) -> str:
        """Let one report go the whole way to closed, solved by the word of its caller; gives its ticket."""
        caller = {"name": "张三", "phone": "00000000321", "callback": True}
        ticket = await self.reported(category="0110", caller=caller)
        await self.becomes(ticket, "ordered")
        order = order_id(ticket, 1)
        for kind, more in (("sign", {}), ("done", {"result": "已清运"})):
            await self.update("huanwei", kind, f"{kind}-{ticket}", order_id=order, **more)
        await self.becomes(ticket, "call-back")
        said = {"by": OFFICER, "reached": True, "solved": True, "rating": 5}
        await self.command(ticket, "call-back", f"call-{ticket}", **said)
        await self.becomes(ticket, "closed")
        return ticket

    async def unreadable(self, count: int = 1) -> None:
        """Let the hotline and a department write what nobody can read."""
        for topic in (REPORTS, updates_topic(self.departments["huanwei"])):
            for _ in range(count):
                headers = [("ce_type", b"gridcall.order.sign.v1"), ("ce_source", b"huanwei"), ("ce_id", b"\xff")]
                await self.producer.send_and_wait(topic, b"\xff{", key=b"k", headers=headers)

    async def flood(self, department: str, order: str, seconds: int) -> None:
        """Let a department write as much at once as it may in so many seconds, about an order that is not its own."""
        topic, body = updates_topic(self.departments[department]), json.dumps({"order_id": order}).encode()
        for _ in range(UPDATES_PER_S * seconds):
            self.number += 1
            headers = [("ce_type", b"gridcall.order.sign.v1"), ("ce_source", b"x"), ("ce_id", b"f%d" % self.number)]
            await self.producer.send(topic, body, key=b"k", headers=headers)
        await self.producer.flush()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """Start a city and its Prometheus."""
    async with Watched(tmp_path_factory.mktemp("watched")) as watched:
        await asyncio.to_thread(watched.prometheus.start)
        try:
            yield watched
        finally:
            await asyncio.to_thread(watched.prometheus.stop)


def queries() -> dict[str, str]:
    """Give every panel's queries, variables put in as Grafana does with all values chosen."""
    found: dict[str, str] = {}
    for file in DASHBOARDS:
        page = json.loads(file.read_text(encoding="utf-8"))
        for panel in page["panels"]:
            for target in panel["targets"]:
                expr = target["expr"].replace("$__rate_interval", "1m").replace("$__range", "1h")
                for variable in page["templating"]["list"]:
                    expr = expr.replace(f"${variable['name']}", variable["allValue"])
                found[f"{page['title']} / {panel['title']} / {target['refId']}"] = expr
    return found


async def test_every_panel_has_an_answer(city: Watched) -> None:
    """While loops close, limits pass, commands are refused and letters are dead: none is empty, none is in error."""
    asked = queries()
    assert len(asked) > 50
    assert not [expr for expr in asked.values() if "$" in expr]

    async def empty() -> list[str]:
        return [name for name, expr in asked.items() if not numbers(await city.asked("query", query=expr))]

    async def all_answered() -> bool:
        await city.reported(category="9011", condition="missing")  # nobody signs it: it goes up the ladder
        ticket = await city.loop_closes()
        answer = await city.command(ticket, "verify", f"verify-{ticket}", by=OFFICER, passed=True)
        assert answer.status_code == httpx.codes.CONFLICT
        await city.unreadable()
        await city.flood("gongan", order_id(ticket, 1), 2)
        missing = await empty()
        assert not missing, missing
        return True

    await eventually(all_answered, timeout_s=300, every_s=2, what="every panel shows something")
    for file in DASHBOARDS:
        for variable in json.loads(file.read_text(encoding="utf-8"))["templating"]["list"]:
            metric = re.findall(r"label_values\((\w+), ", variable["definition"])
            assert await city.asked(f"label/{variable['name']}/values", **{"match[]": metric[0]}), variable


def numbers(data: dict[str, Any]) -> list[float]:
    """Give the numbers of an answer; what is none, as of nothing divided by nothing, shows nothing."""
    values = [float(each["value"][1]) for each in data["result"]]
    return [value for value in values if not math.isnan(value)]


async def test_every_rule_is_evaluated(city: Watched) -> None:
    """Prometheus has loaded all of them and found no error in what it got."""

    async def evaluated() -> bool:
        rules = [rule for group in (await city.asked("rules"))["groups"] for rule in group["rules"]]
        assert [(rule["name"], rule["lastError"]) for rule in rules if rule.get("lastError")] == []
        return len(rules) > 20 and all(rule["health"] == "ok" for rule in rules)

    await eventually(evaluated, what="every rule was evaluated")


async def test_a_killed_dispatch_is_told_until_it_is_back(city: Watched) -> None:
    """And nobody else is said to be down."""
    await city.resolves("ServiceDown", "dispatch")
    city.kill("dispatch")
    await city.fires("ServiceDown", "dispatch")
    assert {alert for alert in await city.firing() if alert[0] == "ServiceDown"} == {("ServiceDown", "dispatch")}
    city.start("dispatch")
    await city.resolves("ServiceDown", "dispatch")
    await city.ready("dispatch")


async def test_a_burst_of_poison_is_told_until_the_topic_is_read_again(city: Watched) -> None:
    """First as dead letters, then as a topic that is paused."""
    paused = {"dispatch": updates_topic(city.departments["huanwei"]), "intake": REPORTS}
    await city.unreadable(2 * POISON)
    for service, topic in paused.items():
        await city.fires("TopicPaused", service, topic)
        assert ("DeadLetters", service) in await city.firing()

    async def read_again() -> bool:
        for service, topic in paused.items():  # what is left of the burst may be enough to stop it once more
            await city.http.post(city.url(service, "/ops/resume"), params={"topic": topic})
        lately = await city.asked("query", query="max(max_over_time(gridcall_consumer_paused[5s]))")
        return numbers(lately) == [0]

    await eventually(read_again, timeout_s=120, every_s=2, what="both topics are read again")
    assert not [alert for alert in await city.firing() if alert[0] == "TopicPaused"]


async def test_a_department_that_floods_its_topic_is_told(city: Watched) -> None:
    """By a rule that asks for a minute instead of five."""
    ticket = await city.reported(category="0110")
    await city.becomes(ticket, "ordered")
    await city.flood("gongan", order_id(ticket, 1), 90)
    await city.fires("UpdatesHeldBack", "dispatch", updates_topic(city.departments["gongan"]))


async def test_a_stopped_kafka_and_timers_held_up_by_it_are_told_until_it_is_back(city: Watched) -> None:
    """The limit to sign passes meanwhile; afterwards it fires, and nothing is overdue any more."""
    ticket = await city.reported(category="9011", condition="missing")
    await city.becomes(ticket, "ordered", "triaged")
    await asyncio.to_thread(city.kafka.stop)
    await city.fires("InfrastructureAway", "kafka")
    await city.fires("TimersOverdue")
    await asyncio.to_thread(city.kafka.start, 240.0)
    await city.resolves("InfrastructureAway", "kafka")
    await city.resolves("TimersOverdue")
