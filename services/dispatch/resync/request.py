"""What does a department get that asks for its orders again? A snapshot that is written down, or a refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from services.dispatch.resync.store import REMEMBERED, RESYNCS, Resync, begun
from shared.envelope import Envelope
from shared.errors import Refused
from shared.ids import named
from shared.loop.tickets import shortened
from shared.messages import ResyncRefused, UpdateResync
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from datetime import datetime

    from shared.loop.door import Arrival, Reception
    from shared.profile import Department

UNDERWAY = "A snapshot is on its way: read on until gridcall.resync.completed.v1, then ask again. 上一次同步尚未结束。"
REUSED = "A snapshot was sent for this ce_id before: ask with an id of its own. 该ce_id已用于另一次同步，请更换编号。"


class Known(Protocol):
    """What must be known of a department to answer it; `Resyncs` knows it."""

    async def of(self, department: str) -> Resync | None:
        """Give its last snapshot."""
        ...


class ResyncDesk:
    """Takes requests for snapshots within the door's turn."""

    def __init__(self, known: Known) -> None:
        """Know where to look."""
        self._known = known

    async def take(
        self, arrival: Arrival, department: Department, reception: Reception, begun_now: dict[str, Resync]
    ) -> None:
        """Write the request down, or refuse it; `begun_now` are those of the same turn, which are not stored yet."""
        told = arrival.envelope
        ident = named(department.id, told.source, told.id)
        last = begun_now.get(department.id) or await self._known.of(department.id)
        if last is not None and last.id == ident and not last.over:
            reception.count(arrival, "repeated")
            return
        try:
            since = _since(arrival.record.value)
            _admit(last, ident)
        except Refused as refused:
            answer = ResyncRefused(update_id=told.id, reason=refused.reason, detail=refused.detail)
            envelope = Envelope(
                id=named(department.id, told.source, told.id, answer.type),
                source="gridcall/dispatch",
                type=answer.type,
                time=reception.now,
                causation=told.id,
                traceparent=told.traceparent,
            )
            reception.say(arrival, envelope, answer, dispatch_topic(department.topic), ident)
            reception.count(arrival, "refused")
            return
        resync = Resync(
            department=department.id,
            id=ident,
            update=told.id,
            topic=department.topic,
            partition=arrival.record.partition,
            at=reception.now,
            since=since,
            traceparent=told.traceparent,
            past=() if last is None else (*last.past, last.id)[-REMEMBERED:],
        )
        begun_now[department.id] = resync
        reception.write(RESYNCS, begun(resync))
        reception.count(arrival, "handled")


def _since(value: bytes | None) -> datetime | None:
    try:
        return UpdateResync.model_validate_json(value or b"").since
    except ValueError as error:
        raise Refused("bad-body", f"Send a JSON object, {{}} or {{since}}: {shortened(error)}") from error


def _admit(last: Resync | None, ident: str) -> None:
    """Refuse a second snapshot beside the first, and one that has been sent."""
    if last is None:
        return
    if not last.over:
        raise Refused("underway", UNDERWAY)
    if ident in {last.id, *last.past}:
        raise Refused("id-reused", REUSED)
