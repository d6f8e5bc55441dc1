"""Three servers behind one Envoy, and an HTTP client that retries nothing."""

import re
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Self

from katakei.lab import clock
from katakei.lab.address import Block, BoundAddress, reserve_block
from katakei.lab.desired_config import (
    DesiredConfig,
    Forward,
    Group,
    GroupTarget,
    Listener,
    RouteAction,
    Rule,
    TrafficState,
    Weighted,
)
from katakei.lab.envoy.process import Envoy
from katakei.lab.servers.fleet import Servers

GROUP = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:targetgroup/LaravelTargetGroup/73e2d6bc24d8a067"
LISTENER = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:listener/app/web/50dc6c495c0c9188/f2f7dc8efc522ab2"
TO_GROUP = Forward((Weighted(GROUP),))
IN, DRAINING, CUT = TrafficState


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. Status 0 means that the connection broke."""

    status: int
    headers: dict[str, str]
    body: str

    @property
    def server(self) -> str:
        found = re.search(r'"instance": "i-(\d)"', self.body)
        return found[1] if found else "none"


class Client:
    """One keep-alive connection. It retries nothing and stores no cookie."""

    def __init__(self, bound_address: BoundAddress, *, tls: bool = False) -> None:
        unverified = ssl.create_default_context()
        unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
        self._http = (
            HTTPSConnection(*bound_address, timeout=10, context=unverified)
            if tls
            else HTTPConnection(*bound_address, timeout=10)
        )

    def get(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        try:
            self._http.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
            answer = self._http.getresponse()
            return Answer(answer.status, dict(answer.headers), answer.read().decode())
        except (OSError, HTTPException) as error:
            return Answer(0, {}, repr(error))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()


class BackgroundRequest:
    """A request in the background of a test."""

    def __init__(self, what: Callable[[], Answer]) -> None:
        self._answer: Answer | None = None
        self._thread = threading.Thread(target=self._run, args=(what,))
        self._thread.start()

    def _run(self, what: Callable[[], Answer]) -> None:
        self._answer = what()

    def answer(self) -> Answer:
        self._thread.join(15)
        assert self._answer
        return self._answer


@dataclass(frozen=True, slots=True)
class EnvoyHarness:
    block: Block
    servers: Servers
    envoy: Envoy
    bound_addresses: tuple[BoundAddress, ...]

    @property
    def front(self) -> BoundAddress:
        return BoundAddress(self.block.node(0), 8080)

    def listener(self, action: RouteAction = TO_GROUP, *rules: Rule) -> Listener:
        return Listener(LISTENER, self.front, action, rules)

    def group(self, *traffic: TrafficState, arn: str = GROUP) -> Group:
        return Group(
            arn,
            tuple(
                GroupTarget(bound_address, each)
                for bound_address, each in zip(self.bound_addresses, traffic, strict=False)
            ),
        )

    def show(self, *groups: Group, listener: Listener | None = None, close_idle: bool = False) -> None:
        self.envoy.apply(DesiredConfig((listener or self.listener(),), groups, close_idle))

    def targets(self, *traffic: TrafficState) -> None:
        self.show(self.group(*traffic))

    def client(self) -> Client:
        return Client(self.front)

    def ask(self, path: str = "/", method: str = "GET", **headers: str) -> Answer:
        with self.client() as client:
            return client.get(path, method, **headers)

    def later(self, path: str) -> BackgroundRequest:
        return BackgroundRequest(lambda: self.ask(path))

    def wait_in_flight(self, requests: int = 1) -> None:
        def active() -> int:
            return sum(load.active for load in self.envoy.loads().values())

        assert clock.wait_for(lambda: active() == requests, within=10)

    def idle(self, seconds: float) -> Listener:
        return replace(self.listener(), idle_timeout=type(self.listener().idle_timeout)(seconds=seconds))


@contextmanager
def envoy_harness(folder: Path, count: int = 3) -> Iterator[EnvoyHarness]:
    block = reserve_block()
    servers = Servers(folder / "servers", 80)
    envoy = Envoy(folder / "envoy", block.node)
    try:
        envoy.start()
        for number in range(count):
            servers.launch(f"i-{number}", block.address(number, 0), f"web-{number}", "ap-northeast-1a")
        assert all(servers.listening(f"i-{number}") for number in range(count))
        yield EnvoyHarness(
            block, servers, envoy, tuple(servers.bound_address(f"i-{number}", 80) for number in range(count))
        )
    finally:
        envoy.stop()
        servers.close()
        block.close()
