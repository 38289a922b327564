"""Checks JSON against a schema of the served contract, as far as that contract uses JSON Schema."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
}
_KNOWN = {
    "$ref", "type", "oneOf", "enum", "pattern", "format", "description", "minLength", "maxLength",
    "minimum", "maximum", "properties", "required", "additionalProperties", "items", "minItems",
    "maxItems", "default",
}  # fmt: skip


class Contract:
    """An OpenAPI document.

    Args:
        document: as it was served.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document

    def check(self, name: str, value: object) -> None:
        """Fails unless the value fits the schema of that name."""
        problem = self.first_error(value, {"$ref": f"#/components/schemas/{name}"}, name)
        assert problem is None, problem

    def first_error(self, value: object, schema: dict[str, Any], at: str) -> str | None:
        """The first reason why a value does not fit, None when it does."""
        assert set(schema) <= _KNOWN, f"the checker does not know {set(schema) - _KNOWN}"
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            return self.first_error(value, self.document["components"]["schemas"][name], at)
        if "oneOf" in schema:
            fits = [one for one in schema["oneOf"] if self.first_error(value, one, at) is None]
            return None if len(fits) == 1 else f"{at}: {len(fits)} of oneOf fit"
        kind = schema.get("type")
        right = kind is None or isinstance(value, _TYPES[kind])
        if not right or (isinstance(value, bool) and kind is not None):
            return f"{at}: no {kind}"
        if "enum" in schema and value not in schema["enum"]:
            return f"{at}: not in enum"
        if isinstance(value, str):
            return self._text(value, schema, at)
        if isinstance(value, int | float):
            inside = schema.get("minimum", value) <= value <= schema.get("maximum", value)
            return None if inside else f"{at}: out of range"
        if isinstance(value, list):
            if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
                return f"{at}: wrong length"
            found = (
                self.first_error(one, schema["items"], f"{at}[{n}]") for n, one in enumerate(value)
            )
            return next((one for one in found if one), None)
        return self._object(value, schema, at) if isinstance(value, dict) else None

    def _text(self, value: str, schema: dict[str, Any], at: str) -> str | None:
        if "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{at}: pattern"
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            return f"{at}: length"
        if (
            schema.get("format") == "date-time"
            and datetime.fromisoformat(value.upper()).tzinfo is None
        ):
            return f"{at}: no offset"
        return None

    def _object(self, value: dict[str, Any], schema: dict[str, Any], at: str) -> str | None:
        known = schema.get("properties", {})
        missing = set(schema.get("required", [])) - set(value)
        if missing:
            return f"{at}: without {missing}"
        if schema.get("additionalProperties") is False and not set(value) <= set(known):
            return f"{at}: unknown {set(value) - set(known)}"
        found = (
            self.first_error(one, known[name], f"{at}.{name}")
            for name, one in value.items()
            if name in known
        )
        return next((one for one in found if one), None)
