"""What does the profile make of a report: category, condition, place, severity, lead, or what is missing?"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from shared.decider import State
from shared.messages import (
    Ballot,
    CategoryRef,
    Failure,
    Handler,
    Location,
    Part,
    Severity,
    Span,
    Stage,
    Step,
    TicketReported,
    TicketTriaged,
    Words,
)
from shared.profile import CARE, Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.profile import Ask, Category, Condition, Limit, Profile, Route, StageAt
    from shared.profile import Location as Found

Missing = Literal["category", "condition", "place", "lead"]
Phase = Literal["new", "waiting", "triaged", "diverted", "settled"]


PROMISED: Final = "promised_by"
"""Attribute of a report from a visit: an instant with its offset."""
NO_RESPONSE: Final = Response()


class Choice(Part):
    """What was decided before, or what a person decides: it stands before the report's own words."""

    category: str | None = None
    condition: str | None = None
    unit: str | None = None
    """The territorial unit where it is."""
    severity: Severity | None = None


class TriageState(State):
    """What triage knows of a ticket: the report, and what was last decided about it."""

    phase: Phase = "new"
    report: TicketReported | None = None
    choice: Choice = Choice()
    attempt: int = 0
    """How often it was triaged."""
    missing: tuple[str, ...] = ()
    returned_by: Handler | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What is known of a ticket; `missing` is empty when that is all that an order needs."""

    category: Category | None
    condition: Condition | None
    place: Location | None
    severity: Severity | None
    ownership: str | None
    missing: tuple[Missing, ...]
    unknown_category: str = ""
    """What the report calls it, when the catalogue has no such word."""
    unknown_condition: str = ""
    notes: tuple[str, ...] = ()
    """What the place's lookup found strange."""
    attributes: Mapping[str, object] = field(default_factory=dict)

    def queue(self, profile: Profile) -> str:
        """Give the unit in whose queue it waits: the street of the place, or the next above with staff."""
        street = self.place.street if self.place is not None else None
        return staffed(profile, street or profile.top.id)

    def route(self, profile: Profile) -> Route:
        """Give the lead and the assists by the matrix; only when nothing is missing."""
        category, condition, place, severity = self._known()
        return _route(profile, category.code, condition.id, place.unit, self.ownership, severity)

    def triaged(
        self,
        report: TicketReported,
        profile: Profile,
        *,
        lead: Handler | None = None,
        attempt: int = 1,
        by: str = "gridcall",
        rule: str = "",
    ) -> TicketTriaged:
        """Give the fact that says all that an order needs; `lead` stands before the matrix."""
        category, condition, place, severity = self._known()
        route = self.route(profile)
        routed = Handler(kind=route.lead.kind, id=route.lead.id)
        mode = profile.mode(place.unit, report.reported_at)
        limits = profile.under(profile.version, mode).limits(
            category, condition, severity, channel=report.channel, request=report.request
        )
        chosen, lead = lead is not None, lead or routed
        care = report.attributes.get(CARE) is True and profile.care is not None
        response = NO_RESPONSE if chosen else self._response(profile)
        assists = (*route.assists, *response.network)
        stages = self._stages(profile, lead if chosen else None)
        return TicketTriaged(
            category=CategoryRef(
                code=category.code, name=category.zh, condition=condition.id, code_system=category.code_system
            ),
            severity=severity,
            place=place,
            level=route.level,
            unit=profile.owner(place.unit, route.level),
            lead=lead,
            assists=tuple(
                dict.fromkeys(each for one in assists if (each := Handler(kind=one.kind, id=one.id)) != lead)
            ),
            before=() if stages else tuple(s for each in response.before if (s := _step(each)).handler != lead),
            stages=stages,
            size=response.size,
            mode=mode,
            promised_by=promised(report),
            care=care,
            helpers=profile.helpers(place.unit, report.reported_at) if care else (),
            sign_limit=Span.of(limits.sign),
            handle_limit=Span.of(limits.handle),
            warn_share=profile.warn_share,
            description=report.text,
            attachments=report.attachments,
            callback=report.caller.callback,
            reachable=report.caller.masked_phone is not None,
            channel=report.channel,
            request=report.request,
            attempt=attempt,
            by=by,
            rule=rule or ("fallback" if route.rule is None else f"routing row {route.rule + 1}"),
            profile_version=profile.version,
            reported_at=report.reported_at,
        )

    def _response(self, profile: Profile) -> Response:
        category, _, place, severity = self._known()
        return profile.response(category.code, severity, place.unit, self.attributes)

    def _stages(self, profile: Profile, first: Handler | None) -> tuple[Stage, ...]:
        """Give what it goes through; whoever is named to lead has the first."""
        if not profile.loop.stages:
            return ()
        category, _, place, severity = self._known()
        found = tuple(_stage(each) for each in profile.stages(category.code, severity, place.unit, self.attributes))
        if first is None or not found:
            return found
        return (found[0].model_copy(update={"handler": first}), *found[1:])

    def _known(self) -> tuple[Category, Condition, Location, Severity]:
        if self.category is None or self.condition is None or self.place is None or self.severity is None:
            problem = f"a ticket is triaged while it lacks {', '.join(self.missing)}"
            raise ValueError(problem)
        return self.category, self.condition, self.place, self.severity


def promised(report: TicketReported) -> datetime | None:
    """Give the date that somebody was promised at a visit; None for what is no date, or has passed."""
    said = report.attributes.get(PROMISED)
    if not isinstance(said, str) or report.channel != "visit":
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return at if at.tzinfo is not None and at > report.reported_at else None


def _step(asked: Ask) -> Step:
    handler = Handler(kind=asked.handler.kind, id=asked.handler.id)
    return Step(tier=asked.tier, handler=handler, limit=_span(asked.limit))


def _stage(at: StageAt) -> Stage:
    stage, fails, handler = at.stage, at.stage.fails, at.handler
    return Stage(
        id=stage.id,
        name=Words(zh=stage.zh, en=stage.en),
        handler=None if handler is None else Handler(kind=handler.kind, id=handler.id),
        limit=_span(stage.limit),
        publicity=_span(stage.publicity),
        vote=None if stage.vote is None else Ballot(**stage.vote.model_dump() | {"electorate": at.electorate}),
        evidence=stage.evidence,
        money=stage.money,
        fails=None
        if fails is None
        else Failure(
            back=fails.back or "",
            times=fails.times,
            outcome=fails.close,
            to=fails.to or "",
            sentence=Words(zh=fails.sentence.zh, en=fails.sentence.en),
        ),
    )


def _span(limit: Limit | None) -> Span | None:
    return None if limit is None else Span.of(limit)


def assess(report: TicketReported, choice: Choice, profile: Profile) -> Assessment:
    """Give what the profile makes of a report, where `choice` stands before the report's own words."""
    named = choice.category or report.category or ""
    category = (profile.category(named) or profile.category_by_alias(named)) if named else None
    wanted = choice.condition or (None if choice.category and not same(report, category, profile) else report.condition)
    condition = None if category is None else condition_named(category, wanted)
    place, notes = _place(report, choice, profile)
    severity = choice.severity
    if severity is None and category is not None and condition is not None:
        severity = profile.severity(category, condition, report.attributes, report.text)
    gaps: tuple[tuple[Missing, bool], ...] = (
        ("category", category is None),
        ("condition", category is not None and condition is None),
        ("place", place is None),
    )
    return Assessment(
        category=category,
        condition=condition,
        place=place,
        severity=severity,
        ownership=_ownership(report),
        missing=tuple(name for name, lacking in gaps if lacking),
        unknown_category=named if category is None else "",
        unknown_condition=wanted if wanted and category is not None and condition is None else "",
        notes=notes,
        attributes=report.attributes,
    )


def same(report: TicketReported, category: Category | None, profile: Profile) -> bool:
    """Tell whether the report itself names this category, so that its condition is one of it."""
    if category is None or not report.category:
        return False
    return (profile.category(report.category) or profile.category_by_alias(report.category)) == category


def condition_named(category: Category, wanted: str | None) -> Condition | None:
    """Give the condition of this id or name; without one the only one that there is."""
    if not wanted:
        return category.condition()
    named = wanted.strip().casefold()
    return category.condition(wanted) or next(
        (each for each in category.conditions if named in (each.id.casefold(), each.zh, each.en.casefold())), None
    )


def _place(report: TicketReported, choice: Choice, profile: Profile) -> tuple[Location | None, tuple[str, ...]]:
    said = report.place
    found = profile.locate(grid=said.grid, qr=said.qr, lon=said.lon, lat=said.lat, address=said.address, road=said.road)
    road = None if found is None else found.road
    method = None if found is None else str(found.method)
    if choice.unit is not None and (found is None or found.unit != choice.unit):
        unit = profile.coarse(choice.unit) if report.attributes.get(CARE) is True else choice.unit
        found, method = profile.locate(grid=unit), "person"
    if found is None:
        return None, _notes(report, profile)
    return _location(report, found, road, method or ""), found.notes


def _location(report: TicketReported, found: Found, road: str | None, located_by: str) -> Location:
    return Location(
        address=report.place.address,
        grid=found.grid,
        community=found.community,
        street=found.street,
        district=found.district,
        road=road,
        lon=report.place.lon,
        lat=report.place.lat,
        unit=found.unit,
        located_by=located_by,
    )


def _notes(report: TicketReported, profile: Profile) -> tuple[str, ...]:
    """Say which codes of the report the profile does not know; `locate` gives no notes when it finds nothing."""
    said = report.place
    codes = (
        ("grid code", said.grid, said.grid is not None and profile.unit(said.grid) is None),
        ("QR code", said.qr, True),
        ("road", said.road, said.road is not None and profile.road(said.road) is None),
    )
    return tuple(f"unknown {what} {code!r}" for what, code, unknown in codes if code and unknown)


def _ownership(report: TicketReported) -> str | None:
    owner = report.attributes.get("ownership")
    return owner if isinstance(owner, str) else None


@lru_cache(maxsize=8192)
def _route(
    profile: Profile, category: str, condition: str, unit: str, ownership: str | None, severity: Severity
) -> Route:
    """Ask the matrix once for each question: it tries a hundred rows, 20 microseconds, and a city repeats itself."""
    return profile.route(category, condition, unit, ownership, severity=severity)


def staffed(profile: Profile, unit: str) -> str:
    """Give the unit, or the next above that has staff: a queue that nobody looks into is no queue."""
    return next((each.id for each in profile.chain(unit) if each.staff), profile.top.id)
