"""What does a ticket look like on its way out? Orders that are done, and closure's fold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.closure.handlers import decider
from shared.messages import (
    CategoryRef,
    CloseTicket,
    Handler,
    Location,
    MessageReceived,
    OrderDone,
    RecordCallBack,
    ReopenTicket,
    Severity,
    TicketDiverted,
    VerifyTicket,
    Words,
)
from shared.profile import parse_profile
from tests.support.fold import Folded
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from datetime import datetime

    from services.closure.domain import ClosureState
    from shared.messages import Body
    from shared.profile import Profile

CITY = parse_profile(SMALL, "small")
"""Verifies III and IV by itself, I and II and every 05 by a person; two reworks; seven days to reopen."""
NO_CALLS = parse_profile(SMALL.replace("call_back_within", "call_back: false\n  call_back_within"), "no-calls")


class Case:
    """One ticket as closure sees it."""

    def __init__(self, profile: Profile = CITY) -> None:
        """Begin with a ticket that somebody handles."""
        self.fold: Folded[ClosureState] = Folded(decider(profile))
        self.clock = self.fold.clock

    @property
    def now(self) -> datetime:
        """Give the instant at which the clock stands."""
        return self.clock.now()

    @property
    def phase(self) -> str:
        """Give where the ticket stands."""
        return self.fold.state().phase

    def read(self, body: Body) -> list[Any]:
        """Let closure read a message, and give what it says to it."""
        return self.fold.read(body).facts

    def do(
        self, *, severity: Severity = "IV", category: str = "0101", callback: bool = False, **more: Any
    ) -> list[Any]:
        """Say that the work is done."""
        fields: dict[str, Any] = {
            "order_id": "T-1",
            "handler": Handler(kind="department", id="water"),
            "result": "路面已修复",
            "detail": "王师傅 138 0000 0000",
            "done_at": self.now,
            "category": CategoryRef(code=category, name="x", condition="y"),
            "severity": severity,
            "place": Location(),
            "unit": "100000001001001",
            "callback": callback,
            "profile_version": "1",
        }
        return self.read(OrderDone(**(fields | more)))

    def verify(self, *, passed: bool = True, note: str = "", by: str = "Li") -> list[Any]:
        """Say whether it stands."""
        return self.read(VerifyTicket(passed=passed, note=note, by=by))

    def call(self, by: str = "Li", **said: Any) -> list[Any]:
        """Record a call-back."""
        return self.read(RecordCallBack(by=by, **said))

    def message(self, kind: Any, text: str = "", rating: int | None = None, at: datetime | None = None) -> list[Any]:
        """Let the person say something."""
        body = MessageReceived(message_id="m", message_kind=kind, text=text, rating=rating, received_at=at or self.now)
        return self.read(body)

    def close(self, reason: str = "无法办理", by: str = "Li", outcome: Any = "forced") -> list[Any]:
        """Close out of turn."""
        return self.read(CloseTicket(reason=reason, by=by, outcome=outcome))

    def reopen(self, reason: str = "又坏了", by: str = "Li") -> list[Any]:
        """Ask for it to be reopened."""
        return self.read(ReopenTicket(reason=reason, by=by))

    def divert(self, zh: str = "请拨打119", en: str = "Call 119") -> list[Any]:
        """Let triage divert it."""
        return self.read(TicketDiverted(diversion="emergency", to="119", detail=Words(zh=zh, en=en)))


def names(facts: list[Any]) -> list[str]:
    """Give what was said, one word each; a closing with its outcome."""
    return [" ".join(filter(None, (f.type.split(".")[2], getattr(f, "outcome", "")))) for f in facts]
