"""What can be asked of intake over HTTP? To take a report or a message, and how far a report is."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from services.intake import announce
from services.intake.domain import MessageSubmitted, Tracked, View, findings, messages_of, received, reported, view
from services.intake.store import Known, Message, Report, Reports
from shared import metrics
from shared.errors import Conflict, TryLater
from shared.http import Problem, invalid
from shared.ids import is_ticket_id, named, ticket_id
from shared.messages import ReportSubmitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.domain import Finding
    from services.intake.personal import Personal
    from services.intake.spool import Spool
    from shared.clock import Clock
    from shared.profile import Profile

IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 200
MOST_MESSAGES = 100
"""Messages that a report may get: far more than a conversation has."""
ADDED = frozenset({"request"})
"""Fields of a body that its first version did not have."""
TRIES = 20
"""How often a message is tried again because another one came first."""
TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Accepted(BaseModel):
    """A report that was taken, durably."""

    report_id: str
    ticket_id: str
    tracking_token: str
    status: str = "accepted"
    links: dict[str, str]


class MessageAccepted(BaseModel):
    """A message that was taken, durably."""

    message_id: str
    links: dict[str, str]


class ProblemAnswer(BaseModel):
    """An answer as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


def _said(body: type[BaseModel]) -> dict[str, Any]:
    """Give the OpenAPI description of a request that is read by hand, so that no input gives a 5xx."""
    key = {
        "name": IDEMPOTENCY_KEY,
        "in": "header",
        "required": True,
        "description": "any text of your own for this request; sent again with the same key, it is done once",
        "schema": {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    }
    schema = {"$ref": f"#/components/schemas/{body.__name__}"}
    return {"parameters": [key], "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: {"model": ProblemAnswer} for status in statuses}


def add_api(app: FastAPI, store: Reports, personal: Personal, spool: Spool, profile: Profile, clock: Clock) -> None:
    """Add intake's calls to its application."""
    desk = Counter(store, personal, spool, profile, clock)

    @app.post(
        "/v1/reports",
        status_code=201,
        tags=["reports"],
        response_model=Accepted,
        responses=_problems(400, 413, 422, 503),
        openapi_extra=_said(ReportSubmitted),
    )
    async def submit(request: Request) -> Response:
        """Take a report; it is durable when this answers, also while Kafka is away."""
        return await desk.submit(idempotency_key(request), await request.body(), _trace(request))

    @app.get("/v1/reports/{report_id}", tags=["reports"], responses=_problems(403, 404, 503))
    async def track(
        report_id: str,
        token: Annotated[str, Query(description="tracking_token of the report")] = "",
        authorization: Annotated[str, Header(description="Bearer and the token, instead of token")] = "",
    ) -> View:
        """Tell the person who asked how far it is, who handles it, by when, and what was done."""
        return await desk.track(report_id, _token(token, authorization))

    @app.post(
        "/v1/reports/{report_id}/messages",
        status_code=202,
        tags=["reports"],
        response_model=MessageAccepted,
        responses=_problems(400, 403, 404, 409, 413, 422, 503),
        openapi_extra=_said(MessageSubmitted),
    )
    async def say(
        report_id: str,
        request: Request,
        token: Annotated[str, Query(description="tracking_token of the report")] = "",
        authorization: Annotated[str, Header(description="Bearer and the token, instead of token")] = "",
    ) -> Response:
        """Take a follow-up, an answer, a withdrawal, a rating, "not solved", or an urge."""
        known = await desk.opened(report_id, _token(token, authorization))
        return await desk.say(known, idempotency_key(request), await request.body(), _trace(request))

    _describe(app, ReportSubmitted, MessageSubmitted)


def _describe(app: FastAPI, *bodies: type[BaseModel]) -> None:
    """Put the bodies that are read by hand into the OpenAPI document."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        document = plain()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        for body in bodies:
            schema = body.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs", {}))
            schemas[body.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]


def idempotency_key(request: Request) -> str:
    """Give the request's key; raises Problem when there is none, or one that cannot be used."""
    given = request.headers.getlist(IDEMPOTENCY_KEY)
    if len(given) != 1 or not given[0].strip():
        raise Problem(
            400,
            "One Idempotency-Key is needed",
            "send the header Idempotency-Key once, with a text of your own that no other report of yours has: "
            "then the same request may be sent again and is done once",
        )
    key = given[0]
    if len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise Problem(
            400, "The Idempotency-Key cannot be used", f"send 1 to {LONGEST_KEY} printable ASCII characters, no others"
        )
    return key


def _token(query: str, authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    return query or (value.strip() if kind.lower() == "bearer" else "")


def _trace(request: Request) -> str:
    given = request.headers.get("traceparent", "")
    return given if TRACEPARENT.fullmatch(given) else ""


def _refuse(command: str, reason: str, problem: Problem) -> Problem:
    metrics.refusals.labels(command, reason).inc()
    return problem


def _links(ticket: str, token: str) -> dict[str, str]:
    return {
        "self": f"/v1/reports/{ticket}?token={token}",
        "messages": f"{messages_of(ticket)}?token={token}",
    }


def _canonical(body: BaseModel) -> bytes:
    """Give the same bytes for the same content, however it was written.

    What was added later and is left out is not written, so that a report from before is still the same report.
    """
    content = body.model_dump(mode="json")
    return orjson.dumps(
        {k: v for k, v in content.items() if v is not None or k not in ADDED}, option=orjson.OPT_SORT_KEYS
    )


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter at which people stand."""

    store: Reports
    personal: Personal
    spool: Spool
    profile: Profile
    clock: Clock

    # ------------------------------------------------------------ reports

    async def submit(self, key: str, raw: bytes, trace: str) -> Response:
        """Take a report, or give the answer that it got before."""
        try:
            report = ReportSubmitted.model_validate_json(raw, strict=True)
        except ValidationError as error:
            raise _refuse("report", "invalid", invalid(error)) from error
        ticket = ticket_id(announce.HTTP_SOURCE, key)
        digest = self.personal.digest(_canonical(report))
        wrong = findings(report, self.clock.now(), self.profile)
        if not wrong and await self._take(report, ticket, key, raw, digest, trace):
            metrics.tickets.labels("reported").inc()
            self.spool.wake(ticket)
            return self._accepted(ticket, replayed=False)
        known = (await self.store.known([ticket])).get(ticket)
        if known is None:
            if wrong:
                raise _refuse("report", wrong[0].reason, _wrong(wrong))
            raise TryLater("a report that was in the way has gone")
        if known.digest != digest:
            raise _refuse("report", "key-reused", _reused("report"))
        metrics.duplicates.labels("intake").inc()
        return self._accepted(ticket, replayed=True)

    async def _take(
        self, report: ReportSubmitted, ticket: str, key: str, raw: bytes, digest: bytes, trace: str
    ) -> bool:
        """Keep the report with what must be published of it; False when there is one under this key."""
        now, source = self.clock.now(), announce.HTTP_SOURCE
        fact = reported(report, ticket, source, now, self.personal.caller(report, ticket), self.profile)
        spool = (
            announce.said(fact, ticket, 1, now, key, trace),
            announce.accepted(ticket, source, key, now, trace),
        )
        try:
            await self.store.insert(Report(ticket, source, key, now, self.personal.seal(raw), digest, spool))
        except Conflict:
            return False
        return True

    def _accepted(self, ticket: str, *, replayed: bool) -> Response:
        token = self.personal.token(ticket)
        body = Accepted(report_id=ticket, ticket_id=ticket, tracking_token=token, links=_links(ticket, token))
        headers = {"Location": f"/v1/reports/{ticket}"} | ({"Idempotent-Replayed": "true"} if replayed else {})
        return JSONResponse(body.model_dump(), 201, headers)

    # ------------------------------------------------------------ the way back

    async def opened(self, report_id: str, token: str) -> Known:
        """Give what is known of a report to whoever has its token; raises Problem 404 or 403."""
        known = (await self.store.known([report_id])).get(report_id) if is_ticket_id(report_id) else None
        if known is None:
            raise Problem(404, "No such report", "there is no report of this id: use the report_id that you were given")
        if not self.personal.opens(report_id, token):
            raise Problem(
                403,
                "The token does not fit",
                "give the tracking_token of this report as ?token=... or in the header Authorization: Bearer ...",
            )
        return known

    async def track(self, report_id: str, token: str) -> View:
        """Put into words how far a report is."""
        known = await self.opened(report_id, token)
        stored = await self.store.tracked(report_id)
        state = Tracked() if stored is None else Tracked.model_validate_json(stored)
        return view(report_id, state, known.at, self.profile)

    async def say(self, known: Known, key: str, raw: bytes, trace: str) -> Response:
        """Take a message as the next of intake's facts on the ticket, or give the answer that it got before."""
        try:
            message = MessageSubmitted.model_validate_json(raw, strict=True)
        except ValidationError as error:
            raise _refuse("message", "invalid", invalid(error)) from error
        ident = named("message", known.ticket, key)
        digest = self.personal.digest(_canonical(message))
        for _ in range(TRIES):
            before = known.messages.get(ident)
            if before is not None:
                if before != digest:
                    raise _refuse("message", "key-reused", _reused("message"))
                return self._heard(known.ticket, ident, replayed=True)
            if len(known.messages) >= MOST_MESSAGES:
                problem = Problem(
                    409, "Too many messages", f"a report takes {MOST_MESSAGES} messages: call the hotline instead"
                )
                raise _refuse("message", "too-many", problem)
            now = self.clock.now()
            fact = announce.said(received(message, ident, now), known.ticket, known.sequence + 1, now, ident, trace)
            if await self.store.push(known, Message(ident, digest, now, self.personal.seal(raw)), [fact]):
                self.spool.wake(known.ticket)
                return self._heard(known.ticket, ident, replayed=False)
            known = (await self.store.known([known.ticket]))[known.ticket]
        raise TryLater("others write on the same report all the time")

    def _heard(self, ticket: str, ident: str, *, replayed: bool) -> Response:
        links = {"report": _links(ticket, self.personal.token(ticket))["self"]}
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        return JSONResponse(MessageAccepted(message_id=ident, links=links).model_dump(), 202, headers)


def _wrong(found: Sequence[Finding]) -> Problem:
    errors = [{"pointer": one.pointer, "detail": one.detail} for one in found]
    return Problem(422, "Some fields must be changed", " ".join(one.detail for one in found), errors)


def _reused(what: str) -> Problem:
    return Problem(
        422,
        "The Idempotency-Key was used before",
        f"this key belongs to another {what}: send a new key, or the {what} that was sent with it first",
        [{"pointer": "", "detail": "the body differs from the one that came with this key"}],
    )
