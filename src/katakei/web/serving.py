"""The running server: its parts put together, its socket, and its end.

SIGTERM or Ctrl-C: no new connection is accepted, streams end, the turns in progress are finished within ten seconds,
and the leases are given back. Rollouts go on at the next start, or in another process.
"""

import resource
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from katakei import __version__
from katakei.app.access import Access
from katakei.app.dispatch import CLOSE_WITHIN, Dispatch, InlineDispatch
from katakei.app.fleet import Fleet
from katakei.app.fleet_groups import FleetGroups
from katakei.app.observability import Observability, observing
from katakei.app.service_rollouts import ServiceRollouts
from katakei.app.subjects import Subjects
from katakei.app.turn_feed import TurnFeed
from katakei.bootstrap import Process, open_process, server_wire
from katakei.domain.errors import UsageError
from katakei.web.application import create_app
from katakei.web.connections import protocol_of
from katakei.web.hub import Hub, HubSources
from katakei.web.server_context import ServerContext
from katakei.web.settings import WebSettings
from katakei.web.site import Site, is_loopback, site_of

STREAMS_WITHIN = 3
"""Seconds in which open streams and requests end after SIGTERM."""
BACKLOG = 1024
FILES = 8192
"""Open files that the server asks the system for: each connection is one."""


@dataclass(frozen=True, slots=True)
class ServeOptions:
    """How a server is started.

    Attributes:
        host: The address on which it listens.
        port: Its port; 0: any free one.
        services: The folder of service files; None: no services.
        journal: Where rollouts are recorded; None: a file in the user's state folder.
        profile: Named profile of the AWS configuration of the server itself.
        region: The region of that.
        base_url: What people open; '': the address on which it listens.
        hosts: More names under which it answers.
        proxies: The addresses of proxies whose word about the client's address counts.
        allow_local: The services whose work may run as the user of this server.
        dev: Requests without a token are those of the person who started it; on loopback only.
        metrics_open: /metrics needs no token.
        workers: Hands rollouts to workers, which drive them; None: this server drives them itself.
        access: The access file, which names the OpenID Connect provider of people; None: they sign in by token.
    """

    host: str = "127.0.0.1"
    port: int = 8480
    services: Path | None = None
    journal: str | None = None
    profile: str | None = None
    region: str | None = None
    base_url: str = ""
    hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    allow_local: tuple[str, ...] = ()
    dev: bool = False
    metrics_open: bool = False
    workers: Dispatch | None = None
    access: Path | None = None


def serve(options: ServeOptions, tell: Callable[[str], None], settings: WebSettings | None = None) -> None:
    """Serves until SIGTERM or Ctrl-C.

    Args:
        options: How.
        tell: Shows a sentence to the person who started it.
        settings: The limits.

    Raises:
        UsageError: The options do not fit, or the address cannot be used.
        UnreachableError: The journal cannot be read.
    """
    if options.dev and not is_loopback(options.host):
        raise UsageError(f"--dev lets everybody in who reaches {options.host}: use it only with a loopback address")
    limits = settings or WebSettings()
    with listening(options.host, options.port) as listener:
        port = listener.getsockname()[1]
        site = site_of(options.host, port, options.base_url, options.hosts)
        with assembled(options, site, limits) as context:
            context.journal.find(unfinished=True)
            _announce(context, tell)
            _raise_file_limit()
            web_server(context, frozenset(options.proxies)).run([listener])
    tell("the server has ended; rollouts that are not finished go on at the next start")


@contextmanager
def assembled(options: ServeOptions, site: Site, settings: WebSettings) -> Iterator[ServerContext]:
    """The parts of a server, which drives rollouts until the end of the block."""
    with ExitStack() as stack:
        process = stack.enter_context(
            open_process(profile=options.profile, region=options.region, journal=options.journal)
        )
        fleet = Fleet(process, options.services, allow_local=options.allow_local)
        stack.enter_context(fleet.watching())
        watched = stack.enter_context(observing(process, fleet, site.base_url))
        feed = TurnFeed(process.journal, process.clock, process.wait_reports if options.workers else None)
        dispatch = options.workers or _driving(process, fleet, feed, watched)
        feed.run()
        stack.callback(feed.close)
        stack.callback(dispatch.close, CLOSE_WITHIN)
        yield _context(process, _Parts(fleet, dispatch, feed, watched), site, settings, options)


def _driving(process: Process, fleet: Fleet, feed: TurnFeed, watched: Observability) -> Dispatch:
    """The dispatch of a server that drives rollouts itself."""
    dispatch = InlineDispatch(process.journal, process.leases, process.clock, fleet.session_drivers)
    dispatch.host.listen(feed.publish)
    dispatch.host.listen(watched.turn)
    watched.metrics.add_gauge("katakei_turns_due", "Rollouts whose next turn is due.", lambda: _due(dispatch, process))
    dispatch.run()
    return dispatch


@dataclass(frozen=True, slots=True)
class _Parts:
    """What runs beside the web application."""

    fleet: Fleet
    dispatch: Dispatch
    feed: TurnFeed
    watched: Observability


def _due(dispatch: InlineDispatch, process: Process) -> float:
    now = process.clock.now()
    return float(sum(1 for each in dispatch.host.hosted() if each.due <= now))


def _context(
    process: Process, parts: _Parts, site: Site, settings: WebSettings, options: ServeOptions
) -> ServerContext:
    journal, leases, fleet = process.journal, process.leases, parts.fleet
    access = Access(process.server_access(site.base_url, options.access))
    groups, wire = FleetGroups(fleet), server_wire()
    return ServerContext(
        fleet=fleet,
        access=access,
        dispatch=parts.dispatch,
        journal=journal,
        leases=leases,
        freezes=process.freezes,
        clock=process.clock,
        rollouts=ServiceRollouts(fleet, parts.dispatch, journal, leases),
        subjects=Subjects(fleet, access, journal),
        hub=Hub(HubSources(journal, parts.feed, groups.status, groups.all, wire.event), settings),
        wire=wire,
        site=site,
        version=__version__,
        dev=options.dev,
        dev_name=process.owner.user,
        metrics=parts.watched.metrics.render,
        metrics_open=options.metrics_open,
        settings=settings,
    )


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """A socket that listens. Raises UsageError: the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise UsageError(f"cannot listen on {host} port {port} ({error.strerror}): give another --port") from error
    with listener:
        yield listener


def _announce(context: ServerContext, tell: Callable[[str], None]) -> None:
    tell(f"serving on {context.base_url}")
    if context.dev:
        tell("--dev: everybody who reaches this address on this machine is signed in as an admin")
        return
    if link := context.access.first_sign_in_link(context.base_url):
        tell(f"nobody can sign in yet. This link signs in once, as an admin, within 15 minutes:\n  {link}")


def web_server(context: ServerContext, trusted: frozenset[str] = frozenset()) -> uvicorn.Server:
    """The HTTP server of a context. `run` takes the listening socket.

    Args:
        context: What the application gets.
        trusted: The addresses of proxies whose word about the client's address counts.
    """
    config = uvicorn.Config(
        create_app(context),
        http=protocol_of(context.settings, trusted),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(trusted),
        forwarded_allow_ips=sorted(trusted),
        h11_max_incomplete_event_size=context.settings.max_head,
        timeout_graceful_shutdown=STREAMS_WITHIN,
        backlog=BACKLOG,
    )
    return _Server(config, context)


class _Server(uvicorn.Server):
    """uvicorn's server, which ends streams before it waits for them, and leaves the exit code to the command."""

    def __init__(self, config: uvicorn.Config, context: ServerContext) -> None:
        super().__init__(config)
        self._context = context

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """SIGTERM and Ctrl-C end the server. uvicorn would raise the signal again afterwards."""
        if threading.current_thread() is not threading.main_thread():  # only the main thread gets signals
            yield
            return
        before = {each: signal.signal(each, self._end) for each in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for each, handler in before.items():
                signal.signal(each, handler)

    def _end(self, _number: int, _frame: FrameType | None) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accepts nothing more, ends the streams, then waits for the requests."""
        for server in self.servers:
            server.close()
        await self._context.hub.close()
        await super().shutdown(sockets)


def _raise_file_limit() -> None:
    """Each connection is an open file, and 1,024 is the usual limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft < wanted:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
