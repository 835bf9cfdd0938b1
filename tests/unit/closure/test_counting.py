"""Is what happened to a ticket counted, and what was refused?"""

from __future__ import annotations

from prometheus_client import REGISTRY

from shared.messages import RecordCallBack
from tests.unit.closure.cases import Case


def value(name: str, **labels: str) -> float:
    """Give a counter's value."""
    return REGISTRY.get_sample_value(name, labels) or 0


def test_each_fact_counts_as_what_happened() -> None:
    """Verified and closed, by the word of the wire type."""
    before = [value("gridcall_tickets_total", event=event) for event in ("verified", "closed")]
    Case().do()
    after = [value("gridcall_tickets_total", event=event) for event in ("verified", "closed")]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1]


def test_a_refusal_counts_and_is_no_event() -> None:
    """By command and reason."""
    assert RecordCallBack.type.split(".")[2] == "record-call-back"
    labels = {"command": "record-call-back", "reason": "no-call-back-awaited"}
    before = value("gridcall_refusals_total", **labels)
    Case().call()
    assert value("gridcall_refusals_total", **labels) - before == 1
    assert value("gridcall_tickets_total", event="command-refused") == 0
