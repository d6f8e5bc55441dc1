"""The drivers of one simulated process: one executor and one probe, whatever the spec says."""

from dataclasses import dataclass, field

from tests.properties.fake_ports import FakeBalancer, FakeExecutor, FakeHealthChecker, FakePool, SkewedClock

from katakei.domain.leases import Owner
from katakei.domain.model import RolloutId
from katakei.domain.ports import Freezes, GroupReader, Journal, Leases, Probe, Router
from katakei.domain.spec import Command, Spec
from katakei.runtime.drivers import Site

SITE = Site("123456789012", "ap-northeast-1", lab=False)


@dataclass
class SimulatedDrivers:
    """As `katakei.runtime.drivers.Drivers` says."""

    balancer: FakeBalancer
    only_executor: FakeExecutor
    health_checker: FakeHealthChecker
    journal: Journal
    leases: Leases
    freezes: Freezes
    clock: SkewedClock
    pool: FakePool
    only_probe: Probe | None
    owner: Owner
    said: list[str] = field(default_factory=list)
    site: Site = SITE
    only_router: Router | None = None

    @property
    def router(self) -> Router:
        if self.only_router is None:
            raise NotImplementedError
        return self.only_router

    @property
    def lister(self) -> GroupReader:
        raise NotImplementedError

    def probe(self, spec: Spec) -> Probe | None:
        del spec
        return self.only_probe

    def executor(self, command: Command) -> FakeExecutor:
        del command
        return self.only_executor

    def name(self) -> RolloutId:
        return RolloutId("r-new")

    def tell(self, sentence: str) -> None:
        self.said.append(sentence)
