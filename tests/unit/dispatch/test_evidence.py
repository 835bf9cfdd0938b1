"""What must be handed in with the word that it is done, and what is whoever told that has not?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.messages import Attachment, CallTicket, CategoryRef, OrderDone, ReworkOrdered, Step, UpdateRefused
from tests.support.fold import TICKET
from tests.unit.dispatch.orders import (
    FIRST,
    GRID,
    POLICE,
    SECOND,
    TO_WATER,
    WATER,
    dispatch,
    done,
    note,
    sign,
    triaged,
    update,
)
from tests.unit.sla.cities import city

if TYPE_CHECKING:
    from services.dispatch.domain import DispatchState
    from tests.support.fold import Folded, Said

STRICT = city(
    "strict",
    **{
        "closing.evidence": [
            {"size": "small", "need": ["text"]},
            {
                "categories": ["05*"],
                "severities": ["I", "II"],
                "need": ["photo-before", "photo-after", "place", "text"],
            },
            {"categories": ["05*"], "need": ["photo-after"]},
        ]
    },
)
ALL: dict[str, Any] = {"result": "已修复", "lon": 100.15, "lat": 30.15}


def photo(moment: Any = None, media_type: str = "image/jpeg") -> Attachment:
    """Give a photo of a moment."""
    return Attachment(url=f"https://files.example/{moment}.jpg", media_type=media_type, moment=moment)


BOTH = (photo("before"), photo("after"))


def signed(**given: Any) -> Folded[DispatchState]:
    """Give dispatch with a leak whose order is signed, where evidence is wanted."""
    folded = dispatch(STRICT, **given)
    update(folded, sign())
    return folded


def why_not(said: Said) -> tuple[str, str, str]:
    """Give reason and both sentences of a refusal."""
    assert said.refused is not None
    return said.refused.reason, said.refused.detail.en, said.refused.detail.zh


def test_what_is_wanted_and_there_is_enough() -> None:
    """Photos, place and words: it is done, and what proves it goes with it."""
    (fact,) = update(signed(), done(evidence=BOTH, **ALL)).facts
    assert isinstance(fact, OrderDone)
    assert (fact.evidence, fact.lon, fact.lat) == (BOTH, 100.15, 30.15)


@pytest.mark.parametrize(
    ("given", "en", "zh"),
    [
        ({"evidence": (photo("after"),), **ALL}, 'moment "before"', "处置前照片"),
        ({"evidence": (photo("before"),), **ALL}, 'moment "after"', "处置后照片"),
        ({"evidence": BOTH, "result": "已修复"}, "`lon` and `lat`", "办理地点"),
        ({"evidence": BOTH, "result": "已修复", "lon": 100.15}, "`lon` and `lat`", "办理地点"),
        ({"evidence": BOTH, "result": "  ", "lon": 1, "lat": 2}, "`result` or `detail`", "办理情况说明"),
        ({"evidence": (photo(), photo("before")), **ALL}, 'moment "after"', "处置后照片"),
        ({"evidence": (photo("before"), photo("after", "application/pdf")), **ALL}, 'moment "after"', "处置后照片"),
    ],
)
def test_what_is_missing_is_named(given: dict[str, Any], en: str, zh: str) -> None:
    """In both languages, with the field to add; nothing else is asked for, and the order stays open."""
    folded = signed()
    said = update(folded, done(**given))
    reason, told_en, told_zh = why_not(said)
    assert reason == "evidence-missing"
    assert en in told_en
    assert zh in told_zh
    assert told_en.count(";") == 0
    assert folded.state().open is not None


def test_a_department_hears_what_to_add_on_its_topic() -> None:
    """With the id of its own update."""
    said = update(signed(), done(), ce_id="u-7")
    ((topic, answer),) = said.effects
    assert topic == TO_WATER
    assert isinstance(answer, UpdateRefused)
    assert (answer.update_id, answer.reason) == ("u-7", "evidence-missing")
    assert "photo from before" in answer.detail
    assert "处置后照片" in answer.detail


def test_what_was_shown_on_the_way_need_not_be_shown_again() -> None:
    """The photo with a note, the place with a check-in."""
    folded = signed()
    update(folded, note(attachments=(photo("before"),)))
    update(folded, note(progress="check-in", lon=100.15, lat=30.15))
    assert update(folded, done(evidence=(photo("after"),), result="已修复")).refused is None


def test_a_check_in_without_a_place_proves_none() -> None:
    """Somebody says that they are there, and does not say where."""
    folded = signed()
    update(folded, note(progress="check-in"))
    assert "办理地点" in why_not(update(folded, done(evidence=BOTH, result="已修复")))[2]


def test_the_callers_photo_of_before_counts() -> None:
    """Who has said of it that it is one from before."""
    folded = signed(attachments=(photo("before"),))
    assert update(folded, done(evidence=(photo("after"),), **ALL)).refused is None


def test_a_rework_is_proved_anew_but_for_what_it_was_like_before() -> None:
    """What it looks like after, and that somebody was there, is of the work."""
    folded = signed()
    update(folded, done(evidence=BOTH, **ALL))
    folded.read(ReworkOrdered(order_id=FIRST, reason="还漏", by="赵", reworks=1))
    _, en, _ = why_not(update(folded, done(result="再修")))
    assert "before" not in en
    assert "after the work" in en
    assert "`lon` and `lat`" in en
    assert update(folded, done(evidence=(photo("after"),), **ALL)).refused is None


def test_the_first_row_that_fits_holds() -> None:
    """A light leak needs a photo from after it, and no more."""
    folded = signed(severity="IV")
    assert "处置后照片" in why_not(update(folded, done()))[2]
    assert update(folded, done(evidence=(photo("after"),))).refused is None


def test_nothing_is_wanted_where_no_row_fits() -> None:
    """The profile says nothing of this category."""
    folded = signed(category=CategoryRef(code="0101", name="私搭", condition="built"))
    assert update(folded, done()).refused is None


def test_a_small_matter_is_settled_in_the_grid_with_light_evidence() -> None:
    """And is no small one any more once the grid has called."""
    first = Step(tier="small", handler=GRID)
    folded = dispatch(STRICT, size="small", before=(first,))
    update(folded, sign(FIRST, None, "丙"))
    assert "办理情况说明" in why_not(update(folded, done(FIRST, None, "丙")))[2]
    again = dispatch(STRICT, size="small", before=(first,))
    update(again, sign(FIRST, None, "丙"))
    assert update(again, done(FIRST, None, "丙", result="已劝离")).refused is None
    called = dispatch(STRICT, size="small", before=(first,))
    called.read(CallTicket(reason="要开挖", by="丙"))
    update(called, sign(SECOND))
    assert "photo from before" in why_not(update(called, done(SECOND, result="已修复")))[1]


def test_an_assist_hands_in_nothing() -> None:
    """The lead answers for the proof."""
    folded = signed(assists=(POLICE,))
    update(folded, sign(SECOND, "police"))
    assert update(folded, done(SECOND, "police")).refused is None


def test_the_order_that_is_done_names_who_had_a_hand_in_it() -> None:
    """So that none of them verifies it: who signed, who noted, and who assisted; each once."""
    folded = dispatch(assists=(POLICE,))
    update(folded, sign(by="李"))
    update(folded, note(by="王"))
    update(folded, note(by="李"))
    update(folded, sign(SECOND, "police", by="张"))
    update(folded, done(SECOND, "police", by="张"))
    (*_, fact) = update(folded, done(by="王")).facts
    assert (fact.by, fact.hands) == ("王", ("李", "张"))


def test_a_plain_ticket_keeps_nothing_of_it() -> None:
    """No photo, no place: nothing is remembered but who it was."""
    folded = dispatch()
    update(folded, sign())
    update(folded, note())
    order = folded.state().orders[0]
    assert (order.shown, order.hands, order.takes_over) == ((), ("李",), "")
    assert folded.state().misrouted is None
    assert (order.handler, TICKET) == (WATER, FIRST.rpartition("-")[0])
    assert triaged().attachments == ()
