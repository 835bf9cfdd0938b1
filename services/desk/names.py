"""What are things called, in Chinese and in English? Names out of the profile, ids where it knows none."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from services.desk.conduct import conduct

if TYPE_CHECKING:
    from services.desk.domain import Ticket
    from shared.calendar import Calendar
    from shared.messages import Span
    from shared.profile import Policy, Profile

Pair = tuple[str, str]
"""Chinese, English."""

CALLER: Final = "caller"
"""Why a clock rests that waits for the caller's answer."""
CLOCKS: Final[dict[str, Pair]] = {
    "accept": ("预审", "triage"),
    "dispatch": ("裁定", "adjudication"),
    "sign": ("签收", "signing"),
    "contact": ("联系诉求人", "contact with the caller"),
    "handle": ("处置", "handling"),
    "verify": ("核实", "verification"),
    "call-back": ("回访", "call-back"),
    "total": ("全程", "overall"),
    "settlement": ("自治化解", "self-settlement"),
    "assist-sign": ("协办签收", "signing by an assist"),
    "assist-handle": ("协办处置", "handling by an assist"),
    "rework": ("返工", "rework"),
    "arrive": ("报到", "checking in"),
    "ladder": ("提级", "ladder"),
}
SPANS: Final[dict[str, Pair]] = {
    "minutes": ("分钟", "minutes"),
    "urgent_hours": ("个紧急工作时", "urgent hours"),
    "urgent_days": ("个紧急工作日", "urgent days"),
    "work_hours": ("个工作时", "working hours"),
    "work_days": ("个工作日", "working days"),
    "natural_days": ("个自然日", "calendar days"),
}
STATES: Final[dict[str, Pair]] = {
    "reported": ("已受理", "reported"),
    "triage": ("待人工预审", "waits for a person to triage"),
    "diverted": ("已转办", "diverted"),
    "triaged": ("待派单", "triaged"),
    "round": ("待集中派单", "waits for a round of the desk"),
    "ordered": ("待签收", "waits for a signature"),
    "signed": ("已签收", "signed"),
    "handling": ("处置中", "being handled"),
    "suspended": ("挂账", "suspended"),
    "returned": ("已退单", "returned"),
    "adjudication": ("派单异议审核", "waits for the duty officer's decision"),
    "done": ("已办结", "done, says the handler"),
    "verifying": ("待核实", "waits for verification"),
    "verified": ("已核实", "verified"),
    "rework": ("返工", "to be done again"),
    "call-back": ("待回访", "waits for the call-back"),
    "closed": ("已结案", "closed"),
    "archived": ("已归档", "archived"),
    "reopened": ("重办", "reopened"),
    "attached": ("挂接办理", "handled with the ticket of which it is a part"),
}
REQUESTS: Final[dict[str, Pair]] = {
    "consultation": ("咨询", "a consultation"),
    "help": ("求助", "a request for help"),
    "complaint": ("投诉", "a complaint"),
    "tip-off": ("举报", "a tip-off"),
    "suggestion": ("建议", "a suggestion"),
}
ROLES: Final[dict[str, Pair]] = {
    "grid_worker": ("网格员", "grid worker"),
    "community_officer": ("社区值班员", "community officer"),
    "dispatcher": ("派遣员", "dispatcher"),
    "duty_officer": ("值班长", "duty officer"),
    "duty_supervisor": ("区值班长", "duty supervisor"),
    "district_officer": ("区值班员", "district officer"),
    "resident_road_chief": ("居民路长", "resident road chief"),
    "community_road_chief": ("社区路长", "community road chief"),
    "street_road_chief": ("街道路长", "street road chief"),
    "sponsor": ("联包帮干部", "sponsor"),
    "caller": ("呼叫员", "who calls the desk"),
    "micro_worker": ("微网格员", "micro-grid worker"),
    "unit_contact": ("单位联络员", "contact of the unit"),
    "grid_leader": ("网格长", "grid leader"),
    "full_time_worker": ("专职网格员", "full-time grid worker"),
    "officer": ("指导员", "officer"),
    "coordination": ("统筹协调员", "coordinator"),
    "station": ("工作站人员", "station worker"),
    "building_head": ("楼栋长", "head of the building"),
    "duty": ("值班人员", "on duty"),
    "inspector": ("检查员", "inspector"),
    "volunteer_leader": ("志愿服务队长", "leader of the volunteers"),
}
"""Of the bundled profiles' staff; another city's roles are shown as its profile writes them."""
WHO: Final[dict[str, Pair]] = {
    "gridcall": ("系统", "gridcall"),
    "caller": ("诉求人", "the caller"),
    "": ("某人", "somebody"),
}


WEEKDAYS: Final[tuple[Pair, ...]] = (
    ("周一", "Mon"),
    ("周二", "Tue"),
    ("周三", "Wed"),
    ("周四", "Thu"),
    ("周五", "Fri"),
    ("周六", "Sat"),
    ("周日", "Sun"),
)
PIECES: Final = ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"))


class Names:
    """The names of one profile."""

    def __init__(self, profile: Profile) -> None:
        """Look things up in `profile`."""
        self._profile = profile
        self._zone = ZoneInfo(profile.zone)
        self._levels = {level.id: (level.zh, level.en) for level in profile.levels}
        reasons = {each.id: (each.zh, each.en) for each in profile.revisions.suspension.reasons}
        self._reasons = {CALLER: ("等待诉求人补充", "waiting for the caller")} | reasons
        self._staff = {staff.id: staff for staff in profile.everybody}

    def unit(self, ident: str | None) -> Pair:
        """Give a territorial unit's name."""
        found = self._profile.unit(ident or "")
        return (found.zh, found.en) if found else (ident or "?", ident or "?")

    def department(self, ident: str | None) -> Pair:
        """Give a department's name."""
        found = self._profile.department(ident or "")
        return (found.zh, found.en) if found else (ident or "?", ident or "?")

    def points_rule(self, ident: str) -> Pair:
        """Give the name of what earns points."""
        found = next((rule for rule in self._profile.content.points if rule.id == ident), None)
        return (found.zh, found.en) if found else (ident, ident)

    def handler(self, text: str | None) -> Pair:
        """Give the name of a handler that is written `department:x` or `unit:x`."""
        kind, _, ident = (text or "").partition(":")
        return self.department(ident) if kind == "department" else self.unit(ident)

    def situations(self, category: str) -> int:
        """Give how many situations there are for which one may whistle with this category."""
        return len(self._profile.situations(category))

    def whistlers(self, category: str) -> Pair:
        """Give the levels whose units may whistle for some situation of this category."""
        levels = dict.fromkeys(level for each in self._profile.situations(category) for level in each.by)
        named = [self.level(level) for level in levels]
        return "、".join(zh for zh, _ in named), " or ".join(en for _, en in named)

    def situation(self, ident: str | None) -> Pair:
        """Give the name of what may be whistled for."""
        known = (each for each in self._profile.loop.situations if each.id == ident)
        return next(((each.zh, each.en) for each in known), (ident or "?", ident or "?"))

    def schedule(self, ident: str) -> Pair:
        """Give the name of what is done by the calendar."""
        known = (each for each in self._profile.content.schedules if each.id == ident)
        return next(((each.zh, each.en) for each in known), (ident, ident))

    def staff(self, ident: str) -> Pair:
        """Give somebody's name and role."""
        found = self._staff.get(ident)
        if found is None:
            return ident, ident
        zh, en = ROLES.get(found.role, (found.role, found.role))
        return f"{found.name}（{zh}）", f"{found.name} ({en})"

    def level(self, ident: str | None) -> Pair:
        """Give a level's name."""
        return self._levels.get(ident or "", (ident or "?", ident or "?"))

    def category(self, code: str, name: str = "") -> Pair:
        """Give a category's name; `name` is what the ticket was triaged under."""
        found = self._profile.category(code)
        return (name or found.zh, found.en) if found else (name or code, name or code)

    def condition(self, code: str, condition: str) -> Pair:
        """Give the words of a filing condition."""
        category = self._profile.category(code)
        found = category.condition(condition) if category else None
        return (found.zh, found.en) if found else (condition, condition)

    def mode(self, ident: str) -> Pair:
        """Give the name of an operating mode."""
        known = (each for each in self._profile.content.modes if each.id == ident)
        return next(((each.zh, each.en) for each in known), (ident, ident))

    def road(self, ident: str) -> Pair:
        """Give the name of a road."""
        known = (each for each in self._profile.content.roads if each.id == ident)
        return next(((each.zh, each.en) for each in known), (ident, ident))

    def calendar(self, name: str) -> Calendar:
        """Give the working time of this name as the profile has it now."""
        return self._profile.calendar(name)

    def reason(self, word: str | None) -> Pair:
        """Give why an order or a clock rests: a reason of the profile's list, else what was written."""
        return self._reasons.get(word or "", (word or "?", word or "?"))

    def policy(self, version: str, mode: str = "") -> Policy:
        """Give the rules of a version of the profile in an operating mode; those of today where it is not known."""
        return self._profile.under(version, mode).policy

    def conduct(self, ticket: Ticket) -> dict[str, int]:
        """Give what speaks for work that was done for the record."""
        return conduct(ticket, self._profile)

    @staticmethod
    def request(word: str | None) -> Pair:
        """Give what somebody asks for."""
        return REQUESTS.get(word or "", (word or "?", word or "?"))

    @staticmethod
    def clock(name: str | None) -> Pair:
        """Give a clock's name."""
        return CLOCKS.get(name or "", (name or "?", name or "?"))

    @staticmethod
    def span(span: Span) -> Pair:
        """Give a limit in words."""
        zh, en = SPANS.get(span.unit, (span.unit, span.unit))
        amount = f"{span.amount:g}"
        return f"{amount} {zh}", f"{amount} {en.removesuffix('s') if amount == '1' else en}"

    @staticmethod
    def state(word: str) -> Pair:
        """Give a ticket state in words."""
        return STATES.get(word, (word, word))

    @staticmethod
    def who(name: str | None) -> Pair:
        """Give who did something."""
        return WHO.get(name or "", (name or "", name or ""))

    @staticmethod
    def duration(length: timedelta, *, days: bool = False) -> Pair:
        """Give a length of time in words, to the minute; in days too where a day is 24 hours."""
        left, zh, en = round(abs(length).total_seconds() / 60) * 60, [], []
        for seconds, unit_zh, unit_en in PIECES if days else PIECES[1:]:
            amount, left = divmod(left, seconds)
            if amount:
                zh.append(f"{amount} {unit_zh}")
                en.append(f"{amount} {unit_en}")
        return " ".join(zh) or "0 分钟", " ".join(en) or "0 min"

    def local(self, at: datetime) -> datetime:
        """Give an instant as the city's clocks show it; raises OverflowError at the edge of the calendar."""
        return at.astimezone(self._zone)

    def when(self, at: datetime | None) -> Pair:
        """Give an instant with its day of the week: 2026-10-08 周四 18:00, Thu 2026-10-08 18:00."""
        if at is None:
            return "?", "?"
        try:
            here = self.local(at)
        except OverflowError:
            return at.isoformat(), at.isoformat()
        (zh, en), day = WEEKDAYS[here.weekday()], f"{here:%Y-%m-%d}"
        return f"{day} {zh} {here:%H:%M}", f"{en} {day} {here:%H:%M}"

    def instant(self, at: str | datetime | None) -> str:
        """Give an instant as the city's clocks show it, to the minute."""
        if at is None:
            return "?"
        when = datetime.fromisoformat(at) if isinstance(at, str) else at
        try:
            return self.local(when).strftime("%Y-%m-%d %H:%M")
        except OverflowError:  # the edge of the calendar
            return when.isoformat()
