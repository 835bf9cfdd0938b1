"""What must come of a ticket of the Kaohsiung feed? Counted from its rows alone, on rows made by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.replay import kaohsiung
from deploy.replay.formats import read_recording
from deploy.replay.life import Life
from deploy.replay.reconcile import Recorded, recorded_of
from deploy.replay.script import Recording, Row, Stretch
from shared.ids import ticket_id
from shared.profile import Profile, find_profile, load_profile

REAL = Path(__file__).resolve().parents[4] / "shared" / "data" / "tickets" / "kaohsiung_tickets.csv.gz"
HEADER = (
    "ticket_no,created_at,saved_at,closed_at,last_status,unit_code,unit_name,"
    "category,zip,district,address,description\n"
)
STEPS = "ticket_no,observed_epoch,status,unit\n"


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give the profile that takes the feed."""
    return load_profile(find_profile("kaohsiung"))


def line(
    number: str, category: str = "路燈故障(一)", unit: str = "養工處", status: str = "待處理", at: str = "08"
) -> str:
    """Give a ticket of the feed."""
    return f"{number},2016-09-10T{at}:00:00+08:00,,,{status},X,{unit},{category},806,前鎮區,大華一路,渠反映\n"


def steps(number: str, *seen: tuple[str, str]) -> str:
    """Give what was observed of a ticket."""
    return "".join(f"{number},{1000 + n},{status},{unit}\n" for n, (status, unit) in enumerate(seen))


def counted(recording: Recording, profile: Profile) -> Recorded:
    """Give what must come of a recording."""
    lives = [Life(row, ticket_id(row.source, row.id)) for row in recording.rows]
    return recorded_of(recording, lives, profile)


def only(tickets: str, transitions: str, profile: Profile) -> Row:
    """Give the one row of a feed."""
    (row,) = kaohsiung.recording(HEADER + tickets, STEPS + transitions, profile).rows
    return row


def test_a_ticket_that_ran_through_is_closed_once(profile: Profile) -> None:
    """Done and released is one closing, not two."""
    seen = [("建立中", ""), ("待確認", "養工處"), ("待處理", "養工處"), ("處理完成", "養工處"), ("解除管制", "養工處")]
    script = only(line("A"), steps("A", *seen), profile).script
    assert script.stretches == (Stretch(("b01000",), signed=True, done=True),)
    assert (script.ends, script.closings, script.hand_overs, script.reopenings) == ("closed", 1, 0, 0)


@pytest.mark.parametrize(
    ("status", "signed", "done"),
    [("建立中", False, False), ("待確認", False, False), ("待處理", True, False), ("處理完成", True, True)],
)
def test_how_far_it_came(profile: Profile, status: str, signed: bool, done: bool) -> None:  # noqa: FBT001
    """Signed once it is to be handled, done once it is handled."""
    row = only(line("A"), steps("A", (status, "養工處")), profile)
    assert row.script.stretches == (Stretch(("b01000",), signed, done),)
    assert row.script.ends == ("closed" if done else "open")


def test_a_step_back_from_done_is_a_reopening(profile: Profile) -> None:
    """Also the one from released to handled; a step back before that is none."""
    seen = [("待處理", "養工處"), ("待確認", "養工處"), ("處理完成", "養工處"), ("待處理", "養工處")]
    script = only(line("A"), steps("A", *seen), profile).script
    assert (script.reopenings, script.closings, script.ends) == (1, 1, "open")
    seen = [("解除管制", "養工處"), ("處理完成", "養工處"), ("解除管制", "養工處")]
    script = only(line("A"), steps("A", *seen), profile).script
    assert (script.reopenings, script.closings, script.ends) == (1, 2, "closed")


def test_another_unit_is_a_hand_over_and_none_says_nothing(profile: Profile) -> None:
    """A row without a unit is no hand-over, neither there nor back; a way back is one."""
    seen = [("建立中", ""), ("待確認", "養工處"), ("待確認", ""), ("待處理", "交通局"), ("處理完成", "養工處")]
    script = only(line("A"), steps("A", *seen), profile).script
    assert script.stretches == (Stretch(("b01000", "a04000", "b01000")),)
    assert script.hand_overs == 2


def test_a_reopened_ticket_goes_to_its_last_handler_first(profile: Profile) -> None:
    """Another unit after a reopening is a hand-over of the second stretch."""
    seen = [("處理完成", "養工處"), ("待處理", "交通局"), ("處理完成", "交通局")]
    script = only(line("A"), steps("A", *seen), profile).script
    assert [stretch.route for stretch in script.stretches] == [("b01000",), ("b01000", "a04000")]
    assert script.hand_overs == 1


def test_observations_need_not_be_in_order(profile: Profile) -> None:
    """The epoch orders them."""
    transitions = "A,3000,處理完成,養工處\nA,1000,待確認,養工處\nA,2000,待處理,養工處\n"
    assert only(line("A"), transitions, profile).script.reopenings == 0


def test_without_a_category_the_recorded_unit_is_named(profile: Profile) -> None:
    """A unit that leads a category gives that one; a district office gives the general one."""
    row = only(line("A", category="", unit="交通局"), "", profile)
    assert row.script.triage == {"category": "K39", "lead": {"kind": "department", "id": "a04000"}}
    assert "category" not in row.body
    row = only(line("A", category="", unit="旗山區公所"), "", profile)
    assert row.script.triage is not None
    assert row.script.triage["lead"]["id"] == "f01013"


def test_the_whole_is_counted(profile: Profile) -> None:
    """A first unit that is not the profile's is a correction, not a hand-over."""
    tickets = line("B", at="09") + line("A") + line("C", unit="交通局") + line("D", category="", unit="交通局")
    transitions = (
        steps("A", ("待處理", "養工處"), ("處理完成", "養工處"), ("待處理", "養工處"), ("處理完成", "養工處"))
        + steps("B", ("待確認", "養工處"), ("待處理", "交通局"))
        + steps("C", ("待處理", "交通局"))
        + steps("D", ("解除管制", "交通局"))
    )
    recording = kaohsiung.recording(HEADER + tickets, STEPS + transitions, profile)
    assert [row.id for row in recording.rows] == ["A", "C", "D", "B"]
    found = counted(recording, profile)
    assert (found.rows, found.accepted, found.refused) == (4, 4, 0)
    assert (len(found.closed), len(found.open), len(found.diverted)) == (2, 2, 0)
    assert (found.hand_overs, found.corrections, found.reopenings) == (1, 1, 1)


def test_bad_rows_and_unknown_units_are_said(profile: Profile) -> None:
    """A row without an instant is bad; a unit that nobody knows is left out, and named."""
    tickets = line("A") + "B,yesterday,,,待處理,X,養工處,路燈故障(一),806,前鎮區,x,y\n" + line("C", status="?")
    recording = kaohsiung.recording(HEADER + tickets, STEPS + steps("A", ("待處理", "月球處")), profile)
    assert [row.id for row in recording.rows] == ["A"]
    assert [bad.line for bad in recording.bad] == [3, 4]
    assert "月球處" in recording.notes[0]


def test_what_the_profile_diverts_ends_there(profile: Profile) -> None:
    """Whatever was recorded."""
    row = only(line("A").replace("渠反映", "我家失火"), steps("A", ("處理完成", "養工處")), profile)
    assert row.script.ends == "diverted"


@pytest.mark.skipif(not REAL.exists(), reason="the real feed is not on this machine: ../shared/data is absent")
def test_the_real_feed_is_counted(profile: Profile) -> None:
    """The figures were counted once by another program from the same two files."""
    found = counted(read_recording(REAL, "kaohsiung", profile), profile)
    assert (found.rows, len(found.closed) + len(found.open), found.refused) == (23_700, 23_700, 0)
    assert (len(found.closed), len(found.open)) == (15_049, 8_651)
    assert (found.hand_overs, found.reopenings) == (301, 225)
