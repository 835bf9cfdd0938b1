"""What of a text may travel on the log? Everything but what looks like a phone or identity number, or names the caller.

A run of 7 or more digits is masked, whether it is written in one piece or with up to three spaces, dots,
hyphens, underscores or brackets between digits, in ASCII, full-width or Chinese digits. Of 11 digits and more
the first three and the last four stay (138****1234, as the field writes it), of fewer the last two.

Kept: a date with its parts set off (2026-11-22, 2026/11/22, 2026.11.22), with a time of day after it; house
numbers and whatever else has fewer than 7 digits in a row. Not kept: 20261122 in one piece, two room numbers
with only a space between (1203 1204), an amount of a million: they cannot be told from a landline number, and
the whole report stays encrypted in intake's own store. Line ends, commas and letters separate, so that lists
and ticket numbers such as 7K3M9Q2XBC4D5F6G stay as they are.
"""

from __future__ import annotations

import re
from typing import Any

MIN_DIGITS = 7
LONG = 11
"""Digits of a mobile number; of so many, seven may be shown."""
HIDDEN = "****"
_CHINESE = "〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
_DIGIT = rf"[\d{_CHINESE}]"
_BETWEEN = r"[ \t\u00a0\u2000-\u200d\u202f\u2060\u3000\ufeff.\-‐‑‒–—−－_()（）]"
_DATE = r"(?:19|20)[0-9]{2}(?P<off>[-/.])(?:0?[1-9]|1[0-2])(?P=off)(?:0?[1-9]|[12][0-9]|3[01])"
_TIME = r"(?:[T ][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
_RUN = rf"{_DIGIT}(?:{_BETWEEN}{{0,3}}{_DIGIT}){{{MIN_DIGITS - 1},}}"
_NUMBER = re.compile(rf"(?<!{_DIGIT})(?P<date>{_DATE}{_TIME})(?!{_DIGIT})|{_RUN}")
_DIGITS = re.compile(_DIGIT)
_MAIL = re.compile(r"[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,5}")
_MAINLAND = re.compile(r"(?:00)?86(1\d{10})")
PERSONAL_KEYS = frozenset(
    {
        *("name", "phone", "tel", "telephone", "mobile", "email", "wechat", "id_card", "idcard", "contact"),
        *("first_name", "last_name", "device_id", "account_id"),
        *("contact_name", "contact_phone", "caller", "caller_name", "caller_phone", "reporter", "reporter_name"),
        *("reporter_phone", "姓名", "电话", "手机", "手机号", "联系人", "联系方式", "联系电话"),
        *("身份证", "身份证号", "微信", "care"),
    }
)
"""Attributes whose name says that they are about a person."""


def masked(text: str, name: str | None = None) -> str:
    """Give `text` without phone-like numbers and mail addresses, and without the caller's `name` and its words."""
    if name:
        for word in (name.strip(), *name.split()):
            text = _without(text, word)
    if "@" in text:
        text = _MAIL.sub("***", text)
    return _NUMBER.sub(_hidden, text)


def _hidden(match: re.Match[str]) -> str:
    if match["date"]:
        return match[0]
    return _ends("".join(_DIGITS.findall(match[0])))


def _ends(digits: str) -> str:
    return digits[:3] + HIDDEN + digits[-4:] if len(digits) >= LONG else HIDDEN + digits[-2:]


def _without(text: str, name: str) -> str:
    """Leave out a name of two letters or more; one in Latin letters only where it is a word of its own."""
    if len(name) < 2 or name not in text:  # noqa: PLR2004 - one letter is part of too many words
        return text
    before = r"(?<![A-Za-z])" if name[0].isascii() else ""
    after = r"(?![A-Za-z])" if name[-1].isascii() else ""
    return re.sub(before + re.escape(name) + after, "***", text)


def bare_digits(phone: str) -> str:
    """Give a phone number's bare digits, without the prefix of the mainland; the same number however it is written."""
    digits = "".join(str(int(d)) for d in re.findall(r"\d", phone))
    mainland = _MAINLAND.fullmatch(digits)
    return mainland[1] if mainland else digits


def masked_phone(phone: str | None) -> str | None:
    """Give 138****1234, less of a shorter number, None where there is none."""
    if not phone:
        return None
    digits = bare_digits(phone)
    return _ends(digits) if len(digits) >= MIN_DIGITS else HIDDEN


def masked_attributes(value: Any, name: str | None = None) -> Any:
    """Give attributes with every string and every long whole number masked; what is about a person is left out."""
    if isinstance(value, str):
        return masked(value, name)
    if isinstance(value, dict):
        return {
            masked(key, name): "***" if key.strip().casefold() in PERSONAL_KEYS else masked_attributes(inner, name)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked_attributes(inner, name) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10 ** (MIN_DIGITS - 1):
        return masked(str(value))
    if isinstance(value, float) and abs(value) >= 10 ** (MIN_DIGITS - 1):
        return masked(f"{value:.0f}")
    return value


def masked_json(content: dict[str, Any]) -> dict[str, Any]:
    """Give a JSON object that nobody could understand without caller and numbers."""
    whole: dict[str, Any] = masked_attributes({key: inner for key, inner in content.items() if key != "caller"})
    return whole
