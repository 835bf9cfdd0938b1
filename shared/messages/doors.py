"""What crosses the doors? Reports and receipts for hotlines, orders and updates for departments."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from shared.messages.log import ReturnReason, Revision
from shared.messages.parts import (
    Attachment,
    CategoryRef,
    Channel,
    Handler,
    Location,
    Moment,
    Part,
    Place,
    Request,
    Role,
    Severity,
    StageRef,
)
from shared.messages.registry import Body, Kind

MAX_TEXT = 10_000
"""Longest free text that is taken from others, in characters."""
MAX_REPORT_TEXT = 100_000
"""Longest text that any profile may allow a report; `intake.max_text` of the profile is what holds."""
MAX_DEPTH = 5
"""Deepest nesting of a report's attributes."""
MAX_ITEMS = 500
"""Most values, keys included, in a report's attributes."""
MAX_ATTRIBUTES_TEXT = 20_000
"""Most characters in all keys and strings of a report's attributes together."""
MAX_INTEGER = 2**53
"""Largest whole number that every reader of JSON keeps as it is."""

LINK = r"^https?://[^\s]+$"
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d")


def _written_out(value: Any) -> datetime:
    """Refuse what pydantic would read as seconds since 1970: a sender that counts in milliseconds is 1000 times off."""
    if isinstance(value, datetime):
        return value
    try:
        if isinstance(value, str) and _RFC3339.match(value):
            return datetime.fromisoformat(value.upper())
    except ValueError:
        pass
    raise ValueError("write an RFC 3339 instant with an offset, for instance 2026-11-22T08:00:00+08:00")


Instant = Annotated[AwareDatetime, BeforeValidator(_written_out)]
"""An instant as others write it: RFC 3339 with an offset, nothing else."""


class Strict(BaseModel):
    """What others send: an unknown field is refused, so that a misspelt one is not lost silently."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _no_nul(cls, value: Any) -> Any:
        if isinstance(value, str) and "\0" in value:
            raise ValueError("holds a NUL character (U+0000): remove it")
        return value


class StrictPlace(Strict):
    """Where, as the person said it; at least one way of saying it helps."""

    address: str | None = Field(default=None, max_length=500)
    grid: str | None = Field(default=None, max_length=64)
    qr: str | None = Field(default=None, max_length=200)
    road: str | None = Field(default=None, max_length=100)
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)

    def place(self) -> Place:
        """Give the part that travels on the log."""
        return Place(**self.model_dump())


class StrictCaller(Strict):
    """Who asks; name and phone never leave intake."""

    name: str | None = Field(default=None, max_length=100)
    phone: str | None = Field(default=None, max_length=40)
    anonymous: bool = False
    callback: bool = False


def is_link(text: str) -> bool:
    """Tell whether a text is the address of something on the web."""
    try:
        return re.fullmatch(LINK, text) is not None and urlsplit(text).hostname is not None
    except ValueError:
        return False


def _link(url: str) -> str:
    if not is_link(url):
        raise ValueError("this names no host: give an address such as https://pictures.example/1.png")
    return url


class StrictAttachment(Strict):
    """A file by reference."""

    url: Annotated[str, Field(max_length=2000, pattern=LINK), AfterValidator(_link)]
    media_type: str = Field(max_length=100, pattern=r"^[\w.+-]+/[\w.+-]+$")
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    moment: Moment | None = None
    """Of a photo that proves what was done: `before` or `after` the work."""

    def attachment(self) -> Attachment:
        """Give the part that travels on the log."""
        return Attachment(**self.model_dump())


class ReportSubmitted(Strict, Body):
    """A report as a hotline, an app or a form hands it in; the HTTP body and the topic's value are the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    type: ClassVar[str] = "gridcall.report.submitted.v1"
    kind: ClassVar[Kind] = "report"
    producer: ClassVar[str] = "hotline"

    channel: Channel
    request: Request | None = None
    text: str = Field(default="", max_length=MAX_REPORT_TEXT)
    category: str | None = Field(default=None, max_length=64)
    condition: str | None = Field(default=None, max_length=64)
    occurred_at: Instant | None = None
    source_reference: str | None = Field(default=None, max_length=200)
    place: StrictPlace = StrictPlace()
    caller: StrictCaller = StrictCaller()
    attachments: tuple[StrictAttachment, ...] = Field(default=(), max_length=20)
    attributes: dict[str, Any] = Field(default_factory=dict, max_length=50)

    @field_validator("attributes")
    @classmethod
    def _modest(cls, value: dict[str, Any]) -> dict[str, Any]:
        if value:
            _measure(value)
        return value


def _measure(attributes: dict[str, Any]) -> None:
    """Refuse attributes that a reader of the log could choke on."""
    items, characters = 0, 0
    level: list[Any] = [attributes]
    for _ in range(MAX_DEPTH):
        texts = [key for part in level if isinstance(part, dict) for key in part]
        inside = [x for part in level for x in (part.values() if isinstance(part, dict) else part)]
        texts += [x for x in inside if isinstance(x, str)]
        items, characters = items + len(inside), characters + sum(map(len, texts))
        if items > MAX_ITEMS or characters > MAX_ATTRIBUTES_TEXT:
            raise ValueError(f"at most {MAX_ITEMS} values and {MAX_ATTRIBUTES_TEXT} characters: leave some out")
        if any("\0" in text for text in texts):
            raise ValueError("hold a NUL character (U+0000): remove it")
        if not all(abs(x) <= MAX_INTEGER for x in inside if isinstance(x, int)):
            raise ValueError(f"whole numbers up to {MAX_INTEGER} only: send a longer one as a string")
        if not all(math.isfinite(x) for x in inside if isinstance(x, float)):
            raise ValueError("NaN and infinity are not JSON: leave them out")
        level = [x for x in inside if isinstance(x, dict | list | tuple)]
        if not level:
            return
    raise ValueError(f"nested deeper than {MAX_DEPTH}: make them flatter")


class Receipt(Body):
    """What intake answers on `gridcall.receipts`; `causation` names the report's `ce_id`."""

    kind: ClassVar[Kind] = "receipt"
    producer: ClassVar[str] = "intake"


class ReportAccepted(Receipt):
    """Taken: from now on it is never lost."""

    type: ClassVar[str] = "gridcall.report.accepted.v1"

    report_id: str
    ticket_id: str


class ReportMerged(Receipt):
    """Taken, as one more voice on a ticket that exists."""

    type: ClassVar[str] = "gridcall.report.merged.v1"

    report_id: str = ""
    ticket_id: str


class ReportRefused(Receipt):
    """Not taken, and what to change."""

    type: ClassVar[str] = "gridcall.report.refused.v1"

    reason: str
    detail: str
    errors: tuple[dict[str, str], ...] = ()


class ReportDiverted(Receipt):
    """Taken and passed to whom it concerns."""

    type: ClassVar[str] = "gridcall.report.diverted.v1"

    report_id: str
    ticket_id: str = ""
    to: str
    detail: str


class ReportProgressed(Receipt):
    """Something happened that the person who asked may know."""

    type: ClassVar[str] = "gridcall.report.progressed.v1"

    report_id: str
    ticket_id: str
    state: str
    detail: str = ""


class ReportResolved(Receipt):
    """The handler says it is done."""

    type: ClassVar[str] = "gridcall.report.resolved.v1"

    report_id: str
    ticket_id: str
    result: str = ""


class ReportClosed(Receipt):
    """It is over."""

    type: ClassVar[str] = "gridcall.report.closed.v1"

    report_id: str
    ticket_id: str
    outcome: str
    result: str = ""


# ---------------------------------------------------------------- dispatch -> department


class OrderMessage(Body):
    """What a department gets on its own topic, in order per ticket."""

    kind: ClassVar[Kind] = "order"
    producer: ClassVar[str] = "dispatch"

    order_id: str


class DepartmentOrderIssued(OrderMessage):
    """An order to sign for and to handle."""

    type: ClassVar[str] = "gridcall.order.issued.v1"

    ticket_id: str
    role: Role
    level: str
    unit: str
    issued_at: AwareDatetime
    sign_by: AwareDatetime
    handle_by: AwareDatetime
    category: CategoryRef
    severity: Severity
    place: Location
    description: str
    attachments: tuple[Attachment, ...] = ()
    lead: Handler
    assists: tuple[Handler, ...] = ()
    returnable: bool
    attempt: int
    profile_version: str
    stage: StageRef | None = None
    """Of a ticket that goes through stages: the one that this order is for."""


class DepartmentOrderChanged(OrderMessage):
    """Something about the order is different from before."""

    type: ClassVar[str] = "gridcall.order.changed.v1"

    changes: dict[str, dict[str, Any]]
    reason: str


class DepartmentOrderReminded(OrderMessage):
    """A clock of the order is near its limit, past it, or the person urges."""

    type: ClassVar[str] = "gridcall.order.reminded.v1"

    clock: str
    due_at: AwareDatetime
    reminder: Literal["warning", "breach", "urged"] = Field(serialization_alias="kind", validation_alias="kind")


class DepartmentOrderEscalated(OrderMessage):
    """The next level up is an owner too."""

    type: ClassVar[str] = "gridcall.order.escalated.v1"

    from_level: str
    to_level: str
    cause: str


class DepartmentOrderReworked(OrderMessage):
    """It was not good enough: once more."""

    type: ClassVar[str] = "gridcall.order.reworked.v1"

    reason: str
    handle_by: AwareDatetime
    attempt: int


class DepartmentOrderWithdrawn(OrderMessage):
    """Nothing more to do."""

    type: ClassVar[str] = "gridcall.order.withdrawn.v1"

    reason: str


class DepartmentOrderClosed(OrderMessage):
    """The ticket is closed; or, as `stage-completed` or `stage-failed`, the stage that the order was for is over."""

    type: ClassVar[str] = "gridcall.order.closed.v1"

    outcome: str


class RevisionPending(Part):
    """A suspension (挂账) or an extension (延期) that was asked for and waits for its decision."""

    revision: Revision
    until: AwareDatetime
    decide_by: AwareDatetime


class DepartmentOrderSnapshot(DepartmentOrderIssued):
    """An order as it stands now, all of it, for a department that asked for its orders again."""

    type: ClassVar[str] = "gridcall.order.snapshot.v1"

    resync_id: str
    state: Literal["issued", "signed", "suspended", "done", "returned", "withdrawn", "closed"]
    """`done` waits for its verification and may come back; the last three ended after the snapshot had begun."""
    suspended_until: AwareDatetime | None = None
    """When the suspension ends by itself; `handle_by` is the limit that stood before it."""
    pending: RevisionPending | None = None


class ResyncStarted(Body):
    """A snapshot of a department's open orders begins."""

    type: ClassVar[str] = "gridcall.resync.started.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = "dispatch"

    resync_id: str
    update_id: str
    """The `ce_id` of the request."""
    orders: int
    """How many `gridcall.order.snapshot.v1` follow, amid whatever else happens."""
    since: AwareDatetime | None = None


class ResyncCompleted(Body):
    """All of a snapshot has been sent; what follows is the stream alone."""

    type: ClassVar[str] = "gridcall.resync.completed.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = "dispatch"

    resync_id: str
    update_id: str
    orders: int
    """As in the start."""
    held_up: int = 0
    """How many of them are still to come: their tickets are parked until gridcall's operators have repaired them."""


class ResyncRefused(Body):
    """No snapshot is made, and why."""

    type: ClassVar[str] = "gridcall.resync.refused.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = "dispatch"

    update_id: str
    reason: str
    detail: str


class UpdateAccepted(Body):
    """An update was carried out."""

    type: ClassVar[str] = "gridcall.update.accepted.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    update_id: str
    effects: tuple[str, ...] = ()
    """Wire types of the facts that it led to."""


class UpdateRefused(Body):
    """An update was not carried out, and why."""

    type: ClassVar[str] = "gridcall.update.refused.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = "dispatch"

    order_id: str
    update_id: str
    reason: str
    detail: str


# ---------------------------------------------------------------- department -> dispatch


class Update(Strict, Body):
    """What a department writes on its own topic."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    kind: ClassVar[Kind] = "update"
    producer: ClassVar[str] = "department"

    order_id: str = Field(max_length=64)


class UpdateSign(Update):
    """Sign for the order (签收)."""

    type: ClassVar[str] = "gridcall.order.sign.v1"

    by: str = Field(default="", max_length=100)
    note: str = Field(default="", max_length=MAX_TEXT)


class UpdateReturn(Update):
    """Not ours (退单)."""

    type: ClassVar[str] = "gridcall.order.return.v1"

    reason: ReturnReason
    detail: str = Field(default="", max_length=MAX_TEXT)
    proposed_department: str | None = Field(default=None, max_length=64)
    by: str = Field(default="", max_length=100)


class UpdateCheckIn(Update):
    """Somebody is on the spot (报到)."""

    type: ClassVar[str] = "gridcall.order.check-in.v1"

    at: Instant
    by: str = Field(max_length=100)
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)


class UpdateProgress(Update):
    """How it stands."""

    type: ClassVar[str] = "gridcall.order.progress.v1"

    note: str = Field(max_length=MAX_TEXT)
    contacted: bool = False
    """The caller was spoken with (联系诉求人)."""
    whistle_score: int | None = Field(default=None, ge=1, le=5)
    """For an order of the role whistle: 1 (called for nothing) to 5 (rightly called)."""
    attachments: tuple[StrictAttachment, ...] = Field(default=(), max_length=20)
    by: str = Field(default="", max_length=100)


class UpdateSuspend(Update):
    """It cannot go on for now (挂账)."""

    type: ClassVar[str] = "gridcall.order.suspend.v1"

    reason: str = Field(max_length=200)
    until: Instant | None = None
    detail: str = Field(default="", max_length=MAX_TEXT)
    by: str = Field(default="", max_length=100)


class UpdateResume(Update):
    """It goes on (解挂)."""

    type: ClassVar[str] = "gridcall.order.resume.v1"

    reason: str = Field(default="", max_length=200)
    until: Instant | None = None
    detail: str = Field(default="", max_length=MAX_TEXT)
    by: str = Field(default="", max_length=100)


class UpdateExtend(Update):
    """More time is asked for (延期)."""

    type: ClassVar[str] = "gridcall.order.extend.v1"

    until: Instant
    reason: str = Field(max_length=1000)
    by: str = Field(default="", max_length=100)


class UpdateDone(Update):
    """It is done (办结)."""

    type: ClassVar[str] = "gridcall.order.done.v1"

    result: str = Field(default="", max_length=200)
    detail: str = Field(default="", max_length=MAX_TEXT)
    evidence: tuple[StrictAttachment, ...] = Field(default=(), max_length=20)
    lon: float | None = Field(default=None, ge=-180, le=180, allow_inf_nan=False)
    lat: float | None = Field(default=None, ge=-90, le=90, allow_inf_nan=False)
    amount: int | None = Field(default=None, ge=0, le=MAX_INTEGER)
    """What is planned or what it has cost, in whole units of the city's money; some stages ask for it."""
    by: str = Field(default="", max_length=100)


class UpdateResync(Strict, Body):
    """Send all our open orders again: we have lost what we knew (重新同步)."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    type: ClassVar[str] = "gridcall.order.resync.v1"
    kind: ClassVar[Kind] = "update"
    producer: ClassVar[str] = "department"

    since: Instant | None = None
    """Only orders issued since; left out: all."""


# ---------------------------------------------------------------- dead letters


class RecordDeadLettered(Body):
    """A record that no service could read, with where it came from; the record itself follows as base64."""

    type: ClassVar[str] = "gridcall.record.dead-lettered.v1"
    kind: ClassVar[Kind] = "answer"
    producer: ClassVar[str] = ""

    service: str
    topic: str
    partition: int
    offset: int
    reason: str
    detail: str
    key: str | None = None
    headers: tuple[tuple[str, str | None], ...] = ()
    value: str | None = None
    masked: bool = False
    """The record held personal data that was taken out; the whole stays in the service's own store."""
