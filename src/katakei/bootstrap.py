"""Which driver answers to which name: the only room that knows them all, and imports each when it is first needed."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from functools import cached_property
from typing import TYPE_CHECKING

from katakei.adapters.system.clock import SystemClock, draw
from katakei.domain.errors import UsageError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import Balancer, Executor, GroupReader, HealthChecker, Journal, Leases, Probe, ProgramRunner
from katakei.domain.spec import Command, CounterSource, DrainUntil, Spec, Variable
from katakei.runtime.drivers import Site

if TYPE_CHECKING:
    from katakei.adapters.aws import AwsSession
    from katakei.adapters.balancers.alb import AlbBalancer
    from katakei.adapters.journals.s3 import Bucket

THREADS = 16


class Bootstrap:
    """One of everything, for one command. Closed at its end."""

    def __init__(
        self, profile: str | None, region: str | None, journal: str | None, tell: Callable[[str], None]
    ) -> None:
        self.tell = tell
        self._profile = profile
        self._region = region
        self._journal_url = journal
        self._made: dict[tuple[str, tuple[Variable, ...]], Executor] = {}
        self._open = ExitStack()

    @cached_property
    def clock(self) -> SystemClock:
        """The real clock."""
        return SystemClock()

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Sixteen threads: enough for the looks and acts of a turn, too few to exceed any bucket."""
        return ThreadPoolExecutor(THREADS, "katakei")

    @cached_property
    def balancer(self) -> Balancer:
        """AWS Application Load Balancers."""
        return self._alb

    @property
    def lister(self) -> GroupReader:
        """The same, for whoever only looks."""
        return self._alb

    @cached_property
    def _aws(self) -> "AwsSession":
        """One session for the load balancer, the executor and the journal: credentials are resolved once a command."""
        from katakei.adapters.aws import AwsSession

        return AwsSession(self._region, self._profile, self.clock)

    @cached_property
    def _alb(self) -> "AlbBalancer":
        from katakei.adapters.balancers.alb import AlbBalancer

        return AlbBalancer(self._aws, self.clock)

    @cached_property
    def site(self) -> Site:
        """Where the balancer is."""
        return Site(self._alb.account, self._alb.region, self._alb.lab)

    @cached_property
    def health_checker(self) -> HealthChecker:
        """HTTP, from this machine."""
        from katakei.adapters.health_checks.http import HttpChecker

        return HttpChecker(self.clock)

    @cached_property
    def journal(self) -> Journal:
        """One SQLite file, or a place in S3."""
        if self._bucket:
            from katakei.adapters.journals.s3 import S3Journal

            return S3Journal(self._bucket)
        from katakei.adapters.journals.sql_journal import SqlJournal

        return self._open.enter_context(closing(SqlJournal(self._url)))

    @cached_property
    def leases(self) -> Leases:
        """Beside the journal."""
        if self._bucket:
            from katakei.adapters.journals.s3 import S3Leases

            return S3Leases(self._bucket)
        from katakei.adapters.journals.sql_journal import SqlLeases

        return self._open.enter_context(closing(SqlLeases(self._url)))

    @cached_property
    def _bucket(self) -> "Bucket | None":
        from katakei.adapters.journals.locations import s3_location_of

        place = s3_location_of(self._url)
        if place is None:
            return None
        from katakei.adapters.journals.s3 import Bucket

        return Bucket(place, self._aws, SystemClock())  # its pauses are no rest of the loop

    @cached_property
    def owner(self) -> Owner:
        """This process."""
        from katakei.adapters.system.process import current_owner

        return current_owner()

    def executor(self, command: Command) -> Executor:
        """By its name in the configuration, and the secrets it is told."""
        secrets = tuple(variable for variable in command.env if variable.secret)
        if (command.executor, secrets) not in self._made:
            self._made[command.executor, secrets] = self._executor(command.executor, secrets)
        return self._made[command.executor, secrets]

    def _executor(self, name: str, secrets: tuple[Variable, ...]) -> Executor:
        if name == "ssm":
            from katakei.adapters.executors.ssm import SsmExecutor

            return SsmExecutor(self._aws, self.clock)
        if name == "manual":
            from katakei.adapters.executors.manual import ManualExecutor

            return ManualExecutor()
        if name == "local":
            from katakei.adapters.executors.local.driver import LocalExecutor
            from katakei.adapters.executors.local.state_folder import Here, folder_of
            from katakei.adapters.system.process import current_place

            machine = Here(self.owner.host, self.owner.boot, current_place().pids)
            return LocalExecutor(
                folder_of(os.environ), machine, lambda: SystemClock().now(), draw(12), os.environ, secrets
            )
        raise UsageError(f"there is no executor {name!r}; there are: ssm, local, manual")

    def probe(self, spec: Spec) -> Probe | None:
        """What the drain is watched by, sent to the targets by the executor that carries it."""
        if not spec.carrier:
            return None
        carrier, drain = self._carrier(spec.carrier), spec.drain
        if drain.until is DrainUntil.COUNTER:
            from katakei.adapters.probes.counter import Counter

            return Counter(carrier, self.clock, drain.counter or CounterSource(), drain.quiet)
        from katakei.adapters.probes.connections import Connections

        return Connections(carrier, self.clock, drain.until, drain.quiet)

    def _carrier(self, name: str) -> ProgramRunner:
        if name != "ssm":
            raise UsageError(f"{name!r} carries no witness to the targets; only ssm does: use until: delay")
        from katakei.adapters.executors.ssm import SsmProgramRunner

        return SsmProgramRunner(self._aws, self.clock)

    def name(self) -> RolloutId:
        """A new rollout's id."""
        return RolloutId(f"r-{draw(8)}")

    @cached_property
    def _url(self) -> str:
        from katakei.adapters.journals.locations import default_url

        return self._journal_url or default_url(os.environ)

    def close(self) -> None:
        """Lets the threads and the journal go; a hung call is not waited for."""
        if "pool" in self.__dict__:
            self.pool.shutdown(wait=False, cancel_futures=True)
        self._open.close()
