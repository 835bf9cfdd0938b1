"""What may a city's profile say?

These are the shapes of the file, section by section. What one section says about another
(a unit that is its own grandparent, a department that nobody has named) is `check.py`.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Final, Literal, TypeVar, get_args
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from shared.calendar import CalendarRules
from shared.profile.limit import Limit
from shared.profile.polygon import Area
from shared.share import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def _clock_time(value: object) -> object:
    """Read `15:00`, which YAML takes for minutes, as the time of day that is meant."""
    if isinstance(value, int) and 0 <= value < 24 * 60:
        return time(value // 60, value % 60)
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
    stands_in_for: Code | None = None
    """Somebody's id: while that person is away, this one is told in their place, and is there for their unit."""


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
    kind: Short | None = None
    """What kind of unit it is: general, micro, dedicated, courtyard and so on (总网格 微网格 专属网格 院落)."""
    population: int | None = Field(default=None, ge=0)
    was: tuple[Code, ...] = ()
    """Codes of units that became this one, merged or renamed (网格调整): what still names them means this unit."""
    since: date | None = None
    """From which day on it has its present boundaries."""


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
    departments: tuple[Short, ...] = ()
    """Who is called by road (街长制 3+8)."""


class Body(Named):
    """A body of residents or neighbours at a unit that may be given orders: 议事会, 自管委, 商户联盟, 物业."""

    kind: Short
    unit: Code
    staff: tuple[Staff, ...] = Field(min_length=1)
    members: int | None = Field(default=None, ge=1)
    """How many may vote in it."""


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
    """Who is meant: a department, the unit of a level at the place, one unit, a body there, or a road's departments."""

    department: Short | None = None
    level: Code | None = None
    """With `body`: whose unit is meant where the place has no such body."""
    unit: Code | None = None
    body: Short | None = None
    """A kind of body (议事会, 商户联盟, 物业) at the place."""
    road: bool = False
    """The departments that belong to the road (街长制 3+8)."""

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: object) -> object:
        return {"department": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exactly_one(self) -> Target:
        level = None if self.body is not None else self.level
        if sum(bool(name) for name in (self.department, level, self.unit, self.body, self.road)) != 1:
            message = "name one handler: a department, `{level: ...}`, `{unit: ...}`, `{body: ...}` or `{road: true}`"
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


ClockName = Literal[
    "accept", "dispatch", "sign", "contact", "handle", "verify", "call-back", "total",
    "settlement", "assist-sign", "assist-handle", "arrive",
]  # fmt: skip
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
    modes: tuple[Short, ...] = ()
    """Holds in these operating modes only; a row that names one stands before those that do not."""
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
    return {
        "accept": ("caller",),
        "contact": ("suspended",),
        "handle": ("suspended", "caller"),
        "assist-handle": ("suspended", "caller"),
    }


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


LadderClock = ClockName | Literal["severity", "rework"]


class LadderRow(Part):
    """What is different on the ladder for some clocks and severities; a field that is left out fits all."""

    clocks: tuple[LadderClock, ...] = ()
    severities: tuple[Severity, ...] = ()
    levels: tuple[Code, ...] | None = None
    """Which levels are added, the lowest first; none means that the clock only warns."""
    steps: dict[Code, Limit] = Field(default_factory=dict)
    """How long a level has."""
    modes: tuple[Short, ...] = ()
    """Holds in these operating modes only; a row that names one stands before those that do not."""

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
Size = Literal["small", "big"]
Proof = Literal["photo-before", "photo-after", "place", "text"]
"""What proves that something was done: photos before and after, that somebody was there, a few words."""


class Which(Part):
    """Which matters a row is about; what is left out fits all."""

    categories: tuple[Pattern, ...] = ("*",)
    severities: tuple[Severity, ...] = ()

    def about(self, category: str, severity: Severity) -> bool:
        """Whether the row is about this matter."""
        return (not self.severities or severity in self.severities) and concerns(self.categories, category)


class EvidenceRow(Which):
    """What must be handed in with the word that it is done; the first row that fits holds."""

    size: Size | None = None
    """`small`: settled by somebody who is asked before the lead; `big`: answered by the whole area."""
    need: tuple[Proof, ...]


class SampleRow(Which):
    """Of what the record would verify, a share is looked at by a person (抽查); the first row that fits holds."""

    share: float = Field(gt=0, le=1)


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
    then: Literal["close", "level-up"] = "close"
    """What follows when the person is not satisfied after all these reworks: it is closed as unsolved, or each
    further rework makes the next level up an owner, until there is none."""
    calls: int = Field(default=3, ge=1, le=20)
    """Tries of a call-back that reach nobody before the ticket is closed as `informed`."""
    evidence: tuple[EvidenceRow, ...] = ()
    sample: tuple[SampleRow, ...] = ()
    by_others: bool = True
    """Whether nobody may verify what they have handled themselves, as far as names are given."""
    rush_share: float = Field(default=0.05, ge=0, lt=1)
    """Done in the last part of its limit, as a share of it: counted as done in a rush."""

    def needed(self, category: str, severity: Severity, size: Size | None) -> tuple[Proof, ...]:
        """What must be handed in with the word that a matter is done."""
        for row in self.evidence:
            if row.size in {None, size} and row.about(category, severity):
                return row.need
        return ()

    def sampled(self, category: str, severity: Severity) -> float:
        """The share of such matters that a person looks at although the record would do."""
        return next((row.share for row in self.sample if row.about(category, severity)), 0.0)

    def verification(self, category: Category | str, severity: Severity) -> Verification:
        """Whether a person or the record of the work itself verifies what was done."""
        code = category if isinstance(category, str) else category.code
        if concerns(self.verify_by_person, code):
            return "person"
        return self.verify[severity]


class Returns(Part):
    """What happens to an order that comes back."""

    to_triage: int = Field(default=1, ge=0, le=20)
    """How often it is triaged again before a duty officer decides."""
    duty_level: Code
    within: Limit | None = None
    """How long after it was issued an order may be returned; left out: as long as it is open."""
    after_progress: bool = False
    """Whether an order may still be returned when progress was reported on it."""
    first_receiver: bool = False
    """Whether who has signed leads on after a reassignment until the other has signed too (首接负责)."""


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


Attribute = bool | int | str


class Fits(Which):
    """Which matters a row is about, by what their reports say too."""

    attributes: dict[str, Attribute] = Field(default_factory=dict)

    def fits(self, category: str, severity: Severity, attributes: Mapping[str, object]) -> bool:
        """Whether the row is about this matter."""
        return self.about(category, severity) and has(self.attributes, attributes)


class SettlementRow(Fits):
    """Matters that residents may settle themselves before anybody else is asked (自治化解), and for how long."""

    body: Short
    limit: Limit


class SmallRow(Fits):
    """Small matters (小事一格解决): the units of these levels are asked one after the other before the lead."""

    levels: tuple[Code, ...] = Field(min_length=1)
    limit: Limit | None = None
    """How long each has; left out: as long as the lead would have."""


class BigRow(Fits):
    """Big matters (大事全网联动): who assists besides those of the matrix."""

    network: tuple[Target, ...] = Field(min_length=1)


def _share(value: str) -> str:
    share(value)
    return value


Share = Annotated[str, AfterValidator(_share)]
"""A fraction: `2/3`, or `>1/2` for more than that."""


class Vote(Part):
    """How a stage is voted on (表决)."""

    threshold: Share
    """Of yes votes; who abstains has not said yes."""
    of: Literal["members", "voters"] = "members"
    """Of whom that is the share: all who may vote, or those who took part."""
    electorate: int | None = Field(default=None, ge=1)
    """How many may vote; left out: the members of the body that has the stage, else whoever counts says it."""
    quorum: Share | None = None
    """Share of those who may vote that must take part; a vote without them is held again."""


class Failing(Part):
    """What follows when a stage fails: back to an earlier one so many times, then the ticket is closed."""

    back: Short | None = None
    """Left out: it is closed at once."""
    times: int = Field(default=1, ge=1, le=20)
    close: Literal["diverted", "informed", "unsolved"] = "unsolved"
    to: Text | None = None
    """With `diverted`: whose matter it is then."""
    sentence: Words
    """What the person reads when it is closed."""

    @model_validator(mode="after")
    def _whose(self) -> Failing:
        if (self.close == "diverted") != (self.to is not None):
            message = "say `to` whom with `close: diverted`, and with no other"
            raise ValueError(message)
        return self


class Stage(Named):
    """One step of several: who has it and for how long, and what it takes to be over."""

    id: Short
    who: Target | None = None
    """Left out, or a body that the place does not have: the lead."""
    limit: Limit | None = None
    """Left out: as long as the lead would have."""
    publicity: Limit | None = None
    """How long it is made public before it may be over (公示)."""
    vote: Vote | None = None
    evidence: tuple[Proof, ...] = ()
    """What must be handed in when it is over; with the last one also what `closing.evidence` asks for."""
    money: Literal["budget", "actual"] | None = None
    """What sum must be said when it is over: what is planned, or what it has cost."""
    fails: Failing | None = None
    """Left out: it cannot fail."""


class StagesRow(Fits):
    """Matters that go through stages one after the other (项目分步); the first row that fits holds.

    Nobody is asked before the first stage: `settlement` and `small` do not hold for them.
    """

    stages: tuple[Stage, ...] = Field(min_length=1, max_length=30)


class KeptUp(Part):
    """Matters that must not be pushed down (社区职责清单): no unit below a level may be given them."""

    categories: tuple[Pattern, ...] = Field(min_length=1)
    not_below: Code
    sentence: Words


class Situation(Named):
    """For what one may whistle (吹哨), who may, whom it calls wave by wave, and by when they must have come."""

    by: tuple[Code, ...] = Field(min_length=1)
    """Levels whose units may whistle."""
    categories: tuple[Pattern, ...] = ("*",)
    waves: tuple[tuple[Target, ...], ...] = Field(min_length=1)
    """Called one after the other, as long as too few have come."""
    arrive: Limit
    enough: int | None = Field(default=None, ge=1)
    """How many must come; left out: all of the first wave."""
    copied: tuple[Code, ...] = ()
    """Levels whose units at the place are told and need not come (抄送)."""


class ModeStaff(Part):
    """Who is at a unit besides its own people while a mode holds (专职+辅助)."""

    unit: Code
    staff: tuple[Staff, ...] = Field(min_length=1)


class Mode(Named):
    """A time in which an area works by other limits, ladders and staff (平时+急时, 专项行动)."""

    id: Short
    units: tuple[Code, ...] = Field(min_length=1)
    """Where it holds: there and in everything below."""
    begin: AwareDatetime = Field(alias="from")
    end: AwareDatetime | None = Field(default=None, alias="until")
    """Left out: until another version of the profile ends it."""
    staff: tuple[ModeStaff, ...] = ()

    @model_validator(mode="after")
    def _in_order(self) -> Mode:
        if self.end is not None and self.end <= self.begin:
            message = "a mode ends before it begins: exchange `from` and `until`"
            raise ValueError(message)
        return self


class Sponsor(Part):
    """Somebody who answers for a unit in person (联包帮): escalations of its tickets are copied to them."""

    unit: Code
    staff: Staff


class Rounds(Part):
    """Central dispatch in rounds (集中派单): tickets gather, the desk decides, and what it leaves goes as proposed."""

    desk: Code
    """The level whose unit at the place decides."""
    at: tuple[Annotated[time, BeforeValidator(_clock_time)], ...] = Field(min_length=1)
    """When a round closes, by the clocks of the city, on each day on which its calendar works."""
    severities: tuple[Severity, ...] = ("III", "IV")
    """What may wait for a round; the rest is dispatched at once."""


class FollowUp(Part):
    """A look back some days after."""

    category: Code
    condition: Code | None = None
    after_days: int = Field(ge=1, le=365)
    text: Text


class Schedule(Named):
    """What is done by the calendar (移动办公 社区办公日 敲门): gridcall reports it as a ticket each time."""

    id: Short
    category: Code
    condition: Code | None = None
    levels: tuple[Code, ...] = ()
    """Every unit of these levels has one."""
    units: tuple[Code, ...] = ()
    """And these units."""
    rule: Text
    """When, as RFC 5545 writes it: `FREQ=WEEKLY;INTERVAL=2;BYDAY=TH`."""
    since: date
    """From which day on, and from where every second week is counted."""
    ahead_days: int = Field(default=0, ge=0, le=60)
    """How many days before it is reported, so that it is planned and announced (事前拟定计划)."""
    on_work_days: bool = True
    """Whether it moves to the next working day where its day is none."""
    text: Text
    follow_up: FollowUp | None = None
    """What is reported some days after (事后跟踪问效)."""

    @model_validator(mode="after")
    def _somewhere(self) -> Schedule:
        if not (self.levels or self.units):
            message = "say where: `levels`, `units` or both"
            raise ValueError(message)
        try:
            rrulestr(self.rule, dtstart=datetime.combine(self.since, time()))
        except (ValueError, KeyError) as error:
            message = f"no rule of RFC 5545: {error}; write one such as FREQ=WEEKLY;BYDAY=TH"
            raise ValueError(message) from error
        if "UNTIL" in self.rule.upper() and "T" in self.rule.upper().partition("UNTIL=")[2][:20]:
            message = "UNTIL is a day here: write UNTIL=20271231"
            raise ValueError(message)
        return self


def usual_withheld() -> Words:
    """What is shown instead of words that are withheld."""
    return Words(zh="内容由专人掌握，系统不显示。", en="A named helper knows what it is; it is not shown.")


class Care(Part):
    """People of whom particular care is taken (五包一): what is shown of them, how grave it is, who helps."""

    kinds: tuple[Named, ...] = Field(min_length=1)
    """What the attribute `care` of a report may say. It stays with intake: no topic, log or view says it."""
    at_least: Severity
    """How grave their reports are at least."""
    team: tuple[Text, ...] = Field(min_length=1)
    """Roles of those who help: of each the one who is nearest to the place and there."""
    text: Words = Field(default_factory=usual_withheld)
    """What is shown instead of their words."""


class LoopRules(Part):
    """How the city's own loop goes: who is asked before the lead, who is linked, and for what one may whistle."""

    words: Words | None = None
    """The loop in its own words."""
    settlement: tuple[SettlementRow, ...] = ()
    small: tuple[SmallRow, ...] = ()
    big: tuple[BigRow, ...] = ()
    stages: tuple[StagesRow, ...] = ()
    kept_up: tuple[KeptUp, ...] = ()
    situations: tuple[Situation, ...] = ()
    rounds: Rounds | None = None


class Duplicates(Part):
    """When two tickets look like the same matter: by place, time, category and text."""

    within: Limit
    """How long after one report another may be of the same matter."""
    level: Code
    """They are at one unit of this level; where both have coordinates, `radius` decides instead."""
    radius: int = Field(gt=0, le=10_000)
    """Metres."""
    same: Literal["category", "class"] = "category"
    categories: tuple[Pattern, ...] = ("*",)
    """Of which two reports may be one matter at all."""
    suspect: int = Field(ge=1, le=100)
    """How alike the texts are, 0 to 100, from which on a person is asked."""
    certain: int | None = Field(default=None, ge=1, le=100)
    """From which on they are merged without asking; left out: a person always confirms."""


class Repeats(Part):
    """When a matter that comes back at one place is to become a project."""

    times: int = Field(ge=2, le=100)
    within: Limit
    level: Code
    """One place is one unit of this level."""
    categories: tuple[Pattern, ...] = ("*",)


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


IndicatorName = Literal[
    "response", "solution", "satisfaction", "on-time", "on-time-in-fact", "first-time-solved", "returns", "rework",
    "reopened", "rushed", "extended", "self-settled", "on-the-spot", "owned", "answered", "whistles",
    "whistles-answered", "check-in", "check-in-on-time", "check-in-missed", "whistle-quality", "answer-quality",
    "whistle-score", "visits-held", "visits-missed",
]  # fmt: skip
"""The desk's indicators."""


class Rated(Part):
    """Whom a scorecard rates: bodies of a kind, the units of a level, or departments (`"*"`: all)."""

    body: Short | None = None
    level: Code | None = None
    departments: tuple[Short | Literal["*"], ...] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Rated:
        if sum(bool(each) for each in (self.body, self.level, self.departments)) != 1:
            message = "say whom it rates in one way: `{body: ...}`, `{level: ...}` or `{departments: [...]}`"
            raise ValueError(message)
        return self


class CardRow(Part):
    """One indicator of a scorecard: its weight, where no and where all points lie, and the target."""

    indicator: IndicatorName
    weight: Annotated[Decimal, Field(gt=0, le=100)]
    zero: Decimal
    """The value at which it earns nothing; above `full` for what should be little, such as rework."""
    full: Decimal
    """The value from which on it earns the whole weight; between the two in proportion."""
    target: Decimal | None = None
    """What is aimed at; left out: `full`."""

    @model_validator(mode="after")
    def _apart(self) -> CardRow:
        if self.zero == self.full:
            message = "no and all points lie at one value: set `zero` and `full` apart"
            raise ValueError(message)
        return self


class Scorecard(Named):
    """A rating by weighted indicators, each month, quarter or year."""

    id: Short
    whom: Rated
    period: Literal["month", "quarter", "year"]
    category: Pattern = "*"
    """Of which tickets."""
    least: int = Field(ge=1)
    """Tickets without which nobody is rated."""
    rows: tuple[CardRow, ...] = Field(min_length=1)
    stars: tuple[Annotated[Decimal, Field(gt=0, le=100)], ...] = ()
    """The least totals of 2, 3, 4 and 5 stars, what is below has one; left out: no stars."""

    @model_validator(mode="after")
    def _sound(self) -> Scorecard:
        whole = sum(row.weight for row in self.rows)
        if whole != 100:  # noqa: PLR2004 - of a hundred
            message = f"the weights sum to {whole}, not to 100: change them"
            raise ValueError(message)
        names = [row.indicator for row in self.rows]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            message = f"indicator '{twice}' is there twice: remove one"
            raise ValueError(message)
        if self.stars and (len(self.stars) != 4 or list(self.stars) != sorted(set(self.stars))):  # noqa: PLR2004
            message = "stars need four totals that rise, those of 2, 3, 4 and 5: [60, 70, 80, 90]"
            raise ValueError(message)
        return self


class PointsCap(Part):
    """The most points that one account is credited by a rule within a day, a month or a year."""

    points: int = Field(ge=1, le=100_000)
    period: Literal["day", "month", "year"]


class PointsRule(Which, Named):
    """What earns points (积分) when a ticket is closed, how many, and for whom."""

    id: Short
    whom: Literal["handler", "assists"]
    """The handler of the order that led, or each who has assisted."""
    body: Short | None = None
    """Only bodies of this kind; left out: any unit, body or department."""
    points: int = Field(ge=1, le=1000)
    outcomes: tuple[Literal["solved", "self-settled", "informed"], ...] = Field(
        default=("solved", "self-settled"), min_length=1
    )
    cap: PointsCap | None = None


class ProfileFile(Part):
    """A whole file."""

    name: Short
    title: Words
    zone: Annotated[str, AfterValidator(_known_zone)]
    grid_code: Literal["gbt30428", "own"] = "own"
    """gbt30428: 15 digits, 6 district + 3 street + 3 community + 3 sequence."""
    outline: Area | None = None
    levels: tuple[Level, ...] = Field(min_length=3, max_length=6)
    units_table: Code | None = None
    """A CSV file beside this one with further units, a row each: for cities of thousands of grids."""
    units: tuple[Unit, ...] = Field(min_length=1)
    departments: tuple[Department, ...] = Field(min_length=1)
    roads: tuple[Road, ...] = ()
    bodies: tuple[Body, ...] = ()
    sponsors: tuple[Sponsor, ...] = ()
    norms: dict[Short, Annotated[int, Field(gt=0)]] = Field(default_factory=dict)
    """Kind of unit -> the most inhabitants that one should have; more is warned about, never refused."""
    care: Care | None = None
    """Left out: no report may say that it is of such a person."""
    modes: tuple[Mode, ...] = ()
    schedules: tuple[Schedule, ...] = ()
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
    loop: LoopRules = Field(default_factory=LoopRules)
    duplicates: Duplicates | None = None
    """Left out: nobody looks for any."""
    repeats: Repeats | None = None
    """The same."""
    intake: Intake = Field(default_factory=Intake)
    qr: QrIntake = Field(default_factory=QrIntake)
    scorecards: tuple[Scorecard, ...] = ()
    points: tuple[PointsRule, ...] = ()


def matches(pattern: str, code: str) -> bool:
    """Whether the code is the pattern's, or begins as a pattern with `*` says."""
    return code.startswith(pattern[:-1]) if pattern.endswith("*") else code == pattern


def concerns(patterns: Iterable[str], code: str) -> bool:
    """Whether the code is that of one of the patterns."""
    return any(matches(pattern, code) for pattern in patterns)


def has(wanted: Mapping[str, Attribute], given: Mapping[str, object]) -> bool:
    """Whether all wanted attributes are given; `true` in a form is the same as true in JSON."""
    return all(name in given and str(given[name]).casefold() == str(value).casefold() for name, value in wanted.items())
