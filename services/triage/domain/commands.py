"""What may a person decide about a ticket that waits, and what not?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.triage.domain.assessment import Choice, assess
from services.triage.domain.words import choices, handler_words, named
from shared.errors import Refused
from shared.messages import Fact, Handler, TicketDiverted, Words

if TYPE_CHECKING:
    from services.triage.domain.assessment import Assessment, Phase, TriageState
    from shared.messages import Command, DivertTicket, TicketReported, TriageTicket
    from shared.profile import Profile

CLOSED_TO: Final[dict[Phase, tuple[str, str, str]]] = {
    "new": ("no-such-ticket", "No ticket with this id was reported.", "没有该工单。"),
    "triaged": (
        "already-triaged",
        "The ticket is already triaged: use assign to give it to somebody else.",
        "工单已完成预审：如需更换承办单位，请使用改派（assign）。",
    ),
    "settled": (
        "settled",
        "It was settled on the spot and is over: reopen it, or make a new report.",
        "该诉求已当场办结：可重办或重新上报。",
    ),
    "diverted": (
        "diverted",
        "The ticket was diverted and is over: make a new report.",
        "工单已转办并结束：请重新上报。",
    ),
}
"""Why a person may not triage in a phase; a ticket that waits is not in it."""


def triage_by_person(state: TriageState, command: TriageTicket, profile: Profile) -> list[Fact]:
    """Triage with what a person fills in; what they leave out is taken from the report and the profile."""
    report = _waiting(state, command)
    choice = _choice(state, command, profile)
    found = assess(report, choice, profile)
    lead = None if command.lead is None else _existing(command.lead, profile)
    _complete(state, command, found, profile)
    _not_pushed_down(lead, found, profile)
    rule = f"chosen by {command.by}" if lead is not None else ""
    return [found.triaged(report, profile, lead=lead, attempt=state.attempt + 1, by=command.by, rule=rule)]


def divert_by_person(state: TriageState, command: DivertTicket, _profile: Profile) -> list[Fact]:
    """Take the ticket out of the loop, with the sentence for the person who asked."""
    _waiting(state, command)
    if not command.to.strip():
        raise Refused("no-to", "Say where it goes: `to` is empty.", "请写明转往何处（to）。")
    sentence = command.detail.strip()
    if not sentence:
        raise Refused(
            "no-detail", "Say what the person shall be told: `detail` is empty.", "请写明给诉求人的答复（detail）。"
        )
    words = Words(zh=sentence, en=sentence)
    return [TicketDiverted(diversion=command.diversion, to=command.to.strip(), detail=words)]


def _waiting(state: TriageState, command: Command) -> TicketReported:
    """Give the report of a ticket that waits; refuses for any other."""
    if not command.by.strip():
        raise Refused("no-name", "Say who you are: `by` is empty.", "请写明操作人姓名（by）。")
    if state.report is None or state.phase != "waiting":
        raise Refused(*CLOSED_TO["new" if state.report is None else state.phase])
    return state.report


def _choice(state: TriageState, command: TriageTicket, profile: Profile) -> Choice:
    """Lay what the person says over what was decided before."""
    before = state.choice
    if command.unit is not None and profile.unit(command.unit) is None:
        raise Refused(
            "unknown-unit", f"The profile has no unit {command.unit!r}.", f"没有编码为“{command.unit}”的区域单元。"
        )
    category = _category(command, profile) or before.category
    # A condition belongs to its category, and the severity follows from both: neither outlives a change.
    kept = before if category == before.category else Choice()
    return Choice(
        category=category,
        condition=command.condition or kept.condition,
        unit=command.unit or before.unit,
        severity=command.severity or (None if command.condition else kept.severity),
    )


def _category(command: TriageTicket, profile: Profile) -> str | None:
    """Give the code of the category that the person names, if they name one."""
    if command.category is None:
        return None
    category = profile.category(command.category) or profile.category_by_alias(command.category)
    if category is None:
        raise Refused(
            "unknown-category",
            f"The catalogue has no category {command.category!r}.",
            f"类别目录中没有“{command.category}”。",
        )
    return category.code


def _complete(state: TriageState, command: TriageTicket, found: Assessment, profile: Profile) -> None:
    """Refuse what leaves something missing that the ticket waits for."""
    if found.category is not None and found.unknown_condition:
        there_are = choices(found.category)
        raise Refused(
            "unknown-condition",
            f"Category {found.category.code} has no condition {found.unknown_condition!r}: "
            f"choose one of {there_are.en}.",
            f"类别{found.category.code}没有立案条件“{found.unknown_condition}”，可选：{there_are.zh}。",
        )
    missing: dict[str, None] = dict.fromkeys(found.missing)
    if "place" in state.missing and command.unit is None:
        missing["place"] = None
    if missing:
        words = named(tuple(missing))
        options = choices(found.category) if "condition" in missing and found.category is not None else None
        raise Refused(
            "missing",
            f"Still missing: {words.en}." + ("" if options is None else f" Choose one of {options.en}."),
            f"仍缺少：{words.zh}。" + ("" if options is None else f"可选：{options.zh}。"),
        )
    if "lead" in state.missing and command.lead is None:
        _not_the_returner(state, found, profile)


def _not_the_returner(state: TriageState, found: Assessment, profile: Profile) -> None:
    """Refuse to send an order back by the matrix to whoever has just returned it."""
    lead = found.route(profile).lead
    if state.returned_by is not None and (lead.kind, lead.id) == (state.returned_by.kind, state.returned_by.id):
        who = handler_words(state.returned_by, profile)
        raise Refused(
            "missing",
            f"{who.en} has returned it, and the matrix would choose {who.en} again: name the lead.",
            f"{who.zh}已退单，按派单目录仍会派给{who.zh}：请指定主办单位（lead）。",
        )


def _not_pushed_down(lead: Handler | None, found: Assessment, profile: Profile) -> None:
    """Refuse to give a matter to a level that it may not be pushed down to (社区职责清单)."""
    unit = profile.unit(lead.id) if lead is not None and lead.kind == "unit" else None
    rule = None if unit is None or found.category is None else profile.kept_up(found.category.code, unit.level)
    if rule is not None:
        raise Refused(
            "not-pushed-down",
            f"{rule.sentence.en} Choose a department, or a unit of the level {rule.not_below} or above.",
            f"{rule.sentence.zh}请选择部门，或{profile.level_name(rule.not_below).zh}及以上单元。",
        )


def _existing(lead: Handler, profile: Profile) -> Handler:
    if lead.kind == "department":
        if profile.department(lead.id) is None:
            raise Refused("unknown-lead", f"The profile has no department {lead.id!r}.", f"没有部门“{lead.id}”。")
        return lead
    unit = profile.unit(lead.id)
    if unit is None:
        raise Refused("unknown-lead", f"The profile has no unit {lead.id!r}.", f"没有区域单元“{lead.id}”。")
    if not unit.staff:
        raise Refused(
            "no-staff",
            f"{unit.en} has no staff: choose a unit above it, or a department.",
            f"{unit.zh}没有人员：请选择上级单元或部门。",
        )
    return lead
