"""How are many reports kept at the price of one? Those that come at the same time go into one write."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.store import Report, Reports

MOST_WAITING = 8_000
"""Reports on their way into MongoDB: at 2,000 a second they are written within four seconds."""
AT_ONCE = 1_000
"""Most reports in one write."""


class Together:
    """Keeps reports; while one write is under way, those that come gather for the next one."""

    def __init__(self, store: Reports) -> None:
        """Keep nothing yet."""
        self._store = store
        self._waiting: list[tuple[Report, asyncio.Future[bool]]] = []
        self._under_way = 0
        self._writer: asyncio.Task[None] | None = None

    @property
    def full(self) -> bool:
        """Tell whether more are on their way than can be kept soon."""
        return len(self._waiting) + self._under_way >= MOST_WAITING

    async def keep(self, reports: Sequence[Report]) -> list[bool]:
        """Keep every report that is new, durably; of each whether it was. Raises TryLater when that is not known."""
        loop = asyncio.get_running_loop()
        mine = [(report, loop.create_future()) for report in reports]
        self._waiting += mine
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())
        answers = await asyncio.gather(*(future for _, future in mine), return_exceptions=True)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return [answer is True for answer in answers]

    async def _write(self) -> None:
        try:
            while self._waiting:
                at_hand, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
                self._under_way = len(at_hand)
                await self._write_one(at_hand)
        finally:
            self._under_way, self._writer = 0, None

    async def _write_one(self, at_hand: Sequence[tuple[Report, asyncio.Future[bool]]]) -> None:
        """Write, and tell each who waits; one who went away does not hinder the others."""
        try:
            kept = await self._store.insert_each([report for report, _ in at_hand])
        except Exception as error:  # noqa: BLE001 - whoever waits gets it and answers for it
            for _, future in at_hand:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), new in zip(at_hand, kept, strict=True):
            if not future.done():
                future.set_result(new)
