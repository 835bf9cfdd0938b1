"""How much CPU and memory does a process use, and what do a service's own metrics say?"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
ROOT = Path(__file__).resolve().parents[2]
CALIBRATION = {"words": ["路面有污水"] * 20, "numbers": list(range(50)), "inner": {"a": 1.5, "b": None}}
PACKAGES = ("aiokafka", "faststream", "motor", "pymongo", "pydantic", "uvloop", "fastapi", "orjson")


def cpu_s(pid: int) -> float:
    """Give the CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def rss_mb(pid: int) -> float:
    """Give the resident memory of a process in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * PAGE / 1e6


@dataclass(frozen=True, slots=True)
class Sample:
    """CPU seconds of each process at one instant."""

    at: float
    cpu: dict[str, float]


def sample(at: float, pids: dict[str, int]) -> Sample:
    """Read the CPU of every process."""
    return Sample(at, {name: cpu_s(pid) for name, pid in pids.items()})


def metric(port: int, name: str, **labels: str) -> float:
    """Give the sum of a service's metric over all series that have these labels."""
    total = 0.0
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        for line in answer.read().decode().splitlines():
            if (
                line.startswith(name)
                and line[len(name)] in "{ "
                and all(f'{k}="{v}"' in line for k, v in labels.items())
            ):
                total += float(line.rpartition(" ")[2])
    return total


def machine() -> dict[str, Any]:
    """Say what this machine is."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.partition(":")[2].strip() for line in info if line.startswith("model name")), "")
    memory = Path("/proc/meminfo").read_text(encoding="utf-8").split()[1]
    return {
        "cores": os.cpu_count(),
        "cpu": model,
        "memory_gb": round(int(memory) / 1e6, 1),
        "kernel": platform.release(),
        "load_before": round(os.getloadavg()[0], 2),
        "calibration_cpu_ms": calibration(),
    }


def calibration() -> float:
    """Give the CPU milliseconds of a fixed piece of work, so that a busy machine can be told from a quiet one."""
    start = time.process_time()
    for _ in range(5_000):
        json.loads(json.dumps(CALIBRATION))
    return round((time.process_time() - start) * 1000, 1)


def versions() -> dict[str, str]:
    """Say which versions run."""
    return {"python": platform.python_version(), "kafka": "4.3.1", "mongod": "6.0.5"} | {
        p: version(p) for p in PACKAGES
    }


def commit() -> str:
    """Give the commit that is measured, with a mark when files differ from it; empty without one."""
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return said.stdout.strip()
