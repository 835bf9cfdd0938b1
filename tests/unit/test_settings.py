"""Is a variable that nothing can be made of named in one sentence, before anything is started with it?"""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from deploy.cli.output import USAGE, as_failure
from deploy.local.settings import LocalSettings


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GRIDCALL_CLOCK_ORIGIN", "yesterday"),
        ("GRIDCALL_CLOCK_ORIGIN", "/nowhere/clock.json"),
        ("GRIDCALL_CLOCK_ORIGIN", "2026-11-22T08:00:00/2026-11-22T08:00:00"),
        ("GRIDCALL_DESK_PORT", "99999"),
        ("GRIDCALL_KAFKA", "kafka"),
        ("GRIDCALL_KAFKA", "127.0.0.1:9092,127.0.0.1:x"),
        ("GRIDCALL_KAFKA_PORT", "kafka"),
        ("GRIDCALL_LOG_LEVEL", "loud"),
        ("GRIDCALL_MONGO", "http://localhost"),
    ],
)
def test_a_wrong_value_is_named(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    """With the variable, what it is and what it should be."""
    monkeypatch.setenv(variable, value)
    with pytest.raises(ValidationError) as caught:
        LocalSettings()
    failure = as_failure(caught.value)
    assert failure.code == USAGE
    assert failure.sentence.startswith(f"{variable} is '{value}': ")
    assert "value error" not in failure.sentence.lower()


def test_an_empty_variable_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """docker-compose.yml gives some of them empty."""
    for variable in ("GRIDCALL_KAFKA", "GRIDCALL_MONGO", "GRIDCALL_CLOCK_ORIGIN", "GRIDCALL_DESK_PORT"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("GRIDCALL_MONGO_PORT", "27018")
    settings = LocalSettings()
    assert (settings.mongo, settings.clock_origin, settings.desk_port) == ("", "", 8000)
    assert settings.addressed().mongo == "mongodb://127.0.0.1:27018/?replicaSet=rs0"
