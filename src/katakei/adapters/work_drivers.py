"""The drivers that reach targets: which executor and which carrier of a probe answer to which name.

`bootstrap` alone uses this. Each adapter is imported and made when it is first needed.
"""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from katakei.adapters.system.clock import SystemClock, draw
from katakei.domain.errors import UsageError
from katakei.domain.instances import InstanceAction
from katakei.domain.leases import Owner
from katakei.domain.ports import Clock, Executor, Probe, ProgramRunner
from katakei.domain.spec import Command, Spec, SshAccess, Variable

if TYPE_CHECKING:
    from katakei.adapters.aws import AwsSession
    from katakei.adapters.executors.local.driver import LocalExecutor
    from katakei.adapters.executors.ssh import SshClient


class WorkDrivers:
    """One executor for each name, way and set of secrets.

    Args:
        aws: The AWS session, made when it is first needed.
        clock: The clock of the command or session.
        owner: The identity of this process.
    """

    def __init__(self, aws: "Callable[[], AwsSession]", clock: Clock, owner: Owner) -> None:
        self._aws, self._clock, self._owner = aws, clock, owner
        self._made: dict[tuple[str, SshAccess | None, tuple[Variable, ...], InstanceAction | None], Executor] = {}
        self._ssh_clients: dict[SshAccess, SshClient] = {}

    def executor(self, command: Command) -> Executor:
        """The executor of this command. Commands of one way and with the same secrets share it."""
        secrets = tuple(variable for variable in command.env if variable.secret)
        kind = command.executor, command.ssh, secrets, command.instance
        if kind not in self._made:
            action, way = command.instance, command.ssh
            self._made[kind] = self._ec2(action, way) if action else self._executor(*kind[:3])
        return self._made[kind]

    def _ec2(self, action: InstanceAction, way: SshAccess | None) -> Executor:
        from katakei.adapters.executors.ec2 import Ec2Executor
        from katakei.adapters.executors.ec2.calls import InstanceCalls

        runner = self._carrier(action.by, way) if action.by else None
        reach = self.executor(Command(action.by, ssh=way)) if action.by else None
        return Ec2Executor(InstanceCalls(self._aws()), action, self._clock, runner, reach)

    def _executor(self, name: str, access: SshAccess | None, secrets: tuple[Variable, ...]) -> Executor:
        if name == "ssm":
            from katakei.adapters.executors.ssm import SsmExecutor

            return SsmExecutor(self._aws(), self._clock)
        if name == "ssh":
            from katakei.adapters.executors.ssh import SshExecutor

            return SshExecutor(self._ssh(access), self._clock, os.environ, secrets)
        if name == "manual":
            from katakei.adapters.executors.manual import ManualExecutor

            return ManualExecutor()
        if name == "local":
            return self._local(secrets)
        raise UsageError(f"there is no executor {name!r}; there are: ssm, ssh, local, manual, ec2")

    def _local(self, secrets: tuple[Variable, ...]) -> "LocalExecutor":
        from katakei.adapters.executors.local.driver import LocalExecutor
        from katakei.adapters.executors.local.state_folder import Here, folder_of
        from katakei.adapters.system.process import current_place

        place = current_place()
        machine = Here(self._owner.host, self._owner.boot, place.pids, place.machine)
        return LocalExecutor(folder_of(os.environ), machine, lambda: SystemClock().now(), draw(12), os.environ, secrets)

    def probe(self, spec: Spec) -> Probe | None:
        """The drain probe, which runs on the targets by the executor that carries it."""
        if not spec.carrier:
            return None
        from katakei.adapters.probes.choice import probe_of

        return probe_of(spec.drain, self._carrier(spec.carrier, spec.carrier_access), self._clock)

    def _carrier(self, name: str, access: SshAccess | None) -> ProgramRunner:
        if name == "ssh":
            from katakei.adapters.executors.ssh import SshProgramRunner

            return SshProgramRunner(self._ssh(access), self._clock)
        if name != "ssm":
            raise UsageError(f"{name!r} cannot run a probe on the targets; only ssm and ssh can: use until: delay")
        from katakei.adapters.executors.ssm import SsmProgramRunner

        return SsmProgramRunner(self._aws(), self._clock)

    def _ssh(self, access: SshAccess | None) -> "SshClient":
        """One client for each way to the targets: the work and the probe share its connections."""
        from katakei.adapters.executors.ssh import ssh_client

        way = access or SshAccess()
        if way not in self._ssh_clients:
            self._ssh_clients[way] = ssh_client(way, self._aws(), os.environ)
        return self._ssh_clients[way]

    def close(self) -> None:
        """Ends the connections. Work on targets goes on."""
        for client in self._ssh_clients.values():
            client.close()
