"""How does an operator have all open orders of a department sent again? `gridcall resync DEPARTMENT`."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from deploy.cli.output import UNREACHABLE, USAGE, Failure, Json, err, out, print_json
from deploy.local.settings import LocalSettings
from shared import tolerant
from shared.chance import random_id
from shared.clock import RealClock
from shared.envelope import Envelope, Outgoing, headers, type_of
from shared.errors import TryLater
from shared.kafka import Publisher
from shared.messages import ResyncCompleted, ResyncRefused, UpdateResync
from shared.profile import find_profile, load_profile
from shared.security import client_security
from shared.topics import dispatch_topic, updates_topic

if TYPE_CHECKING:
    from shared.profile import Department
    from shared.settings import Settings

SOURCE: Final = "gridcall/operator"
ENDS: Final[dict[bytes, type[ResyncCompleted | ResyncRefused]]] = {
    body.type.encode(): body for body in (ResyncCompleted, ResyncRefused)
}


def resync(
    department: Annotated[str, typer.Argument(help="Short name of the department in the profile.")],
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%dT%H:%M:%S%z"], help="Only orders issued since, as 2026-11-22T08:00:00+08:00."),
    ] = None,
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for the end of the snapshot; 0: do not.")] = 60.0,
    as_json: Json = False,
) -> None:
    """Ask, in a department's name, for a snapshot of its open orders on its dispatch topic."""
    settings = LocalSettings().addressed()
    found = load_profile(find_profile(settings.profile)).department(department)
    if found is None:
        raise Failure(f"The profile {settings.profile} has no department {department!r}.", "Name one it has.", USAGE)
    update = random_id()
    with err.status("waiting for dispatch"):
        end = asyncio.run(_resync(settings.kafka_address, settings, found, UpdateResync(since=since), update, wait))
    if isinstance(end, ResyncRefused):
        raise Failure(f"dispatch refused: {end.detail}")
    if end is None and wait:
        what = f"The request {update} is on {updates_topic(found.topic)}, and its end has not come within {wait:g} s."
        raise Failure(what, "It goes on by itself: look at 'gridcall status'.", UNREACHABLE)
    content: dict[str, Any] = {"department": found.id, "update_id": update}
    content |= {} if end is None else {"orders": end.orders, "held_up": end.held_up}
    if as_json:
        print_json(content)
    elif end is None:
        out.print(f"The request {update} is on {updates_topic(found.topic)}.")
    else:
        out.print(f"{end.orders} open orders were sent to {found.id} again ({end.held_up} wait for a parked ticket).")


async def _resync(
    kafka: str, settings: Settings, department: Department, body: UpdateResync, update: str, wait: float
) -> ResyncCompleted | ResyncRefused | None:
    """Write the request as the department would; give how it ends, None when it has not in time. Raises TryLater."""
    tolerant.install()
    security = client_security(settings)
    publisher = Publisher(kafka, "gridcall-resync", security)
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, group_id=None, enable_auto_commit=False, **security)
    topic = dispatch_topic(department.topic)
    try:
        await consumer.start()
        parts = [TopicPartition(topic, number) for number in range(await publisher.partitions(topic))]
        consumer.assign(parts)
        await consumer.seek_to_end(*parts)
        for part in parts:
            await consumer.position(part)
        envelope = Envelope(update, SOURCE, body.type, RealClock().now())
        value = body.model_dump_json(exclude_none=True).encode()
        await publisher.send([Outgoing(updates_topic(department.topic), update, headers(envelope), value)])
        return await _end(consumer, update, wait)
    except (KafkaError, OSError) as error:
        raise TryLater(f"Kafka at {kafka} does not answer: {error!r}") from error
    finally:
        await consumer.stop()
        await publisher.stop()


async def _end(consumer: Any, update: str, wait: float) -> ResyncCompleted | ResyncRefused | None:
    loop = asyncio.get_running_loop()
    until = loop.time() + wait
    while loop.time() < until:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                body = ENDS.get(type_of(record.headers) or b"")
                if body is not None and (end := body.model_validate_json(record.value)).update_id == update:
                    return end
    return None
