"""The shape of every recorded type: its fields with their types and defaults, and the words of every enum.

The shapes come from the wire tables and the annotations, so that no kind and no field can be left out. A later version
may add a field with a default, a kind or a word. It changes and removes nothing.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, NewType, get_args, get_origin, get_type_hints

from katakei.adapters.journals.event_codec import coder
from katakei.adapters.journals.s3.catalog import Entry
from katakei.adapters.journals.s3.leases import Row
from katakei.domain.events import Event
from katakei.domain.plan import Plan
from katakei.domain.ports import RolloutHeader
from katakei.domain.reasons import Reason
from katakei.domain.wire import EVENTS, WireField, WireRecord, record, record_of

Shapes = dict[str, Any]
SIMPLE: Mapping[object, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    float: "number",
    type(None): "null",
    datetime: "moment",
    timedelta: "duration",
}
OF_S3 = {
    Entry: record("Entry", "header opened"),
    Row: record("Row", "held epoch beat rollout since owner machine pids"),
}
"""The objects that only S3 holds. `test_recorded_wire.py` compares these rows with what the adapter writes."""


def shapes() -> Shapes:
    """The shapes as JSON.

    Returns:
        `events`: the kinds in order. `records`: kind to field to `type` and, where it has one, `default`. `enums`: the
        name of an enum to its words.
    """
    records: Shapes = {}
    enums: dict[str, list[str]] = {}
    for hint in (*get_args(Event), Plan, RolloutHeader, Entry, Row):
        _walk(hint, records, enums)
    return {"events": [EVENTS[kind].kind for kind in get_args(Event)], "records": records, "enums": enums}


def changes(then: Shapes, now: Shapes) -> Iterator[str]:
    """Everything that makes an older record unreadable or gives it another meaning; an addition is no change.

    The name of an enum is no part of the wire, so its words are compared instead.
    """
    yield from (f"the kind {kind} is gone" for kind in then["events"] if kind not in now["events"])
    for kind, slots in then["records"].items():
        present = now["records"].get(kind, {})
        for name, slot in slots.items():
            if name not in present:
                yield f"{kind}.{name} is gone"
            elif "default" in slot and present[name].get("default", MISSING) != slot["default"]:
                yield f"the default of {kind}.{name} was {slot['default']!r}"
            elif not _holds(slot["type"], then["enums"], present[name]["type"], now["enums"]):
                yield f"{kind}.{name} was {slot['type']}"
        late = [name for name, slot in present.items() if name not in slots and "default" not in slot]
        yield from (f"{kind}.{name} is new and has no default" for name in late)


def _holds(then: str, old: Mapping[str, list[str]], now: str, new: Mapping[str, list[str]]) -> bool:
    """Whether every value of the older type is one of the present type."""
    words = r"\w+"
    if re.sub(words, "*", then) != re.sub(words, "*", now):
        return False
    pairs = zip(re.findall(words, then), re.findall(words, now), strict=True)
    return all(set(old[a]) <= set(new[b]) if a in old and b in new else a == b for a, b in pairs)


def kind_row(cls: type) -> WireRecord:
    """The wire names of a recorded type. Raises KeyError for a type that is not recorded."""
    return record_of(cls) or OF_S3[cls]


def _walk(hint: Any, records: Shapes, enums: dict[str, list[str]]) -> None:
    """Goes into every type that a record consists of, each once."""
    if isinstance(hint, NewType) or hint is Reason:  # the facts of a reason are listed with the reasons
        return
    if isinstance(hint, type) and issubclass(hint, Enum):
        enums[hint.__name__] = [one.value for one in hint]
    elif isinstance(hint, type) and is_dataclass(hint):
        hints, row = get_type_hints(hint), kind_row(hint)
        if row.kind not in records:
            slots = {slot.name: slot for slot in fields(hint)}
            records[row.kind] = {
                field.name: _shape(field, slots[field.attribute], hints[field.attribute]) for field in row.fields
            }
            for each in hints.values():
                _walk(each, records, enums)
    else:
        for each in get_args(hint):
            _walk(each, records, enums)


def _shape(field: WireField, slot: "Field[Any]", hint: Any) -> Shapes:
    shape: Shapes = {"type": type_name(hint)}
    if has_default(slot):
        shape["default"] = coder(hint).write(default_of(slot))
    if field.since > 1:
        shape["since"] = field.since
    return shape


def type_name(hint: Any) -> str:
    """The type of a value on the wire: `string`, `[string]`, `{string: Floor}`, `Owner`, `string | null`.

    A moment is ISO 8601 with its offset, a duration `PT90S` or `PT0.250000S`, an enum one of its words.
    """
    if isinstance(hint, NewType):
        return type_name(hint.__supertype__)
    if isinstance(hint, type):
        return kind_row(hint).kind if is_dataclass(hint) else SIMPLE.get(hint, hint.__name__)
    origin, inside = get_origin(hint), get_args(hint)
    if origin is tuple:
        each = inside[:1] if inside[1:] == (...,) else inside
        return f"[{', '.join(map(type_name, each))}]"
    if origin is Mapping:
        return f"{{{type_name(inside[0])}: {type_name(inside[1])}}}"
    return " | ".join(map(type_name, inside))


def has_default(slot: "Field[Any]") -> bool:
    """Whether a record may lack this field."""
    return slot.default is not MISSING or slot.default_factory is not MISSING


def default_of(slot: "Field[Any]") -> Any:
    """The value of a field that a record lacks."""
    return slot.default_factory() if slot.default_factory is not MISSING else slot.default
