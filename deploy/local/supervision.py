"""How are the processes of a stack kept running? By supervisord, one per data folder, over a unix socket."""

from __future__ import annotations

import hashlib
import sys
import xmlrpc.client
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.paths import ROOT
from deploy.local.processes import ServerError, start, stop_pid, wait_until

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LONGEST_SOCKET_PATH = 100
"""Linux allows 107 bytes; supervisord binds to a longer name first."""

DIES_WITH_IT = ("setpriv", "--pdeathsig", "TERM")
"""The kernel ends a program whose supervisord was killed, which nobody else could (setpriv: util-linux)."""
GIVEN_UP = {"FATAL", "UNKNOWN"}
GONE = (OSError, HTTPException, xmlrpc.client.ProtocolError, xmlrpc.client.Fault)


@dataclass(frozen=True, slots=True)
class Program:
    """A process that is kept running; a higher `priority` starts later and stops earlier."""

    name: str
    command: Sequence[str]
    priority: int
    grace_s: int
    autostart: bool = False
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def stage(self) -> str:
        """Give the group of all programs with this priority; a group stops at once."""
        return f"stage{self.priority}"


@dataclass(frozen=True, slots=True)
class State:
    """What supervisord knows of a process."""

    name: str
    word: str
    """RUNNING, STARTING, BACKOFF, STOPPED, EXITED, FATAL …"""
    pid: int
    about: str


class Supervisor:
    """The supervisord of one data folder."""

    def __init__(self, folder: Path) -> None:
        """Start nothing."""
        self.folder = folder
        self.logs = folder / "logs"
        self.config = folder / "supervisord.conf"

    @property
    def socket(self) -> str:
        """The unix socket, in the data folder where its path is short enough."""
        path = str(self.folder / "supervisor.sock")
        if len(path.encode()) < LONGEST_SOCKET_PATH:
            return path
        return f"/tmp/gridcall-{hashlib.sha256(path.encode()).hexdigest()[:12]}.sock"  # noqa: S108 - mode 700 below

    def pid(self) -> int:
        """Give supervisord's process id, 0 when it does not run."""
        try:
            return int(self._rpc().getPID())
        except GONE:
            return 0

    def start(self, programs: Sequence[Program]) -> None:
        """Write the configuration and start supervisord with the programs that start by themselves."""
        self.logs.mkdir(parents=True, exist_ok=True)
        self.config.touch(mode=0o600)
        self.config.write_text(configuration(self, programs), encoding="utf-8")
        command = [sys.executable, "-m", "supervisor.supervisord", "--nodaemon", "-c", str(self.config)]
        process = start(command, self.logs / "supervisord.out")
        try:
            wait_until(lambda: bool(self.pid()), "supervisord", 20.0, lambda: process.poll() is None)
        except ServerError as error:
            stop_pid(process.pid)
            raise ServerError(f"{error} See {self.logs / 'supervisord.out'}.") from None

    def states(self) -> dict[str, State]:
        """Give what supervisord knows, by process; empty when it does not run."""
        try:
            known: list[dict[str, Any]] = self._rpc().getAllProcessInfo()
        except GONE:
            return {}
        return {
            each["name"]: State(each["name"], each["statename"], each["pid"], each["description"]) for each in known
        }

    def launch(self, program: Program) -> None:
        """Start one program without waiting for it."""
        self._rpc().startProcess(f"{program.stage}:{program.name}", False)  # noqa: FBT003 - XML-RPC has no names

    def stop(self) -> bool:
        """Stop every program, highest priority first, and supervisord; False when it did not run."""
        pid = self.pid()
        if not pid:
            return False
        grace_s = 120.0  # longer than the programs' own together; supervisord kills each after its own
        stop_pid(pid, grace_s)
        return True

    def _rpc(self) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self.socket}")
        return xmlrpc.client.ServerProxy("http://127.0.0.1", transport=transport).supervisor


def configuration(supervisor: Supervisor, programs: Sequence[Program]) -> str:
    """Give supervisord's configuration; programs of one priority form a group, which stops at once."""
    folder, logs = supervisor.folder, supervisor.logs
    head = f"""\
[unix_http_server]
file={_literal(supervisor.socket)}
chmod=0700

[supervisord]
logfile={_literal(str(logs / "supervisord.log"))}
logfile_maxbytes=5MB
logfile_backups=1
pidfile={_literal(str(folder / "supervisord.pid"))}
directory={_literal(str(ROOT))}
nodaemon=true

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl={_literal(f"unix://{supervisor.socket}")}
"""
    stages = {each.stage: each.priority for each in programs}
    groups = [
        f"[group:{stage}]\nprograms={','.join(each.name for each in programs if each.stage == stage)}\n"
        f"priority={priority}\n"
        for stage, priority in stages.items()
    ]
    return "\n".join([head, *(_section(each, logs) for each in programs), *groups])


def _section(program: Program, logs: Path) -> str:
    environment = ",".join(f"{name}={_quoted(value)}" for name, value in program.environment.items())
    return f"""\
[program:{program.name}]
command={" ".join(_quoted(word) for word in (*DIES_WITH_IT, *program.command))}
environment={environment}
autostart={str(program.autostart).lower()}
autorestart=true
startsecs=1
startretries=20
stopwaitsecs={program.grace_s}
killasgroup=true
redirect_stderr=true
stdout_logfile={_literal(str(logs / f"{program.name}.log"))}
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


def _literal(value: str) -> str:
    return value.replace("%", "%%")


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_literal(escaped)}"'
