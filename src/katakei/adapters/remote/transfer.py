"""The JSON form in which a server sends values to a remote command, and back.

Events and plans are sent as the journal records them (`katakei.domain.wire`), so that every version reads them. The
other values are sent by the names of their fields: they are shown once and never kept.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar, cast

from pydantic import TypeAdapter, ValidationError

from katakei.adapters.journals.event_codec import coder, decode, encode
from katakei.domain.errors import KatakeiError, UnreachableError
from katakei.domain.events import Event
from katakei.domain.freezes import Freeze
from katakei.domain.plan import Plan
from katakei.domain.ports import LeaseStatus, ListedGroup, RolloutHeader
from katakei.domain.reasons import Reason

T = TypeVar("T")

GROUPS: TypeAdapter[tuple[ListedGroup, ...]] = TypeAdapter(tuple[ListedGroup, ...])
HEADERS: TypeAdapter[tuple[RolloutHeader, ...]] = TypeAdapter(tuple[RolloutHeader, ...])
FREEZE: TypeAdapter[Freeze] = TypeAdapter(Freeze)
FREEZES: TypeAdapter[tuple[Freeze, ...]] = TypeAdapter(tuple[Freeze, ...])
MOMENT: TypeAdapter[datetime] = TypeAdapter(datetime)
LEASE: TypeAdapter[LeaseStatus | None] = TypeAdapter(LeaseStatus | None)


class ServerWire:
    """The values that a server sends, as JSON data (`katakei.web.server_context.Wire`)."""

    def event(self, event: Event) -> str:
        """An event as one line of JSON."""
        return encode(event)

    def plan(self, plan: Plan) -> Any:
        """A plan."""
        return plan_written(plan)

    def groups(self, groups: tuple[ListedGroup, ...]) -> Any:
        """Target groups with what they list."""
        return written(GROUPS, groups)

    def headers(self, headers: tuple[RolloutHeader, ...]) -> Any:
        """Rollouts as the journal lists them."""
        return written(HEADERS, headers)

    def lease(self, lease: LeaseStatus | None) -> Any:
        """Who has the lease of a group."""
        return written(LEASE, lease)


def written(adapter: TypeAdapter[T], value: T) -> Any:
    """The value as plain JSON data."""
    return adapter.dump_python(value, mode="json")


def read(adapter: TypeAdapter[T], data: Any) -> T:
    """The value of plain JSON data. Raises UnreachableError: a server of another version, or something else."""
    try:
        return adapter.validate_json(json.dumps(data))
    except ValidationError as error:
        raise _foreign() from error


def events_written(events: Sequence[Event]) -> list[Any]:
    """Events as the journal records them."""
    return [json.loads(encode(event)) for event in events]


def events_read(data: Any) -> tuple[Event, ...]:
    """Events as the journal records them. Raises UnreachableError."""
    if not isinstance(data, list):
        raise _foreign()
    return tuple(decode(json.dumps(each)) for each in data)


def plan_written(plan: Plan) -> Any:
    """A plan as the journal records it."""
    return coder(Plan).write(plan)


def plan_read(data: Any) -> Plan:
    """A plan as the journal records it. Raises UnreachableError."""
    return cast("Plan", _value(Plan, data))


def reason_written(reason: Reason) -> Any:
    """A reason as the journal records it."""
    return coder(Reason).write(reason)


def reason_read(data: Any) -> Reason:
    """A reason as the journal records it. Raises UnreachableError."""
    return cast("Reason", _value(Reason, data))


def _value(kind: type[Any], data: Any) -> Any:
    try:
        return coder(cast("Any", kind)).read(data)
    except KatakeiError:
        raise
    except Exception as error:  # any fault of foreign data
        raise _foreign() from error


def _foreign() -> UnreachableError:
    return UnreachableError("the server's answer cannot be read: use the version of Katakei that the server has")
