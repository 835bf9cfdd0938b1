"""Does the desk follow what was corrected, what the caller was asked, and rules that were applied anew?"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from prometheus_client import REGISTRY

from services.desk.deadlines import deadlines
from services.desk.handlers import decider
from services.desk.names import Names
from services.desk.sentences import sentence
from services.desk.store import searchable
from services.desk.timeline import entries
from services.desk.views import ticket_view
from shared import messages as m
from shared.deadline import length
from shared.ids import order_id
from shared.profile import parse_profile
from tests.support.fold import Folded
from tests.unit.desk.lives import GRID, HOUR, LEAK, START, WATER, Life
from tests.unit.desk.office import OFFICE, TOKEN, Office, at
from tests.unit.desk.test_projection import FIELDS
from tests.unit.desk.test_sentences import NAMES
from tests.unit.profile.small import SMALL

HOURS = timedelta(hours=9)
EVE = at("2026-09-30", "17:00")
"""The Wednesday before a National Day of seven days."""
ROWS = """\
  limits:
    - {clock: handle, requests: [consultation], limit: 1 urgent_hours}
    - {clock: contact, channels: [hotline], category: "01*", severities: [III], limit: 1 urgent_hours}
"""
WITH_ROWS = Names(parse_profile(SMALL.replace("clocks:\n", OFFICE + ROWS), "rows.yaml"))


def said(life: Life, kind: str) -> tuple[str, str]:
    """Give the last sentence of a type, in Chinese and in English."""
    found = [each for each in entries(life.view().timeline) if each["type"] == f"{kind}.v1"]
    words = sentence(found[-1]["type"], found[-1].get("data", {}), NAMES)
    return words.zh, words.en


def clock(life: Life, name: str, now: datetime = START, names: Names = NAMES) -> dict[str, Any]:
    """Give the last clock of a name as the desk explains it."""
    return [each for each in deadlines(life.view(), names, now) if each["clock"] == name][-1]


def recounted(life: Life, why: Any, *moves: m.ClockMove, since: datetime | None = None) -> Life:
    """Let sla count limits again."""
    return life.fact(m.ClocksRecalculated(clocks=moves, why=why, at=since or life.now))


def move(name: str, old: datetime, new: datetime, **more: Any) -> m.ClockMove:
    """Give the move of a clock of the first order."""
    order = order_id(Life().ticket, 1)
    return m.ClockMove(clock=name, token=f"{name}-1", order_id=order, old=old, new=new, **more)


# ---------------------------------------------------------------- corrected


def test_a_corrected_ticket_is_what_it_is_now() -> None:
    """On the ticket and on every list; who handles it stays, and so do levels that a breach has added."""
    life = Life().reported(request="complaint").triaged().issued().signed()
    life.fact(m.TicketEscalated(from_level="grid", to_level="community", unit="100000001001", cause="sign"))
    view = life.amended().view()
    fields = FIELDS(view)
    assert (fields["category"], fields["category_name"], fields["severity"]) == ("0501", "漏水", "II")
    assert (fields["unit"], fields["address"], fields["department"]) == ("100000002", "西街 9 号", "police")
    assert set(fields["units"]) >= {"100000002", "100000"}
    assert GRID not in fields["units"]
    assert [(owner.level, owner.unit) for owner in view.owners] == [
        ("street", "100000002"),
        ("community", "100000001001"),
    ]
    assert (view.state, view.level) == ("signed", "community")
    shown = ticket_view(life.ticket, view, NAMES, life.now)
    assert (shown["category"]["code"], shown["place"]["unit"]) == ("0501", "100000002")
    assert (shown["request"], shown["request_name"]) == ("complaint", {"zh": "投诉", "en": "a complaint"})
    assert said(life, "reported")[0] == "受理了来自热线的投诉。"


def test_a_correction_says_what_was_and_what_is() -> None:
    """With names; what stayed is not mentioned."""
    life = Life().reported().triaged().issued().amended()
    zh, en = said(life, "amended")
    assert zh == (
        "甲 修改工单，类别由 私搭（在建） 改为 漏水（漏水），严重程度由 III 级 改为 II 级，"
        "地点由 一格 改为 西街道，处置时限 1 个紧急工作时：看错了。"
    )
    assert en == (
        "甲 corrected it: category Leak (leaking) instead of Building (being built), severity II instead of III, "
        "place West instead of Grid 1, handling has 1 urgent hour: 看错了."
    )
    again = life.amended(severity="III", old_severity="II", category=LEAK, old_category=LEAK)
    assert "category" not in said(again, "amended")[1]


def test_limits_of_an_order_follow_its_clocks() -> None:
    """What dispatch has moved itself is said by its own facts."""
    life = Life().reported().triaged().issued()
    order = life.view().orders[order_id(life.ticket, 1)]
    sign, handle = order.sign_by + timedelta(hours=1), order.handle_by + timedelta(hours=1)
    recounted(life, "edited", move("sign", order.sign_by, sign), move("handle", order.handle_by, handle))
    after = life.view().orders[order_id(life.ticket, 1)]
    assert (after.sign_by, after.handle_by) == (sign, handle)
    recounted(life, "extended", move("handle", handle, handle + timedelta(hours=1)))
    assert life.view().orders[order_id(life.ticket, 1)].handle_by == handle


def test_a_corrected_limit_is_explained_from_its_original_start() -> None:
    """The limit that holds and the one it began with, what moved it, and what is left by the new length."""
    life = Office(EVE, 15)
    first = life.due
    life.limit = m.Span(amount=2, unit="work_days")
    life.amended(number=None, category=life.view().category, place=life.view().place)
    life.count("edited", at("2026-10-08", "10:00"), limit=life.limit)
    found = life.explained(at("2026-10-08", "10:00"))
    assert found["started_at"] == EVE
    assert (found["limit"]["en"], found["first_limit"]["en"]) == ("2 working days", "15 working days")
    assert (found["due_at"], found["first_due_at"]) == (at("2026-10-09", "18:00"), first)
    assert found["remaining"]["seconds"] == (2 + 4 + 7.5) * 3600
    (moved,) = found["moves"]
    assert (moved["why"], moved["limit_was"]["amount"], moved["limit"]["amount"]) == ("edited", 15, 2)
    assert found["sentence"]["en"].startswith("Due Fri 2026-10-09 18:00: 2 working days from Wed 2026-09-30 17:00")
    assert (
        "was due Tue 2026-10-27 18:00 by 15 working days, counted again since the ticket was corrected"
        in (found["sentence"]["en"])
    )
    assert "原时限 15 个工作日、原到期 2026-10-27 周二 18:00，因工单信息变更重算" in found["sentence"]["zh"]


def test_a_limit_that_is_again_as_at_the_start_says_so() -> None:
    """The move then leaves the length out."""
    life = Office(EVE, 15)
    life.limit = m.Span(amount=2, unit="work_days")
    life.count("edited", EVE, limit=life.limit)
    life.limit = m.Span(amount=15, unit="work_days")
    found = life.count("edited", EVE).explained(EVE)
    assert (found["limit"]["amount"], found["first_limit"]["amount"]) == (15, 15)
    assert [(each["limit_was"]["amount"], each["limit"]["amount"]) for each in found["moves"]] == [(15, 2), (2, 15)]


def test_a_clock_that_is_over_keeps_the_rule_that_set_it() -> None:
    """Signed at severity III, handled at severity II; a handling that was breached before stays a building's."""
    life = Life().reported().triaged().issued().signed().amended()
    assert clock(life, "sign")["rule"]["en"] == "severity III"
    assert clock(life, "handle")["rule"]["en"] == "the filing condition 'leaking' of Leak"
    late = Life().reported().triaged().issued().signed()
    due = START + timedelta(minutes=1)
    recounted(late, "calendar", move("handle", late.view().clocks["handle-1"].due_at, due))
    late.fact(m.ClockBreached(clock="handle", token="handle-1", due_at=due, late_by_s=0))  # noqa: S106 - a name
    assert clock(late.amended(), "handle")["rule"]["en"] == "the filing condition 'being built' of Building"


# ---------------------------------------------------------------- asked


def test_an_open_question_stands_on_the_ticket() -> None:
    """Until it is answered, its time is over, or the ticket is closed."""
    life = Life().reported().triaged().issued().signed()
    asked = life.question().view().asked
    assert asked is not None
    shown = ticket_view(life.ticket, life.view(), NAMES, life.now)["asked"]
    assert shown == {"question": "几号楼？", "by": "乙", "since": asked.since, "until": asked.until}
    assert life.view().due is None
    assert ticket_view(life.ticket, life.answer().view(), NAMES, life.now)["asked"] is None
    assert life.question().answer("expired").view().asked is None
    assert said(life, "information-wait-ended")[0] == "诉求人逾期未补充，不再等待。"
    assert Life().reported().triaged().issued().question().closed().view().asked is None


def test_a_question_and_its_answer_are_told() -> None:
    """With the text, and until when there is an answer to wait for."""
    life = Life().reported().triaged().issued().signed().question().answer()
    assert said(life, "ask-caller")[1] == "乙 asked to put a question to the caller: 几号楼？"
    assert said(life, "information-requested") == (
        "乙 请诉求人在 2026-11-25 16:08 前补充：几号楼？",
        "乙 asked the caller, who has until 2026-11-25 16:08: 几号楼？",
    )
    assert said(life, "clocks-paused")[0] == "计时暂停（等待诉求人补充），自 2026-11-22 16:09 起。"
    assert said(life, "information-wait-ended")[1] == "The caller has answered, and is waited for no longer."
    assert "since the caller is waited for no longer: handling until" in said(life, "clocks-recalculated")[1]


def test_a_pause_for_the_caller_gives_the_rest_of_the_time() -> None:
    """It stands in the segments by its name, and at the latest ends with the question."""
    life = Office(EVE).pause(at("2026-10-08", "10:00"), "caller")
    until = at("2026-10-12", "18:00")
    life.fact(m.InformationRequested(question="?", by="乙", since=at("2026-10-08", "10:00"), until=until))
    rests = life.explained(at("2026-10-08", "11:00"))
    assert (rests["state"], rests["segments"][-1]["kind"], rests["segments"][-1]["zh"]) == (
        "paused",
        "paused",
        "等待诉求人补充",
    )
    assert "until Mon 2026-10-12 18:00 at the latest (waiting for the caller)" in rests["sentence"]["en"]
    assert rests["remaining"]["seconds"] == 6 * 3600
    life.pauses[-1] = life.pauses[-1]._replace(end=at("2026-10-08", "12:00"))
    found = life.count("answered", at("2026-10-08", "12:00")).explained(at("2026-10-08", "15:00"))
    assert (found["state"], found["due_at"]) == ("running", at("2026-10-09", "10:30"))
    assert (found["paused"]["seconds"], found["remaining"]["seconds"]) == (2 * 3600, 5 * 3600)
    assert "counted again" not in found["sentence"]["en"]


def test_two_reasons_to_rest_are_both_named_and_the_later_end_counts() -> None:
    """The order is suspended while the caller is waited for."""
    life = Life().reported().triaged().issued().signed().question()
    order = order_id(life.ticket, 1)
    until = life.now + timedelta(days=9)
    life.fact(
        m.OrderSuspended(order_id=order, handler=WATER, reason="season", since=life.now, until=until, approved_by="乙")
    )
    told = clock(life, "handle", life.now)["sentence"]["en"]
    assert "until Tue 2026-12-01 16:10 at the latest (waiting for the caller and must wait for the season)" in told


def test_what_is_corrected_while_it_rests_has_the_rest_of_its_new_time() -> None:
    """Its limit is said when it goes on, so what is left follows from the new length."""
    life = Office(EVE, 15).pause(at("2026-10-08", "10:00"), "caller")
    life.limit = m.Span(amount=2, unit="work_days")
    longer = m.ClockMove(
        clock="handle", token=TOKEN, old=life.due, new=life.due, limit=life.limit, calendar=life.calendar.id
    )
    recounted(life, "edited", longer, since=at("2026-10-08", "11:00"))
    found = life.explained(at("2026-10-09", "11:00"))
    whole = length(EVE, life.limit, life.calendar)
    assert found["state"] == "paused"
    assert found["used"]["seconds"] == 2.5 * 3600
    assert found["remaining"]["seconds"] == whole.total_seconds() - 2.5 * 3600
    assert "had 15 working days, counted again since the ticket was corrected" in found["sentence"]["en"]
    assert said(life, "clocks-recalculated")[1].endswith("the ticket was corrected: handling has 2 working days.")
    life.pauses[-1] = life.pauses[-1]._replace(end=at("2026-10-09", "11:00"))
    after = life.count("answered", at("2026-10-09", "11:00"), limit=life.limit).explained(at("2026-10-09", "11:00"))
    assert after["remaining"] == found["remaining"]


# ---------------------------------------------------------------- warnings, contact, who is told


def test_every_warning_is_listed_with_whether_it_was_given() -> None:
    """`warn_at` stays the first of them."""
    life = Office(EVE, 15)
    first, second = at("2026-10-15", "09:00"), at("2026-10-26", "18:00")
    life.fact(m.ClocksStarted(clocks=(life.begin(warn_at=first, warn_again=(second,)),)))
    life.fact(m.ClockWarned(clock="handle", token=TOKEN, due_at=life.due, nth=1))
    found = life.explained(EVE)
    assert found["warn_at"] == first
    assert found["warnings"] == [{"at": first, "given": True}, {"at": second, "given": False}]
    assert said(life, "clock-warned")[1] == "The handling limit is near: it ends at 2026-10-27 18:00."
    life.fact(m.ClockWarned(clock="handle", token=TOKEN, due_at=life.due, nth=2))
    assert [each["given"] for each in life.explained(EVE)["warnings"]] == [True, True]
    assert said(life, "clock-warned") == (
        "处置时限第 2 次预警：2026-10-27 18:00 到期。",
        "Warning number 2: the handling limit ends at 2026-10-27 18:00.",
    )
    moved = m.ClockMove(clock="handle", token=TOKEN, old=life.due, new=life.due, warn_at=second)
    recounted(life, "edited", moved)
    assert [each["at"] for each in life.explained(EVE)["warnings"]] == [second]


def test_speaking_with_the_caller_has_a_clock_and_a_sentence() -> None:
    """The clock says that it is a duty of whoever has the order."""
    life = Life().reported().triaged().issued()
    order = order_id(life.ticket, 1)
    due = START + timedelta(hours=24)
    start = m.ClockStart(
        clock="contact", token="contact-1", order_id=order, started_at=START, due_at=due, limit=HOUR  # noqa: S106 - a name
    )  # fmt: skip
    life.fact(m.ClocksStarted(clocks=(start,)))
    found = clock(life, "contact")
    assert found["name"] == {"zh": "联系诉求人", "en": "contact with the caller"}
    assert found["rule"]["kind"] == "contact"
    life.fact(m.ClockWarned(clock="contact", token="contact-1", due_at=due))  # noqa: S106 - the same
    assert said(life, "clock-warned") == (
        "联系诉求人时限临近：2026-11-23 16:00 到期。",
        "The limit for contact with the caller is near: it ends at 2026-11-23 16:00.",
    )
    life.fact(
        m.TicketEscalated(from_level="grid", to_level="district", unit="100000", cause="contact", told=("d", "x"))
    )
    zh, en = said(life, "escalated")
    assert zh == "超过联系诉求人时限，升级到 区，通知 甲（值班人员）、x。"
    assert en == (
        "The limit for contact with the caller has passed: District (district) is an owner too; "
        "to be told: 甲 (on duty), x."
    )
    life.fact(m.ClocksPaused(tokens=(f"{order}/handle/2", f"{order}/contact/3"), reason="season", since=START))
    assert said(life, "clocks-paused")[1].startswith("The clock for handling and contact with the caller rests from")
    life.command(m.ReportProgress(order_id=order, department="water", progress="contact"))
    assert said(life, "report-progress")[1] == "Water reported to have spoken with the caller."
    life.fact(m.OrderProgressed(order_id=order, progress="contact", by="王", note="约好上门"))
    assert said(life, "order-progressed")[0] == "王 已联系诉求人：约好上门。"


@pytest.mark.parametrize(
    ("notice", "zh", "en"),
    [
        (None, "区 仍无人认领，第 2 次督办。", "supervision notice number 2."),
        (
            m.Words(zh="挂牌督办", en="public supervision notice"),
            "区 仍无人认领，第 2 次督办，本次为挂牌督办，通知 甲（值班人员）。",
            "public supervision notice number 2; to be told: 甲 (on duty).",
        ),
    ],
)
def test_a_supervision_notice_is_called_by_its_own_name(notice: m.Words | None, zh: str, en: str) -> None:
    """Heavier each time; one from before such names were known is a plain one."""
    told = ("d",) if notice else ()
    again = m.SupervisionRepeated(level="district", unit="100000", cause="sign", times=2, notice=notice, told=told)
    life = Life().reported().fact(again)
    assert said(life, "supervision-repeated")[0] == zh
    assert said(life, "supervision-repeated")[1].endswith(en)


# ---------------------------------------------------------------- rules


def test_a_clock_names_the_version_of_the_rules_that_it_follows() -> None:
    """Applied to what runs; what has ended keeps the version that it had."""
    life = Life().reported().triaged().issued().signed()
    life.fact(m.PolicyApplied(before="v1", policy="v2", by="甲", handle_limit=HOUR))
    assert (clock(life, "sign")["profile_version"], clock(life, "handle")["profile_version"]) == ("v1", "v2")
    assert ticket_view(life.ticket, life.view(), NAMES, life.now)["profile_version"] == "v2"
    assert said(life, "policy-applied") == (
        "甲 将本工单适用的配置版本由 v1 改为 v2。",
        "甲 applied version v2 of the profile to it, which followed v1.",
    )
    life.command(m.RecountClocks(by="甲", why="policy", policy="v2"))
    assert said(life, "recount-clocks")[1] == "甲 asked to apply version v2 of the profile."
    due = life.view().clocks["handle-1"].due_at
    recounted(life, "policy", move("handle", due, due + timedelta(hours=1), limit=m.Span(amount=3, unit="minutes")))
    assert [each["why"] for each in clock(life, "handle")["moves"]] == ["policy"]
    life.fact(m.ClockBreached(clock="handle", token="handle-1", due_at=due, late_by_s=0))  # noqa: S106 - a name
    life.fact(m.PolicyApplied(before="v2", policy="v3", by="甲"))
    assert clock(life, "handle")["profile_version"] == "v2"
    assert "（规则变更）" in said(life, "clocks-recalculated")[0]
    assert "(3 minutes)" in said(life, "clocks-recalculated")[1]


def test_a_limit_of_the_citys_own_names_what_it_is_for() -> None:
    """A consultation's handling is not set by the filing condition; a limit of another length is not this row's."""
    life = Life().reported(request="consultation").triaged().issued()
    rule = clock(life, "handle", names=WITH_ROWS)["rule"]
    assert rule == {"kind": "row", "zh": "对咨询的专门规定", "en": "the city's own limit for a consultation"}
    start = m.ClockStart(clock="contact", token="c", started_at=START, due_at=START, limit=HOUR)  # noqa: S106 - a name
    life.fact(m.ClocksStarted(clocks=(start,)))
    assert clock(life, "contact", names=WITH_ROWS)["rule"]["en"] == (
        "the city's own limit for what comes from the hotline, Building, severity III"
    )
    longer = start.model_copy(
        update={"clock": "handle", "limit": m.Span(amount=2, unit="urgent_hours"), "due_at": START + HOURS}
    )
    life.fact(m.ClocksStarted(clocks=(longer,)))
    assert clock(life, "handle", names=WITH_ROWS)["rule"]["kind"] == "condition"
    assert clock(Life().reported().triaged().issued(), "handle", names=WITH_ROWS)["rule"]["kind"] == "condition"


# ---------------------------------------------------------------- the share of paused time


def seconds(department: str) -> tuple[float, float]:
    """Give the counted time of a handler's clocks that ended, and how much of it they rested."""
    names = ("gridcall_handling_seconds_total", "gridcall_paused_seconds_total")
    handling, rested = (REGISTRY.get_sample_value(name, {"department": department}) or 0.0 for name in names)
    return handling, rested


def test_the_time_of_a_handling_clock_counts_for_its_handler_when_it_ends() -> None:
    """All of it and what it rested, once however often it is read; neither a signature nor what still runs counts."""
    desk = Folded(decider(parse_profile(SMALL, "small.yaml")))
    life = Life("paused").reported().triaged(WATER).issued(1, WATER).signed(1, WATER)
    before = seconds("water")
    for message in life.messages:
        desk.read(message)
    assert seconds("water") == before
    begun = life.view().clocks["handle-1"].started_at
    stop = m.ClockStop(clock="handle", token="handle-1", outcome="met", paused_s=90.0)  # noqa: S106 - a name
    ended = life.now
    life.fact(m.ClocksStopped(clocks=(stop, stop.model_copy(update={"token": "nothing"}))))
    for _ in range(2):
        desk.read(life.messages[-1])
    handling, rested = seconds("water")
    assert handling - before[0] == pytest.approx((ended - begun).total_seconds())
    assert rested - before[1] == pytest.approx(90)


def test_nights_and_holidays_are_no_part_of_a_share() -> None:
    """Counted as the limit is: from the eve of a holiday to the morning after it, three hours."""
    life = Office(EVE)
    order = order_id(life.ticket, 7)
    life.issued(7, m.Handler(kind="unit", id=GRID))
    start = life.begin(order_id=order, token="own")  # noqa: S106 - a name
    life.fact(m.ClocksStarted(clocks=(start,)))
    desk = Folded(decider(parse_profile(SMALL.replace("clocks:\n", OFFICE), "office.yaml")))
    for message in life.messages:
        desk.read(message)
    stop = m.ClockStop(clock="handle", token="own", outcome="met", paused_s=1800.0)  # noqa: S106 - the same
    life.fact(m.ClocksStopped(clocks=(stop,)))
    last = life.messages[-1]
    before = seconds("unit")
    desk.read(last._replace(envelope=last.envelope._replace(time=at("2026-10-08", "10:30"))))
    handling, rested = seconds("unit")
    assert handling - before[0] == pytest.approx((1 + 2) * 3600)
    assert rested - before[1] == pytest.approx(1800)


def test_work_lists_find_a_corrected_ticket_under_another_profile_too() -> None:
    """A unit that the profile does not know is found by its own id."""
    fields = searchable(parse_profile(SMALL, "small.yaml"))
    view = Life().reported().triaged().issued().amended(unit="999").view()
    assert "999" in fields(view)["units"]
