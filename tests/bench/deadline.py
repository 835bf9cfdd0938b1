"""How long does one deadline take to compute? In this process, in an office's working time with public holidays."""

from __future__ import annotations

import random
import statistics
import time
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from shared.calendar import Calendar, CalendarRules, Pause, advance

ROUNDS: Final = 5_000
OFFICE: Final = {"zh": "政府办公时间", "en": "office hours", "hours": ["08:30-12:00", "14:00-18:00"], "holidays": "CN"}
FIRST: Final = datetime(2024, 1, 1, tzinfo=UTC)
DAYS: Final = 700
MONTH: Final = timedelta(hours=20 * 7.5)
YEAR: Final = timedelta(hours=248 * 7.5)
"""A working day has seven and a half hours here, a month at the most 23 of them, and 2025 has 248."""


def deadline_us() -> dict[str, Any]:
    """Give the median microseconds of a deadline within a month, of one a year long, and of one with pauses."""
    office = Calendar("office", CalendarRules.model_validate(OFFICE), "Asia/Shanghai")
    chance = random.Random(4)  # noqa: S311 - the same starts in every run
    starts = [FIRST + timedelta(seconds=chance.randrange(DAYS * 86_400)) for _ in range(ROUNDS)]
    return {
        "month": _median_us(office, starts, MONTH),
        "year": _median_us(office, starts, YEAR),
        "paused": _median_us(office, starts, MONTH, pauses=3),
        "deadlines": ROUNDS,
    }


def _median_us(office: Calendar, starts: list[datetime], length: timedelta, pauses: int = 0) -> float:
    took = []
    for start in starts:
        paused = [Pause(start + timedelta(days=n), start + timedelta(days=n + 0.5)) for n in range(1, pauses + 1)]
        begin = time.perf_counter_ns()
        advance(office, start, length, paused)
        took.append(time.perf_counter_ns() - begin)
    return round(statistics.median(took) / 1000, 2)
