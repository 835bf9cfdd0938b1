"""How does Prometheus watch a stack on this machine, with the rules and targets that it has elsewhere?"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import httpx
import yaml

from deploy.local.paths import ROOT
from deploy.local.servers import Server

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIGURATION = ROOT / "deploy" / "prometheus" / "prometheus.yml"
RULES = ROOT / "deploy" / "prometheus" / "rules.yml"
KEPT = "15d"


def is_installed() -> bool:
    """Tell whether there is a Prometheus on PATH (Debian: apt-get install prometheus)."""
    return shutil.which("prometheus") is not None


class Prometheus(Server):
    """A Prometheus that scrapes the services on their ports here; `address` is where its page is."""

    name = "prometheus"
    grace_s = 20.0

    def __init__(
        self, folder: Path, port: int | None, services: Mapping[str, int], *, every: str = "5s", rules: Path = RULES
    ) -> None:
        """Take the port of each service, how often they are asked, and the rules for their answers."""
        super().__init__(folder, port)
        self.services = services
        self.every = every
        self.rules = rules

    @property
    def address(self) -> str:
        """What a browser opens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def configuration(self) -> Path:
        """The file that it is started with."""
        return self.folder / "prometheus.yml"

    def prepare(self) -> None:
        """Write the configuration: the one for images, with the addresses of this machine and nobody to tell."""
        self.folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
        config["global"] = {"scrape_interval": self.every, "evaluation_interval": self.every}
        config["rule_files"] = [str(self.rules)]
        del config["alerting"]
        (job,) = config["scrape_configs"]
        for group in job["static_configs"]:
            group["targets"] = [f"127.0.0.1:{self.services[group['labels']['service']]}"]
        self.configuration.write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")

    def command(self) -> list[str]:
        """Give the command line."""
        return [
            "prometheus",
            f"--config.file={self.configuration}",
            f"--storage.tsdb.path={self.folder / 'data'}",
            f"--storage.tsdb.retention.time={KEPT}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            "--log.level=warn",
        ]

    def answers(self) -> bool:
        """Tell whether it takes queries."""
        try:
            return httpx.get(f"{self.address}/-/ready", timeout=2.0, trust_env=False).is_success
        except httpx.HTTPError:
            return False
