"""Does the timers' campaign see what is wrong, and can its own faults not pass for a campaign that found nothing?"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from services.sla.handlers import decider
from shared.profile import parse_profile
from tests.campaign import timers
from tests.campaign.instances import CampaignError, Instance
from tests.campaign.plan import CLIMB, LIMIT, STORIES, Order, orders, profile_text
from tests.campaign.report import FAULT
from tests.campaign.verdict import DOUBLED, MISSED, UNFOUNDED, Firing, Overdue, judge, name_of
from tests.support.fold import Folded

if TYPE_CHECKING:
    from services.sla.domain import SlaState

MORNING = datetime(2026, 3, 4, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def told(order: Order) -> list[str]:
    """Give what sla says of an order when it is awake all the time."""
    fold: Folded[SlaState] = Folded(decider(parse_profile(profile_text(), "campaign")), order.at)
    lines, facts = order.lines(), list[Any]()
    end = order.at + LIMIT + CLIMB
    while True:
        due = fold.wake_at(order.ticket) or end + MINUTE
        if lines and lines[0].at <= due:
            fold.clock.advance(lines[0].at - fold.clock.now())
            for out in lines.pop(0).outgoing(fold.clock.now()):
                facts += fold.read(out).facts
        elif due > end:
            return [name for fact in facts if (name := name_of(fact))]
        else:
            fold.clock.advance(due - fold.clock.now())
            facts += fold.wake(order.ticket).facts


@pytest.mark.parametrize("title", STORIES)
def test_sla_tells_each_story_as_it_was_written(title: str) -> None:
    """The stories are what sla does without any crash: nothing is missed, doubled or unfounded."""
    order = Order("0123456789ABCDEF", title, MORNING, "v")
    assert judge([order], {order.ticket: told(order)}).right


def test_what_is_taken_out_added_and_made_up_is_found() -> None:
    """Each fact of a good campaign, left out and said twice; a breach of what was signed; a ticket of nobody."""
    campaign = orders(100, MORNING, 5 * MINUTE, "v", 1)
    facts = {order.ticket: list(order.story.must) for order in campaign}
    assert judge(campaign, facts).right
    for order in campaign:
        for place, fact in enumerate(order.story.must):
            fewer = judge(campaign, facts | {order.ticket: [*order.story.must[:place], *order.story.must[place + 1 :]]})
            more = judge(campaign, facts | {order.ticket: [*order.story.must, fact]})
            assert [wrong.fact for wrong in fewer.wrong[MISSED]] == [fact]
            assert [wrong.fact for wrong in more.wrong[DOUBLED]] == [fact]
            assert not fewer.right
            assert not more.right
    signed = next(order for order in campaign if order.title == "signed before the limit")
    for wrong in ({signed.ticket: [*signed.story.must, "breached sign"]}, {"0000000000000000": ["breached sign"]}):
        assert [found.fact for found in judge(campaign, facts | wrong).wrong[UNFOUNDED]] == ["breached sign"]
    assert judge(campaign, facts | {signed.ticket: []}, {signed.ticket}).right


def test_the_same_seed_gives_the_same_campaign() -> None:
    """Stories, tickets and instants."""
    assert orders(50, MORNING, MINUTE, "v", 7) == orders(50, MORNING, MINUTE, "v", 7)
    assert orders(50, MORNING, MINUTE, "v", 7) != orders(50, MORNING, MINUTE, "v", 8)


def test_what_was_overdue_follows_from_the_log() -> None:
    """Two tickets, one with two timers that fired at once; known exactly but between decision and publication."""

    def firing(ticket: str, due: float, decided: float) -> Firing:
        at, then = MORNING + MINUTE * due, MORNING + MINUTE * decided
        return Firing(ticket, 0, "breached", at, then, then + MINUTE, "x", (MORNING, MORNING))

    overdue = Overdue([firing("a", 2, 10), firing("a", 4, 10), firing("b", 6, 8)])
    for at, least, most in ((1, 0, 0), (3, 1, 1), (7, 2, 2), (8.5, 1, 2), (9.5, 1, 1), (10.5, 0, 1), (12, 0, 0)):
        assert overdue.between(MORNING + MINUTE * at, MORNING + MINUTE * at) == (least, most)
    assert overdue.between(MORNING, MORNING + 12 * MINUTE) == (0, 2)


def test_a_kill_that_hits_nothing_is_a_fault(tmp_path: Any) -> None:
    """A process that has ended by itself was not killed, and one that was never started neither."""
    city: Any = type("City", (), {"folder": tmp_path})
    instance = Instance(0, city)
    with pytest.raises(CampaignError):
        instance.kill()
    instance.process = subprocess.Popen([sys.executable, "-c", ""])
    instance.process.wait()
    with pytest.raises(CampaignError):
        instance.kill()
    instance.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    assert not instance.kill()


def test_a_campaign_that_breaks_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever it is that went wrong, the exit code is neither that of a finding nor that of none."""

    async def broken(_campaign: Any) -> None:
        raise ExceptionGroup("several", [CampaignError("no kill"), OSError("no disk")])

    monkeypatch.setattr(timers.Campaign, "run", broken)
    assert timers.main(["--timers", "1"]) == FAULT
    assert "no kill" in capsys.readouterr().out
