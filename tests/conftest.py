"""What may every test ask for, and which tests begin?"""

from __future__ import annotations

import pytest

pytest_plugins = ["tests.support.servers"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files whose tests may take longest: a worker that takes one last works on it alone."""
    longest: dict[str, float] = {}
    for item in items:
        mark = item.get_closest_marker("timeout")
        seconds = float(mark.args[0]) if mark else 0.0
        longest[str(item.path)] = max(seconds, longest.get(str(item.path), 0.0))
    items.sort(key=lambda item: -longest[str(item.path)])  # stable: each file's tests stay together, in their order
