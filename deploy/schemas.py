"""What may stand in each message? JSON Schemas, made from the bodies that the services themselves read.

`python -m deploy.schemas` keeps today's as those of the version in pyproject.toml: what is published once is never
written again, and a test compares whatever comes later with it.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from shared.messages import REGISTRY, Body, doors, log, parts

ROOT = Path(__file__).parent.parent
CONTRACT = ROOT / "deploy" / "contract"
SCHEMAS = CONTRACT / "schemas"
PUBLISHED = CONTRACT / "published"
GOLDEN = ROOT / "tests" / "contract" / "golden"
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def contract_version() -> str:
    """Give the version in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    return str(project["project"]["version"])


def example(name: str) -> dict[str, Any]:
    """Give the golden body of a wire type."""
    content: dict[str, Any] = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))
    return content


def schema(body: type[Body]) -> Schema:
    """Give the schema of one message, whole in itself, with its golden body as the example."""
    made = body.model_json_schema()
    parts_used = made.pop("$defs", {})
    for name, part in parts_used.items():
        explain(name, part)
    explain(body.__name__, made)
    head = {"$schema": DIALECT, "$id": f"urn:gridcall:schema:{body.type}", "title": body.type}
    whole = {**head, **{key: value for key, value in made.items() if key != "title"}}
    return {**whole, **({"$defs": parts_used} if parts_used else {}), "examples": [example(body.type)]}


def explain(name: str, made: Schema) -> None:
    """Put what the code says of a body or part, and of its fields, into its schema."""
    made.pop("title", None)
    if "description" in made:
        made["description"] = " ".join(made["description"].split())
    for field, property_schema in made.get("properties", {}).items():
        property_schema.pop("title", None)
        about = _field_sentences().get(name, {}).get(field)
        if about:
            property_schema["description"] = about


@cache
def _field_sentences() -> dict[str, dict[str, str]]:
    """Give what stands below each field of each body and part, those of its bases included."""
    found: dict[str, dict[str, str]] = {}
    for module in (parts, log, doors):
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.ClassDef):
                bases = [found.get(base.id, {}) for base in node.bases if isinstance(base, ast.Name)]
                found[node.name] = {field: text for base in bases for field, text in base.items()} | _own(node)
    return found


def _own(node: ast.ClassDef) -> dict[str, str]:
    own = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(below, ast.Expr):
            text = ast.literal_eval(below.value)
            own[field.target.id] = " ".join(str(text).split())
    return own


def schemas() -> dict[str, Schema]:
    """Give the schema of every message by its wire type."""
    return {name: schema(REGISTRY[name]) for name in sorted(REGISTRY)}


def files() -> dict[Path, str]:
    """Give what the files of the schemas must hold."""
    return {
        SCHEMAS / f"{name}.json": json.dumps(made, ensure_ascii=False, indent=1) + "\n"
        for name, made in schemas().items()
    }


def published() -> dict[str, dict[str, Schema]]:
    """Give the schemas of each version that was published, oldest first."""
    found = sorted(PUBLISHED.glob("*.json"), key=lambda file: [int(part) for part in file.stem.split(".")])
    return {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in found}


def publish() -> Path:
    """Keep today's schemas as those of this version; raises FileExistsError when they are kept already."""
    PUBLISHED.mkdir(exist_ok=True)
    file = PUBLISHED / f"{contract_version()}.json"
    one_a_line = ",\n".join(f"{json.dumps(name)}: {json.dumps(made)}" for name, made in schemas().items())
    with file.open("x", encoding="utf-8") as new:
        new.write(f"{{\n{one_a_line}\n}}\n")
    return file


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Published: {publish().relative_to(ROOT)}\n")
    except FileExistsError:
        sys.exit(f"Version {contract_version()} is published already: raise the version in pyproject.toml first.")
