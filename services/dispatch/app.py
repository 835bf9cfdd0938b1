"""How is the dispatch service put together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.door import UpdatesDoor
from services.dispatch.handlers import decider
from services.dispatch.resync.request import ResyncDesk
from services.dispatch.resync.snapshot import Snapshots
from services.dispatch.resync.store import Resyncs
from services.dispatch.settings import own
from services.dispatch.webhooks.wiring import add_webhooks
from shared.loop.loop import Probe, no_probe
from shared.loop.rate import Buckets
from shared.service import AT_ONCE_S, Service

if TYPE_CHECKING:
    from shared.clock import Clock
    from shared.kafka import Publisher
    from shared.settings import Settings


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    probe: Probe = no_probe,
    publisher: Publisher | None = None,
) -> Service:
    """Give the service, connected to nothing yet; raises ProfileInvalid and WebhooksInvalid."""
    settings = own(settings)
    service = Service("dispatch", settings, clock=clock, probe=probe, publisher=publisher)
    log_loop = service.read_log(decider(service.profile), pace_s=AT_ONCE_S)
    resyncs = Resyncs(service.db)
    door = UpdatesDoor(service.profile, ResyncDesk(resyncs))
    rates = Buckets(settings.updates_per_s, settings.updates_burst)
    door_loop = service.read_door(door, door.topics, "updates", rates=rates)
    snapshots = Snapshots(resyncs, service.publisher, log_loop, door_loop, settings.resync_page, probe)
    service.background.append(snapshots.step)
    add_webhooks(service, settings)
    return service
