"""Version 4: the tables and functions of the task queue, Procrastinate 3.10, which the workers use.

The library writes its schema out itself. A later version of it brings statements of its own
(`procrastinate/sql/migrations`): they become one more file here, with the new version in `pyproject.toml`.
"""

from importlib import resources

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Creates everything in the schema of the journal. The text holds many statements, so it takes no parameters."""
    schema = (resources.files("procrastinate.sql") / "schema.sql").read_text(encoding="utf-8")
    if session := op.get_bind().connection.driver_connection:
        session.execute(schema)
