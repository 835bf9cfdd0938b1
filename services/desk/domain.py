"""What does a ticket look like to people, after everything that the log says of it?

A projection: it decides nothing, it takes every fact and every command, and nothing in it may fail. The same
log gives the same view, whoever folds it and when: only what stands in the records is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.desk import clocks, timeline
from services.desk.clocks import FOLDS as CLOCK_FOLDS
from services.desk.clocks import Clock
from shared import messages as m
from shared.decider import Message, State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

OUTCOMES_KEPT: Final = 50
PAST_KEPT: Final = 20
CLOSED: Final = "closed"


class Part(BaseModel):
    """A part of the view; never changed in place."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Owner(Part):
    """A territorial unit that answers for the ticket; those that a breach added have a cause."""

    level: str
    unit: str
    since: AwareDatetime
    cause: str = ""
    accepted_by: str = ""
    handed_back_by: str = ""


class Request(Part):
    """What a handler has asked for and nobody has decided yet."""

    revision: str
    until: AwareDatetime
    reason: str
    unit: str
    """Whoever is on duty here decides."""
    decide_by: AwareDatetime


class Suspension(Part):
    """An order rests, and to which states it and its ticket go back when it is resumed."""

    reason: str
    since: AwareDatetime
    until: AwareDatetime
    approved_by: str
    order_was: str
    ticket_was: str


class Order(Part):
    """An order and how far it got: issued, signed, suspended, returned, done, rework, withdrawn, failed."""

    handler: m.Handler
    role: str = "lead"
    tier: str = "lead"
    state: str = "issued"
    level: str = ""
    unit: str = ""
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    signed_at: AwareDatetime | None = None
    signed_by: str = ""
    done_at: AwareDatetime | None = None
    result: str = ""
    returnable: bool = True
    attempt: int = 1
    profile_version: str = ""
    request: Request | None = None
    suspension: Suspension | None = None
    extensions: int = 0
    reworks: int = 0
    """How often it had to be done again."""
    takes_over: str = ""
    """The order whose handler leads until this one is signed; empty from then on."""
    came_at: AwareDatetime | None = None
    """When somebody checked in for it."""
    stage: m.StageRef | None = None
    """Of a ticket with stages: the one that it is for."""
    own_limit: bool = False
    """Its handling limit is no rule's for the ticket."""


class Whistle(Part):
    """Who was called to the spot, until the whistle is over."""

    number: int
    situation: str
    unit: str
    called: tuple[m.Handler, ...]
    arrive_by: AwareDatetime
    answered: bool = False


class WhistleScore(Part):
    """What is counted of a whistle: whether enough came in time, who came, and the marks once it is over."""

    situation: str
    unit: str
    at: AwareDatetime
    arrive_by: AwareDatetime
    """The limit of those who were called first."""
    answered_at: AwareDatetime | None = None
    """When enough had come."""
    came: tuple[m.Handler, ...] = ()
    late: tuple[m.Handler, ...] = ()
    missing: tuple[m.Handler, ...] = ()
    """Who had not come by the limit, or at all once it is over."""
    marks: tuple[m.Mark, ...] = ()
    quality: tuple[m.Mark, ...] = ()


class Votes(Part):
    """What came of the last count of votes on a stage."""

    yes: int
    no: int
    abstain: int
    electorate: int
    needed: int
    result: str


class Stage(Part):
    """At which stage a ticket is, and since when."""

    at: m.StageRef
    since: AwareDatetime
    over: bool = False
    """The next one begins, or the ticket is done."""
    votes: Votes | None = None
    budget: int | None = None
    actual: int | None = None


class Suggestion(Part):
    """Whom the matrix might name from now on, since who it named gave it back and another has done it."""

    category: m.CategoryRef
    level: str
    place: str
    rule: str
    chosen: m.Handler
    handler: m.Handler


class Asked(Part):
    """What the caller was asked and has not answered yet."""

    question: str
    by: str
    since: AwareDatetime
    until: AwareDatetime


class Relative(Part):
    """A ticket for which this one stands."""

    id: str
    relation: str
    since: AwareDatetime


class Suspicion(Part):
    """A ticket whose matter it may be."""

    of: str
    score: int
    metres: int | None = None


class Project(Part):
    """What comes back at one place, and may become a project."""

    unit: str
    category: str
    times: int
    since: AwareDatetime
    tickets: tuple[str, ...]


class Refusal(Part):
    """Why a ticket did not take this one in."""

    into: str
    reason: str
    detail: m.Words


class Family(Part):
    """What a ticket has to do with others; of most tickets there is none."""

    main: str = ""
    """Who stands for it."""
    relation: str = ""
    """`duplicate`: it is the same matter; `child`: it is a part of it."""
    asking: str = ""
    """Which ticket was asked to take it in and has not answered."""
    refusal: Refusal | None = None
    """Why the last one did not."""
    was: str = ""
    """The state to which an attached ticket goes back when it is detached."""
    children: tuple[Relative, ...] = ()
    related: tuple[str, ...] = ()
    suspected: tuple[Suspicion, ...] = ()
    project: Project | None = None


class Past(Part):
    """What a ticket was until it was triaged anew or corrected."""

    until: AwareDatetime
    category: m.CategoryRef
    severity: str


class Outcome(Part):
    """What became of a command: the facts that it led to, or why it was refused; neither yet: not decided."""

    facts: tuple[str, ...] = ()
    reason: str = ""
    zh: str = ""
    en: str = ""


class PointsLine(m.Part):
    """What the ticket has earned an account, or what was taken back."""

    rule: str
    account: str
    points: int
    at: AwareDatetime


class Ticket(State):
    """The view of one ticket; a ticket that was never reported has no state."""

    state: str = ""
    count: int = 0
    """Messages folded."""
    reported_at: AwareDatetime | None = None
    updated_at: AwareDatetime | None = None
    report_id: str = ""
    channel: str = ""
    request: str = ""
    """What kind of request it is: consultation, help, complaint, tip-off, suggestion."""
    source: str = ""
    source_reference: str = ""
    anonymous: bool = False
    callback: bool = False
    description: str = ""
    said_place: m.Place = m.Place()
    place: m.Location | None = None
    attachments: tuple[m.Attachment, ...] = ()
    category: m.CategoryRef | None = None
    severity: str = ""
    level: str = ""
    """The highest level that owns it."""
    unit: str = ""
    """The territorial owner with which it started."""
    owners: tuple[Owner, ...] = ()
    waits_at: str = ""
    """The unit at whose desk it waits: to be triaged, decided on, verified, or to call back."""
    lead: m.Handler | None = None
    assists: tuple[m.Handler, ...] = ()
    helpers: tuple[str, ...] = ()
    """Staff who look after the person whom it is about (五包一)."""
    lead_order: str = ""
    stage: Stage | None = None
    """Of most tickets there is none."""
    orders: dict[str, Order] = Field(default_factory=dict)
    clocks: dict[str, Clock] = Field(default_factory=dict)
    whistle: Whistle | None = None
    asked: Asked | None = None
    questions: int = 0
    past: tuple[Past, ...] = ()
    """Oldest first: what set the limits of clocks that are over."""
    round: str = ""
    """The round of a desk for which it waits; kept when it is over."""
    mode: str = ""
    """The operating mode whose limits hold."""
    size: str = ""
    """small or big, where the profile says so."""
    items: dict[str, str] = Field(default_factory=dict)
    """What was said at a visit: tickets, and what became of each."""
    missing: tuple[str, ...] = ()
    returns: int = 0
    reworks: int = 0
    """Since it was opened or reopened."""
    reworked: int = 0
    """In its whole life."""
    calls: int = 0
    """Tries of the present call-back."""
    suggestion: Suggestion | None = None
    points: tuple[PointsLine, ...] = ()
    """In order; nothing is ever changed."""
    closings: int = 0
    reopenings: int = 0
    outcome: str = ""
    result: str = ""
    rating: int | None = None
    closed_at: AwareDatetime | None = None
    closed_by: str = ""
    reopen_until: AwareDatetime | None = None
    profile_version: str = ""
    """The version of the profile whose rules hold for it."""
    commands: dict[str, Outcome] = Field(default_factory=dict)
    timeline: tuple[str, ...] = ()
    """JSON texts: services/desk/timeline.py."""
    family: Family | None = None
    whistles: dict[int, WhistleScore] = Field(default_factory=dict)
    """By their number; of most tickets there is none."""
    schedule: str = ""
    """Of a visit that the calendar asked for: by which of the profile's schedules."""
    left_out: int = 0
    """Entries of a very long life that the timeline no longer holds; the log has them."""

    @property
    def due(self) -> datetime | None:
        """The earliest limit of a clock whose duty stands, passed or not; of one that rests nothing is due."""
        return min((c.due_at for c in self.clocks.values() if c.ended_at is None and not c.rests), default=None)


STATES: Final[dict[type[m.Body], str]] = {
    m.TicketReported: "reported",
    m.TriageNeeded: "triage",  # a human must decide what the profile does not
    m.TicketDiverted: "diverted",
    m.TicketTriaged: "triaged",
    m.RoundJoined: "round",  # the desk decides, until the round closes
    m.OrderIssued: "ordered",
    m.OrderSigned: "signed",
    m.OrderProgressed: "handling",
    m.OrderSuspended: "suspended",  # until OrderResumed gives back the state before
    m.OrderReturned: "returned",
    m.AdjudicationAsked: "adjudication",  # returned too often: the duty officer decides
    m.OrderDone: "done",
    m.VerificationAsked: "verifying",
    m.TicketVerified: "verified",
    m.ReworkOrdered: "rework",
    m.CallBackAsked: "call-back",
    m.TicketClosed: CLOSED,
    m.TicketReopened: "reopened",
    m.TicketAttached: "attached",  # until TicketDetached gives back the state before
}
"""What happened -> the ticket's state from then on."""
OPEN_STATES: Final = tuple(word for word in STATES.values() if word != CLOSED)
HANDLED: Final = frozenset({"ordered", "signed", "rework", "handling"})
"""A handler's note makes it `handling` only out of these: a late note does not undo what is done."""
LEAD_ALONE: Final = (
    m.OrderIssued,
    m.OrderSigned,
    m.OrderProgressed,
    m.OrderSuspended,
    m.OrderReturned,
    m.OrderDone,
)
"""Facts about an order that move the ticket only when it is the lead's present one."""


def decide(_ticket: Ticket, _message: Message, _now: datetime) -> Sequence[m.Fact]:
    """Decide nothing: the desk only looks."""
    return ()


def evolve(ticket: Ticket, message: Message) -> Ticket:
    """Give the view after one more message."""
    data = message.data
    envelope = message.envelope
    entries, left_out = timeline.appended(ticket.timeline, message, ticket.left_out)
    changes: dict[str, Any] = {
        "count": ticket.count + 1,
        "updated_at": envelope.time,
        "timeline": entries,
        "left_out": left_out,
    }
    fold = FOLDS.get(type(data))
    if fold is not None:
        changes.update(fold(ticket, data, envelope.time))
    elif (turn := CLOCK_FOLDS.get(type(data))) is not None:
        changes["clocks"] = turn(ticket.clocks, data, envelope.time)
    if "category" in changes and ticket.category is not None:
        changes["past"] = _past(ticket, changes, envelope.time)
    state = STATES.get(type(data))
    if state is not None and _moves(ticket, data, changes.get("lead_order", ticket.lead_order)):
        changes["state"] = state
    if data.kind == "command":
        changes["commands"] = _asked(ticket.commands, envelope.id)
    elif envelope.causation in ticket.commands:
        changes["commands"] = _answered(ticket.commands, envelope.causation, data)
    return ticket.model_copy(update=changes)


def _moves(ticket: Ticket, data: m.Body, lead_order: str) -> bool:
    """Tell whether a fact moves the ticket; what comes late, when all is over, does not."""
    if ticket.state == CLOSED:
        return isinstance(data, m.TicketReopened)
    if isinstance(data, LEAD_ALONE) and data.order_id != lead_order:
        return False
    return not isinstance(data, m.OrderProgressed) or ticket.state in HANDLED


def _past(ticket: Ticket, changes: dict[str, Any], at: datetime) -> tuple[Past, ...]:
    """Remember what it was, when it is something else now."""
    category = ticket.category
    if category is None or (category, ticket.severity) == (changes["category"], changes["severity"]):
        return ticket.past
    return (*ticket.past, Past(until=at, category=category, severity=ticket.severity))[-PAST_KEPT:]


# ---------------------------------------------------------------- commands


def _asked(commands: dict[str, Outcome], ident: str) -> dict[str, Outcome]:
    if ident in commands:
        return commands
    known = {**commands, ident: Outcome()}
    while len(known) > OUTCOMES_KEPT:
        del known[next(iter(known))]
    return known


def _answered(commands: dict[str, Outcome], ident: str, data: m.Body) -> dict[str, Outcome]:
    if isinstance(data, m.CommandRefused):
        outcome = Outcome(reason=data.reason, zh=data.detail.zh, en=data.detail.en)
    else:
        outcome = Outcome(facts=(*commands[ident].facts, data.type))
    return {**commands, ident: outcome}


# ---------------------------------------------------------------- what each fact changes


def _reported(_ticket: Ticket, data: m.TicketReported, _at: datetime) -> dict[str, Any]:
    return {
        "reported_at": data.reported_at,
        "report_id": data.report_id,
        "channel": data.channel,
        "request": data.request or "",
        "source": data.source,
        "source_reference": data.source_reference or "",
        "anonymous": data.caller.anonymous,
        "callback": data.caller.callback,
        "description": data.text,
        "said_place": data.place,
        "attachments": data.attachments,
        "schedule": _visit(data) if data.channel == "visit" else "",
    }


def _visit(data: m.TicketReported) -> str:
    """Give the schedule that asks for a visit; a look back some days after is none."""
    said = data.attributes
    return str(said.get("schedule", ""))[:60] if said.get("phase") == "visit" else ""


def _message(_ticket: Ticket, data: m.MessageReceived, _at: datetime) -> dict[str, Any]:
    return {} if data.rating is None else {"rating": data.rating}


def _triaged(ticket: Ticket, data: m.TicketTriaged, at: datetime) -> dict[str, Any]:
    return {
        **_owned(ticket, data.level, data.unit, at),
        "category": data.category,
        "severity": data.severity,
        "place": data.place,
        "lead": data.lead,
        "assists": data.assists,
        "description": data.description or ticket.description,
        "attachments": data.attachments or ticket.attachments,
        "callback": data.callback,
        "profile_version": data.profile_version,
        "mode": data.mode,
        "size": data.size or "",
        "helpers": data.helpers,
        "missing": (),
        "waits_at": "",
    }


def _owned(ticket: Ticket, level: str, unit: str, at: datetime) -> dict[str, Any]:
    """Set the owner with which the ticket starts; levels that a breach added stay."""
    added = tuple(owner for owner in ticket.owners if owner.cause)
    if ticket.owners and ticket.unit == unit and ticket.owners[0].level == level:
        return {}
    return {
        "unit": unit,
        "level": ticket.level if added else level,
        "owners": (Owner(level=level, unit=unit, since=at), *added),
    }


def _triage_needed(_ticket: Ticket, data: m.TriageNeeded, _at: datetime) -> dict[str, Any]:
    return {"missing": data.missing, "waits_at": data.unit}


def _diverted(_ticket: Ticket, data: m.TicketDiverted, _at: datetime) -> dict[str, Any]:
    return {"result": data.detail.zh, "waits_at": ""}


def _issued(ticket: Ticket, data: m.OrderIssued, at: datetime) -> dict[str, Any]:
    order = Order(
        handler=data.handler,
        role=data.role,
        tier=data.tier,
        level=data.level,
        unit=data.unit,
        issued_at=data.issued_at,
        sign_by=data.sign_by,
        handle_by=data.handle_by,
        returnable=data.returnable,
        attempt=data.attempt,
        profile_version=data.profile_version,
        takes_over=data.takes_over,
        stage=data.stage,
        own_limit=data.own_limit,
    )
    changes: dict[str, Any] = {"orders": {**ticket.orders, data.order_id: order}}
    if data.role == "lead" and not data.takes_over:
        changes |= {
            **_owned(ticket, data.level, data.unit, at),
            "lead_order": data.order_id,
            "lead": data.handler,
            "category": data.category,
            "severity": data.severity,
            "place": data.place,
            "profile_version": data.profile_version,
            "waits_at": "",
        }
    if data.stage is not None:
        changes["stage"] = _stage(ticket.stage, data.stage, data.issued_at)
    return changes


def _stage(before: Stage | None, at: m.StageRef, now: datetime) -> Stage:
    """Give the stage that an order is for; who has it may change while it lasts."""
    if before is None:
        return Stage(at=at, since=now)
    if before.over:
        return Stage(at=at, since=now, budget=before.budget)
    return before.model_copy(update={"at": at})


def _item(ticket: Ticket, data: m.ItemAdded | m.ItemSettled, _at: datetime) -> dict[str, Any]:
    return {"items": {**ticket.items, data.item: data.outcome}}


def _round(_ticket: Ticket, data: m.RoundJoined, _at: datetime) -> dict[str, Any]:
    return {"round": data.round, "waits_at": data.unit}


def _amended(ticket: Ticket, data: m.TicketAmended, at: datetime) -> dict[str, Any]:
    """Say what it is now; who handles it stays."""
    return {
        **_owned(ticket, data.level, data.unit, at),
        "category": data.category,
        "severity": data.severity,
        "place": data.place,
    }


def _order(ticket: Ticket, ident: str, **changes: Any) -> dict[str, Any]:
    order = ticket.orders.get(ident)
    if order is None:
        return {}
    return {"orders": {**ticket.orders, ident: order.model_copy(update=changes)}}


OVER: Final[dict[str, None]] = {"request": None, "suspension": None}
"""Of an order that is over."""


def _signed(ticket: Ticket, data: m.OrderSigned, _at: datetime) -> dict[str, Any]:
    before = ticket.orders.get(data.order_id)
    signed = _order(ticket, data.order_id, state="signed", signed_at=data.signed_at, signed_by=data.by, takes_over="")
    if before is None or not before.takes_over:
        return signed
    return signed | {"lead_order": data.order_id, "lead": data.handler}  # from now on it leads


def _progressed(ticket: Ticket, data: m.OrderProgressed, at: datetime) -> dict[str, Any]:
    order = ticket.orders.get(data.order_id)
    if data.progress != "check-in" or order is None or order.came_at is not None:
        return {}
    return _order(ticket, data.order_id, came_at=min(data.at or at, at))


def _whistled(ticket: Ticket, data: m.WhistleRaised, _at: datetime) -> dict[str, Any]:
    whistle = Whistle(
        number=data.whistle, situation=data.situation, unit=data.unit, called=data.called, arrive_by=data.arrive_by
    )
    score = WhistleScore(situation=data.situation, unit=data.unit, at=data.at, arrive_by=data.arrive_by)
    return {"whistle": whistle, "whistles": {**ticket.whistles, data.whistle: score}}


def _score(ticket: Ticket, number: int, **changes: Any) -> dict[str, Any]:
    score = ticket.whistles.get(number)
    return {} if score is None else {"whistles": {**ticket.whistles, number: score.model_copy(update=changes)}}


def _widened(ticket: Ticket, data: m.WhistleWidened, _at: datetime) -> dict[str, Any]:
    scored, whistle = _score(ticket, data.whistle, missing=data.missing), ticket.whistle
    if whistle is None or not data.called:
        return scored
    changes = {"called": (*whistle.called, *data.called), "arrive_by": data.arrive_by}
    return scored | {"whistle": whistle.model_copy(update=changes)}


def _came(ticket: Ticket, data: m.WhistleAnswered, _at: datetime) -> dict[str, Any]:
    known = ticket.whistles.get(data.whistle)
    missing = () if known is None else tuple(each for each in known.missing if each not in data.came)
    scored = _score(ticket, data.whistle, answered_at=data.at, came=data.came, missing=missing)
    if ticket.whistle is None:
        return scored
    return scored | {"whistle": ticket.whistle.model_copy(update={"answered": True})}


def _whistle_over(ticket: Ticket, data: m.WhistleEnded, _at: datetime) -> dict[str, Any]:
    came = {"came": data.came, "late": data.late, "missing": data.missing}
    return {"whistle": None, **_score(ticket, data.whistle, **came, marks=data.marks, quality=data.quality)}


def _returned(ticket: Ticket, data: m.OrderReturned, _at: datetime) -> dict[str, Any]:
    return {**_order(ticket, data.order_id, state="returned", **OVER), "returns": data.returns}


def _adjudication(_ticket: Ticket, data: m.AdjudicationAsked, _at: datetime) -> dict[str, Any]:
    return {"waits_at": data.unit}


def _withdrawn(ticket: Ticket, data: m.OrderWithdrawn, _at: datetime) -> dict[str, Any]:
    return _order(ticket, data.order_id, state="withdrawn", **OVER)


def _done(ticket: Ticket, data: m.OrderDone, _at: datetime) -> dict[str, Any]:
    result = data.detail or data.result
    if data.role != "lead":
        return _order(ticket, data.order_id, state="done", done_at=data.done_at, result=result, **OVER)
    stage = {}
    if ticket.stage is not None and data.amount is not None:
        stage = {"stage": ticket.stage.model_copy(update={"actual": data.amount})}
    return stage | {
        **_order(ticket, data.order_id, state="done", done_at=data.done_at, result=result, **OVER),
        "result": result or ticket.result,
    }


def _stage_over(ticket: Ticket, data: m.StageCompleted, _at: datetime) -> dict[str, Any]:
    """End the order; the sum that is said before the last stage is what is planned."""
    result = data.detail or data.result
    ended = _order(ticket, data.order_id, state="done", done_at=data.done_at, result=result, **OVER)
    if ticket.stage is None:
        return ended
    sums = {} if data.amount is None else {"budget": data.amount} if data.budget is None else {"actual": data.amount}
    return ended | {"stage": ticket.stage.model_copy(update={"over": True} | sums)}


def _stage_failed(ticket: Ticket, data: m.StageFailed, _at: datetime) -> dict[str, Any]:
    ended = _order(ticket, data.order_id, state="failed", done_at=data.at, result=data.reason, **OVER)
    return ended if ticket.stage is None else ended | {"stage": ticket.stage.model_copy(update={"over": True})}


def _voted(ticket: Ticket, data: m.VoteCounted, _at: datetime) -> dict[str, Any]:
    votes = Votes.model_validate(data.model_dump())
    order, stage = ticket.orders.get(data.order_id), ticket.stage
    if order is None or stage is None:
        return {}
    at = data.stage.model_copy(update={"vote": "passed"}) if data.result == "passed" else data.stage
    changes = {"votes": votes, "at": at}
    return _order(ticket, data.order_id, stage=at) | {"stage": stage.model_copy(update=changes)}


def _reworked(ticket: Ticket, data: m.OrderReworked, _at: datetime) -> dict[str, Any]:
    order = ticket.orders.get(data.order_id)
    changes = {"state": "rework", "handle_by": data.handle_by, "attempt": data.attempt, "done_at": None}
    return _order(ticket, data.order_id, **changes, reworks=1 if order is None else order.reworks + 1)


def _revision_asked(ticket: Ticket, data: m.RevisionAsked, _at: datetime) -> dict[str, Any]:
    request = Request(
        revision=data.revision, until=data.until, reason=data.reason, unit=data.unit, decide_by=data.decide_by
    )
    return _order(ticket, data.order_id, request=request)


def _revision_decided(ticket: Ticket, data: m.RevisionDecided, _at: datetime) -> dict[str, Any]:
    return _order(ticket, data.order_id, request=None)


def _suspended(ticket: Ticket, data: m.OrderSuspended, _at: datetime) -> dict[str, Any]:
    order = ticket.orders.get(data.order_id)
    if order is None:
        return {}
    before = order.suspension
    suspension = Suspension(
        reason=data.reason,
        since=data.since,
        until=data.until,
        approved_by=data.approved_by,
        order_was=before.order_was if before else order.state,
        ticket_was=before.ticket_was if before else ticket.state,
    )
    return _order(ticket, data.order_id, state="suspended", suspension=suspension)


def _resumed(ticket: Ticket, data: m.OrderResumed, _at: datetime) -> dict[str, Any]:
    """Give back the states before; an order that is over by now stays so."""
    order = ticket.orders.get(data.order_id)
    if order is None or order.suspension is None or order.state != "suspended":
        return {}
    was = order.suspension
    changes = _order(ticket, data.order_id, state=was.order_was, suspension=None, handle_by=data.handle_by)
    if ticket.state == "suspended" and data.order_id == ticket.lead_order:
        changes["state"] = was.ticket_was
    return changes


def _extended(ticket: Ticket, data: m.OrderExtended, _at: datetime) -> dict[str, Any]:
    return _order(ticket, data.order_id, handle_by=data.handle_by, extensions=data.times)


def _clocks_started(ticket: Ticket, data: m.ClocksStarted, _at: datetime) -> dict[str, Any]:
    return {"clocks": clocks.started(ticket.clocks, data, ticket.profile_version)}


def _recalculated(ticket: Ticket, data: m.ClocksRecalculated, at: datetime) -> dict[str, Any]:
    """Move limits, and those of the orders with them; what dispatch has moved itself its own facts say."""
    changes: dict[str, Any] = {"clocks": clocks.recalculated(ticket.clocks, data, at)}
    if data.why not in {"resumed", "extended"}:
        orders = ticket.orders
        for move in data.clocks:
            field, order = ORDER_LIMITS.get(move.clock), orders.get(move.order_id or "")
            if field is not None and order is not None and move.order_id is not None:
                orders = {**orders, move.order_id: order.model_copy(update={field: move.new})}
        changes["orders"] = orders
    return changes


ORDER_LIMITS: Final = {
    "sign": "sign_by",
    "assist-sign": "sign_by",
    "handle": "handle_by",
    "assist-handle": "handle_by",
    "settlement": "handle_by",
}
"""Clock -> the limit of its order."""


def _policy(ticket: Ticket, data: m.PolicyApplied, _at: datetime) -> dict[str, Any]:
    return {"profile_version": data.policy, "clocks": clocks.pinned(ticket.clocks, data.policy)}


def _question(ticket: Ticket, data: m.InformationRequested, _at: datetime) -> dict[str, Any]:
    asked = Asked(question=data.question, by=data.by, since=data.since, until=data.until)
    return {"asked": asked, "questions": ticket.questions + 1}


def _wait_over(_ticket: Ticket, _data: m.InformationWaitEnded, _at: datetime) -> dict[str, Any]:
    return {"asked": None}


def _verification(_ticket: Ticket, data: m.VerificationAsked, _at: datetime) -> dict[str, Any]:
    return {"waits_at": data.unit}


def _verified(_ticket: Ticket, _data: m.TicketVerified, _at: datetime) -> dict[str, Any]:
    return {"waits_at": ""}


def _rework(ticket: Ticket, data: m.ReworkOrdered, _at: datetime) -> dict[str, Any]:
    return {"waits_at": "", "reworks": data.reworks, "reworked": ticket.reworked + 1}


def _call_back(_ticket: Ticket, data: m.CallBackAsked, _at: datetime) -> dict[str, Any]:
    return {"waits_at": data.unit, "calls": 0}


def _called_back(ticket: Ticket, data: m.CalledBack, _at: datetime) -> dict[str, Any]:
    """Take what the person said; who was not reached has rated nothing."""
    rating = data.rating if data.reached and data.rating is not None else ticket.rating
    return {"rating": rating, "calls": data.attempt or ticket.calls}


def _suggested(_ticket: Ticket, data: m.RoutingSuggested, _at: datetime) -> dict[str, Any]:
    return {"suggestion": Suggestion.model_validate(data.model_dump())}


def _closed(ticket: Ticket, data: m.TicketClosed, at: datetime) -> dict[str, Any]:
    return {
        "outcome": data.outcome,
        "result": data.result or ticket.result,
        "asked": None,
        "whistle": None,
        "closings": data.closings,
        "closed_at": at,
        "closed_by": data.by,
        "reopen_until": data.reopen_until,
        "waits_at": "",
    }


def _reopened(_ticket: Ticket, data: m.TicketReopened, _at: datetime) -> dict[str, Any]:
    """Open it again; how content the person was with what did not last counts no more."""
    over = {"outcome": "", "closed_at": None, "reopen_until": None, "rating": None}
    return over | {"reopenings": data.reopenings, "reworks": 0}


def _points(ticket: Ticket, data: m.PointsAwarded, at: datetime) -> dict[str, Any]:
    """Add a line, never before the ticket's last one, should a clock jump back: what is taken back comes after."""
    at = max([at, *(each.at for each in ticket.points[-1:])])
    line = PointsLine(rule=data.rule, account=data.account, points=data.points, at=at)
    return {"points": (*ticket.points, line)}


def _escalated(ticket: Ticket, data: m.TicketEscalated, at: datetime) -> dict[str, Any]:
    owner = Owner(level=data.to_level, unit=data.unit, since=at, cause=data.cause)
    return {"owners": (*ticket.owners, owner), "level": data.to_level}


def _accepted(ticket: Ticket, data: m.EscalationAccepted, _at: datetime) -> dict[str, Any]:
    return {
        "owners": tuple(
            owner.model_copy(update={"accepted_by": data.by})
            if owner.level == data.level and owner.cause == data.cause
            else owner
            for owner in ticket.owners
        )
    }


def _handed_back(ticket: Ticket, data: m.EscalationHandedBack, _at: datetime) -> dict[str, Any]:
    """Give the ticket back to the level below, unless the upper one has it for another cause too."""
    owners = tuple(
        owner.model_copy(update={"handed_back_by": data.by})
        if owner.level == data.level and owner.cause == data.cause
        else owner
        for owner in ticket.owners
    )
    stays = any(owner.level == ticket.level and not owner.handed_back_by for owner in owners)
    return {"owners": owners, "level": ticket.level if stays else data.to_level}


def _family(ticket: Ticket, **changes: Any) -> dict[str, Any]:
    return {"family": (ticket.family or Family()).model_copy(update=changes)}


def _children(ticket: Ticket, but: str) -> tuple[Relative, ...]:
    return tuple(child for child in (ticket.family or Family()).children if child.id != but)


def _adopted(ticket: Ticket, data: m.TicketAdopted, at: datetime) -> dict[str, Any]:
    child = Relative(id=data.child, relation=data.relation, since=at)
    return _family(ticket, children=(*_children(ticket, data.child), child))


def _released(ticket: Ticket, data: m.TicketReleased, _at: datetime) -> dict[str, Any]:
    return _family(ticket, children=_children(ticket, data.child))


def _family_asked(ticket: Ticket, data: m.FamilyAsked, _at: datetime) -> dict[str, Any]:
    return _family(ticket, asking=data.into, refusal=None)


def _family_refused(ticket: Ticket, data: m.FamilyRefused, _at: datetime) -> dict[str, Any]:
    return _family(ticket, asking="", refusal=Refusal(into=data.into, reason=data.reason, detail=data.detail))


def _merged(ticket: Ticket, data: m.TicketMerged, _at: datetime) -> dict[str, Any]:
    return _family(ticket, asking="", main=data.into, relation="duplicate", suspected=())


def _unmerged(ticket: Ticket, _data: m.TicketUnmerged, _at: datetime) -> dict[str, Any]:
    return _family(ticket, main="", relation="")


def _attached(ticket: Ticket, data: m.TicketAttached, _at: datetime) -> dict[str, Any]:
    return _family(ticket, asking="", main=data.parent, relation="child", was=ticket.state)


def _detached(ticket: Ticket, _data: m.TicketDetached, _at: datetime) -> dict[str, Any]:
    parted = _family(ticket, main="", relation="", was="")
    was = ticket.family.was if ticket.family else ""
    return parted | ({"state": was} if was and ticket.state == "attached" else {})


def _related(ticket: Ticket, data: m.TicketRelated, _at: datetime) -> dict[str, Any]:
    related = ticket.family.related if ticket.family else ()
    return _family(ticket, related=(*related, data.other))


def _family_told(_ticket: Ticket, data: m.FamilyTold, _at: datetime) -> dict[str, Any]:
    """A merged ticket's result is that of the one that stands for it."""
    return {"result": data.result} if data.relation == "duplicate" and data.result else {}


def _suspected(ticket: Ticket, data: m.DuplicateSuspected, _at: datetime) -> dict[str, Any]:
    known = ticket.family.suspected if ticket.family else ()
    return _family(ticket, suspected=(*known, Suspicion(of=data.of, score=data.score, metres=data.metres)))


def _project(ticket: Ticket, data: m.ProjectSuggested, _at: datetime) -> dict[str, Any]:
    return _family(ticket, project=Project.model_validate(data.model_dump()))


FOLDS: Final[dict[type[m.Body], Callable[[Ticket, Any, datetime], dict[str, Any]]]] = {
    m.TicketReported: _reported,
    m.MessageReceived: _message,
    m.TicketTriaged: _triaged,
    m.TriageNeeded: _triage_needed,
    m.TicketDiverted: _diverted,
    m.ItemAdded: _item,
    m.ItemSettled: _item,
    m.RoundJoined: _round,
    m.OrderIssued: _issued,
    m.OrderSigned: _signed,
    m.OrderProgressed: _progressed,
    m.WhistleRaised: _whistled,
    m.WhistleWidened: _widened,
    m.WhistleAnswered: _came,
    m.WhistleEnded: _whistle_over,
    m.OrderReturned: _returned,
    m.AdjudicationAsked: _adjudication,
    m.OrderWithdrawn: _withdrawn,
    m.OrderDone: _done,
    m.StageCompleted: _stage_over,
    m.StageFailed: _stage_failed,
    m.VoteCounted: _voted,
    m.OrderReworked: _reworked,
    m.RevisionAsked: _revision_asked,
    m.RevisionDecided: _revision_decided,
    m.OrderSuspended: _suspended,
    m.OrderResumed: _resumed,
    m.OrderExtended: _extended,
    m.TicketAmended: _amended,
    m.ClocksStarted: _clocks_started,
    m.ClocksRecalculated: _recalculated,
    m.PolicyApplied: _policy,
    m.InformationRequested: _question,
    m.InformationWaitEnded: _wait_over,
    m.VerificationAsked: _verification,
    m.TicketVerified: _verified,
    m.ReworkOrdered: _rework,
    m.CallBackAsked: _call_back,
    m.CalledBack: _called_back,
    m.RoutingSuggested: _suggested,
    m.TicketClosed: _closed,
    m.TicketReopened: _reopened,
    m.PointsAwarded: _points,
    m.FamilyAsked: _family_asked,
    m.FamilyRefused: _family_refused,
    m.TicketAdopted: _adopted,
    m.TicketReleased: _released,
    m.TicketMerged: _merged,
    m.TicketUnmerged: _unmerged,
    m.TicketAttached: _attached,
    m.TicketDetached: _detached,
    m.TicketRelated: _related,
    m.FamilyTold: _family_told,
    m.DuplicateSuspected: _suspected,
    m.ProjectSuggested: _project,
    m.TicketEscalated: _escalated,
    m.EscalationAccepted: _accepted,
    m.EscalationHandedBack: _handed_back,
}
"""What happened -> the fields of the view that it changes. CLOCK_FOLDS has what happened to the clocks; whatever
else is said stands in the timeline alone."""
