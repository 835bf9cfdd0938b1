"""Are the generated parts of the documents what the code says today?"""

from pathlib import Path

import pytest

from deploy import states
from deploy.docs import DOCUMENTS, contract, left_over, rendered


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.parent.name)
def test_no_document_is_stale(file: Path) -> None:
    """`make docs` would change nothing."""
    text = file.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `make docs`"


@pytest.mark.parametrize("table", [states.of_dispatch(), states.of_closure()])
def test_every_command_has_an_answer_in_every_state(table: str) -> None:
    """No cell is blank, and in each state there is something that may be done or a reason why not."""
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("|") and "---" not in line]
    assert len(rows) > 8
    assert all(cell.strip() for row in rows for cell in row)
    assert {"yes", "order-over"} & {cell.strip() for row in rows for cell in row}


def test_the_contract_is_not_stale() -> None:
    """AsyncAPI document and schemas are what the registry says today, and there are no others."""
    stale = [str(file) for file, text in contract().items() if not file.exists() or file.read_text("utf-8") != text]
    assert not stale, "run `make docs`"
    assert not left_over(), "run `make docs`"
