"""Version 2: the freezes of target groups and services."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Creates the table. A row stays when its freeze was lifted, and says by whom."""
    op.execute(
        """CREATE TABLE freezes (
            name text PRIMARY KEY,
            who text NOT NULL,
            why text NOT NULL,
            since text NOT NULL,
            until text,
            lifted text,
            lifted_by text
        )"""
    )
