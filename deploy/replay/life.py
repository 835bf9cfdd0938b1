"""What is one replayed ticket's life so far, and what must people do about it now? Folded from what they can see.

The departments see their own topics, the people at the desk what is asked of them; nothing is remembered
between two runs. The same messages give the same acts with the same ids, so that a second run may repeat
what the first one did.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from deploy.replay.script import Stretch
from shared.messages import (
    AdjudicationAsked,
    CallBackAsked,
    CalledBack,
    CommandRefused,
    DepartmentOrderIssued,
    DepartmentOrderReworked,
    DepartmentOrderWithdrawn,
    OrderDone,
    OrderIssued,
    OrderReworked,
    OrderWithdrawn,
    ReworkOrdered,
    RoundJoined,
    TicketCalled,
    TicketClosed,
    TicketDiverted,
    TicketEscalated,
    TicketReopened,
    TicketTriaged,
    TicketVerified,
    TriageNeeded,
    UpdateAccepted,
    UpdateDone,
    UpdateRefused,
    UpdateReturn,
    UpdateSign,
    VerificationAsked,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from deploy.replay.script import Deed, Row
    from shared.profile import Profile

PLAYER: Final = "示例人员"
LOOKER: Final = "示例核查员"
"""Verifies and calls back: nobody may verify what they have handled."""
WORKED: Final = Stretch()
"""What whoever assists does."""


@dataclass(frozen=True, slots=True)
class Update:
    """What a department writes on its topic."""

    id: str
    department: str
    type: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does at the desk."""

    id: str
    command: str
    body: dict[str, Any]


@dataclass(slots=True)
class Order:
    """One order of the lead, or of an assist, as its handler sees it."""

    id: str
    number: int
    department: str | None
    """None: a unit's own people, who work at the desk."""
    unit: str
    returnable: bool
    attempt: int = 1
    """Counts how often the same order was ordered again."""
    stands: bool = True
    done: bool = False


@dataclass(slots=True)
class Life:
    """One row's ticket, as seen so far."""

    row: Row
    ticket: str
    tickets: set[str] = field(default_factory=set)
    """Ticket ids that receipts named for the report: one, or something is doubled."""
    refused: str = ""
    merged: str = ""
    """The ticket of which the report became one more voice."""
    orders: dict[int, Order] = field(default_factory=dict)
    helps: dict[int, Order] = field(default_factory=dict)
    """Orders of assists."""
    awaited: set[str] = field(default_factory=set)
    """Who assists the lead, by what its order says: their orders may come later than that."""
    latest: dict[tuple[str, str], str] = field(default_factory=dict)
    """Department and role (or none) -> its latest order."""
    seen: Counter[str] = field(default_factory=Counter)
    """How often which fact has happened."""
    acted: set[str] = field(default_factory=set)
    """What was said at the desk, and was answered."""
    waits_for_round: bool = False
    issued_by: dict[str, set[str]] = field(default_factory=dict)
    """Order id -> message ids that issued it: one, or it is doubled."""
    settled_updates: set[str] = field(default_factory=set)
    triages_asked: int = 0
    triages: int = 0
    triage_missing: tuple[str, ...] = ()
    unit: str = ""
    asked: str = ""
    """verify or call-back, while it is asked of somebody."""
    verdicts_asked: int = 0
    reworks: int = 0
    awaits_officer: bool = False
    closings: int = 0
    reopenings: int = 0
    closed: bool = False
    diverted: bool = False
    escalations: int = 0
    refusals: dict[str, str] = field(default_factory=dict)
    """What somebody asked for and was refused -> why."""
    sequences: dict[str, int] = field(default_factory=dict)
    """Service -> its last fact that was folded; a fact that was published again is skipped."""
    sent: set[str] = field(default_factory=set)
    """Acts of this run."""

    # ------------------------------------------------------------ folding

    @property
    def accepted(self) -> bool:
        """Tell whether a receipt says that the report was taken."""
        return bool(self.tickets)

    @property
    def answered(self) -> bool:
        """Tell whether a receipt says what became of the report."""
        return bool(self.tickets or self.refused or self.merged)

    @property
    def leads(self) -> list[Order]:
        """Give the lead orders in turn."""
        return [self.orders[number] for number in sorted(self.orders)]

    @property
    def corrected(self) -> bool:
        """Tell whether the first order went to another department than the recorded one."""
        route = self.row.script.stretches[0].route
        leads = self.leads
        return bool(route and leads and leads[0].department != route[0])

    @property
    def hand_overs(self) -> int:
        """Count the changes of handler that were seen, the correction of a first choice apart."""
        leads = self.leads
        changes = sum(a.unit != b.unit for a, b in pairwise(leads))
        return changes - self.corrected

    def issued(self, message: str, body: dict[str, Any], department: str | None) -> None:
        """Fold an order, from a department's topic or, for a unit's people, from the log."""
        role, order = body.get("role", "lead"), body["order_id"]
        handler = department or body["handler"]["id"]
        self.latest |= {(handler, role): order, (handler, ""): order}
        if role == "assist":
            number = int(order.rpartition("-")[2])
            self.helps.setdefault(number, Order(order, number, department, handler, returnable=True))
        if role != "lead":
            return
        self.waits_for_round = False
        self.awaited = {each["id"] for each in body.get("assists", ())} if body.get("tier", "lead") == "lead" else set()
        self.issued_by.setdefault(order, set()).add(message)
        number = int(order.rpartition("-")[2])
        self.awaits_officer = False
        self.orders.setdefault(number, Order(order, number, department, handler, body.get("returnable", True)))

    def happened(self, kind: str, service: str, sequence: int, message: str, body: dict[str, Any]) -> None:
        """Fold a fact of the log that people at the desk see."""
        if sequence > self.sequences.get(service, 0):
            self.sequences[service] = sequence
            self.seen[kind] += 1
            FACTS[kind](self, message, body)

    def told(self, kind: str, body: dict[str, Any]) -> None:
        """Fold what a department was told about an order."""
        if kind == UpdateAccepted.type:
            self.settled_updates.add(body["update_id"])
        elif kind == UpdateRefused.type:
            self.settled_updates.add(body["update_id"])
            self.refusals[body["update_id"]] = f"{body['reason']}: {body['detail']}"
        elif order := self._order(body):
            if kind == DepartmentOrderReworked.type:
                order.attempt = max(order.attempt, body["attempt"])
            elif kind == DepartmentOrderWithdrawn.type:
                order.stands = False

    def _order(self, body: dict[str, Any]) -> Order | None:
        number = body["order_id"].rpartition("-")[2]
        every = self.orders | self.helps
        return every.get(int(number)) if number.isdecimal() else None

    # ------------------------------------------------------------ acting

    def wanted(self, profile: Profile) -> Iterator[Update | Act]:
        """Give what people would do now; what was done before has the same id again."""
        if self.diverted or self.refused or self.merged:
            return
        yield from self._at_the_desk(profile)
        for order in self.helps.values():
            if order.stands and not order.done and not self.closed:
                yield from self._work(order, WORKED)
        leads = self.leads
        deed = next((each for each in self._deeds() if not self._settled(each[0])), None)
        if deed is not None:
            yield from self._deed(*deed)
        elif leads and leads[-1].stands and not self.closed:
            # whoever was called because of what the script says does the work: the record names nobody for it
            yield from self._on_order(leads[-1], 0 if self.row.script.acts else len(leads) - 1)

    def _deeds(self) -> Iterator[tuple[str, Deed]]:
        return ((f"{self.row.id}/act/{nth}", deed) for nth, deed in enumerate(self.row.script.acts, 1))

    def _settled(self, ident: str) -> bool:
        return ident in self.acted or ident in self.settled_updates

    def _deed(self, ident: str, deed: Deed) -> Iterator[Update | Act]:
        """Give what the script says comes next, once its time has come."""
        if self.seen[f"gridcall.ticket.{deed.after}.v1"] < deed.nth:
            return
        if deed.command:
            lead = self.leads[-1].id if self.leads else ""
            order_id = self.latest.get((deed.handler, deed.role), "") if deed.handler else lead
            named = {"order_id": order_id} if deed.command in ON_ORDERS else {}
            if order_id or not named:
                yield Act(ident, deed.command, {**named, "by": PLAYER, **deed.body})
        elif order_id := self.latest.get((deed.handler, deed.role), ""):
            yield Update(ident, deed.handler, f"gridcall.order.{deed.says}.v1", {"order_id": order_id, **deed.body})

    def _on_order(self, order: Order, place: int) -> Iterator[Update | Act]:
        """Give what the handler of the order at a place of the record does."""
        place -= self.corrected
        if place < 0:
            yield from self._pass_on(order, self.row.script.stretches[0].route[0])
            return
        for stretch in self.row.script.stretches:
            length = max(1, len(stretch.route))
            if place < length:
                following = stretch.route[place + 1 : place + 2]
                yield from self._pass_on(order, following[0]) if following else self._work(order, stretch)
                return
            place -= length

    def _pass_on(self, order: Order, to: str) -> Iterator[Update | Act]:
        ident = f"{self.row.id}/{order.id}"
        back = {"order_id": order.id, "reason": "not-ours", "detail": "依记录退回 · as recorded"}
        back["proposed_department"] = to
        if order.returnable and order.department and f"{ident}/return" not in self.refusals:
            yield Update(f"{ident}/return", order.department, UpdateReturn.type, back)
        else:
            yield self._assign(ident, to)

    def _assign(self, ident: str, to: str) -> Act:
        body = {"to": {"kind": "department", "id": to}, "reason": "依记录改派 · as recorded", "by": PLAYER}
        return Act(f"{ident}/assign", "assign", body)

    def _work(self, order: Order, stretch: Stretch) -> Iterator[Update | Act]:
        ident = f"{self.row.id}/{order.id}"
        done_id = f"{ident}/done" + (f"/{order.attempt}" if order.attempt > 1 else "")
        result: dict[str, Any] = {"order_id": order.id, "result": "处理完毕 · done", "detail": "处理完毕 · done"}
        if self.row.script.proof:
            result |= self.row.script.proof
        finishes = stretch.done and (order.id in {each.id for each in self.helps.values()} or not self._helped())
        if order.department is None:
            if stretch.signed and not order.done:
                yield Act(f"{ident}/sign", "sign", {"order_id": order.id, "by": PLAYER})
            if finishes and not order.done:
                yield Act(done_id, "done", {**result, "by": PLAYER})
            return
        if stretch.signed:
            yield Update(f"{ident}/sign", order.department, UpdateSign.type, {"order_id": order.id})
        if finishes:
            yield Update(done_id, order.department, UpdateDone.type, result)

    def _helped(self) -> bool:
        """Tell whether somebody still assists, so that the lead cannot finish."""
        known = {order.unit for order in self.helps.values()}
        return not self.awaited <= known or any(order.stands and not order.done for order in self.helps.values())

    def _at_the_desk(self, profile: Profile) -> Iterator[Act]:
        if self.waits_for_round:
            yield Act(f"{self.row.id}/release", "release", {"by": PLAYER})
        if self.triages_asked > self.triages:
            yield Act(f"{self.row.id}/triage/{self.triages_asked}", "triage", self._triage(profile))
        if self.awaits_officer:
            place, leads = len(self.leads) - 1 - self.corrected, self.leads
            route = [unit for stretch in self.row.script.stretches for unit in (stretch.route or ("",))]
            if leads and place + 1 < len(route) and route[place + 1]:
                yield self._assign(f"{self.row.id}/{leads[-1].id}", route[place + 1])
        if self.asked:
            yield self._verdict()
        if self.closed and self.reopenings < self.row.script.reopenings and self.closings == self.reopenings + 1:
            body = {"reason": "依记录重办 · reopened as recorded", "by": PLAYER}
            yield Act(f"{self.row.id}/reopen/{self.closings}", "reopen", body)

    def _verdict(self) -> Act:
        """Give what the verifier or the person called back says: what the script says is bad comes first."""
        script = self.row.script
        bad = self.reworks < len(script.reworks)
        if self.asked == "verify":
            note = script.reworks[self.reworks] if bad else "已核实 · looked at"
            body: dict[str, Any] = {"passed": not bad, "note": note}
        else:
            body = {"reached": True, "solved": script.solved and not bad}
            if not bad and script.rating is not None:
                body["rating"] = script.rating
        return Act(f"{self.row.id}/{self.asked}/{self.verdicts_asked}", self.asked, {**body, "by": LOOKER})

    def _triage(self, profile: Profile) -> dict[str, Any]:
        """Give what the person at the queue decides: what the script says, or the first thing that fits."""
        decided: dict[str, Any] = {"by": PLAYER, **(self.row.script.triage or {})}
        missing = self.triage_missing
        if "category" in missing:
            decided.setdefault("category", general_category(profile))
        said = str(decided.get("category") or self.row.body.get("category") or "")
        category = profile.category(said) or profile.category_by_alias(said)
        if category is not None and category.condition(None) is None:
            decided.setdefault("condition", self.row.body.get("condition"))
            if category.condition(decided["condition"]) is None or decided["condition"] is None:
                decided["condition"] = category.conditions[0].id
        if "place" in missing:
            decided.setdefault("unit", self.unit or profile.top.id)
        if "lead" in missing:
            decided.setdefault("lead", {"kind": "unit", "id": self.unit or profile.top.id})
        return decided

    # ------------------------------------------------------------ the end

    def settled(self) -> bool:
        """Tell whether all that was recorded has happened."""
        script = self.row.script
        if self.refused or self.diverted or self.merged:
            return True
        if not self.accepted:
            return False
        if script.ends != "open":
            return self.closed and self.closings >= script.closings
        if self.closings < script.closings:
            return False
        last = len([unit for stretch in script.stretches for unit in (stretch.route or ("",))]) + self.corrected
        leads = self.leads
        if len(leads) < last:
            return False
        signed = f"{self.row.id}/{leads[-1].id}/sign"
        return not script.stretches[-1].signed or leads[-1].department is None or signed in self.settled_updates


ON_ORDERS: Final = {"sign", "return", "progress", "done", "revise"}
"""Commands that name an order: the lead's, where the script names none."""


def general_category(profile: Profile) -> str:
    """Give the category that says least: the first with only one condition, in the profile's order."""
    return next((each.code for each in profile.categories if len(each.conditions) == 1), profile.categories[0].code)


# ---------------------------------------------------------------- what the log shows to people at the desk


def _unit_order(life: Life, message: str, body: dict[str, Any]) -> None:
    if body["handler"]["kind"] == "unit":
        life.issued(message, body, None)


def _triage_needed(life: Life, _message: str, body: dict[str, Any]) -> None:
    life.triages_asked = life.triages + 1
    life.triage_missing, life.unit = tuple(body["missing"]), body["unit"]


def _triaged(life: Life, _message: str, body: dict[str, Any]) -> None:
    life.triages = max(life.triages + 1, life.triages_asked)
    life.unit = body["unit"]


def _verification(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.asked, life.verdicts_asked = "verify", life.verdicts_asked + 1


def _call_back(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.asked, life.verdicts_asked = "call-back", life.verdicts_asked + 1


def _answered(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.asked = ""


def _rework(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.asked, life.reworks = "", life.reworks + 1


def _order_again(life: Life, _message: str, body: dict[str, Any]) -> None:
    order = life._order(body)  # noqa: SLF001 - a part of the same fold
    if order is not None:
        order.attempt, order.done = max(order.attempt, body.get("attempt", 1)), False


def _order_done(life: Life, _message: str, body: dict[str, Any]) -> None:
    order = life._order(body)  # noqa: SLF001
    if order is not None:
        order.done = True


def _order_withdrawn(life: Life, _message: str, body: dict[str, Any]) -> None:
    order = life._order(body)  # noqa: SLF001
    if order is not None:
        order.stands = False


def _closed(life: Life, _message: str, body: dict[str, Any]) -> None:
    life.asked = ""
    life.diverted = body["outcome"] == "diverted"
    life.closed, life.closings = True, max(life.closings, body.get("closings", 1))


def _reopened(life: Life, _message: str, body: dict[str, Any]) -> None:
    life.closed, life.reopenings = False, max(life.reopenings, body["reopenings"])


def _round(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.waits_for_round = True


def _noted(_life: Life, _message: str, _body: dict[str, Any]) -> None:
    """Count it: something in a script may wait for it."""


def _officer(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.awaits_officer = True


def _diverted(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.diverted = True


def _escalated(life: Life, _message: str, _body: dict[str, Any]) -> None:
    life.escalations += 1


def _refused(life: Life, message: str, body: dict[str, Any]) -> None:
    life.refusals[message] = f"{body['command']}: {body['detail']['en']}"


FACTS: Final[dict[str, Callable[[Life, str, dict[str, Any]], None]]] = {
    OrderIssued.type: _unit_order,
    TriageNeeded.type: _triage_needed,
    TicketTriaged.type: _triaged,
    VerificationAsked.type: _verification,
    TicketVerified.type: _answered,
    CallBackAsked.type: _call_back,
    CalledBack.type: _answered,
    ReworkOrdered.type: _rework,
    OrderReworked.type: _order_again,
    RoundJoined.type: _round,
    TicketCalled.type: _noted,
    WhistleRaised.type: _noted,
    WhistleAnswered.type: _noted,
    WhistleEnded.type: _noted,
    OrderDone.type: _order_done,
    OrderWithdrawn.type: _order_withdrawn,
    TicketClosed.type: _closed,
    TicketReopened.type: _reopened,
    AdjudicationAsked.type: _officer,
    TicketDiverted.type: _diverted,
    TicketEscalated.type: _escalated,
    CommandRefused.type: _refused,
}
"""Types on the log that somebody at the desk acts upon, or that say how it ended."""

ORDERS: Final = {
    DepartmentOrderIssued.type,
    DepartmentOrderReworked.type,
    DepartmentOrderWithdrawn.type,
    UpdateAccepted.type,
    UpdateRefused.type,
}
"""Types on a department's topic that it acts upon."""
