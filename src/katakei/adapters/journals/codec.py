"""Events as JSON that a person can read, and back, exactly. What is not known is refused, never guessed.

Read from the annotations of the frozen dataclasses, so an event has no second description to fall behind.
"""

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, cast, get_args, get_origin, get_type_hints

from katakei.adapters.journals.moments import duration, iso, moment, span
from katakei.domain.errors import Unreachable
from katakei.domain.events import VERSION, Event, Planned

SIMPLE = (str, int, bool, float)


@dataclass(frozen=True, slots=True)
class Coder:
    """Both directions for one type."""

    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def kind(event: Event) -> str:
    """What the stored JSON calls this event: the name of its class."""
    return type(event).__name__


def encode(event: Event) -> str:
    """One line of JSON: `kind`, then every field (defaults too: they may differ in a later version)."""
    value = coder(Event).write(event)
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:  # work may print half a surrogate pair; escaped, it is kept exactly
        return json.dumps(value)
    return text


def decode(text: str) -> Event:
    """The event that `encode` was given. Raises Unreachable: an unknown kind or field, or a value of another type.

    A first event tells the version of all that follow; one newer than ours is refused whatever the others look like.
    """
    try:
        seen = json.loads(text)
        _not_newer(seen)
        return cast("Event", coder(Event).read(seen))
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise Unreachable(
            f"an event in the journal cannot be read ({fault}): use the version of Katakei that wrote it"
        ) from fault


def _not_newer(seen: Any) -> None:
    if not isinstance(seen, dict) or seen.get("kind") != Planned.__name__:
        return
    version = int(seen["plan"]["versions"].get("events", "1"))
    if version > VERSION:
        raise Unreachable(
            f"rollout {seen['plan']['rollout']} was written by a newer Katakei (events of version {version}, this one"
            f" knows {VERSION}): use that version; nothing was changed"
        )


@cache
def coder(hint: Any) -> Coder:
    """How a value of this annotation is written and read. Raises TypeError for one that no event has had so far."""
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
    if is_dataclass(hint):
        return _record(cast("type", hint))
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
    """`X | None`, or several records told apart by their `kind`."""
    some = [member for member in members if member is not type(None)]
    if len(some) == 1:
        one = coder(some[0])
        return Coder(lambda v: None if v is None else one.write(v), lambda v: None if v is None else one.read(v))
    by_kind = {member.__name__: coder(member) for member in some if isinstance(member, type) and is_dataclass(member)}
    if len(by_kind) != len(members):
        raise TypeError(f"no way to tell {members} apart")

    def read(seen: dict[str, Any]) -> Any:
        rest = dict(seen)
        name = rest.pop("kind", "none")
        if name not in by_kind:
            raise ValueError(f"its kind {name!r} is unknown")
        return by_kind[name].read(rest)

    return Coder(lambda v: {"kind": type(v).__name__} | by_kind[type(v).__name__].write(v), read)


def _record(cls: type) -> Coder:
    hints = get_type_hints(cls)
    slots: dict[str, Field[Any]] = {slot.name: slot for slot in fields(cls)}
    coders = {name: coder(hints[name]) for name in slots}
    needed = {n for n, s in slots.items() if s.default is MISSING and s.default_factory is MISSING}

    def read(seen: dict[str, Any]) -> Any:
        if wrong := sorted((seen.keys() - slots.keys()) | (needed - seen.keys())):
            raise ValueError(f"{cls.__name__} does not fit: {', '.join(wrong)}")
        return cls(**{name: coders[name].read(value) for name, value in seen.items()})

    return Coder(lambda value: {name: c.write(getattr(value, name)) for name, c in coders.items()}, read)


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
