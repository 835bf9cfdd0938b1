"""How well was a closed ticket served? What it adds to the response, solution and satisfaction rate (三率).

Each rate is a share: `n` of `of`. A ticket adds nothing to a rate that does not concern it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from services.desk.domain import Ticket

RATES: Final = ("response", "solution", "satisfaction")
SATISFIED: Final = 4
"""The least of the ratings 1 to 5 that counts as satisfied (满意)."""
NOBODY: Final = "gridcall"
"""Closes what was verified by a rule: nobody's word says that it is solved."""


def rates(ticket: Ticket) -> dict[str, dict[str, int]]:
    """Give what a ticket adds to each rate that concerns it."""
    signing = [clock.state for clock in ticket.clocks.values() if clock.clock == "sign"]
    told = ticket.outcome in {"solved", "unsolved", "forced"} and ticket.closed_by != NOBODY
    shares = {
        "response": (signing.count("met"), sum(state in {"met", "late", "breached"} for state in signing)),
        "solution": (int(told and ticket.outcome == "solved"), int(told)),
        "satisfaction": (int((ticket.rating or 0) >= SATISFIED), int(ticket.rating is not None)),
    }
    return {rate: {"n": n, "of": of} for rate, (n, of) in shares.items() if of}
