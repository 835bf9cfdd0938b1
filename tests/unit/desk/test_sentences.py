"""Is there a sentence for everything that may stand on the log?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import AwareDatetime

from services.desk import timeline
from services.desk.names import CLOCKS, SPANS, STATES, Names
from services.desk.sentences import BY_BODY, sentence
from services.desk.views import ARCHIVED
from shared import messages as m
from shared.decider import Message
from shared.envelope import Envelope
from shared.messages.log import LadderCause
from shared.profile import parse_profile
from tests.unit.desk.lives import Life
from tests.unit.profile.small import SMALL

EVERYTHING = m.of_kind("fact") | m.of_kind("command")
NAMES = Names(parse_profile(SMALL, "small.yaml"))
AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
RATINGS = st.none() | st.integers(1, 5)
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))])
st.register_type_strategy(AwareDatetime, st.datetimes(timezones=ZONES))


def entry_of(body: m.Body) -> dict[str, Any]:
    """Give the timeline entry of a body."""
    return timeline.entry(Message(Envelope("id", "source", body.type, AT), "TICKET", body))


def test_every_registered_fact_and_command_has_a_sentence_and_kept_fields() -> None:
    """A message that is added to the language without its words fails here."""
    assert set(BY_BODY) == set(EVERYTHING.values())
    assert set(timeline.KEPT) == set(EVERYTHING.values())


@pytest.mark.parametrize("body", timeline.KEPT, ids=lambda body: body.__name__)
def test_only_fields_that_exist_are_kept(body: type[m.Body]) -> None:
    """A renamed field would be missing from the sentence without a word."""
    assert set(timeline.KEPT[body]) <= set(body.model_fields)


@pytest.mark.parametrize("body", EVERYTHING.values(), ids=lambda body: body.__name__)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_a_message_holds_there_is_a_sentence_in_both_languages(
    body: type[m.Body], data: st.DataObject
) -> None:
    """Neither a strange value nor a missing one breaks it."""
    chosen = {"rating": RATINGS} if "rating" in body.model_fields else {}
    message = data.draw(st.builds(body, **chosen))
    entry = entry_of(message)
    words = sentence(message.type, entry.get("data", {}), NAMES)
    bare = sentence(message.type, {}, NAMES)
    assert words.zh
    assert words.en
    assert bare.zh
    assert bare.en
    assert words.zh != message.type + "。"


def test_names_come_from_the_profile() -> None:
    """People read names, not codes."""
    life = Life().straight()
    said = [sentence(e["type"], e.get("data", {}), NAMES) for e in timeline.entries(life.view().timeline)]
    signed = next(words for words in said if "签收了工单" in words.zh)
    assert signed.zh == "公安（王） 签收了工单。"
    assert signed.en == "Police (王) signed for the order."
    escalated = m.TicketEscalated(from_level="grid", to_level="street", unit="100000001", cause="sign")
    words = sentence(escalated.type, entry_of(escalated)["data"], NAMES)
    assert words.zh == "超过签收时限，升级到 东街道。"
    assert words.en == "The signing limit has passed: East (street) is an owner too."


def test_an_unknown_name_is_shown_as_it_is() -> None:
    """A unit that left the profile is still told."""
    skipped = m.LevelSkipped(level="grid", unit="999", cause="sign", reason="no-staff")
    assert "999" in sentence(skipped.type, entry_of(skipped)["data"], NAMES).zh


def test_the_city_reads_its_own_clocks() -> None:
    """08:00 UTC is 16:00 in Shanghai."""
    warned = m.ClockWarned(clock="handle", token="1", due_at=AT)  # noqa: S106 - names a run of a clock
    assert "2026-11-22 16:00" in sentence(warned.type, entry_of(warned)["data"], NAMES).en


def test_what_was_asked_granted_paused_and_moved_is_told_with_its_instants() -> None:
    """By names and by the city's clocks."""
    life = Life().rested()
    entries = timeline.entries(life.view().timeline)
    said = {e["type"]: sentence(e["type"], e.get("data", {}), NAMES) for e in entries}
    assert said["order-suspended.v1"].zh == "公安 的工单挂账至 2026-12-01 16:10（受季节限制），乙 批准。"
    assert said["clocks-paused.v1"].en == "The clock rests from 2026-11-22 16:11: must wait for the season."
    assert said["clocks-recalculated.v1"].en == (
        "Limits were counted again, since it was extended: handling until 2026-11-23 01:00 instead of 2026-11-22 21:00."
    )
    assert said["order-resumed.v1"].zh == "王 解挂 公安 的工单，2026-11-22 21:00 前办结。"
    assert said["order-extended.v1"].en == (
        "Police has until 2026-11-23 01:00 instead of 2026-11-22 21:00 (雨天): extension number 1, granted by 乙."
    )
    assert said["revision-asked.v1"].en.startswith("Police asks for more time until 2026-12-01 16:14 (must wait for")
    assert said["revision-asked.v1"].en.endswith("New Village is to decide by 2026-11-22 17:14.")
    assert said["revision-decided.v1"].zh == "乙 同意延期。"
    ladder = m.ClocksPaused(tokens=("o/ladder/handle/street/4", "o/handle/2"), reason="x", since=AT)
    assert "street level's and handling clock rests" in sentence(ladder.type, entry_of(ladder)["data"], NAMES).en


def test_what_an_audit_found_is_said_with_its_clock_and_instant() -> None:
    """In both languages, from the fields; the details stand behind the English one."""
    what = "no breach of sign of o-1, run 1"
    found = m.TimerFinding(kind="missed", event="breach", clock="sign", order_id="o-1", timer="t", what=what, at=AT)
    fact = m.AuditFound(finding=found)
    words = sentence(fact.type, entry_of(fact)["data"], NAMES)
    assert words.zh == "时限审计发现：签收时限的超时漏发（2026-11-22 16:00）。"
    assert words.en == f"The audit of timers found that the breach of signing at 2026-11-22 16:00 was missed: {what}."
    level = m.RecordFinding(
        by="gridcall", finding=found.model_copy(update={"kind": "late", "clock": "ladder", "level": "street"})
    )
    words = sentence(level.type, entry_of(level)["data"], NAMES)
    assert words.zh == "时限审计请求记录：街道级响应时限的超时迟发（2026-11-22 16:00）。"
    assert "the breach of street level's at" in words.en


def test_a_long_text_is_cut_and_the_entry_is_what_json_gives_back() -> None:
    """The timeline is dumped with every turn: it stays small, and equal after it was stored."""
    note = m.OrderProgressed(order_id="o", note="长" * 5000)
    assert len(entry_of(note)["data"]["note"]) == timeline.TEXT_KEPT + 1
    view = Life().straight().view()
    assert type(view).model_validate_json(view.model_dump_json(exclude_defaults=True)) == view


def test_every_state_clock_and_unit_of_time_has_a_name() -> None:
    """Nobody reads an identifier."""
    from services.desk.domain import STATES as STATE_WORDS  # noqa: PLC0415 - the same name as the table of names
    from shared.profile.limit import UNITS  # noqa: PLC0415

    assert set(STATES) == {*STATE_WORDS.values(), ARCHIVED}
    assert set(SPANS) == set(UNITS)
    assert set(CLOCKS) | {"severity"} == {*get_args(LadderCause), "ladder"}
