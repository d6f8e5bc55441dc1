"""The headers of rollouts: what events make of them in every store, and the queries of the SQL journal.

Nothing is written here. This module must not import SQLAlchemy: `katakei status` reads the journal, and its whole time
budget for that is less than that import takes.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.event_codec import decode
from katakei.adapters.journals.timestamps import moment
from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.events import Event, Planned, RetryAsked, RevertAsked
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader

VERSION = 2
"""The version of the tables."""

Query = Callable[[str, Mapping[str, object]], Sequence[tuple[Any, ...]]]
"""Runs one statement with its values and returns the rows."""

SCHEMA_QUERY = "SELECT value FROM katakei WHERE name = 'schema'"
EVENTS_QUERY = "SELECT event FROM events WHERE rollout = :rollout AND number > :after ORDER BY number"
HEADERS_QUERY = "SELECT rollout, service, group_arns, begun, finished, who FROM rollouts"
CONDITIONS = {
    "service": "service = :service",
    "group": "rollout IN (SELECT rollout FROM rollout_groups WHERE group_arn = :group)",
    "unfinished": "finished IS NULL",
}
NEWEST_FIRST = "ORDER BY rowid DESC"  # in the order of their recording; `begun` is the clock of some machine


def header(rollout: RolloutId, planned: Planned) -> RolloutHeader:
    """The header of a rollout that has just begun, from its plan."""
    plan = planned.plan
    arns = tuple(dict.fromkeys(group.arn for group in plan.groups))
    return RolloutHeader(rollout, plan.spec.service, arns, planned.at, None, plan.who)


def reopens(event: Event) -> TypeGuard[RetryAsked | RevertAsked]:
    """Whether this event makes a finished rollout unfinished again."""
    return isinstance(event, RetryAsked | RevertAsked)


def check_order(after: int, events: Sequence[Event]) -> None:
    """Raises ValueError unless the first event of the rollout, and only that one, is Planned."""
    planned = [isinstance(event, Planned) for event in events]
    if any(planned[1:]) or planned[:1] not in ([], [after == 0]):
        raise ValueError("the first event of a rollout, and only that, is Planned")


def unknown_rollout(rollout: RolloutId) -> UsageError:
    """The error for a command that names a rollout which does not exist."""
    return UsageError(f"there is no rollout {rollout} in this journal: `katakei list` shows those there are")


def read_events(query: Query, rollout: RolloutId, after: int) -> list[Event]:
    """As `Journal.read`."""
    return [decode(text) for (text,) in query(EVENTS_QUERY, {"rollout": rollout, "after": after})]


def find_headers(query: Query, service: str | None, group: Arn | None, *, unfinished: bool) -> list[RolloutHeader]:
    """As `Journal.find`."""
    wanted = {"service": service, "group": group, "unfinished": unfinished or None}
    conditions = [condition for name, condition in CONDITIONS.items() if wanted[name] is not None]
    where = ["WHERE", " AND ".join(conditions)] if conditions else []
    text = " ".join([HEADERS_QUERY, *where, NEWEST_FIRST])
    rows = query(text, {name: wanted[name] for name in CONDITIONS if f":{name}" in text})
    with readable("the journal's list of rollouts"):
        return [_header(row) for row in rows]


def check_schema_version(version: str, location: object) -> None:
    """Raises UnreachableError when a newer Katakei wrote this journal: what it means is not known here."""
    with readable(f"the journal {location}"):
        newer = int(version) > VERSION
    if newer:
        raise UnreachableError(
            f"the journal {location} was written by a newer Katakei (schema {version}, this one knows {VERSION}): "
            "use that version; nothing was changed"
        )


def _header(row: tuple[Any, ...]) -> RolloutHeader:
    rollout, service, arns, begun, finished, who = row
    groups = tuple(Arn(arn) for arn in json.loads(arns))
    return RolloutHeader(
        RolloutId(rollout), service, groups, moment(begun), moment(finished) if finished else None, who
    )
