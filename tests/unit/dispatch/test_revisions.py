"""When may an order rest or have more time, who decides, and what becomes of its limit?"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import REGISTRY

from services.dispatch.domain import DispatchState, Order
from services.dispatch.handlers import decider
from shared.calendar import elapsed
from shared.messages import (
    AssignTicket,
    ClockWarned,
    Command,
    CommandRefused,
    DecideRevision,
    MessageReceived,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderProgressed,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSuspended,
    OrderWithdrawn,
    ReviseOrder,
    RevisionAsked,
    RevisionDecided,
    ReworkOrdered,
    Span,
    TicketReopened,
    UpdateAccepted,
    UpdateRefused,
)
from tests.support.fold import MORNING, Folded, Said
from tests.unit.dispatch.orders import (
    CITY,
    FIRST,
    G1,
    GRID,
    OFFICE,
    POLICE,
    TO_WATER,
    TOP,
    WATER,
    back,
    closed,
    deny,
    dispatch,
    done,
    extend,
    grant,
    note,
    resume,
    sign,
    suspend,
    topics,
    triaged,
    update,
)

if TYPE_CHECKING:
    from shared.profile import Profile

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LIMIT = MORNING + 2 * HOUR
TEN_DAYS = MORNING + 10 * DAY


def signed(city: Profile = CITY, **given: Any) -> Folded[DispatchState]:
    """Give dispatch with an order of two hours that the water department has signed for."""
    folded = dispatch(city, **given)
    handler = folded.state().orders[-1].handler
    folded.read(sign(department=handler.id if handler.kind == "department" else None))
    return folded


def suspended(city: Profile = CITY, after: timedelta = HOUR, **given: Any) -> Folded[DispatchState]:
    """Give the same after it was suspended, until ten days after MORNING where nothing else is given."""
    folded = signed(city)
    folded.clock.advance(after)
    update(folded, suspend(**given))
    folded.read(grant())
    return folded


def sentence(said: Said) -> tuple[str, str]:
    """Give reason and English sentence of a refusal, which changed nothing and stands in both languages."""
    (fact,) = said.facts
    assert isinstance(fact, CommandRefused)
    assert fact.detail.zh != fact.detail.en
    return fact.reason, fact.detail.en


def order(folded: Folded[DispatchState]) -> Order:
    """Give the last order."""
    return folded.state().orders[-1]


def changes(said: Said) -> tuple[dict[str, Any], str]:
    """Give what the department was told to be different, as JSON has it, and why."""
    ((topic, body),) = [pair for pair in said.effects if pair[1].type == "gridcall.order.changed.v1"]
    assert topic == TO_WATER
    assert body.order_id == FIRST
    return json.loads(body.model_dump_json())["changes"], body.reason


# ---------------------------------------------------------------- asking for more time


@pytest.mark.parametrize("is_signed", [False, True])
def test_more_time_is_asked_for_one_level_up_until_the_limit(is_signed: bool) -> None:  # noqa: FBT001 - a parameter
    """Also before the signature; the street has nobody, so the district decides."""
    folded = signed() if is_signed else dispatch()
    said = update(folded, extend(), "u-1")
    assert said.facts == [
        RevisionAsked(
            order_id=FIRST,
            handler=WATER,
            revision="extend",
            until=MORNING + 3 * HOUR,
            reason="缺配件",
            by="李",
            unit=TOP,
            level="district",
            decide_by=LIMIT,
        )
    ]
    assert said.effects == [(TO_WATER, UpdateAccepted(order_id=FIRST, update_id="u-1", effects=(RevisionAsked.type,)))]
    assert order(folded).handle_by == LIMIT
    assert folded.wake_at() == LIMIT


def test_a_units_own_people_ask_at_the_desk_by_name() -> None:
    """No department hears of it; whoever is above the territorial owner decides."""
    folded = signed(lead=GRID, level="grid", unit=G1)
    assert sentence(folded.read(extend(department=None, by=" ")))[0] == "no-name"
    said = folded.read(extend(department=None))
    assert [(fact.unit, fact.level) for fact in said.facts] == [("100000001001", "community")]
    assert said.effects == []
    assert [type(fact) for fact in folded.read(grant()).facts] == [RevisionDecided, OrderExtended]


@pytest.mark.parametrize("make", [extend, suspend])
def test_at_the_limit_it_is_too_late_to_ask(make: Any) -> None:
    """A microsecond before, it is not."""
    folded = signed()
    folded.clock.advance(2 * HOUR - timedelta.resolution)
    assert update(folded, make()).refused is None
    folded = signed()
    folded.clock.advance(2 * HOUR)
    reason, said = sentence(folded.read(make(department=None)))
    assert reason == "too-late"
    assert "2026-03-04 11:00" in said


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        ({"reason": " "}, "no-reason", "`reason` is empty"),
        ({"until": None}, "no-until", "`until` is empty"),
        ({"until": MORNING - DAY}, "until-past", "in the future"),
        ({"until": MORNING}, "until-past", "in the future"),
        ({"until": LIMIT}, "not-later", "2026-03-04 11:00"),
        ({"until": LIMIT - HOUR}, "not-later", "give a later one"),
        ({"until": LIMIT + 15 * DAY + timedelta.resolution}, "too-long", "15 work days"),
        ({"until": datetime.max.replace(tzinfo=timezone(-12 * HOUR))}, "too-long", "2026-03-19 11:00"),
        ({"until": datetime.min.replace(tzinfo=timezone(12 * HOUR))}, "until-past", "in the future"),
    ],
)
def test_an_extension_that_cannot_be_is_refused_with_a_sentence(given: dict[str, Any], reason: str, words: str) -> None:
    """The limit stands as it was, and nothing waits for a decision."""
    folded = signed()
    said = update(folded, extend(**given))
    assert sentence(said)[0] == reason
    assert words in sentence(said)[1]
    ((_, answer),) = said.effects
    assert isinstance(answer, UpdateRefused)
    assert words in answer.detail
    assert (order(folded).handle_by, order(folded).asked, folded.wake_at()) == (LIMIT, None, None)


def test_an_extension_may_be_as_long_as_the_profile_says() -> None:
    """To the microsecond."""
    assert update(signed(), extend(until=LIMIT + 15 * DAY)).refused is None


@pytest.mark.parametrize(("first", "second"), [(extend, suspend), (suspend, extend), (extend, extend)])
def test_one_request_waits_at_a_time(first: Any, second: Any) -> None:
    """Of whatever kind; when it is decided, another may follow."""
    folded = signed()
    update(folded, first(), "u-1")
    assert sentence(folded.read(second(department=None)))[0] == "already-asked"
    folded.read(deny())
    assert update(folded, second(), "u-3").refused is None


# ---------------------------------------------------------------- asking for a rest


@pytest.mark.parametrize("named", ["materials", "等待备料", " Waits for materials "])
def test_a_rest_is_asked_for_with_a_reason_of_the_list(named: str) -> None:
    """By its id or its name in either language; on the log stands the id."""
    folded = signed()
    (asked,) = update(folded, suspend(reason=named, detail="管材月底到货")).facts
    assert isinstance(asked, RevisionAsked)
    assert (asked.revision, asked.reason, asked.until, asked.detail) == (
        "suspend",
        "materials",
        TEN_DAYS,
        "管材月底到货",
    )
    assert (asked.unit, asked.level, asked.decide_by) == (TOP, "district", LIMIT)


@pytest.mark.parametrize(
    ("given", "reason", "words"),
    [
        ({"reason": "天气"}, "unknown-reason", "'天气' is no reason"),
        ({"reason": ""}, "unknown-reason", "season (must wait for the season), engineering"),
        ({"until": None}, "no-until", "`until` is empty"),
        ({"until": MORNING}, "until-past", "in the future"),
        ({"until": MORNING + 365 * DAY + timedelta.resolution}, "too-long", "365 natural days"),
        ({"until": datetime.max.replace(tzinfo=timezone(-12 * HOUR))}, "too-long", "2027-03-04 09:00"),
    ],
)
def test_a_suspension_that_cannot_be_is_refused_with_a_sentence(given: dict[str, Any], reason: str, words: str) -> None:
    """There is no suspension without an end or without a reason."""
    folded = signed()
    said = sentence(update(folded, suspend(**given)))
    assert said[0] == reason
    assert words in said[1]
    assert order(folded).asked is None


@pytest.mark.parametrize(
    ("make", "state", "reason"),
    [
        (suspend, "issued", "not-signed"),
        (resume, "issued", "not-suspended"),
        (resume, "signed", "not-suspended"),
        (suspend, "suspended", "already-suspended"),
        (extend, "suspended", "suspended"),
        (sign, "suspended", "already-signed"),
    ],
)
def test_what_does_not_fit_the_state_is_refused(make: Any, state: str, reason: str) -> None:
    """Among it a resume without a pause."""
    folded = {"issued": dispatch, "signed": signed, "suspended": suspended}[state]()
    assert sentence(update(folded, make()))[0] == reason


def test_a_rest_that_outlives_the_calendar_is_refused() -> None:
    """Nobody could say by when what is left of the limit would be over."""
    hours = elapsed(OFFICE.calendar("office"), MORNING, datetime(2100, 12, 30, tzinfo=UTC)) / HOUR
    folded = signed(OFFICE, handle_limit=Span(amount=hours, unit="work_hours"))
    folded.clock.advance(datetime(2100, 12, 20, tzinfo=UTC) - MORNING)
    for ask in (suspend(until=folded.clock.now() + 29 * DAY), extend(until=datetime(2101, 1, 5, tzinfo=UTC))):
        reason, said = sentence(update(folded, ask))
        assert (reason, "does not reach so far" in said) == ("too-long", True)


# ---------------------------------------------------------------- deciding


def test_a_granted_extension_moves_the_limit_and_both_stay_on_record() -> None:
    """The department is told; the count goes on."""
    folded = signed()
    update(folded, extend())
    said = folded.read(grant(note="同意"))
    new = MORNING + 3 * HOUR
    assert said.facts == [
        RevisionDecided(order_id=FIRST, handler=WATER, revision="extend", decision="granted", by="赵值班", note="同意"),
        OrderExtended(
            order_id=FIRST, handler=WATER, reason="缺配件", old=LIMIT, handle_by=new, times=1, approved_by="赵值班"
        ),
    ]
    fields, why = changes(said)
    assert fields == {"handle_by": {"old": "2026-03-04T03:00:00Z", "new": "2026-03-04T04:00:00Z"}}
    assert "2026-03-04 12:00" in why
    assert "延期已批准" in why
    assert (order(folded).handle_by, order(folded).asked, folded.wake_at()) == (new, None, None)


def test_the_most_extensions_are_two_and_what_was_refused_does_not_count() -> None:
    """The third is refused before anybody has to decide."""
    folded = signed()
    for number, decision in enumerate((grant, deny, grant)):
        update(folded, extend(until=LIMIT + (number + 1) * HOUR), f"u-{number}")
        folded.read(decision())
    assert order(folded).extensions == 2
    reason, said = sentence(update(folded, extend(until=LIMIT + 9 * HOUR)))
    assert (reason, "2 is the most" in said) == ("too-many", True)


def test_a_granted_suspension_lets_the_order_rest() -> None:
    """From the decision, not from the question; it ends by itself."""
    folded = signed()
    update(folded, suspend(detail="等货"))
    folded.clock.advance(HOUR)
    said = folded.read(grant())
    assert said.facts[1] == OrderSuspended(
        order_id=FIRST,
        handler=WATER,
        reason="materials",
        detail="等货",
        since=MORNING + HOUR,
        until=TEN_DAYS,
        approved_by="赵值班",
    )
    fields, why = changes(said)
    assert fields == {"state": {"old": "signed", "new": "suspended"}}
    assert why == "Suspended until 2026-03-14 09:00: waits for materials. 已挂账至2026-03-14 09:00：等待备料。"
    assert (order(folded).state, order(folded).suspensions, folded.wake_at()) == ("suspended", 1, TEN_DAYS)


def test_an_order_rests_once_where_the_profile_says_once() -> None:
    """Granted ones count."""
    folded = suspended()
    update(folded, resume())
    reason, said = sentence(update(folded, suspend()))
    assert (reason, "1 is the most" in said) == ("too-many", True)


@pytest.mark.parametrize(("make", "what"), [(extend, "extension"), (suspend, "suspension")])
def test_what_is_refused_is_told_with_the_reason_and_changes_nothing(make: Any, what: str) -> None:
    """In both languages, and the note as it was written."""
    folded = signed()
    update(folded, make())
    said = folded.read(deny(note="人手足够"))
    assert [(fact.decision, fact.by, fact.note) for fact in said.facts] == [("refused", "赵值班", "人手足够")]
    fields, why = changes(said)
    assert fields == {what: {"old": "asked", "new": "refused"}}
    assert why == "The request was refused. 申请未获批准。 人手足够"
    assert (order(folded).state, order(folded).handle_by, order(folded).asked) == ("signed", LIMIT, None)


@pytest.mark.parametrize("decision", [grant, deny])
def test_nobody_decides_on_what_they_asked_for_themselves(decision: Any) -> None:
    """Somebody else may."""
    folded = signed()
    update(folded, extend(by="李"))
    assert sentence(folded.read(decision(by=" 李 ")))[0] == "own-request"
    assert sentence(folded.read(decision(by=" ")))[0] == "no-name"
    assert folded.read(decision()).refused is None


def test_a_decision_on_nothing_is_refused() -> None:
    """Nothing was asked for, it was decided already, or there is no such ticket."""
    folded = signed()
    assert sentence(folded.read(grant()))[0] == "nothing-asked"
    update(folded, extend())
    folded.read(deny())
    assert sentence(folded.read(grant()))[0] == "nothing-asked"
    assert sentence(Folded(decider(CITY)).read(grant()))[0] == "nothing-asked"


# ---------------------------------------------------------------- what time does


@pytest.mark.parametrize(("make", "what"), [(extend, "extension"), (suspend, "suspension")])
def test_what_is_not_decided_by_the_limit_is_not_granted(make: Any, what: str) -> None:
    """A microsecond before the limit it still waits; the department is told when it lapses."""
    folded = signed()
    update(folded, make())
    folded.clock.advance(2 * HOUR - timedelta.resolution)
    assert folded.wake().facts == []
    folded.clock.advance(timedelta.resolution)
    said = folded.wake()
    assert [(type(fact), fact.decision) for fact in said.facts] == [(RevisionDecided, "lapsed")]
    fields, why = changes(said)
    assert fields == {what: {"old": "asked", "new": "lapsed"}}
    assert why == "The request lapsed without a decision: it is not granted. 申请未在时限内审批，视为不同意。"
    assert folded.wake_at() is None


def test_a_suspension_that_would_be_over_before_it_is_decided_lapses_at_its_own_date() -> None:
    """There is nothing left to grant, though the limit has not come."""
    folded = signed()
    (asked,) = update(folded, suspend(until=MORNING + HOUR)).facts
    assert asked.decide_by == MORNING + HOUR == folded.wake_at()


@pytest.mark.parametrize("decision", [grant, deny])
def test_a_decision_that_is_read_after_the_limit_comes_too_late(decision: Any) -> None:
    """Whether the timer or the decision is read first: it is refused, and what was asked for has lapsed."""
    for timer_first in (True, False):
        folded = signed()
        update(folded, extend())
        folded.clock.advance(5 * HOUR)
        facts = folded.wake().facts if timer_first else []
        assert sentence(folded.read(decision()))[0] == "nothing-asked"
        facts = facts or folded.wake().facts
        assert [fact.decision for fact in facts] == ["lapsed"]
        assert order(folded).handle_by == LIMIT


def test_a_suspended_order_goes_on_at_its_date_however_late_that_is_noticed() -> None:
    """With the hour that was left when it was suspended."""
    folded = suspended()
    assert folded.wake_at() == TEN_DAYS
    folded.clock.advance(30 * DAY)
    said = folded.wake()
    assert said.facts == [
        OrderResumed(order_id=FIRST, handler=WATER, why="ended", resumed_at=TEN_DAYS, handle_by=TEN_DAYS + HOUR)
    ]
    fields, why = changes(said)
    assert fields["state"] == {"old": "suspended", "new": "signed"}
    assert fields["handle_by"] == {"old": "2026-03-04T03:00:00Z", "new": "2026-03-14T02:00:00Z"}
    assert "挂账到期" in why
    assert (order(folded).state, order(folded).handle_by, folded.wake_at()) == ("signed", TEN_DAYS + HOUR, None)


@pytest.mark.parametrize(
    ("what", "fact"),
    [
        (done(), OrderDone),
        (note(), OrderProgressed),
        (back(), OrderReturned),
        (triaged(lead=POLICE, attempt=2), OrderIssued),
        (closed("withdrawn"), OrderWithdrawn),
    ],
)
def test_whatever_is_read_late_finds_the_suspension_ended(what: Any, fact: type) -> None:
    """The same facts in the same order, whether the timer or the record comes first."""
    lives = []
    for timer_first in (True, False):
        folded = suspended()
        folded.clock.advance(30 * DAY)
        facts = folded.wake().facts if timer_first else []
        facts += folded.read(what).facts
        assert folded.wake().facts == []
        lives.append((facts, folded.state()))
    assert lives[0] == lives[1]
    assert (lives[0][0][0].why, lives[0][0][0].resumed_at) == ("ended", TEN_DAYS)
    assert isinstance(lives[0][0][-1], fact)


def test_an_update_is_answered_with_all_that_it_led_to() -> None:
    """What was due is said first, and told in messages with ids of their own."""
    folded = suspended()
    folded.clock.advance(30 * DAY)
    said = update(folded, done(), "u-9")
    assert said.effects[0][1].effects == (OrderResumed.type, OrderDone.type)
    assert topics(said) == [("water", "update.accepted"), ("water", "order.changed")]
    again = update(folded, done(), "u-9")
    assert again.effects == said.effects[:1]


def test_a_refused_command_leaves_what_is_due_to_the_timer() -> None:
    """It is decided on what holds by then, and the timer says so."""
    folded = suspended()
    folded.clock.advance(30 * DAY)
    assert sentence(update(folded, resume()))[0] == "not-suspended"
    assert order(folded).state == "suspended"
    assert [type(fact) for fact in folded.wake().facts] == [OrderResumed]


def test_a_fact_that_concerns_nothing_says_what_is_due_too() -> None:
    """A warning of sla that comes by before the timer."""
    folded = suspended()
    folded.clock.advance(30 * DAY)
    warning = {"clock": "handle", "token": "t", "order_id": FIRST, "due_at": LIMIT}
    said = folded.read(ClockWarned.model_validate(warning))
    assert [type(fact) for fact in said.facts] == [OrderResumed]
    assert topics(said) == [("water", "order.changed"), ("water", "order.reminded")]


# ---------------------------------------------------------------- going on


def test_a_suspended_order_is_resumed_by_whoever_handles_it() -> None:
    """Nobody need grant it; an hour was used before, an hour is left."""
    folded = suspended()
    folded.clock.advance(3 * DAY)
    said = update(folded, resume(), "u-1")
    at = MORNING + HOUR + 3 * DAY
    assert said.facts == [
        OrderResumed(order_id=FIRST, handler=WATER, why="asked", by="李", resumed_at=at, handle_by=at + HOUR)
    ]
    assert said.effects[0][1] == UpdateAccepted(order_id=FIRST, update_id="u-1", effects=(OrderResumed.type,))
    assert "已按申请解挂" in changes(said)[1]
    assert order(folded).state == "signed"


def test_suspending_and_resuming_in_one_instant_changes_no_limit() -> None:
    """So the department is told of the state alone."""
    folded = suspended()
    said = update(folded, resume())
    assert said.facts[0].handle_by == LIMIT
    assert list(changes(said)[0]) == ["state"]


def test_a_person_urges_about_the_limit_that_will_be() -> None:
    """While it rests, the one before says nothing."""
    urge = MessageReceived(message_id="m", message_kind="urge", received_at=MORNING)
    ((_, body),) = suspended().read(urge).effects
    assert (body.clock, body.due_at) == ("handle", TEN_DAYS + HOUR)


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        (note(), [OrderProgressed]),
        (done(), [OrderResumed, OrderDone]),
        (back(), [OrderResumed, OrderReturned]),
        (AssignTicket(to=POLICE, by="赵", reason="x"), [OrderResumed, OrderWithdrawn, OrderIssued]),
        (triaged(lead=POLICE, attempt=2), [OrderResumed, OrderWithdrawn, OrderIssued]),
        (closed("withdrawn"), [OrderResumed, OrderWithdrawn]),
        (closed("forced"), [OrderResumed]),
    ],
)
def test_the_end_of_a_suspended_order_ends_its_suspension_first(what: Any, facts: list[type]) -> None:
    """So no clock is left in the middle of a pause; a word of how it stands ends nothing."""
    folded = suspended()
    folded.clock.advance(DAY)
    said = folded.read(what)
    assert [type(fact) for fact in said.facts] == facts
    if facts == [OrderProgressed]:
        assert order(folded).state == "suspended"
        return
    over = said.facts[0]
    assert (over.why, over.resumed_at) == ("over", MORNING + HOUR + DAY)
    assert over.handle_by == MORNING + 2 * HOUR + DAY
    first = folded.state().order(FIRST)
    assert first is not None
    assert first.state not in {"signed", "suspended"}
    assert folded.wake_at() is None
    folded.clock.advance(20 * DAY)
    assert folded.wake().facts == []


@pytest.mark.parametrize(
    ("what", "facts"),
    [
        (done(), [RevisionDecided, OrderDone]),
        (back(), [RevisionDecided, OrderReturned]),
        (AssignTicket(to=POLICE, by="赵", reason="x"), [RevisionDecided, OrderWithdrawn, OrderIssued]),
        (closed("diverted"), [RevisionDecided, OrderWithdrawn]),
        (closed("forced"), [RevisionDecided]),
    ],
)
def test_a_request_lapses_with_its_order(what: Any, facts: list[type]) -> None:
    """Nobody decides about an order that is over."""
    folded = signed()
    update(folded, extend())
    said = folded.read(what)
    assert [type(fact) for fact in said.facts] == facts
    assert said.facts[0].decision == "lapsed"
    assert sentence(folded.read(grant()))[0] == "nothing-asked"
    assert folded.wake_at() is None


def test_a_new_order_begins_without_what_the_last_one_had() -> None:
    """Its own limit, its own count."""
    folded = suspended()
    folded.read(closed("forced"))
    folded.read(TicketReopened(reason="x", reopenings=1))
    assert (order(folded).suspensions, order(folded).run.rests, order(folded).state) == (0, (), "issued")


def test_a_rework_begins_a_limit_of_its_own_and_the_counts_go_on() -> None:
    """What was granted for the work before does not lengthen the work again."""
    folded = suspended()
    update(folded, resume(), "u-1")
    for number in (1, 2):
        update(folded, extend(until=LIMIT + number * HOUR), f"e-{number}")
        folded.read(grant())
    update(folded, done(), "u-2")
    folded.clock.advance(DAY)
    (fact,) = folded.read(ReworkOrdered(order_id=FIRST, reason="x", reworks=1)).facts
    assert isinstance(fact, OrderReworked)
    at = MORNING + HOUR + DAY
    run = order(folded).run
    assert (fact.handle_by, order(folded).handle_by) == (at + 2 * HOUR, at + 2 * HOUR)
    assert (run.started_at, run.rests, run.extensions) == (at, (), ())
    for make in (extend, suspend):
        assert sentence(update(folded, make(until=at + 3 * HOUR)))[0] == "too-many"


# ---------------------------------------------------------------- working time


def test_a_rest_gives_back_working_time_and_nothing_else() -> None:
    """Suspended on Wednesday at ten with seven and a half hours less two used, resumed on Saturday at noon."""
    folded = suspended(OFFICE, after=HOUR, until=MORNING + 10 * DAY)
    folded.clock.advance(3 * DAY + 2 * HOUR)  # Saturday, 12:00
    (fact,) = update(folded, resume()).facts
    assert fact.handle_by == LIMIT + 3 * DAY + 2 * HOUR  # urgent hours run on through the weekend
    folded = Folded(decider(OFFICE))
    folded.read(triaged(handle_limit=Span(amount=7, unit="work_hours")))
    update(folded, sign())
    assert order(folded).handle_by == datetime(2026, 3, 4, 10, 0, tzinfo=UTC)  # 09-12, 14-18
    folded.clock.advance(HOUR)
    update(folded, suspend())
    folded.read(grant())
    folded.clock.advance(3 * DAY + 2 * HOUR)
    (fact,) = update(folded, resume()).facts
    # six hours are left: Monday 08:30-12:00 and 14:00-16:30
    assert fact.handle_by == datetime(2026, 3, 9, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("until", "new"),
    [
        (datetime(2026, 3, 5, 2, 0, tzinfo=UTC), datetime(2026, 3, 5, 2, 0, tzinfo=UTC)),
        (datetime(2026, 3, 5, 5, 0, tzinfo=UTC), datetime(2026, 3, 5, 4, 0, tzinfo=UTC)),  # in the break of noon
        (datetime(2026, 3, 10, 2, 0, tzinfo=UTC), datetime(2026, 3, 10, 2, 0, tzinfo=UTC)),  # 3 times 8 hours
        (datetime(2026, 3, 4, 15, 0, tzinfo=UTC), "not-later"),  # the same evening
        (datetime(2026, 3, 10, 2, 1, tzinfo=UTC), "too-long"),
        (datetime(2101, 3, 10, 2, 0, tzinfo=UTC), "too-long"),
        (datetime(1999, 3, 10, 2, 0, tzinfo=UTC), "until-past"),
    ],
)
def test_an_extension_counts_in_the_orders_working_time(until: datetime, new: datetime | str) -> None:
    """The new limit lies in working time; one that adds none is none."""
    folded = signed(OFFICE, handle_limit=Span(amount=7, unit="work_hours"))  # until Wednesday, 18:00
    said = update(folded, extend(until=until))
    if isinstance(new, str):
        assert sentence(said)[0] == new
        return
    assert said.facts[0].until == new
    assert folded.read(grant()).facts[1].handle_by == new


def test_extensions_and_rests_add_up() -> None:
    """Two hours, two rests of a day, two extensions by an hour: each counts once and in any order."""
    folded = signed(OFFICE)
    at = MORNING
    for number in (1, 2):
        update(folded, extend(until=order(folded).handle_by + HOUR), f"e-{number}")
        folded.read(grant())
        update(folded, suspend(until=at + 5 * DAY), f"s-{number}")
        folded.read(grant())
        folded.clock.advance(DAY)
        at += DAY
        update(folded, resume(), f"r-{number}")
    assert order(folded).handle_by == MORNING + 2 * HOUR + 2 * HOUR + 2 * DAY
    assert sentence(update(folded, suspend(until=at + DAY)))[0] == "too-many"


# ---------------------------------------------------------------- answers, figures, what was stored before


@pytest.mark.parametrize(
    ("first", "second"),
    [(suspend, resume), (extend, done), (suspend, sign), (done, extend)],
)
def test_another_update_with_a_used_id_is_told_so(first: Any, second: Any) -> None:
    """Nothing of it was carried out."""
    folded = signed()
    update(folded, first(), "u-1")
    ((_, body),) = update(folded, second(), "u-1").effects
    assert body.reason == "id-reused"
    assert update(folded, first(), "u-1").effects[0][1].type == "gridcall.update.accepted.v1"


def test_a_resume_under_the_id_of_a_completion_is_told_so() -> None:
    """Though the order went on for an instant when it was done."""
    folded = suspended()
    update(folded, done(), "u-1")
    ((_, body),) = update(folded, resume(), "u-1").effects
    assert body.reason == "id-reused"
    folded = suspended()
    update(folded, resume(), "u-1")
    ((_, body),) = update(folded, suspend(), "u-1").effects
    assert body.reason == "id-reused"


def test_what_is_asked_decided_and_refused_is_counted() -> None:
    """By the word of the fact, and by the word of the command."""

    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(f"gridcall_{name}_total", labels) or 0

    events = ("revision-asked", "revision-decided", "order-suspended", "order-resumed")
    before = [count("tickets", event=event) for event in events]
    refused = count("refusals", command="decide-revision", reason="nothing-asked")
    folded = suspended()
    folded.clock.advance(30 * DAY)
    folded.wake()
    folded.read(grant())
    assert [count("tickets", event=event) for event in events] == [number + 1 for number in before]
    assert count("refusals", command="decide-revision", reason="nothing-asked") == refused + 1


def test_an_order_that_was_stored_before_limits_could_move_can_be_extended() -> None:
    """Its limit ran on through nights and holidays, and it is from there that it goes on."""
    folded = signed()
    (document,) = folded._documents.values()
    stored = json.loads(document["s"])
    del stored["orders"][0]["run"]
    document["s"] = json.dumps(stored).encode()
    update(folded, extend())
    assert folded.read(grant()).facts[1].handle_by == MORNING + 3 * HOUR


commands: list[tuple[type[Command], dict[str, Any]]] = [
    (ReviseOrder, {"order_id": FIRST, "revision": "resume"}),
    (DecideRevision, {"granted": True}),
]


@pytest.mark.parametrize(("command", "fields"), commands)
def test_a_command_of_nobody_is_refused(command: type[Command], fields: dict[str, Any]) -> None:
    """Who pauses a clock, or lets it be paused, is on record."""
    assert sentence(suspended().read(command(**fields, by="  ")))[0] == "no-name"
