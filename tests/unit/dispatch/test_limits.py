"""Can anybody stop or lengthen a clock beyond what was granted, whatever happens in whatever order?"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.dispatch.handlers import decider
from shared.calendar import elapsed
from shared.deadline import counted_on, length
from shared.messages import (
    AssignTicket,
    Body,
    CommandRefused,
    Fact,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReworked,
    OrderSuspended,
    RevisionAsked,
    RevisionDecided,
    ReworkOrdered,
    Span,
    TicketReopened,
)
from tests.support.fold import Folded, Said, envelope_of
from tests.unit.dispatch.orders import (
    CITY,
    GRID,
    OFFICE,
    POLICE,
    WATER,
    back,
    closed,
    deny,
    done,
    extend,
    grant,
    note,
    resume,
    sign,
    suspend,
    triaged,
)

if TYPE_CHECKING:
    from services.dispatch.domain import DispatchState, Order
    from shared.profile import Profile

LIMITS = (
    Span(amount=90, unit="minutes"),
    Span(amount=2, unit="urgent_days"),
    Span(amount=7, unit="work_hours"),
    Span(amount=5, unit="work_days"),
)
HAPPENINGS = ("note", "done", "rework", "back", "assign", "triage", "withdrawn", "forced")
handlers = st.sampled_from([WATER, POLICE, GRID])
hours = st.one_of(st.integers(min_value=-1, max_value=30), st.integers(min_value=1, max_value=400))


class Life(RuleBasedStateMachine):
    """One ticket read twice: here the timers fire before every record, there after it, and only now and then."""

    @initialize(
        city=st.sampled_from([CITY, OFFICE]), limit=st.sampled_from(LIMITS), lead=handlers, signed=st.booleans()
    )
    def begin(self, city: Profile, limit: Span, lead: Any, signed: bool) -> None:  # noqa: FBT001 - drawn
        """Triage it."""
        self.city, self.limit = city, limit
        self.prompt, self.late = Folded(decider(city)), Folded(decider(city))
        self.facts: dict[int, list[Fact]] = {id(self.prompt): [], id(self.late): []}
        self.number = 0
        self.waiting: RevisionAsked | None = None
        self.granted: Counter[tuple[str, str]] = Counter()
        self.limits: dict[str, datetime] = {}
        self.rest: tuple[datetime, timedelta] | None = None
        """Until when it rests, and how much time is left of its limit."""
        self.say(triaged(handle_limit=limit, lead=lead))
        if signed:
            self.on_order(sign)

    # ------------------------------------------------------------ what happens

    @property
    def order(self) -> Order:
        """Give the last order, as the prompt one of the two knows it."""
        return self.prompt.state().orders[-1]

    def on_order(self, make: Any, **given: Any) -> None:
        """Let whoever has the order say something about it."""
        handler = self.order.handler
        self.say(make(self.order.id, handler.id if handler.kind == "department" else None, **given))

    def say(self, body: Body) -> None:
        """Let both read a record; what was refused to one is refused to the other."""
        self.number += 1
        envelope = {"id": f"c-{self.number}"} if body.kind == "command" else {}
        self.wake(self.prompt)
        said = [self.read(folded, folded.read(body, **envelope)) for folded in (self.prompt, self.late)]
        assert said[0] == said[1]

    def wake(self, folded: Folded[DispatchState]) -> None:
        """Fire what is due."""
        self.read(folded, folded.wake())

    def read(self, folded: Folded[DispatchState], said: Said) -> CommandRefused | None:
        """Check what was said; give the refusal."""
        ids = [envelope_of(out).id for out in said.outbox]
        assert len(ids) == len(set(ids))
        for fact in said.facts:
            if isinstance(fact, CommandRefused):
                assert fact.detail.en.endswith(".")
                assert fact.detail.zh.endswith("。")
                continue
            self.facts[id(folded)].append(fact)
            if folded is self.prompt:
                self.check(fact)
        return said.refused

    @rule(share=st.sampled_from([0.01, 0.1, 0.3, 0.5, 0.9, 1, 1, 1.001, 1.7]))
    def time_passes(self, share: float) -> None:
        """Some of the time until something is due, all of it, or more; fire what is due in one of the two."""
        now = self.prompt.clock.now()
        ends = [at for at in (self.prompt.wake_at(), self.order.handle_by) if at is not None and at > now]
        for folded in (self.prompt, self.late):
            folded.clock.advance(share * (min(ends, default=now + timedelta(hours=1)) - now))
        self.wake(self.prompt)

    @rule()
    def outage_ends(self) -> None:
        """Fire what is due in the other too: from here on they know the same."""
        self.wake(self.prompt)
        self.wake(self.late)
        assert self.facts[id(self.prompt)] == self.facts[id(self.late)]
        assert self.prompt.state() == self.late.state()

    @rule(after=hours, answer=st.sampled_from([None, grant, grant, deny]))
    def more_time_is_asked_for(self, after: int, answer: Any) -> None:
        """Some hours after the limit, or before it; perhaps somebody decides at once."""
        self.on_order(extend, until=self.order.handle_by + timedelta(hours=after))
        if answer is not None:
            self.say(answer())

    @rule(after=hours, answer=st.sampled_from([None, grant, grant, deny]))
    def a_rest_is_asked_for(self, after: int, answer: Any) -> None:
        """For some hours from now."""
        self.on_order(suspend, until=self.prompt.clock.now() + timedelta(hours=after))
        if answer is not None:
            self.say(answer())

    @rule(again=st.booleans())
    def is_resumed(self, again: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        """By whoever has it; once more, and there is nothing to resume."""
        for _ in range(1 + again):
            self.on_order(resume)

    @rule(word=st.sampled_from([grant, deny]), by=st.sampled_from(["赵值班", "赵值班", "李", " "]))
    def is_decided(self, word: Any, by: str) -> None:
        """By an officer, by who asked, or by nobody; perhaps nothing waits."""
        self.say(word(by=by))

    @rule(
        how=st.sampled_from(["note", "done", "rework", "back", "assign", "triage", "withdrawn", "forced"]), to=handlers
    )
    def something_else_happens(self, how: str, to: Any) -> None:
        """The order may end in one of many ways, and the next one is signed for."""
        if how in {"done", "rework", "back", "note"}:
            self.on_order({"back": back, "note": note}.get(how, done))
        if how == "rework":
            self.say(ReworkOrdered(order_id=self.order.id, reason="x", reworks=1))
        elif how in {"withdrawn", "forced"}:
            self.say(closed(how))
            self.say(TicketReopened(reason="x", reopenings=1))
        if how == "assign" or self.prompt.state().lies_with == "duty-officer":
            self.say(AssignTicket(to=to, by="赵", reason="x"))
        elif how in {"triage", "done"} or self.prompt.state().lies_with == "triage":
            self.say(triaged(handle_limit=self.limit, lead=to))
        self.on_order(sign)

    # ------------------------------------------------------------ what must hold

    def check(self, fact: Fact) -> None:
        """Follow the facts alone, as another service would."""
        most = {"extend": self.city.revisions.extension.most, "suspend": self.city.revisions.suspension.most}
        match fact:
            case RevisionAsked():
                assert self.waiting is None
                assert self.rest is None
                assert self.prompt.clock.now() < fact.decide_by <= self.limits[fact.order_id]
                assert self.granted[fact.order_id, fact.revision] < most[fact.revision]
                self.waiting = fact
            case RevisionDecided():
                assert self.waiting is not None
                assert (fact.order_id, fact.revision) == (self.waiting.order_id, self.waiting.revision)
                assert fact.decision == "lapsed" or fact.by not in {self.waiting.by, " ", ""}
                self.granted[fact.order_id, fact.revision] += fact.decision == "granted"
                assert self.granted[fact.order_id, fact.revision] <= most[fact.revision]
                self.waiting = None
            case OrderSuspended():
                assert self.rest is None
                assert fact.since < fact.until
                self.rest = (fact.until, self.left(fact.since, self.limits[fact.order_id]))
            case OrderResumed():
                assert self.rest is not None
                assert fact.handle_by >= self.limits[fact.order_id]
                assert (fact.resumed_at == self.rest[0]) == (fact.why == "ended")
                assert self.left(fact.resumed_at, fact.handle_by) == self.rest[1]
                self.rest, self.limits[fact.order_id] = None, fact.handle_by
            case OrderExtended():
                assert fact.old == self.limits[fact.order_id] < fact.handle_by
                assert fact.times == self.granted[fact.order_id, "extend"]
                self.limits[fact.order_id] = fact.handle_by
            case OrderIssued() | OrderReworked():
                assert self.rest is None
                assert self.waiting is None
                self.limits[fact.order_id] = fact.handle_by

    def left(self, at: datetime, handle_by: datetime) -> timedelta:
        """Give the counted time from an instant to a limit."""
        calendar = self.city.working_time("0501")
        return elapsed(counted_on(self.limit, calendar), at, handle_by)

    @invariant()
    def used_and_left_are_what_was_given(self) -> None:
        """The limit is over when exactly as much has counted as the profile and the extensions gave."""
        order = self.prompt.state().open
        if order is None or order.state == "suspended":
            return
        run, calendar = order.run, self.city.calendar(order.run.calendar)
        on = counted_on(run.limit, calendar)
        given = length(run.started_at, run.limit, calendar)
        given += sum((elapsed(on, each.old, each.new) for each in run.extensions), timedelta(0))
        assert elapsed(on, run.started_at, order.handle_by, run.pauses) == given
        assert order.handle_by == self.limits[order.id]

    @invariant()
    def what_waits_has_an_end(self) -> None:
        """A suspension and a request are over at an instant that is known, and no later than the profile says."""
        state = self.prompt.state()
        order, wake_at = state.open, self.prompt.wake_at()
        assert (order is not None and order.state == "suspended") == (self.rest is not None)
        assert (wake_at is not None) == (self.rest is not None or self.waiting is not None)
        if self.waiting is not None and order is not None:
            assert self.waiting.decide_by == wake_at
            assert wake_at is not None
            assert wake_at <= order.handle_by

    def teardown(self) -> None:
        """Wait for as long as it takes: it rests no more, and nothing waits."""
        if not hasattr(self, "prompt"):
            return
        self.outage_ends()
        for folded in (self.prompt, self.late):
            folded.clock.advance(timedelta(days=366))
        self.outage_ends()
        order = self.prompt.state().open
        assert order is None or (order.state != "suspended" and order.asked is None)


Life.TestCase.settings = settings(deadline=None, stateful_step_count=30, max_examples=80)
TestLife = Life.TestCase
