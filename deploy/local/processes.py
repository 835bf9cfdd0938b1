"""How does a child process start, stop and die, so that no other process is touched and none is left?"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

LOWEST_PORT, HIGHEST_PORT = 20_000, 32_000
"""Below what the kernel hands out to outgoing connections, so that a port stays free for a restart."""
SLICES = 32
_given: set[int] = set()

POLL_S = 0.05


class ServerError(Exception):
    """A server does not start or does not answer; the text says which, and where its log is."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Give a port on which nobody listens, and which this process has not been given before.

    Whoever is given a port binds it later: processes side by side choose from slices of their own.
    """
    width = (HIGHEST_PORT - LOWEST_PORT) // SLICES
    lowest = LOWEST_PORT + os.getpid() % SLICES * width
    for _ in range(1000):
        port = lowest + secrets.randbelow(width)
        if port not in _given and port_is_free(port):
            _given.add(port)
            return port
    raise ServerError(f"No port between {LOWEST_PORT} and {HIGHEST_PORT} is free.")


def start(command: Sequence[str], log: Path) -> subprocess.Popen[bytes]:
    """Start a command that outlives Ctrl-C in this terminal, with its output added to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )


def stop_pid(pid: int, grace_s: float = 20.0) -> None:
    """End a process, ours or another's child: SIGTERM, then SIGKILL when it is still there after the grace."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        for signum, seconds in ((signal.SIGTERM, grace_s), (signal.SIGKILL, 10.0)):
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(handle, signum)
            if select.select([handle], [], [], seconds)[0]:
                return
    finally:
        os.close(handle)


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float, alive: Callable[[], bool]) -> None:
    """Return once `ready`; raise ServerError when the process is no longer `alive` or the time is over."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if not alive():
            raise ServerError(f"{what} ended while it was starting.")
        if time.monotonic() > deadline:
            raise ServerError(f"{what} is not ready after {timeout_s:.0f} seconds.")
        time.sleep(POLL_S)
