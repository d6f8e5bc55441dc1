"""Tests of the SQLite file of access: its rights, its version, errors, and an audit log that nobody changes."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from katakei.adapters.access.sql_store import SqlAccessStore
from katakei.adapters.access.sqlite_database import SqliteDatabase
from katakei.domain.audit import AuditEntry, AuditQuery, Outcome
from katakei.domain.errors import UnreachableError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "access.db"


def recorded(path: Path) -> None:
    with closing(SqlAccessStore(SqliteDatabase(path))) as store:
        store.record(AuditEntry("ada", "start", Outcome.DONE))


def test_only_the_owner_may_read_the_file(path: Path) -> None:
    recorded(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("statement", ["UPDATE access_audit SET who = 'kim'", "DELETE FROM access_audit"])
def test_audit_log_cannot_be_changed(path: Path, statement: str) -> None:
    recorded(path)
    with (
        closing(sqlite3.connect(path)) as connection,
        pytest.raises(sqlite3.IntegrityError, match="the audit log is append-only"),
    ):
        connection.execute(statement)


def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    recorded(path)
    recorded(path)
    with closing(SqlAccessStore(SqliteDatabase(path))) as store:
        assert [each.number for each in store.audit(AuditQuery(), None, 10)] == [2, 1]


def test_file_of_a_newer_version_is_refused(path: Path) -> None:
    recorded(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(UnreachableError, match=r"access.db was written by a newer version; install that version"):
        recorded(path)


def test_file_of_something_else_is_one_sentence(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("no database, but more than a hundred letters of something else " * 20)
    with pytest.raises(UnreachableError, match=r"access.db cannot be used \(file is not a database\)"):
        recorded(path)


def test_folder_that_cannot_be_made_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnreachableError, match="cannot be used"):
        recorded(tmp_path / "file" / "access.db")
