"""What does a closed ticket add to the response, solution and satisfaction rate?"""

from __future__ import annotations

import pytest

from services.desk.clocks import Clock
from services.desk.domain import Ticket
from services.desk.rates import rates
from services.desk.store import searchable
from shared import messages as m
from shared.profile import parse_profile
from tests.unit.desk.lives import HOUR, START, Life
from tests.unit.profile.small import SMALL


def ticket(signing: str = "", outcome: str = "", closed_by: str = "", rating: int | None = None) -> Ticket:
    """Give a ticket whose clocks to sign ended so, and that was closed so."""
    clocks = {
        str(number): Clock(clock="sign", started_at=START, due_at=START, limit=HOUR, state=state)
        for number, state in enumerate(signing.split())
    }
    return Ticket(clocks=clocks, outcome=outcome, closed_by=closed_by, rating=rating)


@pytest.mark.parametrize(
    ("signing", "share"),
    [("met", (1, 1)), ("met late", (1, 2)), ("breached", (0, 1)), ("cancelled", None), ("met cancelled", (1, 1))],
)
def test_response_is_signed_in_time_of_all_that_were_to_be_signed(signing: str, share: tuple[int, int] | None) -> None:
    """An order that was withdrawn before its limit says nothing."""
    assert rates(ticket(signing)).get("response") == (share and {"n": share[0], "of": share[1]})


@pytest.mark.parametrize(
    ("outcome", "by", "share"),
    [
        ("solved", "caller", (1, 1)),
        ("solved", "东城值班长", (1, 1)),
        ("solved", "gridcall", None),
        ("unsolved", "caller", (0, 1)),
        ("forced", "东城值班长", (0, 1)),
        ("informed", "东城值班长", None),
        ("withdrawn", "caller", None),
        ("diverted", "gridcall", None),
    ],
)
def test_solution_counts_the_word_of_a_person(outcome: str, by: str, share: tuple[int, int] | None) -> None:
    """What a rule verified, nobody has said."""
    found = rates(ticket(outcome=outcome, closed_by=by)).get("solution")
    assert found == (share and {"n": share[0], "of": share[1]})


@pytest.mark.parametrize(("rating", "satisfied"), [(5, 1), (4, 1), (3, 0), (1, 0)])
def test_satisfaction_is_four_or_five(rating: int, satisfied: int) -> None:
    """Of those who rated."""
    assert rates(ticket(rating=rating)) == {"satisfaction": {"n": satisfied, "of": 1}}


def test_only_a_closed_ticket_counts() -> None:
    """A ticket that was reopened counts when it is closed again."""
    fields = searchable(parse_profile(SMALL, "small.yaml"))
    life = Life().straight()
    life.fact(m.CalledBack(rating=5, by="caller"))
    view = fields(life.view())
    assert (view["rates"]["satisfaction"], view["closed_at"]) == ({"n": 1, "of": 1}, life.view().closed_at)
    life.fact(m.TicketReopened(reason="again", by="caller", reopenings=1))
    assert (fields(life.view())["rates"], fields(life.view())["closed_at"]) == ({}, None)
