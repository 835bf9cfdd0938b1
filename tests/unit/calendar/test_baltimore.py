"""Are due dates, and on time or late, what a real city wrote down? Baltimore's 311 of 2014 to 2019, read from a file.

What its 5,000 rows of 207 types show, each figure proved below:

- Times are by the clocks of Baltimore: a date without a time stands as 20:00 in summer and 19:00 in winter, which is
  midnight in Greenwich. One row is due at 02:23 on 2018-03-11, which the clocks skipped: due dates are added on a
  wall clock.
- Exact: 190 types have due dates, on every one of their rows (4,864), and `days_later` gives all of them to the
  second: each type has one limit, a whole number of natural days, ending at the same time of day. The limit is read
  off a type's first row; for 153 types the other 4,674 rows prove it (10 types are due as created: a limit of
  nothing).
  Rows that match, of the largest: SW-Rat Rubout Proactive 861 of 861 (5 days), SW-Bulk Scheduled 421 (90),
  HCD-Sanitation Property 347 (10), TRS-Parking Complaint 191 (1), BGE-StLight(s) Out 165 (4), SW-Dirty Alley 163 (7),
  SW-HGW 138 (30), WW-Water Leak (Exterior) 124 (2). All of them by their limit: `MATCHED`.
- Fits, but proves nothing: 37 types have one row with a due date. Whatever it says is the limit.
- Cannot be computed: 17 types (136 rows) have no due date at all. `WITHOUT` names them.
- As so many times 24 hours 4,433 rows agree; 431, whose days hold a change of clocks, are an hour off (the one that
  is due at a skipped time less).
- No type is seen to count working time: due dates fall on weekends, holidays and nights. Of the 47 types with a limit
  and 20 rows or more, 3 agree with Mondays to Fridays as well as with natural days: 7 days are 5 weekdays for what
  was reported on weekdays; with Maryland's holidays, or with hours of 08:30 to 16:30, none agrees. So hours and
  holidays of a Baltimore office cannot be read off this data, and working hours are neither proved nor refuted by it.
- The file has no column that says on time or late. It is closed against due, as written: for all 4,775 rows that have
  both, counted time against the limit says the same (3,975 on time, 800 late). 121 rows are not closed: not judged.
- Its one computed column, DaysOpen, counts local dates, and our local dates give it for all 4,879 closed rows.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

import pytest

from shared.calendar import ALWAYS, advance, days_later, elapsed
from shared.calendar.civic import instant, local_instant
from tests.unit.calendar.calendars import ABSENT, DATA, HOUR, calendar

if TYPE_CHECKING:
    from shared.calendar import Calendar

FILE: Final = DATA / "tickets" / "baltimore311.csv.gz"
ZONE: Final = ZoneInfo("America/New_York")
DAY: Final = timedelta(days=1)
WEEKDAYS: Final = {"hours": ["00:00-24:00"]}
OFFICE: Final = {"hours": ["08:30-16:30"], "holidays": "US-MD"}

MATCHED: Final = {
    0: (10, 116), 1: (18, 493), 2: (10, 299), 3: (17, 227), 4: (9, 299), 5: (13, 1064), 6: (2, 6), 7: (23, 641),
    8: (1, 8), 10: (9, 400), 14: (8, 83), 15: (15, 175), 17: (3, 34), 20: (6, 31), 21: (1, 5), 24: (1, 10),
    30: (22, 440), 40: (2, 24), 45: (2, 7), 48: (1, 4), 50: (1, 10), 60: (7, 46), 70: (1, 1), 90: (1, 421),
    160: (1, 6), 180: (6, 14),
}  # fmt: skip
"""Types and rows whose due dates match, by limit in natural days."""
WITHOUT: Final = {
    "BGE-StLight Pole Installation", "BGE-StLighting Cable Faults", "DPW-MD Stormwater Participation Event",
    "ECC-Escalation", "FCCS-Correspondence Redirect", "FCCS-Metered Water", "FCCS-ORCC Reversals",
    "FCCS-Special Credits", "FCCS-Transfer Request from Another Account", "FCDA-Water Payment Tracking Request",
    "FIN-City Motor Vehicle Accident", "HLTH-Animal Wildlife Complaint", "PABC-EZ Parking Meter Complaints",
    "TEC-Footways Contract/Reconstruction", "TRM-Saltbox Concern", "TRT-Sign New/Remove/Change",
    "WW-Contractor Issues",
}  # fmt: skip

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"baltimore311.csv.gz {ABSENT}")


class Row(NamedTuple):
    """One request, in aware UTC."""

    created: datetime
    due: datetime | None
    closed: datetime | None
    days_open: str
    written: tuple[str, str, str]
    """Created, due and closed as the file has them."""


class Due(NamedTuple):
    """One request with a due date, and the limit of its type."""

    row: Row
    at: datetime
    days: int


def naive(written: str) -> datetime:
    """Give what a clock in Baltimore showed."""
    return datetime.strptime(written, "%m/%d/%Y %I:%M:%S %p")  # noqa: DTZ007 - the file has no zone


def aware(written: str) -> datetime | None:
    """Give the instant, where there is one."""
    return instant(local_instant(naive(written), ZONE)) if written else None


@cache
def types() -> dict[str, list[Row]]:
    """Give the rows of each type, the oldest first."""
    found: dict[str, list[Row]] = defaultdict(list)
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            created, due, closed = (row[name] for name in ("CreatedDate", "DueDate", "CloseDate"))
            begun = aware(created)
            assert begun is not None
            found[row["SRType"]].append(
                Row(begun, aware(due), aware(closed), row["DaysOpen"], (created, due, closed)),
            )
    return {name: sorted(rows, key=lambda row: row.created) for name, rows in found.items()}


@cache
def with_due() -> dict[str, list[Due]]:
    """Give the types that have due dates, with the limit that their first row shows."""
    found: dict[str, list[Due]] = {}
    for name, rows in types().items():
        created, due, _ = rows[0].written
        if due:
            days, rest = divmod(naive(due) - naive(created), DAY)
            assert not rest, f"{name}: not a whole number of days"
            found[name] = [Due(row, row.due, days) for row in rows if row.due is not None]
    return found


def every() -> list[Due]:
    """Give all rows that have a due date."""
    return [due for dues in with_due().values() for due in dues]


def test_every_due_date_is_so_many_natural_days_from_creation() -> None:
    """To the second, for every type that has due dates."""
    wrong = [due for due in every() if days_later(due.row.created, due.days, ZONE) != due.at]
    assert wrong == []
    assert len(every()) == 4864
    proved = [dues for dues in with_due().values() if len(dues) > 1]
    assert (len(with_due()), len(proved), sum(len(dues) - 1 for dues in proved)) == (190, 153, 4674)
    matched = {
        days: (len(alike), sum(map(len, alike)))
        for days in {dues[0].days for dues in with_due().values()}
        for alike in [[dues for dues in with_due().values() if dues[0].days == days]]
    }
    assert matched == MATCHED


def test_a_type_has_due_dates_or_none() -> None:
    """The types without one cannot be computed from anything."""
    without = {name: rows for name, rows in types().items() if name not in with_due()}
    assert (len(types()), len(without), sum(map(len, without.values()))) == (207, 17, 136)
    assert set(without) == WITHOUT
    assert all(row.due is None for rows in without.values() for row in rows)
    assert all(len(dues) == len(types()[name]) for name, dues in with_due().items())


def test_days_of_24_hours_miss_by_the_hour_that_the_clocks_change() -> None:
    """Why natural days are counted on the wall clock."""
    off = [advance(ALWAYS, due.row.created, due.days * DAY) or due.at for due in every()]
    missed = [abs(due.at - at) for due, at in zip(every(), off, strict=True) if at != due.at]
    assert len(every()) - len(missed) == 4433
    assert len(missed) == 431
    assert Counter(missed) == {HOUR: 430, timedelta(minutes=23, seconds=8): 1}, "the one is due at 02:23:08, skipped"


@pytest.mark.parametrize(
    ("office", "agree"),
    [
        (WEEKDAYS, {"SW-Boarding", "SW-Dirty Alley Proactive", "FIR-Fire Code Inspection Request"}),
        (WEEKDAYS | {"holidays": "US-MD"}, set()),
        (OFFICE, set()),
    ],
    ids=["weekdays", "weekdays and holidays", "office hours"],
)
def test_no_type_counts_working_time(office: dict[str, object], agree: set[str]) -> None:
    """But for a week, which is five weekdays too as long as nothing is reported on a weekend."""
    working = calendar(ZONE.key, **office)
    long = {name: dues for name, dues in with_due().items() if len(dues) >= 20 and dues[0].days}
    assert len(long) == 47
    assert {name for name, dues in long.items() if fits(working, dues)} == agree
    assert all(long[name][0].days == 7 for name in agree)


def fits(working: Calendar, dues: list[Due]) -> bool:
    """Tell whether all due dates of a type are as much working time away as the first."""
    limit = elapsed(working, dues[0].row.created, dues[0].at)
    return bool(limit) and all(advance(working, due.row.created, limit) == due.at for due in dues)


def test_on_time_and_late_are_what_the_file_says() -> None:
    """For every row that is closed and has a due date."""
    judged = [
        (
            elapsed(ALWAYS, due.row.created, due.row.closed) > limit,
            naive(due.row.written[2]) > naive(due.row.written[1]),
        )
        for due in every()
        if due.row.closed is not None
        for limit in [days_later(due.row.created, due.days, ZONE) - due.row.created]
    ]
    assert [pair for pair in judged if pair[0] != pair[1]] == []
    assert (len(judged), sum(late for late, _ in judged)) == (4775, 800)
    assert sum(row.closed is None for rows in types().values() for row in rows) == 121


def test_days_open_counts_local_dates() -> None:
    """The file's one computed column."""
    closed = [row for rows in types().values() for row in rows if row.closed is not None]
    assert len(closed) == 4879
    for row in closed:
        assert row.closed is not None
        first, last = (at.astimezone(ZONE).date() for at in (row.created, row.closed))
        assert (last - first).days == int(row.days_open)


def test_dates_without_a_time_are_midnights_in_greenwich() -> None:
    """Which is how the zone of the file is known: 20:00 in summer, 19:00 in winter."""
    midnights = [
        row for rows in types().values() for row in rows if row.created.astimezone(UTC).strftime("%T") == "00:00:00"
    ]
    assert {naive(row.written[0]).hour for row in midnights} == {19, 20}
    assert len(midnights) == 755
