"""Where does what follows from nothing come from, ids and pauses? Only from here; rules never ask."""

from __future__ import annotations

import random
import uuid


def random_id() -> str:
    """Give an id that nothing follows from (an owner of partitions, an operator's request)."""
    return uuid.uuid4().hex  # noqa: TID251 - the only maker of random ids


def between(low: float, high: float) -> float:
    """Give a number between two, each as likely: who waits by chance does not come at once with all others."""
    return random.uniform(low, high)  # noqa: S311 - no secret hangs on it
