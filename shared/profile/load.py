"""Is this file a profile, and if not, which line must change, and how?

Three passes, each complete: the YAML, the shape of every section, how the sections fit together.
A pass that finds something ends the reading, since the next would only repeat it in other words.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import yaml
from pydantic import BaseModel, ValidationError

from shared.profile import model
from shared.profile.check import findings, warnings
from shared.profile.limit import Limit
from shared.profile.model import ProfileFile
from shared.profile.profile import Profile

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import ErrorDetails

    from shared.profile.check import Pointer

_FOLDER: Final = Path(__file__).resolve().parents[2] / "deploy" / "profiles"
_TAG: Final = "tag:yaml.org,2002:"
_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class ProfileError:
    """One thing to change: where it stands, and a sentence on what to do."""

    file: str
    line: int
    pointer: str
    message: str

    def __str__(self) -> str:
        """One line for a terminal: `file:line: message`."""
        return f"{self.file}:{self.line}: {self.message}"


class ProfileInvalid(Exception):  # noqa: N818 - the services are written against this name
    """The file is not a profile; `errors` says everything that must change."""

    def __init__(self, errors: tuple[ProfileError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


def find_profile(name_or_path: str) -> Path:
    """The file of a profile that comes with gridcall, or the path as it is."""
    path = Path(name_or_path)
    if path.suffix or "/" in name_or_path:
        return path
    return _FOLDER / f"{name_or_path}.yaml"


def load_profile(path: str | Path) -> Profile:
    """The profile in the file, or ProfileInvalid with everything that must change."""
    file = str(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise _refusal(file, 1, "the file is not UTF-8: save it as UTF-8") from error
    except OSError as error:
        there_are = ", ".join(sorted(known.stem for known in _FOLDER.glob("*.yaml")))
        message = (
            f"cannot read the file ({error.strerror}): give the path of a profile, or one of these names: {there_are}"
        )
        raise _refusal(file, 1, message) from error
    return parse_profile(text, file)


def parse_profile(text: str, file: str) -> Profile:
    """The profile that the text holds; `file` is the name that errors give, beside which its table of units lies."""
    named = _TABLE.search(text)
    if named is None:
        return _parsed(text, file, "", "")
    table = Path(file).with_name(named[1])
    try:
        return _parsed(text, file, str(table), table.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        line = text.count("\n", 0, named.start()) + 1
        why = getattr(error, "strerror", None) or "it is not UTF-8"
        message = f"cannot read the table of units {table} ({why}): put it beside the profile, or correct its name"
        raise _refusal(file, line, message) from error


@lru_cache(maxsize=4)
def _parsed(text: str, file: str, table: str, rows: str) -> Profile:
    marked = _read_yaml(text, file)
    if table:
        _add_units(marked, table, rows)
    try:
        content = ProfileFile.model_validate(marked.data)
    except ValidationError as error:
        raise ProfileInvalid(
            tuple(_shape_error(file, marked, each) for each in error.errors(include_url=False))
        ) from None
    found = findings(content)
    if found:
        raise ProfileInvalid(
            tuple(marked.error(file, each.pointer, each.message + _elsewhere(marked, each.first)) for each in found)
        )
    profile = Profile(content, _version(marked.data))
    profile.warnings = tuple(marked.error(file, each.pointer, each.message) for each in warnings(content))
    return profile


def _refusal(file: str, line: int, message: str) -> ProfileInvalid:
    return ProfileInvalid((ProfileError(file, line, "", message),))


def _version(data: object) -> str:
    """The same for the same content, whatever the order of keys, comments and layout."""
    canonical = json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@dataclass(slots=True)
class _Marked:
    """Plain data, and the line on which each piece of it begins."""

    data: Any = None
    table: str = ""
    """Where the units stand that are not in the file itself, and from which of all units on."""
    first: int = 0
    lines: dict[Pointer, int] = field(default_factory=dict)
    faults: list[tuple[Pointer, int, str]] = field(default_factory=list)

    def line(self, pointer: Pointer) -> int:
        """The line of the piece, or of the nearest piece around it that the file has."""
        while pointer and pointer not in self.lines:
            pointer = pointer[:-1]
        return self.lines.get(pointer, 1)

    def error(self, file: str, pointer: Pointer, message: str) -> ProfileError:
        nth = pointer[1] if len(pointer) > 1 and pointer[0] == "units" else None
        if self.table and isinstance(nth, int) and nth >= self.first:
            file = self.table
        return ProfileError(file, self.line(pointer), _json_pointer(pointer), message)


def _json_pointer(pointer: Pointer) -> str:
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in pointer)
    return "".join(f"/{part}" for part in parts)


def _elsewhere(marked: _Marked, first: Pointer | None) -> str:
    return "" if first is None else f" (the first is on line {marked.line(first)})"


def _read_yaml(text: str, file: str) -> _Marked:
    try:
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = 1 if error.problem_mark is None else error.problem_mark.line + 1
        message = f"not YAML: {error.problem or error.context}; correct the syntax here"
        raise _refusal(file, line, message) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow: no mark
        message = f"not YAML: {str(error).splitlines()[0]}; remove the character"
        raise _refusal(file, 1, message) from None
    if root is None:
        raise _refusal(file, 1, "the file is empty: write a profile, yucheng.yaml is an example")
    marked = _Marked()
    marked.data = _plain(root, (), marked, frozenset())
    if marked.faults:
        raise ProfileInvalid(
            tuple(ProfileError(file, line, _json_pointer(pointer), message) for pointer, line, message in marked.faults)
        )
    return marked


def _plain(node: yaml.Node, pointer: Pointer, marked: _Marked, around: frozenset[int]) -> Any:
    """The data of the node; lines and faults go into `marked`."""
    marked.lines.setdefault(pointer, node.start_mark.line + 1)
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    if id(node) in around:
        marked.faults.append((pointer, node.start_mark.line + 1, "an alias stands inside its own anchor: remove it"))
        return None
    inside = around | {id(node)}
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*pointer, at), marked, inside) for at, item in enumerate(node.value)]
    return _mapping(node, pointer, marked, inside)


def _mapping(node: yaml.Node, pointer: Pointer, marked: _Marked, inside: frozenset[int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    first: dict[str, int] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == f"{_TAG}merge":
            fault = "a key must be plain text here: write the fields out"
            marked.faults.append((pointer, line, fault))
            continue
        key = key_node.value
        here = (*pointer, key)
        if key in result:
            fault = f"'{key}' stands twice (the first is on line {first[key]}): remove one"
            marked.faults.append((here, line, fault))
            continue
        first[key] = marked.lines[here] = line
        result[key] = _plain(value_node, here, marked, inside)
    return result


def _scalar(node: yaml.ScalarNode) -> bool | int | float | str | None:
    """The value of a scalar, more literally than YAML 1.1: no dates, no octals, `no` is text."""
    text: str = node.value
    kind = node.tag.removeprefix(_TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in ("true", "false"):
        return text.lower() == "true"
    if kind in ("int", "float"):
        return _number(text)
    return text


def _number(text: str) -> int | float | str:
    """The number, or the text where Python and YAML read it differently (0101, 1:30, 0x1f)."""
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0" and digits[1] != ".":
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def _shape_error(file: str, marked: _Marked, error: ErrorDetails) -> ProfileError:
    return marked.error(file, tuple(error["loc"]), _sentence(error))


_TABLE: Final = re.compile(r"^units_table:[ \t]*['\"]?([\w.-]+)['\"]?[ \t]*(?:#.*)?$", re.MULTILINE)
_COLUMNS: Final = (
    "id", "zh", "en", "level", "parent", "kind", "population", "staff", "codes", "qr", "words", "area", "was", "since",
)  # fmt: skip
_STAFF: Final = re.compile(r"([^:|]+):([^:|]+):([^:|]+)")
_READ: Final[dict[str, Callable[[str], Any]]] = {
    "population": _number,
    "area": lambda cell: [_number(part) for part in cell.split("|")],
    **dict.fromkeys(("codes", "qr", "words", "was"), lambda cell: cell.split("|")),
}
"""How a cell becomes what the file would say; an area is a box, `west|south|east|north`."""


def _add_units(marked: _Marked, table: str, rows: str) -> None:
    """Put the units of a table behind those of the file, each with its line."""
    if not isinstance(marked.data, dict):
        return  # the shape says so
    marked.data.pop("units_table")
    units = marked.data.setdefault("units", [])
    if not isinstance(units, list):
        return
    marked.table, marked.first = table, len(units)
    reader = csv.DictReader(rows.splitlines(), strict=True)
    try:
        unknown = [name for name in reader.fieldnames or () if name not in _COLUMNS]
        if unknown:
            raise _refusal(table, 1, f"unknown column '{unknown[0]}': the columns are {', '.join(_COLUMNS)}")
        for row in reader:
            pointer = ("units", len(units))
            marked.lines[pointer] = reader.line_num
            units.append(_unit(row, table, reader.line_num))
    except csv.Error as error:  # of the line after the last that was read
        raise _refusal(table, reader.line_num + 1, f"not CSV: {error}; correct the quotes of this line") from None


def _unit(row: dict[Any, Any], table: str, line: int) -> dict[str, Any]:
    """Give a row as the file would say it: lists with `|` between, staff as id:name:role."""
    unit: dict[str, Any] = {}
    for name, value in row.items():
        if name is None or value is None:
            raise _refusal(table, line, "this line has more or fewer fields than the first: correct its commas")
        if not value:
            continue
        if name == "staff":
            people = [_STAFF.fullmatch(part) for part in value.split("|")]
            if None in people:
                raise _refusal(table, line, f"'{value}': write staff as id:name:role, with | between several")
            unit[name] = [{"id": each[1], "name": each[2], "role": each[3]} for each in people if each]
        else:
            unit[name] = _READ.get(name, str)(value)
    return unit


_SENTENCES: Final = {
    "missing": "{name} is missing: add it",
    "model_type": "{name} must be fields with values, not {given}: write `field: value` lines",
    "dict_type": "{name} must be fields with values, not {given}: write `field: value` lines",
    "tuple_type": "{name} must be a list, not {given}: write `- ` before each entry",
    "too_short": "{name} needs {min_length} or more entries: add some",
    "too_long": "{name} may have {max_length} entries at most: remove some",
    "value_error": "{name}: {error}",
}


def _sentence(error: ErrorDetails) -> str:
    """What is wrong and what to change, in the words of somebody who writes a profile."""
    name, given, kind = _named(error["loc"]), error["input"], error["type"]
    if kind in _SENTENCES:
        return _SENTENCES[kind].format(**error.get("ctx", {}), name=name, given=_shown(given))
    if kind == "extra_forbidden":
        close = get_close_matches(str(error["loc"][-1]), _FIELDS, n=1)
        hint = f" (did you mean '{close[0]}'?)" if close else ""
        return f"unknown field {name}: remove it or correct its name{hint}"
    if kind == "string_type" and isinstance(given, bool | int | float):
        return f"{name} must be text, not {given!r}: put it in quotes"
    message = error["msg"].replace("Input should", "it should").replace("String should", "it should")
    return f"{name} is {_shown(given)}: {message}; correct it"


def _named(loc: Pointer) -> str:
    """The field in quotes; an entry of a list by its number, counted from one."""
    if not loc:
        return "the file"
    if isinstance(loc[-1], str):
        return f"'{loc[-1]}'"
    return f"entry {loc[-1] + 1}" + (f" of '{loc[-2]}'" if len(loc) > 1 else "")


def _shown(given: object) -> str:
    text = repr(given)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_FIELDS: Final = sorted(
    {
        name
        for part in (*vars(model).values(), Limit)
        if isinstance(part, type) and issubclass(part, BaseModel)
        for name in part.model_fields
    }
)
