"""A small validator for the JSON Schemas in docs/schemas: the keywords that they use, and no other."""

from collections.abc import Iterator, Mapping
from typing import Any

TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
KNOWN = {
    "$schema", "$defs", "$ref", "title", "description", "x-since", "format", "pattern", "type", "const", "enum",
    "anyOf", "oneOf", "properties", "required", "additionalProperties", "items", "prefixItems", "minItems", "maxItems",
}  # fmt: skip


def faults(
    value: Any, schema: Mapping[str, Any], root: Mapping[str, Any] | None = None, at: str = "$"
) -> Iterator[str]:
    """Every way in which a value does not fit a schema, with its place. `format` and `pattern` are not checked."""
    root = root or schema
    assert set(schema) <= KNOWN, set(schema) - KNOWN
    if "$ref" in schema:
        yield from faults(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root, at)
    if "const" in schema and value != schema["const"]:
        yield f"{at} is {value!r}, not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at} is {value!r}, not one of {schema['enum']}"
    if "type" in schema and not _is(value, schema["type"]):
        yield f"{at} is {value!r}, not {schema['type']}"
        return
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    tried = [list(faults(value, choice, root, at)) for choice in choices]
    fitting = sum(not found for found in tried)
    if choices and (fitting == 0 or ("oneOf" in schema and fitting > 1)):
        yield f"{at} fits {fitting} choices: {min(tried, key=len)}"
    if isinstance(value, dict):
        yield from _object(value, schema, root, at)
    if isinstance(value, list):
        items = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        if len(items) != len(value):
            yield f"{at} has {len(value)} items, not {len(items)}"
        for number, (item, inside) in enumerate(zip(value, items, strict=False)):
            yield from faults(item, inside, root, f"{at}[{number}]")


def _object(value: Mapping[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], at: str) -> Iterator[str]:
    named, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{at}.{name} is missing" for name in schema.get("required", []) if name not in value)
    for name, held in value.items():
        if name in named:
            yield from faults(held, named[name], root, f"{at}.{name}")
        elif others is False:
            yield f"{at}.{name} is not a field"
        elif isinstance(others, dict):
            yield from faults(held, others, root, f"{at}.{name}")


def _is(value: Any, kind: str) -> bool:
    """A JSON `true` is no number, although it is an `int` in Python."""
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
