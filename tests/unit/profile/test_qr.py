"""Does `gridcall qr` draw every code of a profile, so that a phone that reads it opens the page of its place?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import segno

from deploy.cli.output import USAGE, Failure
from deploy.cli.qr import ERROR_LEVEL, qr
from shared.profile import find_profile, load_profile

BASE = "https://city.example"
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Give what the command says of the codes of one community."""
    qr(BASE, tmp_path / "new" / "folder", within="511802001001", as_json=True)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return said


def test_every_code_gets_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One SVG for each code of the profile, and the sheet."""
    qr(BASE, tmp_path)
    codes = [code for unit in load_profile(find_profile("yucheng")).units for code in unit.qr]
    assert len(codes) == len(list(tmp_path.glob("*.svg"))) == 244
    assert "244 codes" in capsys.readouterr().out
    sheet = (tmp_path / "codes.html").read_text(encoding="utf-8")
    assert sheet.count("<svg") == 244
    assert all(f"{BASE}/q/{code}<" in sheet for code in codes)


def test_a_code_leads_to_the_page_of_its_place(made: dict[str, Any], tmp_path: Path) -> None:
    """The drawing is that of the address, which names the code; only the codes of the unit are there."""
    assert [(each["code"], each["url"]) for each in made["codes"]] == [
        ("YC001001001", f"{BASE}/q/YC001001001"),
        ("YC001001002", f"{BASE}/q/YC001001002"),
    ]
    for each in made["codes"]:
        drawn = ET.parse(tmp_path / "new" / "folder" / each["file"]).getroot()  # noqa: S314 - we have just made it
        wanted = segno.make_qr(each["url"], error=ERROR_LEVEL).svg_inline(scale=10)
        assert f'd="{drawn.find(f".//{SVG}path").attrib["d"]}"' in wanted  # type: ignore[union-attr]


def test_the_sheet_says_what_a_code_is_for(made: dict[str, Any]) -> None:
    """The place and the services, in Chinese and in English."""
    sheet = Path(made["sheet"]).read_text(encoding="utf-8")
    for words in ("码上办", "东大街社区第一网格", "Dongdajie Grid 2", "心理咨询", "Legal advice"):
        assert words in sheet


@pytest.mark.parametrize(
    "address", ["", "city.example", "ftp://city.example", "https://", "https://a/b", "https://a?b=c"]
)
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    """A printed code cannot be corrected."""
    with pytest.raises(Failure) as caught:
        qr(address, tmp_path)
    assert caught.value.code == USAGE
    assert not list(tmp_path.iterdir())


def test_an_unknown_unit_and_a_profile_without_codes_are_named(tmp_path: Path) -> None:
    """With what to do."""
    with pytest.raises(Failure, match="no unit 7"):
        qr(BASE, tmp_path, within="7")
    with pytest.raises(Failure, match="kaohsiung has no QR codes"):
        qr(BASE, tmp_path, profile="kaohsiung")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "file").write_text("")
    with pytest.raises(Failure, match="cannot be written"):
        qr(BASE, tmp_path / "file" / "codes")
