"""The worker process: Procrastinate's engine, the sweep and the watchdog around the sessions of one worker.

The engine ends when one of its side tasks fails, after a restart of PostgreSQL for example. It is then started again in
the same process, so that the sessions go on. A worker whose engine fetches no job for too long ends its process: its
connection may be half open, and its supervisor (systemd, a container platform) starts another.
"""

import asyncio
import logging
import math
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import procrastinate
from procrastinate.jobs import DeleteJobCondition, Job
from procrastinate.manager import JobManager, NotificationCallback
from procrastinate.worker import Worker as Engine
from psycopg_pool import AsyncConnectionPool

from katakei.app.dispatch import CLOSE_WITHIN
from katakei.domain.errors import KatakeiError
from katakei.domain.leases import Heartbeat
from katakei.domain.model import Arn, RolloutId
from katakei.domain.ports import Clock
from katakei.workers.database import CONNECTION, ENGINE_POOL_SIZE, Database, configure_async
from katakei.workers.job_queue import ADOPT, COMMON_QUEUE, STALL_MARK, TURN, WAKE, JobQueue, TurnJob
from katakei.workers.worker_sessions import SessionSource, WorkerSessions

log = logging.getLogger(__name__)

POLL_INTERVAL = timedelta(seconds=1)
"""How often jobs are fetched beside notifications, which are lost after a restart of the database."""
NUDGE_DELAY = timedelta(seconds=0.05)
ENGINE_HEARTBEAT = timedelta(seconds=5)
RESTART_PAUSE = timedelta(seconds=1)
DEAF_LIMIT = timedelta(seconds=30)
"""A worker whose engine could fetch no job for this long ends its process. Each start of the engine counts anew."""
DEAF_CODE = 70
"""The exit code of a process that its own watchdog ended (EX_SOFTWARE of sysexits.h)."""

END_LIMIT = timedelta(seconds=25)
"""A worker that was told to end and still runs after this long is ended by its watchdog, before its supervisor does."""

Exit = Callable[[int], object]


class FetchWatch(JobManager):
    """The job manager of the engine, which notes when it fetched last."""

    def __init__(self, connector: Any, clock: Clock) -> None:
        super().__init__(connector)
        self._clock = clock
        self._notify: NotificationCallback | None = None
        self.fetched = clock.now()

    async def fetch_job(self, queues: Any, worker_id: int) -> Job | None:
        """As the engine's, and notes a success, also where there was no job."""
        job = await super().fetch_job(queues, worker_id)
        self.fetched = self._clock.now()
        return job

    async def listen_for_jobs(self, *, on_notification: NotificationCallback, queues: Any = None) -> None:
        """As the engine's; `nudge` uses the same way."""
        self._notify = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def nudge(self) -> None:
        """Has jobs fetched now."""
        if self._notify is not None:
            await self._notify(channel="", notification={"type": "job_inserted", "job_id": 0})


class Worker:
    """One worker process.

    Args:
        url: The PostgreSQL database of the journal, with the password.
        source: Where rollouts and their drivers come from.
        name: Names the worker's own queue; no other process has it.
        concurrency: How many turns run at once.
        leave: Ends the process at once, with a code; the watchdog calls it.
    """

    def __init__(self, url: str, source: SessionSource, *, name: str, concurrency: int, leave: Exit = os._exit) -> None:
        self._url = url
        self._clock = source.clock
        self._concurrency = concurrency
        self._leave = leave
        self._database = Database(url)
        self._pool = ThreadPoolExecutor(concurrency, "katakei-turn")
        self._jobs = JobQueue(self._database)
        self.sessions = WorkerSessions(source, self._jobs, f"{COMMON_QUEUE}.{name}", self._pool, nudge=self._nudge)
        self._stopped: datetime | None = None
        self._over, self._ended = threading.Event(), threading.Event()
        self._heard = source.clock.now()
        self._manager: FetchWatch | None = None
        self._engine: Engine | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Ends the worker after the turns in progress. May be called from a signal handler or another thread."""
        self._stopped = self._stopped or self._clock.now()
        self._over.set()
        engine, loop = self._engine, self._loop
        if engine is not None and loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(engine.stop)

    def run(self) -> None:
        """Runs until `stop`, then gives every lease back. Writes no `Interrupted`."""
        threads = [
            threading.Thread(target=target, name=f"katakei-{name}", daemon=True)
            for target, name in ((self._sweep_on, "sweep"), (self._watch_on, "watchdog"))
        ]
        for thread in threads:
            thread.start()
        while not self._over.is_set():
            try:
                asyncio.run(self._run_engine())
            except Exception as error:  # noqa: BLE001 - the database is down, for example: tried again
                log.warning("engine ended", extra={"facts": {"error": f"{type(error).__name__}: {error}"}})
            self._over.wait(RESTART_PAUSE.total_seconds())
        late = self._clock.now() - (self._stopped or self._clock.now())
        offered = self.sessions.close(max(CLOSE_WITHIN - late, timedelta(seconds=1)))
        log.info("worker ended", extra={"facts": {"offered": len(offered)}})
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._database.close()
        self._ended.set()

    async def _run_engine(self) -> None:
        connector = procrastinate.PsycopgConnector(
            conninfo=self._url,
            min_size=1,
            max_size=ENGINE_POOL_SIZE,
            timeout=5.0,
            kwargs=CONNECTION,
            configure=configure_async,
            pool_factory=AsyncConnectionPool,
        )
        app = procrastinate.App(connector=connector)
        app.job_manager = self._manager = FetchWatch(connector, self._clock)
        self._add_tasks(app)
        async with app.open_async():
            engine = Engine(
                app,
                queues=[COMMON_QUEUE, self.sessions.queue],
                name=self.sessions.queue,
                concurrency=self._concurrency,
                fetch_job_polling_interval=POLL_INTERVAL.total_seconds(),
                shutdown_graceful_timeout=CLOSE_WITHIN.total_seconds(),
                delete_jobs=DeleteJobCondition.ALWAYS,
                install_signal_handlers=False,
                update_heartbeat_interval=ENGINE_HEARTBEAT.total_seconds(),
                stalled_worker_timeout=STALL_MARK.total_seconds(),
            )
            self._engine, self._loop = engine, asyncio.get_running_loop()
            if not self._over.is_set():
                log.info("engine started", extra={"facts": {"queue": self.sessions.queue}})
                await engine.run()  # type: ignore[no-untyped-call]  # the library has no type here

    def _nudge(self, delay: timedelta) -> None:
        """A turn is due after this time. The job before it ends a moment after it scheduled that turn."""
        loop, manager = self._loop, self._manager
        if loop is None or manager is None or loop.is_closed():
            return

        def later() -> None:
            loop.call_later(max(delay, NUDGE_DELAY).total_seconds(), lambda: loop.create_task(manager.nudge()))

        with suppress(RuntimeError):  # the loop was closed meanwhile: the poll finds the job
            loop.call_soon_threadsafe(later)

    def _add_tasks(self, app: procrastinate.App) -> None:
        sessions = self.sessions

        async def here(work: Callable[[], None]) -> None:
            await asyncio.get_running_loop().run_in_executor(self._pool, work)

        @app.task(name=TURN)
        async def turn(rollout: str, epoch: int, number: int) -> None:
            await here(lambda: sessions.turn(TurnJob(RolloutId(rollout), epoch, number)))

        @app.task(name=WAKE)
        async def wake(rollout: str, epoch: int) -> None:
            del epoch
            await here(lambda: sessions.wake(RolloutId(rollout)))

        @app.task(name=ADOPT)
        async def adopt(rollout: str, silent: list[tuple[str, int, int]]) -> None:
            beats = frozenset(Heartbeat(Arn(group), epoch, number) for group, epoch, number in silent)
            await here(lambda: sessions.adopt(RolloutId(rollout), beats))

    def _sweep_on(self) -> None:
        while not self._over.is_set():
            try:
                self.sessions.sweep()
            except Exception as error:  # noqa: BLE001 - the store is asked again after a pause
                log.warning("sweep failed", extra={"facts": {"error": str(error)}})
            self._over.wait(self.sessions.due_in().total_seconds())

    def turns_due(self) -> float:
        """How many rollouts of this worker have a turn that is due."""
        now = self._clock.now()
        return float(sum(1 for each in self.sessions.host.hosted() if each.due <= now))

    def jobs(self) -> float:
        """How many jobs all workers have in the queue; NaN: the database does not answer."""
        try:
            return float(sum(self._jobs.counts().values()))
        except KatakeiError:
            return math.nan

    def _watch_on(self) -> None:
        while not self._over.wait(1):
            if self.deaf():
                facts = {"seconds": DEAF_LIMIT.total_seconds()}
                log.critical("worker fetches no jobs any more: its process ends", extra={"facts": facts})
                self._leave(DEAF_CODE)
        if not self._ended.wait(END_LIMIT.total_seconds()):
            log.critical("worker did not end in time")
            self._leave(DEAF_CODE)

    def deaf(self) -> bool:
        """Whether no job could be fetched for too long. While every thread takes a turn, none is fetched."""
        if self._manager is not None:
            self._heard = max(self._heard, self._manager.fetched)
        if sum(each.running for each in self.sessions.host.hosted()) >= self._concurrency:
            self._heard = self._clock.now()
        return self._clock.now() - self._heard > DEAF_LIMIT
