"""Version 3: tokens, sessions and the audit log of a server. The audit log takes new rows only."""

from alembic import op

revision = "0003"
down_revision = "0002"

TABLES = (
    """CREATE TABLE access_tokens (
        id text PRIMARY KEY,
        hashed text NOT NULL,
        principal text NOT NULL,
        kind text NOT NULL,
        label text NOT NULL,
        created text NOT NULL,
        created_by text NOT NULL,
        expires text NOT NULL,
        revoked text
    )""",
    """CREATE TABLE access_sessions (
        hashed text PRIMARY KEY,
        name text NOT NULL,
        principal text NOT NULL,
        token text NOT NULL,
        begun text NOT NULL,
        seen text NOT NULL,
        expires text NOT NULL
    )""",
    "CREATE INDEX access_sessions_by_name ON access_sessions (name)",
    "CREATE INDEX access_sessions_by_token ON access_sessions (token)",
    """CREATE TABLE access_once (
        kind text,
        key text,
        text text NOT NULL,
        expires text NOT NULL,
        PRIMARY KEY (kind, key)
    )""",
    """CREATE TABLE access_failures (
        key text PRIMARY KEY,
        failed integer NOT NULL,
        ends text NOT NULL
    )""",
    """CREATE TABLE access_audit (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at text NOT NULL,
        who text NOT NULL,
        act text NOT NULL,
        outcome text NOT NULL,
        address text NOT NULL,
        service text NOT NULL,
        rollout text NOT NULL,
        detail text NOT NULL
    )""",
    "CREATE INDEX access_audit_by_service ON access_audit (service, number)",
    """CREATE FUNCTION access_audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$""",
    """CREATE TRIGGER access_audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON access_audit
        FOR EACH STATEMENT EXECUTE FUNCTION access_audit_is_append_only()""",
)


def upgrade() -> None:
    """Creates the tables."""
    for statement in TABLES:
        op.execute(statement)
