"""What of a ticket counts as work that was done for the record?"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from services.desk.domain import Ticket
from services.desk.names import Names
from services.desk.rates import rates
from services.desk.sentences import sentence
from services.desk.store import searchable
from services.desk.timeline import entries
from services.desk.views import ticket_view
from shared import messages as m
from shared.ids import order_id
from shared.profile import parse_profile
from tests.support.fold import MORNING
from tests.unit.desk.lives import CATEGORY, GRID, HOUR, PLACE, POLICE, WATER, Life
from tests.unit.profile.small import SMALL
from tests.unit.sla.cities import city, office

CITY = parse_profile(SMALL, "small")
NAMES = Names(CITY)
SHORT = city("short", **{"closing.rush_share": 0})
OFFICE = office("office")
RUN = "T-1/handle/2"


def conduct(ticket: Ticket, names: Names = NAMES) -> dict[str, int]:
    """Give what is counted of a ticket, which its view shows too."""
    counted = names.conduct(ticket)
    assert ticket_view("T", ticket, names, MORNING)["conduct"] == counted
    return counted


def done_after(share: float, calendar: str = "always@", state: Any = "met", hours: float = 10) -> Life:
    """Give a life whose order was done after a share of its handling limit."""
    life = Life("rush").reported().triaged()
    now, order = life.now, order_id(life.ticket, 1)
    due = now + timedelta(hours=hours)
    life.fact(
        m.OrderIssued(
            order_id=order, handler=POLICE, level="grid", unit=GRID, issued_at=now, sign_by=due, handle_by=due,
            sign_limit=HOUR, handle_limit=HOUR, warn_share=0.8, category=CATEGORY, severity="III", place=PLACE,
            description="x", profile_version="v1",
        )
    )  # fmt: skip
    start = m.ClockStart(
        clock="handle", token=RUN, order_id=order, started_at=now, due_at=due, limit=HOUR, calendar=calendar
    )
    life.fact(m.ClocksStarted(clocks=(start,)))
    life.fact(
        m.OrderDone(
            order_id=order, handler=POLICE, done_at=now + share * (due - now), category=CATEGORY, severity="III",
            place=PLACE, unit=GRID, profile_version="v1",
        )
    )  # fmt: skip
    stop = m.ClockStop(clock="handle", token=RUN, outcome=state)
    life.fact(m.ClocksStopped(clocks=(stop,)))
    return life.closed()


def rework(life: Life, number: int, **given: Any) -> None:
    """Order it to be done again."""
    life.fact(m.ReworkOrdered(order_id=order_id(life.ticket, 1), reason="还漏", by="caller", reworks=number, **given))


def test_a_straight_life_has_nothing_of_it() -> None:
    """Neither on its view nor beside it."""
    ticket = Life().straight().view()
    assert conduct(ticket) == {}
    assert searchable(CITY)(ticket)["conduct"] == {}


@pytest.mark.parametrize(
    ("share", "counted"), [(0.5, {}), (0.94, {}), (0.951, {"rushed": 1}), (0.999, {"rushed": 1}), (1.0, {"rushed": 1})]
)
def test_what_is_done_in_the_last_part_of_its_limit_is_done_in_a_rush(share: float, counted: dict[str, int]) -> None:
    """The last 5 % by default."""
    ticket = done_after(share).view()
    assert conduct(ticket) == counted
    assert searchable(CITY)(ticket)["conduct"] == counted


def test_what_is_late_is_not_done_in_a_rush() -> None:
    """It is late, and counted as that."""
    assert conduct(done_after(1.2, state="late").view()) == {}


def test_a_city_may_count_none() -> None:
    """The share is the profile's."""
    assert conduct(done_after(0.99).view(), Names(SHORT)) == {}


def test_the_last_part_is_one_of_working_time() -> None:
    """From Sunday to Monday 11:02: at 10:02 nearly all has gone by, but one of 2.5 working hours is left."""
    assert conduct(done_after(18 / 19, "office@", hours=19).view(), Names(OFFICE)) == {}
    assert conduct(done_after(18.95 / 19, "office@", hours=19).view(), Names(OFFICE)) == {"rushed": 1}


def test_repeated_rework_is_counted_over_the_whole_life() -> None:
    """The first is ordinary; those after a reopening count on."""
    life = Life().reported().triaged().issued().signed().done()
    rework(life, 1)
    assert conduct(life.view()) == {}
    rework(life, 2, level_up=True)
    life.closed()
    life.fact(m.TicketReopened(reason="又漏", by="caller", reopenings=1))
    rework(life, 1)
    ticket = life.view()
    assert (ticket.reworks, ticket.reworked) == (1, 3)
    assert conduct(ticket) == {"repeated_reworks": 2, "reopened": 1}
    assert searchable(CITY)(ticket)["conduct"] == {}  # open: counted when it is over


def test_closing_and_reopening_is_counted() -> None:
    """Each time."""
    life = Life().straight()
    for nth in (1, 2):
        life.fact(m.TicketReopened(reason="又漏", by="caller", reopenings=nth))
        life.fact(m.TicketClosed(outcome="forced", closings=nth + 1))
    assert conduct(life.view()) == {"reopened": 2}


# ---------------------------------------------------------------- satisfaction


def called(**given: Any) -> Ticket:
    """Give a ticket that was called about and closed."""
    life = Life().reported().triaged().issued().signed().done()
    life.fact(m.CallBackAsked(unit=GRID))
    life.fact(m.CalledBack(by="Li", **given))
    outcome: Any = "solved" if given.get("reached", True) else "informed"
    return life.fact(m.TicketClosed(outcome=outcome, by="Li")).view()


def test_who_could_not_be_reached_is_not_satisfied() -> None:
    """No rating counts, even one that stands in the record; nor does it count as solved."""
    ticket = called(reached=False, rating=5, channel="phone", attempt=3)
    assert (ticket.rating, ticket.calls) == (None, 3)
    assert set(rates(ticket)) == {"response"}
    assert rates(called(rating=5, channel="in-person", attempt=1))["satisfaction"] == {"n": 1, "of": 1}


def test_what_did_not_last_does_not_count_as_satisfied() -> None:
    """A rating of before the reopening says nothing of what came after it."""
    ticket = called(rating=5)
    assert ticket.rating == 5
    life = Life().straight()
    life.fact(m.CalledBack(rating=5, by="caller")).fact(m.TicketReopened(reason="又漏", by="caller", reopenings=1))
    life.fact(m.TicketClosed(outcome="unsolved", closings=2, by="Li"))
    assert "satisfaction" not in rates(life.view())


@pytest.mark.parametrize(
    ("given", "zh", "en"),
    [
        ({"reached": False, "channel": "phone", "attempt": 2}, "第 2 次电话回访未联系上", "by phone, try 2"),
        ({"solved": True, "channel": "in-person", "attempt": 1}, "上门回访", "at the door"),
        ({"solved": True}, "回访：已解决", "asked the person: solved"),
    ],
)
def test_the_timeline_says_how_the_person_was_asked(given: dict[str, Any], zh: str, en: str) -> None:
    """The channel and the try."""
    said = sentence(m.CalledBack.type, {"by": "Li", **given}, NAMES)
    assert zh in said.zh
    assert en in said.en


def test_the_timeline_says_what_went_a_level_up() -> None:
    """With the rework, and with the level that answers for it too."""
    ordered = sentence(m.ReworkOrdered.type, {"by": "caller", "reason": "还漏", "reworks": 3, "level_up": True}, NAMES)
    assert "并提级" in ordered.zh
    assert "takes it a level up" in ordered.en
    step = {"from_level": "grid", "to_level": "community", "unit": "100000001001", "cause": "rework"}
    told = sentence(m.TicketEscalated.type, step, NAMES)
    assert told.zh.startswith("多次返工仍未解决，升级到 新村")
    assert told.en.startswith("One rework after the other did not do: New Village")


def test_the_timeline_says_what_was_drawn_and_what_was_rejected() -> None:
    """In both languages."""
    drawn = sentence(m.VerificationAsked.type, {"unit": GRID, "sampled": True}, NAMES)
    assert drawn.zh.startswith("抽中核查")
    assert drawn.en.startswith("Drawn for a check")
    for outcome in ("rejected", "merged", "self-settled"):
        closed = sentence(m.TicketClosed.type, {"outcome": outcome}, NAMES)
        assert outcome not in closed.zh


# ---------------------------------------------------------------- the first receiver, suggestions


def taking_over() -> Life:
    """Give a life in which water leads and the police are to take over."""
    life = Life().reported().triaged(WATER).issued(1, WATER).signed(1, WATER)
    now = life.now
    return life.fact(
        m.OrderIssued(
            order_id=order_id(life.ticket, 2), takes_over=order_id(life.ticket, 1), lead=WATER, handler=POLICE,
            level="grid", unit=GRID, issued_at=now, sign_by=now, handle_by=now, sign_limit=HOUR, handle_limit=HOUR,
            warn_share=0.8, category=CATEGORY, severity="III", place=PLACE, description="x", profile_version="v1",
        )
    )  # fmt: skip


def test_who_has_signed_leads_at_the_desk_too_until_the_other_has_signed() -> None:
    """State and lead change with the signature."""
    life = taking_over()
    before = life.view()
    assert (before.state, before.lead, before.lead_order) == ("signed", WATER, order_id(life.ticket, 1))
    assert before.orders[order_id(life.ticket, 2)].takes_over == before.lead_order
    life.fact(m.OrderWithdrawn(order_id=order_id(life.ticket, 1), handler=WATER, reason="reassigned")).signed(2)
    after = life.view()
    assert (after.state, after.lead, after.lead_order) == ("signed", POLICE, order_id(life.ticket, 2))


def test_the_old_handler_may_finish_first() -> None:
    """Then the ticket is done."""
    life = taking_over()
    life.fact(m.OrderWithdrawn(order_id=order_id(life.ticket, 2), handler=POLICE, reason="lead-done")).done(1, WATER)
    assert life.view().state == "done"


def test_a_suggestion_stands_beside_the_view_and_on_the_timeline() -> None:
    """Only of a ticket that has one."""
    life = Life().straight()
    assert "suggestion" not in searchable(CITY)(life.view())
    life.fact(
        m.RoutingSuggested(
            order_id=order_id(life.ticket, 2), category=CATEGORY, level="grid", place=GRID, rule="routing row 2",
            chosen=WATER, handler=POLICE,
        )
    )  # fmt: skip
    ticket = life.view()
    assert searchable(CITY)(ticket)["suggestion"] == {
        "category": "0101", "condition": "building", "level": "grid", "place": GRID,
        "chosen": "department:water", "handler": "department:police",
    }  # fmt: skip
    last = entries(ticket.timeline)[-1]
    said = sentence(last["type"], last["data"], NAMES)
    assert "供水" in said.zh
    assert "公安" in said.zh
    assert "Water" in said.en
