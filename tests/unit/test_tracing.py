"""Is every message of a ticket in one trace, every log line named, and is tracing nothing where it is off?"""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import structlog
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared import tracing
from shared.log import configure
from shared.messages import TriageTicket
from shared.settings import PORTS, Settings
from shared.tracing import concerning, of_ticket, valid
from tests.support.fold import TICKET, envelope_of
from tests.unit.triage.reports import report, triage

ROOT = Path(__file__).resolve().parents[2]
CALLERS = f"00-{'a' * 32}-{'b' * 16}-01"
NAME = "张三"
LATER = f"00-{'a' * 32}-{'c' * 16}-01"


@pytest.mark.parametrize(
    ("raw", "goes_on"),
    [
        (CALLERS, CALLERS),
        (CALLERS.replace("00-", "cc-") + "-more", CALLERS),
        (CALLERS[:-2] + "00", CALLERS[:-2] + "00"),
        (CALLERS.upper(), ""),
        (CALLERS + "-more", ""),
        (CALLERS.replace("00-", "ff-"), ""),
        (CALLERS.replace("a", "0"), ""),
        (CALLERS.replace("b", "0"), ""),
        ("张三 13800000000", ""),
        (CALLERS + "\n", ""),
    ],
)
def test_a_traceparent_goes_on_as_w3c_has_it(raw: str, goes_on: str) -> None:
    """What is none is ignored: nobody's text gets onto a department's topic that way."""
    assert valid(raw.encode()) == goes_on


@given(st.text(alphabet="0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16))
def test_a_tickets_own_trace_is_sound(ticket: str) -> None:
    """And always the same."""
    assert valid(of_ticket(ticket).encode()) == of_ticket(ticket)
    assert of_ticket(ticket) != of_ticket(ticket[::-1] + "0")


def test_what_follows_is_in_the_same_trace() -> None:
    """A fact that brings a trace is continued; one without continues its ticket's own."""
    for brought, expected in ((CALLERS, CALLERS), ("", of_ticket(TICKET))):
        said = triage().read(report(), traceparent=brought)
        assert said.outbox
        assert {envelope_of(out).traceparent for out in said.outbox} == {expected}


def test_a_trace_that_came_with_the_report_is_not_forgotten() -> None:
    """What comes later without one, a timer or a department's answer, is of the trace of the report."""
    city = triage()
    city.read(report(), traceparent=CALLERS)
    assert city._documents[TICKET]["t"] == CALLERS
    said = city.read(TriageTicket(by="clerk", category="0501"))
    assert {envelope_of(out).traceparent for out in said.outbox} == {CALLERS}
    said = city.read(TriageTicket(by="clerk", category="0501"), traceparent=LATER)
    assert {envelope_of(out).traceparent for out in said.outbox} == {LATER}


def test_a_tickets_own_trace_takes_no_room() -> None:
    """It follows from the id, so it is not stored."""
    city = triage()
    city.read(report(), traceparent=of_ticket(TICKET))
    assert "t" not in city._documents[TICKET]


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Give what a service logs as JSON, and put logging back afterwards."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    configure("triage", "json", "info")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


def test_a_log_line_names_ticket_and_trace(written: io.StringIO) -> None:
    """Whoever writes it while a record is handled, a library too; afterwards no line names it any more."""
    city = triage()
    decide = city._decider.decide

    def talkative(*arguments: Any) -> Any:
        logging.getLogger("library").warning("about something")
        structlog.get_logger("rules").warning("about something else")
        return decide(*arguments)

    object.__setattr__(city._decider, "decide", talkative)
    city.read(report(), traceparent=CALLERS)
    concerning.set(tracing.NOTHING)
    logging.getLogger("library").warning("about nothing")
    *told, last = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["ticket"], line["trace_id"]) for line in told] == [(TICKET, "a" * 32)] * 2
    assert not {"ticket", "trace_id"} & last.keys()


def test_only_a_url_is_a_collector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said before anything is started."""
    monkeypatch.setenv("GRIDCALL_OTLP_ENDPOINT", "collector:4318")
    with pytest.raises(ValidationError, match="without /v1/traces"):
        Settings()


def test_off_is_off(tmp_path: Path) -> None:
    """A process of any service that exports nothing has not even imported the SDK, nor what sends to a collector."""
    code = """
import runpy, sys, uvloop
def instead(coroutine):
    coroutine.close()
    print(sorted(name for name in sys.modules if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))))
uvloop.run = instead
for service in sys.argv[1:]:
    runpy.run_module("services." + service, run_name="__main__")
"""
    environment = {"PYTHONPATH": str(ROOT), "GRIDCALL_DATA": str(tmp_path), "GRIDCALL_OTLP_ENDPOINT": ""}
    environment["GRIDCALL_PII_KEY"] = Fernet.generate_key().decode()
    done = subprocess.run(
        [sys.executable, "-c", code, *PORTS], env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["[]"] * len(PORTS)


def test_a_collector_that_hangs_holds_nobody_up() -> None:
    """Far more spans than are kept are made, and the process ends, while the collector still has to answer."""
    answer = threading.Event()
    asked = threading.Event()

    class Hanging(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.set()
            answer.wait()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hanging)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tracing.export_to(f"http://127.0.0.1:{server.server_port}", "triage", "0")
    try:
        for _ in range(10_000):
            with tracing.handling("triage", "t", TICKET, CALLERS):
                pass
        assert asked.wait(30)
        tracing.end()
        assert not answer.is_set()
    finally:
        tracing.end()
        answer.set()
        server.shutdown()
        server.server_close()
    assert tracing.spans is None


def test_an_error_in_a_span_shows_its_class_alone() -> None:
    """A text of it may be somebody's."""
    tracing.export_to("http://127.0.0.1:9", "triage", "0")
    sent: list[Any] = []
    try:
        assert tracing.spans is not None
        tracing.spans._sending.on_end = sent.append  # type: ignore[method-assign,assignment]
        handling = tracing.handling("triage", "t", TICKET, CALLERS)
        with pytest.raises(ValueError, match=NAME), tracing.turn("triage", "g", 1), handling:
            raise ValueError(NAME)
    finally:
        tracing.end()
    handled, turn = sent
    assert handled.status.description == turn.status.description == "ValueError"
    assert handled.links[0].context.span_id == turn.context.span_id
    assert f"{handled.context.trace_id:032x}" == "a" * 32
    assert f"{handled.parent.span_id:016x}" == "b" * 16
    assert not handled.events
    assert NAME not in handled.to_json() + turn.to_json()
