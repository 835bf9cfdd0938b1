"""What does a file of reports say? CSV, JSON lines or the Kaohsiung feed, row by row; a bad row spoils no other."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from deploy.replay import kaohsiung
from deploy.replay.script import BadRow, Recording, Row, Script, made, script_from
from shared.ids import named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.profile import Profile

Format = Literal["auto", "kaohsiung", "csv", "jsonl"]
GZIP: Final = b"\x1f\x8b"
NUMBERS: Final = {"place.lon", "place.lat"}
BOOLEANS: Final = {"caller.anonymous", "caller.callback"}
WORDS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
LONGEST_CELL: Final = 10_000_000

csv.field_size_limit(LONGEST_CELL)


def read_recording(file: Path, form: Format, profile: Profile, transitions: Path | None = None) -> Recording:
    """Give the rows of a file in order of creation; raises OSError when it cannot be read."""
    text = read_text(file)
    if form == "auto":
        form = detected(file, text)
    if form == "kaohsiung":
        beside = transitions or file.with_name(file.name.replace("tickets", "transitions"))
        return kaohsiung.recording(text, read_text(beside) if beside != file and beside.exists() else "", profile)
    found = list(_json_lines(text) if form == "jsonl" else _csv(text))
    return _recording(file.name.split(".")[0], found)


def read_text(file: Path) -> str:
    """Give a file's text, unpacked; bytes that are no UTF-8 stay as surrogates, so that their row alone is bad."""
    raw = file.read_bytes()
    if raw[:2] == GZIP:
        raw = gzip.decompress(raw)
    return raw.decode("utf-8-sig", "surrogateescape")


def detected(file: Path, text: str) -> Format:
    """Give the format that a file's first line shows."""
    head = text.lstrip()[:2000]
    if set(head.split("\n", 1)[0].strip().split(",")) >= kaohsiung.MARKS:
        return "kaohsiung"
    return "jsonl" if head[:1] == "{" or ".json" in file.name else "csv"


def _json_lines(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError) as error:
            yield number, f"not JSON: {error}"
            continue
        yield number, found if isinstance(found, dict) else "not a JSON object"


def _csv(text: str) -> Iterator[tuple[int, dict[str, Any] | str]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header: list[str] | None = None
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num, f"not CSV: {error}"
            continue
        if header is None:
            header = [name.strip() for name in cells]
            if "channel" not in header:
                yield reader.line_num, "the first line must name the columns, one of them channel"
                return
        elif len(cells) > len(header):
            yield (
                reader.line_num,
                f"{len(cells)} cells, but the first line names {len(header)}: quote cells with commas",
            )
        elif any(cells):
            yield reader.line_num, _from_cells(zip(header, cells, strict=False))


def _from_cells(cells: Iterable[tuple[str, str]]) -> dict[str, Any] | str:
    """Give the nested object of dotted column names; an empty cell says nothing."""
    found: dict[str, Any] = {}
    for name, cell in cells:
        if cell == "":
            continue
        *path, last = name.split(".")
        inner = found
        for part in path:
            inner = inner.setdefault(part, {})
            if not isinstance(inner, dict):
                return f"column {name} contradicts column {part}"
        inner[last] = _typed(name, cell)
    return found


def _typed(name: str, cell: str) -> Any:
    """Give a cell as JSON has it; what does not fit stays text, and the system says so."""
    if name in NUMBERS:
        try:
            return float(cell)
        except ValueError:
            return cell
    if name in BOOLEANS:
        return WORDS.get(cell.strip().lower(), cell)
    if name in {"attachments", "attributes"}:
        try:
            return json.loads(cell)
        except ValueError:
            return cell
    return cell


def _recording(name: str, found: Iterable[tuple[int, dict[str, Any] | str]]) -> Recording:
    rows: list[Row] = []
    bad: list[BadRow] = []
    known: dict[tuple[str, str], Row] = {}
    equal: Counter[str] = Counter()
    for line, content in found:
        row = BadRow(line, content) if isinstance(content, str) else _row(name, line, content, equal)
        if isinstance(row, Row):
            before = known.setdefault((row.source, row.id), row)
            if before is row:
                rows.append(row)
                continue
            row = BadRow(line, f"the id {row.id} is that of line {before.line}: give each report its own")
        bad.append(row)
    rows.sort(key=lambda row: row.at)
    return Recording(name, tuple(rows), tuple(bad))


def _row(name: str, line: int, content: dict[str, Any], equal: Counter[str]) -> Row | BadRow:
    body = dict(content)
    played = body.pop("_play", {})
    given = str(body.pop("id")) if "id" in body else None
    source = str(body.pop("source", f"replay/{name}"))
    try:
        script = script_from(played) if "_play" in content else Script(recorded=False)
    except (TypeError, ValueError, AttributeError) as error:
        return BadRow(line, str(error))
    at = instant(body.get("occurred_at")) or time_of_day(played.get("at"))
    ident, known_as = (given, given) if given is not None else (_id_of(body, equal), f"line {line}")
    return made(line, ident, source, body, script, at, known_as)


def _id_of(body: dict[str, Any], equal: Counter[str]) -> str:
    """Give an id that follows from the content: a row that was corrected is another report, one that moved is not."""
    content = json.dumps(body, sort_keys=True)
    equal[content] += 1
    return named("row", content, str(equal[content]))


def time_of_day(text: object) -> float:
    """Give the seconds after midnight of "08:15"; 0 where there is none."""
    hours, colon, minutes = str(text).partition(":")
    return int(hours) * 3600.0 + int(minutes) * 60.0 if colon and hours.isdecimal() and minutes.isdecimal() else 0.0


def instant(text: object) -> float:
    """Give the epoch seconds of an RFC 3339 instant; 0 where there is none."""
    try:
        return datetime.fromisoformat(text).timestamp() if isinstance(text, str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
