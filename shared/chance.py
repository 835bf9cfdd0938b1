"""Where do ids come from that follow from nothing? Only from here; rules never ask."""

from __future__ import annotations

import uuid


def random_id() -> str:
    """Give an id that nothing follows from (an owner of partitions, an operator's request)."""
    return uuid.uuid4().hex  # noqa: TID251 - the only maker of random ids
