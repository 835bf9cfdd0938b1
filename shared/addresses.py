"""What becomes of an address that is too long for the HTTP parser? It is cut, so that the application can refuse it."""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LONGEST: Final = 32 * 1024
"""Bytes of path and query that any call takes; a thousand ids have room."""
CUT: Final = 65_000
"""Bytes that are handed on of a longer one: httptools parses up to 65,535, and uvicorn answers more in plain text."""


class CutAddresses(HttpToolsProtocol):
    """uvicorn's own protocol, for addresses of any length."""

    def on_url(self, url: bytes) -> None:
        """Keep the beginning."""
        super().on_url(url[: max(0, CUT - len(self.url))])
