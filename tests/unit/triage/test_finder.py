"""What does the finder ask of which ticket, turn by turn?"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiokafka import ConsumerRecord

from services.triage.finder import READ, Finder
from services.triage.store import ALIKE
from shared.clock import StoppedClock
from shared.envelope import Envelope, headers
from shared.ids import named, ticket_id
from shared.loop.door import DoorWork
from shared.loop.partitions import Partition
from shared.loop.poison import Morgue
from shared.loop.work import Batch
from shared.messages import (
    Location,
    MergeTicket,
    SuggestProject,
    SuspectDuplicate,
    TicketAmended,
    TicketClosed,
    TicketReopened,
)
from shared.profile import parse_profile
from shared.topics import TICKETS
from tests.support.fold import MORNING, body_of, envelope_of
from tests.unit.dispatch.orders import triaged
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.messages import Body

ALIKE_RULES = """
duplicates:
  within: 3 natural_days
  level: community
  radius: 100
  suspect: 60
  certain: 95
"""
REPEAT_RULES = """
repeats: {times: 3, within: 30 natural_days, level: community}
"""
GRID = Location(grid="100000001001001", community="100000001001", unit="100000001001001", lon=100.15, lat=30.15)
ADDRESS = Location(address="新村", community="100000001001", unit="100000001001")
A, B, C, D, E, F = (ticket_id("test", name) for name in "ABCDEF")
TEXT = "水管漏水，东门旁路面积水"


class InMemory:
    """Places as MongoDB would keep them."""

    def __init__(self) -> None:
        """Know nothing."""
        self.kept: dict[str, dict[str, Any]] = defaultdict(dict)

    async def at(self, collection: str, keys: Collection[str]) -> dict[str, Any]:
        """Give copies."""
        known = self.kept[collection]
        return {key: dict(known.get(key, {"_id": key, "v": 0, "tickets": []})) for key in keys}

    async def holding(self, tickets: Collection[str]) -> dict[str, Any]:
        """Give the places of some tickets."""
        places = self.kept[ALIKE].items()
        return {key: dict(each) for key, each in places if {t["id"] for t in each["tickets"]} & set(tickets)}


class Watch:
    """The finder as the loop calls it."""

    def __init__(self, more: str = ALIKE_RULES) -> None:
        """Watch a city with these rules."""
        self.places = InMemory()
        self.clock = StoppedClock(MORNING)
        finder = Finder(self.places, parse_profile(SMALL + more, "small"))  # type: ignore[arg-type]
        types = frozenset(name.encode() for name in READ)
        self.work = DoorWork("triage", finder, Morgue("triage"), self.clock, types)
        self.count = 0
        self.said: list[tuple[str, Any]] = []
        self.ids: list[str] = []

    def turn(self, *what: tuple[str, Body], apply: bool = True) -> list[tuple[str, Any]]:
        """Let one turn read some records; gives (ticket, command)."""
        records = [self._record(ticket, body) for ticket, body in what]
        partition = Partition(f"x/{TICKETS}/0", TICKETS, 0)
        outcome = asyncio.run(self.work.decide([Batch(partition, records)]))
        if apply:
            for collection, writes in outcome.writes.items():
                for write in writes:
                    before, after = write._filter, write._doc
                    known = self.places.kept[collection].get(before["_id"], {"v": 0})
                    assert known["v"] == before["v"]
                    self.places.kept[collection][before["_id"]] = after
        out = outcome.outbox.get(partition.key, [])
        self.ids = [envelope_of(each).id for each in out]
        assert all(each.topic == TICKETS and envelope_of(each).subject == each.key for each in out)
        return [(each.key, body_of(each)) for each in out]

    def triaged(self, ticket: str, text: str = TEXT, minutes: int = 0, **more: Any) -> list[tuple[str, Any]]:
        """Let a ticket be triaged."""
        at = MORNING + timedelta(minutes=minutes)
        return self.turn((ticket, triaged(**({"description": text, "reported_at": at, "place": ADDRESS} | more))))

    def _record(self, ticket: str, body: Body) -> Any:
        self.count += 1
        ident = named("record", ticket, body.type, str(self.count))
        envelope = Envelope(ident, "gridcall/x", body.type, MORNING, ticket, self.count)
        value = body.model_dump_json().encode()
        return ConsumerRecord(TICKETS, 0, self.count, 0, 0, ticket.encode(), value, None, 0, 0, headers(envelope))


def test_the_hotline_and_the_grid_app_report_one_matter() -> None:
    """The later one is suspected to be the earlier one's duplicate (LS-15)."""
    watch = Watch()
    assert watch.triaged(A, place=GRID, channel="grid") == []
    ((ticket, asked),) = watch.triaged(B, "东门旁路面积水，像是水管漏了", 20, channel="hotline")
    assert (ticket, type(asked), asked.of, asked.by) == (B, SuspectDuplicate, A, "gridcall")
    assert 60 <= asked.score < 95


def test_what_is_certain_is_merged_without_asking() -> None:
    """Where the profile allows it; else a person always confirms."""
    watch = Watch()
    watch.triaged(A)
    ((ticket, asked),) = watch.triaged(B, minutes=5)
    assert (ticket, type(asked), asked.into) == (B, MergeTicket, A)
    careful = Watch(ALIKE_RULES.replace("  certain: 95\n", ""))
    careful.triaged(A)
    ((_, asked),) = careful.triaged(B, minutes=5)
    assert isinstance(asked, SuspectDuplicate)


def test_what_is_found_again_has_the_same_id() -> None:
    """After a crash before the turn was written, and when the ticket is triaged once more."""
    watch = Watch()
    watch.triaged(A)
    body = triaged(description=TEXT, reported_at=MORNING, place=ADDRESS)
    watch.turn((B, body), apply=False)
    first = watch.ids
    watch.turn((B, body))
    assert watch.ids == first
    watch.turn((B, body.model_copy(update={"attempt": 2})))
    assert watch.ids == first


def test_two_in_one_turn_see_each_other() -> None:
    """In a burst many come at once."""
    watch = Watch()
    body = triaged(description=TEXT, reported_at=MORNING, place=ADDRESS)
    later = body.model_copy(update={"reported_at": MORNING + timedelta(minutes=1)})
    ((ticket, asked),) = watch.turn((A, body), (B, later))
    assert (ticket, asked.into) == (B, A)


def test_a_closed_ticket_is_forgotten() -> None:
    """Also within its own turn."""
    watch = Watch()
    watch.triaged(A)
    watch.turn((A, TicketClosed(outcome="solved")))
    assert watch.triaged(B, minutes=5) == []
    body = triaged(description=TEXT, reported_at=MORNING, place=ADDRESS)
    watch.turn((B, TicketClosed(outcome="solved")), (C, body), (C, TicketClosed(outcome="merged")))
    assert watch.triaged(D, minutes=5) == []


def test_a_corrected_ticket_is_looked_at_where_it_really_is() -> None:
    """And no longer where it was said to be."""
    watch = Watch()
    elsewhere = Location(unit="100000002001", community="100000002001")
    watch.triaged(A, place=elsewhere)
    watch.triaged(B)
    moved = amended(elsewhere)
    ((ticket, asked),) = watch.turn((B, moved))
    assert (ticket, asked.into) == (B, A)
    assert watch.triaged(C, minutes=9) == []
    body = triaged(description=TEXT, reported_at=MORNING, place=ADDRESS)
    assert [each.into for _, each in watch.turn((D, body), (D, moved)) if each.into == A] == [A]


def amended(place: Location) -> TicketAmended:
    """Give a correction of the place."""
    before = triaged()
    fields = {name: getattr(before, name) for name in ("category", "severity", "level", "unit")}
    return TicketAmended(
        **fields,
        old_category=before.category,
        old_severity=before.severity,
        place=place,
        old_place=ADDRESS,
        sign_limit=before.sign_limit,
        handle_limit=before.handle_limit,
        calendar="always",
        by="Li",
        reason="地点有误",
    )


def test_other_categories_and_late_reports_are_other_matters() -> None:
    """As the profile says."""
    watch = Watch(ALIKE_RULES + '  categories: ["01*"]\n')
    watch.triaged(A)
    assert watch.triaged(B, minutes=5) == []
    assert not watch.places.kept[ALIKE]
    slow = Watch()
    slow.triaged(A)
    assert slow.triaged(B, minutes=4 * 24 * 60) == []
    (place,) = slow.places.kept[ALIKE].values()
    assert [each["id"] for each in place["tickets"]] == [B]


def test_a_place_with_many_repeats_is_suggested_as_a_project() -> None:
    """Closed ones count; then not again before it has come back as often once more (LG-21)."""
    watch = Watch(REPEAT_RULES)
    said: list[Any] = []
    for minutes, ticket in enumerate((A, B, C, D, E, F)):
        said.append(watch.triaged(ticket, minutes=minutes))
        watch.turn((ticket, TicketClosed(outcome="solved")))
    assert [bool(each) for each in said] == [False, False, True, False, False, True]
    ((ticket, asked),) = said[2]
    assert (ticket, type(asked)) == (C, SuggestProject)
    assert (asked.unit, asked.category, asked.times, asked.tickets) == ("100000001001", "0501", 3, (A, B, C))
    assert asked.since == MORNING
    assert said[5][0][1].tickets == (A, B, C, D, E, F)


def test_repeats_are_counted_within_their_time_and_once_each() -> None:
    """A return is not another report."""
    watch = Watch(REPEAT_RULES)
    watch.triaged(A)
    watch.triaged(A, attempt=2)
    watch.triaged(A, attempt=3)
    assert watch.triaged(B, minutes=5) == []
    assert watch.triaged(C, minutes=40 * 24 * 60) == []


def test_what_the_calendar_reports_is_meant_to_come_back() -> None:
    """Visits with the same words are no duplicates; what people say on a visit may be."""
    visits = """
schedules:
  - {id: day, zh: 接待日, en: Open day, category: "0501", units: ["100000001001"], rule: FREQ=DAILY, since: 2026-01-01,
     text: 接待日}
"""
    watch = Watch(ALIKE_RULES + REPEAT_RULES + visits)
    said = [watch.triaged(ticket, channel="visit", minutes=n) for n, ticket in enumerate((A, B, C, D))]
    assert said == [[], [], [], []]
    watch.triaged(E, channel="hotline")
    assert watch.triaged(F, channel="hotline", minutes=1)


def test_nothing_else_of_the_log_is_read() -> None:
    """Not even its headers."""
    watch = Watch()
    assert watch.turn((A, TicketReopened(reason="x", reopenings=1))) == []
