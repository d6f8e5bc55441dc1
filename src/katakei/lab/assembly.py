"""A whole lab in this process: block, servers, data plane, ELBv2, EC2, Run Command, endpoint, set up and healthy.
Each part is started here and ended here, in reverse order, whatever happens in between.
"""

import fcntl
import shutil
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from katakei.lab.address import claim_block
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

ENVOYS_ZONE = 13
"""The subnet whose addresses the data plane connects from; no instance is ever put there."""


@contextmanager
def assembled(options: LabOptions, ending: threading.Event) -> Iterator[LabInfo | None]:
    """A lab whose targets are healthy, while the context lasts; None when `ending` was set before it was so."""
    if ending.is_set():  # while all this was imported
        yield None
        return
    with ExitStack() as parts:
        root = parts.enter_context(lab_folder())
        block = claim_block()
        parts.callback(block.close)
        servers = Servers(root / "servers", options.port)
        parts.callback(servers.close)
        region = Region(servers, ACCOUNT, REGION)
        envoy = Envoy(root / "envoy", lambda n: block.address(ENVOYS_ZONE, n))
        envoy.start(within=15)
        parts.callback(envoy.stop)
        elb = Elb(TargetState(REGION, ACCOUNT, region, block.node), envoy)
        ec2 = Ec2(servers, block, ACCOUNT, lambda instance, state: elb.instance_changed(instance, state.value[0]))
        ec2.install()
        parts.callback(ec2.close)
        elb.start()
        parts.callback(elb.close)
        faults = FaultInjector(Faults(lag=options.lag.total_seconds()))
        faults.listen(ServerFaults(servers).apply_faults)
        commands = RunCommand(ManagedNodes(ec2, servers), lambda: _switches(faults.now), ACCOUNT)
        parts.callback(run_command.install(commands))
        commands.start()
        parts.callback(commands.close)
        endpoint = Endpoint(elb, faults)
        endpoint.start()
        parts.callback(endpoint.close)
        created = create_resources(options, block, region, elb, ending)
        if created is None:
            yield None
            return
        endpoint.warm()
        yield _facts(created, endpoint, servers, options)


class ServerFaults:
    """Breaks on the servers what the faults name there, and mends what they no longer name."""

    def __init__(self, servers: Servers) -> None:
        self._servers = servers

    def apply_faults(self, before: Faults, after: Faults) -> None:
        """The faults have changed. An instance nobody knows is passed over."""
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


def _switches(faults: Faults) -> RunCommandSettings:
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
        env=environment(endpoint.url, created.target_group_arn),
    )


PREFIX = "katakei-lab-"
LOCK = "alive"


@contextmanager
def lab_folder(among: Path | None = None) -> Iterator[Path]:
    """A new folder in `among` (the system's place for temporary files). Its lock is held while the lab lives."""
    place = among or Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    with (folder / "new").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        (folder / "new").rename(folder / LOCK)  # so that nobody ever sees it unlocked while we live
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    for lock in place.glob(f"{PREFIX}*/{LOCK}"):
        try:
            with lock.open("r+") as file:
                if _free(file):
                    shutil.rmtree(lock.parent, ignore_errors=True)
        except OSError:  # somebody else's, or swept by somebody else
            continue


def _free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
