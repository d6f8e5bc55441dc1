"""The questions about freezes, for commands and turns that only read. Nothing is written or waited for.

This module must not import SQLAlchemy, for the same reason as `rollout_headers`.
"""

from datetime import datetime

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.rollout_headers import Query
from katakei.adapters.journals.timestamps import moment, told_time
from katakei.domain.errors import UsageError
from katakei.domain.freezes import Freeze, still_active

TABLE = "freezes"
# The join gives the store's time also where nothing is frozen.
FREEZES_QUERY = (
    "SELECT CURRENT_TIMESTAMP, name, who, why, since, until"
    " FROM (SELECT 1 AS one) AS always LEFT JOIN freezes ON lifted IS NULL"
)


def find_freezes(query: Query) -> tuple[datetime, tuple[Freeze, ...]] | None:
    """As `Freezes.read`, of a database that has the table; None where there is no database."""
    rows = query(FREEZES_QUERY, {})
    if not rows:
        return None
    now = told_time(rows[0][0])
    with readable("the journal's list of freezes"):
        return now, still_active([_freeze(*row[1:]) for row in rows if row[1] is not None], now)


def check_end(made: Freeze) -> None:
    """Raises UsageError: the freeze would have ended before it began."""
    if made.until is not None and made.until <= made.since:
        raise UsageError(
            f"a freeze until {made.until.isoformat()} has ended already: by the journal's clock it is"
            f" {made.since.isoformat()}. Give a later moment"
        )


def _freeze(name: str, who: str, why: str, since: str, until: str | None) -> Freeze:
    return Freeze(name, who, why, moment(since), moment(until) if until else None)
