"""Are the indicators what a recount of the log gives, for any life of a ticket?"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.indicators import indicators
from deploy.cli.output import Commands
from services.desk.figures import FigureQuery, harmless, period
from services.desk.indicators import BY_NAME, INDICATORS, UNITS, pattern, read
from services.desk.store import searchable
from shared import messages as m
from shared.http import Problem
from shared.ids import order_id
from shared.profile import parse_profile
from tests.unit.desk.lives import HOUR, POLICE, START, WATER, Life
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.decider import Message

PROFILE = parse_profile(SMALL, "small.yaml")
FIELDS = searchable(PROFILE)
COMMUNITY = m.Handler(kind="unit", id="100000001001")
HANDLERS = (POLICE, WATER, COMMUNITY)
ZONE = ZoneInfo(PROFILE.zone)
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CLI = typer.Typer(cls=Commands)
CLI.command()(indicators)
CLI.command("other")(lambda: None)
Sums = dict[tuple[str, str], tuple[int, int]]
"""Indicator and handler -> so many of so many."""


def who(handler: m.Handler) -> str:
    """Give the word by which a handler is counted."""
    return handler.id if handler.kind == "department" else UNITS


class RandomLife(Life):
    """Lives as chance has it: returns, rework, whistles, items of a visit, extensions, reopenings."""

    def __init__(self, chance: random.Random) -> None:
        """Report it; a visit now and then."""
        super().__init__(str(chance.random()))
        self.chance, self.orders, self.whistles = chance, 0, 0
        visit = chance.random() < 0.2
        said = {"schedule": "office-day", "phase": chance.choice(["visit", "follow-up"]), "day": "2026-11-22"}
        self.reported(**({"channel": "visit", "attributes": said} if visit else {}))
        self.visit = visit and said["phase"] == "visit"

    def live(self) -> RandomLife:
        """Go on to some point."""
        if self.chance.random() < 0.1:
            return self
        self.triaged()
        if self.chance.random() < 0.1:
            return self
        handler = self.lead()
        for _ in range(self.chance.randrange(3)):
            self.whistle()
        if self.chance.random() < 0.3:
            for number in range(self.chance.randrange(1, 5)):
                outcome: Any = self.chance.choice(["settled", "explained", "ticket"])
                self.fact(m.ItemAdded(item=f"I{number}", outcome="open"))
                self.fact(m.ItemSettled(item=f"I{number}", outcome=outcome, by="王"))
        if self.chance.random() < 0.15:
            return self
        return self.finished(handler)

    def lead(self) -> m.Handler:
        """Find somebody who keeps it."""
        handler = self.chance.choice(HANDLERS)
        self.orders += 1
        self.issued(self.orders, handler)
        while self.chance.random() < 0.3:
            back = m.OrderReturned(
                order_id=order_id(self.ticket, self.orders), handler=handler, reason="not-ours", goes_to="triage",
                returns=self.orders,
            )  # fmt: skip
            self.fact(back).stopped("sign", self.orders, "cancelled").stopped("handle", self.orders, "cancelled")
            handler = self.chance.choice(HANDLERS)
            self.orders += 1
            self.issued(self.orders, handler)
        if self.chance.random() < 0.9:
            self.signed(self.orders, handler)
        if self.chance.random() < 0.2:
            self.extended(self.orders)
        return handler

    def stopped(self, clock: str, number: int = 1, outcome: Any = "met") -> Life:
        """A clock ended, in time or not."""
        late = outcome == "met" and self.chance.random() < 0.3
        fact = self.chance.random() < 0.2
        stop = m.ClockStop(
            clock=clock, token=f"{clock}-{number}", outcome="late" if late else outcome, late_in_fact=fact and not late
        )
        return self.fact(m.ClocksStopped(clocks=(stop,)))

    def whistle(self) -> None:
        """Departments are called; some come, and marks are given or not."""
        self.whistles += 1
        called = tuple(self.chance.sample(HANDLERS, self.chance.randrange(1, 4)))
        limit = self.now + timedelta(minutes=self.chance.choice([0, 9]))
        at = self.now
        self.fact(
            m.WhistleRaised(
                whistle=self.whistles, situation="s", unit=COMMUNITY.id, called=called, enough=1, at=at,
                arrive_by=limit, arrive_limit=HOUR, calendar="always", by="甲",
            )
        )  # fmt: skip
        came = tuple(each for each in called if self.chance.random() < 0.6)
        if came and self.chance.random() < 0.8:
            self.fact(m.WhistleAnswered(whistle=self.whistles, came=came, at=at + timedelta(minutes=3)))
        if self.chance.random() < 0.2:
            return
        marks = tuple(m.Mark(handler=each, score=self.chance.randrange(1, 6)) for each in came[:2])
        quality = tuple(m.Mark(handler=each, score=self.chance.randrange(1, 6)) for each in came[1:])
        late = tuple(each for each in came if self.chance.random() < 0.3)
        missing = tuple(each for each in called if each not in came)
        self.fact(
            m.WhistleEnded(
                whistle=self.whistles, situation="s", unit=COMMUNITY.id, result="好", came=came, late=late,
                missing=missing, marks=marks, quality=quality, by="甲",
            )
        )  # fmt: skip

    def finished(self, handler: m.Handler) -> RandomLife:
        """It is done, and done again, and closed, and perhaps not for good."""
        self.done(self.orders, handler)
        for nth in range(self.chance.choice([0, 0, 0, 1, 2])):
            number = order_id(self.ticket, self.orders)
            self.fact(m.ReworkOrdered(order_id=number, reason="脏", by="甲", reworks=nth + 1))
            by = self.now + timedelta(hours=1)
            again = m.OrderReworked(
                order_id=number, handler=handler, reason="脏", handle_by=by, handle_limit=HOUR, warn_share=0.8,
                attempt=nth + 2,
            )  # fmt: skip
            self.fact(again).done(self.orders, handler)
        rated = self.chance.random() < 0.5
        if rated:
            self.fact(m.CalledBack(reached=True, solved=True, rating=self.chance.randrange(1, 6), by="甲"))
        outcome: Any = self.chance.choice(["solved", "solved", "unsolved", "forced", "self-settled", "withdrawn"])
        closing = m.TicketClosed(
            outcome=outcome,
            result=self.chance.choice(["", "已办结"]),
            by=self.chance.choice(["甲", "gridcall"]),
            closings=1 + sum(isinstance(each.data, m.TicketReopened) for each in self.messages),
        )
        self.fact(closing)
        if self.chance.random() < 0.2:
            times = sum(isinstance(each.data, m.TicketReopened) for each in self.messages) + 1
            self.fact(m.TicketReopened(reason="又坏了", reopenings=times))
            self.orders += 1
            self.issued(self.orders, handler).signed(self.orders, handler)
            if self.chance.random() < 0.7:
                return self.finished(handler)
        return self


@dataclass
class Recount:
    """Counts from the log alone, in another way than the views: one pass over a ticket's facts, no state kept."""

    said: list[m.Body]
    sums: Sums = field(default_factory=dict)

    def of(self, kind: type[Any]) -> list[Any]:
        """Give the facts of a kind."""
        return [each for each in self.said if isinstance(each, kind)]

    def add(self, name: str, handler: str, n: int, of: int = 1) -> None:
        """Count."""
        before = self.sums.get((name, handler), (0, 0))
        self.sums[name, handler] = (before[0] + n, before[1] + of)

    def count(self) -> Sums:
        """Count everything."""
        orders = {each.order_id: who(each.handler) for each in self.of(m.OrderIssued)}
        lead = who(self.of(m.OrderIssued)[-1].handler) if orders else who(POLICE)
        if not self.of(m.TicketTriaged):
            lead = "-"
        ends = [i for i, each in enumerate(self.said) if isinstance(each, m.TicketClosed | m.TicketReopened)]
        closing = self.said[ends[-1]] if ends and isinstance(self.said[ends[-1]], m.TicketClosed) else None
        self._of_all(lead, closing)
        if isinstance(closing, m.TicketClosed):
            self._of_closed(orders, lead, closing)
        return self.sums

    def _of_all(self, lead: str, closing: m.Body | None) -> None:
        self.add("owned", lead, int(lead != "-"))
        words = [each.detail or each.result for each in self.of(m.OrderDone)] + [
            each.result for each in self.of(m.TicketClosed)
        ]
        self.add("answered", lead, int(closing is not None and any(words)))
        raised = {each.whistle: each for each in self.of(m.WhistleRaised)}
        self.add("whistles", lead, len(raised))
        answered = {each.whistle: each for each in self.of(m.WhistleAnswered)}
        ended = {each.whistle: each for each in self.of(m.WhistleEnded)}
        for number, whistle in raised.items():
            came_at = answered[number].at if number in answered else None
            self.add("whistles-answered", lead, int(came_at is not None and came_at <= whistle.arrive_by))
            known = ended.get(number)
            came = known.came if known else answered[number].came if number in answered else ()
            missing, late = (known.missing, known.late) if known else ((), ())
            for each in (*came, *missing):
                self.add("check-in", who(each), int(each in came))
                self.add("check-in-on-time", who(each), int(each in came and each not in late))
                self.add("check-in-missed", who(each), int(each in missing))
            self._marks(known, missing)
        if self.of(m.TicketReported)[0].attributes.get("phase") == "visit":
            done = bool(self.of(m.OrderDone)) and (
                not isinstance(self._last_of_order(), m.OrderReworked | m.OrderIssued | m.OrderSigned)
                or any(order in self._done() for order in {each.order_id for each in self.of(m.OrderDone)})
            )
            self.add("visits-held", lead, int(done))
            stops = [each for said in self.of(m.ClocksStopped) for each in said.clocks if each.clock == "handle"]
            last = {each.token: each.outcome for each in stops}
            self.add("visits-missed", lead, int("late" in last.values()))

    def _last_of_order(self) -> m.Body:
        about = (m.OrderIssued, m.OrderSigned, m.OrderDone, m.OrderReworked, m.OrderReturned)
        return next(each for each in reversed(self.said) if isinstance(each, about))

    def _done(self) -> set[str]:
        """Give the orders that are done and were not reworked after it."""
        done: set[str] = set()
        for each in self.said:
            if isinstance(each, m.OrderDone):
                done.add(each.order_id)
            elif isinstance(each, m.OrderReworked):
                done.discard(each.order_id)
        return done

    def _marks(self, known: m.WhistleEnded | None, missing: tuple[m.Handler, ...]) -> None:
        marks = {each.handler: each.score for each in known.marks} if known else {}
        quality = {each.handler: each.score for each in known.quality} if known else {}
        for handler, score in quality.items():
            self.add("whistle-quality", who(handler), score)
        for handler, score in marks.items():
            self.add("answer-quality", who(handler), score)
        for handler in marks.keys() & quality.keys():
            self.add("whistle-score", who(handler), marks[handler] * quality[handler], 25)
        for handler in missing:
            self.add("whistle-score", who(handler), 0, 25)

    def _of_closed(self, orders: dict[str, str], lead: str, closing: m.TicketClosed) -> None:
        for start in self.of(m.ClocksStarted):
            for clock in start.clocks:
                stops = [stop for said in self.of(m.ClocksStopped) for stop in said.clocks if stop.token == clock.token]
                if not stops or stops[-1].outcome == "cancelled":
                    continue
                met, handler = stops[-1].outcome == "met", orders[clock.order_id or ""]
                if clock.clock == "sign":
                    self.add("response", handler, int(met))
                else:
                    self.add("on-time", handler, int(met))
                    self.add("on-time-in-fact", handler, int(met and not stops[-1].late_in_fact))
                    self.add("rushed", lead, 0)
        told = closing.outcome in {"solved", "unsolved", "forced"} and closing.by != "gridcall"
        if told:
            self.add("solution", lead, int(closing.outcome == "solved"))
        since = max((i for i, each in enumerate(self.said) if isinstance(each, m.TicketReopened)), default=0)
        ratings = [each.rating for each in self.said[since:] if isinstance(each, m.CalledBack) and each.rating]
        if ratings:
            self.add("satisfaction", lead, int(ratings[-1] >= 4))
        if closing.outcome in {"solved", "unsolved", "forced", "self-settled"}:
            again = self.of(m.ReworkOrdered) or self.of(m.TicketReopened)
            well = closing.outcome in {"solved", "self-settled"} and not again
            self.add("first-time-solved", lead, int(well))
            self.add("self-settled", lead, int(closing.outcome == "self-settled"))
        self.add("reopened", lead, len(self.of(m.TicketReopened)), len(self.of(m.TicketClosed)))
        for ident, handler in orders.items():
            self.add("returns", handler, sum(each.order_id == ident for each in self.of(m.OrderReturned)))
            self.add("extended", handler, int(any(each.order_id == ident for each in self.of(m.OrderExtended))))
            done = sum(each.order_id == ident for each in self.of(m.OrderDone))
            if done:
                self.add("rework", handler, sum(each.order_id == ident for each in self.of(m.OrderReworked)), done)
        outcomes: dict[str, str] = {each.item: each.outcome for each in self.of(m.ItemSettled)}
        if outcomes:
            self.add("on-the-spot", lead, list(outcomes.values()).count("settled"), len(outcomes))


def recounted(messages: list[Message]) -> Sums:
    """Give what a ticket's facts add to all indicators."""
    return Recount([each.data for each in messages]).count()


@pytest.mark.parametrize("seed", range(8))
def test_every_indicator_is_a_recount_of_the_log(seed: int) -> None:
    """What is said beside the views, added up, is what the facts say: by indicator and by handler."""
    chance = random.Random(seed)  # noqa: S311 - lives, not secrets
    ours: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    theirs: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for _ in range(120):
        life = RandomLife(chance).live()
        for name, counts in read(FIELDS(life.view())["figures"]).items():
            for each in counts:
                ours[name, each.who][0] += each.n
                ours[name, each.who][1] += each.of
        for key, (n, of) in recounted(life.messages).items():
            theirs[key][0] += n
            theirs[key][1] += of
    rushed = {key for key in ours if key[0] == "rushed"}  # its numerator follows from the calendar: conduct's tests
    for key in rushed:
        ours[key][0] = 0
    assert ours == theirs
    assert {name for name, _ in ours} == set(BY_NAME)


def test_what_longgang_collected_and_solved() -> None:
    """居民谈心: 2,115 collected, 1,802 solved, which is 85.2 %."""
    life = Life().reported(channel="visit").triaged().issued().signed()
    for number in range(2115):
        life.fact(m.ItemAdded(item=f"I{number}", outcome="settled" if number < 1802 else "explained"))
    ticket = life.done().closed().view()
    [count] = read(FIELDS(ticket)["figures"])["on-the-spot"]
    assert (count.n, count.of) == (1802, 2115)
    assert round(count.n / count.of, 3) == 0.852


def test_an_assist_and_residents_are_told_apart_from_the_lead() -> None:
    """Each order counts for its own handler."""
    life = Life().reported().triaged().issued().issued(2, WATER, "assist").signed().signed(2, WATER)
    found = read(FIELDS(life.done(2, WATER).done().closed().view())["figures"])
    assert {each.who for each in found["returns"]} == {"police", "water"}


def test_every_indicator_says_what_it_is_in_both_languages() -> None:
    """Title, numerator and denominator; names are words of a URL."""
    for each in INDICATORS:
        for zh, en in (each.title, each.numerator, each.denominator):
            assert any("\u4e00" <= letter <= "\u9fff" for letter in zh)
            assert en.isascii() or "×" in en
        assert each.name.replace("-", "").isalpha()
    assert len(BY_NAME) == len(INDICATORS)


def test_a_pattern_finds_what_adds_to_a_figure() -> None:
    """By handler, and only what is more than nothing for the numerator."""
    import re  # noqa: PLC0415 - of this test alone

    text = ";response=a:1/1,ab.c:0/2;returns=b:0/1;"
    assert re.search(pattern("response", "", numerator=True), text)
    assert re.search(pattern("response", "ab.c", numerator=False), text)
    assert not re.search(pattern("response", "ab.c", numerator=True), text)
    assert not re.search(pattern("response", "b.c", numerator=False), text)
    assert not re.search(pattern("returns", "", numerator=True), text)
    assert not re.search(pattern("response", "b", numerator=False), text)


@pytest.mark.parametrize(
    ("given", "first", "after"),
    [
        ({"period": "2026-11-22"}, "2026-11-22", "2026-11-23"),
        ({"period": "2026-W47"}, "2026-11-16", "2026-11-23"),
        ({"period": "2026-12"}, "2026-12-01", "2027-01-01"),
        ({"from": "2026-11-01", "to": "2026-11-02"}, "2026-11-01", "2026-11-03"),
    ],
)
def test_periods_are_days_of_the_city(given: dict[str, str], first: str, after: str) -> None:
    """The last day belongs to it."""
    begin, end = period(FigureQuery.model_validate(given), ZONE, NOW)
    assert (begin.astimezone(ZONE).isoformat()[:16], end.astimezone(ZONE).isoformat()[:16]) == (
        f"{first}T00:00",
        f"{after}T00:00",
    )


@pytest.mark.parametrize(
    "given",
    [
        {"period": "2026-13"},
        {"period": "2026-W60"},
        {"period": "2026-11-31"},
        {"period": "2026-11", "from": "2026-11-01"},
        {"from": "2026-11-22T08:00"},
        {"from": "2026-11-23", "to": "2026-11-20"},
        {"from": "1999-01-01"},
        {"to": "0001-01-01"},
        {"to": "9999-12-31"},
    ],
)
def test_a_period_that_is_none_is_refused_with_what_to_write(given: dict[str, str]) -> None:
    """A 422 that names the parameter."""
    with pytest.raises(Problem) as refused:
        period(FigureQuery.model_validate(given), ZONE, NOW)
    assert refused.value.status == 422
    assert refused.value.errors[0]["pointer"] in {"/period", "/from", "/to"}


def test_no_field_of_a_table_is_a_formula() -> None:
    """A spreadsheet shows it."""
    assert harmless("=1+1") == "'=1+1"
    assert harmless("@SUM(A1)") == "'@SUM(A1)"
    assert harmless("-2") == "'-2"
    assert harmless("+86") == "'+86"
    assert harmless("楼顶") == "楼顶"
    assert harmless(-2) == -2
    assert harmless(START) == START.isoformat()


def test_open_tickets_count_only_in_what_is_counted_of_all() -> None:
    """Nothing is said of how well an open ticket was served."""
    open_ = set(read(FIELDS(Life().reported().triaged().issued().view())["figures"]))
    assert open_ == {"owned", "answered", "whistles"}
    assert all(BY_NAME[name].counted == "reported" for name in open_)


SHOWN = {
    "name": "response", "title": {"zh": "响应率", "en": "response rate"}, "kind": "share", "counted": "closed",
    "definition": {part: {"zh": "甲", "en": "a"} for part in ("numerator", "denominator")},
    "numerator": 3, "denominator": 4, "value": 0.75,
}  # fmt: skip


def asked(monkeypatch: pytest.MonkeyPatch, answer: Any, status: int = 200) -> list[tuple[str, dict[str, str]]]:
    """Let an answer stand for the desk's; gives what it is asked."""
    calls: list[tuple[str, dict[str, str]]] = []

    def request(method: str, url: str, params: dict[str, str], **_more: Any) -> httpx.Response:
        calls.append((httpx.URL(url).path, params))
        body: Any = {"text": answer} if isinstance(answer, str) else {"json": answer}
        return httpx.Response(status, request=httpx.Request(method, url), **body)

    monkeypatch.setattr(httpx, "request", request)
    return calls


def test_the_command_shows_all_or_one_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table, a definition, and shares in percent."""
    span = {"from": "2026-11-15T16:00:00+00:00", "to": "2026-11-22T16:00:00+00:00", "zone": "Asia/Shanghai"}
    calls = asked(monkeypatch, span | {"indicators": [SHOWN]})
    result = CliRunner().invoke(CLI, ["indicators", "--unit", "511802", "--from", "2026-11-16", "--to", "2026-11-22"])
    assert result.exit_code == 0, result.output
    assert "2026-11-16 00:00 – 2026-11-23 00:00 Asia/Shanghai" in result.output  # as the city's clocks show it
    assert calls == [("/v1/indicators", {"unit": "511802", "from": "2026-11-16", "to": "2026-11-22"})]
    group = {"key": "water", "name": {"zh": "供水", "en": "Water"}, "numerator": 0, "denominator": 0, "value": None}
    calls = asked(monkeypatch, SHOWN | span | {"group_by": "department", "groups": [group]})
    assert CliRunner().invoke(CLI, ["indicators", "response", "--by", "department"]).exit_code == 0
    assert calls == [("/v1/indicators/response", {"group_by": "department"})]


def test_the_command_prints_tables_and_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """CSV as the desk gives it; an unknown unit exits 2, groups of nothing too."""
    asked(monkeypatch, "name,zh\r\nresponse,响应率\r\n")
    assert CliRunner().invoke(CLI, ["indicators", "--csv"]).output.splitlines()[1] == "response,响应率"
    asked(monkeypatch, {"detail": "unit: the profile has no unit 'x'"}, 422)
    assert CliRunner().invoke(CLI, ["indicators", "--csv", "--unit", "x"]).exit_code == 2
    assert CliRunner().invoke(CLI, ["indicators", "--by", "unit"]).exit_code == 2
