"""Do open tickets go on when their grid is merged into another, and who moves them there?"""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from deploy.cli.output import Commands
from deploy.cli.profile import app
from services.dispatch.handlers import decider
from shared.messages import AmendTicket, TicketAmended
from shared.profile import parse_profile
from tests.unit.dispatch.orders import G1, dispatch, sign, update
from tests.unit.profile.small import SMALL

NEW = "100000001001002"
HEAD = f'  - id: "{G1}"\n    level: grid'
MERGED_TEXT = (
    SMALL.replace(HEAD, '  - id: "100000001001003"\n    level: grid', 1)
    .replace(f'{{id: "{NEW}", level: grid,', f'{{id: "{NEW}", was: ["{G1}"], since: 2026-11-01, level: grid,')
    .replace(f'grids: ["{G1}", "{NEW}"]', f'grids: ["{NEW}"]')
)
MERGED = parse_profile(MERGED_TEXT, "merged.yaml")
"""The second grid is what the first one became."""
CLI = typer.Typer(cls=Commands)
CLI.add_typer(app, name="profile")


def test_a_ticket_of_a_former_grid_goes_on_and_is_moved_with_its_old_code_on_record() -> None:
    """Signed under the new profile as under the old one; then corrected, and history keeps the code."""
    before = dispatch()
    folded = type(before)(decider(MERGED))
    folded._documents, folded._sequences, folded._records = before._documents, before._sequences, before._records
    assert update(folded, sign()).facts
    said = folded.read(AmendTicket(unit=NEW, by="Zhou", reason="网格调整"))
    (fact,) = said.facts
    assert isinstance(fact, TicketAmended)
    assert (fact.old_place.unit, fact.place.unit, fact.place.grid) == (G1, NEW, NEW)
    assert fact.handler is not None
    assert fact.handler.id == "water"


class Desk:
    """Answers as the desk does."""

    def __init__(self, refuse: str = "") -> None:
        """Hold one ticket of the former grid, one of the new one, and one that waits for triage."""
        self.refuse = refuse
        self.given: list[tuple[str, str, dict[str, Any]]] = []

    def __call__(self, method: str, url: str, **more: Any) -> httpx.Response:
        """Answer a request."""
        path = httpx.URL(url).path
        if method == "POST":
            self.given.append((path, more["headers"]["Idempotency-Key"], more["json"]))
            refused = path.split("/")[3] == self.refuse
            body: Any = {"detail": "closed"} if refused else {"facts": []}
            return httpx.Response(409 if refused else 200, json=body, request=httpx.Request(method, url))
        if path == "/v1/units":
            grid = {"id": NEW, "was": [G1], "units": []}
            body = {"units": [{"id": "100000", "units": [grid]}]}
        else:
            assert more["params"]["unit"] == G1
            second = "cursor" in more["params"]
            rows = [("C", G1, "triage")] if second else [("A", G1, "signed"), ("B", NEW, "signed")]
            tickets = [{"id": ident, "area": area, "state": state} for ident, area, state in rows]
            body = {"tickets": tickets, "cursor": None if second else "next"}
        return httpx.Response(200, json=body, request=httpx.Request(method, url))


def test_the_command_moves_what_names_a_former_unit_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """All pages; what waits for triage is looked up by the units of today anyway."""
    desk = Desk()
    monkeypatch.setattr(httpx, "request", desk)
    result = CliRunner().invoke(CLI, ["profile", "remap", "--by", "Zhou"])
    assert result.exit_code == 0, result.output
    [(path, key, body)] = desk.given
    assert path == "/v1/tickets/A/commands/amend"
    assert key == f"remap/{G1}/{NEW}/A"
    assert (body["unit"], body["by"]) == (NEW, "Zhou")
    assert "网格调整" in body["reason"]


def test_what_could_not_be_moved_is_said_and_exits_1(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the desk's own sentence; without a name nothing is asked at all."""
    desk = Desk(refuse="A")
    monkeypatch.setattr(httpx, "request", desk)
    assert CliRunner().invoke(CLI, ["profile", "remap", "--by", "Zhou"]).exit_code == 1
    desk.given.clear()
    assert CliRunner().invoke(CLI, ["profile", "remap", "--by", " "]).exit_code == 2
    assert desk.given == []
