"""Events into the tables, inside a transaction that the caller holds; the header is kept up in the same one."""

import json
from collections.abc import Sequence

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from katakei.adapters.journals.codec import encode
from katakei.adapters.journals.heading import header, in_order, unknown
from katakei.adapters.journals.moments import sortable
from katakei.adapters.journals.schema import events as table
from katakei.adapters.journals.schema import rollout_groups, rollouts
from katakei.domain.errors import ConcurrentAppendError
from katakei.domain.events import Event, Finished, Planned, RetryAsked, RevertAsked
from katakei.domain.model import RolloutId


def last(connection: Connection, rollout: RolloutId) -> int:
    """The number of the newest event. Raises UsageFault: there is none."""
    number = _last(connection, rollout)
    if not number:
        raise unknown(rollout)
    return number


def append(connection: Connection, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
    """Numbers after+1 and on. Raises Overtaken where one is taken, or where `after` itself is not there."""
    number = _last(connection, rollout)
    if number != after:
        raise ConcurrentAppendError(f"rollout {rollout} has {number} events, not {after}: read it again")
    if not events:
        return
    in_order(after, events)
    rows = [{"rollout": rollout, "number": n, "event": encode(event)} for n, event in enumerate(events, after + 1)]
    try:
        for event in events:
            _keep_header(connection, rollout, event)
        connection.execute(insert(table), rows)
    except IntegrityError as fault:
        raise ConcurrentAppendError(
            f"another event took number {after + 1} of rollout {rollout}: read it again"
        ) from fault


def _last(connection: Connection, rollout: RolloutId) -> int:
    return connection.scalar(select(func.max(table.c.number)).where(table.c.rollout == rollout)) or 0


def _keep_header(connection: Connection, rollout: RolloutId, event: Event) -> None:
    match event:
        case Planned():
            made = header(rollout, event)
            values = {"service": made.service, "group_arns": json.dumps(made.groups), "who": made.who}
            connection.execute(insert(rollouts).values(rollout=rollout, begun=sortable(made.begun), **values))
            if made.groups:
                rows = [{"group_arn": arn, "rollout": rollout} for arn in made.groups]
                connection.execute(insert(rollout_groups), rows)
        case Finished(at):
            _finish(connection, rollout, sortable(at))
        case RetryAsked() | RevertAsked():
            _finish(connection, rollout, None)


def _finish(connection: Connection, rollout: RolloutId, finished: str | None) -> None:
    connection.execute(update(rollouts).where(rollouts.c.rollout == rollout).values(finished=finished))
