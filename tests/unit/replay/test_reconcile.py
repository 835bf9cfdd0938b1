"""Does the table tell when something is wrong? Each line is made to fail once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from deploy.replay.life import Life
from deploy.replay.reconcile import Reconciliation, Shown, happened, reconciled, recorded_of, table_of
from deploy.replay.script import BadRow, Recording, Row, Script, Stretch, made
from shared.ids import ticket_id
from shared.profile import Profile, find_profile, load_profile


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give the default profile."""
    return load_profile(find_profile("yucheng"))


def row(ident: str, **script: Any) -> Row:
    """Give a row with a script."""
    found = made(1, ident, "replay/test", {"channel": "app", "text": "x"}, Script(label=ident, **script), 0.0)
    assert isinstance(found, Row)
    return found


@dataclass
class Case:
    """A small replay in which everything is as recorded."""

    profile: Profile
    recording: Recording = field(init=False)
    lives: dict[str, Life] = field(init=False)
    shown: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        """Two closed (one handed over, one reopened), one open, one diverted, one refused."""
        rows = (
            row("moved", stretches=(Stretch(("huanwei", "chengguan")),)),
            row("again", stretches=(Stretch(), Stretch())),
            row("open", stretches=(Stretch(done=False),), ends="open"),
            row("fire", ends="diverted"),
            row("empty", ends="refused"),
        )
        self.recording = Recording("test", rows, (BadRow(9, "not JSON"),), ("a note",))
        self.lives = {t: Life(r, t, tickets={t}) for r in rows for t in [ticket_id(r.source, r.id)]}
        for ident, departments in (("moved", ("huanwei", "chengguan")), ("again", ("a", "a")), ("open", ("a",))):
            for number, department in enumerate(departments, 1):
                order = {"order_id": f"{self.life(ident).ticket}-{number}", "role": "lead"}
                self.life(ident).issued(f"m{number}", order, department)
        self.life("fire").diverted = True
        self.life("empty").refused, self.life("empty").tickets = "no-content: say something", set()
        states = {"moved": "closed", "again": "closed", "open": "signed", "fire": "closed"}
        self.shown = {
            "states": {self.life(ident).ticket: state for ident, state in states.items()},
            "doubled_tickets": 0,
            "re_dispatches": 1,
            "reopenings": 1,
            "gaps": 0.0,
        }

    def life(self, ident: str) -> Life:
        """Give a life by its row."""
        return self.lives[ticket_id("replay/test", ident)]

    def result(self) -> Reconciliation:
        """Reconcile."""
        recorded = recorded_of(self.recording, self.lives.values(), self.profile)
        return reconciled(recorded, Shown(**self.shown), self.recording, self.lives)

    def wrong(self) -> set[str]:
        """Give the lines that do not add up."""
        return {line.what for line in self.result().lines if not line.adds_up}


def test_all_as_recorded_adds_up(profile: Profile) -> None:
    """Bad rows and refusals that were recorded are listed, and no reason to fail."""
    done = Case(profile).result()
    assert done.adds_up
    assert done.as_dict()["adds_up"] is True
    assert done.bad_rows == ((9, "not JSON"),)
    assert done.refused == {"empty": "no-content: say something"}
    assert happened(done)["adds up"] == "yes"
    assert happened(done)["empty"].startswith("refused")
    assert table_of(done, 5).row_count == len(done.lines)


@pytest.mark.parametrize("end", ["refused", "diverted"])
def test_an_end_that_nobody_recorded_adds_up(profile: Profile, end: str) -> None:
    """A list of reports says nothing of what becomes of them; a refusal is told, and is no difference."""
    found = row("plain", recorded=False)
    life = Life(found, ticket_id(found.source, found.id))
    states: dict[str, str] = {}
    if end == "refused":
        life.refused = "no-content: say something"
    else:
        life.diverted, life.tickets, states = True, {life.ticket}, {life.ticket: "closed"}
    recording, lives = Recording("test", (found,)), {life.ticket: life}
    done = reconciled(recorded_of(recording, [life], profile), Shown(states, 0, 0, 0, 0.0), recording, lives)
    assert done.adds_up, done.as_dict()
    assert done.refused == ({"plain": life.refused} if end == "refused" else {})


def test_a_report_without_a_receipt_is_lost(profile: Profile) -> None:
    """Also when a ticket is there."""
    case = Case(profile)
    case.life("open").tickets = set()
    assert case.wrong() == {"reports with a receipt that takes them", "lost"}


def test_a_receipt_without_a_ticket_is_lost(profile: Profile) -> None:
    """The desk must show what was accepted."""
    case = Case(profile)
    del case.shown["states"][case.life("open").ticket]
    assert case.wrong() == {"tickets at the desk", "still open", "lost"}


def test_closed_is_compared_ticket_by_ticket(profile: Profile) -> None:
    """Two mistakes that leave the number right are still two mistakes."""
    case = Case(profile)
    case.shown["states"][case.life("open").ticket] = "closed"
    case.shown["states"][case.life("moved").ticket] = "signed"
    assert case.wrong() == {"closed", "still open"}
    closed = next(line for line in case.result().lines if line.what == "closed")
    assert closed.recorded == closed.gridcall
    assert set(closed.about) == {"open", "moved"}


def test_a_hand_over_too_many_is_seen(profile: Profile) -> None:
    """The timelines of the desk are counted."""
    case = Case(profile)
    case.shown["re_dispatches"] = 2
    assert case.wrong() == {"hand-overs"}


def test_a_reopening_that_did_not_happen_is_seen(profile: Profile) -> None:
    """The timelines of the desk are counted."""
    case = Case(profile)
    case.shown["reopenings"] = 0
    assert case.wrong() == {"reopenings"}


@pytest.mark.parametrize("how", ["order", "receipt", "ticket"])
def test_whatever_is_doubled_is_seen(profile: Profile, how: str) -> None:
    """An order under two message ids, a report with two tickets, a ticket twice in the lists."""
    case = Case(profile)
    if how == "order":
        case.life("open").issued("other", {"order_id": f"{case.life('open').ticket}-1", "role": "lead"}, "a")
    elif how == "receipt":
        case.life("open").tickets.add("SOMEOTHERTICKET0")
    else:
        case.shown["doubled_tickets"] = 1
    assert case.wrong() == {"doubled"}


def test_a_gap_is_seen(profile: Profile) -> None:
    """The desk's own metric says so."""
    case = Case(profile)
    case.shown["gaps"] = 1.0
    assert case.wrong() == {"gaps in the log"}


def test_an_unexpected_refusal_is_seen_and_said(profile: Profile) -> None:
    """With the sentence of the system."""
    case = Case(profile)
    case.life("open").refused, case.life("open").tickets = "too-long: shorten it", set()
    del case.shown["states"][case.life("open").ticket]
    assert {"refused", "still open"} <= case.wrong()
    assert case.result().refused["open"] == "too-long: shorten it"
    assert "no" in happened(case.result())["adds up"]
