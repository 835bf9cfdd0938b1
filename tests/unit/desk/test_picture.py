"""Does the picture in the terminal show a clock's time as it was, also without colours?"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.cli.picture import (
    HOLIDAY,
    LOOKS,
    OUTSIDE,
    OVERDUE,
    PAUSED,
    RUNNING,
    WIDTH,
    Look,
    Piece,
    clear,
    columns,
    picture,
)
from tests.unit.desk.lives import START
from tests.unit.desk.office import ZONE, Office, at
from tests.unit.desk.test_deadlines import EVE

LETTERS = [RUNNING, OVERDUE, PAUSED, OUTSIDE, HOLIDAY]


def drawn(clock: dict[str, Any], now: datetime) -> list[str]:
    """Give the lines of a picture without colours, of a clock as HTTP gives it."""
    answered = json.loads(json.dumps(clock, default=lambda value: value.isoformat()))
    return [line.plain for line in picture(answered, now, ZONE)]


def test_the_days_before_and_after_national_day() -> None:
    """An afternoon, seven days off, a make-up Saturday, a Sunday: with a mark for now."""
    now = at("2026-10-09", "10:20")
    bar, ends, mark = drawn(Office(EVE, 5).explained(now), now)
    assert bar == "[#..ooooooooooooooooooooo..#.##...#.##...#.##......#.##...#.#]"
    assert ends == " 2026-09-30 17:00                            2026-10-13 18:00"
    assert mark.index("^") == 34
    assert mark.strip() == "^ 现在 now 2026-10-09 10:20"


def test_a_pause_is_drawn_to_now_and_a_late_end_behind_its_limit() -> None:
    """While it rests nothing is due; what ended late shows both instants."""
    now = at("2026-10-08", "12:00")
    bar, ends, *_ = drawn(Office(EVE).pause(at("2026-10-08", "10:00")).explained(now), now)
    assert bar.endswith("#==]")
    assert ends.endswith("2026-10-08 12:00")
    late = Office(START, 2, "minutes").end(outcome="late")
    bar, _, due, end = drawn(late.explained(late.now), late.now)
    assert set(bar) == set("[#!]")
    assert due.index("^") == bar.index("!")
    assert (due.strip(), end.strip()) == ("^ 到期 due 2026-11-22 16:02", "^ 结束 late 2026-11-22 16:03")
    assert due.index("^") < end.index("^") == WIDTH


def test_a_long_time_leaves_out_nights_and_keeps_holidays_and_pauses() -> None:
    """Of half a year nobody wants each lunch break."""
    life = Office(at("2026-03-02", "09:00"), 120).pause(at("2026-04-13", "09:00"))
    now = at("2026-09-01")
    bar = drawn(life.resume(at("2026-04-13", "11:00")).explained(now), now)[0]
    assert len(bar) == WIDTH + 2
    assert (bar.count("="), "o" in bar, bar.count("#") > bar.count(".")) == (1, True, True)


def test_of_nothing_there_is_no_picture() -> None:
    """A clock outside all calendars has a sentence alone."""
    assert drawn(Office(EVE).explained(EVE) | {"segments": []}, EVE) == []


def test_every_kind_of_segment_has_a_letter() -> None:
    """And no two letters are the same."""
    assert set(LOOKS) == {"running", "paused", "outside-hours", "weekend", "holiday", "off"}
    assert len({look.letter for look in LETTERS}) == len(LETTERS)


PIECES = st.lists(st.tuples(st.sampled_from(LETTERS), st.integers(1, 10**6)), min_size=1, max_size=200)


def pieces_of(lengths: list[tuple[Look, int]]) -> list[Piece]:
    """Give pieces one behind the other."""
    out: list[Piece] = []
    for look, minutes in lengths:
        start = out[-1].end if out else START
        out.append(Piece(start, start + timedelta(minutes=minutes), look))
    return out


@given(lengths=PIECES)
def test_a_bar_is_as_wide_as_any_other_and_shows_every_piece(lengths: list[tuple[Look, int]]) -> None:
    """However many and however short; from its beginning to its end."""
    pieces = pieces_of(lengths)
    shown = clear(pieces)
    widths = columns(shown)
    assert sum(widths) == WIDTH
    assert min(widths) >= 1
    assert (shown[0].start, shown[-1].end) == (pieces[0].start, pieces[-1].end)


@pytest.mark.parametrize("share", [1, 3, 9])
def test_columns_follow_time(share: int) -> None:
    """A piece that lasts longer is wider."""
    short, long = columns(pieces_of([(RUNNING, 60), (HOLIDAY, 60 * share)]))
    assert short <= long
    assert abs(long - WIDTH * share / (share + 1)) <= 1
