"""The connections of the task queue to PostgreSQL: bounded in number, and none of them waits without end."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from katakei.domain.errors import NoAnswerError, UnreachableError

SCHEMA = "katakei"
"""The schema of the database that holds every table (`katakei db upgrade`)."""

POOL_SIZE = 2
"""Connections of one process for its own statements."""
ENGINE_POOL_SIZE = 3
"""Connections of the engine of one worker, beside the one that listens."""

ANSWER_LIMIT = 8.0
"""Seconds that a statement, or a connection that is waited for, may take."""

# A server that loses power keeps its connections open for hours otherwise. In seconds, the last in milliseconds.
CONNECTION = {
    "application_name": "katakei",
    "client_encoding": "utf8",
    "connect_timeout": 4,
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": int(ANSWER_LIMIT * 1000),
    "prepare_threshold": None,  # poolers between here and the server do not keep prepared statements
}
SETTINGS = (
    f"SET search_path TO {SCHEMA}",
    "SET lock_timeout TO '3s'",
    f"SET statement_timeout TO '{ANSWER_LIMIT:.0f}s'",
    "SET idle_in_transaction_session_timeout TO '10s'",
)


def configure(connection: psycopg.Connection[Any]) -> None:
    """The settings of a new session."""
    for setting in SETTINGS:
        connection.execute(setting)
    connection.commit()


async def configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    """The settings of a new session of the engine."""
    for setting in SETTINGS:
        await connection.execute(setting)
    await connection.commit()


class Database:
    """A small pool of connections."""

    def __init__(self, url: str) -> None:
        """Connects when it is first asked.

        Args:
            url: postgresql://…, with the password.
        """
        self._pool = ConnectionPool(
            url,
            min_size=0,
            max_size=POOL_SIZE,
            timeout=ANSWER_LIMIT,
            kwargs=CONNECTION,
            configure=configure,
            check=ConnectionPool.check_connection,
            num_workers=1,
            open=True,
        )

    @contextmanager
    def transaction(self) -> Iterator[psycopg.Connection[Any]]:
        """One transaction, committed at the end.

        Raises:
            NoAnswerError: The database cannot be reached now, or did not answer in time.
            UnreachableError: It has no queue, or refuses this user.
        """
        try:
            with self._pool.connection() as connection:
                yield connection
        except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedFunction) as fault:
            raise UnreachableError("the database has no task queue yet: run katakei db upgrade") from fault
        except psycopg.errors.InsufficientPrivilege as fault:
            raise UnreachableError(f"the task queue refuses this user: {fault}") from fault
        except (psycopg.Error, PoolTimeout) as fault:
            raise NoAnswerError(f"the task queue did not answer ({type(fault).__name__})") from fault

    def close(self) -> None:
        """Closes the connections."""
        self._pool.close(timeout=1)
