"""Does anybody's number get onto the log?"""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain import bare_digits, masked, masked_attributes, masked_json, masked_phone

SEPARATORS = " \t\u00a0\u200b\u3000.-‐–—－_()（）"
RUN = re.compile(rf"[0-9０-９〇一二三](?:[{re.escape(SEPARATORS)}]{{0,3}}[0-9０-９〇一二三]){{6,}}")
DATE = re.compile(r"(?:19|20)\d\d([-/.])\d\d?\1\d\d?(?:[T ]\d\d?:\d\d\S*)?")

pieces = st.sampled_from(["电话", "13812345678", " 东街12号", "2026-11-22", "2026-11-22 08:30", ",", "\n", "a", "栋"])
texts = st.lists(pieces | st.text(alphabet="0123456789０９〇一二三" + SEPARATORS, max_size=30)).map("".join)


@given(texts)
def test_no_run_of_seven_digits_survives(text: str) -> None:
    """However digits are set off; dates are taken out first, since they are kept on purpose."""
    assert RUN.search(DATE.sub("|", masked(text))) is None


@given(st.text() | texts)
def test_masking_twice_is_masking_once(text: str) -> None:
    """What is masked stays as it is."""
    assert masked(masked(text)) == masked(text)


@given(
    st.text(
        alphabet=st.characters(
            exclude_categories=["Nd"], exclude_characters="〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
        )
    )
)
def test_a_text_without_digits_is_not_touched(text: str) -> None:
    """Only numbers are masked."""
    assert masked(text) == text


@given(
    st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), st.sampled_from(["{}", "电话{},谢谢", "tel{}x", "({})", "+86 {}"])
)
def test_a_mobile_number_never_stands_whole(phone: str, around: str) -> None:
    """Whatever stands around it."""
    out = masked(around.format(phone))
    assert phone not in out
    assert (
        phone[-8:-4] not in re.sub(r"\D", "", out).removesuffix(phone[-4:])
        or phone[:4] == phone[-8:-4]
        or "86" in around
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("请打13812345678", "请打138****5678"),
        ("请打 138 1234 5678。", "请打 138****5678。"),
        ("138-1234-5678", "138****5678"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("幺三八一二三四五六七八", "幺三八****五六七八"),
        ("(0835) 222-3344", "(083****3344"),
        ("座机2223344", "座机****44"),
        ("tel13812345678x", "tel138****5678x"),
        ("身份证511802199001011234", "身份证511****1234"),
        ("13812345678,13987654321", "138****5678,139****4321"),
        ("20261122有人来过", "****22有人来过"),
    ],
)
def test_numbers_are_masked(text: str, expected: str) -> None:
    """As the field writes it."""
    assert masked(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "东大街12号3栋2单元1502室",
        "2026-11-22",
        "2026/11/22 08:30",
        "2026-11-22T08:30:00+08:00至2026-11-23",
        "2026年11月22日8时30分",
        "工单7K3M9Q2XBC4D5F6G",
        "GD-123456",
        "110和119都打过",
        "12,13,14,15,16,17号楼",
        "1203\n1204\n1205",
        "一二三四楼",
    ],
)
def test_what_is_no_number_of_a_person_stays(text: str) -> None:
    """House numbers, dates, ticket numbers, lists."""
    assert masked(text) == text


def test_the_callers_name_is_left_out() -> None:
    """A Chinese name anywhere, a Latin one as a word, a single letter never."""
    assert masked("我是张三,住东街", "张三") == "我是***,住东街"
    assert masked("Li says the light is off", "Li") == "*** says the light is off"
    assert masked("王家大院", "王") == "王家大院"
    assert masked("(张)", "(张)") == "***"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda x: st.lists(x, max_size=3) | st.dictionaries(st.text(max_size=12), x, max_size=3),
        max_leaves=8,
    )
)
def test_any_attributes_can_be_masked(value: object) -> None:
    """Never an error, and nothing of seven digits is left in a string or a whole number."""
    out = masked_attributes({"a": value})
    assert RUN.search(DATE.sub("|", json.dumps(_without_floats(out), ensure_ascii=False))) is None


def _without_floats(value: object) -> object:
    if isinstance(value, float):
        return None
    if isinstance(value, dict):
        return [[key, _without_floats(inner)] for key, inner in value.items()]
    return [_without_floats(inner) for inner in value] if isinstance(value, list) else value


def test_attributes_about_a_person_are_left_out() -> None:
    """By their name; numbers wherever they stand."""
    said = {
        "姓名": "张三",
        "Phone ": 1,
        "depth": 3,
        "note": ["打13812345678"],
        "n": 13812345678,
        "f": 13812345678.0,
        "ok": True,
    }
    assert masked_attributes(said) == {
        "姓名": "***",
        "Phone ": "***",
        "depth": 3,
        "note": ["打138****5678"],
        "n": "138****5678",
        "f": "138****5678",
        "ok": True,
    }
    assert masked_json({"caller": {"name": "张三"}, "text": "打13812345678"}) == {"text": "打138****5678"}


@pytest.mark.parametrize(
    ("phone", "shown"),
    [
        ("13812345678", "138****5678"),
        ("+86 138-1234-5678", "138****5678"),
        ("2223344", "****44"),
        ("110", "****"),
        (None, None),
        ("", None),
    ],
)
def test_a_phone_number_is_shown_in_part(phone: str | None, shown: str | None) -> None:
    """138****1234, less of a shorter one."""
    assert masked_phone(phone) == shown


@given(st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True))
def test_one_number_is_one_number_however_it_is_written(phone: str) -> None:
    """Spaces, hyphens, the prefix of the mainland."""
    assert bare_digits(f"+86 {phone[:3]}-{phone[3:7]}-{phone[7:]}") == bare_digits(f"0086{phone}") == phone
