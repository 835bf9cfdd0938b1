"""When is a ticket over? What is done is verified, who asked is called back, and what was not good enough goes on.

EDGES is the whole state machine: in which phase what may lead on, and by which rule. What is not in it
changes nothing when it is a fact, and is refused with a sentence when it is a command.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime

from services.closure.kin import Family
from services.closure.ledger import Points
from shared.deadline import due_at
from shared.decider import Message, State
from shared.errors import Refused
from shared.ids import digest
from shared.messages import (
    CallBackAsked,
    CalledBack,
    CloseTicket,
    Command,
    Fact,
    MessageReceived,
    OrderDone,
    Outcome,
    RecordCallBack,
    ReopenTicket,
    ReworkOrdered,
    Severity,
    StageFailed,
    TicketClosed,
    TicketDiverted,
    TicketReopened,
    TicketSettled,
    TicketVerified,
    Tier,
    VerificationAsked,
    VerifyTicket,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.profile import Profile

Phase = Literal["open", "verifying", "calling-back", "closed"]
"""open: somebody handles it, or nobody yet; the rest is closure's own."""
CALLER: Final = "caller"
"""Who closes, rates or reopens by a message; the name stays in intake."""

DONE_WORDS: Final = "承办单位已办结。The work is done."
WITHDRAWN_WORDS: Final = "诉求人已撤回。Withdrawn by the person who reported it."
UNREACHED_WORDS: Final = "多次回访未能联系上诉求人。The person could not be reached by several calls."
UNSOLVED_WORDS: Final = "经返工后诉求人仍表示未解决。Still not solved for the person, rework included."
NOT_SOLVED_WORDS: Final = "诉求人表示未解决。The person says that it is not solved."

PHASE_WORDS: Final[dict[Phase, tuple[str, str]]] = {
    "open": ("仍在办理中", "still being handled"),
    "verifying": ("等待核实", "waiting for its verification"),
    "calling-back": ("等待回访", "waiting for the call-back"),
    "closed": ("已结案", "closed"),
}


class ClosureState(State):
    """What closure knows of a ticket: the phase, what was done last, and how often it went round."""

    phase: Phase = "open"
    order_id: str = ""
    tier: Tier = "lead"
    unit: str = ""
    """The territorial owner when the work was done."""
    severity: Severity = "IV"
    hands: tuple[str, ...] = ()
    """Who has handled it and may not verify it, as far as names are known."""
    callback: bool = False
    result: str = ""
    reworks: int = 0
    ups: int = 0
    """How often a rework has made the next level up an owner."""
    calls: int = 0
    """Calls that reached nobody since the call-back was asked for."""
    closings: int = 0
    reopenings: int = 0
    reopen_until: AwareDatetime | None = None
    policy: str = ""
    """The version of the profile whose rules hold."""
    points: Points | None = None
    """Of a ticket whose work may earn points (points.py)."""
    family: Family | None = None
    """The tickets for which it stands, and the one that stands for it (family.py)."""


# ---------------------------------------------------------------- the state after a message


def evolve(state: ClosureState, message: Message) -> ClosureState:
    """Give the state after a message that was read, or after a fact of closure's own."""
    data = message.data
    if isinstance(data, OrderDone) and data.role == "lead" and state.phase == "open":
        return state.model_copy(
            update={
                "order_id": data.order_id,
                "tier": data.tier,
                "unit": data.unit,
                "severity": data.severity,
                "hands": tuple(name for name in (data.by.strip(), *data.hands) if name),
                "callback": data.callback,
                "result": data.result,
                "policy": data.profile_version,
            }
        )
    change = AFTER.get(type(data))
    return state if change is None else state.model_copy(update=change(state, data))


AFTER: Final[dict[type[Fact], Callable[[ClosureState, Any], dict[str, Any]]]] = {
    VerificationAsked: lambda _state, _fact: {"phase": "verifying"},
    CallBackAsked: lambda _state, _fact: {"phase": "calling-back", "calls": 0},
    CalledBack: lambda state, fact: {"calls": state.calls if fact.reached else state.calls + 1},
    ReworkOrdered: lambda state, fact: {
        "phase": "open",
        "reworks": fact.reworks,
        "ups": state.ups + fact.level_up,
    },
    TicketClosed: lambda _state, fact: {
        "phase": "closed",
        "closings": fact.closings,
        "reopen_until": fact.reopen_until,
    },
    TicketReopened: lambda _state, fact: {
        "phase": "open",
        "reopenings": fact.reopenings,
        "reworks": 0,
        "reopen_until": None,
    },
}
"""What each of closure's own facts changes; a reopened ticket may be reworked as often as a new one."""


# ---------------------------------------------------------------- what follows from a message


def decide(state: ClosureState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Give the facts that follow from a message; raises Refused for a command that may not be done now."""
    data = message.data
    profile = profile.under(data.profile_version if isinstance(data, OrderDone) else state.policy)
    if isinstance(data, Command):
        named(data)
    trigger = data.message_kind if isinstance(data, MessageReceived) else type(data)
    rule = EDGES.get((state.phase, trigger))
    if rule is not None:
        return rule(state, data, now, profile)
    if isinstance(data, Command):
        raise _out_of_phase(state, data)
    return []


def work_done(state: ClosureState, done: OrderDone, now: datetime, profile: Profile) -> list[Fact]:
    """Have it verified by a person, or take the record of the work for it; an assist's work is a part of the lead's."""
    if done.role != "lead":
        return []
    sampled = False
    by_person = profile.closing.verification(done.category.code, done.severity) == "person"
    if not by_person and profile.closing.sample:
        sampled = drawn(done, state.closings + 1, profile)
    if by_person or sampled:
        return [VerificationAsked(order_id=done.order_id, unit=nearby(done, profile), sampled=sampled)]
    verified = TicketVerified(order_id=done.order_id, mode="automatic")
    said = {"unit": done.unit, "callback": done.callback, "result": done.result, "tier": done.tier}
    ahead = state.model_copy(update=said)
    return [verified, *_after_verification(ahead, now, profile)]


def verify(state: ClosureState, command: VerifyTicket, now: datetime, profile: Profile) -> list[Fact]:
    """Go on towards closing, or send it back to the same handler; nobody verifies what they have handled."""
    if profile.closing.by_others and _same_person(command.by, state.hands):
        raise Refused(
            "own-work",
            f"{command.by.strip()} has handled it: somebody else must look whether it is done.",
            f"{command.by.strip()}参与了办理，不得核实自己办理的事项：请由他人核实。",
        )
    if not command.passed:
        reason = worded(command.note, "note", "Say what is not good enough.", "请写明不合格的原因。")
        return [_rework(state, reason, command.by, profile)]
    verified = TicketVerified(order_id=state.order_id, mode="person", by=command.by, note=command.note)
    return [verified, *_after_verification(state, now, profile, command.by)]


def call_back(state: ClosureState, command: RecordCallBack, now: datetime, profile: Profile) -> list[Fact]:
    """Record what the person said; calls that reach nobody end after a few, and say nothing of how content they are."""
    attempt = state.calls + 1
    if command.reached:
        if command.solved is None:
            raise Refused(
                "solved-missing",
                "Say whether it is solved for the person: solved true or false.",
                "请写明诉求是否已解决（solved 为 true 或 false）。",
            )
        said = CalledBack(
            solved=command.solved,
            rating=command.rating,
            channel=command.channel,
            attempt=attempt,
            by=command.by,
            note=command.note,
        )
        return _answered(state, said, now, profile)
    if command.solved is not None or command.rating is not None:
        raise Refused(
            "not-reached",
            "Who could not be reached has said nothing: leave out solved and rating, or set reached to true.",
            "未联系上诉求人，不能登记是否解决或评价：请去掉solved和rating，或将reached改为true。",
        )
    missed = CalledBack(reached=False, channel=command.channel, attempt=attempt, by=command.by, note=command.note)
    if attempt < profile.closing.calls:
        return [missed]
    return [missed, closing(state, "informed", UNREACHED_WORDS, now, profile, command.by)]


def rated(state: ClosureState, message: MessageReceived, now: datetime, profile: Profile) -> list[Fact]:
    """Take a rating for the call-back; who rates and does not say that it is not solved lets it be closed."""
    return _answered(state, CalledBack(rating=message.rating, by=CALLER), now, profile)


def not_solved(state: ClosureState, message: MessageReceived, now: datetime, profile: Profile) -> list[Fact]:
    """Take a message that it is not solved for the call-back."""
    said = CalledBack(solved=False, rating=message.rating, by=CALLER, note=message.text)
    return _answered(state, said, now, profile)


def withdrawn(state: ClosureState, _message: MessageReceived, now: datetime, profile: Profile) -> list[Fact]:
    """Close what the person no longer asks for."""
    return [closing(state, "withdrawn", WITHDRAWN_WORDS, now, profile, CALLER)]


def diverted(state: ClosureState, fact: TicketDiverted, now: datetime, profile: Profile) -> list[Fact]:
    """Close what is not a matter for this loop, with the sentence that says where it goes."""
    words = fact.detail.zh if fact.detail.zh == fact.detail.en else f"{fact.detail.zh} {fact.detail.en}"
    return [closing(state, "diverted", words, now, profile)]


def stage_failed(state: ClosureState, fact: StageFailed, now: datetime, profile: Profile) -> list[Fact]:
    """Close what has failed for good, with the sentence and the reason; what goes back to an earlier stage goes on."""
    words = fact.sentence
    if fact.outcome is None or words is None:
        return []
    said = words.zh if words.zh == words.en else f"{words.zh} {words.en}"
    return [closing(state, fact.outcome, f"{said} {fact.reason}", now, profile, fact.by)]


def settled(state: ClosureState, fact: TicketSettled, now: datetime, profile: Profile) -> list[Fact]:
    """Close what was settled or explained at a visit, with the answer that the person heard there."""
    return [closing(state, fact.outcome, fact.answer, now, profile)]


def close(state: ClosureState, command: CloseTicket, now: datetime, profile: Profile) -> list[Fact]:
    """Close out of turn; the reason is what the person reads."""
    reason = worded(command.reason, "reason", "Say why it is closed.", "请写明结案理由。")
    if command.outcome == "rejected" and state.phase != "open":
        zh, en = PHASE_WORDS[state.phase]
        raise Refused(
            "work-done",
            f"The work is done and {en}: it cannot be rejected as no matter any more. Close it as informed or forced.",
            f"工单已办结，{zh}，不能再按不予受理结案：可告知性结案或强制结案。",
        )
    return [closing(state, command.outcome, reason, now, profile, command.by)]


def rated_later(_state: ClosureState, message: MessageReceived, _now: datetime, _profile: Profile) -> list[Fact]:
    """Record a rating that comes after closing."""
    return [CalledBack(rating=message.rating, by=CALLER)]


def complained(state: ClosureState, message: MessageReceived, _now: datetime, _profile: Profile) -> list[Fact]:
    """Reopen when the person says within the window that it is not solved; later it is only on record."""
    if state.reopen_until is not None and message.received_at > state.reopen_until:
        return []
    return [reopening(state, message.text.strip() or NOT_SOLVED_WORDS, CALLER)]


def reopen(state: ClosureState, command: ReopenTicket, now: datetime, profile: Profile) -> list[Fact]:
    """Reopen within the window, whatever the outcome was: a diversion or a withdrawal may have been a mistake."""
    reason = worded(command.reason, "reason", "Say why it is reopened.", "请写明重办理由。")
    until = state.reopen_until
    if until is not None and now > until:
        local = f"{until.astimezone(ZoneInfo(profile.zone)):%Y-%m-%d %H:%M}"
        raise Refused(
            "window-passed",
            f"It could be reopened until {local}: make a new report.",
            f"重办期限已于 {local} 截止：请重新上报。",
        )
    return [reopening(state, reason, command.by)]


OPEN_PHASES: Final[tuple[Phase, ...]] = ("open", "verifying", "calling-back")
EDGES: Final[dict[tuple[Phase, object], Callable[[ClosureState, Any, datetime, Profile], list[Fact]]]] = {
    ("open", OrderDone): work_done,  # the handler says it is done (办结)
    ("verifying", VerifyTicket): verify,  # a person looked (核实)
    ("calling-back", RecordCallBack): call_back,  # the person was called (回访)
    ("calling-back", "rating"): rated,  # the person answered without a call
    ("calling-back", "not-solved"): not_solved,
    **{(phase, "withdrawal"): withdrawn for phase in OPEN_PHASES},
    **{(phase, TicketDiverted): diverted for phase in OPEN_PHASES},  # 转办
    ("open", TicketSettled): settled,  # 即访即办
    ("open", StageFailed): stage_failed,
    **{(phase, CloseTicket): close for phase in OPEN_PHASES},  # 强制结案, 告知性结案
    ("closed", "rating"): rated_later,
    ("closed", "not-solved"): complained,
    ("closed", ReopenTicket): reopen,  # 重办
}
"""(phase, what comes) -> the rule. A message of the person comes as its kind, all else as its type."""


# ---------------------------------------------------------------- parts of the rules


def staffed_unit(unit: str, profile: Profile) -> str:
    """Give the unit, or the next one above it that has staff, or the top when none has."""
    return next((above.id for above in profile.chain(unit) if above.staff), profile.top.id)


def nearby(done: OrderDone, profile: Profile) -> str:
    """Give whoever looks: the lowest unit of the place that has staff and has not done the work, else the top."""
    own = done.handler.id if done.handler.kind == "unit" else ""
    chain = profile.chain(done.place.unit) or profile.chain(done.unit)
    return next((unit.id for unit in chain if unit.staff and unit.id != own), profile.top.id)


def drawn(done: OrderDone, closing: int, profile: Profile) -> bool:
    """Tell whether a person looks although the record would do: as ticket and closing have it, never by chance."""
    share = profile.closing.sampled(done.category.code, done.severity)
    ticket = done.order_id.rpartition("-")[0]
    return share > 0 and int.from_bytes(digest("sample", ticket, str(closing), size=8)) < share * 2**64


def _same_person(name: str, hands: tuple[str, ...]) -> bool:
    return name.strip().casefold() in {each.strip().casefold() for each in hands}


def _after_verification(state: ClosureState, now: datetime, profile: Profile, by: str = "gridcall") -> list[Fact]:
    if state.callback and profile.closing.call_back:
        return [CallBackAsked(unit=staffed_unit(state.unit, profile))]
    return [_solved(state, now, profile, by)]


def _answered(state: ClosureState, said: CalledBack, now: datetime, profile: Profile) -> list[Fact]:
    """Close, or once more to the handler; after the last rework it is closed as not solved."""
    if said.solved is not False:
        return [said, _solved(state, now, profile, said.by)]
    if state.reworks < profile.closing.max_reworks or goes_up(state, profile):
        return [said, _rework(state, said.note.strip() or NOT_SOLVED_WORDS, said.by, profile)]
    return [said, closing(state, "unsolved", UNSOLVED_WORDS, now, profile, said.by)]


def _rework(state: ClosureState, reason: str, by: str, profile: Profile) -> ReworkOrdered:
    up = state.reworks >= profile.closing.max_reworks and goes_up(state, profile)
    return ReworkOrdered(order_id=state.order_id, reason=reason, by=by, reworks=state.reworks + 1, level_up=up)


def goes_up(state: ClosureState, profile: Profile) -> bool:
    """Tell whether one more rework makes the next level up an owner: once for each that there is above this one."""
    if profile.closing.then != "level-up":
        return False
    chain = {unit.level: unit for unit in profile.chain(state.unit)}
    owner = profile.unit(state.unit)
    last = profile.ladder.last("rework", state.severity)
    above = profile.ladder.above("" if owner is None else owner.level, "rework", state.severity)
    return state.ups < sum(level == last or (level in chain and bool(chain[level].staff)) for level in above)


def _solved(state: ClosureState, now: datetime, profile: Profile, by: str) -> TicketClosed:
    """The handler's `detail` is not for the public, so its short `result` is all that the person reads."""
    outcome: Outcome = "self-settled" if state.tier == "settlement" else "solved"
    return closing(state, outcome, state.result.strip() or DONE_WORDS, now, profile, by)


def closing(
    state: ClosureState,
    outcome: Outcome,
    result: str,
    now: datetime,
    profile: Profile,
    by: str = "gridcall",
) -> TicketClosed:
    """Give the closing, and until when it may be reopened."""
    window = profile.closing.reopen_within
    until = due_at(now, window, profile.calendar(profile.content.clocks.calendar))
    return TicketClosed(
        outcome=outcome,
        result=result,
        by=by,
        closings=state.closings + 1,
        reopen_until=until,
    )


def reopening(state: ClosureState, reason: str, by: str) -> TicketReopened:
    """Give the reopening, counted."""
    return TicketReopened(reason=reason, by=by, reopenings=state.reopenings + 1)


# ---------------------------------------------------------------- refusals


def named(command: Command) -> None:
    """Raise Refused for a command of which nobody says that it is theirs."""
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")


def worded(text: str, field: str, detail: str, detail_zh: str) -> str:
    """Give a text that must say something; raises Refused for an empty one."""
    if not text.strip():
        raise Refused(f"no-{field}", f"{detail} `{field}` is empty.", f"{detail_zh}")
    return text.strip()


def _out_of_phase(state: ClosureState, command: Command) -> Refused:
    zh, en = PHASE_WORDS[state.phase]
    return {
        VerifyTicket: Refused(
            "nothing-to-verify",
            f"Nothing waits for verification: the ticket is {en}.",
            f"没有待核实的事项：工单{zh}。",
        ),
        RecordCallBack: Refused(
            "no-call-back-awaited",
            f"No call-back is awaited: the ticket is {en}.",
            f"当前无需回访：工单{zh}。",
        ),
        CloseTicket: Refused("closed", "The ticket is closed already.", "工单已结案。"),
        ReopenTicket: Refused(
            "not-closed",
            f"There is nothing to reopen: the ticket is {en}.",
            f"无需重办：工单{zh}。",
        ),
    }[type(command)]
