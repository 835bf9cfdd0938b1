"""Why is each deadline when it is? Every clock of a ticket, with its limit and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.messages import Words

if TYPE_CHECKING:
    from datetime import datetime

    from services.desk.domain import Clock, Ticket
    from services.desk.names import Names, Pair


def deadlines(ticket: Ticket, names: Names, now: datetime) -> list[dict[str, Any]]:
    """Give every clock of the ticket in the order of their limits."""
    ordered = sorted(ticket.clocks.items(), key=lambda item: (item[1].due_at, item[0]))
    return [_deadline(token, clock, ticket, names, now) for token, clock in ordered]


def _deadline(token: str, clock: Clock, ticket: Ticket, names: Names, now: datetime) -> dict[str, Any]:
    zh, en = names.span(clock.limit)
    return {
        "clock": clock.clock,
        "token": token,
        "order_id": clock.order_id,
        "level": clock.level,
        "cause": clock.cause,
        "limit": {"amount": clock.limit.amount, "unit": clock.limit.unit, "zh": zh, "en": en},
        "started_at": clock.started_at,
        "warn_at": clock.warn_at,
        "due_at": clock.due_at,
        "ended_at": clock.ended_at,
        "state": clock.state,
        "overdue": clock.ended_at is None and clock.due_at < now,
        "sentence": _sentence(clock, ticket, names, now).model_dump(),
    }


def _sentence(clock: Clock, ticket: Ticket, names: Names, now: datetime) -> Words:
    (name_zh, name_en), (why_zh, why_en), (end_zh, end_en) = (
        _name(clock, names),
        _why(clock, ticket, names),
        _end(clock, names, now),
    )
    limit_zh, limit_en = names.span(clock.limit)
    start, due = names.instant(clock.started_at), names.instant(clock.due_at)
    return Words(
        zh=f"{name_zh}时限 {limit_zh}（{why_zh}），自 {start} 起算，{due} 到期；{end_zh}。",
        en=f"{name_en} may take {limit_en} ({why_en}): from {start} until {due}; {end_en}.",
    )


def _name(clock: Clock, names: Names) -> Pair:
    if clock.clock == "ladder":
        zh, en = names.level(clock.level)
        return f"{zh}级响应", f"The {en.lower()} level's answer"
    zh, en = names.clock(clock.clock)
    return zh, en[:1].upper() + en[1:]


def _why(clock: Clock, ticket: Ticket, names: Names) -> Pair:
    """Say what sets the limit: severity for signing and the ladder, the filing condition for handling."""
    if clock.clock == "handle" and ticket.category is not None:
        code, condition = ticket.category.code, ticket.category.condition
        (zh, en), (name_zh, name_en) = names.condition(code, condition), names.category(code, ticket.category.name)
        return f"{name_zh}的立案条件“{zh}”", f"the filing condition '{en}' of {name_en}"
    grave = ticket.severity or "?"
    if clock.clock == "ladder" and clock.cause:
        zh, en = names.clock(clock.cause)
        return f"{zh}超时后逐级升级，严重程度 {grave} 级", f"added after the {en} limit had passed, severity {grave}"
    return f"严重程度 {grave} 级", f"severity {grave}"


def _end(clock: Clock, names: Names, now: datetime) -> Pair:
    ended = names.instant(clock.ended_at)
    if clock.ended_at is not None:
        return {
            "met": (f"已于 {ended} 按时完成", f"met at {ended}"),
            "late": (f"已于 {ended} 超时完成", f"ended late, at {ended}"),
        }.get(clock.state, (f"已于 {ended} 取消", f"cancelled at {ended}"))
    if clock.state == "breached" or clock.due_at < now:
        return "已超时，责任仍在", "it has passed, and the duty stands"
    if clock.state == "warned":
        return "即将到期", "it is near"
    return "计时中", "it runs"
