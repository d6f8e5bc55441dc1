"""Every foreign error of a journal as one sentence of ours, with what to do now. No other error passes this door."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from katakei.domain.errors import UnreachableError

# By SQLite's own error names, primary codes first (https://www.sqlite.org/rescode.html); extended ones begin alike.
ADVICE = {
    "SQLITE_FULL": "the disk under it is full: make room, then start again; nothing already written is lost",
    "SQLITE_READONLY": "it may not be written: give write permission on the file and its folder, or another --journal",
    "SQLITE_NOTADB": "it is not a journal of Katakei: give another path with --journal",
    "SQLITE_BUSY": "another process keeps it locked: nothing was written, try again when that process is done",
    "SQLITE_LOCKED": "another process keeps it locked: nothing was written, try again when that process is done",
    "SQLITE_CANTOPEN": "it cannot be opened: see that its folder exists and may be entered, or give another --journal",
    "SQLITE_PERM": "it may not be opened: give permission on the file and its folder, or another --journal",
    "SQLITE_AUTH": "it may not be opened: give permission on the file and its folder, or another --journal",
    "SQLITE_CORRUPT": "it is damaged: keep the file, restore a copy of it, and look at the target groups by hand",
    "SQLITE_IOERR": "the disk under it failed: see to the disk, then start again; what was written whole is kept",
}


@contextmanager
def door(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system raise into Unreachable."""
    try:
        yield
    except sqlite3.Error as fault:
        raise said(path, fault) from fault
    except OSError as fault:
        raise UnreachableError(
            f"the journal {path} cannot be reached ({fault.strerror}): see to its folder, or give another --journal"
        ) from fault


def said(path: Path, fault: BaseException | None) -> UnreachableError:
    """The sentence for one error of SQLite."""
    name = getattr(fault, "sqlite_errorname", "")
    advice = next((advice for prefix, advice in ADVICE.items() if name.startswith(prefix)), None)
    if advice is None:
        advice = f"it did not answer as it should ({fault}): nothing was written, start again"
    return UnreachableError(f"the journal {path}: {advice}")
