"""Was what came right? Pure functions from what was heard in a case to a verdict with a sentence."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from deploy.conformance.heard import Heard

Result = Literal["passed", "failed", "not tried"]
TIMES: Final = 3
"""How often a client may send an update anew after it was refused, before it counts as a loop."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a case ended, and what came."""

    result: Result
    came: str


@dataclass(frozen=True, slots=True)
class Course:
    """What was heard in one case, by the names that the case gives its orders."""

    said: Sequence[Heard]
    tried: bool = True
    """False: something that the case needs could not be done (nobody restarted the client)."""

    def of(self, order: str, kind: str = "", after: int = -1) -> list[Heard]:
        """Give the different updates about an order, those sent again left out, that came after a step."""
        first: dict[tuple[str, str], Heard] = {}
        for each in self.said:
            if each.order == order and kind in {"", each.kind}:
                first.setdefault(each.key, each)
        return [each for each in first.values() if each.step > after]


Check = Callable[[Course], Verdict]


def passed(came: str) -> Verdict:
    """Give a good verdict."""
    return Verdict("passed", came)


def failed(came: str) -> Verdict:
    """Give a bad one."""
    return Verdict("failed", came)


def not_tried(why: str) -> Verdict:
    """Give none."""
    return Verdict("not tried", why)


def signed_once(*orders: str) -> Check:
    """Each of these orders is signed for exactly once; one that was returned instead says nothing."""

    def check(course: Course) -> Verdict:
        for order in orders:
            signatures = course.of(order, "sign")
            if not signatures and course.of(order, "return"):
                return not_tried(f"order {order} was returned instead of signed")
            if not signatures:
                return failed(f"no signature for order {order}")
            if len(signatures) > 1:
                return failed(f"{len(signatures)} signatures with different ce_id for order {order}")
        return passed(f"one signature for {'each of ' if len(orders) > 1 else ''}order {', '.join(orders)}")

    return check


def done_once(*orders: str) -> Check:
    """Each of these orders is done exactly once; where nobody finishes any of them, nothing is said."""

    def check(course: Course) -> Verdict:
        counts = {order: len(course.of(order, "done")) for order in orders}
        if not any(counts.values()):
            return not_tried("nobody finished it: let the client send done, or do it by hand")
        for order, count in counts.items():
            if count != 1:
                return failed(f"{count or 'no'} done for order {order}")
        return passed(f"done once: order {', '.join(orders)}")

    return check


def both(*checks: Check) -> Check:
    """The first of these verdicts that is not good, else the last."""

    def check(course: Course) -> Verdict:
        verdicts = [each(course) for each in checks]
        bad = [v for v in verdicts if v.result == "failed"] + [v for v in verdicts if v.result == "not tried"]
        return bad[0] if bad else verdicts[-1]

    return check


def silent(order: str, after: int, why: str) -> Check:
    """Nothing more is said of an order after a step."""

    def check(course: Course) -> Verdict:
        more = course.of(order, after=after)
        if not course.of(order):
            return not_tried("the client did not take the order up")
        if more:
            return failed(f"{', '.join(each.kind or 'a record without headers' for each in more)} {why}")
        return passed("nothing more came")

    return check


def no_loop(order: str) -> Check:
    """A refused update is not sent anew again and again, and what depends on it is not sent at all."""

    def check(course: Course) -> Verdict:
        if not course.of(order):
            return failed(f"nothing came for order {order}")
        if course.of(order, "done"):
            return failed("done, although the signature was refused")
        count = len(course.of(order, "sign"))
        if count > TIMES:
            return failed(f"the refused signature was sent anew {count - 1} times")
        return passed("the refusal was taken")

    return check


def returned(order: str, after: int) -> Check:
    """An order that was returned is left alone."""

    def check(course: Course) -> Verdict:
        if not course.of(order, "return"):
            return not_tried("the client did not return the order, which is its own decision")
        return silent(order, after, "after the return was accepted")(course)

    return check


def done_again(order: str, after: int) -> Check:
    """After a rework there is another done with an id of its own, and no second signature."""

    def check(course: Course) -> Verdict:
        before = [each for each in course.of(order, "done") if each.step <= after]
        again = course.of(order, "done", after)
        if not before:
            return not_tried("nobody finished it: let the client send done, or do it by hand")
        if course.of(order, "sign", after):
            return failed("signed again: a reworked order is signed for already")
        if any(each.key == before[0].key and each.step > after for each in course.said):
            return failed("done with the ce_id of the first one: it counts as the same update, and the rework is lost")
        if len(again) != 1:
            return failed(f"{len(again) or 'no'} done after the rework")
        return passed("done again, with an id of its own")

    return check


def tried(check: Check, why: str) -> Check:
    """The verdict of a check, where what it needs could be done."""

    def look(course: Course) -> Verdict:
        return check(course) if course.tried else not_tried(why)

    return look


# ---------------------------------------------------------------- over all cases


def well_formed(course: Course) -> Verdict:
    """Every record has its headers, a known type and a value of its schema."""
    if not course.said:
        return failed("nothing came at all: does the client run, and read this department's topic?")
    bad = [each for each in course.said if each.problem]
    if bad:
        return failed(f"{len(bad)} of {len(course.said)}: {bad[0].problem}")
    return passed(f"{len(course.said)} records, all readable")


def own_ids(course: Course) -> Verdict:
    """No two different updates share (ce_source, ce_id)."""
    bodies: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for each in course.said:
        if each.id:
            bodies[each.key].add((each.kind, each.order))
    reused = [key for key, different in bodies.items() if len(different) > 1]
    if not bodies:
        return not_tried("no update had an id")
    if reused:
        return failed(f"ce_id {reused[0][1]!r} stands for {len(bodies[reused[0]])} different updates")
    return passed(f"{len(bodies)} ids")


OUT_OF_TURN: Final = {
    "refused: not-signed": "before the order was signed for",
    "refused: already-signed": "a second time",
    "refused: no-such-order": "for an order that was never issued",
}


def in_turn(course: Course) -> Verdict:
    """Nothing is sent that an order's state does not allow."""
    wrong = [each for each in course.said if each.answer in OUT_OF_TURN]
    if not course.said:
        return not_tried("nothing came")
    if wrong:
        first = wrong[0]
        return failed(f"{first.kind} {OUT_OF_TURN[first.answer]} (case {first.case}); {len(wrong)} in all")
    return passed("every update was allowed when it came")


def after_resync(course: Course) -> Verdict:
    """Whoever has asked for a snapshot signs for nothing that the snapshot shows as signed."""
    asked = [number for number, each in enumerate(course.said) if each.kind == "resync"]
    if not asked:
        return not_tried("the client did not ask for a snapshot (gridcall.order.resync.v1)")
    again = [each for each in course.said[asked[0] :] if each.answer == "refused: already-signed"]
    if again:
        return failed(f"{len(again)} orders signed again that the snapshot shows as signed")
    return passed("the snapshot was taken as it stands")
