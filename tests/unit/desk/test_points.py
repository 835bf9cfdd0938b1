"""What of the ledger counts under the caps, and is it shown so that people can follow it?"""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from services.desk.figures import table
from services.desk.names import Names
from services.desk.points import counted, flat, line_view, ranked
from services.desk.sentences import SENTENCES
from services.desk.store import searchable
from services.desk.timeline import PREFIX
from shared import messages as m
from shared.profile import find_profile, load_profile
from tests.unit.desk.lives import Life, folded

LESHAN = load_profile(find_profile("leshan"))
RULES = {rule.id: rule for rule in LESHAN.content.points}
ZONE = ZoneInfo(LESHAN.zone)
COUNCIL = "unit:volunteers-511102004001"


def line(ticket: str, points: int, day: int, month: int = 10, rule: str = "self-settled") -> dict[str, Any]:
    """Give a line of the ledger at four in the afternoon, UTC: the next day in the city."""
    at = datetime(2026, month, day, 16, tzinfo=UTC)
    return {"ticket": ticket, "rule": rule, "account": COUNCIL, "points": points, "at": at}


def test_a_month_has_its_cap_and_what_is_taken_back_makes_room() -> None:
    """Fifty a month in the city's days: the last one counts in part, a reversal as much as it gave."""
    lines = [line(f"T{n}", 20, n + 1) for n in range(3)]
    lines += [line("T2", -20, 5), line("T0", -20, 6), line("T9", 20, 7), line("T10", 20, 8), line("T11", 20, 31)]
    assert [each.counted for each in counted(lines, RULES, ZONE)] == [20, 20, 10, -10, -20, 20, 10, 20]


def test_another_rule_has_its_own_cap_and_one_that_is_gone_has_none() -> None:
    """Nothing on the log is lost because the profile has changed."""
    lines = [line("A", 60, 1), line("A", 60, 1, rule="volunteering"), line("B", 300, 2, rule="former")]
    assert [each.counted for each in counted(lines, RULES, ZONE)] == [50, 60, 300]


def test_a_reversal_in_the_next_month_takes_back_what_had_counted() -> None:
    """And no more: the balance never falls below what is closed."""
    lines = [line("A", 40, 1), line("B", 40, 2), line("B", -40, 3, month=11), line("C", 40, 4, month=11)]
    assert [each.counted for each in counted(lines, RULES, ZONE)] == [40, 10, -10, 40]


@given(st.lists(st.tuples(st.sampled_from("ABCD"), st.integers(1, 60)), max_size=20))
def test_what_counts_stays_within_the_cap_and_all_taken_back_is_nothing(turns: list[tuple[str, int]]) -> None:
    """Whatever is given and taken back in whatever order within one month."""
    stands: dict[str, int] = {}
    lines = []
    for day, (ticket, points) in enumerate(turns):
        before = stands.pop(ticket, None)
        lines.append(line(ticket, points if before is None else -before, day + 1))
        if before is None:
            stands[ticket] = points
        assert 0 <= sum(each.counted for each in counted(lines, RULES, ZONE)) <= 50
    lines += [line(ticket, -points, 25) for ticket, points in stands.items()]
    assert sum(each.counted for each in counted(lines, RULES, ZONE)) == 0


def test_a_table_and_a_list_of_accounts() -> None:
    """The same figures as CSV."""
    names = Names(LESHAN)
    found = counted([line("A", 40, 1), line("B", 40, 2)], RULES, ZONE)
    [account] = ranked(found, names)
    assert (account["account"], account["counted"], account["lines"]) == (COUNCIL, 50, 2)
    text = bytes(table("points", [flat(line_view(each, names)) for each in found]).body).decode()
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [(row["ticket"], row["points"], row["counted"], row["rule"]) for row in rows] == [
        ("A", "40", "40", "self-settled"),
        ("B", "40", "10", "self-settled"),
    ]


def test_it_is_said_in_both_languages() -> None:
    """With the names of the account and of the rule."""
    said = {"rule": "volunteering", "account": COUNCIL, "points": 10}
    say, names = SENTENCES[m.PointsAwarded.type.removeprefix(PREFIX)], Names(LESHAN)
    assert say(said, names) == (
        "篦子街社区志愿服务队获得积分 10 分（志愿服务积分）",
        "Bizijie Community volunteers earned 10 points (Volunteering)",
    )
    assert say(said | {"points": -10}, names)[1] == (
        "10 points of Bizijie Community volunteers are taken back (Volunteering)"
    )


def test_a_ticket_without_points_has_no_field_for_them() -> None:
    """So that the index does not have it."""
    fields = searchable(LESHAN)
    life = Life().reported().triaged().issued().signed().done().closed()
    assert "points" not in fields(life.view())
    life.fact(m.PointsAwarded(rule="volunteering", account=COUNCIL, points=10, closings=1))
    assert [each["account"] for each in fields(life.view())["points"]] == [COUNCIL]


def test_a_clock_that_jumps_back_does_not_put_a_reversal_before_its_line() -> None:
    """The second line is as late as the first at least."""
    life = Life().reported().fact(m.PointsAwarded(rule="volunteering", account=COUNCIL, points=10, closings=1))
    life.fact(m.PointsAwarded(rule="volunteering", account=COUNCIL, points=-10, closings=1))
    last = life.messages[-1]
    early = last._replace(envelope=last.envelope._replace(time=life.messages[0].envelope.time))
    first, second = folded([*life.messages[:-1], early]).points
    assert second.at == first.at
