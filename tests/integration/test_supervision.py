"""Is nothing left running when the supervisor itself is killed?"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from deploy.local.processes import wait_until
from deploy.local.supervision import Program, Supervisor

if TYPE_CHECKING:
    from pathlib import Path


def test_the_parts_end_with_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    """Nobody else would end them: the next start would find their ports taken."""
    supervisor = Supervisor(tmp_path)
    supervisor.start([Program("part", ["sleep", "600"], priority=10, grace_s=5, autostart=True)])
    wait_until(lambda: supervisor.states()["part"].word == "RUNNING", "part", 20.0, lambda: True)
    part = os.pidfd_open(supervisor.states()["part"].pid)
    try:
        os.kill(supervisor.pid(), signal.SIGKILL)
        assert select.select([part], [], [], 10.0)[0]
    finally:
        os.close(part)


def test_one_part_is_stopped_and_started_by_hand(tmp_path: Path) -> None:
    """As the runbook says, with supervisord's own tool and the configuration in the data folder."""
    supervisor = Supervisor(tmp_path)
    supervisor.start([Program("part", ["sleep", "600"], priority=30, grace_s=5, autostart=True)])
    tool = [sys.executable, "-m", "supervisor.supervisorctl", "-c", str(supervisor.config)]
    try:
        for verb, word in (("stop", "STOPPED"), ("start", "RUNNING")):
            subprocess.run([*tool, verb, "stage30:part"], check=True, capture_output=True)
            assert supervisor.states()["part"].word == word
    finally:
        supervisor.stop()
