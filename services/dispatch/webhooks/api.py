"""What can a department without Kafka ask for over HTTP? To write an update, and to read its feed."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import urlencode

import orjson
from fastapi import Path, Query, Request, Response
from pydantic import BaseModel

from services.dispatch.webhooks.events import BATCH, STRUCTURED, update
from services.dispatch.webhooks.feed import LONGEST_CURSOR
from services.dispatch.webhooks.signature import unsigned, verify
from services.dispatch.webhooks.store import Waiting
from shared.envelope import Outgoing
from shared.http import Problem, problems
from shared.topics import updates_topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.dispatch.webhooks.feed import Feed
    from services.dispatch.webhooks.file import HttpDepartment
    from services.dispatch.webhooks.store import Deliveries
    from shared.clock import Clock
    from shared.service import Service

LONGEST_WAIT_S: Final = 30
MOST_RECORDS: Final = 500
LISTED: Final = 500
BEARER: Final = "bearer "

Name = Annotated[str, Path(max_length=64, description="the profile's name of the department")]


class Taken(BaseModel):
    """An update that is on the department's topic, durably; its answer comes by webhook or feed."""

    id: str
    """What the answer names as `update_id`."""


class WebhookLetter(BaseModel):
    """A record whose posting was given up."""

    id: str
    department: str
    ticket: str
    event: str
    type: str
    at: str
    attempts: int
    error: str
    behind: int
    """Records of the same ticket that wait behind it."""


class WebhookDone(BaseModel):
    """What became of some dead letters."""

    done: str
    ids: list[str]


STRUCTURED_OR_BINARY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {STRUCTURED: {"schema": {"type": "object"}}, "application/json": {"schema": {"type": "object"}}},
    }
}


def add_departments_api(service: Service, departments: Mapping[str, HttpDepartment], feed: Feed, clock: Clock) -> None:
    """Add what departments call; `clock` is the world's, since signatures carry its time."""
    app, publisher = service.app, service.publisher

    def known(department: str) -> HttpDepartment:
        found = departments.get(department)
        if found is None:
            what = (
                "no department of this name is reached by HTTP here: its operator adds it to the file GRIDCALL_WEBHOOKS"
            )
            raise Problem(404, "No such department", what)
        return found

    @app.post(
        "/v1/departments/{department}/updates",
        status_code=202,
        tags=["departments"],
        openapi_extra=STRUCTURED_OR_BINARY,
        responses=problems(400, 401, 404, 413, 415, 422, 503),
    )
    async def write_update(department: Name, request: Request) -> Taken:
        """Take an update as if the department had written it on its topic; the same id again does nothing twice."""
        whose = known(department)
        body = await request.body()
        ident = verify(whose.keys, request.headers, clock.now(), body)
        key, headers, value = update(request.headers, body, ident)
        await publisher.send([Outgoing(updates_topic(whose.topic), key, headers, value)])
        return Taken(id=dict(headers)["ce_id"].decode())

    @app.get(
        "/v1/departments/{department}/feed",
        tags=["departments"],
        response_class=Response,
        responses=problems(400, 401, 404, 410, 422, 429, 503)
        | {200: {"content": {BATCH: {"schema": {"type": "array", "items": {"type": "object"}}}}}},
    )
    async def read_feed(
        department: Name,
        request: Request,
        cursor: Annotated[str, Query(max_length=LONGEST_CURSOR)] = "",
        limit: Annotated[int, Query(ge=1, le=MOST_RECORDS)] = 100,
        wait: Annotated[float, Query(ge=0, le=LONGEST_WAIT_S, allow_inf_nan=False)] = 0,
    ) -> Response:
        """Give what the department was told after a cursor, in order; waits up to `wait` seconds for something."""
        whose = known(department)
        if not _has_token(whose, request):
            verify(whose.keys, request.headers, clock.now(), b"")
        page = await feed.page(whose, cursor, limit, wait)
        query = urlencode({"cursor": page.cursor, "limit": limit, "wait": f"{wait:g}"})
        headers = {
            "Cursor": page.cursor,
            "Link": f'<{request.url.path}?{query}>; rel="next"',
            "Cache-Control": "no-store",
        }
        return Response(orjson.dumps(page.events), media_type=BATCH, headers=headers)


def _has_token(department: HttpDepartment, request: Request) -> bool:
    """Tell whether a request carries the department's bearer token; raises Problem when it carries another."""
    given = request.headers.get("authorization", "")
    if not given:
        return False
    token = given[len(BEARER) :].strip().encode() if given.lower().startswith(BEARER) else b""
    if department.token is None or not hmac.compare_digest(token, department.token):
        raise unsigned("the bearer token is not this department's: send the right one, or sign the request")
    return True


def _letter(record: Waiting) -> WebhookLetter:
    return WebhookLetter(
        id=record.id,
        department=record.department,
        ticket=record.ticket,
        event=record.event,
        type=record.type,
        at=record.at.isoformat(),
        attempts=record.attempts,
        error=record.error,
        behind=record.behind,
    )


def add_webhook_operations(service: Service, store: Deliveries, clock: Clock) -> None:
    """Add what operators call, as `gridcall webhooks` does."""
    app = service.app

    @app.get("/ops/webhooks/dead-letters", tags=["operations"])
    async def list_webhook_letters(department: str | None = None) -> list[WebhookLetter]:
        """List records whose posting was given up, oldest first."""
        return [_letter(each) for each in await store.dead(department, LISTED)]

    async def chosen(ident: str | None, department: str | None) -> list[Waiting]:
        if (ident is None) == (department is None):
            raise Problem(422, "Which ones?", "send id for one dead letter, or department for all of its")
        found = await store.dead(department, LISTED, ident)
        if not found:
            raise Problem(404, "No such dead letter", f"no posting to {department or ident} has been given up")
        return found

    @app.post("/ops/webhooks/redrive", tags=["operations"], responses=problems(404))
    async def redrive_webhooks(id: str | None = None, department: str | None = None) -> WebhookDone:  # noqa: A002
        """Post a dead letter again (or all of a department), and then what waits behind it, in order."""
        found = await chosen(id, department)
        for each in found:
            await store.redrive(each, clock.now())
        return WebhookDone(done="posted again, with what waits behind", ids=[each.id for each in found])

    @app.post("/ops/webhooks/discard", tags=["operations"], responses=problems(404))
    async def discard_webhook(id: str) -> WebhookDone:  # noqa: A002 - the word of the query
        """Drop one dead letter for good, and post what waits behind it."""
        (found,) = await chosen(id, None)
        await store.discard(found, clock.now())
        return WebhookDone(done="dropped; what waits behind is posted", ids=[found.id])
