"""What does the tool make of a file? Rows that can be sent, bad rows with their line, nothing in between."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from deploy.cli.replay import EXAMPLE
from deploy.replay.formats import read_recording
from deploy.replay.reconcile import misdirected
from shared.messages import ReportSubmitted
from shared.profile import Profile, find_profile, load_profile

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.replay.script import Recording


@pytest.fixture(scope="module")
def yucheng() -> Profile:
    """Give the default profile."""
    return load_profile(find_profile("yucheng"))


def read(folder: Path, name: str, content: bytes, profile: Profile) -> Recording:
    """Write a file and read it."""
    file = folder / name
    file.write_bytes(content)
    return read_recording(file, "auto", profile)


def test_json_lines_one_bad_line_spoils_no_other(tmp_path: Path, yucheng: Profile) -> None:
    """Broken JSON, another shape and a second use of an id are named by their line."""
    lines = [
        b'{"id": "a", "channel": "app", "text": "x"}',
        b"{broken",
        b"[1, 2]",
        b"",
        b'{"id": "a", "channel": "app", "text": "another"}',
        b'{"channel": "qr", "text": "\xff"}',
        b'{"channel": "grid", "text": "y"}',
    ]
    found = read(tmp_path, "day.jsonl", b"\n".join(lines), yucheng)
    assert [(row.line, row.name, row.source) for row in found.rows] == [
        (1, "a", "replay/day"),
        (7, "line 7", "replay/day"),
    ]
    assert [bad.line for bad in found.bad] == [2, 3, 5, 6]
    assert "line 1" in found.bad[2].problem


def test_a_row_without_an_id_is_known_by_what_it_says(tmp_path: Path, yucheng: Profile) -> None:
    """Moved it is the same report, corrected it is another one, said twice it is two."""
    before = read(tmp_path, "a.csv", b"channel,text\napp,x\napp,x\nnope,y\n", yucheng)
    after = read(tmp_path, "a.csv", b"text,channel\ny,app\nx,app\nx,app\n", yucheng)
    assert len({row.id for row in before.rows}) == 3
    assert [row.id for row in after.rows[1:]] == [row.id for row in before.rows[:2]]
    assert after.rows[0].id not in {row.id for row in before.rows}


def test_a_table_of_something_else_is_not_sent(tmp_path: Path, yucheng: Profile) -> None:
    """Each of its lines would be refused, and stay on the topic."""
    found = read(tmp_path, "people.csv", b"name,age\nx,1\ny,2\n", yucheng)
    assert not found.rows
    assert "channel" in found.bad[0].problem


def test_csv_with_dotted_names_becomes_nested_and_typed(tmp_path: Path, yucheng: Profile) -> None:
    """Numbers and yes or no are read; what does not fit stays text, so that the system refuses it and says why."""
    text = (
        "id,source,channel,text,place.address,place.lon,place.lat,caller.phone,caller.callback,attributes.fire\n"
        'r1,hot,hotline,"a, b",东大街,102.9,x,00000000101,true,yes\n'
        "r2,,app,c,,,,,,\n"
        "r3,hot,app,too,many,1,2,3,true,x,cells\n"
    )
    found = read(tmp_path, "day.csv", text.encode("utf-8-sig"), yucheng)
    first, second = found.rows
    assert first.body == {
        "channel": "hotline",
        "text": "a, b",
        "place": {"address": "东大街", "lon": 102.9, "lat": "x"},
        "caller": {"phone": "00000000101", "callback": True},
        "attributes": {"fire": "yes"},
    }
    assert (first.id, first.source) == ("r1", "hot")
    assert (second.id, second.source, second.body) == ("r2", "replay/day", {"channel": "app", "text": "c"})
    assert [(bad.line, "cells" in bad.problem) for bad in found.bad] == [(4, True)]


def test_a_row_may_say_what_kind_of_request_it_is(tmp_path: Path, yucheng: Profile) -> None:
    """As a field of a JSON line, and as a column."""
    (line,) = read(tmp_path, "a.jsonl", b'{"channel": "app", "text": "x", "request": "complaint"}', yucheng).rows
    (cells,) = read(tmp_path, "b.csv", b"channel,text,request\napp,x,complaint\n", yucheng).rows
    for row in (line, cells):
        assert ReportSubmitted.model_validate_json(row.value).request == "complaint"


def test_rows_go_in_order_of_creation(tmp_path: Path, yucheng: Profile) -> None:
    """A file need not be in order; the offset counts."""
    rows = [
        {"id": "late", "channel": "app", "text": "x", "occurred_at": "2026-01-02T08:00:00+08:00"},
        {"id": "early", "channel": "app", "text": "x", "occurred_at": "2026-01-02T01:00:00+02:00"},
    ]
    packed = gzip.compress("\n".join(json.dumps(row) for row in rows).encode())
    assert [row.id for row in read(tmp_path, "day.jsonl.gz", packed, yucheng).rows] == ["early", "late"]


def test_a_body_that_no_topic_takes_is_a_bad_row(tmp_path: Path, yucheng: Profile) -> None:
    """A megabyte of text would stop the producer."""
    found = read(tmp_path, "big.jsonl", json.dumps({"channel": "app", "text": "x" * 1_000_000}).encode(), yucheng)
    assert not found.rows
    assert "at most" in found.bad[0].problem


def test_a_misspelt_script_is_a_bad_row(tmp_path: Path, yucheng: Profile) -> None:
    """What is to be played is checked before anything is sent."""
    found = read(tmp_path, "day.jsonl", b'{"channel": "app", "text": "x", "_play": {"rework": []}}', yucheng)
    assert "reworks" in found.bad[0].problem


def test_the_example_day_can_be_sent_and_its_script_never_is(yucheng: Profile) -> None:
    """Every row is a sound report but the one that is to be refused, and goes where its script says."""
    found = read_recording(EXAMPLE, "auto", yucheng)
    assert not found.bad
    assert len(found.rows) == 65
    assert {row.body["channel"] for row in found.rows} == {
        "hotline", "app", "qr", "grid", "patrol", "visit", "web", "import", "open311",
    }  # fmt: skip
    for row in found.rows:
        assert "_play" not in row.body
        report = ReportSubmitted.model_validate_json(row.value)
        assert report.caller.phone is None or report.caller.phone.startswith("00000000")
        assert not misdirected(row, yucheng)
        category = yucheng.category(report.category or "")
        condition = category.condition(report.condition) if category else None
        diverted = yucheng.diversion(category, condition, report.text, report.attributes) is not None
        assert diverted == (row.script.ends == "diverted")
        assert (category is None) == (row.script.triage is not None or row.script.ends == "refused")
