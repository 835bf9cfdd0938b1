"""What does the desk read? Everything: every fact and every command on the log becomes part of a view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.desk.domain import Ticket, decide, evolve
from services.desk.store import searchable
from shared.decider import Decider
from shared.messages import of_kind

if TYPE_CHECKING:
    from shared.messages import Body
    from shared.profile import Profile

CONSUMES: Final[dict[str, type[Body]]] = of_kind("fact") | of_kind("command")


def decider(profile: Profile) -> Decider[Ticket]:
    """Give the projection under a profile as the loop calls it."""
    return Decider(
        service="desk",
        state=Ticket,
        consumes=CONSUMES,
        decide=decide,
        evolve=evolve,
        fields=searchable(profile),
        reads_everything=True,
    )
