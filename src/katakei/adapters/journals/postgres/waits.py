"""The wait reports in PostgreSQL: one row for each rollout that a process drives, beside the journal."""

import json
from collections.abc import Collection, Mapping
from datetime import timedelta

from katakei.adapters.journals.damage import readable
from katakei.adapters.journals.event_codec import coder
from katakei.adapters.journals.locations import PostgresLocation
from katakei.adapters.journals.postgres.connections import time_limit
from katakei.adapters.journals.postgres.database import PostgresDatabase
from katakei.adapters.journals.timestamps import iso, moment
from katakei.domain.model import RolloutId, TargetId
from katakei.domain.ports import WaitReport
from katakei.domain.reasons import Reason

ANSWER_LIMIT = timedelta(seconds=4)
"""A report that takes longer is late anyway: the next one comes soon."""

# The number decides, so that an owner that was replaced and woke up does not hide what its successor says.
PUBLISH = """INSERT INTO waits (rollout, number, report, published)
    VALUES (%(rollout)s, %(number)s, %(report)s, clock_timestamp())
    ON CONFLICT (rollout) DO UPDATE SET number = excluded.number, report = excluded.report,
        published = excluded.published
    WHERE waits.number <= excluded.number"""
REMOVE = "DELETE FROM waits WHERE rollout = %(rollout)s"
READ = """SELECT rollout, number, report, extract(epoch FROM clock_timestamp() - published)::float8
    FROM waits WHERE rollout = ANY(:rollouts)"""


class PostgresWaits:
    """The port `WaitReports`, with a connection of its own: it delays no append and no heartbeat."""

    def __init__(self, location: PostgresLocation) -> None:
        """Connects when it is first asked."""
        self._database = PostgresDatabase(location, pool_size=1)

    def publish(self, reports: Mapping[RolloutId, WaitReport | None]) -> None:
        """As the port says. Rows are written in the order of their names, so that two processes never deadlock."""
        with time_limit(ANSWER_LIMIT), self._database.writing() as connection:
            for rollout, report in sorted(reports.items()):
                if report is None:
                    connection.exec_driver_sql(REMOVE, {"rollout": rollout})
                else:
                    row = {"rollout": rollout, "number": report.number, "report": _written(report)}
                    connection.exec_driver_sql(PUBLISH, row)

    def read(self, rollouts: Collection[RolloutId]) -> Mapping[RolloutId, WaitReport]:
        """As the port says."""
        if not rollouts:
            return {}
        with time_limit(ANSWER_LIMIT):
            rows = self._database.query(READ, {"rollouts": sorted(rollouts)})
        with readable("the reports of what rollouts wait for"):
            return {RolloutId(rollout): _read(number, text, age) for rollout, number, text, age in rows}

    def close(self) -> None:
        """Closes the connections."""
        self._database.close()


def _written(report: WaitReport) -> str:
    why = coder(Reason).write(report.why)
    return json.dumps({"why": why, "since": iso(report.since), "outputs": dict(report.outputs)})


def _read(number: int, text: str, age: float) -> WaitReport:
    seen = json.loads(text)
    outputs = {TargetId(target): str(output) for target, output in seen["outputs"].items()}
    why, since = coder(Reason).read(seen["why"]), moment(seen["since"])
    return WaitReport(number, why, since, outputs, timedelta(seconds=max(0.0, age)))
