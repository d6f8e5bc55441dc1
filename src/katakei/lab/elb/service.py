"""ELBv2 as one thing to start and to close: the truth, its API, its health checks and its way to the data plane."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.lab.address import BoundAddress
from katakei.lab.elb.api.dispatch import Api
from katakei.lab.elb.health_checks import HealthChecker
from katakei.lab.elb.sync_loop import DataPlane, SyncLoop
from katakei.lab.elb.target_state import TargetState

if TYPE_CHECKING:
    from katakei.lab.elb.environment import Ec2Instance, Subnet
    from katakei.lab.elb.query_protocol import Params
    from katakei.lab.elb.target_state import TargetState


class Elb:
    """One region's load balancers: a truth, and the data plane that follows it."""

    def __init__(self, truth: TargetState, plane: DataPlane) -> None:
        self.truth = truth
        self.api = Api(self.truth)
        self.pump = SyncLoop(self.truth, plane)
        self._checker = HealthChecker(self.truth)
        self._elsewhere: dict[str, Api] = {}

    def start(self) -> None:
        """Begin to check and to route."""
        self._checker.start()
        self.pump.start()

    def close(self) -> None:
        """No thread of it runs when this returns."""
        self._checker.close()
        self.pump.close()

    def region(self, name: str) -> Api:
        """The API of a region: the lab's own, or one in which there is nothing."""
        if name == self.truth.region:
            return self.api
        with self.truth.held():
            return self._elsewhere.setdefault(name, empty_region(name, self.truth.account))

    def call(self, action: str, params: Params) -> Params:
        """An API call from inside the lab: not throttled, and free of the model's ranges (intervals under 5 s)."""
        return self.api.call(action, params)

    def turned(self, *, lag: float, stale: float, close_idle: bool) -> None:
        """Other faults from now on; `lag` and `stale` in seconds."""
        self.truth.switch(lag=timedelta(seconds=lag), close_idle=close_idle)
        self.truth.stale = timedelta(seconds=stale)

    def told(self, instance: str, state: str) -> None:
        """An instance changed its state (EC2's word)."""
        self.truth.instance_changed(instance, state)

    def url(self, listener: str) -> str:
        """Where a listener really answers."""
        one = self.truth.listeners[listener]
        port = "" if one.door.port == {"HTTP": 80, "HTTPS": 443}.get(one.protocol) else f":{one.door.port}"
        return f"{one.protocol.lower()}://{one.door.address}{port}"


class Nowhere:
    """A world without instances, networks or doors; `world.World` says what each method promises."""

    def machine(self, _instance: str) -> Ec2Instance | None:
        """None."""
        return None

    def machine_at(self, _address: str) -> Ec2Instance | None:
        """None."""
        return None

    def subnet(self, _subnet: str) -> Subnet | None:
        """None."""
        return None

    def subnets(self, _vpc: str) -> tuple[Subnet, ...]:
        """None at all."""
        return ()

    def vpc_cidrs(self, _vpc: str) -> tuple[str, ...]:
        """None at all."""
        return ()

    def door(self, target: str, port: int) -> BoundAddress:
        """Never asked for: nothing can be registered here."""
        return BoundAddress(target, port)


def empty_region(region: str, account: str) -> Api:
    """The API of a region in which the lab has nothing."""
    return Api(TargetState(region, account, Nowhere(), lambda _number: ""))
