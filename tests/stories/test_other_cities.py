"""Does the day of cities with little of their own go as it should? Played through the doors, then time passes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest

from tests.stories.days import played
from tests.support.story import Story

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.stories.days import Day

MORNING: Final = {
    "kaohsiung": datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
    "baltimore": datetime(2026, 11, 23, 14, 0, tzinfo=UTC),
    "minimal": datetime(2026, 11, 23, 1, 0, tzinfo=UTC),
}


async def kaohsiung(day: Day) -> None:
    """1999: a unit is given it, and passes it on."""
    assert await day.handlers(1) == ["b01000"]
    assert await day.handlers(2) == ["b01001", "b01000"]
    assert await day.city.happened(day.ticket(3), "rework-ordered")


async def baltimore(day: Day) -> None:
    """A limit of seven natural days ends at the same time of day."""
    issued = (await day.city.happened(day.ticket(1), "order-issued"))[0]
    begun, due = (datetime.fromisoformat(issued[name]) for name in ("issued_at", "handle_by"))
    assert (due - begun).total_seconds() == 7 * 86_400
    assert issued["handler"]["id"] == "solid-waste"
    assert await day.outcome(3) == "diverted"


async def minimal(day: Day) -> None:
    """The grid, the community, the street, the district."""
    city = day.city
    assert await day.handlers(2) == ["g", "c"]
    ticket = await city.hotline_reports(category="11", text="没人管", place={"grid": "g"})
    for _ in range(5):
        await city.passes(days=1, minutes=1)
    owners = [each["unit"] for each in (await city.ticket(ticket))["owners"]]
    assert list(dict.fromkeys(owners)) == ["g", "c", "s", "d"]


AFTER: Final[dict[str, Callable[[Day], Awaitable[None]]]] = {
    "kaohsiung": kaohsiung,
    "baltimore": baltimore,
    "minimal": minimal,
}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("profile", AFTER)
async def test_the_day_of(tmp_path: Path, profile: str) -> None:
    """The day adds up, what is this city's own has happened, and what its calendar and its limits ask for follows."""
    async with Story(tmp_path, profile, MORNING[profile]) as city:
        await AFTER[profile](await played(city))
