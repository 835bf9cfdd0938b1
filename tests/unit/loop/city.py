"""Which city uses every part of its own loop? The small one with bodies, small and big matters, and whistles."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import yaml

from shared.profile import parse_profile
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from shared.profile import Profile

GRID, BARE_GRID = "100000001001001", "100000001001002"
COMMUNITY, STREET, WEST, DISTRICT = "100000001001", "100000001", "100000002", "100000"
FOUR: Final = ("I", "II", "III", "IV")
OFFICE: Final[dict[str, Any]] = {
    "zh": "办公时间", "en": "office hours", "hours": ["08:30-12:00", "14:00-18:00"], "holidays": "CN",
}  # fmt: skip
LOOP: Final[dict[str, Any]] = {
    "settlement": [{"categories": ["0101"], "severities": ["IV"], "body": "council", "limit": "90 minutes"}],
    "big": [{"attributes": {"crowd": True}, "network": ["water", "power", {"level": "community"}]}],
    "small": [
        {"categories": ["0101"], "severities": ["IV"], "levels": ["grid", "community"], "limit": "2 urgent_hours"},
        {"categories": ["0201"], "levels": ["grid"]},
    ],
    "kept_up": [
        {
            "categories": ["0501"], "not_below": "street",
            "sentence": {"zh": "不得下交社区。", "en": "Not the community's."},
        }
    ],
    "situations": [
        {
            "id": "fire-lane", "zh": "消防通道堵塞", "en": "Fire lane blocked", "by": ["street", "community"],
            "waves": [["police", "power"], [{"road": True}], [{"body": "union"}, "water", {"level": "district"}]],
            "arrive": "30 minutes", "enough": 2,
        },
        {
            "id": "flood", "zh": "积水", "en": "Flood", "by": ["street"], "categories": ["05*"],
            "waves": [["water", "police"]], "arrive": "2 work_hours",
        },
        {
            "id": "road", "zh": "道路塌陷", "en": "Road caved in", "by": ["street"],
            "waves": [[{"road": True}], [{"body": "union"}]], "arrive": "20 minutes",
        },
    ],
}  # fmt: skip


def city(name: str = "looped", **said: Any) -> Profile:
    """Give the city; `{"returns.within": ...}` sets what stands in a section."""
    content = yaml.safe_load(SMALL) | {"name": name}
    content["calendars"] = {"office": dict(OFFICE)}
    content["departments"] += [
        {"id": "power", "topic": "power", "zh": "供电", "en": "Power", "calendar": "office"},
    ]
    content["roads"][0]["departments"] = ["power", "water"]
    content["bodies"] = [
        {"id": "council-1", "zh": "新村议事会", "en": "New Village council", "kind": "council", "unit": COMMUNITY,
         "staff": [{"id": "b1", "name": "戊", "role": "chair"}]},
        {"id": "union-1", "zh": "商户联盟", "en": "Merchants' union", "kind": "union", "unit": GRID,
         "staff": [{"id": "b2", "name": "己", "role": "chair"}]},
    ]  # fmt: skip
    content["majors"].append({"code": "02", "zh": "邻里", "en": "Neighbours"})
    content["categories"] += [
        {"code": "0201", "zh": "噪声", "en": "Noise", "major": "02", "calendar": "office",
         "conditions": [{"id": "noise", "zh": "扰民", "en": "disturbing", "limit": "6 work_hours", "severity": "III"}]},
    ]  # fmt: skip
    content["routing"]["rows"] = [
        {"category": "0101", "lead": "police", "assists": ["water", {"level": "community"}]},
        {"category": "0101", "condition": "built", "lead": "water"},
        {"category": "0201", "lead": "police", "assists": [{"level": "community"}]},
        {"category": "0501", "lead": "water", "assists": ["power"]},
    ]
    content["diversions"] = content["diversions"][:1]
    content["categories"][0]["conditions"][0]["severity"] = "IV"
    content["loop"] = deepcopy(LOOP)
    content["clocks"] |= {
        "accept": "30 minutes", "dispatch": "4 urgent_hours", "contact": "1 urgent_hours",
        "total": dict.fromkeys(FOUR, "5 natural_days"),
        "limits": [
            {"clock": "assist-handle", "category": "0101", "limit": "1 urgent_days"},
            {"clock": "sign", "category": "0501", "limit": "10 minutes"},
        ],
    }  # fmt: skip
    content["closing"]["verify_by_person"] = ["05*"]
    for path, value in said.items():
        *sections, last = path.split(".")
        place = content
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return parse_profile(yaml.safe_dump(content, allow_unicode=True), name)


CITY = city()
CLIMBING = city("climbing", **{"ladder.climbs": {"assist-handle": ["community", "street"], "arrive": ["street"]}})
"""Late assists climb the ladder, and a whistle that is not answered stays in the street."""
IN_OFFICE = city("in-office", **{"clocks.calendar": "office"})
"""All that is not continuous is counted in office hours."""
FIRST_RECEIVER = city("first-receiver", returns={"to_triage": 1, "duty_level": "street", "first_receiver": True})
