"""Does `gridcall profile suggest` print rows that a human may accept, and that would do?"""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli.profile import app
from deploy.cli.suggest import row_of
from services.desk.names import Names
from services.desk.views import suggested
from shared.profile import Handler, parse_profile
from tests.unit.profile.small import SMALL

CITY = parse_profile(SMALL, "small")
GRID, COMMUNITY = "100000001001001", "100000001001"
LEAK: dict[str, Any] = {
    "category": "0501", "condition": "leak", "level": "grid", "chosen": "department:water",
    "handler": "department:police", "count": 3, "places": [GRID], "tickets": ["T1", "T2", "T3"],
}  # fmt: skip


def accepted(row: str, above: int) -> Any:
    """Give the small city with a row put above another."""
    content = yaml.safe_load(SMALL)
    content["routing"]["rows"].insert(above, yaml.safe_load(row))
    return parse_profile(yaml.safe_dump(content, allow_unicode=True), "accepted")


@pytest.mark.parametrize(
    ("found", "lead", "assists"),
    [
        (LEAK, Handler("department", "police"), ()),
        (LEAK | {"handler": f"unit:{COMMUNITY}"}, Handler("unit", COMMUNITY), ()),
        (
            LEAK
            | {"category": "0101", "condition": "building", "chosen": f"unit:{GRID}", "handler": "department:water"},
            Handler("department", "water"),
            (Handler("department", "police"),),
        ),
    ],
)
def test_the_row_does_what_was_learned(found: dict[str, Any], lead: Handler, assists: tuple[Handler, ...]) -> None:
    """Put where the sentence says, it chooses who has done it, and keeps who assists."""
    said = row_of(found, CITY)
    route = CITY.route(found["category"], found["condition"], GRID)
    assert route.rule is not None
    assert f"above row {route.rule + 1}" in said["sentence"]
    after = accepted(said["row"], route.rule).route(found["category"], found["condition"], GRID)
    assert (after.lead, after.assists) == (lead, assists)


def test_a_unit_is_named_by_its_level_where_it_lies_above_all_places() -> None:
    """Else by itself."""
    above = row_of(LEAK | {"handler": f"unit:{COMMUNITY}"}, CITY)["row"]
    assert '"lead": {"level": "community"}' in above
    beside = row_of(LEAK | {"handler": f"unit:{COMMUNITY}", "places": ["100000002001"]}, CITY)["row"]
    assert f'"lead": {{"unit": "{COMMUNITY}"}}' in beside


@pytest.mark.parametrize("gone", ["department:gone", "unit:gone"])
def test_who_is_gone_is_no_row(gone: str) -> None:
    """The sentence stands."""
    said = row_of(LEAK | {"handler": gone}, CITY)
    assert said["row"] == ""
    assert gone in said["sentence"]


def test_the_desk_names_them() -> None:
    """Category and both handlers, in both languages."""
    shown = suggested(LEAK, Names(CITY))
    assert (shown["category_name"]["zh"], shown["chosen_name"]["en"], shown["handler_name"]["zh"]) == (
        "漏水",
        "Water",
        "公安",
    )


def test_the_command_asks_the_desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """Rows for people, everything for machines; none is an answer too."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    asked: list[str] = []
    told: dict[str, Any] = {"suggestions": [LEAK]}

    def request(method: str, url: str, **_more: Any) -> httpx.Response:
        asked.append(f"{method} {httpx.URL(url).path}")
        return httpx.Response(200, json=told, request=httpx.Request(method, url))

    monkeypatch.setattr(httpx, "request", request)
    plain = CliRunner().invoke(app, ["suggest", str(file)])
    assert plain.exit_code == 0, plain.output
    assert '- {"category": "0501", "condition": "leak", "lead": "police"}' in plain.output
    assert "3 tickets: department:water returned it" in plain.output
    machine = json.loads(CliRunner().invoke(app, ["suggest", str(file), "--json"]).stdout)
    assert machine["suggestions"][0]["count"] == 3
    told["suggestions"] = []
    assert "No suggestions" in CliRunner().invoke(app, ["suggest", str(file)]).output
    assert set(asked) == {"GET /v1/routing-suggestions"}
