"""What does a department's server look like to gridcall? A small one on this machine that behaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
from dataclasses import dataclass, field
from typing import Any, Self

from standardwebhooks import Webhook

REASON = {200: "OK", 302: "Found", 410: "Gone", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(slots=True)
class Posted:
    """One request, as the server got it."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        """Give the CloudEvent in its body."""
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class HttpTarget:
    """Takes requests and keeps them; `async with HttpTarget() as target`."""

    secret: str = ""
    """When given, each request must be signed with it: the official library says so, or the answer is 401."""
    behaviour: str = "ok"
    """ok, hang (no answer), endless (a body without end), drip (a head without end), redirect, or a status code."""
    location: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    posted: list[Posted] = field(default_factory=list)
    broken: set[str] = field(default_factory=set)
    """Subjects (tickets) for which it answers 500."""
    written: int = 0
    """Bytes of an endless body that went out."""

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self.tls)
        self._open: set[asyncio.StreamWriter] = set()
        self._ending = asyncio.Event()
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop, and drop those that still wait for an answer."""
        self._server.close()
        self._ending.set()
        for writer in list(self._open):
            writer.transport.abort()

    @property
    def url(self) -> str:
        """Give where it listens."""
        return f"http://127.0.0.1:{self.port}/gridcall"

    def heard(self, ticket: str) -> list[str]:
        """Give the types of a ticket's events that were taken, in order, repeated ones left out."""
        ids: dict[str, str] = {}
        for posted in self.posted:
            if posted.event.get("subject") == ticket:
                ids.setdefault(posted.event["id"], posted.event["type"])
        return list(ids.values())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                pairs = (line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                await self._answer(Posted(head[0].split(" ")[1], headers, body), writer)
        self._open.discard(writer)
        writer.close()

    async def _answer(self, posted: Posted, writer: asyncio.StreamWriter) -> None:
        if self.behaviour == "hang":
            self.posted.append(posted)
            await self._ending.wait()
            raise ConnectionAbortedError
        if self.behaviour in {"endless", "drip"}:
            self.posted.append(posted)
            await self._without_end(writer)
        status = int(self.behaviour) if self.behaviour.isdigit() else 302 if self.behaviour == "redirect" else 200
        if self.secret:
            try:
                Webhook(self.secret).verify(posted.body, posted.headers)
            except Exception:  # noqa: BLE001 - whatever it is, it is not signed
                status = 401
        if status == 200 and self.broken and posted.event.get("subject") in self.broken:
            status = 500
        if status != 500:
            self.posted.append(posted)
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        more += f"Location: {self.location}\r\n" if self.location else ""
        writer.write(f"HTTP/1.1 {status} {REASON.get(status, 'X')}\r\n{more}Content-Length: 2\r\n\r\nok".encode())
        await writer.drain()

    async def _without_end(self, writer: asyncio.StreamWriter) -> None:
        line = b"x" * 1024
        if self.behaviour == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            line = b"400\r\n" + line + b"\r\n"
        else:
            writer.write(b"HTTP/1.1 200 OK\r\n")
            line = b"X-More: a\r\n"
        while not self._ending.is_set():
            writer.write(line)
            await writer.drain()
            self.written += len(line)
            await asyncio.sleep(0.01 if self.behaviour == "drip" else 0)
