"""Three servers behind one Envoy, and an HTTP client that retries nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.http_client import Answer, BackgroundRequest, Client

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
