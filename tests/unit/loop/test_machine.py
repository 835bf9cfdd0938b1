"""What stays true of a ticket among all services, whatever anybody does in whatever order, with crashes between?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.desk.actions import TABLE
from services.desk.names import Names
from shared import messages as m
from tests.unit.loop.city import (
    CITY,
    CLIMBING,
    COMMUNITY,
    DISTRICT,
    FIRST_RECEIVER,
    GRID,
    IN_OFFICE,
    STREET,
    WEST,
)
from tests.unit.loop.truths import TRUTHS
from tests.unit.loop.world import SERVICES, World, refusals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.profile import Profile
    from tests.unit.loop.world import Town

CITIES: Final = (CITY, CLIMBING, IN_OFFICE, FIRST_RECEIVER)
ADVISED: Final = {
    "sign", "return", "progress", "done", "assign", "call", "add-assist", "remove-assist", "excuse-assist",
    "raise-whistle", "end-whistle", "revise", "decide-revision", "record-vote", "fail-stage",
}  # fmt: skip
"""Commands on orders: the desk calls none impossible that dispatch carries out."""
ALLOWED: Final = {action.command: action for action in TABLE if action.command in ADVISED}
BY_COMMAND: Final = {body: name for name, body in m.DESK_COMMANDS.items()}


def department(name: str) -> m.Handler:
    """Give a department."""
    return m.Handler(kind="department", id=name)


def unit(name: str) -> m.Handler:
    """Give a unit, or a body of residents."""
    return m.Handler(kind="unit", id=name)


handlers = st.sampled_from(
    [
        *map(department, ("police", "water", "power", "gone")),
        *map(unit, (GRID, COMMUNITY, STREET, DISTRICT, "council-1")),
    ]
)
names = st.sampled_from(["李", "王", "赵", "李", "王", "赵", "李", ""])
words = st.sampled_from(["因故", "x", "因故", "x", "因故", "x", "  "])
seldom = st.sampled_from([False, False, False, True])
which = st.integers(0, 7)
lengths = st.one_of(
    st.integers(0, 90).map(lambda number: timedelta(minutes=number)),
    st.integers(0, 60 * 24 * 9).map(lambda number: timedelta(minutes=number)),
)
orders = st.permutations(SERVICES).map(tuple)


def worded(refused: m.CommandRefused) -> bool:
    """Tell whether a refusal has a sentence in each language."""
    zh, en = refused.detail.zh.strip(), refused.detail.en.strip()
    return bool(zh and en) and zh != en


ORDER: Final = "0123456789ABCDEF-1"
REFUSABLE: Final[dict[str, m.Command]] = {
    "sign": m.SignOrder(order_id=ORDER, by="李"),
    "return": m.ReturnOrder(order_id=ORDER, by="李", reason="not-ours"),
    "progress": m.ReportProgress(order_id=ORDER, by="李"),
    "done": m.CompleteOrder(order_id=ORDER, by="李"),
    "record-vote": m.RecordVote(order_id=ORDER, yes=1, electorate=1, by="李"),
    "fail-stage": m.FailStage(order_id=ORDER, reason="x", by="李"),
    "suspend": m.ReviseOrder(order_id=ORDER, by="李", revision="suspend", reason="materials"),
    "resume": m.ReviseOrder(order_id=ORDER, by="李", revision="resume"),
    "extend": m.ReviseOrder(order_id=ORDER, by="李", revision="extend", reason="x"),
    "decide-revision": m.DecideRevision(granted=True, by="李"),
    "assign": m.AssignTicket(to=department("power"), reason="x", by="李"),
    "release": m.ReleaseTicket(by="李"),
    "call": m.CallTicket(reason="x", by="李"),
    "add-assist": m.AddAssist(to=department("power"), by="李"),
    "remove-assist": m.RemoveAssist(order_id=ORDER, reason="x", by="李"),
    "excuse-assist": m.ExcuseAssist(order_id=ORDER, reason="x", by="李"),
    "raise-whistle": m.RaiseWhistle(situation="fire-lane", unit=STREET, by="李"),
    "end-whistle": m.EndWhistle(result="x", by="李"),
    "amend": m.AmendTicket(category="0501", reason="x", by="李"),
    "triage": m.TriageTicket(category="0501", by="李"),
    "divert": m.DivertTicket(diversion="not-ours", to="x", detail="x", by="李"),
    "verify": m.VerifyTicket(passed=True, by="李"),
    "call-back": m.RecordCallBack(solved=True, by="李"),
    "close": m.CloseTicket(reason="x", by="李"),
    "reopen": m.ReopenTicket(reason="x", by="李"),
    "ask-caller": m.AskCaller(question="?", by="李"),
    "accept-escalation": m.AcceptEscalation(by="李"),
    "hand-back": m.HandBack(reason="x", by="李"),
}


class WholeLife(RuleBasedStateMachine):
    """A ticket from its report to its end, with assists, whistles, settlement, suspensions, questions and closings."""

    def __init__(self) -> None:
        """Begin with nothing reported."""
        super().__init__()
        self.world = World(CITY)
        self.slept = False
        """Something was noticed late."""
        self.behind = False
        """Time has passed, and nobody was woken."""

    @property
    def time(self) -> World | Town:
        """Give what time passes for."""
        return self.world

    @property
    def worlds(self) -> Sequence[World]:
        """Give every ticket there is."""
        return (self.world,)

    def wake(self) -> None:
        """Let whoever asked for it be woken."""
        self.time.wake()
        self.behind = False

    @initialize(
        profile=st.sampled_from(CITIES),
        category=st.sampled_from(["0101", "0101", "0201", "0501", "gone"]),
        crowd=st.booleans(),
        callback=st.booleans(),
        road=st.sampled_from([None, "long-road"]),
    )
    def begin(self, profile: Profile, category: str, crowd: bool, callback: bool, road: str | None) -> None:  # noqa: FBT001 - drawn by name
        """Somebody reports something."""
        self.world = World(profile)
        self.world.report(
            category=category,
            condition="building" if category == "0101" else None,
            attributes={"crowd": crowd},
            place=m.Place(grid=GRID, road=road),
            caller=m.CallerRef(ref="c-1", callback=callback, masked_phone="138****0000"),
        )

    def do(self, command: m.Command) -> None:
        """Give a command: what is refused says so in both languages, and what the desk calls impossible is refused."""
        before, now, behind = self.world.view, self.world.now, self.behind
        said = self.world.say(command)
        self.wake()
        refused = refusals(said)
        for each in refused:
            assert worded(each), each
        action = ALLOWED.get(BY_COMMAND.get(type(command), ""))
        if action is None or refused or behind or getattr(command, "department", None):
            return
        desk = Names(self.world.profile)
        assert action.may(before, now), (action.command, before.state, command)
        assert action.rules(before, desk), (action.command, before.state, command)
        order = before.orders.get(getattr(command, "order_id", None) or "")
        assert order is None or action.fits(before, order, now), (command, order)

    def order(self, nth: int, *states: str, roles: tuple[str, ...] = ()) -> tuple[str, str | None]:
        """Give an order, one of these states and roles where there is one, and the department that has it, if any."""
        known = self.world.dispatch.orders
        if not known:
            return "0123456789ABCDEF-1", None
        usual = states or ("issued", "signed", "suspended")
        fit = [order for order in known if order.state in usual and (not roles or order.role in roles)]
        found = fit if fit and nth < 7 else known
        order = found[nth % len(found)]
        return order.id, order.handler.id if order.handler.kind == "department" else None

    # ------------------------------------------------------------ who handles it

    @rule(nth=which, by=names, desk=st.booleans())
    def sign(self, nth: int, by: str, desk: bool) -> None:  # noqa: FBT001
        """Sign."""
        order, whose = self.order(nth, "issued")
        self.do(m.SignOrder(order_id=order, department=None if desk else whose, by=by))

    @rule(
        nth=which,
        by=names,
        progress=st.sampled_from(["note", "check-in", "check-in", "contact"]),
        score=st.sampled_from([None, None, 4]),
    )
    def progress(self, nth: int, by: str, progress: Any, score: int | None) -> None:
        """Say how it stands, or check in."""
        roles = ("whistle",) if progress == "check-in" or score else ()
        order, whose = self.order(nth, "signed", "issued", roles=roles)
        self.do(m.ReportProgress(order_id=order, department=whose, by=by, progress=progress, whistle_score=score))

    @rule(nth=which, by=names)
    def done(self, nth: int, by: str) -> None:
        """Say that it is done; assists before the lead."""
        roles = ("assist",) if self.world.dispatch.assists and nth else ()
        order, whose = self.order(nth, "signed", roles=roles)
        self.do(m.CompleteOrder(order_id=order, department=whose, by=by, result="完成"))

    @rule(
        nth=which,
        by=names,
        reason=st.sampled_from(["not-ours", "wrong-place"]),
        proposed=st.sampled_from([None, "power", "water"]),
        really=seldom,
    )
    def send_back(self, nth: int, by: str, reason: Any, proposed: str | None, really: bool) -> None:  # noqa: FBT001
        """Return; most do not."""
        if not really:
            return
        order, whose = self.order(nth)
        self.do(m.ReturnOrder(order_id=order, department=whose, by=by, reason=reason, proposed_department=proposed))

    @rule(
        nth=which,
        by=names,
        revision=st.sampled_from(["suspend", "suspend", "resume", "extend"]),
        hours=st.integers(1, 80),
    )
    def revise(self, nth: int, by: str, revision: Any, hours: int) -> None:
        """Ask to suspend or to extend, or resume."""
        order, whose = self.order(nth, "suspended" if revision == "resume" else "signed")
        until = self.world.now + timedelta(hours=hours)
        self.do(
            m.ReviseOrder(order_id=order, department=whose, by=by, revision=revision, until=until, reason="materials")
        )

    @precondition(lambda self: any(order.asked for order in self.world.dispatch.orders))
    @rule(granted=st.sampled_from([True, True, False]), nth=which, named=seldom, by=names)
    def decide(self, granted: bool, nth: int, named: bool, by: str) -> None:  # noqa: FBT001
        """Grant or refuse what was asked for."""
        order_id = self.order(nth)[0] if named else None
        self.do(m.DecideRevision(granted=granted, order_id=order_id, by=by))

    @precondition(lambda self: self.world.dispatch.running)
    @rule(nth=which, asks=st.sampled_from([None, None, "suspend", "extend"]))
    def work(self, nth: int, asks: Any) -> None:
        """Somebody takes the next step: signs, comes, asks for more time, or is done."""
        order = self.world.dispatch.running[nth % len(self.world.dispatch.running)]
        whose = order.handler.id if order.handler.kind == "department" else None
        if order.role == "whistle" and order.came_at is None:
            self.do(
                m.ReportProgress(order_id=order.id, department=whose, by="李", progress="check-in", whistle_score=4)
            )
        elif order.state == "issued" and order.tier != "settlement":
            self.do(m.SignOrder(order_id=order.id, department=whose, by="李"))
        elif asks and order.asked is None and order.state != "suspended":
            until = self.world.now + timedelta(days=1)
            self.do(
                m.ReviseOrder(
                    order_id=order.id, department=whose, by="李", revision=asks, until=until, reason="materials"
                )
            )
        elif order.asked is not None:
            self.do(m.DecideRevision(granted=True, order_id=order.id, by="王"))
        else:
            self.do(m.CompleteOrder(order_id=order.id, department=whose, by="李", result="完成"))

    @precondition(lambda self: self.world.dispatch.open is not None)
    @rule()
    def all_finish(self) -> None:
        """The whistle ends, the assists finish, then the lead."""
        if self.world.dispatch.whistle is not None:
            self.do(m.EndWhistle(result="已会商", by="孙"))
        for order in (*self.world.dispatch.assists, self.world.dispatch.open):
            if order is not None:
                if order.state == "issued":
                    self.do(m.SignOrder(order_id=order.id, by="李"))
                self.do(m.CompleteOrder(order_id=order.id, by="李", result="完成"))

    # ------------------------------------------------------------ who handles it next

    @rule(to=handlers, forced=seldom, reason=words)
    def assign(self, to: m.Handler, forced: bool, reason: str) -> None:  # noqa: FBT001
        """Give it to somebody else."""
        self.do(m.AssignTicket(to=to, forced=forced, reason=reason, by="赵"))

    @rule(to=st.none() | handlers, reason=words)
    def call(self, to: m.Handler | None, reason: str) -> None:
        """Call whoever is next."""
        self.do(m.CallTicket(to=to, reason=reason, by="李"))

    @rule(to=handlers, swap=seldom, nth=which)
    def add_assist(self, to: m.Handler, swap: bool, nth: int) -> None:  # noqa: FBT001
        """Let somebody assist."""
        self.do(m.AddAssist(to=to, by="赵", instead_of=self.order(nth, roles=("assist",))[0] if swap else None))

    @precondition(lambda self: self.world.dispatch.assists)
    @rule(nth=which, excuse=st.booleans(), reason=words)
    def end_assist(self, nth: int, excuse: bool, reason: str) -> None:  # noqa: FBT001
        """Let an assist end, or confirm that it is late."""
        make = m.ExcuseAssist if excuse else m.RemoveAssist
        self.do(make(order_id=self.order(nth, roles=("assist",))[0], reason=reason, by="赵"))

    @precondition(lambda self: self.world.waits_for_triage)
    @rule(
        category=st.sampled_from([None, None, "0101", "0201", "0501"]),
        place=st.sampled_from([None, GRID, COMMUNITY, WEST]),
        lead=st.none() | handlers,
    )
    def triage(self, category: str | None, place: str | None, lead: m.Handler | None) -> None:
        """Say what it is."""
        condition = "building" if category == "0101" else None
        self.do(m.TriageTicket(category=category, condition=condition, unit=place, lead=lead, by="钱"))

    @rule(
        category=st.sampled_from(["0101", "0201", "0501"]),
        severity=st.sampled_from([None, "I", "IV"]),
        place=st.sampled_from([None, GRID, WEST]),
    )
    def amend(self, category: str, severity: Any, place: str | None) -> None:
        """Correct it."""
        condition = "built" if category == "0101" else None
        self.do(
            m.AmendTicket(category=category, condition=condition, severity=severity, unit=place, reason="更正", by="钱")
        )

    # ------------------------------------------------------------ whistles

    @rule(
        situation=st.sampled_from(["fire-lane", "fire-lane", "fire-lane", "fire-lane", "flood", "road", "gone"]),
        who=st.sampled_from([STREET, STREET, STREET, COMMUNITY, GRID]),
        called=st.sampled_from([[], [], [], [department("police")], [department("water"), department("power")]]),
    )
    def whistle(self, situation: str, who: str, called: list[m.Handler]) -> None:
        """Whistle."""
        self.do(m.RaiseWhistle(situation=situation, unit=who, called=tuple(called), by="孙"))

    @precondition(lambda self: self.world.dispatch.whistle is not None)
    @rule(result=words, mark=st.none() | handlers)
    def end_whistle(self, result: str, mark: m.Handler | None) -> None:
        """End the whistle."""
        marks = () if mark is None else (m.Mark(handler=mark, score=3),)
        self.do(m.EndWhistle(result=result, marks=marks, by="孙"))

    # ------------------------------------------------------------ the way out

    @precondition(lambda self: self.world.phase == "verifying")
    @rule(passed=st.booleans(), note=words)
    def verify(self, passed: bool, note: str) -> None:  # noqa: FBT001
        """Verify."""
        self.do(m.VerifyTicket(passed=passed, note=note, by="周"))

    @precondition(lambda self: self.world.phase == "calling-back")
    @rule(reached=st.booleans(), solved=st.none() | st.booleans())
    def call_back(self, reached: bool, solved: bool | None) -> None:  # noqa: FBT001
        """Call back."""
        self.do(m.RecordCallBack(reached=reached, solved=solved, by="吴"))

    @precondition(lambda self: len(self.world.dispatch.orders) > 1)
    @rule(reason=words, outcome=st.sampled_from(["forced", "informed", "rejected"]), really=seldom)
    def close(self, reason: str, outcome: Any, really: bool) -> None:  # noqa: FBT001
        """Close out of turn; most do not."""
        if really:
            self.do(m.CloseTicket(reason=reason, outcome=outcome, by="郑"))

    @precondition(lambda self: self.world.phase == "closed")
    @rule(reason=words)
    def reopen(self, reason: str) -> None:
        """Reopen."""
        self.do(m.ReopenTicket(reason=reason, by="郑"))

    @rule(kind=st.sampled_from(["answer", "answer", "withdrawal", "rating", "not-solved", "urge"]), really=seldom)
    def message(self, kind: Any, really: bool) -> None:  # noqa: FBT001
        """The person says something; seldom that it need not be done."""
        if kind == "withdrawal" and not really:
            return
        now = self.world.now
        self.world.say(m.MessageReceived(message_id="m", message_kind=kind, text="x", rating=3, received_at=now))
        self.wake()

    @rule(question=words)
    def ask(self, question: str) -> None:
        """Ask the caller."""
        self.do(m.AskCaller(question=question, by="钱"))

    @precondition(lambda self: self.world.sla.owners)
    @rule(back=st.booleans())
    def level(self, back: bool) -> None:  # noqa: FBT001
        """Take an escalation on, or hand it back."""
        self.do(m.HandBack(reason="下级可办", by="冯") if back else m.AcceptEscalation(by="冯"))

    @precondition(lambda self: self.world.waits_for_triage)
    @rule()
    def divert(self) -> None:
        """Send it elsewhere."""
        self.do(m.DivertTicket(diversion="not-ours", to="法院", detail="请到法院。", by="钱"))

    # ------------------------------------------------------------ time, and what goes wrong

    @rule(length=lengths, order=orders)
    def live(self, length: timedelta, order: tuple[str, ...]) -> None:
        """Time passes with all awake."""
        self.time.live(min(length, timedelta(hours=5)), order)
        self.behind = False

    @rule(length=lengths, order=orders)
    def outage(self, length: timedelta, order: tuple[str, ...]) -> None:
        """Time passes at one stroke."""
        self.slept = True
        self.time.outage(length, order)
        self.behind = False

    @precondition(lambda self: self.time.next_at() is not None)
    @rule(order=orders, off=st.sampled_from([-1, 0, 0, 1]))
    def to_the_instant(self, order: tuple[str, ...], off: int) -> None:
        """The very next instant comes for which anybody waits."""
        at = self.time.next_at()
        assert at is not None
        self.time.live(max(at - self.time.now + timedelta(milliseconds=off), timedelta(0)), order)
        self.behind = False

    @rule(length=lengths)
    def asleep(self, length: timedelta) -> None:
        """Time passes and nobody is woken: whatever comes next is read first."""
        self.slept = self.behind = True
        self.time.clock.advance(length)

    @precondition(lambda self: self.time.next_at() is not None)
    @rule()
    def asleep_to_the_instant(self) -> None:
        """The very instant comes for which somebody waits, and something else is read before it is noticed."""
        at = self.time.next_at()
        assert at is not None
        self.behind = True
        self.time.clock.advance(max(at - self.time.now, timedelta(0)))

    @rule(share=st.integers(0, 99))
    def again(self, share: int) -> None:
        """A record is published a second time: nothing follows from it."""
        self.wake()
        before = self.world.states()
        place, length = len(self.world.log) * share // 100, len(self.world.log)
        self.world.again(place)
        assert self.world.bodies[length:] == [self.world.bodies[place]]
        assert self.world.states() == before

    # ------------------------------------------------------------ what stays true

    @invariant()
    def it_is_true_of_every_ticket(self) -> None:
        """Owners, orders, clocks, returns, messages."""
        for world in self.worlds:
            for holds in TRUTHS if world.log else ():
                holds(world)

    @invariant()
    def the_next_instant_lies_ahead(self) -> None:
        """Nobody waits for an instant that has passed."""
        at: datetime | None = self.time.next_at()
        assert at is None or at > self.time.now or self.behind

    def teardown(self) -> None:
        """In the end the auditor, who goes another way, finds nothing."""
        self.wake()
        for world in self.worlds:
            wrong = [each for each in world.findings() if each.kind != "late" or not self.slept] if world.log else []
            assert wrong == [], (world.profile.name, wrong)


WholeLife.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_to_a_ticket = WholeLife.TestCase


# ---------------------------------------------------------------- what is refused


@given(
    life=st.lists(st.sampled_from(["sign", "done", "back", "close", "wait"]), max_size=4),
    category=st.sampled_from(["0101", "0201", "0501", "gone"]),
    name=st.sampled_from(sorted(REFUSABLE)),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_refused_is_refused_with_a_sentence(life: list[str], category: str, name: str) -> None:
    """Every command in many states, also where nobody would give it."""
    world = World(CITY)
    world.report(category=category, condition="building" if category == "0101" else None)
    for step in life:
        order = next((each for each in reversed(world.dispatch.orders) if each.role == "lead"), None)
        ident, by = "x" if order is None else order.id, "李"
        if step == "wait":
            world.live(timedelta(minutes=95))
        else:
            given_: dict[str, m.Command] = {
                "sign": m.SignOrder(order_id=ident, by=by),
                "done": m.CompleteOrder(order_id=ident, by=by),
                "back": m.ReturnOrder(order_id=ident, by=by, reason="not-ours"),
                "close": m.CloseTicket(reason="x", by=by),
            }
            world.say(given_[step])
    for each in refusals(world.say(REFUSABLE[name])):
        assert worded(each), each


def test_who_corrects_a_small_matter_still_signs_before_it_had_to_be_handled() -> None:
    """The grid has two hours and a day to sign: no signature is due after the two hours, and the audit knows that."""
    life = WholeLife()
    life.begin(profile=CITY, category="0101", crowd=False, callback=False, road=None)
    life.asleep_to_the_instant()
    life.live(length=timedelta(minutes=18), order=("triage", "dispatch", "closure", "sla"))
    life.amend(category="0101", place=None, severity=None)
    life.asleep(length=timedelta(minutes=96))
    life.teardown()
