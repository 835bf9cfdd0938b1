"""What does a department's server say to a record that is posted to it? Asked once, within a time, and read little.

No redirect is followed, no proxy of the environment is used, and whatever the server does, one delivery takes no
longer than its time-out and no more memory than an answer's head.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

import httpcore

from services.dispatch.webhooks.addresses import ForbiddenAddress, GuardedBackend
from services.dispatch.webhooks.events import STRUCTURED
from services.dispatch.webhooks.signature import signed

if TYPE_CHECKING:
    from services.dispatch.webhooks.file import HttpDepartment
    from shared.clock import Clock

MOST_READ: Final = 4096
"""Bytes of an answer's body that are read, so that the connection can be used again; what they say is not looked at."""
READING_S: Final = 1.0
KEEP_ALIVE_S: Final = 30.0
MOST_RETRY_AFTER: Final = 6
"""Digits of a Retry-After that is taken for a number."""


@dataclass(frozen=True, slots=True)
class Result:
    """How one attempt ended."""

    outcome: str
    """One word for the metric: delivered, answered (with an error), timeout, unreachable, forbidden."""
    detail: str = ""
    retry_after_s: float = 0.0

    @property
    def delivered(self) -> bool:
        """Tell whether the department has it."""
        return self.outcome == "delivered"


class Target:
    """The server of one department."""

    def __init__(self, department: HttpDepartment, clock: Clock, backend: GuardedBackend | None = None) -> None:
        """Connect nothing yet; at most as many connections as tickets are delivered at the same time."""
        entry = department.entry
        if entry.url is None:
            raise ValueError(f"{department.id} has no url")
        self._url = entry.url
        self._keys = department.keys
        self._clock = clock
        self._timeout_s = entry.timeout_s
        self._backend = backend or GuardedBackend(allow_private=entry.allow_private)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=None if entry.ca_file is None else ssl.create_default_context(cafile=str(entry.ca_file)),
            max_connections=entry.concurrency,
            keepalive_expiry=KEEP_ALIVE_S,
            network_backend=self._backend,
        )

    async def post(self, ident: str, body: bytes) -> Result:
        """Post an event, signed now; gives how it ended, whatever the server does."""
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._post(ident, body)
        except (TimeoutError, httpcore.TimeoutException):
            return Result("timeout", f"no answer within {self._timeout_s:g} s")
        except ForbiddenAddress as error:
            return Result("forbidden", str(error))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.ProxyError, OSError) as error:
            return Result("unreachable", f"{type(error).__name__}: {str(error)[:200]}")

    async def _post(self, ident: str, body: bytes) -> Result:
        headers = {"Content-Type": STRUCTURED, "User-Agent": "gridcall-webhooks", "Accept": "*/*"}
        headers |= signed(self._keys, ident, self._clock.now(), body)
        async with self._pool.stream("POST", self._url, headers=list(headers.items()), content=body) as answer:
            result = _result(answer)
            with contextlib.suppress(TimeoutError, httpcore.NetworkError, httpcore.ProtocolError):
                async with asyncio.timeout(READING_S):
                    await _read_a_little(answer)
            return result

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()
        self._backend.close()


async def _read_a_little(answer: httpcore.Response) -> None:
    """Read a short body to its end, and of a long one no more than the bound: its connection is closed then."""
    seen = 0
    async for chunk in answer.aiter_stream():
        seen += len(chunk)
        if seen > MOST_READ:
            return


def _result(answer: httpcore.Response) -> Result:
    if HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
        return Result("delivered")
    if HTTPStatus.MULTIPLE_CHOICES <= answer.status < HTTPStatus.BAD_REQUEST:
        return Result("answered", f"HTTP {answer.status}: a redirect is not followed, correct the url")
    later = dict(answer.headers).get(b"Retry-After", dict(answer.headers).get(b"retry-after", b""))
    seconds = float(later) if later.isdigit() and len(later) <= MOST_RETRY_AFTER else 0.0
    return Result("answered", f"HTTP {answer.status}", seconds)
