"""Where do tests get a real Kafka and a real mongod? One of each per run, started by the first test that asks.

With pytest-xdist all workers share them: whoever comes first starts a server under a file lock and writes down
its address and process id; the run's main process, which outlives the workers, stops what was written down.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deploy.local.processes import stop_pid
from deploy.local.servers import QUICK_JIT, Kafka, Mongod, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = pytest.StashKey[Path]()
WORKER_INPUT = "gridcall_servers"


def pytest_configure(config: pytest.Config) -> None:
    """Agree on the folder of this run's servers."""
    given: dict[str, Any] | None = getattr(config, "workerinput", None)
    folder = given[WORKER_INPUT] if given else tempfile.mkdtemp(prefix="gridcall-test-")
    config.stash[FOLDER] = Path(folder)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker the folder."""
    node.workerinput[WORKER_INPUT] = str(node.config.stash[FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what any worker has started, and remove its data."""
    if hasattr(config, "workerinput"):
        return
    folder = config.stash[FOLDER]
    for note in folder.glob("*.json"):
        stop_pid(json.loads(note.read_text(encoding="utf-8"))["pid"], grace_s=10)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(pytestconfig: pytest.Config) -> str:
    """Bootstrap string of the run's Kafka."""
    return _shared(pytestconfig.stash[FOLDER], "kafka", lambda folder: Kafka(folder, flags=QUICK_JIT))


@pytest.fixture(scope="session")
def mongo(pytestconfig: pytest.Config) -> str:
    """URI of the run's mongod, a replica set of one member."""
    return _shared(pytestconfig.stash[FOLDER], "mongod", lambda folder: Mongod(folder, cache_gb=0.25))


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[Kafka]:
    """Give a Kafka that this test alone may kill and start again."""
    with Kafka(tmp_path / "kafka", flags=QUICK_JIT) as server:
        yield server


@pytest.fixture
def own_mongod(tmp_path: Path) -> Iterator[Mongod]:
    """Give a mongod that this test alone may kill and start again."""
    with Mongod(tmp_path / "mongod", cache_gb=0.25) as server:
        yield server


def _shared(folder: Path, name: str, make: Callable[[Path], Server]) -> str:
    note = folder / f"{name}.json"
    with _locked(folder / f"{name}.lock"):
        if not note.exists():
            server = make(folder / name).start()
            note.write_text(json.dumps({"address": server.address, "pid": server.pid}), encoding="utf-8")
    address: str = json.loads(note.read_text(encoding="utf-8"))["address"]
    return address


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
