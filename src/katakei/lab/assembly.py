"""Assembly of a whole lab in this process: address block, servers, data plane, ELBv2, EC2, Run Command and endpoint.

Every part is started here, and stopped here in reverse order. The lab's temporary folder is made and removed here too.
"""

import fcntl
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import IO

from katakei.lab.address import reserve_block
from katakei.lab.ec2.instances import Ec2
from katakei.lab.ec2.region import ManagedNodes, Region
from katakei.lab.elb.service import Elb
from katakei.lab.elb.target_state import TargetState
from katakei.lab.endpoint.server import Endpoint
from katakei.lab.envoy.process import Envoy
from katakei.lab.faults import FaultInjector, Faults
from katakei.lab.initial_resources import InitialResources, create_resources
from katakei.lab.options import ACCOUNT, REGION, LabInfo, LabOptions, Target, environment
from katakei.lab.servers.fleet import Servers
from katakei.lab.ssm import moto_adapter as run_command
from katakei.lab.ssm.model import RunCommandSettings
from katakei.lab.ssm.service import RunCommand

ENVOY_ZONE = 13
"""Number of the subnet that Envoy connects from. No instance is ever placed in it."""


@contextmanager
def assembled(options: LabOptions, ending: threading.Event) -> Iterator[LabInfo | None]:
    """Run a lab whose targets are healthy while the context lasts.

    Args:
        ending: set from outside when the lab must end.

    Yields:
        The lab's facts, or None if `ending` was set before the targets were healthy.
    """
    if ending.is_set():  # it may have been set during the imports
        yield None
        return
    with ExitStack() as parts:
        root = parts.enter_context(lab_folder())
        block = reserve_block()
        parts.callback(block.close)
        servers = Servers(root / "servers", options.port)
        parts.callback(servers.close)
        region = Region(servers, ACCOUNT, REGION)
        envoy = Envoy(root / "envoy", lambda n: block.address(ENVOY_ZONE, n))
        envoy.start(within=15)
        parts.callback(envoy.stop)
        elb = Elb(TargetState(REGION, ACCOUNT, region, block.take_node), envoy, partial(Region, servers))
        ec2 = Ec2(servers, block, lambda instance, state: elb.instance_changed(instance, state.value[0]))
        ec2.install()
        parts.callback(ec2.close)
        elb.start()
        parts.callback(elb.close)
        faults = FaultInjector(Faults(lag=options.lag.total_seconds()))
        faults.listen(ServerFaults(servers).apply_faults)
        _start_run_command(parts, partial(ManagedNodes, ec2, servers), faults)
        endpoint = Endpoint(elb, faults)
        endpoint.start()
        parts.callback(endpoint.close)
        created = create_resources(options, block, region, elb, ending)
        if created is None:
            yield None
            return
        endpoint.warm_up()
        yield _facts(created, endpoint, servers, options)


class ServerFaults:
    """Applies the faults that concern servers: dead applications and deployments that hang."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def apply_faults(self, before: Faults, after: Faults) -> None:
        """Break what `after` names and repair what only `before` names. Unknown instances are ignored."""
        known = {server.id: server for server in self._servers.all()}
        for instance in known.keys() & (set(after.target_dead) - set(before.target_dead)):
            self._servers.crash(instance)
        for instance in known.keys() & (set(before.target_dead) - set(after.target_dead)):
            self._servers.revive(instance)
        for instance, server in known.items():
            hang = server.folder / "hang"
            if instance in after.deploy_hangs:
                hang.touch()
            else:
                hang.unlink(missing_ok=True)


def _start_run_command(parts: ExitStack, nodes: Callable[[str, str], ManagedNodes], faults: FaultInjector) -> None:
    def new(account: str, region: str) -> RunCommand:
        return RunCommand(nodes(account, region), lambda: _run_command_settings(faults.now), account)

    regions = run_command.Regions(new)
    parts.callback(regions.close)
    parts.callback(run_command.install(regions))


def _run_command_settings(faults: Faults) -> RunCommandSettings:
    return RunCommandSettings(
        dead=frozenset(faults.agent_dead), deliver_late=faults.deliver_late, deliver_twice=faults.deliver_twice
    )


def _facts(created: InitialResources, endpoint: Endpoint, servers: Servers, options: LabOptions) -> LabInfo:
    known = {server.id: server for server in servers.all()}
    return LabInfo(
        endpoint=endpoint.url,
        url=created.url,
        target_group_arn=created.target_group_arn,
        load_balancer_arn=created.load_balancer_arn,
        targets=tuple(
            Target(server.id, options.port, server.address, server.zone, str(server.folder))
            for server in (known[one] for one in created.instance_ids)
        ),
        env=environment(endpoint.url, created.target_group_arn, endpoint.key),
    )


PREFIX = "katakei-lab-"
LOCK = "alive"


@contextmanager
def lab_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make the folder of a lab, remove it at the end, and remove folders that killed labs left behind.

    The folder's lock is held while the lab runs. Only folders with the lab's prefix and a free lock are removed.

    Args:
        parent: the parent folder; the system's folder for temporary files if absent.
    """
    parent = parent or Path(tempfile.gettempdir())
    _remove_leftovers(parent)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / "new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").rename(folder / LOCK)  # so that the lock file never exists unlocked while the lab runs
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(parent: Path) -> None:
    for lock in parent.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open("r+") as file:
                if _is_unlocked(file):
                    shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # another user's folder, or another lab has removed it
            continue


def _is_unlocked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
