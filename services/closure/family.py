"""How do tickets belong together? By commands from one to the other, each answered; none ever reads another's state.

A ticket that is merged (并单) is closed and told what becomes of the one that stands for it. A ticket that is attached
waits, without an order of its own, and is closed with its parent. Both ask first: `FamilyAsked` and `AdoptTicket` to
the other, `TicketAdopted` and `AnswerAdoption` back. Who waits for an answer takes nobody in, except that of two
tickets that ask each other the one with the lesser id does; so two merges at the same moment leave one ticket open,
and no ring can come about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from services.closure import domain
from services.closure.domain import CALLER, ClosureState, closing, named, reopening, worded
from services.closure.kin import ALONE, Ask, Family, after
from shared.decider import Effect, Message
from shared.errors import Refused
from shared.ids import is_ticket_id
from shared.messages import (
    AdoptTicket,
    AnswerAdoption,
    AttachTicket,
    Command,
    DetachTicket,
    DuplicateSuspected,
    Fact,
    FamilyAsked,
    FamilyHeard,
    FamilyPassedOn,
    FamilyRefused,
    FamilyTold,
    FollowTicket,
    HearTicket,
    LetGo,
    LinkTicket,
    MergeTicket,
    MessageReceived,
    OrderDone,
    ProjectSuggested,
    RelateTicket,
    ReopenTicket,
    ReworkOrdered,
    SuggestProject,
    SuspectDuplicate,
    TicketAdopted,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketMerged,
    TicketRelated,
    TicketReleased,
    TicketReopened,
    TicketUnmerged,
    UnmergeTicket,
    Words,
)
from shared.topics import TICKETS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.decider import Turn
    from shared.messages import Body, News, Relation
    from shared.profile import Profile

MOST: Final = 1000
"""Tickets for which one may stand, and to which one may be related."""
MERGED_WORDS: Final = "与另一件相同诉求一并办理，结果另行告知。Handled together with another report of the same matter."
FOLLOWED_WORDS: Final = "随专项工单一并重办。Reopened with the ticket of which it is a part."
HEARD_WORDS: Final = "并单诉求人表示未解决（{child}）。Not solved, says the caller of a merged ticket ({child})."
GRIDCALL: Final = "gridcall"


def evolve(state: ClosureState, message: Message) -> ClosureState:
    """Give the state after a message, the family included."""
    state = domain.evolve(state, message)
    family = after(state.family, message.data)
    return state if family is state.family else state.model_copy(update={"family": family})


def decide(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message; a ticket without a family is decided on as ever."""
    rule = RULES.get(type(message.data))
    if rule is not None:
        named(message.data)
        return rule(state, message, now, profile.under(state.policy))
    family = state.family
    if family is None:
        return domain.decide(state, message, now, profile)
    if family.merged:
        return _of_merged(state, family, message, now, profile)
    said = message.data.message_kind if isinstance(message.data, MessageReceived) else ""
    if said == "withdrawal" and family.of("duplicate"):
        return []  # others asked for the same: it goes on for them
    if said == "urge" and family.attached:
        return [FamilyPassedOn(main=family.main, message_kind="urge")]
    facts = domain.decide(state, message, now, profile)
    return _parted(family, facts) if family.attached else facts


def _of_merged(state: ClosureState, family: Family, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Pass on what the caller says to the one that stands for it; only unmerging opens it again."""
    data = message.data
    if isinstance(data, ReopenTicket):
        raise Refused(
            "merged",
            f"It was merged into {family.main}: unmerge it, or reopen that one.",
            f"该工单已并入{family.main}：请先拆单，或重办该工单。",
        )
    if isinstance(data, MessageReceived) and data.message_kind in {"not-solved", "urge"}:
        return [FamilyPassedOn.model_validate({"main": family.main, "message_kind": data.message_kind})]
    return domain.decide(state, message, now, profile)


def _parted(family: Family, facts: list[Fact]) -> list[Fact]:
    """Part from the parent with whatever ends a child by itself, or begins it again alone."""
    for place, fact in enumerate(facts):
        if isinstance(fact, TicketClosed):
            return [*facts, TicketDetached(parent=family.main, why="closed", by=fact.by)]
        if isinstance(fact, TicketReopened):
            detached = TicketDetached(parent=family.main, why="reopened", by=fact.by, reason=fact.reason)
            return [*facts[:place], detached, *facts[place:]]
    return facts


# ---------------------------------------------------------------- asking


def merge(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Ask another ticket to stand for this one, as the same matter."""
    command: MergeTicket = message.data
    reason = worded(command.reason, "reason", "Say why it is the same matter.", "请写明并单理由。")
    return [_ask(state, message.ticket, command.into, "duplicate", command.by, reason)]


def attach(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Ask another ticket to stand for this one, as a part of it."""
    command: AttachTicket = message.data
    reason = worded(command.reason, "reason", "Say why it belongs there.", "请写明挂接理由。")
    return [_ask(state, message.ticket, command.parent, "child", command.by, reason)]


def _ask(state: ClosureState, ticket: str, into: str, relation: Relation, by: str, reason: str) -> FamilyAsked:
    family = state.family or ALONE
    _another(ticket, into)
    _free(family)
    if family.asked is not None:
        raise _asking(family.asked)
    if problem := _unfit(state, family, relation):
        raise problem
    return FamilyAsked(into=into, relation=relation, by=by, reason=reason, nth=family.asks + 1)


def _another(ticket: str, other: str) -> None:
    if other == ticket:
        raise Refused("itself", "That is the ticket itself: name another one.", "不能指向工单自身：请填写另一编号。")
    if not is_ticket_id(other):
        raise Refused(
            "no-such-ticket", "There is no ticket of this id: look it up at the desk.", "没有该编号的工单，请核对。"
        )


def _free(family: Family) -> None:
    if family.merged:
        raise Refused(
            "merged", f"It was merged into {family.main}: unmerge it first.", f"已并入{family.main}：请先拆单。"
        )
    if family.attached:
        raise Refused(
            "attached",
            f"It is attached to {family.main}: detach it first.",
            f"已挂接至{family.main}：请先解除挂接。",
        )


def _asking(ask: Ask) -> Refused:
    return Refused(
        "asking",
        f"It is just being taken in by {ask.into}: name that one, or try again in a moment.",
        f"正在并入或挂接至{ask.into}：请改为指向该工单，或稍后再试。",
    )


def _unfit(state: ClosureState, family: Family, relation: Relation) -> Refused | None:
    """Tell why a ticket as it is can neither be merged nor be attached; None when it can."""
    if state.phase == "closed":
        return Refused("closed", "It is closed: reopen it first.", "工单已结案：请先重办。")
    mine = family.children if relation == "duplicate" else family.of("child")
    if mine:
        return Refused(
            "has-children",
            f"It stands for {len(mine)} tickets itself: do it the other way round, or let them go first.",
            f"已有{len(mine)}件工单并入或挂接至本单：请反向操作，或先行解除。",
        )
    if relation == "child" and state.phase != "open":
        zh, en = domain.PHASE_WORDS[state.phase]
        return Refused("work-done", f"Its work is done: the ticket is {en}.", f"已办结，工单{zh}，不能挂接。")
    return None


def answered(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Be merged or attached now that the other ticket agrees, unless that no longer fits; or be told why not."""
    answer: AnswerAdoption = message.data
    family = state.family or ALONE
    ask = family.asked
    if ask is None or ask.into != answer.main or family.asks != answer.nth:
        return []  # answered before
    if answer.reason:
        detail = answer.detail or Words(zh=answer.reason, en=answer.reason)
        return [FamilyRefused(into=ask.into, relation=ask.relation, reason=answer.reason, detail=detail)]
    if problem := _unfit(state, family, ask.relation):
        detail = Words(zh=problem.detail_zh, en=problem.detail)
        return [FamilyRefused(into=ask.into, relation=ask.relation, reason=problem.reason, detail=detail)]
    if ask.relation == "child":
        return [TicketAttached(parent=ask.into, by=ask.by, reason=ask.reason)]
    merged = TicketMerged(into=ask.into, by=ask.by, reason=ask.reason)
    return [merged, closing(state, "merged", MERGED_WORDS, now, profile, ask.by)]


# ---------------------------------------------------------------- taking in, letting go


def adopt(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Stand for another ticket; raises Refused with what to do instead."""
    command: AdoptTicket = message.data
    family, child = state.family or ALONE, command.child
    _another(message.ticket, child)
    if family.has(child, command.relation):
        return []
    if family.main == child:
        raise Refused("ring", f"It belongs to {child} itself.", f"本单已并入或挂接至{child}。")
    if family.merged:
        raise Refused(
            "merged",
            f"It was itself merged into {family.main}: name that one.",
            f"该工单已并入{family.main}：请改为指向该工单。",
        )
    if state.phase == "closed":
        raise _over(state, now, profile)
    if family.asked is not None and not (family.asked.into == child and message.ticket < child):
        raise _asking(family.asked)
    if command.relation == "child" and family.attached:
        raise Refused(
            "attached",
            f"It is itself a part of {family.main}: attach to that one.",
            f"该工单已挂接至{family.main}：请改为挂接至该工单。",
        )
    if len(family.children) >= MOST:
        raise Refused(
            "too-many", f"It stands for {MOST} tickets, and that is the most.", f"最多并入或挂接{MOST}件工单。"
        )
    return [TicketAdopted(child=child, relation=command.relation, by=command.by, reason=command.reason)]


def _over(state: ClosureState, now: datetime, profile: Profile) -> Refused:
    until = state.reopen_until
    if until is not None and now > until:
        local = f"{until.astimezone(ZoneInfo(profile.zone)):%Y-%m-%d %H:%M}"
        return Refused(
            "closed-for-good",
            f"It is closed, and could be reopened until {local}: handle yours by itself.",
            f"该工单已结案，重办期限已于{local}截止：请单独办理。",
        )
    return Refused("closed", "It is closed: reopen it first.", "该工单已结案：请先重办。")


def let_go(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Stand for a ticket no longer."""
    command: LetGo = message.data
    child = next((each for each in (state.family or ALONE).children if each.id == command.child), None)
    if child is None:
        return []
    return [TicketReleased(child=child.id, relation=child.relation, why=command.why, by=command.by)]


def unmerge(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Open a merged ticket again: it was another matter after all."""
    command: UnmergeTicket = message.data
    family = state.family or ALONE
    if not family.merged:
        raise Refused("not-merged", "It is not merged into another ticket.", "该工单未并入其他工单。")
    reason = worded(command.reason, "reason", "Say why it is another matter.", "请写明拆单理由。")
    return [
        TicketUnmerged(main=family.main, by=command.by, reason=reason),
        reopening(state, reason, command.by),
    ]


def detach(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Let a part go its own way again."""
    command: DetachTicket = message.data
    family = state.family or ALONE
    if not family.attached:
        raise Refused("not-attached", "It is not attached to another ticket.", "该工单未挂接至其他工单。")
    if state.phase == "closed":
        raise Refused("closed", "It is closed: reopen it, and it goes its own way.", "工单已结案：重办后即自行办理。")
    reason = worded(command.reason, "reason", "Say why it goes its own way.", "请写明解除挂接的理由。")
    return [TicketDetached(parent=family.main, why="detached", by=command.by, reason=reason)]


def relate(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Note that two tickets have to do with each other, on both."""
    command: RelateTicket = message.data
    family = state.family or ALONE
    _another(message.ticket, command.other)
    reason = worded(command.reason, "reason", "Say what they have to do with each other.", "请写明关联理由。")
    if command.other in family.related:
        raise Refused("related", "That is on record already.", "已关联，无需重复。")
    if len(family.related) >= MOST:
        raise Refused("too-many", f"It is related to {MOST} tickets, and that is the most.", f"最多关联{MOST}件工单。")
    return [TicketRelated(other=command.other, by=command.by, reason=reason)]


def link(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Note what was noted on the other ticket."""
    command: LinkTicket = message.data
    family = state.family or ALONE
    if command.other in family.related or len(family.related) >= MOST:
        return []
    return [TicketRelated(other=command.other, by=command.by, reason=command.reason)]


# ---------------------------------------------------------------- telling each other


def follow(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Take note of what became of the one that stands for it; a part is closed, reopened or released with it."""
    command: FollowTicket = message.data
    family = state.family or ALONE
    if family.main != command.main or family.relation is None:
        return []
    told = FamilyTold(relation=family.relation, **command.model_dump(exclude={"by"}))
    if family.merged:
        return [told]
    if command.news == "withdrawn":
        return [TicketDetached(parent=family.main, why="withdrawn", by=command.by)] if state.phase != "closed" else []
    if command.news == "closed" and state.phase != "closed" and command.outcome is not None:
        return [told, closing(state, command.outcome, command.result, now, profile, command.by)]
    if command.news == "reopened" and state.phase == "closed":  # with its parent: else it had left it
        return [told, reopening(state, FOLLOWED_WORDS, command.by)]
    return []


def hear(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Listen to the caller of a merged ticket as to one's own; what they wrote stays with their ticket."""
    command: HearTicket = message.data
    family = state.family or ALONE
    if not family.has(command.child):
        return []
    heard = FamilyHeard(child=command.child, message_kind=command.message_kind, received_at=command.received_at)
    if command.message_kind != "not-solved" or not family.has(command.child, "duplicate"):
        return [heard]
    said = MessageReceived(
        message_id=message.envelope.id,
        message_kind="not-solved",
        text=HEARD_WORDS.format(child=command.child),
        received_at=command.received_at,
    )
    return [heard, *domain.decide(state, message._replace(data=said), now, profile)]


# ---------------------------------------------------------------- what gridcall has found


def suspect(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Note for a person that it looks like another ticket's matter, unless that is settled already."""
    command: SuspectDuplicate = message.data
    family = state.family or ALONE
    if state.phase == "closed" or family.main or command.of in (*family.suspected, message.ticket):
        return []
    return [DuplicateSuspected(of=command.of, score=command.score, metres=command.metres)]


def suggest(state: ClosureState, message: Message, _now: datetime, _profile: Profile) -> list[Fact]:
    """Note for a person that the matter comes back at one place."""
    command: SuggestProject = message.data
    if (state.family or ALONE).suggested >= command.times:
        return []
    return [ProjectSuggested.model_validate(command.model_dump(exclude={"by"}))]


RULES: Final[dict[type[Body], Callable[[ClosureState, Message, datetime, Profile], list[Fact]]]] = {
    MergeTicket: merge,
    AttachTicket: attach,
    UnmergeTicket: unmerge,
    DetachTicket: detach,
    RelateTicket: relate,
    AdoptTicket: adopt,
    AnswerAdoption: answered,
    LetGo: let_go,
    LinkTicket: link,
    FollowTicket: follow,
    HearTicket: hear,
    SuspectDuplicate: suspect,
    SuggestProject: suggest,
}
"""What people, other tickets and gridcall itself ask of a ticket as one of a family; all of them are commands."""


# ---------------------------------------------------------------- what goes to other tickets


def effects(state: ClosureState, turn: Turn) -> list[Effect]:
    """Give the commands to other tickets that follow from a turn; of most tickets none."""
    asked = turn.message.data
    if turn.repeated or (state.family is None and not isinstance(asked, AdoptTicket)):
        return []
    ticket = turn.message.ticket
    if isinstance(asked, AdoptTicket):
        return [_to(asked.child, _answer(ticket, asked, turn))]
    facts = [fact.data for fact in turn.facts]
    sent = [each for fact in facts for each in _said(ticket, asked, fact)]
    return [*sent, *_news(state, ticket, asked, facts)]


def _answer(ticket: str, asked: AdoptTicket, turn: Turn) -> AnswerAdoption:
    if turn.refused is None:
        return AnswerAdoption(main=ticket, nth=asked.nth, by=asked.by)
    words = Words(zh=turn.refused.detail_zh, en=turn.refused.detail)
    return AnswerAdoption(main=ticket, nth=asked.nth, by=asked.by, reason=turn.refused.reason, detail=words)


def _said(ticket: str, asked: Body, fact: Fact) -> list[Effect]:
    """Give what another ticket must be told of a fact."""
    match fact:
        case FamilyAsked():
            adopt = AdoptTicket(child=ticket, relation=fact.relation, by=fact.by, reason=fact.reason, nth=fact.nth)
            return [_to(fact.into, adopt)]
        case FamilyRefused() if isinstance(asked, AnswerAdoption) and not asked.reason:
            return [_to(fact.into, LetGo(child=ticket, why="refused", by=asked.by))]
        case TicketUnmerged():
            return [_to(fact.main, LetGo(child=ticket, why="unmerged", by=fact.by))]
        case TicketDetached():
            return [_to(fact.parent, LetGo(child=ticket, why=fact.why, by=fact.by or GRIDCALL))]
        case TicketRelated() if isinstance(asked, RelateTicket):
            return [_to(fact.other, LinkTicket(other=ticket, by=fact.by, reason=fact.reason))]
        case FamilyPassedOn() if isinstance(asked, MessageReceived):
            heard = HearTicket(child=ticket, message_kind=fact.message_kind, received_at=asked.received_at, by=CALLER)
            return [_to(fact.main, heard)]
        case _:
            return []


def _news(state: ClosureState, ticket: str, asked: Body, facts: list[Fact]) -> list[Effect]:
    """Tell every ticket for which this one stands what has become of it."""
    family = state.family or ALONE
    if not family.children:
        return []
    told: list[tuple[News, FollowTicket]] = []
    if isinstance(asked, OrderDone) and asked.role == "lead" and facts:
        told.append(_newly(ticket, "resolved", result=asked.result.strip() or domain.DONE_WORDS))
    for fact in facts:
        if isinstance(fact, ReworkOrdered):
            told.append(_newly(ticket, "rework"))
        elif isinstance(fact, TicketClosed):
            closed = {"outcome": fact.outcome, "result": fact.result, "reopen_until": fact.reopen_until}
            told.append(_newly(ticket, "closed", by=fact.by, **closed))
        elif isinstance(fact, TicketReopened):
            told.append(_newly(ticket, "reopened", by=fact.by))
    return [
        _to(child.id, body if child.relation == "duplicate" else _for_parts(body))
        for news, body in told
        for child in family.children
        if child.relation == "duplicate" or news in {"closed", "reopened"}
    ]


def _newly(ticket: str, news: News, by: str = GRIDCALL, **more: Any) -> tuple[News, FollowTicket]:
    who = GRIDCALL if by == CALLER else by
    return news, FollowTicket(main=ticket, news=news, by=who, **more)


def _for_parts(body: FollowTicket) -> FollowTicket:
    """A part whose parent was withdrawn was asked for by somebody else: it goes its own way."""
    return body.model_copy(update={"news": "withdrawn"}) if body.outcome == "withdrawn" else body


def _to(ticket: str, command: Command) -> Effect:
    return Effect(TICKETS, command, key=ticket)
