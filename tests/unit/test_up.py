"""Is what cannot work refused in one sentence, before anything is started or made?"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.output import USAGE, Failure
from deploy.cli.topics import _created
from deploy.local.settings import LocalSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_two_parts_on_one_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Both variables are named; each alone would have found its port free."""
    monkeypatch.setenv("GRIDCALL_DATA", str(tmp_path))
    monkeypatch.setenv("GRIDCALL_DESK_PORT", "8001")
    result = CliRunner().invoke(app, ["up", "--no-replay"])
    assert result.exit_code == USAGE
    assert "GRIDCALL_INTAKE_PORT or GRIDCALL_DESK_PORT" in result.output


def test_a_data_folder_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for root, who may write nearly everywhere."""
    monkeypatch.setenv("GRIDCALL_DATA", "/proc/gridcall")
    result = CliRunner().invoke(app, ["up", "--no-replay"])
    assert result.exit_code == USAGE
    assert "/proc/gridcall cannot be written" in result.output


def test_a_file_of_something_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever mistypes a path does not want to wait for Kafka first."""
    monkeypatch.setenv("GRIDCALL_DATA", str(tmp_path / "data"))
    for file in (tmp_path / "missing.csv", tmp_path):
        result = CliRunner().invoke(app, ["up", "--replay", str(file)])
        assert result.exit_code == USAGE
        assert "cannot be read" in result.output
    assert not (tmp_path / "data").exists()


def test_a_topic_that_kafka_does_not_create_is_named_with_the_reason() -> None:
    """One that somebody else has made meanwhile (36) is fine."""
    _created(SimpleNamespace(topic_errors=[("a", 0, None), ("b", 36, "exists")]))
    with pytest.raises(Failure, match="b: only 1 broker"):
        _created(SimpleNamespace(topic_errors=[("a", 0, None), ("b", 38, "only 1 broker")]))
    with pytest.raises(Failure, match="InvalidReplicationFactor"):
        _created(SimpleNamespace(topic_errors=[("b", 38, None)]))


def test_commands_take_the_profile_that_the_stack_was_started_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An audit under another profile would look for clocks that nobody started."""
    monkeypatch.setenv("GRIDCALL_DATA", str(tmp_path))
    monkeypatch.delenv("GRIDCALL_PROFILE", raising=False)
    assert LocalSettings().addressed().profile == "yucheng"
    (tmp_path / "profile").write_text("kaohsiung")
    assert LocalSettings().addressed().profile == "kaohsiung"
    monkeypatch.setenv("GRIDCALL_PROFILE", "yucheng")
    assert LocalSettings().addressed().profile == "yucheng"
