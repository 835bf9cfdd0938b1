"""What falls due, what is answered, and so what must be said? Known before anything runs, and from no rule of sla's."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import yaml

from shared.ids import ticket_id
from tests.support.orders import done, issued, outgoing, reported, signed
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.envelope import Outgoing

STEP: Final = timedelta(minutes=1)
"""What each level has; the shortest limit that a profile can write."""
LIMIT: Final = 2 * STEP
"""From an order to the limit that falls due."""
WARNED: Final = 0.5
"""Share of the limit after which it warns: one step."""
CLIMB: Final = 2 * STEP
"""From the limit to the last timer that follows from it, when all fire in time."""
FAR: Final = timedelta(days=30)
"""Not in this campaign."""
TICK: Final = timedelta(milliseconds=1)
"""What an instant on the log leaves out."""
GRID, EMPTY, TOP = ("grid", "100000001001001"), ("community", "100000002001"), ("district", "100000")
"""Level and unit: with staff all the way up, below a street without staff, and the top itself."""


def profile_text() -> str:
    """Give a small city whose levels have one step each, and whose top is called again after the campaign."""
    content: dict[str, Any] = yaml.safe_load(SMALL) | {"name": "campaign"}
    staffed = {"100000001": {"id": "s1", "name": "戊", "role": "officer"}}
    for unit in content["units"]:
        if unit["id"] in staffed:
            unit["staff"] = [staffed[unit["id"]]]
    severities = ("I", "II", "III", "IV")
    content["clocks"]["warn_share"] = WARNED
    steps = {level["id"]: dict.fromkeys(severities, "1 minutes") for level in content["levels"]}
    content["ladder"] = {"steps": steps, "repeat": dict.fromkeys(severities, "30 natural_days")}
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


@dataclass(frozen=True, slots=True)
class Story:
    """What becomes of an order: which of its limits falls due, when it is answered, and what sla must say."""

    weight: int
    clock: str
    place: tuple[str, str]
    answer: float | None
    """Steps after the order at which the clock is answered."""
    must: tuple[str, ...]


STORIES: Final[dict[str, Story]] = {
    "nobody signs": Story(40, "sign", GRID, None, (
        "warned sign", "breached sign", "escalated community", "breached ladder community", "escalated street",
        "breached ladder street", "escalated district",
    )),
    "signed and not done": Story(15, "handle", GRID, None, (
        "warned handle", "breached handle", "escalated community", "breached ladder community", "escalated street",
        "breached ladder street", "escalated district",
    )),
    "nobody signs below a level without staff": Story(
        5, "sign", EMPTY, None, ("warned sign", "breached sign", "skipped street", "escalated district")
    ),
    "nobody signs at the top": Story(5, "sign", TOP, None, ("warned sign", "breached sign", "again district")),
    "signed before the warning": Story(5, "sign", GRID, 0.5, ()),
    "signed before the limit": Story(10, "sign", GRID, 1.5, ("warned sign",)),
    "done before the limit": Story(10, "handle", GRID, 1.5, ("warned handle",)),
    "signed late": Story(5, "sign", GRID, 2.5, ("warned sign", "breached sign", "escalated community")),
    "done late": Story(5, "handle", GRID, 2.5, ("warned handle", "breached handle", "escalated community")),
}  # fmt: skip
"""An answer before a limit stops its clock, a late one the climb, however late either is read."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that dispatch says at an instant."""

    at: datetime
    before: datetime
    """Later it would cross what fires then, and the story would be another one."""
    order: Order
    sequence: int
    what: str

    def outgoing(self, now: datetime) -> list[Outgoing]:
        """Give it as it goes out now; an answer is given when it is said, and before the order the report is."""
        order, ticket = self.order, self.order.ticket
        body = issued(
            ticket, order.at, order.by("sign"), order.by("handle"), unit=order.story.place[1],
            level=order.story.place[0], warn_share=WARNED, profile_version=order.profile_version,
        )  # fmt: skip
        if self.what == "issued":
            return [outgoing(reported(ticket, order.at), ticket, now), outgoing(body, ticket, now)]
        return [outgoing((signed if self.what == "sign" else done)(body, now), ticket, now, self.sequence)]


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the campaign."""

    ticket: str
    title: str
    at: datetime
    profile_version: str

    @property
    def story(self) -> Story:
        """Give what becomes of it."""
        return STORIES[self.title]

    def by(self, clock: str) -> datetime:
        """Give its limit for a clock."""
        return self.at + (LIMIT if clock == self.story.clock else FAR)

    def lines(self) -> list[Line]:
        """Give what dispatch says of it, in order."""
        story, found = self.story, [Line(self.at, self.at + WARNED * LIMIT, self, 1, "issued")]
        if story.clock == "handle":
            found.append(Line(self.at + 0.4 * STEP, self.at + FAR, self, 2, "sign"))
        if story.answer is not None:
            at = self.at + story.answer * STEP
            before = next(self.at + n * STEP for n in (1, 2, 3) if n > story.answer)
            found.append(Line(at, before, self, len(found) + 1, story.clock))
        return found


def orders(timers: int, begin: datetime, spread: timedelta, profile_version: str, seed: int) -> list[Order]:
    """Give so many orders, spread over a time; the same for the same seed but for the instant of their beginning."""
    chance = random.Random(seed)  # noqa: S311 - stories, no secrets
    titles = chance.choices(list(STORIES), [story.weight for story in STORIES.values()], k=timers)
    return [
        Order(
            ticket_id("campaign", f"{seed}-{n}"),
            title,
            begin + spread * chance.random() // TICK * TICK,
            profile_version,
        )
        for n, title in enumerate(titles)
    ]
