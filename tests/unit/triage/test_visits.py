"""What becomes of something that is said at a visit (移动办公 社区办公日)?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.closure.handlers import decider as closing
from shared.messages import AddItem, TicketClosed, TicketSettled, TicketTriaged
from tests.support.fold import MORNING, Folded, Said
from tests.unit.triage.reports import CITY, G1, report, triage

VISIT = "FEDCBA9876543210"


def said(**attributes: Any) -> Said:
    """Give what triage makes of a report from the visit."""
    return triage().read(report(channel="visit", attributes={"visit": VISIT} | attributes))


def told(answer: Said) -> tuple[list[Any], list[tuple[str, AddItem]]]:
    """Give the facts on the report's own ticket, and what others' tickets were told."""
    bodies = [(out.key, body) for out, body in zip(answer.outbox, answer.facts, strict=True)]
    return [b for _, b in bodies if not isinstance(b, AddItem)], [
        (key, b) for key, b in bodies if isinstance(b, AddItem)
    ]


def test_what_goes_on_is_triaged_and_counted_as_open() -> None:
    """The visit hears of it by a command on its own ticket."""
    (triaged,), ((key, item),) = told(said())
    assert isinstance(triaged, TicketTriaged)
    assert triaged.promised_by is None
    assert (key, item.item, item.outcome) == (VISIT, "0123456789ABCDEF", "open")


@pytest.mark.parametrize(("outcome", "closed"), [("settled", "solved"), ("explained", "informed")])
def test_what_was_settled_there_needs_no_order_and_is_closed_with_the_answer(outcome: str, closed: str) -> None:
    """Even without a category: it is over."""
    answer = triage().read(
        report(channel="visit", category=None, attributes={"visit": VISIT, "outcome": outcome, "answer": "已现场协调"})
    )
    (settled,), ((_, item),) = told(answer)
    assert isinstance(settled, TicketSettled)
    assert (settled.outcome, settled.answer, settled.unit, item.outcome) == (closed, "已现场协调", G1, outcome)
    (over,) = Folded(closing(CITY)).read(settled).facts
    assert isinstance(over, TicketClosed)
    assert (over.outcome, over.result) == (closed, "已现场协调")


def test_a_promise_is_kept_as_the_limit() -> None:
    """One that has passed, has no offset, or is no date, is none."""
    promise = MORNING + timedelta(days=3)
    (triaged,), ((_, item),) = told(said(promised_by=promise.isoformat()))
    assert (triaged.promised_by, item.outcome, item.promised_by) == (promise, "ticket", promise)
    for nothing in ("tomorrow", promise.replace(tzinfo=None).isoformat(), (MORNING - timedelta(days=1)).isoformat(), 7):
        (triaged,), ((_, item),) = told(said(promised_by=nothing))
        assert (triaged.promised_by, item.outcome) == (None, "open")


def test_settling_needs_an_answer_and_the_channel() -> None:
    """The person must have heard something; nobody settles a hotline's report by an attribute."""
    for attributes in (
        {"outcome": "settled"},
        {"outcome": "settled", "answer": "  "},
        {"outcome": "gone", "answer": "x"},
    ):
        (triaged,), _ = told(said(**attributes))
        assert isinstance(triaged, TicketTriaged)
    by_phone = triage().read(report(attributes={"visit": VISIT, "outcome": "settled", "answer": "x"}))
    assert [type(fact) for fact in by_phone.facts] == [TicketTriaged]


@pytest.mark.parametrize("visit", ["", "no ticket", 7, None, "0123456789ABCDEF"])
def test_what_names_no_other_ticket_stands_for_itself(visit: object) -> None:
    """Nor does a ticket join itself."""
    answer = triage().read(report(channel="visit", attributes={} if visit is None else {"visit": visit}))
    assert [type(fact) for fact in answer.facts] == [TicketTriaged]
