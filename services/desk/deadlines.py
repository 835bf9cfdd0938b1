"""Why is each deadline when it is? Every clock of a ticket: its rule, its time piece by piece, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from services.desk.counted import counted
from services.desk.explained import name_of, result_of, rule_of, sentence
from services.desk.sentences import MOVES

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from services.desk.clocks import Clock, Move, Pause
    from services.desk.counted import Counted
    from services.desk.domain import Ticket
    from services.desk.names import Names, Pair
    from shared.calendar import Segment
    from shared.messages import Span

KINDS: Final[dict[str, Pair]] = {
    "running": ("计时", "counts"),
    "paused": ("暂停", "paused"),
    "outside-hours": ("非工作时间", "outside working hours"),
    "weekend": ("周末", "weekend"),
    "holiday": ("节假日", "holiday"),
    "off": ("放假", "day off"),
}
"""What a piece of a clock's time is called that has no name of its own."""


def deadlines(ticket: Ticket, names: Names, now: datetime) -> list[dict[str, Any]]:
    """Give every clock of the ticket in the order of their limits."""
    ordered = sorted(ticket.clocks.items(), key=lambda item: (item[1].due_at, item[0]))
    return [_deadline(token, clock, ticket, names, now) for token, clock in ordered]


def _deadline(token: str, clock: Clock, ticket: Ticket, names: Names, now: datetime) -> dict[str, Any]:
    time = counted(clock, names, now)
    kind, rule = rule_of(clock, ticket, names)
    return {
        "clock": clock.clock,
        "name": _words(name_of(clock, names)),
        "token": token,
        "order_id": clock.order_id,
        "level": clock.level,
        "cause": clock.cause,
        "limit": _limit(clock.limit, names),
        "first_limit": _limit(clock.first_limit or clock.limit, names),
        "rule": {"kind": kind} | _words(rule),
        "profile_version": clock.policy or ticket.profile_version or None,
        "calendar": _calendar(clock, time),
        "provisional": clock.provisional,
        "started_at": clock.started_at,
        "warn_at": clock.warn_at,
        "warnings": [{"at": at, "given": nth < clock.warned} for nth, at in enumerate(clock.warnings)],
        "due_at": clock.due_at,
        "first_due_at": clock.first_due_at or clock.due_at,
        "ended_at": clock.ended_at,
        "state": "paused" if clock.rests else clock.state,
        "overdue": clock.ended_at is None and not clock.rests and clock.due_at < now,
        "used": _length(time.used, time, names),
        "remaining": _length(time.left, time, names),
        "paused": _length(time.paused, time, names),
        "segments": [_segment(each, time, names) for each in time.segments],
        "pauses": [_pause(each, clock, names) for each in clock.pauses],
        "moves": [_move(each, names) for each in clock.moves],
        "extensions": sum(each.why == "extended" for each in clock.moves),
        "result": result_of(clock, names),
        "sentence": sentence(clock, time, ticket, names, now).model_dump(),
    }


def _limit(span: Span, names: Names) -> dict[str, Any]:
    return {"amount": span.amount, "unit": span.unit} | _words(names.span(span))


def _words(pair: Pair) -> dict[str, str]:
    return {"zh": pair[0], "en": pair[1]}


def _calendar(clock: Clock, time: Counted) -> dict[str, Any]:
    """Give the working time of a clock; `shown_by` is what its pieces are laid out by, `present`: that is the same."""
    name, _, version = clock.calendar.partition("@")
    rules = time.calendar.rules
    return {
        "name": name,
        "version": time.calendar.version if time.present else version,
        "present": time.present,
        "shown_by": time.calendar.id,
    } | _words((rules.zh, rules.en))


def _length(length: timedelta, time: Counted, names: Names) -> dict[str, Any]:
    """Give counted time in seconds and in words."""
    return {"seconds": length.total_seconds()} | _words(names.duration(length, days=time.calendar.always))


def _segment(piece: Segment, time: Counted, names: Names) -> dict[str, Any]:
    zh, en = names.reason(piece.zh) if piece.kind == "paused" and piece.zh else (piece.zh, piece.en)
    kind_zh, kind_en = KINDS[piece.kind]
    if piece.kind == "running" and (day := names.local(piece.start).date()) in time.make_up:
        made = time.calendar.day(day)
        zh, en = f"{kind_zh}（{made.zh}）", f"{kind_en} ({made.en})"
    return {"from": piece.start, "to": piece.end, "kind": piece.kind, "zh": zh or kind_zh, "en": en or kind_en}


def _pause(pause: Pause, clock: Clock, names: Names) -> dict[str, Any]:
    ended = pause.until or clock.ended_at
    return {"from": pause.since, "to": ended, "reason": pause.reason} | _words(names.reason(pause.reason))


def _move(move: Move, names: Names) -> dict[str, Any]:
    known = MOVES.get(move.why, (move.why, move.why))
    limits = {"limit_was": move.limit_was, "limit": move.limit}
    return (
        {"at": move.at, "old": move.old, "new": move.new, "why": move.why}
        | {name: _limit(span, names) for name, span in limits.items() if span is not None}
        | _words(known)
    )
