"""How far is it, for the person who asked? A few public words per ticket, and the receipts that follow from the log."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from services.intake.domain.masking import masked
from services.intake.domain.public import Public, without_rooms
from shared.decider import State
from shared.messages import (
    AdjudicationAsked,
    CallBackAsked,
    CalledBack,
    ClocksRecalculated,
    FamilyTold,
    Handler,
    InformationRequested,
    InformationWaitEnded,
    MessageReceived,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    ReportClosed,
    ReportDiverted,
    ReportMerged,
    ReportProgressed,
    ReportResolved,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketDiverted,
    TicketMerged,
    TicketReopened,
    TicketReported,
    TicketSettled,
    TicketUnmerged,
    TriageNeeded,
    Words,
)
from shared.messages.parts import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shared.decider import Message
    from shared.messages import Fact, Receipt, StageRef
    from shared.profile import Profile

KEPT = 60
"""Most entries of a timeline; of a longer one the latest."""

Where = Literal[
    "received",
    "triage",
    "ordered",
    "handling",
    "suspended",
    "reassigning",
    "done",
    "rework",
    "call-back",
    "closed",
    "diverted",
    "reopened",
    "merged",
    "attached",
]

HANDLED: frozenset[Where] = frozenset({"ordered", "handling", "rework"})
"""Where there is a date by which it will be done."""
OVER: frozenset[Where] = frozenset({"closed", "diverted"})
"""Where nothing more is done about it here."""
STATES: dict[Where, Words] = {
    "received": Words(zh="已受理,正在核对", en="Taken, being looked at"),
    "triage": Words(zh="人工预审中", en="Somebody decides whose matter it is"),
    "ordered": Words(zh="已派单,待签收", en="Sent to those who handle it, not yet signed for"),
    "handling": Words(zh="已签收,处置中", en="Signed for, being handled"),
    "suspended": Words(zh="已挂账,暂缓办理", en="Rests for a time, then it goes on"),
    "reassigning": Words(zh="正在重新派单", en="Being given to somebody else"),
    "done": Words(zh="已办结,待核实", en="Done, being checked"),
    "rework": Words(zh="返工中", en="Not good enough, being done again"),
    "call-back": Words(zh="待回访", en="Done, you will be asked whether it is"),
    "closed": Words(zh="已结案", en="Closed"),
    "diverted": Words(zh="已转办", en="Passed to those whom it concerns"),
    "reopened": Words(zh="已重新办理", en="Opened again"),
    "merged": Words(zh="与相同诉求一并办理中", en="Handled together with others who asked for the same"),
    "attached": Words(zh="纳入专项一并办理中", en="Handled as a part of a larger matter"),
}
"""What a state is called to the person who asked."""

SENTENCES: dict[str, Words] = {
    "reported": Words(zh="您的诉求已受理。", en="Your report was taken."),
    "triage": Words(zh="正在人工预审。", en="Somebody is looking whose matter it is."),
    "ordered": Words(zh="已派单至{who}。", en="It was sent to {who}."),
    "stage": Words(zh="进入第{text}步,由{who}办理。", en="It has come to step {text}, with {who}."),
    "signed": Words(zh="{who}已签收。", en="{who} signed for it."),
    "extended": Words(zh="{who}延期已获批准,办理期限延至{text}。", en="{who} was given more time, until {text}."),
    "suspended": Words(
        zh="{who}暂缓办理(挂账),最迟{text}恢复。", en="{who} lets it rest; it goes on at {text} at the latest."
    ),
    "resumed": Words(
        zh="{who}恢复办理,办理期限为{text}。", en="{who} goes on with it; the time that is left ends at {text}."
    ),
    "asked": Words(zh="请您补充:{text}", en="You were asked: {text}"),
    "answered": Words(zh="您已补充,继续办理。", en="You have answered, and it goes on."),
    "unanswered": Words(
        zh="未在期限内收到您的补充,继续办理。", en="No answer of yours came in time; it goes on without one."
    ),
    "returned": Words(zh="{who}退单,正在重新派单。", en="{who} returned it; it is being given to somebody else."),
    "adjudicating": Words(zh="正在裁定承办单位。", en="A duty officer decides who handles it."),
    "done": Words(zh="{who}已办结:{text}", en="{who} says that it is done: {text}"),
    "rework": Words(zh="核实未通过,{who}返工。", en="It was not good enough: {who} does it again."),
    "call-back": Words(zh="将对您回访。", en="You will be asked how it went."),
    "called-back": Words(zh="已回访。", en="You were asked how it went."),
    "diverted": Words(zh="已转至{text}", en="It was passed on: {text}"),
    "closed": Words(zh="已结案({text})。", en="It was closed ({text})."),
    "reopened": Words(zh="已重新办理。", en="It was opened again."),
    "merged": Words(
        zh="您的诉求与他人反映的同一问题一并办理,结果将告知您。",
        en="Others asked for the same: it is handled together, and you will be told what becomes of it.",
    ),
    "unmerged": Words(zh="您的诉求将单独办理。", en="Your report is handled by itself again."),
    "attached": Words(
        zh="您的诉求已纳入专项一并办理,结果将告知您。",
        en="It is handled as a part of a larger matter, and you will be told what becomes of it.",
    ),
    "main-done": Words(zh="承办单位已办结:{text}", en="Those who handle it say that it is done: {text}"),
    "main-rework": Words(zh="核实未通过,正在返工。", en="It was not good enough and is done again."),
    "main-reopened": Words(zh="该问题已重新办理。", en="The matter was opened again."),
    "message": Words(zh="收到您的{text}。", en="We received your {text}."),
}
"""What a timeline says about an entry."""

WORDS: dict[str, Words] = {
    "follow-up": Words(zh="补充", en="follow-up"),
    "answer": Words(zh="答复", en="answer"),
    "withdrawal": Words(zh="撤回", en="withdrawal"),
    "rating": Words(zh="评价", en="rating"),
    "not-solved": Words(zh="“未解决”反馈", en="word that it is not solved"),
    "urge": Words(zh="催办", en="reminder"),
    "solved": Words(zh="已解决", en="solved"),
    "informed": Words(zh="已告知", en="explained"),
    "withdrawn": Words(zh="已撤回", en="withdrawn"),
    "diverted": Words(zh="已转办", en="passed on"),
    "forced": Words(zh="强制结案", en="closed by decision"),
    "unsolved": Words(zh="未解决", en="not solved"),
    "self-settled": Words(zh="自治化解", en="settled among the residents"),
    "merged": Words(zh="已并单办理", en="handled together with another report"),
    "rejected": Words(zh="不予受理", en="not a matter for us"),
}
"""Kinds of message and outcomes, as they stand in a sentence."""

HOW_TO_ANSWER = Words(
    zh="请在{at}前答复:向{href}发送kind为answer的消息。",
    en="Please answer by {at}: send a message of the kind answer to {href}.",
)
RESOLVED: frozenset[str] = frozenset({"solved", "self-settled"})
"""Outcomes of which the person is told before the ticket is closed (LQ-21)."""
DATED = frozenset({"extended", "suspended", "resumed"})
"""Entries whose text is an instant."""
NOTHING_SAID = Words(zh="未填写", en="no details given")


class Entry(NamedTuple):
    """One line of the timeline, before it is put into words; a tuple, since 50,000 tickets are kept in memory."""

    at: AwareDatetime
    what: str
    who: str = ""
    """"department/<id>" or "unit/<id>"."""
    text: str = ""


class Asked(Part):
    """What the person was asked and has not answered yet."""

    text: str
    until: AwareDatetime


class Successor(Part):
    """Whoever leads from their signature on."""

    order_id: str
    by_when: AwareDatetime


class Tracked(State):
    """What the person who asked may know of a ticket."""

    source: str = ""
    """`ce_source` of the report; empty until the report was read from the log."""
    report: str = ""
    """`ce_id` of the report."""
    where: Where = "received"
    order_id: str = ""
    who: str = ""
    """Who handles it now: "department/<id>", "unit/<id>", or nobody."""
    by_when: AwareDatetime | None = None
    under_way: bool = False
    """It is at a stage that is not the last: nobody can say by when it will be done."""
    successor: Successor | None = None
    asked: Asked | None = None
    result: str = ""
    reopen_until: AwareDatetime | None = None
    """Of a closed ticket, up to when it may be said that it is not solved."""
    diverted: Words | None = None
    timeline: tuple[Entry, ...] = ()
    public: Public | None = None
    """What everybody may read of it; of most tickets nothing."""


def decide(_state: Tracked, _message: Message, _now: datetime) -> Sequence[Fact]:
    """Say nothing: what intake says on the log is said at its doors."""
    return ()


# ---------------------------------------------------------------- evolve


Change = dict[str, Any]


def _line(state: Tracked, at: datetime, what: str, who: Handler | None = None, text: str = "") -> Change:
    return {"timeline": (*state.timeline, Entry(at, what, _short(who), text))[-KEPT:]}


def _short(who: Handler | None) -> str:
    return f"{who.kind}/{who.id}" if who else ""


def _reported(state: Tracked, message: Message) -> Change:
    return {"source": message.data.source, "report": message.envelope.causation} | _line(
        state, message.data.reported_at, "reported"
    )


def _triage_needed(state: Tracked, message: Message) -> Change:
    return {"where": "triage"} | _line(state, message.envelope.time, "triage")


def _diverted(state: Tracked, message: Message) -> Change:
    fact: TicketDiverted = message.data
    return {
        "where": "diverted",
        "diverted": Words(zh=f"{fact.to}。{fact.detail.zh}", en=f"{fact.to}. {fact.detail.en}"),
    } | (_line(state, message.envelope.time, "diverted"))


def _ordered(state: Tracked, message: Message) -> Change:
    order: OrderIssued = message.data
    if order.role != "lead":
        return {}
    if order.takes_over:  # who has it leads on until then
        return {"successor": Successor(order_id=order.order_id, by_when=order.handle_by)}
    return {
        "where": "ordered",
        "order_id": order.order_id,
        "who": _short(order.handler),
        "by_when": order.handle_by,
        "under_way": order.stage is not None and order.stage.number < order.stage.of,
    } | (
        _line(state, order.issued_at, "ordered", order.handler)
        if order.stage is None
        else _line(state, order.issued_at, "stage", order.handler, _stage(order.stage))
    )


def _stage(stage: StageRef) -> str:
    """Give which stage of how many, in both languages with a line break between."""
    return f"{stage.number}/{stage.of}({stage.name.zh})\n{stage.number} of {stage.of} ({stage.name.en})"


def _signed(state: Tracked, message: Message) -> Change:
    fact: OrderSigned = message.data
    taken: Change = {}
    if state.successor is not None and fact.order_id == state.successor.order_id:
        by_when = state.successor.by_when
        taken = {"order_id": fact.order_id, "who": _short(fact.handler), "by_when": by_when, "successor": None}
    elif fact.order_id != state.order_id:
        return {}
    return taken | {"where": "handling"} | _line(state, fact.signed_at, "signed", fact.handler)


def _extended(state: Tracked, message: Message) -> Change:
    fact: OrderExtended = message.data
    if fact.order_id != state.order_id:
        return {}
    return {"by_when": fact.handle_by} | _line(
        state, message.envelope.time, "extended", fact.handler, fact.handle_by.isoformat()
    )


def _suspended(state: Tracked, message: Message) -> Change:
    fact: OrderSuspended = message.data
    if fact.order_id != state.order_id:
        return {}
    return {"where": "suspended"} | _line(state, fact.since, "suspended", fact.handler, fact.until.isoformat())


def _resumed(state: Tracked, message: Message) -> Change:
    """Tell by when it will be done now, unless the order ends with it."""
    fact: OrderResumed = message.data
    if fact.order_id != state.order_id or fact.why == "over":
        return {}
    return {"where": "handling", "by_when": fact.handle_by} | _line(
        state, fact.resumed_at, "resumed", fact.handler, fact.handle_by.isoformat()
    )


def _counted_again(state: Tracked, message: Message) -> Change:
    """Know by when it will be done now; an extension and the end of a suspension are told as what they are."""
    fact: ClocksRecalculated = message.data
    moved = [move.new for move in fact.clocks if move.clock == "handle" and move.order_id == state.order_id]
    return {"by_when": moved[-1]} if moved and fact.why not in {"resumed", "extended"} else {}


def _asked(state: Tracked, message: Message) -> Change:
    fact: InformationRequested = message.data
    text = masked(fact.question)
    return {"asked": Asked(text=text, until=fact.until)} | _line(state, fact.since, "asked", text=text)


def _wait_over(state: Tracked, message: Message) -> Change:
    fact: InformationWaitEnded = message.data
    return {"asked": None} | _line(state, fact.at, "answered" if fact.why == "answered" else "unanswered")


def _returned(state: Tracked, message: Message) -> Change:
    fact: OrderReturned = message.data
    if fact.order_id != state.order_id:
        return {}
    return {"where": "reassigning", "who": "", "by_when": None} | _line(
        state, message.envelope.time, "returned", fact.handler
    )


def _adjudicating(state: Tracked, message: Message) -> Change:
    return {"where": "reassigning"} | _line(state, message.envelope.time, "adjudicating")


def _done(state: Tracked, message: Message) -> Change:
    fact: OrderDone = message.data
    if fact.order_id != state.order_id:
        return {}
    return {"where": "done", "result": said(fact)} | _line(state, fact.done_at, "done", fact.handler, said(fact))


def _settled(state: Tracked, message: Message) -> Change:
    fact: TicketSettled = message.data
    said_there = masked(fact.answer)
    if fact.outcome not in RESOLVED:
        return {}
    done = _line(state, message.envelope.time, "done", Handler(kind="unit", id=fact.unit), said_there)
    return {"where": "done", "result": said_there} | done


def _rework(state: Tracked, message: Message) -> Change:
    fact: OrderReworked = message.data
    if fact.order_id != state.order_id:
        return {}
    return {"where": "rework", "by_when": fact.handle_by, "result": ""} | _line(
        state, message.envelope.time, "rework", fact.handler
    )


def _call_back(state: Tracked, message: Message) -> Change:
    return {"where": "call-back"} | _line(state, message.envelope.time, "call-back")


def _called_back(state: Tracked, message: Message) -> Change:
    return _line(state, message.envelope.time, "called-back") if message.data.reached else {}


def _closed(state: Tracked, message: Message) -> Change:
    fact: TicketClosed = message.data
    if fact.outcome == "merged":
        return {}  # what was merged has been told, and what becomes of it will be
    if fact.outcome == "diverted":
        over = {"where": "diverted", "asked": None, "reopen_until": fact.reopen_until}
        if state.where == "diverted":
            return over
        text = masked(fact.result)  # on the way: those who had it could not settle it
        words = {"result": text, "diverted": Words(zh=text, en=text)}
        return over | words | _line(state, message.envelope.time, "diverted")
    over = {"where": "closed", "asked": None, "reopen_until": fact.reopen_until}
    return (
        over
        | {"result": masked(fact.result) or state.result}
        | _line(state, message.envelope.time, "closed", text=fact.outcome)
    )


def _reopened(state: Tracked, message: Message) -> Change:
    return {"where": "reopened", "result": "", "by_when": None, "reopen_until": None} | _line(
        state, message.envelope.time, "reopened"
    )


def _merged(state: Tracked, message: Message) -> Change:
    over = {"where": "merged", "who": "", "by_when": None, "asked": None, "result": ""}
    return over | _line(state, message.envelope.time, "merged")


def _unmerged(state: Tracked, message: Message) -> Change:
    return {"where": "reopened"} | _line(state, message.envelope.time, "unmerged")


def _attached(state: Tracked, message: Message) -> Change:
    return {"where": "attached", "who": "", "by_when": None} | _line(state, message.envelope.time, "attached")


def _detached(state: Tracked, message: Message) -> Change:
    """Tell that it goes on by itself; what ends or begins anew is told as what it is."""
    if message.data.why not in {"detached", "withdrawn"}:
        return {}
    return {"where": "received"} | _line(state, message.envelope.time, "unmerged")


def _family_told(state: Tracked, message: Message) -> Change:
    """Tell what became of the ticket that stands for this one; of a part its own facts tell."""
    fact: FamilyTold = message.data
    at = message.envelope.time
    if fact.relation != "duplicate":
        if not _done_with_it(fact):
            return {}
        result = of_others(fact.result)
        return {"where": "done", "result": result} | _line(state, at, "main-done", text=result)
    if fact.news == "resolved":
        result = of_others(fact.result)
        return {"where": "done", "result": result} | _line(state, at, "main-done", text=result)
    if fact.news == "closed":
        over = {"where": "closed", "result": of_others(fact.result), "reopen_until": fact.reopen_until}
        return over | _line(state, at, "closed", text=fact.outcome or "")
    return {"where": "merged", "result": "", "reopen_until": None} | _line(state, at, f"main-{fact.news}")


def _done_with_it(fact: FamilyTold) -> bool:
    """Tell whether a part was done with what it belongs to: its person is told so before it is closed with it."""
    return fact.relation != "duplicate" and fact.news == "closed" and fact.outcome in RESOLVED


def of_others(result: str) -> str:
    """Give what was done for somebody else too: without anybody's number, and without the rooms they live in."""
    return without_rooms(masked(result))


def _message(state: Tracked, message: Message) -> Change:
    fact: MessageReceived = message.data
    return _line(state, fact.received_at, "message", text=fact.message_kind)


EVOLVES: Mapping[type[Fact], Callable[[Tracked, Message], Change]] = {
    TicketReported: _reported,
    MessageReceived: _message,
    TriageNeeded: _triage_needed,
    TicketDiverted: _diverted,
    OrderIssued: _ordered,
    OrderSigned: _signed,
    OrderExtended: _extended,
    OrderSuspended: _suspended,
    OrderResumed: _resumed,
    ClocksRecalculated: _counted_again,
    InformationRequested: _asked,
    InformationWaitEnded: _wait_over,
    OrderReturned: _returned,
    AdjudicationAsked: _adjudicating,
    OrderDone: _done,
    TicketSettled: _settled,
    OrderReworked: _rework,
    CallBackAsked: _call_back,
    CalledBack: _called_back,
    TicketClosed: _closed,
    TicketReopened: _reopened,
    TicketMerged: _merged,
    TicketUnmerged: _unmerged,
    TicketAttached: _attached,
    TicketDetached: _detached,
    FamilyTold: _family_told,
}
"""What a fact changes for the person who asked; nothing else of the log is read."""


def evolve(state: Tracked, message: Message) -> Tracked:
    """Give the state after a fact."""
    change = EVOLVES[type(message.data)](state, message)
    return state.model_copy(update=change) if change else state


def said(done: OrderDone) -> str:
    """Give what the handler says was done, in one line and without anybody's number."""
    return masked(": ".join(part for part in (done.result, done.detail) if part))


MERGED_ALREADY = Words(
    zh="您的诉求已与他人反映的同一问题一并办理,无需撤回。",
    en="Others asked for the same and it is handled for all of you, so there is nothing to withdraw.",
)
TOO_LATE: dict[str, Words] = {
    "urge": Words(
        zh="该诉求已办理完毕,无需催办;如未解决,请发送“未解决”(not-solved)。",
        en="It is over, so nobody is left to be urged: if it is not solved, send a message of the kind not-solved.",
    ),
    "withdrawal": Words(zh="该诉求已办理完毕,无法撤回。", en="It is over, so there is nothing left to withdraw."),
    "not-solved": Words(
        zh="反映未解决的期限已于{until}届满,请重新提交诉求。",
        en="Until {until} it could be said that it is not solved: make a new report.",
    ),
}


def refusal(kind: str, state: Tracked, now: datetime, profile: Profile) -> tuple[str, str] | None:
    """Give reason and sentence when nothing would follow from a message, as far as the log has been read."""
    if state.where == "merged" and kind == "withdrawal":
        return "merged", f"{MERGED_ALREADY.en} {MERGED_ALREADY.zh}"
    if state.where not in OVER:
        return None
    until = state.reopen_until
    if kind == "not-solved" and (until is None or now <= until):
        return None
    words = TOO_LATE[kind]
    at = "" if until is None else _local(until, profile)
    reason = "window-passed" if kind == "not-solved" else "closed"
    return reason, f"{words.en.format(until=at)} {words.zh.format(until=at)}"


# ---------------------------------------------------------------- what is told


def receipts(state: Tracked, message: Message, profile: Profile) -> tuple[Receipt, ...]:
    """Give the receipts for the report's source that follow from a fact; `state` is the one after it."""
    if not state.source:
        return ()
    fact, ticket = message.data, message.ticket
    if (step := _step(state, message, profile)) is not None:
        return (step,)
    if isinstance(fact, TicketDiverted):
        zh, en = fact.detail.zh, fact.detail.en  # a person's own sentence is the same in both
        detail = zh if zh == en else f"{zh} {en}"
        return (ReportDiverted(report_id=ticket, ticket_id=ticket, to=fact.to, detail=detail),)
    if isinstance(fact, OrderDone) and fact.order_id == state.order_id:
        return (ReportResolved(report_id=ticket, ticket_id=ticket, result=said(fact)),)
    if isinstance(fact, TicketSettled) and fact.outcome in RESOLVED:
        return (ReportResolved(report_id=ticket, ticket_id=ticket, result=state.result),)
    if isinstance(fact, TicketMerged):
        return (ReportMerged(report_id=ticket, ticket_id=fact.into),)
    if isinstance(fact, FamilyTold):
        return _of_family(ticket, fact, state)
    if isinstance(fact, TicketClosed) and fact.outcome != "merged":
        return (ReportClosed(report_id=ticket, ticket_id=ticket, outcome=fact.outcome, result=state.result),)
    return ()


def _of_family(ticket: str, fact: FamilyTold, state: Tracked) -> tuple[Receipt, ...]:
    """Give word of what became of the ticket into which this one was merged."""
    if fact.relation != "duplicate":
        resolved = ReportResolved(report_id=ticket, ticket_id=ticket, result=state.result)
        return (resolved,) if _done_with_it(fact) else ()
    if fact.news == "resolved":
        return (ReportResolved(report_id=ticket, ticket_id=fact.main, result=state.result),)
    if fact.news == "closed":
        return (ReportClosed(report_id=ticket, ticket_id=fact.main, outcome=fact.outcome or "", result=state.result),)
    words = _words(f"main-{fact.news}")
    detail = f"{words.zh} {words.en}"
    return (ReportProgressed(report_id=ticket, ticket_id=fact.main, state=state.where, detail=detail),)


def _step(state: Tracked, message: Message, profile: Profile) -> ReportProgressed | None:
    """Give word of a step on the way; None where the fact is none, or is one of another order."""
    fact, ticket = message.data, message.ticket
    if isinstance(fact, OrderIssued) and fact.role == "lead" and not fact.takes_over:
        if fact.stage is not None:
            who, (zh, en) = named(_short(fact.handler), profile), _stage(fact.stage).split("\n")
            words = SENTENCES["stage"]
            said = Words(zh=words.zh.format(who=who.zh, text=zh), en=words.en.format(who=who.en, text=en))
            return _told(ticket, state, said)
        return _progressed(ticket, "ordered", "ordered", fact.handler, profile)
    if isinstance(fact, TicketUnmerged | TicketAttached) or (
        isinstance(fact, TicketDetached) and fact.why in {"detached", "withdrawn"}
    ):
        return _told(ticket, state, _words("attached" if isinstance(fact, TicketAttached) else "unmerged"))
    if isinstance(fact, InformationRequested) and state.asked is not None:
        how = _how_to_answer(ticket, state.asked, profile)
        return _told(ticket, state, _words("asked", state.asked.text), how)
    if isinstance(fact, InformationWaitEnded) and fact.why == "expired":
        return _told(ticket, state, _words("unanswered"))
    if not isinstance(fact, OrderSigned | OrderExtended | OrderSuspended) or fact.order_id != state.order_id:
        return None
    if isinstance(fact, OrderSigned):
        return _progressed(ticket, "handling", "signed", fact.handler, profile)
    if isinstance(fact, OrderExtended):
        return _progressed(ticket, state.where, "extended", fact.handler, profile, fact.handle_by)
    return _progressed(ticket, "suspended", "suspended", fact.handler, profile, fact.until)


def _words(what: str, text: str = "") -> Words:
    words = SENTENCES[what]
    return Words(zh=words.zh.format(text=text), en=words.en.format(text=text))


def _told(ticket: str, state: Tracked, *said: Words) -> ReportProgressed:
    detail = " ".join([*(words.zh for words in said), *(words.en for words in said)])
    return ReportProgressed(report_id=ticket, ticket_id=ticket, state=state.where, detail=detail)


def _progressed(
    ticket: str, state: Where, what: str, who: Handler, profile: Profile, at: datetime | None = None
) -> ReportProgressed:
    name, words = named(_short(who), profile), SENTENCES[what]
    text = "" if at is None else _local(at, profile)
    detail = f"{words.zh.format(who=name.zh, text=text)} {words.en.format(who=name.en, text=text)}"
    return ReportProgressed(report_id=ticket, ticket_id=ticket, state=state, detail=detail)


def _how_to_answer(ticket: str, asked: Asked, profile: Profile) -> Words:
    at, href = _local(asked.until, profile), messages_of(ticket)
    return Words(zh=HOW_TO_ANSWER.zh.format(at=at, href=href), en=HOW_TO_ANSWER.en.format(at=at, href=href))


def messages_of(ticket: str) -> str:
    """Give the path on which the person says more of a ticket."""
    return f"/v1/reports/{ticket}/messages"


def _local(at: datetime, profile: Profile) -> str:
    """Give an instant as the clocks of the city show it."""
    return at.astimezone(ZoneInfo(profile.zone)).strftime("%Y-%m-%d %H:%M")


def named(who: str, profile: Profile) -> Words:
    """Give a handler's name; its id where the profile does not know it any more."""
    kind, _, ident = who.partition("/")
    known = profile.department(ident) if kind == "department" else profile.unit(ident)
    return Words(zh=known.zh, en=known.en) if known is not None else Words(zh=ident, en=ident)


class Line(Part):
    """One line of the timeline."""

    at: AwareDatetime
    what: str
    sentence: Words


class Question(Part):
    """What the person is asked, and how to answer."""

    text: str
    until: AwareDatetime
    """Up to then the answer is waited for."""
    kind: Literal["answer"] = "answer"
    """Of the message that answers it."""
    href: str
    how: Words


class View(Part):
    """What the person who asked may see."""

    report_id: str
    ticket_id: str
    state: Where
    state_words: Words
    handled_by: Words | None = None
    """The department or unit whose matter it is now."""
    by_when: AwareDatetime | None = None
    """Nothing while it rests, while an answer is waited for, or before the last of several stages."""
    question: Question | None = None
    result: str | None = None
    """What was done, as the handler says."""
    timeline: tuple[Line, ...]


def view(ticket: str, state: Tracked, reported_at: datetime, profile: Profile) -> View:
    """Put a ticket's state into words; a ticket that the log has not brought yet was at least taken."""
    entries = state.timeline or (Entry(at=reported_at, what="reported"),)
    return View(
        report_id=ticket,
        ticket_id=ticket,
        state=state.where,
        state_words=STATES[state.where],
        handled_by=named(state.who, profile) if state.who else None,
        by_when=state.by_when if state.where in HANDLED and not (state.asked or state.under_way) else None,
        question=_question(ticket, state.asked, profile) if state.asked else None,
        result=state.result or None,
        timeline=tuple(Line(at=e.at, what=e.what, sentence=_sentence(e, state, profile)) for e in entries),
    )


def outcome(state: Tracked) -> Words | None:
    """Give how a closed ticket ended, in words that everybody may read; None of any other."""
    last = next((entry for entry in reversed(state.timeline) if entry.what == "closed"), None)
    return None if last is None or state.where != "closed" else WORDS.get(last.text)


def _question(ticket: str, asked: Asked, profile: Profile) -> Question:
    how = _how_to_answer(ticket, asked, profile)
    return Question(text=asked.text, until=asked.until, href=messages_of(ticket), how=how)


def _sentence(entry: Entry, state: Tracked, profile: Profile) -> Words:
    who = named(entry.who, profile)
    if entry.what == "main-done":
        text = Words(zh=entry.text, en=entry.text) if entry.text else NOTHING_SAID
    elif entry.what == "diverted":
        text = state.diverted or NOTHING_SAID
    elif entry.what in {"done", "asked"}:
        text = Words(zh=entry.text, en=entry.text) if entry.text else NOTHING_SAID
    elif entry.what == "stage":
        zh, _, en = entry.text.partition("\n")
        text = Words(zh=zh, en=en)
    elif entry.what in DATED:
        at = _local(datetime.fromisoformat(entry.text), profile)
        text = Words(zh=at, en=at)
    else:
        text = WORDS.get(entry.text, Words(zh=entry.text, en=entry.text))
    words = SENTENCES[entry.what]
    return Words(zh=words.zh.format(who=who.zh, text=text.zh), en=words.en.format(who=who.en, text=text.en))
