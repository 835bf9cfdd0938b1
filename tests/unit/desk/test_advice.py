"""Does the desk say rightly what may be done, by whom, why not, and why a deadline is when it is?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.desk.actions import TABLE, actions
from services.desk.deadlines import deadlines
from shared import messages as m
from shared.ids import order_id
from tests.unit.desk.lives import HOUR, START, Life
from tests.unit.desk.test_sentences import NAMES

CLOCK = "ladder-1"


def possible(life: Life, hours: float = 0) -> set[str]:
    """Give the commands that may be given."""
    shown = actions(life.ticket, life.view(), NAMES, life.now + timedelta(hours=hours))
    return {each["command"] for each in shown if each["possible"]}


def test_every_command_is_in_the_table() -> None:
    """A command that is added to the desk must say when it may be given."""
    assert [action.command for action in TABLE] == list(m.DESK_COMMANDS)


def test_what_may_be_done_follows_the_life() -> None:
    """Each step opens what comes next and closes what came before."""
    life = Life().reported()
    assert possible(life) == {"close"}
    life.fact(m.TriageNeeded(missing=("place",), unit="100000", detail=m.Words(zh="缺", en="missing")))
    assert possible(life) == {"triage", "divert", "close"}
    life.triaged().issued()
    assert possible(life) == {"sign", "return", "assign", "close"}
    life.signed()
    assert possible(life) == {"return", "progress", "done", "assign", "close"}
    life.done()
    assert possible(life) == {"close"}
    life.closed()
    assert possible(life) == {"reopen"}
    assert possible(life, hours=8 * 24) == set()


def test_an_escalation_may_be_taken_on_once() -> None:
    """By somebody of the unit that it went to."""
    life = Life().reported().triaged().issued()
    life.fact(m.TicketEscalated(from_level="grid", to_level="street", unit="100000001", cause="sign"))
    shown = {each["command"]: each for each in actions(life.ticket, life.view(), NAMES, life.now)}
    assert shown["accept-escalation"]["by"] == {"zh": "东街道 的人员", "en": "somebody of East"}
    life.fact(m.EscalationAccepted(level="street", cause="sign", by="甲"))
    assert "accept-escalation" not in possible(life)


def test_the_rest_says_why_not() -> None:
    """With the state that it is in, and without a field that only departments' systems set."""
    life = Life().reported().triaged().issued()
    shown = {each["command"]: each for each in actions(life.ticket, life.view(), NAMES, life.now)}
    assert shown["reopen"]["why_not"]["en"] == (
        "Only a closed ticket can be reopened, within its window; its state: waits for a signature."
    )
    assert shown["sign"]["orders"] == [order_id(life.ticket, 1)]
    assert shown["sign"]["by"]["en"] == "Police"
    assert "department" not in shown["sign"]["fields"]


def explained(life: Life, hours: float) -> list[dict[str, Any]]:
    """Give the deadlines as they are `hours` after the start."""
    return deadlines(life.view(), NAMES, START + timedelta(hours=hours))


@pytest.mark.parametrize(
    ("hours", "overdue", "end"), [(0.5, False, "it runs"), (1.5, True, "it has passed, and the duty stands")]
)
def test_a_running_clock_is_explained(hours: float, overdue: bool, end: str) -> None:  # noqa: FBT001
    """Its limit, what sets it, from when until when, and where it stands."""
    sign = explained(Life().reported().triaged().issued(), hours)[0]
    assert sign["overdue"] is overdue
    assert sign["sentence"]["en"] == (
        f"Signing may take 1 urgent hour (severity III): from 2026-11-22 16:02 until 2026-11-22 17:02; {end}."
    )


def test_the_filing_condition_sets_the_handling_limit() -> None:
    """The limit belongs to the condition, not to the class."""
    life = Life().reported().triaged().issued().signed()
    sign, handle = explained(life, 0.1)
    assert "签收时限" in sign["sentence"]["zh"]
    assert "已于 2026-11-22 16:06 按时完成" in sign["sentence"]["zh"]
    assert "the filing condition 'being built' of Building" in handle["sentence"]["en"]


def test_a_ladder_clock_names_its_level() -> None:
    """Each level has a clock of its own."""
    life = Life().reported().triaged()
    clock = m.ClockStart(
        clock="ladder", token=CLOCK, level="street", cause="sign", started_at=START,
        due_at=START + timedelta(minutes=30), limit=HOUR,
    )  # fmt: skip
    life.fact(m.ClocksStarted(clocks=(clock,)))
    sentence = explained(life, 0)[0]["sentence"]
    assert sentence["en"].startswith("The street level's answer may take 1 urgent hour (added after the signing limit")
    assert sentence["zh"].startswith("街道级响应时限")
