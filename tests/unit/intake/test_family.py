"""What is the caller of a merged or attached report told, and what not?"""

from __future__ import annotations

from typing import Any

from services.intake.domain import Tracked, view
from services.intake.domain.tracking import refusal
from services.intake.handlers import decider
from shared.messages import (
    FamilyTold,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketMerged,
    TicketReopened,
    TicketUnmerged,
)
from tests.support.fold import MORNING, TICKET, Folded
from tests.unit.intake.counter import profile
from tests.unit.intake.test_tracking import golden, issued

MAIN = "000000000000000A"


class Caller:
    """One report that was taken and dispatched."""

    def __init__(self) -> None:
        """Begin with an order."""
        self.fold: Folded[Tracked] = Folded(decider(profile()))
        self.fold.read(golden("reported"))
        self.fold.read(issued())

    def hears(self, fact: Any) -> list[tuple[str, Any]]:
        """Let a fact happen; gives type and body of the receipts."""
        return [(body.type.split(".")[2], body) for _, body in self.fold.read(fact).effects]

    @property
    def view(self) -> Any:
        """Give what the caller sees."""
        return view(TICKET, self.fold.state(), MORNING, profile())

    def merged(self) -> list[tuple[str, Any]]:
        """Be merged."""
        said = self.hears(TicketMerged(into=MAIN, by="Li", reason="同一处"))
        assert self.hears(TicketClosed(outcome="merged", result="x", by="Li", reopen_until=MORNING)) == []
        return said


def told(news: Any, **more: Any) -> FamilyTold:
    """Tell what became of the main ticket."""
    return FamilyTold(main=MAIN, relation="duplicate", news=news, **more)


def test_a_merged_report_gets_word_of_it_once() -> None:
    """With the ticket that stands for it; the caller sees that others asked for the same, and of them nothing."""
    caller = Caller()
    ((kind, receipt),) = caller.merged()
    assert (kind, receipt.report_id, receipt.ticket_id) == ("merged", TICKET, MAIN)
    seen = caller.view
    assert seen.state == "merged"
    assert (seen.handled_by, seen.by_when, seen.result) == (None, None, None)
    assert MAIN not in seen.model_dump_json()
    assert "Li" not in seen.model_dump_json()


def test_a_merged_report_hears_what_becomes_of_the_other() -> None:
    """Resolved, not good enough, resolved, closed, open again; each as a receipt and on the page."""
    caller = Caller()
    caller.merged()
    (resolved,) = caller.hears(told("resolved", result="已修 3单元502室 电 13800001111"))
    assert resolved[0] == "resolved"
    assert "502" not in resolved[1].result
    assert "13800001111" not in resolved[1].result
    assert "502" not in caller.view.model_dump_json()
    assert caller.view.state == "done"
    (rework,) = caller.hears(told("rework"))
    assert (rework[0], rework[1].state) == ("progressed", "merged")
    (closed,) = caller.hears(told("closed", outcome="solved", result="已修复", reopen_until=MORNING))
    assert (closed[0], closed[1].outcome, closed[1].result) == ("closed", "solved", "已修复")
    assert (caller.view.state, caller.view.result) == ("closed", "已修复")
    assert caller.fold.state().reopen_until == MORNING
    (again,) = caller.hears(told("reopened"))
    assert again[0] == "progressed"
    assert (caller.view.state, caller.view.result) == ("merged", None)


def test_an_unmerged_report_hears_that_it_goes_on_alone() -> None:
    """And of its own orders from then on."""
    caller = Caller()
    caller.merged()
    ((kind, receipt),) = caller.hears(TicketUnmerged(main=MAIN, by="Li", reason="异"))
    assert (kind, receipt.state) == ("progressed", "reopened")
    caller.hears(TicketReopened(reason="异", by="Li", reopenings=1))
    ((kind, receipt),) = caller.hears(issued(2))
    assert (kind, receipt.state) == ("progressed", "ordered")


def test_a_part_hears_of_its_own_closing() -> None:
    """What its parent tells it is told by its own facts."""
    caller = Caller()
    ((kind, receipt),) = caller.hears(TicketAttached(parent=MAIN, by="Li", reason="管"))
    assert (kind, receipt.state) == ("progressed", "attached")
    ((kind, resolved),) = caller.hears(FamilyTold(main=MAIN, relation="child", news="closed", outcome="solved"))
    assert (kind, resolved.ticket_id) == ("resolved", resolved.report_id)
    ((kind, _),) = caller.hears(TicketClosed(outcome="solved", result="好", by="Li"))
    assert kind == "closed"
    assert MAIN not in caller.view.model_dump_json()


def test_a_part_that_is_let_go_hears_of_it() -> None:
    """Unless that comes with its end."""
    caller = Caller()
    caller.hears(TicketAttached(parent=MAIN, by="Li", reason="管"))
    assert caller.hears(TicketDetached(parent=MAIN, why="closed")) == []
    ((kind, _),) = caller.hears(TicketDetached(parent=MAIN, why="withdrawn"))
    assert kind == "progressed"


def test_what_a_merged_caller_may_say() -> None:
    """That it is not solved, and urge; withdrawing would change nothing."""
    caller = Caller()
    caller.merged()
    state = caller.fold.state()
    assert refusal("urge", state, MORNING, profile()) is None
    assert refusal("not-solved", state, MORNING, profile()) is None
    refused = refusal("withdrawal", state, MORNING, profile())
    assert refused is not None
    assert refused[0] == "merged"


def test_every_line_is_a_sentence() -> None:
    """In both languages."""
    caller = Caller()
    caller.merged()
    for news in ("resolved", "rework", "closed", "reopened"):
        caller.hears(told(news, outcome="solved" if news == "closed" else None))
    caller.hears(TicketAttached(parent=MAIN, by="Li", reason="管"))
    assert all(line.sentence.zh and line.sentence.en for line in caller.view.timeline)
