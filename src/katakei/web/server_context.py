"""The server's dependencies: what handlers of the API and pages of the console get. None of them holds a rule."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from katakei.domain.events import Event
from katakei.domain.plan import Plan
from katakei.domain.ports import Clock, Freezes, Journal, Leases, LeaseStatus, ListedGroup, RolloutHeader
from katakei.render.json_data import Plain
from katakei.web.settings import WebSettings
from katakei.web.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from katakei.app.access import Access
    from katakei.app.dispatch import Dispatch
    from katakei.app.fleet import Fleet
    from katakei.app.service_rollouts import ServiceRollouts
    from katakei.app.subjects import Subjects
    from katakei.web.hub import Hub


class Wire(Protocol):
    """The form of what a remote command reads: events and plans as in the journal, other values by their fields."""

    def event(self, event: Event) -> str:
        """An event as one line of JSON."""
        ...

    def plan(self, plan: Plan) -> Plain:
        """A plan as JSON data."""
        ...

    def groups(self, groups: tuple[ListedGroup, ...]) -> Plain:
        """Target groups with what they list, as JSON data."""
        ...

    def headers(self, headers: tuple[RolloutHeader, ...]) -> Plain:
        """Rollouts as the journal lists them, as JSON data."""
        ...

    def lease(self, lease: LeaseStatus | None) -> Plain:
        """Who has the lease of a group, as JSON data."""
        ...


@dataclass
class ServerContext:
    """One of each use case and port, for one server.

    Attributes:
        fleet: Services, places and drivers.
        access: Who somebody is, tokens, sessions, the audit log.
        dispatch: Hands rollouts to the process that drives them.
        journal: The one journal of the server.
        leases: Its leases.
        freezes: Its freezes.
        clock: The time. Nothing wakes it.
        rollouts: Planning, starting and commanding rollouts.
        subjects: Which services a request concerns.
        hub: The streams: one reader for each rollout and group that somebody watches.
        wire: The form of what a remote command reads.
        site: The addresses under which the server answers.
        version: The version of Katakei.
        dev: Whether requests without a token are those of the person who started the server, on loopback only.
        dev_name: The name of that person.
        metrics: The values of /metrics in the format of Prometheus; None: there are none.
        metrics_open: Whether /metrics needs no token.
        settings: The limits.
    """

    fleet: "Fleet"
    access: "Access"
    dispatch: "Dispatch"
    journal: Journal
    leases: Leases
    freezes: Freezes
    clock: Clock
    rollouts: "ServiceRollouts"
    subjects: "Subjects"
    hub: "Hub"
    wire: Wire
    site: Site
    version: str
    dev: bool = False
    dev_name: str = ""
    metrics: "Callable[[], bytes] | None" = None
    metrics_open: bool = False
    settings: WebSettings = field(default_factory=WebSettings)

    @property
    def base_url(self) -> str:
        """What people open, without a slash at the end."""
        return self.site.base_url
