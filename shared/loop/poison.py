"""Where does a record go that cannot be handled? Unreadable: dead letters. A rule raised: its ticket is parked."""

from __future__ import annotations

import base64
from collections import deque
from typing import TYPE_CHECKING, Any

from shared.envelope import Envelope, Outgoing, headers
from shared.ids import named
from shared.messages import RecordDeadLettered
from shared.mongo import ReplaceOne
from shared.topics import DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from aiokafka import ConsumerRecord

    from shared.errors import DeadLetter

COLLECTION = "dead_letters"
PARKED = "parked"
BURST_WINDOW_S = 60.0


def _shown(value: bytes | None) -> str | None:
    """Give bytes as base64, so that any of them survives JSON."""
    return None if value is None else base64.b64encode(value).decode()


def record_document(record: ConsumerRecord[bytes, bytes]) -> dict[str, Any]:
    """Give a record as it came, to be stored and read again."""
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": record.key,
        "headers": [[name, value] for name, value in record.headers],
        "value": record.value,
    }


class Morgue:
    """Makes dead letters for one service.

    `seal` hides the stored record from whoever reads the database, `mask` takes personal data out of the key
    and the value that go onto the topic, and then only headers of CloudEvents go there; both are the identity
    but for intake.
    """

    def __init__(
        self,
        service: str,
        seal: Callable[[bytes], bytes] | None = None,
        mask: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """Keep the service's name for the letters."""
        self.service = service
        self._seal = seal
        self._mask = mask

    def bury(
        self, record: ConsumerRecord[bytes, bytes], error: DeadLetter, now: datetime
    ) -> tuple[ReplaceOne[Any], Outgoing]:
        """Give the write that stores the record and the message that tells of it."""
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        document = record_document(record) | {
            "_id": origin,
            "service": self.service,
            "reason": error.reason,
            "detail": error.detail,
            "at": now,
            "state": "open",
            "sealed": self._seal is not None,
        }
        if self._seal is not None and record.value is not None:
            document["value"] = self._seal(record.value)
        key, value, shown = record.key, record.value, record.headers
        if self._mask is not None:
            key, value = (content and self._mask(content) for content in (key, value))
            shown = [(name, content) for name, content in shown if str(name).startswith("ce_")]
        body = RecordDeadLettered(
            service=self.service,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            reason=error.reason,
            detail=error.detail,
            key=_shown(key),
            headers=tuple((str(name), _shown(content)) for name, content in shown),
            value=_shown(value),
            masked=self._mask is not None,
        )
        envelope = Envelope(
            id=named("dead-letter", self.service, origin),
            source=f"gridcall/{self.service}",
            type=body.type,
            time=now,
            subject=origin,
        )
        letter = Outgoing(DEAD_LETTERS, origin, headers(envelope), body.model_dump_json().encode(), 0)
        return ReplaceOne({"_id": origin}, document, upsert=True), letter


class Burst:
    """Counts poison of each topic over a minute and says when it is too much."""

    def __init__(self, limit: int) -> None:
        """More than `limit` in a minute is a burst."""
        self._limit = limit
        self._times: dict[str, deque[float]] = {}

    def add(self, topic: str, count: int, at: float) -> bool:
        """Tell whether `count` more at `at` (seconds, any clock that only goes on) make a burst."""
        times = self._times.setdefault(topic, deque())
        times.extend([at] * count)
        while times and times[0] < at - BURST_WINDOW_S:
            times.popleft()
        return len(times) > self._limit

    def forget(self, topic: str) -> None:
        """Begin to count anew, after somebody has looked."""
        self._times.pop(topic, None)
