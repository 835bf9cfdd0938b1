"""Does whoever sleeps notice that the clock was put forward or back? A nap is short, however far the instant is."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared import clock as module
from shared.clock import RealClock
from shared.loop.loop import PartitionLoop
from shared.loop.partitions import Partition
from shared.topics import TICKETS
from tests.support.counting import COUNTING, Counted, reported
from tests.support.fold import Folded
from tests.support.jumps import World

HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Give the system clock to the test, which may put it forward and back."""
    return World(monkeypatch)


CLOCKS = [
    pytest.param(dict[str, Any](), id="real"),
    pytest.param({"speed": 600.0}, id="fast"),
    pytest.param({"speed": 2.0, "virtual_origin": NOON}, id="elsewhere"),
]


async def until(clock: RealClock, at: datetime) -> None:
    """Sleep until an instant as the loop's gate does: look again after each nap."""
    while clock.now() < at:
        await clock.sleep_until(at)


@pytest.mark.parametrize("made", CLOCKS)
async def test_a_sleeper_wakes_after_a_jump_over_its_instant(world: World, made: dict[str, Any]) -> None:
    """Hours are left when the clock is put forward by more: it does not sleep for hours."""
    clock = RealClock(**made)
    sleeper = asyncio.create_task(until(clock, clock.now() + 5 * HOUR * clock.speed))
    await asyncio.sleep(0)
    world.jump(6 * HOUR)
    await asyncio.wait_for(sleeper, 30)


@pytest.mark.parametrize("made", CLOCKS)
async def test_a_sleeper_sleeps_on_after_a_jump_back_and_then_no_longer_than_it_must(
    world: World, made: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put back by hours it does not wake at the instant that was near; put right it does not sleep for hours."""
    monkeypatch.setattr(module, "LONGEST_SLEEP_S", 0.01)
    clock = RealClock(**made)
    world.jump(2 * HOUR)
    sleeper = asyncio.create_task(until(clock, clock.now() + timedelta(milliseconds=50) * clock.speed))
    await asyncio.sleep(0)
    world.jump(-HOUR)
    for _ in range(20):
        await clock.sleep_until(clock.now() + HOUR * clock.speed)
    assert not sleeper.done()
    world.jump(2 * HOUR)
    await asyncio.wait_for(sleeper, 30)


class Ends:
    """A consumer that knows the end of the log."""

    def __init__(self, end: int) -> None:
        self.end = end

    async def end_offsets(self, partitions: list[Any]) -> dict[Any, int]:
        """Give the end."""
        return dict.fromkeys(partitions, self.end)


def looking(end: int) -> PartitionLoop:
    """Give a loop that can look at the end of the log and nothing else."""
    nothing: Any = None
    work: Any = type("Work", (), {"service": "tests"})
    loop = PartitionLoop(group="g", work=work, mongo=nothing, db={"partitions": None}, publisher=nothing, clock=nothing)
    loop.consumer = Ends(end)
    return loop


async def test_what_was_known_of_the_log_before_a_jump_back_is_asked_again() -> None:
    """All was read at 13:00; put back to 11:30, an answer may have come since: the timer waits until it is read."""
    loop = looking(end=7)
    partition = Partition("k", TICKETS, 0, position=5, next_due=NOON, clear_until=NOON + HOUR)
    assert await loop._caught_up([partition], NOON) == []
    partition.position = 7
    assert await loop._caught_up([partition], NOON) == [partition]


async def test_what_was_asked_before_a_jump_back_is_asked_again() -> None:
    """The end of the log was asked for at 13:00, and is reached at 12:00: that says nothing of what has come since."""
    loop = looking(end=9)
    partition = Partition(
        "k", TICKETS, 0, position=5, next_due=NOON - HOUR, read_first=5, asked_at=NOON + HOUR, clear_until=None
    )
    assert await loop._caught_up([partition], NOON) == []
    partition.position = 9
    assert await loop._caught_up([partition], NOON) == [partition]
    assert partition.clear_until == NOON


async def test_a_jump_forwards_asks_for_the_log_once_more() -> None:
    """All was read at 12:00; at 15:00 what is due at 14:00 waits for what was on the log by then."""
    loop = looking(end=7)
    partition = Partition("k", TICKETS, 0, position=5, next_due=NOON + 2 * HOUR, clear_until=NOON)
    assert await loop._caught_up([partition], NOON + 3 * HOUR) == []
    partition.position = 7
    assert await loop._caught_up([partition], NOON + 3 * HOUR) == [partition]


def test_a_timer_that_comes_too_early_is_none() -> None:
    """The clock goes back between the gate and the turn: nothing is said, nothing is parked, and it fires later."""
    fold: Folded[Counted] = Folded(COUNTING, NOON)
    report = reported(fold.clock, "early", wake_after_s=60)
    fold.read(report)
    fold.clock.advance(-2 * HOUR)
    assert fold.wake(report.key).facts == []
    assert fold.wake_at(report.key) == NOON + timedelta(minutes=1)
    fold.read(reported(fold.clock, "early", 2))  # read earlier than the state was written
    assert fold.state(report.key).reports == 2
    fold.clock.advance(2 * HOUR + timedelta(minutes=1))
    assert len(fold.wake(report.key).facts) == 1
    assert fold.wake(report.key).facts == []
