"""Does a table of units read as the file itself would say it, and does each mistake in it get its line?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from shared.profile import ProfileInvalid, find_profile, load_profile
from tests.unit.profile.small import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from shared.profile import Profile, ProfileError

HEAD: Final = "id,zh,en,level,parent,kind,population,staff,codes,qr,words,area\n"
GRID: Final = (
    "100000002001001,西一格,West Grid 1,grid,100000002001,general,1500,g2:戊:worker|g3:己:leader,W1|W2,QW1|QW2,"
    "西一|一格西,100.4|30.1|100.5|30.2\n"
)


def loaded(folder: Path, rows: str, text: str = SMALL) -> Profile:
    """Load the small profile with a table beside it."""
    (folder / "small.yaml").write_text(f"units_table: units.csv # here\n{text}", encoding="utf-8")
    (folder / "units.csv").write_text(rows, encoding="utf-8")
    return load_profile(folder / "small.yaml")


def refused(folder: Path, rows: str) -> ProfileError:
    """Give the one thing that must change."""
    with pytest.raises(ProfileInvalid) as refusal:
        loaded(folder, rows)
    (error,) = refusal.value.errors
    return error


def test_a_row_says_what_a_unit_of_the_file_says(tmp_path: Path) -> None:
    """Every column arrives: staff, codes, QR codes, words, kind, population and area."""
    profile = loaded(tmp_path, HEAD + GRID)
    unit = profile.unit("100000002001001")
    assert unit is not None
    assert [(each.id, each.name, each.role) for each in unit.staff] == [("g2", "戊", "worker"), ("g3", "己", "leader")]
    assert (unit.codes, unit.qr, unit.words) == (("W1", "W2"), ("QW1", "QW2"), ("西一", "一格西"))
    assert (unit.kind, unit.population, unit.parent) == ("general", 1500, "100000002001")
    assert profile.chain(unit.id)[-1].id == "100000"
    for means in ({"grid": "W2"}, {"qr": "QW2"}, {"address": "西一路口"}, {"lon": 100.45, "lat": 30.15}):
        found = profile.locate(**means)
        assert found is not None
        assert found.grid == unit.id, means


def test_an_empty_cell_says_nothing(tmp_path: Path) -> None:
    """What the file would leave out is left empty."""
    row = "100000002001001,西一格,West Grid 1,grid,100000002001,,,,,,,\n"
    unit = loaded(tmp_path, HEAD + row).unit("100000002001001")
    assert unit is not None
    assert (unit.staff, unit.qr, unit.kind, unit.population, unit.area) == ((), (), None, None, None)


def test_the_table_counts_for_the_version(tmp_path: Path) -> None:
    """Another table is another version of the profile, the same one the same."""
    once = loaded(tmp_path, HEAD + GRID).version
    assert loaded(tmp_path, HEAD + GRID).version == once
    assert loaded(tmp_path, HEAD + GRID.replace("1500", "1600")).version != once


MISTAKES: Final = {
    "an unknown column": ("id,zh,en,level,parent,colour\n", 1, "unknown column 'colour': the columns are id, zh, en"),
    "too few fields": (HEAD + "1,2,3\n", 2, "more or fewer fields than the first"),
    "too many fields": (HEAD + GRID.strip() + ",more\n", 2, "more or fewer fields than the first"),
    "staff without a role": (HEAD + GRID.replace("g2:戊:worker", "g2:戊"), 2, "write staff as id:name:role"),
    "quotes that do not end": (HEAD + GRID + '"1,2,3\n', 3, "not CSV"),
    "quotes in the first line that do not end": ('id,"zh\n', 1, "not CSV"),
    "a level that there is not": (HEAD + GRID.replace(",grid,", ",gird,"), 2, "unknown level 'gird'"),
    "a parent that there is not": (HEAD + GRID.replace("100000002001,general", "9,general"), 2, "unknown parent '9'"),
    "a population in words": (HEAD + GRID.replace("1500", "many"), 2, "'population'"),
    "an area of three sides": (HEAD + GRID.replace("100.4|30.1|100.5|30.2", "100.4|30.1|100.5"), 2, "area"),
    "an area inside out": (HEAD + GRID.replace("100.4|30.1", "100.6|30.1"), 2, "a box is [west, south, east, north]"),
    "a grid code of 14 digits": (HEAD + GRID.replace("100000002001001", "10000000200100"), 2, "is not 15 digits"),
    "a unit of the file": (HEAD + GRID + GRID.replace("100000002001001", "100000001001001", 1), 3, "is used twice"),
    "a QR code of the file": (HEAD + GRID.replace("QW2", "QR1"), 2, "QR code 'QR1' is used twice"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_gets_its_line_of_the_table(tmp_path: Path, mistake: str) -> None:
    """The error names the table, the line on which the row ends, and what to change."""
    rows, line, sentence = MISTAKES[mistake]
    with pytest.raises(ProfileInvalid) as refusal:
        loaded(tmp_path, rows)
    error = refusal.value.errors[0]
    assert (error.file, error.line) == (str(tmp_path / "units.csv"), line), error
    assert sentence in error.message


def test_a_mistake_of_the_file_keeps_its_line_of_the_file(tmp_path: Path) -> None:
    """A unit of the file is one of the file, however many the table adds."""
    (tmp_path / "units.csv").write_text(HEAD + GRID, encoding="utf-8")
    text = SMALL.replace('    parent: "100000001"\n', '    parent: "9"\n')
    with pytest.raises(ProfileInvalid) as refusal:
        loaded(tmp_path, HEAD + GRID, text)
    error = refusal.value.errors[0]
    assert error.file == str(tmp_path / "small.yaml")
    assert text.splitlines()[error.line - 2].strip() == 'parent: "9"'


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    """The line that names it is at fault, and the sentence says where it must lie."""
    (tmp_path / "small.yaml").write_text(SMALL + "units_table: units.csv\n", encoding="utf-8")
    with pytest.raises(ProfileInvalid) as refusal:
        load_profile(tmp_path / "small.yaml")
    (error,) = refusal.value.errors
    assert (error.file, error.line) == (str(tmp_path / "small.yaml"), len(SMALL.splitlines()) + 1)
    assert "put it beside the profile" in error.message


def test_a_table_that_is_not_utf_8(tmp_path: Path) -> None:
    """It is said so, with the line that names it."""
    (tmp_path / "units.csv").write_bytes(b"id,zh\n\xff\xfe,1\n")
    (tmp_path / "small.yaml").write_text(SMALL + "units_table: units.csv\n", encoding="utf-8")
    with pytest.raises(ProfileInvalid) as refusal:
        load_profile(tmp_path / "small.yaml")
    assert "not UTF-8" in refusal.value.errors[0].message


COUNTS: Final = {
    "longquanyi": {"district": 1, "street": 10, "community": 124, "micro": 5495},
    "leshan": {"district": 1, "street": 13, "community": 60, "grid": 345},
    "chengdu": {"city": 1, "district": 1, "street": 2, "community": 24, "compound": 120, "stairwell": 480},
    "longgang": {"district": 1, "street": 11, "community": 119, "compound": 441},
}


@pytest.mark.parametrize("name", COUNTS)
def test_a_city_of_thousands_of_units(name: str) -> None:
    """The bundled tables hold as many units of each level as their pages say, and each place is found by its code."""
    profile = load_profile(find_profile(name))
    for level, count in COUNTS[name].items():
        assert sum(unit.level == level for unit in profile.units) == count, level
    if name == "longquanyi":
        kinds = [unit.kind for unit in profile.units if unit.level == "grid"]
        assert (kinds.count("general"), kinds.count("dedicated")) == (1100, len(kinds) - 1100)
    for unit in profile.units:
        for code in unit.qr:
            found = profile.locate(qr=code)
            assert found is not None
            assert found.unit == unit.id
        if unit.area is not None:
            (west, south), _, (east, north), _ = unit.area
            found = profile.locate(lon=(west + east) / 2, lat=(south + north) / 2)
            assert found is not None
            assert found.unit == unit.id
