"""What does every service say over HTTP? Health, metrics, operations, and errors as RFC 9457 problems."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from shared.addresses import LONGEST
from shared.errors import Refused, TryLater
from shared.metrics import ready as is_ready
from shared.tracing import valid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MAX_BODY = 1_048_576
"""Largest request body, in bytes."""
PROBLEM = "application/problem+json"
RETRY_AFTER_S = 5
MOST_ERRORS = 20
"""Errors that one answer names: a sender's 50,000 unknown fields need not all be told."""
LONGEST_POINTER = 200

log = structlog.get_logger(__name__)


class Problem(Exception):  # noqa: N818 - the word of RFC 9457
    """An answer that is not the one hoped for: a sentence that the person at the other end can act on."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[dict[str, str]] = (),
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> None:
        """`errors` are {pointer, detail} per bad field; `more` are extension members."""
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers or {}
        self.more = more

    def content(self) -> dict[str, Any]:
        """Give what the answer's body says."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = self.errors
        return content | self.more

    def response(self) -> JSONResponse:
        """Give the HTTP answer."""
        return JSONResponse(self.content(), self.status, self.headers, PROBLEM)


def invalid(error: ValidationError | RequestValidationError, skip: int = 0) -> Problem:
    """Give the problem for bad input, a pointer and a sentence per field; the input itself is not repeated."""
    errors = []
    for entry in error.errors()[:MOST_ERRORS]:
        if entry["type"] in {"json_invalid", "json_type"}:
            return Problem(400, "The body is not JSON", f"send a JSON object: {entry['msg']}")
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in entry["loc"][skip:])
        message = "unknown field: remove it or correct its name" if entry["type"] == "extra_forbidden" else entry["msg"]
        errors.append({"pointer": pointer[:LONGEST_POINTER], "detail": message.removeprefix("Value error, ")})
    listed = "; ".join(f"{e['pointer'] or 'the body'}: {e['detail']}" for e in errors[:3])
    return Problem(422, "Some fields must be changed", listed, errors)


def try_later(detail: str) -> Problem:
    """Give the problem for when a part is away; nothing was taken."""
    return Problem(
        503,
        "Not possible just now",
        f"{detail} Nothing was taken: send the same request again in {RETRY_AFTER_S} seconds.",
        headers={"Retry-After": str(RETRY_AFTER_S)},
    )


FORM = "application/x-www-form-urlencoded"


def trace_of(request: Request) -> str:
    """Give the traceparent of a request as it goes on; empty where it carries none that can be read."""
    return valid(request.headers.get("traceparent", "").encode("latin-1"))


class ProblemAnswer(BaseModel):
    """An answer as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Give the OpenAPI description of answers that are problems; 429 and 503 say when to come again."""
    again = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {PROBLEM: {"schema": ProblemAnswer.model_json_schema()}},
            "headers": again if status in {429, 503} else {},
        }
        for status in statuses
    }


class BodyLimit:
    """Refuses bodies that are too large before they are read into memory, and addresses that are too long."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        """Wrap an application; `limits` by path, in bytes, for those that differ from MAX_BODY."""
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count the bytes that come in."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST:
            await _too_long()(scope, receive, send)
            return
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        most = self._limits.get(scope["path"], MAX_BODY)
        if declared.isdigit() and int(declared[:20]) > most:
            await _too_large(most)(scope, receive, send)
            return
        received = 0
        messages: list[Message] = []
        while True:
            message = await receive()
            messages.append(message)
            if message["type"] != "http.request":
                break
            received += len(message.get("body", b""))
            if received > most:
                await _too_large(most)(scope, receive, send)
                return
            if not message.get("more_body", False):
                break
        pending = iter(messages)

        async def replay() -> Message:
            return next(pending, None) or await receive()

        await self._app(scope, replay, send)


def _too_long() -> JSONResponse:
    return Problem(414, "The address is too long", f"send at most {LONGEST} bytes of path and query").response()


def _too_large(most: int) -> JSONResponse:
    return Problem(413, "The body is too large", f"send at most {most} bytes; attach files by reference").response()


class Health(BaseModel):
    """Whether a service makes progress; `parts` says what is not ready and why."""

    status: str
    service: str
    parts: dict[str, str]


def create_app(service: str, version: str, unready: Callable[[], dict[str, str]]) -> FastAPI:
    """Give an application with health, metrics and problem answers; `unready` names parts that are not ready."""
    app = FastAPI(
        title=f"gridcall {service}", version=version, docs_url=None, redoc_url=None, responses=problems(422, 503)
    )
    app.state.body_limits = {}  # by path; a service adds its own
    app.add_middleware(BodyLimit, limits=app.state.body_limits)

    @app.get("/health/live", tags=["operations"])
    async def live() -> Health:
        """Tell that the process answers."""
        return Health(status="live", service=service, parts={})

    @app.get("/health/ready", tags=["operations"], responses={503: {"model": Health}})
    async def ready() -> Response:
        """Tell whether the service makes progress."""
        parts = unready()
        health = Health(status="not ready" if parts else "ready", service=service, parts=parts)
        return JSONResponse(health.model_dump(), 503 if parts else 200)

    @app.get("/metrics", tags=["operations"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Give the metrics as Prometheus reads them."""
        is_ready.labels(service).set(0 if unready() else 1)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @app.exception_handler(Problem)
    async def problem(_request: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(Refused)
    async def refused(_request: Request, error: Refused) -> Response:
        return Problem(409, "Refused", error.detail, reason=error.reason, detail_zh=error.detail_zh).response()

    @app.exception_handler(TryLater)
    async def later(_request: Request, error: TryLater) -> Response:
        log.warning("answered 503", error=str(error))
        return try_later("A part of the system is away.").response()

    @app.exception_handler(RequestValidationError)
    async def bad_request(_request: Request, error: RequestValidationError) -> Response:
        return invalid(error, skip=1).response()

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        detail = {404: f"there is nothing at {request.url.path}: see /openapi.json", 405: "use another method"}.get(
            error.status_code, str(error.detail)
        )
        return Problem(error.status_code, str(error.detail), detail, headers=dict(error.headers or {})).response()

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("a request failed", path=request.url.path, exc_info=error)
        return Problem(500, "A defect", "this should not happen; it has been logged. Try again later.").response()

    return app
