"""Does a deadline stand where the counted time ends, whatever the calendar, the pauses and the zone's clocks do?"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.calendar import ALWAYS, CalendarRules, Pause, advance, days_later, elapsed, segments
from shared.calendar.civic import instant, laid_out, micros
from shared.deadline import due_at
from shared.profile import Limit
from tests.unit.calendar.calendars import (
    HOUR,
    TICK,
    at,
    calendar,
    calendars,
    instants,
    kind,
    lengths,
    pauses,
)

if TYPE_CHECKING:
    from shared.calendar import Calendar

NONE = timedelta(0)
UNHURRIED = settings(deadline=None)
"""A calendar that is drawn for the first time is laid out first."""
ON = calendars.flatmap(lambda on: st.tuples(st.just(on), instants(on)))
"""A calendar, and an instant that it likes to be asked for."""
ON_PAUSED = ON.flatmap(lambda on: st.tuples(st.just(on[0]), st.just(on[1]), pauses(on[1])))
NEW_YORK = ZoneInfo("America/New_York")


def due(on: Calendar, start: datetime, length: timedelta, paused: list[Pause] | None = None) -> datetime:
    """Give a deadline that there is."""
    found = advance(on, start, length, paused or [])
    assert found is not None
    return found


def steady(on: Calendar, day: date) -> bool:
    """Tell whether the clocks do not change on a day."""
    first, last = (datetime.combine(day + timedelta(days=n), time.min, on.zone).utcoffset() for n in (0, 1))
    return first == last


# ------------------------------------------------------------------------------------------------ one deadline


@UNHURRIED
@given(on=ON_PAUSED, length=lengths)
def test_what_has_elapsed_at_the_deadline_is_the_limit(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta
) -> None:
    """To the microsecond, and not one before."""
    office, start, paused = on
    end = due(office, start, length, paused)
    assert elapsed(office, start, end, paused) == length
    assert elapsed(office, start, end - TICK, paused) == length - TICK


@UNHURRIED
@given(on=ON_PAUSED, length=lengths, later=st.timedeltas(NONE, timedelta(days=20)), more=lengths)
def test_a_later_start_and_a_longer_limit_are_never_due_earlier(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta, later: timedelta, more: timedelta
) -> None:
    """A deadline is monotone in its start and in its length; strictly in its length."""
    office, start, paused = on
    end = due(office, start, length, paused)
    assert start < end <= due(office, start + later, length, paused)
    assert end < due(office, start, length + more, paused)


@UNHURRIED
@given(on=ON_PAUSED, length=lengths)
def test_a_deadline_is_never_outside_working_time_nor_inside_a_pause(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta
) -> None:
    """The moment before it is working time by the day's own hours; it may be the very end of an interval."""
    office, start, paused = on
    end = due(office, start, length, paused)
    assert not any(pause.end is not None and pause.start < end <= pause.end for pause in paused)
    assert office.stretch(micros(end) - 1)[0]
    before = (end - TICK).astimezone(office.zone)
    if steady(office, before.date()):
        since = before.replace(tzinfo=None) - datetime.combine(before.date(), time.min)
        hours = office.day(before.date()).hours
        assert any(timedelta(seconds=begin) <= since < timedelta(seconds=stop) for begin, stop in hours)


@UNHURRIED
@given(on=ON, turns=st.integers(1, 40))
def test_a_deadline_on_the_end_of_an_interval_stays_there(on: tuple[Calendar, datetime], turns: int) -> None:
    """Not at the beginning of the next interval, which is the same amount of work later."""
    office, start = on
    assume(not office.always)
    end = micros(start)
    for _ in range(turns):
        running, end = office.stretch(end)
        end = end if running else office.stretch(end)[1]
    assert due(office, start, elapsed(office, start, instant(end))) == instant(end)


@UNHURRIED
@given(on=ON, length=st.timedeltas(-timedelta(days=3), NONE))
def test_what_has_no_length_is_over_at_its_start(on: tuple[Calendar, datetime], length: timedelta) -> None:
    """And not at the end of the working day before."""
    office, start = on
    assert advance(office, start, length) == start
    assert elapsed(office, start, start + length) == NONE


# ------------------------------------------------------------------------------------------------ pauses


@UNHURRIED
@given(on=ON_PAUSED, length=lengths)
def test_resuming_gives_the_rest_of_the_time_and_no_more(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta
) -> None:
    """Lived pause by pause, with what is left computed at each, it comes out as computed at once."""
    office, start, paused = on
    live, now, left = due(office, start, length), start, length
    for pause in sorted(paused):
        assert pause.end is not None
        if live <= pause.start:
            break
        if pause.end <= now:
            continue
        used = elapsed(office, now, pause.start)
        left, now = left - used, pause.end
        live = due(office, now, left)
    assert live == due(office, start, length, paused)


@UNHURRIED
@given(on=ON_PAUSED, length=lengths, share=st.floats(0, 1))
def test_start_and_used_and_remaining_agree_at_any_moment(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta, share: float
) -> None:
    """Whoever asks on the way gets the same deadline."""
    office, start, paused = on
    end = due(office, start, length, paused)
    now = start + share * (end - start)
    used = elapsed(office, start, now, paused)
    assert NONE <= used <= length
    assert used + elapsed(office, now, end, paused) == length
    if used < length:
        assert due(office, now, length - used, paused) == end


@UNHURRIED
@given(on=ON_PAUSED, length=lengths, moments=st.lists(st.timedeltas(-24 * HOUR, 400 * HOUR), min_size=1, max_size=4))
def test_pausing_and_resuming_in_the_same_instant_changes_nothing(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta, moments: list[timedelta]
) -> None:
    """However often, and wherever; nor does a pause that ends before it begins."""
    office, start, paused = on
    end = due(office, start, length, paused)
    blinks = [Pause(start + moment, start + moment, "blink") for moment in moments]
    backwards = [Pause(start + moment, start + moment - HOUR, "backwards") for moment in moments]
    for more in (blinks, backwards, [Pause(end, end)]):
        assert due(office, start, length, [*more, *paused]) == end
        assert elapsed(office, start, end, [*more, *paused]) == length
        assert segments(office, start, end, [*more, *paused]) == segments(office, start, end, paused)


@UNHURRIED
@given(on=ON_PAUSED, length=lengths, data=st.data())
def test_overlapping_and_nested_pauses_count_once(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta, data: st.DataObject
) -> None:
    """Said twice, in pieces, in another order, or one inside another: the same time is paused."""
    office, start, paused = on
    end = due(office, start, length, paused)
    again = list(paused)
    for pause in paused:
        assert pause.end is not None
        middle = pause.start + data.draw(st.floats(0, 1)) * (pause.end - pause.start)
        again += data.draw(
            st.sampled_from(
                [[pause], [Pause(pause.start, middle), Pause(middle, pause.end)], [Pause(middle, pause.end)]]
            )
        )
    again = data.draw(st.permutations(again))
    assert due(office, start, length, again) == end
    assert elapsed(office, start, end + HOUR, again) == elapsed(office, start, end + HOUR, paused)


@UNHURRIED
@given(on=ON_PAUSED, length=lengths, at_hour=st.timedeltas(-24 * HOUR, 400 * HOUR))
def test_a_pause_without_an_end_leaves_no_deadline_but_one_that_came_first(
    on: tuple[Calendar, datetime, list[Pause]], length: timedelta, at_hour: timedelta
) -> None:
    """Until someone resumes; what has elapsed stands still."""
    office, start, paused = on
    begin = start + at_hour
    end = due(office, start, length, paused)
    paused_for_ever = [*paused, Pause(begin, None, "no end")]
    assert advance(office, start, length, paused_for_ever) == (end if end <= begin else None)
    late = max(start, begin) + timedelta(days=30)
    assert elapsed(office, start, late, paused_for_ever) == elapsed(office, start, begin, paused)


# ------------------------------------------------------------------------------------------------ segments


@UNHURRIED
@given(on=ON_PAUSED, days=st.timedeltas(NONE, timedelta(days=40)))
def test_segments_have_no_gap_and_no_overlap_and_the_running_ones_are_what_has_elapsed(
    on: tuple[Calendar, datetime, list[Pause]], days: timedelta
) -> None:
    """From start to end; two neighbours are never alike."""
    office, start, paused = on
    until = start + days
    found = segments(office, start, until, paused)
    assert [segment.start for segment in found[1:]] == [segment.end for segment in found[:-1]]
    assert all(segment.start < segment.end for segment in found)
    assert (found[0].start, found[-1].end) == (start, until) if days else found == []
    assert all((a.kind, a.zh, a.en) != (b.kind, b.zh, b.en) for a, b in pairwise(found))
    running = sum((segment.end - segment.start for segment in found if segment.kind == "running"), NONE)
    assert running == elapsed(office, start, until, paused)
    still = sum((segment.end - segment.start for segment in found if segment.kind == "paused"), NONE)
    assert still == days - elapsed(ALWAYS, start, until, paused)


def test_segments_tell_what_a_clock_did_over_national_day() -> None:
    """With the holiday by name, the make-up Saturday as work, and each pause with its own reason."""
    office = kind("office")
    paused = [
        Pause(at("2026-10-09 10:00"), at("2026-10-10 09:00"), "挂账"),
        Pause(at("2026-10-10 08:45"), at("2026-10-10 10:00"), "等待市民"),
    ]
    found = segments(office, at("2026-09-30 16:00"), at("2026-10-10 11:00"), paused)
    assert [(segment.kind, segment.zh, f"{segment.start + 8 * HOUR:%d %H:%M}") for segment in found] == [
        ("running", "", "30 16:00"),
        ("outside-hours", "", "30 18:00"),
        ("holiday", "国庆节", "01 00:00"),
        ("outside-hours", "", "08 00:00"),
        ("running", "", "08 08:30"),
        ("outside-hours", "", "08 12:00"),
        ("running", "", "08 14:00"),
        ("outside-hours", "", "08 18:00"),
        ("running", "", "09 08:30"),
        ("paused", "挂账", "09 10:00"),
        ("paused", "等待市民", "10 09:00"),
        ("running", "", "10 10:00"),
    ]


def test_segments_tell_days_off_from_weekends() -> None:
    """A day that the profile takes off, and a season without hours."""
    own = segments(kind("days of its own"), at("2026-03-05 09:00"), at("2026-03-07 09:00"))
    assert [segment.kind for segment in own][:2] == ["off", "outside-hours"]
    closed = segments(kind("closed in summer"), at("2026-07-03 09:00"), at("2026-07-06 09:00"))
    assert [segment.kind for segment in closed] == ["off", "weekend", "off"]
    assert [segment.kind for segment in segments(ALWAYS, at("2026-07-03 09:00"), at("2026-07-06 09:00"))] == ["running"]


# ------------------------------------------------------------------------------------------------ examples

SLOTS: dict[str, Any] = {"hours": ["08:00-12:00", "14:00-18:00"], "holidays": "CN"}
BOTH_READINGS = [
    ("2026-03-06 17:00", 1, "2026-03-09 17:00", "2026-03-09 18:00"),  # a Friday: the domain's own example
    ("2026-03-06 18:00", 1, "2026-03-09 18:00", "2026-03-09 18:00"),  # on the end of an interval
    ("2026-03-06 08:00", 1, "2026-03-06 18:00", "2026-03-09 18:00"),
    ("2026-03-07 11:00", 1, "2026-03-09 18:00", "2026-03-09 18:00"),  # a Saturday
    ("2026-09-30 17:00", 2, "2026-10-09 17:00", "2026-10-09 18:00"),  # over National Day
    ("2026-10-09 17:00", 1, "2026-10-10 17:00", "2026-10-10 18:00"),  # to a Saturday that is worked
    ("2026-02-13 12:00", 2, "2026-02-24 12:00", "2026-02-24 18:00"),  # a worked Saturday before the Spring Festival
]


@pytest.mark.parametrize(("start", "days", "rolling", "whole"), BOTH_READINGS)
def test_working_days_in_both_readings(start: str, days: int, rolling: str, whole: str) -> None:
    """Eight hours each from the start, or to the end of business of a later day; the start day does not count."""
    office = calendar(**SLOTS)
    assert due(office, at(start), days * 8 * HOUR) == at(rolling)
    assert instant(office.closing(micros(at(start)), days)) == at(whole)


def test_the_end_of_business_of_the_day_itself_is_never_before_the_start() -> None:
    """No working day later is today's, or now where today's has passed."""
    office = calendar(**SLOTS)
    for start, end in (("2026-03-06 09:00", "2026-03-06 18:00"), ("2026-03-06 20:00", "2026-03-06 20:00")):
        assert instant(office.closing(micros(at(start)), 0)) == at(end)


def test_hours_change_with_the_season() -> None:
    """The last afternoon of April ends at 18:00, the first of May is a holiday, and after it work begins at 8:00."""
    office = kind("seasons")
    assert due(office, at("2026-04-30 17:00"), HOUR) == at("2026-04-30 18:00")
    assert due(office, at("2026-04-30 17:00"), 2 * HOUR) == at("2026-05-06 09:00")
    assert due(office, at("2026-09-30 18:00"), HOUR) == at("2026-10-08 09:00")
    assert due(office, at("2026-12-18 17:00"), 2 * HOUR) == at("2026-12-21 10:00"), "the winter runs over New Year"
    assert due(office, at("2027-01-08 15:00"), 2 * HOUR) == at("2027-01-11 09:30")


def test_an_interval_to_24_00_ends_with_the_day() -> None:
    """And goes on without a break where the next day begins at 00:00."""
    office = kind("to midnight")
    assert due(office, at("2026-03-05 20:00"), 4 * HOUR) == at("2026-03-06 00:00"), "Friday is off, and not begun"
    assert due(office, at("2026-03-05 20:00"), 5 * HOUR) == at("2026-03-07 01:00")
    assert due(office, at("2026-03-02 20:00"), 6 * HOUR) == at("2026-03-03 02:00")


def test_days_with_hours_of_their_own() -> None:
    """A minute on Wednesday, none on Thursday, and the last minute of Sunday."""
    office = kind("days of its own")
    assert due(office, at("2026-03-03 09:00"), timedelta(minutes=1)) == at("2026-03-04 09:01")
    assert due(office, at("2026-03-04 09:01"), 8 * HOUR) == at("2026-03-06 16:00")
    assert due(office, at("2026-03-06 16:00"), 10 * HOUR + timedelta(minutes=1)) == at("2026-03-09 00:00")


def new_york(written: str, fold: int = 0) -> datetime:
    """Give an instant by the clocks of New York."""
    return datetime.fromisoformat(written).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


def test_a_night_in_which_the_clocks_change_is_as_long_as_it_is() -> None:
    """Working the clock round, a day of 2026-03-08 has 23 hours and one of 2026-11-01 has 25."""
    office = kind("New York around the clock")
    for day, hours in (("2026-03-08", 23), ("2026-11-01", 25), ("2026-06-01", 24)):
        begin = new_york(f"{day} 00:00")
        end = new_york(f"{datetime.fromisoformat(day) + timedelta(days=1):%Y-%m-%d} 00:00")
        assert elapsed(office, begin, end) == hours * HOUR
        assert due(office, begin, hours * HOUR) == end


def test_hours_that_the_clocks_skip_or_repeat() -> None:
    """Skipped time is not worked; in repeated time an interval ends the first time that its end is shown."""
    office = kind("New York by night")  # 00:00-01:30, 01:30-02:30, 02:30-06:00
    assert elapsed(office, new_york("2026-03-08 00:00"), new_york("2026-03-08 06:00")) == 5 * HOUR
    assert due(office, new_york("2026-03-08 00:00"), 2 * HOUR) == new_york("2026-03-08 03:00")
    assert elapsed(office, new_york("2026-11-01 00:00"), new_york("2026-11-01 06:00")) == 7 * HOUR
    early = calendar("America/New_York", hours=["00:00-01:30"], week=["sun"])
    assert due(early, new_york("2026-11-01 00:00"), 1.5 * HOUR) == new_york("2026-11-01 01:30")
    assert not early.stretch(micros(new_york("2026-11-01 01:10", fold=1)))[0]
    skipped = calendar("America/New_York", hours=["02:00-02:30", "02:30-03:00", "03:00-04:00"], week=["sun"])
    assert elapsed(skipped, new_york("2026-03-08 00:00"), new_york("2026-03-08 12:00")) == HOUR


def test_an_office_opens_by_its_own_clock_on_the_day_the_clocks_change() -> None:
    """Greenwich has an offset of nothing, which is an offset too."""
    office, london = kind("London"), ZoneInfo("Europe/London")
    for day in ("2026-03-28", "2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"):
        opens = datetime.fromisoformat(f"{day} 08:30").replace(tzinfo=london)
        assert office.stretch(micros(opens)) == (True, micros(opens + 3.5 * HOUR)), day


def test_a_date_that_never_was_is_not_worked() -> None:
    """Samoa went from Thursday 2011-12-29 to Saturday 2011-12-31."""
    office = kind("a day that was skipped")
    assert due(office, at("2011-12-29 17:00", "-10:00"), 2 * HOUR) == at("2011-12-31 09:30", "+14:00")
    assert instant(office.closing(micros(at("2011-12-29 17:00", "-10:00")), 1)) == at("2011-12-31 18:00", "+14:00")


# ------------------------------------------------------------------------------------------------ natural days


@UNHURRIED
@given(start=instants(), days=st.integers(0, 400))
def test_natural_days_are_24_hours_where_the_clocks_do_not_change(start: datetime, days: int) -> None:
    """In China since 1991."""
    assert days_later(start, days, ZoneInfo("Asia/Shanghai")) == start + timedelta(days=days)


@UNHURRIED
@given(start=instants(), days=st.integers(0, 400), more=st.integers(0, 5))
def test_natural_days_end_at_the_same_time_of_day(start: datetime, days: int, more: int) -> None:
    """Or, where the clocks skip it, when they do."""
    end = days_later(start, days, NEW_YORK)
    wall, begun = end.astimezone(NEW_YORK), start.astimezone(NEW_YORK)
    assert wall.date() == begun.date() + timedelta(days=days)
    assert wall.time() == begun.time() or (begun.hour, wall.time()) == (2, time(3))
    assert start <= end <= days_later(start, days + more, NEW_YORK)


def test_natural_days_over_a_change_of_clocks() -> None:
    """A week over the spring has an hour less, one over the autumn an hour more."""
    assert days_later(new_york("2026-03-05 10:00"), 7, NEW_YORK) == new_york("2026-03-12 10:00")
    assert new_york("2026-03-12 10:00") - new_york("2026-03-05 10:00") == timedelta(days=7) - HOUR
    assert days_later(new_york("2026-03-07 02:30"), 1, NEW_YORK) == new_york("2026-03-08 03:00")
    assert days_later(new_york("2026-10-31 01:30"), 1, NEW_YORK) == new_york("2026-11-01 01:30")
    assert days_later(new_york("2026-11-01 01:30", fold=1), 0, NEW_YORK) == new_york("2026-11-01 01:30", fold=1)


def test_a_limit_in_natural_days_ends_at_the_same_local_time() -> None:
    """Across the night in which the clocks of New York go forward, seven days are an hour shorter."""
    office = laid_out(
        "office",
        CalendarRules.model_validate({"zh": "办公", "en": "office", "hours": ["09:00-17:00"]}),
        "America/New_York",
    )
    week = Limit(amount=7, unit="natural_days")
    start = new_york("2026-03-05 10:00")
    assert due_at(start, week, office) == new_york("2026-03-12 10:00") == start + timedelta(days=7, hours=-1)
    assert due_at(start, week, ALWAYS) == start + timedelta(days=7)
