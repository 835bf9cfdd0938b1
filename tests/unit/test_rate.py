"""Is a topic held to its rate, and no more than that?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.loop.rate import UNLIMITED, Buckets

BATCHES = st.lists(st.tuples(st.floats(0, 3), st.integers(1, 1000)), min_size=1, max_size=30)


def test_what_fits_into_the_burst_does_not_wait() -> None:
    """A department that comes back after an hour's outage has a heap to say."""
    buckets = Buckets(10, 100)
    assert [buckets.take("a", 50, 0.0), buckets.take("a", 50, 0.0)] == [0.0, 0.0]


def test_what_is_more_waits_until_it_is_refilled() -> None:
    """Twenty more than there were, at ten a second."""
    buckets = Buckets(10, 100)
    assert buckets.take("a", 120, 0.0) == pytest.approx(2.0)
    assert buckets.take("a", 10, 3.0) == pytest.approx(0.0)


def test_a_topic_does_not_pay_for_another() -> None:
    """Each has a bucket of its own."""
    buckets = Buckets(10, 100)
    buckets.take("a", 10_000, 0.0)
    assert buckets.take("b", 100, 0.0) == 0.0


def test_without_a_rate_nothing_waits() -> None:
    """The log's own loop knows no limit."""
    assert UNLIMITED.take("a", 10**9, 0.0) == 0.0


@given(batches=BATCHES)
def test_never_more_than_the_rate_and_the_burst_and_one_batch(batches: list[tuple[float, int]]) -> None:
    """Whoever waits as long as told is never faster than the rate, and whoever is slower never waits."""
    buckets, now, read = Buckets(100, 500), 0.0, 0
    for pause, count in batches:
        now += pause
        read += count
        wait = buckets.take("a", count, now)
        assert read <= 500 + 100 * (now + wait) + 1e-6
        assert wait <= 1000 / 100 + 1e-6
        now += wait
