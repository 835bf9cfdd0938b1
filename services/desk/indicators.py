"""How well does the city answer? Every indicator with its definition, and what one ticket adds to each.

An indicator is a share or a mean: so many of so many. What a ticket adds is written as one word beside its view
(`figures`), the same word for all tickets that went the same way, so that a month is added up out of an index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from services.desk.domain import Order, Ticket
    from services.desk.names import Pair
    from shared import messages as m

Counted = Literal["closed", "reported"]
"""Which tickets a period has: those that were closed in it, or those that were reported in it, open ones too."""
UNITS: Final = "@"
"""Stands for all handlers that are territorial units or bodies of residents: they are told apart by place."""
NOBODY_YET: Final = "-"
BEST: Final = 5
"""The highest mark."""
WORKED: Final = frozenset({"solved", "unsolved", "forced", "self-settled"})
"""Outcomes of tickets that somebody was to work on."""
ENDED: Final = frozenset({"met", "late", "breached"})


class Count(NamedTuple):
    """So many of so many, of one handler: a department, all units (UNITS), or nobody yet."""

    who: str
    n: int
    of: int


class Beside(NamedTuple):
    """What is known of a closed ticket besides its view: its part of the three rates, and its conduct."""

    rates: Mapping[str, Mapping[str, int]]
    conduct: Mapping[str, int]
    rated: frozenset[str] = frozenset()
    """Bodies that a scorecard rates: counted by words of their own, UNITS and their id."""

    def who(self, handler: m.Handler | None) -> str:
        """Give by which word a handler is counted."""
        if handler is None:
            return NOBODY_YET
        if handler.kind == "department":
            return handler.id
        return UNITS + handler.id if handler.id in self.rated else UNITS


@dataclass(frozen=True, slots=True)
class Indicator:
    """A figure that the city is measured by, in words, and how a ticket is counted in it."""

    name: str
    title: Pair
    numerator: Pair
    denominator: Pair
    counted: Counted
    count: Callable[[Ticket, Beside], Iterable[Count]]
    value: Literal["share", "mean"] = "share"
    needs: Literal["", "whistles", "schedule", "items"] = ""
    """A field of the view without which it is not counted: most tickets have none of them."""


def is_of(who: str, asked: str) -> bool:
    """Whether what is counted under a word is asked for; UNITS asks for the bodies with words of their own too."""
    return asked in {"", who} or (asked == UNITS and who.startswith(UNITS))


# ---------------------------------------------------------------- how each is counted


def _clocks(ticket: Ticket, beside: Beside, name: str) -> Iterator[tuple[str, str, bool]]:
    """Give the handler, the state, and whether it was late in fact, of each clock of a name that counts."""
    for clock in ticket.clocks.values():
        if clock.clock == name and clock.state in ENDED:
            order = ticket.orders.get(clock.order_id or "")
            yield beside.who(order.handler if order else ticket.lead), clock.state, clock.late_in_fact


def _response(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    return (Count(handler, int(state == "met"), 1) for handler, state, _ in _clocks(ticket, beside, "sign"))


def _on_time(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    return (Count(handler, int(state == "met"), 1) for handler, state, _ in _clocks(ticket, beside, "handle"))


def _on_time_in_fact(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    return (
        Count(handler, int(state == "met" and not late), 1)
        for handler, state, late in _clocks(ticket, beside, "handle")
    )


def _rate(name: str) -> Callable[[Ticket, Beside], Iterator[Count]]:
    def count(ticket: Ticket, beside: Beside) -> Iterator[Count]:
        found = beside.rates.get(name)
        if found is not None:
            yield Count(beside.who(ticket.lead), found["n"], found["of"])

    return count


def _first_time(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    if ticket.outcome in WORKED:
        solved = ticket.outcome in {"solved", "self-settled"} and not ticket.reworked and not ticket.reopenings
        yield Count(beside.who(ticket.lead), int(solved), 1)


def _worked_on(ticket: Ticket) -> Iterator[Order]:
    return (order for order in ticket.orders.values() if order.role != "whistle")


def _returns(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    return (Count(beside.who(order.handler), int(order.state == "returned"), 1) for order in _worked_on(ticket))


def _rework(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for order in _worked_on(ticket):
        done = order.reworks + (order.state == "done")
        if done:
            yield Count(beside.who(order.handler), order.reworks, done)


def _extended(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    return (Count(beside.who(order.handler), int(order.extensions > 0), 1) for order in _worked_on(ticket))


def _reopened(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    if ticket.closings:
        yield Count(beside.who(ticket.lead), ticket.reopenings, ticket.closings)


def _rushed(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    handled = sum(1 for _ in _clocks(ticket, beside, "handle"))
    if handled:
        yield Count(beside.who(ticket.lead), beside.conduct.get("rushed", 0), handled)


def _self_settled(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    if ticket.outcome in WORKED:
        yield Count(beside.who(ticket.lead), int(ticket.outcome == "self-settled"), 1)


def _on_the_spot(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    settled = sum(outcome == "settled" for outcome in ticket.items.values())
    yield Count(beside.who(ticket.lead), settled, len(ticket.items))


def _owned(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    has = ticket.lead is not None or bool(ticket.waits_at) or ticket.closed_at is not None
    yield Count(beside.who(ticket.lead), int(has), 1)


def _answered(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    yield Count(beside.who(ticket.lead), int(ticket.closed_at is not None and bool(ticket.result.strip())), 1)


def _whistles(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    yield Count(beside.who(ticket.lead), len(ticket.whistles), 1)


def _whistle_answered(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        in_time = whistle.answered_at is not None and whistle.answered_at <= whistle.arrive_by
        yield Count(beside.who(ticket.lead), int(in_time), 1)


def _check_in(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        yield from (Count(beside.who(each), 1, 1) for each in whistle.came)
        yield from (Count(beside.who(each), 0, 1) for each in whistle.missing)


def _check_in_on_time(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        yield from (Count(beside.who(each), int(each not in whistle.late), 1) for each in whistle.came)
        yield from (Count(beside.who(each), 0, 1) for each in whistle.missing)


def _check_in_missed(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        yield from (Count(beside.who(each), 0, 1) for each in whistle.came)
        yield from (Count(beside.who(each), 1, 1) for each in whistle.missing)


def _whistle_quality(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        yield from (Count(beside.who(mark.handler), mark.score, 1) for mark in whistle.quality)


def _answer_quality(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    for whistle in ticket.whistles.values():
        yield from (Count(beside.who(mark.handler), mark.score, 1) for mark in whistle.marks)


def _whistle_score(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    """Multiply the two marks of whoever came; whoever stayed away has earned nothing, for the street neither."""
    for whistle in ticket.whistles.values():
        quality = {mark.handler: mark.score for mark in whistle.quality}
        for mark in whistle.marks:
            if mark.handler in quality and mark.handler not in whistle.missing:
                yield Count(beside.who(mark.handler), mark.score * quality[mark.handler], BEST * BEST)
        yield from (Count(beside.who(each), 0, BEST * BEST) for each in whistle.missing)


def _visits_held(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    held = any(order.role == "lead" and order.state == "done" for order in ticket.orders.values())
    yield Count(beside.who(ticket.lead), int(held), 1)


def _visits_missed(ticket: Ticket, beside: Beside) -> Iterator[Count]:
    missed = any(state in {"late", "breached"} for _, state, _ in _clocks(ticket, beside, "handle"))
    yield Count(beside.who(ticket.lead), int(missed), 1)


OVER: Final = (
    "已解决、未解决、强制结案或自治化解的工单",
    "tickets closed as solved, unsolved, by force or settled by residents",
)
DUE: Final = ("应处置的处置时限（已办结或已超时）", "handling limits that were met, missed or passed")
REPORTED: Final = ("受理的工单", "tickets reported")
RECEIVED: Final = ("主办和协办收到的派单", "orders that leads and assists have received")
CALLED: Final = ("被吹哨且已有结果的单位", "those called of whom it is known whether they came")
INDICATORS: Final[tuple[Indicator, ...]] = (
    Indicator(
        "response",
        ("响应率", "response rate"),
        ("按时签收的派单", "orders signed in time"),
        ("应签收的派单（已签收或已超时）", "orders that were signed or whose limit to sign has passed"),
        "closed",
        _response,
    ),
    Indicator(
        "solution",
        ("解决率", "solution rate"),
        ("其中结果为“已解决”的工单", "those of them closed as solved"),
        (
            "由人认定已解决、未解决或强制结案的工单；仅由规则核实的不计",
            "tickets that a person's word closed as solved, unsolved or by force; not those that a rule verified",
        ),
        "closed",
        _rate("solution"),
    ),
    Indicator(
        "satisfaction",
        ("满意率", "satisfaction rate"),
        ("评分为 4 或 5 的工单", "tickets rated 4 or 5"),
        ("有评分的工单；未联系上不等于满意，不计", "rated tickets; who could not be reached has rated nothing"),
        "closed",
        _rate("satisfaction"),
    ),
    Indicator(
        "on-time",
        ("按期处置率", "on-time rate"),
        ("按（延期后的）时限办结的处置", "handlings done within the limit as it stood, extensions included"),
        DUE,
        "closed",
        _on_time,
    ),
    Indicator(
        "on-time-in-fact",
        ("实际按期处置率", "on-time rate in fact"),
        ("按最初时限办结的处置，延期不计", "handlings done within the first limit, whatever was granted later"),
        DUE,
        "closed",
        _on_time_in_fact,
    ),
    Indicator(
        "first-time-solved",
        ("一次完成率", "first-time solved"),
        ("无返工、无重办即解决的工单", "tickets solved without rework and without being reopened"),
        OVER,
        "closed",
        _first_time,
    ),
    Indicator(
        "returns",
        ("退单率", "return rate"),
        ("被退回的派单", "orders that were returned"),
        RECEIVED,
        "closed",
        _returns,
    ),
    Indicator(
        "rework",
        ("返工率", "rework rate"),
        ("返工次数", "times that work had to be done again"),
        ("办结次数", "times that work was said to be done"),
        "closed",
        _rework,
    ),
    Indicator(
        "reopened",
        ("结案后重办率", "close-and-reopen rate"),
        ("重办次数", "reopenings"),
        ("结案次数", "closings"),
        "closed",
        _reopened,
    ),
    Indicator(
        "rushed",
        ("临限突击办结率", "done in a rush"),
        (
            "在时限最后一段内办结的处置（比例见 profile 的 closing.rush_share）",
            "handlings done in the last part of their limit (closing.rush_share of the profile)",
        ),
        DUE,
        "closed",
        _rushed,
    ),
    Indicator(
        "extended",
        ("延期率", "extension rate"),
        ("获准延期的派单", "orders whose limit was extended"),
        RECEIVED,
        "closed",
        _extended,
    ),
    Indicator(
        "self-settled",
        ("自治化解率", "self-settled share"),
        ("居民自治化解的工单", "tickets that residents settled themselves"),
        OVER,
        "closed",
        _self_settled,
    ),
    Indicator(
        "on-the-spot",
        ("现场解决率", "solved on the spot"),
        ("走访中当场解决的诉求", "matters settled at the visit"),
        ("已结束走访收集的诉求", "matters collected at visits that are over"),
        "closed",
        _on_the_spot,
        needs="items",
    ),
    Indicator(
        "owned",
        ("件件有人接", "owned share"),
        ("已有承办单位、待办岗位或已结案的工单", "tickets with a handler, waiting at somebody's desk, or closed"),
        REPORTED,
        "reported",
        _owned,
    ),
    Indicator(
        "answered",
        ("件件有答复", "answered share"),
        ("已结案且有书面答复的工单", "closed tickets with words for whoever asked"),
        REPORTED,
        "reported",
        _answered,
    ),
    Indicator(
        "whistles",
        ("吹哨率", "whistle rate"),
        ("吹哨次数", "whistles raised"),
        REPORTED,
        "reported",
        _whistles,
    ),
    Indicator(
        "whistles-answered",
        ("吹哨按时响应率", "whistles answered in time"),
        ("按时报到齐的吹哨", "whistles to which enough had come by the first limit"),
        ("吹哨次数", "whistles raised"),
        "reported",
        _whistle_answered,
        needs="whistles",
    ),
    Indicator(
        "check-in",
        ("报到率", "check-in rate"),
        ("已报到的单位", "those called who came"),
        CALLED,
        "reported",
        _check_in,
        needs="whistles",
    ),
    Indicator(
        "check-in-on-time",
        ("到场及时率", "on-time check-in rate"),
        ("按时到场的单位", "those called who came in time"),
        CALLED,
        "reported",
        _check_in_on_time,
        needs="whistles",
    ),
    Indicator(
        "check-in-missed",
        ("未报到率", "missed check-ins"),
        ("未报到的单位", "those called who did not come"),
        CALLED,
        "reported",
        _check_in_missed,
        needs="whistles",
    ),
    Indicator(
        "whistle-quality",
        ("吹哨质量", "whistle quality"),
        ("各单位对吹哨的评分之和（1 至 5）", "sum of the marks, 1 to 5, that those called gave the whistles"),
        ("评分次数", "marks given"),
        "reported",
        _whistle_quality,
        "mean",
        "whistles",
    ),
    Indicator(
        "answer-quality",
        ("报到质量", "answer quality"),
        ("吹哨方对报到的评分之和（1 至 5）", "sum of the marks, 1 to 5, that whoever whistled gave the answers"),
        ("评分次数", "marks given"),
        "reported",
        _answer_quality,
        "mean",
        "whistles",
    ),
    Indicator(
        "whistle-score",
        ("吹哨报到双评分", "whistle × answer score"),
        (
            "每个单位的吹哨评分 × 报到评分之和，未报到计 0",
            "sum over those called of whistle mark × answer mark; 0 for whoever did not come",
        ),
        ("双方均有评分或未报到的单位 × 25", "25 for each who has both marks or did not come"),
        "reported",
        _whistle_score,
        needs="whistles",
    ),
    Indicator(
        "visits-held",
        ("走访完成率", "visits held"),
        ("已完成的走访", "visits that were held"),
        ("计划的走访", "visits of the schedule"),
        "reported",
        _visits_held,
        needs="schedule",
    ),
    Indicator(
        "visits-missed",
        ("走访逾期率", "visits missed"),
        ("未按时限完成的走访", "visits that were not held within their limit"),
        ("计划的走访", "visits of the schedule"),
        "reported",
        _visits_missed,
        needs="schedule",
    ),
)
BY_NAME: Final = {each.name: each for each in INDICATORS}
_OF_ALL: Final = tuple(each for each in INDICATORS if each.counted == "reported")


# ---------------------------------------------------------------- what stands beside a view


def figures(ticket: Ticket, beside: Beside, *, is_open: bool) -> str:
    """Give what a ticket adds to all indicators, as one word: `;name=who:n/of,…;name=…;`."""
    if is_open and not (ticket.whistles or ticket.schedule):
        handler = beside.who(ticket.lead)
        has = int(handler != NOBODY_YET or bool(ticket.waits_at))
        return f";owned={handler}:{has}/1;answered={handler}:0/1;whistles={handler}:0/1;"
    said = []
    for each in _OF_ALL if is_open else INDICATORS:
        if each.needs and not getattr(ticket, each.needs):
            continue
        counts = list(each.count(ticket, beside))
        if counts:
            added = counts if len(counts) == 1 else _added(counts)
            said.append(f"{each.name}=" + ",".join(f"{handler}:{n}/{of}" for handler, n, of in added))
    return f";{';'.join(said)};"


def _added(counts: Iterable[Count]) -> list[Count]:
    """Give one count for each handler."""
    sums: dict[str, Count] = {}
    for each in counts:
        before = sums.get(each.who)
        sums[each.who] = each if before is None else Count(each.who, before.n + each.n, before.of + each.of)
    return list(sums.values())


def read(figures: str) -> dict[str, list[Count]]:
    """Give what stands in such a word."""
    found = {}
    for part in filter(None, figures.split(";")):
        name, _, counts = part.partition("=")
        found[name] = [_count(each) for each in counts.split(",")]
    return found


def _count(text: str) -> Count:
    handler, _, numbers = text.rpartition(":")
    n, _, of = numbers.partition("/")
    return Count(handler, int(n), int(of))


def pattern(name: str, department: str, *, numerator: bool) -> str:
    """Give the regular expression for the words of tickets that add to an indicator."""
    handler = re.escape(department) + ("[^;,:]*" if department == UNITS else "") or "[^;,:]+"
    return rf";{name}=([^;]+,)?{handler}:" + ("[1-9]" if numerator else "[0-9]")
