"""The database of a journal in PostgreSQL, as the SQL journal uses it: questions, and short transactions that write.

A command that only reads has one connection and needs no SQLAlchemy. The first write, or a second thread that asks at
the same time, makes an engine with a bounded pool. A connection that a restart of the server ended is replaced before
it is used.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg

from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.connections import ANSWER_LIMIT, BoundedConnection, time_left, time_limit
from katakei.adapters.journals.postgres.errors import error_of, translated_errors
from katakei.adapters.journals.postgres.schema import open_connection
from katakei.domain.errors import NoAnswerError

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

POOL_SIZE = 4
"""Connections of one database object that write, beside the one that reads."""

NAMED = re.compile(r"(?<![:\w]):([a-z_]+)")


class PostgresDatabase:
    """One database, for one of the journal, its leases or its freezes: a slow append never delays a heartbeat."""

    shared = True

    def __init__(self, location: PostgresLocation, pool_size: int = POOL_SIZE) -> None:
        self.location = location
        self._pool_size = pool_size
        self._engine: Engine | None = None
        self._making = threading.Lock()
        self._reading = threading.Lock()
        self._reader: BoundedConnection | None = None

    def __str__(self) -> str:
        return str(self.location)

    def query(self, text: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows of one statement, whose values are written `:name`.

        Raises:
            UnreachableError: It refuses this user, or has no schema, or one of another version.
            TemporarilyUnavailableError: It cannot be reached.
            NoAnswerError: It did not answer in time.
        """
        asked = NAMED.sub(r"%(\1)s", text.replace("%", "%%"))
        with time_limit():
            if self._engine is None and self._reading.acquire(blocking=False):
                try:
                    return self._read(asked, values)
                finally:
                    self._reading.release()
            with self._session() as connection:
                found = connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(asked, dict(values))
                return [tuple(row) for row in found]

    def has(self, table: str) -> bool:
        """Whether it has this table: always, because a schema of another version is refused."""
        del table
        return True

    @contextmanager
    def writing(self) -> Iterator["Connection"]:
        """One short transaction, committed at its end, rolled back by any error.

        It reads what is committed, so a row that decides anything must be locked first (`with_for_update`).

        Raises:
            UnreachableError: It refuses this user, or has no schema, or one of another version. Nothing was written.
            TemporarilyUnavailableError: It cannot be reached, or cannot write now. Nothing was written.
            NoAnswerError: It did not answer in time. Whether it was written is known only where the sentence says so.
        """
        with time_limit(), self._session() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Closes every connection that is not in use."""
        with self._making:
            engine, self._engine = self._engine, None
        if engine is not None:
            engine.dispose()
        with self._reading:
            self._drop_reader()

    def _read(self, asked: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        with translated_errors(self.location):
            if self._reader is not None and not _answers(self._reader):
                self._drop_reader()
            if self._reader is None:
                self._reader = open_connection(self.location)
            return self._reader.execute(asked, values).fetchall()

    def _drop_reader(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @contextmanager
    def _session(self) -> Iterator["Connection"]:
        from sqlalchemy.exc import DBAPIError  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second
        from sqlalchemy.exc import TimeoutError as PoolTimeout  # noqa: PLC0415 - likewise

        try:
            with translated_errors(self.location), self._made_engine().connect() as connection:
                yield connection
        except DBAPIError as fault:
            raise error_of(self.location, fault.orig) from fault
        except PoolTimeout as fault:
            raise NoAnswerError(f"the journal {self.location} is too busy here: nothing was written") from fault

    def _made_engine(self) -> "Engine":
        from sqlalchemy import create_engine  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with self._making:
            if self._engine is None:
                self._engine = create_engine(
                    "postgresql+psycopg://",
                    creator=lambda: _for_transactions(open_connection(self.location)),
                    pool_size=self._pool_size,
                    max_overflow=0,
                    pool_timeout=ANSWER_LIMIT.total_seconds() / 2,
                    pool_pre_ping=True,
                    pool_use_lifo=True,
                    use_native_hstore=False,
                    hide_parameters=True,
                )
            return self._engine


def _for_transactions(connection: BoundedConnection) -> BoundedConnection:
    connection.autocommit = False
    return connection


def _answers(connection: BoundedConnection) -> bool:
    """Whether a connection that was kept still works. A server that stands still must not be taken for a lost one."""
    try:
        connection.execute("SELECT 1")
    except psycopg.Error:
        if not time_left():
            raise
        return False
    return True
