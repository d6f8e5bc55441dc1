"""The SQLite file of a journal: how it is created and read, and the engine that writes it.

Reading uses the driver of the standard library alone and creates nothing. Only writing needs SQLAlchemy.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from katakei.adapters.journals.rollout_headers import SCHEMA_QUERY, check_schema_version
from katakei.adapters.journals.sqlite_errors import translated_errors
from katakei.domain.errors import UnreachableError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from katakei.adapters.journals.sql_writer import Engine

PATIENCE = timedelta(seconds=5)
"""How long another writer is waited for."""

CREATING = threading.Lock()
TABLE_QUERY = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = :table"


class SqliteFile:
    """One SQLite file. `patience` bounds how long another writer is waited for."""

    shared = False

    def __init__(self, path: Path, patience: timedelta = PATIENCE) -> None:
        self.path = path
        self.patience = patience
        self._engine: Engine | None = None
        self._file = (0, 0)  # device and inode of the one that is written
        self._making = threading.Lock()

    def __str__(self) -> str:
        return str(self.path)

    def query(self, text: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows; none where there is no journal yet. Raises UnreachableError."""
        with translated_errors(self.path):
            if not self.path.exists() or self.path.stat().st_size == 0:
                return []
            with closing(self._open()) as connection:
                if not self._version(connection):
                    return []
                return connection.execute(text, values).fetchall()

    def has(self, table: str) -> bool:
        """Whether the file has this table. Raises UnreachableError."""
        return bool(self.query(TABLE_QUERY, {"table": table}))

    @contextmanager
    def writing(self) -> Iterator["Connection"]:
        """One short transaction that no other writer shares: committed at its end, rolled back by any error."""
        with self._making:
            engine = self._engine = self._engine or self._made()
        self._same_file()
        with engine.writing() as connection:
            yield connection

    def _same_file(self) -> None:
        """Raises UnreachableError when the file was deleted or replaced: nobody would read what is written to it."""
        with translated_errors(self.path):
            there = self.path.stat() if self.path.exists() else None
        if there is None or (there.st_dev, there.st_ino) != self._file:
            raise UnreachableError(
                f"the journal {self.path} was deleted or replaced while it was in use: put it back and start"
                " again, or register what is out of service with the commands that were printed first"
            )

    def close(self) -> None:
        """Closes the file."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _made(self) -> "Engine":
        from katakei.adapters.journals.sql_writer import Engine  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with translated_errors(self.path):
            _create(self.path)
            with closing(self._open()) as connection:
                self._version(connection)
            made = self.path.stat()
            self._file = (made.st_dev, made.st_ino)
        return Engine(self.path, self.patience)

    def _open(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self.path))}?mode=rw"  # rw never creates the file; a read-only file is opened read-only
        connection = sqlite3.connect(uri, uri=True, timeout=self.patience.total_seconds(), isolation_level=None)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _version(self, connection: sqlite3.Connection) -> bool:
        """Whether the file holds a journal. Raises UnreachableError: a newer one, or a database of something else."""
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return False
        row = connection.execute(SCHEMA_QUERY).fetchone() if "katakei" in tables else None
        if row is None:
            raise UnreachableError(f"{self.path} is a database of something else: give another path with --journal")
        check_schema_version(row[0], self.path)
        return True


def _create(path: Path) -> None:
    """Creates an empty file that only its owner may read, because it keeps the output of work.

    SQLite gives the files beside it the same mode. An existing file is never opened here: closing it would drop every
    lock that this process holds on it through SQLite, and another process could then discard what was written
    (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with CREATING, suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
