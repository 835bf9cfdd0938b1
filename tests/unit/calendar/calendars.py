"""Which calendars are the rules of time tried on? Offices in China and elsewhere, and what is drawn for them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from hypothesis import strategies as st

from shared.calendar import ALWAYS, Calendar, CalendarRules, Pause
from shared.calendar.civic import instant

DATA: Final = Path(__file__).resolve().parents[4] / "shared" / "data"
ABSENT: Final = "is not on this machine: ../shared/data is absent"
OFFICE: Final = ["08:30-12:00", "14:00-18:00"]
EVERY_DAY: Final = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
HOUR: Final = timedelta(hours=1)
TICK: Final = timedelta(microseconds=1)


def rules(**said: Any) -> CalendarRules:
    """Give the rules of an office as a profile may write them."""
    return CalendarRules.model_validate({"zh": "政府办公时间", "en": "office hours", "hours": OFFICE} | said)


def calendar(zone: str = "Asia/Shanghai", **said: Any) -> Calendar:
    """Give an office's calendar."""
    return Calendar("office", rules(**said), zone)


def at(written: str, zone: str = "+08:00") -> datetime:
    """Give an instant written as local time with an offset: 2026-03-02 09:00."""
    return datetime.fromisoformat(f"{written}{zone}").astimezone(UTC)


KINDS: Final[dict[str, dict[str, Any]]] = {
    "office": {"holidays": "CN"},
    "seasons": {
        "holidays": "CN",
        "seasons": [
            {"from": "05-01", "to": "09-30", "hours": ["08:00-12:00", "15:00-18:30"]},
            {"from": "12-20", "to": "01-10", "hours": ["09:00-16:00"]},
        ],
    },
    "to midnight": {"holidays": "CN", "hours": ["00:00-24:00"], "week": ["mon", "tue", "wed", "thu", "sat"]},
    "days of its own": {
        "hours": ["08:00-12:00", "12:00-17:00"],
        "days": {
            "2026-03-03": {"hours": []},
            "2026-03-04": {"hours": ["09:00-09:01"]},
            "2026-03-05": "off",
            "2026-03-07": "work",
            "2026-03-08": {"hours": ["23:59-24:00"]},
        },
    },
    "closed in summer": {"seasons": [{"from": "07-01", "to": "08-31", "hours": []}]},
    "New York": {"zone": "America/New_York", "holidays": "US-MD"},
    "New York by night": {
        "zone": "America/New_York",
        "week": EVERY_DAY,
        "hours": ["00:00-01:30", "01:30-02:30", "02:30-06:00", "22:00-24:00"],
    },
    "New York around the clock": {"zone": "America/New_York", "week": EVERY_DAY, "hours": ["00:00-24:00"]},
    "London": {"zone": "Europe/London", "holidays": "GB-ENG", "week": EVERY_DAY},
    "clocks change at midnight": {"zone": "America/Havana", "week": EVERY_DAY, "hours": ["00:00-00:30", "08:00-24:00"]},
    "a day that was skipped": {"zone": "Pacific/Apia", "week": EVERY_DAY},
}


@cache
def kind(name: str) -> Calendar:
    """Give one of the calendars by name; it is laid out once."""
    said = KINDS[name]
    return calendar(said.get("zone", "Asia/Shanghai"), **{k: v for k, v in said.items() if k != "zone"})


FIRST: Final = datetime(2010, 1, 1, tzinfo=UTC)
LAST: Final = datetime(2028, 12, 31, tzinfo=UTC)
EDGY: Final = (
    datetime(2026, 2, 28, tzinfo=UTC),  # own days, and the clocks of New York and Havana
    datetime(2026, 3, 27, tzinfo=UTC),  # London
    datetime(2026, 10, 24, tzinfo=UTC),
    datetime(2026, 10, 31, tzinfo=UTC),
    datetime(2026, 9, 26, tzinfo=UTC),  # National Day with make-up workdays
    datetime(2011, 12, 28, tzinfo=UTC),  # Apia
)

calendars = st.sampled_from([*KINDS, ALWAYS.name]).map(lambda name: ALWAYS if name == ALWAYS.name else kind(name))
lengths = st.one_of(
    st.timedeltas(TICK, timedelta(days=60)),
    st.integers(1, 400).map(lambda n: n * HOUR / 2),
    st.just(TICK),
)


@st.composite
def instants(draw: st.DrawFn, on: Calendar | None = None) -> datetime:
    """Draw an instant; often one near a change of clocks, or on the edge of working time."""
    anywhere = st.datetimes(FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None), timezones=st.just(UTC))
    edgy = st.builds(lambda begin, by: begin + by, st.sampled_from(EDGY), st.timedeltas(0 * HOUR, 240 * HOUR))
    found = draw(st.one_of(anywhere, edgy, edgy.map(lambda when: when.replace(minute=0, second=0, microsecond=0))))
    if on is not None and not on.always and draw(st.booleans()):
        edges = on._starts if draw(st.booleans()) else on._ends
        near = draw(st.integers(0, 20_000)) + len(edges) // 10
        found = instant(edges[min(near, len(edges) - 1)]) + draw(st.sampled_from([-TICK, 0 * TICK, TICK]))
    return found


@st.composite
def pauses(draw: st.DrawFn, start: datetime) -> list[Pause]:
    """Draw pauses around and after a start, in any order: nested, overlapping, touching and without length."""
    out: list[Pause] = []
    for number in range(draw(st.integers(0, 5))):
        begin = start + draw(st.timedeltas(-48 * HOUR, 480 * HOUR))
        if draw(st.booleans()) and out:
            edges = [edge for pause in out for edge in (pause.start, pause.end) if edge is not None]
            begin = draw(st.sampled_from(edges))
        out.append(Pause(begin, begin + draw(st.timedeltas(0 * HOUR, 200 * HOUR)), f"reason {number}"))
    return out


def every_day(first: date, last: date) -> list[date]:
    """Give the days from first to last, both included."""
    return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1)]
