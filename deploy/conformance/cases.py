"""What is tried with a client, and what must come? Every case is data: steps, and the check of what was heard."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from deploy.conformance.checks import (
    Check,
    after_resync,
    both,
    done_again,
    done_once,
    in_turn,
    no_loop,
    own_ids,
    returned,
    signed_once,
    silent,
    tried,
    well_formed,
)


@dataclass(frozen=True, slots=True)
class Issue:
    """Issue an order; `extra` are fields that no version of the contract has."""

    order: str
    description: str = "Test order, nothing to be done in the city. 测试派单，无需现场处理。"
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tell:
    """Say something about an order, by the name of its type."""

    order: str
    kind: str
    body: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Again:
    """Send the last message about an order once more, with the same ce_id; `kind` for the last of that type."""

    order: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Await:
    """Wait until one of these updates about an order has come, new ones only; when patience ends, go on."""

    order: str
    kinds: tuple[str, ...] = ("sign", "return")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Wait for what should not come."""


@dataclass(frozen=True, slots=True)
class Hold:
    """Keep all answers back."""


@dataclass(frozen=True, slots=True)
class Release:
    """Send the answers that were kept back, the last one first where `backwards`."""

    backwards: bool = False


@dataclass(frozen=True, slots=True)
class Refuse:
    """Refuse the next update of a kind about an order."""

    order: str
    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restart:
    """Have the client restarted, by a command or by whoever sits there."""


Step = Issue | Tell | Again | Await | Quiet | Hold | Release | Refuse | Restart


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that a client must get right; a case without steps looks at all that was heard."""

    id: str
    expected: str
    check: Check
    steps: tuple[Step, ...] = ()


DONE: Final = ("done", "return")
LONG: Final = "井盖破损，夜间无照明，请尽快处理。🚧👷🏽\u200d♀️🌧️«ñ»\u202eمرحبا\u202c\u200b𠮷野家门口\n" * 200
LATER: Final = "2030-01-02T03:04:05.000Z"

CASES: Final = (
    Case(
        "order",
        "an order is signed for once (or returned)",
        signed_once("a"),
        (Issue("a"), Await("a"), Quiet()),
    ),
    Case(
        "done",
        "after its signature was accepted an order is done once",
        both(signed_once("a"), done_once("a")),
        (Issue("a"), Await("a"), Await("a", DONE), Quiet()),
    ),
    Case(
        "same-order-twice",
        "the same message (ce_id) again changes nothing: one signature",
        signed_once("a"),
        (Issue("a"), Await("a"), Again("a", "issued"), Again("a", "issued"), Quiet()),
    ),
    Case(
        "same-answer-twice",
        "the same answer (ce_id) again changes nothing: one signature, one done at most",
        both(signed_once("a"), done_once("a")),
        (Issue("a"), Await("a"), Again("a", "accepted"), Await("a", DONE), Again("a", "accepted"), Quiet()),
    ),
    Case(
        "answers-out-of-order",
        "answers that come in another order than the updates reach their orders by update_id",
        both(signed_once("a", "b"), done_once("a", "b")),
        (
            Hold(),
            Issue("a"),
            Issue("b"),
            Await("a"),
            Await("b"),
            Release(backwards=True),
            Await("a", DONE),
            Await("b", DONE),
            Quiet(),
        ),
    ),
    Case(
        "refused",
        "a refused signature is neither sent anew for ever nor followed by done; the next order is signed",
        both(no_loop("a"), signed_once("b")),
        (Refuse("a", "sign", "order-over"), Issue("a"), Await("a"), Quiet(), Issue("b"), Await("b")),
    ),
    Case(
        "withdrawn",
        "nothing more is said of an order that was withdrawn",
        silent("a", 4, "after the order was withdrawn"),
        (
            Hold(),
            Refuse("a", "sign", "order-over"),
            Issue("a"),
            Await("a"),
            Quiet(),
            Tell("a", "withdrawn", {"reason": "reassigned"}),
            Release(),
            Quiet(),
        ),
    ),
    Case(
        "returned",
        "nothing more is said of an order whose return was accepted",
        returned("a", 1),
        (Issue("a", "Not yours: please return it. 不属于贵单位，请退单（not-ours）。"), Await("a"), Quiet()),
    ),
    Case(
        "rework",
        "an order that comes back is done again with a new ce_id and not signed again",
        done_again("a", 2),
        (
            Issue("a"),
            Await("a"),
            Await("a", DONE),
            Tell("a", "reworked", {"reason": "Not good enough. 未达标。", "handle_by": LATER, "attempt": 2}),
            Await("a", DONE),
            Quiet(),
        ),
    ),
    Case(
        "changes-and-reminders",
        "changed, reminded and escalated orders are still signed, and the next one too",
        signed_once("a", "b"),
        (
            Issue("a"),
            Tell("a", "changed", {"changes": {"handle_by": {"old": LATER, "new": LATER}}, "reason": "Test. 测试。"}),
            Tell("a", "reminded", {"clock": "sign", "due_at": LATER, "kind": "warning"}),
            Tell("a", "reminded", {"clock": "sign", "due_at": LATER, "kind": "urged"}),
            Tell("a", "escalated", {"from_level": "grid", "to_level": "community", "cause": "sign"}),
            Await("a"),
            Issue("b"),
            Await("b"),
            Quiet(),
        ),
    ),
    Case(
        "unknown-fields",
        "fields that a later version adds are passed over",
        signed_once("a"),
        (Issue("a", extra={"urgency_hint": {"scale": [1, 2, None]}, "zz": "新增字段"}), Await("a")),
    ),
    Case(
        "unknown-types",
        "types that a later version adds are passed over, and the next order is signed",
        signed_once("a"),
        (Tell("", "praised", {"note": "谢谢"}), Issue("a"), Tell("a", "praised", {"note": "谢谢"}), Await("a")),
    ),
    Case(
        "long-text",
        "a long description in Chinese with emoji and right-to-left text is read",
        signed_once("a"),
        (Issue("a", LONG), Await("a")),
    ),
    Case(
        "restart",
        "a restarted client signs what came meanwhile, and nothing twice",
        tried(signed_once("a", "b"), "nobody restarted the client: give --restart-command"),
        (Issue("a"), Await("a"), Issue("b"), Restart(), Await("b"), Quiet()),
    ),
    Case("well-formed", "every record has its headers, a known type and a value of its schema", well_formed),
    Case("own-ids", "every update has a ce_id of its own", own_ids),
    Case("in-turn", "nothing is sent that the order does not allow", in_turn),
    Case("resync", "after a snapshot nothing is signed again", after_resync),
)
