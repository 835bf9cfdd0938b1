"""When are the timers of which partition audited, and what becomes of what is found?

A process of its own (`auditor.py`) looks, from time to time, never two at once. What it finds goes onto the log as a
command, so that it is decided in order with everything else and once, whatever crashes and whoever looks again.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from typing import TYPE_CHECKING, Final

import structlog

from services.sla.auditor import Asked, Audited
from services.sla.settings import own
from shared import metrics
from shared.clock import RealClock
from shared.envelope import Envelope, Outgoing, headers
from shared.errors import TryLater
from shared.messages import RecordFinding
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection
    from datetime import datetime

    from services.sla.auditor import Told
    from shared.clock import Clock
    from shared.loop.loop import PartitionLoop
    from shared.service import Service

LONGEST_S: Final = 2 * 3600.0
"""A process that looks at one partition for longer than this hangs."""
SHORTEST_S: Final = 30.0
"""An audit may take this long, however soon the next one is due."""
LONGEST_LINE: Final = 16 * 1024 * 1024
WORLD: Final[Clock] = RealClock()

log = structlog.get_logger(__name__)


class Turns:
    """Whose turn is it? An audit that takes too long ends early, and the next one goes on where it stopped."""

    def __init__(self) -> None:
        """Nothing was audited yet."""
        self._last = -1
        self._since: dict[int, datetime] = {}
        self._timers: dict[int, int] = {}

    def order(self, owned: Collection[int], at: datetime) -> list[int]:
        """Give the partitions that are owned now, beginning with the one after the last that was audited."""
        self._since = {number: self._since.get(number, at) for number in owned}
        self._timers = {number: self._timers.get(number, 0) for number in owned}
        return sorted(owned, key=lambda number: (number <= self._last, number))

    def audited(self, number: int, timers: int, at: datetime) -> None:
        """Note that a partition was audited to its end."""
        self._last, self._since[number], self._timers[number] = number, at, timers

    def oldest(self, at: datetime) -> datetime:
        """Give since when the partition that waits longest was not audited; `at` where none is owned."""
        return min(self._since.values(), default=at)

    @property
    def timers(self) -> int:
        """Give how many timers the last audits of the partitions that are owned have looked at."""
        return sum(self._timers.values())


async def audit_after(every_s: float, service: Service, loop: PartitionLoop, turns: Turns) -> None:
    """Wait, then let a process audit what this instance owns then, for about as long again; raises TryLater."""
    metrics.timer_audit_timers.set(turns.timers)
    metrics.timer_audit_completed.set(turns.oldest(WORLD.now()).timestamp())
    await asyncio.sleep(every_s)
    if why := loop.unready():
        raise TryLater(f"no audit of timers, sla is not ready: {why}")
    positions = await loop.positions(TICKETS)
    asked = Asked(
        kafka=service.settings.kafka,
        profile=service.settings.profile,
        policies=service.profile.policies(),
        now=service.clock.now(),
        speed=max(service.settings.clock_speed, own(service.settings).sla_audit_speed),
        partitions=[(number, positions[number]) for number in turns.order(positions, WORLD.now())],
        budget_s=max(every_s, SHORTEST_S),
    )
    found = 0
    if asked.partitions:
        async with contextlib.aclosing(answers(asked)) as audits:
            async for audit in audits:
                await service.publisher.send(command(told, asked.now) for told in audit.told)
                turns.audited(audit.partition, audit.counts.get("timers", 0), WORLD.now())
                found += len(audit.told) + audit.untold
    log.info("the timers were audited", timers=turns.timers, findings=found)


def command(told: Told, now: datetime) -> Outgoing:
    """Give the command that records a finding; its time is the audit's, by which everything due must have fired."""
    body = RecordFinding(by="gridcall", finding=told.finding)
    envelope = Envelope(told.id, "gridcall/sla", body.type, now, told.ticket)
    return Outgoing(TICKETS, told.ticket, headers(envelope), body.model_dump_json(exclude_defaults=True).encode())


async def answers(asked: Asked) -> AsyncGenerator[Audited, None]:
    """Give what a process of its own finds, partition by partition; raises TryLater when it fails.

    It is ended when nobody listens any more, and ends by itself when this process is killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.sla.auditor",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LONGEST_LINE,
    )  # fmt: skip
    try:
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 - both are asked for
        process.stdin.write(asked.model_dump_json().encode() + b"\n")
        await process.stdin.drain()
        while line := await asyncio.wait_for(process.stdout.readline(), LONGEST_S):
            yield Audited.model_validate_json(line)
        if await process.wait():
            raise TryLater(f"the audit of timers has failed: its process ended with {process.returncode}")
    except (TimeoutError, ConnectionError) as error:
        raise TryLater(f"the audit of timers has failed: {error!r}") from error
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
