"""What becomes of several tickets that send each other commands? Closure's fold of each, and what is under way."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import TYPE_CHECKING, Any

from services.closure.handlers import decider
from services.closure.kin import ALONE
from shared.loop.tickets import in_own_trace
from shared.messages import (
    AttachTicket,
    CategoryRef,
    CloseTicket,
    Command,
    CommandRefused,
    DetachTicket,
    Handler,
    Location,
    MergeTicket,
    MessageReceived,
    OrderDone,
    RelateTicket,
    ReopenTicket,
    UnmergeTicket,
)
from tests.support.fold import Folded, body_of, envelope_of
from tests.unit.closure.cases import CITY

if TYPE_CHECKING:
    from services.closure.domain import ClosureState
    from services.closure.kin import Family
    from shared.envelope import Outgoing
    from shared.messages import Body
    from shared.profile import Profile

A, B, C, D = "000000000000000A", "000000000000000B", "000000000000000C", "000000000000000D"


class Kinship:
    """Some tickets; commands from one to another wait until they are delivered, in order for each pair."""

    def __init__(self, profile: Profile = CITY) -> None:
        """Begin with tickets that somebody handles."""
        self.fold: Folded[ClosureState] = Folded(decider(profile))
        self.under_way: dict[tuple[str, str], deque[Outgoing]] = defaultdict(deque)
        self.facts: dict[str, list[Any]] = defaultdict(list)

    def state(self, ticket: str) -> ClosureState:
        """Give what closure knows of a ticket."""
        return self.fold.state(ticket)

    def family(self, ticket: str) -> Family:
        """Give its family."""
        return self.state(ticket).family or ALONE

    def read(self, what: Body | Outgoing, ticket: str) -> list[Any]:
        """Let a ticket read a message; gives its facts, and keeps what it says to others."""
        facts: list[Any] = []
        for out in self.fold.read(what, ticket).outbox:
            if out.key == ticket:
                facts.append(body_of(out))
                self.facts[ticket].append(facts[-1])
            else:
                assert envelope_of(out).subject == out.key
                assert in_own_trace(envelope_of(out).traceparent, out.key)
                assert body_of(out).kind == "command"
                self.under_way[ticket, out.key].append(out)
        return facts

    def deliver(self, sender: str, to: str, *, twice: bool = False) -> None:
        """Deliver the oldest command of a pair; `twice`: as after a crash between publishing and noting it down."""
        out = self.under_way[sender, to].popleft()
        self.read(out, to)
        if twice:
            before = sum(map(len, self.under_way.values()))
            assert self.read(out, to) == []
            assert sum(map(len, self.under_way.values())) == before

    def settle(self) -> None:
        """Deliver until nothing is under way."""
        while ways := [way for way, waiting in self.under_way.items() if waiting]:
            self.deliver(*ways[0])

    def say(self, ticket: str, body: Body) -> list[str]:
        """Let a ticket read a message and everything that follows; gives what it said, or why it refused."""
        facts = self.read(body, ticket)
        self.settle()
        return words(facts)

    # ------------------------------------------------------------ who says what

    def merge(self, ticket: str, into: str, reason: str = "同一处") -> list[str]:
        """Merge at the desk."""
        return self.say(ticket, MergeTicket(by="Li", into=into, reason=reason))

    def unmerge(self, ticket: str, reason: str = "不是同一处") -> list[str]:
        """Unmerge at the desk."""
        return self.say(ticket, UnmergeTicket(by="Li", reason=reason))

    def attach(self, ticket: str, parent: str, reason: str = "同一爆管") -> list[str]:
        """Attach at the desk."""
        return self.say(ticket, AttachTicket(by="Li", parent=parent, reason=reason))

    def detach(self, ticket: str, reason: str = "另行办理") -> list[str]:
        """Detach at the desk."""
        return self.say(ticket, DetachTicket(by="Li", reason=reason))

    def relate(self, ticket: str, other: str, reason: str = "同一施工") -> list[str]:
        """Relate at the desk."""
        return self.say(ticket, RelateTicket(by="Li", other=other, reason=reason))

    def close(self, ticket: str, outcome: Any = "forced") -> list[str]:
        """Close out of turn."""
        return self.say(ticket, CloseTicket(by="Li", reason="处理完毕", outcome=outcome))

    def reopen(self, ticket: str) -> list[str]:
        """Reopen at the desk."""
        return self.say(ticket, ReopenTicket(by="Li", reason="又坏了"))

    def hear(self, ticket: str, kind: Any, text: str = "张女士说还在漏") -> list[str]:
        """Let the caller say something."""
        now = self.fold.clock.now()
        return self.say(ticket, MessageReceived(message_id="m", message_kind=kind, text=text, received_at=now))

    def done(self, ticket: str, result: str = "路面已修复", **more: Any) -> list[str]:
        """Say that the work is done."""
        return self.say(ticket, work(result, self.fold.clock.now(), **more))


def work(result: str, at: Any, **more: Any) -> OrderDone:
    """Give the word of a handler that it is done; of severity IV nobody looks."""
    fields: dict[str, Any] = {
        "order_id": "T-1",
        "handler": Handler(kind="department", id="water"),
        "result": result,
        "done_at": at,
        "category": CategoryRef(code="0101", name="x", condition="y"),
        "severity": "IV",
        "place": Location(),
        "unit": "100000001001001",
        "profile_version": "1",
    }
    return OrderDone(**(fields | more))


def words(facts: list[Any]) -> list[str]:
    """Give what was said, one word each; a refusal with its reason."""
    return [f"refused {fact.reason}" if isinstance(fact, CommandRefused) else fact.type.split(".")[2] for fact in facts]


def commands(kin: Kinship) -> list[Command]:
    """Give what is under way."""
    return [body_of(out) for waiting in kin.under_way.values() for out in waiting]
