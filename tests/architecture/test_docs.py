"""Are the generated parts of the documents what the code says today?"""

from deploy.docs import README, rendered


def test_the_readme_is_not_stale() -> None:
    """`make docs` would change nothing."""
    text = README.read_text(encoding="utf-8")
    assert rendered(text) == text, "run `make docs`"
