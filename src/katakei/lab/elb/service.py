"""ELBv2 as one service: state, API, health checks and synchronization with the data plane."""

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
    """The load balancers of one region and the data plane that follows them."""

    def __init__(self, target_state: TargetState, data_plane: DataPlane) -> None:
        self.target_state = target_state
        self.api = Api(self.target_state)
        self.sync_loop = SyncLoop(self.target_state, data_plane)
        self._checker = HealthChecker(self.target_state)
        self._other_regions: dict[str, Api] = {}

    def start(self) -> None:
        """Start the health checks and the synchronization."""
        self._checker.start()
        self.sync_loop.start()

    def close(self) -> None:
        """Stop both. No thread is left when this returns."""
        self._checker.close()
        self.sync_loop.close()

    def region(self, name: str) -> Api:
        """Returns the API of a region: the lab's own, or that of an empty region."""
        if name == self.target_state.region:
            return self.api
        with self.target_state.locked():
            return self._other_regions.setdefault(name, empty_region(name, self.target_state.account))

    def call(self, action: str, params: Params) -> Params:
        """Call the API from inside the lab, without throttling and without range checks (intervals under 5 s)."""
        return self.api.call(action, params)

    def apply_faults(self, *, lag: float, stale: float, close_idle: bool) -> None:
        """Apply the faults that concern ELBv2. `lag` and `stale` are in seconds."""
        self.target_state.set_switches(lag=timedelta(seconds=lag), close_idle=close_idle)
        self.target_state.stale = timedelta(seconds=stale)

    def instance_changed(self, instance: str, state: str) -> None:
        """Note that an instance changed its state, in EC2's terms."""
        self.target_state.instance_changed(instance, state)

    def url(self, listener: str) -> str:
        """Returns where a listener really answers."""
        one = self.target_state.listeners[listener]
        port = (
            ""
            if one.bound_address.port == {"HTTP": 80, "HTTPS": 443}.get(one.protocol)
            else f":{one.bound_address.port}"
        )
        return f"{one.protocol.lower()}://{one.bound_address.address}{port}"


class EmptyEnvironment:
    """An environment without instances, networks and addresses, for regions that the lab does not use."""

    def instance(self, _instance: str) -> Ec2Instance | None:
        """Returns nothing."""
        return None

    def instance_at(self, _address: str) -> Ec2Instance | None:
        """Returns nothing."""
        return None

    def subnet(self, _subnet: str) -> Subnet | None:
        """Returns nothing."""
        return None

    def subnets(self, _vpc: str) -> tuple[Subnet, ...]:
        """Returns nothing."""
        return ()

    def vpc_cidrs(self, _vpc: str) -> tuple[str, ...]:
        """Returns nothing."""
        return ()

    def bound_address(self, target: str, port: int) -> BoundAddress:
        """Never called: nothing can be registered here."""
        return BoundAddress(target, port)


def empty_region(region: str, account: str) -> Api:
    """Returns the API of a region without resources."""
    return Api(TargetState(region, account, EmptyEnvironment(), lambda _number: ""))
