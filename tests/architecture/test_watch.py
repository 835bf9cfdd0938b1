"""Does each alert ask for what there is, fire when it should, and lead to its row of the runbook?"""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from shared import metrics

DEPLOY = Path(__file__).parents[2] / "deploy"
GROUPS = yaml.safe_load((DEPLOY / "prometheus" / "rules.yml").read_text(encoding="utf-8"))["groups"]
RULES = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = [rule for rule in RULES if "alert" in rule]
TESTS = ("rules_test.yml", "rules_days_test.yml")


def checked(tool: str, *arguments: str, folder: Path, package: str) -> str:
    """Run one of Prometheus's own tools; gives what it printed."""
    found = shutil.which(tool)
    if found is None:
        pytest.skip(f"{tool} is not installed: apt-get install {package}")
    done = subprocess.run([found, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def exported() -> set[str]:
    """Give every name under which a metric of gridcall is scraped."""
    collectors = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    ends = {"gauge": [""], "counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"]}
    return {metric.name + end for each in collectors for metric in each.describe() for end in ends[metric.type]}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_metrics_that_there_are(rule: dict[str, Any]) -> None:
    """A metric that was renamed would silence its alert for ever."""
    asked = set(re.findall(r"gridcall[_:][\w:]*\w|\bup\b", rule["expr"]))
    assert asked
    assert asked <= exported() | {each["record"] for each in RULES if "record" in each} | {"up"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_leads_to_its_row_of_the_runbook(alert: dict[str, Any]) -> None:
    """It says what is the matter; the row says what to look at and what to do."""
    assert alert["annotations"]["summary"].strip()
    assert alert["labels"]["severity"] in {"page", "ticket"}
    file, _, anchor = alert["annotations"]["runbook_url"].partition("#")
    assert anchor == alert["alert"].lower()
    lines = (DEPLOY.parent / file).read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if f'<a id="{anchor}"></a>' in line]
    assert all(cell.strip() for cell in row.strip("|").split("|"))


def test_every_row_of_the_runbook_with_an_anchor_is_of_an_alert() -> None:
    """A row that no alert leads to any more misleads."""
    text = (DEPLOY / "README.md").read_text(encoding="utf-8")
    anchored = set(re.findall(r'^\| <a id="(\w+)"></a>', text, re.MULTILINE))
    assert anchored == {alert["alert"].lower() for alert in ALERTS}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_is_tried_both_ways(alert: dict[str, Any]) -> None:
    """There is a case in which it fires, and one in which it does not."""
    files = [yaml.safe_load((DEPLOY / "prometheus" / name).read_text(encoding="utf-8")) for name in TESTS]
    cases = [case for file in files for test in file["tests"] for case in test["alert_rule_test"]]
    outcomes = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == alert["alert"]}
    assert outcomes == {True, False}


@pytest.mark.parametrize("name", TESTS)
def test_alerts_fire_when_they_should(name: str) -> None:
    """As Prometheus itself evaluates them."""
    checked("promtool", "test", "rules", name, folder=DEPLOY / "prometheus", package="prometheus")


def test_prometheus_takes_its_configuration() -> None:
    """With the rules that it names."""
    checked("promtool", "check", "config", "prometheus.yml", folder=DEPLOY / "prometheus", package="prometheus")


def test_alertmanager_takes_its_configuration() -> None:
    """Routes, receivers and what inhibits what."""
    folder = DEPLOY / "alertmanager"
    checked("amtool", "check-config", "alertmanager.yml", folder=folder, package="prometheus-alertmanager")


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_an_alert_goes_to_the_receiver_of_its_severity(alert: dict[str, Any]) -> None:
    """As Alertmanager itself routes it."""
    labels = [f"{name}={value}" for name, value in {"alertname": alert["alert"], **alert["labels"]}.items()]
    command = ["config", "routes", "test", "--config.file=alertmanager.yml", *labels]
    said = checked("amtool", *command, folder=DEPLOY / "alertmanager", package="prometheus-alertmanager")
    assert said.split() == [alert["labels"]["severity"]]


def test_what_inhibits_and_what_is_inhibited_are_alerts() -> None:
    """An alert that was renamed would be told twice, or hide what it should not."""
    config = yaml.safe_load((DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8"))
    matchers = [m for rule in config["inhibit_rules"] for m in (*rule["source_matchers"], *rule["target_matchers"])]
    named = {name for matcher in matchers for name in re.findall(r'"(.*)"', matcher)[0].split("|")}
    assert named <= {alert["alert"] for alert in ALERTS}
