"""Does every timer fire once when sla is killed again and again? `python -m tests.campaign.timers` shows a table.

It runs one or two sla processes on a Kafka and a mongod of its own, lets orders fall due while it kills them with
SIGKILL at random moments, and then compares the log with what had to be said: each order's story, written down
before anything ran (plan.py), and the auditor of `gridcall audit`. Exit code 0: nothing is wrong; 1: something is;
2: the campaign itself went wrong, and says nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pymongo import MongoClient

from deploy.cli import topics
from deploy.cli.audit import audit_log
from deploy.local.virtual_time import Origin
from services.sla.audit import LATE
from shared.kafka import Publisher
from shared.profile import load_profile
from shared.records import Records
from shared.topics import TICKETS
from tests.bench.measure import metric
from tests.campaign.instances import LOOK_S, WORLD, CampaignError, Instance, Watch
from tests.campaign.plan import CLIMB, LIMIT, Line, orders, profile_text
from tests.campaign.report import FAULT, Options, Result, console, show
from tests.campaign.verdict import Observed, Overdue, Said, Verdict, judge, lateness_between
from tests.support.city import City
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Sequence

DRAIN_S: Final = LATE.total_seconds()
"""What a timer may be late besides the outages, while what has gathered in them fires: what the auditor allows for."""
REFRESH_S: Final = 12.0
"""How old what sla says of overdue timers may be: it counts them every 10 s (services/sla/app.py)."""
AWAY_S: Final = 9.0
"""More than the time after which Kafka gives up a silent member (6 s, tests/support/city.py)."""
STARTING: Final = 0.2
"""Share of the kills that hit whoever is there, perhaps still starting."""
SURE_S: Final = 3.0
"""How long nothing may be said after everything was: time for what is said twice."""


@dataclass
class Campaign:
    """One run in a folder."""

    folder: Path
    options: Options

    async def run(self) -> Result:
        """Start servers, feed, kill, wait, judge; raises CampaignError when the run says nothing."""
        file = self.folder / "campaign.yaml"
        file.write_text(profile_text(), encoding="utf-8")
        self.profile = load_profile(file)
        quiet = {"GRIDCALL_LOG_LEVEL": "warning"}
        self.city = City(self.folder, profile=str(file), environment=quiet, as_shipped=True)
        (self.folder / "data").mkdir(exist_ok=True)
        with self.city.kafka, self.city.mongod:
            await asyncio.to_thread(topics.apply, self.city.kafka.address, str(file))
            await asyncio.to_thread(topics.indexes, self.city.mongod.address)
            self.publisher = Publisher(self.city.kafka.address, "campaign")
            try:
                return await self._run()
            finally:
                self.city.kill("sla")
                await self.publisher.stop()

    async def _run(self) -> Result:
        options, now = self.options, WORLD.now().isoformat()
        self.origin = Origin(now, now, options.speed)
        self.city.environment["GRIDCALL_CLOCK_SPEED"] = str(options.speed)
        self.city.environment["GRIDCALL_CLOCK_ORIGIN"] = self.origin.variable
        self.said = Said(self.origin)
        self.killed: list[bool] = []
        self.left_out: set[str] = set()
        self.partitions = await self.publisher.partitions(TICKETS)
        self.instances = [Instance(number, self.city) for number in range(options.instances)]
        self.watch = Watch(self.city, self.instances)
        for each in self.instances:
            each.start(f"sla.{each.number}")
        async with asyncio.TaskGroup() as beside:
            tasks = [beside.create_task(self.watch.run()), beside.create_task(self._listen())]
            await eventually(self._all_work, timeout_s=60, what=f"sla works: {self.folder}/sla.log")
            begin, spread = self._now() + options.virtual(1), options.virtual(options.seconds)
            self.orders = orders(options.timers, begin, spread, self.profile.version, options.seed)
            _, _, sabotaged = await asyncio.gather(self._feed(), self._kill(begin + spread), self._sabotage())
            await eventually(self._all_work, timeout_s=60, what="somebody works on every partition")
            calm = self._now(), await self._lateness()
            await self._until_all_is_said()
            result = await self._judge(sabotaged, *calm)
            for task in tasks:
                task.cancel()
        return result

    def _now(self) -> datetime:
        return self.origin.virtual(WORLD.now())

    def _verdict(self) -> Verdict:
        return judge(self.orders, self.said.facts, self.left_out)

    async def _all_work(self) -> bool:
        """Tell whether everybody is ready, and somebody works on every partition."""
        for each in self.instances:
            if not each.away:
                each.alive()
        return all(each.ready for each in self.instances) and self.watch.all_served(self.partitions)

    # ------------------------------------------------------------ what goes on meanwhile

    async def _listen(self) -> None:
        async with Records(self.publisher, self.city.kafka.address) as records:
            async for batch in records.for_ever(await records.partitions([TICKETS])):
                self.said.hear(batch)

    async def _feed(self) -> None:
        """Say everything in its time; what went out too late to be what it was meant as is left out."""
        lines = sorted((line for order in self.orders for line in order.lines()), key=lambda line: line.at)
        lines.reverse()
        while lines:
            now, batch = self._now(), list[Line]()
            while lines and lines[-1].at <= now:
                batch.append(lines.pop())
            await self.publisher.send([out for line in batch for out in line.outgoing(now)])
            sent = self._now()
            self.left_out |= {line.order.ticket for line in batch if sent >= line.before}
            await asyncio.sleep(0.05)
        if len(self.left_out) > self.options.timers / 100:
            raise CampaignError(f"{len(self.left_out)} of {self.options.timers} orders could not be fed in time")

    async def _kill(self, fed: datetime) -> None:
        """Kill one after the other at random moments while timers fall due; each is started anew."""
        loop, chance = asyncio.get_running_loop(), random.Random(-self.options.seed)  # noqa: S311 - moments, no secrets
        first, last = self._now() + LIMIT / 2, fed + LIMIT
        begin, window = loop.time() + (LIMIT / 2).total_seconds() / self.options.speed, (last - first).total_seconds()
        moments = sorted(begin + window / self.options.speed * chance.random() for _ in range(self.options.kills))
        self.longest_s = window / self.options.speed / max(1, self.options.kills) / 2
        async with asyncio.TaskGroup() as away:
            for moment in moments:
                await asyncio.sleep(max(0.0, moment - loop.time()))
                struck = await self._victim(chance)
                if self.said.told >= sum(len(order.story.must) for order in self.orders):
                    raise CampaignError("everything was said before the last kill: give more --spread")
                self.killed.append(struck.kill())
                manner = chance.choice(("known", "renamed", "away")) if len(self.instances) > 1 else "known"
                name = struck.name if manner == "known" else f"{chance.random():.6f}.{struck.number}"
                if manner == "away":  # longer than Kafka waits for it: the other one takes over
                    struck.away = True
                    away.create_task(struck.back_after(AWAY_S, name))
                else:  # who is known again keeps its partitions; for a new member Kafka deals them out anew
                    struck.start(name)

    async def _victim(self, chance: random.Random) -> Instance:
        """Give whom the next kill hits, a moment after it was seen to work; some may be starting still."""
        early = chance.random() < STARTING

        async def here() -> list[Instance]:
            return [each for each in self.instances if not each.away and (each.ready or early)]

        found = await eventually(here, timeout_s=120, every_s=LOOK_S, what="somebody to kill")
        await asyncio.sleep(chance.random() * self.longest_s)
        struck: Instance = chance.choice(found)
        return struck

    async def _sabotage(self) -> str:
        """Take away a timer that has some way to go, where that was asked for; gives its ticket."""
        if not self.options.sabotage:
            return ""
        victim = min((order for order in self.orders if order.title == "nobody signs"), key=lambda order: order.at)
        with MongoClient[dict[str, Any]](self.city.mongod.address) as client:
            tickets = client["gridcall_sla"]["tickets"]

            async def taken() -> bool:
                found = {"_id": victim.ticket, "w": {"$exists": True}}
                changed = await asyncio.to_thread(tickets.update_one, found, {"$unset": {"w": ""}})
                return changed.modified_count == 1

            await eventually(taken, timeout_s=120, every_s=0.05, what="a timer is armed")
        return victim.ticket

    # ------------------------------------------------------------ the end

    async def _until_all_is_said(self) -> None:
        """Return when every story is told and a while has passed, or when nothing more is coming."""
        loop = asyncio.get_running_loop()
        last = max(order.at for order in self.orders) + LIMIT + CLIMB
        count, since = -1, loop.time()
        while True:
            if self.said.count != count or not await self._all_work() or self._now() < last:
                count, since = self.said.count, loop.time()
            waited = loop.time() - since
            if waited > self.options.quiet_s or (waited > SURE_S and self._verdict().right):
                return
            await asyncio.sleep(0.5)

    async def _judge(self, sabotaged: str, calm_at: datetime, calm: Observed) -> Result:
        if len(self.killed) != self.options.kills:
            raise CampaignError(f"{len(self.killed)} of {self.options.kills} kills")
        untrue = self._untrue_gauges()
        counted, least, most = await self._lateness_since(calm_at, calm)
        if not all(low <= value <= high for low, value, high in zip(least, counted, most, strict=True)):
            untrue.append(f"timer_lateness_seconds: {counted} since the last kill, and by the log {least} to {most}")
        outage_s = self._outage_s()
        bound = self.options.virtual(outage_s + DRAIN_S)
        # What is due within the bound of now is not yet missed: the auditor is told a later now.
        audited = await asyncio.to_thread(
            audit_log, self.city.kafka.address, self.profile, self._now() + 2 * bound, self.options.speed, late=bound
        )
        observed = f"{counted.number:g} since the last kill, {least.number:g} to {most.number:g} by the log"
        return Result(
            self.options, self._verdict(), audited, self.said, self.watch, outage_s, DRAIN_S, self.killed,
            self.left_out, sabotaged, observed, untrue,
        )  # fmt: skip

    def _outage_s(self) -> float:
        """Give the longest time in which nobody worked on a partition while a timer of it was overdue."""
        waits = {(each.partition, each.due, each.published) for each in self.said.firings}
        return max((self.watch.idle_s(n, *map(self.said.world, span)) for n, *span in waits), default=0.0)

    # ------------------------------------------------------------ metrics

    async def _lateness(self) -> Observed:
        """Give what the histograms of all instances have counted."""
        name = "gridcall_timer_lateness_seconds"
        counts = [await asyncio.to_thread(metric, each.port, f"{name}_count") for each in self.instances]
        sums = [await asyncio.to_thread(metric, each.port, f"{name}_sum") for each in self.instances]
        return Observed(sum(counts), sum(sums))

    async def _lateness_since(self, since: datetime, before: Observed) -> tuple[Observed, Observed, Observed]:
        """Give what the histograms have counted since an instant, and the least and the most that they should."""
        after = await self._lateness()
        least, most = lateness_between(self.said.firings, since, self._now(), self.options.virtual(2))
        return Observed(after.number - before.number, after.seconds - before.seconds), least, most

    def _untrue_gauges(self) -> list[str]:
        """Give what `timers_overdue` has said that was true at no instant at which it may have been counted."""
        overdue, found = Overdue(self.said.firings + self.said.answered), []
        for since, at, value in self.watch.gauges:
            begin = max(since, at - timedelta(seconds=REFRESH_S))
            least, most = overdue.between(self.origin.virtual(begin), self.origin.virtual(at), self.options.virtual(1))
            if not least <= value <= most:
                found.append(f"timers_overdue said {value:g} at {at:%H:%M:%S}, and by the log it was {least} to {most}")
        return found


def main(arguments: Sequence[str]) -> int:
    """Run and print; gives the exit code."""
    usual = Options()
    parser = argparse.ArgumentParser(prog="python -m tests.campaign.timers", description=__doc__)
    parser.add_argument("--timers", type=int, default=usual.timers, help="orders of which a limit falls due (20,000)")
    parser.add_argument("--kills", type=int, default=usual.kills, help="how often sla is killed (50)")
    parser.add_argument("--instances", type=int, choices=(1, 2), default=usual.instances, help="of sla (1)")
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the stories and of the kills")
    parser.add_argument("--spread", type=float, default=usual.spread_s, help="seconds over which orders are spread")
    parser.add_argument("--step", type=float, default=usual.step_s, help="seconds of a step of the ladder (20)")
    parser.add_argument("--sabotage", action="store_true", help="take a timer out of MongoDB: it must be found")
    given = parser.parse_args(arguments)
    options = Options(
        given.timers, given.kills, given.instances, given.seed, given.spread, given.step, sabotage=given.sabotage
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the servers are stopped all the same
    with tempfile.TemporaryDirectory(prefix="gridcall-campaign-") as folder:
        try:
            result = asyncio.run(Campaign(Path(folder), options).run())
        except Exception as fault:  # noqa: BLE001 - whatever it is, it must not look like a campaign that found nothing
            console.print(f"The campaign went wrong and says nothing: {_words(fault)}", style="bold red", markup=False)
            return FAULT
    show(result)
    return result.code


def _words(fault: BaseException) -> str:
    """Give what went wrong, also where several things did at once."""
    if isinstance(fault, BaseExceptionGroup):
        return "; ".join(_words(each) for each in fault.exceptions)
    return f"{type(fault).__name__}: {fault}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
