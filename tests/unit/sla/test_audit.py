"""Does the auditor see what sla did wrong, and nothing where it did right?"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.sla.audit import audit
from shared.messages import (
    ClockBreached,
    ClocksStarted,
    ClockWarned,
    OrderDone,
    OrderSigned,
    SupervisionRepeated,
    TicketEscalated,
)
from tests.unit.sla.ladder import Ticket, minutes, names

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.decider import Message

HOUR = timedelta(hours=1)


def late_ticket() -> Ticket:
    """Give a ticket that was signed late, done late, and climbed to the top in between."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(30))
    ticket.sign()
    ticket.live(minutes(60))
    ticket.do()
    ticket.close()
    return ticket


def kinds(ticket: Ticket, log: list[Message] | None = None) -> set[str]:
    """Give the kinds of what the auditor finds a while later."""
    return {finding.kind for finding in audit(ticket.log if log is None else log, ticket.profile, ticket.now + HOUR)}


def of(body: type) -> Callable[[Message], bool]:
    """Give a test for messages of one type."""
    return lambda message: isinstance(message.data, body)


def test_a_late_life_that_was_watched_well_has_no_findings() -> None:
    """Late work is no fault of the timers."""
    ticket = late_ticket()
    assert {"clock-breached handle", "supervision-repeated district"} <= set(names([m.data for m in ticket.log]))
    assert kinds(ticket) == set()


def test_a_fact_that_was_published_twice_is_one_fact() -> None:
    """The same id is the same fact: a crash in the middle of publishing is no finding."""
    ticket = late_ticket()
    assert kinds(ticket, [message for message in ticket.log for _ in range(2)]) == set()


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (ClockWarned, "missed"),
        (ClockBreached, "missed"),
        (TicketEscalated, "missed"),
        (SupervisionRepeated, "missed"),
    ],
)
def test_what_is_missing_is_missed(body: type, kind: str) -> None:
    """Take any one of them out of a good log, and the auditor misses it."""
    ticket = late_ticket()
    places = [place for place, message in enumerate(ticket.log) if isinstance(message.data, body)]
    assert places
    for place in places:
        assert kind in kinds(ticket, ticket.log[:place] + ticket.log[place + 1 :])


@pytest.mark.parametrize("body", [ClockWarned, ClockBreached, TicketEscalated, SupervisionRepeated, ClocksStarted])
def test_what_comes_twice_is_doubled(body: type) -> None:
    """Say any one of them again under another id, and the auditor counts two."""
    ticket = late_ticket()
    for place, message in [each for each in enumerate(ticket.log) if isinstance(each[1].data, body)]:
        again = message._replace(envelope=message.envelope._replace(id="again"))
        assert "doubled" in kinds(ticket, [*ticket.log[: place + 1], again, *ticket.log[place + 1 :]])


def test_a_breach_of_what_was_done_in_time_is_found() -> None:
    """The log holds a signature of minute 2, and the breach of minute 10 all the same."""
    ticket = Ticket()
    started = ticket.now
    ticket.issue()
    ticket.live(minutes(12))
    ticket.sign(at=started + minutes(2))
    assert kinds(ticket) >= {"fired-though-met"}


def test_an_answer_that_crossed_the_breach_on_its_way_is_no_fault() -> None:
    """Signed two seconds before the limit, read a second after it."""
    ticket = Ticket()
    started = ticket.now
    ticket.issue()
    ticket.live(minutes(10) + timedelta(seconds=1))
    ticket.sign(at=started + minutes(10) - timedelta(seconds=2))
    ticket.do()
    assert kinds(ticket) == set()


def test_what_fired_long_after_its_instant_is_late() -> None:
    """An outage of an hour shows, whatever was caught up afterwards; a looser bound lets it pass."""
    ticket = Ticket()
    ticket.issue()
    ticket.wait(timedelta(hours=1, minutes=30))
    ticket.do()
    assert kinds(ticket) == {"late"}
    assert audit(ticket.log, ticket.profile, ticket.now + HOUR, late=timedelta(hours=2)) == []


def test_what_fired_before_its_instant_is_early() -> None:
    """A clock that ran ahead and was put back."""
    ticket = Ticket()
    ticket.issue()
    ticket.live(minutes(10))
    ticket.sign()
    ticket.do()
    ahead = [
        m._replace(envelope=m.envelope._replace(time=m.envelope.time - minutes(1))) if of(ClockWarned)(m) else m
        for m in ticket.log
    ]
    assert kinds(ticket, ahead) == {"early"}


def test_what_is_not_yet_due_long_enough_is_not_missed() -> None:
    """The auditor reads while sla works: a limit of this second is not missed, one of an hour ago is."""
    ticket = Ticket()
    ticket.issue()
    ticket.clock.advance(minutes(10))
    assert "missed" not in {f.kind for f in audit(ticket.log, ticket.profile, ticket.now) if "breach" in f.what}
    assert "missed" in {f.kind for f in audit(ticket.log, ticket.profile, ticket.now + HOUR) if "breach" in f.what}


def test_an_order_whose_clocks_never_started_is_missed() -> None:
    """Even one that was done in time: sla has not seen it."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.do()
    silent = [message for message in ticket.log if message.envelope.source != "gridcall/sla"]
    assert [type(message.data) for message in silent[1:]] == [OrderSigned, OrderDone]
    assert kinds(ticket, silent) == {"missed"}


def test_a_clock_that_runs_to_another_instant_than_its_order_is_found() -> None:
    """The order's own limit counts."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.do()

    def moved(message: Message) -> Message:
        fact: Any = message.data
        sign, handle = fact.clocks
        other = sign.model_copy(update={"due_at": sign.due_at + minutes(1)})
        return message._replace(data=ClocksStarted(clocks=(other, handle)))

    assert kinds(ticket, [moved(m) if of(ClocksStarted)(m) else m for m in ticket.log]) == {"wrong-limit"}


def test_a_breach_of_a_clock_that_nobody_started_is_stray() -> None:
    """Its token leads nowhere."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.do()
    stray = ClockBreached.model_validate({"clock": "sign", "token": "T-9/sign/1", "due_at": ticket.now, "late_by_s": 0})
    last = ticket.log[-1]
    assert kinds(ticket, [*ticket.log, last._replace(envelope=last.envelope._replace(id="stray"), data=stray)]) == {
        "stray"
    }


def test_at_the_top_silence_is_missed_until_somebody_accepts() -> None:
    """Not called again for an hour: missed. Accepted: over."""
    ticket = Ticket()
    ticket.issue()
    ticket.sign()
    ticket.live(minutes(62))
    assert kinds(ticket) == {"missed"}
    ticket.accept()
    assert kinds(ticket) == set()
