"""How does a test start many processes without each reading the same modules? Forked off one that has read them.

`python -m services.sla` spends 1.5 s of CPU on reading modules. Python's fork server has read them, and what is started
here is its fork: a process of its own, with its own session, environment and files of output, that runs a module as
`python -m` does and can be killed like any other. Who measures a process, or proves that it starts, starts a real one.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from multiprocessing import connection
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

from shared.settings import PORTS

if TYPE_CHECKING:
    from collections.abc import Mapping

FORKING: Final = multiprocessing.get_context("forkserver")
FORKING.set_forkserver_preload(
    [
        "pytest",  # the main module of whoever forks
        *(f"services.{name}.app" for name in PORTS),
        *("uvloop", "deploy.conformance.play", "deploy.local.stack", "deploy.replay.play", "httpx", "segno", "typer"),
    ]
)  # not deploy.cli: its consoles take their width from the environment when they are imported
ONE_AT_A_TIME: Final = Lock()
"""Multiprocessing asks all its children how they are whenever it starts one: two who ask at once get wrong answers."""


class Forked:
    """A process; what tests ask of a `subprocess.Popen` can be asked of it."""

    def __init__(
        self, module: str, *arguments: str, env: Mapping[str, str], cwd: Path, out: Path, err: Path | None = None
    ) -> None:
        """Start it; what it writes is added to `out`, its errors too unless they have a file of their own."""
        given = (module, arguments, dict(env), cwd, out, err or out)
        self._process = FORKING.Process(target=_become, args=given, daemon=True)
        with ONE_AT_A_TIME:
            self._process.start()

    @property
    def pid(self) -> int:
        """Give its number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Give its exit code, negative when a signal ended it; None while it runs."""
        return self.poll()

    def poll(self) -> int | None:
        """Give its exit code; None while it runs."""
        with ONE_AT_A_TIME:
            return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Give its exit code once it has ended; raises subprocess.TimeoutExpired."""
        connection.wait([self._process.sentinel], timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired(self._process.name, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal if it runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without any clean-up."""
        self.send_signal(signal.SIGKILL)


def run(
    module: str, *arguments: str, cwd: Path, env: Mapping[str, str] | None = None, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a module to its end and give what it wrote, as `subprocess.run` does."""
    with tempfile.TemporaryDirectory(prefix="gridcall-forked-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        given = os.environ if env is None else env  # noqa: TID251 - a child process inherits the test's environment
        process = Forked(module, *arguments, env=given, cwd=cwd, out=out, err=err)
        try:
            code = process.wait(timeout)
        finally:
            process.kill()
        said, errors = (file.read_text(encoding="utf-8") for file in (out, err))
        return subprocess.CompletedProcess([module, *arguments], code, said, errors)


def _become(module: str, arguments: tuple[str, ...], env: dict[str, str], cwd: Path, out: Path, err: Path) -> None:
    """Be what `python -m MODULE ARGUMENT...` would be."""
    os.setsid()
    os.environ.clear()  # noqa: TID251 - as if it had been started with this environment
    os.environ.update(env)  # noqa: TID251 - the same
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(file, number)
        os.close(file)
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing ends without them
