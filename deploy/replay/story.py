"""What happened to those reports of a day in which several people had a part? The desk's timelines of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.ids import ticket_id

if TYPE_CHECKING:
    from deploy.replay.desk import Desk
    from deploy.replay.script import Recording


async def stories(desk: Desk, recording: Recording) -> list[tuple[str, list[dict[str, Any]]]]:
    """Give what each such report shows and what happened to its ticket, in order; raises TryLater."""
    rows = [row for row in recording.rows if row.script.acts]
    return [(row.script.label or row.name, await desk.entries(ticket_id(row.source, row.id))) for row in rows]
