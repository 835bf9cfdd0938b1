"""What if the calendar has changed? Every ticket whose limits were counted by an older one is told to count again.

A command on the log does it, so that it happens in order with everything else and once, whatever crashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.envelope import Envelope, Outgoing, headers
from shared.ids import named
from shared.messages import RecountClocks
from shared.mongo import remedies
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from services.sla.domain import SlaState
    from shared.clock import Clock
    from shared.kafka import Publisher
    from shared.mongo import Database
    from shared.profile import Profile

META: Final = "meta"
COUNTED: Final = "calendars"
CHUNK: Final = 1000


def calendars(state: SlaState) -> list[str]:
    """Give name and version of each calendar that a running clock was counted by; round the clock needs none."""
    return sorted({running.calendar for running in state.clocks if not running.calendar.startswith("always@")})


async def recount_where_calendars_changed(db: Database, publisher: Publisher, profile: Profile, clock: Clock) -> int:
    """Give how many tickets were told to count again; none when the calendars are those of the last time.

    Raises TryLater; then it begins anew, and who was told twice counts once.
    """
    today = sorted(calendar.id for calendar in profile.calendars)
    with remedies():
        last = await db[META].find_one({"_id": COUNTED})
    if last is not None and last["ids"] == today:
        return 0
    with remedies():
        found = db["tickets"].find({"c": {"$elemMatch": {"$nin": today}}}, {"_id": 1})
        told = await tell(publisher, (_command(each["_id"], today, clock) async for each in found))
        await db[META].replace_one({"_id": COUNTED}, {"_id": COUNTED, "ids": today}, upsert=True)
    return told


async def tell(publisher: Publisher, commands: AsyncIterator[Outgoing]) -> int:
    """Put commands for many tickets onto the log, some at a time, and give how many these were; raises TryLater."""
    told, batch = 0, []
    async for command in commands:
        batch.append(command)
        if len(batch) >= CHUNK:
            await publisher.send(batch)
            told, batch = told + len(batch), []
    await publisher.send(batch)
    return told + len(batch)


def _command(ticket: str, today: list[str], clock: Clock) -> Outgoing:
    body = RecountClocks(by="gridcall", why="calendar")
    envelope = Envelope(named("recount", ticket, *today), "gridcall/sla", body.type, clock.now(), ticket)
    return Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json(exclude_defaults=True).encode())
