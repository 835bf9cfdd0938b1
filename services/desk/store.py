"""Where are the read models, and how are they searched? The desk's only file that knows MongoDB's documents.

The loop stores each ticket's view as one document: the view itself as JSON in `s`, beside it what `searchable`
gives. Work lists read those fields alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Literal

from services.desk.conduct import conduct
from services.desk.domain import CLOSED, Ticket
from services.desk.indicators import Beside, figures
from services.desk.rates import RATES, rates
from shared.errors import Conflict, TryLater
from shared.indexes import Index
from shared.loop.generations import FIRST, Generations, collection_of
from shared.loop.tickets import COLLECTION
from shared.mongo import ASCENDING, DESCENDING, remedies

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from services.desk.domain import Family, Suggestion
    from shared.mongo import Database
    from shared.profile import Profile

COMMANDS: Final = "commands"
COMMANDS_KEPT_S: Final = 7 * 86400
NEVER: Final = datetime(9999, 12, 31, tzinfo=UTC)
"""`due` of a ticket whose clocks have all ended, so that it sorts behind the others."""
ABOUT: Final = 300
POINTER_CACHED_S: Final = 1.0
SEARCH_MS: Final = 5_000
SUGGESTIONS_SHOWN: Final = 200
TICKETS_SHOWN: Final = 20
"""Of each suggestion, the latest."""
SORTS: Final = ("due", "reported_at", "updated_at")
RATE_FIELDS: Final = tuple(f"rates.{rate}.{part}" for rate in RATES for part in ("n", "of"))
"""Indexed for closed tickets alone, so that the rates of a week read no views."""
FIGURE_FIELDS: Final = ("open", "closed_at", *RATE_FIELDS, "reported_at", "area", "category", "figures")
"""One index has all that the rates and the indicators of closed tickets are added up from."""
BESIDE: Final = {"s": 0, "n": 0, "a": 0, "p": 0, "q": 0}
"""Leaves out what the loop keeps, the view included."""


def view_indexes(collection: str) -> tuple[Index, ...]:
    """Give the indexes of one generation's views; few, since each is maintained ten times in a ticket's life."""
    return (
        Index(collection, (("open", 1), ("due", 1), ("_id", 1))),
        Index(collection, (("units", 1), ("due", 1), ("_id", 1))),
        Index(collection, (("handlers", 1), ("due", 1), ("_id", 1))),
        Index(collection, (("reported_at", 1), ("_id", 1))),
        Index(collection, (("hints", 1), ("due", 1), ("_id", 1)), partial={"hints": {"$exists": True}}),
        Index(collection, tuple((name, 1) for name in FIGURE_FIELDS), partial={"open": False}),
        Index(collection, (("points.account", 1),), partial={"points.account": {"$exists": True}}),
        Index(collection, (("suggestion.category", 1),), partial={"suggestion.category": {"$exists": True}}),
    )


INDEXES: Final = (*view_indexes(COLLECTION), Index(COMMANDS, (("at", 1),), expire_after_s=COMMANDS_KEPT_S))


# ---------------------------------------------------------------- what is searched


def searchable(profile: Profile) -> Callable[[Ticket], dict[str, Any]]:
    """Give the function from a view to the fields that stand beside it."""
    chains: dict[str, tuple[str, ...]] = {}
    rated = profile.rated_bodies
    nothing = Beside({}, {}, rated)  # of an open ticket it is not known yet

    def chain(unit: str) -> tuple[str, ...]:
        found = chains.get(unit)
        if found is None:
            found = chains[unit] = tuple(above.id for above in profile.chain(unit)) or (unit,)
        return found

    def fields(ticket: Ticket) -> dict[str, Any]:
        if ticket.reported_at is None:
            return {}
        place, category, lead = ticket.place, ticket.category, ticket.lead
        concerned = [owner.unit for owner in ticket.owners]
        concerned += [ticket.waits_at, place.unit if place else ""]
        for order in ticket.orders.values():
            if order.handler.kind == "unit":
                concerned.append(order.handler.id)
            if order.request is not None:
                concerned.append(order.request.unit)
        is_open = ticket.state != CLOSED
        beside = nothing if is_open else Beside(rates(ticket), conduct(ticket, profile), rated)
        suggested: dict[str, Any] = {} if ticket.suggestion is None else {"suggestion": suggestion(ticket.suggestion)}
        if ticket.family is not None and (hints := _hints(ticket.family, is_open=is_open)):
            suggested["hints"] = hints
        if ticket.points:
            suggested["points"] = [
                {"account": each.account, "rule": each.rule, "points": each.points, "at": each.at}
                for each in ticket.points
            ]
        return suggested | {
            "state": ticket.state,
            "open": is_open,
            "level": ticket.level,
            "unit": ticket.unit or ticket.waits_at,
            "units": list(dict.fromkeys(above for unit in concerned if unit for above in chain(unit))),
            "department": lead.id if lead and lead.kind == "department" else "",
            "handlers": list(dict.fromkeys(handler_id(o.handler) for o in ticket.orders.values())),
            "category": category.code if category else "",
            "category_name": category.name if category else "",
            "severity": ticket.severity,
            "due": (ticket.due or NEVER) if is_open else NEVER,
            "closed_at": ticket.closed_at,
            "rates": beside.rates,
            "conduct": beside.conduct,
            "area": (place.unit if place else "") or ticket.unit or ticket.waits_at,
            "figures": figures(ticket, beside, is_open=is_open),
            "reported_at": ticket.reported_at,
            "updated_at": ticket.updated_at,
            "reference": ticket.source_reference,
            "address": (place.address if place else None) or ticket.said_place.address or "",
            "about": ticket.description[:ABOUT],
            "orders": [
                {"id": ident, "handler": handler_id(o.handler), "state": o.state} for ident, o in ticket.orders.items()
            ],
        }

    return fields


def suggestion(found: Suggestion) -> dict[str, str]:
    """Give a change of the matrix that a ticket suggests, as it is grouped with those of others."""
    return {
        "category": found.category.code,
        "condition": found.category.condition,
        "level": found.level,
        "place": found.place,
        "chosen": handler_id(found.chosen),
        "handler": handler_id(found.handler),
    }


def _hints(family: Family, *, is_open: bool) -> list[str]:
    """Give what gridcall proposes and a person has not done."""
    duplicate = ["duplicate"] if is_open and family.suspected and not family.main else []
    return [*duplicate, *(["project"] if family.project is not None else [])]


def handler_id(handler: Any) -> str:
    """Give a handler as one word, `department:x` or `unit:x`."""
    return f"{handler.kind}:{handler.id}"


# ---------------------------------------------------------------- pages


class BadCursor(ValueError):  # noqa: N818 - the sentence that it stands for
    """The cursor is none of ours, or of another list."""


class SearchTooWide(Exception):  # noqa: N818 - the same
    """MongoDB gave up after SEARCH_MS."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: in which order, at which instant, ticket and order."""

    sort: str
    at: datetime
    ticket: str
    order: str = ""

    def text(self) -> str:
        """Give it as clients carry it."""
        parts = [self.sort, self.at.isoformat(), self.ticket, self.order]
        return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def cursor_of(text: str, sort: str) -> Cursor:
    """Give the cursor of a text; raises BadCursor when it is none, or of another order."""
    try:
        parts = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        kept, at, ticket, order = parts
        cursor = Cursor(kept, datetime.fromisoformat(at), ticket, order)
        sound = all(isinstance(part, str) for part in parts) and cursor.at.tzinfo is not None
    except (ValueError, TypeError, RecursionError) as error:
        raise BadCursor(text) from error
    if not sound or cursor.sort != sort or len(text) > 300:  # noqa: PLR2004 - ours are shorter
        raise BadCursor(text)
    return cursor


@dataclass(frozen=True, slots=True)
class Times:
    """A period: which instant of a ticket lies in it, from `begin` on and before `end`."""

    field: Literal["closed_at", "reported_at"]
    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Some documents of a list in order, and where the next page begins."""

    documents: list[dict[str, Any]]
    cursor: str | None


def contains(words: str) -> dict[str, Any]:
    """Give the condition that a ticket's id, reference, category, address or description holds `words`."""
    pattern = {"$regex": re.escape(words), "$options": "i"}
    return {"$or": [{name: pattern} for name in ("_id", "reference", "category", "category_name", "address", "about")]}


def _found_in(name: str) -> dict[str, Any]:
    return {"$regexFind": {"input": "$figures", "regex": f";{name}=[^;]*"}}


class Views:
    """Reads the read models of the present generation."""

    def __init__(self, db: Database) -> None:
        """Read in the desk's database."""
        self.db = db
        self.generations = Generations(db)
        self._generation = FIRST
        self._looked = float("-inf")

    async def generation(self) -> int:
        """Give the present generation, as of a second ago at most."""
        now = asyncio.get_running_loop().time()
        if now - self._looked > POINTER_CACHED_S:
            self._generation = await self.generations.current()
            self._looked = now
        return self._generation

    async def collection(self) -> Any:
        """Give the collection of views."""
        return self.db[collection_of(COLLECTION, await self.generation())]

    async def get(self, ticket: str) -> Ticket | None:
        """Give the view of a ticket, None for one that was never reported."""
        views = await self.collection()
        with remedies():
            found = await views.find_one({"_id": ticket}, {"s": 1})
        view = Ticket.model_validate_json(found["s"]) if found else None
        return view if view is not None and view.reported_at is not None else None

    async def states(self, tickets: Collection[str]) -> dict[str, str]:
        """Give the states of some tickets."""
        if not tickets:
            return {}
        views = await self.collection()
        with remedies():
            found = await views.find({"_id": {"$in": list(tickets)}}, {"state": 1}).to_list(None)
        return {document["_id"]: document.get("state", "") for document in found}

    async def page(self, wanted: dict[str, Any], sort: str, limit: int, cursor: str | None) -> Page:
        """Give a page of tickets; `sort` is one of SORTS, with a minus for descending."""
        name, down = sort.removeprefix("-"), sort.startswith("-")
        found = await self._after(wanted, name, cursor_of(cursor, sort) if cursor else None, limit + 1, down=down)
        following = None
        if len(found) > limit:
            last = found[limit - 1]
            following = Cursor(sort, last[name], last["_id"]).text()
        return Page(found[:limit], following)

    async def _after(
        self, wanted: dict[str, Any], name: str, cursor: Cursor | None, limit: int, *, down: bool, again: bool = False
    ) -> list[dict[str, Any]]:
        """Give documents behind a cursor; `again`: its own ticket is looked at once more."""
        clauses: list[dict[str, Any]] = [{"reported_at": {"$type": "date"}}, wanted]
        if cursor is not None:
            beyond, same = ("$lt", "$lte") if down else ("$gt", "$gte")
            own = same if again else beyond
            clauses += [
                {name: {same: cursor.at}},
                {"$or": [{name: {beyond: cursor.at}}, {"_id": {own: cursor.ticket}}]},
            ]
        direction = DESCENDING if down else ASCENDING
        views = await self.collection()
        query = views.find({"$and": [c for c in clauses if c]}, BESIDE).sort([(name, direction), ("_id", direction)])
        try:
            with remedies():
                documents: list[dict[str, Any]] = await query.limit(limit).max_time_ms(SEARCH_MS).to_list(limit)
        except TryLater as error:
            if "time limit" in str(error):
                raise SearchTooWide from error
            raise
        return documents

    async def orders(
        self, wanted: dict[str, Any], handlers: tuple[str, ...], states: tuple[str, ...], limit: int, cursor: str | None
    ) -> Page:
        """Give a page of orders, the most urgent tickets first, with their tickets' fields."""
        match = {name: {"$in": list(words)} for name, words in (("handler", handlers), ("state", states)) if words}
        place = cursor_of(cursor, "orders") if cursor else None
        clauses: dict[str, Any] = {**wanted, "orders": {"$elemMatch": match} if match else {"$ne": []}}
        if handlers:
            clauses["handlers"] = {"$in": list(handlers)}
        tickets = await self._after(clauses, "due", place, limit + 2, down=False, again=True)
        listed = [
            {"ticket": ticket, **order}
            for ticket in tickets
            for order in ticket["orders"]
            if (not handlers or order["handler"] in handlers)
            and (not states or order["state"] in states)
            and not (
                place and ticket["_id"] == place.ticket and ticket["due"] == place.at and order["id"] <= place.order
            )
        ]
        following = None
        if len(listed) > limit:
            last = listed[limit - 1]
            following = Cursor("orders", last["ticket"]["due"], last["ticket"]["_id"], last["id"]).text()
        return Page(listed[:limit], following)

    async def counts(self) -> dict[str, Any]:
        """Count open tickets by state, level, department and territorial owner, and the closed ones."""
        views = await self.collection()
        groups = [
            {"$match": {"open": True}},
            {
                "$group": {
                    "_id": {"s": "$state", "l": "$level", "d": "$department", "u": "$unit"},
                    "n": {"$sum": 1},
                }
            },
        ]
        with remedies():
            rows = await views.aggregate(groups).to_list(None)
            closed = await views.count_documents({"open": False})
        return {"rows": [{**row["_id"], "n": row["n"]} for row in rows], "closed": closed}

    async def rates(self, since: datetime) -> dict[str, tuple[int, int]]:
        """Give for each rate how many count for it, of how many, over tickets closed since; out of an index alone."""
        views = await self.collection()
        sums = {name.replace(".", "_"): {"$sum": f"${name}"} for name in RATE_FIELDS}
        group = [{"$match": {"open": False, "closed_at": {"$gte": since}}}, {"$group": {"_id": None, **sums}}]
        with remedies():
            found = await views.aggregate(group).to_list(1)
        return {rate: (found[0][f"rates_{rate}_n"], found[0][f"rates_{rate}_of"]) for rate in RATES} if found else {}

    async def reach(self, wanted: dict[str, Any], name: str, limit: int, before: datetime | None) -> datetime | None:
        """Give the instant back to which so many of the latest tickets lie; None when there are fewer.

        An index has them in this order, so a page need not be sorted out of all that there are.
        """
        views = await self.collection()
        clauses = [wanted] if before is None else [wanted, {name: {"$lt": before}}]
        query = views.find({"$and": clauses}, {name: 1, "_id": 0}).sort(name, DESCENDING).limit(limit)
        found = await self._within_reason(query.max_time_ms(SEARCH_MS))
        return found[-1][name] if len(found) == limit else None

    async def figures(
        self, wanted: dict[str, Any], times: Times, key: str | None, zone: str, name: str = ""
    ) -> list[dict[str, Any]]:
        """Count tickets by what they add to the indicators (`f`), or to one, and by `key` (`k`).

        Closed ones out of an index alone.
        """
        part = {"$let": {"vars": {"m": _found_in(name)}, "in": "$$m.match"}} if name else "$figures"
        views = await self.collection()
        begin, end = times.begin, times.end
        day = {"$dateToString": {"date": f"${times.field}", "format": "%Y-%m-%d", "timezone": zone}}
        group = {"$group": {"_id": {"f": part, "k": day if key == "day" else key}, "n": {"$sum": 1}}}
        within: dict[str, Any] = {times.field: {"$gte": begin, "$lt": end}}
        matches: list[dict[str, Any]] = [{"open": False, "closed_at": {"$gte": begin}} | within]
        if times.field == "reported_at":
            matches.append({"open": True} | within)
        found: list[dict[str, Any]] = []
        for match in matches:
            stages = [{"$match": match | wanted}, group]
            found += await self._within_reason(views.aggregate(stages, maxTimeMS=SEARCH_MS))
        return [{"f": row["_id"].get("f") or "", "k": row["_id"].get("k") or "", "n": row["n"]} for row in found]

    @staticmethod
    async def _within_reason(answer: Any) -> list[dict[str, Any]]:
        """Give all of an answer; raises SearchTooWide when MongoDB gave up."""
        try:
            with remedies():
                documents: list[dict[str, Any]] = await answer.to_list(None)
        except TryLater as error:
            if "time limit" in str(error):
                raise SearchTooWide from error
            raise
        return documents

    async def points(self, account: str, before: datetime | None) -> list[dict[str, Any]]:
        """Give the lines of an account, or of all, before an instant, in order of time and then of ticket."""
        views = await self.collection()
        wanted: dict[str, Any] = {"points.account": account or {"$exists": True}}
        query = views.find(wanted, {"points": 1}).max_time_ms(SEARCH_MS)
        found = [
            (line["at"], document["_id"], nth, line)
            for document in await self._within_reason(query)
            for nth, line in enumerate(document["points"])
            if (before is None or line["at"] < before) and account in {"", line["account"]}
        ]
        found.sort(key=lambda each: each[:3])
        return [{"ticket": ticket, **line} for _, ticket, _, line in found]

    async def suggestions(self) -> list[dict[str, Any]]:
        """Give the changes of the matrix that tickets suggest, each with how many do and which; the most first."""
        views = await self.collection()
        about = ("category", "condition", "level", "chosen", "handler")
        stages: list[dict[str, Any]] = [
            {"$match": {"suggestion.category": {"$exists": True}}},
            {"$sort": {"updated_at": DESCENDING, "_id": ASCENDING}},
            {
                "$group": {
                    "_id": {name: f"$suggestion.{name}" for name in about},
                    "count": {"$sum": 1},
                    "places": {"$addToSet": "$suggestion.place"},
                    "tickets": {"$push": "$_id"},
                }
            },
            {"$set": {"tickets": {"$slice": ["$tickets", TICKETS_SHOWN]}}},
            {"$sort": {"count": DESCENDING, "_id": ASCENDING}},
            {"$limit": SUGGESTIONS_SHOWN},
        ]
        with remedies():
            rows: list[dict[str, Any]] = await views.aggregate(stages, maxTimeMS=SEARCH_MS).to_list(None)
        return [
            {**row["_id"], "count": row["count"], "places": sorted(row["places"]), "tickets": row["tickets"]}
            for row in rows
        ]


# ---------------------------------------------------------------- commands


class CommandStore:
    """Remembers for seven days which command stands behind an idempotency key, and what it was answered."""

    def __init__(self, db: Database) -> None:
        """Keep them in the desk's database."""
        self._commands = db[COMMANDS]

    async def begin(self, ident: str, digest: str, at: datetime) -> dict[str, Any] | None:
        """Remember a command before it is published; gives what is remembered when it is not the first time."""
        try:
            with remedies():
                await self._commands.insert_one({"_id": ident, "digest": digest, "at": at})
        except Conflict:
            with remedies():
                found: dict[str, Any] | None = await self._commands.find_one({"_id": ident})
            return found or {"_id": ident, "digest": digest}
        return None

    async def answer(self, ident: str, outcome: dict[str, Any]) -> None:
        """Remember the outcome, for when the view has forgotten it."""
        with remedies():
            await self._commands.update_one({"_id": ident}, {"$set": {"outcome": outcome}})
