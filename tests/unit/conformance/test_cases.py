"""Is a good client passed and each bad one caught in the right case? The kit against clients in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from aiokafka import ConsumerRecord

from deploy.conformance.cases import CASES
from deploy.conformance.checks import Verdict
from deploy.conformance.heard import heard
from deploy.conformance.play import Manner, Play
from shared.clock import StoppedClock
from shared.envelope import Outgoing
from tests.support.department import BAD, Client, Positional, Recovers, Returns, Written
from tests.support.fold import MORNING


@dataclass
class Memory:
    """The two topics, with a client at the other end."""

    client: Client
    written: list[Written] = field(default_factory=list)
    past: list[Outgoing] = field(default_factory=list)

    async def send(self, messages: Sequence[Outgoing]) -> None:
        """Let the client read."""
        for message in messages:
            self.past.append(message)
            headers = {name: value.decode() for name, value in message.headers}
            self.written += self.client.take(headers, message.value)

    async def read(self) -> list[ConsumerRecord[bytes, bytes]]:
        """Give what the client has written."""
        await asyncio.sleep(0.001)
        written, self.written = self.written, []
        return [ConsumerRecord("t", 0, 0, 0, 0, None, value, None, 0, 0, headers) for headers, value in written]

    async def restart(self) -> bool:
        """Restart the client, which reads from the beginning where it has kept nothing."""
        self.client.restarted()
        if getattr(self.client, "asks", False):
            headers = (("ce_type", b"gridcall.order.resync.v1"), ("ce_source", b"d"), ("ce_id", b"resync"))
            self.written.append((headers, b"{}"))
        elif not self.client.seen:
            past, self.past = self.past, []
            await self.send(past)
        return True


async def played(client: Client, *only: str) -> dict[str, Verdict]:
    """Give the verdict of each case."""
    wire = Memory(client)
    play = Play("test", "run", wire, StoppedClock(MORNING), Manner(0.05, 0.01, wire.restart))
    return {case.id: await play.case(case) for case in CASES if not only or case.id in only}


async def test_a_good_client_fails_nothing() -> None:
    """What is its own decision is not tried."""
    verdicts = await played(Client())
    assert {case: v.came for case, v in verdicts.items() if v.result == "failed"} == {}
    assert {case for case, v in verdicts.items() if v.result == "not tried"} == {"returned", "resync"}


async def test_a_client_that_returns_and_recovers_passes_all() -> None:
    """Nothing is left untried."""

    class Whole(Returns, Recovers):
        """Returns what is not its own, and asks for what it has lost."""

    verdicts = await played(Whole())
    assert {case: v.came for case, v in verdicts.items() if v.result != "passed"} == {}


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.__name__)
async def test_a_bad_client_is_caught_in_the_right_case(bad: type[Client]) -> None:
    """With a sentence that says what came."""
    verdict = (await played(bad()))[BAD[bad]]
    assert verdict.result == "failed", verdict
    assert verdict.came


async def test_a_client_is_caught_where_it_is_wrong_and_only_there() -> None:
    """An answer that is taken for another one spoils no case with a single order."""
    verdicts = await played(Positional(), "order", "done", "long-text", "answers-out-of-order")
    assert [case for case, v in verdicts.items() if v.result == "failed"] == ["answers-out-of-order"]


def test_what_a_client_writes_is_read_without_ever_raising() -> None:
    """Whatever it is."""
    good = (("ce_type", b"gridcall.order.sign.v1"), ("ce_source", b"d"), ("ce_id", b"1"))
    assert heard(good, b'{"order_id": "x-1"}').problem == ""
    for headers, value in ((good, None), (good, b"\xff"), (good, b"[]"), ((), b"{}"), ((("ce_type", None),), b"{}")):
        assert heard(headers, value).problem, value
