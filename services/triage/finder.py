"""Who finds that two reports are of one matter, or that a matter comes back? A reader of the log beside triage.

Only where the profile says so is there one. It decides nothing: it asks the ticket to note what it found, or, where
the profile calls that certain, to be merged; the ids of these commands follow from the tickets, so that whatever is
found twice is done once.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.triage.domain.alike import Sight, alike, grams, keys, unit_of, window
from services.triage.store import ALIKE, REPEATS, Places, kept
from shared.envelope import Envelope
from shared.errors import DeadLetter
from shared.ids import is_ticket_id, named
from shared.loop.tickets import decoded
from shared.messages import (
    MergeTicket,
    SuggestProject,
    SuspectDuplicate,
    TicketAmended,
    TicketClosed,
    TicketTriaged,
)
from shared.profile.model import concerns
from shared.topics import TICKETS
from shared.tracing import of_ticket

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.loop.door import Arrival, Reception
    from shared.messages import CategoryRef, Command, Location
    from shared.mongo import Document
    from shared.profile import Profile
    from shared.service import Service

NAME: Final = "alike"
SOURCE: Final = "gridcall/triage"
BY: Final = "gridcall"
READ: Final = {body.type: body for body in (TicketTriaged, TicketAmended, TicketClosed)}
MOST: Final = 100
"""Tickets of one place that are compared, the latest."""
SHOWN: Final = 50
"""Tickets that a suggested project names."""
REASON: Final = "系统判定重复，文字相似度 {score}。Found to be the same matter, texts alike: {score} of 100."


@dataclass(frozen=True, slots=True)
class Found:
    """A record of the log that concerns the finder."""

    arrival: Arrival
    ticket: str
    data: Any


class Finder:
    """Looks at each ticket once it is known what and where it is, and forgets it when it is closed."""

    def __init__(self, places: Places, profile: Profile) -> None:
        """Know what the city calls the same matter."""
        self._places = places
        self._profile = profile
        self._duplicates = profile.content.duplicates
        self._repeats = profile.content.repeats
        schedules = profile.content.schedules
        follow_ups = {each.follow_up.category for each in schedules if each.follow_up is not None}
        self._by_calendar = follow_ups | {each.category for each in schedules}

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Compare what was triaged with what is open around it, in order."""
        read = [one for arrival in arrivals if (one := self._read(arrival, reception)) is not None]
        alike_at = await self._load(read)
        for one in read:
            await asyncio.sleep(0)  # a full place takes a millisecond: let triage itself go on between two tickets
            if isinstance(one.data, TicketClosed):
                _taken_out(alike_at, one.ticket)
            elif isinstance(one.data, TicketAmended):
                self._moved(one, alike_at, reception)
            else:
                self._triaged(one, alike_at, reception)
        for document in alike_at.values():
            if document.pop("changed", False):
                reception.write(ALIKE, kept(document))
        await self._count(read, reception)

    def taken(self, items: Sequence[Any]) -> None:
        """Count nothing: what follows is counted where it is decided."""

    def _read(self, arrival: Arrival, reception: Reception) -> Found | None:
        """Give what a record says; what nobody can read is a dead letter."""
        key = (arrival.record.key or b"").decode(errors="replace")
        try:
            data = decoded(READ[arrival.envelope.type], arrival.record.value)
        except DeadLetter as error:
            reception.bury(arrival.partition, arrival.record, error)
            return None
        return Found(arrival, key, data) if is_ticket_id(key) and not self._scheduled(data) else None

    def _scheduled(self, data: Any) -> bool:
        """Tell whether it is compared with nothing.

        The calendar itself reported it, and that it comes back is what is wanted; or its words are withheld.
        """
        if not isinstance(data, TicketTriaged):
            return False
        return data.care or (data.channel == "visit" and data.category.code in self._by_calendar)

    # ------------------------------------------------------------ the same matter

    async def _load(self, read: list[Found]) -> dict[str, Document]:
        """Give every place that this turn concerns."""
        if self._duplicates is None:
            return {}
        again = [one.ticket for one in read if not _new(one.data)]
        known = await self._places.holding(again)
        wanted = {key for one in read for key in self._keys(one)}
        return await self._places.at(ALIKE, wanted - known.keys()) | known

    def _keys(self, one: Found) -> tuple[str, ...]:
        if isinstance(one.data, TicketClosed):
            return ()
        anything = Sight(one.ticket, one.arrival.envelope.time, "")
        return self._at(anything, one.data.category, one.data.place)[1]

    def _at(self, sight: Sight, category: CategoryRef, place: Location) -> tuple[Sight, tuple[str, ...]]:
        """Give what is compared of a ticket at a place, and where it is found; nowhere when nothing is looked for."""
        rules = self._duplicates
        if rules is None or not concerns(rules.categories, category.code):
            return sight, ()
        unit = unit_of(place, rules.level, self._profile)
        sight = sight._replace(unit=unit, lon=place.lon, lat=place.lat)
        return sight, keys(sight, category, rules, self._profile)

    def _triaged(self, one: Found, places: dict[str, Document], reception: Reception) -> None:
        at = one.data.reported_at or one.arrival.envelope.time
        sight = Sight(one.ticket, at, grams(one.data.description), severity=one.data.severity)
        self._compared(one, *self._at(sight, one.data.category, one.data.place), places, reception)

    def _moved(self, one: Found, places: dict[str, Document], reception: Reception) -> None:
        """Look at it again where it really is; its words are those of its report."""
        before = _entry(places, one.ticket)
        if before is not None:
            sight = _sight(before)._replace(severity=one.data.severity)
            self._compared(one, *self._at(sight, one.data.category, one.data.place), places, reception)

    def _compared(
        self, one: Found, sight: Sight, where: tuple[str, ...], places: dict[str, Document], reception: Reception
    ) -> None:
        rules = self._duplicates
        _taken_out(places, one.ticket)
        if rules is None or not where:
            return
        others = {each["id"]: _sight(each) for key in where for each in places[key]["tickets"]}
        found = alike(sight, others.values(), rules)
        if found is not None and found.certain:
            merge = MergeTicket(by=BY, into=found.of, reason=REASON.format(score=found.score))
            _ask(one, merge, found.of, reception)
        elif found is not None:
            _ask(one, SuspectDuplicate(by=BY, of=found.of, score=found.score, metres=found.metres), found.of, reception)
        for key in where:
            oldest = sight.at - window(rules, sight.at)
            fresh = [each for each in places[key]["tickets"] if each["at"] >= oldest]
            places[key] |= {"tickets": [*fresh, sight._asdict()][-MOST:], "changed": True}

    # ------------------------------------------------------------ what comes back

    async def _count(self, read: list[Found], reception: Reception) -> None:
        """Count what is reported at each place, and suggest a project when it is too often."""
        rules = self._repeats
        if rules is None:
            return
        new = [one for one in read if _new(one.data) and concerns(rules.categories, one.data.category.code)]
        placed = [(one, unit_of(one.data.place, rules.level, self._profile)) for one in new]
        keyed = [(one, unit, f"{one.data.category.code}/{unit}") for one, unit in placed if unit]
        places = await self._places.at(REPEATS, {key for *_, key in keyed})
        for one, unit, key in keyed:
            at: datetime = one.data.reported_at or one.arrival.envelope.time
            place = places[key]
            oldest = at - window(rules, at)
            fresh = [each for each in place["tickets"] if each["at"] >= oldest and each["id"] != one.ticket]
            latest = [*fresh, {"id": one.ticket, "at": at}][-MOST:]
            total, told = place.get("total", 0) + 1, place.get("told", 0)
            if len(latest) >= rules.times and total - told >= rules.times:
                told = total
                body = SuggestProject(
                    by=BY,
                    unit=unit,
                    category=one.data.category.code,
                    times=len(latest),
                    since=min(each["at"] for each in latest),
                    tickets=tuple(each["id"] for each in latest)[-SHOWN:],
                )
                _ask(one, body, key, reception)
            places[key] = place | {"tickets": latest, "total": total, "told": told}
        for document in places.values():
            reception.write(REPEATS, kept(document))


def _new(data: Any) -> bool:
    return isinstance(data, TicketTriaged) and data.attempt == 1


def _ask(one: Found, body: Command, about: str, reception: Reception) -> None:
    """Ask a ticket for something, under an id that follows from what was found."""
    ident = named("alike", one.ticket, about, body.type)
    envelope = Envelope(
        ident, SOURCE, body.type, reception.now, one.ticket,
        causation=one.arrival.envelope.id, traceparent=of_ticket(one.ticket),
    )  # fmt: skip
    reception.say(one.arrival, envelope, body, TICKETS, one.ticket)


def _sight(entry: dict[str, Any]) -> Sight:
    return Sight(**{name: entry[name] for name in Sight._fields})


def _entry(places: dict[str, Document], ticket: str) -> dict[str, Any] | None:
    return next((each for place in places.values() for each in place["tickets"] if each["id"] == ticket), None)


def _taken_out(places: dict[str, Document], ticket: str) -> None:
    for place in places.values():
        left = [each for each in place["tickets"] if each["id"] != ticket]
        if len(left) < len(place["tickets"]):
            place |= {"tickets": left, "changed": True}


def add_finder(service: Service) -> None:
    """Let a finder read the log where the profile has something to find."""
    content = service.profile.content
    if content.duplicates is not None or content.repeats is not None:
        finder = Finder(Places(service.db), service.profile)
        service.read_door(finder, (TICKETS,), NAME, types=frozenset(name.encode() for name in READ))
