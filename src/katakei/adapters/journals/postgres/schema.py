"""The versions of the schema in PostgreSQL: which one a database has, and how it gets the newest.

Every table of Katakei is in one schema of one database: those of the journal, and those of every other part that needs
PostgreSQL. A part registers its tables by one more file in `migrations/versions`, with the next number, and by raising
`NEWEST`. Only `katakei db upgrade` changes the schema; every other command refuses a database of another version.
"""

from dataclasses import dataclass
from enum import Enum

import psycopg

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.connections import SCHEMA, BoundedConnection, connect, time_limit
from katakei.adapters.journals.postgres.errors import UPGRADE, connection_error, error_of, translated_errors
from katakei.domain.errors import TemporarilyUnavailableError, UnreachableError

NEWEST = 5
"""The version that this Katakei reads and writes: the number of the newest file in `migrations/versions`."""

STATE_QUERY = f"""SELECT pg_catalog.pg_is_in_recovery(),
    pg_catalog.to_regclass('{SCHEMA}.alembic_version')::text, pg_catalog.to_regnamespace('{SCHEMA}')::text,
    pg_catalog.getdatabaseencoding()"""
VERSION_QUERY = f"SELECT version_num FROM {SCHEMA}.alembic_version"  # noqa: S608 - a constant


class SchemaState(Enum):
    """How the schema of a database stands to this version of Katakei."""

    ABSENT = "absent"
    OLDER = "older"
    CURRENT = "current"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """The schema of a database.

    Attributes:
        found: Its version; 0 where there is none.
        newest: The version that this Katakei needs.
    """

    found: int
    newest: int = NEWEST

    @property
    def state(self) -> SchemaState:
        """How it stands to this version of Katakei."""
        if not self.found:
            return SchemaState.ABSENT
        if self.found == self.newest:
            return SchemaState.CURRENT
        return SchemaState.OLDER if self.found < self.newest else SchemaState.NEWER


def open_connection(location: PostgresLocation) -> BoundedConnection:
    """A connection to a database whose schema is the one of this version.

    Raises:
        UnreachableError: It refuses this user, or its schema is absent, older or newer.
        TemporarilyUnavailableError: It cannot be reached, or is a standby.
        NoAnswerError: It did not answer in time.
    """
    connection = open_any(location)
    try:
        check_version(location, version_of(location, connection))
    except BaseException:
        connection.close()
        raise
    return connection


def open_any(location: PostgresLocation) -> BoundedConnection:
    """A connection to a database, whatever its schema. Raises as `open_connection`."""
    try:
        return connect(location)
    except psycopg.Error as fault:
        raise connection_error(location, fault) if fault.sqlstate is None else error_of(location, fault) from fault


def version_of(location: PostgresLocation, connection: BoundedConnection) -> SchemaVersion:
    """The version of the schema. Raises TemporarilyUnavailableError: a standby would tell of the past."""
    with translated_errors(location):
        standby, table, schema, encoding = connection.execute(STATE_QUERY).fetchall()[0]
        rows = connection.execute(VERSION_QUERY).fetchall() if table else []
    if standby:
        raise TemporarilyUnavailableError(f"the journal {location} is a standby: give the host of the primary")
    if encoding != "UTF8":
        raise UnreachableError(
            f"the journal {location} has the encoding {encoding}: create a database with ENCODING 'UTF8'"
        )
    if schema and not table:
        raise UnreachableError(
            f"the database of {location} has a schema named {SCHEMA} that is not of Katakei: give another database"
        )
    with readable(f"the version of the journal {location}"):
        return SchemaVersion(max((int(number) for (number,) in rows), default=0))


def check_version(location: PostgresLocation, version: SchemaVersion) -> None:
    """Raises UnreachableError unless the schema is the one of this version."""
    match version.state:
        case SchemaState.ABSENT:
            raise UnreachableError(f"the journal {location} has no tables yet: {UPGRADE}")
        case SchemaState.OLDER:
            raise UnreachableError(
                f"the journal {location} has the schema {version.found} of an older Katakei (this one needs"
                f" {version.newest}): stop its workers and servers, then {UPGRADE}"
            )
        case SchemaState.NEWER:
            raise UnreachableError(
                f"the journal {location} was written by a newer Katakei (schema {version.found}, this one knows"
                f" {version.newest}): use that version; nothing was changed"
            )
        case SchemaState.CURRENT:
            return


def read_version(location: PostgresLocation) -> SchemaVersion:
    """The version of the schema of a database; changes nothing. Raises as `open_connection`."""
    with time_limit():
        connection = open_any(location)
        try:
            return version_of(location, connection)
        finally:
            connection.close()
