"""What do messages consist of? The small parts that several of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from shared.deadline import Limited

Channel = Literal["hotline", "app", "qr", "grid", "patrol", "visit", "web", "import", "open311"]
Severity = Literal["I", "II", "III", "IV"]
Role = Literal["lead", "assist", "whistle"]
Tier = Literal["settlement", "small", "lead"]
"""Who answers (分级响应): residents settle it themselves, the grid does, or whoever the matrix names."""
Moment = Literal["before", "after"]
FindingKind = Literal["missed", "doubled", "fired-though-met", "late", "early", "stray", "wrong-limit"]
Request = Literal["consultation", "help", "complaint", "tip-off", "suggestion"]
"""What somebody asks for (诉求类型): 咨询, 求助, 投诉, 举报, 建议."""


class Part(BaseModel):
    """A part of a message that gridcall wrote: unknown fields are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class Words(Part):
    """A sentence or a name in both languages."""

    zh: str
    en: str


class Attachment(Part):
    """A file by reference."""

    url: str = Field(max_length=2000)
    media_type: str = Field(max_length=100)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    moment: Moment | None = None
    """Of a photo: what it was like before the work, or after it."""


class Place(Part):
    """Where, as the person said it."""

    address: str | None = None
    grid: str | None = None
    qr: str | None = None
    road: str | None = None
    lon: float | None = None
    lat: float | None = None


class CallerRef(Part):
    """Who asked, without saying who: the reference leads to intake's own store."""

    ref: str
    masked_phone: str | None = None
    anonymous: bool = False
    callback: bool = False
    """The person wants to be called back before the ticket is closed."""


class CategoryRef(Part):
    """What it is: catalogue code and name, and the filing condition (立案条件) that sets the limit."""

    code: str
    name: str
    condition: str
    code_system: str = ""


class Location(Part):
    """Where, as the profile knows it: unit ids of each level, None where unknown."""

    address: str | None = None
    grid: str | None = None
    community: str | None = None
    street: str | None = None
    district: str | None = None
    road: str | None = None
    lon: float | None = None
    lat: float | None = None
    unit: str = ""
    """The lowest territorial unit that is known."""
    located_by: str = ""


class Handler(Part):
    """Who handles: a department with its own system, or a territorial unit with a work list."""

    kind: Literal["department", "unit"]
    id: str


class Mark(Part):
    """What an answer to a whistle was worth, 1 (of no use) to 5 (settled it)."""

    handler: Handler
    score: int = Field(ge=1, le=5)


class Span(Part):
    """A length of time in one of the profile's units (minutes, urgent_hours, work_days, ...)."""

    amount: float
    unit: str

    @classmethod
    def of(cls, limit: Limited) -> Span:
        """Give a limit of the profile as messages carry it."""
        return cls(amount=limit.amount, unit=limit.unit)


class Step(Part):
    """Somebody who may settle a matter before its lead is asked, and for how long; None: as long as the lead had."""

    tier: Tier
    handler: Handler
    limit: Span | None = None


class Ballot(Part):
    """How a stage is voted on (表决)."""

    threshold: str
    """Share of yes votes: `2/3` at least so many, `>1/2` more than so many. Who abstains has not said yes."""
    of: Literal["members", "voters"] = "members"
    """Of whom that is the share: all who may vote, or those who took part."""
    electorate: int | None = None
    """How many may vote; None: whoever counts says it."""
    quorum: str | None = None
    """Share of those who may vote that must take part for the vote to count at all."""


class Failure(Part):
    """What follows when a stage fails."""

    back: str = ""
    """The stage with which it goes on, at most `times`; then, or where this is empty, the ticket is closed."""
    times: int = 1
    outcome: Literal["diverted", "informed", "unsolved"] = "unsolved"
    to: str = ""
    """Whose matter it is then."""
    sentence: Words
    """What the person reads when it is closed."""


class Stage(Part):
    """One of the steps that a ticket goes through one after the other (分步)."""

    id: str
    name: Words
    handler: Handler | None = None
    """None: the lead."""
    limit: Span | None = None
    """None: as long as the lead had."""
    publicity: Span | None = None
    """Time that must have passed before it is over (公示)."""
    vote: Ballot | None = None
    evidence: tuple[Literal["photo-before", "photo-after", "place", "text"], ...] = ()
    money: Literal["budget", "actual"] | None = None
    """What sum must be said when it is over: what is planned, or what it has cost."""
    fails: Failure | None = None


class StageRef(Part):
    """Which stage it is, of how many, and what it waits for."""

    number: int
    of: int
    id: str
    name: Words
    not_before: AwareDatetime | None = None
    """When its publicity is over."""
    vote: Literal["", "needed", "passed"] = ""
    may_fail: bool = False
    """Whether the profile says what follows when it fails."""


class ClockStart(Part):
    """A clock that began to run."""

    clock: str
    """sign, handle, or ladder (the clock of a level that was added)."""
    token: str
    """Names this run of this clock; an old token changes nothing."""
    order_id: str | None = None
    level: str | None = None
    cause: str | None = None
    """For a ladder clock: the clock whose breach it follows."""
    started_at: AwareDatetime
    due_at: AwareDatetime
    warn_at: AwareDatetime | None = None
    warn_share: float = 0.0
    """Share of the counted time after which it warned, when there was but one warning; 0 for none."""
    warn_again: tuple[AwareDatetime, ...] = ()
    """Warnings after the first."""
    limit: Span
    calendar: str = "always@"
    """The working time in which the limit was counted, and which version of it."""
    provisional: bool = False
    """It depends on holidays that are not published yet."""


class ClockMove(Part):
    """A running clock whose limit has moved."""

    clock: str
    token: str
    order_id: str | None = None
    level: str | None = None
    old: AwareDatetime
    new: AwareDatetime
    limit: Span | None = None
    """The length of time, where that is another one now."""
    warn_at: AwareDatetime | None = None
    warn_again: tuple[AwareDatetime, ...] = ()
    calendar: str = "always@"
    provisional: bool = False


class ClockStop(Part):
    """A clock that ended: met in time, late (ended after its breach), or cancelled with its cause."""

    clock: str
    token: str
    order_id: str | None = None
    level: str | None = None
    cause: str | None = None
    outcome: Literal["met", "late", "cancelled"]
    late_in_fact: bool = False
    """Met by an extension, and later than the first limit."""
    paused_s: float = 0.0
    """Counted time in which it rested, in seconds."""


class TimerFinding(Part):
    """What an audit found wrong with a timer: which, how, and in plain words."""

    kind: FindingKind
    event: Literal["start", "limit", "warning", "breach", "escalation"]
    """What was missed, came twice, and so on."""
    clock: str
    order_id: str | None = None
    level: str | None = None
    timer: str
    """Names the very timer or step; two findings of one kind on it are one."""
    what: str
    at: AwareDatetime
