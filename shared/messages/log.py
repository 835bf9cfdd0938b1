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
    Mark,
    Place,
    Request,
    Role,
    Severity,
    Span,
    Stage,
    StageRef,
    Step,
    Tier,
    TimerFinding,
    Words,
)
from shared.messages.registry import Command, Fact

LadderCause = Literal[
    "accept", "dispatch", "sign", "contact", "handle", "verify", "call-back", "total", "severity",
    "settlement", "assist-sign", "assist-handle", "arrive", "rework",
]  # fmt: skip
"""Why a ticket goes up the ladder: a clock that was breached, that the matter is grave from the start, or that the
person was not satisfied with one rework after the other."""
ReturnReason = Literal["not-ours", "wrong-place", "incomplete", "duplicate"]
MessageKind = Literal["follow-up", "answer", "withdrawal", "rating", "not-solved", "urge"]
Outcome = Literal[
    "solved", "informed", "withdrawn", "diverted", "forced", "unsolved", "self-settled", "merged", "rejected",
]  # fmt: skip
Relation = Literal["duplicate", "child"]
"""How a ticket belongs to the one that stands for it: it is the same matter, or a part of it."""
LetGoReason = Literal["unmerged", "detached", "closed", "reopened", "refused", "withdrawn"]
"""Why two tickets part: somebody said so, the child ended or began again alone, it could not come, or the parent's
caller withdrew."""
News = Literal["resolved", "rework", "closed", "reopened", "withdrawn"]
Heard = Literal["not-solved", "urge"]
CallChannel = Literal["phone", "sms", "app", "in-person"]
"""How the person was asked how it went: 电话, 短信, 应用, 敲门."""

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
    before: tuple[Step, ...] = ()
    """Who is asked one after the other before the lead: residents themselves, the grid, the community."""
    stages: tuple[Stage, ...] = ()
    """What it goes through one after the other, each with an order of its own; of most tickets there is none."""
    size: Literal["small", "big"] | None = None
    """小事一格解决, 大事全网联动; None: neither, by the profile."""
    mode: str = ""
    """The operating mode (平时 急时) at the place when it was triaged; empty: normal."""
    promised_by: AwareDatetime | None = None
    """What the person was promised on the spot (定时解决): the handling limit, whatever the usual one is."""
    care: bool = False
    """Of a person of whom particular care is taken: their words and their address have stayed with intake."""
    helpers: tuple[str, ...] = ()
    """Staff who look after that person (五包一)."""
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


class TicketSettled(Fact):
    """Settled or explained on the spot, at a visit (即访即办): nobody need be given an order."""

    type: ClassVar[str] = "gridcall.ticket.settled.v1"
    producer: ClassVar[str] = "triage"

    outcome: Literal["solved", "informed"]
    answer: str
    """What the person was told."""
    unit: str
    callback: bool = False
    profile_version: str


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
    tier: Tier = "lead"
    whistle: int | None = None
    """For role whistle: which of the ticket's whistles calls."""
    stage: StageRef | None = None
    """Of a ticket with stages: the one that it is for."""
    handler: Handler
    lead: Handler | None = None
    """Who leads, when that is somebody else."""
    takes_over: str = ""
    """The order whose handler leads until this one is signed (首接负责); its signature ends that one."""
    level: str
    unit: str
    """The territorial owner of the ticket."""
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    sign_limit: Span
    handle_limit: Span
    own_limit: bool = False
    """The handling limit is this order's own and no correction of the ticket changes it."""
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
    mode: str = ""
    """The operating mode whose limits and ladder hold."""
    reported_at: AwareDatetime | None = None

    @property
    def duties(self) -> tuple[tuple[str, Span, AwareDatetime], ...]:
        """Give its clocks, with limit and instant; a whistle's own clock runs for all whom it calls."""
        sign, handle = {
            ("lead", "settlement"): ("", "settlement"),
            ("lead", "small"): ("sign", "handle"),
            ("lead", "lead"): ("sign", "handle"),
            ("assist", "lead"): ("assist-sign", "assist-handle"),
            ("whistle", "lead"): ("", ""),
        }[self.role, self.tier]
        both = ((sign, self.sign_limit, self.sign_by), (handle, self.handle_limit, self.handle_by))
        return tuple(each for each in both if each[0])


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
    whistle_score: int | None = None
    """What the whistle was worth to whoever was called, 1 to 5."""


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
    goes_to: Literal["triage", "duty-officer", "lead", "next"]
    """`lead` for an assist's order: the lead goes on without; `next` for somebody who was asked before the lead."""
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
    reason: Literal[
        "returned",
        "reassigned",
        "merged",
        "withdrawn-by-caller",
        "expired",
        "diverted",
        "lead-done",
        "removed",
        "whistle-over",
        "rejected",
        "attached",
    ]


class OrderDone(Fact):
    """The handler says that it is done (办结); whether it is, closure finds out."""

    type: ClassVar[str] = "gridcall.ticket.order-done.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    role: Role = "lead"
    tier: Tier = "lead"
    handler: Handler
    result: str = ""
    detail: str = ""
    evidence: tuple[Attachment, ...] = ()
    lon: float | None = None
    lat: float | None = None
    by: str = ""
    hands: tuple[str, ...] = ()
    """Who else has signed for it or said how it stands: none of them may verify it."""
    stage: StageRef | None = None
    """Of a ticket with stages: the last one."""
    amount: int | None = None
    """What it has cost, in whole units of the city's money."""
    budget: int | None = None
    """What was planned for it at an earlier stage."""
    done_at: AwareDatetime
    category: CategoryRef
    severity: Severity
    place: Location
    unit: str
    callback: bool = False
    profile_version: str


class StageCompleted(Fact):
    """A stage that is not the last is over, and the next one begins; the ticket is not done."""

    type: ClassVar[str] = "gridcall.ticket.stage-completed.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    stage: StageRef
    result: str = ""
    detail: str = ""
    evidence: tuple[Attachment, ...] = ()
    lon: float | None = None
    lat: float | None = None
    amount: int | None = None
    budget: int | None = None
    by: str = ""
    done_at: AwareDatetime


class StageFailed(Fact):
    """A stage has come to nothing: it goes on with an earlier one, or the ticket is to be closed."""

    type: ClassVar[str] = "gridcall.ticket.stage-failed.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    stage: StageRef
    reason: str
    times: int
    """How often this stage has failed."""
    back_to: int | None = None
    """Number of the stage with which it goes on; None: the ticket is to be closed."""
    outcome: Literal["diverted", "informed", "unsolved"] | None = None
    to: str = ""
    sentence: Words | None = None
    by: str = ""
    at: AwareDatetime


class VoteCounted(Fact):
    """Votes on a stage were counted (计票): how many were needed, and what came of it."""

    type: ClassVar[str] = "gridcall.ticket.vote-counted.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    stage: StageRef
    yes: int
    no: int
    abstain: int
    electorate: int
    threshold: str
    of: Literal["members", "voters"] = "members"
    needed: int
    """Yes votes without which it is not passed."""
    quorum: int | None = None
    """How many had to take part."""
    result: Literal["passed", "not-passed", "no-quorum"]
    by: str
    note: str = ""
    at: AwareDatetime


class OrderReworked(Fact):
    """The order stands again: it was not good enough (返工)."""

    type: ClassVar[str] = "gridcall.ticket.order-reworked.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    tier: Tier = "lead"
    handler: Handler
    reason: str
    handle_by: AwareDatetime
    handle_limit: Span
    own_limit: bool = False
    calendar: str = "always"
    warn_share: float
    attempt: int

    @property
    def clock(self) -> str:
        """Give the name of its handling clock."""
        return "settlement" if self.tier == "settlement" else "handle"


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
    whistle_score: int | None = Field(default=None, ge=1, le=5)
    """What the whistle was worth to whoever was called, 1 (for nothing) to 5 (rightly called)."""


class CompleteOrder(Command):
    """Say that it is done (办结)."""

    type: ClassVar[str] = "gridcall.ticket.complete-order.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    department: str | None = None
    result: str = ""
    detail: str = ""
    evidence: tuple[Attachment, ...] = ()
    lon: float | None = None
    lat: float | None = None
    """Where it was done, when nobody has checked in there."""
    amount: int | None = Field(default=None, ge=0, le=2**53)
    """What is planned or what it has cost, in whole units of the city's money; some stages ask for it."""


class RecordVote(Command):
    """Say what came of a vote on the stage (计票); who abstains has not said yes."""

    type: ClassVar[str] = "gridcall.ticket.record-vote.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    yes: int = Field(ge=0, le=100_000_000)
    no: int = Field(default=0, ge=0, le=100_000_000)
    abstain: int = Field(default=0, ge=0, le=100_000_000)
    electorate: int | None = Field(default=None, ge=1, le=100_000_000)
    """How many may vote, where the profile does not say it."""
    note: str = ""


class FailStage(Command):
    """Say that a stage has come to nothing (未通过); what follows the profile says, and the person reads the reason."""

    type: ClassVar[str] = "gridcall.ticket.fail-stage.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    reason: str


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

    order_id: str | None = None
    """Which order's request is decided; may be left out where one alone waits."""
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
    forced: bool = False
    """The order may not be returned (强制派单)."""


ItemOutcome = Literal["open", "settled", "explained", "ticket"]


class ItemAdded(Fact):
    """Something that was said at a visit, a ticket of its own; the visit is not over while one is open."""

    type: ClassVar[str] = "gridcall.ticket.item-added.v1"
    producer: ClassVar[str] = "dispatch"

    item: str
    """The item's ticket."""
    outcome: ItemOutcome
    promised_by: AwareDatetime | None = None


class ItemSettled(Fact):
    """An item of a visit was crossed off (销号), explained, or became a ticket with a promised date."""

    type: ClassVar[str] = "gridcall.ticket.item-settled.v1"
    producer: ClassVar[str] = "dispatch"

    item: str
    outcome: ItemOutcome
    promised_by: AwareDatetime | None = None
    by: str
    note: str = ""


class AddItem(Command):
    """A report that was made at a visit joins it."""

    type: ClassVar[str] = "gridcall.ticket.add-item.v1"
    producer: ClassVar[str] = "dispatch"

    item: str
    outcome: ItemOutcome
    promised_by: AwareDatetime | None = None


class SettleItem(Command):
    """Say what became of an item of a visit: `ticket` needs the date that was promised."""

    type: ClassVar[str] = "gridcall.ticket.settle-item.v1"
    producer: ClassVar[str] = "dispatch"

    item: str
    outcome: Literal["settled", "explained", "ticket"]
    promised_by: AwareDatetime | None = None
    note: str = ""


class FollowVisit(Command):
    """What became of it at the visit where it was said: done there, or promised by a date (定时解决)."""

    type: ClassVar[str] = "gridcall.ticket.follow-visit.v1"
    producer: ClassVar[str] = "dispatch"

    visit: str
    outcome: Literal["settled", "ticket"]
    note: str = ""
    promised_by: AwareDatetime | None = None


class RoundJoined(Fact):
    """The ticket waits for a desk's round (集中派单); what the desk leaves is dispatched as the matrix proposes."""

    type: ClassVar[str] = "gridcall.ticket.round-joined.v1"
    producer: ClassVar[str] = "dispatch"

    round: str
    """The desk and when the round closes: all tickets with the same one are decided together."""
    unit: str
    proposed: Handler
    closes_at: AwareDatetime


class ReleaseTicket(Command):
    """Dispatch a ticket of a round now, as the matrix proposes; `assign` gives it to somebody else."""

    type: ClassVar[str] = "gridcall.ticket.release.v1"
    producer: ClassVar[str] = "dispatch"

    note: str = ""


class TicketCalled(Fact):
    """Whoever was asked before the lead could not settle it (社区呼叫): the next one is asked."""

    type: ClassVar[str] = "gridcall.ticket.called.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    to: Handler
    why: Literal["called", "returned", "expired"]
    by: str = ""
    reason: str = ""


class CallTicket(Command):
    """Say that it cannot be settled here (呼叫): whoever comes next is asked, or who is named."""

    type: ClassVar[str] = "gridcall.ticket.call.v1"
    producer: ClassVar[str] = "dispatch"

    to: Handler | None = None
    reason: str


class AddAssist(Command):
    """Let somebody assist (协办), or instead of one that does."""

    type: ClassVar[str] = "gridcall.ticket.add-assist.v1"
    producer: ClassVar[str] = "dispatch"

    to: Handler
    instead_of: str | None = None
    """The order of the assist that ends with it."""
    reason: str = ""


class RemoveAssist(Command):
    """Let an assist end; what it was to do is no longer waited for."""

    type: ClassVar[str] = "gridcall.ticket.remove-assist.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    reason: str


class AssistExcused(Fact):
    """The level above has confirmed that an assist is late: the lead may finish without it."""

    type: ClassVar[str] = "gridcall.ticket.assist-excused.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    handler: Handler
    by: str
    reason: str


class ExcuseAssist(Command):
    """Confirm that an assist is late, so that the lead may finish without it."""

    type: ClassVar[str] = "gridcall.ticket.excuse-assist.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    reason: str


class WhistleRaised(Fact):
    """Departments were called to the spot (吹哨); each gets an order of the role whistle and checks in (报到)."""

    type: ClassVar[str] = "gridcall.ticket.whistle-raised.v1"
    producer: ClassVar[str] = "dispatch"

    whistle: int
    """Counts the whistles of this ticket, from 1."""
    situation: str
    unit: str
    """Who whistles."""
    called: tuple[Handler, ...]
    told: tuple[str, ...] = ()
    """Staff who get a copy and need not come (抄送)."""
    where: str = ""
    wave: int = 1
    enough: int
    """How many must check in."""
    at: AwareDatetime
    arrive_by: AwareDatetime
    arrive_limit: Span
    calendar: str
    by: str
    reason: str = ""


class WhistleWidened(Fact):
    """Too few had checked in by the limit: the next ones are called too."""

    type: ClassVar[str] = "gridcall.ticket.whistle-widened.v1"
    producer: ClassVar[str] = "dispatch"

    whistle: int
    wave: int
    called: tuple[Handler, ...]
    missing: tuple[Handler, ...]
    """Who had not checked in."""
    at: AwareDatetime
    arrive_by: AwareDatetime
    arrive_limit: Span
    calendar: str


class WhistleAnswered(Fact):
    """Enough have checked in (报到齐)."""

    type: ClassVar[str] = "gridcall.ticket.whistle-answered.v1"
    producer: ClassVar[str] = "dispatch"

    whistle: int
    came: tuple[Handler, ...]
    at: AwareDatetime


class WhistleEnded(Fact):
    """The whistle is over with a joint result; what each side did is marked."""

    type: ClassVar[str] = "gridcall.ticket.whistle-ended.v1"
    producer: ClassVar[str] = "dispatch"

    whistle: int
    situation: str
    unit: str
    result: str
    came: tuple[Handler, ...] = ()
    late: tuple[Handler, ...] = ()
    """Of those who came, who came after the limit."""
    missing: tuple[Handler, ...] = ()
    marks: tuple[Mark, ...] = ()
    """The street's marks of the answers (报到质量)."""
    quality: tuple[Mark, ...] = ()
    """The departments' marks of the whistle (吹哨质量)."""
    by: str = ""


class RaiseWhistle(Command):
    """Call departments to the spot (吹哨)."""

    type: ClassVar[str] = "gridcall.ticket.raise-whistle.v1"
    producer: ClassVar[str] = "dispatch"

    situation: str
    unit: str
    """Who whistles."""
    called: tuple[Handler, ...] = ()
    """Of those that the situation names; left out: all."""
    where: str = ""
    reason: str = ""


class EndWhistle(Command):
    """Say what came of a whistle, and what each answer was worth."""

    type: ClassVar[str] = "gridcall.ticket.end-whistle.v1"
    producer: ClassVar[str] = "dispatch"

    result: str
    marks: tuple[Mark, ...] = ()


# ---------------------------------------------------------------- closure


class VerificationAsked(Fact):
    """Somebody must look whether it is really done (核实)."""

    type: ClassVar[str] = "gridcall.ticket.verification-asked.v1"
    producer: ClassVar[str] = "closure"

    order_id: str
    unit: str
    sampled: bool = False
    """The record of the work would do; it was drawn to be looked at (抽查)."""


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
    level_up: bool = False
    """It was reworked often enough: the next level up becomes an owner too."""


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
    channel: CallChannel | None = None
    attempt: int = 0
    """Which try of this call-back it is, from 1; 0 where the person answered by themselves."""
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


class PointsAwarded(Fact):
    """A closing earned an account points (积分), or a reopening takes them back: one line of the ledger."""

    type: ClassVar[str] = "gridcall.ticket.points-awarded.v1"
    producer: ClassVar[str] = "closure"

    rule: str
    account: str
    """`department:…` or `unit:…`; bodies of residents are units here as in orders."""
    points: int
    """Below zero where they are taken back."""
    closings: int
    """Which closing of the ticket it belongs to."""


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
    channel: CallChannel | None = None
    note: str = ""


class CloseTicket(Command):
    """Close without the usual way, with a reason that stays on record (强制结案, 告知性结案, 不予受理)."""

    type: ClassVar[str] = "gridcall.ticket.close.v1"
    producer: ClassVar[str] = "closure"

    outcome: Literal["informed", "forced", "rejected"] = "forced"
    """`rejected`: it is not a matter; the person reads the reason."""
    reason: str


class RoutingSuggested(Fact):
    """The matrix named somebody whose matter it was not: who has done it may be named from now on."""

    type: ClassVar[str] = "gridcall.ticket.routing-suggested.v1"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    category: CategoryRef
    level: str
    """Of the place."""
    place: str
    """The lowest unit that is known of where it was."""
    rule: str
    """What chose the lead."""
    chosen: Handler
    handler: Handler
    """Who has done it."""


class ReopenTicket(Command):
    """Reopen within the profile's window."""

    type: ClassVar[str] = "gridcall.ticket.reopen.v1"
    producer: ClassVar[str] = "closure"

    reason: str


# ---------------------------------------------------------------- families of tickets


class FamilyAsked(Fact):
    """The ticket asks another one to take it in: as one more voice on the same matter, or as a part of it."""

    type: ClassVar[str] = "gridcall.ticket.family-asked.v1"
    producer: ClassVar[str] = "closure"

    into: str
    relation: Relation
    by: str
    reason: str
    nth: int
    """Counts what this ticket has asked for, from 1."""


class FamilyRefused(Fact):
    """The other ticket does not take it in: nothing else has changed."""

    type: ClassVar[str] = "gridcall.ticket.family-refused.v1"
    producer: ClassVar[str] = "closure"

    into: str
    relation: Relation
    reason: str
    detail: Words


class TicketAdopted(Fact):
    """The ticket stands for another one too from now on."""

    type: ClassVar[str] = "gridcall.ticket.adopted.v1"
    producer: ClassVar[str] = "closure"

    child: str
    relation: Relation
    by: str
    reason: str = ""


class TicketReleased(Fact):
    """The ticket no longer stands for another one."""

    type: ClassVar[str] = "gridcall.ticket.released.v1"
    producer: ClassVar[str] = "closure"

    child: str
    relation: Relation
    why: LetGoReason
    by: str = ""


class TicketMerged(Fact):
    """It is handled as one more voice on another ticket (并单); it keeps its caller, who is told what becomes of it."""

    type: ClassVar[str] = "gridcall.ticket.merged.v1"
    producer: ClassVar[str] = "closure"

    into: str
    by: str
    reason: str


class TicketUnmerged(Fact):
    """It was another matter after all (拆单)."""

    type: ClassVar[str] = "gridcall.ticket.unmerged.v1"
    producer: ClassVar[str] = "closure"

    main: str
    by: str
    reason: str


class TicketAttached(Fact):
    """It waits, without an order of its own, for another ticket of which it is a part (campaign, project, pipe)."""

    type: ClassVar[str] = "gridcall.ticket.attached.v1"
    producer: ClassVar[str] = "closure"

    parent: str
    by: str
    reason: str


class TicketDetached(Fact):
    """It goes its own way again."""

    type: ClassVar[str] = "gridcall.ticket.detached.v1"
    producer: ClassVar[str] = "closure"

    parent: str
    why: LetGoReason
    by: str = ""
    reason: str = ""


class TicketRelated(Fact):
    """It has to do with another ticket; nothing follows from it."""

    type: ClassVar[str] = "gridcall.ticket.related.v1"
    producer: ClassVar[str] = "closure"

    other: str
    by: str
    reason: str = ""


class FamilyTold(Fact):
    """What has become of the ticket into which this one was merged, or of which it is a part."""

    type: ClassVar[str] = "gridcall.ticket.family-told.v1"
    producer: ClassVar[str] = "closure"

    main: str
    relation: Relation
    news: News
    outcome: Outcome | None = None
    result: str = ""
    reopen_until: AwareDatetime | None = None


class FamilyPassedOn(Fact):
    """What the caller of a merged ticket said was passed on to the one into which it was merged."""

    type: ClassVar[str] = "gridcall.ticket.family-passed-on.v1"
    producer: ClassVar[str] = "closure"

    main: str
    message_kind: Heard


class FamilyHeard(Fact):
    """The caller of a ticket that was merged into this one has said something; the words stay with that ticket."""

    type: ClassVar[str] = "gridcall.ticket.family-heard.v1"
    producer: ClassVar[str] = "closure"

    child: str
    message_kind: Heard
    received_at: AwareDatetime


class DuplicateSuspected(Fact):
    """It looks like the matter of another ticket: a person merges it, or leaves it."""

    type: ClassVar[str] = "gridcall.ticket.duplicate-suspected.v1"
    producer: ClassVar[str] = "closure"

    of: str
    score: int
    """How alike the texts are, 0 to 100."""
    metres: int | None = None
    """How far apart; None where one of them has no coordinates."""


class ProjectSuggested(Fact):
    """The same matter comes back at one place: a person may make a project of it and attach the tickets."""

    type: ClassVar[str] = "gridcall.ticket.project-suggested.v1"
    producer: ClassVar[str] = "closure"

    unit: str
    category: str
    times: int
    since: AwareDatetime
    tickets: tuple[str, ...]
    """The latest of them."""


class MergeTicket(Command):
    """Handle it as one more voice on another ticket (并单)."""

    type: ClassVar[str] = "gridcall.ticket.merge.v1"
    producer: ClassVar[str] = "closure"

    into: str
    reason: str


class UnmergeTicket(Command):
    """Say that it was another matter after all (拆单): it is reopened and dispatched again."""

    type: ClassVar[str] = "gridcall.ticket.unmerge.v1"
    producer: ClassVar[str] = "closure"

    reason: str


class AttachTicket(Command):
    """Make it a part of another ticket, with which it is closed: a campaign, a project, a burst pipe."""

    type: ClassVar[str] = "gridcall.ticket.attach.v1"
    producer: ClassVar[str] = "closure"

    parent: str
    reason: str


class DetachTicket(Command):
    """Let it go its own way again."""

    type: ClassVar[str] = "gridcall.ticket.detach.v1"
    producer: ClassVar[str] = "closure"

    reason: str


class RelateTicket(Command):
    """Note on both that two tickets have to do with each other."""

    type: ClassVar[str] = "gridcall.ticket.relate.v1"
    producer: ClassVar[str] = "closure"

    other: str
    reason: str


class AdoptTicket(Command):
    """One ticket asks another: stand for me too."""

    type: ClassVar[str] = "gridcall.ticket.adopt.v1"
    producer: ClassVar[str] = "closure"

    child: str
    relation: Relation
    reason: str
    nth: int


class AnswerAdoption(Command):
    """The other ticket answers: yes, or why not."""

    type: ClassVar[str] = "gridcall.ticket.answer-adoption.v1"
    producer: ClassVar[str] = "closure"

    main: str
    nth: int
    reason: str = ""
    """Empty: yes."""
    detail: Words | None = None


class LetGo(Command):
    """A ticket tells the one that stands for it: no longer."""

    type: ClassVar[str] = "gridcall.ticket.let-go.v1"
    producer: ClassVar[str] = "closure"

    child: str
    why: LetGoReason


class LinkTicket(Command):
    """A ticket tells another one that they have to do with each other."""

    type: ClassVar[str] = "gridcall.ticket.link.v1"
    producer: ClassVar[str] = "closure"

    other: str
    reason: str = ""


class FollowTicket(Command):
    """A ticket tells those for which it stands what has become of it."""

    type: ClassVar[str] = "gridcall.ticket.follow.v1"
    producer: ClassVar[str] = "closure"

    main: str
    news: News
    outcome: Outcome | None = None
    result: str = ""
    reopen_until: AwareDatetime | None = None


class HearTicket(Command):
    """A merged ticket tells the one that stands for it what its caller has said."""

    type: ClassVar[str] = "gridcall.ticket.hear.v1"
    producer: ClassVar[str] = "closure"

    child: str
    message_kind: Heard
    received_at: AwareDatetime


class SuspectDuplicate(Command):
    """Note that it looks like the matter of another ticket."""

    type: ClassVar[str] = "gridcall.ticket.suspect-duplicate.v1"
    producer: ClassVar[str] = "closure"

    of: str
    score: int
    metres: int | None = None


class SuggestProject(Command):
    """Note that the same matter comes back at one place."""

    type: ClassVar[str] = "gridcall.ticket.suggest-project.v1"
    producer: ClassVar[str] = "closure"

    unit: str
    category: str
    times: int
    since: AwareDatetime
    tickets: tuple[str, ...]


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
    "record-vote": RecordVote,
    "fail-stage": FailStage,
    "assign": AssignTicket,
    "release": ReleaseTicket,
    "settle-item": SettleItem,
    "call": CallTicket,
    "add-assist": AddAssist,
    "remove-assist": RemoveAssist,
    "excuse-assist": ExcuseAssist,
    "raise-whistle": RaiseWhistle,
    "end-whistle": EndWhistle,
    "revise": ReviseOrder,
    "decide-revision": DecideRevision,
    "verify": VerifyTicket,
    "call-back": RecordCallBack,
    "close": CloseTicket,
    "reopen": ReopenTicket,
    "merge": MergeTicket,
    "unmerge": UnmergeTicket,
    "attach": AttachTicket,
    "detach": DetachTicket,
    "relate": RelateTicket,
    "accept-escalation": AcceptEscalation,
    "hand-back": HandBack,
    "ask-caller": AskCaller,
    "amend": AmendTicket,
}
"""The last part of the desk's `POST /v1/tickets/{id}/commands/{command}` -> what it asks for."""
