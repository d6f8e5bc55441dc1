"""The journal in one file: where it is, who may read it, and what is said when the file fails."""

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from sqlalchemy import event
from tests.contracts.ledgers import BOTH, ID, LEDGERS, OTHER, WEB, SqliteLedger, begun, fell, owner, planned

from katakei.adapters.journals.locations import path_of
from katakei.adapters.journals.sql_journal import SqlJournal, SqlLeases, default_url
from katakei.adapters.journals.sql_writer import Engine
from katakei.adapters.journals.sqlite_file import SqliteFile
from katakei.domain.errors import UnreachableError, UsageError
from katakei.domain.leases import Lease

SHORT = timedelta(seconds=0.2)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with LEDGERS["sqlite"](tmp_path) as made:
        assert isinstance(made, SqliteLedger)
        yield made


def raw(ledger: SqliteLedger, text: str) -> None:
    with closing(sqlite3.connect(ledger.path)) as connection, connection:
        connection.execute(text)


@pytest.mark.parametrize(
    ("env", "url"),
    [
        ({"XDG_STATE_HOME": "/state", "HOME": "/home/kim"}, "sqlite:////state/katakei/journal.db"),
        ({"HOME": "/home/kim"}, "sqlite:////home/kim/.local/state/katakei/journal.db"),
        ({"XDG_STATE_HOME": "", "HOME": "/home/kim"}, "sqlite:////home/kim/.local/state/katakei/journal.db"),
        ({"XDG_STATE_HOME": "not/absolute", "HOME": "/h"}, "sqlite:////h/.local/state/katakei/journal.db"),
    ],
)
def test_default_url_follows_xdg(env: dict[str, str], url: str) -> None:
    assert default_url(env) == url


@pytest.mark.parametrize("url", ["sqlite:////tmp/a b%.db", "/tmp/a b%.db"])  # noqa: S108 - a name, nothing is written
def test_url_and_path_name_the_same_file(url: str) -> None:
    assert path_of(url) == Path("/tmp/a b%.db")  # noqa: S108 - likewise


@pytest.mark.parametrize("url", ["mysql://db/katakei", "sqlite://", "sqlite:///", "", ":memory:"])
def test_unsupported_url_is_usage_error(url: str) -> None:
    with pytest.raises(UsageError, match="give a path"):
        SqlJournal(url)


def test_read_creates_no_file(ledger: SqliteLedger) -> None:
    assert ledger.journal().find() == []
    assert not ledger.path.parent.exists()


def test_file_is_private_and_synchronous(ledger: SqliteLedger) -> None:
    begun(ledger)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode) for path in [ledger.path.parent, *ledger.path.parent.iterdir()]
    }
    assert modes.pop("state") == 0o700
    assert set(modes.values()) == {0o600}
    with ledger.journal().store.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_read_imports_no_sqlalchemy(ledger: SqliteLedger) -> None:
    begun(ledger)
    code = (
        "import sys; from katakei.adapters.journals.sql_journal import SqlJournal; journal = SqlJournal(sys.argv[1]); "
        "assert journal.read(journal.find()[0].rollout, 0); sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, ledger.url], check=False).returncode == 0


def _newer(ledger: SqliteLedger) -> None:
    raw(ledger, "UPDATE katakei SET value = value + 1 WHERE name = 'schema'")


def _foreign(ledger: SqliteLedger) -> None:
    ledger.path.unlink()
    raw(ledger, "CREATE TABLE recipes (name TEXT)")


def _no_database(ledger: SqliteLedger) -> None:
    for path in ledger.path.parent.iterdir():
        path.unlink()
    ledger.path.write_bytes(b"service: laravel\n" * 500)


def _folder(ledger: SqliteLedger) -> None:
    ledger.path.unlink()
    ledger.path.mkdir()


def _under_a_file(ledger: SqliteLedger) -> None:
    for path in ledger.path.parent.iterdir():
        path.unlink()
    ledger.path.parent.rmdir()
    ledger.path.parent.write_text("")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_newer, "written by a newer Katakei"),
        (_foreign, "is a database of something else"),
        (_no_database, "is not a journal of Katakei"),
        (_folder, "cannot be opened"),
        (_under_a_file, "cannot be reached"),
    ],
)
def test_foreign_or_newer_file_is_refused_untouched(
    tmp_path: Path, spoil: Callable[[SqliteLedger], None], said: str
) -> None:
    with LEDGERS["sqlite"](tmp_path) as made:
        begun(made)
    assert isinstance(made, SqliteLedger)
    spoil(made)
    before = made.path.read_bytes() if made.path.is_file() else b""
    journal, leases = SqlJournal(made.url), SqlLeases(made.url)
    attempts: list[Callable[[], object]] = [
        journal.find,
        lambda: journal.read(ID, 0),
        lambda: leases.take(BOTH, owner(), ID),
        lambda: journal.append(Lease(BOTH, owner(), 1), ID, 1, [fell(2)]),
    ]
    for attempt in attempts[2:] if spoil is _under_a_file else attempts:
        with pytest.raises(UnreachableError, match=said) as refusal:
            attempt()
        assert str(made.path) in str(refusal.value)
    assert (made.path.read_bytes() if made.path.is_file() else b"") == before


def test_locked_file_is_named_and_nothing_is_lost(ledger: SqliteLedger) -> None:
    lease = begun(ledger)
    impatient = SqlJournal(ledger.url, SHORT)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as rival:
        rival.execute("BEGIN IMMEDIATE")
        with pytest.raises(UnreachableError, match="keeps it locked"):
            impatient.append(lease, ID, 1, [fell(2)])
        assert impatient.read(ID, 0) == [planned()]
        rival.execute("ROLLBACK")
    impatient.append(lease, ID, 1, [fell(2)])
    assert impatient.read(ID, 1) == [fell(2)]
    impatient.close()


@pytest.mark.parametrize(
    ("pragma", "undone", "said"),
    [
        ("PRAGMA query_only = ON", "PRAGMA query_only = OFF", "may not be written"),
        ("PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000", "its disk is full"),
    ],
)
def test_disk_error_rolls_back_the_append(ledger: SqliteLedger, pragma: str, undone: str, said: str) -> None:
    lease = begun(ledger)
    journal = ledger.journal()
    journal.append(lease, ID, 1, [])
    assert isinstance(journal.store, SqliteFile)
    assert journal.store._engine is not None
    now = [pragma]

    def configured(connection: sqlite3.Connection, *_: object) -> None:
        connection.execute(now[0])

    event.listen(journal.store._engine.engine, "checkout", configured)
    with pytest.raises(UnreachableError, match=said):
        journal.append(lease, ID, 1, [fell(n) for n in range(2000)])
    assert journal.read(ID, 0) == [planned()]
    now[0] = undone
    journal.append(lease, ID, 1, [fell(2)])
    assert journal.read(ID, 0) == [planned(), fell(2)]


def test_damaged_file_is_named(tmp_path: Path) -> None:
    with LEDGERS["sqlite"](tmp_path) as made:
        lease = begun(made)
        made.journal().append(lease, ID, 1, [fell(n) for n in range(500)])
    assert isinstance(made, SqliteLedger)
    content = bytearray(made.path.read_bytes())
    content[8192:] = b"\xff" * (len(content) - 8192)
    made.path.write_bytes(content)
    with pytest.raises(UnreachableError, match="is damaged"):
        SqlJournal(made.url).read(ID, 0)


DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("change", "read"),
    [
        ("UPDATE rollouts SET begun = 'noon'", "find"),
        ("UPDATE rollouts SET group_arns = '[[['", "find"),
        ("UPDATE rollouts SET group_arns = x'fffe'", "find"),
        ("UPDATE leases SET since = '', held = 1", "take"),
        ("UPDATE leases SET beaten = '99999-01-01T00:00:00+00:00', held = 1", "take"),
        ("UPDATE leases SET since = 'noon', held = 1", "holder"),
        (f"UPDATE events SET event = '[{DIGITS}]'", "read"),  # noqa: S608 - digits
        ("UPDATE events SET event = substr(event, 1, 40)", "read"),
        (f"UPDATE events SET event = replace(event, 'PT300S', 'PT{DIGITS}S')", "read"),  # noqa: S608 - digits
        ("UPDATE katakei SET value = 'two'", "find"),
    ],
)
def test_damaged_row_is_one_short_sentence(ledger: SqliteLedger, change: str, read: str) -> None:
    begun(ledger)
    raw(ledger, change)
    reads: dict[str, Callable[[], object]] = {
        "find": ledger.journal().find,
        "read": lambda: ledger.journal().read(ID, 0),
        "take": lambda: ledger.leases().take(BOTH, owner(2), OTHER),
        "holder": lambda: ledger.leases().holder(WEB),
    }
    with pytest.raises(UnreachableError, match=r"is damaged|cannot be read") as told:
        reads[read]()
    assert (told.value.code, len(str(told.value)) < 400) == (5, True)


@pytest.mark.parametrize("replaced", [False, True])
def test_deleted_file_is_named_and_not_written(ledger: SqliteLedger, *, replaced: bool) -> None:
    lease = begun(ledger)
    journal, leases = ledger.journal(), ledger.leases()
    journal.append(lease, ID, 1, [fell(2)])
    leases.renew(lease)
    kept = ledger.path.rename(ledger.path.with_name("kept"))
    if replaced:
        ledger.path.touch()
    with pytest.raises(UnreachableError, match="was deleted or replaced"):
        journal.append(lease, ID, 2, [fell(3)])
    with pytest.raises(UnreachableError, match="was deleted or replaced"):
        leases.renew(lease)
    kept.rename(ledger.path)
    assert journal.read(ID, 1) == [fell(2)]
    journal.append(lease, ID, 2, [fell(3)])


CREATOR = """
import sys
from tests.contracts.ledgers import ID, leases_at, owner
from katakei.domain.model import Arn
sys.stdin.readline()
leases_at(sys.argv[1]).take(frozenset({Arn(sys.argv[2])}), owner(), ID)
"""


def test_concurrent_creators_share_the_file(ledger: SqliteLedger) -> None:
    makers = [
        subprocess.Popen([sys.executable, "-c", CREATOR, ledger.url, f"arn:{n}"], stdin=subprocess.PIPE)
        for n in range(4)
    ]
    for maker in makers:
        assert maker.stdin is not None
        maker.stdin.write(b"\n")
        maker.stdin.flush()
    assert [maker.communicate() and maker.returncode for maker in makers] == [0] * 4
    with closing(sqlite3.connect(ledger.path)) as connection:
        assert connection.execute("SELECT count(*) FROM leases").fetchone() == (4,)


def test_concurrent_openers_all_succeed(tmp_path: Path) -> None:
    def opened(path: Path) -> None:
        together.wait()
        Engine(path, timedelta(seconds=20)).close()

    together = Barrier(6)
    for number in range(20):
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(opened, [tmp_path / f"{number}.db"] * 6))
