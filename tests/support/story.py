"""How does a story run? All six services in this process, on a clock that the story moves, seen through the doors."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from aiokafka import AIOKafkaProducer
from cryptography.fernet import Fernet

from deploy.cli import topics
from deploy.local.servers import QUICK_JIT, Kafka, Mongod
from shared.clock import StoppedClock
from shared.ids import ticket_id
from shared.profile import find_profile, load_profile
from shared.service import Service
from shared.settings import PORTS
from tests.support.city import City, Seen
from tests.support.waiting import eventually

START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Monday 2026-11-23, 09:00 in Ya'an."""
SOURCE = "test/hotline"


class Story(City):
    """A city in one process whose clock stands still until the story moves it."""

    def __init__(self, folder: Path, profile: str = "yucheng") -> None:
        """Choose folders; start nothing."""
        super().__init__(folder, profile)
        self.kafka = Kafka(folder / "kafka", flags=QUICK_JIT)
        self.mongod = Mongod(folder / "mongod", cache_gb=0.25)
        self.clock = StoppedClock(START)
        self.services: dict[str, Service] = {}
        self._number = 0

    async def __aenter__(self) -> Self:
        """Start servers and services."""
        for server in (self.kafka, self.mongod):
            await asyncio.to_thread(server.start)
        for server in (self.kafka, self.mongod):
            await asyncio.to_thread(server.wait_ready)
        await asyncio.to_thread(topics.apply, self.kafka.address, self.profile)
        await asyncio.to_thread(topics.indexes, self.mongod.address)
        self.city_profile = load_profile(find_profile(self.profile))
        self.departments = {d.id: d.topic for d in self.city_profile.departments}
        given = {
            "kafka": self.kafka.address,
            "mongo": self.mongod.address,
            "profile": self.profile,
            "data": str(self.folder),
            "session_timeout_ms": 6000,
        }
        for name in PORTS:
            own = {"pii_key": Fernet.generate_key().decode()} if name == "intake" else {}
            settings = import_module(f"services.{name}.settings").Settings(**given, **own)
            service = import_module(f"services.{name}.app").build(settings, clock=self.clock)
            self.services[name] = service
            await service.start()
        transports = {f"http://{n}": httpx.ASGITransport(s.app) for n, s in self.services.items()}
        self.http = await self._stack.enter_async_context(httpx.AsyncClient(mounts=transports, timeout=20))
        self.producer = AIOKafkaProducer(bootstrap_servers=self.kafka.address, acks="all", max_request_size=2_000_000)
        await self.producer.start()
        self._stack.push_async_callback(self.producer.stop)
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
        await asyncio.to_thread(self.mongod.stop)
        await asyncio.to_thread(self.kafka.stop)

    def url(self, service: str, path: str) -> str:
        """Give the address of a path of a service."""
        return f"http://{service}{path}"

    # ------------------------------------------------------------ what people do

    async def hotline_reports(self, **body: Any) -> str:
        """A report comes in by the hotline's topic; gives the id of its ticket."""
        self._number += 1
        ident = f"call-{self._number}"
        await self.report(SOURCE, ident, **({"channel": "hotline"} | body))
        return ticket_id(SOURCE, ident)

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

    async def happened(self, ticket: str, kind: str, count: int = 1) -> list[Seen]:
        """Give the facts of one type on a ticket once there are `count`."""

        async def there() -> list[Seen] | None:
            found = [s for s in await self.log() if s.key == ticket and s.type == f"gridcall.ticket.{kind}.v1"]
            return found if len(found) >= count else None

        found: list[Seen] = await eventually(there, what=f"{count} x {kind} of {ticket}")
        return found

    async def passes(self, **time: float) -> None:
        """Let time pass; timers fire, and the desk has seen everything that was on the log before."""
        await self.settled()
        self.clock.advance(timedelta(**time))
        await self.settled()

    async def settled(self) -> None:
        """Return when no service has anything left to read, to fire or to publish."""

        async def idle() -> bool:
            return all([await loop.idle() for service in self.services.values() for loop in service.loops])

        calm = 0
        while calm < 3:
            calm = calm + 1 if await eventually(idle, what="everything is read") else 0
            await asyncio.sleep(0.05)
