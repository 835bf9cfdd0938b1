"""Does the Prometheus of this machine ask the services where they are, and is nothing kept waiting by it?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
import yaml

from deploy.local import stack
from deploy.local.prometheus import Prometheus
from deploy.local.settings import LocalSettings
from deploy.local.stack import Stack
from shared.settings import PORTS

if TYPE_CHECKING:
    from pathlib import Path


def test_targets_are_the_ports_of_this_machine(tmp_path: Path) -> None:
    """And the rules are the same as elsewhere."""
    prometheus = Prometheus(tmp_path, 9999, {name: port + 10_000 for name, port in PORTS.items()})
    prometheus.prepare()
    config = yaml.safe_load(prometheus.configuration.read_text(encoding="utf-8"))
    groups = config["scrape_configs"][0]["static_configs"]
    assert {group["labels"]["service"]: group["targets"] for group in groups} == {
        name: [f"127.0.0.1:{port + 10_000}"] for name, port in PORTS.items()
    }
    (rules,) = config["rule_files"]
    assert rules.endswith("deploy/prometheus/rules.yml")
    assert "alerting" not in config


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """Give a stack on a machine where Prometheus is installed."""
    monkeypatch.setattr(stack, "is_installed", lambda: True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return Stack(LocalSettings(data=str(tmp_path), prometheus_port=port))


def test_it_watches_where_it_can(here: Stack) -> None:
    """Started after all others, and nobody else's port."""
    here.unwatched = here._why_unwatched()
    assert here.unwatched == ""
    assert here.programs()[-1].name == "prometheus"
    assert "prometheus" not in {part.name for parts in here.ports().values() for part in parts}


def test_without_it_nothing_else_is_missing(here: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it would need is said."""
    with socket.create_server(("127.0.0.1", here.prometheus.port)):
        assert "GRIDCALL_PROMETHEUS_PORT" in here._why_unwatched()
    monkeypatch.setattr(stack, "is_installed", lambda: False)
    here.unwatched = here._why_unwatched()
    assert here.unwatched == "not installed: apt-get install prometheus"
    assert "prometheus" not in {program.name for program in here.programs()}


def test_the_port_of_a_service_stays_the_services(here: Stack) -> None:
    """Prometheus gives way."""
    other = Stack(LocalSettings(data=here.settings.data, prometheus_port=here.settings.desk_port))
    assert other._why_unwatched().startswith(f"port {here.settings.desk_port} is taken")
