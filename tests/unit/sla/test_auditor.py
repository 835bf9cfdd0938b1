"""Does the audit of a partition find what its tickets' ledgers find, and parse nothing that these do not need?"""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.sla import auditor
from services.sla.audit import ENTERED, Ledger
from services.sla.auditor import PartitionAudit, Timers
from services.sla.rounds import command
from shared.decider import Message
from shared.envelope import headers
from shared.messages import (
    ClockBreached,
    ClockWarned,
    OrderIssued,
    OrderSigned,
    TicketEscalated,
    TicketReported,
)
from tests.unit.sla.cities import CITY, GRAVE
from tests.unit.sla.ladder import Ticket, minutes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.sla.auditor import Told
    from shared.envelope import Outgoing
    from shared.profile import Profile

HOUR = timedelta(hours=1)


@dataclass
class Record:
    """What a consumer gives."""

    headers: Any
    value: bytes | None
    key: bytes
    offset: int
    timestamp: int = 0


def records(messages: Iterable[Message | Outgoing]) -> list[Record]:
    """Give messages as they stand in a partition of the log."""
    found = []
    for offset, each in enumerate(messages):
        if isinstance(each, Message):
            value = each.data.model_dump_json(exclude_defaults=True).encode()
            found.append(Record(headers(each.envelope), value, each.ticket.encode(), offset))
        else:
            found.append(Record(each.headers, each.value, each.key.encode(), offset))
    return found


def audited(given: list[Record], ticket: Ticket, read_to: int | None = None, closed_kept: int = 9) -> PartitionAudit:
    """Give the audit of a partition, an hour after the last message."""
    audit = PartitionAudit(Timers(ticket.profile, ticket.now + HOUR, closed_kept=closed_kept), read_to)
    for record in given:
        audit.take(record)
    audit.end()
    return audit


def kinds(told: Iterable[Told]) -> list[tuple[str, str]]:
    """Give what was found, in short."""
    return [(each.finding.kind, each.finding.event) for each in told]


def life(profile: Profile = CITY) -> Ticket:
    """Give a ticket that was signed late and closed."""
    ticket = Ticket(profile)
    ticket.issue()
    ticket.live(minutes(30))
    ticket.sign()
    ticket.do()
    ticket.close()
    return ticket


def without(ticket: Ticket, body: type) -> list[Message]:
    """Give the log without the first message of a type."""
    place = next(place for place, message in enumerate(ticket.log) if isinstance(message.data, body))
    return ticket.log[:place] + ticket.log[place + 1 :]


def test_what_the_ledger_looks_at_is_what_is_parsed() -> None:
    """A message that it learns of and that is still skipped would make findings out of nothing."""
    classes = [node.cls for node in ast.walk(ast.parse(inspect.getsource(Ledger))) if isinstance(node, ast.MatchClass)]
    named = {each.id for each in classes if isinstance(each, ast.Name)}
    assert named == {body.__name__ for body in ENTERED}


def test_what_the_ledger_does_not_need_is_not_parsed() -> None:
    """Not even looked at: these bodies are no JSON."""
    ticket = life()
    strange = Record([("ce_type", TicketReported.type.encode())], b"{broken", b"\xff", 0)
    nameless = Record([], None, b"", 0)
    audit = audited([strange, nameless, *records(ticket.log)], ticket)
    assert audit.new() == []
    assert audit.timers.counts["records"] == len(ticket.log) + 2


def test_a_sound_life_has_no_findings_and_is_counted() -> None:
    """As many warnings, breaches and steps as were due."""
    counts = audited(records(life().log), life()).timers.counts
    for event in ("warning", "breach", "escalation"):
        assert counts[f"{event} said"] == counts[f"{event} expected"] > 0
    assert counts["timers"] > counts["warning said"] + counts["breach said"], "what was met counts too"


@pytest.mark.parametrize(("body", "event"), [(ClockWarned, "warning"), (ClockBreached, "breach")])
def test_what_was_due_and_is_not_there_is_counted_as_due(body: type, event: str) -> None:
    """One more was due than was said, and it is named."""
    ticket = life()
    audit = audited(records(without(ticket, body)), ticket)
    assert ("missed", event) in kinds(audit.new())
    counts = audit.timers.counts
    assert counts[f"{event} expected"] == counts[f"{event} said"] + 1


def test_a_finding_tells_which_clock_it_is_about() -> None:
    """In fields, for a sentence in any language."""
    ticket = life()
    (found,) = audited(records(without(ticket, ClockWarned)), ticket).new()
    assert found.ticket == ticket.log[0].ticket
    assert (found.finding.clock, found.finding.order_id, found.finding.level) == ("sign", "T-1", None)
    assert found.finding.what == "no warning of sign of T-1, run 1"


def test_a_fact_that_was_published_again_is_one_fact() -> None:
    """A crash in the middle of publishing is no finding."""
    ticket = life()
    assert audited(records(ticket.log + ticket.log[3:]), ticket).new() == []


def test_what_is_on_the_log_is_told_once() -> None:
    """The command of an audit tells all later ones that it was found, wherever it stands."""
    ticket = life()
    log = without(ticket, ClockBreached)
    first = audited(records(log), ticket)
    assert first.new()
    said = [command(told, ticket.now) for told in first.new()]
    again = audited(records([*log, *said]), ticket)
    assert again.new() == []
    assert [told.id for told in again.timers.found] == [told.id for told in first.timers.found]


def test_a_ticket_of_which_sla_has_not_read_all_is_looked_at_another_time() -> None:
    """An order that sla will read in a moment has no clocks yet."""
    ticket = Ticket()
    ticket.issue()
    order = [message for message in ticket.log if isinstance(message.data, OrderIssued)]
    assert kinds(audited(records(order), ticket).new()) == [("missed", "start")] * 2
    assert audited(records(order), ticket, read_to=0).new() == []
    assert audited(records(order), ticket, read_to=1).new(), "sla has read it and said nothing"


def test_what_sla_said_meanwhile_is_no_reason_to_wait() -> None:
    """Its own facts stand behind what it has read."""
    ticket = life()
    log = without(ticket, ClockWarned)[:-1]
    place = max(place for place, message in enumerate(log) if message.envelope.source != "gridcall/sla")
    assert place < len(log) - 1
    assert audited(records(log), ticket, read_to=place + 1).new()
    assert audited(records(log), ticket, read_to=place).new() == []


def named_anew(messages: list[Message], ticket: str) -> list[Message]:
    """Give the log of another ticket to which the same happened."""
    return [message._replace(ticket=ticket) for message in messages]


def test_a_closed_ticket_is_looked_at_once_others_have_closed_and_not_kept() -> None:
    """It finds the same, and holds less."""
    ticket = life()
    tickets = [f"0000000000000{number:03}" for number in range(20)]
    whole = [message for name in tickets for message in named_anew(without(ticket, ClockWarned), name)]
    late, early = (audited(records(whole), ticket, closed_kept=kept) for kept in (100, 2))
    assert len(late.new()) == len(early.new()) == len(tickets)
    watching = PartitionAudit(Timers(CITY, ticket.now + HOUR, closed_kept=2))
    for record in records(whole):
        watching.take(record)
        assert len(watching.timers._tickets) <= 4


def test_a_closed_ticket_of_which_sla_has_not_said_all_is_kept() -> None:
    """It is behind: what it owes may stand further on."""
    ticket = life()
    others = [m for name in range(5) for m in named_anew(ticket.log, f"0000000000000{name:03}")]
    foreign = [message for message in ticket.log if message.envelope.source != "gridcall/sla"]
    own = [message for message in ticket.log if message.envelope.source == "gridcall/sla"]
    assert own
    assert audited(records([*foreign, *others, *own]), ticket, closed_kept=1).new() == []


def test_a_grave_ticket_that_is_opened_again_long_after_owes_no_second_alarm() -> None:
    """Once for ever, also when its first life was looked at already."""
    ticket = life(GRAVE)
    first = len(ticket.log)
    assert any(isinstance(m.data, TicketEscalated) and m.data.cause == "severity" for m in ticket.log)
    ticket.issue("T-2")
    ticket.do("T-2")
    ticket.close()
    assert not any(isinstance(m.data, TicketEscalated) and m.data.cause == "severity" for m in ticket.log[first:])
    others = [m for name in range(5) for m in named_anew(life(GRAVE).log, f"0000000000000{name:03}")]
    assert audited(records([*ticket.log[:first], *others, *ticket.log[first:]]), ticket, closed_kept=1).new() == []


def test_more_findings_than_one_audit_tells_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """After an outage that hit everything the log is not flooded; the next audits tell the rest."""
    monkeypatch.setattr(auditor, "TOLD_AT_ONCE", 2)
    ticket = life()
    whole = [m for n in range(5) for m in named_anew(without(ticket, ClockWarned), f"0000000000000{n:03}")]
    first = auditor.result(3, audited(records(whole), ticket))
    assert (first.partition, len(first.told), first.untold) == (3, 2, 3)
    said = [command(told, ticket.now) for told in first.told]
    second = auditor.result(3, audited(records([*whole, *said]), ticket))
    assert {told.ticket for told in second.told}.isdisjoint(told.ticket for told in first.told)
    assert (len(second.told), second.untold) == (2, 1)


def test_an_early_signature_that_sla_fired_after_is_found() -> None:
    """Fired though met is said with the answer's instant."""
    ticket = Ticket()
    started = ticket.now
    ticket.issue()
    ticket.live(minutes(12))
    ticket.read(OrderSigned(order_id="T-1", handler=ticket.log[0].data.handler, signed_at=started + minutes(2)))
    found = audited(records(ticket.log), ticket).new()
    assert ("fired-though-met", "breach") in kinds(found)
