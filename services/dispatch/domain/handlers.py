"""Who may be given an order, by the profile?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import Refused

if TYPE_CHECKING:
    from shared.messages import Handler, TicketTriaged
    from shared.profile import Profile


def existing(to: Handler, profile: Profile) -> None:
    """Refuse who is not there, or has nobody."""
    if to.kind == "department":
        if profile.department(to.id) is None:
            raise Refused("unknown-handler", f"The profile has no department {to.id!r}.", f"没有部门“{to.id}”。")
        return
    unit = profile.unit(to.id)
    if unit is None:
        raise Refused("unknown-handler", f"The profile has no unit {to.id!r}.", f"没有区域单元“{to.id}”。")
    if not unit.staff:
        raise Refused(
            "no-staff",
            f"{unit.en} has no staff: choose a unit above it, or a department.",
            f"{unit.zh}没有人员：请选择上级单元或部门。",
        )


def not_pushed_down(to: Handler, triaged: TicketTriaged, profile: Profile) -> None:
    """Refuse to give a matter to a level that it may not be pushed down to (社区职责清单)."""
    unit = profile.unit(to.id) if to.kind == "unit" else None
    if unit is None:
        return
    rule = profile.kept_up(triaged.category.code, unit.level)
    if rule is not None:
        raise Refused(
            "not-pushed-down",
            f"{rule.sentence.en} Choose a department, or a unit of the level {rule.not_below} or above.",
            f"{rule.sentence.zh}请选择部门，或{profile.level_name(rule.not_below).zh}及以上单元。",
        )
