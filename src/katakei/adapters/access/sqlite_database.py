"""The SQLite file of access. It lies beside the journal, as a file of its own: it holds hashes of secrets."""

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from katakei.adapters.access.tables import metadata
from katakei.adapters.journals.sql_writer import use_write_ahead
from katakei.domain.errors import UnreachableError

PATIENCE = timedelta(seconds=5)
VERSION = 1
APPEND_ONLY = tuple(
    f"CREATE TRIGGER IF NOT EXISTS access_audit_{word.lower()} BEFORE {word} ON access_audit"
    " BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
    for word in ("UPDATE", "DELETE")
)


class SqliteDatabase:
    """One SQLite file, created at the first use. Only its owner may read it."""

    def __init__(self, path: Path, patience: timedelta = PATIENCE) -> None:
        self._path = path
        url = URL.create("sqlite", database=str(path))
        self._engine = create_engine(url, connect_args={"timeout": patience.total_seconds()}, pool_timeout=10)
        listen(self._engine, "connect", _configure)
        self._making = threading.Lock()
        self._made = False

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As `Database` says: every statement reads the newest state."""
        with self._errors(), self._connected() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """As `Database` says: it takes the write lock at its start."""
        with self._errors(), self._connected() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    def now(self, connection: Connection) -> datetime:
        """As `Database` says: the clock of this machine, to the millisecond."""
        text = connection.exec_driver_sql("SELECT strftime('%Y-%m-%dT%H:%M:%f', 'now')").scalar_one()
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    def close(self) -> None:
        """As `Database` says."""
        self._engine.dispose()

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        with self._making:
            if not self._made:
                self._make()
                self._made = True
        with self._engine.connect() as connection:
            yield connection

    def _make(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > VERSION:
                raise UnreachableError(
                    f"the access store {self._path} was written by a newer version; install that version"
                )
            if version < VERSION:
                metadata.create_all(connection)
                for statement in APPEND_ONLY:
                    connection.exec_driver_sql(statement)
                connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, PoolTimeout, OSError) as fault:
            said = fault.orig if isinstance(fault, DBAPIError) else fault
            raise UnreachableError(
                f"the access store {self._path} cannot be used ({said}): check the file and its folder, then try again"
            ) from fault


def _configure(connection: sqlite3.Connection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver begins no transaction by itself; `writing` does
    use_write_ahead(connection)
    connection.execute("PRAGMA synchronous = FULL")  # a token that was revoked stays revoked after a power cut
