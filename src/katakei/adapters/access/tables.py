"""The tables of access, and how values are written into them. SQLite and PostgreSQL have the same ones.

Moments are text in UTC of one width, so that they sort as text in both databases.
"""

import json
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, MetaData, Row, Table, Text

from katakei.adapters.journals.timestamps import moment
from katakei.domain.audit import AuditEntry, Outcome
from katakei.domain.ports.access import StoredSession, StoredToken
from katakei.domain.principals import Act, Principal, PrincipalKind, Role

metadata = MetaData()

tokens_table = Table(
    "access_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("hashed", Text, nullable=False),
    Column("principal", Text, nullable=False),  # JSON
    Column("kind", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Column("revoked", Text),
)

sessions_table = Table(
    "access_sessions",
    metadata,
    Column("hashed", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("principal", Text, nullable=False),  # JSON
    Column("token", Text, nullable=False),
    Column("begun", Text, nullable=False),
    Column("seen", Text, nullable=False),
    Column("expires", Text, nullable=False),
    Index("access_sessions_by_name", "name"),
    Index("access_sessions_by_token", "token"),
)

once_table = Table(
    "access_once",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("text", Text, nullable=False),
    Column("expires", Text, nullable=False),
)

failures_table = Table(
    "access_failures",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failed", Integer, nullable=False),
    Column("ends", Text, nullable=False),
)

audit_table = Table(
    "access_audit",
    metadata,
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("at", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("service", Text, nullable=False),
    Column("rollout", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Index("access_audit_by_service", "service", "number"),
    sqlite_autoincrement=True,  # a number is never used twice
)


def principal_text(principal: Principal) -> str:
    """A principal as JSON."""
    return json.dumps(
        {
            "name": principal.name,
            "kind": principal.kind.value,
            "roles": {service: role.value for service, role in sorted(principal.roles.items())},
            "acts": None if principal.acts is None else sorted(act.value for act in principal.acts),
            "services": None if principal.services is None else sorted(principal.services),
            "issued_by": principal.issued_by,
        },
        ensure_ascii=False,
    )


def principal_of(text: str) -> Principal:
    """The principal that `principal_text` wrote. A newer version's acts and roles give nothing here."""
    kept: dict[str, Any] = json.loads(text)
    acts, services = kept["acts"], kept["services"]
    return Principal(
        kept["name"],
        PrincipalKind(kept["kind"]),
        {service: Role(role) for service, role in kept["roles"].items() if role in set(Role)},
        None if acts is None else frozenset(Act(act) for act in acts if act in set(Act)),
        None if services is None else frozenset(services),
        kept["issued_by"],
    )


def token_of(row: Row[Any]) -> StoredToken:
    """A row of the tokens."""
    return StoredToken(
        row.id,
        row.hashed,
        principal_of(row.principal),
        row.label,
        moment(row.created),
        row.created_by,
        moment(row.expires),
        moment(row.revoked) if row.revoked else None,
    )


def session_of(row: Row[Any]) -> StoredSession:
    """A row of the sessions."""
    times = moment(row.begun), moment(row.seen), moment(row.expires)
    return StoredSession(row.hashed, principal_of(row.principal), row.token, *times)


def entry_of(row: Row[Any]) -> AuditEntry:
    """A row of the audit log."""
    return AuditEntry(
        row.who,
        row.act,
        Outcome(row.outcome),
        row.address,
        row.service,
        row.rollout,
        row.detail,
        moment(row.at),
        row.number,
    )
