"""What do people do besides the usual work: who calls, whistles, checks in, assists, and in what order?"""

from __future__ import annotations

import pytest

from deploy.replay.life import Act, Update
from deploy.replay.script import Deed, script_from
from shared.messages import OrderDone, RoundJoined, TicketCalled, UpdateAccepted, WhistleRaised
from shared.profile import Profile, find_profile, load_profile
from tests.unit.replay.test_life import TICKET, Played


@pytest.fixture(scope="module")
def profile() -> Profile:
    """Give the default profile."""
    return load_profile(find_profile("yucheng"))


def issued(played: Played, number: int, handler: str, role: str, *assists: str) -> None:
    """Let a department get an order of a role."""
    named = [{"kind": "department", "id": each} for each in assists]
    body = {"order_id": f"{TICKET}-{number}", "role": role, "returnable": True, "assists": named}
    played.life.issued(f"m{number}", body, handler)


def test_the_lead_finishes_after_its_assists(profile: Profile) -> None:
    """Whoever assists does what is asked; the lead waits also for orders that it only knows of."""
    played = Played(profile)
    issued(played, 1, "huanwei", "lead", "chengguan")
    assert played.ids() == ["#1/sign"]
    issued(played, 2, "chengguan", "assist")
    assert played.ids() == ["#2/sign", "#2/done", "#1/sign"]
    played.fact(OrderDone.type, order_id=f"{TICKET}-2")
    assert played.ids() == ["#1/sign", "#1/done"]


def test_what_the_script_says_comes_before_the_work_one_after_the_other(profile: Profile) -> None:
    """Each act waits for its fact and for the act before; whoever leads then works."""
    played = Played(
        profile,
        acts=(
            Deed({"situation": "joint", "unit": "511802001"}, command="raise-whistle", after="called"),
            Deed({"at": "$now", "by": "x"}, says="check-in", handler="gongan", role="whistle", after="whistle-raised"),
        ),
    )
    issued(played, 1, "huanwei", "lead")
    assert played.ids() == []
    played.fact(TicketCalled.type)
    (act,) = played.wanted()
    assert isinstance(act, Act)
    assert (act.command, act.body["situation"]) == ("raise-whistle", "joint")
    played.life.acted.add(act.id)
    assert played.ids() == []
    played.fact(WhistleRaised.type)
    issued(played, 2, "gongan", "whistle")
    (update,) = played.wanted()
    assert isinstance(update, Update)
    assert (update.type, update.department) == ("gridcall.order.check-in.v1", "gongan")
    assert update.body["order_id"] == f"{TICKET}-2"
    played.life.told(UpdateAccepted.type, {"order_id": f"{TICKET}-2", "update_id": update.id})
    assert played.ids() == ["#1/sign", "#1/done"]


def test_a_body_that_is_called_checks_in_at_the_desk(profile: Profile) -> None:
    """An act that names a handler is about that one's order, else about the lead's."""
    acts = (Deed({"progress": "check-in"}, command="progress", handler="team", role="whistle"),)
    played = Played(profile, acts=acts)
    issued(played, 1, "huanwei", "lead")
    played.life.seen["gridcall.ticket.order-issued.v1"] = 1
    assert played.ids() == []
    issued(played, 2, "team", "whistle")
    (act,) = played.wanted()
    assert isinstance(act, Act)
    assert act.body["order_id"] == f"{TICKET}-2"


def test_a_round_is_decided_at_the_desk(profile: Profile) -> None:
    """What waits for a round is dispatched as proposed, once."""
    played = Played(profile)
    played.fact(RoundJoined.type)
    assert played.ids() == ["release"]
    issued(played, 1, "huanwei", "lead")
    assert played.ids() == ["#1/sign", "#1/done"]


def test_an_act_that_is_misspelt_is_said() -> None:
    """A field that no act has is no act."""
    with pytest.raises(TypeError, match="comand"):
        script_from({"acts": [{"comand": "call", "body": {}}]})
