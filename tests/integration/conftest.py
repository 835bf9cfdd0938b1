"""What do integration tests run on? A Kafka and a mongod of each module's own, so that it may kill them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.cli import topics
from deploy.local.servers import QUICK_JIT, Kafka, Mongod


@dataclass(frozen=True)
class Servers:
    """The two servers of a module."""

    kafka: Kafka
    mongod: Mongod


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start both and create the topics of the default profile."""
    folder = tmp_path_factory.mktemp("servers")
    with Kafka(folder / "kafka", flags=QUICK_JIT) as kafka, Mongod(folder / "mongod", cache_gb=0.25) as mongod:
        topics.apply(kafka.address, "yucheng")
        yield Servers(kafka, mongod)
