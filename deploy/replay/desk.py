"""What do people do and see at the desk? Commands with a key of their own, lists, timelines and one metric."""

from __future__ import annotations

import asyncio
import contextlib
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import httpx

from shared.errors import Refused, TryLater

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from deploy.replay.life import Act

AT_ONCE: Final = 16
"""Requests under way at the same time."""
PAUSE_S: Final = 0.5
PAGE: Final = 200
GAPS: Final = "gridcall_sequence_gaps_total"


class Desk:
    """The desk's HTTP door."""

    def __init__(self, url: str) -> None:
        """Connect lazily."""
        self.url = url
        self._http = httpx.AsyncClient(base_url=url, timeout=20, trust_env=False)
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    async def act(self, ticket: str, act: Act) -> None:
        """Return once a command is decided, however long the desk is away; raises Refused when it was refused.

        A ticket that the desk does not know yet, and an answer that does not come, are asked again with the same key.
        """
        path = f"/v1/tickets/{ticket}/commands/{act.command}"
        async with self._gate:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    answer = await self._http.post(path, json=act.body, headers={"Idempotency-Key": act.id})
                    if answer.status_code == HTTPStatus.OK:
                        return
                    again = {HTTPStatus.ACCEPTED, HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS}
                    if answer.status_code not in again and not answer.is_server_error:
                        raise Refused("refused", _sentence(answer))
                await asyncio.sleep(PAUSE_S)

    async def profile(self) -> str:
        """Give the name of the profile that the desk works by; raises TryLater."""
        return str((await self._get("/v1/profile"))["name"])

    async def tickets(self) -> AsyncIterator[dict[str, Any]]:
        """Give every ticket as the lists show it; raises TryLater."""
        cursor: str | None = None
        while True:
            page = await self._get(
                "/v1/tickets", sort="reported_at", limit=PAGE, **({"cursor": cursor} if cursor else {})
            )
            for item in page["tickets"]:
                yield item
            cursor = page["cursor"]
            if cursor is None:
                return

    async def timeline(self, ticket: str) -> list[str]:
        """Give the types of what happened to a ticket, in order; raises TryLater."""
        return [str(entry["type"]) for entry in await self.entries(ticket)]

    async def entries(self, ticket: str) -> list[dict[str, Any]]:
        """Give what happened to a ticket, in order, each with its sentence; raises TryLater."""
        return list((await self._get(f"/v1/tickets/{ticket}/timeline"))["timeline"])

    async def owners(self, ticket: str) -> list[str]:
        """Give the units that answer for a ticket, in the order in which they came to; raises TryLater."""
        return [str(owner["unit"]) for owner in (await self._get(f"/v1/tickets/{ticket}"))["owners"]]

    async def gaps(self) -> float:
        """Give how many facts the desk missed since it started; raises TryLater."""
        answer = await self._ask("/metrics")
        lines = (line.split() for line in answer.text.splitlines() if line.startswith(GAPS))
        return sum(float(parts[-1]) for parts in lines)

    async def _get(self, path: str, **query: Any) -> Any:
        return (await self._ask(path, **query)).json()

    async def _ask(self, path: str, **query: Any) -> httpx.Response:
        for pause in (0.2, 1.0, 3.0, 5.0, 0.0):
            with contextlib.suppress(httpx.TransportError):
                answer = await self._http.get(path, params=query)
                if answer.is_client_error:
                    raise Refused("refused", f"{self.url}{path} answered {answer.status_code}: {_sentence(answer)}")
                if not answer.is_server_error:
                    return answer
            await asyncio.sleep(pause)
        raise TryLater(f"The desk at {self.url} does not answer.")


def _sentence(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail") or answer.text)
    except ValueError:
        return f"{answer.status_code} {answer.text[:200]}"
