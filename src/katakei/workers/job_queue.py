"""The jobs of rollouts in the task queue: the next turn, a person's command, and the search for a new owner.

Each rollout has a `lock`, so that its jobs run one after the other. There is no `queueing_lock`: a job that is retried
while its twin waits would fail. What each job does:

* `turn` is in the own queue of the worker that has the session. Its number tells whether it is the newest.
* `wake` is in the same queue, after a person's command. It makes the pending turn due now and schedules none.
* `adopt` is in the queue that all workers share. The worker that gets it takes the lease, if no owner is alive.

Times are those of the database: `scheduled_at` of a client would be wrong by the difference of the clocks.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg

from katakei.domain.leases import Heartbeat
from katakei.domain.model import RolloutId
from katakei.workers.database import Database

COMMON_QUEUE = "katakei"
TURN, WAKE, ADOPT = "katakei.turn", "katakei.wake", "katakei.adopt"
PRIORITIES = {TURN: -10, WAKE: 0, ADOPT: 10}
"""A deferred job blocks one of the same lock and the same or a lower priority, so turns have the lowest."""

INSERT = """SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(%(queue)s, %(task)s, %(priority)s, %(lock)s, NULL,
    %(args)s::jsonb, now() + %(delay)s::interval)]::procrastinate_job_to_defer_v1[])"""
ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended('katakei ' || %(lock)s, 0))"
"""Only one process at a time looks for a pending job and adds one."""
PENDING = """SELECT id FROM procrastinate_jobs
    WHERE lock = %(lock)s AND task_name = %(task)s AND status = 'todo' LIMIT 1"""
RENEW_OFFER = """UPDATE procrastinate_jobs SET args = %(args)s::jsonb
    WHERE lock = %(lock)s AND task_name = 'katakei.adopt' AND status = 'todo'"""
CURRENT = """SELECT queue_name, status::text, args FROM procrastinate_jobs WHERE lock = %(lock)s
    AND task_name = 'katakei.turn' AND status IN ('todo', 'doing') ORDER BY id DESC"""
HASTEN = """UPDATE procrastinate_jobs SET scheduled_at = NULL
    WHERE lock = %(lock)s AND task_name = 'katakei.turn' AND status = 'todo' RETURNING queue_name"""
NOTIFY = """SELECT pg_notify('procrastinate_queue_v1#' || %(queue)s, '{"type": "job_inserted", "job_id": 0}')"""
DROP_EARLIER = """DELETE FROM procrastinate_jobs WHERE lock = %(lock)s AND task_name <> 'katakei.adopt'
    AND status IN ('todo', 'doing') AND (args->>'epoch')::bigint = ANY(%(epochs)s)"""
DROP_STALLED = """DELETE FROM procrastinate_jobs AS job WHERE lock = %(lock)s AND status = 'doing' AND NOT EXISTS (
    SELECT FROM procrastinate_workers AS worker WHERE worker.id = job.worker_id
    AND worker.last_heartbeat > now() - %(stall)s::interval)"""
DROP_OLDER = """DELETE FROM procrastinate_jobs WHERE lock = %(lock)s AND task_name <> 'katakei.adopt'
    AND status IN ('todo', 'doing') AND (args->>'epoch')::bigint < %(epoch)s"""
DROP_PENDING_TURNS = """DELETE FROM procrastinate_jobs WHERE lock = %(lock)s AND task_name = 'katakei.turn'
    AND status::text = ANY(%(statuses)s) AND (args->>'epoch')::bigint = %(epoch)s"""
WAITS = """SELECT id FROM procrastinate_jobs WHERE lock = %(lock)s AND task_name = 'katakei.turn' AND status = 'todo'
    AND (args->>'epoch')::bigint = %(epoch)s AND (args->>'number')::bigint = %(number)s"""
DROP_QUEUE = "DELETE FROM procrastinate_jobs WHERE queue_name = %(queue)s AND status = 'todo'"
COUNTS = (
    "SELECT task_name, status::text, count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') GROUP BY 1, 2"
)

STALL_MARK = timedelta(seconds=15)
"""A worker without a heartbeat of the engine for this long does not run its jobs any more."""


@dataclass(frozen=True, slots=True)
class TurnJob:
    """The next turn of a session.

    Attributes:
        rollout: The rollout.
        epoch: The epoch of the session's lease, which no other session has.
        number: Counts the turns of the session. Only the newest job takes a turn.
    """

    rollout: RolloutId
    epoch: int
    number: int


@dataclass(frozen=True, slots=True)
class _NewJob:
    """A job to be added. Its lock is the rollout of its arguments."""

    queue: str
    task: str
    args: Mapping[str, object]
    delay: timedelta | None = None


class JobQueue:
    """Adds and removes jobs, each time in one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def schedule(self, queue: str, job: TurnJob, delay: timedelta) -> None:
        """Schedules the next turn of a session, in place of one that is pending.

        Args:
            queue: The own queue of the worker that has the session.
            job: The turn.
            delay: When it is due.
        """
        with self._database.transaction() as connection:
            _schedule(connection, queue, job, delay, ["todo"])

    def restore(self, queue: str, job: TurnJob) -> bool:
        """Schedules an overdue turn anew if its job is lost. It is due now.

        Args:
            queue: The own queue of the worker that has the session.
            job: The turn that takes the place of the one before it, which does not run in this process.

        Returns:
            Whether it was lost. A job that only waits for its turn stays as it is.
        """
        with self._database.transaction() as connection:
            before = {"lock": job.rollout, "epoch": job.epoch, "number": job.number - 1}
            if connection.execute(WAITS, before).fetchone():
                return False
            _schedule(connection, queue, job, timedelta(), ["todo", "doing"])
            return True

    def wake(self, rollout: RolloutId) -> bool:
        """Makes the next turn of a rollout due now, because a person's command was written.

        A turn that runs at this moment may have read the journal before: then one job waits for its end. However many
        commands are written, one job is pending.

        Returns:
            Whether a worker has the rollout.
        """
        with self._database.transaction() as connection:
            connection.execute(ONE_AT_A_TIME, {"lock": rollout})
            turns = connection.execute(CURRENT, {"lock": rollout}).fetchall()
            if not turns:
                return False
            if any(status == "doing" for _, status, _ in turns):
                queue, _, args = turns[0]
                epoch = {"rollout": rollout, "epoch": args["epoch"]}
                if not connection.execute(PENDING, {"lock": rollout, "task": WAKE}).fetchone():
                    _insert(connection, _NewJob(queue, WAKE, epoch))
            else:
                _hasten(connection, rollout)
            return True

    def hasten(self, rollout: RolloutId) -> None:
        """Makes the pending turn of a rollout due now. Adds no job."""
        with self._database.transaction() as connection:
            _hasten(connection, rollout)

    def adopt(self, rollout: RolloutId, silent: Iterable[Heartbeat] = ()) -> None:
        """Offers a rollout without a living owner to all workers, unless it is offered already.

        Args:
            rollout: The rollout.
            silent: Heartbeats of its last owner that were watched long enough without a change. The jobs of that owner
                are removed: its lease is over, so they must not hold the lock of the rollout.
        """
        beats = [[beat.group, beat.epoch, beat.number] for beat in silent]
        with self._database.transaction() as connection:
            connection.execute(ONE_AT_A_TIME, {"lock": rollout})
            connection.execute(DROP_EARLIER, {"lock": rollout, "epochs": [epoch for _, epoch, _ in beats]})
            connection.execute(DROP_STALLED, {"lock": rollout, "stall": STALL_MARK})
            args = {"rollout": rollout, "silent": beats}
            if not connection.execute(PENDING, {"lock": rollout, "task": ADOPT}).fetchone():
                _insert(connection, _NewJob(COMMON_QUEUE, ADOPT, args))
            elif beats:  # an earlier offer may have been made without them, and would be refused
                connection.execute(RENEW_OFFER, {"lock": rollout, "args": json.dumps(args)})

    def adopted(self, rollout: RolloutId, epoch: int) -> None:
        """Removes the jobs of earlier owners of a rollout."""
        with self._database.transaction() as connection:
            connection.execute(DROP_OLDER, {"lock": rollout, "epoch": epoch})

    def leave(self, queue: str) -> None:
        """Removes the pending jobs of a worker that ends."""
        with self._database.transaction() as connection:
            connection.execute(DROP_QUEUE, {"queue": queue})

    def counts(self) -> Mapping[tuple[str, str], int]:
        """How many jobs of each task wait (`todo`) or run (`doing`)."""
        with self._database.transaction() as connection:
            return {(task, status): number for task, status, number in connection.execute(COUNTS).fetchall()}


def _schedule(
    connection: psycopg.Connection[Any], queue: str, job: TurnJob, delay: timedelta, instead: list[str]
) -> None:
    mine = {"lock": job.rollout, "epoch": job.epoch, "statuses": instead}
    connection.execute(DROP_PENDING_TURNS, mine)
    args = {"rollout": job.rollout, "epoch": job.epoch, "number": job.number}
    _insert(connection, _NewJob(queue, TURN, args, delay))


def _insert(connection: psycopg.Connection[Any], job: _NewJob) -> None:
    values = {"queue": job.queue, "task": job.task, "priority": PRIORITIES[job.task], "delay": job.delay}
    connection.execute(INSERT, {**values, "lock": job.args["rollout"], "args": json.dumps(job.args)})


def _hasten(connection: psycopg.Connection[Any], rollout: RolloutId) -> None:
    for (queue,) in connection.execute(HASTEN, {"lock": rollout}).fetchall():
        connection.execute(NOTIFY, {"queue": queue})
