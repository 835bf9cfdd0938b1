"""Which environment variables does a stack on this machine read, besides those of the services?"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field

from shared.settings import Port, Settings

PROFILE = "profile"
"""File in the folder of the local data: which profile the stack was started with."""


class LocalSettings(Settings):
    """What every service needs to know, and which servers to start; every name has the prefix GRIDCALL_."""

    kafka: str = Field("", description="Kafka bootstrap servers; when set, no Kafka is started")
    mongo: str = Field("", description="MongoDB URI; when set, no mongod is started")
    kafka_port: Port = Field(9092, description="port of the Kafka that is started")
    mongo_port: Port = Field(27017, description="port of the mongod that is started")
    prometheus_port: Port = Field(9090, description="port of the Prometheus that is started where it is installed")
    mongo_cache_gb: float = Field(0.5, ge=0.25, description="cache of the mongod that is started")
    pii_key: str = Field("", description="Fernet key for names and phones; made once when not set")
    webhooks: str = Field("", description="YAML file of the departments that are reached by HTTP; empty: none")

    @property
    def kafka_address(self) -> str:
        """Give the Kafka to use, ours or somebody else's."""
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def mongo_address(self) -> str:
        """Give the MongoDB to use, ours or somebody else's."""
        return self.mongo or f"mongodb://127.0.0.1:{self.mongo_port}/?replicaSet=rs0"

    def addressed(self) -> Self:
        """Give the settings with the addresses of both servers, also where only a port was moved.

        The profile is the one that the local stack was started with, unless a variable names another.
        """
        kept = self.folder / PROFILE
        update = {"kafka": self.kafka_address, "mongo": self.mongo_address}
        if "profile" not in self.model_fields_set and kept.exists():
            update["profile"] = kept.read_text(encoding="utf-8").strip()
        return self.model_copy(update=update)

    @property
    def folder(self) -> Path:
        """Give the folder of the local data."""
        return Path(self.data).resolve()
