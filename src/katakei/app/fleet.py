"""The fleet of a server: its services, the AWS accounts and regions they work in, and the drivers of each.

The folder of service files is read again when it has changed. A file that turns invalid stops new rollouts of its
service; rollouts that run go on by their recorded plan.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from katakei.app.policy_freezes import PolicyFreezes
from katakei.config.services import Fingerprint, fingerprint, read_services
from katakei.domain.access import ServicePolicy
from katakei.domain.aws_place import AwsPlace
from katakei.domain.errors import KatakeiError, RefusedError, UsageError
from katakei.domain.freezes import Freeze
from katakei.domain.notifications import NotifyRule
from katakei.domain.plan import Plan
from katakei.domain.ports import Clock, Freezes
from katakei.domain.services import Service
from katakei.runtime.drivers import Drivers

__all__ = ["AwsPlace", "DriverSource", "Fleet", "Service", "SessionDrivers"]

CHECK_INTERVAL = timedelta(seconds=2)
"""How often the folder is checked. A change is used when two checks in a row see it, so that no half file is read."""

OWN_RIGHTS = frozenset({"local", "ssh"})
"""Executors that have the rights of the server's user: its files, its SSH keys and agent."""

log = logging.getLogger(__name__)


class SessionDrivers(Drivers, Protocol):
    """Drivers of one session, with a clock and threads of their own."""

    def close(self) -> None:
        """Ends the threads; does not wait for a call that hangs."""
        ...


class DriverSource(Protocol):
    """Makes drivers. All of them share one journal, its leases and its freezes."""

    @property
    def home(self) -> AwsPlace:
        """The credentials and the region of the server itself."""
        ...

    @property
    def clock(self) -> Clock:
        """The time. Nothing wakes it."""
        ...

    def drivers(self, place: AwsPlace) -> Drivers:
        """Drivers for questions and for the commands of people."""
        ...

    def session_drivers(self, place: AwsPlace) -> SessionDrivers:
        """Drivers for one session."""
        ...

    def add_freezes(self, more: Callable[[Freezes], Freezes]) -> None:
        """Freezes that are not in the store; all drivers made later show them."""
        ...


class Fleet:
    """Services, places and drivers. Thread-safe."""

    def __init__(self, source: DriverSource, folder: Path | None = None, *, allow_local: Sequence[str] = ()) -> None:
        """Reads the folder.

        Args:
            source: Makes the drivers.
            folder: The folder of service files; None: no services.
            allow_local: The services whose work may run as the user of this server.

        Raises:
            UsageError: The folder cannot be read. A faulty file is no error: its service shows the faults.
        """
        self._source = source
        self._folder = folder
        self._allow_local = frozenset(allow_local)
        self._lock = threading.Lock()  # for the values below
        self._checking = threading.Lock()  # for reading the folder, which may take long
        self._services: tuple[Service, ...] = ()
        self._known: dict[str, Service] = {}  # each service as it was last valid, also one that is gone
        self._drivers: dict[AwsPlace, Drivers] = {}
        self._trouble = ""
        self._loaded: Fingerprint = {}
        self._pending: Fingerprint | None = None
        self._frozen: dict[str, Freeze] = {}
        self._checked: datetime = source.clock.now()
        source.add_freezes(lambda stored: PolicyFreezes(stored, self._freezes))
        if folder is not None:
            self._load(folder, fingerprint(folder))

    def services(self) -> Sequence[Service]:
        """The services as their files say now, sorted by name. Faulty ones are among them."""
        self.check()
        with self._lock:
            if not self._trouble:
                return self._services
            return [replace(each, spec=None, faults=(*each.faults, self._trouble)) for each in self._services]

    def service(self, name: str) -> Service:
        """The service of this name. Raises UsageError: there is none."""
        services = self.services()
        for service in services:
            if service.name == name:
                return service
        known = ", ".join(service.name for service in services)
        raise UsageError(f"this server has no service {name!r}; {f'it has {known}' if known else 'it has none at all'}")

    def startable(self, name: str) -> Service:
        """The service of this name, with a spec. Raises UsageError: there is none, or its file has faults."""
        service = self.service(name)
        if service.spec is None:
            faults = "\n".join(service.faults)
            raise UsageError(f"no rollout of {name} can be started before its file is corrected:\n{faults}")
        return service

    def policy_of(self, name: str) -> ServicePolicy | None:
        """The policy of a service, also of one whose file has vanished; None: there was never one of this name."""
        self.check()
        with self._lock:
            known = self._known.get(name)
        return known.policy if known else None

    def notify_rules(self, name: str) -> Sequence[NotifyRule]:
        """Who gets messages about rollouts of a service, also of one whose file has vanished."""
        self.check()
        with self._lock:
            known = self._known.get(name)
        return known.notify if known else ()

    def places(self) -> Sequence[AwsPlace]:
        """Every account and region in which services work; that of the server itself where there are no services."""
        found = dict.fromkeys(self._resolved(service.place) for service in self.services())
        return tuple(found) or (self._source.home,)

    def place_of(self, service: Service) -> AwsPlace:
        """Where a service works, with the server's own profile and region where its file names none."""
        return self._resolved(service.place)

    def drivers(self, place: AwsPlace) -> Drivers:
        """The drivers of a place, for questions and for the commands of people; the same object each time."""
        resolved = self._resolved(place)
        with self._lock:
            if resolved not in self._drivers:
                self._drivers[resolved] = self._source.drivers(resolved)
            return self._drivers[resolved]

    def drivers_of(self, plan: Plan) -> Drivers:
        """The drivers of a recorded rollout, for reading and for the commands of people.

        Raises:
            RefusedError: No service works in the account and region of the rollout.
        """
        return self.drivers(self._place_of_plan(plan))

    def session_drivers(self, plan: Plan) -> SessionDrivers:
        """The drivers of a session of this rollout. The caller closes them.

        Raises:
            RefusedError: The work would run as the user of this server, which was not allowed for the service; or no
                service works in the account and region of the rollout.
        """
        self.check_work(plan)
        return self._source.session_drivers(self._place_of_plan(plan))

    def session_drivers_at(self, place: AwsPlace) -> SessionDrivers:
        """The drivers of a session that has no plan yet. The caller closes them."""
        return self._source.session_drivers(self._resolved(place))

    def place_at(self, account: str, region: str) -> AwsPlace:
        """The place that works in this account and region. Raises RefusedError: none does."""
        return self._place_at(account, region, None)

    def check_work(self, plan: Plan) -> None:
        """Raises RefusedError: the work of this plan would run as the user of this server, which was not allowed."""
        spec = plan.spec
        if spec.service not in self._allow_local and not spec.executors.isdisjoint(OWN_RIGHTS):
            raise RefusedError(
                f"rollout {plan.rollout} of {spec.service} would run commands as the user of this server, which was not"
                " allowed for this service; carry it on where it was started, or allow it where the server is started"
            )

    def check(self) -> None:
        """Checks the folder, at most once in two seconds, and reads it again where it has changed."""
        if self._folder is None or not self._checking.acquire(blocking=False):  # another thread does it just now
            return
        try:
            now = self._source.clock.now()
            if now - self._checked >= CHECK_INTERVAL:
                self._checked = now
                self._check(self._folder)
        finally:
            self._checking.release()

    def reload(self) -> None:
        """Reads the folder again at once."""
        if self._folder is not None:
            with self._checking:
                self._try_load(self._folder)

    @contextmanager
    def watching(self) -> Iterator["Fleet"]:
        """Checks the folder every two seconds in a thread, until the end of the block."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(CHECK_INTERVAL.total_seconds()):
                self.check()

        thread = threading.Thread(target=watch, name="katakei-services", daemon=True)
        thread.start()
        try:
            yield self
        finally:
            done.set()
            thread.join(CHECK_INTERVAL.total_seconds())

    def _check(self, folder: Path) -> None:
        try:
            seen = fingerprint(folder)
        except UsageError as error:
            self._troubled(str(error))
            return
        if seen == self._loaded:
            self._pending = None
            self._troubled("")
        elif seen == self._pending:
            self._try_load(folder)
        else:
            self._pending = seen

    def _try_load(self, folder: Path) -> None:
        try:
            self._load(folder, fingerprint(folder))
        except UsageError as error:
            self._troubled(str(error))

    def _load(self, folder: Path, seen: Fingerprint) -> None:
        read = read_services(folder, seen, self._allow_local)
        services = [self._with_known_name(each, {other.name for other in read}) for each in read]
        known = dict(self._known)
        for service in services:
            self._tell(service)
            if service.spec is not None or service.name not in known:
                known[service.name] = service
        with self._lock:
            self._services = tuple(_as_known(each, known[each.name]) for each in services)
            self._known = known
            self._frozen = {each.name: found for each in services if (found := self._freeze(each))}
        self._loaded, self._pending = seen, None
        self._troubled("")

    def _with_known_name(self, service: Service, taken: Collection[str]) -> Service:
        """A file whose name of a service cannot be read any more keeps the one that it had."""
        before = {each.file: each.name for each in self._services}.get(service.file, service.name)
        return replace(service, name=before) if service.name == service.file and before not in taken else service

    def _freeze(self, service: Service) -> Freeze | None:
        """The freeze of a file. One that stays the same goes on since it was first read, and so does one of a file that
        cannot be read any more.
        """
        before = self._frozen.get(service.name)
        if before and (service.spec is None or (before.who, before.why) == (service.file, service.frozen)):
            return before
        if not service.frozen:
            return None
        return Freeze(service.name, service.file, service.frozen, self._source.clock.now())

    def _freezes(self) -> Sequence[Freeze]:
        self.check()
        with self._lock:
            return tuple(self._frozen.values())

    def _tell(self, service: Service) -> None:
        before = next((each for each in self._services if each.file == service.file), None)
        if before == service:
            return
        facts = {"service": service.name, "file": service.file, "faults": list(service.faults)}
        (log.warning if service.faults else log.info)("service file read", extra={"facts": facts})

    def _troubled(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("services folder cannot be read", extra={"facts": {"error": trouble}})
        self._trouble = trouble

    def _resolved(self, place: AwsPlace) -> AwsPlace:
        home = self._source.home
        return replace(place, profile=place.profile or home.profile, region=place.region or home.region)

    def _place_of_plan(self, plan: Plan) -> AwsPlace:
        """The place of the rollout's service, if it is in the recorded account and region; else any other that is."""
        return self._place_at(plan.account, plan.region, plan.spec.service)

    def _place_at(self, account: str, region: str, service: str | None) -> AwsPlace:
        self.check()
        with self._lock:
            known = {name: each.place for name, each in self._known.items()}
        own, others = known.get(service or ""), list(known.values())
        troubles: list[KatakeiError] = []
        for place in dict.fromkeys(map(self._resolved, [*([own] if own else []), *others, self._source.home])):
            try:
                if self._site(place) == (account, region):
                    return place
            except KatakeiError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        raise RefusedError(
            f"no service of this server works in account {account} in {region}; add a service with credentials for it"
        )

    def _site(self, place: AwsPlace) -> tuple[str, str]:
        """Account and region. Where the role and the region tell both, AWS is not asked."""
        if place.account and place.region:
            return place.account, place.region
        site = self.drivers(place).site
        return site.account, site.region


def _as_known(service: Service, valid: Service) -> Service:
    """A service whose file has faults keeps what must not change by a fault."""
    return replace(service, place=valid.place, policy=valid.policy, notify=valid.notify)
