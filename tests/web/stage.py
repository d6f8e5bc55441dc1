"""A server over a simulated AWS: real HTTP on loopback, a real SQLite journal, real access rules, no real AWS."""

import http.client
import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from tests.properties.simulated_drivers import SITE, SimulatedDrivers
from tests.unit.app import access_fakes
from tests.unit.app.fakes import Stage as AwsStage

from katakei.adapters.journals.sql_journal import SqlFreezes, SqlJournal, SqlLeases
from katakei.adapters.system.process import current_owner
from katakei.app.access import TokenRequest
from katakei.app.fleet import AwsPlace, Fleet
from katakei.app.fleet_groups import FleetGroups
from katakei.app.service_rollouts import ServiceRollouts
from katakei.app.subjects import Subjects
from katakei.app.turn_feed import TurnFeed
from katakei.bootstrap import server_wire
from katakei.domain.errors import UnknownGroupError
from katakei.domain.model import RolloutId, TargetType
from katakei.domain.plan import Plan
from katakei.domain.ports import Freezes, GroupReader, ListedGroup
from katakei.domain.principals import EVERY_SERVICE, Act, Principal, PrincipalKind, Role
from katakei.runtime.session import RolloutSession
from katakei.web.hub import Hub, HubSources
from katakei.web.server_context import ServerContext
from katakei.web.serving import listening, web_server
from katakei.web.settings import WebSettings
from katakei.web.site import site_of

SHOP = """\
service: shop
balancer: {alb: {target_groups: [web]}}
work: {ssm: {run: "./deploy"}}
"""
REGION = "ap-northeast-1"
HOME = AwsPlace(region=REGION)
ADMIN = Principal("root", PrincipalKind.PERSON, {EVERY_SERVICE: Role.ADMIN})
API = "/api/v1"
WAIT = 20.0


@dataclass
class Lister:
    """The groups of the simulated AWS, for questions."""

    stage: AwsStage
    asked: list[tuple[str, ...]] = field(default_factory=list)
    fails: Exception | None = None

    def names(self) -> Sequence[str]:
        return [group.name for group in self.stage.aws.group_of.values()]

    def listed(self, names: Sequence[str]) -> Sequence[ListedGroup]:
        self.asked.append(tuple(names))
        if self.fails:
            raise self.fails
        balancer = self.stage.drivers.balancer
        found = [group for group in self.stage.aws.group_of.values() if not names or group.name in names]
        if names and not found:
            raise UnknownGroupError(f"no target group is named {names[0]}")
        return [
            ListedGroup(each.arn, each.name, 80, "HTTP", TargetType.INSTANCE, tuple(balancer.members(each)))
            for each in found
        ]

    def restore_lines(self, registrations: Sequence[object]) -> Sequence[str]:
        del registrations
        return ()


@dataclass
class WebDrivers(SimulatedDrivers):
    """Drivers of one simulated place, over a journal in SQLite."""

    groups: GroupReader | None = None
    draw: Callable[[], str] = str

    @property
    def lister(self) -> GroupReader:
        assert self.groups
        return self.groups

    def name(self) -> RolloutId:
        return RolloutId(self.draw())

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Source:
    """Makes drivers (`app.fleet.DriverSource`)."""

    folder: Path
    home: AwsPlace = HOME
    targets: int = 2

    def __post_init__(self) -> None:
        self.aws = AwsStage(self.targets)
        self.clock = self.aws.clock
        self.lister = Lister(self.aws)
        url = str(self.folder / "journal.db")
        self.journal, self.leases = SqlJournal(url), SqlLeases(url)
        self.freezes: Freezes = SqlFreezes(url)
        self._numbers = count(1)

    def drivers(self, place: AwsPlace) -> WebDrivers:
        del place
        made = self.aws.drivers_of(current_owner())
        return WebDrivers(
            made.balancer, made.only_executor, made.health_checker, self.journal, self.leases, self.freezes,
            made.clock, made.pool, None, made.owner, site=replace(SITE, region=REGION),
            groups=self.lister, draw=lambda: f"r-{next(self._numbers):08}",
        )  # fmt: skip

    session_drivers = drivers

    def add_freezes(self, more: Callable[[Freezes], Freezes]) -> None:
        self.freezes = more(self.freezes)


@dataclass
class HeldDispatch:
    """Keeps sessions; a test takes their turns."""

    sessions: dict[RolloutId, RolloutSession] = field(default_factory=dict)
    woken: list[RolloutId] = field(default_factory=list)

    def start(self, session: RolloutSession, done: Callable[[], None] = lambda: None) -> None:
        del done
        self.sessions[session.plan.rollout] = session

    def wake(self, rollout: RolloutId, plan: Plan) -> None:
        del plan
        self.woken.append(rollout)

    def close(self, within: timedelta = timedelta()) -> None:
        for session in self.sessions.values():
            session.close(within)


@dataclass(frozen=True)
class Answer:
    """What the server answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The code of the error."""
        found: str = self.json["error"]["code"]
        return found


@dataclass
class WebStage:
    """One server and its clients.

    Attributes:
        port: Where it listens.
        context: What its handlers get.
        source: The simulated AWS and the journal.
        dispatch: Keeps the sessions.
        people: Access, with its store in memory.
        opened: Connections that are closed at the end.
        end: Ends the server.
    """

    port: int
    context: ServerContext
    source: Source
    dispatch: HeldDispatch
    people: access_fakes.Server
    opened: list[http.client.HTTPConnection | http.client.HTTPResponse] = field(default_factory=list)
    end: Callable[[], None] = lambda: None

    def token(self, role: Role | None = Role.ADMIN, service: str = EVERY_SERVICE, acts: Sequence[Act] = ()) -> str:
        """A new token of a person with this role."""
        request = TokenRequest("ada", {service: role or Role.VIEWER}, acts=frozenset(acts) or None)
        return self.people.access.issue_token(ADMIN, request).secret

    def ask(
        self, method: str, path: str, body: object = None, *, token: str = "", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request. A body that is not bytes is sent as JSON."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        if body is not None and not isinstance(body, bytes):
            sent.setdefault("Content-Type", "application/json")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT)
        try:
            connection.request(method, path, data, sent)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read().decode())
        finally:
            connection.close()

    def start(self, token: str, release: str = "v2") -> str:
        """A rollout of the shop."""
        answer = self.ask("POST", f"{API}/services/shop/rollouts", {"release": release}, token=token)
        assert answer.status == 201, answer.text
        found: str = answer.json["rollout"]
        return found

    def outcomes(self) -> list[tuple[str, str, str]]:
        """Who did what, and how it ended, in the audit log."""
        return [(each.who, each.act, each.outcome.value) for each in self.people.store.log]


def make(
    folder: Path,
    settings: WebSettings,
    port: int,
    *,
    dev: bool = False,
    services: Mapping[str, str] | None = None,
    targets: int = 2,
) -> WebStage:
    """The parts of a server that does not listen yet."""
    kept = folder / "services"
    kept.mkdir(exist_ok=True)
    for name, text in ({"shop.yml": SHOP} if services is None else services).items():
        (kept / name).write_text(text)
    source, dispatch, people = Source(folder, targets=targets), HeldDispatch(), access_fakes.Server()
    fleet, access = Fleet(source, kept), people.access
    groups, feed, wire = FleetGroups(fleet), TurnFeed(source.journal, source.clock), server_wire()
    context = ServerContext(
        fleet=fleet, access=access, dispatch=dispatch, journal=source.journal, leases=source.leases,
        freezes=source.freezes, clock=source.clock,
        rollouts=ServiceRollouts(fleet, dispatch, source.journal, source.leases),
        subjects=Subjects(fleet, access, source.journal),
        hub=Hub(HubSources(source.journal, feed, groups.status, groups.all, wire.event), settings),
        wire=wire, site=site_of("127.0.0.1", port), version="0", dev=dev, dev_name="dev", settings=settings,
    )  # fmt: skip
    feed.run()
    return WebStage(port, context, source, dispatch, people)


@contextmanager
def serving(folder: Path, settings: WebSettings | None = None, **options: Any) -> Iterator[WebStage]:
    """A server on loopback until the end of the block."""
    with listening("127.0.0.1", 0) as listener:
        stage = make(folder, settings or WebSettings(), listener.getsockname()[1], **options)
        server = web_server(stage.context)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()

        def end() -> None:
            server.should_exit = True
            thread.join(WAIT)

        stage.end = end
        try:
            yield stage
        finally:
            end()
            stage.dispatch.close()
            for each in stage.opened:
                each.close()
            assert not thread.is_alive()
