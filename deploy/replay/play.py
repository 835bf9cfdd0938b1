"""How is a recording played? Reports go in by the hotline's topic; departments and people answer what they see.

Nothing is remembered between two runs: a run first reads receipts, orders and the log from the beginning,
sends only what has no receipt, and does only what has not been done. All ids follow from the rows.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from deploy.replay.desk import Desk
from deploy.replay.life import FACTS, ORDERS, Act, Life, Update
from shared.clock import RealClock
from shared.envelope import Envelope, Outgoing, headers, type_of
from shared.errors import Refused, TryLater
from shared.ids import ticket_id
from shared.kafka import Publisher
from shared.messages import (
    DepartmentOrderIssued,
    ReportAccepted,
    ReportDiverted,
    ReportMerged,
    ReportRefused,
    ReportSubmitted,
)
from shared.records import Records
from shared.security import client_security
from shared.settings import Settings
from shared.topics import DISPATCH_PREFIX, RECEIPTS, REPORTS, TICKETS, dispatch_topic, updates_topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from aiokafka import ConsumerRecord

    from deploy.replay.script import Recording, Row
    from shared.clock import Clock
    from shared.profile import Profile

IN_FLIGHT: Final = 1000
"""Most reports that were sent and have no receipt yet."""
CHUNK: Final = 200
PATIENCE_S: Final = 60.0
"""Nothing happened for so long: what has not come by now does not come."""
PAUSE_S: Final = 0.5
NOW: Final = "$now"
"""In what a script says: the instant at which it is said."""
RECEIPT_TYPES: Final = {body.type.encode() for body in (ReportAccepted, ReportMerged, ReportRefused, ReportDiverted)}
FACT_TYPES: Final = {name.encode() for name in FACTS}
ORDER_TYPES: Final = {name.encode() for name in ORDERS}


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast reports go in: `rate` a second, or `speed` times as recorded, or as fast as they are taken."""

    rate: float | None = None
    speed: float | None = None

    def offsets(self, rows: Sequence[Row]) -> list[float]:
        """Give the seconds after the start at which each row is due."""
        if self.rate:
            return [number / self.rate for number in range(len(rows))]
        if self.speed:
            first = next((row.at for row in rows if row.at), 0.0)
            return [max(0.0, row.at - first) / self.speed for row in rows]
        return [0.0] * len(rows)


@dataclass(slots=True)
class Counts:
    """How far a run is."""

    rows: int
    sent: int = 0
    answered: int = 0
    settled: int = 0
    acts: int = 0


class Play:
    """One run of one recording."""

    def __init__(
        self,
        recording: Recording,
        profile: Profile,
        kafka: str,
        desk: Desk,
        pace: Pace,
        patience_s: float = PATIENCE_S,
        clock: Clock | None = None,
    ) -> None:
        """Connect nothing yet."""
        self.recording = recording
        self.profile = profile
        self.desk = desk
        self.lives = {ident: Life(row, ident) for row in recording.rows for ident in [ticket_id(row.source, row.id)]}
        self.counts = Counts(len(recording.rows))
        self._by_report = {(life.row.source, life.row.id): life for life in self.lives.values()}
        self._sources = {row.source.encode() for row in recording.rows}
        self._departments = {department.topic: department.id for department in profile.departments}
        self._topics = {department.id: department.topic for department in profile.departments}
        self._kafka = kafka
        self._pace = pace
        self._patience_s = patience_s
        self._publisher = Publisher(kafka, "gridcall-replay", client_security(Settings()))
        self._clock = clock or RealClock()
        self._moved = asyncio.Event()
        self._turns: dict[str, asyncio.Lock] = {}
        self._acting: set[asyncio.Task[None]] = set()
        self._settled: set[str] = set()
        self._answered: set[str] = set()
        self._last_move = 0.0

    async def run(self, watch: Callable[[Counts], None]) -> bool:
        """Play until all is as recorded; False when nothing has moved for too long. Raises TryLater at the start."""
        loop = asyncio.get_running_loop()
        try:
            async with Records(self._publisher, self._kafka) as records:
                topics = [RECEIPTS, TICKETS, *(dispatch_topic(topic) for topic in self._departments)]
                partitions = await records.partitions(topics)
                self._last_move = loop.time()
                reading = records.for_ever(partitions)
                sending: asyncio.Task[None] | None = None
                async with contextlib.aclosing(reading):
                    async for batch in reading:
                        await self._take(batch, caught_up=records.caught_up)
                        if records.caught_up and sending is None:
                            await self._play_on(self.lives.values())
                            sending = asyncio.create_task(self._send_reports())
                        watch(self.counts)
                        if sending is not None and sending.done():
                            sending.result()
                            if len(self._settled) == len(self.lives) and not self._acting:
                                return True
                        if sending is not None and self._stuck(loop.time(), sending):
                            return False
        finally:
            await self._publisher.stop()
        return True  # pragma: no cover - the reading goes on for ever

    def _stuck(self, now: float, sending: asyncio.Task[None]) -> bool:
        """Tell whether nothing has moved for too long; a pause that was recorded is none."""
        paced = not sending.done() and (self._pace.rate or self._pace.speed)
        stuck = not paced and now - self._last_move > self._patience_s
        if stuck:
            for task in (sending, *self._acting):
                task.cancel()
        return stuck

    # ------------------------------------------------------------ what comes

    async def _take(self, batch: Sequence[ConsumerRecord[Any, Any]], *, caught_up: bool) -> None:
        """Fold a batch, and let people act on what it changed once all that happened before is known."""
        changed: dict[str, Life] = {}
        for record in batch:
            life = self._fold(record)
            if life is not None:
                changed[life.ticket] = life
        if not changed:
            return
        self._last_move = asyncio.get_running_loop().time()
        for life in changed.values():
            if life.answered:
                self._answered.add(life.ticket)
            if life.settled():
                self._settled.add(life.ticket)
            else:
                self._settled.discard(life.ticket)
        self.counts.answered, self.counts.settled = len(self._answered), len(self._settled)
        self._moved.set()
        if caught_up:
            await self._play_on(changed.values())

    def _fold(self, record: ConsumerRecord[Any, Any]) -> Life | None:
        """Fold one record into the life that it belongs to; None when it is nobody's here."""
        kind = type_of(record.headers)
        if record.topic == RECEIPTS:
            return self._receipt(kind, record) if kind in RECEIPT_TYPES and record.key in self._sources else None
        if kind is None or kind not in (FACT_TYPES if record.topic == TICKETS else ORDER_TYPES):
            return None
        life = self.lives.get((record.key or b"").decode("utf-8", "replace"))
        if life is None:
            return None
        named = {name: (value or b"").decode() for name, value in record.headers}
        body = orjson.loads(record.value)
        if record.topic == TICKETS:
            service = named.get("ce_source", "")
            life.happened(kind.decode(), service, int(named.get("ce_sequence", 0)), _cause(named), body)
        elif kind == DepartmentOrderIssued.type.encode():
            department = self._departments[record.topic.removeprefix(DISPATCH_PREFIX)]
            life.issued(named["ce_id"], body, department)
        else:
            life.told(kind.decode(), body)
        return life

    def _receipt(self, kind: bytes | None, record: ConsumerRecord[Any, Any]) -> Life | None:
        named = {name: (value or b"").decode() for name, value in record.headers}
        life = self._by_report.get((record.key.decode(), named.get("ce_causation", "")))
        if life is not None:
            body = orjson.loads(record.value)
            if kind == ReportRefused.type.encode():
                life.refused = f"{body['reason']}: {body['detail']}"
            elif kind == ReportMerged.type.encode():
                life.merged = body["ticket_id"]
            else:
                life.tickets.add(body.get("ticket_id") or life.ticket)
        return life

    # ------------------------------------------------------------ what people do

    async def _play_on(self, lives: Iterable[Life]) -> None:
        """Send what departments answer, in one batch, and let people at the desk act."""
        updates: list[Outgoing] = []
        for life in lives:
            for act in life.wanted(self.profile):
                if act.id in life.sent or act.id in life.settled_updates:
                    continue
                life.sent.add(act.id)
                self.counts.acts += 1
                if isinstance(act, Update):
                    updates.append(self._outgoing(life, act))
                else:
                    task = asyncio.create_task(self._at_the_desk(life, act))
                    self._acting.add(task)
                    task.add_done_callback(self._acting.discard)
        await self._insist(updates)

    def _outgoing(self, life: Life, update: Update) -> Outgoing:
        envelope = Envelope(update.id, f"{update.department}/replay", update.type, self._clock.now())
        topic = updates_topic(self._topics[update.department])
        now = self._clock.now().isoformat()
        body = {name: now if value == NOW else value for name, value in update.body.items()}
        return Outgoing(topic, life.ticket, headers(envelope), orjson.dumps(body))

    async def _at_the_desk(self, life: Life, act: Act) -> None:
        async with self._turns.setdefault(life.ticket, asyncio.Lock()):  # nobody finishes what is not signed yet
            try:
                await self.desk.act(life.ticket, act)
            except Refused as error:
                life.refusals[act.id] = f"{act.command}: {error.detail}"
        life.acted.add(act.id)
        self._last_move = asyncio.get_running_loop().time()
        await self._play_on([life])  # what the script says comes next may wait for nothing else

    async def _insist(self, messages: Sequence[Outgoing]) -> None:
        while messages:
            try:
                await self._publisher.send(messages)
            except TryLater:
                await asyncio.sleep(PAUSE_S)
            else:
                return

    # ------------------------------------------------------------ reports

    async def _send_reports(self) -> None:
        """Send every report that has no receipt yet, at its time, never too many ahead of the receipts."""
        loop = asyncio.get_running_loop()
        missing = [life for life in self.lives.values() if not life.answered]
        self.counts.sent = len(self.lives) - len(missing)
        start, offsets = loop.time(), self._pace.offsets([life.row for life in missing])
        place = 0
        while place < len(missing):
            await self._room()
            due = loop.time() - start
            if offsets[place] > due:
                await asyncio.sleep(min(offsets[place] - due, 1.0))
                continue
            until = place
            while until < min(place + CHUNK, len(missing)) and offsets[until] <= due:
                until += 1
            await self._insist([message for life in missing[place:until] for message in self._report(life.row)])
            self.counts.sent += until - place
            self._last_move = loop.time()
            place = until

    async def _room(self) -> None:
        """Return when few enough reports are without a receipt."""
        while self.counts.sent - len(self._answered) >= IN_FLIGHT:
            self._moved.clear()
            await self._moved.wait()

    def _report(self, row: Row) -> list[Outgoing]:
        envelope = Envelope(row.id, row.source, ReportSubmitted.type, self._clock.now())
        return [Outgoing(REPORTS, row.id, headers(envelope), row.value)] * max(1, row.script.sends)


def _cause(named: dict[str, str]) -> str:
    return named.get("ce_causation") or named.get("ce_id", "")
