"""What does a ticket's timeline keep of a message? Just what its sentence needs.

An entry is a short JSON text, made once: it is dumped with every later turn of its ticket, and a text costs
neither that nor the garbage collector much (as dicts, 50,000 cached tickets are millions of objects to visit).
It holds `at`, `type` (without the common prefix), `id` and `cause` (without the ticket id), `data`.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from shared import messages as m
from shared.envelope import instant

if TYPE_CHECKING:
    from shared.decider import Message

PREFIX: Final = "gridcall.ticket."
TEXT_KEPT: Final = 500
"""Characters of a free text that the timeline repeats; the log has all of it."""
ENTRIES_KEPT: Final = 400
FIRST_KEPT: Final = 20

KEPT: Final[dict[type[m.Body], tuple[str, ...]]] = {
    m.TicketReported: ("channel", "request", "category", "source_reference"),
    m.MessageReceived: ("message_kind", "text", "rating"),
    m.TicketTriaged: (
        "category",
        "severity",
        "unit",
        "lead",
        "assists",
        "by",
        "rule",
        "attempt",
        "helpers",
        "size",
        "mode",
    ),
    m.TriageNeeded: ("missing", "unit", "detail"),
    m.TicketDiverted: ("diversion", "to", "detail"),
    m.OrderIssued: (
        *("order_id", "role", "tier", "stage", "takes_over", "handler", "sign_by", "handle_by", "by", "attempt"),
    ),
    m.OrderSigned: ("order_id", "handler", "by", "note"),
    m.OrderProgressed: ("order_id", "progress", "by", "note", "whistle_score"),
    m.OrderReturned: ("order_id", "handler", "reason", "detail", "proposed", "by", "goes_to", "returns"),
    m.AdjudicationAsked: ("unit", "returns"),
    m.OrderWithdrawn: ("order_id", "handler", "reason"),
    m.OrderDone: ("order_id", "handler", "result", "detail", "amount", "budget", "by"),
    m.StageCompleted: ("order_id", "handler", "stage", "result", "detail", "amount", "budget", "by"),
    m.StageFailed: ("order_id", "handler", "stage", "reason", "times", "back_to", "outcome", "to", "by"),
    m.VoteCounted: (
        *("order_id", "stage", "yes", "no", "abstain", "electorate", "needed", "quorum", "of", "result", "by", "note"),
    ),
    m.TicketSettled: ("outcome", "answer"),
    m.ItemAdded: ("item", "outcome", "promised_by"),
    m.ItemSettled: ("item", "outcome", "promised_by", "by", "note"),
    m.RoundJoined: ("round", "unit", "proposed", "closes_at"),
    m.TicketCalled: ("order_id", "handler", "to", "why", "by", "reason"),
    m.AssistExcused: ("order_id", "handler", "by", "reason"),
    m.WhistleRaised: ("whistle", "situation", "unit", "called", "told", "where", "arrive_by", "by", "reason"),
    m.WhistleWidened: ("whistle", "called", "missing", "arrive_by"),
    m.WhistleAnswered: ("whistle", "came"),
    m.WhistleEnded: ("whistle", "result", "came", "late", "missing", "marks", "quality", "by"),
    m.OrderReworked: ("order_id", "handler", "reason", "handle_by", "attempt"),
    m.RevisionAsked: ("order_id", "handler", "revision", "until", "reason", "detail", "by", "unit", "decide_by"),
    m.RevisionDecided: ("order_id", "handler", "revision", "decision", "by", "note"),
    m.OrderSuspended: ("order_id", "handler", "reason", "detail", "until", "approved_by"),
    m.OrderResumed: ("order_id", "handler", "why", "by", "handle_by"),
    m.OrderExtended: ("order_id", "handler", "reason", "old", "handle_by", "times", "approved_by"),
    m.TicketAmended: (
        *("category", "old_category", "severity", "old_severity", "place", "old_place", "unit", "handle_limit"),
        *("by", "reason"),
    ),
    m.VerificationAsked: ("order_id", "unit", "sampled"),
    m.TicketVerified: ("order_id", "mode", "by", "note"),
    m.ReworkOrdered: ("order_id", "reason", "by", "reworks", "level_up"),
    m.CallBackAsked: ("unit",),
    m.CalledBack: ("reached", "solved", "rating", "channel", "attempt", "by", "note"),
    m.TicketClosed: ("outcome", "result", "by", "closings", "reopen_until"),
    m.TicketReopened: ("reason", "by", "reopenings"),
    m.PointsAwarded: ("rule", "account", "points"),
    m.FamilyAsked: ("into", "relation", "by", "reason"),
    m.FamilyRefused: ("into", "relation", "reason", "detail"),
    m.TicketAdopted: ("child", "relation", "by", "reason"),
    m.TicketReleased: ("child", "relation", "why", "by"),
    m.TicketMerged: ("into", "by", "reason"),
    m.TicketUnmerged: ("main", "by", "reason"),
    m.TicketAttached: ("parent", "by", "reason"),
    m.TicketDetached: ("parent", "why", "by", "reason"),
    m.TicketRelated: ("other", "by", "reason"),
    m.FamilyTold: ("main", "relation", "news", "outcome", "result"),
    m.FamilyPassedOn: ("main", "message_kind"),
    m.FamilyHeard: ("child", "message_kind"),
    m.DuplicateSuspected: ("of", "score", "metres"),
    m.ProjectSuggested: ("unit", "category", "times", "since", "tickets"),
    m.ClocksStarted: ("clocks",),
    m.ClocksStopped: ("clocks",),
    m.ClocksPaused: ("tokens", "reason", "since"),
    m.ClocksRecalculated: ("clocks", "why"),
    m.ClockWarned: ("clock", "order_id", "level", "due_at", "nth"),
    m.ClockBreached: ("clock", "order_id", "level", "due_at", "late_by_s"),
    m.TicketEscalated: ("from_level", "to_level", "unit", "cause", "told"),
    m.LevelSkipped: ("level", "unit", "cause", "reason"),
    m.SupervisionRepeated: ("level", "unit", "cause", "times", "notice", "told"),
    m.EscalationAccepted: ("level", "cause", "by", "note"),
    m.EscalationHandedBack: ("level", "to_level", "cause", "by", "reason"),
    m.PolicyApplied: ("before", "policy", "by"),
    m.InformationRequested: ("question", "by", "until"),
    m.InformationWaitEnded: ("why", "at"),
    m.AuditFound: ("finding",),
    m.CommandRefused: ("command", "by", "reason", "detail"),
    m.TriageTicket: ("by", "category", "unit", "severity", "lead", "note"),
    m.DivertTicket: ("by", "diversion", "to", "detail"),
    m.SignOrder: ("by", "order_id", "department"),
    m.ReturnOrder: ("by", "order_id", "department", "reason"),
    m.ReportProgress: ("by", "order_id", "department", "progress"),
    m.CompleteOrder: ("by", "order_id", "department"),
    m.RecordVote: ("by", "order_id", "yes", "no", "abstain"),
    m.FailStage: ("by", "order_id", "reason"),
    m.ReviseOrder: ("by", "order_id", "department", "revision", "until", "reason"),
    m.DecideRevision: ("by", "order_id", "granted", "note"),
    m.AssignTicket: ("by", "to", "reason"),
    m.AddItem: ("by", "item", "outcome"),
    m.SettleItem: ("by", "item", "outcome", "note"),
    m.FollowVisit: ("by", "visit", "outcome", "promised_by", "note"),
    m.ReleaseTicket: ("by", "note"),
    m.CallTicket: ("by", "to", "reason"),
    m.AddAssist: ("by", "to", "instead_of", "reason"),
    m.RemoveAssist: ("by", "order_id", "reason"),
    m.ExcuseAssist: ("by", "order_id", "reason"),
    m.RaiseWhistle: ("by", "situation", "unit", "called", "reason"),
    m.EndWhistle: ("by", "result"),
    m.AmendTicket: ("by", "category", "condition", "severity", "unit", "reason"),
    m.RoutingSuggested: ("order_id", "category", "place", "rule", "chosen", "handler"),
    m.VerifyTicket: ("by", "passed", "note"),
    m.RecordCallBack: ("by", "reached", "solved", "rating", "channel"),
    m.CloseTicket: ("by", "outcome", "reason"),
    m.ReopenTicket: ("by", "reason"),
    m.MergeTicket: ("by", "into", "reason"),
    m.UnmergeTicket: ("by", "reason"),
    m.AttachTicket: ("by", "parent", "reason"),
    m.DetachTicket: ("by", "reason"),
    m.RelateTicket: ("by", "other", "reason"),
    m.AdoptTicket: ("by", "child", "relation"),
    m.AnswerAdoption: ("by", "main", "reason", "detail"),
    m.LetGo: ("by", "child", "why"),
    m.LinkTicket: ("by", "other"),
    m.FollowTicket: ("by", "main", "news", "outcome"),
    m.HearTicket: ("by", "child", "message_kind"),
    m.SuspectDuplicate: ("by", "of", "score"),
    m.SuggestProject: ("by", "unit", "category", "times"),
    m.AcceptEscalation: ("by", "level", "note"),
    m.HandBack: ("by", "level", "reason"),
    m.RecountClocks: ("by", "why", "policy"),
    m.AskCaller: ("by", "question", "until"),
    m.RecordFinding: ("by", "finding"),
    m.ShowOrder: ("by", "order_id"),
    m.RedriveTicket: ("by", "service", "action"),
}
"""Message -> the fields that its entry keeps."""
OF_PARTS: Final[dict[type[m.Part], tuple[str, ...]]] = {
    m.ClockStart: ("clock", "level", "due_at", "provisional"),
    m.ClockMove: ("clock", "level", "old", "new", "limit", "provisional"),
    m.ClockStop: ("clock", "level", "outcome", "late_in_fact"),
    m.TimerFinding: ("kind", "event", "clock", "level", "what", "at"),
    m.Words: ("zh", "en"),
    m.Mark: ("handler", "score"),
    m.CategoryRef: ("code", "name", "condition"),
    m.Span: ("amount", "unit"),
    m.StageRef: ("number", "of", "name", "not_before"),
}
"""What it keeps of each part of a message."""


def entry(message: Message) -> dict[str, Any]:
    """Give what a message's entry holds."""
    envelope, data, ticket = message.envelope, message.data, message.ticket
    out: dict[str, Any] = {
        "at": instant(envelope.time),
        "type": data.type.removeprefix(PREFIX),
        "id": envelope.id.removeprefix(ticket),
    }
    if envelope.causation:
        out["cause"] = envelope.causation.removeprefix(ticket)
    fields: dict[str, Any] = {}
    for name in KEPT.get(type(data), ()):
        value = getattr(data, name)
        if value is not None and value not in ("", ()):
            fields[name] = plain(value)
    if fields:
        out["data"] = fields
    return out


def plain(value: Any) -> Any:
    """Give a value as JSON will give it back."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_KEPT else value[:TEXT_KEPT] + "…"
    if isinstance(value, m.Handler):
        return f"{value.kind}:{value.id}"
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    if isinstance(value, m.Location):
        return value.unit
    if type(value) in OF_PARTS:
        return _part(value)
    return value


def _instant(at: datetime) -> str:
    """Give an instant in UTC; what others wrote may lie at the edge of the calendar, where UTC has no name for it."""
    try:
        return instant(at)
    except OverflowError:
        return at.isoformat()


def _part(part: m.Part) -> dict[str, Any]:
    values = ((name, getattr(part, name)) for name in OF_PARTS[type(part)])
    return {name: plain(value) for name, value in values if value is not None and value is not False}


def appended(timeline: tuple[str, ...], message: Message, left_out: int) -> tuple[tuple[str, ...], int]:
    """Give the timeline with one more entry; of a very long one the middle is left out, and how much."""
    new = orjson.dumps(entry(message)).decode()
    if len(timeline) < ENTRIES_KEPT:
        return (*timeline, new), left_out
    return (*timeline[:FIRST_KEPT], *timeline[FIRST_KEPT + 1 :], new), left_out + 1


def entries(timeline: tuple[str, ...]) -> list[dict[str, Any]]:
    """Give the entries of a timeline."""
    return [orjson.loads(text) for text in timeline]


def whole_id(ticket: str, ident: str) -> str:
    """Give an id as it stands on the log."""
    return ticket + ident if ident.startswith("/") else ident
