"""What does a department's update ask for? The door translates it into a command on the log, or answers it.

It keeps nothing: whether an update may be carried out is decided where the ticket's orders are known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json

from shared.envelope import Envelope, Outgoing, headers
from shared.errors import DeadLetter
from shared.ids import named, ticket_of_order
from shared.loop.tickets import shortened
from shared.messages import (
    Command,
    CompleteOrder,
    ReportProgress,
    ReturnOrder,
    ReviseOrder,
    SignOrder,
    Update,
    UpdateCheckIn,
    UpdateDone,
    UpdateExtend,
    UpdateProgress,
    UpdateRefused,
    UpdateResume,
    UpdateResync,
    UpdateReturn,
    UpdateSign,
    UpdateSuspend,
)
from shared.topics import TICKETS, dispatch_topic, updates_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.dispatch.resync.request import ResyncDesk
    from services.dispatch.resync.store import Resync
    from shared.loop.door import Arrival, Reception
    from shared.profile import Department, Profile


class UpdatesDoor:
    """The door over every department's update topic."""

    def __init__(self, profile: Profile, resyncs: ResyncDesk) -> None:
        """Know which topic is whose: a department speaks by its topic and by nothing else."""
        self._resyncs = resyncs
        self._departments = {updates_topic(each.topic): each for each in profile.departments}
        self.topics = tuple(self._departments)

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Translate, answer or bury each update, in order."""
        begun: dict[str, Resync] = {}
        for arrival in arrivals:
            department = self._departments[arrival.record.topic]
            if arrival.envelope.type == UpdateResync.type:
                await self._resyncs.take(arrival, department, reception, begun)
                continue
            try:
                self._receive(arrival, department, reception)
            except DeadLetter as error:
                self._answer_or_bury(arrival, department, reception, error)

    def taken(self, items: Sequence[Any]) -> None:
        """Nothing is measured here: the records are counted by the loop, the commands by dispatch."""

    def _receive(self, arrival: Arrival, department: Department, reception: Reception) -> None:
        told = arrival.envelope
        command, ticket = translated(told.type, arrival.record.value, department.id)
        envelope = Envelope(
            id=named(department.id, told.source, told.id),
            source=f"gridcall/door/{department.id}",
            type=command.type,
            time=reception.now,
            subject=ticket,
            causation=told.id,
            traceparent=told.traceparent,
        )
        value = command.model_dump_json(exclude_defaults=True).encode()
        reception.send(arrival, Outgoing(TICKETS, ticket, headers(envelope), value))
        reception.count(arrival, "handled")

    @staticmethod
    def _answer_or_bury(arrival: Arrival, department: Department, reception: Reception, error: DeadLetter) -> None:
        """Answer where the order can be known, else there is nobody to answer about."""
        told = arrival.envelope
        order = order_in(arrival.record.value)
        ticket = None if order is None else ticket_of_order(order)
        if order is None or ticket is None:
            reception.bury(arrival.partition, arrival.record, error)
            return
        answer = UpdateRefused(order_id=order, update_id=told.id, reason=error.reason, detail=error.detail)
        envelope = Envelope(
            id=named(department.id, told.source, told.id, answer.type),
            source="gridcall/dispatch",
            type=answer.type,
            time=reception.now,
            subject=ticket,
            causation=told.id,
            traceparent=told.traceparent,
        )
        reception.say(arrival, envelope, answer, dispatch_topic(department.topic), ticket)
        reception.count(arrival, "refused")


def translated(kind: str, value: bytes | None, department: str) -> tuple[Command, str]:
    """Give the command that an update asks for, and its ticket; raises DeadLetter that says what is wrong with it."""
    known = UPDATES.get(kind)
    if known is None:
        raise DeadLetter("unknown-type", f"ce_type is none of {', '.join((*UPDATES, UpdateResync.type))}")
    if value is None:
        raise DeadLetter("no-value", "the record has no value: send a JSON object")
    body, command = known
    try:
        update = body.model_validate_json(value)
    except ValueError as error:
        raise DeadLetter("bad-body", f"the value is not as it should be: {shortened(error)}") from error
    ticket = ticket_of_order(update.order_id)
    if ticket is None:
        raise DeadLetter("no-such-order", "order_id has not the form of an order id: send it as it was issued")
    return command(update, department), ticket


def order_in(value: bytes | None) -> str | None:
    """Give the well-formed order id in a value that is a JSON object with one, whatever else is wrong with it."""
    try:
        content = from_json(value or b"")
    except ValueError:
        return None
    order = content.get("order_id") if isinstance(content, dict) else None
    return order if isinstance(order, str) and len(order) <= MAX_ORDER_ID and ticket_of_order(order) else None


MAX_ORDER_ID: Final = 64


def _sign(update: UpdateSign, department: str) -> Command:
    return SignOrder(order_id=update.order_id, department=department, by=update.by, note=update.note)


def _return(update: UpdateReturn, department: str) -> Command:
    return ReturnOrder(
        order_id=update.order_id,
        department=department,
        by=update.by,
        reason=update.reason,
        detail=update.detail,
        proposed_department=update.proposed_department,
    )


def _check_in(update: UpdateCheckIn, department: str) -> Command:
    return ReportProgress(
        order_id=update.order_id,
        department=department,
        by=update.by,
        progress="check-in",
        at=update.at,
        lon=update.lon,
        lat=update.lat,
    )


def _progress(update: UpdateProgress, department: str) -> Command:
    return ReportProgress(
        order_id=update.order_id,
        department=department,
        by=update.by,
        progress="contact" if update.contacted else "note",
        note=update.note,
        attachments=tuple(each.attachment() for each in update.attachments),
        whistle_score=update.whistle_score,
    )


def _suspend(update: UpdateSuspend, department: str) -> Command:
    return ReviseOrder(
        order_id=update.order_id,
        department=department,
        by=update.by,
        revision="suspend",
        until=update.until,
        reason=update.reason,
        detail=update.detail,
    )


def _resume(update: UpdateResume, department: str) -> Command:
    return ReviseOrder(
        order_id=update.order_id,
        department=department,
        by=update.by,
        revision="resume",
        until=update.until,
        reason=update.reason,
        detail=update.detail,
    )


def _extend(update: UpdateExtend, department: str) -> Command:
    return ReviseOrder(
        order_id=update.order_id,
        department=department,
        by=update.by,
        revision="extend",
        until=update.until,
        reason=update.reason,
    )


def _done(update: UpdateDone, department: str) -> Command:
    return CompleteOrder(
        order_id=update.order_id,
        department=department,
        by=update.by,
        result=update.result,
        detail=update.detail,
        evidence=tuple(each.attachment() for each in update.evidence),
        lon=update.lon,
        lat=update.lat,
        amount=update.amount,
    )


UPDATES: Final[dict[str, tuple[type[Update], Callable[[Any, str], Command]]]] = {
    UpdateSign.type: (UpdateSign, _sign),
    UpdateReturn.type: (UpdateReturn, _return),
    UpdateCheckIn.type: (UpdateCheckIn, _check_in),
    UpdateProgress.type: (UpdateProgress, _progress),
    UpdateSuspend.type: (UpdateSuspend, _suspend),
    UpdateResume.type: (UpdateResume, _resume),
    UpdateExtend.type: (UpdateExtend, _extend),
    UpdateDone.type: (UpdateDone, _done),
}
"""Wire type of an update about an order -> what it is read as, and the command that it asks for."""
