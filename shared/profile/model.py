"""What may a city's profile say?

These are the shapes of the file, section by section. What one section says about another
(a unit that is its own grandparent, a department that nobody has named) is `check.py`.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from shared.calendar import CalendarRules
from shared.profile.limit import Limit
from shared.profile.polygon import Area

if TYPE_CHECKING:
    from shared.profile.policy import Matter

Severity = Literal["I", "II", "III", "IV"]
"""What happened: I is the gravest. Who owns it now is a level, a separate axis."""
SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
Channel = Literal["hotline", "app", "qr", "grid", "patrol", "visit", "web", "import", "open311"]
"""How a report came in."""
Request = Literal["consultation", "help", "complaint", "tip-off", "suggestion"]
"""What somebody asks for (诉求类型): 咨询, 求助, 投诉, 举报, 建议."""
PlaceName = Literal["grid", "community", "street", "district"]
PLACE_NAMES: Final[tuple[PlaceName, ...]] = get_args(PlaceName)

Short = Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=400)]
Code = Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]+$", max_length=60)]
Pattern = Annotated[str, Field(pattern=r"^(\*|[0-9A-Za-z._-]+\*?)$")]
"""A code, the beginning of codes (`01*`), or all (`*`)."""

T = TypeVar("T")


def _for_each_severity(value: dict[Severity, T]) -> dict[Severity, T]:
    missing = [name for name in SEVERITIES if name not in value]
    if missing:
        message = f"severity {', '.join(missing)} is missing: add a value for it"
        raise ValueError(message)
    return value


def _known_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (OSError, ValueError) as error:  # ZoneInfoNotFoundError is a KeyError
        message = f"'{value}' is not a time zone: write one such as Asia/Shanghai"
        raise ValueError(message) from error
    except KeyError as error:
        message = f"unknown time zone '{value}': write one such as Asia/Shanghai"
        raise ValueError(message) from error
    return value


LimitBySeverity = Annotated[dict[Severity, Limit], AfterValidator(_for_each_severity)]


class Part(BaseModel):
    """A piece of the file: never changed once read, and no field that nobody knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """One text in Chinese and in English."""

    zh: Text
    en: Text


class Named(Words):
    """Something with an identifier and a name in both languages."""

    id: Code


class Level(Named):
    """One level of the territory; `place` says which part of a location it is."""

    place: PlaceName | None = None

    @model_validator(mode="before")
    @classmethod
    def _place_from_id(cls, value: object) -> object:
        if isinstance(value, dict) and value.get("id") in PLACE_NAMES:
            return {"place": value["id"], **value}
        return value


class Absence(Part):
    """Days on which somebody is not there, both included."""

    begin: date = Field(alias="from")
    end: date = Field(alias="to")

    @model_validator(mode="after")
    def _in_order(self) -> Absence:
        if self.end < self.begin:
            message = "an absence ends before it begins: exchange its days"
            raise ValueError(message)
        return self


class Staff(Part):
    """Somebody who can be given a ticket."""

    id: Code
    name: Text
    role: Text
    away: tuple[Absence, ...] = ()


class Unit(Named):
    """One unit of the territory: a grid, a community, a street, the district."""

    level: Code
    parent: Code | None = None
    staff: tuple[Staff, ...] = ()
    words: tuple[Text, ...] = ()
    """What an address says when it means this unit."""
    codes: tuple[Code, ...] = ()
    """Other codes of the unit, such as a postal code."""
    qr: tuple[Text, ...] = ()
    area: Area | None = None


class Department(Named):
    """A body that gets orders on a topic of its own."""

    id: Short
    topic: Short
    staff: tuple[Staff, ...] = ()
    codes: tuple[Code, ...] = ()
    aliases: tuple[Text, ...] = ()
    calendar: Short | None = None
    """Its own working time, where it has one."""


class Road(Named):
    """A linear duty area that lies across grids, with a chief on each of some levels."""

    words: tuple[Text, ...] = ()
    grids: tuple[Code, ...] = Field(min_length=1)
    chiefs: dict[Code, Staff] = Field(min_length=1)


class Major(Words):
    """A class of categories."""

    code: Code


class Condition(Named):
    """One filing condition of a category. The limit belongs here, not to the category."""

    limit: Limit
    severity: Severity = "IV"
    closing: Text | None = None
    """What must be true before a ticket may be closed."""


class Category(Words):
    """One class of matters. The code has a meaning only together with its code system."""

    code: Code
    code_system: Literal["GBT30428.2", "CJT214", "HOTLINE", "LOCAL"] = "GBT30428.2"
    major: Code
    kind: Literal["component", "event", "appeal"] = "event"
    aliases: tuple[Text, ...] = ()
    calendar: Short | None = None
    """On what working time its limits are counted, whoever handles it: `always` for water, gas, power and heat."""
    conditions: tuple[Condition, ...] = Field(min_length=1)

    def condition(self, condition_id: str | None = None) -> Condition | None:
        """The condition of this id; without an id the only one, or None where there are several."""
        if condition_id is None:
            return self.conditions[0] if len(self.conditions) == 1 else None
        return next((each for each in self.conditions if each.id == condition_id), None)


class Target(Part):
    """Who is meant: a department, the unit of a level at the place, or one unit."""

    department: Short | None = None
    level: Code | None = None
    unit: Code | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"department": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Target:
        if sum(name is not None for name in (self.department, self.level, self.unit)) != 1:
            message = "name one handler: a department, `{level: ...}` or `{unit: ...}`"
            raise ValueError(message)
        return self


class RoutingRow(Part):
    """One row of the matrix; a field that is left out matches everything."""

    category: Pattern = "*"
    condition: Code | None = None
    place: Code | None = None
    """A unit; the row holds there and in everything below it."""
    ownership: Code | None = None
    lead: Target
    assists: tuple[Target, ...] = ()
    level: Code | None = None
    """Where the territorial owner starts, when not where `start` says."""


class Routing(Part):
    """The matrix, and what holds where no row does."""

    fallback: Code
    """The level whose unit leads when no row matches."""
    start: Annotated[dict[Severity, Code], AfterValidator(_for_each_severity)]
    rows: tuple[RoutingRow, ...] = ()


Attribute = bool | int | str


class DiversionRule(Part):
    """When a report is not for the loop: any category, word or attribute of these."""

    kind: Literal["emergency", "legal-route", "not-ours"]
    to: Text
    sentence: Words
    categories: tuple[Pattern, ...] = ()
    conditions: tuple[Code, ...] = ()
    """Narrows `categories` to these filing conditions."""
    words: tuple[Text, ...] = ()
    unless: tuple[Text, ...] = ()
    """A text with one of these is not diverted for its words."""
    attributes: dict[str, Attribute] = Field(default_factory=dict)


class SeverityRule(Part):
    """What makes a matter graver than its condition says."""

    at_least: Severity
    attributes: dict[str, Attribute] = Field(default_factory=dict)
    words: tuple[Text, ...] = ()


ClockName = Literal["accept", "dispatch", "sign", "contact", "handle", "verify", "call-back", "total"]
PauseReason = Literal["suspended", "caller"]
"""What may let a clock rest: the order is suspended (挂账), or somebody waits for the caller's answer (待补充)."""
WarningRule = Annotated[float, Field(gt=0, lt=1)] | Limit
"""A share of the limit, or how long before its end."""


class LimitRow(Part):
    """A limit that differs from the usual one; a field that is left out fits everything."""

    clock: ClockName
    category: Pattern = "*"
    condition: Code | None = None
    severities: tuple[Severity, ...] = ()
    channels: tuple[Channel, ...] = ()
    requests: tuple[Request, ...] = ()
    limit: Limit

    def fits(self, matter: Matter) -> bool:
        """Whether the row holds for a matter; what is not known fits only a row that does not ask."""
        return (
            (self.category == "*" or (matter.category is not None and matches(self.category, matter.category)))
            and self.condition in {None, matter.condition}
            and (not self.severities or matter.severity in self.severities)
            and (not self.channels or matter.channel in self.channels)
            and (not self.requests or matter.request in self.requests)
        )


def _usual_pauses() -> dict[ClockName, tuple[PauseReason, ...]]:
    return {"accept": ("caller",), "contact": ("suspended",), "handle": ("suspended", "caller")}


class Clocks(Part):
    """How long each step may take, when it warns, what lets it rest, and in whose working time it is counted.

    Handling has its limit with the filing condition, verification and call-back have theirs under `closing`; rows
    of `limits` stand before all of these.
    """

    accept: Limit | None = None
    """Until a person has triaged what the rules could not; left out: no clock."""
    dispatch: Limit | None = None
    """Until a duty officer has said who handles what was returned; left out: no clock."""
    contact: Limit | None = None
    """From an order until its handler has spoken with the caller; left out: no clock."""
    total: LimitBySeverity | None = None
    """From the report to the closing, whatever rests meanwhile; left out: no clock."""
    sign: LimitBySeverity
    limits: tuple[LimitRow, ...] = ()
    """By category, condition, severity, channel or kind of request; the first row that fits holds."""
    warn_share: float = Field(default=0.8, gt=0, lt=1)
    """When a clock warns that `warnings` does not name."""
    warnings: dict[ClockName, tuple[WarningRule, ...]] = Field(default_factory=dict)
    pauses: dict[ClockName, tuple[PauseReason, ...]] = Field(default_factory=_usual_pauses)
    calendar: Short = "always"
    """Where neither the category nor the department says otherwise."""


LadderClock = ClockName | Literal["severity"]


class LadderRow(Part):
    """What is different on the ladder for some clocks and severities; a field that is left out fits all."""

    clocks: tuple[LadderClock, ...] = ()
    severities: tuple[Severity, ...] = ()
    levels: tuple[Code, ...] | None = None
    """Which levels are added, the lowest first; none means that the clock only warns."""
    steps: dict[Code, Limit] = Field(default_factory=dict)
    """How long a level has."""

    def fits(self, clock: str, severity: Severity | None) -> bool:
        """Whether the row holds for a breach of this clock."""
        return (not self.clocks or clock in self.clocks) and (not self.severities or severity in self.severities)


def _usual_notices() -> tuple[Words, ...]:
    return (
        Words(zh="督办", en="supervision notice"),
        Words(zh="重点督办", en="priority supervision notice"),
        Words(zh="挂牌督办", en="public supervision notice"),
    )


class LadderRules(Part):
    """Which levels a breach adds, how long each has once it was added, who is told, how often the top is called."""

    steps: dict[Code, LimitBySeverity]
    repeat: LimitBySeverity
    top: Code | None = None
    """The last level of the ladder; the highest level when left out."""
    climbs: dict[ClockName, tuple[Code, ...]] = Field(default_factory=dict)
    """Levels that a clock's breach adds, where these are not all: none means that it only warns."""
    rows: tuple[LadderRow, ...] = ()
    """What is different for some clocks and severities; the first row that fits holds, and stands before `climbs`."""
    tell: dict[Code, tuple[Text, ...]] = Field(default_factory=dict)
    """Roles of a level's staff that are told when it is added; everybody there when left out."""
    notices: tuple[Words, ...] = Field(default_factory=_usual_notices, min_length=1)
    """What the top is sent again and again, heavier each time; the last one repeats."""
    at_once: tuple[Severity, ...] = ()
    """Severities with which a ticket is the top's from the first order on, with an alarm."""


Verification = Literal["automatic", "person"]


class Closing(Part):
    """How it is found out that a matter is over."""

    verify: Annotated[dict[Severity, Verification], AfterValidator(_for_each_severity)]
    verify_by_person: tuple[Pattern, ...] = ()
    """Categories that a person verifies whatever their severity."""
    verify_within: Limit
    call_back: bool = True
    """Whether those who asked for a call get one before the ticket is closed."""
    call_back_within: Limit
    reopen_within: Limit
    max_reworks: int = Field(ge=0, le=20)

    def verification(self, category: Category | str, severity: Severity) -> Verification:
        """Whether a person or the record of the work itself verifies what was done."""
        code = category if isinstance(category, str) else category.code
        if any(matches(pattern, code) for pattern in self.verify_by_person):
            return "person"
        return self.verify[severity]


class Returns(Part):
    """What happens to an order that comes back."""

    to_triage: int = Field(default=1, ge=0, le=20)
    """How often it is triaged again before a duty officer decides."""
    duty_level: Code


def _limit(written: str) -> Limit:
    return Limit.model_validate(written)


class Extensions(Part):
    """How often and how far a handling limit may be moved (延期)."""

    most: int = Field(default=2, ge=0, le=20)
    """Granted ones per order; what was refused does not count."""
    longest: Limit = _limit("15 work_days")
    """Longest that one extension may add to the limit that stands."""


class Suspensions(Part):
    """How often, how long and why an order may rest (挂账)."""

    most: int = Field(default=1, ge=0, le=20)
    longest: Limit = _limit("365 natural_days")
    reasons: tuple[Named, ...] = (
        Named(id="season", zh="受季节限制", en="must wait for the season"),
        Named(id="engineering", zh="需工程立项施工", en="needs building work of its own"),
        Named(id="materials", zh="等待备料", en="waits for materials"),
        Named(id="funding", zh="等待资金", en="waits for funds"),
        Named(id="third-party", zh="需第三方配合", en="waits for somebody else"),
    )


class Questions(Part):
    """How often and how long clocks may rest for an answer of the caller (待补充)."""

    most: int = Field(default=2, ge=0, le=20)
    longest: Limit = _limit("3 work_days")


class Revisions(Part):
    """What may move a handling limit; whoever is on duty one level up decides."""

    extension: Extensions = Field(default_factory=Extensions)
    suspension: Suspensions = Field(default_factory=Suspensions)
    question: Questions = Field(default_factory=Questions)


class Intake(Part):
    """What a report may look like."""

    max_text: int = Field(default=10_000, gt=0, le=100_000)
    """Characters."""
    future_tolerance: int = Field(default=10, ge=0)
    """Minutes that `occurred_at` may lie ahead of the clock."""
    oldest: int = Field(default=400, gt=0)
    """Days that `occurred_at` may lie back."""
    public: tuple[Channel, ...] = ("open311",)
    """Channels whose reports everybody may read in the Open311 list, without anything personal."""


class ServiceClass(Named):
    """One class of service that a QR code offers (码上办), and what a report of it asks for."""

    request: Request
    category: Code | None = None
    """Left out: the report calls its matter by `zh`, which finds a category of that name or alias if there is one."""
    condition: Code | None = None


def _six_classes() -> tuple[ServiceClass, ...]:
    return (
        ServiceClass(id="petition", zh="信访投诉", en="Petitions and complaints", request="complaint"),
        ServiceClass(id="dispute", zh="纠纷化解", en="Settling a dispute", request="help"),
        ServiceClass(id="legal", zh="法律服务", en="Legal advice", request="consultation"),
        ServiceClass(id="safety", zh="治安联防", en="Public safety", request="tip-off"),
        ServiceClass(id="counselling", zh="心理咨询", en="Psychological counselling", request="consultation"),
        ServiceClass(id="hazard", zh="隐患上报", en="Reporting a hazard", request="tip-off"),
    )


class QrIntake(Part):
    """What somebody who scans a QR code may choose from."""

    classes: tuple[ServiceClass, ...] = Field(default_factory=_six_classes, min_length=1, max_length=20)


class ProfileFile(Part):
    """A whole file."""

    name: Short
    title: Words
    zone: Annotated[str, AfterValidator(_known_zone)]
    grid_code: Literal["gbt30428", "own"] = "own"
    """gbt30428: 15 digits, 6 district + 3 street + 3 community + 3 sequence."""
    outline: Area | None = None
    levels: tuple[Level, ...] = Field(min_length=3, max_length=6)
    units: tuple[Unit, ...] = Field(min_length=1)
    departments: tuple[Department, ...] = Field(min_length=1)
    roads: tuple[Road, ...] = ()
    majors: tuple[Major, ...] = Field(min_length=1)
    categories: tuple[Category, ...] = Field(min_length=1)
    routing: Routing
    diversions: tuple[DiversionRule, ...] = ()
    calendars: dict[Short, CalendarRules] = Field(default_factory=dict)
    """Working times by name; `always` (round the clock) is there without being written."""
    severity: tuple[SeverityRule, ...] = ()
    clocks: Clocks
    ladder: LadderRules
    closing: Closing
    returns: Returns
    revisions: Revisions = Field(default_factory=Revisions)
    intake: Intake = Field(default_factory=Intake)
    qr: QrIntake = Field(default_factory=QrIntake)


def matches(pattern: str, code: str) -> bool:
    """Whether the code is the pattern's, or begins as a pattern with `*` says."""
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern
