"""Which command may be given in which state? Computed: a ticket is folded into each state, and each command tried."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from services.closure.handlers import decider as closure
from services.dispatch.handlers import decider as dispatch
from shared import messages as m
from shared.decider import Message
from shared.envelope import Envelope
from shared.errors import DeadLetter, Refused
from shared.ids import order_id
from shared.messages import DESK_COMMANDS
from shared.profile import Profile, find_profile, load_profile
from shared.profile.model import LoopRules, Returns, Situation

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.decider import Decider

TICKET, OTHER = "0123456789ABCDEF", "0123456789ABCDEG"
MORNING: Final = datetime(2026, 3, 4, 1, 0, tzinfo=UTC)
LONG: Final = m.Span(amount=2, unit="urgent_days")
SPLIT: Final = (
    "sign", "return", "progress", "done", "record-vote", "fail-stage", "revise", "remove-assist", "excuse-assist",
)  # fmt: skip
"""Commands about one order; the rest are about the ticket."""


class Try:
    """One ticket of one service: what is read, and whether a command would be carried out."""

    def __init__(self, decider: Decider[Any]) -> None:
        """Begin with nothing known."""
        self._decider = decider
        self.state, self.now, self._records = decider.state(), MORNING, 0

    def read(self, *bodies: m.Body) -> Try:
        """Fold messages, with all that follows from each."""
        for body in bodies:
            message = self._message(body)
            facts = self._decider.decide(self.state, message, self.now)
            self.state = self._decider.evolve(self.state, message)
            for fact in facts:
                self.state = self._decider.evolve(self.state, self._message(fact))
        return self

    def wait(self, length: timedelta) -> Try:
        """Let time pass."""
        self.now += length
        return self

    def says(self, command: m.Command) -> str:
        """Give `yes`, or the short reason of the refusal."""
        try:
            self._decider.decide(self.state, self._message(command), self.now)
        except Refused as refused:
            return refused.reason
        except DeadLetter as dead:
            return dead.reason
        return "yes"

    def _message(self, body: m.Body) -> Message:
        self._records += 1
        envelope = Envelope(f"r-{self._records}", "gridcall/desk", body.type, self.now, TICKET)
        return Message(envelope, TICKET, body)


# ---------------------------------------------------------------- dispatch


class Dispatch:
    """A city in which every state can be reached, and tickets in each of them."""

    def __init__(self) -> None:
        """Take the default profile, with one situation to whistle for."""
        content = load_profile(find_profile("yucheng")).content
        top = content.levels[-1].id
        situation = Situation.model_validate(
            {"id": "s", "zh": "x", "en": "x", "by": [level.id for level in content.levels], "arrive": "30 minutes",
             "waves": [[content.departments[0].id, content.departments[1].id]]}
        )  # fmt: skip
        changes = {
            "loop": LoopRules(situations=(situation,)),
            "returns": Returns(duty_level=top, first_receiver=True),
            "closing": content.closing.model_copy(update={"evidence": ()}),
        }
        self.profile = Profile(content.model_copy(update=changes), "states")
        names = [each.id for each in content.departments[:4]]
        self.lead, self.assist, self.other, self.fourth = (m.Handler(kind="department", id=name) for name in names)
        staffed = [unit for unit in content.units if unit.staff and len(self.profile.chain(unit.id)) > 1]
        self.unit = m.Handler(kind="unit", id=staffed[0].id)
        self.decider = dispatch(self.profile)
        first, last = self.profile.categories[0], self.profile.categories[-1]
        self.amended: dict[str, Any] = {"category": last.code, "condition": last.conditions[0].id}
        self.category = m.CategoryRef(code=first.code, name=first.zh, condition=first.conditions[0].id)

    def ticket(self, **given: Any) -> Try:
        """Give a ticket that has just been triaged."""
        fields: dict[str, Any] = {
            "category": self.category, "severity": "IV", "place": m.Location(unit=self.unit.id), "lead": self.lead,
            "level": self.profile.levels[0].id, "unit": self.unit.id, "sign_limit": LONG, "handle_limit": LONG,
            "warn_share": 0.8, "description": "", "profile_version": "states",
        }  # fmt: skip
        return Try(self.decider).read(m.TicketTriaged(**(fields | given)))

    def signed(self, number: int = 1, given: dict[str, Any] | None = None) -> Try:
        """Give a ticket whose nth order is signed."""
        return self.ticket(**(given or {})).read(m.SignOrder(order_id=nth(number), by="a"))

    def suspended(self, number: int = 1, given: dict[str, Any] | None = None) -> Try:
        """Give a ticket whose nth order is suspended."""
        return self.signed(number, given).read(self.suspend(number), m.DecideRevision(granted=True, by="b"))

    def suspend(self, number: int = 1) -> m.ReviseOrder:
        """Ask to suspend an order."""
        until = MORNING + timedelta(days=1)
        reason = self.profile.revisions.suspension.reasons[0].id
        return m.ReviseOrder(order_id=nth(number), by="a", revision="suspend", until=until, reason=reason)

    def whistle(self) -> m.RaiseWhistle:
        """Whistle."""
        return m.RaiseWhistle(situation="s", unit=self.unit.id, by="a")

    def staged(self, **given: Any) -> Try:
        """Give a ticket with two stages, of which the first is public for a day and voted on."""
        sentence = m.Words(zh="x", en="x")
        first = m.Stage(
            id="a", name=sentence, limit=LONG, publicity=m.Span(amount=1, unit="urgent_days"),
            vote=m.Ballot(threshold="2/3", electorate=37), fails=m.Failure(sentence=sentence),
        )  # fmt: skip
        fields: dict[str, Any] = {"stages": (first, m.Stage(id="b", name=sentence))} | given
        return self.ticket(**fields).read(m.SignOrder(order_id=nth(1), by="a"))

    def voted(self) -> Try:
        """Give a ticket whose first stage is no longer public, and passed."""
        return self.staged().wait(timedelta(days=1)).read(m.RecordVote(order_id=nth(1), yes=25, by="a"))

    def orders(self) -> dict[str, tuple[Try, int]]:
        """Give state of an order -> a ticket with one, and which it is."""
        settling: dict[str, Any] = {"before": (m.Step(tier="settlement", handler=self.unit, limit=LONG),)}
        small: dict[str, Any] = {"before": (m.Step(tier="small", handler=self.unit, limit=LONG),)}
        helped: dict[str, Any] = {"assists": (self.assist,)}
        came = m.ReportProgress(order_id=nth(3), by="a", progress="check-in")
        whistled = self.ticket(lead=self.other).read(self.whistle())
        met = self.ticket(lead=self.other).read(self.whistle(), came.model_copy(update={"order_id": nth(2)}))
        assign = m.AssignTicket(to=self.other, reason="x", by="b")
        return {
            "lead: issued": (self.ticket(), 1),
            "lead: signed": (self.signed(), 1),
            "lead: signed, progress reported": (self.signed().read(m.ReportProgress(order_id=nth(1), by="a")), 1),
            "lead: signed, a request waits": (self.signed().read(self.suspend()), 1),
            "lead: suspended": (self.suspended(), 1),
            "lead: signed, an assist has not finished": (self.signed(1, helped), 1),
            "lead: signed, a whistle is not over": (self.signed().read(self.whistle()), 1),
            "lead: signed, another is to take over": (self.signed().read(assign), 1),
            "lead: to take over": (self.signed().read(assign), 2),
            "lead: not returnable": (self.signed(1, {"returnable": False}), 1),
            "lead: past its limit": (self.signed().wait(timedelta(days=3)), 1),
            "lead: of a stage that is public": (self.staged(), 1),
            "lead: of a stage that is not voted on": (self.staged().wait(timedelta(days=1)), 1),
            "lead: of a stage that was passed": (self.voted(), 1),
            "of a stage that is over": (self.voted().read(m.CompleteOrder(order_id=nth(1), by="a")), 1),
            "settlement": (self.ticket(**settling), 1),
            "small: issued": (self.ticket(**small), 1),
            "small: signed": (self.signed(1, small), 1),
            "assist: issued": (self.ticket(**helped), 2),
            "assist: signed": (self.signed(2, helped), 2),
            "assist: suspended": (self.suspended(2, helped), 2),
            "assist: past its limit": (self.signed(2, helped).wait(timedelta(days=30)), 2),
            "whistle: called": (whistled, 2),
            "whistle: has come": (met, 2),
            "done": (self.signed().read(m.CompleteOrder(order_id=nth(1), by="a")), 1),
            "returned": (self.ticket().read(m.ReturnOrder(order_id=nth(1), by="a", reason="not-ours")), 1),
            "withdrawn": (self.ticket().read(assign), 1),
            "closed": (self.ticket().read(m.TicketClosed(outcome="forced")), 1),
        }

    def tickets(self) -> dict[str, Try]:
        """Give state of a ticket -> one in it."""
        back = m.ReturnOrder(order_id=nth(1), by="a", reason="not-ours")
        officer = self.ticket()
        for number in range(1, self.profile.returns.to_triage + 2):
            officer.read(back.model_copy(update={"order_id": nth(number)}))
            if number <= self.profile.returns.to_triage:
                officer.read(officer.state.triaged)
        closed = m.TicketClosed(outcome="forced")
        closes = MORNING + timedelta(hours=4)
        joined = m.RoundJoined(round="r", unit=self.unit.id, proposed=self.lead, closes_at=closes)
        in_round = self.ticket().read(m.OrderWithdrawn(order_id=nth(1), handler=self.lead, reason="reassigned"), joined)
        visit = m.ItemAdded(item=OTHER, outcome="open")
        return {
            "unknown, or not triaged": Try(self.decider),
            "waits for a round": in_round,
            "residents settle it": self.ticket(before=(m.Step(tier="settlement", handler=self.unit, limit=LONG),)),
            "the grid has it": self.ticket(before=(m.Step(tier="small", handler=self.unit, limit=LONG),)),
            "a unit leads": self.ticket(lead=self.unit),
            "a department leads": self.ticket(),
            "a request waits": self.signed().read(self.suspend()),
            "requests of two orders wait": self.signed(1, {"assists": (self.assist,)}).read(
                m.SignOrder(order_id=nth(2), by="a"), self.suspend(), self.suspend(2)
            ),
            "a whistle is not over": self.ticket().read(self.whistle()),
            "a visit with an open item": self.ticket(lead=self.unit).read(visit),
            "another is to take over": self.signed().read(m.AssignTicket(to=self.other, reason="x", by="b")),
            "returned to triage": self.ticket().read(back),
            "with the duty officer": officer,
            "at a stage": self.staged(),
            "a stage has failed for good": self.staged().read(m.FailStage(order_id=nth(1), reason="x", by="a")),
            "done": self.signed().read(m.CompleteOrder(order_id=nth(1), by="a")),
            "closed": self.ticket().read(closed),
        }

    def commands(self, order: str) -> dict[str, dict[str, m.Command]]:
        """Give desk command -> what is tried of it, by name; those about an order name this one."""
        revise = self.suspend().model_copy(update={"order_id": order})
        later = MORNING + timedelta(days=2, hours=9)
        of: dict[str, Any] = {"order_id": order, "by": "a"}
        return {
            "sign": {"sign": m.SignOrder(**of)},
            "return": {"return": m.ReturnOrder(**of, reason="not-ours")},
            "progress": {
                "progress": m.ReportProgress(**of),
                "check-in": m.ReportProgress(**of, progress="check-in"),
            },
            "done": {"done": m.CompleteOrder(**of)},
            "record-vote": {"record-vote": m.RecordVote(**of, yes=1, electorate=37)},
            "fail-stage": {"fail-stage": m.FailStage(**of, reason="x")},
            "revise": {
                "suspend": revise,
                "resume": revise.model_copy(update={"revision": "resume"}),
                "extend": revise.model_copy(update={"revision": "extend", "until": later}),
            },
            "remove-assist": {"remove-assist": m.RemoveAssist(**of, reason="x")},
            "excuse-assist": {"excuse-assist": m.ExcuseAssist(**of, reason="x")},
            "decide-revision": {"decide-revision": m.DecideRevision(granted=True, by="c")},
            "assign": {"assign": m.AssignTicket(to=self.fourth, reason="x", by="a")},
            "release": {"release": m.ReleaseTicket(by="a")},
            "settle-item": {"settle-item": m.SettleItem(item=OTHER, outcome="settled", note="x", by="a")},
            "call": {"call": m.CallTicket(reason="x", by="a")},
            "add-assist": {"add-assist": m.AddAssist(to=self.fourth, by="a")},
            "raise-whistle": {"raise-whistle": self.whistle()},
            "end-whistle": {"end-whistle": m.EndWhistle(result="x", by="a")},
            "amend": {"amend": m.AmendTicket(**self.amended, reason="x", by="a")},
        }


def nth(number: int) -> str:
    """Give the id of an order."""
    return order_id(TICKET, number)


def table(heading: str, rows: dict[str, Callable[[m.Command], str]], commands: dict[str, m.Command]) -> str:
    """Give states x commands, each cell `yes` or why not."""
    lines = [f"| {heading} | {' | '.join(commands)} |", f"|---|{'---|' * len(commands)}"]
    lines += [f"| {row} | {' | '.join(says(each) for each in commands.values())} |" for row, says in rows.items()]
    return "\n".join(lines)


def of_dispatch() -> str:
    """Give the two tables of dispatch: commands on an order, and on a ticket."""
    city = Dispatch()
    expected("dispatch", set(city.commands("x")))

    def on_order(order: str) -> dict[str, m.Command]:
        return {name: each for of in SPLIT for name, each in city.commands(order)[of].items()}

    orders = city.orders()
    lines = []
    for row, (ticket, number) in orders.items():
        commands = on_order(nth(number))
        lines.append(table("an order that is", {row: ticket.says}, commands))
    head, rows = lines[0].splitlines()[:2], [text.splitlines()[2] for text in lines]
    rest = {name: each for of, some in city.commands("x").items() if of not in SPLIT for name, each in some.items()}
    tickets = table("a ticket", {row: ticket.says for row, ticket in city.tickets().items()}, rest)
    return "\n".join([*head, *rows]) + "\n\n" + tickets


# ---------------------------------------------------------------- closure


def of_closure() -> str:
    """Give the table of closure: commands in each phase."""
    profile = load_profile(find_profile("yucheng"))
    category, unit = profile.categories[0], profile.units[0].id
    done = m.OrderDone(
        order_id=nth(1), handler=m.Handler(kind="unit", id=unit), done_at=MORNING, severity="IV", unit=unit,
        category=m.CategoryRef(code=category.code, name=category.zh, condition=category.conditions[0].id),
        place=m.Location(unit=unit), profile_version=profile.version,
    )  # fmt: skip
    asked, called = m.VerificationAsked(order_id=nth(1), unit=unit), m.CallBackAsked(unit=unit)
    closed = m.TicketClosed(outcome="forced", reopen_until=MORNING + timedelta(days=1))
    rules = closure(profile)
    rows = {
        "open": Try(rules),
        "verifying": folded(rules, done, asked),
        "calling-back": folded(rules, done, called),
        "closed": folded(rules, closed),
        "closed, its window over": folded(rules, closed).wait(timedelta(days=2)),
        "merged into another": folded(rules, m.TicketMerged(into=OTHER, by="b", reason="x"), closed),
        "part of another": folded(rules, m.TicketAttached(parent=OTHER, by="b", reason="x")),
        "stands for others": folded(rules, m.TicketAdopted(child=OTHER, relation="child", by="b")),
    }
    commands: dict[str, m.Command] = {
        "verify": m.VerifyTicket(passed=True, by="v"),
        "call-back": m.RecordCallBack(solved=True, by="v"),
        "close": m.CloseTicket(reason="x", by="v"),
        "reopen": m.ReopenTicket(reason="x", by="v"),
        "merge": m.MergeTicket(into="0123456789ABCDEH", reason="x", by="v"),
        "unmerge": m.UnmergeTicket(reason="x", by="v"),
        "attach": m.AttachTicket(parent="0123456789ABCDEH", reason="x", by="v"),
        "detach": m.DetachTicket(reason="x", by="v"),
        "relate": m.RelateTicket(other="0123456789ABCDEH", reason="x", by="v"),
    }
    expected("closure", set(commands))
    return table("a ticket that is", {row: ticket.says for row, ticket in rows.items()}, commands)


def folded(decider: Decider[Any], *facts: m.Body) -> Try:
    """Give a ticket after facts of the service itself, without what would follow from them."""
    found = Try(decider)
    for fact in facts:
        found.state = decider.evolve(found.state, found._message(fact))  # noqa: SLF001 - of this module
    return found


def expected(service: str, tried: set[str]) -> None:
    """Fail where a command of a service is not in its table."""
    commands = {name for name, body in DESK_COMMANDS.items() if body.producer == service}
    if commands != tried:
        problem = f"the table of {service} lacks or invents: {sorted(commands ^ tried)}"
        raise LookupError(problem)
