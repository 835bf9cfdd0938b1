"""What happens when more comes than can be taken? Who is too much is told at once to come again; nothing is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.http import Problem

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

GUARDED: Final = ("/v1/", "/open311/")
UPLOADS: Final = "/v1/attachments"
MOST_UPLOADS: Final = 8
"""Files at once: each is held in memory until it is stored."""
MOST_BYTES: Final = 16 * 1024 * 1024
"""Bytes of bodies at once; one that is alone is always let in."""
UNSAID: Final = 1024 * 1024
RETRY_AFTER_S: Final = 1


def too_many() -> Problem:
    """Give the answer for whoever comes in a burst that is too large."""
    return Problem(
        429,
        "Too many requests at once",
        f"intake has all that it can take just now. Nothing was taken: send the same request again in {RETRY_AFTER_S} "
        "second, with the same Idempotency-Key, and more slowly while this answer comes",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


class Pressure:
    """Lets in so many requests at once; the others are answered before their body is read."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        """Wrap an application; `most` requests of all kinds together, fewer of those that are large."""
        self._app = app
        self._most = most
        self._requests = self._uploads = self._bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is on its way."""
        if scope["type"] != "http" or not scope["path"].startswith(GUARDED):
            await self._app(scope, receive, send)
            return
        upload = scope["path"] == UPLOADS
        size = 0 if upload else _declared(scope)
        if self._full(size, upload=upload):
            await too_many().response()(scope, receive, send)
            return
        self._requests, self._uploads, self._bytes = self._requests + 1, self._uploads + upload, self._bytes + size
        try:
            await self._app(scope, receive, send)
        finally:
            self._requests, self._uploads, self._bytes = self._requests - 1, self._uploads - upload, self._bytes - size

    def _full(self, size: int, *, upload: bool) -> bool:
        if upload:
            return self._uploads >= MOST_UPLOADS
        return self._requests - self._uploads >= self._most or bool(self._bytes and self._bytes + size > MOST_BYTES)


def _declared(scope: Scope) -> int:
    """Give the size that a request says it has; one that does not say it counts as a large one."""
    headers = dict(scope["headers"])
    declared = headers.get(b"content-length", b"0")
    if b"transfer-encoding" in headers or not declared.isdigit():
        return UNSAID
    return int(declared[:20])
