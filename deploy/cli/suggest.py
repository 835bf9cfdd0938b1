"""Which rows of the matrix do returned tickets suggest? `gridcall profile suggest PROFILE`; nothing is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from deploy.cli.ask import ask
from deploy.cli.output import out, print_json
from shared.profile import find_profile, load_profile

if TYPE_CHECKING:
    from shared.profile import Profile

NOBODY: Final = "# no row: the handler is not in this profile"


def suggest(file: str, *, as_json: bool) -> None:
    """Print what the desk has counted, the most frequent first, each with the row that a human may accept."""
    profile = load_profile(find_profile(file))
    found = [each | row_of(each, profile) for each in ask("desk", "/v1/routing-suggestions")["suggestions"]]
    if as_json:
        print_json({"suggestions": found})
        return
    if not found:
        out.print("No suggestions: whoever the matrix chose has kept what was theirs.")
        return
    for each in found:
        out.print(f"# {each['sentence']}", markup=False)
        out.print(f"    {'- ' + each['row'] if each['row'] else NOBODY}", markup=False)


def row_of(suggestion: dict[str, Any], profile: Profile) -> dict[str, str]:
    """Give the row in the profile's own words, and what to do with it; an empty row where it names nobody here."""
    lead = _lead(suggestion["handler"], suggestion["places"], profile)
    place = suggestion["places"][0]
    route = profile.route(suggestion["category"], suggestion["condition"], place)
    before = None if route.rule is None else profile.routing.rows[route.rule]
    row: dict[str, Any] = {"category": suggestion["category"], "condition": suggestion["condition"]}
    if before is not None:
        row |= before.model_dump(include={"place", "ownership", "level"}, exclude_none=True)
        kept = [each.model_dump(exclude_defaults=True) for each in before.assists]
        row |= {"assists": kept} if kept else {}
    where = "above the others" if route.rule is None else f"above row {route.rule + 1}"
    times = suggestion["count"]
    sentence = (
        f"{times} ticket{'s' if times != 1 else ''}: {suggestion['chosen']} returned it as not theirs, "
        f"{suggestion['handler']} has done it; put this row {where} of routing.rows"
    )
    return {"sentence": sentence, "row": "" if lead is None else _flow(row | {"lead": lead})}


def _lead(handler: str, places: list[str], profile: Profile) -> dict[str, str] | str | None:
    """Give who leads as a row names it: a unit by its level where it lies above each of the places."""
    kind, _, ident = handler.partition(":")
    if kind == "department":
        return None if profile.department(ident) is None else ident
    unit = next((each for each in profile.units if each.id == ident), None)
    if unit is None:
        return None
    above = all(profile.owner(place, unit.level) == ident for place in places)
    return {"level": unit.level} if above else {"unit": ident}


def _flow(row: dict[str, Any]) -> str:
    """Give a row in one line of YAML; JSON is YAML, and codes such as 0501 stay texts."""
    return json.dumps(row, ensure_ascii=False)
