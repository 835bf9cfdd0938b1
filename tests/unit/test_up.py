"""Is what cannot work refused in one sentence, before anything is started or made?"""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from deploy.cli.output import USAGE, Failure
from deploy.cli.replay import recorded_day
from deploy.cli.topics import _created
from deploy.cli.up import CLIMB_BEGINS, _climber
from deploy.local.settings import LocalSettings
from shared.profile import find_profile, load_profile

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


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"clock_speed": 3600}, True),
        ({}, False),
        ({"clock_speed": 0.5}, False),
        ({"clock_speed": 3600, "kafka": "other:9092"}, False),
        ({"clock_speed": 3600, "mongo": "mongodb://other"}, False),
    ],
)
def test_a_climb_is_shown_where_time_is_ours_and_fast(given: dict[str, Any], shown: bool) -> None:  # noqa: FBT001
    """On servers of others there may be data of today, which must not see an earlier day."""
    settings = LocalSettings(**given)
    day = recorded_day(None, load_profile(find_profile("yucheng")))
    assert day is not None
    assert (_climber(settings, day) is not None) == shown


def test_the_climb_begins_on_the_friday_before_a_national_day_with_make_up_workdays() -> None:
    """At an hour at which its crews work: the Saturday is free, and the Sunday is not."""
    profile = load_profile(find_profile("yucheng"))
    category = profile.category("0397")
    assert category is not None
    assert category.calendar is not None
    calendar = profile.calendar(category.calendar)
    (begin, _end), *_ = calendar.day(CLIMB_BEGINS.date()).hours
    assert begin <= CLIMB_BEGINS.hour * 3600
    assert [calendar.day(CLIMB_BEGINS.date() + timedelta(days=days)).kind for days in (0, 1, 2, 5)] == [
        "work",
        "weekend",
        "make-up",
        "holiday",
    ]
