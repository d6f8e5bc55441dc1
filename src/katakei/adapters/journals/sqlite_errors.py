"""The errors of SQLite and of the file system as one sentence each, with what to do now."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from katakei.domain.errors import UnreachableError

# By SQLite's own error names, primary codes first (https://www.sqlite.org/rescode.html); extended ones begin alike.
ADVICE = {
    "SQLITE_FULL": "its disk is full: free some space, then start again; what was written before is kept",
    "SQLITE_READONLY": "it may not be written: give write permission on the file and its folder, or another --journal",
    "SQLITE_NOTADB": "it is not a journal of Katakei: give another path with --journal",
    "SQLITE_BUSY": "another process keeps it locked: nothing was written, try again when that process is done",
    "SQLITE_LOCKED": "another process keeps it locked: nothing was written, try again when that process is done",
    "SQLITE_CANTOPEN": "it cannot be opened: check that its folder exists and can be read, or give another --journal",
    "SQLITE_PERM": "it may not be opened: give permission on the file and its folder, or another --journal",
    "SQLITE_AUTH": "it may not be opened: give permission on the file and its folder, or another --journal",
    "SQLITE_CORRUPT": "it is damaged: keep the file, restore a copy of it, and check the target groups by hand",
    "SQLITE_IOERR": "its disk failed: check the disk, then start again; complete entries are kept",
}


@contextmanager
def translated_errors(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system raise into UnreachableError."""
    try:
        yield
    except sqlite3.Error as fault:
        raise error_of(path, fault) from fault
    except OSError as fault:
        raise UnreachableError(
            f"the journal {path} cannot be reached ({fault.strerror}): check its folder, or give another --journal"
        ) from fault


def error_of(path: Path, fault: BaseException | None) -> UnreachableError:
    """The sentence for one error of SQLite."""
    name = getattr(fault, "sqlite_errorname", "")
    advice = next((advice for prefix, advice in ADVICE.items() if name.startswith(prefix)), None)
    if advice is None:
        advice = f"it gave an unexpected answer ({fault}): nothing was written, start again"
    return UnreachableError(f"the journal {path}: {advice}")
