"""JSON Schemas of everything that is recorded or printed as JSON, drawn from the tables in the code.

`katakei.domain.wire` names what a journal holds, `katakei.render.json_data` what `--json` prints. `make docs` writes
the schemas into `docs/schemas/`; a test compares them with the tables.
"""

import json
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from pathlib import Path
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

from katakei.domain.events import VERSION
from katakei.domain.reasons import Reason
from katakei.domain.wire import EVENTS, VALUES, WireRecord, record_of
from katakei.render.json_data import LINES, OUTPUTS, RECORDS, OutputField

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

SIMPLE: Mapping[object, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}
TEXT_TYPES: Mapping[str, str] = {"text": "string", "integer": "integer", "number": "number", "boolean": "boolean"}
JOURNAL: Mapping[type, Schema] = {
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "string", "pattern": r"^-?PT[0-9]+(\.[0-9]{6})?S$"},
}
OUTPUT: Mapping[type, Schema] = {
    datetime: {"type": "string", "format": "date-time"},
    timedelta: {"type": "number", "description": "seconds"},
}
REASON: Schema = {
    "type": "object",
    "properties": {"code": {"type": "string"}, "data": {"type": "object"}},
    "required": ["code", "data"],
}
KINDS: Mapping[str, type] = {record.kind: cls for cls, record in (*VALUES.items(), *EVENTS.items())}


class Drawing:
    """One schema document: records become entries of `$defs`, each drawn once.

    Args:
        moments: How this document writes moments and durations.
        strict: Whether a record with a field that the tables do not list is invalid. The journal refuses such a
            record; a reader of the output must ignore the field.
    """

    def __init__(self, moments: Mapping[type, Schema], *, strict: bool) -> None:
        self.defs: dict[str, Schema] = {}
        self._moments = moments
        self._strict = strict

    def of(self, hint: Any) -> Schema:
        """The schema of a value with this annotation."""
        if isinstance(hint, NewType):
            return self.of(hint.__supertype__)
        if hint in SIMPLE:
            return {"type": SIMPLE[hint]}
        if hint in self._moments:
            return self._moments[hint]
        if hint is Reason:
            return self._defined("Reason", lambda: REASON)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return {"enum": [member.value for member in hint]}
        if isinstance(hint, type) and is_dataclass(hint):
            return self.record(hint)
        origin, inside = get_origin(hint), get_args(hint)
        if origin in {Union, types.UnionType}:
            return {"anyOf": [{"type": "null"} if each is type(None) else self.of(each) for each in inside]}
        if origin is tuple and inside[1:] == (...,):
            return {"type": "array", "items": self.of(inside[0])}
        if origin is tuple:
            each = [self.of(one) for one in inside]
            return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
        if origin is Mapping:
            return {"type": "object", "additionalProperties": self.of(inside[1])}
        raise TypeError(f"no schema for {hint}")

    def record(self, cls: type, tag: str = "") -> Schema:
        """A reference to a recorded type. `tag` names the field that holds its kind."""
        record = record_of(cls)
        assert record, f"the wire tables do not name {cls.__name__}"
        return self._defined(record.kind, lambda: self._record(cls, record, tag))

    def table(self, name: str, columns: Sequence[OutputField], tag: str = "") -> Schema:
        """A reference to an object of the output tables."""
        return self._defined(name, lambda: self._table(name, columns, tag))

    def _record(self, cls: type, record: WireRecord, tag: str) -> Schema:
        hints = get_type_hints(cls)
        defaults = {field.name: field.default is MISSING and field.default_factory is MISSING for field in fields(cls)}
        named: dict[str, Schema] = {tag: {"const": record.kind}} if tag else {}
        for field in record.fields:
            named[field.name] = _since(self.of(hints[field.attribute]), field.since)
        # A journal of an older version lacks fields that have a default; the output always shows version 1.
        needed = [f.name for f in record.fields if (defaults[f.attribute] if self._strict else f.since == 1)]
        return self._object(named, [tag, *needed] if tag else needed)

    def _table(self, name: str, columns: Sequence[OutputField], tag: str) -> Schema:
        named = {field.name: _since(self._typed(field.type), field.since) for field in columns}
        if tag:
            named[tag] = {"const": name}
        return self._object(named, [field.name for field in columns if field.since == 1])

    def _typed(self, written: str) -> Schema:
        """A type of the output tables."""
        if written.endswith("?"):
            return {"anyOf": [self._typed(written[:-1]), {"type": "null"}]}
        if written.startswith("["):
            return {"type": "array", "items": self._typed(written[1:-1])}
        if written.startswith("{"):
            return {"type": "object", "additionalProperties": self._typed(written[1:-1])}
        if written.startswith("wire."):
            return self.of(KINDS[written.removeprefix("wire.")])
        if written in TEXT_TYPES:
            return {"type": TEXT_TYPES[written]}
        return self.table(written, RECORDS[written])

    def _object(self, named: Mapping[str, Schema], needed: Sequence[str]) -> Schema:
        drawn: Schema = {"type": "object", "properties": dict(named), "required": list(needed)}
        return {**drawn, "additionalProperties": False} if self._strict else drawn

    def _defined(self, name: str, draw: Callable[[], Schema]) -> Schema:
        if name not in self.defs:
            self.defs[name] = {}
            self.defs[name] = draw()
        return {"$ref": f"#/$defs/{name}"}


def journal() -> Schema:
    """One event as a line of the journal."""
    drawing = Drawing(JOURNAL, strict=True)
    kinds = [drawing.record(cls, tag="kind") for cls in EVENTS]
    return _document(f"An event of the journal, version {VERSION}", {"oneOf": kinds}, drawing)


def output(name: str) -> Schema:
    """The object that a command prints."""
    drawing = Drawing(OUTPUT, strict=False)
    return _document(f"The output of {name}", drawing.table(name, OUTPUTS[name]), drawing)


def lines() -> Schema:
    """One line of the NDJSON output of a running rollout."""
    drawing = Drawing(OUTPUT, strict=False)
    kinds = [drawing.table(name, columns, tag="event") for name, columns in LINES.items()]
    kinds += [drawing.record(cls, tag="event") for cls, record in EVENTS.items() if record.kind not in LINES]
    return _document("A line of the output of a running rollout (NDJSON)", {"oneOf": kinds}, drawing)


def schemas() -> Mapping[str, Schema]:
    """Every schema, by the name of its file."""
    return {
        "journal-events.schema.json": journal(),
        "output-lines.schema.json": lines(),
        **{f"output-{name}.schema.json": output(name) for name in OUTPUTS},
    }


def documents() -> Mapping[Path, str]:
    """Every schema file as it should read."""
    return {FOLDER / name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def _since(schema: Schema, version: int) -> Schema:
    return {**schema, "x-since": version} if version > 1 else schema


def _document(title: str, schema: Schema, drawing: Drawing) -> Schema:
    return {"$schema": DIALECT, "title": title, **schema, "$defs": drawing.defs}
