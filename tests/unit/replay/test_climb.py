"""Is each thing that happens to the ticket said once, and does somebody take it on once it has reached the top?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from deploy.cli.replay import EXAMPLE
from deploy.replay.climb import climb, climbs, shown_climb
from deploy.replay.formats import read_recording
from shared.errors import Refused
from shared.ids import ticket_id
from shared.messages import EscalationAccepted, TicketClosed, TicketEscalated, TicketReported
from shared.profile import find_profile, load_profile

if TYPE_CHECKING:
    from deploy.replay.desk import Desk
    from deploy.replay.life import Act
    from deploy.replay.script import Recording

GRID, COMMUNITY, TOP = "511802001001001", "511802001001", "511802"


class Shown:
    """A desk at which something more has happened each time that somebody looks."""

    def __init__(self, *happens: tuple[str, str]) -> None:
        """Take what happens in turn: the type, and who is an owner by it."""
        self._happens = happens
        self._seen = 0
        self.acts: list[Act] = []
        self.asked: set[str] = set()

    async def entries(self, ticket: str) -> list[dict[str, Any]]:
        """Give one entry more than before."""
        self.asked.add(ticket)
        self._seen = min(self._seen + 1, len(self._happens))
        accepted = [{"type": EscalationAccepted.type}] if self.acts else []
        return [{"type": kind} for kind, _ in self._happens[: self._seen]] + accepted

    async def owners(self, ticket: str) -> list[str]:
        """Give the owners by what was seen."""
        self.asked.add(ticket)
        return [unit for _, unit in self._happens[: self._seen] if unit]

    async def act(self, ticket: str, act: Act) -> None:
        """Take a command."""
        self.asked.add(ticket)
        self.acts.append(act)


class Unknown(Shown):
    """A desk that has never seen the ticket."""

    async def entries(self, ticket: str) -> list[dict[str, Any]]:
        """Refuse."""
        raise Refused("refused", f"{ticket} is not here")


@pytest.fixture(scope="module")
def day() -> Recording:
    """Give the bundled day."""
    return read_recording(EXAMPLE, "auto", load_profile(find_profile("yucheng")))


def told(day: Recording, desk: Shown) -> list[str]:
    """Give the types of what was said."""
    said: list[str] = []
    row = shown_climb(day)
    assert row is not None
    asyncio.run(climb(cast("Desk", desk), row, TOP, lambda entry: said.append(entry["type"])))
    assert desk.asked == {ticket_id(row.source, row.id)}
    return said


def test_a_person_of_the_profile_accepts_at_the_top_and_not_before(day: Recording) -> None:
    """The acceptance is said too, and then it is over."""
    climbs = [(TicketReported.type, GRID), (TicketEscalated.type, COMMUNITY), (TicketEscalated.type, TOP)]
    desk = Shown(*climbs)
    assert told(day, desk) == [kind for kind, _ in climbs] + [EscalationAccepted.type]
    (act,) = desk.acts
    assert (act.command, act.body) == ("accept-escalation", {"by": "区值班长一"})
    top = load_profile(find_profile("yucheng")).top
    assert (top.id, act.body["by"] in {person.name for person in top.staff}) == (TOP, True)


def test_it_is_over_when_somebody_who_looks_on_has_closed_it(day: Recording) -> None:
    """Nobody waits for an escalation that will not come."""
    desk = Shown((TicketReported.type, GRID), (TicketClosed.type, ""))
    assert told(day, desk) == [TicketReported.type, TicketClosed.type]
    assert desk.acts == []


def test_a_later_start_tells_what_is_not_over_yet(day: Recording) -> None:
    """What was accepted before is not told again, and data from before this report has nothing to tell."""
    row = shown_climb(day)
    assert row is not None
    for desk, on_the_way in (
        (Shown((TicketReported.type, GRID)), True),
        (Shown((EscalationAccepted.type, TOP)), False),
        (Unknown(), False),
    ):
        assert asyncio.run(climbs(cast("Desk", desk), row)) is on_the_way


def test_one_report_of_the_bundled_day_is_signed_by_nobody_and_shown(day: Recording) -> None:
    """And a recording without such a report shows none."""
    row = shown_climb(day)
    assert row is not None
    assert not any(stretch.signed or stretch.done for stretch in row.script.stretches)
    assert shown_climb(type(day)(day.name, tuple(each for each in day.rows if each is not row))) is None
