"""Version 5: what each rollout waits for, as the process that drives it said."""

from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Creates the table. A row is replaced by each report, and removed when the rollout has ended."""
    op.execute(
        """CREATE TABLE waits (
            rollout text PRIMARY KEY,
            number integer NOT NULL,
            report text NOT NULL,
            published timestamptz NOT NULL
        )"""
    )
