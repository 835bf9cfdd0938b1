"""What can people ask of the desk over HTTP? Work lists, tickets explained, commands, events, and a page."""

from __future__ import annotations

import asyncio
from collections import Counter as Count
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from fastapi import FastAPI, Header, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse

from services.desk.actions import actions
from services.desk.commands import NOT_HERE, Counter, command_of, key_of
from services.desk.deadlines import deadlines
from services.desk.domain import CLOSED, OPEN_STATES, Ticket
from services.desk.names import Names
from services.desk.page import page
from services.desk.store import BadCursor, CommandStore, SearchTooWide, Views, contains
from services.desk.stream import Changes
from services.desk.views import (
    family_view,
    listed,
    listed_order,
    relatives,
    suggested,
    ticket_view,
    timeline_view,
    words,
)
from shared import metrics
from shared.http import Problem, problems, trace_of
from shared.ids import is_ticket_id
from shared.messages import DESK_COMMANDS, Command

if TYPE_CHECKING:
    from shared.profile import Profile, Unit
    from shared.service import Service

MAX_LIMIT: Final = 200
COUNTERS_CACHED_S: Final = 1.0
GAUGE_EVERY_S: Final = 15.0
RATES_OF: Final = timedelta(days=7)
HEARTBEAT_S: Final = 15
ORDER_STATES: Final = ("issued", "signed", "suspended", "rework", "returned", "done", "withdrawn", "failed")
OTHER: Final = frozenset({"into", "parent", "other"})
"""Fields of commands that name another ticket."""
STATE_WORDS: Final = ("open", CLOSED, *OPEN_STATES)
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 9998


def _clean(text: str) -> str:
    if "\0" in text:
        message = "remove the NUL character"
        raise ValueError(message)
    return text


def _usual(at: datetime) -> datetime:
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        message = "use an instant of our time"
        raise ValueError(message)
    return at.astimezone(UTC)


Word = Annotated[str, Field(max_length=64), AfterValidator(_clean)]
Words = Annotated[str, Field(max_length=200), AfterValidator(_clean)]
Instant = Annotated[AwareDatetime, AfterValidator(_usual)]
Limit = Annotated[int, Field(ge=1, le=MAX_LIMIT, description=f"entries of a page, at most {MAX_LIMIT}")]
CursorText = Annotated[str | None, Field(max_length=400, description="`cursor` of the page before")]


class Parameters(BaseModel):
    """Parameters of a list; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class TicketQuery(Parameters):
    """Which tickets, in which order."""

    state: Annotated[Words, Field(description="states, separated by commas; `open`: all that are not closed")] = ""
    unit: Annotated[Word, Field(description="a territorial unit: its own tickets and those below it")] = ""
    level: Word = ""
    department: Annotated[Word, Field(description="the department that leads")] = ""
    category: Annotated[Word, Field(description="a code of the catalogue")] = ""
    severity: Annotated[Words, Field(description="I, II, III, IV, separated by commas")] = ""
    due_before: Instant | None = None
    hint: Annotated[
        Literal["", "duplicate", "project"], Field(description="what gridcall has found and a person is to confirm")
    ] = ""
    q: Annotated[Words, Field(description="words in id, reference, category, address or description")] = ""
    sort: Literal["due", "-due", "reported_at", "-reported_at", "updated_at", "-updated_at"] = "due"
    limit: Limit = 50
    cursor: CursorText = None


class OrderQuery(Parameters):
    """Which orders; the most urgent tickets come first."""

    department: Word = ""
    unit: Annotated[Word, Field(description="a unit with a work list of its own")] = ""
    state: Annotated[Words, Field(description="states, separated by commas")] = ""
    limit: Limit = 50
    cursor: CursorText = None


class EventQuery(Parameters):
    """Whose events."""

    unit: Word = ""
    department: Word = ""


class NoParameters(Parameters):
    """None at all."""


def add_routes(service: Service) -> Desk:
    """Add the desk's calls to its application, and its background steps; gives what the calls share."""
    desk = Desk(service)
    service.background += [desk.changes.watch, desk.refresh_gauges, desk.refresh_rates]
    _lists(service.app, desk)
    _tickets(service.app, desk)
    _city(service.app, desk)
    return desk


class Desk:
    """What the calls share."""

    def __init__(self, service: Service) -> None:
        """Connect nothing yet."""
        self.profile: Profile = service.profile
        self.clock = service.clock
        self.names = Names(service.profile)
        self.views = Views(service.db)
        self.changes = Changes(self.views, self.names)
        self.counter = Counter(self.views, CommandStore(service.db), service.publisher, service.clock)
        self._counts: dict[str, Any] = {}
        self._counted = float("-inf")
        self._counting = asyncio.Lock()

    async def ticket(self, ident: str) -> Ticket:
        """Give a ticket; raises Problem 404."""
        ticket = await self.views.get(ident) if is_ticket_id(ident) else None
        if ticket is None:
            raise Problem(404, "No such ticket", "there is no ticket of this id: look it up with /v1/tickets?q=…")
        return ticket

    async def shown(self, ident: str) -> dict[str, Any]:
        """Give a ticket as people see it, with the states of those to which it belongs; raises Problem 404."""
        ticket = await self.ticket(ident)
        shown = ticket_view(ident, ticket, self.names, self.clock.now())
        if ticket.family is not None:
            shown["family"] = family_view(ticket, await self.views.states(relatives(ticket)), self.names)
        return shown

    async def existing(self, command: Command) -> None:
        """Raise Problem where a command names another ticket that is none."""
        for field in OTHER & type(command).model_fields.keys():
            named = getattr(command, field)
            if not is_ticket_id(named) or await self.views.get(named) is None:
                detail = "there is no ticket of this id: look it up with /v1/tickets?q=…"
                raise Problem(
                    422, "Some fields must be changed", f"/{field}: {detail}",
                    [{"pointer": f"/{field}", "detail": detail}],
                )  # fmt: skip

    async def counts(self) -> dict[str, Any]:
        """Give the counts as of a second ago at most."""
        async with self._counting:
            now = asyncio.get_running_loop().time()
            if now - self._counted > COUNTERS_CACHED_S:
                self._counts = await self.views.counts()
                self._counted = now
            return self._counts

    async def counters(self) -> dict[str, Any]:
        """Give the counts as people read them."""
        counts = await self.counts()
        rows = counts["rows"]
        open_ = sum(row["n"] for row in rows)
        return {
            "totals": {"tickets": open_ + counts["closed"], "open": open_, "closed": counts["closed"]},
            "by_state": {**_summed(rows, "s", OPEN_STATES), CLOSED: counts["closed"]},
            "by_level": _summed(rows, "l", tuple(level.id for level in self.profile.levels)),
            "by_department": _summed(rows, "d", tuple(each.id for each in self.profile.departments)),
        }

    async def refresh_gauges(self) -> None:
        """Bring the gauge of open tickets up to date, then rest: a step that runs for ever."""
        rows = (await self.counts())["rows"]
        grouped: Count[tuple[str, str]] = Count()
        for row in rows:
            grouped[row["s"], row["l"]] += row["n"]
        metrics.tickets_open.clear()
        for (state, level), count in grouped.items():
            metrics.tickets_open.labels(state, level).set(count)
        await asyncio.sleep(GAUGE_EVERY_S)

    async def refresh_rates(self) -> None:
        """Bring the three rates of the last week up to date, then rest fifty times as long as that took."""
        now = asyncio.get_running_loop().time
        began = now()
        found = await self.views.rates(self.clock.now() - RATES_OF)
        metrics.rate_ratio.clear()
        for rate, (count, of) in found.items():
            if of:
                metrics.rate_ratio.labels(rate).set(count / of)
        await asyncio.sleep(max(GAUGE_EVERY_S, 50 * (now() - began)))


def _summed(rows: list[dict[str, Any]], field: str, order: tuple[str, ...]) -> dict[str, int]:
    """Add up by one field, known words first and in their order, nothing that is nil and unknown."""
    sums: Count[str] = Count()
    for row in rows:
        sums[row[field]] += row["n"]
    known = {word: sums.pop(word, 0) for word in order}
    return known | {word or "none": count for word, count in sums.items()}


def _among(pointer: str, text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    wanted = tuple(word.strip() for word in text.split(",") if word.strip())
    strange = [word for word in wanted if word not in known]
    if strange:
        raise unknown(pointer, f"unknown word {strange[0]!r}: use {', '.join(known)}")
    return wanted


def unknown(pointer: str, detail: str) -> Problem:
    """Give the answer to a parameter that must be changed."""
    return Problem(
        422, "Some parameters must be changed", f"{pointer}: {detail}", [{"pointer": f"/{pointer}", "detail": detail}]
    )


def _condition(query: TicketQuery, profile: Profile) -> dict[str, Any]:
    """Give what a query asks for as the store reads it."""
    wanted: dict[str, Any] = {}
    states = _among("state", query.state, STATE_WORDS)
    if "open" in states:
        states = tuple(dict.fromkeys((*OPEN_STATES, *(word for word in states if word != "open"))))
    if states:
        wanted["state"] = {"$in": list(states)}
        if CLOSED not in states or states == (CLOSED,):
            wanted["open"] = CLOSED not in states
    if severities := _among("severity", query.severity, ("I", "II", "III", "IV")):
        wanted["severity"] = {"$in": list(severities)}
    known_to(profile, query.unit, query.department)
    if query.unit:
        wanted["units"] = {"$in": list(_codes(profile, query.unit))}
    if query.level:
        _among("level", query.level, tuple(level.id for level in profile.levels))
        wanted["level"] = query.level
    if query.department:
        wanted["department"] = query.department
    if query.category:
        wanted["category"] = query.category
    if query.hint:
        wanted["hints"] = query.hint
    if query.due_before is not None:
        wanted["due"] = {"$lt": query.due_before}
    return {"$and": [wanted, contains(query.q.strip())]} if query.q.strip() else wanted


def _codes(profile: Profile, unit: str) -> tuple[str, ...]:
    """Give a unit with its former codes, by which tickets may still name it."""
    known = profile.unit(unit)
    return (unit,) if known is None else (known.id, *known.was)


def known_to(profile: Profile, unit: str, department: str) -> None:
    """Raise Problem 422 for a unit or a department that the profile does not have."""
    if unit and profile.unit(unit) is None:
        raise unknown("unit", f"the profile has no unit {unit!r}: see /v1/units")
    if department and profile.department(department) is None:
        raise unknown("department", f"the profile has no department {department!r}: see /v1/profile")


def bad_cursor() -> Problem:
    """Give the answer to a cursor of another list, or of nobody."""
    return Problem(
        400, "The cursor is not ours", "leave it out to begin at the first page, with the same sort as before"
    )


def _lists(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/tickets", tags=["work lists"], responses=problems(400))
    async def tickets(query: Annotated[TicketQuery, Query()]) -> dict[str, Any]:
        """List tickets: `tickets`, and `cursor` for the next page or null."""
        try:
            found = await desk.views.page(_condition(query, desk.profile), query.sort, query.limit, query.cursor)
        except BadCursor as error:
            raise bad_cursor() from error
        except SearchTooWide as error:
            raise Problem(
                422, "The search is too wide", "narrow it by unit, state, department or due_before"
            ) from error
        return {"tickets": [listed(each, desk.names) for each in found.documents], "cursor": found.cursor}

    @app.get("/v1/orders", tags=["work lists"], responses=problems(400))
    async def orders(query: Annotated[OrderQuery, Query()]) -> dict[str, Any]:
        """List orders: `orders`, and `cursor` for the next page or null."""
        states = _among("state", query.state, ORDER_STATES)
        known_to(desk.profile, query.unit, query.department)
        if query.unit and query.department:
            raise unknown("unit", "an order has one handler: give unit or department")
        units = tuple(f"unit:{code}" for code in _codes(desk.profile, query.unit)) if query.unit else ()
        handlers = (f"department:{query.department}",) if query.department else units
        try:
            found = await desk.views.orders({}, handlers, states, query.limit, query.cursor)
        except BadCursor as error:
            raise bad_cursor() from error
        return {"orders": [listed_order(each, desk.names) for each in found.documents], "cursor": found.cursor}


def _tickets(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/tickets/{ident}", tags=["tickets"], responses=problems(404))
    async def ticket(ident: str, _none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Show a ticket."""
        return await desk.shown(ident)

    @app.get("/v1/tickets/{ident}/timeline", tags=["tickets"], responses=problems(404))
    async def timeline(ident: str, _none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Show everything that happened, each with a sentence."""
        found = await desk.ticket(ident)
        entries = timeline_view(ident, found, desk.names)
        zone = desk.profile.zone
        return {"id": ident, "state": found.state, "zone": zone, "left_out": found.left_out, "timeline": entries}

    @app.get("/v1/tickets/{ident}/deadlines", tags=["tickets"], responses=problems(404))
    async def explained(ident: str, _none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Explain every clock: its rule, its time piece by piece, what is left, and one sentence."""
        found, now = await desk.ticket(ident), desk.clock.now()
        clocks = deadlines(found, desk.names, now)
        zone = desk.profile.zone
        return {
            "id": ident,
            "state": found.state,
            "due": found.due,
            "profile_version": found.profile_version or None,
            "asked": found.asked,
            "now": now,
            "zone": zone,
            "deadlines": clocks,
        }

    @app.get("/v1/tickets/{ident}/actions", tags=["tickets"], responses=problems(404))
    async def possible(ident: str, _none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Say what may be done now, by whom, and why the rest may not."""
        found = await desk.ticket(ident)
        return {"id": ident, "state": found.state, "actions": actions(ident, found, desk.names, desk.clock.now())}

    @app.post(
        "/v1/tickets/{ident}/commands/{command}",
        tags=["tickets"],
        responses=problems(400, 404, 409, 422, 503) | {202: {"description": "not decided yet: ask again at the link"}},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {"application/json": {"schema": {"oneOf": _command_schemas()}}},
            }
        },
    )
    async def give(
        ident: str,
        command: str,
        request: Request,
        idempotency_key: Annotated[str | None, Header(description="a text of your own for this request")] = None,
    ) -> Response:
        """Ask for something: 200 with the facts it led to, 409 with the refusal, 202 when not yet decided."""
        if command not in DESK_COMMANDS:
            raise Problem(404, "No such command", f"there is no command {command!r}: use {', '.join(DESK_COMMANDS)}")
        await desk.ticket(ident)
        body = command_of(command, await request.body())
        await desk.existing(body)
        answer = await desk.counter.give(ident, command, key_of(idempotency_key), body, trace_of(request))
        headers = {"Idempotent-Replayed": "true"} if answer.replayed else {}
        if refused := answer.outcome.get("refused"):
            detail = refused["detail"]
            more = {"reason": refused["reason"], "detail_zh": detail["zh"], "command_id": answer.ident}
            raise Problem(409, "Refused", detail["en"], headers=headers, **more)
        href = f"/v1/tickets/{ident}"
        if not answer.outcome:
            waiting = {
                "status": "not decided yet",
                "command_id": answer.ident,
                "links": {"timeline": f"{href}/timeline"},
            }
            return JSONResponse(waiting, 202, headers | {"Location": f"{href}/timeline"})
        return _json({**answer.outcome, "command_id": answer.ident, "ticket": await desk.shown(ident)}, headers)


def _command_schemas() -> list[dict[str, Any]]:
    """Give what the bodies of the commands look like, for /openapi.json."""
    return [_command_schema(name, body) for name, body in DESK_COMMANDS.items()]


def _command_schema(name: str, body: type[Command]) -> dict[str, Any]:
    needed = {"by"} | {field for field, about in body.model_fields.items() if about.is_required()}
    return {
        "title": name,
        "description": body.__doc__,
        "type": "object",
        "properties": {field: {} for field in body.model_fields if field not in NOT_HERE},
        "required": sorted(needed),
        "additionalProperties": False,
    }


def _json(content: dict[str, Any], headers: dict[str, str]) -> Response:
    return JSONResponse(jsonable_encoder(content), 200, headers)


def _city(app: FastAPI, desk: Desk) -> None:
    @app.get("/v1/units", tags=["city"])
    async def units(_none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Show the tree of territorial units, each with roles and with its open tickets, those below it included."""
        rows = (await desk.counts())["rows"]
        counts: Count[str] = Count()
        for row in rows:
            for unit in desk.profile.chain(row["u"]):
                counts[unit.id] += row["n"]
        children: dict[str | None, list[Unit]] = {}
        for unit in desk.profile.units:
            children.setdefault(unit.parent, []).append(unit)
        return {"units": [_branch(unit, children, counts) for unit in children[None]]}

    @app.get("/v1/profile", tags=["city"])
    async def profile(_none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Show what the city wants different: levels, departments, catalogue."""
        return _profile(desk.profile)

    @app.get("/v1/routing-suggestions", tags=["city"])
    async def suggestions(_none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Show what returned tickets suggest for the matrix: who was named, who has done it, and how often."""
        return {"suggestions": [suggested(each, desk.names) for each in await desk.views.suggestions()]}

    @app.get("/v1/counters", tags=["city"])
    async def counters(_none: Annotated[NoParameters, Query()]) -> dict[str, Any]:
        """Count tickets by state, and the open ones by level and department."""
        return await desk.counters()

    @app.get("/v1/events", tags=["city"], response_class=EventSourceResponse)
    async def events(
        query: Annotated[EventQuery, Query()], last_event_id: Annotated[str | None, Header(max_length=1000)] = None
    ) -> Response:
        """Tell what changes, as server-sent events: `ticket` with the line of a list, `reset` when some are missing."""
        known_to(desk.profile, query.unit, query.department)
        if desk.changes.full:
            raise Problem(503, "Too many listen", "try again in a minute", headers={"Retry-After": "60"})
        told = desk.changes.listen(_codes(desk.profile, query.unit)[0], query.department, last_event_id or None)
        return EventSourceResponse(told, ping=HEARTBEAT_S)

    @app.get("/", tags=["city"], response_class=HTMLResponse)
    async def console() -> HTMLResponse:
        """Show counters and the most urgent open tickets to people."""
        found = await desk.views.page({"open": True}, "due", 100, None)
        tickets = [listed(each, desk.names) for each in found.documents]
        now = desk.clock.now().isoformat()
        return HTMLResponse(page(desk.profile, desk.names, await desk.counters(), tickets, now))


def _branch(unit: Unit, children: dict[str | None, list[Unit]], counts: Count[str]) -> dict[str, Any]:
    return {
        "id": unit.id,
        "level": unit.level,
        "name": words((unit.zh, unit.en)),
        "staff": [{"id": each.id, "role": each.role} for each in unit.staff],
        "open": counts[unit.id],
        **({"was": list(unit.was), "since": unit.since} if unit.was else {}),
        "units": [_branch(child, children, counts) for child in children.get(unit.id, ())],
    }


def _profile(profile: Profile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "version": profile.version,
        "title": words((profile.title.zh, profile.title.en)),
        "zone": profile.zone,
        "levels": [{"id": each.id, "name": words((each.zh, each.en))} for each in profile.levels],
        "departments": [
            {"id": each.id, "topic": each.topic, "name": words((each.zh, each.en))} for each in profile.departments
        ],
        "catalogue": [
            {
                "code": each.code,
                "code_system": each.code_system,
                "name": words((each.zh, each.en)),
                "major": each.major,
                "kind": each.kind,
                "conditions": [
                    {"id": c.id, "name": words((c.zh, c.en)), "limit": str(c.limit), "severity": c.severity}
                    for c in each.conditions
                ],
            }
            for each in profile.categories
        ],
    }
