"""The store of the SQL journal: one SQLite file, or one database of PostgreSQL, by its URL."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from katakei.adapters.journals.locations import path_of, postgres_location_of
from katakei.adapters.journals.sqlite_file import PATIENCE, SqliteFile
from katakei.domain.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection


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
    try:
        from katakei.adapters.journals.postgres.database import PostgresDatabase  # noqa: PLC0415 - only where it is used
    except ImportError as error:
        raise UsageError(
            f"the journal {location} needs the driver of PostgreSQL: install katakei with the extra postgres"
        ) from error
    return PostgresDatabase(location)
