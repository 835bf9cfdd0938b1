"""What can be asked of intake over HTTP? To take a report or a message, and how far a report is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import orjson
from fastapi import FastAPI, Header, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError

from services.intake import announce
from services.intake.domain import (
    MessageSubmitted,
    Tracked,
    View,
    findings,
    likeness,
    messages_of,
    received,
    refusal,
    reported,
    view,
    withheld,
    words_instead,
)
from services.intake.pressure import too_many
from services.intake.store import Known, Message, Report, Reports
from services.intake.together import Together
from shared import metrics
from shared.errors import TryLater
from shared.http import Problem, invalid, problems, trace_of
from shared.ids import is_ticket_id, named, ticket_id
from shared.messages import ReportSubmitted
from shared.tracing import concerning, of_ticket

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
MATTERS_WHEN = frozenset({"not-solved", "urge", "withdrawal"})
"""Kinds of message that may come too late."""
TRIES = 20
"""How often a message is tried again because another one came first."""


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


def add_api(
    app: FastAPI,
    store: Reports,
    personal: Personal,
    spool: Spool,
    profile: Profile,
    clock: Clock,
    *,
    digests: bool = False,
) -> Counter:
    """Add intake's calls to its application; gives the counter, at which other doors stand too."""
    desk = Counter(store, personal, spool, profile, clock, Together(store), digests)

    @app.post(
        "/v1/reports",
        status_code=201,
        tags=["reports"],
        response_model=Accepted,
        responses=problems(400, 413, 422, 429, 503),
        openapi_extra=_said(ReportSubmitted),
    )
    async def submit(request: Request) -> Response:
        """Take a report; it is durable when this answers, also while Kafka is away."""
        return desk.answer(await desk.hand_in(idempotency_key(request), await request.body(), trace_of(request)))

    @app.get("/v1/reports/{report_id}", tags=["reports"], responses=problems(403, 404, 422, 429, 503))
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
        responses=problems(400, 403, 404, 409, 413, 422, 429, 503),
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
        return await desk.say(known, idempotency_key(request), await request.body(), trace_of(request))

    describe(app, ReportSubmitted, MessageSubmitted)
    return desk


def describe(app: FastAPI, *bodies: type[BaseModel]) -> None:
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
    if not usable(key):
        raise Problem(
            400, "The Idempotency-Key cannot be used", f"send 1 to {LONGEST_KEY} printable ASCII characters, no others"
        )
    return key


def usable(key: str) -> bool:
    """Tell whether a text can stand for a request, in a header too."""
    return bool(key.strip()) and len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()


def _token(query: str, authorization: str) -> str:
    kind, _, value = authorization.partition(" ")
    return query or (value.strip() if kind.lower() == "bearer" else "")


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
class Asked:
    """A report that could be read, as it would be kept, and what speaks against taking it."""

    report: Report
    wrong: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a report: it has a ticket; `replayed` when it had one before."""

    ticket: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Counter:
    """The counter at which people stand."""

    store: Reports
    personal: Personal
    spool: Spool
    profile: Profile
    clock: Clock
    together: Together
    digests: bool = False
    """Whether attachments need their digest."""

    # ------------------------------------------------------------ reports

    async def hand_in(self, key: str, raw: bytes, trace: str) -> Taken:
        """Take a report, or tell that it was taken before; raises Problem, and TryLater."""
        concerning.set((ticket_id(announce.HTTP_SOURCE, key), trace))
        (taken,) = await self.take([self.asked(key, raw, trace)])
        if isinstance(taken, Problem):
            raise taken
        return taken

    async def take(self, asked: Sequence[Asked | Problem]) -> list[Taken | Problem]:
        """Keep what is new and can be taken, durably, in one write; gives in order what became of each.

        Raises TryLater when that is not known: the same again does no harm.
        """
        if self.together.full:
            raise too_many()
        good = [one for one in asked if isinstance(one, Asked) and not one.wrong]
        kept = await self.together.keep([one.report for one in good]) if good else []
        new = {id(one) for one, is_new in zip(good, kept, strict=True) if is_new}
        for report in (one.report for one in good if id(one) in new):
            self.spool.wake(report.ticket, report.waiting())
        metrics.tickets.labels("reported").inc(len(new))
        rest = [one for one in asked if isinstance(one, Asked) and id(one) not in new]
        known = await self.store.known({one.report.ticket for one in rest}) if rest else {}
        taken: list[Taken | Problem] = []
        for one in asked:
            if isinstance(one, Problem):
                taken.append(one)
            elif id(one) in new:
                taken.append(Taken(one.report.ticket, replayed=False))
            else:
                taken.append(await self._again(one, known.get(one.report.ticket)))
        return taken

    async def _again(self, asked: Asked, known: Known | None) -> Taken | Problem:
        """Answer a report that was not kept: it was taken before at one of the doors, or it cannot be taken."""
        if known is not None:
            if known.digest != asked.report.digest:
                return _refuse("report", "key-reused", _reused("report"))
        elif asked.wrong:
            return _refuse("report", asked.wrong[0].reason, _wrong(asked.wrong))
        else:
            known = (await self.store.twins([asked.report.twin])).get(asked.report.twin)
            if known is None:
                raise TryLater("a report that was in the way has gone")
            if known.source == announce.HTTP_SOURCE:  # under another key, so it is meant to be another report
                (taken,) = await self.take([replace(asked, report=replace(asked.report, twin=b""))])
                return taken
        metrics.duplicates.labels("intake").inc()
        return Taken(known.ticket, replayed=True)

    def asked(self, key: str, raw: bytes, trace: str) -> Asked | Problem:
        """Read a report, with all that must be published of it; gives a problem where it is none."""
        try:
            report = ReportSubmitted.model_validate_json(raw, strict=True)
        except ValidationError as error:
            return _refuse("report", "invalid", invalid(error))
        now, source = self.clock.now(), announce.HTTP_SOURCE
        ticket = ticket_id(source, key)
        trace = announce.traced(ticket, trace)
        fact = reported(report, ticket, source, now, self.personal.caller(report, ticket), self.profile)
        spool = (
            announce.said(fact, ticket, 1, now, key, trace),
            announce.accepted(ticket, source, key, now, trace),
        )
        alike = likeness(report)
        twin = b"" if alike is None else self.personal.digest(alike)
        digest = self.personal.digest(_canonical(report))
        care = withheld(report.attributes)
        kept = Report(ticket, source, key, now, self.personal.seal(raw), digest, spool, twin, care)
        return Asked(kept, findings(report, now, self.profile, digests=self.digests))

    def accepted(self, taken: Taken) -> Accepted:
        """Give what the sender of a report is told."""
        ticket = taken.ticket
        token = self.personal.token(ticket)
        return Accepted(report_id=ticket, ticket_id=ticket, tracking_token=token, links=_links(ticket, token))

    def answer(self, taken: Taken) -> Response:
        """Give the answer to one report."""
        headers = {"Location": f"/v1/reports/{taken.ticket}"}
        headers |= {"Idempotent-Replayed": "true"} if taken.replayed else {}
        return JSONResponse(self.accepted(taken).model_dump(), 201, headers)

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
        concerning.set((report_id, of_ticket(report_id)))
        return known

    async def track(self, report_id: str, token: str) -> View:
        """Put into words how far a report is."""
        known = await self.opened(report_id, token)
        return view(report_id, await self._tracked(report_id), known.at, self.profile)

    async def _tracked(self, ticket: str) -> Tracked:
        stored = await self.store.tracked(ticket)
        return Tracked() if stored is None else Tracked.model_validate_json(stored)

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
            if message.kind in MATTERS_WHEN:
                against = refusal(message.kind, await self._tracked(known.ticket), now, self.profile)
                if against is not None:
                    reason, detail = against
                    problem = Problem(409, "It is too late for this message", detail, reason=reason)
                    raise _refuse("message", reason, problem)
            instead = words_instead(self.profile) if known.withheld else None
            heard = received(message, ident, now, instead)
            fact = announce.said(heard, known.ticket, known.sequence + 1, now, ident, trace)
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
