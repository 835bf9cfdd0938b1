"""In which cities do clocks run? The small one as it is, with office hours, with waits, with other levels."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import yaml

from shared.profile import parse_profile
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.profile import Profile

GRID, COMMUNITY, STREET, DISTRICT = "100000001001001", "100000001001", "100000001", "100000"
LEVEL_OF = {GRID: "grid", COMMUNITY: "community", STREET: "street", DISTRICT: "district"}
OFFICE: Final[dict[str, Any]] = {
    "zh": "办公时间",
    "en": "office hours",
    "hours": ["08:30-12:00", "14:00-18:00"],
    "holidays": "CN",
}
WAITS: Final[dict[str, Any]] = {
    "clocks.accept": "30 minutes",
    "clocks.dispatch": "4 urgent_hours",
    "clocks.total": {
        "I": "3 urgent_hours",
        "II": "2 urgent_days",
        "III": "7 natural_days",
        "IV": "30 natural_days",
    },
    "closing.verify_within": "2 urgent_hours",
    "closing.call_back_within": "1 urgent_days",
}
"""Limits for every clock on which a person is waited for."""


def city(name: str, **said: Any) -> Profile:
    """Give the small city with something else in it: `{"clocks.total": ...}` sets what stands in a section."""
    content = yaml.safe_load(SMALL) | {"name": name}
    for path, value in said.items():
        *sections, last = path.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return parse_profile(yaml.safe_dump(content, allow_unicode=True), name)


def office(name: str, *, days: dict[str, Any] | None = None, **said: Any) -> Profile:
    """Give the small city with office hours, in which all is counted that is not continuous."""
    calendar = OFFICE | {"days": days or {}}
    published = said.pop("published_until", None)
    if published is not None:
        calendar["published_until"] = published
    return city(name, calendars={"office": calendar}, **({"clocks.calendar": "office"} | said))


def away(*units: str) -> dict[str, Any]:
    """Give the small city's units, where nobody of some is there on 4 March 2026."""
    absent = [{"from": "2026-03-03", "to": "2026-03-04"}]
    content = yaml.safe_load(SMALL)["units"]
    for unit in content:
        for staff in unit.get("staff", ()) if unit["id"] in units else ():
            staff["away"] = absent
    return {"units": content}


def tree(name: str, *levels: str, **said: Any) -> Profile:
    """Give a city with these levels, lowest first, and one unit of each, with staff; `a-unit` is the unit of `a`."""
    minutes = {"I": "1 minutes", "II": "2 minutes", "III": "3 minutes", "IV": "4 minutes"}
    above = (*levels[1:], None)
    return city(
        name,
        grid_code="own",
        levels=[{"id": level, "zh": level, "en": level} for level in levels],
        units=[
            {
                "id": f"{level}-unit",
                "level": level,
                "parent": None if parent is None else f"{parent}-unit",
                "zh": level,
                "en": level,
                "staff": [{"id": f"s-{level}", "name": level, "role": "duty"}],
            }
            for level, parent in zip(levels, above, strict=True)
        ],
        roads=[],
        routing={
            "fallback": levels[0],
            "start": dict.fromkeys(("I", "II", "III", "IV"), levels[0]),
            "rows": [{"category": "*", "lead": "police"}],
        },
        returns={"to_triage": 1, "duty_level": levels[0]},
        **{"ladder.steps": dict.fromkeys(levels, minutes)} | said,
    )


def at(written: str) -> datetime:
    """Give an instant written as the city's own time: 2026-03-02 09:00."""
    return datetime.fromisoformat(f"{written}+08:00").astimezone(UTC)


CITY = parse_profile(SMALL, "small")
"""Grid 1 and its community have staff, the street has none, the district has."""
EMPTY_TOP = parse_profile(SMALL.replace(", staff: [{id: d, name: 甲, role: duty}]", ""), "empty-top")
WAITING = city("waiting", **WAITS)
GRAVE = city("grave", **WAITS, **{"ladder.at_once": ["I", "II"], "ladder.climbs": {"total": ["street", "district"]}})
"""With at once for the grave, and a total that only the upper levels hear of."""
OFFICE_CITY = office("office")
