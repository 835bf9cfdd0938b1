"""Who may whistle for whom (吹哨), who has come (报到), who is called when too few have, and what came of it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.domain.edges import named, named_handler
from services.dispatch.domain.orders import issue, whistle_over, withdraw, working_time
from shared.deadline import due_at
from shared.errors import Refused
from shared.messages import Fact, Handler, Span, WhistleAnswered, WhistleRaised, WhistleWidened

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState, Order, Whistle
    from shared.decider import Message
    from shared.messages import EndWhistle, OrderIssued, OrderProgressed, RaiseWhistle, TicketTriaged
    from shared.profile import Profile, Situation, Unit


def raise_whistle(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Call to the spot whom the situation names, each with an order to check in by."""
    command: RaiseWhistle = message.data
    named(command)
    triaged = _handled(state)
    situation = _situation(command.situation, triaged, profile)
    unit = _whistler(command, situation, triaged, profile)
    if state.whistle is not None:
        raise Refused(
            "whistle-open", "A whistle is not over yet: end it first (end-whistle).", "已有吹哨尚未结束：请先结束。"
        )
    wave, called = _called(command, situation, unit, triaged, profile)
    calendar = working_time(profile, triaged, called[0])
    raised = WhistleRaised(
        whistle=state.whistles + 1,
        situation=situation.id,
        unit=unit.id,
        called=called,
        told=_copied(situation, triaged, now, profile),
        where=command.where.strip(),
        wave=wave,
        enough=_enough(situation, wave, len(called)),
        at=now,
        arrive_by=due_at(now, situation.arrive, calendar),
        arrive_limit=Span.of(situation.arrive),
        calendar=calendar.name,
        by=command.by,
        reason=command.reason.strip(),
    )
    orders = _orders(state, message.ticket, triaged, raised.whistle, called, raised.arrive_by, now, profile, command.by)
    return [raised, *orders]


def _handled(state: DispatchState) -> TicketTriaged:
    if state.triaged is None or state.open is None:
        raise Refused(
            "no-order", "Nobody handles the ticket now: a whistle needs an open order.", "当前没有在办派单，不能吹哨。"
        )
    return state.triaged


def _situation(written: str, triaged: TicketTriaged, profile: Profile) -> Situation:
    fitting = profile.situations(triaged.category.code)
    found = next((each for each in fitting if written in {each.id, each.zh, each.en}), None)
    if found is None:
        en = ", ".join(f"{each.id} ({each.en})" for each in fitting) or "none for this category"
        zh = "、".join(f"{each.zh}（{each.id}）" for each in fitting) or "该类别不可吹哨"
        raise Refused(
            "unknown-situation",
            f"{written[:60]!r} is no situation for which one may whistle here: {en}.",
            f"“{written[:60]}”不是可吹哨的情形：{zh}。",
        )
    return found


def _whistler(command: RaiseWhistle, situation: Situation, triaged: TicketTriaged, profile: Profile) -> Unit:
    unit = profile.unit(command.unit)
    chain = {each.id for each in profile.chain(triaged.place.unit)}
    if unit is None or unit.id not in chain or unit.level not in situation.by:
        levels = [profile.level_name(level) for level in situation.by]
        raise Refused(
            "may-not-whistle",
            f"Units of the place may whistle at the level {', '.join(each.en for each in levels)}: "
            f"{command.unit!r} is none.",
            f"“{command.unit}”不能吹哨：须为所在{'、'.join(each.zh for each in levels)}。",
        )
    return unit


def _enough(situation: Situation, wave: int, called: int) -> int:
    """Give how many must come: never more than are called, where nobody else can be called later."""
    wanted = situation.enough or called
    return min(wanted, called) if wave == len(situation.waves) else wanted


def _copied(situation: Situation, triaged: TicketTriaged, now: datetime, profile: Profile) -> tuple[str, ...]:
    units = (unit.id for unit in profile.chain(triaged.place.unit) if unit.level in situation.copied)
    return tuple(dict.fromkeys(each for unit in units for each in profile.told(unit, now)))


def _called(
    command: RaiseWhistle, situation: Situation, whistler: Unit, triaged: TicketTriaged, profile: Profile
) -> tuple[int, tuple[Handler, ...]]:
    """Give whom the first wave calls that has anybody here, or those of all waves that the command picks.

    Whoever whistles is there already.
    """
    found = [profile.handlers(wave, triaged.place.unit, triaged.place.road) for wave in situation.waves]
    may = [[each for each in wave if (each.kind, each.id) != ("unit", whistler.id)] for wave in found]
    everybody = {Handler(kind=each.kind, id=each.id): None for wave in may for each in wave}
    if not everybody:
        raise Refused(
            "nobody-to-call",
            f"The situation {situation.id} ({situation.en}) calls nobody who is responsible for this place.",
            f"“{situation.zh}”在该地点没有可呼叫的单位。",
        )
    if not command.called:
        first = next(nth for nth, wave in enumerate(may, 1) if wave)
        return first, tuple(Handler(kind=each.kind, id=each.id) for each in may[first - 1])
    strange = [each.id for each in command.called if each not in everybody]
    if strange:
        there_are = ", ".join(each.id for each in everybody)
        raise Refused(
            "not-called",
            f"The situation does not call {', '.join(strange)}: choose of {there_are}.",
            f"该情形不呼叫{'、'.join(strange)}：可选{there_are}。",
        )
    return 1, tuple(dict.fromkeys(command.called))


def _orders(
    state: DispatchState,
    ticket: str,
    triaged: TicketTriaged,
    whistle: int,
    called: tuple[Handler, ...],
    arrive_by: datetime,
    now: datetime,
    profile: Profile,
    by: str,
) -> list[OrderIssued]:
    """Give an order to each who is called; its sign limit is that of checking in."""
    leading = None if state.open is None else state.open.handler
    changes = {"role": "whistle", "whistle": whistle, "lead": leading, "sign_by": arrive_by, "returnable": False}
    changes |= {"attempt": max(1, state.attempt), "callback": False, "reachable": False, "tier": "lead"}
    return [
        issue(state, ticket, triaged, handler, now, profile, by, nth=nth).model_copy(update=changes)
        for nth, handler in enumerate(called, 1)
    ]


# ---------------------------------------------------------------- coming


def checked_in(state: DispatchState, order: Order, progressed: OrderProgressed, now: datetime) -> list[Fact]:
    """Say that enough have come, when somebody checks in and now they have."""
    whistle = state.whistle
    if whistle is None or whistle.answered or order.whistle != whistle.number or progressed.progress != "check-in":
        return []
    came = [*(each.handler for each in _of(state, whistle) if each.came_at is not None), order.handler]
    came = list(dict.fromkeys(came))
    if len(came) < whistle.enough:
        return []
    return [WhistleAnswered(whistle=whistle.number, came=tuple(came), at=now)]


def _of(state: DispatchState, whistle: Whistle) -> list[Order]:
    return [order for order in state.orders if order.whistle == whistle.number]


def widen(state: DispatchState, ticket: str, now: datetime, profile: Profile) -> list[Fact]:
    """Call the next wave with anybody new when too few have come; with nobody left the level above has heard of it."""
    whistle, triaged = state.whistle, state.triaged
    if whistle is None or triaged is None:
        return []
    situation = next((each for each in profile.situations("") if each.id == whistle.situation), None)
    waves = () if situation is None else situation.waves[whistle.wave :]
    known, wave = set(whistle.called), whistle.wave
    called: tuple[Handler, ...] = ()
    while waves and not called:
        found = profile.handlers(waves[0], triaged.place.unit, triaged.place.road)
        handlers = (Handler(kind=each.kind, id=each.id) for each in found)
        called = tuple(each for each in handlers if each not in known and each.id != whistle.unit)
        waves, wave = waves[1:], wave + 1
    limit = Span(amount=0, unit="minutes") if situation is None else Span.of(situation.arrive)
    arrive_by = due_at(now, limit, profile.calendar(whistle.calendar)) if called else now
    widened = WhistleWidened(
        whistle=whistle.number,
        wave=wave,
        called=called,
        missing=tuple(order.handler for order in _of(state, whistle) if order.came_at is None),
        at=now,
        arrive_by=arrive_by,
        arrive_limit=limit,
        calendar=whistle.calendar,
    )
    return [widened, *_orders(state, ticket, triaged, whistle.number, called, arrive_by, now, profile, "gridcall")]


# ---------------------------------------------------------------- ending


def end_whistle(state: DispatchState, message: Message, now: datetime, profile: Profile) -> list[Fact]:
    """Record what came of it and what each answer was worth; whoever was called need do nothing more."""
    command: EndWhistle = message.data
    named(command)
    whistle = state.whistle
    if whistle is None:
        raise Refused("no-whistle", "There is no whistle to end.", "没有进行中的吹哨。")
    if not command.result.strip():
        raise Refused("no-result", "Say what came of it: `result` is empty.", "请填写会商结果（result）。")
    orders = _of(state, whistle)
    strange = [mark.handler.id for mark in command.marks if mark.handler not in {order.handler for order in orders}]
    if strange:
        raise Refused(
            "not-called", f"They were not called: {', '.join(strange)}.", f"未被吹哨的单位：{'、'.join(strange)}。"
        )
    there = {order.handler for order in orders if order.came_at is not None}
    absent = [named_handler(mark.handler, profile) for mark in command.marks if mark.handler not in there]
    if absent:
        raise Refused(
            "did-not-come",
            f"Who did not come has no mark: leave out {', '.join(en for _, en in absent)}.",
            f"未报到的单位不评分：请去掉{'、'.join(zh for zh, _ in absent)}。",
        )
    over = whistle_over(state, now, command.result.strip(), command.marks, command.by)
    for order in orders:
        if order in state.running:
            over += withdraw(order, "whistle-over", now, profile)
    return over
