"""What does gridcall answer to an update? The kit's own book of orders: the same answers, with no city behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.conformance.heard import RESYNC
from shared.messages import (
    DepartmentOrderWithdrawn,
    OrderDone,
    OrderProgressed,
    OrderResumed,
    OrderReturned,
    OrderSigned,
    ResyncRefused,
    RevisionAsked,
    UpdateAccepted,
    UpdateRefused,
)

if TYPE_CHECKING:
    from deploy.conformance.heard import Heard
    from shared.messages import Body

EFFECTS: Final = {
    "sign": OrderSigned.type,
    "return": OrderReturned.type,
    "check-in": OrderProgressed.type,
    "progress": OrderProgressed.type,
    "suspend": RevisionAsked.type,
    "resume": OrderResumed.type,
    "extend": RevisionAsked.type,
    "done": OrderDone.type,
}
BEFORE_SIGNATURE: Final = frozenset({"sign", "return", "extend"})
AFTER: Final = {"sign": "signed", "return": "over", "done": "done"}
"""What an order is after an update; any other leaves it as it is."""
SENTENCES: Final = {
    "no-such-order": "There is no order with this id: check order_id.",
    "not-signed": "Sign for the order first (签收).",
    "already-signed": "The order is signed for already.",
    "order-over": "The order is over.",
    "id-reused": "Another update of yours had this ce_id: send this one with an id of its own.",
}
Answers = tuple[str, list["Body"]]


class Book:
    """The orders of one run: issued, signed, done or over."""

    def __init__(self) -> None:
        """Know no order."""
        self.states: dict[str, str] = {}
        self._answers: dict[tuple[str, str], tuple[str, str, list[Body]]] = {}
        self._refusing: dict[tuple[str, str], str] = {}

    def refuse(self, order: str, kind: str, reason: str) -> None:
        """Refuse the next update of a kind about an order, whatever it says; the order is over then."""
        self._refusing[order, kind] = reason

    def answer(self, said: Heard) -> Answers:
        """Give a word for what is answered, and the messages; what cannot be answered gets none."""
        if said.kind == RESYNC and said.problem:
            return "refused: bad-body", [ResyncRefused(update_id=said.id, reason="bad-body", detail=said.problem)]
        if said.kind == RESYNC or not said.id or not said.order:
            return "", []
        known = self._answers.get(said.key)
        if known is not None and known[:2] == (said.kind, said.order):
            return "repeated", known[2]
        reason = "id-reused" if known is not None else self._reason(said)
        bodies: list[Body] = []
        if reason:
            detail = SENTENCES.get(reason) or said.problem or reason
            bodies.append(UpdateRefused(order_id=said.order, update_id=said.id, reason=reason, detail=detail))
        else:
            bodies.append(UpdateAccepted(order_id=said.order, update_id=said.id, effects=(EFFECTS[said.kind],)))
            self.states[said.order] = AFTER.get(said.kind, self.states[said.order])
            if said.kind == "return":
                bodies.append(DepartmentOrderWithdrawn(order_id=said.order, reason="returned"))
        word = f"refused: {reason}" if reason else "accepted"
        if known is None:
            self._answers[said.key] = (said.kind, said.order, bodies)
        return word, bodies

    def _reason(self, said: Heard) -> str:
        """Give why an update is refused; nothing when it is carried out."""
        state = self.states.get(said.order)
        if said.problem:
            return "bad-body" if said.kind in EFFECTS else "unknown-type"
        if state is None:
            return "no-such-order"
        forced = self._refusing.pop((said.order, said.kind), "")
        if forced:
            self.states[said.order] = "over"
            return forced
        if state in {"done", "over"}:
            return "order-over"
        if state == "issued" and said.kind not in BEFORE_SIGNATURE:
            return "not-signed"
        return "already-signed" if state == "signed" and said.kind == "sign" else ""
