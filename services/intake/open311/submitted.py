"""What report does a form make? The same as an app or a hotline would hand in, by the channel open311."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final

from services.intake.domain import LONGEST_TEXT, linked
from services.intake.open311.given import last, only, wrong
from services.intake.open311.services import CONDITION

if TYPE_CHECKING:
    from services.intake.open311.given import Given
    from shared.profile import Profile
    from shared.profile.model import Category

ATTRIBUTE: Final = re.compile(r"attribute\[([^\[\]]{1,100})\](\[\])?")
ABOUT_THE_SENDER: Final = ("email", "device_id", "account_id")
"""Sealed with the report; on the log nothing of them is seen."""


def report(sent: Given, category: Category, profile: Profile) -> dict[str, Any]:
    """Give the body of a report; raises Problem for what a form may not say."""
    text = last(sent, "description")
    if len(text) > LONGEST_TEXT:
        raise wrong(f"description: 请缩短至{LONGEST_TEXT}字以内。 Shorten it to {LONGEST_TEXT} characters.")
    attributes = _attributes(sent)
    return {
        "channel": "open311",
        "text": text,
        "category": category.code,
        "condition": _condition(attributes, category),
        "place": _place(sent, profile),
        "caller": _caller(sent),
        "attachments": [linked(url.strip()) for url in sent.get("media_url", ())],
        "attributes": attributes | only(sent, *ABOUT_THE_SENDER),
    }


def _attributes(sent: Given) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, values in sent.items():
        if not name.startswith("attribute"):
            continue
        match = ATTRIBUTE.fullmatch(name)
        if match is None:
            raise wrong("attribute: 写作attribute[代码]=值。 Write it as attribute[code]=value.")
        several = match[2] is not None or len(values) > 1
        found[match[1]] = list(values) if several else values[0]
    return found


def _condition(attributes: dict[str, Any], category: Category) -> str | None:
    """Take the filing condition out of the attributes; raises Problem for one that the category does not have."""
    wanted: str | list[str] | None = attributes.pop(CONDITION, None)
    if isinstance(wanted, list):
        wanted = wanted[0] if len(wanted) == 1 else ""
    if wanted is not None and category.condition(wanted) is None:
        there_are = ", ".join(each.id for each in category.conditions)
        raise wrong(f"attribute[{CONDITION}]: 请从中选择一项: {there_are}。 Choose one of them.")
    return wanted


def _place(sent: Given, profile: Profile) -> dict[str, Any]:
    """Give where it is; an address_id is a grid's code or a QR code's text."""
    place: dict[str, Any] = {
        name: _degrees(sent, parameter)
        for name, parameter in (("lon", "long"), ("lat", "lat"))
        if last(sent, parameter)
    }
    if address := last(sent, "address_string"):
        place["address"] = address
    if ident := last(sent, "address_id"):
        if profile.locate(grid=ident) is not None:
            place["grid"] = ident
        elif profile.locate(qr=ident) is not None:
            place["qr"] = ident
        elif not place:
            raise wrong("address_id: 没有这个编号。 There is no such place: give lat and long, or address_string.")
    if not place:
        raise wrong(
            "lat, long, address_string, address_id: 请说明地点。 Say where it is: lat and long, or address_string, "
            "or address_id."
        )
    return place


def _degrees(sent: Given, name: str) -> float:
    try:
        degrees = float(last(sent, name))
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise wrong(f"{name}: 须为十进制度数。 Give decimal degrees, such as 30.026.")
    return degrees


def _caller(sent: Given) -> dict[str, Any]:
    first, family, phone = last(sent, "first_name"), last(sent, "last_name"), last(sent, "phone")
    latin = f"{first}{family}".isascii()
    name = f"{first} {family}".strip() if latin else f"{family}{first}"
    caller: dict[str, Any] = {"anonymous": not (name or phone)}
    return caller | ({"name": name} if name else {}) | ({"phone": phone} if phone else {})
