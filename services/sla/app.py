"""How is the sla service put together?"""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, get_args

import structlog

from services.sla.handlers import decider
from services.sla.recount import recount_where_calendars_changed
from services.sla.rounds import Turns, audit_after
from services.sla.settings import own
from services.sla.store import count_timers
from shared import metrics
from shared.loop.loop import Probe, no_probe
from shared.messages import FindingKind
from shared.service import Service
from shared.topics import TICKETS

if TYPE_CHECKING:
    from datetime import datetime

    from shared.clock import Clock
    from shared.kafka import Publisher
    from shared.profile import Profile
    from shared.settings import Settings

log = structlog.get_logger(__name__)

REFRESH_S = 10
"""Seconds between two counts of the timers."""


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    probe: Probe = no_probe,
    publisher: Publisher | None = None,
) -> Service:
    """Give the service, connected to nothing yet; raises ProfileInvalid."""
    service = Service("sla", settings, clock=clock, probe=probe, publisher=publisher)
    loop = service.read_log(decider(service.profile))

    async def recount() -> None:
        told = await recount_where_calendars_changed(service.db, service.publisher, service.profile, service.clock)
        if told:
            log.info("the calendars have changed: limits are counted again", tickets=told)
        await asyncio.Event().wait()

    async def refresh() -> None:
        await refresh_gauges(service)
        await asyncio.sleep(REFRESH_S)

    service.background += [refresh, recount]
    for kind in get_args(FindingKind):
        metrics.timer_audit_findings.labels(kind)  # a count that begins with its first finding has no increase
    if every_s := own(settings).sla_audit_every_s:
        service.background.append(partial(audit_after, every_s, service, loop, Turns()))
    return service


async def refresh_gauges(service: Service) -> None:
    """Count the timers of all partitions, whoever owns them: several instances show the same, so take the maximum."""
    partitions = await service.publisher.partitions(TICKETS)
    armed, overdue = await count_timers(service.db, partitions, service.clock.now())
    metrics.timers_armed.set(armed)
    metrics.timers_overdue.set(overdue)
    _measure_the_city(service.profile, service.clock.now())


def _measure_the_city(profile: Profile, now: datetime) -> None:
    """Tell who is there to be escalated to, and how long the calendars are settled."""
    there = Counter({level.id: 0 for level in profile.levels})
    empty = Counter({(unit.level, unit.kind or ""): 0 for unit in profile.units})
    for unit in profile.units:
        present = len(profile.present(unit, now))
        there[unit.level] += present
        empty[unit.level, unit.kind or ""] += present == 0
    for level, count in there.items():
        metrics.level_staff.labels(level).set(count)
    for (level, kind), count in empty.items():
        metrics.units_unstaffed.labels(level, kind).set(count)
    for calendar in profile.calendars:
        if not calendar.always:
            left = calendar.published_until - now.astimezone(calendar.zone).date()
            metrics.calendar_days_left.labels(calendar.name).set(left.days)
