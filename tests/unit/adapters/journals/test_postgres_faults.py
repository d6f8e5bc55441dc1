"""The journal in PostgreSQL when the server is slow, stands still, restarts, or loses a connection around a COMMIT."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGQUIT

import psycopg
import pytest
from psycopg import sql
from tests.contracts.ledgers import (
    API,
    BOTH,
    ID,
    LEDGERS,
    OTHER,
    WEB,
    Ledger,
    PostgresLedger,
    begun,
    fell,
    owner,
    planned,
    taken_over,
    word,
)
from tests.postgres import server
from tests.postgres_proxy import Loss

from katakei.adapters.journals.locations import PostgresLocation, postgres_location_of
from katakei.adapters.journals.postgres import connections, database, schema
from katakei.adapters.journals.postgres.database import PostgresDatabase
from katakei.adapters.journals.timestamps import moment
from katakei.adapters.system.clock import SystemClock
from katakei.domain import events as e
from katakei.domain.errors import (
    ConcurrentAppendError,
    LeaseHeldError,
    LeaseLostError,
    NoAnswerError,
    TemporarilyUnavailableError,
    UnreachableError,
)
from katakei.domain.leases import ACT_WINDOW, LEASE_DURATION, Lease
from katakei.domain.model import Arn, RolloutId

CLOCK = SystemClock()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with LEDGERS["postgres"](tmp_path) as made:
        yield made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short time limits, so that the tests do not wait for the real ones."""
    monkeypatch.setattr(database, "time_limit", lambda: connections.time_limit(timedelta(seconds=1.5)))
    monkeypatch.setitem(connections.SESSION_SETTINGS, "lock_timeout", "500ms")
    monkeypatch.setitem(connections.SESSION_SETTINGS, "idle_in_transaction_session_timeout", "1s")


@contextmanager
def holding(ledger: PostgresLedger, statement: str) -> Iterator[psycopg.Connection]:
    """Another session that keeps what the statement locked until the end of the block."""
    with psycopg.connect(ledger.url, options="-c search_path=katakei") as session:
        session.execute(statement.encode())
        yield session
        session.rollback()


def duration(act: Callable[[], object]) -> timedelta:
    before = CLOCK.now()
    with suppress(NoAnswerError, UnreachableError):
        act()
    return CLOCK.now() - before


def test_time_limits_fit_an_act_and_a_lease() -> None:
    connecting = connections.CONNECT_LIMIT
    assert connections.LOCK_LIMIT < connections.ANSWER_LIMIT < ACT_WINDOW
    assert connections.ANSWER_LIMIT + connecting < LEASE_DURATION
    # The server must not end a COMMIT that waits for a standby before this process has given it up.
    assert connections.ANSWER_LIMIT < connections.STATEMENT_LIMIT
    assert connections.IDLE_LIMIT < LEASE_DURATION


def test_inner_time_limit_never_extends_the_outer_one() -> None:
    assert connections.time_left() == connections.ANSWER_LIMIT
    with connections.time_limit(timedelta(seconds=1)):
        with connections.time_limit(timedelta(seconds=60)):
            assert timedelta() < connections.time_left() <= timedelta(seconds=1)
        with connections.time_limit(timedelta(seconds=-1)):
            assert connections.time_left() == timedelta()
        assert connections.time_left() > timedelta()


def test_url_cannot_change_the_limits_and_several_hosts_mean_the_primary() -> None:
    def given(url: str) -> dict[str, str | int | None]:
        location = postgres_location_of(url)
        assert location is not None
        return connections.parameters_of(location)

    several = given("postgresql://kim:secret@one,two:6432/katakei")
    assert (several["host"], several["port"], several["password"]) == ("one,two", ",6432", "secret")
    assert several["target_session_attrs"] == "read-write"
    assert (several["connect_timeout"], several["keepalives_idle"], several["tcp_user_timeout"]) == (4, 5, 8000)
    assert given("postgresql://one,two/k?target_session_attrs=any")["target_session_attrs"] == "any"
    assert "target_session_attrs" not in given("postgresql://one/k")


def test_sessions_have_every_limit(ledger: PostgresLedger) -> None:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "search_path", "TimeZone")
    with closing(PostgresDatabase(_location(ledger))) as store:
        read = [store.query(f"SHOW {name}", {})[0][0] for name in names]
        with store.writing() as connection:
            written = [connection.exec_driver_sql(f"SHOW {name}").scalar_one() for name in names]
    assert read == written == ["3s", "10s", "10s", "katakei", "UTC"]


def test_session_that_was_ended_in_a_transaction_is_unknown(ledger: PostgresLedger) -> None:
    """An administrator, or a restart, may end it after its COMMIT arrived."""
    with closing(PostgresDatabase(_location(ledger))) as store:

        def ended() -> None:
            with store.writing() as connection:
                pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
                server().execute(sql.SQL("SELECT pg_terminate_backend({})").format(sql.Literal(pid)))
                connection.exec_driver_sql("SELECT 1")

        with pytest.raises(NoAnswerError, match="closed the connection: whether it was written is not known"):
            ended()
        assert store.query("SELECT 1", {}) == [(1,)]


@pytest.mark.parametrize("loss", Loss)
def test_append_that_lost_its_connection_is_unknown_then_read(ledger: PostgresLedger, loss: Loss) -> None:
    lease, journal = begun(ledger), ledger.journal()
    ledger.proxy.losses = [loss]
    with pytest.raises(NoAnswerError, match="whether it was written is not known"):
        journal.append(lease, ID, 1, [fell(2), fell(3)])
    written = loss is Loss.AFTER
    assert journal.read(ID, 1) == ([fell(2), fell(3)] if written else [])
    if written:
        with pytest.raises(ConcurrentAppendError):
            journal.append(lease, ID, 1, [fell(2), fell(3)])
    else:
        journal.append(lease, ID, 1, [fell(2), fell(3)])
    assert ledger.journal().read(ID, 1) == [fell(2), fell(3)]


def test_take_that_lost_its_answer_is_taken_again_by_the_same_process(ledger: PostgresLedger) -> None:
    leases = ledger.leases()
    ledger.proxy.losses = [Loss.AFTER]
    with pytest.raises(NoAnswerError):
        leases.take(BOTH, owner(), ID)
    lease = leases.take(BOTH, owner(), ID)
    assert lease.epoch == 2
    leases.renew(lease)


@pytest.mark.parametrize("how", ["fast", "crash"])
def test_restarted_server_is_found_again_by_open_journals(ledger: PostgresLedger, how: str) -> None:
    lease, journal, leases, freezes = begun(ledger), ledger.journal(), ledger.leases(), ledger.freezes()
    journal.append(lease, ID, 1, [fell(2)])
    leases.renew(lease)
    assert freezes.active() == ()
    if how == "fast":
        server().restart()
    else:
        server().restart(SIGQUIT)
    assert journal.read(ID, 1) == [fell(2)]
    leases.renew(lease)
    journal.append(lease, ID, 2, [fell(3)])
    assert freezes.active() == ()
    assert ledger.journal().read(ID, 1) == [fell(2), fell(3)]


def test_stopped_server_is_an_outage_that_may_end(ledger: PostgresLedger) -> None:
    lease, journal, leases = begun(ledger), ledger.journal(), ledger.leases()
    journal.append(lease, ID, 1, [fell(2)])
    server().stop()
    try:
        for act in (
            lambda: journal.read(ID, 0),
            lambda: journal.append(lease, ID, 2, [fell(3)]),
            lambda: journal.tell(ID, word(3)),
            lambda: leases.renew(lease),
            ledger.journal().find,
        ):
            with pytest.raises(TemporarilyUnavailableError, match="cannot be reached"):
                act()
    finally:
        server().start()
    journal.append(lease, ID, 2, [fell(3)])
    leases.renew(lease)


@pytest.mark.usefixtures("quick")
def test_server_that_stands_still_is_given_up_in_time(ledger: PostgresLedger) -> None:
    lease, journal, leases = begun(ledger), ledger.journal(), ledger.leases()
    journal.append(lease, ID, 1, [fell(2)])
    leases.renew(lease)
    with server().frozen():
        acts = (
            lambda: journal.read(ID, 0),
            lambda: journal.append(lease, ID, 2, [fell(3)]),
            lambda: leases.renew(lease),
            lambda: ledger.leases().holder(WEB),
        )
        with ThreadPoolExecutor(len(acts)) as pool:
            lasted = list(pool.map(duration, acts))
        with pytest.raises((NoAnswerError, TemporarilyUnavailableError)):
            journal.append(lease, ID, 2, [fell(3)])
    assert all(timedelta(seconds=1) < each < timedelta(seconds=8) for each in lasted), lasted
    leases.renew(lease)
    journal.append(lease, ID, 2, [fell(3)])
    assert journal.read(ID, 1) == [fell(2), fell(3)]


def test_slow_answers_delay_and_change_nothing(ledger: PostgresLedger) -> None:
    ledger.proxy.delay = 0.05
    lease, journal = begun(ledger), ledger.journal()
    journal.append(lease, ID, 1, [fell(2)])
    journal.tell(ID, word(3))
    assert journal.read(ID, 1) == [fell(2), word(3)]


@pytest.mark.usefixtures("quick")
def test_rows_that_another_session_holds_are_waited_for_in_bounds(ledger: PostgresLedger) -> None:
    lease, journal = begun(ledger), ledger.journal()
    with holding(ledger, "SELECT * FROM leases FOR UPDATE"):
        with pytest.raises(NoAnswerError, match="another process holds its rows"):
            journal.append(lease, ID, 1, [fell(2)])
        with pytest.raises(NoAnswerError, match="another process holds its rows"):
            ledger.leases().renew(lease)
        assert journal.read(ID, 1) == []  # reading waits for nobody
    journal.append(lease, ID, 1, [fell(2)])


def test_owner_that_stands_still_in_a_transaction_blocks_nobody_for_long(ledger: PostgresLedger) -> None:
    former = begun(ledger)
    location = postgres_location_of(ledger.url)
    assert location is not None
    with pytest.MonkeyPatch.context() as only_there:  # the others may be slow: their limits stay as they are
        only_there.setitem(connections.SESSION_SETTINGS, "idle_in_transaction_session_timeout", "1s")
        connection = schema.open_connection(location)
    with closing(connection) as stopped:
        stopped.autocommit = False
        stopped.execute("SELECT * FROM leases FOR UPDATE")
        present, deadline = None, CLOCK.now() + timedelta(seconds=60)
        while present is None and CLOCK.now() < deadline:
            with suppress(NoAnswerError):
                present = taken_over(ledger, BOTH, owner(2), ID)
        assert present is not None
        with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
            stopped.execute("UPDATE leases SET beat = beat + 1")
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 1, [fell(2)])
    ledger.journal().append(present, ID, 1, [fell(2)])


def test_takeover_waits_for_an_append_that_is_under_way(ledger: PostgresLedger) -> None:
    """The former owner's transaction is committed before the lease changes hands, or it is not committed at all."""
    former = begun(ledger)
    store = PostgresDatabase(_location(ledger))
    confirmed, appended = threading.Event(), threading.Event()

    def slow_append() -> None:
        from katakei.adapters.journals import lease_rows, sql_writer  # noqa: PLC0415

        with store.writing() as connection:
            lease_rows.confirm(connection, former)
            confirmed.set()
            assert not appended.wait(0.7)
            sql_writer.append_events(connection, ID, 1, [fell(2)])

    with closing(store), ThreadPoolExecutor(1) as pool:
        append = pool.submit(slow_append)
        assert confirmed.wait(30)
        present = taken_over(ledger, BOTH, owner(2), ID)
        assert ledger.journal().read(ID, 1) == [fell(2)]
        append.result(30)
    with pytest.raises(LeaseLostError):
        ledger.journal().append(former, ID, 2, [fell(3)])
    ledger.journal().append(present, ID, 2, [fell(3)])


def test_lease_that_another_transaction_takes_is_waited_for(ledger: PostgresLedger) -> None:
    ledger.leases().release(begun(ledger))
    taken, go_on = threading.Event(), threading.Event()
    store = PostgresDatabase(_location(ledger))

    def slow_take() -> Lease:
        from katakei.adapters.journals import lease_rows  # noqa: PLC0415

        with store.writing() as connection:
            lease = lease_rows.take(connection, BOTH, owner(2), OTHER, lambda _holders: None)
            taken.set()
            go_on.wait(1)
        return lease

    with closing(store), ThreadPoolExecutor(1) as pool:
        first = pool.submit(slow_take)
        assert taken.wait(30)
        with pytest.raises(LeaseHeldError):
            ledger.leases().take(BOTH, owner(3), ID)
        ledger.leases().renew(first.result(30))


def test_first_leases_of_a_group_have_one_winner(ledger: PostgresLedger) -> None:
    """No row exists that could be locked: the rows themselves are what the processes compete for."""
    groups = [frozenset(Arn(f"arn:group/{n}/{m}") for m in range(3)) for n in range(10)]
    stores = [ledger.leases() for _ in range(4)]

    def take(given: tuple[int, frozenset[Arn]]) -> Lease | LeaseHeldError:
        pid, wanted = given
        try:
            return stores[pid].take(wanted, owner(pid), RolloutId(f"r-{pid}"))
        except LeaseHeldError as held:
            return held

    for wanted in groups:
        with ThreadPoolExecutor(4) as pool:
            got = list(pool.map(take, [(pid, wanted) for pid in range(4)]))
        assert sorted(type(each).__name__ for each in got) == ["Lease", *["LeaseHeldError"] * 3]


def test_overlapping_leases_wait_in_one_order(ledger: PostgresLedger) -> None:
    """Leases of overlapping groups are taken, renewed and given back at once. None may end in a deadlock."""
    arns = [Arn(f"arn:group/{n}") for n in range(4)]
    unlucky: list[Exception] = []

    def work(pid: int) -> None:
        leases, wanted = ledger.leases(), frozenset(arns[pid : pid + 2])
        for _ in range(15):
            try:
                with suppress(LeaseHeldError, LeaseLostError):
                    lease = leases.take(wanted, owner(pid), RolloutId(f"r-{pid}"))
                    leases.renew(lease)
                    leases.release(lease)
            except NoAnswerError as error:
                unlucky.append(error)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert unlucky == []
    rows = server().execute(
        sql.SQL("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), _location(ledger).database
    )
    assert rows == [(0,)]


def test_heartbeat_is_dated_when_it_is_written(ledger: PostgresLedger) -> None:
    """The transaction of a heartbeat may begin long before it gets its row."""
    lease = begun(ledger)
    with ThreadPoolExecutor(1) as pool:
        with holding(ledger, "SELECT * FROM leases FOR UPDATE") as session:
            renewed = pool.submit(ledger.leases().renew, lease)
            waiting = sql.SQL("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while server().execute(waiting) == [(0,)]:
                pass
            (let_go,) = session.execute("SELECT clock_timestamp()").fetchone() or (None,)
        renewed.result(30)
    with ledger.connected() as session:
        dates = session.execute("SELECT beaten FROM leases").fetchall()
    assert isinstance(let_go, datetime)
    assert all(moment(beaten) >= let_go.astimezone(UTC) for (beaten,) in dates)


def test_commits_are_durable_although_the_database_is_set_otherwise(ledger: PostgresLedger) -> None:
    name = _location(ledger).database
    server().execute(sql.SQL("ALTER DATABASE {} SET synchronous_commit = off").format(sql.Identifier(name)))
    with ledger.connected() as session:
        assert session.execute("SHOW synchronous_commit").fetchone() == ("off",)
    with closing(PostgresDatabase(_location(ledger))) as store:
        assert store.query("SHOW synchronous_commit", {}) == [("on",)]
        with store.writing() as connection:
            assert connection.exec_driver_sql("SHOW synchronous_commit").scalar_one() == "on"
            assert connection.exec_driver_sql("SHOW transaction_isolation").scalar_one() == "read committed"


def test_connections_are_bounded_however_many_threads_write(ledger: PostgresLedger) -> None:
    lease = begun(ledger)
    count = sql.SQL(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'katakei'"
    )
    name = _location(ledger).database
    (before,) = server().execute(count, name)[0]
    journal = ledger.journal()
    seen: list[object] = []

    def work(n: int) -> None:
        journal.read(ID, 0)
        with suppress(ConcurrentAppendError):
            journal.append(lease, ID, 1, [fell(n)])
        seen.extend(row[0] for row in server().execute(count, name))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(work, range(36)))
    assert isinstance(before, int)
    assert all(isinstance(each, int) and each <= before + database.POOL_SIZE + 1 for each in seen)
    journal.close()


@pytest.mark.usefixtures("quick")
def test_pool_that_is_used_up_gives_no_answer(ledger: PostgresLedger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "ANSWER_LIMIT", timedelta(seconds=1))
    with closing(PostgresDatabase(_location(ledger), pool_size=1)) as store:
        with store.writing() as first:
            first.exec_driver_sql("SELECT 1")
            with pytest.raises(NoAnswerError, match="is too busy here: nothing was written"), store.writing():
                pass
        with store.writing() as second:
            assert second.exec_driver_sql("SELECT 1").scalar_one() == 1


def test_read_only_database_is_an_outage(ledger: PostgresLedger) -> None:
    lease, name = begun(ledger), _location(ledger).database
    server().execute(sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(sql.Identifier(name)))
    with closing(ledger.journal()) as journal:
        assert journal.read(ID, 0) == [planned()]
        with pytest.raises(TemporarilyUnavailableError, match="it is read-only now"):
            journal.append(lease, ID, 1, [fell(2)])


def test_same_number_is_written_once_by_many(ledger: PostgresLedger) -> None:
    lease = begun(ledger)
    journals = [ledger.journal() for _ in range(6)]
    for turn in range(5):

        def write(n: int, after: int = turn + 1) -> bool:
            try:
                journals[n].append(lease, ID, after, [fell(n)])
            except ConcurrentAppendError:
                return False
            return True

        with ThreadPoolExecutor(6) as pool:
            assert sum(pool.map(write, range(6))) == 1
    assert len(ledger.journal().read(ID, 1)) == 5


def test_finished_and_reopened_at_once_ends_as_numbered(ledger: PostgresLedger) -> None:
    """The header of a rollout follows its last event, whatever order the transactions ran in."""
    for number in range(6):
        rollout = RolloutId(f"r-{number}")
        lease = begun(ledger, rollout, frozenset({API}), number)
        asked = e.RetryAsked(planned().at, "kim", ())
        with ThreadPoolExecutor(2) as pool:
            finished = pool.submit(ledger.journal().append, lease, rollout, 1, [e.Finished(planned().at)])
            told = pool.submit(ledger.journal().tell, rollout, asked)
            told.result(30)
            with suppress(ConcurrentAppendError):
                finished.result(30)
        events = ledger.journal().read(rollout, 1)
        last_finished = isinstance(events[-1], e.Finished)
        (header,) = [each for each in ledger.journal().find() if each.rollout == rollout]
        assert (header.finished is not None) is last_finished
        ledger.leases().release(lease)
    assert OTHER not in {header.rollout for header in ledger.journal().find()}


def _location(ledger: PostgresLedger) -> PostgresLocation:
    location = postgres_location_of(ledger.url)
    assert location is not None
    return location
