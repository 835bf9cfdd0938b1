"""What of a request may everybody read? What and where, without who asked and without the rooms that people live in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import AwareDatetime

from shared.messages.parts import Part
from shared.profile import CARE

if TYPE_CHECKING:
    from datetime import datetime

    from shared.messages import TicketReported
    from shared.profile import Profile

LONGEST_TEXT = 4000
"""Characters of a description, as GeoReport v2 has it."""
HIDDEN = "***"
_N = r"(?:\d{1,5}[A-Za-z]?|[A-Za-z]\d{1,4}|[〇零一二三四五六七八九十百]{1,5})"
_ROOM = re.compile(
    rf"{_N}\s?单元\s?(?:{_N}\s?[楼层]\s?)?(?:{_N}\s?(?:室|户|号房|号|房)?)?"
    rf"|(?:{_N}\s?[楼层]\s?)?{_N}\s?(?:室|户|号房)"
    r"|(?i:\b(?:apartment|apt|flat|room|rm|unit|suite)\b\.?\s?(?:no\.?\s?|#\s?)?[A-Za-z]?\d{1,5}[A-Za-z]?\b)"
)
_NUMBERS = re.compile(r"(?<![\d-])\d{1,3}-\d{1,2}-\d{1,5}(?![\d-])")
"""Building, stairs and room, as Chinese addresses have them."""


def without_rooms(text: str) -> str:
    """Give a text that names no stairs and no room: a house may be named, a home may not."""
    return _ROOM.sub(HIDDEN, text)


class Public(Part):
    """What everybody may read of a request, whatever becomes of it."""

    code: str
    at: AwareDatetime
    channel: str
    text: str = ""
    condition: str | None = None
    address: str | None = None
    address_id: str | None = None
    lon: float | None = None
    lat: float | None = None
    media: str | None = None


def published(fact: TicketReported, profile: Profile) -> Public | None:
    """Give what everybody may read of a report; None where the city does not publish its channel, or its category.

    The fact is masked already, so that no name and no number is in it.
    """
    category = profile.category_by_alias(fact.category or "")
    if fact.channel not in profile.intake.public or category is None or CARE in fact.attributes:
        return None
    place, condition = fact.place, category.condition(fact.condition)
    return Public(
        code=category.code,
        at=fact.reported_at,
        channel=fact.channel,
        text=without_rooms(fact.text)[:LONGEST_TEXT],
        condition=None if condition is None else condition.id,
        address=None if place.address is None else _NUMBERS.sub(HIDDEN, without_rooms(place.address)),
        address_id=place.grid or place.qr,
        lon=place.lon,
        lat=place.lat,
        media=next((one.url for one in fact.attachments), None),
    )


@dataclass(frozen=True, slots=True)
class Search:
    """Which public requests are wanted: the newest first, `skip` of them left out, `limit` of them given."""

    since: datetime
    until: datetime
    codes: tuple[str, ...] = ()
    """Of these services; of all when empty."""
    is_open: bool | None = None
    skip: int = 0
    limit: int = 1000

    def fits(self, public: Public, *, is_open: bool) -> bool:
        """Tell whether a request is wanted."""
        return (
            self.since <= public.at <= self.until
            and (not self.codes or public.code in self.codes)
            and self.is_open in {None, is_open}
        )


def searched(public: Public | None, *, is_open: bool) -> dict[str, Any]:
    """Give what stands beside a ticket's state so that the public list finds it; nothing of most tickets."""
    return {} if public is None else {"public": {"at": public.at, "code": public.code, "open": is_open}}
