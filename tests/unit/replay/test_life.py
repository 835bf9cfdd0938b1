"""What do people do about a replayed ticket? What its record says, once, and the same again after a restart."""

from __future__ import annotations

from typing import Any

import pytest

from deploy.replay.life import Act, Life, Update
from deploy.replay.script import Row, Script, Stretch, made
from shared.messages import (
    AdjudicationAsked,
    CallBackAsked,
    DepartmentOrderReworked,
    DepartmentOrderWithdrawn,
    OrderIssued,
    ReworkOrdered,
    TicketClosed,
    TicketReopened,
    TriageNeeded,
    UpdateAccepted,
    UpdateRefused,
    VerificationAsked,
)
from shared.profile import Profile, find_profile, load_profile

TICKET = "ABCDEFGHJKMNPQRS"


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give the default profile."""
    return load_profile(find_profile("yucheng"))


class Played:
    """A life, and short ways to let things happen to it."""

    def __init__(self, profile: Profile, **script: Any) -> None:
        """Begin with a report that was taken."""
        row = made(1, "r1", "replay/test", {"channel": "app", "text": "x"}, Script(**script), 0.0)
        assert isinstance(row, Row)
        self.profile = profile
        self.life = Life(row, TICKET, tickets={TICKET})
        self.sequence = 0

    def order(self, number: int, department: str, *, returnable: bool = True) -> None:
        """Let a department get an order."""
        body = {"order_id": f"{TICKET}-{number}", "role": "lead", "returnable": returnable}
        self.life.issued(f"m{number}", body, department)

    def told(self, kind: str, number: int, **body: Any) -> None:
        """Let a department be told something about an order."""
        self.life.told(kind, {"order_id": f"{TICKET}-{number}", **body})

    def fact(self, kind: str, **body: Any) -> None:
        """Let the log say something."""
        self.sequence += 1
        self.life.happened(kind, "gridcall/any", self.sequence, "cause", body)

    def wanted(self) -> list[Update | Act]:
        """Give what people do now."""
        return list(self.life.wanted(self.profile))

    def ids(self) -> list[str]:
        """Give the ids of what people do now, without the row and the ticket."""
        return [act.id.removeprefix("r1/").replace(f"{TICKET}-", "#") for act in self.wanted()]


def test_a_department_signs_and_finishes(profile: Profile) -> None:
    """The ids follow from row and order, so that a second run repeats them."""
    played = Played(profile)
    played.order(1, "huanwei")
    assert played.ids() == ["#1/sign", "#1/done"]
    assert all(isinstance(act, Update) and act.department == "huanwei" for act in played.wanted())
    played.fact(TicketClosed.type, outcome="solved")
    assert played.wanted() == []
    assert played.life.settled()


def test_what_was_never_signed_stays_so(profile: Profile) -> None:
    """Nothing is wanted, and the life is as recorded once its order is there."""
    played = Played(profile, stretches=(Stretch(signed=False, done=False),), ends="open")
    assert not played.life.settled()
    played.order(1, "huanwei")
    assert played.wanted() == []
    assert played.life.settled()


def test_what_was_signed_and_left_is_settled_once_the_signature_was_taken(profile: Profile) -> None:
    """An update that was sent is not yet one that was taken."""
    played = Played(profile, stretches=(Stretch(done=False),), ends="open")
    played.order(1, "huanwei")
    assert played.ids() == ["#1/sign"]
    assert not played.life.settled()
    played.told(UpdateAccepted.type, 1, update_id=f"r1/{TICKET}-1/sign")
    assert played.life.settled()


def test_the_first_hand_over_is_a_return_the_second_the_officers(profile: Profile) -> None:
    """The department proposes the next one; when it came back too often, the tool decides as the duty officer."""
    played = Played(profile, stretches=(Stretch(("huanwei", "chengguan", "shizheng")),))
    played.order(1, "huanwei")
    assert played.ids() == ["#1/return"]
    (back,) = played.wanted()
    assert back.body["proposed_department"] == "chengguan"
    played.told(DepartmentOrderWithdrawn.type, 1, reason="returned")
    assert played.wanted() == []
    played.order(2, "chengguan")
    assert played.ids() == ["#2/return"]
    played.told(DepartmentOrderWithdrawn.type, 2, reason="returned")
    played.fact(AdjudicationAsked.type, unit="511802001", level="street", returns=2)
    (act,) = played.wanted()
    assert isinstance(act, Act)
    assert (act.command, act.body["to"]["id"]) == ("assign", "shizheng")
    played.order(3, "shizheng", returnable=False)
    assert played.ids() == ["#3/sign", "#3/done"]
    assert played.life.hand_overs == 2


def test_what_may_not_be_returned_is_assigned(profile: Profile) -> None:
    """A duty officer's decision may not come back; the next hand-over is another decision."""
    played = Played(profile, stretches=(Stretch(("huanwei", "chengguan")),))
    played.order(1, "huanwei", returnable=False)
    assert played.ids() == ["#1/assign"]


def test_a_refused_return_is_assigned(profile: Profile) -> None:
    """The record says that it went on, whatever the rules of returning say."""
    played = Played(profile, stretches=(Stretch(("huanwei", "chengguan")),))
    played.order(1, "huanwei")
    played.told(UpdateRefused.type, 1, update_id=f"r1/{TICKET}-1/return", reason="no", detail="no")
    assert played.ids() == ["#1/assign"]


def test_a_first_choice_that_is_not_the_recorded_one_goes_back(profile: Profile) -> None:
    """It is a correction and not a hand-over."""
    played = Played(profile, stretches=(Stretch(("huanwei",)),))
    played.order(1, "chengguan")
    (back,) = played.wanted()
    assert back.body["proposed_department"] == "huanwei"
    played.told(DepartmentOrderWithdrawn.type, 1, reason="returned")
    played.order(2, "huanwei")
    assert played.ids() == ["#2/sign", "#2/done"]
    assert played.life.corrected
    assert played.life.hand_overs == 0


def test_a_reopening_is_asked_for_and_the_new_order_worked_on(profile: Profile) -> None:
    """Once for each recorded one, whichever of log and department's topic is seen first."""
    played = Played(profile, stretches=(Stretch(("huanwei",)), Stretch(("huanwei",))))
    played.order(1, "huanwei")
    played.fact(TicketClosed.type, outcome="solved")
    assert played.ids() == ["reopen/1"]
    assert not played.life.settled()
    played.order(2, "huanwei")
    played.fact(TicketReopened.type, reason="x", reopenings=1)
    assert played.ids() == ["#2/sign", "#2/done"]
    played.fact(TicketClosed.type, outcome="solved", closings=2)
    assert played.wanted() == []
    assert played.life.settled()


def test_rework_is_said_as_often_as_scripted(profile: Profile) -> None:
    """The verifier fails it, the department does it again under an id of its own, then it stands."""
    played = Played(profile, reworks=("half done",), rating=5)
    played.order(1, "huanwei")
    played.fact(VerificationAsked.type, order_id=f"{TICKET}-1", unit="511802001")
    verdict = played.wanted()[0]
    assert (verdict.id, verdict.body["passed"], verdict.body["note"]) == ("r1/verify/1", False, "half done")
    played.fact(ReworkOrdered.type, order_id=f"{TICKET}-1", reason="half done", reworks=1)
    played.told(DepartmentOrderReworked.type, 1, attempt=2)
    assert played.ids() == ["#1/sign", "#1/done/2"]
    played.fact(VerificationAsked.type, order_id=f"{TICKET}-1", unit="511802001")
    assert played.wanted()[0].body["passed"] is True
    played.fact(CallBackAsked.type, unit="511802001")
    called = played.wanted()[0]
    assert (called.body["solved"], called.body["rating"]) == (True, 5)


def test_a_fact_that_was_published_again_is_skipped(profile: Profile) -> None:
    """Its sequence number tells."""
    played = Played(profile)
    played.fact(VerificationAsked.type, order_id=f"{TICKET}-1", unit="u")
    played.life.happened(VerificationAsked.type, "gridcall/any", 1, "cause", {"order_id": "x", "unit": "u"})
    assert played.life.verdicts_asked == 1


def test_a_person_triages_what_is_missing(profile: Profile) -> None:
    """What the script leaves open is filled with something that the profile knows."""
    played = Played(profile, triage={"category": "0113"})
    played.fact(TriageNeeded.type, missing=["category", "place"], unit="511802001", detail={"zh": "", "en": ""})
    (act,) = played.wanted()
    assert act.body["category"] == "0113"
    assert act.body["condition"] == "broken"
    assert act.body["unit"] == "511802001"


def test_a_units_people_work_at_the_desk(profile: Profile) -> None:
    """They have no topic, so they are seen on the log and act by commands."""
    played = Played(profile)
    played.fact(OrderIssued.type, order_id=f"{TICKET}-1", handler={"kind": "unit", "id": "511802001"})
    assert [(act.command, act.body["order_id"]) for act in played.wanted() if isinstance(act, Act)] == [
        ("sign", f"{TICKET}-1"),
        ("done", f"{TICKET}-1"),
    ]


def test_the_same_order_under_two_message_ids_is_seen(profile: Profile) -> None:
    """That is a doubled order; the same message twice is not."""
    played = Played(profile)
    for message in ("m1", "m1", "m2"):
        played.life.issued(message, {"order_id": f"{TICKET}-1", "role": "lead"}, "huanwei")
    assert played.life.issued_by == {f"{TICKET}-1": {"m1", "m2"}}
