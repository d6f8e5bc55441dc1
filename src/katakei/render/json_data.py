"""Plain JSON data of any value: dataclasses as objects, durations in seconds, moments in ISO 8601.

Recorded types use the names of the wire tables (`katakei.domain.wire`).
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import cache

from katakei.domain.reasons import Reason
from katakei.domain.wire import record_of

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]


def plain(value: object) -> Plain:
    """The value without its types; one way only (the journal has its own exact codec)."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Enum():
            return plain(value.value)
        case timedelta():
            return value.total_seconds()
        case datetime():
            return value.isoformat()
        case Mapping():
            return {str(plain(key)): plain(held) for key, held in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case Reason(code, data):
            return {"code": code, "data": {name: plain(fact) for name, fact in data}}
        case _ if is_dataclass(value):
            cls: type = type(value)
            return {name: plain(getattr(value, attribute)) for attribute, name in _names(cls).items()}
        case _:
            return str(value)


@cache
def _names(cls: type) -> Mapping[str, str]:
    """The attributes of a dataclass, each with its name in JSON."""
    record = record_of(cls)
    if record is not None:
        return {field.attribute: field.name for field in record.fields}
    return {field.name: field.name for field in fields(cls)}
