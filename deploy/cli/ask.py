"""How does a command ask a running service? By HTTP, and what goes wrong becomes a sentence with an exit code."""

from __future__ import annotations

from typing import Any, Final

import httpx

from deploy.cli.output import FINDING, UNREACHABLE, USAGE, Failure
from shared.settings import Settings

TIMEOUT_S: Final = 20.0
ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what a service listens on, not what we do
UNPROCESSABLE: Final = 422


def url_of(service: str, settings: Settings | None = None) -> str:
    """Give where a service listens, by the same variables that it reads itself."""
    settings = settings or Settings()
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    return f"http://{host}:{settings.port(service)}"


def ask(service: str, path: str, method: str = "GET", **parameters: str) -> Any:
    """Give a service's answer; raises Failure when it is away or answers with a problem."""
    try:
        answer = httpx.request(method, url_of(service) + path, params=parameters, timeout=TIMEOUT_S)
    except httpx.HTTPError as error:
        raise Failure(
            f"{service} does not answer at {url_of(service)}: {str(error) or type(error).__name__}.",
            f"Look at 'gridcall status', or set GRIDCALL_{service.upper()}_PORT and GRIDCALL_HOST.",
            UNREACHABLE,
        ) from error
    try:
        content = answer.json()
    except ValueError as error:
        what = f"{service} answered {answer.status_code} without JSON"
        raise Failure(what, f"Is it gridcall that listens at {url_of(service)}?", UNREACHABLE) from error
    if answer.is_error:
        detail = content.get("detail", "") if isinstance(content, dict) else ""
        code = UNREACHABLE if answer.is_server_error else USAGE if answer.status_code == UNPROCESSABLE else FINDING
        raise Failure(f"{service} answered {answer.status_code}: {detail or answer.reason_phrase}", "", code)
    return content
