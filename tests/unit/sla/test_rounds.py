"""Whose turn is it to be audited, and since when was nobody's missed?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import get_args

import pytest

from services.sla.app import build
from services.sla.rounds import Turns, audit_after
from services.sla.settings import Settings
from shared import metrics
from shared.errors import TryLater
from shared.messages import FindingKind

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_all_are_audited_in_their_order() -> None:
    """And again from the first, once the last is done."""
    turns = Turns()
    assert turns.order({2, 0, 1}, NOON) == [0, 1, 2]
    for number in (0, 1, 2):
        turns.audited(number, 10, NOON)
    assert turns.order({2, 0, 1}, NOON) == [0, 1, 2]


def test_an_audit_that_ended_early_is_gone_on_with() -> None:
    """However little each run gets done, everybody's turn comes."""
    turns = Turns()
    seen = []
    for _ in range(5):
        first, *_ = turns.order(range(5), NOON)
        turns.audited(first, 0, NOON)
        seen.append(first)
    assert seen == [0, 1, 2, 3, 4]
    assert turns.order(range(5), NOON)[0] == 0


def test_partitions_that_move_away_are_no_longer_waited_for() -> None:
    """Another instance audits them, and counts their timers."""
    turns = Turns()
    turns.order({0, 1}, NOON)
    turns.audited(0, 7, NOON + MINUTE)
    turns.audited(1, 5, NOON + 2 * MINUTE)
    assert (turns.timers, turns.oldest(NOON)) == (12, NOON + MINUTE)
    assert turns.order({1, 3}, NOON + 3 * MINUTE) == [3, 1]
    assert (turns.timers, turns.oldest(NOON)) == (5, NOON + 2 * MINUTE)


def test_since_when_the_longest_waiting_one_was_not_audited() -> None:
    """One that is never reached shows; without any there is nothing to wait for."""
    turns = Turns()
    assert turns.oldest(NOON) == NOON
    turns.order({0, 1}, NOON)
    for passed in range(1, 4):
        turns.audited(0, 1, NOON + passed * MINUTE)
        assert turns.oldest(NOON + passed * MINUTE) == NOON
    turns.audited(1, 1, NOON + 5 * MINUTE)
    assert turns.oldest(NOON + 6 * MINUTE) == NOON + 3 * MINUTE
    turns.order((), NOON + 7 * MINUTE)
    assert turns.oldest(NOON + 7 * MINUTE) == NOON + 7 * MINUTE


@pytest.mark.parametrize(("every_s", "more"), [(0.0, 0), (300.0, 1)])
def test_an_interval_of_nothing_is_never(every_s: float, more: int) -> None:
    """The service audits beside what it does otherwise, unless it is told not to."""
    never = build(Settings(sla_audit_every_s=0.0))
    asked = build(Settings(sla_audit_every_s=every_s))
    assert len(asked.background) - len(never.background) == more
    for service in (never, asked):
        service.mongo.close()


def test_every_kind_of_finding_is_counted_from_nothing() -> None:
    """What begins with its first finding has no increase that an alert could see."""
    build(Settings()).mongo.close()
    (metric,) = metrics.timer_audit_findings.collect()
    assert {sample.labels["kind"] for sample in metric.samples} == set(get_args(FindingKind))


async def test_a_service_that_is_not_ready_is_not_audited() -> None:
    """It owns nothing then, and that must not look as if all it owns were audited."""
    service, turns = build(Settings()), Turns()
    turns.order({0}, NOON)
    with pytest.raises(TryLater, match="not ready"):
        await audit_after(0.0, service, service.loops[0], turns)
    assert turns.oldest(NOON + MINUTE) == NOON
    service.mongo.close()
