"""The upgrade of the schema in PostgreSQL, by Alembic. Only `katakei db upgrade` imports this module."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, create_engine
from sqlalchemy.exc import DBAPIError

from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.connections import SCHEMA, BoundedConnection, time_limit
from katakei.adapters.journals.postgres.errors import error_of, translated_errors
from katakei.adapters.journals.postgres.schema import (
    NEWEST,
    SchemaState,
    SchemaVersion,
    check_version,
    open_any,
    version_of,
)

UPGRADE_LIMIT = timedelta(minutes=10)
"""How long an upgrade may take, with the wait for another one."""

LOCK_KEY = 0x6B6174616B6569
"""The advisory lock of upgrades in one database: the name of the program as a number."""

# Other sessions wait behind a statement that waits for a table. It gives up soon, and the upgrade can be repeated.
TABLE_LOCK_LIMIT = "5s"

# They run an older program, whose statements may not fit the tables any more. They connect anew and then stop.
DISCONNECT_OTHERS = """SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()
    AND application_name = 'katakei' AND usename = current_user AND pid <> pg_backend_pid()"""


def upgrade(location: PostgresLocation, to: int = NEWEST) -> SchemaVersion:
    """Creates or upgrades every table, in one transaction. Upgrades of one database wait for each other.

    Args:
        location: The database. Its user must be allowed to create tables.
        to: The version to reach. Tests make databases of older versions by it.

    Returns:
        The version before.

    Raises:
        UnreachableError: A newer Katakei wrote it, it refuses this user, or the upgrade failed; nothing was changed.
        TemporarilyUnavailableError: It cannot be reached.
        NoAnswerError: It did not answer in time, or other processes hold its tables.
    """
    with time_limit(UPGRADE_LIMIT):
        session = open_any(location)
        session.autocommit = False  # one transaction, which also holds the lock
        engine = create_engine(
            "postgresql+psycopg://", creator=lambda: session, poolclass=NullPool, use_native_hstore=False
        )
        try:
            with translated_errors(location), engine.begin() as connection:
                before = _upgrade(location, connection, session, to)
        except DBAPIError as fault:
            raise error_of(location, fault.orig) from fault
        finally:
            session.close()
    if before.state is SchemaState.OLDER:
        _disconnect_others(location)
    return before


def _upgrade(location: PostgresLocation, connection: Connection, session: BoundedConnection, to: int) -> SchemaVersion:
    settings = {"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}
    for name, value in settings.items():
        session.execute("SELECT set_config(%s, %s, false)", [name, value])
    session.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK_KEY])
    session.execute("SELECT set_config('lock_timeout', %s, false)", [TABLE_LOCK_LIMIT])
    before = version_of(location, session)
    if before.state is SchemaState.NEWER:
        check_version(location, before)
    if before.found < to:
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, f"{to:04d}")
    return before


def _disconnect_others(location: PostgresLocation) -> None:
    with suppress(psycopg.Error), time_limit():
        session = open_any(location)
        try:
            session.execute(DISCONNECT_OTHERS)
        finally:
            session.close()
