"""Do `docker compose up` and `make run` start the same stack?"""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.dashboards import DATASOURCE
from deploy.local.parts import PARTS, PROMETHEUS, SERVICES, Part
from shared.settings import Settings

ROOT = Path(__file__).parents[2]
WATCH = ROOT / "deploy" / "prometheus"
BESIDE = {"setup", "prometheus", "alertmanager", "grafana"}
"""`up` does the first itself and needs nothing but Python and Java; it starts Prometheus where that is installed."""
OF_THE_IMAGE = {"GRIDCALL_HEALTH_PORT"}
OF_THE_NETWORK = {
    *("data", "host", "instance", "database_prefix", "group_prefix"),
    *(name for name in Settings.model_fields if name.startswith("kafka_") or name.endswith("_port")),
}
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
    given = {name for name, value in described["environment"].items() if value is not None}
    assert given - OF_THE_IMAGE == set(part.variables)
    assert described["environment"]["GRIDCALL_HEALTH_PORT"] == part.port


@pytest.mark.parametrize("part", SERVICES, ids=lambda part: part.name)
def test_whatever_can_be_set_can_be_set_for_a_container(compose: dict[str, Any], part: Part) -> None:
    """Each setting that a service reads is given or passed on, but for those that the image and its network decide."""
    own = find_spec(f"{part.module}.settings")
    settings: type[Settings] = import_module(own.name).Settings if own else Settings
    wanted = {f"GRIDCALL_{name.upper()}" for name in settings.model_fields if name not in OF_THE_NETWORK}
    passed = {name for name in compose[part.name]["environment"] if not name.startswith("AWS_")}
    assert passed - OF_THE_IMAGE == wanted | {part.port_variable}


@pytest.mark.parametrize("part", [*PARTS, PROMETHEUS], ids=lambda part: part.name)
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
    (job,) = yaml.safe_load((WATCH / "prometheus.yml").read_text(encoding="utf-8"))["scrape_configs"]
    targets = {target: group["labels"]["service"] for group in job["static_configs"] for target in group["targets"]}
    assert targets == {f"{part.name}:{part.port}": part.name for part in SERVICES}


def test_prometheus_tells_alertmanager(compose: dict[str, Any]) -> None:
    """Under the name and port that compose gives it."""
    alerting = yaml.safe_load((WATCH / "prometheus.yml").read_text(encoding="utf-8"))["alerting"]
    assert alerting["alertmanagers"] == [{"static_configs": [{"targets": ["alertmanager:9093"]}]}]
    assert compose["alertmanager"]["ports"][0].endswith(":9093")


def test_grafana_finds_what_it_shows(compose: dict[str, Any]) -> None:
    """Datasource and dashboards are where its provisioning says."""
    folder = ROOT / "deploy" / "grafana"
    mounts = dict(volume.split(":")[:2] for volume in compose["grafana"]["volumes"])
    assert mounts["./deploy/grafana/provisioning"] == "/etc/grafana/provisioning"
    (provider,) = yaml.safe_load((folder / "provisioning/dashboards/gridcall.yml").read_text("utf-8"))["providers"]
    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    (source,) = yaml.safe_load((folder / "provisioning/datasources/prometheus.yml").read_text("utf-8"))["datasources"]
    assert source["uid"] == DATASOURCE["uid"]
    home = Path(compose["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (folder / "dashboards" / home.name).exists()


def test_prometheus_finds_its_rules(compose: dict[str, Any]) -> None:
    """Each file that its configuration names is there, and mounted beside it."""
    named = yaml.safe_load((WATCH / "prometheus.yml").read_text(encoding="utf-8"))["rule_files"]
    assert named
    mounts = set(compose["prometheus"]["volumes"])
    for file in ["prometheus.yml", *named]:
        assert (WATCH / file).exists()
        assert f"./deploy/prometheus/{file}:/etc/prometheus/{file}:ro" in mounts


def test_alertmanager_tells_whom_the_environment_names(compose: dict[str, Any], tmp_path: Path) -> None:
    """Whatever characters the addresses hold; what it is started with is still its configuration."""
    given = {"PAGE": r"https://pager.invalid/x?a=1&b=|\2", "TICKET": "https://desk.invalid/{}"}
    assert set(compose["alertmanager"]["environment"]) == set(given)
    (command,) = compose["alertmanager"]["command"]
    script, _, start = command.replace("$$", "$").partition("exec ")
    assert start.startswith("/bin/alertmanager --config.file=/tmp/alertmanager.yml ")
    source = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
    script = script.replace(" /tmp/", f" {tmp_path}/").replace("/etc/alertmanager/", f"{source.parent}/")
    subprocess.run(["/bin/sh", "-c", f"{script} true"], env=given | {"PATH": "/usr/bin:/bin"}, check=True)
    made = tmp_path / source.name
    told = {
        each["name"]: each["webhook_configs"][0]["url"] for each in yaml.safe_load(made.read_text("utf-8"))["receivers"]
    }
    assert told == {"page": given["PAGE"], "ticket": given["TICKET"]}
