"""How is one benchmark run made? Everything in one run on this machine, part after part."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from deploy.local.processes import stop_pid
from shared.messages import (
    DepartmentOrderClosed,
    DepartmentOrderIssued,
    ReportSubmitted,
    TicketClosed,
    UpdateDone,
    UpdateSign,
)
from shared.settings import PORTS
from shared.topics import REPORTS, TICKETS, dispatch_topic, updates_topic
from tests.bench import timers
from tests.bench.bodies import bodies
from tests.bench.deadline import deadline_us
from tests.bench.load import at_share
from tests.bench.measure import ROOT, Sample, commit, machine, metric, rss_mb, sample, versions
from tests.bench.trace import documents_of, null, plan_from, read_log, writes_of
from tests.support.city import City
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

SOURCE = "bench"
ANSWERS = [(UpdateSign.type, ""), (UpdateDone.type, ',"result":"fixed","detail":"已经清理完毕，现场已恢复。"')]
HELD_S = 1.0
"""A rate is held when less than a second's reports are on their way at the end."""
SLOWEST = 10.0
LISTS = ("/v1/tickets?limit=50", "/v1/tickets?unit=511802001&limit=50", "/v1/orders?department=huanwei&limit=50")


@dataclass(frozen=True, slots=True)
class Options:
    """How long and how much."""

    warm_up_s: float = 10
    measure_s: float = 30
    in_flight: int = 1000
    rate: float = 200
    open_s: float = 30
    timers: int = 20_000
    list_asks: int = 200


QUICK = Options(warm_up_s=2, measure_s=5, in_flight=300, rate=50, open_s=5, timers=500, list_asks=20)


@dataclass
class Load:
    """The load generator's process."""

    folder: Path
    plan: dict[str, Any]
    process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        """Start it and wait until it reads."""
        file = self.folder / f"load-{self.plan['source']}.json"
        file.write_text(json.dumps(self.plan), encoding="utf-8")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.bench.load", str(file),
            cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        if await self._line() != b"ready\n":
            raise RuntimeError("the load generator does not start")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        if self.process is not None:
            if self.process.returncode is None and self.process.stdin is not None:
                self.process.stdin.write(b'{"do": "stop"}\n')
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()

    async def _line(self) -> bytes:
        if self.process is None or self.process.stdout is None:
            raise RuntimeError("the load generator is not started")
        return await self.process.stdout.readline()

    async def do(self, **command: Any) -> dict[str, Any]:
        """Give a command and its answer."""
        if self.process is None or self.process.stdin is None:
            raise RuntimeError("the load generator is not started")
        self.process.stdin.write(json.dumps(command).encode() + b"\n")
        line = await self._line()
        if not line:
            raise RuntimeError("the load generator has ended: see its error above")
        answer: dict[str, Any] = json.loads(line)
        return answer

    @property
    def pid(self) -> int:
        """The process id."""
        if self.process is None:
            raise RuntimeError("the load generator is not started")
        return self.process.pid


@dataclass
class Pipeline:
    """Six processes and what is known of them."""

    ports: dict[str, int]
    pids: dict[str, int]
    last: str
    """Type with which the desk's view is closed."""

    def closed(self) -> float:
        """Give how many life cycles the desk's view shows as closed: counted once its transaction is durable."""
        return metric(self.ports["desk"], "gridcall_records_total", type=self.last, outcome="handled")

    async def wait_closed(self, count: float, what: str) -> None:
        """Return when so many are closed."""

        async def reached() -> bool:
            return await asyncio.to_thread(self.closed) >= count

        await eventually(reached, timeout_s=120, every_s=0.5, what=what)


@dataclass
class Bench:
    """One run."""

    city: City
    options: Options
    result: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Say what is being measured."""
        sys.stderr.write(f"bench: {text}\n")

    async def run(self) -> dict[str, Any]:
        """Measure everything; the null pipeline runs on the same brokers right after the real one."""
        options, city = self.options, self.city
        pids = {name: processes[0].pid for name, processes in city.processes.items()}
        real = Pipeline(city.ports, pids, TicketClosed.type)
        self.result |= {"machine": machine(), "versions": versions(), "profile": city.profile, "commit": commit()}
        self.result["options"] = {name: getattr(options, name) for name in Options.__slots__}
        await asyncio.sleep(3)
        self.result["deadline_us"] = await asyncio.to_thread(deadline_us)
        idle = {name: rss_mb(pid) for name, pid in pids.items()}
        plan = self._load_plan("gridcall", lambda name: name)
        async with Load(city.folder, plan) as load:
            closed = await self._closed_loop(real, load, "life cycles")
            self.result["lifecycles_per_s"] = closed["per_s"]
            self.result["lifecycles"] = closed
            self.result["cpu_ms_per_lifecycle"] = closed.pop("cpu_ms")
            self.result["rss_mb"] = {"idle": _rounded(idle), "load": closed.pop("rss")}
            self.result["report_to_dispatch_ms"] = await self._way(real, load)
            sent = (await load.do(do="closed", in_flight=0))["sent"]
        await real.wait_closed(sent, "every ticket is closed")
        await self._verify(sent)
        await self._work_lists(sent)
        await self._rebuild()
        null_plan = await self._null_plan(real, sent)
        for name in list(city.processes):
            city.stop(name)
        await self._null(null_plan)
        self.say(f"{options.timers} timers")
        self.result["timers"] = await timers.measure(city.kafka.address, options.timers, self._sla_alone)
        return self.result

    # ------------------------------------------------------------ closed loop

    def _load_plan(self, prefix: str, kind: Any) -> dict[str, Any]:
        def renamed(topic: str) -> str:
            return topic.replace("gridcall.", f"{prefix}.", 1)

        topics = self.city.departments.values()
        return {
            "kafka": self.city.kafka.address,
            "reports": renamed(REPORTS),
            "report_partitions": 8,
            "report_type": kind(ReportSubmitted.type),
            "departments": {renamed(dispatch_topic(t)): renamed(updates_topic(t)) for t in topics},
            "issued": kind(DepartmentOrderIssued.type),
            "closed": kind(DepartmentOrderClosed.type),
            "answers": [(kind(each), rest) for each, rest in ANSWERS],
            "bodies": bodies(),
            "source": f"{SOURCE}-{prefix}",
        }

    async def _closed_loop(self, pipeline: Pipeline, load: Load, what: str) -> dict[str, Any]:
        options, loop = self.options, asyncio.get_running_loop()
        self.say(f"{what}: {options.in_flight} in flight, {options.warm_up_s:g} s + {options.measure_s:g} s")
        pids = {
            **pipeline.pids, "kafka": self.city.kafka.pid, "mongod": self.city.mongod.pid, "generator": load.pid,
        }  # fmt: skip
        await load.do(do="closed", in_flight=options.in_flight)
        await asyncio.sleep(options.warm_up_s)
        before, first = sample(loop.time(), pids), await asyncio.to_thread(pipeline.closed)
        writes = await asyncio.to_thread(writes_of, self.city.mongod.address)
        start = loop.time()
        rss: dict[str, float] = {}
        while loop.time() < start + options.measure_s:
            await asyncio.sleep(min(2.0, max(0.05, start + options.measure_s - loop.time())))
            rss = {name: max(rss.get(name, 0.0), rss_mb(pid)) for name, pid in pids.items()}
        last = await asyncio.to_thread(pipeline.closed)
        end = loop.time()
        writes = await asyncio.to_thread(writes_of, self.city.mongod.address) - writes
        after = sample(end, pids)
        sent = (await load.do(do="closed", in_flight=0))["sent"]
        await pipeline.wait_closed(sent, f"{what} drain")
        count = last - first
        return {
            "per_s": round(count / (end - start), 1),
            "measured_s": round(end - start, 1),
            "measured": int(count),
            "in_flight": options.in_flight,
            "document_writes_each": round(writes / max(1.0, count), 2),
            "cpu_ms": _per_lifecycle(before, after, count),
            "rss": {**_rounded(rss), "total": round(sum(v for k, v in rss.items() if k != "generator"), 1)},
        }

    async def _way(self, pipeline: Pipeline, load: Load) -> dict[str, Any]:
        """Measure from report to order at the asked rate, or at half of it until the machine holds it."""
        rate, not_held = self.options.rate, []
        while True:
            self.say(f"report to dispatch at {rate:g}/s")
            way = await load.do(do="open", rate=rate, seconds=self.options.open_s)
            await pipeline.wait_closed(way["sent"], "the open loop drains")
            if not way["missing"] and way["behind"] <= rate * HELD_S:
                break
            not_held.append(rate)
            if rate < SLOWEST:
                break
            rate /= 2
        kept = {k: way[k] for k in way if k not in {"sent", "finished"}}
        return {**_rounded(kept), "asked": self.options.rate, "not_held": not_held}

    async def _verify(self, sent: int) -> None:
        self._traces = await read_log(self.city.kafka.address)
        closings = self._traces.closings
        once = sum(count == 1 for count in closings.values())
        self.result["verified"] = {
            "sent": sent,
            "closed_exactly_once": once,
            "ok": once == sent == len(closings),
            "records_per_lifecycle": round(self._traces.records / max(1, sent), 2),
            "bytes_per_lifecycle": round(self._traces.bytes / max(1, sent)),
        }

    async def _work_lists(self, sent: int) -> None:
        self.say("work lists")
        loop, took = asyncio.get_running_loop(), []
        for number in range(self.options.list_asks):
            start = loop.time()
            answer = await self.city.http.get(self.city.url("desk", LISTS[number % len(LISTS)]))
            answer.raise_for_status()
            took.append((loop.time() - start) * 1000)
        took.sort()
        self.result["work_list_ms"] = {
            "p50": round(at_share(took, 0.5), 1), "p99": round(at_share(took, 0.99), 1), "tickets": sent,
        }  # fmt: skip

    async def _rebuild(self) -> None:
        self.say("rebuild")
        loop = asyncio.get_running_loop()
        start = loop.time()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.cli.main", "rebuild", "--json",
            cwd=ROOT, env=self.city.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        if process.returncode:
            self.result["rebuild_events_per_s"] = None
            self.result["rebuild_error"] = err.decode()[-300:]
            return
        said = json.loads(out)
        self.result["rebuild_events_per_s"] = round(said["events_per_s"], 1)
        self.result["rebuild"] = {**said, "whole_command_s": round(loop.time() - start, 1)}

    # ------------------------------------------------------------ null pipeline

    async def _null_plan(self, real: Pipeline, sent: int) -> dict[str, Any]:
        handled = {name: await asyncio.to_thread(_handled, port) for name, port in real.ports.items()}
        documents = await asyncio.to_thread(documents_of, self.city.mongod.address, PORTS, sent)
        dispatch = [dispatch_topic(topic) for topic in self.city.departments.values()]
        return await plan_from(self._traces, self.city.kafka.address, dispatch, handled, documents)

    async def _null(self, plan: dict[str, Any]) -> None:
        city = self.city
        file = city.folder / "null.json"
        file.write_text(json.dumps(plan), encoding="utf-8")
        env = {**city.env, "GRIDCALL_DATABASE_PREFIX": "null_", "GRIDCALL_GROUP_PREFIX": "null."}
        await asyncio.to_thread(
            subprocess.run, _elsewhere("null", "tests.bench.prepare"), cwd=ROOT, env=env, check=True, timeout=120
        )
        processes = {
            name: self._process(f"null-{name}", _elsewhere("null", "tests.bench.null", name, str(file)), env)
            for name in PORTS
        }
        try:
            for name in PORTS:
                await city.ready(name)
            pipeline = Pipeline(city.ports, {name: p.pid for name, p in processes.items()}, plan["last"])
            async with Load(city.folder, self._load_plan("null", null)) as load:
                measured = await self._closed_loop(pipeline, load, "null pipeline")
        finally:
            for process in processes.values():
                stop_pid(process.pid)
                process.wait()
        traces = await read_log(city.kafka.address, TICKETS.replace("gridcall.", "null.", 1), plan["last"])
        tickets = max(1, len(traces.closings))
        self.result["null_pipeline_per_s"] = measured["per_s"]
        self.result["null_pipeline"] = {
            **measured,
            "records_per_lifecycle": round(traces.records / tickets, 2),
            "bytes_per_lifecycle": round(traces.bytes / tickets),
        }
        self.result["ratio"] = round(self.result["lifecycles_per_s"] / max(0.001, measured["per_s"]), 3)

    def _process(self, name: str, command: list[str], env: dict[str, str]) -> subprocess.Popen[bytes]:
        with (self.city.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)

    @contextmanager
    def _sla_alone(self) -> Iterator[int]:
        env = {**self.city.env, "GRIDCALL_DATABASE_PREFIX": "timers_", "GRIDCALL_GROUP_PREFIX": "timers."}
        prepared = [
            sys.executable,
            "-c",
            "from deploy.cli import topics; from shared.settings import Settings; topics.indexes(Settings().mongo)",
        ]
        subprocess.run(prepared, cwd=ROOT, env=env, check=True, timeout=120)
        process = self._process("timers-sla", _elsewhere(timers.PREFIX, "services.sla"), env)
        try:
            yield self.city.ports["sla"]
        finally:
            stop_pid(process.pid)
            process.wait()


def _elsewhere(prefix: str, module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "tests.bench.elsewhere", prefix, module, *arguments]


def _handled(port: int) -> set[str]:
    """Give the types that a service has handled, from its own metric."""
    import re  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    found = re.findall(r'gridcall_records_total\{([^}]*outcome="handled"[^}]*)\}', text)
    return {match.group(1) for labels in found if (match := re.search(r'type="([^"]+)"', labels))}


def _per_lifecycle(before: Sample, after: Sample, count: float) -> dict[str, float]:
    used = {name: (after.cpu[name] - before.cpu[name]) * 1000 / max(1.0, count) for name in after.cpu}
    return {**{name: round(ms, 3) for name, ms in used.items()}, "total": round(sum(used.values()), 3)}


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {name: round(value, 2) if isinstance(value, float) else value for name, value in values.items()}


async def bench(folder: Path, options: Options) -> dict[str, Any]:
    """Run the whole benchmark in a folder and give its result."""
    # What is measured is what the machine can do, not what one department may.
    environment = {"GRIDCALL_LOG_LEVEL": "warning", "GRIDCALL_UPDATES_PER_S": "1000000"}
    async with City(folder, environment=environment, as_shipped=True) as city:
        return await Bench(city, options).run()
