"""Connections to PostgreSQL that never wait without end, and the settings of their sessions.

Every caller uses a connection inside `time_limit`. The limit is kept by this process, because a server that stands
still keeps none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.system.clock import SystemClock

T = TypeVar("T")

SCHEMA = "katakei"
"""The schema of the database that holds every table, so that the database may also serve others."""

ANSWER_LIMIT = timedelta(seconds=8)
"""How long one operation may take: a question, or a transaction with its COMMIT. An act begins within 10 s after the
lease was confirmed, and a lease lives for 20 s: one lost answer costs neither."""

CONNECT_LIMIT = timedelta(seconds=4)
"""How long connecting to one host may take. libpq counts whole seconds, at least two."""

LOCK_LIMIT = timedelta(seconds=3)
"""How long the server lets a statement wait for a row that another transaction holds."""

# The server's limit of a statement is longer than ours. A COMMIT that waits for a synchronous standby must not be
# ended by the server: it would report success, although the standby has nothing (a warning is all it sends).
STATEMENT_LIMIT = ANSWER_LIMIT + timedelta(seconds=2)

IDLE_LIMIT = timedelta(seconds=10)
"""A process that stands still within a transaction keeps rows locked: the server ends its session after this time, long
before another process may take its lease over."""

# A server that loses power keeps its connections open for hours otherwise. All in seconds, the last in milliseconds.
TCP = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": int(ANSWER_LIMIT.total_seconds() * 1000),
}

SESSION_SETTINGS = {
    "search_path": SCHEMA,
    "timezone": "UTC",
    "lock_timeout": f"{LOCK_LIMIT.seconds}s",
    "statement_timeout": f"{STATEMENT_LIMIT.seconds}s",
    "idle_in_transaction_session_timeout": f"{IDLE_LIMIT.seconds}s",
    "tcp_keepalives_idle": "30",  # seconds: the server notices a client whose machine is gone
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
}

# A database may be set to report a COMMIT before it is on the disk; after a crash, the last turns would be gone.
DURABLE = """SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit')
    WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)"""

_CLOCK = SystemClock()
_until: ContextVar[datetime | None] = ContextVar("until", default=None)


@contextmanager
def time_limit(limit: timedelta = ANSWER_LIMIT) -> Iterator[None]:
    """Bounds everything that this thread asks of PostgreSQL inside the block; an outer limit stays."""
    outer = _until.get()
    ours = _CLOCK.now() + limit
    token = _until.set(min(outer, ours) if outer else ours)
    try:
        yield
    finally:
        _until.reset(token)


def time_left() -> timedelta:
    """What is left of the limit; at least zero."""
    until = _until.get()
    return max(timedelta(), until - _CLOCK.now()) if until else ANSWER_LIMIT


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that is closed when the time limit is over: what the server then answers would belong to nobody."""

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Waits for the server, for no longer than the time limit.

        Raises:
            psycopg.OperationalError: The time is over, or the connection is lost.
        """
        left = time_left().total_seconds()
        try:
            return super().wait(gen, interval, left if timeout is None else min(left, timeout))
        except psycopg.OperationalError as fault:
            if fault.sqlstate is None:  # not an answer of the server
                self.pgconn.finish()
            raise


def connect(location: PostgresLocation) -> BoundedConnection:
    """A new connection with all settings, in autocommit mode. Raises psycopg.Error."""
    if not time_left():
        raise psycopg.OperationalError("the time is over")
    # No prepared statements: poolers between here and the server do not keep them.
    connection = BoundedConnection.connect(
        make_conninfo("", **parameters_of(location)), autocommit=True, prepare_threshold=None
    )
    try:
        _configure(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def parameters_of(location: PostgresLocation) -> dict[str, str | int | None]:
    """The parameters for libpq: the URL, and what it cannot change. Of several hosts the primary is used."""
    several = {"target_session_attrs": "read-write"} if "," in location.hosts else {}
    seconds = max(2, int(min(CONNECT_LIMIT, time_left()).total_seconds()))
    ours: dict[str, str | int] = {"connect_timeout": seconds, "application_name": "katakei", "client_encoding": "utf8"}
    return {**several, **conninfo_to_dict(location.url), **TCP, **ours}


def _configure(connection: BoundedConnection) -> None:
    marks = ", ".join(["set_config(%s, %s, false)"] * len(SESSION_SETTINGS))
    connection.execute(f"SELECT {marks}", [word for pair in SESSION_SETTINGS.items() for word in pair])
    connection.execute(DURABLE)
