"""Does the desk say rightly why a deadline is when it is?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.desk.counted import LONGEST
from services.desk.deadlines import deadlines
from shared import messages as m
from shared.deadline import length
from tests.unit.desk import office
from tests.unit.desk.lives import HOUR, START, Life
from tests.unit.desk.office import Office, at
from tests.unit.desk.test_sentences import NAMES

CLOCK = "ladder-1"
EVE = at("2026-09-30", "17:00")
"""The Wednesday before a National Day of seven days, with a make-up workday on Saturday the 10th."""


def explained(life: Life, hours: float) -> list[dict[str, Any]]:
    """Give the deadlines as they are `hours` after the start."""
    return deadlines(life.view(), NAMES, START + timedelta(hours=hours))


# ---------------------------------------------------------------- what sets it


@pytest.mark.parametrize(
    ("hours", "overdue", "end"), [(0.2, False, "50 min left"), (1.5, True, "it has passed, and the duty stands")]
)
def test_a_running_clock_is_explained(hours: float, overdue: bool, end: str) -> None:  # noqa: FBT001
    """Its limit, what sets it, from when until when, and where it stands."""
    sign = explained(Life().reported().triaged().issued(), hours)[0]
    assert sign["overdue"] is overdue
    assert sign["result"] is None
    assert sign["profile_version"] == "v1"
    assert sign["rule"] == {"kind": "severity", "zh": "严重程度 III 级", "en": "severity III"}
    assert sign["sentence"]["en"] == (
        f"Due Sun 2026-11-22 17:02: 1 urgent hour from Sun 2026-11-22 16:02 for signing (severity III); {end}."
    )


def test_the_filing_condition_sets_the_handling_limit() -> None:
    """The limit belongs to the condition, not to the class."""
    life = Life().reported().triaged().issued().signed()
    sign, handle = explained(life, 0.1)
    assert "签收时限" in sign["sentence"]["zh"]
    assert "已于 2026-11-22 周日 16:06 按时完成" in sign["sentence"]["zh"]
    assert "the filing condition 'being built' of Building" in handle["sentence"]["en"]
    assert handle["rule"]["kind"] == "condition"


def test_a_signature_is_never_due_after_the_handling() -> None:
    """Where the handling has the shorter limit, the sentence says that it cuts the other short."""
    life = Life().reported().triaged()
    common: dict[str, Any] = {"order_id": "o", "started_at": START, "due_at": START + timedelta(hours=1)}
    sign = m.ClockStart(clock="sign", token="s", limit=m.Span(amount=4, unit="work_hours"), **common)  # noqa: S106 - a name
    handle = m.ClockStart(clock="handle", token="t", limit=HOUR, **common)  # noqa: S106 - the same
    life.fact(m.ClocksStarted(clocks=(sign, handle)))
    said = {each["clock"]: each["sentence"] for each in explained(life, 0)}
    assert "4 working hours from Sun 2026-11-22 16:00, but not after the handling limit for" in said["sign"]["en"]
    assert "不晚于处置时限" in said["sign"]["zh"]
    assert "but not after" not in said["handle"]["en"]


def test_a_ladder_clock_names_its_level() -> None:
    """Each level has a clock of its own."""
    life = Life().reported().triaged()
    clock = m.ClockStart(
        clock="ladder", token=CLOCK, level="street", cause="sign", started_at=START,
        due_at=START + timedelta(minutes=30), limit=HOUR,
    )  # fmt: skip
    grave = clock.model_copy(update={"token": "other", "cause": "severity"})
    life.fact(m.ClocksStarted(clocks=(clock, grave)))
    street, told = explained(life, 0)
    assert "for the street level's answer (added after the signing limit had passed" in street["sentence"]["en"]
    assert "街道级响应时限" in street["sentence"]["zh"]
    assert street["name"] == {"zh": "街道级响应", "en": "the street level's answer"}
    assert "told at once, severity III" in told["sentence"]["en"]


def test_a_level_that_did_not_answer_is_over_with_its_breach() -> None:
    """Nothing stops its clock later: a `due` that it kept would sort a ticket that is signed and done for ever."""
    life = Life().reported().triaged().issued()
    due = START + timedelta(minutes=30)
    clock = m.ClockStart(
        clock="ladder", token=CLOCK, level="street", cause="sign", started_at=START, due_at=due, limit=HOUR
    )
    life.fact(m.ClocksStarted(clocks=(clock,)))
    assert life.view().due == due
    told = life.now
    life.fact(m.ClockBreached(clock="ladder", token=CLOCK, level="street", due_at=due, late_by_s=0))
    assert life.view().due == life.view().clocks["sign-1"].due_at
    street = explained(life, 3)[0]
    assert (street["state"], street["overdue"], street["ended_at"]) == ("breached", False, told)
    assert "passed without an answer" in street["sentence"]["en"]


@pytest.mark.parametrize(
    ("clock", "kind", "words"),
    [
        ("verify", "closing", "for verification (the rules for closing)"),
        ("accept", "desk", "for triage (the limit for whoever is on duty)"),
        ("total", "severity", "for the whole matter (severity III)"),
    ],
)
def test_every_sort_of_clock_says_what_sets_it(clock: str, kind: str, words: str) -> None:
    """Also one that belongs to no order."""
    life = Life().reported().triaged()
    start = m.ClockStart(clock=clock, token="t", started_at=START, due_at=START + timedelta(days=2), limit=HOUR)  # noqa: S106 - a name
    (found,) = explained(life.fact(m.ClocksStarted(clocks=(start,))), 0)
    assert found["rule"]["kind"] == kind
    assert words in found["sentence"]["en"]
    assert "nights and holidays count" in found["sentence"]["en"]


# ---------------------------------------------------------------- calendars


def test_time_on_a_make_up_workday_is_called_so() -> None:
    """It counts as any other, and the piece says why a Saturday does."""
    found = Office(at("2026-10-09", "17:00")).explained(at("2026-10-10", "09:00"))
    pieces = [(piece["kind"], piece["zh"], piece["en"]) for piece in found["segments"]]
    made = ("running", "计时（调休上班）", "counts (make-up workday)")
    assert [piece for piece in pieces if piece[0] == "running"] == [("running", "计时", "counts"), made, made]


def test_what_has_passed_is_shown_up_to_now_and_only_days_before_the_limit_set_it() -> None:
    """Its duty stands through the holidays after it, but they are no reason for its limit."""
    now = at("2026-10-08", "10:00")
    found = Office(at("2026-09-29", "17:00")).explained(now)
    assert datetime.fromisoformat(str(found["due_at"])) == at("2026-09-30", "18:00")
    assert found["segments"][-1]["to"] == now
    assert "holiday" in {piece["kind"] for piece in found["segments"]}
    assert "National Day" not in found["sentence"]["en"]


def test_a_holiday_is_named_and_does_not_count() -> None:
    """One working day, given on the last afternoon before National Day, is a Thursday eight days later."""
    found = Office(EVE).explained(at("2026-10-08", "15:00"))
    assert found["sentence"] == {
        "zh": "2026-10-08 周四 18:00 到期：自 2026-09-30 周三 17:00 起 1 个工作日（处置时限，私搭的立案条件“在建”）；"
        "当日不计；国庆节（10-01 至 10-07）不计；剩余 3 小时。",
        "en": "Due Thu 2026-10-08 18:00: 1 working day from Wed 2026-09-30 17:00 for handling (the filing condition "
        "'being built' of Building); the first day does not count; National Day (10-01 to 10-07) does not count; "
        "3 h of working time left.",
    }
    calendar = office.PROFILE.calendar("office")
    assert found["calendar"] == {
        "name": "office", "version": calendar.version, "present": True, "shown_by": calendar.id,
        "zh": "机关工作时间", "en": "office hours",
    }  # fmt: skip
    assert [(each["kind"], each["en"]) for each in found["segments"]] == [
        ("running", "counts"),
        ("outside-hours", "outside working hours"),
        ("holiday", "National Day"),
        ("outside-hours", "outside working hours"),
        ("running", "counts"),
        ("outside-hours", "outside working hours"),
        ("running", "counts"),
    ]
    assert found["used"] == {"seconds": 5.5 * 3600, "zh": "5 小时 30 分钟", "en": "5 h 30 min"}
    assert found["remaining"]["seconds"] == 3 * 3600


def test_a_make_up_workday_counts_and_a_weekend_does_not() -> None:
    """Saturday the 10th is worked for the holiday; Sunday the 11th is not."""
    said = Office(EVE, 5).explained(EVE)["sentence"]
    assert said["en"].startswith("Due Tue 2026-10-13 18:00: 5 working days from Wed 2026-09-30 17:00")
    assert "the weekend (10-11) does not count; 10-10 is a make-up workday; " in said["en"]
    assert "周末（10-11）不计；10-10 调休上班；" in said["zh"]
    assert "weekends do not count" in Office(EVE, 12).explained(EVE)["sentence"]["en"]
    rolling = Office(EVE, 1, calendar="rolling").explained(EVE)["sentence"]["en"]
    assert "a working day is 8 h" in rolling


def test_many_holidays_are_counted_and_not_all_named() -> None:
    """A sentence stays a sentence."""
    said = Office(at("2026-01-05", "09:00"), 200).explained(EVE)["sentence"]["en"]
    assert "Spring Festival" in said
    assert "more holidays do not count" in said


def test_what_depends_on_holidays_that_nobody_knows_yet_says_so() -> None:
    """No notice for 2027 is out: the weekday rule holds until there is."""
    found = Office(at("2026-12-30", "10:00"), 3).explained(at("2026-12-30", "10:00"))
    assert found["provisional"] is True
    assert "provisional, since the holidays of 2027 are not published yet" in found["sentence"]["en"]
    assert "暂定：2027 年放假安排尚未公布" in found["sentence"]["zh"]
    assert "provisional" not in Office(EVE).explained(EVE)["sentence"]["en"]


@pytest.mark.parametrize("calendar", ["office@deadbeef", "court@deadbeef"])
def test_a_calendar_that_the_profile_no_longer_has_is_named(calendar: str) -> None:
    """The pieces are those of the present one, and marked so."""
    life = Office(EVE)
    life.fact(m.ClocksStarted(clocks=(life.begin(calendar=calendar, token="old"),)))  # noqa: S106 - a name
    found = next(each for each in deadlines(life.view(), office.NAMES, EVE) if each["token"] == "old")  # noqa: S105 - the same
    present = office.PROFILE.calendar("office").id
    assert (found["calendar"]["present"], found["calendar"]["version"]) == (False, "deadbeef")
    assert found["calendar"]["shown_by"] == present
    assert f"counted on the calendar {calendar}, which the profile no longer has" in found["sentence"]["en"]
    assert f"分段按 {present} 显示" in found["sentence"]["zh"]
    assert found["segments"]


# ---------------------------------------------------------------- pauses and moves


def test_a_pause_is_told_with_its_reason_and_gives_the_rest_of_the_time() -> None:
    """Two hours of it, and the limit is two working hours later: the next morning."""
    life = Office(EVE).pause(at("2026-10-08", "10:00"))
    rests = life.explained(at("2026-10-08", "11:00"))
    assert (rests["state"], rests["overdue"], rests["result"]) == ("paused", False, None)
    assert rests["segments"][-1] == {
        "from": at("2026-10-08", "10:00"),
        "to": at("2026-10-08", "11:00"),
        "kind": "paused",
        "zh": "受季节限制",
        "en": "must wait for the season",
    }
    assert rests["sentence"]["en"].startswith("Paused, and not due meanwhile: 1 working day from Wed 2026-09-30 17:00")
    assert "paused since Thu 2026-10-08 10:00 (must wait for the season)" in rests["sentence"]["en"]
    assert rests["sentence"]["zh"].endswith("自 2026-10-08 周四 10:00 起暂停（受季节限制）；剩余 6 小时。")
    assert rests["remaining"]["seconds"] == 6 * 3600
    assert life.explained(at("2027-03-01"))["remaining"] == rests["remaining"]

    found = life.resume(at("2026-10-08", "12:00")).explained(at("2026-10-08", "15:00"))
    assert found["sentence"]["en"].startswith("Due Fri 2026-10-09 10:30: 1 working day from")
    assert "; paused 2 h (must wait for the season); 5 h of working time left." in found["sentence"]["en"]
    assert "；暂停 2 小时（受季节限制）；" in found["sentence"]["zh"]
    assert found["first_due_at"] == at("2026-10-08", "18:00")
    assert (found["paused"]["seconds"], found["pauses"][0]["en"]) == (2 * 3600, "must wait for the season")
    assert [move["why"] for move in found["moves"]] == ["resumed"]


def test_a_suspended_order_says_until_when_at_the_latest() -> None:
    """Its clock has no end of its own: the order has."""
    life = Life().reported().triaged().issued().signed().suspended()
    handle = next(each for each in explained(life, 1) if each["clock"] == "handle")
    assert "until Tue 2026-12-01 16:10 at the latest (must wait for the season)" in handle["sentence"]["en"]
    assert "最迟至 2026-12-01 周二 16:10" in handle["sentence"]["zh"]


def test_a_clock_that_ends_while_it_rests_had_its_time_left() -> None:
    """Its limit does not know the pause: what was left is left."""
    life = Office(START, 4, "urgent_hours").pause(START + timedelta(minutes=1)).end(outcome="cancelled")
    found = life.explained(at("2027-01-01"))
    assert found["remaining"]["seconds"] == 4 * 3600 - 60
    assert found["segments"][-1]["to"] == found["ended_at"] == found["pauses"][0]["to"]


def test_an_extension_keeps_both_limits_and_says_when_it_was_late_in_fact() -> None:
    """On time as extended, late by the first limit: both are reported."""
    life = Office(START, 2, "minutes")
    life.extra = timedelta(hours=5)
    life.count("extended", life.now)
    found = life.explained(life.now)
    assert (found["extensions"], found["first_due_at"]) == (1, START + timedelta(minutes=2))
    assert "extended once, before that due Sun 2026-11-22 16:02" in found["sentence"]["en"]
    met = life.end(late_in_fact=True).explained(life.now)
    assert met["result"]["outcome"] == "met"
    assert met["result"]["late_in_fact"] is True
    assert met["result"]["en"] == "met as extended at Sun 2026-11-22 16:04, late in fact"
    assert "已超原时限" in met["sentence"]["zh"]


def test_a_limit_that_a_new_calendar_moved_says_so() -> None:
    """With the limit that was, and why."""
    life = Office(EVE)
    life.extra = timedelta(hours=1)
    said = life.count("calendar", EVE).explained(EVE)["sentence"]
    assert "was due Thu 2026-10-08 18:00, counted again since the calendar has changed" in said["en"]
    assert "原到期 2026-10-08 周四 18:00，因工作日历变更重算" in said["zh"]


def test_a_clock_that_ended_late_is_shown_to_its_end() -> None:
    """What came after the limit is part of the picture."""
    life = Office(START, 1, "minutes").end(outcome="late")
    found = life.explained(life.now)
    assert found["segments"][-1]["to"] == found["ended_at"] > found["due_at"]
    assert found["remaining"]["seconds"] == 0


def test_a_very_long_clock_is_laid_out_in_part_and_one_outside_all_calendars_not_at_all() -> None:
    """Neither is an error of the desk's."""
    long = Office(EVE, 2000).explained(EVE)
    assert long["segments"][-1]["to"] == EVE + LONGEST
    assert long["remaining"]["seconds"] > 1900 * 7 * 3600
    life = Office(EVE)
    edge = datetime.max.replace(tzinfo=UTC)
    for started, due in ((edge, edge), (datetime.min.replace(tzinfo=UTC), edge), (EVE, edge)):
        for calendar in ("always@", "office@deadbeef"):
            life.fact(m.ClocksStarted(clocks=(life.begin(started_at=started, due_at=due, calendar=calendar),)))
            assert life.explained(EVE)["sentence"]["zh"]


# ---------------------------------------------------------------- properties

MINUTES = st.integers(0, 60 * 24 * 20)


@settings(max_examples=60, deadline=None)
@given(
    pauses=st.lists(st.tuples(MINUTES, MINUTES), max_size=4),
    now=MINUTES,
    amount=st.integers(1, 9),
    unit=st.sampled_from(["work_days", "work_hours", "urgent_hours"]),
    extra=st.integers(0, 40),
)
def test_used_and_left_add_up_to_the_limit(
    pauses: list[tuple[int, int]], now: int, amount: int, unit: str, extra: int
) -> None:
    """Through any pauses and an extension; the pieces have no gap, and those that count are the limit."""
    life, last = Office(EVE, amount, unit), EVE
    for rest, lasts in pauses:
        since = last + timedelta(minutes=rest)
        if since >= life.due:
            break
        last = since + timedelta(minutes=lasts)
        life.pause(since).resume(last)
    life.extra = timedelta(hours=extra)
    life.count("extended", last)
    limit = length(EVE, life.limit, life.calendar) + life.extra
    found = life.explained(min(last + timedelta(minutes=now), life.due))
    assert found["used"]["seconds"] + found["remaining"]["seconds"] == limit.total_seconds()
    pieces = found["segments"]
    assert (pieces[0]["from"], pieces[-1]["to"]) == (EVE, life.due)
    assert all(one["to"] == other["from"] for one, other in pairwise(pieces))
    counted = sum(((each["to"] - each["from"]) for each in pieces if each["kind"] == "running"), timedelta(0))
    assert counted == limit
