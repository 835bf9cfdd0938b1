"""How is the intake service put together?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.intake.api import add_api
from services.intake.attachments import add_attachments
from services.intake.batch import add_batch
from services.intake.files import files
from services.intake.handlers import ReportDoor, decider
from services.intake.open311 import add_open311
from services.intake.personal import Personal, key_from
from services.intake.pressure import Pressure
from services.intake.qr import add_pages
from services.intake.schedule import Scheduler
from services.intake.settings import own
from services.intake.spool import Spool
from services.intake.store import Reports
from shared.loop.loop import Probe, no_probe
from shared.loop.poison import Morgue
from shared.service import Service
from shared.topics import REPORTS

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
    """Give the service, connected to nothing yet; raises ProfileInvalid, and ValueError for a bad key."""
    settings = own(settings)
    service = Service("intake", settings, clock=clock, probe=probe, publisher=publisher)
    personal = Personal(key_from(settings))
    store = Reports(service.db)
    spool = Spool(store, service.publisher, service.clock, settings.clock_speed)
    door = ReportDoor(store, personal, service.profile, digests=settings.attachment_digests)
    morgue = Morgue("intake", personal.seal, personal.masked_record)
    service.read_door(door, (REPORTS,), "reports", morgue)
    service.read_log(decider(service.profile))
    service.background.append(spool.step)
    service.unseal = personal.unseal
    digests = settings.attachment_digests
    counter = add_api(service.app, store, personal, spool, service.profile, service.clock, digests=digests)
    add_pages(service.app, counter)
    add_batch(service.app, counter)
    if service.profile.content.schedules:
        service.background.append(Scheduler(counter, service.clock).step)
    uploads = add_attachments(service.app, files(settings.attachments, settings.data), personal, settings)
    service.app.add_middleware(Pressure, most=settings.intake_in_flight)
    add_open311(service.app, counter, uploads, settings)  # last: it tells in its own words what the others refuse
    return service
