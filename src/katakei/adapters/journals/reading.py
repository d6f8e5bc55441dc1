"""What is asked of a journal, as one text for every database, and the answers as values. Nothing is written here.

Must not import SQLAlchemy: `status` reads the journal, and its whole budget for that is less than that import.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from katakei.adapters.journals.codec import decode
from katakei.adapters.journals.moments import moment
from katakei.domain.errors import UnreachableError
from katakei.domain.events import Event
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import RolloutHeader

VERSION = 2

Ask = Callable[[str, Mapping[str, object]], Sequence[tuple[Any, ...]]]

SCHEMA = "SELECT value FROM katakei WHERE name = 'schema'"
READ = "SELECT event FROM events WHERE rollout = :rollout AND number > :after ORDER BY number"
FIND = "SELECT rollout, service, group_arns, begun, finished, who FROM rollouts"
WHERE = {
    "service": "service = :service",
    "group": "rollout IN (SELECT rollout FROM rollout_groups WHERE group_arn = :group)",
    "unfinished": "finished IS NULL",
}
NEWEST = "ORDER BY begun DESC, rollout DESC"


def read(ask: Ask, rollout: RolloutId, after: int) -> list[Event]:
    """As `Journal.read`."""
    return [decode(text) for (text,) in ask(READ, {"rollout": rollout, "after": after})]


def find(ask: Ask, service: str | None, group: Arn | None, *, unfinished: bool) -> list[RolloutHeader]:
    """As `Journal.find`."""
    wanted = {"service": service, "group": group, "unfinished": unfinished or None}
    asked = [clause for name, clause in WHERE.items() if wanted[name] is not None]
    text = " ".join([FIND, *(["WHERE", " AND ".join(asked)] if asked else []), NEWEST])
    return [_header(row) for row in ask(text, {name: wanted[name] for name in WHERE if f":{name}" in text})]


def checked(version: str, where: object) -> None:
    """Raises Unreachable: a newer Katakei wrote this journal, and what it means is not known here."""
    if int(version) > VERSION:
        raise UnreachableError(
            f"the journal {where} was written by a newer Katakei (schema {version}, this one knows {VERSION}): "
            "use that version; nothing was changed"
        )


def _header(row: tuple[Any, ...]) -> RolloutHeader:
    rollout, service, arns, begun, finished, who = row
    groups = tuple(Arn(arn) for arn in json.loads(arns))
    return RolloutHeader(
        RolloutId(rollout), service, groups, moment(begun), moment(finished) if finished else None, who
    )
