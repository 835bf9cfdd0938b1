"""What are things called, in Chinese and in English? Names out of the profile, ids where it knows none."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from shared.messages import Span
    from shared.profile import Profile

Pair = tuple[str, str]
"""Chinese, English."""

CLOCKS: Final[dict[str, Pair]] = {
    "sign": ("签收", "signing"),
    "handle": ("处置", "handling"),
    "ladder": ("提级", "ladder"),
}
SPANS: Final[dict[str, Pair]] = {
    "minutes": ("分钟", "minutes"),
    "urgent_hours": ("紧急工作时", "urgent hours"),
    "urgent_days": ("紧急工作日", "urgent days"),
    "work_hours": ("工作时", "working hours"),
    "work_days": ("工作日", "working days"),
    "natural_days": ("自然日", "calendar days"),
}
STATES: Final[dict[str, Pair]] = {
    "reported": ("已受理", "reported"),
    "triage": ("待人工预审", "waits for a person to triage"),
    "diverted": ("已转办", "diverted"),
    "triaged": ("待派单", "triaged"),
    "ordered": ("待签收", "waits for a signature"),
    "signed": ("已签收", "signed"),
    "handling": ("处置中", "being handled"),
    "returned": ("已退单", "returned"),
    "adjudication": ("派单异议审核", "waits for the duty officer's decision"),
    "done": ("已办结", "done, says the handler"),
    "verifying": ("待核实", "waits for verification"),
    "verified": ("已核实", "verified"),
    "rework": ("返工", "to be done again"),
    "call-back": ("待回访", "waits for the call-back"),
    "closed": ("已结案", "closed"),
    "reopened": ("重办", "reopened"),
}
WHO: Final[dict[str, Pair]] = {"gridcall": ("系统", "gridcall"), "": ("某人", "somebody")}


class Names:
    """The names of one profile."""

    def __init__(self, profile: Profile) -> None:
        """Look things up in `profile`."""
        self._profile = profile
        self._zone = ZoneInfo(profile.zone)
        self._levels = {level.id: (level.zh, level.en) for level in profile.levels}

    def unit(self, ident: str | None) -> Pair:
        """Give a territorial unit's name."""
        found = self._profile.unit(ident or "")
        return (found.zh, found.en) if found else (ident or "?", ident or "?")

    def department(self, ident: str | None) -> Pair:
        """Give a department's name."""
        found = self._profile.department(ident or "")
        return (found.zh, found.en) if found else (ident or "?", ident or "?")

    def handler(self, text: str | None) -> Pair:
        """Give the name of a handler that is written `department:x` or `unit:x`."""
        kind, _, ident = (text or "").partition(":")
        return self.department(ident) if kind == "department" else self.unit(ident)

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

    def instant(self, at: str | datetime | None) -> str:
        """Give an instant as the city's clocks show it, to the minute."""
        if at is None:
            return "?"
        when = datetime.fromisoformat(at) if isinstance(at, str) else at
        try:
            return when.astimezone(self._zone).strftime("%Y-%m-%d %H:%M")
        except OverflowError:  # the edge of the calendar
            return when.isoformat()
