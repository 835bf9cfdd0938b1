"""What is due by the calendar? Visits, office days and looks back (移动办公 社区办公日), reported as tickets in time.

Each has a key that follows from schedule, unit and day: whoever reports it, and how often, there is one ticket.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import orjson
import structlog
from dateutil.rrule import rrulestr

from services.intake.api import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.intake.api import Counter
    from shared.clock import Clock
    from shared.profile import Profile, Schedule

LOOK_BACK: Final = timedelta(days=14)
"""How far a process looks back when it starts: longer than any outage after which a visit still makes sense."""
LOOK_EVERY: Final = timedelta(hours=1)
"""And at the beginning of each local day, when everything of that day becomes due."""
AT_ONCE: Final = 500
LONGEST_SHIFT: Final = 15
"""Days by which a visit moves at most to meet a working day."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """One report that the calendar asks for."""

    key: str
    at: datetime
    """When it is reported."""
    body: dict[str, Any]


def due(profile: Profile, since: datetime, until: datetime) -> Iterator[Due]:
    """Give what is to be reported after `since` and up to `until`, schedule by schedule."""
    for schedule in profile.content.schedules:
        zone = ZoneInfo(profile.zone)
        longest = max(schedule.ahead_days, LONGEST_SHIFT) + 1
        last = (until.astimezone(zone) + timedelta(days=schedule.ahead_days)).date()
        follows = 0 if schedule.follow_up is None else schedule.follow_up.after_days
        first = (since.astimezone(zone) - timedelta(days=longest + follows)).date()
        rule = rrulestr(schedule.rule, dtstart=datetime.combine(schedule.since, time()))
        window = datetime.combine(first, time()), datetime.combine(last, time())
        for occurrence in rule.between(*window, inc=True):
            for each in _of(schedule, occurrence.date(), profile, zone):
                if since < each.at <= until:
                    yield each


def _of(schedule: Schedule, planned: date, profile: Profile, zone: ZoneInfo) -> Iterator[Due]:
    day = _worked(planned, profile) if schedule.on_work_days else planned
    told = _instant(day - timedelta(days=schedule.ahead_days), zone)
    for unit in _units(schedule, profile):
        said = {"schedule": schedule.id, "day": day.isoformat(), "phase": "visit"}
        text = f"{schedule.text} {day.isoformat()}"
        key = f"schedule/{schedule.id}/{unit}/{planned.isoformat()}"
        yield Due(key, told, _report(schedule.category, schedule.condition, text, unit, said))
        if schedule.follow_up is not None:
            after = _instant(day + timedelta(days=schedule.follow_up.after_days), zone)
            text = f"{schedule.follow_up.text} {day.isoformat()}"
            said = {"schedule": schedule.id, "day": day.isoformat(), "phase": "follow-up"}
            look = schedule.follow_up
            yield Due(f"{key}/follow-up", after, _report(look.category, look.condition, text, unit, said))


def _worked(day: date, profile: Profile) -> date:
    """Give the day, or the next one that is worked."""
    calendar = profile.calendar(profile.content.clocks.calendar)
    days = (day + timedelta(days=ahead) for ahead in range(LONGEST_SHIFT))
    return next((each for each in days if calendar.works_on(each)), day)


def _instant(day: date, zone: ZoneInfo) -> datetime:
    """Give the beginning of a local day."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _units(schedule: Schedule, profile: Profile) -> list[str]:
    of_levels = (unit.id for unit in profile.units if unit.level in schedule.levels)
    return list(dict.fromkeys((*of_levels, *schedule.units)))


def _report(category: str, condition: str | None, text: str, unit: str, said: dict[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "channel": "visit",
        "text": text,
        "category": category,
        "place": {"grid": unit},
        "caller": {"anonymous": True},
        "attributes": said,
    }
    return body if condition is None else body | {"condition": condition}


class Scheduler:
    """Reports what is due at intake's own counter; a step of the service's background."""

    def __init__(self, counter: Counter, clock: Clock) -> None:
        """Go on from where the last look ended, of this process or of one before it."""
        self._counter = counter
        self._clock = clock
        self._zone = ZoneInfo(counter.profile.zone)

    async def step(self) -> None:
        """Report what has become due since the last look; raises TryLater, and then nothing is skipped."""
        now = self._clock.now()
        today = _instant(now.astimezone(self._zone).date(), self._zone)
        last = await self._counter.store.looked_at()
        since = today - timedelta.resolution if last is None else max(last, now - LOOK_BACK)
        found = list(due(self._counter.profile, since, now))
        for first in range(0, len(found), AT_ONCE):
            page = found[first : first + AT_ONCE]
            asked = [self._counter.asked(each.key, orjson.dumps(each.body), "") for each in page]
            for each, one in zip(page, asked, strict=True):
                if not isinstance(one, Asked) or one.wrong:
                    log.error("a schedule makes a report that cannot be taken: correct the profile", key=each.key)
            await self._counter.take([one for one in asked if isinstance(one, Asked)])
        await self._counter.store.looked(now)
        tomorrow = _instant(now.astimezone(self._zone).date() + timedelta(days=1), self._zone)
        await self._clock.sleep_until(min(now + LOOK_EVERY, tomorrow))
