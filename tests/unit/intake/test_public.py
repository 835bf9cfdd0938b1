"""What of a request may everybody read?"""

from __future__ import annotations

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import published
from services.intake.domain.public import without_rooms
from shared.messages import Place, TicketReported
from tests.unit.intake.counter import profile
from tests.unit.intake.test_tracking import golden


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("东大街12号3单元502室", "东大街12号***"),
        ("东大街12号3栋2单元", "东大街12号3栋***"),
        ("东大街12号三单元五楼五〇二室漏水", "东大街12号***漏水"),
        ("12 Dongdajie, Apt. 5B, Ya'an", "12 Dongdajie, ***, Ya'an"),
        ("Flat 3 at Room No. 12", "*** at ***"),
        ("unit B12 leaks", "*** leaks"),
        ("３单元５０２室", "***"),
    ],
)
def test_homes_are_hidden(said: str, shown: str) -> None:
    """In both languages, in any digits."""
    assert without_rooms(said) == shown


@pytest.mark.parametrize(
    "text",
    [
        "东大街12号门前",
        "第3号楼外墙",
        "三层楼高的广告牌",
        "2026-11-22起路灯不亮",
        "公共卫生间",
        "room for two cars",
        "a flat tyre",
        "5楼",
    ],
)
def test_what_names_no_home_is_shown(text: str) -> None:
    """Houses, floors, dates and ordinary words."""
    assert without_rooms(text) == text


@given(st.text(max_size=200))
def test_what_is_shown_hides_no_more_when_it_is_read_again(text: str) -> None:
    """Nothing that is left out leaves anything behind that looks like a room."""
    once = without_rooms(text)
    assert without_rooms(once) == once


def report(**changes: object) -> TicketReported:
    """Give a report of the golden files."""
    fact: TicketReported = golden("reported", **changes)
    return fact


def test_only_channels_that_the_city_publishes_are_public() -> None:
    """Usually Open311's alone; a category must be known, by any of its names."""
    assert published(report(channel="hotline", category="0113"), profile()) is None
    assert published(report(channel="open311", category=None), profile()) is None
    assert published(report(channel="open311", category="of another city"), profile()) is None
    public = published(report(channel="open311", category="路面坑洼", condition="no such"), profile())
    assert public is not None
    assert (public.code, public.condition) == ("0113", None)
    city = copy.copy(profile())
    city.intake = city.intake.model_copy(update={"public": ("hotline",)})
    assert published(report(channel="hotline", category="0113"), city) is not None
    assert published(report(channel="open311", category="0113"), city) is None


def test_an_address_in_numbers_ends_at_the_house() -> None:
    """Building, stairs and room are written 3-2-501 too; a date is not."""
    place = Place(address="东大街12号 3-2-501").model_dump()
    public = published(report(channel="open311", category="0113", place=place), profile())
    assert public is not None
    assert public.address == "东大街12号 ***"
