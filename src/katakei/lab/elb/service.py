"""ELBv2 as one service: state, API, health checks and synchronization with the data plane."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from katakei.lab.address import BoundAddress
from katakei.lab.elb.api.dispatch import Api
from katakei.lab.elb.health_checks import HealthChecker
from katakei.lab.elb.sync_loop import DataPlane, SyncLoop
from katakei.lab.elb.target_state import TargetState

if TYPE_CHECKING:
    from collections.abc import Callable

    from katakei.lab.elb.environment import Ec2Instance, Environment, Subnet
    from katakei.lab.elb.query_protocol import Params


class Elb:
    """The load balancers of all regions and accounts, and the data plane that follows them.

    Args:
        target_state: the state of the lab's own region and account, where its initial resources are.
        data_plane: follows the states of all regions and accounts.
        environment: returns the environment of another account and region. None: all others are empty.
    """

    def __init__(
        self,
        target_state: TargetState,
        data_plane: DataPlane,
        environment: Callable[[str, str], Environment] | None = None,
    ) -> None:
        self.target_state = target_state
        self.api = Api(self.target_state)
        self._environment = environment or (lambda _account, _region: EmptyEnvironment())
        self._apis = {(target_state.account, target_state.region): self.api}
        self._lock = threading.Lock()
        self.sync_loop = SyncLoop(self.target_states, data_plane)
        self._checker = HealthChecker(self.target_states)

    def start(self) -> None:
        """Start the health checks and the synchronization."""
        self._checker.start()
        self.sync_loop.start()

    def close(self) -> None:
        """Stop both. No thread is left when this returns."""
        self._checker.close()
        self.sync_loop.close()

    def target_states(self) -> tuple[TargetState, ...]:
        """Returns the state of every region and account used so far, the lab's own first."""
        with self._lock:
            return tuple(api.target_state for api in self._apis.values())

    def region(self, name: str, account: str | None = None) -> Api:
        """Returns the API of a region; its state begins to exist when it is first used.

        Args:
            name: a region that exists.
            account: the account; None: the lab's own.
        """
        scope = (account or self.target_state.account, name)
        with self._lock:
            if scope not in self._apis:
                self._apis[scope] = Api(self._new_state(*scope))
            return self._apis[scope]

    def _new_state(self, account: str, region: str) -> TargetState:
        own = self.target_state
        state = TargetState(region, account, self._environment(account, region), own.take_node, own.switches)
        state.stale, state.changed = own.stale, own.changed
        return state

    def call(self, action: str, params: Params) -> Params:
        """Call the API from inside the lab, without throttling and without range checks (intervals under 5 s)."""
        return self.api.call(action, params)

    def apply_faults(self, *, lag: float, stale: float, close_idle: bool) -> None:
        """Apply the faults that concern ELBv2. `lag` and `stale` are in seconds."""
        for state in self.target_states():
            state.set_switches(lag=timedelta(seconds=lag), close_idle=close_idle)
            state.stale = timedelta(seconds=stale)

    def change_switches(self, changes: object) -> None:
        """Change the switches that parsed JSON names, in all regions and accounts.

        Raises:
            ValueError: a name or value is not valid; nothing has changed.
        """
        switches = self.target_state.switches.changed(changes)
        for state in self.target_states():
            state.switches = switches

    def instance_changed(self, instance: str, state: str) -> None:
        """Note that an instance changed its state, in EC2's terms."""
        for each in self.target_states():
            each.instance_changed(instance, state)

    def url(self, listener: str) -> str:
        """Returns where a listener of any region really answers."""
        one = next(state.listeners[listener] for state in self.target_states() if listener in state.listeners)
        port = (
            ""
            if one.bound_address.port == {"HTTP": 80, "HTTPS": 443}.get(one.protocol)
            else f":{one.bound_address.port}"
        )
        return f"{one.protocol.lower()}://{one.bound_address.address}{port}"


class EmptyEnvironment:
    """An environment without instances, networks and addresses."""

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
