"""How is a case played? Step by step: what gridcall would send, what it would answer, what is heard meanwhile."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol

from deploy.conformance.book import Book
from deploy.conformance.cases import Again, Await, Case, Hold, Issue, Quiet, Refuse, Release, Restart, Tell
from deploy.conformance.checks import Course, Verdict, not_tried
from deploy.conformance.heard import RESYNC, Heard, heard
from shared.envelope import Envelope, Outgoing, headers
from shared.ids import named, order_id, ticket_id
from shared.messages import (
    CategoryRef,
    DepartmentOrderIssued,
    DepartmentOrderSnapshot,
    Handler,
    Location,
    ResyncCompleted,
    ResyncStarted,
)
from shared.topics import dispatch_topic

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from aiokafka import ConsumerRecord

    from deploy.conformance.cases import Step
    from shared.clock import Clock
    from shared.messages import Body

OVER: Final = {"issued": "withdrawn", "signed": "withdrawn", "done": "closed"}
LAST_WORD: Final[dict[str, dict[str, str]]] = {"withdrawn": {"reason": "expired"}, "closed": {"outcome": "solved"}}


class Wire(Protocol):
    """The department's two topics."""

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Write to the dispatch topic; returns when it is taken."""
        ...

    async def read(self) -> list[ConsumerRecord[bytes, bytes]]:
        """Give what is new on the updates topic, in a moment at the latest."""
        ...


@dataclass(frozen=True, slots=True)
class Manner:
    """How long is waited, and how the client is restarted."""

    patience_s: float
    quiet_s: float
    restart: Callable[[], Awaitable[bool]]
    """Restarts the client; False when nobody can."""


@dataclass(slots=True)
class Play:
    """One run against one department's client."""

    department: str
    run: str
    wire: Wire
    clock: Clock
    manner: Manner
    book: Book = field(default_factory=Book)
    said: list[Heard] = field(default_factory=list)
    _sent: list[Outgoing] = field(default_factory=list)
    _held: list[Outgoing] | None = None
    _issued: dict[str, DepartmentOrderIssued] = field(default_factory=dict)
    _since: dict[str, int] = field(default_factory=dict)
    """Order -> how much had been heard when it was issued, or came back for rework."""
    _at: tuple[str, int] = ("", 0)

    async def case(self, case: Case) -> Verdict:
        """Play a case and give its verdict."""
        if not case.steps:
            return case.check(Course(self.said))
        if self._sent and not self.said:
            return not_tried("nothing has come in the cases before")
        tried = True
        for number, step in enumerate(case.steps):
            self._at = (case.id, number)
            tried = await self._step(step) and tried
            await self._hear()
        names = {self._order(order): order for order in _orders(case)}
        course = [each for each in self.said if each.case == case.id]
        by_name = [_renamed(each, names) for each in course]
        verdict = case.check(Course(by_name, tried))
        await self._clear()
        return verdict

    # ------------------------------------------------------------ steps

    async def _step(self, step: Step) -> bool:
        match step:
            case Issue():
                await self._issue(step)
            case Tell():
                await self._tell(self._order(step.order) if step.order else "", step.kind, step.body)
            case Again():
                await self._again(step)
            case Await():
                await self._await(step)
            case Quiet():
                await self._listen(self.manner.quiet_s, lambda: False)
            case Hold():
                self._held = []
            case Release():
                held, self._held = self._held or [], None
                await self._send(held[::-1] if step.backwards else held)
            case Refuse():
                self.book.refuse(self._order(step.order), step.kind, step.reason)
            case Restart():
                return await self.manner.restart()
        return True

    async def _issue(self, step: Issue) -> None:
        order, now = self._order(step.order), self.clock.now()
        body = issued(order, self.department, step.description, now)
        self._issued[order] = body
        self.book.states[order] = "issued"
        self._since[order] = len(self.said)
        content = body.model_dump(mode="json", by_alias=True) | step.extra
        await self._send([self._outgoing(order, body.type, content)])

    async def _tell(self, order: str, kind: str, content: dict[str, Any]) -> None:
        if kind in {"withdrawn", "closed"}:
            self.book.states[order] = "over"
        elif kind == "reworked":
            self._since[order] = len(self.said)
            if self.book.states.get(order) == "done":
                self.book.states[order] = "signed"
        named_order = {"order_id": order} if order else {}
        await self._send([self._outgoing(order, f"gridcall.order.{kind}.v1", named_order | content)])

    async def _again(self, step: Again) -> None:
        order = self._order(step.order)
        found = [each for each in self._sent if order.encode() in each.value and step.kind in _type(each)]
        if found:
            await self._send(found[-1:])

    async def _await(self, step: Await) -> None:
        order = self._order(step.order)
        since = self._since.get(order, 0)

        def there() -> bool:
            return any(each.order == order and each.kind in step.kinds for each in self.said[since:])

        await self._listen(self.manner.patience_s, there)

    # ------------------------------------------------------------ talking

    def _order(self, name: str) -> str:
        return order_id(ticket_id(f"conformance/{self.run}", f"{self._at[0]}/{name}"), 1)

    def _outgoing(self, order: str, kind: str, content: dict[str, Any], causation: str = "") -> Outgoing:
        ident = named("conformance", self.run, str(len(self._sent)), kind, order, causation)
        ticket = order.rpartition("-")[0] or self.run
        envelope = Envelope(
            ident, "gridcall/dispatch", kind, self.clock.now(), ticket if order else "", causation=causation
        )
        return Outgoing(dispatch_topic(self.department), ticket, headers(envelope), json.dumps(content).encode())

    async def _send(self, messages: list[Outgoing]) -> None:
        self._sent += messages
        await self.wire.send(messages)

    async def _listen(self, seconds: float, enough: Callable[[], bool]) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not enough() and loop.time() < end:
            await self._hear()
            await asyncio.sleep(0)

    async def _hear(self) -> None:
        """Answer everything that has come."""
        for record in await self.wire.read():
            said = heard(record.headers, record.value)
            word, bodies = self.book.answer(said)
            self.said.append(said.at(*self._at, word))
            answers = self._snapshot(said) if said.kind == RESYNC and not said.problem else bodies
            await self._answer(said, answers)

    async def _answer(self, said: Heard, bodies: Sequence[Body]) -> None:
        messages = [
            self._outgoing(said.order, body.type, body.model_dump(mode="json", by_alias=True), said.id)
            for body in bodies
        ]
        if self._held is None:
            await self._send(messages)
        else:
            self._held += messages

    def _snapshot(self, said: Heard) -> list[Body]:
        """Give all orders that are open, as gridcall does when a department asks for them."""
        open_orders = [order for order, state in self.book.states.items() if state != "over"]
        resync, count = named(self.run, said.source, said.id), len(open_orders)
        return [
            ResyncStarted(resync_id=resync, update_id=said.id, orders=count),
            *(
                DepartmentOrderSnapshot.model_validate(
                    self._issued[order].model_dump() | {"resync_id": resync, "state": self.book.states[order]}
                )
                for order in open_orders
            ),
            ResyncCompleted(resync_id=resync, update_id=said.id, orders=count),
        ]

    async def _clear(self) -> None:
        """End what is left, so that the test department has nothing to do."""
        for order, state in list(self.book.states.items()):
            if (kind := OVER.get(state)) is not None:
                await self._tell(order, kind, LAST_WORD[kind])
        self._held = None


def issued(order: str, department: str, description: str, now: datetime) -> DepartmentOrderIssued:
    """Give an order of a city that does not exist."""
    return DepartmentOrderIssued(
        order_id=order,
        ticket_id=order.rpartition("-")[0],
        role="lead",
        level="grid",
        unit="000000001001001",
        issued_at=now,
        sign_by=now + timedelta(minutes=30),
        handle_by=now + timedelta(hours=24),
        category=CategoryRef(code="0000", name="测试", condition="test"),
        severity="IV",
        place=Location(grid="000000001001001", unit="000000001001001"),
        description=description,
        lead=Handler(kind="department", id=department),
        returnable=True,
        attempt=1,
        profile_version="conformance",
    )


def _orders(case: Case) -> set[str]:
    return {step.order for step in case.steps if isinstance(step, Issue)}


def _type(message: Outgoing) -> str:
    return dict(message.headers)["ce_type"].decode()


def _renamed(said: Heard, names: dict[str, str]) -> Heard:
    return replace(said, order=names.get(said.order, said.order))
