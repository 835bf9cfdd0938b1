"""Which services does a city offer by Open311? The categories of its profile, each with its filing conditions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shared.profile import Profile
    from shared.profile.model import Category

CONDITION: Final = "condition"
"""The attribute that says which filing condition of a category it is."""


def services(profile: Profile) -> list[dict[str, Any]]:
    """Give the service list, in the profile's order."""
    majors = {major.code: f"{major.zh} {major.en}" for major in profile.content.majors}
    return [_service(category, majors[category.major]) for category in profile.categories]


def _service(category: Category, group: str) -> dict[str, Any]:
    conditions = [f"{each.zh} {each.en}" for each in category.conditions] if _asks(category) else []
    return {
        "service_code": category.code,
        "service_name": name(category),
        "description": "; ".join(conditions) or name(category),
        "metadata": _asks(category),
        "type": "realtime",
        "keywords": ", ".join((category.zh, category.en, *category.aliases)),
        "group": group,
    }


def name(category: Category) -> str:
    """Give what a service is called, in both languages."""
    return f"{category.zh} {category.en}"


def _asks(category: Category) -> bool:
    """Tell whether there is anything to choose."""
    return len(category.conditions) > 1


def definition(category: Category) -> dict[str, Any]:
    """Give the attributes of a service: its filing condition, where there is a choice; a clerk may choose it too."""
    condition = {
        "variable": True,
        "code": CONDITION,
        "datatype": "singlevaluelist",
        "required": False,
        "datatype_description": "请选择一项。 Choose one.",
        "order": 1,
        "description": "属于哪种情况? Which of these is it?",
        "values": [{"key": each.id, "name": f"{each.zh} {each.en}"} for each in category.conditions],
    }
    return {"service_code": category.code, "attributes": [condition] if _asks(category) else []}
