"""The store of access over SQLAlchemy. SQLite and PostgreSQL share every statement; `Database` is what differs."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, or_, select, text, update

from katakei.adapters.access.tables import (
    audit_table,
    entry_of,
    failures_table,
    once_table,
    principal_text,
    session_of,
    sessions_table,
    token_of,
    tokens_table,
)
from katakei.adapters.journals.locations import access_path, postgres_location_of
from katakei.adapters.journals.sql_store import require_driver
from katakei.adapters.journals.timestamps import moment, sortable
from katakei.domain.audit import AuditEntry, AuditQuery
from katakei.domain.ports.access import StoredSession, StoredToken
from katakei.domain.principals import PrincipalKind

CI_TOKENS_KEPT = timedelta(days=1)
ADD_ONCE = text(
    "INSERT INTO access_once (kind, key, text, expires) VALUES (:kind, :key, :text, :expires) ON CONFLICT DO NOTHING"
)
COUNT_FAILURE = text(
    "INSERT INTO access_failures (key, failed, ends) VALUES (:key, 1, :ends) ON CONFLICT (key) DO UPDATE SET"
    " failed = CASE WHEN access_failures.ends <= :now THEN 1 ELSE access_failures.failed + 1 END,"
    " ends = CASE WHEN access_failures.ends <= :now THEN :ends ELSE access_failures.ends END"
)


class Database(Protocol):
    """One database. Its context managers raise UnreachableError."""

    def reading(self) -> AbstractContextManager[Connection]:
        """A connection for one statement or several that need not agree."""
        ...

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction, committed as a whole or not at all."""
        ...

    def now(self, connection: Connection) -> datetime:
        """The database's clock."""
        ...

    def close(self) -> None:
        """Closes every connection."""
        ...


class SqlAccessStore:
    """Implements the port `AccessStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def now(self) -> datetime:
        """As the port says."""
        with self._database.reading() as connection:
            return self._database.now(connection)

    def add_token(self, token: StoredToken) -> None:
        """As the port says. Removes CI tokens that expired long ago."""
        with self._database.writing() as connection:
            old = sortable(self._database.now(connection) - CI_TOKENS_KEPT)
            gone = (tokens_table.c.kind == PrincipalKind.CI.value) & (tokens_table.c.expires < old)
            connection.execute(delete(tokens_table).where(gone))
            values = {
                "id": token.id,
                "hashed": token.hashed,
                "principal": principal_text(token.principal),
                "kind": token.principal.kind.value,
                "label": token.label,
                "created": sortable(token.created),
                "created_by": token.created_by,
                "expires": sortable(token.expires),
                "revoked": sortable(token.revoked) if token.revoked else None,
            }
            connection.execute(insert(tokens_table).values(values))

    def token(self, lookup: str) -> StoredToken | None:
        """As the port says."""
        with self._database.reading() as connection:
            row = connection.execute(select(tokens_table).where(tokens_table.c.id == lookup)).one_or_none()
        return token_of(row) if row else None

    def tokens(self) -> Sequence[StoredToken]:
        """As the port says."""
        with self._database.reading() as connection:
            old = sortable(self._database.now(connection) - CI_TOKENS_KEPT)
            kept = (tokens_table.c.kind != PrincipalKind.CI.value) | (tokens_table.c.expires >= old)
            order = tokens_table.c.created.desc(), tokens_table.c.id
            rows = connection.execute(select(tokens_table).where(kept).order_by(*order)).all()
        return [token_of(row) for row in rows]

    def revoke_token(self, lookup: str) -> bool:
        """As the port says."""
        with self._database.writing() as connection:
            now = sortable(self._database.now(connection))
            open_one = (tokens_table.c.id == lookup) & tokens_table.c.revoked.is_(None)
            revoked = connection.execute(update(tokens_table).where(open_one).values(revoked=now)).rowcount
            connection.execute(delete(sessions_table).where(sessions_table.c.token == lookup))
        return bool(revoked)

    def add_session(self, session: StoredSession) -> None:
        """As the port says. Removes sessions that have expired."""
        with self._database.writing() as connection:
            now = sortable(self._database.now(connection))
            connection.execute(delete(sessions_table).where(sessions_table.c.expires <= now))
            values = {
                "hashed": session.hashed,
                "name": session.principal.name,
                "principal": principal_text(session.principal),
                "token": session.token,
                "begun": sortable(session.begun),
                "seen": sortable(session.seen),
                "expires": sortable(session.expires),
            }
            connection.execute(insert(sessions_table).values(values))

    def session(self, hashed: str) -> StoredSession | None:
        """As the port says."""
        with self._database.reading() as connection:
            row = connection.execute(select(sessions_table).where(sessions_table.c.hashed == hashed)).one_or_none()
        return session_of(row) if row else None

    def touch_session(self, hashed: str, seen: datetime) -> None:
        """As the port says."""
        with self._database.writing() as connection:
            changed = update(sessions_table).where(sessions_table.c.hashed == hashed).values(seen=sortable(seen))
            connection.execute(changed)

    def end_session(self, hashed: str) -> None:
        """As the port says."""
        with self._database.writing() as connection:
            connection.execute(delete(sessions_table).where(sessions_table.c.hashed == hashed))

    def end_sessions_of(self, name: str) -> int:
        """As the port says."""
        with self._database.writing() as connection:
            return connection.execute(delete(sessions_table).where(sessions_table.c.name == name)).rowcount

    def add_once(self, kind: str, key: str, text: str, lasts: timedelta) -> bool:
        """As the port says."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            connection.execute(delete(once_table).where(once_table.c.expires <= sortable(now)))
            values = {"kind": kind, "key": key, "text": text, "expires": sortable(now + lasts)}
            return connection.execute(ADD_ONCE, values).rowcount == 1

    def take_once(self, kind: str, key: str) -> str | None:
        """As the port says."""
        with self._database.writing() as connection:
            now = sortable(self._database.now(connection))
            named = (once_table.c.kind == kind) & (once_table.c.key == key)
            taken = delete(once_table).where(named).returning(once_table.c.text, once_table.c.expires)
            row = connection.execute(taken).one_or_none()
        return row.text if row and row.expires > now else None

    def count_failure(self, key: str, within: timedelta) -> None:
        """As the port says."""
        with self._database.writing() as connection:
            now = self._database.now(connection)
            connection.execute(delete(failures_table).where(failures_table.c.ends <= sortable(now)))
            connection.execute(COUNT_FAILURE, {"key": key, "now": sortable(now), "ends": sortable(now + within)})

    def failures(self, key: str) -> tuple[int, timedelta]:
        """As the port says."""
        with self._database.reading() as connection:
            row = connection.execute(select(failures_table).where(failures_table.c.key == key)).one_or_none()
            left = moment(row.ends) - self._database.now(connection) if row else timedelta()
        return (row.failed, left) if row and left > timedelta() else (0, timedelta())

    def record(self, entry: AuditEntry) -> AuditEntry:
        """As the port says."""
        with self._database.writing() as connection:
            values = {
                "at": sortable(self._database.now(connection)),
                "who": entry.who,
                "act": entry.act,
                "outcome": entry.outcome.value,
                "address": entry.address,
                "service": entry.service,
                "rollout": entry.rollout,
                "detail": entry.detail,
            }
            return entry_of(connection.execute(insert(audit_table).values(values).returning(*audit_table.c)).one())

    def audit(self, query: AuditQuery, before: int | None, limit: int) -> Sequence[AuditEntry]:
        """As the port says."""
        with self._database.reading() as connection:
            rows = connection.execute(_audit_query(query, before).limit(limit)).all()
        return [entry_of(row) for row in rows]

    def close(self) -> None:
        """As the port says."""
        self._database.close()


def access_store(url: str, env: Mapping[str, str]) -> SqlAccessStore:
    """The store of a server with this journal: the same database of PostgreSQL, or a SQLite file. Opens nothing yet.

    Args:
        url: The journal.
        env: The environment of the process, which names the user's folder.

    Raises:
        UsageError: The URL is not valid, the driver is not installed, or this user has no folder.
    """
    location = postgres_location_of(url)
    if location is None:
        from katakei.adapters.access.sqlite_database import SqliteDatabase  # noqa: PLC0415 - only where it is used

        return SqlAccessStore(SqliteDatabase(access_path(url, env)))
    require_driver(location)
    from katakei.adapters.access.postgres_database import PostgresAccess  # noqa: PLC0415 - psycopg is an extra

    return SqlAccessStore(PostgresAccess(location))


def _audit_query(query: AuditQuery, before: int | None) -> Select[tuple[object, ...]]:
    columns = audit_table.c
    asked = select(audit_table).order_by(columns.number.desc())
    conditions: list[ColumnElement[bool]] = []
    if before is not None:
        conditions.append(columns.number < before)
    if query.services is not None:
        conditions.append(columns.service.in_(sorted(query.services)))
    if query.since:
        conditions.append(columns.at >= sortable(query.since))
    if query.until:
        conditions.append(columns.at < sortable(query.until))
    exact = {columns.who: query.who, columns.act: query.act, columns.rollout: query.rollout}
    conditions += [column == value for column, value in exact.items() if value]
    if query.text:
        conditions.append(_contains(query.text))
    return asked.where(*conditions)


def _contains(text: str) -> ColumnElement[bool]:
    """Some text of the entry contains this one; SQLite knows upper and lower case of ASCII letters only."""
    columns = audit_table.c
    small = "".join(letter.lower() if letter.isascii() else letter for letter in text)
    texts = (columns.who, columns.act, columns.address, columns.service, columns.rollout, columns.detail)
    return or_(
        *(column.contains(text, autoescape=True) for column in texts),
        *(func.lower(column).contains(small, autoescape=True) for column in texts),
    )
