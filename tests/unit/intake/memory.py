"""What keeps reports when there is no MongoDB? A fake of intake's store; tests/contract holds both to one suite."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from services.intake.store import Known, Message, Report, Reports, Waiting, _known, _waiting
from shared.errors import Conflict, TryLater
from shared.loop.partitions import pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.envelope import Outgoing


class MemoryReports(Reports):
    """Reports in a dictionary; `away` makes every call fail as MongoDB does when it is away."""

    def __init__(self) -> None:
        """Keep nothing yet."""
        self.documents: dict[str, dict[str, Any]] = {}
        self.tickets: dict[str, bytes] = {}
        self.away = False

    def _here(self) -> None:
        if self.away:
            raise TryLater("MongoDB is away")

    async def insert(self, report: Report) -> None:
        """Keep a report."""
        self._here()
        if report.ticket in self.documents:
            raise Conflict(report.ticket)
        self.documents[report.ticket] = copy.deepcopy(report.document())

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

    async def sealed(self, ticket: str) -> bytes | None:
        """Give the sealed body."""
        self._here()
        return self.documents[ticket]["sealed"] if ticket in self.documents else None
