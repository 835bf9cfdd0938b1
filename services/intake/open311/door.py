"""What can be asked by Open311? Services, requests, one request, tokens, and where all this is."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Final

import orjson
from fastapi import APIRouter, FastAPI, Path, Request, Response

from services.intake.announce import HTTP_SOURCE
from services.intake.api import IDEMPOTENCY_KEY, idempotency_key
from services.intake.domain import Public, Search, Tracked, published, reported
from services.intake.open311.errors import ROOT, GeoReportErrors
from services.intake.open311.given import MOST_REQUESTS, Given, given, ids, last, search, wrong
from services.intake.open311.media import MULTIPART, attached, read_form
from services.intake.open311.render import MEDIA_TYPES, Format, answer
from services.intake.open311.requests import Row, row, rows
from services.intake.open311.services import definition, services
from services.intake.open311.submitted import report
from shared.chance import random_id
from shared.http import FORM, MAX_BODY, trace_of
from shared.ids import is_ticket_id, ticket_id
from shared.messages import ReportSubmitted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.api import Counter
    from services.intake.attachments import Uploads
    from services.intake.settings import Settings
    from shared.profile.model import Category

V2: Final = f"{ROOT}v2"
SPECIFICATION: Final = "http://wiki.open311.org/GeoReport_v2"
CHANGESET: Final = "2026-11-22T00:00:00+08:00"
"""When what stands in the discovery was last changed."""
REMEMBERED: Final = 1000
"""Requests just taken that a list shows before the log has brought them."""
Extension = Annotated[str, Path(description="json or xml", json_schema_extra={"enum": ["json", "xml"]})]


def add_open311(app: FastAPI, counter: Counter, uploads: Uploads, settings: Settings) -> None:
    """Add GeoReport v2 to intake's application, at the counters at which apps and hotlines stand."""
    app.include_router(_router(Door(counter, uploads, settings)))
    for fmt in MEDIA_TYPES:
        app.state.body_limits[f"{V2}/requests.{fmt}"] = uploads.largest + MAX_BODY
    app.add_middleware(GeoReportErrors)


def _router(door: Door) -> APIRouter:
    router = APIRouter(tags=["open311"], responses=_answers())

    @router.get(f"{V2}/services.{{fmt}}", openapi_extra=_query())
    async def service_list(fmt: Extension, request: Request) -> Response:
        """List what may be asked for."""
        form, _ = door.asked(fmt, request)
        return answer(form, "services", services(door.counter.profile))

    @router.get(f"{V2}/services/{{service_code}}.{{fmt}}", openapi_extra=_query())
    async def service_definition(service_code: str, fmt: Extension, request: Request) -> Response:
        """Tell which attributes a service asks for."""
        form, _ = door.asked(fmt, request)
        return answer(form, "service_definition", definition(door.category(service_code)))

    @router.get(f"{V2}/requests.{{fmt}}", openapi_extra=_query(*SEARCHED))
    async def request_list(fmt: Extension, request: Request) -> Response:
        """List public requests, the newest first."""
        form, sent = door.asked(fmt, request)
        return answer(form, "service_requests", await door.found(sent))

    @router.post(f"{V2}/requests.{{fmt}}", openapi_extra=_form())
    async def post_request(fmt: Extension, request: Request) -> Response:
        """Take a request as POST /v1/reports does; it is durable when this answers."""
        return await door.take(fmt, request)

    @router.get(f"{V2}/requests/{{service_request_id}}.{{fmt}}", openapi_extra=_query("extensions"))
    async def one_request(service_request_id: str, fmt: Extension, request: Request) -> Response:
        """Tell how far a public request is."""
        form, sent = door.asked(fmt, request)
        return answer(form, "service_requests", await door.one(service_request_id, sent))

    @router.get(f"{V2}/tokens/{{token}}.{{fmt}}", openapi_extra=_query())
    async def token(token: str, fmt: Extension, request: Request) -> Response:
        """Give the id of the request that a token stands for."""
        form, _ = door.asked(fmt, request)
        return answer(form, "service_requests", [{"service_request_id": await door.resolved(token), "token": token}])

    @router.get(f"{V2}/discovery.{{fmt}}", openapi_extra=_query())
    @router.get(f"{ROOT}discovery.{{fmt}}", openapi_extra=_query())
    async def discovery(fmt: Extension, request: Request) -> Response:
        """Tell where the service is, in which formats, and whom to ask."""
        form, _ = door.asked(fmt, request)
        return answer(form, "discovery", door.discovery(request))

    return router


SEARCHED: Final = (
    *("service_request_id", "service_code", "start_date", "end_date", "status", "page", "page_size", "extensions"),
)
SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "status": {"type": "string", "enum": ["open", "closed", "open,closed"]},
    "start_date": {"type": "string", "format": "date-time"},
    "end_date": {"type": "string", "format": "date-time"},
    "page": {"type": "integer", "minimum": 1, "maximum": 100},
    "page_size": {"type": "integer", "minimum": 1, "maximum": MOST_REQUESTS},
    "extensions": {"type": "string", "enum": ["true", "false"]},
}
"""Of parameters that are not any text."""
SENT: Final = (
    *("jurisdiction_id", "api_key", "service_code", "lat", "long", "address_string", "address_id", "description"),
    *("media_url", "first_name", "last_name", "phone", "email", "device_id", "account_id", "attribute[condition]"),
)


def _content(*types: str) -> dict[str, Any]:
    return {kind.partition(";")[0]: {"schema": {}} for kind in types}


def _answers() -> dict[int | str, dict[str, Any]]:
    """Describe the answers: what was asked for, or errors as GeoReport has them."""
    content = _content(*MEDIA_TYPES.values())
    said = {
        200: "as GeoReport v2 has it",
        400: "something must be changed",
        403: "api_key is missing or wrong",
        404: "no such service, request, token, jurisdiction or format",
        413: "too large",
        414: "the address is too long",
        415: "not a form",
        429: "too much at once: try again",
        503: "not possible just now: try again",
    }
    return {status: {"description": text, "content": content} for status, text in said.items()}


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": SCHEMAS.get(name, {"type": "string"})}


def _query(*names: str) -> dict[str, Any]:
    return {"parameters": [_parameter(name) for name in ("jurisdiction_id", *names)]}


def _form() -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in SENT}
    schema = {"type": "object", "required": ["service_code"], "properties": properties}
    file = {"media": {"type": "string", "format": "binary"}}
    with_files = schema | {"properties": properties | file}
    return {"requestBody": {"required": True, "content": {FORM: {"schema": schema}, MULTIPART: {"schema": with_files}}}}


@dataclass(frozen=True)
class Door:
    """The door for Open311 clients."""

    counter: Counter
    uploads: Uploads
    settings: Settings
    _fresh: dict[str, Public | None] = field(default_factory=dict)
    """Requests that this process has taken and that the log had not brought when they were last looked for.

    What is public of one is read when a list is first asked for.
    """

    # ------------------------------------------------------------ what was asked

    def asked(self, fmt: str, request: Request) -> tuple[Format, Given]:
        """Give the format of the answer and the parameters; raises Problem for an unknown format or jurisdiction."""
        form = self._format(fmt)
        sent = given(request.scope["query_string"])
        self._jurisdiction(sent)
        return form, sent

    @staticmethod
    def _format(fmt: str) -> Format:
        if fmt == "json":
            return "json"
        if fmt == "xml":
            return "xml"
        raise wrong("没有这种格式。 There is no such format: end the address with .json or .xml.", 404)

    def _jurisdiction(self, sent: Given) -> None:
        """Refuse another jurisdiction; without one the city itself is meant, since there is but one here."""
        wanted = last(sent, "jurisdiction_id")
        own = {self.counter.profile.name, *self.settings.open311_jurisdictions.split(",")}
        if wanted and wanted.casefold() not in {one.strip().casefold() for one in own}:
            raise wrong(
                f"jurisdiction_id: 未找到。 No such jurisdiction: leave it out or say {self.counter.profile.name}.", 404
            )

    def category(self, code: str) -> Category:
        """Give the category of a service; raises Problem 404."""
        category = self.counter.profile.category(code)
        if category is None:
            raise wrong("service_code: 没有此项服务。 No such service: take a service_code of the service list.", 404)
        return category

    # ------------------------------------------------------------ requests

    async def take(self, fmt: str, request: Request) -> Response:
        """Take a request, or give the answer that it got before under the same Idempotency-Key."""
        kind = self._format(fmt)
        body, photos = await read_form(request)
        sent = given(request.scope["query_string"]) | body
        self._jurisdiction(sent)
        self._key(sent)
        code = last(sent, "service_code")
        if not code:
            raise wrong("service_code: 请选择服务。 Give a service_code of the service list.")
        made = report(sent, self.category(code), self.counter.profile)
        made["attachments"] = await attached(
            made["attachments"], photos, self.uploads, self._base(request), digests=self.counter.digests
        )
        key = idempotency_key(request) if IDEMPOTENCY_KEY in request.headers else random_id()
        taken = await self.counter.hand_in(_reference(key), orjson.dumps(made), trace_of(request))
        told = self.counter.accepted(taken)
        if len(self._fresh) < REMEMBERED:
            self._fresh[taken.ticket] = None
        row = {
            "service_request_id": told.report_id,
            "service_notice": f"已受理,办理进度: Taken. How far it is: {self._base(request)}{told.links['self']}",
            "account_id": last(sent, "account_id") or None,
        }
        replayed = {"Idempotent-Replayed": "true"} if taken.replayed else {}
        return answer(kind, "service_requests", [row], headers=replayed)

    def _key(self, sent: Given) -> None:
        """Refuse who needs an api_key and has none."""
        keys = [key.strip() for key in self.settings.open311_keys.get_secret_value().split(",") if key.strip()]
        shown = last(sent, "api_key").encode()
        if keys and not any(hmac.compare_digest(key.encode(), shown) for key in keys):
            raise wrong("api_key: 缺少或无效。 It is missing or invalid: ask those who run this service for one.", 403)

    async def found(self, sent: Given) -> list[Row]:
        """Give the requests that are wanted: those of some ids, else the newest that fit."""
        profile, extended = self.counter.profile, _extended(sent)
        if last(sent, "service_request_id"):
            return await self._shown(ids(sent), extended=extended)
        wanted = search(sent, self.counter.clock.now(), profile)
        fresh = await self._unfolded(wanted)
        here = fresh[wanted.skip : wanted.skip + wanted.limit]
        rest = wanted.limit - len(here)
        stored = []
        if rest:
            skip = max(0, wanted.skip - len(fresh))
            stored = await self.counter.store.public(
                Search(wanted.since, wanted.until, wanted.codes, wanted.is_open, skip, rest)
            )
        shown = [row(ticket, Tracked(), public, profile, extended=extended) for ticket, public in here]
        return shown + await asyncio.to_thread(rows, stored, profile, extended=extended)

    async def _shown(self, tickets: tuple[str, ...], *, extended: bool) -> list[Row]:
        """Give those of some requests that are public, in the order in which they were asked for."""
        stored = await self.counter.store.states(tickets)
        profile = self.counter.profile
        shown = await asyncio.to_thread(rows, list(stored.items()), profile, extended=extended)
        by_id = {one["service_request_id"]: one for one in shown}
        for ticket, public in (await self._taken([one for one in tickets if one not in stored])).items():
            by_id[ticket] = row(ticket, Tracked(), public, profile, extended=extended)
        return [by_id[ticket] for ticket in tickets if ticket in by_id]

    async def one(self, ticket: str, sent: Given) -> list[Row]:
        """Give one request; raises Problem 404."""
        shown = await self._shown((ticket,) if is_ticket_id(ticket) else (), extended=_extended(sent))
        if not shown:
            raise wrong("service_request_id: 没有这个编号的公开诉求。 There is no public request of this id.", 404)
        return shown

    async def resolved(self, token: str) -> str:
        """Give the id of the request of a token: its id itself, or the Idempotency-Key with which it was posted."""
        ticket = token if is_ticket_id(token) else ticket_id(HTTP_SOURCE, _reference(token))
        if not await self._shown((ticket,), extended=False):
            raise wrong("token: 未找到。 There is no request of this token.", 404)
        return ticket

    # ------------------------------------------------------------ what the log has not brought yet

    async def _unfolded(self, wanted: Search) -> list[tuple[str, Public]]:
        """Give the requests just taken that fit and that the log has not brought yet, newest first."""
        for ticket in await self.counter.store.on_log(list(self._fresh)):
            self._fresh.pop(ticket, None)
        unread = [ticket for ticket, public in self._fresh.items() if public is None]
        read = await self._taken(unread)
        for ticket in unread:
            self._fresh.pop(ticket, None)
        self._fresh.update(read)
        found = [(ticket, public) for ticket, public in self._fresh.items() if public is not None]
        fits = [one for one in found if wanted.fits(one[1], is_open=True)]
        return sorted(fits, key=lambda one: one[1].at, reverse=True)

    async def _taken(self, tickets: Sequence[str]) -> dict[str, Public]:
        """Give what is public of those of the reports that were taken, as the log will say it."""
        if not tickets:
            return {}
        counter, found = self.counter, {}
        for ticket, known in (await counter.store.known(tickets)).items():
            body = ReportSubmitted.model_validate_json(
                counter.personal.unseal(await counter.store.sealed(ticket) or b""), strict=True
            )
            caller = counter.personal.caller(body, ticket)
            fact = reported(body, ticket, known.source, known.at, caller, counter.profile)
            if (public := published(fact, counter.profile)) is not None:
                found[ticket] = public
        return found

    # ------------------------------------------------------------ discovery

    def _base(self, request: Request) -> str:
        """Give the public address of intake."""
        return (self.settings.intake_url or str(request.base_url)).rstrip("/")

    def discovery(self, request: Request) -> dict[str, Any]:
        """Tell where the service is."""
        contact = self.settings.open311_contact
        endpoint = {
            "specification": SPECIFICATION,
            "url": f"{self._base(request)}{V2}",
            "changeset": CHANGESET,
            "type": "production",
            "formats": [kind.partition(";")[0] for kind in MEDIA_TYPES.values()],
        }
        return {"changeset": CHANGESET, "contact": contact, "key_service": contact, "endpoints": [endpoint]}


def _reference(key: str) -> str:
    """Give what a request is called among all that came by HTTP."""
    return f"open311/{key}"


def _extended(sent: Given) -> bool:
    return last(sent, "extensions").lower() == "true"
