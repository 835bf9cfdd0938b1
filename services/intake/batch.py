"""How does a hotline hand in many reports at once? Up to 1,000 in one request, each with an answer of its own."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final, Literal

import orjson
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from services.intake.api import (
    IDEMPOTENCY_KEY,
    LONGEST_KEY,
    Accepted,
    describe,
    idempotency_key,
    usable,
)
from shared.http import Problem, ProblemAnswer, problems, trace_of
from shared.messages import ReportSubmitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.api import Asked, Counter, Taken

PATH: Final = "/v1/reports/batch"
MOST: Final = 1000
"""Reports in one request."""
LARGEST: Final = 8 * 1024 * 1024
"""Bytes of one request."""
KEY: Final = "idempotency_key"
AT_A_TIME: Final = 25
"""Reports that are read before others may have the processor again."""


class BatchItem(ReportSubmitted):
    """A report, with a key of its own."""

    idempotency_key: str | None = Field(
        default=None,
        min_length=1,
        max_length=LONGEST_KEY,
        description="any printable ASCII of your own, the same as the header Idempotency-Key of POST /v1/reports; "
        "without it the request's Idempotency-Key and the position stand for it, then the source_reference",
    )


class BatchSubmitted(BaseModel):
    """Many reports."""

    reports: list[BatchItem] = Field(min_length=1, max_length=MOST)


class ItemTaken(Accepted):
    """A report of the batch that was taken, durably; `replayed` when it was before."""

    index: int
    code: Literal[201] = 201
    replayed: bool


class ItemRefused(BaseModel):
    """A report of the batch that was not taken, and what to change."""

    index: int
    code: int
    status: Literal["refused"] = "refused"
    problem: ProblemAnswer


class BatchAnswer(BaseModel):
    """What became of each report, in the order in which they were sent."""

    accepted: int
    refused: int
    results: list[ItemTaken | ItemRefused]


def add_batch(app: FastAPI, counter: Counter) -> None:
    """Add the call that takes many reports; before the calls for one of them, whose id may be anything."""
    key = {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": False,
        "description": "stands for the keys of reports that have none, each with its position",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    }
    schema = {"$ref": f"#/components/schemas/{BatchSubmitted.__name__}"}
    body = {"required": True, "content": {"application/json": {"schema": schema}}}
    app.state.body_limits[PATH] = LARGEST

    @app.post(
        PATH,
        tags=["reports"],
        response_model=BatchAnswer,
        responses=problems(400, 413, 422, 429, 503),
        openapi_extra={"parameters": [key], "requestBody": body},
    )
    async def batch(request: Request) -> Response:
        """Take many reports; those that were taken are durable when this answers, also while Kafka is away."""
        shared = idempotency_key(request) if IDEMPOTENCY_KEY in request.headers else ""
        return await take(counter, await request.body(), shared, trace_of(request))

    describe(app, BatchSubmitted)


async def take(counter: Counter, raw: bytes, shared: str, trace: str) -> Response:
    """Take what can be taken of a batch, in one write; raises Problem when it is no batch."""
    items = read(raw)
    asked: list[Asked | Problem] = []
    for index, item in enumerate(items):
        asked.append(_asked(counter, index, item, shared, trace))
        if index % AT_A_TIME == AT_A_TIME - 1:
            await asyncio.sleep(0)
    results = [_result(counter, index, one) for index, one in enumerate(await counter.take(asked))]
    taken = sum("ticket_id" in result for result in results)
    content = {"accepted": taken, "refused": len(results) - taken, "results": results}
    return Response(orjson.dumps(content), media_type="application/json")


def read(raw: bytes) -> Sequence[Any]:
    """Give the items of a batch as they came; raises Problem."""
    try:
        content = _json(raw)
    except (ValueError, RecursionError) as error:
        raise Problem(400, "The body is not JSON", 'send a JSON object: {"reports": [...]}') from error
    if not isinstance(content, dict) or not isinstance(content.get("reports"), list):
        detail = 'send {"reports": [...]}, each a report as POST /v1/reports takes it, with an idempotency_key'
        raise Problem(422, "This is no batch", detail, [{"pointer": "/reports", "detail": "a list is needed"}])
    if len(content) > 1:
        extra = next(name for name in content if name != "reports")[:100]
        wrong = [{"pointer": f"/{extra}", "detail": "unknown field: remove it or correct its name"}]
        raise Problem(422, "Some fields must be changed", f"/{extra}: unknown field", wrong)
    items: list[Any] = content["reports"]
    if not 1 <= len(items) <= MOST:
        detail = f"send 1 to {MOST} reports at once: these are {len(items)}"
        raise Problem(422, "This is no batch", detail, [{"pointer": "/reports", "detail": detail}])
    return items


def _json(raw: bytes) -> Any:
    """Read it fast; what only a more lenient reader can read may have one bad item that spoils no other."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return json.loads(raw.decode())


def _asked(counter: Counter, index: int, item: Any, shared: str, trace: str) -> Asked | Problem:
    if not isinstance(item, dict):
        return Problem(422, "This is no report", "send a JSON object as POST /v1/reports takes it")
    given = item.get(KEY)
    report = {name: value for name, value in item.items() if name != KEY}
    key = _key(given, report, index, shared)
    if isinstance(key, Problem):
        return key
    try:
        raw = orjson.dumps(report)
    except TypeError:  # a surrogate or a whole number that orjson does not write: the report's own rules tell
        raw = json.dumps(report).encode()
    return counter.asked(key, raw, trace)


def _key(given: Any, report: dict[str, Any], index: int, shared: str) -> str | Problem:
    """Give what the report is known by: its own key, its place in a request with a key, or its sender's number."""
    if given is None:
        if shared:
            return f"{shared}/{index}"
        reference = report.get("source_reference")
        if isinstance(reference, str) and reference.strip():
            return f"reference/{report.get('channel')}/{reference.strip()}"
    elif isinstance(given, str) and usable(given):
        return given
    detail = f"give it an idempotency_key of 1 to {LONGEST_KEY} printable ASCII characters that no other report has"
    return Problem(422, "An idempotency_key is needed", detail, [{"pointer": f"/{KEY}", "detail": detail}])


def _result(counter: Counter, index: int, one: Taken | Problem) -> dict[str, Any]:
    if isinstance(one, Problem):
        return {"index": index, "code": one.status, "status": "refused", "problem": one.content()}
    taken = counter.accepted(one).model_dump()
    return {"index": index, "code": 201, "replayed": one.replayed, **taken}
