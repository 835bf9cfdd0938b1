"""Do the commands that ask services say what they found, with the exit codes that scripts read?"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import typer
from fastapi.encoders import jsonable_encoder
from typer.testing import CliRunner

from deploy.cli import dead_letters
from deploy.cli.explain import explain
from deploy.cli.output import Commands
from deploy.cli.trace import trace
from services.desk.deadlines import deadlines
from services.desk.views import timeline_view
from shared.settings import PORTS
from tests.unit.desk.lives import START, Life
from tests.unit.desk.test_sentences import NAMES

app = typer.Typer(cls=Commands)
app.command()(trace)
app.command()(explain)
app.add_typer(dead_letters.app, name="dead-letters")
LIFE = Life("cli").straight()
LETTER = {
    "id": "gridcall.updates.water/0/7",
    "service": "dispatch",
    "kind": "unreadable",
    "reason": "no-value",
    "detail": "the record has no value",
    "at": "2026-11-22T08:00:00+00:00",
    "queued": 0,
}

Answer = Callable[[str, str], tuple[int, Any] | None]


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Callable[[Answer], list[str]]:
    """Let a function (method and path, service) -> (status, JSON) or None for away stand for the services."""
    names = {str(port): name for name, port in PORTS.items()}
    asked: list[str] = []

    def install(answer: Answer) -> list[str]:
        def request(method: str, url: str, **_more: Any) -> httpx.Response:
            parsed = httpx.URL(url)
            asked.append(f"{method} {names[str(parsed.port)]} {parsed.path}")
            found = answer(f"{method} {parsed.path}", names[str(parsed.port)])
            if found is None:
                raise httpx.ConnectError("connection refused")
            return httpx.Response(found[0], json=found[1], request=httpx.Request(method, url))

        monkeypatch.setattr(httpx, "request", request)
        return asked

    return install


def run(*arguments: str) -> tuple[int, str]:
    """Give the exit code and all that was printed."""
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_trace_prints_every_line(serve: Callable[[Answer], list[str]]) -> None:
    """Sentences for people, the whole answer for machines."""
    told = {
        "id": LIFE.ticket,
        "state": "closed",
        "zone": "Asia/Shanghai",
        "left_out": 0,
        "timeline": timeline_view(LIFE.ticket, LIFE.view(), NAMES),
    }
    asked = serve(lambda _call, _service: (200, told))
    code, output = run("trace", LIFE.ticket)
    assert code == 0
    assert "公安（王）" in output
    assert asked == [f"GET desk /v1/tickets/{LIFE.ticket}/timeline"]
    code, output = run("trace", LIFE.ticket, "--json")
    assert code == 0
    assert json.loads(output)["timeline"][0]["n"] == 1


def test_explain_prints_every_clock(serve: Callable[[Answer], list[str]]) -> None:
    """With the sentences that say why, a bar for each, and one legend; for machines the whole answer."""
    clocks = jsonable_encoder(deadlines(LIFE.view(), NAMES, START))
    answer = {"id": LIFE.ticket, "state": "closed", "now": START.isoformat(), "zone": "Asia/Shanghai"}
    serve(lambda _call, _service: (200, answer | {"deadlines": clocks}))
    code, output = run("explain", LIFE.ticket)
    assert code == 0
    assert "签收时限" in output
    assert "Due Sun 2026-11-22 17:02: 1 urgent hour from Sun 2026-11-22 16:02 for signing" in output
    assert output.count("[" + "#" * 60 + "]") == 2
    assert output.count("节假日 holiday") == 1
    assert output.count("profile v1") == 2
    assert json.loads(run("explain", LIFE.ticket, "--json")[1])["deadlines"] == clocks
    serve(lambda _call, _service: (200, {"id": LIFE.ticket, "state": "reported", "deadlines": []}))
    assert "no clocks" in run("explain", LIFE.ticket)[1]


@pytest.mark.parametrize("command", ["trace", "explain"])
def test_no_ticket_is_a_finding_and_no_desk_is_unreachable(serve: Callable[[Answer], list[str]], command: str) -> None:
    """1 and 3."""
    serve(lambda _call, _service: (404, {"detail": "there is no ticket of this id"}))
    code, output = run(command, "NO")
    assert (code, "there is no ticket" in output) == (1, True)
    serve(lambda _call, _service: None)
    code, output = run(command, "NO")
    assert (code, "does not answer" in output) == (3, True)


def test_letters_are_listed_from_all_services(serve: Callable[[Answer], list[str]]) -> None:
    """1 while any is open, 0 when none, 3 when a service cannot be asked."""
    asked = serve(lambda _call, service: (200, [LETTER] if service == "dispatch" else []))
    code, output = run("dead-letters", "list", "--json")
    assert code == 1
    assert json.loads(output)["letters"] == [LETTER]
    assert len(asked) == len(PORTS)
    serve(lambda _call, _service: (200, []))
    assert run("dead-letters", "list")[0] == 0
    serve(lambda _call, service: None if service == "sla" else (200, []))
    assert run("dead-letters", "list")[0] == 3
    assert run("dead-letters", "list", "--state", "lost")[0] == 2
    assert run("dead-letters", "list", "--service", "post")[0] == 2


def test_an_id_can_be_copied_from_a_narrow_terminal(serve: Callable[[Answer], list[str]]) -> None:
    """It is what the other commands want."""
    serve(lambda _call, service: (200, [LETTER] if service == "dispatch" else []))
    assert str(LETTER["id"]) in run("dead-letters", "list")[1]


def test_nothing_is_said_of_who_was_not_asked(serve: Callable[[Answer], list[str]]) -> None:
    """No letters are claimed to be there, or not to be, by a service that is away."""
    serve(lambda _call, service: None if service == "sla" else (200, []))
    assert "no parked tickets in desk, intake, triage, dispatch, closure." in run("dead-letters", "list")[1]
    serve(lambda _call, _service: None)
    assert "No open" not in run("dead-letters", "list")[1]


def test_a_value_cannot_steer_the_terminal(serve: Callable[[Answer], list[str]]) -> None:
    """Whoever writes to a topic may write anything."""
    value = base64.b64encode("\x1b[2J\x00好".encode()).decode()
    serve(lambda _call, _service: (200, LETTER | {"value": value}))
    assert r"\x1b[2J\x00好" in run("dead-letters", "show", str(LETTER["id"]))[1]


def test_a_letter_is_settled_in_the_service_that_has_it(serve: Callable[[Answer], list[str]]) -> None:
    """And in no other."""

    def answer(call: str, service: str) -> tuple[int, Any]:
        if service != "dispatch":
            return 404, {"detail": "no such letter"}
        return 200, LETTER if call.startswith("GET") else {"id": LETTER["id"], "done": "sent again"}

    asked = serve(answer)
    code, output = run("dead-letters", "redrive", str(LETTER["id"]))
    assert (code, "sent again" in output) == (0, True)
    assert [call for call in asked if call.startswith("POST")] == [f"POST dispatch /ops/redrive/{LETTER['id']}"]
    assert run("dead-letters", "show", str(LETTER["id"]))[0] == 0
    serve(lambda _call, _service: (404, {"detail": "no such letter"}))
    assert run("dead-letters", "discard", "nothing")[0] == 1
    assert run("dead-letters", "resume", "gridcall.tickets")[0] == 1
