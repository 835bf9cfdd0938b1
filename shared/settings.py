"""Which environment variables do all services read? A service adds its own in services/<name>/settings.py."""

from __future__ import annotations

import socket
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.clock import clock_from

PORTS = {"desk": 8000, "intake": 8001, "triage": 8002, "dispatch": 8003, "closure": 8004, "sla": 8005}
"""The port of each service where GRIDCALL_<SERVICE>_PORT says nothing else."""

Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseSettings):
    """What every service needs to know; every name has the prefix GRIDCALL_."""

    model_config = SettingsConfigDict(env_prefix="GRIDCALL_", env_ignore_empty=True, extra="ignore", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers")
    mongo: str = Field("mongodb://127.0.0.1:27017/?replicaSet=rs0", description="MongoDB URI of a replica set")
    profile: str = Field("yucheng", description="name of a bundled profile, or path of a profile file")
    data: str = Field(".gridcall", description="folder for local data")
    clock_speed: float = Field(1.0, gt=0, description="how much faster than the world time runs")
    clock_origin: str = Field("", description="<real>/<virtual> instants that all share, ISO 8601, or a file of them")
    log: Literal["console", "json"] = Field("console", description="form of the log lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    host: str = Field("127.0.0.1", description="address that HTTP listens on")
    database_prefix: str = Field("gridcall_", description="what each service's database name begins with")
    group_prefix: str = Field("gridcall.", description="what each consumer group's name begins with")
    log_partitions: int = Field(8, ge=1, description="partitions that a new log, reports and receipts topic gets")
    department_partitions: int = Field(1, ge=1, description="partitions that a new department topic gets")
    batch_records: int = Field(1000, ge=1, description="most records in one turn of the partition loop")
    batch_timers: int = Field(200, ge=1, description="most due tickets in one turn of the partition loop")
    poison_limit: int = Field(200, ge=1, description="dead letters and parkings of one topic in a minute that pause it")
    cache_tickets: int = Field(8_000, ge=100, description="ticket states kept in memory per service process")
    session_timeout_ms: int = Field(10_000, ge=6_000, description="how long Kafka waits for a silent consumer")
    instance: str = Field("", description="name of this instance in its consumer groups; empty: host name and port")
    intake_port: Port = PORTS["intake"]
    triage_port: Port = PORTS["triage"]
    dispatch_port: Port = PORTS["dispatch"]
    closure_port: Port = PORTS["closure"]
    sla_port: Port = PORTS["sla"]
    desk_port: Port = PORTS["desk"]

    @field_validator("kafka")
    @classmethod
    def _servers(cls, value: str) -> str:
        for server in value.split(",") if value else ():
            host, _, port = server.strip().rpartition(":")
            if not host or not port.isdecimal():
                raise ValueError("write it as HOST:PORT, several with commas between them")
        return value

    @field_validator("mongo")
    @classmethod
    def _uri(cls, value: str) -> str:
        if value and not value.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("write it as mongodb://HOST:PORT/?replicaSet=NAME")
        return value

    @field_validator("clock_origin")
    @classmethod
    def _instants(cls, value: str) -> str:
        try:
            clock_from(2.0, value).now()
        except (TypeError, ValueError, KeyError, OSError):
            raise ValueError("write two instants as 2026-11-22T08:00:00+08:00/2026-11-22T08:00:00+08:00") from None
        return value

    def member(self, service: str) -> str:
        """Give the name under which Kafka knows this instance again when it is restarted."""
        return self.instance or f"{socket.gethostname()}.{self.port(service)}"

    def port(self, service: str) -> int:
        """Give the HTTP port of a service."""
        return int(getattr(self, f"{service}_port"))

    def database(self, service: str) -> str:
        """Give the name of a service's database."""
        return f"{self.database_prefix}{service}"

    def group(self, service: str, door: str = "") -> str:
        """Give the consumer group of a service, or of one of its doors."""
        return f"{self.group_prefix}{service}" + (f".{door}" if door else "")


def documented() -> list[dict[str, Any]]:
    """Give each variable with its default and meaning, for the README."""
    return [
        {"name": f"GRIDCALL_{name.upper()}", "default": field.default, "about": field.description or "HTTP port"}
        for name, field in Settings.model_fields.items()
    ]
