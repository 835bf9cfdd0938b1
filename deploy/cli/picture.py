"""What does a clock's life look like in a terminal? A bar of segments, and marks below it; plain letters, then colour.

Letters of ASCII, since a terminal set up for Chinese may show others two columns wide.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

WIDTH: Final = 60
CLEAR: Final = WIDTH // 2
"""Pieces up to which a bar is clear: of more, breaks, then nights, then weekends are left out."""
BREAKS: Final = (timedelta(hours=6), timedelta(hours=24), timedelta(days=4), timedelta.max)


class Look(NamedTuple):
    """How a kind of piece is drawn, and what the legend says of it."""

    letter: str
    style: str
    legend: str


RUNNING: Final = Look("#", "bold green", "计时 counts")
OVERDUE: Final = Look("!", "bold red", "超时 past the limit")
PAUSED: Final = Look("=", "bold yellow", "暂停 paused")
OUTSIDE: Final = Look(".", "dim", "非工作时间、周末 outside hours, weekend")
HOLIDAY: Final = Look("o", "magenta", "节假日 holiday, day off")
LOOKS: Final[dict[str, Look]] = {
    "running": RUNNING,
    "paused": PAUSED,
    "outside-hours": OUTSIDE,
    "weekend": OUTSIDE,
    "holiday": HOLIDAY,
    "off": HOLIDAY,
}


class Piece(NamedTuple):
    """A stretch of a bar."""

    start: datetime
    end: datetime
    look: Look

    @property
    def length(self) -> timedelta:
        """Give how long it lasts."""
        return self.end - self.start


class Mark(NamedTuple):
    """An instant that is pointed at."""

    at: datetime
    label: str


def picture(clock: Mapping[str, Any], now: datetime, zone: ZoneInfo) -> list[Text]:
    """Give the lines of a clock's picture; none where nothing is known of its time."""
    due = datetime.fromisoformat(clock["due_at"])
    pieces = clear(_joined([part for each in clock["segments"] for part in _cut(_piece(each), due)]))
    if not pieces:
        return []
    widths = columns(pieces)
    bar = Text("[")
    for piece, width in zip(pieces, widths, strict=True):
        bar.append(piece.look.letter * width, piece.look.style)
    bar.append("]")
    first, last = (f"{at.astimezone(zone):%Y-%m-%d %H:%M}" for at in (pieces[0].start, pieces[-1].end))
    lines = [bar, Text(f" {first}{last:>{WIDTH - len(first)}}")]
    for mark in _marks(clock, now, pieces[-1].end):
        at = f"{mark.at.astimezone(zone):%Y-%m-%d %H:%M}"
        lines.append(Text(f" {' ' * column(mark.at, pieces, widths)}^ {mark.label} {at}", "bold"))
    return lines


def legend() -> list[Text]:
    """Give what the letters mean."""
    text = Text()
    for look in (RUNNING, OVERDUE, PAUSED, OUTSIDE, HOLIDAY):
        text.append(look.letter * 2, look.style).append(f" {look.legend}   ")
    return [text, Text("较长的时限略去夜间和周末 nights and weekends are left out of long bars", "dim")]


def _piece(segment: Mapping[str, Any]) -> Piece:
    start, end = (datetime.fromisoformat(segment[name]) for name in ("from", "to"))
    return Piece(start, end, LOOKS.get(segment["kind"], OUTSIDE))


def _cut(piece: Piece, due: datetime) -> list[Piece]:
    """Give the parts of a piece before and after the limit; what does not count stays what it is."""
    if piece.look is not RUNNING or piece.end <= due:
        return [piece]
    late = Piece(max(piece.start, due), piece.end, OVERDUE)
    return [late] if piece.start >= due else [piece._replace(end=due), late]


def _marks(clock: Mapping[str, Any], now: datetime, end: datetime) -> Iterator[Mark]:
    """Give where the limit and the end of the clock lie in the bar, and while it stands, where now is."""
    due = datetime.fromisoformat(clock["due_at"])
    if due < end:
        yield Mark(due, "到期 due")
    if clock["ended_at"] is not None:
        yield Mark(datetime.fromisoformat(clock["ended_at"]), f"结束 {clock['state']}")
    else:
        yield Mark(now, "现在 now")


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """Give pieces of which no two in a row look alike."""
    out: list[Piece] = []
    for piece in pieces:
        if out and out[-1].look == piece.look:
            out[-1] = out[-1]._replace(end=piece.end)
        else:
            out.append(piece)
    return out


def clear(pieces: list[Piece]) -> list[Piece]:
    """Give so few pieces that a bar can show them, longer and longer breaks left out."""
    for shorter in BREAKS:
        if len(pieces) <= CLEAR:
            return pieces
        pieces = _joined(_without(pieces, shorter))
    while len(pieces) > WIDTH:
        shortest = min(range(1, len(pieces)), key=lambda i: pieces[i].length)
        pieces[shortest] = pieces[shortest]._replace(look=pieces[shortest - 1].look)
        pieces = _joined(pieces)
    return pieces


def _without(pieces: list[Piece], shorter: timedelta) -> list[Piece]:
    """Draw breaks that are shorter than a length as what stands before them."""
    out: list[Piece] = []
    for piece in pieces:
        gap = out and piece.look == OUTSIDE and piece.length < shorter
        out.append(piece._replace(look=out[-1].look) if gap else piece)
    return out


def columns(pieces: Sequence[Piece]) -> list[int]:
    """Give each piece one column, and share out the rest by time."""
    seconds = [piece.length.total_seconds() for piece in pieces]
    rest, total = WIDTH - len(pieces), sum(seconds) or 1.0
    exact = [rest * each / total for each in seconds]
    widths = [1 + int(each) for each in exact]
    by_fraction = sorted(range(len(pieces)), key=lambda i: int(exact[i]) - exact[i])
    for index in by_fraction[: WIDTH - sum(widths)]:
        widths[index] += 1
    return widths


def column(at: datetime, pieces: Sequence[Piece], widths: Sequence[int]) -> int:
    """Give the column of a bar in which an instant lies; the first or the last for one outside it."""
    before = 0
    for piece, width in zip(pieces, widths, strict=True):
        if at < piece.end:
            return before + max(int(width * ((at - piece.start) / piece.length)), 0)
        before += width
    return WIDTH - 1
