"""What happens to a ticket that nobody signs? Each entry of its timeline as it comes, until the top has taken it on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from deploy.replay.life import Act
from shared.errors import Refused
from shared.ids import ticket_id
from shared.messages import EscalationAccepted, TicketClosed

if TYPE_CHECKING:
    from collections.abc import Callable

    from deploy.replay.desk import Desk
    from deploy.replay.script import Recording, Row

LOOK_S: Final = 0.25
ENDS: Final = {EscalationAccepted.type, TicketClosed.type}
"""It is over when somebody has taken it on; or closed it, which whoever looks on may do."""


def shown_climb(day: Recording) -> Row | None:
    """Give the report of a recording whose climb is shown; None when it has none."""
    return next((row for row in day.rows if row.script.accepted_by), None)


async def climbs(desk: Desk, row: Row) -> bool:
    """Tell whether it is on the way; False when it is over, or when this data never saw it. Raises TryLater."""
    try:
        entries = await desk.entries(ticket_id(row.source, row.id))
    except Refused:
        return False
    return not any(entry["type"] in ENDS for entry in entries)


async def climb(desk: Desk, row: Row, top: str, say: Callable[[dict[str, Any]], None]) -> None:
    """Say every entry once, and let the person whom the script names accept at the top; raises TryLater, Refused."""
    ticket, said, accepted = ticket_id(row.source, row.id), 0, False
    while True:
        entries = await desk.entries(ticket)
        for entry in entries[said:]:
            say(entry)
        said = len(entries)
        if any(entry["type"] in ENDS for entry in entries):
            return
        if not accepted and (await desk.owners(ticket))[-1:] == [top]:
            await desk.act(ticket, Act(f"{row.id}/accept", "accept-escalation", {"by": row.script.accepted_by}))
            accepted = True
        else:
            await asyncio.sleep(LOOK_S)
