"""What stays true of a ticket that goes through stages, whatever anybody does in whatever order?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from shared import messages as m
from tests.support.fold import envelope_of
from tests.unit.loop.city import GRID
from tests.unit.loop.staged import STAGED
from tests.unit.loop.test_machine import WholeLife, which, words
from tests.unit.loop.world import World

if TYPE_CHECKING:
    from shared.profile import Profile


class StagedLife(WholeLife):
    """A project or a mediation from its report to its end, with everything that may happen to any ticket."""

    @initialize(category=st.sampled_from(["0101", "0201", "0201"]), callback=st.booleans())
    def begin(self, category: str, callback: bool, profile: Profile = STAGED) -> None:  # noqa: FBT001
        """Somebody reports what goes through stages."""
        self.world = World(profile)
        self.world.report(
            category=category,
            condition="building" if category == "0101" else None,
            attributes={"crowd": True},
            caller=m.CallerRef(ref="c-1", callback=callback, masked_phone="138****0000"),
            place=m.Place(grid=GRID),
        )

    @precondition(lambda self: self.world.dispatch.open is not None)
    @rule(
        yes=st.sampled_from([0, 13, 24, 25, 37, 40]),
        no=st.sampled_from([0, 5, 12]),
        abstain=st.sampled_from([0, 12]),
        electorate=st.sampled_from([None, None, 37, 40]),
        nth=which,
    )
    def vote(self, yes: int, no: int, abstain: int, electorate: int | None, nth: int) -> None:
        """Count votes."""
        order = self.order(nth, "signed", roles=("lead",))[0]
        self.do(m.RecordVote(order_id=order, yes=yes, no=no, abstain=abstain, electorate=electorate, by="计票人"))

    @rule(reason=words, nth=which)
    def fail(self, reason: str, nth: int) -> None:
        """Say that a stage has come to nothing."""
        self.do(m.FailStage(order_id=self.order(nth, "signed", roles=("lead",))[0], reason=reason, by="李"))

    @precondition(lambda self: self.world.dispatch.open is not None)
    @rule(stages=st.integers(1, 5), at_last=st.sampled_from(["done", "done", "lost", "failed"]))
    def finish_stages(self, stages: int, at_last: str) -> None:
        """Whoever has a stage does all that it takes: signs, waits, has it voted on, and is done; or the last fails."""
        for nth in range(1, stages + 1):
            order, course = self.world.dispatch.open, self.world.dispatch.course
            if order is None:
                return
            if order.state == "issued" and order.tier != "settlement":
                self.do(m.SignOrder(order_id=order.id, by="李"))
            if nth == stages and at_last == "lost":
                self.do(m.RecordVote(order_id=order.id, yes=1, no=36, electorate=37, by="计票人"))
                return
            if nth == stages and at_last == "failed":
                self.do(m.FailStage(order_id=order.id, reason="有异议", by="李"))
                return
            if course is not None and course.not_before is not None and course.not_before > self.world.now:
                self.world.live(course.not_before - self.world.now)
                self.behind = False
            self.do(m.RecordVote(order_id=order.id, yes=30, electorate=37, by="计票人"))
            self.do(m.CompleteOrder(order_id=order.id, result="完成", amount=36000, by="李"))

    def said(self) -> list[m.Body]:
        """Give what stands on the log, each record once."""
        records = {envelope_of(out).id: body for out, body in zip(self.world.log, self.world.bodies, strict=True)}
        return list(records.values())

    @invariant()
    def stages_go_on_or_back_where_the_profile_says(self) -> None:
        """One after the other; back only to the stage that the profile names, and as often as it says."""
        triaged, at, failed = None, 0, dict[str, int]()
        for body in self.said():
            if isinstance(body, m.TicketTriaged):
                before = () if triaged is None else tuple(each.id for each in triaged.stages)
                triaged = body
                at = at if before == tuple(each.id for each in body.stages) else 0
            if isinstance(body, m.OrderIssued) and body.stage is not None:
                assert body.stage.number == max(at, 1)
                assert triaged is not None
                assert body.stage.of == len(triaged.stages)
                at = body.stage.number
            if isinstance(body, m.StageCompleted) and triaged is not None:
                assert (body.stage.number, body.stage.of) == (at, len(triaged.stages))
                at += 1
                assert at <= len(triaged.stages)
            if isinstance(body, m.StageFailed) and triaged is not None:
                rule_ = triaged.stages[body.stage.number - 1].fails
                assert rule_ is not None
                failed[body.stage.id] = failed.get(body.stage.id, 0) + 1
                if body.back_to is not None:
                    assert triaged.stages[body.back_to - 1].id == rule_.back
                    assert body.back_to <= at
                    at = body.back_to

    @invariant()
    def what_is_done_has_gone_through_all(self) -> None:
        """The word that the lead's work is done comes with the last stage, once its vote was passed."""
        for body in self.said():
            if isinstance(body, m.OrderDone) and body.role == body.tier == "lead" and body.stage is not None:
                assert body.stage.number == body.stage.of
                assert body.stage.vote != "needed"
            if isinstance(body, m.StageCompleted):
                assert body.stage.vote != "needed"
                assert body.stage.not_before is None or body.stage.not_before <= body.done_at

    @invariant()
    def nobody_has_an_order_of_another_stage(self) -> None:
        """The lead's open order is for the stage at hand."""
        state, view = self.world.dispatch, self.world.view
        if state.open is not None and state.open.tier == "lead" and state.stage is not None:
            assert view.stage is not None
            assert state.course is not None
            assert (view.stage.at.number, view.stage.over) == (state.course.number, False)


StagedLife.TestCase.settings = settings(
    max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_to_a_ticket_with_stages = StagedLife.TestCase
