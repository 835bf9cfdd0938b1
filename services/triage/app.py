"""How is the triage service put together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.triage.finder import add_finder
from services.triage.handlers import decider
from shared.loop.loop import Probe, no_probe
from shared.service import AT_ONCE_S, Service

if TYPE_CHECKING:
    from services.triage.settings import Settings
    from shared.clock import Clock
    from shared.kafka import Publisher


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    probe: Probe = no_probe,
    publisher: Publisher | None = None,
) -> Service:
    """Give the service, connected to nothing yet; raises ProfileInvalid."""
    service = Service("triage", settings, clock=clock, probe=probe, publisher=publisher)
    service.read_log(decider(service.profile), pace_s=AT_ONCE_S)
    add_finder(service)
    return service
