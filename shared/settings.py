"""Which environment variables do all services read? A service adds its own in services/<name>/settings.py."""

from __future__ import annotations

import socket
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared import security
from shared.clock import clock_from

PORTS = {"desk": 8000, "intake": 8001, "triage": 8002, "dispatch": 8003, "closure": 8004, "sla": 8005}
"""The port of each service where GRIDCALL_<SERVICE>_PORT says nothing else."""

T = TypeVar("T")
Port = Annotated[int, Field(ge=1, le=65_535)]


class Settings(BaseSettings):
    """What every service needs to know; every name has the prefix GRIDCALL_."""

    model_config = SettingsConfigDict(env_prefix="GRIDCALL_", env_ignore_empty=True, extra="ignore", frozen=True)

    kafka: str = Field("127.0.0.1:9092", description="Kafka bootstrap servers")
    kafka_user: str = Field("", description="user that every Kafka client logs in as (SASL)")
    kafka_password: SecretStr = Field(SecretStr(""), description="password of GRIDCALL_KAFKA_USER")
    kafka_password_file: str = Field("", description="file of that password, instead of the variable")
    kafka_sasl_mechanism: security.Mechanism = Field("SCRAM-SHA-512", description="SCRAM-SHA-256 or SCRAM-SHA-512")
    kafka_ca_file: str = Field("", description="PEM file of the brokers' authority; empty: those of the system")
    kafka_certificate_file: str = Field("", description="PEM file of the client's certificate (mutual TLS)")
    kafka_key_file: str = Field(
        "", validate_default=True, description="PEM file of its key; empty: the certificate's file holds both"
    )
    kafka_security_protocol: security.Protocol = Field(
        "PLAINTEXT", validate_default=True, description="PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"
    )
    mongo: str = Field("mongodb://127.0.0.1:27017/?replicaSet=rs0", description="MongoDB URI of a replica set")
    profile: str = Field("yucheng", description="name of a bundled profile, or path of a profile file")
    data: str = Field(".gridcall", description="folder for local data")
    clock_speed: float = Field(1.0, gt=0, description="how much faster than the world time runs")
    clock_origin: str = Field("", description="<real>/<virtual> instants that all share, ISO 8601, or a file of them")
    log: Literal["console", "json"] = Field("console", description="form of the log lines")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="debug, info, warning or error")
    otlp_endpoint: str = Field("", description="OTLP/HTTP collector that gets spans, http://HOST:4318; empty: none")
    host: str = Field("127.0.0.1", description="address that HTTP listens on")
    database_prefix: str = Field("gridcall_", description="what each service's database name begins with")
    group_prefix: str = Field("gridcall.", description="what each consumer group's name begins with")
    log_partitions: int = Field(8, ge=1, description="partitions that a new log, reports and receipts topic gets")
    department_partitions: int = Field(1, ge=1, description="partitions that a new department topic gets")
    batch_records: int = Field(1000, ge=1, description="most records in one turn of the partition loop")
    batch_timers: int = Field(200, ge=1, description="most due tickets in one turn of the partition loop")
    poison_limit: int = Field(200, ge=1, description="dead letters and parkings of one topic in a minute that pause it")
    updates_per_s: float = Field(500, gt=0, description="updates of one department that are read in a second")
    updates_burst: int = Field(2000, ge=1, description="updates of one department that are read at once after a pause")
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

    @field_validator("kafka_password_file")
    @classmethod
    def _password_file(cls, value: str, info: ValidationInfo) -> str:
        given: SecretStr = info.data["kafka_password"]
        return _unless(security.wrong_password_file(value, given.get_secret_value()), value)

    @field_validator("kafka_ca_file")
    @classmethod
    def _authority(cls, value: str) -> str:
        return _unless(security.wrong_authority(value), value)

    @field_validator("kafka_key_file")
    @classmethod
    def _key(cls, value: str, info: ValidationInfo) -> str:
        return _unless(security.wrong_key(info.data["kafka_certificate_file"], value), value)

    @field_validator("kafka_security_protocol")
    @classmethod
    def _protocol(cls, value: security.Protocol, info: ValidationInfo) -> security.Protocol:
        return _unless(security.wrong_protocol(value, info.data), value)

    @field_validator("mongo")
    @classmethod
    def _uri(cls, value: str) -> str:
        if value and not value.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("write it as mongodb://HOST:PORT/?replicaSet=NAME")
        return value

    @field_validator("otlp_endpoint")
    @classmethod
    def _collector(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("write it as http://HOST:PORT, without /v1/traces")
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


def _unless(problem: str, value: T) -> T:
    """Give the value where nothing is wrong with it; raises ValueError."""
    if problem:
        raise ValueError(problem)
    return value


def documented() -> list[dict[str, Any]]:
    """Give each variable with its default and meaning, for the README."""
    return [
        {"name": f"GRIDCALL_{name.upper()}", "default": field.default, "about": field.description or "HTTP port"}
        for name, field in Settings.model_fields.items()
    ]
