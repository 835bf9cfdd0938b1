"""What stays true when the caller is asked, the ticket is corrected and other rules are applied, in any order?"""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from services.sla.domain.clocks import HANDLE, SIGN
from shared.calendar import elapsed
from shared.deadline import length
from shared.messages import (
    AskCaller,
    CategoryRef,
    Location,
    MessageReceived,
    OrderProgressed,
    RecountClocks,
    Severity,
    TicketAmended,
    TicketEscalated,
)
from tests.unit.sla.cities import GRID, city
from tests.unit.sla.ladder import CREW, LEAK, span
from tests.unit.sla.test_machine import TICK, LateTicket, spans

if TYPE_CHECKING:
    from services.sla.domain.state import Running
    from shared.profile import Profile

RULES: Final[dict[str, Any]] = {
    "clocks.accept": "30 minutes",
    "clocks.contact": "2 urgent_hours",
    "clocks.warnings": {"handle": [0.5, 0.8, "5 minutes"], "total": ["1 urgent_hours"]},
    "clocks.pauses": {"accept": ["caller"], "contact": ["suspended", "caller"], "handle": ["suspended", "caller"]},
    "revisions.question": {"most": 20, "longest": "3 urgent_days"},
    "ladder.at_once": ["I"],
    "calendars": {"office": {"zh": "办公", "en": "office", "hours": ["08:30-12:00", "14:00-18:00"], "holidays": "CN"}},
}
MILD = city("mild", **RULES, **{"clocks.total": dict.fromkeys(("I", "II", "III", "IV"), "20 natural_days")})
STRICT = city(
    "strict",
    **RULES,
    **{
        "clocks.total": dict.fromkeys(("I", "II", "III", "IV"), "10 urgent_hours"),
        "clocks.limits": [{"clock": "handle", "severities": ["III", "IV"], "limit": "3 work_hours"}],
        "ladder.repeat": dict.fromkeys(("I", "II", "III", "IV"), "9 minutes"),
    },
)
for one, other in ((MILD, STRICT), (STRICT, MILD)):
    one.learn(other.version, other.policy.content)
NEVER = st.just(False)  # noqa: FBT003 - the clock of this machine does not jump back
BUILT = CategoryRef(code="0101", name="", condition="built")


class ChangedTicket(LateTicket):
    """A late ticket whose caller is asked, whose matter is corrected, and to which other rules are applied."""

    @initialize(profile=st.sampled_from([MILD, STRICT]), jumps=NEVER, crosses=st.booleans())
    def begin(self, profile: Profile, jumps: bool, crosses: bool) -> None:  # noqa: FBT001 - drawn by name
        """Begin under one of two versions that know each other."""
        super().begin(profile, jumps, crosses)

    @property
    def profile(self) -> Profile:
        """Give the profile that holds for the ticket."""
        return self.ticket.profile.under(self.ticket.fold.state().policy)

    @rule(
        unit=st.just(GRID),
        severity=st.sampled_from(["I", "IV"]),
        sign=spans,
        handle=spans,
        calendar=st.sampled_from(["always", "office"]),
        tier=st.sampled_from(["lead", "lead", "lead", "small", "settlement"]),
    )
    def issue(self, unit: str, severity: Any, sign: str, handle: str, calendar: str, tier: Any) -> None:
        """Issue the next order under the version that the ticket is pinned to, for a caller who can be reached."""
        before = self.ticket.issue
        pinned = self.ticket.fold.state().policy or self.ticket.profile.version
        more: dict[str, Any] = {"profile_version": pinned, "reachable": True}
        self.ticket.issue = lambda *args, **given: before(*args, **(more | given))  # type: ignore[method-assign]
        super().issue(unit, severity, sign, handle, calendar, tier)
        self.ticket.issue = before  # type: ignore[method-assign]

    @precondition(lambda self: self.orders)
    @rule(handle=spans, calendar=st.sampled_from(["always", "office"]))
    def rework(self, handle: str, calendar: str) -> None:
        """Let the last order stand again; one that was suspended went on when it was done."""
        if self.resting:
            self.resume()
        super().rework(handle, calendar)

    @precondition(lambda self: self.orders > 1)
    @rule()
    def close(self) -> None:
        """Close the ticket: nobody waits for the caller any more."""
        super().close()
        waits = self.ticket.waits
        if waits and waits[-1].end is None:
            waits[-1] = waits[-1]._replace(end=max(self.ticket.then, waits[-1].start))

    @precondition(lambda self: self.orders)
    @rule()
    def do(self) -> None:
        """Say that the last order is done."""
        self.hears(self.ticket.do(self.last))
        self.alarmed = False

    @rule(hours=st.integers(1, 72))
    def ask(self, hours: int) -> None:
        """Ask the caller something; perhaps they were asked already. Not at the instant of another message."""
        self.ticket.clock.advance(TICK)
        until = self.ticket.then + timedelta(hours=hours)
        self.hears(self.ticket.read(AskCaller(by="Zhou", question="Which house?", until=until)))

    @rule()
    def answer(self) -> None:
        """The caller answers, perhaps without having been asked; not at the instant of another message."""
        self.ticket.clock.advance(TICK)
        self.hears(
            self.ticket.read(MessageReceived(message_id="m", message_kind="answer", received_at=self.ticket.then))
        )

    @precondition(lambda self: self.orders)
    @rule()
    def contact(self) -> None:
        """The caller was spoken with."""
        self.hears(self.ticket.read(OrderProgressed(order_id=self.last, progress="contact")))

    @precondition(lambda self: self.orders and not self.ticket.fold.state().closed)
    @rule(
        category=st.sampled_from([LEAK, BUILT]),
        severity=st.sampled_from(["I", "II", "III", "IV"]),
        calendar=st.sampled_from(["always", "office"]),
    )
    def amend(self, category: CategoryRef, severity: Severity, calendar: str) -> None:
        """Correct what it is: dispatch looks the limits up, under the version that the ticket is pinned to."""
        limits = self.profile.limits(category.code, category.condition, severity)
        sign, handle = span(_words(limits.sign)), span(_words(limits.handle))
        new = not any(isinstance(fact, TicketEscalated) and fact.cause == "severity" for fact in self.said)
        said = self.ticket.read(
            TicketAmended(
                order_id=self.last,
                handler=CREW,
                category=category,
                old_category=LEAK,
                severity=severity,
                old_severity="IV",
                place=Location(unit=GRID),
                old_place=Location(unit=GRID),
                level="grid",
                unit=GRID,
                sign_limit=sign,
                handle_limit=handle,
                calendar=calendar,
                by="Zhou",
                reason="wrong at first",
            )
        )
        self._follow(self.called_at_once(severity, new=new), said)

    @precondition(lambda self: self.orders and not self.ticket.fold.state().closed)
    @rule(version=st.sampled_from([MILD.version, STRICT.version]))
    def apply(self, version: str) -> None:
        """Apply a version of the profile, perhaps the one that holds."""
        self._follow(0, self.ticket.read(RecountClocks(why="policy", policy=version, by="Chen")))

    def called_at_once(self, severity: Severity, *, new: bool) -> int:
        """Give how many steps a severity asks for."""
        return int(new and self.profile.ladder.at_once(severity))

    def _follow(self, steps: int, said: list[Any]) -> None:
        """Take over what dispatch does: the length of the handling, and its calendar."""
        self.called["severity"] += steps
        self.hears(said)
        for running in self.ticket.fold.state().clocks:
            if running.start.clock in HANDLE and not running.breached:
                run = self.ticket.handling[running.start.order_id or ""]
                run.limit = running.limit
                run.calendar = running.calendar.partition("@")[0]

    # ------------------------------------------------------------ what stays true

    @invariant()
    def what_rests_is_what_was_suspended(self) -> None:
        """What may rest does while its order is suspended or the caller is waited for; all else runs."""
        state, rests = self.ticket.fold.state(), self.profile.policy.rests
        for running in state.clocks:
            if not running.breached:
                order = self.ticket.handling.get(running.start.order_id or "")
                suspended = order is not None and order.resting and rests(running.cause, "suspended")
                asked = state.asked is not None and rests(running.cause, "caller")
                assert running.resting == (suspended or asked), running

    @invariant()
    def the_time_is_what_was_agreed(self) -> None:
        """From its start to its limit, less its pauses, each has its time; nothing was ever set back."""
        for running in self.ticket.fold.state().clocks:
            if running.breached or running.resting:
                continue
            if running.start.clock == "handle":
                run = self.ticket.handling[running.start.order_id or ""]
                assert abs(running.due_at - run.by(self.profile)) < timedelta(milliseconds=2)
            elif running.start.clock not in SIGN and not running.extensions:
                self._whole(running)

    def _whole(self, running: Running) -> None:
        calendar = self.profile.calendar(running.calendar.partition("@")[0])
        counted = elapsed(calendar, running.start.started_at, running.due_at, running.pauses)
        assert counted == length(running.start.started_at, running.limit, calendar)

    @invariant()
    def it_was_asked_about_once_at_a_time(self) -> None:
        """Every wait ends before the next begins."""
        waits = self.ticket.waits
        assert all(wait.end is not None for wait in waits[:-1])
        assert all(a.end <= b.start for a, b in pairwise(waits) if a.end is not None)


def _words(limit: Any) -> str:
    return f"{limit.amount} {limit.unit}"


ChangedTicket.TestCase.settings = settings(
    max_examples=100, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_is_changed = ChangedTicket.TestCase
del LateTicket
