"""Is a command's body read strictly, and does a refusal say what to change?"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.desk.commands import MAX_TEXT, command_of, key_of
from shared.http import Problem
from shared.messages import DESK_COMMANDS, AssignTicket, ReportProgress, SignOrder


def raw(**fields: Any) -> bytes:
    """Give a body."""
    return json.dumps(fields).encode()


def problem(name: str, body: bytes) -> Problem:
    """Give the problem that a body leads to."""
    with pytest.raises(Problem) as caught:
        command_of(name, body)
    return caught.value


def test_a_sound_body_becomes_a_command() -> None:
    """Nested parts, instants and defaults included."""
    assert command_of("sign", raw(order_id="x-1", by="王")) == SignOrder(order_id="x-1", by="王")
    assign = command_of("assign", raw(to={"kind": "unit", "id": "1"}, reason="r", by="王"))
    assert isinstance(assign, AssignTicket)
    body = raw(
        order_id="x-1", by="王", at="2026-11-22T08:00:00+08:00", lon=103.0, lat=30,
        attachments=[{"url": "https://a", "media_type": "image/png"}],
    )  # fmt: skip
    progress = command_of("progress", body)
    assert isinstance(progress, ReportProgress)
    assert progress.lat == 30


@pytest.mark.parametrize(
    ("name", "body", "status", "pointer"),
    [
        ("sign", b"{", 400, None),
        ("sign", b"", 400, None),
        ("sign", b"\xff\xfe", 400, None),
        ("sign", b'{"by": NaN}', 400, None),
        ("sign", b"[]", 422, None),
        ("sign", b"null", 422, None),
        ("sign", raw(order_id="x"), 422, "/by"),
        ("sign", raw(order_id="x", by="  "), 422, "/by"),
        ("sign", raw(order_id="x", by="x" * 101), 422, "/by"),
        ("sign", raw(by="x"), 422, "/order_id"),
        ("sign", raw(order_id=7, by="x"), 422, "/order_id"),
        ("sign", raw(order_id="x", by="x", departmant="y"), 422, "/departmant"),
        ("sign", raw(order_id="x", by="x", department="police"), 422, "/department"),
        ("sign", raw(order_id="x", by="x", note="a\0b"), 422, "/note"),
        ("sign", raw(order_id="x", by="x", note="a" * (MAX_TEXT + 1)), 422, "/note"),
        ("verify", raw(passed="yes", by="x"), 422, "/passed"),
        ("revise", raw(order_id="x", by="x", revision="stop"), 422, "/revision"),
        ("revise", raw(order_id="x", by="x", revision="extend", until="tomorrow"), 422, "/until"),
        ("decide-revision", raw(by="x"), 422, "/granted"),
        ("call-back", raw(rating=6, by="x"), 422, "/rating"),
        ("close", raw(outcome="solved", reason="r", by="x"), 422, "/outcome"),
        ("assign", raw(to={"kind": "unit", "id": "1", "name": "x"}, reason="r", by="x"), 422, "/to/name"),
        ("assign", raw(to={"kind": "nobody", "id": "1"}, reason="r", by="x"), 422, "/to/kind"),
        ("progress", raw(order_id="x", by="x", lon=181), 422, "/lon"),
        ("progress", b'{"order_id": "x", "by": "x", "lat": 1e999}', None, None),
        ("progress", raw(order_id="x", by="x", at="2026-11-22T08:00:00"), 422, "/at"),
        ("progress", raw(order_id="x", by="x", attachments=[{}] * 21), 422, "/attachments"),
        ("progress", raw(order_id="x", by="x", note=[[[[[[[["x"]]]]]]]]), 422, None),
    ],
)
def test_a_bad_body_is_refused(name: str, body: bytes, status: int | None, pointer: str | None) -> None:
    """With a 4xx and the field to change."""
    found = problem(name, body)
    assert found.status == status or (status is None and 400 <= found.status < 500)
    if pointer is not None:
        assert [error["pointer"] for error in found.errors] == [pointer]


@given(name=st.sampled_from(sorted(DESK_COMMANDS)), body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_no_bytes_break_it(name: str, body: bytes) -> None:
    """Noise is a problem of the sender's, never an error of ours."""
    assert 400 <= problem(name, body).status < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(name=st.sampled_from(sorted(DESK_COMMANDS)), data=st.data())
def test_no_json_breaks_it(name: str, data: st.DataObject) -> None:
    """Whatever stands in the fields, it is a command or a problem."""
    fields = st.sampled_from([*DESK_COMMANDS[name].model_fields, "more"])
    body = data.draw(st.dictionaries(fields, JSON, max_size=6))
    with contextlib.suppress(Problem):
        command_of(name, json.dumps({"by": "x"} | body).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("key", [None, "", "  ", "x" * 201, "a\tb"])
def test_a_key_is_needed(key: str | None) -> None:
    """Without one a repeated request would be done twice."""
    with pytest.raises(Problem) as caught:
        key_of(key)
    assert caught.value.status == 400
