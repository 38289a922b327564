"""Checks JSON against the OpenAPI document that the hub serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,),
    "number": (int, float), "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_KNOWN = {
    "$ref", "type", "anyOf", "enum", "const", "pattern", "format", "description", "title",
    "minLength", "maxLength", "minimum", "maximum", "properties", "required",
    "additionalProperties", "items", "minItems", "maxItems", "default", "examples",
    "contentMediaType",
}  # fmt: skip


class ApiContract:
    """An OpenAPI 3.1 document.

    Args:
        document: as it was served.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def operation(self, method: str, path: str) -> dict[str, Any]:
        """The operation of a method and a path with its parameters."""
        return self.document["paths"][path][method.lower()]

    def check_answer(self, method: str, path: str, status: int, kind: str, value: object) -> None:
        """Fails unless an answer is one that the document foresees."""
        answers = self.operation(method, path)["responses"]
        assert str(status) in answers, f"{method} {path} answers {status}"
        content = answers[str(status)]["content"]
        assert kind in content, f"{method} {path} {status}: {kind}"
        problem = self.first_error(value, content[kind]["schema"], "")
        assert problem is None, f"{method} {path} {status}: {problem}"

    def schemas(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yields (place, schema) of every schema that stands in the document."""
        return self._schemas(self.document, "")

    def _schemas(self, inside: object, at: str) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(inside, dict):
            for name, value in inside.items():
                here = f"{at}/{name}"
                if name == "schema" or at.endswith(("/schemas", "/properties")):
                    yield here, value
                yield from self._schemas(value, here)
        elif isinstance(inside, list):
            for number, value in enumerate(inside):
                yield from self._schemas(value, f"{at}/{number}")

    def first_error(self, value: object, schema: dict[str, Any], at: str) -> str | None:
        """The first reason why a value does not fit, None when it does."""
        assert set(schema) <= _KNOWN, f"the checker does not know {set(schema) - _KNOWN}"
        if "$ref" in schema:
            name = schema["$ref"].removeprefix("#/components/schemas/")
            return self.first_error(value, self.document["components"]["schemas"][name], at)
        if "anyOf" in schema:
            found = [self.first_error(value, one, at) for one in schema["anyOf"]]
            return None if None in found else f"{at}: none of anyOf ({found})"
        kind = schema.get("type")
        if kind is not None and (
            not isinstance(value, _TYPES[kind])
            or (isinstance(value, bool) and kind in ("integer", "number"))
        ):
            return f"{at}: no {kind}"
        if value not in schema.get("enum", [value]) or value != schema.get("const", value):
            return f"{at}: not one of those"
        if isinstance(value, str):
            return self._text(value, schema, at)
        if isinstance(value, int | float):
            inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
            return None if inside else f"{at}: out of range"
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                return f"{at}: wrong length"
            errors = (
                self.first_error(one, schema.get("items", {}), f"{at}/{n}")
                for n, one in enumerate(value)
            )
            return next((one for one in errors if one), None)
        return self._object(value, schema, at) if isinstance(value, dict) else None

    def _text(self, value: str, schema: dict[str, Any], at: str) -> str | None:
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{at}: pattern"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return f"{at}: length"
        if schema.get("format") == "date":
            try:
                date.fromisoformat(value)
            except ValueError:
                return f"{at}: no date"
        return None

    def _object(self, value: dict[str, Any], schema: dict[str, Any], at: str) -> str | None:
        known = schema.get("properties", {})
        missing = set(schema.get("required", [])) - set(value)
        if missing:
            return f"{at}: without {missing}"
        more = schema.get("additionalProperties", True)
        if more is False and not set(value) <= set(known):
            return f"{at}: unknown {set(value) - set(known)}"
        errors = (
            self.first_error(
                one, known.get(name, more if isinstance(more, dict) else {}), f"{at}/{name}"
            )
            for name, one in value.items()
        )
        return next((one for one in errors if one), None)
