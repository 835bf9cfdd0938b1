"""What stays true among tickets: merged, of one family, of one visit, in one round, each with a life of its own?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from shared import messages as m
from tests.unit.loop.city import CITY, COMMUNITY, FIRST_RECEIVER, GRID, STREET, city
from tests.unit.loop.test_machine import WholeLife, seldom, which, words
from tests.unit.loop.truths import TRUTHS
from tests.unit.loop.world import Town

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.profile import Profile
    from tests.unit.loop.world import World

ROUNDED: Final = city(
    "rounded",
    **{
        "loop.rounds": {"desk": "street", "at": ["10:30", "16:00"], "severities": ["III", "IV"]},
        "loop.settlement": [],
        "loop.small": [],
        "clocks.calendar": "office",
    },
)
"""What may wait is dispatched by a desk in rounds."""
TICKETS: Final = ("000000000000000A", "000000000000000B", "000000000000000C")


class TownLife(WholeLife):
    """Up to three tickets: whatever may happen to one, and whatever one may do to another, delivered in any order."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.town = Town(CITY)

    @property
    def time(self) -> Town:
        """Time passes for all."""
        return self.town

    @property
    def worlds(self) -> Sequence[World]:
        """Give every ticket."""
        return tuple(self.town.worlds.values())

    @initialize(
        profile=st.sampled_from([ROUNDED, CITY, FIRST_RECEIVER]),
        category=st.sampled_from(["0101", "0201", "0501"]),
        another=st.sampled_from(["0101", "0201", "0501"]),
    )
    def begin(self, profile: Profile, category: str, another: str) -> None:
        """Two people report something."""
        self.town = Town(profile)
        self.arrive(TICKETS[0], category)
        self.arrive(TICKETS[1], another)

    def arrive(self, ticket: str, category: str, **given: Any) -> None:
        """Somebody reports something; what follows is done to this one."""
        fields = {
            "category": category,
            "condition": "building" if category == "0101" else None,
            "place": m.Place(grid=GRID),
            "caller": m.CallerRef(ref=f"c-{ticket}", callback=True, masked_phone="138****0000"),
        }
        self.world = self.town.report(ticket, **(fields | given))
        self.wake()

    @precondition(lambda self: len(self.town.worlds) < len(TICKETS))
    @rule(
        category=st.sampled_from(["0101", "0201", "0501", "gone"]),
        at=st.sampled_from(TICKETS[:2]),
        outcome=st.sampled_from([None, "settled", "explained", "promised", "open"]),
    )
    def report(self, category: str, at: str, outcome: str | None) -> None:
        """One more is reported, perhaps at a visit, where it may be settled, explained, or promised."""
        said: dict[str, Any] = {}
        if outcome is not None:
            said = {"visit": at}
            if outcome == "promised":
                said["promised_by"] = "2026-04-01"
            elif outcome != "open":
                said |= {"outcome": outcome, "answer": "已当场处理"}
        self.arrive(TICKETS[2], category, channel="hotline" if outcome is None else "visit", attributes=said)
        self.arrives()

    @rule(nth=which)
    def look_at(self, nth: int) -> None:
        """What follows is done to another ticket."""
        self.world = self.worlds[nth % len(self.worlds)]

    # ------------------------------------------------------------ one and another

    @rule(
        relation=st.sampled_from(["merge", "merge", "attach", "attach", "relate"]),
        nth=which,
        reason=words,
        at_once=st.sampled_from([True, True, False]),
    )
    def join(self, relation: str, nth: int, reason: str, at_once: bool) -> None:  # noqa: FBT001
        """Merge into another, become a part of it, or be related; seldom into itself."""
        others = [world.ticket for world in self.worlds if world is not self.world or nth == 0]
        other = others[nth % len(others)]
        joins: dict[str, m.Command] = {
            "merge": m.MergeTicket(by="钱", into=other, reason=reason),
            "attach": m.AttachTicket(by="钱", parent=other, reason=reason),
            "relate": m.RelateTicket(by="钱", other=other, reason=reason),
        }
        self.do(joins[relation])
        if at_once:
            self.arrives()

    def arrives(self) -> None:
        """All that is under way is delivered."""
        self.town.deliver_all()
        self.wake()

    @precondition(lambda self: self.world.closure.family is not None)
    @rule(part=st.sampled_from([m.UnmergeTicket, m.DetachTicket]), reason=words)
    def part(self, part: Any, reason: str) -> None:
        """Be no longer one, or a part."""
        self.do(part(by="钱", reason=reason))

    @precondition(lambda self: self.town.gather())
    @rule(nth=which, twice=st.booleans())
    def deliver(self, nth: int, twice: bool) -> None:  # noqa: FBT001
        """A command from one to another arrives, perhaps twice."""
        ways = self.town.gather()
        self.town.deliver(ways[nth % len(ways)], twice=twice)
        if twice:
            self.arrives()
        self.wake()

    # ------------------------------------------------------------ rounds and visits

    @precondition(lambda self: self.world.dispatch.round_closes is not None)
    @rule(nth=which)
    def release(self, nth: int) -> None:
        """The desk dispatches it as proposed, or to somebody else, or leaves it."""
        if nth % 3 == 0:
            self.do(m.ReleaseTicket(by="赵"))
        elif nth % 3 == 1:
            self.do(m.AssignTicket(to=m.Handler(kind="department", id="power"), reason="x", by="赵"))

    @precondition(lambda self: self.world.dispatch.items)
    @rule(nth=which, outcome=st.sampled_from(["settled", "explained", "ticket"]), note=words, undated=seldom)
    def settle_item(self, nth: int, outcome: Any, note: str, undated: bool) -> None:  # noqa: FBT001
        """Say what became of something that was said at the visit."""
        items = sorted(self.world.dispatch.items)
        promised = None if undated else self.town.now.replace(year=2027)
        self.do(m.SettleItem(item=items[nth % len(items)], outcome=outcome, promised_by=promised, note=note, by="王"))

    @rule(who=st.sampled_from([STREET, COMMUNITY]))
    def everybody_finishes(self, who: str) -> None:
        """Whatever is open on this ticket is signed, settled and done; what waits for a person is seen to."""
        for item, outcome in self.world.dispatch.items.items():
            if outcome == "open":
                self.do(m.SettleItem(item=item, outcome="settled", note=f"{who}已办", by="王"))
        if self.world.dispatch.open is not None:
            self.all_finish()
        if self.world.phase == "verifying":
            self.do(m.VerifyTicket(passed=True, note="已看", by="周"))
        if self.world.phase == "calling-back":
            self.do(m.RecordCallBack(reached=True, solved=True, by="吴"))

    # ------------------------------------------------------------ in the end

    def teardown(self) -> None:
        """When all is delivered and closed, the auditor finds nothing and every caller was told."""
        self.town.deliver_all()
        self.wake()
        for world in self.worlds:
            family = world.closure.family
            if family is not None:
                assert family.asked is None
                assert all(self.town.worlds[child.id].closure.family for child in family.children)
        if not self.slept:  # what days of sleep do to clocks is the matter of one ticket's own machines
            super().teardown()
        for world in self.worlds:
            if world.phase != "closed" and not getattr(world.closure.family, "attached", False):
                world.say(m.CloseTicket(reason="完", by="郑"))
            self.town.deliver_all()
        for world in self.worlds:
            assert world.phase == "closed"
            self.told(world)
        for world in self.worlds:
            for holds in TRUTHS:
                holds(world)

    def told(self, world: World) -> None:
        """Whoever reported it was told what it came to, last of all, whatever they were told before."""
        ends = [each for each in world.receipts if isinstance(each, m.ReportClosed | m.ReportDiverted)]
        assert ends, (world.ticket, [type(each).__name__ for each in world.receipts])


TownLife.TestCase.settings = settings(
    max_examples=30, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
test_whatever_happens_among_tickets = TownLife.TestCase
