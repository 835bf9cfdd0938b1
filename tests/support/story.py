"""How does a story run? All six services in this process, on a clock that the story moves, seen through the doors."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from cryptography.fernet import Fernet

from deploy.cli import topics
from deploy.local.servers import QUICK_JIT, Kafka, Mongod
from shared.clock import StoppedClock
from shared.ids import order_id, ticket_id
from shared.profile import find_profile, load_profile
from shared.service import Service
from shared.settings import PORTS
from tests.support import forked
from tests.support.city import ROOT, City, Seen
from tests.support.waiting import eventually

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Monday 2026-11-23, 09:00 in Ya'an."""
SOURCE = "test/hotline"
NEVER = "2999-01-01T00:00:00+00:00"
"""When a command's clock begins to run: until then it stands where the story's does."""


class Story(City):
    """A city in one process whose clock stands still until the story moves it."""

    def __init__(self, folder: Path, profile: str = "yucheng", start: datetime = START) -> None:
        """Choose folders, and the instant at which the clock stands; start nothing."""
        super().__init__(folder, profile)
        self.kafka = Kafka(folder / "kafka", flags=QUICK_JIT)
        self.mongod = Mongod(folder / "mongod", cache_gb=0.25)
        self.clock = StoppedClock(start)
        self.services: dict[str, Service] = {}
        self._number = 0

    async def __aenter__(self) -> Self:
        """Start servers and services."""
        await self.start_servers()
        await asyncio.to_thread(topics.apply, self.kafka.address, self.profile)
        await asyncio.to_thread(topics.indexes, self.mongod.address)
        self.city_profile = load_profile(find_profile(self.profile))
        self.departments = {d.id: d.topic for d in self.city_profile.departments}
        given = {
            "kafka": self.kafka.address,
            "mongo": self.mongod.address,
            "profile": self.profile,
            "data": str(self.folder),
            "session_timeout_ms": 20_000,  # six services share one event loop: a busy machine is no dead member
        }
        own: dict[str, dict[str, Any]] = {
            "intake": {"pii_key": Fernet.generate_key().decode()},
            "sla": {"sla_audit_every_s": 0},  # a story skips hours at one stroke: whatever fell due in them is late
        }
        for name in PORTS:
            settings = import_module(f"services.{name}.settings").Settings(**given, **own.get(name, {}))
            service = import_module(f"services.{name}.app").build(settings, clock=self.clock)
            self.services[name] = service
            await service.start()
        transports = {f"http://{n}": httpx.ASGITransport(s.app) for n, s in self.services.items()}
        self.http = await self._stack.enter_async_context(httpx.AsyncClient(mounts=transports, timeout=20))
        self.producer = AIOKafkaProducer(bootstrap_servers=self.kafka.address, acks="all", max_request_size=2_000_000)
        await self.producer.start()
        self._stack.push_async_callback(self.producer.stop)
        self._watcher = AIOKafkaConsumer(bootstrap_servers=self.kafka.address)
        await self._watcher.start()
        self._stack.push_async_callback(self._watcher.stop)
        for name, service in self.services.items():

            async def ready(service: Service = service) -> bool:
                return not service.unready() and all(loop.owns_partitions() for loop in service.loops)

            await eventually(ready, what=f"{name} is ready")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop services and servers."""
        await self._stack.aclose()
        await asyncio.gather(*(service.stop() for service in self.services.values()), return_exceptions=True)
        await self.stop_servers()

    def url(self, service: str, path: str) -> str:
        """Give the address of a path of a service."""
        return f"http://{service}{path}"

    # ------------------------------------------------------------ what people do

    def _once(self, what: str) -> str:
        self._number += 1
        return f"{what}-{self._number}"

    async def hotline_reports(self, **body: Any) -> str:
        """A report comes in by the hotline's topic; gives the id of its ticket."""
        ident = self._once("call")
        await self.report(SOURCE, ident, **({"channel": "hotline"} | body))
        await self.settled()
        return ticket_id(SOURCE, ident)

    async def caller_reports(self, **body: Any) -> tuple[str, str]:
        """A report comes in by HTTP; gives its ticket and the path on which its caller says more."""
        answer = await self._post("/v1/reports", {"channel": "app"} | body)
        assert answer.status_code == httpx.codes.CREATED, answer.text
        ticket = answer.json()["ticket_id"]
        await self._published(ticket, ticket)
        return ticket, answer.json()["links"]["messages"]

    async def caller_says(self, ticket: str, messages: str, kind: str, **body: Any) -> None:
        """The caller sends a message, and it is taken."""
        answer = await self._post(messages, {"kind": kind} | body)
        assert answer.status_code == httpx.codes.ACCEPTED, answer.text
        await self._published(ticket, answer.json()["message_id"])

    async def caller_is_refused(self, messages: str, kind: str, **body: Any) -> tuple[str, str]:
        """The caller sends a message, and it is not taken; gives the reason and the sentence."""
        answer = await self._post(messages, {"kind": kind} | body)
        assert answer.status_code == httpx.codes.CONFLICT, answer.text
        return answer.json()["reason"], answer.json()["detail"]

    async def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        headers = {"Idempotency-Key": self._once("request")}
        return await self.http.post(self.url("intake", path), json=body, headers=headers)

    async def _published(self, ticket: str, ident: str) -> None:
        """Return when what intake took by HTTP, which a background step publishes, has been read by all."""

        async def there() -> bool:
            facts = [s.value for s in await self.log() if s.key == ticket]
            return any(ident in (fact.get("report_id"), fact.get("message_id")) for fact in facts)

        await eventually(there, what=f"{ident} is on the log")
        await self.settled()

    async def says(self, department: str, kind: str, order: str, **body: Any) -> Seen:
        """A department writes an update on its topic; gives the answer that it gets."""
        ident = self._once("update")
        await self.update(department, kind, ident, order_id=order, **body)
        await self.settled()
        (answer,) = [s for s in await self.orders(department) if s.value.get("update_id") == ident]
        return answer

    async def does(self, department: str, kind: str, order: str, **body: Any) -> None:
        """A department writes an update, and it is carried out."""
        answer = await self.says(department, kind, order, **body)
        assert answer.type == "gridcall.update.accepted.v1", answer.value

    async def decides(self, ticket: str, command: str, **body: Any) -> list[str]:
        """A person at the desk gives a command, and it is carried out; gives the names of the facts."""
        answer = await self.command(ticket, command, self._once("command"), **body)
        assert answer.status_code == httpx.codes.OK, answer.text
        await self.settled()
        return [_short(kind) for kind in answer.json()["facts"]]

    async def is_refused(self, ticket: str, command: str, **body: Any) -> tuple[str, str]:
        """A person at the desk gives a command, and it is refused; gives the reason and the sentence."""
        answer = await self.command(ticket, command, self._once("command"), **body)
        assert answer.status_code == httpx.codes.CONFLICT, answer.text
        return answer.json()["reason"], answer.json()["detail"]

    # ------------------------------------------------------------ what people see

    async def becomes(self, ticket: str, state: str) -> dict[str, Any]:
        """Give the ticket once the desk shows it in a state."""

        async def shown() -> dict[str, Any] | None:
            found = await self.ticket(ticket)
            return found if found["state"] == state else None

        found: dict[str, Any] = await eventually(shown, what=f"{ticket} becomes {state}")
        return found

    async def told(self, department: str, kind: str, ticket: str, count: int = 1) -> list[Seen]:
        """Give what a department has been told of a ticket, of one type, once it is `count` messages."""

        async def there() -> list[Seen] | None:
            found = [s for s in await self.orders(department) if s.key == ticket and s.type == kind]
            return found if len(found) >= count else None

        found: list[Seen] = await eventually(there, what=f"{department} is told {kind} of {ticket}")
        return found

    async def ordered(self, department: str, ticket: str, number: int = 1) -> str:
        """Give the id of a ticket's nth order, which its department got once."""
        order = order_id(ticket, number)
        issued = [s for s in await self.orders(department) if s.type == "gridcall.order.issued.v1"]
        assert [s.value["order_id"] for s in issued].count(order) == 1
        return order

    async def heard(self, department: str, ticket: str) -> list[str]:
        """Give the names of everything that a department was told of a ticket, in order, answers left out."""
        found = [_short(s.type) for s in await self.orders(department) if s.key == ticket]
        return [name for name in found if not name.startswith("update.")]

    async def receipted(self, ticket: str) -> list[tuple[str, str]]:
        """Give what the hotline or app was told of a ticket, in order: a word, and the words that came with it."""
        told = [s for s in await self.receipts() if s.value.get("ticket_id") == ticket]
        return [(_short(s.type), s.value.get("detail") or s.value.get("result", "")) for s in told]

    async def happened(self, ticket: str, kind: str) -> list[dict[str, Any]]:
        """Give the bodies of a ticket's facts of one type, in order."""
        return [s.value for s in await self.log() if s.key == ticket and _short(s.type) == kind]

    async def facts(self, ticket: str) -> Counter[str]:
        """Count a ticket's facts on the log by name; starts and ends of clocks left out, the desk shows each."""
        names = [_short(s.type) for s in await self.log() if s.key == ticket and "ce_sequence" in s.headers]
        return Counter(name for name in names if not name.startswith("clocks-"))

    async def life(self, ticket: str) -> Counter[str]:
        """Count a ticket's facts on the log by name, those of its clocks left out."""
        facts = [s for s in await self.log() if s.key == ticket and "ce_sequence" in s.headers]
        return Counter(_short(s.type) for s in facts if s.headers["ce_source"] != "gridcall/sla")

    async def timeline(self, ticket: str, *kinds: str) -> list[str]:
        """Give the English sentences of a ticket's timeline, in order; only those of some types when any are named."""
        answer = await self.http.get(self.url("desk", f"/v1/tickets/{ticket}/timeline"))
        entries = [(_short(entry["type"]), entry["sentence"]["en"]) for entry in answer.json()["timeline"]]
        return [text for kind, text in entries if not kinds or kind in kinds]

    async def clock_of(self, ticket: str, name: str) -> dict[str, Any]:
        """Give the one clock of a name that runs, as the desk explains it."""
        answer = await self.http.get(self.url("desk", f"/v1/tickets/{ticket}/deadlines"))
        clocks: list[dict[str, Any]] = answer.json()["deadlines"]
        (found,) = [each for each in clocks if each["clock"] == name and each["state"] in {"running", "warned"}]
        return found | {field: datetime.fromisoformat(found[field]) for field in ("due_at", "warn_at") if found[field]}

    async def gridcall(self, *arguments: str) -> tuple[int, str]:
        """Run a command as an operator does, in a wide terminal; gives its exit code and all that it printed."""
        wide = {"GRIDCALL_CLOCK_ORIGIN": f"{NEVER}/{self.clock.now().isoformat()}", "COLUMNS": "240"}
        async with self._port_of("desk"):
            run = await asyncio.to_thread(forked.run, "deploy.cli", *arguments, env=self.env | wide, cwd=ROOT)
        return run.returncode, run.stdout + run.stderr

    @asynccontextmanager
    async def _port_of(self, name: str) -> AsyncIterator[None]:
        """Let a service, which otherwise is asked within this process, listen on its port."""
        config = uvicorn.Config(self.services[name].app, port=self.ports[name], lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
        listening = asyncio.create_task(server.serve())

        async def started() -> bool:
            return server.started

        try:
            await eventually(started, what=f"{name} listens")
            yield
        finally:
            server.should_exit = True
            await listening

    def shown(self, at: datetime) -> str:
        """Give an instant as the city's clocks show it."""
        return at.astimezone(ZoneInfo(self.city_profile.zone)).strftime("%Y-%m-%d %H:%M")

    # ------------------------------------------------------------ time

    async def until(self, at: datetime) -> None:
        """Let time pass until an instant; what is due then has fired."""
        await self.passes(seconds=(at - self.clock.now()).total_seconds())

    async def passes(self, **time: float) -> None:
        """Let time pass; timers fire, and the desk has seen everything that was on the log before."""
        await self.settled()
        self.clock.advance(timedelta(**time))
        await self.settled()

    async def settled(self) -> None:
        """Return when no service has anything left to read, to fire or to publish."""
        loops = [loop for service in self.services.values() for loop in service.loops]

        async def ends() -> dict[TopicPartition, int]:
            # by a client of our own: a question of a loop's consumer waits behind its fetch
            found: dict[TopicPartition, int] = await self._watcher.end_offsets(
                {tp for loop in loops for tp in loop._owned}
            )
            return found

        async def idle() -> bool:
            before = await ends()
            return all(loop.idle(before) for loop in loops) and before == await ends()

        await eventually(idle, every_s=0.02, what="everything is read")


def _short(kind: str) -> str:
    """Give the word of a wire type: `gridcall.order.issued.v1` is `issued`; answers to updates keep their `update.`."""
    word = kind.removeprefix("gridcall.").removesuffix(".v1")
    return word.removeprefix("ticket.").removeprefix("order.").removeprefix("report.")
