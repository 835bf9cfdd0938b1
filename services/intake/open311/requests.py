"""How is a request shown to everybody? What and where as it was handed in, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from services.intake.domain import OVER, STATES, Public, Tracked, named, outcome
from services.intake.open311.services import name
from shared.messages import Words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from shared.profile import Profile

Row = dict[str, Any]


def rows(found: Iterable[tuple[str, bytes]], profile: Profile, *, extended: bool) -> list[Row]:
    """Give the requests of stored states."""
    states = ((ticket, Tracked.model_validate_json(stored)) for ticket, stored in found)
    return [
        row(ticket, state, state.public, profile, extended=extended)
        for ticket, state in states
        if state.public is not None
    ]


def row(ticket: str, state: Tracked, public: Public, profile: Profile, *, extended: bool) -> Row:
    """Give one request; `extended` adds what GeoReport has no field for."""
    category = profile.category(public.code)
    shown: Row = {
        "service_request_id": ticket,
        "status": "closed" if state.where in OVER else "open",
        "status_notes": _notes(state),
        "service_name": public.code if category is None else name(category),
        "service_code": public.code,
        "description": public.text or None,
        "agency_responsible": _both(named(state.who, profile)) if state.who else None,
        "service_notice": None,
        "requested_datetime": _w3(public.at, profile),
        "updated_datetime": _w3(_updated(state, public), profile),
        "expected_datetime": _w3(state.by_when, profile) if state.by_when and state.where not in OVER else None,
        "address": public.address,
        "address_id": public.address_id,
        "zipcode": None,
        "lat": public.lat,
        "long": public.lon,
        "media_url": public.media,
    }
    more = {"channel": public.channel, "state": state.where, "condition": public.condition}
    return shown | ({"extended_attributes": more} if extended else {})


def _notes(state: Tracked) -> str:
    """Say how far it is; not what a clerk wrote, which is meant for the person who asked."""
    end = outcome(state)
    words = STATES[state.where]
    return _both(words) if end is None else f"{words.zh}({end.zh}) {words.en} ({end.en})"


def _both(words: Words) -> str:
    return words.zh if words.zh == words.en else f"{words.zh} {words.en}"


def _updated(state: Tracked, public: Public) -> datetime:
    """Give when something happened last; of what is closed when it was closed, whatever was said since."""
    ends = [entry.at for entry in state.timeline if entry.what == "closed"] if state.where == "closed" else []
    return ends[-1] if ends else state.timeline[-1].at if state.timeline else public.at


def _w3(at: datetime, profile: Profile) -> str:
    """Give an instant as the clocks of the city show it, with the offset, to the second."""
    return at.astimezone(ZoneInfo(profile.zone)).isoformat(timespec="seconds")
