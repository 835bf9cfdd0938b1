"""What was said at a visit (移动办公 社区办公日), and what became of each thing? None may stay open (问题销号)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.dispatch.domain.edges import named
from shared.errors import Refused
from shared.messages import Fact, ItemAdded, ItemSettled

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState
    from shared.decider import Message
    from shared.messages import AddItem, SettleItem
    from shared.profile import Profile

MOST: Final = 1000
"""Items of one visit."""


def add_item(state: DispatchState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Count a report with the visit at which it was made; a visit that is over takes no more."""
    command: AddItem = message.data
    if state.triaged is None:
        raise Refused("no-such-visit", "No visit with this id was dispatched.", "没有该编号的走访活动。")
    if state.closed or (state.last is not None and state.last.state == "done"):
        raise Refused(
            "visit-over", "The visit is over: the report stands for itself.", "该走访活动已结束，诉求单独办理。"
        )
    if command.item in state.items:
        return []
    if len(state.items) >= MOST:
        raise Refused("too-many", f"A visit takes {MOST} items.", f"一次走访最多{MOST}项。")
    return [ItemAdded(item=command.item, outcome=command.outcome, promised_by=command.promised_by)]


def settle_item(state: DispatchState, message: Message, now: datetime, _profile: Profile) -> list[Fact]:
    """Cross an item off, say that it was explained, or that it is a ticket with a promised date."""
    command: SettleItem = message.data
    named(command)
    if command.item not in state.items:
        raise Refused("no-such-item", "The visit has no such item.", "该走访活动没有此项诉求。")
    if state.closed:
        raise Refused("closed", "The visit is closed.", "该走访活动已结束。")
    if command.outcome == "ticket" and (command.promised_by is None or command.promised_by <= now):
        raise Refused(
            "no-date",
            "Say by when it is promised: `promised_by`, after now.",
            "请填写承诺办结时间（promised_by），须在当前之后。",
        )
    if command.outcome != "ticket" and not command.note.strip():
        raise Refused("no-note", "Say what was done or explained: `note` is empty.", "请写明办理或解释情况（note）。")
    return [
        ItemSettled(
            item=command.item,
            outcome=command.outcome,
            promised_by=command.promised_by if command.outcome == "ticket" else None,
            by=command.by,
            note=command.note.strip(),
        )
    ]


def all_settled(state: DispatchState) -> None:
    """Refuse to end a visit with an open item."""
    left = [item for item, outcome in state.items.items() if outcome == "open"]
    if left:
        some = ", ".join(left[:5]) + (", …" if len(left) > 5 else "")  # noqa: PLR2004 - enough to begin with
        raise Refused(
            "items-open",
            f"{len(left)} items of the visit are open: settle each, explain it, or promise a date ({some}).",
            f"走访活动还有{len(left)}项未销号：请逐项办结、解释或承诺时间（{some}）。",
        )
