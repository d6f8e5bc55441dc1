"""The rows of freezes in the SQL journal. Every function runs inside a transaction of the caller."""

from datetime import datetime

from sqlalchemy import Connection, insert, select, update

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.freeze_queries import check_end
from katakei.adapters.journals.lease_rows import store_time
from katakei.adapters.journals.sql_writer import freezes_table as table
from katakei.adapters.journals.timestamps import moment, sortable
from katakei.domain.freezes import Freeze, still_active


def freeze(connection: Connection, name: str, who: str, why: str, until: datetime | None) -> Freeze:
    """As `Freezes.freeze`."""
    made = Freeze(name, who, why, store_time(connection), until)
    check_end(made)
    end = sortable(until) if until else None
    values = {"who": who, "why": why, "since": sortable(made.since), "until": end, "lifted": None, "lifted_by": None}
    if not connection.execute(update(table).where(table.c.name == name).values(**values)).rowcount:
        connection.execute(insert(table).values(name=name, **values))
    return made


def unfreeze(connection: Connection, name: str, who: str) -> Freeze | None:
    """As `Freezes.unfreeze`."""
    now = store_time(connection)
    row = connection.execute(
        select(table).where(table.c.name == name, table.c.lifted.is_(None)).with_for_update()
    ).one_or_none()
    if row is None:
        return None
    with readable("the journal's list of freezes"):
        found = Freeze(row.name, row.who, row.why, moment(row.since), moment(row.until) if row.until else None)
    connection.execute(update(table).where(table.c.name == name).values(lifted=sortable(now), lifted_by=who))
    return found if still_active([found], now) else None
