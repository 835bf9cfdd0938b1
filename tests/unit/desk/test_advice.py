"""Does the desk say rightly what may be done, by whom, and why not?"""

from __future__ import annotations

from datetime import timedelta

from services.desk.actions import TABLE, actions
from shared import messages as m
from shared.ids import order_id
from tests.unit.desk.lives import Life
from tests.unit.desk.test_sentences import NAMES

FAMILY = {"merge", "unmerge", "attach", "detach", "relate"}
"""Of these test_family.py tells."""


def possible(life: Life, hours: float = 0) -> set[str]:
    """Give the commands that may be given."""
    shown = actions(life.ticket, life.view(), NAMES, life.now + timedelta(hours=hours))
    return {each["command"] for each in shown if each["possible"]} - FAMILY


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
    correctable = {"ask-caller", "amend", "add-assist"}
    assert possible(life) == {"sign", "return", "revise", "assign", "close"} | correctable
    life.signed()
    assert possible(life) == {"return", "progress", "done", "revise", "assign", "close"} | correctable
    assert "revise" not in possible(life, hours=3)  # the limit has passed
    life.done()  # what it is may still be wrong, but no clock rests for an answer
    assert possible(life) == {"close", "amend"}
    life.closed()
    assert possible(life) == {"reopen"}
    assert possible(life, hours=8 * 24) == set()


def test_a_request_waits_for_whoever_is_one_level_up() -> None:
    """One at a time; what rests can be resumed without anybody's leave."""
    life = Life().reported().triaged().issued().signed()
    assert "decide-revision" not in possible(life)
    shown = {each["command"]: each for each in actions(life.ticket, life.asked().view(), NAMES, life.now)}
    assert shown["decide-revision"]["possible"]
    assert shown["decide-revision"]["by"] == {"zh": "新村 值班人员", "en": "whoever is on duty at New Village"}
    assert not shown["revise"]["possible"]
    assert shown["revise"]["why_not"]["zh"].startswith("没有可挂账、延期或解挂的工单")
    rests = Life("rests").reported().triaged().issued().signed().suspended()
    assert possible(rests) == {
        "return",
        "progress",
        "done",
        "revise",
        "assign",
        "close",
        "ask-caller",
        "amend",
        "add-assist",
    }
    assert possible(rests, hours=99) == possible(rests)
    nothing = {each["command"]: each for each in actions(rests.ticket, rests.view(), NAMES, rests.now)}
    assert nothing["decide-revision"]["why_not"]["en"] == (
        "No suspension or extension waits for a decision; its state: suspended."
    )
    assert nothing["revise"]["orders"] == [order_id(rests.ticket, 1)]


def test_an_escalation_may_be_taken_on_once() -> None:
    """By somebody of the unit that it went to; or be handed back, which ends it."""
    life = Life().reported().triaged().issued()
    life.fact(m.TicketEscalated(from_level="grid", to_level="street", unit="100000001", cause="sign"))
    shown = {each["command"]: each for each in actions(life.ticket, life.view(), NAMES, life.now)}
    assert shown["accept-escalation"]["by"] == {"zh": "东街道 的人员", "en": "somebody of East"}
    life.fact(m.EscalationAccepted(level="street", cause="sign", by="甲"))
    assert "accept-escalation" not in possible(life)
    assert "hand-back" in possible(life)
    life.fact(m.EscalationHandedBack(level="street", to_level="grid", cause="sign", by="甲", reason="近"))
    assert "hand-back" not in possible(life)


def test_the_caller_is_asked_one_thing_at_a_time_and_not_too_often() -> None:
    """As often as the profile allows, while a clock runs that may rest for the answer."""
    life = Life().reported().triaged().issued().signed()
    for _ in range(2):
        assert "ask-caller" in possible(life)
        assert "ask-caller" not in possible(life.question())
        life.answer()
    shown = {each["command"]: each for each in actions(life.ticket, life.view(), NAMES, life.now)}
    assert not shown["ask-caller"]["possible"]
    assert "was asked often enough" in shown["ask-caller"]["why_not"]["en"]
    assert shown["amend"]["fields"] == ["by", "category", "condition", "severity", "unit", "reason"]


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
