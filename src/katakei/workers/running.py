"""One worker as a program: its parts put together, and its end."""

import os
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from katakei.app.fleet import Fleet
from katakei.app.metrics import Metrics
from katakei.app.observability import observing
from katakei.app.wait_publisher import publishing
from katakei.bootstrap import open_process
from katakei.domain.errors import UsageError
from katakei.workers.status_server import StatusServer
from katakei.workers.worker import Worker
from katakei.workers.worker_sessions import SessionSource

POSTGRES = ("postgresql://", "postgres://")


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """How a worker is started.

    Attributes:
        journal: The PostgreSQL database, with the password.
        services: The folder of service files; None: no services.
        profile: Named profile of the AWS configuration of the worker itself.
        region: The region of that.
        concurrency: How many turns run at once.
        allow_local: The services whose work may run as the user of this worker.
        base_url: The address of the console, for links in messages; '': messages have none.
        metrics: Where the figures can be read, as `address:port`; '': nowhere.
    """

    journal: str
    services: Path | None = None
    profile: str | None = None
    region: str | None = None
    concurrency: int = 8
    allow_local: tuple[str, ...] = ()
    base_url: str = ""
    metrics: str = ""


def run_worker(
    settings: WorkerSettings, tell: Callable[[str], None], on_stop: Callable[[Callable[[], None]], None]
) -> None:
    """Drives rollouts until `stop` is called. The leases are given back then.

    Args:
        settings: How.
        tell: Shows a sentence to the person who started it.
        on_stop: Registers what ends the worker, for signals.

    Raises:
        UsageError: The journal is not in PostgreSQL, or the address of the figures cannot be used.
        UnreachableError: The database has no tables yet, or those of another version.
    """
    if not settings.journal.startswith(POSTGRES):
        raise UsageError(
            "workers share a journal in PostgreSQL: give --journal postgresql://user@host/database;"
            " with another journal, katakei serve drives the rollouts itself"
        )
    with open_process(profile=settings.profile, region=settings.region, journal=settings.journal) as process:
        process.journal_schema.check()
        fleet = Fleet(process, settings.services, allow_local=settings.allow_local)
        name = f"{process.owner.host[:40]}.{process.owner.pid}.{secrets.token_hex(4)}"
        source = SessionSource(process.journal, process.leases, process.clock, fleet.session_drivers)
        worker = Worker(settings.journal, source, name=name, concurrency=settings.concurrency)
        on_stop(worker.stop)
        tell(f"this worker drives the rollouts of {process.journal_schema}, {settings.concurrency} turns at once")
        with (
            fleet.watching(),
            observing(process, fleet, settings.base_url) as watched,
            publishing(process.wait_reports, process.clock) as published,
            _answering(settings.metrics, worker, watched.metrics, tell),
        ):
            worker.sessions.host.listen(watched.turn)
            worker.sessions.host.listen(published)
            worker.run()
    tell("the worker has ended; its rollouts go on in another one")
    if any(thread.name.startswith("katakei-turn") and thread.is_alive() for thread in threading.enumerate()):
        os._exit(0)  # a turn that hangs must not hold the end of the process up: its lease runs out


@contextmanager
def _answering(place: str, worker: Worker, metrics: Metrics, tell: Callable[[str], None]) -> Iterator[None]:
    """Lets machines read the figures and the health of the worker; without a place nobody can."""
    if not place:
        yield
        return
    metrics.add_gauge("katakei_turns_due", "Rollouts whose next turn is due.", worker.turns_due)
    metrics.add_gauge("katakei_jobs", "Jobs of all workers that wait or run; NaN without an answer.", worker.jobs)
    with StatusServer(place, metrics.render, lambda: not worker.deaf()) as server:
        tell(f"figures on http://{server.place}/metrics")
        yield
