"""What is corrected on an open ticket, and what follows? Limits are looked up anew; no clock begins anew (sla)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.dispatch.domain.edges import named
from shared.errors import Refused
from shared.messages import CategoryRef, Fact, Location, Span, TicketAmended

if TYPE_CHECKING:
    from datetime import datetime

    from services.dispatch.domain.state import DispatchState
    from shared.decider import Message
    from shared.messages import AmendTicket, TicketTriaged
    from shared.profile import Category, Condition, Profile


def amend(state: DispatchState, message: Message, _now: datetime, profile: Profile) -> list[Fact]:
    """Correct category, condition, severity or place; who handles it stays until somebody assigns it."""
    command: AmendTicket = message.data
    named(command)
    triaged = state.triaged
    if triaged is None:
        raise Refused(
            "not-triaged", "The ticket is not triaged yet, or unknown: use triage.", "工单尚未预审或不存在：请先预审。"
        )
    if state.closed:
        raise Refused("closed", "The ticket is closed: reopen it first.", "工单已结案：请先重办。")
    if not command.reason.strip():
        raise Refused("no-reason", "Say why: `reason` is empty.", "请写明修改原因（reason）。")
    category, condition = _what(command, triaged, profile)
    same = (category.code, condition.id) == (triaged.category.code, triaged.category.condition)
    filed = triaged.category if same else _filed(category, condition)
    usual = triaged.severity if same else profile.severity(category, condition, text=triaged.description)
    severity = command.severity or usual
    place = (
        triaged.place
        if command.unit in {None, triaged.place.unit}
        else _where(_near(command.unit or "", triaged, profile), triaged.place, profile)
    )
    route = profile.route(category, condition, place.unit, severity=severity)
    moved = place.unit != triaged.place.unit
    limits = profile.limits(category, condition, severity, channel=triaged.channel, request=triaged.request)
    order, last = state.open, state.last
    handler = triaged.lead if last is None else last.handler
    department = handler.id if handler.kind == "department" else None
    amended = TicketAmended(
        order_id=None if order is None else order.id,
        handler=None if order is None else order.handler,
        category=filed,
        old_category=triaged.category,
        severity=severity,
        old_severity=triaged.severity,
        place=place,
        old_place=triaged.place,
        level=route.level if moved else triaged.level,
        unit=profile.owner(place.unit, route.level) if moved else triaged.unit,
        sign_limit=Span.of(limits.sign),
        handle_limit=Span.of(limits.handle),
        calendar=profile.working_time(category.code, department).name,
        by=command.by,
        reason=command.reason.strip(),
    )
    if (amended.category, severity, place) == (triaged.category, triaged.severity, triaged.place):
        raise Refused("nothing-changed", "That is what the ticket says already.", "与工单现有内容相同，无需修改。")
    return [amended]


def _near(unit: str, triaged: TicketTriaged, profile: Profile) -> str:
    """Give the unit as closely as it may be said: of somebody of whom care is taken no closer than the community."""
    return profile.coarse(unit) if triaged.care and profile.unit(unit) is not None else unit


def _what(command: AmendTicket, triaged: TicketTriaged, profile: Profile) -> tuple[Category, Condition]:
    written = command.category or triaged.category.code
    category = profile.category(written) or profile.category_by_alias(written)
    if category is None:
        raise Refused("unknown-category", f"The catalogue has no category {written!r}.", f"类别目录中没有“{written}”。")
    same = category.code == triaged.category.code
    wanted = command.condition or (triaged.category.condition if same else None)
    condition = category.condition(wanted)
    if condition is None:
        en = ", ".join(f"{each.id} ({each.en})" for each in category.conditions)
        zh = "、".join(f"{each.zh}（{each.id}）" for each in category.conditions)
        raise Refused(
            "unknown-condition",
            f"Name the `condition` of category {category.code}: one of {en}.",
            f"请填写类别{category.code}的立案条件（condition）：{zh}。",
        )
    return category, condition


def _filed(category: Category, condition: Condition) -> CategoryRef:
    return CategoryRef(code=category.code, name=category.zh, condition=condition.id, code_system=category.code_system)


def _where(unit: str, before: Location, profile: Profile) -> Location:
    found = profile.locate(grid=unit)
    if found is None or profile.unit(unit) is None:
        raise Refused("unknown-unit", f"The profile has no unit {unit!r}.", f"没有编码为“{unit}”的区域单元。")
    return before.model_copy(
        update={
            "grid": found.grid,
            "community": found.community,
            "street": found.street,
            "district": found.district,
            "unit": found.unit,
            "located_by": "person",
        }
    )
