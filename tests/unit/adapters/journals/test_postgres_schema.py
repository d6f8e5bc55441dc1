"""The schema of the journal in PostgreSQL: its versions, its upgrade, and the commands that show both."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from tests.contracts.ledgers import BOTH, ID, LEDGERS, WEB, Ledger, PostgresLedger, begun, fell, owner, planned
from tests.postgres import fresh_database, server

from katakei.adapters.journals.locations import PostgresLocation, postgres_location_of
from katakei.adapters.journals.postgres import schema, upgrade
from katakei.adapters.journals.sql_journal import SqlJournal, SqlLeases
from katakei.adapters.journals.sql_store import require_driver
from katakei.adapters.journals.sql_writer import metadata
from katakei.domain.errors import TemporarilyUnavailableError, UnreachableError, UsageError

MIGRATIONS = Path(upgrade.__file__).parent / "migrations"


@pytest.fixture
def url() -> Iterator[str]:
    """An empty database."""
    with fresh_database() as made:
        yield made


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS["postgres"](tmp_path) as made:
        yield made


def place(url: str) -> PostgresLocation:
    location = postgres_location_of(url)
    assert location is not None
    return location


def tables(url: str) -> list[tuple[str, str, str]]:
    """Every column outside PostgreSQL's own schemas."""
    with psycopg.connect(url) as connection:
        return connection.execute(
            "SELECT table_schema || '.' || table_name, column_name, is_nullable FROM information_schema.columns"
            " WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, ordinal_position"
        ).fetchall()


def test_newest_version_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [f"{schema.NEWEST:04d}"]
    numbers = [int(revision.revision) for revision in script.walk_revisions()]
    assert numbers == list(range(schema.NEWEST, 0, -1))


def test_tables_have_every_column_that_is_used(ledger: PostgresLedger) -> None:
    made = {(name, column, nullable) for name, column, nullable in tables(ledger.url)}
    wanted = {
        (f"katakei.{table.name}", column.name, "YES" if column.nullable else "NO")
        for table in metadata.sorted_tables
        for column in table.columns
        if table.name != "katakei"  # SQLite's version of the tables
    }
    assert wanted - made == set()
    own = {"katakei.alembic_version", "katakei.rollouts"}
    assert {(name, column) for name, column, _ in made - wanted if name in own} == {
        ("katakei.alembic_version", "version_num"),
        ("katakei.rollouts", "rowid"),
    }


def test_commands_that_read_or_write_make_no_tables(url: str) -> None:
    with closing(SqlJournal(url)) as journal, closing(SqlLeases(url)) as leases:
        for act in (
            journal.find,
            lambda: journal.read(ID, 0),
            lambda: leases.holder(WEB),
            lambda: leases.take(BOTH, owner(), ID),
        ):
            with pytest.raises(UnreachableError, match="has no tables yet: run `katakei db upgrade`"):
                act()
    assert tables(url) == []


def test_older_database_is_refused_then_upgraded_with_its_rollouts(url: str) -> None:
    assert upgrade.upgrade(place(url), to=1).state is schema.SchemaState.ABSENT
    with psycopg.connect(url, options="-c search_path=katakei") as connection:
        connection.execute(
            "INSERT INTO rollouts (rollout, service, group_arns, begun, who) VALUES"
            " (%s, 'shop', '[]', '2026-11-22T12:00:00.000000+00:00', 'kim')",
            [ID],
        )
    with closing(SqlJournal(url)) as journal:
        with pytest.raises(UnreachableError, match=r"schema 1 of an older Katakei .* run `katakei db upgrade`"):
            journal.find()
        assert upgrade.upgrade(place(url)).found == 1
        assert [header.rollout for header in journal.find()] == [ID]
    assert upgrade.upgrade(place(url)).state is schema.SchemaState.CURRENT


def test_newer_database_is_refused_by_every_command(ledger: PostgresLedger) -> None:
    begun(ledger)
    with ledger.connected() as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    before = tables(ledger.url)
    with closing(SqlJournal(ledger.url)) as journal:
        for act in (journal.find, lambda: upgrade.upgrade(place(ledger.url))):
            with pytest.raises(UnreachableError, match=r"written by a newer Katakei .* nothing was changed"):
                act()
    assert tables(ledger.url) == before


def test_process_of_the_older_version_is_disconnected_by_an_upgrade(url: str) -> None:
    upgrade.upgrade(place(url), to=1)
    older = schema.open_any(place(url))
    upgrade.upgrade(place(url))
    with closing(older), pytest.raises(psycopg.OperationalError):
        older.execute("SELECT 1")


def test_upgrades_at_once_wait_for_each_other(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        before = list(pool.map(lambda _: upgrade.upgrade(place(url)).found, range(4)))
    assert sorted(before) == [0, *[schema.NEWEST] * 3]
    assert schema.read_version(place(url)).state is schema.SchemaState.CURRENT


def test_failed_upgrade_changes_nothing(url: str) -> None:
    upgrade.upgrade(place(url), to=1)
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE katakei.freezes (other text)")
    before = tables(url)
    with pytest.raises(UnreachableError, match="already exists"):
        upgrade.upgrade(place(url))
    assert tables(url) == before
    assert schema.read_version(place(url)).found == 1


def test_schema_of_something_else_is_left_alone(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute("CREATE SCHEMA katakei")
    for act in (schema.read_version, upgrade.upgrade):
        with pytest.raises(UnreachableError, match="not of Katakei: give another database"):
            act(place(url))
    assert tables(url) == []


def test_database_of_another_encoding_is_refused() -> None:
    server().execute(sql.SQL("CREATE DATABASE latin OWNER kim ENCODING 'LATIN1' TEMPLATE template0"))
    try:
        with pytest.raises(UnreachableError, match="has the encoding LATIN1: create a database with ENCODING 'UTF8'"):
            upgrade.upgrade(place(server().url("latin")))
    finally:
        server().drop("latin")


def test_user_without_rights_is_told_to_ask_for_them(ledger: PostgresLedger) -> None:
    begun(ledger)
    server().execute(sql.SQL("CREATE ROLE reader LOGIN PASSWORD 'open sesame'"))
    reader = ledger.url.replace("//kim@", "//reader:open%20sesame@")
    try:
        with closing(SqlJournal(reader)) as journal:
            with pytest.raises(UnreachableError, match="the user may not do that: GRANT it"):
                journal.find()
            with ledger.connected() as connection:
                connection.execute("GRANT USAGE ON SCHEMA katakei TO reader")
                connection.execute("GRANT SELECT ON ALL TABLES IN SCHEMA katakei TO reader")
            assert journal.read(ID, 0) == [planned()]
            with pytest.raises(UnreachableError, match="the user may not do that: GRANT it"):
                journal.tell(ID, fell(2))  # type: ignore[arg-type]  # any event will do
        with pytest.raises(UnreachableError, match="may not do that"), fresh_database() as other:
            upgrade.upgrade(place(re.sub("//kim:[^@]*@", "//reader:open%20sesame@", other)))
    finally:
        server().execute(sql.SQL("DROP OWNED BY reader"), place(ledger.url).database)
        server().execute(sql.SQL("DROP ROLE reader"))


COMMANDS = {
    "wrong user": (r"//kim:", "//tom:", 5, "user or password is wrong"),
    "wrong password": (r"//kim:[^@]*@", "//kim:wrong@", 5, "user or password is wrong"),
    "no password": (r"//kim:[^@]*@", "//kim@", 5, "asks for a password: set PGPASSWORD"),
    "no such database": (r"/test_", "/no_test_", 5, 'database "no_test_[0-9_]*" does not exist; create it first'),
    "nobody listens": (r"127.0.0.1:\d+", "127.0.0.1:9", 5, "cannot be reached"),
    "no such host": (r"127.0.0.1:\d+", "db.invalid", 5, "cannot be reached"),
    "no tls": (r"$", "?sslmode=require", 5, "offers no TLS"),
    "no tables": (r"$", "", 5, "has no tables yet: run `katakei db upgrade`"),
    "unknown parameter": (r"$", "?password=x", 2, "parameter that is not supported"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_command_names_the_fault_of_the_database_and_no_password(url: str, tmp_path: Path, name: str) -> None:
    part, other, code, said = COMMANDS[name]
    given = re.sub(part, other, url, count=1)
    for words in (["list"], ["db", "check"], ["-vv", "list", "--json"]):
        ran = katakei(tmp_path, words, given)
        assert ran.returncode == code, ran.stderr
        assert re.search(said, ran.stderr)
        assert ran.stdout == ""
        assert "Traceback" not in ran.stderr
        assert passwords(url).isdisjoint(re.split(r"[^0-9a-z]", ran.stderr))


def katakei(folder: Path, words: list[str], journal: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "KATAKEI_JOURNAL": journal, **env}
    command = [sys.executable, "-m", "katakei.cli", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def passwords(url: str) -> set[str]:
    return {re.findall("//kim:([^@]*)@", url)[0]}


def test_commands_create_check_and_show_the_schema(url: str, tmp_path: Path) -> None:
    made = katakei(tmp_path, ["db", "upgrade", "--json"], url)
    shown = re.sub(":[^:@]*@", "@", url)
    assert json.loads(made.stdout) == {
        "journal": shown,
        "state": "upgraded",
        "schema_before": 0,
        "schema": schema.NEWEST,
    }
    assert (
        katakei(tmp_path, ["db", "check"], url).stdout == f"{shown}: schema {schema.NEWEST}, as this katakei needs it\n"
    )
    assert (
        katakei(tmp_path, ["db", "upgrade"], url).stdout
        == f"{shown}: schema {schema.NEWEST}, as this katakei needs it\n"
    )
    assert katakei(tmp_path, ["list"], url).stdout == "no rollouts in this journal\n"


def test_password_comes_from_the_environment_or_pgpass(url: str, tmp_path: Path) -> None:
    upgrade.upgrade(place(url))
    plain = re.sub(":[^:@]*@", "@", url)
    (password,) = passwords(url)
    assert katakei(tmp_path, ["list", "--journal", plain], "", PGPASSWORD=password).returncode == 0
    pgpass = tmp_path / ".pgpass"
    pgpass.write_text(f"127.0.0.1:*:*:kim:{password}\n", encoding="ascii")
    pgpass.chmod(0o600)
    assert katakei(tmp_path, ["list", "--journal", plain], "", PGPASSFILE=str(pgpass)).returncode == 0


def test_password_on_the_command_line_is_refused(url: str, tmp_path: Path) -> None:
    ran = katakei(tmp_path, ["list", "--journal", url], "")
    assert (ran.returncode, ran.stdout) == (UsageError.code, "")
    assert "every user of this machine can read a password in --journal" in ran.stderr
    assert not any(password in ran.stderr for password in passwords(url))


@pytest.mark.parametrize("journal", ["", "/tmp/journal.db", "s3://bucket/prefix"])  # noqa: S108 - nothing is written
def test_journal_elsewhere_needs_no_upgrade(tmp_path: Path, journal: str) -> None:
    ran = katakei(tmp_path, ["db", "upgrade"], journal)
    assert (ran.returncode, "is not in PostgreSQL" in ran.stderr) == (UsageError.code, True)


def test_missing_driver_is_named() -> None:
    location = place("postgresql://kim:secret@db/katakei")
    require_driver(location)
    with pytest.raises(UsageError, match=r"//kim@db/katakei needs .* install katakei with the extra postgres"):
        require_driver(location, lambda _name: None)


READER = """
import sys
from katakei.adapters.journals.sql_journal import SqlFreezes, SqlJournal, SqlLeases
journal, leases, freezes = SqlJournal(sys.argv[1]), SqlLeases(sys.argv[1]), SqlFreezes(sys.argv[1])
assert [header.rollout for header in journal.find()] == ["r-one"]
assert len(journal.read("r-one", 0)) == 1 and leases.holder("nobody") is None and freezes.active() == ()
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sqlalchemy", "alembic", "procrastinate"}))
for each in (journal, leases, freezes):
    each.close()
"""


def test_reading_imports_no_sqlalchemy(ledger: PostgresLedger) -> None:
    begun(ledger)
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", READER, ledger.url], capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_standby_is_refused_as_an_outage(ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "STATE_QUERY", schema.STATE_QUERY.replace("pg_catalog.pg_is_in_recovery()", "true"))
    with closing(SqlJournal(ledger.url)) as journal, pytest.raises(TemporarilyUnavailableError, match="is a standby"):
        journal.find()
