"""Version 1: rollouts, their events, and the leases of target groups."""

from alembic import op

revision = "0001"
down_revision = None

TABLES = (
    # The number has the name that SQLite gives to its own, so that one query sorts in both: in the order of recording.
    """CREATE TABLE rollouts (
        rowid bigint GENERATED ALWAYS AS IDENTITY,
        rollout text PRIMARY KEY,
        service text NOT NULL,
        group_arns text NOT NULL,
        begun text NOT NULL,
        finished text,
        who text NOT NULL
    )""",
    "CREATE UNIQUE INDEX rollouts_by_number ON rollouts (rowid)",
    "CREATE INDEX rollouts_by_service ON rollouts (service, begun)",
    "CREATE INDEX rollouts_by_time ON rollouts (begun)",
    "CREATE INDEX rollouts_unfinished ON rollouts (rowid) WHERE finished IS NULL",
    """CREATE TABLE rollout_groups (
        group_arn text,
        rollout text REFERENCES rollouts (rollout),
        PRIMARY KEY (group_arn, rollout)
    )""",
    """CREATE TABLE events (
        rollout text REFERENCES rollouts (rollout),
        number bigint,
        event text NOT NULL,
        PRIMARY KEY (rollout, number)
    )""",
    # A row stays when its lease is released: an epoch must never be used twice. It is updated every 5 s: the room in
    # its page keeps the table small.
    """CREATE TABLE leases (
        group_arn text PRIMARY KEY,
        held boolean NOT NULL,
        epoch bigint NOT NULL,
        beat bigint NOT NULL,
        rollout text NOT NULL,
        since text NOT NULL,
        user_name text NOT NULL,
        host text NOT NULL,
        pid integer NOT NULL,
        started bigint NOT NULL,
        boot text NOT NULL,
        machine text NOT NULL,
        pids text NOT NULL,
        beaten text
    ) WITH (fillfactor = 50)""",
)


def upgrade() -> None:
    """Creates the tables."""
    for statement in TABLES:
        op.execute(statement)
