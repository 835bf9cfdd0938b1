"""What does the desk show of a ticket? The view, with names and sentences, as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.desk.sentences import sentence
from services.desk.store import NEVER
from services.desk.timeline import FIRST_KEPT, PREFIX, entries, whole_id
from shared.messages import Words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from services.desk.clocks import Clock
    from services.desk.domain import Order, Outcome, Owner, Stage, Ticket
    from services.desk.names import Names, Pair


ARCHIVED: Final = "archived"
"""Closed, and past the day until which it may be reopened: shown so, and nothing is moved or written for it."""


def words(pair: Pair) -> dict[str, str]:
    """Give a name in both languages."""
    return Words(zh=pair[0], en=pair[1]).model_dump()


def ticket_view(ident: str, ticket: Ticket, names: Names, now: datetime) -> dict[str, Any]:
    """Give a ticket without its timeline."""
    place, category = ticket.place, ticket.category
    archived = ticket.reopen_until is not None and now > ticket.reopen_until
    return {
        "id": ident,
        "state": ticket.state,
        "state_name": words(names.state(ARCHIVED if archived else ticket.state)),
        "open": ticket.state != "closed",
        "archived": archived,
        "report_id": ticket.report_id,
        "channel": ticket.channel,
        "request": ticket.request or None,
        "request_name": words(names.request(ticket.request)) if ticket.request else None,
        "source": ticket.source,
        "source_reference": ticket.source_reference or None,
        "anonymous": ticket.anonymous,
        "callback": ticket.callback,
        "reported_at": ticket.reported_at,
        "updated_at": ticket.updated_at,
        "due": ticket.due,
        "description": ticket.description,
        "category": category.model_dump() | {"en": names.category(category.code)[1]} if category else None,
        "severity": ticket.severity or None,
        "size": ticket.size or None,
        "place": (place or ticket.said_place).model_dump(exclude_none=True),
        "attachments": [each.model_dump(exclude_none=True) for each in ticket.attachments],
        "level": ticket.level or None,
        "unit": ticket.unit or None,
        "owners": [_owner(owner, names) for owner in ticket.owners],
        "waits_at": ticket.waits_at or None,
        "mode": _named(ticket.mode, names.mode),
        "round": ticket.round if ticket.state == "round" else None,
        "schedule": _named(ticket.schedule, names.schedule),
        "items": [{"id": each, "outcome": said, "href": f"/v1/tickets/{each}"} for each, said in ticket.items.items()],
        "asked": ticket.asked.model_dump() if ticket.asked else None,
        "missing": list(ticket.missing),
        "lead": _handler(ticket.lead, names) if ticket.lead else None,
        "assists": [_handler(each, names) for each in ticket.assists],
        "helpers": [{"id": each, "name": words(names.staff(each))} for each in ticket.helpers],
        "stage": _stage(ticket.stage),
        "orders": [_order(order_id, order, names) for order_id, order in ticket.orders.items()],
        "whistles": [_whistle(number, ticket, names) for number in ticket.whistles],
        "clocks": [_clock(token, clock) for token, clock in ticket.clocks.items()],
        "returns": ticket.returns,
        "reworks": ticket.reworks,
        "closings": ticket.closings,
        "reopenings": ticket.reopenings,
        "conduct": names.conduct(ticket),
        "outcome": ticket.outcome or None,
        "result": ticket.result or None,
        "rating": ticket.rating,
        "closed_at": ticket.closed_at,
        "reopen_until": ticket.reopen_until,
        "profile_version": ticket.profile_version or None,
        "family": family_view(ticket, {}, names),
        "links": {name: f"/v1/tickets/{ident}/{name}" for name in ("timeline", "deadlines", "actions")},
    }


def relatives(ticket: Ticket) -> set[str]:
    """Give the tickets that the view of a ticket names."""
    family = ticket.family
    if family is None:
        return set()
    named = {family.main, family.asking, *(child.id for child in family.children), *family.related}
    return (named | {each.of for each in family.suspected}) - {""}


def family_view(ticket: Ticket, states: Mapping[str, str], names: Names) -> dict[str, Any] | None:
    """Give what a ticket has to do with others, each with its state and a link; None of most tickets."""
    family = ticket.family
    if family is None:
        return None

    def shown(ident: str, **more: Any) -> dict[str, Any]:
        state = states.get(ident, "")
        named = {"state": state, "state_name": words(names.state(state))} if state else {}
        return {"id": ident, **more, **named, "href": f"/v1/tickets/{ident}"}

    return {
        "main": shown(family.main, relation=family.relation) if family.main else None,
        "asking": shown(family.asking) if family.asking else None,
        "refusal": family.refusal.model_dump() if family.refusal else None,
        "children": [shown(each.id, relation=each.relation, since=each.since) for each in family.children],
        "related": [shown(each) for each in family.related],
        "suspected": [shown(each.of, score=each.score, metres=each.metres) for each in family.suspected],
        "project": family.project.model_dump() if family.project else None,
    }


def _handler(handler: Any, names: Names) -> dict[str, Any]:
    named = names.handler(f"{handler.kind}:{handler.id}")
    return {"kind": handler.kind, "id": handler.id, "name": words(named)}


def _named(ident: str, name: Callable[[str], Pair]) -> dict[str, Any] | None:
    return {"id": ident, "name": words(name(ident))} if ident else None


def _stage(stage: Stage | None) -> dict[str, Any] | None:
    """Give at which stage it is, of how many, and since when; None for most tickets."""
    if stage is None:
        return None
    return stage.at.model_dump() | stage.model_dump(exclude={"at"})


def _owner(owner: Owner, names: Names) -> dict[str, Any]:
    return owner.model_dump() | {"name": words(names.unit(owner.unit)), "level_name": words(names.level(owner.level))}


def _order(ident: str, order: Order, names: Names) -> dict[str, Any]:
    return {"id": ident} | order.model_dump() | {"handler": _handler(order.handler, names)}


def _whistle(number: int, ticket: Ticket, names: Names) -> dict[str, Any]:
    """Give who was called to the spot and who came; with the marks once it is over."""
    score, open_one = ticket.whistles[number], ticket.whistle
    going = open_one if open_one is not None and open_one.number == number else None
    groups = {"called": () if going is None else going.called}
    groups |= {"came": score.came, "late": score.late, "missing": score.missing}
    marked = {"marks": score.marks, "quality": score.quality}
    return {
        "number": number,
        "situation": {"id": score.situation, "name": words(names.situation(score.situation))},
        "unit": {"id": score.unit, "name": words(names.unit(score.unit))},
        "open": going is not None,
        "raised_at": score.at,
        "arrive_by": score.arrive_by if going is None else going.arrive_by,
        "answered_at": score.answered_at,
        **{name: [_handler(each, names) for each in handlers] for name, handlers in groups.items()},
        **{
            name: [{"handler": _handler(each.handler, names), "score": each.score} for each in marks]
            for name, marks in marked.items()
        },
    }


def _clock(token: str, clock: Clock) -> dict[str, Any]:
    return {"token": token} | clock.model_dump()


def timeline_view(ident: str, ticket: Ticket, names: Names) -> list[dict[str, Any]]:
    """Give everything that happened, each with its sentence; `n` counts from 1, what was left out included."""
    first_gap = ticket.count - len(ticket.timeline)
    kept_first = len(ticket.timeline) if not ticket.left_out else FIRST_KEPT
    shown, known = [], entries(ticket.timeline)
    said = {entry["id"]: entry.get("data", {}) for entry in known}
    for index, entry in enumerate(known):
        number = index + 1 + (first_gap if index >= kept_first else 0)
        data = entry.get("data", {})
        beside = _of_order(ticket, data) | _of_department(said.get(entry.get("cause", ""), {}))
        shown.append(
            {
                "n": number,
                "at": entry["at"],
                "type": PREFIX + entry["type"],
                "id": whole_id(ident, entry["id"]),
                "causation": whole_id(ident, entry["cause"]) if "cause" in entry else None,
                "by": data.get("by") or None,
                "data": data,
                "sentence": sentence(entry["type"], {**beside, **data}, names).model_dump(),
            }
        )
    return shown


def _of_department(cause: Mapping[str, Any]) -> dict[str, Any]:
    """Give which department asked for it by its topic, where nobody is named."""
    return {"department": cause["department"]} if cause.get("department") and not cause.get("by") else {}


def _of_order(ticket: Ticket, data: Mapping[str, Any]) -> dict[str, Any]:
    """Give what the sentence of an entry may want to know of its order, which the entry does not repeat."""
    order = ticket.orders.get(data.get("order_id", ""))
    if order is None:
        return {}
    told: dict[str, Any] = {"handler": f"{order.handler.kind}:{order.handler.id}"}
    return told if order.returnable or order.role != "lead" else told | {"returnable": False}


def outcome_view(outcome: Outcome) -> dict[str, Any]:
    """Give a command's outcome; empty while it is not decided."""
    if outcome.reason:
        return {"refused": {"reason": outcome.reason, "detail": {"zh": outcome.zh, "en": outcome.en}}}
    return {"facts": list(outcome.facts)} if outcome.facts else {}


def listed(document: dict[str, Any], names: Names) -> dict[str, Any]:
    """Give a ticket as a line of a list."""
    due = document["due"]
    code = document["category"]
    return {
        "id": document["_id"],
        "state": document["state"],
        "state_name": words(names.state(document["state"])),
        "open": document["open"],
        "category": {"code": code, "name": document["category_name"], "en": names.category(code)[1]} if code else None,
        "severity": document["severity"] or None,
        "level": document["level"] or None,
        "unit": document["unit"] or None,
        "unit_name": words(names.unit(document["unit"])) if document["unit"] else None,
        "area": document["area"] or None,
        "department": document["department"] or None,
        "due": None if due >= NEVER else due,
        "reported_at": document["reported_at"],
        "updated_at": document["updated_at"],
        "source_reference": document["reference"] or None,
        "address": document["address"] or None,
        "description": document["about"],
        "href": f"/v1/tickets/{document['_id']}",
    }


def suggested(row: dict[str, Any], names: Names) -> dict[str, Any]:
    """Give a change of the matrix that tickets suggest, with names."""
    return row | {
        "category_name": words(names.category(row["category"])),
        "chosen_name": words(names.handler(row["chosen"])),
        "handler_name": words(names.handler(row["handler"])),
    }


def listed_order(row: dict[str, Any], names: Names) -> dict[str, Any]:
    """Give an order as a line of a list, with its ticket."""
    kind, _, handler = row["handler"].partition(":")
    return {
        "id": row["id"],
        "state": row["state"],
        "handler": {"kind": kind, "id": handler, "name": words(names.handler(row["handler"]))},
        "ticket": listed(row["ticket"], names),
    }
