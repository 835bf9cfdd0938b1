"""What does a sender of an endless address get from the server as it runs? An answer of the application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

import pytest
import uvicorn

from deploy.local.processes import free_port
from shared.addresses import CutAddresses
from tests.support.open311 import Wrong, plain
from tests.support.waiting import eventually
from tests.unit.intake.test_open311 import City


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[int]:
    """Let an application listen as a service does; gives its port."""
    port = free_port()
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off", http=CutAddresses
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve())

    async def started() -> bool:
        return server.started

    try:
        await eventually(started, what="the server listens")
        yield port
    finally:
        server.should_exit = True
        await running


async def get(port: int, address: str) -> tuple[bytes, bytes]:
    """Send a GET as bytes; gives head and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {address} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    await writer.drain()
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return head, body


@pytest.mark.parametrize("query", ["q=" + "x" * 100_000, "service_code=" + "%00" * 40_000, "q=" + "x" * 33_000])
async def test_an_endless_address_is_refused_in_the_words_of_its_door(query: str) -> None:
    """GeoReport's errors under /open311/, a problem elsewhere; the same server then answers the next."""
    async with listening(City().app) as port:
        head, body = await get(port, f"/open311/v2/requests.xml?{query}")
        assert head.startswith(b"HTTP/1.1 414 ")
        assert [Wrong.model_validate(one).code for one in plain(body)] == [414]
        head, body = await get(port, f"/v1/reports/0000000000000000?{query}")
        assert head.startswith(b"HTTP/1.1 414 ")
        assert plain(body)["title"] == "The address is too long"
        head, _ = await get(port, f"/{'a' * 100_000}")
        assert head.startswith(b"HTTP/1.1 414 ")
        head, body = await get(port, "/open311/v2/requests.json?q=" + "x" * 30_000)
        assert head.startswith(b"HTTP/1.1 200 ")
        assert plain(body) == []
