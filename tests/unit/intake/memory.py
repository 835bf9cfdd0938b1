"""What keeps reports when there is no MongoDB? A fake of intake's store; tests/contract holds both to one suite."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from services.intake.domain import OVER, Tracked
from services.intake.store import Known, Message, Report, Reports, Waiting, _known, _waiting
from shared.errors import TryLater
from shared.loop.partitions import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from services.intake.domain import Search
    from shared.envelope import Outgoing


def _at(one: tuple[datetime, str]) -> datetime:
    return one[0]


class MemoryReports(Reports):
    """Reports in a dictionary; `away` makes every call fail as MongoDB does when it is away."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.documents: dict[str, dict[str, Any]] = {}
        self.tickets: dict[str, bytes] = {}
        self.away = False
        self.looked_until: datetime | None = None

    async def looked_at(self) -> datetime | None:
        """Give until when the calendar was looked at."""
        self._here()
        return self.looked_until

    async def looked(self, until: datetime) -> None:
        """Remember it."""
        self._here()
        self.looked_until = until if self.looked_until is None else max(self.looked_until, until)

    def _here(self) -> None:
        if self.away:
            raise TryLater("MongoDB is away")

    async def insert_each(self, reports: Sequence[Report]) -> list[bool]:
        """Keep every report that is new."""
        self._here()
        kept = []
        for report in reports:
            twins = {document.get("twin") for document in self.documents.values()}
            new = report.ticket not in self.documents and not (report.twin and report.twin in twins)
            if new:
                self.documents[report.ticket] = copy.deepcopy(report.document())
            kept.append(new)
        return kept

    async def twins(self, twins: Iterable[bytes]) -> dict[bytes, Known]:
        """Give what is known of the reports that have one of these."""
        self._here()
        wanted = set(twins)
        return {d["twin"]: _known(d) for d in self.documents.values() if d.get("twin") in wanted}

    async def known(self, tickets: Iterable[str]) -> dict[str, Known]:
        """Give what is known."""
        self._here()
        return {ticket: _known(self.documents[ticket]) for ticket in tickets if ticket in self.documents}

    async def push(self, known: Known, message: Message, spool: Sequence[Outgoing]) -> bool:
        """Keep a message."""
        self._here()
        document = self.documents.get(known.ticket)
        if document is None or document["n"] != known.sequence:
            return False
        document["n"] += 1
        kept = {"id": message.ident, "digest": message.digest, "at": message.at, "sealed": message.sealed}
        document.setdefault("messages", []).append(kept)
        document.setdefault("spool", []).append([document["n"], pack(spool)])
        document["waiting"] = min(document.get("waiting", message.at), message.at)
        return True

    async def waiting(self, limit: int) -> list[Waiting]:
        """Give what waits, longest first."""
        self._here()
        found = [_waiting(document) for document in self.documents.values() if "waiting" in document]
        return sorted(found, key=lambda one: one.since)[:limit]

    async def waiting_of(self, tickets: Iterable[str]) -> list[Waiting]:
        """Give what waits of some tickets."""
        wanted = set(tickets)
        return [one for one in await self.waiting(len(self.documents)) if one.ticket in wanted]

    async def published(self, done: Iterable[Waiting]) -> None:
        """Forget what was published."""
        self._here()
        for one in done:
            document = self.documents.get(one.ticket)
            if document is not None and document["n"] == one.last:
                document.pop("spool", None)
                document.pop("waiting", None)

    async def on_log(self, tickets: Sequence[str]) -> set[str]:
        """Give those that were read from the log."""
        self._here()
        return {ticket for ticket in tickets if ticket in self.tickets}

    async def tracked(self, ticket: str) -> bytes | None:
        """Give the state of a ticket."""
        self._here()
        return self.tickets.get(ticket)

    async def public(self, search: Search) -> list[tuple[str, bytes]]:
        """Give the public requests that are wanted."""
        self._here()
        states = [(ticket, Tracked.model_validate_json(stored)) for ticket, stored in self.tickets.items()]
        found = [
            (state.public.at, ticket)
            for ticket, state in states
            if state.public is not None and search.fits(state.public, is_open=state.where not in OVER)
        ]
        ordered = [ticket for _, ticket in sorted(sorted(found, key=lambda one: one[1]), key=_at, reverse=True)]
        return [(ticket, self.tickets[ticket]) for ticket in ordered[search.skip : search.skip + search.limit]]

    async def states(self, tickets: Iterable[str]) -> dict[str, bytes]:
        """Give the states that are there."""
        self._here()
        return {ticket: self.tickets[ticket] for ticket in tickets if ticket in self.tickets}

    async def sealed(self, ticket: str) -> bytes | None:
        """Give the sealed body."""
        self._here()
        return self.documents[ticket]["sealed"] if ticket in self.documents else None
