"""The writing side of the SQL journal: how the SQLite file is opened, its tables, and how events are appended.

It needs SQLAlchemy, which takes a quarter of a second to import. Only commands that write import it.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import (
    URL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from katakei.adapters.journals.event_codec import encode
from katakei.adapters.journals.rollout_headers import VERSION, check_order, header, unknown_rollout
from katakei.adapters.journals.sqlite_errors import error_of, translated_errors
from katakei.adapters.journals.timestamps import sortable
from katakei.domain.errors import ConcurrentAppendError, UnreachableError
from katakei.domain.events import Event, Finished, Planned, RetryAsked, RevertAsked
from katakei.domain.model import RolloutId

RIVALS = 20
"""So many other processes may open a new file at the same moment."""

FIRST_VERSION = "1"
"""The version of the tables whose leases had no `beaten`."""

metadata = MetaData()

versions_table = Table(
    "katakei", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False)
)

rollouts_table = Table(
    "rollouts",
    metadata,
    Column("rollout", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("group_arns", Text, nullable=False),  # a JSON list, in the plan's order
    Column("begun", Text, nullable=False),
    Column("finished", Text),
    Column("who", Text, nullable=False),
    Index("rollouts_by_service", "service", "begun"),
    Index("rollouts_by_time", "begun"),
)

rollout_groups_table = Table(
    "rollout_groups",
    metadata,
    Column("group_arn", Text, primary_key=True),
    Column("rollout", Text, ForeignKey("rollouts.rollout"), primary_key=True),
)

events_table = Table(
    "events",
    metadata,
    Column("rollout", Text, ForeignKey("rollouts.rollout"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),  # JSON, see event_codec
)

# A row stays when its lease is released: an epoch must never be used twice.
leases_table = Table(
    "leases",
    metadata,
    Column("group_arn", Text, primary_key=True),
    Column("held", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("rollout", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("boot", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pids", Text, nullable=False),
    Column("beaten", Text),  # the last heartbeat, by the database's own clock
)

# Version 2 of the tables began without this one. An older Katakei does not read it, so the version stays the same.
# A row stays when its freeze was lifted, and says by whom.
freezes_table = Table(
    "freezes",
    metadata,
    Column("name", Text, primary_key=True),  # the ARN of a group, or the name of a service
    Column("who", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("since", Text, nullable=False),  # every moment is by the database's own clock
    Column("until", Text),
    Column("lifted", Text),
    Column("lifted_by", Text),
)


class Engine:
    """SQLAlchemy over one SQLite file.

    Every transaction takes the write lock at its start: what it reads first is still true when it writes.
    """

    def __init__(self, path: Path, patience: timedelta) -> None:
        self.path = path
        url = URL.create("sqlite", database=str(path))
        self.engine = create_engine(url, connect_args={"timeout": patience.total_seconds()}, pool_timeout=10)
        listen(self.engine, "connect", _configure)
        listen(self.engine, "begin", _begin)
        with self.writing() as connection:
            create_tables(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, committed as a whole or not at all. Raises UnreachableError."""
        try:
            with translated_errors(self.path), self.engine.begin() as connection:
                yield connection
        except DBAPIError as fault:
            raise error_of(self.path, fault.orig) from fault
        except PoolTimeout as fault:
            raise UnreachableError(f"the journal {self.path} is too busy: nothing was written, try again") from fault

    def close(self) -> None:
        """Closes the file."""
        self.engine.dispose()


def _configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transaction by itself; `_begin` does
    use_write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")  # with WAL, the default loses the last turns in a power cut
    connection.execute("PRAGMA foreign_keys = ON")


def use_write_ahead(connection: sqlite3.Connection) -> None:
    """Switches the file to write-ahead logging. Raises sqlite3.OperationalError when it stays locked for too long."""
    for _ in range(RIVALS):
        if _uses_write_ahead(connection):
            return
        connection.execute("BEGIN EXCLUSIVE")  # the change of mode itself does not wait for another process; this does
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode = WAL")


def _uses_write_ahead(connection: sqlite3.Connection) -> bool:
    try:
        return connection.execute("PRAGMA journal_mode").fetchone() == ("wal",) or bool(
            connection.execute("PRAGMA journal_mode = WAL")
        )
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorname != "SQLITE_BUSY":
            raise
        return False


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def create_tables(connection: Connection) -> None:
    """Creates all tables and the version, in the caller's transaction. What an older version wrote stays as it is."""
    metadata.create_all(connection)
    version = connection.scalar(select(versions_table.c.value).where(versions_table.c.name == "schema"))
    if version is None:
        connection.execute(insert(versions_table).values(name="schema", value=str(VERSION)))
    elif version == FIRST_VERSION:
        connection.exec_driver_sql("ALTER TABLE leases ADD COLUMN beaten TEXT")
        connection.execute(update(versions_table).where(versions_table.c.name == "schema").values(value=str(VERSION)))


def last_number(connection: Connection, rollout: RolloutId) -> int:
    """The number of the newest event. Raises UsageError: there is no such rollout."""
    number = _last(connection, rollout)
    if not number:
        raise unknown_rollout(rollout)
    return number


def append_events(connection: Connection, rollout: RolloutId, after: int, events: Sequence[Event]) -> None:
    """Appends the events under the numbers from after + 1 on, and keeps the header up to date in the same transaction.

    Raises:
        ConcurrentAppendError: One of these numbers is taken, or the rollout has fewer than `after` events.
    """
    number = _last(connection, rollout)
    if number != after:
        raise ConcurrentAppendError(f"rollout {rollout} has {number} events, not {after}: read it again")
    if not events:
        return
    check_order(after, events)
    rows = [{"rollout": rollout, "number": n, "event": encode(event)} for n, event in enumerate(events, after + 1)]
    try:
        for event in events:
            _keep_header(connection, rollout, event)
        connection.execute(insert(events_table), rows)
    except IntegrityError as fault:
        raise ConcurrentAppendError(
            f"another event took number {after + 1} of rollout {rollout}: read it again"
        ) from fault


def _last(connection: Connection, rollout: RolloutId) -> int:
    return connection.scalar(select(func.max(events_table.c.number)).where(events_table.c.rollout == rollout)) or 0


def _keep_header(connection: Connection, rollout: RolloutId, event: Event) -> None:
    match event:
        case Planned():
            made = header(rollout, event)
            values = {"service": made.service, "group_arns": json.dumps(made.groups), "who": made.who}
            connection.execute(insert(rollouts_table).values(rollout=rollout, begun=sortable(made.begun), **values))
            if made.groups:
                rows = [{"group_arn": arn, "rollout": rollout} for arn in made.groups]
                connection.execute(insert(rollout_groups_table), rows)
        case Finished(at):
            _finish(connection, rollout, sortable(at))
        case RetryAsked() | RevertAsked():
            _finish(connection, rollout, None)


def _finish(connection: Connection, rollout: RolloutId, finished: str | None) -> None:
    connection.execute(update(rollouts_table).where(rollouts_table.c.rollout == rollout).values(finished=finished))
