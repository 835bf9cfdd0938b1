"""How does a command ask a running service? By HTTP, and what goes wrong becomes a sentence with an exit code."""

from __future__ import annotations

from typing import Any, Final

import httpx

from deploy.cli.output import FINDING, UNREACHABLE, USAGE, Failure
from shared.settings import Settings

TIMEOUT_S: Final = 20.0
ANYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what a service listens on, not what we do
UNPROCESSABLE: Final = 422
CONFLICT: Final = 409


def url_of(service: str, settings: Settings | None = None) -> str:
    """Give where a service listens, by the same variables that it reads itself."""
    settings = settings or Settings()
    host = "127.0.0.1" if settings.host in ANYWHERE else settings.host
    return f"http://{host}:{settings.port(service)}"


def ask(service: str, path: str, method: str = "GET", **parameters: str) -> Any:
    """Give a service's answer; raises Failure when it is away or answers with a problem."""
    return _read(service, _answer(service, path, method, parameters))


def ask_text(service: str, path: str, **parameters: str) -> str:
    """Give a service's answer that is no JSON; raises Failure as `ask` does."""
    answer = _answer(service, path, "GET", parameters)
    if answer.is_error:
        _read(service, answer)
    return answer.text


def give(ticket: str, command: str, body: dict[str, Any], key: str) -> str:
    """Give a command at the desk; gives why it was refused, or nothing. Raises Failure as `ask` does."""
    path, headers = f"/v1/tickets/{ticket}/commands/{command}", {"Idempotency-Key": key}
    answer = _answer("desk", path, "POST", {}, json=body, headers=headers)
    if answer.status_code == CONFLICT:
        return str(answer.json().get("detail", ""))
    _read("desk", answer)
    return ""


def _answer(service: str, path: str, method: str, parameters: dict[str, str], **more: Any) -> httpx.Response:
    try:
        return httpx.request(method, url_of(service) + path, params=parameters, timeout=TIMEOUT_S, **more)
    except httpx.HTTPError as error:
        raise Failure(
            f"{service} does not answer at {url_of(service)}: {str(error) or type(error).__name__}.",
            f"Look at 'gridcall status', or set GRIDCALL_{service.upper()}_PORT and GRIDCALL_HOST.",
            UNREACHABLE,
        ) from error


def _read(service: str, answer: httpx.Response) -> Any:
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
