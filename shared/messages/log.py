"""What can happen to a ticket, and what can be asked for? Facts and commands on the ticket log."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.messages.parts import (
    Attachment,
    CallerRef,
    CategoryRef,
    Channel,
    ClockMove,
    ClockStart,
    ClockStop,
    Handler,
    Location,
    Place,
    Request,
    Role,
    Severity,
    Span,
    TimerFinding,
    Words,
)
from shared.messages.registry import Command, Fact

LadderCause = Literal["accept", "dispatch", "sign", "contact", "handle", "verify", "call-back", "total", "severity"]
"""Why a ticket goes up the ladder: a clock that was breached, or that the matter is grave from the start."""
ReturnReason = Literal["not-ours", "wrong-place", "incomplete", "duplicate"]
MessageKind = Literal["follow-up", "answer", "withdrawal", "rating", "not-solved", "urge"]
Outcome = Literal["solved", "informed", "withdrawn", "diverted", "forced", "unsolved"]

# ---------------------------------------------------------------- intake


class TicketReported(Fact):
    """A report was taken and has become a ticket (受理)."""

    type: ClassVar[str] = "gridcall.ticket.reported.v1"
    producer: ClassVar[str] = "intake"

    report_id: str
    channel: Channel
    request: Request | None = None
    text: str
    category: str | None = None
    condition: str | None = None
    occurred_at: AwareDatetime | None = None
    reported_at: AwareDatetime
    source: str
    """`ce_source` of the report, or the name of the HTTP door."""
    source_reference: str | None = None
    place: Place = Place()
    caller: CallerRef
    attachments: tuple[Attachment, ...] = ()
    attributes: dict[str, Any] = Field(default_factory=dict)


class MessageReceived(Fact):
    """The person who asked said something more about the ticket."""

    type: ClassVar[str] = "gridcall.ticket.message-received.v1"
    producer: ClassVar[str] = "intake"

    message_id: str
    message_kind: MessageKind
    text: str = ""
    rating: int | None = None
    """1 (very bad) to 5 (very good), for a rating."""
    received_at: AwareDatetime


# ---------------------------------------------------------------- triage


class TicketTriaged(Fact):
    """What it is, where, how serious and whose; says all that an order needs."""

    type: ClassVar[str] = "gridcall.ticket.triaged.v1"
    producer: ClassVar[str] = "triage"

    category: CategoryRef
    severity: Severity
    place: Location
    level: str
    """The level at which the ticket's territorial owner starts."""
    unit: str
    """The territorial owner: the unit of that level at the place."""
    lead: Handler
    assists: tuple[Handler, ...] = ()
    sign_limit: Span
    handle_limit: Span
    warn_share: float
    """Share of a limit after which its warning is due."""
    description: str
    attachments: tuple[Attachment, ...] = ()
    callback: bool = False
    reachable: bool = False
    """The caller has left a number: whoever handles it can speak with them."""
    channel: Channel | None = None
    request: Request | None = None
    returnable: bool = True
    attempt: int = 1
    """Counts the triages of this ticket, from 1."""
    by: str = "gridcall"
    """A person who triaged, or gridcall."""
    rule: str = ""
    """Which row of the matrix, or which decision, chose the lead."""
    profile_version: str
    reported_at: AwareDatetime | None = None


class TriageNeeded(Fact):
    """The profile does not decide it: a human must (人工预审)."""

    type: ClassVar[str] = "gridcall.ticket.triage-needed.v1"
    producer: ClassVar[str] = "triage"

    missing: tuple[str, ...]
    """category, condition, place, or lead."""
    unit: str
    """Whose queue it is in."""
    detail: Words
    channel: Channel | None = None
    request: Request | None = None


class TicketDiverted(Fact):
    """Not a matter for this loop: an emergency number, a legal route, or nobody here (转办)."""

    type: ClassVar[str] = "gridcall.ticket.diverted.v1"
    producer: ClassVar[str] = "triage"

    diversion: Literal["emergency", "legal-route", "not-ours"]
    to: str
    detail: Words


class TriageTicket(Command):
    """A human triages; what is left out is taken from the report and the profile."""

    type: ClassVar[str] = "gridcall.ticket.triage.v1"
    producer: ClassVar[str] = "triage"

    category: str | None = None
    condition: str | None = None
    unit: str | None = None
    """The territorial unit where it is."""
    severity: Severity | None = None
    lead: Handler | None = None
    note: str = ""


class DivertTicket(Command):
    """A human decides that it is not a matter for this loop."""

    type: ClassVar[str] = "gridcall.ticket.divert.v1"
    producer: ClassVar[str] = "triage"

    diversion: Literal["emergency", "legal-route", "not-ours"]
    to: str
    detail: str


# ---------------------------------------------------------------- dispatch


class OrderIssued(Fact):
    """An order went to whoever handles the ticket now (派单)."""

    type: ClassVar[str] = "gridcall.ticket.order-issued.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    role: Role = "lead"
    handler: Handler
    level: str
    unit: str
    """The territorial owner of the ticket."""
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    sign_limit: Span
    handle_limit: Span
    calendar: str = "always"
    """The profile's working time in which the limits are counted."""
    warn_share: float
    category: CategoryRef
    severity: Severity
    place: Location
    description: str
    attachments: tuple[Attachment, ...] = ()
    assists: tuple[Handler, ...] = ()
    callback: bool = False
    reachable: bool = False
    channel: Channel | None = None
    request: Request | None = None
    returnable: bool = True
    attempt: int = 1
    by: str = "gridcall"
    profile_version: str
    reported_at: AwareDatetime | None = None


class OrderSigned(Fact):
    """The handler has signed for the order (签收)."""

    type: ClassVar[str] = "gridcall.ticket.order-signed.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    by: str = ""
    note: str = ""
    signed_at: AwareDatetime


class OrderProgressed(Fact):
    """The handler said how it stands, that somebody is on the spot (报到), or that the caller was spoken with."""

    type: ClassVar[str] = "gridcall.ticket.order-progressed.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    progress: Literal["note", "check-in", "contact"] = "note"
    by: str = ""
    note: str = ""
    attachments: tuple[Attachment, ...] = ()
    at: AwareDatetime | None = None
    lon: float | None = None
    lat: float | None = None


class OrderReturned(Fact):
    """The handler says that it is not theirs (退单); goes to triage, or to the duty officer who decides."""

    type: ClassVar[str] = "gridcall.ticket.order-returned.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    reason: ReturnReason
    detail: str = ""
    proposed: Handler | None = None
    by: str = ""
    goes_to: Literal["triage", "duty-officer"]
    returns: int
    """How often this ticket has been returned, this time included."""


class AdjudicationAsked(Fact):
    """Returned too often: the duty officer of `unit` decides who handles it, for good (派单异议审核)."""

    type: ClassVar[str] = "gridcall.ticket.adjudication-asked.v1"
    producer: ClassVar[str] = "dispatch"

    unit: str
    level: str
    returns: int


class OrderWithdrawn(Fact):
    """The order no longer stands; the handler need do nothing more."""

    type: ClassVar[str] = "gridcall.ticket.order-withdrawn.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    reason: Literal["returned", "reassigned", "merged", "withdrawn-by-caller", "expired", "diverted"]


class OrderDone(Fact):
    """The handler says that it is done (办结); whether it is, closure finds out."""

    type: ClassVar[str] = "gridcall.ticket.order-done.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    result: str = ""
    detail: str = ""
    evidence: tuple[Attachment, ...] = ()
    by: str = ""
    done_at: AwareDatetime
    category: CategoryRef
    severity: Severity
    place: Location
    unit: str
    callback: bool = False
    profile_version: str


class OrderReworked(Fact):
    """The order stands again: it was not good enough (返工)."""

    type: ClassVar[str] = "gridcall.ticket.order-reworked.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    reason: str
    handle_by: AwareDatetime
    handle_limit: Span
    calendar: str = "always"
    warn_share: float
    attempt: int


class SignOrder(Command):
    """Sign for an order (签收)."""

    type: ClassVar[str] = "gridcall.ticket.sign-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    """The department whose topic it came by; None: a person at the desk."""
    note: str = ""


class ReturnOrder(Command):
    """Return an order (退单)."""

    type: ClassVar[str] = "gridcall.ticket.return-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    reason: ReturnReason
    detail: str = ""
    proposed_department: str | None = None


class ReportProgress(Command):
    """Say how it stands; `check-in` that somebody is on the spot (报到), `contact` that the caller was spoken with."""

    type: ClassVar[str] = "gridcall.ticket.report-progress.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    progress: Literal["note", "check-in", "contact"] = "note"
    note: str = ""
    attachments: tuple[Attachment, ...] = ()
    at: AwareDatetime | None = None
    lon: float | None = None
    lat: float | None = None


class CompleteOrder(Command):
    """Say that it is done (办结)."""

    type: ClassVar[str] = "gridcall.ticket.complete-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    result: str = ""
    detail: str = ""
    evidence: tuple[Attachment, ...] = ()


Revision = Literal["suspend", "extend"]


class TicketAmended(Fact):
    """What it is, where or how grave was corrected (修改); its clocks are counted again and never begin anew."""

    type: ClassVar[str] = "gridcall.ticket.amended.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str | None = None
    """The order that is open."""
    handler: Handler | None = None
    category: CategoryRef
    old_category: CategoryRef
    severity: Severity
    old_severity: Severity
    place: Location
    old_place: Location
    level: str
    unit: str
    """The territorial owner from now on."""
    sign_limit: Span
    handle_limit: Span
    calendar: str
    """The working time in which the limits are counted from now on."""
    by: str
    reason: str


class AmendTicket(Command):
    """Correct what it is, where it is or how grave it is; what is left out stays, and so does the handler."""

    type: ClassVar[str] = "gridcall.ticket.amend.v1"
    producer: ClassVar[str] = "dispatch"

    category: str | None = None
    condition: str | None = None
    severity: Severity | None = None
    unit: str | None = None
    """The territorial unit where it is."""
    reason: str


class RevisionAsked(Fact):
    """The handler asks for a suspension (挂账) or an extension (延期); whoever is one level up decides."""

    type: ClassVar[str] = "gridcall.ticket.revision-asked.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    revision: Revision
    until: AwareDatetime
    """For a suspension when it ends by itself, for an extension the new limit."""
    reason: str
    detail: str = ""
    by: str = ""
    unit: str
    """Whoever is on duty here decides."""
    level: str
    decide_by: AwareDatetime
    """What is not decided by the limit is not granted."""


class RevisionDecided(Fact):
    """A suspension or an extension was granted, refused, or is off because nobody decided in time."""

    type: ClassVar[str] = "gridcall.ticket.revision-decided.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    revision: Revision
    decision: Literal["granted", "refused", "lapsed"]
    by: str = ""
    note: str = ""


class OrderSuspended(Fact):
    """The order rests (挂账): its handling clock is paused until a date, or until it is resumed before."""

    type: ClassVar[str] = "gridcall.ticket.order-suspended.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    reason: str
    detail: str = ""
    since: AwareDatetime
    until: AwareDatetime
    approved_by: str


class OrderResumed(Fact):
    """The order goes on (解挂) with the rest of its time."""

    type: ClassVar[str] = "gridcall.ticket.order-resumed.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    why: Literal["asked", "ended", "over"]
    """Somebody asked, its date came, or the order ended."""
    by: str = ""
    resumed_at: AwareDatetime
    handle_by: AwareDatetime


class OrderExtended(Fact):
    """The handling limit was moved (延期); both limits stay on record."""

    type: ClassVar[str] = "gridcall.ticket.order-extended.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    reason: str
    old: AwareDatetime
    handle_by: AwareDatetime
    times: int
    """How many extensions the order has had, with this one."""
    approved_by: str


class DecideRevision(Command):
    """Grant or refuse the suspension or extension that was asked for."""

    type: ClassVar[str] = "gridcall.ticket.decide-revision.v1"
    producer: ClassVar[str] = "dispatch"

    granted: bool
    note: str = ""


class ReviseOrder(Command):
    """Ask to suspend or to extend (挂账 延期), or resume (解挂), which needs nobody's leave."""

    type: ClassVar[str] = "gridcall.ticket.revise-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    revision: Literal["suspend", "resume", "extend"]
    until: AwareDatetime | None = None
    reason: str = ""
    detail: str = ""


class AssignTicket(Command):
    """Give the ticket to a handler (改派); a duty officer's decision after returns makes it not returnable."""

    type: ClassVar[str] = "gridcall.ticket.assign.v1"
    producer: ClassVar[str] = "dispatch"

    to: Handler
    reason: str


# ---------------------------------------------------------------- closure


class VerificationAsked(Fact):
    """Somebody must look whether it is really done (核实)."""

    type: ClassVar[str] = "gridcall.ticket.verification-asked.v1"
    producer: ClassVar[str] = "closure"

    order_id: str
    unit: str


class TicketVerified(Fact):
    """What was done has been looked at and stands."""

    type: ClassVar[str] = "gridcall.ticket.verified.v1"
    producer: ClassVar[str] = "closure"

    order_id: str
    mode: Literal["automatic", "person"]
    by: str = "gridcall"
    note: str = ""


class ReworkOrdered(Fact):
    """Not good enough: the same handler does it again (返工)."""

    type: ClassVar[str] = "gridcall.ticket.rework-ordered.v1"
    producer: ClassVar[str] = "closure"

    order_id: str
    reason: str
    by: str = ""
    reworks: int


class CallBackAsked(Fact):
    """The person wants to hear how it went before the ticket is closed (回访)."""

    type: ClassVar[str] = "gridcall.ticket.call-back-asked.v1"
    producer: ClassVar[str] = "closure"

    unit: str


class CalledBack(Fact):
    """The person was asked, or answered by a message or a rating."""

    type: ClassVar[str] = "gridcall.ticket.called-back.v1"
    producer: ClassVar[str] = "closure"

    reached: bool = True
    solved: bool | None = None
    rating: int | None = None
    by: str = ""
    note: str = ""


class TicketClosed(Fact):
    """It is over (结案)."""

    type: ClassVar[str] = "gridcall.ticket.closed.v1"
    producer: ClassVar[str] = "closure"

    outcome: Outcome
    result: str = ""
    """What was done, in words that the person who asked may read."""
    by: str = "gridcall"
    closings: int = 1
    """How often this ticket has been closed, this time included."""
    reopen_until: AwareDatetime | None = None


class TicketReopened(Fact):
    """It was not over after all (重办): the last handler gets a new order."""

    type: ClassVar[str] = "gridcall.ticket.reopened.v1"
    producer: ClassVar[str] = "closure"

    reason: str
    by: str = ""
    reopenings: int


class VerifyTicket(Command):
    """Say whether what was done stands; when not, why."""

    type: ClassVar[str] = "gridcall.ticket.verify.v1"
    producer: ClassVar[str] = "closure"

    passed: bool
    note: str = ""


class RecordCallBack(Command):
    """Record what the person said, or that they could not be reached."""

    type: ClassVar[str] = "gridcall.ticket.record-call-back.v1"
    producer: ClassVar[str] = "closure"

    reached: bool = True
    solved: bool | None = None
    rating: int | None = Field(default=None, ge=1, le=5)
    note: str = ""


class CloseTicket(Command):
    """Close without the usual way, with a reason that stays on record (强制结案, 告知性结案)."""

    type: ClassVar[str] = "gridcall.ticket.close.v1"
    producer: ClassVar[str] = "closure"

    outcome: Literal["informed", "forced"] = "forced"
    reason: str


class ReopenTicket(Command):
    """Reopen within the profile's window."""

    type: ClassVar[str] = "gridcall.ticket.reopen.v1"
    producer: ClassVar[str] = "closure"

    reason: str


# ---------------------------------------------------------------- sla


class ClocksStarted(Fact):
    """Clocks began to run."""

    type: ClassVar[str] = "gridcall.ticket.clocks-started.v1"
    producer: ClassVar[str] = "sla"

    clocks: tuple[ClockStart, ...]


class ClocksStopped(Fact):
    """Clocks ended."""

    type: ClassVar[str] = "gridcall.ticket.clocks-stopped.v1"
    producer: ClassVar[str] = "sla"

    clocks: tuple[ClockStop, ...]


class ClocksPaused(Fact):
    """Clocks rest; a pause within a pause counts once."""

    type: ClassVar[str] = "gridcall.ticket.clocks-paused.v1"
    producer: ClassVar[str] = "sla"

    tokens: tuple[str, ...]
    reason: str
    """`caller` (waiting for an answer), or why the order is suspended."""
    since: AwareDatetime


class ClocksRecalculated(Fact):
    """Limits have moved, each counted again from the clock's own start: nothing ever sets a clock back."""

    type: ClassVar[str] = "gridcall.ticket.clocks-recalculated.v1"
    producer: ClassVar[str] = "sla"

    clocks: tuple[ClockMove, ...]
    why: Literal["resumed", "answered", "extended", "calendar", "policy", "edited"]
    at: AwareDatetime
    """Since when it holds: for `resumed` and `answered` the end of the pause."""


class ClockWarned(Fact):
    """A limit is near (黄灯)."""

    type: ClassVar[str] = "gridcall.ticket.clock-warned.v1"
    producer: ClassVar[str] = "sla"

    clock: str
    token: str
    order_id: str | None = None
    level: str | None = None
    due_at: AwareDatetime
    nth: int = 1
    """Which of the clock's warnings it is."""


class ClockBreached(Fact):
    """A limit has passed (超时); the clock's duty stands on."""

    type: ClassVar[str] = "gridcall.ticket.clock-breached.v1"
    producer: ClassVar[str] = "sla"

    clock: str
    token: str
    order_id: str | None = None
    level: str | None = None
    due_at: AwareDatetime
    late_by_s: float
    """How long after the limit this was noticed, in seconds."""


class TicketEscalated(Fact):
    """The next level up is an owner too (提级); once per (ticket, level, cause). It relieves nobody."""

    type: ClassVar[str] = "gridcall.ticket.escalated.v1"
    producer: ClassVar[str] = "sla"

    from_level: str
    to_level: str
    unit: str
    cause: LadderCause
    order_id: str | None = None
    told: tuple[str, ...] = ()
    """Staff of the unit that is to know."""


class LevelSkipped(Fact):
    """A level has nobody: the ticket goes on to the next at once."""

    type: ClassVar[str] = "gridcall.ticket.level-skipped.v1"
    producer: ClassVar[str] = "sla"

    level: str
    unit: str | None = None
    cause: LadderCause
    reason: Literal["no-unit", "no-staff", "all-away"]


class SupervisionRepeated(Fact):
    """At the top and nobody has accepted: fired again (督办)."""

    type: ClassVar[str] = "gridcall.ticket.supervision-repeated.v1"
    producer: ClassVar[str] = "sla"

    level: str
    unit: str
    cause: LadderCause
    times: int
    notice: Words | None = None
    """What it is called, heavier each time."""
    told: tuple[str, ...] = ()


class EscalationAccepted(Fact):
    """A named person at a level has taken it on."""

    type: ClassVar[str] = "gridcall.ticket.escalation-accepted.v1"
    producer: ClassVar[str] = "sla"

    level: str
    cause: LadderCause
    by: str
    note: str = ""


class EscalationHandedBack(Fact):
    """An upper level gave it back to the one below, with a reason; that it was escalated stays on record."""

    type: ClassVar[str] = "gridcall.ticket.escalation-handed-back.v1"
    producer: ClassVar[str] = "sla"

    level: str
    to_level: str
    cause: LadderCause
    by: str
    reason: str


class HandBack(Command):
    """Give an escalated ticket back to the level below: its clock runs anew, and its breach goes above this level."""

    type: ClassVar[str] = "gridcall.ticket.hand-back.v1"
    producer: ClassVar[str] = "sla"

    level: str | None = None
    """Left out: the highest level reached."""
    reason: str


class RecountClocks(Command):
    """Count every running limit again from its own start, by the calendars and rules of today."""

    type: ClassVar[str] = "gridcall.ticket.recount-clocks.v1"
    producer: ClassVar[str] = "sla"

    why: Literal["calendar", "policy"] = "calendar"
    policy: str | None = None
    """The version of the profile whose rules hold from now on; left out: those that the ticket is pinned to."""


class PolicyApplied(Fact):
    """The ticket is pinned to the rules of another version of the profile from now on."""

    type: ClassVar[str] = "gridcall.ticket.policy-applied.v1"
    producer: ClassVar[str] = "sla"

    before: str
    policy: str
    by: str
    sign_limit: Span | None = None
    handle_limit: Span | None = None
    """What later orders of the ticket get."""


class InformationRequested(Fact):
    """The caller was asked something (待补充); clocks rest until the answer, or until `until`."""

    type: ClassVar[str] = "gridcall.ticket.information-requested.v1"
    producer: ClassVar[str] = "sla"

    question: str
    by: str
    since: AwareDatetime
    until: AwareDatetime


class InformationWaitEnded(Fact):
    """The caller has answered, or the time for it is over."""

    type: ClassVar[str] = "gridcall.ticket.information-wait-ended.v1"
    producer: ClassVar[str] = "sla"

    why: Literal["answered", "expired"]
    since: AwareDatetime
    at: AwareDatetime


class AskCaller(Command):
    """Ask the person who reported; clocks that may not run meanwhile rest, for a bounded time."""

    type: ClassVar[str] = "gridcall.ticket.ask-caller.v1"
    producer: ClassVar[str] = "sla"

    question: str
    until: AwareDatetime | None = None
    """Left out: as long as the profile allows."""


class AuditFound(Fact):
    """The audit of timers found something wrong (时限审计); once for each timer and kind."""

    type: ClassVar[str] = "gridcall.ticket.audit-found.v1"
    producer: ClassVar[str] = "sla"

    finding: TimerFinding


class RecordFinding(Command):
    """Write down what the audit of timers found; what was missed fires with it."""

    type: ClassVar[str] = "gridcall.ticket.record-finding.v1"
    producer: ClassVar[str] = "sla"

    finding: TimerFinding


class AcceptEscalation(Command):
    """Take an escalated ticket on, by name; at the top this ends the repeated firing."""

    type: ClassVar[str] = "gridcall.ticket.accept-escalation.v1"
    producer: ClassVar[str] = "sla"

    level: str | None = None
    """Left out: the highest level reached."""
    note: str = ""


# ---------------------------------------------------------------- every service


class CommandRefused(Fact):
    """A command was not carried out; `causation` names it."""

    type: ClassVar[str] = "gridcall.ticket.command-refused.v1"
    producer: ClassVar[str] = ""
    """Whichever service decides the command."""

    command: str
    by: str = ""
    reason: str
    detail: Words


class ShowOrder(Command):
    """Send a department one of its orders again, as it stands now; nothing else happens to the ticket."""

    type: ClassVar[str] = "gridcall.ticket.show-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    resync_id: str
    """The snapshot that it is a part of."""


class RedriveTicket(Command):
    """Try the records of a parked ticket again, in one service."""

    type: ClassVar[str] = "gridcall.ticket.redrive.v1"
    producer: ClassVar[str] = ""
    """The loop of the service that is named."""

    service: str
    action: Literal["redrive", "discard"] = "redrive"
    """discard drops the record at the head of the queue, then tries the rest."""


DESK_COMMANDS: dict[str, type[Command]] = {
    "triage": TriageTicket,
    "divert": DivertTicket,
    "sign": SignOrder,
    "return": ReturnOrder,
    "progress": ReportProgress,
    "done": CompleteOrder,
    "assign": AssignTicket,
    "revise": ReviseOrder,
    "decide-revision": DecideRevision,
    "verify": VerifyTicket,
    "call-back": RecordCallBack,
    "close": CloseTicket,
    "reopen": ReopenTicket,
    "accept-escalation": AcceptEscalation,
    "hand-back": HandBack,
    "ask-caller": AskCaller,
    "amend": AmendTicket,
}
"""The last part of the desk's `POST /v1/tickets/{id}/commands/{command}` -> what it asks for."""
