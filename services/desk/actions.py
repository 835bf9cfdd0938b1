"""What may be done with a ticket now, by whom, and why may the rest not? A table over the view.

It advises people; whether a command is carried out is decided by the service that owns the rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from services.desk.domain import CLOSED
from services.desk.names import Names, Pair
from shared.messages import DESK_COMMANDS, Words

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from services.desk.domain import Order, Owner, Ticket


def _always(_ticket: Ticket, _names: Names) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Action:
    """A command: what it does, when it may be given, by whom, and what is said when it may not."""

    command: str
    does: Pair
    may: Callable[[Ticket, datetime], bool]
    by: Callable[[Ticket, Names], Pair]
    why_not: Pair
    orders: Callable[[Order, datetime], bool] | None = None
    """Which orders it may name."""
    rules: Callable[[Ticket, Names], bool] = _always
    """What the profile that the ticket is pinned to says of it."""

    def fits(self, ticket: Ticket, order: Order, now: datetime) -> bool:
        """Tell whether it may name an order of the ticket."""
        return self.orders is None or self.orders(order, _seen_at(ticket, now) if self.orders is _revisable else now)


def _in(*states: str) -> Callable[[Ticket, datetime], bool]:
    return lambda ticket, _now: ticket.state in states


def _always_may(_ticket: Ticket, _now: datetime) -> bool:
    return True


def _open(ticket: Ticket, _now: datetime) -> bool:
    return ticket.state != CLOSED


def _any_order(which: Callable[[Order, datetime], bool]) -> Callable[[Ticket, datetime], bool]:
    return lambda ticket, now: _open(ticket, now) and any(which(order, now) for order in ticket.orders.values())


def _reopenable(ticket: Ticket, now: datetime) -> bool:
    within = ticket.reopen_until is not None and now <= ticket.reopen_until
    return ticket.state == CLOSED and within and not _merged(ticket, now)


def _escalated(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and any(not owner.accepted_by for owner in _added(ticket))


def _handed_up(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and bool(_added(ticket))


def _unasked(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and ticket.asked is None


def _may_wait(ticket: Ticket, names: Names) -> bool:
    """Tell whether the caller may be asked once more, and a clock rests for the answer."""
    policy = names.policy(ticket.profile_version, ticket.mode)
    rests = (policy.rests(clock.duty, "caller") for clock in ticket.clocks.values() if clock.ended_at is None)
    return ticket.questions < policy.content.revisions.question.most and any(rests)


def _merged(ticket: Ticket, _now: datetime) -> bool:
    return ticket.family is not None and ticket.family.relation == "duplicate"


def _attached(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and ticket.family is not None and ticket.family.relation == "child"


def _may_merge(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and (ticket.family is None or not (ticket.family.main or ticket.family.children))


def _may_attach(ticket: Ticket, now: datetime) -> bool:
    family = ticket.family
    alone = family is None or not (family.main or any(child.relation == "child" for child in family.children))
    return _open(ticket, now) and alone and ticket.state not in {"done", "verifying", "verified", "call-back"}


def _triaged(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and ticket.category is not None


def _added(ticket: Ticket) -> list[Owner]:
    """Give the levels that a breach has added and that have not handed it back."""
    return [owner for owner in ticket.owners if owner.cause and not owner.handed_back_by]


def _issued(order: Order, _now: datetime) -> bool:
    return order.state == "issued"


def _signed(order: Order, _now: datetime) -> bool:
    """Tell whether it is handled now; residents and who was whistled for need not sign first."""
    if order.state == "issued":
        return order.tier == "settlement" or order.role == "whistle"
    return order.state in {"signed", "suspended", "rework"}


def _finishable(order: Order, now: datetime) -> bool:
    """Tell whether it can be done now: who was whistled for has come, and a stage is no longer public and passed."""
    stage = order.stage
    if stage is not None and (stage.vote == "needed" or (stage.not_before is not None and now < stage.not_before)):
        return False
    return _signed(order, now) and (order.role != "whistle" or order.came_at is not None)


def _votable(order: Order, now: datetime) -> bool:
    return _signed(order, now) and order.stage is not None and order.stage.vote == "needed"


def _failable(order: Order, now: datetime) -> bool:
    return _signed(order, now) and order.stage is not None and order.stage.may_fail


def _returnable(order: Order, now: datetime) -> bool:
    return order.returnable and order.role != "whistle" and (_issued(order, now) or _signed(order, now))


def _revisable(order: Order, now: datetime) -> bool:
    """Tell whether it may be resumed, or more time be asked for: before the limit, one request at a time."""
    if order.role == "whistle" or order.tier == "settlement":
        return False
    if order.state == "suspended":
        return True
    return (_issued(order, now) or _signed(order, now)) and order.request is None and now < order.handle_by


def _seen_at(ticket: Ticket, now: datetime) -> datetime:
    """Give the instant that a limit compares with: none comes nearer while the caller is asked."""
    return now if ticket.asked is None else min(now, ticket.asked.since)


def _any_revisable(ticket: Ticket, now: datetime) -> bool:
    return _any_order(_revisable)(ticket, _seen_at(ticket, now))


def _asked(order: Order, now: datetime) -> bool:
    return order.request is not None and (_issued(order, now) or _signed(order, now))


def _running(order: Order) -> bool:
    return order.state in {"issued", "signed", "suspended", "rework"}


def _assisting(order: Order, _now: datetime) -> bool:
    return order.role == "assist" and _running(order)


def _late_assist(order: Order, now: datetime) -> bool:
    return _assisting(order, now) and order.state != "suspended" and now > order.handle_by


def _has_items(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and bool(ticket.items)


def _whistling(ticket: Ticket, now: datetime) -> bool:
    return _open(ticket, now) and ticket.whistle is not None


def _may_call(ticket: Ticket, now: datetime) -> bool:
    return _led(ticket, now) and ticket.whistle is None


def _may_be_assisted(ticket: Ticket, now: datetime) -> bool:
    return _led(ticket, now) and ticket.orders[ticket.lead_order].tier != "settlement"


def _led(ticket: Ticket, now: datetime) -> bool:
    lead = ticket.orders.get(ticket.lead_order)
    return _open(ticket, now) and lead is not None and _running(lead)


def _with_a_unit(ticket: Ticket, now: datetime) -> bool:
    return _led(ticket, now) and ticket.lead is not None and ticket.lead.kind == "unit"


def _may_whistle(ticket: Ticket, names: Names) -> bool:
    return ticket.category is not None and bool(names.situations(ticket.category.code))


# ---------------------------------------------------------------- who


def _handler(ticket: Ticket, names: Names) -> Pair:
    return names.handler(f"{ticket.lead.kind}:{ticket.lead.id}") if ticket.lead else ("承办单位", "the handler")


def _desk(ticket: Ticket, names: Names) -> Pair:
    zh, en = names.unit(ticket.waits_at or ticket.unit)
    return (f"{zh} 值班人员", f"whoever is on duty at {en}") if zh != "?" else ("值班人员", "whoever is on duty")


def _duty_officer(_ticket: Ticket, _names: Names) -> Pair:
    return "值班长", "a duty officer"


def _one_level_up(ticket: Ticket, names: Names) -> Pair:
    units = [order.request.unit for order in ticket.orders.values() if order.request is not None]
    zh, en = _either([names.unit(unit) for unit in dict.fromkeys(units)])
    return (
        (f"{zh} 值班人员", f"whoever is on duty at {en}")
        if zh
        else ("上一级值班人员", "whoever is on duty one level up")
    )


def _top_owner(ticket: Ticket, names: Names) -> Pair:
    waiting = [owner.unit for owner in _added(ticket) if not owner.accepted_by]
    return _somebody_of(waiting, names)


def _upper_owner(ticket: Ticket, names: Names) -> Pair:
    return _somebody_of([owner.unit for owner in _added(ticket)][-1:], names)


def _whistlers(ticket: Ticket, names: Names) -> Pair:
    zh, en = names.whistlers(ticket.category.code) if ticket.category is not None else ("", "")
    return (f"所在{zh}的值班人员", f"whoever is on duty at its {en}") if zh else _desk(ticket, names)


def _somebody_of(units: list[str], names: Names) -> Pair:
    zh, en = _either([names.unit(unit) for unit in dict.fromkeys(units)])
    if not zh:
        return "被提级单位的人员", "somebody of the unit that it was escalated to"
    return f"{zh} 的人员", f"somebody of {en}"


def _either(pairs: list[Pair]) -> Pair:
    return "、".join(p[0] for p in pairs), " or ".join(p[1] for p in pairs)


ASSIGNABLE: Final = ("round", "ordered", "signed", "handling", "suspended", "rework", "adjudication", "reopened")
"""Neither before dispatch, nor in triage, nor once it is done and waits for its verification."""
TABLE: Final = (
    Action(
        "triage", ("人工预审", "say what it is, where and whose"), _in("triage"), _desk,
        ("只有待人工预审的工单才能预审", "only a ticket that waits for a person to triage it can be triaged"),
    ),
    Action(
        "divert", ("转办", "send it where it belongs"), _in("triage"), _desk,
        ("只有待人工预审的工单才能转办", "only a ticket that waits for a person to triage it can be diverted"),
    ),
    Action(
        "sign", ("签收", "sign for the order"), _any_order(_issued), _handler,
        ("没有待签收的工单", "no order waits for a signature"), _issued,
    ),
    Action(
        "return", ("退单", "return the order"), _any_order(_returnable), _handler,
        (
            "没有可退的工单：已办结、已撤回或已裁定不得再退",
            "no order can be returned: done, withdrawn, or decided without return",
        ),
        _returnable,
    ),
    Action(
        "progress", ("反馈进展", "say how it stands"), _any_order(_signed), _handler,
        ("没有已签收的工单：先签收", "no order has been signed for: sign first"), _signed,
    ),
    Action(
        "done", ("办结", "say that it is done"), _any_order(_finishable), _handler,
        (
            "没有可办结的工单：未签收，或本步骤公示未满、尚未表决通过",
            "no order can be done: it is not signed for, or its stage is still public or not voted on",
        ),
        _finishable,
    ),
    Action(
        "record-vote", ("登记计票结果", "say what came of a vote"), _any_order(_votable), _handler,
        ("没有待表决的步骤，或尚未签收", "no stage waits for a vote, or its order is not signed for"), _votable,
    ),
    Action(
        "fail-stage", ("本步骤未通过", "say that a stage has come to nothing"), _any_order(_failable), _handler,
        ("没有可判定未通过的步骤，或尚未签收", "no stage can fail now, or its order is not signed for"), _failable,
    ),
    Action(
        "assign", ("改派", "give it to another handler"), _in(*ASSIGNABLE), _duty_officer,
        ("只有已派单而未办结的工单才能改派", "only what is with a handler or a duty officer can be reassigned"),
    ),
    Action(
        "release", ("按建议派单", "dispatch it as proposed, before the round closes"), _in("round"), _desk,
        ("工单不在集中派单批次中", "it does not wait for a round"),
    ),
    Action(
        "settle-item", ("走访诉求销号", "say what became of an item of a visit"), _has_items, _handler,
        ("没有走访诉求", "it is no visit with items"),
    ),
    Action(
        "call", ("呼叫", "say that it cannot be settled here"), _with_a_unit, _handler,
        ("工单不在网格、社区等单元手中", "it is not with a grid, a community or another unit"),
    ),
    Action(
        "add-assist", ("增加协办", "let somebody assist"), _may_be_assisted, _duty_officer,
        ("当前没有在办的主办派单", "nobody leads now"),
    ),
    Action(
        "remove-assist", ("撤销协办", "let an assist end"), _any_order(_assisting), _duty_officer,
        ("没有在办的协办派单", "nobody assists"), _assisting,
    ),
    Action(
        "excuse-assist", ("确认协办超期", "confirm that an assist is late"), _any_order(_late_assist), _one_level_up,
        ("没有超期的协办派单", "no assist is late"), _late_assist,
    ),
    Action(
        "raise-whistle", ("吹哨", "call departments to the spot"), _may_call, _whistlers,
        (
            "当前没有在办派单、已有吹哨未结束，或该类别不可吹哨",
            "nobody handles it now, a whistle is not over, or one may not whistle for it",
        ),
        rules=_may_whistle,
    ),
    Action(
        "end-whistle", ("结束吹哨", "say what came of the whistle"), _whistling, _desk,
        ("没有进行中的吹哨", "there is no whistle to end"),
    ),
    Action(
        "revise", ("申请挂账、延期，或解挂", "ask to suspend it or for more time, or resume it"),
        _any_revisable, _handler,
        (
            "没有可挂账、延期或解挂的工单：已办结、已退单、已撤回、已到期，或已有申请待审批",
            "no order can be suspended, extended or resumed: it is over, its limit has passed, or it has asked",
        ),
        _revisable,
    ),
    Action(
        "decide-revision", ("审批挂账或延期", "grant or refuse the suspension or extension"),
        _any_order(_asked), _one_level_up,
        ("没有待审批的挂账或延期申请", "no suspension or extension waits for a decision"), _asked,
    ),
    Action(
        "verify", ("核实", "say whether what was done stands"), _in("verifying"), _desk,
        ("当前没有待核实的事项", "nothing waits for verification"),
    ),
    Action(
        "call-back", ("回访", "record what the person said"), _in("call-back"), _desk,
        ("当前无需回访", "no call-back is awaited"),
    ),
    Action(
        "close", ("强制结案、告知性结案或不予受理", "close it without the usual way, or as no matter"),
        _open, _duty_officer,
        ("已结案", "it is closed already"),
    ),
    Action(
        "reopen", ("重办", "reopen it"), _reopenable, _duty_officer,
        ("只有在重办期限内的已结案工单才能重办", "only a closed ticket can be reopened, within its window"),
    ),
    Action(
        "merge", ("并单", "merge it into another ticket of the same matter"), _may_merge, _desk,
        (
            "已结案、已并入或挂接至其他工单，或已有工单并入、挂接至本单",
            "it is closed, belongs to another ticket, or stands for others itself",
        ),
    ),
    Action(
        "unmerge", ("拆单", "take it out of the ticket into which it was merged"), _merged, _desk,
        ("未并入其他工单", "it is not merged into another ticket"),
    ),
    Action(
        "attach", ("挂接", "make it a part of another ticket, with which it is closed"), _may_attach, _desk,
        (
            "已办结或已结案、已并入或挂接至其他工单，或已有工单挂接至本单",
            "its work is done, it belongs to another ticket, or others are parts of it",
        ),
    ),
    Action(
        "detach", ("解除挂接", "let it go its own way again"), _attached, _desk,
        ("未挂接至其他工单，或已结案", "it is not attached to another ticket, or closed"),
    ),
    Action(
        "relate", ("关联", "note that it has to do with another ticket"), _always_may, _desk,
        ("", ""),
    ),
    Action(
        "accept-escalation", ("认领提级件", "take the escalated ticket on"), _escalated, _top_owner,
        ("没有待认领的提级", "no escalation waits to be taken on"),
    ),
    Action(
        "hand-back", ("交回下级办理", "give it back to the level below"), _handed_up, _upper_owner,
        ("没有提级，无可交回", "it was not escalated, or was handed back"),
    ),
    Action(
        "ask-caller", ("请诉求人补充", "ask the caller; clocks rest for the answer"), _unasked, _desk,
        (
            "正在等待诉求人补充、次数已满、没有可因此暂停的时限，或已结案",
            "the caller is being waited for, was asked often enough, no clock rests for an answer, or it is closed",
        ),
        rules=_may_wait,
    ),
    Action(
        "amend", ("修改类别、立案条件、严重程度或地点", "correct category, condition, severity or place"),
        _triaged, _desk,
        ("尚未预审或已结案", "it is not triaged yet, or closed"),
    ),
)  # fmt: skip
"""In the order of a ticket's life; a test compares it with DESK_COMMANDS."""


def actions(ident: str, ticket: Ticket, names: Names, now: datetime) -> list[dict[str, Any]]:
    """Give every command with whether it may be given now, by whom, and else why not."""
    return [_shown(action, ident, ticket, names, now) for action in TABLE]


def _shown(action: Action, ident: str, ticket: Ticket, names: Names, now: datetime) -> dict[str, Any]:
    possible = action.may(ticket, now) and action.rules(ticket, names)
    by, which = action.by(ticket, names), action.orders
    shown: dict[str, Any] = {
        "command": action.command,
        "does": _words(action.does),
        "possible": possible,
        "by": _words(by),
        "href": f"/v1/tickets/{ident}/commands/{action.command}",
        "fields": [name for name in DESK_COMMANDS[action.command].model_fields if name != "department"],
    }
    if possible and which is not None:
        shown["orders"] = [order_id for order_id, order in ticket.orders.items() if action.fits(ticket, order, now)]
    if not possible:
        state_zh, state_en = names.state(ticket.state)
        zh, en = action.why_not
        shown["why_not"] = _words(
            (f"{zh}；当前状态：{state_zh}。", f"{en[:1].upper()}{en[1:]}; its state: {state_en}.")
        )
    return shown


def _words(pair: Pair) -> dict[str, str]:
    return Words(zh=pair[0], en=pair[1]).model_dump()
