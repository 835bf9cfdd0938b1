"""What would another version of the profile change, and how is it applied to open tickets?"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table

from deploy.cli.audit import stack_time
from deploy.cli.output import FINDING, USAGE, Failure, err, out, print_json
from deploy.local.settings import LocalSettings
from services.sla.recount import tell
from services.sla.repin import Pinned, applied, pinned_elsewhere
from shared.kafka import Publisher
from shared.mongo import Mongo
from shared.policies import COLLECTION, learn
from shared.profile import PolicyFile, Profile, find_profile, load_profile
from shared.security import client_security

if TYPE_CHECKING:
    from datetime import datetime

LISTED: Final = 20


@dataclass(slots=True)
class Effect:
    """What applying a version would do to open tickets."""

    tickets: int = 0
    policies: Counter[str] = field(default_factory=Counter)
    """Version -> open tickets pinned to it."""
    clocks: Counter[str] = field(default_factory=Counter)
    """earlier, later or same -> limits."""
    overdue: int = 0
    """Limits that would have passed by now."""
    moved: list[Pinned] = field(default_factory=list)

    def add(self, pinned: Pinned, now: datetime) -> None:
        """Count a ticket."""
        self.tickets += 1
        self.policies[pinned.policy] += 1
        for move in pinned.moves:
            self.clocks["earlier" if move.new < move.old else "later" if move.new > move.old else "same"] += 1
            self.overdue += move.new <= now
        if pinned.moves and len(self.moved) < LISTED:
            self.moved.append(pinned)


def diff(new: str, old: str | None, as_json: bool) -> None:
    """Say what a profile would change: its rules against those of open tickets, and their limits. Changes nothing."""
    profile = load_profile(find_profile(new))
    if old is not None:
        other = load_profile(find_profile(old))
        changes, effect = {other.version: _changes(other.policy.content, profile.policy.content)}, None
    else:
        changes, effect = asyncio.run(_dry_run(profile))
    if as_json:
        print_json({"version": profile.version, "rules": changes, "open_tickets": _as_json(effect)})
        return
    _say_rules(profile, changes)
    if effect is not None:
        _say_effect(profile, effect)


def apply(new: str, by: str, as_json: bool) -> None:
    """Pin every open ticket to a profile that the services run with; look at `gridcall profile diff` first."""
    if not by.strip():
        raise Failure("Nobody is named.", "Say who decided it by --by.", USAGE)
    profile = load_profile(find_profile(new))
    told = asyncio.run(_apply(profile, by.strip()))
    if as_json:
        print_json({"version": profile.version, "tickets": told})
    else:
        out.print(f"{told} open tickets are told to follow {profile.name} {profile.version} from now on.")


async def _dry_run(profile: Profile) -> tuple[dict[str, dict[str, Any]], Effect]:
    settings = LocalSettings().addressed()
    mongo = Mongo(settings.mongo)
    try:
        db, now = mongo.db(settings.database("sla")), stack_time(settings)[0]
        await learn(db, profile)
        effect = Effect()
        with err.status("counting the limits of open tickets"):
            async for pinned in pinned_elsewhere(db, profile, now):
                effect.add(pinned, now)
    finally:
        mongo.close()
    rules = {
        version: _changes(profile.under(version).policy.content, profile.policy.content)
        for version in effect.policies
        if profile.knows(version)
    }
    return rules, effect


async def _apply(profile: Profile, by: str) -> int:
    settings = LocalSettings().addressed()
    mongo, publisher = Mongo(settings.mongo), Publisher(settings.kafka, "gridcall-policy", client_security(settings))
    try:
        db, now = mongo.db(settings.database("sla")), stack_time(settings)[0]
        if await db[COLLECTION].find_one({"_id": profile.version}) is None:
            raise Failure(
                f"sla has not run with {profile.name} {profile.version}.",
                "Start the services with it first: new tickets then follow it, and open ones once you apply it.",
                FINDING,
            )
        await learn(db, profile)
        pinned = pinned_elsewhere(db, profile, now)
        return await tell(publisher, (applied(each.ticket, profile.version, by, now) async for each in pinned))
    finally:
        await publisher.stop()
        mongo.close()


# ---------------------------------------------------------------- saying it


def _changes(old: PolicyFile, new: PolicyFile) -> dict[str, Any]:
    before, after = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    return {
        path: {"old": before.get(path), "new": after.get(path)}
        for path in sorted(before.keys() | after.keys())
        if before.get(path) != after.get(path)
    }


def _flat(value: Any, path: str = "") -> dict[str, Any]:
    """Give every value under its path; a limit is one value, written as in the file."""
    if isinstance(value, dict) and value.keys() == {"amount", "unit"}:
        return {path: f"{value['amount']} {value['unit']}"}
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if inside is None:
        return {path: value}
    return {at: each for name, part in inside for at, each in _flat(part, f"{path}/{name}").items()}


def _as_json(effect: Effect | None) -> dict[str, Any] | None:
    if effect is None:
        return None
    return {
        "tickets": effect.tickets,
        "pinned_to": dict(effect.policies),
        "limits": dict(effect.clocks),
        "overdue_at_once": effect.overdue,
        "examples": [
            {"ticket": each.ticket, "moves": [move.model_dump(mode="json") for move in each.moves]}
            for each in effect.moved
        ],
    }


def _say_rules(profile: Profile, changes: dict[str, dict[str, Any]]) -> None:
    for version, changed in changes.items():
        out.print(f"rules of {version} → {profile.version}", style="bold", markup=False)
        table = Table("rule", "old", "new", box=None, pad_edge=False)
        for path, pair in changed.items():
            table.add_row(path, *("" if pair[name] is None else str(pair[name]) for name in ("old", "new")))
        out.print(table if changed else "  the same")


def _say_effect(profile: Profile, effect: Effect) -> None:
    if not effect.tickets:
        out.print(f"No open ticket follows other rules than {profile.name} {profile.version}.")
        return
    moved = effect.clocks
    out.print(
        f"{effect.tickets} open tickets follow other rules. Applied to them, {moved['earlier']} limits would be "
        f"earlier and {moved['later']} later; {effect.overdue} would have passed by now."
    )
    for each in effect.moved:
        for move in each.moves:
            old, new = profile.local(move.old), profile.local(move.new)
            out.print(f"  {each.ticket} {move.clock}: {old} → {new}", markup=False)
    out.print("Nothing was changed: `gridcall profile apply` does it, with services that run with this profile.")
