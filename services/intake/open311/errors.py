"""How does GeoReport v2 say that something is wrong? Every problem under /open311/ is told in its words."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from services.intake.open311.render import Format, answer
from shared.http import PROBLEM

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ROOT: Final = "/open311/"
TAKES_BOTH: Final = f"{ROOT}v2/requests"
PARAMETERS: Final = {
    "/text": "description",
    "/category": "service_code",
    "/condition": "attribute[condition]",
    "/attributes": "attribute",
    "/place/lon": "long",
    "/place/lat": "lat",
    "/place/address": "address_string",
    "/place/grid": "address_id",
    "/place/qr": "address_id",
    "/caller/name": "first_name, last_name",
    "/caller/phone": "phone",
    "/attachments": "media_url",
}
"""What a part of a report is called by who sends a form."""
_HEADERS: Final = [
    (b"access-control-allow-origin", b"*"),  # apps in a browser read public lists; nothing here goes by cookie
    (b"x-content-type-options", b"nosniff"),
]


class GeoReportErrors:
    """Tells problems (RFC 9457) as GeoReport errors, whoever found them."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application; all but /open311/ passes untouched."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back."""
        if scope["type"] != "http" or not scope["path"].startswith(ROOT):
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _Told(scope, receive, send))


class _Told:
    """Sends an answer on; a problem once all of it is there."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope, self._receive, self._send = scope, receive, send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *_HEADERS]
            if dict(headers).get(b"content-type", b"").startswith(PROBLEM.encode()):
                self._start = message
                return
            message = {**message, "headers": headers}
        elif self._start is not None:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._tell(self._start)
            return
        await self._send(message)

    async def _tell(self, start: Message) -> None:
        problem: dict[str, Any] = orjson.loads(self._body)
        status = _status(start["status"])
        kept = {k.decode(): v.decode() for k, v in start["headers"] if k in {b"retry-after", b"allow"}}
        if "allow" in kept and self._scope["path"].rpartition(".")[0] == TAKES_BOTH:
            kept["allow"] = "GET, POST"  # the router names the methods of one of the two calls only
        headers = kept | {k.decode(): v.decode() for k, v in _HEADERS}
        form: Format = "json" if self._scope["path"].endswith(".json") else "xml"
        errors = [{"code": status, "description": text} for text in _sentences(problem)]
        await answer(form, "errors", errors, status, headers)(self._scope, self._receive, self._send)


def _status(status: int) -> int:
    """Give the status that GeoReport has for it: 400 for whatever must be changed in a request."""
    return int(HTTPStatus.BAD_REQUEST) if status in {409, 422} else status


def _sentences(problem: dict[str, Any]) -> list[str]:
    errors = [one for one in problem.get("errors", ()) if one["pointer"]]
    return [f"{_parameter(one['pointer'])}: {one['detail']}" for one in errors] or [problem["detail"]]


def _parameter(pointer: str) -> str:
    return next((name for start, name in PARAMETERS.items() if pointer.startswith(start)), pointer)
