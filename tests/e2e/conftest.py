"""Where do the stories happen? In one city, each with a ticket of its own, beginning on a Monday at nine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
import pytest_asyncio

from tests.support.story import START, Story

A_WEEK = timedelta(weeks=1)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def one_city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Story]:
    """One city for all stories of this folder; it ends before a test of another folder begins."""
    async with Story(tmp_path_factory.mktemp("stories")) as story:
        yield story


@pytest_asyncio.fixture(loop_scope="session")
async def city(one_city: Story) -> Story:
    """Give the city on the next Monday morning, whatever was told before: nothing depends on the order of stories."""
    weeks, rest = divmod(one_city.clock.now() - START, A_WEEK)
    await one_city.until(START + (weeks + bool(rest)) * A_WEEK)
    return one_city
