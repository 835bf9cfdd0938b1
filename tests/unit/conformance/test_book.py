"""Does the kit answer as gridcall does? The same updates to its book and to dispatch itself."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from deploy.conformance.book import Book
from deploy.conformance.heard import heard
from services.dispatch.door import translated
from shared.errors import DeadLetter
from shared.messages import Body, ResyncRefused, UpdateAccepted, UpdateRefused
from tests.support.fold import MORNING
from tests.unit.dispatch.orders import FIRST, OFFICE, SECOND, dispatch

LATER = (MORNING + timedelta(hours=25)).isoformat()
ASK = {"until": LATER, "reason": "缺料"}
RETURN = {"reason": "not-ours"}
COURSES: list[list[tuple[str, dict[str, Any]]]] = [
    [("sign", {}), ("sign", {}), ("progress", {"note": "x"}), ("done", {}), ("done", {}), ("sign", {})],
    [("done", {}), ("progress", {"note": "x"}), ("suspend", ASK), ("return", RETURN), ("sign", {})],
    [("extend", ASK), ("sign", {})],
    [("sign", {}), ("suspend", ASK | {"reason": "materials"})],
    [("return", RETURN), ("done", {})],
    [("sign", {}), ("check-in", {"at": LATER, "by": "x"}), ("done", {"results": "x"}), ("praise", {}), ("done", {})],
    [("sign", {"order_id": SECOND}), ("sign", {"order_id": 7})],
]


def written(kind: str, body: dict[str, Any], ident: str) -> tuple[list[tuple[str, bytes | None]], bytes]:
    """Give an update as a client writes it."""
    named = {"ce_type": f"gridcall.order.{kind}.v1", "ce_source": "s", "ce_id": ident}
    return [(name, value.encode()) for name, value in named.items()], json.dumps({"order_id": FIRST} | body).encode()


def word(answer: Body | None) -> str | tuple[str, ...]:
    """Give what an answer says: effects, or the reason."""
    if isinstance(answer, UpdateAccepted):
        return answer.effects
    return answer.reason if isinstance(answer, UpdateRefused) else ""


@pytest.mark.parametrize("course", COURSES, ids=range(len(COURSES)))
def test_the_book_answers_as_dispatch_does(course: list[tuple[str, dict[str, Any]]]) -> None:
    """Update by update: the same effects, or the same reason."""
    city, book = dispatch(OFFICE), Book()
    book.states[FIRST] = "issued"
    for number, (kind, body) in enumerate(course):
        headers, value = written(kind, body, f"u{number}")
        _, told = book.answer(heard(headers, value))
        try:
            command, _ = translated(f"gridcall.order.{kind}.v1", value, "water")
        except DeadLetter as error:
            real: str | tuple[str, ...] = "" if not isinstance(body.get("order_id", ""), str) else error.reason
        else:
            answers = [one for _, one in city.read(command, id=f"c{number}").effects]
            real = word(next(one for one in answers if isinstance(one, UpdateAccepted | UpdateRefused)))
        assert word(told[0] if told else None) == real, (kind, body)


def test_a_request_for_a_snapshot_that_cannot_be_read_is_refused() -> None:
    """It is about no order, and yet it gets an answer that says why."""
    headers, value = written("resync", {}, "r")
    said, (answer,) = Book().answer(heard(headers, value))
    assert said == "refused: bad-body"
    assert isinstance(answer, ResyncRefused)
    assert "order_id" in answer.detail
    assert Book().answer(heard(headers, b"{}")) == ("", [])
