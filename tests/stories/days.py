"""How is a profile's day played in a city of this process, and what is asked about it afterwards?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from deploy.cli.replay import EXAMPLES
from deploy.replay.desk import Desk
from deploy.replay.formats import read_recording
from deploy.replay.play import Pace, Play
from deploy.replay.reconcile import reconciled, recorded_of, shown_by
from deploy.replay.story import stories
from shared.ids import ticket_id
from tests.support.waiting import eventually

if TYPE_CHECKING:
    from tests.support.story import Story


class Day:
    """A day that has been played in a city."""

    def __init__(self, city: Story, tickets: dict[str, str]) -> None:
        """Know the tickets of its rows."""
        self.city = city
        self._tickets = tickets

    def ticket(self, row: int | str) -> str:
        """Give the ticket of a row, by its number or its id."""
        return self._tickets[row if isinstance(row, str) else f"{self.city.profile}-{row:02}"]

    async def one(self, row: int | str, kind: str) -> dict[str, Any]:
        """Give the only fact of a kind of a row's ticket."""
        (found,) = await self.city.happened(self.ticket(row), kind)
        return found

    async def handlers(self, row: int | str, role: str = "lead") -> list[str]:
        """Give who got an order of a role, in turn."""
        found = await self.city.happened(self.ticket(row), "order-issued")
        return [each["handler"]["id"] for each in found if each.get("role", "lead") == role]

    async def outcome(self, row: int | str) -> str:
        """Give how a row's ticket was closed."""
        return str((await self.one(row, "closed"))["outcome"])

    async def by_calendar(self, schedule: str, phase: str = "visit") -> dict[str, str]:
        """Give the tickets that the calendar reported: unit -> ticket."""
        said = [s for s in await self.city.log() if s.type == "gridcall.ticket.reported.v1"]
        wanted = {"schedule": schedule, "phase": phase}
        mine = [s for s in said if wanted.items() <= s.value.get("attributes", {}).items()]
        return {s.value["place"]["grid"]: s.key for s in mine}


async def played(city: Story) -> Day:
    """Play the day that comes with the city's profile; it must add up.

    Of Yucheng's what several people had a part in: the rest of it is played by tests/e2e/test_example_day.py.
    """
    recording = read_recording(EXAMPLES / f"{city.profile}_day.jsonl", "auto", city.city_profile)
    assert not recording.bad
    recording = replace(recording, rows=tuple(row for row in recording.rows if not row.id.startswith("day-0")))
    wrong: dict[str, Any] = {}
    async with city._port_of("desk"):
        desk = Desk(f"http://127.0.0.1:{city.ports['desk']}")
        play = Play(recording, city.city_profile, city.kafka.address, desk, Pace(), clock=city.clock)

        async def adds_up() -> bool:
            recorded = recorded_of(recording, play.lives.values(), city.city_profile)
            found = reconciled(recorded, await shown_by(desk, play.lives), recording, play.lives)
            wrong.clear()
            wrong.update({line.what: line for line in found.lines if not line.adds_up} or {})
            wrong.update(found.refused if wrong else {})
            return not wrong

        try:
            assert await play.run(lambda _counts: None)
            await eventually(adds_up, what="the desk shows what was recorded")
            told = await stories(desk, recording)
        finally:
            await desk.close()
        assert not wrong, wrong
        assert all(label and any("zh" in each["sentence"] for each in entries) for label, entries in told)
        acting = [life for life in play.lives.values() if life.row.script.acts]
        assert not {ident: why for life in acting for ident, why in life.refusals.items()}
    await city.settled()
    return Day(city, {row.id: ticket_id(row.source, row.id) for row in recording.rows})
