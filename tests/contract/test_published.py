"""Does today's gridcall still speak with whoever was written against an earlier version? Every version is asked."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from deploy.schemas import Schema, contract_version, published, schemas
from shared.messages import REGISTRY
from tests.support.compatible import breaks

TODAY, PUBLISHED = schemas(), published()
OF_GRIDCALL = {"order", "answer", "receipt"}
"""Kinds that others read: they must understand today's messages too."""


def incompatible(name: str, then: Schema, now: Schema) -> list[str]:
    """Give what somebody who knows only the published schema of a message trips over."""
    lost = breaks(now, then)
    if REGISTRY[name].kind in OF_GRIDCALL:
        lost += [f"their reader: {each}" for each in breaks(then, now, keeps_fields=False)]
    return lost


def test_this_version_is_published() -> None:
    """Whoever raises the version keeps its schemas."""
    assert contract_version() in PUBLISHED, "run `python -m deploy.schemas`"


@pytest.mark.parametrize("version", PUBLISHED)
def test_no_published_type_is_gone(version: str) -> None:
    """A type that is retired is no longer written; it is read for ever."""
    assert not PUBLISHED[version].keys() - TODAY.keys()


@pytest.mark.parametrize(("version", "name"), [(version, name) for version, kept in PUBLISHED.items() for name in kept])
def test_what_was_published_still_holds(version: str, name: str) -> None:
    """Everything that a published schema allows is still read; what others read has nothing that breaks them."""
    assert not incompatible(name, PUBLISHED[version][name], TODAY[name])


# ---------------------------------------------------------------- the comparison itself can fail

Change = Callable[[Schema], Any]
OR_NULL = {"anyOf": [{"type": "string"}, {"type": "null"}]}
SIGN, ISSUED = "gridcall.order.sign.v1", "gridcall.order.issued.v1"
FINE: list[tuple[str, str, Change]] = [
    ("an added optional field", SIGN, lambda s: s["properties"].update(shift={"type": "string", "default": ""})),
    ("an added field that others read", ISSUED, lambda s: s["properties"].update(sla={"type": "string"})),
    ("a longer text", SIGN, lambda s: s["properties"]["note"].update(maxLength=20_000)),
    ("a field that may be null too", SIGN, lambda s: s["properties"].update(by=OR_NULL)),
    ("another description", ISSUED, lambda s: s.update(description="Another sentence.")),
]
BROKEN: list[tuple[str, str, Change, str]] = [
    ("removed", SIGN, lambda s: s["properties"].pop("note"), "/note: the field is gone"),
    ("renamed", ISSUED, lambda s: _rename(s, "handle_by", "due_by"), "/handle_by: the field is gone"),
    ("now required", SIGN, lambda s: s["required"].append("by"), "/by: the field is required"),
    ("no longer sure", ISSUED, lambda s: s["required"].remove("sign_by"), "their reader: /sign_by: the field is"),
    ("shorter", SIGN, lambda s: s["properties"]["note"].update(maxLength=100), "/note: maxLength is 100, was 10000"),
    ("another type", ISSUED, lambda s: s["properties"].update(attempt={"type": "string"}), "/attempt: integer is not"),
    ("a value less", ISSUED, lambda s: s["properties"]["severity"]["enum"].pop(), "/severity: 'IV' is not allowed"),
    ("a value more", ISSUED, lambda s: s["properties"]["role"]["enum"].append("x"), "their reader: /role: 'x' is not"),
    ("null", ISSUED, lambda s: s["properties"].update(unit=OR_NULL), "their reader: /unit"),
    ("in a part", ISSUED, lambda s: s["$defs"]["Location"]["properties"].pop("lon"), "/place/lon: the field is gone"),
    ("in a list", ISSUED, lambda s: s["$defs"]["Attachment"]["properties"].pop("url"), "/attachments/[]/url: "),
    ("closed", ISSUED, lambda s: s.update(additionalProperties=False), "unknown fields are refused"),
    ("a pattern", ISSUED, lambda s: s["properties"]["unit"].update(pattern="^[0-9]+$"), "/unit: pattern is"),
]  # fmt: skip


def _rename(schema: Schema, old: str, new: str) -> None:
    schema["properties"][new] = schema["properties"].pop(old)
    schema["required"][schema["required"].index(old)] = new


@pytest.mark.parametrize(("name", "change"), [case[1:] for case in FINE], ids=[case[0] for case in FINE])
def test_a_harmless_change_is_found_harmless(name: str, change: Change) -> None:
    """The page for the department's developer says that these are no new version."""
    now = copy.deepcopy(TODAY[name])
    change(now)
    assert now != TODAY[name]
    assert incompatible(name, TODAY[name], now) == []


@pytest.mark.parametrize(("name", "change", "found"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
def test_a_change_that_breaks_somebody_is_found(name: str, change: Change, found: str) -> None:
    """Each of these would need a new wire type."""
    now = copy.deepcopy(TODAY[name])
    change(now)
    assert any(found in each for each in incompatible(name, TODAY[name], now))
