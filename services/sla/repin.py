"""What would another version of the profile change for open tickets? Asked of sla's own rules, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from services.sla.domain import SlaState, decide
from shared.decider import Message
from shared.envelope import Envelope, Outgoing, headers
from shared.ids import named
from shared.messages import ClocksRecalculated, RecountClocks
from shared.mongo import remedies
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from datetime import datetime

    from shared.messages import ClockMove
    from shared.mongo import Database
    from shared.profile import Profile

SOURCE: Final = "gridcall/policy"


class Pinned(NamedTuple):
    """An open ticket that another version of the profile holds for."""

    ticket: str
    policy: str
    moves: tuple[ClockMove, ...]
    """What limits would become."""


async def pinned_elsewhere(db: Database, profile: Profile, now: datetime) -> AsyncIterator[Pinned]:
    """Give every open ticket that is pinned to another version, with what applying this one would change.

    The policies that sla has stored must be known to the profile. Raises TryLater.
    """
    with remedies():
        async for document in db["tickets"].find({"v": {"$exists": True, "$ne": profile.version}}, {"s": 1}):
            state = SlaState.model_validate_json(document["s"])
            command = _command(document["_id"], profile.version, "dry run", now)
            moves = [
                move
                for fact in decide(state, command, now, profile)
                if isinstance(fact, ClocksRecalculated) and fact.why == "policy"
                for move in fact.clocks
            ]
            yield Pinned(document["_id"], state.policy, tuple(moves))


def applied(ticket: str, version: str, by: str, now: datetime) -> Outgoing:
    """Give the command that pins a ticket to a version; the same one again changes nothing."""
    envelope, _, body = _command(ticket, version, by, now)
    return Outgoing(TICKETS, ticket, headers(envelope), body.model_dump_json(exclude_defaults=True).encode())


def _command(ticket: str, version: str, by: str, now: datetime) -> Message:
    body = RecountClocks(by=by, why="policy", policy=version)
    ident = named("repin", ticket, version, now.isoformat())
    return Message(Envelope(ident, SOURCE, body.type, now, ticket), ticket, body)
