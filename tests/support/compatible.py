"""Does one JSON Schema allow all that another one does? Compared keyword by keyword, for what pydantic writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]
Always = bool
"""A schema that allows everything (true) or nothing (false)."""
WORDS = {"title", "description", "default", "examples", "deprecated", "$schema", "$id", "$defs"}
"""Keywords that refuse nothing."""
LEAST = ("minLength", "minItems", "minProperties", "minimum", "exclusiveMinimum")
MOST = ("maxLength", "maxItems", "maxProperties", "maximum", "exclusiveMaximum")
SAME = ("pattern", "format")
KNOWN = {*WORDS, *LEAST, *MOST, *SAME, "type", "enum", "const", "anyOf", "$ref", "items", "prefixItems"} | {
    "properties",
    "required",
    "additionalProperties",
}


def breaks(reader: Schema, writer: Schema, *, keeps_fields: bool = True) -> list[str]:
    """Give where the reader refuses what the writer may write; with `keeps_fields` also each field that it lost."""
    return list(_Comparison(reader, writer, keeps_fields=keeps_fields).breaks(reader, writer, ""))


class _Comparison:
    def __init__(self, reader: Schema, writer: Schema, *, keeps_fields: bool) -> None:
        self._reader, self._writer = reader.get("$defs", {}), writer.get("$defs", {})
        self._keeps_fields = keeps_fields

    def breaks(self, reader: Schema | Always, writer: Schema | Always, at: str) -> Iterator[str]:
        """Find for each form that the writer may choose the form of the reader that it breaks least."""
        forms = _forms(reader, self._reader)
        for written in _forms(writer, self._writer):
            yield from min((list(self._one(form, written, at)) for form in forms), key=len)

    def _one(self, reader: Schema, writer: Schema, at: str) -> Iterator[str]:
        if not reader.keys() - WORDS:
            return
        values = _values(writer)
        if "enum" in reader or "const" in reader:
            missing = [value for value in values or ["another value"] if value not in (_values(reader) or [])]
            yield from (f"{at}: {value!r} is not allowed" for value in missing)
            return
        kinds = {reader.get("type")} | ({"integer"} if reader.get("type") == "number" else set())
        if reader.get("type") and writer.get("type") not in kinds:
            yield f"{at}: {writer.get('type', 'anything')} is not {reader['type']}"
            return
        if values is None:
            yield from self._limits(reader, writer, at)
        if reader.get("type") == "object":
            yield from self._fields(reader, writer, at)
        if reader.get("type") == "array":
            yield from self._items(reader, writer, at)

    @staticmethod
    def _limits(reader: Schema, writer: Schema, at: str) -> Iterator[str]:
        for word in LEAST:
            if word in reader and writer.get(word, float("-inf")) < reader[word]:
                yield f"{at}: {word} is {reader[word]}, was {writer.get(word)}"
        for word in MOST:
            if word in reader and writer.get(word, float("inf")) > reader[word]:
                yield f"{at}: {word} is {reader[word]}, was {writer.get(word)}"
        for word in SAME:
            if word in reader and writer.get(word) != reader[word]:
                yield f"{at}: {word} is {reader[word]}, was {writer.get(word)}"

    def _fields(self, reader: Schema, writer: Schema, at: str) -> Iterator[str]:
        known, others = reader.get("properties", {}), reader.get("additionalProperties", True)
        for name, written in writer.get("properties", {}).items():
            if name in known:
                yield from self.breaks(known[name], written, f"{at}/{name}")
            elif others is False or self._keeps_fields:
                yield f"{at}/{name}: the field is gone"
        for name in sorted({*reader.get("required", ())} - {*writer.get("required", ())}):
            yield f"{at}/{name}: the field is required and may be missing"
        free = writer.get("additionalProperties", True)
        if others is False and free is not False:
            yield f"{at}: unknown fields are refused"
        elif others is not False and free is not False:
            yield from self.breaks(others, free, f"{at}/*")

    def _items(self, reader: Schema, writer: Schema, at: str) -> Iterator[str]:
        read, written = reader.get("prefixItems", []), writer.get("prefixItems", [])
        if len(read) != len(written):
            yield f"{at}: {len(written)} items are not {len(read)}"
        for number, (one, other) in enumerate(zip(read, written, strict=False)):
            yield from self.breaks(one, other, f"{at}/{number}")
        yield from self.breaks(reader.get("items", True), writer.get("items", True), f"{at}/[]")


def _forms(schema: Schema | Always, parts: dict[str, Schema]) -> list[Schema]:
    """Give the forms that a schema lets one choose from; raises ValueError for a keyword that is not compared."""
    if isinstance(schema, bool):
        return [{}] if schema else []
    if unknown := schema.keys() - KNOWN:
        raise ValueError(f"teach tests/support/compatible.py the keywords {sorted(unknown)}")
    if "$ref" in schema:
        return _forms(parts[schema["$ref"].rpartition("/")[2]], parts)
    if "anyOf" in schema:
        return [form for each in schema["anyOf"] for form in _forms(each, parts)]
    return [schema]


def _values(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")
