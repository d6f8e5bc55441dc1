"""The database of PostgreSQL that keeps access: the one of the journal, so that all servers know the same users."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime

from sqlalchemy import Connection, text

from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.database import PostgresDatabase


class PostgresAccess:
    """Implements `Database` of `sql_store`. The schema is upgraded by `katakei db upgrade` alone."""

    def __init__(self, location: PostgresLocation) -> None:
        self._database = PostgresDatabase(location)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """As `Database` says."""
        with self._database.writing() as connection:
            yield connection

    def writing(self) -> AbstractContextManager[Connection]:
        """As `Database` says."""
        return self._database.writing()

    def now(self, connection: Connection) -> datetime:
        """As `Database` says: the moment of the question, not that of the transaction's start."""
        found: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        return found

    def close(self) -> None:
        """As `Database` says."""
        self._database.close()
