"""Are the generated parts of the documents what the code says today?"""

from deploy.docs import README, contract, left_over, rendered


def test_the_readme_is_not_stale() -> None:
    """`make docs` would change nothing."""
    text = README.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `make docs`"


def test_the_contract_is_not_stale() -> None:
    """AsyncAPI document and schemas are what the registry says today, and there are no others."""
    stale = [str(file) for file, text in contract().items() if not file.exists() or file.read_text("utf-8") != text]
    assert not stale, "run `make docs`"
    assert not left_over(), "run `make docs`"
