"""SQLAlchemy over one SQLite file: how it is opened, and what a transaction is. Holds no statement of the journal."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from katakei.adapters.journals import schema
from katakei.adapters.journals.faults import door, said
from katakei.domain.errors import UnreachableError

RIVALS = 20  # how many others may open a new file in the same moment


class Engine:
    """Every transaction takes the write lock at once: what it reads first is still so when it writes."""

    def __init__(self, path: Path, patience: timedelta) -> None:
        self.path = path
        url = URL.create("sqlite", database=str(path))
        self.engine = create_engine(url, connect_args={"timeout": patience.total_seconds()}, pool_timeout=10)
        event.listen(self.engine, "connect", _configure)
        event.listen(self.engine, "begin", _begin)
        with self.writing() as connection:
            schema.create(connection)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction, whole or not at all. Raises Unreachable."""
        try:
            with door(self.path), self.engine.begin() as connection:
                yield connection
        except DBAPIError as fault:
            raise said(self.path, fault.orig) from fault
        except PoolTimeout as fault:
            raise UnreachableError(f"the journal {self.path} is too busy: nothing was written, try again") from fault

    def close(self) -> None:
        """Lets go of the file."""
        self.engine.dispose()


def _configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own idea of when to begin is switched off; `_begin` says when
    _keep_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")  # with WAL the default would lose the last turns with the power
    connection.execute("PRAGMA foreign_keys = ON")


def _keep_ahead(connection: sqlite3.Connection) -> None:
    """Puts the file into write-ahead mode. Raises sqlite3.OperationalError when others keep it locked for too long."""
    for _ in range(RIVALS):
        if _is_ahead(connection):
            return
        connection.execute("BEGIN EXCLUSIVE")  # the change of mode itself never waits for a rival: this does
        connection.execute("ROLLBACK")
    connection.execute("PRAGMA journal_mode = WAL")


def _is_ahead(connection: sqlite3.Connection) -> bool:
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
