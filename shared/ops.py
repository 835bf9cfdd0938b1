"""What can an operator do to a service? Look at dead letters and parked tickets, send them again, resume a topic."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from shared.chance import random_id
from shared.envelope import Envelope, Outgoing, headers
from shared.http import Problem, problems
from shared.ids import named
from shared.loop.poison import COLLECTION, PARKED
from shared.messages import RedriveTicket
from shared.mongo import ASCENDING, DESCENDING, remedies
from shared.topics import TICKETS

if TYPE_CHECKING:
    from shared.service import Service

LIMIT = 500


class Letter(BaseModel):
    """A record that could not be read, or a parked ticket with the error at the head of its queue."""

    id: str
    service: str
    kind: str
    """unreadable or parked."""
    topic: str = ""
    partition: int = 0
    offset: int = 0
    ticket: str = ""
    reason: str = ""
    detail: str = ""
    at: str = ""
    state: str = "open"
    queued: int = 0
    headers: list[list[str | None]] | None = None
    value: str | None = None
    """base64, only when one letter is shown and it holds no personal data."""


class Done(BaseModel):
    """What an operation did."""

    id: str
    done: str


def _text(raw: bytes | None) -> str | None:
    return None if raw is None else raw.decode("utf-8", "backslashreplace")


def _letter(found: dict[str, Any], *, whole: bool) -> Letter:
    value = found.get("value")
    return Letter(
        id=found["_id"],
        service=found["service"],
        kind="unreadable",
        topic=found["topic"],
        partition=found["partition"],
        offset=found["offset"],
        reason=found["reason"],
        detail=found["detail"],
        at=found["at"].isoformat(),
        state=found["state"],
        headers=[[name, _text(content)] for name, content in found["headers"]] if whole else None,
        value=base64.b64encode(value).decode() if whole and value is not None and not found.get("sealed") else None,
    )


def _not_redriven(found: dict[str, Any]) -> dict[str, Any]:
    if found["state"] == "redriven":
        what = f"{found['_id']} has been sent again already: when it fails again, it has a letter of its own"
        raise Problem(409, "Sent again already", what)
    return found


def add_operations(service: Service) -> None:  # noqa: C901 - one short function per operation
    """Add the operations to a service's application."""
    app, db = service.app, service.db

    async def parked(ticket: str | None = None) -> list[Letter]:
        pipeline: list[dict[str, Any]] = [{"$match": {"ticket": ticket}}] if ticket else []
        pipeline += [
            {"$sort": {"n": ASCENDING}},
            {"$group": {"_id": "$ticket", "first": {"$first": "$$ROOT"}, "queued": {"$sum": 1}}},
            {"$limit": LIMIT},
        ]
        with remedies():
            found = await db[PARKED].aggregate(pipeline).to_list(LIMIT)
        return [
            Letter(
                id=group["_id"],
                service=service.name,
                kind="parked",
                ticket=group["_id"],
                topic=group["first"].get("topic", ""),
                partition=group["first"]["p"],
                offset=group["first"].get("offset", -1),
                reason="rule-raised",
                detail=group["first"]["error"],
                at=group["first"]["at"].isoformat(),
                queued=group["queued"],
            )
            for group in found
        ]

    @app.get("/ops/dead-letters", tags=["operations"])
    async def list_letters(state: str = "open") -> list[Letter]:
        """List unreadable records in a state (open, redriven, discarded) and, with open, parked tickets."""
        with remedies():
            found = await db[COLLECTION].find({"state": state}).sort("at", DESCENDING).limit(LIMIT).to_list(LIMIT)
        return [_letter(f, whole=False) for f in found] + (await parked() if state == "open" else [])

    async def find(ident: str) -> dict[str, Any]:
        with remedies():
            found: dict[str, Any] | None = await db[COLLECTION].find_one({"_id": ident})
        if found is None:
            raise Problem(404, "No such letter", f"{service.name} has no dead letter and no parked ticket {ident}")
        return found

    @app.get("/ops/dead-letters/{ident:path}", tags=["operations"], responses=problems(404))
    async def show_letter(ident: str) -> Letter:
        """Show one letter."""
        waiting = await parked(ident)
        return waiting[0] if waiting else _letter(await find(ident), whole=True)

    async def settle(ident: str, state: str) -> None:
        with remedies():
            await db[COLLECTION].update_one(
                {"_id": ident}, {"$set": {"state": state, "settled_at": service.clock.now()}}
            )

    async def unpark(ticket: str, action: str) -> None:
        body = RedriveTicket.model_validate({"service": service.name, "action": action, "by": "operator"})
        envelope = Envelope(
            named("redrive", ticket, random_id()), "gridcall/operator", body.type, service.clock.now(), ticket
        )
        await service.publisher.send([Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json().encode())])

    @app.post("/ops/redrive/{ident:path}", tags=["operations"], responses=problems(404, 409))
    async def redrive(ident: str) -> Done:
        """Send a record again to where it came from, or try a parked ticket's queue again."""
        if await parked(ident):
            await unpark(ident, "redrive")
            return Done(id=ident, done="the queue of the ticket is tried again")
        found = _not_redriven(await find(ident))
        value = found["value"]
        if found.get("sealed") and value is not None and service.unseal is not None:
            value = service.unseal(value)
        record_headers = [(name, content) for name, content in found["headers"]]
        await service.publisher.send_raw(found["topic"], found["partition"], found["key"], value, record_headers)
        await settle(ident, "redriven")
        return Done(id=ident, done=f"sent again to {found['topic']}")

    @app.post("/ops/discard/{ident:path}", tags=["operations"], responses=problems(404, 409))
    async def discard(ident: str) -> Done:
        """Settle a letter without sending it, or drop the record at the head of a parked ticket's queue."""
        if await parked(ident):
            await unpark(ident, "discard")
            return Done(id=ident, done="the first record of the queue is dropped, the rest is tried again")
        _not_redriven(await find(ident))
        await settle(ident, "discarded")
        return Done(id=ident, done="discarded")

    @app.post("/ops/resume", tags=["operations"], responses=problems(404))
    async def resume(topic: str) -> Done:
        """Read a topic again that a burst of poison has paused."""
        resumed = [loop.resume(topic) for loop in service.loops]
        if not any(resumed):
            raise Problem(404, "Not paused", f"{service.name} has not paused {topic}")
        return Done(id=topic, done="resumed")
