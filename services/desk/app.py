"""How is the desk put together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.desk.api import add_routes
from services.desk.figures import add_figures
from services.desk.handlers import decider
from services.desk.points import add_points
from services.desk.scorecards import add_scorecards
from shared.loop.generations import Generations
from shared.loop.loop import Probe, no_probe
from shared.service import Service

if TYPE_CHECKING:
    from services.desk.settings import Settings
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
    service = Service("desk", settings, clock=clock, probe=probe, publisher=publisher)
    service.read_log(decider(service.profile), Generations(service.db))
    desk = add_routes(service)
    add_figures(service.app, desk)
    add_scorecards(service.app, desk)
    add_points(service.app, desk)
    return service
