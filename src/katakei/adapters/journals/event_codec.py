"""The codec of events: each event as one line of JSON that a person can read, and back without loss.

Names come from the wire tables (`katakei.domain.wire`), types from the annotations of the frozen dataclasses. An
unknown kind, field or value is refused, never guessed.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, cast, get_args, get_origin, get_type_hints

from katakei.adapters.journals.damage import DAMAGE, short
from katakei.adapters.journals.timestamps import duration, iso, moment, span
from katakei.domain.errors import UnreachableError
from katakei.domain.events import VERSION, Event, Planned
from katakei.domain.reasons import Reason, ReasonValue
from katakei.domain.wire import EVENTS, WireRecord, record_of

SIMPLE = (str, int, bool, float)


@dataclass(frozen=True, slots=True)
class Coder:
    """Both directions for one type."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def encode(event: Event) -> str:
    """One line of JSON: `kind`, then every field. Defaults are written too, because a later version may change them."""
    value = coder(Event).write(event)
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # work may print half a surrogate pair; escaping keeps it exactly
        return json.dumps(value)
    return text


def decode(text: str) -> Event:
    """The event that `encode` wrote.

    The first event of a rollout says which version wrote it. A rollout of a newer version is refused as a whole.

    Raises:
        UnreachableError: An unknown kind or field, a value of another type, or a newer version.
    """
    try:
        seen = json.loads(text)
        _not_newer(seen)
        return cast("Event", coder(Event).read(seen))
    except DAMAGE as fault:
        raise UnreachableError(
            f"an event in the journal cannot be read ({short(fault)}): use the version of Katakei that wrote it"
        ) from fault


def _not_newer(seen: Any) -> None:
    if not isinstance(seen, dict) or seen.get("kind") != EVENTS[Planned].kind:
        return
    version = int(seen["plan"]["versions"].get("events", "1"))
    if version > VERSION:
        raise UnreachableError(
            f"rollout {seen['plan']['rollout']} was written by a newer Katakei (events of version {version}, this one"
            f" knows {VERSION}): use that version; nothing was changed"
        )


@cache
def coder(hint: Any) -> Coder:
    """How a value of this annotation is written and read. Raises TypeError for an annotation that no event has."""
    if isinstance(hint, NewType):
        return coder(hint.__supertype__)
    if hint in SIMPLE:
        return Coder(_only(hint), _only(hint))
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Coder(lambda value: value.value, hint)
    if hint is datetime:
        return Coder(iso, moment)
    if hint is timedelta:
        return Coder(duration, span)
    if hint is Reason:
        return Coder(_reason_written, _reason_read)
    if is_dataclass(hint):
        return record_coder(cast("type", hint), record_of(cast("type", hint)))
    return _compound(hint)


def _compound(hint: Any) -> Coder:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in {Union, types.UnionType}:
        return _union(inside)
    if origin is tuple and inside[1:] == (...,):
        one = coder(inside[0])
        return Coder(lambda values: [one.write(v) for v in values], lambda seen: tuple(map(one.read, _list(seen))))
    if origin is tuple:
        each = [coder(hint) for hint in inside]
        return Coder(
            lambda values: [c.write(v) for c, v in zip(each, values, strict=True)],
            lambda seen: tuple(c.read(v) for c, v in zip(each, _list(seen), strict=True)),
        )
    if origin is Mapping:
        name, one = coder(inside[0]), coder(inside[1])
        return Coder(
            lambda values: {name.write(k): one.write(v) for k, v in values.items()},
            lambda seen: {name.read(k): one.read(v) for k, v in seen.items()},
        )
    raise TypeError(f"no way to write {hint}")


def _union(members: tuple[Any, ...]) -> Coder:
    """`X | None`, or several events that their `kind` tells apart."""
    some = [member for member in members if member is not type(None)]
    if len(some) == 1:
        one = coder(some[0])
        return Coder(lambda v: None if v is None else one.write(v), lambda v: None if v is None else one.read(v))
    if any(member not in EVENTS for member in members):
        raise TypeError(f"no way to tell {members} apart")
    by_type = {member: (EVENTS[member].kind, coder(member)) for member in some}
    by_kind = dict(by_type.values())

    def write(value: object) -> dict[str, Any]:
        kind, one = by_type[type(value)]
        body: dict[str, Any] = one.write(value)
        return {"kind": kind} | body

    def read(seen: dict[str, Any]) -> Any:
        rest = dict(seen)
        name = rest.pop("kind", "none")
        if name not in by_kind:
            raise ValueError(f"its kind {name!r} is unknown")
        return by_kind[name].read(rest)

    return Coder(write, read)


@dataclass(frozen=True, slots=True)
class _Slot:
    """One field of a record: its Python attribute, its coder, its default, and whether version 1 did not have it."""

    attribute: str
    coder: Coder
    default: object
    late: bool

    @property
    def needed(self) -> bool:
        """The field has no default, so every record has it."""
        return self.default is MISSING

    def omitted(self, value: object) -> bool:
        """A later field that says nothing is left out, so that older versions can read the record."""
        return self.late and value == self.default


def record_coder(cls: type, record: WireRecord | None) -> Coder:
    """How a frozen dataclass is written and read under these wire names.

    Raises:
        TypeError: The table does not list exactly the fields of the class, in their order.
    """
    if record is None or [field.attribute for field in record.fields] != [field.name for field in fields(cls)]:
        raise TypeError(f"the wire table does not list the fields of {cls.__name__}")
    hints = get_type_hints(cls)
    defaults = {field.name: _default(field) for field in fields(cls)}
    slots = {
        field.name: _Slot(
            field.attribute, coder(hints[field.attribute]), defaults[field.attribute], late=field.since > 1
        )
        for field in record.fields
    }
    needed = {name for name, slot in slots.items() if slot.needed}

    def write(value: object) -> dict[str, Any]:
        values = ((name, slot, getattr(value, slot.attribute)) for name, slot in slots.items())
        return {name: slot.coder.write(held) for name, slot, held in values if not slot.omitted(held)}

    def read(seen: dict[str, Any]) -> Any:
        if wrong := sorted((seen.keys() - slots.keys()) | (needed - seen.keys())):
            raise ValueError(f"{record.kind} does not fit: {', '.join(wrong)}")
        return cls(**{slots[name].attribute: slots[name].coder.read(value) for name, value in seen.items()})

    return Coder(write, read)


def _reason_written(value: Reason) -> dict[str, Any]:
    return {"code": value.code, "data": {name: _fact_written(fact) for name, fact in value.data}}


def _fact_written(fact: ReasonValue) -> Any:
    if isinstance(fact, Reason):
        return _reason_written(fact)
    return [_fact_written(each) for each in fact] if isinstance(fact, tuple) else fact


def _reason_read(seen: dict[str, Any]) -> Reason:
    if not isinstance(seen, dict) or seen.keys() != {"code", "data"}:
        raise ValueError("a reason has a code and data, nothing else")
    code = _only(str)(seen["code"])
    return Reason(code, tuple((name, _fact_read(fact)) for name, fact in seen["data"].items()))


def _fact_read(seen: Any) -> ReasonValue:
    if isinstance(seen, dict):
        return _reason_read(seen)
    return tuple(map(_fact_read, seen)) if isinstance(seen, list) else cast("ReasonValue", seen)


def _default(field: Field[Any]) -> object:
    return field.default_factory() if field.default_factory is not MISSING else field.default


def _only(cls: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not cls:  # `bool` is an `int` to Python, not to us
            raise TypeError(f"{value!r} is not {cls.__name__}")
        return value

    return check


def _list(seen: Any) -> list[Any]:
    if not isinstance(seen, list):
        raise TypeError(f"{seen!r} is not a list")
    return seen
