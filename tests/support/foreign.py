"""How does a test run what is not Python? By npm and Maven, with the versions that the project pins."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.city import ROOT

CLIENTS = ROOT / "deploy" / "contract" / "examples"
INSTALL_S = 400
PACKAGES = {"kcat": "kcat", "node": "nodejs", "npm": "npm", "javac": "openjdk-17-jdk-headless", "mvn": "maven"}


def needs(command: str) -> None:
    """Skip where a command is missing; .ci/run installs it."""
    if shutil.which(command) is None:
        pytest.skip(f"{command} is missing: apt-get install {PACKAGES[command]}")


def node_modules(folder: Path) -> None:
    """Install what a folder's package-lock.json says, unless it is there."""
    needs("node")
    needs("npm")
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
        done.touch()


def compiled(folder: Path) -> None:
    """Compile a Maven project, its libraries in target/lib."""
    needs("javac")
    needs("mvn")
    run("mvn", "-q", "-B", "compile", "dependency:copy-dependencies", folder=folder)


def run(*command: str, folder: Path) -> str:
    """Run a command in a folder and give what it printed; a failure shows that too."""
    ended = subprocess.run(
        command, cwd=folder, timeout=INSTALL_S, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert ended.returncode == 0, f"{' '.join(command)}: {ended.stdout}"
    return ended.stdout
