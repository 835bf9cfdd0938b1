"""Does a service start while one of the brokers that it is given is away?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from deploy.cli import topics
from deploy.local.processes import free_port
from services.desk.app import build
from services.desk.settings import Settings
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from pathlib import Path


async def test_the_first_broker_that_answers_is_enough(kafka: str, mongo: str, tmp_path: Path) -> None:
    """Of three servers in GRIDCALL_KAFKA the first is down, and the service becomes ready."""
    await asyncio.to_thread(topics.apply, kafka, "yucheng")
    prefix = "several_brokers_"
    settings = Settings(
        kafka=f"127.0.0.1:{free_port()}, {kafka},{kafka}",
        mongo=mongo,
        data=str(tmp_path),
        database_prefix=prefix,
        group_prefix=prefix,
    )
    service = build(settings)
    await service.start()
    try:

        async def ready() -> bool:
            return not service.unready()

        await eventually(ready, timeout_s=60, what=f"ready: {service.unready()}")
    finally:
        await service.stop()
