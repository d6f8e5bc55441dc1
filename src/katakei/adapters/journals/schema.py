"""The tables of a journal, the same for every database; nothing is asked or written here.

Needs SQLAlchemy (a quarter of a second to import), so only the writing side imports it; readers have `reading`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)

from katakei.adapters.journals.reading import VERSION

FIRST = "1"  # its leases had no `beaten`

metadata = MetaData()

marks = Table("katakei", metadata, Column("name", Text, primary_key=True), Column("value", Text, nullable=False))

rollouts = Table(
    "rollouts",
    metadata,
    Column("rollout", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("group_arns", Text, nullable=False),  # a JSON list, in the plan's order
    Column("begun", Text, nullable=False),
    Column("finished", Text),
    Column("who", Text, nullable=False),
    Index("rollouts_by_service", "service", "begun"),
    Index("rollouts_by_time", "begun"),
)

rollout_groups = Table(
    "rollout_groups",
    metadata,
    Column("group_arn", Text, primary_key=True),
    Column("rollout", Text, ForeignKey("rollouts.rollout"), primary_key=True),
)

events = Table(
    "events",
    metadata,
    Column("rollout", Text, ForeignKey("rollouts.rollout"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("event", Text, nullable=False),  # JSON, see codec
)

# A row stays when its lease is given back: the epoch must never be used twice.
leases = Table(
    "leases",
    metadata,
    Column("group_arn", Text, primary_key=True),
    Column("held", Boolean, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("rollout", Text, nullable=False),
    Column("since", Text, nullable=False),
    Column("user_name", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("boot", Text, nullable=False),
    Column("machine", Text, nullable=False),
    Column("pids", Text, nullable=False),
    Column("beaten", Text),  # when it was last confirmed, by the database's own clock
)


def create(connection: Connection) -> None:
    """All tables and the version, inside the caller's transaction; what an older version wrote is kept as it is."""
    metadata.create_all(connection)
    version = connection.scalar(select(marks.c.value).where(marks.c.name == "schema"))
    if version is None:
        connection.execute(insert(marks).values(name="schema", value=str(VERSION)))
    elif version == FIRST:
        connection.exec_driver_sql("ALTER TABLE leases ADD COLUMN beaten TEXT")
        connection.execute(update(marks).where(marks.c.name == "schema").values(value=str(VERSION)))
