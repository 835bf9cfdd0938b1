"""Does every mistake in a profile get its file, its line and what to change?"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import yaml

from shared.profile import Limit, ProfileInvalid, find_profile, load_profile, parse_profile
from shared.profile.load import _parsed
from tests.unit.profile.small import SMALL, round_the_clock

if TYPE_CHECKING:
    from pathlib import Path

PROFILES = ("yucheng", "kaohsiung", "longquanyi", "leshan", "chengdu", "longgang", "baltimore", "minimal")

# what to replace, by what ("# here" marks the line that the error must name), a part of the sentence
MISTAKES = {
    "a class of a QR code twice": (
        "zone:",
        "qr: {classes: [{id: a, zh: a, en: a, request: help},\n {id: a, zh: b, en: b, request: help}]} # here\nzone:",
        "class 'a' is used twice",
    ),
    "a class of a QR code with an unknown category": (
        "returns: {",
        'qr:\n  classes:\n    - {id: a, zh: 甲, en: A, request: help, category: "0502"} # here\nreturns: {',
        "unknown category '0502'",
    ),
    "a class of a QR code with a condition of another category": (
        "returns: {",
        'qr: {classes: [{id: a, zh: 甲, en: A, request: help, category: "0501", condition: built}]} # here\nreturns: {',
        "unknown condition 'built'",
    ),
    "a class of a QR code with a condition of no category": (
        "returns: {",
        "qr:\n  classes:\n    - {id: a, zh: 甲, en: A, request: help, condition: built} # here\nreturns: {",
        "belongs to a category",
    ),
    "a class of a QR code without a kind of request": (
        "returns: {",
        "qr:\n  classes:\n    - {id: a, zh: 甲, en: A} # here\nreturns: {",
        "'request' is missing",
    ),
    "unknown category of a limit": (
        "  warn_share: 0.8",
        '  warn_share: 0.8\n  limits:\n    - {clock: sign, category: "09*", limit: 1 minutes} # here',
        "no category is '09*'",
    ),
    "unknown condition of a limit": (
        "  warn_share: 0.8",
        '  warn_share: 0.8\n  limits:\n    - {clock: sign, category: "05*", condition: dry, limit: 1 minutes} # here',
        "unknown condition 'dry'",
    ),
    "a limit before triage that asks for what triage finds out": (
        "  warn_share: 0.8",
        "  warn_share: 0.8\n  limits:\n    - {clock: accept, severities: [I], limit: 1 minutes} # here",
        "never holds",
    ),
    "unknown channel of a limit": (
        "  warn_share: 0.8",
        "  warn_share: 0.8\n  limits:\n    - {clock: sign, channels: [pigeon], limit: 1 minutes} # here",
        "hotline",
    ),
    "a whole that rests": (
        "  warn_share: 0.8",
        "  warn_share: 0.8\n  pauses: {total: [suspended]} # here",
        "never rests",
    ),
    "a warning after the end": (
        "  warn_share: 0.8",
        "  warn_share: 0.8\n  warnings: {sign: [1.5]} # here",
        "less than 1",
    ),
    "an unknown level of a row of the ladder": (
        "ladder:\n",
        "ladder:\n  rows:\n    - {clocks: [sign], levels: [sky]} # here\n",
        "unknown level 'sky'",
    ),
    "a row of the ladder that goes downwards": (
        "ladder:\n",
        "ladder:\n  rows:\n    - {clocks: [sign], levels: [street, grid]} # here\n",
        "go upwards",
    ),
    "a row of the ladder that changes nothing": (
        "ladder:\n",
        "ladder:\n  rows:\n    - {clocks: [sign]} # here\n",
        "changes nothing",
    ),
    "an unknown role to tell": (
        "ladder:\n",
        "ladder:\n  tell: {district: [king]} # here\n",
        "unknown role 'king'",
    ),
    "unknown parent": ('parent: "100000001"', 'parent: "100000009" # here', "unknown parent '100000009'"),
    "unknown grid of a road": ('grids: ["100000001001001",', "grids: [x, # here\n     ", "unknown unit 'x'"),
    "unknown unit in routing": ('{unit: "100000"}}', '{unit: "7"}} # here', "unknown unit '7'"),
    "unknown place in routing": ('place: "100000002",', 'place: "8", # here\n', "unknown unit '8'"),
    "unknown level of a chief": ("street: {id: r1", "strt: # here\n        {id: r1", "unknown level 'strt'"),
    "unknown level of a unit": ("level: community", "level: comunity # here", "did you mean 'community'?"),
    "unknown level of the fallback": ("fallback: street", "fallback: town # here", "unknown level 'town'"),
    "unknown level of the start": ("start: {I: district,", "start: {I: top, # here\n", "unknown level 'top'"),
    "unknown duty level": ("duty_level: street}", "duty_level: sky} # here", "unknown level 'sky'"),
    "unknown level of a lead": ("lead: {level: grid}", "lead: {level: gird} # here\n    ", "unknown level 'gird'"),
    "unknown department": ('"01*", lead: police}', '"01*", lead: polise} # here', "did you mean 'police'?"),
    "unknown assisting department": ("[water, water]}", "[fire]} # here", "unknown department 'fire'"),
    "unknown category in routing": (
        '{category: "01*", lead',
        '{category: "09*", # here\n      lead',
        "no category is '09*'",
    ),
    "unknown condition in routing": ("condition: built,", "condition: bilt, # here\n", "unknown condition 'bilt'"),
    "unknown category to verify": ('["05*"]', '["06*"] # here', "no category is '06*'"),
    "unknown major": ('major: "05"', 'major: "07" # here', "unknown major '07'"),
    "cycle in the tree": (
        'level: street, parent: "100000", zh: 东',
        'level: street, parent: "100000001001", # here\n    zh: 东',
        "lies inside itself",
    ),
    "parent not above": (
        'level: street, parent: "100000", zh: 东',
        'level: street, parent: "100000002", # here\n    zh: 东',
        "not above street",
    ),
    "two tops": ('level: street, parent: "100000", zh: 东', "level: street, # here\n    zh: 东", "has no parent"),
    "no limit": ("limit: 1 urgent_hours, severity: II}", "severity: II} # here", "'limit' is missing: add it"),
    "no conditions": (
        "conditions:\n      - {id: leak, zh: 漏水, en: leaking, limit: 1 urgent_hours, severity: II}",
        "conditions: [] # here",
        "needs 1 or more entries",
    ),
    "conditions left out": (
        '- code: "0501"',
        '- {code: "0502", zh: a, en: b, major: "05"} # here\n  - code: "0501"',
        "'conditions' is missing",
    ),
    "no topic": ("topic: water, zh: 供水, en: Water}", "zh: 供水, en: Water} # here", "'topic' is missing"),
    "topic not for a broker": ("topic: water,", "topic: Wasser!, # here\n ", "'topic' is 'Wasser!'"),
    "one topic twice": ("topic: water,", "topic: police, # here\n ", "topic 'police' is used twice"),
    "two units with one code": (
        '"100000001001002", level',
        '"100000001001001", # here\n level',
        "the first is on line",
    ),
    "postal code twice": ("words: [东街道]}", 'words: [东街道], codes: ["100000002"]}', "'100000002' is used twice"),
    "QR twice": ("qr: [QR1]", "qr: [QR1, QR1] # here", "QR code 'QR1' is used twice"),
    "two categories with one code": ('- code: "0501"', '- code: "0101" # here', "category code '0101' is used twice"),
    "two categories with one name": ("zh: 漏水\n", "zh: 违建 # here\n", "category name '违建' is used twice"),
    "two conditions with one id": ("{id: built,", "{id: building, # here\n ", "condition 'building' is used twice"),
    "grid code not 15 digits": ('"100000001001002", level', '"10000000100100", # here\n level', "is not 15 digits"),
    "polygon crosses itself": (
        "area: [100.1, 30.1, 100.2, 30.2]",
        "area: [[100.1, 30.1], [100.2, 30.2], [100.2, 30.1], [100.1, 30.2]] # here",
        "crosses itself",
    ),
    "polygon of two corners": ("area: [100.1, 30.1, 100.2, 30.2]", "area: [[1, 2], [3, 4]] # here", "three corners"),
    "polygon without area": ("area: [100.1, 30.1, 100.2, 30.2]", "area: [[1, 1], [2, 2], [3, 3]] # here", "no area"),
    "latitude first": (
        "area: [100.1, 30.1, 100.2, 30.2]",
        "area: [[30, 100], [31, 100], [31, 101]] # here",
        "[longitude, latitude]",
    ),
    "box the wrong way round": (
        "area: [100.1, 30.1, 100.2, 30.2]",
        "area: [100.2, 30.1, 100.1, 30.2] # here",
        "west < east",
    ),
    "unknown field": ("fallback: street", "fallback: street\n  falback: street # here", "did you mean 'fallback'?"),
    "wrong type": ("max_reworks: 2", "max_reworks: many # here", "'max_reworks' is 'many'"),
    "number for text": ("name: small", "name: 5 # here", "put it in quotes"),
    "not a list": ("words: [西街道]", "words: 西街道 # here\n ", "must be a list"),
    "not a limit": ("verify_within: 4 work_hours", "verify_within: 4 hours # here", "write a whole number and one of"),
    "severity left out": ("repeat: {I: 5 minutes, ", "repeat: { # here\n  ", "severity I is missing"),
    "step left out": ("    street: {I: 1 minutes, II: 2 minutes, III: 3 minutes, IV: 4 minutes}\n", "", "no step"),
    "two handlers": ("lead: {level: grid}", "lead: {level: grid, unit: x} # here\n   ", "name one handler"),
    "rule that never holds": ("attributes: {injured: true}, words: [受伤]}", "words: []} # here", "never holds"),
    "unknown zone": ("Asia/Shanghai", "Asia/Atlantis # here", "unknown time zone"),
    "too few levels": (
        "  - {id: grid, zh: 网格, en: Grid}\n  - {id: community, zh: 社区, en: Community}\n",
        "",
        "'levels' needs 3 or more entries",
    ),
    "key twice": ("zone: Asia/Shanghai", "zone: Asia/Shanghai\nname: again # here", "'name' stands twice"),
    "YAML syntax": ("zone: Asia/Shanghai", "zone: ]Asia # here", "not YAML"),
    "unknown anchor": ("zone: Asia/Shanghai", "zone: *nowhere # here", "not YAML"),
    "merge key": ("zone: Asia/Shanghai", "zone: Asia/Shanghai\n<<: {a: b} # here", "write the fields out"),
    "anchor inside itself": ("name: small", "name: &a [*a] # here", "inside its own anchor"),
}


def refused(text: str) -> ProfileInvalid:
    """What the text is refused with."""
    with pytest.raises(ProfileInvalid) as caught:
        parse_profile(text, "city.yaml")
    return caught.value


@pytest.mark.parametrize(("old", "new", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_its_line_and_the_change(old: str, new: str, sentence: str) -> None:
    """The one that writes the profile can go to the line and correct it."""
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    errors = [error for error in refused(text).errors if sentence in error.message]
    assert errors, str(refused(text))
    assert errors[0].file == "city.yaml"
    if "# here" in text:
        assert "# here" in text.splitlines()[errors[0].line - 1], str(errors[0])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("just text", "must be fields with values"),
        ("- a\n- b", "must be fields with values"),
        ("a: 1\n---\nb: 2", "not YAML"),
        ("a: \x01", "not YAML"),
        ("1: 2", "unknown field '1'"),
    ],
)
def test_what_is_no_profile_at_all_is_refused(text: str, sentence: str) -> None:
    """Nothing that is not a profile leads to another exception."""
    assert sentence in str(refused(text))


def test_all_mistakes_are_told_at_once() -> None:
    """Three mistakes in three sections are three errors, each on its own line."""
    text = SMALL.replace('major: "05"', 'major: "07"').replace("duty_level: street", "duty_level: sky")
    text = text.replace("topic: water", "topic: police")
    assert len({error.line for error in refused(text).errors}) == 3


def test_the_exception_reads_as_lines_of_file_and_line() -> None:
    """The text can be printed as it is, and an editor finds the place."""
    text = SMALL.replace('major: "05"', 'major: "07"')
    line = next(at for at, each in enumerate(text.splitlines(), 1) if '"07"' in each)
    assert str(refused(text)) == f"city.yaml:{line}: unknown major '07': correct it or add it"
    assert refused(text).errors[0].pointer == "/categories/1/major"


def test_a_missing_file_names_the_profiles_that_there_are(tmp_path: Path) -> None:
    """Somebody who mistypes a name sees the names."""
    with pytest.raises(ProfileInvalid, match="kaohsiung, leshan, longgang, longquanyi, minimal, yucheng"):
        load_profile(tmp_path / "none.yaml")


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    """A file saved in GBK says so instead of showing garbage."""
    file = tmp_path / "gbk.yaml"
    file.write_bytes("name: 雨城".encode("gbk"))
    with pytest.raises(ProfileInvalid, match="not UTF-8"):
        load_profile(file)


def test_names_and_paths_are_found() -> None:
    """A bare name is a profile of ours; everything else is a path."""
    assert find_profile("yucheng").is_file()
    assert str(find_profile("./mine")) == "mine"
    assert str(find_profile("/etc/mine.yaml")) == "/etc/mine.yaml"


@pytest.mark.parametrize("name", PROFILES)
def test_the_profiles_that_come_with_gridcall_are_sound(name: str) -> None:
    """Both load, and know their own name."""
    profile = load_profile(find_profile(name))
    assert profile.name == name
    assert len(profile.version) == 12


def test_loading_parses_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """One parse gives data and lines; a second one would double the start."""
    calls = []
    compose = yaml.compose

    def counted(*args: object, **kwargs: object) -> object:
        calls.append(args)
        return compose(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(yaml, "compose", counted)
    _parsed.cache_clear()
    load_profile(find_profile("yucheng"))
    load_profile(find_profile("yucheng"))
    assert len(calls) == 1


def test_the_version_is_that_of_the_content() -> None:
    """Order, comments and layout do not change it; a changed limit does."""
    data = yaml.safe_load(SMALL)
    turned = yaml.safe_dump(dict(reversed(data.items())), allow_unicode=True)
    version = parse_profile(SMALL, "a").version
    assert parse_profile(turned, "b").version == version
    assert parse_profile("# a comment\n" + SMALL, "c").version == version
    assert parse_profile(json.dumps(data), "d").version == version
    assert parse_profile(SMALL.replace("15 work_days", "14 work_days"), "e").version != version


def test_codes_keep_their_zeros_without_quotes() -> None:
    """YAML 1.1 reads 0101 as an octal number; a code is text."""
    profile = parse_profile(SMALL.replace('code: "0501"', "code: 0501"), "a")
    assert profile.category("0501") is not None


def test_importing_and_looking_up_by_code_does_not_load_the_geometry_library() -> None:
    """The geometry library costs memory and time that only lookups by coordinates need."""
    code = (
        "import sys; from shared.profile import *; p = load_profile(find_profile('yucheng'));"
        "p.locate(grid='511802001001001'); assert 'shapely' not in sys.modules;"
        "p.locate(lon=103, lat=29.9); assert 'shapely' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("written", "length"),
    [
        ("15 minutes", timedelta(minutes=15)),
        ("2 urgent_hours", timedelta(hours=2)),
        ("2 urgent_days", timedelta(days=2)),
        ("4 work_hours", timedelta(hours=4)),
        ("3 work_days", timedelta(days=3)),
        ("7 natural_days", timedelta(days=7)),
    ],
)
def test_a_limit_has_a_length_round_the_clock(written: str, length: timedelta) -> None:
    """Where every hour counts, a day has 24 of them."""
    limit = Limit.model_validate(written)
    assert round_the_clock(limit) == length
    assert str(limit) == written.replace("_", " ")
    assert Limit.model_validate({"amount": limit.amount, "unit": limit.unit}) == limit
