"""How are the parts for departments without Kafka put together? Where no department is configured, nothing runs."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from services.dispatch.webhooks.api import add_departments_api, add_webhook_operations
from services.dispatch.webhooks.begin import Beginning
from services.dispatch.webhooks.courier import Courier
from services.dispatch.webhooks.feed import Feed
from services.dispatch.webhooks.file import load
from services.dispatch.webhooks.queue import Queue
from services.dispatch.webhooks.store import Deliveries
from services.dispatch.webhooks.target import Target
from shared.clock import RealClock
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from collections.abc import Collection

    from services.dispatch.settings import Settings
    from services.dispatch.webhooks.file import HttpDepartment
    from shared.clock import Clock
    from shared.service import Service


def add_webhooks(service: Service, settings: Settings) -> None:
    """Add updates, feed, operations, and a courier per department with a url; raises WebhooksInvalid."""
    departments = load(settings.webhooks, service.profile)
    clock = RealClock()  # signatures and pauses are about other people's servers, on which no time is virtual
    store = Deliveries(service.db)
    feed = Feed(service.publisher, service.settings.kafka)
    beginning = Beginning(service.db, service.publisher, feed, clock)
    add_departments_api(service, departments, feed, clock)
    add_webhook_operations(service, store, clock)
    for department in departments.values():
        if department.entry.url is not None:
            group = _add_courier(service, store, department, clock)
            service.first.append(partial(beginning.begin, department, group))


def _add_courier(service: Service, store: Deliveries, department: HttpDepartment, clock: Clock) -> str:
    """Let what is on a department's topic be posted to it; gives the consumer group that reads it."""
    topic = dispatch_topic(department.topic)
    queue = Queue(department.id, clock)
    loop = service.read_door(queue, (topic,), f"webhook.{department.id}")

    async def owned() -> Collection[int]:
        return await loop.positions(topic)

    def hold(full: bool) -> None:  # noqa: FBT001 - one fact, said once
        if full:
            loop.hold(topic)
        else:
            loop.let_go(topic)

    target = Target(department, clock)
    courier = Courier(department.entry, store, target, clock, owned, hold)
    queue.wake = courier.wake
    service.background.append(courier.run)
    service.last.append(target.close)
    return loop.group
