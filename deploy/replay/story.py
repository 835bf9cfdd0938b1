"""What happened to those reports of a day that show something? The desk's timelines of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.ids import ticket_id

if TYPE_CHECKING:
    from deploy.replay.desk import Desk
    from deploy.replay.script import Recording, Row


async def stories(desk: Desk, recording: Recording) -> list[tuple[str, list[dict[str, Any]]]]:
    """Give what each such report shows, its words, and what happened to its ticket, in order; raises TryLater."""
    rows = [row for row in recording.rows if row.script.label and row.script.ends != "refused"]
    return [(_title(row), await desk.entries(ticket_id(row.source, row.id))) for row in rows]


def _title(row: Row) -> str:
    said = str(row.body.get("text", ""))
    return f"{row.script.label}: {said}" if said else row.script.label
