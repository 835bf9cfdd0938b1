"""How does a test wait for something real? By looking again, never by sleeping for a guess."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any


async def eventually(
    condition: Callable[[], Awaitable[Any]], *, timeout_s: float = 30, every_s: float = 0.1, what: str = ""
) -> Any:
    """Give the first true answer of `condition`; fails with `what` and the last error when none comes in time."""
    last: Any = None
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout_s
    while loop.time() < end:
        try:
            if last := await condition():
                return last
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown when time is up
            last = error
        await asyncio.sleep(every_s)
    raise AssertionError(f"did not happen within {timeout_s} s: {what or condition}; last: {last!r}")
