"""The real drivers: which adapter answers to which name. Nothing else knows an adapter by name.

Each adapter is imported and made when it is first needed, because start-up time is a promise.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING

from katakei.adapters.system.clock import SessionClock, SystemClock, draw
from katakei.domain.aws_place import AwsPlace
from katakei.domain.errors import UsageError
from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import (
    Balancer,
    Executor,
    Freezes,
    GroupReader,
    HealthChecker,
    Journal,
    Leases,
    Probe,
    Router,
    WaitReports,
)
from katakei.domain.ports.notifier import Notifier
from katakei.domain.ports.telemetry import AwsCall, CallObserver
from katakei.domain.spec import Command, Spec
from katakei.runtime.drivers import Site

if TYPE_CHECKING:
    from katakei.adapters.aws import AwsSession
    from katakei.adapters.balancers.alb import AlbBalancer
    from katakei.adapters.journals.postgres.maintenance import JournalSchema
    from katakei.adapters.journals.s3 import Bucket
    from katakei.adapters.remote.transfer import ServerWire
    from katakei.adapters.system.awake import SleepInhibitor
    from katakei.adapters.telemetry.open_telemetry import Traces
    from katakei.adapters.work_drivers import WorkDrivers
    from katakei.domain.ports.access import AccessDrivers, LoginProvider

THREADS = 16


class Process:
    """What a process has once, however many AWS accounts and regions it works in. Thread-safe.

    The journal, the leases and the freezes are in one store, because they hold for all rollouts of all services.
    """

    def __init__(self, home: AwsPlace, journal: str | None) -> None:
        """Makes nothing yet.

        Args:
            home: Where a journal in S3 is reached.
            journal: A file, s3://bucket/prefix, or postgresql://user@host/database; None: a file in the user's state
                folder.
        """
        self.home = home
        self.clock = SystemClock()
        self._journal_url = journal
        self._lock = RLock()
        self._sessions: dict[AwsPlace, AwsSession] = {}
        self._observers: tuple[CallObserver, ...] = ()
        self._more_freezes: Callable[[Freezes], Freezes] = _unchanged
        self._open = ExitStack()

    def aws(self, place: AwsPlace) -> "AwsSession":
        """One session per place, for the load balancer, the executor and the journal: credentials are found once."""
        from katakei.adapters.aws import AssumedRole, AwsSession

        with self._lock:
            if place not in self._sessions:
                role = AssumedRole(place.role_arn, place.external_id) if place.role_arn else None
                self._sessions[place] = AwsSession(
                    place.region, place.profile, self.clock, role=role, observe=self._observe
                )
            return self._sessions[place]

    def watch_calls(self, observer: CallObserver) -> None:
        """Gives an observer every call to AWS from now on, in the thread of the call."""
        self._observers = (*self._observers, observer)

    def _observe(self, call: AwsCall) -> None:
        for observer in self._observers:
            observer(call)

    @property
    def journal(self) -> Journal:
        """The journal: one SQLite file, a place in S3, or a database of PostgreSQL."""
        with self._lock:
            return self._journal

    @cached_property
    def _journal(self) -> Journal:
        if self._bucket:
            from katakei.adapters.journals.s3 import S3Journal

            return S3Journal(self._bucket)
        from katakei.adapters.journals.sql_journal import SqlJournal

        return self._open.enter_context(closing(SqlJournal(self._url)))

    @property
    def leases(self) -> Leases:
        """The leases, in the store of the journal."""
        with self._lock:
            return self._leases

    @cached_property
    def _leases(self) -> Leases:
        if self._bucket:
            from katakei.adapters.journals.s3 import S3Leases

            return S3Leases(self._bucket)
        from katakei.adapters.journals.sql_journal import SqlLeases

        return self._open.enter_context(closing(SqlLeases(self._url)))

    @property
    def freezes(self) -> Freezes:
        """The freezes, in the store of the journal, with those that `add_freezes` added."""
        with self._lock:
            return self._freezes

    @cached_property
    def _freezes(self) -> Freezes:
        return self._more_freezes(self._stored_freezes())

    def _stored_freezes(self) -> Freezes:
        if self._bucket:
            from katakei.adapters.journals.s3 import S3Freezes

            return S3Freezes(self._bucket)
        from katakei.adapters.journals.sql_journal import SqlFreezes

        return self._open.enter_context(closing(SqlFreezes(self._url)))

    def add_freezes(self, more: Callable[[Freezes], Freezes]) -> None:
        """Freezes that are kept elsewhere: `more` gets the freezes of the store. Called before anything is driven."""
        with self._lock:
            self._more_freezes = more
            self.__dict__.pop("_freezes", None)

    @cached_property
    def wait_reports(self) -> WaitReports | None:
        """What the workers of a team say their rollouts wait for; None where the journal is not in PostgreSQL."""
        from katakei.adapters.journals.sql_store import wait_reports

        reports = wait_reports(self._url)
        return self._open.enter_context(closing(reports)) if reports else None

    @property
    def journal_schema(self) -> "JournalSchema":
        """The schema of the journal in PostgreSQL. Raises UsageError: the journal is elsewhere."""
        from katakei.adapters.journals.sql_store import journal_schema

        return journal_schema(self._url)

    @cached_property
    def _bucket(self) -> "Bucket | None":
        from katakei.adapters.journals.locations import s3_location_of

        place = s3_location_of(self._url, os.environ.get("KATAKEI_JOURNAL_OWNER", ""))
        if place is None:
            return None
        from katakei.adapters.journals.s3 import Bucket

        # A clock of its own: its pauses must not end when the turn's clock is woken.
        return Bucket(place, self.aws(self.home), SystemClock())

    @cached_property
    def _url(self) -> str:
        from katakei.adapters.journals.locations import default_url

        return self._journal_url or default_url(os.environ)

    def open_traces(self, version: str) -> "Traces | None":
        """Sends a span of every call to AWS from now on; None: the environment names no endpoint. Raises UsageError."""
        from katakei.adapters.telemetry import open_telemetry

        if not open_telemetry.wanted(os.environ):
            return None
        traces = self._open.enter_context(closing(open_telemetry.Traces(version)))
        self.watch_calls(traces.call)
        return traces

    @cached_property
    def notifier(self) -> Notifier:
        """Sends messages to people."""
        from katakei.adapters.notifiers.apprise_notifier import AppriseNotifier

        return AppriseNotifier(os.environ)

    @property
    def access(self) -> "AccessDrivers":
        """What a server needs to know its users. The store lies beside the journal."""
        with self._lock:
            return self._access

    @cached_property
    def _access(self) -> "AccessDrivers":
        from katakei.adapters.access.secrets import Argon2Hasher
        from katakei.adapters.access.sql_store import access_store
        from katakei.domain.ports.access import AccessDrivers

        store = self._open.enter_context(closing(access_store(self._url, os.environ)))
        return AccessDrivers(store, Argon2Hasher(), draw)

    def server_access(self, base_url: str, file: Path | None) -> "AccessDrivers":
        """The same, with the tokens of CI jobs, and the OpenID Connect provider of an access file.

        Args:
            base_url: The address of the server, which is the audience of CI tokens.
            file: The access file; None: people sign in by token.

        Raises:
            UsageError: The file has faults, or its secret is not in the environment.
        """
        from katakei.adapters.oidc.ci_tokens import CiTokens

        login = _login_provider(file) if file else None
        return replace(self.access, ci=CiTokens(base_url.rstrip("/")), login=login)

    @property
    def owner(self) -> Owner:
        """The identity of this process."""
        with self._lock:
            return self._owner

    @cached_property
    def _owner(self) -> Owner:
        from katakei.adapters.system.process import current_owner

        return current_owner()

    def drivers(self, place: AwsPlace) -> "Bootstrap":
        """Drivers of one place that share the clock of this process: for questions, and for a person's commands."""
        return Bootstrap(self, place, self.clock, _silent)

    def session_drivers(self, place: AwsPlace) -> "Bootstrap":
        """Drivers of one place with threads and a clock of their own, so that one session wakes and delays no other."""
        return Bootstrap(self, place, SessionClock(self.clock), _silent)

    def close(self) -> None:
        """Closes the journal."""
        self._open.close()


class Bootstrap:
    """One of each driver, for one command, or for one session of a server (`katakei.runtime.drivers.Drivers`)."""

    def __init__(
        self, process: Process, place: AwsPlace, clock: "SystemClock | SessionClock", tell: Callable[[str], None]
    ) -> None:
        """Makes nothing yet. Use `open_drivers` or `Process`.

        Args:
            process: Has the journal and the AWS sessions.
            place: The AWS account and region.
            clock: The clock that the turns of a session sleep on.
            tell: Shows a sentence to the user at once.
        """
        self.clock = clock
        self.tell = tell
        self._process = process
        self._place = place

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Sixteen threads: enough for the questions and calls of a turn, too few to exceed a rate limit of AWS."""
        return ThreadPoolExecutor(THREADS, "katakei")

    @cached_property
    def balancer(self) -> Balancer:
        """AWS Application Load Balancers."""
        return self._alb

    @cached_property
    def router(self) -> Router:
        """The listeners and rules of the same load balancers."""
        from katakei.adapters.balancers.routes import AlbRouter

        return AlbRouter(self._aws, self.clock)

    @property
    def lister(self) -> GroupReader:
        """The same, for commands that only read."""
        return self._alb

    @property
    def _aws(self) -> "AwsSession":
        return self._process.aws(self._place)

    @cached_property
    def _alb(self) -> "AlbBalancer":
        from katakei.adapters.balancers.alb import AlbBalancer

        return AlbBalancer(self._aws, self.clock, self.tell)

    @cached_property
    def site(self) -> Site:
        """Account and region of the load balancer."""
        return Site(self._alb.account, self._alb.region, self._alb.lab)

    @property
    def aws_clock_offset(self) -> timedelta | None:
        """How far the clock of AWS is ahead of this machine's; None: AWS was not asked, or said no time."""
        return self._aws.clock_offset

    @cached_property
    def health_checker(self) -> HealthChecker:
        """HTTP requests from this machine."""
        from katakei.adapters.health_checks.http import HttpChecker

        return HttpChecker(self.clock)

    @property
    def journal(self) -> Journal:
        """The journal of the process."""
        return self._process.journal

    @property
    def leases(self) -> Leases:
        """The leases of the process."""
        return self._process.leases

    @property
    def freezes(self) -> Freezes:
        """The freezes of the process."""
        return self._process.freezes

    @property
    def wait_reports(self) -> WaitReports | None:
        """As `Process.wait_reports`."""
        return self._process.wait_reports

    @property
    def journal_schema(self) -> "JournalSchema":
        """As `Process.journal_schema`."""
        return self._process.journal_schema

    @property
    def owner(self) -> Owner:
        """The identity of this process."""
        return self._process.owner

    @cached_property
    def _work(self) -> "WorkDrivers":
        from katakei.adapters.work_drivers import WorkDrivers

        return WorkDrivers(lambda: self._aws, self.clock, self._process.owner)

    def executor(self, command: Command) -> Executor:
        """The executor with this name in the configuration and these secrets; one object for both."""
        return self._work.executor(command)

    def probe(self, spec: Spec) -> Probe | None:
        """The drain probe, which runs on the targets by the executor that carries it."""
        return self._work.probe(spec)

    @property
    def notifier(self) -> Notifier:
        """Sends messages to people."""
        return self._process.notifier

    @property
    def access(self) -> "AccessDrivers":
        """What a server needs to know its users, of the process."""
        return self._process.access

    def server_access(self, base_url: str, file: Path | None) -> "AccessDrivers":
        """What a server needs to know its users and CI jobs, of the process (`Process.server_access`)."""
        return self._process.server_access(base_url, file)

    def name(self) -> RolloutId:
        """The id of a new rollout."""
        return RolloutId(f"r-{draw(8)}")

    @cached_property
    def sleep_inhibitor(self) -> "SleepInhibitor":
        """Keeps a Mac awake."""
        from katakei.adapters.system.awake import SleepInhibitor

        return SleepInhibitor()

    def close(self) -> None:
        """Ends the threads and the connections; does not wait for a call that hangs."""
        if "pool" in self.__dict__:
            self.pool.shutdown(wait=False, cancel_futures=True)
        if "_work" in self.__dict__:
            self._work.close()


@contextmanager
def open_process(
    *, profile: str | None = None, region: str | None = None, journal: str | None = None
) -> Iterator[Process]:
    """The drivers of a server or a worker, which works in several AWS accounts and regions.

    Args:
        profile: Named profile with which a journal in S3 is reached; None: as the aws command finds it.
        region: The region of that; None: as the aws command finds it.
        journal: A file or s3://bucket/prefix; None: a file in the user's state folder.
    """
    process = Process(AwsPlace(profile or None, region=region or None), journal)
    try:
        yield process
    finally:
        process.close()


@contextmanager
def open_drivers(
    *,
    profile: str | None = None,
    region: str | None = None,
    journal: str | None = None,
    tell: Callable[[str], None] = lambda _sentence: None,
) -> Iterator[Bootstrap]:
    """The real drivers, closed at the end of the block.

    Args:
        profile: Named profile of the AWS configuration; None: as the aws command finds it.
        region: AWS region; None: as the aws command finds it.
        journal: A file or s3://bucket/prefix; None: a file in the user's state folder.
        tell: Shows a sentence to the user at once, while a lease is waited for, for example.
    """
    with open_process(profile=profile, region=region, journal=journal) as process:
        drivers = Bootstrap(process, process.home, process.clock, tell)
        try:
            yield drivers
        finally:
            drivers.close()


def _unchanged(freezes: Freezes) -> Freezes:
    return freezes


def _silent(_sentence: str) -> None:
    """Nobody watches a session of a server: what it waits for is in its turns."""


def load_config(path: str | Path) -> Spec:
    """The configuration in a file. Raises UsageError: it cannot be read, or has faults; all of them are listed."""
    from katakei import config

    return config.load(Path(path), config.Overrides())


def journal_bucket(journal: str | None) -> tuple[str, str, str] | None:
    """Bucket, prefix and owner of a journal in S3 ('' for any owner); None: it is elsewhere. Raises UsageError."""
    from katakei.adapters.journals.locations import s3_location_of

    place = s3_location_of(journal or "", os.environ.get("KATAKEI_JOURNAL_OWNER", ""))
    return (place.bucket, place.prefix, place.owner) if place else None


def server_wire() -> "ServerWire":
    """The form in which a server sends values to remote commands."""
    from katakei.adapters.remote.transfer import ServerWire

    return ServerWire()


def _login_provider(file: Path) -> "LoginProvider":
    """The provider of an access file. Raises UsageError: the file has faults, or its secret is not there."""
    from katakei.adapters.oidc.login import OidcLogin
    from katakei.config.access_file import load_login

    settings = load_login(file)
    secret = os.environ.get(settings.secret_variable, "") if settings.secret_variable else ""
    if settings.secret_variable and not secret:
        raise UsageError(f"{file}: the variable {settings.secret_variable} is not set: set it to the client secret")
    return OidcLogin(settings, secret)
