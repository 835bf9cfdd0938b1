"""Are the published schemas and the AsyncAPI document valid, and do their examples conform?"""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, ValidationError

from deploy import asyncapi, schemas
from shared.messages import REGISTRY
from tests.support.city import ROOT
from tests.support.foreign import needs, node_modules, run

PARSER = ROOT / "tests" / "contract" / "asyncapi"
DOCUMENT = yaml.load(asyncapi.FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
WARNING = 1
"""Highest severity of the parser that is a fault; what is above it is advice."""


def stored(name: str) -> dict[str, Any]:
    """Give a schema as its file has it."""
    found: dict[str, Any] = json.loads((schemas.SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_a_schema_is_valid_and_so_are_its_examples(name: str) -> None:
    """Draft 2020-12, and the golden body conforms, formats included."""
    schema = stored(name)
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    assert schema["examples"]
    for example in schema["examples"]:
        validator.validate(example)


@pytest.mark.parametrize(
    "bad", [{}, {"order_id": 7}, {"order_id": "7K3M9Q2DXW5T8H4B-1", "signed_by": "misspelt"}, {"order_id": "x" * 65}]
)
def test_a_schema_refuses_what_the_door_refuses(bad: dict[str, Any]) -> None:
    """A department can find out before it sends."""
    with pytest.raises(ValidationError):
        Draft202012Validator(stored("gridcall.order.sign.v1")).validate(bad)


def test_every_message_travels_on_one_channel() -> None:
    """The document leaves no wire type out and names none twice."""
    carried = [name for channel in DOCUMENT["channels"].values() for name in channel["messages"]]
    assert sorted(carried) == sorted(REGISTRY)
    assert set(DOCUMENT["components"]["messages"]) == set(REGISTRY)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_an_example_in_the_document_conforms_to_it(name: str) -> None:
    """Headers and payload, in the dialect of AsyncAPI; the official parser looks at neither."""
    message = DOCUMENT["components"]["messages"][name]
    for part in ("headers", "payload"):
        whole = {"allOf": [message[part]], "components": DOCUMENT["components"]}
        validator = Draft7Validator(whole, format_checker=Draft7Validator.FORMAT_CHECKER)
        for example in message["examples"]:
            validator.validate(example[part])
            with pytest.raises(ValidationError):
                validator.validate(7)


def diagnostics(text: str) -> list[dict[str, Any]]:
    """Give what the official parser says against a document; advice left out."""
    needs("node")
    node_modules(PARSER)
    file = schemas.ROOT / "build" / "asyncapi-to-check.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text, encoding="utf-8")
    said = json.loads(run("node", "validate.js", str(file), folder=PARSER))
    return [each for each in said["diagnostics"] if each["severity"] <= WARNING]


@pytest.mark.timeout(600)
def test_the_document_is_valid_by_the_official_parser() -> None:
    """No error and no warning; and one that is spoilt is found."""
    text = asyncapi.FILE.read_text(encoding="utf-8")
    assert diagnostics(text) == []
    assert diagnostics(text.replace("action: receive", "action: hear", 1))
