"""Which city has matters that go through stages? The one of `city`, with a project and a mediation."""

from __future__ import annotations

from typing import Any, Final

from tests.unit.loop.city import FOUR, city

PROJECT: Final[list[dict[str, Any]]] = [
    {"id": "plan", "zh": "方案", "en": "plan", "who": {"level": "community"}, "limit": "10 natural_days"},
    {"id": "budget", "zh": "预算", "en": "budget", "limit": "5 work_days", "money": "budget", "evidence": ["text"]},
    {
        "id": "public", "zh": "公示", "en": "publicity", "who": {"level": "community"}, "limit": "9 natural_days",
        "publicity": "7 natural_days",
        "fails": {"back": "plan", "times": 1, "sentence": {"zh": "公示有异议，终止。", "en": "Objections stopped it."}},
    },
    {
        "id": "vote", "zh": "表决", "en": "vote", "who": {"body": "council"}, "limit": "15 natural_days",
        "vote": {"threshold": "2/3", "electorate": 37},
        "fails": {"back": "plan", "times": 2, "close": "informed",
                  "sentence": {"zh": "表决未通过，终止。", "en": "The vote stopped it."}},
    },
    {"id": "build", "zh": "施工", "en": "building", "who": "power", "money": "actual"},
]  # fmt: skip
"""方案→预算→公示→表决→施工: the budget is the lead's, and so is the building's limit."""
MEDIATION: Final[list[dict[str, Any]]] = [
    {
        "id": "mediate", "zh": "调解", "en": "mediation", "who": {"body": "union"}, "limit": "3 natural_days",
        "fails": {"close": "diverted", "to": "法院", "sentence": {"zh": "可向法院起诉。", "en": "Go to the court."}},
    },
    {
        "id": "meet", "zh": "议事", "en": "meeting", "who": {"body": "council"}, "limit": "4 natural_days",
        "vote": {"threshold": ">1/2", "of": "voters", "quorum": "2/3"},
        "fails": {"back": "meet", "times": 1, "sentence": {"zh": "未达成一致。", "en": "No agreement."}},
    },
]  # fmt: skip
STAGED: Final = city(
    "staged",
    **{
        "loop.stages": [
            {"categories": ["0201"], "stages": PROJECT},
            {"categories": ["0101"], "attributes": {"crowd": True}, "stages": MEDIATION},
        ],
        "loop.big": [],
        "clocks.total": dict.fromkeys(FOUR, "300 natural_days"),
    },
)
