"""What does a department get that asks for its open orders again?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from services.dispatch.domain.state import DispatchState
from services.dispatch.door import UpdatesDoor
from services.dispatch.handlers import decider
from services.dispatch.resync.request import ResyncDesk
from services.dispatch.resync.store import RESYNCS, Resync, searchable
from shared.clock import StoppedClock
from shared.ids import named
from shared.loop.door import DoorWork
from shared.loop.partitions import Partition
from shared.loop.poison import Morgue
from shared.loop.work import Batch, Outcome
from shared.messages import (
    CompleteOrder,
    DepartmentOrderSnapshot,
    OrderSigned,
    ResyncRefused,
    ReviseOrder,
    ShowOrder,
    SignOrder,
    TicketClosed,
    TicketEscalated,
    UpdateResync,
)
from tests.support.fold import MORNING, TICKET, Folded, Said, body_of
from tests.unit.dispatch.orders import CITY, EAST, FIRST, GRID, OFFICE, TO_WATER, dispatch, triaged, update

TOPIC = "gridcall.updates.water"


def show(folded: Folded[DispatchState], ident: str = "c-1", order: str = FIRST) -> Said:
    """Read the command that a snapshot puts on the log."""
    return folded.read(ShowOrder(order_id=order, resync_id="r-1"), id=ident)


def snapshot(folded: Folded[DispatchState], ident: str = "c-1") -> DepartmentOrderSnapshot:
    """Give the one message that the command leads to."""
    ((topic, body),) = show(folded, ident).effects
    assert topic == TO_WATER
    assert isinstance(body, DepartmentOrderSnapshot)
    return body


def test_a_snapshot_says_all_that_the_order_said() -> None:
    """Whoever has lost the order needs nothing else."""
    city = Folded(decider(CITY))
    ((_, issued),) = city.read(triaged()).effects
    again = snapshot(city)
    assert issued.model_dump() == again.model_dump(include=set(type(issued).model_fields))
    assert (again.state, again.resync_id, again.suspended_until, again.pending) == ("issued", "r-1", None, None)


def test_a_snapshot_says_how_the_order_stands_now() -> None:
    """Signed, escalated, suspended, done: as it is and not as it was."""
    city = dispatch(OFFICE)
    update(city, SignOrder(order_id=FIRST, department="water"))
    assert snapshot(city).state == "signed"
    city.read(TicketEscalated(from_level="street", to_level="district", unit=EAST, cause="sign", order_id=FIRST))
    assert snapshot(city, "c-2").level == "district"
    until = MORNING + timedelta(hours=25)
    update(city, ReviseOrder(order_id=FIRST, department="water", revision="extend", until=until, reason="缺料"), "e")
    pending = snapshot(city, "c-3").pending
    assert pending is not None
    assert (pending.revision, pending.until) == ("extend", until)
    update(city, CompleteOrder(order_id=FIRST, department="water"), "d")
    assert snapshot(city, "c-4").state == "done"


def test_an_order_that_has_ended_meanwhile_is_told_as_ended() -> None:
    """The count of a snapshot is right whatever happens while it is made."""
    city = dispatch()
    city.read(TicketClosed(outcome="withdrawn", closings=1))
    assert snapshot(city).state == "withdrawn"


def test_a_command_that_is_read_again_says_nothing() -> None:
    """What it said is in the outbox of the turn that it was first read in."""
    city = dispatch()
    assert len(show(city).effects) == 1
    assert show(city).outbox == ()


def test_a_snapshot_leads_to_no_fact_and_changes_nothing() -> None:
    """Nothing has happened to the ticket."""
    city = dispatch()
    before = city.state()
    said = show(city)
    assert said.facts == []
    assert city.state() == before


def test_an_order_that_is_not_there_says_nothing() -> None:
    """Nobody can make up orders by the log."""
    assert show(dispatch(), order=f"{TICKET}-7").outbox == ()


def test_what_is_searched_is_the_order_of_which_a_department_will_hear() -> None:
    """Issued to done; neither a unit's nor one that is over for good."""
    assert searchable(DispatchState()) == {}
    city = dispatch()
    assert searchable(city.state()) == {"o": ["water"], "oi": [{"o": "water", "i": FIRST, "t": MORNING}]}
    update(city, SignOrder(order_id=FIRST, department="water"), "s")
    update(city, CompleteOrder(order_id=FIRST, department="water"), "d")
    assert searchable(city.state())["o"] == ["water"]
    city.read(TicketClosed(outcome="solved", closings=1))
    assert searchable(city.state()) == {}
    assert searchable(dispatch(lead=GRID).state()) == {}


# ---------------------------------------------------------------- the request


class Kept:
    """The last snapshot."""

    def __init__(self, last: Resync | None = None) -> None:
        self.last = last

    async def of(self, _department: str) -> Resync | None:
        """Give the last snapshot."""
        return self.last


def request(value: bytes | None = b"{}", ident: bytes = b"u-1", offset: int = 0) -> ConsumerRecord[bytes, bytes]:
    """Give a request as a department writes it."""
    headers = (("ce_type", UpdateResync.type.encode()), ("ce_id", ident), ("ce_source", b"water/system"))
    return ConsumerRecord(TOPIC, 0, offset, 0, 0, None, value, None, 0, 0, headers)


async def received(kept: Kept, *records: ConsumerRecord[bytes, bytes]) -> tuple[list[Any], Outcome]:
    """Give what goes out, and the outcome."""
    work = DoorWork("dispatch", UpdatesDoor(CITY, ResyncDesk(kept)), Morgue("dispatch"), StoppedClock(MORNING))
    partition = Partition(f"{TOPIC}/0", TOPIC, 0)
    outcome = await work.decide([Batch(partition, records)])
    return [body_of(message) for message in outcome.outbox.get(partition.key, [])], outcome


def written(outcome: Outcome) -> list[dict[str, Any]]:
    """Give the snapshots that the turn begins."""
    return [write._doc for write in outcome.writes.get(RESYNCS, [])]


async def test_a_request_is_written_down() -> None:
    """It goes on from there whatever is killed."""
    said, outcome = await received(Kept(), request())
    assert said == []
    (document,) = written(outcome)
    assert document["_id"] == "water"
    assert document["id"] == named("water", "water/system", "u-1")
    assert (document["topic"], document["partition"], document["state"]) == ("water", 0, "asked")


async def test_since_is_an_instant_with_an_offset() -> None:
    """It narrows the list."""
    _, outcome = await received(Kept(), request(b'{"since": "2026-03-04T00:00:00+08:00"}'))
    assert written(outcome)[0]["since"].isoformat() == "2026-03-04T00:00:00+08:00"


@pytest.mark.parametrize("value", [None, b"", b"[]", b"\xff", b'{"since": "yesterday"}', b'{"order_id": "x"}'])
async def test_a_request_that_cannot_be_read_is_refused_with_what_to_send(value: bytes | None) -> None:
    """There is no order to answer about, and yet an answer."""
    (answer,), outcome = await received(Kept(), request(value))
    assert isinstance(answer, ResyncRefused)
    assert (answer.update_id, answer.reason) == ("u-1", "bad-body")
    assert written(outcome) == []


async def test_one_snapshot_at_a_time() -> None:
    """A second request beside the first is refused, in the same turn too."""
    (answer,), outcome = await received(Kept(), request(), request(ident=b"u-2", offset=1))
    assert (answer.reason, answer.update_id) == ("underway", "u-2")
    assert len(written(outcome)) == 1


async def test_the_same_request_again_begins_nothing() -> None:
    """While it is under way it is passed over; afterwards it needs an id of its own."""
    _, outcome = await received(Kept(), request())
    document = json.loads(json.dumps(written(outcome)[0], default=str))
    resync = Resync("water", document["id"], "u-1", "water", 0, MORNING, None)
    assert await received(Kept(resync), request()) == ([], await _nothing(Kept(resync)))
    (answer,), outcome = await received(Kept(replace(resync, state="done")), request())
    assert answer.reason == "id-reused"
    assert written(outcome) == []


async def _nothing(kept: Kept) -> Outcome:
    return (await received(kept, request()))[1]


async def test_later_requests_remember_the_ones_before() -> None:
    """An old request that arrives again is recognised."""
    old = Resync("water", "r-0", "u-0", "water", 0, MORNING, None, state="done", past=("r-a",))
    _, outcome = await received(Kept(old), request())
    assert written(outcome)[0]["past"] == ["r-a", "r-0"]


def test_signing_is_still_a_fact() -> None:
    """A snapshot stands beside the stream and does not change it."""
    city = dispatch()
    show(city)
    facts = update(city, SignOrder(order_id=FIRST, department="water")).facts
    assert [type(fact) for fact in facts] == [OrderSigned]
