"""What happens to a command that a person gives at the desk? It is read strictly, published once, and waited for."""

from __future__ import annotations

import asyncio
import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import ValidationError

from services.desk.views import outcome_view
from shared.envelope import Envelope, Outgoing, headers
from shared.errors import TryLater
from shared.http import RETRY_AFTER_S, Problem, invalid
from shared.ids import named
from shared.messages import DESK_COMMANDS, Command
from shared.topics import TICKETS
from shared.tracing import concerning, of_ticket

if TYPE_CHECKING:
    from services.desk.store import CommandStore, Views
    from shared.clock import Clock
    from shared.kafka import Publisher

SOURCE: Final = "gridcall/desk"
MAX_TEXT: Final = 10_000
MAX_NAME: Final = 100
MAX_KEY: Final = 200
MAX_ITEMS: Final = 20
MAX_DEPTH: Final = 5
DEGREES: Final = {"lon": 180, "lat": 90}
WAIT_S: Final = 5.0
PUBLISH_S: Final = 5.0
FIRST_POLL_S: Final = 0.02
LONGEST_POLL_S: Final = 0.2
NOT_HERE: Final = frozenset({"department"})
"""Says that a department's own system speaks: the desk sets it for nobody."""


# ---------------------------------------------------------------- reading


def command_of(name: str, raw: bytes) -> Command:
    """Give the command that a body asks for; raises Problem with a pointer for everything that must change."""
    kind = DESK_COMMANDS[name]
    try:
        given = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise Problem(400, "The body is not JSON", f"send a JSON object: {error}") from error
    if not isinstance(given, dict):
        raise Problem(422, "Some fields must be changed", "the body must be a JSON object")
    problems = _found(given, "", 0)
    problems += [_unknown(f"/{field}") for field in NOT_HERE & given.keys()]
    if not isinstance(given.get("by"), str) or not given["by"].strip():
        problems.append({"pointer": "/by", "detail": "say who you are"})
    elif len(given["by"]) > MAX_NAME:
        problems.append({"pointer": "/by", "detail": f"use at most {MAX_NAME} characters"})
    if problems:
        raise _problem(problems)
    try:
        command = kind.model_validate_json(raw, strict=True)
    except ValidationError as error:
        raise invalid(error) from error
    understood = command.model_dump(mode="json", exclude_unset=True)
    unknown = _not_in(given, understood, "")
    if unknown:
        raise _problem(unknown)
    return command


def _problem(problems: list[dict[str, str]]) -> Problem:
    listed = "; ".join(f"{p['pointer']}: {p['detail']}" for p in problems[:3])
    return Problem(422, "Some fields must be changed", listed, problems[:20])


def _unknown(pointer: str) -> dict[str, str]:
    return {"pointer": pointer, "detail": "unknown field: remove it or correct its name"}


def _found(value: Any, pointer: str, depth: int) -> list[dict[str, str]]:
    """Find what no field may hold: NUL, texts and lists without end, numbers that are none."""
    problem = ""
    if isinstance(value, str):
        if "\0" in value:
            problem = "remove the NUL character"
        elif len(value) > MAX_TEXT:
            problem = f"use at most {MAX_TEXT} characters"
    elif isinstance(value, float | int) and not isinstance(value, bool):
        limit = DEGREES.get(pointer.rpartition("/")[2])
        if not math.isfinite(value):
            problem = "use a finite number"
        elif limit is not None and abs(value) > limit:
            problem = f"use degrees between -{limit} and {limit}"
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        if depth > MAX_DEPTH or len(value) > MAX_ITEMS:
            problem = f"use at most {MAX_ITEMS} entries, not nested deeper than {MAX_DEPTH}"
        else:
            return [
                found
                for name, item in items
                for found in [*_found(item, f"{pointer}/{_token(name)}", depth + 1), *_name_found(name, pointer)]
            ]
    return [{"pointer": pointer or "/", "detail": problem}] if problem else []


def _name_found(name: Any, pointer: str) -> list[dict[str, str]]:
    sound = not isinstance(name, str) or (len(name) <= MAX_NAME and "\0" not in name)
    return [] if sound else [{"pointer": pointer or "/", "detail": "a field's name is too long or holds a NUL"}]


def _token(name: Any) -> str:
    return str(name)[:MAX_NAME].replace("\0", "").replace("~", "~0").replace("/", "~1")


def _not_in(given: Any, understood: Any, pointer: str) -> list[dict[str, str]]:
    """Find the fields that were given and that no model took."""
    if isinstance(given, dict) and isinstance(understood, dict):
        return [
            found
            for name, value in given.items()
            for found in (
                _not_in(value, understood[name], f"{pointer}/{_token(name)}")
                if name in understood
                else [_unknown(f"{pointer}/{_token(name)}")]
            )
        ]
    if isinstance(given, list) and isinstance(understood, list):
        pairs = enumerate(zip(given, understood, strict=True))
        return [found for index, (one, other) in pairs for found in _not_in(one, other, f"{pointer}/{index}")]
    return []


def key_of(header: str | None) -> str:
    """Give the idempotency key; raises Problem where it is missing or no key."""
    if header is None or not header.strip():
        raise Problem(
            400,
            "Idempotency-Key is missing",
            "send the header Idempotency-Key with a text of your own for this request, the same one when you repeat it",
        )
    if len(header) > MAX_KEY or not header.isprintable():
        raise Problem(400, "Idempotency-Key is no key", f"use at most {MAX_KEY} printable characters")
    return header


# ---------------------------------------------------------------- giving


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a command: an outcome, or none yet."""

    ident: str
    outcome: dict[str, Any]
    replayed: bool


class Counter:
    """Takes commands: each (ticket, command, key) is decided once, however often it is sent."""

    def __init__(self, views: Views, store: CommandStore, publisher: Publisher, clock: Clock) -> None:
        """Work on the desk's read models and its memory of commands."""
        self._views = views
        self._store = store
        self._publisher = publisher
        self._clock = clock

    async def give(self, ticket: str, name: str, key: str, command: Command, trace: str = "") -> Answer:
        """Publish a command and wait for its outcome; raises Problem for a key that was used for another body."""
        concerning.set((ticket, trace or of_ticket(ticket)))
        ident = named("desk", ticket, name, key)
        body = command.model_dump_json(exclude_defaults=True).encode()
        digest = hashlib.blake2b(body, digest_size=16).hexdigest()
        known = await self._store.begin(ident, digest, self._clock.now())
        if known is not None:
            if known["digest"] != digest:
                raise Problem(
                    422,
                    "The key was used before",
                    "this Idempotency-Key was used with another body: use a new key for a new request",
                )
            outcome = known.get("outcome") or await self._seen(ticket, ident)
            if outcome:
                return Answer(ident, outcome, replayed=True)
        await self._publish(ticket, ident, command, body, trace)
        outcome = await self._waited(ticket, ident)
        if outcome:
            await self._store.answer(ident, outcome)
        return Answer(ident, outcome, replayed=False)

    async def outcome(self, ticket: str, ident: str) -> dict[str, Any]:
        """Give the outcome of a command that was given before; empty while it is not decided."""
        return await self._seen(ticket, ident)

    async def _publish(self, ticket: str, ident: str, command: Command, body: bytes, trace: str) -> None:
        envelope = Envelope(ident, SOURCE, command.type, self._clock.now(), ticket, traceparent=trace)
        try:
            async with asyncio.timeout(PUBLISH_S):
                await self._publisher.send([Outgoing(TICKETS, ticket, headers(envelope), body)])
        except (TryLater, TimeoutError) as error:
            raise Problem(
                503,
                "Not possible just now",
                "The log is away, so it is not known whether the command was taken: "
                f"send the same request with the same Idempotency-Key again in {RETRY_AFTER_S} seconds.",
                headers={"Retry-After": str(RETRY_AFTER_S)},
            ) from error

    async def _waited(self, ticket: str, ident: str) -> dict[str, Any]:
        """Look at growing intervals; once more after the first sight, since a decision may be several facts."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + WAIT_S, FIRST_POLL_S
        while loop.time() < until:
            await asyncio.sleep(pause)
            if await self._seen(ticket, ident):
                await asyncio.sleep(FIRST_POLL_S)
                return await self._seen(ticket, ident)
            pause = min(pause * 1.5, LONGEST_POLL_S)
        return {}

    async def _seen(self, ticket: str, ident: str) -> dict[str, Any]:
        view = await self._views.get(ticket)
        outcome = view.commands.get(ident) if view else None
        return outcome_view(outcome) if outcome else {}
