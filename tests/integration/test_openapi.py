"""Do the OpenAPI documents tell the truth? Whatever schemathesis makes of them is answered as they say."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.city import City

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ENDLESS = "^/v1/events$"
"""A stream that goes on until the client leaves."""
EXAMPLES = 12


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def city(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[City]:
    """A city with some tickets, so that the desk has something to show."""
    async with City(tmp_path_factory.mktemp("openapi")) as made:
        for number in range(3):
            await made.report("openapi/test", f"r{number}", channel="hotline", category="0110", text="垃圾未清")
        yield made


@pytest.mark.timeout(400)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("service", ["intake", "desk", "dispatch"])
async def test_every_answer_is_documented(city: City, service: str, tmp_path: Path) -> None:
    """By status, media type and shape."""
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"), "run", city.url(service, "/openapi.json"),
        "--checks", CHECKS, "--max-examples", str(EXAMPLES), "--exclude-path-regex", ENDLESS, "--seed", "1",
        "--generation-database", "none", "--no-color",
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()[-8000:]
