"""What did a client send? Its parameters, read by hand, so that whatever is wrong with them is said in one place."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from services.intake.domain import Search
from shared.http import FORM, Problem
from shared.ids import is_ticket_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.profile import Profile

MOST_FIELDS: Final = 200
MOST_REQUESTS: Final = 1000
"""Most requests in one answer."""
LONGEST_SPAN: Final = timedelta(days=90)
DEEPEST: Final = 100_000
"""How many requests down the list a page may begin: further back is reached by dates."""
_LOST_PLUS: Final = re.compile(r"(?<=:\d\d) (?=\d\d:?\d\d$)|(?<=\d\.\d{3}) (?=\d\d:?\d\d$)")
"""In an address a plus that is not escaped means a space."""

Given = dict[str, list[str]]
"""What was sent, by name, in order; what is empty is as if it had not been sent."""


def wrong(detail: str, status: int = HTTPStatus.BAD_REQUEST) -> Problem:
    """Give the problem with a request."""
    return Problem(status, HTTPStatus(status).phrase, detail)


def given(raw: bytes) -> Given:
    """Give the parameters of an address or of a form; raises Problem for what is no such thing."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except UnicodeDecodeError as error:
        raise wrong("请使用UTF-8编码。 This is not UTF-8: send text in UTF-8, percent-encoded.") from error
    except ValueError as error:
        raise wrong(f"参数过多。 Too many parameters: send at most {MOST_FIELDS}.") from error
    return collected(pairs)


def collected(pairs: Iterable[tuple[str, str]]) -> Given:
    """Give parameters by name; raises Problem for a NUL character."""
    found: Given = {}
    for name, value in pairs:
        if "\0" in name or "\0" in value:
            raise wrong("参数含有NUL字符,请删除。 A parameter holds a NUL character (U+0000): remove it.")
        if value.strip():
            found.setdefault(name, []).append(value)
    return found


def form(content_type: str, raw: bytes) -> Given:
    """Give what a form says; raises Problem for any other kind of body."""
    kind = content_type.partition(";")[0].strip().lower()
    if raw.strip() and kind not in {"", FORM}:
        raise wrong(f"请以{FORM}提交。 Send the parameters as {FORM}; XML and JSON are not read here.", 415)
    return given(raw)


def last(sent: Given, name: str) -> str:
    """Give what was sent under a name; the last, where it was sent several times, and nothing where it was not."""
    return sent.get(name, [""])[-1].strip()


def listed(sent: Given, name: str) -> tuple[str, ...]:
    """Give all that was sent under a name, with commas between or one by one."""
    return tuple(one.strip() for value in sent.get(name, ()) for one in value.split(",") if one.strip())


def ids(sent: Given) -> tuple[str, ...]:
    """Give the request ids that were asked for, without what can be none; raises Problem for too many."""
    asked = listed(sent, "service_request_id")
    if len(asked) > MOST_REQUESTS:
        raise wrong(f"service_request_id: 一次最多{MOST_REQUESTS}个。 Ask for at most {MOST_REQUESTS} at a time.")
    return tuple(dict.fromkeys(one for one in asked if is_ticket_id(one)))


def search(sent: Given, now: datetime, profile: Profile) -> Search:
    """Give which requests are wanted; raises Problem for what cannot be understood."""
    since, until = _span(sent, now, profile)
    states = set(listed(sent, "status"))
    if not states <= {"open", "closed"}:
        raise wrong("status: 只能是open或closed。 Ask for open or closed.")
    size = min(_number(sent, "page_size", MOST_REQUESTS), MOST_REQUESTS)
    skip = (_number(sent, "page", 1) - 1) * size
    if skip > DEEPEST:
        raise wrong(f"page: 请缩小日期范围。 At most {DEEPEST} requests are paged through: narrow the dates.")
    is_open = None if len(states) != 1 else states == {"open"}
    return Search(since, until, listed(sent, "service_code"), is_open, skip, size)


def _span(sent: Given, now: datetime, profile: Profile) -> tuple[datetime, datetime]:
    start, end = _instant(sent, "start_date", profile), _instant(sent, "end_date", profile)
    since = start or (end or now) - LONGEST_SPAN
    until = end or (now if start is None else start + LONGEST_SPAN)
    if until < since:
        raise wrong("end_date: 早于start_date。 It lies before start_date: exchange them.")
    if until - since > LONGEST_SPAN:
        raise wrong(
            f"start_date, end_date: 跨度不得超过{LONGEST_SPAN.days}天。 "
            f"They may not be more than {LONGEST_SPAN.days} days apart: ask several times."
        )
    return since, until


def _instant(sent: Given, name: str, profile: Profile) -> datetime | None:
    """Give an instant; one without an offset is meant as the clocks of the city show it."""
    written = last(sent, name)
    if not written:
        return None
    try:
        at = datetime.fromisoformat(_LOST_PLUS.sub("+", written))
    except ValueError:
        at = None
    if at is None or not 1970 <= at.year <= 9000:  # noqa: PLR2004 - so that 90 days may be added and taken off
        raise wrong(f"{name}: 时间格式如2026-11-22T08:00:00+08:00。 Write it like 2026-11-22T08:00:00+08:00.")
    return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(profile.zone))


def _number(sent: Given, name: str, usual: int) -> int:
    written = last(sent, name)
    if not written:
        return usual
    if not (written.isascii() and written.isdecimal() and len(written) < 10 and int(written) > 0):  # noqa: PLR2004
        raise wrong(f"{name}: 须为正整数。 Give a whole number from 1.")
    return int(written)


def only(sent: Given, *names: str) -> dict[str, Any]:
    """Give those of the names that were sent."""
    return {name: value for name in names if (value := last(sent, name))}
