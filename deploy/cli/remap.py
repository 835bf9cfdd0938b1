"""Which open tickets name units that are no more? `gridcall profile remap` moves them, by the desk's `amend`."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from deploy.cli.ask import ask, give
from deploy.cli.output import FINDING, USAGE, Failure, out, print_json

if TYPE_CHECKING:
    from collections.abc import Iterator

REASON: Final = "网格调整 boundaries changed: {old} → {new}"
UNTRIAGED: Final = frozenset({"reported", "triage"})
"""States in which a place is looked up when somebody triages: by the units of today."""


def remap(by: str, *, as_json: bool) -> None:
    """Move open tickets of former codes to the units that these became; exit 1 when some could not be moved."""
    if not by.strip():
        raise Failure("Nobody is named.", "Say who decided it by --by.", USAGE)
    became = dict(_became(ask("desk", "/v1/units")["units"]))
    moved: Counter[str] = Counter()
    refused: list[dict[str, str]] = []
    for old, new in became.items():
        for ticket in _open(old):
            body = {"unit": new, "reason": REASON.format(old=old, new=new), "by": by.strip()}
            wrong = give(ticket, "amend", body, f"remap/{old}/{new}/{ticket}")
            if wrong:
                refused.append({"ticket": ticket, "unit": old, "detail": wrong})
            else:
                moved[old] += 1
    if as_json:
        print_json({"units": became, "moved": dict(moved), "refused": refused})
    else:
        _say(became, moved, refused)
    if refused:
        raise Failure(f"{len(refused)} tickets were not moved.", "Read why, and correct each at the desk.", FINDING)


def _became(units: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """Give each former code with the unit that it became."""
    for unit in units:
        yield from ((old, unit["id"]) for old in unit.get("was", ()))
        yield from _became(unit["units"])


def _open(old: str) -> list[str]:
    """Give the open tickets whose place is a unit that is no more."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = ask("desk", "/v1/tickets", unit=old, state="open", limit="200", sort="reported_at", **cursor)
        found += [each["id"] for each in page["tickets"] if each["area"] == old and each["state"] not in UNTRIAGED]
        if page["cursor"] is None:
            return found
        cursor = {"cursor": page["cursor"]}


def _say(became: dict[str, str], moved: Counter[str], refused: list[dict[str, str]]) -> None:
    if not became:
        out.print("No unit of the profile names former codes (`was`): nothing to move.")
    for old, new in became.items():
        out.print(f"{old} → {new}: {moved[old]} open tickets moved", markup=False)
    for each in refused:
        out.print(f"  {each['ticket']} ({each['unit']}) stays: {each['detail']}", markup=False)
