"""Does the table of the districts' mechanisms say what is so?"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from deploy.pages import OF, STATES, mechanisms

ROOT = Path(__file__).resolve().parents[2]
ROWS = {"YC": 22, "LQ": 22, "LS": 24, "CD": 13, "LG": 26}
WORKING = [row for row in mechanisms() if row["state"] == "works"]


def test_every_row_is_there_once() -> None:
    """All 107, in their order, each with a state and with what its state needs."""
    rows = mechanisms()
    wanted = [f"{of}-{nth:02}" for of, count in ROWS.items() for nth in range(1, count + 1)]
    assert [row["id"] for row in rows] == wanted
    assert set(OF.values()) == set(ROWS)
    for row in rows:
        assert row["state"] in STATES, row
        assert bool(row.get("test")) == (row["state"] == "works"), row
        assert row["state"] == "works" or row.get("note"), row


@pytest.mark.parametrize("row", WORKING, ids=lambda row: row["id"])
def test_what_works_has_a_test(row: dict[str, str]) -> None:
    """The named test exists, with the profile that it is played with."""
    file, _, name = row["test"].partition("::")
    name, _, parameter = name.partition("[")
    text = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), row["test"]
    assert not parameter or f'"{parameter.removesuffix("]")}": ' in text, row["test"]


def test_every_district_has_a_story() -> None:
    """Each district has rows that are shown in its own day."""
    told = Counter(row["id"][:2] for row in WORKING if "tests/stories" in row["test"])
    assert set(told) == set(ROWS)
