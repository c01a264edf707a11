"""The part of JSON Schema that `spec/manifest.schema.json` uses, so that the file itself is what is checked."""

from __future__ import annotations

import json
import pathlib
import re

from .refusal import require

SCHEMA = json.loads((pathlib.Path(__file__).parents[3] / "spec/manifest.schema.json").read_text())
TYPES = {
    "object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int, "number": (int, float),
}


def is_type(value: object, name: str) -> bool:
    return isinstance(value, TYPES[name]) and not (isinstance(value, bool) and name in ("integer", "number"))


def faults(value: object, schema: dict, at: str):
    """Yields what in `value` breaks `schema`."""
    if "$ref" in schema:
        yield from faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "type" in schema and not is_type(value, schema["type"]):
        yield f"{at} is not of type {schema['type']}"
        return
    if "const" in schema and value != schema["const"]:
        yield f"{at} is not {schema['const']}"
    if "oneOf" in schema and sum(not list(faults(value, one, at)) for one in schema["oneOf"]) != 1:
        yield f"{at} is none of what it may be"
    if is_type(value, "number") and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield f"{at} is out of range: {value}"
    if isinstance(value, str):
        if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
            yield f"{at} has the wrong length"
        if "pattern" in schema and not re.search(schema["pattern"], value):
            yield f"{at} does not match: {value!r}"
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            yield f"{at} has the wrong length"
        if schema.get("uniqueItems") and len(set(value)) < len(value):
            yield f"{at} holds something twice"
        for i, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), f"{at}[{i}]")
    if isinstance(value, dict):
        if len(value) > schema.get("maxProperties", len(value)):
            yield f"{at} has too many keys"
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        yield from (f"{at} lacks {key}" for key in schema.get("required", []) if key not in value)
        for key in value:
            yield from faults(key, schema.get("propertyNames", {}), f"{at} names {key!r}, which")
        for key, item in value.items():
            if key not in known and others is False:
                yield f"{at} has an unknown key {key}"
            else:
                yield from faults(item, known.get(key, others), f"{at}.{key}")


def check_manifest(manifest: dict) -> None:
    """Refuses a root that `spec/manifest.schema.json` does not allow."""
    found = list(faults(manifest, SCHEMA, "manifest"))
    require(not found, "manifest.schema.json", "; ".join(found[:3]))
