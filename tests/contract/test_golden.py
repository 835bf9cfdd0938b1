"""Does every message ever published still parse? One golden file per wire type and version."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from shared.messages import REGISTRY

GOLDEN = Path(__file__).parent / "golden"


def load(name: str) -> dict[str, Any]:
    """Give the golden body of a wire type."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text())
    return content


def test_every_type_has_a_golden_file_and_none_is_left_over() -> None:
    """Adding a type means adding its file; removing a file means breaking a reader."""
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(REGISTRY)


def within(golden: Any, dumped: Any) -> bool:
    """Tell whether everything in one JSON value stands in the other too, which may have more fields."""
    if isinstance(golden, dict):
        return all(key in dumped and within(value, dumped[key]) for key, value in golden.items())
    if isinstance(golden, list):
        return len(golden) == len(dumped) and all(map(within, golden, dumped))
    return bool(golden == dumped)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_golden_body_parses_and_keeps_its_fields(name: str) -> None:
    """What was published once is understood today, with nothing lost."""
    golden = load(name)
    body = REGISTRY[name].model_validate_json(json.dumps(golden))
    dumped = json.loads(body.model_dump_json(by_alias=True))
    assert within(golden, dumped)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_body_survives_the_wire(name: str) -> None:
    """parse(dump(x)) == x, also with defaults left out as on the log."""
    body = REGISTRY[name].model_validate_json(json.dumps(load(name)))
    for without_defaults in (False, True):
        wire = body.model_dump_json(by_alias=True, exclude_defaults=without_defaults)
        assert REGISTRY[name].model_validate_json(wire) == body


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("name", sorted(REGISTRY))
@given(data=st.data())
@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
def test_a_body_of_another_shape_is_a_value_error_and_nothing_else(name: str, data: st.DataObject) -> None:
    """Whatever stands in one field, reading gives a body or a ValueError."""
    golden = load(name)
    field = data.draw(st.sampled_from(sorted(golden) or ["x"]))
    body: type[BaseModel] = REGISTRY[name]
    try:
        body.model_validate_json(json.dumps(golden | {field: data.draw(json_values)}))
    except ValueError:
        return
