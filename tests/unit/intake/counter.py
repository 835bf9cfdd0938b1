"""How does a test stand at intake's counter? Both doors on a store in memory, with a stopped clock."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx
from aiokafka import ConsumerRecord
from cryptography.fernet import Fernet

from services.intake.api import add_api
from services.intake.attachments import add_attachments
from services.intake.batch import add_batch
from services.intake.files import files
from services.intake.handlers import ReportDoor
from services.intake.personal import Personal
from services.intake.pressure import Pressure
from services.intake.qr import add_pages
from services.intake.settings import Settings
from services.intake.spool import Spool
from shared.clock import StoppedClock
from shared.errors import TryLater
from shared.http import create_app
from shared.kafka import Publisher
from shared.loop.door import DoorWork
from shared.loop.partitions import Partition
from shared.loop.poison import Morgue
from shared.loop.work import Batch, Outcome
from shared.profile import Profile, find_profile, load_profile
from shared.topics import REPORTS
from tests.unit.intake.memory import MemoryReports

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.envelope import Outgoing

NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
KEY = Fernet.generate_key().decode()
SUBMITTED = "gridcall.report.submitted.v1"


@cache
def profile() -> Profile:
    """Give the default profile, read once."""
    return load_profile(find_profile("yucheng"))


class Paper(Publisher):
    """A publisher that writes down what it would send; `away` makes it fail as when Kafka is away."""

    def __init__(self) -> None:
        """Connect nothing."""
        self.sent: list[Outgoing] = []
        self.away = False

    async def send(self, messages: Iterable[Outgoing]) -> None:
        """Write down."""
        if self.away:
            raise TryLater("Kafka is away")
        self.sent += messages


@dataclass
class Counter:
    """Everything of intake but servers."""

    store: MemoryReports = field(default_factory=MemoryReports)
    paper: Paper = field(default_factory=Paper)
    clock: StoppedClock = field(default_factory=lambda: StoppedClock(NOON))
    personal: Personal = field(default_factory=lambda: Personal(KEY))
    profile: Profile = field(default_factory=profile)

    def __post_init__(self) -> None:
        """Wire as app.py does."""
        self.spool = Spool(self.store, self.paper, self.clock)
        self.app = create_app("intake", "0", dict)
        self.desk = add_api(self.app, self.store, self.personal, self.spool, self.profile, self.clock)
        add_pages(self.app, self.desk)
        add_batch(self.app, self.desk)
        self.uploads = add_attachments(self.app, files("memory:", ""), self.personal, Settings())
        self.app.add_middleware(Pressure, most=200)
        self.door = ReportDoor(self.store, self.personal, self.profile)
        morgue = Morgue("intake", self.personal.seal, self.personal.masked_record)
        self._work = DoorWork("intake", self.door, morgue, self.clock)
        self.partition = Partition(f"g/{REPORTS}/0", REPORTS, 0)

    async def http(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """Send a request; a body that is not bytes goes as JSON, header names with _ for -."""
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://intake") as client:
            return await client.request(method, path, content=content, headers=named)

    async def submit(self, key: str, body: Any) -> httpx.Response:
        """Hand in a report over HTTP."""
        return await self.http("POST", "/v1/reports", body, Idempotency_Key=key)

    async def turn(self, *records: ConsumerRecord[bytes, bytes]) -> Outcome:
        """Let the door handle a batch, and keep what it would write."""
        outcome = await self._work.decide([Batch(self.partition, records)])
        for write in outcome.writes.get("reports", []):
            self.store.documents[write._doc["_id"]] = write._doc
        self._work.applied(outcome)
        return outcome

    def sent(self, outcome: Outcome) -> list[Outgoing]:
        """Give what a turn publishes."""
        return outcome.outbox.get(self.partition.key, [])


def record(value: bytes | None, ident: str = "1", offset: int = 0, **more: Any) -> ConsumerRecord[bytes, bytes]:
    """Give a record as a hotline writes it."""
    headers = more.get(
        "headers",
        [
            ("ce_type", more.get("type", SUBMITTED).encode()),
            ("ce_source", more.get("source", "hotline").encode()),
            ("ce_id", ident.encode()),
        ],
    )
    return ConsumerRecord(REPORTS, 0, offset, 0, 0, more.get("key", b"k"), value, None, 0, 0, tuple(headers))


def as_json(**body: Any) -> bytes:
    """Give a report's body, by default a short one of the hotline."""
    return json.dumps({"channel": "hotline", "text": "东大街有垃圾"} | body).encode()


def body_of(message: Outgoing) -> Any:
    """Give the JSON of a message."""
    return json.loads(message.value)


def head(message: Outgoing, name: str) -> str:
    """Give a header of a message."""
    return dict(message.headers)[name].decode()
