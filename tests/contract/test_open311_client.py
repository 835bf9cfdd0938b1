"""Does a client library that knows nothing of us work unchanged? The npm package open311, from discovery to status."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.intake.test_open311 import City
from tests.unit.test_addresses import listening

CLIENT = Path(__file__).with_name("open311_client")
INSTALL = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the client, installed; skips where that cannot be done."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed: apt-get install nodejs npm")
    folder = tmp_path_factory.mktemp("client") / "open311"
    shutil.copytree(CLIENT, folder)
    try:
        installed = subprocess.run(INSTALL, cwd=folder, capture_output=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install open311@0.0.12 in time: is its registry reachable?")
    if installed.returncode:
        pytest.skip(f"npm cannot install open311@0.0.12: {installed.stderr.decode()[-300:]}")
    return folder


@pytest.mark.timeout(240)
async def test_an_app_on_the_npm_package_posts_a_request_and_reads_its_status(client: Path) -> None:
    """Discovery, services, definition, POST with a key and an attribute, status by id and by list, token, refusal."""
    city = City(given={"open311_keys": "alpha"})
    async with listening(city.app) as port:
        process = await asyncio.create_subprocess_exec(
            "node",
            "client.js",
            f"http://127.0.0.1:{port}/open311/discovery.json",
            "alpha",
            cwd=client,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        printed, failed = await process.communicate()
    assert process.returncode == 0, failed.decode()
    got: dict[str, Any] = json.loads(printed)
    assert got["endpoint"] == f"http://127.0.0.1:{port}/open311/v2/"
    assert "0113" in {service["service_code"] for service in got["services"]}
    assert got["definition"]["attributes"][0]["code"] == "condition"
    assert (got["one"]["service_request_id"], got["one"]["status"]) == (got["id"], "open")
    assert got["many"] == got["open"] == [got["one"]]
    assert got["token"] == {"service_request_id": got["id"], "token": got["id"]}
    assert "403" in got["refused"]
    assert len(city.store.documents) == 1
