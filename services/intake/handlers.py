"""What does intake do with the records of the reports' topic, and with those of the log?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import ValidationError

from services.intake import announce
from services.intake.domain import EVOLVES, Tracked, decide, evolve, findings, masked, receipts, reported
from services.intake.store import Known, Report, Reports
from shared import metrics
from shared.decider import Decider, Effect, Turn
from shared.errors import DeadLetter
from shared.http import invalid
from shared.ids import ticket_id
from shared.messages import ReportRefused, ReportSubmitted
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


class ReportDoor:
    """Takes reports from `gridcall.reports`, each once, and answers every one that can be read."""

    def __init__(self, store: Reports, personal: Personal, profile: Profile) -> None:
        """Know where reports are kept, how they are sealed and what the city wants."""
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
        for arrival, ticket in reports:
            try:
                self._receive(arrival, ticket, known, reception)
            except DeadLetter as error:
                reception.bury(arrival.partition, arrival.record, error)

    def _receive(self, arrival: Arrival, ticket: str, known: dict[str, Known], reception: Reception) -> None:
        envelope = arrival.envelope
        if envelope.source == announce.HTTP_SOURCE:
            detail = f"The source {announce.HTTP_SOURCE} is the HTTP door's own: send a ce_source of your own."
            self._refuse(arrival, ReportRefused(reason="reserved-source", detail=detail), reception)
            return
        same = known.get(ticket)
        if same is not None:
            reception.send(arrival, announce.accepted(ticket, same.source, same.report, same.at))
            self._count(arrival, DUPLICATE, DUPLICATE, reception)
            return
        value = arrival.record.value
        if value is None:
            raise DeadLetter("no-value", "the record has no value: send a JSON object")
        try:
            report = ReportSubmitted.model_validate_json(value, strict=True)
        except ValidationError as error:
            if unreadable(error):
                raise DeadLetter("bad-json", f"the value is not JSON: {error.errors()[0]['msg']}") from error
            self._refuse(arrival, _not_valid(error), reception)
            return
        wrong = findings(report, reception.now, self._profile)
        if wrong:
            errors = tuple({"pointer": one.pointer, "detail": one.detail} for one in wrong)
            detail = " ".join(one.detail for one in wrong)
            self._refuse(arrival, ReportRefused(reason=wrong[0].reason, detail=detail, errors=errors), reception)
            return
        known[ticket] = self._take(arrival, report, ticket, value, reception)

    def _take(
        self, arrival: Arrival, report: ReportSubmitted, ticket: str, value: bytes, reception: Reception
    ) -> Known:
        source, ident, now = arrival.envelope.source, arrival.envelope.id, reception.now
        trace = arrival.envelope.traceparent
        fact = reported(report, ticket, source, now, self._personal.caller(report, ticket), self._profile)
        document = Report(ticket, source, ident, now, self._personal.seal(value))
        reception.write("reports", self._store.insertion(document))
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

    return Decider(
        service="intake",
        state=Tracked,
        consumes={fact.type: fact for fact in EVOLVES},
        decide=decide,
        evolve=evolve,
        effects=effects,
    )
