"""One worker as a process of its own, over the shared environment: `python -m tests.workers.worker_process …`."""

import logging
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.workers.environment import NoChecks, SharedBalancer, SharedExecutor, reached

from katakei.adapters.journals.sql_journal import SqlFreezes, SqlJournal, SqlLeases
from katakei.adapters.journals.sql_store import wait_reports
from katakei.adapters.system.clock import SystemClock
from katakei.adapters.system.process import current_owner
from katakei.app.wait_publisher import publishing
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.plan import Plan
from katakei.domain.ports import Freezes, GroupReader, Journal, Leases, Router
from katakei.domain.spec import Command, Spec
from katakei.runtime.drivers import Site
from katakei.workers.worker import Worker
from katakei.workers.worker_sessions import SessionSource

SITE = Site("123456789012", "ap-northeast-1", lab=False)


@dataclass
class ProcessDrivers:
    """The drivers of one session (`katakei.runtime.drivers.Drivers`)."""

    journal: Journal
    leases: Leases
    freezes: Freezes
    balancer: SharedBalancer
    only_executor: SharedExecutor
    owner: Owner
    health_checker: Any = field(default_factory=NoChecks)
    clock: SystemClock = field(default_factory=SystemClock)
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4, "katakei"))
    site: Site = SITE

    @property
    def router(self) -> Router:
        raise NotImplementedError

    @property
    def lister(self) -> GroupReader:
        raise NotImplementedError

    def probe(self, spec: Spec) -> None:
        del spec

    def executor(self, command: Command) -> SharedExecutor:
        del command
        return self.only_executor

    def name(self) -> RolloutId:
        raise NotImplementedError

    def tell(self, sentence: str) -> None:
        logging.getLogger("katakei.tests").info(sentence)

    def close(self) -> None:
        self.pool.shutdown(wait=False)


class Facts(logging.Formatter):
    """One line for each entry, with its facts."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{super().format(record)} {getattr(record, 'facts', '')}"


def main(url: str, host: str, port: str, key: str, name: str) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(Facts("%(asctime)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    journal, leases, freezes = SqlJournal(url), SqlLeases(url), SqlFreezes(url)
    environment, owner = reached(host, int(port), key), current_owner()

    def drivers_of(plan: Plan) -> ProcessDrivers:
        clock = SystemClock()
        balancer = SharedBalancer(environment, plan, clock, owner.pid)
        executor = SharedExecutor(environment, owner.pid)
        return ProcessDrivers(journal, leases, freezes, balancer, executor, owner, clock=clock)

    worker = Worker(url, SessionSource(journal, leases, SystemClock(), drivers_of), name=name, concurrency=8)
    signal.signal(signal.SIGTERM, lambda *_: worker.stop())
    with publishing(wait_reports(url), SystemClock()) as published:
        worker.sessions.host.listen(published)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        worker.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
