"""The jobs in a real PostgreSQL: how many are pending, in which queue, and what a new owner removes."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.properties.builders import seconds
from tests.workers.team import fresh_journal

from katakei.domain.errors import UnreachableError
from katakei.domain.leases import Heartbeat
from katakei.domain.model import Arn, RolloutId
from katakei.workers.database import Database
from katakei.workers.job_queue import ADOPT, COMMON_QUEUE, TURN, WAKE, JobQueue, TurnJob

ID, MINE, OTHERS = RolloutId("r-one"), "katakei.mine", "katakei.others"
NOW = timedelta()
ROWS = "SELECT queue_name, task_name, status::text, priority, args FROM procrastinate_jobs ORDER BY id"


class Jobs:
    """The queue, and the rows in its table."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.database = Database(url)
        self.queue = JobQueue(self.database)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, options="-c search_path=katakei") as connection:
            asked = connection.execute(query, values)
            return asked.fetchall() if asked.description else []

    @property
    def pending(self) -> list[tuple[str, str]]:
        return [(queue, task) for queue, task, status, *_ in self.ask(ROWS) if status == "todo"]

    def fetch(self, *queues: str, worker: int | None = None) -> str | None:
        """Fetches as the engine does; the job runs from now on."""
        number = self.worker() if worker is None else worker
        [(task,)] = self.ask("SELECT task_name FROM procrastinate_fetch_job_v2(%s, %s)", list(queues), number)
        return str(task) if task else None

    def worker(self, silent: float = 0) -> int:
        insert = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - %s) RETURNING id"
        return int(self.ask(insert, seconds(silent))[0][0])


@pytest.fixture
def jobs() -> Iterator[Jobs]:
    with fresh_journal() as url:
        made = Jobs(url)
        yield made
        made.database.close()


def turn(number: int, epoch: int = 3) -> TurnJob:
    return TurnJob(ID, epoch, number)


def test_100_words_leave_one_pending_job(jobs: Jobs) -> None:
    jobs.queue.schedule(MINE, turn(1), seconds(15))
    assert jobs.fetch(MINE) is None
    assert all(jobs.queue.wake(ID) for _ in range(100))
    assert jobs.pending == [(MINE, TURN)]
    assert jobs.fetch(MINE) == TURN  # due now


def test_100_words_during_a_turn_leave_one_pending_job(jobs: Jobs) -> None:
    """The turn may have read the journal before. The job waits for its end, and then for nobody."""
    jobs.queue.schedule(MINE, turn(1), NOW)
    jobs.fetch(MINE)
    assert all(jobs.queue.wake(ID) for _ in range(100))
    assert jobs.pending == [(MINE, WAKE)]
    assert jobs.fetch(MINE) is None  # the turn holds the lock
    jobs.queue.schedule(MINE, turn(2), seconds(15))
    jobs.ask("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
    assert jobs.fetch(MINE) == WAKE  # a deferred turn of a lower priority does not block it
    jobs.queue.hasten(ID)
    jobs.ask("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
    assert (jobs.pending, jobs.fetch(MINE)) == ([(MINE, TURN)], TURN)


def test_a_deferred_turn_does_not_block_a_word(jobs: Jobs) -> None:
    """The word comes after the turn has scheduled the next one, and before its own job has ended."""
    jobs.queue.schedule(MINE, turn(1), NOW)
    jobs.fetch(MINE)
    jobs.queue.schedule(MINE, turn(2), seconds(15))
    jobs.queue.wake(ID)
    jobs.ask("DELETE FROM procrastinate_jobs WHERE status = 'doing'")
    assert jobs.fetch(MINE) == WAKE


def test_wake_without_a_worker_adds_no_job(jobs: Jobs) -> None:
    assert not jobs.queue.wake(ID)
    assert jobs.pending == []


def test_schedule_takes_the_place_of_a_pending_turn(jobs: Jobs) -> None:
    jobs.queue.schedule(MINE, turn(1), seconds(15))
    jobs.queue.schedule(MINE, turn(2), NOW)
    [(_, _, _, _, args)] = jobs.ask(ROWS)
    assert args == {"rollout": ID, "epoch": 3, "number": 2}
    assert jobs.fetch(OTHERS, COMMON_QUEUE) is None  # it is in the queue of its worker


def test_adopt_is_offered_once_to_all(jobs: Jobs) -> None:
    for _ in range(3):
        jobs.queue.adopt(ID)
    assert jobs.pending == [(COMMON_QUEUE, ADOPT)]
    assert jobs.fetch(OTHERS, COMMON_QUEUE) == ADOPT


def test_adopt_gives_a_pending_offer_the_silent_heartbeats(jobs: Jobs) -> None:
    """Without them the offer would be refused, and the next one comes with the next sweep."""
    jobs.queue.adopt(ID)
    jobs.queue.adopt(ID, {Heartbeat(Arn("arn:web"), 3, 9)})
    jobs.queue.adopt(ID)
    [(_, _, _, _, args)] = jobs.ask(ROWS)
    assert args == {"rollout": ID, "silent": [["arn:web", 3, 9]]}


def test_adopt_removes_the_jobs_of_a_silent_owner(jobs: Jobs) -> None:
    """The job of a process that stands still would hold the lock of the rollout for ever."""
    jobs.queue.schedule(OTHERS, turn(7), NOW)
    jobs.fetch(OTHERS)
    jobs.queue.wake(ID)
    jobs.queue.adopt(ID)
    assert jobs.fetch(MINE, COMMON_QUEUE) is None
    jobs.queue.adopt(ID, {Heartbeat(Arn("arn:web"), 3, 9)})
    assert jobs.pending == [(COMMON_QUEUE, ADOPT)]
    assert jobs.fetch(MINE, COMMON_QUEUE) == ADOPT


def test_adopt_leaves_the_jobs_of_a_later_owner(jobs: Jobs) -> None:
    jobs.queue.schedule(OTHERS, turn(1, epoch=4), NOW)
    jobs.queue.adopt(ID, {Heartbeat(Arn("arn:web"), 3, 9)})
    assert (OTHERS, TURN) in jobs.pending


def test_adopt_removes_a_job_of_a_stalled_worker(jobs: Jobs) -> None:
    jobs.queue.schedule(OTHERS, turn(7), NOW)
    jobs.fetch(OTHERS, worker=jobs.worker(silent=16))
    jobs.queue.adopt(ID)
    assert jobs.fetch(MINE, COMMON_QUEUE) == ADOPT


def test_adopted_removes_the_jobs_of_earlier_owners(jobs: Jobs) -> None:
    jobs.queue.schedule(OTHERS, turn(7), NOW)
    jobs.queue.schedule(MINE, turn(1, epoch=4), NOW)
    jobs.queue.adopted(ID, 4)
    assert jobs.pending == [(MINE, TURN)]


def test_restore_replaces_a_lost_job_only(jobs: Jobs) -> None:
    jobs.queue.schedule(MINE, turn(1), NOW)
    assert not jobs.queue.restore(MINE, turn(2))
    jobs.fetch(MINE)  # the engine believes that it runs
    assert jobs.queue.restore(MINE, turn(2))
    assert [row[:3] for row in jobs.ask(ROWS)] == [(MINE, TURN, "todo")]


def test_leave_removes_the_jobs_of_one_worker(jobs: Jobs) -> None:
    jobs.queue.schedule(MINE, turn(1), NOW)
    jobs.queue.adopt(ID)
    jobs.queue.leave(MINE)
    assert jobs.pending == [(COMMON_QUEUE, ADOPT)]
    assert jobs.queue.counts() == {(ADOPT, "todo"): 1}


def test_a_database_without_the_queue_says_what_to_do() -> None:
    with fresh_journal() as url:
        database = Database(url)
        with psycopg.connect(url) as connection:
            connection.execute("DROP SCHEMA katakei CASCADE")
        with pytest.raises(UnreachableError, match="run katakei db upgrade"):
            JobQueue(database).wake(ID)
        database.close()
