"""How is it said that a person must triage, in Chinese and in English?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.messages import Words

if TYPE_CHECKING:
    from services.triage.domain.assessment import Assessment
    from shared.messages import Handler, OrderReturned
    from shared.profile import Category, Profile

NAMES: Final[dict[str, tuple[str, str]]] = {
    "category": ("类别", "the category"),
    "condition": ("立案条件", "the filing condition"),
    "place": ("地点", "the place"),
    "lead": ("主办单位", "who leads"),
}
REASONS: Final[dict[str, tuple[str, str]]] = {
    "not-ours": ("不属于本单位职责", "not ours"),
    "wrong-place": ("地点有误", "wrong place"),
    "incomplete": ("信息不全", "incomplete"),
    "duplicate": ("重复工单", "duplicate"),
}


def named(missing: tuple[str, ...]) -> Words:
    """Give the missing things as words."""
    return Words(zh="、".join(NAMES[name][0] for name in missing), en=", ".join(NAMES[name][1] for name in missing))


def choices(category: Category) -> Words:
    """Give the filing conditions that a category has, to choose from."""
    return Words(
        zh="、".join(f"{each.zh}（{each.id}）" for each in category.conditions),
        en=", ".join(f"{each.en} ({each.id})" for each in category.conditions),
    )


def needed_words(found: Assessment) -> Words:
    """Say what a person must fill in, and what of the report was not understood."""
    missing = named(found.missing)
    zh, en = [f"需要人工预审，缺少：{missing.zh}。"], [f"A person must triage this; missing: {missing.en}."]
    if found.unknown_category:
        zh.append(f"类别目录中没有“{found.unknown_category}”。")
        en.append(f"The catalogue has no category {found.unknown_category!r}.")
    if found.unknown_condition:
        zh.append(f"该类别没有立案条件“{found.unknown_condition}”。")
        en.append(f"The category has no condition {found.unknown_condition!r}.")
    if "condition" in found.missing and found.category is not None:
        there_are = choices(found.category)
        zh.append(f"可选：{there_are.zh}。")
        en.append(f"Choose one of: {there_are.en}.")
    if "place" in found.missing and found.notes:
        zh.append(f"地点线索：{'；'.join(found.notes)}。")
        en.append(f"About the place: {'; '.join(found.notes)}.")
    return Words(zh="".join(zh), en=" ".join(en))


def needed_for_return(returned: OrderReturned, profile: Profile) -> Words:
    """Say who returned the order, and why."""
    who, why = handler_words(returned.handler, profile), REASONS[returned.reason]
    what = NAMES["place" if returned.reason == "wrong-place" else "lead"]
    said = f"：{returned.detail}" if returned.detail else ""
    said_en = f": {returned.detail}" if returned.detail else ""
    return Words(
        zh=f"{who.zh}退单（{why[0]}{said}），请重新确定{what[0]}。",
        en=f"Returned by {who.en} ({why[1]}{said_en}): decide {what[1]} anew.",
    )


def handler_words(handler: Handler, profile: Profile) -> Words:
    """Give the name of a handler, or the id of one that the profile does not know."""
    found = profile.department(handler.id) if handler.kind == "department" else profile.unit(handler.id)
    return Words(zh=handler.id, en=handler.id) if found is None else Words(zh=found.zh, en=found.en)
