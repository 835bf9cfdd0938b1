"""What does intake do with the records of the reports' topic, and with those of the log?"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError

from services.intake import announce
from services.intake.domain import (
    EVOLVES,
    OVER,
    Tracked,
    decide,
    evolve,
    findings,
    likeness,
    masked,
    published,
    receipts,
    reported,
    searched,
    withheld,
)
from services.intake.store import Known, Report, Reports
from shared import metrics
from shared.decider import Decider, Effect, Message, Turn
from shared.errors import DeadLetter
from shared.http import invalid
from shared.ids import ticket_id
from shared.messages import ReportRefused, ReportSubmitted, TicketReported
from shared.topics import RECEIPTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.intake.personal import Personal
    from shared.loop.door import Arrival, Reception
    from shared.profile import Profile

REPORTED, DUPLICATE = "reported", "duplicate"


def unreadable(error: ValidationError) -> bool:
    """Tell whether it is not even JSON."""
    return error.errors(include_url=False, include_context=False, include_input=False)[0]["type"] == "json_invalid"


@dataclass(frozen=True, slots=True)
class _Read:
    """A value of the topic: a report, what is wrong with it, or why nobody can read it."""

    content: ReportSubmitted | ReportRefused | DeadLetter
    twin: bytes = b""
    """What the same report has at the HTTP door; empty: nothing by which it could be known there."""


class ReportDoor:
    """Takes reports from `gridcall.reports`, each once, and answers every one that can be read."""

    def __init__(self, store: Reports, personal: Personal, profile: Profile, *, digests: bool = False) -> None:
        """Know where reports are kept, how they are sealed and what the city wants."""
        self._digests = digests
        self._store = store
        self._personal = personal
        self._profile = profile

    async def receive(self, arrivals: Sequence[Arrival], reception: Reception) -> None:
        """Take what is new, answer what is known or cannot be taken, bury what cannot be read."""
        reports = []
        for arrival in arrivals:
            if arrival.envelope.type == ReportSubmitted.type:
                reports.append((arrival, ticket_id(arrival.envelope.source, arrival.envelope.id)))
            else:
                problem = f"only {ReportSubmitted.type} is read here"
                reception.bury(arrival.partition, arrival.record, DeadLetter("unknown-type", problem))
        known = await self._store.known({ticket for _, ticket in reports}) if reports else {}
        read = [(arrival, ticket, None if ticket in known else self._read(arrival)) for arrival, ticket in reports]
        wanted = {one.twin for *_, one in read if one is not None and one.twin}
        twins = await self._store.twins(wanted) if wanted else {}
        for arrival, ticket, one in read:
            try:
                self._receive(arrival, ticket, one, known, twins, reception)
            except DeadLetter as error:
                reception.bury(arrival.partition, arrival.record, error)

    def _read(self, arrival: Arrival) -> _Read:
        value = arrival.record.value
        if value is None:
            return _Read(DeadLetter("no-value", "the record has no value: send a JSON object"))
        try:
            report = ReportSubmitted.model_validate_json(value, strict=True)
        except ValidationError as error:
            if unreadable(error):
                return _Read(DeadLetter("bad-json", f"the value is not JSON: {error.errors()[0]['msg']}"))
            return _Read(_not_valid(error))
        alike = likeness(report)
        return _Read(report, b"" if alike is None else self._personal.digest(alike))

    def _receive(
        self,
        arrival: Arrival,
        ticket: str,
        read: _Read | None,
        known: dict[str, Known],
        twins: dict[bytes, Known],
        reception: Reception,
    ) -> None:
        if arrival.envelope.source == announce.HTTP_SOURCE:
            detail = f"The source {announce.HTTP_SOURCE} is the HTTP door's own: send a ce_source of your own."
            self._refuse(arrival, ReportRefused(reason="reserved-source", detail=detail), reception)
        elif read is None or ticket in known:
            self._repeat(arrival, ticket, known[ticket], reception)
        elif isinstance(read.content, DeadLetter):
            raise read.content
        elif isinstance(read.content, ReportRefused):
            self._refuse(arrival, read.content, reception)
        elif wrong := findings(read.content, reception.now, self._profile, digests=self._digests):
            errors = tuple({"pointer": one.pointer, "detail": one.detail} for one in wrong)
            detail = " ".join(one.detail for one in wrong)
            self._refuse(arrival, ReportRefused(reason=wrong[0].reason, detail=detail, errors=errors), reception)
        else:
            twin = twins.get(read.twin)
            if twin is not None and twin.source == announce.HTTP_SOURCE:
                known[ticket] = twin
                self._repeat(arrival, ticket, twin, reception)
                return
            known[ticket] = self._take(arrival, read.content, ticket, b"" if twin else read.twin, reception)
            if read.twin:  # another id with the same number and words at the same door is another report
                twins.setdefault(read.twin, known[ticket])

    def _repeat(self, arrival: Arrival, ticket: str, same: Known, reception: Reception) -> None:
        """Answer a report that was taken before, at this door or at the other one."""
        if same.ticket == ticket:
            receipt = announce.accepted(ticket, same.source, same.report, same.at)
        else:
            receipt = announce.known(same.ticket, arrival.envelope.source, arrival.envelope.id, same.at)
        reception.send(arrival, receipt)
        self._count(arrival, DUPLICATE, DUPLICATE, reception)

    def _take(self, arrival: Arrival, report: ReportSubmitted, ticket: str, twin: bytes, reception: Reception) -> Known:
        source, ident, now = arrival.envelope.source, arrival.envelope.id, reception.now
        trace = announce.traced(ticket, arrival.envelope.traceparent)
        fact = reported(report, ticket, source, now, self._personal.caller(report, ticket), self._profile)
        sealed, care = self._personal.seal(arrival.record.value or b""), withheld(report.attributes)
        kept = Report(ticket, source, ident, now, sealed, twin=twin, withheld=care)
        reception.write("reports", self._store.insertion(kept))
        reception.send(arrival, announce.said(fact, ticket, 1, now, ident, trace))
        reception.send(arrival, announce.accepted(ticket, source, ident, now, trace))
        self._count(arrival, "handled", REPORTED, reception)
        return Known(ticket, source, ident, now, b"", 1, {})

    def _refuse(self, arrival: Arrival, body: ReportRefused, reception: Reception) -> None:
        envelope, record = arrival.envelope, arrival.record
        origin = f"{record.topic}/{record.partition}/{record.offset}"
        reception.send(arrival, announce.refused(body, envelope.source, envelope.id, reception.now, origin))
        self._count(arrival, "refused", body.reason, reception)

    @staticmethod
    def _count(arrival: Arrival, outcome: str, what: str, reception: Reception) -> None:
        reception.count(arrival, outcome)
        reception.done(what)

    def taken(self, items: Sequence[str]) -> None:
        """Count what is durable now."""
        for what, count in Counter(items).items():
            if what == REPORTED:
                metrics.tickets.labels(REPORTED).inc(count)
            elif what == DUPLICATE:
                metrics.duplicates.labels("intake").inc(count)
            else:
                metrics.refusals.labels("report", what).inc(count)


def _not_valid(error: ValidationError) -> ReportRefused:
    """A pointer may name an unknown field, and a field's name is the sender's: it is masked too."""
    problem = invalid(error)
    errors = tuple({"pointer": masked(one["pointer"]), "detail": one["detail"]} for one in problem.errors)
    return ReportRefused(reason="invalid", detail=masked(problem.detail), errors=errors)


def decider(profile: Profile) -> Decider[Tracked]:
    """Give what the loop needs to follow each ticket for the person who asked."""

    def effects(state: Tracked, turn: Turn) -> list[Effect]:
        return [
            Effect(RECEIPTS, body, key=state.source, causation=state.report)
            for body in receipts(state, turn.message, profile)
        ]

    def follow(state: Tracked, message: Message) -> Tracked:
        after = evolve(state, message)
        public = published(message.data, profile) if isinstance(message.data, TicketReported) else None
        return after if public is None else after.model_copy(update={"public": public})

    return Decider(
        service="intake",
        state=Tracked,
        consumes={fact.type: fact for fact in EVOLVES},
        decide=decide,
        evolve=follow,
        effects=effects,
        fields=lambda state: searched(state.public, is_open=state.where not in OVER),
    )
