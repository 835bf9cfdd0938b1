"""What does `gridcall audit --timers` print, and how does it end?"""

from __future__ import annotations

import json
from collections import Counter

import pytest
from typer.testing import CliRunner

from deploy.cli import audit
from deploy.cli.audit import Audited, Finding
from deploy.cli.main import app

COUNTS = Counter(
    {"timers": 12, "warning expected": 4, "warning said": 4, "breach expected": 3, "breach said": 2, "records": 99}
)
MISSED = Finding("timer-missed", "7K3M9Q2DXW5T8H4B", "no breach of sign of 7K3M9Q2DXW5T8H4B-1, run 1")


def run(monkeypatch: pytest.MonkeyPatch, found: tuple[Finding, ...], *arguments: str) -> tuple[int, str]:
    """Give exit code and output for what the log holds."""
    monkeypatch.setattr(audit, "audit_timers", lambda *_given: Audited(COUNTS, found))
    monkeypatch.setenv("GRIDCALL_MONGO", "mongodb://127.0.0.1:1/?replicaSet=rs0&serverSelectionTimeoutMS=50")
    result = CliRunner().invoke(app, ["audit", "--timers", *arguments])
    return result.exit_code, result.stdout


def test_it_prints_what_was_due_and_what_was_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row for warnings, breaches and escalations; then the findings, by kind and one by one."""
    code, text = run(monkeypatch, (MISSED,))
    rows = [line.split() for line in text.splitlines()]
    assert ["12", "timers", "due", "said"] in rows
    assert rows[1:4] == [["warnings", "4", "4"], ["breaches", "3", "2"], ["escalations", "0", "0"]]
    assert ["1", "timer-missed"] in rows
    assert MISSED.what in text
    assert code == 1


def test_a_sound_log_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a sentence."""
    code, text = run(monkeypatch, ())
    assert code == 0
    assert "Nothing is missing" in text


def test_a_machine_gets_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """One JSON object."""
    code, text = run(monkeypatch, (MISSED,), "--json")
    said = json.loads(text)
    assert (code, said["counts"]["timers"], said["findings"][0]["ticket"]) == (1, 12, MISSED.ticket)
