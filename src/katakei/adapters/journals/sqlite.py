"""A journal in one SQLite file: making it, reading it, and the engine that writes it. Holds no statement of its own.

Reading goes by the standard library's driver alone and creates nothing; only writing needs SQLAlchemy.
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

from katakei.adapters.journals.faults import door
from katakei.adapters.journals.reading import SCHEMA, checked
from katakei.domain.errors import UnreachableError

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from katakei.adapters.journals.engine import Engine

PATIENCE = timedelta(seconds=5)
CREATING = threading.Lock()


class SqliteFile:
    """The one file. `patience` bounds how long another writer is waited for."""

    def __init__(self, path: Path, patience: timedelta = PATIENCE) -> None:
        self.path = path
        self.patience = patience
        self._engine: Engine | None = None
        self._file = (0, 0)  # device and inode of the one that is written
        self._making = threading.Lock()

    def ask(self, text: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """The rows; none where there is no journal yet."""
        with door(self.path):
            if not self.path.exists() or self.path.stat().st_size == 0:
                return []
            with closing(self._open()) as connection:
                if not self._version(connection):
                    return []
                return connection.execute(text, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator["Connection"]:
        """One short transaction that no other writer shares; committed at the end, undone by any error."""
        with self._making:
            engine = self._engine = self._engine or self._made()
        self._same_file()
        with engine.writing() as connection:
            yield connection

    def _same_file(self) -> None:
        """Raises Unreachable when it was taken away under us: what is written there then, nobody ever reads."""
        with door(self.path):
            there = self.path.stat() if self.path.exists() else None
        if there is None or (there.st_dev, there.st_ino) != self._file:
            raise UnreachableError(
                f"the journal {self.path} was deleted or replaced while it was in use: put it back and start again,"
                " or bring back what is out of service by the commands that were printed first"
            )

    def close(self) -> None:
        """Lets go of the file."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _made(self) -> "Engine":
        from katakei.adapters.journals.engine import Engine  # noqa: PLC0415 - SQLAlchemy costs readers a quarter of a second

        with door(self.path):
            _create(self.path)
            with closing(self._open()) as connection:
                self._version(connection)
            made = self.path.stat()
            self._file = (made.st_dev, made.st_ino)
        return Engine(self.path, self.patience)

    def _open(self) -> sqlite3.Connection:
        uri = f"file:{quote(str(self.path))}?mode=rw"  # rw never creates; a file that may only be read is opened so
        connection = sqlite3.connect(uri, uri=True, timeout=self.patience.total_seconds(), isolation_level=None)
        connection.execute("PRAGMA query_only = ON")
        return connection

    def _version(self, connection: sqlite3.Connection) -> bool:
        """Whether there is a journal in the file. Raises Unreachable: one we cannot read, or something else."""
        tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if not tables:
            return False
        row = connection.execute(SCHEMA).fetchone() if "katakei" in tables else None
        if row is None:
            raise UnreachableError(f"{self.path} is a database of something else: give another path with --journal")
        checked(row[0], self.path)
        return True


def _create(path: Path) -> None:
    """An empty file for its owner only (the output of work is kept in it); SQLite gives the files beside it its mode.

    Never opens one that is there: closing it would drop every lock this process holds on it through SQLite, and a
    rival could then throw away what was written (https://www.sqlite.org/howtocorrupt.html, section 2.2).
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with CREATING, suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
