"""A real PostgreSQL for tests: one server for each process of pytest, one database for each test.

The server is made with `initdb` in a temporary folder and listens on loopback only. It runs as the user `postgres` when
the tests run as root, because PostgreSQL refuses to run as root. It ends with the process that started it, also when
that is killed: a shell waits beside it for the end of a pipe.

    with fresh_database() as url: ...          # an empty database, with the password in its URL
    with fresh_journal() as url: ...           # one with the newest schema of Katakei
    server().restart()                         # the one server of this process
"""

import atexit
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from katakei.adapters.journals.locations import postgres_location_of

USER = "kim"
"""The role of the tests: it may create tables in its own databases, and is no superuser."""
WAIT = 60.0
"""Seconds for a start or a stop. Several may run at once on a small machine."""
PORTS_TRIED = 5
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "timezone": "Asia/Tokyo",  # a test that mistakes local time for UTC fails
}
# Ends the server when standard input ends: with the process of the tests, or by `stop`.
GUARD = '"$@" & server=$!; read -r word; kill -"${word:-INT}" $server; wait $server'


def program(name: str) -> str:
    """A program of the newest PostgreSQL here. Debian keeps them off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = str(debian[-1]) if debian else shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"the tests need {name}: `make packages` installs the package postgresql")
    return found


class PostgresServer:
    """One server in a folder of its own. `stop` keeps the folder, so that `start` goes on with its databases."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="katakei-postgres-"))
        self.port = 0
        self.password = secrets.token_hex(16)
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._initialize()
        for _ in range(PORTS_TRIED):
            self.port = free_port()
            with suppress(TimeoutError, ChildProcessError):
                self.start()
                break
        else:
            raise TimeoutError(f"PostgreSQL did not start: {self.log[-2000:]}")
        self._make_role()

    @property
    def log(self) -> str:
        """What the server wrote to its log."""
        log = self.folder / "log"
        return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return int((self.folder / "data" / "postmaster.pid").read_text(encoding="ascii").split()[0])

    def url(self, database: str, *, user: str = USER, password: str | None = None) -> str:
        """The URL of a database, with the password."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts the server on its port, unless it runs, and waits until it answers."""
        if self._process is not None:
            return
        words = [program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), "-k", str(self.folder)]
        for name, value in SETTINGS.items():
            words += ["-c", f"{name}={value}"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._as_user(), "sh", "-c", GUARD, "sh", *words],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,  # Ctrl-C ends the tests; they end the server
            )
        until = time.monotonic() + WAIT
        while not self._answers():
            if self._process.poll() is not None:
                self._process = None
                raise ChildProcessError(f"PostgreSQL ended at once: {self.log[-2000:]}")
            if time.monotonic() > until:
                self.stop()
                raise TimeoutError(f"PostgreSQL did not answer in {WAIT:.0f} s: {self.log[-2000:]}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops the server.

        Args:
            how: SIGINT disconnects every client and shuts down. SIGQUIT ends as a crash does.
        """
        if self._process is None:
            return
        process, self._process = self._process, None
        assert process.stdin is not None
        with suppress(OSError):
            process.stdin.write(f"{how.name.removeprefix('SIG')}\n".encode())
            process.stdin.close()
        try:
            process.wait(WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(WAIT)

    def restart(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stops the server and starts it again on the same port, with the same databases."""
        self.stop(how)
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The server and every session of it stand still: connections stay open, and nothing is answered."""
        parent = psutil.Process(self.pid)
        all_of_them = [parent, *parent.children()]
        for each in all_of_them:
            with suppress(psutil.NoSuchProcess):
                each.suspend()
        try:
            yield
        finally:
            for each in all_of_them:
                with suppress(psutil.NoSuchProcess):
                    each.resume()

    def remove(self) -> None:
        """Stops the server and deletes its folder."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, template: str = "template1") -> str:
        """Creates a database that the role of the tests owns.

        Args:
            template: The database that is copied. Nobody may be connected to it.

        Returns:
            The name.
        """
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*map(sql.Identifier, (name, USER, template)))
        )
        return name

    def drop(self, name: str) -> None:
        """Drops a database, also while somebody is connected to it."""
        self.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def execute(self, statement: sql.Composed | sql.SQL, database: str = "postgres") -> list[tuple[object, ...]]:
        """Runs one statement as a superuser and returns its rows."""
        with psycopg.connect(
            self.url(database, user="postgres"), autocommit=True, connect_timeout=int(WAIT)
        ) as connection:
            asked = connection.execute(statement)
            return asked.fetchall() if asked.description else []

    def _initialize(self) -> None:
        password = self.folder / "password"
        password.write_text(self.password, encoding="ascii")
        password.chmod(0o600)
        if self._user:
            for path in (self.folder, password):
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        words = [program("initdb"), "-D", str(self.folder / "data"), "--username=postgres", f"--pwfile={password}"]
        words += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        subprocess.run([*self._as_user(), *words], check=True, capture_output=True, timeout=WAIT, cwd=self.folder)
        password.unlink()

    def _make_role(self) -> None:
        made = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(USER), sql.Literal(self.password))
        self.execute(made)

    def _as_user(self) -> list[str]:
        return ["runuser", "-u", self._user.pw_name, "--"] if self._user else []

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres", user="postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


def free_port() -> int:
    """A port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@cache
def _started() -> PostgresServer:
    made, owner = PostgresServer(), os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # not in a child that was forked
            made.remove()

    atexit.register(remove)
    return made


_STARTING = threading.Lock()


def server() -> PostgresServer:
    """The one server of this process, started when it is first needed and removed at the end of the process."""
    with _STARTING:
        return _started()


@contextmanager
def fresh_database(template: str = "template1") -> Iterator[str]:
    """The URL of a database of its own, dropped at the end."""
    name = server().create(template)
    try:
        yield server().url(name)
    finally:
        server().drop(name)


@contextmanager
def fresh_journal() -> Iterator[str]:
    """The URL of a database of its own with the newest schema, dropped at the end."""
    with fresh_database(_journal_template()) as url:
        yield url


@cache
def _journal_template() -> str:
    from katakei.adapters.journals.postgres.upgrade import upgrade  # noqa: PLC0415 - Alembic takes long to import

    name = server().create()
    location = postgres_location_of(server().url(name))
    assert location is not None
    upgrade(location)
    return name
