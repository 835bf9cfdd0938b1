"""How does a whole gridcall start on this machine, in order, and end without leaving a process behind?"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.fernet import Fernet

from deploy.local import virtual_time
from deploy.local.parts import KAFKA, MONGOD, PARTS, PROMETHEUS, SERVERS, SERVICES, Part
from deploy.local.processes import ServerError, port_is_free, wait_until
from deploy.local.prometheus import Prometheus, is_installed
from deploy.local.servers import Kafka, Mongod, Server, kafka_answers, kafka_lets_in, mongo_uri_answers, tail
from deploy.local.supervision import GIVEN_UP, Program, Supervisor
from shared.security import client_security

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from deploy.local.settings import LocalSettings

SERVERS_START_S = 60.0
SERVICES_START_S = 90.0
HEALTH_TIMEOUT_S = 2.0

MONGOD_STAGE, KAFKA_STAGE, SERVICES_STAGE, WATCH_STAGE = 10, 20, 30, 40
"""Started in this order, stopped the other way round: no service outlives what it writes to."""


@dataclass(frozen=True, slots=True)
class PartState:
    """One line of `gridcall status`."""

    name: str
    ready: bool
    process: str
    address: str
    detail: str = ""


class Stack:
    """All parts on this machine, for one data folder."""

    def __init__(self, settings: LocalSettings) -> None:
        """Start nothing."""
        self.settings = settings
        self.folder = settings.folder
        self.supervisor = Supervisor(self.folder)
        self.clock_file = self.folder / "clock.json"
        self.servers: dict[Part, Server] = {}
        if not settings.kafka:
            self.servers[KAFKA] = Kafka(self.folder / "kafka", settings.kafka_port)
        if not settings.mongo:
            self.servers[MONGOD] = Mongod(self.folder / "mongod", settings.mongo_port, cache_gb=settings.mongo_cache_gb)

        ports = {part.name: self.port(part) for part in SERVICES}
        self.prometheus = Prometheus(self.folder / "prometheus", self.port(PROMETHEUS), ports)
        self.unwatched = "it was not started"
        """Why no Prometheus of ours watches; empty when one does."""

    def port(self, part: Part) -> int:
        """Give the port on which a part listens here."""
        return int(getattr(self.settings, part.port_variable.removeprefix("GRIDCALL_").lower()))

    def url(self, part: Part) -> str:
        """Give a service's address."""
        return f"http://127.0.0.1:{self.port(part)}"

    def address(self, part: Part) -> str:
        """Give what a client connects to."""
        if part is KAFKA:
            return self.settings.kafka_address
        return self.settings.mongo_address if part is MONGOD else self.url(part)

    def ports(self) -> dict[int, list[Part]]:
        """Give each port with the parts that would be started here on it: one, or somebody has to choose."""
        found: dict[int, list[Part]] = {}
        for part in PARTS:
            if part in SERVICES or part in self.servers:
                found.setdefault(self.port(part), []).append(part)
        return found

    def taken_ports(self) -> list[Part]:
        """Give the parts that would be started here and whose port somebody else has."""
        return [part for port, parts in self.ports().items() if not port_is_free(port) for part in parts]

    # ------------------------------------------------------------ start

    def start_servers(self, say: Callable[[str], None]) -> None:
        """Start supervisord with Kafka and mongod, and return once both answer."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for server in self.servers.values():
            server.prepare()
        self.unwatched = self._why_unwatched()
        if not self.unwatched:
            self.prometheus.prepare()
        self.supervisor.start(self.programs())
        for part in SERVERS:
            say(f"waiting for {part.name} on {self.address(part)}")
            self._wait(part, SERVERS_START_S)

    def start_services(self, say: Callable[[str], None]) -> None:
        """Start all services, and return once each is ready."""
        for program in self.programs():
            if not program.autostart:
                self.supervisor.launch(program)
        for part in SERVICES:
            say(f"waiting for {part.name} on {self.address(part)}")
            self._wait(part, SERVICES_START_S)

    def programs(self) -> list[Program]:
        """Give what supervisord keeps running."""
        watch = [] if self.unwatched else [Program("prometheus", self.prometheus.command(), WATCH_STAGE, grace_s=20)]
        return [*self._server_programs(), *self._service_programs(), *watch]

    def _why_unwatched(self) -> str:
        """Prometheus is no part that anything waits for: what keeps it away is said, and keeps nothing else away."""
        if not is_installed():
            return "not installed: apt-get install prometheus"
        port = self.port(PROMETHEUS)
        if port in self.ports() or not port_is_free(port):
            return f"port {port} is taken: choose another by {PROMETHEUS.port_variable}"
        return ""

    def _server_programs(self) -> list[Program]:
        stages = {KAFKA: KAFKA_STAGE, MONGOD: MONGOD_STAGE}
        return [
            Program(part.name, server.command(), stages[part], grace_s=30, autostart=True)
            for part, server in self.servers.items()
        ]

    def _service_programs(self) -> list[Program]:
        values = self.environment()
        return [
            Program(
                part.name,
                [sys.executable, "-m", part.module],
                SERVICES_STAGE,
                grace_s=20,
                environment={name: values[name] for name in part.variables},
            )
            for part in SERVICES
        ]

    def environment(self) -> dict[str, str]:
        """Give every variable that a service may get, with its value here."""
        settings = self.settings
        return {
            "GRIDCALL_KAFKA": settings.kafka_address,
            "GRIDCALL_MONGO": settings.mongo_address,
            "GRIDCALL_PROFILE": absolute(settings.profile),
            "GRIDCALL_CLOCK_SPEED": f"{settings.clock_speed:g}",
            "GRIDCALL_CLOCK_ORIGIN": settings.clock_origin,
            "GRIDCALL_LOG": settings.log,
            "GRIDCALL_OTLP_ENDPOINT": settings.otlp_endpoint,
            "GRIDCALL_PII_KEY": settings.pii_key,
            "GRIDCALL_WEBHOOKS": str(Path(settings.webhooks).resolve()) if settings.webhooks else "",
            "GRIDCALL_SLA_AUDIT_SPEED": f"{virtual_time.fastest(self.clock_file):g}",
            **{part.port_variable: str(self.port(part)) for part in SERVICES},
        }

    def _wait(self, part: Part, timeout_s: float) -> None:
        try:
            wait_until(lambda: not self.trouble(part), part.name, timeout_s, lambda: self._kept(part))
        except ServerError as error:
            why = self.trouble(part)
            log = self.supervisor.logs / f"{part.name}.log"
            end = f" The end of {log}:\n{tail(log)}" if log.exists() else ""
            raise ServerError(f"{error} {why}.{end}") from None

    def _kept(self, part: Part) -> bool:
        if part in SERVERS and part not in self.servers:
            return True
        state = self.supervisor.states().get(part.name)
        return state is not None and state.word not in GIVEN_UP

    # ------------------------------------------------------------ look

    def trouble(self, part: Part) -> str:
        """Give why a part is not ready; empty when it is."""
        if part is KAFKA:
            return self._kafka_trouble()
        if part is MONGOD:
            server = self.servers.get(MONGOD)
            ready = server.answers() if server else mongo_uri_answers(self.settings.mongo_address)
            return "" if ready else "it has no primary"
        return self._service_trouble(part)

    def _kafka_trouble(self) -> str:
        address, security = self.settings.kafka_address, client_security(self.settings)
        if security:
            return "" if kafka_lets_in(address, security) else "it does not answer, or does not let us in"
        return "" if kafka_answers(address) else "it does not answer"

    def _service_trouble(self, part: Part) -> str:
        try:
            answer = httpx.get(f"{self.url(part)}/health/ready", timeout=HEALTH_TIMEOUT_S, trust_env=False)
        except httpx.HTTPError:
            return "it does not answer"
        if answer.is_success:
            return ""
        return _reasons(answer)

    def states(self) -> list[PartState]:
        """Give the state of every part."""
        known = self.supervisor.states()
        lines = []
        for part in PARTS:
            state = known.get(part.name)
            process = f"{state.word.lower()} {state.pid or ''}".strip() if state else "not started here"
            trouble = self.trouble(part)
            lines.append(PartState(part.name, not trouble, process, self.address(part), trouble))
        if PROMETHEUS.name in known:
            state, ready = known[PROMETHEUS.name], self.prometheus.answers()
            process = f"{state.word.lower()} {state.pid or ''}".strip()
            why = "" if ready else "it does not answer"
            lines.append(PartState(PROMETHEUS.name, ready, process, self.prometheus.address, why))
        return lines

    # ------------------------------------------------------------ stop

    def stop(self) -> bool:
        """End services, then Kafka, then mongod; False when nothing ran."""
        ran = self.supervisor.stop()
        if ran:
            virtual_time.end(self.clock_file)
        return ran


def complete(settings: LocalSettings, at: datetime | None = None) -> LocalSettings:
    """Give the settings with the clock's origin and the key for personal data, both kept in the data folder.

    `at` is the instant at which the time of a new data folder begins; left out, it is the world's.
    """
    settings.folder.mkdir(parents=True, exist_ok=True)
    origin = settings.clock_origin or _origin(settings.folder / "clock.json", settings.clock_speed, at)
    key = settings.pii_key or _kept_key(settings.folder / "pii.key")
    return settings.model_copy(update={"clock_origin": origin, "pii_key": key})


def _origin(file: Path, speed: float, at: datetime | None) -> str:
    """Give GRIDCALL_CLOCK_ORIGIN; while time is held, services have to look into the file."""
    origin = virtual_time.begin(file, speed, at=at)
    return str(file) if origin.held else origin.variable


def absolute(profile: str) -> str:
    """Give a profile's name as it is, and a profile's path so that it holds in any folder."""
    path = Path(profile)
    return str(path.resolve()) if path.suffix or "/" in profile else profile


def _kept_key(file: Path) -> str:
    if not file.exists():
        file.touch(mode=0o600)
    key = file.read_text(encoding="ascii").strip()
    if not key:
        key = Fernet.generate_key().decode("ascii")
        file.write_text(key + "\n", encoding="ascii")
    return key


def _reasons(answer: httpx.Response) -> str:
    try:
        body: Any = answer.json()
        parts = body["parts"].items()
    except (ValueError, KeyError, AttributeError, TypeError):
        return f"it answers {answer.status_code}"
    return "; ".join(f"{name}: {why}" for name, why in parts) or f"it answers {answer.status_code}"
