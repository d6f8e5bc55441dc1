"""The store of the SQL journal: one SQLite file, or one database of PostgreSQL, by its URL."""

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from katakei.adapters.journals.locations import PostgresLocation, path_of, postgres_location_of
from katakei.adapters.journals.sqlite_file import PATIENCE, SqliteFile
from katakei.domain.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from katakei.adapters.journals.postgres.maintenance import JournalSchema
    from katakei.adapters.journals.postgres.waits import PostgresWaits


DRIVER = ("psycopg", "alembic")
"""What the extra `postgres` of pyproject.toml brings for the journal."""


class SqlStore(Protocol):
    """Where rows are kept. Its text is what people see of it: never a password."""

    @property
    def shared(self) -> bool:
        """Whether several machines may use it."""
        ...

    def query(self, text: str, values: Mapping[str, object]) -> Sequence[tuple[Any, ...]]:
        """The rows of one statement, whose values are written `:name`; imports no SQLAlchemy. Raises KatakeiError."""
        ...

    def has(self, table: str) -> bool:
        """Whether it has this table. Raises KatakeiError."""
        ...

    def writing(self) -> AbstractContextManager["Connection"]:
        """One short transaction: committed at its end, rolled back by any error. Raises KatakeiError."""
        ...

    def close(self) -> None:
        """Closes what is open."""
        ...


def sql_store(url: str, patience: timedelta = PATIENCE) -> SqlStore:
    """The store that a URL or path names. Nothing is opened.

    Args:
        url: `postgresql://user@host/database`, `sqlite:///relative`, `sqlite:////absolute`, or a path.
        patience: How long another writer of a SQLite file is waited for.

    Raises:
        UsageError: The URL is not valid, or the driver of PostgreSQL is not installed.
    """
    location = postgres_location_of(url)
    if location is None:
        return SqliteFile(path_of(url), patience)
    require_driver(location)
    from katakei.adapters.journals.postgres.database import PostgresDatabase  # noqa: PLC0415 - only where it is used

    return PostgresDatabase(location)


def require_driver(location: PostgresLocation, find: Callable[[str], object] = importlib.util.find_spec) -> None:
    """Raises UsageError: the extra `postgres` is not installed. Imports nothing."""
    if any(find(name) is None for name in DRIVER):
        raise UsageError(
            f"the journal {location} needs packages that are not installed: install katakei with the extra postgres"
        )


def journal_schema(url: str) -> "JournalSchema":
    """The schema of the journal at this URL. Raises UsageError: it is not in PostgreSQL."""
    location = postgres_location_of(url)
    if location is None:
        raise UsageError(
            "the journal is not in PostgreSQL, and needs no upgrade by hand: to upgrade one there, give --journal"
            " postgresql://user@host/database"
        )
    require_driver(location)
    from katakei.adapters.journals.postgres.maintenance import JournalSchema  # noqa: PLC0415 - only where it is used

    return JournalSchema(location)


def wait_reports(url: str) -> "PostgresWaits | None":
    """The reports of what rollouts wait for; None where the journal at this URL is not in PostgreSQL."""
    location = postgres_location_of(url)
    if location is None:
        return None
    require_driver(location)
    from katakei.adapters.journals.postgres.waits import PostgresWaits  # noqa: PLC0415 - only where it is used

    return PostgresWaits(location)
