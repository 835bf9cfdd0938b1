"""Where does a QR code (码上办) lead? To a page of intake, whose path is printed and must never change."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

ROOT: Final = "/q"


def path_of(code: str) -> str:
    """Give the path of a code's page; a slash in the code stays, what an address cannot hold is escaped."""
    return f"{ROOT}/{quote(code)}"
