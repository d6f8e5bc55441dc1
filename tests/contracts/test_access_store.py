"""The contract of every store of access: in memory, in SQLite and in PostgreSQL."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.postgres import fresh_journal
from tests.unit.app.access_fakes import MemoryStore

from katakei.adapters.access.sql_store import SqlAccessStore, access_store
from katakei.adapters.access.sqlite_database import SqliteDatabase
from katakei.domain.audit import AuditEntry, AuditQuery, Outcome
from katakei.domain.ports.access import AccessStore, StoredSession, StoredToken
from katakei.domain.principals import Act, Principal, PrincipalKind, Role

HOUR = timedelta(hours=1)
ADA = Principal("ada", PrincipalKind.PERSON, {"*": Role.VIEWER, "shop": Role.ADMIN})
PROGRAM = Principal(
    "token:é", PrincipalKind.TOKEN, {"shop": Role.OPERATOR}, frozenset({Act.START}), frozenset({"shop"}), "ada"
)
JOB = Principal("ci:main", PrincipalKind.CI, {"shop": Role.OPERATOR}, frozenset(), frozenset({"shop"}))


@contextmanager
def database(kind: str, folder: Path) -> Iterator[Callable[[], AccessStore]]:
    """Opens one more store over the same database, as another process would."""
    if kind == "sqlite":
        yield lambda: SqlAccessStore(SqliteDatabase(folder / "access.db", timedelta(seconds=60)))
        return
    with fresh_journal() as url:
        yield lambda: access_store(url, {})


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AccessStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    with database(request.param, tmp_path) as opened, closing(opened()) as made:
        yield made


def a_token(now: datetime, name: str = "one", principal: Principal = ADA, lasts: timedelta = HOUR) -> StoredToken:
    return StoredToken(name, f"hash of {name}", principal, "laptop", now, "admin", now + lasts)


def a_session(now: datetime, name: str = "s1", token: str = "", principal: Principal = ADA) -> StoredSession:
    return StoredSession(name, principal, token, now, now, now + HOUR)


@pytest.mark.parametrize("principal", [ADA, PROGRAM, JOB], ids=lambda each: each.kind.value)
def test_token_is_read_back_as_it_was(store: AccessStore, principal: Principal) -> None:
    token = a_token(store.now(), principal=principal)
    store.add_token(token)
    assert store.token("one") == token
    assert store.tokens() == [token]
    assert store.token("two") is None


def test_expired_token_is_still_found(store: AccessStore) -> None:
    store.add_token(a_token(store.now() - 2 * HOUR))
    assert store.token("one")


def test_newest_token_comes_first(store: AccessStore) -> None:
    now = store.now()
    for name, age in (("old", 2), ("new", 0), ("middle", 1)):
        store.add_token(a_token(now - age * HOUR, name))
    assert [each.id for each in store.tokens()] == ["new", "middle", "old"]


def test_old_token_of_a_ci_job_is_left_out(store: AccessStore) -> None:
    now = store.now()
    store.add_token(a_token(now - timedelta(days=3), "job", JOB))
    store.add_token(a_token(now - timedelta(days=3), "person", ADA))
    store.add_token(a_token(now, "young", JOB))
    assert [each.id for each in store.tokens()] == ["young", "person"]


def test_revoked_token_says_since_when_and_ends_its_sessions(store: AccessStore) -> None:
    now = store.now()
    store.add_token(a_token(now))
    store.add_session(a_session(now, "s1", "one"))
    store.add_session(a_session(now, "s2", "two"))
    assert store.revoke_token("one")
    found = store.token("one")
    assert found
    assert found.revoked
    assert abs(found.revoked - store.now()) < HOUR
    assert store.session("s1") is None
    assert store.session("s2")
    assert not store.revoke_token("one")
    assert not store.revoke_token("unknown")


def test_session_is_read_back_as_it_was(store: AccessStore) -> None:
    session = a_session(store.now(), "s1", "one")
    store.add_session(session)
    assert store.session("s1") == session
    assert store.session("s2") is None


def test_used_session_remembers_the_moment(store: AccessStore) -> None:
    now = store.now()
    store.add_session(a_session(now))
    store.touch_session("s1", now + timedelta(minutes=5))
    found = store.session("s1")
    assert found
    assert found.seen == now + timedelta(minutes=5)
    store.touch_session("s2", now)
    assert store.session("s2") is None


def test_ended_session_is_gone(store: AccessStore) -> None:
    store.add_session(a_session(store.now()))
    store.end_session("s1")
    store.end_session("s1")
    assert store.session("s1") is None


def test_all_sessions_of_a_name_end(store: AccessStore) -> None:
    for number in range(3):
        store.add_session(a_session(store.now(), f"s{number}"))
    store.add_session(a_session(store.now(), "other", principal=PROGRAM))
    assert store.end_sessions_of("ada") == 3
    assert store.end_sessions_of("ada") == 0
    assert store.session("other")


def test_value_is_added_once_and_taken_once(store: AccessStore) -> None:
    assert store.add_once("link", "a", "text", HOUR)
    assert not store.add_once("link", "a", "other", HOUR)
    assert store.add_once("jti", "a", "of another kind", HOUR)
    assert store.take_once("link", "a") == "text"
    assert store.take_once("link", "a") is None
    assert store.take_once("jti", "a") == "of another kind"
    assert store.add_once("link", "a", "again", HOUR)


def test_expired_value_is_gone_and_its_key_free(store: AccessStore) -> None:
    assert store.add_once("link", "a", "text", -HOUR)
    assert store.take_once("link", "a") is None
    assert store.add_once("link", "a", "text", -HOUR)
    assert store.add_once("link", "a", "new", HOUR)
    assert store.take_once("link", "a") == "new"


def together(number: int, work: Callable[[], object]) -> list[object]:
    """What each of several threads that begin at the same moment returns."""
    gate, results = threading.Barrier(number), list[object]()

    def one() -> None:
        gate.wait(30)
        results.append(work())

    threads = [threading.Thread(target=one) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == number
    return results


@pytest.fixture(params=["sqlite", "postgres"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[AccessStore]]:
    """The stores of several processes over one database."""
    with database(request.param, tmp_path) as opened:
        made = [opened() for _ in range(4)]
        yield made
        for each in made:
            each.close()


def test_of_several_processes_one_adds_and_one_takes(stores: list[AccessStore]) -> None:
    rest = iter(stores)
    added = together(4, lambda: next(rest).add_once("jti", "a", "text", HOUR))
    assert sorted(map(bool, added)) == [False, False, False, True]
    rest = iter(stores)
    taken = together(4, lambda: next(rest).take_once("jti", "a"))
    assert sorted(map(str, taken)) == ["None", "None", "None", "text"]


def test_failures_of_several_processes_are_all_counted(stores: list[AccessStore]) -> None:
    rest = iter(stores)
    together(4, lambda: next(rest).count_failure("a", HOUR))
    assert {each.failures("a")[0] for each in stores} == {4}


def test_failures_are_counted_until_their_time_is_over(store: AccessStore) -> None:
    assert store.failures("a") == (0, timedelta())
    for _ in range(3):
        store.count_failure("a", HOUR)
    failed, left = store.failures("a")
    assert failed == 3
    assert timedelta() < left <= HOUR
    assert store.failures("b") == (0, timedelta())
    store.count_failure("b", -HOUR)
    assert store.failures("b") == (0, timedelta())
    store.count_failure("b", HOUR)
    assert store.failures("b")[0] == 1


def an_entry(who: str = "ada", act: str = "start", service: str = "shop", detail: str = "") -> AuditEntry:
    return AuditEntry(who, act, Outcome.DONE, "192.0.2.1", service, "r-1", detail)


def test_audit_entry_gets_a_number_and_the_store_s_time(store: AccessStore) -> None:
    before = store.now()
    first, second = store.record(an_entry(detail="été")), store.record(an_entry("kim"))
    assert 0 < first.number < second.number
    assert first.at
    assert before <= first.at <= store.now()
    assert store.audit(AuditQuery(), None, 10) == [second, first]


def test_audit_log_is_read_page_by_page(store: AccessStore) -> None:
    numbers = [store.record(an_entry(detail=str(each))).number for each in range(5)]
    first = store.audit(AuditQuery(), None, 2)
    second = store.audit(AuditQuery(), first[-1].number, 2)
    third = store.audit(AuditQuery(), second[-1].number, 2)
    assert [each.number for each in (*first, *second, *third)] == numbers[::-1]
    assert not store.audit(AuditQuery(), third[-1].number, 2)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AuditQuery(), "abcd"),
        (AuditQuery(who="ada"), "ac"),
        (AuditQuery(act="abort"), "b"),
        (AuditQuery(services=frozenset({"shop"})), "ab"),
        (AuditQuery(services=frozenset({"shop", ""})), "abd"),
        (AuditQuery(services=frozenset()), ""),
        (AuditQuery(rollout="r-2"), ""),
        (AuditQuery(text="ABORT"), "b"),
        (AuditQuery(text="100%"), "c"),
        (AuditQuery(text="%"), "c"),
        (AuditQuery(text="_"), "d"),
        (AuditQuery(text="É"), "d"),
        (AuditQuery(text="' OR 1=1 --"), ""),
        (AuditQuery(who="ada", text="mail"), "c"),
    ],
    ids=str,
)
def test_audit_log_is_searched(store: AccessStore, query: AuditQuery, found: str) -> None:
    names = {
        store.record(entry).number: name
        for name, entry in {
            "a": an_entry(),
            "b": an_entry("kim", "abort"),
            "c": an_entry(service="mail", detail="100% done"),
            "d": an_entry("bob", "sign_in", "", "É x_y"),
        }.items()
    }
    assert "".join(sorted(names[each.number] for each in store.audit(query, None, 10))) == found


def test_audit_log_is_searched_by_time(store: AccessStore) -> None:
    entry = store.record(an_entry())
    assert entry.at
    assert store.audit(AuditQuery(since=entry.at, until=entry.at + HOUR), None, 10) == [entry]
    assert not store.audit(AuditQuery(since=entry.at + HOUR), None, 10)
    assert not store.audit(AuditQuery(until=entry.at), None, 10)


@pytest.mark.parametrize("statement", ["UPDATE {} SET who = 'kim'", "DELETE FROM {}", "TRUNCATE {}"])
def test_audit_log_in_postgresql_cannot_be_changed(statement: str) -> None:
    with fresh_journal() as url, closing(access_store(url, {})) as store, psycopg.connect(url) as connection:
        entry = store.record(an_entry())
        with pytest.raises(psycopg.errors.RaiseException, match="the audit log is append-only"):
            connection.execute(statement.format("katakei.access_audit"))
        assert store.audit(AuditQuery(), None, 10) == [entry]


def test_store_of_a_journal_in_a_file_lies_beside_it(tmp_path: Path) -> None:
    with closing(access_store(str(tmp_path / "shop.db"), {})) as store:
        store.record(an_entry())
    assert [path.name for path in tmp_path.glob("*.db")] == ["shop-access.db"]


def test_store_of_a_journal_in_s3_lies_in_the_user_s_folder(tmp_path: Path) -> None:
    with closing(access_store("s3://bucket/prefix", {"XDG_STATE_HOME": str(tmp_path)})) as store:
        store.record(an_entry())
    assert (tmp_path / "katakei" / "access.db").exists()
