"""The drivers of a remote command: which adapter stands for which part of a Katakei server."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from katakei.adapters.system.clock import SystemClock
from katakei.domain.leases import Owner
from katakei.runtime.drivers import Site

if TYPE_CHECKING:
    from katakei.adapters.balancers.routes import RouteLines
    from katakei.adapters.remote.journal import RemoteFreezes, RemoteGroups, RemoteJournal, RemoteLeases
    from katakei.adapters.remote.tokens import RemoteTokens
    from katakei.adapters.system.awake import SleepInhibitor
    from katakei.domain.model import Registration
    from katakei.domain.ports.server import ServerCommands


class ServerDrivers:
    """The drivers of a remote command: a server's journal and groups to read, and its commands (`app.remote`).

    Whatever acts on AWS is missing: the server acts.
    """

    def __init__(self, url: str, token: str, tell: Callable[[str], None]) -> None:
        """Opens no connection yet. Use `open_server`. Raises UsageError: it is no URL of a server."""
        from katakei.adapters.remote.http_client import ServerApi, address_of

        self.tell = tell
        self.api = ServerApi(address_of(url), token)

    def exchange(self, identity: str, service: str) -> None:
        """Exchanges the token of a CI job for one of this service, which every later request carries.

        Must come before the first request.
        """
        from katakei.adapters.remote.ci_identity import exchanged

        self.api = self.api.with_token(exchanged(self.api, identity, service))

    @cached_property
    def clock(self) -> SystemClock:
        """The real clock."""
        return SystemClock()

    @cached_property
    def pool(self) -> ThreadPoolExecutor:
        """Four threads: a list reads several rollouts at once."""
        return ThreadPoolExecutor(4, "katakei")

    @cached_property
    def journal(self) -> "RemoteJournal":
        """The server's rollouts."""
        from katakei.adapters.remote.journal import RemoteJournal

        return RemoteJournal(self.api)

    @cached_property
    def leases(self) -> "RemoteLeases":
        """Who drives which group there."""
        from katakei.adapters.remote.journal import RemoteLeases

        return RemoteLeases(self.api)

    @cached_property
    def freezes(self) -> "RemoteFreezes":
        """The server's freezes."""
        from katakei.adapters.remote.journal import RemoteFreezes

        return RemoteFreezes(self.api)

    @property
    def balancer(self) -> "RemoteGroups":
        """The server's target groups, as far as a command needs their names."""
        return self.lister

    @property
    def router(self) -> "RouteLines":
        """The lines that put routes back. Nothing is asked of AWS here."""
        from katakei.adapters.balancers.routes import RouteLines

        return RouteLines()

    @cached_property
    def lister(self) -> "RemoteGroups":
        """The server's target groups."""
        from katakei.adapters.remote.journal import RemoteGroups

        return RemoteGroups(self.api, self._restore_lines)

    def _restore_lines(self, registrations: "Sequence[Registration]") -> "Sequence[str]":
        from katakei.adapters.balancers.alb.restore_lines import restore_lines

        return restore_lines(registrations)

    @cached_property
    def commands(self) -> "ServerCommands":
        """The server's commands."""
        from katakei.adapters.remote.commands import RemoteCommands

        return RemoteCommands(self.api)

    @cached_property
    def tokens(self) -> "RemoteTokens":
        """The server's tokens."""
        from katakei.adapters.remote.tokens import RemoteTokens

        return RemoteTokens(self.api)

    @cached_property
    def owner(self) -> Owner:
        """The identity of this process."""
        from katakei.adapters.system.process import current_owner

        return current_owner()

    @cached_property
    def sleep_inhibitor(self) -> "SleepInhibitor":
        """Keeps a Mac awake."""
        from katakei.adapters.system.awake import SleepInhibitor

        return SleepInhibitor()

    @property
    def site(self) -> Site:
        """A server works in several accounts and regions."""
        return Site("", "", lab=False)

    def close(self) -> None:
        """Ends the threads; does not wait for a call that hangs."""
        if "pool" in self.__dict__:
            self.pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def open_server(url: str, token: str, tell: Callable[[str], None]) -> Iterator[ServerDrivers]:
    """The drivers of a remote command, closed at the end of the block.

    Args:
        url: The server.
        token: Sent with every request; '' for none.
        tell: Shows a sentence to the user at once.

    Raises:
        UsageError: It is no URL of a server.
    """
    drivers = ServerDrivers(url, token, tell)
    try:
        yield drivers
    finally:
        drivers.close()


def ci_identity(env: Mapping[str, str], audience: str) -> str:
    """The OpenID Connect token of this CI job; '' where it has none.

    Args:
        env: The environment of the job.
        audience: The server for which the token is made.

    Raises:
        NoAnswerError: The CI system gave none.
    """
    from katakei.adapters.remote.ci_identity import identity

    return identity(env, audience)
