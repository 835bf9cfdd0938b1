"""What proves that something was done, what is missing, and who has had a hand in it?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.errors import Refused
from shared.messages import OrderProgressed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from services.dispatch.domain.state import DispatchState, Order
    from shared.messages import Attachment, CompleteOrder, OrderDone, Stage, StageCompleted, TicketTriaged
    from shared.profile import Profile, Proof, Size

STAYS: Final = "photo-before"
"""Of the matter and not of the work: shown once, it need not be shown again after a rework."""
HANDS: Final = 50
"""Most people who are remembered as having handled an order."""
ADD: Final[dict[Proof, tuple[str, str]]] = {
    "photo-before": (
        'a photo from before the work (in `evidence`, with moment "before")',
        "处置前照片（evidence中moment为before的图片）",
    ),
    "photo-after": (
        'a photo from after the work (in `evidence`, with moment "after")',
        "处置后照片（evidence中moment为after的图片）",
    ),
    "place": (
        "where it was done (`lon` and `lat`, or a check-in there with both)",
        "办理地点（lon、lat，或带经纬度的现场签到）",
    ),
    "text": ("a few words on what was done (`result` or `detail`)", "办理情况说明（result或detail）"),
}
"""What is to be added."""


def required(order: Order, triaged: TicketTriaged, profile: Profile, stage: Stage | None = None) -> tuple[Proof, ...]:
    """Give what must be handed in with the word that a lead's order is done: of a stage its own, of the last both."""
    own = () if stage is None else stage.evidence
    if not profile.closing.evidence or (stage is not None and stage != triaged.stages[-1]):
        return own
    need = profile.closing.needed(triaged.category.code, triaged.severity, _size(order, triaged))
    return (*own, *(each for each in need if each not in own))


def _size(order: Order, triaged: TicketTriaged) -> Size | None:
    """Give the size of a matter: it is small as long as it is with somebody who is asked before the lead."""
    if triaged.size == "big":
        return "big"
    return None if order.tier == "lead" else "small"


def enough(state: DispatchState, order: Order, triaged: TicketTriaged, done: CompleteOrder, profile: Profile) -> None:
    """Refuse the word that it is done while something that the profile wants with it is missing."""
    need = required(order, triaged, profile, state.stage if order.tier == "lead" else None)
    if not need:
        return
    have = {*order.shown, *shown_by(triaged.attachments), *shown_by(done.evidence)}
    have |= {STAYS for each in state.orders if STAYS in each.shown}
    if done.lon is not None and done.lat is not None:
        have.add("place")
    if done.result.strip() or done.detail.strip():
        have.add("text")
    missing = [proof for proof in need if proof not in have]
    if missing:
        en, zh = "; ".join(ADD[each][0] for each in missing), "；".join(ADD[each][1] for each in missing)
        raise Refused(
            "evidence-missing",
            f"What proves it is missing. Say again that it is done, and add: {en}.",
            f"办结材料不全，请补充后重新办结：{zh}。",
        )


def shown_by(attachments: Iterable[Attachment]) -> tuple[str, ...]:
    """Give what photos show."""
    moments = {each.moment for each in attachments if each.media_type.startswith("image/")}
    return tuple(f"photo-{moment}" for moment in ("before", "after") if moment in moments)


def after_shown(order: Order, fact: OrderProgressed | OrderDone | StageCompleted) -> dict[str, object]:
    """Give what is different once somebody has shown something, and who that was; nothing where both are known."""
    attachments = fact.attachments if isinstance(fact, OrderProgressed) else fact.evidence
    proofs = shown_by(attachments)
    if fact.lon is not None and fact.lat is not None:
        proofs += ("place",)
    shown = tuple(dict.fromkeys((*order.shown, *proofs)))
    changes: dict[str, object] = {} if shown == order.shown else {"shown": shown}
    return changes | after_hand(order, fact.by)


def after_hand(order: Order, by: str) -> dict[str, object]:
    """Give what is different once somebody has handled an order."""
    name = by.strip()
    return {"hands": (*order.hands, name)} if name and name not in order.hands and len(order.hands) < HANDS else {}


def kept(order: Order) -> tuple[str, ...]:
    """Give what need not be shown again when an order is reworked."""
    return (STAYS,) if STAYS in order.shown else ()


def hands(state: DispatchState, order: Order, by: str) -> tuple[str, ...]:
    """Give everybody who has had a hand in what the lead says is done, but who says it."""
    of: tuple[Order, ...] = (order,)
    if len(state.orders) > 1:
        beside = (each for each in state.orders if each.role == "assist" and each.state != "returned")
        of = (order, *(each for each in state.orders if each.state == "stage-over"), *beside)
    return tuple(name for name in dict.fromkeys(name for each in of for name in each.hands) if name != by.strip())
