"""Do `docker compose up` and `make run` start the same stack?"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from deploy.local.parts import PARTS, SERVICES, Part
from shared import metrics

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "deploy" / "prometheus"
BESIDE = {"setup", "prometheus"}
"""`up` does the first itself; it has no Prometheus, since `make run` needs nothing but Python and Java."""
OF_THE_IMAGE = {"GRIDCALL_HEALTH_PORT"}
KAFKA_OF_THE_NETWORK = {
    "advertised.listeners",
    "controller.quorum.voters",
    "inter.broker.listener.name",
    "listener.security.protocol.map",
    "listeners",
    "log.dirs",
}
"""A container listens on other addresses; everything else must be the same."""


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """Give the services of docker-compose.yml."""
    services: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    return services


def test_the_parts_are_the_same(compose: dict[str, Any]) -> None:
    """No part is in one and not in the other."""
    assert set(compose) - BESIDE == {part.name for part in PARTS}


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_a_service_is_started_the_same_way(compose: dict[str, Any], part: Part) -> None:
    """The same module, the same environment variables."""
    described = compose[part.name]
    assert described["command"] == ["python", "-m", part.module]
    assert set(described["environment"]) - OF_THE_IMAGE == set(part.variables)
    assert described["environment"]["GRIDCALL_HEALTH_PORT"] == part.port


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_listens_on_the_same_port(compose: dict[str, Any], part: Part) -> None:
    """The port on the host is the documented one, and the same variable changes it."""
    assert compose[part.name]["ports"] == [f"127.0.0.1:${{{part.port_variable}:-{part.port}}}:{part.port}"]


def test_kafka_is_configured_the_same_way(compose: dict[str, Any]) -> None:
    """Each broker property of the local node is in compose with the same value, and none besides."""
    lines = (ROOT / "deploy" / "local" / "server.properties").read_text(encoding="utf-8").splitlines()
    local = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    beside = {"KAFKA_HEAP_OPTS"}
    image = {
        name.removeprefix("KAFKA_").lower().replace("_", "."): str(value)
        for name, value in compose["kafka"]["environment"].items()
        if name not in beside
    }
    assert set(image) == set(local)
    differing = {name for name in local if local[name] != image[name]}
    assert differing <= KAFKA_OF_THE_NETWORK


def test_the_image_holds_all_that_its_commands_import(compose: dict[str, Any]) -> None:
    """Without what only `make run` needs: the ignored files, and the packages of the group `local`."""
    lines = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith(("#", "*"))]
    modules = [compose["setup"]["command"][2], *(f"{part.module}.__main__" for part in SERVICES)]
    code = "import sys; sys.modules.update(supervisor=None, fiftyone=None)\n"
    code += "".join(f"import {module}\n" for module in modules)
    code += "print(*{m.__file__ for m in list(sys.modules.values()) if getattr(m, '__file__', None)}, sep='\\n')"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    loaded = {Path(line).relative_to(ROOT) for line in said.splitlines() if line.startswith(f"{ROOT}/")}
    ours = {path for path in loaded if path.parts[0] in {"deploy", "services", "shared"}}
    assert len(ours) > 50
    assert {path for path in ours if not _is_copied(path, rules)} == set()


def _is_copied(path: Path, rules: list[str]) -> bool:
    """Tell what the last rule that fits says, as Docker does."""
    copied = False
    for rule in rules:
        inner = Path(rule.removeprefix("!"))
        if path == inner or inner in path.parents:
            copied = rule.startswith("!")
    return copied


def test_prometheus_asks_every_service() -> None:
    """Each service is a target, on its port."""
    content = (ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    targets = set(re.findall(r"targets: \[([a-z]+:\d+)\]", content))
    assert targets == {f"{part.name}:{part.port}" for part in SERVICES}


def test_prometheus_finds_its_rules(compose: dict[str, Any]) -> None:
    """Each file that its configuration names is there, and mounted beside it."""
    named = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text(encoding="utf-8"))["rule_files"]
    assert named
    mounts = set(compose["prometheus"]["volumes"])
    for file in ["prometheus.yml", *named]:
        assert (PROMETHEUS / file).exists()
        assert f"./deploy/prometheus/{file}:/etc/prometheus/{file}:ro" in mounts


def test_alerts_ask_for_metrics_that_there_are_and_say_what_to_do() -> None:
    """A metric that was renamed would silence its alert for ever."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text(encoding="utf-8"))["groups"]
    alerts = [rule for group in groups for rule in group["rules"]]
    collectors = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    ends = {"gauge": [""], "counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    there = {metric.name + end for each in collectors for metric in each.describe() for end in ends[metric.type]}
    for alert in alerts:
        asked = set(re.findall(r"gridcall_\w+", alert["expr"]))
        assert asked
        assert asked <= there, alert["alert"]
        assert all(alert["annotations"][name].strip() for name in ("summary", "do"))


def test_alerts_fire_when_they_should() -> None:
    """As Prometheus itself evaluates them."""
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    command = [promtool, "test", "rules", "rules_test.yml"]
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
