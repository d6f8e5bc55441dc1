"""The lease rows of the SQL journal: who may write now. Every function runs inside a transaction of the caller."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, func, select, text, update

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.lease_holders import LeaseHolder, identity_text, lost, recorded_owner, recorded_place
from katakei.adapters.journals.sql_writer import leases_table as table
from katakei.adapters.journals.timestamps import moment, sortable
from katakei.adapters.system import process
from katakei.domain.leases import Heartbeat, Lease, Owner
from katakei.domain.model import Arn, RolloutId

POSTGRESQL = "postgresql"

Check = Callable[[Sequence[LeaseHolder]], None]
"""Raises LeaseHeldError unless all of these may be replaced."""


# Two processes may want the first lease of a group at the same moment: the second one waits for the first one's row.
NAMES = [column.name for column in table.columns if column.name != "beaten"]
INSERT = text(
    f"INSERT INTO leases ({', '.join(NAMES)}) VALUES ({', '.join(f':{name}' for name in NAMES)}) ON CONFLICT DO NOTHING"  # noqa: S608 - constants
)

# The rows that a lease holds, not one before or after it: `_ours` gives the values. Built once, because building a
# statement costs more than SQLite needs to run it, and the lease is confirmed at every turn.
IDENTITY = ("user_name", "host", "pid", "started", "boot")
SAME = [table.c[name] == bindparam(f"lease_{name}") for name in IDENTITY]
OURS = and_(
    table.c.group_arn.in_(bindparam("lease_groups", expanding=True)),
    table.c.held,
    table.c.epoch == bindparam("lease_epoch"),
    *SAME,
)
HELD = select(table.c.group_arn).where(OURS).order_by(table.c.group_arn).with_for_update()
BEAT = update(table).where(OURS).values(beat=table.c.beat + 1, beaten=bindparam("now"))
FREE = update(table).where(OURS).values(held=False)
# PostgreSQL's `current_timestamp` is when the transaction began, before it waited for a row of another one.
POSTGRESQL_TIME, TIME = select(func.clock_timestamp()), select(func.current_timestamp())


def take(connection: Connection, groups: frozenset[Arn], owner: Owner, rollout: RolloutId, check: Check) -> Lease:
    """Takes all rows, sorted by ARN, or none. Raises what `check` raises."""
    rows = _locked(connection, groups)
    if fresh := sorted(groups - {row.group_arn for row in rows}):
        nobody = {**_values(Lease(groups, owner, 0), rollout, ""), "held": False}
        connection.execute(INSERT, [{"group_arn": arn, **nobody} for arn in fresh])
        rows = _locked(connection, groups)
    now = store_time(connection)
    check([_holder(row, now) for row in rows if row.held and (_owner(row), row.rollout) != (owner, rollout)])
    # One more than any of them ever had: an epoch is never used twice, so that a former owner stays fenced.
    lease = Lease(groups, owner, max((row.epoch for row in rows), default=0) + 1)
    values = _values(lease, rollout, sortable(now))
    connection.execute(update(table).where(table.c.group_arn.in_(groups)).values(**values))
    return lease


def confirm(connection: Connection, lease: Lease) -> None:
    """Raises LeaseLostError unless the lease still holds every one of its groups."""
    _all_of(lease, len(connection.execute(HELD, _ours(lease)).all()))


def heartbeat(connection: Connection, lease: Lease) -> None:
    """Records one more heartbeat. Raises LeaseLostError."""
    confirm(connection, lease)
    connection.execute(BEAT, {**_ours(lease), "now": sortable(store_time(connection))})


def release(connection: Connection, lease: Lease) -> None:
    """Frees those groups that the lease still holds."""
    _locked(connection, lease.groups)
    connection.execute(FREE, _ours(lease))


def unlock(connection: Connection, group: Arn) -> str | None:
    """Frees the group and returns who held it; None for nobody.

    The row stays with its epoch, which fences the former owner.
    """
    held = and_(table.c.group_arn == group, table.c.held)
    row = connection.execute(select(table).where(held).with_for_update()).one_or_none()
    connection.execute(update(table).where(held).values(held=False))
    return str(_holder(row, store_time(connection))) if row else None


def _locked(connection: Connection, groups: frozenset[Arn]) -> Sequence[Row[Any]]:
    """The rows of these groups, for this transaction alone.

    Every transaction locks its rows in the order of their ARNs, so that no two wait for each other.
    """
    wanted = select(table).where(table.c.group_arn.in_(groups)).order_by(table.c.group_arn)
    return connection.execute(wanted.with_for_update()).all()


def _all_of(lease: Lease, held: int) -> None:
    if not lease.groups or held != len(lease.groups):
        raise lost()


def _ours(lease: Lease) -> dict[str, object]:
    same = {f"lease_{name}": value for name, value in _identity(lease.owner).items()}
    return {"lease_groups": sorted(lease.groups), "lease_epoch": lease.epoch, **same}


def _identity(owner: Owner) -> dict[str, str | int]:
    return dict(zip(IDENTITY, (owner.user, owner.host, owner.pid, owner.started, owner.boot), strict=True))


def _values(lease: Lease, rollout: RolloutId, now: str) -> dict[str, object]:
    place = process.current_place()
    state = {"held": True, "epoch": lease.epoch, "beat": 0, "rollout": rollout, "since": now, "beaten": now}
    return {**state, **_identity(lease.owner), "machine": place.machine, "pids": identity_text(lease.owner, place)}


def store_time(connection: Connection) -> datetime:
    """The database's own time. It can refuse a lease early, and ends freezes; no lease is lost by it."""
    told = POSTGRESQL_TIME if connection.dialect.name == POSTGRESQL else TIME
    now: datetime = connection.execute(told).scalar_one()
    return now if now.tzinfo else now.replace(tzinfo=UTC)


def _owner(row: Row[Any]) -> Owner:
    return recorded_owner(Owner(row.user_name, row.host, row.pid, row.started, row.boot), row.pids)


def _holder(row: Row[Any], now: datetime) -> LeaseHolder:
    with readable("the journal's list of leases"):
        return LeaseHolder(
            group=Arn(row.group_arn),
            owner=_owner(row),
            place=recorded_place(row.machine, row.pids),
            rollout=RolloutId(row.rollout),
            since=moment(row.since),
            beat=Heartbeat(Arn(row.group_arn), row.epoch, row.beat),
            age=now - moment(row.beaten) if row.beaten else None,
        )
