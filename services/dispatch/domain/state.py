"""What does dispatch know of a ticket? Its triage, its orders one after the other, and where it lies between them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, Self

from pydantic import AwareDatetime, Field

from services.dispatch.domain.evidence import after_hand, after_shown, kept
from shared.calendar import Pause
from shared.decider import Frozen, State
from shared.messages import (
    AssistExcused,
    CategoryRef,
    ClocksRecalculated,
    Handler,
    InformationRequested,
    InformationWaitEnded,
    ItemAdded,
    ItemOutcome,
    ItemSettled,
    OrderDone,
    OrderExtended,
    OrderIssued,
    OrderProgressed,
    OrderResumed,
    OrderReturned,
    OrderReworked,
    OrderSigned,
    OrderSuspended,
    OrderWithdrawn,
    Part,
    PolicyApplied,
    Revision,
    RevisionAsked,
    RevisionDecided,
    Role,
    RoundJoined,
    RoutingSuggested,
    Span,
    Stage,
    StageCompleted,
    StageFailed,
    TicketAmended,
    TicketAttached,
    TicketClosed,
    TicketDetached,
    TicketEscalated,
    TicketReopened,
    TicketTriaged,
    Tier,
    VoteCounted,
    WhistleAnswered,
    WhistleEnded,
    WhistleRaised,
    WhistleWidened,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from shared.messages import Body, ClockMove

ROUNDED: Final = timedelta(milliseconds=1)
"""What an instant loses on its way through the log."""
OrderState = Literal["issued", "signed", "suspended", "done", "returned", "withdrawn", "closed", "stage-over"]
OPEN: Final = frozenset({"issued", "signed", "suspended"})
"""Somebody has something to do; `done` waits for closure, the rest is over for good."""
SIGNING: Final = frozenset({"sign", "assist-sign"})
HANDLING: Final = frozenset({"handle", "assist-handle", "settlement"})
"""Names that sla gives the clocks of an order."""


class Rest(Part):
    """A time in which an order is suspended (挂账)."""

    since: AwareDatetime
    until: AwareDatetime
    """When it ends by itself."""
    over_at: AwareDatetime | None = None
    """When it ended; None while it lasts."""
    reason: str
    handle_by: AwareDatetime
    """The limit that stood before."""


class Extension(Part):
    """A limit that was moved (延期)."""

    old: AwareDatetime
    new: AwareDatetime


class Wait(Part):
    """A time in which the caller's answer was waited for (待补充)."""

    since: AwareDatetime
    until: AwareDatetime


class Run(Frozen):
    """One run of the handling clock, from the order or from a rework: all from which its limit follows."""

    started_at: AwareDatetime
    limit: Span
    calendar: str = "always"
    rests: tuple[Rest, ...] = ()
    extensions: tuple[Extension, ...] = ()
    waits: tuple[Wait, ...] = ()

    @property
    def pauses(self) -> tuple[Pause, ...]:
        """Give its rests as the calendar counts them."""
        return (
            *(Pause(rest.since, rest.over_at, rest.reason) for rest in self.rests),
            *(Pause(wait.since, wait.until, "caller") for wait in self.waits),
        )

    def resting(self, rest: Rest) -> Run:
        """Give it with one more rest."""
        return self.model_copy(update={"rests": (*self.rests, rest)})

    def resumed(self, at: datetime) -> Run:
        """Give it with the end of its last rest."""
        return self.model_copy(update={"rests": (*self.rests[:-1], self.rests[-1].model_copy(update={"over_at": at}))})

    def extended(self, old: datetime, new: datetime) -> Run:
        """Give it with one more extension."""
        return self.model_copy(update={"extensions": (*self.extensions, Extension(old=old, new=new))})


class Asked(Part):
    """A suspension or an extension that waits for its decision."""

    revision: Revision
    until: AwareDatetime
    reason: str
    detail: str = ""
    by: str = ""
    decide_by: AwareDatetime


def _plain_run(order: dict[str, Any]) -> Run:
    """Give the run of an order that was stored when limits ran on through nights and holidays and stood for ever."""
    minutes = (order["handle_by"] - order["issued_at"]).total_seconds() / 60
    return Run(started_at=order["issued_at"], limit=Span(amount=minutes, unit="minutes"))


class Order(Frozen):
    """One order; of those that are open at most one is the lead's."""

    id: str
    role: Role = "lead"
    tier: Tier = "lead"
    whistle: int | None = None
    handler: Handler
    state: OrderState = "issued"
    returnable: bool = True
    level: str = ""
    """The highest level that it was escalated to; empty: the one at which it was issued."""
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    closing: int = 0
    """Which closing of the ticket ended it; 0 when another thing did, or nothing yet."""
    run: Run = Field(default_factory=_plain_run)
    moved_at: AwareDatetime | None = None
    """When dispatch itself moved the limit last."""
    asked: Asked | None = None
    suspensions: int = 0
    extensions: int = 0
    """Granted ones, over all runs of the order."""
    claimed: bool = False
    """Somebody has said that it goes on: it may no longer be returned."""
    excused: bool = False
    """An assist whose lateness the level above has confirmed."""
    came_at: AwareDatetime | None = None
    """When somebody checked in (报到)."""
    whistle_score: int | None = None
    shown: tuple[str, ...] = ()
    """What was handed in that proves something: photo-before, photo-after, place."""
    hands: tuple[str, ...] = ()
    """Who has signed for it, said how it stands or that it is done."""
    takes_over: str = ""
    """The order whose handler leads until this one is signed (首接负责); empty from then on."""

    @property
    def clock(self) -> str:
        """Give the clock by which it must be done, as the profile names it."""
        return "assist-handle" if self.role == "assist" else "handle"


class Whistle(Frozen):
    """Departments that were called to the spot and have not all been let go."""

    number: int
    situation: str
    unit: str
    by: str
    where: str = ""
    called: tuple[Handler, ...]
    wave: int
    enough: int
    arrive_by: AwareDatetime
    calendar: str
    answered: bool = False
    """Enough have come."""
    exhausted: bool = False
    """Nobody is left to call; who was called may still come."""

    def widened(self, fact: WhistleWidened) -> Self:
        """Give it with those who were called later."""
        called = (*self.called, *fact.called)
        return self.model_copy(
            update={"wave": fact.wave, "called": called, "arrive_by": fact.arrive_by, "exhausted": not fact.called}
        )


class Misrouted(Part):
    """A choice of the matrix that came back as somebody else's matter, and what it was made of."""

    category: CategoryRef
    place: str
    rule: str
    chosen: Handler

    @classmethod
    def of(cls, triaged: TicketTriaged) -> Self:
        """Give the choice of a triage."""
        return cls(category=triaged.category, place=triaged.place.unit, rule=triaged.rule, chosen=triaged.lead)


class Course(Part):
    """How far a ticket with stages has come."""

    number: int = 1
    """The stage at hand."""
    begun: bool = False
    """Its first order was issued."""
    not_before: AwareDatetime | None = None
    """When its publicity is over."""
    passed: bool = False
    """It was voted on, and passed."""
    failed: dict[str, int] = Field(default_factory=dict)
    """Stage -> how often it has failed."""
    budget: int | None = None

    def at(self, number: int, **more: Any) -> Self:
        """Give it at another stage, or at the beginning of the same."""
        over: dict[str, Any] = {"begun": False, "not_before": None, "passed": False}
        return self.model_copy(update=over | {"number": number} | more)


def chosen_by_matrix(triaged: TicketTriaged, handler: Handler) -> bool:
    """Tell whether the matrix alone has chosen somebody to lead: nobody had a say, and nobody proposed it."""
    return triaged.by == "gridcall" and triaged.attempt == 1 and triaged.lead == handler


class DispatchState(State):
    """What dispatch knows of a ticket."""

    triaged: TicketTriaged | None = None
    orders: tuple[Order, ...] = ()
    attempt: int = 0
    """How often the ticket was given to somebody: new orders and reworks."""
    returns: int = 0
    lies_with: Literal["", "triage", "duty-officer"] = ""
    """Who must say who handles it, after a return."""
    adjudicated: bool = False
    """A duty officer was asked: no order of this ticket may be returned any more."""
    closed: bool = False
    held: bool = False
    """It is a part of another ticket, and has no order of its own."""
    asked_since: AwareDatetime | None = None
    """Since when the caller has been asked something, while there is no answer."""
    whistle: Whistle | None = None
    """The whistle that is not over."""
    whistles: int = 0
    items: dict[str, ItemOutcome] = Field(default_factory=dict)
    """What was said at a visit: tickets of their own, and what became of each."""
    round_closes: AwareDatetime | None = None
    """While it waits for a desk's round (集中派单): when that closes."""
    course: Course | None = None
    """Of a ticket with stages, once the first has begun."""
    misrouted: Misrouted | None = None
    """Whom the matrix chose and whose matter it was not, until somebody else has done it."""

    @property
    def last(self) -> Order | None:
        """Give the lead's order that was issued last; one that has yet to take over is not."""
        for order in reversed(self.orders):
            if order.role == "lead" and not order.takes_over:
                return order
        return None

    @property
    def open(self) -> Order | None:
        """Give the order for which the lead has something to do."""
        last = self.last
        return last if last is not None and last.state in OPEN else None

    @property
    def stage(self) -> Stage | None:
        """Give the stage at hand; None for a ticket without any."""
        stages = () if self.triaged is None else self.triaged.stages
        return stages[(self.course or Course()).number - 1] if stages else None

    @property
    def stopped(self) -> bool:
        """Tell whether a stage has failed for good: closure is to close the ticket."""
        last = self.last
        return last is not None and last.state == "stage-over"

    @property
    def running(self) -> tuple[Order, ...]:
        """Give all orders for which somebody has something to do."""
        return tuple([order for order in self.orders if order.state in OPEN])

    @property
    def successors(self) -> tuple[Order, ...]:
        """Give the order that takes the lead over when it is signed; there is one at most."""
        if len(self.orders) < 2:  # noqa: PLR2004 - the first takes over from nobody
            return ()
        return tuple(order for order in self.orders if order.takes_over and order.state in OPEN)

    @property
    def assists(self) -> tuple[Order, ...]:
        """Give the orders for which assists have something to do."""
        if len(self.orders) < 2:  # noqa: PLR2004 - the first is the lead's
            return ()
        return tuple(order for order in self.orders if order.role == "assist" and order.state in OPEN)

    def order(self, order_id: str) -> Order | None:
        """Give an order by its id, open or over."""
        for order in self.orders:
            if order.id == order_id:
                return order
        return None

    def known(self, order_id: str) -> Order:
        """Give an order of which dispatch itself has said something."""
        return next(order for order in self.orders if order.id == order_id)


def wake_at(state: DispatchState) -> datetime | None:
    """Give when the next thing happens by itself; None where nothing does."""
    earliest, whistle = state.round_closes, state.whistle
    if whistle is not None and not (whistle.answered or whistle.exhausted):
        earliest = whistle.arrive_by if earliest is None else min(earliest, whistle.arrive_by)
    for order in state.orders:
        at = order_due(state, order) if order.state in OPEN else None
        if at is not None and (earliest is None or at < earliest):
            earliest = at
    return earliest


def order_due(state: DispatchState, order: Order) -> datetime | None:
    """Give when a suspension ends by itself, a decision is waited for no longer, or the next one is asked."""
    if order.state == "suspended":
        return order.run.rests[-1].until
    if order.tier == "settlement":
        return order.handle_by
    return None if order.asked is None or state.asked_since is not None else order.asked.decide_by


def after(state: DispatchState, body: Body, at: datetime) -> DispatchState:
    """Give the state after a body that was said at an instant."""
    change = AFTER.get(type(body))
    return state if change is None else state.model_copy(update=change(state, body, at))


def after_triaged(state: DispatchState, fact: TicketTriaged, _at: datetime) -> dict[str, Any]:
    """Triage has decided: the ticket lies with nobody else; other stages begin with the first."""
    decided: dict[str, Any] = {"triaged": fact, "lies_with": ""}
    if state.course is None or state.triaged is None:
        return decided
    before, now = ([stage.id for stage in each.stages] for each in (state.triaged, fact))
    return decided if before == now else decided | {"course": None}


def after_closed(state: DispatchState, fact: TicketClosed, _at: datetime) -> dict[str, Any]:
    """End all orders, unless something else has ended them; what an assist has done stays done."""
    over: dict[str, Any] = {"closed": True}
    if state.asked_since is not None or state.whistle is not None or state.round_closes is not None:
        over |= {"asked_since": None, "whistle": None, "round_closes": None}
    last = state.last
    orders = tuple(
        [
            order.model_copy(update={"state": "closed", "closing": fact.closings})
            if order.state in OPEN or (order is last and order.state == "done")
            else order
            for order in state.orders
        ]
    )
    return over | {"orders": orders}


def after_issued(state: DispatchState, fact: OrderIssued, _at: datetime) -> dict[str, Any]:
    """Add the order."""
    order = Order(
        id=fact.order_id,
        role=fact.role,
        tier=fact.tier,
        whistle=fact.whistle,
        handler=fact.handler,
        returnable=fact.returnable,
        takes_over=fact.takes_over,
        issued_at=fact.issued_at,
        sign_by=fact.sign_by,
        handle_by=fact.handle_by,
        run=Run(started_at=fact.issued_at, limit=fact.handle_limit, calendar=fact.calendar),
    )
    changes: dict[str, Any] = {"attempt": fact.attempt, "lies_with": ""} if fact.role == "lead" else {}
    if changes and state.round_closes is not None:
        changes["round_closes"] = None
    if fact.stage is not None:
        course = state.course or Course()
        changes["course"] = course.model_copy(update={"begun": True, "not_before": fact.stage.not_before})
    return {"orders": (*state.orders, order)} | changes


def after_signed(state: DispatchState, fact: OrderSigned, _at: datetime) -> dict[str, Any]:
    """Remember who has it; what it takes over is over."""
    order = state.known(fact.order_id)
    return changed(state, order.id, state="signed", takes_over="", **after_hand(order, fact.by))


def after_done(state: DispatchState, fact: OrderDone, _at: datetime) -> dict[str, Any]:
    """Remember that its handler has finished, and what was shown with it."""
    order = state.known(fact.order_id)
    return changed(state, order.id, state="done", **after_shown(order, fact))


def after_stage(state: DispatchState, fact: StageCompleted, _at: datetime) -> dict[str, Any]:
    """Remember what was shown and planned, and go on with the next stage; its order may be returned again."""
    order, course = state.known(fact.order_id), state.course or Course()
    over = changed(state, order.id, state="stage-over", **after_shown(order, fact))
    stage = state.stage
    budget = fact.amount if stage is not None and stage.money == "budget" else course.budget
    return over | {"course": course.at(fact.stage.number + 1, budget=budget), "returns": 0, "adjudicated": False}


def after_failed(state: DispatchState, fact: StageFailed, _at: datetime) -> dict[str, Any]:
    """Go on with an earlier stage; what has failed for good begins anew should the ticket be reopened."""
    course = state.course or Course()
    number = fact.stage.number if fact.back_to is None else fact.back_to
    times = {**course.failed, fact.stage.id: fact.times}
    over = changed(state, fact.order_id, state="stage-over")
    return over | {"course": course.at(number, failed=times), "returns": 0, "adjudicated": False}


def after_vote(state: DispatchState, fact: VoteCounted, _at: datetime) -> dict[str, Any]:
    """Remember that it was passed."""
    passed = fact.result == "passed"
    return {"course": (state.course or Course()).model_copy(update={"passed": passed})}


def after_returned(state: DispatchState, fact: OrderReturned, _at: datetime) -> dict[str, Any]:
    """End the order and say with whom the ticket lies."""
    ended = changed(state, fact.order_id, state="returned")
    triaged = state.triaged
    plain = triaged is not None and not triaged.stages  # who has a stage was not chosen by the matrix
    if fact.reason == "not-ours" and plain and triaged is not None and chosen_by_matrix(triaged, fact.handler):
        ended |= {"misrouted": Misrouted.of(triaged)}
    if fact.goes_to in {"lead", "next"}:
        return ended
    return ended | {
        "returns": fact.returns,
        "lies_with": fact.goes_to,
        "adjudicated": state.adjudicated or fact.goes_to == "duty-officer",
    }


def after_reworked(state: DispatchState, fact: OrderReworked, at: datetime) -> dict[str, Any]:
    """Open the order again with a run of its own; it need not be signed for again."""
    run = Run(started_at=at, limit=fact.handle_limit, calendar=fact.calendar)
    shown = kept(state.known(fact.order_id))
    again = changed(state, fact.order_id, state="signed", handle_by=fact.handle_by, run=run, shown=shown)
    return {"attempt": fact.attempt} | again


def after_asked(state: DispatchState, fact: RevisionAsked, _at: datetime) -> dict[str, Any]:
    """Keep what was asked for until it is decided."""
    asked = Asked(
        revision=fact.revision,
        until=fact.until,
        reason=fact.reason,
        detail=fact.detail,
        by=fact.by,
        decide_by=fact.decide_by,
    )
    return changed(state, fact.order_id, asked=asked)


def after_suspended(state: DispatchState, fact: OrderSuspended, _at: datetime) -> dict[str, Any]:
    """Let it rest; the limit that stood stays on record."""
    order = state.known(fact.order_id)
    rest = Rest(since=fact.since, until=fact.until, reason=fact.reason, handle_by=order.handle_by)
    run = order.run.resting(rest)
    return changed(state, order.id, state="suspended", run=run, suspensions=order.suspensions + 1)


def after_resumed(state: DispatchState, fact: OrderResumed, _at: datetime) -> dict[str, Any]:
    """Let it go on, unless its ticket was closed."""
    order = state.known(fact.order_id)
    now = "signed" if order.state == "suspended" else order.state
    run = order.run.resumed(fact.resumed_at)
    return changed(state, order.id, state=now, run=run, handle_by=fact.handle_by, moved_at=fact.resumed_at)


def after_extended(state: DispatchState, fact: OrderExtended, at: datetime) -> dict[str, Any]:
    """Move the limit; both stay on record."""
    run = state.known(fact.order_id).run.extended(fact.old, fact.handle_by)
    return changed(state, fact.order_id, run=run, handle_by=fact.handle_by, extensions=fact.times, moved_at=at)


def after_recalculated(state: DispatchState, fact: ClocksRecalculated, _at: datetime) -> dict[str, Any]:
    """Take over limits that sla has counted again; what dispatch moved itself it knows.

    But where the caller was waited for: dispatch may have heard of that only after it had moved the limit.
    """
    orders = {order.id: recalculated(order, fact) for order in state.running}
    whistle = state.whistle
    arrive = None if whistle is None else next((move for move in fact.clocks if move.clock == "arrive"), None)
    changes: dict[str, Any] = {}
    if whistle is not None and arrive is not None:
        changes["whistle"] = whistle.model_copy(update={"arrive_by": arrive.new})
        for order in orders.values():
            if order.whistle == whistle.number and order.sign_by == whistle.arrive_by:
                orders[order.id] = order.model_copy(update={"sign_by": arrive.new})
    return changes | {"orders": tuple(orders.get(order.id, order) for order in state.orders)}


def recalculated(order: Order, fact: ClocksRecalculated) -> Order:
    """Give an order with its limits as sla has counted them."""
    if fact.why in {"resumed", "extended"} and not latest_move(order, fact):
        return order
    changes: dict[str, Any] = {}
    for move in fact.clocks:
        if move.order_id == order.id and move.clock in SIGNING:
            changes["sign_by"] = move.new
        elif move.order_id == order.id and move.clock in HANDLING:
            changes["handle_by"] = move.new
            if order.asked is not None and fact.why == "answered":
                changes["asked"] = after_answer(order.asked, move)
            run = {"limit": move.limit or order.run.limit, "calendar": move.calendar.partition("@")[0]}
            changes["run"] = order.run.model_copy(update=run)
    return order.model_copy(update=changes) if changes else order


def after_answer(asked: Asked, move: ClockMove) -> Asked:
    """Give a request that waits, now that its limit has moved: for as much more time, and decided by that limit."""
    more = move.new - move.old if asked.revision == "extend" else timedelta(0)
    return asked.model_copy(update={"decide_by": move.new, "until": asked.until + more})


def latest_move(order: Order, fact: ClocksRecalculated) -> bool:
    """Tell whether sla answers the last move that dispatch made, on an order that has waited for the caller."""
    return bool(order.run.waits) and order.moved_at is not None and fact.at + ROUNDED >= order.moved_at


def after_wait(state: DispatchState, fact: InformationWaitEnded, _at: datetime) -> dict[str, Any]:
    """Remember that the handling did not run while the caller was asked; sla says what limit follows."""
    waited = Wait(since=fact.since, until=fact.at)
    orders = {order.id: after_waiting(order, waited) for order in state.running if fact.at > order.run.started_at}
    return {"asked_since": None, "orders": tuple(orders.get(order.id, order) for order in state.orders)}


def after_waiting(order: Order, wait: Wait) -> Order:
    """Give an order whose handling did not run meanwhile."""
    asked = order.asked
    if asked is not None:  # until sla says what the limit is
        asked = asked.model_copy(update={"decide_by": asked.decide_by + (wait.until - wait.since)})
    run = order.run.model_copy(update={"waits": (*order.run.waits, wait)})
    return order.model_copy(update={"run": run, "asked": asked})


def after_escalated(state: DispatchState, fact: TicketEscalated, _at: datetime) -> dict[str, Any]:
    """Remember which level owns the order too that is late; the lead's where the whole ticket is."""
    order = escalated(state, fact)
    return {} if order is None else changed(state, order.id, level=fact.to_level)


def escalated(state: DispatchState, fact: TicketEscalated) -> Order | None:
    """Give the open order of which it is told that the next level up is an owner too."""
    order = state.open if fact.order_id is None else state.order(fact.order_id)
    return order if order is not None and order.state in OPEN else None


def after_amended(state: DispatchState, fact: TicketAmended, _at: datetime) -> dict[str, Any]:
    """Take over what was corrected; orders to come have the limits that follow from it."""
    if state.triaged is None:
        return {}
    names = ("category", "severity", "place", "level", "unit", "sign_limit", "handle_limit")
    corrected = {"triaged": state.triaged.model_copy(update={name: getattr(fact, name) for name in names})}
    if state.misrouted is None or (fact.category, fact.place) == (fact.old_category, fact.old_place):
        return corrected
    return corrected | {"misrouted": None}  # the matrix was asked about something else


def after_policy(state: DispatchState, fact: PolicyApplied, _at: datetime) -> dict[str, Any]:
    """Be pinned to another version of the profile."""
    if state.triaged is None:
        return {}
    changes: dict[str, Any] = {"profile_version": fact.policy}
    if fact.sign_limit is not None:
        changes["sign_limit"] = fact.sign_limit
    if fact.handle_limit is not None:
        changes["handle_limit"] = fact.handle_limit
    return {"triaged": state.triaged.model_copy(update=changes)}


def after_progressed(state: DispatchState, fact: OrderProgressed, at: datetime) -> dict[str, Any]:
    """Remember that it goes on, that somebody has come, and what they think of the whistle.

    Nobody comes before they were called, or later than they have said so.
    """
    order = state.known(fact.order_id)
    came = order.came_at
    if came is None and fact.progress == "check-in":
        came = min(max(fact.at or at, order.issued_at), at)
    score = order.whistle_score if fact.whistle_score is None else fact.whistle_score
    return changed(state, order.id, claimed=True, came_at=came, whistle_score=score, **after_shown(order, fact))


def after_whistle(_state: DispatchState, fact: WhistleRaised, _at: datetime) -> dict[str, Any]:
    """Remember who was called."""
    whistle = Whistle(
        number=fact.whistle,
        situation=fact.situation,
        unit=fact.unit,
        by=fact.by,
        where=fact.where,
        called=fact.called,
        wave=fact.wave,
        enough=fact.enough,
        arrive_by=fact.arrive_by,
        calendar=fact.calendar,
    )
    return {"whistle": whistle, "whistles": fact.whistle}


def after_widened(state: DispatchState, fact: WhistleWidened, _at: datetime) -> dict[str, Any]:
    """Remember who was called later."""
    return {} if state.whistle is None else {"whistle": state.whistle.widened(fact)}


def after_answered(state: DispatchState, _fact: WhistleAnswered, _at: datetime) -> dict[str, Any]:
    """Remember that enough have come."""
    return {} if state.whistle is None else {"whistle": state.whistle.model_copy(update={"answered": True})}


def changed(before: DispatchState, order_id: str, /, **changes: Any) -> dict[str, Any]:
    """Give what is different when something of one order is."""
    orders = before.orders
    return {"orders": tuple([each.model_copy(update=changes) if each.id == order_id else each for each in orders])}


AFTER: Final[dict[type[Any], Callable[[DispatchState, Any, datetime], dict[str, Any]]]] = {
    TicketTriaged: after_triaged,
    TicketClosed: after_closed,
    TicketReopened: lambda _state, _fact, _at: {"closed": False},
    TicketAttached: lambda _state, _fact, _at: {"held": True, "whistle": None, "round_closes": None},
    TicketDetached: lambda _state, _fact, _at: {"held": False},
    OrderIssued: after_issued,
    OrderSigned: after_signed,
    OrderProgressed: after_progressed,
    OrderReturned: after_returned,
    OrderWithdrawn: lambda state, fact, _at: changed(state, fact.order_id, state="withdrawn"),
    OrderDone: after_done,
    StageCompleted: after_stage,
    StageFailed: after_failed,
    VoteCounted: after_vote,
    AssistExcused: lambda state, fact, _at: changed(state, fact.order_id, excused=True),
    RoutingSuggested: lambda _state, _fact, _at: {"misrouted": None},
    ItemAdded: lambda state, fact, _at: {"items": {**state.items, fact.item: fact.outcome}},
    ItemSettled: lambda state, fact, _at: {"items": {**state.items, fact.item: fact.outcome}},
    RoundJoined: lambda _state, fact, _at: {"round_closes": fact.closes_at},
    WhistleRaised: after_whistle,
    WhistleWidened: after_widened,
    WhistleAnswered: after_answered,
    WhistleEnded: lambda _state, _fact, _at: {"whistle": None},
    OrderReworked: after_reworked,
    ClocksRecalculated: after_recalculated,
    InformationRequested: lambda _state, fact, _at: {"asked_since": fact.since},
    InformationWaitEnded: after_wait,
    PolicyApplied: after_policy,
    TicketAmended: after_amended,
    TicketEscalated: after_escalated,
    RevisionAsked: after_asked,
    RevisionDecided: lambda state, fact, _at: changed(state, fact.order_id, asked=None),
    OrderSuspended: after_suspended,
    OrderResumed: after_resumed,
    OrderExtended: after_extended,
}
"""What each fact changes. Commands change nothing, since they may be refused."""
