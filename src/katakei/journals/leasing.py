"""The rows of the leases: who may write, and whether that is still so. Inside a transaction that the caller holds."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from katakei import process
from katakei.core.errors import Held, LeaseLost
from katakei.core.events import Owner
from katakei.core.model import Arn, RolloutId
from katakei.core.ports import Lease
from katakei.journals.moments import moment, sortable
from katakei.journals.schema import leases as table

Fate = Callable[[Owner, process.Place], process.Fate]

ADVICE = {
    process.Fate.ALIVE: "wait until it has ended",
    process.Fate.UNKNOWN: "whether that process still runs cannot be known from here: go on with it where it began",
}


def take(connection: Connection, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, fate: Fate) -> Lease:
    """All rows, sorted, or none. Raises Held."""
    wanted = select(table).where(table.c.group_arn.in_(groups)).order_by(table.c.group_arn)
    rows = connection.execute(wanted.with_for_update()).all()
    for row in rows:
        if row.held and not (_holder(row) == owner and row.rollout == rollout):
            _refuse_unless_dead(row, fate)
    # One more than any of them ever had: an epoch is never used twice, so a former owner stays fenced.
    lease = Lease(groups, owner, max((row.epoch for row in rows), default=0) + 1)
    values = _values(connection, lease, rollout)
    connection.execute(update(table).where(table.c.group_arn.in_(groups)).values(**values))
    if fresh := sorted(groups - {row.group_arn for row in rows}):
        connection.execute(insert(table), [{"group_arn": arn, **values} for arn in fresh])
    return lease


def confirm(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLost unless every group of the lease is still its own."""
    _all_of(lease, len(connection.execute(select(table.c.group_arn).where(_ours(lease)).with_for_update()).all()))


def beat(connection: Connection, lease: Lease) -> None:
    """One beat more. Raises LeaseLost."""
    _all_of(lease, connection.execute(update(table).where(_ours(lease)).values(beat=table.c.beat + 1)).rowcount)


def let_go(connection: Connection, lease: Lease) -> None:
    """Those of its groups that are still its own are free."""
    connection.execute(update(table).where(_ours(lease)).values(held=False))


def unlock(connection: Connection, group: Arn) -> str:
    """The row stays, with its epoch: whoever had it is fenced. Says who that was, '' for nobody."""
    held = and_(table.c.group_arn == group, table.c.held)
    row = connection.execute(select(table).where(held).with_for_update()).one_or_none()
    connection.execute(update(table).where(held).values(held=False))
    return _said(row) if row else ""


def _all_of(lease: Lease, held: int) -> None:
    if not lease.groups or held != len(lease.groups):
        raise LeaseLost("another process has taken over: this one writes nothing and starts nothing more")


def _ours(lease: Lease) -> ColumnElement[bool]:
    """True for the rows that this lease, and no earlier or later one, holds."""
    same = [table.c[name] == value for name, value in _identity(lease.owner).items()]
    return and_(table.c.group_arn.in_(lease.groups), table.c.held, table.c.epoch == lease.epoch, *same)


def _identity(owner: Owner) -> dict[str, str | int]:
    return {
        "user_name": owner.user,
        "host": owner.host,
        "pid": owner.pid,
        "started": owner.started,
        "boot": owner.boot,
    }


def _values(connection: Connection, lease: Lease, rollout: RolloutId) -> dict[str, object]:
    place = process.here()
    state = {"held": True, "epoch": lease.epoch, "beat": 0, "rollout": rollout, "since": _now(connection)}
    return {**state, **_identity(lease.owner), "machine": place.machine, "pids": place.pids}


def _now(connection: Connection) -> str:
    """The database's own time: only ever shown to a person, never compared."""
    now: datetime = connection.execute(select(func.current_timestamp())).scalar_one()
    return sortable(now if now.tzinfo else now.replace(tzinfo=UTC))


def _holder(row: Row[Any]) -> Owner:
    return Owner(row.user_name, row.host, row.pid, row.started, row.boot)


def _refuse_unless_dead(row: Row[Any], fate: Fate) -> None:
    holder = _holder(row)
    verdict = fate(holder, process.Place(row.machine, row.pids))
    if verdict is not process.Fate.DEAD:
        raise Held(f"{row.group_arn} is held by {_said(row)}: {ADVICE[verdict]}")


def _said(row: Row[Any]) -> str:
    since = moment(row.since).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"rollout {row.rollout} of {_holder(row)} since {since}"
