"""Does the stack's time go on over restarts, never back and never behind the world?"""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local import virtual_time
from shared.clock import LONGEST_SLEEP_S, StoppedClock, clock_from

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def started(file: Path, speed: float, world: StoppedClock, at: datetime | None = None) -> virtual_time.Origin:
    """Give the origin of a stack whose parts are up."""
    virtual_time.begin(file, speed, world, at=at)
    virtual_time.go(file, world)
    return virtual_time.Origin(**json.loads(file.read_text()))


def test_a_first_start_begins_at_the_real_time(tmp_path: Path) -> None:
    """Without a past, virtual time is real time."""
    origin = started(tmp_path / "clock.json", 600, StoppedClock(START))
    assert origin.virtual(START) == START
    assert origin.virtual(START + HOUR) == START + 600 * HOUR


def test_a_fast_time_stands_still_until_the_parts_are_up(tmp_path: Path) -> None:
    """A minute of starting is not ten hours of breaches; at the world's own pace nothing is held."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    origin = virtual_time.begin(file, 600, world)
    world.advance(HOUR)
    assert (origin.held, origin.virtual(world.now())) == (True, START)
    virtual_time.go(file, world)
    virtual_time.go(file, StoppedClock(START + 9 * HOUR))
    kept = virtual_time.Origin(**json.loads(file.read_text()))
    assert kept.virtual(START + 2 * HOUR) == START + 600 * HOUR
    assert not virtual_time.begin(tmp_path / "other.json", 1, world).held


def test_time_stands_still_while_a_fast_stack_is_stopped(tmp_path: Path) -> None:
    """A night without the stack does not pass six hundred nights."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    started(file, 600, world)
    world.advance(HOUR)
    virtual_time.end(file, world)
    world.advance(8 * HOUR)
    assert virtual_time.begin(file, 60, world).virtual(world.now()) == START + 600 * HOUR


def test_after_a_crash_time_goes_on_from_the_latest_it_can_have_been(tmp_path: Path) -> None:
    """Nobody noted the end, so the stack may have run until now."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    started(file, 10, world)
    world.advance(HOUR)
    assert virtual_time.begin(file, 1, world).virtual(world.now()) == START + 10 * HOUR


def test_a_time_that_was_told_where_to_begin_stays_in_the_past(tmp_path: Path) -> None:
    """Neither a later start, at another speed, nor a crash leaps over the year up to today."""
    file, world, then = tmp_path / "clock.json", StoppedClock(START), datetime(2025, 9, 26, 1, tzinfo=UTC)
    started(file, 3600, world, at=then)
    world.advance(timedelta(minutes=1))
    virtual_time.end(file, world)
    world.advance(8 * HOUR)
    again = virtual_time.begin(file, 1, world, at=then)
    assert (again.virtual(world.now()), again.fastest) == (then + 60 * HOUR, 3600)
    world.advance(HOUR)
    assert virtual_time.begin(file, 1, world).virtual(world.now()) == then + 61 * HOUR


def test_a_start_that_failed_before_time_went_begins_there_again(tmp_path: Path) -> None:
    """Whether its end was noted or not."""
    file, world, then = tmp_path / "clock.json", StoppedClock(START), datetime(2025, 9, 26, 1, tzinfo=UTC)
    for note_the_end in (True, False, True):
        assert virtual_time.begin(file, 3600, world, at=then).virtual(world.now()) == then
        world.advance(HOUR)
        if note_the_end:
            virtual_time.end(file, world)


def test_an_instant_is_for_the_first_start_alone(tmp_path: Path) -> None:
    """Data of today does not go back to an earlier day."""
    file, world = tmp_path / "clock.json", StoppedClock(START)
    virtual_time.begin(file, 1, world)
    assert virtual_time.begin(file, 3600, world, at=START - HOUR).virtual(START) == START


RUN = st.tuples(st.floats(0.1, 1000), st.integers(0, 100_000), st.integers(0, 100_000), st.booleans())


@given(runs=st.lists(RUN, max_size=8))
def test_time_never_goes_back_and_never_falls_behind(
    tmp_path_factory: pytest.TempPathFactory, runs: list[tuple[float, int, int, bool]]
) -> None:
    """Whatever the speeds, pauses and crashes: each start is at or after all that was shown before."""
    file, world, shown = tmp_path_factory.mktemp("clock") / "clock.json", StoppedClock(START), START
    for speed, seconds_up, seconds_down, clean in runs:
        origin = started(file, speed, world)
        assert origin.virtual(world.now()) >= max(shown, world.now())
        world.advance(timedelta(seconds=seconds_up))
        shown = origin.virtual(world.now())
        if clean:
            virtual_time.end(file, world)
        world.advance(timedelta(seconds=seconds_down))


def test_services_read_the_variable_as_it_is_written(tmp_path: Path) -> None:
    """GRIDCALL_CLOCK_ORIGIN makes a clock that is not behind the origin's virtual instant."""
    origin = virtual_time.begin(tmp_path / "clock.json", 0.5)
    assert clock_from(origin.speed, origin.variable).now() >= datetime.fromisoformat(origin.virtual_origin)


@pytest.mark.asyncio
async def test_services_see_a_clock_that_stands_until_the_file_lets_it_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sleeps until a later instant looks up as rarely as ever, and sees when it has begun to run."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    file = tmp_path / "clock.json"
    virtual_time.begin(file, 3600, StoppedClock(START), at=START)
    clock = clock_from(3600, str(file))
    assert clock.now() == clock.now() == START
    await clock.sleep_until(START + timedelta(seconds=1))
    assert slept == [LONGEST_SLEEP_S]
    await clock.sleep_until(START)
    virtual_time.go(file)
    assert clock.now() > START
    await clock.sleep_until(START)
    assert slept == [LONGEST_SLEEP_S]
