"""Whose rules hold for a ticket, and what do they say: limits, warnings, pauses, corrections, another version?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.messages import (
    AskCaller,
    CategoryRef,
    ClocksPaused,
    ClocksRecalculated,
    ClockWarned,
    CommandRefused,
    InformationRequested,
    InformationWaitEnded,
    Location,
    MessageReceived,
    OrderProgressed,
    PolicyApplied,
    RecountClocks,
    SupervisionRepeated,
    TicketAmended,
    TicketEscalated,
)
from shared.profile import Matter
from tests.support.fold import MORNING
from tests.unit.sla.cities import CITY, OFFICE_CITY, STREET, at, city
from tests.unit.sla.ladder import CREW, GRID, LEAK, Ticket, minutes, names, span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from services.sla.domain.state import Running
    from shared.profile import Profile

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def audited(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test does, the auditor agrees with it at the end."""
    made: list[Ticket] = []
    begin = Ticket.__init__

    def remembered(ticket: Ticket, *args: Any, **given: Any) -> None:
        begin(ticket, *args, **given)
        made.append(ticket)

    monkeypatch.setattr(Ticket, "__init__", remembered)
    yield
    for ticket in made:
        ticket.live(timedelta(0))
        assert [found for found in ticket.findings() if found.kind != "late"] == []


CALM = {severity: f"{amount} urgent_hours" for severity, amount in (("I", 2), ("II", 3), ("III", 4), ("IV", 5))}
RICH = city(
    "rich",
    **{
        "clocks.contact": "24 urgent_hours",
        "clocks.total": {
            "I": "10 urgent_hours",
            "II": "20 urgent_hours",
            "III": "30 urgent_hours",
            "IV": "40 urgent_hours",
        },
        "clocks.limits": [
            {"clock": "contact", "channels": ["app"], "limit": "2 urgent_hours"},
            {"clock": "total", "requests": ["consultation"], "severities": ["IV"], "limit": "5 urgent_hours"},
            {"clock": "handle", "category": "05*", "requests": ["complaint"], "limit": "8 urgent_hours"},
            {"clock": "accept", "channels": ["hotline"], "limit": "10 minutes"},
        ],
        "clocks.accept": "30 minutes",
        "clocks.warnings": {"handle": [0.5, 0.8, "6 minutes"], "total": []},
    },
)


def running(ticket: Ticket, clock: str, level: str | None = None) -> Running:
    """Give the one clock of this name that runs."""
    (found,) = [one for one in ticket.fold.state().clocks if (one.start.clock, one.start.level) == (clock, level)]
    return found


def amend(ticket: Ticket, **changes: Any) -> list[Any]:
    """Let dispatch say that the ticket was corrected."""
    fields: dict[str, Any] = {
        "order_id": "T-1",
        "handler": CREW,
        "category": LEAK,
        "old_category": LEAK,
        "severity": "IV",
        "old_severity": "IV",
        "place": Location(unit=GRID),
        "old_place": Location(unit=GRID),
        "level": "grid",
        "unit": GRID,
        "calendar": "always",
        "by": "Zhou",
        "reason": "wrong at first",
    }
    fields |= changes
    limits = ticket.profile.limits(fields["category"].code, fields["category"].condition, fields["severity"])
    for name, limit in (("sign_limit", limits.sign), ("handle_limit", limits.handle)):
        fields[name] = span(f"{limit.amount} {limit.unit}")
    return ticket.read(TicketAmended(**fields))


def of_type(said: list[Any], kind: type) -> list[Any]:
    """Give the facts of a type."""
    return [fact for fact in said if isinstance(fact, kind)]


# ---------------------------------------------------------------- limits


@pytest.mark.parametrize(
    ("clock", "matter", "limit"),
    [
        ("contact", Matter("IV", "0501", "leak"), "24 urgent hours"),
        ("contact", Matter("IV", "0501", "leak", "app"), "2 urgent hours"),
        ("total", Matter("IV", request="consultation"), "5 urgent hours"),
        ("total", Matter("III", request="consultation"), "30 urgent hours"),
        ("handle", Matter("IV", "0501", "leak"), "1 urgent hour"),
        ("handle", Matter("IV", "0501", "leak", request="complaint"), "8 urgent hours"),
        ("handle", Matter("IV", "0101", "built", request="complaint"), "15 work days"),
        ("accept", Matter(channel="hotline"), "10 minutes"),
        ("accept", Matter(channel="app"), "30 minutes"),
    ],
)
def test_a_limit_follows_from_condition_severity_channel_and_request(clock: str, matter: Matter, limit: str) -> None:
    """The first row that fits, else what the clock's own setting says."""
    assert str(RICH.policy.limit(clock, matter)) == limit


def test_contact_begins_with_the_order_where_the_caller_can_be_reached() -> None:
    """Its limit is the channel's; whoever says that they spoke with the caller ends it, a mere note does not."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", reachable=True, channel="app")
    assert running(ticket, "contact").due_at == MORNING + 2 * HOUR
    assert names(ticket.read(OrderProgressed(order_id="T-1", note="on our way"))) == []
    assert names(ticket.read(OrderProgressed(order_id="T-1", progress="contact"))) == ["stopped contact met"]
    unreachable = Ticket(RICH)
    unreachable.issue(severity="IV")
    assert {one.start.clock for one in unreachable.fold.state().clocks} == {"sign", "handle", "total"}


def test_contact_that_nobody_made_warns_breaches_and_climbs() -> None:
    """As every clock does; what is done without it ends it."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", handle="40 urgent_hours", reachable=True, channel="app")
    ticket.sign()
    said = names(ticket.live(2 * HOUR))
    assert said[:3] == ["clock-warned contact", "clock-breached contact", "escalated community"]
    assert names(ticket.do()) == ["stopped handle met, contact late, ladder cancelled"]


# ---------------------------------------------------------------- warnings


def test_a_clock_warns_as_often_as_its_profile_says() -> None:
    """At half of an hour, at four fifths, and six minutes before its end; each once, then the breach."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", sign="50 minutes")
    ticket.sign()
    handle = running(ticket, "handle")
    assert handle.warnings == (MORNING + minutes(30), MORNING + minutes(48), MORNING + minutes(54))
    warned = [
        (fact.nth, ticket.now - MORNING) for _ in range(54) for fact in of_type(ticket.live(minutes(1)), ClockWarned)
    ]
    assert warned == [(1, minutes(30)), (2, minutes(48)), (3, minutes(54))]
    assert names(ticket.live(minutes(6)))[0] == "clock-breached handle"


def test_after_an_outage_every_warning_that_was_due_comes_and_none_twice() -> None:
    """All three and the breach at one wake-up, in order."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", sign="50 minutes")
    ticket.sign()
    said = ticket.wait(2 * HOUR)
    assert [fact.nth for fact in of_type(said, ClockWarned) if fact.clock == "handle"] == [1, 2, 3]
    assert names(said).count("clock-breached handle") == 1


def test_a_warning_that_was_given_is_not_given_again_when_the_limit_moves() -> None:
    """An extension moves the second and third; the first stays given."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", sign="50 minutes")
    ticket.sign()
    ticket.live(minutes(40))
    ticket.extend(HOUR)
    assert running(ticket, "handle").warned == 1
    warned = [fact.nth for fact in of_type(ticket.live(minutes(79)), ClockWarned)]
    assert warned == [2, 3]


# ---------------------------------------------------------------- waiting for the caller


def ask(ticket: Ticket, **given: Any) -> list[Any]:
    """Ask the caller."""
    return ticket.read(AskCaller(**({"by": "Zhou", "question": "Which house?"} | given)))


def answer(ticket: Ticket) -> list[Any]:
    """Let the caller answer."""
    return ticket.read(MessageReceived(message_id="m", message_kind="answer", text="Number 3", received_at=ticket.then))


def test_handling_rests_until_the_caller_answers_and_the_whole_does_not() -> None:
    """Exactly the rest of the time is left; sign and total run on."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV")
    ticket.sign()
    ticket.live(minutes(20))
    said = ask(ticket)
    assert [type(fact) for fact in said] == [InformationRequested, ClocksPaused]
    assert said[1].tokens == (running(ticket, "handle").start.token,)
    ticket.live(3 * HOUR)
    said = answer(ticket)
    (ended,), (again,) = of_type(said, InformationWaitEnded), of_type(said, ClocksRecalculated)
    assert (ended.why, again.why) == ("answered", "answered")
    assert running(ticket, "handle").due_at == ticket.now + minutes(40)
    assert running(ticket, "total").due_at == MORNING + 40 * HOUR
    assert answer(ticket) == []


def test_an_answer_that_never_comes_ends_the_wait_at_its_instant() -> None:
    """However late that is noticed; then the clock has run on since, and its breach follows."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV")
    ticket.sign()
    ask(ticket, until=ticket.now + HOUR)
    said = ticket.wait(4 * HOUR)
    (ended,) = of_type(said, InformationWaitEnded)
    assert (ended.why, ended.at) == ("expired", MORNING + HOUR)
    assert "clock-breached handle" in names(said)


def test_a_suspension_and_a_question_that_overlap_count_once() -> None:
    """Asked, suspended, answered, resumed: it rests from the question to the resumption."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV")
    ticket.sign()
    ticket.live(minutes(10))
    ask(ticket)
    ticket.live(minutes(30))
    ticket.suspend()
    ticket.live(minutes(30))
    assert of_type(answer(ticket), ClocksRecalculated) == []
    assert running(ticket, "handle").resting
    ticket.live(minutes(30))
    ticket.resume()
    assert running(ticket, "handle").due_at == ticket.now + minutes(50)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"by": " "}, "no-name"),
        ({"question": ""}, "no-question"),
        ({"until": MORNING - HOUR}, "bad-until"),
        ({"until": MORNING + timedelta(days=400)}, "bad-until"),
    ],
)
def test_a_question_that_may_not_be_asked_is_refused(given: dict[str, Any], reason: str) -> None:
    """With a sentence that says what to change; nothing rests."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV")
    (refused,) = ask(ticket, **given)
    assert isinstance(refused, CommandRefused)
    assert refused.reason == reason
    assert not running(ticket, "handle").resting


def test_nobody_stops_a_clock_by_asking_again_and_again() -> None:
    """One question at a time, two in all, none on a ticket without a clock that may rest."""
    ticket = Ticket(RICH)
    assert ask(ticket)[0].reason == "nothing-rests"
    ticket.issue(severity="IV")
    ask(ticket)
    assert ask(ticket)[0].reason == "already-asked"
    answer(ticket)
    ask(ticket)
    answer(ticket)
    assert ask(ticket)[0].reason == "too-many"


def test_who_waits_for_triage_may_ask_too() -> None:
    """The clock for the human queue rests meanwhile."""
    ticket = Ticket(RICH)
    ticket.need_triage(STREET)
    ask(ticket)
    assert running(ticket, "accept").resting


# ---------------------------------------------------------------- corrections


def test_a_correction_counts_from_the_original_start() -> None:
    """Half an hour in, three hours instead of one: due three hours after the order, not after the correction."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", handle="1 urgent_hours")
    ticket.sign()
    ticket.live(minutes(30))
    said = amend(ticket, category=CategoryRef(code="0101", name="", condition="building"))
    (again,) = of_type(said, ClocksRecalculated)
    assert again.why == "edited"
    assert running(ticket, "handle").due_at == MORNING + timedelta(days=2)
    assert amend(ticket, category=CategoryRef(code="0101", name="", condition="building")) == []


def test_a_correction_to_less_time_than_has_passed_breaches_at_once() -> None:
    """And not before: nobody was late by the rule that held until then."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", handle="2 urgent_days")
    ticket.sign()
    ticket.live(2 * HOUR)
    amend(ticket)
    assert running(ticket, "handle").due_at == MORNING + HOUR
    assert "clock-breached handle" in names(ticket.wait(timedelta(0)))


def test_a_correction_while_it_rests_keeps_the_rest() -> None:
    """Twenty minutes were used of what are now two days."""
    ticket = Ticket(RICH)
    ticket.issue(severity="IV", handle="1 urgent_hours")
    ticket.sign()
    ticket.live(minutes(20))
    ask(ticket)
    ticket.live(HOUR)
    amend(ticket, category=CategoryRef(code="0101", name="", condition="building"))
    assert running(ticket, "handle").resting
    ticket.live(HOUR)
    answer(ticket)
    assert running(ticket, "handle").due_at == ticket.now + timedelta(days=2) - minutes(20)


def test_what_is_corrected_to_grave_is_the_tops_at_once_a_single_time() -> None:
    """With an alarm; the level's clock is that of the new severity."""
    grave = city("grave-now", **{"ladder.at_once": ["I"]})
    ticket = Ticket(grave)
    ticket.issue(severity="IV")
    said = amend(ticket, severity="I")
    assert [(fact.to_level, fact.cause) for fact in of_type(said, TicketEscalated)] == [("district", "severity")]
    assert of_type(amend(ticket, severity="II"), TicketEscalated) == []
    assert of_type(amend(ticket, severity="I"), TicketEscalated) == []


def test_a_correction_moves_the_calendar_with_the_category() -> None:
    """What is counted in office hours now was due by the clock before."""
    ticket = Ticket(OFFICE_CITY, at=at("2026-03-04 17:00"))
    ticket.issue(severity="IV", handle="4 work_hours", calendar="always")
    amend(ticket, category=CategoryRef(code="0101", name="", condition="built"), calendar="office")
    moved = running(ticket, "handle")
    assert moved.limit == span("15 work_days")
    assert moved.calendar.startswith("office@")
    assert moved.due_at > at("2026-03-24 00:00")


# ---------------------------------------------------------------- pinned


def versions() -> tuple[Profile, Profile]:
    """Give a city, and the same with other rules, which knows the first ones."""
    old = city("old-rules", **{"clocks.total": CALM})
    new = city(
        "new-rules",
        **{
            "clocks.total": dict.fromkeys(CALM, "1 urgent_hours"),
            "clocks.limits": [{"clock": "handle", "limit": "2 urgent_hours"}],
            "ladder.repeat": dict.fromkeys(CALM, "7 minutes"),
        },
    )
    new.learn(old.version, old.policy.content)
    return old, new


def test_a_ticket_keeps_the_rules_of_its_version() -> None:
    """After a restart with others its ladder goes on as before, and a new ticket follows the new ones."""
    old, new = versions()
    ticket = Ticket(old)
    ticket.issue(severity="IV")
    ticket.under(new)
    assert names(ticket.recount("policy")) == []
    said = ticket.live(minutes(600))
    again = [fact for fact in said if isinstance(fact, SupervisionRepeated)]
    assert old.ladder.repeat("IV") != new.ladder.repeat("IV")
    assert again
    (sign, *_) = [one for one in ticket.fold.state().clocks if one.start.level == "district"]
    assert sign.start.limit == span(str(old.ladder.repeat("IV")))


def test_applying_a_version_counts_every_limit_from_its_start() -> None:
    """Said once, with before and after; a second time nothing."""
    old, new = versions()
    ticket = Ticket(old)
    ticket.issue(severity="IV", handle="3 urgent_hours")
    ticket.sign()
    ticket.live(minutes(10))
    ticket.under(new)
    command = RecountClocks(why="policy", policy=new.version, by="Chen")
    said = ticket.read(command)
    (applied,), (again,) = of_type(said, PolicyApplied), of_type(said, ClocksRecalculated)
    assert (applied.before, applied.policy, applied.by) == (old.version, new.version, "Chen")
    assert {move.clock: move.new for move in again.clocks} == {"handle": MORNING + 2 * HOUR, "total": MORNING + HOUR}
    assert ticket.read(command) == []


def test_a_version_that_is_not_known_is_refused() -> None:
    """With what to do about it."""
    ticket = Ticket(CITY)
    ticket.issue(severity="IV")
    (refused,) = ticket.read(RecountClocks(why="policy", policy="0123456789ab", by="Chen"))
    assert refused.reason == "unknown-policy"


# ---------------------------------------------------------------- the ladder's table


def test_rows_say_levels_and_steps_by_clock_and_severity() -> None:
    """A sign breach of severity IV goes to the district and nowhere else, a handling breach everywhere, in its time."""
    table = city(
        "table",
        **{
            "ladder.rows": [
                {"clocks": ["sign"], "severities": ["IV"], "levels": ["district"]},
                {"clocks": ["handle"], "steps": {"community": "17 minutes"}},
                {"clocks": ["total"], "levels": []},
            ]
        },
    )
    assert table.ladder.above("grid", "sign", "IV") == ["district"]
    assert table.ladder.above("grid", "sign", "III") == ["community", "street", "district"]
    assert table.ladder.last("total", "I") is None
    ticket = Ticket(table)
    ticket.issue(severity="IV", sign="10 minutes", handle="20 minutes")
    assert [fact.to_level for fact in of_type(ticket.live(minutes(10)), TicketEscalated)] == ["district"]
    ticket.sign()
    ticket.live(minutes(10))
    assert running(ticket, "ladder", "community").due_at == MORNING + minutes(20 + 17)


def test_whoever_has_the_role_is_told_and_notices_grow_heavier() -> None:
    """Only staff of the level with a role of the table, and three names, the last of which repeats."""
    table = city("told", **{"ladder.tell": {"community": ["officer"]}})
    ticket = Ticket(table)
    ticket.issue(severity="IV", handle="40 urgent_hours")
    said = ticket.live(timedelta(hours=30))
    told = {fact.to_level: fact.told for fact in of_type(said, TicketEscalated)}
    assert told["community"] == ("c1",)
    notices = [fact.notice.zh for fact in of_type(said, SupervisionRepeated)]
    assert notices[:4] == ["督办", "重点督办", "挂牌督办", "挂牌督办"]
