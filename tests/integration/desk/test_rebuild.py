"""Are the read models made anew beside the living ones, and does nothing get lost when they are swapped?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.desk.app import build
from services.desk.rebuild import Rebuild, Report
from services.desk.settings import Settings
from shared import metrics
from shared.chance import random_id
from shared.clock import RealClock
from shared.envelope import Outgoing, headers
from shared.loop.generations import Generations, partition_key
from shared.mongo import Mongo
from shared.profile import find_profile, load_profile
from shared.service import Service
from shared.topics import TICKETS
from tests.integration.conftest import Servers
from tests.support.waiting import eventually
from tests.unit.desk.lives import Life, folded

PROFILE = load_profile(find_profile("yucheng"))


def settings_for(servers: Servers) -> Settings:
    """Give settings with a database and a consumer group of their own."""
    name = random_id()[:10]
    return Settings(
        kafka=servers.kafka.address,
        mongo=servers.mongod.address,
        database_prefix=f"t_{name}_",
        group_prefix=f"t_{name}.",
        session_timeout_ms=6000,
    )


@contextlib.asynccontextmanager
async def living(settings: Settings) -> AsyncIterator[Service]:
    """Give a desk that reads the log."""
    service = build(settings)
    await service.start()

    async def ready() -> bool:
        return not service.unready() and len(service.loops[0]._owned) == 8

    try:
        await eventually(ready, what="the desk is ready")
        yield service
    finally:
        await service.stop()


async def rebuilt(settings: Settings, *, check: bool = False) -> Report:
    """Rebuild, as the command does."""
    mongo = Mongo(settings.mongo)
    try:
        return await Rebuild(settings, PROFILE, mongo, RealClock()).run(check=check, grace_s=0)
    finally:
        mongo.close()


async def say(service: Service, life: Life, first: int = 0) -> None:
    """Put a life's records on the log, as the services would."""
    await service.publisher.send(
        [
            Outgoing(
                TICKETS,
                message.ticket,
                headers(message.envelope),
                message.data.model_dump_json(exclude_defaults=True).encode(),
            )
            for message in life.messages[first:]
        ]
    )


async def views(service: Service, generation: int) -> dict[str, dict[str, Any]]:
    """Give the stored documents of a generation."""
    name = "tickets" if generation == 1 else f"tickets_g{generation}"
    return {document["_id"]: document for document in await service.db[name].find({}).to_list(None)}


async def shown(service: Service, lives: list[Life], generation: int) -> None:
    """Return once every life is shown in full."""
    whole = {life.ticket: folded(life.messages).model_dump_json(exclude_defaults=True).encode() for life in lives}

    async def is_shown() -> bool:
        found = await views(service, generation)
        return all(ticket in found and found[ticket]["s"] == view for ticket, view in whole.items())

    await eventually(is_shown, what=f"{len(lives)} tickets in generation {generation}")


async def test_a_rebuild_gives_the_same_views_and_the_desk_goes_on_with_them(servers: Servers) -> None:
    """Twice in a row; what is said before, during and after is in the new generation, once."""
    settings = settings_for(servers)
    lives = [Life(f"rebuild-{random_id()}") for _ in range(60)]
    gaps = metrics.sequence_gaps._value.get()
    async with living(settings) as service:
        for life in lives[:30]:
            await say(service, life.straight())
        for life in lives[30:40]:
            await say(service, life.rested())
        await shown(service, lives[:40], 1)
        before = await views(service, 1)

        report = await rebuilt(settings, check=True)
        assert (report.swapped, report.different_count, report.generation) == (True, 0, 2)
        assert report.tickets == report.equal == len(before)
        assert report.events >= 40 * 12
        assert await Generations(service.db).current() == 2
        after = await views(service, 2)
        assert {t: d | {"a": 0} for t, d in after.items()} == {t: d | {"a": 0} for t, d in before.items()}
        assert await views(service, 1) == {}

        for life in lives[40:50]:
            await say(service, life.straight())
        await shown(service, lives[:50], 2)

        writing = asyncio.create_task(_slowly(service, lives[50:]))
        assert (await rebuilt(settings)).swapped
        await writing
        await shown(service, lives, 3)
        assert await views(service, 2) == {}
        assert service.loops[0]._work.generation == 3

        async def followed() -> bool:
            return not service.unready() and len(service.loops[0]._owned) == 8

        await eventually(followed)
    assert metrics.sequence_gaps._value.get() == gaps

    async with living(settings) as again:
        late = Life(f"rebuild-{random_id()}").straight()
        await say(again, late)
        await shown(again, [*lives, late], 3)


async def _slowly(service: Service, lives: list[Life]) -> None:
    for life in lives:
        life.reported().triaged()
        await say(service, life)
    for life in lives:
        first = len(life.messages)
        life.issued().signed().done().closed()
        await say(service, life, first)
        await asyncio.sleep(0.02)


async def test_an_idle_desk_follows_too(servers: Servers) -> None:
    """No record comes after the swap, and still the desk owns the new generation."""
    settings = settings_for(servers)
    async with living(settings) as service:
        life = Life(f"idle-{random_id()}").straight()
        await say(service, life)
        await shown(service, [life], 1)
        assert (await rebuilt(settings)).swapped

        async def followed() -> bool:
            return service.loops[0]._work.generation == 2 and len(service.loops[0]._owned) == 8

        await eventually(followed)
        await shown(service, [life], 2)


async def test_what_a_rebuild_that_was_killed_after_its_swap_has_left_is_dropped_by_the_next(servers: Servers) -> None:
    """Views and offsets of every older generation."""
    settings = settings_for(servers)
    async with living(settings) as service:
        life = Life(f"left-{random_id()}").straight()
        await say(service, life)
        await shown(service, [life], 1)
        assert (await rebuilt(settings)).swapped
        left = [{"_id": partition_key(settings.group("desk"), 1, TICKETS, number)} for number in range(8)]
        await service.db["partitions"].insert_many(left)
        await service.db["tickets"].insert_one({"_id": life.ticket})
        assert (await rebuilt(settings)).swapped
        assert await views(service, 1) == await views(service, 2) == {}
        assert await service.db["partitions"].count_documents({}) == 8
        await shown(service, [life], 3)


async def test_a_view_that_is_not_what_the_log_says_is_found_and_nothing_is_swapped(servers: Servers) -> None:
    """Somebody has changed a read model, one is missing, one should not be there."""
    settings = settings_for(servers)
    async with living(settings) as service:
        lives = [Life(f"differs-{random_id()}").straight() for _ in range(5)]
        for life in lives:
            await say(service, life)
        await shown(service, lives, 1)
        changed, missing, strange = lives[0].ticket, lives[1].ticket, "ZZZZZZZZZZZZZZZZ"
        await service.db["tickets"].update_one({"_id": changed}, {"$set": {"severity": "I"}})
        found = await service.db["tickets"].find_one_and_delete({"_id": missing})
        await service.db["tickets"].insert_one(found | {"_id": strange})
        report = await rebuilt(settings, check=True)
        assert not report.swapped
        assert set(report.different) == {changed, missing, strange}
        assert await Generations(service.db).current() == 1
        assert await views(service, 2) == {}
        repaired = await rebuilt(settings)
        assert repaired.swapped
        await shown(service, lives, 2)
        assert strange not in await views(service, 2)


async def test_of_two_rebuilds_one_gives_way(servers: Servers) -> None:
    """The later is told to wait; the living desk is never between two."""
    settings = settings_for(servers)
    async with living(settings) as service:
        lives = [Life(f"two-{random_id()}").straight() for _ in range(5)]
        for life in lives:
            await say(service, life)
        await shown(service, lives, 1)
        done = await asyncio.gather(rebuilt(settings), rebuilt(settings), return_exceptions=True)
        assert sorted(type(each).__name__ for each in done) == ["Report", "Unsound"], done
        assert (await rebuilt(settings)).swapped
        await shown(service, lives, await Generations(service.db).current())


async def test_a_desk_that_has_read_nothing_has_nothing_to_rebuild(servers: Servers) -> None:
    """Its read models come from the log anyway, from the first record on."""
    settings = settings_for(servers)
    report = await rebuilt(settings)
    assert (report.events, report.tickets) == (0, 0)
    async with living(settings) as service:
        life = Life(f"first-{random_id()}").straight()
        await say(service, life)
        await shown(service, [life], 2)


@pytest.mark.parametrize("away", ["kafka", "mongo"])
async def test_a_part_that_is_away_is_named(servers: Servers, away: str) -> None:
    """And nothing is swapped."""
    settings = settings_for(servers)
    nowhere = {"kafka": "127.0.0.1:1"} if away == "kafka" else {"mongo": "mongodb://127.0.0.1:1/?replicaSet=rs0"}
    with pytest.raises(Exception, match=r"(?i)away|MongoDB"):
        await rebuilt(settings.model_copy(update=nowhere))
