"""Does `gridcall profile check` tell people and machines the same?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from typer.testing import CliRunner

from deploy.cli.profile import app
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from pathlib import Path


def test_a_sound_profile_exits_0() -> None:
    """One line with its counts."""
    result = CliRunner().invoke(app, ["check", "yucheng"])
    assert result.exit_code == 0
    assert "8 departments, 11 roads" in result.output


def test_a_finding_exits_1_with_file_and_line(tmp_path: Path) -> None:
    """For people as lines, for machines as JSON."""
    file = tmp_path / "bad.yaml"
    file.write_text(SMALL.replace("topic: water, ", ""), encoding="utf-8")
    line = next(at for at, text in enumerate(SMALL.splitlines(), 1) if "topic: water" in text)
    plain = CliRunner().invoke(app, ["check", str(file)])
    assert plain.exit_code == 1
    assert f"{file}:{line}: 'topic' is missing: add it" in plain.output
    machine = CliRunner().invoke(app, ["check", str(file), "--json"])
    assert machine.exit_code == 1
    assert json.loads(machine.stdout)["errors"][0]["line"] == line


def test_a_sound_profile_as_json() -> None:
    """The version is there, so that a script can compare it."""
    facts = json.loads(CliRunner().invoke(app, ["check", "kaohsiung", "--json"]).stdout)
    assert facts["ok"] is True
    assert facts["departments"] == 40


def test_wrong_usage_exits_2() -> None:
    """No file is a mistake in the command, not in a profile."""
    assert CliRunner().invoke(app, ["check"]).exit_code == 2
