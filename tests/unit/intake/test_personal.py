"""Who can read what people say of themselves?"""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from services.intake.app import build
from services.intake.personal import Personal, key_from
from services.intake.settings import Settings, own
from shared.errors import Refused
from shared.settings import Settings as Shared
from tests.unit.intake.counter import KEY

OTHER = "A" * 43 + "="


def test_what_is_sealed_opens_with_its_key_only() -> None:
    """Another key gives a sentence, not a crash."""
    sealed = Personal(KEY).seal("张三".encode())
    assert "张三".encode() not in sealed
    assert Personal(KEY).unseal(sealed) == "张三".encode()
    with pytest.raises(Refused, match="another key"):
        Personal(OTHER).unseal(sealed)


def test_a_token_opens_one_report() -> None:
    """Always the same for a report, another for each, and another under another key."""
    one = Personal(KEY)
    assert one.token("T1") == Personal(KEY).token("T1")
    assert len({one.token("T1"), one.token("T2"), Personal(OTHER).token("T1")}) == 3
    assert one.opens("T1", one.token("T1"))
    assert not one.opens("T2", one.token("T1"))
    assert not one.opens("T1", "\ud800ü")
    assert len(one.token("T1")) == 32


@given(st.binary(max_size=300))
def test_any_record_can_be_masked(content: bytes) -> None:
    """What comes out is JSON, whatever went in."""
    assert isinstance(json.loads(Personal(KEY).masked_record(content)), dict)


@pytest.mark.parametrize(
    "content",
    [
        b'"13812345678"',
        b"13812345678",
        b"[13812345678]",
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b'{"a":"' + b"1" * 70_000 + b'"}',
    ],
)
def test_what_is_no_modest_json_object_is_not_shown(content: bytes) -> None:
    """A note says how long it was; its fingerprint cannot be guessed without the key."""
    note = json.loads(Personal(KEY).masked_record(content))
    assert note["bytes"] == len(content)
    assert note["fingerprint"] != json.loads(Personal(OTHER).masked_record(content))["fingerprint"]
    assert set(note) == {"left_out", "bytes", "fingerprint"}


def test_a_json_object_is_shown_without_its_caller() -> None:
    """Also one that could not be understood."""
    shown = Personal(KEY).masked_record('{"caller":{"name":"张三"},"t":"13812345678","x":"\\ud800"}'.encode())
    assert json.loads(shown) == {"t": "138****5678", "x": "\ud800"}


@pytest.mark.parametrize("key", ["short", "ü" * 44, "A" * 44, ""])
def test_a_key_that_is_none_is_refused_with_how_to_make_one(key: str) -> None:
    """At start, not at the first report."""
    with pytest.raises(ValueError, match="GRIDCALL_PII_KEY must be 32 bytes"):
        Personal(key)


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Mode 600, the same at every start, also when ten processes start at once."""
    settings = Settings(data=str(tmp_path / "new"))
    with ThreadPoolExecutor(10) as pool:
        keys = set(pool.map(lambda _: key_from(settings), range(30)))
    assert keys == {key_from(settings)}
    file = tmp_path / "new" / "pii.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["pii.key"]
    Personal(keys.pop())


def test_a_key_that_is_set_is_used_and_no_file_is_made(tmp_path: Path) -> None:
    """GRIDCALL_PII_KEY goes first; it is never shown."""
    settings = Settings(data=str(tmp_path), pii_key=SecretStr(KEY))
    assert key_from(settings) == KEY
    assert list(tmp_path.iterdir()) == []
    assert KEY not in repr(settings)


def test_the_shared_settings_are_completed_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What run() and `gridcall` hand over knows nothing of the key."""
    monkeypatch.setenv("GRIDCALL_PII_KEY", KEY)
    settings = own(Shared(data=str(tmp_path), batch_records=7))
    assert (settings.pii_key.get_secret_value(), settings.batch_records) == (KEY, 7)
    assert own(settings) is settings


async def test_the_service_is_put_together(tmp_path: Path) -> None:
    """Two loops, a spool, and dead letters that can be opened again."""
    service = build(Settings(data=str(tmp_path), pii_key=SecretStr(KEY)))
    assert [loop.group for loop in service.loops] == ["gridcall.intake.reports", "gridcall.intake"]
    assert len(service.background) == 2  # what waits is published, and what is due by the calendar is reported
    assert service.unseal is not None
    assert service.unseal(Personal(KEY).seal(b"x")) == b"x"
    service.mongo.close()
