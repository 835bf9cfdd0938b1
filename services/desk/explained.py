"""How is a clock said in one plain sentence? What sets it, what did not count, what moved it, and how it stands."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from services.desk.clocks import LADDER
from services.desk.names import CALLER
from services.desk.sentences import CHANNELS, MOVES
from shared.messages import Words
from shared.profile import Matter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from services.desk.clocks import Clock, Move
    from services.desk.counted import Counted
    from services.desk.domain import Ticket
    from services.desk.names import Names, Pair
    from shared.calendar import Segment
    from shared.messages import CategoryRef, Severity
    from shared.profile import LimitRow

DAY: Final = timedelta(days=1)
NAMED: Final = 3
"""Holidays that a sentence names; of more it says how many."""
TOLD: Final = frozenset({"resumed", "answered", "extended"})
"""Why a limit moved that is told with the pause, and with all extensions at once."""
INSTANT: Final = timedelta(microseconds=1)


# ---------------------------------------------------------------- what it is


def name_of(clock: Clock, names: Names) -> Pair:
    """Give what a clock measures."""
    if clock.clock == LADDER:
        zh, en = names.level(clock.level)
        return f"{zh}级响应", f"the {en.lower()} level's answer"
    return ("全程", "the whole matter") if clock.clock == "total" else names.clock(clock.clock)


def rule_of(clock: Clock, ticket: Ticket, names: Names) -> tuple[str, Pair]:
    """Give the rule that sets the limit: its kind, and in words."""
    category, severity = _what_it_was(clock, ticket)
    special = _special(clock, ticket, names)
    if special is not None:
        return special
    if clock.clock == "handle" and category is not None:
        code, condition = category.code, category.condition
        (zh, en), (name_zh, name_en) = names.condition(code, condition), names.category(code, category.name)
        return "condition", (f"{name_zh}的立案条件“{zh}”", f"the filing condition '{en}' of {name_en}")
    if clock.clock == "contact":
        return "contact", ("派单后须联系诉求人", "after an order the caller must be spoken with")
    grave = severity or "?"
    if clock.clock == LADDER and clock.cause == "rework":
        return "ladder", (f"多次返工后提级，严重程度 {grave} 级", f"told after one rework too many, severity {grave}")
    if clock.clock == LADDER and clock.cause and clock.cause != "severity":
        zh, en = names.clock(clock.cause)
        added = (f"{zh}超时后逐级升级，严重程度 {grave} 级", f"added after the {en} limit had passed, severity {grave}")
        return "ladder", added
    if clock.clock == LADDER:
        return "ladder", (f"严重程度 {grave} 级，直接升级", f"told at once, severity {grave}")
    if clock.clock in {"verify", "call-back"}:
        return "closing", ("结案规则", "the rules for closing")
    if clock.clock in {"accept", "dispatch"}:
        return "desk", ("值班岗位时限", "the limit for whoever is on duty")
    return "severity", (f"严重程度 {grave} 级", f"severity {grave}")


def _special(clock: Clock, ticket: Ticket, names: Names) -> tuple[str, Pair] | None:
    """Give the stage or the row of the profile that sets the limit, where one does."""
    order = ticket.orders.get(clock.order_id or "")
    if clock.clock == "handle" and order is not None and order.stage is not None and order.own_limit:
        name = order.stage.name
        return "stage", (f"步骤“{name.zh}”的时限", f"the limit of the stage '{name.en}'")
    row = _row(clock, ticket, names)
    if row is None:
        return None
    zh, en = _named_by(row, _what_it_was(clock, ticket)[0], ticket, names)
    return "row", (f"对{zh}的专门规定", f"the city's own limit for {en}")


def _what_it_was(clock: Clock, ticket: Ticket) -> tuple[CategoryRef | None, str]:
    """Give category and severity that set a clock's limit: those of the ticket, or that it had when the clock was over.

    What was breached keeps its limit whatever is corrected later.
    """
    over = clock.ended_at or (clock.due_at if clock.state == "breached" else None)
    past = next((each for each in ticket.past if over is not None and over < each.until), None)
    return (ticket.category, ticket.severity) if past is None else (past.category, past.severity)


def _row(clock: Clock, ticket: Ticket, names: Names) -> LimitRow | None:
    """Give the row of the profile's limits that set this one; None where its usual rule did."""
    category, severity = _what_it_was(clock, ticket)
    matter = Matter(
        severity=cast("Severity | None", severity or None),
        category=category.code if category else None,
        condition=category.condition if category else None,
        channel=ticket.channel or None,
        request=ticket.request or None,
    )
    rows = names.policy(clock.policy or ticket.profile_version, ticket.mode).content.clocks.limits
    row = next((each for each in rows if each.clock == clock.clock and each.fits(matter)), None)
    same = row is not None and (row.limit.amount, row.limit.unit) == (clock.limit.amount, clock.limit.unit)
    return row if same else None


def _named_by(row: LimitRow, category: CategoryRef | None, ticket: Ticket, names: Names) -> Pair:
    """Say what a row of limits asks for."""
    found: list[Pair] = []
    if row.requests:
        found.append(names.request(ticket.request))
    if row.channels:
        zh, en = CHANNELS.get(ticket.channel, (ticket.channel, ticket.channel))
        found.append((f"{zh}来件", f"what comes from {en}"))
    if category is not None and row.category != "*":
        found.append(names.category(category.code, category.name))
    if category is not None and row.condition is not None:
        zh, en = names.condition(category.code, category.condition)
        found.append((f"立案条件“{zh}”", f"the filing condition '{en}'"))
    if row.severities:
        found.append((f"严重程度 {ticket.severity} 级", f"severity {ticket.severity}"))
    return "、".join(zh for zh, _ in found) or "所有诉求", ", ".join(en for _, en in found) or "all reports"


def result_of(clock: Clock, names: Names) -> dict[str, Any] | None:
    """Give what became of a clock; None while it runs or rests."""
    if clock.ended_at is None and clock.state != "breached":
        return None
    zh, en = _end(clock, names) if clock.ended_at else ("已超时", "passed")
    return {"outcome": clock.state, "late_in_fact": clock.late_in_fact, "zh": zh, "en": en}


# ---------------------------------------------------------------- the sentence


def sentence(clock: Clock, time: Counted, ticket: Ticket, names: Names, now: datetime) -> Words:
    """Give the sentence."""
    clauses = [
        _head(clock, ticket, names),
        *_counting(clock, time, names),
        *_free_days(clock, time, names),
        *_pauses(clock, ticket, names),
        *_moves(clock, names),
        *_doubts(clock, time, names),
        _standing(clock, time, names, now),
    ]
    return Words(zh="；".join(zh for zh, _ in clauses) + "。", en="; ".join(en for _, en in clauses) + ".")


def _head(clock: Clock, ticket: Ticket, names: Names) -> Pair:
    (due_zh, due_en), (start_zh, start_en) = names.when(clock.due_at), names.when(clock.started_at)
    (limit_zh, limit_en), (name_zh, name_en) = names.span(clock.limit), name_of(clock, names)
    why_zh, why_en = rule_of(clock, ticket, names)[1]
    first_zh, first_en = f"{due_zh} 到期", f"Due {due_en}"
    if clock.rests:
        first_zh, first_en = "暂停中，暂无到期时间", "Paused, and not due meanwhile"
    cut_zh, cut_en = (
        ("，不晚于处置时限", ", but not after the handling limit") if _cut_short(clock, ticket) else ("", "")
    )
    return (
        f"{first_zh}：自 {start_zh} 起 {limit_zh}{cut_zh}（{name_zh}时限，{why_zh}）",
        f"{first_en}: {limit_en} from {start_en}{cut_en} for {name_en} ({why_en})",
    )


def _cut_short(clock: Clock, ticket: Ticket) -> bool:
    """Tell whether a signature is due with the handling, since that has the shorter limit."""
    return clock.clock == "sign" and any(
        other.clock == "handle"
        and other.order_id == clock.order_id
        and other.started_at == clock.started_at
        and clock.due_at in {other.first_due_at or other.due_at, *(move.new for move in other.moves)}
        and other.limit != clock.limit
        for other in ticket.clocks.values()
    )


def _counting(clock: Clock, time: Counted, names: Names) -> Iterator[Pair]:
    """Say how its unit is counted, where that is not plain."""
    calendar = time.calendar
    if calendar.always:
        if _days(clock.started_at, clock.due_at, names) > DAY:
            yield "夜间和节假日照计", "nights and holidays count"
    elif clock.limit.unit == "work_days" and calendar.rules.work_day == "whole":
        yield "当日不计", "the first day does not count"
    elif clock.limit.unit == "work_days":
        hours = f"{calendar.rules.work_day_hours:g}"
        yield f"1 个工作日为 {hours} 小时", f"a working day is {hours} h"


def _days(start: datetime, end: datetime, names: Names) -> timedelta:
    """Give how long the local days are that an interval touches."""
    try:
        return names.local(end).date() - names.local(start).date() + DAY
    except OverflowError:
        return DAY


# ---------------------------------------------------------------- days that do not count, and one that does


def _free_days(clock: Clock, time: Counted, names: Names) -> Iterator[Pair]:
    """Say which days do not count up to the limit; those that pass after it set nothing any more."""
    pieces = [each for each in time.segments if clock.rests or each.start < clock.due_at]
    if time.calendar.always or not pieces:
        return
    year = names.local(pieces[0].start).year
    holidays = _spells((each for each in pieces if each.kind in {"holiday", "off"}), names)
    for spell in holidays[:NAMED]:
        (zh, en), (dates_zh, dates_en) = spell.name, spell.dates(year)
        yield f"{zh}（{dates_zh}）不计", f"{en} ({dates_en}) does not count"
    if len(holidays) > NAMED:
        more = len(holidays) - NAMED
        yield f"另有 {more} 个节假日不计", f"{more} more holidays do not count"
    weekends = _spells((each for each in pieces if each.kind == "weekend"), names)
    if len(weekends) == 1:
        dates_zh, dates_en = weekends[0].dates(year)
        yield f"周末（{dates_zh}）不计", f"the weekend ({dates_en}) does not count"
    elif weekends:
        yield "周末不计", "weekends do not count"
    last = names.local(pieces[-1].end).date()
    days = [_date(day, year) for day in time.make_up if day <= last]
    if days:
        are = "is a make-up workday" if len(days) == 1 else "are make-up workdays"
        yield "、".join(days) + " 调休上班", " and ".join(days) + f" {are}"


class Spell(NamedTuple):
    """Days in a row that do not count, both included."""

    name: Pair
    first: date
    last: date

    def dates(self, year: int) -> Pair:
        """Give the days, with the year where it is not `year`."""
        first, last = _date(self.first, year), _date(self.last, year)
        return (first, first) if first == last else (f"{first} 至 {last}", f"{first} to {last}")


def _spells(pieces: Iterable[Segment], names: Names) -> list[Spell]:
    """Give the spells of pieces; a pause in the midst of one does not make it two."""
    out: list[Spell] = []
    for piece in pieces:
        first, last = names.local(piece.start).date(), names.local(piece.end - INSTANT).date()
        if out and out[-1].name == (piece.zh, piece.en) and first - out[-1].last <= DAY:
            out[-1] = out[-1]._replace(last=last)
        else:
            out.append(Spell((piece.zh, piece.en), first, last))
    return out


def _date(day: date, year: int) -> str:
    return f"{day:%m-%d}" if day.year == year else f"{day:%Y-%m-%d}"


# ---------------------------------------------------------------- what moved it


def _pauses(clock: Clock, ticket: Ticket, names: Names) -> Iterator[Pair]:
    for pause in clock.pauses:
        why_zh, why_en = names.reason(pause.reason)
        ended = pause.until or clock.ended_at
        if ended is not None:
            zh, en = names.duration(ended - pause.since, days=True)
            yield f"暂停 {zh}（{why_zh}）", f"paused {en} ({why_en})"
            continue
        (zh, en), held = names.when(pause.since), _held(clock, ticket, names)
        until = names.when(max(held.values())) if held else None
        until_zh, until_en = (f"，最迟至 {until[0]}", f" until {until[1]} at the latest") if until else ("", "")
        whys = [(why_zh, why_en), *(names.reason(reason) for reason in held if reason != pause.reason)]
        why_zh, why_en = "、".join(each for each, _ in whys), " and ".join(each for _, each in whys)
        yield f"自 {zh} 起暂停（{why_zh}）{until_zh}", f"paused since {en}{until_en} ({why_en})"


def _held(clock: Clock, ticket: Ticket, names: Names) -> dict[str, datetime]:
    """Give what lets a clock rest now, each with its end at the latest; two at once count once."""
    held, rules = {}, names.policy(clock.policy or ticket.profile_version, ticket.mode)
    order = ticket.orders.get(clock.order_id or "")
    if order is not None and order.suspension is not None and rules.rests(clock.duty, "suspended"):
        held[order.suspension.reason] = order.suspension.until
    if ticket.asked is not None and rules.rests(clock.duty, "caller"):
        held[CALLER] = ticket.asked.until
    return held


def _moves(clock: Clock, names: Names) -> Iterator[Pair]:
    extended = [move for move in clock.moves if move.why == "extended"]
    if extended:
        zh, en = names.when(extended[0].old)
        times = "once" if len(extended) == 1 else f"{len(extended)} times"
        yield f"已延期 {len(extended)} 次，延期前 {zh} 到期", f"extended {times}, before that due {en}"
    for move in clock.moves:
        if move.why not in TOLD:
            yield _moved(move, names)


def _moved(move: Move, names: Names) -> Pair:
    """Say what was before, and why it is otherwise now; of a clock that rests its length alone has changed."""
    (zh, en), (why_zh, why_en) = names.when(move.old), MOVES.get(move.why, (move.why, move.why))
    was_zh, was_en = (f"原到期 {zh}", f"was due {en}") if move.old != move.new else ("", "")
    if move.limit_was is not None:
        limit_zh, limit_en = names.span(move.limit_was)
        was_zh = f"原时限 {limit_zh}" + (f"、{was_zh}" if was_zh else "")
        was_en = (f"{was_en} by" if was_en else "had") + f" {limit_en}"
    if not was_zh:
        return f"因{why_zh}重算，到期不变", f"counted again since {why_en}, and due as before"
    return f"{was_zh}，因{why_zh}重算", f"{was_en}, counted again since {why_en}"


def _doubts(clock: Clock, time: Counted, names: Names) -> Iterator[Pair]:
    if clock.provisional:
        year = names.when(clock.due_at)[0][:4]
        yield f"暂定：{year} 年放假安排尚未公布", f"provisional, since the holidays of {year} are not published yet"
    if not time.present:
        was, now = clock.calendar, time.calendar.id
        yield (
            f"按工作日历 {was} 计算，现行配置已无此版本，分段按 {now} 显示",
            f"counted on the calendar {was}, which the profile no longer has: its pieces are shown by {now}",
        )


# ---------------------------------------------------------------- how it stands


def _standing(clock: Clock, time: Counted, names: Names, now: datetime) -> Pair:
    if clock.ended_at is not None:
        return _end(clock, names)
    left_zh, left_en = names.duration(time.left, days=time.calendar.always)
    left_zh, left_en = f"剩余 {left_zh}", f"{left_en} {'' if time.calendar.always else 'of working time '}left"
    if clock.rests:
        return left_zh, left_en
    if clock.state == "breached" or clock.due_at < now:
        return "已超时，责任仍在", "it has passed, and the duty stands"
    return (f"即将到期，{left_zh}", f"it is near: {left_en}") if clock.state == "warned" else (left_zh, left_en)


def _end(clock: Clock, names: Names) -> Pair:
    zh, en = names.when(clock.ended_at)
    if clock.late_in_fact:
        return f"已于 {zh} 按延期后的时限完成，实际已超原时限", f"met as extended at {en}, late in fact"
    return {
        "met": (f"已于 {zh} 按时完成", f"met at {en}"),
        "late": (f"已于 {zh} 超时完成", f"ended late, at {en}"),
        "breached": (f"已于 {zh} 超时，已再次升级或督办", f"passed without an answer, and was followed up at {en}"),
    }.get(clock.state, (f"已于 {zh} 取消", f"cancelled at {en}"))
