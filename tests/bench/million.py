"""Does sla care how many timers are armed? A million of them on 16 partitions, against ten thousand.

`python -m tests.bench.million [--armed N] [--due N] [--rate N]` runs sla as a process of its own on a Kafka and a
mongod of its own, prints a table and writes build/million.json. The armed tickets are written into sla's database
as sla writes them (one of each kind is folded by its own rules, the rest differ in id and instants); all that is
measured goes through the log.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiokafka.partitioner import murmur2
from rich.console import Console
from rich.table import Table

from deploy.local.processes import free_port
from services.sla.handlers import decider
from shared.clock import RealClock
from shared.decider import Message
from shared.envelope import Envelope, type_of
from shared.ids import ticket_id
from shared.kafka import Publisher
from shared.messages import ClockBreached, ClocksStarted, ClocksStopped, OrderDone, OrderIssued, OrderSigned
from shared.mongo import InsertOne, Mongo
from shared.profile import find_profile, load_profile
from shared.records import Records
from shared.topics import TICKETS
from tests.bench.load import at_share
from tests.bench.measure import ROOT, metric, rss_mb
from tests.support.city import City
from tests.support.orders import done, issued, outgoing, signed
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

OUT: Final = ROOT / "build" / "million.json"
PARTITIONS: Final = 16
GRID: Final = "511802001001001"
CHUNK: Final = 5000
FEW: Final = 10_000
PLACEHOLDER: Final = "0123456789ABCDEF"
DUE: Final = datetime(2031, 1, 1, tzinfo=UTC)
START_S: Final = 25.0
"""From the start of sla until the first of the measured timers is due."""
STREAM_S: Final = 30.0
GAP_S: Final = 10.0
DAY: Final = timedelta(days=1)


def main(arguments: list[str]) -> int:
    """Run, print, write."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.million", description=__doc__)
    parser.add_argument("--armed", type=int, default=1_000_000, help="timers that are armed (1,000,000)")
    parser.add_argument("--due", type=int, default=50_000, help="of which so many are due at one second (50,000)")
    parser.add_argument("--rate", type=int, default=200, help="and so many a second before that (200)")
    parser.add_argument("--loop", type=int, default=2_000, help="orders and signatures that are timed (2,000)")
    parser.add_argument("--instances", type=int, default=1, help="processes of sla (1)")
    parser.add_argument("--out", type=Path, default=OUT)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="gridcall-million-") as folder:
        result = asyncio.run(Million(Path(folder), given).run())
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    table = Table("figure", "value", title=f"{result['armed']:,} armed timers on {PARTITIONS} partitions")
    for name, value in result.items():
        table.add_row(name.replace("_", " "), f"{value:,}" if isinstance(value, int | float) else str(value))
    Console().print(table)
    return 0 if result["breached"] == result["due_in_all"] else 1


class Ticks:
    """A ticket as sla stores it, made by its own rules once and then written with other ids and instants."""

    def __init__(self, profile: str) -> None:
        """Fold one order whose signature is due at a known instant."""
        rules = decider(load_profile(find_profile(profile)))
        now = DUE - DAY
        order = issued(PLACEHOLDER, now, DUE, DUE + 29 * DAY, unit=GRID, warn_share=0.5)
        message = Message(Envelope("x", "gridcall/dispatch", order.type, now, PLACEHOLDER, 1), PLACEHOLDER, order)
        state = rules.evolve(rules.state(), message)
        for fact in rules.decide(rules.state(), message, now):
            state = rules.evolve(state, Message(message.envelope, PLACEHOLDER, fact))
        state = state.model_copy(
            update={"clocks": tuple(each.model_copy(update={"warned": len(each.warnings)}) for each in state.clocks)}
        )
        assert rules.wake_at(state) == DUE
        self._state = state.model_dump_json(exclude_defaults=True)
        self._due = json.dumps({"at": DUE.isoformat().replace("+00:00", "Z")})[8:-2]
        assert self._due in self._state

    def document(self, number: int, due: datetime) -> dict[str, Any]:
        """Give a ticket whose signature is due at an instant."""
        ticket = named(number)
        written = due.isoformat().replace("+00:00", "Z")
        state = self._state.replace(PLACEHOLDER, ticket).replace(self._due, written)
        return {
            "_id": ticket,
            "p": (murmur2(ticket.encode()) & 0x7FFFFFFF) % PARTITIONS,
            "q": 1,
            "n": {"gridcall/dispatch": 1},
            "a": [],
            "s": state.encode(),
            "w": due,
        }


def named(number: int) -> str:
    """Give the id of a ticket."""
    return ticket_id("million", str(number))


@dataclass
class Million:
    """The whole measurement."""

    folder: Path
    given: argparse.Namespace

    def __post_init__(self) -> None:
        """Know what to start; start nothing."""
        environment = {"GRIDCALL_LOG_LEVEL": "warning", "GRIDCALL_LOG_PARTITIONS": "16"}
        self.city = City(self.folder, environment=environment, as_shipped=True)
        self.ticks = Ticks(self.city.profile)
        self.clock = RealClock()
        self.ports = [self.city.ports["sla"], *(free_port() for _ in range(1, self.given.instances))]

    async def run(self) -> dict[str, Any]:
        """Measure with few timers, then with all of them."""
        given, city = self.given, self.city
        os.environ["GRIDCALL_LOG_PARTITIONS"] = str(PARTITIONS)  # noqa: TID251 - the topics are made in this process
        async with city:
            for service in list(city.processes):
                city.stop(service)
            mongo, publisher = Mongo(city.mongod.address), Publisher(city.kafka.address, "million")
            db = mongo.db("gridcall_sla")
            try:
                far = self.clock.now() + 10 * DAY
                await self._write(db, ((number, far) for number in range(FEW)))
                async with self._sla() as few:
                    few_costs = await self._costs(publisher, "few")
                say(f"writing {given.armed:,} armed timers")
                first = given.armed - given.due - int(given.rate * STREAM_S)
                await self._write(db, ((n, far + timedelta(seconds=n % 864_000)) for n in range(FEW, first)))
                begin = self.clock.now() + timedelta(seconds=START_S + (given.armed - first) / 20_000)
                begin = begin.replace(microsecond=0)
                at_once = begin + timedelta(seconds=STREAM_S + GAP_S)
                stream = {
                    number: begin + timedelta(seconds=nth / given.rate)
                    for nth, number in enumerate(range(first, given.armed - given.due))
                }
                burst = dict.fromkeys(range(given.armed - given.due, given.armed), at_once)
                await self._write(db, iter({**stream, **burst}.items()))
                async with self._sla() as many:
                    many_costs = await self._costs(publisher, "many")
                    resident = {"started": max(map(rss_mb, many["pids"]))}
                    breached = await self._breaches(publisher, {**stream, **burst}, at_once)
                    resident["after the burst"] = max(map(rss_mb, many["pids"]))
            finally:
                await publisher.stop()
                mongo.close()
        late = {
            name: sorted(
                (breached[named(n)] - due).total_seconds() for n, due in due_at.items() if named(n) in breached
            )
            for name, due_at in (("stream", stream), ("burst", burst))
        }
        return {
            "armed": given.armed,
            "instances": given.instances,
            "ready_s_with_few": few["ready_s"],
            "ready_s": many["ready_s"],
            "stream_per_s": given.rate,
            "stream_lateness_p50_s": round(at_share(late["stream"], 0.5), 3),
            "stream_lateness_p99_s": round(at_share(late["stream"], 0.99), 3),
            "due_at_one_second": given.due,
            "drained_s": round(late["burst"][-1], 2) if late["burst"] else None,
            "due_in_all": len(stream) + len(burst),
            "breached": len(breached),
            "arm_us_with_few": few_costs["arm_us"],
            "arm_us": many_costs["arm_us"],
            "cancel_us_with_few": few_costs["cancel_us"],
            "cancel_us": many_costs["cancel_us"],
            "sla_rss_mb": round(max(resident.values())),
        }

    async def _write(self, db: Any, due: Iterator[tuple[int, datetime]]) -> None:
        batch: list[Any] = []
        for number, at in due:
            batch.append(InsertOne(self.ticks.document(number, at)))
            if len(batch) == CHUNK:
                await db["tickets"].bulk_write(batch, ordered=False)
                batch = []
        if batch:
            await db["tickets"].bulk_write(batch, ordered=False)

    @asynccontextmanager
    async def _sla(self) -> AsyncIterator[dict[str, Any]]:
        """Run sla; `ready_s` is the time from its start until it is ready, the imports of Python included."""
        began = self.clock.now()
        processes = [self.city.start("sla", port=port, instance=str(port)) for port in self.ports]
        for port in self.ports:
            await self.city.ready("sla", port)
        ready_s = round((self.clock.now() - began).total_seconds(), 2)
        say(f"sla is ready after {ready_s} s")
        try:
            yield {"pids": [process.pid for process in processes], "ready_s": ready_s}
        finally:
            self.city.processes.pop("sla")
            for process in processes:
                process.send_signal(signal.SIGTERM)
            for process in processes:
                process.wait(60)

    async def _breaches(self, publisher: Publisher, due: dict[int, datetime], at_once: datetime) -> dict[str, datetime]:
        """Give when each breach was said, while orders for other tickets come in and get their clocks."""
        found: dict[str, datetime] = {}
        wanted = {named(number) for number in due}
        going_on = asyncio.create_task(self._go_on(publisher, at_once))
        quiet = 0
        async with Records(publisher, self.city.kafka.address) as records:
            async for batch in records.for_ever(await records.partitions([TICKETS])):
                before = len(found)
                for record in batch:
                    ticket = (record.key or b"").decode()
                    if type_of(record.headers) == ClockBreached.type.encode() and ticket in wanted:
                        found.setdefault(ticket, datetime.fromtimestamp(record.timestamp / 1000, UTC))
                quiet = 0 if len(found) > before or self.clock.now() < at_once else quiet + 1
                if len(found) >= len(wanted) or quiet > 150:
                    break
        await going_on
        return found

    async def _go_on(self, publisher: Publisher, until: datetime) -> None:
        """Let 50 orders a second come in until the burst is under way."""
        number = 0
        while self.clock.now() < until + timedelta(seconds=5):
            await publisher.send(self._orders("going-on", range(number, number + 10)))
            number += 10
            await asyncio.sleep(0.2)

    async def _costs(self, publisher: Publisher, prefix: str) -> dict[str, float]:
        """Give microseconds of wall time for each order's clocks, and for each signature and end, in one closed run."""
        count = self.given.loop
        orders = self._orders(prefix, range(count))
        arm = await self._timed(publisher, orders, ClocksStarted.type, count)
        ends = self._ends(prefix, range(count))
        cancel = await self._timed(publisher, ends, ClocksStopped.type, 2 * count)
        return {"arm_us": round(arm / count * 1e6, 1), "cancel_us": round(cancel / (2 * count) * 1e6, 1)}

    def _orders(self, prefix: str, numbers: Sequence[int]) -> list[Any]:
        now = self.clock.now()
        return [
            outgoing(issued(ticket, now, now + DAY, now + 30 * DAY, unit=GRID, warn_share=0.5), ticket, now)
            for ticket in (ticket_id(prefix, str(number)) for number in numbers)
        ]

    def _ends(self, prefix: str, numbers: Sequence[int]) -> list[Any]:
        now, out = self.clock.now(), []
        for ticket in (ticket_id(prefix, str(number)) for number in numbers):
            order = issued(ticket, now, now + DAY, now + 30 * DAY, unit=GRID, warn_share=0.5)
            out += [outgoing(signed(order, now), ticket, now, 2), outgoing(done(order, now), ticket, now, 3)]
        return out

    async def _timed(self, publisher: Publisher, messages: list[Any], kind: str, count: int) -> float:
        """Send, and give the seconds from the first answer on the log to the last."""
        before = await asyncio.to_thread(self._handled)
        await publisher.send(messages)

        async def handled() -> bool:
            return await asyncio.to_thread(self._handled) - before >= len(messages)

        started = self.clock.now()
        await eventually(handled, timeout_s=120, every_s=0.02, what=f"{count} {kind}")
        return (self.clock.now() - started).total_seconds()

    def _handled(self) -> float:
        kinds = (OrderIssued, OrderSigned, OrderDone)
        return sum(metric(port, "gridcall_records_total", type=each.type) for port in self.ports for each in kinds)


def lateness(breached: dict[str, datetime], due: dict[int, datetime]) -> list[float]:
    """Give the seconds by which breaches came after their instants, the least first."""
    return sorted((breached[name] - at).total_seconds() for n, at in due.items() if (name := named(n)) in breached)


def say(text: str) -> None:
    """Tell how far it is."""
    sys.stderr.write(f"million: {text}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
