"""When is a stage of a ticket over, was its vote passed, and where does it go on when it has failed?

Stages are a plain list: the next one, or back to one that the profile names, never anything else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from services.dispatch.domain.edges import allowed
from services.dispatch.domain.orders import lead, leading, ref, withdraw
from services.dispatch.domain.revisions import ending
from services.dispatch.domain.state import Course, after
from shared.errors import Refused
from shared.messages import Fact, StageCompleted, StageFailed, VoteCounted
from shared.share import needed

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order
    from shared.decider import Message
    from shared.messages import Ballot, CompleteOrder, FailStage, RecordVote, Stage, TicketTriaged
    from shared.profile import Profile

# ---------------------------------------------------------------- completing


def ripe(state: DispatchState, stage: Stage, done: CompleteOrder, now: datetime, profile: Profile) -> None:
    """Refuse to end a stage that is still public, not voted on, or of which the sum is not said."""
    course = state.course or Course()
    if course.not_before is not None and now < course.not_before:
        until = profile.local(course.not_before)
        raise Refused(
            "public-until",
            f"It is public until {until}, and not over before: say then that it is done.",
            f"公示至{until}，期满方可办结本步骤。",
        )
    if stage.vote is not None and not course.passed:
        raise Refused(
            "no-vote",
            f"Nobody has passed the stage {stage.name.en!r} yet: record the vote first (record-vote).",
            f"“{stage.name.zh}”尚未表决通过：请先登记计票结果（record-vote）。",
        )
    if stage.money is not None and done.amount is None:
        zh, en = ("预算", "is planned") if stage.money == "budget" else ("决算", "it has cost")
        raise Refused("no-amount", f"Say what {en}: `amount` is empty.", f"请填写{zh}金额（amount）。")


def is_last(state: DispatchState, triaged: TicketTriaged) -> bool:
    """Tell whether no stage follows; of a ticket without any it is so at once."""
    return (state.course or Course()).number >= len(triaged.stages)


def completed(
    state: DispatchState, message: Message, order: Order, stage: Stage, now: datetime, profile: Profile
) -> list[Fact]:
    """Record that a stage is over, and give the order of the next one."""
    command: CompleteOrder = message.data
    triaged = _triaged(state)
    course = state.course or Course()
    over = StageCompleted(
        order_id=order.id,
        handler=order.handler,
        stage=ref(state, triaged, stage),
        result=command.result,
        detail=command.detail,
        evidence=command.evidence,
        lon=command.lon,
        lat=command.lat,
        amount=command.amount if stage.money is not None else None,
        budget=course.budget if stage.money == "actual" else None,
        by=command.by,
        done_at=now,
    )
    return _goes_on(state, message.ticket, order, over, now, profile)


def _goes_on(
    state: DispatchState,
    ticket: str,
    order: Order,
    over: StageCompleted | StageFailed,
    now: datetime,
    profile: Profile,
) -> list[Fact]:
    """End an order with its stage, and give that of the stage at which it goes on."""
    facts: list[Fact] = [*ending(order, now, profile)]
    for each in state.successors:
        facts += withdraw(each, "lead-done", now, profile)
    facts.append(over)
    if isinstance(over, StageFailed) and over.back_to is None:
        return facts
    for fact in facts:
        state = after(state, fact, now)
    triaged = _triaged(state)
    return [*facts, *lead(state, ticket, triaged, leading(state, triaged), now, profile)]


# ---------------------------------------------------------------- voting


def record_vote(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Count a vote; one that is not passed goes where the profile says, one without a quorum is held again."""
    command: RecordVote = message.data
    order, stage = _at_hand(state, command)
    triaged = _triaged(state)
    ballot = stage.vote
    if ballot is None:
        raise Refused("not-voted-on", "The stage is not voted on.", "本步骤无需表决。")
    if (state.course or Course()).passed:
        raise Refused(
            "already-passed", "The vote was passed already: say that the stage is done.", "表决已通过：请办结本步骤。"
        )
    electorate = _electorate(ballot, command)
    counted = _counted(ballot, command, electorate)
    least, quorum = counted
    took_part = command.yes + command.no + command.abstain
    result: Literal["passed", "not-passed", "no-quorum"] = "passed" if command.yes >= least else "not-passed"
    if quorum is not None and took_part < quorum:
        result = "no-quorum"
    fact = VoteCounted(
        order_id=order.id,
        handler=order.handler,
        stage=ref(state, triaged, stage),
        yes=command.yes,
        no=command.no,
        abstain=command.abstain,
        electorate=electorate,
        threshold=ballot.threshold,
        of=ballot.of,
        needed=least,
        quorum=quorum,
        result=result,
        by=command.by,
        note=command.note,
        at=now,
    )
    if result != "not-passed":
        return [fact]
    total = electorate if ballot.of == "members" else took_part
    reason = f"{total}票须{least}票赞成，实得{command.yes}票，未通过。{least} of {total} needed, {command.yes} yes."
    ahead = after(state, fact, now)
    return [fact, *_failed(ahead, message.ticket, order, stage, reason, command.by, now, profile)]


def _electorate(ballot: Ballot, command: RecordVote) -> int:
    """Give how many may vote; refuses a count that says another number than the profile, or more votes than people."""
    if ballot.electorate is not None and command.electorate not in {None, ballot.electorate}:
        raise Refused(
            "other-electorate",
            f"{ballot.electorate} may vote here, as the profile says: leave out `electorate`.",
            f"本步骤应表决人数为{ballot.electorate}：请勿另填（electorate）。",
        )
    electorate = ballot.electorate or command.electorate
    if electorate is None:
        raise Refused(
            "no-electorate", "Say how many may vote: `electorate` is empty.", "请填写应表决人数（electorate）。"
        )
    took_part = command.yes + command.no + command.abstain
    if took_part > electorate:
        raise Refused(
            "too-many-votes",
            f"{took_part} votes of {electorate} who may vote: count again.",
            f"共{took_part}票，多于应表决的{electorate}人：请重新计票。",
        )
    if took_part == 0:
        raise Refused("no-votes", "There is no vote: count again.", "没有选票：请重新计票。")
    return electorate


def _counted(ballot: Ballot, command: RecordVote, electorate: int) -> tuple[int, int | None]:
    """Give how many yes votes it takes, and how many had to take part."""
    total = electorate if ballot.of == "members" else command.yes + command.no + command.abstain
    quorum = None if ballot.quorum is None else needed(ballot.quorum, electorate)
    return needed(ballot.threshold, total), quorum


# ---------------------------------------------------------------- failing


def fail(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Say that a stage has come to nothing, where the profile says what follows."""
    command: FailStage = message.data
    order, stage = _at_hand(state, command)
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明未通过的原因（reason）。")
    if stage.fails is None:
        raise Refused(
            "cannot-fail",
            "The profile does not say what follows when this stage fails: finish it, or have the ticket closed.",
            "配置未规定本步骤未通过时如何处理：请办结本步骤，或由值班长结案。",
        )
    return _failed(state, message.ticket, order, stage, command.reason.strip(), command.by, now, profile)


def _failed(
    state: DispatchState,
    ticket: str,
    order: Order,
    stage: Stage,
    reason: str,
    by: str,
    now: datetime,
    profile: Profile,
) -> list[Fact]:
    """Go back as often as the profile says; after that the ticket is to be closed."""
    rule, triaged = stage.fails, _triaged(state)
    if rule is None:
        problem = f"stage {stage.id} fails and says nothing of what follows"
        raise LookupError(problem)
    times = (state.course or Course()).failed.get(stage.id, 0) + 1
    ids = [each.id for each in triaged.stages]
    back = ids.index(rule.back) + 1 if rule.back in ids and times <= rule.times else None
    over = StageFailed(
        order_id=order.id,
        handler=order.handler,
        stage=ref(state, triaged, stage),
        reason=reason,
        times=times,
        back_to=back,
        outcome=rule.outcome if back is None else None,
        to=rule.to if back is None else "",
        sentence=rule.sentence if back is None else None,
        by=by,
        at=now,
    )
    return _goes_on(state, ticket, order, over, now, profile)


# ---------------------------------------------------------------- refusals


def _at_hand(state: DispatchState, command: RecordVote | FailStage) -> tuple[Order, Stage]:
    """Give the order of the stage at hand, which is handled now."""
    order, stage = allowed(state, command, "done")[0], state.stage
    if stage is None or order.role != "lead" or order.tier != "lead":
        raise Refused("no-stage", "This order is not for a stage of the ticket.", "该派单不属于工单的任何步骤。")
    return order, stage


def _triaged(state: DispatchState) -> TicketTriaged:
    triaged = state.triaged
    assert triaged is not None  # noqa: S101 - it has an order
    return triaged
