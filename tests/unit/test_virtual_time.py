"""Does the stack's time go on over restarts, never back and never behind the world?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from deploy.local import virtual_time
from shared.clock import StoppedClock, clock_from

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_first_start_begins_at_the_real_time(tmp_path: Path) -> None:
    """Without a past, virtual time is real time."""
    origin = virtual_time.begin(tmp_path / "clock.json", 600, StoppedClock(START))
    assert origin.virtual(START) == START
    assert origin.virtual(START + HOUR) == START + 600 * HOUR


def test_time_stands_still_while_a_fast_stack_is_stopped(tmp_path: Path) -> None:
    """A night without the stack does not pass six hundred nights."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    virtual_time.begin(file, 600, world)
    world.advance(HOUR)
    virtual_time.end(file, world)
    world.advance(8 * HOUR)
    assert virtual_time.begin(file, 60, world).virtual(world.now()) == START + 600 * HOUR


def test_after_a_crash_time_goes_on_from_the_latest_it_can_have_been(tmp_path: Path) -> None:
    """Nobody noted the end, so the stack may have run until now."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    virtual_time.begin(file, 10, world)
    world.advance(HOUR)
    assert virtual_time.begin(file, 1, world).virtual(world.now()) == START + 10 * HOUR


RUN = st.tuples(st.floats(0.1, 1000), st.integers(0, 100_000), st.integers(0, 100_000), st.booleans())


@given(runs=st.lists(RUN, max_size=8))
def test_time_never_goes_back_and_never_falls_behind(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[float, int, int, bool]]
) -> None:
    """Whatever the speeds, pauses and crashes: each start is at or after all that was shown before."""
    file, world, shown = tmp_path_factory.mktemp("clock") / "clock.json", StoppedClock(START), START
    for speed, seconds_up, seconds_down, clean in runs:
        origin = virtual_time.begin(file, speed, world)
        assert origin.virtual(world.now()) >= max(shown, world.now())
        world.advance(timedelta(seconds=seconds_up))
        shown = origin.virtual(world.now())
        if clean:
            virtual_time.end(file, world)
        world.advance(timedelta(seconds=seconds_down))


def test_services_read_the_variable_as_it_is_written(tmp_path: Path) -> None:
    """GRIDCALL_CLOCK_ORIGIN makes a clock that is not behind the origin's virtual instant."""
    origin = virtual_time.begin(tmp_path / "clock.json", 5)
    assert clock_from(origin.speed, origin.variable).now() >= datetime.fromisoformat(origin.virtual_origin)
