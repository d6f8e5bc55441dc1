"""EC2 instances as servers of the lab: moto keeps what EC2 shows, and calls on instances act on the servers."""

import logging
import threading
from collections.abc import Callable
from enum import Enum
from ipaddress import ip_address, ip_network
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend, ec2_backends
from moto.ec2.models.instances import Instance, Reservation

from katakei.lab import clock
from katakei.lab.address import Block
from katakei.lab.errors import LabError
from katakei.lab.servers.fleet import Servers


class InstanceState(Enum):
    """The values of `InstanceState.Name` and their `Code`."""

    PENDING = ("pending", 0)
    RUNNING = ("running", 16)
    SHUTTING_DOWN = ("shutting-down", 32)
    TERMINATED = ("terminated", 48)
    STOPPING = ("stopping", 64)
    STOPPED = ("stopped", 80)


TERMINATING = frozenset({InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED})
log = logging.getLogger(__name__)
StateListener = Callable[[str, InstanceState], None]


class Ec2:
    """All instances of all accounts and regions; each is a server.

    Args:
        servers: the servers.
        block: the address block for instances.
        on_change: called with (instance id, state) at every change, in order, on any thread.
    """

    def __init__(self, servers: Servers, block: Block, on_change: StateListener) -> None:
        self._servers = servers
        self._block = block
        self._on_change = on_change
        self._lock = threading.Lock()
        self._instance_locks: dict[str, threading.Lock] = {}
        self._spares = 0
        self._work: set[threading.Thread] = set()
        self._undo: list[Callable[[], None]] = []

    def install(self) -> None:
        """Replace moto's instance calls by calls that act on servers, in all regions, also for Auto Scaling."""
        self._replace(EC2Backend, "run_instances", self._run_instances)
        self._replace(EC2Backend, "delete_vpc", _delete_vpc)
        for name, act in {
            "start": self._start,
            "stop": self._stop,
            "reboot": self._reboot,
            "terminate": self._terminate,
        }.items():
            self._replace(Instance, name, act)

    def close(self) -> None:
        """Restore moto and wait for calls in progress."""
        while self._undo:
            self._undo.pop()()
        for thread in tuple(self._work):
            thread.join(15)

    def instances(self, account: str, region: str) -> list[Instance]:
        """Returns every instance of a region that is not terminating."""
        return [one for one in ec2_backends[account][region].all_instances() if state_of(one) not in TERMINATING]

    def reboot(self, instance_id: str) -> None:
        """RebootInstances that returns when the reboot is complete."""
        with self._instance_lock(instance_id):
            self._servers.reboot(instance_id)

    # Replacements of moto's methods.

    def _run_instances(self, before: Callable[..., Reservation], backend: EC2Backend, *given: Any, **named: Any) -> Any:
        reservation = before(backend, *given, **named)
        for instance in reservation.instances:
            address = self._assign_address(instance)
            name = tags_of(instance).get("Name", instance.id)
            zone = str(instance.placement.zone)
            self._change(instance, InstanceState.PENDING)
            self._servers.launch(
                instance.id, address, name, zone
            )  # in this thread, so that an error reaches the caller
            self._run_in_background(instance, InstanceState.RUNNING, self._servers.listening)
        return reservation

    def _start(self, before: Callable[[Instance], Any], instance: Instance) -> Any:
        if state_of(instance) in {InstanceState.RUNNING, InstanceState.PENDING}:
            return instance._state  # noqa: SLF001 - moto returns this object itself
        self._require_state(instance, InstanceState.STOPPED, "started")
        previous = before(instance)
        instance.launch_time = clock.now().replace(tzinfo=None)  # moto keeps the first one, and its times have no zone
        self._change(instance, InstanceState.PENDING)
        self._run_in_background(instance, InstanceState.RUNNING, self._servers.start, self._servers.listening)
        return previous

    def _stop(self, before: Callable[[Instance], Any], instance: Instance) -> Any:
        if state_of(instance) in {InstanceState.STOPPED, InstanceState.STOPPING}:
            return instance._state  # noqa: SLF001 - moto returns this object itself
        self._require_state(instance, InstanceState.RUNNING, "stopped")
        previous = before(instance)
        self._change(instance, InstanceState.STOPPING)
        self._run_in_background(instance, InstanceState.STOPPED, self._servers.stop)
        return previous

    def _reboot(self, before: Callable[[Instance], Any], instance: Instance) -> Any:
        self._require_state(instance, InstanceState.RUNNING, "rebooted")
        self._run_in_background(instance, None, self._servers.reboot)
        return before(instance)

    def _terminate(self, before: Callable[[Instance], Any], instance: Instance) -> Any:
        if state_of(instance) in TERMINATING:
            return instance._state  # noqa: SLF001 - moto returns this object itself
        previous = before(instance)
        _delete_interfaces(instance)
        self._change(instance, InstanceState.SHUTTING_DOWN)
        self._run_in_background(instance, InstanceState.TERMINATED, self._servers.terminate)
        return previous

    # Helpers of the replacements.

    def _run_in_background(self, instance: Instance, end: InstanceState | None, *acts: Callable[[str], object]) -> None:
        """Run the acts on a thread, as EC2 does, and show the final state afterwards."""

        def work() -> None:
            try:
                with self._instance_lock(instance.id):
                    for act in acts:
                        act(instance.id)
                    if end is not None and _may_become(instance, end):
                        self._change(instance, end)
            except (LabError, OSError):
                log.exception("%s does not become %s", instance.id, end)

        thread = threading.Thread(target=work, name=f"ec2-{instance.id}", daemon=True)
        self._work = {other for other in self._work if other.is_alive()} | {thread}
        thread.start()

    def _instance_lock(self, instance_id: str) -> threading.Lock:
        with self._lock:
            return self._instance_locks.setdefault(instance_id, threading.Lock())

    def _change(self, instance: Instance, state: InstanceState) -> None:
        _set_shown_state(instance, state)
        self._on_change(instance.id, state)

    def _assign_address(self, instance: Instance) -> str:
        """Give the instance an address of the lab: from its own subnet if that belongs to the lab, else a spare one."""
        block_network = ip_network(self._block.cidr)
        if ip_address(str(instance.private_ip)) not in block_network:
            subnet = instance.ec2_backend.get_subnet(instance.subnet_id)
            address = (
                subnet.get_available_subnet_ip(instance)
                if subnet.cidr.subnet_of(block_network)
                else self._spare_address()
            )
            nic = instance.nics[0]
            nic.private_ip_address = address
            nic.private_ip_addresses[0]["PrivateIpAddress"] = address
        return str(instance.private_ip)

    def _spare_address(self) -> str:
        with self._lock:
            self._spares += 1
            return self._block.address(14, self._spares)

    def _require_state(self, instance: Instance, state: InstanceState, to_be: str) -> None:
        if state_of(instance) is not state:
            raise EC2ClientError(
                "IncorrectInstanceState",
                f"The instance '{instance.id}' is not in a state from which it can be {to_be}.",
            )

    def _replace(self, owner: type, name: str, act: Callable[..., Any]) -> None:
        before = getattr(owner, name)
        # moto inherits run_instances. An attribute that the class did not define itself is deleted again, not restored.
        own = name in vars(owner)
        self._undo.append(lambda: setattr(owner, name, before) if own else delattr(owner, name))

        def replaced(self_of_moto: Any, *given: Any, **named: Any) -> Any:
            return act(before, self_of_moto, *given, **named)

        setattr(owner, name, replaced)


def state_of(instance: Instance) -> InstanceState:
    """Returns the instance's state as EC2 shows it."""
    return next(state for state in InstanceState if state.value[0] == instance.state)


def _delete_interfaces(instance: Instance) -> None:
    """Delete the network interfaces that moto keeps. On AWS they go with the instance that they were made for."""
    kept: dict[str, Any] = instance.ec2_backend.enis
    for interface in [one for one in kept.values() if one.instance is instance]:
        del kept[interface.id]


def _delete_vpc(before: Callable[..., Any], backend: EC2Backend, *given: Any, **named: Any) -> Any:
    """Delete a VPC with its network ACL, which moto keeps."""
    vpc = before(backend, *given, **named)
    gone = [one.id for one in backend.network_acls.values() if one.vpc_id == vpc.id]
    for network_acl in gone:
        del backend.network_acls[network_acl]
    return vpc


def _set_shown_state(instance: Instance, state: InstanceState) -> None:
    instance._state.name, instance._state.code = state.value  # noqa: SLF001 - moto gives no other way to set it


def _may_become(instance: Instance, end: InstanceState) -> bool:
    """Whether the state may still be set: the instance may have been terminated during its start or stop."""
    return end is InstanceState.TERMINATED or state_of(instance) not in TERMINATING


def tags_of(instance: Instance) -> dict[str, str]:
    """Returns the instance's tags by key."""
    return {tag["key"]: tag["value"] for tag in instance.get_tags()}
